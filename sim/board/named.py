"""Emulated boards by name, as the entry-point group ``cytogate.devices`` has them.

The first two compute what a chip would, from the design and the network in the bundle; its manifest must be of the
same network, else the driver refuses the chip as it would a wrong bitstream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path

from cytogate.hls.network.project import HlsProject
from cytogate.model.command.files import temporary_folder
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.processes import go_first
from cytogate.model.design.design import RTL
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import Bundle
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.board import kernels
from cytogate.sim.board.background import ClocklessBackground
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.gate import PipelineGate

FOLDER = Path("out/emulated")
"""Where kernels are compiled, by design."""


def _compiled_alone(make: Callable[[Bundle], EmulatedBoard]) -> Callable[[Bundle], EmulatedBoard]:
    """Return ``make``, which compiles in the folder of the bundle's design, for one process at a time."""

    @wraps(make)
    def made(bundle: Bundle) -> EmulatedBoard:
        with sole_builder(_folder(bundle)):
            return make(bundle)

    return made


@_compiled_alone
def chain_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board on which both kernels run in C-simulation."""
    if isinstance(bundle.design.instrument, OffAxis):
        return _hologram_board(bundle)
    from cytogate.sim.csim.kernels import CSimulation

    (_, project), folder = _network(bundle), _folder(bundle)
    simulation = CSimulation.of_chain(bundle.design, project, folder)
    light = ClocklessBackground(bundle.design, simulation) if bundle.design.chip.takes_background else None
    return EmulatedBoard(_built(bundle, project), kernels.chain(simulation), light=light)


@_compiled_alone
def rtl_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board with what the design has in SystemVerilog verilated; a network of hls4ml is in C-simulation."""
    if isinstance(bundle.design.instrument, OffAxis):
        raise InputError(
            f"{bundle.path}: holograms have no kernel in SystemVerilog; device emulated runs theirs in C-simulation"
        )
    (operations, project), folder = _network(bundle), _folder(bundle)
    design, built = bundle.design, _built(bundle, project)
    if design.chip.network == RTL:
        from cytogate.hls.engine.pipeline import pipeline_engines
        from cytogate.sim.rtl.pipeline import PipelineSimulation

        engines = pipeline_engines(operations, design, design.chip.samples_per_clock)
        whole = PipelineSimulation(design, engines, folder / "pipeline")
        gate = PipelineGate(whole)
        return EmulatedBoard(built, gate.kernel, on_close=whole.close, gate=gate)
    from cytogate.sim.csim.network import NetworkSimulation
    from cytogate.sim.rtl.simulation import RtlSimulation

    network = NetworkSimulation.of(project, folder)
    retrieval = RtlSimulation(design, folder / "rtl", design.chip.samples_per_clock)
    return EmulatedBoard(built, kernels.rtl(retrieval, network), on_close=retrieval.close)


def light_board(bundle: Bundle) -> EmulatedBoard:
    """Return a board with sums in place of a network, for whatever bundle.

    It mostly waits, so it goes first, as a chip does, which waits for no processor of its host.
    """
    if isinstance(bundle.design.instrument, OffAxis):
        holograms = kernels.LightHolograms(bundle)
        return EmulatedBoard(bundle, holograms, begin=go_first, calibrate=holograms.calibrate)
    return EmulatedBoard(bundle, kernels.light(bundle), begin=go_first)


EMULATED, EMULATED_RTL, EMULATED_LIGHT = (provider(make) for make in (chain_board, rtl_board, light_board))


def _hologram_board(bundle: Bundle) -> EmulatedBoard:
    from cytogate.sim.csim.fields import FieldSimulation

    _, project = _network(bundle)
    simulation = FieldSimulation.of(bundle.design, project, _folder(bundle))
    return EmulatedBoard(_built(bundle, project), kernels.holograms(simulation), calibrate=simulation.calibrate)


def _folder(bundle: Bundle) -> Path:
    return FOLDER / bundle.design.name


def _network(bundle: Bundle) -> tuple[IntegerNetwork, HlsProject]:
    """Return the network that the bundle carries, on integers and converted."""
    from cytogate.hls.network.convert import convert
    from cytogate.model.networks.saved import load_operations

    if not bundle.manifest.synthetic:
        raise InputError(
            f"{bundle.path}: this bundle is for a real board and carries no network; `cytogate emulate` writes one for "
            "an emulated board"
        )
    with temporary_folder() as extracted:
        bundle.extract(extracted)
        try:
            network = load_operations(replace(bundle.design, folder=extracted))
        except InputError as error:
            # By its name in the bundle, not where it was extracted to.
            told = str(error).replace(f"{extracted}/", "")
            raise InputError(f"{bundle.path}: {told}") from error
    return network, convert(network, bundle.design, _folder(bundle) / "network")


def _built(bundle: Bundle, project: HlsProject) -> Bundle:
    """Return what the emulated chip was built as."""
    from cytogate.hls.contract.constants import design_hash

    built_as = replace(bundle.manifest, design_hash=design_hash(bundle.design), weights_hash=project.weights_hash)
    return replace(bundle, manifest=built_as)
