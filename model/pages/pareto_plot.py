"""The picture of a search: accuracy against cost, what nothing else beats in both, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

mpl.use("agg")

Point = tuple[float, float]
"""Cost and accuracy."""


def pareto_plot(
    title: str,
    axes_labels: tuple[str, str],
    points: Sequence[Point],
    front: Sequence[Point],
    chosen: Point,
    interval: tuple[float, float],
    teachers: float,
) -> Figure:
    """Draw trials by cost and accuracy, both shares.

    Parameters
    ----------
    axes_labels
        Of cost and accuracy.
    front
        Those points that no other one beats in both, by their costs.
    interval
        Of the chosen one's accuracy, low and high.
    teachers
        Accuracy of the float networks that taught.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.axhline(teachers, color="tab:gray", linestyle="--", linewidth=1, label="teachers, float")
    costs, accuracies = zip(*points, strict=True)
    axes.scatter(costs, accuracies, s=22, color="#9db4cc", label=f"{len(points)} trials")
    axes.step(*zip(*front, strict=True), where="post", color="#2f6fb5", linewidth=1.2, marker="o", markersize=4,
              label="no other is cheaper and better")  # fmt: skip
    low, high = interval
    axes.errorbar(
        [chosen[0]], [chosen[1]], yerr=[[chosen[1] - low], [high - chosen[1]]], color="#c8401e", capsize=3, linewidth=1
    )
    axes.plot(*chosen, marker="*", markersize=15, color="#c8401e", linestyle="none", label="chosen, 95 % interval")
    axes.set_xlabel(axes_labels[0])
    axes.set_ylabel(axes_labels[1])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    return figure
