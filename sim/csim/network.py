"""C-simulation of a converted network alone: what hls4ml wrote, and whether it computes what the network does."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.hls.network.layers import hls_layers
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.processes import run_beside
from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.csim.compile import build

RANDOM_CELLS = 12
ANSWER_S = 900.0
"""Longest time of a C-simulation in a process of its own."""


@dataclass(frozen=True)
class ExactLogits:
    """Logits of a network in C-simulation, compared with those that are due, both as codes."""

    values: int
    """Logits compared."""
    differing: int
    first: str = ""
    """The first layer whose words differ, where logits do."""

    @property
    def holds(self) -> bool:
        """Whether something was compared and all of it is equal."""
        return self.values > 0 and self.differing == 0


def compare_logits(
    network: IntegerNetwork, codes: Sequence[NDArray[np.integer]], design: Design, folder: Path
) -> ExactLogits:
    """Convert a network for the chip of ``design`` and compare its logits for codes (cells, ...) of each input.

    What hls4ml wrote runs in a process of its own. Where logits differ, the network's beginning is converted again and
    again, each time to another layer, until the first one that differs is known.

    Raises
    ------
    InputError
        If the network is not converted as it is.
    CheckFailed
        If the C-simulation dies.
    """
    found = _compared(network, codes, design, folder)
    if not found.differing:
        return found
    names = [layer.operation.name for layer in hls_layers(network) if layer.reads]
    good, bad = 0, len(names) - 1
    while good < bad:
        middle = (good + bad) // 2
        part = network.until(names[middle])
        given = [each for each, entry in zip(codes, network.inputs, strict=True) if entry in part.inputs]
        if _compared(part, given, design, folder / "part").differing:
            bad = middle
        else:
            good = middle + 1
    return ExactLogits(found.values, found.differing, names[bad])


def extreme_codes(shape: tuple[int, ...], words: Format, cells: int = RANDOM_CELLS, seed: int = 0) -> NDArray[np.int64]:
    """Return codes (cells, *shape): random ones over the whole range, and what no instrument should deliver.

    That is: each extreme and zero everywhere, two checkerboards, stripes, halves, and a single word.
    """
    rng = np.random.default_rng(seed)
    low, high = words.code_min, words.code_max
    places = np.indices(shape)
    board, stripes, half = places.sum(axis=0) % 2 == 0, places[0] % 2 == 0, places[0] < shape[0] // 2
    middle = np.all([place == extent // 2 for place, extent in zip(places, shape, strict=True)], axis=0)
    return np.stack(
        [
            *rng.integers(low, high, (cells, *shape), endpoint=True),
            *(np.full(shape, code) for code in (low, high, 0)),
            *(np.where(where, high, low) for where in (board, ~board, stripes, half, middle)),
        ]
    )


def simulate_apart(channel_number: int) -> None:
    """Answer the request at the other end of a channel: a project, its library, codes of its inputs."""
    with Connection(channel_number) as channel:
        project, library, codes = channel.recv()
        channel.send(NetworkSimulation(project, _loaded(library)).logits(*codes))


def _compared(
    network: IntegerNetwork, codes: Sequence[NDArray[np.integer]], design: Design, folder: Path
) -> ExactLogits:
    with sole_builder(folder):
        project = convert(network, design, folder / "network")
        library = _library(project, folder)
    found = _simulated_apart(project, library, codes)
    due = network.classify(*codes).reshape(found.shape)
    return ExactLogits(due.size, int(np.count_nonzero(found != due)))


def _simulated_apart(project: HlsProject, library: Path, codes: Sequence[NDArray[np.integer]]) -> Codes:
    """Return codes of logits from a process of its own, which what it runs may bring down."""
    ours, theirs = multiprocessing.Pipe()
    process = run_beside("cytogate.sim.csim.network:simulate_apart", theirs.fileno())
    theirs.close()
    try:
        ours.send((project, library, [np.asarray(each) for each in codes]))
        if not ours.poll(ANSWER_S):
            raise CheckFailed(f"the network's C-simulation did not end within {ANSWER_S:.0f} s")
        answer: Codes = ours.recv()
    except (EOFError, OSError) as error:
        status = process.wait()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        raise CheckFailed(f"the network's C-simulation ended with {how}") from error
    finally:
        process.kill()
        process.wait()
        ours.close()
    return answer


@dataclass(frozen=True)
class NetworkSimulation:
    """A compiled network; its streams are shared: use one from one thread."""

    project: HlsProject
    library: ctypes.CDLL

    @staticmethod
    def of(project: HlsProject, folder: Path) -> NetworkSimulation:
        """Compile the network of ``project`` into ``folder``."""
        return NetworkSimulation(project, _loaded(_library(project, folder)))

    def logits(self, *codes: NDArray[np.integer]) -> Codes:
        """Return codes of logits (cells, classes) for the codes (cells, ..., channels) of each input."""
        inputs = [np.ascontiguousarray(each, np.int32) for each in codes]
        found = np.empty((len(inputs[0]), self.project.classes), np.int64)
        if len(inputs) != len(self.project.input_types):
            raise CheckFailed(
                f"network {self.project.top}: {len(inputs)} inputs were given where {len(self.project.input_types)} "
                f"are due"
            )
        positions = np.array([each[0].size // each.shape[-1] for each in inputs], np.int32)
        for *cells, logits in zip(*inputs, found, strict=True):
            pointers = (ctypes.c_void_p * len(cells))(*(cell.ctypes.data for cell in cells))
            count = self.library.cytogate_network(pointers, positions.ctypes.data, logits.ctypes.data, logits.size)
            if count != logits.size:
                raise CheckFailed(f"network {self.project.top}: {count} logits left it where {logits.size} were due")
        return found


def _library(project: HlsProject, folder: Path) -> Path:
    """Compile the network of a project, unless that was done."""
    return build(
        folder / "network.so",
        [FPGA / "tb" / "network.cpp", *project.sources],
        project.includes,
        project.definitions,
        shared=True,
    )


def _loaded(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    library.cytogate_network.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_int]
    return library
