"""Estimate a kernel of off-axis holograms in SystemVerilog, stage by stage, before one exists.

All of it is estimated: clocks from one value a clock through each pass, DSP from the products that the law asks for,
memories from the contract's buffers: RTL holds one frame where HLS has two, and UltraRAM, where a device has it, holds
words side by side. Look-up tables and flip-flops are those of the four-angle kernel's passes by their number
(:data:`cytogate.model.estimates.retrieval.FITTED`), and of the rest a count of adders.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import GAIN_BITS, TWIDDLE, WORD
from cytogate.model.contract.law import PASSES
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.off_axis import (
    AREA,
    CORDIC_BITS,
    CORDIC_STEPS,
    DIVISOR_FRACTION,
    MOST_CELLS,
    PHASE_TURNS,
    OffAxisContract,
    off_axis_contract,
)
from cytogate.model.design.boards import BOARDS, Area, Board
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report
from cytogate.model.estimates.network import NetworkEstimate, estimate_network
from cytogate.model.estimates.primitives import URAM_BITS, URAM_WORDS, block_rams, dsps
from cytogate.model.estimates.retrieval import FITTED
from cytogate.model.estimates.shapes import NetworkShapes

COMPLEX_PRODUCTS = 4
CELLS_A_FIELD = 3
"""In the time to a class: the last of so many."""


@dataclass(frozen=True)
class StageBudget:
    """One stage: its clocks a hologram, and what it takes."""

    name: str
    cycles: int
    """During which it is at work; another stage may be, on another hologram."""
    after: int
    """Clocks after the last pixel of the hologram at which it has ended."""
    area: Area


@dataclass(frozen=True)
class HologramEstimate:
    """An off-axis design on one board."""

    design: str
    board: str
    clock_mhz: float
    stages: tuple[StageBudget, ...]
    network: NetworkEstimate
    holograms_per_second: float
    """Back to back, by the slowest stage."""
    network_cells_per_second: float
    map_latency_us: float
    """From the last pixel of a hologram to its cells' places."""
    latency_us: float
    """To the logits of the third cell."""
    area: AreaReport

    @property
    def told(self) -> str:
        """The estimate in a sentence."""
        fits = "does not fit" if self.area.lacking else "fits"
        uses = self.area.needs if self.area.lacking else self.area.uses
        return (
            f"{self.design} {fits} {self.board}: {self.holograms_per_second:,.0f} holograms/s by clocks, "
            f"{self.network_cells_per_second:,.0f} cells/s through the network, {self.latency_us:,.0f} us from the "
            f"last pixel to the class of the third cell; {uses}."
        )


def estimate_holograms(design: Design, shapes: NetworkShapes) -> tuple[HologramEstimate, ...]:
    """Estimate a calibrated off-axis design on every board.

    Raises
    ------
    InputError
        If the design is of another kind, or not calibrated.
    """
    terms = off_axis_contract(design)
    return tuple(
        _on(board, design, stage_budget(terms, has_uram=board.budget.uram > 0), shapes) for board in BOARDS.values()
    )


def check_holograms_fit(design: Design, board: Board, shapes: NetworkShapes) -> None:
    """Raise an InputError if a calibrated off-axis design cannot fit a board."""
    terms = off_axis_contract(design)
    found = _on(board, design, stage_budget(terms, has_uram=board.budget.uram > 0), shapes)
    if found.area.lacking:
        raise InputError(
            f"{design.name} {found.area.needs} (estimated); choose another board, a smaller map or network"
        )


def stage_budget(terms: OffAxisContract, *, has_uram: bool) -> tuple[StageBudget, ...]:
    """Return the stages of one hologram in their order.

    Rows are transformed while they arrive. A turn from rows to columns waits for the whole of its input, so that each
    begins a wait of a map; the background is known when the map has been counted and summed, and a square is cut when
    its cell is known.
    """
    design = terms.design
    size, side = design.off_axis.hologram_size, design.map_size
    a_map, square = side * side, design.window.rows * design.window.columns

    def memory(*names: str) -> Area:
        return _total(_memory(terms.buffer(name), has_uram) for name in names)

    phasor = COMPLEX_PRODUCTS * dsps(WORD.width, TWIDDLE.width)
    divider = (WORD.width + DIVISOR_FRACTION) * (DIVISOR_FRACTION + 5)
    region = 6 * dsps(AREA.width, 10) + 3 * dsps(2 * AREA.width, 2 * AREA.width)
    cordic = Area(lut=3 * CORDIC_STEPS * CORDIC_BITS, ff=3 * CORDIC_STEPS * CORDIC_BITS)
    gain = Area(dsp=dsps(PHASE_TURNS.width, GAIN_BITS + 1))
    parts = (
        # Name, clocks, clocks more until it has ended, and what it takes.
        ("rows of the hologram", size * size, size, _transform(size) + memory("rows")),
        ("columns of the sideband", size * side, size * side, _transform(size)),
        ("field, columns and rows", a_map, 2 * a_map, _transform(side) + _transform(side) + memory("columns")),
        ("argument over the reference", a_map, 0, cordic + Area(dsp=phasor) + memory("reference", "wrapped")),
        ("cosine transforms", a_map, 2 * a_map, _cosine(side) + _cosine(side) + memory("cosines")),
        ("division", a_map, 0, Area(lut=divider, ff=2 * divider)),
        ("inverse cosine transforms", a_map, 2 * a_map, _cosine(side) + _cosine(side)),
        ("background", 2 * a_map, a_map, Area(lut=2_000, ff=2_000) + memory("phase", "histogram")),
        ("path delay", a_map, a_map, gain),
        ("cells", a_map, 0, Area(lut=4_000, ff=4_000, dsp=region) + memory("regions")),
        ("squares", MOST_CELLS * square, square, Area(lut=500, ff=500) + memory("delay_codes")),
    )
    found, after = [], 0
    for name, cycles, more, area in parts:
        after += more
        found.append(StageBudget(name, cycles, after, area))
    return tuple(found)


def _memory(row: Buffer, has_uram: bool) -> Area:
    """Return a buffer as RTL would hold it: once where the HLS kernel hands over whole frames."""
    copies = max(1, row.copies // 2)
    if has_uram and row.depth > URAM_WORDS:
        return Area(uram=math.ceil(copies * row.width * row.depth / (URAM_WORDS * URAM_BITS)))
    return Area(bram36=block_rams(dataclasses.replace(row, copies=copies)))


def _transform(size: int) -> Area:
    """Return one pass of a line at a value a clock, without the frame that it is turned in."""
    levels = size.bit_length() - 1
    turns = sum(COMPLEX_PRODUCTS * dsps(WORD.width + level + 2, TWIDDLE.width) for level in range(levels - 2))
    lut, ff = (FITTED[name].at(1, levels) / PASSES for name in ("lut", "ff"))
    return Area(lut=round(lut), ff=round(ff), dsp=turns)


def _cosine(side: int) -> Area:
    """Return one cosine transform of lines: a transform and a turn of each word."""
    return _transform(side) + Area(dsp=COMPLEX_PRODUCTS * dsps(WORD.width, TWIDDLE.width))


def _on(board: Board, design: Design, stages: tuple[StageBudget, ...], shapes: NetworkShapes) -> HologramEstimate:
    network = estimate_network(shapes, board.network_clocks_per_pixel)
    clock_mhz = design.chip.clock_mhz if design.chip.board == board.name else board.clock_mhz
    square = design.window.rows * design.window.columns
    # Squares leave for as many cells as there are; their greatest number sets no pace.
    slowest = max(stage.cycles for stage in stages[:-1])
    a_cell = max(square, network.interval_cycles)
    last = stages[-1].after - square + CELLS_A_FIELD * a_cell + network.latency_cycles
    used = _total(stage.area for stage in stages) + network.area
    modules = [ModuleArea(stage.name, 1, stage.area) for stage in stages]
    return HologramEstimate(
        design=design.name,
        board=board.name,
        clock_mhz=clock_mhz,
        stages=stages,
        network=network,
        holograms_per_second=clock_mhz * 1e6 / slowest,
        network_cells_per_second=clock_mhz * 1e6 / network.interval_cycles,
        map_latency_us=stages[-2].after / clock_mhz,
        latency_us=last / clock_mhz,
        area=area_report(board, "estimated", used, [*modules, ModuleArea("network", 1, network.area)]),
    )


def _total(areas: Iterable[Area]) -> Area:
    return sum(areas, Area())
