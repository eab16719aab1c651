"""Cells of one file of frames (cells, channels, rows, columns), read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import NOTHING_READ, Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.retrieval.frame_order import check_order


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
        origin = self.file.path.name
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


def open_file(path: Path, design: Design, dataset: str | None = None, *, judged: bool = True) -> FrameCells:
    """Open an HDF5, NPZ, NPY, Zarr, TIFF or MAT of frames of the design's instrument.

    Parameters
    ----------
    dataset
        Array that holds the cells, if its name is not ``frames``.
    judged
        Whether the order of four-angle frames is judged by the file's first cells, which takes a moment.

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
        of_order = _order_told(file, design) if judged and design.retrieves_phase else None
        return FrameCells(file, labels, tuple(said for said in (of_labels, of_order) if said is not None))
    except BaseException:
        file.close()
        raise


def _order_told(file: FrameFile, design: Design) -> str | None:
    """Return what a user must know of four-angle frames; classes of frames in a wrong order would mean nothing."""
    found = check_order(file, design)
    if found.wrong:
        raise InputError(f"{file.path}: {found.sentence}")
    return f"{file.path}: {found.sentence}" if found.doubtful else None
