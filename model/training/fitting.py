"""The training loop: supervised, seeded, restartable after any epoch, on one machine or several.

A training is a sequence of phases. After each epoch the network is judged on validation examples alone, and its state
and the curve are kept; whoever starts the same training again goes on behind the last epoch and ends with the same
weights, bit by bit.

Without ``TF_CONFIG`` there is one process. With it, each worker takes its slice of every batch: gradients are summed
over the batch as a whole, and so are the statistics of :class:`~cytogate.model.networks.layers.BatchNormalization`, so
that weights come out as one worker would have them, but for the order of sums. Other layers that look at a batch as a
whole, and dropout, whose masks repeat in each slice, see only a slice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.examples import Examples
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.cluster import Cluster
from cytogate.model.training.record import Epoch, Record, Select
from cytogate.model.training.steps import Accuracy, Feed, Judge, Steps, Train

OnProgress = Callable[[str, int, int], None]
"""Receives what is going on, examples done and examples to do."""


@dataclass(frozen=True)
class TrainingPhase:
    """One stretch of training."""

    name: str
    """Unlike that of any other phase of a plan."""
    epochs: int
    """0: nothing is trained; what ``prepare`` has made is judged, and is an epoch of the curve."""
    optimizer: Callable[[int], keras.Optimizer] | None
    """Makes the optimizer, given the number of steps of the phase; None where nothing is trained."""
    prepare: Callable[[keras.Model], None] | None = None
    """Alters the best weights so far, which the phase then starts from: what came before is no longer selected.

    May freeze layers, too. A restart calls it once more ahead of reading weights. Without it, a phase goes on with the
    last weights.
    """

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise InputError(f"phase {self.name}: {self.epochs} epochs; 0 or more are needed")
        if self.epochs and self.optimizer is None:
            raise InputError(f"phase {self.name}: {self.epochs} epochs need an optimizer")


@dataclass(frozen=True)
class Plan:
    """How a network is trained."""

    phases: tuple[TrainingPhase, ...]
    batch: int
    """Examples a step, on all workers together."""
    seed: int
    """Of initial weights, of the order of examples and of what is altered in them."""
    patience: int | None = None
    """Epochs of a phase without a better one after which it ends; None: it never ends early."""
    select: Select = Select.ACCURACY

    def __post_init__(self) -> None:
        if not self.phases or len({phase.name for phase in self.phases}) < len(self.phases):
            raise InputError(
                f"phases are {[phase.name for phase in self.phases]}; one or more different names are needed"
            )
        if self.batch < 1:
            raise InputError(f"batch is {self.batch}; at least 1 is needed")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience is {self.patience}; at least 1 is needed, or None")


@dataclass(frozen=True)
class Fitted:
    """A trained network and how it came about."""

    model: keras.Model
    """With the weights of the selected epoch."""
    curve: tuple[Epoch, ...]
    selected: int
    """Index of that epoch."""


def fit(
    build: Callable[[], keras.Model],
    loss: keras.losses.Loss,
    training: Examples,
    validation: Examples,
    plan: Plan,
    *,
    folder: Path | None = None,
    identity: dict[str, object] | None = None,
    class_weights: NDArray[np.floating] | None = None,
    accuracy: Accuracy | None = None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Fitted:
    """Train what ``build`` returns and give it the weights that did best on the validation examples.

    Parameters
    ----------
    build
        Makes the network, with initial weights; called within the scope of the strategy.
    loss
        Of targets and outputs. Its reduction plays no part: the mean over all examples of a batch is minimized, and
        with it the sum of the network's penalties.
    folder
        Where curve and states are kept, and found by a restart. None: nothing is, and nothing can be picked up.
    identity
        What else decides how the training goes, as JSON can say it: the network, the data. Together with the plan it
        tells this training from another one in ``folder``.
    class_weights
        (classes,) factors of the loss of each class's training examples.
    accuracy
        What the curve gives as accuracy where targets are no labels.

    Raises
    ------
    InputError
        If ``folder`` holds the training of something else, a set is empty, accuracy is to select among outputs that
        are no classes, or another worker has gone.
    CheckFailed
        If the loss is no longer a number.
    """
    for name, examples in (("training", training), ("validation", validation)):
        if not len(examples):
            raise InputError(f"{name} examples: there are none; at least one is needed")
    cluster = Cluster.of_environment()
    count = math.ceil(len(training) / plan.batch)
    with cluster.waiting(), cluster.strategy.scope():
        optimizers = [each.optimizer(each.epochs * count) if each.optimizer else None for each in plan.phases]
        described = _described(plan, optimizers, (len(training), len(validation)), class_weights)
        record = Record(folder, {"identity": identity or {}, **described}, cluster)
        keras.utils.set_random_seed(plan.seed)
        model = build()
    steps = Steps.of(model, loss, cluster, next(iter(validation.batches(1, None)))[1], accuracy)
    unknown = plan.select is Select.ACCURACY and not steps.has_accuracy
    if unknown or (steps.classes is None and class_weights is not None):
        raise InputError(
            "targets are no labels of the network's outputs; choose Select.LOSS, and no class weights, for real targets"
        )
    run = _Run(steps, Feed(steps), training, validation, plan, record, class_weights, on_progress)
    with cluster.waiting():
        for number, optimizer in enumerate(optimizers):
            run.phase(number, optimizer)
        selected = run.best()
        record.load(selected, model)
    return Fitted(model, tuple(record.curve), selected)


@dataclass(frozen=True, eq=False)
class _Run:
    """A training that goes on."""

    steps: Steps
    feed: Feed
    training: Examples
    validation: Examples
    plan: Plan
    record: Record
    class_weights: NDArray[np.floating] | None
    on_progress: OnProgress

    def phase(self, number: int, optimizer: keras.Optimizer | None) -> None:
        """Run what is left of a phase."""
        phase, record, model = self.plan.phases[number], self.record, self.steps.model
        begun = bool(record.rows(phase.name))
        if phase.prepare is not None:
            if record.curve and not begun:
                record.load(self.best(), model)
            phase.prepare(model)
        if self._is_over(number):
            return
        train = None
        if optimizer is not None and phase.epochs:
            with self.steps.cluster.strategy.scope():
                optimizer.build(model.trainable_variables)
            train = self.steps.training(optimizer, self.class_weights)
        if begun:
            record.load(len(record.curve) - 1, model, optimizer)
        elif record.curve and phase.prepare is None:
            record.load(len(record.curve) - 1, model)
        judge = self.steps.judging()
        while not self._is_over(number):
            index = len(record.curve)
            epoch = Epoch(phase.name, self._train(train, phase.name) if train else None, *self._validate(judge))
            record.add(epoch, model, optimizer if train else None)
            record.keep({index, self.best()})

    def best(self) -> int:
        """Return the best epoch since weights were altered last."""
        reached = {epoch.phase for epoch in self.record.curve}
        names: list[str] = []
        for phase in self.plan.phases:
            if phase.name in reached:
                names = [phase.name] if phase.prepare is not None else [*names, phase.name]
        return self.record.best(names, self.plan.select)

    def _is_over(self, number: int) -> bool:
        phase, record = self.plan.phases[number], self.record
        epochs = len(record.rows(phase.name))
        if epochs >= max(1, phase.epochs) or any(record.rows(later.name) for later in self.plan.phases[number + 1 :]):
            return True
        if self.plan.patience is None or not epochs:
            return False
        return len(record.curve) - 1 - record.best([phase.name], self.plan.select) >= self.plan.patience

    def _train(self, train: Train, phase: str) -> float:
        """Train for an epoch and return the mean loss."""
        epoch = len(self.record.curve)
        what = f"epoch {epoch + 1} of {sum(max(1, each.epochs) for each in self.plan.phases)} ({phase})"
        losses, done = 0.0, 0
        rng = np.random.default_rng([self.plan.seed, epoch])
        for batch in self.feed(self.training.batches(self.plan.batch, rng)):
            losses += train(batch) * len(batch[1])
            done += len(batch[1])
            _check_number(losses, what)
            self.on_progress(what, done, len(self.training))
        return losses / done

    def _validate(self, judge: Judge) -> tuple[float, float | None]:
        """Return mean loss and, where it is known, accuracy."""
        losses, right = 0.0, 0.0
        for batch in self.feed(self.validation.batches(self.plan.batch, None)):
            of_batch = judge(batch)
            losses, right = losses + of_batch[0], right + of_batch[1]
        count = len(self.validation)
        _check_number(losses, f"validation after epoch {len(self.record.curve) + 1}")
        return losses / count, right / count if self.steps.has_accuracy else None


def _check_number(loss: float, where: str) -> None:
    if not math.isfinite(loss):
        raise CheckFailed(f"{where}: the loss is no longer a number; a lower learning rate may keep it one")


def _described(
    plan: Plan,
    optimizers: list[keras.Optimizer | None],
    counts: tuple[int, int],
    class_weights: NDArray[np.floating] | None,
) -> dict[str, object]:
    """Return what decides how a training goes, as far as it can be told here."""
    phases = []
    for phase, optimizer in zip(plan.phases, optimizers, strict=True):
        # Keras numbers the names of what a process makes; they differ after a restart.
        settings = None if optimizer is None else {**optimizer.get_config(), "name": None}
        phases.append({"name": phase.name, "epochs": phase.epochs, "optimizer": settings})
    return {
        "phases": phases,
        "batch": plan.batch,
        "seed": plan.seed,
        "patience": plan.patience,
        "select": plan.select.value,
        "examples": counts,
        "class_weights": None if class_weights is None else np.asarray(class_weights).tolist(),
    }
