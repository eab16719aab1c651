"""Integer model of the Q-ATOM phase retrieval: the law "fft" of :mod:`cytogate.model.contract.law`, word for word.

All arrays are int64 codes with leading cells. Lines are transformed along the last axis; a complex number is a pair of
arrays (real, imaginary).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import (
    BORDER,
    GRADIENT,
    LOG_FRACTION,
    PHASE,
    PIXEL,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    WORD,
    Codes,
    Gain,
    shift_right,
)
from cytogate.model.contract.law import (
    OFFSET_ROWS_LOG2,
    PHASE_CODE_OFFSET_RAD,
    TRANSPOSE_GUARD_BITS,
    FourAngleContract,
    fft_contract,
)
from cytogate.model.contract.stage import Stage
from cytogate.model.contract.tables import log_fractions, quotient_quadrant, surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.retrieval.binning import bin_codes

CELLS_AT_A_TIME = 8
"""Cells whose arrays stay within a processor's second-level cache, more or less."""


class Pair(NamedTuple):
    """Real and imaginary part."""

    re: Codes
    im: Codes

    @property
    def turned(self) -> Pair:
        """Rows for columns."""
        return Pair(self.re.swapaxes(-1, -2), self.im.swapaxes(-1, -2))


@dataclass(frozen=True)
class Retrieved:
    """Every stage of some cells as codes, shaped as the contract's rows say."""

    frames: NDArray
    binned: Codes
    gradient: Codes
    spectrum: Codes
    spectrum_exponent: Codes
    """(cells, columns); the quotient's as well."""
    quotient: Codes
    phase: Codes
    network_input: NDArray[np.uint8]


def retrieve(frames: NDArray[np.unsignedinteger], design: Design) -> Retrieved:
    """Retrieve phase from raw frames (cells, 4, rows, columns) of unsigned codes, order +x, -x, +y, -y."""
    terms = fft_contract(design)
    binned = bin_codes(frames, design)
    gradient = gradients(binned, terms)
    return integrate(gradient, binned, terms, frames)


def network_inputs(frames: NDArray[np.unsignedinteger], design: Design) -> NDArray[np.uint8]:
    """Return the network's input (cells, N, N, 5) of any number of raw frames (cells, 4, rows, columns)."""
    return np.concatenate([part.network_input for part in retrieve_batches(frames, design)])


def retrieve_batches(frames: NDArray[np.unsignedinteger], design: Design) -> Iterator[Retrieved]:
    """Retrieve a few cells at a time."""
    for start in range(0, len(frames), CELLS_AT_A_TIME):
        yield retrieve(frames[start : start + CELLS_AT_A_TIME], design)


def gradients(binned: Codes, terms: FourAngleContract) -> Codes:
    """Return (gx, gy) codes (cells, N, N, 2) from binned codes (cells, 4, N, N)."""
    logs = log2(binned, terms)
    ratio = GRADIENT.limit(logs[:, 0::2] - logs[:, 1::2])
    gains = np.reshape(terms.gradient_gains, (2, 1, 1))
    return np.moveaxis(GRADIENT.limit(shift_right(ratio * gains, TWIDDLE.fraction_bits)), 1, -1)


def log2(codes: Codes, terms: FourAngleContract) -> Codes:
    """Return log2 of non-negative codes in steps of the gradient's format; zero counts as one half."""
    exponent = bit_length(codes) - 1
    behind, bits = terms.binned.width - 1, terms.log_address_bits
    fraction = (codes << (behind - exponent)) & ((1 << behind) - 1)
    # Exponent and fraction round as one number: a fraction that rounds up to 1 carries into the exponent.
    rounded = shift_right((exponent << behind) + fraction, behind - bits)
    return ((rounded >> bits) << LOG_FRACTION.width) + log_fractions(bits)[rounded & ((1 << bits) - 1)]


def integrate(gradient: Codes, binned: Codes, terms: FourAngleContract, frames: NDArray) -> Retrieved:
    """Integrate gradient codes (cells, N, N, 2) to phase; the law's items 3 to 8."""
    rows, row_exponents = block_normalise(transform(Pair(gradient[..., 0], gradient[..., 1]), False))
    columns, frame_exponent = _transpose(rows, row_exponents)
    columns = _subtract_surface(columns, frame_exponent, gradient, terms)

    spectrum, exponents = block_normalise(transform(columns, False))
    exponents += frame_exponent[:, None]
    quotient = _quotient(spectrum, terms)
    columns, growth = block_normalise(transform(quotient, True))

    rows, frame_exponent = _transpose(columns, exponents + growth)
    rows, growth = block_normalise(transform(_subtract_offset(rows), True))
    phase = _phase(rows.im, frame_exponent[:, None] + growth, terms.phase_gain)
    return Retrieved(
        frames=frames,
        binned=binned,
        gradient=gradient,
        spectrum=_saved(spectrum, terms.stage("spectrum")),
        spectrum_exponent=exponents,
        quotient=_saved(quotient, terms.stage("quotient")),
        phase=phase,
        network_input=network_input(binned, phase, terms),
    )


def transform(lines: Pair, inverse: bool) -> Pair:
    """Transform along the last axis, radix-2 decimation in frequency; words grow, only twiddle products round."""
    re, im = lines
    shape, size = re.shape, re.shape[-1]
    twiddle_re, twiddle_im = twiddles(size).T
    if inverse:
        twiddle_im = -twiddle_im
    for level in range(size.bit_length() - 1):
        half = size >> (level + 1)
        blocks = (*shape[:-1], 1 << level, 2, half)
        re, im = re.reshape(blocks), im.reshape(blocks)
        sum_re, sum_im = re[..., 0, :] + re[..., 1, :], im[..., 0, :] + im[..., 1, :]
        diff_re, diff_im = re[..., 0, :] - re[..., 1, :], im[..., 0, :] - im[..., 1, :]
        w_re, w_im = twiddle_re[:: 1 << level], twiddle_im[:: 1 << level]
        turned_re = shift_right(diff_re * w_re - diff_im * w_im, TWIDDLE.fraction_bits)
        turned_im = shift_right(diff_re * w_im + diff_im * w_re, TWIDDLE.fraction_bits)
        re, im = np.stack([sum_re, turned_re], axis=-2), np.stack([sum_im, turned_im], axis=-2)
    order = bit_reversed(size)
    return Pair(re.reshape(shape)[..., order], im.reshape(shape)[..., order])


def block_normalise(lines: Pair) -> tuple[Pair, Codes]:
    """Bring lines (..., lines, N) of grown words to W bits; return them and their exponents (..., lines)."""
    largest = np.maximum(np.abs(lines.re).max(axis=-1), np.abs(lines.im).max(axis=-1))
    exponents = np.maximum(0, bit_length(largest) + 1 - WORD.width)
    return Pair(*(WORD.limit(shift_right(part, exponents[..., None])) for part in lines)), exponents


def _transpose(lines: Pair, exponents: Codes) -> tuple[Pair, Codes]:
    """Swap the last two axes and bring all lines to one exponent (cells,), with a guard bit for a subtraction."""
    frame = exponents.max(axis=-1) + TRANSPOSE_GUARD_BITS
    shift = (frame[:, None] - exponents)[..., None]
    return Pair(*(shift_right(part, shift).swapaxes(-1, -2) for part in lines)), frame


def _subtract_surface(columns: Pair, exponent: Codes, gradient: Codes, terms: FourAngleContract) -> Pair:
    """Subtract the border's surface from row transforms, read as columns (cells, kx, y) at ``exponent`` (cells,).

    The row transform of the surface is ``N (A + D t + Q t^2)`` along a column, with t = v / N and odd integers v. In
    the column kx = 0 alone D has a part that does not vary along x, and Q is not zero.
    """
    size, bits = terms.size, terms.size_log2
    fit = fit_surface(gradient, terms)
    s, s_squared = (Pair(*table.T) for table in surface_spectra(size))
    unit = np.eye(1, size, dtype=np.int64)[0] << TWIDDLE.fraction_bits
    mean = Pair(unit, np.zeros_like(unit))
    v = 2 * np.arange(size) - (size - 1)
    shift = (SURFACE_COEFFICIENT_FRACTION + TWIDDLE.fraction_bits + exponent)[:, None, None]

    def subtract(words: Codes, part: int) -> Codes:
        a = product(fit.one, mean)[part] + product(fit.s, s)[part] + product(fit.ss, s_squared)[part]
        d = product(fit.t, mean)[part] + product(fit.st, s)[part]
        q = product(fit.tt, mean)[part] >> bits
        surface = (a << bits)[..., None] + d[..., None] * v + q[..., None] * v**2
        return WORD.limit(words - shift_right(surface, shift))

    return Pair(subtract(columns.re, 0), subtract(columns.im, 1))


class Surface(NamedTuple):
    """Complex coefficients of the surface, each a pair of (cells, 1)."""

    one: Pair
    s: Pair
    t: Pair
    ss: Pair
    tt: Pair
    st: Pair


def fit_surface(gradient: Codes, terms: FourAngleContract) -> Surface:
    """Fit gradient codes (cells, N, N, 2); coefficients have 8 bits below the gradient's step."""
    size, fit = terms.size, terms.surface
    u = 2 * np.arange(size) - (size - 1)
    inner = np.abs(u) < size - 2 * BORDER
    border = np.where((inner[:, None] & inner)[..., None], 0, gradient)
    along_x, along_y = border.sum(axis=1), border.sum(axis=2)
    m = along_x.sum(axis=1)
    mu, mv = (np.einsum("cnp,n->cp", line, u) for line in (along_x, along_y))
    muu, mvv = (np.einsum("cnp,n->cp", line, u * u) for line in (along_x, along_y))
    muv = np.einsum("cyxp,y,x->cp", border, u, u, optimize=True)

    bowl = _scaled(16 * (muu + mvv) - fit.kappa_16ths * m, fit.bowl)
    saddle = _scaled(muu - mvv, fit.saddle)
    one = _scaled(m, fit.mean) - shift_right(bowl * fit.kappa, TWIDDLE.fraction_bits)
    coefficients = (
        one, _scaled(mu, fit.linear), _scaled(mv, fit.linear), bowl + saddle, bowl - saddle, _scaled(muv, fit.twist),
    )  # fmt: skip
    return Surface(*(Pair(c[:, :1], c[:, 1:]) for c in coefficients))


def _scaled(moments: Codes, gain: Gain) -> Codes:
    """Multiply by a gain and round convergently; the product exceeds 64 bits, so it is made of Python's integers."""

    def scaled(moment: int) -> int:
        product = moment * gain.mantissa
        tie_down = 1 - ((product >> gain.shift) & 1)
        return (product + (1 << gain.shift >> 1) - tie_down) >> gain.shift

    return np.array([[scaled(int(moment)) for moment in cell] for cell in moments], np.int64)


def _quotient(spectrum: Pair, terms: FourAngleContract) -> Pair:
    """Multiply columns (cells, kx, ky) by ``1 / (kx + i ky)``; one bit wider than a word."""
    half = terms.size // 2
    k = np.abs(np.fft.fftfreq(terms.size, 1 / terms.size).astype(np.int64))
    # The Nyquist frequency has no place in the quadrant; it is zeroed below, whatever is read for it.
    quadrant = quotient_quadrant(terms.size)[np.ix_(k % half, k % half)]
    sign = np.where(np.arange(terms.size) < half, 1, -1)
    keep = (k < half)[:, None] & (k < half)
    inverse = Pair(quadrant * sign[:, None] * keep, -quadrant.T * sign * keep)
    return Pair(*(shift_right(part, TWIDDLE.fraction_bits) for part in product(spectrum, inverse)))


def _subtract_offset(rows: Pair) -> Pair:
    """Subtract from the words kx = 0 of rows (cells, y, kx) the mean of the first of them: the phase's zero."""
    im = rows.im.copy()
    im[..., 0] -= shift_right(im[:, : 1 << OFFSET_ROWS_LOG2, 0].sum(axis=-1), OFFSET_ROWS_LOG2)[:, None]
    return Pair(rows.re, im)


def _phase(words: Codes, exponents: Codes, gain: Gain) -> Codes:
    """Return phase codes (cells, rows, columns) from words of the last pass and the exponents of their rows."""
    shift = (gain.shift - exponents)[..., None]
    product = (words * gain.mantissa) << np.maximum(-shift, 0)
    return PHASE.limit(shift_right(product, np.maximum(shift, 0)))


def network_input(binned: Codes, phase: Codes, terms: FourAngleContract) -> NDArray[np.uint8]:
    """Return the network's channels (cells, N, N, 5) from binned (cells, 4, N, N) and phase codes (cells, N, N)."""
    offset = int(PHASE.encode(PHASE_CODE_OFFSET_RAD))
    code = shift_right(phase + offset, terms.phase_code_shift)
    channels = np.concatenate([shift_right(binned, terms.pixel_shift), code[:, None]], axis=1)
    return np.moveaxis(PIXEL.limit(channels), 1, -1).astype(np.uint8)


def product(a: Pair, b: Pair) -> Pair:
    """Return the complex product, exact."""
    return Pair(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def _saved(columns: Pair, stage: Stage) -> Codes:
    """Return columns (cells, kx, ky), which is the order of the stream, as the stage's array."""
    return stage.from_stream(np.stack(columns, axis=-1).reshape(len(columns.re), -1))


def bit_reversed(size: int) -> NDArray[np.intp]:
    """Return the order in which a decimation in frequency leaves a line of ``size`` words."""
    order = np.zeros(1, np.intp)
    for _ in range(size.bit_length() - 1):
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def bit_length(codes: Codes) -> Codes:
    """Return the bit length of non-negative integers below 2^53."""
    return np.frexp(codes.astype(np.float64))[1].astype(np.int64)
