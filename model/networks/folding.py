"""A trained float network's weights in a quantized network without normalizations: these go into kernels and biases.

A ReLU passes positive factors on, of each channel its own. So what a layer gives is brought to the range of the words
behind it, channel by channel, and the layer that reads them takes the factors back. Where a kernel or a bias would not
fit its own format, its channel's words are smaller than they could be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import KernelLimits
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.widths import BIAS

Floats = NDArray[np.float64]
RANGE_QUANTILE = 0.9998
"""Share of a channel's words, over the samples, that its range holds."""


def start_folded(network: keras.Model, trained: keras.Model, samples: NDArray[np.floating]) -> None:
    """Give a quantized network the weights of its trained float network, normalizations folded in.

    Layers of one name belong together; a normalization of the trained network, and the quantizer of the other, stand
    directly behind the layer with weights.

    Parameters
    ----------
    samples : (images, rows, columns, channels)
        Inputs of the trained network, by which the ranges of words are chosen.

    Raises
    ------
    InputError
        If a layer with weights is not in the trained network.
    """
    weighted = [layer for layer in network.layers if _has_weights(layer)]
    known = {layer.name: layer for layer in trained.layers}
    for layer in weighted:
        if layer.name not in known:
            raise InputError(f"layer {layer.name}: the trained network has no layer of this name")
    ranges = _ranges([layer for layer in weighted if _words_behind(layer) is not None], trained, samples)
    factors: dict[str, Floats] = {}
    for layer in network.layers:
        sources = [factors[each] for each in _read_by(layer) if each in factors]
        if _has_weights(layer):
            factors[layer.name] = _folded(layer, known[layer.name], sources, ranges)
        elif sources:
            # A layer that joins has its channels one behind the other; one that flattens repeats them for each pixel;
            # all others keep them.
            channels = [_channels(each) for each in _inputs(layer)]
            parts = [factors.get(name, np.ones(count)) for name, count in zip(_read_by(layer), channels, strict=True)]
            joined = np.concatenate(parts)
            factors[layer.name] = np.tile(joined, _channels(layer.output) // len(joined))


def _folded(layer: Any, trained: Any, sources: list[Floats], ranges: dict[str, Floats]) -> Floats:
    """Set a layer's weights; return the factors of its channels: what a word stands for, over the word."""
    kernel, bias = (np.asarray(each, np.float64) for each in trained.get_weights())
    normalization = _behind(trained)
    if isinstance(normalization, keras.layers.BatchNormalization):
        gamma, beta, mean, variance = (np.asarray(each, np.float64) for each in normalization.get_weights())
        scale = gamma / np.sqrt(variance + normalization.epsilon)
        kernel, bias = kernel * scale, (bias - mean) * scale + beta
    if sources:
        kernel = kernel * sources[0][:, None]
    axes = tuple(range(kernel.ndim - 1))
    limits = layer.kernel_constraint
    least = np.abs(bias) / BIAS.max
    if isinstance(limits, KernelLimits):
        of_weights = np.abs(kernel).max(axis=axes) / limits.largest
        least = np.maximum.reduce([least, of_weights, np.abs(kernel).sum(axis=axes) / limits.column_sum])
    words = _words_behind(layer)
    # Logits are compared with each other, so that they have one factor.
    wanted = ranges[layer.name] / words if words is not None else np.ones_like(bias)
    found = np.maximum(wanted, least) if words is not None else np.full_like(bias, max(1.0, float(least.max())))
    layer.set_weights([kernel / found, bias / found])
    return found


def _ranges(layers: list[Any], trained: keras.Model, samples: NDArray[np.floating]) -> dict[str, Floats]:
    """Return the range (channels,) of what each layer's ReLU gives in the trained network; 1 of a channel without."""
    watched = keras.Model(trained.input, [trained.get_layer(_behind(layer).name).output for layer in layers])
    found = {}
    for layer, output in zip(layers, watched(samples, training=False), strict=True):
        words = np.asarray(output, np.float64)
        ranges = np.quantile(words.reshape(-1, words.shape[-1]), RANGE_QUANTILE, axis=0)
        found[layer.name] = np.where(ranges > 0, ranges, 1.0)
    return found


def _words_behind(layer: Any) -> float | None:
    """Return the largest word of the ReLU behind a layer; None of logits."""
    behind = _behind(layer)
    return quantized(behind.activation, behind.name).format.max if isinstance(behind, qkeras.QActivation) else None


def _has_weights(layer: Any) -> bool:
    """Whether its weights were trained, and are not part of the topology."""
    return isinstance(layer, (qkeras.QConv2D, qkeras.QDense)) and layer.trainable


def _behind(layer: Any) -> Any:
    """Return the layer that reads another one's words, if there is one."""
    return layer._outbound_nodes[0].operation if layer._outbound_nodes else None


def _inputs(layer: Any) -> list[Any]:
    return list(layer._inbound_nodes[0].input_tensors)


def _read_by(layer: Any) -> list[str]:
    return [tensor._keras_history.operation.name for tensor in _inputs(layer)]


def _channels(tensor: Any) -> int:
    return int(tensor.shape[-1])
