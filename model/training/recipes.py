"""Recipes of fitting a network, float or quantized and exact in fixed point, and the training of a design.

A quantized network is trained with batch normalization, snapped
(:func:`~cytogate.model.networks.exact.snap_batch_normalization`) and trained a little more with the snapped layers
frozen, so that what is selected is exactly what hardware computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.examples import Examples
from cytogate.model.errors import InputError
from cytogate.model.networks.exact import settle_weights, snap_batch_normalization
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
        for name, least in (("epochs", 1), ("batch", 1), ("fine_tune_epochs", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; at least {least} is needed")

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


@dataclass(frozen=True)
class OneCyclePlan:
    """Float first, then quantized: one cycle of the learning rate each, by AdamW (Smith 2018, arXiv:1803.09820).

    The rate rises to its peak within a part of the steps and falls along a cosine. What a class is not is smoothed, so
    that logits stay small.
    """

    seed: int = 1
    epochs: int = 24
    """Of the float network."""
    fine_tune_epochs: int = 3
    """Of the quantized network, which starts from it."""
    batch: int = 64
    learning_rate: float = 4e-3
    fine_tune_learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    """Of kernels, in the float network."""
    smoothing: float = 0.05

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("fine_tune_epochs", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; at least {least} is needed")

    def of_float(self) -> Plan:
        """Return the plan of the float network."""
        cycle = one_cycle(self.learning_rate, self.weight_decay)
        return Plan((TrainingPhase("train", self.epochs, cycle),), self.batch, self.seed)

    def of_quantized(self) -> Plan:
        """Return the plan of the quantized one: judged as it starts, then trained with the roundings."""
        phases = [TrainingPhase("start", 0, None)]
        if self.fine_tune_epochs:
            phases.append(TrainingPhase("fine-tune", self.fine_tune_epochs, one_cycle(self.fine_tune_learning_rate)))
        return Plan(tuple(phases), self.batch, self.seed)

    @property
    def loss(self) -> keras.losses.Loss:
        """Of labels and logits."""
        return SmoothedCrossentropy(self.smoothing)


RISING_SHARE, FIRST_SHARE, LAST_SHARE = 0.15, 0.04, 1e-4
"""Of one cycle: steps in which the rate rises; the first and the last rate over the peak's."""


def one_cycle(rate: float, weight_decay: float = 0.0) -> Callable[[int], keras.Optimizer]:
    """Return what makes AdamW, given the steps of a phase, with one cycle of its rate."""

    def made(steps: int) -> keras.Optimizer:
        rising = max(1, round(steps * RISING_SHARE))
        schedule = keras.optimizers.schedules.CosineDecay(
            rate * FIRST_SHARE, max(1, steps - rising), alpha=LAST_SHARE, warmup_target=rate, warmup_steps=rising
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay, beta_2=0.99)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer

    return made


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of labels and logits in which each class has an equal part of ``smoothing``."""

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="smoothed_crossentropy")
        self.smoothing = smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss (cells,)."""
        logarithms = keras.ops.log_softmax(y_pred, axis=-1)
        wanted = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), y_pred.shape[-1])
        chosen = keras.ops.sum(wanted * logarithms, axis=-1)
        return -(1 - self.smoothing) * chosen - self.smoothing * keras.ops.mean(logarithms, axis=-1)


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


Start = Callable[[keras.Model, keras.Model, NDArray[np.floating]], None]
"""Gives a quantized network the weights of a trained float one, by samples of its inputs."""


@dataclass(frozen=True, eq=False)
class FloatStart:
    """The trained float network that a quantized one starts from."""

    network: keras.Model
    samples: NDArray[np.floating]
    """(images, rows, columns, channels) inputs of it, on which the quantized network's formats are scaled."""
    start: Start = start_quantized


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
            start.start(network, start.network, start.samples)
        return network

    fitted = fit_float(dataclasses.replace(wanted, build=started), on_progress)
    settle_weights(fitted.model)
    read_exactly(fitted.model)
    return fitted
