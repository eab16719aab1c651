"""Events as Parquet: a folder of part files, a row a cell, that any reader of Parquet opens as one table.

A part appears whole, at every flush. A stream that is killed leaves what was flushed; one that goes on later writes
further parts behind it. The parts' metadata say which run they are of and what flags, logits and decisions mean.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from cytogate.host.stream.cells import Event, Flag
from cytogate.host.stream.gating import Decision
from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import Feature

ROWS_A_PART = 1 << 13
"""A part is written at so many rows even if no flush is due."""
RUN_KEY = b"cytogate.run"
MEANING_KEY = b"cytogate.meaning"


@dataclass(frozen=True)
class EventFormat:
    """What the rows of one run have in common."""

    run: str
    """Identity of the run."""
    class_names: tuple[str, ...]
    logit_step: float
    """Value of one step of a logit code."""
    features: tuple[Feature, ...] = ()
    """Columns behind all others, null where an event does not carry them."""

    def schema(self) -> pa.Schema:
        """Return the columns, with their meaning in the metadata."""
        meaning = {
            "class_names": self.class_names,
            "logit": f"code times {self.logit_step!r}",
            "flags": {flag.name: flag.value for flag in Flag},
            "decisions": list(Decision),
        }
        names = pa.dictionary(pa.int16(), pa.string())
        return pa.schema(
            [
                pa.field("index", pa.int64(), nullable=False),
                pa.field("origin", pa.dictionary(pa.int32(), pa.string()), nullable=False),
                pa.field("position", pa.int64(), nullable=False),
                pa.field("time", pa.timestamp("ns", tz="UTC"), nullable=False),
                pa.field("logits", pa.list_(pa.int32(), len(self.class_names))),
                pa.field("class", names),
                pa.field("score", pa.float64()),
                pa.field("decision", names, nullable=False),
                pa.field("latency_ns", pa.int64()),
                pa.field("queue_ns", pa.int64()),
                pa.field("transfer_ns", pa.int64()),
                pa.field("flags", pa.int32(), nullable=False),
                pa.field("label", names),
                pa.field("reason", pa.string()),
                *(
                    pa.field(each.name, pa.float64(), metadata={"unit": each.unit, "long_name": each.long_name})
                    for each in self.features
                ),
            ],
            metadata={RUN_KEY: self.run, MEANING_KEY: json.dumps(meaning)},
        )


class EventFolder:
    """A sink that writes parts into a folder."""

    def __init__(self, folder: Path, rows: EventFormat) -> None:
        self._folder, self._rows = folder, rows
        self._schema = rows.schema()
        self._waiting: list[dict[str, object]] = []
        self._first = 0
        # Arrivals are stamped by a clock that never steps; its distance to the time of day is taken once.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    def write(self, event: Event) -> None:
        """Take an event."""
        if not self._waiting:
            self._first = event.arrival.index
        self._waiting.append(self._row(event))
        if len(self._waiting) == ROWS_A_PART:
            self.flush()

    def flush(self) -> None:
        """Write what was taken since the last flush as one part."""
        if not self._waiting:
            return
        table = pa.Table.from_pylist(self._waiting, schema=self._schema)
        with whole_file(self._folder / f"part-{self._first:012d}.parquet") as partial:
            pq.write_table(table, partial, compression="zstd")
        self._waiting = []

    def _row(self, event: Event) -> dict[str, object]:
        arrival, result, names = event.arrival, event.result, self._rows.class_names
        chosen, label = event.verdict.class_index, arrival.cell.label
        return {
            "index": arrival.index,
            "origin": arrival.cell.origin,
            "position": arrival.cell.position,
            "time": arrival.arrived_ns + self._epoch_ns,
            "logits": None if event.logits is None else event.logits.tolist(),
            "class": None if chosen is None else names[chosen],
            "score": event.verdict.score,
            "decision": event.decision.value,
            "latency_ns": None if chosen is None else event.decided_ns - arrival.arrived_ns,
            "queue_ns": None if result is None else result.sent_ns - arrival.arrived_ns,
            "transfer_ns": None if result is None else result.received_ns - result.sent_ns,
            "flags": int(event.flags),
            "label": None if label is None else names[label],
            "reason": event.reason,
            **{each.name: _known(event.features.get(each.name)) for each in self._rows.features},
        }


@dataclass(frozen=True)
class Written:
    """What a folder of events holds already."""

    rows: int
    next_index: int
    """Behind the last one."""
    next_positions: dict[str, int]
    """For each origin, the position behind its last cell."""


def read_written(folder: Path, run: str) -> Written:
    """Look through the parts of a run and say where it stands; partly written files of a killed stream are removed.

    Raises
    ------
    InputError
        If a part is damaged or of another run.
    """
    for left in folder.glob(".part-*.partial.parquet"):
        left.unlink(missing_ok=True)
    rows, next_index, positions = 0, 0, dict[str, int]()
    for part in parts(folder):
        try:
            table = pq.read_table(part, columns=["index", "origin", "position"])
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{part}: this is no part of a run, or a damaged one: {_first_line(error)}") from error
        if (table.schema.metadata or {}).get(RUN_KEY) != run.encode():
            raise InputError(f"{part}: this part is of another run; give a folder of its own to each run")
        rows += len(table)
        next_index = max(next_index, max(table["index"].to_pylist(), default=-1) + 1)
        for origin, position in zip(table["origin"].to_pylist(), table["position"].to_pylist(), strict=True):
            positions[origin] = max(positions.get(origin, 0), position + 1)
    return Written(rows, next_index, positions)


def parts(folder: Path) -> list[Path]:
    """Return the parts of a folder, the earliest first."""
    return sorted(folder.glob("part-*.parquet"))


def read_events(folder: Path) -> Iterator[pa.RecordBatch]:
    """Yield all events of a run in order, some at a time; columns as :meth:`EventFormat.schema` has them."""
    for part in parts(folder):
        yield from ds.dataset(part, format="parquet").to_batches(batch_size=8192)


def _known(value: float | None) -> float | None:
    """Return a value, None for what is not a number: readers of Parquet tell the two apart."""
    return None if value is None or math.isnan(value) else float(value)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
