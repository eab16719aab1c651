"""Paper 004's networks on real cells: seven stages of the Jurkat cells' cycle, in bright and dark field.

The autoencoder learns from G1 cells that have no part in the labelled ones; everything else is fitted on a fold's
training cells, and reported on its test cells. Beside it stands the background check, a network that
sees the background alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data import jurkat
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.data.preprocessing import CodeRange
from cytogate.model.errors import InputError
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.metrics import Metrics
from cytogate.model.experiments.dcae.training import (
    CONTROL,
    CONTROL_TOLD,
    CONTROLS,
    DCAE,
    FINE_TUNED,
    QUANTIZED,
    TEXTURE,
    TEXTURE_CONTROL,
    DcaeTrainer,
    ImageCodes,
    Labelled,
    Lengths,
    listed,
    probabilities,
)
from cytogate.model.experiments.setting import Setting
from cytogate.model.networks.dcae import Dcae
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page, shown
from cytogate.model.pages.plots import confusion_plot, reliability_plot
from cytogate.model.training.fitting import OnProgress

FOLDS = 5
SELECTING_SHARE = 0.15
SIDE = 48
"""Images of 40 pixels are mirrored at their rims by 4, so that they can be halved four times."""


@dataclass(frozen=True)
class DcaeJurkatSizes:
    """How large this part of the experiment is."""

    unlabelled: int
    """G1 cells that the autoencoder sees."""
    folds: int
    """Of five, those that are trained and tested."""
    network: Dcae
    lengths: Lengths


def add_jurkat(page: Page, setting: Setting, sizes: DcaeJurkatSizes) -> None:
    """Add the section to a page, or a sentence where there are no data."""
    page.heading("Real cells: Jurkat")
    try:
        folder = jurkat.data_folder()
        cells, unlabelled = jurkat.labelled(folder), jurkat.unlabelled_g1(folder)
    except InputError as error:
        page.text(f"Skipped: {error}.")
        return
    unlabelled = unlabelled[: sizes.unlabelled]
    folds = stratified_folds(cells.labels, FOLDS, setting.seed)[: sizes.folds]
    found = _Predictions(setting, sizes, cells, unlabelled).of(folds)
    tested = np.concatenate([fold.test for fold in folds])
    labels = cells.labels[tested]
    metrics = {
        method: Metrics.of(
            labels, scores.argmax(axis=1), cells.class_names,
            scores if method in (DCAE, FINE_TUNED, QUANTIZED) else None, setting.seed,
        )
        for method, scores in found.items()
    }  # fmt: skip
    _describe(page, sizes, cells, len(unlabelled), len(tested), metrics)


@dataclass(frozen=True, eq=False)
class _Predictions:
    setting: Setting
    sizes: DcaeJurkatSizes
    cells: jurkat.JurkatCells
    unlabelled: NDArray[np.uint16]

    def of(self, folds: tuple[Fold, ...]) -> dict[str, NDArray[np.float64]]:
        """Return scores (tested cells, classes) of every method, fold after fold."""
        scale = CodeRange.fitted(self.unlabelled)
        codes, unlabelled = (_mirrored(scale.codes(images)) for images in (self.cells.images, self.unlabelled))
        spec = self.sizes.network
        with self.setting.training() as show:
            folder = self.setting.work / "jurkat"
            others = max(1, len(unlabelled) // 10)
            autoencoder = self._trainer(folder, show).autoencoder(spec, unlabelled[others:], unlabelled[:others]).model
            found: dict[str, list[NDArray[np.float64]]] = {}
            for number, fold in enumerate(folds):
                control = BackgroundControl.fitted(self.cells.images[fold.training])
                controls = _mirrored(scale.codes(control.images(self.cells.images, self.setting.seed)))
                trainer = self._trainer(folder / f"fold-{number}", show)
                for method, scores in self._fold(trainer, spec, autoencoder, fold, codes, controls).items():
                    found.setdefault(method, []).append(scores)
        return {method: np.concatenate(scores) for method, scores in found.items()}

    def _fold(
        self,
        trainer: DcaeTrainer,
        spec: Dcae,
        autoencoder: keras.Model,
        fold: Fold,
        codes: ImageCodes,
        controls: ImageCodes,
    ) -> dict[str, NDArray[np.float64]]:
        labels, seed = self.cells.labels, self.setting.seed
        fitted, selecting = fold.with_validation(labels, SELECTING_SHARE, seed)
        # The root: a dozen cells with the weight of hundreds would rule every batch that they are in.
        weights = np.sqrt(len(fitted) / (spec.classes * np.bincount(labels[fitted], minlength=spec.classes)))
        cells = Labelled(codes, labels, fitted, selecting, weights)
        network = trainer.classifier("classifier", spec, autoencoder, cells).model
        blind = dataclasses.replace(cells, codes=controls)
        networks = {
            DCAE: (network, codes),
            FINE_TUNED: (trainer.fine_tuned(spec, network, cells).model, codes),
            QUANTIZED: (trainer.quantized(spec, network, cells).model, codes),
            CONTROL: (trainer.classifier("control", spec, autoencoder, blind).model, controls),
        }

        def texture(images: ImageCodes) -> NDArray[np.float64]:
            svm = baselines.svm_texture(seed).fit(images[fold.training], labels[fold.training])
            return np.eye(spec.classes)[svm.predict(images[fold.test])]

        return {
            TEXTURE: texture(codes),
            **{method: probabilities(each, images[fold.test]) for method, (each, images) in networks.items()},
            TEXTURE_CONTROL: texture(controls),
        }

    def _trainer(self, folder: Path, show: OnProgress) -> DcaeTrainer:
        data: dict[str, object] = {"set": jurkat.FOLDER, "unlabelled": len(self.unlabelled), "folds": FOLDS}
        return DcaeTrainer(folder, data, self.sizes.lengths, self.setting.seed, show)


def _mirrored(codes: ImageCodes) -> ImageCodes:
    """Return codes (cells, SIDE, SIDE, channels), mirrored at the rims."""
    rim = (SIDE - codes.shape[1]) // 2
    return np.pad(codes, ((0, 0), (rim, rim), (rim, rim), (0, 0)), mode="symmetric")


def _describe(
    page: Page,
    sizes: DcaeJurkatSizes,
    cells: jurkat.JurkatCells,
    unlabelled: int,
    tested: int,
    metrics: dict[str, Metrics],
) -> None:
    counts = ", ".join(
        f"{name} {count}" for name, count in zip(cells.class_names, np.bincount(cells.labels), strict=True)
    )
    network = sizes.network
    folds = "each cell tested once" if sizes.folds == FOLDS else f"{sizes.folds} trained and tested"
    page.text(
        f"Real cells, label-free: bright and dark field of {len(cells.labels)} Jurkat cells ({counts}; Blasi et al. "
        f"2016), another task than the paper's. Five stratified folds, {folds}: {tested} test cells. The autoencoder "
        f"has seen {unlabelled} other cells, all of them G1, without labels; of the training cells "
        f"{SELECTING_SHARE:.0%} stop and select. Images are {SIDE}x{SIDE}, mirrored at the rims; the network has "
        f"filters {listed(network.filters)}, {network.latent} latent values and {listed(network.dense)} units behind "
        "them. A class's weight in the networks' losses goes with the root of its rarity; the SVM has none. Balanced "
        f"accuracy is the mean recall of the classes, chance is {1 / len(cells.class_names):.3f}; rare classes make "
        "its interval wide."
    )
    page.table(
        "jurkat",
        "Jurkat cells, seven stages of the cycle",
        ("method", "balanced accuracy", "accuracy"),
        [(method, each.balanced_accuracy, each.accuracy) for method, each in metrics.items()],
    )
    page.text(_told(metrics))
    page.plot(
        "jurkat_confusion",
        f"Jurkat cells, {FINE_TUNED}: test cells by true and predicted class",
        confusion_plot(metrics[FINE_TUNED].confusion, cells.class_names),
    )
    curves = {
        name: found
        for name, method in (("float", FINE_TUNED), ("quantized network", QUANTIZED))
        if (found := metrics[method].calibration) is not None
    }
    page.plot(
        "jurkat_reliability", "Jurkat cells: reliability of float and quantized network", reliability_plot(curves)
    )
    page.fact("jurkat", {method: each.as_dict() for method, each in metrics.items()})


def _told(metrics: dict[str, Metrics]) -> str:
    methods = [method for method in metrics if method not in CONTROLS]
    best = max(methods, key=lambda method: _balanced(metrics[method]))
    figure = metrics[best].balanced_accuracy
    near = [method for method in methods if method != best and _balanced(metrics[method]) >= (figure.low or 0.0)]
    control = max(CONTROLS, key=lambda method: _balanced(metrics[method]))
    above = metrics[control].balanced_accuracy.is_above(1 / len(metrics[control].classes))
    return (
        f"Highest in balanced accuracy: {best}, {shown(figure)}. In that interval lie also: "
        f"{', '.join(near) or 'none'}. The background alone gives {_balanced(metrics[control]):.3f} at most, which is "
        + (
            "above chance: so much of every figure may be owed to how images were taken."
            if above
            else "not above chance."
        )
        + f" {CONTROL_TOLD}"
    )


def _balanced(metrics: Metrics) -> float:
    return metrics.balanced_accuracy.value or 0.0
