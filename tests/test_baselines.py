"""Features made by hand, and the classifiers that networks are set beside."""

from __future__ import annotations

import inspect
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import ndimage
from sklearn.base import BaseEstimator, clone

from cytogate.model.errors import InputError
from cytogate.model.evaluation import baselines
from cytogate.model.features import image_features


def cells(count: int = 48, seed: int = 0, side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Images (cells, side, side, 2) uint16 of two classes: coarse or fine grains in a disk, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    y, x = np.indices((side, side)) - (side - 1) / 2
    images = rng.normal(500, 3, (count, side, side, 2))
    for image, label in zip(images, labels, strict=True):
        grains = ndimage.gaussian_filter(rng.standard_normal((side, side)), 0.4 if label else 1.6)
        disk = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1)) < rng.uniform(7, 9)
        image[..., 0] += np.where(disk, 60 + 60 * grains / grains.std(), 0)
        image[..., 1] -= np.where(disk, 40, 0)
    return np.rint(images).astype(np.uint16), labels


TRAINING, LABELS = cells()
TEST, TRUTH = cells(seed=1)

ON_TEXTURE = [baselines.svm_gabor, baselines.svm_texture, baselines.svm_lbp, baselines.svm_hand_made]
ON_PIXELS = [baselines.knn_euclidean, baselines.knn_l1, baselines.svm_pixels]


@pytest.mark.parametrize("make", ON_TEXTURE)
def test_texture_tells_grains_apart(make: object) -> None:
    """48 cells learned, 48 others told apart, nine in ten at least."""
    fitted = make().fit(TRAINING, LABELS)  # type: ignore[operator]
    assert (fitted.predict(TEST) == TRUTH).mean() >= 0.9


@pytest.mark.parametrize("make", ON_PIXELS)
def test_pixels_tell_places_apart(make: object) -> None:
    """Disks left and right, which pixels do tell apart."""
    images = {name: np.stack([np.roll(image, 4 if label else -4, axis=1) for image, label in zip(*given, strict=True)])
              for name, given in {"training": (TRAINING, LABELS), "test": (TEST, TRUTH)}.items()}  # fmt: skip
    fitted = make().fit(images["training"], LABELS)  # type: ignore[operator]
    assert (fitted.predict(images["test"]) == TRUTH).mean() >= 0.9


@pytest.mark.parametrize("make", ON_PIXELS + ON_TEXTURE)
def test_nothing_is_learned_from_what_is_predicted(make: object) -> None:
    """A cell's class does not depend on the cells that are asked with it; the same seed gives the same answers."""
    fitted = make().fit(TRAINING, LABELS)  # type: ignore[operator]
    together = fitted.predict(TEST[:12])
    assert np.array_equal(together, np.concatenate([fitted.predict(TEST[n : n + 1]) for n in range(12)]))
    assert np.array_equal(together, clone(fitted).fit(TRAINING, LABELS).predict(TEST[:12]))


def test_neighbors_by_hand() -> None:
    """40 images whose classes say nothing: nine neighbors by absolute differences, which are not Euclid's."""
    rng = np.random.default_rng(0)
    images, labels = rng.standard_cauchy((200, 3, 3, 2)) * (1, 50), rng.integers(0, 2, 200)
    training, asked = images[:160], images[160:]
    said = baselines.knn_l1().fit(training, labels[:160]).predict(asked)
    apart = (training - asked[:, None]) / training.std(axis=(0, 1, 2))
    by_power = [
        labels[np.argsort((np.abs(apart) ** power).sum(axis=(2, 3, 4)))[:, :9]].mean(axis=1) > 0.5 for power in (1, 2)
    ]
    assert np.array_equal(said, by_power[0])
    assert not np.array_equal(said, by_power[1])


def test_scales_are_learned_from_training_cells() -> None:
    scaler = baselines.ChannelScaler().fit(TRAINING)
    scaled = scaler.transform(TRAINING).reshape(-1, 2)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-4)
    assert scaled.std(axis=0) == pytest.approx([1, 1], abs=1e-4)
    assert scaler.transform(TRAINING + 100).mean() > 1
    assert np.isfinite(baselines.ChannelScaler().fit(np.ones((3, 4, 4, 1))).transform(np.ones((1, 4, 4, 1)))).all()


def test_hyperparameters_come_from_inner_folds() -> None:
    """Every grid has a choice, and the search sees the cells that it was given alone."""
    search = baselines.svm_pixels().fit(TRAINING[:40], LABELS[:40])
    held = [test for _, test in search.cv.split(TRAINING[:40], LABELS[:40])]
    assert np.sort(np.concatenate(held)).tolist() == list(range(40))
    assert len(search.cv_results_["params"]) == len(baselines.RBF["svc__C"])


def test_features_are_named_finite_and_independent() -> None:
    """Columns by name; an image's features whatever stands beside it; blank images have features too."""
    columns = image_features.hand_made_columns(TRAINING[:6])
    table = image_features.hand_made(TRAINING[:6])
    assert table.shape == (6, len(columns))
    assert np.array_equal(table[2], image_features.hand_made(TRAINING[2:3])[0])
    blank = np.full((2, 24, 24, 2), 9, np.uint16)
    assert np.isfinite(image_features.hand_made(blank)).all()
    # Radii are 7 to 9, and the blur under which a cell is looked for adds a pixel.
    assert np.all((np.pi * 6**2 < columns["outline_area"]) & (columns["outline_area"] < np.pi * 11**2))


def test_features_of_form_do_not_turn_with_the_cell() -> None:
    """Zernike magnitudes, rings, outline and granularity of 6 images, turned by a right angle."""
    images = TRAINING[:6].astype(float)
    turned = np.rot90(images, axes=(1, 2))
    before, after = (image_features.cell_masks(each) for each in (images, turned))
    assert np.array_equal(np.rot90(before, axes=(1, 2)), after)
    for group in (image_features.zernike, image_features.rings, image_features.granularity, image_features.intensity):
        one, other = group(images[..., 0], before), group(turned[..., 0], after)
        for name, values in one.items():
            assert other[name] == pytest.approx(values, rel=1e-6, abs=1e-9), name
    one, other = image_features.outline(before), image_features.outline(after)
    assert all(other[name] == pytest.approx(one[name], rel=1e-6) for name in ("area", "solidity", "eccentricity"))


def test_zernike_polynomials() -> None:
    """R_2^0 = 2 r^2 - 1, R_3^1 = 3 r^3 - 2 r, R_4^2 = 4 r^4 - 3 r^2 (Born and Wolf, table 9.1)."""
    r = np.linspace(0, 1, 11)
    known = {(2, 0): 2 * r**2 - 1, (3, 1): 3 * r**3 - 2 * r, (4, 2): 4 * r**4 - 3 * r**2}
    for (n, m), values in known.items():
        assert image_features._radial(n, m, r) == pytest.approx(values, abs=1e-12)


def test_gabor_sees_its_frequency() -> None:
    """A grating of 0.2 cycles a pixel excites the filters of 0.2 most, and unevenly over their directions."""
    grating = np.sin(2 * np.pi * 0.2 * np.arange(40))[None, None, :] * np.ones((1, 40, 1))
    told = image_features.gabor(grating)
    energies = {frequency: told[f"gabor_energy_{frequency}"][0] for frequency in image_features.GABOR_FREQUENCIES}
    assert max(energies, key=lambda frequency: energies[frequency]) == 0.2
    assert told["gabor_energy_spread_0.2"][0] > energies[0.2]


def test_mobilenet_without_weights_says_what_to_do(tmp_path: Path) -> None:
    images, labels = cells(20, side=16)
    with pytest.raises(InputError, match="must be put there, they are not downloaded"):
        baselines.mobilenet_transfer(tmp_path / "none.h5").fit(images, labels)
    (tmp_path / "wrong.h5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="holds no weights of MobileNet"):
        baselines.mobilenet_transfer(tmp_path / "wrong.h5").fit(images, labels)
    (tmp_path / "evil.keras").write_bytes(b"PK")
    with pytest.raises(InputError, match="read from HDF5"):
        baselines.mobilenet_transfer(tmp_path / "evil.keras").fit(images, labels)


def write_as_published(model: object, path: Path) -> None:
    """Write weights in the layout of the files that Keras publishes for its applications."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]  # type: ignore[attr-defined]
        for layer in model.layers:  # type: ignore[attr-defined]
            group = file.create_group(layer.name)
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            group.attrs["weight_names"] = [f"{layer.name}/{weight.name}:0".encode() for weight in weights]
            for weight in weights:
                group[f"{layer.name}/{weight.name}:0"] = np.asarray(weight)


def test_mobilenet_from_a_local_file(tmp_path: Path) -> None:
    """One epoch from a file of weights: they are what the network starts from, and probabilities come out."""
    from cytogate.model.networks import mobilenet as transfer
    from cytogate.model.networks.keras_backend import keras

    keras.utils.set_random_seed(3)
    source = keras.applications.MobileNet(input_shape=(128, 128, 3), include_top=False, weights=None, pooling="avg")
    path = tmp_path / "mobilenet_1_0_128_tf_no_top.h5"
    write_as_published(source, path)
    network = transfer._network(path, (16, 16), 2)
    inner = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    assert len(inner.weights) == 135
    for loaded, stored in zip(inner.weights, source.weights, strict=True):
        assert np.array_equal(loaded, stored)
    images, labels = cells(20, side=16)
    fitted = transfer.MobileNetTransfer(path, epochs=1, batch=10).fit(images, np.where(labels, 7, 4))
    probabilities = fitted.predict_proba(images[:4])
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert set(fitted.predict(images)) <= {4, 7}
    with pytest.raises(InputError, match="one, two or three channels"):
        fitted.fit(np.zeros((20, 16, 16, 5)), labels)


def test_every_baseline_is_unfitted() -> None:
    made = [make() for make in ON_PIXELS + ON_TEXTURE]
    assert all(isinstance(each, BaseEstimator) for each in made)
    assert len(made) == 7
    assert all(inspect.signature(make).parameters.keys() <= {"seed"} for make in ON_PIXELS + ON_TEXTURE)
