"""The arithmetic that a quantized network promises: the format of every word, and sums that float32 holds exactly.

A quantized network in Keras is an integer model: every word between its layers is an integer times a power of two, and
float32 holds each of them exactly as long as no accumulator reaches 2^24 steps. :func:`trace` derives the format of
every word and the largest accumulator from the actual weights; :func:`assert_exact_accumulation` raises where float32
would round. Hardware gets its widths from the same trace.

Networks are chains of layers, or chains that a ``Concatenate`` of vectors joins; no layer has two readers.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL, Format, Overflow, Rounding
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import BatchNormalization
from cytogate.model.networks.widths import EXACT_STEPS, SNAP_FRACTION_BITS

ROUNDING = (keras.layers.InputLayer, qkeras.QConv2D, qkeras.QDense, keras.layers.BatchNormalization)
"""Layers that round and saturate the values that leave them as their result's format says."""


@dataclass(frozen=True)
class Words:
    """The words that leave a layer."""

    layer: str
    format: Format | None
    """None ahead of the first quantizer."""
    steps: int
    """Largest magnitude, in steps of the format, of a word or of any partial sum on the way to it."""


def trace(model: keras.Model) -> tuple[Words, ...]:
    """Follow the formats of all words through a network; the result goes along with ``model.layers``.

    Raises
    ------
    InputError
        If a layer cannot be exact in fixed point, is not in place (see :func:`sources`), or is of a kind that is not
        known here.
    """
    words: dict[str, Words] = {}
    behind = sources(model)
    for layer in model.layers:
        words[layer.name] = _words_behind(layer, tuple(words[name] for name in behind[layer.name]))
    return tuple(words.values())


def sources(model: keras.Model) -> dict[str, tuple[str, ...]]:
    """Return the names of the layers that each layer reads, in the order in which it takes them.

    Raises
    ------
    InputError
        If the network is more than chains that a Concatenate joins, with the last layer's words as its only output.
    """
    producers = {id(layer.output): layer.name for layer in model.layers}
    found = {layer.name: _sources(layer, producers) for layer in model.layers}
    for layer in model.layers:
        if len(found[layer.name]) > 1 and not isinstance(layer, keras.layers.Concatenate):
            raise InputError(
                f"layer {layer.name}: reads {' and '.join(found[layer.name])}; only a Concatenate joins chains"
            )
    readers = Counter(name for names in found.values() for name in names)
    for layer in model.layers:
        for name in found[layer.name]:
            if readers[name] > 1:
                raise InputError(
                    f"layer {layer.name}: is not the only reader of {name}; the network must be a plain chain, or "
                    f"chains that a Concatenate joins"
                )
    last = model.layers[-1].name
    if [producers.get(id(tensor)) for tensor in model.outputs] != [last]:
        raise InputError(f"layer {last}: its words must be the network's only output")
    return found


def input_formats(model: keras.Model) -> tuple[Format, ...]:
    """Return the formats in which codes enter a quantized network, in the order of its inputs."""
    readers = {name: layer for layer, names in sources(model).items() for name in names}
    words = {leaving.layer: leaving.format for leaving in trace(model)}
    entries = {id(layer.output): layer.name for layer in model.layers}
    found = []
    for tensor in model.inputs:
        name = entries[id(tensor)]
        entering = words[readers[name]]
        if entering is None:
            raise InputError(f"layer {name}: its words are not quantized; put a QActivation behind it")
        found.append(entering)
    return tuple(found)


def written_formats(model: keras.Model, words: tuple[Words, ...]) -> dict[str, Format]:
    """Return the format of each layer's values as hardware passes them on; ``words`` are those of :func:`trace`.

    An input arrives as pixels. A layer with a signed quantizer behind it rounds itself, as hls4ml would merge the two.

    Raises
    ------
    InputError
        If a signed quantizer follows a layer that cannot round in its place.
    """
    formats = {leaving.layer: leaving.format or PIXEL for leaving in words}
    behind = sources(model)
    for layer in model.layers:
        if not is_merged(layer):
            continue
        (source,) = behind[layer.name]
        if not isinstance(model.get_layer(source), ROUNDING):
            raise InputError(
                f"layer {layer.name}: {source} cannot round in its place; signed quantizers follow an input, a "
                f"convolution, a dense layer or a batch normalization"
            )
        formats[source] = formats[layer.name]
    return formats


def merged_sources(model: keras.Model) -> dict[str, tuple[str, ...]]:
    """Return what each layer of the hardware reads: :func:`sources` without the quantizers that their source does."""
    behind = sources(model)
    merged = {layer.name: behind[layer.name][0] for layer in model.layers if is_merged(layer)}
    return {
        name: tuple(merged.get(source, source) for source in names)
        for name, names in behind.items()
        if name not in merged
    }


def is_merged(layer: keras.Layer) -> bool:
    """Return whether a layer is a signed quantizer, whose work the layer before it does in hardware."""
    return isinstance(layer, qkeras.QActivation) and isinstance(layer.activation, qkeras.quantized_bits)


def assert_exact_accumulation(model: keras.Model) -> None:
    """Raise an InputError naming the first layer whose accumulator may reach 2^24 steps, where float32 rounds."""
    for words in trace(model):
        if words.steps >= EXACT_STEPS:
            raise InputError(
                f"layer {words.layer}: its accumulator may reach {words.steps} steps and float32 is exact below "
                f"{EXACT_STEPS} only; use fewer bits for its weights or inputs"
            )


def quantizer_format(quantizer: object, layer: str) -> Format:
    """Return the format on which a QKeras quantizer rounds, half to even, and saturates.

    Raises
    ------
    InputError
        If the quantizer of ``layer`` has no fixed-point equivalent: another kind, a scale, or stochastic rounding.
    """
    if getattr(quantizer, "use_stochastic_rounding", False):
        raise InputError(f"layer {layer}: {quantizer} rounds stochastically; hardware rounds half to even")
    if isinstance(quantizer, qkeras.quantized_bits):
        if quantizer.alpha not in (1, 1.0):
            raise InputError(f"layer {layer}: {quantizer} scales by alpha={quantizer.alpha!r}; only alpha=1 is exact")
        if quantizer.symmetric or not quantizer.keep_negative:
            raise InputError(f"layer {layer}: {quantizer} is not two's complement; leave symmetric and keep_negative")
        return Format(int(quantizer.bits), int(quantizer.integer) + 1)
    if isinstance(quantizer, qkeras.quantized_relu):
        if quantizer.use_sigmoid or quantizer.relu_upper_bound is not None:
            raise InputError(f"layer {layer}: {quantizer} is more than a ReLU; leave sigmoid and upper bound")
        if quantizer.negative_slope:
            return Format(int(quantizer.bits), int(quantizer.integer) + 1)
        return Format(int(quantizer.bits), int(quantizer.integer), signed=False)
    raise InputError(
        f"layer {layer}: {quantizer} is no quantizer that is known to be exact; use quantized_bits(alpha=1)"
    )


def constant_formats(layer: keras.Layer) -> dict[str, Format]:
    """Return the formats of a layer's constants by hls4ml's names of them; empty where it has none.

    ``weight`` or ``scale``, and ``bias``; ``param``, the slope, of a leaky ReLU.
    """
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        quantizers = {"weight": layer.kernel_quantizer_internal, "bias": layer.bias_quantizer_internal}
        return {name: quantizer_format(quantizer, layer.name) for name, quantizer in quantizers.items()}
    if isinstance(layer, keras.layers.BatchNormalization):
        gamma, beta, _, _ = layer.get_weights()
        return {name: _narrowest(values) for name, values in (("scale", gamma), ("bias", beta))}
    if slope_shift(layer):
        return {"param": Format(2, 2 - slope_shift(layer))}
    return {}


def slope_shift(layer: keras.Layer) -> int:
    """Return the shift to the right by which a leaky ReLU multiplies negative words; 0 where a layer is none.

    Raises
    ------
    InputError
        If the slope is no power of two below 1.
    """
    if not isinstance(layer, qkeras.QActivation) or not isinstance(layer.activation, qkeras.quantized_relu):
        return 0
    slope = float(layer.activation.negative_slope)
    if not slope:
        return 0
    mantissa, exponent = math.frexp(slope)
    if mantissa != 0.5 or exponent > 0:
        raise InputError(f"layer {layer.name}: a slope of {slope} is no shift of bits; use a power of two below 1")
    return 1 - exponent


def _sources(layer: keras.Layer, producers: dict[int, str]) -> tuple[str, ...]:
    if isinstance(layer, keras.layers.InputLayer):
        return ()
    # Of a layer that is applied several times Keras gives the first; what the others write has no producer here.
    tensors = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    if any(id(tensor) not in producers for tensor in tensors):
        raise InputError(
            f"layer {layer.name}: reads a layer that is applied more than once, or in another network too; hardware "
            f"has each layer once"
        )
    return tuple(producers[id(tensor)] for tensor in tensors)


def _words_behind(layer: keras.Layer, sources: tuple[Words, ...]) -> Words:
    if not sources:
        return Words(layer.name, None, 0)
    if isinstance(layer, keras.layers.Concatenate):
        return _joined_words(layer, sources)
    (before,) = sources
    if isinstance(layer, qkeras.QActivation):
        return _quantized_words(layer, before)
    if isinstance(layer, keras.layers.MaxPooling2D):
        _check_pooling(layer)
        return Words(layer.name, before.format, before.steps)
    if isinstance(layer, keras.layers.Flatten):
        return Words(layer.name, before.format, before.steps)
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        return _accumulated_words(layer, before)
    if isinstance(layer, keras.layers.BatchNormalization):
        return _normalized_words(layer, before)
    raise InputError(f"layer {layer.name}: {type(layer).__name__} is not known to be exact in fixed point")


def _joined_words(layer: keras.layers.Concatenate, sources: tuple[Words, ...]) -> Words:
    """Join two vectors of one format; hls4ml takes two, and maps side by side would wait for each other."""
    if len(sources) != 2 or any(len(tensor.shape) != 2 for tensor in layer.input):
        raise InputError(f"layer {layer.name}: joins two vectors, and nothing else, exactly; flatten maps ahead of it")
    first, second = sources
    if first.format is None or first.format != second.format:
        raise InputError(
            f"layer {layer.name}: {first.layer} and {second.layer} must write words of one format; they write "
            f"{first.format and first.format.ap_type} and {second.format and second.format.ap_type}"
        )
    return Words(layer.name, first.format, max(first.steps, second.steps))


def _check_pooling(layer: keras.layers.MaxPooling2D) -> None:
    """Refuse windows that overlap, are padded or leave pixels over, which hls4ml's streaming kernels do not handle."""
    extents = layer.input.shape[1:3]
    whole = all(extent % size == 0 for extent, size in zip(extents, layer.pool_size, strict=True))
    if layer.padding != "valid" or tuple(layer.strides) != tuple(layer.pool_size) or not whole:
        raise InputError(
            f"layer {layer.name}: windows of {layer.pool_size} with stride {layer.strides} and padding {layer.padding} "
            f"do not tile {extents[0]}x{extents[1]} pixels; only pooling that does is exact"
        )


def _quantized_words(layer: qkeras.QActivation, before: Words) -> Words:
    words, shift = quantizer_format(layer.activation, layer.name), slope_shift(layer)
    if before.format is None:
        if shift:
            raise InputError(f"layer {layer.name}: its input is not quantized; put a QActivation ahead of it")
        return Words(layer.name, words, words.code_max)
    if shift and before.format.min < words.min:
        # QKeras ends negative words at the slope times the range; a saturating shifter does not.
        raise InputError(
            f"layer {layer.name}: words down to {before.format.min} reach its leaky ReLU, which is exact from "
            f"{words.min} on; put a quantized_bits of its integer bits ahead of it"
        )
    # QKeras adds the rounding error to the unrounded word, so both share the finer of the two grids.
    finer = max(0, words.fraction_bits - before.format.fraction_bits, shift)
    entering = min(before.steps, _largest(before.format))
    return Words(layer.name, words, max(entering << finer, words.code_max))


def _accumulated_words(layer: keras.Layer, before: Words) -> Words:
    if layer.activation is not None and getattr(layer.activation, "__name__", "") != "linear":
        raise InputError(f"layer {layer.name}: its activation must be a layer of its own, a QActivation")
    if getattr(layer, "groups", 1) != 1 or getattr(layer, "dilation_rate", (1, 1)) != (1, 1):
        raise InputError(f"layer {layer.name}: groups and dilation are not supported")
    incoming = _incoming(layer, before)
    kernel_format = quantizer_format(layer.kernel_quantizer_internal, layer.name)
    kernel = _steps(layer.kernel_quantizer_internal(layer.kernel), kernel_format)
    fraction = incoming.fraction_bits + kernel_format.fraction_bits
    sums = np.abs(kernel).reshape(-1, kernel.shape[-1]).sum(axis=0) * _largest(incoming)
    if layer.use_bias:
        bias_format = quantizer_format(layer.bias_quantizer_internal, layer.name)
        bias = _steps(layer.bias_quantizer_internal(layer.bias), bias_format)
        sums, fraction = _plus(sums, fraction, np.abs(bias), bias_format.fraction_bits)
    return _exact_words(layer.name, int(sums.max()), fraction)


def _normalized_words(layer: keras.layers.BatchNormalization, before: Words) -> Words:
    if not isinstance(layer, BatchNormalization):
        raise InputError(
            f"layer {layer.name}: Keras's own batch normalization is inexact on some processors; build it with "
            f"cytogate.model.networks.layers.batch_normalization"
        )
    incoming = _incoming(layer, before)
    gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in layer.get_weights())
    grid = Format(32, 32 - SNAP_FRACTION_BITS)
    on_grid = all(np.array_equal(grid.decode(_steps(part, grid)), part) for part in (gamma, beta))
    if not on_grid or mean.any() or (variance + layer.epsilon != 1).any():
        raise InputError(
            f"layer {layer.name}: its batch normalization is not snapped, and no fixed-point network equals it; "
            f"train with `cytogate train` or call snap_batch_normalization"
        )
    sums, fraction = _plus(
        np.abs(_steps(gamma, grid)) * _largest(incoming),
        incoming.fraction_bits + SNAP_FRACTION_BITS,
        np.abs(_steps(beta, grid)),
        SNAP_FRACTION_BITS,
    )
    return _exact_words(layer.name, int(sums.max()), fraction)


def _incoming(layer: keras.Layer, before: Words) -> Format:
    if before.format is None:
        raise InputError(f"layer {layer.name}: its input is not quantized; put a QActivation ahead of it")
    return before.format


def _plus(a: NDArray, a_fraction: int, b: NDArray, b_fraction: int) -> tuple[NDArray, int]:
    """Add integers of two grids on the finer one."""
    fraction = max(a_fraction, b_fraction)
    return (a << (fraction - a_fraction)) + (b << (fraction - b_fraction)), fraction


def _exact_words(name: str, steps: int, fraction_bits: int) -> Words:
    width = steps.bit_length() + 1
    return Words(name, Format(width, width - fraction_bits, True, Rounding.TRUNCATE, Overflow.WRAP), steps)


def _narrowest(values: NDArray) -> Format:
    """Return the narrowest format on the grid of snapped values that holds them."""
    largest = int(np.abs(np.rint(np.asarray(values, np.float64) * (1 << SNAP_FRACTION_BITS))).max())
    width = largest.bit_length() + 1
    return Format(width, width - SNAP_FRACTION_BITS)


def _steps(values: keras.KerasTensor | NDArray, on: Format) -> NDArray[np.int64]:
    return np.rint(np.asarray(values, np.float64) * 2.0**on.fraction_bits).astype(np.int64)


def _largest(words: Format) -> int:
    return max(-words.code_min, words.code_max)
