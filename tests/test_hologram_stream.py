"""Holograms through the emulated board: each cell is an event with its field and place, the same as the law finds."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyarrow.dataset as ds
import pytest
from numpy.typing import NDArray

from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.cores import Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.flow import Loss
from cytogate.host.stream.carrier import EVERY, REMEMBERED, CarrierWatch
from cytogate.host.stream.cells import CROWDED_FIELD, EMPTY_FIELD, Flag, SourceCell
from cytogate.model.command.dispatch import main
from cytogate.model.contract.off_axis import MOST_CELLS
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.answers import FieldAnswer, FieldForm, FoundCell
from cytogate.model.interface.axi_dma import DmaControl, DmaRegister, DmaStatus
from cytogate.model.interface.bundle import Bundle, read_bundle
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.kernel_calibration import calibration_words
from cytogate.model.retrieval.off_axis.sideband import Sideband
from cytogate.model.simulation.hologram_squares import WITHIN_UM
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.faults import Fault, FaultKind
from cytogate.sim.board.job import emulate
from cytogate.sim.board.kernels import LightHolograms
from tests.holograms import OPTICS, fields, fringed, off_axis_design, packed, write_design, write_light_bundle
from tests.test_cores import FakePort, fake_chip

FIELDS = 7
DESIGN = off_axis_design(optics=dataclasses.replace(OPTICS, least_area_um2=0.5))
"""Of small cells, of which a field holds more than are followed."""
EMPTY, CROWDED = 2, 4
"""Fields without a cell, and with 81."""


def answer(cells: int, classes: int = 3, seed: int = 0, *, is_crowded: bool = False) -> FieldAnswer:
    rng = np.random.default_rng(seed)
    found = (
        FoundCell(
            (int(rng.integers(8192)), int(rng.integers(8192))),
            int(rng.integers(1 << 19)),
            int(rng.integers(4)),
            rng.integers(-(1 << 31), 1 << 31, classes),
        )
        for _ in range(cells)
    )
    return FieldAnswer(tuple(found), is_crowded)


def test_words_of_fields_are_read_as_they_were_sent() -> None:
    sent = [answer(3), answer(0), answer(MOST_CELLS, seed=1), answer(0, is_crowded=True), answer(1, seed=2)]
    words = np.array([word for each in sent for word in each.words()], "<u4")
    form = FieldForm(3)
    assert form.is_due(len(words), len(sent))
    assert max(len(each.words()) for each in sent) == form.most_words(1)
    found = form.read(words, len(sent))
    assert found is not None
    compared = 0
    for one, other in zip(sent, found, strict=True):
        assert one.is_crowded == other.is_crowded
        for cell, same in zip(one.cells, other.cells, strict=True):
            assert (cell.center, cell.area, cell.flags) == (same.center, same.area, same.flags)
            assert cell.logits.tolist() == same.logits.tolist()
            compared += 1
    assert compared == 3 + MOST_CELLS + 1


def test_words_that_are_not_those_of_so_many_fields_are_no_answer() -> None:
    form, words = FieldForm(3), np.array([*answer(2).words(), *answer(1).words()], "<u4")
    assert form.read(words, 2) is not None
    assert form.read(words, 1) is None
    assert form.read(words, 3) is None
    assert form.read(words[:-1], 2) is None
    assert not form.is_due(len(words) - 1, 2)
    assert not form.is_due(1, 2)
    assert not form.is_due(form.most_words(2) + 5, 2)
    too_many = words.copy()
    too_many[0] = MOST_CELLS + 1
    assert form.read(too_many, 2) is None


def holograms() -> NDArray[np.uint8]:
    """Fields of two cells, one without any and one of 81."""
    made = fields(FIELDS, cells=2)
    frames = np.stack([each.frame for each in made])
    frames[EMPTY] = made.empty_field(EMPTY)
    y, x = np.mgrid[:256, :256] % 27
    frames[CROWDED] = made._camera(1.5 * ((y < 13) & (x < 13)), CROWDED)
    return frames


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of holograms, a reference field and a bundle with a network that is none."""
    folder, design = tmp_path_factory.mktemp("lab"), DESIGN
    made = fields(FIELDS, cells=2)
    with h5py.File(folder / "cells.h5", "w") as file:
        file["frames"] = holograms()[:, None]
    write_light_bundle(folder, design, [made.empty_field(index) for index in range(2)])
    return folder


def rows(folder: Path) -> list[dict]:
    return ds.dataset(folder / "events", format="parquet").to_table().to_pylist()


def expected(lab: Path, design: Design) -> list[integer.OffAxisWords]:
    sideband = Sideband.of(design)
    phasor = integer.reference_phasor(np.load(lab / "reference.npy") * sideband.ramp)
    return [integer.retrieve(each, design, phasor) for each in holograms()]


def test_each_cell_is_an_event_with_its_field_and_place(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["stream", "--input", str(lab / "cells.h5"), "--bundle", str(lab / "b.zip")]
    command += ["--device", "emulated-light", "--output", str(tmp_path / "run"), "--batch", "3"]
    assert main(command) == 0
    found, compared, design = rows(tmp_path / "run"), 0, DESIGN
    for field, words in enumerate(expected(lab, design)):
        own = [row for row in found if row["index"] == field]
        assert {row["position"] for row in own} == {field}
        if field in (EMPTY, CROWDED):
            (row,) = own
            assert row["reason"] == (EMPTY_FIELD if field == EMPTY else CROWDED_FIELD)
            assert row["decision"] == ("empty" if field == EMPTY else "crowded")
            assert row["flags"] == (Flag.CROWDED if field == CROWDED else 0)
            assert row["logits"] is row["center_y"] is row["class"] is None
            continue
        assert len(own) == len(words.center) > 0
        for row, center, region, square in zip(own, words.center, words.region, words.network_input, strict=True):
            assert [row["center_y"], row["center_x"]] == (center / 16).tolist()
            assert row["cell_area"] == region[0]
            flags = (Flag.CLIPPED if region[1] & 1 else 0) | (Flag.SEVERAL if region[1] & 2 else 0)
            assert row["flags"] == flags
            assert row["logits"] == [int(part.sum()) % (1 << 11) for part in np.array_split(square.ravel(), 2)]
            assert row["decision"] == ("untrusted" if flags else row["decision"])
            compared += 1
    assert compared == len(found) - 2 == 9
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    counted = {"arrived": FIELDS, "finished": FIELDS, "events": len(found), "cells": len(found) - 2, "lost": 0}
    assert {name: report[name] for name in counted} == counted
    assert (report["arrivals"], report["rows"]) == ("holograms", len(found))
    assert f"9 cells in {FIELDS} holograms of" in capsys.readouterr().out
    assert (report["decisions"]["empty"], report["decisions"]["crowded"]) == (1, 1)
    assert "lost" not in report["decisions"]
    assert report["told"] == []
    assert main(command) == 0
    assert len(rows(tmp_path / "run")) == len(found)
    capsys.readouterr()
    assert main([*command[:-1], "1", "--live", "0", "--output", str(tmp_path / "shown")]) == 0
    page = (tmp_path / "shown" / "page.html").read_text(encoding="utf-8")
    assert "path delay as the chip computes it" in page
    capsys.readouterr()
    for option in (["--features"], ["--images", "a"]):
        assert main([*command[:-1], "1", *option, "--output", str(tmp_path / "other")]) == 2
        assert "takes off-axis holograms, of which a stream has no --" in capsys.readouterr().err


def test_kernels_are_calibrated_behind_every_reset(lab: Path) -> None:
    """A batch that stalls costs its own holograms: those behind the reset are found as before it."""
    bundle, calibrations = read_bundle(lab / "b.zip"), []
    kernel = LightHolograms(bundle)

    def calibrate(words: NDArray[np.uint64]) -> None:
        calibrations.append(len(words))
        kernel.calibrate(words)

    def device(given: Bundle) -> EmulatedBoard:
        return EmulatedBoard(given, kernel, [Fault(FaultKind.STALL, 1)], calibrate=calibrate)

    with Accelerator(bundle.path, device=provider(device), batch=2, deadline_s=10) as accelerator:
        results = list(accelerator.stream([hologram[np.newaxis] for hologram in holograms()]))
    assert [result.index for result in results if result.lost is not None] == [2, 3]
    assert calibrations == [len(calibration_words(DESIGN, np.zeros((DESIGN.map_size,) * 2 + (2,), np.int64)))] * 2
    compared = 0
    for result, words in zip(results, expected(lab, DESIGN), strict=True):
        if result.field is not None:
            assert [cell.center for cell in result.field.cells] == [tuple(center) for center in words.center.tolist()]
            compared += 1
    assert compared == FIELDS - 2


def test_kernels_without_a_calibration_take_no_hologram(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cores, "calibrate", lambda self, address, size: None)
    with Accelerator(lab / "b.zip", device="emulated-light", deadline_s=0.2) as accelerator:
        (result,) = accelerator.stream([holograms()[0][np.newaxis]])
    assert result.lost is not None
    assert result.lost.startswith(Loss.STALLED.value)


@pytest.mark.parametrize(
    "words", [np.zeros(7 + DESIGN.map_size**2), np.zeros(DESIGN.map_size**2, np.uint64), np.array(3, np.uint64)]
)
def test_a_calibration_of_another_form_is_refused(words: NDArray, lab: Path, tmp_path: Path) -> None:
    shutil.copytree(lab, tmp_path / "lab")
    np.save(tmp_path / "lab" / "kernels.npy", words)
    accelerator = Accelerator(packed(tmp_path / "lab", DESIGN), device="emulated-light")
    with pytest.raises(InputError, match=r"calibration/kernels.npy: an array .* is needed"):
        accelerator.__enter__()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (DmaStatus(0), "the kernels do not take their calibration within"),
        (
            DmaStatus.DECODE_ERROR,
            "the calibration did not reach the kernels; its DMA: busy, decode",
        ),
    ],
)
def test_a_calibration_that_does_not_arrive_is_told(status: DmaStatus, told: str) -> None:
    chip, *_ = fake_chip()
    port = FakePort({DmaRegister.STATUS.value: int(status)})
    with pytest.raises(BoardFailed, match=told):
        dataclasses.replace(chip, calibration=port).calibrate(0x1_2345_6780, 64)
    assert port.written == [
        (DmaRegister.CONTROL, DmaControl.RUN), (DmaRegister.ADDRESS, 0x2345_6780), (DmaRegister.ADDRESS_HIGH, 1),
        (DmaRegister.LENGTH, 64),
    ]  # fmt: skip


def test_a_channel_that_stays_halted_is_told_no_transfer() -> None:
    chip, *_ = fake_chip()
    port = FakePort({DmaRegister.STATUS.value: int(DmaStatus.HALTED)})
    with pytest.raises(BoardFailed, match="the calibration's DMA does not start within"):
        dataclasses.replace(chip, calibration=port).calibrate(64, 64)
    assert port.written == [(DmaRegister.CONTROL, DmaControl.RUN)]


def test_the_simulator_has_no_holograms_of_a_calibrated_instrument(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["stream", "--bundle", str(lab / "b.zip"), "--device", "emulated-light"]
    command += ["--output", str(tmp_path / "run")]
    assert main([*command, "--simulate"]) == 2
    assert "is calibrated to an instrument of its own; give its holograms by --input" in capsys.readouterr().err
    assert main([*command, "--input", str(lab / "cells.h5"), "--device", "emulated-rtl"]) == 2
    assert "holograms have no kernel in SystemVerilog" in capsys.readouterr().err


def test_a_chip_takes_holograms_of_its_size_alone(tmp_path: Path) -> None:

    design = off_axis_design(optics=dataclasses.replace(OPTICS, rows=250))
    with pytest.raises(InputError, match="the chip takes holograms of 256x256, its camera gives 250x256"):
        emulate(design, tmp_path)
    with pytest.raises(InputError, match="has no reference field; `cytogate calibrate"):
        emulate(off_axis_design(), tmp_path)


def watched(carrier: tuple[float, float], count: int) -> tuple[str, ...]:
    """Return the alarms of so many holograms without cells."""
    design, size = off_axis_design(), 256
    watch = CarrierWatch(design, reference_field(design))
    frame = fringed(np.zeros((size, size)), carrier, (size, size))[None]
    cells = (SourceCell("file", position, frame) for position in range(count))
    assert sum(cell is not None for cell in watch.watched(cells)) == count
    return watch.told


def test_a_carrier_that_moves_raises_an_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    """By a third of a bin of 256, once enough holograms have said so; not by an eighth."""
    calibrated = off_axis_design().calibrated
    enough = (REMEMBERED - 1) * EVERY + 1
    moved = calibrated.carrier_y + 1 / 3 / 256, calibrated.carrier_x
    (told,) = watched(moved, enough)
    assert told.startswith("file, hologram 32: the carrier has moved since the calibration, it lies 0.3")
    assert told in capsys.readouterr().err
    assert not watched(moved, enough - 1)
    assert not watched((calibrated.carrier_y + 1 / 8 / 256, calibrated.carrier_x), enough)
    assert not watched((calibrated.carrier_y, calibrated.carrier_x), enough)
    assert "there are no fringes" in watched((0.0, 0.0), enough)[0]


def test_cells_and_what_the_instrument_bends_are_no_drift(lab: Path) -> None:
    design = off_axis_design()
    watch = CarrierWatch(design, np.load(lab / "reference.npy") * Sideband.of(design).ramp)
    moved = [watch.moved(each) for field, each in enumerate(holograms()) if field != CROWDED]
    assert len(moved) == FIELDS - 1
    assert max(moved) < 0.1


@pytest.mark.full
def test_five_hundred_holograms_through_the_emulated_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every true cell is found once, and each event has the logits of the integer model; all kernels in C++."""
    from cytogate.model.networks.build import build
    from cytogate.model.networks.keras_backend import keras
    from cytogate.model.networks.saved import load_operations, save_network

    monkeypatch.chdir(tmp_path)
    folder, count = write_design(tmp_path / "holo"), 500
    lines = ["--classes", "a=PBMC,b=THP1"]
    for name, options in (
        ("few.h5", ["--cells", "4", *lines]),
        ("empty.h5", ["--cells", "4", "--empty-field", *lines]),
        ("cells.h5", ["--cells", str(count), *lines]),
    ):
        assert main(["simulate", "--design", str(folder), "--output", name, *options]) == 0
    assert main(["calibrate", "--design", str(folder), "--input", "few.h5", "--reference", "empty.h5"]) == 0
    design = load_design(folder)
    keras.utils.set_random_seed(5)
    save_network(build(design, quantized=True), design, quantized=True)
    assert main(["emulate", "--design", str(folder), "--output", "."]) == 0
    bundle = next(tmp_path.glob("*.zip"))
    command = ["stream", "--input", "cells.h5", "--bundle", str(bundle), "--device", "emulated", "--output", "run"]
    assert main(command) == 0

    network, phasor = load_operations(design), integer.reference_phasor(reference_field(design))
    events, compared, once = rows(tmp_path / "run"), 0, 0
    with h5py.File("cells.h5") as file:
        frames, of_field, centers = file["frames"], file["cell_field"][:], file["cell_center"][:] / design.binning
        for field in range(count):
            own = [row for row in events if row["index"] == field and row["logits"] is not None]
            words = integer.retrieve(frames[field, 0], design, phasor)
            assert len(own) == len(words.center)
            logits = network.classify(words.network_input) if own else []
            for row, center, due in zip(own, words.center, logits, strict=True):
                assert [row["center_y"], row["center_x"]] == (center / 16).tolist()
                assert row["logits"] == due.tolist()
                compared += 1
            for place in centers[of_field == field]:
                apart = np.hypot(*(place - [[row["center_y"], row["center_x"]] for row in own]).T)
                assert np.count_nonzero(apart * design.pixel_um[0] < WITHIN_UM) == 1
                once += 1
    assert once == compared == len(of_field) > count
    assert len({row["class"] for row in events}) > 1
    capsys.readouterr()
