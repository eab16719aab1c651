"""The verb ``estimate``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cytogate.model.command.dispatch import Verb

if TYPE_CHECKING:
    from cytogate.model.estimates.network import NetworkEstimate
    from cytogate.model.estimates.retrieval import BoardEstimate


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")


def _run(arguments: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from cytogate.model.design.boards import BOARDS
    from cytogate.model.design.design import design_named
    from cytogate.model.estimates.retrieval import WIDTHS, estimate

    design = design_named(arguments.design)
    found = [estimate(design, board, width) for board in BOARDS.values() for width in WIDTHS]
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _print(found)


def _print(found: list[BoardEstimate]) -> None:
    from rich.table import Table

    from cytogate.model.command.terminal import terminal

    console, first = terminal(), found[0]
    area = Table(title=f"Phase retrieval of {first.design}: resources, and share of the board")
    rates = Table(title="Cells a second by clocks, GB/s that they need, share of one memory port; latency")
    for column in ("board", "width", "DSP", "BRAM36", "URAM", "LUT", "FF"):
        area.add_column(column, justify="left" if column == "board" else "right")
    for column in ("board", "MHz", "width", f"from {first.binned.frame}", "GB/s", "port", f"from {first.raw.frame}",
                   "GB/s", "port", "us"):  # fmt: skip
        rates.add_column(column, justify="left" if column == "board" else "right")
    for each in found:
        uses_uram = "uram" in each.shares
        taken = each.retrieval.uram_area if uses_uram else each.retrieval.area
        width = str(each.retrieval.width)
        cells = [
            f"{getattr(taken, field):,.1f} ({each.shares[field]:.0%})" if field in each.shares else "-"
            for field in ("dsp", "bram36", "uram", "lut", "ff")
        ]
        area.add_row(each.board, width, *(cell.replace(".0 ", " ") for cell in cells))
        numbers = [
            text
            for rate in (each.binned, each.raw)
            for text in (
                f"{rate.cells_per_second:,.0f}",
                f"{rate.bytes_per_second / 1e9:.2f}",
                f"{rate.port_share:.0%}",
            )
        ]
        rates.add_row(each.board, f"{each.clock_mhz:g}", width, *numbers, f"{each.latency_us:.1f}")
    console.print(area)
    console.print(rates)
    for network in dict.fromkeys(each.network for each in found):
        _print_network(network, [each for each in found if each.network == network])
    for each in found:
        if each.lacking:
            console.print(
                f"Does not fit with its network: {each.board} at {each.retrieval.width} samples a clock needs "
                + "; ".join(each.lacking) + ".",
                soft_wrap=True,
            )  # fmt: skip


def _print_network(network: NetworkEstimate, having: list[BoardEstimate]) -> None:
    from rich.table import Table

    from cytogate.model.command.terminal import terminal

    rates = dict.fromkeys(f"{each.board} {each.network_cells_per_second:,.0f}" for each in having)
    table = Table(title=f"Network (estimated from shapes, nothing synthesized); cells a second: {', '.join(rates)}")
    for column in ("layer", "products a cell", "multipliers", "reuse", "clocks a cell"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    for layer in network.layers:
        table.add_row(layer.name, f"{layer.macs:,}", f"{layer.multipliers:,}", f"{layer.reuse:,}", f"{layer.cycles:,}")
    console = terminal()
    console.print(table)
    console.print(
        f"A cell every {network.interval_cycles:,} clocks; {network.area.dsp:,.0f} DSP, {network.area.lut:,.0f} LUT, "
        f"{network.weights_bram36:,.1f} BRAM36 of weights and {network.streams_bram36:,.1f} of streams.",
        soft_wrap=True,
    )


ESTIMATE = Verb("Clocks, rates and resources of a design on every board, before anything is built.", _arguments, _run)
