"""Paper 004 at a tiny size: its tables, who is trained and tested on what, and what an interruption costs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command.terminal import progress_bars
from cytogate.model.data import jurkat
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.experiments.dcae import experiment as dcae
from cytogate.model.experiments.dcae import on_hep2 as dcae_on_hep2
from cytogate.model.experiments.dcae.hep2 import CLASS_NAMES
from cytogate.model.experiments.dcae.on_hep2 import DcaeSizes, best_split, over_specimens
from cytogate.model.experiments.dcae.on_jurkat import SIDE, DcaeJurkatSizes, _mirrored, add_jurkat
from cytogate.model.experiments.dcae.training import (
    DcaeTrainer,
    Labelled,
    Lengths,
    Reconstruction,
    _encoder,
    _outputs,
    probabilities,
)
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.networks.dcae import Dcae, float_autoencoder, quantized_network, shapes
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_codes, load_network
from cytogate.model.pages.page import Page
from cytogate.model.training.fitting import Fitted
from cytogate.model.training.record import Epoch
from tests.test_jurkat import cells_on_background

TINY = Dcae(size=48, filters=(2, 3, 4, 4), latent=8, dense=(8, 6))
SIZES = DcaeSizes(TINY, TINY, 60, 40, 1, 0.25, Lengths(2, 2, 1, 1, batch=32))
JURKAT = DcaeJurkatSizes(40, 1, dataclasses.replace(TINY, channels=2, classes=7), Lengths(1, 1, 1, 1, batch=32))
RECORD: dict[str, object] = {"command": "cytogate experiment dcae", "minutes": 1.0, "seed": 0}


def setting(work: Path) -> Setting:
    return Setting(Scale.SMALL, 0, work, progress_bars())


def report_of(page: Page, folder: Path) -> dict:
    page.write(folder, RECORD)
    return json.loads((folder / "report.json").read_text())


def test_the_page_has_the_papers_tables_and_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(jurkat.VARIABLE, raising=False)
    report = report_of(dcae.page_of(setting(tmp_path / "work"), SIZES, JURKAT), tmp_path / "page")
    assert report["simulated"] is True
    tables = report["tables"]
    methods = [row["method"] for row in tables["accuracy"]]
    assert methods[:4] == ["texture features + SVM", "LBP descriptors + SVM", "5-layer CNN", "DCAE features + ANN"]
    assert len(methods) == 8
    assert all(
        0 <= row["accuracy, over cells"]["low"] <= row["accuracy, over cells"]["value"] for row in tables["accuracy"]
    )
    assert [(row["method"], row["tested"]) for row in tables["selection"]] == [(methods[2], "yes"), (methods[3], "yes")]
    assert [row["true class"] for row in tables["confusion"]] == list(CLASS_NAMES)
    assert all(sum(row[name] for name in CLASS_NAMES) == pytest.approx(1) for row in tables["confusion"])
    assert [row["network"] for row in tables["quantized"]] == ["float", "quantized network"]
    for name in ("confusion", "reconstruction", "autoencoder", "reliability"):
        assert (tmp_path / "page" / f"{name}.png").stat().st_size > 5000
    text = (tmp_path / "page" / "README.md").read_text()
    assert "Skipped: CYTOGATE_DATA is not set" in text
    assert "training cells 60 (paper: 905)" in text
    design = load_design(tmp_path / "page")
    assert load_codes(load_network(design), design)[0].shape == (16, 48, 48, 1)
    assert design.network.class_names == CLASS_NAMES


def test_training_and_test_share_no_specimen_and_splits_no_cell(tmp_path: Path) -> None:
    training, test = (dcae_on_hep2._simulated(setting(tmp_path), SIZES, part) for part in dcae_on_hep2.Part)
    assert not set(training.specimens) & set(test.specimens)
    assert (len(training.codes), len(test.codes)) == (60, 40)
    assert not np.array_equal(training.codes, training.backgrounds)
    splits = dcae_on_hep2._splits(training, dataclasses.replace(SIZES, splits=2), 0)
    assert len(splits) == 2
    for split in splits:
        assert not set(split.fitted) & set(split.selecting)
        assert sorted([*split.fitted, *split.selecting]) == list(range(60))
        assert len(split.selecting) == 15
    assert not np.array_equal(splits[0].selecting, splits[1].selecting)


def test_the_best_split_is_that_of_the_highest_accuracy_where_it_was_selected() -> None:
    def trained(*accuracies: float, selected: int) -> Fitted:
        curve = tuple(Epoch("train", 1.0, 1.0, accuracy) for accuracy in accuracies)
        return Fitted(keras.Model(), curve, selected)

    assert best_split((trained(0.9, 0.5, selected=1), trained(0.6, 0.1, selected=0), trained(0.6, selected=0))) == 1


def test_an_interval_over_specimens_is_wider_where_they_go_right_together() -> None:
    """20 specimens of 50 cells: hits by specimen are worth 20 draws, hits by cell 1,000."""
    specimens = np.repeat(np.arange(20), 50)
    labels = specimens % 5
    together = over_specimens(specimens // 5 % 2 == 0, labels, specimens, 0)
    alone = over_specimens(np.random.default_rng(0).random(1000) < 0.5, labels, specimens, 0)
    assert together.value == 0.5
    assert together.high is not None
    assert together.low is not None
    assert alone.high is not None
    assert alone.low is not None
    # Four specimens of each of five classes, half of them right: binomial, 20 draws.
    assert together.high - together.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 20), abs=0.06)
    assert alone.high - alone.low < 0.4 * (together.high - together.low)
    # Draws keep the number of specimens of each class.
    by_class = over_specimens(labels < 2, labels, specimens, 0)
    assert (by_class.low, by_class.value, by_class.high) == (0.4, 0.4, 0.4)


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    """Stopped in the second epoch and begun again, the autoencoder has the losses of one that was never stopped."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 48, 48, 1), np.uint8)
    whole = DcaeTrainer(tmp_path / "whole", {}, Lengths(3, 1, 1, 1), 0, lambda what, done, total: None)
    expected = whole.autoencoder(TINY, images[:16], images[16:])

    def stop(what: str, done: int, total: int) -> None:
        if "epoch 2 " in what:
            raise KeyboardInterrupt

    broken = dataclasses.replace(whole, folder=tmp_path / "broken", on_progress=stop)
    with pytest.raises(KeyboardInterrupt):
        broken.autoencoder(TINY, images[:16], images[16:])
    seen: list[str] = []
    again = dataclasses.replace(broken, on_progress=lambda what, done, total: seen.append(what))
    assert again.autoencoder(TINY, images[:16], images[16:]).curve == expected.curve
    assert not [what for what in seen if "epoch 1 " in what]
    with pytest.raises(InputError, match="other settings or cells"):
        dataclasses.replace(again, data={"other": True}).autoencoder(TINY, images[:16], images[16:])


def test_latent_values_are_brought_to_one_scale_and_nothing_else() -> None:
    """Lively latent values have a standard deviation of 1, and all are the autoencoder's own times a factor."""
    keras.utils.set_random_seed(0)
    autoencoder = float_autoencoder(TINY)
    last = autoencoder.get_layer("convolution_5")
    last.bias.assign(np.linspace(0, 0.2, TINY.latent))
    # Half of the values are ten times as quiet.
    last.kernel.assign(last.kernel * np.repeat(np.float32([0.1, 1]), TINY.latent // 2))
    codes = np.random.default_rng(1).integers(0, 256, (64, 48, 48, 1), np.uint8)
    before = _outputs(keras.Model(autoencoder.input, autoencoder.get_layer("latent").output), codes)
    after = _outputs(_encoder(autoencoder, codes), codes)
    deviations = before.std(axis=0)
    lively = deviations > deviations.max() / 4
    assert lively.any()
    assert ((deviations > 0) & ~lively).any()
    assert after.std(axis=0)[lively] == pytest.approx(1, abs=1e-3)
    assert (after.std(axis=0)[~lively] < 1).all()
    assert after == pytest.approx(before / np.maximum(deviations, deviations.max() / 4), rel=1e-3, abs=1e-4)


def test_an_autoencoder_sees_images_as_they_turn() -> None:
    codes = np.random.default_rng(2).integers(0, 256, (5, 8, 8, 1), np.uint8)
    in_order = list(Reconstruction(codes).batches(2, None))
    assert [len(targets) for _, targets in in_order] == [2, 2, 1]
    assert np.array_equal(np.concatenate([inputs[0] for inputs, _ in in_order]) * 256, codes)
    for inputs, targets in Reconstruction(codes).batches(5, np.random.default_rng(0)):
        assert inputs[0] is targets
        assert not np.array_equal(targets * 256, codes)
        assert np.array_equal(np.sort(targets.ravel() * 256), np.sort(codes.ravel()))


def test_published_sizes_are_the_papers_and_begin_to_train(tmp_path: Path) -> None:
    """Table I by its shapes; at 224 x 224 a thinned chain takes first steps, and the device's network gives answers."""
    full = dcae.FULL
    assert (full.training_cells, full.test_cells, full.splits) == (905, 979, 5)
    assert shapes(full.network)["latent"] == (1, 1, 4096)
    assert full.network.dense == (250, 50)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (2, full.device.size, full.device.size, 1), np.uint8)
    thin = dataclasses.replace(full.device, filters=(1, 1, 2, 2), latent=4)
    trainer = DcaeTrainer(tmp_path, {}, Lengths(1, 1, 1, 1, batch=32), 0, lambda what, done, total: None)
    trained = trainer.autoencoder(thin, codes[:1], codes[1:])
    assert trained.curve[0].loss is not None
    quantized = quantized_network(full.device)
    assert probabilities(quantized, codes).sum(axis=1) == pytest.approx(1)
    cells = Labelled(codes, np.array([0, 1]), np.array([0]), np.array([1]))
    network = trainer.classifier("classifier", thin, trained.model, cells).model
    assert network.output_shape == (None, 5)


def test_jurkat_cells_are_a_section_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """70 made-up cells in the files' layout: one fold of five, its methods and its control."""
    labels = np.arange(70) % 7
    images = cells_on_background(np.linspace(8, 14, 7)[labels], np.full(70, 600.0))
    stored = np.moveaxis(images, -1, 1)
    channels = np.array([jurkat.BRIGHT_FIELD, jurkat.DARK_FIELD])
    folder = tmp_path / jurkat.FOLDER
    folder.mkdir()
    names = np.array(["G1", "S_phase", "G2", "Prophase", "Metaphase", "Anaphase", "Telophase"])
    np.savez(folder / "labelled.npz", images=stored, labels=labels, class_names=names, channels=channels)
    np.savez(folder / "unlabelled_g1.npz", images=stored[labels == 0], channels=channels)
    monkeypatch.setenv(jurkat.VARIABLE, str(tmp_path))
    page = Page("Jurkat", simulated=False)
    add_jurkat(page, setting(tmp_path / "work"), JURKAT)
    report = report_of(page, tmp_path / "page")
    rows = report["tables"]["jurkat"]
    assert [row["method"] for row in rows] == [
        "texture features + SVM", "DCAE features + ANN", "encoder + ANN, fine-tuned end to end",
        "quantized network of encoder + ANN, fine-tuned", "background check: DCAE features + ANN",
        "background check: texture features + SVM",
    ]  # fmt: skip
    assert all(0 <= row["balanced accuracy"]["value"] <= 1 for row in rows)
    assert all(each["cells"] == 14 for each in report["facts"]["jurkat"].values())
    assert "70 Jurkat cells (G1 10, S_phase 10" in (tmp_path / "page" / "README.md").read_text()


def test_real_images_are_mirrored_at_their_rims() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 2), np.uint8)
    codes = _mirrored(images)
    assert (codes.shape, codes.dtype) == ((5, SIDE, SIDE, 2), np.uint8)
    assert np.array_equal(codes[:, 4:44, 4:44], images)
    assert np.array_equal(codes[:, 3], codes[:, 4])
    assert np.array_equal(codes[:, :, 0], codes[:, :, 7])
