"""The page of the graded tasks: all grades side by side, and each with its ladder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Plot

from cytogate.model.evaluation.metrics import Interval
from cytogate.model.experiments.grades.drawn import NAMES
from cytogate.model.experiments.grades.ladder import (
    BACKGROUND,
    DRAWN,
    DRAWN_BULK,
    DRAWN_OUTLINE,
    FLOAT,
    QUANTIZED,
    TRUE_PHASE,
    Ladder,
)
from cytogate.model.experiments.grades.tasks import TaskSizes
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.pages.page import Page, told_difference
from cytogate.model.training.designs import DesignPlan

CODES_ON_PAGE = 16
"""Unseen cells that go along with the quantized network."""
BEST_BASELINE = "best classifier on features of the retrieved phase"


def introduction(page: Page, sizes: TaskSizes, plan: DesignPlan, ladders: Sequence[Ladder]) -> None:
    """Say what is compared, and on how many cells."""
    design, first = sizes.design, ladders[0].task
    page.text(
        f"The default task tells {', '.join(first.class_names)} apart. It is asked in {len(ladders)} grades: "
        + "; ".join(f"**{each.task.grade.name}**, {each.task.grade.told}" for each in ladders)
        + f". Each has {sizes.cells} cells; grades that are not cut into runs have the same cells, drawn wider or "
        "narrower about the same means, in the same split."
    )
    page.text(
        "A grade's ladder leads down from what the simulator drew to what a device computes. Its first rungs are "
        f"classifiers on the {len(NAMES)} drawn parameters of a cell, or on some of them, which no optics can take "
        "away. Then come hand-made features of the images with the *true* phase in place of the retrieved one, which "
        "the optics and the noise have not touched; features of the images as the device gets them, which are the "
        "network's baselines; the network, float and quantized; and, as the background check, the best that network or "
        "classifiers reach on images with the cells hidden. On the first rungs one of support vector machine, "
        "shrinkage LDA and gradient boosting is chosen by the validation cells. The network is compared with the "
        "baseline that is best on the test cells themselves, which favors the baseline."
    )
    page.text(
        f"Images of {design.size}x{design.size} pixels. The network has {count_macs(ladders[0].network):,} "
        f"multiplications and {count_weights(ladders[0].network):,} parameters a cell and is trained for {plan.epochs} "
        f"epochs and, quantized, {plan.fine_tune_epochs} more. Training cells are made by the fast simulator, those "
        "that are reported on by the exact one. Intervals are 95 %, over cells; where these come from runs, over runs "
        "and the cells of each."
    )


def add_summary(page: Page, ladders: Sequence[Ladder]) -> None:
    """Add the table and the figure of all grades."""
    page.heading("All grades")
    page.table(
        "grades",
        "Accuracy on unseen cells by grade; differences are paired, cell by cell",
        (
            "grade", "test cells", DRAWN, TRUE_PHASE, BEST_BASELINE, FLOAT, QUANTIZED,
            "quantized network less best classifier", "quantized less float network",
        ),
        [
            (
                each.task.grade.name,
                len(each.task.split.test),
                *(each.metrics[rung].accuracy for rung in (DRAWN, TRUE_PHASE, each.baseline, FLOAT, QUANTIZED)),
                each.less_baseline,
                each.less_float,
            )
            for each in ladders
        ],
    )  # fmt: skip
    page.plot("ladders", "Accuracy from what was drawn to what is computed, and 95 % intervals", ladders_plot(ladders))
    page.text(" ".join(_verdict(each) for each in ladders))
    page.fact("ladders", {each.task.grade.name: _facts(each) for each in ladders})


def add_grade(page: Page, ladder: Ladder) -> None:
    """Add the section of a grade."""
    grade = ladder.task.grade
    page.heading(grade.name.capitalize())
    page.table(
        grade.name.replace(" ", "_"),
        f"{grade.told[0].upper()}{grade.told[1:]}: {len(ladder.task.split.test)} test cells, "
        f"{len(ladder.task.backgrounds_split.test)} backgrounds",
        ("rung", "accuracy", "balanced accuracy", "chosen classifier"),
        [
            (rung, each.accuracy, each.balanced_accuracy, ladder.chosen.get(rung))
            for rung, each in ladder.metrics.items()
        ],
    )
    page.text(
        f"The quantized network's accuracy, less that of {ladder.baseline}, is "
        f"{told_difference(ladder.less_baseline)}; less the float network's, {told_difference(ladder.less_float)}; "
        f"less that of {TRUE_PHASE}, {told_difference(ladder.less_true_phase)}. The background alone is "
        f"{'above' if ladder.background_tells else 'not above'} the share of the largest class, {ladder.chance:.3f}."
    )


def add_runs(page: Page, ladder: Ladder) -> None:
    """Add what the runs of a grade show."""
    new = ladder.metrics[QUANTIZED].accuracy
    page.table(
        "runs",
        "Accuracy of the quantized network by the run of the tested cells",
        ("cells of", "accuracy"),
        [
            *((f"run {run}, never seen", accuracy) for run, accuracy in ladder.by_run.items()),
            ("all runs never seen", new),
            ("runs that were trained on, other cells", ladder.seen),
        ],
    )
    changed = new.known - ladder.seen.known
    page.text(
        "Cells of a run share its shading and its gains. The interval over all runs draws whole ones; with "
        f"{len(ladder.by_run)} tested {'runs' if len(ladder.by_run) > 1 else 'run'}, it does not say how many others "
        "would turn out. From new cells of runs that were trained on to runs never seen, accuracy changes by "
        f"{changed:+.3f}."
    )


def add_network(page: Page, ladder: Ladder) -> None:
    """Add the quantized network of a grade, with some of its test cells."""
    task = ladder.task
    codes = task.inputs.read(task.split.test[:CODES_ON_PAGE])
    page.heading("Quantized network")
    page.text(f"That of the grade *{task.grade.name}* goes along, with {len(codes)} of its test cells.")
    page.quantized_network(ladder.network, [codes], task.class_names)


def ladders_plot(ladders: Sequence[Ladder]) -> Plot:
    """Draw the accuracy of each rung, a line for each grade."""
    rungs = {
        "drawn:\nall": DRAWN, "drawn:\nsize, index,\noutline": DRAWN_OUTLINE, "drawn:\nsize, index": DRAWN_BULK,
        "features,\ntrue phase": TRUE_PHASE, "features,\nretrieved": None, "float\nnetwork": FLOAT,
        "quantized\nnetwork": QUANTIZED, "background": BACKGROUND,
    }  # fmt: skip
    figure = Plot(figsize=(8.5, 4.4), layout="constrained")
    axes = figure.subplots()
    for place, ladder in enumerate(ladders):
        found = [ladder.metrics[rung or ladder.baseline].accuracy for rung in rungs.values()]
        value = np.array([each.known for each in found])
        low, high = (np.array([getattr(each, end) for each in found]) for end in ("low", "high"))
        x = np.arange(len(rungs)) + 0.08 * (place - (len(ladders) - 1) / 2)
        bars = np.stack([value - low, high - value])
        axes.errorbar(x, value, bars, marker="o", markersize=4, capsize=2, linewidth=0.8, label=ladder.task.grade.name)
    axes.set_xticks(np.arange(len(rungs)), list(rungs), fontsize=8)
    axes.axhline(1 / len(ladders[0].task.class_names), color="0.7", linestyle="--")
    axes.set_ylabel("accuracy")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def _verdict(ladder: Ladder) -> str:
    difference = ladder.less_baseline
    relation = "above" if difference.is_above(0) else "below" if difference.is_below(0) else "not told apart from"
    optics = _points(ladder.metrics[TRUE_PHASE].accuracy, ladder.metrics[ladder.baseline].accuracy)
    return (
        f"*{ladder.task.grade.name.capitalize()}*: the quantized network is {relation} the best classifier on "
        f"features: {told_difference(difference)}; from the true to the retrieved phase features lose {optics:.1f} "
        "points."
    )


def _points(one: Interval, other: Interval) -> float:
    return 100 * (one.known - other.known)


def _facts(ladder: Ladder) -> dict[str, object]:
    return {
        "metrics": {rung: each.as_dict() for rung, each in ladder.metrics.items()},
        "best baseline": ladder.baseline,
        "quantized less best baseline": ladder.less_baseline,
        "quantized less float": ladder.less_float,
        "quantized less true phase": ladder.less_true_phase,
        "background tells": ladder.background_tells,
        "training cells": len(ladder.task.split.training),
    }
