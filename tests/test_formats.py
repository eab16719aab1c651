"""The contract's rounding and overflow: a table, properties against exact fractions, and the C++ types themselves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytogate.model.contract.fixed_point import (
    GRADIENT,
    PHASE,
    PIXEL,
    TWIDDLE,
    WORD,
    Format,
    Gain,
    Overflow,
    Rounding,
    shift_right,
)
from cytogate.model.contract.law import contract
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.stage import Stage
from cytogate.model.design.design import Design
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError

PHASE_DESIGNS = [name for name in builtin_names() if load_design(name).retrieves_phase]
ROUNDING_TABLE = {
    # value in steps: (truncate, half up, convergent)
    -2.75: (-3, -3, -3),
    -2.5: (-3, -2, -2),
    -2.25: (-3, -2, -2),
    -1.5: (-2, -1, -2),
    -0.5: (-1, 0, 0),
    0.25: (0, 0, 0),
    0.5: (0, 1, 0),
    0.75: (0, 1, 1),
    1.5: (1, 2, 2),
    2.5: (2, 3, 2),
    3.5: (3, 4, 4),
}
MODES = (Rounding.TRUNCATE, Rounding.HALF_UP, Rounding.CONVERGENT)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", ROUNDING_TABLE)
def test_rounding_table(value: float, mode: Rounding) -> None:
    due = ROUNDING_TABLE[value][MODES.index(mode)]
    assert Format(8, 8, rounding=mode).encode(value) == due
    assert shift_right(int(value * 4), 2, mode) == due


def rounded(value: Fraction, mode: Rounding) -> int:
    """Round by the definition, in exact arithmetic."""
    floor = value.numerator // value.denominator
    if mode is Rounding.TRUNCATE:
        return floor
    if mode is Rounding.HALF_UP:
        return (value + Fraction(1, 2)).numerator // (value + Fraction(1, 2)).denominator
    return round(value)


@given(st.integers(-(2**44), 2**44), st.integers(0, 40), st.sampled_from(MODES))
def test_shift_is_division_rounded(code: int, shift: int, mode: Rounding) -> None:
    assert shift_right(code, shift, mode) == rounded(Fraction(code, 2**shift), mode)


@given(
    st.integers(-(2**40), 2**40),
    st.integers(2, 24),
    st.integers(-4, 12),
    st.booleans(),
    st.sampled_from(MODES),
    st.sampled_from(Overflow),
)
def test_encode_is_rounding_then_overflow(
    scaled: int, width: int, integer_bits: int, signed: bool, mode: Rounding, overflow: Overflow
) -> None:
    kind = Format(width, integer_bits, signed, mode, overflow)
    value = Fraction(scaled, 2**16)
    code = rounded(value / Fraction(kind.step), mode)
    if overflow is Overflow.WRAP:
        due = (code - kind.code_min) % 2**width + kind.code_min
    else:
        due = min(max(code, kind.code_min), kind.code_max)
    assert kind.encode(float(value)) == due
    assert kind.code_min <= due <= kind.code_max
    assert kind.code_min == (-kind.code_max if signed else 0) - (signed and overflow is not Overflow.SATURATE_SYMMETRIC)


@given(st.integers(0, 2**18 - 1))
def test_decode_inverts_encode(offset: int) -> None:
    for kind in (WORD, TWIDDLE, GRADIENT, PHASE):
        code = kind.code_min + offset
        assert kind.encode(kind.decode(code)) == code


def test_values_that_have_no_code_are_refused() -> None:
    for value in (float("nan"), float("inf"), 1e30):
        with pytest.raises(ValueError, match="not finite or beyond"):
            PHASE.encode([0.0, value])


def test_ranges() -> None:
    assert (PHASE.min, PHASE.max, PHASE.step) == (-16.0, 16.0 - 2**-13, 2**-13)
    assert (PIXEL.min, PIXEL.max) == (0.0, 255 / 256)
    assert TWIDDLE.encode(1.0) == 1 << TWIDDLE.fraction_bits
    assert PHASE.ap_type == "ap_fixed<18, 5, AP_RND_CONV, AP_SAT>"


@given(st.floats(1e-9, 1e9))
def test_gain_is_within_half_a_step(value: float) -> None:
    gain = Gain.of(value)
    assert 2**17 <= gain.mantissa < 2**18
    assert abs(gain.value - value) <= value * 2**-18


@pytest.mark.parametrize("name", PHASE_DESIGNS)
def test_stages_are_the_documented_ones_in_order(name: str) -> None:
    terms = contract(load_design(name))
    assert [stage.name for stage in terms.stages] == [
        "frames", "binned", "gradient", "spectrum", "quotient", "phase", "network_input",
    ]  # fmt: skip
    assert all(isinstance(stage, Stage) and stage.unit for stage in terms.stages)


def test_block_ram_of_known_shapes() -> None:
    """Xilinx UG473: 36 kbit as 1K x 36 or 2K x 18; small memories go to LUT RAM."""
    assert Buffer("", "", 36, 1024).bram36 == 1
    assert Buffer("", "", 18, 1024).bram36 == 0.5
    assert Buffer("", "", 36, 128 * 128).bram36 == 16
    assert Buffer("", "", 36, 256 * 256).bram36 == 64
    assert Buffer("", "", 36, 64).bram36 == 0


def test_optics_that_no_phase_can_hold_are_refused() -> None:
    tiny = FourAngle(pixel_pitch_x_um=0.005, pixel_pitch_y_um=0.005, pupil_sigma_na=0.01, pupil_shift_na=10.0)
    with pytest.raises(InputError, match="check pixel pitches, wavelength and pupils"):
        contract(Design("extreme", instrument=tiny))
    contract(Design("oblong", instrument=FourAngle(pixel_pitch_x_um=3.2, pixel_pitch_y_um=0.1)))
    for pitches in ((3.3, 0.1), (0.1, 3.3)):
        instrument = FourAngle(pixel_pitch_x_um=pitches[0], pixel_pitch_y_um=pitches[1])
        with pytest.raises(InputError, match=r"pixel pitches of .* um differ by more than a factor of 32"):
            contract(Design("anisotropic", instrument=instrument))


def test_surface_gains_solve_the_normal_equations() -> None:
    """The moments' gains reproduce a known surface to better than one step of its coefficients."""
    for name in PHASE_DESIGNS:
        terms = contract(load_design(name))
        size, fit = terms.size, terms.surface
        u = (2 * np.arange(size) - (size - 1)).astype(float)
        x, y = np.meshgrid(u, u)
        inner = np.abs(u) < size - 16
        border = ~(inner[:, None] & inner)
        for polynomial, gain, due in (
            (x, fit.linear, size), (x * y, fit.twist, size**2), (x * x - y * y, fit.saddle, size**2),
        ):  # fmt: skip
            moment = (polynomial * polynomial)[border].sum()
            assert moment * gain.value / 256 == pytest.approx(due, rel=2**-17)
