"""The laws "two-sided" and "causal" of phase retrieval: one recursion along the columns in place of three transforms.

With ``G = (dx + i dy) phi`` the row transform of the phase obeys ``d phi^ / dy = -i G^ - kappa phi^`` for each kx,
``kappa = 2 pi kx / N``: a recursion of first order along y that is stable downward for kx > 0 and upward for kx < 0.
Phase is real, so that both are estimates of one column of the spectrum; the law "two-sided" takes their mean, the law
"causal" the downward one alone, whose rows leave while later ones arrive.

Items 1, 2 and 8 are those of :mod:`cytogate.model.contract.law`, and so is what is not said here. ``N = 2^L``, a *unit*
is ``2^(L-2)`` gradient codes, ``k = kx`` from 1 to N/2 - 1. Shifts to the right round convergently; nothing else rounds
and nothing saturates unless it is said. A state has ``f`` bits below a unit, phi^ one bit.

3. *surface*: the least-squares surface of the frame's border, or one that is known beforehand (the background, below).
4. *sharpened* along y: ``h[y] = g[y] - ((85 (g[y-1] - 2 g[y] + g[y+1])) >> 10)``, about a twelfth of the second
   difference; the first and the last row stay as they are. 19 bits hold it. With it, straight lines between the rows,
   inside exact exponentials, integrate as a cubic rule of four rows does.
5. *rows*: radix-2 decimation in frequency, words grow; ``G[k] = saturate(word >> (L-2))`` to 18 bits, as far below zero
   as above, so that a conjugate is a word. Of kx = 0 the exact sum ``Y[y]`` of the y gradient is kept, of the Nyquist
   column nothing.
6. *down*: ``e[0] = 0, e[y+1] = ((a e[y]) >> 17) + (G[k,y] << f)``, both parts alike, ``a = exp(-kappa)``. 25 bits hold
   it: ``2^f 2^17 / (1 - a) < 2^23.4``.
7. *lines*, once a surface and k: for kx != 0 its row transform is linear in y. With the surface's spectra s^ and ss^,
   ``P = c_s s^ + c_ss ss^`` and ``Q = c_st s^``, 24 bits below a gradient code;
   ``A = saturate27(((P << L) - (N-1) Q) >> (24 + (L-2) - 8))`` and
   ``B = saturate27((2 Q) >> (24 + (L-2) - 14))``, 8 and 14 bits below a unit. For ``conj G[-k]`` the coefficients of
   the y gradient change their sign. Two-sided, of the recursion's answer to the line:
   ``beta = saturate27((B r) >> (R + 4))``, 10 bits below a unit, and
   ``alpha = saturate25((((A << 2) - beta) r) >> (R + 10 - f))``, with ``r = 1 / (1 - a)`` of the coded a in R bits.
8. *less surface*: ``H+ = saturate18(G[k] - (((A << 6) + B y) >> 14))``, and ``H-`` likewise of ``conj G[-k]``.
   Causal, H+ takes the place of G[k] in item 6, and there is no way back.
9. *back*, two-sided, from the last row up:
   ``e' = saturate25(e - ((alpha (2^17 - E[k y]) + (beta y << (f + 7))) >> 17))``, 0 at y = 0, with
   ``E[m] = exp(-2 pi m / N)``, 0 from m = 2 N on; ``f[N-1] = 0, f[y-1] = ((a f[y]) >> 17) + (H-[y] << f)``.
10. *columns*: ``i phi^ = (((e' + f) >> 1) q + ((H+ + H-) << (f-1)) u) >> (16 + f)``; of one half, e and H+ twice
    (causal), or f and H- twice. ``u = (kappa - 1 + exp(-kappa)) / kappa^2`` and ``q = (1 / kappa - u) (1 - a)`` of the
    coded a, on paper ``((1 - a) / kappa)^2``: a constant gradient is answered exactly.
11. *kx = 0*: ``T[y]`` sums ``Y[m-1] + Y[m]`` for m = 1 ... y, ``V[y]`` likewise ``v^2`` with ``v = 2 y - (N-1)``;
    ``n[y] = (N T[y] << 8) - 2 y trend - c_t 2 N y (y + 1 - N) - c_tt V[y]`` is an exact integer. Two-sided,
    ``trend = (sum of Y << 8) - c_tt (N^2-1)/3`` takes the mean gradient away; of one half,
    ``trend = N^2 c_1 + c_ss (N^2-1)/3 - ((85 c_tt) >> 7)`` takes the surface's alone, of which sharpening bends t^2.
    ``phi^[0,y] = saturate25(((n[y] << 3) - sum of n[0..7]) >> (L + 12 + (L-2) - 1))``: the phase's zero is the mean of
    the first 8 rows; of the upward half, of the last 8.
12. *rows of phase*: rows y - 1 and y, y odd, are one line ``phi^[y] + i phi^[y-1]``, Hermitian; radix-2 decimation in
    frequency with a positive exponent, every word saturated to 25 bits. The real part is row y, the imaginary part row
    y - 1, times one gain, saturated.
13. *half*: two-sided with a known surface, the half that starts at the frame's clean edge tells its phase
    (:mod:`cytogate.model.contract.remarks`). A half too many costs a whole cell 1 mrad in 37; both of a cut one cost it
    some hundred. Causal, the downward one tells it always; where that edge is not clean the phase is in doubt.

Constants a, q, u and E are below 1 in 17 bits and an own sign.

What saturates: row words on gratings of 1.6 to 4 octaves of intensity ratio over the whole field, four times what the
strongest of 40 simulated cells needs; the lines' words on shadings no border fit should give; column kx = 0 and the
inverse transform beyond 2^24 times the gain of item 12, which falls with N and with the pixel: 58, 29 and 14.6 rad for
N = 64, 128 and 256 with the pixels of the built-in designs. A phase holds 16 rad; what is less of the two is the
contract's largest phase. States and phi^ never saturate.

The background
--------------
A surface that is known before a frame comes: of the law "causal" always, of the law "two-sided" where empty fields were
measured. The causal chip estimates it from the borders of earlier frames
(:mod:`cytogate.model.contract.background`).
Each coefficient moves by ``limit(fit - c) >> gain`` after a frame: a cell at the border, whose fit is far off, moves it
no further than a limit (a bounded influence, P. J. Huber 1964, "Robust estimation of a location parameter"). In
:data:`STEP_FRAMES` frames each, limit and gain go from one that finds any shading from zero to one that follows a
drift; then, after :data:`SETTLING_FRAMES`, it is settled. What a frame before that is worth is little: its phase holds
the part of the shading that is not yet known, and it is to be flagged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cytogate.model.contract.fixed_point import (
    GRADIENT,
    PHASE,
    PIXEL,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    WORD,
    Format,
    Gain,
    Overflow,
)
from cytogate.model.contract.memory import Buffer

ROW_WORD = Format(WORD.width, WORD.integer_bits, overflow=Overflow.SATURATE_SYMMETRIC)
STATE = Format(25, 25)
"""Of the recursion, of phi^ and of the inverse row transform: the wide port of a DSP48E1."""
LINE = Format(27, 27)
"""Words of the surface that are added row by row."""
COEFFICIENT = Format(18, 1)
"""Of a, q, u and E."""
SHARPENED = Format(GRADIENT.width + 1, GRADIENT.integer_bits + 1)
SHARPEN, SHARPEN_SHIFT = 85, 10
BEND_SHIFT = SHARPEN_SHIFT - 3
"""Of N^2 t^2 = v^2 the second difference is 8."""
CONSTANT_FRACTION, SLOPE_FRACTION, RESPONSE_FRACTION = 8, 14, 10
"""Bits of A, of B and of beta below a unit."""
PHI_FRACTION = 1
"""Bits of phi^ below a unit."""
UNIT_LESS_LOG2 = 2
"""A unit is 2^(L - 2) gradient codes."""

STEP_FRAMES = 8
"""Frames with the same limit and gain, until the last ones hold on."""
LIMITS = (2048, 1024, 512, 256, 128, 64, 32, 16)
"""Of a coefficient's move before its gain, in gradient codes, step by step."""
GAINS = (1, 1, 2, 2, 3, 3, 4, 4)
"""Shifts of a move to the right, step by step: the last one takes a sixteenth."""
SETTLING_FRAMES = STEP_FRAMES * len(LIMITS)
CAUGHT_UP = SETTLING_FRAMES * (LIMITS[-1] >> GAINS[-1])
"""Gradient codes by which a coefficient that is calibrated may be off the light: a settled background, which moves by a
code a frame at most, catches up with them in as many frames as one that knows nothing needs to settle."""


class Half(IntEnum):
    """Which of the two recursions tell the phase."""

    BOTH = 0
    DOWN = 1
    """From the first row."""
    UP = 2
    """From the last row."""


@dataclass(frozen=True)
class RecursionWords:
    """Widths and points of the words that depend on the frame's size."""

    size: int

    @property
    def size_log2(self) -> int:
        """log2 N."""
        return self.size.bit_length() - 1

    @property
    def columns(self) -> int:
        """Columns with a recursion: kx = 1 ... N/2 - 1."""
        return self.size // 2 - 1

    @property
    def unit(self) -> int:
        """log2 of a unit in gradient codes."""
        return self.size_log2 - UNIT_LESS_LOG2

    @property
    def grown_bits(self) -> int:
        """Of a word of the row transform: below N times 4/3 of 2^17, times 4/pi by which the twiddles turn at most."""
        return GRADIENT.width + self.size_log2 + 1

    @property
    def state_fraction(self) -> int:
        """Bits of a state below a unit: as many as its bound leaves of 25."""
        return 1 if self.size > 128 else 2

    @property
    def reciprocal_fraction(self) -> int:
        """Bits of r behind the point: r is at most 1 / (1 - exp(-2 pi / N)), and 18 bits hold it."""
        return 11 if self.size > 128 else 12

    @property
    def surface_fraction(self) -> int:
        """Bits of the surface's row transform, before it is rounded, below a unit."""
        return SURFACE_COEFFICIENT_FRACTION + TWIDDLE.fraction_bits + self.unit

    def phase_gain(self, gradient_scale: float) -> Gain:
        """Return the gain from words of the inverse row transform, which brings 1 / N, to codes of the phase."""
        step = GRADIENT.step * gradient_scale * 2.0 ** (self.unit - PHI_FRACTION)
        return Gain.of(step / self.size / PHASE.step)


def recursion_buffers(words: RecursionWords, channels: int, *, two_sided: bool) -> tuple[Buffer, ...]:
    """Return the memories of the row transforms, the recursion and the surface, and of rows that wait.

    Of the C++, whose processes hand over whole frames, and which sends rows from the first to the last. The pixels of a
    causal frame wait, too: it leaves no word behind unless it is whole.
    """
    size, columns = words.size, words.columns
    state, pair = 2 * STATE.width, 2 * ROW_WORD.width
    own: tuple[Buffer, ...] = ()
    if two_sided:
        own = (
            Buffer("decay_rom", "E[k y]", COEFFICIENT.width, 2 * size),
            Buffer("frame", "row words and states on their way back", 2 * pair + state, 2 * size * columns),
        )
    return (
        Buffer("sharpening", "two rows of gradients", 2 * GRADIENT.width, size, 2),
        Buffer("twiddle_rom", "one period's half, each pass its own", 2 * TWIDDLE.width, size // 2, 2),
        Buffer("butterfly_delay", "N - 1 words of delay feedback, forward", 2 * words.grown_bits, size - 1),
        Buffer("inverse_delay", "N - 1 words of delay feedback, inverse", state, size - 1),
        Buffer("line", "bit reversal, forward", 2 * words.grown_bits, 2 * size),
        Buffer("inverse_line", "bit reversal of a line of two rows", state, 2 * size),
        Buffer("coefficient_rom", "a, q, u and r of each column", 4 * COEFFICIENT.width, columns),
        Buffer("surface_rom", "row transforms of s and s^2", 2 * TWIDDLE.width, 2 * size),
        Buffer("state", "a state of each column", state, columns),
        *own,
        Buffer("columns", "i phi^ on its way to rows", state, 2 * size * (columns + 1)),
        Buffer("row_pair", "columns of two rows of phase, written while read", state, 2 * 2 * (columns + 1)),
        Buffer("bright_field", "bright-field pixels wait for their phase", channels * PIXEL.width,
               (3 if two_sided else 2) * size * size),
    )  # fmt: skip
