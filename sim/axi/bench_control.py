"""Registers over AXI4-Lite, and resets in the middle of things."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
from cocotbext.axi import AxiResp

from cytogate.model.interface.registers import Control
from cytogate.sim.axi.bench import LONG, SETTLING_CLOCKS, SHORT, Bench
from cytogate.sim.axi.patterns import at_random

ADDRESSES = 256
ONES = 0xFFFF_FFFF


@cocotb.test()
async def registers_after_reset(dut: Any) -> None:
    """Constants are there, counters are zero, and every read ends."""
    bench = Bench(dut)
    await bench.start(armed=False)
    pins, task = bench.pins, bench.task
    assert set(task.constants) >= {"IDENTITY", "VERSION", "DESIGN_HASH"}
    for name in task.registers:
        assert await pins.read(name) == task.constants.get(name, 0), name
    own = dict(task.setup)
    for offset in range(0, ADDRESSES, 4):
        response, value = await pins.read_at(offset)
        if offset in own:
            assert (response, value) == (AxiResp.OKAY, own[offset]), f"0x{offset:02x}"
        elif offset not in task.registers.values():
            assert response != AxiResp.OKAY or value == 0, f"0x{offset:02x} holds 0x{value:08x}"


@cocotb.test()
async def writes_change_only_what_is_writable(dut: Any) -> None:
    """Ones to every address but CONTROL and what was set up: nothing hangs, only what is to be written moves."""
    bench = Bench(dut)
    await bench.start()
    bench.send(0, 1)
    await bench.expect(0, 1)
    pins, task = bench.pins, bench.task
    before = {name: await pins.read(name) for name in task.registers}
    for offset in range(0, ADDRESSES, 4):
        if offset != task.registers["CONTROL"] and offset not in dict(task.setup):
            await pins.write_at(offset, ONES)
    assert {name: await pins.read(name) for name in task.registers} == before | task.written
    if bench.gate is not None:
        bench.gate.all_ones()
    bench.send(2)
    await bench.expect(2)
    await bench.finish(accepted=3)


@cocotb.test()
async def accesses_come_in_every_order(dut: Any) -> None:
    """Addresses and data in any order, answers that wait, reads beside writes: all end; single bytes change nothing."""
    bench = Bench(dut)
    await bench.start()
    pins, task = bench.pins, bench.task
    before = {name: await pins.read(name) for name in task.registers}
    pins.pause_accesses(at_random)

    async def write_single_bytes() -> None:
        for offset in range(0, ADDRESSES, 4):
            if offset != task.registers["CONTROL"]:
                await pins.write_bytes(offset, b"\0")

    async def read_all() -> None:
        for _ in range(2):
            assert {name: await pins.read(name) for name in task.registers} == before

    # Two of each at a time: the next one is there while an answer waits.
    for accesses in [cocotb.start_soon(each()) for each in (write_single_bytes, read_all) for _ in range(2)]:
        await accesses
    await read_all()
    bench.send(0)
    await bench.expect(0)
    await bench.finish(accepted=1)


@cocotb.test()
async def error_flags_clear_one_by_one(dut: Any) -> None:
    """Clear a flag by a written one and none by a zero; a cleared flag rises again."""
    bench = Bench(dut)
    await bench.start()
    pins = bench.pins
    too_short, too_long = bench.packet(0)[:-1], [*bench.packet(0), 0]
    bench.send_malformed(too_short)
    bench.send_malformed(too_long)
    await pins.all_sent(bench.deadline)
    await pins.clocks(8)
    assert await pins.read("ERROR_FLAGS") == SHORT | LONG
    for written, left in ((0, SHORT | LONG), (SHORT, LONG), (SHORT, LONG), (LONG, 0)):
        await pins.write("ERROR_FLAGS", written)
        assert await pins.read("ERROR_FLAGS") == left, f"after writing {written}"
    bench.send_malformed(too_short)
    bench.send(0)
    await bench.expect(0)
    await bench.finish(accepted=1, dropped=3, flags=SHORT)


@cocotb.test()
async def registers_are_read_while_frames_flow(dut: Any) -> None:
    """Read all the while: no frame is disturbed, and counters only grow."""
    bench = Bench(dut)
    await bench.start(at_random, at_random)
    pins = bench.pins
    bench.send(0, 1, 2)
    counted = [0]

    async def keep_reading() -> None:
        while True:
            counted.append(await pins.read("FRAMES_ACCEPTED"))
            assert await pins.read("IDENTITY") == bench.task.constants["IDENTITY"]

    reading = cocotb.start_soon(keep_reading())
    await bench.expect(0, 1, 2)
    reading.cancel()
    await pins.clocks(50)
    assert counted == sorted(counted)
    assert {1, 2} <= set(counted) <= {0, 1, 2, 3}
    await bench.finish(accepted=3)


@cocotb.test()
@cocotb.parametrize(beats=["first", "half", "all_but_1"])
async def reset_while_a_frame_arrives(dut: Any, beats: str) -> None:
    """Forget what was received; the next frame is the first."""
    bench = Bench(dut)
    await bench.start()
    wanted = {"first": 1, "half": bench.frame_beats // 2, "all_but_1": bench.frame_beats - 1}[beats]
    bench.send(0)
    await bench.pins.until(lambda: bench.pins.sender.beats >= wanted, bench.deadline, "input was not accepted")
    await _starts_anew(bench)


@cocotb.test()
@cocotb.parametrize(behind=["last_in", "first_out", "half_out"])
async def reset_while_a_frame_is_computed_or_leaves(dut: Any, behind: str) -> None:
    """Forget a frame that was accepted too, and the one behind it."""
    bench = Bench(dut)
    await bench.start()
    pins = bench.pins
    beats_out = len(bench.expected(0)) // bench.task.values_per_beat
    bench.send(0, 1)
    if behind == "last_in":
        await pins.until(lambda: bool(pins.sender.ended), bench.deadline, "input was not accepted")
    else:
        wanted = 1 if behind == "first_out" else beats_out // 2
        await pins.until(lambda: len(pins.receiver.beats) >= wanted, bench.deadline, "no beat left")
    await _starts_anew(bench)


@cocotb.test()
async def reset_while_the_kernel_waits(dut: Any) -> None:
    """Forget a beat that is offered and not taken."""
    bench = Bench(dut)
    await bench.start()
    bench.pins.receiver.pauses = itertools.repeat(True)
    bench.send(0, 1)
    await bench.pins.until(lambda: bool(dut.m_axis_tvalid.value), bench.deadline, "no beat was offered")
    await bench.pins.clocks(SETTLING_CLOCKS)
    await _starts_anew(bench)


@cocotb.test()
async def soft_reset(dut: Any) -> None:
    """CONTROL bit 0 forgets the data path, not the registers, and clears itself.

    The rest of the packet that was arriving is then a packet of its own, too short.
    """
    bench = Bench(dut)
    await bench.start()
    pins = bench.pins
    bench.send(0)
    await bench.expect(0)
    bench.send(1)
    await pins.until(lambda: bench.frame_beats // 3 <= pins.sender.beats, bench.deadline, "input was not accepted")
    await pins.until(lambda: len(pins.sender.ended) == 1, 1, "the frame had ended already")
    pins.sender.pauses = itertools.repeat(True)
    await pins.clocks(8)
    await pins.write("CONTROL", Control.SOFT_RESET)
    assert await pins.read("CONTROL") == 0
    assert await pins.read("FRAMES_ACCEPTED") == 1
    if bench.gate is not None:
        bench.gate.cut(1, SHORT)
    await bench.calibrate()
    bench.resume()
    bench.send(2)
    await bench.expect(2)
    await bench.finish(accepted=2, dropped=1, flags=SHORT)


async def _starts_anew(bench: Bench) -> None:
    await bench.start()
    bench.resume()
    assert await bench.pins.read("FRAMES_ACCEPTED") == 0
    bench.send(2, 0)
    await bench.expect(2, 0)
    await bench.finish(accepted=2)
