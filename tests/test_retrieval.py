"""Phase retrieval against closed-form phantoms, and the integer model against the float64 reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.retrieval import integer, reference
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.simulation.simulator import SimulatedCells
from tests.phantoms import bumps, extremes, noise

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
    assert rms(exact - reference.retrieve(frames, design)["phase"]).max() < terms.stage("phase").bound


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
    assert whole.max() < min(terms.stage("phase").bound, WHOLE_DUE_RAD)
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
    for stage in ("binned", "gradient", "network_input"):
        values = terms.stage(stage).values(getattr(exact, stage))
        assert np.sqrt(np.square(np.abs(values - real[stage])).mean()) <= terms.stage(stage).bound, stage
    for stage in ("spectrum", "quotient"):
        values = terms.stage(stage).values(getattr(exact, stage), exact.spectrum_exponent)
        assert np.sqrt(np.square(np.abs(values - real[stage])).mean()) <= terms.stage(stage).bound, stage


def test_binning_is_exact() -> None:
    design = load_design("qatom128")
    frames = noise(design, 1, seed=10)
    binned = bin_codes(frames, design)
    assert binned[0, 2, 5, 7] == frames[0, 2, 24 + 10 : 24 + 12, 24 + 14 : 24 + 16].sum()
    assert (contract(design).binned.decode(binned) == reference.retrieve(frames, design)["binned"]).all()


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
