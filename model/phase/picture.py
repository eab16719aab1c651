"""The picture of ``cytogate phase``: what was seen, the path delay, and its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cytogate.model.command.files import whole_file
from cytogate.model.design.design import Design
from cytogate.model.phase.maps import PhaseMap, delay_per_radian

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES = 3.2
BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Lengths that a scale bar may have; the longest that takes at most a third of an image is drawn."""


def draw(path: Path, maps: Sequence[PhaseMap], design: Design, notes: Sequence[Sequence[str]]) -> None:
    """Write a PNG with a row for each of some maps.

    Parameters
    ----------
    notes
        Of each map, what is written at each of its cells.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    titles = ("as seen", "path delay, float64", "cells", "phase, fixed point less float64")
    columns = len(titles)
    figure, axes = plt.subplots(
        len(maps), columns, figsize=(PANEL_INCHES * columns, PANEL_INCHES * len(maps) + 0.5), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    aspect = design.pixel_um[0] / design.pixel_um[1]
    scale = delay_per_radian(design)
    for row, each, told in zip(axes, maps, notes, strict=True):
        _raw(row[0], each, aspect)
        shown = row[1].imshow(each.phase * scale, cmap="viridis", aspect=aspect)
        figure.colorbar(shown, ax=row[1], label="path delay, nm", fraction=0.05)
        _scale_bar(row[1], design.pixel_um[1])
        outlined = row[2].imshow(each.phase * scale, cmap="gray", aspect=aspect)
        figure.colorbar(outlined, ax=row[2], label="nm", fraction=0.05)
        _cells(row[2], each, told)
        error = row[3].imshow(1e3 * (each.fixed - each.phase), cmap="RdBu", aspect=aspect, vmin=-0.5, vmax=0.5)
        figure.colorbar(error, ax=row[3], label="mrad", fraction=0.05)
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=90)
    plt.close(figure)


def _raw(axis: Axes, item: PhaseMap, aspect: float) -> None:
    low, high = np.quantile(item.raw, (0.001, 0.999))
    axis.imshow(item.raw, cmap="gray", vmin=float(low), vmax=float(high), aspect=aspect)
    axis.set_ylabel(f"item {item.index}", fontsize=8)
    if item.fault or item.crowded:
        axis.set_xlabel("see report.json", fontsize=8, color="tab:red")


def _cells(axis: Axes, item: PhaseMap, notes: Sequence[str]) -> None:
    """Outline cells: green whole ones, orange several that touch, red those at the edge."""
    for cell, note in zip(item.cells, notes, strict=True):
        color = "tab:red" if cell.is_clipped else "tab:orange" if cell.is_several else "tab:green"
        mask = np.pad(cell.mask, 1).astype(np.float64)
        rows = np.arange(mask.shape[0]) + cell.rows.start - 1
        columns = np.arange(mask.shape[1]) + cell.columns.start - 1
        axis.contour(columns, rows, mask, levels=[0.5], colors=[color], linewidths=1)
        axis.annotate(
            note, cell.center[::-1], ha="center", va="center", fontsize=7, color="black",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )  # fmt: skip


def _scale_bar(axis: Axes, pitch_um: float) -> None:
    """Draw a bar of a round length into the lower left corner of a map."""
    width = axis.get_xlim()[1] - axis.get_xlim()[0]
    length = max((each for each in BARS_UM if each / pitch_um <= width / 3), default=BARS_UM[0])
    left, bottom = 0.06 * width, 0.94 * axis.get_ylim()[0]
    axis.plot([left, left + length / pitch_um], [bottom, bottom], color="white", linewidth=3, solid_capstyle="butt")
    axis.annotate(
        f"{length} µm", (left + length / pitch_um / 2, bottom), xytext=(0, 4), textcoords="offset points", ha="center",
        fontsize=7, color="white",
    )  # fmt: skip
