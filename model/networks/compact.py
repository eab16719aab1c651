"""A compact network of ours for small real images, in float and quantized.

Blocks of convolution, normalization, ReLU and pooling, then two dense layers. Codes are signed, and 0 is the
background: what a padded convolution sees beyond the rim is then more background.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths


@dataclass(frozen=True)
class Compact:
    """Sizes of the network."""

    size: int = 40
    channels: int = 2
    kernel: int = 3
    filters: tuple[int, ...] = (16, 32, 64)
    dense: int = 64
    classes: int = 7

    def scaled(self, size: int, width: float) -> Compact:
        """Return the network for images of another size, with ``width`` times the filters and units."""
        (dense,) = scaled_widths((self.dense,), width)
        return dataclasses.replace(self, size=size, filters=scaled_widths(self.filters, width), dense=dense)


def compact(spec: Compact, quantized: bool, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build the network for values (cells, size, size, channels) in [-1, 1), with logits (cells, classes)."""
    check_halvings("compact", spec.size, len(spec.filters))
    layers: Layers = QuantizedLayers(widths.weights) if quantized else FloatLayers()
    inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    words = SIGNED_PIXEL
    x = layers.words(inputs, "input_quantizer", words)
    for block, filters in enumerate(spec.filters, start=1):
        x = layers.convolution(x, f"convolution_{block}", filters, spec.kernel, largest_input=largest_code(words))
        x = layers.words(x, f"sums_{block}", widths.low_contrast if block == 1 else widths.ahead_of_normalization)
        x = batch_normalization(x, f"normalization_{block}")
        summed = (spec.size >> block) ** 2 * filters
        words = widths.rectified(summed if block == len(spec.filters) else None)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layers.dense(x, "dense", spec.dense, largest_input=largest_code(words))
    x = layers.relu(x, "relu_dense", widths.hidden)
    logits = layers.dense(x, "logits", spec.classes, largest_input=largest_code(widths.hidden))
    return keras.Model(inputs, logits, name="compact")
