"""BSCCM: leukocytes on slides under an LED-array microscope, in the four half-circle illuminations.

Form, by the authors' reader and notebooks (github.com/Waller-Lab/BSCCM, 98339e6): a folder with
``BSCCM_global_metadata.json`` (``led_array``: ``channel_names``, ``pixel_size_um``), ``BSCCM_index.csv`` (a row a cell:
``global_index, data_path, fov_center_x, fov_center_y`` and more), ``BSCCM_surface_markers.csv`` (ten columns
``selection_gated_...`` of True and False) and ``BSCCM_images.zarr``, Zarr version 2, in which
``DATA_PATH/led_array/cell_INDEX`` is one cell: (channels, rows, columns), one chunk a channel. BSCCM and BSCCM-tiny
have 128x128 pixels, uint16 of a 12-bit camera; BSCCMNIST and its tiny have 28x28, uint16 of 8 bits.

Arms: a phase that grows with the column brightens our +x frame, and DPC_Right by the authors' phase transfer function;
so do the raw frames of their Getting_started notebook, in which DPC_Right is bright at a cell's left edge, DPC_Top at
its upper one. Hence +x, -x, +y, -y are DPC_Right, DPC_Left, DPC_Top, DPC_Bottom.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cytogate.model.design.design import PHASE_SIZES
from cytogate.model.design.instruments import BrightField, Camera, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.container import json_object, reading
from cytogate.model.files.opening import open_container
from cytogate.model.files.zarr import is_zarr
from cytogate.model.sets.cells import Frames, Origin, PublicSet, SetCells, checked, inside
from cytogate.model.simulation.optics import code_type

METADATA, INDEX, MARKERS, IMAGES = (
    "BSCCM_global_metadata.json", "BSCCM_index.csv", "BSCCM_surface_markers.csv", "BSCCM_images.zarr",
)  # fmt: skip
ARMS = ("DPC_Right", "DPC_Left", "DPC_Top", "DPC_Bottom")
"""In the order +x, -x, +y, -y."""
MNIST_SIDE, MNIST_BITS, CAMERA_BITS = 28, 8, 12
WAVELENGTH_UM, NA = 0.515, 0.5
GATED = "selection_gated_"
THREE = ("lymphocyte", "granulocyte", "monocyte")
GATES = {
    "CD3_hi_CD_16_lo": "lymphocyte",
    "CD16_hi_CD45_mid": "granulocyte",
    "CD16_hi_CD45_lomid": "granulocyte",
    "CD16_hi_CD45_lo": "granulocyte",
    "CD16_lo_CD45_lo": "red blood cell",
    "CD16_none_CD45_mid_and_hi": "unknown",
    "CD45_mid_CD_16_mid": "unknown",
    "CD45_hi_CD_16_lo": "monocyte",
    "CD45_hi_CD_16_mid": "monocyte",
    "CD45_hi_CD_16_hi": "monocyte",
}
"""Ten gates on surface markers, and the coarser class of each (``get_cell_type_classification_data``)."""

ORIGIN = Origin(
    title="Berkeley Single Cell Computational Microscopy (BSCCM)",
    address="https://doi.org/10.5061/dryad.sxksn038s",
    licence="as its Dryad record says; the reader's code is BSD-3-Clause",
    citation="Pinkard, Liu, Nyatigo, Fletcher, Waller 2024, arXiv:2402.06191",
    left_out="fluorescence and histology, which decided the labels or show stains; other illuminations; cells in no "
    "gate, or in gates of two classes",
    assumed="nothing of the form; which frame is which arm follows from the authors' phase transfer function and "
    "figures. Half rings of LEDs are no Gaussian pupils: a retrieved phase has the right sign, and no known scale",
)


def find(folder: Path, ten_classes: bool) -> SetCells:
    """Find the gated cells, in three classes or in the ten gates. Groups are the fields of view of each slide."""
    metadata = json_object(_text(folder / METADATA)).get("led_array")
    channels, pitch = _channels(folder / METADATA, metadata)
    labels = _labels(folder / MARKERS, ten_classes)
    indices, paths, fields = [], [], []
    for index, path, field in _cells(folder / INDEX):
        if index in labels:
            indices.append(index)
            paths.append(path)
            fields.append(field)
    if not indices:
        raise InputError(f"{folder / MARKERS}: no cell of {INDEX} is in a gate of a class; there is nothing to learn")
    cells = _Cells(folder / IMAGES, channels, np.array(indices), np.array(paths))
    instrument = _instrument(cells.shape(0), pitch)
    return SetCells(
        instrument=instrument,
        class_names=tuple(GATES) if ten_classes else THREE,
        labels=np.array([labels[index] for index in indices], np.int64),
        frames=partial(cells.frames, instrument),
        groups=np.array(fields),
        grouped_by="field of view",
    )


BSCCM = PublicSet(ORIGIN, partial(find, ten_classes=False))
BSCCM_TEN = PublicSet(ORIGIN, partial(find, ten_classes=True))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; the folder of an unpacked BSCCM holds it") from error


def _channels(path: Path, described: Any) -> tuple[tuple[int, ...], float]:
    """Return the places of the four arms among a cell's images, and the size of a pixel in um."""
    names = described.get("channel_names") if isinstance(described, dict) else None
    pitch = described.get("pixel_size_um") if isinstance(described, dict) else None
    if not isinstance(names, list) or not isinstance(pitch, int | float):
        raise InputError(f"{path}: led_array with channel_names and pixel_size_um is needed; it is no BSCCM's, or cut")
    lacking = [arm for arm in ARMS if arm not in names]
    if lacking:
        raise InputError(f"{path}: led_array holds no {lacking[0]}; of the coherent variants no arms are published")
    return tuple(names.index(arm) for arm in ARMS), float(pitch)


def _rows(path: Path, wanted: tuple[str, ...]) -> Iterator[list[str]]:
    """Yield the columns ``wanted`` of a CSV, row by row."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            lacking = [name for name in wanted if name not in header]
            if lacking:
                raise InputError(f"{path}: has no column {lacking[0]}; it is no BSCCM's, or damaged")
            places = [header.index(name) for name in wanted]
            for number, row in enumerate(rows, start=2):
                if len(row) != len(header):
                    raise InputError(f"{path}: line {number} has {len(row)} values for {len(header)} columns")
                yield [row[place] for place in places]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _labels(path: Path, ten_classes: bool) -> dict[int, int]:
    """Return the class of each cell that is in gates of one class, by its index."""
    gates = tuple(GATES)
    classes = range(len(gates)) if ten_classes else [THREE.index(of) if of in THREE else -1 for of in GATES.values()]
    labels = {}
    for index, *marks in _rows(path, ("global_index", *(GATED + gate for gate in gates))):
        odd = set(marks) - {"True", "False"}
        if odd:
            raise InputError(f"{path}: a gate of cell {index} is {odd.pop()!r}; True or False is needed")
        found = {of for of, mark in zip(classes, marks, strict=True) if mark == "True"}
        if len(found) == 1 and found != {-1}:
            labels[_number(index, path)] = found.pop()
    return labels


def _cells(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the index of each cell, the folder of its images, and its field of view."""
    for index, folder, x, y in _rows(path, ("global_index", "data_path", "fov_center_x", "fov_center_y")):
        inside(Path(), folder, f"{path}: data_path of cell {index}")
        yield _number(index, path), folder, f"{folder} {x} {y}"


def _number(text: str, path: Path) -> int:
    if not text.isdecimal():
        raise InputError(f"{path}: global_index {text!r} is not a whole number")
    return int(text)


def _instrument(shape: tuple[int, int], pitch: float) -> Camera:
    """Return a four-angle instrument where frames are large enough for phase retrieval, else four bright-field ones."""
    rows, columns = shape
    bits = MNIST_BITS if shape == (MNIST_SIDE, MNIST_SIDE) else CAMERA_BITS
    if min(shape) < PHASE_SIZES[0]:
        return BrightField(ARMS, pitch, pitch, bits, rows, columns)
    return FourAngle(
        wavelength_um=WAVELENGTH_UM, na=NA, pixel_pitch_x_um=pitch, pixel_pitch_y_um=pitch, adc_bits=bits,
        rows=rows, columns=columns,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Cells:
    """The images, an array a cell."""

    images: Path
    channels: tuple[int, ...]
    indices: np.ndarray
    paths: np.ndarray

    def path(self, number: int) -> Path:
        return self.images / self.paths[number] / "led_array" / f"cell_{self.indices[number]}"

    def shape(self, number: int) -> tuple[int, int]:
        """Return rows and columns of a cell."""
        return self._read(number)[0].shape

    def frames(self, instrument: Camera, number: int) -> Frames:
        frames = np.stack(self._read(number))
        return checked(frames, instrument, str(self.path(number))).astype(code_type(instrument))

    def _read(self, number: int) -> list[np.ndarray]:
        """Read the arms of a cell. Opened each time: of all arrays of the set at once too much would be kept."""
        path = self.path(number)
        if not path.is_dir() or not is_zarr(path):
            raise InputError(f"{path}: there is no Zarr array, which {INDEX} names; unpack the whole set")
        container = open_container(path)
        try:
            array = container.unnamed
            if array is None or len(array.shape) != 3 or array.shape[0] <= max(self.channels):
                shape = None if array is None else array.shape
                raise InputError(f"{path}: an array of shape {shape}; (LED-array channels, rows, columns) is needed")
            with reading(path):
                return [array.read(channel, channel + 1)[0] for channel in self.channels]
        finally:
            container.close()
