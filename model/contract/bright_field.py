"""The contract of frames that go to the network as they are, without phase retrieval.

The law
-------
1. *binned*: sums of ``binning x binning`` raw codes of the central window, exact.
2. *network_input*, for each channel c on its own: ``x = binned - offset[c]``, exact, and
   ``code = saturate(shift_right(x * mantissa[c], shift[c]))``, one convergent rounding, to the eight bits with a sign
   of :data:`SIGNED_PIXEL`: 0 is the background, full scale is [-1, 1). ``mantissa * 2^-shift`` is the design's gain in
   18 bits.

A malformed frame leaves no word behind. It is known to be one at its last beat only, so codes wait for the verdict on
their frame: the buffer ``verdict``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cytogate.model.contract.bounds import ErrorBound
from cytogate.model.contract.fixed_point import GAIN_BITS, SIGNED_PIXEL, Gain
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.samples import binning_row, sample_formats, sample_stages
from cytogate.model.contract.stage import Contract, Order, Stage
from cytogate.model.design.design import Design, InputCodes
from cytogate.model.errors import InputError

FRAMES_WAITING = 2
"""One frame is written while the one before it leaves."""
LARGEST_SHIFT = 40
"""Of a channel's gain."""


@dataclass(frozen=True)
class ChannelCodes:
    """How binned sums become codes, channel by channel."""

    offsets: tuple[int, ...]
    """Binned code that becomes 0."""
    gains: tuple[Gain, ...]
    """Steps of the code for a step of the binned sum."""

    @staticmethod
    def of(codes: InputCodes) -> ChannelCodes:
        """Return a design's codes as hardware holds them."""
        return ChannelCodes(codes.offset, tuple(Gain.of(gain) for gain in codes.gain))


@dataclass(frozen=True)
class BrightFieldContract(Contract):
    """The contract of a design without phase retrieval."""

    kernel: ClassVar[str] = "encode_channels"

    codes: ChannelCodes


def bright_field_contract(design: Design) -> BrightFieldContract:
    """Return the contract of a bright-field design.

    Raises
    ------
    InputError
        If its codes do not fit its frames.
    """
    frame, binned = sample_formats(design)
    codes = ChannelCodes.of(design.input_codes)
    for channel, offset in zip(design.camera.channels, codes.offsets, strict=True):
        if not 0 <= offset <= binned.code_max:
            raise InputError(
                f"design {design.name}: the offset of channel {channel} is {offset}; binned codes are 0 to "
                f"{binned.code_max}"
            )
    for channel, gain in zip(design.camera.channels, codes.gains, strict=True):
        if not 0 < gain.shift <= LARGEST_SHIFT:
            raise InputError(f"design {design.name}: the gain of channel {channel} is {gain.value:g}, out of range")
    window, channels = design.window, len(codes.offsets)
    waiting = FRAMES_WAITING * window.rows * window.columns
    return BrightFieldContract(
        design=design,
        frame=frame,
        binned=binned,
        stages=(
            *sample_stages(design, frame, binned),
            Stage("network_input", (window.rows, window.columns, channels), Order.ARRAY, SIGNED_PIXEL, "1",
                  bound=ErrorBound(INPUT_BOUND)),
        ),
        buffers=(
            binning_row(design, binned),
            Buffer("verdict", "codes wait until their frame is known to be whole", channels * SIGNED_PIXEL.width,
                   waiting),
        ),
        codes=codes,
    )  # fmt: skip


INPUT_BOUND = SIGNED_PIXEL.step / 2 + 2.0**-GAIN_BITS
"""Half a step of the one rounding, and what a gain in 18 bits is off by at full scale."""
