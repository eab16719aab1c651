"""What a bundle says of itself, from design, board and network: for a bitstream as for an emulated board."""

from __future__ import annotations

from importlib.metadata import version

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.network.project import HlsProject
from cytogate.model.design.design import Design
from cytogate.model.interface.bundle import Manifest, Versions
from cytogate.model.interface.frame_layout import FrameLayout


def manifest_of(design: Design, project: HlsProject, vivado: str | None = None, vitis: str | None = None) -> Manifest:
    """Return the manifest of a design on its board; without a release of Vivado it is a synthetic one."""
    camera, chip = design.camera, design.chip
    layout = FrameLayout.of(camera, chip.samples_per_clock)
    return Manifest(
        design=design.name,
        board=chip.board,
        part=chip.on.part,
        clock_mhz=chip.clock_mhz,
        kernel=chip.kernel,
        width=chip.samples_per_clock,
        size=design.size,
        binning=design.binning,
        rows=camera.rows,
        columns=camera.columns,
        adc_bits=camera.adc_bits,
        lane_bits=layout.lane_bits,
        frame_bytes=layout.frame_bytes,
        class_names=design.network.class_names,
        logit_width=project.logits.width,
        logit_integer_bits=project.logits.integer_bits,
        design_hash=design_hash(design),
        weights_hash=project.weights_hash,
        versions=Versions(version("cytogate"), version("hls4ml"), vivado, vitis),
        synthetic=vivado is None,
    )
