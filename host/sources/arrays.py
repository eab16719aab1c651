"""Cells of one file of frames (cells, channels, rows, columns), read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import NOTHING_READ, Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.command.terminal import spelled
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.retrieval.frame_order import Finding, check_order, readable


@dataclass(frozen=True, eq=False)
class FrameCells:
    """An open file; see :class:`cytogate.host.sources.source.CellSource`."""

    file: FrameFile
    labels: NDArray[np.int64] | None
    """(cells,) indices of the design's classes."""
    told: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.file.path)

    @property
    def cells(self) -> int:
        """Cells of the file."""
        return self.file.cells

    @property
    def simulated(self) -> bool:
        """Whether the file says so."""
        return self.file.simulated

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the cells behind ``resume``."""
        origin = spelled(self.file.path.name)
        for position in range(resume.get(origin, NOTHING_READ).position, self.cells):
            label = None if self.labels is None else int(self.labels[position])
            cell = SourceCell(origin, position, None, label=label)
            try:
                frames = self.file.stored(position, position + 1)[0]
            except InputError as error:
                yield cell.faulty(str(error))
            else:
                yield replace(cell, frames=frames)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


MOST_KEPT = 64
"""Frames of earlier files that are kept to judge an order by, at most."""


class OrderJudge:
    """Judges the order of four-angle frames by the first cells of the files of one instrument, which takes a moment.

    Files in which too few cells are seen are judged together, until something is concluded.
    """

    def __init__(self) -> None:
        self._kept: dict[Path, list[NDArray[np.unsignedinteger]]] = {}
        """By file, which may be opened more than once."""
        self._concluded = self._said = False

    def told(self, file: FrameFile, design: Design) -> str | None:
        """Return what a user must know of a file's frames; that nothing is concluded is said once.

        Raises
        ------
        InputError
            If they are stored in a wrong order: their classes would mean nothing.
        """
        if self._concluded or not design.retrieves_phase:
            return None
        found = check_order(file, design)
        if found.finding is Finding.UNDECIDED:
            others = [part for path, parts in self._kept.items() if path != file.path for part in parts]
            count = min(file.cells, MOST_KEPT - sum(map(len, others)))
            own = self._kept[file.path] = readable(file, 0, count)
            if others:
                found = check_order(np.concatenate([*others, *own]), design)
        if found.wrong:
            raise InputError(f"{file.path}: {found.sentence}")
        self._concluded = found.finding is not Finding.UNDECIDED
        if not found.doubtful or (self._said and not self._concluded):
            return None
        self._said = True
        return f"{file.path}: {found.sentence}"


def open_file(path: Path, design: Design, dataset: str | None = None, judge: OrderJudge | None = None) -> FrameCells:
    """Open an HDF5, NPZ, NPY, Zarr, TIFF or MAT of frames of the design's instrument.

    Parameters
    ----------
    dataset
        Array that holds the cells, if its name is not ``frames``.
    judge
        Judges the order of four-angle frames, one for all files of an instrument; None: of this file alone.

    Raises
    ------
    InputError
        Where there are no such frames, or they are stored in a wrong order.
    """
    camera = design.camera
    file = open_frames(path, camera, not design.retrieves_phase, dataset)
    try:
        wanted = (len(camera.channels), camera.rows, camera.columns)
        if file.shape[1:] != wanted:
            raise InputError(
                f"{path}: frames of shape {file.shape} do not suit the bundle, whose accelerator takes "
                f"(cells, {', '.join(map(str, wanted))})"
            )
        labels, of_labels = file.matched_labels(design.network.class_names)
        of_order = (judge or OrderJudge()).told(file, design)
        return FrameCells(file, labels, tuple(said for said in (of_labels, of_order) if said is not None))
    except BaseException:
        file.close()
        raise
