"""Verbs of this room. Light to import: each verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cytogate.model.command.arguments import add_cells, add_design, add_output, design_of
from cytogate.model.command.dispatch import Verb
from cytogate.model.design.new import KINDS, new_design

if TYPE_CHECKING:
    from cytogate.model.estimates.network import NetworkEstimate
    from cytogate.model.estimates.retrieval import BoardEstimate

EXPERIMENTS = ("meng2017", "meng2018", "dcnn", "topgan", "dcae", "jurkat")
"""Each is a folder of ``model/experiments``."""


def _new_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder to make; its name is the design's")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--like", metavar="NAME|FOLDER", help="copy the choices of this design, not its network")
    source.add_argument("--kind", choices=KINDS, default="four-angle", help="kind of the instrument")


def _new(arguments: argparse.Namespace) -> None:
    path = new_design(arguments.folder, arguments.like, arguments.kind)
    print(f"written: {path}; edit it, then `cytogate csim --design {arguments.folder}`")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_cells(parser, "simulated cells, split 76/8/16", 30_000)
    parser.add_argument(
        "--control-cells", type=int, default=6000, help="cells whose background alone the control learns from"
    )
    parser.add_argument("--data-seed", type=int, default=1000, help="seed of the simulated cells")
    parser.add_argument("--seed", type=int, default=1, help="seed of split, initialization and order")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of each network")
    parser.add_argument("--fine-tune-epochs", type=int, default=6, help="epochs with snapped batch normalization")
    parser.add_argument("--work", type=Path, default=Path("out/train"), help="folder of data and unfinished trainings")


def _train(arguments: argparse.Namespace) -> None:
    from cytogate.model.train import TrainRequest, run_train
    from cytogate.model.training.recipes import TrainingPlan

    plan = TrainingPlan(seed=arguments.seed, epochs=arguments.epochs, fine_tune_epochs=arguments.fine_tune_epochs)
    run_train(
        TrainRequest(
            design=design_of(arguments),
            plan=plan,
            cells=arguments.cells,
            control_cells=arguments.control_cells,
            data_seed=arguments.data_seed,
            work=arguments.work,
        )
    )


def _experiment_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=EXPERIMENTS, metavar="NAME", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument(
        "--scale",
        choices=("small", "full"),
        default="small",
        help="small: under ten minutes on two cores, the page says what was shrunk; full: as published",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of data, splits, initial weights and order")
    parser.add_argument(
        "--work", type=Path, default=Path("out/experiments/work"), help="folder of unfinished trainings, gone on with"
    )
    add_output(parser, Path("out/experiments"), "receives a folder NAME-SCALE with README.md, CSV, PNG and report.json")


def _experiment(arguments: argparse.Namespace) -> None:
    from cytogate.model.experiments.job import ExperimentRequest, run_experiment
    from cytogate.model.experiments.setting import Scale

    run_experiment(
        ExperimentRequest(
            name=arguments.name,
            scale=Scale(arguments.scale),
            seed=arguments.seed,
            work=arguments.work,
            output=arguments.output,
        )
    )


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_cells(parser, "how many cells", 1000)
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same cells, however many")
    parser.add_argument(
        "--classes",
        metavar="NAME,NAME",
        help="cell lines in equal numbers, in the order of their labels: MCF7, OAC, OST, PBMC, THP1, MB231 "
        "(default: the classes of the design's network)",
    )
    parser.add_argument(
        "--difficulty",
        type=float,
        default=1.0,
        help="factor of the spread between cells of a class: 0 is easy, 2 is hard",
    )
    parser.add_argument(
        "--run",
        dest="shading_run",
        type=int,
        metavar="NUMBER",
        help="all cells share the shading of this run of the instrument, as its empty field does "
        "(default: each cell has a shading of its own)",
    )
    parser.add_argument(
        "--empty-field", action="store_true", help="background frames, without cells, of as many exposures"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="a .h5, .hdf5, .tif or .tiff file to write"
    )


def _simulate(arguments: argparse.Namespace) -> None:
    design = design_of(arguments)
    given = arguments.classes
    class_names = design.network.class_names if given is None else tuple(given.split(","))

    from cytogate.model.simulation.simulator import SimulatedCells
    from cytogate.model.simulation.write import write_cells

    cells = SimulatedCells(
        acquisition=design.four_angle,
        class_names=class_names,
        cells=arguments.cells,
        seed=arguments.seed,
        difficulty=arguments.difficulty,
        run=arguments.shading_run,
    )
    write_cells(cells, arguments.output, empty_field=arguments.empty_field)
    print(f"{arguments.output}: {len(cells)} simulated {'empty fields' if arguments.empty_field else 'cells'}")


def _estimate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")


def _estimate(arguments: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from cytogate.model.design.boards import BOARDS
    from cytogate.model.estimates.retrieval import WIDTHS, estimate

    design = design_of(arguments)
    found = [estimate(design, board, width) for board in BOARDS.values() for width in WIDTHS]
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _print_estimates(found)


def _print_estimates(found: list[BoardEstimate]) -> None:
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


NEW = Verb("Write the folder of a design of your own: a commented design.toml to edit.", _new_arguments, _new)
SIMULATE = Verb("Simulate cells seen by a four-angle instrument, as HDF5 or TIFF.", _simulate_arguments, _simulate)
ESTIMATE = Verb(
    "Clocks, rates and resources of a design on every board, before anything is built.", _estimate_arguments, _estimate
)
TRAIN = Verb(
    "Train a design's network, its float form and a control, on simulated cells; goes on where it was stopped.",
    _train_arguments,
    _train,
)
EXPERIMENT = Verb(
    "Repeat a paper's experiment at a chosen scale: its tables and figures as a page, CSV, PNG and JSON.",
    _experiment_arguments,
    _experiment,
)
