"""Find the hardware sources, in a checkout as in an installed package."""

from __future__ import annotations

import re
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


def rtl_sources(*tops: str) -> list[Path]:
    """Return the SystemVerilog of modules ``tops`` and of all below them: a file holds one module and has its name."""
    files = {path.stem: path for path in (FPGA / "rtl").glob("*.sv")}
    found, waiting = set(), set(tops)
    while waiting:
        name = waiting.pop()
        found.add(name)
        code = re.sub("//.*", "", files[name].read_text(encoding="ascii"))
        waiting |= set(re.findall(r"(\w+)\s+(?:#\s*\(|\w+\s*\()", code)) & files.keys() - found
    return [files[name] for name in sorted(found)]
