"""Estimate area and speed of binning and codes alone, where frames go to the network without a phase retrieval.

Multipliers and block RAM follow from the law: an offset and a gain a channel behind the binning. Clocks, look-up tables
and flip-flops are estimated: per bit, from yosys's counts of the four-angle binning (xc7, 1 and 4 samples per clock).
"""

from __future__ import annotations

import math

from cytogate.model.contract.fixed_point import GAIN_BITS, SIGNED_PIXEL
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.estimates.front_end import FrontEndEstimate
from cytogate.model.estimates.primitives import SHALLOW_RAM_WORDS, block_rams, dsps

REGISTER_CYCLES = 16
"""Registers from pin to pin: six of the binning, offset, three of the product, rounding, limits, output."""
SHARED = Area(lut=500, ff=520)
"""Framing by TLAST, counters, AXI4-Lite registers, output queue: whatever the samples per clock."""
BINNING_LUT, BINNING_FF, RAW_FF = 4.0, 5.5, 2.0
"""Per sample and channel: of a bit of a binned value, and of a bit of a raw one."""


def estimate_codes(
    channels: int, rows: int, columns: int, binning: int, bits: int, samples_per_clock: int
) -> FrontEndEstimate:
    """Estimate the crop, the binning, and the codes by an offset and a gain a channel.

    Parameters
    ----------
    channels
        Of a frame, 1 to 8.
    rows, columns
        Of the window after binning.
    binning
        Raw pixels along each axis that are summed to one: 1, 2 or 4.
    bits
        Of a raw pixel, 8 to 16.
    samples_per_clock
        Raw pixels a clock, each of all channels.

    Raises
    ------
    InputError
        If the samples per clock are not supported.
    """
    binned_bits = bits + 2 * (binning.bit_length() - 1)
    values = samples_per_clock * channels
    words = -(-columns // samples_per_clock)
    # A value less its offset has a sign; a gain is unsigned.
    difference_bits, gain_bits = binned_bits + 1, GAIN_BITS + 1
    product_bits = difference_bits + gain_bits
    lut = BINNING_LUT * binned_bits + difference_bits + product_bits + SIGNED_PIXEL.width
    ff = RAW_FF * bits + BINNING_FF * binned_bits + difference_bits + product_bits + SIGNED_PIXEL.width
    row_sums = Buffer("binning", "sums of rows above", values * binned_bits, words)
    deep = binning > 1 and words > SHALLOW_RAM_WORDS
    area = SHARED + Area(
        lut=math.ceil(values * lut),
        ff=math.ceil(values * ff),
        dsp=values * dsps(difference_bits, gain_bits),
        bram36=block_rams(row_sums) if deep else 0.0,
    )
    raw_cycles = rows * binning * -(-columns * binning // samples_per_clock)
    return FrontEndEstimate(
        name="binning and codes",
        samples_per_clock=samples_per_clock,
        interval_cycles=rows * words,
        raw_interval_cycles=raw_cycles,
        # Codes leave while the frame arrives.
        output_cycles=raw_cycles,
        latency_cycles=REGISTER_CYCLES,
        area=area,
        uram_area=area,
    )
