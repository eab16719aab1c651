"""Bins of an Imaging FlowCytobot: ``.adc`` (a row a trigger) and ``.roi`` (its images), replayed as cells.

Columns follow the instrument's two file formats (github.com/joefutrelle/pyifcb, ``ifcb/data/adc.py``); which one a file
has shows in the number of its columns. An image is 8 bits a pixel, row by row, at the byte that its row names.

A trigger has one image of any size. It is laid into the middle of a frame, around it the median of its own border.
Where the design's instrument takes several frames of a cell, the one image stands for all of them: that exercises a
stream with real images and real trigger times, and nothing more. Every such cell is flagged ``SINGLE_IMAGE`` and is
never sorted.
"""

from __future__ import annotations

import bisect
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import NOTHING_READ, Resume
from cytogate.host.sources.watching import PIXELS, ROWS
from cytogate.host.stream.cells import NOTHING_UNUSUAL, Flag, SourceCell
from cytogate.model.command.terminal import spelled
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError

LONGEST_LINE = 4096
LONGEST_GAP_S = 3600.0
"""No bin lasts so long: times on the two sides of such a gap are not of one bin."""


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
        """Open the bin of which ``path`` is the ``.adc`` or the ``.roi``, in small letters or capitals."""
        self._path = _member(path, ROWS)
        camera = design.camera
        self._channels, self._rows, self._columns = len(camera.channels), camera.rows, camera.columns
        self._files: list[BinaryIO] = []
        try:
            self._adc = self._open(self._path)
            self._roi = self._open(_member(path, PIXELS))
            self._roi_bytes = os.fstat(self._roi.fileno()).st_size
            times = [_time_of(line) for line in self._lines()]
            self.cells = len(times)
            self._timed = _rows_in_order(times)
        except BaseException:
            self.close()
            raise
        self.name = str(self._path)

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the triggers behind ``resume``."""
        origin = spelled(self._path.name)
        first, last_s = resume.get(origin, NOTHING_READ).position, 0.0
        # Rows that were added since are those of another opening.
        for position, line in enumerate(itertools.islice(self._lines(), self.cells)):
            cell = SourceCell(origin, position, None, recorded_s=last_s)
            try:
                trigger = _parse(line)
                if position not in self._timed:
                    raise InputError(f"the time {trigger.time_s} s does not follow {last_s} s, or those after it")
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


def _member(path: Path, suffix: str) -> Path:
    """Return the file of a bin with ``suffix``, in the letters that it has."""
    if path.suffix.lower() == suffix:
        return path
    # As the one that is named is written, if there are both.
    wanted = suffix.upper() if path.suffix.isupper() else suffix
    if path.with_suffix(wanted).exists():
        return path.with_suffix(wanted)
    try:
        found = (each for each in path.parent.iterdir() if each.stem == path.stem and each.suffix.lower() == suffix)
        return next(found, path.with_suffix(suffix))
    except OSError:
        return path.with_suffix(suffix)


def _parse(line: bytes) -> _Trigger:
    """Read a row."""
    words = line.decode("ascii", "replace").strip().split(",")
    if len(words) < _FEWEST:
        raise InputError(f"{len(words)} columns; {_FEWEST} are the fewest that a trigger has")
    columns = _SECOND_FORMAT if len(words) >= _FEWEST_OF_SECOND else _FIRST_FORMAT
    try:
        time_s = float(words[columns.time_s])
        width, height, offset = (int(words[column]) for column in (columns.width, columns.height, columns.offset))
    except ValueError as error:
        raise InputError(f"a column is no number: {error}") from error
    return _Trigger(time_s, width, height, offset)


def _time_of(line: bytes) -> float:
    """Return a row's time; NaN if it has none."""
    try:
        return _parse(line).time_s
    except InputError:
        return math.nan


def _rows_in_order(times: Sequence[float]) -> frozenset[int]:
    """Return the rows whose times are believed: as many as can be, each at or behind the one before it.

    So a single wrong time, whether early or late, costs its own row alone.
    """
    chain = _longest_chain(times)
    stretches: list[list[int]] = []
    for row in chain:
        if stretches and times[row] - times[stretches[-1][-1]] <= LONGEST_GAP_S:
            stretches[-1].append(row)
        else:
            stretches.append([row])
    longest = max(map(len, stretches), default=0)
    return frozenset(next((each for each in stretches if len(each) == longest), ()))


def _longest_chain(times: Sequence[float]) -> list[int]:
    """Return rows of a longest sequence of times from 0 that never falls, of several the one that ends earliest."""
    ends: list[float] = []
    """The lowest time at which a sequence of 1, 2, ... rows can end, and which row that is."""
    rows: list[int] = []
    before: dict[int, int | None] = {}
    for row, time_s in enumerate(times):
        if not (math.isfinite(time_s) and time_s >= 0):
            continue
        length = bisect.bisect_right(ends, time_s)
        before[row] = rows[length - 1] if length else None
        ends[length : length + 1], rows[length : length + 1] = [time_s], [row]
    chain, last = list[int](), rows[-1] if rows else None
    while last is not None:
        chain.append(last)
        last = before[last]
    return chain[::-1]
