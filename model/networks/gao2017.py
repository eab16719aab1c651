"""Gao 2017, to which Meng 2018 compares itself (its reference 28): a small network in the manner of LeNet.

Z. Gao, L. Wang, L. Zhou, J. Zhang, "HEp-2 cell image classification with deep convolutional neural networks", IEEE JBHI
2017. Its sizes and its tanh are given from memory, since its text is not at hand; Meng 2018 changes its input to
128x128. The quantized network differs where a device cannot follow: ReLU for tanh, pooling 2x2 for 3x3, and padded
convolutions, so that maps can be halved.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import QuantizedLayers
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths


@dataclass(frozen=True)
class Gao2017:
    """Sizes as we remember them; images of 128 pixels and four classes as Meng 2018 has them."""

    size: int = 128
    channels: int = 1
    words: Format = PIXEL
    """Format of the codes that arrive."""
    kernels: tuple[int, int, int] = (7, 4, 3)
    filters: tuple[int, ...] = (6, 16, 32)
    pools: tuple[int, int, int] = (2, 3, 3)
    dense: int = 150
    classes: int = 4

    def scaled(self, size: int, width: float) -> Gao2017:
        """Return the network for images of another size, with ``width`` times the filters and units."""
        (dense,) = scaled_widths((self.dense,), width)
        return dataclasses.replace(self, size=size, filters=scaled_widths(self.filters, width), dense=dense)

    @property
    def least_size(self) -> int:
        """Rows and columns that leave one value a map after convolutions without padding: 42."""
        size = 1
        for kernel, pool in zip(reversed(self.kernels), reversed(self.pools), strict=True):
            size = size * pool + kernel - 1
        return size


def float_network(spec: Gao2017) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) in [0, 1), with probabilities (cells, classes).

    Raises
    ------
    InputError
        If the inputs are smaller than ``least_size``.
    """
    if spec.size < spec.least_size:
        raise InputError(
            f"network gao2017: inputs of {spec.size}x{spec.size} are too small, its convolutions have no padding; "
            f"{spec.least_size}x{spec.least_size} is the least"
        )
    x = inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    for block, (kernel, filters, pool) in enumerate(zip(spec.kernels, spec.filters, spec.pools, strict=True), start=1):
        x = keras.layers.Conv2D(filters, kernel, name=f"convolution_{block}")(x)
        x = keras.layers.Activation("tanh", name=f"tanh_{block}")(x)
        x = keras.layers.MaxPooling2D(pool, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(spec.dense, name="dense")(x)
    x = keras.layers.Activation("tanh", name="tanh_dense")(x)
    x = keras.layers.Dense(spec.classes, name="logits")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(x), name="gao2017")


def quantized_network(spec: Gao2017, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build it quantized for inputs (cells, size, size, channels) of codes / 256, with logits (cells, classes)."""
    check_halvings("gao2017", spec.size, len(spec.filters))
    layers = QuantizedLayers(widths.weights)
    inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    words = spec.words
    x = layers.words(inputs, "input_quantizer", words)
    for block, (kernel, filters) in enumerate(zip(spec.kernels, spec.filters, strict=True), start=1):
        x = layers.convolution(x, f"convolution_{block}", filters, kernel, largest_input=largest_code(words))
        extent = spec.size >> block
        words = widths.rectified(extent * extent * filters if block == len(spec.filters) else None)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layers.dense(x, "dense", spec.dense, largest_input=largest_code(words))
    x = layers.relu(x, "relu_dense", widths.hidden)
    x = layers.dense(x, "logits", spec.classes, largest_input=largest_code(widths.hidden))
    return keras.Model(inputs, x, name="gao2017")
