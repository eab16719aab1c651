"""Emulated boards by name, as the entry-point group ``cytogate.devices`` has them.

The first two compute what a chip would, with the package's trained network; the manifest must be of the same network,
else the driver refuses the chip as it would a wrong bitstream.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cytogate.hls.network.project import HlsProject
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from cytogate.model.interface.bundle import Bundle, Manifest
from cytogate.sim.board import kernels
from cytogate.sim.board.device import EmulatedBoard, provider

FOLDER = Path("out/emulated")
"""Where kernels are compiled, by design."""


def chain_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board on which both kernels run in C-simulation."""
    from cytogate.sim.csim.kernels import CSimulation

    design, project = _network(bundle.manifest)
    simulation = CSimulation.of_chain(design, project, FOLDER / design.name)
    return EmulatedBoard(_built(bundle.manifest, design, project.weights_hash), kernels.chain(simulation))


def rtl_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board with the phase retrieval in verilated SystemVerilog and the network in C-simulation."""
    from cytogate.sim.csim.network import NetworkSimulation
    from cytogate.sim.rtl.simulation import RtlSimulation

    design, project = _network(bundle.manifest)
    network = NetworkSimulation.of(project, FOLDER / design.name)
    retrieval = RtlSimulation(design, FOLDER / design.name / "rtl", bundle.manifest.width)
    built = _built(bundle.manifest, design, project.weights_hash)
    return EmulatedBoard(built, kernels.rtl(retrieval, network), on_close=retrieval.close)


def light_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board with sums in place of a network, for whatever manifest."""
    return EmulatedBoard(bundle.manifest, kernels.light(bundle.manifest))


EMULATED, EMULATED_RTL, EMULATED_LIGHT = (provider(make) for make in (chain_board, rtl_board, light_board))


def _network(manifest: Manifest) -> tuple[Design, HlsProject]:
    from cytogate.hls.network.convert import convert
    from cytogate.model.networks.saved import load_network

    design = load_design(manifest.design)
    return design, convert(load_network(design), design, FOLDER / design.name / "network")


def _built(manifest: Manifest, design: Design, weights_hash: str) -> Manifest:
    """Return what the emulated chip was built as."""
    from cytogate.hls.contract.constants import design_hash

    return replace(manifest, design_hash=design_hash(design), weights_hash=weights_hash)
