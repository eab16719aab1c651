"""Check a gate: the event of every packet, every pulse of the trigger, and what its registers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.gate import (
    CLOCK_BITS,
    DELAY_BITS,
    HOLD_BITS,
    LONGEST_CYCLES,
    MALFORMED,
    MARGIN_BITS,
    CellEvent,
    EventFlag,
    GateSettings,
    decided,
    doubt_of,
)
from cytogate.model.contract.recursion import Half
from cytogate.model.contract.remarks import ORDER_FRAMES, Remark
from cytogate.model.interface.registers import frame_order, latest_event
from cytogate.sim.axi.events import Event
from cytogate.sim.axi.ports import Pins
from cytogate.sim.axi.task import GateClocks

AFTER = 8
"""Clocks behind a pulse, until registers have counted it."""


@dataclass(frozen=True)
class _Packet:
    """What was sent."""

    frame: int | None
    doubt: EventFlag
    """What the frame is not to be trusted for."""
    settings: tuple[GateSettings, ...]
    """By one of these it was judged."""


class GateCheck:
    """The gate of a kernel under test, which has classes and margins of ``logits`` (cells, classes) due.

    ``remarks`` (cells,) are those on their frames. The first ``unsettled`` frames behind a reset find no settled
    background, and those with a ``clipped_half`` are clipped.
    """

    def __init__(
        self, pins: Pins, logits: NDArray[np.int64], remarks: Sequence[Remark], unsettled: int, clipped_half: int
    ) -> None:
        self._pins, self._remarks, self._unsettled, self._clipped_half = pins, remarks, unsettled, clipped_half
        self.classes, self.margins = decided(np.asarray(logits))
        self.all_classes = (1 << logits.shape[1]) - 1
        self.settings = GateSettings()
        """As they were written last."""
        self._sent: list[_Packet] = []
        self.words: list[int] = []
        """Behind the logits of cells, as they have left."""
        self.pulses: list[int] = []
        """Clocks in which they are due."""
        self._ends: list[int] = []
        """First clocks behind them."""
        self._most_from = 0
        """Packets before the largest clocks were cleared."""

    def forget(self) -> None:
        """Be as after a reset."""
        self.settings, self._sent, self.words, self._most_from = GateSettings(), [], [], 0

    def clear_most(self) -> None:
        """Say that the largest clocks have been cleared."""
        self._most_from = len(self._sent)

    def all_ones(self) -> None:
        """Say that ones were written to every register: no margin suffices any more."""
        ones = tuple((1 << bits) - 1 for bits in (MARGIN_BITS, DELAY_BITS, HOLD_BITS))
        self.settings = GateSettings(self.all_classes, (ones[0],) * self.all_classes.bit_length(), ones[1], ones[2])
        self.clear_most()

    async def arm(self) -> None:
        """Let some cells trigger at once: of all classes but one, if there are several, with half of the margins."""
        wanted, margins = self.all_classes, np.sort(self.margins)
        if len(set(self.classes.tolist())) > 1:
            wanted &= ~(1 << int(self.classes[-1]))
            margins = np.sort(self.margins[self.classes != self.classes[-1]])
        least = int(margins[(len(margins) - 1) // 2])
        await self.set(GateSettings(wanted, (least,) * self.all_classes.bit_length()))

    async def set(self, settings: GateSettings) -> None:
        """Write settings, that of the classes last."""
        write = self._pins.write
        for index in range(self.all_classes.bit_length()):
            if settings.least_margins[index] != self.settings.least_margins[index]:
                await write(f"LEAST_MARGIN_{index}", settings.least_margins[index])
        await write("TRIGGER_DELAY", settings.delay)
        await write("TRIGGER_HOLD", settings.hold)
        await write("GATE_CLASSES", settings.classes)
        self.settings = settings

    async def set_delay(self, delay: int) -> None:
        """Write a delay while packets may be judged: of each that has no event yet, either delay may hold."""
        self.settings = replace(self.settings, delay=delay)
        for number in range(len(self.events), len(self._sent)):
            sent = self._sent[number]
            self._sent[number] = replace(sent, settings=(*sent.settings, self.settings))
        await self._pins.write("TRIGGER_DELAY", delay)

    def expect_frame(self, frame: int) -> None:
        """Say that an intact frame was sent."""
        settled = len(self._sent) >= self._unsettled
        doubt = doubt_of(self._remarks[frame].half, Half(self._clipped_half), settled=settled)
        self._sent.append(_Packet(frame, doubt, (self.settings,)))

    def expect_malformed(self, flag: int) -> None:
        """Say that a malformed packet was sent."""
        self._sent.append(_Packet(None, EventFlag(flag), (self.settings,)))

    def cut(self, packet: int, flag: int) -> None:
        """Say that of an intact frame that was sent only a malformed packet is left."""
        self._sent[packet] = _Packet(None, EventFlag(flag), self._sent[packet].settings)

    def remark_on(self, frame: int) -> Remark:
        """Return the remark that is due on a frame."""
        return self._remarks[frame]

    @property
    def events(self) -> list[Event]:
        """Events since reset."""
        assert self._pins.events is not None
        return self._pins.events.seen

    def flags(self) -> list[EventFlag]:
        """Return the flags of the events since reset."""
        return [event.flag for event in self.events]

    async def check(self, deadline: int) -> None:
        """Wait until every packet has its event, then compare events, pulses and registers."""
        await self._pins.until(lambda: len(self.events) >= len(self._sent), deadline, "events are missing")
        self._compare_events()
        await self._compare_pulses()
        await self._compare_registers()

    def _compare_events(self) -> None:
        ended = self._pins.sender.ended
        assert len(self.events) == len(self._sent), f"{len(self.events)} events of {len(self._sent)} packets"
        intact = [number for number, sent in enumerate(self._sent) if sent.frame is not None]
        assert len(self.words) == len(intact), f"{len(self.words)} words of events left of {len(intact)} cells"
        words = dict(zip(intact, self.words, strict=True))
        self.pulses, self._ends = [], []
        for number, (event, sent) in enumerate(zip(self.events, self._sent, strict=True)):
            if sent.frame is not None:
                due = int(self.classes[sent.frame]), int(self.margins[sent.frame]), self.remark_on(sent.frame)
                found = event.class_index, event.margin, event.remark
                assert found == due, f"event {number}: class, margin and remark are {found} where {due} are due"
            waiting = [pulse - ended[number] for pulse in self.pulses if pulse >= event.clock]
            age = event.clock - ended[number]
            settings = _in_force(sent, age, words.get(number))
            flag = settings.judge(event.class_index, event.margin, sent.doubt, age, waiting)
            assert event.flag == flag, f"event {number}: flag is {event.flag!r} where {flag!r} is due"
            if sent.frame is not None:
                word = CellEvent(flag, settings.pulse_age(age), self.remark_on(sent.frame)).word
                assert words[number] == word, f"cell of event {number}: {words[number]:#x} left where {word:#x} is due"
            if flag is EventFlag.TRIGGERED:
                self.pulses.append(ended[number] + settings.pulse_age(age))
                self._ends.append(self.pulses[-1] + settings.hold + 1)
        apart = {(event.stamp - event.clock) % (1 << CLOCK_BITS) for event in self.events}
        assert len(apart) <= 1, "stamps of events are not their clocks"

    async def _compare_pulses(self) -> None:
        pins = self._pins
        assert pins.events is not None
        await pins.clocks(max([0, *(end - pins.now for end in self._ends)]) + AFTER)
        starts: list[int] = []
        ends: list[int] = []
        for pulse, end in zip(self.pulses, self._ends, strict=True):
            if ends and pulse <= ends[-1]:
                ends[-1] = end
            else:
                starts.append(pulse)
                ends.append(end)
        found = pins.events.pulses, pins.events.ends
        assert found == (starts, ends), f"the trigger rose and fell at {found} where {(starts, ends)} are due"

    async def _compare_registers(self) -> None:
        latest = [self.remark_on(sent.frame) for sent in self._sent if sent.frame is not None][-ORDER_FRAMES:]
        due = {"EVENTS": len(self.events), "TRIGGERS": len(self.pulses), "ORDER": frame_order(latest)}
        if self.events:
            event = self.events[-1]
            remark = 0 if event.remark is None else event.remark.code
            due |= {"EVENT": latest_event(event.class_index, event.flag, remark), "EVENT_MARGIN": event.margin}
            due |= {"EVENT_CLOCK": event.stamp}
        for name, counted in self._counted().items():
            recent = {number: clocks for number, clocks in counted.items() if number >= self._most_from}
            due |= {name: [0, *counted.values()][-1], f"{name}_MOST": max(recent.values(), default=0)}
        found = {name: await self._pins.read(name) for name in due}
        assert found == due, f"the gate's registers say {found} where {due} is due"

    def _counted(self) -> dict[str, dict[int, int]]:
        """Return what a register counts, clocks by number of the packet, as the pins have shown it."""
        sender = self._pins.sender
        intact = [number for number, sent in enumerate(self._sent) if not sent.doubt & MALFORMED]
        triggered = [number for number, event in enumerate(self.events) if event.flag is EventFlag.TRIGGERED]
        clock = [event.clock for event in self.events]
        return {
            "TRIGGER_CYCLES": {
                number: pulse - sender.ended[number] for number, pulse in zip(triggered, self.pulses, strict=True)
            },
            "CLASS_CYCLES": {number: clock[number] - sender.began[number] for number in intact},
            "CLASS_INTERVAL": dict.fromkeys(intact[:1], 0)
            | {after: clock[after] - clock[before] for before, after in pairwise(intact)},
        }

    def clocks(self) -> GateClocks:
        """Return what was counted; :meth:`check` must have passed."""
        trigger, first, interval = ([*counted.values()] for counted in self._counted().values())
        return GateClocks(
            interval=float(np.mean(interval[1:])) if len(interval) > 1 else None,
            interval_most=max(interval, default=0),
            class_most=max(first, default=0),
            trigger_most=max(trigger, default=0),
            events=len(self.events),
            triggers=len(self.pulses),
        )


def _in_force(sent: _Packet, age: int, word: int | None) -> GateSettings:
    """Return the settings by which a packet was judged, as its event's word tells where others were written."""
    told = None if word is None else CellEvent.of(word)
    for settings in sent.settings:
        if told is not None and told.cycles == min(settings.pulse_age(age), LONGEST_CYCLES):
            return settings
    return sent.settings[0]
