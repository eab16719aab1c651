"""MHSMA: unstained human sperm cells, each judged by experts in four parts, in the split that publications report on.

1,540 gray images of 64x64 pixels around the head (Javadi & Mirroshandel 2019), 1,000 to train, 240 to validate and 300
to test, in NPY files as ``soroushj/mhsma-dataset`` has them: ``x_64_PART.npy`` and ``y_LABEL_PART.npy``. The licence,
CC BY-NC-SA 4.0, goes with the images; none of them may be put into a page or a network's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import reading
from cytogate.model.files.npy import NpyFile

FOLDER = "mhsma"
SIDE = 64
LABELS = ("acrosome", "head", "vacuole", "tail")
"""Parts of a cell that are normal, 0, or abnormal, 1; a vacuole is abnormal where there is one."""
TRAINING, VALIDATION, TEST = "train", "valid", "test"
CELLS = {TRAINING: 1000, VALIDATION: 240, TEST: 300}
"""Cells of each part of the official split."""
MIDDLE_GRAY = 126
"""Mean code of the training images, which is that of their background, too."""
GAIN = 1.5
"""Codes of the network's input a code of the camera: 85 to each side, which one pixel in a hundred thousand exceeds."""


@dataclass(frozen=True, eq=False)
class SpermCells:
    """Cells of one part of the split, or of several."""

    images: NDArray[np.uint8]
    """(cells, 64, 64) gray."""
    labels: NDArray[np.int64]
    """(cells, 4) 0 or 1, in the order of LABELS."""

    def __len__(self) -> int:
        return len(self.labels)

    def joined(self, others: SpermCells) -> SpermCells:
        """Return these cells and, after them, others."""
        return SpermCells(np.concatenate([self.images, others.images]), np.concatenate([self.labels, others.labels]))


def network_codes(images: NDArray[np.uint8], binning: int = 1) -> NDArray[np.int8]:
    """Return what a network sees (cells, rows / binning, columns / binning, 1) of gray images (cells, rows, columns).

    Signed 8 bits, the background at 0: means of ``binning`` pixels along each axis, then a fixed scale and offset, the
    same for every cell.
    """
    cells, rows, columns = images.shape
    blocks = images.reshape(cells, rows // binning, binning, columns // binning, binning, 1)
    codes = np.rint((blocks.mean(axis=(2, 4)) - MIDDLE_GRAY) * GAIN)
    return np.clip(codes, -128, 127).astype(np.int8)


def part(folder: Path, name: str) -> SpermCells:
    """Read one part of the split, TRAINING, VALIDATION or TEST, below ``folder``.

    Raises
    ------
    InputError
        Where a file is missing or not what the module says.
    """
    images = _array(folder / FOLDER / f"x_{SIDE}_{name}.npy", (CELLS[name], SIDE, SIDE))
    labels = []
    for label in LABELS:
        path = folder / FOLDER / f"y_{label}_{name}.npy"
        found = _array(path, (CELLS[name],))
        if found.max() > 1:
            raise InputError(f"{path}: holds a label {found.max()}; 0 (normal) or 1 (abnormal) is needed")
        labels.append(found)
    return SpermCells(images, np.stack(labels, axis=1).astype(np.int64))


def _array(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with reading(path):
        file = NpyFile(path)
        try:
            array = file.unnamed
            if array.dtype != np.uint8 or array.shape != shape:
                raise InputError(f"{path}: holds {array.dtype} {array.shape}; uint8 {shape} is needed")
            return array.read(0, shape[0])
        finally:
            file.close()
