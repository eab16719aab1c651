"""Gating: from a cell's logits and times to "sort" or one of the reasons not to.

Whatever is in doubt is not sorted: a class that is not wanted, a score under its threshold, a neighbor that would be
sorted along with the cell, a decision that comes too late for the sorter, frames that are not to be trusted.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from cytogate.host.text_enum import TextEnum
from cytogate.model.contract.gate import GateSettings
from cytogate.model.design.file import did_you_mean, read_toml, shown
from cytogate.model.errors import InputError

MAX_COINCIDENCE_US = 1e6
MAX_DEADLINE_MS = 3.6e6
MAX_TRIGGER_US = 2e6
"""A chip's clocks may end sooner."""
MAX_MARGIN = 1e9
LEAST_US, LEAST_MS = 1e-3, 1e-6
"""A nanosecond: what is shorter would be no time at all."""


class Decision(TextEnum):
    """What a sorter is told; everything but ``SORT`` means "do not sort"."""

    SORT = "sort"
    UNWANTED = "unwanted"
    """The class has no threshold: it is of no interest."""
    REJECTED = "rejected"
    """The score is below the threshold of its class: the reject class."""
    COINCIDENT = "coincident"
    """Another cell arrived too close before or behind it."""
    UNTRUSTED = "untrusted"
    """The frames are saturated, one image stands for several, or the chip does not know the background yet."""
    LATE = "late"
    """The decision missed its deadline."""
    LOST = "lost"
    """There are no logits."""
    CROWDED = "crowded"
    """More than are followed: triggers that wait on the chip, or cells of a hologram."""
    EMPTY = "empty"
    """The hologram holds no cell."""


class ScoreKind(TextEnum):
    """What thresholds are compared with."""

    SOFTMAX = "softmax"
    """Softmax of the winning class, 0 to 1."""
    MARGIN = "margin"
    """Winning logit minus the second highest, 0 or more."""


@dataclass(frozen=True)
class Verdict:
    """The class of a cell and what to do about it."""

    decision: Decision
    class_index: int | None
    """The class of the highest logit, the first of equal ones; None without logits."""
    score: float | None


@dataclass(frozen=True)
class Gates:
    """What is to be sorted, and under which conditions."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Least score at which a cell of a class is sorted; classes that are not named never are."""
    score: ScoreKind = ScoreKind.SOFTMAX
    coincidence_us: float | None = None
    """Cells that arrive closer than this are not sorted, neither of them. None: not looked at."""
    deadline_ms: float | None = None
    """Time from arrival to decision beyond which a cell is not sorted. None: there is none."""
    trigger_delay_us: float | None = None
    """Of the chip's trigger: time from a frame's last pixel to its pulse. None: as soon as possible."""
    trigger_width_us: float | None = None
    """How long its pulses are. None: a clock."""

    def __post_init__(self) -> None:
        highest = 1.0 if self.score is ScoreKind.SOFTMAX else MAX_MARGIN
        for name, threshold in self.thresholds.items():
            if not 0 <= threshold <= highest:
                told = f"the threshold of {name} is {shown(threshold)}; a {self.score} is 0 to {highest:g}"
                raise InputError(told)
        for name, value, least, most in (
            ("coincidence_us", self.coincidence_us, LEAST_US, MAX_COINCIDENCE_US),
            ("deadline_ms", self.deadline_ms, LEAST_MS, MAX_DEADLINE_MS),
            ("trigger_delay_us", self.trigger_delay_us, LEAST_US, MAX_TRIGGER_US),
            ("trigger_width_us", self.trigger_width_us, LEAST_US, MAX_TRIGGER_US),
        ):
            if value is not None and not least <= value <= most:
                raise InputError(f"{name} is {shown(value)}; it must be from {least:g} to {most:g}")
        if self.coincidence_us and self.deadline_ms and self.coincidence_us >= 1000 * self.deadline_ms:
            raise InputError(
                f"coincidence_us is {self.coincidence_us} and deadline_ms {self.deadline_ms}: every decision that "
                "waits for a neighbor would be late"
            )

    @property
    def coincidence_ns(self) -> int:
        """The window as an integer; 0 where coincidence is not looked at."""
        return round(1e3 * (self.coincidence_us or 0))

    @property
    def deadline_ns(self) -> int | None:
        """The deadline as an integer."""
        return None if self.deadline_ms is None else round(1e6 * self.deadline_ms)

    def judge(
        self,
        logits: Sequence[float] | None,
        class_names: Sequence[str],
        *,
        coincident: bool,
        trusted: bool,
        latency_ns: int,
    ) -> Verdict:
        """Judge one cell.

        Parameters
        ----------
        logits : sequence of float or None
            Logits (classes,); None if there are none.
        class_names : sequence of str
            Their classes.
        coincident : bool
            Whether a neighbor arrived within the window.
        trusted : bool
            Whether the frames are a measurement that may be acted on.
        latency_ns : int
            Time from the cell's arrival to this decision.
        """
        if logits is None:
            return Verdict(Decision.LOST, None, None)
        chosen, score = winner(logits, self.score)
        threshold = self.thresholds.get(class_names[chosen])
        decision = Decision.SORT
        if threshold is None:
            decision = Decision.UNWANTED
        elif not trusted:
            decision = Decision.UNTRUSTED
        elif score < threshold:
            decision = Decision.REJECTED
        elif coincident:
            decision = Decision.COINCIDENT
        elif self.deadline_ns is not None and latency_ns > self.deadline_ns:
            decision = Decision.LATE
        return Verdict(decision, chosen, score)


def read_gates(path: Path) -> Gates:
    """Return the gates of the TOML file ``path``.

    Keys, each optional: ``score`` ("softmax" or "margin"), ``coincidence_us``, ``deadline_ms``, ``trigger_delay_us``,
    ``trigger_width_us``, and a table ``thresholds`` of least scores by class.

    Raises
    ------
    InputError
        If the file is no such file. Names of classes are checked by :class:`LiveGates`, and by the chip's gate what it
        does not look at.
    """
    given = read_toml(path)
    try:
        return _gates(given)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


class ChipGate(Protocol):
    """The gate behind the network on the chip."""

    def settings(self, gates: Gates) -> GateSettings:
        """Return gates as the chip takes them; raise an :class:`InputError` if it cannot."""

    def put(self, settings: GateSettings) -> None:
        """Let it judge by settings all cells that are sent from now on."""


class LiveGates:
    """The gates in force, which may be changed while a stream runs, and the record of all that were.

    Parameters
    ----------
    gates
        In force at first.
    class_names
        In the order of the logits.
    chip
        The chip's gate; None if it has none.
    """

    def __init__(
        self,
        gates: Gates,
        class_names: Sequence[str],
        chip: ChipGate | None = None,
    ) -> None:
        self._class_names = tuple(class_names)
        self._chip = chip
        self._by_settings: dict[GateSettings, Gates] = {}
        self._record: list[tuple[int, Gates]] = []
        self._changing = threading.Lock()
        self.change(gates)

    @property
    def gates(self) -> Gates:
        """The gates in force."""
        return self._gates

    @property
    def on_chip(self) -> bool:
        """Whether the chip itself sorts."""
        return self._chip is not None

    @property
    def record(self) -> tuple[tuple[int, Gates], ...]:
        """All gates by which cells were judged, each with the index of the first of these."""
        return self.record_behind(0)

    def record_behind(self, count: int) -> tuple[tuple[int, Gates], ...]:
        """Return the record without its first ``count`` gates."""
        return tuple(self._record[count:])

    def change(self, gates: Gates) -> None:
        """Put other gates in force for all cells that are judged from now on; from any thread."""
        for name in gates.thresholds:
            if name not in self._class_names:
                raise InputError(
                    f"thresholds name the class {name}{did_you_mean(name, self._class_names)}; the design's classes "
                    f"are {', '.join(self._class_names)}"
                )
        if self._chip is not None:
            settings = self._chip.settings(gates)
            self._by_settings[settings] = gates
            self._chip.put(settings)
        self._gates = gates

    def move(self, thresholds: Mapping[str, float | None]) -> None:
        """Change the thresholds of the classes that are named and leave all else as it is; from any thread.

        Parameters
        ----------
        thresholds : mapping of str to float or None
            New thresholds by class; None: the class is no longer sorted.

        Raises
        ------
        InputError
            If there is no such class, or one of the values is no threshold; all gates then stay.
        """
        with self._changing:
            moved = {**self._gates.thresholds, **thresholds}
            kept = {name: threshold for name, threshold in moved.items() if threshold is not None}
            # Every change is recorded: one that changes nothing is none.
            if kept != self._gates.thresholds:
                self.change(replace(self._gates, thresholds=kept))

    def for_cell(self, index: int, on_chip: GateSettings | None = None) -> Gates:
        """Return the gates by which cell ``index`` is judged, or was by the chip with settings ``on_chip``.

        To be called by the stream alone, with rising indices.
        """
        gates = self._gates if on_chip is None else self._by_settings[on_chip]
        if not self._record or self._record[-1][1] is not gates:
            self._record.append((index, gates))
        return gates


def winner(logits: Sequence[float], score: ScoreKind) -> tuple[int, float]:
    """Return the index of the highest logit, the first of equal ones, and its score; plain floats are fastest here."""
    highest = max(logits)
    chosen = logits.index(highest)
    if score is ScoreKind.SOFTMAX:
        return chosen, 1 / sum(math.exp(logit - highest) for logit in logits)
    others = [logit for index, logit in enumerate(logits) if index != chosen]
    return chosen, highest - max(others, default=-math.inf)


def _gates(given: dict[str, Any]) -> Gates:
    numbers = ("coincidence_us", "deadline_ms", "trigger_delay_us", "trigger_width_us")
    known = ("score", *numbers, "thresholds")
    for key in given:
        if key not in known:
            raise InputError(f"{key} is no gate{did_you_mean(key, known)}; known are {', '.join(known)}")
    score = given.get("score", ScoreKind.SOFTMAX)
    if score not in list(ScoreKind):
        raise InputError(f"score is {score!r}; it must be {' or '.join(ScoreKind)}")
    thresholds = given.get("thresholds", {})
    if not isinstance(thresholds, dict):
        raise InputError("thresholds must be a table of least scores by class")
    return Gates(
        {name: _number(f"the threshold of {name}", value) for name, value in thresholds.items()},
        ScoreKind(score),
        *(None if key not in given else _number(key, given[key]) for key in numbers),
    )


def _number(name: str, value: Any) -> float:
    # Integers of TOML have any number of digits.
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise InputError(f"{name} is {shown(value)}; it must be a number")
    # Without a sign where it is zero.
    return number + 0.0
