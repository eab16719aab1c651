"""The contract of off-axis holograms: from a hologram to the path delay of single cells.

The law
-------
``N`` is the hologram's size, ``M`` the map's, ``W`` = 18 the width of a stored word. All shifts to the right round
convergently (half to even) and nothing rounds or saturates unless it is said here. A transform is that of the
four-angle law: radix-2 decimation in frequency whose words grow by a bit a level, each twiddle product shifted by 16.
*To words* means: of a line, ``e = max(0, bit length of the largest component + 1 - W)``; its words are shifted by ``e``
and saturated to ``W`` bits, and ``e`` is kept. *Turned* means: lines become columns, each word shifted by
``e_max - e_line``.

1. *hologram*: the frame's central N x N codes; where it has fewer, padded on both sides with the code nearest to its
   mean. Less half of full scale and shifted to the left, so that it fills W bits.
2. *spectrum*: each row transformed, its M frequencies about the carrier kept, to words; turned. Where the column of
   frequency zero is among them it holds the mean, which the disk leaves out.
3. *sideband*: each of the M columns transformed, its M frequencies about the carrier kept and zeroed beyond the disk,
   to words. Both are in the order of numpy.fft.fftfreq about the bin nearest to the carrier.
4. *field*: each column inversely transformed, to words, turned; each row inversely transformed, to words. The exponent
   of a row does not change an argument.
5. *wrapped*: the field times the conjugate of the reference's phasor, of W bits each part, the product shifted by 16
   and then to the left until the larger part has :data:`CORDIC_BITS` bits; its argument by :data:`CORDIC_STEPS` steps
   of CORDIC, whose shifts truncate, in :data:`CORDIC_GUARD_BITS` bits below the code; shifted by these. A turn is 2^18
   codes, so that arguments wrap as words do. 0 of a dark pixel.
6. *phase*: beyond what is believed the nearest believed argument. Differences of neighbors, wrapped to 18 bits; their
   divergence; its cosine transform along rows, to words, turned, along columns, to words; each word, shifted to the
   left by :data:`DIVISOR_FRACTION`, divided by the divisor of its frequencies, toward zero, to words; the inverse
   cosine transform along columns, to words, turned, along rows, to words. The argument then gets that number of whole
   turns which brings it nearest to this surface, at most :data:`MOST_TURNS`, halves up: the surface need only be within
   half a turn of where it belongs.
   A cosine transform is a transform of the even places followed by the odd ones in reverse, each word times
   ``exp(-i pi k / 2M)``, shifted by 16, real part; its inverse the same backwards.
7. *background*: of the believed phases, the first fullest bin of 2^-8 turn; the mean of the phases up to 2^-5 turn from
   the middle of that bin, rounded half up, is subtracted and the difference saturated. 0 where nothing is believed.
8. *opd*: times one gain, shifted, saturated.
9. *found*: pixels of a path delay from the threshold on are marked. Marked pixels side by side in a row are a run; runs
   of neighboring rows that share a column, or whose ends touch by a corner, are of one region. A region of fewer pixels
   than the least area is dropped, any other is a cell. A field in which more than :data:`MOST_BEGINNINGS` runs touch
   none of the row above, or with more than :data:`MOST_CELLS` cells, is crowded and no cell of it leaves. The number of
   cells that leave, and whether the field is crowded.
10. *center* and *region*, of each cell, in the order in which a scan row by row meets them: row and column of its
    centroid, rounded half up; its area and its flags. *Clipped* is a cell with a pixel in the first or last row or
    column that is believed. *Several* is one whose outline is not that of one cell: with ``n`` pixels, the sums of
    their rows, columns, squares and products, and ``A = 12 (n sum(y^2) - sum(y)^2) + n^2``, ``B`` the same of x, ``C =
    12 (n sum(x y) - sum(y) sum(x))``, it is several where ``n^6 2^10 < ROUNDNESS (A B - C^2)``: its area is below .98
    of that of the ellipse with its second moments.
11. *network_input*, of the square about a cell's center, which lies on pixel (side / 2, side / 2), rounded half up:
    path delay as 8-bit codes, from -64 nm on in steps of 4 nm; beyond the map a path delay of 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar

from cytogate.model.contract.bounds import ErrorBound
from cytogate.model.contract.fixed_point import PIXEL, WORD, Format, Gain, Overflow, Rounding
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.stage import Contract, Order, Stage
from cytogate.model.design.design import Design

TURN_BITS = 18
"""Bits of a turn."""
WRAPPED = Format(TURN_BITS, 0, overflow=Overflow.WRAP)
"""An argument in turns, -1/2 to 1/2, in steps of 24 urad."""
MOST_TURNS = 31
PHASE_TURNS = Format(TURN_BITS + 6, 6)
"""A phase in turns, +-32."""
OPD = Format(18, 14)
"""Path delay in nanometres, +-8192 in steps of 1/16."""
CORDIC_STEPS, CORDIC_BITS, CORDIC_GUARD_BITS = 18, 22, 4
DIVISOR_FRACTION = 28
"""Bits of the Poisson divisor ``(2 - 2 cos) + (2 - 2 cos)`` below one: its smallest is known to 1e-5."""
BACKGROUND_BIN_BITS, BACKGROUND_REACH_BITS = 8, 5
"""A bin of the histogram is 2^-8 turn wide; the background lies within 2^-5 turn of the fullest."""
OPD_CODE_OFFSET_NM, OPD_CODE_STEP_NM = 64, 4
"""The network sees ``(path delay + 64 nm) / 4 nm``: -64 to 956 nm."""
MOST_BEGINNINGS = 1023
"""Runs of a field that touch none of the row above, at most: so many regions can begin."""
MOST_CELLS = 64
"""Cells of a field, at most."""
CENTER = Format(13, 9, signed=False, rounding=Rounding.HALF_UP)
"""Row or column of a cell's center on its map, in sixteenths of a pixel."""
AREA = Format(19, 19, signed=False)
"""Pixels of a cell."""
REGION_BITS = 10 + 4 * 9 + 19 + 2 * 27 + 3 * 36
"""Of a region's sums: what it was joined to, its box, area, sums of places, of their squares and products."""
ROUNDNESS, ROUNDNESS_BITS = 1078, 10
"""``(4 pi r / 12)^2`` of r = .9798, times 2^10: no simulated cell of 200 counts as several, of 100 pairs each
at 1, .9, .8 and .7 times the sum of their radii 100, 100, 100 and 94."""
CELL_STAGES = ("center", "region", "network_input")
"""Stages of a cell; the others are of a field, which has any number of cells."""
PHASE_BOUND_RAD = 1e-3
CENTER_BOUND_PX, AREA_BOUND_PX = 0.2, 3.0


class Flag(IntFlag):
    """What is told of a cell."""

    CLIPPED = 1
    """It reaches the edge of what is believed."""
    SEVERAL = 2
    """More than one cell, which touch."""


@dataclass(frozen=True)
class OffAxisContract(Contract):
    """The contract of a calibrated off-axis design."""

    kernel: ClassVar[str] = "retrieve_delay"

    delay_gain: Gain
    """From codes of :data:`PHASE_TURNS` to codes of :data:`OPD`."""

    @property
    def hologram_shift(self) -> int:
        """Bits to the left that bring a signed code to W bits."""
        return WORD.width - self.frame.width


def off_axis_contract(design: Design) -> OffAxisContract:
    """Return the contract of an off-axis design.

    Raises
    ------
    InputError
        If the design is of another kind, or not calibrated.
    """
    instrument, size, side = design.off_axis, design.off_axis.hologram_size, design.map_size
    frame = Format(instrument.adc_bits, 0, signed=False)
    nm_per_turn = instrument.wavelength_um * 1e3 * design.calibrated.delay_gain
    bound = ErrorBound(PHASE_BOUND_RAD)
    square, radian = (side, side), 2 * math.pi
    window = design.window.rows
    return OffAxisContract(
        design=design,
        frame=frame,
        # Holograms are not summed.
        binned=frame,
        stages=(
            Stage("hologram", (size, size), Order.ARRAY, frame, "full scale"),
            Stage("spectrum", (size, side, 2), Order.ARRAY, WORD, "full scale", exponents=size, complex=True),
            Stage("sideband", (side, side, 2), Order.COLUMNS, WORD, "full scale", exponents=side, complex=True),
            Stage("field", (side, side, 2), Order.ARRAY, WORD, "full scale", exponents=side, complex=True),
            Stage("wrapped", square, Order.ARRAY, WRAPPED, "rad", radian, bound=bound),
            Stage("phase", square, Order.ARRAY, PHASE_TURNS, "rad", radian, bound=bound),
            Stage("opd", square, Order.ARRAY, OPD, "nm", bound=ErrorBound(PHASE_BOUND_RAD * nm_per_turn / radian)),
            Stage("found", (2,), Order.ARRAY, Format(7, 7, signed=False), "1", bound=ErrorBound(0.2)),
            Stage("center", (2,), Order.ARRAY, CENTER, "px", bound=ErrorBound(CENTER_BOUND_PX)),
            Stage("region", (2,), Order.ARRAY, AREA, "1", bound=ErrorBound(AREA_BOUND_PX)),
            Stage("network_input", (window, window, 1), Order.ARRAY, PIXEL, "1", bound=ErrorBound(0.002)),
        ),
        buffers=_buffers(size, side),
        delay_gain=Gain.of(nm_per_turn * PHASE_TURNS.step / OPD.step),
    )


def least_area(design: Design) -> int:
    """Return the pixels of the smallest cell of a calibrated off-axis design."""
    return max(1, math.ceil(design.off_axis.least_area_um2 / math.prod(design.pixel_um)))


def threshold(design: Design) -> int:
    """Return the smallest code of :data:`OPD` that marks a pixel."""
    return math.ceil(design.off_axis.threshold_nm / OPD.step)


def pixel_offset() -> int:
    """Return the code of :data:`OPD` that is added to a path delay on its way to the network."""
    return int(OPD.encode(OPD_CODE_OFFSET_NM))


def pixel_shift() -> int:
    """Return the bits by which the sum is then shifted."""
    return int(OPD_CODE_STEP_NM / OPD.step).bit_length() - 1


def _buffers(size: int, side: int) -> tuple[Buffer, ...]:
    return (
        Buffer("rows", "kept row words, turned to columns", 2 * WORD.width, size * side, 2),
        Buffer("columns", "words of the field, turned back", 2 * WORD.width, side * side, 2),
        Buffer("reference", "phasor of the reference field", 2 * WORD.width, side * side),
        Buffer("wrapped", "arguments wait for their turns", WRAPPED.width, side * side, 2),
        Buffer("cosines", "words between the passes of both cosine transforms", WORD.width, side * side, 4),
        Buffer("phase", "phases wait for their background", PHASE_TURNS.width, side * side, 2),
        Buffer("delay_codes", "path delay, for the squares about cells", PIXEL.width, side * side, 2),
        Buffer("regions", "sums of each region", REGION_BITS, MOST_BEGINNINGS),
        Buffer(
            "histogram", "counts of the bins of the background", (side * side).bit_length(),
            1 << (PHASE_TURNS.width - TURN_BITS + BACKGROUND_BIN_BITS),
        ),
    )  # fmt: skip
