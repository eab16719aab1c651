"""Off-axis retrieval in float64: carrier, sideband, unwrapping, background and cells, each against a known truth."""

from __future__ import annotations

import doctest
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.restoration import unwrap_phase

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import REFRACTION_INCREMENT_UM3_PER_PG
from cytogate.model.features.opd_features import OPD_FEATURES, opd_features
from cytogate.model.files.holograms import open_holograms
from cytogate.model.retrieval.off_axis import calibration, reference, unwrapping
from cytogate.model.retrieval.off_axis.calibration import find_carrier, fit_bead, reference_field, reference_of
from cytogate.model.retrieval.off_axis.cells import MapCell, find_cells, is_several, window_of
from cytogate.model.retrieval.off_axis.placing import EDGE, Placing
from cytogate.model.retrieval.off_axis.reference import Sideband, retrieve, transform, zeroed
from cytogate.model.retrieval.off_axis.unwrapping import unwrap, wrap
from tests.holograms import fields, fringed, off_axis_design, with_carrier
from tests.streams import real_data

WHOLE = slice(0, None), slice(0, None)


def found_cells(opd: NDArray[np.float64], design: Design) -> list[MapCell]:
    return find_cells(opd >= design.off_axis.threshold_nm, design).cells


@pytest.mark.parametrize("module", [unwrapping, calibration])
def test_examples_in_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted >= 3
    assert not found.failed


# Where a frame lies.


@pytest.mark.parametrize("count", [128, 129, 200, 255, 256, 257, 300, 2049])
def test_a_frame_is_cropped_or_padded_about_its_middle(count: int) -> None:
    placing = Placing(256, count, 256, 2)
    frame = np.arange(count, dtype=np.int64)[:, None] + np.zeros(256, np.int64)
    placed = placing.place(frame, -1)[:, 0]
    inside = placed >= 0
    assert placed[inside].tolist() == list(range(placed[inside][0], placed[inside][-1] + 1))
    assert np.count_nonzero(inside) == min(count, 256)
    before, after = np.flatnonzero(inside)[0] + placed[inside][0], 0
    after = 255 - np.flatnonzero(inside)[-1] + count - 1 - placed[inside][-1]
    assert after - before in (0, 1)
    rows, columns = placing.believed
    assert (columns.start, columns.stop) == (EDGE, 128 - EDGE)
    of_map = inside.reshape(128, 2).all(axis=1)
    assert of_map[rows].all()
    assert rows.stop - rows.start == np.count_nonzero(of_map) - 2 * EDGE


# Carrier and sideband.


@pytest.mark.parametrize("carrier", [(0.3, 0.24), (-0.2014, 0.12), (0.4071, 0.002), (0.0, 0.31), (-0.45, 0.45)])
def test_the_carrier_is_found_between_bins(carrier: tuple[float, float]) -> None:
    phase = np.zeros((200, 260))
    phase[80:120, 90:140] = 2.0
    found = find_carrier([fringed(phase, carrier, phase.shape)])
    sign = 1 if carrier[1] > 0 or (carrier[1] == 0 and carrier[0] > 0) else -1
    assert (found.y, found.x) == pytest.approx((sign * carrier[0], sign * carrier[1]), abs=3e-4)
    assert found.prominence > 100


@pytest.mark.parametrize("kind", ["noise", "cell without fringes", "even"])
def test_what_has_no_fringes_is_told(kind: str) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-100:100, -100:100]
    picture = {
        "noise": rng.integers(0, 256, (200, 200)),
        "cell without fringes": 100 + 80 * (y**2 + x**2 < 900) + rng.integers(0, 3, (200, 200)),
        "even": np.full((200, 200), 7),
    }[kind]
    with pytest.raises(InputError, match=r"^no fringes: the strongest .*off-axis holograms\?$"):
        find_carrier([picture.astype(np.uint8)])


@pytest.mark.parametrize("binning", [1, 2])
def test_the_kept_part_of_the_spectrum_gives_the_field_of_the_whole(binning: int) -> None:
    """Cropping to M x M frequencies only samples the field of a disk in the whole spectrum more coarsely."""
    rng = np.random.default_rng(1)
    hologram = rng.standard_normal((256, 256))
    sideband = Sideband(256, 256 // binning, (0.301, -0.2443), 0.12)
    _, kept = transform(hologram, sideband)
    y, x = np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)
    disk = (y - 0.301) ** 2 + (x + 0.2443) ** 2 <= 0.12**2
    place = np.arange(256)
    carrier = np.exp(-2j * np.pi * (0.301 * place[:, None] - 0.2443 * place))
    whole = (np.fft.ifft2(np.fft.fft2(hologram) * disk) * carrier)[::binning, ::binning]
    found = np.fft.ifft2(kept) / sideband.ramp / binning**2
    assert np.abs(found - whole).max() < 1e-13


# Unwrapping, against scikit-image.


def hills(seed: int, size: int = 96) -> NDArray[np.float64]:
    """Smooth cells of up to 5 turns whose slope stays below half a turn a pixel: no residues."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    phase = 0.05 * x - 0.03 * y
    for _ in range(4):
        top, wide = rng.uniform(5, 30), rng.uniform(11, 15)
        cy, cx = rng.uniform(20, size - 20, 2)
        phase = np.maximum(phase, top * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * wide**2)))
    return phase


def test_unwrapping_equals_scikit_image_but_for_one_global_multiple() -> None:
    compared = 0
    for seed in range(20):
        wrapped = wrap(hills(seed))
        found, peer = unwrap(wrapped, WHOLE), unwrap_phase(wrapped)
        turns = (found - peer) / (2 * np.pi)
        assert np.abs(turns - np.rint(turns[0, 0])).max() < 1e-9
        compared += turns.size
    assert compared == 20 * 96 * 96


def test_unwrapping_adds_whole_turns_whatever_it_is_given() -> None:
    noise = np.random.default_rng(3).uniform(-np.pi, np.pi, (64, 64))
    turns = (unwrap(noise, WHOLE) - noise) / (2 * np.pi)
    assert np.abs(turns - np.rint(turns)).max() < 1e-12


def test_noise_that_is_not_believed_pulls_at_nothing() -> None:
    wrapped, part = wrap(hills(4)), (slice(10, 80), slice(12, 90))
    spoilt = np.random.default_rng(5).uniform(-np.pi, np.pi, wrapped.shape)
    spoilt[part] = wrapped[part]
    rest = (unwrap(spoilt, part) - hills(4))[part]
    assert np.ptp(rest) < 1e-9


def test_the_background_is_zero_however_many_cells_there_are() -> None:
    rng = np.random.default_rng(6)
    phase = rng.normal(3.3, 0.02, (100, 100))
    phase[:, :45] += 5
    part = slice(4, 96), slice(4, 96)
    found = zeroed(phase, part)
    assert abs(found[4:96, 50:96].mean()) < 1e-3
    assert not found[:4].any()


# The whole of it.


def test_a_phase_is_found_again_from_noise_free_fringes() -> None:
    """Of either sign of the carrier, which is that of the phase; the rest is the codes' rounding and the disk's cut."""
    y, x = np.mgrid[:256, :256]
    phase = 9 * np.exp(-((y - 120.0) ** 2 + (x - 140.0) ** 2) / (2 * 22**2))
    for sign in (1, -1):
        design = with_carrier(off_axis_design(), 0.3003 * sign, 0.2394 * sign)
        frame = fringed(sign * phase, (0.3003, 0.2394), phase.shape)
        found = retrieve(frame, design, reference_field(design))
        rest = (found.phase - phase[::2, ::2])[12:-12, 12:-12]
        assert rest.std() < 0.015
        assert found.opd[60, 70] == pytest.approx(phase[120, 140] * 633 / (2 * np.pi), rel=0.01)


@pytest.fixture(scope="module")
def seen() -> list[tuple[float, float]]:
    """Measured and true dry mass of simulated cells, with the reference field of empty holograms."""
    design = off_axis_design()
    placing, sideband = Placing.of(design), Sideband.of(design)
    holograms = fields(6)
    frames = [each.frame for each in holograms]
    reference = reference_of(frames, [holograms.empty_field(n) for n in range(2)], placing, sideband) * sideband.ramp
    masses = []
    for item in holograms:
        found = retrieve(item.frame, design, reference)
        (cell,) = found_cells(found.opd, design)
        (center,) = item.truth.centers
        assert np.hypot(*(np.array(center) / 2 - cell.center)) < 1.0
        values = opd_features(cell.part(found.opd), cell.mask, design.pixel_um)
        masses.append((float(values[0]), item.truth.delay_um3[0] / REFRACTION_INCREMENT_UM3_PER_PG))
    return masses


def test_dry_mass_is_within_three_percent_of_the_truth(seen: list[tuple[float, float]]) -> None:
    assert len(seen) == 6
    for measured, true in seen:
        assert measured == pytest.approx(true, rel=0.03)


# Cells.


def test_cells_are_told_apart_and_cut_out() -> None:
    design = off_axis_design()
    opd = np.zeros((128, 128))
    y, x = np.mgrid[:128, :128]
    for cy, cx, radius in ((40, 40, 15), (90, 30, 12), (90, 54, 12), (60, 110, 16), (20, 100, 2)):
        opd[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = 100.0
    opd[40, 40] = 0
    found = found_cells(opd, design)
    assert [(cell.is_clipped, cell.is_several) for cell in found] == [(False, False), (True, False), (False, True)]
    assert found[0].center == pytest.approx((40, 40))
    assert found[0].mask.all(axis=1).any()
    window = window_of(opd, found[0].center, 64)
    assert window.shape == (64, 64)
    assert np.array_equal(window, opd[8:72, 8:72])
    beyond = window_of(opd, found[1].center, 64)
    assert not beyond[:, 50:].any()
    assert beyond[32, 20] == 100


def test_one_ellipse_is_one_cell_and_two_disks_are_several() -> None:
    y, x = np.mgrid[-60:60, -60:60]
    for angle in np.linspace(0, np.pi, 7):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        assert not is_several((u / 40) ** 2 + (v / 25) ** 2 <= 1)
        assert is_several((np.minimum((u - 18) ** 2, (u + 18) ** 2) + v**2) <= 400)


def test_features_of_a_ball_are_those_of_geometry() -> None:
    y, x = np.mgrid[-50:50, -50:50] * 0.2
    radius, step = 6.0, 0.03
    ball = 2 * step * 1e3 * np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    values = dict(zip((each.name for each in OPD_FEATURES), opd_features(ball, ball > 0, (0.2, 0.2)), strict=True))
    volume = 4 / 3 * np.pi * radius**3
    assert values["dry_mass"] == pytest.approx(step * volume / REFRACTION_INCREMENT_UM3_PER_PG, rel=0.01)
    assert values["volume"] == pytest.approx(volume, rel=0.02)
    assert values["index_step"] == pytest.approx(step, rel=0.02)
    assert values["opd_max"] == pytest.approx(2 * step * 1e3 * radius)
    assert values["eccentricity"] < 0.1


def test_a_bead_shows_radius_and_delay() -> None:
    design = off_axis_design()
    y, x = np.mgrid[:128, :128]
    opd = 600 * np.sqrt(np.maximum(1 - ((y - 60.3) ** 2 + (x - 66.8) ** 2) / 21.5**2, 0))
    (cell,) = found_cells(opd, design)
    found = fit_bead(opd, cell)
    assert found.radius_px == pytest.approx(21.5, rel=2e-3)
    assert found.delay_nm == pytest.approx(600, rel=2e-3)
    flat = np.where(opd > 0, 600.0 + opd.max() - opd, 0)
    with pytest.raises(InputError, match="is no bead"):
        fit_bead(flat, found_cells(flat, design)[0])


@pytest.mark.realdata
def test_arguments_are_those_of_qpretrieve() -> None:
    """Of a real cell, by the same disk about the same bin: but for the last bits of float64."""
    with warnings.catch_warnings():
        # That there is no GPU's library.
        warnings.simplefilter("ignore")
        import qpretrieve
    optics = OffAxis(hologram_size=256, rows=200, columns=210)
    with open_holograms(real_data() / "off_axis_holograms" / "hl60_hologram_cell.npz", optics) as file:
        frame, (empty,) = file.read(0), file.empty_fields
    found, size, radius = find_carrier([empty]), 256, 28.1
    bins = round(found.y * size) / size, round(found.x * size) / size
    design = with_carrier(off_axis_design(optics=optics), *bins, radius / size)
    placing, sideband = Placing.of(design), Sideband.of(design)
    ours = reference.argument(
        reference.object_field(frame, placing, sideband) / reference.object_field(empty, placing, sideband)
    )

    def of_peer(hologram: NDArray) -> NDArray[np.complex128]:
        peer = qpretrieve.OffAxisHologram(reference.hologram_of(hologram, placing), padding=0, subtract_mean=False)
        peer.run_pipeline(
            filter_name="disk", filter_size=radius, filter_size_interpretation="frequency index", sideband_freq=bins
        )
        return np.asarray(peer.field).reshape(size, size)

    # Its map has the hologram's pixels.
    theirs = np.angle(of_peer(frame) / of_peer(empty))[:: design.binning, :: design.binning]
    rest = np.asarray(wrap(ours - theirs))[placing.believed]
    assert rest.size == 8832
    assert np.sqrt(np.mean(rest**2)) < 1e-9
