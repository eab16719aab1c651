"""A compact network of ours for small real images, in float and quantized.

Blocks of convolution, normalization, ReLU and pooling, then two dense layers. Codes are signed, and 0 is the
background: what a padded convolution sees beyond the rim is then more background.
"""

from __future__ import annotations

import dataclasses

from cytogate.model.contract.fixed_point import SIGNED_PIXEL, Format
from cytogate.model.design.topologies import Compact
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import Widths, check_halvings, largest_code, scaled_widths


def scaled(sizes: Compact, share: float) -> Compact:
    """Return a share of the filters and units, at least one each."""
    (dense,) = scaled_widths((sizes.dense,), share)
    return dataclasses.replace(sizes, filters=scaled_widths(sizes.filters, share), dense=dense)


def compact(
    sizes: Compact,
    shape: tuple[int, int, int],
    classes: int,
    quantized: bool,
    words: Format = SIGNED_PIXEL,
) -> keras.Model:
    """Build the network for values (cells, rows, columns, channels), with logits (cells, classes).

    Parameters
    ----------
    sizes
        Filters, kernels, units and bits.
    shape
        Rows, columns and channels of the input.
    quantized
        Whether to build with QKeras quantizers, or in float.
    words
        Format of the codes that arrive.
    """
    for extent in shape[:2]:
        check_halvings("compact", extent, len(sizes.filters))
    widths = Widths(weights=sizes.weight_bits, activations=sizes.activation_bits)
    layers: Layers = QuantizedLayers(widths.weights) if quantized else FloatLayers()
    inputs = keras.Input(shape, name="network_input")
    x = layers.words(inputs, "input_quantizer", words)
    for block, filters in enumerate(sizes.filters, start=1):
        x = layers.convolution(x, f"convolution_{block}", filters, sizes.kernel, largest_input=largest_code(words))
        x = layers.words(x, f"sums_{block}", widths.low_contrast if block == 1 else widths.ahead_of_normalization)
        x = batch_normalization(x, f"normalization_{block}")
        summed = (shape[0] >> block) * (shape[1] >> block) * filters
        words = widths.rectified(summed if block == len(sizes.filters) else None)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layers.dense(x, "dense", sizes.dense, largest_input=largest_code(words))
    x = layers.relu(x, "relu_dense", widths.hidden)
    logits = layers.dense(x, "logits", classes, largest_input=largest_code(widths.hidden))
    return keras.Model(inputs, logits, name="compact")
