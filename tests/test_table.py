"""Tables: what is written is read back by public readers, with units, whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cytogate.model.errors import InputError
from cytogate.model.files.table import Column, write_table

COLUMNS = [
    Column("index", np.array([0, 2**53 + 1, 7])),
    Column("class", ["MCF7", None, 'a, "b"\nü']),
    Column("area", np.array([0.1 + 0.2, np.nan, 1e-300]), "um^2", "Area of the cell (um^2)"),
]


def test_parquet_holds_values_units_and_gaps(tmp_path: Path) -> None:
    assert write_table(tmp_path / "new" / "cells.parquet", COLUMNS) == 3
    table = pq.read_table(tmp_path / "new" / "cells.parquet")
    assert table.to_pydict() == {
        "index": [0, 2**53 + 1, 7],
        "class": ["MCF7", None, 'a, "b"\nü'],
        "area": [0.1 + 0.2, None, 1e-300],
    }
    assert table.schema.field("area").metadata == {b"unit": b"um^2", b"long_name": b"Area of the cell (um^2)"}


def test_csv_holds_values_units_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    assert write_table(path, COLUMNS) == 3
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["index", "class", "area [um^2]"]
    assert rows[2] == [str(2**53 + 1), "", ""]
    frame = pd.read_csv(path, float_precision="round_trip")
    assert frame["area [um^2]"].tolist()[::2] == [0.1 + 0.2, 1e-300]
    assert frame["class"][2] == 'a, "b"\nü'


@pytest.mark.parametrize("name", ["cells.xlsx", "cells"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tables are written as .parquet or .csv"):
        write_table(tmp_path / name, COLUMNS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_whole_or_not_there(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells{suffix}"
    write_table(path, COLUMNS)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_table(path, [*COLUMNS, Column("bad", [object(), Unwritable(), "x"])])  # type: ignore[list-item]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class Unwritable:
    def __str__(self) -> str:
        raise ValueError("no text")
