"""The page of a training: what was found on cells never seen, and what is not known, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.evaluation.operating_point import MOST_LOST, Chosen, Rates
from cytogate.model.evaluation.verdict import LARGEST_CLASS, Evaluation
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import accuracy_plot, confusion_plot, reliability_plot
from cytogate.model.pages.quantized_table import told_difference
from cytogate.model.training.record import Epoch

FEW = 30
"""Test cells of a class under which its recall is hardly known."""
FEW_GROUPS = 20
"""Groups of test cells under which a bootstrap over them gives intervals that are too narrow."""


def training_page(
    design: Design,
    evaluation: Evaluation,
    point: tuple[Chosen, Rates],
    split: Split,
    source: str,
    simulated: bool,
    facts: Mapping[str, object],
    curves: Mapping[str, Sequence[Epoch]],
) -> Page:
    """Return the page.

    Parameters
    ----------
    point
        The operating point, and what the quantized network gets right of the test cells without it.
    facts
        What is known of the data.
    """
    page = Page(f"Design {design.name}, trained", simulated=simulated)
    page.text(
        f"Cells of {source}: {len(split.training):,} train, {len(split.validation):,} select the epoch, and "
        f"{len(split.test):,} were looked at once, for this page. {_of_groups(facts)}"
    )
    page.heading("What was found")
    page.table(
        "accuracy",
        f"On the same {len(split.test):,} cells never seen; 95 % intervals",
        ("classifier", "accuracy", "balanced accuracy"),
        evaluation.rows(),
    )
    for sentence in _found(evaluation):
        page.text(sentence)
    page.text(_operating_point(*point, design.network.class_names))
    page.table(
        "classes",
        "Quantized network, one class against the rest",
        ("class", "cells", "precision", "recall", "F", "AUC"),
        [
            (each.name, each.cells, each.precision, each.recall, each.f, each.auc)
            for each in evaluation.quantized.classes
        ],
    )
    page.plot(
        "confusion",
        "Quantized network: test cells by true and predicted class",
        confusion_plot(evaluation.quantized.confusion, design.network.class_names),
    )
    calibrations = {
        name: each.calibration
        for name, each in (("quantized", evaluation.quantized), ("float", evaluation.float_network))
        if each.calibration is not None
    }
    page.plot("reliability", "Accuracy against the predicted probability", reliability_plot(calibrations))
    page.plot("curves", "Validation accuracy by epoch", accuracy_plot(curves))
    page.heading("What is not known")
    for sentence in _unknown(evaluation, simulated, facts):
        page.text(f"- {sentence}")
    page.fact("evaluation", evaluation)
    page.fact("data", dict(facts))
    return page


def _of_groups(facts: Mapping[str, object]) -> str:
    groups = facts.get("groups")
    if isinstance(groups, list):
        return f"The {len(groups)} groups ({', '.join(groups[:8])}{', ...' if len(groups) > 8 else ''}) are never cut."
    if "fields" in facts:
        return "All cells of a hologram are on one side; the holograms have no groups."
    return "Every class is split by the same shares; the cells have no groups."


def _operating_point(point: Chosen, without: Rates, class_names: tuple[str, ...]) -> str:
    if point.operating_point is None:
        return (
            "Operating point: logits are compared as they are. Taking shares of the classes' priors off them does not "
            f"raise balanced accuracy on validation cells, or costs more than {MOST_LOST:.0%} of the cells."
        )
    offsets = ", ".join(f"{name} {offset:+.2f}" for name, offset in zip(class_names, point.offsets, strict=True))
    return (
        f"Operating point: {point.share:.0%} of the logarithm of the classes' priors is taken off the logits, by the "
        f"biases of the last layer ({offsets}), as chosen on validation cells: balanced accuracy "
        f"{point.without.balanced_accuracy:.1%} there before, {point.with_offsets.balanced_accuracy:.1%} after; "
        f"accuracy {point.without.accuracy:.1%} and {point.with_offsets.accuracy:.1%}. All figures of networks here "
        "are at this point, those of classifiers on features at points of their own, which the same cells chose; "
        f"without it, the quantized network has accuracy {without.accuracy:.1%} and balanced "
        f"accuracy {without.balanced_accuracy:.1%} on the test cells."
    )


def _found(evaluation: Evaluation) -> list[str]:
    best, averaged = evaluation.baseline, evaluation.over_symmetries
    sentences = [
        f"Quantization costs nothing that can be told, or this much: quantized less float network "
        f"{told_difference(evaluation.quantized_less_float)}, cell by cell.",
        f"The device sees each cell once. The mean of the quantized network over {averaged.views} views, mirrored and "
        f"turned, less the single view: {told_difference(averaged.less_single)}, at {averaged.views} times the work.",
        f"The best simpler classifier on these cells is {best}; quantized network less {best}: "
        f"{told_difference(evaluation.quantized_less_baseline)}.",
    ]
    if evaluation.quantized_less_baseline.high is not None and evaluation.quantized_less_baseline.high < 0:
        sentences.append(f"**{best} is better than the network on these cells.**")
    background, share = evaluation.background.accuracy, evaluation.background_share
    if evaluation.background_tells:
        sentences.append(
            f"**Backgrounds without cells are told apart, too**: {background.value:.1%} where always saying the "
            f"largest class gives {share:.1%}. Classes differ in more than their cells (day, focus, illumination): so "
            f"much of the accuracy may not be about cells."
        )
    else:
        sentences.append(
            f"Backgrounds without cells are not told apart: {background.value:.1%}, where always saying the largest "
            f"class gives {share:.1%}."
        )
    return sentences


def _unknown(evaluation: Evaluation, simulated: bool, facts: Mapping[str, object]) -> list[str]:
    few = [each.name for each in evaluation.quantized.classes if each.cells < FEW]
    sentences = []
    if simulated:
        sentences.append("How real cells would be classified: these are simulated.")
    if not isinstance(facts.get("groups"), list) and not simulated:
        sentences.append(
            "How cells of another donor, day or run would be classified: the file has no `groups`, so that cells of "
            "one run train and test."
        )
    if facts.get("lacking") is not None:
        sentences.append(f"What other groups would show: {facts['lacking']}, however these are dealt.")
    tested = facts.get("test groups")
    if isinstance(tested, int) and tested < FEW_GROUPS:
        sentences.append(
            f"How cells of many other groups would turn out: the test cells are of {tested}. Intervals "
            "draw whole groups, but so few of them are drawn from."
        )
    if few:
        sentences.append(f"How well {', '.join(few)} are recognized: fewer than {FEW} such cells were tested.")
    if evaluation.baseline == LARGEST_CLASS:
        sentences.append(
            "Whether the classes can be told apart by these frames at all: nothing beats the largest class."
        )
    sentences.append("How another training, from other initial weights, would turn out: this is one.")
    sentences.append("What a cell of none of these classes is called: it is given one of them.")
    return sentences
