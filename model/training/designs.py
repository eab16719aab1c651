"""The training of a design: its network in both forms, quantized and float, on cells of a file, turned and mirrored.

A network learns labels, or as a student what teachers say of the training cells.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.contract.law import contract
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.examples import Inputs
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.design.folder import design_text
from cytogate.model.design.topologies import Contrast, Student
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import logits_of_values
from cytogate.model.networks.folding import start_folded
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.recipes import FloatStart, NetworkFit, OneCyclePlan, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.teachers import TargetCrossentropy, agreement

QUANTIZED, FLOAT = "quantized", "float"
DesignPlan = TrainingPlan | OneCyclePlan
LEAST_STEPS = 3000
"""Small sets are gone through more often: with few steps a network is not trained, whatever the epochs."""
LEAST_EPOCHS = 40
"""Of a network that is trained by :class:`TrainingPlan`."""
SAMPLES = 512
"""Training cells by which the ranges of a quantized network's words are chosen."""


def plan_of(
    design: Design, training_cells: int, *, seed: int, epochs: int | None = None, fine_tune_epochs: int | None = None
) -> DesignPlan:
    """Return how a design's network is trained; what is not asked for follows from topology and number of cells."""
    plan: DesignPlan = OneCyclePlan(seed) if starts_in_float(design) else TrainingPlan(seed)
    usual = plan.epochs if isinstance(plan, OneCyclePlan) else LEAST_EPOCHS
    if epochs is None:
        epochs = max(usual, math.ceil(LEAST_STEPS / math.ceil(training_cells / plan.batch)))
    fine_tune_epochs = plan.fine_tune_epochs if fine_tune_epochs is None else fine_tune_epochs
    return dataclasses.replace(plan, epochs=epochs, fine_tune_epochs=fine_tune_epochs)


def starts_in_float(design: Design) -> bool:
    """Return whether the quantized network of a design starts from the trained float one."""
    return isinstance(design.network.topology, (Contrast, Student))


def train_both(
    design: Design,
    cells: CellFile,
    split: Split,
    folder: Path,
    plan: DesignPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> dict[str, Fitted]:
    """Train the quantized network of ``design`` and the float one, by their names, on the training cells of a split.

    Raises
    ------
    InputError
        As :func:`~cytogate.model.training.recipes.fit_float`.
    """
    trained = train_float(design, cells, split, folder / FLOAT, plan, on_progress)
    wanted = _wanted(design, cells, split, folder / QUANTIZED, plan, quantized=True)
    start = _start(design, cells, split, plan, trained) if isinstance(plan, OneCyclePlan) else None
    return {QUANTIZED: fit_quantized(wanted, on_progress, start=start), FLOAT: trained}


def train_student(
    design: Design,
    cells: CellFile,
    split: Split,
    said: NDArray[np.float64],
    folder: Path,
    plan: DesignPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Fitted:
    """Train the quantized network of ``design`` on what teachers say; labels select the epoch, as ever.

    Parameters
    ----------
    said
        (training cells, classes) targets of ``split.training``: probabilities.

    Raises
    ------
    InputError
        As :func:`~cytogate.model.training.recipes.fit_float`.
    CheckFailed
        If the loss is no longer a number.
    """
    targets = np.eye(said.shape[1], dtype=np.float32)[cells.labels]
    targets[split.training] = said
    start = None
    if isinstance(plan, OneCyclePlan):
        wanted = _wanted(design, cells, split, folder / FLOAT, plan, quantized=False, targets=targets)
        start = _start(design, cells, split, plan, fit_float(wanted, on_progress))
    wanted = _wanted(design, cells, split, folder / QUANTIZED, plan, quantized=True, targets=targets)
    return fit_quantized(wanted, on_progress, start=start)


def train_float(
    design: Design,
    cells: CellFile,
    split: Split,
    folder: Path,
    plan: DesignPlan,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Fitted:
    """Train the float network of a design alone, as :func:`train_both` does."""
    return fit_float(_wanted(design, cells, split, folder, plan, quantized=False), on_progress)


def _start(design: Design, cells: CellFile, split: Split, plan: OneCyclePlan, trained: Fitted) -> FloatStart:
    """Return what the quantized network starts from."""
    chosen = np.random.default_rng(plan.seed).permutation(split.training)[:SAMPLES]
    (samples,), _ = next(_Cells(cells, chosen, design, cells.labels).batches(SAMPLES, None))
    return FloatStart(trained.model, samples, start_folded)


def _wanted(
    design: Design,
    cells: CellFile,
    split: Split,
    folder: Path,
    plan: DesignPlan,
    quantized: bool,
    targets: NDArray[np.float32] | None = None,
) -> NetworkFit:
    """Return the fit of a network to labels or, of a student, to ``targets`` (cells, classes)."""
    if isinstance(plan, OneCyclePlan):
        loss, phases = plan.loss, plan.of_quantized() if quantized else plan.of_float()
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        phases = plan.in_phases(snapped=quantized)
    identity = {
        "design": design_text(design),
        "plan": dataclasses.asdict(plan),
        "cells": {"count": len(cells.labels), **cells.attributes},
        "quantized": quantized,
    }
    if targets is not None:
        loss = TargetCrossentropy()
        identity["targets"] = hashlib.sha256(targets.tobytes()).hexdigest()
    answers = cells.labels if targets is None else targets
    return NetworkFit(
        name=QUANTIZED if quantized else FLOAT,
        build=lambda: build(design, quantized),
        loss=loss,
        training=_Cells(cells, split.training, design, answers),
        validation=_Cells(cells, split.validation, design, answers),
        plan=phases,
        folder=folder,
        identity=identity,
        accuracy=None if targets is None else agreement,
    )


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
    answers: NDArray[np.integer] | NDArray[np.floating]
    """(cells, ...) of all cells of the file: labels, or probabilities of the classes."""

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give batches of nearly even size."""
        words, symmetries = contract(self.design).stage("network_input").format, symmetries_of(self.design)
        order = self.chosen if rng is None else rng.permutation(self.chosen)
        for part in np.array_split(order, math.ceil(len(order) / size)):
            codes = self.cells.read(part)
            if rng is not None:
                codes = augment(codes, rng.integers(0, symmetries, len(codes)), self.design.retrieves_phase)
            yield (codes * np.float32(words.step),), self.answers[part]


def probabilities_of(
    model: keras.Model, cells: CellFile, chosen: NDArray[np.int64], design: Design, symmetry: int = 0
) -> NDArray[np.float64]:
    """Return probabilities (len(chosen), classes) of some cells of a file, seen in a symmetry of :func:`augment`."""
    step = np.float32(contract(design).stage("network_input").format.step)
    batches = (inputs for inputs, _ in cells.batches(chosen, PREDICTED_AT_A_TIME))
    views = (augment(inputs, np.full(len(inputs), symmetry), design.retrieves_phase) for inputs in batches)
    return softmax(logits_of_values(model, (inputs * step for inputs in views)), axis=1)


PREDICTED_AT_A_TIME = 256
