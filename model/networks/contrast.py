"""The default network of four-angle instruments: contrasts of the arms, phase, and moments of the phase mask.

What a cell changes about the empty field is small beside the field, so the network sees differences of opposing arms,
the brightness about the empty field's, and the phase; and only the center of the window, in which cells lie. Behind the
last convolution there is the mean over the map. To it are joined the moments of the phase mask, which tell what a mean
over small windows does not: the outline of the whole cell.

The float form normalizes ahead of each ReLU. The quantized form has the normalizations in its kernels and biases; it
starts from the trained float form (:mod:`cytogate.model.networks.folding`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.contract.mask_moments import EMPTY_CODE, WORD
from cytogate.model.design.instruments import ANGLES
from cytogate.model.design.topologies import Contrast
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.mask_moments import MaskMoments
from cytogate.model.networks.widths import BIAS, Widths, largest_code

FIRST_KERNEL, FIRST_STRIDE, KERNEL = 4, 2, 3
CHANNELS = ANGLES + 1
CONTRAST_WORDS = Format(8, 0)
"""Of contrasts and phase: an eighth bit tells the sign; a phase beyond 4 rad is cut."""
FIRST_KERNEL_INTEGER_BITS = 3
"""Contrasts are small: the first kernel brings them to the range of the words behind it."""
MEAN_WORDS = Format(8, 1, signed=False)
DROPPED = 0.1


def contrast(spec: Contrast, size: int, classes: int, quantized: bool, empty_code: float) -> keras.Model:
    """Build the network for inputs (cells, size, size, 5) of values code / 256, with logits (cells, classes).

    Parameters
    ----------
    spec
        Share of the window, filters, units and bits.
    size
        Rows and columns of the input.
    quantized
        Whether to build the quantized form, or the float one.
    empty_code
        Code of an arm where the field is empty.

    Raises
    ------
    InputError
        If the part of the window that is looked at cannot be halved as often as the blocks ask for.
    """
    border = (size - center_of(spec, size)) // 2
    widths = Widths(weights=spec.weight_bits, activations=spec.activation_bits)
    layers: Layers = QuantizedLayers(widths.weights) if quantized else FloatLayers()
    inputs = keras.Input((size, size, CHANNELS), name="network_input")
    x = layers.words(inputs, "input_quantizer", PIXEL)
    if border:
        x = keras.layers.Cropping2D(border, name="center")(x)
    moments = MaskMoments(name="moments")(x) if spec.moments else None
    x = _contrasts(x, spec.contrasts, empty_code)
    words = CONTRAST_WORDS
    x = layers.words(x, "contrast_words", words)
    for block, filters in enumerate(spec.filters, start=1):
        first, last = block == 1, block == len(spec.filters)
        x = layers.convolution(
            x,
            f"convolution_{block}",
            filters,
            FIRST_KERNEL if first else KERNEL,
            stride=FIRST_STRIDE if first else 1,
            largest_input=largest_code(words),
            integer_bits=FIRST_KERNEL_INTEGER_BITS if first else None,
        )
        if not quantized:
            x = batch_normalization(x, f"normalization_{block}")
        words = widths.rectified()
        x = layers.relu(x, f"relu_{block}", words)
        if not last:
            x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = layers.relu(_mean(x), "mean_words", MEAN_WORDS)
    largest = largest_code(MEAN_WORDS)
    if moments is not None:
        x = keras.layers.Concatenate(name="joined")([x, moments])
        steps = max(MEAN_WORDS.fraction_bits, WORD.fraction_bits)
        largest = math.ceil(-WORD.min * 2**steps)
    x = layers.dense(x, "dense", spec.dense, largest_input=largest)
    x = layers.relu(x, "relu_dense", widths.hidden)
    x = layers.dropout(x, "dropout", DROPPED)
    logits = layers.dense(x, "logits", classes, largest_input=largest_code(widths.hidden))
    return keras.Model(inputs, logits, name=spec.name)


def center_of(spec: Contrast, size: int) -> int:
    """Return the rows and columns that are looked at, of a window of ``size``."""
    multiple = FIRST_STRIDE << (len(spec.filters) - 1)
    center = round(size * spec.central_share)
    if center % multiple or (size - center) % 2:
        raise InputError(
            f"network contrast: a share of {spec.central_share:g} of {size} rows and columns are {center}, which "
            f"cannot be halved {multiple.bit_length() - 1} times; choose a central_share that gives a multiple of "
            f"{multiple}"
        )
    return center


def _contrasts(x: keras.KerasTensor, names: Sequence[str], empty_code: float) -> keras.KerasTensor:
    """Return the named of (+x) - (-x), (+y) - (-y), half the arms' sum and phase, these two about the empty field's."""
    arms = -empty_code * ANGLES / 2 * PIXEL.step
    # Of +x, -x, +y, -y, phase; and of one.
    law = {
        "x": ([1, -1, 0, 0, 0], 0),
        "y": ([0, 0, 1, -1, 0], 0),
        "sum": ([0.5, 0.5, 0.5, 0.5, 0], arms),
        "phase": ([0, 0, 0, 0, 1], -EMPTY_CODE * PIXEL.step),
    }
    kernel = np.array([law[name][0] for name in names], np.float32).T.reshape(1, 1, CHANNELS, len(names))
    empty = BIAS.decode(BIAS.encode([law[name][1] for name in names]))
    layer = qkeras.QConv2D(
        len(names),
        1,
        name="contrasts",
        kernel_quantizer=qkeras.quantized_bits(3, 1, alpha=1),
        bias_quantizer=qkeras.quantized_bits(BIAS.width, BIAS.integer_bits - 1, alpha=1),
        trainable=False,
    )
    contrasts = layer(x)
    layer.set_weights([kernel, empty.astype(np.float32)])
    return contrasts


def _mean(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean over the map, filled with zeros to powers of two: a shift of the sum, exact."""
    rows, columns = x.shape[1:3]
    filled = [(1 << (extent - 1).bit_length()) - extent for extent in (rows, columns)]
    if any(filled):
        padding = tuple((more // 2, more - more // 2) for more in filled)
        x = keras.layers.ZeroPadding2D(padding, name="filled")(x)
    return keras.layers.GlobalAveragePooling2D(name="mean")(x)
