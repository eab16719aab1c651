"""What ``cytogate predict`` does: the exact fixed-point chain on cells, to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.command.native import own_cores
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import Feature, features_of, measure, of_stages
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.files.table import Column, write_table
from cytogate.model.networks.native import fast_classifier
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval.frame_order import check_order
from cytogate.model.retrieval.laws import codes

AT_A_TIME = 32
MEASURED = ("binned", "phase", "network_input")
"""Stages that a row is made from."""
Classify = Callable[[NDArray[np.integer]], NDArray[np.float64]]
"""Codes of the network's input (cells, ...) to logits (cells, classes)."""


@dataclass(frozen=True)
class PredictRequest:
    """What was asked of ``cytogate predict``."""

    design: Design
    input: Path
    dataset: str | None
    """Array of ``input`` that holds the cells, if its name is not ``frames``."""
    cells: int | None
    """Of the file, at most."""
    output: Path
    """A ``.parquet`` or ``.csv`` file."""


def run_predict(request: PredictRequest) -> None:
    """Classify the cells of a file and write the table.

    Raises
    ------
    InputError
        If frames do not suit the design, or are stored in a wrong order.
    """
    design, console = request.design, terminal()
    network = load_operations(design)
    codes_of = fast_classifier(network, own_cores())

    def classify(inputs: NDArray[np.integer]) -> NDArray[np.float64]:
        return network.logits.format.decode(codes_of(inputs))

    names = design.network.class_names
    table = _Table(design)
    with (
        open_frames(request.input, design.camera, not design.retrieves_phase, request.dataset) as frames,
        progress_bars() as bars,
    ):
        frames.check_size(design)
        if design.retrieves_phase:
            found = check_order(frames, design)
            if found.wrong:
                raise InputError(f"{request.input}: {found.sentence}")
            if found.doubtful:
                console.print(f"{request.input}: {found.sentence}", soft_wrap=True)
        labels, told = frames.matched_labels(names)
        if told is not None:
            console.print(told, soft_wrap=True)
        count = min(frames.cells, request.cells or frames.cells)
        task = bars.add_task("cells", total=count)
        for start, cells, faults in _readable(frames, count):
            table.add(start, cells, faults, classify)
            bars.update(task, completed=min(start + len(faults), count))
    columns = table.columns()
    if labels is not None:
        known = [names[label] for label in labels[:count]]
        columns.insert(1, Column("label", known, long_name="Class as the file has it"))
        right = [found == label for found, label in zip(table.classes, known, strict=True) if found is not None]
        console.print(
            f"Accuracy: {np.mean(right):.2%} of {len(right):,} labelled cells." if right else "No cell classified."
        )
    rows = write_table(request.output, columns)
    classes = np.array([each for each in table.classes if each is not None])
    shares = ", ".join(f"{name} {int(np.count_nonzero(classes == name)):,}" for name in names)
    console.print(
        f"{rows:,} cells: {shares}; {rows - len(classes):,} faulty. Written: {request.output}", soft_wrap=True
    )


def _readable(frames: FrameFile, count: int) -> Iterator[tuple[int, NDArray[np.unsignedinteger], list[str | None]]]:
    """Give a batch's first cell, the frames of those of its cells that are in order, and the fault of each."""
    for start in range(0, count, AT_A_TIME):
        stop = min(start + AT_A_TIME, count)
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
class _Table:
    """Rows in the making."""

    design: Design
    cells: list[int] = field(default_factory=list)
    classes: list[str | None] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    features: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def measured(self) -> tuple[Feature, ...]:
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
            stages = codes(frames, self.design, MEASURED, own_cores())
            logits = classify(stages["network_input"])
            ordered = np.sort(logits, axis=1)
            scores[good], margins[good] = softmax(logits, axis=1), ordered[:, -1] - ordered[:, -2]
            for number, best in zip(good, logits.argmax(axis=1), strict=True):
                classes[number] = names[best]
            found = measure(of_stages(stages, self.design))
            features[good] = np.stack([found[each.name] for each in self.measured], axis=1)
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
