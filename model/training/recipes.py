"""How a network is fitted: float, or quantized and exact in fixed point; by which plan; and the training of a design.

A quantized network is trained with batch normalization, snapped (:func:`~cytogate.model.networks.exact.
snap_batch_normalization`) and trained a little more with the snapped layers frozen, so that what is selected is
exactly what hardware computes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.contract.law import contract
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.examples import Examples, Inputs
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.design.folder import design_text
from cytogate.model.errors import InputError
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import logits_of_values, settle_weights, snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.pretrained import start_quantized
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.training.fitting import Fitted, OnProgress, Plan, TrainingPhase, fit
from cytogate.model.training.record import Select
from cytogate.model.training.steps import Accuracy


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast, by Adam; the learning rate falls to zero along a cosine within each phase."""

    seed: int = 1
    epochs: int = 30
    fine_tune_epochs: int = 6
    """Epochs with snapped batch normalization; a network without it has none."""
    batch: int = 32
    learning_rate: float = 1.5e-3
    fine_tune_learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; at least 1 is needed")

    def in_phases(self, snapped: bool, *, select: Select = Select.ACCURACY, patience: int | None = None) -> Plan:
        """Return the plan in phases: one; or, where batch normalization is to be ``snapped``, also what follows.

        A quantized network with batch normalization needs the snap; after it, ``fine_tune_epochs`` (or none) go on
        with the snapped layers frozen. ``select`` and ``patience`` are those of :class:`Plan`.
        """
        phases = [TrainingPhase("train", self.epochs, falling_adam(self.learning_rate))]
        if snapped:
            phases.append(TrainingPhase("snap", 0, None, prepare=snap_batch_normalization))
            if self.fine_tune_epochs:
                adam = falling_adam(self.fine_tune_learning_rate)
                phases.append(TrainingPhase("fine-tune", self.fine_tune_epochs, adam))
        return Plan(tuple(phases), self.batch, self.seed, patience, select)


def falling_adam(rate: float, at_last: float = 0.0) -> Callable[[int], keras.Optimizer]:
    """Return what makes Adam, given the steps of a phase, within which its rate falls along a cosine."""
    return lambda steps: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, max(1, steps), alpha=at_last / rate)
    )


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A network to fit: what it learns from, by which plan, and where an unfinished training is kept."""

    name: str
    """Stands before what is told of the progress."""
    build: Callable[[], keras.Model]
    """Makes the network with its initial weights."""
    loss: keras.losses.Loss
    """Of targets and outputs; see :func:`~cytogate.model.training.fitting.fit`, for what follows, too."""
    training: Examples
    validation: Examples
    """Select the epoch; never the cells that are reported on."""
    plan: Plan
    folder: Path | None = None
    identity: dict[str, object] = dataclasses.field(default_factory=dict)
    """What tells this training from another one in ``folder``, as JSON can say it."""
    class_weights: NDArray[np.floating] | None = None
    accuracy: Accuracy | None = None


@dataclass(frozen=True, eq=False)
class FloatStart:
    """The trained float network that a quantized one starts from."""

    network: keras.Model
    samples: NDArray[np.floating]
    """(images, rows, columns, channels) inputs of it, on which the quantized network's formats are scaled."""


def fit_float(wanted: NetworkFit, on_progress: OnProgress = lambda what, done, total: None) -> Fitted:
    """Fit a float network and return it with the weights that did best on the validation examples.

    After each epoch weights, optimizer and curve are in the folder; a call that finds them there goes on after the last
    epoch and ends with the same weights as one that was never interrupted.

    Raises
    ------
    InputError
        If the folder holds the training of something else, or a set is empty.
    CheckFailed
        If the loss is no longer a number.
    """
    return fit(
        wanted.build,
        wanted.loss,
        wanted.training,
        wanted.validation,
        wanted.plan,
        folder=wanted.folder,
        identity=wanted.identity,
        class_weights=wanted.class_weights,
        accuracy=wanted.accuracy,
        on_progress=lambda what, done, total: on_progress(f"{wanted.name}: {what}", done, total),
    )


def fit_quantized(
    wanted: NetworkFit, on_progress: OnProgress = lambda what, done, total: None, *, start: FloatStart | None = None
) -> Fitted:
    """Fit a quantized network as :func:`fit_float` does; its weights are settled and its sums exact.

    With ``start`` it begins with the weights of a float network; without, with its own initial ones. The plan of a
    network with batch normalization snaps it (:meth:`TrainingPlan.in_phases`).

    Raises
    ------
    InputError
        As :func:`fit_float`; or if the network is not exact in fixed point.
    """

    def started() -> keras.Model:
        network = wanted.build()
        if start is not None:
            start_quantized(network, start.network, start.samples)
        return network

    fitted = fit_float(dataclasses.replace(wanted, build=started), on_progress)
    settle_weights(fitted.model)
    read_exactly(fitted.model)
    return fitted


def train(
    design: Design,
    cells: CellFile,
    split: Split,
    folder: Path,
    quantized: bool,
    plan: TrainingPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Fitted:
    """Train the network of ``design``, quantized or float, on the training cells of a split.

    Raises
    ------
    InputError
        As :func:`fit_float`.
    """
    wanted = NetworkFit(
        name="quantized" if quantized else "float",
        build=lambda: build(design, quantized),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        training=_Cells(cells, split.training, design),
        validation=_Cells(cells, split.validation, design),
        plan=plan.in_phases(snapped=quantized),
        folder=folder,
        identity={
            "design": design_text(design),
            "cells": {"count": len(cells.labels), **cells.attributes},
            "quantized": quantized,
        },
    )
    return (fit_quantized if quantized else fit_float)(wanted, on_progress)


def augment(inputs: NDArray[np.integer], symmetries: NDArray[np.int64], arms: bool) -> NDArray[np.integer]:
    """Return inputs (cells, rows, columns, channels) mirrored and turned, each by its own symmetry, 0 (none) to 7.

    Bit 0 mirrors along x, bit 1 along y, bit 2 transposes afterwards.

    Parameters
    ----------
    arms
        Whether the first four channels are the arms +x, -x, +y, -y of a four-angle instrument, which go along: what
        leans to +x leans to -x in a mirror, so the frames trade places as well.
    """
    turned = inputs.copy()
    channels = list(range(inputs.shape[-1]))
    swapped_x, swapped_y, transposed = (
        [*order, *channels[4:]] if arms else channels for order in ([1, 0, 2, 3], [0, 1, 3, 2], [2, 3, 0, 1])
    )
    for symmetry in np.unique(symmetries):
        chosen = symmetries == symmetry
        part = inputs[chosen]
        if symmetry & 1:
            part = part[:, :, ::-1, swapped_x]
        if symmetry & 2:
            part = part[:, ::-1, :, swapped_y]
        if symmetry & 4:
            part = part.swapaxes(1, 2)[..., transposed]
        turned[chosen] = part
    return turned


def symmetries_of(design: Design) -> int:
    """Return how many symmetries cells of an instrument have: 8, or 4 where a transposed image would be another.

    Mirrors are always symmetries; a transposition is one where pixels and window are square.
    """
    camera, window = design.camera, design.window
    square = math.isclose(camera.pixel_pitch_x_um, camera.pixel_pitch_y_um) and window.rows == window.columns
    return 8 if square else 4


@dataclass(frozen=True, eq=False)
class _Cells:
    """Some cells of a file, as examples: each turned and mirrored at random in training."""

    cells: CellFile
    chosen: NDArray[np.int64]
    design: Design

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray[np.int64]]]:
        """Give batches of nearly even size."""
        words, symmetries = contract(self.design).stage("network_input").format, symmetries_of(self.design)
        for codes, labels in self.cells.batches(self.chosen if rng is None else rng.permutation(self.chosen), size):
            turned = codes
            if rng is not None:
                turned = augment(codes, rng.integers(0, symmetries, len(codes)), self.design.retrieves_phase)
            yield (turned * np.float32(words.step),), labels


def probabilities_of(
    model: keras.Model, cells: CellFile, chosen: NDArray[np.int64], design: Design, symmetry: int = 0
) -> NDArray[np.float64]:
    """Return probabilities (len(chosen), classes) of some cells of a file, seen in a symmetry of :func:`augment`."""
    step = np.float32(contract(design).stage("network_input").format.step)
    batches = (inputs for inputs, _ in cells.batches(chosen, PREDICTED_AT_A_TIME))
    views = (augment(inputs, np.full(len(inputs), symmetry), design.retrieves_phase) for inputs in batches)
    return softmax(logits_of_values(model, (inputs * step for inputs in views)), axis=1)


PREDICTED_AT_A_TIME = 256
