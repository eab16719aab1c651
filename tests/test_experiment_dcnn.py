"""The experiment of paper 002 at a size of seconds: splits, tables, controls, quantized, and an interrupted run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.design.folder import load_design
from cytogate.model.experiments.dcnn import experiment as dcnn
from cytogate.model.experiments.dcnn import training as dcnn_training
from cytogate.model.experiments.dcnn.dishes import CLIP, FRAMES
from cytogate.model.experiments.dcnn.training import (
    FULL,
    SMALL,
    TEST,
    TRAINING,
    VALIDATION,
    DcnnSizes,
    DcnnTrainer,
    LabelledClips,
    Variant,
    by_movie,
    closeness,
    losses,
    mixture_parts,
    smallest_loss,
)
from cytogate.model.experiments.setting import Scale
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_codes, load_network
from tests.experiments import BrokenOffError, interrupted_setting_in, setting_in

TINY = DcnnSizes(
    22, 11, 10, rows=1, columns=1, pure_movies=8, width=1 / 16, epochs=2, fine_tune_epochs=1,
    penalties=(0.0005, 0.05), more_lags=((4,),),
)  # fmt: skip
TWO = Variant("half", (1,), 0.0005)
RECORD: dict[str, object] = {"command": "cytogate experiment dcnn", "minutes": 1.0, "seed": 0}


def random_parts(clips: int, per_movie: int) -> dict[str, LabelledClips]:
    """Return parts of random codes: what a network is to learn from is elsewhere."""
    rng = np.random.default_rng(0)
    parts = {}
    for number, name in enumerate((TRAINING, VALIDATION, TEST)):
        movies = 1000 * number + np.arange(clips) // per_movie
        codes = rng.integers(0, 256, (clips, CLIP, CLIP, FRAMES), dtype=np.uint8)
        parts[name] = LabelledClips(codes, (movies % 11) / 10, movies)
    return parts


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Run the whole experiment, write its page, and return what the report says."""
    folder = tmp_path_factory.mktemp("dcnn")
    page = dcnn.run_sized(setting_in(folder / "work"), TINY)
    page.write(folder / "page", RECORD)
    found = json.loads((folder / "page" / "report.json").read_text())
    return {"page": folder / "page", "text": (folder / "page" / "README.md").read_text(), **found}


def test_tables_have_the_papers_rows(report: dict) -> None:
    tables = report["tables"]
    assert [row["lambda"] for row in tables["table1"]] == ["0.0005", "0.05"]
    assert [row["network"] for row in tables["table2"]] == [
        "full resolution, one stream",
        "full resolution, two streams",
        "half resolution, one stream",
        "half resolution, two streams",
        "half resolution, streams of differences 4 apart",
    ]
    assert [row["class"] for row in tables["figure5"]] == ["iPSC", "FB", "SMC"]
    assert [sum(row[f"called {name}"] for name in ("iPSC", "FB", "SMC")) for row in tables["figure5"]] == [8, 8, 8]
    assert [row["network"] for row in tables["quantized"]] == ["float", "quantized"]
    assert [row["epoch"] for row in tables["curves"]] == [1, 2]
    assert len(tables["figure9"]) == 10, "ten of the eleven proportions are in ten movies of a block"
    assert all(row["movies"] == 1 for row in tables["figure9"])
    assert report["simulated"] is True
    assert report["text"].count("another task") == 2


def test_scores_are_consistent(report: dict) -> None:
    tables = report["tables"]
    chosen = min(tables["table1"], key=lambda row: row["validation L"]["value"])
    assert {**chosen, "network": None} == {**tables["table2"][0], "network": None, "lambda": chosen["lambda"]}
    two = tables["table2"][3]
    assert tables["controls"][0]["test A"] == tables["quantized"][0]["test A"] == two["test A"]
    selected = min(tables["curves"], key=lambda row: row["two streams, validation L"])
    assert two["validation L"]["value"] == pytest.approx(selected["two streams, validation L"], abs=1e-5)
    assert two["validation A"]["value"] == pytest.approx(selected["two streams, validation A"], abs=1e-5)
    assert tables["quantized"][0]["multiplications a clip"] == tables["quantized"][1]["multiplications a clip"] > 1000
    constant = tables["controls"][2]
    assert constant["test L"]["value"] == pytest.approx(np.log(2))


def test_page_is_whole(report: dict) -> None:
    pictures = {path.stem for path in report["page"].glob("*.png")}
    assert pictures == {"clips", "figure4", "figure5", "figure8", "figure9_left", "figure9_right"}
    design = load_design(report["page"])
    codes = load_codes(load_network(design), design)
    assert [each.shape for each in codes] == [(10, 48, 48, 5), (10, 48, 48, 4)]
    assert codes[1].min() < 0
    assert design.network.class_names == ("proportion of fibroblasts",)


def test_no_movie_is_in_two_parts(tmp_path: Path) -> None:
    """Of 10 + 4 + 3 clips of movies of 2; the second movie of the last part gives one clip."""
    sizes = dataclasses.replace(TINY, training=10, validation=4, test=3, columns=2)
    parts = mixture_parts(setting_in(tmp_path), sizes)
    assert {name: len(part.clips) for name, part in parts.items()} == {TRAINING: 10, VALIDATION: 4, TEST: 3}
    of_part = {name: set(part.movies.tolist()) for name, part in parts.items()}
    assert of_part == {TRAINING: {0, 1, 2, 3, 4}, VALIDATION: {5, 6}, TEST: {7, 8}}
    for part in parts.values():
        assert all(len(np.unique(part.proportions[part.movies == movie])) == 1 for movie in part.movies)
    pixels = [clip.tobytes() for part in parts.values() for clip in part.clips]
    assert len(set(pixels)) == 17


def test_published_sizes_are_the_papers() -> None:
    assert (FULL.training, FULL.validation, FULL.test) == (2952, 327, 819)
    assert FULL.penalties == SMALL.penalties == (0.0005, 0.005, 0.05)
    assert dcnn_training.BATCH == 32
    assert FULL.width == 1.0


@pytest.mark.parametrize(
    "variant",
    [
        Variant("full", (1,), 0.05),
        pytest.param(dataclasses.replace(TWO, quantized=True), marks=pytest.mark.full, id="quantized"),
    ],
)
def test_full_scale_starts(tmp_path: Path, variant: Variant) -> None:
    """A step at the width and sizes of the paper, on 8 random clips."""
    sizes = dataclasses.replace(FULL, epochs=1, fine_tune_epochs=1)
    result = DcnnTrainer(setting_in(tmp_path, Scale.FULL), sizes, random_parts(8, 1)).result(variant)
    side = 64 if variant.resolution == "full" else 48
    assert result.model.input_shape == [(None, side, side, 5), (None, side, side, 4)]
    assert result.model.get_layer("frames_convolution_3").filters == 64
    assert [epoch.phase for epoch in result.curve] == ["train"] + ["snap", "fine-tune"] * variant.quantized


def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    parts = random_parts(40, 2)
    whole = DcnnTrainer(setting_in(tmp_path / "whole"), TINY, parts).result(TWO)
    broken = interrupted_setting_in(tmp_path / "broken")
    with pytest.raises(BrokenOffError):
        DcnnTrainer(broken, TINY, parts).result(TWO)
    kept = json.loads((tmp_path / "broken" / TWO.folder / "curve.json").read_text())["curve"]
    assert len(kept) == 1
    resumed = DcnnTrainer(setting_in(tmp_path / "broken"), TINY, parts).result(TWO)
    assert resumed.curve == whole.curve
    for name in (TRAINING, VALIDATION, TEST):
        assert resumed.estimates[name].tolist() == whole.estimates[name].tolist()


def test_inputs_are_centered_on_training_clips_alone(tmp_path: Path) -> None:
    trainer = DcnnTrainer(setting_in(tmp_path), TINY, random_parts(12, 2))
    spec = trainer._spec(TWO)
    inputs = trainer._inputs(TWO, spec)
    for stream in inputs[TRAINING]:
        assert stream.dtype == np.float32
        assert np.abs(stream.mean(axis=0)).max() < 1e-5
        assert stream.std() == pytest.approx(1, abs=1e-4)
    for stream in inputs[TEST]:
        assert np.abs(stream.mean(axis=0)).max() > 0.1
    codes = trainer._inputs(dataclasses.replace(TWO, quantized=True), spec)[TEST]
    assert (codes[0] * 256 == trainer.codes(TWO, TEST)[0]).all()
    assert (codes[1] * 256 == trainer.codes(TWO, TEST)[1]).all()


def test_shuffled_proportions_change_places_by_whole_movies(tmp_path: Path) -> None:
    parts = random_parts(66, 3)
    trainer = DcnnTrainer(setting_in(tmp_path), TINY, parts)
    for name in (TRAINING, VALIDATION):
        right = trainer._targets(TWO, name)[:, 0]
        shuffled = trainer._targets(dataclasses.replace(TWO, shuffled=True), name)[:, 0]
        assert right == pytest.approx(parts[name].proportions)
        assert sorted(shuffled) == sorted(right)
        assert all(len(set(shuffled[parts[name].movies == movie])) == 1 for movie in parts[name].movies)
        assert (shuffled != right).mean() > 0.7


def test_figures_of_merit() -> None:
    truth, estimates = np.array([0.0, 0.3, 1.0]), np.array([0.1, 0.3, 0.0])
    keras_losses = keras.losses.binary_crossentropy(truth[:, None], estimates[:, None])
    assert losses(truth, estimates) == pytest.approx(np.asarray(keras_losses), rel=1e-3)
    assert closeness(truth, estimates).tolist() == [0.9, 1.0, 0.0]
    assert losses(truth[:2], truth[:2]).mean() == pytest.approx(smallest_loss(truth[:2]), abs=1e-5)
    assert smallest_loss(np.array([0.0, 1.0, 0.5])) == pytest.approx(np.log(2) / 3)


def test_intervals_are_over_movies() -> None:
    """Clips that repeat their movie ten times narrow nothing; as many independent ones would, by the root of ten."""
    of_movie = np.random.default_rng(1).normal(size=60)
    repeated = by_movie(np.repeat(of_movie, 10), np.repeat(np.arange(60), 10), seed=0)
    single = by_movie(of_movie, np.arange(60), seed=0)
    assert dataclasses.astuple(repeated) == pytest.approx(dataclasses.astuple(single))
    width = repeated.high - repeated.low
    assert width == pytest.approx(2 * 1.96 * of_movie.std() / np.sqrt(60), rel=0.1)
    assert repeated.value == pytest.approx(of_movie.mean())
    assert repeated.low < repeated.value < repeated.high
