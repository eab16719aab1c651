"""From what a user names to a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cytogate.host.sources.folder import SETTLED_S, GrowingFolder
from cytogate.host.sources.source import CellSource
from cytogate.host.sources.watching import PIXELS, ROWS
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError

if TYPE_CHECKING:
    from cytogate.host.sources.arrays import OrderJudge


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

    open_file = FileReader(design, dataset)
    return GrowingFolder(path, open_file, settled_s) if path.is_dir() and not is_zarr(path) else open_file(path)


class FileReader:
    """Opens a file, or those of a folder: one instrument writes them all, and their first cells tell in which order."""

    def __init__(self, design: Design, dataset: str | None = None) -> None:
        self._design, self._dataset = design, dataset
        self._judge: OrderJudge | None = None

    def __call__(self, path: Path) -> CellSource:
        """Open a file."""
        if path.suffix.lower() in (ROWS, PIXELS):
            from cytogate.host.sources.ifcb import FlowCytobotBin

            if self._dataset is not None:
                raise InputError(f"{path}: a bin of an Imaging FlowCytobot has no named arrays; leave --dataset out")
            return FlowCytobotBin(path, self._design)
        from cytogate.host.sources.arrays import OrderJudge, open_file

        self._judge = self._judge or OrderJudge()
        return open_file(path, self._design, self._dataset, self._judge)
