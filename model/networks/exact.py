"""Work on a trained network of any topology: logits, snapping, counting.

What quantized networks compute is in :mod:`cytogate.model.networks.operations`, their layers in
:mod:`cytogate.model.networks.layers`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.widths import (
    EXACT_STEPS,
    SNAP_FRACTION_BITS,
    largest_code,
)

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


def snap_batch_normalization(model: keras.Model) -> None:
    """Turn each batch normalization into a scale and an offset on the grid 2^-10, and freeze it.

    Mean becomes 0 and variance 1 - epsilon, so that Keras itself computes ``scale * x + offset`` and nothing else. The
    scale of a channel that hardly varies is cut to what an accumulator holds.
    """
    for layer in _batch_normalizations(model):
        mean, variance = (np.asarray(part, np.float64) for part in (layer.moving_mean, layer.moving_variance))
        if not (layer.scale and layer.center):
            raise InputError(f"layer {layer.name}: a normalization without scale or center cannot be snapped")
        gamma, beta = np.asarray(layer.gamma, np.float64), np.asarray(layer.beta, np.float64)
        grid, largest = float(1 << SNAP_FRACTION_BITS), _largest_scale(layer)
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
            if layer.use_bias:
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


def _largest_scale(layer: keras.layers.BatchNormalization) -> float:
    """Return the scale at which the largest word that enters a normalization takes SCALED_SHARE of the steps."""
    source = layer
    while not isinstance(source, keras.layers.InputLayer) and not isinstance(source.input, list):
        source = source.input._keras_history.operation
        if isinstance(source, qkeras.QActivation):
            entering = largest_code(quantized(source.activation, source.name).format)
            return SCALED_SHARE * EXACT_STEPS / entering / (1 << SNAP_FRACTION_BITS)
    return math.inf
