"""Off-axis retrieval in C++: the same codes at every stage as the integer model, many times faster."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.native import library, library_if_possible
from cytogate.model.contract.fixed_point import TWIDDLE, WORD, Codes
from cytogate.model.contract.off_axis import (
    BACKGROUND_BIN_BITS,
    BACKGROUND_REACH_BITS,
    CORDIC_BITS,
    CORDIC_GUARD_BITS,
    CORDIC_STEPS,
    DIVISOR_FRACTION,
    MOST_TURNS,
    OPD,
    PHASE_TURNS,
    TURN_BITS,
    off_axis_contract,
)
from cytogate.model.contract.tables import twiddles
from cytogate.model.design.design import Design
from cytogate.model.retrieval.native_front import HEADERS, NativeGain
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband

SOURCE = Path(__file__).with_suffix(".cpp")
STAGES = (
    "spectrum", "spectrum_exponent", "sideband", "sideband_exponent", "field", "field_exponent", "wrapped", "phase",
    "opd",
)  # fmt: skip
TABLES = (
    "twiddles", "map_twiddles", "half_turns", "rows", "columns", "disk", "phasor", "divisors", "cordic_turns",
)  # fmt: skip


class _Terms(ctypes.Structure):
    """``Terms`` of the C++."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in TABLES),
        *((name, ctypes.c_int64) for name in ("top", "bottom", "left", "right", "middle", "shift")),
        ("delay", NativeGain),
    )


class _Stages(ctypes.Structure):
    """``Stages`` of the C++."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in STAGES)


class NativeDelay:
    """The retrieval of one calibrated design, compiled; it may be called from several threads at a time."""

    def __init__(self, design: Design, library: ctypes.CDLL) -> None:
        self._design, contract = design, off_axis_contract(design)
        self._function = library.cytogate_retrieve_delay
        self._function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._function.restype = None
        sideband, size = Sideband.of(design), design.map_size
        rows, columns = (each % sideband.size for each in sideband.frequencies)
        tables = {
            "twiddles": twiddles(sideband.size),
            "map_twiddles": twiddles(size),
            "half_turns": np.stack(integer.half_turn_phasors(size), axis=-1),
            "rows": rows,
            "columns": columns,
            "divisors": integer.poisson_divisors(size),
            "cordic_turns": integer.cordic_turns(),
        }
        self._tables = {name: np.ascontiguousarray(table, np.int64) for name, table in tables.items()}
        self._tables["disk"] = np.ascontiguousarray(sideband.disk.T, np.uint8)
        believed = Placing.of(design).believed
        self._numbers = (
            *(end for part in believed for end in (part.start, part.stop)),
            1 << (contract.frame.width - 1), contract.hologram_shift, NativeGain.of(contract.delay_gain),
        )  # fmt: skip
        shapes = {stage.name: stage.shape for stage in contract.stages}
        exponents = {f"{stage.name}_exponent": (stage.exponents,) for stage in contract.stages if stage.exponents}
        self._shapes = {name: (shapes | exponents)[name] for name in STAGES}

    @staticmethod
    def of(design: Design, processor: str = "native") -> NativeDelay:
        """Compile the retrieval of a design for a processor, unless that was done.

        Raises
        ------
        InputError
            If that is not possible here.
        """
        return NativeDelay(design, library(SOURCE, _definitions(design), processor, HEADERS))

    def retrieve(self, frame: NDArray[np.unsignedinteger], phasor: Codes) -> integer.OffAxisWords:
        """Return what :func:`cytogate.model.retrieval.off_axis.integer.retrieve` does."""
        hologram = integer.placed(frame, self._design)
        given = np.ascontiguousarray(hologram, np.int32)
        phasors = np.ascontiguousarray(phasor, np.int64)
        size, due = self._design.off_axis.hologram_size, (*self._shapes["opd"], 2)
        # Addresses go to C++: whatever the type hints say.
        if given.shape != (size, size) or phasors.shape != due:
            raise ValueError(f"hologram {given.shape} and phasors {phasors.shape}; {(size, size)} and {due} are needed")
        found = {name: np.empty(shape, np.int64) for name, shape in self._shapes.items()}
        tables = {**self._tables, "phasor": phasors}
        terms = _Terms(*(tables[name].ctypes.data for name in TABLES), *self._numbers)
        stages = _Stages(*(found[name].ctypes.data for name in STAGES))
        self._function(ctypes.byref(terms), given.ctypes.data, ctypes.byref(stages))
        return integer.with_cells(self._design, {"hologram": hologram, **found})


def retrieve(frame: NDArray[np.unsignedinteger], design: Design, phasor: Codes) -> integer.OffAxisWords:
    """Return what :func:`cytogate.model.retrieval.off_axis.integer.retrieve` does; compiled, if there is a compiler."""
    compiled = native_delay(design)
    return integer.retrieve(frame, design, phasor) if compiled is None else compiled.retrieve(frame, phasor)


@lru_cache(maxsize=4)
def native_delay(design: Design) -> NativeDelay | None:
    """Return the compiled retrieval of a design, or None where there is no compiler, which is told once."""
    found = library_if_possible(SOURCE, _definitions(design), HEADERS)
    return None if found is None else NativeDelay(design, found)


def _definitions(design: Design) -> tuple[str, ...]:
    numbers = {
        "SIZE": design.off_axis.hologram_size,
        "MAP_SIZE": design.map_size,
        "TWIDDLE_FRACTION": TWIDDLE.fraction_bits,
        "WORD_BITS": WORD.width,
        "TURN_BITS": TURN_BITS,
        "MOST_TURNS": MOST_TURNS,
        "PHASE_BITS": PHASE_TURNS.width,
        "OPD_BITS": OPD.width,
        "CORDIC_STEPS": CORDIC_STEPS,
        "CORDIC_BITS": CORDIC_BITS,
        "CORDIC_GUARD_BITS": CORDIC_GUARD_BITS,
        "DIVISOR_FRACTION": DIVISOR_FRACTION,
        "BACKGROUND_BIN_BITS": BACKGROUND_BIN_BITS,
        "BACKGROUND_REACH_BITS": BACKGROUND_REACH_BITS,
    }
    return tuple(f"CYTOGATE_{name}={value}" for name, value in numbers.items())
