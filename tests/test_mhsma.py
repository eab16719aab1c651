"""The sperm cells' reader, on small files in the set's form, and on the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytogate.model.data import mhsma
from cytogate.model.data.mhsma import CELLS, LABELS, TEST, TRAINING, VALIDATION, network_codes
from cytogate.model.errors import InputError
from tests.streams import real_data


def write(folder: Path, name: str = VALIDATION, **changed: np.ndarray) -> Path:
    """Write one part of the set; ``changed`` replaces ``x`` or the labels of a part of the cell."""
    rng = np.random.default_rng(0)
    arrays = {"x": rng.integers(40, 200, (CELLS[name], 64, 64), np.uint8)}
    arrays |= {label: rng.integers(0, 2, CELLS[name], np.uint8) for label in LABELS}
    (folder / mhsma.FOLDER).mkdir(exist_ok=True)
    for label, array in (arrays | changed).items():
        stem = "x_64" if label == "x" else f"y_{label}"
        np.save(folder / mhsma.FOLDER / f"{stem}_{name}.npy", array)
    return folder


def test_a_part_is_read_in_the_order_of_its_labels(tmp_path: Path) -> None:
    for name in (TRAINING, VALIDATION):
        write(tmp_path, name)
    cells = mhsma.part(tmp_path, VALIDATION)
    assert (cells.images.shape, cells.images.dtype, cells.labels.shape) == ((240, 64, 64), np.uint8, (240, 4))
    assert np.array_equal(cells.images, np.load(tmp_path / "mhsma" / "x_64_valid.npy"))
    for column, label in enumerate(LABELS):
        assert np.array_equal(cells.labels[:, column], np.load(tmp_path / "mhsma" / f"y_{label}_valid.npy"))
    training = mhsma.part(tmp_path, TRAINING)
    both = training.joined(cells)
    assert len(both) == 1240
    assert np.array_equal(both.images[1000:], cells.images)
    assert np.array_equal(both.labels[:1000], training.labels)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"x": np.zeros((240, 32, 32), np.uint8)}, r"x_64_valid.npy: holds uint8 \(240, 32, 32\); uint8 \(240, 64, 64"),
        ({"x": np.zeros((240, 64, 64), np.float32)}, r"x_64_valid.npy: holds float32 .*; uint8 \(240, 64, 64\)"),
        ({"x": np.zeros((239, 64, 64), np.uint8)}, r"holds uint8 \(239, 64, 64\)"),
        ({"head": np.zeros((240, 2), np.uint8)}, r"y_head_valid.npy: holds uint8 \(240, 2\); uint8 \(240,\)"),
        ({"vacuole": np.full(240, 2, np.uint8)}, r"y_vacuole_valid.npy: holds a label 2; 0 \(normal\) or 1"),
        ({"tail": np.full(240, None, object)}, r"y_tail_valid.npy.* Python objects"),
    ],
)
def test_a_file_that_is_another_is_refused(changed: dict[str, np.ndarray], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told) as caught:
        mhsma.part(write(tmp_path, **changed), VALIDATION)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stem", ["x_64", "y_acrosome", "y_tail"])
def test_a_file_that_is_missing_or_cut_short_is_named(stem: str, tmp_path: Path) -> None:
    path = write(tmp_path) / mhsma.FOLDER / f"{stem}_valid.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"{path.name}.*truncated"):
        mhsma.part(tmp_path, VALIDATION)
    path.unlink()
    with pytest.raises(InputError, match=f"{path.name}: there is no such file"):
        mhsma.part(tmp_path, VALIDATION)


def test_codes_put_the_background_at_zero() -> None:
    """1.5 codes a gray level, halves to even, saturated."""
    images = np.array([[[126, 127, 129, 124, 40, 0, 211, 255]]], np.uint8)
    assert network_codes(images)[..., 0].tolist() == [[[0, 2, 4, -3, -128, -128, 127, 127]]]


def test_codes_of_binned_images_are_of_their_means() -> None:
    """Rounded once, after the mean: (130 + 131 + 126 + 126) / 4 is 2.25 above the background, 3.375 codes."""
    images = np.array([[[130, 131, 126, 126], [126, 126, 126, 127]]], np.uint8)
    assert network_codes(images, 2)[..., 0].tolist() == [[[3, 0]]]


@pytest.mark.realdata
def test_the_real_cells() -> None:
    """1,540 cells, each once; abnormal parts as published: 454, 418, 239 and 69."""
    parts = [mhsma.part(real_data(), name) for name in (TRAINING, VALIDATION, TEST)]
    assert [len(each) for each in parts] == [1000, 240, 300]
    cells = parts[0].joined(parts[1]).joined(parts[2])
    assert cells.labels.sum(axis=0).tolist() == [454, 418, 239, 69]
    # One pixel in a hundred thousand or so saturates.
    codes = network_codes(cells.images)
    assert np.isin(codes, (-128, 127)).mean() < 1e-4
    assert abs(float(np.median(codes[:, :4]))) <= 8
