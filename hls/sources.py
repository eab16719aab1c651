"""Where the hardware sources lie, in a checkout as in an installed package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cytogate.model.errors import InputError


def _fpga() -> Path:
    spec = find_spec("cytogate.fpga")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("the hardware sources, cytogate.fpga, are not installed; install Cytogate anew")
    return Path(next(iter(spec.submodule_search_locations)))


FPGA = _fpga()
"""Folder of the room ``fpga``: ``src`` kernels, ``tb`` test benches, ``generated`` headers."""
