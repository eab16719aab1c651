"""Rows of predictions in the making: the exact fixed-point chain on some cells, classes and features of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import Feature, features_of, measure, of_stages
from cytogate.model.files.frames import FrameFile
from cytogate.model.files.table import Column
from cytogate.model.networks.native import fast_classifier
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.retrieval.laws import Run

AT_A_TIME = 32
MEASURED = ("binned", "phase", "network_input")
"""Stages that a row is made from."""
Classify = Callable[[NDArray[np.integer]], NDArray[np.float64]]
"""Codes of the network's input (cells, ...) to logits (cells, classes)."""


def classifier(network: IntegerNetwork, threads: int) -> Classify:
    """Return what a network computes, as values, by the fastest way there is."""
    codes_of = fast_classifier(network, threads)

    def classify(inputs: NDArray[np.integer]) -> NDArray[np.float64]:
        return network.logits.format.decode(codes_of(inputs))

    return classify


def readable(
    frames: FrameFile, first: int, end: int
) -> Iterator[tuple[int, NDArray[np.unsignedinteger], list[str | None]]]:
    """Give cells from ``first`` up to ``end`` in batches.

    Of each batch: its first cell, the frames of those of its cells that are in order, and the fault of each.
    """
    for start in range(first, end, AT_A_TIME):
        stop = min(start + AT_A_TIME, end)
        try:
            yield start, frames.read(start, stop), [None] * (stop - start)
            continue
        except InputError:
            pass
        # One bad cell condemns no other.
        good: list[NDArray[np.unsignedinteger]] = []
        faults: list[str | None] = []
        for index in range(start, stop):
            try:
                good.append(frames.read(index, index + 1))
                faults.append(None)
            except InputError as error:
                faults.append(str(error))
        empty = np.zeros((0, *frames.shape[1:]), frames.dtype)
        yield start, np.concatenate([empty, *good]), faults


@dataclass
class Rows:
    """Rows, a batch after the other."""

    design: Design
    threads: int
    cells: list[int] = field(default_factory=list)
    classes: list[str | None] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    features: list[NDArray[np.float64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._run = Run(self.design)

    @property
    def measured(self) -> tuple[Feature, ...]:
        """The features that are columns."""
        return features_of(self.design.camera.channels, phase=self.design.retrieves_phase)

    def add(
        self, start: int, frames: NDArray[np.unsignedinteger], faults: list[str | None], classify: Classify
    ) -> None:
        """Add the cells of a batch; a faulty one has no values."""
        names = self.design.network.class_names
        good = [number for number, fault in enumerate(faults) if fault is None]
        scores = np.full((len(faults), len(names)), np.nan)
        margins = np.full(len(faults), np.nan)
        features = np.full((len(faults), len(self.measured)), np.nan)
        classes: list[str | None] = [None] * len(faults)
        if good:
            stages = self._run.codes(frames, MEASURED, self.threads)
            logits = classify(stages["network_input"])
            ordered = np.sort(logits, axis=1)
            scores[good], margins[good] = softmax(logits, axis=1), ordered[:, -1] - ordered[:, -2]
            for number, best in zip(good, logits.argmax(axis=1), strict=True):
                classes[number] = names[best]
            # Each by itself: the last digit of a sum may depend on how many cells are summed at a time.
            for place, number in enumerate(good):
                of_cell = {name: each[place : place + 1] for name, each in stages.items()}
                found = measure(of_stages(of_cell, self.design))
                features[number] = [found[each.name][0] for each in self.measured]
        self.cells += range(start, start + len(faults))
        self.classes += classes
        self.faults += faults
        self.scores.append(scores)
        self.margins += margins.tolist()
        self.features.append(features)

    def columns(self) -> list[Column]:
        """Return the table's columns."""
        scores, features = np.concatenate(self.scores), np.concatenate(self.features)
        return [
            Column("cell", np.array(self.cells), long_name="Number of the cell in the file, from 0"),
            Column("class", self.classes, long_name="Most probable class"),
            Column("margin", np.array(self.margins), long_name="Largest logit less the second largest"),
            *(
                Column(f"score {name}", scores[:, number], long_name=f"Probability of {name}, uncalibrated")
                for number, name in enumerate(self.design.network.class_names)
            ),
            *(
                Column(each.name, features[:, number], each.unit, each.description)
                for number, each in enumerate(self.measured)
            ),
            Column("fault", self.faults, long_name="Why the cell was not classified"),
        ]
