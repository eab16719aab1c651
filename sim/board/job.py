"""The job of ``cytogate emulate``: a bundle for an emulated board, with its design and its network."""

from __future__ import annotations

from pathlib import Path

from cytogate.hls.board.manifest import manifest_of, write_calibration
from cytogate.hls.network.convert import convert
from cytogate.model.command.files import temporary_folder
from cytogate.model.design.design import Design
from cytogate.model.design.folder import network_folder
from cytogate.model.interface.bundle import Bundle, network_members
from cytogate.model.networks.saved import load_operations
from cytogate.sim.board.bundle import write_synthetic


def emulate(design: Design, output: Path) -> Bundle:
    """Write the bundle of a design, whose network is trained, into the folder ``output`` and return it.

    Raises
    ------
    InputError
        If the design has no network, or the emulated board does not take its frames.
    """
    design.need_whole_chip("emulate")
    path = output / f"cytogate-{design.chip.board}-{design.name}.zip"
    # Not beside the bundle: a folder of the design's name there may be the design's own.
    with temporary_folder() as scratch:
        calibration = write_calibration(design, scratch)
        project = convert(load_operations(design), design, scratch / "network")
        folder = network_folder(design).parent
        network = {name: folder / name for name in network_members(design)} | calibration
        return write_synthetic(path, manifest_of(design, project), design, network)
