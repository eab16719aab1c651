"""The engines of networks, verilated: codes in, the words of every engine out, with the clocks of all beats.

Several small networks may lie side by side in one simulation, of which one runs at a time: what takes long is compiling.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.engine.top import TOP, modules, write_engine
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.command.files import refresh
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.engines.engine import EngineNetwork, Stream
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.rtl.simulation import verilate

BENCH = "engine_bench"
"""The module around the networks."""
PATIENCE = 20
"""A run is given up after that many times the clocks that its beats and products need."""
LEAST_CLOCKS = 20000


@dataclass(frozen=True)
class Run:
    """What left the engines."""

    logits: Codes
    """(cells, words)."""
    words: dict[str, Codes]
    """Of each operation that an engine stands for, (cells, words)."""
    in_cycles: NDArray[np.int64]
    """Clock in which each beat was taken (cells, beats)."""
    out_cycles: NDArray[np.int64]
    """Clock in which each beat left (cells, beats)."""

    @property
    def latency(self) -> NDArray[np.int64]:
        """Clocks from a cell's last beat in to its last beat out (cells,)."""
        return self.out_cycles[:, -1] - self.in_cycles[:, -1]

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Clocks from a cell's logits to the next one's (cells - 1,)."""
        return np.diff(self.out_cycles[:, -1])


class EngineSimulation:
    """Engines of networks; use one at a time and from one thread, since taps are shared by all of a library."""

    def __init__(self, networks: Sequence[EngineNetwork], folder: Path, sources: Sequence[Path] | None = None) -> None:
        """Compile the engines (from ``sources`` in place of ``fpga/rtl``) in ``folder``."""
        self._networks = networks
        tops = [write_engine(each, folder, f"{TOP}_{number}") for number, each in enumerate(networks)]
        bench = folder / f"{BENCH}.sv"
        refresh(bench, _bench_text(networks))
        used = sources or rtl_sources(*sorted({module for each in networks for module in modules(each)}))
        path = verilate(bench, [*tops, *used], BENCH, FPGA / "tb" / "stream_player.cpp")
        self._library = ctypes.CDLL(str(path))
        self._library.player_open.restype = ctypes.c_void_p
        self._library.player_tap_words.restype = ctypes.c_int64
        self._library.player_tap_data.restype = ctypes.POINTER(ctypes.c_uint32)
        self._player = ctypes.c_void_p(self._library.player_open())
        self.reset()

    def close(self) -> None:
        """Free the simulated engines."""
        self._library.player_close(self._player)

    def reset(self, number: int = 0, clocks: int = 2) -> None:
        """Hold ``rst`` high, and choose the network that runs from now on."""
        self.network = self._networks[number]
        self._library.player_reset(self._player, number, clocks)

    @property
    def violations(self) -> int:
        """Clocks in which a waiting beat was withdrawn or changed, or in which more came than was due."""
        return int(self._library.player_violations(self._player))

    def play(
        self,
        codes: NDArray[np.integer],
        *,
        idle: float = 0.0,
        stall: float = 0.0,
        gap: int = 0,
        seed: int = 0,
        beats: int | None = None,
    ) -> Run | None:
        """Send cells (cells, *shape); both sides pause at random (shares of the clocks).

        Parameters
        ----------
        gap
            Clocks of pause behind each cell.
        beats
            So many of them are sent, and nothing is awaited: None comes back, and a reset is due.

        Raises
        ------
        CheckFailed
            If the logits do not come.
        """
        entry, last = self.network.entry, self.network.logits.stream
        cells = len(codes)
        sent = _packed(codes.reshape(cells * entry.beats, -1), entry.format.width)
        sending = len(sent) if beats is None else beats
        wanted = cells * last.beats if beats is None else 0
        out = np.zeros((max(1, wanted), -(-last.bits // 8)), np.uint8)
        in_cycles, out_cycles = np.zeros(len(sent), np.int64), np.zeros(max(1, wanted), np.int64)
        self._library.player_forget_taps()
        each = max(engine.stream.beats * _steps(engine.parameters) for engine in self.network.engines)
        work = PATIENCE * cells * (entry.beats + each + gap) + LEAST_CLOCKS
        clocks = int(work / ((1 - idle) * (1 - stall)))
        came = self._library.player_run(
            self._player, _pointer(sent), sending, sent.shape[1], entry.beats, gap, round(1024 * idle),
            round(1024 * stall), seed, wanted, out.shape[1], ctypes.c_int64(clocks), _pointer(out),
            _pointer(out_cycles), _pointer(in_cycles),
        )  # fmt: skip
        if beats is not None:
            return None
        if came != wanted:
            raise CheckFailed(f"engines of {self.network.name}: {came} of {wanted} beats came within {clocks} clocks")
        words = {
            engine.operation: self._heard(engine.operation, engine.stream, cells)
            for engine in self.network.engines
            if engine.operation is not None
        }
        return Run(
            _codes(out, last).reshape(cells, -1), words, in_cycles.reshape(cells, -1), out_cycles.reshape(cells, -1)
        )

    def _heard(self, operation: str, stream: Stream, cells: int) -> Codes:
        """Return what a tap heard (cells, words)."""
        count, beat_words = self._library.player_tap_words(operation.encode()), -(-stream.bits // 32)
        if count != cells * stream.beats * beat_words:
            raise CheckFailed(
                f"engines of {self.network.name}: {count // beat_words} beats of {operation} were heard, not "
                f"{cells * stream.beats}"
            )
        data = np.ctypeslib.as_array(self._library.player_tap_data(operation.encode()), (count,)).copy()
        return _codes(data.view(np.uint8).reshape(-1, 4 * beat_words), stream).reshape(cells, -1)


@dataclass(frozen=True)
class Comparison:
    """Words of engines beside those of the integer network."""

    words: int
    differ: dict[str, int]
    """Words that differ, by operations of which any does."""


def compare(network: IntegerNetwork, codes: NDArray[np.integer], run: Run) -> Comparison:
    """Compare every engine's words with those of the integer network for codes (cells, *shape)."""
    wanted = network.compute([codes])
    found = run.words | {network.logits.name: run.logits}
    differ = {name: int(np.count_nonzero(words != wanted[name].reshape(words.shape))) for name, words in found.items()}
    return Comparison(sum(words.size for words in found.values()), {name: n for name, n in differ.items() if n})


def _bench_text(networks: Sequence[EngineNetwork]) -> str:
    """Return a module with all networks on one stream in and one out; those that do not run have no clock."""
    in_bits, out_bits = (
        max(each.bits for each in streams)
        for streams in ([each.entry for each in networks], [each.logits.stream for each in networks])
    )
    count = len(networks)
    lines = [
        f"module {BENCH} (",
        "    input  logic clk,",
        "    input  logic rst,",
        "    input  logic [7:0] chosen,",
        "    input  logic in_valid,",
        "    output logic in_ready,",
        f"    input  logic [{in_bits - 1}:0] in_words,",
        "    output logic out_valid,",
        "    input  logic out_ready,",
        f"    output logic [{out_bits - 1}:0] out_words",
        ");",
        f"  logic [{count - 1}:0] ready, valid;",
        f"  logic [{out_bits - 1}:0] words[{count}];",
        "  assign in_ready  = ready[chosen];",
        "  assign out_valid = valid[chosen];",
        "  assign out_words = words[chosen];",
    ]
    for number, each in enumerate(networks):
        bits = each.logits.stream.bits
        lines += [
            f"  logic [{bits - 1}:0] words_{number};",
            f"  assign words[{number}] = {out_bits}'(words_{number});",
            f"  {TOP}_{number} network_{number} (",
            f"      .clk(clk && chosen == {number}), .rst, .in_valid(in_valid && chosen == {number}),",
            f"      .in_ready(ready[{number}]), .in_words(in_words[{each.entry.bits - 1}:0]),",
            f"      .out_valid(valid[{number}]), .out_ready, .out_words(words_{number})",
            "  );",
        ]
    return "\n".join([*lines, "endmodule", ""])


def _steps(parameters: object) -> int:
    """Return the clocks for which a beat stands."""
    assert isinstance(parameters, dict)
    return int(parameters.get("REUSE", 1) * parameters.get("SLICES", 1) * parameters.get("BEATS", 1))


def _packed(codes: NDArray[np.integer], width: int) -> NDArray[np.uint8]:
    """Return codes (beats, words) as bytes (beats, bytes), the first word in the lowest bits."""
    bits = (codes[:, :, None] >> np.arange(width)) & 1
    return np.packbits(bits.reshape(len(codes), -1).astype(np.uint8), axis=1, bitorder="little")


def _codes(data: NDArray[np.uint8], stream: Stream) -> Codes:
    """Return the words (beats, words of a beat) in bytes (beats, bytes)."""
    width = stream.format.width
    bits = np.unpackbits(data, axis=1, bitorder="little")[:, : stream.bits].reshape(len(data), -1, width)
    codes: Codes = bits.astype(np.int64) @ (np.int64(1) << np.arange(width))
    return codes - ((codes >> (width - 1)) << width) if stream.format.signed else codes


def _pointer(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
