"""What is done to a trained network of any topology: logits, snapping, counting.

The arithmetic of quantized networks is in :mod:`cytogate.model.networks.words`, their layers in
:mod:`cytogate.model.networks.layers`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.widths import (
    EXACT_STEPS,
    SNAP_FRACTION_BITS,
    largest_code,
)
from cytogate.model.networks.words import input_formats, quantizer_format, sources

BATCH = 64
"""Cells evaluated at a time."""
SCALED_SHARE = 0.75
"""Share of an accumulator's steps for a normalization's scaled words; the rest is left to the offset."""


def logits(model: keras.Model, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of network inputs (cells, N, N, 5) as codes, a few cells at a time."""
    return logits_of_values(model, (codes[i : i + BATCH] * np.float32(PIXEL.step) for i in range(0, len(codes), BATCH)))


def logits_of_values(model: keras.Model, batches: Iterator[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of batches of real-valued inputs (cells, N, N, 5); the network rounds them."""
    found = [np.asarray(model(batch, training=False), np.float64) for batch in batches]
    return np.concatenate(found) if found else np.zeros((0, model.output_shape[-1]))


def logits_of_codes(model: keras.Model, codes: Sequence[NDArray[np.integer]]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of a quantized network for codes (cells, ...) of each of its inputs."""
    values = [words.decode(each).astype(np.float32) for words, each in zip(input_formats(model), codes, strict=True)]
    return np.asarray(model(values if len(values) > 1 else values[0], training=False), np.float64)


def snap_batch_normalization(model: keras.Model) -> None:
    """Turn each batch normalization into a scale and an offset on the grid 2^-10, and freeze it.

    Mean becomes 0 and variance 1 - epsilon, so that Keras itself computes ``scale * x + offset`` and nothing else. The
    scale of a channel that hardly varies is cut to what an accumulator holds.
    """
    for layer in _batch_normalizations(model):
        gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in layer.get_weights())
        grid, largest = float(1 << SNAP_FRACTION_BITS), _largest_scale(model, layer)
        scale = np.clip(gamma / np.sqrt(variance + layer.epsilon), -largest, largest)
        snapped = np.rint(scale * grid) / grid, np.rint((beta - mean * scale) * grid) / grid
        layer.set_weights([*snapped, np.zeros_like(mean), np.full_like(variance, 1 - layer.epsilon)])
    freeze_batch_normalization(model)


def freeze_batch_normalization(model: keras.Model) -> None:
    """Keep batch normalizations as they are when training goes on; compile the model afterwards."""
    for layer in _batch_normalizations(model):
        layer.trainable = False


def settle_weights(model: keras.Model) -> None:
    """Replace trained kernels and biases by what their quantizers make of them; no output changes."""
    for layer in model.layers:
        if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
            layer.kernel.assign(layer.kernel_quantizer_internal(layer.kernel))
            layer.bias.assign(layer.bias_quantizer_internal(layer.bias))


def count_macs(model: keras.Model) -> int:
    """Return the multiplications of kernel weights for one cell."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def count_weights(model: keras.Model) -> int:
    """Return the constants that hardware stores: kernels, biases, and scale and offset of each normalized channel."""
    return sum(
        math.prod(weight.shape) for layer in model.layers for weight in layer.weights if "moving" not in weight.name
    )


def _batch_normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def _largest_scale(model: keras.Model, layer: keras.layers.BatchNormalization) -> float:
    """Return the scale at which the largest word that enters a normalization takes SCALED_SHARE of the steps."""
    behind, name = sources(model), layer.name
    while behind[name]:
        (name,) = behind[name]
        source = model.get_layer(name)
        if isinstance(source, qkeras.QActivation):
            entering = largest_code(quantizer_format(source.activation, name))
            return SCALED_SHARE * EXACT_STEPS / entering / (1 << SNAP_FRACTION_BITS)
    return math.inf
