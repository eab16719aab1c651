"""BBBC048: Jurkat cells in the stages of their cycle, by an imaging flow cytometer.

Form, as programs that read it agree (three public ones were compared): ``BBBC048v1.zip`` holds ``CellCycle.zip``, which
holds ``CellCycle/STAGE/NUMBER_Ch3.ome.jpg``, and the same with ``Ch4`` and ``Ch6``: 66x66 pixels, 8 bits, a folder for
each of the seven stages. 32,266 cells, 96,798 pictures.

Channels: all agree that Ch3 is the bright field. Of Ch4 and Ch6 one source says PI stain and dark field, as in the
earlier set of the same laboratory (Blasi 2016), another MPM2 and PI: the two stains that decided the labels. As long
as this is open, neither is handed out.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from cytogate.model.design.instruments import BrightField
from cytogate.model.errors import InputError
from cytogate.model.sets.cells import (
    LENGTHS_IN_PIXELS,
    Frames,
    Origin,
    PublicSet,
    SetCells,
    checked,
    found_in,
    gray_bright_field,
    gray_picture,
)

CLASS_NAMES = ("G1", "S", "G2", "Prophase", "Metaphase", "Anaphase", "Telophase")
ROOT = ("CellCycle",)
SIDE = 66
PICTURE = re.compile(r"(\d+)_Ch3\.ome\.jpg")

ORIGIN = Origin(
    title="BBBC048, Cell Cycle Jurkat Cells",
    address="https://bbbc.broadinstitute.org/BBBC048",
    licence="CC BY-NC-SA 3.0, as programs that use it say; see its page",
    citation="Eulenberg et al. 2017, Nature Communications 8:463; Ljosa et al. 2012, Nature Methods 9:637",
    left_out="Ch4 and Ch6: PI and MPM2 decided the labels, and sources differ on which of both channels shows them",
    assumed=f"Ch3 is the bright field; {LENGTHS_IN_PIXELS}",
)


def find(folder: Path) -> SetCells:
    """Find the cells of the seven stages, in the order of their numbers; replicates are not named, groups neither."""
    root = found_in(folder, ROOT, CLASS_NAMES[0])
    numbers = [_numbers(root / name) for name in CLASS_NAMES]
    labels = np.repeat(np.arange(len(CLASS_NAMES)), [len(each) for each in numbers])
    instrument = gray_bright_field(SIDE)
    return SetCells(
        instrument=instrument,
        class_names=CLASS_NAMES,
        labels=labels,
        frames=partial(_frames, root, labels, np.concatenate(numbers), instrument),
    )


BBBC048 = PublicSet(ORIGIN, find)


def _numbers(folder: Path) -> list[int]:
    """Return the numbers of the cells of a stage."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    numbers = sorted(int(match[1]) for match in map(PICTURE.fullmatch, names) if match is not None)
    if not numbers:
        raise InputError(f"{folder}: holds no picture NUMBER_Ch3.ome.jpg; unpack CellCycle.zip whole")
    return numbers


def _frames(root: Path, labels: np.ndarray, numbers: np.ndarray, instrument: BrightField, number: int) -> Frames:
    path = root / CLASS_NAMES[labels[number]] / f"{numbers[number]}_Ch3.ome.jpg"
    return checked(gray_picture(path)[None], instrument, str(path))
