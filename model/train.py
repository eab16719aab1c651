"""What ``cytogate train`` does: data, the quantized network, the float one, background check, baseline, verdict."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.data.cell_file import CellFile, Split
from cytogate.model.design.design import Design
from cytogate.model.design.folder import RECORD_FILE, design_text, network_folder
from cytogate.model.errors import InputError
from cytogate.model.evaluation.metrics import Metrics
from cytogate.model.evaluation.phase_features import features_of, fit_svm
from cytogate.model.evaluation.verdict import Evaluation
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.saved import save_network
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.training_data import write_network_inputs
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.recipes import TrainingPlan, predict, train

PACKAGES = ("cytogate", "keras", "qkeras-v3", "tensorflow", "numpy", "scikit-learn", "scikit-image")


@dataclass(frozen=True)
class TrainRequest:
    """What was asked of ``cytogate train``."""

    design: Design
    plan: TrainingPlan
    cells: int
    """Simulated cells, training, validation and test together."""
    control_cells: int
    """Cells, of the same seed, whose background alone the control sees."""
    data_seed: int
    work: Path
    """Folder for data and unfinished trainings."""


def run_train(request: TrainRequest) -> None:
    """Train, evaluate once on the test cells, write weights and record, and raise CheckFailed on a bad verdict."""
    began = time.perf_counter()
    design, plan = request.design, request.plan
    name = design.name
    simulated = SimulatedCells(design.four_angle, design.network.class_names, request.cells, request.data_seed)
    cells = _data(simulated, design, request.work / f"{design.name}-cells.h5", background_only=False)
    hidden = dataclasses.replace(simulated, cells=request.control_cells)
    background = _data(hidden, design, request.work / f"{design.name}-background.h5", background_only=True)

    console = terminal()
    with _progress() as on_progress:
        quantized = train(design, cells, request.work / f"{name}-quantized", True, plan, on_progress)
        float_network = train(design, cells, request.work / f"{name}-float", False, plan, on_progress)
        control = train(design, background, request.work / f"{name}-control", False, plan, on_progress)
    with console.status("hand-made features, support vector machine ..."):
        evaluation = _evaluate(design, cells, background, plan, quantized, float_network, control)
    for trained, is_quantized in ((quantized, True), (float_network, False)):
        save_network(trained.model, design, is_quantized)
    record = {
        "network": name,
        "simulated": True,
        "design": design_text(design),
        "data": {"seed": request.data_seed, "cells": request.cells, "control_cells": request.control_cells},
        "plan": dataclasses.asdict(plan),
        "macs": count_macs(quantized.model),
        "weights": count_weights(quantized.model),
        "versions": {package: version(package) for package in PACKAGES},
        "evaluation": dataclasses.asdict(evaluation),
        "curves": {
            what: {"selected": trained.selected, "epochs": [dataclasses.asdict(epoch) for epoch in trained.curve]}
            for what, trained in (("quantized", quantized), ("float", float_network), ("control", control))
        },
        "seconds": time.perf_counter() - began,
    }
    path = network_folder(design).parent / RECORD_FILE
    with whole_file(path) as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _print(console, evaluation, path)
    evaluation.check()


def _data(simulated: SimulatedCells, design: Design, path: Path, *, background_only: bool) -> CellFile:
    """Return the file of network inputs at ``path``, written now unless these very cells lie there."""
    if path.exists():
        found = CellFile.of(path, design)
        asked = {"seed": simulated.seed, "difficulty": simulated.difficulty, "background_only": background_only}
        if len(found.labels) != len(simulated) or any(found.attributes.get(key) != asked[key] for key in asked):
            raise InputError(f"{path}: holds other cells than asked for; remove it, or give another --work folder")
        return found
    write_network_inputs(simulated, design, path, background_only=background_only)
    return CellFile.of(path, design)


def _evaluate(
    design: Design,
    cells: CellFile,
    background: CellFile,
    plan: TrainingPlan,
    quantized: Fitted,
    float_network: Fitted,
    control: Fitted,
) -> Evaluation:
    split = Split.of(cells.labels, plan.seed)
    unseen = Split.of(background.labels, plan.seed).test
    svm = fit_svm(features_of(cells, split.training), cells.labels[split.training])
    names = design.network.class_names
    return Evaluation.of(
        cells.labels[split.test],
        names,
        quantized=predict(quantized.model, cells, split.test).argmax(axis=1),
        float_network=predict(float_network.model, cells, split.test).argmax(axis=1),
        svm=svm.predict(features_of(cells, split.test)),
        background=Metrics.of(
            background.labels[unseen], predict(control.model, background, unseen).argmax(axis=1), names
        ),
    )


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Show one bar for each epoch that runs."""
    with progress_bars() as progress:
        task = progress.add_task("training")

        def show(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        yield show


def _print(console: Console, evaluation: Evaluation, path: Path) -> None:
    table = Table(title=f"Accuracy on {evaluation.quantized.cells:,} unseen simulated cells")
    for column in ("classifier", "accuracy", "95% interval", "balanced"):
        table.add_column(column, justify="left" if column == "classifier" else "right")
    for what, metrics in (
        ("quantized network", evaluation.quantized),
        ("float network", evaluation.float_network),
        ("SVM on hand-made features", evaluation.svm),
        ("background check", evaluation.background),
    ):
        accuracy, balanced = metrics.accuracy, metrics.balanced_accuracy
        interval = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
        table.add_row(what, f"{accuracy.value:.1%}", interval, f"{balanced.value:.1%}")
    console.print(table)
    console.print(f"written: {path} and the weights beside it", soft_wrap=True)
