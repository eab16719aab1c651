"""Functions of single words: quantizers, rectifiers, and what is left to the host."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cytogate.model.contract.fixed_point import Format, Overflow, Rounding
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.operations import Constants, Operation, Round, Scale, exact_format
from cytogate.model.networks.quantizers import Quantized, quantized
from cytogate.model.networks.reading.likeness import Likeness
from cytogate.model.networks.reading.settings import check_settings
from cytogate.model.networks.widths import EXACT_STEPS

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader

PLUS_MINUS_ONE = Format(2, 2, overflow=Overflow.SATURATE_SYMMETRIC)
ONE_BIT = Format(1, 1, signed=False)
HALVES_BITS = 22
"""Finest words, in bits behind the point, to half of which float32 adds a half exactly."""

HOST_FUNCTIONS = ("softmax", "sigmoid", "tanh")
"""Of logits: at a network's end they change no order, and are the host's."""
IN_PLACE = "quantized_relu, quantized_tanh or quantized_sigmoid"
"""Functions of fixed point that people use for those of none."""


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


def parametric_relu(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a ReLU whose slope below zero was learnt: one, for all words."""
    check_settings(layer, ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes"))
    slopes = np.unique(np.asarray(layer.alpha, np.float64))
    if len(slopes) > 1:
        raise InputError(
            f"layer {layer.name}: has {len(slopes)} slopes; use quantized_relu with one negative_slope that is a power "
            f"of two below 1"
        )
    if not slopes.any():
        return _rectified(reader, layer.name, source)
    return _leaky(reader, layer.name, float(slopes[0]), source, None)


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
    if function is qkeras.quantizers.binary_tanh:
        return _by_line(reader, name, source, 2.0, -1.0, PLUS_MINUS_ONE, _of_halves(source))
    if function is qkeras.quantizers.binary_sigmoid:
        return _by_line(reader, name, source, 1.0, 0.0, ONE_BIT, _of_halves(source))
    if known == "relu":
        return _rectified(reader, name, source)
    if known == "relu6":
        return _bounded(reader, name, _rectified(reader, name, source), 6.0)
    if known in HOST_FUNCTIONS:
        return _host_function(reader, layer, known, source)
    raise InputError(
        f"layer {layer}: {known} is not among the functions that are read; use {IN_PLACE}, or leave it out at a "
        f"network's end, where the host may apply it"
    )


def _quantize(reader: Reader, layer: str, quantizer: Any, name: str, source: Operation) -> Operation:
    found = quantized(quantizer, layer)
    if found.line is not None:
        return _straight(reader, name, source, found)
    if found.steps is not None or found.threshold is not None:
        # QKeras adds what a word lacks of its new value to the word.
        ones = max(0, source.format.fraction_bits)
        largest = (reader.steps[source.name] << max(0, -source.format.fraction_bits)) + (1 << ones)
        rounds = not found.any_size and largest >= EXACT_STEPS
        likeness = Likeness.ROUNDED if rounds else None
        return (_stepped if found.steps else _ternary)(reader, name, source, found, likeness)
    # QKeras adds the rounding error to the unrounded word, so both share the finer of the two grids.
    finest = max(source.format.fraction_bits + found.slope_shift, found.format.fraction_bits)
    if found.slope_shift and source.format.min < found.format.min:
        # QKeras ends negative words at the slope times the range; so they are cut to the range first, on a grid whose
        # largest word is not below the range's.
        fraction = max(source.format.fraction_bits, found.format.fraction_bits)
        least = int(found.format.min * 2.0**fraction)
        words = replace(exact_format(least, ~least, fraction), overflow=Overflow.SATURATE)
        cut = Round(f"{name}_range", (source.name,), (source.format,), source.shape, words)
        source = reader.add(cut, reader.steps[source.name] << fraction - source.format.fraction_bits)
    if not found.slope_shift and found.bound is None and _holds(found.format, source.format):
        return source
    largest = reader.steps[source.name] << finest - source.format.fraction_bits
    rounds = largest >= EXACT_STEPS and reader.likeness[source.name] is Likeness.EQUAL
    likeness = Likeness.ROUNDED if rounds else None
    rounding = Round(name, (source.name,), (source.format,), source.shape, found.format, found.slope_shift)
    made = reader.add(rounding, reader.steps_on(source, found.format.fraction_bits), likeness)
    return made if found.bound is None else _bounded(reader, name, made, found.bound * found.format.step)


def _holds(words: Format, others: Format) -> bool:
    """Whether a format holds every value of another, so that rounding to it changes none."""
    return others.fraction_bits <= words.fraction_bits and words.min <= others.min and others.max <= words.max


def _straight(reader: Reader, name: str, source: Operation, found: Quantized) -> Operation:
    """Round a line of words, as QKeras's hard tanh and sigmoid do."""
    factor, offset = cast(tuple[float, float], found.line)
    likeness = _of_halves(source)
    source = scaled(reader, f"{name}_line", source, factor, offset)
    made = Round(name, (source.name,), (source.format,), source.shape, found.format)
    return reader.add(made, likeness=likeness)


def _of_halves(source: Operation) -> Likeness | None:
    """Return how near a word's half and a half come to Keras's, where that follows from the word's format alone."""
    return Likeness.ROUNDED if source.format.fraction_bits > HALVES_BITS else None


def _by_line(
    reader: Reader, name: str, source: Operation, factor: float, offset: float, words: Format,
    likeness: Likeness | None,
) -> Operation:  # fmt: skip
    """Tell codes apart by one step: a line over codes, steep enough for its rounding to saturate."""
    line = scaled(reader, f"{name}_line", source, factor * 2.0**source.format.fraction_bits, offset)
    return reader.add(Round(name, (line.name,), (line.format,), line.shape, words), likeness=likeness)


def _ternary(reader: Reader, name: str, source: Operation, found: Quantized, likeness: Likeness | None) -> Operation:
    """Give the sign of words from a threshold on, else 0: rounding, after the threshold was brought to a half."""
    # As a float32, like the words that QKeras compares with it.
    threshold = float(np.float32(cast(float, found.threshold)))
    first = max(1, math.ceil(threshold / source.format.step))
    # Of factors by which the first code exceeds a half and the one below does not, the one of fewest bits.
    bits = 0
    while not (factor := math.floor(2.0**bits / (2 * (first - 1))) if first > 1 else 1) * 2 * first > 2**bits:
        bits += 1
    return _by_line(reader, name, source, factor * 2.0**-bits, 0.0, found.format, likeness)


def _stepped(reader: Reader, name: str, source: Operation, found: Quantized, likeness: Likeness | None) -> Operation:
    """Give one value below zero and another from there on: the floor of a word, cut to -1 and 0, scaled."""
    low, high = cast(tuple[int, int], found.steps)
    floor = Format(1, 1, True, Rounding.TRUNCATE, Overflow.SATURATE)
    cut = Round(f"{name}_floor", (source.name,), (source.format,), source.shape, floor)
    kept = reader.add(cut, likeness=likeness)
    return affine(reader, name, kept, high - low, high, found.format, max(abs(low), abs(high)))


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
    words = exact_format(top - source.format.code_max, top, fraction)
    below = affine(reader, f"{name}_below", source, -1, top, words, max(top, reader.steps[source.name] - top))
    # None of the words ahead is below zero, and none of these beyond the bound.
    held = replace(exact_format(0, top, fraction), overflow=Overflow.SATURATE)
    rest = reader.add(Round(f"{name}_rest", (below.name,), (below.format,), below.shape, held), top)
    return affine(reader, f"{name}_bounded", rest, -1, top, exact_format(top - held.code_max, top, fraction), top)


def affine(
    reader: Reader, name: str, source: Operation, factor: int, offset: int, words: Format, steps: int
) -> Operation:
    """Multiply codes by a whole number and add one, all channels alike; ``steps`` is the largest magnitude it gives."""
    channels = source.shape[-1]
    fraction = source.format.fraction_bits
    kernel = Constants(np.full(channels, factor, np.int64), exact_format(min(0, factor), max(0, factor), 0))
    bias = Constants(np.full(channels, offset, np.int64), exact_format(min(0, offset), max(0, offset), fraction))
    words = replace(words, rounding=Rounding.TRUNCATE, overflow=Overflow.WRAP)
    made = Scale(name, (source.name,), (source.format,), source.shape, words, kernel, bias)
    return reader.add(made, steps, _unseen(reader, source))


def scaled(reader: Reader, name: str, source: Operation, factor: float, offset: float) -> Operation:
    """Multiply words by a factor and add an offset, exactly, all channels alike."""
    if (factor, offset) == (1, 0):
        return source
    channels = source.shape[-1]
    kernel, bias = (_alike(each, channels) for each in (factor, offset))
    fraction = max(source.format.fraction_bits + kernel.format.fraction_bits, bias.format.fraction_bits)
    ends = [int((factor * each + offset) * 2.0**fraction) for each in (source.format.min, source.format.max)]
    words = exact_format(min(*ends, 0), max(*ends, 0), fraction, signed=True)
    made = Scale(name, (source.name,), (source.format,), source.shape, words, kernel, bias)
    steps = int((abs(factor) * reader.steps[source.name] * source.format.step + abs(offset)) * 2.0**fraction)
    return reader.add(made, steps, _unseen(reader, source))


def _unseen(reader: Reader, source: Operation) -> Likeness | None:
    """Return the likeness of a step that Keras does not do: nothing rounds in it."""
    return Likeness.EQUAL if reader.likeness[source.name] is Likeness.EQUAL else None


def _alike(value: float, channels: int) -> Constants:
    """Return a float as the same constant for all channels, on the coarsest grid."""
    code, denominator = value.as_integer_ratio()
    zeros = (code & -code).bit_length() - 1 if code else 0
    fraction = denominator.bit_length() - 1 - zeros
    code >>= zeros
    return Constants(np.full(channels, code, np.int64), exact_format(min(0, code), max(0, code), fraction))


def _leaky(reader: Reader, name: str, slope: float, source: Operation, bound: float | None) -> Operation:
    mantissa, exponent = math.frexp(slope)
    if mantissa != 0.5 or exponent > 0:
        raise InputError(
            f"layer {name}: a slope of {slope:g} is no shift of bits; use quantized_relu with a negative_slope that is "
            f"a power of two below 1"
        )
    if bound is not None:
        raise InputError(f"layer {name}: has a slope and an upper bound; leave one of them")
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
        instead = "of a vector, at the end, it is left to the host" if function == "softmax" else f"use {IN_PLACE}"
        raise InputError(f"layer {layer}: {function} of a map is no function of fixed point; {instead}")
    reader.leave_to_host(f"the {function} of layer {layer}")
    return source
