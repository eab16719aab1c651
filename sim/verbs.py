"""Verbs of this room."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.errors import InputError

EVALUATION_SEED = 7_000
"""Simulated cells of this seed are seen by no training."""


def _csim_arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help="frames of your own: NPZ, HDF5, Zarr or TIFF, four a cell (+x, -x, +y, -y); simulated cells otherwise",
    )
    parser.add_argument(
        "--background",
        type=Path,
        metavar="FILE",
        help="empty-field frames of the same instrument, for a flat field of each angle",
    )
    parser.add_argument("--optics", type=Path, metavar="FILE", help="TOML file of optical constants of your instrument")
    parser.add_argument("--cells", type=int, default=64, help="cells in C-simulation")
    parser.add_argument(
        "--agreement-cells", type=int, default=1024, help="cells in the float and the integer chain, those among them"
    )
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED, help="seed of the simulated cells")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="trained weights of your own (default: those of the package)"
    )
    parser.add_argument("--stages", type=Path, metavar="FILE", help="write every stage's arrays to this NPZ")
    parser.add_argument("--output", type=Path, default=Path("out/csim"), help="folder of the report and the picture")


def _csim(arguments: argparse.Namespace) -> None:
    if arguments.cells < 1:
        raise InputError(f"--cells is {arguments.cells}; at least one cell is needed")
    if arguments.agreement_cells < arguments.cells:
        raise InputError(f"--agreement-cells is {arguments.agreement_cells}; it must not be below --cells")
    from cytogate.model.networks.saved import SHIPPED
    from cytogate.sim.csim.job import CSimRequest, run_csim

    run_csim(
        CSimRequest(
            design=arguments.design,
            input=arguments.input,
            background=arguments.background,
            optics=arguments.optics,
            cells=arguments.cells,
            agreement_cells=arguments.agreement_cells,
            seed=arguments.seed,
            weights=arguments.weights or SHIPPED,
            stages=arguments.stages,
            output=arguments.output,
        )
    )


CSIM = Verb("Frames to class in C-simulation, every word compared with the integer model.", _csim_arguments, _csim)


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument("--cells", type=int, default=16, help="simulated cells that every way is timed on")
    parser.add_argument("--output", type=Path, default=Path("out/bench"), help="folder of the report")


def _bench(arguments: argparse.Namespace) -> None:
    if arguments.cells < 1:
        raise InputError(f"--cells is {arguments.cells}; at least one cell is needed")
    from cytogate.sim.speed import run_bench

    run_bench(arguments.design, arguments.cells, arguments.output)


BENCH = Verb("Speed on this computer: each level beside a peer, as ratios.", _bench_arguments, _bench)


def _twin_arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument(
        "source", type=Path, metavar="FOLDER", help="page of an experiment with a trained twin, as model/results/NAME"
    )
    parser.add_argument("--design", default=DEFAULT_DESIGN, help="gives board and clock")
    parser.add_argument("--output", type=Path, default=Path("out/twin"), help="folder of project and report")


def _twin(arguments: argparse.Namespace) -> None:
    from cytogate.sim.csim.twin import run_twin

    run_twin(arguments.source, arguments.design, arguments.output)


TWIN = Verb("A trained twin of a paper's network in C-simulation, every word compared.", _twin_arguments, _twin)
