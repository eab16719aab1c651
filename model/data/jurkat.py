"""Jurkat cells in the stages of their cycle: the real set that accuracies are reported on.

An imaging flow cytometer's bright field, dark field and DNA stain of 2,733 labelled cells of seven classes, and 4,500
more of class G1 without a part in the labelled ones (Blasi et al. 2016; Hennig et al. 2016), in two NPZ files. The
stain made the labels, so it is no input of a label-free claim and is never handed out. One instrument and one
experiment: no split by donor or day is possible.

Use :func:`cytogate.model.data.folds.stratified_folds` before anything is fitted and
:class:`cytogate.model.data.background_control.BackgroundControl` beside every accuracy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.npz import open_arrays

VARIABLE = "CYTOGATE_DATA"
"""Environment variable that names the folder of real data."""
FOLDER = "jurkat_cell_cycle"
BRIGHT_FIELD, DARK_FIELD, DNA_STAIN = "Ch3_brightfield", "Ch6_darkfield", "Ch4_DNA_stain"
SIDE = 40
EMPTY_BRIGHT_FIELD, EMPTY_DARK_FIELD = 677, 27
"""Camera's codes of the background: medians of the unlabelled cells' pixels."""
BRIGHT_FIELD_STEP = 2
"""Camera's codes a code of the network's input: 254 to each side leave one pixel in a thousand beyond."""
DARK_FIELD_GAIN = 11
"""Codes a root of a camera's code: a root evens out the shot noise, and 11 times it holds up to 278 below 128."""


@dataclass(frozen=True, eq=False)
class JurkatCells:
    """Cells in memory, 8 kB each with two channels."""

    images: NDArray[np.uint16]
    """(cells, 40, 40, channels) codes."""
    labels: NDArray[np.int64]
    """(cells,) indices of ``class_names``."""
    class_names: tuple[str, ...]
    channels: tuple[str, ...]

    def only(self, *names: str) -> JurkatCells:
        """Return the cells of some classes, labelled in the order of ``names``."""
        unknown = [name for name in names if name not in self.class_names]
        if unknown:
            raise InputError(f"there is no class {unknown[0]}; classes are {', '.join(self.class_names)}")
        order = np.full(len(self.class_names), -1)
        order[[self.class_names.index(name) for name in names]] = np.arange(len(names))
        labels = order[self.labels]
        return JurkatCells(self.images[labels >= 0], labels[labels >= 0], names, self.channels)


def network_codes(images: NDArray[np.uint16]) -> NDArray[np.int8]:
    """Return what a network sees of (cells, rows, columns, 2) camera's codes of bright and dark field.

    Signed 8 bits with the background at 0: the bright field's distance from it in steps of BRIGHT_FIELD_STEP, and the
    distance of the dark field's roots. Both are fixed tables, the same for every cell.
    """
    bright = (images[..., 0].astype(np.float64) - EMPTY_BRIGHT_FIELD) / BRIGHT_FIELD_STEP
    dark = DARK_FIELD_GAIN * (np.sqrt(images[..., 1].astype(np.float64)) - np.sqrt(EMPTY_DARK_FIELD))
    return np.clip(np.rint(np.stack([bright, dark], axis=-1)), -128, 127).astype(np.int8)


def data_folder(holding: str = FOLDER) -> Path:
    """Return the folder of real data that the environment names; the error names the set that it is to hold."""
    named = os.environ.get(VARIABLE)
    if not named or not Path(named).is_dir():
        raise InputError(f"{VARIABLE} is {named or 'not set'}; it must name the folder that holds {holding}")
    return Path(named)


def labelled(folder: Path, channels: tuple[str, ...] = (BRIGHT_FIELD, DARK_FIELD)) -> JurkatCells:
    """Read the labelled cells below ``folder``.

    Raises
    ------
    InputError
        Where the DNA stain is asked for, a channel is unknown, or the file is not what the module says.
    """
    path = folder / FOLDER / "labelled.npz"
    arrays = open_arrays(path, ("images", "labels", "class_names", "channels"))
    labels = arrays["labels"].astype(np.int64)
    names = tuple(map(str, arrays["class_names"]))
    if (
        labels.shape != arrays["images"].shape[:1]
        or not len(labels)
        or not 0 <= labels.min() <= labels.max() < len(names)
    ):
        raise InputError(f"{path}: labels are not one of 0 to {len(names) - 1} for each image")
    return JurkatCells(_chosen(arrays, channels, path), labels, names, channels)


def unlabelled_g1(folder: Path, channels: tuple[str, ...] = (BRIGHT_FIELD, DARK_FIELD)) -> NDArray[np.uint16]:
    """Return (4,500, 40, 40, channels) G1 cells that are in no fold: what may be learned from without labels.

    All are of one class; a network that has seen them has seen more of G1 than its competitors, labels or not.
    """
    path = folder / FOLDER / "unlabelled_g1.npz"
    return _chosen(open_arrays(path, ("images", "channels")), channels, path)


def _chosen(arrays: dict[str, NDArray], channels: tuple[str, ...], path: Path) -> NDArray[np.uint16]:
    """Return the images of some channels, the channel last."""
    images, held = arrays["images"], tuple(map(str, arrays["channels"]))
    if images.dtype != np.uint16 or images.shape[1:] != (len(held), SIDE, SIDE):
        raise InputError(
            f"{path}: images are {images.dtype} {images.shape}; uint16 (cells, {len(held)}, {SIDE}, {SIDE}) is needed"
        )
    if DNA_STAIN in channels:
        raise InputError(f"{DNA_STAIN} decided the labels; no label-free result may see it")
    for channel in channels:
        if channel not in held:
            raise InputError(f"{path}: there is no channel {channel}, but {', '.join(held)}")
    return np.ascontiguousarray(np.moveaxis(images[:, [held.index(channel) for channel in channels]], 1, -1))
