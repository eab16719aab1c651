"""A network's operations as the layers that hls4ml builds, with nothing left to its defaults.

An operation is a layer, but for two: a rounding goes into the layer ahead of it where that one can round its results,
and a reshaping that changes nothing in a stream is none. hls4ml's own readers of Keras are not used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cytogate.hls.network.moments import MASK_MOMENTS
from cytogate.model.contract.fixed_point import Format, Overflow
from cytogate.model.errors import InputError
from cytogate.model.estimates.network import reuse_factor
from cytogate.model.networks.operations import (
    Add,
    Concatenate,
    Constants,
    Convolution,
    Crop,
    Dense,
    Depthwise,
    Input,
    IntegerNetwork,
    MaskMoments,
    Maximum,
    MaxPool,
    Mean,
    Minimum,
    Operation,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Round,
    Scale,
    Subtract,
    Weighted,
)
from cytogate.model.networks.shapes import is_for_sums_alone, is_global, needs_no_layer

MOST_READERS = 7
CHANNELS_LAST = {"data_format": "channels_last"}
REPACK = "Repack"
"""hls4ml's layer that makes a stream of other pixels; its reshaping to a vector changes none."""


@dataclass(frozen=True, eq=False)
class HlsLayer:
    """A layer as hls4ml is told to build it."""

    name: str
    """An identifier of C++, no other layer's."""
    operation: Operation
    """What it computes, without the rounding behind."""
    kind: str
    """hls4ml's name of its class."""
    reads: tuple[str, ...]
    """Names of layers."""
    written: Format
    """Of the words that leave it."""
    settings: Mapping[str, Any]
    """hls4ml's other attributes of it."""
    types: Mapping[str, Format] = field(default_factory=dict)
    """Formats by hls4ml's names: weight or scale, bias, accum, param."""
    reuse: int | None = None
    """Products that share a multiplier, where that can be chosen."""


def hls_layers(network: IntegerNetwork, clocks: int = 1) -> tuple[HlsLayer, ...]:
    """Return the layers of a network, each behind those that it reads; the last one writes the logits.

    ``clocks`` is what a cell may take.

    Raises
    ------
    InputError
        If hls4ml has no layer that computes an operation exactly.
    """
    rounding = network.roundings_within()
    within = set(rounding.values())
    built: dict[str, HlsLayer] = {}
    layers: list[HlsLayer] = []
    for operation in network.operations:
        if operation.name in within:
            continue
        if isinstance(operation, Reshape) and needs_no_layer(network, operation):
            built[operation.name] = built[operation.reads[0]]
            continue
        readers = sum(each.reads.count(operation.name) for each in network.operations)
        if readers > MOST_READERS:
            raise InputError(
                f"layer {operation.name}: {readers} layers read its values; hls4ml copies a stream {MOST_READERS} "
                f"times at most: let some read what another one passes on"
            )
        reads = tuple(built[name].name for name in operation.reads)
        kind, settings, types = _MAKERS[type(operation)](operation)
        if isinstance(operation, Reshape) and not is_for_sums_alone(network, operation):
            kind = REPACK
        rounded = rounding.get(operation.name)
        written = operation.format if rounded is None else network[rounded].format
        shared = _reuse(operation, clocks) if isinstance(operation, (Dense, Convolution)) else None
        layer = HlsLayer(_safe(operation.name, layers), operation, kind, reads, written, settings, types, shared)
        layers.append(layer)
        built[operation.name] = layer
        if rounded is not None:
            built[rounded] = layer
    return tuple(layers)


def _safe(name: str, others: list[HlsLayer]) -> str:
    """Return an identifier of C++ for a layer's name; the number keeps it from every word that C++ or hls4ml has."""
    return f"n{len(others) + 1}_" + re.sub("[^0-9A-Za-z]+", "_", name).strip("_")


def _reuse(operation: Dense | Convolution, clocks: int) -> int:
    """Return how many products of a layer share a multiplier if a cell may take ``clocks``.

    Each layer is given as many clocks for an output position as pass until its next one is due: after each pooling
    four times as many.
    """
    inputs, positions = math.prod(operation.kernel.codes.shape[:-1]), math.prod(operation.shape[:-1])
    return reuse_factor(inputs, operation.shape[-1], max(1, clocks // positions))


Made = tuple[str, dict[str, Any], dict[str, Format]]


def _input(operation: Input) -> Made:
    return "InputLayer", {"input_shape": list(operation.shape)}, {}


def _round(operation: Round) -> Made:
    if operation.slope_shift:
        slope = 2.0**-operation.slope_shift
        settings = {"activation": "leaky_relu", "activ_param": slope, "n_in": math.prod(operation.shape)}
        return "LeakyReLU", settings, {"param": Format(2, 2 - operation.slope_shift)}
    return "Activation", {"activation": "linear", "n_in": math.prod(operation.shape)}, {}


def _dense(operation: Dense) -> Made:
    inputs, outputs = operation.kernel.codes.shape
    return "Dense", {"n_in": inputs, "n_out": outputs, **_weights(operation)}, _types(operation)


def _convolution(operation: Convolution) -> Made:
    rows, columns, channels, outputs = operation.kernel.codes.shape
    geometry = _window_over(operation, (rows, columns), operation.strides, "filt")
    settings = {**geometry, "n_chan": channels, "n_filt": outputs, **CHANNELS_LAST, **_weights(operation)}
    return "Conv2D", settings, _types(operation)


def _depthwise(operation: Depthwise) -> Made:
    rows, columns, channels = operation.kernel.codes.shape
    geometry = _window_over(operation, (rows, columns), operation.strides, "filt")
    weights = _weights(operation)
    weights["depthwise_data"] = weights.pop("weight_data")[..., np.newaxis]
    settings = {**geometry, "n_chan": channels, "n_filt": channels, "depth_multiplier": 1, **CHANNELS_LAST, **weights}
    return "DepthwiseConv2D", settings, _types(operation)


def _scale(operation: Scale) -> Made:
    settings = {
        "n_in": math.prod(operation.shape),
        "n_filt": operation.shape[-1] if len(operation.shape) > 1 else -1,
        "scale_data": operation.kernel.values,
        "bias_data": operation.bias.values,
        "use_gamma": True,
        "use_beta": True,
    }
    types = _types(operation)
    del types["accum"]
    types["scale"] = types.pop("weight")
    return "BatchNormalization", settings, types


def _max_pool(operation: MaxPool) -> Made:
    return _pool(operation, "MaxPooling2D")


def _mean(operation: Mean) -> Made:
    return _pool(operation, "AveragePooling2D")


def _pool(operation: MaxPool | Mean, kind: str) -> Made:
    # hls4ml divides in the type of the sums, so that has the result's bits behind the point.
    sums = operation.format
    if isinstance(operation, Mean):
        more = math.prod(operation.window).bit_length()
        sums = Format(sums.width + more, sums.integer_bits + more, sums.signed, sums.rounding, sums.overflow)
    settings = {
        **_window_over(operation, operation.window, operation.strides, "pool"),
        "n_filt": operation.shape[-1],
        "n_chan": operation.shape[-1],
        "count_pad": False,
        **CHANNELS_LAST,
    }
    if is_global(operation):
        kind = f"Global{kind}"
    return kind, settings, {"accum": sums}


def _moments(operation: MaskMoments) -> Made:
    rows, columns, _ = operation.map
    return MASK_MOMENTS, {"in_height": rows, "in_width": columns, "n_out": operation.shape[0]}, {}


def _add(operation: Add) -> Made:
    return "Merge", {"op": "add"}, {}


def _subtract(operation: Subtract) -> Made:
    return "Merge", {"op": "subtract"}, {}


def _maximum(operation: Maximum) -> Made:
    return "Merge", {"op": "maximum"}, {}


def _minimum(operation: Minimum) -> Made:
    return "Merge", {"op": "minimum"}, {}


def _concatenate(operation: Concatenate) -> Made:
    rank = len(operation.shape)
    return "Concatenate", {"op": f"concatenate{rank}d", "axis": rank}, {}


def _pad(operation: Pad) -> Made:
    rows, columns, channels = operation.shape
    (top, bottom), (left, right) = operation.rows, operation.columns
    settings = {
        "pad_top": top, "pad_bottom": bottom, "pad_left": left, "pad_right": right, "in_height": rows - top - bottom,
        "in_width": columns - left - right, "out_height": rows, "out_width": columns, "n_chan": channels,
    }  # fmt: skip
    return "ZeroPadding2D", {**settings, **CHANNELS_LAST}, {}


def _crop(operation: Crop) -> Made:
    rows, columns, channels = operation.shape
    (top, bottom), (left, right) = operation.rows, operation.columns
    settings = {
        "crop_top": top, "crop_bottom": bottom, "crop_left": left, "crop_right": right,
        "in_height": rows + top + bottom, "in_width": columns + left + right, "out_height": rows, "out_width": columns,
        "n_chan": channels,
    }  # fmt: skip
    return "Cropping2D", {**settings, **CHANNELS_LAST}, {}


def _repeat(operation: Repeat) -> Made:
    rows, columns, channels = operation.shape
    settings = {
        "in_height": rows // operation.times[0], "in_width": columns // operation.times[1], "out_height": rows,
        "out_width": columns, "n_chan": channels, "algorithm": "nearest", "height_factor": operation.times[0],
        "width_factor": operation.times[1],
    }  # fmt: skip
    return "UpSampling2D", {**settings, **CHANNELS_LAST}, {}


def _reshape(operation: Reshape) -> Made:
    if len(operation.shape) not in (1, 3):
        raise InputError(
            f"layer {operation.name}: gives values of shape {operation.shape}; maps (rows, columns, channels) and "
            f"vectors are supported"
        )
    return "Reshape", {"target_shape": list(operation.shape)}, {}


def _permute(operation: Permute) -> Made:
    return "Transpose", {"perm": list(operation.order)}, {}


_MAKERS: dict[type, Callable[[Any], Made]] = {
    Input: _input,
    Round: _round,
    Dense: _dense,
    Convolution: _convolution,
    Depthwise: _depthwise,
    Scale: _scale,
    MaxPool: _max_pool,
    Mean: _mean,
    MaskMoments: _moments,
    Add: _add,
    Subtract: _subtract,
    Maximum: _maximum,
    Minimum: _minimum,
    Concatenate: _concatenate,
    Pad: _pad,
    Crop: _crop,
    Repeat: _repeat,
    Reshape: _reshape,
    Permute: _permute,
}


def _window_over(
    operation: Convolution | Depthwise | MaxPool | Mean, window: tuple[int, int], strides: tuple[int, int], what: str
) -> dict[str, int]:
    """Return the geometry of windows that need no padding: that is a layer of its own."""
    return {
        f"{what}_height": window[0], f"{what}_width": window[1], "stride_height": strides[0],
        "stride_width": strides[1], "in_height": operation.map[0], "in_width": operation.map[1],
        "out_height": operation.shape[0], "out_width": operation.shape[1],
        "pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0,
    }  # fmt: skip


def _weights(operation: Weighted) -> dict[str, Any]:
    return {"weight_data": operation.kernel.values, "bias_data": operation.bias.values}


def _types(operation: Weighted) -> dict[str, Format]:
    return {
        "weight": _held(operation.kernel),
        "bias": _held(operation.bias),
        "accum": operation.format,
    }


def _held(constants: Constants) -> Format:
    """Return the format of constants; hls4ml takes some narrow ones for something else than two's complement."""
    words = constants.format
    fraction, width = words.fraction_bits, max(words.width + (not words.signed), 3)
    return Format(width, width - fraction, overflow=Overflow.SATURATE)
