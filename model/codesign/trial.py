"""A trial: a design's quantized network, trained as a student for a while, and how many validation cells it gets right.

The teachers are float networks of the design that the search starts from. Each says what it thinks of the training
cells that it has not seen (:mod:`cytogate.model.training.teachers`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.codesign.cells import SearchCells
from cytogate.model.command.files import whole_file
from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.design.topologies import Topology
from cytogate.model.training.designs import (
    DesignPlan,
    plan_of,
    probabilities_of,
    symmetries_of,
    train_float,
    train_student,
)
from cytogate.model.training.fitting import Fitted, OnProgress
from cytogate.model.training.teachers import cross_fitted, mixed_targets

FOLDS = 3
"""Teachers, each of which sees all training cells but those of its fold."""
LABEL_SHARE = 0.3
"""Of a student's target, the true label's; the rest is what the teachers say."""
SHORTER = 4
"""A trial takes a part of the epochs of ``cytogate train``: enough to tell which design is better."""


@dataclass(frozen=True, eq=False)
class Taught:
    """What the teachers say."""

    targets: NDArray[np.float64]
    """(training cells, classes) probabilities, with the label's part."""
    right: int
    """Validation cells that the mean of all teachers gets right."""


@dataclass(frozen=True)
class Training:
    """What trials share."""

    cells: SearchCells
    folder: Path
    """Of teachers and trials, finished or not."""
    seed: int
    epochs: int | None
    """Of a trial; None: a part of what ``cytogate train`` takes."""

    @property
    def design(self) -> Design:
        """What the search starts from."""
        return self.cells.design

    def plan(self, design: Design, shorter: int) -> DesignPlan:
        """Return the plan of a network, by a part of the usual epochs unless they were given."""
        count = len(self.cells.split.training)
        plan = plan_of(design, count, seed=self.seed, epochs=self.epochs)
        if self.epochs is not None:
            return plan
        return dataclasses.replace(plan, epochs=math.ceil(plan.epochs / shorter))

    def taught(self, on_progress: OnProgress) -> Taught:
        """Return what the teachers say, after training them unless that was done."""
        path = self.folder / "teachers.npz"
        if not path.exists():
            taught = self._teach(on_progress)
            with whole_file(path) as partial:
                np.savez(partial, targets=taught.targets, right=taught.right)
        with np.load(path, allow_pickle=False) as held:
            return Taught(held["targets"], int(held["right"]))

    def _teach(self, on_progress: OnProgress) -> Taught:
        design, cells, split = self.design, self.cells.file(), self.cells.split
        labels = cells.labels[split.training]
        of_validation: list[NDArray[np.float64]] = []

        def judge(number: int, fold: Fold) -> NDArray[np.float64]:
            part = Split(split.training[fold.training], split.validation, split.test)
            folder, plan = self.folder / f"teacher-{number + 1}", self.plan(design, 1)
            teacher = train_float(
                design, cells, part, folder, plan,
                lambda what, done, total: on_progress(f"teacher {number + 1} of {FOLDS}, {what}", done, total),
            ).model  # fmt: skip

            def said(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
                views = range(symmetries_of(design))
                return np.mean([probabilities_of(teacher, cells, chosen, design, view) for view in views], axis=0)

            of_validation.append(said(split.validation))
            return said(split.training[fold.test])

        said = cross_fitted(stratified_folds(labels, FOLDS, self.seed), judge)
        agreed = np.mean(of_validation, axis=0).argmax(axis=1)
        right = int(np.count_nonzero(agreed == cells.labels[split.validation]))
        return Taught(mixed_targets(said, labels, LABEL_SHARE), right)

    def of(self, topology: Topology) -> Design:
        """Return the design with another topology, of which no network is trained yet."""
        network = dataclasses.replace(self.design.network, topology=topology)
        return dataclasses.replace(self.design, network=network, folder=None)

    def student(self, topology: Topology, on_progress: OnProgress = lambda what, done, total: None) -> Fitted:
        """Train a student, or go on with it, or return it if it was trained: always the same one.

        Raises
        ------
        CheckFailed
            If its loss is no longer a number.
        """
        design = self.of(topology)
        name = hashlib.sha256(repr(topology).encode()).hexdigest()[:12]
        targets = self.taught(on_progress).targets
        plan = self.plan(design, SHORTER)
        folder = self.folder / "trials" / name
        return train_student(design, self.cells.file(), self.cells.split, targets, folder, plan, on_progress)

    def right(self, trained: Fitted, topology: Topology) -> int:
        """Return how many validation cells a student gets right."""
        cells, chosen = self.cells.file(), self.cells.split.validation
        found = probabilities_of(trained.model, cells, chosen, self.of(topology)).argmax(axis=1)
        return int(np.count_nonzero(found == cells.labels[chosen]))
