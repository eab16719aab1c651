"""Hand-made features of four-angle cells: phantoms of known form, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN
from cytogate.model.features.phase_features import NAMES, features
from cytogate.model.training.designs import augment

Floats = NDArray[np.float64]
EMPTY_FIELD = 100.0


def grid(size: int, at: tuple[float, float] = (0.3, -0.6)) -> tuple[Floats, Floats]:
    """Places (down, right) of a window's pixels about a center, told from the window's middle."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2.0
    return y - at[0], x - at[1]


def ellipsoid(size: int, major: float, minor: float, turned: float, peak: float) -> Floats:
    y, x = grid(size)
    along, across = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
    return peak * np.sqrt(np.maximum(1 - (along / major) ** 2 - (across / minor) ** 2, 0))


def codes(phase: Floats, arms: Floats | None = None) -> NDArray[np.uint8]:
    """A network input (1, N, N, 5) of a phase and, if any, what arms (4, N, N) are beyond the empty field."""
    frames = EMPTY_FIELD + (np.zeros((4, *phase.shape)) if arms is None else arms)
    seen = np.concatenate([frames, (phase[None] + PHASE_CODE_OFFSET_RAD) * PHASE_CODES_PER_RADIAN])
    return np.clip(np.rint(np.moveaxis(seen, 0, -1)), 0, 255).astype(np.uint8)[None]


def told(inputs: NDArray[np.uint8]) -> dict[str, float]:
    return dict(zip(NAMES, features(inputs)[0].tolist(), strict=True))


def textured(size: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    phase = ellipsoid(size, 0.3 * size, 0.22 * size, 0.5, 2.5)
    phase += (phase > 0) * rng.normal(0, 0.2, phase.shape) + rng.normal(0, 0.03, phase.shape)
    return codes(phase, rng.normal(0, 12, (4, *phase.shape)))


def test_names_are_as_many_as_columns_and_differ() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60
    assert features(textured(64, 0)).shape == (1, len(NAMES))


@pytest.mark.parametrize(("major", "minor", "turned"), [(20, 20, 0), (26, 15, 0.4), (26, 15, 2.1), (12, 9, -0.8)])
def test_an_ellipsoid_is_known_again(major: float, minor: float, turned: float) -> None:
    """Half axes and peak are found from the middle alone; nothing remains there, but rounding to codes."""
    found = told(codes(ellipsoid(128, major, minor, turned, 2.4)))
    assert found["body_major"] == pytest.approx(major, rel=0.02)
    assert found["body_minor"] == pytest.approx(minor, rel=0.02)
    assert found["body_peak"] == pytest.approx(2.4, rel=0.01)
    assert found["body_density"] == pytest.approx(2.4 / np.sqrt(major * minor), rel=0.02)
    assert found["rest_sd"] < 0.02
    assert abs(found["rest_low"]) < 0.05
    assert found["phase_total"] == pytest.approx(2.4 * major * minor * np.pi * 2 / 3, rel=0.03)
    assert found["phase_off_center"] < 0.02
    assert found["axis_ratio"] == pytest.approx(minor / major, abs=0.02)


@pytest.mark.parametrize("harmonic", [2, 3, 5, 8])
def test_the_rim_tells_its_harmonics(harmonic: int) -> None:
    y, x = grid(128)
    inside = np.hypot(y, x) < 30 * (1 + 0.1 * np.cos(harmonic * np.arctan2(y, x) + 0.7))
    found = told(codes(np.where(inside, 2.0, 0.0)))
    amplitudes = {each: found[f"rim_harmonic_{each}"] for each in range(1, 9)}
    assert amplitudes.pop(harmonic) == pytest.approx(0.1, abs=0.01)
    assert max(amplitudes.values()) < 0.01
    assert found["rim_mean"] == pytest.approx(30, abs=0.7)
    assert found["rim_roughness"] < 0.02


def test_a_nucleus_off_the_center_remains() -> None:
    y, x = grid(128)
    phase = ellipsoid(128, 28, 26, 0, 2.0)
    with_nucleus = phase + 0.5 * (np.hypot(y - 8, x) < 8)
    plain, found = told(codes(phase)), told(codes(with_nucleus))
    assert found["rest_high"] > plain["rest_high"] + 0.2
    assert found["rest_off_center"] > plain["rest_off_center"] + 0.1
    assert found["rest_sd"] > 5 * plain["rest_sd"]


def test_granules_are_counted() -> None:
    y, x = grid(128)
    phase = ellipsoid(128, 30, 30, 0, 2.0)
    places = [(0, 0), (12, 3), (-11, 5), (2, -14), (-3, 13)]
    for down, right in places:
        phase += 0.6 * np.exp(-((y - down) ** 2 + (x - right) ** 2) / (2 * 1.5**2))
    found = told(codes(phase))
    assert found["granules"] >= len(places)
    # Of all peaks, the highest are the granules; what rounding to codes makes is far below.
    assert found["granule_height_0.9"] > 0.15
    assert found["band_2_sd"] > 3 * told(codes(ellipsoid(128, 30, 30, 0, 2.0)))["band_2_sd"]


def test_tilt_contrasts_tell_lenses_and_brightness_tells_shade() -> None:
    """A contrast that turns over fast is a lens; what all arms lose is shade, and no lens."""
    phase = ellipsoid(128, 30, 30, 0, 2.0)
    y, x = grid(128)
    lens = np.stack([x, -x, y, -y]) * 6 * np.exp(-(y**2 + x**2) / (2 * 3.0**2))
    shade = np.repeat(-10.0 * (np.hypot(y, x) < 40)[None], 4, axis=0)
    plain, bent, shaded = (told(codes(phase, arms)) for arms in (None, lens, shade))
    assert plain["tilt_fine_sd"] == plain["tilt_mean"] == plain["brightness_mean"] == 0
    assert bent["tilt_fine_sd"] > 1
    assert abs(bent["brightness_mean"]) < 0.1
    assert shaded["brightness_mean"] == pytest.approx(-40)
    assert shaded["tilt_fine_sd"] == 0


@pytest.mark.parametrize("size", [64, 128, 256])
def test_mirrors_and_turns_change_nothing(size: int) -> None:
    inputs = textured(size, size)
    straight = features(inputs)
    assert np.count_nonzero(straight) > 60
    for symmetry in range(1, 8):
        turned = features(augment(inputs, np.array([symmetry]), arms=True))
        np.testing.assert_allclose(turned, straight, rtol=1e-6, atol=1e-6)


def test_a_cell_is_told_alike_wherever_it_lies_in_its_batch() -> None:
    cells = np.concatenate([textured(64, seed) for seed in range(3)])
    assert np.array_equal(features(cells)[2], features(cells[2:])[0])
    assert features(cells[:0]).shape == (0, len(NAMES))


def strange() -> dict[str, NDArray[np.uint8]]:
    """Inputs that are no cells, or hardly."""
    size = 64
    noise = np.random.default_rng(0)
    full, empty = np.full((1, size, size, 5), 255, np.uint8), np.zeros((1, size, size, 5), np.uint8)
    phases = {name: np.zeros((size, size)) for name in ("dot", "line", "corner", "plateau", "pit")}
    phases["dot"][20, 20] = 2
    phases["line"][20, 5:50] = 2
    phases["corner"][:6, :6] = 1
    phases["plateau"][20:40, 20:40] = 1
    phases["pit"][20:40, 20:40] = 3 - np.add.outer(*[1 - np.abs(np.linspace(-1, 1, 20))] * 2)
    return {
        "full": full,
        "empty": empty,
        "noise": noise.integers(0, 256, full.shape, np.uint8),
        **{name: codes(phase) for name, phase in phases.items()},
    }


@pytest.mark.parametrize(("name", "inputs"), strange().items(), ids=strange())
def test_features_are_finite_and_zeros_without_a_cell(name: str, inputs: NDArray[np.uint8]) -> None:
    found = features(inputs)[0]
    assert np.isfinite(found).all()
    assert found.any() == (name not in ("empty", "dot"))
