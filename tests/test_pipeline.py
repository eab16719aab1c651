"""Frames to logits and trigger in SystemVerilog, at the pins: every logit, event and pulse compared."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.hls.sources import FPGA
from cytogate.model.command.dispatch import main
from cytogate.model.contract.gate import (
    CELL_FLAGS,
    FLAG_SHIFT,
    LONGEST_CYCLES,
    PULSE_CLOCKS,
    REMARK_SHIFT,
    CellEvent,
    EventFlag,
    GateSettings,
    decided,
)
from cytogate.model.contract.remarks import REMARK_BITS, Remark
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Chip, Design
from cytogate.model.design.folder import BUILTIN, DESIGN_FILE, design_text, load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.registers import GateRegister
from cytogate.model.retrieval import laws
from cytogate.sim.axi.job import GATE_SCENARIOS, RATE, SCENARIOS, run_rate
from cytogate.sim.axi.levels import Level, behind_background, bench_task, hardware, unclipped
from cytogate.sim.axi.simulator import Hardware, Simulator, compile_hardware, run_benches
from cytogate.sim.board.gate import PipelineGate
from cytogate.sim.rtl.pipeline import PipelineSimulation
from tests import bright_fields, test_cosim
from tests.bright_fields import bright_field
from tests.conftest import REPOSITORY
from tests.pipelines import small_network, telling_network
from tests.recursions import arriving, knowing
from tests.test_cosim import failures

full = pytest.mark.full
TINY = bright_field("tiny", 2, 8, (11, 14), (8, 8))
"""Rows with lanes to spare, none of which reaches the network."""
GATE_CASES = 12


def test_what_is_in_doubt_triggers_nothing() -> None:
    settings = GateSettings(0b101, (7, 0, 9), delay=50)
    none = EventFlag(0)
    for given, due in (
        ((0, 7, none, 48, range(15)), EventFlag.TRIGGERED),
        ((0, 6, none, 48, range(15)), EventFlag.REJECTED),
        ((1, 9, none, 48, range(15)), EventFlag.UNWANTED),
        ((2, 9, none, 49, ()), EventFlag.LATE),
        ((2, 9, none, 48, (7, 49)), EventFlag.TRIGGERED),
        ((2, 9, none, 48, (7, 50)), EventFlag.LATE),
        ((2, 9, none, 48, range(16)), EventFlag.CROWDED),
        ((0, 9, EventFlag.LONG_PACKET, 0, ()), EventFlag.LONG_PACKET),
        ((0, 9, EventFlag.UNSETTLED, 48, ()), EventFlag.UNSETTLED),
        ((0, 9, EventFlag.CLIPPED, 48, ()), EventFlag.CLIPPED),
    ):
        assert settings.judge(*given) is due, given
    assert GateSettings().judge(0, 1 << 31, none, 0, ()) is EventFlag.UNWANTED
    assert settings.pulse_age(48) == 50
    assert GateSettings().pulse_age(48) == 48 + PULSE_CLOCKS


def test_an_event_is_a_word_of_its_own() -> None:
    remarks = [remark for code in range(1 << REMARK_BITS) if (remark := Remark.of(code)) is not None]
    assert len(remarks) == 12
    every = itertools.product(CELL_FLAGS, (0, LONGEST_CYCLES), remarks)
    events = [CellEvent(flag, cycles, remark) for flag, cycles, remark in every]
    assert [CellEvent.of(event.word) for event in events] == events
    assert max(event.word for event in events).bit_length() == 32
    assert CellEvent(EventFlag.LATE, LONGEST_CYCLES + 5).word == CellEvent(EventFlag.LATE, LONGEST_CYCLES).word
    first, last = 1, len(CELL_FLAGS)
    strange = (
        0,
        LONGEST_CYCLES,
        last + 1 << FLAG_SHIFT,
        1 << REMARK_SHIFT - 1 | first << FLAG_SHIFT,
        3 << REMARK_SHIFT | first << FLAG_SHIFT,
    )
    assert [CellEvent.of(word) for word in strange] == [None] * len(strange)


def test_the_first_of_equal_logits_is_the_class() -> None:
    classes, margins = decided(np.array([[3, 9, 9], [-4, -2, -9], [5, 1, 4]]))
    assert (classes.tolist(), margins.tolist()) == ([1, 1, 0], [0, 2, 1])
    assert decided(np.array([[3]]))[1].tolist() == [0]


def under_benches(design: Design, samples: int, folder: Path, run: Path) -> tuple[Hardware, np.ndarray]:
    """Return the pipeline of a design, with the task in folder ``run``, and the logits that are due.

    Whatever a law remembers of frames is loaded, and stays: they come in any order.
    """
    frames = test_cosim.frames_of(design) if design.retrieves_phase else bright_fields.frames_of(design)
    frames = unclipped(frames, design)[:5] if design.retrieves_phase else frames
    known = laws.standing_background(frames, design)
    pixels = laws.Run(design, known).network_inputs(frames)
    network = telling_network(design, pixels)
    engines, due = pipeline_engines(network, design, samples), network.classify(pixels)
    task = bench_task(Level.RTL, design, samples, engines)
    behind_background(task, frames, design, known).write(run, frames, due)
    return hardware(Level.RTL, design, samples, folder, network=engines), due


def test_frames_to_trigger(builds: Path, tmp_path: Path) -> None:
    """Back to back, a malformed packet of each kind between them, and a soft reset."""
    under_test, due = under_benches(TINY, 4, builds / "pipeline-tiny", tmp_path)
    build = compile_hardware(under_test, Simulator.VERILATOR, builds / "pipeline-tiny" / "build", waves=False)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.values, measured.differing) == (due.size, 0)
    gate = measured.gate
    assert gate is not None
    assert gate.events == len(due)
    assert 0 < gate.triggers < gate.events
    # The input takes 44 clocks of a frame, and the pooling one for each of 64 pixels.
    assert gate.interval is not None
    assert 64 <= gate.interval <= gate.interval_most < 90
    outcomes = run_benches(
        under_test, Simulator.VERILATOR, build, [*SCENARIOS[1:], *GATE_SCENARIOS], tmp_path,
        only=r"many_in_a_row|soft_reset|thresholds|have_their_time|after_reset|any_clock|overtakes",
    )  # fmt: skip
    assert not failures(outcomes)
    assert len(outcomes) == 8


@full
@pytest.mark.parametrize(
    ("design", "samples"),
    [
        pytest.param(TINY, 4, marks=pytest.mark.covers),
        (bright_fields.TWO, 2),
        (bright_fields.NARROW, 1),
        (test_cosim.SMALL, 4),
        (test_cosim.SMALL, 1),
        *((arriving(64, law), samples) for law in (TWO_SIDED, CAUSAL) for samples in (4, 1)),
        *((knowing(arriving(64, TWO_SIDED)), samples) for samples in (4, 1)),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_scenario(design: Design, samples: int, builds: Path, tmp_path: Path) -> None:
    folder = builds / f"pipeline-{design.name}-{samples}"
    under_test, due = under_benches(design, samples, folder, tmp_path)
    build = compile_hardware(under_test, Simulator.VERILATOR, folder / "build", waves=False)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.values, measured.differing) == (due.size, 0)
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, [*SCENARIOS, *GATE_SCENARIOS], tmp_path)
    assert not failures(outcomes)
    assert len(outcomes) == test_cosim.CASES + GATE_CASES


@dataclasses.dataclass(frozen=True)
class Fault:
    """A change of one module, and the scenario that sees it."""

    module: str
    right: str
    wrong: str
    seen_by: str
    """Regular expression of scenarios; the run at full rate where it is empty."""


FAULTS = {
    "first pixel's clock is the last one's": Fault(
        "frame_tags", "if (beat_taken && starts) first",
        "if (beat_taken) first", "",
    ),
    "short and long are swapped": Fault(
        "frame_tags", "{too_long, !intact && !too_long",
        "{!intact && !too_long, too_long", "first_and_last",
    ),
    "one place too many": Fault(
        "frame_tags", ".take(beat_taken && starts), .give(take)",
        ".take(1'b0), .give(1'b0)", "sleeps",
    ),
    "a threshold is never reached by its own margin": Fault(
        "gate", "32'(margin) < least",
        "32'(margin) <= least", "thresholds",
    ),
    "a margin of another class": Fault(
        "gate_registers", "least[asked_class]",
        "least[0]", "thresholds",
    ),
    "every class is wanted": Fault(
        "gate_registers", "wanted = classes[asked_class]",
        "wanted = classes != 0", "thresholds",
    ),
    "malformed frames trigger": Fault(
        "gate", "passed = trusted && ",
        "passed = ", "malformed_frames_never",
    ),
    "malformed frames' logits leave": Fault(
        "pipeline_control", "judged && flaws[1:0] == 0",
        "judged", "first_and_last",
    ),
    "late by a clock is not seen": Fault(
        "gate", "earliest     = now + 32'(1 +",
        "earliest     = now + 32'(0 +", "have_their_time",
    ),
    "stamp is a clock early": Fault(
        "gate", "event_clock  <= now + 1'b1",
        "event_clock  <= now", "",
    ),
    "a pulse is a clock late": Fault(
        "gate", "event_pulse  <= pulse;",
        "event_pulse  <= pulse + 1'b1;", "have_their_time",
    ),
    "a pulse is a clock longer": Fault(
        "trigger", "left <= hold;",
        "left <= hold + 1'b1;", "as_long_as_asked",
    ),
    "the delay of the moment is told": Fault(
        "pipeline_control", "cell_flag, event_cycles}", "cell_flag, delay}", "written_in_any_clock",
    ),
    "a pulse overtakes": Fault(
        "gate", "is_past || is_overtaken",
        "is_past", "overtakes_nothing",
    ),
    "a pulse of the same clock comes": Fault(
        "gate", "$signed(pulse - latest) <= 0",
        "$signed(pulse - latest) < 0", "overtakes_nothing",
    ),
    "an event stays": Fault(
        "logit_stream", ".in_word(event_word), .read(cell_left)",
        ".in_word(event_word), .read(1'b0)", "",
    ),
    "pulses that wait are overwritten": Fault(
        "trigger", "crowded = level[$clog2(PULSES)]",
        "crowded = 1'b0", "no_more_pulses",
    ),
    "settings outlive a reset": Fault(
        "pipeline_control", ".clk(aclk), .rst(!aresetn), .write, .write",
        ".clk(aclk), .rst(1'b0), .write, .write", "forgets_settings",
    ),
    "largest is the latest": Fault(
        "gate_registers", "began && age > trigger_most",
        "began", "have_their_time",
    ),
    "interval counts malformed frames": Fault(
        "gate_registers", "event_valid && event_flags[1:0] == 0",
        "event_valid", "many_in_a_row",
    ),
    "logits lose their sign": Fault(
        "logit_stream", "32'($signed(logit))",
        "32'(logit)", "",
    ),
    "logits wait for nobody": Fault(
        "pipeline_control", "tag_valid && logits_ready;",
        "tag_valid;", "sleeps",
    ),
    "the verdict is not awaited by the kernel": Fault(
        "frame_output", "(!WAITS || verdict_valid)",
        "verdict_valid", "",
    ),
}  # fmt: skip


@full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    right, _ = under_benches(TINY, 4, tmp_path / "generated", tmp_path / "run")
    text = (FPGA / "rtl" / f"{fault.module}.sv").read_text(encoding="ascii")
    assert text.count(fault.right) == 1, f"{fault.module} has {fault.right!r} {text.count(fault.right)} times"
    changed = tmp_path / f"{fault.module}.sv"
    changed.write_text(text.replace(fault.right, fault.wrong), encoding="ascii")
    sources = tuple(changed if path.stem == fault.module else path for path in right.sources)
    wrong = dataclasses.replace(right, sources=sources)
    build = compile_hardware(wrong, Simulator.VERILATOR, tmp_path / "build", waves=False)
    modules = [*SCENARIOS, *GATE_SCENARIOS] if fault.seen_by else RATE
    found = run_benches(wrong, Simulator.VERILATOR, build, modules, tmp_path / "run", only=fault.seen_by or None)
    assert failures(found)


def test_a_network_in_systemverilog_needs_the_kernel() -> None:
    with pytest.raises(InputError, match="network is rtl, kernel hls; a network in SystemVerilog needs kernel rtl"):
        Chip(network="rtl")


def test_the_estimate_of_a_network_in_systemverilog_is_of_its_engines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it is by hls4ml; without weights there are no engines, and that is told."""
    design = load_design("qatom128")
    chip = dataclasses.replace(design.chip, kernel="rtl", network="rtl")
    (tmp_path / DESIGN_FILE).write_text(
        design_text(dataclasses.replace(design, chip=chip, operating_point=None)), encoding="utf-8"
    )
    assert load_design(tmp_path).chip == chip
    assert main(["estimate", "--design", str(tmp_path)]) == 2
    assert "No engines in SystemVerilog are planned: " in capsys.readouterr().err
    shutil.copytree(BUILTIN / "qatom128" / "network", tmp_path / "network")
    assert main(["estimate", "--design", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["board"] for each in told] == list(BOARDS)
    assert all(set(each) == {"board", "rtl_engines", "no_rtl_engines"} and each["rtl_engines"] for each in told)


def test_a_network_for_other_pixels_is_refused() -> None:
    with pytest.raises(
        InputError, match="takes 8 x 8 x 2 codes of 8 bits with sign; design two_channels gives 16 x 18 x 2"
    ):
        pipeline_engines(small_network(TINY), bright_fields.TWO, 2)


@full
def test_the_verb_goes_on_to_the_trigger(tmp_path: Path) -> None:
    options = ["--level", "rtl", "--network", "--cells", "3", "--samples-per-clock", "4", "--binned"]
    assert main(["cosim", *options, "--output", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert {stage["name"]: (stage["values"], stage["differing"]) for stage in report["stages"]} == {
        "logits": (15, 0), "class": (3, 0), "margin": (3, 0), "flag": (3, 0),
    }  # fmt: skip
    counted = report["pipeline"]["counted"]
    assert counted["interval_most"] <= 4400
    told = " ".join((REPOSITORY / "docs" / "explained" / "latency.md").read_text(encoding="utf-8").split())
    assert (
        f"with {report['pipeline']['multipliers']} multipliers: {counted['interval']:,.0f} clocks from frame to frame, "
        f"{counted['trigger_most']:,} from the last pixel to the trigger, {counted['class_most']:,} from the first "
        "pixel to the class"
    ) in told


@full
def test_it_is_callable_and_counts(builds: Path) -> None:
    """As on an emulated board: many cells, one by one and back to back, with the gate's registers at hand."""
    frames = bright_fields.frames_of(TINY, 64)
    pixels = laws.network_inputs(frames, TINY)
    network = telling_network(TINY, pixels)
    whole = PipelineSimulation(TINY, pipeline_engines(network, TINY, 4), builds / "pipeline-callable")
    due = network.classify(pixels)
    assert np.array_equal(whole.logits(frames), due)
    assert [PipelineGate(whole).kernel(each)[:-1] for each in frames[:5]] == due[:5].tolist()
    assert (whole.read(GateRegister.EVENTS), whole.read(GateRegister.TRIGGERS)) == (69, 0)
    assert whole.violations == 0
    whole.close()
