"""Paper 004's comparison on simulated HEp-2 cells: what is trained, selected and tested, and on which cells.

Twenty specimens train, twenty others test. Within the training cells random splits stop and select, as in the paper:
their specimens are on both sides, so that what is selected by looks better there than it is on other specimens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from cytogate.model.data.folds import Fold
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.metrics import RESAMPLES, Interval, Metrics
from cytogate.model.experiments.dcae.hep2 import CLASS_NAMES, Part, SimulatedHep2
from cytogate.model.experiments.dcae.training import (
    CNN,
    CONTROL,
    DCAE,
    FINE_TUNED,
    LBP,
    QUANTIZED,
    TEXTURE,
    TEXTURE_CONTROL,
    DcaeTrainer,
    ImageCodes,
    Labelled,
    Lengths,
    probabilities,
)
from cytogate.model.experiments.setting import Setting
from cytogate.model.networks import gao2017
from cytogate.model.networks.dcae import Dcae
from cytogate.model.networks.gao2017 import Gao2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import Fitted

AUTOENCODER_SHARE = 0.1
"""Of the training cells, those on which the autoencoder's epoch is selected."""


@dataclass(frozen=True)
class DcaeSizes:
    """How large the experiment is."""

    network: Dcae
    device: Dcae
    """The network that has a quantized network; where it is another one, it is trained beside."""
    training_cells: int
    test_cells: int
    splits: int
    """Random splits of the training cells, each of which trains a classifier; the best one is tested."""
    selecting_share: float
    """Of the training cells, those that stop and select."""
    lengths: Lengths


@dataclass(frozen=True, eq=False)
class Hep2Cells:
    """One part of the simulated set, in memory."""

    codes: ImageCodes
    """(cells, size, size, 1)."""
    backgrounds: ImageCodes
    """The same places without a cell."""
    labels: NDArray[np.int64]
    specimens: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tested:
    """What a method says of the test cells."""

    predicted: NDArray[np.int64]
    metrics: Metrics
    over_specimens: Interval
    """Accuracy, as :func:`over_specimens` has it."""


@dataclass(frozen=True, eq=False)
class Hep2Results:
    """All that the page shows."""

    sizes: DcaeSizes
    test: Hep2Cells
    tested: dict[str, Tested]
    """By method, in the order of the table."""
    autoencoder: Fitted
    selection: dict[str, tuple[Fitted, ...]]
    """What was trained on each split, by method."""
    quantized: keras.Model


def hep2_results(setting: Setting, sizes: DcaeSizes) -> Hep2Results:
    """Simulate, train and test everything."""
    training, test = (_simulated(setting, sizes, part) for part in Part)
    splits = _splits(training, sizes, setting.seed)
    with setting.training() as show:
        trainer = DcaeTrainer(setting.work / "hep2", _identity(sizes, setting.seed), sizes.lengths, setting.seed, show)
        published = device = _chain(trainer, sizes.network, training, splits)
        cnns = _cnns(trainer, sizes.network.size, splits)
        if sizes.device != sizes.network:
            trainer = dataclasses.replace(trainer, folder=setting.work / "hep2-device")
            device = _chain(trainer, sizes.device, training, splits)
        chosen = splits[device.selected]
        fine_tuned = trainer.fine_tuned(sizes.device, device.network, chosen).model
        quantized = trainer.quantized(sizes.device, device.network, chosen).model
        blind = dataclasses.replace(chosen, codes=training.backgrounds)
        control = trainer.classifier("control", sizes.device, device.autoencoder.model, blind).model
    tests = _Tests(training, test, setting.seed)
    tested = {
        TEXTURE: tests.svm(baselines.svm_texture),
        LBP: tests.svm(baselines.svm_lbp),
        CNN: tests.network(cnns[best_split(cnns)].model),
        DCAE: tests.network(published.network),
    }
    if device is not published:
        tested[f"{DCAE}, device's size"] = tests.network(device.network)
    tested |= {
        FINE_TUNED: tests.network(fine_tuned),
        QUANTIZED: tests.network(quantized),
        CONTROL: tests.network(control, blind=True),
        TEXTURE_CONTROL: tests.svm(baselines.svm_texture, blind=True),
    }
    selection = {CNN: cnns, DCAE: published.classifiers}
    return Hep2Results(sizes, test, tested, published.autoencoder, selection, quantized)


def best_split(trained: tuple[Fitted, ...]) -> int:
    """Return the split of the highest accuracy on its selecting cells, the first of equals."""
    return int(np.argmax([selecting_accuracy(each) for each in trained]))


def selecting_accuracy(trained: Fitted) -> float:
    """Return the accuracy by which the epoch was selected."""
    return trained.curve[trained.selected].validation_accuracy or 0.0


def over_specimens(
    right: NDArray[np.bool_], labels: NDArray[np.int64], specimens: NDArray[np.int64], seed: int
) -> Interval:
    """Return the share of ``right`` (cells,), with an interval from draws of whole specimens within each class.

    Cells of a specimen share stain, focus and camera, and go right or wrong together. A class has few specimens, and so
    such an interval is still too narrow rather than too wide.
    """
    rng = np.random.default_rng(seed)
    numbers, first, specimen = np.unique(specimens, return_index=True, return_inverse=True)
    cells, hits = np.bincount(specimen), np.bincount(specimen, right)
    draws = np.zeros((RESAMPLES, len(numbers)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels[first] == label)
        drawn = rng.integers(0, len(members), (RESAMPLES, len(members)))
        for place, member in enumerate(members):
            draws[:, member] = np.count_nonzero(drawn == place, axis=1)
    return Interval.bootstrapped(float(right.mean()), (draws @ hits) / (draws @ cells))


@dataclass(frozen=True, eq=False)
class _Chain:
    """An autoencoder and the classifiers behind it, one a split."""

    autoencoder: Fitted
    classifiers: tuple[Fitted, ...]

    @property
    def selected(self) -> int:
        return best_split(self.classifiers)

    @property
    def network(self) -> keras.Model:
        return self.classifiers[self.selected].model


@dataclass(frozen=True, eq=False)
class _Tests:
    """Looks at the test cells, once a method; ``blind`` methods see what is around the cells alone."""

    training: Hep2Cells
    test: Hep2Cells
    seed: int

    def svm(self, make: Callable[[int], BaseEstimator], *, blind: bool = False) -> Tested:
        shown, asked = (each.backgrounds if blind else each.codes for each in (self.training, self.test))
        return self._tested(make(self.seed).fit(shown, self.training.labels).predict(asked), None)

    def network(self, network: keras.Model, *, blind: bool = False) -> Tested:
        found = probabilities(network, self.test.backgrounds if blind else self.test.codes)
        return self._tested(found.argmax(axis=1), found)

    def _tested(self, predicted: NDArray[np.int64], scores: NDArray[np.float64] | None) -> Tested:
        labels = self.test.labels
        metrics = Metrics.of(labels, predicted, CLASS_NAMES, scores, self.seed)
        return Tested(predicted, metrics, over_specimens(predicted == labels, labels, self.test.specimens, self.seed))


def _identity(sizes: DcaeSizes, seed: int) -> dict[str, object]:
    kept = ("training_cells", "splits", "selecting_share")
    return {"set": "hep2", "seed": seed, **{name: getattr(sizes, name) for name in kept}}


def _simulated(setting: Setting, sizes: DcaeSizes, part: Part) -> Hep2Cells:
    cells = sizes.training_cells if part is Part.TRAINING else sizes.test_cells
    images = SimulatedHep2(part, cells, sizes.network.size, setting.seed)
    codes = np.empty((2, cells, images.size, images.size, 1), np.uint8)
    for index in setting.tracked(range(cells), f"simulating the {part.name.lower()} cells"):
        codes[0, index, ..., 0] = images[index]
        codes[1, index, ..., 0] = images.background(index)
    return Hep2Cells(codes[0], codes[1], images.labels, images.specimens)


def _splits(training: Hep2Cells, sizes: DcaeSizes, seed: int) -> tuple[Labelled, ...]:
    """Return random splits of the training cells, stratified by class."""
    everyone = Fold(np.arange(len(training.labels)), np.arange(0))
    splits = (everyone.with_validation(training.labels, sizes.selecting_share, seed + n) for n in range(sizes.splits))
    return tuple(Labelled(training.codes, training.labels, *split) for split in splits)


def _chain(trainer: DcaeTrainer, spec: Dcae, training: Hep2Cells, splits: tuple[Labelled, ...]) -> _Chain:
    everyone = Fold(np.arange(len(training.labels)), np.arange(0))
    shown, others = everyone.with_validation(training.labels, AUTOENCODER_SHARE, trainer.seed)
    autoencoder = trainer.autoencoder(spec, training.codes[shown], training.codes[others])
    classifiers = tuple(
        trainer.classifier(f"classifier-{number}", spec, autoencoder.model, split)
        for number, split in enumerate(splits)
    )
    return _Chain(autoencoder, classifiers)


def _cnns(trainer: DcaeTrainer, size: int, splits: tuple[Labelled, ...]) -> tuple[Fitted, ...]:
    """Train the paper's reference 3, Gao 2017, for images of this size."""
    spec = Gao2017(size=size, classes=len(CLASS_NAMES))
    return tuple(
        trainer.supervised(f"cnn-{number}", lambda: gao2017.float_network(spec), spec, split)
        for number, split in enumerate(splits)
    )
