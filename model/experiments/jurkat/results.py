"""The page of the Jurkat cells: every method on the same tested cells; the network beside the best classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Plot
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.data import jurkat
from cytogate.model.data.folds import Fold
from cytogate.model.data.jurkat import JurkatCells
from cytogate.model.evaluation.classical import BOOSTING, LDA
from cytogate.model.evaluation.classical import SVM as SVM_KIND
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.evaluation.operating_point import MOST_LOST
from cytogate.model.experiments.jurkat.learning import SELECTING, JurkatSizes
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import confusion_plot, gallery_plot, reliability_plot

FREQUENT = ("G1", "S_phase", "G2", "Prophase")

QUANTIZED, FLOAT = "quantized network", "float network"
PLAIN = "quantized network without operating point"
TEACHERS = "teachers together (not on a chip)"
BASELINES = {name: f"{name} on hand-made features" for name in (SVM_KIND, LDA, BOOSTING)}
SVM = BASELINES[SVM_KIND]
CONTROL, SVM_CONTROL = "background check: network, background alone", "background check: SVM, background alone"
NETWORKS = (QUANTIZED, PLAIN, FLOAT, TEACHERS, CONTROL)
"""Methods that give probabilities."""


def with_point(method: str) -> str:
    """Return the name of a classifier at its own operating point."""
    return f"{method}, operating point"


RIVALS = tuple(name for method in BASELINES.values() for name in (method, with_point(method)))
"""The classifiers, each as it is and at its own operating point."""


@dataclass(frozen=True, eq=False)
class Results:
    """Logits of the tested cells, by method and fold."""

    cells: JurkatCells
    folds: tuple[Fold, ...]
    logits: dict[str, list[NDArray[np.float64]]]
    """(tested cells, classes) of each fold."""
    shares: dict[str, float]
    """Of the logarithm of the prior, taken off the logits of a method at its operating point."""
    seed: int

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the tested cells, fold after fold."""
        return self.cells.labels[np.concatenate([fold.test for fold in self.folds])]

    def predicted(self, method: str) -> NDArray[np.int64]:
        """Return classes of the tested cells, fold after fold."""
        return np.concatenate(self.logits[method]).argmax(axis=1)

    def metrics(self, method: str) -> Metrics:
        """Return all figures of a method; with probabilities where it gives them."""
        probabilities = softmax(np.concatenate(self.logits[method]), axis=1) if method in NETWORKS else None
        return Metrics.of(self.labels, self.predicted(method), self.cells.class_names, probabilities, self.seed)

    def among_frequent(self, method: str) -> Interval:
        """Return the accuracy on cells of the four frequent classes."""
        frequent = [self.cells.class_names.index(name) for name in FREQUENT if name in self.cells.class_names]
        chosen = np.isin(self.labels, frequent)
        return Interval.share(int((self.predicted(method) == self.labels)[chosen].sum()), int(chosen.sum()))

    def difference(self, one: str, other: str) -> Interval:
        """Return the accuracy of one method less that of another."""
        return Interval.difference(self.labels, self.predicted(one), self.predicted(other))

    def balanced_difference(self, one: str, other: str) -> Interval:
        """Return the balanced accuracy of one method less that of another."""
        return Interval.balanced_difference(self.labels, self.predicted(one), self.predicted(other), self.seed)


def describe(page: Page, sizes: JurkatSizes, results: Results, network: keras.Model) -> None:
    """Write the page: cells, methods, figures, differences and classes."""
    cells = results.cells
    metrics = {method: results.metrics(method) for method in results.logits}
    accurate = max(RIVALS, key=lambda name: metrics[name].accuracy.known)
    balanced = max(RIVALS, key=lambda name: metrics[name].balanced_accuracy.known)
    _introduce(page, sizes, results, network)
    page.heading("Figures")
    page.table(
        "methods",
        f"{len(results.labels)} test cells, {len(cells.class_names)} classes; 95 % intervals",
        ("method", "accuracy", "balanced accuracy", f"accuracy on {', '.join(FREQUENT)}"),
        [(name, each.accuracy, each.balanced_accuracy, results.among_frequent(name)) for name, each in metrics.items()],
    )
    pairs = tuple(dict.fromkeys((QUANTIZED, other) for other in (accurate, balanced, SVM, FLOAT, TEACHERS)))
    page.table(
        "differences",
        "One less the other on the same cells: of accuracy, cell by cell; of balanced accuracy, drawn again within "
        "each class",
        ("one", "other", "difference", "difference of balanced accuracy"),
        [(*pair, results.difference(*pair), results.balanced_difference(*pair)) for pair in pairs],
    )
    page.text(_verdict(results, metrics, accurate, balanced))
    page.table(
        "operating-points",
        "Share of the logarithm of the prior that is taken off the logits",
        ("method", "share"),
        list(results.shares.items()),
    )
    page.table(
        "folds",
        "Accuracy by fold",
        ("fold", "test cells", *results.logits),
        [
            (number, len(fold.test), *(_accuracy(each[number - 1], fold, cells) for each in results.logits.values()))
            for number, fold in enumerate(results.folds, start=1)
        ],
    )
    page.heading("By class")
    page.table(
        "classes",
        f"{QUANTIZED}, one class against the rest",
        ("class", "cells", "precision", "recall", "F", "AUC", f"recall of {balanced}"),
        [
            (each.name, each.cells, each.precision, each.recall, each.f, each.auc, other.recall)
            for each, other in zip(metrics[QUANTIZED].classes, metrics[balanced].classes, strict=True)
        ],
    )
    confusion = confusion_plot(metrics[QUANTIZED].confusion, cells.class_names)
    page.plot("confusion", f"{QUANTIZED}: test cells by true and predicted class", confusion)
    calibrations = {name: metrics[name].calibration for name in (FLOAT, QUANTIZED)}
    known = {name: each for name, each in calibrations.items() if each is not None}
    page.plot("reliability", "Are probabilities right? Float and quantized network", reliability_plot(known))
    page.plot("means", "What a class looks like on average, each channel on its own range", _means(cells))
    page.text(
        "Along with the quantized network go images of noise, each pixel with the mean and the spread that it has in "
        "the cells: neither page nor network holds an image of a cell."
    )
    page.fact("metrics", {method: each.as_dict() for method, each in metrics.items()})
    page.fact("sizes", sizes)
    page.fact("shares", results.shares)


def _introduce(page: Page, sizes: JurkatSizes, results: Results, network: keras.Model) -> None:
    cells = results.cells
    counts = np.bincount(cells.labels, minlength=len(cells.class_names))
    told = ", ".join(f"{name} {count}" for name, count in zip(cells.class_names, counts, strict=True))
    page.text(
        f"**Real cells.** {len(cells.labels)} Jurkat cells ({told}; Blasi et al. 2016, Hennig et al. 2016) in bright "
        f"and dark field; the DNA stain made the labels and is shown to nobody. Five stratified folds, of which "
        f"{sizes.folds} {'are' if sizes.folds > 1 else 'is'} trained and tested here: {len(results.labels)} test "
        f"cells. Inner folds of the training cells choose C and gamma of the support vector machine. One instrument "
        f"and one experiment: no split by donor is possible."
    )
    page.text(
        f"**Teachers.** {sizes.inner_folds} inner folds of the training cells are each judged by a float network "
        f"({sizes.teacher_epochs} epochs, seen in eight symmetries) and a shrinkage LDA on hand-made features that "
        f"were fitted to the others. The network learns a mean of their probabilities, {sizes.network_share:.0%} "
        f"the float network's, with the true label as {sizes.label_share:.0%} of each target, for {sizes.epochs} "
        f"epochs in float and "
        f"{sizes.quantized_epochs + sizes.fine_tune_epochs} quantized; one training cell in {SELECTING} as it is tells "
        f"the epoch of the lowest loss."
    )
    page.text(
        f"The networks see the middle {sizes.side}x{sizes.side} of {jurkat.SIDE}x{jurkat.SIDE} pixels, with "
        f"{sizes.width:g} times the filters and units of the full network "
        f"({count_macs(network):,} multiplications and {count_weights(network):,} parameters a cell), turned, "
        f"mirrored and shifted by up to a pixel at random."
    )
    page.text(
        f"**Operating points.** For rare classes a share of the logarithm of the prior is taken off the logits; for "
        f"the network it is added to the last biases. Of 0, 0.25, 0.5, 0.75 and 1 that share is taken which has the "
        f"best balanced accuracy and loses at most {MOST_LOST:.0%} of the cells, on inner folds of the first fold's "
        f"training cells: for each classifier on its own, for the network on what the teachers say. The float "
        f"network has the quantized one's. Network, schedule and shares come from the first fold's training cells, "
        f"which are test cells of the other folds: the first fold alone is free of that choice."
    )


def _verdict(results: Results, metrics: dict[str, Metrics], accurate: str, balanced: str) -> str:
    classes = metrics[CONTROL].classes
    chance = max(each.cells for each in classes) / sum(each.cells for each in classes)
    background = max(metrics[name].accuracy.low or 0.0 for name in (CONTROL, SVM_CONTROL))
    return (
        f"In accuracy the quantized network is {_relation(results.difference(QUANTIZED, accurate))} the best "
        f"classifier, {accurate}; in balanced accuracy it is "
        f"{_relation(results.balanced_difference(QUANTIZED, balanced))} the best one, {balanced}. The background alone "
        f"is {'above' if background > chance else 'not above'} the share of the largest class, {chance:.3f}."
    )


def _relation(difference: Interval) -> str:
    relation = "above" if difference.is_above(0) else "below" if difference.is_below(0) else "not distinguishable from"
    points = [100 * (each or 0.0) for each in (difference.value, difference.low, difference.high)]
    return f"({points[0]:+.1f} points, {points[1]:+.1f} to {points[2]:+.1f}) {relation}"


def _accuracy(logits: NDArray[np.float64], fold: Fold, cells: JurkatCells) -> float:
    return float((logits.argmax(axis=1) == cells.labels[fold.test]).mean())


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
