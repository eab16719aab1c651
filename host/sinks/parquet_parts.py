"""Parts of events as Parquet, with a checksum a page; the metadata say which run they are of and what names mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cytogate.host.sinks.rows import COLUMNS, NONE, EventColumns, EventFormat, Part, Row
from cytogate.host.stream.gating import Decision

RUN_KEY = b"cytogate.run"
REQUEST_KEY = b"cytogate.request"
ROWS_BEFORE_KEY = b"cytogate.rows_before"
MEANING_KEY = b"cytogate.meaning"
NEVER_NULL = {"index", "origin", "position", "time", "decision", "flags"}


def write(path: Path, rows: Sequence[Row], form: EventFormat, rows_before: int) -> None:
    """Write rows to the file ``path``."""
    schema = _schema(form, rows_before)
    # An open file: pyarrow takes no name that is not UTF-8.
    with path.open("wb") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd", write_page_checksum=True)


def read(path: Path) -> Part:
    """Read a file that :func:`write` wrote, to its last byte."""
    table = pq.read_table(pa.BufferReader(path.read_bytes()), page_checksum_verification=True).combine_chunks()
    metadata = table.schema.metadata
    names = json.loads(metadata[MEANING_KEY])["class_names"]
    codes = pc.fill_null(table["logits"].combine_chunks(), pa.scalar([0] * len(names), table["logits"].type))
    return Part(
        run=metadata[RUN_KEY].decode(),
        request=json.loads(metadata[REQUEST_KEY]),
        rows_before=int(metadata[ROWS_BEFORE_KEY]),
        events=EventColumns(
            index=_numbers(table["index"]),
            origin=table["origin"].to_pylist(),
            position=_numbers(table["position"]),
            digest=table["frames_crc32"].to_pylist(),
            time_ns=_numbers(pc.cast(table["time"], pa.int64())),
            logits=codes.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(names)).astype(np.int64),
            classes=_places(table["class"], names),
            score=pc.fill_null(table["score"], 0.0).to_numpy(),
            decision=_places(table["decision"], list(Decision)),
            latency_ns=_numbers(table["latency_ns"]),
            flags=_numbers(table["flags"]),
            label=_places(table["label"], names),
            features={
                each.name: pc.fill_null(table[each.name], 0.0).to_numpy()
                for each in table.schema
                if each.metadata and b"long_name" in each.metadata
            },
        ),
    )


def _schema(form: EventFormat, rows_before: int) -> pa.Schema:
    """Return the columns, with their meaning in the metadata."""
    names = pa.dictionary(pa.int16(), pa.string())
    types = {
        "index": pa.int64(),
        "origin": pa.dictionary(pa.int32(), pa.string()),
        "position": pa.int64(),
        "time": pa.timestamp("ns", tz="UTC"),
        "logits": pa.list_(pa.int32(), len(form.class_names)),
        "class": names,
        "score": pa.float64(),
        "decision": names,
        "latency_ns": pa.int64(),
        "queue_ns": pa.int64(),
        "transfer_ns": pa.int64(),
        "flags": pa.int32(),
        "label": names,
        "reason": pa.string(),
        "frames_crc32": pa.uint32(),
    }
    return pa.schema(
        [
            *(
                pa.field(name, types[name], nullable=name not in NEVER_NULL, metadata={"description": what})
                for name, what in COLUMNS.items()
            ),
            *(
                pa.field(each.name, pa.float64(), metadata={"unit": each.unit, "long_name": each.long_name})
                for each in form.features
            ),
        ],
        metadata={
            RUN_KEY: form.run,
            REQUEST_KEY: json.dumps(dict(form.request)),
            MEANING_KEY: json.dumps(form.meaning),
            ROWS_BEFORE_KEY: str(rows_before),
        },
    )


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return pc.fill_null(column, 0).to_numpy().astype(np.int64)


def _places(names: pa.ChunkedArray, known: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each name among ``known``."""
    places = pc.index_in(pc.cast(names, pa.string()), value_set=pa.array(known, pa.string()))
    return pc.fill_null(places, NONE).to_numpy().astype(np.int64)
