"""A search of networks for a board: what is tried, that nobody's end changes it, what it may see, what it leaves."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.codesign.cells import SearchCells, search_cells
from cytogate.model.codesign.cost import SEED, Cost, cost_of
from cytogate.model.codesign.search import JOURNAL, LIVES, ROUND, Ended, Limits, Search, Taken
from cytogate.model.codesign.space import LARGER, SMALLER, Space
from cytogate.model.codesign.trial import Training
from cytogate.model.command.dispatch import main
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import Chip, Design, Network, Window
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import BrightField
from cytogate.model.design.quantities import rules
from cytogate.model.design.topologies import (
    PUBLISHED,
    TOPOLOGIES,
    Compact,
    Contrast,
    Meng2017,
    Published,
    Saved,
    Student,
    Topology,
)
from cytogate.model.engines.planner import plan_engines
from cytogate.model.errors import InputError
from cytogate.model.estimates.system import front_end
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_operations
from cytogate.model.networks.shapes import untrained_operations
from tests.streams import CLASSES, write_npz

SIDE, CELLS = 8, 90
START = Compact(filters=(4, 6), dense=8)
DESIGN = Design(
    "tiny",
    BrightField(("bright field",), 0.5, 0.5, 8, SIDE, SIDE),
    Window(SIDE, SIDE, 1),
    Network(CLASSES, START),
    Chip("pynq-z2", 100.0, "rtl", 1),
)
LIMITS = Limits("pynq-z2", 20.0)


def frames_of(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (cells, 1, SIDE, SIDE) that three classes make differently bright, and labels."""
    labels = np.arange(CELLS) % len(CLASSES)
    noise = np.random.default_rng(seed).normal(0, 12, (CELLS, 1, SIDE, SIDE))
    frames = 100 + noise
    frames[:, :, 2:6, 2:6] += 30 * (labels[:, None, None, None] - 1)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8), labels


# What is searched.


def starts() -> list[Topology]:
    return [Contrast(), Meng2017(), Compact(), Student(), *map(Published, PUBLISHED)]


def test_every_topology_is_searched() -> None:
    assert {each.name for each in starts()} == set(TOPOLOGIES) - {Saved.name}


@pytest.mark.parametrize("start", starts(), ids=lambda each: each.name)
def test_the_space_is_each_field_of_the_topology_about_its_own_value(start: Topology) -> None:
    """Thousands of drawn values make topologies that keep the rules, and every field is seen to change."""
    space, known = Space.of(start), rules(type(start))
    distributions = space.distributions
    assert {name.partition(".")[0] for name in distributions} == set(known)
    draw, changed, refused = np.random.default_rng(3), set(), 0
    for _ in range(300):
        parameters = {}
        for name, each in distributions.items():
            choices = getattr(each, "choices", None)
            if choices is None:
                steps = round((each.high - each.low) / each.step)
                choices = [type(each.low)(each.low + step * each.step) for step in range(steps + 1)]
            parameters[name] = choices[draw.integers(len(choices))]
        try:
            found = space.topology(parameters)
        except InputError:
            # Contrasts of which none is left.
            refused += 1
            continue
        for name, rule in known.items():
            own, value = getattr(start, name), getattr(found, name)
            assert rule.fault(name, value) is None
            changed |= {name} if own != value else set()
            if type(own) is int:
                assert own / SMALLER <= value <= own * LARGER
    assert changed == set(known)
    assert (refused > 0) == isinstance(start, Contrast)


def test_only_fields_that_there_are_are_searched() -> None:
    space = Space.of(START, ("dense", "weight_bits"))
    assert set(space.distributions) == {"dense", "weight_bits"}
    assert space.topology({"dense": 3, "weight_bits": 4}) == dataclasses.replace(START, dense=3, weight_bits=4)
    with pytest.raises(InputError, match='topology "compact" has no denses; it has filters, kernel, dense'):
        Space.of(START, ("denses",))
    with pytest.raises(InputError, match="its network was adopted"):
        Space.of(Saved())


def test_what_a_design_costs() -> None:
    """Wider is dearer; beyond a limit is told in words, by the part that it is exceeded."""
    board = BOARDS["pynq-z2"]
    wide = dataclasses.replace(DESIGN, network=Network(CLASSES, Compact(filters=(64, 128), dense=8)))
    small, large = cost_of(DESIGN, board), cost_of(wide, board)
    assert large.share > 1 > small.share > 0
    assert large.excess(1e6) == pytest.approx(large.share - 1)
    assert small.excess(small.latency_us / 2) == pytest.approx(1)
    assert small.excess(small.latency_us) == 0
    assert small.told("pynq-z2", small.latency_us) == ""
    assert large.told("pynq-z2", 1e6) == f"needs {100 * large.share:,.0f} % of the {large.scarcest} of pynq-z2"
    assert small.told("pynq-z2", 1) == f"takes {small.latency_us:,.1f} us, 1 are allowed"
    assert small.latency_cycles == round(100 * small.latency_us)


def test_engines_cost_what_is_planned() -> None:
    """Whatever is drawn elsewhere meanwhile; a network that has no engine costs nothing that one could know."""
    board, chip = BOARDS["pynq-z2"], dataclasses.replace(DESIGN.chip, network="rtl")
    design = dataclasses.replace(DESIGN, chip=chip)
    found = cost_of(design, board)
    np.random.default_rng().normal(size=7)
    assert cost_of(design, board) == found != cost_of(DESIGN, board)
    keras.utils.set_random_seed(SEED)
    plan = plan_engines(design, untrained_operations(design), board, 1)
    assert found.percent == plan.area.percent
    assert found.latency_cycles == front_end(design, 1).latency_cycles + plan.latency_cycles
    assert found.latency_us == pytest.approx(found.latency_cycles / 100)


def test_a_design_with_a_network_is_searched_about(tmp_path: Path) -> None:
    """What lies trained in its folder says nothing of others."""
    cells = SearchCells(load_design("student48"), None, None, tmp_path)  # type: ignore[arg-type]
    training = Training(cells, tmp_path, 1, None)
    costs = [cost_of(training.of(Student(filters=(first, 10))), BOARDS["pynq-z2"]) for first in (4, 8)]
    assert costs[0].share < costs[1].share


# Who tries what: with a made-up cost and accuracy, which a topology decides.


def judge(topology: Topology) -> Cost:
    assert isinstance(topology, Compact)
    if topology.kernel == 4:
        raise InputError("no kernel of 4")
    size = sum(topology.filters) * topology.weight_bits
    return Cost({"LUT": size / 2, "DSP": size / 3}, topology.dense * 200, topology.dense * 2.0, 1000.0)


def accuracy_of(taken: Taken) -> float:
    assert isinstance(taken.topology, Compact)
    return 1 - 1 / (1 + sum(taken.topology.filters) * taken.topology.activation_bits)


def opened(
    folder: Path, trials: int = 2 * ROUND + 3, seed: int = 1, judged: Callable[[Topology], Cost] = judge
) -> Search:
    return Search(folder, Space.of(START), LIMITS, judged, trials, seed)


def taken_by(search: Search) -> Taken:
    taken = search.take()
    assert taken is not None
    return taken


def all_of(*searches: Search) -> list[Ended]:
    """Let searches of a folder take turns until all is tried; each holds a trial while the next one takes its own."""
    held: list[tuple[Search, Taken]] = []
    while not searches[0].is_over:
        for search in searches:
            taken = search.take()
            if taken is not None:
                held.append((search, taken))
        # The last that was taken ends first.
        for search, taken in reversed(held):
            search.finish(taken, accuracy_of(taken))
        held.clear()
    return searches[0].ended()


def test_who_tries_and_who_ends_first_changes_nothing(tmp_path: Path) -> None:
    alone = all_of(opened(tmp_path / "alone"))
    together = all_of(*(opened(tmp_path / "together") for _ in range(3)))
    assert together == alone
    trained = [each for each in alone if each.accuracy is not None]
    assert len(trained) == 2 * ROUND + 3
    assert [each.place for each in alone] == list(range(len(alone)))
    assert len({each.topology for each in trained}) == len(trained), "none is tried twice"
    refused = [each for each in alone if each.accuracy is None]
    assert {each.told.split()[0] for each in refused} == {"needs", "takes", "no"}
    for each in trained:
        assert each.cost is not None
        assert each.cost.excess(LIMITS.latency_us) == 0
    assert all_of(opened(tmp_path / "other", seed=2)) != alone


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    """Its trial is tried again, and is what it would have been; the same with a line of the journal half written."""
    due = all_of(opened(tmp_path / "alone"))
    search = opened(tmp_path / "killed")
    lost = taken_by(search)
    kept = taken_by(search)
    lost.lock.release()  # as the system does when a process ends
    journal = tmp_path / "killed" / JOURNAL
    with journal.open("ab") as file:
        file.write(b'{"op_code": 6, "work')
    search.finish(kept, accuracy_of(kept))
    del search
    other = opened(tmp_path / "killed")
    places = {taken.place: taken for taken in (taken_by(other) for _ in range(ROUND - 1))}
    assert places[lost.place].topology == lost.topology
    assert kept.place not in places
    for taken in places.values():
        other.finish(taken, accuracy_of(taken))
    assert all_of(other) == due


def test_a_trial_that_ends_every_worker_is_given_up(tmp_path: Path) -> None:
    search, lost = opened(tmp_path, trials=2), []
    other = taken_by(search)
    for _ in range(LIVES):
        lost.append(taken_by(search))
        lost[-1].lock.release()
    assert len({taken.place for taken in lost}) == 1
    assert search.take() is None
    search.give_up(other, "the loss is no longer a number")
    assert search.is_over
    told = {each.place: each.told for each in search.ended() if each.cost is not None and not each.cost.excess(20)}
    assert told[other.place] == "the loss is no longer a number"
    assert told[lost[0].place].startswith(f"{LIVES} workers were lost over it")


def test_an_interrupt_costs_no_life(tmp_path: Path) -> None:
    search = opened(tmp_path, trials=1)
    for _ in range(LIVES + 1):
        taken = taken_by(search)
        taken.lock.release()
        search.put_back()
        assert not search.is_over
    last = taken_by(search)
    assert (last.place, last.topology) == (taken.place, taken.topology)
    search.finish(last, 0.5)
    assert search.is_over
    assert search.ended()[-1].accuracy == 0.5


def test_a_search_ends_where_nothing_fits(tmp_path: Path) -> None:
    def dear(topology: Topology) -> Cost:
        return Cost({"LUT": 250.0}, 100, 1.0, 1.0)

    search = opened(tmp_path, judged=dear)
    assert search.take() is None
    assert search.is_over
    assert {each.told for each in search.ended()} == {"needs 250 % of the LUT of pynq-z2"}


def test_a_journal_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("no journal\n[1]\n")
    with pytest.raises(InputError, match=r"journal.log: is no journal of a search .*; remove .* to start anew"):
        opened(tmp_path)


# The verb, on cells.


def home(folder: Path, seed: int = 0) -> list[str]:
    """Write design and cells into a folder and return the verb's words."""
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / DESIGN_FILE).write_text(design_text(DESIGN), encoding="utf-8")
    write_npz(folder / "cells.npz", *frames_of(seed))
    options = ["--latency-us", "1000", "--trials", "2", "--epochs", "1", "--search", "filters,weight_bits"]
    files = ["--input", "cells.npz", "--work", "work", "--output", "out"]
    return ["codesign", "--design", "tiny", *options, *files]


def test_a_search_sees_no_test_cell(tmp_path: Path) -> None:
    """Whatever they are, codes, inputs and cells are the same; they are the ones that training will test on."""
    frames, labels = frames_of()
    first = search_cells(write_npz(tmp_path / "a.npz", frames, labels), None, DESIGN, None, 1, tmp_path / "a")
    seen = first.own.chosen
    assert len(seen) == len(first.split.training) + len(first.split.validation) < CELLS
    assert len(first.split.test) == 0
    other = 255 - frames
    other[seen] = frames[seen]
    second = search_cells(write_npz(tmp_path / "b.npz", other, labels), None, DESIGN, None, 1, tmp_path / "b")
    assert second.design == first.design
    np.testing.assert_array_equal(second.own.labels, first.own.labels)
    every = np.arange(len(seen))
    words = [cells.written().read(every) for cells in (first, second)]
    np.testing.assert_array_equal(*words)
    assert words[0].any()


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It leaves a design that computes; the same command again trains nothing, and more trials go on."""
    monkeypatch.chdir(tmp_path)
    words = home(tmp_path)
    assert main(words) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Train it in full: cytogate train --design out/tiny-codesign --input cells.npz --seed 1" in told
    report = json.loads(Path("out/report.json").read_text())
    assert (report["simulated"], report["costs"], report["cells"]["test"]) == (False, "estimated", 0)
    trained = [each for each in report["trials"] if each["validation_accuracy"] is not None]
    assert len(trained) == 2
    best = max(each["validation_accuracy"] for each in trained)
    assert report["chosen"]["validation_accuracy"] == best
    assert report["chosen"]["interval"]["low"] < best <= report["chosen"]["interval"]["high"]
    found = load_design("out/tiny-codesign")
    assert found.codes is not None
    assert dataclasses.asdict(found.network.topology)["filters"] == tuple(report["chosen"]["network"]["filters"])
    assert load_operations(found).logits.shape == (len(CLASSES),)
    with Path("out/trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report["trials"])
    assert Path("out/picture.png").stat().st_size > 10_000
    times = {path: path.stat().st_mtime_ns for path in Path("work").rglob("*.npz")}
    assert main(words) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("work").rglob("*.npz")} == times
    assert json.loads(Path("out/report.json").read_text()) == report


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--latency-us", "0"], "--latency-us is 0; a time above 0 is needed"),
        (["--search", "dense,depth"], 'design tiny: topology "compact" has no depth; it has filters, kernel, dense'),
        (["--input", "nowhere.npz"], "nowhere.npz"),
        (["--board", "zcu102"], "invalid choice"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*home(tmp_path), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not Path("out").exists()


def test_a_trained_design_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = home(tmp_path)
    Path("out/tiny-codesign").mkdir(parents=True)
    Path("out/tiny-codesign/record.json").write_text("{}")
    assert main(words) == 2
    assert "holds a design that was trained; move it, or name another --output" in capsys.readouterr().err


@pytest.mark.full
def test_two_workers_of_which_one_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one takes over, and all is as one process alone has it; after an interrupt, too."""
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder in (alone, together):
        folder.mkdir()
    words = [*home(alone), "--trials", "3", "--epochs", "2"]
    home(together)
    monkeypatch.chdir(alone)
    assert main(words) == 0
    run = [sys.executable, "-c", "import sys; from cytogate.model.command.dispatch import main; sys.exit(main())"]
    for end in (signal.SIGINT, None):
        beside = subprocess.Popen([*run, *words, "--workers", "2"], cwd=together, start_new_session=True)
        children = running(together, beside)
        os.kill(children[0], signal.SIGKILL)
        if end is not None:
            time.sleep(1)
            beside.send_signal(end)
        assert beside.wait(1200) == (0 if end is None else 130)
    found = [json.loads((folder / "out" / "report.json").read_text()) for folder in (alone, together)]
    assert found[0] == found[1]
    assert len([each for each in found[0]["trials"] if each["validation_accuracy"] is not None]) == 3


def running(folder: Path, parent: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes of two workers, once one of them has written something of a trial."""
    import psutil

    def is_worker(process: psutil.Process) -> bool:
        try:
            return "spawn_main" in " ".join(process.cmdline())
        except psutil.Error:  # it has just ended
            return False

    before = set(folder.glob("work/tiny/search-*/trials/*/*"))
    for _ in range(6000):
        children = [each.pid for each in psutil.Process(parent.pid).children() if is_worker(each)]
        if len(children) == 2 and set(folder.glob("work/tiny/search-*/trials/*/*")) - before:
            return children
        assert parent.poll() is None, "it ended before a worker could be killed"
        time.sleep(0.1)
    raise AssertionError("no trial began")
