"""The engines of networks, verilated: codes in, the words of every engine out, with the clocks of all beats.

Several small networks may lie side by side in one simulation, of which one runs at a time: compiling takes longest.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.engine.top import TOP, class_bits, modules, write_engine
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.command.files import refresh
from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.contract.gate import decided
from cytogate.model.engines.engine import EngineNetwork, Stream
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.csim import compile
from cytogate.sim.rtl.player import check_assertions, verilate

BENCH = "engine_bench"
"""The module around the networks."""
PATIENCE = 20
"""A run is given up after that many times the clocks that its beats and products need."""
LEAST_CLOCKS = 20000
FLAGS = (*compile.FLAGS, "-O0")
"""Compiling takes longer than running."""
MORE_CLOCKS = 256
"""Behind the last answer, and as many as a cell has beats: what no answer needs is still on its way."""


@dataclass(frozen=True)
class Run:
    """What left the engines."""

    logits: Codes
    """(cells, classes)."""
    classes: NDArray[np.int64]
    """(cells,)."""
    margins: NDArray[np.int64]
    """Of the largest logit over the next one, (cells,)."""
    words: dict[str, Codes]
    """Of each operation that an engine stands for, (cells, words)."""
    cycles: dict[str, NDArray[np.int64]]
    """Clocks in which their beats passed, (cells, beats)."""
    in_cycles: NDArray[np.int64]
    """Clock in which each beat was taken (cells, beats)."""
    out_cycles: NDArray[np.int64]
    """Clock in which each cell's answer left (cells,)."""

    @property
    def latency(self) -> NDArray[np.int64]:
        """Clocks from a cell's last beat in to its answer (cells,)."""
        return self.out_cycles - self.in_cycles[:, -1]

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Clocks from an answer to the next one (cells - 1,)."""
        return np.diff(self.out_cycles)


class EngineSimulation:
    """Engines of networks; use one at a time and from one thread, since taps are shared by all of a library."""

    def __init__(self, networks: Sequence[EngineNetwork], folder: Path, sources: Sequence[Path] | None = None) -> None:
        """Compile the engines (from ``sources`` in place of ``fpga/rtl``) in ``folder``."""
        self._networks = networks
        tops = [write_engine(each, folder, f"{TOP}_{number}") for number, each in enumerate(networks)]
        bench = folder / f"{BENCH}.sv"
        refresh(bench, _bench_text(networks))
        used = sources or rtl_sources(*sorted({module for each in networks for module in modules(each)}))
        path = verilate(bench, [*tops, *used], BENCH, FPGA / "tb" / "stream_player.cpp", flags=FLAGS)
        self._library = ctypes.CDLL(str(path))
        self._library.player_open.restype = ctypes.c_void_p
        self._library.player_tap_words.restype = ctypes.c_int64
        self._library.player_tap_data.restype = ctypes.POINTER(ctypes.c_uint32)
        self._library.player_tap_cycles.restype = ctypes.POINTER(ctypes.c_int64)
        self._player = ctypes.c_void_p(self._library.player_open(0))
        self._free = weakref.finalize(self, self._library.player_close, self._player)
        self.reset()

    def close(self) -> None:
        """Free the simulated engines, as happens anyway when nobody holds them any more."""
        self._free()

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
    ) -> Run:
        """Send cells (cells, *shape), ``gap`` clocks apart; both sides pause at random (shares of the clocks).

        Raises
        ------
        CheckFailed
            If the logits do not come, or an assertion of the hardware fails.
        """
        entry, last = self.network.entry, self.network.logits.stream
        cells = len(codes)
        sent = _packed(codes.reshape(cells * entry.beats, -1), entry.format.width)
        out = np.zeros((cells, -(-_answer_bits(self.network) // 8)), np.uint8)
        in_cycles, out_cycles = np.zeros(len(sent), np.int64), np.zeros(cells, np.int64)
        self._library.player_forget_taps()
        each = max(engine.stream.beats * _steps(engine.parameters) for engine in self.network.engines)
        work = PATIENCE * cells * (entry.beats + each + gap) + LEAST_CLOCKS
        clocks = int(work / ((1 - idle) * (1 - stall)))
        came = self._library.player_run(
            self._player, _pointer(sent), len(sent), sent.shape[1], entry.beats, gap, round(1024 * idle),
            round(1024 * stall), seed, cells, out.shape[1], ctypes.c_int64(clocks), entry.beats + MORE_CLOCKS,
            _pointer(out), _pointer(out_cycles), _pointer(in_cycles),
        )  # fmt: skip
        check_assertions(self._library, self._player)
        if came != cells:
            raise CheckFailed(f"engines of {self.network.name}: {came} of {cells} answers came within {clocks} clocks")
        words, cycles = {}, {}
        for engine in self.network.engines:
            if engine.operation is not None:
                words[engine.operation], cycles[engine.operation] = self._heard(engine.operation, engine.stream, cells)
        bits = np.unpackbits(out, axis=1, bitorder="little")
        margin_from = last.bits + class_bits(self.network)
        return Run(
            _codes(bits[:, : last.bits], last.format).reshape(cells, -1),
            _unsigned(bits[:, last.bits : margin_from]),
            _unsigned(bits[:, margin_from : margin_from + last.format.width + 1]),
            words,
            cycles,
            in_cycles.reshape(cells, -1),
            out_cycles,
        )

    def start(self, codes: NDArray[np.integer], clocks: int) -> None:
        """Send cells (cells, *shape) for some clocks, and leave it at that: a reset is due."""
        entry = self.network.entry
        sent = _packed(codes.reshape(len(codes) * entry.beats, -1), entry.format.width)
        out = np.zeros((len(codes), -(-_answer_bits(self.network) // 8)), np.uint8)
        cycles = np.zeros(len(sent), np.int64)
        self._library.player_run(
            self._player, _pointer(sent), len(sent), sent.shape[1], entry.beats, 0, 0, 0, 0, len(out), out.shape[1],
            ctypes.c_int64(clocks), 0, _pointer(out), _pointer(cycles), _pointer(cycles),
        )  # fmt: skip

    def _heard(self, operation: str, stream: Stream, cells: int) -> tuple[Codes, NDArray[np.int64]]:
        """Return what a tap heard (cells, words), and the clocks (cells, beats)."""
        count, beat_words = self._library.player_tap_words(operation.encode()), -(-stream.bits // 32)
        if count != cells * stream.beats * beat_words:
            raise CheckFailed(
                f"engines of {self.network.name}: {count // beat_words} beats of {operation} were heard, not "
                f"{cells * stream.beats}"
            )
        data = np.ctypeslib.as_array(self._library.player_tap_data(operation.encode()), (count,)).copy()
        bits = np.unpackbits(data.view(np.uint8).reshape(-1, 4 * beat_words), axis=1, bitorder="little")
        clocks = np.ctypeslib.as_array(self._library.player_tap_cycles(operation.encode()), (cells, stream.beats))
        return _codes(bits[:, : stream.bits], stream.format).reshape(cells, -1), clocks.copy()


@dataclass(frozen=True)
class Comparison:
    """Words of engines beside those of the integer network."""

    compared: dict[str, int]
    """Words, by operation, and of class and margin."""
    differ: dict[str, int]
    """Words that differ, by operations of which any does."""

    @property
    def words(self) -> int:
        """Words compared in all."""
        return sum(self.compared.values())


def compare(network: IntegerNetwork, codes: NDArray[np.integer], run: Run) -> Comparison:
    """Compare every engine's words with those of the integer network for codes (cells, *shape)."""
    wanted = network.compute([codes])
    wanted |= dict(zip(("class", "margin"), decided(wanted[network.logits.name]), strict=True))
    found = run.words | {network.logits.name: run.logits, "class": run.classes, "margin": run.margins}
    differ = {name: int(np.count_nonzero(words != wanted[name].reshape(words.shape))) for name, words in found.items()}
    return Comparison({name: words.size for name, words in found.items()}, {name: n for name, n in differ.items() if n})


def _bench_text(networks: Sequence[EngineNetwork]) -> str:
    """Return a module with all networks on one stream in and one out; those that do not run have no clock."""
    in_bits = max(each.entry.bits for each in networks)
    out_bits = max(_answer_bits(each) for each in networks)
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
        logits, classes, width = each.logits.stream.bits, class_bits(each), each.logits.stream.format.width
        places = (0, logits), (logits, classes), (logits + classes, width + 1)
        answer = [f"words_{number}[{start}+:{bits}]" for start, bits in places]
        lines += [
            f"  logic [{_answer_bits(each) - 1}:0] words_{number};",
            f"  assign words[{number}] = {out_bits}'(words_{number});",
            f"  {TOP}_{number} network_{number} (",
            f"      .clk(clk && chosen == {number}), .rst, .in_valid(in_valid && chosen == {number}),",
            f"      .in_ready(ready[{number}]), .in_words(in_words[{each.entry.bits - 1}:0]),",
            f"      .out_valid(valid[{number}]), .out_ready, .out_logits({answer[0]}),",
            f"      .out_class({answer[1]}), .out_margin({answer[2]})",
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


def _codes(bits: NDArray[np.uint8], words: Format) -> Codes:
    """Return the codes (beats, words of a beat) in bits (beats, bits)."""
    codes = _unsigned(bits.reshape(len(bits), -1, words.width))
    return codes - ((codes >> (words.width - 1)) << words.width) if words.signed else codes


def _unsigned(bits: NDArray[np.uint8]) -> Codes:
    """Return the numbers (...,) in bits (..., bits), the lowest first."""
    numbers: Codes = bits.astype(np.int64) @ (np.int64(1) << np.arange(bits.shape[-1]))
    return numbers


def _answer_bits(network: EngineNetwork) -> int:
    """Return the bits of logits, class and margin."""
    stream = network.logits.stream
    return stream.bits + class_bits(network) + stream.format.width + 1


def _pointer(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
