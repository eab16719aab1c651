"""Meng 2017 (paper 000): which of four bright-field frames and a phase map a network needs.

The paper's channel augmentation puts images of one cell behind each other as channels. Its Table 1 compares seven
inputs, Tables 2 and 3 give precision and recall of each class against the rest, Figures 3 and 4 the training with and
without batch normalization. Cells are simulated; their phase is retrieved by the integer model, as the device does.

Images are not mirrored in training, as they are not in the paper: a mirror makes two of the four angles trade places,
so that a single frame has two forms where all four together have eight, and the comparison would be one of these.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.examples import Inputs
from cytogate.model.data.splits import SHARES, Split
from cytogate.model.design.design import CLASS_NAMES, Design, Window
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.evaluation.analysis import probabilities
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.networks import meng2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2017 import VARIANTS, Compared
from cytogate.model.pages.page import Page, told_difference
from cytogate.model.pages.plots import confusion_plot, gallery_plot, lines_plot
from cytogate.model.pages.quantized_table import quantized_beside_float
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_network_inputs
from cytogate.model.training.fitting import Fitted, Plan, TrainingPhase
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Select

PAPER_ORDER = ("THP1", "OAC", "MCF7", "PBMC", "OST")
"""Classes as Tables 2 and 3 have them."""
ALL = "channel 1-4 & phase"
MOMENTUM = 0.9
QUANTIZED_RATE, FINE_TUNE_RATE = 1e-3, 2e-4
"""Of Adam, in which the quantized network goes on from the float network's weights: ours."""
CODES_ON_PAGE = 16
SAMPLES = 256
"""Training cells on which the quantized network's words are scaled."""


@dataclass(frozen=True)
class Meng2017Sizes:
    """How large the experiment is."""

    design: Design
    """Gives the size of images; its network has the defaults of :class:`~cytogate.model.design.topologies.Meng2017`."""
    cells: int
    control_cells: int
    difficulty: float
    """Factor of the spread between cells of a class, see :func:`cytogate.model.simulation.cells.draw_cell`."""
    iterations: int
    change_at: int
    """Iteration at which the learning rate falls."""
    rates: tuple[float, float]
    quantized_iterations: int
    """Of the quantized network ahead of the snap of its batch normalization; a quarter as many behind it."""
    batch: int = 50


FULL = Meng2017Sizes(
    design=Design("qatom256", window=Window(256, 256, 1)),
    cells=2500,
    control_cells=2500,
    difficulty=1.0,
    iterations=12_000,
    change_at=500,
    rates=(0.01, 0.0001),
    quantized_iterations=2000,
)
"""The paper's, but for the 305x305 pixels of its images, no size for hardware: the central 256x256 of them."""

SMALL = Meng2017Sizes(
    design=Design(
        "qatom64-coarse",
        window=Window(64, 64, 2),
        instrument=FourAngle(
            rows=152,
            columns=152,
            pixel_pitch_x_um=45 / 152,
            pixel_pitch_y_um=45 / 152,
            electrons_per_pixel=16_000,
        ),
    ),
    cells=1600,
    control_cells=500,
    difficulty=0.3,
    iterations=600,
    change_at=300,
    rates=(0.01, 0.001),
    quantized_iterations=100,
)
"""Half as many pixels a side as the paper's field of view has, with the same light, binned to 64x64."""


def run(setting: Setting) -> Page:
    """Run the experiment at the size of its scale."""
    return run_sized(setting, setting.chosen(SMALL, FULL))


def run_sized(setting: Setting, sizes: Meng2017Sizes) -> Page:
    """Run the experiment."""
    page = Page(EXPERIMENT.title, simulated=True)
    data = _data(setting, sizes, sizes.cells, background_only=False)
    trained = {name: _trained(setting, sizes, data, name, Compared(variant=name)) for name in VARIANTS}
    compared = {name: _judged(data, each.model, VARIANTS[name]) for name, each in trained.items()}
    _introduction(page, setting, sizes, data)
    _comparison(page, data, compared)
    _batch_normalization(page, setting, sizes, data)
    _quantized(page, setting, sizes, data, trained[ALL].model, compared[ALL])
    _control(page, setting, sizes, compared[ALL])
    page.fact("sizes", sizes)
    page.fact("split", data.split)
    page.fact("curves", {name: each.curve for name, each in trained.items()})
    return page


@dataclass(frozen=True, eq=False)
class Data:
    """Labelled network inputs in memory, and their split."""

    codes: NDArray[np.integer]
    """(cells, N, N, 5), the four frames and the phase."""
    labels: NDArray[np.int64]
    split: Split
    identity: dict[str, object]
    """What decides the cells, as JSON can say it."""

    def examples(self, chosen: NDArray[np.int64], channels: tuple[int, ...]) -> ChannelExamples:
        """Return some cells as a network sees them."""
        return ChannelExamples(self.codes, self.labels, chosen, channels)


@dataclass(frozen=True, eq=False)
class ChannelExamples:
    """Some cells and some of their channels; held as codes, of which a batch at a time becomes code / 256."""

    codes: NDArray[np.integer]
    labels: NDArray[np.int64]
    chosen: NDArray[np.int64]
    channels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give batches, the last of which may be smaller."""
        order = self.chosen if rng is None else rng.permutation(self.chosen)
        for start in range(0, len(order), size):
            part = order[start : start + size]
            yield (self.codes[part][..., self.channels] * np.float32(PIXEL.step),), self.labels[part]

    def inputs(self, size: int = 64) -> Iterator[Inputs]:
        """Give inputs alone, in order."""
        return (inputs for inputs, _ in self.batches(size, None))


@dataclass(frozen=True, eq=False)
class _Judged:
    """What a network makes of cells that it has not been trained on."""

    labels: NDArray[np.int64]
    """Of the test cells."""
    test: NDArray[np.float64]
    """Probabilities (cells, classes)."""
    validation: Interval
    """Accuracy on the cells that selected its weights."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        return self.test.argmax(axis=1)

    @property
    def metrics(self) -> Metrics:
        return Metrics.of(self.labels, self.predicted, CLASS_NAMES, self.test)


def _data(setting: Setting, sizes: Meng2017Sizes, cells: int, *, background_only: bool) -> Data:
    """Return simulated cells, or their backgrounds, from a file that is written where there is none."""
    simulated = SimulatedCells(sizes.design.four_angle, CLASS_NAMES, cells, setting.seed, sizes.difficulty)
    path = setting.work / ("background.h5" if background_only else "cells.h5")
    if not path.exists():
        with setting.own_bars():
            write_network_inputs(simulated, sizes.design, path, background_only=background_only)
    file = CellFile.of(path, sizes.design)
    asked = {"seed": setting.seed, "difficulty": sizes.difficulty, "background_only": background_only}
    if len(file.labels) != cells or any(file.attributes.get(key) != value for key, value in asked.items()):
        raise InputError(f"{path}: holds other cells than asked for; remove {setting.work} to start anew")
    codes = file.read(np.arange(cells))
    return Data(codes, file.labels, Split.of(file.labels, setting.seed), {"cells": cells, **file.attributes})


def _trained(setting: Setting, sizes: Meng2017Sizes, data: Data, name: str, spec: Compared) -> Fitted:
    """Train a float network as the paper does; the loss on the validation cells selects its weights."""
    return _fitted(setting, sizes, data, name, spec, data.split.validation)


def _fitted(
    setting: Setting, sizes: Meng2017Sizes, data: Data, name: str, spec: Compared, judged_on: NDArray[np.int64]
) -> Fitted:
    spec = dataclasses.replace(spec, size=sizes.design.size)
    training = data.examples(data.split.training, spec.channels)
    epochs = math.ceil(sizes.iterations / math.ceil(len(training) / sizes.batch))
    phase = TrainingPhase("train", epochs, lambda steps: _optimizer(sizes))
    wanted = NetworkFit(
        name=name,
        build=functools.partial(meng2017.float_network, spec),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        training=training,
        validation=data.examples(judged_on, spec.channels),
        plan=Plan((phase,), sizes.batch, setting.seed, select=Select.LOSS),
        folder=setting.work / name.replace(" & ", "-and-").replace(" ", "-"),
        identity={"network": dataclasses.asdict(spec), **data.identity},
    )
    with setting.training() as show:
        return fit_float(wanted, show)


def _optimizer(sizes: Meng2017Sizes) -> keras.Optimizer:
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([sizes.change_at], list(sizes.rates))
    return keras.optimizers.SGD(rate, momentum=MOMENTUM)


def _judged(data: Data, model: keras.Model, channels: tuple[int, ...]) -> _Judged:
    selected, truth = data.split.validation, data.labels[data.split.validation]
    said = probabilities(model, data.examples(selected, channels).inputs()).argmax(axis=1)
    return _Judged(
        data.labels[data.split.test],
        probabilities(model, data.examples(data.split.test, channels).inputs()),
        Interval.share(int((said == truth).sum()), len(truth)),
    )


def _introduction(page: Page, setting: Setting, sizes: Meng2017Sizes, data: Data) -> None:
    split, size = data.split, sizes.design.size
    page.text(
        "Each cell has four bright-field frames, seen from four angles, and the phase retrieved from them. Which of "
        "the five does a network need? The paper calls their combination channel augmentation; on 2,500 real cells it "
        "reports 0.90 for the phase alone, 0.92 to 0.96 for single frames and 0.97 for all five, which is another task "
        "on other cells than the one here."
    )
    page.text(
        f"Here: {sizes.cells} simulated cells of five classes in equal numbers at difficulty {sizes.difficulty:g} "
        f"(spread within a class, 1 being the simulator's default), images of {size}x{size} pixels, split by class "
        f"{SHARES[0]:.0%} / {SHARES[1]:.0%} / {SHARES[2]:.0%}: {len(split.training)} to train, "
        f"{len(split.validation)} to select weights by their loss, {len(split.test)} to report on once. Stochastic "
        f"gradient descent, momentum {MOMENTUM}, batches of {sizes.batch}, {sizes.iterations} iterations, learning "
        f"rate {sizes.rates[0]:g}, from iteration {sizes.change_at} on {sizes.rates[1]:g}. Kernels and widths are "
        "ours: the paper gives them in a figure that its text does not have."
    )
    if setting.scale is Scale.SMALL:
        page.text(
            f"Small scale: images {FULL.design.size / size:g} times smaller a side than at full scale, "
            f"{FULL.cells / sizes.cells:.1f} times fewer cells, {FULL.iterations / sizes.iterations:.0f} times fewer "
            f"iterations; and since the paper's second learning rate would leave such a short training unfinished, "
            f"it is {sizes.rates[1] / FULL.rates[1]:.0f} times higher and comes after "
            f"{sizes.change_at / sizes.iterations:.0%} of the iterations."
        )
    first = {name: int(np.flatnonzero(data.labels == CLASS_NAMES.index(name))[0]) for name in PAPER_ORDER}
    for what, channels in (("frames", range(4)), ("phase", range(4, 5))):
        rows = {
            name: [data.codes[cell, ..., channel].astype(np.float32) for channel in channels]
            for name, cell in first.items()
        }
        if what == "phase":
            rows = {"THP1, OAC, MCF7, PBMC, OST": [row[0] for row in rows.values()]}
        page.plot(f"cells_{what}", f"One cell a class: {what} (Figure 1)", gallery_plot(rows, label="code"))


def _comparison(page: Page, data: Data, compared: dict[str, _Judged]) -> None:
    page.heading("Channels (Tables 1 to 3)")
    best = compared[ALL].predicted
    truth = data.labels[data.split.test]
    differences = {
        name: Interval.difference(truth, best, each.predicted) for name, each in compared.items() if name != ALL
    }
    metrics = {name: each.metrics for name, each in compared.items()}
    page.table(
        "accuracy",
        f"Accuracy by input on {len(data.split.validation)} validation and {len(truth)} test cells (Table 1); the last "
        "column is what all five channels add, cell by cell",
        ("input", "validation", "test", f"{ALL}, less this"),
        [(name, each.validation, metrics[name].accuracy, differences.get(name)) for name, each in compared.items()],
    )
    for number, what in ((2, "precision"), (3, "recall")):
        page.table(
            what,
            f"{what.capitalize()} of each class against the rest, test cells (Table {number})",
            ("input", *PAPER_ORDER),
            [
                (name, *(getattr(figures.classes[CLASS_NAMES.index(each)], what) for each in PAPER_ORDER))
                for name, figures in metrics.items()
            ],
        )
    ranked = sorted(compared, key=lambda name: metrics[name].accuracy.value or 0.0)
    better = [name for name, each in differences.items() if each.is_above(0)]
    worse = [name for name, each in differences.items() if each.is_below(0)]
    spreads = data.codes[data.split.training].std(axis=(1, 2)).mean(axis=0)
    page.text(
        f"Highest test accuracy: {ranked[-1]}; lowest: {ranked[0]}. By more than chance explains, all five channels "
        f"together are better than {_listed(better)} and worse than {_listed(worse)}; their accuracy less that of "
        f"channels 1-4 without the phase is {told_difference(differences['channel 1-4'])}. Within an image, codes of "
        f"the frames have a standard deviation of {spreads[:4].mean():.0f}, those of the phase of {spreads[4]:.0f}, of "
        "which the network's initial weights know nothing. The validation cells have selected the weights, so that "
        "their accuracy is a little too good; and intervals say nothing of how another training would turn out."
    )
    page.plot(
        "confusion",
        f"Test cells by true and predicted class, {ALL}",
        confusion_plot(metrics[ALL].confusion, CLASS_NAMES),
    )


def _batch_normalization(page: Page, setting: Setting, sizes: Meng2017Sizes, data: Data) -> None:
    """Train both forms once more with the training cells judged behind every epoch: nothing is selected by it."""
    page.heading("Batch normalization (Figures 3 and 4)")
    curves = {}
    for name, normalized in (("with", True), ("without", False)):
        spec = Compared(normalized=normalized)
        curves[name] = _fitted(setting, sizes, data, f"curve {name}", spec, data.split.training).curve
    steps = math.ceil(len(data.split.training) / sizes.batch)
    losses = {name: [epoch.loss or 0.0 for epoch in curve] for name, curve in curves.items()}
    accuracies = {name: [epoch.validation_accuracy or 0.0 for epoch in curve] for name, curve in curves.items()}
    for number, what, found in ((3, "loss", losses), (4, "accuracy", accuracies)):
        page.plot(
            f"training_{what}",
            f"Training {what} with and without batch normalization, {ALL} (Figure {number})",
            lines_plot(
                {
                    f"{name} batch normalization": (steps * np.arange(1, len(curve) + 1), curve)
                    for name, curve in found.items()
                },
                "iteration",
                f"{what}, training cells",
            ),
        )
    ends = {name: f"loss {losses[name][-1]:.3f} and accuracy {accuracies[name][-1]:.3f}" for name in curves}
    page.text(
        f"On the training cells the training ends at {ends['with']} with it, and at {ends['without']} without. The "
        "loss is that of the steps of an epoch. The accuracy is judged behind the epoch by the network as it would be "
        "used: with moving averages of what batch normalization has seen, which lag behind the weights as long as "
        "these move fast."
    )


def _quantized(
    page: Page, setting: Setting, sizes: Meng2017Sizes, data: Data, trained: keras.Model, of_float: _Judged
) -> None:
    page.heading("Quantized network")
    spec = Compared(size=sizes.design.size)
    training = data.examples(data.split.training, spec.channels)
    ((samples,), _), *_ = training.batches(SAMPLES, None)
    steps = math.ceil(len(training) / sizes.batch)
    epochs, fine_tune_epochs = (math.ceil(sizes.quantized_iterations / part / steps) for part in (1, 4))
    plan = TrainingPlan(setting.seed, epochs, fine_tune_epochs, sizes.batch, QUANTIZED_RATE, FINE_TUNE_RATE)
    wanted = NetworkFit(
        name="quantized",
        build=functools.partial(meng2017.quantized_network, spec),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        training=training,
        validation=data.examples(data.split.validation, spec.channels),
        plan=plan.in_phases(snapped=True, select=Select.LOSS),
        folder=setting.work / "quantized",
        identity={"network": dataclasses.asdict(spec), **data.identity},
    )
    with setting.training() as show:
        quantized = fit_quantized(wanted, show, start=FloatStart(trained, samples)).model
    page.text(
        f"The quantized network of {ALL} starts from the float network's weights; it is trained {epochs} epochs with "
        f"quantizers, its batch normalization is snapped, and it is trained {fine_tune_epochs} more with Adam."
    )
    test = data.split.test
    quantized_beside_float(
        page,
        data.labels[test],
        CLASS_NAMES,
        {"float": trained, "quantized network": quantized},
        {"float": of_float.test, "quantized network": _judged(data, quantized, spec.channels).test},
    )
    page.quantized_network(quantized, (data.codes[test[:CODES_ON_PAGE]],), CLASS_NAMES)


def _control(page: Page, setting: Setting, sizes: Meng2017Sizes, of_cells: _Judged) -> None:
    page.heading("Background check")
    data = _data(setting, sizes, sizes.control_cells, background_only=True)
    spec = Compared()
    control = _trained(setting, sizes, data, "control", spec)
    found = _judged(data, control.model, spec.channels).metrics
    chance = 1 / len(CLASS_NAMES)
    page.table(
        "control",
        f"The same network trained and tested on cells' background, {ALL}; chance is {chance:.3f}",
        ("images", "cells", "test cells", "accuracy"),
        [
            ("cells", sizes.cells, len(of_cells.labels), of_cells.metrics.accuracy),
            ("background", sizes.control_cells, found.cells, found.accuracy),
        ],
    )
    page.text(
        "The background does not tell the classes apart."
        if not found.accuracy.is_above(chance)
        else "The background tells the classes apart better than chance: accuracies here are not of the cells alone."
    )


def _listed(names: list[str]) -> str:
    if len(names) < 2:
        return names[0] if names else "no other"
    return f"{', '.join(names[:-1])} and {names[-1]}"


EXPERIMENT = Experiment(
    "meng2017",
    "Meng 2017: four bright-field frames, phase, or both",
    "N. Meng, H. So, E. Lam, MVA 2017, Tables 1 to 3 and Figures 3 and 4",
    run,
)
