"""One simulated task in five grades, each with its ladder: what caps the accuracy, and what the network makes of it.

The default task at half, once and one and a half times the spread between cells of a class; seen by better optics; and
cut into runs of the instrument, of which those that are tested on were never trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.design.design import Design, Window
from cytogate.model.design.instruments import FourAngle
from cytogate.model.experiments.grades.ladder import Ladder, climbed
from cytogate.model.experiments.grades.results import (
    add_grade,
    add_network,
    add_runs,
    add_summary,
    introduction,
)
from cytogate.model.experiments.grades.tasks import DEFAULT, GRADES, Grade, TaskSizes, task_of
from cytogate.model.experiments.setting import Experiment, Setting
from cytogate.model.pages.page import Page
from cytogate.model.training.designs import DesignPlan, plan_of


@dataclass(frozen=True)
class GradesSizes:
    """How large the experiment is."""

    tasks: TaskSizes
    epochs: int | None = None
    fine_tune_epochs: int | None = None
    """Of the quantized network; both as the recipe has them where they are not given."""
    grades: tuple[Grade, ...] = GRADES
    """The default grade among them."""

    def plan(self, seed: int) -> DesignPlan:
        """Return the plan of every network."""
        tasks = self.tasks
        return plan_of(tasks.design, tasks.cells, seed=seed, epochs=self.epochs, fine_tune_epochs=self.fine_tune_epochs)


COARSE = Design(
    "qatom64-coarse",
    window=Window(64, 64, 2),
    instrument=FourAngle(
        rows=152, columns=152, pixel_pitch_x_um=45 / 152, pixel_pitch_y_um=45 / 152, electrons_per_pixel=16_000
    ),
)
"""Half as many pixels a side as the default instrument, of four times the light."""

SMALL = GradesSizes(TaskSizes(COARSE, cells=1500, backgrounds=300, runs=12), epochs=50)
FULL = GradesSizes(TaskSizes(Design("qatom128"), cells=30_000, backgrounds=6_000, runs=24))


def run(setting: Setting) -> Page:
    """Run the experiment at the size of its scale."""
    return run_sized(setting, setting.chosen(SMALL, FULL))


def run_sized(setting: Setting, sizes: GradesSizes) -> Page:
    """Run the experiment."""
    page = Page(EXPERIMENT.title, simulated=True)
    ladders: list[Ladder] = []
    for grade in sizes.grades:
        task = task_of(grade, sizes.tasks, setting)
        folder = setting.work / grade.name.replace(" ", "-")
        with setting.training() as show:
            ladders.append(climbed(task, sizes.plan(setting.seed), folder, show))
    (default,) = (each for each in ladders if each.task.grade == DEFAULT)
    introduction(page, sizes.tasks, sizes.plan(setting.seed), ladders)
    add_summary(page, ladders)
    for ladder in ladders:
        add_grade(page, ladder)
        if ladder.by_run:
            add_runs(page, ladder)
    add_network(page, default)
    page.fact("sizes", {"cells": sizes.tasks.cells, "backgrounds": sizes.tasks.backgrounds, "runs": sizes.tasks.runs})
    page.fact("plan", sizes.plan(setting.seed))
    return page


EXPERIMENT = Experiment(
    "grades",
    "One simulated task in grades: what caps its accuracy, and what the network makes of it",
    "ours",
    run,
)
