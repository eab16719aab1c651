"""From what a user names to a source."""

from __future__ import annotations

import itertools
from pathlib import Path

from cytogate.host.sources.source import CellSource
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError

FLOW_CYTOBOT_SUFFIXES = (".adc", ".roi")


def open_source(
    path: Path | None, design: Design, *, dataset: str | None = None, cells: int | None = None, seed: int = 0
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
    """
    try:
        return _simulator(design, cells, seed) if path is None else _opened(path, design, dataset)
    except ImportError as error:
        raise InputError(
            f"{path or 'the simulator'} needs the package {error.name}: pip install 'cytogate[stream]'"
        ) from error


def _simulator(design: Design, cells: int | None, seed: int) -> CellSource:
    from cytogate.host.sources.simulated import SimulatorCells

    return SimulatorCells(design, cells, seed)


def _opened(path: Path, design: Design, dataset: str | None) -> CellSource:
    if path.suffix.lower() in FLOW_CYTOBOT_SUFFIXES:
        from cytogate.host.sources.ifcb import FlowCytobotBin

        if dataset is not None:
            raise InputError(f"{path}: a bin of an Imaging FlowCytobot has no named arrays; leave --dataset out")
        return FlowCytobotBin(path, design)
    from cytogate.host.sources.arrays import open_file
    from cytogate.model.files.zarr import is_zarr

    if not path.is_dir() or is_zarr(path):
        return open_file(path, design, dataset)
    from cytogate.host.sources.folder import GrowingFolder

    # One instrument writes all files of a folder: the first tells in which order.
    judged = itertools.chain([True], itertools.repeat(False))
    return GrowingFolder(path, lambda file: open_file(file, design, dataset, judged=next(judged)))
