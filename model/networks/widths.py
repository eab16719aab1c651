"""Widths of values that the quantized forms of the papers' networks share, and how sizes are scaled.

A quantized network has its float network's topology, with what a device computes exactly: logits without the softmax
or sigmoid that the host applies, ReLU or a leaky ReLU of slope 1/8, max-pooling 2x2, and no dropout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import InputError


@dataclass(frozen=True)
class Widths:
    """Bits of a quantized network."""

    weights: int = 8
    activations: int = 8
    """Of words behind an activation, signs of leaky ones included."""
    sums: int = 12
    """Of words between a convolution and its batch normalization."""

    def __post_init__(self) -> None:
        for name in ("weights", "activations", "sums"):
            bits = getattr(self, name)
            if not 2 <= bits <= 16:
                raise InputError(f"{name} are {bits} bits wide; 2 to 16 are supported")

    def rectified(self, inputs_of_next: int | None = None) -> Format:
        """Return the format behind a ReLU; narrower where many of its words go into one sum."""
        bits = self.activations if inputs_of_next is None else unsigned_bits_into_sum(inputs_of_next, self.activations)
        return Format(bits, RELU_INTEGER_BITS, signed=False)

    def leaky(self, inputs_of_next: int | None = None) -> Format:
        """Return the format behind a leaky ReLU and of the words that reach it."""
        bits = self.activations if inputs_of_next is None else signed_bits_into_sum(inputs_of_next, self.activations)
        return Format(bits, RELU_INTEGER_BITS + 1)

    @property
    def hidden(self) -> Format:
        """Format behind the ReLU of a dense layer."""
        return Format(self.activations, HIDDEN_INTEGER_BITS, signed=False)

    @property
    def hidden_leaky(self) -> Format:
        """Format behind the leaky ReLU of a dense layer and of the words that reach it."""
        return Format(self.activations, HIDDEN_INTEGER_BITS + 1)

    @property
    def ahead_of_normalization(self) -> Format:
        """Format in which a convolution hands its sums to a batch normalization."""
        return Format(self.sums, NORMALIZED_INTEGER_BITS + 1)

    @property
    def low_contrast(self) -> Format:
        """Format in which sums over images of low contrast are handed on: a bit less, as more is magnified."""
        return Format(self.sums - 1, NORMALIZED_INTEGER_BITS + 1)


DEFAULT_WIDTHS = Widths()


def check_halvings(network: str, size: int, times: int) -> None:
    """Raise an InputError unless inputs of ``size`` can be halved so often without a pixel left over."""
    if size <= 0 or size % (1 << times):
        raise InputError(
            f"network {network}: {size} rows or columns of its input cannot be halved {times} times; a multiple of "
            f"{1 << times} can"
        )


def scaled_widths(widths: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """Return numbers of filters or units times ``factor``, at least one each."""
    if factor <= 0:
        raise InputError(f"the width is scaled by {factor}; it must be positive")
    return tuple(max(1, round(width * factor)) for width in widths)


# The network. Integer bits are what unit-variance He initialization and batch normalization lead to, without the sign;
# widths of weights and activations are the design's.
EXACT_STEPS = 1 << 24
"""float32, in which Keras computes, holds every integer up to here: no accumulator may reach it."""
RELU_INTEGER_BITS = 2
NORMALIZED_INTEGER_BITS = 2
HIDDEN_INTEGER_BITS = 3
KERNEL_INTEGER_BITS = 0
CONTRAST_KERNEL_INTEGER_BITS = 2
"""Of the first convolution, which faces images of low contrast."""
BIAS = Format(12, 3)
SNAP_FRACTION_BITS = 10
"""A snapped batch normalization has scale and offset on the grid 2^-10."""

MEAN_WEIGHT_STEPS_LOG2 = 5
"""A layer that sums over a whole image accepts weights of 2^5 steps on average before its accumulator is full."""


def signed_bits_into_sum(inputs: int, bits: int) -> int:
    """Return how many bits, of ``bits`` wanted, a signed word may have that goes into a sum over ``inputs``."""
    return max(2, min(bits, _room(inputs) + 1))


def unsigned_bits_into_sum(inputs: int, bits: int) -> int:
    """Return how many bits, of ``bits`` wanted, an unsigned word may have that goes into a sum over ``inputs``."""
    return max(2, min(bits, _room(inputs)))


def largest_code(words: Format) -> int:
    """Return the largest magnitude of a code."""
    return max(-words.code_min, words.code_max)


def _room(inputs: int) -> int:
    """Return the bits that are left for magnitudes when so many products of weights are added."""
    return EXACT_STEPS.bit_length() - 1 - math.ceil(math.log2(inputs)) - MEAN_WEIGHT_STEPS_LOG2
