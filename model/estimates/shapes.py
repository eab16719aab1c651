"""The shapes of a network: what its layers read and write, and how wide values and weights are, without the weights.

An estimate needs no more. Shapes are read off a quantized network, trained or not
(:func:`cytogate.model.networks.shapes.network_shapes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cytogate.model.errors import InputError


@dataclass(frozen=True)
class Map:
    """Values of a cell between two layers: rows x columns pixels of ``channels`` values of ``bits``."""

    rows: int
    columns: int
    channels: int
    bits: int

    @property
    def pixels(self) -> int:
        """Rows times columns; 1 for a vector."""
        return self.rows * self.columns

    @property
    def pixel_bits(self) -> int:
        """Bits of all values of a pixel."""
        return self.channels * self.bits


@dataclass(frozen=True)
class Layer:
    """A layer without weights that makes each value from one value: a ReLU, a rounding, a batch normalization."""

    name: str
    reads: tuple[str, ...]
    """Names of the layers before it."""
    writes: Map


@dataclass(frozen=True)
class Input(Layer):
    """What comes from outside; reads nothing."""


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest value of each window."""

    window: tuple[int, int]
    """Rows and columns; windows tile the map."""


@dataclass(frozen=True)
class Moments(Layer):
    """Moments of a phase mask: a vector, when the map's last pixel is in."""


@dataclass(frozen=True)
class Join(Layer):
    """Words of two layers side by side, or their sums."""


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with weights: sums of products."""

    weight_bits: int
    accumulator_bits: int
    """Of a sum before it is rounded."""

    def inputs(self, read: Map) -> int:
        """Return how many values of the map that is read go into one sum."""
        raise NotImplementedError

    def entering(self, read: Map) -> Map:
        """Return the map that is read with the zeros around it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Dense(Weighted):
    """A matrix product; a map is read as one vector."""

    def inputs(self, read: Map) -> int:
        """All values."""
        return read.pixels * read.channels

    def entering(self, read: Map) -> Map:
        """No zeros are added."""
        return read


@dataclass(frozen=True)
class Convolution(Weighted):
    """A two-dimensional convolution; its stride is told by the map that it writes."""

    kernel: tuple[int, int]
    """Rows and columns."""
    padding: tuple[int, int]
    """Rows and columns of zeros that are added to the map, both sides together."""

    def inputs(self, read: Map) -> int:
        """Those under the kernel."""
        return math.prod(self.kernel) * read.channels

    def entering(self, read: Map) -> Map:
        """Rows and columns of zeros are added."""
        rows, columns = self.padding
        return Map(read.rows + rows, read.columns + columns, read.channels, read.bits)


@dataclass(frozen=True)
class Depthwise(Convolution):
    """A convolution of each channel by itself."""

    def inputs(self, read: Map) -> int:
        """Those under the kernel in one channel."""
        return math.prod(self.kernel)


@dataclass(frozen=True)
class NetworkShapes:
    """Layers in an order in which each comes after those that it reads; the last one writes the logits."""

    name: str
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for layer in self.layers:
            unknown = [name for name in layer.reads if name not in known]
            if unknown or layer.name in known:
                raise InputError(
                    f"network {self.name}: layer {layer.name} "
                    + (f"reads {unknown[0]}, which is no layer before it" if unknown else "is there twice")
                )
            known.add(layer.name)
        if not self.layers or not any(isinstance(layer, Input) for layer in self.layers):
            raise InputError(f"network {self.name}: has no input")

    @property
    def input_pixels(self) -> int:
        """Pixels of a cell in the largest input."""
        return max(layer.writes.pixels for layer in self.layers if isinstance(layer, Input))

    def before(self, layer: Layer) -> Map:
        """Return the map that a layer reads, the first one of a join."""
        return next(each.writes for each in self.layers if each.name == layer.reads[0])

    def readers(self, layer: Layer) -> tuple[Layer, ...]:
        """Return the layers that read what ``layer`` writes; none read the last one."""
        return tuple(each for each in self.layers if layer.name in each.reads)
