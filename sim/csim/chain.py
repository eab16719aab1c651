"""The main job: cells through float64, integer model and C-simulation, every stage compared.

The integer model and Keras see every cell; the C-simulation, a hundred times slower, as many as asked. Where all
three see a cell, every value is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import own_cores
from cytogate.model.contract.background import own_background
from cytogate.model.contract.bounds import ErrorBound
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import EXPONENT_SUFFIX, Order, Stage
from cytogate.model.design.design import KNOWN, Design
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.retrieval import laws
from cytogate.sim.csim.compare import StageResult, StageTally
from cytogate.sim.csim.kernels import CSimulation

CELLS_AT_A_TIME = 16


@dataclass(frozen=True)
class Classifier:
    """The quantized network, on integers."""

    network: IntegerNetwork
    fast: Callable[[NDArray[np.integer]], Codes]
    """What :meth:`IntegerNetwork.classify` gives, by a faster way."""


class Frames(Protocol):
    """Raw frames of any number of cells, read a few at a time."""

    @property
    def cells(self) -> int:
        """Number of cells."""

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """Class of each cell, where it is known."""

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger]:
        """Return frames (cells, channels, rows, columns)."""


@dataclass(frozen=True)
class CellRecord:
    """One cell at every stage: what a picture or a file of stages is made from.

    ``reference``, ``fixed`` and ``code`` map stage names to arrays: float64 reference, value and integer code.
    """

    index: int
    label: int | None
    reference: dict[str, NDArray]
    fixed: dict[str, NDArray]
    code: dict[str, NDArray]


@dataclass(frozen=True)
class ChainResult:
    """What came of a run."""

    stages: tuple[StageResult, ...]
    cells: int
    csim_cells: int
    float_classes: NDArray[np.int64]
    """Class of each cell by the float64 chain and the quantized network; empty without a network."""
    fixed_classes: NDArray[np.int64]
    """Class of each cell by the integer chain."""
    csim_classes: NDArray[np.int64]
    """Class of the first cells by C-simulation."""
    csim_seconds: float

    @property
    def top1_agreement(self) -> float | None:
        """Share of cells to which the float and the fixed chain give the same class; None without a network."""
        return float(np.mean(self.float_classes == self.fixed_classes)) if len(self.fixed_classes) else None


def run_chain(
    design: Design,
    classifier: Classifier | None,
    simulation: CSimulation,
    frames: Frames,
    cells: int,
    csim_cells: int,
    on_cell: Callable[[CellRecord], None] = lambda record: None,
    on_progress: Callable[[int, int], None] = lambda cells, csim_cells: None,
) -> ChainResult:
    """Run the first ``cells`` of ``frames``, and the first ``csim_cells`` of these through C-simulation too.

    Without a classifier, before a design is trained, the chain ends at the network's input.
    ``on_cell`` receives each cell that was C-simulated, ``on_progress`` the numbers of cells done so far.
    """
    stages = contract(design).stages
    if classifier is not None:
        shape, logits = (design.network.classes,), classifier.network.logits.format
        stages = (
            *stages,
            Stage("logits", shape, Order.ARRAY, logits, "1", bound=ErrorBound(LOGIT_BOUND)),
        )
    tallies = {stage.name: StageTally(stage) for stage in stages}
    done = 0
    float_classes: list[int] = []
    fixed_classes: list[int] = []
    csim_classes: list[int] = []
    csim_seconds = 0.0
    known = own_background(design)
    if known is None and design.chip.surface == KNOWN:
        # What the cells' own borders say in the mean stands for empty fields.
        known = laws.standing_background(frames.read(0, min(cells, CELLS_AT_A_TIME)), design)
    if known is not None:
        simulation.know(known)
    run = laws.Run(design, known)
    for start, raw in _batches(frames, cells):
        # The model of record where the C-simulation is compared with it.
        of_record = run.exact(raw) if start < csim_cells else run.codes(raw, threads=own_cores())
        code = {name: np.asarray(codes, np.int64) for name, codes in ({"frames": raw} | of_record).items()}
        real = run.real(raw)
        if classifier is not None:
            network = classifier.network
            rounded = network.inputs[0].format.encode(real["network_input"])
            real["logits"] = network.logits.format.decode(classifier.fast(rounded))
            classify = network.classify if start < csim_cells else classifier.fast
            code["logits"] = classify(code["network_input"])
            float_classes += list(real["logits"].argmax(axis=1))
            fixed_classes += list(code["logits"].argmax(axis=1))
        fixed = _values(code, tallies)
        for name, tally in tallies.items():
            tally.bounded(real[name], fixed[name], _exponents(code, tally))
        for cell in range(len(raw)):
            if start + cell >= csim_cells:
                break
            began = time.perf_counter()
            found = simulation.run(raw[cell])
            csim_seconds += time.perf_counter() - began
            for name, codes in found.items():
                tallies[name.removesuffix(EXPONENT_SUFFIX)].exact(code[name][cell], codes)
            if classifier is not None:
                csim_classes.append(int(found["logits"].argmax()))
            labels = frames.labels
            on_cell(
                CellRecord(
                    index=start + cell,
                    label=None if labels is None else int(labels[start + cell]),
                    reference={name: real[name][cell] for name in tallies},
                    fixed={name: fixed[name][cell] for name in tallies},
                    code=found,
                )
            )
            on_progress(start + cell + 1, start + cell + 1)
        done = start + len(raw)
        on_progress(done, min(done, csim_cells))
    return ChainResult(
        stages=tuple(tally.result() for tally in tallies.values()),
        cells=done,
        csim_cells=min(done, csim_cells),
        float_classes=np.array(float_classes),
        fixed_classes=np.array(fixed_classes),
        csim_classes=np.array(csim_classes),
        csim_seconds=csim_seconds,
    )


LOGIT_BOUND = 0.25
"""Largest allowed root-mean-square difference of logits between the float and the fixed chain: a quarter of the unit in
which a logit multiplies the odds of a class by e."""


def _batches(frames: Frames, cells: int) -> Iterator[tuple[int, NDArray[np.unsignedinteger]]]:
    for start in range(0, cells, CELLS_AT_A_TIME):
        yield start, frames.read(start, min(start + CELLS_AT_A_TIME, cells))


def _values(code: dict[str, Codes], tallies: dict[str, StageTally]) -> dict[str, NDArray]:
    return {name: tally.stage.values(code[name], _exponents(code, tally)) for name, tally in tallies.items()}


def _exponents(code: dict[str, Codes], tally: StageTally) -> Codes | None:
    return code["spectrum_exponent"] if tally.stage.exponents else None
