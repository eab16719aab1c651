"""Every pattern of pauses on the input against every pattern on the output."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from cytogate.sim.axi.bench import Bench
from cytogate.sim.axi.patterns import ALL, Pauses, at_random


@cocotb.test()
@cocotb.parametrize(idle=ALL, backpressure=ALL)
async def nothing_is_lost(dut: Any, idle: Pauses, backpressure: Pauses) -> None:
    """Frames back to back: whoever pauses, every value leaves, once, in order."""
    bench = Bench(dut)
    await bench.start(idle, backpressure)
    frames = range(3)
    bench.send(*frames)
    await bench.expect(*frames)
    await bench.finish(accepted=len(frames))


@cocotb.test()
async def a_receiver_that_sleeps(dut: Any) -> None:
    """Nobody takes a beat until the kernel holds the sender back or has taken all; then everything leaves."""
    bench = Bench(dut)
    await bench.start()
    awake = False
    bench.pins.receiver.pauses = iter(lambda: not awake, None)
    frames = range(bench.task.held_frames + 1)
    bench.send(*frames)
    await bench.pins.clocks(len(frames) * bench.clocks_per_frame)
    assert not bench.pins.receiver.beats
    held_back = len(bench.pins.sender.ended) < len(frames)
    awake = True
    await bench.expect(*frames)
    await bench.finish(accepted=len(frames))
    assert held_back, f"{len(frames)} frames vanished into a kernel that nobody read"


@cocotb.test()
async def the_models_of_cocotbext_axi_agree(dut: Any) -> None:
    """Source and sink of other people's making see the same values as ours."""
    bench = Bench(dut)
    await bench.pins.reset(streams=False)
    await bench.set_up()
    ends = [
        side(AxiStreamBus.from_prefix(dut, prefix), dut.aclk, dut.aresetn, reset_active_level=False, byte_lanes=1)
        for side, prefix in ((AxiStreamSource, "s_axis"), (AxiStreamSink, "m_axis"))
    ]
    source, sink = ends
    sink.set_pause_generator(at_random(0))
    for frame in range(2):
        await source.send(AxiStreamFrame(bench.packet(frame)))
    for frame in range(2):
        received = await bench.pins.within(4 * bench.deadline, sink.recv(), "no packet left")
        values = bench.values_of(list(received.tdata))
        assert values.tolist() == bench.expected(frame).tolist()
    assert await bench.pins.read("FRAMES_ACCEPTED") == 2
