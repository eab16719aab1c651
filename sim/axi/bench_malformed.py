"""Packets that are no frame: flagged, dropped, and the next frame is right."""

from __future__ import annotations

import random
from enum import Enum, auto
from typing import Any

import cocotb

from cytogate.sim.axi.bench import LONG, SEED, SHORT, Bench
from cytogate.sim.axi.patterns import Pauses, bursts, none


class Kind(Enum):
    """What can be wrong with a packet."""

    SINGLE_BEAT = auto()
    HALF = auto()
    EARLY_BY_A_ROW = auto()
    EARLY_BY_A_BEAT = auto()
    LATE_BY_A_BEAT = auto()
    LATE_BY_A_ROW = auto()
    MISSING_TLAST = auto()
    """Two frames without a TLAST between them."""


def malformed(bench: Bench, kind: Kind, frame: int) -> tuple[list[int], int]:
    """Return a packet that is no frame, and the flag it must raise."""
    beats, row = bench.packet(frame), bench.row_beats
    if kind is Kind.SINGLE_BEAT:
        return beats[:1], SHORT
    if kind is Kind.HALF:
        return beats[: len(beats) // 2], SHORT
    if kind is Kind.EARLY_BY_A_ROW:
        return beats[:-row], SHORT
    if kind is Kind.EARLY_BY_A_BEAT:
        return beats[:-1], SHORT
    if kind is Kind.LATE_BY_A_BEAT:
        return beats + beats[:1], LONG
    if kind is Kind.LATE_BY_A_ROW:
        return beats + beats[:row], LONG
    return beats + bench.packet(frame + 1), LONG


@cocotb.test()
@cocotb.parametrize(kind=list(Kind), pauses=[none, bursts])
async def between_good_frames(dut: Any, kind: Kind, pauses: Pauses) -> None:
    """One bad packet, good frames right before and right behind it."""
    bench = Bench(dut)
    await bench.start(pauses, pauses)
    packet, flag = malformed(bench, kind, 2)
    bench.send(0)
    bench.send_malformed(packet)
    bench.send(1)
    await bench.expect(0, 1)
    await bench.finish(accepted=2, dropped=1, flags=flag)


@cocotb.test()
@cocotb.parametrize(kind=list(Kind))
async def first_and_last(dut: Any, kind: Kind) -> None:
    """Drop a bad packet right behind the reset, and one with nothing behind it."""
    bench = Bench(dut)
    await bench.start()
    packet, flag = malformed(bench, kind, 2)
    bench.send_malformed(packet)
    bench.send(0)
    bench.send_malformed(packet)
    await bench.expect(0)
    await bench.finish(accepted=1, dropped=2, flags=flag)
    bench.send(1)
    await bench.expect(1)


@cocotb.test()
async def many_in_a_row(dut: Any) -> None:
    """All kinds in random order, twice, good frames strewn in."""
    bench = Bench(dut)
    await bench.start()
    draw = random.Random(SEED)
    kinds = draw.sample([*Kind, *Kind], 2 * len(Kind))
    good = []
    for index, kind in enumerate(kinds):
        bench.send_malformed(malformed(bench, kind, index)[0])
        if draw.random() < 0.4:
            bench.send(index)
            good.append(index)
    bench.send(0)
    good.append(0)
    bench.deadline *= len(kinds)
    await bench.expect(*good)
    await bench.finish(accepted=len(good), dropped=len(kinds), flags=SHORT | LONG)
