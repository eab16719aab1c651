"""The experiment on the Jurkat cells: in small on cells made here, and what its page says of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from cytogate.model.command.terminal import progress_bars
from cytogate.model.data import jurkat
from cytogate.model.data.folds import stratified_folds
from cytogate.model.data.jurkat import JurkatCells, network_codes
from cytogate.model.data.preprocessing import shifted_at_random
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.experiments.jurkat import experiment
from cytogate.model.experiments.jurkat.experiment import (
    CONTROL,
    FLOAT,
    QUANTIZED,
    SVM,
    SVM_CONTROL,
    JurkatSizes,
    run_on,
)
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.networks.saved import load_codes, load_network
from cytogate.model.pages.page import Page
from tests.conftest import REPOSITORY

TINY = JurkatSizes(folds=2, side=32, width=0.25, epochs=3, fine_tune_epochs=1)
METHODS = [QUANTIZED, FLOAT, SVM, CONTROL, SVM_CONTROL]
RECORD: dict[str, object] = {"command": "none", "minutes": 0.0}


def cells(count: int = 120) -> JurkatCells:
    """Cells of three classes: disks with fine or coarse grains, or with a bright middle."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    y, x = np.indices((40, 40)) - 19.5
    images = np.empty((count, 40, 40, 2))
    for image, label in zip(images, labels, strict=True):
        distance = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1))
        grains = ndimage.gaussian_filter(rng.standard_normal((40, 40)), 0.5 + label)
        middle = 150 * (distance < 4) * (label == 2)
        image[..., 0] = 677 + rng.normal(0, 6, (40, 40)) + (distance < 9) * 80 * grains / grains.std() + middle
        image[..., 1] = 27 + rng.normal(0, 2, (40, 40)) + (distance < 9) * rng.gamma(2, 20, (40, 40))
    codes = np.rint(np.maximum(images, 0)).astype(np.uint16)
    return JurkatCells(codes, labels, ("G1", "S_phase", "G2"), (jurkat.BRIGHT_FIELD, jurkat.DARK_FIELD))


def setting(work: Path) -> Setting:
    return Setting(Scale.SMALL, 0, work, progress_bars())


def test_codes_put_the_background_at_zero() -> None:
    background = np.array([[[[677, 27]]]], np.uint16)
    assert network_codes(background).tolist() == [[[[0, 0]]]]
    images = np.zeros((1, 1, 5, 2), np.uint16)
    images[0, 0, :, 0] = [0, 421, 679, 931, 2000]
    images[0, 0, :, 1] = [0, 27, 100, 279, 2000]
    found = network_codes(images)[0, 0]
    assert found[:, 0].tolist() == [-128, -128, 1, 127, 127]
    # 11 * (sqrt(100) - sqrt(27)) = 52.8
    assert found[:, 1].tolist() == [-57, 0, 53, 127, 127]


def test_shifts_are_by_a_pixel_at_most() -> None:
    images = np.arange(2 * 6 * 6).reshape(2, 6, 6, 1)
    rng = np.random.default_rng(0)
    seen = {tuple(shifted_at_random(images[:1], rng)[0, 2:4, 2:4, 0].ravel()) for _ in range(200)}
    inner = images[0, :, :, 0]
    assert seen == {tuple(inner[2 + i : 4 + i, 2 + j : 4 + j].ravel()) for i in (-1, 0, 1) for j in (-1, 0, 1)}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jurkat")
    found: Page = run_on(cells(), TINY, setting(folder / "work"))
    found.write(folder / "page", RECORD)
    return folder / "page"


def test_the_page_has_all_methods_on_the_same_cells(page: Path) -> None:
    report = json.loads((page / "report.json").read_text())
    tables = report["tables"]
    assert [row["method"] for row in tables["methods"]] == METHODS
    tested = np.concatenate([fold.test for fold in stratified_folds(cells().labels)[:2]])
    for method in METHODS:
        metrics = report["facts"]["metrics"][method]
        assert metrics["cells"] == len(tested) == len(set(tested.tolist()))
        assert np.sum(metrics["confusion"], axis=1).tolist() == np.bincount(cells().labels[tested]).tolist()
    assert [row["test cells"] for row in tables["folds"]] == [24, 24]
    pooled = np.average([row[SVM] for row in tables["folds"]], weights=[24, 24])
    assert tables["methods"][2]["accuracy"]["value"] == pytest.approx(pooled)
    # Grains are seen, and the background tells nothing.
    assert tables["methods"][2]["accuracy"]["value"] > 0.9
    assert tables["methods"][4]["accuracy"]["low"] < 1 / 3
    names = {path.name for path in page.glob("*.png")}
    assert names == {"confusion.png", "reliability.png", "means.png", "curves.png"}


def test_the_quantized_network_is_exact_and_goes_along_with_no_cell(page: Path) -> None:
    """Its images have the cells' means and spreads, within the error of 16 drawn, and are none of them."""
    design = load_design(page)
    (drawn,) = load_codes(load_network(design), design)
    real = network_codes(cells().images[:, 4:36, 4:36])
    assert drawn.shape == (16, 32, 32, 2)
    assert drawn.mean(axis=(0, 1, 2)) == pytest.approx(real.mean(axis=(0, 1, 2)), abs=1)
    assert drawn.std(axis=0).mean() == pytest.approx(real.std(axis=0).mean(), rel=0.1)
    assert not (drawn[:, None] == real[None]).all(axis=(2, 3, 4)).any()


class KilledError(Exception):
    """Stands for a killed process."""


def test_an_interrupted_run_goes_on(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, trained = experiment._Trainer.scores, []

    def counted(self: object, model: object, hidden: bool) -> np.ndarray:
        trained.append(model)
        if len(trained) == 4:
            raise KilledError
        return real(self, model, hidden)  # type: ignore[arg-type]

    monkeypatch.setattr(experiment._Trainer, "scores", counted)
    with pytest.raises(KilledError):
        run_on(cells(), TINY, setting(tmp_path / "work"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("curve.json")}
    assert len(before) == 6
    monkeypatch.setattr(experiment._Trainer, "scores", real)
    run_on(cells(), TINY, setting(tmp_path / "work")).write(tmp_path / "page", RECORD)
    assert before == {path: path.stat().st_mtime_ns for path in before}, "what was trained is not trained again"
    first, second = (json.loads((folder / "report.json").read_text()) for folder in (page, tmp_path / "page"))
    assert first["tables"] == second["tables"]


def test_without_the_cells_there_is_no_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jurkat.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"CYTOGATE_DATA is .*nowhere; it must name the folder"):
        experiment.run(setting(tmp_path))


def test_the_committed_page_keeps_what_it_promises() -> None:
    """All labelled cells, five folds; the quantized network at or above the support vector machine."""
    report = json.loads((REPOSITORY / "model" / "results" / "jurkat-full" / "report.json").read_text())
    assert report["simulated"] is False
    assert report["facts"]["sizes"]["folds"] == 5
    metrics = report["facts"]["metrics"]
    assert {metrics[method]["cells"] for method in METHODS} == {2733}
    assert metrics[QUANTIZED]["accuracy"]["value"] >= metrics[SVM]["accuracy"]["value"]
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for method in (QUANTIZED, FLOAT, SVM, CONTROL):
        for figure in (metrics[method]["accuracy"], metrics[method]["balanced_accuracy"]):
            told = f"{figure['value']:.1%} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"
            assert told.replace("%", " %") in readme, (method, told)
    less_svm = report["tables"]["differences"][0]
    assert (less_svm["one"], less_svm["other"]) == (QUANTIZED, SVM)
    mean, low, high = (100 * less_svm["difference"][name] for name in ("value", "low", "high"))
    assert f"the quantized network is {mean:.1f} points ({low:.1f} to {high:.1f}) above the SVM" in readme
