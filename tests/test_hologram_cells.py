"""Cells of simulated holograms with labels, and the verbs that take a hologram to the class of each cell."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.contract.off_axis import off_axis_contract
from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.design import Design, Network
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Compact, Published
from cytogate.model.estimates.holograms import CELLS_A_FIELD, estimate_holograms
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import load_operations, save_network
from cytogate.model.networks.shapes import network_shapes
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.simulation.hologram_cells import CalibratedHolograms, on_map, write_hologram_cells
from tests.holograms import off_axis_design

LINES = ("PBMC", "THP1")
SMALL = Network(LINES, Compact(filters=(2, 4, 4), dense=4))
DESIGN = dataclasses.replace(off_axis_design(), network=SMALL)


@pytest.fixture(scope="module")
def made() -> CalibratedHolograms:
    return CalibratedHolograms.of(DESIGN, fields=3, seed=4)


def test_true_cells_are_cut_out_with_their_labels(made: CalibratedHolograms, tmp_path: Path) -> None:
    write_hologram_cells(made, tmp_path / "cells.h5", workers=1)
    write_hologram_cells(made, tmp_path / "empty.h5", background_only=True, workers=1)
    cells, empty = (CellFile.of(tmp_path / name, DESIGN) for name in ("cells.h5", "empty.h5"))
    truths = [made.holograms.truth(index) for index in range(3)]
    assert sorted(cells.labels.tolist()) == sorted(label for truth in truths for label in truth.labels)
    assert np.array_equal(cells.labels, empty.labels)
    with h5py.File(tmp_path / "cells.h5") as file:
        of_field, squares = file["field"][:], file["network_input"][:]
    compared = 0
    for index, truth in enumerate(truths):
        words = integer.retrieve(made.holograms[index].frame, DESIGN, made.phasor)
        names = made.named(index, words.cells.cells)
        assert np.array_equal(squares[of_field == index], words.network_input)
        assert cells.labels[of_field == index].tolist() == names
        for cell, label in zip(words.cells.cells, names, strict=True):
            place = min((np.hypot(*np.subtract(on_map(center, DESIGN), cell.center)), own)
                        for center, own in zip(truth.centers, truth.labels, strict=True))  # fmt: skip
            assert place[1] == label
            compared += 1
    assert compared == len(cells.labels) >= 4
    # Of an empty field there is no path delay but noise: codes about that of none.
    backgrounds = empty.read(np.arange(len(empty.labels)))
    assert np.abs(backgrounds.astype(int) - 16).max() < 4
    assert squares.max() > 60


def test_a_cell_that_is_none_has_no_label(made: CalibratedHolograms) -> None:
    index = 0
    found = integer.retrieve(made.holograms[index].frame, DESIGN, made.phasor).cells.cells
    stray = dataclasses.replace(found[0], center=(1.0, 1.0))
    assert made.named(index, [stray]) == [None]
    assert None not in made.named(index, found)
    # Two at one true cell: one of them is it.
    assert made.named(index, [found[0], found[0]]).count(None) == 1


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a calibrated design with an untrained network, and holograms."""
    folder = tmp_path_factory.mktemp("lab")
    design, own = dataclasses.replace(DESIGN, calibration=None), folder / "holo"
    own.mkdir()
    (own / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    for name, options in (("cells.h5", ["--cells", "3"]), ("empty.h5", ["--cells", "2", "--empty-field"])):
        assert main(["simulate", "--design", str(own), "--output", str(folder / name), *options]) == 0
    command = ["calibrate", "--design", str(own), "--input", str(folder / "cells.h5")]
    assert main([*command, "--reference", str(folder / "empty.h5")]) == 0
    keras.utils.set_random_seed(5)
    loaded = load_design(own)
    save_network(build(loaded, quantized=True), loaded, quantized=True)
    return folder


def test_predict_gives_a_row_a_cell(lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, design = tmp_path / "cells.csv", load_design(lab / "holo")
    command = ["predict", "--design", str(lab / "holo"), "--input", str(lab / "cells.h5")]
    assert main([*command, "--output", str(table)]) == 0
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with h5py.File(lab / "cells.h5") as file:
        frames, of_field = file["frames"][:, 0], file["cell_field"][:]
    phasor, network = integer.reference_phasor(reference_field(design)), load_operations(design)
    compared = 0
    for index, frame in enumerate(frames):
        words = integer.retrieve(frame, design, phasor)
        own = [row for row in rows if int(row["field"]) == index]
        assert [int(row["cell"]) for row in own] == list(range(np.count_nonzero(of_field == index)))
        for row, center, logits in zip(own, words.center, network.classify(words.network_input), strict=True):
            assert [float(row["center_y [px]"]), float(row["center_x [px]"])] == (center / 16).tolist()
            assert row["class"] == LINES[int(logits.argmax())]
            assert row["fault"] == ""
            compared += 1
    assert compared == len(of_field) > 3
    capsys.readouterr()
    assert main([*command, "--output", str(tmp_path / "folder")]) == 2
    assert "of which one file is classified at a time" in capsys.readouterr().err


def test_train_says_what_it_does_not_take(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--design", str(lab / "holo")]
    assert main([*command, "--input", str(lab / "cells.h5")]) == 2
    assert "its network is trained on simulated holograms" in capsys.readouterr().err


def test_estimate_counts_clocks_and_memories_of_each_stage(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = load_design(lab / "holo")
    (of_kv260,) = (each for each in estimate_holograms(design, network_shapes(design)) if each.board == "kv260")
    stages = {stage.name: stage for stage in of_kv260.stages}
    assert stages["rows of the hologram"].cycles == 256**2
    assert stages["columns of the sideband"].cycles == 256 * 128
    assert of_kv260.holograms_per_second == pytest.approx(200e6 / 256**2)
    ends = [stage.after for stage in of_kv260.stages]
    assert ends == sorted(ends)
    # Columns; two maps each for the field and both cosine transforms, one each for background and path delay; a square.
    assert ends[-1] == 256 + 256 * 128 + 8 * 128**2 + 64**2
    assert of_kv260.latency_us > of_kv260.map_latency_us
    assert (stages["rows of the hologram"].area.uram, stages["rows of the hologram"].area.bram36) == (4, 0)
    assert not of_kv260.area.lacking
    larger = dataclasses.replace(design, instrument=OffAxis(), calibration=design.calibration)
    assert estimate_holograms(larger, network_shapes(design))[1].holograms_per_second == pytest.approx(200e6 / 512**2)
    assert main(["estimate", "--design", str(lab / "holo")]) == 0
    assert "estimated; no such RTL exists" in capsys.readouterr().out.replace("\n", " ")
    assert CELLS_A_FIELD == 3
    assert off_axis_contract(design).kernel == "retrieve_delay"


def test_top_gan_reads_maps_of_one_channel() -> None:
    """Its integers are the network's own: every word is exact."""
    design: Design = dataclasses.replace(DESIGN, network=Network(LINES, Published("topgan", 0.05)))
    keras.utils.set_random_seed(6)
    model = build(design, quantized=True)
    # As training leaves it.
    snap_batch_normalization(model)
    network = read_exactly(model)
    assert network.inputs[0].shape == (64, 64, 1)
    assert network.inputs[0].format == off_axis_contract(design).pixel
    assert build(design, quantized=False).output_shape == (None, 2)


@pytest.mark.full
def test_csim_compares_every_stage_from_hologram_to_logits(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["csim", "--design", str(lab / "holo"), "--cells", "2", "--agreement-cells", "4"]
    assert main([*command, "--output", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["true_cells"] == report["found_once"] == report["cells"] >= 4
    stages = {stage["name"]: stage for stage in report["stages"]}
    assert list(stages) == [
        "spectrum", "sideband", "field", "wrapped", "phase", "opd", "found", "center", "region", "network_input",
        "logits",
    ]  # fmt: skip
    cells = report["csim_cells"]
    due = {"spectrum": 2 * (2 * 256 * 128 + 256), "opd": 2 * 128**2, "found": 4, "center": 2 * cells,
           "network_input": 64**2 * cells, "logits": 2 * cells}  # fmt: skip
    assert {name: stages[name]["values"] for name in due} == due
    assert all(stage["differing"] == 0 for stage in stages.values())
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    capsys.readouterr()
