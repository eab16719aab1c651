"""Public sets read from small folders in their published form: every pixel, label, group and part; and their faults."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from PIL import Image

from cytogate.model.command.dispatch import main
from cytogate.model.data.splits import Split
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField, Camera, FourAngle
from cytogate.model.files.frames import open_frames
from cytogate.model.sets import bsccm, cytomad, lymphomnist
from cytogate.model.sets.importing import SETS
from cytogate.model.simulation import making
from cytogate.model.verbs import SETS as NAMED
from tests.conftest import REPOSITORY
from tests.public_sets import (
    ARMS,
    GATES,
    LINES,
    STAGES,
    Truth,
    in_three,
    write_bbbc048,
    write_bsccm,
    write_cytomad,
    write_idx,
    write_jpeg,
    write_lymphomnist,
    write_mat,
    write_meng2018,
)

Folder = Callable[[Path], Truth]


def imported(name: str, folder: Path, *more: str) -> Path:
    path = folder.parent / "cells.h5"
    assert main(["import", name, "--input", str(folder), "--output", str(path), *more]) == 0
    return path


def refused(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence with which a folder is refused; no file appears."""
    path = folder.parent / "cells.h5"
    assert main(["import", name, "--input", str(folder), "--output", str(path)]) == 2
    assert not path.exists()
    (line,) = (each for each in capsys.readouterr().err.splitlines() if each.startswith("cytogate import:"))
    return line


def compared(path: Path, camera: Camera, truth: Truth, frames: list[NDArray], class_names: tuple[str, ...]) -> int:
    """Compare what every verb reads with the truth; return the number of pixels that are equal."""
    with open_frames(path, camera) as file:
        assert file.cells == len(frames)
        found = file.read(0, file.cells)
        np.testing.assert_array_equal(found, np.stack(frames))
        assert file.labels is not None
        assert file.labels.tolist() == truth.labels
        assert file.class_names == class_names
        assert (None if file.groups is None else file.groups.tolist()) == (truth.groups or None)
        assert not file.simulated
    with h5py.File(path) as file:
        assert [each.decode() for each in file["part"][:]] == truth.parts if truth.parts else "part" not in file
        assert all(file.attrs[name] for name in ("title", "address", "licence", "citation", "left_out", "assumed"))
        assert file["frames"].chunks == (1, *found.shape[1:])
    return found.size


ONE = ("bright field",)


def test_bsccm_is_four_angle(tmp_path: Path) -> None:
    truth = in_three(write_bsccm(tmp_path / "BSCCM-tiny"))
    path = imported("bsccm", truth.folder)
    camera = FourAngle(adc_bits=12, rows=128, columns=128)
    assert (
        compared(path, camera, truth, truth.frames, ("lymphocyte", "granulocyte", "monocyte"))
        == len(truth.labels) * 4 * 128 * 128
    )
    assert len(truth.labels) == 16


def test_bsccm_in_ten_classes(tmp_path: Path) -> None:
    truth = write_bsccm(tmp_path / "BSCCMNIST", 33, bsccm.MNIST_SIDE)
    path = imported("bsccm-ten", truth.folder)
    camera = BrightField(ARMS, 1.0, 1.0, 8, 28, 28)
    assert compared(path, camera, truth, truth.frames, GATES) == 30 * 4 * 28 * 28
    with h5py.File(path) as file:
        assert file["frames"].dtype == np.uint8


def test_codes_of_cytomad_are_kept(tmp_path: Path) -> None:
    truth = write_cytomad(tmp_path / "CytoMAD", scaled=False)
    path = imported("cytomad", truth.folder)
    camera = BrightField(cytomad.CHANNELS, 4.5, 3.75, 12, 12, 10)
    assert compared(path, camera, truth, truth.frames, LINES) == 21 * 3 * 3 * 2 * 12 * 10
    with h5py.File(path) as file:
        assert file["scale"][:].tolist() == [[0, 1], [0, 1]]


def test_values_of_cytomad_become_codes_by_one_line(tmp_path: Path) -> None:
    truth = write_cytomad(tmp_path / "CytoMAD")
    path = imported("cytomad", truth.folder / cytomad.ROOT)
    with h5py.File(path) as file:
        codes, scale = file["frames"][:], file["scale"][:]
    values = np.stack(truth.frames)
    assert (codes.min(), codes.max()) == (0, 65535)
    back = scale[:, :1, None] + codes * scale[:, 1:, None]
    assert np.abs(back - values).max() <= 0.5001 * scale[:, 1].max()
    assert codes.size == 21 * 3 * 3 * 2 * 12 * 10
    assert compared(path, BrightField(cytomad.CHANNELS, 1, 1, 16, 12, 10), truth, list(codes), LINES)


def test_a_split_by_days_keeps_each_day_whole(tmp_path: Path) -> None:
    path = imported("cytomad", write_cytomad(tmp_path / "CytoMAD").folder)
    with open_frames(path, BrightField(cytomad.CHANNELS, 1, 1, 16, 12, 10)) as file:
        assert file.labels is not None
        assert file.groups is not None
        split = Split.by_groups(file.labels, file.groups, LINES, 0)
        days = [set(file.groups[part].tolist()) for part in (split.training, split.validation, split.test)]
        assert sum(map(len, (split.training, split.validation, split.test))) == file.cells
    assert min(map(len, days)) > 0
    assert sum(map(len, days)) == len(set.union(*days)) == 7


def test_lymphomnist(tmp_path: Path) -> None:
    truth = write_lymphomnist(tmp_path / "data")
    path = imported("lymphomnist", truth.folder)
    camera = BrightField(ONE, 1, 1, 8, 64, 64)
    assert compared(path, camera, truth, truth.frames, ("B", "T4", "T8")) == 27 * 64 * 64


@pytest.mark.parametrize("spelling", ["code", "page"])
def test_meng2018(spelling: str, tmp_path: Path) -> None:
    truth = write_meng2018(tmp_path / "small", spelling=spelling)
    path = imported("meng2018-largescale", truth.folder)
    camera = BrightField(ONE, 1, 1, 8, 128, 128)
    assert compared(path, camera, truth, truth.frames, ("MB231", "MCF7", "PBMC", "THP1")) == 48 * 128 * 128


def test_bbbc048_hands_no_stain_out(tmp_path: Path) -> None:
    truth = write_bbbc048(tmp_path / "BBBC048v1")
    path = imported("bbbc048", truth.folder)
    camera = BrightField(ONE, 1, 1, 8, 66, 66)
    assert compared(path, camera, truth, truth.frames, STAGES) == 21 * 66 * 66
    with h5py.File(path) as file:
        assert "PI and MPM2" in file.attrs["left_out"]


def test_gray_pictures_in_equal_colors_are_read(tmp_path: Path) -> None:
    truth = write_bbbc048(tmp_path / "BBBC048v1")
    path = truth.folder / "CellCycle" / "G1" / "8_Ch3.ome.jpg"
    Image.open(path).convert("RGB").save(path, "JPEG", quality=100, subsampling=0)
    with Image.open(path) as picture:
        truth.frames[0] = np.array(picture)[None, ..., 0]
    file = imported("bbbc048", truth.folder)
    assert compared(file, BrightField(ONE, 1, 1, 8, 66, 66), truth, truth.frames, STAGES)


def test_some_cells_are_the_same_ones_each_time(tmp_path: Path) -> None:
    truth = write_lymphomnist(tmp_path / "data")
    kept = []
    for _ in range(2):
        with h5py.File(imported("lymphomnist", truth.folder, "--cells", "9")) as file:
            kept.append(file["frames"][:])
    assert kept[0].shape == (9, 1, 64, 64)
    np.testing.assert_array_equal(*kept)
    assert {each.tobytes() for each in kept[0]} <= {each.tobytes() for each in truth.frames}


def test_empty_and_saturated_cells_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = write_lymphomnist(tmp_path / "data")
    images = np.stack(truth.frames)[:20, 0]
    images[4], images[5, :10] = 9, 255
    write_idx(truth.folder / "LymphoMNIST" / "raw" / "train_images", images)
    path = imported("lymphomnist", truth.folder)
    for kept in (truth.frames, truth.labels, truth.parts):
        del kept[4:6]
    camera = BrightField(ONE, 1, 1, 8, 64, 64)
    assert compared(path, camera, truth, truth.frames, ("B", "T4", "T8")) == 25 * 64 * 64
    assert "2 cells with an empty or saturated frame are left out" in capsys.readouterr().out


def test_fewer_than_three_groups_are_not_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = write_cytomad(tmp_path / "CytoMAD")
    for day in (4, 5, 6, 7):
        (truth.folder / cytomad.ROOT / f"Batch{day}").rename(tmp_path / f"apart{day}")
    (truth.folder / cytomad.ROOT / "Batch3").rename(tmp_path / "apart3")
    assert "no cell of class H520" in refused("cytomad", truth.folder, capsys)
    (tmp_path / "apart7").rename(truth.folder / cytomad.ROOT / "Batch7")
    (tmp_path / "apart4").rename(truth.folder / cytomad.ROOT / "Batch4")
    with h5py.File(imported("cytomad", truth.folder)) as file:
        assert len(np.unique(file["groups"][:])) == 4
    two = write_bsccm(tmp_path / "BSCCM", 11, bsccm.MNIST_SIDE)
    text = (two.folder / bsccm.INDEX).read_text(encoding="utf-8")
    (two.folder / bsccm.INDEX).write_text(re.sub(r"-455\d\.5", "-4550.5", text), encoding="utf-8")
    capsys.readouterr()
    with h5py.File(imported("bsccm", two.folder)) as file:
        assert "groups" not in file
    assert "groups: none" in capsys.readouterr().out


def test_an_interrupted_import_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write_lymphomnist(tmp_path / "data")
    path, read, asked = tmp_path / "cells.h5", lymphomnist._Idx.read, list[int]()
    words = ["import", "lymphomnist", "--input", str(truth.folder), "--output", str(path)]

    def interrupted(file: lymphomnist._Idx, number: int) -> NDArray[np.uint8]:
        asked.append(number)
        if len(asked) == 2 * making.BATCH + 3:
            raise KeyboardInterrupt
        return read(file, number)

    monkeypatch.setattr(lymphomnist._Idx, "read", interrupted)
    assert main(words) == 130
    assert not path.exists()
    assert main(words) == 0
    assert f"continuing after {2 * making.BATCH} finished cells" in capsys.readouterr().err
    assert len(asked) == 27 + 3
    camera = BrightField(ONE, 1, 1, 8, 64, 64)
    assert compared(path, camera, truth, truth.frames, ("B", "T4", "T8")) == 27 * 64 * 64
    assert {each.name for each in tmp_path.iterdir()} == {"cells.h5", "data"}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def first_array(folder: Path) -> Path:
    return folder / bsccm.IMAGES / "antibodies_all/batch_0/slide_replicate_0/led_array/cell_3"


BSCCM_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no list": (lambda at: (at / bsccm.INDEX).unlink(), rf"{bsccm.INDEX}: cannot be read"),
    "no markers": (lambda at: (at / bsccm.MARKERS).unlink(), rf"{bsccm.MARKERS}: cannot be read"),
    "no metadata": (lambda at: (at / bsccm.METADATA).unlink(), rf"{bsccm.METADATA}: cannot be read"),
    "odd metadata": (lambda at: (at / bsccm.METADATA).write_text("[1"), "led_array with channel_names .* is needed"),
    "coherent": (lambda at: replace(at / bsccm.METADATA, "DPC_Left", "LED3"), "led_array holds no DPC_Left"),
    "no gate": (lambda at: replace(at / bsccm.MARKERS, GATES[3], "x"), f"has no column {bsccm.GATED}{GATES[3]}"),
    "odd gate": (lambda at: replace(at / bsccm.MARKERS, "True", "maybe"), "gate of cell 3 is 'maybe'; True or False"),
    "odd index": (lambda at: replace(at / bsccm.MARKERS, "\n3,", "\n3.5,"), "global_index '3.5' is not a whole number"),
    "short line": (lambda at: replace(at / bsccm.INDEX, ",all", ""), "line 2 has 5 values for 6 columns"),
    "path outside": (
        lambda at: replace(at / bsccm.INDEX, "antibodies_all/batch_0", "../x"),
        r"data_path of cell 3: names '../x.*', which is no path within",
    ),
    "no array": (lambda at: (first_array(at) / ".zarray").unlink(), r"cell_3: there is no Zarr array, which"),
    "lost chunk": (lambda at: (first_array(at) / "4.0.0").unlink(), "cell_3: .*"),
    "damaged chunk": (lambda at: (first_array(at) / "4.0.0").write_bytes(b"\x02\x01"), "cell_3: .*"),
    "no class": (
        lambda at: (at / bsccm.MARKERS).write_text(
            (at / bsccm.MARKERS).read_text(encoding="utf-8").replace("True", "False"), encoding="utf-8"
        ),
        "no cell of BSCCM_index.csv is in a gate",
    ),
}


@pytest.mark.parametrize(
    ("dtype", "told"),
    [
        (np.float32, "frames are float32; codes of the ADC are needed, as uint8 or uint16"),
        (np.int16, "frames are int16; codes of the ADC are needed"),
    ],
)
def test_only_unsigned_codes_are_taken(
    dtype: type, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_bsccm(tmp_path / "BSCCM", 11, 28, dtype).folder
    assert told in refused("bsccm", folder, capsys)


def test_codes_beyond_the_published_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """4,000 of a 12-bit camera, in frames of the size of the set of 8 bits."""
    folder = write_bsccm(tmp_path / "BSCCM", 11, 28).folder
    places = [each for each in first_array(folder).iterdir() if each.name.startswith("4")]
    assert len(places) == 1
    array = zarr.open_array(str(first_array(folder)), mode="r+")
    array[4, 0, 0] = 4000
    assert "a pixel is 4000; the published frames have 8 bits, 0 to 255" in refused("bsccm", folder, capsys)


def first_mat(folder: Path, variable: str) -> Path:
    return folder / cytomad.ROOT / "Batch1" / "H2170" / "Train" / f"H2170_{variable}.mat"


VALUES: NDArray[np.float64] = np.random.default_rng(5).random((12, 10, 3))
CYTOMAD_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no phase": (lambda at: first_mat(at, "QPI").unlink(), "H2170_QPI.mat: there is no such file"),
    "empty part": (
        lambda at: [first_mat(at, "QPI").unlink(), first_mat(at, "BF").unlink()], "H2170_BF.mat: there is no such file",
    ),
    "other name": (lambda at: write_mat(first_mat(at, "BF"), "X", VALUES), "variable BF .* is needed; it is none"),
    "two axes": (lambda at: write_mat(first_mat(at, "BF"), "BF", VALUES[0]), r"it is float64 of shape \(10, 3\)"),
    "fewer cells": (
        lambda at: write_mat(first_mat(at, "QPI"), "QPI", VALUES[..., :2]), r"\(12, 10, 2\), but .* is \(12, 10, 3\)",
    ),
    "NaN": (lambda at: write_mat(first_mat(at, "QPI"), "QPI", VALUES * np.nan), "QPI.mat: holds NaN or infinity"),
    "other size": (
        lambda at: [write_mat(first_mat(at, name), name, VALUES[:8]) for name in cytomad.VARIABLES],
        "images of .* pixels, but .* all must be alike",
    ),
    "unknown line": (
        lambda at: (at / cytomad.ROOT / "Batch1" / "HeLa").mkdir(), "HeLa: is none of the lines H69, H358",
    ),
    "cut short": (
        lambda at: first_mat(at, "BF").write_bytes(first_mat(at, "BF").read_bytes()[:900]), "H2170_BF.mat: ",
    ),
    "nothing": (lambda at: (at / cytomad.ROOT).rename(at / "other"), "holds no BatchN/LINE/Train"),
}  # fmt: skip


def raw(folder: Path, name: str) -> Path:
    return folder / "LymphoMNIST" / "raw" / name


BYTES: NDArray[np.uint8] = np.zeros((20, 64, 64), np.uint8)
LYMPHOMNIST_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no images": (lambda at: raw(at, "train_images").unlink(), "holds no train_images, nor does raw or LymphoMNIST/"),
    "no labels": (lambda at: raw(at, "test_labels").unlink(), "test_labels: cannot be read.*all four files"),
    "zipped": (lambda at: raw(at, "train_images").write_bytes(b"PK\3\4" + bytes(99)), "begins with 504b0304; an IDX"),
    "a header": (lambda at: raw(at, "train_images").write_bytes(b"\0\0\x08\3\0\0"), "begins with 00000803; an IDX"),
    "floats": (lambda at: write_idx(raw(at, "train_images"), BYTES, 13), "begins with 00000d03; an IDX file of"),
    "cut short": (
        lambda at: raw(at, "train_images").write_bytes(raw(at, "train_images").read_bytes()[:-1]),
        "declares 81936 bytes and has 81935; it is cut short",
    ),
    "fewer labels": (lambda at: write_idx(raw(at, "train_labels"), BYTES[:3, 0, 0]), "3 labels for 20 images"),
    "label 3": (lambda at: write_idx(raw(at, "train_labels"), BYTES[:, 0, 0] + 3), "label 0 is 3; 0, 1, 2 are B, T4"),
    "one class": (lambda at: [write_idx(raw(at, f"{part}_labels"), BYTES[:count, 0, 0]) for part, count in
                              (("train", 20), ("test", 7))], "no cell of class T4"),
    "other size": (lambda at: write_idx(raw(at, "train_images"), BYTES[:, :28, :28]), r"images of \(28, 28\) pixels"),
    "nothing to see": (
        lambda at: [write_idx(raw(at, "train_images"), BYTES), write_idx(raw(at, "test_images"), BYTES[:7])],
        "all 27 cells are empty or saturated",
    ),
}  # fmt: skip


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


FIRST = "train/MB231_00.jpg"
MENG2018_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "large": (lambda at: (at / "Train.txt").unlink(), "holds no train.txt; the archives small and Augmented"),
    "no names": (lambda at: (at / "labels.txt").unlink(), "holds no labels.txt or label.txt"),
    "unknown kind": (lambda at: replace(at / "labels.txt", "MCF7", "HeLa"), "labels from 0 on for some of THP1, PBMC"),
    "label twice": (lambda at: replace(at / "labels.txt", "MCF7 1", "MCF7 0"), "labels from 0 on"),
    "label 4": (lambda at: replace(at / "Train.txt", f"{FIRST} 0", f"{FIRST} 4"), "line 1 has label 4; .* are 0 to 3"),
    "negative": (lambda at: replace(at / "Train.txt", f"{FIRST} 0", f"{FIRST} -1"), "line 1 is .*a space and a label"),
    "no label": (lambda at: replace(at / "Train.txt", f"{FIRST} 0", FIRST), "line 1 is 'train/MB231_00.jpg'"),
    "path outside": (lambda at: replace(at / "Train.txt", FIRST, "../x.jpg"), "names '../x.jpg', which is no path"),
    "no picture": (lambda at: (at / FIRST).unlink(), "MB231_00.jpg: there is no such picture"),
    "damaged": (lambda at: truncate(at / FIRST), "MB231_00.jpg: the file is truncated or damaged"),
    "other size": (lambda at: write_jpeg(at / FIRST, 1, 64), r"shape \(1, 64, 64\); .* \(1, 128, 128\)"),
    "colored": (lambda at: Image.effect_mandelbrot((128, 128), (-2, -1, 1, 1), 9).convert("RGB").point(
        [*range(256), *[0] * 512]).save(at / FIRST), "a gray picture of 8 bits is needed"),
}  # fmt: skip


BBBC048_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no stage": (lambda at: (at / "CellCycle" / "S").rename(at / "apart"), "CellCycle/S: holds no picture NUMBER_Ch3"),
    "empty stage": (
        lambda at: [each.unlink() for each in (at / "CellCycle" / "Anaphase").glob("*_Ch3*")],
        "Anaphase: holds no picture",
    ),
    "stains alone": (
        lambda at: [each.unlink() for each in at.rglob("*_Ch3*")], "CellCycle/G1: holds no picture NUMBER_Ch3.ome.jpg",
    ),
    "damaged": (lambda at: truncate(at / "CellCycle" / "G1" / "8_Ch3.ome.jpg"), "8_Ch3.ome.jpg: the file is truncated"),
    "other size": (lambda at: write_jpeg(at / "CellCycle" / "G1" / "8_Ch3.ome.jpg", 1, 55), r"shape \(1, 55, 55\)"),
    "zipped": (lambda at: (at / "CellCycle").rename(at / "other"), "holds no G1, nor does CellCycle in it"),
}  # fmt: skip


SPOILED: dict[str, tuple[Folder, dict[str, tuple[Callable[[Path], object], str]]]] = {
    "bsccm": (lambda at: write_bsccm(at, 11, 28), BSCCM_FAULTS),
    "cytomad": (write_cytomad, CYTOMAD_FAULTS),
    "lymphomnist": (write_lymphomnist, LYMPHOMNIST_FAULTS),
    "meng2018-largescale": (lambda at: write_meng2018(at, 1), MENG2018_FAULTS),
    "bbbc048": (lambda at: write_bbbc048(at, 1), BBBC048_FAULTS),
}


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name, (_, faults) in SPOILED.items() for fault in faults]
)
def test_each_fault_is_one_sentence(name: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write, faults = SPOILED[name]
    folder = write(tmp_path / "set").folder
    spoil, told = faults[fault]
    spoil(folder)
    assert re.search(told, refused(name, folder, capsys))


def test_what_is_no_folder_and_what_is_no_hdf5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "CellCycle.zip").write_bytes(b"PK")
    assert "CellCycle.zip: is no folder; unpack the set" in refused("bbbc048", tmp_path / "CellCycle.zip", capsys)
    folder = write_lymphomnist(tmp_path / "data").folder
    words = ["import", "lymphomnist", "--input", str(folder), "--output", str(tmp_path / "cells.tif")]
    assert main(words) == 2
    assert "cells.tif: a set is written as .h5 or .hdf5" in capsys.readouterr().err


def told_new(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the words of the ``cytogate new`` that an import has printed."""
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  cytogate new"))
    return shlex.split(line)[1:]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("bsccm", write_bsccm), ("bsccm-ten", lambda at: write_bsccm(at, 20, 28)), ("cytomad", write_cytomad),
        ("lymphomnist", write_lymphomnist), ("meng2018-largescale", write_meng2018), ("bbbc048", write_bbbc048),
    ],
)  # fmt: skip
def test_the_design_that_is_printed_takes_the_frames(
    name: str, write: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = imported(name, write(tmp_path / "set").folder)
    monkeypatch.chdir(tmp_path)
    assert main(told_new(capsys)) == 0
    design = load_design(tmp_path / f"my-{name}")
    assert design.retrieves_phase == (name == "bsccm")
    with open_frames(path, design.camera, images=not design.retrieves_phase) as file:
        file.check_size(design)
        assert file.class_names == design.network.class_names
        with h5py.File(path) as stored:
            described = json.loads(stored.attrs["instrument"])
        assert described["kind"] == design.camera.kind
        assert (described["rows"], described["columns"]) == (file.rows, file.columns)
        assert described["adc_bits"] == design.camera.adc_bits


def test_a_network_is_trained_on_an_imported_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a split that keeps fields of view whole, as the file's groups say."""
    truth = write_bsccm(tmp_path / "BSCCMNIST", 121, 28)
    path = imported("bsccm", truth.folder)
    monkeypatch.chdir(tmp_path)
    assert main(told_new(capsys)) == 0
    folder = tmp_path / "my-bsccm"
    replace(folder / "design.toml", "filters = [8, 16, 32]", "filters = [2]")
    words = ["train", "--design", "my-bsccm", "--input", str(path), "--epochs", "1", "--fine-tune-epochs", "0"]
    assert main(words) in (0, 1)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert not record["simulated"]
    assert record["data"]["groups"] == sorted(set(in_three(truth).groups))
    assert record["data"]["cells"] == len(in_three(truth).labels) == 77


def test_every_set_is_named_documented_and_whole() -> None:
    assert tuple(SETS) == NAMED
    page = (REPOSITORY / "docs" / "howto" / "public-sets.md").read_text(encoding="utf-8")
    for name, public in SETS.items():
        assert f"cytogate import {name} " in page
        assert public.origin.address.split(", ")[0] in page
