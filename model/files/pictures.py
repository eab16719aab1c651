"""A folder of pictures (PNG, JPEG, BMP, TIFF): a folder a class, named after it, or one folder without classes.

A TIFF of several pages is one picture with as many channels.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cytogate.model.errors import InputError
from cytogate.model.files.channel_pictures import Cell, cells_of_pictures, is_channel
from cytogate.model.files.container import MAX_PART_BYTES, StoredArray, reading
from cytogate.model.files.guard import open_guarded
from cytogate.model.files.natural import by_number
from cytogate.model.files.tiff import ORIENTATION_TAG, UPRIGHT

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP")
COLORS = 3
PARTS = re.compile(
    r"(train|training|val|valid|validation|dev|test|testing|eval|holdout)([ _-]?(set|data))?", re.IGNORECASE
)
"""Names of the folders of a set that was split, which hold the same classes each."""
MODES = {"L": 1, "I;16": 2, "I;16B": 2, "RGB": 3}
"""Bytes a pixel of the pictures that are read as they are."""


class PictureFolder:
    """Pictures in any number of folders below a class's, as a :class:`~cytogate.model.files.container.Container`.

    Classes are in the order of the alphabet, pictures in that of the numbers in their names. Hidden files and files of
    other kinds are passed over. Pictures beside the folders of classes are refused, so are links to folders in these.
    ``labels`` and ``class_names`` are attributes. With ``channels``, more than one, a gray picture is one channel of a
    cell; see :func:`~cytogate.model.files.channel_pictures.cells_of_pictures`.
    """

    names: tuple[str, ...] = ()

    def __init__(self, path: Path, channels: tuple[str, ...] = ()) -> None:
        self.path = path
        classes = folders_or_pictures(path)
        _must_be_classes(path, [folder.name for folder in classes], channels)
        self._cells: list[Cell] = []
        labels: list[int] = []
        for number, folder in enumerate(classes or [path]):
            pictures = sorted(_pictures(folder), key=by_number)
            if not pictures:
                raise InputError(f"{folder}: there is no image in it ({', '.join(SUFFIXES)})")
            cells: list[Cell] = [(picture,) for picture in pictures]
            if len(channels) > 1 and read_picture(pictures[0]).ndim == 2:
                cells = cells_of_pictures(folder, pictures, channels)
            self._cells += cells
            labels += [number] * len(cells)
        names = [folder.name for folder in classes]
        self.attributes: Mapping[str, Any] = {"labels": labels, "class_names": names} if classes else {}

    def __len__(self) -> int:
        return len(self._cells)

    def picture(self, index: int) -> NDArray:
        """Return a picture (rows, columns) or (rows, columns, channels); a damaged one is named."""
        pictures = [read_picture(path) for path in self._cells[index]]
        if len({(picture.shape, picture.dtype) for picture in pictures}) > 1:
            raise InputError(f"{self._cells[index][0]}: the other pictures of this cell are of another size or depth")
        return pictures[0] if len(pictures) == 1 else np.stack(pictures, axis=-1)

    @property
    def unnamed(self) -> StoredArray | None:
        """All pictures as one array, which the first one decides the shape and type of."""
        return PictureArray(self)

    def array(self, name: str) -> None:
        """Nothing has a name in a folder of pictures."""

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Nothing has a name in a folder of pictures."""
        return iter(())

    def close(self) -> None:
        """Nothing is kept open."""


class PictureArray:
    """The pictures of a folder, all alike, behind each other."""

    column_major = False

    def __init__(self, folder: PictureFolder) -> None:
        self._folder, first = folder, folder.picture(0)
        self.shape, self.dtype = (len(folder), *first.shape), first.dtype
        colors = first.shape[2:] == (COLORS,)
        self.axes: str | None = ("IYXS" if colors else "IYXC")[: len(self.shape)]

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return pictures, each of which must be like the first."""
        assert axis == 0, "pictures are counted by the first axis"
        part = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for number in range(start, stop):
            picture = self._folder.picture(number)
            if (picture.shape, picture.dtype) != (self.shape[1:], self.dtype):
                raise InputError(
                    f"{self._folder.path}: picture {number} is {picture.dtype} of shape {picture.shape}, unlike "
                    f"picture 0, which is {self.dtype} of shape {self.shape[1:]}; bring all to one kind"
                )
            part[number - start] = picture
        return part


def folders_or_pictures(path: Path) -> list[Path]:
    """Return the folders that lie in one; none where pictures do.

    Raises
    ------
    InputError
        If it holds both: one of them would be lost.
    """
    shown = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    folders = [each for each in shown if each.is_dir()]
    loose = [each for each in shown if each.name.lower().endswith(SUFFIXES) and each not in folders]
    if folders and loose:
        raise InputError(
            f"{path}: holds pictures, as {loose[0].name}, beside the folder {folders[0].name}; put each picture into "
            "the folder of its class, or leave no folder beside them"
        )
    return folders


def _must_be_classes(path: Path, names: list[str], channels: tuple[str, ...]) -> None:
    """Refuse parts of a set and channels of cells, between which a training would learn to tell."""
    if len(names) > 1 and len(channels) > 1 and all(is_channel(name, channels) for name in names):
        raise InputError(
            f"{path}: its folders {', '.join(names)} are channels of the instrument, not classes; put the pictures of "
            f"a cell beside each other, as cell0_{names[0]}.png and cell0_{names[1]}.png"
        )
    if len(names) > 1 and all(PARTS.fullmatch(name) for name in names):
        largest = next((name for name in names if name.lower().startswith("train")), names[0])
        raise InputError(
            f"{path}: its folders {', '.join(names)} are parts of a set that was split, not classes; give one part "
            f"alone, as {path / largest}, or put all pictures of a class into one folder, named after it"
        )


def _pictures(folder: Path) -> Iterator[Path]:
    """Yield the pictures below ``folder``; links to folders are refused, so that there is an end."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if Path(place, name).is_symlink():
                raise InputError(f"{Path(place, name)}: is a link to a folder, which is not followed; move it there")
        yield from (Path(place, name) for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))


def read_picture(path: Path) -> NDArray:
    """Read a picture as (rows, columns) or (rows, columns, channels) uint8 or uint16; a damaged one is named."""
    with reading(path):
        return _tiff_picture(path) if path.suffix.lower() in (".tif", ".tiff") else _picture(path)


def _picture(path: Path) -> NDArray:
    """Read a PNG, JPEG or BMP, whose size is checked before anything is decoded."""
    with warnings.catch_warnings():
        # Pillow's own limit only warns; ours is in bytes and refuses.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as picture:
            if picture.mode not in MODES:
                raise InputError(
                    f"{path}: pixels are of mode {picture.mode}; gray of 8 or 16 bits, or RGB of 8, is needed"
                )
            if getattr(picture, "n_frames", 1) != 1:
                raise InputError(f"{path}: holds {picture.n_frames} pictures; one a file is needed")
            if picture.getexif().get(ORIENTATION_TAG, UPRIGHT) != UPRIGHT:
                raise InputError(f"{path}: is turned or mirrored (EXIF Orientation); save it upright")
            size = picture.width * picture.height * MODES[picture.mode]
            if size > MAX_PART_BYTES:
                raise InputError(f"{path}: {size} bytes of pixels; {MAX_PART_BYTES} are the most that is read")
            return np.array(picture)


def _tiff_picture(path: Path) -> NDArray:
    file = open_guarded(path)
    try:
        array = file.unnamed
        if array is None:
            raise InputError(f"{path}: this is no TIFF file")
        axes, pages = array.axes or "", array.shape[0]
        if not axes.startswith("I") or (pages > 1 and axes != "IYX"):
            raise InputError(f"{path}: holds {pages} pictures of axes {axes}; one a file is needed, or gray pages")
        picture = array.read(0, pages)
        if axes == "ISYX" or pages == 1:
            picture = picture[0]
        return picture if axes == "IYXS" or picture.ndim == 2 else np.moveaxis(picture, 0, -1)
    finally:
        file.close()
