"""Learn the stages of the cycle: sizes, what is done to images, and the fits of teachers and students.

Targets are probabilities (cells, classes): smoothed labels for a teacher, what the teachers say for a student.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data import jurkat
from cytogate.model.data.examples import ArrayExamples, Inputs
from cytogate.model.data.preprocessing import eightfold, shifted_at_random, turned_at_random
from cytogate.model.design.topologies import Compact
from cytogate.model.networks.compact import compact, scaled
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import Fitted, OnProgress, Plan, TrainingPhase
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_float, fit_quantized, one_cycle
from cytogate.model.training.record import Select
from cytogate.model.training.teachers import TargetCrossentropy, agreement, mixed_targets

SMOOTHING = 0.05
"""Share of a teacher's target that goes to all classes alike: neighbouring stages of a cycle have no sharp border."""
SELECTING = 8
"""One training cell in so many, as it is and not altered, tells which epoch has the lowest loss: one of the last.

A few hundred cells kept apart for it would choose by chance, and be missed among the rare classes.
"""
SCALING_CELLS = 200
"""Training cells on which the quantized network's formats are scaled."""


@dataclass(frozen=True)
class JurkatSizes:
    """How large the experiment is."""

    folds: int
    """Of five, those that are trained and tested."""
    side: int
    """Rows and columns of the images' middle that the networks see."""
    width: float
    """Factor of the network's filters and units."""
    inner_folds: int
    """Of a fold's training cells: a teacher sees all of them but one inner fold."""
    teacher_epochs: int
    epochs: int
    """Of the float student."""
    quantized_epochs: int
    """Of the quantized student, which starts from the float one, until its batch normalization is snapped."""
    fine_tune_epochs: int
    """With snapped batch normalization."""
    control_epochs: int
    """Of the network that sees backgrounds alone."""
    network_share: float = 2 / 3
    """Of the teachers' probabilities, that of the network; the rest is the linear discriminant analysis's."""
    label_share: float = 0.3
    """Of a student's target, the true label's; the rest is what the teachers say."""
    batch: int = 64
    learning_rate: float = 3e-3
    """Highest of a float network's one cycle. The quantized student begins with a quarter, then a sixteenth of it."""
    weight_decay: float = 1e-2

    @property
    def spec(self) -> Compact:
        """The network's filters and units."""
        return scaled(Compact(), self.width)

    def float_plan(self, seed: int, epochs: int) -> Plan:
        """Return the plan of a float network."""
        phase = TrainingPhase("train", epochs, one_cycle(self.learning_rate, self.weight_decay))
        return Plan((phase,), self.batch, seed, select=Select.LOSS)

    def quantized_plan(self, seed: int) -> Plan:
        """Return the plan of the quantized student."""
        rate = self.learning_rate
        plan = TrainingPlan(seed, self.quantized_epochs, self.fine_tune_epochs, self.batch, rate / 4, rate / 16)
        return plan.in_phases(snapped=True, select=Select.LOSS)


@dataclass(frozen=True, eq=False)
class Lesson:
    """Cells and what is to be learned of them."""

    values: NDArray[np.float32]
    """(cells, side, side, channels) inputs of the network."""
    targets: NDArray[np.float64]
    """(cells, classes) probabilities."""
    sizes: JurkatSizes
    seed: int
    folder: Path
    """Where unfinished trainings are kept."""

    def float_network(self, name: str, epochs: int, on_progress: OnProgress) -> Fitted:
        """Fit a float network."""
        return fit_float(self._fit(name, False, self.sizes.float_plan(self.seed, epochs)), on_progress)

    def quantized_network(self, name: str, start: keras.Model, on_progress: OnProgress) -> Fitted:
        """Fit a quantized network that starts from a float one."""
        wanted = self._fit(name, True, self.sizes.quantized_plan(self.seed))
        chosen = np.random.default_rng(self.seed).permutation(len(self.values))[:SCALING_CELLS]
        return fit_quantized(wanted, on_progress, start=FloatStart(start, self.values[chosen]))

    def _fit(self, name: str, quantized: bool, plan: Plan) -> NetworkFit:
        targets = self.targets.astype(np.float32)
        return NetworkFit(
            name=f"{self.folder.name}, {name}",
            build=lambda: compact(self.sizes.spec, self.values.shape[1:], targets.shape[1], quantized),
            loss=TargetCrossentropy(),
            training=ArrayExamples((self.values,), targets, _turned_and_shifted),
            validation=ArrayExamples((self.values[::SELECTING],), targets[::SELECTING]),
            plan=plan,
            folder=self.folder / name,
            identity={
                "cells": len(targets),
                "spec": dataclasses.asdict(self.sizes.spec),
                "inputs": f"{self.values.mean(dtype=np.float64):.6f}",
                "targets": [f"{share:.4f}" for share in targets.mean(axis=0)],
            },
            accuracy=agreement,
        )


def network_values(images: NDArray[np.uint16], side: int) -> NDArray[np.float32]:
    """Return what a network sees (cells, side, side, channels): codes of the images' middle, as values."""
    rim = (images.shape[1] - side) // 2
    codes = jurkat.network_codes(images[:, rim : rim + side, rim : rim + side])
    return SIGNED_PIXEL.decode(codes).astype(np.float32)


def smoothed(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return a teacher's targets (cells, classes)."""
    return mixed_targets(np.full((len(labels), classes), 1 / classes), labels, 1 - SMOOTHING)


def logits_of(model: keras.Model, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return logits (cells, classes), each cell seen once: what the chip gives."""
    return np.asarray(model.predict(values, verbose=0), np.float64)


def probabilities_of_views(model: keras.Model, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities (cells, classes), each the mean of an image's eight forms: what a teacher says."""
    found = softmax(logits_of(model, eightfold(values)), axis=1)
    return found.reshape(len(values), -1, found.shape[1]).mean(axis=1)


def _turned_and_shifted(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    (images,) = inputs
    return (shifted_at_random(turned_at_random(images, rng), rng),)
