"""What ``cytogate learn`` does: a network of the papers, or ours, on a set of the user's own, in float and quantized.

Images are read as they are needed. What is fitted, the range of codes too, is fitted on training images.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.examples import Inputs, StreamedExamples
from cytogate.model.data.preprocessing import CodeRange, resized, turned_inputs
from cytogate.model.data.splits import Split
from cytogate.model.errors import InputError
from cytogate.model.evaluation.analysis import probabilities
from cytogate.model.evaluation.metrics import Metrics
from cytogate.model.files.images import ImageSet, open_image_set
from cytogate.model.networks import dcae, gao2017, meng2018
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import PACKAGES, Page
from cytogate.model.pages.plots import accuracy_plot, confusion_plot, gallery_plot
from cytogate.model.pages.quantized_table import quantized_beside_float
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.recipes import NetworkFit, TrainingPlan, fit_float, fit_quantized

BATCH = 32
AT_A_TIME = 64
RANGE_IMAGES = 500
"""Training images, at most, to which the range of codes is fitted."""
UNSEEN_CELLS = 16
"""Test images that go along with the twin."""
SHOWN = 8
"""Images a class in the gallery."""
FINE_TUNE_SHARE = 0.15
"""Of the epochs, behind the snap of batch normalization."""


class Network(Enum):
    """Networks of one input that classify images of any size that can be halved often enough."""

    MENG2018 = "meng2018"
    GAO2017 = "gao2017"
    DCAE = "dcae"

    def build(self, size: int, channels: int, classes: int, width: float, quantized: bool) -> keras.Model:
        """Return the network for images (cells, size, size, channels), ``width`` times as wide as published."""
        if self is Network.MENG2018:
            spec = dataclasses.replace(meng2018.Meng2018().scaled(size, width), channels=channels, classes=classes)
            return meng2018.quantized_network(spec) if quantized else meng2018.float_network(spec)
        if self is Network.GAO2017:
            other = dataclasses.replace(gao2017.Gao2017().scaled(size, width), channels=channels, classes=classes)
            return gao2017.quantized_network(other) if quantized else gao2017.float_network(other)
        third = dataclasses.replace(dcae.Dcae().scaled(size, width), channels=channels, classes=classes)
        return dcae.quantized_network(third) if quantized else dcae.float_network(third)


@dataclass(frozen=True)
class LearnRequest:
    """What was asked of ``cytogate learn``."""

    network: Network
    images: Path
    size: int
    width: float
    epochs: int
    learning_rate: float
    seed: int
    work: Path
    output: Path

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"--epochs is {self.epochs}; at least 1 is needed")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"--learning-rate is {self.learning_rate}; a number between 0 and 1 is needed")


def run_learn(request: LearnRequest) -> None:
    """Train both forms, test them once, and write the page with the trained twin."""
    began = time.perf_counter()
    with open_image_set(request.images, numbered=True) as images, progress_bars() as progress:
        split = Split.of(images.labels, request.seed)
        task = progress.add_task("training")
        learner = _Learner.of(
            request,
            images,
            split,
            lambda what, done, total: progress.update(task, description=what, completed=done, total=total),
        )
        networks = {"float": learner.trained(False), "quantized network": learner.trained(True)}
        page = _page(learner, networks)
    record = {
        "command": f"cytogate learn {request.network.value} --images {request.images} --size {request.size} "
        f"--width {request.width:g} --epochs {request.epochs} --seed {request.seed}",
        "minutes": (time.perf_counter() - began) / 60,
        "versions": {package: version(package) for package in PACKAGES},
    }
    page.write(request.output, record)
    terminal().print(f"written: {request.output / 'README.md'}", soft_wrap=True)


@dataclass(frozen=True, eq=False)
class _Learner:
    """Both forms of a network on one split of a set."""

    request: LearnRequest
    images: ImageSet
    split: Split
    range: CodeRange
    channels: int
    on_progress: OnProgress

    @staticmethod
    def of(request: LearnRequest, images: ImageSet, split: Split, on_progress: OnProgress) -> _Learner:
        chosen = np.sort(np.random.default_rng(request.seed).permutation(split.training)[:RANGE_IMAGES])
        sample = np.stack([resized(images.image(int(index)), request.size, request.size) for index in chosen])
        return _Learner(request, images, split, CodeRange.fitted(sample), sample.shape[-1], on_progress)

    def codes(self, images: NDArray) -> NDArray[np.uint8]:
        """Return codes (cells, size, size, channels) of images of any size."""
        size = self.request.size
        return self.range.codes(np.stack([resized(image, size, size) for image in images]))

    def examples(self, chosen: NDArray[np.int64], augment: bool = False) -> StreamedExamples:
        return StreamedExamples(
            self.images, chosen, lambda images: (_values(self.codes(images)),), turned_inputs if augment else None
        )

    def trained(self, quantized: bool) -> Fitted:
        """Train the float network, or the quantized one."""
        request, name = self.request, "quantized" if quantized else "float"
        classes = len(self.images.class_names)
        epochs, rate = request.epochs, request.learning_rate
        fine_tune = max(1, round(FINE_TUNE_SHARE * epochs))
        wanted = NetworkFit(
            name=name,
            build=lambda: request.network.build(request.size, self.channels, classes, request.width, quantized),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=quantized),
            training=self.examples(self.split.training, augment=True),
            validation=self.examples(self.split.validation),
            plan=TrainingPlan(request.seed, epochs, fine_tune, BATCH, rate, rate / 8).in_phases(snapped=quantized),
            folder=request.work / name,
            identity={
                "network": request.network.value,
                "images": str(request.images),
                "size": request.size,
                "width": request.width,
            },
        )
        return (fit_quantized if quantized else fit_float)(wanted, self.on_progress)

    def probabilities(self, model: keras.Model) -> NDArray[np.float64]:
        """Return probabilities (test images, classes)."""
        return probabilities(model, self._test_batches())

    def _test_batches(self) -> Iterator[Inputs]:
        return (inputs for inputs, _ in self.examples(self.split.test).batches(AT_A_TIME, None))


def _page(learner: _Learner, networks: dict[str, Fitted]) -> Page:
    request, images, split = learner.request, learner.images, learner.split
    labels = images.labels[split.test]
    found = {name: learner.probabilities(fitted.model) for name, fitted in networks.items()}
    page = Page(f"{request.network.value} on {request.images.name}", simulated=False)
    page.text(
        f"{len(images)} images of {len(images.class_names)} classes, of which {len(split.training)} train, "
        f"{len(split.validation)} select the epoch, and {len(split.test)} test once, each class by the same shares. "
        f"Images are resized to {request.size}x{request.size} and coded with 8 bits, the range fitted to training "
        f"images; filters and units are {request.width:g} of the published ones. Training images are turned and "
        f"mirrored at random. No control is made here: whether images without their cells can be told apart as well "
        f"is for who took them to find out."
    )
    models = {name: fitted.model for name, fitted in networks.items()}
    quantized_beside_float(page, labels, images.class_names, models, found)
    metrics = Metrics.of(
        labels, found["quantized network"].argmax(axis=1), images.class_names, found["quantized network"]
    )
    page.table(
        "classes",
        "Quantized network, one class against the rest",
        ("class", "images", "precision", "recall", "F", "AUC"),
        [(each.name, each.cells, each.precision, each.recall, each.f, each.auc) for each in metrics.classes],
    )
    confusion = confusion_plot(metrics.confusion, images.class_names)
    page.plot("confusion", "Quantized network: test images by true and predicted class", confusion)
    curves = accuracy_plot({name: fitted.curve for name, fitted in networks.items()})
    page.plot("curves", "Validation accuracy by epoch", curves)
    gallery = {
        name: [
            _values(learner.codes(images.image(int(index))[None]))[0, ..., 0]
            for index in split.training[images.labels[split.training] == label][:SHOWN]
        ]
        for label, name in enumerate(images.class_names)
        if (images.labels[split.training] == label).any()
    }
    page.plot("gallery", "Training images as the network sees them, first channel", gallery_plot(gallery))
    unseen = [learner.codes(images.image(int(index))[None])[0] for index in split.test[:UNSEEN_CELLS]]
    page.quantized_network(models["quantized network"], [np.stack(unseen)])
    return page


def _values(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    return codes * np.float32(PIXEL.step)
