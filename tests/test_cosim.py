"""Kernels behind AXI pins: the benches pass on a kernel that is right, and each of many faults turns them red."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

import numpy as np
import psutil
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.command.dispatch import main
from cytogate.model.command.requests import ENDING
from cytogate.model.design.design import SAMPLES_PER_CLOCK, Design, Window, binned
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import save_network
from cytogate.model.retrieval import integer
from cytogate.sim.axi.job import SCENARIOS, compare_recorded, run_rate
from cytogate.sim.axi.levels import DPI, Level, bench_task, hardware, pixel_values
from cytogate.sim.axi.packing import input_beats, output_values
from cytogate.sim.axi.patterns import ALL, BURST, at_random, bursts, none, one_in_ten
from cytogate.sim.axi.simulator import Hardware, Outcome, Simulator, compile_hardware, run_benches
from cytogate.sim.axi.task import Measured
from tests.conftest import REPOSITORY
from tests.phantoms import bumps, extremes, noise
from tests.test_networks import design_network

# Odd numbers of rows and columns: the last beat of a row has lanes to spare at any samples per clock but one.
SMALL = Design("small", window=Window(64, 64, 1), instrument=FourAngle(rows=67, columns=69))
TWELVE_BITS = Design("twelve_bits", window=Window(64, 64, 1), instrument=FourAngle(rows=64, columns=70, adc_bits=12))
STAGES = (
    "frames", "binned", "gradient", "spectrum", "spectrum_exponent", "quotient", "phase", "network_input",
)  # fmt: skip
CASES = 53
"""Tests of the scenarios: 18 of pauses, 22 of packets, 12 of registers and resets."""


def frames_of(design: Design) -> np.ndarray:
    """Return eleven cells: smooth, noise, extremes."""
    return np.concatenate([bumps(design, 3, seed=23, shading=0.03)[0], noise(design, 1, seed=24),
                           *extremes(design).values()])  # fmt: skip


def kernel(design: Design, samples: int, builds: Path, level: Level = Level.DPI) -> tuple[Hardware, Path]:
    """Return the kernel of a design at a level, compiled."""
    folder = builds / f"cosim-{design.name}"
    under_test = hardware(level, design, samples, folder)
    build = folder / f"{level.value}-{samples}"
    return under_test, compile_hardware(under_test, Simulator.VERILATOR, build, waves=False)


def failures(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.name: outcome.failure for outcome in outcomes if outcome.failure is not None}


@pytest.mark.parametrize(
    ("design", "samples"),
    [
        (SMALL, 8),
        pytest.param(load_design("qatom64"), 4, marks=pytest.mark.full),
        *(pytest.param(SMALL, samples, marks=pytest.mark.full) for samples in (1, 2, 4)),
        pytest.param(TWELVE_BITS, 8, marks=pytest.mark.full),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_word_of_every_stage(design: Design, samples: int, builds: Path, tmp_path: Path) -> None:
    frames = frames_of(design)[: 3 if design.binning > 1 else None]
    under_test, build = kernel(design, samples, builds)
    due = pixel_values(integer.retrieve(frames, design).network_input, samples)
    bench_task(Level.DPI, design, samples).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.frames, measured.values, measured.differing) == (len(frames), due.size, 0)
    stages = compare_recorded(tmp_path / "stages", frames, design)
    assert {stage.name: stage.differing for stage in stages} == dict.fromkeys(STAGES, 0)
    pixels, raw = design.size**2, design.camera.rows * design.camera.columns
    assert sum(stage.values for stage in stages) == len(frames) * (
        4 * raw + pixels * (4 + 2 + 2 + 2 + 1 + 5) + design.size
    )


@pytest.mark.full
@pytest.mark.parametrize(
    ("level", "samples"),
    list(itertools.product((Level.DPI, Level.RTL), SAMPLES_PER_CLOCK)),
    ids=lambda value: getattr(value, "value", value),
)
def test_every_scenario(level: Level, samples: int, builds: Path, tmp_path: Path) -> None:
    frames = frames_of(SMALL)[:5]
    under_test, build = kernel(SMALL, samples, builds, level)
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, samples)
    bench_task(level, SMALL, samples).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.frames, measured.values, measured.differing) == (5, due.size, 0)
    assert measured.interval_cycles is not None
    # Nothing that streams is faster than its narrower end; the rest is the kernel's own.
    assert measured.interval_cycles >= max(67 * -(-69 // samples), 64 * 64 // samples)
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, SCENARIOS, tmp_path)
    assert not failures(outcomes)
    assert len(outcomes) == CASES


@pytest.mark.full
def test_icarus_sees_the_same(builds: Path, tmp_path: Path) -> None:
    """A second simulator of other people's making, on the SystemVerilog alone: it has no DPI."""
    under_test = hardware(Level.RTL, SMALL, 4, builds / "cosim-small")
    build = compile_hardware(under_test, Simulator.ICARUS, builds / "cosim-small" / "icarus", waves=False)
    frames = frames_of(SMALL)[:2]
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, 4)
    bench_task(Level.RTL, SMALL, 4).write(tmp_path, frames, due)
    (outcome,) = run_benches(under_test, Simulator.ICARUS, build, ["cytogate.sim.axi.bench_rate"], tmp_path)
    assert outcome.failure is None, outcome.failure
    by_icarus = Measured.read(tmp_path)
    assert (by_icarus.values, by_icarus.differing) == (due.size, 0)
    assert by_icarus == run_rate(*kernel(SMALL, 4, builds, Level.RTL), tmp_path)


class Fault(IntEnum):
    """As in faulty_pins.sv."""

    NONE = 0
    LOST_BEAT = 1
    REPEATED_BEAT = 2
    FLIPPED_BIT = 3
    NO_TLAST = 4
    EARLY_TLAST = 5
    VALID_WITHDRAWN = 6
    DATA_CHANGES = 7
    INPUT_STUCK = 8
    OUTPUT_STUCK = 9
    NO_REGISTER_ANSWER = 10
    UNMAPPED_READ_HANGS = 11
    COUNTER_OFF_BY_ONE = 12
    FLAGS_SWAPPED = 13
    RESET_LOST = 14
    LATENCY_OFF_BY_ONE = 15
    EARLY_TLAST_UNSEEN = 16
    FLAG_CLEARED_BY_ZERO = 17
    STOPS = 18
    CRASHES = 19
    ASSERTS = 20


SEEN = {
    Fault.LOST_BEAT: ("rate", "back_to_back", r"TLAST after 20440 values where 20480 are due"),
    Fault.REPEATED_BEAT: ("rate", "back_to_back", r"TLAST after 20520 values where 20480 are due"),
    Fault.FLIPPED_BIT: ("rate", "back_to_back", r"1 of 102400 values differ"),
    Fault.NO_TLAST: ("rate", "back_to_back", r"no packet left within \d+ clocks; \d packets went in"),
    Fault.EARLY_TLAST: ("rate", "back_to_back", r"TLAST after 4040 values"),
    Fault.VALID_WITHDRAWN: ("pauses", "idle=none/backpressure=bursts", r"m_axis_tvalid fell before its beat was taken"),
    Fault.DATA_CHANGES: ("pauses", "idle=none/backpressure=bursts", r"m_axis changed before its beat was taken"),
    Fault.INPUT_STUCK: ("rate", "back_to_back", r"1 packets went in and 101 beats of one .*tready 0\), 1 packets left"),
    Fault.OUTPUT_STUCK: ("rate", "back_to_back", r"no packet left .* 1 packets left and 0 beats .*tvalid 0, tready 1"),
    Fault.NO_REGISTER_ANSWER: ("control", "registers_after_reset", r"no answer at 0x00 within 100 clocks"),
    Fault.UNMAPPED_READ_HANGS: ("control", "registers_after_reset", r"no answer at 0x24 within 100 clocks"),
    Fault.COUNTER_OFF_BY_ONE: ("rate", "back_to_back", r"accepted, dropped, flags are \[6, 0, 0\]"),
    Fault.FLAGS_SWAPPED: ("malformed", "first_and_last/kind=HALF", r"accepted, dropped, flags are \[1, 2, 2\]"),
    Fault.RESET_LOST: ("control", "reset_while_a_frame_arrives/beats=half", r"."),
    Fault.LATENCY_OFF_BY_ONE: ("rate", "back_to_back", r"."),
    Fault.EARLY_TLAST_UNSEEN: ("malformed", "first_and_last/kind=EARLY_BY_A_ROW", r"."),
    Fault.FLAG_CLEARED_BY_ZERO: ("control", "error_flags_clear", r"after writing 0"),
    Fault.STOPS: ("rate", "back_to_back", r"the simulation stopped: .*the kernel burns"),
    Fault.ASSERTS: ("rate", "back_to_back", r"Assertion failed in faulty_pins.there_is_no_such_fault"),
}  # fmt: skip


@pytest.fixture(scope="module")
def faulty(builds: Path) -> tuple[Hardware, Path]:
    """Return the kernel behind pins that lie, compiled once: eight pixels a beat, so that frames pass quickly."""
    right = hardware(Level.DPI, SMALL, 8, builds / f"cosim-{SMALL.name}")
    wrong = dataclasses.replace(
        right, top="faulty_pins", sources=(*right.sources, REPOSITORY / "tests" / "faulty_pins.sv")
    )
    return wrong, compile_hardware(wrong, Simulator.VERILATOR, builds / "cosim-small" / "faulty", waves=False)


def run_faulty(faulty: tuple[Hardware, Path], fault: Fault, module: str, only: str, folder: Path) -> list[Outcome]:
    under_test, build = faulty
    (folder / "memory").mkdir()
    chosen = folder / "memory" / "fault.mem"
    chosen.write_text(f"{fault:02x}\n", encoding="ascii")
    frames = frames_of(SMALL)[:5]
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, 8)
    bench_task(Level.DPI, SMALL, 8).write(folder / "run", frames, due)
    return run_benches(
        dataclasses.replace(under_test, memories=(chosen,)), Simulator.VERILATOR, build,
        [f"cytogate.sim.axi.bench_{module}"], folder / "run", only=re.escape(only),
    )  # fmt: skip


@pytest.mark.parametrize("fault", SEEN, ids=lambda fault: fault.name)
def test_a_fault_is_seen_and_said(fault: Fault, faulty: tuple[Hardware, Path], tmp_path: Path) -> None:
    module, only, said = SEEN[fault]
    (outcome,) = run_faulty(faulty, fault, module, only, tmp_path)
    assert outcome.failure is not None, f"{outcome.name} passed with {fault.name}"
    assert re.search(said, outcome.failure, re.DOTALL), outcome.failure


def test_without_a_fault_the_same_pins_pass(faulty: tuple[Hardware, Path], tmp_path: Path) -> None:
    told = "|".join({re.escape(only) for _, only, _ in SEEN.values()})
    modules = [f"cytogate.sim.axi.bench_{name}" for name in ("rate", "pauses", "malformed", "control")]
    run_faulty(faulty, Fault.NONE, "rate", "back_to_back", tmp_path)
    under_test, build = faulty
    chosen = dataclasses.replace(under_test, memories=(tmp_path / "memory" / "fault.mem",))
    outcomes = run_benches(chosen, Simulator.VERILATOR, build, modules, tmp_path / "run", only=told)
    assert not failures(outcomes)
    assert len(outcomes) == len({only for _, only, _ in SEEN.values()})


def test_a_simulation_that_crashes_is_no_result(faulty: tuple[Hardware, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the simulation died: "):
        run_faulty(faulty, Fault.CRASHES, "rate", "back_to_back", tmp_path)


def test_a_wrong_expectation_is_seen(builds: Path, tmp_path: Path) -> None:
    frames = frames_of(SMALL)[:2]
    under_test, build = kernel(SMALL, 8, builds)
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, 8)
    due[1, 777] ^= 1
    bench_task(Level.DPI, SMALL, 8).write(tmp_path, frames, due)
    assert run_rate(under_test, build, tmp_path).differing == 1
    frames[1, 2, 30, 30] ^= 4
    stages = {stage.name: stage.differing for stage in compare_recorded(tmp_path / "stages", frames, SMALL)}
    assert stages["frames"] == 1
    assert stages["spectrum"] > 64
    bench_task(Level.DPI, SMALL, 8).write(tmp_path, frames[:, :, :-1], due)
    with pytest.raises(CheckFailed, match="no packet left"):
        run_rate(under_test, build, tmp_path)


def test_frames_to_logits(builds: Path, tmp_path: Path) -> None:
    """The chain with an untrained network: its logits are exact, and a bad packet labels no later cell."""
    network = read_exactly(design_network(SMALL, seed=2))
    project = convert(network, SMALL, builds / "cosim-chain" / "network")
    under_test = hardware(Level.DPI, SMALL, 4, builds / "cosim-chain", network=project)
    build = compile_hardware(under_test, Simulator.VERILATOR, builds / "cosim-chain" / "verilator", waves=False)
    frames = frames_of(SMALL)[:4]
    pixels = integer.retrieve(frames, SMALL).network_input
    due = network.classify(pixels)
    assert len(np.unique(due)) > 5
    bench_task(Level.DPI, SMALL, 4, project).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.values, measured.differing) == (4 * 5, 0)
    logits = np.fromfile(tmp_path / "stages" / "logits.bin", "<i4")
    assert np.array_equal(logits, due.ravel())
    outcomes = run_benches(
        under_test, Simulator.VERILATOR, build, [SCENARIOS[1]], tmp_path, only=r"first_and_last|many_in_a_row"
    )
    assert not failures(outcomes)
    assert len(outcomes) == 8


MOCK_EXPORT = """
module retrieve_phase (
    input ap_clk, input ap_rst_n,
    input [31:0] frames_TDATA, input frames_TVALID, output frames_TREADY,
    input [3:0] frames_TKEEP, input [3:0] frames_TSTRB, input [0:0] frames_TLAST,
    output [39:0] pixels_TDATA, output pixels_TVALID, input pixels_TREADY,
    output [4:0] pixels_TKEEP, output [4:0] pixels_TSTRB, output [0:0] pixels_TLAST
);
  assign pixels_TKEEP = 5'h1f;
  assign pixels_TSTRB = 5'h1f;
  dpi_kernel kernel (
      .aclk(ap_clk), .resetn(ap_rst_n),
      .s_axis_tdata(frames_TDATA), .s_axis_tvalid(frames_TVALID), .s_axis_tready(frames_TREADY),
      .s_axis_tlast(frames_TLAST), .m_axis_tdata(pixels_TDATA), .m_axis_tvalid(pixels_TVALID),
      .m_axis_tready(pixels_TREADY), .m_axis_tlast(pixels_TLAST)
  );
endmodule
"""


@pytest.mark.full
def test_pins_around_an_export_of_vitis(builds: Path, tmp_path: Path) -> None:
    """The adapter, around a stand-in with the pins that Vitis HLS gives the kernel."""
    export = builds / "cosim-vitis" / "export"
    export.mkdir(parents=True, exist_ok=True)
    (export / "retrieve_phase.v").write_text(MOCK_EXPORT, encoding="ascii")
    computing = hardware(Level.DPI, SMALL, 1, builds / f"cosim-{SMALL.name}")
    exported = hardware(Level.VITIS, SMALL, 1, builds / "cosim-vitis", rtl=export)
    under_test = dataclasses.replace(
        exported, sources=(*exported.sources, DPI / "dpi_kernel.sv"), library=computing.library
    )
    build = compile_hardware(under_test, Simulator.VERILATOR, builds / "cosim-vitis" / "verilator", waves=False)
    check_export(under_test, build, SMALL, tmp_path)


@pytest.mark.vendor
def test_an_export_of_vitis(builds: Path, tmp_path: Path) -> None:
    if "CYTOGATE_VITIS_RTL" not in os.environ:
        pytest.skip("CYTOGATE_VITIS_RTL names no folder of RTL that Vitis HLS exported of design qatom64")
    design = load_design("qatom64")
    under_test = hardware(
        Level.VITIS, design, 1, builds / "cosim-vitis-qatom64", rtl=Path(os.environ["CYTOGATE_VITIS_RTL"])
    )
    folder = builds / "cosim-vitis-qatom64" / "verilator"
    check_export(under_test, compile_hardware(under_test, Simulator.VERILATOR, folder, waves=False), design, tmp_path)


def check_export(under_test: Hardware, build: Path, design: Design, folder: Path) -> None:
    frames = frames_of(design)[:3]
    due = pixel_values(integer.retrieve(frames, design).network_input, 1)
    bench_task(Level.VITIS, design, 1).write(folder, frames, due)
    measured = run_rate(under_test, build, folder)
    assert (measured.values, measured.differing) == (due.size, 0)
    outcomes = run_benches(
        under_test, Simulator.VERILATOR, build, SCENARIOS[1:], folder, only=r"first_and_last|registers|reset|flags"
    )
    assert not failures(outcomes)
    assert len(outcomes) == 7 + 11


def test_a_beat_is_laid_out_as_agreed() -> None:
    frames = np.arange(4 * 2 * 3, dtype=np.uint16).reshape(4, 2, 3)
    assert input_beats(frames, 1, 8)[:2] == [0x120C0600, 0x130D0701]
    assert input_beats(frames, 2, 8)[:2] == [0x130D0701_120C0600, 0xA5A5A5A5_140E0802]
    assert input_beats(frames, 1, 16)[0] == 0x0012_000C_0006_0000
    assert len(input_beats(frames, 2, 8)) == 4
    with pytest.raises(ValueError, match="a code of 256 does not fit a lane of 8 bits"):
        input_beats(np.full((4, 1, 1), 256, np.uint16), 1, 8)
    assert output_values([0x05_04_03_02_FF], 5, 8, signed=False).tolist() == [255, 2, 3, 4, 5]
    assert output_values([0xFFFF_FFFE, 7], 1, 32, signed=True).tolist() == [-2, 7]


def test_patterns_pause_as_they_say() -> None:
    pauses = {pattern: list(itertools.islice(pattern(5), 20_000)) for pattern in ALL}
    assert sum(pauses[none]) == 0
    assert sum(pauses[one_in_ten]) == 18_000
    assert 9_000 < sum(pauses[at_random]) < 11_000
    runs = [len(list(run)) for _, run in itertools.groupby(pauses[bursts])]
    assert max(runs) == BURST
    assert pauses[bursts] == list(itertools.islice(bursts(5), 20_000)) != list(itertools.islice(bursts(6), 20_000))


def test_a_build_is_kept_until_its_content_changes(builds: Path, tmp_path: Path) -> None:
    under_test, build = kernel(SMALL, 8, builds)
    made = (build / under_test.top).stat().st_mtime_ns
    kernel(SMALL, 8, builds)
    assert (build / under_test.top).stat().st_mtime_ns == made
    broken = tmp_path / "broken.sv"
    broken.write_text("module broken (input logic aclk) endmodule\n", encoding="ascii")
    with pytest.raises(InputError, match=r"verilator failed: .*broken\.sv:1:\d+: syntax error"):
        compile_hardware(Hardware("broken", (broken,), {}), Simulator.VERILATOR, tmp_path / "build", waves=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builds: Path) -> Path:
    """Work in an empty folder, with kernels compiled once for all tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cytogate.sim.axi.job.BUILD_FOLDER", builds / "cosim-verb")
    return tmp_path


EIGHT = ("--samples-per-clock", "8")


def test_the_verb(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosim", "--level", "dpi", "--design", "qatom64", "--binned", *EIGHT, "--cells", "3"]) == 0
    report = json.loads((here / "out/cosim/dpi/report.json").read_text())
    assert (report["design"], report["level"], report["frames"]) == ("qatom64-binned", "dpi", 3)
    assert (report["source"], report["samples_per_clock"]) == ("simulated", 8)
    assert [stage["name"] for stage in report["stages"]] == [
        "frames", "binned", "gradient", "spectrum", "quotient", "phase", "network_input",
    ]  # fmt: skip
    assert {stage["differing"] for stage in report["stages"]} == {0}
    assert report["stages"][-1]["values"] == 3 * 64 * 64 * 5
    for name in ("latency_cycles", "initiation_interval_cycles", "latency_us", "cells_per_second"):
        assert report[name] is None
    assert "the shell's" in report["reason"]
    assert "network_input" in capsys.readouterr().out


def test_frames_of_ones_own_of_an_instrument_without_a_simulator(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "scope", "--kind", "bright-field"]) == 0
    design = load_design("scope")
    camera = design.camera
    shape = (5, len(camera.channels), camera.rows, camera.columns)
    frames = np.random.default_rng(3).integers(0, 1 << camera.adc_bits, shape, np.uint16)
    np.savez(here / "cells.npz", frames=frames)
    asked = ["cosim", "--design", "scope", "--cells", "3"]
    assert main([*asked, "--input", "cells.npz"]) == 0
    report = json.loads((here / "out/cosim/rtl/report.json").read_text())
    assert (report["source"], report["frames"]) == ("cells.npz", 3)
    values = 3 * design.window.rows * design.window.columns * len(camera.channels)
    assert report["stages"] == [{"name": "network_input", "values": values, "differing": 0}]
    assert main(asked) == 2
    assert "no simulator; give frames of its instrument by --input" in capsys.readouterr().err


@pytest.mark.full
def test_the_verb_goes_on_to_logits_and_draws_waves(here: Path) -> None:
    assert main(["new", "mine", "--like", "qatom64"]) == 0
    design = load_design("mine")
    save_network(design_network(design, seed=2), design, True)
    options = ["--network", "--binned", "--waves", "--output", "there"]
    assert main(["cosim", "--level", "dpi", "--design", "mine", *EIGHT, "--cells", "2", *options]) == 0
    report = json.loads((here / "there/report.json").read_text())
    assert report["stages"][-1] == {"name": "logits", "values": 2 * 5, "differing": 0}
    assert report["stages"][-2] == {"name": "network_input", "values": 2 * 64 * 64 * 5, "differing": 0}
    (waves,) = (here / "there/run").glob("waves.*")
    assert waves.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--level", "vitis"], r"level vitis wants --rtl FOLDER, .*"),
        (
            ["--level", "vitis", "--rtl", "nowhere", "--samples-per-clock", "1"],
            r"nowhere: holds no retrieve_phase\.v; .*",
        ),
        (["--level", "dpi", "--rtl", "nowhere"], r"--rtl belongs to level vitis, not to level dpi"),
        (["--level", "dpi", "--design", "nothing"], r"there is no design named nothing; .*"),
        (["--level", "vitis", "--network"], r"level vitis has no network: frames to logits run at levels dpi and rtl"),
        (["--level", "rtl", "--network", "--design", "qatom64"], r".*design qatom64 has no trained network yet; .*"),
    ],
)
def test_bad_input_is_one_sentence(
    options: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cosim", *options]) == 2
    assert re.fullmatch(f"cytogate cosim: {said}\n", capsys.readouterr().err)
    assert not (here / "out").exists()


def test_a_missing_simulator_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "verilator", None)
    with pytest.raises(ModuleNotFoundError, match="verilator is not installed"):
        compile_hardware(Hardware("any", (), {}), Simulator.VERILATOR, tmp_path, waves=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="Icarus Verilog was not found; on Debian `apt install iverilog`"):
        compile_hardware(Hardware("any", (), {}), Simulator.ICARUS, tmp_path, waves=False)


def test_a_simulation_that_never_ends_is_ended(
    faulty: tuple[Hardware, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cytogate.sim.axi.simulator.DEADLINE_SECONDS", 0.2)
    with pytest.raises(InputError, match=r"the simulation died: error: .* did not end within"):
        run_faulty(faulty, Fault.NONE, "rate", "back_to_back", tmp_path)


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from cytogate.model.command import dispatch
from cytogate.sim.axi import job, simulator

def simulated(request):
    command = ["sh", "-c", "sleep 600 & wait"]
    job._watched(lambda: simulator._run(command, sys.argv[1], os.environ, None), Path(sys.argv[1]) / "log")

job.run_cosim = simulated
# As a terminal starts it, whatever started the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
for each in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.SIG_DFL)
threading.Timer(2, os.kill, (os.getpid(), int(sys.argv[2]))).start()
sys.exit(dispatch.main(["cosim"]))
"""


@pytest.mark.parametrize("how", ENDING)
def test_an_interruption_ends_the_simulation(how: signal.Signals, tmp_path: Path) -> None:
    """It runs in a session of its own, which a key does not reach, and has children."""
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(int(how))]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        130, "cytogate cosim: interrupted; what was finished is kept",
    )  # fmt: skip
    assert not [each for each in psutil.process_iter() if _works_in(each, tmp_path)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except psutil.Error:
        return False


def test_binned_frames_see_the_same_field() -> None:
    design = binned(load_design("qatom128"))
    assert (design.camera.rows, design.camera.columns, design.binning) == (128, 128, 1)
    assert design.four_angle.pixel_pitch_x_um == pytest.approx(2 * 45 / 305)
