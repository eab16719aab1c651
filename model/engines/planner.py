"""Engines of a network for a board: as fast as what stands before them, or as what that leaves of the board allows.

The planner chooses the clocks that a cell may take. From them follow how often each layer uses its multipliers again,
whether it has any, and how deep its weights lie (:mod:`cytogate.model.engines.weights`). Clocks, multipliers and block
RAM of what it chose are exact, look-up tables and registers estimated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from cytogate.model.design.boards import BOARDS, RESOURCES, Area, Board
from cytogate.model.design.design import Design
from cytogate.model.engines.area import network_area
from cytogate.model.engines.clocks import engine_clocks
from cytogate.model.engines.lowering import lower
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report
from cytogate.model.estimates.system import front_end
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.networks.operations import IntegerNetwork

SHARES = {"lut": 0.85, "ff": 0.85, "dsp": 0.95, "bram36": 0.9, "uram": 1.0}
"""Of what a board has, that may be used: routing needs the rest."""
STEP = 1.06
"""From one number of clocks to the next one that is tried."""
SLOWEST = 16
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


class _Engines:
    """Engines of a network by pixels and clocks; what was made once is kept."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.made = cache(lambda pixels, clocks: lower(network, pixels, clocks))
        self.area = cache(lambda pixels, clocks: network_area(self.made(pixels, clocks)))
        self.clocks = cache(lambda pixels, clocks: engine_clocks(self.made(pixels, clocks)))


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


def best_plan(plans: tuple[EnginePlan, ...]) -> EnginePlan:
    """Return the fastest plan that fits, or where none does the smallest."""
    fitting = [each for each in plans if each.fits]
    return max(fitting, key=lambda each: each.cells_per_second) if fitting else plans[0]


def _plan(design: Design, board: Board, pixels: int, made: _Engines) -> EnginePlan:
    """Take the fewest clocks at which front end and engines fit, or the fewest at all where none do."""
    ahead = front_end(design, pixels)
    used = ahead.uram_area if board.budget.uram > 0 else ahead.area
    beats = math.prod(made.network.inputs[0].shape[:2]) // pixels
    tried = [max(beats, ahead.interval_cycles)]
    while tried[-1] < SLOWEST * beats:
        tried.append(int(tried[-1] * STEP))

    def fits(place: int) -> bool:
        return _within(used + made.area(pixels, tried[place]), board)

    low, high = 0, len(tried) - 1
    if _within(used, board) and not fits(low) and fits(high):
        # More clocks take fewer multipliers.
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(middle) else (middle, high)
        low = high
    clocks = tried[low]
    engines, told, area = made.made(pixels, clocks), made.clocks(pixels, clocks), made.area(pixels, clocks)
    board_mhz = design.chip.clock_mhz if design.chip.board == board.name else board.clock_mhz
    frame = replace(design.camera, rows=design.window.rows, columns=design.window.columns)
    interval = max(ahead.interval_cycles, told.interval)
    port = board.port_bits / 8 * board_mhz * 1e6 / FrameLayout.of(frame, pixels).frame_bytes
    modules = ModuleArea(ahead.name, 1, used), ModuleArea(ENGINES, 1, area)
    return EnginePlan(
        board=board.name,
        samples_per_clock=pixels,
        reuse={
            each.name: (each.parameters["REUSE"], each.parameters["SLICES"])
            for each in engines.engines
            if each.module == "weighted_sums"
        },
        clocks=clocks,
        interval_cycles=told.interval,
        latency_cycles=told.latency,
        cells_per_second=min(board_mhz * 1e6 / interval, port),
        latency_us=(ahead.latency_cycles + told.latency) / board_mhz,
        area=area_report(board, "estimated", used + area, modules),
        fits=_within(used + area, board),
    )


def _within(used: Area, board: Board) -> bool:
    return all(getattr(used, field) <= SHARES[field] * getattr(board.budget, field) for field in RESOURCES)
