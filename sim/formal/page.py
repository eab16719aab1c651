"""The page that ``cytogate prove`` writes: what is proved of each module, and which faults the proofs find."""

from __future__ import annotations

import re
from pathlib import Path

from cytogate.sim.formal.report import MutantRow, ProofRow, ProveReport

HARNESSES = Path(__file__).parent
ESCAPED_BAR = "\\|"
"""Within a cell of a table."""


def page(report: ProveReport) -> str:
    """Return Markdown; without times, so that a second run writes the same."""
    properties = sum(row.properties for row in report.proofs)
    modules = len({row.module for row in report.proofs})
    found = sum(row.killed_by is not None for row in report.mutants)
    return "\n".join(
        (
            "# Formal proofs",
            "",
            "`cytogate prove --mutants` (`make prove`) wrote this page. A property holds for all inputs and all time,",
            "from reset on, unless clocks are given. Each module has a harness in `sim/formal`, which states the law",
            "in other words than the module does, and assertions of its own, which simulations check, too.",
            "",
            f"{len(report.proofs)} proofs of {modules} modules, {properties} properties.",
            f"{found} of {len(report.mutants)} faults are found by a counterexample.",
            f"Tools: SymbiYosys, {', '.join(report.tools)}.",
            "",
            "## Properties",
            "",
            "| module | what is proved | parameters | properties | status |",
            "|---|---|---|---|---|",
            *(_proof_line(row) for row in report.proofs),
            "",
            "## Faults",
            "",
            "Each is one change of one module; the assertion is the one to which the solver has a counterexample.",
            "",
            "| fault | module | from | to | found by |",
            "|---|---|---|---|---|",
            *(_mutant_line(row) for row in report.mutants),
            "",
        )
    )


def _proof_line(row: ProofRow) -> str:
    given = ", ".join(f"{name} = {value}" for name, value in row.parameters.items()) or "as written"
    bound = "" if row.clocks is None else f", {row.clocks} clocks"
    return _line(f"`{row.module}`", _law(row.module), given, str(row.properties), row.status.lower() + bound)


def _mutant_line(row: MutantRow) -> str:
    found = f"`{row.killed_by.partition('_proof.')[2]}`" if row.killed_by else "nothing"
    return _line(row.name, f"`{row.module}`", _code(row.old), _code(row.new), found)


def _law(module: str) -> str:
    """Return what a harness says of itself at its beginning, without the module's name."""
    said: list[str] = []
    for line in (HARNESSES / f"{module}_proof.sv").read_text(encoding="ascii").splitlines():
        if not line.startswith("//"):
            break
        said.append(line.removeprefix("//").strip())
    return " ".join(said).removeprefix(f"{module}: ")


def _code(text: str) -> str:
    joined = re.sub(r"\s+", " ", text)
    return f"`{joined}`" if text else "nothing"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', ESCAPED_BAR) for cell in cells)} |"
