"""Features of phantoms whose area, form, mass and texture are known."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.features.cell_features import (
    REFRACTION_INCREMENT_UM3_PER_PG,
    TEXTURE_UM,
    CellImages,
    features_of,
    largest_regions,
    measure,
    measure_frames,
    of_frames,
)
from tests.phantoms import bumps

Floats = NDArray[np.float64]
PITCH_UM = (0.13, 0.21)
SHAPE = (160, 110)
WAVELENGTH_UM = 0.633


def grid() -> tuple[Floats, Floats]:
    y, x = ((np.arange(count) - (count - 1) / 2) * pitch for count, pitch in zip(SHAPE, PITCH_UM, strict=True))
    return np.meshgrid(y, x, indexing="ij")  # type: ignore[return-value]


def ellipse(a_um: float, b_um: float, turned: float = 0.0, at: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.bool_]:
    """Half axes a along x before it is turned, and b."""
    y, x = grid()
    y, x = y - at[0], x - at[1]
    along, across = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
    return (along / a_um) ** 2 + (across / b_um) ** 2 < 1


def of_phase(*phases: Floats) -> dict[str, Floats]:
    channels = np.full((len(phases), 1, *SHAPE), 0.5)
    return measure(CellImages(channels, ("light",), PITCH_UM, np.stack(phases).astype(float), WAVELENGTH_UM))


@pytest.mark.parametrize(("a_um", "b_um", "turned"), [(6, 6, 0), (8, 4, 0), (8, 4, 0.6), (4, 8, -1.2), (7, 6.5, 0.3)])
def test_an_ellipse_at_unequal_pitches(a_um: float, b_um: float, turned: float) -> None:
    """Area, form and mass to the pixels at the rim; off the center and beside a smaller cell as well."""
    body = 1.4 * ellipse(a_um, b_um, turned)
    other = 1.4 * ellipse(a_um, b_um, turned, at=(1.1, -0.7)) + 2.0 * ellipse(0.7, 0.7, at=(9.4, 10.3))
    found = of_phase(body, other)
    area = math.pi * a_um * b_um
    short, long = sorted((a_um, b_um))
    for cell in range(2):
        assert found["area"][cell] == pytest.approx(area, rel=5e-3)
        expected = math.sqrt(1 - (short / long) ** 2)
        assert found["eccentricity"][cell] == pytest.approx(expected, abs=0.08 if a_um == b_um else 0.01)
        assert found["phase_mean"][cell] == pytest.approx(1.4)
        assert found["phase_max"][cell] == 1.4
        assert found["phase_volume"][cell] == pytest.approx(1.4 * area, rel=5e-3)
        mass = 1.4 * area * WAVELENGTH_UM / (2 * math.pi) / REFRACTION_INCREMENT_UM3_PER_PG
        assert found["dry_mass"][cell] == pytest.approx(mass, rel=5e-3)


def test_a_rectangle_is_exact() -> None:
    """A pixel's own extent counts, so that a rectangle of pixels has the moments of a rectangle."""
    phase = np.zeros(SHAPE)
    phase[20:60, 30:40] = 1
    found = of_phase(phase)
    height, width = 40 * PITCH_UM[0], 10 * PITCH_UM[1]
    assert found["area"][0] == pytest.approx(height * width, rel=1e-12)
    assert found["eccentricity"][0] == pytest.approx(math.sqrt(1 - (width / height) ** 2), rel=1e-12)


def test_mass_of_a_ball() -> None:
    """A ball of index step n has the volume times n over the increment as its mass, but for what the threshold cuts."""
    radius, step = 5.0, 0.035
    y, x = grid()
    path_um = 2 * np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    found = of_phase(2 * math.pi / WAVELENGTH_UM * step * path_um)
    mass = 4 / 3 * math.pi * radius**3 * step / REFRACTION_INCREMENT_UM3_PER_PG
    assert found["dry_mass"][0] == pytest.approx(mass, rel=5e-3)
    assert found["phase_max"][0] == pytest.approx(4 * math.pi / WAVELENGTH_UM * step * radius, rel=1e-3)


def test_texture_is_what_is_finer_than_the_blur() -> None:
    """A fine grating shows whole, one ten blurs long hardly, a smooth cell of any phase not at all."""
    _, x = grid()
    body = 2.0 * ellipse(8, 8)
    fine, coarse = (body * (1 + 0.1 * np.sin(2 * math.pi * x / period)) for period in (1.05, 10 * TEXTURE_UM))
    texture = of_phase(fine, coarse, body, 3 * body)["phase_texture"]
    assert texture[0] == pytest.approx(0.2 / math.sqrt(2), rel=0.02)
    assert texture[1] < 0.25 * texture[0]
    assert texture[2] < 0.02
    assert texture[3] == pytest.approx(3 * texture[2], abs=1e-9)


def test_bright_field_channels_at_any_background() -> None:
    """Two channels, one with a brighter and one with a darker cell, in shares of full scale; noise of the border."""
    rng = np.random.default_rng(0)
    body = ellipse(7, 5, 0.4)
    channels = np.stack([0.2 + 0.3 * body, 0.6 - 0.1 * body]) + rng.normal(0, 0.004, (2, *SHAPE))
    found = measure(CellImages(channels[None], ("green", "red"), PITCH_UM))
    assert found["brightness_green"][0] == pytest.approx(30, abs=3)
    assert found["brightness_red"][0] == pytest.approx(-10, abs=1)
    # Smoothed by a pixel before it is compared, the outline grows by one or two.
    assert found["area"][0] == pytest.approx(math.pi * 35, rel=0.15)
    assert found["eccentricity"][0] == pytest.approx(math.sqrt(1 - 25 / 49), abs=0.03)
    # The noise; of an edge of thirty times that step a little is left within the core.
    assert found["texture_red"][0] == pytest.approx(0.4, rel=0.2)
    assert 0.4 < found["texture_green"][0] < 0.7
    assert set(found) == {feature.name for feature in features_of(("green", "red"), phase=False)}


def test_without_a_cell_only_the_area_is_known() -> None:
    body = 1.4 * ellipse(6, 6)
    both, alone = of_phase(np.zeros(SHAPE), body, np.full(SHAPE, 0.29)), of_phase(body)
    for name, values in both.items():
        assert values[1] == pytest.approx(alone[name][0], rel=1e-9), name
        assert (values[[0, 2]] == 0).all() if name == "area" else np.isnan(values[[0, 2]]).all(), name


def test_the_largest_region_of_each_mask() -> None:
    masks = np.zeros((4, 9, 9), bool)
    masks[0, 1:3, 1:3] = masks[0, 5:8, 5:8] = True
    masks[1, 0, :4] = masks[1, 8, 5:] = True  # of equal ones the first
    masks[2, 2, 2] = masks[2, 3, 3] = masks[2, 8, 8] = True  # corners connect
    kept = largest_regions(masks)
    assert kept.sum(axis=(1, 2)).tolist() == [9, 4, 2, 0]
    assert kept[0, 5:8, 5:8].all()
    assert kept[1, 0, :4].all()
    # Regions one above the other in two masks are two regions.
    np.testing.assert_array_equal(largest_regions(np.stack([masks[0], masks[0]]))[1], kept[0])


def test_features_of_frames_are_those_of_their_phase() -> None:
    """From raw frames at unequal pitches to area and mass, through the integer model: 3 phantoms of known phase."""
    acquisition = FourAngle(adc_bits=12, pixel_pitch_x_um=0.16, pixel_pitch_y_um=0.13, wavelength_um=WAVELENGTH_UM)
    design = dataclasses.replace(load_design("qatom128"), instrument=acquisition)
    frames, phase = bumps(design, 3, seed=4)
    images = of_frames(frames, design, phase=True)
    assert images.pitch_um == (0.26, 0.32)
    found, truth = measure(images), measure(dataclasses.replace(images, phase=phase))
    for name in ("area", "phase_mean", "phase_max", "phase_volume", "dry_mass"):
        assert found[name] == pytest.approx(truth[name], rel=0.02), name
    assert found["eccentricity"] == pytest.approx(truth["eccentricity"], abs=0.02)
    without = of_frames(frames, design, phase=False)
    np.testing.assert_array_equal(without.channels, images.channels)
    one = measure_frames(frames[1], design, phase=True)
    assert one == {name: pytest.approx(values[1], rel=1e-9) for name, values in found.items()}
    assert list(measure(without)) == [feature.name for feature in features_of(FourAngle.channels, phase=False)]


def test_every_feature_states_name_unit_and_law() -> None:
    for phase in (False, True):
        features = features_of(("a", "b, c"), phase=phase)
        assert len({feature.name for feature in features}) == len(features)
        for feature in features:
            assert "," not in feature.short_name
            assert feature.long_name.startswith(feature.description)
            assert feature.unit in feature.long_name
    assert {"phase_mean", "dry_mass"} <= {feature.name for feature in features}


def test_a_board_loads_no_scipy_for_the_registry() -> None:
    code = (
        "import sys; from cytogate.model.features.cell_features import features_of; features_of(('a',), phase=True); "
        "sys.exit(str({'scipy', 'skimage', 'sklearn', 'keras', 'h5py'} & set(sys.modules) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "0")
