"""Rows of events: what they have in common, and as columns of numbers when they are read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cytogate.host.stream.cells import Flag
from cytogate.host.stream.gating import Decision
from cytogate.model.features.cell_features import FeatureColumn

NONE = -1
"""Stands for a class or a label that there is not; numbers of other columns are 0 where there is nothing."""
Row = dict[str, object]
"""A row by column; None where there is nothing."""
COLUMNS = {
    "index": "number of the cell in its run, from 0",
    "origin": "file, or simulator, that the cell comes from",
    "position": "place of the cell there, from 0",
    "time": "arrival, UTC to the nanosecond",
    "logits": "code of each class, in the order of the classes; its step is in the metadata",
    "class": "class of the largest logit",
    "score": "score of the class: softmax or margin, as the gates say",
    "decision": "what the sorter is told; everything but `sort` means: do not sort",
    "latency_ns": "arrival to decision",
    "queue_ns": "arrival to the transfer to the chip",
    "transfer_ns": "to the chip, through it, and back",
    "flags": "what is unusual about the cell, bits added up",
    "label": "class that the source says the cell is of",
    "reason": "why there are no logits",
    "frames_crc32": "CRC-32 of the cell's frames",
}
"""Columns of every run and what they hold; those of features stand after them."""


@dataclass(frozen=True)
class EventFormat:
    """What the rows of one run have in common."""

    run: str
    """Identity of the run."""
    class_names: tuple[str, ...]
    logit_step: float
    """Value of one step of a logit code."""
    request: Mapping[str, object] = field(default_factory=dict)
    """What was asked for when the run began; see :func:`cytogate.host.stream.run_folder.run_folder`."""
    features: tuple[FeatureColumn, ...] = ()
    """Columns behind all others, null where an event does not carry them."""

    @property
    def meaning(self) -> dict[str, object]:
        """What classes, logits, flags and decisions are, for whoever finds a part alone."""
        return {
            "class_names": self.class_names,
            "logit": f"code times {self.logit_step!r}",
            "flags": {flag.name: flag.value for flag in Flag},
            "decisions": list(Decision),
        }


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events in order, as columns: (events,) each."""

    index: NDArray[np.int64]
    origin: Sequence[str]
    position: NDArray[np.int64]
    digest: Sequence[int | None]
    time_ns: NDArray[np.int64]
    logits: NDArray[np.int64]
    """(events, classes) codes."""
    classes: NDArray[np.int64]
    """Places among the class names."""
    score: NDArray[np.float64]
    decision: NDArray[np.int64]
    """Places in :class:`~cytogate.host.stream.gating.Decision`."""
    latency_ns: NDArray[np.int64]
    flags: NDArray[np.int64]
    label: NDArray[np.int64]
    """Places among the class names."""
    features: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Part:
    """What a part file holds."""

    run: str
    request: Mapping[str, object]
    rows_before: int
    """Rows of the run in parts before it."""
    events: EventColumns
