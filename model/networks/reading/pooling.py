"""Layers that make one word of a window."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import InputError
from cytogate.model.networks.operations import Depthwise, MaxPool, Mean, Operation, exact_format
from cytogate.model.networks.quantizers import constants
from cytogate.model.networks.reading.activations import affine, apply
from cytogate.model.networks.reading.arrangement import padded, positions, reshaped
from cytogate.model.networks.reading.likeness import Likeness
from cytogate.model.networks.reading.settings import CHANNELS_LAST, check_settings, must_be_map
from cytogate.model.networks.reading.weights import quantizer_of, weighted
from cytogate.model.networks.widths import EXACT_STEPS

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader

MEAN_GUARD_BITS = 8
"""A mean has so many bits more behind the point than its divisor has: whoever rounds it next gets what the true one
gives."""

MEAN_SPARE_BITS = 3
"""So many of float32's bits a mean's sum leaves, for Keras's quotient to round as the true one."""


def max_pooling(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a max-pooling."""
    check_settings(layer, ("pool_size", "strides", "padding"), **CHANNELS_LAST)
    window, strides = tuple(map(int, layer.pool_size)), tuple(map(int, layer.strides))
    entering, given = padded(reader, layer, source, window), source.format
    if entering is source or not given.signed:
        return _pooled(reader, layer.name, MaxPool, entering, window, strides, entering.format)
    # A border of zeros would win over words below it: these are raised for the while.
    above = exact_format(0, given.code_max - given.code_min, given.fraction_bits)
    steps = reader.steps[source.name]
    raised = affine(reader, f"{layer.name}_raised", source, 1, -given.code_min, above, steps - given.code_min)
    entering = padded(reader, layer, raised, window)
    pooled = _pooled(reader, f"{layer.name}_largest", MaxPool, entering, window, strides, above)
    return affine(reader, layer.name, pooled, 1, given.code_min, given, steps)


def average_pooling(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read an average-pooling."""
    check_settings(layer, ("pool_size", "strides", "padding", "average_quantizer", "activation"), **CHANNELS_LAST)
    window, strides = tuple(map(int, layer.pool_size)), tuple(map(int, layer.strides))
    entering = padded(reader, layer, source, window)
    if entering is not source:
        raise InputError(
            f"layer {layer.name}: its windows reach beyond the map, where Keras divides by fewer pixels; use windows "
            f"that tile the map, or padding='valid'"
        )
    return _averaged(reader, layer, source, window, strides)


def global_average_pooling(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a mean over the map."""
    check_settings(layer, ("keepdims", "average_quantizer", "activation"), **CHANNELS_LAST)
    must_be_map(layer, source)
    window = (source.shape[0], source.shape[1])
    return _flattened(reader, layer, _averaged(reader, layer, source, window, window))


def global_max_pooling(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read the largest word of the map."""
    check_settings(layer, ("keepdims",), **CHANNELS_LAST)
    must_be_map(layer, source)
    window = (source.shape[0], source.shape[1])
    return _flattened(reader, layer, _pooled(reader, layer.name, MaxPool, source, window, window, source.format))


def _flattened(reader: Reader, layer: Any, pooled: Operation) -> Operation:
    """Make a vector of a map of one pixel, unless the layer keeps it."""
    if layer.keepdims:
        return pooled
    return reshaped(reader, f"{layer.name}_vector", pooled, pooled.shape[-1:])


def _averaged(
    reader: Reader, layer: Any, source: Operation, window: tuple[int, ...], strides: tuple[int, ...]
) -> Operation:
    """Take means, or, where the factor has a quantizer, sums times what it makes of one part of the area."""
    must_be_map(layer, source)
    area = math.prod(window)
    quantizer = quantizer_of(layer, "average")
    if quantizer is not None:
        kernel = constants(np.float32(1.0 / area), quantizer, layer.name, "factor")
        codes = np.full((*window, source.shape[-1]), int(kernel.codes), np.int64)
        shape = (*positions(source.shape, window, strides), source.shape[-1])
        made = weighted(
            reader, layer, Depthwise, source, shape, replace(kernel, codes=codes), has_bias=False, strides=strides
        )
    else:
        exact = not area & (area - 1)
        more = area.bit_length() - 1 if exact else area.bit_length() + MEAN_GUARD_BITS
        given = source.format
        words = exact_format(given.code_min << more, given.code_max << more, given.fraction_bits + more)
        steps = reader.steps[source.name] << more
        likeness = None if exact or reader.likeness[source.name] is not Likeness.EQUAL else Likeness.CLOSE
        if reader.steps[source.name] * area >= EXACT_STEPS >> MEAN_SPARE_BITS:
            likeness = Likeness.ROUNDED
        made = _pooled(reader, layer.name, Mean, source, window, strides, words, steps, likeness)
    activation = getattr(layer, "activation", None)
    return made if activation is None else apply(reader, layer.name, activation, f"{layer.name}activation", made)


def _pooled(
    reader: Reader, name: str, kind: type, source: Operation, window: tuple[int, ...], strides: tuple[int, ...],
    words: Format, steps: int | None = None, likeness: Likeness | None = None,
) -> Operation:  # fmt: skip
    shape = (*positions(source.shape, window, strides), source.shape[-1])
    steps = reader.steps[source.name] if steps is None else steps
    made = kind(name, (source.name,), (source.format,), shape, words, source.shape[:2], window, strides)
    return reader.add(made, steps, likeness)
