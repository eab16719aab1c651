"""Stages of the cell cycle, label-free, on real cells: a compact quantized network against hand-made features.

Five folds of the 2,733 labelled Jurkat cells, seen in bright and dark field. Everything is fitted on a fold's training
cells, of which a tenth selects the epoch; each cell is tested once, by all methods on the same folds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Plot
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data import jurkat
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.examples import ArrayExamples, Inputs
from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.data.jurkat import JurkatCells, network_codes
from cytogate.model.data.preprocessing import shifted_at_random, turned_at_random
from cytogate.model.design.topologies import Compact
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.experiments.noise import noise_like
from cytogate.model.experiments.setting import Experiment, Setting
from cytogate.model.features import image_features
from cytogate.model.networks.compact import compact, scaled
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import accuracy_plot, confusion_plot, gallery_plot, reliability_plot
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.recipes import NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Select

FOLDS = 5
SELECTING_SHARE = 0.1
SMOOTHING = 0.05
"""Share of a target that goes to all classes alike: neighbouring stages of a cycle have no sharp border."""
IMAGES_ON_PAGE = 16
"""Images that go along with the quantized network."""
FREQUENT = ("G1", "S_phase", "G2", "Prophase")
AT_A_TIME = 100
"""Cells whose features are computed between two moves of the bar."""

QUANTIZED, FLOAT, SVM = "quantized network", "float network", "SVM on hand-made features"
CONTROL, SVM_CONTROL = "background check: network, background alone", "background check: SVM, background alone"


@dataclass(frozen=True)
class JurkatSizes:
    """How large the experiment is."""

    folds: int
    """Of five, those that are trained and tested."""
    side: int
    """Rows and columns of the images' middle that the networks see."""
    width: float
    """Factor of the network's filters and units."""
    epochs: int
    fine_tune_epochs: int
    """With snapped batch normalization, of the quantized network."""
    batch: int = 32
    learning_rate: float = 1.5e-3
    """Of Adam; falls to zero along a cosine."""

    def plan(self, seed: int) -> TrainingPlan:
        """Return the plan of a network's training."""
        rate = self.learning_rate
        return TrainingPlan(seed, self.epochs, self.fine_tune_epochs, self.batch, rate, rate / 8)


SMALL = JurkatSizes(folds=1, side=32, width=0.5, epochs=24, fine_tune_epochs=4)
FULL = JurkatSizes(folds=FOLDS, side=jurkat.SIDE, width=1.0, epochs=60, fine_tune_epochs=8)


def run(setting: Setting) -> Page:
    """Train and test on the real cells; there is no experiment without them."""
    cells = jurkat.labelled(jurkat.data_folder())
    return run_on(cells, setting.chosen(SMALL, FULL), setting)


def run_on(cells: JurkatCells, sizes: JurkatSizes, setting: Setting) -> Page:
    """Return the page of some cells."""
    folds = stratified_folds(cells.labels, FOLDS, setting.seed)[: sizes.folds]
    features = _features(cells.images, "cells", setting)
    scores: dict[str, list[NDArray[np.float64]]] = {}
    curves: list[Fitted] = []
    for number, fold in enumerate(folds):
        trainer = _Trainer(cells, fold, sizes, setting, setting.work / f"fold-{number}")
        with setting.training() as show:
            quantized, float_network = trainer.network(True, False, show), trainer.network(False, False, show)
            control = trainer.network(False, True, show)
        curves.append(quantized)
        found = {
            QUANTIZED: trainer.scores(quantized.model, False),
            FLOAT: trainer.scores(float_network.model, False),
            SVM: _svm_scores(features, cells.labels, fold, setting),
            CONTROL: trainer.scores(control.model, True),
            SVM_CONTROL: _svm_scores(
                _features(trainer.images(True), "backgrounds", setting), cells.labels, fold, setting
            ),
        }
        for method, each in found.items():
            scores.setdefault(method, []).append(each)
    results = _Results(cells, folds, scores, setting.seed)
    page = Page("Jurkat cells: stages of the cell cycle, label-free", simulated=False)
    _describe(page, sizes, cells, results, quantized.model)
    page.plot(
        "curves",
        "Quantized network: validation accuracy by epoch, every fold",
        accuracy_plot({f"fold {number}": fitted.curve for number, fitted in enumerate(curves, start=1)}),
    )
    noise = noise_like(trainer.codes(False), IMAGES_ON_PAGE, setting.seed)
    page.quantized_network(quantized.model, [noise], cells.class_names)
    return page


def _features(images: NDArray[np.uint16], what: str, setting: Setting) -> NDArray[np.float64]:
    """Return hand-made features (cells, columns), each of a cell's own image alone."""
    parts = np.array_split(images, max(1, len(images) // AT_A_TIME))
    return np.concatenate([image_features.hand_made(part) for part in setting.tracked(parts, f"features, {what}")])


def _svm_scores(
    columns: NDArray[np.float64], labels: NDArray[np.int64], fold: Fold, setting: Setting
) -> NDArray[np.float64]:
    """Return (tested cells, classes), 1 for the predicted class."""
    task = setting.progress.add_task("support vector machine", total=None)
    svm = baselines.svm_columns(setting.seed).fit(columns[fold.training], labels[fold.training])
    setting.progress.remove_task(task)
    return np.eye(int(labels.max()) + 1)[svm.predict(columns[fold.test])]


@dataclass(frozen=True, eq=False)
class _Trainer:
    """Networks of one fold."""

    cells: JurkatCells
    fold: Fold
    sizes: JurkatSizes
    setting: Setting
    folder: Path

    @property
    def spec(self) -> Compact:
        return scaled(Compact(), self.sizes.width)

    def build(self, quantized: bool) -> keras.Model:
        """Build the untrained network."""
        side, channels = self.sizes.side, self.cells.images.shape[-1]
        return compact(self.spec, (side, side, channels), len(self.cells.class_names), quantized)

    def images(self, hidden: bool) -> NDArray[np.uint16]:
        """Return images of all cells, or of their backgrounds."""
        images = self.cells.images
        if not hidden:
            return images
        return BackgroundControl.fitted(images[self.fold.training]).images(images, self.setting.seed)

    def codes(self, hidden: bool) -> NDArray[np.int8]:
        """Return codes (cells, side, side, 2) of the middle of images."""
        images = self.images(hidden)
        rim = (images.shape[1] - self.sizes.side) // 2
        return network_codes(images[:, rim : rim + self.sizes.side, rim : rim + self.sizes.side])

    def network(self, quantized: bool, hidden: bool, on_progress: OnProgress) -> Fitted:
        """Train a network on cells, or on their backgrounds."""
        values, labels = SIGNED_PIXEL.decode(self.codes(hidden)).astype(np.float32), self.cells.labels
        fitted, selecting = self.fold.with_validation(labels, SELECTING_SHARE, self.setting.seed)
        name = ("quantized" if quantized else "float") + ("-control" if hidden else "")
        wanted = NetworkFit(
            name=f"{self.folder.name}, {name}",
            build=lambda: self.build(quantized),
            loss=SmoothedCrossentropy(),
            training=ArrayExamples((values[fitted],), labels[fitted], _turned_and_shifted),
            validation=ArrayExamples((values[selecting],), labels[selecting]),
            plan=self.sizes.plan(self.setting.seed).in_phases(snapped=quantized, select=Select.LOSS),
            folder=self.folder / name,
            identity={"cells": len(labels), "spec": dataclasses.asdict(self.spec), "hidden": hidden},
        )
        return (fit_quantized if quantized else fit_float)(wanted, on_progress)

    def scores(self, model: keras.Model, hidden: bool) -> NDArray[np.float64]:
        """Return probabilities (tested cells, classes)."""
        values = SIGNED_PIXEL.decode(self.codes(hidden)[self.fold.test]).astype(np.float32)
        return softmax(np.asarray(model.predict(values, verbose=0), np.float64), axis=1)


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of integer labels (cells,) and logits (cells, classes), SMOOTHING of each target spread evenly."""

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss (cells,)."""
        logs = keras.ops.log_softmax(y_pred)
        of_label = keras.ops.take_along_axis(logs, keras.ops.cast(y_true, "int32")[:, None], axis=1)[:, 0]
        return -(1 - SMOOTHING) * of_label - SMOOTHING * keras.ops.mean(logs, axis=1)


def _turned_and_shifted(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    (images,) = inputs
    return (shifted_at_random(turned_at_random(images, rng), rng),)


@dataclass(frozen=True, eq=False)
class _Results:
    cells: JurkatCells
    folds: tuple[Fold, ...]
    scores: dict[str, list[NDArray[np.float64]]]
    seed: int

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the tested cells, fold after fold."""
        return self.cells.labels[np.concatenate([fold.test for fold in self.folds])]

    def predicted(self, method: str) -> NDArray[np.int64]:
        return np.concatenate(self.scores[method]).argmax(axis=1)

    def metrics(self, method: str) -> Metrics:
        scores = np.concatenate(self.scores[method])
        probabilities = None if method in (SVM, SVM_CONTROL) else scores
        return Metrics.of(self.labels, scores.argmax(axis=1), self.cells.class_names, probabilities, self.seed)

    def among_frequent(self, method: str) -> Interval:
        """Return the accuracy on cells of the four frequent classes."""
        frequent = [self.cells.class_names.index(name) for name in FREQUENT if name in self.cells.class_names]
        chosen = np.isin(self.labels, frequent)
        return Interval.share(int((self.predicted(method) == self.labels)[chosen].sum()), int(chosen.sum()))

    def difference(self, one: str, other: str) -> Interval:
        return Interval.difference(self.labels, self.predicted(one), self.predicted(other))


def _describe(page: Page, sizes: JurkatSizes, cells: JurkatCells, results: _Results, network: keras.Model) -> None:
    metrics = {method: results.metrics(method) for method in results.scores}
    counts = np.bincount(cells.labels, minlength=len(cells.class_names))
    told = ", ".join(f"{name} {count}" for name, count in zip(cells.class_names, counts, strict=True))
    page.text(
        f"**Real cells.** {len(cells.labels)} Jurkat cells ({told}; Blasi et al. 2016, Hennig et al. 2016) in bright "
        f"and dark field; the DNA stain made the labels and is shown to nobody. {FOLDS} stratified folds, of which "
        f"{sizes.folds} {'are' if sizes.folds > 1 else 'is'} trained and tested here: {len(results.labels)} test "
        f"cells. Of the training cells {SELECTING_SHARE:.0%} select the epoch of a network, and inner folds choose C "
        f"and gamma of the support vector machine. One instrument and one experiment: no split by donor is possible."
    )
    page.text(
        f"The networks see the middle {sizes.side}x{sizes.side} of {jurkat.SIDE}x{jurkat.SIDE} pixels, with "
        f"{sizes.width:g} times the filters and units of the full network, for {sizes.epochs} epochs "
        f"({count_macs(network):,} multiplications and {count_weights(network):,} parameters a cell), turned, "
        f"mirrored and shifted by up to a pixel at random. Network and schedule were chosen on inner "
        f"folds of the first fold's training cells. These are test cells of the other folds: the first fold alone "
        f"is free of that choice."
    )
    page.heading("Figures")
    page.table(
        "methods",
        f"{len(results.labels)} test cells, {len(cells.class_names)} classes; 95 % intervals",
        ("method", "accuracy", "balanced accuracy", f"accuracy on {', '.join(FREQUENT)}"),
        [(name, each.accuracy, each.balanced_accuracy, results.among_frequent(name)) for name, each in metrics.items()],
    )
    pairs = ((QUANTIZED, SVM), (QUANTIZED, FLOAT))
    differences = {pair: results.difference(*pair) for pair in pairs}
    page.table(
        "differences",
        "Accuracy of one less that of the other on the same cells",
        ("one", "other", "difference"),
        [(*pair, each) for pair, each in differences.items()],
    )
    page.text(_verdict(metrics, differences[QUANTIZED, SVM]))
    page.table(
        "folds",
        "Accuracy by fold",
        ("fold", "test cells", *results.scores),
        [
            (number, len(fold.test), *(_accuracy(each[number - 1], fold, cells) for each in results.scores.values()))
            for number, fold in enumerate(results.folds, start=1)
        ],
    )
    page.heading("By class")
    page.table(
        "classes",
        f"{QUANTIZED}, one class against the rest",
        ("class", "cells", "precision", "recall", "F", "AUC", f"recall of {SVM}"),
        [
            (each.name, each.cells, each.precision, each.recall, each.f, each.auc, other.recall)
            for each, other in zip(metrics[QUANTIZED].classes, metrics[SVM].classes, strict=True)
        ],
    )
    confusion = confusion_plot(metrics[QUANTIZED].confusion, cells.class_names)
    page.plot("confusion", f"{QUANTIZED}: test cells by true and predicted class", confusion)
    calibrations = {name: metrics[name].calibration for name in (FLOAT, QUANTIZED)}
    known = {name: each for name, each in calibrations.items() if each is not None}
    page.plot("reliability", "Are probabilities right? Float and quantized network", reliability_plot(known))
    page.plot("means", "What a class looks like on average, each channel on its own range", _means(cells))
    page.text(
        f"Along with the quantized network go {IMAGES_ON_PAGE} images of noise, each pixel with the mean and the "
        "spread that it has in the cells: neither page nor network holds an image of a cell."
    )
    page.fact("metrics", {method: each.as_dict() for method, each in metrics.items()})
    page.fact("sizes", sizes)


def _verdict(metrics: dict[str, Metrics], less_svm: Interval) -> str:
    classes = metrics[CONTROL].classes
    chance = max(each.cells for each in classes) / sum(each.cells for each in classes)
    background = max(metrics[name].accuracy.low or 0.0 for name in (CONTROL, SVM_CONTROL))
    relation = "above" if less_svm.is_above(0) else "below" if less_svm.is_below(0) else "not distinguishable from"
    points = [100 * (each or 0.0) for each in (less_svm.value, less_svm.low, less_svm.high)]
    return (
        f"The quantized network is {relation} the support vector machine ({points[0]:+.1f} points, "
        f"{points[1]:+.1f} to {points[2]:+.1f}). The background alone is "
        f"{'above' if background > chance else 'not above'} the share of the largest class, {chance:.3f}."
    )


def _accuracy(scores: NDArray[np.float64], fold: Fold, cells: JurkatCells) -> float:
    return float((scores.argmax(axis=1) == cells.labels[fold.test]).mean())


def _means(cells: JurkatCells) -> Plot:
    """Draw the mean image of each class: no single cell is shown."""
    means = np.stack([cells.images[cells.labels == label].mean(axis=0) for label in range(len(cells.class_names))])
    low, high = (extreme(means, axis=(0, 1, 2)) for extreme in (np.min, np.max))
    shares = (means - low) / (high - low)
    classes = ", ".join(cells.class_names)
    rows = {
        f"{what}: {classes}": [*shares[..., channel]] for channel, what in enumerate(("bright field", "dark field"))
    }
    return gallery_plot(rows, label="share of the range")


EXPERIMENT = Experiment(
    "jurkat",
    "Jurkat cells: stages of the cell cycle, label-free",
    "ours, on the cells of Blasi et al. 2016",
    run,
)
