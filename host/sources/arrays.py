"""Cells of one file of frames (cells, channels, rows, columns), read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.interface.bundle import Manifest


@dataclass(frozen=True, eq=False)
class FrameCells:
    """An open file; see :class:`cytogate.host.sources.source.CellSource`."""

    file: FrameFile
    labels: NDArray[np.int64] | None

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


def open_file(path: Path, manifest: Manifest) -> FrameCells:
    """Open an NPZ, HDF5, Zarr or TIFF of frames of the accelerator's size.

    Raises
    ------
    InputError
        Where there are no such frames, or labels that are not of the accelerator's classes.
    """
    file = open_frames(path, FourAngle(adc_bits=manifest.adc_bits))
    try:
        wanted = (len(FourAngle.channels), manifest.rows, manifest.columns)
        if file.shape[1:] != wanted:
            raise InputError(
                f"{path}: frames of shape {file.shape} do not suit the bundle, whose accelerator takes "
                f"(cells, {', '.join(map(str, wanted))})"
            )
        return FrameCells(file, file.labels_for(manifest.class_names))
    except BaseException:
        file.close()
        raise
