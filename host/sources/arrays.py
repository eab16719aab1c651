"""Cells of one file or array of frames (cells, channels, rows, columns), read one at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.host.sources.labels import labels_of_design
from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.containers import Source, reading
from cytogate.model.files.frames import open_frames

TIFF_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class FrameCells:
    """An open file; see :class:`cytogate.host.sources.source.CellSource`."""

    path: Path
    source: Source
    labels: NDArray[np.int64] | None
    simulated: bool
    told: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def cells(self) -> int:
        """Cells of the file."""
        return self.source.shape[0]

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the cells behind ``resume``."""
        for position in range(resume.get(self.path.name, 0), self.cells):
            label = None if self.labels is None else int(self.labels[position])
            cell = SourceCell(self.path.name, position, None, label=label)
            try:
                with reading(self.path):
                    frames = self.source.read(position, position + 1)[0]
            except InputError as error:
                yield cell.faulty(str(error))
            else:
                yield replace(cell, frames=frames)

    def close(self) -> None:
        """Close the file."""
        self.source.close()


def open_file(path: Path, design: Design) -> FrameCells:
    """Open an NPZ, HDF5 or TIFF file of frames of the accelerator's size; OME-TIFF in any order of its axes."""
    from cytogate.host.sources.ome_tiff import OmeTiff, is_ome_tiff

    if is_ome_tiff(path):
        with reading(path):
            return checked(path, OmeTiff(path), design)
    file = open_frames(path, design.camera)
    try:
        labels, told = labels_of_design(path, file.labels, file.class_names, design.network.class_names)
    except BaseException:
        file.close()
        raise
    return checked(path, file.source, design, labels, () if told is None else (told,))


def checked(
    path: Path, source: Source, design: Design, labels: NDArray[np.int64] | None = None, told: tuple[str, ...] = ()
) -> FrameCells:
    """Return the cells of ``source`` if its shape is the accelerator's; otherwise close it and say what is wrong."""
    camera = design.camera
    wanted = (len(camera.channels), camera.rows, camera.columns)
    if len(source.shape) == 4 and source.shape[0] > 0 and source.shape[1:] == wanted:
        return FrameCells(path, source, labels, _says_simulated(path), told)
    source.close()
    raise InputError(
        f"{path}: frames of shape {tuple(source.shape)} do not suit the bundle, whose accelerator takes "
        f"(cells, {', '.join(map(str, wanted))})"
    )


def _says_simulated(path: Path) -> bool:
    """Return whether a file says that it is simulated, as :mod:`cytogate.model.simulation.write` writes it.

    What cannot be read here is told where its cells are read.
    """
    with contextlib.suppress(InputError), reading(path):
        if path.is_file() and h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return bool(file.attrs.get("simulated", False))
        if path.suffix.lower() in TIFF_SUFFIXES:
            with tifffile.TiffFile(path, _multifile=False) as file:
                described = json.loads(file.pages.first.description or "null")
                return isinstance(described, dict) and described.get("simulated") is True
    return False
