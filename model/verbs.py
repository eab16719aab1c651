"""Verbs of this room. Light to import: each verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.design.design import DEFAULT_DESIGN, DESIGNS, design_named


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--design", default=DEFAULT_DESIGN, help=f"instrument and classes: {', '.join(DESIGNS)}")
    parser.add_argument("--cells", type=int, default=1000, help="how many cells")
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
    design = design_named(arguments.design)
    given = arguments.classes
    class_names = design.network.class_names if given is None else tuple(given.split(","))

    from cytogate.model.simulation.simulator import SimulatedCells
    from cytogate.model.simulation.write import write_cells

    cells = SimulatedCells(
        acquisition=design.acquisition,
        class_names=class_names,
        cells=arguments.cells,
        seed=arguments.seed,
        difficulty=arguments.difficulty,
        run=arguments.shading_run,
    )
    write_cells(cells, arguments.output, empty_field=arguments.empty_field)
    print(f"{arguments.output}: {len(cells)} simulated {'empty fields' if arguments.empty_field else 'cells'}")


SIMULATE = Verb("Simulate cells seen by a four-angle instrument, as HDF5 or TIFF.", _simulate_arguments, _simulate)
