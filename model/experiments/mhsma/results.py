"""The page of the sperm cells: accuracies by part of the cell, beside each other and beside the published ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.mhsma import CELLS, LABELS, SIDE, TEST, SpermCells
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.experiments.mhsma.learning import SpermSizes
from cytogate.model.experiments.mhsma.targets import BOOSTING, CLASSIFIERS, LDA, SVM, TEACHERS, Taught
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.pages.page import Page, Value, told_difference
from cytogate.model.pages.plots import confusion_plot, lines_plot
from cytogate.model.training.fitting import Fitted

QUANTIZED, FLOAT = "quantized network", "float network"
TEACHERS_TOGETHER = "teachers together (on no chip)"
BACKGROUND = "background check: SVM, background alone"
LARGEST = "largest class"
PUBLISHED = {"acrosome": 0.767, "head": 0.770, "vacuole": 0.913}
"""Accuracies on the test cells (Javadi & Mirroshandel 2019); of the tail there is none."""
STATES = ("normal", "abnormal")


@dataclass(frozen=True, eq=False)
class Results:
    """What every method says of the cells that are reported on."""

    learned: SpermCells
    reported: SpermCells
    name: str
    """Of those cells."""
    predicted: dict[str, NDArray[np.int64]]
    """(cells, 4) by method."""
    teaching: Taught

    @property
    def tests(self) -> bool:
        """Whether these are test cells, which alone compare with what is published."""
        return self.name == "test"

    def accuracy(self, method: str, column: int) -> Interval:
        """Return the accuracy of a method for one part of the cell."""
        right = self.predicted[method][:, column] == self.reported.labels[:, column]
        return Interval.share(int(right.sum()), len(right))

    def largest(self, column: int) -> Interval:
        """Return the accuracy of whoever says what most of the cells are that are learned from."""
        common = int(2 * self.learned.labels[:, column].sum() > len(self.learned))
        return Interval.share(int((self.reported.labels[:, column] == common).sum()), len(self.reported))

    def difference(self, one: str, other: str, column: int) -> Interval:
        """Return the accuracy of one method less that of another on the same cells."""
        labels = self.reported.labels[:, column]
        return Interval.difference(labels, self.predicted[one][:, column], self.predicted[other][:, column])


def describe(page: Page, results: Results, sizes: SpermSizes, quantized: Fitted, float_student: Fitted) -> None:
    """Write everything but the network."""
    _intro(page, results, sizes, quantized)
    page.heading("Accuracy")
    columns = range(len(LABELS))
    rows: list[tuple[Value, ...]] = [
        (name, *(results.accuracy(name, column) for column in columns)) for name in results.predicted
    ]
    rows.append((LARGEST, *(results.largest(column) for column in columns)))
    if results.tests:
        rows.append(("published network", *(PUBLISHED.get(label) for label in LABELS)))
    caption = f"Share of right answers for {len(results.reported)} {results.name} cells; 95 % intervals"
    page.table("methods", caption, ("method", *LABELS), rows)
    page.text(_verdict(results))
    pairs = [(QUANTIZED, FLOAT), (QUANTIZED, TEACHERS_TOGETHER), *((QUANTIZED, name) for name in CLASSIFIERS)]
    page.table(
        "differences",
        "Accuracy of one less that of the other on the same cells",
        ("one", "other", *LABELS),
        [(*pair, *(results.difference(*pair, column) for column in columns)) for pair in pairs],
    )
    _parts(page, results)
    _teachers(page, results)
    curves = {"float network": float_student, "quantized network, which starts from it": quantized}
    page.plot(
        "curves",
        "Students: cross-entropy with what the teachers say, on the cells that are learned from, by epoch",
        lines_plot(
            {
                name: (np.arange(1, len(each.curve) + 1), np.array([epoch.validation_loss for epoch in each.curve]))
                for name, each in curves.items()
            },
            "epoch",
            "cross-entropy",
        ),
    )
    page.fact("sizes", sizes)


def _intro(page: Page, results: Results, sizes: SpermSizes, quantized: Fitted) -> None:
    abnormal = ", ".join(
        f"{label} {count}" for label, count in zip(LABELS, results.learned.labels.sum(axis=0), strict=True)
    )
    page.text(
        f"**Real cells.** Unstained human sperm of the MHSMA set (Javadi & Mirroshandel 2019), {SIDE}x{SIDE} gray "
        f"pixels; experts judged acrosome, head, vacuole and tail of each. {len(results.learned)} cells are learned "
        f"from (abnormal: {abnormal}), {len(results.reported)} {results.name} cells of the official split are reported "
        f"on. The set names no donor or day, so that none is kept apart."
    )
    if results.tests:
        page.text(
            f"The {CELLS[TEST]} test cells were looked at once before, by an earlier form of this experiment, and once "
            "for this page. Everything here was chosen on folds of the training and validation cells alone."
        )
    else:
        page.text(
            "No test cell is read at this scale; what is chosen by these figures is chosen without them, and they "
            "compare with no published one."
        )
    page.text(
        f"One network gives four logits, each above 0 where its part is abnormal: {count_macs(quantized.model):,} "
        f"multiplications and {count_weights(quantized.model):,} parameters a cell, on the middle "
        f"{sizes.side}x{sizes.side} pixels{_binned(sizes.binning)}. It is a student: it learns no label, but what "
        f"teachers say of its cells, for {sizes.epochs} epochs of images turned by any angle, mirrored, moved, scaled "
        f"and dimmed at random. The quantized network starts from the float one and goes on for "
        f"{sizes.quantized_epochs} epochs and, with snapped batch normalization, {sizes.fine_tune_epochs}. Teachers "
        f"are float networks of the same form and classifiers on hand-made features, fitted to {sizes.folds - 1} of "
        f"{sizes.folds} folds of the cells and asked of the fold that they have not seen; a logistic regression joins "
        f"what they say. It is fitted to the same cells, so that their joint answer is a little too good."
    )


def _binned(binning: int) -> str:
    return "" if binning == 1 else f" that are means of {binning}x{binning} of the camera's"


def _verdict(results: Results) -> str:
    told = []
    for column, label in enumerate(LABELS):
        found, largest = results.accuracy(QUANTIZED, column), results.largest(column).known
        beside = f"largest class {largest:.3f}"
        if results.tests and label in PUBLISHED:
            published = PUBLISHED[label]
            where = "above" if found.is_above(published) else "below" if found.is_below(published) else "not told from"
            beside += f"; {where} the published {published:.3f}"
        told.append(f"{label} {found.known:.3f} ({beside})")
    quantization = ", ".join(
        f"{label} {told_difference(results.difference(QUANTIZED, FLOAT, column))}"
        for column, label in enumerate(LABELS)
    )
    return f"The quantized network: {', '.join(told)}. Less the float network: {quantization}."


def _parts(page: Page, results: Results) -> None:
    """Add what accuracy hides where most cells are normal."""
    page.heading("Abnormal parts")
    metrics = {
        label: Metrics.of(results.reported.labels[:, column], results.predicted[QUANTIZED][:, column], STATES)
        for column, label in enumerate(LABELS)
    }
    page.table(
        "abnormal",
        "Quantized network: how it does on the abnormal ones",
        ("part", "abnormal cells", "found of them", "right of those called abnormal", "balanced accuracy"),
        [
            (label, each.classes[1].cells, each.classes[1].recall, each.classes[1].precision, each.balanced_accuracy)
            for label, each in metrics.items()
        ],
    )
    for label, each in metrics.items():
        caption = f"{label}: cells by true and predicted state, quantized network"
        page.plot(f"confusion-{label}", caption, confusion_plot(each.confusion, STATES))
    page.fact("metrics", metrics)


def _teachers(page: Page, results: Results) -> None:
    page.heading("Teachers")
    labels, taught = results.learned.labels, results.teaching
    said = {name: taught.scores[name] > 0 for name in TEACHERS} | {"together, joined on them": taught.learned > 0.5}
    page.table(
        "teachers",
        f"Accuracy of the teachers on the {len(labels)} cells that are learned from, each unseen by its teachers; what "
        "joins these was fitted to what they say of the same cells",
        ("teacher", *LABELS),
        [
            (name, *(Interval.share(int(right.sum()), len(right)) for right in (each == labels).T))
            for name, each in said.items()
        ],
    )
    page.text(
        f"{SVM}, {LDA} and {BOOSTING} see hand-made features; their figures under *Accuracy* are of classifiers fitted "
        "to all the cells that are learned from."
    )
