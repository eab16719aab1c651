"""Compiling C-simulations: the flags they share, and the public headers of the vendor's types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cytogate.model.command import cpp
from cytogate.model.command.extras import need

FLAGS = (
    "-std=c++14", "-O2", "-fPIC", "-fno-gnu-unique", "-w",
)  # fmt: skip
"""No unique symbols: two designs may be loaded in one process, each with state of its own."""


def ap_types() -> Path:
    """Return the folder of the public ``ap_int.h`` and ``hls_stream.h``, which hls4ml brings along."""
    spec = need("hls4ml")
    assert spec.origin is not None
    return Path(spec.origin).parent / "templates" / "vivado" / "ap_types"


def build(
    output: Path,
    sources: Sequence[Path],
    includes: Sequence[Path],
    definitions: Sequence[str] = (),
    *,
    shared: bool,
    flags: Sequence[str] = FLAGS,
) -> Path:
    """Compile ``sources`` as :func:`cytogate.model.command.cpp.build` does, with the vendor's types at hand."""
    return cpp.build(
        output, sources, flags=flags, includes=includes, system=(ap_types(),), definitions=definitions, shared=shared
    )
