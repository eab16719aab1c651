"""Request of ``cytogate calibrate``, and what its reports say of files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.design.design import Design


@dataclass(frozen=True)
class CalibrationRequest:
    """What was asked of ``cytogate calibrate``."""

    design: Design
    input: Path
    """Holograms with cells; of a four-angle design frames of empty fields."""
    dataset: str | None
    reference: Path | None = None
    """Empty holograms."""
    radius: float | None = None
    """Of the sideband, cycles a pixel."""
    bead: Path | None = None
    bead_um: float | None = None
    """Diameter."""
    bead_index: float | None = None


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; ``a folder`` of a folder."""
    if path.is_dir():
        return "a folder"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
