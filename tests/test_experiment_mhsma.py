"""The experiment on the sperm cells: in small on cells made here, its parts, and which cells each scale reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.data import mhsma
from cytogate.model.data.mhsma import LABELS, SpermCells, network_codes
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.experiments.mhsma import experiment, targets
from cytogate.model.experiments.mhsma.experiment import Parts, run_on
from cytogate.model.experiments.mhsma.learning import Moved, SpermSizes, logits_of, middle, network_values
from cytogate.model.experiments.mhsma.results import BACKGROUND, FLOAT, LARGEST, QUANTIZED, TEACHERS_TOGETHER
from cytogate.model.experiments.mhsma.targets import BOOSTING, CLASSIFIERS, LDA, SVM, TEACHERS
from cytogate.model.experiments.setting import Scale
from cytogate.model.networks.saved import load_codes, load_network
from tests.conftest import REPOSITORY
from tests.experiments import setting_in

TINY = SpermSizes(
    folds=2, binning=2, side=24, width=0.25, teacher_epochs=2, epochs=3, quantized_epochs=1, fine_tune_epochs=1
)
METHODS = [QUANTIZED, FLOAT, TEACHERS_TOGETHER, SVM, LDA, BOOSTING, BACKGROUND]
RECORD: dict[str, object] = {"command": "none", "minutes": 0.0}


def cells(count: int, seed: int) -> SpermCells:
    """Ellipses whose middle is dark where the head is abnormal, with a bright spot where there is a vacuole."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (count, len(LABELS)))
    y, x = np.indices((64, 64)) - 31.5
    images = rng.normal(126, 3, (count, 64, 64))
    for image, (_, head, vacuole, _) in zip(images, labels, strict=True):
        image -= (30 + 30 * head) * ((x / 14) ** 2 + (y / 9) ** 2 < 1)
        image += 60 * vacuole * ((x - 3) ** 2 + y**2 < 16)
    return SpermCells(np.clip(np.rint(images), 0, 255).astype(np.uint8), labels)


LEARNED, REPORTED = cells(80, 0), cells(40, 1)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mhsma")
    made = run_on(Parts(LEARNED, REPORTED, "test"), TINY, setting_in(folder / "work"))
    made.write(folder / "page", RECORD)
    return folder / "page"


def test_the_page_holds_every_method_and_the_published_one(page: Path) -> None:
    report, text = json.loads((page / "report.json").read_text()), (page / "README.md").read_text(encoding="utf-8")
    rows = {row["method"]: row for row in report["tables"]["methods"]}
    assert list(rows) == [*METHODS, LARGEST, "published network"]
    assert (rows["published network"]["acrosome"], rows["published network"]["tail"]) == (0.767, None)
    # The spot and the dark middle are plain to whoever sees the features; acrosome and tail are drawn by chance.
    for label in ("head", "vacuole"):
        assert rows[LDA][label]["value"] > 0.9
        assert rows[TEACHERS_TOGETHER][label]["value"] > 0.9
        assert rows[BACKGROUND][label]["value"] < 0.8
    assert rows[SVM]["acrosome"]["value"] < 0.8
    assert {row["teacher"] for row in report["tables"]["teachers"]} == {*TEACHERS, "together, joined on them"}
    assert "looked at once before, by an earlier form" in text
    assert report["simulated"] is False


def test_no_cell_is_in_the_page_or_with_the_network(page: Path) -> None:
    design = load_design(page)
    (drawn,) = load_codes(load_network(design), design)
    assert drawn.shape == (16, 24, 24, 1)
    real = middle(network_codes(LEARNED.images, 2), 24)
    assert not (drawn[:, None] == real[None]).all(axis=(2, 3, 4)).any()
    names = {path.stem for path in page.glob("*.png")}
    assert names == {"curves", *(f"confusion-{label}" for label in LABELS)}


def test_the_page_s_network_is_the_quantized_one(page: Path) -> None:
    network = load_network(load_design(page))
    said = logits_of(network, REPORTED.images, TINY) > 0
    report = json.loads((page / "report.json").read_text())
    right = (said == REPORTED.labels).mean(axis=0)
    (row,) = (each for each in report["tables"]["methods"] if each["method"] == QUANTIZED)
    assert [row[label]["value"] for label in LABELS] == pytest.approx(right)


class KilledError(Exception):
    """Stands for a killed process."""


@pytest.mark.full
def test_an_interrupted_run_goes_on(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(experiment, "baseline_predictions", killed)
    with pytest.raises(KilledError):
        run_on(Parts(LEARNED, REPORTED, "test"), TINY, setting_in(tmp_path / "work"))
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("curve.json")}
    assert len(before) == TINY.folds + 2
    run_on(Parts(LEARNED, REPORTED, "test"), TINY, setting_in(tmp_path / "work")).write(tmp_path / "page", RECORD)
    assert before == {path: path.stat().st_mtime_ns for path in before}, "what was trained is not trained again"
    first, second = (json.loads((folder / "report.json").read_text()) for folder in (page, tmp_path / "page"))
    assert first["tables"] == second["tables"]


def test_a_teacher_has_not_seen_the_cells_that_it_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are a cell's number alone, learned by heart: right on seen cells, by chance on others."""
    monkeypatch.setattr(targets, "_network", lambda *_: None)
    monkeypatch.setattr(targets, "logits_of_views", lambda model, images, sizes: np.zeros((len(images), len(LABELS))))
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 400)), rng.normal(size=(40, 400))
    taught = targets.taught(LEARNED, REPORTED, features, TINY, setting_in(tmp_path))
    assert ((taught.scores[SVM] > 0) == LEARNED.labels).mean() < 0.65
    seen = targets.fitted_svm(features[0], LEARNED.labels[:, 0], 0).predict(features[0])
    assert (seen == LEARNED.labels[:, 0]).mean() > 0.9
    assert taught.learned.shape == (80, 4)
    assert taught.reported.shape == (40, 4)


def test_images_are_moved_about_their_middle() -> None:
    """A disk in the middle stays there, whatever the angle; nothing depends on chance beyond the generator."""
    y, x = np.indices((64, 64)) - 31.5
    images = np.repeat((np.hypot(x, y) < 8).astype(np.float32)[None, ..., None], 50, axis=0)
    moved = Moved(48, 2.0)((images,), np.random.default_rng(0))[0]
    assert moved.shape == (50, 48, 48, 1)
    weights = moved[..., 0] / moved.sum(axis=(1, 2, 3))[:, None, None]
    at = np.stack([(weights * places).sum(axis=(1, 2)) for places in np.indices((48, 48)) - 23.5], axis=1)
    # By up to two pixels along each axis of an image that is turned afterwards.
    assert 1 < np.hypot(*at.T).max() < 3
    area = moved.sum(axis=(1, 2, 3)) / images[0].sum()
    assert 0.7 < area.min() < area.max() < 1.3
    again = Moved(48, 2.0)((images,), np.random.default_rng(0))[0]
    assert np.array_equal(moved, again)


def test_images_are_turned_and_mirrored() -> None:
    """A bar from the middle to the right comes to point everywhere; a spot above it comes to lie on either side."""
    images = np.zeros((200, 64, 64, 1), np.float32)
    images[:, 31:33, 32:52] = 1
    images[:, 24:28, 44:48] = 2
    moved = Moved(48, 2.0)((images,), np.random.default_rng(1))[0][..., 0]
    y, x = np.indices((48, 48)) - 23.5
    bar = np.stack([(moved * places).sum(axis=(1, 2)) for places in (y, x)])
    angles = np.arctan2(*bar)
    assert np.histogram(angles, 4, (-np.pi, np.pi))[0].min() > 25
    spot = np.stack([((moved > 1.2) * places).sum(axis=(1, 2)) for places in (y, x)])
    side = np.sign(bar[0] * spot[1] - bar[1] * spot[0])
    assert 60 < (side > 0).sum() < 140


def test_the_middle_is_the_middle() -> None:
    values = network_values(LEARNED.images, 1)
    assert np.array_equal(middle(values, 48), values[:, 8:56, 8:56])
    assert np.array_equal(TINY.seen(LEARNED.images), network_values(LEARNED.images, 2)[:, 4:28, 4:28])
    assert np.abs(values).max() <= 1


def test_the_small_scale_reads_no_test_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def part(folder: Path, name: str) -> SpermCells:
        read.append(name)
        return LEARNED

    def seen(parts: Parts, sizes: SpermSizes, setting: object) -> tuple[str, int, int]:
        return parts.name, len(parts.learned), len(parts.reported)

    monkeypatch.setenv("CYTOGATE_DATA", str(tmp_path))
    monkeypatch.setattr(mhsma, "part", part)
    monkeypatch.setattr(experiment, "run_on", seen)
    assert experiment.run(setting_in(tmp_path)) == ("validation", 80, 80)
    assert read == [mhsma.TRAINING, mhsma.VALIDATION]
    assert experiment.run(setting_in(tmp_path, Scale.FULL)) == ("test", 160, 80)
    assert read[2:] == [mhsma.TRAINING, mhsma.VALIDATION, mhsma.TEST]


def test_without_the_cells_there_is_no_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYTOGATE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"CYTOGATE_DATA is .*nowhere; it must name the folder that holds mhsma"):
        experiment.run(setting_in(tmp_path))
    monkeypatch.setenv("CYTOGATE_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"x_64_train.npy: there is no such file"):
        experiment.run(setting_in(tmp_path))


def test_the_results_quote_the_page() -> None:
    """Of the three parts that the paper reports on: the quantized network, and the best classifier of each."""
    table = json.loads((REPOSITORY / "docs/results/mhsma-full/report.json").read_text())["tables"]["methods"]
    by_method = {row["method"]: row for row in table}
    results = (REPOSITORY / "docs" / "results" / "index.md").read_text(encoding="utf-8")
    for label in ("acrosome", "head", "vacuole"):
        best = max((by_method[name][label] for name in CLASSIFIERS), key=lambda found: found["value"])
        for found in (by_method[QUANTIZED][label], best):
            assert (
                f"{found['value']:.1%} ({100 * found['low']:.1f} to {100 * found['high']:.1f})".replace("%", " %")
                in results
            )
