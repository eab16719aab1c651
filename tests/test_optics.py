"""The four-angle instrument against closed forms: a Gaussian bump of phase has its image in elementary functions."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import MEDIUM_INDEX, Floats
from cytogate.model.simulation.optics import code_type, digitise, draw_shading, four_angle_intensities

SMALL = FourAngle(rows=64, columns=64)
SQUARE = FourAngle(rows=160, columns=160, pixel_pitch_x_um=0.2, pixel_pitch_y_um=0.2)
WIDE = FourAngle(rows=200, columns=112, pixel_pitch_x_um=0.3, pixel_pitch_y_um=0.15)
"""32 um, 30 by 33.6 um: bumps of up to 4 um are over before the field is."""

CENTRE_X_UM, CENTRE_Y_UM = 1.0, -0.6


def offsets(instrument: FourAngle) -> tuple[Floats, Floats]:
    """(y, x) of the pixels in um from the bump's middle."""
    y = (np.arange(instrument.rows) - (instrument.rows - 1) / 2) * instrument.pixel_pitch_y_um - CENTRE_Y_UM
    x = (np.arange(instrument.columns) - (instrument.columns - 1) / 2) * instrument.pixel_pitch_x_um - CENTRE_X_UM
    return y[:, None], x[None, :]


def bump(instrument: FourAngle, height: float, sd_um: float) -> Floats:
    y, x = offsets(instrument)
    return height * np.exp(-(x**2 + y**2) / (2 * sd_um**2))


def pupil(instrument: FourAngle) -> tuple[float, float]:
    """Sigma and shift of the pupils in cycles a um."""
    cutoff = instrument.na / instrument.wavelength_um
    return instrument.pupil_sigma_na * cutoff, instrument.pupil_shift_na * cutoff


def gradients(intensities: Floats, instrument: FourAngle) -> Floats:
    """atanh of difference over sum, in cycles a um: (2, rows, columns) along x and y."""
    sigma, shift = pupil(instrument)
    plus, minus = intensities[0::2], intensities[1::2]
    return np.arctanh((plus - minus) / (plus + minus)) * sigma**2 / (2 * shift)


@pytest.mark.parametrize("instrument", [SQUARE, WIDE], ids=["square", "wide"])
@pytest.mark.parametrize("height", [-1.0, 0.5, 2.0])
def test_difference_over_sum_is_the_gradient(instrument: FourAngle, height: float) -> None:
    """Both axes, both signs; relative to the largest gradient. Blur takes 0.46 / sd^2, quadratic in the bump's size.

    Measured: 11.1%, 5.2% and 3.0% for bumps of 2, 3 and 4 um.
    """
    errors = []
    for sd_um, bound in ((2.0, 0.115), (3.0, 0.054), (4.0, 0.031)):
        phase = bump(instrument, height, sd_um)
        y, x = offsets(instrument)
        due = np.stack([-phase * x, -phase * y]) / sd_um**2 / (2 * np.pi)
        error = np.abs(gradients(four_angle_intensities(phase, instrument), instrument) - due)
        errors.append(error.max() / np.abs(due).max())
        assert errors[-1] < bound, sd_um
    assert errors[0] / errors[2] == pytest.approx(4, rel=0.15)


def weak_image(instrument: FourAngle, height: float, sd_um: float, defocus_um: float = 0.0) -> Floats:
    """Image of a bump to first order in its height, with paraxial defocus: (4, rows, columns).

    The pupil exp(-|f - s|^2 / 2 sigma^2), divided by its value at 0, and the defocus exp(-i pi z lambda |f|^2 / n)
    are Gaussians: the image of a Gaussian is one, wider, and shifted by an imaginary distance.
    """
    sigma, shift = pupil(instrument)
    width = sd_um**2 + 1 / (4 * np.pi**2 * sigma**2)
    width = width + 1j * defocus_um * instrument.wavelength_um / (2 * np.pi * MEDIUM_INDEX)
    away = 1j * shift / (2 * np.pi * sigma**2)
    y, x = offsets(instrument)
    field = [
        1j * height * sd_um**2 / width * np.exp(-((x - away * to_x) ** 2 + (y - away * to_y) ** 2) / (2 * width))
        for to_x, to_y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    return 1 + 2 * np.stack(field).real


@pytest.mark.parametrize("instrument", [SQUARE, WIDE], ids=["square", "wide"])
def test_weak_bump_in_focus_is_exact(instrument: FourAngle) -> None:
    """Frame order, signs, blur and normalization at once: to the square of the bump's height."""
    height = 1e-4
    intensities = four_angle_intensities(bump(instrument, height, 2.0), instrument)
    due = weak_image(instrument, height, 2.0)
    assert intensities.shape == (4, instrument.rows, instrument.columns)
    assert np.abs(due - 1).max() > 0.1 * height
    assert np.abs(intensities - due).max() < 1e-3 * np.abs(due - 1).max()


@pytest.mark.parametrize("defocus_um", [-4.0, 1.5, 4.0])
def test_weak_bump_out_of_focus(defocus_um: float) -> None:
    """What is not paraxial makes 1% at 4 um."""
    height = 1e-4
    intensities = four_angle_intensities(bump(SQUARE, height, 2.0), SQUARE, defocus_um)
    due = weak_image(SQUARE, height, 2.0, defocus_um)
    assert np.abs(intensities - due).max() < 0.02 * np.abs(due - 1).max()
    assert np.abs(due - weak_image(SQUARE, height, 2.0)).max() > 0.1 * np.abs(due - 1).max()


def test_frames_are_ordered_plus_x_minus_x_plus_y_minus_y() -> None:
    """A phase that grows to the right brightens +x, one that grows downward +y, and nothing else."""
    y, x = offsets(SQUARE)
    window = np.exp(-((x / 5) ** 4) - (y / 5) ** 4)
    rise_x, rise_y = (four_angle_intensities(0.3 * ramp * window, SQUARE) for ramp in (x, y))
    row, column = (round((SQUARE.rows - 1) / 2 + c / 0.2) for c in (CENTRE_Y_UM, CENTRE_X_UM))
    for rise, brighter, darker, even in ((rise_x, 0, 1, (2, 3)), (rise_y, 2, 3, (0, 1))):
        here = rise[:, row, column]
        sigma, shift = pupil(SQUARE)
        due = math.tanh(2 * 0.3 / (2 * math.pi) * shift / sigma**2)
        assert (here[brighter] - here[darker]) / (here[brighter] + here[darker]) == pytest.approx(due, rel=0.05)
        assert here[list(even)] == pytest.approx(here[list(even)].mean(), abs=0.01)


def test_transposed_phase_swaps_the_axes() -> None:
    phase = bump(SQUARE, 1.0, 2.0)
    straight, turned = four_angle_intensities(phase, SQUARE, 2.0), four_angle_intensities(phase.T, SQUARE, 2.0)
    assert turned == pytest.approx(straight[[2, 3, 0, 1]].transpose(0, 2, 1), abs=1e-12)


@pytest.mark.parametrize("shape", [(64, 64), (61, 90), (1, 1)])
def test_empty_field_is_one(shape: tuple[int, int]) -> None:
    for defocus_um in (0.0, 5.0):
        assert (four_angle_intensities(np.zeros(shape), SMALL, defocus_um) == 1).all()


def test_defocus_moves_light_and_loses_none() -> None:
    """Mean of every frame within 1e-6; the image itself changes by more than 5% of the field."""
    phase = bump(SQUARE, 1.0, 2.0)
    focused = four_angle_intensities(phase, SQUARE)
    for defocus_um in (-3.0, 1.5, 3.0):
        moved = four_angle_intensities(phase, SQUARE, defocus_um)
        assert moved.mean(axis=(1, 2)) == pytest.approx(focused.mean(axis=(1, 2)), abs=1e-6)
        assert np.abs(moved - focused).max() > 0.05
    assert np.abs(four_angle_intensities(phase, SQUARE, 3.0) - four_angle_intensities(phase, SQUARE, -3.0)).max() > 0.1


def test_image_does_not_depend_on_the_sampling() -> None:
    """Every second pixel of a finer field, strong bump and defocus: to 1e-6."""
    fine = dataclasses.replace(SQUARE, rows=319, columns=319, pixel_pitch_x_um=0.1, pixel_pitch_y_um=0.1)
    straight, finer = (four_angle_intensities(bump(each, 2.0, 2.0), each, 1.5) for each in (SQUARE, fine))
    assert finer[:, ::2, ::2] == pytest.approx(straight, abs=1e-6)


@pytest.mark.parametrize("edge", [0, 1])
def test_light_that_leaves_does_not_come_in_at_the_other_side(edge: int) -> None:
    """A bump 3 um within the rim, far out of focus: what the field shows is cut out of a larger field's image.

    Measured: 0.5% of the empty field is left, rings of the aperture's sharp edge that decay slowly.
    """
    larger = dataclasses.replace(SQUARE, rows=240, columns=240)
    smaller = dataclasses.replace(SQUARE, rows=80, columns=80)
    y, x = np.indices((240, 240)) * 0.2
    middle = (16 + 3, 32 - 3)[edge]
    phase = 2 * np.exp(-((x - middle) ** 2 + (y - middle) ** 2) / (2 * 0.7**2))
    whole = four_angle_intensities(phase, larger, 4.0)[:, 80:160, 80:160]
    cut = four_angle_intensities(phase[80:160, 80:160], smaller, 4.0)
    assert np.abs(whole - 1).max() > 0.5
    assert np.abs(cut - whole).max() < 0.006


@pytest.mark.parametrize("axis", ["x", "y"])
def test_pixels_too_coarse_for_the_aperture_are_refused(axis: str) -> None:
    """Nyquist: 1.064 um / (2 * 0.55) = 0.967 um."""
    name = f"pixel_pitch_{axis}_um"
    fits = dataclasses.replace(SMALL, **{name: 0.96})
    assert four_angle_intensities(np.zeros((64, 64)), fits).shape == (4, 64, 64)
    with pytest.raises(InputError, match=rf"^{name} is 0.97: pixels below 0.967 um are needed"):
        four_angle_intensities(np.zeros((64, 64)), dataclasses.replace(SMALL, **{name: 0.97}))


def flat(value: float) -> Floats:
    return np.full((4, SMALL.rows, SMALL.columns), value)


@pytest.mark.parametrize("adc_bits", range(8, 17))
def test_codes_are_rounded_and_clipped(adc_bits: int) -> None:
    """At full scale 2 the top code is intensity 2; halves go to the even code."""
    instrument = dataclasses.replace(SMALL, adc_bits=adc_bits, full_scale=2.0)
    top = 2**adc_bits - 1
    ramp = np.linspace(-0.5, 2.5, SMALL.rows * SMALL.columns).reshape(SMALL.rows, SMALL.columns)
    codes = digitise(np.stack([ramp, flat(2.0)[0], flat(1.0)[0], flat(-1.0)[0]]), instrument)
    assert codes.dtype == code_type(instrument) == (np.uint8 if adc_bits == 8 else np.uint16)
    assert [int(codes[0, 0, 0]), int(codes[0, -1, -1])] == [0, top]
    inside = (ramp > 0) & (ramp < 2)
    assert np.abs(codes[0][inside] - ramp[inside] * top / 2).max() <= 0.5
    assert (codes[1] == top).all()
    # top / 2 lies half way between two codes, the upper of which is even.
    assert (codes[2] == 2 ** (adc_bits - 1)).all()
    assert not codes[3].any()


def test_without_noise_codes_are_determined() -> None:
    intensities = 1 + 0.1 * np.random.default_rng(0).standard_normal((4, 64, 64))
    shading = draw_shading(SMALL, np.random.default_rng(1))
    assert (digitise(intensities, SMALL) == digitise(intensities, SMALL)).all()
    shaded = digitise(intensities, SMALL, shading=shading)
    assert (shaded == digitise(intensities * shading, SMALL)).all()
    assert (shaded != digitise(intensities, SMALL)).any()
    noisy = [digitise(intensities, SMALL, rng=np.random.default_rng(seed)) for seed in (2, 2, 3)]
    assert (noisy[0] == noisy[1]).all()
    assert (noisy[0] != noisy[2]).any()


def test_shot_noise_has_the_variance_of_its_electrons() -> None:
    """16384 pixels at three intensities: variance intensity / electrons within 5%, mean within 4 of its sd."""
    instrument = dataclasses.replace(SMALL, adc_bits=16, line_gain_sd=0.0, electrons_per_pixel=500.0)
    scale = (2**16 - 1) / instrument.full_scale
    for seed, intensity in enumerate((0.2, 1.0, 1.5)):
        light = digitise(flat(intensity), instrument, rng=np.random.default_rng(seed)) / scale
        assert light.var() == pytest.approx(intensity / 500, rel=0.05)
        assert light.mean() == pytest.approx(intensity, abs=4 * math.sqrt(intensity / 500 / light.size))


def test_line_gain_is_common_to_the_four_frames() -> None:
    instrument = dataclasses.replace(
        SMALL, rows=2048, adc_bits=16, line_gain_sd=0.004, electrons_per_pixel=1e9, columns=8
    )
    codes = digitise(np.ones((4, 2048, 8)), instrument, rng=np.random.default_rng(4))
    lines = codes.mean(axis=2) * instrument.full_scale / (2**16 - 1)
    assert np.ptp(lines, axis=0).max() < 1e-4
    assert lines[0].std() == pytest.approx(0.004, rel=0.08)


def test_shading_has_its_standard_deviation() -> None:
    """600 draws of four arms: sd over pixels and draws within 4%, mean 1."""
    instrument = FourAngle(rows=24, columns=40)
    rng = np.random.default_rng(5)
    shading = np.stack([draw_shading(instrument, rng) for _ in range(600)])
    assert shading.std() == pytest.approx(instrument.shading_sd, rel=0.04)
    assert shading.mean() == pytest.approx(1, abs=1e-9)
    # The corners, where a second-order surface is largest, are as uneven in one arm as in another.
    assert shading[:, :, 0, 0].std(axis=0) == pytest.approx(shading[:, 0, 0, 0].std(), rel=0.2)


def test_shading_is_a_surface_of_second_order_and_differs_between_arms() -> None:
    shading = draw_shading(SMALL, np.random.default_rng(6))
    y, x = np.indices((64, 64)) / 63
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1).T
    left = shading.reshape(4, -1).T - terms @ np.linalg.lstsq(terms, shading.reshape(4, -1).T, rcond=None)[0]
    assert np.abs(left).max() < 1e-12
    for one in range(4):
        for other in range(one):
            assert np.abs(shading[one] - shading[other]).max() > 0.01


def test_shading_never_turns_the_light_off() -> None:
    dim = dataclasses.replace(SMALL, shading_sd=1.0)
    assert draw_shading(dim, np.random.default_rng(7)).min() == 0.1
