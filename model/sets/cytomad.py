"""CytoMAD: seven lines of lung-cancer cells, bright field and quantitative phase, taken by multi-ATOM on seven days.

Form, by the authors' README and loader (github.com/MichelleLCK/CytoMAD, 068a9b5):
``7LungCancerDataset/BatchN/LINE/PART/LINE_BF.mat`` and ``LINE_QPI.mat``, PART one of ``Train``, ``Valid`` and ``Test``,
500 cells each; MATLAB's variables ``BF`` and ``QPI``, (rows, columns, cells), a field of view of 45 um. Each line is in
three of the seven batches, a batch a day, so that a split by batches is a split by days. The loader scales no values.

Not published: the size of the images, which must be one for all files; the type and unit of the values. Whole numbers
of 0 to 65,535 are taken for codes as they are. Anything else becomes codes of 16 bits, by one line for all cells of the
set, whose offset and step are written into the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.terminal import progress_bars
from cytogate.model.design.instruments import BrightField
from cytogate.model.errors import InputError
from cytogate.model.files.container import Container, StoredArray, reading
from cytogate.model.files.opening import open_container
from cytogate.model.sets.cells import Frames, Origin, PublicSet, Scale, SetCells, checked
from cytogate.model.simulation.optics import code_type

LINES = ("H69", "H358", "H520", "H526", "H1975", "H2170", "HCC827")
PARTS = ("Train", "Valid", "Test")
VARIABLES = ("BF", "QPI")
CHANNELS = ("bright field", "phase")
ROOT = "7LungCancerDataset"
FIELD_UM = 45.0
TOP = 2**16 - 1
AT_A_TIME = 64

ORIGIN = Origin(
    title="CytoMAD, 7 lung cancer cell lines",
    address="https://github.com/MichelleLCK/CytoMAD/tree/main/7LungCancerDataset",
    licence="GPL-3.0, as its repository says",
    citation="Lo et al. 2023, Information-Distilled Generative Label-Free Morphological Profiling Encodes Cellular "
    "Heterogeneity, bioRxiv 2023.11.06.565732",
    left_out="the second set of the repository, drug treatments of H2170",
    assumed="a batch is a day; type and unit of the values are not published, see offset and step",
)


def find(folder: Path) -> SetCells:
    """Find the cells of all batches that are there. Groups are batches, which are days."""
    files = [*_files(folder / ROOT if (folder / ROOT).is_dir() else folder)]
    if not files:
        raise InputError(f"{folder}: holds no BatchN/LINE/{'|'.join(PARTS)}/LINE_BF.mat of a line {', '.join(LINES)}")
    opened = _Opened()
    shapes = {pair: opened.shape(pair) for pair in files}
    (rows, columns), first = next(iter(shapes.values()))[:2], files[0]
    for pair, shape in shapes.items():
        if shape[:2] != (rows, columns):
            raise InputError(
                f"{pair.path(VARIABLES[0])}: images of {shape[0]}x{shape[1]} pixels, but "
                f"{first.path(VARIABLES[0]).name} of {first.batch} has {rows}x{columns}; all must be alike"
            )
    ranges = _ranges(files, opened)
    counts = [shapes[pair][2] for pair in files]
    bits = max(8, *(int(each.high).bit_length() for each in ranges)) if all(each.codes for each in ranges) else 16
    pitch = FIELD_UM / max(rows, columns)
    instrument = BrightField(CHANNELS, pitch, pitch, bits, rows, columns)
    scales = tuple(each.scale for each in ranges)
    return SetCells(
        instrument=instrument,
        class_names=LINES,
        labels=np.repeat([LINES.index(pair.line) for pair in files], counts),
        frames=partial(_frames, files, np.cumsum(counts), opened, scales, instrument),
        groups=np.repeat([pair.batch for pair in files], counts),
        grouped_by="day",
        parts=np.repeat([pair.part.lower() for pair in files], counts),
        scales=scales,
    )


CYTOMAD = PublicSet(ORIGIN, find)


@dataclass(frozen=True)
class _Pair:
    """The two files of a line's cells on a day, in a part."""

    root: Path
    batch: str
    line: str
    part: str

    def path(self, variable: str) -> Path:
        return self.root / self.batch / self.line / self.part / f"{self.line}_{variable}.mat"


def _files(root: Path) -> Iterator[_Pair]:
    """Yield what is there, by batch, line and part; half of a pair is a fault."""
    for batch in sorted(each.name for each in root.glob("Batch*") if each.is_dir()):
        for line in sorted(each.name for each in (root / batch).iterdir() if each.is_dir()):
            if line not in LINES:
                raise InputError(f"{root / batch / line}: is none of the lines {', '.join(LINES)}")
            for part in PARTS:
                pair = _Pair(root, batch, line, part)
                there = [pair.path(variable).is_file() for variable in VARIABLES]
                if all(there):
                    yield pair
                elif any(there) or pair.path(VARIABLES[0]).parent.is_dir():
                    raise InputError(
                        f"{pair.path(VARIABLES[there.index(False)])}: there is no such file; fetch it, too"
                    )


class _Opened:
    """Reads pairs of files, of which it keeps the last one open: cells are read in the order of their files."""

    def __init__(self) -> None:
        self._pair: _Pair | None = None
        self._containers: list[Container] = []
        self._arrays: list[StoredArray] = []

    def shape(self, pair: _Pair) -> tuple[int, int, int]:
        """Return rows, columns and cells, which both files must have alike."""
        self._open(pair)
        first, second = (array.shape for array in self._arrays)
        if first != second:
            raise InputError(f"{pair.path(VARIABLES[1])}: {second}, but {pair.path(VARIABLES[0]).name} is {first}")
        rows, columns, cells = first
        return rows, columns, cells

    def read(self, pair: _Pair, start: int, stop: int) -> NDArray[np.float64]:
        """Return (channels, rows, columns, cells)."""
        self._open(pair)
        parts = []
        for variable, array in zip(VARIABLES, self._arrays, strict=True):
            with reading(pair.path(variable), f"cell {start}"):
                parts.append(array.read(start, stop, axis=2).astype(np.float64))
        return np.stack(parts)

    def _open(self, pair: _Pair) -> None:
        if pair == self._pair:
            return
        for container in self._containers:
            container.close()
        self._pair, self._containers, self._arrays = None, [], []
        for variable in VARIABLES:
            path = pair.path(variable)
            self._containers.append(open_container(path))
            array = self._containers[-1].array(variable)
            if array is None or not array.column_major or len(array.shape) != 3 or array.dtype.kind not in "iuf":
                held = "none" if array is None else f"{array.dtype} of shape {array.shape}"
                raise InputError(f"{path}: MATLAB's variable {variable} (rows, columns, cells) is needed; it is {held}")
            self._arrays.append(array)
        self._pair = pair


@dataclass(frozen=True)
class _Range:
    """What the values of a channel are in all of the set."""

    low: float
    high: float
    whole: bool

    @property
    def codes(self) -> bool:
        return self.whole and self.low >= 0 and self.high <= TOP

    @property
    def scale(self) -> Scale:
        return Scale(0.0, 1.0) if self.codes else Scale(self.low, (self.high - self.low) / TOP or 1.0)


def _ranges(files: list[_Pair], opened: _Opened) -> list[_Range]:
    """Return the range of each channel over all cells, which are read for it once."""
    found: list[_Range] = []
    with progress_bars() as bars:
        for pair in bars.track(files, description="range of the values"):
            for start in range(0, (cells := opened.shape(pair)[2]), AT_A_TIME):
                values = opened.read(pair, start, min(start + AT_A_TIME, cells))
                if not np.isfinite(values).all():
                    channel = int(np.argmin(np.isfinite(values).all(axis=(1, 2, 3))))
                    raise InputError(f"{pair.path(VARIABLES[channel])}: holds NaN or infinity from cell {start} on")
                here = [
                    _Range(float(each.min()), float(each.max()), bool((each == np.rint(each)).all())) for each in values
                ]
                found = [
                    _Range(min(a.low, b.low), max(a.high, b.high), a.whole and b.whole)
                    for a, b in zip(found or here, here, strict=True)
                ]
    return found


def _frames(
    files: list[_Pair], ends: NDArray[np.int64], opened: _Opened, scales: tuple[Scale, ...], instrument: BrightField,
    number: int,
) -> Frames:  # fmt: skip
    place = int(np.searchsorted(ends, number, side="right"))
    within = number - int(ends[place - 1] if place else 0)
    values = opened.read(files[place], within, within + 1)[..., 0]
    codes = [np.rint((value - each.offset) / each.step) for value, each in zip(values, scales, strict=True)]
    where = f"{files[place].path(VARIABLES[0])}: cell {within}"
    return checked(np.stack(codes).astype(code_type(instrument)), instrument, where)
