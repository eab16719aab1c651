"""A whole design on a board: front end and network, cells a second, latency, what fits and what is lacking.

Everything is estimated before anything is built; no timing is predicted: clocks a second are the design's, or the
board's where it is not the design's own. DMA, interconnect and resets around the two are not counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from cytogate.model.design.boards import BOARDS, Board
from cytogate.model.design.design import FFT, Design
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report, samples
from cytogate.model.estimates.codes import estimate_codes
from cytogate.model.estimates.front_end import FrontEndEstimate
from cytogate.model.estimates.network import NetworkEstimate, estimate_network
from cytogate.model.estimates.recursion import estimate_recursion
from cytogate.model.estimates.retrieval import estimate_retrieval
from cytogate.model.estimates.shapes import NetworkShapes
from cytogate.model.interface.frame_layout import FrameLayout

NETWORK, PORT, PIXELS = "network", "memory port", "raw pixels"


@dataclass(frozen=True)
class Rate:
    """Frames of one size through the front end and one port of the board's memory."""

    frame: str
    """Rows and columns of what arrives."""
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
class SystemEstimate:
    """A design at one number of samples per clock on one board."""

    design: str
    board: str
    clock_mhz: float
    samples_per_clock: int
    front_end: FrontEndEstimate
    network: NetworkEstimate
    binned: Rate
    """If the camera's side crops and bins."""
    raw: Rate
    """If the camera's side crops."""
    sent: Rate
    """Whole frames, as the instrument has them."""
    network_cells_per_second: float
    cells_per_second: float
    """Of whole frames through everything."""
    binned_cells_per_second: float
    """The same if the camera's side crops and bins."""
    limited_by: str
    """What sets that pace: ``network``, ``memory port``, ``raw pixels`` that enter, or the front end's name."""
    front_end_latency_us: float
    """From the last pixel of a frame in to the last one of the network's input."""
    latency_us: float
    """From the last pixel of a frame in to its logits."""
    area: AreaReport

    @property
    def fits(self) -> bool:
        """Whether the board has all that is needed."""
        return not self.area.lacking


@dataclass(frozen=True)
class BoardFit:
    """A design on one board, from few to many samples per clock."""

    design: str
    board: str
    samples_per_clock: int | None
    """The fewest that are as fast as any that fit; None where none fit."""
    told: str
    """The same in words, with what a higher number lacks."""
    estimates: tuple[SystemEstimate, ...]


def estimate(design: Design, board: Board, samples_per_clock: int, shapes: NetworkShapes) -> SystemEstimate:
    """Estimate ``design`` with a network of these shapes on ``board``.

    Raises
    ------
    InputError
        If the samples per clock are not supported.
    """
    ahead = front_end(design, samples_per_clock)
    network = estimate_network(shapes, board.network_clocks_per_pixel)
    clock_mhz = design.chip.clock_mhz if design.chip.board == board.name else board.clock_mhz
    clocks_per_second = clock_mhz * 1e6
    port_bytes_per_second = board.port_bits / 8 * clocks_per_second

    def rate(rows: int, columns: int, cycles: int) -> Rate:
        arriving = dataclasses.replace(design.camera, rows=rows, columns=columns)
        size, cells = FrameLayout.of(arriving, samples_per_clock).frame_bytes, clocks_per_second / cycles
        return Rate(
            frame=f"{rows}x{columns}",
            bytes_per_cell=size,
            cells_per_second=cells,
            bytes_per_second=cells * size,
            port_share=cells * size / port_bytes_per_second,
            through_port_per_second=min(cells, port_bytes_per_second / size),
        )

    rows, columns = design.camera.rows, design.camera.columns
    binned = rate(design.window.rows, design.window.columns, ahead.interval_cycles)
    sent = rate(rows, columns, max(ahead.raw_interval_cycles, rows * -(-columns // samples_per_clock)))
    network_rate = clocks_per_second / network.interval_cycles
    # The network begins with the first pixel that leaves and may take longer than they take to leave.
    behind = max(0, network.interval_cycles - ahead.output_cycles) + network.latency_cycles
    return SystemEstimate(
        design=design.name,
        board=board.name,
        clock_mhz=clock_mhz,
        samples_per_clock=samples_per_clock,
        front_end=ahead,
        network=network,
        binned=binned,
        raw=rate(*design.window.raw, ahead.raw_interval_cycles),
        sent=sent,
        network_cells_per_second=network_rate,
        cells_per_second=min(sent.through_port_per_second, network_rate),
        binned_cells_per_second=min(binned.through_port_per_second, network_rate),
        limited_by=_limit(sent, network_rate, ahead, clocks_per_second),
        front_end_latency_us=ahead.latency_cycles / clock_mhz,
        latency_us=(ahead.latency_cycles + behind) / clock_mhz,
        area=_area(board, ahead, network),
    )


def front_end(design: Design, samples_per_clock: int) -> FrontEndEstimate:
    """Estimate what stands before the network of ``design``."""
    if design.retrieves_phase:
        by_law = estimate_retrieval if design.chip.retrieval == FFT else estimate_recursion
        return by_law(design, samples_per_clock)
    camera, window = design.camera, design.window
    return estimate_codes(
        len(camera.channels), window.rows, window.columns, window.binning, camera.adc_bits, samples_per_clock
    )


def fit_board(design: Design, board: Board, shapes: NetworkShapes) -> BoardFit:
    """Estimate ``design`` on ``board`` at all numbers of samples per clock and say which fits."""
    found = tuple(estimate(design, board, number, shapes) for number in design.chip.samples_supported)
    best = max((each for each in found if each.fits), key=lambda each: each.cells_per_second, default=None)
    return BoardFit(
        design.name, board.name, None if best is None else best.samples_per_clock, _told(found, best), found
    )


def fit_boards(design: Design, shapes: NetworkShapes) -> tuple[BoardFit, ...]:
    """Estimate ``design`` on every board."""
    return tuple(fit_board(design, board, shapes) for board in BOARDS.values())


def check_fit(design: Design, board: Board, samples_per_clock: int, shapes: NetworkShapes) -> None:
    """Raise an InputError if a design cannot fit a board, with what would fit.

    Raises
    ------
    InputError
        In that case, and if the samples per clock are not supported.
    """
    asked = estimate(design, board, samples_per_clock, shapes)
    if asked.fits:
        return
    best = fit_board(design, board, shapes).samples_per_clock
    instead = (
        "No number of samples per clock fits; choose another board, window or network"
        if best is None
        else f"It fits at {samples(best)}"
    )
    raise InputError(f"{design.name} at {samples(samples_per_clock)} {asked.area.needs} (estimated). {instead}")


def _limit(sent: Rate, network_rate: float, front_end: FrontEndEstimate, clocks_per_second: float) -> str:
    if network_rate <= sent.through_port_per_second:
        return NETWORK
    if sent.through_port_per_second < sent.cells_per_second:
        return PORT
    paced_by_front_end = sent.cells_per_second == clocks_per_second / front_end.interval_cycles
    return front_end.name if paced_by_front_end else PIXELS


def _area(board: Board, front_end: FrontEndEstimate, network: NetworkEstimate) -> AreaReport:
    front_end_area = front_end.uram_area if board.budget.uram > 0 else front_end.area
    modules = ModuleArea(front_end.name, 1, front_end_area), ModuleArea(NETWORK, 1, network.area)
    return area_report(board, "estimated", front_end_area + network.area, modules)


def _told(found: Sequence[SystemEstimate], best: SystemEstimate | None) -> str:
    """Say at how many samples per clock a design fits, how fast that is, and why not at more."""
    if best is None:
        first = found[0]
        return (
            f"{first.design} does not fit {first.board}: at {samples(first.samples_per_clock)} it {first.area.needs}."
        )
    told = (
        f"{best.design} fits {best.board} at {samples(best.samples_per_clock)}: {best.cells_per_second:,.0f} cells/s "
        f"(limited by the {best.limited_by}{_if_binned(best)}), {best.latency_us:,.0f} us from the last pixel to the "
        f"class, {best.area.uses}."
    )
    more = next((each for each in found if each.samples_per_clock > best.samples_per_clock), None)
    if more is None:
        return told
    beyond = "is no faster" if more.fits else more.area.needs
    return f"{told} At {samples(more.samples_per_clock)} it {beyond}."


def _if_binned(found: SystemEstimate) -> str:
    if found.binned_cells_per_second <= found.cells_per_second:
        return ""
    return f"; {found.binned_cells_per_second:,.0f} if frames arrive as {found.binned.frame}"
