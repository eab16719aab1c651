"""Operations of a quantized network on integers, each with one meaning.

Between two operations there are words. A word is an integer, its code, and stands for ``code * format.step``. Whatever
computes a network, C++, SystemVerilog or a chip, must give the codes that :meth:`Operation.compute` gives.

An operation that only rearranges, adds or multiplies is exact: its format holds every value that can come, whatever the
words that enter, and its codes are below 2^52, so that float64 holds them. Rounding and saturation are operations of
their own, :class:`Round` and :class:`Mean`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cytogate.model.contract import mask_moments
from cytogate.model.contract.fixed_point import Codes, Format, Overflow, Rounding

Real = NDArray[np.float64]
"""Words as floats, in units of their format's step."""
Shape = tuple[int, ...]
"""Of a cell's words: (rows, columns, channels) of a map, (values,) of a vector."""
BATCH = 16
"""Cells evaluated at a time."""
EXACT_BITS = 52
"""Widest format of exact sums: float64, in which they are computed, holds every code."""


@dataclass(frozen=True, eq=False)
class Operation:
    """A step of a network; words come as codes (cells, ...) of what it reads, and leave as (cells, *shape)."""

    name: str
    """Of the layer that asked for it; several operations of one layer have names that begin alike."""
    reads: tuple[str, ...]
    """Names of the operations whose words enter."""
    entering: tuple[Format, ...]
    """Their formats."""
    shape: Shape
    format: Format
    """Of the words that leave."""

    def compute(self, *words: Codes) -> Codes:
        """Return the words that leave for those that enter."""
        return self.unrounded(*(each.astype(np.float64) for each in words)).astype(np.int64)

    def unrounded(self, *words: Real) -> Real:
        """Return the same without rounding and saturation: words may lie between two codes, and beyond the range."""
        raise NotImplementedError


class Input(Operation):
    """Words from outside; what they must be is checked by who hands them over."""

    def unrounded(self, *words: Real) -> Real:
        """Return them."""
        return words[0]


@dataclass(frozen=True, eq=False)
class Round(Operation):
    """Rounding to the format, with its saturation: a quantizer; a ReLU, where the format is unsigned.

    Words below zero are first multiplied by ``2**-slope_shift``.
    """

    slope_shift: int = 0

    def compute(self, *words: Codes) -> Codes:
        """Round, then limit."""
        return self.format.encode(self._sloped(words[0]) * self.format.step)

    def unrounded(self, *words: Real) -> Real:
        """Cut words below zero where the format has none."""
        sloped = self._sloped(words[0])
        return sloped if self.format.signed else np.maximum(sloped, 0)

    def _sloped(self, words: NDArray) -> Real:
        """Return words in steps of the format."""
        scaled = words * 2.0 ** (self.format.fraction_bits - self.entering[0].fraction_bits)
        return np.where(scaled < 0, scaled * 2.0**-self.slope_shift, scaled) if self.slope_shift else scaled


@dataclass(frozen=True, eq=False)
class Constants:
    """Integers that an operation holds, with the format of their codes."""

    codes: Codes
    format: Format

    @property
    def values(self) -> NDArray[np.float64]:
        """What they stand for."""
        return self.format.decode(self.codes)


@dataclass(frozen=True, eq=False)
class Weighted(Operation):
    """Sums of products with constants, and a bias for each channel; without one it is zero."""

    kernel: Constants
    bias: Constants

    @property
    def macs(self) -> int:
        """Multiplications of a cell."""
        return self.kernel.codes.size * math.prod(self.shape[:-1])

    def _with_bias(self, sums: Real) -> Real:
        """Add the bias to sums of products, on the grid of the format."""
        fraction = self.entering[0].fraction_bits + self.kernel.format.fraction_bits
        bias = self.bias.codes * 2.0 ** (self.format.fraction_bits - self.bias.format.fraction_bits)
        return sums * 2.0 ** (self.format.fraction_bits - fraction) + bias


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """A vector times a matrix; ``kernel`` is (values, outputs)."""

    def unrounded(self, *words: Real) -> Real:
        """Multiply."""
        return self._with_bias(words[0] @ self.kernel.codes.astype(np.float64))


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A two-dimensional convolution; ``kernel`` is (rows, columns, channels, outputs)."""

    map: tuple[int, int]
    """Rows and columns of what enters."""
    strides: tuple[int, int]

    def unrounded(self, *words: Real) -> Real:
        """Correlate, as Keras does."""
        rows, columns, channels, outputs = self.kernel.codes.shape
        windows = _windows(words[0], (rows, columns), self.strides)
        # (cells, rows, columns, channels, kernel rows, kernel columns)
        flat = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], rows * columns * channels)
        return self._with_bias(flat @ self.kernel.codes.reshape(-1, outputs).astype(np.float64))


@dataclass(frozen=True, eq=False)
class Depthwise(Weighted):
    """A convolution of each channel by itself; ``kernel`` is (rows, columns, channels)."""

    map: tuple[int, int]
    strides: tuple[int, int]

    def unrounded(self, *words: Real) -> Real:
        """Correlate."""
        windows = _windows(words[0], self.kernel.codes.shape[:2], self.strides)
        return self._with_bias(np.einsum("nrcdij,ijd->nrcd", windows, self.kernel.codes.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class Scale(Weighted):
    """A factor and an offset for each channel; ``kernel`` and ``bias`` are (channels,)."""

    @property
    def macs(self) -> int:
        """A multiplication a word."""
        return math.prod(self.shape)

    def unrounded(self, *words: Real) -> Real:
        """Multiply and add."""
        return self._with_bias(words[0] * self.kernel.codes)


@dataclass(frozen=True, eq=False)
class MaxPool(Operation):
    """The largest word of each window."""

    map: tuple[int, int]
    """Rows and columns of what enters; some may be left over."""
    window: tuple[int, int]
    strides: tuple[int, int]

    def unrounded(self, *words: Real) -> Real:
        """Take the maximum."""
        return _windows(words[0], self.window, self.strides).max(axis=(4, 5))


@dataclass(frozen=True, eq=False)
class Mean(Operation):
    """The mean of each window, rounded toward zero to the format."""

    map: tuple[int, int]
    """Rows and columns of what enters; some may be left over."""
    window: tuple[int, int]
    strides: tuple[int, int]

    def unrounded(self, *words: Real) -> Real:
        """Divide the sum."""
        sums = _windows(words[0], self.window, self.strides).sum(axis=(4, 5))
        return sums * 2.0 ** (self.format.fraction_bits - self.entering[0].fraction_bits) / math.prod(self.window)

    def compute(self, *words: Codes) -> Codes:
        """Divide the sum, and round."""
        sums = _windows(words[0], self.window, self.strides).sum(axis=(4, 5))
        shift = self.format.fraction_bits - self.entering[0].fraction_bits
        # In two parts: the sum with all bits of the quotient behind it may be wider than 64 bits.
        whole, rest = np.divmod(np.abs(sums), math.prod(self.window))
        quotient = (whole << shift) + (rest << shift) // math.prod(self.window)
        return (np.sign(sums) * quotient).reshape(len(sums), *self.shape)


@dataclass(frozen=True, eq=False)
class MaskMoments(Operation):
    """Moments of the mask of the last channel, codes of the phase: :mod:`cytogate.model.contract.mask_moments`."""

    map: Shape
    """Rows, columns and channels of what enters."""

    def unrounded(self, *words: Real) -> Real:
        """Return them before they are brought into the range; that they are rounded belongs to them."""
        return mask_moments.unlimited(words[0][..., -1].astype(np.int64)).astype(np.float64)

    def compute(self, *words: Codes) -> Codes:
        """Return them."""
        return mask_moments.mask_moments(words[0][..., -1])


class Add(Operation):
    """The sum of two words at the same place."""

    def unrounded(self, *words: Real) -> Real:
        """Add on the finer grid."""
        first, second = _aligned(words, self.entering, self.format)
        return first + second


class Subtract(Operation):
    """The difference of two words at the same place."""

    def unrounded(self, *words: Real) -> Real:
        """Subtract on the finer grid."""
        first, second = _aligned(words, self.entering, self.format)
        return first - second


class Maximum(Operation):
    """The larger one of two words at the same place."""

    def unrounded(self, *words: Real) -> Real:
        """Compare on the finer grid."""
        first, second = _aligned(words, self.entering, self.format)
        return np.maximum(first, second)


class Minimum(Operation):
    """The smaller one of two words at the same place."""

    def unrounded(self, *words: Real) -> Real:
        """Compare on the finer grid."""
        first, second = _aligned(words, self.entering, self.format)
        return np.minimum(first, second)


OF_TWO = (Add, Subtract, Maximum, Minimum)
"""Operations of two words at the same place."""


class Concatenate(Operation):
    """Channels of several maps side by side, or vectors one after the other."""

    def unrounded(self, *words: Real) -> Real:
        """Join."""
        return np.concatenate(_aligned(words, self.entering, self.format), axis=-1)


@dataclass(frozen=True, eq=False)
class Pad(Operation):
    """Zeros around a map."""

    rows: tuple[int, int]
    """Above and below."""
    columns: tuple[int, int]
    """To the left and to the right."""

    def unrounded(self, *words: Real) -> Real:
        """Pad."""
        return np.pad(words[0], ((0, 0), self.rows, self.columns, (0, 0)))


@dataclass(frozen=True, eq=False)
class Crop(Operation):
    """A map without some of its border."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def unrounded(self, *words: Real) -> Real:
        """Crop."""
        (top, _), (left, _) = self.rows, self.columns
        rows, columns, _ = self.shape
        return words[0][:, top : top + rows, left : left + columns]


@dataclass(frozen=True, eq=False)
class Repeat(Operation):
    """Each pixel several times: up-sampling by the nearest neighbor."""

    times: tuple[int, int]
    """In rows and columns."""

    def unrounded(self, *words: Real) -> Real:
        """Repeat."""
        return words[0].repeat(self.times[0], axis=1).repeat(self.times[1], axis=2)


class Reshape(Operation):
    """The same words in the same order in another shape."""

    def unrounded(self, *words: Real) -> Real:
        """Reshape."""
        return words[0].reshape(len(words[0]), *self.shape)


@dataclass(frozen=True, eq=False)
class Permute(Operation):
    """The axes of a cell in another order."""

    order: tuple[int, ...]
    """Which axis of what enters, counted from 0, each axis of what leaves is."""

    def unrounded(self, *words: Real) -> Real:
        """Transpose."""
        return words[0].transpose(0, *(axis + 1 for axis in self.order))


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Operations, each behind those that it reads; the last one's words are the logits."""

    name: str
    operations: tuple[Operation, ...]

    @property
    def inputs(self) -> tuple[Input, ...]:
        """In the order in which codes are handed over."""
        return tuple(each for each in self.operations if isinstance(each, Input))

    @property
    def logits(self) -> Operation:
        """What comes last."""
        return self.operations[-1]

    @property
    def macs(self) -> int:
        """Multiplications of a cell."""
        return sum(each.macs for each in self.operations if isinstance(each, Weighted))

    @property
    def weights(self) -> int:
        """Constants that hardware stores."""
        weighted = [each for each in self.operations if isinstance(each, Weighted)]
        return sum(each.kernel.codes.size + each.bias.codes.size for each in weighted)

    def roundings_within(self) -> dict[str, str]:
        """Return the roundings that hardware does where the words ahead of them are made, by the names of those."""
        found = {}
        for operation in self.operations:
            readers = self.readers(operation.name)
            if isinstance(operation, (Weighted, *OF_TWO, Mean)) and len(readers) == 1:
                (reader,) = readers
                if isinstance(reader, Round) and not reader.slope_shift:
                    found[operation.name] = reader.name
        return found

    def until(self, name: str) -> IntegerNetwork:
        """Return the part of the network that an operation needs, which comes last."""
        needed = {name}
        for each in reversed(self.operations):
            if each.name in needed:
                needed |= set(each.reads)
        return IntegerNetwork(self.name, tuple(each for each in self.operations if each.name in needed))

    def __getitem__(self, name: str) -> Operation:
        """Return an operation."""
        return next(each for each in self.operations if each.name == name)

    def readers(self, name: str) -> tuple[Operation, ...]:
        """Return those that read an operation's words."""
        return tuple(each for each in self.operations if name in each.reads)

    def classify(self, *codes: NDArray[np.integer]) -> Codes:
        """Return codes of logits (cells, classes) for codes (cells, ...) of each input, some cells at a time."""
        parts = [
            self.compute([each[start : start + BATCH] for each in codes])[self.logits.name]
            for start in range(0, max(1, len(codes[0])), BATCH)
        ]
        return np.concatenate(parts)

    def unrounded(self, codes: Sequence[NDArray[np.integer]]) -> dict[str, Real]:
        """Return the same words as :meth:`compute` without any rounding or saturation, in steps of their formats."""
        words = {each.name: np.asarray(given, np.float64) for each, given in zip(self.inputs, codes, strict=True)}
        for each in self.operations:
            if not isinstance(each, Input):
                words[each.name] = each.unrounded(*(words[name] for name in each.reads))
        return words

    def compute(self, codes: Sequence[NDArray[np.integer]]) -> dict[str, Codes]:
        """Return the words (cells, *shape) of every operation for codes (cells, ...) of each input."""
        words = {each.name: np.asarray(given, np.int64) for each, given in zip(self.inputs, codes, strict=True)}
        for each in self.operations:
            if not isinstance(each, Input):
                words[each.name] = each.compute(*(words[name] for name in each.reads))
        return words


def exact_format(lowest: int, highest: int, fraction_bits: int, *, signed: bool | None = None) -> Format:
    """Return the narrowest format on a grid that holds codes from ``lowest`` to ``highest``."""
    signed = lowest < 0 if signed is None else signed
    width = max((highest if highest >= 0 else ~highest).bit_length(), (~lowest if lowest < 0 else lowest).bit_length())
    width = max(1, width) + signed
    return Format(width, width - fraction_bits, signed, Rounding.TRUNCATE, Overflow.WRAP)


def _windows(words: NDArray, window: tuple[int, ...], strides: tuple[int, int]) -> NDArray:
    """Return (cells, rows, columns, channels, *window)."""
    return sliding_window_view(words, window, axis=(1, 2))[:, :: strides[0], :: strides[1]]


def _aligned(words: Sequence[Real], formats: Sequence[Format], grid: Format) -> list[Real]:
    """Return words of several formats in steps of one that is as fine as the finest."""
    return [each * 2.0 ** (grid.fraction_bits - own.fraction_bits) for each, own in zip(words, formats, strict=True)]
