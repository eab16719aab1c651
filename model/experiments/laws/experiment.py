"""The three laws of phase retrieval side by side: error from the true phase where it is easy and where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.design.folder import load_design
from cytogate.model.experiments.laws.errors import WAYS, errors_of
from cytogate.model.experiments.laws.results import Compared, add_size, introduction
from cytogate.model.experiments.laws.scenes import SCENES, Field, Scene
from cytogate.model.experiments.setting import Experiment, Setting
from cytogate.model.pages.page import Page
from cytogate.model.simulation.simulator import SimulatedCells


@dataclass(frozen=True)
class LawsSizes:
    """How large the experiment is."""

    designs: tuple[str, ...]
    """Built-in designs, of one instrument and windows of several sizes."""
    cells: int
    """Behind those in which a causal chip settles."""
    scenes: tuple[Scene, ...] = SCENES


SMALL = LawsSizes(("qatom64",), cells=40)
FULL = LawsSizes(("qatom64", "qatom128", "qatom256"), cells=200)


def run(setting: Setting) -> Page:
    """Run the experiment at the size of its scale."""
    return run_sized(setting, setting.chosen(SMALL, FULL))


def run_sized(setting: Setting, sizes: LawsSizes) -> Page:
    """Run the experiment."""
    page = Page(EXPERIMENT.title, simulated=True)
    designs = [load_design(name) for name in sizes.designs]
    count = SETTLING_FRAMES + sizes.cells
    cells = SimulatedCells(designs[0].four_angle, cells=count, seed=11 + setting.seed)
    compared: dict[str, list[Compared]] = {design.name: [] for design in designs}
    for scene in sizes.scenes:
        field = Field(cells, scene)
        frames = np.stack([field.frames(index) for index in setting.tracked(range(count), f"{scene.name}: frames")])
        for design in designs:
            truth = [field.truth(index, design) for index in range(count)]
            ways = setting.tracked(WAYS, f"{scene.name}, N = {design.size}: laws")
            errors = tuple(errors_of(way, design, field, frames, truth) for way in ways)
            compared[design.name].append(Compared(scene, errors, truth[SETTLING_FRAMES]))
    introduction(page, sizes.scenes, sizes.cells)
    for design in designs:
        add_size(page, design, compared[design.name])
    return page


EXPERIMENT = Experiment(
    "laws",
    "Three laws of phase retrieval: how far each is from the truth",
    "ours; the law of the transforms is that of Meng 2017 (paper 001)",
    run,
)
