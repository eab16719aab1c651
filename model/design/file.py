"""Reading TOML, with one sentence for a file that is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cytogate.model.errors import InputError

# PYNQ's images have Python 3.10.
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Return what the file holds, as a dictionary of tables and values."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read as TOML: {error}") from error
