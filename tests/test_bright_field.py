"""Bright-field frames: the law, its C++ and its SystemVerilog, word for word, and what must turn the benches red."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.bright_field import LARGEST_SHIFT, bright_field_contract
from cytogate.model.contract.fixed_point import SIGNED_PIXEL, Gain
from cytogate.model.contract.law import contract, four_angle_contract
from cytogate.model.design.design import Design, InputCodes
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.interface.registers import ErrorFlag, Register
from cytogate.model.retrieval import laws
from cytogate.sim.axi.job import SCENARIOS, compare_recorded, run_rate
from cytogate.sim.axi.levels import Level, bench_task, hardware, pixel_values
from cytogate.sim.axi.simulator import Simulator, compile_hardware, run_benches
from cytogate.sim.csim.compare import StageTally
from cytogate.sim.csim.kernels import CSimulation
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.bright_fields import ALL, EIGHT, NARROW, ONE, TWO, frames_of
from tests.test_cosim import CASES, failures

full = pytest.mark.full
STAGES = ("frames", "binned", "network_input")
by_name = lambda value: getattr(value, "name", getattr(value, "value", value))  # noqa: E731


def rounded(value: Fraction) -> int:
    """Round to the nearest integer, halves to the even one, and limit to eight bits."""
    return min(max(round(value), -128), 127)


@pytest.mark.parametrize("design", ALL, ids=by_name)
def test_the_law_in_exact_fractions(design: Design) -> None:
    """Every code follows from raw codes, offset and gain by the definition, without an integer model's shifts."""
    frames = frames_of(design)
    found = laws.exact(frames, design)
    codes = bright_field_contract(design).codes
    top, left = design.crop
    binning, compared = design.binning, 0
    draw = np.random.default_rng(1)
    for cell, channel in np.ndindex(len(frames), len(codes.gains)):
        gain = Fraction(codes.gains[channel].mantissa, 1 << codes.gains[channel].shift)
        for row, column in draw.integers(0, (design.window.rows, design.window.columns), (8, 2)).tolist():
            y, x = top + row * binning, left + column * binning
            total = int(frames[cell, channel, y : y + binning, x : x + binning].astype(int).sum())
            assert found["binned"][cell, channel, row, column] == total
            due = rounded((total - codes.offsets[channel]) * gain)
            assert found["network_input"][cell, row, column, channel] == due
            compared += 1
    assert compared == len(frames) * len(codes.gains) * 8


@pytest.mark.parametrize("design", ALL, ids=by_name)
def test_rows_and_bounds(design: Design) -> None:
    terms, frames = contract(design), frames_of(design)
    assert [stage.name for stage in terms.stages] == list(STAGES)
    exact, real = laws.exact(frames, design), laws.real(frames, design)
    for stage in terms.stages:
        codes = np.asarray(exact[stage.name], np.int64)
        assert codes.shape == (len(frames), *stage.shape)
        assert stage.format.code_min <= codes.min() <= codes.max() <= stage.format.code_max
        assert np.array_equal(stage.from_stream(stage.to_stream(codes)), codes)
        error = stage.values(codes) - real[stage.name]
        assert np.sqrt(np.square(error).mean()) <= stage.bound.fixed
    codes = exact["network_input"]
    assert {codes.min(), codes.max()} == {-128, 127}
    assert terms.network_channels == terms.frame_channels == len(design.camera.channels)


def test_a_wrong_gain_breaks_the_bound() -> None:
    """The bound sees a doubled gain, and an offset that is off by three steps of the code."""
    design = TWO
    frames, stage = frames_of(design, 4)[3:], contract(design).stage("network_input")
    assert design.codes is not None
    values = stage.values(laws.exact(frames, design)["network_input"])
    steps = tuple(round(3 / gain) for gain in design.codes.gain)
    for codes in (
        InputCodes(tuple(np.subtract(design.codes.offset, steps).tolist()), design.codes.gain),
        InputCodes(design.codes.offset, tuple(2 * gain for gain in design.codes.gain)),
    ):
        error = values - laws.real(frames, dataclasses.replace(design, codes=codes))["network_input"]
        assert np.sqrt(np.square(error).mean()) > stage.bound.fixed


def test_network_inputs_of_many_cells_are_those_of_each() -> None:
    frames = frames_of(ONE, 130)
    inputs = laws.network_inputs(frames, ONE)
    assert inputs.dtype == np.int8
    assert len(inputs) == 130
    for cell in (0, 63, 64, 129):
        assert np.array_equal(inputs[cell], laws.exact(frames[cell : cell + 1], ONE)["network_input"][0])


def test_codes_take_the_whole_range_before_a_design_is_trained() -> None:
    """Of eight bits every code is another, and the middle of the range is 0."""
    design = dataclasses.replace(ONE, codes=None)
    top = contract(design).binned.code_max
    for level, code in ((0, -128), (top, 127), ((top + 1) // 2, 0)):
        frames = np.full((1, 1, design.camera.rows, design.camera.columns), level // design.binning**2, np.uint8)
        assert set(laws.exact(frames, design)["network_input"].ravel().tolist()) == {code}


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(InputError, match="the offset of channel channel 0 is 256; binned codes are 0 to 255"):
        contract(dataclasses.replace(ONE, codes=InputCodes((256,), (1.0,))))
    with pytest.raises(InputError, match='needs one of kind "four-angle"'):
        four_angle_contract(ONE)
    assert all(0 < Gain.of(gain).shift <= LARGEST_SHIFT for gain in (1e-5, 256.0))


def test_codes_are_part_of_the_identity() -> None:
    assert TWO.codes is not None
    offset, gain = TWO.codes.offset, TWO.codes.gain
    others = [InputCodes((offset[0] + 1, offset[1]), gain), InputCodes(offset, (gain[0], gain[1] * 1.001))]
    designs = [TWO, *(dataclasses.replace(TWO, codes=codes) for codes in others), load_design("qatom64")]
    assert len({design_hash(design) for design in designs}) == 4
    assert design_hash(dataclasses.replace(TWO, name="another")) == design_hash(TWO)


@pytest.mark.parametrize("design", ALL, ids=by_name)
def test_c_simulation_equals_the_integer_model_on_every_word(design: Design, builds: Path) -> None:
    simulation = CSimulation.of_kernel(design, builds / f"bright-{design.name}")
    frames, terms = frames_of(design), contract(design)
    exact = laws.exact(frames, design)
    tallies = {stage.name: StageTally(stage) for stage in terms.stages}
    pixels = design.camera.rows * design.camera.columns
    for cell, raw in enumerate(frames):
        for surplus in (-1, 1, 7 - pixels):
            assert simulation.send(raw, pixels + surplus)[0] == 0
        for name, codes in simulation.run(raw).items():
            tallies[name].exact(exact[name][cell], codes)
    assert {name: tally.differing for name, tally in tallies.items()} == dict.fromkeys(tallies, 0)
    assert {name: tally.values for name, tally in tallies.items()} == {
        stage.name: len(frames) * stage.size for stage in terms.stages
    }


@pytest.mark.parametrize(
    ("design", "samples"),
    [
        (ONE, 1), (TWO, 4), (NARROW, 2),
        *(pytest.param(design, samples, marks=full)
          for design in ALL for samples in (1, 2, 4, 8)
          if (design, samples) not in {(ONE, 1), (TWO, 4), (NARROW, 2)}),
    ],
    ids=by_name,
)  # fmt: skip
def test_rtl_equals_the_integer_model_on_every_word(design: Design, samples: int, builds: Path) -> None:
    kernel = RtlSimulation(design, builds / f"bright-rtl-{design.name}", samples)
    words, differ = played(kernel, frames_of(design, 10))
    assert differ == 0, f"{differ} of {words} values differ"
    terms = contract(design)
    assert words == 10 * 3 * (terms.stage("binned").size + terms.stage("network_input").size)


def played(kernel: RtlSimulation, frames: np.ndarray) -> tuple[int, int]:
    """Play frames back to back, with pauses, and to a slow receiver; return words compared and those that differ."""
    exact, words, differ = laws.exact(frames, kernel.design), 0, 0
    for idle, stall in ((0.0, 0.0), (0.4, 0.3), (0.0, 0.9)):
        kernel.reset()
        out = kernel.play(*kernel.beats(frames), len(frames), idle=idle, stall=stall, seed=5)
        row_beats = -(-kernel.design.window.columns // kernel.samples_per_clock)
        beats = kernel.design.window.rows * row_beats
        assert np.array_equal(np.flatnonzero(out.lasts), np.arange(1, len(frames) + 1) * beats - 1)
        for found, due in (
            (kernel.stages(len(frames))["binned"], exact["binned"]), (out.pixels, exact["network_input"]),
        ):  # fmt: skip
            assert found.shape == due.shape
            words += due.size
            differ += int(np.count_nonzero(found != due))
        assert kernel.violations == 0
        assert kernel.read(Register.FRAMES_ACCEPTED) == len(frames)
    return words, differ


@pytest.mark.parametrize("surplus", [-1, 1, -300, 500])
def test_a_malformed_packet_is_dropped_and_its_neighbors_are_not(surplus: int, builds: Path) -> None:
    kernel = RtlSimulation(ONE, builds / f"bright-rtl-{ONE.name}", 1)
    frames = frames_of(ONE, 4)
    beats, lasts = kernel.beats(frames)
    size = len(beats) // 4
    wanted = size + surplus
    wrong = np.concatenate([beats[:size]] * 3)[:wanted]
    ends = np.zeros(wanted, np.uint8)
    ends[-1] = 1
    beats = np.concatenate([beats[:size], wrong, beats[size:]])
    lasts = np.concatenate([lasts[:size], ends, lasts[size:]])
    for stall in (0.0, 0.5):
        kernel.reset()
        out = kernel.play(beats, lasts, 4, stall=stall)
        assert np.array_equal(out.pixels, laws.network_inputs(frames, ONE))
        assert kernel.read(Register.FRAMES_DROPPED) == 1
        flag = ErrorFlag.SHORT_PACKET if surplus < 0 else ErrorFlag.LONG_PACKET
        assert kernel.read(Register.ERROR_FLAGS) == flag


def test_frames_back_to_back_are_not_held_back(builds: Path) -> None:
    """A frame every as many clocks as its beats take: the verdict costs latency, not rate."""
    kernel = RtlSimulation(TWO, builds / f"bright-rtl-{TWO.name}", 4)
    kernel.reset()
    frames = frames_of(TWO, 6)
    out = kernel.play(*kernel.beats(frames), 6)
    beats = len(out.in_cycles) // 6
    assert np.all(np.diff(out.in_cycles[beats - 1 :: beats]) == beats)


@pytest.mark.parametrize(
    ("design", "level", "samples"),
    [
        (ONE, Level.RTL, 4),
        *(pytest.param(*case, marks=full) for case in (
            (ONE, Level.DPI, 4), (ONE, Level.RTL, 1), (ONE, Level.DPI, 1), (TWO, Level.RTL, 1), (TWO, Level.RTL, 4),
            (TWO, Level.DPI, 4), (EIGHT, Level.RTL, 1), (EIGHT, Level.RTL, 4), (EIGHT, Level.DPI, 4),
            (NARROW, Level.RTL, 8),
        )),
    ],
    ids=by_name,
)  # fmt: skip
def test_every_scenario(design: Design, level: Level, samples: int, builds: Path, tmp_path: Path) -> None:
    """The benches of the phase retrieval, word for word: pauses, malformed packets, registers and resets."""
    folder = builds / f"bright-axi-{design.name}"
    under_test = hardware(level, design, samples, folder)
    build = compile_hardware(under_test, Simulator.VERILATOR, folder / f"{level.value}-{samples}", waves=False)
    frames = frames_of(design)
    due = pixel_values(laws.network_inputs(frames, design), samples)
    bench_task(level, design, samples).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.frames, measured.values, measured.differing) == (len(frames), due.size, 0)
    if level is Level.DPI:
        stages = compare_recorded(tmp_path / "stages", frames, design)
        assert {stage.name: stage.differing for stage in stages} == dict.fromkeys(
            ("frames", "binned", "network_input"), 0
        )
        assert all(stage.values for stage in stages)
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, SCENARIOS, tmp_path)
    assert not failures(outcomes)
    assert len(outcomes) == CASES


FAULTS = {
    "gain off by a step": ("contract_pkg.sv", None),
    "offset off by one": ("channel_codes.sv", ("(IN_BITS + 1)'(OFFSET)", "(IN_BITS + 1)'(OFFSET + 1)")),
    "rounding half up": ("shift_round.sv", ("guard && (sticky || quotient[0])", "guard")),
    "one shift for all": ("channel_codes.sv", (".FIXED(SHIFT)", ".FIXED(contract_pkg::CHANNEL_SHIFT[31:0])")),
    "sign lost": ("channel_codes.sv", ("PRODUCT_BITS'(above)", "PRODUCT_BITS'($unsigned(above))")),
    "window a pixel to the right": ("binning.sv", ("LEFT % SAMPLES", "(LEFT + 1) % SAMPLES")),
    "window a row too low": ("frame_input.sv", ("row >= TOP &&", "row > TOP &&")),
    "last word of a row forgotten": ("binning.sv", (" || 32'(beside_beat) == BEATS - 1", "")),
    "spare lanes not cleared": ("encoding.sv", ("row_ends && lane >= USED ? '0 : ", "")),
    "malformed frames leave": ("frame_output.sv", (".in_valid(read && whole)", ".in_valid(read)")),
    "places are not counted": ("encoding.sv", (".COUNT(PLACES)", ".COUNT(4 * PLACES)")),
}
SEEN_FAULTS = ("offset off by one", "rounding half up")


@pytest.mark.mutants
@pytest.mark.parametrize("name", [name if name in SEEN_FAULTS else pytest.param(name, marks=full) for name in FAULTS])
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    module, change = FAULTS[name]
    design, wrong = TWO, TWO
    sources = rtl_sources("encode_channels")
    if change is None:
        assert design.codes is not None
        gains = (design.codes.gain[0] * (1 + 2**-17), design.codes.gain[1])
        wrong = dataclasses.replace(design, codes=InputCodes(design.codes.offset, gains))
    else:
        text = (FPGA / "rtl" / module).read_text(encoding="ascii")
        assert text.count(change[0]) == 1, f"{module} has {change[0]!r} {text.count(change[0])} times"
        changed = tmp_path / module
        changed.write_text(text.replace(*change), encoding="ascii")
        sources = [changed if path.name == module else path for path in sources]
    kernel = RtlSimulation(wrong, tmp_path / "build", 4, sources)
    kernel.design = design
    assert something_is_wrong(kernel)


def something_is_wrong(kernel: RtlSimulation) -> bool:
    """Play frames, one over-long packet among them, to a slow receiver; say whether any word is wrong."""
    frames = np.concatenate([frames_of(kernel.design, 10), sensitive(kernel.design)])
    beats, lasts = kernel.beats(frames)
    size = len(beats) // len(frames)
    beats, lasts = np.insert(beats, size, beats[0], axis=0), np.insert(lasts, size, 0)
    lasts[size - 1], lasts[size] = 0, 1
    try:
        out = kernel.play(beats, lasts, len(frames) - 1, stall=0.9, seed=9)
    except CheckFailed:
        return True
    exact = laws.exact(frames[1:], kernel.design)
    return not (
        np.array_equal(out.pixels, exact["network_input"])
        and np.array_equal(kernel.stages(len(frames) - 1)["binned"], exact["binned"])
    )


def sensitive(design: Design) -> np.ndarray:
    """Frames whose sums lie exactly half a step between two codes, where a gain allows it, and all around it."""
    codes = bright_field_contract(design).codes
    camera, draw = design.camera, np.random.default_rng(3)
    frames = np.zeros((4, len(camera.channels), camera.rows, camera.columns), np.int64)
    for channel, (offset, gain) in enumerate(zip(codes.offsets, codes.gains, strict=True)):
        wanted = (draw.integers(-128, 128, frames[:, channel].shape) + 0.5) / gain.value + offset
        frames[:, channel] = np.rint(wanted / design.binning**2)
    return np.clip(frames, 0, (1 << camera.adc_bits) - 1).astype(np.uint16)


def test_without_a_fault_nothing_is_wrong(builds: Path) -> None:
    assert not something_is_wrong(RtlSimulation(TWO, builds / f"bright-rtl-{TWO.name}", 4))


def test_the_format_is_signed() -> None:
    assert bright_field_contract(TWO).pixel == SIGNED_PIXEL
    assert SIGNED_PIXEL.ap_type == "ap_fixed<8, 1, AP_RND_CONV, AP_SAT>"
