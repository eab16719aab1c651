"""The part of a page that compares methods over sizes of training sets: table, figure, and what is seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Plot

from cytogate.model.evaluation.baselines import TOPGAN_NEIGHBORS
from cytogate.model.evaluation.metrics import RESAMPLES, Interval, Repeats
from cytogate.model.experiments.topgan.methods import MOBILENET_VARIABLE, DrawOutcome, Method, Task
from cytogate.model.pages.page import Page, Value, told_difference

FEW = TOPGAN_NEIGHBORS + 1
"""Of so many training cells K neighbors are all but one."""
OFFSET = 1.035
"""Methods of one size stand side by side: each this factor to the right of the one before."""


def add_comparison(page: Page, number: int, task: Task, outcomes: Sequence[DrawOutcome]) -> None:
    """Add the section of the paper's Table ``number`` and of the panels of Figure 4 that belong to it."""
    sizes = sorted({outcome.cells for outcome in outcomes})
    page.heading(f"{task.name.capitalize()} (Table {number}, Figure 4)")
    page.table(
        f"accuracy_{number}",
        f"Accuracy over {len(task.draws)} draws on {len(task.draws[0].test)} test cells: mean, range and standard "
        "deviation of single draws",
        ("method", "training cells", "mean", "lowest", "highest", "standard deviation"),
        [
            (method.value, cells, spread.mean, min(spread.values), max(spread.values), spread.standard_deviation)
            for method in methods_of(outcomes)
            for cells in sizes
            for spread in [Repeats.of([each.accuracy for each in chosen(outcomes, method, cells)])]
        ],
    )
    page.table(
        f"table_{number}",
        f"Sensitivity (of {task.class_names[1]} cells), specificity and area under the ROC curve, means over "
        f"{len(task.draws)} draws (Table {number})",
        ("method", "training cells", "sensitivity", "specificity", "AUC"),
        [
            *(
                (
                    method.value,
                    cells,
                    *(_mean(chosen(outcomes, method, cells), name) for name in ("sensitivity", "specificity", "auc")),
                )
                for cells in sorted({sizes[0], sizes[-1]})
                for method in methods_of(outcomes)
            ),
            *_without_mobilenet(outcomes),
        ],
    )
    page.plot(
        f"figure_4_{number}",
        f"{task.name.capitalize()}: mean accuracy by size of the training set, and its range over draws (Figure 4)",
        accuracy_plot(outcomes),
    )
    page.text(_told(outcomes, sizes))
    page.fact(
        f"accuracies, {task.name}",
        {f"{each.method.value}, {each.cells} cells, draw {each.draw + 1}": each.accuracy for each in outcomes},
    )


def methods_of(outcomes: Sequence[DrawOutcome]) -> list[Method]:
    """Return the methods that there are outcomes of."""
    return [method for method in Method if any(each.method is method for each in outcomes)]


def chosen(outcomes: Sequence[DrawOutcome], method: Method, cells: int) -> list[DrawOutcome]:
    """Return a method's outcomes at one size, by draw."""
    return [each for each in outcomes if each.method is method and each.cells == cells]


def gain(one: Sequence[DrawOutcome], other: Sequence[DrawOutcome]) -> Interval:
    """Return the mean accuracy of one method less another's, draw by draw and cell by cell, with its 95 % interval.

    Cells are resampled, and so are draws, which all methods share.
    """
    right = [np.array([each.probabilities.argmax(axis=1) == each.labels for each in some]) for some in (one, other)]
    gains = right[0].astype(float) - right[1]
    rng = np.random.default_rng(0)
    resampled = [
        gains[rng.integers(0, len(gains), len(gains))][:, rng.integers(0, gains.shape[1], gains.shape[1])].mean()
        for _ in range(RESAMPLES)
    ]
    return Interval.bootstrapped(float(gains.mean()), np.array(resampled))


def accuracy_plot(outcomes: Sequence[DrawOutcome]) -> Plot:
    """Draw the mean accuracy of each method by size, with a bar from its lowest to its highest draw."""
    figure = Plot(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots()
    sizes = sorted({outcome.cells for outcome in outcomes})
    methods = methods_of(outcomes)
    for place, method in enumerate(methods):
        found = np.array([[each.accuracy for each in chosen(outcomes, method, cells)] for cells in sizes])
        mean = found.mean(axis=1)
        bars = np.abs(np.stack([found.min(axis=1), found.max(axis=1)]) - mean)
        x = np.array(sizes) * OFFSET ** (place - (len(methods) - 1) / 2)
        axes.errorbar(x, mean, bars, marker="o", markersize=4, capsize=2, linewidth=1.2, label=method.value)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(cells) for cells in sizes])
    axes.minorticks_off()
    axes.axhline(0.5, color="0.7", linestyle="--")
    axes.set_xlabel("labelled training cells")
    axes.set_ylabel("accuracy")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def _mean(outcomes: Sequence[DrawOutcome], name: str) -> float:
    return float(np.mean([getattr(each, name) for each in outcomes]))


def _without_mobilenet(outcomes: Sequence[DrawOutcome]) -> list[tuple[Value, ...]]:
    if Method.MOBILENET in methods_of(outcomes):
        return []
    said = f"{Method.MOBILENET.value}: not run, as {MOBILENET_VARIABLE} named no file of its ImageNet weights"
    return [(said, None, None, None, None)]


def _told(outcomes: Sequence[DrawOutcome], sizes: Sequence[int]) -> str:
    told = []
    for cells in sorted({sizes[0], sizes[-1]}):
        means = {method: _mean(chosen(outcomes, method, cells), "accuracy") for method in methods_of(outcomes)}
        best = max(means, key=lambda method: means[method])
        told.append(f"With {cells} training cells {best.value} has the highest mean accuracy, {means[best]:.3f}.")
        for one, other in ((Method.TOP_GAN, Method.CNN), (Method.TOP_GAN_AUG, Method.CNN_AUG)):
            if one in means and other in means:
                found = gain(chosen(outcomes, one, cells), chosen(outcomes, other, cells))
                told.append(f"{one.value} less {other.value} is {told_difference(found)}.")
    if sizes[0] <= FEW and Method.KNN in methods_of(outcomes):
        told.append(f"Of {sizes[0]} training cells nine neighbors are all but the farthest, which kNN then decides by.")
    return " ".join(told)
