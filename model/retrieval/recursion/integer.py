"""Integer model of the laws "two-sided" and "causal": :mod:`cytogate.model.contract.recursion`, word for word.

All arrays are int64 codes with leading cells, rows before columns; a complex number is a pair of arrays (real,
imaginary).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import (
    PHASE,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    WORD,
    Codes,
    shift_right,
)
from cytogate.model.contract.law import (
    OFFSET_ROWS_LOG2,
    CausalContract,
    RecursionContract,
    recursion_contract,
)
from cytogate.model.contract.recursion import (
    BEND_SHIFT,
    COEFFICIENT,
    CONSTANT_FRACTION,
    LINE,
    PHI_FRACTION,
    RESPONSE_FRACTION,
    ROW_WORD,
    SHARPEN,
    SHARPEN_SHIFT,
    SLOPE_FRACTION,
    STATE,
    Half,
)
from cytogate.model.contract.tables import recursion_tables, surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.integer import (
    Pair,
    Surface,
    bit_reversed,
    fit_surface,
    gradients,
    network_input,
    product,
    transform,
)
from cytogate.model.retrieval.remarks import cleaner_halves


@dataclass(frozen=True)
class Retrieved:
    """What came of some frames of one run."""

    stages: dict[str, NDArray]
    """Every stage as codes (cells, *shape) by name, shaped as the contract's rows say."""
    halves: Codes
    """(cells,): which half of the window starts at its clean edge, a Half; both where that is not asked."""
    settled: NDArray[np.bool_]
    """(cells,): whether the background had settled; before it has, a phase is worth little."""
    background: Background | None
    """After the last cell; None where every frame is flattened by its own border."""


def retrieve(frames: NDArray[np.unsignedinteger], design: Design, background: Background | None = None) -> Retrieved:
    """Retrieve phase from raw frames (cells, 4, rows, columns) of unsigned codes, order +x, -x, +y, -y.

    They are frames of one run, in their order, which begins with ``background``. None stands for an unknown one where
    the law is causal. Where it is two-sided None stands for each frame's own border; a background is that of empty
    fields, is never changed, and lets each frame choose its half.
    """
    terms = recursion_contract(design)
    binned = bin_codes(frames, design)
    gradient = gradients(binned, terms)
    stages = {"frames": frames, "binned": binned, "gradient": gradient}
    if isinstance(terms, CausalContract):
        course = (background or Background.unknown()).over(border_fits(gradient, terms))
        stages |= integrate(gradient, binned, terms, course.surfaces)
        return Retrieved(stages, cleaner_halves(gradient), course.settled, course.last)
    known = None
    if background is not None:
        known = np.broadcast_to(background.surface, (len(frames), *background.surface.shape))
    stages |= integrate(gradient, binned, terms, known)
    return Retrieved(stages, told_by(gradient, known, terms), np.ones(len(frames), bool), background)


def integrate(gradient: Codes, binned: Codes, terms: RecursionContract, surfaces: Codes | None) -> dict[str, NDArray]:
    """Return the stages behind the gradient of gradient codes (cells, N, N, 2) and binned codes (cells, 4, N, N).

    ``surfaces`` (cells, 6, 2) are known beforehand; None, of the law "two-sided", are those of the frames' own borders.
    """
    stages: dict[str, NDArray] = {}
    halves = told_by(gradient, surfaces, terms)
    if isinstance(terms, CausalContract):
        assert surfaces is not None
        stages["background"] = surfaces
    elif surfaces is None:
        surfaces = border_fits(gradient, terms)
    fit, sharp = surface_of(surfaces), sharpen(gradient)
    plus, minus = row_words(sharp, terms)
    stages["rows"] = np.stack([np.stack(words, axis=-1) for words in (plus, minus)], axis=-2)
    columns = integrate_columns(plus, minus, fit, halves, terms)
    mean = mean_column(sharp[..., 1].sum(axis=-1), fit, halves, terms)[..., None]
    both = [np.concatenate(parts, axis=-1) for parts in ((np.zeros_like(mean), columns.re), (mean, columns.im))]
    stages["columns"] = np.stack(both, axis=-1)
    stages["phase"] = phase_of(stages["columns"], terms)
    stages["network_input"] = network_input(binned, stages["phase"], terms)
    return stages


def border_fits(gradient: Codes, terms: RecursionContract) -> Codes:
    """Return the surfaces of the borders of gradients (cells, N, N, 2) as coefficients (cells, 6, 2)."""
    surface = fit_surface(gradient, terms)
    return np.stack([np.concatenate(pair, axis=-1) for pair in surface], axis=1)


def empty_field(frames: NDArray[np.unsignedinteger], design: Design) -> Background:
    """Return the background of frames (cells, 4, rows, columns) without a cell: the mean of their borders' surfaces."""
    terms = recursion_contract(design)
    fits = border_fits(gradients(bin_codes(frames, design), terms), terms)
    return Background(np.rint(fits.mean(axis=0)).astype(np.int64))


def surface_of(coefficients: Codes) -> Surface:
    """Return surfaces of coefficients (cells, 6, 2)."""
    parts = np.moveaxis(coefficients, 1, 0)
    return Surface(*(Pair(part[:, :1], part[:, 1:]) for part in parts))


def told_by(gradient: Codes, surfaces: Codes | None, terms: RecursionContract) -> Codes:
    """Return which half tells each cell (cells,): of the law "causal" the downward one; both if no surface is known."""
    if isinstance(terms, CausalContract):
        return np.full(len(gradient), Half.DOWN)
    return np.full(len(gradient), Half.BOTH) if surfaces is None else cleaner_halves(gradient)


def sharpen(gradient: Codes) -> Codes:
    """Subtract from gradients (cells, N, N, 2) a twelfth of their second difference along y; item 4."""
    sharp = gradient.copy()
    second = gradient[:, :-2] - 2 * gradient[:, 1:-1] + gradient[:, 2:]
    sharp[:, 1:-1] -= shift_right(SHARPEN * second, SHARPEN_SHIFT)
    return sharp


def row_words(sharp: Codes, terms: RecursionContract) -> tuple[Pair, Pair]:
    """Return row words G[k] and conj G[-k], (cells, y, k) each, k = 1 ... N/2 - 1; item 5."""
    half = terms.size // 2
    grown = transform(Pair(sharp[..., 0], sharp[..., 1]), False)
    re, im = (ROW_WORD.limit(shift_right(part, terms.words.unit)) for part in grown)
    return Pair(re[..., 1:half], im[..., 1:half]), Pair(re[..., :half:-1], -im[..., :half:-1])


def recursion(drive: Pair, terms: RecursionContract) -> Pair:
    """Return states (cells, y, k) of ``e[0] = 0, e[y+1] = a e[y] + drive[y]``; item 6."""
    a, fraction = recursion_tables(terms.size).a, terms.words.state_fraction
    states = Pair(*(np.zeros_like(part) for part in drive))
    for part, state in zip(drive, states, strict=True):
        for y in range(terms.size - 1):
            state[:, y + 1] = shift_right(a * state[:, y], COEFFICIENT.fraction_bits) + (part[:, y] << fraction)
    return states


class Lines(NamedTuple):
    """A surface's row transform along y, of columns k = 1 ... N/2 - 1: ``A + B y``, (cells, k) pairs; item 7."""

    constant: Pair
    slope: Pair

    def at(self, y: Codes) -> Pair:
        """Return the lines at rows ``y`` (rows, 1) in units, (cells, rows, k)."""
        return Pair(*(
            shift_right((a[:, None] << (SLOPE_FRACTION - CONSTANT_FRACTION)) + b[:, None] * y, SLOPE_FRACTION)
            for a, b in zip(self.constant, self.slope, strict=True)
        ))  # fmt: skip


def surface_lines(fit: Surface, terms: RecursionContract, y_sign: int = 1) -> Lines:
    """Return the lines of G[k]; with ``y_sign`` -1 those of conj G[-k], in which the y gradient changes its sign."""
    columns = slice(1, terms.size // 2)
    s, s_squared = (Pair(*table[columns].T) for table in surface_spectra(terms.size))
    constant, squared, twist = (Pair(part.re, y_sign * part.im) for part in (fit.s, fit.ss, fit.st))
    along = Pair(*(p + q for p, q in zip(product(constant, s), product(squared, s_squared), strict=True)))
    across = product(twist, s)
    bits, fraction = terms.size_log2, terms.words.surface_fraction
    first = [(p << bits) - (terms.size - 1) * q for p, q in zip(along, across, strict=True)]
    return Lines(
        Pair(*(LINE.limit(shift_right(part, fraction - CONSTANT_FRACTION)) for part in first)),
        Pair(*(LINE.limit(shift_right(2 * part, fraction - SLOPE_FRACTION)) for part in across)),
    )


def less_response(states: Pair, lines: Lines, terms: RecursionContract) -> Pair:
    """Subtract from states (cells, y, k) the recursion's answer to the lines; items 7 and 9."""
    tables, words, y = recursion_tables(terms.size), terms.words, np.arange(terms.size)[:, None]
    place = y * np.arange(1, terms.size // 2)
    decay = np.where(place < len(tables.decay), tables.decay[np.minimum(place, len(tables.decay) - 1)], 0)
    one = COEFFICIENT.fraction_bits
    parts = []
    for state, a, b in zip(states, *lines, strict=True):
        beta = LINE.limit(shift_right(b * tables.r, words.reciprocal_fraction + SLOPE_FRACTION - RESPONSE_FRACTION))
        alpha = STATE.limit(shift_right(
            ((a << (RESPONSE_FRACTION - CONSTANT_FRACTION)) - beta) * tables.r,
            words.reciprocal_fraction + RESPONSE_FRACTION - words.state_fraction,
        ))  # fmt: skip
        rise = alpha[:, None] * ((1 << one) - decay)
        rise += (beta[:, None] * y) << (words.state_fraction + one - RESPONSE_FRACTION)
        parts.append(np.where(y > 0, STATE.limit(state - shift_right(rise, one)), 0))
    return Pair(*parts)


def integrate_columns(plus: Pair, minus: Pair, fit: Surface, halves: Codes, terms: RecursionContract) -> Pair:
    """Return i phi^ (cells, y, k) of row words G[k] and conj G[-k] (cells, y, k) and their surface; items 6 to 10."""
    tables, words = recursion_tables(terms.size), terms.words
    y = np.arange(terms.size)[:, None]
    lines_down, lines_up = surface_lines(fit, terms), surface_lines(fit, terms, y_sign=-1)

    def flat(pair: Pair, lines: Lines) -> Pair:
        return Pair(*(WORD.limit(part - line) for part, line in zip(pair, lines.at(y), strict=True)))

    down, up = flat(plus, lines_down), flat(minus, lines_up)
    if isinstance(terms, CausalContract):
        first = second = recursion(down, terms)
        near = far = down
    else:
        e = less_response(recursion(plus, terms), lines_down, terms)
        f = Pair(*(part[:, ::-1] for part in recursion(Pair(*(part[:, ::-1] for part in up)), terms)))
        only_up, only_down = ((halves == half)[:, None, None] for half in (Half.UP, Half.DOWN))
        first, near = _either(only_up, f, e), _either(only_up, up, down)
        second, far = _either(only_down, e, f), _either(only_down, down, up)
    shift = COEFFICIENT.fraction_bits + words.state_fraction - PHI_FRACTION
    return Pair(*(
        shift_right(
            shift_right(first[part] + second[part], 1) * tables.q
            + ((near[part] + far[part]) << (words.state_fraction - 1)) * tables.u,
            shift,
        )
        for part in (0, 1)
    ))  # fmt: skip


def _either(condition: NDArray[np.bool_], this: Pair, that: Pair) -> Pair:
    return Pair(*(np.where(condition, p, q) for p, q in zip(this, that, strict=True)))


def mean_column(sums: Codes, fit: Surface, halves: Codes, terms: RecursionContract) -> Codes:
    """Return phi^ (cells, y) of kx = 0 from row sums (cells, y) of the sharpened y gradient; item 11."""
    size, bits, fraction = terms.size, terms.size_log2, SURFACE_COEFFICIENT_FRACTION
    y = np.arange(size)
    v_squared = (2 * y - (size - 1)) ** 2
    steps, bends = np.zeros_like(sums), np.zeros(size, np.int64)
    steps[:, 1:], bends[1:] = sums[:, :-1] + sums[:, 1:], v_squared[:-1] + v_squared[1:]
    third = (size**2 - 1) // 3
    own = (sums.sum(axis=1, keepdims=True) << fraction) - fit.tt.im * third
    known = fit.one.im * size**2 + fit.ss.im * third - shift_right(SHARPEN * fit.tt.im, BEND_SHIFT)
    trend = np.where(halves[:, None] == Half.BOTH, own, known)
    numbers = np.cumsum(steps, axis=1) << (bits + fraction)
    numbers -= 2 * y * trend + fit.t.im * (2 * size * y * (y + 1 - size)) + fit.tt.im * np.cumsum(bends)
    rows = 1 << OFFSET_ROWS_LOG2
    zero = np.where(halves[:, None] == Half.UP, numbers[:, -rows:], numbers[:, :rows])
    shift = OFFSET_ROWS_LOG2 + 1 + bits + fraction + terms.words.unit - PHI_FRACTION
    return STATE.limit(shift_right((numbers << OFFSET_ROWS_LOG2) - zero.sum(axis=1, keepdims=True), shift))


def phase_of(columns: Codes, terms: RecursionContract) -> Codes:
    """Return phase codes (cells, N, N) of i phi^ (cells, y, N/2, 2), two rows a transform; item 12."""
    re, im = columns[..., 1], -columns[..., 0]  # of phi^
    odd, even = Pair(re[:, 1::2], im[:, 1::2]), Pair(re[:, 0::2], im[:, 0::2])
    line_re, line_im = (np.zeros((*re[:, 1::2].shape[:2], terms.size), np.int64) for _ in range(2))
    half = terms.size // 2
    line_re[..., :half], line_im[..., :half] = odd.re - even.im, odd.im + even.re
    # Of -k the conjugates: (re, -im) + i (re, -im).
    line_re[..., :half:-1], line_im[..., :half:-1] = (odd.re + even.im)[..., 1:], (even.re - odd.im)[..., 1:]
    line = inverse_rows(Pair(line_re, line_im), terms)
    phase = np.empty((*re.shape[:2], terms.size), np.int64)
    gain = terms.phase_gain
    for start, part in ((1, line.re), (0, line.im)):
        phase[:, start::2] = PHASE.limit(shift_right(part * gain.mantissa, gain.shift))
    return phase


def inverse_rows(lines: Pair, terms: RecursionContract) -> Pair:
    """Transform lines back, radix-2 decimation in frequency; every word is saturated to that of a state."""
    re, im = (STATE.limit(part) for part in lines)
    shape, size = re.shape, terms.size
    twiddle_re, twiddle_im = twiddles(size).T
    for level in range(terms.size_log2):
        blocks = (*shape[:-1], 1 << level, 2, size >> (level + 1))
        re, im = re.reshape(blocks), im.reshape(blocks)
        sums = [part[..., 0, :] + part[..., 1, :] for part in (re, im)]
        d_re, d_im = (STATE.limit(part[..., 0, :] - part[..., 1, :]) for part in (re, im))
        w_re, w_im = twiddle_re[:: 1 << level], -twiddle_im[:: 1 << level]
        turned = [
            shift_right(d_re * w_re - d_im * w_im, TWIDDLE.fraction_bits),
            shift_right(d_re * w_im + d_im * w_re, TWIDDLE.fraction_bits),
        ]
        re, im = (STATE.limit(np.stack(both, axis=-2)) for both in zip(sums, turned, strict=True))
    order = bit_reversed(terms.size)
    return Pair(re.reshape(shape)[..., order], im.reshape(shape)[..., order])
