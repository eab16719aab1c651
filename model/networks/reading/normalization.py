"""Batch normalization at rest: a factor and an offset for each channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.networks.layers import BatchNormalization
from cytogate.model.networks.operations import Constants, Operation, Scale, exact_format
from cytogate.model.networks.quantizers import on_grid
from cytogate.model.networks.reading.likeness import Likeness
from cytogate.model.networks.reading.settings import check_settings
from cytogate.model.networks.widths import EXACT_STEPS

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader

FACTOR_BITS = 18
"""Of the largest factor where it is on no grid of its own: what a multiplier of a DSP block takes."""


def normalization(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read Keras's batch normalization, or ours."""
    check_settings(layer, ("axis", "epsilon", "center", "scale"), renorm=False)
    _check_axis(layer, source)
    return _scaled(reader, layer, source, *_factors(layer))


def quantized_normalization(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read QKeras's batch normalization."""
    check_settings(
        layer, ("axis", "epsilon", "center", "scale", "beta_quantizer", "gamma_quantizer", "mean_quantizer",
                "variance_quantizer", "inverse_quantizer"), activation=None, renorm=False,
    )  # fmt: skip
    _check_axis(layer, source)
    if layer.inverse_quantizer:
        raise InputError(f"layer {layer.name}: an inverse quantizer is not supported; leave it")
    return _scaled(reader, layer, source, *_factors(layer, _part_of_quantized_normalization))


def _part_of_quantized_normalization(layer: Any, name: str) -> Any:
    values = getattr(layer, name)
    quantizer = getattr(layer, f"{name.removeprefix('moving_')}_quantizer_internal")
    return values if quantizer is None or values is None else quantizer(values)


def _factors(layer: Any, part: Callable[[Any, str], Any] = getattr) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scale and offset of a normalization at rest."""
    mean, variance = (np.asarray(part(layer, name), np.float64) for name in ("moving_mean", "moving_variance"))
    gamma = np.asarray(part(layer, "gamma"), np.float64) if layer.scale else np.ones_like(mean)
    beta = np.asarray(part(layer, "beta"), np.float64) if layer.center else np.zeros_like(mean)
    spread = variance + layer.epsilon
    if not all(np.isfinite(each).all() for each in (gamma, beta, mean)) or not (spread > 0).all():
        raise InputError(f"layer {layer.name}: its normalization holds NaN, infinite values or no variance")
    scale = gamma / np.sqrt(spread)
    return scale, beta - mean * scale


def _scaled(
    reader: Reader, layer: Any, source: Operation, scale: NDArray[np.float64], offset: NDArray[np.float64]
) -> Operation:
    """Multiply and add for each channel: on the constants' own grid if they have one, else on a fine one."""
    if (scale == 1).all() and not offset.any():
        return source
    try:
        factor, shift = on_grid(scale, layer.name, "scale"), on_grid(offset, layer.name, "offset")
        settled = True
    except InputError:
        factor = _nearest(scale, FACTOR_BITS - 1 - _exponent(scale))
        shift = _nearest(offset, source.format.fraction_bits + factor.format.fraction_bits)
        settled = False
    fraction = source.format.fraction_bits + factor.format.fraction_bits
    grid = max(fraction, shift.format.fraction_bits)
    steps = max(
        (abs(int(times)) * reader.steps[source.name] << (grid - fraction))
        + (abs(int(more)) << (grid - shift.format.fraction_bits))
        for times, more in zip(factor.codes, shift.codes, strict=True)
    )
    likeness = None
    if not settled or steps >= EXACT_STEPS or type(layer) is not BatchNormalization:
        # Of Keras's own layer the last bits depend on the processor; they are seen where much is cancelled.
        likeness = Likeness.ROUNDED
    made = Scale(
        layer.name, (source.name,), (source.format,), source.shape, exact_format(-steps, steps, grid, signed=True),
        factor, shift,
    )  # fmt: skip
    return reader.add(made, steps, likeness)


def _nearest(values: NDArray[np.float64], fraction: int) -> Constants:
    """Return the constants on a grid that are next to real values."""
    codes = np.rint(values * 2.0**fraction).astype(np.int64)
    return Constants(codes, exact_format(int(codes.min()), int(codes.max()), fraction))


def _exponent(values: NDArray[np.float64]) -> int:
    """Return the power of two that all magnitudes are below."""
    return math.frexp(float(np.abs(values).max()))[1]


def _check_axis(layer: Any, source: Operation) -> None:
    axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
    if axis not in (-1, len(source.shape)):
        raise InputError(f"layer {layer.name}: normalizes axis {axis}; channels, the last one, can be normalized")
