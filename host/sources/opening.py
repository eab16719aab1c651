"""From what a user calls a source to the source."""

from __future__ import annotations

from pathlib import Path

from cytogate.host.sources.source import CellSource
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import Manifest

SIMULATOR = "simulator"
FLOW_CYTOBOT_SUFFIXES = (".adc", ".roi")


def open_source(text: str, manifest: Manifest, *, cells: int | None = None, seed: int = 0) -> CellSource:
    """Open the source ``text``: the word ``simulator``, or the path of a file or folder.

    A folder is a Zarr if it looks like one, and otherwise a folder that grows.

    Parameters
    ----------
    manifest : Manifest
        Of the bundle whose accelerator the cells must suit.
    cells, seed
        Of the simulator; ``cells`` None: endless.
    """
    try:
        return _simulator(manifest, cells, seed) if text == SIMULATOR else _opened(Path(text), manifest)
    except ImportError as error:
        raise InputError(
            f"{text}: to read this source, the package {error.name} is needed: pip install 'cytogate[stream]'"
        ) from error


def _simulator(manifest: Manifest, cells: int | None, seed: int) -> CellSource:
    from cytogate.host.sources.simulated import SimulatorCells

    return SimulatorCells(manifest, cells, seed)


def _opened(path: Path, manifest: Manifest) -> CellSource:
    if path.suffix.lower() in FLOW_CYTOBOT_SUFFIXES:
        from cytogate.host.sources.ifcb import FlowCytobotBin

        return FlowCytobotBin(path, manifest)
    from cytogate.host.sources.arrays import open_file
    from cytogate.model.files.zarr import is_zarr

    if not path.is_dir() or is_zarr(path):
        return open_file(path, manifest)
    from cytogate.host.sources.folder import GrowingFolder

    return GrowingFolder(path, lambda file: open_file(file, manifest))
