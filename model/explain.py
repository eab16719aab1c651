"""The job of ``cytogate explain``: a design's network layer by layer, as it computes on the user's cells.

For each operation: the format of its words, the largest value that can come and that has come, how many words were
saturated, how far they are from what no rounding would give, and what the layer costs on the design's board.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design
from cytogate.model.estimates.network import LayerEstimate, estimate_network
from cytogate.model.files.frames import open_frames
from cytogate.model.networks.operations import IntegerNetwork, Operation, Real, Round, Weighted
from cytogate.model.networks.saved import load_operations
from cytogate.model.networks.shapes import shapes_of
from cytogate.model.pages.plots import ranges_plot
from cytogate.model.retrieval.frame_order import order_told
from cytogate.model.retrieval.laws import Run
from cytogate.model.simulation.simulator import simulated_cells

AT_A_TIME = 16
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class ExplainRequest:
    """What was asked of ``cytogate explain``."""

    design: Design
    input: Path | None
    """The user's frames; None for simulated cells."""
    dataset: str | None
    cells: int
    seed: int
    output: Path


@dataclass(frozen=True)
class LayerReport:
    """An operation on the cells that were given. Values are in the units of the words, not in steps."""

    name: str
    operation: str
    format: str
    shape: tuple[int, ...]
    possible: tuple[float, float]
    """Smallest and largest value of the format."""
    seen: tuple[float, float]
    saturated: float | None
    """Share of words that a rounding has cut at an end of its range, other than a ReLU's at zero; None of operations
    that round nothing."""
    difference: tuple[float, float, float]
    """Quantiles of .05, .5 and .95 of a cell's words, less what they would be if nothing were rounded up to here; the
    mean of all cells."""
    weights: int
    macs: int
    clocks: int | None
    """Of a cell at best, estimated; None of layers that work beside others."""
    multipliers: int | None
    """DSP blocks, estimated."""


def run_explain(request: ExplainRequest) -> tuple[LayerReport, ...]:
    """Evaluate the network on cells, print the table, write ``report.json`` and ``picture.png``.

    Raises
    ------
    InputError
        If the design has no trained network, or frames do not suit it or are stored in a wrong order.
    """
    design, console = request.design, terminal()
    network = load_operations(design)
    tallies = [_Tally(each) for each in network.operations]
    with _inputs(request) as (cells, batches), progress_bars() as bars:
        task = bars.add_task("cells", total=cells)
        for codes in batches:
            words, unrounded = network.compute([codes]), network.unrounded([codes])
            for tally in tallies:
                entering = [words[name] for name in tally.operation.reads]
                tally.add(words[tally.operation.name], unrounded[tally.operation.name], entering)
            bars.update(task, advance=len(codes))
    costs = estimate_network(shapes_of(network), design.chip.on.network_clocks_per_pixel).layers
    layers = tuple(tally.report({each.name: each for each in costs}) for tally in tallies)
    report, picture = request.output / "report.json", request.output / "picture.png"
    _write(request, network, cells, layers, report)
    with whole_file(picture) as partial:
        ranges_plot([(each.name, each.seen, each.possible) for each in layers]).savefig(partial, format="png", dpi=120)
    console.print(_table(design, cells, layers))
    console.print(f"Clocks and DSP are estimated. Written: {report}, {picture}", soft_wrap=True)
    return layers


class _Tally:
    """What has been seen of an operation's words."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._low, self._high = np.inf, -np.inf
        self._words = self._cut = 0
        self._differences: list[NDArray[np.float64]] = []

    def add(self, words: Codes, unrounded: Real, entering: list[Codes]) -> None:
        """Take the words of some cells."""
        self._low, self._high = min(self._low, int(words.min())), max(self._high, int(words.max()))
        self._words += words.size
        if isinstance(self.operation, Round):
            beyond = self.operation.unrounded(entering[0].astype(np.float64))
            own = self.operation.format
            self._cut += int(np.count_nonzero((beyond > own.code_max + 0.5) | (beyond < own.code_min - 0.5)))
        quantiles = np.quantile(words - unrounded, QUANTILES, axis=tuple(range(1, words.ndim)))
        self._differences.append(quantiles.mean(axis=1) * len(words))

    def report(self, costs: dict[str, LayerEstimate]) -> LayerReport:
        """Sum up."""
        operation, own = self.operation, self.operation.format
        cost = costs.get(operation.name)
        weighted = operation if isinstance(operation, Weighted) else None
        cells = self._words // int(np.prod(operation.shape))
        low, middle, high = np.sum(self._differences, axis=0) / cells * own.step
        return LayerReport(
            name=operation.name,
            operation=type(operation).__name__,
            format=own.ap_type,
            shape=operation.shape,
            possible=(own.min, own.max),
            seen=(self._low * own.step, self._high * own.step),
            saturated=self._cut / self._words if isinstance(operation, Round) else None,
            difference=(float(low), float(middle), float(high)),
            weights=0 if weighted is None else weighted.kernel.codes.size + weighted.bias.codes.size,
            macs=0 if weighted is None else weighted.macs,
            clocks=None if cost is None else cost.cycles,
            multipliers=None if cost is None else cost.multipliers,
        )


@contextmanager
def _inputs(request: ExplainRequest) -> Iterator[tuple[int, Iterator[Codes]]]:
    """Give the number of cells, and codes of the network's input, some cells at a time."""
    design = request.design
    run = Run(design)
    if request.input is None:
        cells = simulated_cells(design, request.cells, request.seed)
        frames = np.stack([cell.frames for cell in cells])
        starts = range(0, len(frames), AT_A_TIME)
        yield len(frames), (run.exact(frames[at : at + AT_A_TIME])["network_input"] for at in starts)
        return
    with open_frames(request.input, design.camera, not design.retrieves_phase, request.dataset) as file:
        file.check_size(design)
        told = order_told(file, design, request.input)
        if told is not None:
            terminal().print(told, soft_wrap=True)
        count = min(file.cells, request.cells)
        starts = range(0, count, AT_A_TIME)
        yield (
            count,
            (run.exact(file.read(at, min(at + AT_A_TIME, count)))["network_input"] for at in starts),
        )


def _write(
    request: ExplainRequest, network: IntegerNetwork, cells: int, layers: tuple[LayerReport, ...], path: Path
) -> None:
    report = {
        "design": request.design.name,
        "network": network.name,
        "source": "simulated" if request.input is None else str(request.input),
        "cells": cells,
        "layers": [dataclasses.asdict(each) for each in layers],
    }
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _table(design: Design, cells: int, layers: tuple[LayerReport, ...]) -> Table:
    table = Table(title=f"Network of {design.name} on {cells} cells, {design.chip.board}")
    for column in ("layer", "words", "largest", "seen", "saturated", "difference", "weights", "clocks", "DSP"):
        table.add_column(column, justify="left" if column in ("layer", "words") else "right", no_wrap=True)
    for each in layers:
        low, _, high = each.difference
        table.add_row(
            each.name,
            each.format.split(", AP")[0].removeprefix("ap_").replace(" ", "") + ">",
            f"{max(map(abs, each.possible)):.3g}",
            f"{each.seen[0]:.3g} to {each.seen[1]:.3g}",
            "" if each.saturated is None else f"{each.saturated:.2%}",
            f"{low:+.2g} to {high:+.2g}" if each.saturated is not None else "",
            f"{each.weights:,}" if each.weights else "",
            "" if each.clocks is None else f"{each.clocks:,}",
            "" if each.multipliers is None else f"{each.multipliers:,}",
        )
    return table
