"""Phase retrieval against closed-form phantoms, and the integer model against the float64 reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytogate.model.contract.fixed_point import GRADIENT, TWIDDLE
from cytogate.model.contract.law import contract
from cytogate.model.contract.tables import quotient_quadrant, twiddles
from cytogate.model.design.design import Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.retrieval import integer, reference
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.simulation.simulator import SimulatedCells
from tests.phantoms import bumps, cells_of_diameter, extremes, noise

SIZES = ("qatom64", "qatom128", "qatom256")
FINE_ADC = FourAngle(adc_bits=16)


def rms(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(values).mean(axis=(1, 2)))


@pytest.mark.parametrize("name", SIZES)
def test_reference_recovers_known_phase(name: str) -> None:
    """Sign, axes, ramp and scale together: a wrong one costs a radian."""
    design = dataclasses.replace(load_design(name), instrument=FINE_ADC)
    frames, phase = bumps(design, 4, seed=1)
    error = rms(reference.retrieve(frames, design)["phase"] - phase)
    # Binning averages intensities where the gradient is wanted: 4x4 pixels cost a few milliradians.
    assert error.max() < 5e-3


@pytest.mark.parametrize("name", SIZES)
def test_integer_model_recovers_known_phase(name: str) -> None:
    design = dataclasses.replace(load_design(name), instrument=FINE_ADC)
    frames, phase = bumps(design, 2, seed=2)
    terms = contract(design)
    error = rms(terms.stage("phase").values(integer.retrieve(frames, design).phase) - phase)
    assert error.max() < 5e-3


@pytest.mark.parametrize(
    ("wrong", "costs"),
    [
        ("flipped y", lambda frames: frames[:, [0, 1, 3, 2]]),
        ("swapped axes", lambda frames: frames[:, [2, 3, 0, 1]]),
        ("flipped x", lambda frames: frames[:, [1, 0, 2, 3]]),
    ],
)
def test_frame_order_matters(wrong: str, costs) -> None:  # type: ignore[no-untyped-def]
    design = load_design("qatom64")
    frames, phase = bumps(design, 2, seed=3)
    right = rms(reference.retrieve(frames, design)["phase"] - phase)
    assert (rms(reference.retrieve(costs(frames), design)["phase"] - phase) > 10 * right).all(), wrong


def test_real_part_is_the_curl_and_vanishes() -> None:
    design = load_design("qatom128")
    frames, phase = bumps(dataclasses.replace(design, instrument=FINE_ADC), 2, seed=4)
    quotient = reference.retrieve(frames, dataclasses.replace(design, instrument=FINE_ADC))["quotient"]
    assert np.abs(np.fft.ifft2(quotient).real).max() < 0.05 * phase.max()


def test_nyquist_and_mean_of_the_quotient_are_zero() -> None:
    design = load_design("qatom64")
    frames = noise(design, 2, seed=5)
    exact, real = integer.retrieve(frames, design).quotient, reference.retrieve(frames, design)["quotient"]
    for quotient in (exact, real):
        assert not quotient[:, 32].any()
        assert not quotient[:, :, 32].any()
        assert not quotient[:, 0, 0].any()
        assert quotient[:, 1, 1].any()


def test_shading_of_second_order_is_removed() -> None:
    """Frames of one pair shaded differently: what is left is what the surface cannot hold (third order and up)."""
    design = dataclasses.replace(load_design("qatom128"), instrument=FINE_ADC)
    frames, phase = bumps(design, 4, seed=6, shading=0.03)
    retrieved = reference.retrieve(frames, design)
    assert rms(retrieved["phase"] - phase).max() < 0.03
    plain = retrieved["gradient"]
    spectrum = np.fft.fft2(plain) * design.size
    unflattened = np.fft.ifft2(spectrum * reference.inverse_derivative(design.size)).imag
    unflattened -= unflattened[:, :8].mean(axis=(1, 2), keepdims=True)
    assert rms(unflattened - phase).min() > 5 * rms(retrieved["phase"] - phase).max()


def test_unequal_pixel_pitches_are_rescaled() -> None:
    """Pixels three halves as tall as wide see the same phase."""
    tall = dataclasses.replace(FINE_ADC, pixel_pitch_y_um=FINE_ADC.pixel_pitch_x_um * 1.5)
    design = Design("tall", instrument=tall)
    assert contract(design).gradient_gains == (round(65536 / 1.5), 65536)
    frames, phase = bumps(design, 3, seed=7)
    terms = contract(design)
    exact = terms.stage("phase").values(integer.retrieve(frames, design).phase)
    assert rms(reference.retrieve(frames, design)["phase"] - phase).max() < 6e-3
    assert rms(exact - reference.retrieve(frames, design)["phase"]).max() < terms.stage("phase").bound.fixed


@pytest.mark.parametrize("adc_bits", [8, 10, 12, 16])
def test_zero_of_phase_is_the_mean_of_the_first_rows(adc_bits: int) -> None:
    design = Design("zero", window=Window(64, 64, 2), instrument=FourAngle(adc_bits=adc_bits))
    frames, _ = bumps(design, 2, seed=8)
    assert np.abs(reference.retrieve(frames, design)["phase"][:, :8].mean(axis=(1, 2))).max() < 1e-12
    assert np.abs(integer.retrieve(frames, design).phase[:, :8].mean(axis=(1, 2))).max() < 2


BOUND_CELLS = 20
MEAN_DUE_RAD, WORST_DUE_RAD, WHOLE_DUE_RAD = 0.6e-3, 1.0e-3, 2e-3


@pytest.mark.parametrize("name", ["qatom128", "qatom256"])
@pytest.mark.parametrize("shaded", [False, True])
def test_integer_model_is_within_its_bounds(name: str, shaded: bool) -> None:
    """W = 18, simulated cells 0 to 19 of seed 9 without noise: gradients in and phase out, then the whole retrieval."""
    design = load_design(name)
    cells = SimulatedCells(design.four_angle, cells=BOUND_CELLS, seed=9, shaded=shaded, noisy=False)
    frames = np.stack([cell.frames for cell in cells])
    terms = contract(design)
    exact, real = integer.retrieve(frames, design), reference.retrieve(frames, design)
    phase = terms.stage("phase").values(exact.phase)
    whole = rms(phase - real["phase"])
    assert whole.max() < min(terms.stage("phase").bound.fixed, WHOLE_DUE_RAD)
    spectral = reference.integrate(terms.stage("gradient").values(exact.gradient), real["binned"])
    error = rms(phase - spectral["phase"])
    assert len(error) == BOUND_CELLS
    for what, figure in (
        ("spectral mean", error.mean()),
        ("spectral worst", error.max()),
        ("whole worst", whole.max()),
    ):
        print(f"{name} shaded={shaded} {what}: {1e3 * figure:.4f} mrad")
    assert error.mean() < MEAN_DUE_RAD
    assert error.max() < WORST_DUE_RAD
    for stage, ratio in bound_ratios(frames, design).items():
        assert ratio <= 1, stage


def bound_ratios(frames: np.ndarray, design: Design) -> dict[str, float]:
    """RMSE of the integer model from the reference over the bound, stage by stage; 0 where both are 0."""
    exact, real = integer.retrieve(frames, design), reference.retrieve(frames, design)
    ratios = {}
    for stage in contract(design).stages:
        exponents = exact.spectrum_exponent if stage.exponents else None
        error = np.abs(stage.values(getattr(exact, stage.name), exponents) - real[stage.name])
        allowed = stage.bound.squares(exponents).mean()
        ratios[stage.name] = float(np.sqrt(np.square(error).mean() / allowed)) if error.any() else 0.0
    return ratios


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("adc_bits", [8, 12])
@pytest.mark.parametrize("diameter_um", [4.0, 20.0])
def test_bounds_scale_with_the_signal(name: str, adc_bits: int, diameter_um: float) -> None:
    """Tiny cells and large ones come equally near the spectrum's bound, and none over it."""
    design = dataclasses.replace(load_design(name), instrument=FourAngle(adc_bits=adc_bits))
    ratios = bound_ratios(cells_of_diameter(design, diameter_um, 2, seed=12), design)
    print(ratios)
    assert max(ratios.values()) <= 1
    assert ratios["spectrum"] > 0.4


BREAKS = {
    "twiddles of 10 bits": ("twiddles", lambda size: TWIDDLE.encode(twiddles(size) / 2**16 // 2**-8 * 2**-8)),
    "one twiddle off by 2^-8": (
        "twiddles",
        lambda size: twiddles(size) + np.eye(1, size, 10, np.int64).reshape(-1, 2) * 256,
    ),
    "quotients of 10 bits": ("quotient_quadrant", lambda size: quotient_quadrant(size) // 256 * 256),
    "shifts that cut": ("shift_right", lambda codes, shift: codes >> shift),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_step_exceeds_a_bound(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    design = load_design("qatom128")
    frames = cells_of_diameter(design, 20.0, 2, seed=12)
    monkeypatch.setattr(integer, *BREAKS[what])
    ratios = bound_ratios(frames, design)
    print(ratios)
    assert max(ratios["spectrum"], ratios["quotient"]) > 1


def test_binning_is_exact() -> None:
    design = load_design("qatom128")
    frames = noise(design, 1, seed=10)
    binned = bin_codes(frames, design)
    assert binned[0, 2, 5, 7] == frames[0, 2, 24 + 10 : 24 + 12, 24 + 14 : 24 + 16].sum()
    assert (contract(design).binned.decode(binned) == reference.retrieve(frames, design)["binned"]).all()


@pytest.mark.parametrize("adc_bits", [8, 11, 12, 16])
def test_logarithms_have_no_bias(adc_bits: int) -> None:
    """Over an octave of samples they are off by less than a step on the average, however many bits are dropped.

    A cut of m would leave -2 steps in the first octave beyond the ROM's address, -3 in the next, then up to -4.
    """
    terms = contract(Design("logarithms", instrument=FourAngle(adc_bits=adc_bits)))
    codes = np.arange(1, 1 << terms.binned.width)
    error = integer.log2(codes, terms) - np.log2(codes) / GRADIENT.step
    octave = np.frexp(codes)[1] - 1
    means = np.bincount(octave, error) / np.bincount(octave)
    assert len(means) == terms.binned.width
    assert np.abs(means).max() < 0.5
    assert integer.log2(np.zeros(1, np.int64), terms) == -1 / GRADIENT.step


def test_words_stay_within_their_formats_on_extreme_frames() -> None:
    design = load_design("qatom64")
    terms = contract(design)
    frames = np.concatenate([*extremes(design).values(), noise(design, 2, seed=11)])
    exact = integer.retrieve(frames, design)
    for stage in terms.stages:
        codes = np.asarray(getattr(exact, stage.name), np.int64)
        assert codes.min() >= stage.format.code_min, stage.name
        assert codes.max() <= stage.format.code_max, stage.name


def test_uniform_frames_have_no_phase() -> None:
    design = load_design("qatom64")
    for name in ("black", "saturated"):
        exact = integer.retrieve(extremes(design)[name], design)
        assert not exact.phase.any(), name
