"""Frames of a user's file: read lazily, and checked as they are read.

A file holds ``frames`` (cells, 4, rows, columns), order +x, -x, +y, -y, unsigned codes of an ADC of 8 to 16 bits, and
perhaps ``labels`` (cells,) with ``class_names``. Cells are counted from 0 in every message.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.containers import Source, open_source, reading
from cytogate.model.simulation.optics import Floats, code_type

Frames = NDArray[np.unsignedinteger]

ARMS = ("+x", "-x", "+y", "-y")

MAX_SIDE = 8192
"""Rows or columns beyond which a file is not believed."""

SATURATED_SHARE = 0.01
"""Share of a frame's pixels at the highest code from which the frame counts as saturated: a bright rim of a cell may
touch the end of the range, but a hundredth of the field of view is more than its rims."""

CELLS_AT_A_TIME = 16


@dataclass(frozen=True, eq=False)
class FrameFile:
    """An open file of frames; a context manager."""

    path: Path
    cells: int
    rows: int
    columns: int
    labels: NDArray[np.int64] | None
    """(cells,) indices of ``class_names``, or None."""
    class_names: tuple[str, ...] | None
    adc_bits: int
    source: Source

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(cells, 4, rows, columns)."""
        return self.cells, 4, self.rows, self.columns

    def read(self, start: int, stop: int) -> Frames:
        """Return cells ``start`` to ``stop`` (at most the last), checked.

        Returns
        -------
        (stop - start, 4, rows, columns) uint8 or uint16

        Raises
        ------
        InputError
            Where there are no such cells, or a frame holds codes that the ADC does not have, is saturated or holds
            nothing.
        """
        start, stop, _ = slice(start, stop).indices(self.cells)
        if stop <= start:
            raise InputError(f"{self.path}: cells {start} to {stop} were asked for; there are {self.cells}")
        with reading(self.path):
            stored = self.source.read(start, stop)
        frames = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        _check_codes(frames, self.path, start, self.adc_bits)
        return frames

    def close(self) -> None:
        """Close the file."""
        self.source.close()

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_frames(path: Path, acquisition: FourAngle | BrightField, class_names: tuple[str, ...] | None = None) -> FrameFile:
    """Open an NPZ, HDF5 or TIFF file of frames.

    Rows and columns may differ from the acquisition's; see :func:`fitted`.

    Parameters
    ----------
    acquisition : FourAngle or BrightField
        Its ``adc_bits`` says which codes are possible.
    class_names : tuple of str, optional
        Classes in the order of the network's logits: the file's labels are translated to it by name. None: they are
        left as they are.

    Raises
    ------
    InputError
        Where the file is not what the module's first lines say, cut short or damaged.
    """
    source = open_source(path)
    try:
        with reading(path):
            _check_layout(source, path)
            cells, _, rows, columns = source.shape
            labels, names = _labels(source, path, cells, class_names)
    except BaseException:
        source.close()
        raise
    return FrameFile(path, cells, rows, columns, labels, names, acquisition.adc_bits, source)


def fitted(design: Design, frames: FrameFile) -> Design:
    """Return ``design`` for frames of the file's size, in whose middle its window must fit."""
    acquisition = dataclasses.replace(design.four_angle, rows=frames.rows, columns=frames.columns)
    try:
        return dataclasses.replace(design, instrument=acquisition)
    except InputError as error:
        raise InputError(f"{frames.path}: {error}") from error


def flat_field(background: FrameFile, acquisition: FourAngle) -> Floats:
    """Return the gain of every pixel from frames of the empty field.

    Returns
    -------
    (4, rows, columns) float64
        An arm's mean over the pixel's, both averaged over all cells of ``background``.
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
        arm, row, column = np.argwhere(total == 0)[0]
        raise InputError(
            f"{background.path}: pixel (row {row}, column {column}) of frame {ARMS[arm]} is 0 in all of the "
            "background; no gain makes up for a pixel that sees nothing"
        )
    return total.mean(axis=(1, 2), keepdims=True) / total


def apply_flat_field(frames: Frames, gains: Floats, acquisition: FourAngle) -> Frames:
    """Return ``frames`` (cells, 4, rows, columns) with even arms: multiplied, rounded, clipped to the ADC's range."""
    codes = np.rint(frames * gains)
    return np.clip(codes, 0, 2**acquisition.adc_bits - 1, out=codes).astype(code_type(acquisition))


def _check_layout(source: Source, path: Path) -> None:
    """Check shape and type, and say how to mend what is nearly right."""
    shape = source.shape
    if len(shape) != 4 or shape[1] != 4:
        raise InputError(
            f"{path}: frames of shape {shape} are not in the order (cells, 4, rows, columns){_remedy(shape)}"
        )
    if shape[0] == 0:
        raise InputError(f"{path}: frames of shape {shape} hold no cell")
    if not all(1 <= side <= MAX_SIDE for side in shape[2:]):
        raise InputError(f"{path}: frames of {shape[2]}x{shape[3]} pixels; 1 to {MAX_SIDE} a side are believed")
    kind, name = source.dtype.kind, source.dtype.name
    if kind == "u" and source.dtype.itemsize <= 2:
        return
    if kind == "f":
        raise InputError(
            f"{path}: frames are {name}{_first_not_finite(source)}; "
            "the codes of the ADC are needed, as uint8 or uint16, not scaled"
        )
    if kind == "i":
        raise InputError(f"{path}: frames are {name}, with a sign; codes of an ADC are stored as uint8 or uint16")
    raise InputError(f"{path}: frames are {name}; codes of an ADC of 8 to 16 bits are stored as uint8 or uint16")


def _remedy(shape: tuple[int, ...]) -> str:
    """Name the order that ``shape`` looks like."""
    if len(shape) == 4 and shape[3] == 4:
        return "; they look like (cells, rows, columns, 4): store numpy.moveaxis(frames, -1, 1)"
    if len(shape) == 4 and shape[0] == 4:
        return "; they look like (4, cells, rows, columns): store numpy.swapaxes(frames, 0, 1)"
    if len(shape) == 4 and shape[2] == 4:
        return "; they look like (columns, rows, 4, cells), MATLAB's order: store numpy.transpose(frames)"
    if len(shape) == 3 and shape[0] == 4:
        return "; they look like one cell (4, rows, columns): store frames[None]"
    if len(shape) == 3 and shape[2] == 4:
        return "; they look like one cell (rows, columns, 4): store numpy.moveaxis(frames, -1, 0)[None]"
    if len(shape) == 3 and shape[0] and shape[0] % 4 == 0:
        return f"; they look like four frames a cell in a row: store frames.reshape(-1, 4, {shape[1]}, {shape[2]})"
    return ""


def _first_not_finite(source: Source) -> str:
    """Name the first frame that holds NaN or infinity among the first thousand cells."""
    for number in range(min(source.shape[0], 1000)):
        finite = np.isfinite(source.read(number, number + 1)[0]).all(axis=(1, 2))
        if not finite.all():
            return f" and cell {number}, frame {ARMS[int(np.argmin(finite))]} holds NaN or infinity"
    return ""


def _labels(
    source: Source, path: Path, cells: int, wanted: tuple[str, ...] | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """Read labels and names of classes, both optional, and translate them to the order ``wanted``."""
    names = _class_names(source, path, wanted)
    labels = source.member("labels")
    if labels is not None:
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise InputError(
                f"{path}: labels are {labels.dtype.name} of shape {labels.shape}; ({cells},) integers needed"
            )
        if len(labels) != cells:
            raise InputError(f"{path}: there are {len(labels)} labels for {cells} cells")
        known = names or wanted
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or (known is not None and high >= len(known)):
            wrong = int(np.argmax(labels == (low if low < 0 else high)))
            range_ = "0 or more" if known is None else f"0 to {len(known) - 1}, for {', '.join(known)}"
            raise InputError(f"{path}: the label of cell {wrong} is {labels[wrong]}; it must be {range_}")
        labels = labels.astype(np.int64)
    if wanted is None:
        return labels, names
    if labels is not None and names is not None:
        labels = np.array([wanted.index(name) for name in names], np.int64)[labels]
    return labels, wanted


def _class_names(source: Source, path: Path, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    array = source.member("class_names")
    if array is None:
        return None
    if array.ndim != 1 or array.dtype.kind != "U" or not array.size:
        raise InputError(
            f"{path}: class_names are {array.dtype.name} of shape {array.shape}; a list of names is needed"
        )
    names = tuple(str(name) for name in array)
    if len(set(names)) < len(names):
        raise InputError(f"{path}: class_names {', '.join(names)} name a class twice")
    unknown = [name for name in names if wanted is not None and name not in wanted]
    if wanted is not None and unknown:
        raise InputError(f"{path}: class {unknown[0]} is unknown to the network, which knows {', '.join(wanted)}")
    return names


def _check_codes(frames: Frames, path: Path, first_cell: int, adc_bits: int) -> None:
    """Check the codes of (cells, 4, rows, columns); the first bad frame is named."""
    top = 2**adc_bits - 1
    highest, lowest = frames.max(axis=(2, 3)), frames.min(axis=(2, 3))
    saturated = np.count_nonzero(frames >= top, axis=(2, 3)) > SATURATED_SHARE * frames[0, 0].size
    for cell, arm in np.argwhere((highest > top) | saturated | (highest == lowest)):
        where, high = f"{path}: cell {first_cell + cell}, frame {ARMS[arm]}", int(highest[cell, arm])
        if high > top:
            raise InputError(
                f"{where} holds the code {high}, beyond the {adc_bits}-bit ADC's {top}; "
                f"the optical constant adc_bits must be {high.bit_length()} or more"
            )
        if high == lowest[cell, arm]:
            raise InputError(f"{where} is empty: all of its pixels are {high}")
        raise InputError(
            f"{where} is saturated: more than {SATURATED_SHARE:.0%} of its pixels are at the highest code, {top}; "
            "lower the light or the gain"
        )
