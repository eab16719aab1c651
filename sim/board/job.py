"""The job of ``cytogate emulate``: a bundle for an emulated board, with its design and its network."""

from __future__ import annotations

from pathlib import Path

from cytogate.hls.board.manifest import manifest_of
from cytogate.hls.network.convert import convert
from cytogate.model.design.design import Design
from cytogate.model.design.folder import network_folder
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import REFERENCE, Bundle, network_members
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval.off_axis.calibration import reference_path
from cytogate.sim.board.bundle import write_synthetic


def emulate(design: Design, output: Path) -> Bundle:
    """Write the bundle of a design, whose network is trained, into the folder ``output`` and return it.

    Raises
    ------
    InputError
        If the design has no network, or the emulated board does not take its frames.
    """
    design.need_whole_chip("emulate")
    reference = _reference(design)
    project = convert(load_operations(design), design, output / design.name / "network")
    folder = network_folder(design).parent
    network = {name: folder / name for name in network_members(design)} | reference
    path = output / f"cytogate-{design.chip.board}-{design.name}.zip"
    return write_synthetic(path, manifest_of(design, project), design, network)


def _reference(design: Design) -> dict[str, Path]:
    """Return the file of an off-axis design's reference field, by its name in a bundle; of another design none."""
    if not isinstance(design.instrument, OffAxis):
        return {}
    path, size = reference_path(design), design.off_axis.hologram_size
    if (design.off_axis.rows, design.off_axis.columns) != (size, size):
        raise InputError(
            f"design {design.name}: the chip takes holograms of {size}x{size}, its camera gives {design.off_axis.rows}x"
            f"{design.off_axis.columns}; read out as many rows and columns as hologram_size says"
        )
    if path is None or not path.exists():
        raise InputError(
            f"design {design.name} has no reference field; `cytogate calibrate --design {design.folder or design.name} "
            "--input HOLOGRAMS` measures one"
        )
    return {REFERENCE: path}
