"""Write the page of paper 004's experiment on simulated HEp-2 cells; every sentence is made of the results."""

from __future__ import annotations

import numpy as np

from cytogate.model.evaluation.metrics import Calibration, Interval, Metrics
from cytogate.model.experiments.dcae.hep2 import CLASS_NAMES, SPECIMENS, TEST_CELLS, TRAINING_CELLS
from cytogate.model.experiments.dcae.on_hep2 import DcaeSizes, Hep2Results, Tested, best_split, selecting_accuracy
from cytogate.model.experiments.dcae.training import (
    CNN,
    CONTROL_TOLD,
    CONTROLS,
    DCAE,
    FINE_TUNED,
    LBP,
    QUANTIZED,
    TEXTURE,
    listed,
    reconstructed,
    values,
)
from cytogate.model.networks.dcae import Dcae
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.pages.page import Page, told_difference
from cytogate.model.pages.plots import confusion_plot, gallery_plot, lines_plot, reliability_plot

GALLERY = 2
"""Cells of each class in the gallery."""
CELLS_ON_PAGE = 16
PUBLISHED_METHODS = (TEXTURE, LBP, CNN, DCAE)
"""Table II."""
PUBLISHED_ACCURACIES = "80.90, 85.71, 86.20 and 88.08 %"
PUBLISHED_SPLITS = 5


def add_hep2(page: Page, results: Hep2Results) -> None:
    """Add everything that was found on simulated cells."""
    _introduce(page, results)
    page.heading("Accuracy")
    _accuracies(page, results)
    _selection(page, results)
    page.heading("Confusion")
    _confusion(page, results.tested[DCAE].metrics)
    page.heading("Reconstruction")
    _reconstruction(page, results)
    page.heading("Quantized network")
    _quantized(page, results)
    page.fact("metrics", {method: each.metrics.as_dict() for method, each in results.tested.items()})
    page.fact("sizes", results.sizes)


def _introduce(page: Page, results: Hep2Results) -> None:
    sizes, lengths = results.sizes, results.sizes.lengths
    page.text(
        f"{_shrunk(sizes)} The paper gives no epochs: here they are at most {lengths.autoencoder} for the autoencoder, "
        f"{lengths.classifier} for the classifier of latent vectors, of eight orientations each, {lengths.supervised} "
        f"for the CNN and {lengths.fine_tune} for what is fine-tuned, in batches of {lengths.batch} by Adam; training "
        f"ends {lengths.patience} epochs behind its best one."
    )
    page.text(
        f"Nuclei of five staining patterns are simulated, one pattern a specimen; {SPECIMENS} specimens train and "
        f"{len(np.unique(results.test.specimens))} others test, as in the paper. The autoencoder learns from training "
        "images without their labels. Of the training cells a random "
        f"{sizes.selecting_share:.0%} stop and select; they are from the specimens of the fitted ones, so that "
        "accuracy on them is not that on other specimens. Every network sees training images in eight orientations. "
        "Test cells are looked at once."
    )


def _shrunk(sizes: DcaeSizes) -> str:
    published, used = Dcae(), sizes.network
    pairs = (
        ("rows and columns of an image", published.size, used.size),
        ("filters", listed(published.filters), listed(used.filters)),
        ("values of the latent vector", published.latent, used.latent),
        ("units behind it", listed(published.dense), listed(used.dense)),
        ("training cells", TRAINING_CELLS, sizes.training_cells),
        ("test cells", TEST_CELLS, sizes.test_cells),
        ("splits", PUBLISHED_SPLITS, sizes.splits),
    )
    shrunk = [f"{what} {now} (paper: {then})" for what, then, now in pairs if now != then]
    said = f"Shrunk: {'; '.join(shrunk)}." if shrunk else "Network, cells and splits are as published."
    if sizes.device != used:
        device = sizes.device
        said += (
            f" The network for a device has filters {listed(device.filters)}, {device.latent} latent values and "
            f"{listed(device.dense)} units, and an autoencoder of its own."
        )
    return said


def _accuracies(page: Page, results: Hep2Results) -> None:
    tested = results.tested
    page.table(
        "accuracy",
        f"Table II on simulated cells: accuracy on {len(results.test.labels)} cells of other specimens, with Wilson's "
        "interval, and with one that draws specimens",
        ("method", "accuracy, over cells", "accuracy, over specimens"),
        [(method, each.metrics.accuracy, each.over_specimens) for method, each in tested.items()],
    )
    ranked = sorted(PUBLISHED_METHODS, key=lambda method: -_accuracy(tested[method]))
    order = ", ".join(f"{method} {_accuracy(tested[method]):.3f}" for method in ranked)
    control = max(CONTROLS, key=lambda method: _accuracy(tested[method]))
    chance = 1 / len(CLASS_NAMES)
    above = tested[control].over_specimens.is_above(chance)
    page.text(
        f"Of the paper's four methods, from best to worst: {order}. Cells of one specimen go right or wrong together: "
        f"the interval over specimens counts, and {SPECIMENS // len(CLASS_NAMES)} specimens a class are few. The "
        f"background alone gives {_accuracy(tested[control]):.3f} at most, over specimens "
        f"{'above' if above else 'not above'} chance, {chance:.3f}. {CONTROL_TOLD} The "
        f"paper reports {PUBLISHED_ACCURACIES} for the four on SNPHEp-2: real cells, and another task."
    )


def _selection(page: Page, results: Hep2Results) -> None:
    rows = [
        (
            method,
            number + 1,
            each.selected + 1,
            selecting_accuracy(each),
            "yes" if number == best_split(trained) else "",
        )
        for method, trained in results.selection.items()
        for number, each in enumerate(trained)
    ]
    columns = ("method", "split", "epoch", "accuracy on selecting cells", "tested")
    page.table("selection", "What was selected on random splits of the training cells", columns, rows)


def _confusion(page: Page, metrics: Metrics) -> None:
    counts = np.array(metrics.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    page.table(
        "confusion",
        f"Figure 2 on simulated cells: {DCAE}, share of each true class (row) by predicted class",
        ("true class", *CLASS_NAMES),
        [(name, *map(float, row)) for name, row in zip(CLASS_NAMES, shares, strict=True)],
    )
    page.plot(
        "confusion",
        f"Figure 2 on simulated cells: {DCAE}, test cells by true and predicted class",
        confusion_plot(metrics.confusion, CLASS_NAMES),
    )
    mistaken = shares - np.diag(np.diag(shares))
    true, said = np.unravel_index(int(np.argmax(mistaken)), shares.shape)
    best = int(np.argmax(np.diag(shares)))
    page.text(
        f"Most often recognized: {CLASS_NAMES[best]} ({shares[best, best]:.1%}). Most frequent confusion: "
        f"{mistaken[true, said]:.1%} of {CLASS_NAMES[true]} cells are taken for {CLASS_NAMES[said]}. In the paper it "
        "is centromere cells that are recognized most often (93.19 %), and fine speckled ones that are taken for "
        "homogeneous (9.97 %)."
    )


def _reconstruction(page: Page, results: Hep2Results) -> None:
    test, autoencoder = results.test, results.autoencoder
    chosen = np.concatenate([np.flatnonzero(test.labels == label)[:GALLERY] for label in range(len(CLASS_NAMES))])
    made = reconstructed(autoencoder.model, test.codes[chosen])
    page.plot(
        "reconstruction",
        f"Test cells and what the autoencoder makes of them, {GALLERY} each: {', '.join(CLASS_NAMES)}",
        gallery_plot({"original": [*test.codes[chosen, ..., 0]], "reconstruction": [*made[..., 0]]}),
    )
    epochs = np.arange(1, len(autoencoder.curve) + 1)
    page.plot(
        "autoencoder",
        "Loss of the autoencoder: mean squared error of pixels from 0 to 1",
        lines_plot(
            {
                "images that it learns from": (epochs, np.array([each.loss for each in autoencoder.curve], np.float64)),
                "other images of their specimens": (epochs, [each.validation_loss for each in autoencoder.curve]),
            },
            "epoch",
            "mean squared error",
        ),
    )
    error = float(np.mean((reconstructed(autoencoder.model, test.codes) / 256 - values(test.codes)) ** 2))
    page.text(
        f"On test cells the mean squared error is {error:.2g}, {error / float(values(test.codes).var()):.1%} of the "
        "pixels' variance: what the latent vector does not hold, and a classifier behind it cannot know."
    )


def _quantized(page: Page, results: Hep2Results) -> None:
    test, tested, quantized = results.test, results.tested, results.quantized
    pair = {"float": tested[FINE_TUNED], "quantized network": tested[QUANTIZED]}
    curves = {name: _calibration(each) for name, each in pair.items()}
    page.table(
        "quantized",
        "Encoder and classifier, fine-tuned end to end from the same weights",
        ("network", "accuracy", "balanced accuracy", "calibration error (ECE)"),
        [
            (name, each.metrics.accuracy, each.metrics.balanced_accuracy, curves[name].ece)
            for name, each in pair.items()
        ],
    )
    difference = Interval.difference(test.labels, tested[QUANTIZED].predicted, tested[FINE_TUNED].predicted)
    agree = float(np.mean(tested[QUANTIZED].predicted == tested[FINE_TUNED].predicted))
    page.text(
        f"Accuracy of the quantized network less that of the float network, cell by cell: "
        f"{told_difference(difference)}; both say the same of {agree:.1%} of the cells. The "
        f"quantized network has weights and values of 8 bits, {count_weights(quantized):,} parameters and "
        f"{count_macs(quantized) / 1e6:.1f} million multiplications a cell; its logits are exact in fixed point."
    )
    page.plot("reliability", "Reliability of float network and quantized network", reliability_plot(curves))
    page.fact("quantized_less_float", difference)
    page.quantized_network(quantized, (test.codes[:CELLS_ON_PAGE],), CLASS_NAMES)


def _calibration(tested: Tested) -> Calibration:
    assert tested.metrics.calibration is not None
    return tested.metrics.calibration


def _accuracy(tested: Tested) -> float:
    return tested.metrics.accuracy.value or 0.0
