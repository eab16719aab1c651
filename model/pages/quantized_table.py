"""The part of a classifier's page that sets its quantized network beside the float network, cell by cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page, told_difference
from cytogate.model.pages.plots import reliability_plot


def quantized_beside_float(
    page: Page,
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    networks: dict[str, keras.Model],
    probabilities: dict[str, NDArray[np.float64]],
) -> None:
    """Add a table, a sentence and a reliability plot of two networks on the same unseen cells.

    ``networks`` and ``probabilities`` (cells, classes) have two entries of the same names: first float, then quantized.
    """
    float_name, quantized_name = networks
    predicted = {name: found.argmax(axis=1) for name, found in probabilities.items()}
    found = {name: Metrics.of(labels, predicted[name], class_names, probabilities[name]) for name in networks}
    calibrations = {name: figures.calibration for name, figures in found.items() if figures.calibration is not None}
    page.table(
        "quantized",
        f"Float network and quantized network on the same {len(labels)} unseen cells",
        ("network", "accuracy", "balanced accuracy", "calibration error (ECE)", "parameters", "multiplications a cell"),
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
    difference = Interval.difference(labels, predicted[quantized_name], predicted[float_name])
    same = Interval.share(int((predicted[quantized_name] == predicted[float_name]).sum()), len(labels))
    page.text(
        f"Cell by cell, the quantized network's accuracy less the float network's is {told_difference(difference)}; "
        f"both give the same class to {same.value:.1%} of the cells."
    )
    page.plot(
        "reliability", "Calibration of both: accuracy against the predicted probability", reliability_plot(calibrations)
    )
    page.fact("quantized less float", difference)
    page.fact("metrics", found)
