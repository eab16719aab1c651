"""The Jurkat cells' loader, and images of the background alone: nothing of a cell, and all of a background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from cytogate.model.data import jurkat
from cytogate.model.data.background_control import SIDE, BackgroundControl, _masks
from cytogate.model.data.folds import stratified_folds
from cytogate.model.errors import InputError
from tests.streams import real_data

CHANNELS = np.array([jurkat.BRIGHT_FIELD, jurkat.DARK_FIELD, jurkat.DNA_STAIN])


def cells_on_background(radii: np.ndarray, levels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Images (cells, 40, 40, 2) of disks with a halo on even noise: bright in one channel, dark in the other."""
    rng = np.random.default_rng(seed)
    images = rng.normal(levels[:, None, None, None], 5, (len(radii), 40, 40, 2))
    at = 19.5 + rng.uniform(-2, 2, (len(radii), 2, 1, 1))
    rows, columns = np.indices((40, 40))
    distance = np.hypot(rows - at[:, 0], columns - at[:, 1]) - radii[:, None, None]
    inside = distance < 0
    texture = rng.normal(0, 60, inside.shape)
    images[..., 0] += np.where(inside, 100 + texture, -60 * np.exp(-np.maximum(distance, 0)))
    images[..., 1] -= np.where(inside, 80, 0)
    return np.rint(images).astype(np.uint16)


def summary(images: np.ndarray) -> np.ndarray:
    """What a forest learns from: pixels and moments of every channel."""
    flat = images.reshape(len(images), -1, images.shape[-1]).astype(float)
    moments = [flat.mean(axis=1), flat.std(axis=1), flat.min(axis=1), flat.max(axis=1)]
    uneven = [[len(np.unique(channel)) for channel in each.T] for each in flat]
    return np.hstack([images[:, ::3, ::3].reshape(len(images), -1), *moments, np.array(uneven)])


def accuracy(images: np.ndarray, labels: np.ndarray) -> float:
    forest = RandomForestClassifier(100, random_state=0)
    return float(cross_val_score(forest, summary(images), labels, cv=4).mean())


def test_a_control_tells_nothing_of_the_cell() -> None:
    """400 cells of two sizes: certain from the images, chance from the controls (.5 +- .05 is two standard errors)."""
    labels = np.arange(400) % 2
    radii = np.where(labels, 14.0, 9.0) + np.random.default_rng(1).normal(0, 0.5, 400)
    images = cells_on_background(radii, np.full(400, 600.0))
    controls = BackgroundControl.fitted(images[:300]).images(images)
    assert accuracy(images, labels) > 0.95
    assert abs(accuracy(controls, labels) - 0.5) <= 0.05


def test_a_control_tells_of_the_background() -> None:
    """200 cells of one size, whose classes were recorded at different levels: the control finds that out."""
    labels = np.arange(200) % 2
    images = cells_on_background(np.full(200, 11.0), np.where(labels, 606.0, 600.0))
    assert accuracy(BackgroundControl.fitted(images).images(images), labels) > 0.9


def test_a_control_is_one_square_of_its_own_background() -> None:
    """50 controls: same shape and type, every pixel from the image's square, none of it from the cell."""
    images = cells_on_background(np.full(50, 11.0), np.full(50, 600.0))
    control = BackgroundControl.fitted(images)
    controls = control.images(images, seed=3)
    assert (controls.shape, controls.dtype) == (images.shape, images.dtype)
    masks = _masks(images, np.array(control.thresholds))
    windows = np.lib.stride_tricks.sliding_window_view(images, (SIDE, SIDE), axis=(1, 2))
    hidden = np.lib.stride_tricks.sliding_window_view(masks, (SIDE, SIDE), axis=(1, 2))
    for each, candidates, cell in zip(controls, windows, hidden, strict=True):
        square = each[:SIDE, :SIDE]
        places = np.argwhere((candidates == np.moveaxis(square, -1, 0)).all(axis=(2, 3, 4)))
        assert len(places) == 1
        assert not cell[tuple(places[0])].any()
        assert np.array_equal(each[SIDE : 2 * SIDE, :SIDE], square[::-1])
        assert np.array_equal(each[:SIDE, SIDE : 2 * SIDE], square[:, ::-1])
        assert set(map(tuple, each.reshape(-1, 2))) == set(map(tuple, square.reshape(-1, 2)))
    assert np.array_equal(controls, control.images(images, seed=3))
    assert not np.array_equal(controls, control.images(images, seed=4))


def test_the_control_is_fitted_without_the_cells_it_is_used_on() -> None:
    """Thresholds are the training images' alone; images without a cell have a control all the same."""
    images = cells_on_background(np.full(40, 11.0), np.full(40, 600.0))
    fitted = BackgroundControl.fitted(images[:30])
    assert fitted == BackgroundControl.fitted(images[:30].copy())
    assert fitted != BackgroundControl.fitted(images)
    empty = np.full((2, 40, 40, 2), 7, np.uint16)
    assert (fitted.images(empty) == 7).all()
    assert (BackgroundControl.fitted(empty).images(empty) == 7).all()
    with pytest.raises(InputError, match="background check"):
        BackgroundControl.fitted(images[..., 0])


def write(folder: Path, **changed: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {
        "images": rng.integers(0, 900, (20, 3, 40, 40), np.uint16),
        "labels": np.arange(20, dtype=np.uint8) % 4,
        "class_names": np.array(["G1", "S_phase", "G2", "Prophase"]),
        "channels": CHANNELS,
    }
    (folder / jurkat.FOLDER).mkdir(exist_ok=True)
    arrays |= changed
    np.savez(folder / jurkat.FOLDER / "labelled.npz", **arrays)  # type: ignore[arg-type]
    np.savez(folder / jurkat.FOLDER / "unlabelled_g1.npz", images=arrays["images"][:, :2], channels=CHANNELS[:2])
    return folder


def test_channels_and_classes(tmp_path: Path) -> None:
    stored = np.load(write(tmp_path) / jurkat.FOLDER / "labelled.npz")["images"]
    cells = jurkat.labelled(tmp_path)
    assert np.array_equal(cells.images, np.moveaxis(stored[:, :2], 1, -1))
    assert np.array_equal(jurkat.labelled(tmp_path, (jurkat.DARK_FIELD,)).images[..., 0], stored[:, 1])
    assert np.array_equal(jurkat.unlabelled_g1(tmp_path), cells.images)
    some = cells.only("G2", "G1")
    assert some.labels.tolist() == [1, 0] * 5
    assert np.array_equal(some.images, cells.images[::2])
    with pytest.raises(InputError, match="no class M"):
        cells.only("M")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"images": np.zeros((20, 2, 40, 40), np.uint16)}, "uint16 \\(cells, 3, 40, 40\\) is needed"),
        ({"labels": np.full(20, 9)}, "0 to 3"),
        ({"labels": np.zeros(19, int)}, "one of 0 to 3 for each image"),
        ({"class_names": np.array(["G1", None], object)}, "Python objects"),
    ],
)
def test_a_file_that_is_another_is_refused(changed: dict[str, np.ndarray], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        jurkat.labelled(write(tmp_path, **changed))


def test_the_stain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="decided the labels"):
        jurkat.labelled(write(tmp_path), (jurkat.BRIGHT_FIELD, jurkat.DNA_STAIN))
    with pytest.raises(InputError, match="no channel Ch9"):
        jurkat.labelled(tmp_path, ("Ch9",))
    with pytest.raises(InputError, match="there is no such file"):
        jurkat.labelled(tmp_path / "nowhere")


def test_the_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jurkat.VARIABLE, str(tmp_path))
    assert jurkat.data_folder() == tmp_path
    monkeypatch.delenv(jurkat.VARIABLE)
    with pytest.raises(InputError, match="CYTOGATE_DATA is not set"):
        jurkat.data_folder()


@pytest.mark.realdata
def test_the_real_cells() -> None:
    """2,733 labelled cells of 7 classes, 4,500 unlabelled, none in both; 5 folds with every class in each."""
    cells = jurkat.labelled(real_data())
    assert np.bincount(cells.labels).tolist() == [720, 720, 720, 485, 54, 12, 22]
    unlabelled = jurkat.unlabelled_g1(real_data())
    assert unlabelled.shape == (4500, 40, 40, 2)
    known = {image.tobytes() for image in cells.images}
    assert len(known) == 2733
    assert not known & {image.tobytes() for image in unlabelled}
    for fold in stratified_folds(cells.labels):
        assert np.bincount(cells.labels[fold.test]).min() >= 2
        control = BackgroundControl.fitted(cells.images[fold.training])
        assert 1 < control.distance < 10
