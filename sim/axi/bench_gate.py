"""The gate behind the network: thresholds, the time of the trigger, and what is never to trigger."""

from __future__ import annotations

import dataclasses
from typing import Any

import cocotb

from cytogate.model.contract.gate import LARGEST_CLASSES, PULSES_WAITING, CellEvent, EventFlag, GateSettings
from cytogate.sim.axi.bench import SHORT, Bench
from cytogate.sim.axi.gate_check import GateCheck

EVERY_CLASS = (1 << LARGEST_CLASSES) - 1
SPARE_CLOCKS = 40
"""Of a delay, beyond what the gate takes."""
LONGEST_WRITE = 12
"""Clocks of a register's write at the pins, at most."""


async def _started(dut: Any) -> tuple[Bench, GateCheck]:
    bench = Bench(dut)
    await bench.start(armed=False)
    assert bench.gate is not None
    return bench, bench.gate


async def _sent(bench: Bench, *frames: int) -> None:
    """Send frames and wait until their logits have left and their events are right."""
    assert bench.gate is not None
    bench.send(*frames)
    bench.deadline = 2 * len(frames) * bench.clocks_per_frame
    await bench.expect(*frames)
    await bench.gate.check(bench.deadline)


async def _begun(bench: Bench, frame: int) -> None:
    """Send a frame and wait until its first beat is in."""
    began = bench.pins.sender.began
    sent = len(began)
    bench.send(frame)
    await bench.pins.until(lambda: len(began) > sent, bench.deadline, "input was not accepted")


def _anything(gate: GateCheck) -> GateSettings:
    """Return settings with which every cell triggers at once."""
    return dataclasses.replace(GateSettings(), classes=EVERY_CLASS & gate.all_classes)


@cocotb.test()
async def nothing_triggers_after_reset(dut: Any) -> None:
    """No class is wanted before somebody says so."""
    bench, gate = await _started(dut)
    await _sent(bench, 0, 1)
    assert gate.flags() == [EventFlag.UNWANTED] * 2
    await bench.finish(accepted=2)


@cocotb.test()
async def thresholds_of_classes(dut: Any) -> None:
    """Want a class alone: its own margin suffices, and a step more does not."""
    bench, gate = await _started(dut)
    frames = range(bench.frames)
    flags = set()
    for wanted in sorted(set(gate.classes.tolist())):
        for more in (0, 1):
            margin = int(gate.margins[gate.classes == wanted].max()) + more
            # Of other classes a least margin of 0 stands: only the wanted one keeps them back.
            least = tuple(margin if index == wanted else 0 for index in range(LARGEST_CLASSES))
            await gate.set(GateSettings(1 << wanted, least))
            await _sent(bench, *frames)
            flags |= set(gate.flags()[-bench.frames :])
    assert flags >= {EventFlag.TRIGGERED, EventFlag.REJECTED}
    await bench.finish(accepted=bench.frames * 2 * len(set(gate.classes.tolist())))


@cocotb.test()
async def pulses_have_their_time(dut: Any) -> None:
    """Count a delay from the last pixel, whenever the decision came: the shortest one is enough, a shorter is late."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    await _sent(bench, *range(bench.frames))
    longest = gate.clocks().trigger_most
    for delay in (longest + SPARE_CLOCKS, longest):
        await gate.set(dataclasses.replace(_anything(gate), delay=delay))
        await _sent(bench, *range(bench.frames))
        assert gate.flags()[-bench.frames :] == [EventFlag.TRIGGERED] * bench.frames
    await gate.set(dataclasses.replace(_anything(gate), delay=longest - 1))
    await _sent(bench, *range(bench.frames))
    assert EventFlag.LATE in gate.flags()[-bench.frames :]
    await gate.set(dataclasses.replace(_anything(gate), delay=1))
    await _sent(bench, 0, 1)
    assert gate.flags()[-2:] == [EventFlag.LATE] * 2
    await bench.finish(accepted=4 * bench.frames + 2)


@cocotb.test()
@cocotb.parametrize(hold=[1, 40, 100_000])
async def pulses_are_as_long_as_asked(dut: Any, hold: int) -> None:
    """Pulses that overlap are one, which ends as long after the last one's beginning."""
    bench, gate = await _started(dut)
    await gate.set(dataclasses.replace(_anything(gate), hold=hold))
    await _sent(bench, *range(bench.frames))
    await bench.finish(accepted=bench.frames)


@cocotb.test()
async def no_more_pulses_wait_than_there_are_places_for(dut: Any) -> None:
    """One more is given up, and told; all others come in their time."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    await _sent(bench, 0, 1, 2)
    sent, found = PULSES_WAITING + 3, gate.clocks()
    # The first pulse is due when the last packet has its event.
    delay = sent * found.interval_most + found.trigger_most
    await gate.set(dataclasses.replace(_anything(gate), delay=delay))
    await _sent(bench, *range(sent))
    assert gate.flags().count(EventFlag.CROWDED) == 3
    await _sent(bench, 0)
    assert gate.flags()[-1] is EventFlag.TRIGGERED
    await bench.finish(accepted=sent + 4)


@cocotb.test()
async def a_delay_is_written_in_any_clock(dut: Any) -> None:
    """Each event has the pulse that it tells, in the clocks about its own in which the delay is written, too."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    await _sent(bench, *range(bench.frames))
    began = bench.pins.sender.began
    short = gate.clocks().trigger_most + SPARE_CLOCKS
    await _sent(bench, 0)
    # From the first beat: an event may follow the last one sooner than a write takes.
    age, leads = gate.events[-1].clock - began[-1], range(-4, LONGEST_WRITE)
    for lead in leads:
        await gate.set_delay(short)
        await _begun(bench, 0)
        await bench.pins.clocks(age - lead)
        await gate.set_delay(3 * short)
        await bench.expect(0)
        await gate.check(bench.deadline)
    told = [CellEvent.of(word) for word in gate.words[-len(leads) :]]
    remark = gate.remark_on(0)
    assert set(told) == {CellEvent(EventFlag.TRIGGERED, delay, remark) for delay in (short, 3 * short)}
    await bench.finish(accepted=bench.frames + 1 + len(leads))


@cocotb.test()
async def a_shorter_delay_overtakes_nothing(dut: Any) -> None:
    """Call late a pulse that it brings before one that waits, or into the same clock; a clock behind, it comes."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    await _sent(bench, 0)
    began, long = bench.pins.sender.began, gate.clocks().trigger_most + 2 * bench.clocks_per_frame
    for behind in (-1, 0, 1):
        await gate.set_delay(long)
        bench.send(0)
        await bench.expect(0)
        await _begun(bench, 1)
        await gate.set_delay(long - (began[-1] - began[-2]) + behind)
        await bench.expect(1)
        await gate.check(bench.deadline)
    late, due = EventFlag.LATE, EventFlag.TRIGGERED
    assert gate.flags()[1:] == [due, late, due, late, due, due]
    await bench.finish(accepted=7)


@cocotb.test()
async def malformed_frames_never_trigger(dut: Any) -> None:
    """Whatever the network says of them."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    for frame in range(bench.frames):
        bench.send_malformed(bench.packet(frame)[:-1])
    bench.send(0)
    bench.deadline *= bench.frames
    await bench.expect(0)
    await gate.check(bench.deadline)
    assert gate.flags() == [EventFlag.SHORT_PACKET] * bench.frames + [EventFlag.TRIGGERED]
    await bench.finish(accepted=1, dropped=bench.frames, flags=SHORT)


@cocotb.test()
async def a_reset_forgets_settings_and_pulses(dut: Any) -> None:
    """Forget a pulse that waits; nothing is wanted any more."""
    bench, gate = await _started(dut)
    delay = 3 * bench.clocks_per_frame
    await gate.set(dataclasses.replace(_anything(gate), delay=delay))
    bench.send(0)
    await bench.expect(0)
    assert gate.flags() == [EventFlag.TRIGGERED]
    await bench.start(armed=False)
    await bench.pins.clocks(delay)
    await _sent(bench, 1)
    assert gate.flags() == [EventFlag.UNWANTED]


@cocotb.test()
async def largest_clocks_are_cleared(dut: Any) -> None:
    """Whatever is written, they are zero, and grow anew."""
    bench, gate = await _started(dut)
    await gate.set(_anything(gate))
    await _sent(bench, 0, 1, 2)
    for name in ("TRIGGER_CYCLES_MOST", "CLASS_CYCLES_MOST", "CLASS_INTERVAL_MOST"):
        assert await bench.pins.read(name) > 0
        await bench.pins.write(name, 0)
        assert await bench.pins.read(name) == 0
    gate.clear_most()
    await _sent(bench, 1)
    await bench.finish(accepted=4)
