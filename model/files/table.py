"""Tables for people and their tools: Parquet or CSV by suffix, whole or not at all, with units.

In Parquet a column's unit and long name are metadata of its field (``unit``, ``long_name``); in CSV the unit stands in
brackets behind the column's name.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.extras import need
from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError

SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table."""

    name: str
    values: NDArray | Sequence[str | None]
    """(rows,) integers, floats or strings; NaN and None are written as no value."""
    unit: str = ""
    long_name: str = ""


def check_table(path: Path) -> None:
    """Raise what :func:`write_table` would at the end of all work.

    Raises
    ------
    InputError
        Where the suffix is none of :data:`SUFFIXES`.
    ModuleNotFoundError
        Where a Parquet table is asked for without pyarrow.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: tables are written as {' or '.join(SUFFIXES)}")
    if suffix == ".parquet":
        need("pyarrow")


def write_table(path: Path, columns: Sequence[Column], metadata: Mapping[str, str] | None = None) -> int:
    """Write columns of equal length side by side and return the number of rows.

    ``metadata`` of the table as a whole is kept by Parquet.

    Raises
    ------
    InputError
        Where the suffix is none of :data:`SUFFIXES`, or the file cannot be written.
    """
    rows = {len(column.values) for column in columns}
    names = [column.name for column in columns]
    assert len(rows) == 1, f"columns of {sorted(rows)} rows"
    assert len(set(names)) == len(names), f"columns {names} name one twice"
    check_table(path)
    with whole_file(path) as partial:
        if path.suffix.lower() == ".csv":
            _write_csv(partial, columns)
        else:
            _write_parquet(partial, columns, metadata or {})
    return rows.pop()


def _write_parquet(path: Path, columns: Sequence[Column], metadata: Mapping[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # A column of strings is one even where no row has a value.
    types = [None if isinstance(column.values, np.ndarray) else pa.string() for column in columns]
    arrays = [pa.array(column.values, of, from_pandas=True) for column, of in zip(columns, types, strict=True)]
    fields = [
        pa.field(column.name, array.type, metadata={"unit": column.unit, "long_name": column.long_name})
        for column, array in zip(columns, arrays, strict=True)
    ]
    # An open file: pyarrow takes no name that is not UTF-8.
    with path.open("wb") as file:
        pq.write_table(pa.table(arrays, schema=pa.schema(fields, dict(metadata))), file, compression="zstd")


def _write_csv(path: Path, columns: Sequence[Column]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns)
        writer.writerows(zip(*(_cells(column.values) for column in columns), strict=True))


def _cells(values: NDArray | Sequence[str | None]) -> list[object]:
    """Return Python's numbers, whose shortest digits are read back as the same number; empty for no value."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return ["" if value is None or (isinstance(value, float) and math.isnan(value)) else value for value in listed]
