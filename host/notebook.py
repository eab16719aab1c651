"""Helpers of the notebook: find the device, compare classes with labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.model.errors import InputError


def found_device() -> str:
    """Return ``pynq`` where pynq finds a board, and ``emulated`` everywhere else."""
    try:
        with warnings.catch_warnings():
            # Of packages that pynq imports, about each other.
            warnings.simplefilter("ignore")
            from cytogate.host.driver.pynq_device import has_device
    except InputError:
        return "emulated"
    return "pynq" if has_device() else "emulated"


def found_classes(result: Result, class_names: Sequence[str]) -> str:
    """Return the class of a cell, those of a hologram's cells, or why there is none, in words."""
    if result.field is not None:
        names = [class_names[int(cell.logits.argmax())] for cell in result.field.cells]
        crowded = "crowded: none of its cells is told" if result.field.is_crowded else "no cell"
        return f"{len(names)} cells: {', '.join(names)}" if names else crowded
    return result.lost or "nothing" if result.logits is None else class_names[int(result.logits.argmax())]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Cells by what they are and what the network took them for; a notebook shows it as a table."""

    class_names: tuple[str, ...]
    cells: NDArray[np.int64]
    """(classes, classes): rows are labels, columns the network's classes."""
    lost: int
    """Cells, or holograms, that came back without an answer; they are in no row."""

    @property
    def accuracy(self) -> float:
        """Share of the cells with a class whose class is their label; 0 if there are none."""
        return float(np.trace(self.cells) / max(1, self.cells.sum()))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.class_names)
        rows = (
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{cells}</td>' for cells in row)}</tr>"
            for name, row in zip(self.class_names, self.cells.tolist(), strict=True)
        )
        return f"<table><tr><th>label \\ class</th>{head}</tr>{''.join(rows)}</table>"


def confusion(labels: Sequence[int | None], results: Sequence[Result], class_names: Sequence[str]) -> Confusion:
    """Compare results with the labels (cells,) of their cells, indices of ``class_names``; None where there is none."""
    cells, lost = np.zeros((len(class_names),) * 2, np.int64), 0
    for label, result in zip(labels, results, strict=True):
        if not result.is_answered:
            lost += 1
        elif label is not None and result.logits is not None:
            cells[label, int(result.logits.argmax())] += 1
    return Confusion(tuple(class_names), cells, lost)
