"""The kernels of the laws "two-sided" and "causal" in C-simulation: equal on every value, bad packets survived."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.sources import FPGA
from cytogate.model.command.dispatch import main
from cytogate.model.contract.background import Background
from cytogate.model.contract.law import contract
from cytogate.model.contract.recursion import Half
from cytogate.model.design.design import CAUSAL, FFT, KNOWN, TWO_SIDED, Design, Window
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.retrieval.recursion import integer
from cytogate.sim.csim import kernels
from cytogate.sim.csim.compare import StageTally
from cytogate.sim.csim.kernels import CSimulation
from tests.phantoms import bumps, extremes, noise
from tests.recursions import cut_frames, halves_of, in_quarters, knowing, known_of

LAWS = (TWO_SIDED, CAUSAL)
FINE = FourAngle(adc_bits=16, rows=150, columns=133)
OBLONG = FourAngle(adc_bits=10, rows=64, columns=64, pixel_pitch_y_um=0.4)
OTHER_DESIGNS = {
    "sixteen_bits": Design("sixteen_bits", window=Window(64, 64, 2), instrument=FINE),
    "anisotropic": Design("anisotropic", window=Window(64, 64, 1), instrument=OBLONG),
}
FULL = pytest.mark.full
LARGER = (pytest.param(name, marks=FULL) for name in ("qatom64", "qatom128", "qatom256", "sixteen_bits"))


def of(name: str, law: str) -> Design:
    design = OTHER_DESIGNS.get(name) or load_design(name)
    chip = dataclasses.replace(design.chip, retrieval=law)
    return dataclasses.replace(design, name=f"{design.name}-{law}", chip=chip)


def of_case(law: str) -> Design:
    """A design with one of the laws, or with a known surface."""
    return knowing(of("anisotropic", TWO_SIDED)) if law == KNOWN else of("anisotropic", law)


def compare(simulation: CSimulation, frames: np.ndarray, known: Background | None = None) -> int:
    """Return the number of values that were compared and equal, of frames that are a run's first ones."""
    design = simulation.design
    tallies = {stage.name: StageTally(stage) for stage in contract(design).stages}
    exact = integer.retrieve(frames, design, known).stages
    for cell, raw in enumerate(frames):
        for name, codes in simulation.run(raw).items():
            tallies[name].exact(exact[name][cell], codes)
    assert {name: tally.differing for name, tally in tallies.items()} == dict.fromkeys(tallies, 0)
    assert all(tally.values for tally in tallies.values())
    return sum(tally.values for tally in tallies.values())


def frames_of(design: Design) -> np.ndarray:
    """Cells, extremes, noise: the eighth frame, after which the background's limit halves, has light on one side."""
    cells, _ = bumps(design, 2, seed=20, shading=0.03)
    return np.concatenate([cells, *extremes(design).values(), noise(design, 2, seed=21), in_quarters(design)])


@pytest.mark.parametrize("name", ["anisotropic", *LARGER])
@pytest.mark.parametrize("law", LAWS)
def test_every_value_equals_the_integer_model(name: str, law: str, builds: Path) -> None:
    design = of(name, law)
    frames = frames_of(design)
    words = compare(CSimulation.of_kernel(design, builds / design.name), frames)
    size, raw = design.size, design.camera.rows * design.camera.columns
    own = 4 * size * (size // 2 - 1) + size * size + (12 if law == CAUSAL else 0)
    assert words == len(frames) * (4 * raw + size**2 * (4 + 2 + 1 + 5) + own)


@pytest.mark.parametrize("name", ["anisotropic", *LARGER])
def test_a_known_surface_and_the_half_of_each_frame(name: str, builds: Path) -> None:
    design = knowing(of(name, TWO_SIDED))
    frames, known = cut_frames(design), known_of(design)
    assert {Half(half) for half in halves_of(frames, design)} == set(Half)
    simulation = CSimulation.of_kernel(design, builds / design.name)
    simulation.know(known)
    assert compare(simulation, frames, known) == len(frames) * sum(row.size for row in contract(design).stages)
    again = CSimulation.of_kernel(design, builds / design.name)
    assert compare(again, frames[:2]), "a new run knows no surface"


def test_a_causal_kernel_begins_with_what_it_is_told(builds: Path) -> None:
    """With a surface of so many frames: every value and what is known afterwards are the integer model's."""
    design = of("anisotropic", CAUSAL)
    frames, surface = frames_of(design), known_of(design).surface
    for seen in (0, 11, 64):
        told = Background(surface, seen)
        simulation = CSimulation.of_kernel(design, builds / design.name)
        simulation.know(told)
        assert compare(simulation, frames, told) == len(frames) * sum(row.size for row in contract(design).stages)
        after = integer.retrieve(frames, design, told).background
        assert after is not None
        assert np.array_equal(simulation.known.surface, after.surface)
        assert simulation.known.frames == after.frames == min(64, seen + len(frames))


def test_a_kernel_without_a_known_surface_is_told_none(builds: Path) -> None:
    design = of("anisotropic", TWO_SIDED)
    with pytest.raises(ValueError, match=r"is told no surface$"):
        CSimulation.of_kernel(design, builds / design.name).know(Background.unknown())


@FULL
@pytest.mark.parametrize("law", LAWS)
def test_a_run_of_cells_until_the_background_has_settled(law: str, builds: Path) -> None:
    """70 cells in a row: every step of the background's settling, and what follows."""
    from cytogate.model.simulation.simulator import simulated_cells

    design = of("qatom64", law)
    frames = np.stack([cell.frames for cell in simulated_cells(design, 70, seed=5)])
    assert compare(CSimulation.of_kernel(design, builds / design.name), frames) == 70 * sum(
        stage.size for stage in contract(design).stages
    )


@pytest.mark.parametrize("law", LAWS)
def test_a_malformed_packet_is_dropped_and_the_next_frame_is_not(law: str, builds: Path) -> None:
    design = of("anisotropic", law)
    frames, _ = bumps(design, 1, seed=22)
    raw = design.camera.rows * design.camera.columns
    for surplus in (-1, 1, -raw + 1):
        simulation = CSimulation.of_kernel(design, builds / design.name)
        left, _ = simulation.send(frames[0], raw + surplus)
        assert left == 0
        pixels = simulation.run(frames[0])["network_input"]
        if law == TWO_SIDED:
            assert np.array_equal(pixels, integer.retrieve(frames, design).stages["network_input"][0])


def test_a_new_simulation_begins_a_run(builds: Path) -> None:
    """The library may be loaded already, and remember frames."""
    design = of("anisotropic", CAUSAL)
    frames, _ = bumps(design, 2, seed=23, shading=0.05)
    for _ in range(2):
        assert compare(CSimulation.of_kernel(design, builds / design.name), frames)
    simulation = CSimulation.of_kernel(design, builds / design.name)
    simulation.run(frames[1])
    assert simulation.run(frames[0])["background"].any(), "it remembers the frame before"


def test_designs_differ_by_their_law() -> None:
    hashes = {design_hash(of("qatom64", law)) for law in (FFT, *LAWS)}
    assert len(hashes) == 3


# The design and its verbs.


@FULL
@pytest.mark.parametrize(
    ("law", "calibrated"),
    [(TWO_SIDED, False), (KNOWN, False), (CAUSAL, False), (KNOWN, True), (CAUSAL, True)],
)
def test_csim_by_the_design(law: str, calibrated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    design = dataclasses.replace(of_case(law), name="own")
    if calibrated:
        design = dataclasses.replace(design, background=known_of(design).measured(1, design.window))
    (tmp_path / "own" / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    assert load_design(tmp_path / "own") == design
    assert main(["csim", "--design", "own", "--cells", "2", "--agreement-cells", "3"]) == 0
    report = json.loads((tmp_path / "out" / "csim" / "report.json").read_text(encoding="utf-8"))
    assert (report["frames"], report["agreement_frames"]) == (2, 3)
    names = [stage["name"] for stage in report["stages"]]
    assert names == [stage.name for stage in contract(design).stages]
    assert all(stage["values"] > 0 and stage["differing"] == 0 for stage in report["stages"])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("cosim --level dpi", 'knows retrieval "fft" only; [chip] retrieval is "{law}"'),
        ("bench", 'knows retrieval "fft" only; [chip] retrieval is "{law}"'),
        ("emulate", 'emulate builds retrieval "{law}" before engines alone; write kernel = "rtl" and network = "rtl"'),
        ("bitstream", 'bitstream builds retrieval "{law}" before engines alone; write kernel = "rtl" and network'),
    ],
)
def test_a_verb_without_the_law_says_so(
    verb: str, said: str, law: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    design = of("qatom64", law)
    (tmp_path / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    assert main([*verb.split(), "--design", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said.format(law=law) in told
    assert not (tmp_path / "out").exists()


def test_a_design_names_a_law_that_there_is() -> None:
    with pytest.raises(InputError, match=r'samples_per_clock is 8; retrieval "causal" takes up to 4'):
        dataclasses.replace(load_design("qatom64").chip, retrieval=CAUSAL, kernel="rtl", samples_per_clock=8)
    with pytest.raises(InputError, match=r'retrieval is .none.; it must be "fft", "two-sided" or "causal"'):
        dataclasses.replace(load_design("qatom64").chip, retrieval="none")
    bright = Design("bright", window=Window(48, 48, 1), instrument=BrightField(("bright",), 0.5, 0.5, 8, 48, 48))
    with pytest.raises(InputError, match="has no phase to retrieve"):
        dataclasses.replace(bright, chip=dataclasses.replace(bright.chip, retrieval=CAUSAL))


def test_a_design_file_may_leave_the_law_out(tmp_path: Path) -> None:
    text = "".join(
        line for line in design_text(load_design("qatom64")).splitlines(True) if not line.startswith("retrieval")
    )
    (tmp_path / DESIGN_FILE).write_text(text, encoding="utf-8")
    assert load_design(tmp_path).chip.retrieval == FFT
    assert load_design(tmp_path).chip.on_board("pynq-z2").retrieval == FFT


MUTANTS: dict[str, tuple[str, str, str]] = {
    "no sharpening of the last row but one": ("row_words.hpp", "y > 1 && y < kSize", "y > 1 && y < kSize - 1"),
    "a word of the wrong frequency": ("row_words.hpp", "kSize - place)];", "kSize - place - 1)];"),
    "a conjugate left out": ("row_words.hpp", "pair.minus.im = -pair.minus.im;", ""),
    "a sum of the x gradient": ("row_words.hpp", "sums.write(plus.im)", "sums.write(plus.re)"),
    "a state that is cut": (
        "recursion_words.hpp",
        "return shift_right(decayed, kConstantFraction)",
        "return (decayed >> kConstantFraction)",
    ),
    "a sum of states that is cut": ("recursion_words.hpp", "shift_right(sum, 1)", "sum >> 1"),
    "the surface of the row above": (
        "surface_lines.hpp",
        "slope * ap_int<kSizeLog2 + 1>(y)",
        "slope * ap_int<kSizeLog2 + 1>(y + 1)",
    ),
    "no sign of the conjugate's twist": ("surface_lines.hpp", "st.im = -st.im;", ""),
    "a zero of nine rows": ("surface_lines.hpp", ": y < kRows) zero", ": y <= kRows) zero"),
    "no trend": ("surface_lines.hpp", "- trend * (2 * y)", ""),
    "rows of a pair exchanged": (
        "phase_rows.hpp",
        "place < kSize ? word.im : word.re",
        "place < kSize ? word.re : word.im",
    ),
    "a Nyquist column": ("phase_rows.hpp", "if (place != kHalf)", "if (true)"),
    "a transform that does not saturate": (
        "phase_rows.hpp",
        "saturate<kStateBits>(sum_t(waiting.re + arriving.re))",
        "waiting.re + arriving.re",
    ),
    "a transform the other way": ("phase_rows.hpp", "-kTwiddleIm[place << Level]", "kTwiddleIm[place << Level]"),
}
OWN_MUTANTS: dict[str, dict[str, tuple[str, str, str]]] = {
    TWO_SIDED: {
        "a state of the first row": ("retrieve_two_sided.hpp", "if (y > 0) {", "if (true) {"),
        "a decay beyond its table": ("retrieve_two_sided.hpp", "place < 2 * kSize ?", "place < kSize ?"),
        "the last row's state": ("retrieve_two_sided.hpp", "if (y < kSize - 1) second", "if (y < kSize - 2) second"),
        "a response without its slope": ("retrieve_two_sided.hpp", "- answer.beta;", ";"),
    },
    KNOWN: {
        "the other edge": ("edges.hpp", "y < kBorder) top", "y >= kSize - kBorder) top"),
        "gradients, not how they change": ("edges.hpp", "change = one - other;", "change = one;"),
        "gradients too close to each other": ("edges.hpp", "before[kCleanerApart - 1];", "before[0];"),
        "gradients of the row before": ("edges.hpp", "x >= kCleanerApart && y < kBorder", "y < kBorder"),
        "a half that is always both": ("edges.hpp", "cleaner = kUpward;", "cleaner = kBoth;"),
        "rows of both halves": ("retrieve_two_sided.hpp", "half == kUpward ? far : near", "near"),
        "states of both halves": ("retrieve_two_sided.hpp", "half == kDownward ? first : second", "second"),
        "a surface of the border": (
            "retrieve_two_sided.hpp",
            "known.is_known ? known.surface : fit",
            "known.is_known ? fit : fit",
        ),
        "a zero of the first rows": (
            "surface_lines.hpp",
            "half == kUpward ? y >= kSize - kRows : y < kRows",
            "y < kRows",
        ),
        "a trend of the frame": ("surface_lines.hpp", "half == kBoth ? of_frame : of_surface", "of_frame"),
    },
    CAUSAL: {
        "a background that is ahead": (
            "retrieve_causal.hpp",
            "known.write(background.surface);\n  const Surface fit = fits.read();",
            "const Surface fit = fits.read();\n  known.write(fit);",
        ),
        "no limit above": ("retrieve_causal.hpp", "if (move > limit) move = limit;", ""),
        "no limit below": ("retrieve_causal.hpp", "if (move < -limit) move = -limit;", ""),
        "a step too late": (
            "retrieve_causal.hpp",
            "background.frames / kStepFrames",
            "(background.frames + 1) / kStepFrames",
        ),
        "a move that is cut": (
            "retrieve_causal.hpp",
            "shift_right(move, kBackgroundGain[step])",
            "(move >> kBackgroundGain[step])",
        ),
    },
}
CASES = [
    *((TWO_SIDED, name, mutant) for name, mutant in MUTANTS.items()),
    *((law, name, mutant) for law, own in OWN_MUTANTS.items() for name, mutant in own.items()),
]


@FULL
@pytest.mark.mutants
@pytest.mark.parametrize(("law", "what", "mutant"), CASES, ids=[f"{law}-{what}" for law, what, _ in CASES])
def test_mutants_are_killed(
    law: str, what: str, mutant: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel with one fault differs somewhere on cells, noise and extremes; what both laws have is broken in one."""
    folder = tmp_path
    source, old, new = mutant
    shutil.copytree(FPGA / "src", folder / "fpga" / "src")
    shutil.copytree(FPGA / "tb", folder / "fpga" / "tb")
    text = (folder / "fpga" / "src" / source).read_text(encoding="ascii")
    assert text.count(old) == 1, f"{old} is {text.count(old)} times in {source}"
    (folder / "fpga" / "src" / source).write_text(text.replace(old, new), encoding="ascii")
    monkeypatch.setattr(kernels, "FPGA", folder / "fpga")
    design = of_case(law)
    simulation = CSimulation.of_kernel(design, folder / "build")
    frames, known = frames_of(design), None
    if law == KNOWN:
        frames, known = cut_frames(design), known_of(design)
        simulation.know(known)
    exact = integer.retrieve(frames, design, known).stages
    differing = sum(
        int((codes != exact[name][cell]).sum())
        for cell, raw in enumerate(frames)
        for name, codes in simulation.run(raw).items()
    )
    assert differing
