"""Cells of one file of frames (cells, channels, rows, columns), read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.frames import FrameFile, open_frames


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
        for position in range(resume.get(origin, 0), self.cells):
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


def open_file(path: Path, design: Design) -> FrameCells:
    """Open an NPZ, HDF5, Zarr or TIFF of frames of the design's instrument.

    Raises
    ------
    InputError
        Where there are no such frames.
    """
    camera = design.camera
    file = open_frames(path, camera)
    try:
        wanted = (len(camera.channels), camera.rows, camera.columns)
        if file.shape[1:] != wanted:
            raise InputError(
                f"{path}: frames of shape {file.shape} do not suit the bundle, whose accelerator takes "
                f"(cells, {', '.join(map(str, wanted))})"
            )
        return FrameCells(file, *_labels(file, design.network.class_names))
    except BaseException:
        file.close()
        raise


def _labels(file: FrameFile, class_names: tuple[str, ...]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return labels (cells,) as indices of the design's classes, found by name, and what must be told of them.

    Numbers without names are believed where they are as many as the design has classes; otherwise, and where a name is
    not the design's, there are no labels and so no accuracy.
    """
    if file.labels is not None and file.class_names is None and int(file.labels.max()) + 1 == len(class_names):
        told = f"{file.path}: labels have no class_names; they are taken for {', '.join(class_names)}, in this order"
        return file.labels, (told,)
    try:
        return file.labels_for(class_names), ()
    except InputError as error:
        return None, (f"no accuracy: {error}",)
