"""The ladder of a task: what is reached with ever less of what a cell was drawn with, down to the device's network.

All rungs are fitted to the same training cells and reported on the same test cells. Where a rung may choose among
classifiers, the validation cells choose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.splits import Split
from cytogate.model.evaluation.classical import features_of, fitted
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.experiments.grades.drawn import BULK, OUTLINE
from cytogate.model.experiments.grades.tasks import READ_AT_A_TIME, Task
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.designs import FLOAT as FLOAT_FORM
from cytogate.model.training.designs import QUANTIZED as QUANTIZED_FORM
from cytogate.model.training.designs import DesignPlan, probabilities_of, train_both, train_float
from cytogate.model.training.fitting import OnProgress

Labels = NDArray[np.int64]
Columns = NDArray[np.float64]

DRAWN_BULK, DRAWN_OUTLINE, DRAWN = "drawn: size and index", "drawn: these and the outline", "all drawn parameters"
TRUE_PHASE = "features on the true phase"
QUANTIZED, FLOAT = "quantized network", "float network"
BACKGROUND = "background check"


def on_retrieved(classifier: str) -> str:
    """Return the name of the rung of a classifier on features of the retrieved phase."""
    return f"features on the retrieved phase, {classifier}"


@dataclass(frozen=True, eq=False)
class Ladder:
    """The rungs of a task, on its test cells."""

    task: Task
    metrics: dict[str, Metrics]
    """By rung, the highest first; the background check last."""
    chosen: dict[str, str]
    """Classifier that the validation cells chose, of the rungs where they do."""
    baseline: str
    """The rung of the retrieved phase's features that is best on the test cells: the network's hardest comparison."""
    less_baseline: Interval
    """Accuracy of the quantized network less that of ``baseline``, cell by cell."""
    less_float: Interval
    less_true_phase: Interval
    by_run: dict[int, Interval]
    """Accuracy of the quantized network by the run of its test cells; empty where cells do not come from runs."""
    seen: Interval
    """Accuracy of the quantized network on new cells of runs that were trained on; None where there are none."""
    network: keras.Model
    """The quantized one."""

    @property
    def chance(self) -> float:
        """Share of the largest class of the backgrounds that were tested."""
        backgrounds = self.task.backgrounds.labels[self.task.backgrounds_split.test]
        return float(np.bincount(backgrounds).max() / len(backgrounds))

    @property
    def background_tells(self) -> bool:
        """Whether classes can be told apart by backgrounds without cells."""
        return self.metrics[BACKGROUND].accuracy.is_above(self.chance)


def climbed(task: Task, plan: DesignPlan, folder: Path, on_progress: OnProgress) -> Ladder:
    """Fit everything to the training cells of a task and report on its test cells; trainings go on in ``folder``."""
    split, labels, names = task.split, task.labels, task.class_names
    truth, seed = labels[split.test], plan.seed
    runs = _runs(task, split.test)
    networks = _networks(task, plan, folder, on_progress)
    predicted: dict[str, Labels] = {}
    chosen: dict[str, str] = {}
    parameters = _Parts(*(task.drawn(part) for part in (split.training, split.validation, split.test)))
    bulk, outline = len(BULK), len(BULK + OUTLINE)
    true_phase = _Parts.of(split, lambda part: _features_of_true_phase(task, part))
    for rung, parts in (
        (DRAWN, parameters),
        (DRAWN_OUTLINE, parameters.first(outline)),
        (DRAWN_BULK, parameters.first(bulk)),
        (TRUE_PHASE, true_phase),
    ):
        predicted[rung], chosen[rung] = _best(parts, task, seed)
    retrieved = _Parts.of(split, lambda part: _features(task, task.inputs, part))
    classifiers = fitted(retrieved.training, labels[split.training], seed, _runs(task, split.training))
    for name, classifier in classifiers.items():
        predicted[on_retrieved(name)] = classifier.predict(retrieved.test)
    predicted |= {FLOAT: networks.float_test.argmax(axis=1), QUANTIZED: networks.quantized_test.argmax(axis=1)}
    probabilities = {FLOAT: networks.float_test, QUANTIZED: networks.quantized_test}
    metrics = {
        rung: Metrics.of(truth, each, names, probabilities.get(rung), groups=runs) for rung, each in predicted.items()
    }
    baseline = max((on_retrieved(name) for name in classifiers), key=lambda rung: metrics[rung].accuracy.known)
    metrics[BACKGROUND] = _of_backgrounds(task, networks.background_test, seed)
    right = predicted[QUANTIZED] == truth

    def quantized_less(rung: str) -> Interval:
        return Interval.difference(truth, predicted[QUANTIZED], predicted[rung], runs)

    return Ladder(
        task,
        metrics,
        chosen,
        baseline,
        less_baseline=quantized_less(baseline),
        less_float=quantized_less(FLOAT),
        less_true_phase=quantized_less(TRUE_PHASE),
        by_run={} if runs is None else _by_run(right, runs),
        seen=_share(networks.quantized_seen.argmax(axis=1) == labels[task.seen]),
        network=networks.quantized,
    )


@dataclass(frozen=True, eq=False)
class _Networks:
    """Probabilities (cells, classes) of a task's networks."""

    quantized: keras.Model
    quantized_test: NDArray[np.float64]
    quantized_seen: NDArray[np.float64]
    float_test: NDArray[np.float64]
    background_test: NDArray[np.float64]
    """Of the float network that learned on backgrounds, on the backgrounds that are tested."""


def _networks(task: Task, plan: DesignPlan, folder: Path, on_progress: OnProgress) -> _Networks:
    """Train the networks of a task: the one place where networks are trained and asked."""
    design, test = task.design, task.split.test

    def shown(what: str, done: int, total: int) -> None:
        on_progress(f"{task.grade.name}, {what}", done, total)

    trained = train_both(design, task.inputs, task.split, folder, plan, shown)
    quantized, floating = (trained[form].model for form in (QUANTIZED_FORM, FLOAT_FORM))
    on_background = train_float(
        design, task.backgrounds, task.backgrounds_split, folder / "background", plan, shown
    ).model
    nothing = np.zeros((0, len(task.class_names)))
    return _Networks(
        quantized=quantized,
        quantized_test=probabilities_of(quantized, task.inputs, test, design),
        quantized_seen=probabilities_of(quantized, task.inputs, task.seen, design) if len(task.seen) else nothing,
        float_test=probabilities_of(floating, task.inputs, test, design),
        background_test=probabilities_of(on_background, task.backgrounds, task.backgrounds_split.test, design),
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """Columns (cells, features) of the cells of a split."""

    training: Columns
    validation: Columns
    test: Columns

    @staticmethod
    def of(split: Split, compute: Callable[[NDArray[np.int64]], Columns]) -> _Parts:
        return _Parts(compute(split.training), compute(split.validation), compute(split.test))

    def first(self, columns: int) -> _Parts:
        return _Parts(self.training[:, :columns], self.validation[:, :columns], self.test[:, :columns])


def _runs(task: Task, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the runs of some cells or backgrounds; None where these do not come from runs."""
    return task.runs_of(chosen) if task.grade.in_runs else None


def _best(parts: _Parts, task: Task, seed: int) -> tuple[Labels, str]:
    """Return what the classifier that is best on the validation cells says of the test cells, and its name."""
    labels, split = task.labels, task.split
    classifiers = fitted(parts.training, labels[split.training], seed, _runs(task, split.training))
    right = {
        name: int(np.count_nonzero(classifier.predict(parts.validation) == labels[split.validation]))
        for name, classifier in classifiers.items()
    }
    best = max(right, key=lambda name: right[name])
    return classifiers[best].predict(parts.test), best


def _of_backgrounds(task: Task, by_network: NDArray[np.float64], seed: int) -> Metrics:
    """Return the best of network and classifiers that learned and were tested on backgrounds without cells."""
    split, labels = task.backgrounds_split, task.backgrounds.labels
    truth, features = labels[split.test], _features(task, task.backgrounds, split.test)
    learned = _features(task, task.backgrounds, split.training)
    classifiers = fitted(learned, labels[split.training], seed, _runs(task, split.training))
    said = [by_network.argmax(axis=1), *(classifier.predict(features) for classifier in classifiers.values())]
    best = max(said, key=lambda each: int(np.count_nonzero(each == truth)))
    return Metrics.of(truth, best, task.class_names, groups=_runs(task, split.test))


def _features(task: Task, cells: CellFile, chosen: NDArray[np.int64]) -> Columns:
    compute = features_of(task.design)
    return np.concatenate([compute(inputs) for inputs, _ in cells.batches(chosen, READ_AT_A_TIME)])


def _features_of_true_phase(task: Task, chosen: NDArray[np.int64]) -> Columns:
    compute = features_of(task.design)
    return np.concatenate([compute(inputs) for inputs in task.with_true_phase(chosen)])


def _by_run(right: NDArray[np.bool_], runs: NDArray[np.int64]) -> dict[int, Interval]:
    return {int(run): _share(right[runs == run]) for run in np.unique(runs)}


def _share(right: NDArray[np.bool_]) -> Interval:
    return Interval.share(int(np.count_nonzero(right)), len(right))
