"""Paper 001's data and methods: parts and volumes of frames, and what each of four classifiers makes of a volume."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, ParameterGrid, train_test_split

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.examples import ArrayExamples, Examples, Inputs, StreamedExamples
from cytogate.model.data.preprocessing import Balance
from cytogate.model.data.splits import Split
from cytogate.model.evaluation.analysis import probabilities
from cytogate.model.evaluation.baselines import knn_euclidean, svm_pixels
from cytogate.model.experiments.meng2018.images import balanced
from cytogate.model.experiments.setting import Setting
from cytogate.model.files.images import ImageSet, open_image_set
from cytogate.model.files.shards import write_shards
from cytogate.model.networks import gao2017, meng2018
from cytogate.model.networks.gao2017 import Gao2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2018 import Meng2018
from cytogate.model.training.fitting import Fitted, Plan, TrainingPhase
from cytogate.model.training.recipes import NetworkFit, falling_adam, fit_float
from cytogate.model.training.record import Select

Indices = NDArray[np.int64]

SHARES = (0.65, 0.15, 0.20)
"""Training, validation and test frames (section IV-A)."""
METHODS = ("kNN", "SVM", "Gao 2017", "CNN")
STORED = 6500
"""Training samples that kNN compares with at most (section V-A)."""
AT_A_TIME = 256
"""Images that are predicted at a time."""


@dataclass(frozen=True)
class Meng2018Sizes:
    """How large the experiment is."""

    frames: int
    """Of all parts, poor ones too."""
    judged: int
    """Training frames of which somebody has said whether they are poor."""
    volumes: tuple[int, ...]
    """Cells of all three parts, ascending; fewer where fewer frames are kept."""
    iterations: tuple[int, ...]
    """Of both networks, by volume."""
    control: int
    """Number of the volume whose empty fields the control sees."""
    cnn: Meng2018
    gao: Gao2017
    batch: int
    rates: tuple[float, float]
    """Of Adam, at first and at last, along a cosine."""
    quantized_iterations: int
    quantized_rate: float
    svm_cells: int
    """Training samples that the support vector machine is fitted to at most."""
    in_memory: bool
    """Whether training images are held in memory, or read from shards."""


def split_frames(labels: Indices, seed: int) -> Split:
    """Split all frames by class, whatever run they are of, as the paper does; each part in a random order."""
    rest, test = train_test_split(np.arange(len(labels)), test_size=SHARES[2], random_state=seed, stratify=labels)
    share = SHARES[1] / (SHARES[0] + SHARES[1])
    training, validation = train_test_split(rest, test_size=share, random_state=seed, stratify=labels[rest])
    return Split(training, validation, test)


def within(split: Split, chosen: Indices) -> Split:
    """Return what of each part is in ``chosen``, in the same order."""
    return Split(*(part[np.isin(part, chosen)] for part in (split.training, split.validation, split.test)))


def first(split: Split, cells: int) -> Split:
    """Return the split of a volume of ``cells``; all test cells stay."""
    training, validation = (round(share * cells) for share in SHARES[:2])
    return Split(split.training[:training], split.validation[:validation], split.test)


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume of data, ready to be learned from."""

    cells: int
    """Of training and validation, and as many test cells as belong to them by share."""
    images: ImageSet
    parts: Split
    balanced: ImageSet
    """Training cells and the altered copies that balance their classes."""
    training: Examples
    validation: Examples
    test: Examples

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels."""
        return self.images.class_names

    def labels(self, part: Indices) -> Indices:
        """Return the labels of some cells."""
        return self.images.labels[part]


@dataclass(frozen=True, eq=False)
class Said:
    """What a method says of the cells that it has not been fitted to."""

    validation: Indices
    test: Indices
    fitted: Fitted | None = None
    """The network, if it is one."""
    chosen: dict[str, object] | None = None
    """Parameters chosen on the validation cells, if it is none."""


def volume_of(setting: Setting, sizes: Meng2018Sizes, images: ImageSet, parts: Split, name: str = "training") -> Volume:
    """Balance the training cells of ``parts`` and return them with the others; shards hold what memory shall not."""
    every = balanced(images, Balance.of(images.labels, parts.training, setting.seed))
    cells = round((len(parts.training) + len(parts.validation)) / (SHARES[0] + SHARES[1]))
    if not sizes.in_memory:
        path = setting.work / f"{name}-{cells}.zarr"
        if not path.exists():
            one_by_one = (every.image(index)[..., 0] for index in range(len(every)))
            write_shards(path, one_by_one, every.labels, every.class_names)
        every = open_image_set(path)
    return Volume(
        cells=cells,
        images=images,
        parts=parts,
        balanced=every,
        training=examples_of(every, np.arange(len(every)), sizes.in_memory),
        validation=examples_of(images, np.sort(parts.validation), sizes.in_memory),
        test=examples_of(images, np.sort(parts.test), sizes.in_memory),
    )


def examples_of(images: ImageSet, indices: Indices, in_memory: bool) -> Examples:
    """Return some images as a network takes them."""
    if in_memory:
        return ArrayExamples(values(images.read(indices)), images.labels[indices])
    return StreamedExamples(images, indices, values)


def values(codes: NDArray[np.uint8]) -> Inputs:
    """Return what codes (cells, size, size, 1) stand for."""
    return (codes * np.float32(PIXEL.step),)


def inputs_of(examples: Examples) -> Iterator[Inputs]:
    """Give the inputs of examples alone, in order."""
    return (inputs for inputs, _ in examples.batches(AT_A_TIME, None))


def all_methods(setting: Setting, sizes: Meng2018Sizes, volume: Volume, iterations: int) -> dict[str, Said]:
    """Fit all four methods to one volume."""
    networks = {
        "Gao 2017": functools.partial(gao2017.float_network, sizes.gao),
        "CNN": functools.partial(meng2018.float_network, sizes.cnn),
    }
    said = {
        "kNN": classic(setting, volume, knn_euclidean(setting.seed), STORED),
        "SVM": classic(setting, volume, svm_pixels(setting.seed), sizes.svm_cells),
    }
    for name, build in networks.items():
        fitted = fitted_network(setting, sizes, volume, f"{name}, {volume.cells} cells", build, iterations)
        said[name] = Said(predicted(fitted.model, volume.validation), predicted(fitted.model, volume.test), fitted)
    return said


def classic(setting: Setting, volume: Volume, search: GridSearchCV, most: int) -> Said:
    """Fit an estimator to at most so many training images, its parameters chosen on the validation cells.

    Not by inner folds: in these a cell's altered copies would be judged by the cell.
    """
    count = len(volume.balanced)
    stored = np.sort(np.random.default_rng(setting.seed).permutation(count)[:most])
    (images,), labels = values(volume.balanced.read(stored)), volume.balanced.labels[stored]
    truth = volume.labels(np.sort(volume.parts.validation))
    best: tuple[float, BaseEstimator, dict[str, object], Indices] | None = None
    for parameters in setting.tracked(list(ParameterGrid(search.param_grid)), "kNN or SVM"):
        estimator = clone(search.estimator).set_params(**parameters).fit(images, labels)
        said = _said(estimator, volume.validation)
        accuracy = float((said == truth).mean())
        if best is None or accuracy > best[0]:
            best = accuracy, estimator, parameters, said
    assert best is not None
    _, estimator, parameters, said = best
    return Said(said, _said(estimator, volume.test), chosen=parameters)


def _said(estimator: BaseEstimator, examples: Examples) -> Indices:
    return np.concatenate([estimator.predict(images) for (images,) in inputs_of(examples)])


def predicted(model: keras.Model, examples: Examples) -> Indices:
    """Return the class a network gives to each cell: (cells,)."""
    return probabilities(model, inputs_of(examples)).argmax(axis=1)


def fitted_network(
    setting: Setting,
    sizes: Meng2018Sizes,
    volume: Volume,
    name: str,
    build: Callable[[], keras.Model],
    iterations: int,
    loss: keras.losses.Loss | None = None,
) -> Fitted:
    """Train a float network; the loss on the validation cells selects its weights."""
    epochs = math.ceil(iterations / steps_of(sizes, volume))
    wanted = NetworkFit(
        name=name,
        build=build,
        loss=loss or keras.losses.SparseCategoricalCrossentropy(),
        training=volume.training,
        validation=volume.validation,
        plan=Plan(
            (TrainingPhase("train", epochs, falling_adam(*sizes.rates)),),
            sizes.batch,
            setting.seed,
            select=Select.LOSS,
        ),
        folder=setting.work / name.replace(", ", "-").replace(" ", "-"),
        identity=identity(sizes, volume),
    )
    with setting.training() as show:
        return fit_float(wanted, show)


def steps_of(sizes: Meng2018Sizes, volume: Volume) -> int:
    """Return the iterations of an epoch."""
    return math.ceil(len(volume.training) / sizes.batch)


def identity(sizes: Meng2018Sizes, volume: Volume) -> dict[str, object]:
    """Return what tells one training from another one of the same work folder."""
    return {
        "networks": [dataclasses.asdict(sizes.cnn), dataclasses.asdict(sizes.gao)],
        "frames": sizes.frames,
        "judged": sizes.judged,
        "cells": volume.cells,
    }


@keras.saving.register_keras_serializable(package="cytogate")
class SquaredErrors(keras.losses.Loss):
    """Mean squared distance of probabilities from the label's, which are one and zeros."""

    def __init__(self, classes: int, name: str = "squared_errors") -> None:
        super().__init__(name=name)
        self.classes = classes

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss (cells,) of labels (cells,) and probabilities (cells, classes)."""
        return keras.ops.mean((keras.ops.one_hot(y_true, self.classes) - y_pred) ** 2, axis=-1)
