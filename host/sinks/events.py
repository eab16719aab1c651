"""Events as Parquet: a folder of part files, a row a cell, that any reader of Parquet opens as one table.

A part appears whole, at every flush, and is on the disk then. A stream that is killed leaves what was flushed; one that
goes on later writes further parts behind it. The parts' metadata say which run they are of, how many of its rows stand
in parts before them, and what flags, logits and decisions mean.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from cytogate.host.sources.source import NOTHING_READ, Progress
from cytogate.host.stream.cells import Event, Flag
from cytogate.host.stream.gating import Decision
from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import Feature

ROWS_A_PART = 1 << 13
"""A part is written at so many rows even if no flush is due."""
RUN_KEY = b"cytogate.run"
REQUEST_KEY = b"cytogate.request"
ROWS_BEFORE_KEY = b"cytogate.rows_before"
MEANING_KEY = b"cytogate.meaning"
DAMAGED = "_damaged-"
"""Before the name of a part that cannot be read; readers of Parquet folders pass over it."""


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
                pa.field("frames_crc32", pa.uint32()),
                *(
                    pa.field(each.name, pa.float64(), metadata={"unit": each.unit, "long_name": each.long_name})
                    for each in self.features
                ),
            ],
            metadata={RUN_KEY: self.run, REQUEST_KEY: json.dumps(dict(self.request)), MEANING_KEY: json.dumps(meaning)},
        )


class EventFolder:
    """A sink that writes parts into a folder."""

    def __init__(self, folder: Path, rows: EventFormat, rows_before: int = 0) -> None:
        """Write events into ``folder``, behind ``rows_before`` rows of the same run."""
        self._folder, self._rows, self._rows_before = folder, rows, rows_before
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
        metadata = {**self._schema.metadata, ROWS_BEFORE_KEY: str(self._rows_before)}
        table = pa.Table.from_pylist(self._waiting, schema=self._schema.with_metadata(metadata))
        with whole_file(self._folder / f"part-{self._first:012d}.parquet") as partial:
            pq.write_table(table, partial, compression="zstd", write_page_checksum=True)
        self._rows_before += len(self._waiting)
        self._waiting = []

    def _row(self, event: Event) -> dict[str, object]:
        arrival, result, names = event.arrival, event.result, self._rows.class_names
        chosen, label = event.verdict.class_index, arrival.cell.label
        return {
            "index": arrival.index,
            "origin": spelled(arrival.cell.origin),
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
            "reason": None if event.reason is None else spelled(event.reason),
            "frames_crc32": arrival.cell.digest,
            **{each.name: _known(event.features.get(each.name)) for each in self._rows.features},
        }


@dataclass(frozen=True)
class Written:
    """What a folder of events holds already."""

    rows: int
    classified: int
    """Rows with a class."""
    rows_before: int
    """Rows of the run up to here, those of lost parts among them."""
    next_index: int
    """Behind the last one."""
    progress: Mapping[str, Progress]
    """By origin."""
    told: tuple[str, ...]
    """What was lost of the run since it was written, in sentences."""


NOTHING_WRITTEN = Written(0, 0, 0, 0, {}, ())


def read_written(folder: Path, run: str) -> Written:
    """Read all parts of a run and say where it stands.

    A part that cannot be read to its last column is set aside, as ``_damaged-NAME``; cells behind the last whole part
    are streamed once more.

    Raises
    ------
    InputError
        If a part is of another run.
    """
    written = NOTHING_WRITTEN
    for part in parts(folder):
        try:
            table = pq.read_table(part, page_checksum_verification=True)
            rows_before = int(table.schema.metadata[ROWS_BEFORE_KEY])
            of = table.schema.metadata[RUN_KEY]
        # Of damaged bytes a parser says nearly anything.
        except Exception as error:
            part.replace(part.with_name(DAMAGED + part.name))
            told = f"{part}: damaged, and set aside as {DAMAGED}{part.name}: {_first_line(error)}"
            written = replace(written, told=(*written.told, told))
            continue
        if of != run.encode():
            raise InputError(f"{part}: this part is of another run; give a folder of its own to each run")
        if rows_before > written.rows_before:
            told = f"{folder}: {rows_before - written.rows_before} events of this run are lost before {part.name}"
            written = replace(written, told=(*written.told, told))
        written = _with_part(written, table, rows_before)
    return written


def _with_part(written: Written, table: pa.Table, rows_before: int) -> Written:
    progress = dict(written.progress)
    columns = (table[name].to_pylist() for name in ("origin", "position", "frames_crc32"))
    for origin, position, digest in zip(*columns, strict=True):
        progress[origin] = progress.get(origin, NOTHING_READ).after(position, digest)
    return Written(
        rows=written.rows + len(table),
        classified=written.classified + len(table) - table["class"].null_count,
        rows_before=rows_before + len(table),
        next_index=max(written.next_index, max(table["index"].to_pylist(), default=-1) + 1),
        progress=progress,
        told=written.told,
    )


def recorded_run(folder: Path) -> tuple[str, dict[str, object]] | None:
    """Return the run and the request of the first part of a folder that can be read; None if there is none."""
    for part in parts(folder):
        try:
            metadata = pq.read_schema(part).metadata
            return metadata[RUN_KEY].decode(), json.loads(metadata[REQUEST_KEY])
        except Exception:
            # The next part says the same; this one is told of when all are read.
            continue
    return None


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
