"""Training: seeded, restartable after any epoch, selected on validation cells alone.

A quantized network is trained with batch normalization, snapped (:func:`~cytogate.model.networks.exact.
snap_batch_normalization`) and trained a little more with the snapped layers frozen, so that what is selected is
exactly what hardware computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.cell_file import CellFile, Split
from cytogate.model.data.examples import Inputs
from cytogate.model.design.design import Design
from cytogate.model.design.folder import design_text
from cytogate.model.errors import InputError
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import logits, settle_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.words import assert_exact_accumulation
from cytogate.model.training.fitting import Fitted, OnProgress, Phase, Plan, fit
from cytogate.model.training.schedules import falling_adam, quantized_phases

SWAPPED_X, SWAPPED_Y, TRANSPOSED = [1, 0, 2, 3, 4], [0, 1, 3, 2, 4], [2, 3, 0, 1, 4]
"""Channels +x, -x, +y, -y, phase after the image is mirrored along x, along y, or transposed."""
SYMMETRIES = 8


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast; the learning rate falls to zero along a cosine within each phase."""

    seed: int = 1
    epochs: int = 30
    fine_tune_epochs: int = 6
    """Epochs with snapped batch normalization; a float network has none."""
    batch: int = 32
    learning_rate: float = 1.5e-3
    fine_tune_learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; at least 1 is needed")


def train(
    design: Design,
    cells: CellFile,
    folder: Path,
    quantized: bool,
    plan: TrainingPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Fitted:
    """Train the network of ``design`` and return it with the weights that did best on the validation cells.

    Of a quantized network these are snapped. After each epoch weights, optimizer and curve are in ``folder``; a call
    that finds them there goes on behind the last epoch and ends with the same weights as one that was never
    interrupted.

    Raises
    ------
    InputError
        If ``folder`` holds the training of something else.
    """
    split = Split.of(cells.labels, plan.seed)
    phases: tuple[Phase, ...] = (Phase("train", plan.epochs, falling_adam(plan.learning_rate)),)
    if quantized:
        phases = quantized_phases(plan.epochs, plan.fine_tune_epochs, plan.learning_rate, plan.fine_tune_learning_rate)
    symmetries = _symmetries(design)
    form = "quantized" if quantized else "float"
    trained = fit(
        lambda: build(design, quantized),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        _Cells(cells, split.training, symmetries),
        _Cells(cells, split.validation, symmetries),
        Plan(phases, plan.batch, plan.seed),
        folder=folder,
        identity={
            "design": design_text(design),
            "cells": {"count": len(cells.labels), **cells.attributes},
            "quantized": quantized,
        },
        on_progress=lambda what, done, total: on_progress(f"{form}, {what}", done, total),
    )
    if quantized:
        settle_weights(trained.model)
        assert_exact_accumulation(trained.model)
    return trained


def augment(inputs: NDArray[np.uint8], symmetries: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return inputs (cells, N, N, 5) mirrored and turned, each by its own symmetry of the square, 0 (none) to 7.

    Bit 0 mirrors along x, bit 1 along y, bit 2 transposes afterwards. The four angles go along: what leans to +x leans
    to -x in a mirror, so the frames trade places as well.
    """
    turned = inputs.copy()
    for symmetry in np.unique(symmetries):
        chosen = symmetries == symmetry
        part = inputs[chosen]
        if symmetry & 1:
            part = part[:, :, ::-1, SWAPPED_X]
        if symmetry & 2:
            part = part[:, ::-1, :, SWAPPED_Y]
        if symmetry & 4:
            part = part.swapaxes(1, 2)[..., TRANSPOSED]
        turned[chosen] = part
    return turned


@dataclass(frozen=True, eq=False)
class _Cells:
    """Some cells of a file, as examples: each turned and mirrored at random in training."""

    cells: CellFile
    chosen: NDArray[np.int64]
    symmetries: int

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray[np.int64]]]:
        """Give batches of nearly even size."""
        for codes, labels in self.cells.batches(self.chosen if rng is None else rng.permutation(self.chosen), size):
            turned = codes if rng is None else augment(codes, rng.integers(0, self.symmetries, len(codes)))
            yield (turned * np.float32(PIXEL.step),), labels


def _symmetries(design: Design) -> int:
    """Mirrors are always symmetries; a transposition is one where pixels are square."""
    acquisition = design.four_angle
    square = math.isclose(acquisition.pixel_pitch_x_um, acquisition.pixel_pitch_y_um)
    return SYMMETRIES if square else SYMMETRIES // 2


def predict(model: keras.Model, cells: CellFile, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return logits (len(chosen), classes) of some cells of a file."""
    return np.concatenate([logits(model, inputs) for inputs, _ in cells.batches(chosen, PREDICTED_AT_A_TIME)])


PREDICTED_AT_A_TIME = 256
