"""Meng2018Largescale: bright-field ATOM images of four kinds of human cells, 128x128 pixels of 8 bits.

Form, by the authors' code (github.com/monaen/Meng2018Largescale, branches ``code`` and ``data``): archives ``small``
and ``Augmented`` unpack to a folder with lists ``Train.txt``, ``Valid.txt`` and ``Test.txt``, of lines ``PATH LABEL``
with a space between, and ``labels.txt``, of lines ``NAME LABEL``; paths are relative to the folder. The page of the
data calls them ``train.txt``, ``val.txt``, ``test.txt`` and ``label.txt``: both spellings are read. Sample pictures are
gray JPEG of 128x128. Archive ``large`` is published without lists: of its folders nothing is known, and it is refused.

In ``Augmented`` rare classes are filled up with altered copies. Whether copies of one cell are kept in one part is not
said, so that an accuracy on its test part may be too good.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from cytogate.model.design.instruments import BrightField
from cytogate.model.errors import InputError
from cytogate.model.sets.cells import (
    LENGTHS_IN_PIXELS,
    NOTHING_BUT_FAULTY,
    Frames,
    Origin,
    PublicSet,
    SetCells,
    checked,
    gray_bright_field,
    gray_picture,
    inside,
)

KINDS = ("THP1", "PBMC", "MCF7", "MB231")
LISTS = {"train": ("train.txt",), "valid": ("valid.txt", "val.txt"), "test": ("test.txt",)}
"""Names of the list of each part, in small letters."""
NAMES = ("labels.txt", "label.txt")
SIDE = 128

ORIGIN = Origin(
    title="Human somatic label-free bright-field cell images (Meng2018Largescale)",
    address="https://doi.org/10.21227/H2QW97, https://github.com/monaen/Meng2018Largescale/tree/data",
    licence="MIT, as its repository says; cite both data and paper",
    citation="Meng, Lam, Tsia, So 2018, IEEE Journal of Biomedical and Health Informatics",
    left_out=NOTHING_BUT_FAULTY,
    assumed=f"{LENGTHS_IN_PIXELS}. Each kind of cells was taken by itself: its background may tell it",
)


def find(folder: Path) -> SetCells:
    """Find the cells of the three lists; the published split is kept, groups there are none."""
    names = _class_names(_list(folder, NAMES))
    paths: list[str] = []
    labels: list[int] = []
    parts: list[str] = []
    for part, spellings in LISTS.items():
        for path, label in _lines(_list(folder, spellings), len(names)):
            paths.append(path)
            labels.append(label)
            parts.append(part)
    instrument = gray_bright_field(SIDE)
    return SetCells(
        instrument=instrument,
        class_names=names,
        labels=np.array(labels, np.int64),
        frames=partial(_frames, folder, paths, instrument),
        parts=np.array(parts, str),
    )


MENG2018 = PublicSet(ORIGIN, find)


def _list(folder: Path, spellings: tuple[str, ...]) -> Path:
    for path in sorted(folder.iterdir()):
        if path.name.lower() in spellings:
            return path
    raise InputError(
        f"{folder}: holds no {' or '.join(spellings)}; the archives small and Augmented unpack to such a folder"
    )


def _lines(path: Path, classes: int | None = None) -> Iterator[tuple[str, int]]:
    """Yield the name and the label of each line of a list."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                name, _, label = line.strip().rpartition(" ")
                if not name or not label.isdecimal():
                    raise InputError(
                        f"{path}: line {number} is {line.strip()!r}; a name, a space and a label are needed"
                    )
                if classes is not None and int(label) >= classes:
                    raise InputError(f"{path}: line {number} has label {label}; labels are 0 to {classes - 1}")
                yield name.strip(), int(label)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _class_names(path: Path) -> tuple[str, ...]:
    by_label = {label: name for name, label in _lines(path)}
    unknown = set(by_label.values()) - set(KINDS)
    if unknown or sorted(by_label) != list(range(len(by_label))) or len(set(by_label.values())) < 2:
        raise InputError(f"{path}: names {by_label}; labels from 0 on for some of {', '.join(KINDS)} are needed")
    return tuple(by_label[label] for label in range(len(by_label)))


def _frames(folder: Path, paths: list[str], instrument: BrightField, number: int) -> Frames:
    path = inside(folder, paths[number], f"{folder}: its list")
    return checked(gray_picture(path)[None], instrument, str(path))
