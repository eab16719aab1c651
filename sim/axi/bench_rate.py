"""The undisturbed run: frames back to back, every value compared, clocks counted."""

from __future__ import annotations

from typing import Any

import cocotb

from cytogate.sim.axi.bench import Bench
from cytogate.sim.axi.task import Measured

AHEAD = 3
"""Frames queued beyond those that a kernel holds, so that the input never waits for the bench."""


@cocotb.test()
async def frames_back_to_back(dut: Any) -> None:
    """All frames of the file without a pause on either side."""
    bench = Bench(dut)
    await bench.start()
    frames = range(bench.frames)
    ahead = bench.task.held_frames + AHEAD
    bench.send(*frames[:ahead])
    for frame in frames:
        await bench.compare(frame)
        bench.send(*frames[frame + ahead : frame + ahead + 1])
        print(f"frame {frame + 1} of {bench.frames}", flush=True)
    if bench.gate is not None:
        await bench.gate.check(bench.deadline)
    sent, left = bench.pins.sender.ended, bench.pins.receiver.ended
    latencies = [out - into for into, out in zip(sent, left, strict=True)]
    Measured(
        frames=bench.frames,
        values=bench.values,
        differing=bench.differing,
        latency_cycles=max(latencies),
        interval_cycles=(left[-1] - left[0]) / (len(left) - 1) if len(left) > 1 else None,
        gate=None if bench.gate is None else bench.gate.clocks(),
    ).write(bench.folder)
    assert not bench.differing, f"{bench.differing} of {bench.values} values differ"
    assert await bench.pins.read("LATENCY_CYCLES") == latencies[-1]
    assert await bench.pins.read("INTERVAL_CYCLES") == (left[-1] - left[-2] if len(left) > 1 else 0)
    await bench.finish(accepted=bench.frames)
