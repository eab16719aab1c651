"""Figures that more than one experiment has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import ArrayLike, NDArray

from cytogate.model.evaluation.metrics import Calibration
from cytogate.model.training.record import Epoch

mpl.use("agg")

NAME_INCHES = 0.2
"""Height of the name above a row of images."""


def confusion_plot(counts: Sequence[Sequence[int]], class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix: counts by true class (rows) and predicted class, shaded by their share of the row."""
    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    side = 1.6 + 0.75 * len(class_names)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*table.shape):
        color = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, str(table[row, column]), ha="center", va="center", color=color)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure


def lines_plot(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], x_label: str, y_label: str, *, logarithmic: bool = False
) -> Figure:
    """Draw named curves (x, y); ``logarithmic`` spaces x by its logarithm and marks the points."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    for name, (x, y) in curves.items():
        axes.plot(np.asarray(x), np.asarray(y), marker="o" if logarithmic else None, markersize=4, label=name)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def ranges_plot(rows: Sequence[tuple[str, tuple[float, float], tuple[float, float]]]) -> Figure:
    """Draw what was seen of each range that is possible: name, seen ends, possible ends; the first row on top."""
    figure = Figure(figsize=(7.0, 0.9 + 0.27 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for number, (_, seen, possible) in enumerate(rows):
        largest = max(map(abs, possible)) or 1.0
        for (low, high), color, height in ((possible, "#d8dee6", 0.8), (seen, "#2f6fb5", 0.4)):
            axes.barh(number, (high - low) / largest, left=low / largest, height=height, color=color)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("largest value that can come = 1; dark: what has come")
    return figure


def gallery_plot(rows: Mapping[str, Sequence[NDArray]], *, color_map: str = "gray", label: str = "") -> Figure:
    """Draw images (rows, columns), a named row of them each, all on one range; ``label`` names what they show."""
    columns = max(map(len, rows.values()))
    width, height = 1.35 * columns + 1.2, 1.4 * len(rows) + 0.3
    # Room for names, of the first row too.
    layout = ConstrainedLayoutEngine(h_pad=NAME_INCHES / 2, rect=(0, 0, 1, 1 - NAME_INCHES / height))
    figure = Figure(figsize=(width, height), layout=layout)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    every = np.concatenate([np.ravel(image) for images in rows.values() for image in images])
    low, high = np.quantile(every, [0.002, 0.998])
    for axis in axes.ravel():
        axis.set_axis_off()
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        # No title: one that is wider than its image would push the others aside.
        row[0].text(0, 1.06, name, fontsize=9, transform=row[0].transAxes, in_layout=False)
        for axis, image in zip(row, images, strict=False):
            drawn = axis.imshow(image, cmap=color_map, vmin=low, vmax=high)
    if label:
        figure.colorbar(drawn, ax=axes, label=label, fraction=0.03)
    return figure


def reliability_plot(curves: Mapping[str, Calibration]) -> Figure:
    """Draw accuracy against predicted probability; what lies on the diagonal is calibrated."""
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    for name, calibration in curves.items():
        points = [(part.confidence, part.accuracy.value) for part in calibration.curve if part.cells]
        confidence, accuracy = np.array(points, np.float64).T
        axes.plot(confidence, accuracy, marker="o", label=f"{name}, ECE {calibration.ece.value:.3f}")
    axes.set_xlabel("probability of the predicted class")
    axes.set_ylabel("share of right predictions")
    axes.legend()
    return figure


def accuracy_plot(curves: Mapping[str, Sequence[Epoch]], label: str = "validation accuracy") -> Figure:
    """Draw the validation accuracy of named trainings, or what it stands for, by epoch, counted from 1."""
    drawn = {
        name: (np.arange(1, len(curve) + 1), np.array([epoch.validation_accuracy for epoch in curve], np.float64))
        for name, curve in curves.items()
    }
    return lines_plot(drawn, "epoch", label)
