"""The SystemVerilog kernel before the network as a callable: every stage's values at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import rtl_sources
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import RecursionContract, contract
from cytogate.model.contract.stage import Order, Stage
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.sim.rtl.player import PLAYER, KernelPlayer, verilate
from cytogate.sim.rtl.recursion_taps import recursion_stages

LINES_TOGETHER = ("spectrum", "quotient", "phase")
"""Stages in which as many lines leave side by side as there are samples a clock, a value of each at a time."""
PATIENCE = 20
"""A run is given up after that many times the clocks its beats need: a deadlock ends as an error, not as a wait."""


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


class RtlSimulation(KernelPlayer):
    """The kernel before the network of one design at a number of samples per clock, verilated."""

    def __init__(
        self,
        design: Design,
        folder: Path,
        samples_per_clock: int = 1,
        sources: Sequence[Path] | None = None,
        seed: int = 0,
    ) -> None:
        """Compile the kernel (or ``sources`` in its place) in ``folder`` and take it out of reset.

        What no reset sets is zero, or random from ``seed`` where that is not 0; nothing that leaves may depend on it.
        """
        package = write_rtl_package(design, folder)
        self._terms = contract(design)
        top = self._terms.kernel
        parameters = [f"SAMPLES={samples_per_clock}"]
        path = verilate(package, sources or rtl_sources(top), top, PLAYER, parameters)
        super().__init__(path, design, samples_per_clock, seed)

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
            If the frames do not come, or an assertion of the hardware fails.
        """
        rows, columns, channels = self._terms.stage("network_input").shape
        row_beats = -(-columns // self.samples_per_clock)
        wanted = frames_out * rows * row_beats
        out_bytes = self.samples_per_clock * channels * self._terms.pixel.width // 8
        pauses = (1 - idle) * (1 - stall)
        clocks = int(PATIENCE * (len(beats) + wanted + rows * columns) / pauses)
        out, out_lasts, out_cycles, in_cycles, accepted = self.run(
            beats, lasts, wanted, out_bytes, clocks, idle=idle, stall=stall, seed=seed
        )
        codes = out.view(np.int8 if self._terms.pixel.signed else np.uint8)
        lanes = codes.reshape(frames_out, rows, row_beats * self.samples_per_clock, channels)
        if lanes[:, :, columns:].any():
            raise CheckFailed("RTL simulation: lanes of m_axis behind a row's last column are not zero")
        malformed = np.any((out_lasts > 1).reshape(frames_out, rows * row_beats), axis=1)
        return Played(lanes[:, :, :columns], out_lasts % np.uint8(2), malformed, out_cycles, in_cycles, accepted)

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
