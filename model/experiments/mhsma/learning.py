"""Learn four answers at once: sizes, what is done to images, and the fits of teachers and of students.

A network has one logit for each part of the cell, above 0 where the part is said to be abnormal. Targets are
probabilities (cells, 4): labels for a teacher, what the teachers say for a student.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data.examples import ArrayExamples, Inputs
from cytogate.model.data.mhsma import LABELS, network_codes
from cytogate.model.data.preprocessing import eightfold
from cytogate.model.design.topologies import Compact
from cytogate.model.networks.compact import compact, scaled
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Select

Number = TypeVar("Number", bound=np.generic)

SPEC = Compact(filters=(16, 32, 64), dense=32)
"""The network on the chip, and the teachers'."""
MAX_SHIFT = 2.0
"""Pixels of the camera, along each axis, by which a training image is moved at most."""
MAX_SCALE = 0.05
"""Share by which a training image is enlarged or shrunk at most; more would alter what is judged."""
MAX_GAIN = 0.15
"""Share by which a training image's contrast is changed at most: focus and light vary from sample to sample."""
SCALING_CELLS = 200
"""Training cells on which the quantized network's formats are scaled."""


@dataclass(frozen=True)
class SpermSizes:
    """How large the experiment is."""

    folds: int
    """Of the cells that are learned from: a teacher sees all of them but one fold."""
    binning: int
    """Pixels along each axis that are one to the networks."""
    side: int
    """Rows and columns, of such pixels, of the images' middle that the networks see."""
    width: float
    """Factor of the network's filters and units."""
    teacher_epochs: int
    epochs: int
    """Of the float student."""
    quantized_epochs: int
    """Of the quantized student, which starts from the float one, until its batch normalization is snapped."""
    fine_tune_epochs: int
    """With snapped batch normalization."""
    batch: int = 32
    learning_rate: float = 2e-3
    """Of Adam; falls to zero along a cosine. The quantized student has a quarter of it, and then a sixteenth."""

    @property
    def spec(self) -> Compact:
        """The network's filters and units."""
        return scaled(SPEC, self.width)

    def seen(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what a network sees (cells, side, side, 1) of gray images (cells, 64, 64), as values."""
        return middle(network_values(images, self.binning), self.side)

    def plan(self, seed: int, epochs: int) -> TrainingPlan:
        """Return the plan of a float network."""
        return TrainingPlan(seed, epochs, 0, self.batch, self.learning_rate)

    def quantized_plan(self, seed: int) -> TrainingPlan:
        """Return the plan of the quantized student."""
        rate = self.learning_rate
        return TrainingPlan(seed, self.quantized_epochs, self.fine_tune_epochs, self.batch, rate / 4, rate / 16)


@dataclass(frozen=True, eq=False)
class Lesson:
    """Cells and what is to be learned of them."""

    images: NDArray[np.uint8]
    """(cells, 64, 64) gray."""
    targets: NDArray[np.float64]
    """(cells, 4) probabilities that a part is abnormal."""
    sizes: SpermSizes
    seed: int
    folder: Path
    """Where unfinished trainings are kept."""

    def float_network(self, name: str, epochs: int, on_progress: OnProgress) -> Fitted:
        """Fit a float network."""
        return fit_float(self._fit(name, False, self.sizes.plan(self.seed, epochs)), on_progress)

    def quantized_network(self, name: str, start: keras.Model, on_progress: OnProgress) -> Fitted:
        """Fit a quantized network that starts from a float one."""
        wanted = self._fit(name, True, self.sizes.quantized_plan(self.seed))
        samples = self.sizes.seen(self.images[:SCALING_CELLS])
        return fit_quantized(wanted, on_progress, start=FloatStart(start, samples))

    def _fit(self, name: str, quantized: bool, plan: TrainingPlan) -> NetworkFit:
        sizes, targets = self.sizes, self.targets.astype(np.float32)
        return NetworkFit(
            name=name,
            build=lambda: compact(sizes.spec, (sizes.side, sizes.side, 1), len(LABELS), quantized),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
            training=ArrayExamples(
                (network_values(self.images, sizes.binning),), targets, Moved(sizes.side, MAX_SHIFT / sizes.binning)
            ),
            # The lowest loss on the training cells as they are: in practice one of the last epochs. A few hundred cells
            # kept apart for it would choose by chance.
            validation=ArrayExamples((sizes.seen(self.images),), targets),
            plan=plan.in_phases(snapped=quantized, select=Select.LOSS),
            folder=self.folder / name,
            identity={
                "cells": len(targets),
                "spec": dataclasses.asdict(sizes.spec),
                "targets": np.round(targets.mean(axis=0), 4),
            },
        )


@dataclass(frozen=True)
class Moved:
    """Turns images by any angle, mirrors, scales, moves and dims them at random, and gives their middle."""

    side: int
    shift: float
    """Pixels, along each axis, by which an image is moved at most."""

    def __call__(self, inputs: Inputs, rng: np.random.Generator) -> Inputs:
        """Return images (cells, side, side, 1) of larger ones (cells, N, N, 1); beyond the rim lies more of the rim."""
        (images,) = inputs
        moved = np.empty((len(images), self.side, self.side, 1), np.float32)
        center = (np.array(images.shape[1:3]) - 1) / 2
        for image, into in zip(images, moved, strict=True):
            angle, scale = rng.uniform(0, 2 * math.pi), 1 + rng.uniform(-MAX_SCALE, MAX_SCALE)
            turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            matrix = turn @ np.diag([1, rng.choice((-1, 1))])
            offset = center + rng.uniform(-self.shift, self.shift, 2) - matrix @ np.full(2, (self.side - 1) / 2)
            plane = ndimage.affine_transform(image[..., 0], matrix, offset, into.shape[:2], order=1, mode="nearest")
            into[..., 0] = plane * (1 + rng.uniform(-MAX_GAIN, MAX_GAIN))
        return (moved,)


def network_values(images: NDArray[np.uint8], binning: int) -> NDArray[np.float32]:
    """Return :func:`~cytogate.model.data.mhsma.network_codes` as values."""
    return SIGNED_PIXEL.decode(network_codes(images, binning)).astype(np.float32)


def middle(images: NDArray[Number], side: int) -> NDArray[Number]:
    """Return the middle (cells, side, side, 1) of images (cells, N, N, 1)."""
    rim = (images.shape[1] - side) // 2
    return images[:, rim : rim + side, rim : rim + side]


def logits_of(model: keras.Model, images: NDArray[np.uint8], sizes: SpermSizes) -> NDArray[np.float64]:
    """Return logits (cells, 4) of gray images (cells, 64, 64), each seen once: what the chip gives."""
    return np.asarray(model.predict(sizes.seen(images), verbose=0), np.float64)


def logits_of_views(model: keras.Model, images: NDArray[np.uint8], sizes: SpermSizes) -> NDArray[np.float64]:
    """Return logits (cells, 4), each the mean of an image's eight forms: what a teacher says."""
    found = np.asarray(model.predict(eightfold(sizes.seen(images)), verbose=0), np.float64)
    return found.reshape(len(images), -1, len(LABELS)).mean(axis=1)
