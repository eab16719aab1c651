"""The operating point of a network: offsets of its logits, added to the bias of the layer that gives them.

A bias is all that it takes: Keras, the integers, C++ and the chip apply it and nothing else changes. The float network
has the same offsets, so that a comparison of the two is one of their quantization. The files of weights stay as they
were trained; what is loaded has the offsets within.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import OperatingPoint
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.reading.activations import HOST_FUNCTIONS, is_linear
from cytogate.model.networks.reading.kinds import IDENTITIES
from cytogate.model.networks.reading.weights import quantizer_of

FLOAT, QUANTIZED = (keras.layers.Dense, keras.layers.Conv2D), (qkeras.QDense, qkeras.QConv2D)
"""Layers whose bias takes the offsets."""
PASSING = (*IDENTITIES, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Softmax)
"""Layers that may follow: behind them, a value is still a class's logit, or the host's function of it."""


def offset_step(model: keras.Model) -> float:
    """Return the step of the grid on which the bias of a quantized network's last layer lies, in units of logits.

    Raises
    ------
    InputError
        If the layer's bias has no quantizer that rounds to a grid, or the logits come from no bias at all.
    """
    layer = _last_weighted(model)
    if type(layer) not in QUANTIZED:
        raise InputError(f"layer {layer.name}: its bias is not quantized; offsets of logits have no grid to lie on")
    return float(quantized(quantizer_of(layer, "bias"), layer.name).format.step)


def apply_operating_point(model: keras.Model, point: OperatingPoint) -> None:
    """Add the offsets to the bias of the last weighted layer, each rounded to the grid of a quantized bias.

    Raises
    ------
    InputError
        If the logits do not come from such a bias, or it cannot hold the sums.
    """
    layer = _last_weighted(model)
    offsets = np.array(point.offsets, np.float64)
    bias = np.asarray(layer.bias, np.float64)
    if bias.shape != offsets.shape:
        raise InputError(f"layer {layer.name}: has {bias.size} biases; the operating point has {offsets.size} offsets")
    layer.bias.assign(_quantized_sum(layer, offsets) if type(layer) in QUANTIZED else bias + offsets)


def _quantized_sum(layer: Any, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the quantizer makes of the bias, plus offsets; the quantizer must leave the sum as it is."""
    quantizer = quantizer_of(layer, "bias")
    if quantizer is None:
        raise InputError(
            f"layer {layer.name}: its bias has no quantizer, so that an operating point has no grid to lie on; give it "
            f"one, such as quantized_bits(12, 2, alpha=1)"
        )
    words = quantized(quantizer, layer.name).format
    bias = np.asarray(quantizer(layer.bias), np.float64)
    total = bias + np.rint(offsets / words.step) * words.step
    held = np.asarray(quantizer(total.astype(np.float32)), np.float64)
    if not np.array_equal(held, total):
        number = int(np.argmax(np.abs(held - total)))
        raise InputError(
            f"layer {layer.name}: the operating point makes bias {number} {total[number]:g}, and {words.ap_type} holds "
            f"{words.min:g} to {words.max:g}; use smaller offsets"
        )
    return total


def _last_weighted(model: keras.Model) -> Any:
    """Return the layer whose bias is added to the logits and to nothing else."""
    tensor = model.outputs[0]
    while True:
        layer = tensor._keras_history.operation
        if isinstance(layer, keras.Model):
            return _last_weighted(layer)
        if type(layer) in (*FLOAT, *QUANTIZED):
            break
        hidden = type(layer) is keras.layers.Activation and layer.activation.__name__ in HOST_FUNCTIONS
        if type(layer) not in PASSING and not is_linear(layer) and not hidden:
            raise InputError(
                f"layer {layer.name}: an operating point is added to the bias of the layer that gives the logits, and "
                f"{type(layer).__name__} has none; end in a dense layer"
            )
        (tensor,) = layer._inbound_nodes[tensor._keras_history.node_index].input_tensors
    if not layer.use_bias or len(layer._inbound_nodes) != 1:
        fault = "is used more than once" if layer.use_bias else "has no bias"
        raise InputError(f"layer {layer.name}: {fault}; an operating point needs a bias that is the logits' alone")
    function = getattr(layer.activation, "__name__", type(layer.activation).__name__)
    if layer.activation is not None and function not in ("linear", *HOST_FUNCTIONS):
        raise InputError(
            f"layer {layer.name}: its activation {function} changes the logits after the bias; an operating point "
            f"needs none there"
        )
    return layer
