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
from cytogate.model.evaluation.classical import BOOSTING, LDA, STEP, shrinkage_lda
from cytogate.model.evaluation.operating_point import offsets_of
from cytogate.model.experiments.hand_made import hand_made
from cytogate.model.experiments.jurkat import experiment
from cytogate.model.experiments.jurkat.classifiers import chosen_share
from cytogate.model.experiments.jurkat.experiment import run_on
from cytogate.model.experiments.jurkat.learning import JurkatSizes, network_values
from cytogate.model.experiments.jurkat.results import (
    BASELINES,
    CONTROL,
    FLOAT,
    PLAIN,
    QUANTIZED,
    SVM,
    SVM_CONTROL,
    TEACHERS,
    with_point,
)
from cytogate.model.experiments.jurkat.targets import Seen
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.networks.operating_point import offset_step
from cytogate.model.networks.saved import load_codes, load_network
from cytogate.model.pages.page import Page
from tests.conftest import REPOSITORY

TINY = JurkatSizes(
    folds=2,
    side=32,
    width=0.25,
    inner_folds=2,
    teacher_epochs=2,
    epochs=3,
    quantized_epochs=1,
    fine_tune_epochs=1,
    control_epochs=1,
)
RIVALS = [name for method in BASELINES.values() for name in (method, with_point(method))]
METHODS = [QUANTIZED, PLAIN, FLOAT, TEACHERS, *RIVALS, CONTROL, SVM_CONTROL]
TOLD = [QUANTIZED, PLAIN, TEACHERS, *map(with_point, BASELINES.values()), CONTROL]
"""Methods of which the page of results tells."""
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
    accuracy = {row["method"]: row["accuracy"] for row in tables["methods"]}
    assert accuracy[SVM]["value"] == pytest.approx(pooled)
    # Grains are seen, and the background tells nothing.
    assert accuracy[SVM]["value"] > 0.9
    assert accuracy[SVM_CONTROL]["low"] < 1 / 3
    others = [row["other"] for row in tables["differences"]]
    assert {SVM, FLOAT, TEACHERS} <= set(others)
    best = max(RIVALS, key=lambda method: accuracy[method]["value"])
    assert others[0] == best
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


def test_rare_classes_are_found_at_the_operating_point_of_a_classifier() -> None:
    """Two classes overlap and one is rare: its prior is taken off, and more of its cells are found."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [400, 400, 12])
    columns = rng.normal(size=(812, 3)) + np.array([[4, 0, 0], [0, 0, 0], [0, 1.8, 0]])[labels]
    fitted = shrinkage_lda().fit(columns, labels)
    share = chosen_share(fitted, columns, labels, 3, 0)
    assert share > 0
    equal = np.repeat([0, 1], 400)
    assert chosen_share(shrinkage_lda().fit(columns[:800], equal), columns[:800], equal, 3, 0) == 0
    offsets = offsets_of(np.bincount(labels), share, STEP)
    logits = np.log(fitted.predict_proba(columns))
    rare = labels == 2
    assert ((logits + offsets).argmax(axis=1) == 2)[rare].sum() > (logits.argmax(axis=1) == 2)[rare].sum()


def test_the_quantized_network_decides_at_the_operating_point(tmp_path: Path) -> None:
    """The offsets are in its biases: its logits differ by them alone from those without."""
    made = cells()
    uneven = np.flatnonzero((made.labels != 2) | (np.arange(120) < 60))
    made = JurkatCells(made.images[uneven], made.labels[uneven], made.class_names, made.channels)
    (fold, *_) = stratified_folds(made.labels)
    seen = Seen(network_values(made.images, TINY.side), hand_made(made.images, "cells", setting(tmp_path)))
    part = experiment._Part(made, seen, fold, TINY, setting(tmp_path), tmp_path / "fold-0")
    found = part.networks({QUANTIZED: 0.5})
    step = offset_step(found.quantized.model)
    wanted = offsets_of(np.bincount(made.labels[fold.training]), 0.5, step)
    assert wanted[2] > 0.2
    differences = found.logits[QUANTIZED] - found.logits[PLAIN]
    # Single precision holds the logits, which lie on a grid finer than the bias's.
    assert differences == pytest.approx(np.tile(wanted, (len(fold.test), 1)), abs=1e-5)


class KilledError(Exception):
    """Stands for a killed process."""


@pytest.mark.full
def test_an_interrupted_run_goes_on(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = experiment._Part.baselines, []

    def counted(self: experiment._Part, shares: dict[str, float]) -> dict[str, np.ndarray]:
        done.append(self)
        if len(done) == 2:
            raise KilledError
        return real(self, shares)

    monkeypatch.setattr(experiment._Part, "baselines", counted)
    with pytest.raises(KilledError):
        run_on(cells(), TINY, setting(tmp_path / "work"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("curve.json")}
    # In either fold two teachers, the float and the quantized student; in the first the background's network, too.
    assert len(before) == 9
    monkeypatch.setattr(experiment._Part, "baselines", real)
    run_on(cells(), TINY, setting(tmp_path / "work")).write(tmp_path / "page", RECORD)
    assert before == {path: path.stat().st_mtime_ns for path in before}, "what was trained is not trained again"
    first, second = (json.loads((folder / "report.json").read_text()) for folder in (page, tmp_path / "page"))
    assert first["tables"] == second["tables"]


def test_without_the_cells_there_is_no_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jurkat.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"CYTOGATE_DATA is .*nowhere; it must name the folder"):
        experiment.run(setting(tmp_path))


def test_the_committed_page_keeps_what_it_promises() -> None:
    """All labelled cells, five folds; the quantized network above every classifier, interval and all, in accuracy."""
    report = json.loads((REPOSITORY / "docs" / "results" / "jurkat-full" / "report.json").read_text())
    assert report["simulated"] is False
    assert report["facts"]["sizes"]["folds"] == 5
    metrics = report["facts"]["metrics"]
    assert {metrics[method]["cells"] for method in METHODS} == {2733}
    results = (REPOSITORY / "docs" / "results" / "index.md").read_text(encoding="utf-8")
    for method in TOLD:
        for figure in (metrics[method]["accuracy"], metrics[method]["balanced_accuracy"]):
            told = f"{figure['value']:.1%} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"
            assert told.replace("%", " %") in results, (method, told)
    differences = {row["other"]: row for row in report["tables"]["differences"] if row["one"] == QUANTIZED}
    rivals = [name for name in differences if name not in (FLOAT, TEACHERS)]
    best, balanced = (
        max(rivals, key=lambda name: metrics[name][of]["value"]) for of in ("accuracy", "balanced_accuracy")
    )
    assert (best, balanced) == (with_point(BASELINES[BOOSTING]), with_point(BASELINES[LDA]))
    mean, low, high = (100 * differences[best]["difference"][name] for name in ("value", "low", "high"))
    assert low > 0
    assert f"the quantized network is {mean:.1f} points ({low:.1f} to {high:.1f}) above the most accurate" in results
    difference = differences[balanced]["difference of balanced accuracy"]
    mean, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    assert low < 0 < high
    plain = " ".join(results.split())
    assert "balanced accuracy it is not told apart from the best" in plain
    assert f"({mean:.1f} points, {low:.1f} to {high:.1f})" in plain
