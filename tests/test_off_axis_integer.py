"""The integer model of off-axis retrieval: bounded by the float reference, and by what no input can bring about."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import TWIDDLE, WORD
from cytogate.model.contract.law import contract
from cytogate.model.contract.off_axis import MOST_TURNS, OPD, PHASE_TURNS, TURN_BITS, WRAPPED, off_axis_contract
from cytogate.model.design.instruments import OffAxis
from cytogate.model.files.holograms import open_holograms
from cytogate.model.retrieval.off_axis import integer, reference
from cytogate.model.retrieval.off_axis.calibration import find_carrier, reference_field, reference_of
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband
from tests.holograms import fields, off_axis_design, with_carrier
from tests.streams import real_data

CODE_RAD = 2 * np.pi / (1 << TURN_BITS)


def between(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Differences of arguments, wrapped."""
    return np.asarray((a - b + np.pi) % (2 * np.pi) - np.pi)


@pytest.fixture(scope="module")
def both() -> list[tuple[reference.OffAxisRetrieved, integer.OffAxisWords]]:
    """Simulated fields by both models, with the reference field of an empty hologram."""
    design = off_axis_design()
    holograms = fields(3, cells=2)
    frames = [each.frame for each in holograms]
    sideband = Sideband.of(design)
    field = reference_of(frames, [holograms.empty_field(0)], Placing.of(design), sideband) * sideband.ramp
    phasor = integer.reference_phasor(field)
    return [(reference.retrieve(each, design, field), integer.retrieve(each, design, phasor)) for each in frames]


def test_arguments_and_phases_are_within_the_bound(
    both: list[tuple[reference.OffAxisRetrieved, integer.OffAxisWords]],
) -> None:
    design, compared = off_axis_design(), 0
    stages = {stage.name: stage for stage in contract(design).stages}
    part = Placing.of(design).believed
    for real, words in both:
        wrapped = between(stages["wrapped"].values(words.wrapped), real.wrapped)[part]
        assert 0 < math.sqrt(np.mean(wrapped**2)) < stages["wrapped"].bound.fixed / 10
        for name in ("phase", "opd"):
            rest = stages[name].values(getattr(words, name)) - getattr(real, name)
            assert 0 < math.sqrt(np.mean(rest**2)) < stages[name].bound.fixed / 5
        compared += 3 * wrapped.size
    assert compared == 3 * 3 * 120**2


def test_what_is_transformed_is_what_it_says_but_for_roundings(
    both: list[tuple[reference.OffAxisRetrieved, integer.OffAxisWords]],
) -> None:
    """Spectrum and sideband agree line by line with the float reference, in its scale."""
    design = off_axis_design()
    terms, disk = off_axis_contract(design), Sideband.of(design).disk.any(axis=0)
    for real, words in both:
        rows = (words.spectrum[..., 0] + 1j * words.spectrum[..., 1]) * 2.0 ** words.spectrum_exponent[:, None]
        scale = 2.0**terms.hologram_shift
        # The column of frequency zero holds the mean, which the disk leaves out.
        rest = np.abs(rows / scale - real.spectrum)[:, disk]
        assert rest.max() < 1e-4 * np.abs(real.spectrum).max()
        exponent = int(words.spectrum_exponent.max())
        band = (words.sideband[..., 0] + 1j * words.sideband[..., 1]) * 2.0 ** (words.sideband_exponent + exponent)
        assert np.abs(band / scale - real.sideband).max() < 1e-4 * np.abs(real.sideband).max()
        assert np.abs(words.spectrum).max() <= WORD.code_max
        assert np.abs(words.field).max() <= WORD.code_max


def test_cordic_is_the_argument_to_a_code_and_a_half() -> None:
    rng = np.random.default_rng(0)
    parts = np.concatenate([rng.integers(-(1 << 17), 1 << 17, (20_000, 2)), rng.integers(-9, 10, (2_000, 2))])
    found = integer.argument(integer.Pair(parts[:, 0], parts[:, 1]))
    rest = between(found * CODE_RAD, np.arctan2(parts[:, 1], parts[:, 0]))[np.any(parts, axis=1)]
    assert np.abs(rest).max() < 1.5 * CODE_RAD
    assert found.min() >= WRAPPED.code_min
    assert found.max() <= WRAPPED.code_max
    assert not found[~np.any(parts, axis=1)].any()
    assert integer.argument(integer.Pair(np.array([-5]), np.array([0])))[0] == WRAPPED.code_min


def test_the_cosine_transforms_undo_each_other() -> None:
    rng = np.random.default_rng(1)
    lines = rng.integers(-(1 << 17), 1 << 17, (8, 128))
    words, exponents = integer._cosine(lines)
    back, gained = integer._inverse_cosine(words)
    assert np.abs((back << (exponents + gained)[:, None]) / 128 - lines).max() < 40


def test_unwrapping_adds_the_turns_that_the_reference_adds() -> None:
    """On maps without residues every pixel, whatever the words' widths cost."""
    y, x = np.mgrid[:128, :128]
    part = slice(4, 124), slice(4, 124)
    compared = 0
    for top, wide in ((30.0, 14), (100.0, 30), (-60.0, 20)):
        phase = top * np.exp(-((y - 60) ** 2 + (x - 66) ** 2) / (2 * wide**2))
        codes = np.rint(phase / CODE_RAD).astype(np.int64)
        found = integer.unwrap(WRAPPED.limit(codes), part)
        turns = (found - codes)[part] / (1 << TURN_BITS)
        assert np.array_equal(turns, np.full_like(turns, turns[0, 0]))
        compared += turns.size
    assert compared == 3 * 120**2


def extremes() -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:256, :256]
    border = 128 + 127 * np.cos(2 * np.pi * (0.3 * y + 0.24 * x))
    return {
        "dark": np.zeros((256, 256), np.uint8),
        "saturated": np.full((256, 256), 255, np.uint8),
        "noise": rng.integers(0, 256, (256, 256), dtype=np.uint8),
        "black and white": (255 * rng.integers(0, 2, (256, 256))).astype(np.uint8),
        "full contrast": np.rint(border).astype(np.uint8),
        "checkered": (255 * ((x + y) % 2)).astype(np.uint8),
    }


@pytest.mark.parametrize("name", extremes())
@pytest.mark.parametrize("carrier", [(0.3, 0.24), (0.4999, 0.01)])
def test_no_hologram_leaves_the_formats(name: str, carrier: tuple[float, float]) -> None:
    """Nor does a carrier at the border of the spectrum, whose disk comes in from the other side."""
    design = with_carrier(off_axis_design(), *carrier)
    phasor = integer.reference_phasor(reference_field(design))
    words = integer.retrieve(extremes()[name], design, phasor)
    for codes, form in ((words.wrapped, WRAPPED), (words.phase, PHASE_TURNS), (words.opd, OPD)):
        assert form.code_min <= codes.min()
        assert codes.max() <= form.code_max


def test_constants_hold_what_the_law_needs() -> None:
    terms = off_axis_contract(off_axis_design())
    assert integer.poisson_divisors(256)[1] * 2.0**-28 == pytest.approx(2 - 2 * math.cos(math.pi / 256), rel=2e-5)
    assert terms.delay_gain.value * PHASE_TURNS.step**-1 * OPD.step == pytest.approx(633.0, rel=1e-5)
    assert PHASE_TURNS.max > MOST_TURNS + 0.5
    assert TWIDDLE.encode(1.0) == 1 << TWIDDLE.fraction_bits
    assert [stage.name for stage in terms.stages] == [
        "hologram", "spectrum", "sideband", "field", "wrapped", "phase", "opd", "found", "center", "region",
        "network_input",
    ]  # fmt: skip


@pytest.mark.realdata
def test_real_holograms_are_within_a_milliradian() -> None:
    folder, compared = real_data() / "off_axis_holograms", 0
    for name, rows, columns, size in (
        ("hl60_hologram_cell.npz", 200, 210, 256), ("glioblastoma_offaxis.jpg", 2049, 2049, 512),
    ):  # fmt: skip
        optics = OffAxis(hologram_size=size, rows=rows, columns=columns)
        with open_holograms(folder / name, optics) as file:
            frame, empty = file.read(0), list(file.empty_fields)
        carrier = find_carrier(empty or [frame])
        design = off_axis_design(optics=optics)
        design = with_carrier(design, carrier.y, carrier.x, min(carrier.radius, 0.122))
        placing, sideband = Placing.of(design), Sideband.of(design)
        field = reference_of([frame], empty, placing, sideband) * sideband.ramp
        real = reference.retrieve(frame, design, field)
        words = integer.retrieve(frame, design, integer.reference_phasor(field))
        part = placing.believed
        wrapped = between(words.wrapped[part] * CODE_RAD, real.wrapped[part])
        phase = words.phase[part] * CODE_RAD - real.phase[part]
        assert math.sqrt(np.mean(wrapped**2)) < 1e-3
        assert math.sqrt(np.mean(phase**2)) < 1e-3
        compared += wrapped.size
    assert compared > 70_000
