"""Frames of a user's file: read lazily, and checked as they are read.

A file holds ``frames`` (cells, channels, rows, columns), channels in the order of the instrument's, unsigned codes of
an ADC of 8 to 16 bits, and perhaps ``labels`` (cells,) with ``class_names``, and ``groups`` (cells,). Where the caller
takes images, too, it may hold ``images`` (cells, rows, columns, channels) instead. A folder of pictures holds a
picture a channel of each cell, as their names say, or a TIFF a cell with a page a channel. A file that names its axes
may have them in any order; MATLAB's may have frames (rows, columns, channels, cells) and has images (rows, columns,
channels, cells), as its user counts axes. Cells are counted from 0 in every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import Camera
from cytogate.model.errors import InputError
from cytogate.model.files.axes import CHANNELS, IMAGES, PLANE, SAMPLES, Arranged, as_stored, by_letters, item_axes
from cytogate.model.files.container import MAX_SIDE, Container, StoredArray, reading
from cytogate.model.files.labels import Labels, matched, read_labels, says_simulated
from cytogate.model.files.opening import open_container
from cytogate.model.interface.frame_check import SATURATED_SHARE, FrameCheck
from cytogate.model.simulation.optics import Floats, code_type

Frames = NDArray[np.unsignedinteger]

FRAMES_NAME, IMAGES_NAME = "frames", "images"

CELLS_AT_A_TIME = 16

MOST_NAMED = 8
"""Members of a file that a message names."""


@dataclass(frozen=True, eq=False)
class FrameFile:
    """An open file of frames; a context manager."""

    container: Container
    array: Arranged
    camera: Camera
    found: Labels

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.container.path

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(cells, channels, rows, columns)."""
        cells, channels, rows, columns = self.array.shape
        return cells, channels, rows, columns

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.shape[0]

    @property
    def rows(self) -> int:
        """Rows of a frame, which may differ from the instrument's."""
        return self.shape[2]

    @property
    def columns(self) -> int:
        """Columns of a frame, which may differ from the instrument's."""
        return self.shape[3]

    @property
    def dtype(self) -> np.dtype:
        """uint8 or uint16."""
        return self.array.dtype

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """(cells,) as the file has them, indices of ``class_names`` where there are names; or None."""
        return self.found.labels

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the file's classes; None where it names none."""
        return self.found.class_names

    @property
    def groups(self) -> NDArray | None:
        """(cells,) integers or strings, which donor, day or run a cell is of; or None."""
        return self.found.groups

    @property
    def simulated(self) -> bool:
        """Whether the file says that its cells are simulated."""
        return says_simulated(self.container)

    def matched_labels(self, class_names: tuple[str, ...]) -> tuple[NDArray[np.int64] | None, str | None]:
        """Return labels (cells,) of a design's classes; see :func:`cytogate.model.files.labels.matched`."""
        return matched(self.container, self.found, class_names)

    def check_size(self, design: Design) -> None:
        """Raise an :class:`InputError` unless frames are of the size that the design says."""
        camera = design.camera
        if (self.rows, self.columns) != (camera.rows, camera.columns):
            raise InputError(
                f"{self.path}: frames of {self.rows}x{self.columns} pixels; design {design.name} has "
                f"{camera.rows}x{camera.columns}. If the file is right, write rows = {self.rows} and columns = "
                f"{self.columns} into [instrument] of its design.toml"
            )

    def stored(self, start: int, stop: int) -> Frames:
        """Return cells ``start`` to ``stop``, all of which must be there, unchecked.

        Returns
        -------
        (stop - start, channels, rows, columns) uint8 or uint16

        Raises
        ------
        InputError
            Where the file is damaged there.
        """
        if stop - start == 1:
            with reading(self.path, f"cell {start}"):
                return self.array.read(start, stop)
        try:
            return self.array.read(start, stop)
        except InputError:
            raise
        # Whatever it is: the first cell that is absent or damaged is named.
        except Exception:
            return np.concatenate([self.stored(cell, cell + 1) for cell in range(start, stop)])

    def read(self, start: int, stop: int) -> Frames:
        """Return cells ``start`` to ``stop`` (at most the last), checked.

        Returns
        -------
        (stop - start, channels, rows, columns) uint8 or uint16

        Raises
        ------
        InputError
            Where there are no such cells, or a frame holds codes that the ADC does not have, is saturated or holds
            nothing.
        """
        start, stop, _ = slice(start, stop).indices(self.cells)
        if stop <= start:
            raise InputError(f"{self.path}: cells {start} to {stop} were asked for; there are {self.cells}")
        frames = self.stored(start, stop)
        _check_codes(self, frames, start)
        return frames

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_frames(path: Path, camera: Camera, images: bool = False, dataset: str | None = None) -> FrameFile:
    """Open an HDF5, NPZ, NPY, Zarr, TIFF or MAT of frames, or a folder of pictures.

    Rows and columns may be any; whether they suit a design is the caller's to judge (:func:`fitted`).

    Parameters
    ----------
    camera : Camera
        The instrument: its channels are as many as a cell has frames, its ``adc_bits`` say which codes are possible.
    images : bool
        Whether ``images`` (cells, rows, columns, channels) and colors as channels will do, too.
    dataset : str or None
        Name of the array where it is neither ``frames`` nor ``images``, with the groups that it lies in
        (``entry/data/frames``). Labels and the like lie beside it, or in the root.

    Raises
    ------
    InputError
        Where the file is not what the module's first lines say, cut short or damaged.
    """
    container = open_container(path, camera.channels)
    try:
        with reading(path):
            array = _arranged(container, len(camera.channels), images, dataset)
            _check_layout(array, camera.channels, path)
            found = read_labels(container, array.shape[0], "cell", (dataset or "").rpartition("/")[0])
    except BaseException:
        container.close()
        raise
    return FrameFile(container, array, camera, found)


def flat_field(background: FrameFile, acquisition: Camera) -> Floats:
    """Return the gain of every pixel from frames of the empty field.

    Returns
    -------
    (channels, rows, columns) float64
        A frame's mean over the pixel's, both averaged over all cells of ``background``.
    """
    if (background.rows, background.columns) != (acquisition.rows, acquisition.columns):
        raise InputError(
            f"{background.path}: background frames of {background.rows}x{background.columns} pixels do not suit "
            f"frames of {acquisition.rows}x{acquisition.columns}; take both with the same window"
        )
    total = np.zeros(background.shape[1:], np.int64)
    for start in range(0, background.cells, CELLS_AT_A_TIME):
        total += background.read(start, start + CELLS_AT_A_TIME).sum(axis=0, dtype=np.int64)
    if not total.all():
        channel, row, column = np.argwhere(total == 0)[0]
        raise InputError(
            f"{background.path}: pixel (row {row}, column {column}) of frame "
            f"{background.camera.channels[channel]} is 0 in all of the background; "
            "no gain makes up for a pixel that sees nothing"
        )
    return total.mean(axis=(1, 2), keepdims=True) / total


def apply_flat_field(frames: Frames, gains: Floats, acquisition: Camera) -> Frames:
    """Return ``frames`` (cells, channels, rows, columns) with an even field: multiplied, rounded, clipped."""
    codes = np.rint(frames * gains)
    return np.clip(codes, 0, 2**acquisition.adc_bits - 1, out=codes).astype(code_type(acquisition))


def _arranged(container: Container, count: int, images: bool, dataset: str | None) -> Arranged:
    """Return the container's frames as (cells, channels, rows, columns)."""
    path = container.path
    array, may_be_images = _chosen(container, images, dataset)
    if array.axes is not None:
        found = _by_axes(array, count, images, path)
    else:
        found = _by_shape(array, count) or (_images_by_shape(array, count) if may_be_images else None)
    if found is not None:
        return found
    if array.axes is not None and dict(zip(array.axes, array.shape, strict=True)).get(SAMPLES, 1) > 1:
        raise InputError(
            f"{path}: pixels have {array.shape[array.axes.index(SAMPLES)]} colors; the instrument's {count} channels "
            "are gray frames: save them as gray pages (ImageJ: Image > Type > 8-bit or 16-bit)"
        )
    if array.axes is not None:
        raise InputError(
            f"{path}: axes {array.axes} of shape {array.shape} are not {count} channels (C) of cells (one of T, Z or "
            "images) with rows (Y) and columns (X)"
        )
    if array.column_major:
        raise InputError(
            f"{path}: frames of size {array.shape} in MATLAB are neither (cells, {count}, rows, columns) nor (rows, "
            f"columns, {count}, cells), or may be both; use permute"
        )
    raise InputError(
        f"{path}: frames of shape {array.shape} are not in the order (cells, {count}, rows, columns)"
        f"{_remedy(array.shape, count)}"
    )


def _chosen(container: Container, images: bool, dataset: str | None) -> tuple[StoredArray, bool]:
    """Return the array of the cells, and whether it may be images as well: one without a name of ours may."""
    if dataset is not None:
        array = container.array(dataset)
        if array is None and container.unnamed is not None and not container.names:
            raise InputError(f"{container.path}: holds one array, which has no name; leave --dataset {dataset} out")
        wanted = dataset
    else:
        array = container.array(FRAMES_NAME)
        if array is not None:
            return array, False
        array = container.unnamed or (container.array(IMAGES_NAME) if images else None)
        wanted = "frames or images" if images else "frames"
    if array is None:
        raise InputError(f"{container.path}: holds no array named {wanted}, but {_held(container)}")
    return array, images


def _held(container: Container) -> str:
    """Say what a container holds, and which arrays of it could be meant."""
    held = ", ".join(container.names[:MOST_NAMED]) or "nothing"
    if len(container.names) > MOST_NAMED:
        held += " and others"
    could_be = [f"{name} {shape}" for name, shape in container.listing() if len(shape) > 2]
    if not could_be:
        return f"{held}; none of its arrays has three axes or more"
    return f"{held}; --dataset PATH reads an array of another name: {', '.join(could_be[:MOST_NAMED])}"


def _by_shape(array: StoredArray, channels: int) -> Arranged | None:
    """Return frames of a file that names no axes, if their shape is that of the one order that is due."""
    shape = array.shape
    if array.column_major:
        # (cells, channels, rows, columns), or MATLAB's own habit, in which the last axis counts.
        if len(shape) != 4 or (shape[1] == channels) == (shape[2] == channels):
            return None
        if shape[2] == channels:
            return Arranged(array, (3, 2, 0, 1), (shape[3], channels, shape[0], shape[1]))
    if len(shape) == 4 and shape[1] == channels:
        return as_stored(array)
    if len(shape) == 3 and channels == 1 and not array.column_major:
        return as_stored(array, (shape[0], 1, *shape[1:]))
    return None


def _images_by_shape(array: StoredArray, channels: int) -> Arranged | None:
    """Return images (cells, rows, columns) or (cells, rows, columns, channels), in MATLAB with the cells last."""
    shape = array.shape
    if array.column_major and len(shape) in (3, 4):
        cells, rows, columns, last = shape[-1], *shape[:2], shape[2] if len(shape) == 4 else 1
        order = (3, 2, 0, 1) if len(shape) == 4 else (2, 0, 1)
        return Arranged(array, order, (cells, last, rows, columns)) if last == channels else None
    if len(shape) == 4 and shape[3] == channels:
        return Arranged(array, (0, 3, 1, 2), (shape[0], channels, *shape[1:3]))
    if len(shape) == 3 and channels == 1:
        return as_stored(array, (shape[0], 1, *shape[1:]))
    return None


def _by_axes(array: StoredArray, channels: int, colors: bool, path: Path) -> Arranged | None:
    """Return frames of a file that names its axes, or None if they are not those of frames."""
    assert array.axes is not None
    sizes = dict(zip(array.axes, array.shape, strict=True))
    if not set(PLANE) <= set(sizes):
        return None
    letter = CHANNELS if sizes.get(CHANNELS, 1) > 1 or not colors or sizes.get(SAMPLES, 1) == 1 else SAMPLES
    cells = item_axes(array, letter + PLANE)
    if cells is None:
        return None
    plane = (sizes["Y"], sizes["X"])
    if sizes.get(letter, 1) == channels:
        if not cells:
            # A single cell: counted by its channels.
            return by_letters(array, letter + PLANE, (1, channels, *plane)) if letter in sizes else None
        wanted = cells + (letter if letter in sizes else "") + PLANE
        return by_letters(array, wanted, (sizes[cells], channels, *plane))
    if cells != IMAGES or sizes.get(letter, 1) != 1:
        return None
    if sizes[IMAGES] % channels:
        raise InputError(
            f"{path}: {sizes[IMAGES]} pages are no whole number of cells, which have {channels} pages each"
        )
    return by_letters(array, IMAGES + PLANE, (sizes[IMAGES] // channels, channels, *plane))


def _check_layout(array: Arranged, channels: tuple[str, ...], path: Path) -> None:
    """Check size and type."""
    shape = array.shape
    if shape[0] == 0:
        raise InputError(f"{path}: frames of shape {shape} hold no cell")
    if not all(1 <= side <= MAX_SIDE for side in shape[2:]):
        raise InputError(f"{path}: frames of {shape[2]}x{shape[3]} pixels; 1 to {MAX_SIDE} a side are believed")
    kind, name = array.dtype.kind, array.dtype.name
    if kind == "u" and array.dtype.itemsize <= 2:
        return
    if kind == "f":
        raise InputError(
            f"{path}: frames are {name}{_first_not_finite(array, channels)}; "
            "the codes of the ADC are needed, as uint8 or uint16, not scaled"
        )
    if kind == "i":
        raise InputError(f"{path}: frames are {name}, with a sign; codes of an ADC are stored as uint8 or uint16")
    raise InputError(f"{path}: frames are {name}; codes of an ADC of 8 to 16 bits are stored as uint8 or uint16")


def _remedy(shape: tuple[int, ...], count: int) -> str:
    """Name the order that ``shape`` looks like."""
    if len(shape) == 4 and shape[3] == count:
        return f"; they look like (cells, rows, columns, {count}): store numpy.moveaxis(frames, -1, 1)"
    if len(shape) == 4 and shape[0] == count:
        return f"; they look like ({count}, cells, rows, columns): store numpy.swapaxes(frames, 0, 1)"
    if len(shape) == 4 and shape[2] == count:
        return f"; they look like (columns, rows, {count}, cells), MATLAB's order: store numpy.transpose(frames)"
    if len(shape) == 3 and shape[0] == count:
        return f"; they look like one cell ({count}, rows, columns): store frames[None]"
    if len(shape) == 3 and shape[2] == count:
        return f"; they look like one cell (rows, columns, {count}): store numpy.moveaxis(frames, -1, 0)[None]"
    if len(shape) == 3 and shape[0] and shape[0] % count == 0:
        return (
            f"; they look like {count} frames a cell in a row: "
            f"store frames.reshape(-1, {count}, {shape[1]}, {shape[2]})"
        )
    if count not in shape:
        return f": no axis has {count} places, one for each channel of the design's instrument"
    return ""


def _first_not_finite(array: Arranged, channels: tuple[str, ...]) -> str:
    """Name the first frame that holds NaN or infinity among the first thousand cells."""
    for number in range(min(array.shape[0], 1000)):
        finite = np.isfinite(array.read(number, number + 1)[0]).all(axis=(1, 2))
        if not finite.all():
            return f" and cell {number}, frame {channels[int(np.argmin(finite))]} holds NaN or infinity"
    return ""


def _check_codes(file: FrameFile, frames: Frames, first_cell: int) -> None:
    """Check the codes of (cells, channels, rows, columns); the first bad frame is named."""
    check = FrameCheck(file.rows, file.columns, file.camera.adc_bits, file.camera.channels)
    for number, cell in enumerate(frames, start=first_cell):
        fault = check.code_fault(cell)
        if fault is not None:
            raise InputError(f"{file.path}: cell {number}, {fault}")
        channel = check.saturated(cell)
        if channel is not None:
            raise InputError(
                f"{file.path}: cell {number}, frame {channel} is saturated: more than {SATURATED_SHARE:.0%} of its "
                f"pixels are at the highest code, {check.top}; lower the light or the gain"
            )
