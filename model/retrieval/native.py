"""The law "fft" in C++: the same codes at every stage as the integer model, some thirty times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import library, library_if_possible
from cytogate.model.contract.fixed_point import WORD
from cytogate.model.contract.law import TRANSPOSE_GUARD_BITS, fft_contract
from cytogate.model.contract.tables import quotient_quadrant
from cytogate.model.design.design import Design
from cytogate.model.retrieval.native_front import (
    HEADERS,
    FrontStages,
    FrontTerms,
    NativeFront,
    definitions,
)

SOURCE = Path(__file__).with_suffix(".cpp")
OWN_STAGES = ("spectrum", "spectrum_exponent", "quotient")
STAGES = ("binned", "gradient", *OWN_STAGES, "phase", "network_input")


class _Terms(ctypes.Structure):
    """``Terms`` of the C++."""

    _fields_ = (("front", FrontTerms), ("quadrant", ctypes.c_void_p))


class _Stages(ctypes.Structure):
    """``Stages`` of the C++."""

    _fields_ = (("front", FrontStages), *((name, ctypes.c_void_p) for name in OWN_STAGES))


class NativeRetrieval:
    """The retrieval of one design, compiled; it may be called from several threads at a time."""

    def __init__(self, design: Design, library: ctypes.CDLL) -> None:
        self._front = NativeFront(fft_contract(design))
        self._function = library.cytogate_retrieve
        self._function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p]
        self._function.restype = None
        self._quadrant = np.ascontiguousarray(quotient_quadrant(design.size), np.int64)
        self._terms = _Terms(self._front.terms, self._quadrant.ctypes.data)

    @staticmethod
    def of(design: Design, processor: str = "native") -> NativeRetrieval:
        """Compile the retrieval of a design for a processor, unless that was done.

        Raises
        ------
        InputError
            If that is not possible here.
        """
        return NativeRetrieval(design, library(SOURCE, _definitions(design), processor, HEADERS))

    def codes(
        self, frames: NDArray[np.unsignedinteger], stages: Sequence[str] = STAGES, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return codes (cells, *shape) of some stages, by name, of raw frames (cells, 4, rows, columns).

        All are int64 but the network's input, which is uint8.
        """
        return self._run(self._front.checked_frames(frames), stages, threads)

    def codes_of_sums(
        self, sums: NDArray[np.int32], stages: Sequence[str] = STAGES, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return the same of codes of the stage ``binned`` (cells, 4, N, N)."""
        return self._run(self._front.checked_sums(sums), stages, threads)

    def _run(self, given: NDArray[np.integer], stages: Sequence[str], threads: int) -> dict[str, NDArray]:
        found = self._front.arrays(len(given), stages)

        def retrieve(start: int, stop: int) -> None:
            front, own = self._front.addresses(found, start, stop)
            out, part = _Stages(front, **own), given[start:stop]
            self._function(
                ctypes.byref(self._terms), part.ctypes.data, part.dtype.itemsize, len(part), ctypes.byref(out)
            )

        self._front.over(retrieve, len(given), threads)
        return found


@lru_cache
def native_retrieval(design: Design) -> NativeRetrieval | None:
    """Return the compiled retrieval of a design, or None where there is no compiler, which is told once."""
    found = library_if_possible(SOURCE, _definitions(design), HEADERS)
    return None if found is None else NativeRetrieval(design, found)


def _definitions(design: Design) -> tuple[str, ...]:
    return definitions(design, {"WORD_BITS": WORD.width, "GUARD_BITS": TRANSPOSE_GUARD_BITS})
