"""The experiment of paper 001 at a size of seconds: splits, volumes, tables, streaming, and a run once more."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.evaluation.analysis import embedded, occlusion_map, probabilities
from cytogate.model.experiments.meng2018 import experiment as meng2018
from cytogate.model.experiments.meng2018.atom import AtomFrames
from cytogate.model.experiments.meng2018.experiment import FULL, SMALL
from cytogate.model.experiments.meng2018.methods import (
    METHODS,
    STORED,
    SquaredErrors,
    first,
    fitted_network,
    split_frames,
    volume_of,
    within,
)
from cytogate.model.experiments.setting import Scale
from cytogate.model.files.images import ImageSet, open_image_set
from cytogate.model.networks import gao2017
from cytogate.model.networks.gao2017 import Gao2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2018 import Meng2018, float_network
from cytogate.model.networks.saved import load_codes, load_network
from tests.experiments import BrokenOffError, interrupted_setting_in, setting_in

TINY = dataclasses.replace(
    SMALL, frames=200, judged=60, volumes=(60, 100), iterations=(4, 8), control=0, quantized_iterations=4,
    cnn=Meng2018().scaled(16, 0.125), gao=Gao2017(size=16, kernels=(3, 2, 1), pools=(2, 2, 1)),
)  # fmt: skip
RECORD: dict[str, object] = {"command": "cytogate experiment meng2018", "minutes": 1.0, "seed": 0}
CLASSES = ("THP1", "MCF7", "MB231", "PBMC")


def random_images(folder: Path, count: int, size: int) -> ImageSet:
    """Return images of random codes: what is to be learned from is elsewhere."""
    with h5py.File(folder / "images.h5", "w") as file:
        file["images"] = np.random.default_rng(0).integers(90, 160, (count, size, size), dtype=np.uint8)
        file["labels"] = np.arange(count) % len(CLASSES)
        file["class_names"] = np.array(CLASSES, "S")
    return open_image_set(folder / "images.h5")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Run the whole experiment, write its page, and return what the report says."""
    folder = tmp_path_factory.mktemp("meng2018")
    page = meng2018.run_sized(setting_in(folder / "work"), TINY)
    page.write(folder / "page", RECORD)
    found = json.loads((folder / "page" / "report.json").read_text())
    return {"folder": folder, "text": (folder / "page" / "README.md").read_text(), **found}


def test_tables_have_the_papers_rows(report: dict) -> None:
    tables = report["tables"]
    assert [row["method"] for row in tables["volume"]] == [method for method in METHODS for _ in range(3)]
    assert list(tables["volume"][0]) == ["method", "cells", "60 cells", "100 cells"]
    for name in ("classes_validation", "classes_test"):
        assert [(row["measurement"], row["method"]) for row in tables[name]] == [
            (what, method) for what in ("precision", "recall", "F score") for method in METHODS
        ]
        assert tuple(tables[name][0])[2:] == CLASSES
    assert [row["class"] for row in tables["discarded"]] == list(CLASSES)
    assert sum(row["frames"] for row in tables["discarded"]) == 200 - 60
    assert sum(row["frames"] for row in tables["faults"]) == 200 - 60
    assert [row["network"] for row in tables["quantized"]] == ["float", "quantized network"]
    assert [(row["images"], row["method"]) for row in tables["control"]] == [
        (images, method) for images in ("cells", "empty fields") for method in ("CNN", "SVM")
    ]
    assert report["simulated"] is True
    assert report["text"].count("another task") == 1


def test_figures_of_the_tables_agree(report: dict) -> None:
    tables = report["tables"]
    cnn = [row for row in tables["volume"] if row["method"] == "CNN"]
    assert tables["quantized"][0]["accuracy"] == cnn[0]["100 cells"]
    assert tables["quantized"][0]["balanced accuracy"] == cnn[2]["100 cells"]
    assert tables["control"][0]["accuracy"] == cnn[0]["60 cells"]
    recalls = [row for row in tables["classes_test"] if row["measurement"] == "recall"]
    for recall, row in zip(recalls, tables["volume"][2::3], strict=True):
        found = [recall[name]["value"] for name in CLASSES if recall[name]["value"] is not None]
        assert row["100 cells"]["value"] == pytest.approx(np.mean(found))


def test_page_is_whole(report: dict) -> None:
    pictures = {path.stem for path in (report["folder"] / "page").glob("*.png")}
    assert pictures == {
        "cells", "poor", "volume", "confusion", "training", "losses", "filters", "occlusion", "tsne", "reliability",
    }  # fmt: skip
    design = load_design(report["folder"] / "page")
    assert load_codes(load_network(design), design)[0].shape[1:] == (16, 16, 1)
    assert set(design.network.class_names) == {"THP1", "MCF7", "MB231", "PBMC"}


def test_parts_are_disjoint_and_whole(report: dict) -> None:
    parts = [report["facts"]["split"][name] for name in ("training", "validation", "test")]
    assert sorted(index for part in parts for index in part) == list(range(200))
    assert [len(part) for part in parts] == [130, 30, 40]


def test_volumes_are_nested_and_tested_on_the_same_cells() -> None:
    labels = AtomFrames(400).labels
    parts = within(split_frames(labels, 0), np.arange(0, 400, 2))
    small, large = first(parts, 60), first(parts, 120)
    assert [len(part) for part in (small.training, small.validation, large.training, large.validation)] == [
        39,
        9,
        78,
        18,
    ]
    assert set(small.training) < set(large.training) < set(parts.training)
    assert set(small.validation) < set(large.validation)
    assert np.array_equal(small.test, large.test)
    assert not (set(large.training) | set(large.validation)) & set(large.test)
    assert not set(large.training) & set(large.validation)
    assert all(index % 2 == 0 for part in (large.training, large.validation, large.test) for index in part)


def test_finished_work_is_picked_up(report: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run once more in its folder makes no frame and takes no step, and ends with the same tables."""
    rooms = "cytogate.model"
    monkeypatch.setattr(f"{rooms}.training.fitting.Steps.training", lambda *arguments: pytest.fail("a step was built"))
    monkeypatch.setattr(f"{rooms}.experiments.meng2018.images.make_file", lambda *arguments: pytest.fail("frames made"))
    page = meng2018.run_sized(setting_in(report["folder"] / "work"), TINY)
    page.write(report["folder"] / "again", RECORD)
    assert json.loads((report["folder"] / "again" / "report.json").read_text())["tables"] == report["tables"]


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with random_images(tmp_path, 100, 16) as images:
        parts = first(split_frames(images.labels, 0), 80)
        build = functools.partial(float_network, TINY.cnn)
        curves = []
        for place in ("whole", "broken"):
            setting = setting_in(tmp_path / place)
            volume = volume_of(setting, TINY, images, parts)
            if place == "broken":
                stopped = interrupted_setting_in(tmp_path / place)
                with pytest.raises(BrokenOffError):
                    fitted_network(stopped, TINY, volume, "CNN", build, 12)
                assert len(json.loads((tmp_path / place / "CNN" / "curve.json").read_text())["curve"]) == 1
            curves.append(fitted_network(setting, TINY, volume, "CNN", build, 12).curve)
    assert len(curves[0]) == 3
    assert curves[0] == curves[1]


def test_shards_hold_what_memory_holds(tmp_path: Path) -> None:
    """100 images of which 52 train: both ways give the same training, validation and test examples, but for order."""
    with random_images(tmp_path, 100, 16) as images:
        parts = first(split_frames(images.labels, 0), 80)
        found = []
        for in_memory in (True, False):
            sizes = dataclasses.replace(TINY, in_memory=in_memory)
            volume = volume_of(setting_in(tmp_path / "work"), sizes, images, parts)
            each = [
                {image.tobytes() for (part,), _ in examples.batches(7, None) for image in part}
                for examples in (volume.training, volume.validation, volume.test)
            ]
            found.append((each, sorted(volume.balanced.labels)))
        assert found[0] == found[1]
        assert [len(part) for part in found[0][0]] == [len(found[0][1]), 12, 20]
        assert len(list((tmp_path / "work").glob("training-80.zarr"))) == 1


def test_published_sizes_are_the_papers() -> None:
    assert FULL.volumes == (1100, 6400, 12_000, 64_000, 129_000, 651_000, 1_305_000)
    assert (FULL.batch, FULL.rates) == (1300, (1e-4, 1e-4))
    assert STORED == 6500
    assert (FULL.cnn.size, FULL.gao.size) == (128, 128)
    assert not FULL.in_memory
    assert FULL.frames * 0.61 > FULL.volumes[-1], "some 62 % of the frames are kept"


@pytest.mark.parametrize("name", ["CNN", "Gao 2017"])
def test_full_scale_starts(tmp_path: Path, name: str) -> None:
    """A step of both networks at their sizes, from shards, on 40 random images."""
    build = {
        "CNN": functools.partial(float_network, FULL.cnn),
        "Gao 2017": functools.partial(gao2017.float_network, FULL.gao),
    }[name]
    with random_images(tmp_path, 40, 128) as images:
        volume = volume_of(setting_in(tmp_path / "work"), FULL, images, first(split_frames(images.labels, 0), 20))
        fitted = fitted_network(setting_in(tmp_path / "work", Scale.FULL), FULL, volume, name, build, 1)
    assert fitted.model.input_shape == (None, 128, 128, 1)
    assert np.isfinite(fitted.curve[0].validation_loss)


def test_squared_errors_are_those_of_probabilities() -> None:
    found = SquaredErrors(3).call(np.array([0, 2]), np.array([[1.0, 0, 0], [0.5, 0.3, 0.2]], np.float32))
    assert np.asarray(found) == pytest.approx([0, (0.25 + 0.09 + 0.64) / 3])


# Analysis.


def two_class_model() -> keras.Model:
    """Return a network of which class 1 is probable where pixel (2, 3) is bright."""
    inputs = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(inputs)
    outputs = keras.layers.Softmax()(keras.layers.Dense(2, name="dense")(flat))
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((64, 2), np.float32)
    kernel[2 * 8 + 3, 1] = 10
    model.get_layer("dense").set_weights([kernel, np.array([0, -5], np.float32)])
    return model


def test_occlusion_is_dark_where_the_network_looks() -> None:
    """One pixel decides: its class is improbable under squares that hide it, and nowhere else."""
    image = np.ones((8, 8, 1), np.float32)
    found = occlusion_map(two_class_model(), image, 1, side=1, fill=0.0)
    high, low = 1 / (1 + np.exp(-5)), 1 / (1 + np.exp(5))
    assert found[2, 3] == pytest.approx(low, rel=1e-4)
    found[2, 3] = high
    assert found == pytest.approx(np.full((8, 8), high), rel=1e-4)
    wide = occlusion_map(two_class_model(), image, 1, side=3, fill=0.0, stride=2)
    assert wide[2, 3] == pytest.approx(low, rel=1e-4)
    assert wide[7, 7] == pytest.approx(high, rel=1e-4)
    with pytest.raises(InputError, match="squares of 9 pixels every 1"):
        occlusion_map(two_class_model(), image, 1, side=9, fill=0.0)


def test_probabilities_of_logits_are_their_softmax() -> None:
    model = two_class_model()
    bare = keras.Model(model.input, model.get_layer("dense").output)
    batches = [(np.random.default_rng(0).uniform(size=(5, 8, 8, 1)),)]
    assert probabilities(bare, batches) == pytest.approx(probabilities(model, batches), abs=1e-6)


def test_what_is_apart_stays_apart_in_the_plane() -> None:
    """Groups of 15 and 25 points far from each other: nobody's nearest neighbor in the plane is of the other group."""
    group = np.arange(40) < 15
    features = np.random.default_rng(0).normal(size=(40, 12)) + 20 * group[:, None]
    places = embedded(features, seed=0)
    assert places.shape == (40, 2)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.diag(np.full(40, np.inf))
    assert (group[apart.argmin(axis=1)] == group).all()
    with pytest.raises(InputError, match="3 cells cannot be spread"):
        embedded(features[:3], seed=0)
