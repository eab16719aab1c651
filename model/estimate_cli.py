"""The verb ``estimate``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cytogate.model.command.dispatch import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from cytogate.model.estimates.network import NetworkEstimate
    from cytogate.model.estimates.system import BoardFit, SystemEstimate

LIMITS = (
    "Estimated before anything is built: DMA and interconnect are not counted, and whether timing is met is not known."
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")


def _run(arguments: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from cytogate.model.design.design import design_named
    from cytogate.model.estimates.shapes import planned_shapes
    from cytogate.model.estimates.system import fit_boards

    design = design_named(arguments.design)
    found = fit_boards(design, planned_shapes(design))
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _print(found)


def _print(found: Sequence[BoardFit]) -> None:
    """Print tables first, so that the sentences stand where a reader's eye is when the command ends."""
    from cytogate.model.command.terminal import terminal
    from cytogate.model.estimates.area import area_table, samples

    console = terminal()
    shown = [_shown(each) for each in found]
    for network in dict.fromkeys(each.network for each in shown):
        console.print(_network_table(network, [each for each in shown if each.network == network]))
    for each in shown:
        console.print(area_table(f"{each.design} on {each.board}, {samples(each.samples_per_clock)}", each.area))
    console.print(_rates_table([each for fit in found for each in fit.estimates]))
    for fit in found:
        console.print(fit.told, soft_wrap=True)
    console.print(LIMITS, soft_wrap=True)


def _shown(fit: BoardFit) -> SystemEstimate:
    """Return the estimate that fits at the most samples per clock, or else the smallest."""
    return next((each for each in fit.estimates if each.samples_per_clock == fit.samples_per_clock), fit.estimates[0])


def _rates_table(found: Sequence[SystemEstimate]) -> Table:
    from rich.table import Table

    front_end = found[0].front_end
    table = Table(
        title=f"Cells/s that frames of three sizes allow, GB/s they need; us of the {front_end.name}, and in all"
    )
    for name in ("board", "MHz", "samples per clock"):
        table.add_column(name, justify="left" if name == "board" else "right")
    for rate in (found[0].sent, found[0].raw, found[0].binned):
        table.add_column(rate.frame, justify="right")
        table.add_column("GB/s", justify="right")
    for name in ("network", "us", "us in all"):
        table.add_column(name, justify="right")
    for each in found:
        rates = [
            text
            for rate in (each.sent, each.raw, each.binned)
            for text in (f"{rate.through_port_per_second:,.0f}", f"{rate.bytes_per_second / 1e9:.2f}")
        ]
        table.add_row(
            each.board,
            f"{each.clock_mhz:g}",
            str(each.samples_per_clock),
            *rates,
            f"{each.network_cells_per_second:,.0f}",
            f"{each.front_end_latency_us:,.1f}",
            f"{each.latency_us:,.0f}",
        )
    return table


def _network_table(network: NetworkEstimate, having: Sequence[SystemEstimate]) -> Table:
    from rich.table import Table

    boards = ", ".join(f"{each.network_cells_per_second:,.0f} cells/s on {each.board}" for each in having)
    table = Table(
        title=f"Network, estimated from its shapes: {boards}",
        caption=f"A cell every {network.interval_cycles:,} clocks; {network.weights_bram36:,.1f} BRAM36 of weights and "
        f"{network.streams_bram36:,.1f} of streams.",
    )
    for column in ("layer", "MACs per cell", "multipliers", "reuse", "clocks per cell"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    for layer in network.layers:
        table.add_row(layer.name, f"{layer.macs:,}", f"{layer.multipliers:,}", f"{layer.reuse:,}", f"{layer.cycles:,}")
    return table


ESTIMATE = Verb("Clocks, rates and resources of a design on every board, before anything is built.", _arguments, _run)
