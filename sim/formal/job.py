"""Run ``cytogate prove``: properties of small RTL modules for all inputs and all time, and faults that break them.

Each part is kept under the content that it was made of, so that a second call goes on where the first one ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import rtl_sources
from cytogate.model.command.files import temporary_folder, whole_file
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.sim.formal.mutants import MUTANTS, Mutant
from cytogate.sim.formal.page import HARNESSES, page
from cytogate.sim.formal.proofs import PROOFS, Property
from cytogate.sim.formal.prover import Proof, Status, Task, prove, tools
from cytogate.sim.formal.report import MutantRow, ProofRow, ProveReport

SHARED = ("order.sv", "stream_given.sv", "rounding_law.sv")
"""Modules that harnesses share."""
DESIGN = "qatom64"
"""Whose contract the modules read."""


@dataclass(frozen=True)
class ProveRequest:
    """What was asked of ``cytogate prove``."""

    modules: tuple[str, ...]
    """Those alone; all where empty."""
    mutants: bool
    """Also prove that each fault is found."""
    jobs: int
    output: Path


def run_prove(request: ProveRequest) -> None:
    """Prove, write the report and raise CheckFailed if a property does not hold or a fault is not found."""
    began = time.perf_counter()
    proofs = _chosen(request.modules)
    named = {proof.module for proof in proofs}
    mutants = {
        name: mutant for name, mutant in MUTANTS.items() if request.mutants and (mutant.proof or mutant.module) in named
    }
    folder = request.output / "build"
    with sole_builder(folder), progress_bars() as bars, ThreadPoolExecutor(request.jobs) as pool:
        rows = [pool.submit(_proved, proof, parameters, folder) for proof in proofs for parameters in proof.variants]
        faults = [pool.submit(_mutated, name, mutant, folder) for name, mutant in mutants.items()]
        parts: list[Future[Any]] = [*rows, *faults]
        bar = bars.add_task("Proofs", total=len(parts))
        try:
            for _ in as_completed(parts):
                bars.advance(bar)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        report = ProveReport(
            tools(),
            tuple(each.result() for each in rows),
            tuple(each.result() for each in faults),
            time.perf_counter() - began,
        )
    path = request.output / "report.json"
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    with whole_file(request.output / "proofs.md") as partial:
        partial.write_text(page(report), encoding="utf-8")
    _print(report, path)
    report.check()


def _chosen(modules: Sequence[str]) -> list[Property]:
    known = {proof.module: proof for proof in PROOFS}
    for module in modules:
        if module not in known:
            raise InputError(f"there is no proof of {module}; there are {', '.join(known)}")
    return [proof for proof in PROOFS if not modules or proof.module in modules]


def _proved(proof: Property, parameters: Mapping[str, int], folder: Path) -> ProofRow:
    found = _prove(proof, parameters, None, folder)
    return ProofRow(
        proof.module,
        parameters,
        proof.depth if proof.bounded else None,
        found.status.name,
        found.properties,
        found.failed,
        round(found.seconds, 1),
    )


def _mutated(name: str, mutant: Mutant, folder: Path) -> MutantRow:
    """Look for a counterexample with one variant after the other."""
    (proof,) = _chosen([mutant.proof or mutant.module])
    seconds, killed_by = 0.0, None
    for parameters in proof.variants:
        found = _prove(proof, parameters, mutant, folder)
        seconds += found.seconds
        if found.status is Status.REFUTED:
            killed_by = found.failed
            break
    return MutantRow(name, mutant.module, mutant.old, mutant.new, killed_by, round(seconds, 1))


def _prove(proof: Property, parameters: Mapping[str, int], mutant: Mutant | None, folder: Path) -> Proof:
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as place:
        sources = tuple(_sources(proof, mutant, place))
        return prove(Task(f"{proof.module}_proof", sources, parameters, proof.depth, proof.bounded), folder)


def _sources(proof: Property, mutant: Mutant | None, place: Path) -> Iterator[Path]:
    """Yield contract, modules (one of them changed) and harness."""
    yield write_rtl_package(load_design(DESIGN), place)
    for path in rtl_sources(proof.module):
        if mutant is None or path.stem != mutant.module:
            yield path
            continue
        text = path.read_text(encoding="ascii")
        if text.count(mutant.old) != 1:
            raise InputError(f"{path.name} has {mutant.old!r} {text.count(mutant.old)} times, not once")
        changed = place / path.name
        changed.write_text(text.replace(mutant.old, mutant.new), encoding="ascii")
        yield changed
    for name in (*SHARED, f"{proof.module}_proof.sv"):
        yield HARNESSES / name


def _print(report: ProveReport, path: Path) -> None:
    from rich.table import Table

    console = terminal()
    table = Table(title="Properties of RTL modules, for all inputs and all time", title_justify="left")
    for column in ("module", "parameters", "properties", "status", "s"):
        table.add_column(column, justify="right" if column in ("properties", "s") else "left")
    for row in report.proofs:
        given = " ".join(f"{name}={value}" for name, value in row.parameters.items())
        bound = "" if row.clocks is None else f" for {row.clocks} clocks"
        status = row.status.lower() + bound + (f" ({row.failed})" if row.failed else "")
        table.add_row(row.module, given, str(row.properties), status, f"{row.seconds:.1f}")
    console.print(table)
    proved = [row for row in report.proofs if row.status == Status.PROVED.name]
    console.print(
        f"{len(proved)} of {len(report.proofs)} proofs of {len({row.module for row in report.proofs})} modules hold, "
        f"{sum(row.properties for row in proved)} properties ({', '.join(report.tools)})",
        soft_wrap=True,
    )
    if report.mutants:
        killed = sum(row.killed_by is not None for row in report.mutants)
        console.print(f"{killed} of {len(report.mutants)} faults are found by a counterexample", soft_wrap=True)
    console.print(f"{report.seconds:.0f} s; written: {path}", soft_wrap=True)
