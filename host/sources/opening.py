"""From what a user names to a source."""

from __future__ import annotations

from pathlib import Path

from cytogate.host.sources.folder import SETTLED_S, GrowingFolder
from cytogate.host.sources.source import CellSource
from cytogate.host.sources.watching import PIXELS, ROWS
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError


def open_source(
    path: Path | None,
    design: Design,
    *,
    dataset: str | None = None,
    cells: int | None = None,
    seed: int = 0,
    settled_s: float = SETTLED_S,
) -> CellSource:
    """Open the file or folder ``path``; None is the simulator.

    A folder is a Zarr if it looks like one, and otherwise a folder that grows.

    Parameters
    ----------
    design : Design
        Of the bundle whose accelerator the cells must suit.
    dataset : str or None
        Array of each file that holds the cells, if its name is not ``frames``.
    cells, seed
        Of the simulator; ``cells`` None: endless.
    settled_s
        Of a folder: time without change after which a file there is taken for whole.
    """
    try:
        return _simulator(design, cells, seed) if path is None else _opened(path, design, dataset, settled_s)
    except ImportError as error:
        raise InputError(
            f"{path or 'the simulator'} needs the package {error.name}: pip install 'cytogate[stream]'"
        ) from error


def _simulator(design: Design, cells: int | None, seed: int) -> CellSource:
    from cytogate.host.sources.simulated import SimulatorCells

    return SimulatorCells(design, cells, seed)


def _opened(path: Path, design: Design, dataset: str | None, settled_s: float) -> CellSource:
    from cytogate.model.files.zarr import is_zarr

    if not path.is_dir() or is_zarr(path):
        return _open_file(path, design, dataset, judged=True)
    return GrowingFolder(path, FolderReader(design, dataset), settled_s)


class FolderReader:
    """Opens files of one folder. One instrument writes them all: the first that can be read tells in which order."""

    def __init__(self, design: Design, dataset: str | None = None) -> None:
        self._design, self._dataset, self._judged = design, dataset, False

    def __call__(self, path: Path) -> CellSource:
        """Open a file."""
        source = _open_file(path, self._design, self._dataset, judged=not self._judged)
        self._judged = True
        return source


def _open_file(path: Path, design: Design, dataset: str | None, *, judged: bool) -> CellSource:
    if path.suffix.lower() in (ROWS, PIXELS):
        from cytogate.host.sources.ifcb import FlowCytobotBin

        if dataset is not None:
            raise InputError(f"{path}: a bin of an Imaging FlowCytobot has no named arrays; leave --dataset out")
        return FlowCytobotBin(path, design)
    from cytogate.host.sources.arrays import open_file

    return open_file(path, design, dataset, judged=judged)
