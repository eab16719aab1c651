"""Training: the symmetries of four angles, splits, restarts that change nothing, and the verdict."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.contract.law import contract
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.splits import Split
from cytogate.model.design.design import CLASS_NAMES, Design, Network, Window
from cytogate.model.design.folder import BUILTIN, DESIGN_FILE, RECORD_FILE, design_text, load_design, network_folder
from cytogate.model.design.instruments import FourAngle
from cytogate.model.design.topologies import Contrast, Meng2017
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.evaluation.metrics import Interval, Metrics
from cytogate.model.evaluation.verdict import Evaluation, OverSymmetries, Predictions
from cytogate.model.networks.exact import count_macs, count_weights, logits
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import QUANTIZED_WEIGHTS, load_network, save_network
from cytogate.model.retrieval import integer
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_network_inputs
from cytogate.model.train import TrainRequest, _simulated
from cytogate.model.training.designs import (
    FLOAT,
    QUANTIZED,
    DesignPlan,
    augment,
    symmetries_of,
    train_both,
    train_float,
)
from cytogate.model.training.recipes import OneCyclePlan, TrainingPlan
from tests.conftest import REPOSITORY

DESIGN = Design("small", window=Window(64, 64, 4), network=Network(CLASS_NAMES, Meng2017(filters=(2, 3, 4), dense=6)))
PLAN = TrainingPlan(seed=3, epochs=2, fine_tune_epochs=1, batch=16)
CONTRAST = dataclasses.replace(DESIGN, network=Network(CLASS_NAMES, Contrast(filters=(2, 3, 4), dense=6)))
RECIPES: dict[str, tuple[Design, DesignPlan, dict[str, list[str]]]] = {
    "each from its own initial weights": (
        DESIGN, PLAN, {FLOAT: ["train", "train"], QUANTIZED: ["train", "train", "snap", "fine-tune"]}
    ),
    "float first": (
        CONTRAST,
        OneCyclePlan(seed=3, epochs=2, fine_tune_epochs=1, batch=16),
        {FLOAT: ["train", "train"], QUANTIZED: ["start", "fine-tune"]},
    ),
}  # fmt: skip
"""Designs, plans, and the phases of each network's epochs."""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> CellFile:
    """Squares of five brightnesses: learnable within two epochs."""
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 5
    inputs = rng.integers(90, 110, (150, 64, 64, 5), np.uint8)
    inputs[:, 20:44, 20:44, 4] += (labels * 30).astype(np.uint8)[:, None, None]
    path = tmp_path_factory.mktemp("cells") / "cells.h5"
    with h5py.File(path, "w") as file:
        file["network_input"], file["labels"] = inputs, labels
        file.attrs["seed"] = 0
    return CellFile.of(path, DESIGN)


def split_of(cells: CellFile) -> Split:
    """Who trains, selects and is reported on."""
    return Split.of(cells.labels, PLAN.seed)


@pytest.mark.parametrize("symmetry", range(8))
def test_mirrored_frames_give_the_mirrored_phase(symmetry: int) -> None:
    """The retrieval of a turned instrument's frames is the turned retrieval: the arms really trade places."""
    simulated = SimulatedCells(DESIGN.four_angle, cells=2, seed=5, shaded=False, noisy=False)
    frames = np.stack([cell.frames for cell in simulated])
    turned = frames
    if symmetry & 1:
        turned = turned[:, [1, 0, 2, 3], :, ::-1]
    if symmetry & 2:
        turned = turned[:, [0, 1, 3, 2], ::-1]
    if symmetry & 4:
        turned = turned[:, [2, 3, 0, 1]].swapaxes(2, 3)
    # 305 less 256 is odd: the window of a mirrored frame begins a pixel later, so that one pixel is left out.
    crop = np.s_[:, :, :-1, :-1]
    shift = (slice(None), slice(None), slice((symmetry >> 1) & 1, None), slice(symmetry & 1, None))
    if symmetry & 4:
        shift = (*shift[:2], slice(symmetry & 1, None), slice((symmetry >> 1) & 1, None))
    acquisition = dataclasses.replace(DESIGN.four_angle, rows=304, columns=304)
    even = dataclasses.replace(DESIGN, instrument=acquisition)
    straight = integer.network_inputs(np.ascontiguousarray(frames[crop]), even)
    seen = integer.network_inputs(np.ascontiguousarray(turned[shift][:, :, :304, :304]), even)
    expected = augment(straight, np.full(2, symmetry), arms=True)
    # Bright field is moved, never computed with; phase is retrieved anew, with its offset from other rows.
    assert np.array_equal(seen[..., :4], expected[..., :4])
    assert np.abs(seen[..., 4].astype(int) - expected[..., 4]).mean() < 2


def test_symmetries_are_eight_and_keep_every_code() -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 5), np.uint8)
    seen = {augment(inputs, np.array([symmetry]), arms=True).tobytes() for symmetry in range(8)}
    assert len(seen) == 8
    assert all(sorted(codes) == sorted(inputs.tobytes()) for codes in seen)


def test_split_is_by_class_disjoint_and_whole() -> None:
    labels = np.repeat(np.arange(5), [100, 50, 25, 25, 200])
    split = Split.of(labels, seed=1)
    parts = [split.training, split.validation, split.test]
    assert sorted(np.concatenate(parts)) == list(range(400))
    assert [len(part) for part in parts] == [304, 32, 64]
    assert np.array_equal(np.bincount(labels[split.test]), [16, 8, 4, 4, 32])
    assert not np.array_equal(split.test, Split.of(labels, seed=2).test)
    with pytest.raises(InputError, match="too few to split"):
        Split.of(labels[:2], seed=1)


@pytest.mark.parametrize("rare", [3, 4, 5, 10, 11, 13])
def test_each_part_has_cells_of_each_class(rare: int) -> None:
    labels = np.repeat([0, 1], [1000, rare])
    for seed in range(5):
        split = Split.of(labels, seed)
        parts = [np.bincount(labels[part], minlength=2) for part in (split.training, split.validation, split.test)]
        assert min(map(min, parts)) >= 1
        assert np.sum(parts, axis=0).tolist() == [1000, rare]


def dealt_parts(labels: np.ndarray, groups: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return labels of the parts, after a look at groups and cells."""
    names = [f"class {number}" for number in range(int(labels.max()) + 1)]
    split = Split.by_groups(labels, groups, names, seed)
    parts = [split.training, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert sum(len(np.unique(groups[part])) for part in parts) == len(np.unique(groups))
    lacks = any(len(np.unique(labels[part])) < len(names) for part in parts)
    assert (split.lacking(labels, names) is not None) == lacks
    return [labels[part] for part in parts]


def one_class_each(groups: int, classes: int, cells: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Donors who are patients or not: labels and groups of ``cells`` of each."""
    donors = np.repeat(np.arange(groups), cells)
    return donors % classes, donors


@pytest.mark.parametrize(("groups", "classes"), [(6, 2), (8, 2), (10, 2), (12, 2), (14, 2), (9, 3), (12, 3), (40, 5)])
def test_donors_of_one_class_each_are_dealt_so_that_each_part_has_each_class(groups: int, classes: int) -> None:
    labels, donors = one_class_each(groups, classes)
    for seed in range(4):
        assert [len(np.unique(part)) for part in dealt_parts(labels, donors, seed)] == [classes] * 3


def test_groups_are_dealt_so_that_each_part_has_each_class_where_that_can_be() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(9), 40)
        # Class 2 is in four groups of nine.
        labels = np.where(groups % 9 < 4, rng.integers(0, 3, len(groups)), rng.integers(0, 2, len(groups)))
        assert [len(np.unique(part)) for part in dealt_parts(labels, groups, seed)] == [3, 3, 3]


@pytest.mark.parametrize(
    "sizes", [(3000, 300, 300), (5000, *[400] * 7), (20, 900, 40, 700, 60, 400, 80, 90, 1000, 30, 50, 10)]
)
def test_parts_come_as_close_to_their_shares_as_groups_let_them(sizes: tuple[int, ...]) -> None:
    """The largest group trains, and seeds deal otherwise where ways are about as close."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.arange(len(groups)) % 2
    told = set()
    for seed in range(6):
        parts = dealt_parts(labels, groups, seed)
        shares = [len(part) / len(labels) for part in parts]
        assert shares[0] > 0.6, "five of six cells train where groups are as small as the other two parts"
        assert max(shares[1:]) < 0.3
        told.add(tuple(map(len, parts)))
        told.add(Split.by_groups(labels, groups, ("a", "b"), seed).test.tobytes())
    assert len(told) > 2


def test_thousands_of_groups_are_dealt_in_seconds() -> None:
    groups = np.repeat(np.arange(1500), 3)
    labels = np.random.default_rng(0).integers(0, 5, len(groups))
    counts = np.array([np.bincount(part, minlength=5) for part in dealt_parts(labels, groups, 0)])
    assert np.abs(counts / counts.sum(axis=0) - np.array([[0.76], [0.08], [0.16]])).max() < 0.03


def test_what_no_way_of_dealing_gives_is_told() -> None:
    """Four classes, each on three of five days, such that no way has each class in each part: who selects lacks one."""
    lines = [(0, 2, 4), (0, 3, 4), (1, 2, 4), (1, 2, 3)]
    pairs = np.array([(number, day) for number, days in enumerate(lines) for day in days])
    labels, groups = np.repeat(pairs, 20, axis=0).T
    for seed in range(4):
        split = Split.by_groups(labels, groups, tuple("ABCD"), seed)
        assert set(labels[split.training]) == set(labels[split.test]) == set(labels)
        assert split.lacking(labels, tuple("ABCD")) in {"none of B selects", "none of D selects"}


def test_few_cells_in_many_groups_are_dealt() -> None:
    groups, labels = np.random.default_rng(2).integers(0, 14, 21), np.repeat([0, 1], [10, 11])
    assert [len(np.unique(part)) for part in dealt_parts(labels, groups, 0)] == [2, 2, 2]


def test_a_class_of_too_few_groups_is_named() -> None:
    groups = np.repeat(["a", "b", "c", "d", "e"], 20)
    labels = np.where(np.isin(groups, ["a", "d"]), 1, 0)
    with pytest.raises(InputError, match="cells of class THP1 are in groups a, d alone; three are needed to train"):
        Split.by_groups(labels, groups, ("MCF7", "THP1"), 0)


class KilledError(Exception):
    """Stands for a killed process."""


@pytest.mark.parametrize(
    "recipe", [pytest.param("each from its own initial weights", marks=pytest.mark.full), "float first"]
)
def test_an_interrupted_training_ends_with_the_same_weights(recipe: str, cells: CellFile, tmp_path: Path) -> None:
    design, plan, phases = RECIPES[recipe]
    straight = train_both(design, cells, split_of(cells), tmp_path / "straight", plan)
    calls = 0

    def interrupt(what: str, done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls in (9, 14, 23, 29):
            raise KilledError

    for _ in range(6):
        try:
            resumed = train_both(design, cells, split_of(cells), tmp_path / "resumed", plan, interrupt)
            break
        except KilledError:
            continue
    assert calls > 29, "it was interrupted in the second network, too"
    for name, due in phases.items():
        assert resumed[name].curve == straight[name].curve
        assert resumed[name].selected == straight[name].selected
        weights = (each[name].model.get_weights() for each in (resumed, straight))
        for one, other in zip(*weights, strict=True):
            assert np.array_equal(one, other)
        assert [epoch.phase for epoch in straight[name].curve] == due


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_was_trained_can_be_loaded_and_is_exact(recipe: str, cells: CellFile, tmp_path: Path) -> None:
    design, plan, _ = RECIPES[recipe]
    trained = train_both(design, cells, split_of(cells), tmp_path / "work", plan)[QUANTIZED]
    design = dataclasses.replace(design, folder=tmp_path)
    save_network(trained.model, design, True)
    loaded = load_network(design)
    read_exactly(loaded)
    inputs = cells.read(np.arange(20))
    assert np.array_equal(logits(loaded, inputs), logits(trained.model, inputs))


def test_a_record_of_another_training_is_refused(cells: CellFile, tmp_path: Path) -> None:
    train_float(DESIGN, cells, split_of(cells), tmp_path / "work", PLAN)
    with pytest.raises(InputError, match="belongs to a training with other settings"):
        train_float(DESIGN, cells, split_of(cells), tmp_path / "work", dataclasses.replace(PLAN, seed=4))
    (tmp_path / "work" / "curve.json").write_text('{"curve": 3', encoding="utf-8")
    with pytest.raises(InputError, match="is no record of a training"):
        train_float(DESIGN, cells, split_of(cells), tmp_path / "work", PLAN)


@pytest.mark.parametrize("use", ["read", "rewritten"])
def test_a_damaged_cell_is_one_sentence(use: str, tmp_path: Path) -> None:
    """Of a file that was whole when it was opened, or whose end was not looked at."""
    path, shape = tmp_path / "cells.h5", contract(DESIGN).stage("network_input").shape
    codes = np.random.default_rng(0).integers(0, 255, (4, *shape), np.uint8)
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("network_input", data=codes, chunks=(1, *shape), compression="gzip")
        file["labels"] = np.arange(4) % 2
        place = stored.id.get_chunk_info(1).byte_offset + 200
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    cells = CellFile.of(path, DESIGN)
    uses: dict[str, Callable[[], object]] = {
        "read": lambda: cells.read(np.arange(4)),
        "rewritten": lambda: cells.rewritten(tmp_path / "changed.h5", lambda given, first: given),
    }
    with pytest.raises(InputError) as refusal:
        uses[use]()
    assert re.fullmatch(f"{path}: the file is truncated or damaged, .*", str(refusal.value))


def test_missing_and_damaged_weights_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="design small has no folder, so no trained network"):
        load_network(DESIGN)
    design = dataclasses.replace(DESIGN, folder=tmp_path)
    with pytest.raises(InputError, match="design small has no trained network yet; make one with `cytogate train"):
        load_network(design)
    network_folder(design).mkdir()
    (network_folder(design) / QUANTIZED_WEIGHTS).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(InputError, match="holds no weights of this network"):
        load_network(design)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.__delitem__("labels"), "there is no dataset labels"),
        (lambda file: file["labels"].__setitem__(4, 7), "cell 4 has label 7"),
        (lambda file: file.move("labels", "other") or file.create_dataset("labels", data=[0]), "labels are"),
        (
            lambda file: (
                file.move("network_input", "other")
                or file.create_dataset("network_input", data=np.zeros((150, 64, 64, 4), np.uint8))
            ),
            "network_input is uint8",
        ),
    ],
)
def test_wrong_cell_files_are_one_sentence(change: object, said: str, cells: CellFile, tmp_path: Path) -> None:
    path = tmp_path / "wrong.h5"
    path.write_bytes(cells.path.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError, match=said) as caught:
        CellFile.of(path, DESIGN)
    assert str(path) in str(caught.value)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        CellFile.of(path, DESIGN)


def test_training_data_are_what_the_device_would_see(tmp_path: Path) -> None:
    simulated = SimulatedCells(DESIGN.four_angle, cells=6, seed=8)
    write_network_inputs(simulated, DESIGN, tmp_path / "cells.h5", workers=1)
    write_network_inputs(simulated, DESIGN, tmp_path / "hidden.h5", background_only=True, workers=1)
    frames = np.stack([cell.frames for cell in simulated])
    found, hidden = (CellFile.of(tmp_path / f"{name}.h5", DESIGN) for name in ("cells", "hidden"))
    inputs, background = found.read(np.arange(6)), hidden.read(np.arange(6))
    assert np.array_equal(inputs, integer.network_inputs(frames, DESIGN))
    assert np.array_equal(found.labels, simulated.labels)
    assert found.attributes["seed"] == 8
    # Behind the curtain there is an empty field: in its middle the phase is flat, and corners are the cells' own.
    middle = np.s_[:, 16:48, 16:48]
    assert inputs[middle][..., 4].astype(float).std(axis=(1, 2)).min() > 10
    assert background[middle][..., 4].astype(float).std(axis=(1, 2)).max() < 5
    assert np.array_equal(background[:, :6, :6, :4], inputs[:, :6, :6, :4])


def metrics_of(right: int, cells: int) -> Metrics:
    """Metrics of which so many cells are right."""
    labels = np.arange(cells) % len(CLASS_NAMES)
    predicted = np.where(np.arange(cells) < right, labels, (labels + 1) % len(CLASS_NAMES))
    return Metrics.of(labels, predicted, CLASS_NAMES)


def test_paired_difference() -> None:
    labels = np.zeros(100, int)
    one, other = np.zeros(100, int), np.zeros(100, int)
    one[:10], other[:30] = 1, 1
    found = Interval.difference(labels, one, other)
    assert found.value == pytest.approx(0.2)
    assert found.high - found.value == pytest.approx(1.96 * 0.4 / 10)


def evaluation(*right: int) -> Evaluation:
    """An evaluation of quantized and float network, support vector machine and background, on 1,000 cells."""
    none = Interval(0.0, 0.0, 0.0)
    quantized, float_network, svm, background = (metrics_of(each, 1000) for each in right)
    of_float, of_svm = ((right[0] - other) / 1000 for other in right[1:3])
    less, less_svm = (Interval(gain, gain - 0.02, gain + 0.02) for gain in (of_float, of_svm))
    averaged = OverSymmetries(8, none, none, none)
    return Evaluation(
        quantized, averaged, float_network, {"SVM": svm}, background, 1 / len(CLASS_NAMES), less, less_svm, "SVM"
    )


def test_the_mean_over_views_is_told_beside_the_single_one() -> None:
    """Of two classes: one view of four cells is right at half of them, the mean of two at three; all of it paired."""
    labels, names = np.array([0, 0, 1, 1]), ("left", "right")
    single, other = (np.stack([left, 1 - left], axis=1) for left in np.array([[6, 4, 1, 7], [7, 9, 2, 6]]) / 10)
    baselines = {"SVM": np.array([0, 0, 1, 0])}
    found = Evaluation.of(Predictions(labels, names, (single, other), single, baselines), labels, baselines, 0)
    assert found.quantized.accuracy.value == found.float_network.accuracy.value == 0.5
    averaged = found.over_symmetries
    assert (averaged.views, averaged.accuracy) == (2, Interval.share(3, 4))
    assert averaged.balanced_accuracy.value == 0.75
    assert averaged.less_single.value == 0.25
    assert found.quantized_less_baseline.value == -0.25
    shown = [(name, accuracy) for name, accuracy, _ in found.rows()][:2]
    assert shown == [
        ("quantized network", Interval.share(2, 4)), ("the same, mean of 2 views", Interval.share(3, 4)),
    ]  # fmt: skip


def test_every_interval_of_a_verdict_is_over_groups_where_there_are_any() -> None:
    """Two donors of 50 cells, on one of which all that is compared is right, and on the other wrong or not the same."""
    labels, donors = np.tile([0, 1], 50), np.repeat(["one", "other"], 50)
    right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    mixed = np.where((donors == "one")[:, np.newaxis], right, wrong)
    baselines = {"SVM": mixed.argmax(axis=1)}
    over_cells, over_groups = (
        Evaluation.of(
            Predictions(labels, ("a", "b"), (mixed, right), right, baselines, groups), labels, baselines, 0, groups
        )
        for groups in (None, donors)
    )
    for name in ("quantized_less_float", "quantized_less_baseline"):
        assert getattr(over_cells, name).value == getattr(over_groups, name).value
    pairs = [
        *((before, now) for (_, *before), (_, *now) in zip(over_cells.rows(), over_groups.rows(), strict=True)),
        ([over_cells.quantized_less_float], [over_groups.quantized_less_float]),
        ([over_cells.over_symmetries.less_single], [over_groups.over_symmetries.less_single]),
    ]
    wider = 0
    for before, now in pairs:
        for narrow, wide in zip(before, now, strict=True):
            assert wide.low <= narrow.low <= narrow.high <= wide.high
            wider += wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    # All but the float network, which is right everywhere, and the largest class, which is right on half of each donor.
    assert wider == 2 * 4 + 2


@pytest.mark.parametrize(
    ("figures", "of_simulated", "of_own"),
    [
        ((700, 720, 700, 200), None, None),
        ((700, 721, 690, 200), "below its float network", None),
        ((700, 739, 690, 200), "below its float network", None),
        ((700, 741, 690, 200), "below its float network", "below its float network"),
        ((681, 681, 700, 200), None, None),
        ((679, 679, 700, 200), "must not be below it", None),
        ((700, 700, 690, 224), None, None),
        ((700, 700, 690, 230), "the background alone", None),
    ],
)
def test_verdicts(figures: tuple[int, int, int, int], of_simulated: str | None, of_own: str | None) -> None:
    """Of cells of the user's, quantization alone is promised, as far as they are enough to tell."""
    found = evaluation(*figures)
    for own, said in ((False, of_simulated), (True, of_own)):
        if said is None:
            found.check(own)
        else:
            with pytest.raises(CheckFailed, match=said):
                found.check(own)


def recorded(told: dict) -> Metrics:
    """What a record tells, made anew from its confusion: the same metrics, but for the order of resampled cells."""
    counts = np.array(told["confusion"])
    labels = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    found = Metrics.of(labels, np.concatenate([np.repeat(np.arange(len(row)), row) for row in counts]), CLASS_NAMES)
    assert dataclasses.asdict(found.accuracy) == told["accuracy"]
    assert [each.name for each in found.classes] == [each["name"] for each in told["classes"]]
    for name in ("precision", "recall", "specificity"):
        of_class = [dataclasses.asdict(getattr(each, name)) for each in found.classes]
        assert of_class == [each[name] for each in told["classes"]]
    return found


OF_VIEWS = ("accuracy", "balanced_accuracy", "less_single")


def test_the_network_that_comes_along() -> None:
    """It is exact, fits a small device, and its record is of this design, this network and a good verdict."""
    design = load_design("qatom128")
    record = json.loads((BUILTIN / design.name / RECORD_FILE).read_text())
    assert record["design"] == design_text(design)
    for quantized in (True, False):
        model = load_network(design, quantized)
        assert count_macs(model) == record["macs"]
        # Normalizations are folded into the quantized network.
        assert count_weights(model) == record["weights"] + (0 if quantized else 2 * sum((12, 20, 40, 56)))
    assert record["macs"] <= 5e6
    assert record["weights"] <= 40_000
    of = record["evaluation"]
    found = {name: recorded(of[name]) for name in ("quantized", "float_network", "background")}
    less = {name: Interval(**of[name]) for name in ("quantized_less_float", "quantized_less_baseline")}
    baselines = {name: recorded(told) for name, told in of["baselines"].items()}
    shares = {name: of[name] for name in ("background_share", "baseline")}
    told = of["over_symmetries"]
    assert told["views"] == 8
    over_symmetries = OverSymmetries(told["views"], **{name: Interval(**told[name]) for name in OF_VIEWS})
    Evaluation(**found, **less, over_symmetries=over_symmetries, baselines=baselines, **shares).check(own=False)
    assert found["quantized"].cells == round(0.16 * record["data"]["cells"])
    for what, curve in record["curves"].items():
        # The quantized network is judged as it starts.
        due = 1 + record["plan"]["fine_tune_epochs"] if what == QUANTIZED else record["plan"]["epochs"]
        assert len(curve["epochs"]) == due


def test_the_results_quote_the_record() -> None:
    results = (REPOSITORY / "docs" / "results" / "index.md").read_text(encoding="utf-8")
    evaluation = json.loads((BUILTIN / "qatom128" / RECORD_FILE).read_text())["evaluation"]
    quoted = {name: evaluation[name] for name in ("quantized", "float_network", "background")} | evaluation["baselines"]
    assert "SVM" in quoted
    for name, metrics in quoted.items():
        accuracy = {key: f"{100 * value:.1f}" for key, value in metrics["accuracy"].items()}
        assert f"{accuracy['value']} %" in results, name
        assert f"{accuracy['low']} to {accuracy['high']}" in results, name


@pytest.mark.full
def test_the_verb_from_nothing_to_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = dataclasses.replace(load_design("qatom64"), name="mine", network=DESIGN.network, folder=tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    arguments = ["train", "--design", str(tmp_path / "mine"), "--cells", "150", "--epochs", "1"]
    code = main([*arguments, "--fine-tune-epochs", "1", "--work", str(tmp_path / "work")])
    record = json.loads((tmp_path / "mine" / RECORD_FILE).read_text())
    evaluation = record["evaluation"]
    best = evaluation["baselines"][evaluation["baseline"]]["accuracy"]["value"]
    # One epoch hardly teaches a network anything: it is beaten, and that is told.
    assert evaluation["quantized"]["accuracy"]["value"] < best
    assert code == 1
    assert record["simulated"] is True
    assert record["design"] == design_text(design)
    assert [epoch["phase"] for epoch in record["curves"]["quantized"]["epochs"]] == ["train", "snap", "fine-tune"]
    assert record["evaluation"]["quantized"]["cells"] == 25
    assert "simulated cells never seen" in capsys.readouterr().out
    assert (tmp_path / "mine" / "page" / "README.md").exists()
    assert count_weights(load_network(design)) == record["weights"]


@pytest.mark.parametrize(
    "change",
    [
        lambda design: dataclasses.replace(design, instrument=dataclasses.replace(design.instrument, na=0.4)),
        lambda design: dataclasses.replace(design, network=Network(CLASS_NAMES[::-1], design.network.topology)),
    ],
)  # fmt: skip
def test_cells_simulated_for_another_instrument_are_not_taken(
    change: Callable[[Design], Design], tmp_path: Path
) -> None:
    """Although design and files have the same names, and the inputs the same size."""
    request = TrainRequest(DESIGN, 1, 1, 0, None, None, 60, 1000, tmp_path)
    first, again = (_simulated(request, tmp_path).inputs for _ in range(2))
    other = _simulated(dataclasses.replace(request, design=change(DESIGN)), tmp_path).inputs
    assert first.path == again.path != other.path
    same = np.array_equal(first.read(np.arange(60)), other.read(np.arange(60)))
    assert not same or (first.labels != other.labels).any()


def test_instrument_of_unequal_pixels_trains_on_mirrors_alone() -> None:
    assert symmetries_of(DESIGN) == 8
    oblong = dataclasses.replace(DESIGN, instrument=FourAngle(pixel_pitch_y_um=0.2))
    assert symmetries_of(oblong) == 4
