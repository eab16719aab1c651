"""Members of bundles beside files of a build, for a bitstream as for an emulated board."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.network.project import HlsProject
from cytogate.model.command.files import whole_file
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import KERNEL_CALIBRATION, REFERENCE, Manifest, Versions
from cytogate.model.retrieval.off_axis.calibration import read_reference, reference_path
from cytogate.model.retrieval.off_axis.integer import reference_phasor
from cytogate.model.retrieval.off_axis.kernel_calibration import calibration_words


def write_calibration(design: Design, folder: Path) -> dict[str, Path]:
    """Return the files of an off-axis design's calibration by their names in a bundle; of another design none.

    What the kernels are told is written into ``folder``.

    Raises
    ------
    InputError
        If there is no reference field yet, or the chip would not take what the camera gives.
    """
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
    words = folder / Path(KERNEL_CALIBRATION).name
    with whole_file(words) as partial, partial.open("wb") as file:
        np.save(file, calibration_words(design, reference_phasor(read_reference(path, design))))
    return {REFERENCE: path, KERNEL_CALIBRATION: words}


def manifest_of(design: Design, project: HlsProject, vivado: str | None = None, vitis: str | None = None) -> Manifest:
    """Return the manifest of a design with its network; without a release of Vivado it is a synthetic one."""
    return Manifest(
        design=design.name,
        logit_width=project.logits.width,
        logit_integer_bits=project.logits.integer_bits,
        design_hash=design_hash(design),
        weights_hash=project.weights_hash,
        versions=Versions(version("cytogate"), version("hls4ml"), vivado, vitis),
        synthetic=vivado is None,
    )
