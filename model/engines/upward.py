"""A network for rows that come from the last to the first: it gives the very logits of the upright one.

Kernels, paddings and crops are turned upside down, and weights behind a flattened map are put in the order in which its
words come. Sums are exact, so that no word changes but for its place; moments of the mask are the same for each mirror
image by their own law. What strides leave over below a map is left over above it, and is cropped there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.networks import operations
from cytogate.model.networks.operations import Constants, IntegerNetwork, Operation, Shape

Places = NDArray[np.int64]
"""Of an operation's words (*shape), the place of each in the upright network's, all counted one after the other."""
Windowed = operations.Convolution | operations.Depthwise | operations.MaxPool | operations.Mean


def in_order_of_rows(network: IntegerNetwork, design: Design) -> IntegerNetwork:
    """Return a network for pixels in the order in which a design's kernel in SystemVerilog sends them.

    Raises
    ------
    InputError
        As :func:`upside_down`.
    """
    return upside_down(network) if contract(design).upward else network


def upside_down(network: IntegerNetwork) -> IntegerNetwork:
    """Return a network that gives for a map upside down what ``network`` gives for the upright one.

    Raises
    ------
    InputError
        If an operation joins maps in both orders, or takes rows apart.
    """
    return _Turning(network).turned()


class _Turning:
    """A network, turned one operation after the other."""

    def __init__(self, network: IntegerNetwork) -> None:
        self._network = network
        self._turned: list[Operation] = []
        self._places: dict[str, Places] = {}
        self._turns: dict[type[Operation], Callable[..., tuple[Operation, Places]]] = {
            operations.Input: lambda operation: (operation, _flipped(operation.shape)),
            operations.Round: lambda operation: (operation, self._places[operation.reads[0]]),
            operations.Reshape: lambda each: (each, self._places[each.reads[0]].reshape(each.shape)),
            operations.Dense: self._dense,
            operations.Scale: self._scale,
            operations.Convolution: self._windowed,
            operations.Depthwise: self._windowed,
            operations.MaxPool: self._windowed,
            operations.Mean: self._windowed,
            operations.MaskMoments: self._moments,
            operations.Pad: self._bordered,
            operations.Crop: self._bordered,
            operations.Concatenate: self._concatenate,
            **dict.fromkeys(operations.OF_TWO, self._of_two),
        }

    def turned(self) -> IntegerNetwork:
        """Return the network."""
        for operation in self._network.operations:
            turn = self._turns.get(type(operation))
            if turn is None:
                raise self._refused(operation, f"{type(operation).__name__} has no form for that")
            turned, self._places[operation.name] = turn(operation)
            self._turned.append(turned)
        return IntegerNetwork(self._network.name, tuple(self._turned))

    def _dense(self, operation: operations.Dense) -> tuple[Operation, Places]:
        if len(operation.shape) == 3:
            return operation, _in_order(operation.shape, flipped=self._is_flipped(operation))
        kernel = _ordered(operation.kernel, self._places[operation.reads[0]])
        return replace(operation, kernel=kernel), _upright(operation.shape)

    def _scale(self, operation: operations.Scale) -> tuple[Operation, Places]:
        places = self._places[operation.reads[0]]
        if len(operation.shape) == 3:
            return operation, _in_order(operation.shape, flipped=self._is_flipped(operation))
        kernel, bias = _ordered(operation.kernel, places), _ordered(operation.bias, places)
        return replace(operation, kernel=kernel, bias=bias), places

    def _windowed(self, operation: Windowed) -> tuple[Operation, Places]:
        if not self._is_flipped(operation):
            return operation, _upright(operation.shape)
        turned: Windowed = operation
        if isinstance(operation, (operations.Convolution, operations.Depthwise)):
            kernel = replace(operation.kernel, codes=operation.kernel.codes[::-1])
            window, turned = kernel.codes.shape[0], replace(operation, kernel=kernel)
        else:
            window = operation.window[0]
        rows, columns = operation.map
        left_over = rows - (operation.shape[0] - 1) * operation.strides[0] - window
        if left_over:
            name = self._without_first_rows(operation, left_over)
            turned = replace(turned, reads=(name,), map=(rows - left_over, columns))
        return turned, _flipped(operation.shape)

    def _without_first_rows(self, operation: Windowed, count: int) -> str:
        """Add what takes the first rows off the map that an operation reads; return its name.

        Of a padding that is all zeros, and a padding without them does: windows see it themselves.
        """
        name = f"{operation.name}_rows"
        read = next(each for each in self._turned if each.name == operation.reads[0])
        shape = (read.shape[0] - count, *read.shape[1:])
        if isinstance(read, operations.Pad) and read.rows[0] >= count:
            rows = (read.rows[0] - count, read.rows[1])
            self._turned.append(replace(read, name=name, shape=shape, rows=rows))
        else:
            words = read.format
            crop = operations.Crop(name, (read.name,), (words,), shape, words, rows=(count, 0), columns=(0, 0))
            self._turned.append(crop)
        return name

    def _moments(self, operation: operations.MaskMoments) -> tuple[Operation, Places]:
        self._is_flipped(operation)
        return operation, _upright(operation.shape)

    def _bordered(self, operation: operations.Pad | operations.Crop) -> tuple[Operation, Places]:
        flipped = self._is_flipped(operation)
        rows = operation.rows[::-1] if flipped else operation.rows
        return replace(operation, rows=rows), _in_order(operation.shape, flipped=flipped)

    def _of_two(self, operation: Operation) -> tuple[Operation, Places]:
        first, second = (self._places[name] for name in operation.reads)
        if not np.array_equal(first, second):
            raise self._refused(operation, "what it joins comes in two orders")
        return operation, first

    def _concatenate(self, operation: operations.Concatenate) -> tuple[Operation, Places]:
        places = [self._places[name] for name in operation.reads]
        ends = np.cumsum([each.shape[-1] for each in places])[:-1]
        parts = np.split(_upright(operation.shape), ends, axis=-1)
        joined = [part.ravel()[own] for part, own in zip(parts, places, strict=True)]
        return operation, np.concatenate(joined, axis=-1)

    def _is_flipped(self, operation: Operation) -> bool:
        """Return whether the map that enters is upside down; a map of one row is not."""
        places = self._places[operation.reads[0]]
        if np.array_equal(places, _upright(places.shape)):
            return False
        if np.array_equal(places, _flipped(places.shape)):
            return True
        raise self._refused(operation, "what enters is no map of rows any more")

    def _refused(self, operation: Operation, reason: str) -> InputError:
        return InputError(
            f"network {self._network.name}, layer {operation.name}: rows come from the last to the first, and {reason}"
        )


def _upright(shape: Shape) -> Places:
    return np.arange(math.prod(shape)).reshape(shape)


def _flipped(shape: Shape) -> Places:
    return _upright(shape)[::-1]


def _in_order(shape: Shape, *, flipped: bool) -> Places:
    return _flipped(shape) if flipped else _upright(shape)


def _ordered(constants: Constants, places: Places) -> Constants:
    """Return constants, one a word that enters, in the order in which those come."""
    return replace(constants, codes=constants.codes[places])
