"""The verb ``cytogate train``. Light to import: the work is imported when it runs."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.design.design import DEFAULT_DESIGN, DESIGNS, design_named
from cytogate.model.errors import InputError

CELLS, CONTROL_CELLS, EPOCHS, FINE_TUNE_EPOCHS = 30000, 6000, 40, 6


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--design", default=DEFAULT_DESIGN, help=f"one of {', '.join(DESIGNS)}")
    parser.add_argument(
        "--filters",
        metavar="A,B,C",
        help="filters of the three blocks (default: the design's, for a small device; 32,64,112: 50 million products)",
    )
    parser.add_argument("--cells", type=int, default=CELLS, help="simulated cells, split 76/8/16")
    parser.add_argument(
        "--control-cells", type=int, default=CONTROL_CELLS, help="cells whose background alone the control learns from"
    )
    parser.add_argument("--data-seed", type=int, default=1000, help="seed of the simulated cells")
    parser.add_argument("--seed", type=int, default=1, help="seed of split, initialization and order")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs of each network")
    parser.add_argument(
        "--fine-tune-epochs", type=int, default=FINE_TUNE_EPOCHS, help="epochs with snapped batch normalization"
    )
    parser.add_argument("--work", type=Path, default=Path("out/train"), help="folder of data and unfinished trainings")
    parser.add_argument(
        "--output", type=Path, default=Path("out/train"), help="folder for the weights and their record"
    )


def _train(arguments: argparse.Namespace) -> None:
    design = design_named(arguments.design)
    if arguments.filters is not None:
        filters = _filters(arguments.filters)
        design = dataclasses.replace(design, network=dataclasses.replace(design.network, filters=filters))

    from cytogate.model.train import TrainRequest, run_train
    from cytogate.model.training.recipes import TrainingPlan

    plan = TrainingPlan(seed=arguments.seed, epochs=arguments.epochs, fine_tune_epochs=arguments.fine_tune_epochs)
    run_train(
        TrainRequest(
            design=design,
            plan=plan,
            cells=arguments.cells,
            control_cells=arguments.control_cells,
            data_seed=arguments.data_seed,
            work=arguments.work,
            output=arguments.output,
        )
    )


def _filters(text: str) -> tuple[int, int, int]:
    try:
        first, second, third = (int(number) for number in text.split(","))
    except ValueError as error:
        raise InputError(f"--filters {text} is not three numbers with commas between them, as in 4,8,16") from error
    if min(first, second, third) < 1:
        raise InputError(f"--filters {text}: each block needs at least one filter")
    return first, second, third


TRAIN = Verb(
    "Train a design's network, its float twin and a control, on simulated cells; goes on where it was stopped.",
    _train_arguments,
    _train,
)
