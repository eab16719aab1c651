"""Functions of single words: quantizers, rectifiers, and what is left to the host."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cytogate.model.contract.fixed_point import Format, Overflow, Rounding
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.operations import Constants, Operation, Round, Scale, exact_format
from cytogate.model.networks.quantizers import Quantized, quantized
from cytogate.model.networks.reading.likeness import Likeness
from cytogate.model.networks.reading.settings import check_settings
from cytogate.model.networks.widths import EXACT_STEPS

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader

HOST_FUNCTIONS = ("softmax", "sigmoid", "tanh")
"""Of logits: at a network's end they change no order, and are the host's."""


def is_linear(layer: Any) -> bool:
    """Whether a layer is an activation that does nothing."""
    return type(layer) is keras.layers.Activation and layer.activation is keras.activations.linear


def activation(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read an activation that is a layer of its own."""
    check_settings(layer, ("activation",))
    return apply(reader, layer.name, layer.activation, layer.name, source)


def relu(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read Keras's ReLU, with a slope or an upper bound."""
    check_settings(layer, ("max_value", "negative_slope"), threshold=0)
    if layer.negative_slope:
        return _leaky(reader, layer.name, float(layer.negative_slope), source, layer.max_value)
    rectified = _rectified(reader, layer.name, source)
    return rectified if layer.max_value is None else _bounded(reader, layer.name, rectified, float(layer.max_value))


def leaky_relu(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a ReLU with a slope below zero."""
    check_settings(layer, ("negative_slope",))
    return _leaky(reader, layer.name, float(layer.negative_slope), source, None)


def softmax(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Leave a softmax to the host."""
    check_settings(layer, (), axis=-1)
    return _host_function(reader, layer.name, "softmax", source)


def activated(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Apply the activation within a layer."""
    if layer.activation is None:
        return source
    return apply(reader, layer.name, layer.activation, f"{layer.name}activation", source)


def apply(reader: Reader, layer: str, function: Any, name: str, source: Operation) -> Operation:
    """Apply a function of single words to what ``layer`` makes, in an operation called ``name``."""
    if hasattr(function, "bits") or type(function).__module__.startswith("qkeras"):
        return _quantize(reader, layer, function, name, source)
    known = getattr(function, "__name__", type(function).__name__)
    if known == "linear":
        return source
    if known == "relu":
        return _rectified(reader, name, source)
    if known == "relu6":
        return _bounded(reader, name, _rectified(reader, name, source), 6.0)
    if known in HOST_FUNCTIONS:
        return _host_function(reader, layer, known, source)
    raise InputError(
        f"layer {layer}: {known} is no function of fixed point; use quantized_relu, or leave it to the host at the end"
    )


def _quantize(reader: Reader, layer: str, quantizer: Any, name: str, source: Operation) -> Operation:
    found = quantized(quantizer, layer)
    if found.steps is not None:
        return _stepped(reader, name, source, found)
    if found.slope_shift and source.format.min < found.format.min:
        # QKeras ends negative words at the slope times the range; a saturating shifter does not.
        raise InputError(
            f"layer {layer}: words down to {source.format.min} reach its leaky ReLU, which is exact from "
            f"{found.format.min} on; put a quantized_bits of its integer bits ahead of it"
        )
    # QKeras adds the rounding error to the unrounded word, so both share the finer of the two grids.
    finer = max(0, found.format.fraction_bits - source.format.fraction_bits, found.slope_shift)
    if reader.steps[source.name] << finer >= EXACT_STEPS and reader.likeness[source.name] is Likeness.EQUAL:
        raise InputError(
            f"layer {layer}: words of {reader.steps[source.name] << finer} steps reach its quantizer and float32 is "
            f"exact below {EXACT_STEPS} only; use fewer bits"
        )
    made = reader.add(Round(name, (source.name,), (source.format,), source.shape, found.format, found.slope_shift))
    return made if found.bound is None else _bounded(reader, name, made, found.bound * found.format.step)


def _stepped(reader: Reader, name: str, source: Operation, found: Quantized) -> Operation:
    """Give one value below zero and another from there on: the floor of a word, cut to -1 and 0, scaled."""
    low, high = cast(tuple[int, int], found.steps)
    floor = Format(1, 1, True, Rounding.TRUNCATE, Overflow.SATURATE)
    cut = reader.add(Round(f"{name}_floor", (source.name,), (source.format,), source.shape, floor))
    return _affine(reader, name, cut, high - low, high, found.format)


def _rectified(reader: Reader, name: str, source: Operation) -> Operation:
    """Cut words below zero, and round nothing."""
    given = source.format
    if not given.signed:
        return source
    words = replace(exact_format(0, given.code_max, given.fraction_bits), overflow=Overflow.SATURATE)
    return reader.add(Round(name, (source.name,), (given,), source.shape, words), reader.steps[source.name])


def _bounded(reader: Reader, name: str, source: Operation, bound: float) -> Operation:
    """Cut words above a bound, which hardware has no saturation for: the bound less what is left below it."""
    code = bound / source.format.step
    if code != int(code):
        raise InputError(f"layer {name}: its upper bound {bound:g} is no multiple of the step {source.format.step:g}")
    if source.format.code_max <= code:
        return source
    top, fraction = int(code), source.format.fraction_bits
    below = _affine(reader, f"{name}_below", source, -1, top, exact_format(top - source.format.code_max, top, fraction))
    rest = _rectified(reader, f"{name}_rest", below)
    return _affine(reader, f"{name}_bounded", rest, -1, top, exact_format(top - rest.format.code_max, top, fraction))


def _affine(reader: Reader, name: str, source: Operation, factor: int, offset: int, words: Format) -> Operation:
    """Multiply codes by a whole number and add one, all channels alike."""
    channels = source.shape[-1]
    fraction = source.format.fraction_bits
    kernel = Constants(np.full(channels, factor, np.int64), exact_format(min(0, factor), max(0, factor), 0))
    bias = Constants(np.full(channels, offset, np.int64), exact_format(min(0, offset), max(0, offset), fraction))
    words = replace(words, rounding=Rounding.TRUNCATE, overflow=Overflow.WRAP)
    return reader.add(Scale(name, (source.name,), (source.format,), source.shape, words, kernel, bias))


def _leaky(reader: Reader, name: str, slope: float, source: Operation, bound: float | None) -> Operation:
    mantissa, exponent = math.frexp(slope)
    if mantissa != 0.5 or exponent > 0 or bound is not None:
        raise InputError(
            f"layer {name}: a slope of {slope:g} is no shift of bits, or it has a bound; use quantized_relu with a "
            f"negative_slope that is a power of two below 1"
        )
    shift = 1 - exponent
    given = source.format
    words = exact_format(given.code_min, given.code_max << shift, given.fraction_bits + shift, signed=True)
    words = replace(words, overflow=Overflow.SATURATE)
    return reader.add(
        Round(name, (source.name,), (given,), source.shape, words, shift), reader.steps[source.name] << shift
    )


def _host_function(reader: Reader, layer: str, function: str, source: Operation) -> Operation:
    """Leave a function of the logits, which changes no order, to the host; what is behind it is an error."""
    if len(source.shape) != 1:
        raise InputError(f"layer {layer}: {function} of a map; at the end of a classifier it is left to the host")
    reader.leave_to_host(f"the {function} of layer {layer}")
    return source
