"""Engines of a network for a board: as fast as what stands before them, or as what that leaves of the board allows.

The planner chooses the clocks that a cell may take. From them follow how often each layer uses its multipliers again,
whether it has any, and where its weights lie (:mod:`cytogate.model.engines.weights`). Clocks, multipliers and block RAM
of what it chose are exact, look-up tables and registers estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from cytogate.model.design.boards import BOARDS, RESOURCES, Area, Board
from cytogate.model.design.design import SAMPLES_PER_CLOCK, Design
from cytogate.model.engines.lowering import lower
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report
from cytogate.model.estimates.engine_area import network_area
from cytogate.model.estimates.engine_clocks import engine_clocks
from cytogate.model.estimates.system import front_end
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.networks.operations import IntegerNetwork

SHARES = {"lut": 0.85, "ff": 0.85, "dsp": 0.95, "bram36": 0.9, "uram": 1.0}
"""Of what a board has, that may be used: routing needs the rest."""
STEP = 1.06
"""From one number of clocks to the next one that is tried."""
SLOWEST = 64
"""Clocks that are tried at most, in those of the input."""
ENGINES = "network engines"


@dataclass(frozen=True)
class EnginePlan:
    """A network as engines behind a front end, at one number of samples per clock on one board."""

    board: str
    samples_per_clock: int
    reuse: dict[str, tuple[int, int]]
    """Of each layer with multipliers: clocks in which groups of outputs are made, and clocks of a group."""
    clocks: int
    """That each layer was given for a cell."""
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


@dataclass(frozen=True)
class _Engines:
    """What engines take, by the clocks that they were given."""

    interval: int
    latency: int
    area: Area
    reuse: dict[str, tuple[int, int]]


def plan_board(
    design: Design, board: Board, network: IntegerNetwork, made: Callable[[int, int], _Engines] | None = None
) -> tuple[EnginePlan, ...]:
    """Plan the engines of ``network`` for ``board`` at all numbers of samples per clock that divide its rows.

    Raises
    ------
    InputError
        If there are no engines for a layer.
    """
    made = made or _maker(network)
    columns = network.inputs[0].shape[1] if len(network.inputs[0].shape) == 3 else 1
    numbers = [number for number in SAMPLES_PER_CLOCK if columns % number == 0]
    return tuple(_plan(design, board, network, number, made) for number in numbers)


def plan_boards(design: Design, network: IntegerNetwork) -> dict[str, tuple[EnginePlan, ...]]:
    """Plan the engines of ``network`` for every board, by the board's name."""
    made = _maker(network)
    return {board.name: plan_board(design, board, network, made) for board in BOARDS.values()}


def best_plan(plans: tuple[EnginePlan, ...]) -> EnginePlan:
    """Return the fastest plan that fits, or where none does the smallest."""
    fitting = [each for each in plans if each.fits]
    return max(fitting, key=lambda each: each.cells_per_second) if fitting else plans[0]


def _maker(network: IntegerNetwork) -> Callable[[int, int], _Engines]:
    @cache
    def make(pixels: int, clocks: int) -> _Engines:
        engines = lower(network, pixels, clocks)
        told = engine_clocks(engines)
        reuse = {
            each.name: (each.parameters["REUSE"], each.parameters["SLICES"])
            for each in engines.engines
            if each.module == "weighted_sums"
        }
        return _Engines(told.interval, told.latency, network_area(engines), reuse)

    return make


def _plan(
    design: Design, board: Board, network: IntegerNetwork, pixels: int, made: Callable[[int, int], _Engines]
) -> EnginePlan:
    """Take the fewest clocks at which front end and engines fit; the most of those that are tried where none do."""
    ahead = front_end(design, pixels)
    used = ahead.uram_area if board.budget.uram > 0 else ahead.area
    beats = math.prod(network.inputs[0].shape[:2]) // pixels
    tried = [max(beats, ahead.interval_cycles)]
    while tried[-1] < SLOWEST * beats:
        tried.append(int(tried[-1] * STEP))
    # More clocks take fewer multipliers.
    low, high = 0, len(tried) - 1
    while low < high:
        middle = 0 if (low, high) == (0, len(tried) - 1) else (low + high) // 2
        if _within(used + made(pixels, tried[middle]).area, board):
            high = middle
        else:
            low = middle + 1
    engines = made(pixels, tried[low])
    board_mhz = design.chip.clock_mhz if design.chip.board == board.name else board.clock_mhz
    frame = replace(design.camera, rows=design.window.rows, columns=design.window.columns)
    interval = max(ahead.interval_cycles, engines.interval)
    port = board.port_bits / 8 * board_mhz * 1e6 / FrameLayout.of(frame, pixels).frame_bytes
    modules = ModuleArea(ahead.name, 1, used), ModuleArea(ENGINES, 1, engines.area)
    return EnginePlan(
        board=board.name,
        samples_per_clock=pixels,
        reuse=engines.reuse,
        clocks=tried[low],
        interval_cycles=engines.interval,
        latency_cycles=engines.latency,
        cells_per_second=min(board_mhz * 1e6 / interval, port),
        latency_us=(ahead.latency_cycles + engines.latency) / board_mhz,
        area=area_report(board, "estimated", used + engines.area, modules),
        fits=_within(used + engines.area, board),
    )


def _within(used: Area, board: Board) -> bool:
    return all(getattr(used, field) <= SHARES[field] * getattr(board.budget, field) for field in RESOURCES)
