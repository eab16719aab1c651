"""Cells of a public set as they lie in a folder, and what its readers share.

A reader looks at names, lists and headers when it is called; pixels are read a cell at a time, when they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.instruments import BrightField, Camera
from cytogate.model.errors import InputError
from cytogate.model.files.pictures import read_picture
from cytogate.model.interface.frame_check import FrameCheck

Frames = NDArray[np.unsignedinteger]

NOTHING_BUT_FAULTY = "nothing but cells that are empty or saturated"
LENGTHS_IN_PIXELS = "the size of a pixel is not published: lengths are in pixels"


@dataclass(frozen=True)
class Origin:
    """Where a set is from; each is kept as an attribute of the file that is written."""

    title: str
    address: str
    licence: str
    citation: str
    left_out: str
    """What of the set is not handed out, and why."""
    assumed: str
    """What no source says, and is taken to be so."""


@dataclass(frozen=True)
class Scale:
    """What a channel's codes stand for: ``value = offset + step * code``, in the set's own unit."""

    offset: float
    step: float


@dataclass(frozen=True, eq=False)
class SetCells:
    """The labelled cells of a set; nothing but names and numbers is in memory."""

    instrument: Camera
    """What would take such frames: channels, rows, columns, bits, pixels."""
    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    """(cells,) indices of ``class_names``."""
    frames: Callable[[int], Frames]
    """Reads a cell by its number: (channels, rows, columns) codes, or an InputError that names its file."""
    groups: NDArray[np.str_] | None = None
    """(cells,) the day, slide or field of each; None where the set names none."""
    grouped_by: str = ""
    """What a group is, in a word."""
    parts: NDArray[np.str_] | None = None
    """(cells,) the part of the published split that each is in."""
    scales: tuple[Scale, ...] | None = None
    """Of each channel, where the set holds other numbers than codes."""


@dataclass(frozen=True)
class PublicSet:
    """A set by its origin, and the reader that finds its cells in a folder."""

    origin: Origin
    find: Callable[[Path], SetCells]


def gray_bright_field(side: int) -> BrightField:
    """Return what takes square gray pictures of 8 bits whose pixels have no published size: it is 1, so to speak."""
    return BrightField(("bright field",), 1.0, 1.0, 8, side, side)


def check_of(instrument: Camera) -> FrameCheck:
    """Return the check of one cell's frames by an instrument."""
    return FrameCheck(instrument.rows, instrument.columns, instrument.adc_bits, instrument.channels)


def checked(frames: NDArray, instrument: Camera, where: str) -> Frames:
    """Return frames of one cell if they are unsigned codes of the instrument's bits, of its size.

    Frames that are empty or saturated pass: they are left out when the file is written.

    Raises
    ------
    InputError
        Otherwise, with ``where`` in front.
    """
    check = check_of(instrument)
    fault = check.layout_fault(frames)
    if fault is None and frames.max() > check.top:
        fault = f"a pixel is {frames.max()}; the published frames have {check.adc_bits} bits, 0 to {check.top}"
    if fault is not None:
        raise InputError(f"{where}: {fault}")
    return frames


def gray_picture(path: Path) -> NDArray[np.uint8]:
    """Read a gray picture (rows, columns) uint8; one in colors will do where they are equal.

    Raises
    ------
    InputError
        If it is absent, damaged, has more than 8 bits or is colored.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such picture; unpack the whole set")
    picture = read_picture(path)
    if picture.ndim == 3 and (picture == picture[..., :1]).all():
        picture = picture[..., 0]
    if picture.ndim != 2 or picture.dtype != np.uint8:
        raise InputError(f"{path}: {picture.dtype} of shape {picture.shape}; a gray picture of 8 bits is needed")
    return picture


def inside(folder: Path, name: str, where: str) -> Path:
    """Return the path of what a list names, which must lie in ``folder``."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise InputError(f"{where}: names {name!r}, which is no path within the set's folder")
    return folder / path


def found_in(folder: Path, below: tuple[str, ...], wanted: str) -> Path:
    """Return ``folder``, or one of the folders ``below`` it, that holds ``wanted``."""
    for each in (folder, *(folder / name for name in below)):
        if (each / wanted).exists():
            return each
    raise InputError(
        f"{folder}: holds no {wanted}, nor does {' or '.join(below)} in it; give the unpacked set's folder"
    )
