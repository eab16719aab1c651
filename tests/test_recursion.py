"""The laws "two-sided" and "causal": against their float64 reference, against the truth, within their words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import GRADIENT, PHASE, SURFACE_COEFFICIENT_FRACTION, WORD, Codes
from cytogate.model.contract.law import contract, recursion_contract
from cytogate.model.contract.recursion import (
    GAINS,
    LIMITS,
    ROW_WORD,
    SETTLING_FRAMES,
    SHARPENED,
    STATE,
    STEP_FRAMES,
    Half,
)
from cytogate.model.contract.tables import recursion_tables
from cytogate.model.data.own_cells import OwnCells, write_inputs
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.experiments.laws.scenes import SCENES, WHOLE, Field, Scene
from cytogate.model.predict.archive import ArchiveRequest, run_archive
from cytogate.model.retrieval import integer as fft_integer
from cytogate.model.retrieval import laws
from cytogate.model.retrieval import reference as fft_reference
from cytogate.model.retrieval.recursion import integer, reference
from cytogate.model.retrieval.recursion.reference import RealBackground
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_network_inputs
from tests.phantoms import bumps, extremes, noise
from tests.recursions import halves_of

LAWS = (TWO_SIDED, CAUSAL)
SIZES = ("qatom64", "qatom128", "qatom256")


def of(name: str, law: str, **camera: object) -> Design:
    design = load_design(name)
    instrument = dataclasses.replace(design.four_angle, **camera)
    return dataclasses.replace(design, instrument=instrument, chip=dataclasses.replace(design.chip, retrieval=law))


def rms(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(values).mean(axis=(1, 2)))


def mean_free(values: np.ndarray) -> np.ndarray:
    return rms(values - values.mean(axis=(1, 2), keepdims=True))


def phase_of(frames: np.ndarray, design: Design, background: Background | None = None) -> np.ndarray:
    found, now = [], background
    for start in range(0, len(frames), 8):
        retrieved = integer.retrieve(frames[start : start + 8], design, now)
        now = retrieved.background
        found.append(retrieved.stages["phase"])
    return contract(design).stage("phase").values(np.concatenate(found))


def real_phase_of(frames: np.ndarray, design: Design, background: RealBackground | None = None) -> np.ndarray:
    found, now = [], background
    for start in range(0, len(frames), 8):
        retrieved = reference.retrieve(frames[start : start + 8], design, now)
        now = retrieved.background
        found.append(retrieved.stages["phase"])
    return np.concatenate(found)


DRIFTING = next(scene for scene in SCENES if scene.drift)
RUN = SimulatedCells(load_design("qatom128").four_angle, cells=SETTLING_FRAMES + 200, seed=11)


@lru_cache(maxsize=512)
def frames_of_cell(scene: Scene, index: int) -> np.ndarray:
    return Field(RUN, scene).frames(index)


def frames_of(count: int, scene: Scene = WHOLE) -> np.ndarray:
    return np.stack([frames_of_cell(scene, index) for index in range(count)])


def empty_frames(count: int) -> np.ndarray:
    return np.stack([Field(RUN).empty_frames(index) for index in range(count)])


def truth_of(count: int, design: Design, scene: Scene = WHOLE) -> np.ndarray:
    return np.stack([Field(RUN, scene).truth(index, design) for index in range(count)])


# What is recovered.


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("law", LAWS)
def test_known_phase_is_recovered(name: str, law: str) -> None:
    """Sign, axes and scale together; each wrong one costs a radian. Even light: the background is zero."""
    design = of(name, law, adc_bits=16)
    frames, phase = bumps(design, 3, seed=1)
    even = Background(np.zeros((6, 2), np.int64), frozen=True) if law == CAUSAL else None
    assert rms(phase_of(frames, design, even) - phase).max() < 8e-3
    assert rms(phase_of(frames[:, [0, 1, 3, 2]], design, even) - phase).min() > 0.08


@pytest.mark.parametrize("law", LAWS)
def test_unequal_pixel_pitches_are_rescaled(law: str) -> None:
    design = of("qatom128", law, adc_bits=16, pixel_pitch_y_um=1.5 * FourAngle().pixel_pitch_x_um)
    frames, phase = bumps(design, 2, seed=7)
    even = Background(np.zeros((6, 2), np.int64), frozen=True) if law == CAUSAL else None
    assert rms(phase_of(frames, design, even) - phase).max() < 8e-3


def test_the_two_sided_law_is_that_of_the_transforms() -> None:
    """On cells in the middle of an even field both integrate the same, but for what is taken between rows."""
    design, fft = of("qatom128", TWO_SIDED), load_design("qatom128")
    cells = SimulatedCells(design.four_angle, cells=4, seed=3, shaded=False, noisy=False)
    frames = np.stack([cell.frames for cell in cells])
    by_transforms = fft_reference.retrieve(frames, fft)["phase"]
    assert mean_free(reference.retrieve(frames, design).stages["phase"] - by_transforms).max() < 0.5e-3


@pytest.mark.parametrize("law", LAWS)
def test_constant_gradients_are_answered_exactly(law: str) -> None:
    """The coded constants and their products together: a ramp along x has no end, so its row words are set by hand."""
    terms = recursion_contract(of("qatom128", law))
    tables, one = recursion_tables(128), 2.0**17
    answer = tables.q / one / (1 - tables.a / one) + tables.u / one
    assert np.abs(answer * 2 * np.pi * np.arange(1, 64) / 128 - 1).max() < 2**-14
    assert (terms.words.state_fraction, terms.words.unit) == (2, 5)


# Integer model and float64.


@pytest.mark.parametrize(("law", "mean_due", "worst_due"), [(TWO_SIDED, 0.06e-3, 0.1e-3), (CAUSAL, 0.06e-3, 0.1e-3)])
def test_integers_are_near_float64(law: str, mean_due: float, worst_due: float) -> None:
    """40 cells of one noisy run, N = 128, 8 bits; the causal law settles from an unknown background meanwhile."""
    design = of("qatom128", law)
    frames = frames_of(40)
    error = rms(phase_of(frames, design) - real_phase_of(frames, design))
    assert len(error) == 40
    print(f"{law}: mean {1e3 * error.mean():.4f}, worst {1e3 * error.max():.4f} mrad")
    assert error.mean() <= mean_due
    assert error.max() <= worst_due


@pytest.mark.parametrize("name", ["qatom64", "qatom128", pytest.param("qatom256", marks=pytest.mark.full)])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("adc_bits", [8, 12])
def test_stages_are_within_their_bounds(name: str, law: str, adc_bits: int) -> None:
    design = of(name, law, adc_bits=adc_bits)
    cells = SimulatedCells(design.four_angle, cells=4, seed=12, run=3)
    ratios = bound_ratios(np.stack([cell.frames for cell in cells]), design)
    print(ratios)
    assert max(ratios.values()) <= 1
    assert ratios["rows"] > 0.25


def bound_ratios(frames: np.ndarray, design: Design) -> dict[str, float]:
    """RMSE of the integer model from the reference over the bound, stage by stage; 0 where both are 0."""
    exact, real = integer.retrieve(frames, design).stages, reference.retrieve(frames, design).stages
    ratios = {}
    for stage in contract(design).stages:
        error = np.abs(stage.values(exact[stage.name]) - real[stage.name])
        allowed = stage.bound.squares().mean()
        ratios[stage.name] = float(np.sqrt(np.square(error).mean() / allowed)) if error.any() else 0.0
    assert set(ratios) == set(exact) == set(real)
    return ratios


BREAKS = {
    "shifts that cut": ("shift_right", lambda codes, shift: np.asarray(codes) >> shift),
    "constants of 10 bits": (
        "recursion_tables",
        lambda size: recursion_tables(size)._replace(q=recursion_tables(size).q // 128 * 128),
    ),
    "a decay that is off": (
        "recursion_tables",
        lambda size: recursion_tables(size)._replace(a=recursion_tables(size).a - 64),
    ),
    "unsharpened": ("SHARPEN", 0),
    "clipped sharpening": ("sharpen", lambda gradient: np.clip(gradient, -2000, 2000)),
}  # fmt: skip
BREAKS_OF_ONE_HALF = {"no bend of t squared": ("BEND_SHIFT", 40)}
"""Two-sided, the mean gradient is taken away, and this with it."""
BROKEN = [*((law, what) for law in LAWS for what in BREAKS), *((CAUSAL, what) for what in BREAKS_OF_ONE_HALF)]


@pytest.mark.parametrize(("law", "what"), BROKEN)
def test_a_broken_step_exceeds_a_bound_or_the_figure(law: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    design = of("qatom128", law)
    frames = frames_of(8)
    monkeypatch.setattr(integer, *(BREAKS | BREAKS_OF_ONE_HALF)[what])
    ratios = bound_ratios(frames, design)
    error = rms(phase_of(frames, design) - real_phase_of(frames, design))
    print(ratios, 1e3 * error.mean())
    assert max(ratios["rows"], ratios["columns"]) > 1 or error.mean() > 0.06e-3


# Words.


class Watched:
    """Largest words that the integer model forms before it limits or stores them, by what they are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.largest: dict[str, int] = {}
        self._watch(monkeypatch, "sharpen", "sharpened")
        self._watch(monkeypatch, "transform", "row transform")
        self._watch(monkeypatch, "recursion", "states")
        self._watch(monkeypatch, "integrate_columns", "phi^")

    def _watch(self, monkeypatch: pytest.MonkeyPatch, function: str, what: str) -> None:
        real = getattr(integer, function)

        def watched(*arguments: object) -> Codes:
            found = real(*arguments)
            parts = found if isinstance(found, tuple) else (found,)
            self.largest[what] = max(self.largest.get(what, 0), *(int(np.abs(part).max()) for part in parts))
            return found

        monkeypatch.setattr(integer, function, watched)


def hostile_gradients(size: int) -> Iterator[Codes]:
    """Gradients (cells, N, N, 2) that no pair of frames need give: signs of the transform's own kernel, and noise."""
    x, y = np.arange(size), np.arange(size)[:, None]
    for k in (1, 2, 5, size // 4):
        cosine, sine = (np.where(wave(2 * np.pi * k * x / size) >= 0, 1, -1) + 0 * y for wave in (np.cos, np.sin))
        inner = (y >= 8) & (y < size - 8)
        for pair in ((cosine, sine), (cosine, -sine), (cosine * inner, -sine * inner)):
            yield GRADIENT.limit(np.stack(pair, axis=-1)[None] * 2**17)
    bowl = np.where((x - size / 2) ** 2 + (y - size / 2) ** 2 < 0.2 * size**2, 1, -1)
    twist = np.where((x < size // 2) == (y < size // 2), 1, -1)
    for sign in (bowl, twist):
        yield GRADIENT.limit(np.stack([sign, -sign], axis=-1)[None] * 2**17)
    yield np.random.default_rng(3).integers(-(2**17), 2**17, (2, size, size, 2))


FULL = pytest.mark.full


@pytest.mark.parametrize("name", ["qatom64", "qatom128", pytest.param("qatom256", marks=FULL)])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("adc_bits", [8, *(pytest.param(bits, marks=FULL) for bits in (10, 12, 16))])
def test_no_word_is_beyond_its_width_on_hostile_frames(
    name: str, law: str, adc_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = of(name, law, adc_bits=adc_bits)
    terms, watched = recursion_contract(design), Watched(monkeypatch)
    top = 2**adc_bits - 1
    x = np.arange(design.camera.columns)
    gratings = [np.where(np.sin(2 * np.pi * k * x / (design.size * design.binning)) > 0, top, 0) for k in (1, 5, 32)]
    across = [np.broadcast_to(each, (design.camera.rows, len(x))) for each in gratings]
    grated = np.stack([np.stack([each, top - each, each, top - each]) for each in across]).astype(np.uint16)
    frames = np.concatenate([*extremes(design).values(), noise(design, 2, seed=11), grated])
    stages = [integer.retrieve(frames, design).stages]
    binned = np.zeros((1, 4, design.size, design.size), np.int64)
    for gradient in hostile_gradients(design.size):
        bins = np.broadcast_to(binned, (len(gradient), *binned.shape[1:]))
        for surfaces in (integer.border_fits(gradient, terms), np.zeros((len(gradient), 6, 2), np.int64)):
            stages.append(integer.integrate(gradient, bins, terms, surfaces))
    count = 0
    for found in stages:
        for stage in terms.stages:
            if stage.name in found:
                codes = np.asarray(found[stage.name], np.int64)
                count += codes.size
                assert codes.min() >= stage.format.code_min, stage.name
                assert codes.max() <= stage.format.code_max, stage.name
    assert count > 20 * design.size**2
    widths = {
        "sharpened": SHARPENED.width, "row transform": terms.words.grown_bits, "states": STATE.width,
        "phi^": STATE.width,
    }  # fmt: skip
    assert set(watched.largest) == set(widths)
    for what, width in widths.items():
        print(f"{what}: {np.log2(max(watched.largest[what], 1)):.2f} of {width - 1}")
        assert watched.largest[what] < 1 << (width - 1), what
    # The bound of states is reached, or nothing was tried.
    assert watched.largest["states"] > 1 << (STATE.width - 4)


def test_what_saturates_is_said() -> None:
    """A grating of eight octaves: row words end at their limit, the same above as below, and phases at theirs."""
    design = of("qatom64", TWO_SIDED)
    terms = recursion_contract(design)
    gradient = next(hostile_gradients(design.size))
    stages = integer.integrate(gradient, np.zeros((1, 4, 64, 64), np.int64), terms, None)
    assert stages["rows"].max() == -stages["rows"].min() == ROW_WORD.code_max == WORD.code_max


def test_uniform_frames_have_no_phase() -> None:
    for law in LAWS:
        design = of("qatom64", law)
        for what in ("black", "saturated"):
            assert not integer.retrieve(extremes(design)[what], design).stages["phase"].any(), (law, what)


@pytest.mark.parametrize("law", LAWS)
def test_the_zero_is_the_mean_of_the_first_rows(law: str) -> None:
    design = of("qatom64", law)
    frames = frames_of(2)
    assert np.abs(integer.retrieve(frames, design).stages["phase"][:, :8].mean(axis=(1, 2))).max() < 2


# The background.


def test_a_background_follows_by_its_rule() -> None:
    """From zero each coefficient takes half of what is left, within a limit; then a sixteenth of 16 codes at most."""
    code = 1 << SURFACE_COEFFICIENT_FRACTION
    far = np.full((6, 2), 100_000 * code)
    after = Background.unknown().after(far)
    assert (after.surface == LIMITS[0] * code >> GAINS[0]).all()
    assert (after.frames, after.settled) == (1, False)
    settled = Background(np.zeros((6, 2), np.int64))
    assert settled.settled
    assert (settled.after(far).surface == LIMITS[-1] * code >> GAINS[-1]).all()
    assert (settled.after(-far).surface == -(LIMITS[-1] * code >> GAINS[-1])).all()
    assert settled.freeze().after(far) is not settled
    assert not settled.freeze().after(far).surface.any()
    now = Background.unknown()
    for _ in range(SETTLING_FRAMES):
        now = now.after(np.full((6, 2), 3000 * code))
    assert now.settled
    assert SETTLING_FRAMES == STEP_FRAMES * len(LIMITS) == 64
    assert np.abs(now.surface - 3000 * code).max() < code


def test_cells_at_the_border_hardly_move_it() -> None:
    """A fit that is 1,000 codes off in each tenth frame moves a settled coefficient by no more than 10 codes."""
    code, rng = 1 << SURFACE_COEFFICIENT_FRACTION, np.random.default_rng(5)
    now, worst = Background(np.zeros((6, 2), np.int64)), 0.0
    for frame in range(500):
        fit = rng.normal(0, 15, (6, 2)) + (1000 if frame % 10 == 0 else 0)
        now = now.after(np.rint(fit * code).astype(np.int64))
        worst = max(worst, np.abs(now.surface).max() / code)
    assert 1 < worst < 10


def test_frames_may_come_in_any_batches() -> None:
    """The order of frames decides, not how many are given at a time; another order gives other phases."""
    design = of("qatom64", CAUSAL)
    frames = frames_of(12)
    at_once = integer.retrieve(frames, design)
    run, real = laws.Run(design), laws.Run(design)
    parts = [run.exact(frames[start:stop]) for start, stop in ((0, 1), (1, 6), (6, 12))]
    for name, codes in at_once.stages.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), codes), name
    assert np.array_equal(laws.codes(frames, design, ("phase",))["phase"], at_once.stages["phase"])
    assert np.array_equal(laws.network_inputs(frames, design), at_once.stages["network_input"])
    turned = integer.retrieve(frames[::-1], design).stages["phase"][::-1]
    assert (turned != at_once.stages["phase"]).mean() > 0.9
    whole = reference.retrieve(frames, design).stages["phase"]
    parted = np.concatenate([real.real(frames[:5])["phase"], real.real(frames[5:])["phase"]])
    assert np.allclose(parted, whole, atol=1e-12)
    assert run.background is not None
    assert run.background.frames == 12


def test_a_frozen_background_makes_frames_independent() -> None:
    design = of("qatom64", CAUSAL)
    known = integer.empty_field(empty_frames(6), design).freeze()
    frames = frames_of(6)
    due = integer.retrieve(frames, design, known)
    turned = integer.retrieve(frames[::-1], design, known)
    assert np.array_equal(turned.stages["phase"][::-1], due.stages["phase"])
    assert due.settled.all()
    assert not integer.retrieve(frames, design).settled.any()
    sums = due.stages["binned"].astype(np.int32)
    surfaces = np.broadcast_to(known.surface, (6, 6, 2))
    assert np.array_equal(laws.inputs_of_sums(sums, design, surfaces), due.stages["network_input"])


def test_what_a_settled_chip_knows_is_that_of_the_light() -> None:
    """Surfaces of the light itself, by which simulated cells are trained on, are those of many empty fields."""
    design = of("qatom128", CAUSAL)
    cells = SimulatedCells(design.four_angle, cells=16, seed=2, run=9)
    fields = integer.empty_field(np.stack([cells.empty_field(index) for index in range(16)]), design)
    light = cells.brightness(0)[None] / design.four_angle.full_scale
    known = reference.surfaces_of_light(light, design)[0]
    apart = np.abs(fields.surface - known) / 2**SURFACE_COEFFICIENT_FRACTION
    assert np.abs(known).max() > 200 * 2**SURFACE_COEFFICIENT_FRACTION
    assert apart.max() < 20, "a fit of one field alone is off by up to 20 codes"


def test_too_few_frames_do_not_settle() -> None:
    class Frames:
        cells = SETTLING_FRAMES - 1

        def read(self, start: int, stop: int) -> np.ndarray:
            raise AssertionError("not to be read")

    with pytest.raises(InputError, match=r"63 frames are too few .* settles in 64"):
        laws.settled_background(Frames(), of("qatom64", CAUSAL))
    assert laws.settled_background(Frames(), of("qatom64", TWO_SIDED)) is None


# Cells cut by the frame's edge.


CUT = {scene.name.removeprefix("cut at the "): scene for scene in SCENES if scene.rows_down}


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_cut_cells_take_the_half_from_the_clean_edge(edge: str) -> None:
    cut_figures(edge, 8, mean_due=45e-3)


@pytest.mark.full
@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_forty_cut_cells(edge: str) -> None:
    cut_figures(edge, 40, mean_due=45e-3)


def cut_figures(edge: str, count: int, mean_due: float) -> None:
    """Cells moved so that the frame cuts them, with the surface of 16 empty fields; mean removed, in radians."""
    frames, empty = frames_of(count, CUT[edge]), empty_frames(16)
    fft = load_design("qatom128")
    truth = truth_of(count, fft, CUT[edge])
    spoilt = mean_free(contract(fft).stage("phase").values(fft_integer.retrieve(frames, fft).phase) - truth)
    assert spoilt.mean() > 200e-3, "the law of the transforms is off by a fifth of a radian"
    for law in LAWS:
        design = of("qatom128", law)
        known = integer.empty_field(empty, design).freeze()
        retrieved = integer.retrieve(frames, design, known)
        phase = contract(design).stage("phase").values(retrieved.stages["phase"])
        error = mean_free(phase - truth)
        twin = rms(phase - real_phase_of(frames, design, RealBackground.of(known, recursion_contract(design))))
        print(f"{edge}, {law}: {1e3 * error.mean():.1f} mrad of truth, the transforms {1e3 * spoilt.mean():.1f}")
        assert len(error) == count
        assert twin.max() <= 0.1e-3
        begins_within = halves_of(frames, design) == Half.UP
        if (law, edge) == (CAUSAL, "top"):
            assert begins_within.all()
        else:
            assert error.mean() <= mean_due
            assert begins_within.all() == (edge == "top")


# Against the truth.


@pytest.mark.full
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("scene", [WHOLE, DRIFTING], ids=lambda scene: scene.name)
def test_as_near_to_the_truth_as_the_transforms(name: str, scene: Scene) -> None:
    """200 noisy cells of one run after the 64 in which the background settles from zero; mean removed.

    The shading changes by 1 % of the light in a thousand frames.
    """
    frames, fft = frames_of(len(RUN), scene), load_design(name)
    truth = truth_of(len(RUN), fft, scene)[SETTLING_FRAMES:]
    found = {
        "fft": np.concatenate([
            contract(fft).stage("phase").values(part.phase) for part in fft_integer.retrieve_batches(frames, fft)
        ]),
        **{law: phase_of(frames, of(name, law)) for law in LAWS},
    }  # fmt: skip
    errors = {law: mean_free(phase[SETTLING_FRAMES:] - truth) for law, phase in found.items()}
    own_zero = {law: rms(phase[SETTLING_FRAMES:] - truth).mean() for law, phase in found.items()}
    for law, error in errors.items():
        print(
            f"{name}, {scene.name}: {law} {1e3 * error.mean():.3f} ({1e3 * error.max():.3f}) mrad, "
            f"{error.mean() / errors['fft'].mean():.4f} of the transforms; own zero {1e3 * own_zero[law]:.3f}"
        )
        assert len(error) == 200
    assert errors[TWO_SIDED].mean() <= 1.01 * errors["fft"].mean()
    assert errors[CAUSAL].mean() <= 1.05 * errors["fft"].mean()


# Training, and whole archives.


@pytest.mark.parametrize("law", LAWS)
def test_simulated_cells_are_trained_on_as_a_settled_chip_sees_them(law: str, tmp_path: Path) -> None:
    """Each with the light that a causal chip would know; exact frames and fast sums."""
    design = of("qatom64", law)
    cells = SimulatedCells(design.four_angle, cells=5, seed=4)
    write_network_inputs(cells, design, tmp_path / "cells.h5", fast=np.array([3]), workers=1)
    with h5py.File(tmp_path / "cells.h5", "r") as file:
        written = file["network_input"][:]
    for index in (0, 1, 2, 4):
        known = None
        if law == CAUSAL:
            light = cells.brightness(index)[None] / design.four_angle.full_scale
            known = Background(reference.surfaces_of_light(light, design)[0], frozen=True)
        frames = cells[index].frames[None]
        assert np.array_equal(written[index], integer.retrieve(frames, design, known).stages["network_input"][0])
    phase = written[..., 4].astype(int)
    assert np.abs(np.median(phase[:, :8], axis=(1, 2)) - 32).max() <= 1, "background is at its code, fast or exact"


def test_own_cells_are_trained_on_as_after_the_settling(tmp_path: Path) -> None:
    """In whatever order and batches: with what is known after the file's first 64 frames."""
    design = of("qatom64", CAUSAL)
    frames = np.tile(frames_of(5), (14, 1, 1, 1))[: SETTLING_FRAMES + 4]
    path = tmp_path / "cells.npz"
    np.savez(path, frames=frames, labels=np.arange(len(frames)) % 2, class_names=np.array(["a", "b"]))
    chosen = np.array([2, SETTLING_FRAMES + 1])
    own = OwnCells(path, None, chosen, chosen % 2, None, "key", False)
    write_inputs(own, design, tmp_path / "inputs.h5", workers=1)
    known = integer.retrieve(frames[:SETTLING_FRAMES], design).background
    assert known is not None
    assert known.settled
    due = integer.retrieve(frames[chosen], design, known.freeze()).stages["network_input"]
    with h5py.File(tmp_path / "inputs.h5", "r") as file:
        assert np.array_equal(file["network_input"][:], due)


def test_an_archive_is_refused(tmp_path: Path) -> None:
    request = ArchiveRequest(of("qatom64", CAUSAL), tmp_path, None, None, tmp_path / "out", None, 1)
    with pytest.raises(InputError, match="which needs all frames of a run in their order; let --output name a file"):
        run_archive(request)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("finer", [1, 2, 4])
@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("law", [TWO_SIDED, CAUSAL])
def test_the_largest_phase_is_what_the_words_hold(law: str, size: int, finer: int) -> None:
    """One row of an even phase, from a tenth of the range to twice the range: equal to it up to the range, then cut."""
    pitch = FourAngle().pixel_pitch_x_um / finer
    terms = recursion_contract(of(f"qatom{size}", law, pixel_pitch_x_um=pitch, pixel_pitch_y_um=pitch))
    ends = STATE.code_max * terms.phase_gain.value * PHASE.step
    assert terms.largest_phase == min(PHASE.max, ends)
    due = np.linspace(-2, 2, 41) * terms.largest_phase
    columns = np.zeros((len(due), size, size // 2, 2), np.int64)
    columns[:, 3, 0, 1] = np.rint(due / PHASE.step / terms.phase_gain.value)
    found = PHASE.decode(integer.phase_of(columns, terms)[:, 3])
    assert np.abs(found - np.clip(due, -terms.largest_phase, terms.largest_phase)[:, np.newaxis]).max() < 2 * PHASE.step
