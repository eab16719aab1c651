"""Holograms of a user's file or folder, read one at a time, and the empty ones that come with them.

What is read beside every container of ``frames`` (fields, 1, rows, columns) or images (fields, rows, columns):

* HDF5 of qpformat (raw off-axis holography: ``file_format`` "qpformat", datasets "0", "1" ..., perhaps "reference") and
  of HyperSpy (``Experiments/NAME/data``, a hologram each);
* NPZ of qpretrieve's examples: ``data`` and ``bg_data``;
* a picture (PNG, JPEG, BMP, TIFF), or a folder of them, in which a name that ends with one of :data:`EMPTY_NAMES` is
  that of an empty field: ``cell.png`` and ``cell_reference.png``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.files.container import Container, StoredArray, check_part, reading
from cytogate.model.files.frames import open_frames
from cytogate.model.files.natural import by_number
from cytogate.model.files.opening import open_container
from cytogate.model.files.pictures import SUFFIXES, folders_or_pictures, read_picture
from cytogate.model.files.zarr import is_zarr
from cytogate.model.interface.frame_check import SATURATED_SHARE, FrameCheck

Hologram = NDArray[np.unsignedinteger]
Read = Callable[[], NDArray]

EMPTY_NAMES = ("reference", "ref", "background", "bg", "empty")
_EMPTY = re.compile(rf"(^|.*[-_. ])({'|'.join(EMPTY_NAMES)})[-_. ]?\d*", re.IGNORECASE)
MOST_FIELDS = 100_000
"""Single holograms of a file or folder, at most."""


@dataclass(frozen=True, eq=False)
class HologramFile:
    """Holograms of one size; a context manager. Fields are counted from 0 in every message."""

    path: Path
    camera: OffAxis
    fields: int
    _read: Callable[[int], NDArray]
    _empty: tuple[Read, ...]
    _close: Callable[[], None]

    def read(self, index: int) -> Hologram:
        """Return hologram ``index`` (rows, columns), uint8 or uint16, as the camera can give it.

        Raises
        ------
        InputError
            Where it is damaged, of another size or type than the design's, or holds codes that the ADC has not.
        """
        return self._checked(self._read(index), f"field {index}")

    def fault(self, hologram: Hologram) -> str | None:
        """Return why a hologram that could be read is not to be believed; None: nothing is wrong."""
        if self._check.saturated(hologram[None]) is not None:
            return f"the hologram is saturated: more than {SATURATED_SHARE:.0%} of its pixels have the highest code"
        return None

    @property
    def empty_fields(self) -> Iterator[Hologram]:
        """The empty holograms that the file brings along, (rows, columns) each."""
        return (self._checked(read(), f"empty field {number}") for number, read in enumerate(self._empty))

    @property
    def _check(self) -> FrameCheck:
        return FrameCheck(self.camera.rows, self.camera.columns, self.camera.adc_bits, OffAxis.channels)

    def _checked(self, hologram: NDArray, what: str) -> Hologram:
        if hologram.shape != (self.camera.rows, self.camera.columns):
            raise InputError(
                f"{self.path}: {what} has {'x'.join(map(str, hologram.shape))} pixels; the design's holograms have "
                f"{self.camera.rows}x{self.camera.columns}. If the file is right, write its rows and columns into "
                "[instrument] of design.toml"
            )
        if hologram.dtype.kind != "u" or hologram.dtype.itemsize > 2:
            raise InputError(
                f"{self.path}: {what} is of type {hologram.dtype.name}; codes of the camera are needed, uint8 or uint16"
            )
        fault = self._check.code_fault(hologram[None])
        if fault is not None:
            raise InputError(f"{self.path}: {what}: {fault}")
        return hologram

    def __enter__(self) -> HologramFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def open_holograms(path: Path, camera: OffAxis, dataset: str | None = None) -> HologramFile:
    """Open holograms; see the module's first lines for what is read.

    Parameters
    ----------
    dataset
        Array of the holograms, where the file is of no kind that names it.

    Raises
    ------
    InputError
        Where there are none, or the file is damaged.
    """
    if dataset is None:
        if path.is_dir() and not is_zarr(path):
            found = _picture_pairs(path)
        elif path.is_file() and path.suffix.lower() in SUFFIXES and path.suffix.lower() not in (".tif", ".tiff"):
            found = [partial(_gray, path)], []
        else:
            found = None
        if found is not None:
            return _singly(path, camera, *found)
        if not path.is_dir():
            container = open_container(path)
            try:
                with reading(path):
                    arrays = _known_layout(container)
            except BaseException:
                container.close()
                raise
            if arrays is not None:
                planes, empty = ([partial(_plane, path, each) for each in part] for part in arrays)
                return _singly(path, camera, planes, empty, container.close)
            container.close()
    frames = open_frames(path, camera, True, dataset)
    return HologramFile(
        path, camera, frames.cells, lambda index: frames.stored(index, index + 1)[0, 0], (), frames.close
    )


def _singly(
    path: Path, camera: OffAxis, fields: Sequence[Read], empty: Sequence[Read], close: Callable[[], None] = lambda: None
) -> HologramFile:
    return HologramFile(path, camera, len(fields), lambda index: fields[index](), tuple(empty), close)


def _known_layout(container: Container) -> tuple[list[StoredArray], list[StoredArray]] | None:
    """Return holograms and empty ones of a file whose layout names them; None of any other file."""
    told = {name: str(np.asarray(container.attributes[name])) for name in container.attributes if "_" in name}
    names = container.names
    if told.get("file_format", "").lower().strip("b'") == "qpformat":
        numbered = sorted((name for name in names if name.isdecimal()), key=int)
        if not numbered:
            raise InputError(f"{container.path}: a file of qpformat without holograms named 0, 1 ...")
        return _arrays(container, numbered), _arrays(container, [name for name in names if name == "reference"])
    if "Experiments" in names:
        signals = sorted((Path("Experiments", name) for name in container.members("Experiments")), key=by_number)
        if not signals:
            raise InputError(f"{container.path}: a file of HyperSpy without Experiments/NAME/data")
        return _arrays(container, [str(signal / "data") for signal in signals]), []
    if "data" in names and "bg_data" in names:
        return _arrays(container, ["data"]), _arrays(container, ["bg_data"])
    return None


def _arrays(container: Container, names: list[str]) -> list[StoredArray]:
    if len(names) > MOST_FIELDS:
        raise InputError(f"{container.path}: {len(names)} holograms; {MOST_FIELDS} are the most that are read")
    found = [(name, container.array(name)) for name in names]
    for name, array in found:
        if array is None or len(array.shape) != 2:
            raise InputError(f"{container.path}: {name} is no hologram of two axes, rows and columns")
        check_part(container.path, name, array.shape, array.dtype)
    return [array for _, array in found if array is not None]


def _plane(path: Path, array: StoredArray) -> NDArray:
    with reading(path):
        return array.read(0, array.shape[0])


def _picture_pairs(path: Path) -> tuple[list[Read], list[Read]] | None:
    """Return a folder's pictures, cells and empty ones, by their names; None where no name is that of an empty one."""
    pictures = sorted(
        (each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and not each.name.startswith(".")),
        key=by_number,
    )
    empty = [each for each in pictures if _EMPTY.fullmatch(each.stem)]
    if not empty:
        return None
    cells = [each for each in pictures if each not in empty]
    if not cells:
        raise InputError(f"{path}: all pictures are named as empty fields; there is none of cells")
    folders_or_pictures(path)
    if len(pictures) > MOST_FIELDS:
        raise InputError(f"{path}: {len(pictures)} pictures; {MOST_FIELDS} are the most that are read")
    return [partial(_gray, each) for each in cells], [partial(_gray, each) for each in empty]


def _gray(path: Path) -> NDArray:
    picture = read_picture(path)
    if picture.ndim == 3:
        if not np.all(picture == picture[..., :1]):
            raise InputError(f"{path}: is in color; a hologram is a gray picture")
        picture = picture[..., 0]
    return picture
