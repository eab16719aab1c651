"""Layers that add, join, pad and rearrange words."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cytogate.model.errors import InputError
from cytogate.model.networks.operations import (
    Add,
    Concatenate,
    Crop,
    Maximum,
    Minimum,
    Operation,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Subtract,
    exact_format,
)
from cytogate.model.networks.reading.activations import scaled
from cytogate.model.networks.reading.settings import CHANNELS_LAST, check_settings, must_be_map

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader


def add(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read a sum of layers, two at a time."""
    return _two_at_a_time(reader, layer, Add, operator.add, sources)


def subtract(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read a difference of two layers."""
    first, second = _of_one_shape(layer, sources)
    grid = max(first.format.fraction_bits, second.format.fraction_bits)
    low = _code(first, first.format.code_min, grid) - _code(second, second.format.code_max, grid)
    high = _code(first, first.format.code_max, grid) - _code(second, second.format.code_min, grid)
    formats = first.format, second.format
    words = exact_format(low, high, grid, signed=True)
    made = Subtract(layer.name, (first.name, second.name), formats, first.shape, words)
    return reader.add(made, reader.steps_on(first, grid) + reader.steps_on(second, grid))


def maximum(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read the larger words of several layers, two at a time."""
    return _two_at_a_time(reader, layer, Maximum, max, sources)


def minimum(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read the smaller words of several layers, two at a time."""
    return _two_at_a_time(reader, layer, Minimum, min, sources)


def _two_at_a_time(
    reader: Reader, layer: Any, kind: type, combine: Callable[[int, int], int], sources: tuple[Operation, ...]
) -> Operation:
    """Join words by what rises with each of the two, so that ends give ends."""
    total, *rest = _of_one_shape(layer, sources)
    for number, source in enumerate(rest, start=2):
        formats = total.format, source.format
        grid = max(each.fraction_bits for each in formats)
        low, high = (
            combine(_code(total, ends[0], grid), _code(source, ends[1], grid))
            for ends in ([each.code_min for each in formats], [each.code_max for each in formats])
        )
        name = layer.name if number == len(sources) else f"{layer.name}_{number}"
        steps = [reader.steps_on(each, grid) for each in (total, source)]
        made = kind(name, (total.name, source.name), formats, total.shape, exact_format(low, high, grid))
        total = reader.add(made, sum(steps) if kind is Add else max(steps))
    return total


def average(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read the mean of several layers: their sum, on a finer grid."""
    count = len(sources)
    if count & (count - 1):
        raise InputError(f"layer {layer.name}: the mean of {count} layers; of 2, 4 or 8 it is exact in fixed point")
    total = add(reader, layer, *sources)
    return scaled(reader, f"{layer.name}_mean", total, 1 / count, 0.0)


def _of_one_shape(layer: Any, sources: tuple[Operation, ...]) -> tuple[Operation, ...]:
    check_settings(layer, ())
    if len({source.shape for source in sources}) != 1 or len(sources) < 2:
        shapes = " and ".join(str(source.shape) for source in sources)
        raise InputError(f"layer {layer.name}: joins {shapes}; values of one shape can be joined")
    return sources


def _code(source: Operation, code: int, grid: int) -> int:
    """Return a code of an operation's words on a finer grid."""
    return code << (grid - source.format.fraction_bits)


def concatenate(reader: Reader, layer: Any, *sources: Operation) -> Operation:
    """Read a joint of channels, two at a time."""
    check_settings(layer, ("axis",))
    rank = len(sources[0].shape)
    if layer.axis not in (-1, rank):
        raise InputError(f"layer {layer.name}: joins along axis {layer.axis}; channels, the last axis, can be joined")
    total = sources[0]
    for number, source in enumerate(sources[1:], start=2):
        formats = total.format, source.format
        grid = max(each.fraction_bits for each in formats)
        low = min(each.code_min << (grid - each.fraction_bits) for each in formats)
        high = max(each.code_max << (grid - each.fraction_bits) for each in formats)
        shape = (*total.shape[:-1], total.shape[-1] + source.shape[-1])
        name = layer.name if number == len(sources) else f"{layer.name}_{number}"
        joined = formats[0] if formats[0] == formats[1] else exact_format(low, high, grid)
        steps = max(reader.steps_on(each, grid) for each in (total, source))
        total = reader.add(Concatenate(name, (total.name, source.name), formats, shape, joined), steps)
    return total


def flatten(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a flattening."""
    check_settings(layer, ("data_format",))
    if layer.data_format == "channels_first" and len(source.shape) == 3:
        # Keras takes the first axis for channels and puts them last.
        source = permuted(reader, f"{layer.name}_channels_last", source, (1, 2, 0))
    return reshaped(reader, layer.name, source, (math.prod(source.shape),))


def reshape(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a reshaping."""
    check_settings(layer, ("target_shape",))
    shape = tuple(int(extent) for extent in np.empty(source.shape, np.int8).reshape(layer.target_shape).shape)
    return reshaped(reader, layer.name, source, shape)


def reshaped(reader: Reader, name: str, source: Operation, shape: tuple[int, ...]) -> Operation:
    """Add a reshaping, unless nothing changes."""
    if shape == source.shape:
        return source
    if isinstance(source, Reshape):
        # What was between is nobody's concern.
        source = reader.operations[source.reads[0]]
        if shape == source.shape:
            return source
    channels = source.shape[-1], shape[-1]
    if len(shape) == len(source.shape) == 3 and max(channels) % min(channels):
        # A stream's pixels are cut or joined, not both.
        total, steps = (math.prod(shape),), reader.steps[source.name]
        made = Reshape(f"{name}_vector", (source.name,), (source.format,), total, source.format)
        source = reader.add(made, steps)
    return reader.add(Reshape(name, (source.name,), (source.format,), shape, source.format), reader.steps[source.name])


def permute(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a permutation of axes."""
    check_settings(layer, ("dims",))
    return permuted(reader, layer.name, source, tuple(int(axis) - 1 for axis in layer.dims))


def permuted(reader: Reader, name: str, source: Operation, order: tuple[int, ...]) -> Operation:
    """Add a permutation, unless nothing changes."""
    shape = tuple(source.shape[axis] for axis in order)
    if order == tuple(range(len(order))):
        return source
    made = Permute(name, (source.name,), (source.format,), shape, source.format, order)
    return reader.add(made, reader.steps[source.name])


def zero_padding(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read zeros around a map."""
    check_settings(layer, ("padding",), **CHANNELS_LAST)
    rows, columns = ((int(first), int(last)) for first, last in layer.padding)
    return surrounded(reader, layer.name, source, rows, columns)


def cropping(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read a cropping."""
    check_settings(layer, ("cropping",), **CHANNELS_LAST)
    must_be_map(layer, source)
    rows, columns = ((int(first), int(last)) for first, last in layer.cropping)
    shape = (source.shape[0] - sum(rows), source.shape[1] - sum(columns), source.shape[2])
    made = Crop(layer.name, (source.name,), (source.format,), shape, source.format, rows, columns)
    return reader.add(made, reader.steps[source.name])


def up_sampling(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read an up-sampling by whole factors."""
    check_settings(layer, ("size",), interpolation="nearest", **CHANNELS_LAST)
    must_be_map(layer, source)
    times = (int(layer.size[0]), int(layer.size[1]))
    shape = (source.shape[0] * times[0], source.shape[1] * times[1], source.shape[2])
    return reader.add(
        Repeat(layer.name, (source.name,), (source.format,), shape, source.format, times), reader.steps[source.name]
    )


def padded(reader: Reader, layer: Any, source: Operation, window: Sequence[int]) -> Operation:
    """Return the map with the zeros that padding 'same' asks for."""
    must_be_map(layer, source)
    if str(layer.padding).lower() == "valid":
        return source
    if str(layer.padding).lower() != "same":
        raise InputError(f"layer {layer.name}: padding {layer.padding!r}; 'same' or 'valid' is supported")
    around = []
    for extent, size, stride in zip(source.shape[:2], window, layer.strides, strict=True):
        zeros = max(0, (-(-extent // stride) - 1) * stride + size - extent)
        around.append((zeros // 2, zeros - zeros // 2))
    rows, columns = around
    return surrounded(reader, f"{layer.name}_padding", source, rows, columns)


def surrounded(
    reader: Reader, name: str, source: Operation, rows: tuple[int, int], columns: tuple[int, int]
) -> Operation:
    """Add zeros around a map, unless there are none."""
    if not any((*rows, *columns)):
        return source
    shape = (source.shape[0] + sum(rows), source.shape[1] + sum(columns), source.shape[2])
    made = Pad(name, (source.name,), (source.format,), shape, source.format, rows, columns)
    return reader.add(made, reader.steps[source.name])


def positions(shape: Sequence[int], window: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Return rows and columns of the windows that fit."""
    return tuple((extent - size) // stride + 1 for extent, size, stride in zip(shape[:2], window, strides, strict=True))
