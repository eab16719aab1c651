"""Sources: the cells that were put in come out, in order, from any kind of file; damage is told and survived."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from cytogate.host.sources import folder as folder_module
from cytogate.host.sources import watching
from cytogate.host.sources.arrays import open_file
from cytogate.host.sources.folder import GrowingFolder
from cytogate.host.sources.ifcb import framed
from cytogate.host.sources.opening import FileReader, open_source
from cytogate.host.sources.source import NOTHING_READ, CellSource, Progress, Resume, check_same_content
from cytogate.host.stream.cells import NOTHING_UNUSUAL, WHOLE_FILE, Flag, SourceCell
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.files.opening import parsed
from cytogate.model.files.zarr import HARMLESS, codec_names
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_cells
from tests.streams import CLASSES, SIDE, four_angle_design, real_data, small_design, small_frames, write_npz

FRAMES = small_frames(6)
DESIGN = small_design()


def cells_of(text: Path | str, resume: dict[str, int] | None = None) -> list[SourceCell]:
    source = open_source(Path(text), DESIGN)
    try:
        return [cell for cell in source.read(as_resume(resume)) if cell is not None]
    finally:
        source.close()


def as_resume(positions: dict[str, int] | None) -> Resume:
    return {origin: Progress(position) for origin, position in (positions or {}).items()}


def check(cells: list[SourceCell], expected: NDArray, first: int = 0) -> None:
    assert [cell.position for cell in cells] == list(range(first, first + len(expected)))
    for cell, frames in zip(cells, expected, strict=True):
        assert cell.fault is None
        assert cell.frames is not None
        assert cell.frames.dtype == expected.dtype
        np.testing.assert_array_equal(cell.frames, frames)


def write(kind: str, folder: Path) -> Path:
    path = folder / kind
    if kind == "frames.npz":
        write_npz(path, FRAMES)
    elif kind == "frames.h5":
        with h5py.File(path, "w") as file:
            file["frames"] = FRAMES
    elif kind == "frames.tif":
        tifffile.imwrite(path, FRAMES.reshape(-1, SIDE, SIDE), photometric="minisblack", metadata=None)
    elif kind == "tcyx.ome.tif":
        tifffile.imwrite(path, FRAMES, ome=True, metadata={"axes": "TCYX"}, photometric="minisblack")
    elif kind == "cztyx.ome.tif":
        swapped = np.ascontiguousarray(FRAMES.swapaxes(0, 1))
        tifffile.imwrite(path, swapped, ome=True, metadata={"axes": "CTYX"}, photometric="minisblack")
    elif kind == "group.zarr":
        zarr.create_group(path).create_array("frames", data=FRAMES, chunks=(1, 4, SIDE, SIDE))
    elif kind == "array2.zarr":
        zarr.create_array(path, data=FRAMES, chunks=(2, 4, SIDE, SIDE), zarr_format=2)
    else:
        shards = (4, 4, SIDE, SIDE)
        zarr.create_array(path, data=FRAMES, chunks=(1, 4, SIDE, SIDE), shards=shards, zarr_format=3)
    return path


KINDS = [
    "frames.npz", "frames.h5", "frames.tif", "tcyx.ome.tif", "cztyx.ome.tif",
    "group.zarr", "array2.zarr", "sharded.zarr",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_the_same_cells(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    check(cells_of(path), FRAMES)
    assert not open_source(path, DESIGN).simulated
    check(cells_of(path, {path.name: 4}), FRAMES[4:], first=4)
    assert not cells_of(path, {path.name: 6})


@pytest.fixture(scope="module")
def cells_in_order() -> NDArray[np.uint8]:
    return np.stack([cell.frames for cell in SimulatedCells(load_design("qatom64").four_angle, cells=6, seed=5)])


def test_frames_in_a_wrong_order_are_refused(cells_in_order: NDArray[np.uint8], tmp_path: Path) -> None:
    """A file by itself, and the first of a folder, which tells of the others; what would be right is said."""
    design, folder = load_design("qatom64"), tmp_path / "folder"
    folder.mkdir()
    right = write_npz(tmp_path / "right.npz", cells_in_order)
    source = open_source(right, design)
    assert (len([*source.read({})]), source.told) == (6, ())
    for order in ([1, 0, 2, 3], [2, 3, 0, 1], [0, 3, 2, 1]):
        wrong = write_npz(tmp_path / "wrong.npz", cells_in_order[:, order])
        with pytest.raises(InputError, match=r"wrong.npz: .* on \d of \d cells .*; store frames\[:, \[") as refusal:
            open_source(wrong, design)
        mended = str(refusal.value).split("store frames[:, [")[1].split("]")[0]
        np.testing.assert_array_equal(
            cells_in_order[:, order][:, [int(arm) for arm in mended.split(", ")]], cells_in_order
        )
    write_npz(folder / "a.npz", cells_in_order[:, [1, 0, 2, 3]])
    os.utime(folder / "a.npz", (1, 1))
    (told,) = first_cells(open_source(folder, design, settled_s=0.05), 1)
    assert "store frames[:, [1, 0, 2, 3]]" in str(told.fault)


def test_an_uneven_field_is_told(cells_in_order: NDArray[np.uint8], tmp_path: Path) -> None:
    x = np.linspace(0, 6 * np.pi, cells_in_order.shape[-1])
    uneven = cells_in_order.copy()
    uneven[:, 0] = np.rint(uneven[:, 0] * (0.8 + 0.2 * np.sin(x)))
    source = open_source(write_npz(tmp_path / "uneven.npz", uneven), load_design("qatom64"))
    (told,) = source.told
    assert "phases are not to be trusted" in told
    assert len([*source.read({})]) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_another_size_are_refused(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    with pytest.raises(InputError, match=r"\(6, 4, 8, 8\) do not suit the bundle.*4, 16, 16") as refusal:
        open_source(path, small_design(side=16))
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("kind", KINDS[:5])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_files_that_are_cut_short_are_one_sentence(kind: str, share: float, tmp_path: Path) -> None:
    """Refused when opened, or told cell by cell; never another exception, never wrong pixels."""
    path = write(kind, tmp_path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    said = None
    try:
        cells = cells_of(path)
    except InputError as error:
        said = str(error)
    if said is not None:
        assert str(path) in said
        return
    assert any(cell.fault for cell in cells)
    for cell in cells:
        if cell.frames is not None:
            np.testing.assert_array_equal(cell.frames, FRAMES[cell.position])


def test_labels_come_along(tmp_path: Path) -> None:
    labels = np.array([2, 1, 0, 0, 1, 2])
    path = write_npz(tmp_path / "frames.npz", FRAMES, labels)
    assert [cell.label for cell in cells_of(path)] == labels.tolist()


LABELS = np.array([2, 1, 0, 0, 1, 2])


@pytest.mark.parametrize(
    ("names", "labels", "found", "told"),
    [
        (CLASSES, LABELS, LABELS, None),
        # The file's own order of classes, and fewer of them than the design has.
        (("THP1", "MCF7", "OAC"), LABELS, [1, 0, 2, 2, 0, 1], None),
        (("THP1", "OAC"), LABELS // 2, [1, 2, 2, 2, 2, 1], None),
        (None, LABELS, LABELS, "labels have no class_names; they are taken for MCF7, OAC, THP1, in this order"),
        (None, LABELS // 2, None, "labels have no class_names"),
        (None, LABELS + 1, None, "labels have no class_names"),
        (("MCF7", "HeLa", "THP1"), LABELS, None, "class HeLa is unknown"),
    ],
)
def test_labels_are_matched_by_name(
    names: tuple[str, ...] | None, labels: NDArray, found: NDArray | None, told: str | None, tmp_path: Path
) -> None:
    """Never by the file's order; where it is not certain what they mean, there are none and the user is told."""
    path = tmp_path / "frames.npz"
    named = {} if names is None else {"class_names": np.array(names)}
    np.savez(path, frames=FRAMES, labels=labels, **named)  # type: ignore[arg-type]
    source = open_source(path, DESIGN)
    expected = [None] * 6 if found is None else list(found)
    assert [cell.label for cell in source.read({}) if cell is not None] == expected
    assert len(source.told) == (told is not None)
    if told is not None:
        assert told in source.told[0]
        assert str(path) in source.told[0]
    source.close()
    growing = GrowingFolder(tmp_path, lambda each: open_file(each, DESIGN), settled_s=0)
    assert [cell.label for cell in first_cells(growing, 6)] == expected
    assert len(growing.told) == (told is not None)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_files_of_any_number_of_channels(channels: int, tmp_path: Path) -> None:
    names = tuple(f"channel {number}" for number in range(channels))
    frames, design = small_frames(6, channels=channels), small_design(channels=names)
    source = open_source(write_npz(tmp_path / "frames.npz", frames), design)
    check([cell for cell in source.read({}) if cell is not None], frames)
    source.close()
    with pytest.raises(InputError, match=rf"frames of shape \(6, {channels}, 8, 8\)"):
        open_source(tmp_path / "frames.npz", small_design(channels=("one", "two", "three")))


def test_a_damaged_cell_is_told_and_the_others_follow(tmp_path: Path) -> None:
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("frames", data=FRAMES, chunks=(1, 4, SIDE, SIDE), compression="gzip")
        where = data.id.get_chunk_info(2)
    with path.open("r+b") as stored:
        stored.seek(where.byte_offset)
        stored.write(b"\xff" * where.size)
    cells = cells_of(path)
    assert [cell.position for cell in cells if cell.fault] == [2]
    assert str(path) in str(cells[2].fault)
    for position in (0, 1, 3, 4, 5):
        np.testing.assert_array_equal(cells[position].frames, FRAMES[position])


def test_ome_tiff_without_four_channels_is_refused(tmp_path: Path) -> None:
    for axes, frames in (("TZYX", FRAMES), ("TCYX", FRAMES[:, :3])):
        path = tmp_path / "strange.ome.tif"
        tifffile.imwrite(path, frames, ome=True, metadata={"axes": axes}, photometric="minisblack")
        with pytest.raises(InputError, match=r"are not 4 channels \(C\) of cells"):
            open_source(path, DESIGN)


def test_ome_tiff_reads_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OME-TIFF may name other files for its planes; those are never opened."""
    secret, path = tmp_path / "secret.ome.tif", tmp_path / "frames.ome.tif"
    tifffile.imwrite(secret, FRAMES, ome=True, metadata={"axes": "TCYX"}, photometric="minisblack")
    planes = "".join(
        f'<TiffData FirstT="{t}" FirstC="{c}" FirstZ="0" IFD="{4 * t + c}" PlaneCount="1">'
        f'<UUID FileName="{secret.name}">urn:uuid:{uuid.UUID(int=1)}</UUID></TiffData>'
        for t in range(6)
        for c in range(4)
    )
    xml = (
        f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{uuid.UUID(int=2)}">'
        f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{SIDE}" SizeY="{SIDE}" '
        f'SizeC="4" SizeZ="1" SizeT="6">{planes}</Pixels></Image></OME>'
    )
    pages = np.zeros((24, SIDE, SIDE), np.uint8)
    tifffile.imwrite(path, pages, photometric="minisblack", description=xml, metadata=None)
    opened: list[str] = []
    real = tifffile.FileHandle.__init__

    def recorded(self: tifffile.FileHandle, file: Path, *rest: object, **named: object) -> None:
        opened.append(str(file))
        real(self, file, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tifffile.FileHandle, "__init__", recorded)
    with contextlib.suppress(InputError):
        # As the process does that parses files.
        parsed(path).close()
    assert {Path(name).name for name in opened} == {path.name}


@pytest.mark.parametrize(
    "codec",
    [
        {"compressors": numcodecs.Pickle()},
        {"filters": [numcodecs.Pickle()]},
        {"filters": [numcodecs.FixedScaleOffset(0, 1, "u1", "u1")]},
    ],
)
def test_a_zarr_with_codecs_that_are_not_known_to_be_harmless_is_refused(
    codec: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "evil.zarr"
    zarr.create_array(path, shape=FRAMES.shape, dtype="u1", chunks=(1, 4, SIDE, SIDE), zarr_format=2, **codec)
    # A chunk that would call a function if it were unpickled.
    (path / "0.0.0.0").write_bytes(b"cos\n_exit\n(I1\ntR.")
    with pytest.raises(InputError, match=r"is not among those that are let through|No Zarr data type"):
        open_source(path, DESIGN)


def test_known_codecs_inside_others_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "sharded.zarr"
    zarr.create_array(path, shape=FRAMES.shape, dtype="u1", chunks=(1, 4, 8, 8), shards=(2, 4, 8, 8))
    text = (path / "zarr.json").read_text()
    assert "sharding_indexed" in text
    metadata = json.loads(text)
    assert codec_names(metadata)
    assert set(codec_names(metadata)) <= HARMLESS
    inner = metadata["codecs"][0]["configuration"]["codecs"]
    inner.append({"name": "numcodecs.pickle", "configuration": {}})
    assert "numcodecs.pickle" in codec_names(metadata)


def test_a_zarr_of_giant_chunks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "giant.zarr"
    zarr.create_array(path, shape=(2**40, 4, SIDE, SIDE), dtype="u1", chunks=(2**30, 4, SIDE, SIDE))
    with pytest.raises(InputError, match="read at once"):
        open_source(path, DESIGN)


@pytest.mark.parametrize("text", ["nothing.h5", "nothing.adc", "there is nothing"])
def test_a_missing_source_is_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no such file|cannot be read: No such file"):
        open_source(tmp_path / text, DESIGN)


def test_the_simulator_gives_the_same_cells_in_every_stream() -> None:
    design = four_angle_design()
    source = open_source(None, design, cells=3, seed=5)
    cells = [cell for cell in source.read({}) if cell is not None]
    again = [cell for cell in source.read({source.name: Progress(2)}) if cell is not None]
    expected = SimulatedCells(design.four_angle, CLASSES, 3, seed=5)
    assert source.told == ()
    assert source.simulated
    assert source.cells == 3
    for position, cell in enumerate(cells):
        np.testing.assert_array_equal(cell.frames, expected[position].frames)
        assert cell.label == expected.label(position)
    np.testing.assert_array_equal(again[0].frames, cells[2].frames)
    endless = open_source(None, design)
    assert endless.cells is None
    assert len(list(itertools.islice(endless.read({}), 3))) == 3


def test_classes_that_are_not_simulated_have_no_labels() -> None:
    """The frames are those of the lines that the simulator knows, and the user is told."""
    design = four_angle_design(("mine", "yours"))
    source = open_source(None, design, cells=3, seed=5)
    (told,) = source.told
    assert told.startswith("simulated cells are of the lines MCF7, ")
    assert "not of the design's classes mine, yours" in told
    expected = SimulatedCells(design.four_angle, cells=3, seed=5)
    cells = [cell for cell in source.read({}) if cell is not None]
    assert [cell.label for cell in cells] == [None] * 3
    for cell, known in zip(cells, expected, strict=True):
        np.testing.assert_array_equal(cell.frames, known.frames)


def test_bright_field_is_not_simulated() -> None:
    said = 'design small is of kind "bright-field" with 4 channels, of which there is no simulator; give .* by --input'
    with pytest.raises(InputError, match=said):
        open_source(None, small_design())


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_simulated_files_are_known_for_what_they_are(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells{suffix}"
    design = four_angle_design()
    write_cells(SimulatedCells(design.four_angle, CLASSES, 2), path, workers=1)
    os.utime(path, (1000, 1000))
    assert open_source(path, design).simulated
    folder = GrowingFolder(tmp_path, lambda each: open_file(each, design), settled_s=0.05)
    first_cells(folder, 2)
    assert folder.simulated


# Imaging FlowCytobot.

SECOND = "{},{},0,0,0,0,0,0,0,0,0,{},{},0,0,{},{},{},0,0,0,0,0,0\n"
FIRST = "{},0.1,0,0,0,0,0,0,{},0,0,{},{},{},0,\n"


def bin_of(folder: Path, rows: str, pixels: bytes) -> Path:
    path = folder / "bin.adc"
    path.write_text(rows)
    path.with_suffix(".roi").write_bytes(pixels)
    return path


def test_flow_cytobot_images_in_the_middle_and_flagged(tmp_path: Path) -> None:
    image = np.arange(15, dtype=np.uint8).reshape(3, 5) + 10
    rows = SECOND.format(1, 0.5, 0.5, 0.6, 5, 3, 2) + SECOND.format(2, 0.7, 0.7, 0.8, 0, 0, 17)
    cells = cells_of(bin_of(tmp_path, rows, b"\0\0" + image.tobytes()))
    assert cells[0].flags == Flag.SINGLE_IMAGE
    assert cells[0].frames is not None
    assert cells[0].frames.shape == (4, SIDE, SIDE)
    for angle in range(4):
        np.testing.assert_array_equal(cells[0].frames[angle, 2:5, 1:6], image)
    outside = np.ones((SIDE, SIDE), bool)
    outside[2:5, 1:6] = False
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert set(cells[0].frames[0][outside].tolist()) == {int(np.median(border))}
    assert [cell.recorded_s for cell in cells] == [0.5, 0.7]
    assert "row 2: the trigger has no image" in str(cells[1].fault)


def test_an_instrument_of_one_frame_takes_an_image_for_what_it_is(tmp_path: Path) -> None:
    path = bin_of(tmp_path, SECOND.format(1, 0.5, 0.5, 0.6, 5, 3, 0), bytes(range(15)))
    (cell,) = open_source(path, small_design(channels=("camera",))).read({})
    assert cell is not None
    assert cell.flags == NOTHING_UNUSUAL
    assert cell.frames is not None
    assert cell.frames.shape == (1, SIDE, SIDE)


def test_flow_cytobot_images_that_are_too_large_lose_their_rim() -> None:
    image = np.arange(12 * 9, dtype=np.uint8).reshape(12, 9)
    np.testing.assert_array_equal(framed(image, 8, 9), image[2:10])
    np.testing.assert_array_equal(framed(image, 12, 4), image[:, 2:6])


def test_flow_cytobot_first_format(tmp_path: Path) -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    cells = cells_of(bin_of(tmp_path, FIRST.format(1, 0.25, 3, 2, 1), b"\0" + image.tobytes() + b"\0"))
    assert cells[0].recorded_s == 0.25
    assert cells[0].frames is not None
    np.testing.assert_array_equal(cells[0].frames[0, 3:5, 2:5], image)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (SECOND.format(1, 0, 0.5, 0, 5, 3, 99), "does not lie within the 20 bytes"),
        (SECOND.format(1, 0, 0.5, 0, 5, 3, -1), "does not lie within"),
        (SECOND.format(1, 0, 0.5, 0, -5, -3, 0), "does not lie within"),
        (SECOND.format(1, 0, 0.5, 0, 10**9, 10**9, 0), "does not lie within"),
        (SECOND.format(1, 0, "soon", 0, 5, 3, 0), "a column is no number"),
        (SECOND.format(1, 0, "nan", 0, 5, 3, 0), "does not follow"),
        (SECOND.format(1, 0, 1e300, 0, 5, 3, 0), "does not follow"),
        (SECOND.format(1, 0, -1, 0, 5, 3, 0), "does not follow"),
        ("1,2,3\n", "3 columns"),
        ("\n", "1 columns"),
        ("\xff\xfe\n", "1 columns"),
    ],
)
def test_flow_cytobot_rows_that_are_wrong_are_told_and_the_others_follow(row: str, said: str, tmp_path: Path) -> None:
    good = SECOND.format(1, 0.5, 0.5, 0.6, 5, 4, 0)
    later = SECOND.format(3, 0.9, 0.9, 1.0, 5, 4, 0)
    cells = cells_of(bin_of(tmp_path, good + row + later, bytes(range(20))))
    assert [cell.fault is None for cell in cells] == [True, False, True]
    assert said in str(cells[1].fault)
    assert "row 2" in str(cells[1].fault)
    assert cells[2].recorded_s == 0.9


def test_flow_cytobot_images_cut_off_with_the_file(tmp_path: Path) -> None:
    rows = "".join(SECOND.format(n, n, n, n, 5, 4, 20 * n) for n in range(3))
    path = bin_of(tmp_path, rows, bytes(range(45)))
    assert [cell.fault is None for cell in cells_of(path)] == [True, True, False]
    path.with_suffix(".roi").unlink()
    with pytest.raises(InputError, match=r"bin.roi: cannot be read: No such file or directory; a bin is"):
        open_source(path, DESIGN)


@pytest.mark.parametrize("bad_s", [900, 3.5, 1e300, -1, 0.0])
@pytest.mark.parametrize("where", range(5))
def test_one_bad_time_costs_no_other_row(bad_s: float, where: int, tmp_path: Path) -> None:
    times = [0.5, 1.0, 1.0, 2.0, 3.0]
    times[where] = bad_s
    rows = "".join(SECOND.format(n, s, s, s, 5, 4, 0) for n, s in enumerate(times))
    cells = cells_of(bin_of(tmp_path, rows, bytes(range(20))))
    lost = [cell.position for cell in cells if cell.fault is not None]
    # At the end a late time is as good as any, and at the beginning an early one.
    fits = (where == 4 and bad_s in (3.5, 900)) or (where == 0 and bad_s == 0)
    # Of 0.5 s and 0 s at the beginning either may be the wrong one.
    assert lost == ([] if fits else [0] if (where, bad_s) == (1, 0) else [where])
    recorded = [cell.recorded_s for cell in cells if cell.recorded_s is not None]
    assert recorded == sorted(recorded)


@pytest.mark.parametrize(("rows", "pixels"), [(".ADC", ".ROI"), (".Adc", ".roi"), (".adc", ".ROI")])
def test_bins_in_capitals_are_taken(rows: str, pixels: str, tmp_path: Path) -> None:
    path = bin_of(tmp_path, SECOND.format(1, 0.5, 0.5, 0.6, 5, 4, 0), bytes(range(20)))
    path.rename(path.with_suffix(rows))
    path.with_suffix(".roi").rename(path.with_suffix(pixels))
    for suffix in (rows, pixels):
        (cell,) = cells_of(path.with_suffix(suffix))
        assert (cell.origin, cell.fault) == (f"bin{rows}", None)
    (cell,) = all_cells(growing(tmp_path, 0.1))
    assert (cell.origin, cell.fault) == (f"bin{rows}", None)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "rows", "images"), [("D20130526T095207_IFCB013", 118, 19), ("IFCB5_2012_028_081515", 7, 6)]
)
def test_real_bins(name: str, rows: int, images: int) -> None:
    path = real_data() / "ifcb_bins" / f"{name}.adc"
    source = open_source(path, small_design(side=305))
    cells = [cell for cell in source.read({}) if cell is not None]
    source.close()
    assert len(cells) == rows == source.cells
    assert sum(cell.frames is not None for cell in cells) == images
    times = [cell.recorded_s for cell in cells if cell.recorded_s is not None]
    assert times == sorted(times)
    assert len(times) == rows
    for cell in cells:
        if cell.frames is None:
            assert "the trigger has no image" in str(cell.fault)
            continue
        # With a wrong offset or width neighboring rows would not be alike.
        used = cell.frames[0].astype(int)
        assert np.abs(np.diff(used, axis=0)).mean() < 3


# A folder that grows.


def first_cells(
    source: CellSource, wanted: int, resume: dict[str, int] | None = None, most_s: float = 60
) -> list[SourceCell]:
    """Read until so many cells have come; fail if that takes too long."""
    cells: list[SourceCell] = []
    until = time.monotonic() + most_s
    for cell in source.read(as_resume(resume)):
        if cell is not None:
            cells.append(cell)
        if len(cells) == wanted:
            return cells
        assert time.monotonic() < until, f"{len(cells)} of {wanted} cells came"
        time.sleep(0.01)
    raise AssertionError("the folder came to an end")


def growing(folder: Path, settled_s: float = 0.3, told: list[str] | None = None) -> GrowingFolder:
    source = open_source(folder, DESIGN, settled_s=settled_s)
    assert isinstance(source, GrowingFolder)
    if told is not None:
        source = GrowingFolder(folder, FileReader(DESIGN), settled_s, told.append)
    return source


def all_cells(
    source: GrowingFolder, quiet_s: float = 1.5, resume: Resume | None = None, writer: threading.Thread | None = None
) -> list[SourceCell]:
    """Read until none has come for so long, and nobody writes any more."""
    cells, last_s = list[SourceCell](), time.monotonic()
    for cell in source.read(resume or {}):
        if cell is not None:
            cells.append(cell)
        if cell is not None or (writer is not None and writer.is_alive()):
            last_s = time.monotonic()
        elif time.monotonic() - last_s > quiet_s:
            break
        if cell is None:
            time.sleep(0.01)
    return cells


def beside(write: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=write)
    thread.start()
    return thread


def progress_of(cells: list[SourceCell]) -> dict[str, Progress]:
    progress: dict[str, Progress] = {}
    for cell in cells:
        progress[cell.origin] = progress.get(cell.origin, NOTHING_READ).after(cell.position, cell.digest)
    return progress


@pytest.mark.parametrize("skew_s", [0, -5, 5, -(10**9)])
def test_a_tiff_that_is_being_written_gives_each_cell_once(skew_s: int, tmp_path: Path) -> None:
    """A writer that pauses for longer than a file must rest; the share's clock is off, or old times are copied."""
    path = tmp_path / "a.tif"

    def write() -> None:
        with tifffile.TiffWriter(path) as file:
            for number, cell in enumerate(FRAMES):
                for frame in cell:
                    file.write(frame, contiguous=False, metadata=None)
                os.utime(path, (time.time() + skew_s,) * 2)
                time.sleep(1 if number == 2 else 0.05)

    thread = beside(write)
    cells = all_cells(growing(tmp_path, 0.2), writer=thread)
    thread.join()
    check(cells, FRAMES)


CAMERA_PROGRAM = """
import sys, time, h5py, numpy as np
frames, path = np.load(sys.argv[1]), sys.argv[2]
with h5py.File(path, "w") as file:
    shape = frames.shape[1:]
    data = file.create_dataset("frames", (0, *shape), "u1", maxshape=(None, *shape), chunks=(1, *shape))
    for number in range(4):
        data.resize(number + 1, 0)
        data[number] = frames[number]
        file.flush()
        time.sleep(0.5)
time.sleep(0.6)
with h5py.File(path, "a") as file:
    file["frames"].resize(6, 0)
    file["frames"][4:] = frames[4:]
"""


def test_an_hdf5_that_its_program_keeps_open_is_followed(tmp_path: Path) -> None:
    """It flushes, rests, and opens it anew to append: nothing is lost, and the program never meets a lock."""
    np.save(tmp_path / ".frames.npy", FRAMES)
    command = [sys.executable, "-c", CAMERA_PROGRAM, tmp_path / ".frames.npy", tmp_path / "a.h5"]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    cells = first_cells(growing(tmp_path, 0.2), 6)
    _, complaint = program.communicate(timeout=30)
    assert (program.returncode, complaint) == (0, "")
    check(cells, FRAMES)


@pytest.mark.parametrize("rows", [0, SIDE // 2])
def test_a_tiff_of_full_size_that_is_filled_later_is_read_when_it_is_full(rows: int, tmp_path: Path) -> None:
    """Black frames, or frames of which only the upper rows are there, rest for longer than a file must."""
    pages, path = FRAMES.reshape(-1, SIDE, SIDE), tmp_path / "a.tif"
    tifffile.memmap(path, shape=pages.shape, dtype=pages.dtype, photometric="minisblack", metadata=None).flush()
    place = tifffile.memmap(path)
    place[:, :rows] = pages[:, :rows]
    place.flush()

    def fill() -> None:
        time.sleep(0.7)
        place[:] = pages
        place.flush()

    thread = beside(fill)
    # It is doubted after .4 s and taken for finished after 2.
    cells = all_cells(growing(tmp_path, 0.4), 3, writer=thread)
    thread.join()
    check(cells, FRAMES)


def test_frames_that_stay_black_are_told_as_what_they_are(tmp_path: Path) -> None:
    frames = FRAMES.copy()
    frames[3] = 0
    write_npz(tmp_path / "a.npz", frames)
    check(all_cells(growing(tmp_path, 0.1)), frames)


@pytest.mark.parametrize("how", ["renamed", "written over"])
def test_new_content_under_one_name_is_an_origin_of_its_own(how: str, tmp_path: Path) -> None:
    """Three bursts, each read once; a restart knows which of them is there, and that it has grown."""
    path, cells, told = tmp_path / "live.npz", list[SourceCell](), list[str]()

    def put(frames: NDArray) -> None:
        aside = write_npz(tmp_path / ".new", frames)
        aside.replace(path) if how == "renamed" else path.write_bytes(aside.read_bytes())

    source = growing(tmp_path, 0.1, told)
    reading = source.read({})
    for number in range(3):
        put(FRAMES[2 * number : 2 * number + 2])
        until = time.monotonic() + 60
        while len(cells) < 2 * number + 2 and time.monotonic() < until:
            cell = next(reading)
            cells += [] if cell is None else [cell]
            time.sleep(0.01)
    assert [(cell.origin, cell.position) for cell in cells] == [
        (origin, position) for origin in ("live.npz", "live.npz (2)", "live.npz (3)") for position in range(2)
    ]
    for cell, frames in zip(cells, FRAMES, strict=True):
        np.testing.assert_array_equal(cell.frames, frames)
    assert len([each for each in told if "holds other cells than those that were read" in each]) == 2
    resume = progress_of(cells)
    assert all_cells(growing(tmp_path, 0.1), 0.8, resume) == []
    put(np.concatenate([FRAMES[4:], FRAMES[:1]]))
    (more,) = all_cells(growing(tmp_path, 0.1), 0.8, resume)
    assert (more.origin, more.position) == ("live.npz (3)", 2)
    np.testing.assert_array_equal(more.frames, FRAMES[0])
    put(FRAMES[1:2])
    (other,) = all_cells(growing(tmp_path, 0.1), 0.8, resume)
    assert (other.origin, other.position) == ("live.npz (4)", 0)


def test_a_file_that_is_replaced_before_it_rests_is_told(tmp_path: Path) -> None:
    told = list[str]()
    source = growing(tmp_path, 0.5, told).read({})
    for number in range(2):
        write_npz(tmp_path / ".new", FRAMES[number : number + 1]).replace(tmp_path / "live.npz")
        for _ in range(3):
            assert next(source) is None
            time.sleep(0.1)
    assert [each for each in told if "was replaced by another file before it was read" in each]


@pytest.mark.parametrize("kind", ["frames.npz", "frames.h5", "frames.tif", "group.zarr", "bin.adc"])
@pytest.mark.parametrize("how", ["renamed", "moved", "its folder renamed", "grown and renamed", "linked and renamed"])
def test_a_file_under_another_name_is_not_read_again(how: str, kind: str, tmp_path: Path) -> None:
    """Whatever it is and however its name changed: its cells keep their origin, and those that it has more follow."""
    folder = tmp_path / "day"
    folder.mkdir()
    pixels, row = bytes(range(40)), SECOND.format(1, 0.5, 0.5, 0.6, 5, 4, 0)
    path = bin_of(folder, row, pixels) if kind == "bin.adc" else write(kind, folder)
    count = 1 if kind == "bin.adc" else 6
    told = list[str]()
    source = growing(tmp_path, 0.1, told)
    reading = source.read({})
    before = came(reading, count)
    assert [cell.origin for cell in before] == [f"day/{path.name}"] * count
    grows = how.startswith("grown") and kind in ("frames.npz", "bin.adc")
    if grows and kind == "frames.npz":
        aside = write_npz(tmp_path / ".new", np.concatenate([FRAMES, FRAMES[:1] + 1]))
        path.write_bytes(aside.read_bytes())
    elif grows:
        path.write_text(row + SECOND.format(2, 0.7, 0.7, 0.8, 5, 4, 20))
    new = tmp_path / ("other" if how == "moved" else "day" if "folder" not in how else "night") / f"new{path.suffix}"
    if "folder" in how:
        folder.rename(new.parent)
    else:
        new.parent.mkdir(exist_ok=True)
        members = [path, path.with_suffix(".roi")] if kind == "bin.adc" else [path]
        for member in members:
            if how.startswith("linked") and member.is_file():
                new.with_suffix(member.suffix).hardlink_to(member)
                member.unlink()
            else:
                member.rename(new.with_suffix(member.suffix))
    after = quiet(reading)
    assert [(cell.origin, cell.position) for cell in after] == ([(f"day/{path.name}", count)] if grows else [])
    # And no more of it when it is renamed back, or a second time.
    assert len([each for each in told if f"was day/{path.name} before" in each]) == 1


def came(reading: Iterator[SourceCell | None], count: int) -> list[SourceCell]:
    """Read on until so many cells have come."""
    cells, until = list[SourceCell](), time.monotonic() + 60
    while len(cells) < count and time.monotonic() < until:
        cell = next(reading)
        cells += [] if cell is None else [cell]
        time.sleep(0 if cell else 0.01)
    return cells


def quiet(reading: Iterator[SourceCell | None], quiet_s: float = 1.2) -> list[SourceCell]:
    """Read on until none has come for so long."""
    cells, last_s = list[SourceCell](), time.monotonic()
    while time.monotonic() - last_s < quiet_s:
        cell = next(reading)
        if cell is not None:
            cells.append(cell)
            last_s = time.monotonic()
        else:
            time.sleep(0.01)
    return cells


@pytest.mark.parametrize("how", ["copied", "linked", "other content in a file of its number"])
def test_another_file_is_read_though_it_is_like_one(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy; a second name of a file that keeps its first; one that got the number of a file that is gone."""
    path, told = write_npz(tmp_path / "a.npz", FRAMES), list[str]()
    reading = growing(tmp_path, 0.1, told).read({})
    came(reading, 6)
    other = tmp_path / "b.npz"
    if how == "copied":
        other.write_bytes(path.read_bytes())
    elif how == "linked":
        other.hardlink_to(path)
    else:
        path.rename(tmp_path / ".aside")
        (tmp_path / ".aside").write_bytes(write_npz(tmp_path / ".new", FRAMES[::-1].copy()).read_bytes())
        (tmp_path / ".aside").rename(other)
    assert [(cell.origin, cell.position) for cell in quiet(reading)] == [("b.npz", position) for position in range(6)]
    assert told == []


def test_a_name_that_comes_again_after_its_file_was_renamed_is_new_content(tmp_path: Path) -> None:
    """As programs do that write ``live`` and number it when it is full; nothing is read twice, or told as unread."""
    told, cells = list[str](), list[SourceCell]()
    reading = growing(tmp_path, 0.1, told).read({})
    for number in range(3):
        write_npz(tmp_path / ".new", FRAMES[2 * number : 2 * number + 2]).rename(tmp_path / "live.npz")
        cells += came(reading, 2)
        (tmp_path / "live.npz").rename(tmp_path / f"{number}.npz")
    cells += quiet(reading)
    assert len(cells) == 6
    for cell, frames in zip(cells, FRAMES, strict=True):
        np.testing.assert_array_equal(cell.frames, frames)
    assert not [each for each in told if "before it was read" in each]


def test_a_file_that_is_renamed_before_it_is_read_is_read_once(tmp_path: Path) -> None:
    told = list[str]()
    reading = growing(tmp_path, 0.4, told).read({})
    write_npz(tmp_path / "live.npz", FRAMES[:1])
    assert next(reading) is None
    (tmp_path / "live.npz").rename(tmp_path / "1.npz")
    write_npz(tmp_path / "live.npz", FRAMES[1:2])
    assert {cell.origin for cell in quiet(reading)} == {"1.npz", "live.npz"}
    assert told == []


def test_an_unreadable_file_that_is_renamed_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK nonsense")
    reading = growing(tmp_path, 0.1).read({})
    (row,) = came(reading, 1)
    assert (row.origin, row.position) == ("a.npz", WHOLE_FILE)
    (tmp_path / "a.npz").rename(tmp_path / "b.npz")
    assert quiet(reading) == []


def test_a_zarr_that_is_renamed_while_it_is_read_loses_no_cell(tmp_path: Path) -> None:
    """Its chunks are opened by name, and those that are left are read under the new one."""
    write("group.zarr", tmp_path)
    told = list[str]()
    reading = growing(tmp_path, 0.1, told).read({})
    cells = came(reading, 2)
    (tmp_path / "group.zarr").rename(tmp_path / "b.zarr")
    cells += quiet(reading)
    check(cells, FRAMES)
    assert {cell.origin for cell in cells} == {"group.zarr"}
    assert "was moved or removed while it was read" in told[0]


@pytest.mark.parametrize("when", ["as it is opened", "at each cell", "gone"])
def test_a_file_that_never_rests_is_not_opened_again_and_again(when: str, tmp_path: Path) -> None:
    """It has to rest anew before each opening; and a stop is heard meanwhile."""
    path, opened = write_npz(tmp_path / "a.npz", FRAMES), list[float]()

    class Changing:
        cells, simulated, told, name = 6, False, (), "a"

        def read(self, resume: Resume) -> Iterator[SourceCell]:
            for position in range(6):
                if when == "at each cell":
                    os.utime(path)
                yield SourceCell("a.npz", position, FRAMES[position])

        def close(self) -> None:
            pass

    def open_one(each: Path) -> CellSource:
        opened.append(time.monotonic())
        if when == "gone":
            each.unlink(missing_ok=True)
            raise InputError(f"{each}: there is no such file")
        if when == "as it is opened":
            os.utime(each)
        return Changing()

    reading, until, silences = GrowingFolder(tmp_path, open_one, 0.3, print).read({}), time.monotonic() + 2, 0
    while time.monotonic() < until:
        assert next(reading) is None
        silences += 1
        time.sleep(0.01)
    assert silences > 50
    assert 1 <= len(opened) <= 2 / 0.3


def test_a_file_that_changes_while_it_is_read_gives_no_half_cell(tmp_path: Path) -> None:
    """Rewritten in place after two cells: what was read of the old stays, the new is read as a whole."""
    path = write_npz(tmp_path / "a.npz", FRAMES)
    source = growing(tmp_path, 0.1).read({})
    old = list(itertools.islice((each for each in source if each is not None), 2))
    path.write_bytes(write_npz(tmp_path / ".new", FRAMES[::-1].copy()).read_bytes())
    new, until = list[SourceCell](), time.monotonic() + 60
    while len(new) < 6 and time.monotonic() < until:
        cell = next(source)
        new += [] if cell is None else [cell]
    check(old, FRAMES[:2])
    check(new, FRAMES[::-1])
    assert {cell.origin for cell in new} == {"a.npz (2)"}


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", FRAMES)
    source = growing(tmp_path, 0.1).read({})
    cells = list(itertools.islice((each for each in source if each is not None), 2))
    write_npz(tmp_path / ".new", FRAMES[::-1].copy()).replace(path)
    until = time.monotonic() + 60
    while len(cells) < 12 and time.monotonic() < until:
        cell = next(source)
        cells += [] if cell is None else [cell]
    check(cells[:6], FRAMES)
    check(cells[6:], FRAMES[::-1])


def test_sub_folders_zarrs_and_bins_in_a_folder_are_read(tmp_path: Path) -> None:
    minute = tmp_path / "2026-11-26" / "22_01"
    minute.mkdir(parents=True)
    write_npz(minute / "cells.npz", FRAMES)
    group = zarr.create_group(tmp_path / "2026-11-26" / "run.zarr")
    group.create_array("frames", data=FRAMES, chunks=(1, *FRAMES.shape[1:]))
    bin_of(tmp_path, SECOND.format(1, 0.5, 0.5, 0.6, 5, 4, 0), bytes(range(20)))
    (tmp_path / "bin.hdr").write_text("Imaging FlowCytobot Acquisition Software")
    write_npz(minute / "UPPER.NPZ", FRAMES[:1])
    told = list[str]()
    cells = all_cells(growing(tmp_path, 0.1, told))
    by_origin = {each.origin: [cell for cell in cells if cell.origin == each.origin] for each in cells}
    assert set(by_origin) == {
        "2026-11-26/22_01/cells.npz", "2026-11-26/22_01/UPPER.NPZ", "2026-11-26/run.zarr", "bin.adc",
    }  # fmt: skip
    check(by_origin["2026-11-26/22_01/cells.npz"], FRAMES)
    check(by_origin["2026-11-26/run.zarr"], FRAMES)
    assert by_origin["bin.adc"][0].flags == Flag.SINGLE_IMAGE
    assert told == []


def test_what_no_reader_takes_is_named_once_and_disturbs_nothing(tmp_path: Path) -> None:
    for name in (b"f\xfcr.npz", b"[bold]x.npz", b"line\nbreak.npz"):
        write_npz(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)), FRAMES[:1])
    (tmp_path / "dangling.npz").symlink_to("gone.npz")
    (tmp_path / "loop.npz").symlink_to("loop.npz")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "cell.png").write_bytes(b"\x89PNG")
    os.mkfifo(tmp_path / "pipe.npz")
    told = list[str]()
    cells = all_cells(growing(tmp_path, 0.1, told))
    assert {cell.origin for cell in cells} == {"f\\xfcr.npz", "[bold]x.npz", "line\nbreak.npz"}
    assert [cell.fault for cell in cells] == [None] * 3
    assert len(told) == 5
    assert {Path(each.split(": ")[0]).name for each in told} == {
        "dangling.npz", "loop.npz", "up", "cell.png", "pipe.npz",
    }  # fmt: skip


def test_what_the_system_does_not_let_look_at_is_told_and_disturbs_nothing(tmp_path: Path) -> None:
    """A Zarr in which a link leads nowhere; one that was copied meanwhile is read."""
    for name in ("whole.zarr", "broken.zarr"):
        zarr.create_group(tmp_path / name).create_array("frames", data=FRAMES[:2], chunks=(1, *FRAMES.shape[1:]))
    dangling = tmp_path / "broken.zarr" / "frames" / "link"
    dangling.symlink_to("gone")
    told = list[str]()
    cells = all_cells(growing(tmp_path, 0.1, told))
    assert [cell.origin for cell in cells] == ["whole.zarr"] * 2
    assert told == [f"{tmp_path / 'broken.zarr'}: cannot be looked at: {dangling}: No such file or directory"]
    dangling.unlink()
    assert [cell.origin for cell in all_cells(growing(tmp_path, 0.1, told), 1.5, progress_of(cells))] == [
        "broken.zarr"
    ] * 2


def test_a_stream_that_waits_says_for_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "FIRST_WAITING_S", 0.1)
    (tmp_path / "half.npz").write_bytes(b"PK")
    (tmp_path / "notes.txt").write_text("nothing to read")
    write_npz(tmp_path / "a.npz", FRAMES[:1])
    told = list[str]()
    all_cells(growing(tmp_path, 0.2, told), 0.6)
    assert f"waiting for files in {tmp_path}: 2 seen, 0 not yet settled, 1 not yet whole, 1 not read" in told
    assert len([each for each in told if "waiting" in each]) < 6


def test_a_single_file_with_other_content_is_not_mixed_with_a_run(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", FRAMES)
    resume = progress_of(cells_of(path))
    check_same_content(open_source(path, DESIGN), resume)
    write_npz(path, np.concatenate([FRAMES, FRAMES]))
    check_same_content(open_source(path, DESIGN), resume)
    for other in (FRAMES[::-1].copy(), FRAMES[:3]):
        write_npz(path, other)
        with pytest.raises(InputError, match="its content is no longer that of this run, of which 6 cells were read"):
            check_same_content(open_source(path, DESIGN), resume)


def test_a_growing_folder_gives_what_is_put_there_in_order(tmp_path: Path) -> None:
    def put() -> None:
        for number in range(3):
            time.sleep(0.1)
            beside = write_npz(tmp_path / f".{number}.npz", FRAMES[2 * number : 2 * number + 2])
            # Names that do not sort as the times do.
            beside.rename(tmp_path / f"{9 - number}.npz")
        (tmp_path / "notes.txt").write_text("nothing to read")

    thread = threading.Thread(target=put)
    thread.start()
    cells = first_cells(growing(tmp_path), 6)
    thread.join()
    assert [cell.origin for cell in cells] == ["9.npz"] * 2 + ["8.npz"] * 2 + ["7.npz"] * 2
    for cell, frames in zip(cells, FRAMES, strict=True):
        np.testing.assert_array_equal(cell.frames, frames)


@pytest.mark.parametrize("slow", [range(0), range(2, 3), range(5, 6), range(1000)], ids=["none", "1", "2", "all"])
def test_files_that_were_there_are_read_in_the_order_of_their_changes(
    slow: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly a look goes from file to file: what came before one look settles by one look."""
    state_of, calls = watching._state, itertools.count(1)

    def slowly(files: tuple[Path, ...]) -> tuple[watching.State, int]:
        state = state_of(files)
        if next(calls) in slow:
            # Longer than from asking to asking, and shorter than what makes looks rare.
            time.sleep(0.013)
        return state

    monkeypatch.setattr(watching, "_state", slowly)
    for number, name in enumerate(["c.npz", "a.npz", "b.npz"]):
        os.utime(write_npz(tmp_path / name, FRAMES[:1]), (1000 + number,) * 2)
    assert [cell.origin for cell in first_cells(growing(tmp_path), 3)] == ["c.npz", "a.npz", "b.npz"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """Written in pieces, for longer than a file must have settled; taken once, whole."""
    whole = write_npz(tmp_path / ".whole", FRAMES).read_bytes()
    path = tmp_path / "slow.npz"

    def write_slowly() -> None:
        with path.open("wb") as file:
            for piece in range(0, len(whole), 200):
                file.write(whole[piece : piece + 200])
                file.flush()
                time.sleep(0.1)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    cells = first_cells(growing(tmp_path), 6)
    assert not thread.is_alive()
    check(cells, FRAMES)


def test_files_whose_clock_is_ahead_are_taken_when_they_rest(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "ahead.npz", FRAMES)
    os.utime(path, (time.time() + 3600,) * 2)
    began = time.monotonic()
    first_cells(growing(tmp_path), 6)
    assert 0.3 <= time.monotonic() - began < 60


def test_a_bad_file_is_told_once_and_the_next_is_read(tmp_path: Path) -> None:
    bad = tmp_path / "a.npz"
    bad.write_bytes(b"PK nonsense")
    os.utime(bad, (1000, 1000))
    write_npz(tmp_path / "b.npz", FRAMES)
    cells = first_cells(growing(tmp_path, 0.1), 7)
    # It may be unfinished: the others do not wait for it.
    check(cells[:6], FRAMES)
    assert (cells[6].origin, cells[6].position, cells[6].flags) == ("a.npz", WHOLE_FILE, Flag.FAULTY)
    again = first_cells(growing(tmp_path), 2, {"a.npz": 0, "b.npz": 4})
    assert [cell.position for cell in again] == [4, 5]


def test_a_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    source: Iterator[SourceCell | None] = growing(folder).read({})
    assert next(source) is None
    folder.rmdir()
    with pytest.raises(InputError, match="the folder is gone"):
        next(source)
