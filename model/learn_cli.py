"""The verb ``cytogate learn``. Light to import: the work is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb

NETWORKS = ("meng2018", "gao2017", "dcae")


def _learn_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", choices=NETWORKS, metavar="NETWORK", help=f"one of {', '.join(NETWORKS)}")
    parser.add_argument(
        "--images",
        type=Path,
        required=True,
        metavar="SET",
        help="a folder of images per class, or HDF5, Zarr, TIFF or NPZ with images and labels",
    )
    parser.add_argument("--size", type=int, default=64, help="rows and columns that images are resized to")
    parser.add_argument("--width", type=float, default=0.25, help="factor of the published filters and units")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of each network")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of Adam; falls to zero along a cosine")
    parser.add_argument("--seed", type=int, default=0, help="of split, initial weights and order")
    parser.add_argument("--work", type=Path, default=Path("out/learn/work"), help="folder of unfinished trainings")
    parser.add_argument(
        "--output", type=Path, default=Path("out/learn/page"), metavar="FOLDER", help="receives page and trained twin"
    )


def _learn(arguments: argparse.Namespace) -> None:
    from cytogate.model.learn_job import LearnRequest, Network, run_learn

    run_learn(
        LearnRequest(
            network=Network(arguments.network),
            images=arguments.images,
            size=arguments.size,
            width=arguments.width,
            epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
            seed=arguments.seed,
            work=arguments.work,
            output=arguments.output,
        )
    )


LEARN = Verb(
    "Train a network of the papers, float and quantized, on labelled images of your own.", _learn_arguments, _learn
)
