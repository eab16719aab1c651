"""The parts of paper 001's page that say what was found: poor frames, accuracy over the volume of data, classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.experiments.meng2018.atom import AtomFrames, PoorFrame
from cytogate.model.experiments.meng2018.images import encoded, kept
from cytogate.model.experiments.meng2018.methods import METHODS, Indices, Meng2018Sizes, Said, Volume
from cytogate.model.files.images import ImageSet
from cytogate.model.pages.page import Page, Value, told_difference
from cytogate.model.pages.plots import confusion_plot, gallery_plot, lines_plot


def add_frames(page: Page, frames: AtomFrames, images: ImageSet, judged: Indices, sizes: Meng2018Sizes) -> None:
    """Add the section of what a classifier of poor frames, fitted to those ``judged``, makes of the others."""
    page.heading("Frames and what is discarded (section III-B)")
    faults = np.array([list(PoorFrame).index(frames.fault(index)) for index in range(len(frames))])
    discarded = np.ones(len(frames), bool)
    discarded[kept(images)] = False
    unjudged = np.ones(len(frames), bool)
    unjudged[judged] = False

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> Interval:
        return Interval.share(int((of & among).sum()), int(among.sum()))

    poor = faults > 0
    page.table(
        "discarded",
        f"Frames by class: poor in truth, and discarded by a classifier fitted to {len(judged)} others",
        ("class", "frames", "poor", "discarded", "discarded of the good", "poor of those kept"),
        [
            (
                name,
                int(those.sum()),
                share(poor, those),
                share(discarded, those),
                share(discarded, those & ~poor),
                share(poor, those & ~discarded),
            )
            for name, those in ((name, unjudged & (frames.labels == k)) for k, name in enumerate(frames.class_names))
        ],
    )
    page.table(
        "faults",
        "The same frames by what is wrong with them: how many, and share discarded",
        ("fault", "frames", "discarded"),
        [
            (fault.value, int((unjudged & (faults == k)).sum()), share(discarded, unjudged & (faults == k)))
            for k, fault in enumerate(PoorFrame)
        ],
    )
    shown = max(64, sizes.cnn.size)
    poor_ones = {
        fault.value: [encoded(frames[int(index)], shown) for index in np.flatnonzero(faults == k)[:8]]
        for k, fault in enumerate(PoorFrame)
        if k and (faults == k).any()
    }
    page.plot("poor", "Poor frames, resized (simulated)", gallery_plot(poor_ones))
    good = {
        name: [encoded(frames[int(index)], shown) for index in np.flatnonzero((frames.labels == k) & (faults == 0))[:8]]
        for k, name in enumerate(frames.class_names)
    }
    page.plot("cells", "Good frames by class, resized, of one mean (Figure 1; simulated)", gallery_plot(good))


def add_volumes(page: Page, volumes: list[Volume], results: list[dict[str, Said]]) -> None:
    """Add the section of Table II and Figure 5."""
    page.heading("Accuracy over the volume of data (Table II, Figure 5)")
    columns = [f"{volume.cells} cells" for volume in volumes]
    test = np.sort(volumes[0].parts.test)
    truth, names = volumes[0].labels(test), volumes[0].class_names
    metrics = {name: [Metrics.of(truth, result[name].test, names) for result in results] for name in METHODS}
    rows: list[tuple[Value, ...]] = []
    for name in METHODS:
        selected = [
            (result[name].validation, volume.labels(np.sort(volume.parts.validation)))
            for result, volume in zip(results, volumes, strict=True)
        ]
        rows.append((name, "test", *(each.accuracy for each in metrics[name])))
        rows.append((name, "validation", *(Interval.share(int((a == b).sum()), len(b)) for a, b in selected)))
        rows.append((name, "test, balanced", *(each.balanced_accuracy for each in metrics[name])))
    page.table(
        "volume",
        f"Accuracy by method and volume (Table II); all are tested on the same {len(test)} cells. Weights and "
        "parameters are selected on the validation cells, so that these are a little too good",
        ("method", "cells", *columns),
        rows,
    )
    sizes = [volume.cells for volume in volumes]
    page.plot(
        "volume",
        "Balanced accuracy on test cells over the volume of data (Figure 5)",
        lines_plot(
            {name: (sizes, [each.balanced_accuracy.value or 0.0 for each in metrics[name]]) for name in METHODS},
            "cells",
            "balanced accuracy",
            logarithmic=True,
        ),
    )
    last = results[-1]
    ranked = sorted(METHODS, key=lambda name: metrics[name][-1].balanced_accuracy.value or 0.0, reverse=True)
    gains = {name: Interval.difference(truth, last[name].test, results[0][name].test) for name in METHODS}
    over_svm = Interval.difference(truth, last["CNN"].test, last["SVM"].test)
    page.text(
        f"At the largest volume, by balanced accuracy: {', '.join(ranked)}. The CNN's accuracy less the support vector "
        f"machine's, cell by cell: {told_difference(over_svm)}. What the largest volume gains over the smallest: "
        + "; ".join(f"{name} {told_difference(gain)}" for name, gain in gains.items())
        + "."
    )
    page.fact("chosen on validation cells", [{name: result[name].chosen for name in METHODS[:2]} for result in results])


def add_classes(page: Page, volume: Volume, result: dict[str, Said]) -> None:
    """Add the section of Tables III and IV: the largest volume."""
    page.heading("Classes (Tables III and IV)")
    for name, number, part in (("validation", "III", volume.parts.validation), ("test", "IV", volume.parts.test)):
        truth = volume.labels(np.sort(part))
        metrics = {method: Metrics.of(truth, getattr(result[method], name), volume.class_names) for method in METHODS}
        page.table(
            f"classes_{name}",
            f"Precision, recall and F of each class, {len(truth)} {name} cells, largest volume (Table {number})",
            ("measurement", "method", *volume.class_names),
            [
                (what, method, *(getattr(each, field) for each in metrics[method].classes))
                for what, field in (("precision", "precision"), ("recall", "recall"), ("F score", "f"))
                for method in METHODS
            ],
        )
    cnn = metrics["CNN"]
    page.plot(
        "confusion", "CNN: test cells by true and predicted class", confusion_plot(cnn.confusion, volume.class_names)
    )
