"""The ways of paper 003 to learn from few labelled cells, and what each makes of a task's test cells.

All see the same cells: a draw's training cells, of which a smaller training set holds the first ones. No cell is spared
to stop or select by, as the paper spares none: of the epochs the one with the lowest loss on the training cells counts.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data.examples import ArrayExamples
from cytogate.model.data.preprocessing import turned_inputs
from cytogate.model.errors import InputError
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.analysis import outputs_of
from cytogate.model.networks.keras_backend import keras, tf
from cytogate.model.networks.pretrained import copy_weights
from cytogate.model.networks.topgan import TopGan, as_picture, float_network, quantized_network
from cytogate.model.training.fitting import OnProgress, Plan, TrainingPhase
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, falling_adam, fit_float, fit_quantized
from cytogate.model.training.record import Select

MapCodes = NDArray[np.int8]
"""(cells, side, side, maps), code / 128 in [-1, 1)"""
Indices = NDArray[np.int64]

MOBILENET_VARIABLE = "CYTOGATE_MOBILENET"
"""Environment variable that names the file of MobileNet's ImageNet weights."""
AT_A_TIME = 64


class Method(Enum):
    """What is compared."""

    KNN = "kNN (K = 9, L1)"
    CNN = "CNN"
    CNN_AUG = "CNN + augmentation"
    MOBILENET = "MobileNet transfer"
    TOP_GAN = "TOP-GAN"
    TOP_GAN_AUG = "TOP-GAN + augmentation"


PRETRAINED, AUGMENTED = (Method.TOP_GAN, Method.TOP_GAN_AUG), (Method.CNN_AUG, Method.TOP_GAN_AUG)


@dataclass(frozen=True)
class Schedule:
    """How long classifiers are trained, with Adam; the paper says 900 epochs or until convergence at 1e-5."""

    epochs: int = 900
    learning_rate: float = 1e-5
    falls: bool = False
    """Whether the rate falls to zero along a cosine, so that a short training converges; the paper's is constant."""
    batch: int = 32
    """Ours: the paper names none."""
    patience: int | None = 50
    """Epochs without a lower loss on the training cells that are taken for convergence; ours."""
    passes: int = 8
    """How often an epoch shows each cell where it is turned and mirrored at random: the paper's eightfold set."""
    least_steps: int = 1
    """Steps an epoch at least, however few the cells are: they are shown as often as it takes."""
    quantized_epochs: int = 30
    quantized_learning_rate: float = 1e-4
    """With quantizers; a tenth of it, and a third of the epochs, behind the snap of batch normalization."""


@dataclass(frozen=True, eq=False)
class Draw:
    """Who trains and who is reported on; disjoint."""

    training: Indices
    """Classes take turns, so that the first n are a balanced training set of n."""
    test: Indices

    @staticmethod
    def of(labels: NDArray[np.int64], among: Indices, test: Indices, cells: int, rng: np.random.Generator) -> Draw:
        """Draw a training set of ``cells`` out of ``among``, half of it of each of two classes."""
        members = [rng.permutation(among[labels[among] == label]) for label in (0, 1)]
        if cells % 2 or min(map(len, members)) < cells // 2:
            counts = " and ".join(str(len(each)) for each in members)
            raise InputError(f"{cells} training cells, half of each class, cannot be drawn from {counts}")
        return Draw(np.stack([each[: cells // 2] for each in members], axis=1).ravel(), test)


@dataclass(frozen=True, eq=False)
class Task:
    """Cells of two classes, the second one "positive", and the draws on which methods are compared."""

    name: str
    class_names: tuple[str, ...]
    codes: MapCodes
    labels: NDArray[np.int64]
    draws: tuple[Draw, ...]
    identity: dict[str, object]
    """What decides the cells, as JSON can say it."""


@dataclass(frozen=True, eq=False)
class DrawOutcome:
    """What a method, fitted on the first ``cells`` of a draw, makes of the draw's test cells."""

    task: str
    method: Method
    cells: int
    draw: int
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    """(test cells, 2)"""

    @property
    def accuracy(self) -> float:
        """Return the share of cells that are given their class."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())

    @property
    def sensitivity(self) -> float:
        """Return the share of the positive cells that are found."""
        return float((self.probabilities.argmax(axis=1) == 1)[self.labels == 1].mean())

    @property
    def specificity(self) -> float:
        """Return the share of the other cells that are not taken for positive ones."""
        return float((self.probabilities.argmax(axis=1) == 0)[self.labels == 0].mean())

    @property
    def auc(self) -> float:
        """Return the area under the ROC curve."""
        return float(roc_auc_score(self.labels, self.probabilities[:, 1]))


@keras.saving.register_keras_serializable(package="cytogate")
class OneAgainstRest(keras.losses.Loss):
    """Cross-entropy of a sigmoid for each class, of labels (cells,) and outputs (cells, classes)."""

    def __init__(self, from_logits: bool, name: str = "one_against_rest") -> None:
        super().__init__(name=name)
        self.from_logits = from_logits

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the losses (cells,), means over the classes."""
        targets = keras.ops.one_hot(y_true, y_pred.shape[-1])
        return keras.losses.binary_crossentropy(targets, y_pred, from_logits=self.from_logits)


@dataclass(frozen=True, eq=False)
class TopganTrainer:
    """Trains classifiers of one task, each in a folder of its own below ``folder``."""

    task: Task
    spec: TopGan
    schedule: Schedule
    discriminator: keras.Model
    """Trained on unlabelled cells."""
    pretraining: dict[str, object]
    """What decides how it was, as JSON can say it."""
    seed: int
    folder: Path
    on_progress: OnProgress

    def outcomes(self, methods: tuple[Method, ...], sizes: tuple[int, ...]) -> list[DrawOutcome]:
        """Return what each method makes of each draw's test cells, from training sets of each size."""
        return [
            self.outcome(method, cells, draw)
            for draw in range(len(self.task.draws))
            for cells in sizes
            for method in methods
        ]

    def outcome(self, method: Method, cells: int, number: int) -> DrawOutcome:
        """Fit a method on the first cells of a draw and return what it makes of the test cells."""
        draw = self.task.draws[number]
        training = draw.training[:cells]
        if method in (Method.KNN, Method.MOBILENET):
            estimator = baselines.knn_l1() if method is Method.KNN else _mobilenet(self.seed + number)
            images, labels = values(self.task.codes[training]), self.task.labels[training]
            found = estimator.fit(images, labels).predict_proba(values(self.task.codes[draw.test]))
        else:
            found = self.probabilities(self.classifier(method, cells, number), draw.test)
        return DrawOutcome(self.task.name, method, cells, number, self.task.labels[draw.test], np.asarray(found, float))

    def classifier(self, method: Method, cells: int, number: int) -> keras.Model:
        """Train the float network on the first cells of a draw."""
        training, schedule = self.task.draws[number].training[:cells], self.schedule
        what = method.value.lower().replace(" ", "-").replace("+-", "")

        def build() -> keras.Model:
            network = float_network(self.spec)
            if method in PRETRAINED:
                copy_weights(self.discriminator, network)
            return network

        augmented = method in AUGMENTED
        examples = self._examples(training, schedule.passes if augmented else 1, augmented, self.spec.copies)
        judged = self._examples(training, 1, False, self.spec.copies, least_steps=1)
        wanted = NetworkFit(
            name=f"{self.task.name}, {method.value}, {cells} cells, draw {number + 1}",
            build=build,
            loss=OneAgainstRest(from_logits=False),
            training=examples,
            validation=judged,
            plan=Plan(
                (TrainingPhase("train", schedule.epochs, self._adam),),
                schedule.batch,
                self.seed + number,
                schedule.patience,
                Select.LOSS,
            ),
            folder=self.folder / f"{what}-{cells}-{number}",
            identity=self._identity(method, number),
        )
        network = fit_float(wanted, self.on_progress).model
        # Few steps leave moving averages near where they began.
        set_statistics(network, judged.inputs[0])
        return network

    def quantized(self, trained: keras.Model, method: Method, cells: int, number: int) -> keras.Model:
        """Train the quantized network of a classifier from its weights, on its cells; exact in fixed point."""
        training, schedule = self.task.draws[number].training[:cells], self.schedule
        spec = dataclasses.replace(self.spec, copies=1)
        samples = as_picture(self.spec, values(self.task.codes[training]))
        epochs, rate = schedule.quantized_epochs, schedule.quantized_learning_rate
        plan = TrainingPlan(self.seed + number, epochs, max(1, epochs // 3), schedule.batch, rate, rate / 10)
        wanted = NetworkFit(
            name=f"{self.task.name}, quantized",
            build=lambda: quantized_network(spec),
            loss=OneAgainstRest(from_logits=True),
            training=self._examples(training, schedule.passes, True, 1),
            validation=self._examples(training, 1, False, 1, least_steps=1),
            plan=plan.in_phases(snapped=True, select=Select.LOSS),
            folder=self.folder / f"quantized-{cells}-{number}",
            identity=self._identity(method, number),
        )
        return fit_quantized(wanted, self.on_progress, start=FloatStart(trained, samples)).model

    def probabilities(self, model: keras.Model, cells: Indices) -> NDArray[np.float64]:
        """Return probabilities (cells, 2) of a float or quantized network: two sigmoids, scaled to add up to 1."""
        copies = model.input_shape[-1] // self.spec.maps
        parts = (cells[start : start + AT_A_TIME] for start in range(0, len(cells), AT_A_TIME))
        outputs = outputs_of(model, ((np.tile(values(self.task.codes[part]), copies),) for part in parts)).astype(float)
        sigmoids = outputs if model.layers[-1].name == "probabilities" else expit(outputs)
        return sigmoids / sigmoids.sum(axis=1, keepdims=True)

    def _examples(
        self, chosen: Indices, passes: int, augmented: bool, copies: int, least_steps: int | None = None
    ) -> ArrayExamples:
        steps = self.schedule.least_steps if least_steps is None else least_steps
        passes = max(passes, -(-(steps - 1) * self.schedule.batch // len(chosen)))
        shown = np.tile(chosen, passes)
        inputs = np.tile(values(self.task.codes[shown]), copies)
        return ArrayExamples((inputs,), self.task.labels[shown], turned_inputs if augmented else None)

    def _adam(self, steps: int) -> keras.Optimizer:
        rate = self.schedule.learning_rate
        return falling_adam(rate)(steps) if self.schedule.falls else keras.optimizers.Adam(rate)

    def _identity(self, method: Method, number: int) -> dict[str, object]:
        return {
            "network": dataclasses.asdict(self.spec),
            "method": method.value,
            "draw": number,
            "task": self.task.identity,
            "pretraining": self.pretraining,
        }


def narrowed(side: int, width: float, maps: int = 1) -> TopGan:
    """Return the networks for images of ``side`` pixels with ``width`` times the published filters.

    Dense layers keep their units: of few, dropout would leave too few to learn with.
    """
    published = TopGan(maps=maps)
    return dataclasses.replace(published.scaled(side, width), dense=published.dense)


def values(codes: MapCodes) -> NDArray[np.float32]:
    """Return what codes stand for, in [-1, 1)."""
    return SIGNED_PIXEL.decode(codes).astype(np.float32)


def set_statistics(model: keras.Model, images: NDArray[np.float32]) -> None:
    """Give batch normalizations the statistics that ``images`` have in the network as it is now."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    kept = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(layers, kept, strict=True):
        layer.momentum = momentum


def mobilenet_file() -> Path | None:
    """Return the file of MobileNet's weights that the environment names, if it is there."""
    named = os.environ.get(MOBILENET_VARIABLE)
    return Path(named) if named and Path(named).is_file() else None


def runnable(methods: Iterable[Method]) -> tuple[Method, ...]:
    """Return those of ``methods`` that can be run: MobileNet only where its weights are."""
    return tuple(each for each in methods if each is not Method.MOBILENET or mobilenet_file())


def _mobilenet(seed: int) -> baselines.BaseEstimator:
    path = mobilenet_file()
    if path is None:
        raise InputError(f"{MOBILENET_VARIABLE} names no file of MobileNet's weights")
    return baselines.mobilenet_transfer(path, seed)
