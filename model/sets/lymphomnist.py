"""LymphoMNIST: bright-field images of B, T4 and T8 lymphocytes, 64x64 pixels of 8 bits.

Form, by the authors' loader (github.com/Khayrulbuet13/LymphoMNIST, a05dd82): files ``train_images``, ``train_labels``,
``test_images`` and ``test_labels`` without a suffix, in ``LymphoMNIST/raw`` below the folder that the loader downloads
to. Each is an IDX file as MNIST's: two zero bytes, the type (8: unsigned bytes), the number of axes, a big-endian
32-bit length an axis, then the values. Labels 0, 1 and 2 are B, T4 and T8. Its tests expect 64,000 and 16,000 cells;
neither donors nor days are named.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.instruments import BrightField
from cytogate.model.errors import InputError
from cytogate.model.sets.cells import (
    LENGTHS_IN_PIXELS,
    NOTHING_BUT_FAULTY,
    Frames,
    Origin,
    PublicSet,
    SetCells,
    checked,
    found_in,
    gray_bright_field,
)

CLASS_NAMES = ("B", "T4", "T8")
PARTS = ("train", "test")
RAW = ("raw", "LymphoMNIST/raw")
SIDE = 64
UNSIGNED_BYTES = 8
"""IDX's number of the type."""

ORIGIN = Origin(
    title="LymphoMNIST",
    address="https://github.com/Khayrulbuet13/LymphoMNIST",
    licence="Apache-2.0, as its repository says",
    citation="Islam et al. 2025, Digital Discovery, doi:10.1039/D5DD00345H",
    left_out=NOTHING_BUT_FAULTY,
    assumed=LENGTHS_IN_PIXELS,
)


def find(folder: Path) -> SetCells:
    """Find the cells of both parts; the published split is kept, groups there are none."""
    raw = found_in(folder, RAW, f"{PARTS[0]}_images")
    images = [_Idx.of(raw / f"{part}_images", axes=3) for part in PARTS]
    labels = [_labels(raw / f"{part}_labels", file.shape[0]) for part, file in zip(PARTS, images, strict=True)]
    for file in images:
        if file.shape[1:] != (SIDE, SIDE):
            raise InputError(f"{file.path}: images of {file.shape[1:]} pixels; the published ones have {SIDE}x{SIDE}")
    instrument = gray_bright_field(SIDE)
    return SetCells(
        instrument=instrument,
        class_names=CLASS_NAMES,
        labels=np.concatenate(labels),
        frames=partial(_frames, images, instrument),
        parts=np.repeat(PARTS, [len(each) for each in labels]),
    )


LYMPHOMNIST = PublicSet(ORIGIN, find)


def _frames(images: list[_Idx], instrument: BrightField, number: int) -> Frames:
    file = images[0]
    if number >= file.shape[0]:
        file, number = images[1], number - file.shape[0]
    return checked(file.read(number)[None], instrument, f"{file.path}: image {number}")


def _labels(path: Path, count: int) -> NDArray[np.int64]:
    file = _Idx.of(path, axes=1)
    if file.shape != (count,):
        raise InputError(f"{path}: {file.shape[0]} labels for {count} images")
    labels = file.read_all().astype(np.int64)
    odd = np.flatnonzero(labels >= len(CLASS_NAMES))
    if len(odd):
        raise InputError(f"{path}: label {odd[0]} is {labels[odd[0]]}; 0, 1, 2 are {', '.join(CLASS_NAMES)}")
    return labels


@dataclass(frozen=True)
class _Idx:
    """An IDX file of unsigned bytes."""

    path: Path
    shape: tuple[int, ...]

    @staticmethod
    def of(path: Path, axes: int) -> _Idx:
        """Read its header, which must declare as many bytes as the file holds."""
        try:
            with path.open("rb") as file:
                header = file.read(_header_bytes(axes))
            size = path.stat().st_size
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read: {error.strerror}; all four files of the set are needed"
            ) from error
        if header[:4] != bytes((0, 0, UNSIGNED_BYTES, axes)) or len(header) < _header_bytes(axes):
            raise InputError(
                f"{path}: begins with {header[:4].hex()}; an IDX file of unsigned bytes, {axes} axes, is needed"
            )
        shape = struct.unpack(f">{axes}I", header[4:])
        declared = _header_bytes(axes) + math.prod(shape)
        if size != declared:
            raise InputError(f"{path}: declares {declared} bytes and has {size}; it is cut short or damaged")
        return _Idx(path, shape)

    def read(self, number: int) -> NDArray[np.uint8]:
        """Return one item of the first axis."""
        size = math.prod(self.shape[1:])
        with self.path.open("rb") as file:
            file.seek(_header_bytes(len(self.shape)) + number * size)
            return np.frombuffer(file.read(size), np.uint8).reshape(self.shape[1:])

    def read_all(self) -> NDArray[np.uint8]:
        """Return everything."""
        return np.fromfile(self.path, np.uint8, offset=_header_bytes(len(self.shape))).reshape(self.shape)


def _header_bytes(axes: int) -> int:
    return 4 + 4 * axes
