"""The verb ``cytogate experiment``. Light to import: the work is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.experiments.setting import Scale

NAMES = ("meng2017", "meng2018", "dcnn", "topgan", "dcae", "jurkat")
"""Each is a module of this package."""


def _experiment_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument(
        "--scale",
        choices=[scale.value for scale in Scale],
        default=Scale.SMALL.value,
        help="small: under ten minutes on two cores, the page says what was shrunk; full: as published",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of data, splits, initial weights and order")
    parser.add_argument(
        "--work", type=Path, default=Path("out/experiments/work"), help="folder of unfinished trainings, gone on with"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out/experiments"),
        metavar="FOLDER",
        help="receives a folder NAME-SCALE with README.md, CSV, PNG and report.json",
    )


def _experiment(arguments: argparse.Namespace) -> None:
    from cytogate.model.experiments.job import ExperimentRequest, run_experiment

    run_experiment(
        ExperimentRequest(
            name=arguments.name,
            scale=Scale(arguments.scale),
            seed=arguments.seed,
            work=arguments.work,
            output=arguments.output,
        )
    )


EXPERIMENT = Verb(
    "Repeat a paper's experiment at a chosen scale: its tables and figures as a page, CSV, PNG and JSON.",
    _experiment_arguments,
    _experiment,
)
