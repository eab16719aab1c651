"""Begin a design of one's own: a folder with a commented ``design.toml``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from cytogate.model.design.design import NAME, Design, Network, Window
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.design.topologies import Compact
from cytogate.model.errors import InputError

KINDS = (FourAngle.kind, BrightField.kind)


def new_design(folder: Path, like: str | None, kind: str) -> Path:
    """Write ``folder/design.toml``, like another design or of a kind of instrument, and return its path.

    Raises
    ------
    InputError
        If the folder holds a design already, or its name cannot be a design's.
    """
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise InputError(f"{folder}: {name!r} cannot name a design; use letters, digits, points, hyphens, underscores")
    path = folder / DESIGN_FILE
    if path.exists():
        raise InputError(f"{path}: is there already; edit it, or name another folder")
    if like is not None:
        design = dataclasses.replace(load_design(like), name=name, folder=None, codes=None)
    else:
        design = Design(name) if kind == FourAngle.kind else _bright_field(name)
    text = design_text(design)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Exclusive: a file that appeared meanwhile is somebody's.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _bright_field(name: str) -> Design:
    """Two images of small cells, of an imaging flow cytometer with a camera of 12 bits."""
    instrument = BrightField(
        channels=("bright field", "dark field"),
        pixel_pitch_x_um=0.5,
        pixel_pitch_y_um=0.5,
        adc_bits=12,
        rows=48,
        columns=48,
    )
    network = Network(("class A", "class B"), Compact())
    return Design(name, instrument=instrument, window=Window(48, 48, 1), network=network)
