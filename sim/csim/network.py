"""C-simulation of a converted network alone: what hls4ml wrote, and whether it equals what Keras computes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.exact import logits_of_codes
from cytogate.model.networks.keras_backend import keras
from cytogate.sim.csim.compile import build


@dataclass(frozen=True)
class ExactLogits:
    """Logits of a network in C-simulation, compared with Keras's, both as codes."""

    values: int
    """Logits compared."""
    differing: int

    @property
    def holds(self) -> bool:
        """Whether something was compared and all of it is equal."""
        return self.values > 0 and self.differing == 0


def compare_logits(
    model: keras.Model, codes: Sequence[NDArray[np.integer]], design: Design, folder: Path
) -> ExactLogits:
    """Convert a network for the chip of ``design`` and compare its logits for codes (cells, ...) of each input.

    Raises
    ------
    InputError
        If the network is not converted as it is.
    """
    project = convert(model, design, folder / "network")
    found = NetworkSimulation.of(project, folder).logits(*codes)
    due = project.logits.encode(logits_of_codes(model, codes))
    return ExactLogits(due.size, int(np.count_nonzero(found != due)))


@dataclass(frozen=True)
class NetworkSimulation:
    """A compiled network; its streams are shared: use one from one thread."""

    project: HlsProject
    library: ctypes.CDLL

    @staticmethod
    def of(project: HlsProject, folder: Path) -> NetworkSimulation:
        """Compile the network of ``project`` into ``folder``."""
        path = build(
            folder / "network.so",
            [FPGA / "tb" / "network.cpp", *project.sources],
            project.includes,
            project.definitions,
            shared=True,
        )
        library = ctypes.CDLL(str(path))
        library.cytogate_network.argtypes = [ctypes.c_void_p] * 3
        return NetworkSimulation(project, library)

    def logits(self, *codes: NDArray[np.integer]) -> Codes:
        """Return codes of logits (cells, classes) for the codes (cells, ..., channels) of each input."""
        inputs = [np.ascontiguousarray(each, np.int32) for each in codes]
        found = np.empty((len(inputs[0]), self.project.classes), np.int32)
        if len(inputs) != len(self.project.input_types):
            raise CheckFailed(
                f"network {self.project.top}: {len(inputs)} inputs were given where {len(self.project.input_types)} "
                f"are due"
            )
        positions = np.array([each[0].size // each.shape[-1] for each in inputs], np.int32)
        for *cells, logits in zip(*inputs, found, strict=True):
            pointers = (ctypes.c_void_p * len(cells))(*(cell.ctypes.data for cell in cells))
            count = self.library.cytogate_network(pointers, positions.ctypes.data, logits.ctypes.data)
            if count != logits.size:
                raise CheckFailed(f"network {self.project.top}: {count} logits left it where {logits.size} were due")
        return found.astype(np.int64)
