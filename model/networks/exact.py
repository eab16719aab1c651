"""The network of Meng 2017, quantized or in float, and what is done to networks of any paper.

The arithmetic of quantized networks is in :mod:`cytogate.model.networks.words`, their layers in
:mod:`cytogate.model.networks.layers`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.law import (
    ANGLES,
    EXACT_STEPS,
    HIDDEN_INTEGER_BITS,
    KERNEL_INTEGER_BITS,
    NORMALIZED_INTEGER_BITS,
    PIXEL,
    RELU_INTEGER_BITS,
    SNAP_FRACTION_BITS,
    Format,
)
from cytogate.model.design.design import Meng2017
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import (
    FloatLayers,
    Layers,
    QuantizedLayers,
    batch_normalization,
    largest_code,
    signed_bits_into_sum,
    unsigned_bits_into_sum,
)
from cytogate.model.networks.words import assert_exact_accumulation, quantizer_format, sources, trace

__all__ = [
    "BATCH", "CHANNELS", "assert_exact_accumulation", "count_macs", "count_weights", "freeze_batch_normalization",
    "logits", "logits_of_values", "meng2017", "settle_weights", "snap_batch_normalization", "trace",
]  # fmt: skip

KERNEL = 3
"""Rows and columns of the kernels behind the first."""
CHANNELS = ANGLES + 1
"""Four bright-field frames and the phase."""

BATCH = 64
"""Cells evaluated at a time."""
SCALED_SHARE = 0.75
"""Share of an accumulator's steps for a normalization's scaled words; the rest is left to the offset."""


def meng2017(
    spec: Meng2017,
    size: int,
    quantized: bool,
    channels: Sequence[int] = range(CHANNELS),
    normalized: bool = True,
) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) of values code / 256, with logits (cells, classes).

    Three blocks of convolution, ReLU, max-pooling 2x2 and batch normalization, then two dense layers (Meng 2017,
    section 4; sizes are ours). The quantized form rounds its input,
    weights, biases and activations; there is no softmax, which no fixed-point table reproduces exactly.

    How bright an arm is says nothing of a cell. The first convolution's weights for bright-field channels sum to zero,
    which makes it blind to it and also trains faster: an even brightness is ten times the contrast.

    Parameters
    ----------
    spec
        Filters of the three blocks, kernel and stride of the first, width of the dense layer, bits of weights and
        activations, classes.
    size
        Rows and columns of the input; for the quantized form a multiple of 8 times the stride.
    quantized
        Whether to build with QKeras quantizers, or as the float twin of the same topology.
    channels
        Which of the bright-field frames, 0 to 3, and of the phase, 4, are given, ascending (the paper's Table 1).
    normalized
        Whether there is batch normalization behind the blocks (the paper's Figures 3 and 4 compare).
    """
    if quantized and (size % (8 * spec.first_stride) or size <= 0):
        raise InputError(
            f"network meng2017: inputs of {size}x{size} cannot be halved three times behind a stride of "
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
    x = layers.dense(x, "logits", len(spec.class_names), largest_input=largest_code(words))
    return keras.Model(inputs, x, name="meng2017")


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
