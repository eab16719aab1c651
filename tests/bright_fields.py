"""Bright-field designs for tests: channels, bits, windows and gains of all kinds, and frames that reach every limit."""

from __future__ import annotations

import math

import numpy as np

from cytogate.model.contract.samples import sample_formats
from cytogate.model.design.design import Design, InputCodes, Network, Window
from cytogate.model.design.instruments import BrightField


def bright_field(
    name: str, channels: int, bits: int, frame: tuple[int, int], window: tuple[int, int], binning: int = 1
) -> Design:
    """Return a design whose channels have different offsets and gains: small, large and near the limits."""
    top = (1 << bits + 2 * (binning.bit_length() - 1)) - 1
    offsets = tuple(int(top * share) for share in np.linspace(0.1, 0.9, channels))
    # A gain of 256 / top spreads the range over all codes; others saturate early or use few codes. Only the first, a
    # power of two, has sums that lie exactly half a step between two codes where it is below 1.
    gains = [float(256 / top * factor) for factor in np.geomspace(7.3, 0.037, channels)]
    gains[0] = 2.0 ** round(math.log2(gains[0]))
    return Design(
        name,
        BrightField(tuple(f"channel {index}" for index in range(channels)), 0.3, 0.3, bits, *frame),
        Window(*window, binning),
        Network(("one", "two", "three")),
        codes=InputCodes(offsets, tuple(gains)),
    )


ONE = bright_field("one_channel", 1, 8, (20, 19), (13, 11))
"""A window that no beat of several pixels begins or ends with; 8-bit beats of one pixel."""
TWO = bright_field("two_channels", 2, 12, (37, 41), (16, 18), binning=2)
EIGHT = bright_field("eight_channels", 8, 12, (34, 47), (8, 11), binning=4)
NARROW = bright_field("three_channels", 3, 16, (9, 21), (9, 9), binning=1)
"""A pixel of 48 bits."""
SHORT = bright_field("short_rows", 2, 8, (16, 18), (8, 9), binning=2)
"""Rows that come again before a memory would have them, at eight samples a clock."""
ALL = (ONE, TWO, EIGHT, NARROW, SHORT)


def frames_of(design: Design, cells: int = 5) -> np.ndarray:
    """Return frames: noise, all dark, all bright, near the offsets, a ramp of every code."""
    frame, _ = sample_formats(design)
    camera, draw = design.camera, np.random.default_rng(41)
    shape = (len(camera.channels), camera.rows, camera.columns)
    assert design.codes is not None
    near = np.reshape(design.codes.offset, (-1, 1, 1)) // design.binning**2 + draw.integers(-9, 10, shape)
    ramp = np.arange(np.prod(shape)).reshape(shape) * 7 % (frame.code_max + 1)
    kinds = [
        draw.integers(0, frame.code_max + 1, shape), np.zeros(shape), np.full(shape, frame.code_max),
        np.clip(near, 0, frame.code_max), ramp,
    ]  # fmt: skip
    return np.stack([kinds[index % len(kinds)] for index in range(cells)]).astype(np.uint16)
