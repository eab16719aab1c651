"""A training is identified by the content of its cells, not by the file that they lie in."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.data.own_cells import OwnCells
from tests.streams import CLASSES, small_design, small_frames, write_npz

DESIGN = small_design()
FRAMES, LABELS = small_frames(90), np.arange(90) % len(CLASSES)


def key_of(path: Path, most: int | None = None, seed: int = 0) -> str:
    return OwnCells.of(path, None, DESIGN, most, seed).key


def test_the_same_cells_are_one_training_wherever_they_lie(tmp_path: Path) -> None:
    first = write_npz(tmp_path / "a.npz", FRAMES, LABELS)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["frames"], file["labels"] = FRAMES, LABELS
        file["class_names"] = np.array(CLASSES, "S")
    assert key_of(first) == key_of(tmp_path / "b.h5")


@pytest.mark.parametrize("cell", [0, 1, 44, 88, 89])
def test_one_pixel_of_any_cell_is_another_training(cell: int, tmp_path: Path) -> None:
    """Although the file is of the same name, size and time."""
    path = write_npz(tmp_path / "a.npz", FRAMES, LABELS)
    before, times = key_of(path), path.stat()
    changed: NDArray[np.uint8] = FRAMES.copy()
    changed[cell, 0, 3, 4] ^= 1
    write_npz(path, changed, LABELS)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert key_of(path) != before


def test_labels_and_choice_are_part_of_it(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", FRAMES, LABELS)
    corrected = LABELS.copy()
    corrected[5] = (corrected[5] + 1) % len(CLASSES)
    keys = [key_of(path), key_of(path, 60), key_of(path, 80), key_of(path, 60, seed=1)]
    keys.append(key_of(write_npz(tmp_path / "b.npz", FRAMES, corrected)))
    assert len(set(keys)) == len(keys)
    assert key_of(path, 60) == keys[1]
