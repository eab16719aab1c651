"""Kernels of an emulated board: raw frames of a cell to codes of logits.

``chain`` and ``rtl`` are the real thing, slow, as is the kernel of a :class:`~cytogate.sim.board.gate.PipelineGate`;
``light`` is no network at all and serves to load the way to and from the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.interface.answers import FieldAnswer, FoundCell
from cytogate.model.interface.bundle import Bundle
from cytogate.model.retrieval.off_axis.integer import retrieve

if TYPE_CHECKING:
    from cytogate.sim.csim.fields import FieldSimulation
    from cytogate.sim.csim.kernels import CSimulation
    from cytogate.sim.csim.network import NetworkSimulation
    from cytogate.sim.rtl.simulation import RtlSimulation

Kernel = Callable[[NDArray[np.unsignedinteger]], Sequence[int]]
"""Frames (channels, rows, columns) to the words of their answer: codes of logits (classes,), or those of a field."""


def chain(simulation: CSimulation) -> Kernel:
    """Return both kernels in C-simulation."""
    return lambda frames: simulation.run(frames)["logits"].tolist()


def holograms(simulation: FieldSimulation) -> Kernel:
    """Return the kernels of holograms and the network in C-simulation, from beats to the field's packet."""
    return lambda frames: simulation.packet(frames[0]).tolist()


def rtl(retrieval: RtlSimulation, network: NetworkSimulation) -> Kernel:
    """Return the kernel before the network in verilated SystemVerilog with the network in C-simulation."""

    def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        beats, lasts = retrieval.beats(frames[np.newaxis])
        pixels = retrieval.play(beats, lasts, frames_out=1).pixels
        return network.logits(pixels)[0].tolist()

    return run


def light(bundle: Bundle) -> Kernel:
    """Return sums over as many parts of the frames as there are classes, modulo the range of a positive logit."""
    return lambda frames: _sums(bundle, frames)


def light_holograms(bundle: Bundle, phasor: Codes) -> Kernel:
    """Return the integer model of holograms, with such sums over the square about a cell in place of its logits."""

    def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        found = retrieve(frames[0], bundle.design, phasor)
        logits = (np.array(_sums(bundle, square)) for square in found.network_input)
        cells = zip(found.center.tolist(), found.region.tolist(), logits, strict=True)
        return _field(cells, found.cells.is_crowded)

    return run


def _field(cells: Iterable[tuple[list[int], list[int], NDArray[np.int64]]], is_crowded: bool) -> Sequence[int]:
    """Return the words of a field of center, region and logits of each cell."""
    answers = (FoundCell((row, column), area, flags, own) for (row, column), (area, flags), own in cells)
    return FieldAnswer(tuple(answers), is_crowded).words()


def _sums(bundle: Bundle, values: NDArray[np.integer]) -> list[int]:
    classes, span = bundle.design.network.classes, 1 << bundle.manifest.logit_width - 1
    return [int(part.sum(dtype=np.int64)) % span for part in np.array_split(values.ravel(), classes)]
