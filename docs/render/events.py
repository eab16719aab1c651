"""Columns of events: the tables of a stream, its FCS file, and the features that both and ``predict`` carry."""

from __future__ import annotations

from enum import Enum
from types import ModuleType

from cytogate.host.sinks.fcs import parameters
from cytogate.host.sinks.rows import COLUMNS, EventFormat
from cytogate.host.stream import cells, gating
from cytogate.host.stream.chip_gate import TRIGGER_FEATURES
from cytogate.model.features.cell_features import FeatureColumn, features_of
from docs.render.text import Pages, page, said, table

CLASSES = ("A", "B")
"""Of the example."""


def pages() -> Pages:
    """Return ``reference/events.md``."""
    of_phase, of_frames = features_of(("+x", "-x", "+y", "-y"), phase=True), features_of(("bright field",), phase=False)
    fcs = [(f"`{each.name}`", each.long_name) for each in parameters(EventFormat("run", CLASSES, 1.0))]
    told = page(
        "Events and FCS columns",
        "`cytogate stream` writes one row a cell: a folder of Parquet parts (CSV where pyarrow is not installed), and "
        "the same as FCS 3.1. Nothing is null in Parquet, an empty field in CSV.",
        "## Parquet and CSV",
        "CSV has a column `logit NAME` a class in place of `logits`.",
        table(("column", "what"), [(f"`{name}`", what) for name, what in COLUMNS.items()]),
        "## FCS",
        f"Numbers of double precision; here of a design with the classes {' and '.join(CLASSES)}.",
        table(("`$PnN`", "`$PnS`"), fcs),
        "## Decisions",
        _values(gating, gating.Decision),
        "## Flags",
        _values(cells, cells.Flag),
        "## Features",
        "`predict` writes them always, `stream` with `--features`.",
        "### Of a four-angle instrument",
        _features(of_phase),
        "### Of a bright-field instrument with one channel",
        _features(of_frames),
        "## Trigger",
        "Of cells that triggered, where the chip has a gate.",
        _features(TRIGGER_FEATURES),
    )
    return {"reference/events.md": told}


def _values(module: ModuleType, members: type[Enum]) -> str:
    told = said(module)
    rows = [(f"`{each.value}`", f"`{each.name}`", told.get((members.__name__, each.name), "")) for each in members]
    return table(("value", "name", "what"), rows)


def _features(features: tuple[FeatureColumn, ...]) -> str:
    rows = [(f"`{each.name}`", f"`{each.short_name}`", each.unit or "-", each.description) for each in features]
    return table(("column", "FCS", "unit", "what"), rows)
