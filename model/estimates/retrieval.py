"""What a design will cost on a device and how fast it will be, before anything is built.

Clocks, DSP and block RAM of the phase retrieval follow from its structure (``fpga/rtl``) and are held against counted
clocks and against yosys in the tests. Look-up tables and flip-flops are a straight line through yosys's counts
(:data:`FITTED`). The network is estimated, see :mod:`cytogate.model.estimates.network`. No timing is predicted: clocks
a second are the board's.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import GAIN_BITS, GRADIENT, PIXEL, QUOTIENT_WORD, TWIDDLE, WORD
from cytogate.model.contract.law import PASSES, TRANSPOSES, four_angle_contract
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import RESOURCES, Area, Board
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.errors import InputError
from cytogate.model.estimates.network import NetworkEstimate, estimate_network
from cytogate.model.interface.frame_layout import FrameLayout

WIDTHS = (1, 2, 4, 8)
"""Samples a clock that the phase retrieval can be built for."""

MULTIPLIER_BITS = (25, 18)
"""Signed operands of a DSP48E1 (UG479); the 27 x 18 bits of UltraScale+ hold no more of this kernel's products."""
FIT_OPERANDS = (GRADIENT.width + 8, 24)
"""Operands of the surface fit's multiplier: a moment, 4 log2 N bits wider than these, and a gain."""

SETTLING_CYCLES = 26
"""Between frames: the last row group of a frame sets out and frees its place in the second transpose; the last column
group of the next frame is written there (10 clocks beyond its words), its offset is summed and rounded (16)."""
REGISTER_CYCLES = 126
"""Registers that a word passes from pin to pin besides those of the four transforms."""
REFILL_CYCLES = 10
"""From a place that is freed in the first transpose to columns of the next frame, besides the line that goes there."""
SURFACE_CYCLES = 20
"""For the surface's polynomials of a column group, besides six products a column."""
FIT_CYCLES, ROWS_IN_CYCLES = 166, 18
"""From a frame's last gradient: until its surface is fitted (eight clocks a lane more), and through the row pass
(two lines and its levels more). The former is longer in small frames alone."""

TURN_SLOTS, COLUMN_SLOTS, OUT_SLOTS, OTHER_SLOTS = 4, 8, 8, 2
"""Line groups that have room behind the corner turn, the columns and the last pass, and behind the other passes."""
SHALLOW_RAM_WORDS, SHALLOW_ROM_WORDS = 64, 256
"""Up to the one depth a memory, and below the other a table, goes to look-up tables, however wide."""

BLOCK_RAM_SHAPES = {
    0.5: {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512},
    1.0: {1: 32768, 2: 16384, 4: 8192, 9: 4096, 18: 2048, 36: 1024},
}
"""Words by bits of a word of RAMB18 and RAMB36 (UG473, tables 1-5 and 1-7), by what they count as a block RAM."""
BLOCK_RAM_COSTS = {0.5: 129, 1.0: 257}
SELECTOR_COST = 0.5
"""How yosys weighs a block, and a bit of each row of blocks behind the first, when it chooses a memory's shape."""
LARGE_MEMORIES = ("transpose", "bright_field")
"""Modules whose memories go to UltraRAM where a device has it."""
URAM_WORDS, URAM_BITS = 4096, 72
"""An UltraRAM (UG573)."""


@dataclass(frozen=True)
class Line:
    """``shared + lanes * (lane + level * log2 N)``."""

    shared: float
    lane: float
    level: float

    def at(self, lanes: int, levels: int) -> float:
        """Return the value for a kernel."""
        return self.shared + lanes * (self.lane + self.level * levels)


FITTED = {"lut": Line(4642, -17, 1787), "ff": Line(6897, -928, 1705)}
"""Least squares of relative differences from yosys 0.70's counts for xc7 at N = 64 and 128 and all widths, frames of
8 bits arriving at N x N. Not a law, and an extrapolation at N = 256."""
FITTED_RESIDUAL = 0.02
"""Largest relative difference that was left: 1.9 % of the look-up tables, 1.3 % of the flip-flops."""


@dataclass(frozen=True)
class RetrievalEstimate:
    """The phase retrieval at one width."""

    width: int
    """Samples a clock, pixels a beat."""
    interval_cycles: int
    """Between frames that arrive back to back at the network's size."""
    raw_interval_cycles: int
    """Between raw frames of the window alone, (N * binning)^2 pixels."""
    latency_cycles: int
    """From the last pixel of a frame in to its last pixel out, if no other frame is waiting."""
    area: Area
    """With every memory in block RAM."""
    uram_area: Area
    """With transposes and waiting bright-field pixels in UltraRAM, where a device has it: estimated."""


@dataclass(frozen=True)
class Rate:
    """Cells a second of the phase retrieval on a board."""

    frame: str
    """What arrives."""
    bytes_per_cell: int
    cells_per_second: float
    """By clocks alone."""
    bytes_per_second: float
    """What that rate needs of the memory port."""
    port_share: float
    """Of one port; above 1 the port sets the pace."""
    through_port_per_second: float
    """Cells a second that clocks and one port allow."""


@dataclass(frozen=True)
class BoardEstimate:
    """A design at one width on one board."""

    design: str
    board: str
    clock_mhz: float
    port_bytes_per_second: float
    retrieval: RetrievalEstimate
    latency_us: float
    binned: Rate
    raw: Rate
    network: NetworkEstimate
    network_cells_per_second: float
    total: Area
    """Retrieval and network; DMA, interconnect and resets around them are not in it."""
    shares: dict[str, float]
    """Of the board's budget, by resource, what the phase retrieval takes."""
    lacking: tuple[str, ...]
    """Resources that the whole needs more of than the board has, each with both figures; empty where it fits."""

    def check(self) -> None:
        """Raise InputError if the design cannot fit the board."""
        if self.lacking:
            raise InputError(
                f"design {self.design} at {self.retrieval.width} samples a clock does not fit {self.board}: "
                f"it needs {'; '.join(self.lacking)} (estimated); choose another width, board or network"
            )


def estimate(design: Design, board: Board, width: int) -> BoardEstimate:
    """Estimate ``design`` with ``width`` samples a clock on ``board`` at the board's clock."""
    retrieval, network = estimate_retrieval(design, width), estimate_network(design, board.network_clocks_per_pixel)
    clocks_per_second = board.clock_mhz * 1e6
    uses_uram = board.budget.uram > 0
    area = retrieval.uram_area if uses_uram else retrieval.area
    total = area + network.area
    window = design.size * design.binning

    def rate(frame: str, extent: int, cycles: int) -> Rate:
        camera = dataclasses.replace(design.four_angle, rows=extent, columns=extent)
        size = FrameLayout.of(camera, width).frame_bytes
        cells = clocks_per_second / cycles
        return Rate(
            frame=frame,
            bytes_per_cell=size,
            cells_per_second=cells,
            bytes_per_second=cells * size,
            port_share=cells * size / board.port_bytes_per_second,
            through_port_per_second=min(cells, board.port_bytes_per_second / size),
        )

    return BoardEstimate(
        design=design.name,
        board=board.name,
        clock_mhz=board.clock_mhz,
        port_bytes_per_second=board.port_bytes_per_second,
        retrieval=retrieval,
        latency_us=retrieval.latency_cycles / board.clock_mhz,
        binned=rate(f"{design.size}x{design.size}", design.size, retrieval.interval_cycles),
        raw=rate(f"{window}x{window}", window, retrieval.raw_interval_cycles),
        network=network,
        network_cells_per_second=clocks_per_second / network.interval_cycles,
        total=total,
        shares=_shares(area, board),
        lacking=tuple(
            f"{getattr(total, field):,.1f} {name} of {getattr(board.budget, field):,.0f}"
            for field, name in RESOURCES.items()
            if getattr(total, field) > getattr(board.budget, field)
        ),
    )


def estimate_retrieval(design: Design, width: int) -> RetrievalEstimate:
    """Estimate the phase retrieval of ``design`` at ``width`` samples a clock.

    A pass takes N^2 / width clocks; three frames are at work at once, so that is the interval, too, unless the surface
    of small and wide frames takes longer than its columns. After a frame's
    last pixel two passes remain, columns and rows, for the rows went along with the pixels. Ten lines' time is added:
    a corner turn at either end, and in each of four transforms a line of delay feedback and a line that waits for its
    exponent; and the registers, eight a level that multiplies.
    """
    if width not in WIDTHS:
        raise InputError(f"a width of {width} samples a clock is asked for; 1, 2, 4 and 8 are supported")
    size, levels = design.size, design.size.bit_length() - 1
    groups, a_pass = size // width, size * size // width
    pace = max(size, 6 * width + SURFACE_CYCLES)
    columns = (groups - 1) * pace + size + REFILL_CYCLES
    interval = max(a_pass + SETTLING_CYCLES, columns)
    # Columns set out when the rows are in, and when the surface is fitted to the last of them.
    rows_in, fitted = 2 * size + 8 * (levels - 2) + ROWS_IN_CYCLES, 8 * width + FIT_CYCLES
    waiting = max(0, fitted - rows_in) + (groups - 1) * (pace - size)
    raw = (size * design.binning) ** 2 // width
    fitted_area = Area(lut=FITTED["lut"].at(width, levels), ff=FITTED["ff"].at(width, levels))
    area = sum(retrieval_modules(design, width).values(), fitted_area)
    moved = [row for row in _memories(design, width) if row.name in LARGE_MEMORIES]
    return RetrievalEstimate(
        width=width,
        interval_cycles=interval,
        raw_interval_cycles=max(interval, raw),
        latency_cycles=2 * a_pass + 10 * size + PASSES * (8 * (levels - 2) + 3) + REGISTER_CYCLES + waiting,
        area=area,
        uram_area=area + Area(bram36=-sum(map(_block_rams, moved)), uram=float(sum(map(_urams, moved)))),
    )


def retrieval_modules(design: Design, width: int) -> dict[str, Area]:
    """Return DSP and block RAM of the phase retrieval by module of ``fpga/rtl``, all instances of one together."""
    parts: dict[str, Area] = {}
    for name, dsp in _multipliers(design, width).items():
        parts[name] = parts.get(name, Area()) + Area(dsp=dsp)
    for row in _memories(design, width):
        parts[row.name] = parts.get(row.name, Area()) + Area(bram36=_block_rams(row))
    return parts


def _shares(area: Area, board: Board) -> dict[str, float]:
    return {
        field: getattr(area, field) / getattr(board.budget, field)
        for field in RESOURCES
        if getattr(board.budget, field) > 0
    }


def _multipliers(design: Design, width: int) -> dict[str, int]:
    """Multipliers of the phase retrieval by module, in DSP slices."""
    terms, levels = four_angle_contract(design), design.size.bit_length() - 1
    u, uu = levels + 1, 2 * levels + 1  # bits of a coordinate and of its square
    one, weighted = GRADIENT.width + levels, GRADIENT.width + 2 * levels  # a row's sums, plain and times u
    # Four products a complex one. The last two levels turn by quarters and need none.
    turns = sum(4 * _dsps(QUOTIENT_WORD.width + level + 1, TWIDDLE.width) for level in range(levels - 2))
    along_a_row = _dsps(GRADIENT.width, u) + _dsps(GRADIENT.width, uu)
    of_rows = _dsps(one, u) + _dsps(one, uu) + _dsps(weighted, u)
    squares = 2 * _dsps(u, u)
    axes = sum(_dsps(GRADIENT.width, TWIDDLE.width) for gain in terms.gradient_gains if not _is_power_of_two(gain))
    return {
        "gradient": width * axes,
        "moments": width * 2 * along_a_row + squares + of_rows,
        "surface_fit": _dsps(FIT_OPERANDS[0] + 4 * levels, FIT_OPERANDS[1]),
        "transform": width * PASSES * turns,
        "surface_columns": 2 * _dsps(terms.surface.coefficient_bits, TWIDDLE.width),
        "quotient": width * 4 * _dsps(WORD.width, TWIDDLE.width),
        "phase_code": width * _dsps(WORD.width, GAIN_BITS + 1),
    }


def _dsps(bits: int, other_bits: int) -> int:
    """Slices of a signed product: parts of an operand but the highest are unsigned and have a bit less."""
    operands = sorted((bits, other_bits), reverse=True)
    return math.prod(max(1, -(-(mine - 1) // (most - 1))) for mine, most in zip(operands, MULTIPLIER_BITS, strict=True))


def _is_power_of_two(value: int) -> bool:
    return value & (value - 1) == 0


def _memories(design: Design, width: int) -> list[Buffer]:
    """Memories of the phase retrieval that may become block RAM, as its lanes hold them, by the module's name."""
    terms, size = four_angle_contract(design), design.size
    levels, groups = size.bit_length() - 1, size // width
    grown, word = 2 * (QUOTIENT_WORD.width + levels), 2 * WORD.width
    row_slots = 4 if size > 64 else 8
    slots = (row_slots, OTHER_SLOTS, COLUMN_SLOTS, OTHER_SLOTS)
    bright_groups = TRANSPOSES * groups + TURN_SLOTS + row_slots + COLUMN_SLOTS
    rams = [
        Buffer("transpose", "a frame between rows and columns", word, size * groups, TRANSPOSES * width),
        Buffer("bright_field", "pixels wait for their phase", width * ANGLES * PIXEL.width, bright_groups * size),
        *(Buffer("normalize", "lines wait for their exponent", grown, count * size, width) for count in slots),
        Buffer("corner_turn", "rows side by side", word, TURN_SLOTS * size, width),
        Buffer("corner_turn", "and back", PIXEL.width, OUT_SLOTS * size, width),
    ]
    if design.binning > 1:
        rams.append(Buffer("binning", "sums of rows above", width * ANGLES * terms.binned.width, groups))
    roms = [
        Buffer("gradient", "logarithms of two samples through two ports", terms.buffer("log_rom").width,
               1 << terms.log_address_bits, ANGLES // 2 * width),
        Buffer("quotient", "two frequencies through two ports", TWIDDLE.width, (size // 2) ** 2, width),
    ]  # fmt: skip
    return [row for row in rams if row.depth > SHALLOW_RAM_WORDS] + [
        row for row in roms if row.depth >= SHALLOW_ROM_WORDS
    ]


def _block_rams(row: Buffer) -> float:
    """Block RAMs of a memory: blocks of one kind and shape, and of those that would do the least costly.

    An upper bound where the last row of blocks is not full: now and then yosys folds it into fewer blocks.
    """
    best, taken = math.inf, 0.0
    for size, shapes in BLOCK_RAM_SHAPES.items():
        for bits, words in shapes.items():
            rows = -(-row.depth // words)
            blocks = -(-row.width // bits) * rows
            cost = blocks * BLOCK_RAM_COSTS[size] + (rows - 1) * row.width * SELECTOR_COST
            if cost < best:
                best, taken = cost, blocks * size
    return row.copies * taken


def _urams(row: Buffer) -> int:
    return row.copies * -(-row.width // URAM_BITS) * -(-row.depth // URAM_WORDS)
