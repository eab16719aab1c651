"""Kernels of an emulated board: raw frames of a cell to codes of logits.

``chain`` and ``rtl`` are the real thing, slow, as is the kernel of a :class:`~cytogate.sim.board.gate.PipelineGate`;
``light`` is no network at all and serves to load the way to and from the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.model.interface.answers import FieldAnswer
from cytogate.model.interface.bundle import Bundle
from cytogate.model.retrieval.off_axis.kernel_calibration import read_calibration, setting_of
from cytogate.model.retrieval.off_axis.native import retrieve

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


class LightHolograms:
    """The integer model of holograms, with such sums over the square about a cell in place of its logits."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._phasor = np.zeros((0, 0, 2), np.int64)

    def calibrate(self, words: NDArray[np.uint64]) -> None:
        """Take the phasors of a calibration, (words,); its setting must be that of the design."""
        setting, self._phasor = read_calibration(words, self._bundle.design)
        if setting != setting_of(self._bundle.design):
            raise ValueError(f"a calibration with the setting {setting}, not that of design {self._bundle.design.name}")

    def __call__(self, frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        """Return the words of a field's answer."""
        found = retrieve(frames[0], self._bundle.design, self._phasor)
        logits = [np.array(_sums(self._bundle, square)) for square in found.network_input]
        return FieldAnswer.of(found.center, found.region, logits, found.cells.is_crowded).words()


def _sums(bundle: Bundle, values: NDArray[np.integer]) -> list[int]:
    classes, span = bundle.design.network.classes, 1 << bundle.manifest.logit_width - 1
    return [int(part.sum(dtype=np.int64)) % span for part in np.array_split(values.ravel(), classes)]
