"""Stages of the cell cycle, label-free, on real cells: a compact quantized network against hand-made features.

Five folds of the 2,733 labelled Jurkat cells, seen in bright and dark field. Everything is fitted on a fold's training
cells; each cell is tested once, by all methods on the same folds. The network learns what teachers say of the training
cells that have not seen them (:mod:`cytogate.model.training.teachers`); what is taken off the logits for rare classes
is chosen on inner folds of the first fold's training cells, for the network and for each classifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data import jurkat
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.data.jurkat import JurkatCells
from cytogate.model.design.design import OperatingPoint
from cytogate.model.evaluation import classical
from cytogate.model.evaluation.classical import LEAST, STEP, logits_of
from cytogate.model.evaluation.operating_point import chosen, offsets_of
from cytogate.model.experiments.hand_made import hand_made
from cytogate.model.experiments.jurkat.classifiers import Columns, chosen_share, svm_logits
from cytogate.model.experiments.jurkat.learning import JurkatSizes, Lesson, network_values, smoothed
from cytogate.model.experiments.jurkat.learning import logits_of as logits_of_network
from cytogate.model.experiments.jurkat.results import (
    BASELINES,
    CONTROL,
    FLOAT,
    PLAIN,
    QUANTIZED,
    SVM_CONTROL,
    TEACHERS,
    Results,
    describe,
    with_point,
)
from cytogate.model.experiments.jurkat.targets import Seen, taught
from cytogate.model.experiments.noise import noise_like
from cytogate.model.experiments.setting import Experiment, Setting
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.operating_point import apply_operating_point, offset_step
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import accuracy_plot
from cytogate.model.training.fitting import Fitted
from cytogate.model.training.teachers import mixed_targets

FOLDS = 5
IMAGES_ON_PAGE = 16
"""Images that go along with the quantized network."""

SMALL = JurkatSizes(
    folds=1,
    side=32,
    width=0.5,
    inner_folds=3,
    teacher_epochs=16,
    epochs=24,
    quantized_epochs=3,
    fine_tune_epochs=2,
    control_epochs=12,
)
FULL = JurkatSizes(
    folds=FOLDS, side=jurkat.SIDE, width=1.0, inner_folds=4, teacher_epochs=30, epochs=60, quantized_epochs=6,
    fine_tune_epochs=4, control_epochs=20,
)  # fmt: skip

Logits = NDArray[np.float64]
"""(tested cells, classes)"""


def run(setting: Setting) -> Page:
    """Train and test on the real cells; there is no experiment without them."""
    cells = jurkat.labelled(jurkat.data_folder())
    return run_on(cells, setting.chosen(SMALL, FULL), setting)


def run_on(cells: JurkatCells, sizes: JurkatSizes, setting: Setting) -> Page:
    """Return the page of some cells."""
    folds = stratified_folds(cells.labels, FOLDS, setting.seed)[: sizes.folds]
    seen = Seen(network_values(cells.images, sizes.side), hand_made(cells.images, "cells", setting))
    shares: dict[str, float] = {}
    logits: dict[str, list[Logits]] = {}
    curves: list[Fitted] = []
    for number, fold in enumerate(folds):
        part = _Part(cells, seen, fold, sizes, setting, setting.work / f"fold-{number}")
        networks = part.networks(shares)
        curves.append(networks.quantized)
        found = {**networks.logits, **part.baselines(shares), **part.controls()}
        for method, each in found.items():
            logits.setdefault(method, []).append(each)
    results = Results(cells, folds, logits, shares, setting.seed)
    page = Page("Jurkat cells: stages of the cell cycle, label-free", simulated=False)
    describe(page, sizes, results, curves[-1].model)
    page.plot(
        "curves",
        "Quantized network: agreement with its targets by epoch, on some of the training cells, every fold",
        accuracy_plot(
            {f"fold {number}": fitted.curve for number, fitted in enumerate(curves, start=1)},
            "agreement on training cells",
        ),
    )
    noise = noise_like(SIGNED_PIXEL.encode(seen.values).astype(np.int8), IMAGES_ON_PAGE, setting.seed)
    page.quantized_network(curves[-1].model, [noise], cells.class_names)
    return page


@dataclass(frozen=True, eq=False)
class _Networks:
    quantized: Fitted
    """With the operating point in its biases."""
    logits: dict[str, Logits]
    """By method."""


@dataclass(frozen=True, eq=False)
class _Part:
    """What is fitted and tested in one fold.

    Shares of the logarithm of the prior, by method, are chosen by the first fold that asks for them and kept.
    """

    cells: JurkatCells
    seen: Seen
    fold: Fold
    sizes: JurkatSizes
    setting: Setting
    folder: Path

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the training cells."""
        return self.cells.labels[self.fold.training]

    def networks(self, shares: dict[str, float]) -> _Networks:
        """Train teachers and students, move these to their operating point, and test all."""
        training, tested = self.seen[self.fold.training], self.seen[self.fold.test]
        said = taught(training, self.labels, tested, self.sizes, self.setting, self.folder)
        targets = mixed_targets(said.learned, self.labels, self.sizes.label_share)
        lesson = Lesson(training.values, targets, self.sizes, self.setting.seed, self.folder)
        with self.setting.training() as show:
            float_network = lesson.float_network("float", self.sizes.epochs, show).model
            quantized = lesson.quantized_network("quantized", float_network, show)
        plain = logits_of_network(quantized.model, tested.values)
        if QUANTIZED not in shares:
            # The student gives what the teachers say, and its training cells it knows: those who do not know them
            # choose.
            learned = np.log(np.maximum(said.learned, LEAST))
            shares[QUANTIZED] = chosen(learned, self.labels, np.bincount(self.labels), STEP).share
        step = offset_step(quantized.model)
        point = OperatingPoint(tuple(offsets_of(np.bincount(self.labels), shares[QUANTIZED], step).tolist()))
        moved: list[keras.Model] = [quantized.model, float_network]
        for network in moved:
            apply_operating_point(network, point)
        logits = {
            QUANTIZED: logits_of_network(quantized.model, tested.values),
            PLAIN: plain,
            FLOAT: logits_of_network(float_network, tested.values),
            TEACHERS: np.log(np.maximum(said.tested, LEAST)),
        }
        return _Networks(quantized, logits)

    def baselines(self, shares: dict[str, float]) -> dict[str, Logits]:
        """Fit and test the classifiers, as they are and at operating points of their own."""
        columns, found = self.seen.columns[self.fold.training], {}
        task = self.setting.progress.add_task(f"{self.folder.name}, classifiers on hand-made features", total=None)
        for name, fitted in classical.fitted(columns, self.labels, self.setting.seed).items():
            method = BASELINES[name]
            if method not in shares:
                shares[method] = chosen_share(fitted, columns, self.labels, self.sizes.inner_folds, self.setting.seed)
            found[method] = logits_of(fitted, self.seen.columns[self.fold.test])
            found[with_point(method)] = found[method] + offsets_of(np.bincount(self.labels), shares[method], STEP)
        self.setting.progress.remove_task(task)
        return found

    def controls(self) -> dict[str, Logits]:
        """Train and test on the cells' backgrounds alone: a float network, and the support vector machine."""
        images, classes = self.cells.images, len(self.cells.class_names)
        hidden = BackgroundControl.fitted(images[self.fold.training]).images(images, self.setting.seed)
        values = network_values(hidden, self.sizes.side)
        targets = smoothed(self.labels, classes)
        lesson = Lesson(values[self.fold.training], targets, self.sizes, self.setting.seed, self.folder)
        with self.setting.training() as show:
            network = lesson.float_network("control", self.sizes.control_epochs, show).model
        columns: Columns = hand_made(hidden, "backgrounds", self.setting)
        return {
            CONTROL: logits_of_network(network, values[self.fold.test]),
            SVM_CONTROL: svm_logits(columns, self.cells.labels, self.fold, self.setting.seed),
        }


EXPERIMENT = Experiment(
    "jurkat",
    "Jurkat cells: stages of the cell cycle, label-free",
    "ours, on the cells of Blasi et al. 2016",
    run,
)
