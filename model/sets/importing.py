"""The job of ``cytogate import``: the labelled cells of a public set become a file that every verb reads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.instruments import BrightField
from cytogate.model.errors import InputError
from cytogate.model.files.labels import PART
from cytogate.model.sets.bbbc048 import BBBC048
from cytogate.model.sets.bsccm import BSCCM, BSCCM_TEN
from cytogate.model.sets.cells import Frames, Origin, PublicSet, SetCells, check_of
from cytogate.model.sets.cytomad import CYTOMAD
from cytogate.model.sets.lymphomnist import LYMPHOMNIST
from cytogate.model.sets.meng2018 import MENG2018
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.optics import code_type
from cytogate.model.simulation.write import HDF5_SUFFIXES

SETS: dict[str, PublicSet] = {
    "bbbc048": BBBC048,
    "bsccm": BSCCM,
    "bsccm-ten": BSCCM_TEN,
    "cytomad": CYTOMAD,
    "lymphomnist": LYMPHOMNIST,
    "meng2018-largescale": MENG2018,
}
FEWEST_GROUPS = 3
"""A training tells groups to train, to select and to test on apart."""


@dataclass(frozen=True)
class ImportRequest:
    """What was asked of ``cytogate import``."""

    name: str
    input: Path
    output: Path
    cells: int | None
    """So many at most, drawn at random, the same ones each time; None: all."""


def run_import(request: ImportRequest) -> None:
    """Write the HDF5 file; resumable, see :func:`~cytogate.model.simulation.making.make_file`.

    Datasets ``frames`` (cells, channels, rows, columns) uint8 or uint16, one chunk a cell, ``labels``, ``class_names``;
    ``groups`` where the set has three or more; ``part`` where its split is published; ``scale`` (channels, 2), offset
    and step, where codes stand for other numbers. Attributes say where the set is from. Cells with a frame that is
    empty or saturated, which no verb takes, are left out and counted.

    Raises
    ------
    InputError
        If the folder does not hold the set in its published form, or the file cannot be written.
    """
    public = SETS[request.name]
    if not request.input.is_dir():
        raise InputError(f"{request.input}: is no folder; unpack the set and give its folder")
    if request.output.suffix.lower() not in HDF5_SUFFIXES:
        raise InputError(f"{request.output}: a set is written as {' or '.join(HDF5_SUFFIXES)}")
    cells = public.find(request.input)
    lacking = set(range(len(cells.class_names))) - set(np.unique(cells.labels).tolist())
    if lacking:
        raise InputError(f"{request.input}: there is no cell of class {cells.class_names[min(lacking)]}")
    recipe = _Import(request, public.origin, cells, _chosen(len(cells.labels), request.cells))
    make_file(recipe, request.output, recipe.store, workers=1)
    _tell(request, cells)


def _chosen(count: int, most: int | None) -> NDArray[np.int64]:
    if most is None or most >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


@dataclass(frozen=True, eq=False)
class _Import:
    """A :class:`~cytogate.model.simulation.making.Recipe`."""

    asked: ImportRequest
    origin: Origin
    cells: SetCells
    chosen: NDArray[np.int64]

    @property
    def what(self) -> str:
        return f"cells of {self.asked.name}"

    @property
    def count(self) -> int:
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        instrument = self.cells.instrument
        return len(instrument.channels), instrument.rows, instrument.columns

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return code_type(self.cells.instrument)

    @property
    def request(self) -> dict[str, object]:
        # Which cells, and in which order: lists may be changed between two calls.
        content = hashlib.sha256(self.chosen.tobytes() + self.cells.labels.tobytes()).hexdigest()
        return {
            "set": self.asked.name,
            "folder": str(self.asked.input.resolve()),
            "instrument": _described(self.cells),
            "scales": [dataclasses.astuple(each) for each in self.cells.scales or ()],
            "cells": content,
        }

    def make(self, indices: range) -> Frames:
        return np.stack([self.cells.frames(int(number)) for number in self.chosen[indices]])

    def store(self, path: Path, items: Iterable[Frames]) -> None:
        """Write the file, without cells that are empty or saturated."""
        check = check_of(self.cells.instrument)
        with h5py.File(path, "w") as file:
            frames = file.create_dataset(
                "frames", (self.count, *self.shape), self.dtype, chunks=(1, *self.shape), maxshape=(None, *self.shape)
            )
            kept: list[int] = []
            for number, item in zip(self.chosen, items, strict=True):
                if check.code_fault(item) is None and check.saturated(item) is None:
                    frames[len(kept)] = item
                    kept.append(int(number))
            if not kept:
                raise InputError(f"{self.asked.input}: all {self.count} cells are empty or saturated")
            frames.resize(len(kept), axis=0)
            self._describe(file, np.array(kept))

    def _describe(self, file: h5py.File, kept: NDArray[np.int64]) -> None:
        cells = self.cells
        file["labels"] = cells.labels[kept]
        # Of fixed length: HDF5 can hang on a damaged heap of variable ones.
        file["class_names"] = np.array(cells.class_names, "S")
        if cells.groups is not None and len(np.unique(cells.groups[kept])) >= FEWEST_GROUPS:
            file["groups"] = np.char.encode(cells.groups[kept], "utf-8")
            file["groups"].attrs["meaning"] = cells.grouped_by
        if cells.parts is not None:
            file[PART] = np.char.encode(cells.parts[kept], "utf-8")
        if cells.scales is not None:
            file["scale"] = np.array([dataclasses.astuple(each) for each in cells.scales])
        file.attrs.update(dataclasses.asdict(self.origin))
        file.attrs["set"], file.attrs["version"] = self.asked.name, version("cytogate")
        file.attrs["instrument"] = json.dumps(_described(cells))
        file.attrs["empty_or_saturated"] = self.count - len(kept)


def _described(cells: SetCells) -> dict[str, object]:
    instrument = cells.instrument
    return {"kind": instrument.kind, **dataclasses.asdict(instrument)}


def new_command(name: str, cells: SetCells) -> str:
    """Return the ``cytogate new`` that begins a design for a set's frames."""
    instrument = cells.instrument
    words = ["cytogate", "new", f"my-{name}", "--kind", instrument.kind]
    if isinstance(instrument, BrightField):
        words += ["--channels", ",".join(instrument.channels)]
    words += ["--rows", str(instrument.rows), "--columns", str(instrument.columns)]
    words += ["--adc-bits", str(instrument.adc_bits), "--pitch-um", f"{instrument.pixel_pitch_x_um:.6g}"]
    return shlex.join([*words, "--classes", ",".join(cells.class_names)])


def _tell(request: ImportRequest, cells: SetCells) -> None:
    """Print what was written, what was not, and what goes on from here."""
    with h5py.File(request.output, "r") as file:
        labels, left_out = file["labels"][:], int(file.attrs["empty_or_saturated"])
        groups = np.unique(file["groups"][:]) if "groups" in file else ()
        told = [str(file.attrs["left_out"]), str(file.attrs["assumed"])]
    counts = np.bincount(labels, minlength=len(cells.class_names))
    print(f"{request.output}: {len(labels)} cells; {', '.join(map('{} {}'.format, cells.class_names, counts))}")
    if left_out:
        print(f"{left_out} cells with an empty or saturated frame are left out")
    if len(groups):
        print(f"groups: {len(groups)} of one {cells.grouped_by} each, which no split cuts")
    else:
        print("groups: none; cells of one day or donor are on both sides of a split")
    print(f"left out of the set: {told[0]}\nassumed: {told[1]}")
    print(f"a design for them:\n  {new_command(request.name, cells)}")
