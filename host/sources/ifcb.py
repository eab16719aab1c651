"""Bins of an Imaging FlowCytobot: ``.adc`` (a row a trigger) and ``.roi`` (its images), replayed as cells.

Columns follow the instrument's two file formats (github.com/joefutrelle/pyifcb, ``ifcb/data/adc.py``); which one a file
has shows in the number of its columns. An image is 8 bits a pixel, row by row, at the byte that its row names.

A trigger has one image of any size. It is laid into the middle of a frame, around it the median of its own border.
Where the design's instrument takes several frames of a cell, the one image stands for all of them: that exercises a
stream with real images and real trigger times, and nothing more. Every such cell is flagged ``SINGLE_IMAGE`` and is
never sorted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import NOTHING_UNUSUAL, Flag, SourceCell
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError

LONGEST_LINE = 4096
LONGEST_GAP_S = 3600.0
"""A time further from the one before it than this is taken for damage."""


@dataclass(frozen=True)
class _Columns:
    """Where a row has what, counted from 0."""

    time_s: int
    """When the frame was grabbed, in seconds since the bin began."""
    width: int
    height: int
    offset: int


_FIRST_FORMAT = _Columns(time_s=8, width=11, height=12, offset=13)
_SECOND_FORMAT = _Columns(time_s=11, width=15, height=16, offset=17)
_FEWEST_OF_SECOND = 18
_FEWEST = 14


@dataclass(frozen=True)
class _Trigger:
    time_s: float
    width: int
    height: int
    offset: int


class FlowCytobotBin:
    """A bin; see :class:`cytogate.host.sources.source.CellSource`. Triggers without an image are faulty cells."""

    simulated = False
    told = ()

    def __init__(self, path: Path, design: Design) -> None:
        """Open the bin of which ``path`` is the ``.adc`` or the ``.roi``."""
        self._path = path.with_suffix(".adc")
        camera = design.camera
        self._channels, self._rows, self._columns = len(camera.channels), camera.rows, camera.columns
        self._files: list[BinaryIO] = []
        try:
            self._adc = self._open(self._path)
            self._roi = self._open(path.with_suffix(".roi"))
            self._roi_bytes = os.fstat(self._roi.fileno()).st_size
            self.cells = sum(1 for _ in self._lines())
        except BaseException:
            self.close()
            raise
        self.name = str(self._path)

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the triggers behind ``resume``."""
        first, last_s = resume.get(self._path.name, 0), 0.0
        for position, line in enumerate(self._lines()):
            cell = SourceCell(self._path.name, position, None, recorded_s=last_s)
            try:
                trigger = _parse(line, last_s)
                last_s = trigger.time_s
                cell = replace(cell, recorded_s=last_s)
                if position >= first:
                    cell = self._with_image(cell, trigger)
            except InputError as error:
                cell = cell.faulty(f"{self._path}: row {position + 1}: {error}")
            if position >= first:
                yield cell

    def close(self) -> None:
        """Close both files."""
        for file in self._files:
            file.close()

    def _open(self, path: Path) -> BinaryIO:
        try:
            file = path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; a bin is an .adc and a .roi") from error
        self._files.append(file)
        return file

    def _lines(self) -> Iterator[bytes]:
        self._adc.seek(0)
        while line := self._adc.readline(LONGEST_LINE):
            yield line

    def _with_image(self, cell: SourceCell, trigger: _Trigger) -> SourceCell:
        size, begin = trigger.width * trigger.height, trigger.offset
        if min(trigger.width, trigger.height, begin) < 0 or begin + size > self._roi_bytes:
            raise InputError(
                f"an image of {trigger.width}x{trigger.height} pixels at byte {begin} does not lie within the "
                f"{self._roi_bytes} bytes of the .roi"
            )
        if not size:
            raise InputError("the trigger has no image")
        self._roi.seek(begin)
        pixels = self._roi.read(size)
        if len(pixels) < size:
            raise InputError(f"the image at byte {begin} is cut off; the .roi has become shorter")
        image = np.frombuffer(pixels, np.uint8).reshape(trigger.height, trigger.width)
        frame = framed(image, self._rows, self._columns)
        cropped = trigger.height > self._rows or trigger.width > self._columns
        flags = Flag.CROPPED if cropped else NOTHING_UNUSUAL
        if self._channels > 1:
            flags |= Flag.SINGLE_IMAGE
        return replace(cell, frames=np.broadcast_to(frame, (self._channels, *frame.shape)), flags=flags)


def framed(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Return the middle of ``image`` in the middle of a frame (rows, columns) of its border's median."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    frame = np.full((rows, columns), np.median(border).astype(np.uint8), np.uint8)
    (to_row, from_row, height), (to_column, from_column, width) = (
        (max(0, (side - length) // 2), max(0, (length - side) // 2), min(side, length))
        for side, length in ((rows, image.shape[0]), (columns, image.shape[1]))
    )
    frame[to_row : to_row + height, to_column : to_column + width] = image[
        from_row : from_row + height, from_column : from_column + width
    ]
    return frame


def _parse(line: bytes, last_s: float) -> _Trigger:
    """Read a row; its time may not lie before the last one's, nor far behind it."""
    words = line.decode("ascii", "replace").strip().split(",")
    if len(words) < _FEWEST:
        raise InputError(f"{len(words)} columns; {_FEWEST} are the fewest that a trigger has")
    columns = _SECOND_FORMAT if len(words) >= _FEWEST_OF_SECOND else _FIRST_FORMAT
    try:
        time_s = float(words[columns.time_s])
        width, height, offset = (int(words[column]) for column in (columns.width, columns.height, columns.offset))
    except ValueError as error:
        raise InputError(f"a column is no number: {error}") from error
    if not math.isfinite(time_s) or not last_s <= time_s <= last_s + LONGEST_GAP_S:
        raise InputError(f"the time {time_s} s does not follow {last_s} s")
    return _Trigger(time_s, width, height, offset)
