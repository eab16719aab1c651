"""Bright-field frames to the network's input: the law of :mod:`cytogate.model.contract.bright_field`, twice.

As integers, word for word, and in float64, which shares no rounding with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.bright_field import ChannelCodes
from cytogate.model.contract.fixed_point import SIGNED_PIXEL, Codes, shift_right
from cytogate.model.design.design import InputCodes


def encode(binned: Codes, codes: ChannelCodes) -> NDArray[np.int8]:
    """Return codes of the network's input (cells, rows, columns, channels) from sums (cells, channels, rows, columns).

    Values are those of :data:`SIGNED_PIXEL`, -128 to 127; 0 is the background.
    """
    offsets = np.reshape(codes.offsets, (-1, 1, 1))
    mantissas, shifts = (
        np.reshape([getattr(gain, part) for gain in codes.gains], (-1, 1, 1)) for part in ("mantissa", "shift")
    )
    channels = SIGNED_PIXEL.limit(shift_right((binned - offsets) * mantissas, shifts))
    return np.ascontiguousarray(np.moveaxis(channels, 1, -1)).astype(np.int8)


def encode_values(binned: NDArray[np.float64], codes: InputCodes, full_scale: int) -> NDArray[np.float64]:
    """Return the network's input before its rounding (cells, rows, columns, channels), in [-1, 1 - 2^-7].

    ``binned`` (cells, channels, rows, columns) is in units of ``full_scale`` steps of a sum.
    """
    offset, gain = (np.reshape(each, (-1, 1, 1)) for each in (codes.offset, codes.gain))
    channels = (binned * full_scale - offset) * gain * SIGNED_PIXEL.step
    return np.clip(np.moveaxis(channels, 1, -1), SIGNED_PIXEL.min, SIGNED_PIXEL.max)
