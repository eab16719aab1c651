"""The chip's gate as the host sets it: one law on both sides, registers read back, an event a cell, live changes."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.cores import Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.gate import ChipGate, FrameOrder, GateCounts
from cytogate.host.driver.results import Result
from cytogate.host.stream.cells import UNTRUSTED, Flag, SourceCell
from cytogate.host.stream.chip_gate import DECISIONS, GateOnChip, verdict_of
from cytogate.host.stream.gating import Decision, Gates, LiveGates, ScoreKind
from cytogate.host.stream.pipeline import NetworkOutput, Pipeline, Settings
from cytogate.model.command.dispatch import main
from cytogate.model.contract.gate import LONGEST_CYCLES, PULSE_CLOCKS, CellEvent, EventFlag, GateSettings, decided
from cytogate.model.design.design import Chip, Design
from cytogate.model.errors import InputError
from cytogate.model.interface import registers
from cytogate.model.interface.answers import GatedForm
from cytogate.model.interface.bundle import Bundle
from cytogate.model.interface.frame_check import FrameCheck
from cytogate.model.interface.registers import GateRegister, Register, StreamRegister, gate_offsets
from cytogate.model.retrieval import laws
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.gate import PipelineGate
from cytogate.sim.rtl.pipeline import PipelineSimulation
from tests import bright_fields
from tests.boards import CLASSES, expected, plugged, small_bundle, small_design, small_frames, small_manifest, write
from tests.bright_fields import bright_field
from tests.pipelines import telling_network
from tests.test_cores import FakePort
from tests.test_stream_pipeline import Kept

STEP = 2.0**-10
"""Of a logit of the small design."""
MARGIN = ScoreKind.MARGIN
PATIENT_S = 60.0
"""Deadline where no fault is put in: a busy computer loses no cell."""


def gated_design() -> Design:
    design = small_design()
    return dataclasses.replace(design, chip=dataclasses.replace(design.chip, network="rtl"))


def unsaturated_frames(design: Design, cells: int) -> list[NDArray]:
    highest = 2**design.camera.adc_bits - 1
    return [np.minimum(each, highest - 1) for each in small_frames(design, cells)]


def gate_on_chip(put: Callable[[GateSettings], None] = lambda settings: None) -> GateOnChip:
    return GateOnChip(CLASSES, STEP, 200.0, put)


def due_flags(logits: list[list[int]], settings: GateSettings) -> list[EventFlag]:
    classes, margins = decided(np.array(logits))
    pairs = zip(classes.tolist(), margins.tolist(), strict=True)
    return [settings.judge(*pair, EventFlag(0), -PULSE_CLOCKS, ()) for pair in pairs]


def test_chip_and_host_judge_alike() -> None:
    """Thresholds on, between and beside the steps of a margin, which is what rounding could get wrong."""
    rng = np.random.default_rng(15)
    compared, found = 0, set()
    for _ in range(300):
        logits = rng.integers(-40, 40, len(CLASSES))
        thresholds = {name: float(rng.integers(0, 120)) * STEP / 3 for name in CLASSES if rng.random() < 0.8}
        gates = Gates(thresholds, MARGIN)
        (flag,) = due_flags([logits.tolist()], gate_on_chip().settings(gates))
        values = [code * STEP for code in logits.tolist()]
        host = gates.judge(values, CLASSES, coincident=False, trusted=True, latency_ns=0)
        assert verdict_of(values, CellEvent(flag, 0)) == host
        compared += 1
        found.add(host.decision)
    assert (compared, found) == (300, {Decision.SORT, Decision.REJECTED, Decision.UNWANTED})


def test_times_are_in_clocks() -> None:
    settings = gate_on_chip().settings
    assert settings(Gates(score=MARGIN)) == GateSettings()
    gates = Gates({"b": 3 * STEP}, MARGIN, trigger_delay_us=100.0, trigger_width_us=5.0)
    found = settings(gates)
    assert (found.classes, found.least_margins[:3], found.delay, found.hold) == (0b010, (0, 3, 0), 20_000, 999)
    assert settings(Gates(score=MARGIN, trigger_delay_us=1e-3, trigger_width_us=1e-3)) == GateSettings(delay=1)


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (Gates(), "score is softmax; the chip's gate compares margins"),
        (Gates(score=MARGIN, coincidence_us=5.0), "coincidence_us is 5; the chip's gate does not look at it"),
        (Gates(score=MARGIN, deadline_ms=5.0), "deadline_ms is 5; the chip's gate does not look at it"),
        (
            Gates(score=MARGIN, trigger_delay_us=1e5),
            "trigger_delay_us is 100000; the chip counts to 16777215 clocks of 200 MHz: up to 83886.1",
        ),
        (Gates({"a": 1e9}, MARGIN), r"the threshold of a is 1e\+09; the chip's gate takes margins up to 4.1943e\+06"),
    ],
)
def test_what_the_chip_cannot_do_is_one_sentence(gates: Gates, said: str) -> None:
    with pytest.raises(InputError, match=said):
        gate_on_chip().settings(gates)
    live = LiveGates(Gates(score=MARGIN), CLASSES, gate_on_chip())
    with pytest.raises(InputError, match=said):
        live.change(gates)
    assert live.gates == Gates(score=MARGIN)


def test_gates_that_a_viewer_moves_reach_the_chip() -> None:
    """The record has the gates by which the chip judged a cell, whatever is in force when its result comes."""
    put: list[GateSettings] = []
    before = Gates({"a": 2 * STEP}, MARGIN)
    live = LiveGates(before, CLASSES, gate_on_chip(put.append))
    live.move({"a": None, "b": 3.5 * STEP})
    after = live.gates
    assert [(each.classes, each.least_margins[:3]) for each in put] == [(0b001, (2, 0, 0)), (0b010, (0, 4, 0))]
    assert live.for_cell(0, put[0]) is before
    assert live.for_cell(1, put[0]) is before
    assert live.for_cell(2, put[1]) is after
    assert live.record == ((0, before), (2, after))


def test_settings_fit_their_registers() -> None:
    for given, said in (
        ({"delay": 1 << 24}, "delay of a gate is 16777216; its register holds 0 to 16777215"),
        ({"hold": -1}, "hold of a gate is -1"),
        ({"classes": 1 << 32}, "classes of a gate is"),
        ({"least_margins": (0, 1 << 32)}, "a least margin of a gate is 4294967296"),
    ):
        with pytest.raises(InputError, match=said):
            GateSettings(**given)


class GatePort(FakePort):
    """A port that keeps what is written, but for what ``spoil`` makes of it."""

    spoil: Callable[[int, int], int] = staticmethod(lambda offset, value: value)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        self.values[int(offset)] = self.spoil(int(offset), int(value))


def fake_gate() -> tuple[ChipGate, GatePort]:
    unit = FakePort({StreamRegister.IDENTITY.offset: registers.STREAM_IDENTITY})
    port = GatePort({Register.IDENTITY.offset: registers.IDENTITY})
    return ChipGate(Cores(FakePort(), unit, port, 0.05), 3), port


def test_settings_are_written_once_classes_last_and_read_back() -> None:
    gate, port = fake_gate()
    most = (1 << 32) - 1
    settings = GateSettings(0b101, (5, 0, most), delay=7, hold=2)
    gate.set(settings)
    offsets = gate_offsets(3)
    names = ("LEAST_MARGIN_0", "LEAST_MARGIN_1", "LEAST_MARGIN_2", "TRIGGER_DELAY", "TRIGGER_HOLD", "GATE_CLASSES")
    assert port.written == [
        (offsets[name], value) for name, value in zip(names, (5, 0, most, 7, 2, 0b101), strict=True)
    ]
    gate.set(settings)
    assert len(port.written) == 6
    gate.forget()
    gate.set(settings)
    assert len(port.written) == 12


def test_a_register_that_does_not_take_is_said() -> None:
    gate, port = fake_gate()
    port.spoil = lambda offset, value: value & 0xFF if offset == GateRegister.TRIGGER_DELAY.offset else value
    gate.set(GateSettings(1, delay=255))
    with pytest.raises(BoardFailed, match="the gate reads 0x0 in TRIGGER_DELAY after 0x100 was written to it"):
        gate.set(GateSettings(1, delay=256))
    port.values = dict.fromkeys(range(0, 256, 4), 0xFFFF_FFFF)
    port.spoil = lambda offset, value: 0xFFFF_FFFF
    with pytest.raises(BoardFailed, match="the fabric is gone"):
        gate.set(GateSettings(1))


def test_answers_without_an_event_are_not_believed() -> None:
    form = GatedForm(2)
    words = np.array([3, 2**32 - 4, CellEvent(EventFlag.TRIGGERED, 9).word] * 2, "<u4")
    assert form.is_due(6, 2)
    assert not form.is_due(4, 2)
    found = form.read(words, 2)
    assert found is not None
    assert [(each.logits.tolist(), each.event) for each in found] == [([3, -4], CellEvent(EventFlag.TRIGGERED, 9))] * 2
    words[5] = 0
    assert form.read(words, 2) is None


def test_every_cell_has_its_event(tmp_path: Path) -> None:
    design = gated_design()
    frames = small_frames(design, 11)
    logits = expected(frames)
    classes, margins = decided(np.array(logits))
    least = int(np.median(margins))
    settings = GateSettings(1 << int(classes[0]) | 1 << int(classes[-1]), (least,) * 32, delay=500)
    with plugged(tmp_path, design, deadline_s=PATIENT_S) as (accelerator, _), accelerator:
        # A stream begins with a reset, behind which the same settings have to be written anew.
        for given in (GateSettings(), settings, settings):
            accelerator.set_gate(given)
            results = list(accelerator.stream(frames))
            assert [result.logits.tolist() for result in results if result.logits is not None] == logits
            flags = due_flags(logits, given)
            cycles = given.delay or 0
            assert [result.event for result in results] == [CellEvent(flag, cycles) for flag in flags]
            assert {result.gate for result in results} == {given}
            counts = accelerator.gate_counts()
            assert counts == GateCounts(11, flags.count(EventFlag.TRIGGERED), 0, 0, 0, 0, 0, 0, FrameOrder(11, 0, 0))
        assert 0 < counts.triggers < 11
        assert accelerator.phase_latency_us == 0


def test_a_change_holds_for_cells_that_are_sent_behind_it(tmp_path: Path) -> None:
    design = gated_design()
    frames = small_frames(design, 12)
    every, none = GateSettings(0b111), GateSettings()
    with plugged(tmp_path, design, batch=2, deadline_s=PATIENT_S) as (accelerator, _), accelerator:
        found = []
        for result in accelerator.stream(frames):
            found.append(result)
            if result.index == 3:
                accelerator.set_gate(every)
    judged = [result.gate for result in found]
    first = judged.index(every)
    assert judged == [none] * first + [every] * (12 - first)
    assert 4 <= first < 10
    for result in found:
        assert result.event is not None
        assert result.event.flag is (EventFlag.UNWANTED if result.index < first else EventFlag.TRIGGERED)


def test_a_gate_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with plugged(tmp_path / "a") as (accelerator, _), accelerator:
        assert accelerator.gate_counts() is None
        with pytest.raises(
            InputError, match='has no gate, for the network of design small is "hls4ml"; one of network'
        ):
            accelerator.set_gate(GateSettings(1))

    def without(board: EmulatedBoard) -> None:
        board.fabric.retrieval.beside = lambda offset: 0

    (tmp_path / "b").mkdir()
    with plugged(tmp_path / "b", gated_design(), change=without) as (accelerator, _):
        with pytest.raises(
            InputError, match="the chip's input kernel reads 0x00000000 in GATE_IDENTITY, where the gate"
        ):
            accelerator.__enter__()
        with pytest.raises(InputError, match="the gate is to want classes 0b1000, a bit a class; design small has 3"):
            accelerator.set_gate(GateSettings(0b1000))


def test_a_verilated_gate_is_set_and_told(builds: Path, tmp_path: Path) -> None:
    """The driver on registers and words of the SystemVerilog itself: late ones, too, which a model has not."""
    chip = Chip(kernel="rtl", samples_per_clock=4, network="rtl")
    design = dataclasses.replace(bright_field("tiny", 2, 8, (11, 14), (8, 8)), chip=chip)
    frames = bright_fields.frames_of(design, 10)
    network = telling_network(design, laws.network_inputs(frames, design))
    logits = network.classify(laws.network_inputs(frames, design))
    whole = PipelineSimulation(design, pipeline_engines(network, design, 4), builds / "gate-driver")
    gate = PipelineGate(whole)
    bundle = write(Bundle(tmp_path / "tiny.zip", small_manifest(design), design))
    board = provider(lambda given: EmulatedBoard(given, gate.kernel, on_close=whole.close, gate=gate))
    wanted = int(np.bincount(logits.argmax(axis=1)).argmax())
    found = {}
    with Accelerator(bundle.path, device=board, batch=3, deadline_s=PATIENT_S) as accelerator:
        for delay in (0, 5000, 5):
            settings = GateSettings(1 << wanted, delay=delay)
            accelerator.set_gate(settings)
            results = list(accelerator.stream(frames))
            assert np.array_equal([result.logits for result in results], logits)
            found[delay] = [result.event for result in results]
            counts = accelerator.gate_counts()
            assert counts is not None
            assert counts.events == len(frames)
            assert counts.class_cycles_most >= counts.class_cycles > 0
    due = {flag is EventFlag.TRIGGERED for flag in due_flags(logits.tolist(), GateSettings(1 << wanted))}
    assert due == {True, False}
    soon = {event.cycles for event in found[0] if event.flag is EventFlag.TRIGGERED}
    assert len(soon) == 1
    for delay, flag, cycles in (
        (0, EventFlag.TRIGGERED, soon.pop()),
        (5000, EventFlag.TRIGGERED, 5000),
        (5, EventFlag.LATE, 5),
    ):
        for event, codes in zip(found[delay], logits, strict=True):
            assert event.flag is (flag if codes.argmax() == wanted else EventFlag.UNWANTED)
            assert event.cycles == cycles


GATES = 'score = "margin"\ntrigger_delay_us = 12.5\ntrigger_width_us = 1\n[thresholds]\na = 0.5\nb = 0\n'


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bundle, list[list[int]]]:
    monkeypatch.chdir(tmp_path)
    design = gated_design()
    frames = unsaturated_frames(design, 40)
    np.savez("cells.npz", frames=np.stack(frames))
    return write(small_bundle(tmp_path / "b.zip", design)), expected(frames)


def stream(*options: str, bundle: str = "b.zip", output: str = "run") -> int:
    command = ["stream", "--input", "cells.npz", "--bundle", bundle, "--device", "emulated-light", "--output", output]
    return main([*command, "--batch", "7", *options])


def test_the_stream_sorts_on_the_chip(lab: tuple[Bundle, list[list[int]]], capsys: pytest.CaptureFixture[str]) -> None:
    """Rows say what the chip did and when; the report counts pulses, and has the gates by which cells were judged."""
    bundle, logits = lab
    Path("gates.toml").write_text(GATES)
    assert stream("--gates", "gates.toml") == 0
    said = capsys.readouterr()
    settings = gate_on_chip().settings(Gates({"a": 0.5, "b": 0}, MARGIN, None, None, 12.5, 1.0))
    assert bundle.manifest.logit_step == STEP
    rows = ds.dataset("run/events", format="parquet").to_table().to_pylist()
    flags = due_flags(logits, settings)
    assert [row["decision"] for row in rows] == [DECISIONS[flag] for flag in flags]
    triggered = [flag is EventFlag.TRIGGERED for flag in flags]
    assert [row["trigger_us"] for row in rows] == [12.5 if each else None for each in triggered]
    assert [row["class"] for row in rows] == [CLASSES[int(np.argmax(each))] for each in logits]
    assert len(set(flags)) == 3
    report = json.loads(Path("run/report.json").read_text())
    assert (report["gate"]["events"], report["gate"]["triggers"]) == (40, sum(triggered))
    assert report["latency"]["trigger"]["cells"] == sum(triggered)
    assert report["latency"]["trigger"]["max_us"] == 12.5
    assert "retrieval" not in report["latency"]
    assert report["gates"] == [
        [0, {"thresholds": {"a": 0.5, "b": 0}, "score": "margin", "coincidence_us": None, "deadline_ms": None,
             "trigger_delay_us": 12.5, "trigger_width_us": 1.0}]
    ]  # fmt: skip
    assert f"Trigger: {sum(triggered)} pulses of 40 events; at most, by the chip's clock: " in said.out


class Trigger:
    """A chip whose pin rises for every cell that it gets, and what it got."""

    phase_latency_us, silence_s = 0.0, 0.0

    def __init__(self) -> None:
        self.got: list[NDArray] = []
        self.settings = GateSettings()

    def put(self, settings: GateSettings) -> None:
        self.settings = settings

    def stream(self, frames: Iterable[NDArray | None]) -> Iterator[Result]:
        for each in frames:
            if each is not None:
                self.got.append(each)
                logits, event = np.array([100, 0, 0], np.int64), CellEvent(EventFlag.TRIGGERED, 100)
                now_ns, index = time.monotonic_ns(), len(self.got) - 1
                yield Result(index, logits, now_ns, now_ns, event=event, gate=self.settings)


@pytest.mark.parametrize("flag", UNTRUSTED)
def test_the_chip_does_not_get_what_is_never_sorted(flag: Flag) -> None:
    """All flags that forbid to trust a class: the host says so of a class, the chip is not asked for one."""
    design = gated_design()
    camera = design.camera
    frames, wanted = unsaturated_frames(design, 8), Gates(dict.fromkeys(CLASSES, 0.0), MARGIN)
    cells = [SourceCell("list", index, each, flag if index % 2 else Flag(0)) for index, each in enumerate(frames)]
    chip, sink = Trigger(), Kept()
    run = Pipeline(
        cells,
        chip,
        NetworkOutput(CLASSES, STEP, 200.0),
        FrameCheck(camera.rows, camera.columns, camera.adc_bits, camera.channels),
        LiveGates(wanted, CLASSES, gate_on_chip(chip.put)),
        [sink],
        Settings(queue_cells=8, flush_s=1.0, drop_when_full=False),
        threading.Event(),
    )
    run.run()
    np.testing.assert_array_equal(chip.got, frames[::2])
    assert [event.decision for event in sink.events] == [Decision.SORT, Decision.LOST] * 4
    for event in sink.events[1::2]:
        assert event.flags == flag | Flag.FAULTY
        assert f"not to be trusted ({flag.name}): a chip that sorts by itself does not get them" in str(event.reason)
    assert run.counts.faulty == 4


def test_without_gates_nothing_triggers(lab: tuple[Bundle, list[list[int]]]) -> None:
    assert stream() == 0
    report = json.loads(Path("run/report.json").read_text())
    assert (report["decisions"], report["gate"]["triggers"]) == ({"unwanted": 40}, 0)
    assert report["gates"][0][1]["score"] == "margin"


def test_gates_of_the_wrong_kind_are_one_sentence(
    lab: tuple[Bundle, list[list[int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("soft.toml").write_text("[thresholds]\na = 0.5\n")
    assert stream("--gates", "soft.toml") == 2
    assert "score is softmax; the chip's gate compares margins" in capsys.readouterr().err
    write(small_bundle(Path("c.zip")))
    Path("gates.toml").write_text(GATES)
    assert stream("--gates", "gates.toml", bundle="c.zip") == 2
    said = capsys.readouterr().err
    assert "gates.toml: trigger_delay_us is of a trigger on the chip; the chip of design small has none" in said
    assert not Path("run").exists()


def test_the_clocks_of_an_event_are_limited() -> None:
    assert CellEvent.of(CellEvent(EventFlag.TRIGGERED, LONGEST_CYCLES + 1).word) == CellEvent(
        EventFlag.TRIGGERED, LONGEST_CYCLES
    )
