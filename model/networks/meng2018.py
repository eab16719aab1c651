"""Meng 2018: one ATOM frame of a cell to one of four classes.

N. Meng, E. Lam, K. Tsia, H. So, "Large-scale multi-class image-based cell classification with deep learning", IEEE
JBHI 2018, Table I. The table gives no padding; ours keeps the size. It puts ReLU behind pooling: ahead of it, where it
is here, the values are the same and the words between the two are narrow. It gives the last layer a ReLU ahead of its
softmax, which the text does not: there is none here.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths

INITIAL_DEVIATION = 0.1
"""Standard deviation of the initial weights, truncated normal (section III-C)."""


@dataclass(frozen=True)
class Meng2018:
    """Sizes of Table I."""

    size: int = 128
    channels: int = 1
    words: Format = PIXEL
    """Format of the codes that arrive."""
    kernels: tuple[int, int, int] = (11, 6, 3)
    filters: tuple[int, ...] = (32, 64, 128)
    dense: int = 64
    classes: int = 4

    def scaled(self, size: int, width: float) -> Meng2018:
        """Return the network for images of another size, with ``width`` times the filters and units."""
        (dense,) = scaled_widths((self.dense,), width)
        return dataclasses.replace(self, size=size, filters=scaled_widths(self.filters, width), dense=dense)


def float_network(spec: Meng2018) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) in [0, 1), with probabilities (cells, classes)."""
    initializer = functools.partial(keras.initializers.TruncatedNormal, stddev=INITIAL_DEVIATION)
    inputs, logits = _topology(spec, FloatLayers(initializer), DEFAULT_WIDTHS)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(logits), name="meng2018")


def quantized_network(spec: Meng2018, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build it quantized for inputs (cells, size, size, channels) of codes / 256, with logits (cells, classes)."""
    check_halvings("meng2018", spec.size, len(spec.filters))
    return keras.Model(*_topology(spec, QuantizedLayers(widths.weights), widths), name="meng2018")


def _topology(spec: Meng2018, layers: Layers, widths: Widths) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    words = spec.words
    x = layers.words(inputs, "input_quantizer", words)
    for block, (kernel, filters) in enumerate(zip(spec.kernels, spec.filters, strict=True), start=1):
        x = layers.convolution(x, f"convolution_{block}", filters, kernel, largest_input=largest_code(words))
        rows, columns = (extent // 2 for extent in x.shape[1:3])
        words = widths.rectified(rows * columns * filters if block == len(spec.filters) else None)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layers.dense(x, "dense", spec.dense, largest_input=largest_code(words))
    x = layers.relu(x, "relu_dense", widths.hidden)
    return inputs, layers.dense(x, "logits", spec.classes, largest_input=largest_code(widths.hidden))
