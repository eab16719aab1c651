"""Cells of simulated holograms with labels, and the verbs that take a hologram to the class of each cell."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model import train
from cytogate.model.command.dispatch import main
from cytogate.model.contract.off_axis import off_axis_contract
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.own_holograms import OwnHolograms, write_own_squares
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design, Network
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Compact, Published
from cytogate.model.estimates.holograms import CELLS_A_FIELD, estimate_holograms
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import settle_weights, snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import load_operations, save_network
from cytogate.model.networks.shapes import network_shapes
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.cells import MapCell
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.simulation.hologram_cells import CalibratedHolograms, write_hologram_cells
from cytogate.model.simulation.hologram_squares import named_by_place, on_map
from tests.holograms import off_axis_design
from tests.test_networks import lived_in

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


@pytest.mark.parametrize("nearest_first", [True, False])
def test_of_two_marks_at_a_cell_the_nearer_one_is_its_own(nearest_first: bool) -> None:
    """In whatever order the file has them."""
    (cell,) = [MapCell(slice(60, 68), slice(60, 68), np.ones((8, 8), bool), 64, (64.0, 64.0), False, False)]
    (top, left), binning = Placing.of(DESIGN).corner, DESIGN.binning
    marks = [(64.0 * binning - top, 64.0 * binning - left)]
    marks.append((marks[0][0] + 1.9 / DESIGN.pixel_um[0] * binning, marks[0][1]))
    labels = [0, 1]
    if not nearest_first:
        marks, labels = marks[::-1], labels[::-1]
    assert named_by_place([cell], marks, labels, DESIGN) == [0]


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
    # Weights as training leaves them: without, logits are alike, and which is highest tells nothing.
    model = lived_in(build(loaded, quantized=True), 5)
    snap_batch_normalization(model)
    settle_weights(model)
    save_network(model, loaded, quantized=True)
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
    # What has no fringes holds no cell, though the chain would find some: noise, and a cell without a reference beam.
    y, x = np.ogrid[-128:128, -128:128]
    noise = np.random.default_rng(0).integers(108, 113, frames[0].shape)
    shadow = 110 + 90 * np.exp(-(y * y + x * x) / 200)
    np.save(tmp_path / "none.npy", np.stack([noise, shadow, frames[0]]).astype(frames.dtype))
    for index in range(2):
        words = integer.retrieve(np.load(tmp_path / "none.npy")[index], design, phasor)
        assert words.cells.cells or words.cells.is_crowded
    without = ["predict", "--design", str(lab / "holo"), "--input", str(tmp_path / "none.npy"), "--output", str(table)]
    assert main(without) == 0
    with table.open(encoding="utf-8") as file:
        faults = {row["field"]: row["fault"].split(":")[0] for row in csv.DictReader(file)}
    assert faults == {"0": "no fringes at the calibrated carrier", "1": "no fringes at the calibrated carrier", "2": ""}
    capsys.readouterr()
    assert main([*command, "--output", str(tmp_path / "folder")]) == 2
    assert "of which one file is classified at a time" in capsys.readouterr().err


@pytest.fixture(scope="module")
def labelled(lab: Path) -> Path:
    """Return holograms whose cells are marked."""
    path = lab / "labelled.h5"
    assert main(["simulate", "--design", str(lab / "holo"), "--output", str(path), "--cells", "24"]) == 0
    return path


def rewritten(path: Path, to: Path, change: Callable[[h5py.File], None]) -> Path:
    """Copy a file of holograms and change the copy."""
    shutil.copy(path, to)
    with h5py.File(to, "r+") as file:
        change(file)
    return to


def put(name: str, values: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file.pop(name, None)
        file[name] = values

    return change


def noisy(file: h5py.File) -> None:
    """Put a hologram without fringes in place of one."""
    file["frames"][7] = np.random.default_rng(0).integers(1000, 1030, file["frames"].shape[1:])


def unmarked(labels: np.ndarray) -> Callable[[h5py.File], None]:
    """Make holograms that have a label each instead of marked cells."""

    def change(file: h5py.File) -> None:
        for name in ("cell_field", "cell_center", "cell_label", "cell_class_names"):
            del file[name]
        file["labels"], file["class_names"] = labels, np.array(LINES, "S")

    return change


def test_own_cells_are_those_that_the_chip_cuts_out(labelled: Path, lab: Path, tmp_path: Path) -> None:
    """Marked one by one or by their hologram; each labelled cell once, what is not marked not at all."""
    design = load_design(lab / "holo")
    phasor = integer.reference_phasor(reference_field(design))
    with h5py.File(labelled) as file:
        frames, of_field, labels = file["frames"][:, 0], file["cell_field"][:], file["cell_label"][:]
        centers = file["cell_center"][:]
    of_hologram = np.arange(len(frames)) % 2
    first = of_field == 0

    def without_first(file: h5py.File) -> None:
        for name in ("cell_field", "cell_center", "cell_label"):
            put(name, file[name][:][~first])(file)

    ways = {
        "marked": labelled,
        "by hologram": rewritten(labelled, tmp_path / "by.h5", unmarked(of_hologram)),
        "one not marked": rewritten(labelled, tmp_path / "less.h5", without_first),
    }
    compared = 0
    for way, path in ways.items():
        own = OwnHolograms.of(path, None, design)
        assert own.simulated
        write_own_squares(own, design, tmp_path / f"{way}.h5", workers=1)
        written = CellFile.of(tmp_path / f"{way}.h5", design)
        squares, due = written.read(np.arange(len(written.labels))), 0
        for index, frame in enumerate(frames):
            words = integer.retrieve(frame, design, phasor)
            for cell, square in zip(words.cells.cells, words.network_input, strict=True):
                marked = np.flatnonzero(of_field == index)
                apart = [np.hypot(*np.subtract(on_map(tuple(centers[one]), design), cell.center)) for one in marked]
                label = labels[marked[int(np.argmin(apart))]] if way != "by hologram" else of_hologram[index]
                if cell.flags or (way == "one not marked" and index == 0):
                    continue
                assert written.labels[due] == label
                assert np.array_equal(squares[due], square)
                due += 1
                compared += 1
        assert due == len(written.labels) >= len(of_field) - np.count_nonzero(first) - 4
    assert compared > 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.pop("cell_label"), "cells are marked without cell_label"),
        (put("cell_label", np.zeros(3, np.int64)), "there are 3 cell_label for"),
        (lambda file: file["cell_label"].write_direct(np.full(file["cell_label"].shape, 7)), "marked cell 0 is 7"),
        (put("cell_class_names", np.array(["a", "b"], "S")), "its classes are a, b; design holo has PBMC, THP1"),
        (lambda file: put("cell_field", file["cell_field"][:] + 24)(file), "on hologram 24; there are 24 of 256x256"),
        (lambda file: put("cell_center", file["cell_center"][:] * np.nan)(file), "marked cell 0 lies at nan, nan"),
        (lambda file: put("cell_center", file["cell_center"][:] + 250)(file), "there are 24 of 256x256"),
        (lambda file: put("cell_center", file["cell_center"][:].T)(file), "rows and columns needed"),
        (lambda file: put("cell_center", np.zeros((0, 2)))(file), "no cell is marked"),
        (unmarked(np.zeros(9, np.int64)), "there are 9 labels for 24 "),
        (unmarked(np.zeros(24, np.int64)), "cells of a class: THP1 0"),
        (lambda file: put("frames", np.full(file["frames"].shape, 4095, np.uint16))(file), "24 of 24 holograms cannot"),
        (noisy, "1 of 24 holograms cannot be trained on"),
        (lambda file: [file.pop(name) for name in list(file) if name.startswith("cell_")], "holds no labels"),
    ],
)  # fmt: skip
def test_labels_that_are_not_believed(
    change: Callable[[h5py.File], None], said: str, labelled: Path, lab: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = rewritten(labelled, tmp_path / "wrong.h5", change)
    command = ["train", "--design", str(lab / "holo"), "--work", str(tmp_path / "work")]
    assert main([*command, "--input", str(path)]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in told
    assert "wrong.h5" in told


def test_train_on_holograms_of_ones_own(
    labelled: Path, lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells of a hologram, or of its group, are never on two sides; a network is written that `predict` takes."""
    shutil.copytree(lab / "holo", tmp_path / "holo")
    design = ["--design", str(tmp_path / "holo")]
    grouped = rewritten(labelled, tmp_path / "grouped.h5", put("groups", np.arange(24) // 3))
    command = ["train", *design, "--input", str(grouped), "--epochs", "1", "--fine-tune-epochs", "0"]
    splits: list[Split] = []
    train_both = train.train_both

    def watched(design: Design, cells: CellFile, split: Split, *rest: object) -> object:
        splits.append(split)
        return train_both(design, cells, split, *rest)

    monkeypatch.setattr(train, "train_both", watched)
    before = (tmp_path / "holo/network/quantized.weights.h5").read_bytes()
    # So small a training may fail its verdict; its network is written all the same.
    assert main([*command, "--work", str(tmp_path / "work")]) in (0, 1)
    assert (tmp_path / "holo/network/quantized.weights.h5").read_bytes() != before
    record = json.loads((tmp_path / "holo/record.json").read_text(encoding="utf-8"))
    assert record["simulated"]
    assert record["data"]["groups"] == [str(group) for group in range(8)]
    assert record["data"]["fields"] == 24
    assert sum(record["split"].values()) == record["data"]["cells"] == sum(record["data"]["cells of a class"].values())
    with h5py.File(next((tmp_path / "work/holo").glob("inputs-*.h5"))) as file:
        group_of = file["field"][:] // 3
    sides = [set(group_of[getattr(splits[0], part)].tolist()) for part in ("training", "validation", "test")]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 8
    table = tmp_path / "cells.csv"
    assert main(["predict", *design, "--input", str(labelled), "--output", str(table)]) == 0
    capsys.readouterr()


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
def test_csim_simulates_the_first_sound_holograms_or_fails(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faulty ones are none of those that were asked for; where all are, nothing was compared, and nothing passes."""
    with h5py.File(lab / "cells.h5") as file:
        frames = file["frames"][:]
    noise = np.random.default_rng(0).integers(108, 113, frames.shape).astype(frames.dtype)
    np.save(tmp_path / "late.npy", np.concatenate([noise, frames[:1]]))
    np.save(tmp_path / "one.npy", np.concatenate([frames[:1], noise]))
    command = ["csim", "--design", str(lab / "holo"), "--cells", "1", "--output", str(tmp_path / "out"), "--input"]
    found = []
    for name in ("late.npy", "one.npy"):
        assert main([*command, str(tmp_path / name)]) == 0
        report = json.loads((tmp_path / "out/report.json").read_text())
        found.append({key: report[key] for key in ("csim_fields", "csim_cells", "stages", "not_compared")})
        assert report["csim_fields"] == 1
        assert report["not_compared"] == []
    assert found[0] == found[1]
    np.save(tmp_path / "none.npy", noise)
    assert main([*command, str(tmp_path / "none.npy")]) == 2
    assert "not one hologram" in capsys.readouterr().err


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
