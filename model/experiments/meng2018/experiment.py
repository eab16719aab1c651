"""Meng 2018 (paper 001): a convolutional network against older classifiers over growing volumes of ATOM frames.

Raw frames of a single view, poor ones among them (``atom.py``, simulated), are split before
anything is fitted. A simple classifier, fitted on judged training frames, discards poor frames of all three parts; the
rest is resized and brought to one mean intensity, and altered copies of training cells make the classes equally large.
Then Table II and Figure 5 (accuracy over volume), Tables III and IV, Figures 6 and 7 (training), 8 (filters), 9
(occlusion) and 10 (t-SNE).

Volumes are nested, the larger holding the smaller, and all are tested on the same cells; in the paper each has its own.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from cytogate.model.data.splits import Split
from cytogate.model.evaluation.analysis import probabilities
from cytogate.model.evaluation.baselines import svm_pixels
from cytogate.model.evaluation.metrics import Metrics
from cytogate.model.experiments.meng2018.atom import AtomFrames
from cytogate.model.experiments.meng2018.images import (
    CODE_OF_MEAN,
    field_images,
    frame_images,
    kept,
    poor_frames,
)
from cytogate.model.experiments.meng2018.inside import add_inside
from cytogate.model.experiments.meng2018.methods import (
    AT_A_TIME,
    SHARES,
    STORED,
    Meng2018Sizes,
    Said,
    SquaredErrors,
    Volume,
    all_methods,
    classic,
    first,
    fitted_network,
    identity,
    inputs_of,
    predicted,
    split_frames,
    steps_of,
    volume_of,
    within,
)
from cytogate.model.experiments.meng2018.results import add_classes, add_frames, add_volumes
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.networks import meng2018
from cytogate.model.networks.gao2017 import Gao2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2018 import Meng2018
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import lines_plot
from cytogate.model.pages.quantized_table import quantized_beside_float
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_quantized
from cytogate.model.training.record import Select

CODES_ON_PAGE = 16

SMALL = Meng2018Sizes(
    frames=3000,
    judged=500,
    volumes=(200, 500, 1000, 2400),
    iterations=(300, 600, 1000, 2000),
    control=2,
    cnn=Meng2018().scaled(32, 0.25),
    gao=dataclasses.replace(Gao2017(), size=32, pools=(2, 2, 2)),
    batch=16,
    rates=(1e-3, 1e-5),
    quantized_iterations=400,
    quantized_rate=5e-4,
    svm_cells=10_000,
    in_memory=True,
)

FULL = Meng2018Sizes(
    frames=2_150_000,
    judged=5000,
    volumes=(1100, 6400, 12_000, 64_000, 129_000, 651_000, 1_305_000),
    iterations=(3000,) * 7,
    control=2,
    cnn=Meng2018(),
    gao=Gao2017(),
    batch=1300,
    rates=(1e-4, 1e-4),
    quantized_iterations=1000,
    quantized_rate=1e-4,
    svm_cells=20_000,
    in_memory=False,
)
"""The paper's; its Figure 6 converges in 3,000 iterations, and of more than svm_cells no such machine can be fitted."""


def run(setting: Setting) -> Page:
    """Run the experiment at the size of its scale."""
    return run_sized(setting, setting.chosen(SMALL, FULL))


def run_sized(setting: Setting, sizes: Meng2018Sizes) -> Page:
    """Run the experiment."""
    page = Page(EXPERIMENT.title, simulated=True)
    frames = AtomFrames(sizes.frames, setting.seed)
    parts = split_frames(frames.labels, setting.seed)
    judged = parts.training[: sizes.judged]
    poor = poor_frames(frames, judged)
    with setting.own_bars():
        images = frame_images(frames, sizes.cnn.size, poor, setting.work / "frames.h5")
    with images:
        cells = within(parts, kept(images))
        volumes = [volume_of(setting, sizes, images, first(cells, wanted)) for wanted in sizes.volumes]
        results = [
            all_methods(setting, sizes, volume, steps) for volume, steps in zip(volumes, sizes.iterations, strict=True)
        ]
        _introduction(page, setting, sizes, parts, volumes)
        add_frames(page, frames, images, judged, sizes)
        add_volumes(page, volumes, results)
        add_classes(page, volumes[-1], results[-1])
        _training(page, setting, sizes, volumes[-1], results[-1])
        add_inside(page, setting, sizes, volumes[-1], results[-1])
        _quantized(page, setting, sizes, volumes[-1], results[-1])
        _control(page, setting, sizes, frames, volumes[sizes.control], results[sizes.control])
    page.fact("sizes", sizes)
    page.fact("split", parts)
    return page


def _introduction(page: Page, setting: Setting, sizes: Meng2018Sizes, parts: Split, volumes: list[Volume]) -> None:
    page.text(
        "One bright-field frame of a cell in flow, as an ATOM instrument gives it: which of four kinds is it, and how "
        "much does more data help? The paper has up to 1.3 million real cells and reports 0.995 for its network, 0.977 "
        "for a support vector machine and 0.808 for nearest neighbors, which is another task on other cells than the "
        "one here."
    )
    cnn = sizes.cnn
    page.text(
        f"Here: {sizes.frames} simulated frames of 21x102 to 68x440 pixels, split {SHARES[0]:.0%} / {SHARES[1]:.0%} / "
        f"{SHARES[2]:.0%} before anything is fitted ({len(parts.training)} to train, {len(parts.validation)} to select "
        f"weights and parameters, {len(parts.test)} to report on once). Those kept are resized to "
        f"{cnn.size}x{cnn.size} pixels of 8 bits, at code {CODE_OF_MEAN} their mean. Adam at {sizes.rates[0]:g} "
        f"(.9, .999), at last {sizes.rates[1]:g}, batches of {sizes.batch}, "
        f"{', '.join(map(str, sizes.iterations))} iterations by volume. Nearest neighbors are sought among {STORED} "
        f"training images at most, as in the paper; the support vector machine is fitted to {sizes.svm_cells} at most. "
        "Frames of one run of the instrument are in all three parts, as the paper's are: what is learned of a run "
        "helps on its other frames."
    )
    if setting.scale is Scale.SMALL:
        full = FULL.cnn
        page.text(
            f"Small scale: images {full.size / cnn.size:g} times smaller a side than the paper's, "
            f"{full.filters[0] / cnn.filters[0]:g} times fewer filters and units in its network, Gao's pooling 2x2 "
            "throughout as its 3x3 leaves nothing of such images, "
            f"{FULL.volumes[-1] / volumes[-1].cells:.0f} times fewer cells, batches "
            f"{FULL.batch / sizes.batch:.0f} times smaller, and a first learning rate "
            f"{sizes.rates[0] / FULL.rates[0]:.0f} times higher, since there are fewer iterations."
        )


def _training(page: Page, setting: Setting, sizes: Meng2018Sizes, volume: Volume, result: dict[str, Said]) -> None:
    page.heading("Training (Figures 6 and 7)")
    fitted = result["CNN"].fitted
    assert fitted is not None
    build = functools.partial(meng2018.float_network, sizes.cnn)
    iterations = sizes.iterations[-1]
    squared = fitted_network(
        setting, sizes, volume, "CNN, squared errors", build, iterations, SquaredErrors(sizes.cnn.classes)
    )
    at = steps_of(sizes, volume) * np.arange(1, len(fitted.curve) + 1)
    page.plot(
        "training",
        "Validation accuracy and loss of the CNN (Figure 6)",
        lines_plot(
            {
                "accuracy": (at, [epoch.validation_accuracy or 0.0 for epoch in fitted.curve]),
                "cross entropy": (at, [epoch.validation_loss for epoch in fitted.curve]),
            },
            "iteration",
            "validation cells",
        ),
    )
    curves = {"cross entropy": fitted.curve, "mean squared error": squared.curve}
    page.plot(
        "losses",
        "Validation accuracy with two loss functions (Figure 7)",
        lines_plot(
            {name: (at, [epoch.validation_accuracy or 0.0 for epoch in curve]) for name, curve in curves.items()},
            "iteration",
            "accuracy, validation cells",
        ),
    )
    ends = {name: curve[-1].validation_accuracy or 0.0 for name, curve in curves.items()}
    halves = {name: curve[len(curve) // 2].validation_accuracy or 0.0 for name, curve in curves.items()}
    page.text(
        "Accuracy on the validation cells halfway and at the end: "
        + "; ".join(f"{name} {halves[name]:.3f} and {ends[name]:.3f}" for name in curves)
        + ". Both start from the same weights; one training each says little of the next."
    )
    page.fact("curves", curves)


def _quantized(page: Page, setting: Setting, sizes: Meng2018Sizes, volume: Volume, result: dict[str, Said]) -> None:
    page.heading("Quantized network")
    fitted = result["CNN"].fitted
    assert fitted is not None
    trained = fitted.model
    (samples,), _ = next(volume.training.batches(AT_A_TIME, None))
    epochs = math.ceil(sizes.quantized_iterations / steps_of(sizes, volume))
    plan = TrainingPlan(setting.seed, epochs, 0, sizes.batch, sizes.quantized_rate)
    wanted = NetworkFit(
        name="quantized",
        build=functools.partial(meng2018.quantized_network, sizes.cnn),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        training=volume.training,
        validation=volume.validation,
        # Without batch normalization there is nothing to snap.
        plan=plan.in_phases(snapped=False, select=Select.LOSS),
        folder=setting.work / "quantized",
        identity=identity(sizes, volume),
    )
    with setting.training() as show:
        quantized = fit_quantized(wanted, show, start=FloatStart(trained, samples)).model
    page.text(
        f"The quantized network of the CNN starts from the float network's weights at the largest volume and is "
        f"trained {epochs} epochs more with quantizers, Adam from {sizes.quantized_rate:g}."
    )
    test = np.sort(volume.parts.test)
    networks = {"float": trained, "quantized network": quantized}
    quantized_beside_float(
        page,
        volume.labels(test),
        volume.class_names,
        networks,
        {name: probabilities(model, inputs_of(volume.test)) for name, model in networks.items()},
    )
    page.quantized_network(quantized, (volume.images.read(test[:CODES_ON_PAGE]),), volume.class_names)


def _control(
    page: Page, setting: Setting, sizes: Meng2018Sizes, frames: AtomFrames, volume: Volume, result: dict[str, Said]
) -> None:
    page.heading("Background check: the field without the cell")
    parts = volume.parts
    chosen = np.concatenate([parts.training, parts.validation, parts.test])
    ends = np.cumsum([len(parts.training), len(parts.validation)])
    with setting.own_bars():
        fields = field_images(frames, sizes.cnn.size, chosen, setting.work / "fields.h5")
    with fields:
        empty = volume_of(setting, sizes, fields, Split(*np.split(np.arange(len(chosen)), ends)), "fields")
        build = functools.partial(meng2018.float_network, sizes.cnn)
        fitted = fitted_network(setting, sizes, empty, "control", build, sizes.iterations[sizes.control])
        said = {
            "CNN": predicted(fitted.model, empty.test),
            "SVM": classic(setting, empty, svm_pixels(setting.seed), sizes.svm_cells).test,
        }
        truth = empty.labels(empty.parts.test)
    of_fields = {method: Metrics.of(truth, each, volume.class_names) for method, each in said.items()}
    truth = volume.labels(np.sort(parts.test))
    of_cells = {method: Metrics.of(truth, result[method].test, volume.class_names) for method in said}
    chance = 1 / len(volume.class_names)
    page.table(
        "control",
        f"Methods on {volume.cells} cells, and fitted to and tested on the same frames' empty fields: same runs, same "
        f"noise, no cell. Chance is a balanced accuracy of {chance:.3f}",
        ("images", "method", "test cells", "balanced accuracy", "accuracy"),
        [
            (images, method, each.cells, each.balanced_accuracy, each.accuracy)
            for images, found in (("cells", of_cells), ("empty fields", of_fields))
            for method, each in found.items()
        ],
    )
    lows = [each.balanced_accuracy.low or 0.0 for each in of_fields.values()]
    page.text(
        "The field alone does not tell the classes apart. A network that finds nothing calls all cells by one name."
        if max(lows) <= chance
        else "The field alone tells the classes apart better than chance: accuracies here are not of the cells alone."
    )


EXPERIMENT = Experiment(
    "meng2018",
    "Meng 2018: four kinds of cells by one ATOM frame, over the volume of data",
    "N. Meng, E. Lam, K. Tsia, H. So, IEEE JBHI 2018, Tables II to IV and Figures 5 to 10",
    run,
)
