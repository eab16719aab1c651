"""Networks drawn at random, operation by operation, for tests of engines: any format, rounding, window and joint."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import numpy as np

from cytogate.model.contract.fixed_point import PIXEL, Codes, Format, Overflow, Rounding
from cytogate.model.contract.mask_moments import WORD
from cytogate.model.networks import operations
from cytogate.model.networks.operations import Constants, IntegerNetwork, Operation, exact_format
from cytogate.sim.csim.network import extreme_codes


class Drawn:
    """A network that grows; every draw comes from its seed."""

    def __init__(self, seed: int, attempt: int = 0) -> None:
        self.rng = np.random.default_rng((seed, attempt))
        self.operations: list[Operation] = []
        self.name = f"drawn_{seed}"

    def number(self, low: int, high: int) -> int:
        """Return an integer, both ends included."""
        return int(self.rng.integers(low, high, endpoint=True))

    def chance(self, share: float = 0.5) -> bool:
        return bool(self.rng.random() < share)

    def add(
        self, kind: type[Operation], reads: list[Operation], shape: tuple[int, ...], words: Format, **more: object
    ) -> Operation:
        name = f"{kind.__name__.lower()}_{len(self.operations)}"
        entering = tuple(each.format for each in reads)
        self.operations.append(kind(name, tuple(each.name for each in reads), entering, shape, words, **more))
        return self.operations[-1]

    def network(self) -> IntegerNetwork:
        return IntegerNetwork(self.name, tuple(self.operations))

    # Operations.

    def entry(self, most_rows: int = 11, columns: int | None = None) -> Operation:
        shape = (self.number(5, most_rows), columns or self.number(5, 11), self.number(1, 3))
        width = self.number(2, 8)
        return self.add(operations.Input, [], shape, Format(width, self.number(0, 3), self.chance()))

    def round(self, x: Operation, width: int | None = None) -> Operation:
        width = width or (self.number(9, 16) if self.chance(0.1) else self.number(2, 8))
        # Around the words' own range: some saturate, or wrap, and some lose little.
        integer_bits = x.format.integer_bits - self.number(-1, 5)
        words = Format(
            width, integer_bits, self.chance(), list(Rounding)[self.number(0, 2)], list(Overflow)[self.number(0, 2)]
        )
        slope = self.number(1, 4) if words.signed and self.chance(0.3) else 0
        return self.add(operations.Round, [x], x.shape, words, slope_shift=slope)

    def padded(self, x: Operation, most_rows: int, most_columns: int) -> Operation:
        rows, columns = ((self.number(0, most), self.number(0, most)) for most in (most_rows, most_columns))
        if not any((*rows, *columns)):
            return x
        shape = (x.shape[0] + sum(rows), x.shape[1] + sum(columns), x.shape[2])
        return self.add(operations.Pad, [x], shape, x.format, rows=rows, columns=columns)

    def weights(self, x: Operation, shape: tuple[int, ...], values: int, outputs: int) -> dict[str, object]:
        """Return kernel and bias, and the format that holds every sum, as ``words``."""
        kernel_words = Format(self.number(2, 8), self.number(-1, 2))
        bias_words = Format(self.number(3, 10), self.number(0, 4))
        kernel = self.codes(kernel_words, shape)
        bias = self.codes(bias_words, (outputs,))
        fraction = max(x.format.fraction_bits + kernel_words.fraction_bits, bias_words.fraction_bits)
        largest = max(x.format.code_max, -x.format.code_min)
        products = values * largest * -kernel_words.code_min
        most = (products << (fraction - x.format.fraction_bits - kernel_words.fraction_bits)) + (
            -bias_words.code_min << (fraction - bias_words.fraction_bits)
        )
        words = exact_format(-most, most, fraction)
        return {"kernel": Constants(kernel, kernel_words), "bias": Constants(bias, bias_words), "words": words}

    def codes(self, words: Format, shape: tuple[int, ...]) -> Codes:
        """Return codes, at times all of them extreme."""
        if self.chance(0.2):
            return self.rng.choice([words.code_min, words.code_max], shape)
        return self.rng.integers(words.code_min, words.code_max, shape, endpoint=True)

    def window(
        self, x: Operation, most: int, least_stride: int = 1
    ) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Return a window that fits into a map, strides, and the places it has."""
        size = (self.number(1, min(most, x.shape[0])), self.number(1, min(most, x.shape[1])))
        strides = (self.number(least_stride, 3), self.number(least_stride, 3))
        rows, columns = ((x.shape[axis] - size[axis]) // strides[axis] + 1 for axis in (0, 1))
        return size, strides, (rows, columns)

    def convolution(self, x: Operation, filters: int | None = None, *, same: bool = False) -> Operation:
        channels, filters = x.shape[2], filters or self.number(1, 4)
        if same:
            size, strides, places = (3, 3), (1, 1), x.shape[:2]
            shape = (x.shape[0] + 2, x.shape[1] + 2, channels)
            x = self.add(operations.Pad, [x], shape, x.format, rows=(1, 1), columns=(1, 1))
        else:
            x = self.padded(x, self.number(0, 3), self.number(0, 3)) if self.chance(0.7) else x
            size, strides, places = self.window(x, 4)
        if self.chance(0.25) and not same:
            kind, shape, values, filters = operations.Depthwise, (*size, channels), math.prod(size), channels
        else:
            kind, shape, values = operations.Convolution, (*size, channels, filters), math.prod(size) * channels
        found = self.weights(x, shape, values, filters)
        return self.add(kind, [x], (*places, filters), found.pop("words"), map=x.shape[:2], strides=strides, **found)

    def pool(self, x: Operation) -> Operation:
        x = self.padded(x, 1, 1) if self.chance(0.3) else x
        window, strides, places = self.window(x, 3)
        options = {"map": x.shape[:2], "window": window, "strides": strides}
        shape = (*places, x.shape[2])
        if self.chance():
            return self.add(operations.MaxPool, [x], shape, x.format, **options)
        return self.mean(x, shape, options)

    def mean(self, x: Operation, shape: tuple[int, ...], options: dict[str, object]) -> Operation:
        more = self.number(0, 6)
        words = exact_format(x.format.code_min << more, x.format.code_max << more, x.format.fraction_bits + more)
        return self.add(operations.Mean, [x], shape, words, **options)

    def crop(self, x: Operation) -> Operation:
        rows, columns = (
            (self.number(0, (extent - 1) // 3), self.number(0, (extent - 1) // 3)) for extent in x.shape[:2]
        )
        shape = (x.shape[0] - sum(rows), x.shape[1] - sum(columns), x.shape[2])
        return self.add(operations.Crop, [x], shape, x.format, rows=rows, columns=columns)

    def scale(self, x: Operation) -> Operation:
        found = self.weights(x, x.shape[-1:], 1, x.shape[-1])
        return self.add(operations.Scale, [x], x.shape, found.pop("words"), **found)

    def joint(self, x: Operation) -> Operation:
        """Two ways of different length from one place to another."""
        longer = self.round(self.convolution(x, x.shape[2], same=True))
        if self.chance():
            longer = self.round(self.convolution(longer, x.shape[2], same=True))
        shorter = self.round(self.scale(x)) if self.chance() else x
        both = [longer, shorter] if self.chance() else [shorter, longer]
        if self.chance(0.3):
            return self.concatenate([*both, x] if self.chance() else both)
        kind = operations.OF_TWO[self.number(0, 3)]
        return self.add(kind, both, x.shape, self.common(both, 2))

    def common(self, joined: list[Operation], growth: int) -> Format:
        """Return a format that holds the words of all, and their sums and differences where it grows."""
        fraction = max(each.format.fraction_bits for each in joined)
        most = max(
            max(each.format.code_max, -each.format.code_min) << (fraction - each.format.fraction_bits)
            for each in joined
        )
        signed = growth > 1 or any(each.format.signed for each in joined)
        return exact_format(-growth * most if signed else 0, growth * most, fraction)

    def concatenate(self, joined: list[Operation]) -> Operation:
        shape = (*joined[0].shape[:-1], sum(each.shape[-1] for each in joined))
        return self.add(operations.Concatenate, joined, shape, self.common(joined, 1))

    def dense(self, x: Operation, outputs: int) -> Operation:
        values = x.shape[-1]
        found = self.weights(x, (values, outputs), values, outputs)
        return self.add(operations.Dense, [x], (*x.shape[:-1], outputs), found.pop("words"), **found)

    def flat(self, x: Operation) -> Operation:
        return self.add(operations.Reshape, [x], (math.prod(x.shape),), x.format)

    def global_mean(self, x: Operation) -> Operation:
        window = x.shape[:2]
        x = self.mean(x, (1, 1, x.shape[2]), {"map": window, "window": window, "strides": window})
        return self.flat(x)


LEAST_WORDS = 4
"""Different words that each operation of a drawn network gives: one that is always limited hides what is before it."""


def lively(grow: Callable[[Drawn], None], seed: int) -> IntegerNetwork:
    """Return the first network that ``grow`` draws from a seed in which every operation tells its inputs apart."""
    for attempt in count():
        net = Drawn(seed, attempt)
        grow(net)
        network = net.network()
        entry = network.inputs[0]
        words = network.compute([extreme_codes(entry.shape, entry.format, 6, seed=0)])
        if all(np.unique(found).size >= LEAST_WORDS for found in words.values()):
            return network
    raise AssertionError


def drawn_network(seed: int, columns: int | None = None) -> IntegerNetwork:
    """Return a network of two to four blocks and a dense end."""

    def grow(net: Drawn) -> None:
        x = net.entry(columns=columns)
        for _ in range(net.number(2, 4)):
            draw = net.number(0, 9)
            if draw <= 3:
                x = net.round(net.convolution(x))
            elif draw <= 5:
                x = net.round(net.pool(x)) if net.chance() else net.pool(x)
            elif draw == 6:
                x = net.crop(x)
            elif draw == 7:
                x = net.round(net.dense(x, net.number(1, 4)))
            else:
                x = net.round(net.joint(x))
            if x.format.width > 16:
                x = net.round(x)
        x = net.flat(x) if net.chance() else net.global_mean(x)
        if x.format.width > 16 or net.chance():
            x = net.round(x)
        if net.chance():
            x = net.round(net.dense(x, net.number(2, 6)))
        net.dense(x, net.number(2, 5))

    return lively(grow, seed)


def moments_network(seed: int) -> IntegerNetwork:
    """Return a small network in the manner of the default one: a cropped map, a convolution, moments beside it."""

    def grow(net: Drawn) -> None:
        shape = (net.number(9, 12), 12, 2)
        x = net.add(operations.Input, [], shape, PIXEL)
        x = net.add(operations.Crop, [x], (shape[0] - 2, 8, 2), PIXEL, rows=(1, 1), columns=(4, 0))
        moments = net.add(operations.MaskMoments, [x], (13,), WORD, map=x.shape)
        mean = net.round(net.global_mean(net.round(net.convolution(x, 3, same=True))))
        net.dense(net.concatenate([mean, moments]), 3)

    return lively(grow, seed)
