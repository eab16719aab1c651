"""What a bundle says of itself, from design, board and network: for a bitstream as for an emulated board."""

from __future__ import annotations

from importlib.metadata import version

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.network.project import HlsProject
from cytogate.model.design.boards import Board
from cytogate.model.design.design import Design
from cytogate.model.interface.bundle import Manifest, Versions
from cytogate.model.interface.frame_layout import FrameLayout, lane_bits


def manifest_of(
    design: Design,
    board: Board,
    project: HlsProject,
    *,
    kernel: str,
    width: int,
    clock_mhz: float,
    vivado: str | None = None,
    vitis: str | None = None,
) -> Manifest:
    """Return the manifest of a design on a board; without a release of Vivado it is a synthetic one."""
    acquisition = design.acquisition
    layout = FrameLayout(acquisition.rows, acquisition.columns, width, lane_bits(acquisition.adc_bits))
    return Manifest(
        design=design.name,
        board=board.name,
        part=board.part,
        clock_mhz=clock_mhz,
        kernel=kernel,
        width=width,
        size=design.size,
        binning=design.binning,
        rows=acquisition.rows,
        columns=acquisition.columns,
        adc_bits=acquisition.adc_bits,
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
