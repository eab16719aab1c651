"""The job of ``cytogate predict`` on one file: the exact fixed-point chain on its cells, to one table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cytogate.model.command.native import own_cores
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import Design
from cytogate.model.files.frames import open_frames
from cytogate.model.files.table import Column, write_table
from cytogate.model.networks.saved import load_operations
from cytogate.model.predict.rows import Rows, classifier, readable
from cytogate.model.retrieval.frame_order import order_told


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
    classify = classifier(network, own_cores())
    names = design.network.class_names
    table = Rows(design, own_cores())
    with (
        open_frames(request.input, design.camera, not design.retrieves_phase, request.dataset) as frames,
        progress_bars() as bars,
    ):
        frames.check_size(design)
        labels, of_labels = frames.matched_labels(names)
        for told in (order_told(frames, design, request.input), of_labels):
            if told is not None:
                console.print(told, soft_wrap=True)
        count = min(frames.cells, request.cells or frames.cells)
        task = bars.add_task("cells", total=count)
        for start, cells, faults in readable(frames, 0, count):
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
