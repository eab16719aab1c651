"""Meng 2017: four bright-field frames and a phase map, and which of them a network needs (channel augmentation).

N. Meng, H. So, E. Lam, "Computational single-cell classification using deep learning on bright-field and phase images".
Kernels and widths of the network are ours: the paper gives them in a figure alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.design.instruments import ANGLES
from cytogate.model.design.topologies import Meng2017
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import (
    HIDDEN_INTEGER_BITS,
    KERNEL_INTEGER_BITS,
    NORMALIZED_INTEGER_BITS,
    RELU_INTEGER_BITS,
    largest_code,
    signed_bits_into_sum,
    unsigned_bits_into_sum,
)

KERNEL = 3
"""Rows and columns of the kernels behind the first."""
CHANNELS = ANGLES + 1
"""Four bright-field frames and the phase."""

VARIANTS = {
    "channel 1": (0,),
    "channel 2": (1,),
    "channel 3": (2,),
    "channel 4": (3,),
    "channel 1-4": (0, 1, 2, 3),
    "phase only": (4,),
    "channel 1-4 & phase": tuple(range(CHANNELS)),
}
"""Channels of the paper's inputs, by their names in its Table 1."""


@dataclass(frozen=True)
class Compared:
    """One network of the paper's comparison."""

    variant: str = "channel 1-4 & phase"
    normalized: bool = True
    """With batch normalization, or without (Figures 3 and 4)."""
    size: int = 305
    """Rows and columns of an image."""
    sizes: Meng2017 = field(default_factory=Meng2017)
    classes: int = 5

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(f"there is no input named {self.variant}; choose one of {', '.join(VARIANTS)}")

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of (+x, -x, +y, -y, phase) that the network sees."""
        return VARIANTS[self.variant]

    @property
    def quantized_size(self) -> int:
        """Rows and columns of the central window that the quantized network sees, which can be halved evenly: 304."""
        multiple = 8 * self.sizes.first_stride
        return self.size // multiple * multiple


def float_network(spec: Compared) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) in [0, 1), with probabilities (cells, classes)."""
    bare = meng2017(spec.sizes, spec.size, spec.classes, False, spec.channels, spec.normalized)
    probabilities = keras.layers.Softmax(name="probabilities")(bare.output)
    return keras.Model(bare.input, probabilities, name="meng2017")


def quantized_network(spec: Compared) -> keras.Model:
    """Build the quantized form for inputs (cells, size, size, channels) of codes / 256, with logits (cells, classes).

    Rows and columns are ``spec.quantized_size``.
    """
    return meng2017(spec.sizes, spec.quantized_size, spec.classes, True, spec.channels, spec.normalized)


def meng2017(
    spec: Meng2017,
    size: int,
    classes: int,
    quantized: bool,
    channels: Sequence[int] = range(CHANNELS),
    normalized: bool = True,
) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) of values code / 256, with logits (cells, classes).

    Blocks of convolution, ReLU, max-pooling 2x2 and batch normalization, then two dense layers (Meng 2017,
    section 4; sizes are ours). The quantized form rounds its input,
    weights, biases and activations; there is no softmax, which no fixed-point table reproduces exactly.

    How bright an arm is says nothing of a cell. The first convolution's weights for bright-field channels sum to zero,
    which makes it blind to it and also trains faster: an even brightness is ten times the contrast.

    Parameters
    ----------
    spec
        Filters of the blocks, kernel and stride of the first, width of the dense layer, bits of weights and
        activations.
    size
        Rows and columns of the input; for the quantized form a multiple of 8 times the stride.
    quantized
        Whether to build with QKeras quantizers, or as the float network of the same topology.
    channels
        Which of the bright-field frames, 0 to 3, and of the phase, 4, are given, ascending (the paper's Table 1).
    normalized
        Whether there is batch normalization behind the blocks (the paper's Figures 3 and 4 compare).
    """
    blocks = len(spec.filters)
    if quantized and (size % ((1 << blocks) * spec.first_stride) or size <= 0):
        raise InputError(
            f"network meng2017: inputs of {size}x{size} cannot be halved {blocks} times after a stride of "
            f"{spec.first_stride}"
        )
    if not channels or list(channels) != sorted(set(channels) & set(range(CHANNELS))):
        raise InputError(f"network meng2017: channels are {list(channels)}; some of 0 to {CHANNELS - 1}, ascending")
    layers: Layers = QuantizedLayers(spec.weight_bits) if quantized else FloatLayers()
    inputs = keras.Input((size, size, len(channels)), name="network_input")
    x = layers.words(inputs, "input_quantizer", PIXEL)
    for block, filters in enumerate(spec.filters, start=1):
        first, last = block == 1, block == len(spec.filters)
        x = layers.convolution(
            x,
            f"convolution_{block}",
            filters,
            spec.first_kernel if first else KERNEL,
            stride=spec.first_stride if first else 1,
            largest_input=1 << max(PIXEL.width, spec.activation_bits),
            integer_bits=KERNEL_INTEGER_BITS,
            by_contrast=sum(channel < ANGLES for channel in channels) if first else None,
        )
        summed = math.prod(x.shape[1:]) // 4
        bits = unsigned_bits_into_sum(summed, spec.activation_bits) if last else spec.activation_bits
        words = Format(spec.activation_bits if normalized else bits, RELU_INTEGER_BITS, signed=False)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
        if normalized:
            x = batch_normalization(x, f"normalization_{block}")
            bits = signed_bits_into_sum(summed, spec.activation_bits) if last else spec.activation_bits
            words = Format(bits, NORMALIZED_INTEGER_BITS + 1)
            x = layers.words(x, f"quantizer_{block}", words)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layers.dense(x, "dense", spec.dense, largest_input=largest_code(words))
    words = Format(spec.activation_bits, HIDDEN_INTEGER_BITS, signed=False)
    x = layers.relu(x, "relu_dense", words)
    x = layers.dense(x, "logits", classes, largest_input=largest_code(words))
    return keras.Model(inputs, x, name="meng2017")
