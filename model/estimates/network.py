"""What the network will cost on a device and how fast it will be, before anything is built: estimated, all of it.

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
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.design.topologies import Meng2017
from cytogate.model.errors import InputError

KERNEL = 3
"""Rows and columns of the kernels behind the first."""
POOL = 2
CHANNELS = ANGLES + 1
ACCUMULATOR_BITS = 21
"""Of the widest words between a layer and its ReLU in the default design; conversion finds the true ones."""
STREAM_DEPTH_MIN = 2
"""Below, writer and reader of a stream would take turns."""

SRL_BITS = 32
"""Clocks of delay of one bit in a look-up table (UG474, SRL32)."""
LUT_RAM_WORDS, LUT_RAM_LUTS, LUT_RAM_BITS = 64, 4, 3
"""A memory of look-up tables (UG474, RAM64M): words, and bits of a word in so many tables. Shallow ones go there."""
BLOCK_RAM_WORDS, BLOCK_RAM_BITS = 512, 36
"""Half a block RAM at its widest (UG473, RAMB18)."""
SELECTOR_LUTS_PER_INPUT = 4 / 15
"""Sixteen inputs of a bit pass four look-up tables (UG474), a sixteenth of their outputs the next four, and so on."""


@dataclass(frozen=True)
class LayerEstimate:
    """A layer with weights."""

    name: str
    inputs: int
    """Samples that a product sum takes, kernel area included."""
    outputs: int
    positions: int
    """Output positions of a cell."""
    pixels: int
    """Pixels that enter for a cell, padding included."""
    reuse: int
    """Products that share a multiplier: clocks of an output position."""

    @property
    def macs(self) -> int:
        """Products of a cell."""
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
    """A network behind the phase retrieval."""

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


def estimate_network(design: Design, clocks_per_pixel: int) -> NetworkEstimate:
    """Estimate the network of ``design`` from its shapes (Meng 2017's form).

    Each layer is given ``clocks_per_pixel`` clocks for a pixel of the network's input, see
    :attr:`~cytogate.model.design.boards.Board.network_clocks_per_pixel`. Pooling, normalization and rounding work
    beside the convolutions and are never the slowest.
    """
    layers = _layers(design, clocks_per_pixel)
    convolutions, dense = layers[:-2], layers[-2:]
    streams = _streams(design, convolutions)
    weights = sum(_weights_bram36(layer, _sizes(design).weight_bits) for layer in layers)
    deep = sum(row.bram36 for row in streams if row.depth > LUT_RAM_WORDS)
    shallow = sum(row.copies * row.width for row in streams if row.depth <= LUT_RAM_WORDS)
    logic = sum((_logic(layer, design) for layer in layers), Area())
    return NetworkEstimate(
        layers=layers,
        interval_cycles=max(layer.cycles for layer in layers),
        # A dense layer begins with its last input; a convolution has one more position to compute.
        latency_cycles=sum(layer.reuse for layer in (*convolutions, *dense)),
        streams=tuple(streams),
        weights_bram36=weights,
        streams_bram36=deep,
        area=logic + Area(
            lut=_line_buffer_luts(design, convolutions) + math.ceil(shallow / LUT_RAM_BITS) * LUT_RAM_LUTS,
            bram36=weights + deep,
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
    """Return how many words a stream between two layers holds whose map has rows of ``row_length`` pixels.

    In a chain without branches no depth can lock up: whoever waits, waits for a neighbor that can go on. A row is what
    a padding layer writes without reading. A dense layer takes its whole input before it computes: that map is one row.
    """
    return max(STREAM_DEPTH_MIN, row_length)


def _sizes(design: Design) -> Meng2017:
    topology = design.network.topology
    if not isinstance(topology, Meng2017):
        raise InputError(f'design {design.name}: topology "{topology.name}" cannot be estimated')
    return topology


def _layers(design: Design, clocks_per_pixel: int) -> tuple[LayerEstimate, ...]:
    spec, size, channels = _sizes(design), design.size, CHANNELS
    clocks_of_a_cell = clocks_per_pixel * size * size
    layers = []
    for block, filters in enumerate(spec.filters, start=1):
        kernel, stride = (spec.first_kernel, spec.first_stride) if block == 1 else (KERNEL, 1)
        extent = size // stride
        padded = (extent - 1) * stride + kernel
        positions, inputs = extent * extent, kernel * kernel * channels
        reuse = reuse_factor(inputs, filters, max(1, clocks_of_a_cell // positions))
        layers.append(LayerEstimate(f"convolution_{block}", inputs, filters, positions, padded * padded, reuse))
        size, channels = extent // POOL, filters
    flat = size * size * channels
    for name, inputs, outputs, pixels in (
        ("dense", flat, spec.dense, size * size),
        ("logits", spec.dense, design.network.classes, 1),
    ):
        reuse = reuse_factor(inputs, outputs, clocks_of_a_cell)
        layers.append(LayerEstimate(name, inputs, outputs, 1, pixels, reuse))
    return tuple(layers)


def _logic(layer: LayerEstimate, design: Design) -> Area:
    """Multipliers, an adder each, accumulators, and the inputs of a position with their selector."""
    bits, product_bits = (
        _sizes(design).activation_bits,
        _sizes(design).activation_bits + _sizes(design).weight_bits,
    )
    selector = layer.inputs * bits * SELECTOR_LUTS_PER_INPUT if layer.reuse > 1 else 0.0
    return Area(
        lut=math.ceil(selector) + layer.multipliers * ACCUMULATOR_BITS,
        ff=layer.inputs * bits + layer.outputs * ACCUMULATOR_BITS + layer.multipliers * product_bits,
        dsp=layer.multipliers,
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


def _streams(design: Design, convolutions: tuple[LayerEstimate, ...]) -> list[Buffer]:
    """Streams behind each step: input quantizer, then padding, convolution, ReLU, pooling, normalization of a block.

    Behind the last block follow the dense layer and its ReLU.
    """
    bits, last = _sizes(design).activation_bits, convolutions[-1]
    rows = [_stream("pixels", "input", CHANNELS * PIXEL.width, design.size)]
    channels, bits_in = CHANNELS, PIXEL.width
    for layer in convolutions:
        extent = math.isqrt(layer.positions)
        pooled = extent // POOL
        rows += [
            _stream("padded", layer.name, channels * bits_in, math.isqrt(layer.pixels)),
            _stream("sums", layer.name, layer.outputs * ACCUMULATOR_BITS, extent),
            _stream("rectified", layer.name, layer.outputs * bits, extent),
            _stream("pooled", layer.name, layer.outputs * bits, pooled),
            _stream("normalized", layer.name, layer.outputs * bits, pooled * pooled if layer is last else pooled),
        ]
        channels, bits_in = layer.outputs, bits
    rows.append(_stream("sums", "dense", _sizes(design).dense * ACCUMULATOR_BITS, 1))
    rows.append(_stream("rectified", "dense", _sizes(design).dense * bits, 1))
    return rows


def _stream(name: str, layer: str, width: int, row_length: int) -> Buffer:
    return Buffer(name, layer, width, stream_depth(row_length))


def _line_buffer_luts(design: Design, convolutions: tuple[LayerEstimate, ...]) -> int:
    """Rows that a kernel and the pooling behind it look back on, as shift registers."""
    bits, channels, luts = _sizes(design).activation_bits, CHANNELS, 0
    for index, layer in enumerate(convolutions):
        kernel = _sizes(design).first_kernel if index == 0 else KERNEL
        luts += (kernel - 1) * channels * bits * -(-math.isqrt(layer.pixels) // SRL_BITS)
        luts += (POOL - 1) * layer.outputs * bits * -(-math.isqrt(layer.positions) // SRL_BITS)
        channels = layer.outputs
    return luts
