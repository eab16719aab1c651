"""Run ``cytogate csim`` on holograms: fields through float64, integer model and C-simulation, every stage.

A field gives any number of cells. The integer model and the float64 reference see every field; where C-simulation sees
it too, every value of every stage is compared, the logits of its cells among them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.model.command.files import whole_file
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.native import own_cores
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.bounds import ErrorBound
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import EXPONENT_SUFFIX, Order, Stage
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.files.holograms import open_holograms
from cytogate.model.networks.native import fast_classifier
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.saved import has_network, load_operations
from cytogate.model.phase.maps import PhaseMap
from cytogate.model.phase.picture import draw
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis import reference as real
from cytogate.model.retrieval.off_axis.calibration import fringe_fault, reference_field
from cytogate.model.retrieval.off_axis.cells import MapCell, find_cells, window_of
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Complexes
from cytogate.model.simulation.hologram_cells import CalibratedHolograms
from cytogate.sim.csim.chain import LOGIT_BOUND
from cytogate.sim.csim.compare import ExactStage, StageResult, StageTally
from cytogate.sim.csim.delay import DelaySimulation
from cytogate.sim.csim.kernels import BUILD_FOLDER
from cytogate.sim.csim.network import NetworkSimulation
from cytogate.sim.csim.report import AGREEMENT_DUE

PICTURED_FIELDS = 4
SAME_CELL_PX = 2.0
"""Two cells whose centers are nearer are one, found in float64 and in fixed point."""
MOST_UNMATCHED = 0.02
"""Share of cells, at most, that only one of the two may have found: those about as large as the least."""


@dataclass(frozen=True)
class HologramsRequest:
    """What was asked of ``cytogate csim`` of an off-axis design."""

    design: Design
    input: Path | None
    """Holograms of the calibrated instrument; None for simulated ones."""
    dataset: str | None
    fields: int
    """In C-simulation."""
    agreement_fields: int
    """In the float and the integer chain, those among them."""
    seed: int
    output: Path


@dataclass(frozen=True)
class Fields:
    """Where holograms come from, and what is known of them."""

    count: int
    read: Callable[[int], NDArray[np.unsignedinteger]]
    fault: Callable[[NDArray[np.unsignedinteger]], str | None]
    reference: Complexes
    simulated: CalibratedHolograms | None


@dataclass(frozen=True)
class HologramsReport:
    """``out/csim/report.json`` of an off-axis design."""

    design: str
    source: str
    fields: int
    csim_fields: int
    faults: dict[int, str]
    crowded: int
    cells: int
    csim_cells: int
    clipped: int
    several: int
    true_cells: int | None
    """Of simulated fields."""
    found_once: int | None
    """Of the true cells, those that one cell, and no other, lies at."""
    only_float: int
    """Cells that only the float64 chain has found; :attr:`only_fixed` the other way round."""
    only_fixed: int
    stages: tuple[StageResult | ExactStage, ...]
    not_compared: tuple[str, ...]
    """Stages of which nothing was: those of cells, where no simulated hologram has any."""
    top1_agreement: float | None
    """Share of cells to which the float and the fixed chain give the same class; None without a network."""
    accuracy: float | None
    """Of the fixed chain, on simulated cells that are whole and alone."""
    csim_seconds_per_field: float
    seconds: float

    def check(self) -> None:
        """Raise :class:`CheckFailed` with the first relation that does not hold, or where nothing was compared."""
        if not self.csim_fields:
            raise CheckFailed(
                f"{self.source}: no hologram went through C-simulation: {len(self.faults)} of {self.fields} are faulty"
            )
        for stage in self.stages:
            if stage.differing:
                raise CheckFailed(f"stage {stage.name}: {stage.differing} of {stage.values} values differ")
        for stage in self.stages:
            if isinstance(stage, StageResult) and not stage.holds:
                raise CheckFailed(
                    f"stage {stage.name}: the RMSE from the float reference is {stage.float_rmse:.3g} {stage.unit}, "
                    f"the contract allows {stage.rmse_bound:.3g}"
                )
        if self.only_float + self.only_fixed > MOST_UNMATCHED * self.cells:
            raise CheckFailed(
                f"{self.only_float} cells are found in float64 alone and {self.only_fixed} in fixed point alone, of "
                f"{self.cells}; {MOST_UNMATCHED:.0%} are allowed"
            )
        if self.source == "simulated" and self.top1_agreement is not None and self.top1_agreement < AGREEMENT_DUE:
            raise CheckFailed(
                f"float and fixed chain agree on {self.top1_agreement:.1%} of the cells, {AGREEMENT_DUE:.0%} are due"
            )


def run_holograms(request: HologramsRequest) -> HologramsReport:
    """Run the job and raise CheckFailed if a relation of the contract does not hold."""
    began, design = time.perf_counter(), request.design
    with ExitStack() as stack:
        fields = stack.enter_context(_opened(request))
        folder = BUILD_FOLDER / design.name
        print("Compiling with g++ (cached when nothing changed) ...", flush=True)
        with sole_builder(folder):
            kernel = DelaySimulation.of(design, folder)
            network, simulation = None, None
            if has_network(design):
                network = load_operations(design)
                simulation = NetworkSimulation.of(convert(network, design, folder / "network"), folder)
        run = _Run(design, fields, kernel, network, simulation)
        bars = stack.enter_context(progress_bars())
        all_bar = bars.add_task("float and integer chain", total=fields.count)
        csim_fields = min(request.fields, fields.count)
        csim_bar = bars.add_task("C-simulation of both kernels", total=csim_fields)
        for index in range(fields.count):
            run.add(index, simulate=run.simulated < csim_fields)
            bars.update(all_bar, completed=index + 1)
            bars.update(csim_bar, completed=run.simulated)
    source = "simulated" if request.input is None else str(request.input)
    report = run.report(source, time.perf_counter() - began)
    picture, path = request.output / "picture.png", request.output / "report.json"
    draw(picture, [each for each, _ in run.pictured], design, [told for _, told in run.pictured])
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    _print(report, [path, picture])
    report.check()
    return report


@contextmanager
def _opened(request: HologramsRequest) -> Iterator[Fields]:
    """Give the holograms of a request."""
    design, most = request.design, request.agreement_fields
    if request.input is None:
        made = CalibratedHolograms.of(design, most, request.seed)
        yield Fields(most, lambda index: made.holograms[index].frame, lambda hologram: None, made.reference, made)
        return
    with open_holograms(request.input, design.off_axis, request.dataset) as file:
        yield Fields(
            min(most, file.fields),
            file.read,
            lambda hologram: file.fault(hologram) or fringe_fault(hologram, design),
            reference_field(design),
            None,
        )


class _Run:
    """Comparisons in the making."""

    def __init__(
        self,
        design: Design,
        fields: Fields,
        kernel: DelaySimulation,
        network: IntegerNetwork | None,
        simulation: NetworkSimulation | None,
    ) -> None:
        self._design, self._fields, self._kernel = design, fields, kernel
        self._network, self._simulation = network, simulation
        self._classify = None if network is None else fast_classifier(network, own_cores())
        self._phasor = integer.reference_phasor(fields.reference)
        # The hologram is what is sent; nothing computes it.
        rows = tuple(row for row in contract(design).stages if row.name != "hologram")
        if network is not None:
            shape, logits = (design.network.classes,), network.logits.format
            rows = (*rows, Stage("logits", shape, Order.ARRAY, logits, "1", bound=ErrorBound(LOGIT_BOUND)))
        self._tallies = {row.name: StageTally(row) for row in rows}
        self._bounded = {row.name for row in rows if row.bound != ErrorBound()} - {"found"}
        self._counts = dict.fromkeys(("crowded", "cells", "csim_cells", "clipped", "several"), 0)
        self._true = self._once = self._only_float = self._only_fixed = 0
        self._agreeing: list[bool] = []
        self._right: list[bool] = []
        self._faults: dict[int, str] = {}
        self._seconds = 0.0
        self.simulated = 0
        """Fields that were in C-simulation: faulty ones are not."""
        self.pictured: list[tuple[PhaseMap, list[str]]] = []

    def add(self, index: int, *, simulate: bool) -> None:
        """Compare one field."""
        design, counts = self._design, self._counts
        try:
            hologram = self._fields.read(index)
        except InputError as error:
            self._faults[index] = str(error)
            return
        fault = self._fields.fault(hologram)
        if fault is not None:
            self._faults[index] = fault
            return
        # What the kernel is compared with is the law itself, not what is proved to equal it.
        words = (integer if simulate else native).retrieve(hologram, design, self._phasor)
        code = {name: getattr(words, name) for name in self._tallies if name != "logits"}
        if self._network is not None:
            code["logits"] = self._network.classify(words.network_input) if len(words.center) else self._no_logits()
        if simulate:
            self.simulated += 1
            self._simulate(words, code)
        found = real.retrieve(hologram, design, self._fields.reference)
        self._bound(found, code, words.cells.cells)
        cells = words.cells.cells
        counts["crowded"] += words.cells.is_crowded
        counts["cells"] += len(cells)
        counts["csim_cells"] += len(cells) if simulate else 0
        counts["clipped"] += sum(cell.is_clipped for cell in cells)
        counts["several"] += sum(cell.is_several for cell in cells)
        self._compare_with_truth(index, cells, code)
        if len(self.pictured) < PICTURED_FIELDS and (cells or index == self._fields.count - 1):
            fixed = self._tallies["phase"].stage.values(words.phase)
            item = PhaseMap(index, found.hologram, found.phase, fixed, cells)
            self.pictured.append((item, self._notes(code, len(cells))))

    def report(self, source: str, seconds: float) -> HologramsReport:
        """Sum up; InputError if not one field could be used."""
        if len(self._faults) == self._fields.count:
            raise InputError(f"{source}: not one hologram: {next(iter(self._faults.values()), 'there is none')}")
        known = self._fields.simulated is not None
        return HologramsReport(
            design=self._design.name,
            source=source,
            fields=self._fields.count,
            csim_fields=self.simulated,
            faults=self._faults,
            **self._counts,
            true_cells=self._true if known else None,
            found_once=self._once if known else None,
            only_float=self._only_float,
            only_fixed=self._only_fixed,
            stages=tuple(
                tally.result() if name in self._bounded else ExactStage(name, tally.values, tally.differing)
                for name, tally in self._tallies.items()
                if tally.values
            ),
            not_compared=tuple(name for name, tally in self._tallies.items() if not tally.values),
            top1_agreement=float(np.mean(self._agreeing)) if self._agreeing else None,
            accuracy=float(np.mean(self._right)) if self._right else None,
            csim_seconds_per_field=self._seconds / max(self.simulated, 1),
            seconds=seconds,
        )

    def _simulate(self, words: integer.OffAxisWords, code: dict[str, Codes]) -> None:
        began = time.perf_counter()
        found = self._kernel.run(words.hologram, self._phasor)
        if self._simulation is not None:
            found["logits"] = self._no_logits()
            if len(found["center"]):
                found["logits"] = self._simulation.logits(found["network_input"])
        self._seconds += time.perf_counter() - began
        for name, codes in found.items():
            due = code[name] if name in code else getattr(words, name)
            self._tallies[name.removesuffix(EXPONENT_SUFFIX)].exact(due, codes)

    def _bound(self, found: real.OffAxisRetrieved, code: dict[str, Codes], cells: Sequence[MapCell]) -> None:
        """Compare with float64 what has a bound; of cells those that both have found."""
        design, believed = self._design, Placing.of(self._design).believed
        values = {name: self._tallies[name].stage.values(code[name]) for name in self._bounded}
        # Arguments a turn apart are one.
        apart = (values["wrapped"] - found.wrapped + np.pi) % (2 * np.pi) - np.pi
        wrapped = found.wrapped[believed]
        self._tallies["wrapped"].bounded(wrapped, wrapped + apart[believed])
        self._tallies["phase"].bounded(found.phase, values["phase"])
        self._tallies["opd"].bounded(found.opd, values["opd"])

        own = find_cells(found.opd >= design.off_axis.threshold_nm, design).cells
        pairs = _pairs(own, cells)
        self._only_float += len(own) - len(pairs)
        self._only_fixed += len(cells) - len(pairs)
        if not pairs:
            return
        mine, fixed = [own[first] for first, _ in pairs], [second for _, second in pairs]
        side = design.window.rows
        # The square at the same place: a center on the edge of two pixels is no difference of values.
        squares = np.stack([window_of(found.opd, cells[second].center, side) for second in fixed])
        inputs = np.clip(integer.network_values(squares), 0, 255 / 256)[..., None]
        real_values = {
            "center": np.array([cell.center for cell in mine]),
            "region": np.array([(cell.area, cell.flags) for cell in mine], np.float64),
            "network_input": inputs,
        }
        if self._network is not None and self._classify is not None:
            rounded = self._network.inputs[0].format.encode(inputs)
            real_values["logits"] = self._network.logits.format.decode(self._classify(rounded))
            self._agreeing += (real_values["logits"].argmax(axis=1) == code["logits"][fixed].argmax(axis=1)).tolist()
        for name, given in real_values.items():
            self._tallies[name].bounded(given, values[name][fixed])

    def _compare_with_truth(self, index: int, cells: Sequence[MapCell], code: dict[str, Codes]) -> None:
        made = self._fields.simulated
        if made is None:
            return
        labels = made.named(index, cells)
        self._true += len(made.holograms.truth(index).labels)
        self._once += sum(label is not None for label in labels)
        if self._network is None or made.holograms.class_names != self._design.network.class_names:
            return
        for cell, label, logits in zip(cells, labels, code["logits"], strict=True):
            if label is not None and not cell.flags:
                self._right.append(int(logits.argmax()) == label)

    def _notes(self, code: dict[str, Codes], cells: int) -> list[str]:
        if "logits" not in code:
            return [""] * cells
        return [self._design.network.class_names[int(each.argmax())] for each in code["logits"]]

    def _no_logits(self) -> Codes:
        return np.zeros((0, self._design.network.classes), np.int64)


def _pairs(float_cells: Sequence[MapCell], fixed_cells: Sequence[MapCell]) -> list[tuple[int, int]]:
    """Return the places of cells that both have found."""
    found = []
    for first, cell in enumerate(float_cells):
        apart = [math.dist(cell.center, other.center) for other in fixed_cells]
        if apart and min(apart) < SAME_CELL_PX:
            found.append((first, int(np.argmin(apart))))
    return found


def _print(report: HologramsReport, files: Sequence[Path]) -> None:
    from rich.table import Table

    console = terminal()
    table = Table(title=f"C-simulation of {report.design}: {report.csim_fields} holograms, {report.source}")
    for column in (
        "stage", "values compared", "values that differ", "RMSE vs float64", "bound on the RMSE", "unit",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column in ("stage", "unit") else "right")
    for stage in report.stages:
        bounded = (
            (f"{stage.float_rmse:.3g}", f"{stage.rmse_bound:.3g}", stage.unit)
            if isinstance(stage, StageResult)
            else ("", "", "")
        )
        table.add_row(stage.name, f"{stage.values:,}", f"{stage.differing:,}", *bounded)
    console.print(table)
    told = [
        f"{report.fields:,} holograms, {len(report.faults):,} faulty, {report.crowded:,} crowded; {report.cells:,} "
        f"cells, {report.clipped:,} at an edge, {report.several:,} of several that touch."
    ]
    if report.true_cells is not None:
        told.append(f"Of {report.true_cells:,} true cells {report.found_once:,} are found once.")
    if report.not_compared:
        told.append(f"Not compared, since no simulated hologram holds a cell: {', '.join(report.not_compared)}.")
    if report.top1_agreement is not None:
        told.append(f"Same class by the float64 and the fixed-point chain: {report.top1_agreement:.2%} of the cells.")
    else:
        told.append("There is no trained network yet: the chain ends at the network's input.")
    if report.accuracy is not None:
        told.append(f"Accuracy, of whole cells alone: {report.accuracy:.2%}.")
    told.append(f"{report.seconds:.0f} s; written: " + ", ".join(map(str, files)))
    for sentence in told:
        console.print(sentence, soft_wrap=True)
