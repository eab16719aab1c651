"""The integer model of the phase retrieval in C++: the same codes at every stage, some thirty times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import library, library_if_possible, over_cells
from cytogate.model.contract.fixed_point import (
    BORDER,
    GRADIENT,
    PHASE,
    PIXEL,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    WORD,
    Gain,
)
from cytogate.model.contract.law import (
    OFFSET_ROWS_LOG2,
    PHASE_CODE_OFFSET_RAD,
    TRANSPOSE_GUARD_BITS,
    four_angle_contract,
)
from cytogate.model.contract.tables import quotient_quadrant, surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.retrieval import integer

SOURCE = Path(__file__).with_suffix(".cpp")
STAGES = ("binned", "gradient", "spectrum", "spectrum_exponent", "quotient", "phase", "network_input")


class _Gain(ctypes.Structure):
    _fields_ = (("mantissa", ctypes.c_int64), ("shift", ctypes.c_int64))

    @classmethod
    def of(cls, gain: Gain) -> _Gain:
        return cls(gain.mantissa, gain.shift)


class _Terms(ctypes.Structure):
    """``Terms`` of the C++."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "columns", "top", "left")),
        ("gradient_gains", ctypes.c_int64 * 2),
        *((name, _Gain) for name in ("mean", "linear", "twist", "saddle", "bowl")),
        ("kappa_16ths", ctypes.c_int64),
        ("kappa", ctypes.c_int64),
        ("phase_gain", _Gain),
        *((name, ctypes.c_int64) for name in ("phase_offset", "phase_code_shift", "pixel_shift")),
        *((name, ctypes.c_void_p) for name in ("twiddles", "quadrant", "spectra", "logarithms")),
    )


class _Stages(ctypes.Structure):
    """``Stages`` of the C++."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in STAGES)


class NativeRetrieval:
    """The retrieval of one design, compiled; it may be called from several threads at a time."""

    def __init__(self, design: Design, library: ctypes.CDLL) -> None:
        terms = four_angle_contract(design)
        self._design, self._function = design, library.cytogate_retrieve
        self._function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p]
        self._function.restype = None
        logarithms = integer.log2(np.arange(terms.binned.code_max + 1), terms)
        tables = (twiddles(design.size), quotient_quadrant(design.size), surface_spectra(design.size), logarithms)
        self._tables = [np.ascontiguousarray(table, np.int64) for table in tables]
        fit, camera = terms.surface, design.camera
        self._terms = _Terms(
            camera.rows, camera.columns, *design.crop,
            (ctypes.c_int64 * 2)(*terms.gradient_gains),
            *map(_Gain.of, (fit.mean, fit.linear, fit.twist, fit.saddle, fit.bowl)),
            fit.kappa_16ths, fit.kappa, _Gain.of(terms.phase_gain),
            int(PHASE.encode(PHASE_CODE_OFFSET_RAD)), terms.phase_code_shift, terms.pixel_shift,
            *(table.ctypes.data for table in self._tables),
        )  # fmt: skip
        self._largest_sum = terms.binned.code_max
        self._shapes = {stage.name: stage.shape for stage in terms.recorded}

    @staticmethod
    def of(design: Design, processor: str = "native") -> NativeRetrieval:
        """Compile the retrieval of a design for a processor, unless that was done.

        Raises
        ------
        InputError
            If that is not possible here.
        """
        return NativeRetrieval(design, library(SOURCE, _definitions(design), processor))

    def codes(
        self, frames: NDArray[np.unsignedinteger], stages: Sequence[str] = STAGES, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return codes (cells, *shape) of some stages, by name, of raw frames (cells, 4, rows, columns).

        All are int64 but the network's input, which is uint8.
        """
        camera = self._design.camera
        due = (len(frames), len(camera.channels), camera.rows, camera.columns)
        # An address goes to C++: whatever the type hints say.
        if frames.shape != due or frames.dtype.kind != "u" or frames.dtype.itemsize > 2:
            raise ValueError(f"frames are {frames.dtype} {frames.shape}; unsigned codes {due} are needed")
        if frames.size and int(frames.max()) >= 1 << camera.adc_bits:
            raise ValueError(f"a raw code exceeds the camera's {camera.adc_bits} bits")
        return self._run(frames, stages, threads)

    def codes_of_sums(
        self, sums: NDArray[np.int32], stages: Sequence[str] = STAGES, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return the same of codes of the stage ``binned`` (cells, 4, N, N)."""
        due = (len(sums), *self._shapes["binned"])
        if sums.shape != due or sums.dtype != np.int32:
            raise ValueError(f"sums are {sums.dtype} {sums.shape}; int32 {due} are needed")
        if sums.size and not 0 <= int(sums.min()) <= int(sums.max()) <= self._largest_sum:
            raise ValueError(f"sums are {sums.min()} to {sums.max()}; 0 to {self._largest_sum} are possible")
        return self._run(sums, stages, threads)

    def _run(self, given: NDArray[np.integer], stages: Sequence[str], threads: int) -> dict[str, NDArray]:
        given = np.ascontiguousarray(given)
        found = {
            name: np.empty((len(given), *self._shapes[name]), np.uint8 if name == "network_input" else np.int64)
            for name in stages
        }

        def retrieve(start: int, stop: int) -> None:
            out = _Stages(**{name: array[start:stop].ctypes.data for name, array in found.items()})
            part = given[start:stop]
            self._function(
                ctypes.byref(self._terms), part.ctypes.data, part.dtype.itemsize, len(part), ctypes.byref(out)
            )

        if len(given):
            over_cells(retrieve, len(given), threads)
        return found


@lru_cache
def native_retrieval(design: Design) -> NativeRetrieval | None:
    """Return the compiled retrieval of a design, or None where there is no compiler, which is told once."""
    found = library_if_possible(SOURCE, _definitions(design))
    return None if found is None else NativeRetrieval(design, found)


def _definitions(design: Design) -> tuple[str, ...]:
    numbers = {
        "SIZE": design.size,
        "BINNING": design.binning,
        "WORD_BITS": WORD.width,
        "GRADIENT_BITS": GRADIENT.width,
        "PHASE_BITS": PHASE.width,
        "PIXEL_BITS": PIXEL.width,
        "TWIDDLE_FRACTION": TWIDDLE.fraction_bits,
        "SURFACE_FRACTION": SURFACE_COEFFICIENT_FRACTION,
        "BORDER": BORDER,
        "GUARD_BITS": TRANSPOSE_GUARD_BITS,
        "OFFSET_ROWS_LOG2": OFFSET_ROWS_LOG2,
    }
    return tuple(f"CYTOGATE_{name}={value}" for name, value in numbers.items())
