"""The table of mutants: every fault has a row, rows of several runs come together, and the page is the record's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests import mutants
from tests.conftest import REPOSITORY
from tests.mutants import Fault, Tried


def test_faults_are_read_from_the_benches() -> None:
    found = mutants.faults()
    assert len(found) >= 160
    assert len({(fault.bench, fault.name) for fault in found}) == len(found)
    assert Fault("shift_round", "ties go up", "test_rtl_units") in found
    assert Fault("kernel_registers", "a long packet is a frame", "test_kernel_registers") in found
    modules = {path.stem for path in mutants.RTL.glob("*.sv")}
    assert {fault.module for fault in found} - modules == {"contract_pkg"}
    assert len({fault.module for fault in found} | set(mutants.proved_faults())) > 80
    assert len(mutants.proved_faults()) >= 60


def test_every_fault_has_its_place() -> None:
    """A module that was changed leaves no fault behind that replaces nothing."""
    found = [(fault, text) for fault, text in mutants.replaced() if text is not None]
    assert len(found) >= len(mutants.faults()) - 1
    gone = [fault for fault, text in found if text not in (mutants.RTL / f"{fault.module}.sv").read_text("ascii")]
    assert not gone


def test_a_later_run_changes_its_own_rows_alone() -> None:
    first, second = [fault for fault in mutants.faults() if fault.bench == "test_rtl_units"][:2]
    old = [Tried(fault.bench, fault.name, "", True, 3.0, "0000001") for fault in (first, second)]
    gone = Tried("test_rtl_units", "a fault that is no more", "", True, 3.0, "0000001")
    new = Tried(second.bench, second.name, "", False, 4.0, "0000002")
    rows = mutants.merged([*old, gone], [new])
    assert rows == sorted([old[0], new])
    told = mutants.page(rows)
    assert "2 were run, 1 of these seen." in told
    assert f"| `{first.module}` | {first.name} | `{first.bench}` | yes | 3 | `0000001` |" in told
    assert f"| `{second.module}` | {second.name} | `{second.bench}` | **no** | 4 | `0000002` |" in told
    both = mutants.page([*rows, Tried(first.bench, first.name, "4", False, 1.0, "0000002")])
    assert "| **no** (: yes, 4: no) | 4 | `0000001`, `0000002` |" in both


BENCH = """
import pytest

FAULTS = {"seen": 1, "unseen": 0}


@pytest.mark.mutants
@pytest.mark.parametrize("samples", [4])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name, samples):
    assert FAULTS[name]


@pytest.mark.mutants
def test_other():
    pass
"""
HOOKS = """
from pathlib import Path

from tests import mutants

mutants.RUN = Path(__file__).parent / "run"
mutants._commit = lambda: (Path(__file__).parent / "commit").read_text()


def pytest_collection_modifyitems(items):
    items[:] = mutants.without_seen(items)


def pytest_runtest_makereport(item, call):
    mutants.record(item, call)
"""


def test_what_a_bench_makes_of_a_fault_is_recorded_and_not_made_again(tmp_path: Path) -> None:
    """A test that passes has seen its fault; one that fails has not; what has no fault is no row."""
    (tmp_path / "conftest.py").write_text(HOOKS, encoding="utf-8")
    (tmp_path / "test_two.py").write_text(BENCH, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(REPOSITORY / "pyproject.toml"),
               "--rootdir", str(tmp_path), str(tmp_path)]  # fmt: skip

    def run(commit: str) -> str:
        (tmp_path / "commit").write_text(commit, encoding="utf-8")
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout
        return done.stdout

    assert "1 failed, 2 passed" in run("1234567")
    rows = {row.name: row for row in mutants.recorded(tmp_path / "run")}
    assert {name: row.seen for name, row in rows.items()} == {"seen": True, "unseen": False}
    assert {(row.variant, row.commit) for row in rows.values()} == {("4", "1234567")}
    assert "1 failed, 1 passed" in run("1234567")
    assert "1 failed, 2 passed" in run("2345678")
    for _ in range(2):
        assert "1 failed, 2 passed" in run(f"2345678{mutants.CHANGED}")


def test_files_that_are_not_the_commits_are_told() -> None:
    assert len(mutants._commit().removesuffix(mutants.CHANGED)) == 7


def test_the_page_is_what_the_record_says() -> None:
    rows = mutants.committed()
    assert mutants.PAGE.read_text(encoding="utf-8") == mutants.page(rows)
    assert rows == mutants.merged(rows, [])


def test_every_fault_that_was_tried_was_seen() -> None:
    assert [row for row in mutants.committed() if not row.seen] == []
