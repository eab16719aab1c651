"""Common part of the laws of phase retrieval in C++: frames in, stages out, and the numbers of the contract."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import over_cells
from cytogate.model.contract.fixed_point import (
    BORDER,
    GRADIENT,
    PHASE,
    PIXEL,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    Gain,
)
from cytogate.model.contract.law import OFFSET_ROWS_LOG2, PHASE_CODE_OFFSET_RAD, FourAngleContract
from cytogate.model.contract.tables import surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.retrieval import integer

HEADERS = Path(__file__).parent
"""Folder of the header that the sources share."""
FRONT_STAGES = ("binned", "gradient", "phase", "network_input")


class NativeGain(ctypes.Structure):
    """``Gain`` of the C++."""

    _fields_ = (("mantissa", ctypes.c_int64), ("shift", ctypes.c_int64))

    @classmethod
    def of(cls, gain: Gain) -> NativeGain:
        """Return a gain of the contract."""
        return cls(gain.mantissa, gain.shift)


class FrontTerms(ctypes.Structure):
    """``FrontTerms`` of the C++."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "columns", "top", "left")),
        ("gradient_gains", ctypes.c_int64 * 2),
        *((name, NativeGain) for name in ("mean", "linear", "twist", "saddle", "bowl")),
        ("kappa_16ths", ctypes.c_int64),
        ("kappa", ctypes.c_int64),
        ("phase_gain", NativeGain),
        *((name, ctypes.c_int64) for name in ("phase_offset", "phase_code_shift", "pixel_shift")),
        *((name, ctypes.c_void_p) for name in ("twiddles", "spectra", "logarithms")),
    )


class FrontStages(ctypes.Structure):
    """``FrontStages`` of the C++."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in FRONT_STAGES)


class NativeFront:
    """Frames that go to compiled C++, and the arrays that come back."""

    def __init__(self, terms: FourAngleContract) -> None:
        design, fit = terms.design, terms.surface
        self._design = design
        logarithms = integer.log2(np.arange(terms.binned.code_max + 1), terms)
        tables = (twiddles(design.size), surface_spectra(design.size), logarithms)
        self._tables = [np.ascontiguousarray(table, np.int64) for table in tables]
        self.terms = FrontTerms(
            design.camera.rows, design.camera.columns, *design.crop,
            (ctypes.c_int64 * 2)(*terms.gradient_gains),
            *map(NativeGain.of, (fit.mean, fit.linear, fit.twist, fit.saddle, fit.bowl)),
            fit.kappa_16ths, fit.kappa, NativeGain.of(terms.phase_gain),
            int(PHASE.encode(PHASE_CODE_OFFSET_RAD)), terms.phase_code_shift, terms.pixel_shift,
            *(table.ctypes.data for table in self._tables),
        )  # fmt: skip
        self._largest_sum = terms.binned.code_max
        self._shapes = {stage.name: stage.shape for stage in terms.recorded}

    def checked_frames(self, frames: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """Return raw frames (cells, 4, rows, columns) as C++ takes them."""
        # An address goes to C++: whatever the type hints say.
        camera = self._design.camera
        due = (len(frames), len(camera.channels), camera.rows, camera.columns)
        if frames.shape != due or frames.dtype.kind != "u" or frames.dtype.itemsize > 2:
            raise ValueError(f"frames are {frames.dtype} {frames.shape}; unsigned codes {due} are needed")
        if frames.size and int(frames.max()) >= 1 << camera.adc_bits:
            raise ValueError(f"a raw code exceeds the camera's {camera.adc_bits} bits")
        return np.ascontiguousarray(frames)

    def checked_sums(self, sums: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return codes of the stage ``binned`` (cells, 4, N, N) as C++ takes them."""
        due = (len(sums), *self._shapes["binned"])
        if sums.shape != due or sums.dtype != np.int32:
            raise ValueError(f"sums are {sums.dtype} {sums.shape}; int32 {due} are needed")
        if sums.size and not 0 <= int(sums.min()) <= int(sums.max()) <= self._largest_sum:
            raise ValueError(f"sums are {sums.min()} to {sums.max()}; 0 to {self._largest_sum} are possible")
        return np.ascontiguousarray(sums)

    def arrays(self, cells: int, stages: Sequence[str]) -> dict[str, NDArray]:
        """Return arrays for some stages of cells, by name."""
        return {
            name: np.empty((cells, *self._shapes[name]), np.uint8 if name == "network_input" else np.int64)
            for name in stages
        }

    @staticmethod
    def addresses(found: Mapping[str, NDArray], start: int, stop: int) -> tuple[FrontStages, dict[str, int]]:
        """Return where some cells of arrays lie: of the stages of all laws, and of a law's own."""
        places = {name: array[start:stop].ctypes.data for name, array in found.items()}
        own = {name: place for name, place in places.items() if name not in FRONT_STAGES}
        return FrontStages(**{name: place for name, place in places.items() if name in FRONT_STAGES}), own

    @staticmethod
    def over(work: Callable[[int, int], None], cells: int, threads: int) -> None:
        """Call ``work(start, stop)`` for parts of ``cells``, if there are any, in several threads at a time."""
        if cells:
            over_cells(work, cells, threads)


def definitions(design: Design, own: Mapping[str, int]) -> tuple[str, ...]:
    """Return the contract's numbers that C++ is compiled with, a law's own among them."""
    numbers = {
        "SIZE": design.size,
        "BINNING": design.binning,
        "GRADIENT_BITS": GRADIENT.width,
        "PHASE_BITS": PHASE.width,
        "PIXEL_BITS": PIXEL.width,
        "TWIDDLE_FRACTION": TWIDDLE.fraction_bits,
        "SURFACE_FRACTION": SURFACE_COEFFICIENT_FRACTION,
        "BORDER": BORDER,
        "OFFSET_ROWS_LOG2": OFFSET_ROWS_LOG2,
        **own,
    }
    return tuple(f"CYTOGATE_{name}={value}" for name, value in numbers.items())
