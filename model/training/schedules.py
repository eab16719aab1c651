"""Phases of training that every network goes through: a falling rate, and a twin's way to words that are exact."""

from __future__ import annotations

from collections.abc import Callable

from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import TrainingPhase


def falling_adam(rate: float, at_last: float = 0.0) -> Callable[[int], keras.Optimizer]:
    """Return what makes Adam, given the steps of a phase, within which its rate falls along a cosine."""
    return lambda steps: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, max(1, steps), alpha=at_last / rate)
    )


def quantized_phases(
    epochs: int, fine_tune_epochs: int, learning_rate: float, fine_tune_learning_rate: float
) -> tuple[TrainingPhase, ...]:
    """Return the phases of a quantized network: train, snap its batch normalization, go on with that frozen.

    With no epochs behind the snap it ends there.
    """
    phases = (
        TrainingPhase("train", epochs, falling_adam(learning_rate)),
        TrainingPhase("snap", 0, None, prepare=snap_batch_normalization),
    )
    if not fine_tune_epochs:
        return phases
    return (*phases, TrainingPhase("fine-tune", fine_tune_epochs, falling_adam(fine_tune_learning_rate)))
