"""Kernels of an emulated board: raw frames of a cell to codes of logits.

``chain``, ``rtl`` and ``pipeline`` are the real thing, slow; ``light`` is no network at all and serves to load the way
to and from the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.model.interface.bundle import Bundle

if TYPE_CHECKING:
    from cytogate.sim.csim.kernels import CSimulation
    from cytogate.sim.csim.network import NetworkSimulation
    from cytogate.sim.rtl.pipeline import PipelineSimulation
    from cytogate.sim.rtl.simulation import RtlSimulation

Kernel = Callable[[NDArray[np.unsignedinteger]], Sequence[int]]
"""Frames (channels, rows, columns) to codes of logits (classes,)."""


def chain(simulation: CSimulation) -> Kernel:
    """Return both kernels in C-simulation."""
    return lambda frames: simulation.run(frames)["logits"].tolist()


def rtl(retrieval: RtlSimulation, network: NetworkSimulation) -> Kernel:
    """Return the kernel before the network in verilated SystemVerilog with the network in C-simulation."""

    def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        beats, lasts = retrieval.beats(frames[np.newaxis])
        pixels = retrieval.play(beats, lasts, frames_out=1).pixels
        return network.logits(pixels)[0].tolist()

    return run


def pipeline(simulation: PipelineSimulation) -> Kernel:
    """Return the whole pipeline in verilated SystemVerilog."""
    return lambda frames: simulation.logits(frames[np.newaxis])[0].tolist()


def light(bundle: Bundle) -> Kernel:
    """Return sums over as many parts of the frames as there are classes, modulo the range of a positive logit."""
    classes, span = bundle.design.network.classes, 1 << bundle.manifest.logit_width - 1

    def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        return [int(part.sum(dtype=np.int64)) % span for part in np.array_split(frames.ravel(), classes)]

    return run
