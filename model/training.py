"""Training: seeded, restartable after any epoch, selected on validation cells alone.

A quantized network is trained with batch normalization, snapped (:func:`~cytogate.model.networks.
snap_batch_normalization`) and trained a little more with the snapped layers frozen, so that what is selected is
exactly what hardware computes.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cytogate.model.cell_file import CellFile, Split
from cytogate.model.command import InputError
from cytogate.model.designs import Design, Meng2017
from cytogate.model.formats import PIXEL
from cytogate.model.keras_backend import keras
from cytogate.model.networks import (
    assert_exact_accumulation,
    freeze_batch_normalization,
    logits,
    meng2017,
    settle_weights,
    snap_batch_normalization,
)
from cytogate.model.outputs import whole_file

WEIGHTS = Path(__file__).resolve().parent / "weights"
"""Trained networks that come with the package."""
NETWORK = "meng2017"
SWAPPED_X, SWAPPED_Y, TRANSPOSED = [1, 0, 2, 3, 4], [0, 1, 3, 2, 4], [2, 3, 0, 1, 4]
"""Channels +x, -x, +y, -y, phase after the image is mirrored along x, along y, or transposed."""
SYMMETRIES = 8

Item = TypeVar("Item")
OnProgress = Callable[[str, int, int], None]
"""Receives what is going on, cells done and cells to do."""


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


@dataclass(frozen=True)
class Epoch:
    """What came of one epoch."""

    phase: str
    """"train", "snap" (no training, only the change of batch normalization) or "fine-tune"."""
    loss: float | None
    """Mean cross-entropy over the training cells; None for "snap"."""
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Trained:
    """A trained network and how it came about."""

    model: keras.Model
    curve: tuple[Epoch, ...]
    selected: int
    """Index of the epoch whose weights these are."""


def train(
    design: Design,
    cells: CellFile,
    folder: Path,
    quantized: bool,
    plan: TrainingPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Trained:
    """Train the network of ``design`` and return it with the weights that did best on the validation cells.

    After each epoch weights, optimizer and curve are in ``folder``; a call that finds them there goes on behind the
    last epoch and ends with the same weights as one that was never interrupted.

    Raises
    ------
    InputError
        If ``folder`` holds the training of something else.
    """
    split = Split.of(cells.labels, plan.seed)
    phases = ["train"] * plan.epochs + (["snap"] + ["fine-tune"] * plan.fine_tune_epochs if quantized else [])
    record = _Record.of(folder, design, cells, quantized, plan)
    keras.utils.set_random_seed(plan.seed)
    model = meng2017(design.network, design.size, quantized)
    if record.curve:
        _start_phase(model, record.curve[-1].phase, plan, len(split.training))
        record.load(model, len(record.curve) - 1)
    for epoch in range(len(record.curve), len(phases)):
        phase = phases[epoch]
        if phase == "snap":
            record.load(model, record.best("train"))
            snap_batch_normalization(model)
        elif epoch == 0 or phases[epoch - 1] != phase:
            _start_phase(model, phase, plan, len(split.training))
        what = f"{'quantized' if quantized else 'float'}, epoch {epoch + 1} of {len(phases)} ({phase})"
        loss = None
        if phase != "snap":
            on_batch = lambda done, what=what: on_progress(what, done, len(split.training))  # noqa: E731
            loss = _run_epoch(model, cells, split.training, plan, epoch, on_batch, _symmetries(design))
        record.add(model, Epoch(phase, loss, *_validate(model, cells, split.validation)))
    selected = record.best("snap", "fine-tune") if quantized else record.best("train")
    record.load(model, selected)
    if quantized:
        settle_weights(model)
        assert_exact_accumulation(model)
    return Trained(model, tuple(record.curve), selected)


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


def weights_path(design: Design, quantized: bool, folder: Path = WEIGHTS) -> Path:
    """Return where the trained weights of a design lie."""
    return folder / f"{record_name(design)}{'' if quantized else '-float'}.weights.h5"


def record_name(design: Design) -> str:
    """Return the name of a design's trained network; filters other than the default ones are part of it."""
    filters = design.network.filters
    variant = "" if filters == Meng2017().filters else "-" + "-".join(map(str, filters))
    return f"{NETWORK}-{design.name}{variant}"


def save_trained(model: keras.Model, design: Design, quantized: bool, folder: Path = WEIGHTS) -> Path:
    """Write a trained network's weights, without its optimizer."""
    bare = meng2017(design.network, design.size, quantized)
    bare.set_weights(model.get_weights())
    path = weights_path(design, quantized, folder)
    _save(bare, path)
    return path


def load_trained(design: Design, quantized: bool = True, folder: Path = WEIGHTS) -> keras.Model:
    """Return the trained network of a design, exact in fixed point where it is quantized."""
    path = weights_path(design, quantized, folder)
    if not path.exists():
        raise InputError(
            f"{path}: there is no trained network of design {design.name}; make one with "
            f"`cytogate train --design {design.name}`"
        )
    model = meng2017(design.network, design.size, quantized)
    _load(model, path)
    if quantized:
        assert_exact_accumulation(model)
    return model


class _Record:
    """The state of a training in a folder: ``curve.json`` and the weights that it speaks of.

    Weights appear before the curve that names them, so a curve's weights are always there.
    """

    def __init__(self, folder: Path, of: dict[str, object]) -> None:
        self.folder = folder
        self.of_training = of
        self.curve: list[Epoch] = []

    @staticmethod
    def of(folder: Path, design: Design, cells: CellFile, quantized: bool, plan: TrainingPlan) -> _Record:
        """Return what ``folder`` holds, or a new record."""
        training = {
            "design": dataclasses.asdict(design),
            "cells": {"count": len(cells.labels), **cells.attributes},
            "quantized": quantized,
            "plan": dataclasses.asdict(plan),
        }
        # As JSON gives it back: tuples become lists.
        record = _Record(folder, json.loads(json.dumps(training)))
        path = folder / "curve.json"
        if not path.exists():
            return record
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            record.curve = [Epoch(**row) for row in found["curve"]]
            same = found["training"] == record.of_training
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is no record of a training ({error}); remove {folder} to start anew") from error
        if not same:
            raise InputError(
                f"{path}: belongs to a training with other settings or cells; remove {folder} to start anew, or give "
                f"another folder"
            )
        return record

    def add(self, model: keras.Model, epoch: Epoch) -> None:
        _save(model, self._weights(len(self.curve)))
        self.curve.append(epoch)
        with whole_file(self.folder / "curve.json") as partial:
            rows = [dataclasses.asdict(row) for row in self.curve]
            partial.write_text(json.dumps({"training": self.of_training, "curve": rows}, indent=1), encoding="utf-8")
        self._remove_superseded()

    def best(self, *phases: str) -> int:
        """Return the epoch of the highest validation accuracy, of the lower loss where accuracies are equal."""
        candidates = [index for index, row in enumerate(self.curve) if row.phase in phases]
        return max(candidates, key=lambda i: (self.curve[i].validation_accuracy, -self.curve[i].validation_loss))

    def load(self, model: keras.Model, epoch: int) -> None:
        _load(model, self._weights(epoch))

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04}.weights.h5"

    def _remove_superseded(self) -> None:
        trained = [row for row in self.curve if row.phase == "train"]
        keep = {len(self.curve) - 1, self.best("train")}
        if len(trained) < len(self.curve):
            keep.add(self.best("snap", "fine-tune"))
        for path in self.folder.glob("epoch-*.weights.h5"):
            if path not in map(self._weights, keep):
                path.unlink()


def _start_phase(model: keras.Model, phase: str, plan: TrainingPlan, cells: int) -> None:
    """Give the model the optimizer of a phase, as it is ahead of the first step."""
    if phase != "train":
        freeze_batch_normalization(model)
    epochs = plan.epochs if phase == "train" else max(1, plan.fine_tune_epochs)
    rate = plan.learning_rate if phase == "train" else plan.fine_tune_learning_rate
    steps = epochs * math.ceil(cells / plan.batch)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    # XLA is slower here: 324 cells a second against 505 on two cores.
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    optimizer.build(model.trainable_variables)


def _run_epoch(
    model: keras.Model,
    cells: CellFile,
    training: NDArray[np.int64],
    plan: TrainingPlan,
    epoch: int,
    on_batch: Callable[[int], None],
    symmetries: int,
) -> float:
    losses, done = 0.0, 0
    for inputs, labels in _one_ahead(_augmented(cells, training, plan, epoch, symmetries)):
        loss = model.train_on_batch(inputs, labels)
        losses += float(np.ravel(loss)[0]) * len(labels)
        done += len(labels)
        on_batch(done)
    return losses / done


def _augmented(
    cells: CellFile, training: NDArray[np.int64], plan: TrainingPlan, epoch: int, symmetries: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Give batches of an epoch: shuffled, each cell turned and mirrored at random."""
    rng = np.random.default_rng([plan.seed, epoch])
    for inputs, labels in cells.batches(rng.permutation(training), plan.batch):
        turned = augment(inputs, rng.integers(0, symmetries, len(inputs)))
        yield turned * np.float32(PIXEL.step), labels


def _one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Give the same items, each prepared while the one before it is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def _symmetries(design: Design) -> int:
    """Mirrors are always symmetries; a transposition is one where pixels are square."""
    acquisition = design.acquisition
    square = math.isclose(acquisition.pixel_pitch_x_um, acquisition.pixel_pitch_y_um)
    return SYMMETRIES if square else SYMMETRIES // 2


def _validate(model: keras.Model, cells: CellFile, validation: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy."""
    scores, labels = predict(model, cells, validation), cells.labels[validation]
    scores = scores - scores.max(axis=1, keepdims=True)
    of_truth = scores[np.arange(len(labels)), labels] - np.log(np.exp(scores).sum(axis=1))
    return float(-of_truth.mean()), float((scores.argmax(axis=1) == labels).mean())


def predict(model: keras.Model, cells: CellFile, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return logits (len(chosen), classes) of some cells of a file."""
    return np.concatenate([logits(model, inputs) for inputs, _ in cells.batches(chosen, PREDICTED_AT_A_TIME)])


PREDICTED_AT_A_TIME = 256


def _save(model: keras.Model, path: Path) -> None:
    with whole_file(path) as partial:
        # Keras insists on the suffix.
        written = partial.with_name(partial.name + ".weights.h5")
        model.save_weights(written)
        written.replace(partial)


def _load(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: holds no weights of this network ({reason}); train it anew") from error
