"""Parts of events as CSV, for boards that pyarrow is not made for (32-bit ARM).

Columns are those of Parquet, but a logit has a column of its own; times are ISO 8601 to the nanosecond; nothing is an
empty field. The first line is a comment, ``# {...}``: which run the part is of, what names mean, and a checksum of all
that follows. ``pandas.read_csv(path, skiprows=1)`` reads the rest.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.host.sinks.rows import NONE, EventColumns, EventFormat, Part, Row
from cytogate.host.stream.gating import Decision

MARK = "# "
PLAIN = ("index", "origin", "position", "time")
BEHIND_LOGITS = (
    "class", "score", "decision", "latency_ns", "queue_ns", "transfer_ns", "flags", "label", "reason", "frames_crc32",
)  # fmt: skip


def write(path: Path, rows: Sequence[Row], form: EventFormat, rows_before: int) -> None:
    """Write rows to the file ``path``."""
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    features = [each.name for each in form.features]
    writer.writerow([*PLAIN, *(f"logit {name}" for name in form.class_names), *BEHIND_LOGITS, *features])
    for row in rows:
        logits = row["logits"] or [None] * len(form.class_names)
        time = f"{np.datetime64(row['time'], 'ns')}Z"  # type: ignore[call-overload]
        writer.writerow([*(row[name] for name in PLAIN[:-1]), time, *logits,  # type: ignore[misc]
                         *(row[name] for name in (*BEHIND_LOGITS, *features))])  # fmt: skip
    encoded = body.getvalue().encode("utf-8")
    head = {
        "run": form.run,
        "request": dict(form.request),
        "rows_before": rows_before,
        "features": {each.name: {"unit": each.unit, "long_name": each.long_name} for each in form.features},
        **form.meaning,
        "crc32": zlib.crc32(encoded),
    }
    path.write_bytes(f"{MARK}{json.dumps(head)}\n".encode("ascii") + encoded)


def read(path: Path) -> Part:
    """Read a file that :func:`write` wrote, to its last byte.

    Raises
    ------
    ValueError
        If a byte is not as it was written.
    """
    first, _, encoded = path.read_bytes().partition(b"\n")
    head = json.loads(first.decode("ascii").removeprefix(MARK))
    if zlib.crc32(encoded) != head["crc32"]:
        raise ValueError("its checksum is not that of its rows")
    header, *rows = csv.reader(io.StringIO(encoded.decode("utf-8"), newline=""))
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    names = head["class_names"]
    return Part(
        run=head["run"],
        request=head["request"],
        rows_before=head["rows_before"],
        events=EventColumns(
            index=_numbers(columns["index"]),
            origin=columns["origin"],
            position=_numbers(columns["position"]),
            digest=[int(each) if each else None for each in columns["frames_crc32"]],
            time_ns=np.array([each.removesuffix("Z") for each in columns["time"]], "datetime64[ns]").astype(np.int64),
            logits=np.stack([_numbers(columns[f"logit {name}"]) for name in names], axis=1),
            classes=_places(columns["class"], names),
            score=_floats(columns["score"]),
            decision=_places(columns["decision"], list(Decision)),
            latency_ns=_numbers(columns["latency_ns"]),
            flags=_numbers(columns["flags"]),
            label=_places(columns["label"], names),
            features={name: _floats(columns[name]) for name in head["features"]},
        ),
    )


def _numbers(fields: Sequence[str]) -> NDArray[np.int64]:
    return np.array([int(each or 0) for each in fields], np.int64)


def _floats(fields: Sequence[str]) -> NDArray[np.float64]:
    return np.array([float(each or 0) for each in fields], np.float64)


def _places(fields: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each name among ``known``."""
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(each, NONE) for each in fields], np.int64)
