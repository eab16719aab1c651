"""Mutants in one table: which fault of which RTL module which bench sees; ``make mutants`` runs them and renders it.

A run records each mutant in a file of its own, and one that was interrupted leaves out what this commit has seen.
``python -m tests.mutants`` merges the records into the committed one and writes its page; what a run has not tried
keeps its row, with the commit that it was tried on.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pytest

from cytogate.model.command.files import whole_file
from cytogate.sim.formal.mutants import MUTANTS

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS, RTL = REPOSITORY / "tests", REPOSITORY / "fpga" / "rtl"
RESULTS = REPOSITORY / "docs" / "results"
RECORD, PAGE, PROOFS = RESULTS / "mutants.json", RESULTS / "mutants.md", RESULTS / "formal.md"
RUN = REPOSITORY / "out" / "mutants"
CHANGED = "-changed"
TABLE = "FAULTS"
"""Name of the table of faults in a bench's file: a fault's name, and its module or a fault of the file's own module."""


@dataclass(frozen=True, order=True)
class Fault:
    """A fault, as it stands in a bench's file."""

    module: str
    name: str
    bench: str
    """``test_rtl``."""


@dataclass(frozen=True, order=True)
class Tried:
    """A bench that ran with a fault."""

    bench: str
    name: str
    variant: str
    """Parameters beside the fault, as in ``4-256``; empty where there are none."""
    seen: bool
    seconds: float
    commit: str


def faults() -> list[Fault]:
    """Return the faults of all benches, by module; their files are read, not imported."""
    return sorted(fault for fault, _ in replaced())


def replaced() -> list[tuple[Fault, str | None]]:
    """Return the faults of all benches, each with the text that it replaces; None where it changes none."""
    return [pair for path in TESTS.glob("test_*.py") for pair in _faults(path)]


def _faults(path: Path) -> Iterator[tuple[Fault, str | None]]:
    own = path.stem.removeprefix("test_")
    for each in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = each.targets if isinstance(each, ast.Assign) else ()
        if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.Dict):
            continue
        if [target.id for target in targets if isinstance(target, ast.Name)] != [TABLE]:
            continue
        for name, value in zip(each.value.keys, each.value.values, strict=True):
            assert isinstance(name, ast.Constant)
            parts = value.args if isinstance(value, ast.Call) else value.elts if isinstance(value, ast.Tuple) else []
            first = str(parts[0].value) if parts and isinstance(parts[0], ast.Constant) else ""
            module = first.removesuffix(".sv")
            named = first != module or (RTL / f"{module}.sv").exists()
            told = [each.value for each in ast.walk(value) if isinstance(each, ast.Constant)]
            texts = [each for each in told[int(named) :] if isinstance(each, str)]
            yield Fault(module if named else own, name.value, path.stem), texts[0] if texts else None


def record(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Record how a test that is marked ``mutants`` came out, if it has a fault of its file's table."""
    if call.when != "call" or item.get_closest_marker("mutants") is None or not hasattr(item, "callspec"):
        return
    assert isinstance(item, pytest.Function)
    given = dict(item.callspec.params)
    name = given.pop("name", None)
    if name not in getattr(item.module, TABLE, {}):
        return
    variant = "-".join(str(value) for value in given.values())
    tried = Tried(item.path.stem, name, variant, call.excinfo is None, round(call.duration, 1), _commit())
    RUN.mkdir(parents=True, exist_ok=True)
    _path(item).write_text(json.dumps(asdict(tried)), encoding="utf-8")


def without_seen(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return what is still to be run: this commit, unchanged, has seen the others' faults."""
    now = _commit()
    if now.endswith(CHANGED):
        return items
    return [item for item in items if not ((path := _path(item)).exists() and _seen(path, now))]


def _seen(path: Path, commit: str) -> bool:
    (row,) = recorded(path)
    return row.seen and row.commit == commit


def _path(item: pytest.Item) -> Path:
    return RUN / f"{hashlib.sha256(item.nodeid.encode()).hexdigest()[:16]}.json"


@cache
def _commit() -> str:
    """Return the commit of the files, ``73620f3``, or ``73620f3-changed`` where they are not those of the commit."""
    command = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", f"--dirty={CHANGED}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def committed() -> list[Tried]:
    """Return the rows of the committed record."""
    return [Tried(**row) for row in json.loads(RECORD.read_text(encoding="utf-8"))] if RECORD.exists() else []


def recorded(at: Path) -> list[Tried]:
    """Return what runs have recorded in a folder or in one file of it."""
    paths = [at] if at.is_file() else sorted(at.glob("*.json"))
    return [Tried(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def merged(before: list[Tried], now: list[Tried]) -> list[Tried]:
    """Return rows of two runs, the later one's where both tried the same, without faults that are no more."""
    known = {(fault.bench, fault.name) for fault in faults()}
    rows = {(row.bench, row.name, row.variant): row for row in (*before, *now)}
    return sorted(row for row in rows.values() if (row.bench, row.name) in known)


def page(tried: list[Tried]) -> str:
    """Return Markdown: what each module's faults came to, by benches and by proofs."""
    known = faults()
    rows: dict[tuple[str, str], list[Tried]] = defaultdict(list)
    for row in tried:
        rows[row.bench, row.name].append(row)
    run = [fault for fault in known if rows[fault.bench, fault.name]]
    seen = [fault for fault in run if all(row.seen for row in rows[fault.bench, fault.name])]
    proved = proved_faults()
    modules = sorted(path.stem for path in RTL.glob("*.sv"))
    of, seen_of = Counter(fault.module for fault in known), Counter(fault.module for fault in seen)
    run_of, of_proofs = Counter(fault.module for fault in run), Counter(proved)
    without = [module for module in modules if not of[module] and not of_proofs[module]]
    return "\n".join(
        (
            "# Mutants",
            "",
            "Each is one change of one module. `make mutants` runs a bench with it, which has to turn red;",
            "`make prove` lets a solver look for a counterexample, see [formal proofs](formal.md). A row says on which",
            "commit it was last tried; what no run has tried yet says *not run*.",
            "",
            f"{len(known)} faults of {len(of)} modules in benches: {len(run)} were run, {len(seen)} of these seen.",
            f"{len(proved)} faults of {len(of_proofs)} modules in proofs: each has a counterexample.",
            f"Modules without a fault of their own: {', '.join(f'`{each}`' for each in without) or 'none'}.",
            "",
            "## By module",
            "",
            "| module | faults in benches | run | seen | faults in proofs, all found |",
            "|---|---|---|---|---|",
            *(
                _line(f"`{each}`", of[each] or "", run_of[each] or "", seen_of[each] or "", of_proofs[each] or "")
                for each in modules
                if each not in without
            ),
            "",
            "## In benches",
            "",
            "| module | fault | bench | seen | s | commit |",
            "|---|---|---|---|---|---|",
            *(_fault(fault, rows[fault.bench, fault.name]) for fault in known),
            "",
        )
    )


def proved_faults() -> list[str]:
    """Return the module of each fault that the page of proofs says is found."""
    told = PROOFS.read_text(encoding="utf-8").partition("## Faults")[2]
    rows = [row for row in told.splitlines() if row.endswith("` |")]
    found = {row.split(" | ")[0].removeprefix("| ") for row in rows}
    return [mutant.module for name, mutant in MUTANTS.items() if name in found]


def _fault(fault: Fault, rows: list[Tried]) -> str:
    if not rows:
        return _line(f"`{fault.module}`", fault.name, f"`{fault.bench}`", "*not run*", "", "")
    told = "yes" if all(row.seen for row in rows) else "**no**"
    if len(rows) > 1:
        each = [f"{row.variant}: {'yes' if row.seen else 'no'}" for row in rows]
        told += f" ({', '.join(each)})"
    commits = ", ".join(sorted({f"`{row.commit}`" for row in rows}))
    seconds = f"{sum(row.seconds for row in rows):.0f}"
    return _line(f"`{fault.module}`", fault.name, f"`{fault.bench}`", told, seconds, commits)


def _line(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> None:
    """Merge what the last run recorded into the committed record, and write its page."""
    now = recorded(RUN)
    rows = merged(committed(), now)
    with whole_file(RECORD) as partial:
        partial.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    with whole_file(PAGE) as partial:
        partial.write_text(page(rows), encoding="utf-8")
    unseen = [f"{row.bench}: {row.name} {row.variant}".rstrip() for row in rows if not row.seen]
    print(f"{len(rows)} rows, {len(now)} of this run; unseen: {', '.join(unseen) or 'none'}; written: {PAGE}")
    sys.exit(1 if unseen or not now else 0)


if __name__ == "__main__":
    main()
