"""Arrange a layer's weights: how they share multipliers, and how they lie in ROM for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.engines.adders import MOST_DIGITS, count_digits
from cytogate.model.engines.engine import Memory, Stream
from cytogate.model.estimates.primitives import MULTIPLIER_BITS

ROW_CLOCKS = 4
"""In which windows move to the next row."""
VECTOR_SHARE = 16
"""A layer that sees a vector has a cell's time divided by this: multipliers are few, and the answer waits for it."""


@dataclass(frozen=True)
class Shares:
    """By how many a layer's outputs, and the values of each, are divided."""

    reuse: int
    """Clocks in which groups of outputs are made."""
    slices: int
    """Clocks of a group, of which each takes some of the values."""
    pairs: bool
    """Whether a multiplier gives products of two outputs."""


def steps_within(stream: Stream, clocks: int) -> int:
    """Return the clocks that a layer may take for each beat of a stream, if a cell of it may take ``clocks``."""
    clocks = clocks if stream.beats > 1 else clocks // VECTOR_SHARE
    return (clocks - stream.rows * ROW_CLOCKS) // stream.beats


def shares_of(stream: Stream, kernel: Codes, beats: int, steps: int, *, depthwise: bool) -> Shares:
    """Return what takes as few multipliers as do the work of a beat in ``steps`` clocks; all of them where none does.

    ``kernel`` is (values, outputs), the values of ``beats`` beats of the stream.
    """
    values, outputs = kernel.shape[0] // beats, kernel.shape[1]
    fit = not depthwise and _fit_in_pairs(stream.format, kernel)
    found, least = Shares(1, 1, fit and outputs % 2 == 0), math.inf
    for slices in (1,) if depthwise else _divisors(values):
        for reuse in _divisors(outputs):
            together = outputs // reuse
            pairs = fit and together % 2 == 0
            multipliers = (together // 2 if pairs else together) * values // slices
            if reuse * slices <= steps and multipliers < least:
                found, least = Shares(reuse, slices, pairs), multipliers
    return found


def are_added(stream: Stream, kernel: Codes, shares: Shares, clocks: int) -> bool:
    """Whether products with ``kernel`` (values, outputs) become additions: where they are due in most of the clocks.

    Multipliers that have other weights in each clock do the same work with less.
    """
    steady = shares.reuse * shares.slices == 1 and stream.beats > 1 and clocks < 2 * stream.beats
    return steady and count_digits(kernel) <= MOST_DIGITS


def weight_words(kernel: Codes, beats: int, shares: Shares) -> Memory:
    """Return a kernel (values, outputs) as words of ROM: outputs made together, of each the values of a slice."""
    values, outputs = kernel.shape
    held = _paired(kernel) if shares.pairs else kernel
    slices, reuse = shares.slices, shares.reuse
    parts = held.reshape(beats, slices, values // beats // slices, reuse, outputs // reuse)
    # (beats, groups, slices, outputs made together, values)
    words = parts.transpose(0, 3, 1, 4, 2).reshape(beats * reuse * slices, -1)
    return Memory("WEIGHTS", words, _signed_bits(held))


def _paired(kernel: Codes) -> Codes:
    """Return weights as ``multiply_pair`` holds them: one less where the partner, the output before, is below zero."""
    held = kernel.copy()
    held[:, 1::2] -= kernel[:, 0 : kernel.shape[1] // 2 * 2 : 2] < 0
    return held


def _fit_in_pairs(words: Format, kernel: Codes) -> bool:
    """Return whether two weights and their products have room in one multiplier."""
    return words.width + (not words.signed) + 2 * _signed_bits(_paired(kernel)) <= MULTIPLIER_BITS[0]


def _signed_bits(codes: Codes) -> int:
    """Return the bits in which codes are held in two's complement."""
    return 1 + max(int(codes.max()).bit_length(), int(-codes.min() - 1).bit_length() if codes.min() < 0 else 0)


def _divisors(number: int) -> list[int]:
    return [each for each in range(1, number + 1) if number % each == 0]
