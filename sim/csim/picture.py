"""The picture of a run: frames, phase as float and as fixed point, class scores; with a scale bar in micrometres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cytogate.model.command.files import whole_file
from cytogate.model.design.design import Design
from cytogate.sim.csim.chain import CellRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Callable[["Figure", "Axes", CellRecord], None]
BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200)
"""Lengths that a scale bar may have; the longest that takes at most a third of an image is drawn."""
PANEL_INCHES = 1.85
CELL_RAD = 0.3
"""Phase above which a pixel counts as the cell's."""


def draw(path: Path, records: Sequence[CellRecord], design: Design, origin: str, notes: Sequence[str]) -> None:
    """Write a PNG with one row a cell.

    Parameters
    ----------
    origin
        Where the cells come from, for the title.
    notes
        What stands beside each cell: its area, in square micrometres.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    panels = _panels(records, design)
    scored = "logits" in records[0].fixed
    columns, rows = len(panels) + scored, len(records)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(PANEL_INCHES * columns, 5.0), PANEL_INCHES * rows + 1.1),
        squeeze=False,
        width_ratios=[1.0] * len(panels) + [1.5] * scored,
        layout="constrained",
    )
    for axis, title in zip(axes[0], [*panels, *(["class scores"] if scored else [])], strict=True):
        axis.set_title(title, fontsize=9)
    for axis_row, record, note in zip(axes, records, notes, strict=True):
        for axis, panel in zip(axis_row, panels.values(), strict=False):
            panel(figure, axis, record)
            axis.set_xticks([])
            axis.set_yticks([])
        if scored:
            _scores(axis_row[-1], record, design.network.class_names)
        known = "" if record.label is None else design.network.class_names[record.label]
        axis_row[0].set_ylabel("\n".join(part for part in (f"cell {record.index}", known, note) if part), fontsize=8)
    camera = design.camera
    _scale_bar(axes[0, 0], camera.columns * camera.pixel_pitch_x_um, camera.columns)
    if scored:
        handles, names = axes[0, -1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower right", ncols=2, fontsize=9)
    figure.suptitle(f"{design.name}: {origin}", fontsize=11)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=90)
    plt.close(figure)


def area_note(record: CellRecord, design: Design) -> str:
    """Return the area of a cell as its picture tells it, by the threshold on its phase; nothing without a phase."""
    if "phase" not in record.fixed:
        return ""
    rows_um, columns_um = design.pixel_um
    area = np.count_nonzero(record.fixed["phase"] > CELL_RAD) * rows_um * columns_um
    return f"{area:.0f} µm²"


def _panels(records: Sequence[CellRecord], design: Design) -> dict[str, Panel]:
    """Return what is drawn of each cell, by its title."""
    aspect = design.camera.pixel_pitch_y_um / design.camera.pixel_pitch_x_um

    def frame(number: int) -> Panel:
        def panel(figure: Figure, axis: Axes, record: CellRecord) -> None:
            image = record.reference["frames"][number]
            axis.imshow(image, cmap="gray", vmin=float(image.min()), vmax=float(image.max()), aspect=aspect)

        return panel

    panels: dict[str, Panel] = {
        f"frame {name}" if design.retrieves_phase else name: frame(number)
        for number, name in enumerate(design.camera.channels)
    }
    if not design.retrieves_phase:
        return panels
    top = max(float(record.reference["phase"].max()) for record in records)

    def phase(values: str) -> Panel:
        def panel(figure: Figure, axis: Axes, record: CellRecord) -> None:
            image = getattr(record, values)["phase"]
            shown = axis.imshow(image, cmap="viridis", vmin=-0.3, vmax=top, aspect=aspect)
            if values == "fixed":
                figure.colorbar(shown, ax=axis, label="rad", fraction=0.05)

        return panel

    def difference(figure: Figure, axis: Axes, record: CellRecord) -> None:
        error = 1e3 * (record.fixed["phase"] - record.reference["phase"])
        shown = axis.imshow(error, cmap="RdBu", vmin=-0.5, vmax=0.5, aspect=aspect)
        figure.colorbar(shown, ax=axis, label="mrad", fraction=0.05)

    return {
        **panels,
        "phase, float64": phase("reference"),
        "phase, fixed point": phase("fixed"),
        "difference": difference,
    }


def _scale_bar(axis: Axes, field_um: float, columns: int) -> None:
    """Draw a bar of a round length into the lower left corner of an image that is ``field_um`` wide."""
    length = max((each for each in BARS_UM if each <= field_um / 3), default=BARS_UM[0])
    left, pixels = 0.06 * columns, length / field_um * columns
    bottom = 0.94 * axis.get_ylim()[0]
    axis.plot([left, left + pixels], [bottom, bottom], color="white", linewidth=4, solid_capstyle="butt")
    axis.plot([left, left + pixels], [bottom, bottom], color="black", linewidth=2, solid_capstyle="butt")
    axis.annotate(
        f"{length} µm", (left + pixels / 2, bottom), xytext=(0, 4), textcoords="offset points", ha="center",
        fontsize=7, color="black", bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
    )  # fmt: skip


def _scores(axis: Axes, record: CellRecord, class_names: Sequence[str]) -> None:
    logits = np.stack([record.reference["logits"], record.fixed["logits"]])
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    place = np.arange(len(class_names))
    axis.barh(place - 0.2, scores[0], 0.38, label="float chain")
    axis.barh(place + 0.2, scores[1], 0.38, label="fixed-point chain")
    axis.set_yticks(place, class_names, fontsize=7)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.tick_params(axis="x", labelsize=7)
