"""The part of a classifier's page that sets its quantized twin beside the float network, cell by cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.evaluation.metrics import Difference, Figure, Metrics
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import reliability_plot


def twin_beside_float(
    page: Page,
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    networks: dict[str, keras.Model],
    probabilities: dict[str, NDArray[np.float64]],
) -> None:
    """Add a table, a sentence and a reliability plot of two networks on the same unseen cells.

    ``networks`` and ``probabilities`` (cells, classes) have two entries of the same names: first float, then twin.
    """
    float_name, twin_name = networks
    predicted = {name: found.argmax(axis=1) for name, found in probabilities.items()}
    found = {name: Metrics.of(labels, predicted[name], class_names, probabilities[name]) for name in networks}
    calibrations = {name: figures.calibration for name, figures in found.items() if figures.calibration is not None}
    page.table(
        "twin",
        f"Float network and quantized twin on the same {len(labels)} unseen cells",
        ("network", "accuracy", "balanced accuracy", "calibration error (ECE)", "constants", "products a cell"),
        [
            (
                name,
                found[name].accuracy,
                found[name].balanced_accuracy,
                calibrations[name].ece,
                count_weights(model),
                count_macs(model),
            )
            for name, model in networks.items()
        ],
    )
    difference = Difference.of(labels, predicted[twin_name], predicted[float_name])
    same = Figure.share(int((predicted[twin_name] == predicted[float_name]).sum()), len(labels))
    page.text(
        f"Cell by cell, the twin's accuracy less the float network's is {told_difference(difference)}; both give the "
        f"same class to {same.value:.1%} of the cells."
    )
    page.plot(
        "reliability", "Calibration of both: accuracy against the predicted probability", reliability_plot(calibrations)
    )
    page.fact("twin less float", difference)
    page.fact("metrics", found)


def told_difference(difference: Difference) -> str:
    """Return a paired difference of accuracies in words: how much, its interval, and whether it can be told from 0."""
    told = f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    if difference.low <= 0 <= difference.high:
        return f"{told}, not told apart from none"
    return told
