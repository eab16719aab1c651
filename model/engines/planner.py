"""Engines of a network for a board: as many cells a second as it has room for, then each answer as soon.

The pace comes first: the clocks that a cell may take are those of what stands before the engines, or the fewest at
which what that leaves of the board is enough. From them follow how often each layer uses its multipliers again,
whether it has any, and how deep its weights lie (:mod:`cytogate.model.engines.weights`).

Multipliers that are left go to layers that the answer waits for, again and again to the one which with a quarter fewer
clocks for a beat promises to save most of the latency for each multiplier. A multiplier has to save a clock.

Clocks, multipliers and block RAM of what was chosen are exact, look-up tables and registers estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from cytogate.model.design.boards import BOARDS, RESOURCES, Area, Board
from cytogate.model.design.design import Design
from cytogate.model.engines.area import network_area
from cytogate.model.engines.clocks import EngineClocks, engine_clocks
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.engines.lowering import lower
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report
from cytogate.model.estimates.system import front_end
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.networks.operations import IntegerNetwork

SHARES = {"lut": 0.95, "ff": 0.85, "dsp": 0.95, "bram36": 0.9, "uram": 1.0}
"""Of what a board has, that may be used: routing needs the rest."""
LATENCY_SHARES = SHARES | {"lut": 0.85, "dsp": 0.85}
"""The same where only the latency asks for more: routing is easier."""
STEP = 1.06
"""From one number of clocks to the next one that is tried."""
STEPS_LEFT = 0.75
"""Of a layer's clocks for a beat, at most, when it is given more multipliers."""
SLOWEST = 16
"""Clocks that are tried at most, in those of the input."""
ENGINES = "network engines"


@dataclass(frozen=True)
class EnginePlan:
    """A network as engines behind a front end, at one number of samples per clock on one board."""

    board: str
    samples_per_clock: int
    clocks: int
    """That each layer was given for a cell."""
    steps: dict[str, int]
    """Of layers that have more multipliers than that asks for: clocks of a beat."""
    reuse: dict[str, tuple[int, int]]
    """Of each layer with multipliers: clocks in which groups of outputs are made, and clocks of a group."""
    interval_cycles: int
    """Between cells, the engines alone; exact."""
    latency_cycles: int
    """From the last pixel in to the logits at full speed; exact."""
    cells_per_second: float
    """Of front end, engines and one memory port, for frames that arrive at the network's size."""
    latency_us: float
    """From a frame's last pixel in to the logits: of the front end and of the engines, one after the other."""
    area: AreaReport
    """Of front end and engines."""
    fits: bool
    """Within the shares of the board that may be used."""

    def engines(self, network: IntegerNetwork) -> EngineNetwork:
        """Return the engines that were planned for a network."""
        return lower(network, self.samples_per_clock, self.clocks, self.steps)


@dataclass(frozen=True)
class _Choice:
    """What engines follow from."""

    pixels: int
    clocks: int
    steps: tuple[tuple[str, int], ...] = ()

    def sooner(self, layer: str, steps: int) -> _Choice:
        """Return the same with a layer that takes so many clocks for a beat, at most."""
        return replace(self, steps=tuple((dict(self.steps) | {layer: steps}).items()))


class _Engines:
    """Engines of a network; what was made once is kept."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.made: Callable[[_Choice], EngineNetwork] = cache(
            lambda choice: lower(network, choice.pixels, choice.clocks, dict(choice.steps))
        )
        self.area: Callable[[_Choice], Area] = cache(lambda choice: network_area(self.made(choice)))
        self.of_a_cell: Callable[[_Choice], EngineClocks] = cache(lambda choice: engine_clocks(self.made(choice), 1))
        self.clocks: Callable[[_Choice], EngineClocks] = cache(lambda choice: engine_clocks(self.made(choice)))

    def soonest(self, choice: _Choice, fits: Callable[[_Choice], bool]) -> _Choice:
        """Give layers more multipliers as long as they save clocks of an answer, and fit."""

        def is_worth_it(other: _Choice) -> bool:
            saved = self.of_a_cell(choice).latency - self.of_a_cell(other).latency
            return saved >= max(self._added(choice, other), 1)

        while True:
            better = next((each for each in self._sooner(choice) if fits(each) and is_worth_it(each)), None)
            if better is None:
                return choice
            choice = better

    def _sooner(self, choice: _Choice) -> list[_Choice]:
        """Return the choices with more multipliers of one layer, the most promising first."""
        engines, told = self.made(choice), self.of_a_cell(choice)
        promised: dict[_Choice, float] = {}
        for layer in engines.engines:
            if layer.module == "weighted_sums" and layer.steps > 1:
                other = choice.sooner(layer.name, int(layer.steps * STEPS_LEFT))
                saved = 1 - self.made(other)[layer.name].steps / layer.steps
                waits = told.waits(engines, layer)
                promised[other] = waits * saved / max(self._added(choice, other), 1)
        return sorted(promised, key=lambda each: promised[each], reverse=True)

    def _added(self, choice: _Choice, other: _Choice) -> int:
        return self.made(other).multipliers - self.made(choice).multipliers


def plan_boards(
    design: Design, network: IntegerNetwork, boards: Iterable[Board] = BOARDS.values()
) -> dict[str, tuple[EnginePlan, ...]]:
    """Plan the engines of ``network`` for boards, at all numbers of samples per clock that divide its rows.

    Raises
    ------
    InputError
        If there are no engines for a layer.
    """
    made, columns = _Engines(network), network.inputs[0].shape[1]
    numbers = [number for number in design.chip.samples_supported if columns % number == 0]
    return {board.name: tuple(_plan(design, board, number, made) for number in numbers) for board in boards}


def plan_engines(design: Design, network: IntegerNetwork, board: Board, samples_per_clock: int) -> EnginePlan:
    """Plan the engines of ``network`` for a board.

    Raises
    ------
    InputError
        If there are no engines for a layer, or the samples per clock do not divide the network's rows.
    """
    return _plan(design, board, samples_per_clock, _Engines(network))


def _plan(design: Design, board: Board, pixels: int, made: _Engines) -> EnginePlan:
    """Take the fewest clocks at which front end and engines fit, or the fewest at all where none do."""
    ahead = front_end(design, pixels)
    used = ahead.uram_area if board.budget.uram > 0 else ahead.area
    beats = math.prod(made.network.inputs[0].shape[:2]) // pixels
    tried = [max(beats, ahead.interval_cycles)]
    while tried[-1] < SLOWEST * beats:
        tried.append(max(tried[-1] + 1, int(tried[-1] * STEP)))

    def fits(place: int) -> bool:
        return _within(used + made.area(_Choice(pixels, tried[place])), board)

    low, high = 0, len(tried) - 1
    if _within(used, board) and not fits(low) and fits(high):
        # More clocks take fewer multipliers.
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle) else (middle, high)
        low = high
    choice = made.soonest(
        _Choice(pixels, tried[low]), lambda other: _within(used + made.area(other), board, LATENCY_SHARES)
    )
    engines, told, area = made.made(choice), made.clocks(choice), made.area(choice)
    board_mhz = design.chip.clock_mhz if design.chip.board == board.name else board.clock_mhz
    frame = replace(design.camera, rows=design.window.rows, columns=design.window.columns)
    interval = max(ahead.interval_cycles, told.interval)
    port = board.port_bits / 8 * board_mhz * 1e6 / FrameLayout.of(frame, pixels).frame_bytes
    modules = ModuleArea(ahead.name, 1, used), ModuleArea(ENGINES, 1, area)
    return EnginePlan(
        board=board.name,
        samples_per_clock=pixels,
        clocks=choice.clocks,
        steps=dict(choice.steps),
        reuse={
            each.name: (each.parameters["REUSE"], each.parameters["SLICES"])
            for each in engines.engines
            if each.module == "weighted_sums"
        },
        interval_cycles=told.interval,
        latency_cycles=told.latency,
        cells_per_second=min(board_mhz * 1e6 / interval, port),
        latency_us=(ahead.latency_cycles + told.latency) / board_mhz,
        area=area_report(board, "estimated", used + area, modules),
        fits=_within(used + area, board),
    )


def _within(used: Area, board: Board, shares: Mapping[str, float] = SHARES) -> bool:
    return all(getattr(used, field) <= shares[field] * getattr(board.budget, field) for field in RESOURCES)
