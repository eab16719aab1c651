"""Manifests of bundles, for a bitstream as for an emulated board."""

from __future__ import annotations

from importlib.metadata import version

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.network.project import HlsProject
from cytogate.model.design.design import Design
from cytogate.model.interface.bundle import Manifest, Versions


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
