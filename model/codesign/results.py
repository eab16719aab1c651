"""Results of a search: a table of trials, a picture, a report, and the chosen design as a folder to build."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cytogate.model.codesign.search import Ended, Limits
from cytogate.model.codesign.trial import FOLDS, SHORTER, Taught, Training
from cytogate.model.command.files import plain, whole_file, whole_folder
from cytogate.model.design.design import Design
from cytogate.model.design.folder import (
    CODES_FILE,
    DESIGN_FILE,
    NETWORK_FOLDER,
    RECORD_FILE,
    codes_text,
    design_text,
    write_background,
)
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.evaluation.metrics import Interval
from cytogate.model.files.table import Column, write_table
from cytogate.model.networks.saved import save_network
from cytogate.model.pages.pareto_plot import pareto_plot

REPORT, PICTURE, TABLE = "report.json", "picture.png", "trials.csv"
SUFFIX = "-codesign"
"""Of the chosen design's name."""
PACKAGES = ("cytogate", "optuna", "keras", "qkeras-v3", "tensorflow", "numpy")


@dataclass(frozen=True)
class Results:
    """A search that is over."""

    training: Training
    limits: Limits
    taught: Taught
    trials: tuple[Ended, ...]
    """All that have ended, by their places."""

    @property
    def trained(self) -> list[Ended]:
        """Trials with an accuracy."""
        return [each for each in self.trials if each.accuracy is not None]

    @property
    def front(self) -> list[Ended]:
        """Trained trials than which no other one is cheaper and better, by their costs."""
        best, found = -1.0, []
        for each in sorted(self.trained, key=_merit):
            if each.accuracy is not None and each.accuracy > best:
                best = each.accuracy
                found.append(each)
        return found

    @property
    def chosen(self) -> Ended:
        """The best on validation cells of those that keep to the limits; of equals the cheapest, the first of them.

        Raises
        ------
        CheckFailed
            If no network was trained: nothing near the design keeps to the limits.
        """
        if not self.trained:
            nearest = min(
                (each for each in self.trials if each.cost is not None),
                key=lambda each: each.cost.excess(self.limits.latency_us) if each.cost else 0.0,
                default=None,
            )
            told = "no network of them can be built" if nearest is None else f"the nearest {nearest.told}"
            raise CheckFailed(
                f"none of {len(self.trials)} designs near {self.training.design.name} fits {self.limits.board} within "
                f"{self.limits.latency_us:g} us (estimated): {told}; allow more, or start from a smaller design"
            )
        return self.front[-1]

    @property
    def validation_cells(self) -> int:
        """Cells that accuracies are counted on."""
        return len(self.training.cells.split.validation)

    @property
    def interval(self) -> Interval:
        """Of the chosen one's accuracy."""
        return Interval.share(round((self.chosen.accuracy or 0) * self.validation_cells), self.validation_cells)


def design_folder(output: Path, design: Design) -> Path:
    """Return the folder of the chosen design.

    Raises
    ------
    InputError
        If there is one already whose network was trained in full.
    """
    folder = output / f"{design.name}{SUFFIX}"
    if (folder / RECORD_FILE).exists():
        raise InputError(f"{folder}: holds a design that was trained; move it, or name another --output")
    return folder


def write_results(results: Results, output: Path) -> Path:
    """Write everything into the folder ``output`` and return the folder of the chosen design."""
    folder = design_folder(output, results.training.design)
    _write_design(results, folder)
    _write_table(results.trials, output / TABLE)
    _draw(results, output / PICTURE)
    with whole_file(output / REPORT) as partial:
        partial.write_text(json.dumps(_report(results), indent=1, default=plain) + "\n", encoding="utf-8")
    return folder


def chosen_design(results: Results, folder: Path) -> Design:
    """Return the chosen design, at home in a folder."""
    assert results.chosen.topology is not None
    design = results.training.of(results.chosen.topology)
    return dataclasses.replace(design, name=folder.name, folder=folder, operating_point=None)


def _write_design(results: Results, folder: Path) -> None:
    """Write ``design.toml`` and the network of the trial, whole or not at all."""
    topology = results.chosen.topology
    assert topology is not None
    with whole_folder(folder, replacing=True) as unfinished:
        design = dataclasses.replace(chosen_design(results, folder), folder=unfinished)
        (unfinished / NETWORK_FOLDER).mkdir()
        text = design_text(dataclasses.replace(design, codes=None, background=None))
        (unfinished / DESIGN_FILE).write_text(text, encoding="utf-8")
        if design.codes is not None:
            (unfinished / NETWORK_FOLDER / CODES_FILE).write_text(codes_text(design.codes), encoding="utf-8")
        write_background(design, unfinished)
        save_network(results.training.student(topology).model, design, quantized=True)


def _write_table(trials: Sequence[Ended], path: Path) -> None:
    names = sorted({name for each in trials for name in each.parameters})
    resources = sorted({name for each in trials if each.cost is not None for name in each.cost.percent})

    def numbers(values: list[float | None]) -> np.ndarray:
        return np.array([np.nan if each is None else each for each in values], np.float64)

    columns = [
        Column("trial", np.array([each.place for each in trials])),
        Column("validation_accuracy", numbers([each.accuracy for each in trials])),
        Column("latency", numbers([each.cost.latency_us if each.cost else None for each in trials]), "us"),
        *(
            Column(name, numbers([each.cost.percent.get(name) if each.cost else None for each in trials]), "%")
            for name in resources
        ),
        *(Column(name, [str(each.parameters.get(name, "")) for each in trials]) for name in names),
        Column("told", [each.told for each in trials]),
    ]
    write_table(path, columns)


def _merit(trial: Ended) -> tuple[float, float, int]:
    """Return what is smaller for a cheaper trial, then for a better one, then for an earlier one."""
    assert trial.cost is not None
    assert trial.accuracy is not None
    return trial.cost.share, -trial.accuracy, trial.place


def _point(trial: Ended) -> tuple[float, float]:
    share, worse, _ = _merit(trial)
    return share, -worse


def _draw(results: Results, path: Path) -> None:
    count, own = results.validation_cells, results.training.cells.own
    interval = results.interval
    figure = pareto_plot(
        f"{results.training.design.name} on {results.limits.board} within {results.limits.latency_us:g} us",
        (
            "share of the board's scarcest resource, estimated",
            f"accuracy on {count:,} {'simulated' if own.simulated else 'real'} validation cells",
        ),
        [_point(each) for each in results.trained],
        [_point(each) for each in results.front],
        _point(results.chosen),
        (interval.low or 0.0, interval.high or 1.0),
        results.taught.right / count,
    )
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=120)


def _report(results: Results) -> dict[str, object]:
    training, chosen = results.training, results.chosen
    cells = training.cells
    return {
        "design": training.design.name,
        "board": results.limits.board,
        "latency_us": results.limits.latency_us,
        "costs": "estimated",
        "input": str(cells.own.path),
        "simulated": cells.own.simulated,
        "cells": {"training": len(cells.split.training), "validation": results.validation_cells, "test": 0},
        "seed": training.seed,
        "epochs": training.plan(training.design, SHORTER).epochs,
        "teachers": {"networks": FOLDS, "validation_accuracy": results.taught.right / results.validation_cells},
        "chosen": {**_told(chosen), "interval": results.interval},
        "note": "accuracy on the validation cells that chose it; `cytogate train` tells that on test cells",
        "front": [each.place for each in results.front],
        "trials": [_told(each) for each in results.trials],
        "versions": {package: version(package) for package in PACKAGES},
    }


def _told(trial: Ended) -> dict[str, object]:
    return {
        "trial": trial.place,
        "network": trial.topology,
        "validation_accuracy": trial.accuracy,
        "cost": trial.cost,
        "told": trial.told or None,
    }
