"""Paper 003: few labelled cells, classified by what a network has learned from many unlabelled ones of another type.

M. Rubin et al., "TOP-GAN: stain-free cancer cell classification using deep learning with a small training set": Tables
1 and 2, Figures 3 to 5, on simulated path-delay maps, and the quantized network, which the paper has not. The same
networks on real Jurkat cells, where there are data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.experiments.topgan.adversarial import AdversarialPlan, Adversaries, train_adversaries
from cytogate.model.experiments.topgan.maps import EASY, HARD, SIZE, SPERM, SimulatedMaps, coded, path_delays
from cytogate.model.experiments.topgan.methods import (
    Draw,
    MapCodes,
    Method,
    Schedule,
    Task,
    TopganTrainer,
    narrowed,
    runnable,
    values,
)
from cytogate.model.experiments.topgan.on_jurkat import TopganJurkatSizes, add_jurkat
from cytogate.model.experiments.topgan.results import add_comparison
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import gallery_plot
from cytogate.model.pages.quantized_table import quantized_beside_float
from cytogate.model.simulation.seeded import derived_seed

EASY_NAME, HARD_NAME = " against ".join(EASY), " against ".join(HARD)
SHOWN = 6
"""Cells a row of a gallery."""
UNSEEN_CELLS = 16
"""Cells that go along with the quantized network."""


@dataclass(frozen=True)
class TopganSizes:
    """How large the part on simulated cells is."""

    side: int
    """Rows and columns of the networks' images: maps of 128x128, averaged."""
    width: float
    """Factor of the networks' filters."""
    unlabelled: int
    """Sperm cells."""
    pool: int
    """Cells of a task that training sets are drawn from."""
    test: int
    """Other cells of the task, which all draws are reported on."""
    draws: int
    training: tuple[int, ...]
    """Cells of the training sets, ascending."""
    adversarial: AdversarialPlan
    schedule: Schedule = field(default_factory=Schedule)
    methods: tuple[Method, ...] = tuple(Method)


FULL = TopganSizes(
    side=SIZE,
    width=1.0,
    unlabelled=2762,
    pool=1180,
    test=1000,
    draws=5,
    training=(10, 20, 30, 40, 60, 80, 100, 120, 160, 236),
    adversarial=AdversarialPlan(),
)
"""The paper's, with more labelled cells, so that draws share few or none and all are tested on the same cells."""
SMALL = TopganSizes(
    side=32,
    width=1 / 8,
    unlabelled=400,
    pool=400,
    test=400,
    draws=3,
    training=(10, 40, 236),
    adversarial=AdversarialPlan(epochs=45, passes=2, batch=16, learning_rate=1e-3, watched=(5, 15, 45)),
    schedule=Schedule(
        epochs=1,
        learning_rate=2e-3,
        falls=True,
        passes=1,
        least_steps=300,
        quantized_epochs=1,
        quantized_learning_rate=1e-3,
    ),
)
FULL_JURKAT = TopganJurkatSizes(
    side=32, width=1 / 2, unlabelled=4500, folds=5, training=(10, 40, 236, 800), methods=tuple(Method)
)
SMALL_JURKAT = TopganJurkatSizes(
    side=32,
    width=1 / 8,
    unlabelled=500,
    folds=2,
    training=(20, 236),
    methods=(Method.KNN, Method.CNN_AUG, Method.TOP_GAN_AUG),
)


def run(setting: Setting) -> Page:
    """Repeat the experiment at the setting's scale."""
    return page_of(setting, setting.chosen(SMALL, FULL), setting.chosen(SMALL_JURKAT, FULL_JURKAT))


def page_of(setting: Setting, sizes: TopganSizes, of_jurkat: TopganJurkatSizes) -> Page:
    """Do everything at given sizes and return the page."""
    page = Page(EXPERIMENT.title, simulated=True)
    unlabelled = _codes(setting, SimulatedMaps((SPERM,), sizes.unlabelled, derived_seed(setting.seed, 0)), sizes.side)
    tasks = [
        _task(setting, sizes, EASY_NAME, SimulatedMaps(EASY, sizes.pool + sizes.test, derived_seed(setting.seed, 1))),
        _task(setting, sizes, HARD_NAME, SimulatedMaps(HARD, sizes.pool + sizes.test, derived_seed(setting.seed, 2))),
    ]
    _introduction(page, setting, sizes, tasks, unlabelled)
    with setting.training() as show:
        pretraining: dict[str, object] = {"cells": SPERM, "count": sizes.unlabelled, "seed": setting.seed}
        adversaries = train_adversaries(
            narrowed(sizes.side, sizes.width),
            values(unlabelled),
            dataclasses.replace(sizes.adversarial, seed=setting.seed),
            folder=setting.work / "adversaries",
            identity=pretraining,
            on_progress=lambda what, done, total: show(f"sperm cells, {what}", done, total),
        )
        trainers = [_trainer(setting, sizes, task, adversaries, pretraining, show) for task in tasks]
        _pretraining(page, sizes, adversaries, unlabelled)
        for number, trainer in enumerate(trainers, start=1):
            outcomes = trainer.outcomes(runnable(sizes.methods), sizes.training)
            add_comparison(page, number, trainer.task, outcomes)
        _quantized(page, sizes, trainers[-1])
    add_jurkat(page, setting, of_jurkat, sizes.adversarial, sizes.schedule)
    page.fact("sizes", dataclasses.replace(sizes, methods=()))
    page.fact("sizes on Jurkat cells", dataclasses.replace(of_jurkat, methods=()))
    page.fact("adversarial losses", adversaries.curve)
    return page


def _codes(setting: Setting, maps: SimulatedMaps, side: int) -> MapCodes:
    """Simulate maps and return their codes (cells, side, side, 1), each pixel an average."""
    factor = SIZE // side
    averaged = (
        maps[index].reshape(side, factor, side, factor).mean(axis=(1, 3))
        for index in setting.tracked(range(len(maps)), f"simulating {', '.join(maps.class_names)}")
    )
    return np.stack([coded(each) for each in averaged])[..., None]


def _task(setting: Setting, sizes: TopganSizes, name: str, maps: SimulatedMaps) -> Task:
    labels = maps.labels
    pool, test = np.arange(sizes.pool), np.arange(sizes.pool, sizes.pool + sizes.test)
    draws = tuple(
        Draw.of(labels, pool, test, max(sizes.training), np.random.default_rng([maps.seed, number]))
        for number in range(sizes.draws)
    )
    identity: dict[str, object] = {"maps": dataclasses.asdict(maps), "pool": sizes.pool, "side": sizes.side}
    return Task(name, maps.class_names, _codes(setting, maps, sizes.side), labels, draws, identity)


def _trainer(
    setting: Setting,
    sizes: TopganSizes,
    task: Task,
    adversaries: Adversaries,
    pretraining: dict[str, object],
    show: Callable[[str, int, int], None],
) -> TopganTrainer:
    return TopganTrainer(
        task=task,
        spec=narrowed(sizes.side, sizes.width),
        schedule=sizes.schedule,
        discriminator=adversaries.discriminator,
        pretraining=pretraining | {"plan": dataclasses.asdict(sizes.adversarial)},
        seed=setting.seed,
        folder=setting.work / task.name.replace(" ", "-"),
        on_progress=show,
    )


def _introduction(
    page: Page, setting: Setting, sizes: TopganSizes, tasks: Sequence[Task], unlabelled: MapCodes
) -> None:
    schedule, adversarial = sizes.schedule, sizes.adversarial
    page.text(
        "A generator and a discriminator learn unlabelled cells of one type from each other; then the discriminator's "
        "convolutions, with new dense layers, learn two classes of other cells from few labels. The paper does so with "
        "2,762 sperm cells and reports 99 % of skin and melanoma cells right after 10 labelled cells, and 90.6 % of "
        "primary and metastatic ones after 236: other cells and other tasks than those below, whose differences are "
        "estimates."
    )
    page.text(
        f"Here: {sizes.unlabelled} simulated sperm cells; for each task {sizes.pool} labelled cells, of which "
        f"{sizes.draws} draws take up to {max(sizes.training)} each, half of either class, and {sizes.test} other "
        f"cells, on which all are reported. A smaller training set is a part of the larger one; all methods see "
        f"the same cells. Maps of {sizes.side}x{sizes.side} pixels, coded in 8 bits over one fixed range of path "
        "delay. No cell is spared for validation, as in the paper: of the epochs the one with the lowest loss on the "
        "training cells counts, and batch normalization then takes those cells' statistics. Augmentation turns and "
        "mirrors each cell at random whenever it is shown."
    )
    if setting.scale is Scale.SMALL:
        full = FULL.adversarial
        page.text(
            f"Small scale: {SIZE // sizes.side} times fewer pixels a side, {1 / sizes.width:g} times fewer filters, "
            f"{FULL.unlabelled / sizes.unlabelled:.1f} times fewer unlabelled cells, {sizes.draws} draws "
            f"instead of {FULL.draws}, {len(sizes.training)} sizes of training sets instead of {len(FULL.training)}. "
            f"Adversarial training takes {adversarial.epochs} epochs of {adversarial.passes} passes (full: "
            f"{full.epochs} of {full.passes}) at {adversarial.learning_rate:g} (full: {full.learning_rate:g}); "
            f"classifiers take at least {schedule.least_steps} steps of {schedule.batch} cells at a rate that falls "
            f"from {schedule.learning_rate:g} to 0 (full: {FULL.schedule.epochs} epochs or convergence at "
            f"{FULL.schedule.learning_rate:g}), since at the paper's rates narrow networks would not "
            "converge in the time."
        )
    rows = {
        name: [_nm(task.codes[cell]) for cell in np.flatnonzero(task.labels == label)[:SHOWN]]
        for task in tasks
        for label, name in enumerate(task.class_names)
    }
    page.plot(
        "cells",
        "Path-delay maps of simulated cells (Figure 3)",
        gallery_plot(rows, color_map="viridis", label="path delay (nm)"),
    )


def _pretraining(page: Page, sizes: TopganSizes, adversaries: Adversaries, unlabelled: MapCodes) -> None:
    page.heading("Adversarial training (Figure 5)")
    rows = {
        f"after {epoch} epochs": [path_delays(picture[..., 0]) for picture in pictures[:SHOWN]]
        for epoch, pictures in adversaries.pictures.items()
    }
    rows["simulated sperm cells"] = [_nm(codes) for codes in unlabelled[:SHOWN]]
    page.plot(
        "figure_5",
        "What the generator makes of the same latent vectors as training goes on, and the cells that it learns from",
        gallery_plot(rows, color_map="viridis", label="path delay (nm)"),
    )
    last = adversaries.curve[-1]
    page.text(
        f"At the end the discriminator's cross-entropy is {last.discriminator:.2f}, {2 * np.log(2):.2f} being that of "
        f"guessing, and the generator's {last.generator:.2f}, guessing {np.log(2):.2f}: the discriminator still tells "
        f"{'most' if last.discriminator < np.log(2) else 'some'} generated pictures from simulated cells. Neither is "
        "the closer to 0 the better; what the discriminator is worth, the comparison below says."
    )


def _quantized(page: Page, sizes: TopganSizes, trainer: TopganTrainer) -> None:
    page.heading("Quantized network")
    cells, method, number = max(sizes.training), Method.TOP_GAN_AUG, 0
    trained = trainer.classifier(method, cells, number)
    quantized = trainer.quantized(trained, method, cells, number)
    task, test = trainer.task, trainer.task.draws[number].test
    epochs = sizes.schedule.quantized_epochs
    page.text(
        f"The quantized network of {method.value}, {task.name}, {cells} training cells of the first draw, starts from "
        f"the float network's weights, its words scaled on the training cells; it takes the map once instead of three "
        f"times. It is trained with quantizers (epochs: {epochs}), then with its batch normalization snapped (epochs: "
        f"{max(1, epochs // 3)}). Probabilities are the two sigmoids, scaled to add up to 1."
    )
    quantized_beside_float(
        page,
        task.labels[test],
        task.class_names,
        {"float": trained, "quantized network": quantized},
        {
            name: trainer.probabilities(each, test)
            for name, each in (("float", trained), ("quantized network", quantized))
        },
    )
    page.quantized_network(quantized, (task.codes[test[:UNSEEN_CELLS]],), task.class_names)


def _nm(codes: NDArray[np.int8]) -> NDArray[np.floating]:
    return path_delays(values(codes)[..., 0])


EXPERIMENT = Experiment(
    name="topgan",
    title="TOP-GAN: few labelled cells and many unlabelled ones (Rubin et al.)",
    source="Rubin et al., TOP-GAN: stain-free cancer cell classification: Tables 1 and 2, Figures 3 to 5",
    run=run,
)
