"""Unstained human sperm: four parts of a cell judged by one compact quantized network, beside published accuracies.

Teachers that have not seen a cell say what a student is to learn of it (:mod:`.targets`): float networks and
classifiers on hand-made features, which no chip holds. The student is the network on the chip, in float and then
quantized. The full scale learns from the training and validation cells of the official split and reports on its test
cells; the small scale learns from the training cells and reports on the validation cells, and reads no test cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data import mhsma
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.jurkat import data_folder
from cytogate.model.data.mhsma import SpermCells, network_codes
from cytogate.model.experiments.hand_made import hand_made
from cytogate.model.experiments.mhsma.learning import Lesson, SpermSizes, logits_of, middle
from cytogate.model.experiments.mhsma.results import BACKGROUND, FLOAT, QUANTIZED, TEACHERS_TOGETHER, Results, describe
from cytogate.model.experiments.mhsma.targets import baseline_predictions, fitted_svm, taught
from cytogate.model.experiments.noise import noise_like
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.pages.page import Page

IMAGES_ON_PAGE = 16
"""Images of noise that go along with the quantized network."""

SMALL = SpermSizes(
    folds=3, binning=2, side=24, width=0.5, teacher_epochs=16, epochs=24, quantized_epochs=4, fine_tune_epochs=2
)
FULL = SpermSizes(
    folds=4, binning=2, side=24, width=1.0, teacher_epochs=70, epochs=100, quantized_epochs=12, fine_tune_epochs=6
)


@dataclass(frozen=True, eq=False)
class Parts:
    """Who is learned from, and who is reported on."""

    learned: SpermCells
    reported: SpermCells
    name: str
    """Of the cells that are reported on."""


def run(setting: Setting) -> Page:
    """Learn and report on the real cells; there is no experiment without them."""
    folder = data_folder(mhsma.FOLDER)
    training, validation = mhsma.part(folder, mhsma.TRAINING), mhsma.part(folder, mhsma.VALIDATION)
    if setting.scale is Scale.SMALL:
        return run_on(Parts(training, validation, "validation"), SMALL, setting)
    return run_on(Parts(training.joined(validation), mhsma.part(folder, mhsma.TEST), "test"), FULL, setting)


def run_on(parts: Parts, sizes: SpermSizes, setting: Setting) -> Page:
    """Return the page of some cells."""
    learned, reported = parts.learned, parts.reported
    features = _hand_made(learned, "cells", setting), _hand_made(reported, f"{parts.name} cells", setting)
    teaching = taught(learned, reported, features, sizes, setting)
    lesson = Lesson(learned.images, teaching.learned, sizes, setting.seed, setting.work)
    with setting.training() as show:
        float_student = lesson.float_network("student", sizes.epochs, show)
        quantized = lesson.quantized_network("quantized", float_student.model, show)
    predicted = {
        QUANTIZED: _said(logits_of(quantized.model, reported.images, sizes)),
        FLOAT: _said(logits_of(float_student.model, reported.images, sizes)),
        TEACHERS_TOGETHER: (teaching.reported > 0.5).astype(np.int64),
        **baseline_predictions(learned, features, setting),
        BACKGROUND: _of_background(learned, reported, setting),
    }
    results = Results(learned, reported, parts.name, predicted, teaching)
    page = Page("MHSMA: four parts of unstained human sperm cells", simulated=False)
    describe(page, results, sizes, quantized, float_student)
    codes = middle(network_codes(learned.images, sizes.binning), sizes.side)
    noise = noise_like(codes, IMAGES_ON_PAGE, setting.seed)
    page.quantized_network(quantized.model, [noise], mhsma.LABELS)
    return page


def _said(logits: NDArray[np.float64]) -> NDArray[np.int64]:
    return (logits > 0).astype(np.int64)


def _of_background(learned: SpermCells, reported: SpermCells, setting: Setting) -> NDArray[np.int64]:
    """Return what a support vector machine predicts (cells, 4) that was shown the images' backgrounds alone."""
    control = BackgroundControl.fitted(learned.images[..., None])
    hidden, hidden_reported = (
        SpermCells(control.images(each.images[..., None], setting.seed)[..., 0], each.labels)
        for each in (learned, reported)
    )
    features = _hand_made(hidden, "backgrounds", setting), _hand_made(hidden_reported, "other backgrounds", setting)
    columns = range(len(mhsma.LABELS))
    machines = [fitted_svm(features[0], learned.labels[:, column], setting.seed) for column in columns]
    return np.stack([each.predict(features[1]) for each in machines], axis=1)


def _hand_made(cells: SpermCells, what: str, setting: Setting) -> NDArray[np.float64]:
    return hand_made(cells.images[..., None], what, setting)


EXPERIMENT = Experiment(
    "mhsma",
    "MHSMA: four parts of unstained human sperm cells",
    "ours, on the cells and the split of Javadi & Mirroshandel 2019",
    run,
)
