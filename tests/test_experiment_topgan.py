"""Paper 003's experiment: adversarial training, draws and methods, and the whole page at a size of seconds."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from cytogate.model.data import jurkat
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.experiments.topgan import adversarial
from cytogate.model.experiments.topgan import experiment as topgan
from cytogate.model.experiments.topgan import methods as topgan_methods
from cytogate.model.experiments.topgan.adversarial import AdversarialPlan, Losses, train_adversaries
from cytogate.model.experiments.topgan.experiment import FULL, FULL_JURKAT, SMALL, SMALL_JURKAT, TopganSizes, page_of
from cytogate.model.experiments.topgan.methods import (
    MOBILENET_VARIABLE,
    Draw,
    DrawOutcome,
    Method,
    OneAgainstRest,
    Schedule,
    Task,
    TopganTrainer,
    narrowed,
    runnable,
    set_statistics,
    values,
)
from cytogate.model.experiments.topgan.on_jurkat import TopganJurkatSizes, add_jurkat
from cytogate.model.experiments.topgan.results import add_comparison, gain
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import load_codes, load_network
from cytogate.model.networks.topgan import TopGan, discriminator, float_network, generator
from cytogate.model.pages.page import Page
from tests.streams import real_data

TINY = TopGan(size=16, filters=(2, 3, 4, 4), latent=5, dense=(6, 6))
PLAN = AdversarialPlan(epochs=3, passes=2, batch=4, seed=1, watched=(1, 3), pictures=2)
TINY_SIZES = TopganSizes(
    side=16,
    width=1 / 32,
    unlabelled=8,
    pool=16,
    test=20,
    draws=2,
    training=(10,),
    adversarial=AdversarialPlan(epochs=1, passes=1, batch=8, watched=(1,)),
    schedule=Schedule(epochs=1, learning_rate=1e-3, falls=True, passes=1, least_steps=2, quantized_epochs=1),
    methods=(Method.KNN, Method.CNN, Method.TOP_GAN_AUG),
)
TINY_JURKAT = TopganJurkatSizes(
    side=16,
    width=1 / 32,
    unlabelled=8,
    folds=1,
    training=(10,),
    methods=(Method.KNN, Method.CNN_AUG, Method.TOP_GAN_AUG),
)


def some_images(count: int = 9) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, 16, 16, 1)).astype(np.float32)


def setting(work: Path) -> Setting:
    return Setting(Scale.SMALL, 0, work, Progress(disable=True))


def weights(*models: keras.Model) -> list[np.ndarray]:
    return [np.asarray(each) for model in models for each in model.variables]


# Adversarial training.


def test_adversaries_go_on_where_they_stopped(tmp_path: Path) -> None:
    """Interrupted in its second epoch, the training ends with every weight of one that was not."""
    images, whole = some_images(), tmp_path / "whole"
    due = train_adversaries(TINY, images, PLAN, folder=whole)

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_adversaries(TINY, images, PLAN, folder=tmp_path / "parts", on_progress=interrupt)
    seen: list[str] = []
    again = train_adversaries(
        TINY, images, PLAN, folder=tmp_path / "parts", on_progress=lambda what, done, total: seen.append(what)
    )
    assert sorted(set(seen)) == ["epoch 2 of 3", "epoch 3 of 3"]
    assert again.curve == due.curve
    assert len(due.curve) == 3
    for one, other in zip(
        weights(again.generator, again.discriminator), weights(due.generator, due.discriminator), strict=True
    ):
        assert np.array_equal(one, other)
    assert list(again.pictures) == [1, 3]
    for epoch, pictures in due.pictures.items():
        assert pictures.shape == (2, 16, 16, 1)
        assert np.abs(pictures).max() <= 1
        assert np.array_equal(again.pictures[epoch], pictures)
    assert not np.array_equal(due.pictures[1], due.pictures[3])

    with pytest.raises(InputError, match="belongs to a training with other settings or cells"):
        train_adversaries(TINY, images, PLAN, folder=whole, identity={"seed": 2})
    (whole / "adversaries.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="holds no adversarial training"):
        train_adversaries(TINY, images, PLAN, folder=whole)


def test_losses_are_those_of_the_paper() -> None:
    """Equations 4 and 5: discriminator -log D(x) - log(1 - D(G(z))), generator -log D(G(z)), batch means."""
    maker, judge = generator(TINY), discriminator(TINY)
    images, latent = np.repeat(some_images(4), 3, axis=-1), np.ones((4, 5), np.float32)
    # Normalized by the batch's own statistics, as a training step has it.
    real, made = (np.asarray(judge(each, training=True)) for each in (images, maker(latent, training=True)))
    optimizer = keras.optimizers.Adam(0.0)
    optimizer.build([*maker.trainable_variables, *judge.trainable_variables])
    found = adversarial._adversarial_step(maker, judge, optimizer)(images, latent)
    assert found[0] == pytest.approx(-np.log(real).mean() - np.log(1 - made).mean(), rel=1e-4)
    assert found[1] == pytest.approx(-np.log(made).mean(), rel=1e-4)


def test_each_network_falls_by_its_own_loss() -> None:
    """Of one small step, the change of the discriminator lowers its loss; that of the generator lowers the other."""
    keras.utils.set_random_seed(3)
    maker, judge = generator(TINY), discriminator(TINY)
    images, latent = np.repeat(some_images(8), 3, axis=-1), np.random.default_rng(1).standard_normal((8, 5))
    latent = latent.astype(np.float32)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build([*maker.trainable_variables, *judge.trainable_variables])

    def losses() -> tuple[float, float]:
        real, made = (np.asarray(judge(each, training=True)) for each in (images, maker(latent, training=True)))
        return float(-np.log(real).mean() - np.log(1 - made).mean()), float(-np.log(made).mean())

    before = [[np.asarray(each) for each in model.trainable_variables] for model in (maker, judge)]
    of_judge, of_maker = losses()
    adversarial._adversarial_step(maker, judge, optimizer)(images, latent)
    after = [[np.asarray(each) for each in model.trainable_variables] for model in (maker, judge)]

    def put(of_maker: list[np.ndarray], of_judge: list[np.ndarray]) -> None:
        for model, arrays in ((maker, of_maker), (judge, of_judge)):
            for variable, array in zip(model.trainable_variables, arrays, strict=True):
                variable.assign(array)

    put(before[0], after[1])
    assert losses()[0] < of_judge
    put(after[0], before[1])
    assert losses()[1] < of_maker


def test_a_loss_that_is_no_number_is_said() -> None:
    with pytest.raises(CheckFailed, match="epoch 1 of an adversarial training: the loss is no longer a number"):
        train_adversaries(TINY, some_images(), dataclasses.replace(PLAN, learning_rate=float("inf")))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((0, 16, 16, 1), np.float32), "one or more of"),
        (np.zeros((4, 16, 16, 3), np.float32), "one or more of"),
        (np.full((4, 16, 16, 1), 1.5, np.float32), r"must lie in \[-1, 1\]"),
        (np.full((4, 16, 16, 1), np.nan, np.float32), r"must lie in \[-1, 1\]"),
    ],
)
def test_images_that_no_generator_makes_are_refused(images: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        train_adversaries(TINY, images, PLAN)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"passes": 0}, {"pictures": 0}, {"watched": (4,)}])
def test_plans_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        dataclasses.replace(PLAN, **wrong)  # type: ignore[arg-type]


# Draws and methods.


def test_draws_are_balanced_nested_and_apart_from_the_test_cells() -> None:
    labels = np.random.default_rng(0).integers(0, 2, 300)
    among, test = np.arange(200), np.arange(200, 300)
    draw, other = (Draw.of(labels, among, test, 60, np.random.default_rng(seed)) for seed in (0, 1))
    assert len(np.unique(draw.training)) == 60
    assert not set(draw.training) & set(test)
    for cells in (10, 20, 60):
        assert labels[draw.training[:cells]].sum() == cells // 2
    assert set(draw.training) != set(other.training)
    for cells in (61, 400):
        with pytest.raises(InputError, match=f"{cells} training cells, half of each class"):
            Draw.of(labels, among, test, cells, np.random.default_rng(0))


@pytest.mark.parametrize("sizes", [SMALL, FULL])
def test_draws_of_the_experiment_can_be_drawn(sizes: TopganSizes) -> None:
    """All sizes are even, and no class of the pool is too small; codes need no image for it."""
    labels = np.arange(sizes.pool + sizes.test) % 2
    draw = Draw.of(
        labels, np.arange(sizes.pool), np.arange(sizes.pool, len(labels)), max(sizes.training), np.random.default_rng(0)
    )
    assert all(cells % 2 == 0 for cells in sizes.training)
    assert max(sizes.training) == 236
    assert min(sizes.training) == 10
    assert not set(draw.training) & set(draw.test)


def test_full_scale_is_the_papers() -> None:
    network, plan = narrowed(FULL.side, FULL.width), FULL.adversarial
    assert (network.size, network.filters, network.dense) == (128, (64, 128, 256, 512), (100, 100))
    assert (plan.epochs, plan.learning_rate, plan.first_moment, plan.passes) == (75, 2e-4, 0.5, 8)
    assert (FULL.unlabelled, FULL.draws, FULL.schedule.epochs, FULL.schedule.learning_rate) == (2762, 5, 900, 1e-5)
    assert not FULL.schedule.falls
    assert set(FULL.methods) == set(SMALL.methods) == set(Method)
    assert network.deviation == 0.02
    assert SMALL_JURKAT.folds <= FULL_JURKAT.folds == 5


def test_narrow_networks_begin_with_sums_as_wide() -> None:
    """A quarter of the filters: twice the deviation; the second convolution's sums spread alike within 10 %."""
    spreads = []
    for spec in (TopGan(size=16, filters=(64, 64, 64, 64)), TopGan(size=16, filters=(64, 64, 64, 64)).scaled(16, 0.25)):
        network = float_network(spec)
        layer = network.get_layer("convolution_2")
        x = np.random.default_rng(1).standard_normal((8, 8, 8, spec.filters[0])).astype(np.float32)
        spreads.append(float(np.std(np.asarray(layer(x)))))
    assert spreads[1] == pytest.approx(spreads[0], rel=0.1)


def test_a_sigmoid_each_has_the_mean_of_two_cross_entropies() -> None:
    labels, outputs = np.array([0, 1]), np.array([[0.9, 0.2], [0.4, 0.7]], np.float32)
    due = [-(np.log(0.9) + np.log(0.8)) / 2, -(np.log(0.6) + np.log(0.7)) / 2]
    assert np.asarray(OneAgainstRest(from_logits=False).call(labels, outputs)) == pytest.approx(due, rel=1e-5)
    of_logits = OneAgainstRest(from_logits=True).call(labels, np.log(outputs / (1 - outputs)))
    assert np.asarray(of_logits) == pytest.approx(due, rel=1e-5)


def test_statistics_are_those_of_the_images() -> None:
    """Judged by them, the images give what a training step makes of them as one batch; momentum stays."""
    network = float_network(dataclasses.replace(TINY, dropout=0.0))
    images = np.repeat(some_images(6), 3, axis=-1)
    momentum = network.get_layer("normalization_2").momentum
    due = np.asarray(network(images, training=True))
    assert np.abs(np.asarray(network(images, training=False)) - due).max() > 1e-6
    set_statistics(network, images)
    assert np.asarray(network(images, training=False)) == pytest.approx(due, abs=1e-5)
    assert network.get_layer("normalization_2").momentum == momentum > 0


def test_mobilenet_runs_where_its_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MOBILENET_VARIABLE, str(tmp_path / "weights.h5"))
    assert Method.MOBILENET not in runnable(Method)
    (tmp_path / "weights.h5").touch()
    assert runnable(Method) == tuple(Method)
    monkeypatch.delenv(MOBILENET_VARIABLE)
    assert len(runnable(Method)) == len(Method) - 1


def made_up(method: Method, cells: int, draw: int, right: float, labels: np.ndarray) -> DrawOutcome:
    """An outcome of so many right predictions; all wrong ones miss positive cells."""
    hit = np.argsort(np.argsort(labels, kind="stable")) < round(right * len(labels))
    said = np.where(hit, labels, 1 - labels)
    return DrawOutcome("a task", method, cells, draw, labels, np.where(np.eye(2)[said] > 0, 0.8, 0.2))


def test_comparison_says_what_the_outcomes_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Means, ranges and deviations of draws; sensitivity and specificity; and one row in words for MobileNet."""
    labels = np.arange(100) % 2
    shares = {Method.KNN: (0.6, 0.7), Method.CNN: (0.6, 0.8), Method.TOP_GAN: (0.8, 0.9)}
    outcomes = [
        made_up(method, cells, draw, share + (0.05 if cells == 20 else 0.0), labels)
        for method, each in shares.items()
        for cells in (10, 20)
        for draw, share in enumerate(each)
    ]
    draws = (Draw(np.arange(20), np.arange(100)),) * 2
    page = Page("A page", simulated=True)
    add_comparison(
        page, 1, Task("a task", ("no", "yes"), np.zeros((100, 1, 1, 1), np.int8), labels, draws, {}), outcomes
    )
    page.write(tmp_path / "page", {"command": "none", "minutes": 0.0})
    with (tmp_path / "page" / "accuracy_1.csv").open() as file:
        rows = {(row["method"], row["training cells"]): row for row in csv.DictReader(file)}
    assert len(rows) == 6
    found = rows["CNN", "10"]
    assert [float(found[key]) for key in ("mean", "lowest", "highest")] == pytest.approx([0.7, 0.6, 0.8])
    assert float(found["standard deviation"]) == pytest.approx(0.02**0.5)
    report = json.loads((tmp_path / "page" / "report.json").read_text())
    table = report["tables"]["table_1"]
    assert len(table) == 7
    top = next(row for row in table if row["method"] == "TOP-GAN" and row["training cells"] == 20)
    assert [top[key] for key in ("sensitivity", "specificity", "AUC")] == pytest.approx([0.8, 1.0, 0.9])
    assert MOBILENET_VARIABLE in table[-1]["method"]
    text = (tmp_path / "page" / "README.md").read_text()
    assert "With 10 training cells TOP-GAN has the highest mean accuracy, 0.850" in text
    assert "TOP-GAN less CNN is +0.150 (" in text
    assert (tmp_path / "page" / "figure_4_1.png").exists()


def test_gain_is_paired_and_knows_when_there_is_none() -> None:
    labels = np.arange(200) % 2
    one, other = ([made_up(Method.CNN, 10, draw, share, labels) for draw in range(3)] for share in (0.8, 0.7))
    found, none = gain(one, other), gain(one, one)
    assert found.value == pytest.approx(0.1)
    assert 0 < found.low < 0.1 < found.high < 0.2  # type: ignore[operator]
    assert (none.low, none.value, none.high) == (0, 0, 0)


# The whole experiment.


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def written(work: Path) -> Path:
    """The page of the tiny experiment, without real data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(jurkat.VARIABLE, raising=False)
        patch.delenv(MOBILENET_VARIABLE, raising=False)
        folder = work.parent / f"{work.name}-page"
        page_of(setting(work), TINY_SIZES, TINY_JURKAT).write(folder, {"command": "none", "minutes": 0.0})
    return folder


def test_the_page_has_the_papers_tables_and_figures(written: Path) -> None:
    report = json.loads((written / "report.json").read_text())
    names = [method.value for method in TINY_SIZES.methods]
    for number in (1, 2):
        accuracies, table = (report["tables"][f"{name}_{number}"] for name in ("accuracy", "table"))
        assert [row["method"] for row in accuracies] == names
        assert [row["method"] for row in table[:-1]] == names
        assert f"{MOBILENET_VARIABLE} named no file" in table[-1]["method"]
        assert all(0 <= row["lowest"] <= row["mean"] <= row["highest"] <= 1 for row in accuracies)
    assert [row["network"] for row in report["tables"]["quantized"]] == ["float", "quantized network"]
    figures = ("cells", "figure_4_1", "figure_4_2", "figure_5", "reliability")
    assert all((written / f"{name}.png").stat().st_size > 2000 for name in figures)
    text = (written / "README.md").read_text()
    assert "**Simulated cells**" in text
    assert f"Skipped: {jurkat.VARIABLE} is not set" in text
    assert "Small scale: 8 times fewer pixels a side, 32 times fewer filters" in text
    assert "jurkat" not in report["tables"]


def test_the_quantized_network_goes_along_with_unseen_cells(written: Path) -> None:
    design = load_design(written)
    model = load_network(design)
    (codes,) = load_codes(model, design)
    assert codes.shape == (16, 16, 16, 1)
    words = read_exactly(model).inputs[0].format
    assert words.code_min <= codes.min() <= codes.max() <= words.code_max
    assert codes.min() == -128, "the background is 0 nm"


def test_a_finished_experiment_trains_nothing_again(
    written: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found in its folder is taken over: every figure is the same, and no file is written."""
    monkeypatch.delenv(jurkat.VARIABLE, raising=False)
    monkeypatch.delenv(MOBILENET_VARIABLE, raising=False)
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    page_of(setting(work), TINY_SIZES, TINY_JURKAT).write(tmp_path / "page", {"command": "none", "minutes": 0.0})
    assert before == {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    assert len(before) > 8
    one, other = (json.loads((folder / "report.json").read_text()) for folder in (written, tmp_path / "page"))
    assert one["tables"] == other["tables"]


def test_methods_with_the_same_seed_differ_by_what_they_learned(work: Path, written: Path) -> None:
    """CNN and TOP-GAN begin with the same dense layers and other convolutions: the discriminator's."""
    trainer = TopganTrainer(
        task=Task("none", ("a", "b"), np.zeros((4, 16, 16, 1), np.int8), np.arange(4) % 2, (), {}),
        spec=TINY,
        schedule=Schedule(epochs=1, least_steps=1, passes=1, learning_rate=0.0),
        discriminator=discriminator(TINY),
        pretraining={},
        seed=0,
        folder=work / "seeds",
        on_progress=lambda what, done, total: None,
    )
    draw = Draw(np.arange(4), np.arange(4))
    trainer = dataclasses.replace(trainer, task=dataclasses.replace(trainer.task, draws=(draw,)))
    networks = {method: trainer.classifier(method, 4, 0) for method in (Method.CNN, Method.TOP_GAN)}
    kernels = {
        name: [np.asarray(network.get_layer(name).kernel) for network in networks.values()]
        for name in ("convolution_2", "dense_1")
    }
    learned = np.asarray(trainer.discriminator.get_layer("convolution_2").kernel)
    assert np.array_equal(kernels["convolution_2"][1], learned)
    assert not np.array_equal(kernels["convolution_2"][0], learned)
    assert kernels["dense_1"][0].std() == pytest.approx(kernels["dense_1"][1].std(), rel=0.2)


def jurkat_folder(folder: Path) -> Path:
    """A folder of real data's shape with noise in it: 100 labelled cells of three classes, 8 others."""
    rng = np.random.default_rng(0)
    channels = np.array([jurkat.BRIGHT_FIELD, jurkat.DARK_FIELD, jurkat.DNA_STAIN])
    (folder / jurkat.FOLDER).mkdir()
    for name, count, extra in (
        ("labelled", 100, {"labels": np.arange(100) % 3, "class_names": np.array(["G1", "S_phase", "G2"])}),
        ("unlabelled_g1", 8, {}),
    ):
        images = rng.integers(500, 900, (count, 3, 40, 40)).astype(np.uint16)
        np.savez(folder / jurkat.FOLDER / f"{name}.npz", images=images, channels=channels, **extra)
    return folder


def test_jurkat_cells_are_a_section_where_there_are_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise instead of cells: the section is there with its rows and its control, and finds nothing."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv(jurkat.VARIABLE, str(jurkat_folder(data)))
    page = Page("A page", simulated=True)
    add_jurkat(page, setting(tmp_path / "work"), TINY_JURKAT, TINY_SIZES.adversarial, TINY_SIZES.schedule)
    page.write(tmp_path / "page", {"command": "none", "minutes": 0.0})
    rows = json.loads((tmp_path / "page" / "report.json").read_text())["tables"]["jurkat"]
    assert [row["method"] for row in rows] == [
        *(method.value for method in TINY_JURKAT.methods),
        "background check: TOP-GAN + augmentation, background alone",
    ]
    assert all(row["accuracy"]["low"] < 0.5 < row["accuracy"]["high"] for row in rows)
    text = (tmp_path / "page" / "README.md").read_text()
    assert "34 G1 and 33 G2" in text
    assert "The background alone gives" in text


@pytest.mark.realdata
def test_jurkat_cells_can_be_read_and_drawn() -> None:
    cells = jurkat.labelled(real_data()).only("G1", "G2")
    for sizes in (SMALL_JURKAT, FULL_JURKAT):
        rim = (jurkat.SIDE - sizes.side) // 2
        assert values(jurkat.network_codes(cells.images[:2]))[:, rim : rim + sizes.side].shape[1] == sizes.side
        training = np.arange(len(cells.labels) * 4 // 5)
        assert len(Draw.of(cells.labels, training, training, max(sizes.training), np.random.default_rng(0)).training)


@pytest.mark.full
def test_full_scale_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of the adversaries and of each kind of classifier at the paper's sizes."""
    spec = narrowed(FULL.side, FULL.width)
    images = np.random.default_rng(0).integers(-128, 128, (8, 128, 128, 1)).astype(np.int8)
    plan = dataclasses.replace(FULL.adversarial, epochs=1, passes=1, batch=4, watched=(1,))
    adversaries = train_adversaries(spec, values(images[:4]), plan)
    assert isinstance(adversaries.curve[0], Losses)
    assert adversaries.pictures[1].shape == (plan.pictures, 128, 128, 1)
    labels = np.arange(8) % 2
    task = Task("full", ("a", "b"), images, labels, (Draw(np.arange(4), np.arange(4, 8)),), {})
    schedule = dataclasses.replace(FULL.schedule, epochs=1, passes=1, quantized_epochs=1)
    trainer = TopganTrainer(
        task, spec, schedule, adversaries.discriminator, {}, 0, tmp_path, lambda what, done, total: None
    )
    trained = trainer.classifier(Method.TOP_GAN_AUG, 4, 0)
    quantized = trainer.quantized(trained, Method.TOP_GAN_AUG, 4, 0)
    for model in (trained, quantized):
        assert trainer.probabilities(model, np.arange(4, 8)).sum(axis=1) == pytest.approx(np.ones(4))


def test_scales_of_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each scale asks for its own sizes."""
    asked: list[tuple[TopganSizes, TopganJurkatSizes]] = []
    monkeypatch.setattr(topgan, "page_of", lambda setting, sizes, of_jurkat: asked.append((sizes, of_jurkat)))
    for scale in Scale:
        topgan.run(Setting(scale, 0, tmp_path, Progress(disable=True)))
    assert asked == [(SMALL, SMALL_JURKAT), (FULL, FULL_JURKAT)]
    assert topgan_methods.AUGMENTED == (Method.CNN_AUG, Method.TOP_GAN_AUG)
