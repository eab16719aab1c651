"""From what a quantized network computes to engines that compute it, each an instance of a module in ``fpga/rtl``.

A weighted sum and the rounding of it are one engine; a padding belongs to the windows that see it. All else stands as
it is. What there is no engine for is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL, Codes, Format, Overflow, Rounding
from cytogate.model.engines import moments
from cytogate.model.engines.adders import Additions, adder_graph
from cytogate.model.engines.depths import with_queues
from cytogate.model.engines.engine import INPUT, Engine, EngineNetwork, Memory, Stream
from cytogate.model.engines.weights import are_added, shares_of, steps_within, weight_words
from cytogate.model.errors import InputError
from cytogate.model.networks import operations
from cytogate.model.networks.operations import IntegerNetwork, Operation

ROUNDINGS = {Rounding.TRUNCATE: 0, Rounding.HALF_UP: 1, Rounding.CONVERGENT: 2}
OVERFLOWS = {Overflow.WRAP: 0, Overflow.SATURATE: 1, Overflow.SATURATE_SYMMETRIC: 2}
JOINTS: dict[type[Operation], int] = {
    operations.Add: 0, operations.Subtract: 1, operations.Maximum: 2, operations.Minimum: 3, operations.Concatenate: 4,
}  # fmt: skip
"""``OPERATION`` of ``join_words``."""
QUEUE_OF_SUMS = 32
"""Places behind weighted sums that give a beat a clock: more than their pipeline is long."""
QUEUE_OF_REUSED_SUMS = 8
QUEUE_BEHIND_ADDITIONS = 2
"""Places besides those of a pipeline that is as long as that."""
QUEUE_OF_POOLS = 8
QUEUE_OF_VECTORS = 2
"""Places behind an engine that gives a beat a cell."""
LONGEST_DIVISION = 62
"""Bits of a mean's sum and its divisor together."""


def lower(
    network: IntegerNetwork, pixels: int = 1, clocks: int | None = None, steps: Mapping[str, int] | None = None
) -> EngineNetwork:
    """Return the engines of a network that takes so many pixels a beat.

    Parameters
    ----------
    clocks
        In which each engine has to be done with a cell, if it can: multipliers are used as often as that allows. At
        first as many as the input has beats.
    steps
        By an engine's name: in so many clocks it is done with a beat, where those of a cell would allow more.

    Raises
    ------
    InputError
        If there is no engine for an operation.
    """
    if len(network.inputs) != 1:
        raise InputError(f"network {network.name} has {len(network.inputs)} inputs; engines are built for one")
    rows, columns, channels = _map(network.inputs[0].shape)
    if columns % pixels:
        raise InputError(f"network {network.name}: {pixels} pixels a clock do not divide {columns} columns")
    entry = Stream(rows, columns, channels, network.inputs[0].format, pixels)
    lowering = _Lowering(network, entry, entry.beats if clocks is None else clocks, steps or {})
    return with_queues(lowering.lowered())


class _Lowering:
    """Engines of a network, made one operation after the other."""

    def __init__(self, network: IntegerNetwork, entry: Stream, clocks: int, steps: Mapping[str, int]) -> None:
        self._network, self._entry, self._clocks, self._steps = network, entry, clocks, steps
        self._engines: list[Engine] = []
        self._streams = {INPUT: entry}
        self._views: dict[str, str] = {}
        """Streams that are another one's words in other rows and columns."""
        self._sources: dict[str, str] = {}
        """Of each operation that is lowered, the engine whose stream its words are."""
        self._within = network.roundings_within()
        self._makers: dict[type[Operation], Callable[..., None]] = {
            operations.Input: self._input,
            operations.Round: self._round,
            operations.Dense: self._dense,
            operations.Convolution: self._convolution,
            operations.Depthwise: self._convolution,
            operations.Scale: self._scale,
            operations.MaxPool: self._pool,
            operations.Mean: self._pool,
            operations.MaskMoments: self._moments,
            operations.Pad: self._pad,
            operations.Crop: self._crop,
            operations.Reshape: self._reshape,
            operations.Concatenate: self._concatenate,
            **dict.fromkeys(operations.OF_TWO, self._of_two),
        }

    def lowered(self) -> EngineNetwork:
        """Return the network."""
        for operation in self._network.operations:
            if operation.name in self._sources:
                continue
            maker = self._makers.get(type(operation))
            if maker is None:
                raise self._refused(operation, f"there is no engine for {type(operation).__name__}")
            maker(operation)
        logits = self._network.logits
        if self._streams[self._sources[logits.name]].beats > 1:
            raise self._refused(logits, "it gives a map; a dense layer or a pooling of whole maps must come last")
        used = self._used()
        return EngineNetwork(
            self._network.name, self._entry, tuple(each for each in self._engines if each.name in used)
        )

    def _used(self) -> set[str]:
        """Return the engines on the way to the logits."""
        logits = self._sources[self._network.logits.name]
        used = {self._views.get(logits, logits)}
        for engine in reversed(self._engines):
            if engine.name in used:
                used |= set(engine.reads)
        return used

    # Operations.

    def _input(self, operation: operations.Input) -> None:
        self._sources[operation.name] = INPUT

    def _round(self, operation: operations.Round) -> None:
        source = self._sources[operation.reads[0]]
        stream = self._streams[source]
        out = replace(stream, format=operation.format)
        given = {"WORDS": stream.pixels * stream.channels, "IN_BITS": stream.format.width}
        given |= {"IN_SIGNED": int(stream.format.signed)} | _rounding(stream.format, operation)
        self._add("round_words", operation, (source,), out, given, _each(out))

    def _dense(self, operation: operations.Dense) -> None:
        source = self._sources[operation.reads[0]]
        stream = self._streams[source]
        if len(operation.shape) == 3:
            self._weighted(operation, source, operation.kernel.codes)
            return
        source = self._narrow(source)
        self._weighted(operation, source, operation.kernel.codes, beats=stream.rows * stream.columns)

    def _convolution(self, operation: operations.Convolution | operations.Depthwise) -> None:
        kernel = operation.kernel.codes
        depthwise = isinstance(operation, operations.Depthwise)
        rows, columns = kernel.shape[:2]
        # (values of a window, outputs), or of each channel (pixels, channels).
        matrix = kernel.reshape(-1, kernel.shape[-1])
        if (rows, columns) == (1, 1) and operation.strides == (1, 1):
            source = self._sources[operation.reads[0]]
        else:
            source = self._windows(operation, (rows, columns))
        self._weighted(operation, source, matrix, depthwise=depthwise)

    def _scale(self, operation: operations.Scale) -> None:
        source = self._sources[operation.reads[0]]
        if operation.kernel.codes.size != self._streams[source].channels:
            raise self._refused(operation, "a flattened map cannot be scaled value by value; scale it as a map")
        self._weighted(operation, source, operation.kernel.codes.reshape(1, -1), depthwise=True)

    def _pool(self, operation: operations.MaxPool | operations.Mean) -> None:
        window, strides = operation.window, operation.strides
        mean = isinstance(operation, operations.Mean)
        count = math.prod(window)
        apart = strides[0] >= window[0] and strides[1] >= window[1]
        if apart:
            source = self._narrow(self._sources[operation.reads[0]])
            channels = self._streams[source].channels
        else:
            source = self._windows(operation, window)
            channels = self._streams[source].channels // count
        words = self._streams[source].format
        appended = operation.format.fraction_bits - words.fraction_bits
        if words.width + (count - 1).bit_length() * 2 + appended > LONGEST_DIVISION:
            raise self._refused(operation, f"a mean of {count} values of {words.width} bits is too wide to divide")
        rows, columns, _ = operation.shape
        out = Stream(rows, columns, channels, operation.format)
        given = {"CHANNELS": channels, "BITS": words.width, "IS_SIGNED": int(words.signed), "MEAN": int(mean)}
        given |= {
            "APPENDED": appended,
            "OUT_BITS": operation.format.width,
            "DEPTH": QUEUE_OF_VECTORS if out.beats == 1 else QUEUE_OF_POOLS,
        }
        if not apart:
            self._add("pool_windows", operation, (source,), out, given | {"COUNT": count}, _each(out))
            return
        stream = self._streams[source]
        given |= {
            "ROWS": stream.rows, "COLUMNS": stream.columns, "KERNEL_ROWS": window[0], "KERNEL_COLUMNS": window[1],
            "STRIDE_ROWS": strides[0], "STRIDE_COLUMNS": strides[1], "OUT_ROWS": rows, "OUT_COLUMNS": columns,
        }  # fmt: skip
        last_row = np.arange(rows) * strides[0] + window[0] - 1
        last_column = np.arange(columns) * strides[1] + window[1] - 1
        needs = (last_row[:, None] * stream.columns + last_column + 1).ravel()
        self._add("pool_blocks", operation, (source,), out, given, needs)

    def _moments(self, operation: operations.MaskMoments) -> None:
        source = self._sources[operation.reads[0]]
        stream = self._streams[source]
        if (stream.format.width, stream.format.signed) != (PIXEL.width, PIXEL.signed):
            raise self._refused(operation, f"the mask's phase must be {PIXEL.width} bits, unsigned")
        out = Stream(1, 1, operation.shape[0], operation.format)
        given = moments.parameters(stream)
        needs = np.array([stream.beats])
        self._add("mask_moments", operation, (source,), out, given, needs, memories=moments.memories(stream))

    def _pad(self, operation: operations.Pad) -> None:
        """Make an engine of its own, unless all readers have windows that see the zeros themselves."""
        readers = self._network.readers(operation.name)
        if readers and all(self._sees(reader, operation) for reader in readers):
            return
        source = self._narrow(self._sources[operation.reads[0]])
        stream = self._streams[source]
        rows, columns, _ = operation.shape
        (top, bottom), (left, right) = operation.rows, operation.columns
        given = {"ROWS": stream.rows, "COLUMNS": stream.columns, "BITS": stream.bits}
        given |= {"TOP": top, "BOTTOM": bottom, "LEFT": left, "RIGHT": right}
        inside = np.zeros((rows, columns), np.int64)
        inside[top : top + stream.rows, left : left + stream.columns] = 1
        needs = np.maximum(inside.cumsum(), 1)
        self._add("pad_map", operation, (source,), replace(stream, rows=rows, columns=columns), given, needs)

    def _crop(self, operation: operations.Crop) -> None:
        source = self._sources[operation.reads[0]]
        top, left = operation.rows[0], operation.columns[0]
        rows, columns, _ = operation.shape
        if left % self._streams[source].pixels or columns % self._streams[source].pixels:
            source = self._narrow(source)
        stream = self._streams[source]
        out = replace(stream, rows=rows, columns=columns)
        row_beats = stream.columns // stream.pixels
        given = {"ROWS": stream.rows, "BEATS": row_beats, "BITS": stream.bits, "TOP": top}
        given |= {"LEFT": left // stream.pixels, "OUT_ROWS": rows, "OUT_BEATS": columns // stream.pixels}
        beats = np.arange(stream.beats).reshape(stream.rows, row_beats)
        kept = beats[top : top + rows, left // stream.pixels :][:, : columns // stream.pixels]
        self._add("crop_map", operation, (source,), out, given, kept.ravel() + 1)

    def _reshape(self, operation: operations.Reshape) -> None:
        """Leave words as they are: pixels keep their channels, or are no longer told apart."""
        source = self._sources[operation.reads[0]]
        stream = self._streams[source]
        if len(operation.shape) == 3:
            rows, columns, channels = operation.shape
            if channels != stream.channels:
                raise self._refused(
                    operation, f"pixels of {stream.channels} channels cannot become pixels of {channels}"
                )
            source = self._narrow(source) if columns % stream.pixels else source
            self._streams[operation.name] = replace(self._streams[source], rows=rows, columns=columns)
            self._views[operation.name] = self._views.get(source, source)
            source = operation.name
        self._sources[operation.name] = source

    def _of_two(self, operation: Operation) -> None:
        first, second = (self._sources[name] for name in operation.reads)
        self._join(operation, operation.name, first, second, JOINTS[type(operation)], operation.format)

    def _concatenate(self, operation: operations.Concatenate) -> None:
        sources = [self._sources[name] for name in operation.reads]
        if len(operation.shape) == 1 and any(self._streams[each].beats > 1 for each in sources):
            raise self._refused(operation, "flattened maps cannot be joined to a vector; join them as maps")
        joined = sources[0]
        for number, source in enumerate(sources[1:], start=1):
            name = operation.name if number == len(sources) - 1 else f"{operation.name}_{number}"
            joined = self._join(operation, name, joined, source, JOINTS[operations.Concatenate], operation.format)
        self._sources[operation.name] = joined

    # Engines.

    def _join(self, operation: Operation, name: str, first: str, second: str, kind: int, words: Format) -> str:
        if self._streams[first].pixels != self._streams[second].pixels:
            first, second = self._narrow(first), self._narrow(second)
        one, two = self._streams[first], self._streams[second]
        beside = kind == JOINTS[operations.Concatenate]
        if (one.rows, one.columns) != (two.rows, two.columns) or not (beside or one.channels == two.channels):
            raise self._refused(operation, "what is joined must have the same rows, columns and channels")
        out = replace(one, channels=one.channels + two.channels if beside else one.channels, format=words)
        given = {"OPERATION": kind, "PIXELS": out.pixels, "OUT_CHANNELS": out.channels, "OUT_BITS": words.width}
        for side, stream in (("FIRST", one), ("SECOND", two)):
            given |= {
                f"{side}_CHANNELS": stream.channels, f"{side}_BITS": stream.format.width,
                f"{side}_SIGNED": int(stream.format.signed),
                f"{side}_APPENDED": words.fraction_bits - stream.format.fraction_bits,
            }  # fmt: skip
        self._add("join_words", operation, (first, second), out, given, _each(out), name=name)
        return name

    def _windows(
        self,
        operation: operations.Convolution | operations.Depthwise | operations.MaxPool | operations.Mean,
        kernel: tuple[int, int],
    ) -> str:
        """Return the stream of what a convolution or pooling sees."""
        read = self._network[operation.reads[0]]
        top = left = 0
        if isinstance(read, operations.Pad) and read.name not in self._sources:
            top, left = read.rows[0], read.columns[0]
            read = self._network[read.reads[0]]
        source = self._sources[read.name]
        stream, strides = self._streams[source], operation.strides
        if stream.pixels % strides[1] and strides[1] % stream.pixels:
            source = self._narrow(source)
            stream = self._streams[source]
        rows, columns, _ = operation.shape
        given = {
            "ROWS": stream.rows, "COLUMNS": stream.columns, "BITS": stream.pixel_bits, "PIXELS": stream.pixels,
            "KERNEL_ROWS": kernel[0], "KERNEL_COLUMNS": kernel[1], "STRIDE_ROWS": strides[0],
            "STRIDE_COLUMNS": strides[1], "TOP": top, "LEFT": left, "OUT_ROWS": rows, "OUT_COLUMNS": columns,
        }  # fmt: skip
        last_row = np.minimum(np.arange(rows) * strides[0] - top + kernel[0], stream.rows) - 1
        last_column = np.minimum(np.arange(columns) * strides[1] - left + kernel[1], stream.columns) - 1
        needs = (last_row[:, None] * stream.columns + last_column).ravel() // stream.pixels + 1
        out = Stream(rows, columns, stream.channels * math.prod(kernel), stream.format)
        name = f"{operation.name}_windows"
        self._add("sliding_window", operation, (source,), out, given, needs, name=name)
        return name

    def _weighted(
        self, operation: operations.Weighted, source: str, kernel: Codes, *, depthwise: bool = False, beats: int = 1
    ) -> None:
        """Add weighted sums; ``kernel`` is (values, outputs), or of each channel (values, channels)."""
        stream, sums = self._streams[source], operation.format
        outputs = kernel.shape[1]
        appended = sums.fraction_bits - stream.format.fraction_bits - operation.kernel.format.fraction_bits
        biases = np.ldexp(
            operation.bias.codes.astype(np.float64), sums.fraction_bits - operation.bias.format.fraction_bits
        )
        if appended < 0 or np.any(biases != np.floor(biases)):
            raise self._refused(operation, "its sums are coarser than its products or its bias")
        within = self._within.get(operation.name)
        rounding = None if within is None else self._network[within]
        words = sums if rounding is None else rounding.format
        last = operation if rounding is None else rounding
        steps = self._steps.get(last.name, steps_within(stream, self._clocks))
        shares = shares_of(stream, kernel, beats, steps, depthwise=depthwise)
        out = Stream(stream.rows, stream.columns, outputs, words, stream.pixels)
        if beats > 1:
            out = Stream(1, 1, outputs, words)
        given = {
            "SUM_BITS": sums.width, "SUM_SIGNED": int(sums.signed), "ROUNDS": int(rounding is not None),
            "OUT_BITS": words.width, "OUT_SIGNED": int(words.signed),
        }  # fmt: skip
        if isinstance(rounding, operations.Round):
            given |= _rounding(sums, rounding)
            del given["SLOPE_SHIFT"]
        codes = np.broadcast_to(biases.astype(np.int64), outputs)
        needs = _each(stream)[beats - 1 :: beats]
        if beats == 1 and not depthwise and are_added(stream, kernel, shares, self._clocks):
            additions = Additions(adder_graph(kernel), stream.format, tuple(codes.tolist()), appended, sums.width)
            given |= {"WORDS": stream.pixels * outputs, "CLOCKS": additions.clocks}
            given["DEPTH"] = max(QUEUE_OF_SUMS, 1 << (additions.clocks + QUEUE_BEHIND_ADDITIONS).bit_length())
            self._add("rounded_sums", last, (source,), out, given, needs, additions=additions)
        else:
            weights = weight_words(kernel, beats, shares)
            places = QUEUE_OF_SUMS if shares.reuse * shares.slices == 1 else QUEUE_OF_REUSED_SUMS
            given |= {
                "LANES": stream.pixels, "VALUES": stream.channels, "IN_BITS": stream.format.width,
                "IN_SIGNED": int(stream.format.signed), "OUTPUTS": outputs, "DEPTHWISE": int(depthwise),
                "REUSE": shares.reuse, "SLICES": shares.slices, "BEATS": beats, "PAIRS": int(shares.pairs),
                "WEIGHT_BITS": weights.width, "SUM_SHIFT": appended,
                "DEPTH": QUEUE_OF_VECTORS if out.beats == 1 else places,
            }  # fmt: skip
            memories = weights, Memory("BIASES", codes.reshape(shares.reuse, -1), sums.width)
            self._add("weighted_sums", last, (source,), out, given, needs, memories=memories)
        self._sources[operation.name] = last.name

    def _narrow(self, source: str) -> str:
        """Return a stream with a pixel a beat."""
        stream = self._streams[source]
        if stream.pixels == 1:
            return source
        name = f"{source}_narrow"
        if name not in self._streams:
            out = replace(stream, pixels=1)
            given = {"BITS": stream.pixel_bits, "PIXELS": stream.pixels}
            needs = np.arange(out.beats) // stream.pixels + 1
            read = self._views.get(source, source)
            self._engines.append(Engine(name, "narrow_beats", (read,), out, given, needs))
            self._streams[name] = out
        return name

    def _add(
        self, module: str, operation: Operation, reads: tuple[str, ...], stream: Stream, parameters: dict[str, int],
        needs: NDArray[np.int64], *, memories: tuple[Memory, ...] = (), additions: Additions | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        """Add an engine; under another name than the operation's its words are not the operation's."""
        own = name is None or name == operation.name
        name = operation.name if name is None else name
        read = tuple(self._views.get(each, each) for each in reads)
        self._engines.append(
            Engine(name, module, read, stream, parameters, needs, memories, additions, operation.name if own else None)
        )
        self._streams[name] = stream
        if own:
            self._sources[operation.name] = name

    def _sees(self, reader: Operation, pad: operations.Pad) -> bool:
        """Return whether an operation's windows see the zeros of a padding themselves."""
        if isinstance(reader, (operations.Convolution, operations.Depthwise)):
            kernel = reader.kernel.codes.shape[:2]
        elif isinstance(reader, (operations.MaxPool, operations.Mean)) and any(np.less(reader.strides, reader.window)):
            kernel = reader.window
        else:
            return False
        return max(pad.rows) < kernel[0] and max(pad.columns) < kernel[1]

    def _refused(self, operation: Operation, reason: str) -> InputError:
        return InputError(f"network {self._network.name}, layer {operation.name}: {reason}")


def _map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return rows, columns and channels; a vector is a map of one pixel."""
    if len(shape) == 1:
        return 1, 1, shape[0]
    rows, columns, channels = shape
    return rows, columns, channels


def _each(stream: Stream) -> NDArray[np.int64]:
    """Return what beats need that leave as they come."""
    return np.arange(1, stream.beats + 1)


def _rounding(entering: Format, operation: operations.Round) -> dict[str, int]:
    """Return the parameters of ``round_word``."""
    words = operation.format
    return {
        "SHIFT": entering.fraction_bits - words.fraction_bits, "SLOPE_SHIFT": operation.slope_shift,
        "ROUNDING": ROUNDINGS[words.rounding], "OVERFLOW": OVERFLOWS[words.overflow], "OUT_BITS": words.width,
        "OUT_SIGNED": int(words.signed),
    }  # fmt: skip
