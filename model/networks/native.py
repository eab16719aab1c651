"""Integer networks in C++: the words that :mod:`cytogate.model.networks.operations` gives, many times faster."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import library, library_if_possible, over_cells
from cytogate.model.contract import mask_moments as law
from cytogate.model.contract.fixed_point import Codes, Overflow, Rounding
from cytogate.model.networks.operations import (
    Add,
    Concatenate,
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
    Shape,
    Subtract,
    Weighted,
)

SOURCE = Path(__file__).with_suffix(".cpp")
FLOAT_INTEGERS = 1 << 24
"""Up to here float32 holds every integer."""
INPUTS = 8
"""Operations that one reads at most; ``INPUTS`` of the C++."""
KINDS = (
    (Input,), (Round,), (Dense, Convolution), (Depthwise,), (Scale,), (MaxPool,), (Mean,), (Add,), (Subtract,),
    (Maximum,), (Minimum,), (MaskMoments,),
    (Concatenate, Pad, Crop, Repeat, Reshape, Permute),
)  # fmt: skip
"""In the order of the C++'s ``Kind``."""
MOVES = KINDS[-1]
ROUNDINGS = (Rounding.TRUNCATE, Rounding.HALF_UP, Rounding.CONVERGENT)


class _Window(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int64)
        for name in (
            "rows", "columns", "channels", "out_rows", "out_columns", "out_channels",
            "height", "width", "down", "right",
        )
    )  # fmt: skip


class _MomentsLaw(ctypes.Structure):
    """``MomentsLaw`` of the C++."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in (
            "mask_code", "empty_code", "center_bits", "table_bits", "log_fraction_bits", "part_bits",
            "word_fraction_bits", "lowest", "highest", "features",
        )),
        *((name, ctypes.c_void_p) for name in ("table", "factors", "centers", "gains")),
    )  # fmt: skip


class _Operation(ctypes.Structure):
    """``Operation`` of the C++."""

    _fields_ = (
        ("kind", ctypes.c_int64),
        ("inputs", ctypes.c_int64 * INPUTS),
        ("factors", ctypes.c_double * INPUTS),
        ("size", ctypes.c_int64),
        ("window", _Window),
        ("kernel", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("rounding", ctypes.c_int64),
        ("wraps", ctypes.c_int64),
        ("slope_shift", ctypes.c_int64),
        ("lowest", ctypes.c_double),
        ("highest", ctypes.c_double),
        ("count", ctypes.c_int64),
        ("mean_shift", ctypes.c_int64),
        ("runs", ctypes.c_void_p),
        ("run_count", ctypes.c_int64),
        ("moments", ctypes.c_void_p),
    )


class _Codes(ctypes.Structure):
    """``Codes`` of the C++."""

    _fields_ = (("codes", ctypes.c_void_p), ("bytes", ctypes.c_int64), ("is_signed", ctypes.c_int64))

    @classmethod
    def of(cls, codes: NDArray[np.integer]) -> _Codes:
        return cls(codes.ctypes.data, codes.dtype.itemsize, codes.dtype.kind == "i")


class NativeNetwork:
    """A network, compiled; it may be called from several threads at a time."""

    def __init__(self, network: IntegerNetwork, library: ctypes.CDLL) -> None:
        self.network, self._function = network, library.cytogate_network
        self._function.argtypes = [
            ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._function.restype = None
        self._arrays: list[NDArray] = []
        self._law = self._moments_law()
        numbers = {each.name: number for number, each in enumerate(network.operations)}
        self._operations = (_Operation * len(network.operations))(
            *(self._native(each, numbers) for each in network.operations)
        )
        self.narrow = all(map(_fits_float32, network.operations))
        """Whether float32 holds every sum, else float64 does."""

    @staticmethod
    def of(network: IntegerNetwork, processor: str = "native") -> NativeNetwork:
        """Compile what computes networks for a processor, unless that was done.

        Raises
        ------
        InputError
            If that is not possible here.
        """
        return NativeNetwork(network, library(SOURCE, processor=processor))

    def classify(self, *codes: NDArray[np.integer], threads: int = 1) -> Codes:
        """Return codes of logits (cells, classes) for codes (cells, ...) of each input."""
        return self.compute(codes, (self.network.logits.name,), threads)[self.network.logits.name]

    def compute(
        self, codes: Sequence[NDArray[np.integer]], names: Sequence[str] | None = None, threads: int = 1
    ) -> dict[str, Codes]:
        """Return the words (cells, *shape) of some operations, or of all, for codes (cells, ...) of each input."""
        network = self.network
        given = [np.ascontiguousarray(each, each.dtype if each.dtype.itemsize <= 2 else np.int64) for each in codes]
        due = [(len(given[0]), *entry.shape) for entry in network.inputs]
        # Addresses go to C++.
        if [each.shape for each in given] != due:
            raise ValueError(f"codes are {[each.shape for each in given]}; {due} are needed")
        wanted = {each.name for each in network.operations} if names is None else set(names)
        found = {
            each.name: np.empty((len(given[0]), *each.shape), np.int64)
            for each in network.operations
            if each.name in wanted
        }

        def compute(start: int, stop: int) -> None:
            inputs = (_Codes * len(given))(*(_Codes.of(each[start:stop]) for each in given))
            count = len(network.operations)
            out = (ctypes.c_void_p * count)()
            for number, each in enumerate(network.operations):
                if each.name in found:
                    out[number] = found[each.name][start:stop].ctypes.data
            self._function(self._operations, count, int(self.narrow), stop - start, inputs, out)

        if len(given[0]):
            over_cells(compute, len(given[0]), threads)
        return found

    def _native(self, operation: Operation, numbers: dict[str, int]) -> _Operation:
        """Return an operation as the C++ has it."""
        if len(operation.reads) > INPUTS:
            raise ValueError(f"{operation.name} reads {len(operation.reads)} operations; {INPUTS} are possible")
        kind = next(number for number, kinds in enumerate(KINDS) if type(operation) in kinds)
        made = _Operation(kind=kind, size=math.prod(operation.shape), window=_window(operation))
        made.inputs[: len(operation.reads)] = [numbers[name] for name in operation.reads]
        fraction = operation.format.fraction_bits
        made.factors[: len(operation.reads)] = [2.0 ** (fraction - each.fraction_bits) for each in operation.entering]
        if isinstance(operation, Weighted):
            own = operation.kernel.format.fraction_bits + operation.entering[0].fraction_bits
            made.factors[0] = 2.0 ** (fraction - own)
            made.kernel = self._address(operation.kernel.codes)
            made.bias = self._address(operation.bias.codes * 2.0 ** (fraction - operation.bias.format.fraction_bits))
        if isinstance(operation, Round):
            made.rounding = ROUNDINGS.index(operation.format.rounding)
            made.wraps = operation.format.overflow is Overflow.WRAP
            made.slope_shift = operation.slope_shift
            made.lowest, made.highest = operation.format.code_min, operation.format.code_max
        if isinstance(operation, Mean):
            made.count = math.prod(operation.window)
            made.mean_shift = fraction - operation.entering[0].fraction_bits
        if isinstance(operation, MaskMoments):
            made.moments = ctypes.addressof(self._law)
        if isinstance(operation, MOVES):
            runs = _runs(operation, [self.network[name].shape for name in operation.reads])
            made.runs, made.run_count = self._address(runs, np.int64), len(runs)
        return made

    def _moments_law(self) -> _MomentsLaw:
        factors = [[dict(each.terms).get(name, 0) for name in law.LOGARITHMS] for each in law.FEATURES]
        columns = (
            law.log_table(), factors, [each.center_steps for each in law.FEATURES],
            [each.gain_log2 for each in law.FEATURES],
        )  # fmt: skip
        return _MomentsLaw(
            law.MASK_CODE, law.EMPTY_CODE, law.CENTER_BITS, law.TABLE_BITS, law.LOG_FRACTION_BITS, law.PART_BITS,
            law.WORD.fraction_bits, law.WORD.code_min, law.WORD.code_max, len(law.FEATURES),
            *(self._address(np.array(each), np.int64) for each in columns),
        )  # fmt: skip

    def _address(self, values: NDArray, dtype: type = np.float64) -> int:
        """Return where values lie for as long as this object does."""
        self._arrays.append(np.ascontiguousarray(values, dtype))
        return self._arrays[-1].ctypes.data


def fast_classifier(network: IntegerNetwork, threads: int = 1) -> Callable[..., Codes]:
    """Return a function from codes (cells, ...) of each input to codes of logits (cells, classes).

    Compiled, or the network's own where there is no compiler, which is told once.
    """
    found = library_if_possible(SOURCE)
    if found is None:
        return network.classify
    native = NativeNetwork(network, found)
    return lambda *codes: native.classify(*codes, threads=threads)


def _window(operation: Operation) -> _Window:
    """Return the window of an operation that has one, and of a vector one of a single place."""
    outputs = operation.shape if len(operation.shape) == 3 else (1, 1, operation.shape[-1])
    if isinstance(operation, Convolution):
        return _Window(*operation.map, operation.kernel.codes.shape[2], *outputs, *operation.kernel.codes.shape[:2],
                       *operation.strides)  # fmt: skip
    if isinstance(operation, Dense):
        return _Window(1, 1, len(operation.kernel.codes), *outputs, 1, 1, 1, 1)
    if isinstance(operation, Depthwise):
        return _Window(*operation.map, outputs[2], *outputs, *operation.kernel.codes.shape[:2], *operation.strides)
    if isinstance(operation, MaskMoments):
        return _Window(*operation.map, *outputs, 1, 1, 1, 1)
    if isinstance(operation, (MaxPool, Mean)):
        return _Window(*operation.map, outputs[2], *outputs, *operation.window, *operation.strides)
    return _Window(*outputs, *outputs, 1, 1, 1, 1)


def _fits_float32(operation: Operation) -> bool:
    """Return whether float32 holds every word of an operation and every sum on the way to it."""
    reach = _largest(operation.format.code_min, operation.format.code_max)
    if isinstance(operation, Weighted):
        each = operation.entering[0]
        entering = _largest(each.code_min, each.code_max)
        weights = np.abs(operation.kernel.codes)
        if isinstance(operation, Scale):
            sums = weights
        elif isinstance(operation, Depthwise):
            sums = weights.sum(axis=(0, 1))
        else:
            sums = weights.reshape(-1, weights.shape[-1]).sum(axis=0)
        reach = max(reach, int(sums.max(initial=0)) * entering)
    return reach <= FLOAT_INTEGERS


def _largest(lowest: int, highest: int) -> int:
    return max(-lowest, highest)


def _runs(operation: Operation, shapes: Sequence[Shape]) -> NDArray[np.int64]:
    """Return which words an operation that only moves them puts where: rows of (input, from, to, length).

    ``shapes`` are of what enters. Places that no run reaches are zero.
    """
    edges = np.cumsum([0, *map(math.prod, shapes)])
    numbers = [
        np.arange(first + 1, last + 1, dtype=np.float64).reshape(1, *shape)
        for first, last, shape in zip(edges[:-1], edges[1:], shapes, strict=True)
    ]
    on_one_grid = replace(operation, entering=(operation.format,) * len(shapes))
    moved = on_one_grid.unrounded(*numbers).astype(np.int64).reshape(-1) - 1
    places = np.flatnonzero(moved >= 0)
    sources = moved[places]
    inputs = np.searchsorted(edges, sources, side="right") - 1
    begins = (np.diff(sources) != 1) | (np.diff(places) != 1) | (np.diff(inputs) != 0)
    starts = np.flatnonzero(np.concatenate([[True], begins]))
    lengths = np.diff(np.append(starts, len(places)))
    return np.stack([inputs[starts], (sources - edges[inputs])[starts], places[starts], lengths], axis=1)
