"""Estimate area and speed of the network on a device before anything is built.

No synthesis of Vitis HLS stands behind these figures. They follow from the shapes of the layers, from the reuse factors
that conversion asks for, and from how hls4ml 1.3 writes a layer under ``io_stream`` and the Resource strategy:

* a layer has ``inputs * outputs / reuse`` multipliers, counted as one DSP each, though a multiplier of 8 x 8 bits may
  become logic;
* a convolution reads a pixel a clock at best, and at each output position stops for ``reuse`` clocks: its loop over
  pixels is not pipelined. All layers work at once, so the slowest sets the pace;
* weights lie in block RAM, ``reuse`` words of all multipliers' weights side by side, as hls4ml demands by a pragma,
  and beside those of a layer with more clocks than inputs lies a table of the outputs;
* all inputs of a position lie in registers, from which a selector takes those of the clock;
* streams between layers are as deep as :func:`stream_depth` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.estimates.moments import MOMENTS_CYCLES, moments_area
from cytogate.model.estimates.shapes import (
    Convolution,
    Dense,
    Depthwise,
    Input,
    Join,
    Layer,
    Map,
    Moments,
    NetworkShapes,
    Pooling,
    Weighted,
)

Node = TypeVar("Node")
"""A layer, as whoever asks has it."""

STREAM_DEPTH_MIN = 2
"""Below, writer and reader of a stream would take turns."""

SRL_BITS = 32
"""Clocks of delay of one bit in a look-up table (UG474, SRL32)."""
LUT_RAM_WORDS, LUT_RAM_LUTS, LUT_RAM_BITS = 64, 4, 3
"""A memory of look-up tables (UG474, RAM64M): values, and bits of a value in so many tables. Shallow ones go there."""
BLOCK_RAM_WORDS, BLOCK_RAM_BITS = 512, 36
"""Half a block RAM at its widest (UG473, RAMB18)."""
SELECTOR_LUTS_PER_INPUT = 4 / 15
"""Sixteen inputs of a bit pass four look-up tables (UG474), a sixteenth of their outputs the next four, and so on."""


@dataclass(frozen=True)
class LayerEstimate:
    """A layer with weights."""

    name: str
    inputs: int
    """Values that go into one sum of products, kernel area included."""
    outputs: int
    positions: int
    """Output positions of a cell."""
    pixels: int
    """Pixels that enter for a cell, padding included."""
    reuse: int
    """Multiplications that share a multiplier: clocks of an output position."""

    @property
    def macs(self) -> int:
        """Multiplications of a cell."""
        return self.positions * self.inputs * self.outputs

    @property
    def multipliers(self) -> int:
        """Multipliers side by side."""
        return -(-self.inputs * self.outputs // self.reuse)

    @property
    def cycles(self) -> int:
        """Clocks of a cell at best."""
        return self.pixels + self.positions * self.reuse


@dataclass(frozen=True)
class NetworkEstimate:
    """A network on a device."""

    layers: tuple[LayerEstimate, ...]
    interval_cycles: int
    """Between cells, set by the slowest layer."""
    latency_cycles: int
    """From the last pixel in to the logits, if pixels come no faster than the slowest convolution takes them."""
    streams: tuple[Buffer, ...]
    """Between layers, in their order; the last one's logits leave without."""
    weights_bram36: float
    streams_bram36: float
    area: Area
    """Multipliers and their adders, weights, inputs and selectors, streams, line buffers; control logic is not known
    and not in it."""


def estimate_network(shapes: NetworkShapes, clocks_per_pixel: int) -> NetworkEstimate:
    """Estimate a network from its shapes.

    Each layer is given ``clocks_per_pixel`` clocks for a pixel of the network's largest input, see
    :attr:`~cytogate.model.design.boards.Board.network_clocks_per_pixel`. Pooling, normalization and rounding work
    beside the convolutions and are never the slowest.
    """
    clocks = clocks_per_pixel * shapes.input_pixels
    weighted = [layer for layer in shapes.layers if isinstance(layer, Weighted)]
    layers = {layer.name: _estimated(layer, shapes.before(layer), clocks) for layer in weighted}
    streams = [stream for layer in shapes.layers for stream in _streams(layer, shapes)]
    weights = sum(_weights_bram36(layers[layer.name], layer.weight_bits) for layer in weighted)
    deep = sum(row.bram36 for row in streams if row.depth > LUT_RAM_WORDS)
    shallow = sum(row.copies * row.width for row in streams if row.depth <= LUT_RAM_WORDS)
    logic = sum((_logic(layer, shapes.before(layer), layers[layer.name]) for layer in weighted), Area())
    for layer in shapes.layers:
        if isinstance(layer, Moments):
            read = shapes.before(layer)
            logic += moments_area(read.rows, read.columns)
    line_buffers = sum(_line_buffer_luts(layer, shapes) for layer in shapes.layers)
    return NetworkEstimate(
        layers=tuple(layers.values()),
        interval_cycles=max((layer.cycles for layer in layers.values()), default=shapes.input_pixels),
        latency_cycles=_latency(shapes, layers),
        streams=tuple(streams),
        weights_bram36=weights,
        streams_bram36=deep,
        area=logic + Area(
            lut=line_buffers + math.ceil(shallow / LUT_RAM_BITS) * LUT_RAM_LUTS, bram36=weights + deep
        ),
    )  # fmt: skip


def reuse_factor(inputs: int, outputs: int, clocks: int) -> int:
    """Return the reuse factor that hls4ml takes for a layer that may spend ``clocks`` on an output position.

    Of the factors that its Resource strategy can build, the one nearest to ``clocks``, the smaller of two: they divide
    the number of products, and give whole sets of outputs at once or whole products one after the other.
    """
    products = inputs * outputs
    candidates = [factor for factor in range(1, products + 1) if products % factor == 0]
    fitting = [
        factor
        for factor in candidates
        if (factor % inputs == 0 if factor >= inputs else (products // factor) % outputs == 0)
    ]
    return min(fitting, key=lambda factor: (abs(factor - clocks), factor))


def stream_depth(row_length: int) -> int:
    """Return how many values a stream between two layers holds whose map has rows of ``row_length`` pixels.

    In a chain without branches no depth can lock up: whoever waits, waits for a neighbor that can go on. A row is what
    a padding layer writes without reading. A dense layer takes its whole input before it computes: that map is one row.
    """
    return max(STREAM_DEPTH_MIN, row_length)


def taken_in_before_joints(
    layer: Node,
    readers: Callable[[Node], Iterable[Node]],
    takes_as_it_comes: Callable[[Node], bool],
    is_joint: Callable[[Node], bool],
) -> bool:
    """Whether each way from where ways part leads to a layer that takes a whole map as it comes, ahead of any joint.

    Such a layer, moments of a mask or a pooling over the whole map, takes every pixel and gives one vector. Then a row
    a stream is enough, and nothing can lock up: a way waits at its end only when vectors of its own fill the stream to
    the joint, so it has taken in the whole of the cells that they tell of. The same pixels went into the other way,
    which has what it needs to finish the first of those cells: a layer takes one cell at a time and no pixel of the
    next one, and the zeros behind a map are written without a pixel. So the joint gets the vector that it waits for.
    """
    return all(
        takes_as_it_comes(each)
        or (not is_joint(each) and taken_in_before_joints(each, readers, takes_as_it_comes, is_joint))
        for each in readers(layer)
    )


def _estimated(layer: Weighted, read: Map, clocks_of_a_cell: int) -> LayerEstimate:
    inputs, outputs, positions = layer.inputs(read), layer.writes.channels, layer.writes.pixels
    # hls4ml computes all products of a depthwise convolution at once.
    shared = 1 if isinstance(layer, Depthwise) else max(1, clocks_of_a_cell // positions)
    reuse = reuse_factor(inputs, outputs, shared)
    return LayerEstimate(layer.name, inputs, outputs, positions, layer.entering(read).pixels, reuse)


def _latency(shapes: NetworkShapes, layers: dict[str, LayerEstimate]) -> int:
    """Clocks along the slowest way from an input to the logits.

    A dense layer begins with its last input; a convolution has one more position to compute.
    """
    passed: dict[str, int] = {}
    for layer in shapes.layers:
        own = layers[layer.name].reuse if layer.name in layers else 0
        own += MOMENTS_CYCLES * isinstance(layer, Moments)
        passed[layer.name] = own + max((passed[name] for name in layer.reads), default=0)
    return passed[shapes.layers[-1].name]


def _logic(layer: Weighted, read: Map, estimated: LayerEstimate) -> Area:
    """Multipliers, an adder each, accumulators, and the inputs of a position with their selector."""
    input_bits = estimated.inputs * read.bits
    selector = input_bits * SELECTOR_LUTS_PER_INPUT if estimated.reuse > 1 else 0.0
    return Area(
        lut=math.ceil(selector) + estimated.multipliers * layer.accumulator_bits,
        ff=input_bits
        + estimated.outputs * layer.accumulator_bits
        + estimated.multipliers * (read.bits + layer.weight_bits),
        dsp=estimated.multipliers,
    )


def _weights_bram36(layer: LayerEstimate, weight_bits: int) -> float:
    """Block RAMs of a layer's weights, however shallow; with a multiplier a product they are constants in logic."""
    if layer.reuse == 1:
        return 0.0
    width = layer.multipliers * weight_bits
    if layer.reuse <= BLOCK_RAM_WORDS:
        return math.ceil(width / BLOCK_RAM_BITS) / 2
    return Buffer("weights", layer.name, width, layer.reuse).bram36 + _output_table_bram36(layer)


def _output_table_bram36(layer: LayerEstimate) -> float:
    """Block RAMs of the table that says which output the products of a clock belong to, if there is a choice."""
    outputs_of_a_multiplier = layer.reuse // layer.inputs
    if outputs_of_a_multiplier <= 1:
        return 0.0
    return Buffer("output", layer.name, (outputs_of_a_multiplier - 1).bit_length(), layer.reuse).bram36


def _streams(layer: Layer, shapes: NetworkShapes) -> list[Buffer]:
    """Return the streams that a layer needs: before a convolution the one out of its padding, and the one after it.

    Inputs come by the kernel's pins, and the last layer's logits leave by them.
    """
    found, readers = [], shapes.readers(layer)
    if isinstance(layer, Convolution) and any(layer.padding):
        entering = layer.entering(shapes.before(layer))
        found.append(Buffer("padded", layer.name, entering.pixel_bits, stream_depth(entering.columns)))
    # Ahead of a joint, and where ways part, a stream holds a map: one way may run ahead of the other.
    bits, row, whole = layer.writes.pixel_bits, stream_depth(layer.writes.columns), stream_depth(layer.writes.pixels)
    if readers and not isinstance(layer, Input):
        at_once = len(readers) == 1 and isinstance(readers[0], (Dense, Join))
        found.append(Buffer("written", layer.name, bits, whole if at_once else row))
    if len(readers) > 1:
        apart = taken_in_before_joints(
            layer, shapes.readers, lambda it: _takes_as_it_comes(it, shapes), lambda it: isinstance(it, Join)
        )
        found += [Buffer("copied", layer.name, bits, row if apart else whole) for _ in readers]
    return found


def _takes_as_it_comes(layer: Layer, shapes: NetworkShapes) -> bool:
    if isinstance(layer, Pooling):
        read = shapes.before(layer)
        return layer.window == (read.rows, read.columns)
    return isinstance(layer, Moments)


def _line_buffer_luts(layer: Layer, shapes: NetworkShapes) -> int:
    """Rows that a kernel or a pooling looks back on, as shift registers; over the whole map there are sums alone."""
    if isinstance(layer, Convolution):
        entering, rows = layer.entering(shapes.before(layer)), layer.kernel[0]
    elif isinstance(layer, Pooling) and layer.writes.pixels > 1:
        entering, rows = shapes.before(layer), layer.window[0]
    else:
        return 0
    return (rows - 1) * entering.pixel_bits * -(-entering.columns // SRL_BITS)
