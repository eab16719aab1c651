"""The picture of a run: frames, phase as float and as fixed point, class scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cytogate.model.command.files import whole_file
from cytogate.sim.csim.chain import CellRecord

ANGLE_TITLES = ("+x", "−x", "+y", "−y")  # noqa: RUF001 - a minus sign, as it is printed


def draw(path: Path, records: Sequence[CellRecord], class_names: Sequence[str], origin: str) -> None:
    """Write a PNG with one row a cell; ``origin`` says in the title where the cells come from."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    rows = len(records)
    figure, axes = plt.subplots(
        rows, 8, figsize=(15, 1.75 * rows + 1.1), squeeze=False, width_ratios=[1] * 7 + [1.5], layout="constrained"
    )
    titles = [f"frame {angle}" for angle in ANGLE_TITLES] + [
        "phase, float64",
        "phase, fixed point",
        "difference",
        "class scores",
    ]
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    top = max(float(record.reference["phase"].max()) for record in records)
    for axis_row, record in zip(axes, records, strict=True):
        frames = record.reference["frames"]
        for axis, frame in zip(axis_row[:4], frames, strict=True):
            axis.imshow(frame, cmap="gray", vmin=float(frames.min()), vmax=float(frames.max()))
        for axis, phase in zip(axis_row[4:6], (record.reference["phase"], record.fixed["phase"]), strict=True):
            shown = axis.imshow(phase, cmap="viridis", vmin=-0.3, vmax=top)
        figure.colorbar(shown, ax=axis_row[5], label="rad", fraction=0.05)
        error = 1e3 * (record.fixed["phase"] - record.reference["phase"])
        shown = axis_row[6].imshow(error, cmap="RdBu", vmin=-0.5, vmax=0.5)
        figure.colorbar(shown, ax=axis_row[6], label="mrad", fraction=0.05)
        for axis in axis_row[:7]:
            axis.set_xticks([])
            axis.set_yticks([])
        _scores(axis_row[7], record, class_names)
        known = "" if record.label is None else class_names[record.label]
        axis_row[0].set_ylabel(f"cell {record.index}\n{known}", fontsize=9)
    handles, names = axes[0, 7].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=2, fontsize=9)
    figure.suptitle(f"Four frames to phase to class, bit for bit ({origin})", fontsize=12)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=90)
    plt.close(figure)


def _scores(axis, record: CellRecord, class_names: Sequence[str]) -> None:  # type: ignore[no-untyped-def]
    logits = np.stack([record.reference["logits"], record.fixed["logits"]])
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    place = np.arange(len(class_names))
    axis.barh(place - 0.2, scores[0], 0.38, label="float retrieval")
    axis.barh(place + 0.2, scores[1], 0.38, label="fixed-point chain")
    axis.set_yticks(place, class_names, fontsize=7)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.tick_params(axis="x", labelsize=7)
