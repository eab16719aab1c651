"""Gates on the chip: the host's thresholds in the steps and clocks that the chip counts, and its events as verdicts.

A threshold becomes the least margin that reaches it, so that chip and host judge every cell alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from cytogate.host.stream.cells import UNTRUSTED, Flag, SourceCell
from cytogate.host.stream.gating import Decision, Gates, ScoreKind, Verdict, winner
from cytogate.model.contract.gate import (
    DELAY_BITS,
    HOLD_BITS,
    LARGEST_CLASSES,
    MARGIN_BITS,
    CellEvent,
    EventFlag,
    GateSettings,
)
from cytogate.model.contract.recursion import Half
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import FeatureColumn

if TYPE_CHECKING:
    from cytogate.host.driver.accelerator import Accelerator

TRIGGER_FEATURES = (FeatureColumn("trigger_us", "us", "Time from the last pixel into the chip to the trigger's pulse"),)
"""Columns of events whose cells triggered."""
DECISIONS = {
    EventFlag.TRIGGERED: Decision.SORT,
    EventFlag.UNSETTLED: Decision.UNTRUSTED,
    EventFlag.CLIPPED: Decision.UNTRUSTED,
    EventFlag.UNWANTED: Decision.UNWANTED,
    EventFlag.REJECTED: Decision.REJECTED,
    EventFlag.LATE: Decision.LATE,
    EventFlag.CROWDED: Decision.CROWDED,
}

DOUBTS = {EventFlag.UNSETTLED: Flag.UNSETTLED, EventFlag.CLIPPED: Flag.CLIPPED}


@dataclass(frozen=True)
class GateOnChip:
    """The chip's gate, given what the host calls classes, logits and times."""

    class_names: tuple[str, ...]
    logit_step: float
    """Value of one step of a margin."""
    clock_mhz: float
    put: Callable[[GateSettings], None]
    """Lets the chip judge by settings all cells that are sent from then on."""

    def settings(self, gates: Gates) -> GateSettings:
        """Return gates as the chip takes them.

        Raises
        ------
        InputError
            If they ask for what the chip's gate does not look at, or do not fit its registers.
        """
        if gates.score is not ScoreKind.MARGIN:
            raise InputError(f"score is {gates.score}; the chip's gate compares margins: give thresholds of margins")
        for name, value in (("coincidence_us", gates.coincidence_us), ("deadline_ms", gates.deadline_ms)):
            if value is not None:
                raise InputError(
                    f"{name} is {value:g}; the chip's gate does not look at it: leave it out (its trigger has "
                    "trigger_delay_us)"
                )
        wanted, margins = 0, [0] * LARGEST_CLASSES
        for name, threshold in gates.thresholds.items():
            index = self.class_names.index(name)
            wanted |= 1 << index
            margins[index] = self._margin(name, threshold)
        delay = self._clocks("trigger_delay_us", gates.trigger_delay_us, DELAY_BITS)
        width = self._clocks("trigger_width_us", gates.trigger_width_us, HOLD_BITS)
        return GateSettings(wanted, tuple(margins), delay, max(0, width - 1))

    def _margin(self, name: str, threshold: float) -> int:
        margin, most = math.ceil(threshold / self.logit_step), (1 << MARGIN_BITS) - 1
        if margin > most:
            raise InputError(
                f"the threshold of {name} is {threshold:g}; the chip's gate takes margins up to "
                f"{most * self.logit_step:g}"
            )
        return margin

    def _clocks(self, name: str, time_us: float | None, bits: int) -> int:
        """Return a time in clocks, one at least; 0 if there is none."""
        if time_us is None:
            return 0
        clocks, most = max(1, round(time_us * self.clock_mhz)), (1 << bits) - 1
        if clocks > most:
            raise InputError(
                f"{name} is {time_us:g}; the chip counts to {most} clocks of {self.clock_mhz:g} MHz: up to "
                f"{most / self.clock_mhz:g}"
            )
        return clocks


def gate_on_chip(accelerator: Accelerator) -> GateOnChip | None:
    """Return the gate of an accelerator's chip; None if it has none."""
    bundle = accelerator.bundle
    chip, names = bundle.design.chip, bundle.design.network.class_names
    return (
        GateOnChip(names, bundle.manifest.logit_step, chip.clock_mhz, accelerator.set_gate) if chip.has_gate else None
    )


def kept_back(cell: SourceCell) -> SourceCell:
    """Return a cell without its frames if they are not to be trusted: the chip knows no flags, and would sort it."""
    doubts = cell.flags & UNTRUSTED
    if cell.frames is None or not doubts:
        return cell
    named = ", ".join(str(flag.name) for flag in Flag if flag & doubts)
    return cell.faulty(f"the frames are not to be trusted ({named}): a chip that sorts by itself does not get them")


def verdict_of(logits: Sequence[float], event: CellEvent) -> Verdict:
    """Return what the chip has decided, as the host says it."""
    chosen, score = winner(logits, ScoreKind.MARGIN)
    return Verdict(DECISIONS[event.flag], chosen, score)


def flags_of(event: CellEvent) -> Flag:
    """Return what the chip's event says is unusual about its cell."""
    remark = event.remark
    said = {Flag.HALF: remark.half is not Half.BOTH, Flag.CURLED: remark.curled, Flag.NEGATIVE: remark.negative}
    return reduce(or_, (flag for flag, holds in said.items() if holds), DOUBTS.get(event.flag, Flag(0)))


def trigger_us(event: CellEvent, clock_mhz: float) -> float | None:
    """Return the time from a cell's last pixel into the chip to its pulse; None if it has none."""
    return event.cycles / clock_mhz if event.flag is EventFlag.TRIGGERED else None


def trigger_features(event: CellEvent, clock_mhz: float) -> dict[str, float]:
    """Return the values of :data:`TRIGGER_FEATURES` by name; none of a cell that did not trigger."""
    time_us = trigger_us(event, clock_mhz)
    return {} if time_us is None else {"trigger_us": time_us}
