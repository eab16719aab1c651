"""A folder of pictures as a file of cells: which picture is which channel of which cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cytogate.model.design.instruments import BrightField, Camera, FourAngle, OffAxis
from cytogate.model.errors import InputError
from cytogate.model.files.frames import open_frames
from cytogate.model.files.holograms import open_holograms
from cytogate.model.files.images import open_image_set

TRUTH: NDArray[np.uint8] = np.random.default_rng(3).integers(1, 200, (11, 4, 7, 9), np.uint8)
"""Eleven cells: by the letters of their names, cell 10 would come before cell 2."""
CAMERA = FourAngle(rows=7, columns=9)


def written(folder: Path, endings: Sequence[str], suffix: str = "png", name: str = "cell{}") -> Path:
    """Write the truth as pictures of a channel each, whose names end as given."""
    folder.mkdir(parents=True, exist_ok=True)
    for cell, frames in enumerate(TRUTH):
        for frame, ending in zip(frames, endings, strict=True):
            Image.fromarray(frame).save(folder / f"{name.format(cell)}{ending}.{suffix}")
    return folder


def read(folder: Path, camera: Camera = CAMERA) -> NDArray:
    with open_frames(folder, camera) as frames:
        return frames.read(0, frames.cells)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
@pytest.mark.parametrize(
    "endings",
    [
        ("_+x", "_-x", "_+y", "_-y"), ("_px", "_mx", "_py", "_my"), (" plusX", " minusX", " plusY", " minusY"),
        ("_x+", "_x-", "_y+", "_y-"), ("_0", "_1", "_2", "_3"), (".1", ".2", ".3", ".4"), ("_01", "_02", "_03", "_04"),
    ],
)  # fmt: skip
def test_names_say_which_channel_a_picture_is(endings: tuple[str, ...], suffix: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(written(tmp_path / "cells", endings, suffix)), TRUTH)


@pytest.mark.parametrize("name", ["frame_{:04d}", "frame_{}", "img{}", "{}", "2026-11-28 run 7 ({})"])
@pytest.mark.parametrize("first", [0, 1])
def test_pictures_that_are_numbered_through_follow_each_other(name: str, first: int, tmp_path: Path) -> None:
    """With zeros in front of the numbers or without, 2 comes before 10."""
    for number, frame in enumerate(TRUTH.reshape(-1, 7, 9), start=first):
        Image.fromarray(frame).save(tmp_path / f"{name.format(number)}.png")
    np.testing.assert_array_equal(read(tmp_path), TRUTH)
    (tmp_path / f"{name.format(43)}.png").unlink()
    with pytest.raises(InputError, match="43 pictures are no whole number of cells, which have 4 pictures each"):
        read(tmp_path)


def test_a_tiff_a_cell_has_a_page_a_channel(tmp_path: Path) -> None:
    for cell, frames in enumerate(TRUTH):
        tifffile.imwrite(tmp_path / f"cell{cell:02d}.tif", frames, photometric="minisblack")
    np.testing.assert_array_equal(read(tmp_path), TRUTH)


@pytest.mark.parametrize("lost", ["cell4_+y", "cell0_-x", "cell9_-y"])
def test_a_cell_that_lacks_a_picture_is_named(lost: str, tmp_path: Path) -> None:
    """Without it, all that follow would move up by a channel."""
    folder = written(tmp_path / "cells", ("_+x", "_-x", "_+y", "_-y"))
    (folder / f"{lost}.png").unlink()
    cell, channel = lost.split("_")
    with pytest.raises(InputError) as caught:
        read(folder)
    assert str(caught.value) == f"{folder / cell}: of this cell there is no picture of channel {channel}"


@pytest.mark.parametrize("second", ["cell4_px.png", "cell4_+x.bmp", "cell4_plusX.tif"])
def test_a_cell_with_two_pictures_of_a_channel_is_named(second: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "cells", ("_+x", "_-x", "_+y", "_-y"))
    Image.fromarray(TRUTH[0, 0]).save(folder / second)
    with pytest.raises(
        InputError, match=r"cell4_\S+: cell4_\S+ is of the same cell and channel; leave one of them out"
    ):
        read(folder)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_that_are_to_be_turned_are_refused(orientation: int, suffix: str, tmp_path: Path) -> None:
    """As a TIFF's pages are."""
    exif = Image.Exif()
    exif[274] = orientation
    for channel, frame in enumerate(TRUTH[0]):
        Image.fromarray(frame).save(tmp_path / f"cell_{channel}.{suffix}", exif=exif)
    if orientation == 1:
        assert read(tmp_path).shape == (1, 4, 7, 9)
        return
    with pytest.raises(InputError) as refused:
        read(tmp_path)
    said = f"cell_0.{suffix}: is turned or mirrored (EXIF Orientation); save it upright"
    assert str(refused.value) == f"{tmp_path / said}"


def test_endings_that_may_mean_anything_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "cells", ("_left", "_right", "_top", "_bottom"))
    with pytest.raises(InputError, match=r"cell0_bottom.png and others, end in none of the channels \+x, -x, \+y, -y"):
        read(folder)


def test_pictures_of_a_cell_are_alike(tmp_path: Path) -> None:
    folder = written(tmp_path / "cells", ("_+x", "_-x", "_+y", "_-y"))
    Image.fromarray(TRUTH[0, 0, :6]).save(folder / "cell3_-y.png")
    with pytest.raises(InputError, match=r"cell3_\+x.png: the other pictures of this cell are of another size"):
        read(folder)


@pytest.mark.parametrize("words", ["Bright-Field", "bright field", "bright_field", "bright.field", "BrightField"])
@pytest.mark.parametrize("before", ["_", " ", "."])
@pytest.mark.parametrize("name", ["cell{}", "cell {} dark"])
def test_channels_by_the_names_of_the_instrument(words: str, before: str, name: str, tmp_path: Path) -> None:
    """One may be the end of another, and of the name of a cell."""
    camera = BrightField(("bright field", "dark", "field", "nucleus"), 0.5, 0.5, 8, 7, 9)
    endings = [before + each for each in ("field", words, "nucleus", "DARK")]
    np.testing.assert_array_equal(read(written(tmp_path, endings, name=name), camera), TRUTH[:, [1, 3, 0, 2]])


PAIR = BrightField(("bf", "df"), 0.5, 0.5, 8, 7, 9)


def pictures(folder: Path, *names: str) -> Path:
    """Write a picture of each name, all different."""
    for name, frame in zip(names, TRUTH.reshape(-1, 7, 9), strict=False):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ("c0_bf", "c0_df", "c1_bf", "c1_df", "dark_image", "mean_image"),
        ("bf_1", "bf_2", "bf_3", "bf_4", "df_1", "df_2", "df_3", "df_4"), ("bf_1", "bf_2", "df_1", "df_2"),
        ("bf1", "bf2", "df1", "df2"), ("bf1", "bf2"), ("c0_DF_1", "c0_DF_2"),
        ("bf/1", "bf/2", "df/1", "df/2"), ("a/bf/1", "a/bf/2", "a/df/1", "a/df/2"),
        ("c1_b", "c1_d"), ("c1_b", "c1_d", "c2_x", "c2_y"), ("day", "night"), ("c1", "c2", "d1", "d2"),
        ("c1r1", "c1r2", "c1r3", "c2r1"), ("c1", "c2", "c4", "c5"), ("c1", "c01"), ("a/c1", "a/c2", "a/c3", "b/c1"),
    ],
)  # fmt: skip
def test_pictures_whose_names_do_not_say_their_channel_are_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    """Taken one behind the other they would exchange channels, or cells, without a word."""
    with pytest.raises(InputError, match=f"{tmp_path}.*: .*(channel|number)"):
        read(pictures(tmp_path, *names), PAIR)


@pytest.mark.parametrize(
    "names",
    [
        ("bf", "df"), ("a/bf", "a/df", "a/x/c_bf", "a/x/c_df"), ("x_1", "x_2", "y_1", "y_2"),
        ("a/c1", "a/c2", "b/c1", "b/c2"), ("c7", "c8", "c9", "c10"), ("1_c", "2_c"), ("abf_c1", "abf_c2"),
    ],
)  # fmt: skip
def test_pictures_whose_names_say_their_channel_are_told_apart(names: tuple[str, ...], tmp_path: Path) -> None:
    found = read(pictures(tmp_path, *names), PAIR)
    np.testing.assert_array_equal(found.reshape(-1, 7, 9), TRUTH.reshape(-1, 7, 9)[: len(names)])


@pytest.mark.parametrize("folder", ["previews", "notes"])
def test_pictures_beside_a_folder_are_not_lost(folder: str, tmp_path: Path) -> None:
    """In every way in which a folder is read."""
    pictures(tmp_path, "c1_bf", "c1_df", "c1_empty")
    ways = [open_image_set, lambda path: open_frames(path, PAIR), lambda path: open_holograms(path, OffAxis())]
    (tmp_path / ".hidden").mkdir()
    assert open_holograms(tmp_path, OffAxis()).fields == 2
    pictures(tmp_path / folder, *["c1_bf", "c1_df"][: 2 * (folder == "previews")])
    (tmp_path / folder).mkdir(exist_ok=True)
    for way in ways:
        with pytest.raises(InputError, match=f"{tmp_path}: holds pictures, as c1_bf.png, beside the folder {folder}"):
            way(tmp_path)


def test_links_to_folders_are_not_passed_over(tmp_path: Path) -> None:
    """A class itself may be one."""
    run = pictures(tmp_path / "run", "c1_bf", "c1_df")
    kinds = tmp_path / "kinds"
    kinds.mkdir()
    (kinds / "round").symlink_to(run)
    assert open_frames(kinds, PAIR).cells == 1
    (run / "more").symlink_to(pictures(tmp_path / "more", "c2_bf", "c2_df"))
    with pytest.raises(InputError, match="round/more: is a link to a folder, which is not followed; move it there"):
        open_frames(kinds, PAIR)


def test_a_folder_a_class_labels_cells_and_not_pictures(tmp_path: Path) -> None:
    for name in ("round", "long"):
        written(tmp_path / name, ("_+x", "_-x", "_+y", "_-y"))
    with open_frames(tmp_path, CAMERA) as frames:
        assert frames.cells == 2 * len(TRUTH)
        assert frames.class_names == ("long", "round")
        assert frames.labels is not None
        assert frames.labels.tolist() == [0] * len(TRUTH) + [1] * len(TRUTH)


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Training", "Testing"), ("train", "valid", "test_set")])
def test_parts_of_a_set_that_was_split_are_no_classes(parts: tuple[str, ...], tmp_path: Path) -> None:
    """As most published sets are: training on it would tell the parts from each other."""
    for part in parts:
        for name in ("alive", "dead"):
            written(tmp_path / part / name, ("_+x", "_-x", "_+y", "_-y"))
    first = parts[0]
    said = (
        f"{tmp_path}: its folders {', '.join(sorted(parts))} are parts of a set that was split, not classes; "
        f"give one part alone, as {tmp_path / first}, or put all pictures of a class into one folder, named after it"
    )
    for opened in (open_image_set, lambda path: open_frames(path, CAMERA)):
        with pytest.raises(InputError) as caught:
            opened(tmp_path)
        assert str(caught.value) == said
    assert open_frames(tmp_path / first, CAMERA).class_names == ("alive", "dead")


def test_a_class_may_be_named_as_a_part_of_a_set_is(tmp_path: Path) -> None:
    for name in ("control", "test"):
        written(tmp_path / name, ("_+x", "_-x", "_+y", "_-y"))
    assert open_frames(tmp_path, CAMERA).class_names == ("control", "test")


def test_pages_are_channels_of_an_image_set_too(tmp_path: Path) -> None:
    for cell, frames in enumerate(TRUTH):
        (tmp_path / str(cell % 2)).mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / str(cell % 2) / f"{cell:02d}.tif", frames, photometric="minisblack")
    with open_image_set(tmp_path) as images:
        found = images.read(np.arange(len(images)))
    np.testing.assert_array_equal(found, np.moveaxis(np.concatenate([TRUTH[::2], TRUTH[1::2]]), 1, -1))


def test_a_zarr_that_was_not_copied_whole_is_no_folder_of_pictures(tmp_path: Path) -> None:
    for folder, lost in ((tmp_path / "cells.zarr", "c"), (tmp_path / "cells", "frames")):
        (folder / lost).mkdir(parents=True)
        (folder / lost / "zarr.json").write_text("{}")
        with pytest.raises(InputError, match="one of which every Zarr has: it was not copied whole"):
            read(folder)
