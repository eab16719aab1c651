"""Layers that add up products with weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.operations import Constants, Convolution, Dense, Depthwise, Operation, exact_format
from cytogate.model.networks.quantizers import constants
from cytogate.model.networks.reading.activations import activated
from cytogate.model.networks.reading.arrangement import padded, positions, surrounded
from cytogate.model.networks.reading.settings import CHANNELS_LAST, check_settings, must_be_map
from cytogate.model.networks.widths import EXACT_STEPS

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader

FOLDING = (qkeras.QConv2DBatchnorm, qkeras.QDepthwiseConv2DBatchnorm, qkeras.QDenseBatchnorm)
"""Layers with a normalization within, which goes into their constants before these are quantized."""
_OF_FOLDING = ("axis", "epsilon", "center", "scale", "ema_freeze_delay", "folding_mode")


def convolution(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a convolution: groups and dilation become zeros in its kernel."""
    check_settings(
        layer, ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias",
                "kernel_quantizer", "bias_quantizer", "mask", *_OF_FOLDING), renorm=False, **CHANNELS_LAST,
    )  # fmt: skip
    kernel = constants(_kernel(layer), quantizer_of(layer, "kernel"), layer.name, "kernel")
    codes = kernel.codes
    if getattr(layer, "_mask", None) is not None:
        mask = np.asarray(layer._mask)
        if not np.isin(mask, (0, 1)).all():
            raise InputError(f"layer {layer.name}: its mask holds other values than 0 and 1")
        codes = codes * mask.astype(np.int64)
    codes = _dilated(_ungrouped(codes, int(layer.groups)), layer.dilation_rate)
    entering = padded(reader, layer, source, codes.shape[:2])
    strides = (int(layer.strides[0]), int(layer.strides[1]))
    if codes.shape[1] > 1:
        entering, codes = _with_two_rows(reader, layer.name, entering, codes, strides[0])
    shape = (*positions(entering.shape, codes.shape[:2], strides), codes.shape[-1])
    made = weighted(reader, layer, Convolution, entering, shape, replace(kernel, codes=codes), strides=strides)
    return activated(reader, layer, made)


def depthwise(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a convolution of each channel by itself."""
    check_settings(
        layer, ("kernel_size", "strides", "padding", "depth_multiplier", "dilation_rate", "activation", "use_bias",
                "depthwise_quantizer", "bias_quantizer", "filters", *_OF_FOLDING), groups=1, renorm=False,
        **CHANNELS_LAST,
    )  # fmt: skip
    kernel = constants(_kernel(layer), quantizer_of(layer, "depthwise"), layer.name, "kernel")
    made = _by_channels(reader, layer, source, kernel, has_bias=True)
    return activated(reader, layer, made)


def separable(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a depthwise convolution and one of single pixels."""
    check_settings(
        layer, ("filters", "kernel_size", "strides", "padding", "depth_multiplier", "dilation_rate", "activation",
                "use_bias", "depthwise_quantizer", "pointwise_quantizer", "bias_quantizer"), groups=1, **CHANNELS_LAST,
    )  # fmt: skip
    kernel = constants(layer.depthwise_kernel, quantizer_of(layer, "depthwise"), layer.name, "depthwise kernel")
    between = _by_channels(reader, layer, source, kernel, has_bias=False)
    points = constants(layer.pointwise_kernel, quantizer_of(layer, "pointwise"), layer.name, "pointwise kernel")
    shape = (*between.shape[:2], points.codes.shape[-1])
    made = weighted(reader, layer, Convolution, between, shape, points, strides=(1, 1), name=f"{layer.name}_pointwise")
    return activated(reader, layer, made)


def _by_channels(reader: Reader, layer: Any, source: Operation, kernel: Constants, *, has_bias: bool) -> Operation:
    """Convolve each channel by itself; with several outputs a channel, as a convolution with zeros."""
    strides = (int(layer.strides[0]), int(layer.strides[1]))
    codes = _dilated(kernel.codes, layer.dilation_rate)
    entering = padded(reader, layer, source, codes.shape[:2])
    entering, codes = _with_two_rows(reader, layer.name, entering, codes, strides[0])
    rows, columns, channels, times = codes.shape
    shape = (*positions(entering.shape, (rows, columns), strides), channels * times)
    if times == 1:
        kernel = replace(kernel, codes=codes[..., 0])
        return weighted(reader, layer, Depthwise, entering, shape, kernel, has_bias=has_bias, strides=strides)
    full = np.zeros((rows, columns, channels, channels, times), np.int64)
    for channel in range(channels):
        full[:, :, channel, channel] = codes[:, :, channel]
    kernel = replace(kernel, codes=full.reshape(rows, columns, channels, -1))
    return weighted(reader, layer, Convolution, entering, shape, kernel, has_bias=has_bias, strides=strides)


def _with_two_rows(
    reader: Reader, name: str, source: Operation, codes: NDArray[np.int64], stride: int
) -> tuple[Operation, NDArray[np.int64]]:
    """Return map and kernel of a convolution that computes the same with a second row of zeros in the kernel.

    A kernel of one row that skips rows is taken for one of a series by hls4ml, which then skips none. Kernels of single
    pixels are another layer there.
    """
    if len(codes) > 1 or stride == 1:
        return source, codes
    if (source.shape[0] - 1) % stride == 0:
        source = surrounded(reader, f"{name}_row", source, (0, 1), (0, 0))
    return source, np.concatenate([codes, np.zeros_like(codes)])


def dense(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a dense layer; on a map, it is a convolution of single pixels."""
    check_settings(
        layer, ("units", "activation", "use_bias", "kernel_quantizer", "bias_quantizer", *_OF_FOLDING), lora_rank=None,
        quantization_config=None, renorm=False,
    )  # fmt: skip
    kernel = constants(_kernel(layer), quantizer_of(layer, "kernel"), layer.name, "kernel")
    shape = (*source.shape[:-1], kernel.codes.shape[-1])
    if len(source.shape) == 1:
        made = weighted(reader, layer, Dense, source, shape, kernel)
    else:
        must_be_map(layer, source)
        # On each pixel of a map, it is a convolution of one pixel.
        kernel = replace(kernel, codes=kernel.codes[np.newaxis, np.newaxis])
        made = weighted(reader, layer, Convolution, source, shape, kernel, strides=(1, 1))
    return activated(reader, layer, made)


def weighted(
    reader: Reader, layer: Any, kind: type, source: Operation, shape: tuple[int, ...], kernel: Constants, *,
    has_bias: bool = True, name: str | None = None, **more: Any,
) -> Operation:  # fmt: skip
    """Add sums of products; the format holds any part of a sum, in whatever order it is added."""
    bias = Constants(np.zeros(shape[-1], np.int64), exact_format(0, 0, 0))
    folds = type(layer) in FOLDING
    if has_bias and (layer.use_bias or folds):
        values = _folded(layer)[1] if folds else layer.bias
        bias = constants(values, quantizer_of(layer, "bias"), layer.name, "bias")
    axes = tuple(range(kernel.codes.ndim - 1))
    if kind is Depthwise:
        axes = (0, 1)
    sums = [int(each) * reader.steps[source.name] for each in np.abs(kernel.codes).sum(axis=axes)]
    fraction = source.format.fraction_bits + kernel.format.fraction_bits
    grid = max(fraction, bias.format.fraction_bits)
    totals = [
        (total << grid - fraction) + (int(offset) << grid - bias.format.fraction_bits)
        for total, offset in zip(sums, np.abs(bias.codes), strict=True)
    ]
    steps = max(totals)
    if steps >= EXACT_STEPS:
        raise InputError(
            f"layer {layer.name}: its sums may reach {steps} steps and float32 is exact below {EXACT_STEPS} only; use "
            f"fewer bits for its weights or inputs, or put a quantizer between it and the layer before"
        )
    words = exact_format(-steps, steps, grid, signed=True)
    if kind is not Dense:
        more["map"] = source.shape[:2]
    made = kind(name or layer.name, (source.name,), (source.format,), shape, words, kernel, bias, **more)
    return reader.add(made, steps)


def quantizer_of(layer: Any, what: str) -> Any:
    """Return the quantizer that a layer applies, as its ``call`` does."""
    return getattr(layer, f"{what}_quantizer_internal", None) if getattr(layer, f"{what}_quantizer", None) else None


def _kernel(layer: Any) -> Any:
    """Return the kernel that a layer quantizes."""
    return _folded(layer)[0] if type(layer) in FOLDING else _own_kernel(layer)


def _own_kernel(layer: Any) -> Any:
    return layer.depthwise_kernel if hasattr(layer, "depthwise_kernel") else layer.kernel


def _folded(layer: Any) -> tuple[Any, Any]:
    """Return kernel and bias with the normalization at rest in them, by the operations on float32 that QKeras does."""
    normalization = layer.batchnorm
    if normalization.axis not in (-1, 3) or not (normalization.center and normalization.scale):
        raise InputError(
            f"layer {layer.name}: its normalization is not of channels, by scale and center, which alone QKeras folds"
        )
    spread = normalization.moving_variance + normalization.epsilon
    deep = type(layer) is qkeras.QDepthwiseConv2DBatchnorm
    scale = (keras.ops.rsqrt(spread) if deep else 1 / keras.ops.sqrt(spread)) * normalization.gamma
    bias = scale * ((layer.bias if layer.use_bias else 0) - normalization.moving_mean) + normalization.beta
    kernel = _own_kernel(layer)
    return (keras.ops.reshape(scale, kernel.shape[2:]) if deep else scale) * kernel, bias


def _ungrouped(codes: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return the kernel of one group that computes the same, with zeros between the groups."""
    if groups == 1:
        return codes
    rows, columns, channels, outputs = codes.shape
    full = np.zeros((rows, columns, groups, channels, groups, outputs // groups), np.int64)
    each = codes.reshape(rows, columns, channels, groups, outputs // groups)
    for group in range(groups):
        full[:, :, group, :, group] = each[:, :, :, group]
    return full.reshape(rows, columns, groups * channels, outputs)


def _dilated(codes: NDArray[np.int64], rate: Any) -> NDArray[np.int64]:
    """Return the kernel with zeros between its rows and columns."""
    rows, columns = (int(each) for each in rate) if isinstance(rate, (list, tuple)) else (int(rate), int(rate))
    if rows == columns == 1:
        return codes
    full = np.zeros(((codes.shape[0] - 1) * rows + 1, (codes.shape[1] - 1) * columns + 1, *codes.shape[2:]), np.int64)
    full[::rows, ::columns] = codes
    return full
