"""Paper 003's networks on real cells: Jurkat cells of G1 against those of G2, in bright and dark field.

The adversaries learn from G1 cells that have no part in the labelled ones; classifiers learn from a few of a fold's
training cells, and are reported on its test cells. Beside them stands the background check, a network that
sees the background alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from cytogate.model.data import jurkat
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.errors import InputError
from cytogate.model.evaluation.metrics import Interval
from cytogate.model.experiments.setting import Setting
from cytogate.model.experiments.topgan.adversarial import AdversarialPlan, train_adversaries
from cytogate.model.experiments.topgan.methods import (
    Draw,
    DrawOutcome,
    MapCodes,
    Method,
    Schedule,
    Task,
    TopganTrainer,
    narrowed,
    runnable,
    values,
)
from cytogate.model.experiments.topgan.results import chosen, methods_of
from cytogate.model.pages.page import Page, Value, told_difference

FOLDS = 5
CLASSES = ("G1", "G2")
CONTROL = "background check: TOP-GAN + augmentation, background alone"


@dataclass(frozen=True)
class TopganJurkatSizes:
    """How large this part of the experiment is."""

    side: int
    """Rows and columns of the images' middle that the networks see."""
    width: float
    unlabelled: int
    """G1 cells that the adversaries see."""
    folds: int
    """Of five, those that are trained and tested."""
    training: tuple[int, ...]
    """Cells of the training sets, ascending."""
    methods: tuple[Method, ...]


def add_jurkat(
    page: Page, setting: Setting, sizes: TopganJurkatSizes, plan: AdversarialPlan, schedule: Schedule
) -> None:
    """Add the section to a page, or a sentence where there are no data."""
    page.heading("Real cells: Jurkat, G1 against G2")
    try:
        folder = jurkat.data_folder()
        cells = jurkat.labelled(folder).only(*CLASSES)
        unlabelled = jurkat.unlabelled_g1(folder)[: sizes.unlabelled]
    except InputError as error:
        page.text(f"Skipped: {error}.")
        return
    spec = narrowed(sizes.side, sizes.width, maps=cells.images.shape[-1])
    pretraining: dict[str, object] = {"cells": "unlabelled G1", "count": len(unlabelled), "seed": setting.seed}
    images = _middle(jurkat.network_codes(cells.images), sizes.side)
    with setting.training() as show:
        adversaries = train_adversaries(
            spec,
            values(_middle(jurkat.network_codes(unlabelled), sizes.side)),
            dataclasses.replace(plan, seed=setting.seed),
            folder=setting.work / "jurkat" / "adversaries",
            identity=pretraining,
            on_progress=lambda what, done, total: show(f"unlabelled G1 cells, {what}", done, total),
        )
        outcomes: list[DrawOutcome] = []
        controls: list[DrawOutcome] = []
        for number, fold in enumerate(stratified_folds(cells.labels, FOLDS, setting.seed)[: sizes.folds]):
            trainer = TopganTrainer(
                task=_task(f"Jurkat fold {number + 1}", images, cells, fold, sizes, setting.seed + number),
                spec=spec,
                schedule=schedule,
                discriminator=adversaries.discriminator,
                pretraining=pretraining | {"plan": dataclasses.asdict(plan)},
                seed=setting.seed,
                folder=setting.work / "jurkat" / f"fold-{number}",
                on_progress=show,
            )
            outcomes += trainer.outcomes(runnable(sizes.methods), sizes.training)
            hidden = BackgroundControl.fitted(cells.images[fold.training]).images(cells.images, setting.seed)
            blind = dataclasses.replace(
                trainer,
                task=dataclasses.replace(
                    trainer.task,
                    name=f"Jurkat fold {number + 1}, background",
                    codes=_middle(jurkat.network_codes(hidden), sizes.side),
                    identity=trainer.task.identity | {"hidden": True},
                ),
                folder=setting.work / "jurkat" / f"background-{number}",
            )
            controls.append(blind.outcome(Method.TOP_GAN_AUG, max(sizes.training), 0))
    _describe(page, sizes, cells, len(unlabelled), outcomes, controls)


def _task(
    name: str, images: MapCodes, cells: jurkat.JurkatCells, fold: Fold, sizes: TopganJurkatSizes, seed: int
) -> Task:
    draw = Draw.of(cells.labels, fold.training, fold.test, max(sizes.training), np.random.default_rng(seed))
    identity: dict[str, object] = {"set": jurkat.FOLDER, "classes": CLASSES, "side": sizes.side, "seed": seed}
    return Task(name, cells.class_names, images, cells.labels, (draw,), identity)


def _middle(codes: MapCodes, side: int) -> MapCodes:
    rim = (codes.shape[1] - side) // 2
    return codes[:, rim : rim + side, rim : rim + side]


def _describe(
    page: Page,
    sizes: TopganJurkatSizes,
    cells: jurkat.JurkatCells,
    unlabelled: int,
    outcomes: list[DrawOutcome],
    controls: list[DrawOutcome],
) -> None:
    counts = " and ".join(f"{count} {name}" for name, count in zip(CLASSES, np.bincount(cells.labels), strict=True))
    tested = sum(len(each.labels) for each in controls)
    page.text(
        f"Real cells, label-free: bright and dark field of {counts} Jurkat cells (Blasi et al. 2016), another task "
        f"than the paper's. Of five stratified folds {sizes.folds} are trained and tested, {tested} test cells; each "
        f"training set is a draw from its fold's training cells, half of either class. The adversaries have seen "
        f"{unlabelled} other cells without labels, all of them G1: a network that starts from them has seen more of G1 "
        f"than the others. Images are the middle {sizes.side}x{sizes.side} of {jurkat.SIDE}x{jurkat.SIDE} pixels, "
        f"filters {sizes.width:g} of the published ones."
    )
    training = sizes.training
    by_row = {
        (method.value, size): chosen(outcomes, method, size) for method in methods_of(outcomes) for size in training
    } | {(CONTROL, max(training)): controls}
    rows: list[tuple[Value, ...]] = [
        (name, size, _pooled_accuracy(found), float(np.mean([each.auc for each in found])))
        for (name, size), found in by_row.items()
    ]
    page.table(
        "jurkat",
        f"Jurkat cells, G1 against G2, {tested} test cells of {sizes.folds} folds; area under the ROC curve as the "
        "mean over folds",
        ("method", "training cells", "accuracy", "AUC"),
        rows,
    )
    page.text(_told(outcomes, controls, training))


def _pooled(outcomes: list[DrawOutcome]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions, fold after fold."""
    predicted = [each.probabilities.argmax(axis=1) for each in outcomes]
    return np.concatenate([each.labels for each in outcomes]), np.concatenate(predicted)


def _pooled_accuracy(outcomes: list[DrawOutcome]) -> Interval:
    labels, predicted = _pooled(outcomes)
    return Interval.share(int((labels == predicted).sum()), len(labels))


def _told(outcomes: list[DrawOutcome], controls: list[DrawOutcome], training: tuple[int, ...]) -> str:
    told = []
    for size in sorted({training[0], training[-1]}):
        one, other = (chosen(outcomes, method, size) for method in (Method.TOP_GAN_AUG, Method.CNN_AUG))
        labels, predicted = _pooled(one)
        difference = Interval.difference(labels, predicted, _pooled(other)[1])
        told.append(
            f"With {size} training cells {Method.TOP_GAN_AUG.value} less {Method.CNN_AUG.value} is "
            f"{told_difference(difference)}."
        )
    control = _pooled_accuracy(controls)
    above = control.is_above(0.5)
    told.append(
        f"The background alone gives {control.value:.3f}, "
        + ("above chance: that much may be owed to how the images were taken." if above else "chance being 0.5.")
    )
    return " ".join(told)
