"""The laws "two-sided" and "causal" in C++: the same codes at every stage as the integer model."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import library, library_if_possible
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import POLYNOMIALS, CausalContract, recursion_contract
from cytogate.model.contract.recursion import (
    BEND_SHIFT,
    COEFFICIENT,
    CONSTANT_FRACTION,
    LINE,
    PHI_FRACTION,
    RESPONSE_FRACTION,
    ROW_WORD,
    SHARPEN,
    SHARPEN_SHIFT,
    SLOPE_FRACTION,
    STATE,
)
from cytogate.model.contract.remarks import CLEANER, CLEANER_APART
from cytogate.model.contract.tables import recursion_tables
from cytogate.model.design.design import Design
from cytogate.model.retrieval.native_front import HEADERS, FrontStages, FrontTerms, NativeFront, definitions

SOURCE = Path(__file__).with_suffix(".cpp")
OWN_STAGES = ("rows", "columns")


class _Terms(ctypes.Structure):
    """``Terms`` of the C++."""

    _fields_ = (("front", FrontTerms), *((name, ctypes.c_void_p) for name in ("a", "q", "u", "r", "decay")))


class _Stages(ctypes.Structure):
    """``Stages`` of the C++."""

    _fields_ = (("front", FrontStages), *((name, ctypes.c_void_p) for name in OWN_STAGES))


class NativeRecursion:
    """The retrieval of one design, compiled; it may be called from several threads at a time."""

    def __init__(self, design: Design, library: ctypes.CDLL) -> None:
        terms = recursion_contract(design)
        self._front, self._causal = NativeFront(terms), isinstance(terms, CausalContract)
        self._retrieve, self._fit = library.cytogate_retrieve, library.cytogate_fit
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self._retrieve.argtypes = [pointer, pointer, ctypes.c_int, number, pointer, pointer]
        self._fit.argtypes = [pointer, pointer, ctypes.c_int, number, pointer]
        self._retrieve.restype = self._fit.restype = None
        self._tables = [np.ascontiguousarray(table, np.int64) for table in recursion_tables(design.size)]
        self._terms = _Terms(self._front.terms, *(table.ctypes.data for table in self._tables))
        self.stages = tuple(stage.name for stage in terms.stages if stage.name != "frames")
        """All that are computed, in their order."""

    @staticmethod
    def of(design: Design, processor: str = "native") -> NativeRecursion:
        """Compile the retrieval of a design for a processor, unless that was done.

        Raises
        ------
        InputError
            If that is not possible here.
        """
        return NativeRecursion(design, library(SOURCE, _definitions(design), processor, HEADERS))

    def codes(
        self,
        frames: NDArray[np.unsignedinteger],
        stages: Sequence[str] | None = None,
        threads: int = 1,
        background: Background | None = None,
    ) -> tuple[dict[str, NDArray], Background | None]:
        """Return codes (cells, *shape) of some stages, or of all, of raw frames (cells, 4, rows, columns).

        Frames and background are those of :func:`cytogate.model.retrieval.recursion.integer.retrieve`, and so is the
        background after the last frame.
        """
        given = self._front.checked_frames(frames)
        surfaces: Codes | None = None
        if self._causal:
            course = (background or Background.unknown()).over(self._fits(given, threads))
            surfaces, background = course.surfaces, course.last
        elif background is not None:
            surfaces = np.broadcast_to(background.surface, (len(given), POLYNOMIALS, 2))
        return self._run(given, surfaces, self.stages if stages is None else stages, threads), background

    def codes_of_sums(
        self, sums: NDArray[np.int32], surfaces: Codes | None, stages: Sequence[str] | None = None, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return the same of codes of the stage ``binned`` (cells, 4, N, N) and of surfaces (cells, 6, 2) or none."""
        given = self._front.checked_sums(sums)
        return self._run(given, surfaces, self.stages if stages is None else stages, threads)

    def _fits(self, given: NDArray[np.integer], threads: int) -> Codes:
        fits = np.empty((len(given), POLYNOMIALS, 2), np.int64)

        def fit(start: int, stop: int) -> None:
            part = given[start:stop]
            into = fits[start:stop].ctypes.data
            self._fit(ctypes.byref(self._terms), part.ctypes.data, part.dtype.itemsize, len(part), into)

        self._front.over(fit, len(given), threads)
        return fits

    def _run(
        self, given: NDArray[np.integer], surfaces: Codes | None, stages: Sequence[str], threads: int
    ) -> dict[str, NDArray]:
        if self._causal and surfaces is None:
            raise ValueError("a causal law needs a surface of each frame")
        known = None
        if surfaces is not None:
            known = np.ascontiguousarray(surfaces, np.int64)
            if known.shape != (len(given), POLYNOMIALS, 2):
                raise ValueError(f"surfaces are {known.shape}; {(len(given), POLYNOMIALS, 2)} are needed")
        found = self._front.arrays(len(given), stages)
        if "background" in found and known is not None:
            found["background"][:] = known
        written = {name: array for name, array in found.items() if name != "background"}

        def retrieve(start: int, stop: int) -> None:
            front, own = self._front.addresses(written, start, stop)
            out, part = _Stages(front, **own), given[start:stop]
            surface = None if known is None else known[start:stop].ctypes.data
            self._retrieve(
                ctypes.byref(self._terms), part.ctypes.data, part.dtype.itemsize, len(part), surface, ctypes.byref(out)
            )

        self._front.over(retrieve, len(given), threads)
        return found


@lru_cache
def native_recursion(design: Design) -> NativeRecursion | None:
    """Return the compiled retrieval of a design, or None where there is no compiler, which is told once."""
    found = library_if_possible(SOURCE, _definitions(design), HEADERS)
    return None if found is None else NativeRecursion(design, found)


def _definitions(design: Design) -> tuple[str, ...]:
    terms = recursion_contract(design)
    words = terms.words
    own = {
        "CAUSAL": int(isinstance(terms, CausalContract)),
        "SHARPEN": SHARPEN,
        "SHARPEN_SHIFT": SHARPEN_SHIFT,
        "BEND_SHIFT": BEND_SHIFT,
        "ROW_BITS": ROW_WORD.width,
        "STATE_BITS": STATE.width,
        "LINE_BITS": LINE.width,
        "COEFFICIENT_FRACTION": COEFFICIENT.fraction_bits,
        "SURFACE_WORD_FRACTION": words.surface_fraction,
        "LOG2_UNIT": words.unit,
        "STATE_FRACTION": words.state_fraction,
        "PHI_FRACTION": PHI_FRACTION,
        "RECIPROCAL_FRACTION": words.reciprocal_fraction,
        "CONSTANT_FRACTION": CONSTANT_FRACTION,
        "SLOPE_FRACTION": SLOPE_FRACTION,
        "RESPONSE_FRACTION": RESPONSE_FRACTION,
        "CLEANER_MORE": CLEANER[0],
        "CLEANER_LESS": CLEANER[1],
        "CLEANER_APART": CLEANER_APART,
    }
    return definitions(design, own)
