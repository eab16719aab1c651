"""Operating points: chosen on validation cells, stored beside the weights, applied by whatever computes the network."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.dummy import DummyClassifier

from cytogate.model import train as training
from cytogate.model.command.dispatch import main
from cytogate.model.design.design import Design, InputCodes, Network, OperatingPoint, Window
from cytogate.model.design.folder import (
    CODES_FILE,
    DESIGN_FILE,
    NETWORK_FOLDER,
    OPERATING_POINT_FILE,
    QUANTIZED_WEIGHTS,
    RECORD_FILE,
    codes_text,
    design_of,
    design_text,
    load_design,
    operating_point_text,
)
from cytogate.model.design.instruments import BrightField, NetworkInputs
from cytogate.model.design.topologies import Compact, Meng2017, Saved
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.evaluation.operating_point import MOST_LOST, Chosen, Rates, chosen, offsets_of
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import settle_weights
from cytogate.model.networks.identity import identity
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.native import NativeNetwork
from cytogate.model.networks.operating_point import apply_operating_point, offset_step
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import load_network, load_operations, save_adopted, save_network
from cytogate.sim.csim.adopt import adopt
from cytogate.sim.csim.network import ExactLogits, compare_logits
from tests.layers import bits, classifier, convolution, dense, extremes, keras_codes, rectified, rounded

layers = keras.layers
NAMES = ("common", "rarer", "rare")
POINT = OperatingPoint((-1.25, 0.0, 0.75))
"""On the grid of every bias here."""
SMALL = Design("small", window=Window(64, 64, 4), network=Network(NAMES, Meng2017(filters=(2, 3, 4), dense=6)))
KEPT = Design("kept", instrument=NetworkInputs(), network=Network(NAMES, Saved()))


def wide(integer: int = 3) -> object:
    """A quantizer of biases of eight bits and so many before the point."""
    return bits(8, integer)


def network(units: int = 3, **options: object) -> keras.Model:
    """A small network that ends in three logits, whose bias holds an operating point."""
    last = dense(units, "logits", **{"kernel_quantizer": bits(4), "bias_quantizer": wide(), **options})
    return classifier(convolution(), rounded(rectified()), layers.Flatten(), last, ends=False)


def values(network: IntegerNetwork, codes: np.ndarray) -> np.ndarray:
    """Return logits, in their own units."""
    return network.logits.format.decode(codes)


# As a section of a design, and as a file.


def test_an_operating_point_comes_along_with_a_design(tmp_path: Path) -> None:
    """In the design's text, as a bundle has it; and in a file beside the weights."""
    design = dataclasses.replace(SMALL, operating_point=OperatingPoint((-1.2578125, 0.1, 3.0)))
    assert design_of(design_text(design).encode(), "small", "here") == design
    assert "operating_point" not in design_text(SMALL)
    (tmp_path / "small" / NETWORK_FOLDER).mkdir(parents=True)
    (tmp_path / "small" / DESIGN_FILE).write_text(design_text(SMALL), encoding="utf-8")
    assert load_design(tmp_path / "small") == SMALL
    path = tmp_path / "small" / NETWORK_FOLDER / OPERATING_POINT_FILE
    assert design.operating_point is not None
    path.write_text(operating_point_text(design.operating_point), encoding="utf-8")
    assert load_design(tmp_path / "small") == design


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offsets = [1.0, 2.0]", "an operating point of 2 offsets for 3 classes; one a class is needed"),
        ("offsets = []", "offsets is empty"),
        ("offsets = [0.0, nan, 0.0]", "offsets is nan; it must be -64 to 64"),
        ("offsets = [0.0, -inf, 0.0]", "offsets is -inf; it must be -64 to 64"),
        ("offsets = [0.0, 65.0, 0.0]", "offsets is 65; it must be -64 to 64"),
        ('offsets = "none"', "a list is needed"),
        ("offset = [0.0, 1.0, 0.0]", "unknown key 'offset'; did you mean 'offsets'?"),
        ("", "lacks offsets"),
    ],
)
def test_a_file_that_is_none_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "small" / NETWORK_FOLDER).mkdir(parents=True)
    (tmp_path / "small" / DESIGN_FILE).write_text(design_text(SMALL), encoding="utf-8")
    path = tmp_path / "small" / NETWORK_FOLDER / OPERATING_POINT_FILE
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(InputError) as told:
        load_design(tmp_path / "small")
    assert str(told.value).startswith(f"{path}:")
    assert said in str(told.value)


# Applied.


def test_logits_are_those_without_plus_the_offsets_on_every_word() -> None:
    """In Keras, on integers and in C++; and the network is another one."""
    model = network()
    plain = read_exactly(model)
    (codes,) = extremes(plain)
    due = values(plain, plain.classify(codes)) + np.array(POINT.offsets)
    apply_operating_point(model, POINT)
    moved = read_exactly(model)
    found = {
        "Keras": values(moved, keras_codes(model, moved, [codes])),
        "integers": values(moved, moved.classify(codes)),
        "C++": values(moved, NativeNetwork.of(moved).classify(codes)),
    }
    assert due.size == len(codes) * 3 >= 48
    assert len(np.unique(due)) > 8, "cells that all give one answer would prove nothing"
    for name, logits in found.items():
        assert np.array_equal(logits, due), name
    assert identity(moved) != identity(plain)


@pytest.mark.full
def test_c_simulation_gives_the_same_logits(tmp_path: Path) -> None:
    model = network()
    apply_operating_point(model, POINT)
    moved = read_exactly(model)
    codes = extremes(moved)
    found = compare_logits(moved, codes, load_design("qatom64"), tmp_path)
    assert found.values == len(codes[0]) * 3
    assert found.differing == 0


@pytest.mark.parametrize("quantized", [True, False])
def test_a_design_applies_its_own(quantized: bool, tmp_path: Path) -> None:
    """Whoever loads its network has it, of float numbers, too; the weights that lie there are as they were trained."""
    design = dataclasses.replace(SMALL, folder=tmp_path)
    trained = build(design, quantized)
    if quantized:
        settle_weights(trained)
    save_network(trained, design, quantized)
    at_point = dataclasses.replace(design, operating_point=POINT)
    for _ in range(2):
        plain, moved = (load_network(each, quantized).get_layer("logits").bias for each in (design, at_point))
        assert np.array_equal(np.asarray(moved) - np.asarray(plain), POINT.offsets)
        # What is loaded of the design without, and kept for the one with, is still without.
        save_network(load_network(design, quantized), at_point, quantized)
    if quantized:
        assert offset_step(trained) == 2.0**-9
        same = load_operations(design).operations, load_operations(at_point).operations
        changed = [
            one.name
            for one, other in zip(*same, strict=True)
            if not np.array_equal(*(getattr(getattr(each, "bias", None), "values", 0) for each in (one, other)))
        ]
        assert changed == ["logits"]


def test_an_adopted_network_has_one_where_the_file_is(tmp_path: Path) -> None:
    design = dataclasses.replace(KEPT, folder=tmp_path)
    save_adopted(network(), design)
    (tmp_path / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    plain = load_operations(load_design(tmp_path))
    (tmp_path / NETWORK_FOLDER / OPERATING_POINT_FILE).write_text(operating_point_text(POINT), encoding="utf-8")
    moved = load_operations(load_design(tmp_path))
    assert np.array_equal(moved.logits.bias.values - plain.logits.bias.values, POINT.offsets)
    assert (tmp_path / NETWORK_FOLDER / QUANTIZED_WEIGHTS).exists()


def test_an_offset_is_rounded_to_the_grid_of_the_bias() -> None:
    model = network(bias_quantizer=bits(8, 3))
    assert offset_step(model) == 1 / 16
    before = np.asarray(bits(8, 3)(model.get_layer("logits").bias))
    apply_operating_point(model, OperatingPoint((0.04, -0.02, 0.1)))
    assert (np.asarray(model.get_layer("logits").bias) - before).tolist() == [1 / 16, 0, 1 / 8]


def ending(*parts: object) -> keras.Model:
    """A network of these last layers."""
    return classifier(convolution(3), rounded(rectified()), *parts, ends=False)


def shared() -> keras.Model:
    """A network whose last layer is also one within."""
    last, given = dense(3, "logits"), keras.Input((3,), name="network_input")
    x = rounded(rectified(4, 2))(last(rounded(bits(4, 1), "input_quantizer")(given)))
    return keras.Model(given, last(x), name="small")


POSSIBLE = {
    "softmax behind": lambda: ending(layers.Flatten(), dense(3, bias_quantizer=wide()), layers.Softmax()),
    "softmax within": lambda: ending(layers.Flatten(), dense(3, bias_quantizer=wide(), activation="softmax")),
    "linear and reshaped": lambda: ending(
        layers.Flatten(), dense(3, bias_quantizer=wide()), layers.Activation("linear"), layers.Reshape((3,))
    ),
    "a convolution": lambda: ending(
        convolution(3, 8, padding="valid", kernel_quantizer=bits(4), bias_quantizer=wide()), layers.Flatten()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POSSIBLE)
def test_what_may_stand_behind_the_bias(name: str) -> None:
    model = POSSIBLE[name]()
    plain = read_exactly(model)
    (codes,) = extremes(plain)
    due = values(plain, plain.classify(codes)) + np.array(POINT.offsets)
    apply_operating_point(model, POINT)
    moved = read_exactly(model)
    assert np.array_equal(values(moved, moved.classify(codes)), due)


IMPOSSIBLE = {
    "no bias": (lambda: network(use_bias=False), "layer logits: has no bias; an operating point needs"),
    "a mean at the end": (
        lambda: ending(layers.GlobalAveragePooling2D(name="mean")),
        "layer mean: .* GlobalAveragePooling2D has none; end in a dense layer",
    ),
    "rounded logits": (
        lambda: ending(layers.Flatten(), dense(3), rounded(bits(8, 3), "round")), "layer round: .* QActivation has none"
    ),
    "rounded within": (
        lambda: network(activation=rectified(4, 2)), "layer logits: its activation quantized_relu changes the logits"
    ),
    "too narrow a bias": (
        lambda: network(bias_quantizer=bits(6, 0)),
        r"layer logits: the operating point makes bias 0 -1.*, and ap_fixed<6, 1.* holds -1 to 0.96875; use smaller",
    ),
    "a bias on no quantizer's grid": (lambda: network(bias_quantizer=None), "layer logits: its bias has no quantizer"),
    "other classes": (lambda: network(units=4), "layer logits: has 4 biases; the operating point has 3 offsets"),
    "a layer used twice": (shared, "layer logits: is used more than once"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_network_that_cannot_have_one_says_why(name: str) -> None:
    make, said = IMPOSSIBLE[name]
    model = make()
    before = [np.array(each) for each in model.get_weights()]
    with pytest.raises(InputError, match=said):
        apply_operating_point(model, POINT)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_a_design_that_cannot_have_one_says_where(tmp_path: Path) -> None:
    design = dataclasses.replace(KEPT, folder=tmp_path, operating_point=POINT)
    save_adopted(network(bias_quantizer=bits(6, 0)), design)
    with pytest.raises(InputError, match=f"{tmp_path / NETWORK_FOLDER}: layer logits: the operating point makes bias"):
        load_operations(design)


def test_adopting_another_network_leaves_none_of_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = ExactLogits(1, 0)
    monkeypatch.setattr("cytogate.sim.csim.adopt.compare_logits", lambda *_: holding)
    design = dataclasses.replace(ADOPTING, folder=tmp_path)
    (tmp_path / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    path = tmp_path / NETWORK_FOLDER / OPERATING_POINT_FILE
    path.parent.mkdir()
    path.write_text(operating_point_text(OperatingPoint((-1.0, 1.0))), encoding="utf-8")
    last = layers.Flatten(), dense(2, kernel_quantizer=bits(4))
    model = classifier(convolution(1, 8, strides=4), rounded(rectified()), *last, shape=(32, 32, 1), entry=bits(8, 0),
                       ends=False)  # fmt: skip
    model.save(tmp_path / "mine.keras")
    adopt(load_design(tmp_path), tmp_path / "mine.keras")
    assert not path.exists()
    assert load_design(tmp_path).operating_point is None


@pytest.mark.parametrize("fault", ["file", "ports", "layout", "values"])
def test_what_is_refused_leaves_the_folder_as_it_was(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is found of a network, or of the file that is to name it, is found before anything is written."""
    holding = ExactLogits(1, 1, "dense") if fault == "values" else ExactLogits(1, 0)
    monkeypatch.setattr("cytogate.sim.csim.adopt.compare_logits", lambda *_: holding)
    folder = tmp_path / "mine"
    (folder / NETWORK_FOLDER).mkdir(parents=True)
    text = design_text(dataclasses.replace(PICTURED, name="mine"))
    if fault == "layout":
        text = text.replace('topology = "compact"', "topology = 'compact'")
        assert "'compact'" in text
    (folder / DESIGN_FILE).write_text(text, encoding="utf-8")
    point = operating_point_text(OperatingPoint((-1.0, 1.0)))
    (folder / NETWORK_FOLDER / OPERATING_POINT_FILE).write_text(point, encoding="utf-8")
    (folder / NETWORK_FOLDER / QUANTIZED_WEIGHTS).write_bytes(b"weights")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    own = tmp_path / "mine.keras"
    if fault == "file":
        own.write_bytes(b"no network")
    else:
        flat = layers.Flatten(), dense(3 if fault == "ports" else 2, kernel_quantizer=bits(4))
        entry = convolution(1, 8, strides=4), rounded(rectified())
        classifier(*entry, *flat, shape=(32, 32, 1), entry=bits(8, 0), ends=False).save(own)
    with pytest.raises(CheckFailed if fault == "values" else InputError) as refused:
        adopt(load_design(folder), own)
    assert fault != "layout" or 'write topology = "saved" into [network]' in str(refused.value)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("fitted", ["codes", "operating_point", "neither"])
def test_a_design_of_another_topology_takes_a_network(
    fitted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an earlier training has fitted, in files of its own."""
    monkeypatch.setattr("cytogate.sim.csim.adopt.compare_logits", lambda *_: ExactLogits(1, 0))
    folder = tmp_path / "mine"
    (folder / NETWORK_FOLDER).mkdir(parents=True)
    (folder / DESIGN_FILE).write_text(design_text(dataclasses.replace(PICTURED, name="mine")), encoding="utf-8")
    if fitted == "codes":
        (folder / NETWORK_FOLDER / CODES_FILE).write_text(codes_text(InputCodes((0,), (1.0,))), encoding="utf-8")
    elif fitted == "operating_point":
        point = operating_point_text(OperatingPoint((-1.0, 1.0)))
        (folder / NETWORK_FOLDER / OPERATING_POINT_FILE).write_text(point, encoding="utf-8")
    last = layers.Flatten(), dense(2, kernel_quantizer=bits(4))
    entry = convolution(1, 8, strides=4), rounded(rectified())
    classifier(*entry, *last, shape=(32, 32, 1), entry=bits(8, 0), ends=False).save(tmp_path / "mine.keras")
    adopt(load_design(folder), tmp_path / "mine.keras")
    found = load_design(folder)
    assert isinstance(found.network.topology, Saved)
    assert (found.codes is not None) is (fitted == "codes")
    assert found.operating_point is None


# Chosen by a training.

PICTURED = Design(
    "own", BrightField(("bright field",), 0.5, 0.5, 8, 32, 32), Window(32, 32, 1), Network(("disk", "ring"), Compact())
)
SMALLEST = Compact(filters=(2, 2), dense=4)
ADOPTING = dataclasses.replace(PICTURED, network=Network(("disk", "ring"), Saved()))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Many disks and a few rings."""
    rng = np.random.default_rng(0)
    y, x = np.indices((32, 32)) - 15.5
    for name, count in (("disk", 90), ("ring", 30)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(count):
            distance = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1))
            shape = distance < 9 if name == "disk" else np.abs(distance - 8) < 2
            codes = np.clip(60 + 120 * shape + rng.normal(0, 10, (32, 32)), 0, 255)
            Image.fromarray(codes.astype(np.uint8)).save(tmp_path / "pictures" / name / f"{number:03}.png")
    return tmp_path / "pictures"


def test_a_training_keeps_what_was_chosen_and_forgets_what_an_earlier_one_chose(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the weights, in the record and on the page; its figures are those of the network that is loaded."""
    monkeypatch.chdir(tmp_path)
    folder, asked = tmp_path / "own", []
    path = folder / NETWORK_FOLDER / OPERATING_POINT_FILE
    path.parent.mkdir(parents=True)
    path.write_text(operating_point_text(OperatingPoint((1.0, -1.0))), encoding="utf-8")
    design = dataclasses.replace(PICTURED, network=Network(PICTURED.network.class_names, SMALLEST))
    (folder / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")

    def choose(logits: np.ndarray, labels: np.ndarray, training_cells: np.ndarray, *others: object) -> Chosen:
        asked.append((np.bincount(labels).tolist(), training_cells.tolist()))
        return Chosen(0.5, offsets, *(Rates.of(labels, (logits + added).argmax(axis=1)) for added in (0, offsets)))

    def trained() -> tuple[Design, dict[str, Any]]:
        arguments = ["--input", str(pictures), "--epochs", "1", "--fine-tune-epochs", "0", "--work", "work"]
        assert main(["train", "--design", "own", *arguments]) in (0, 1)
        return load_design(folder), json.loads((folder / RECORD_FILE).read_text())

    # What is chosen is not what is tried here, so that it does not depend on what was learned.
    monkeypatch.setattr(training, "chosen", choose)
    # Nor are the classifiers that a network is compared with.
    monkeypatch.setattr(
        training, "fitted", lambda features, labels, *_: {"one": DummyClassifier().fit(features, labels)}
    )
    offsets = (0.0, 0.0)
    plain, record = trained()
    assert (plain.operating_point, path.exists()) == (None, False)
    page = (folder / "page" / "README.md").read_text(encoding="utf-8")
    assert "Operating point: logits are compared as they are." in page
    before, bias = record["evaluation"]["quantized"], load_operations(plain).logits.bias.values
    # So much for the class that is said less that it is said more.
    offsets = (3.0, -3.0) if np.diff(np.sum(before["confusion"], axis=0)) > 0 else (-3.0, 3.0)
    moved, record = trained()
    assert moved == dataclasses.replace(plain, operating_point=OperatingPoint(offsets))
    assert record["design"] == design_text(moved)
    assert tuple(record["operating_point"]["offsets"]) == offsets
    assert np.array_equal(load_operations(moved).logits.bias.values - bias, offsets)
    assert record["operating_point"]["test_without"] == pytest.approx(
        {name: before[name]["value"] for name in ("accuracy", "balanced_accuracy")}
    )
    assert record["evaluation"]["quantized"]["confusion"] != before["confusion"]
    page = (folder / "page" / "README.md").read_text(encoding="utf-8")
    assert "Operating point: 50% of the logarithm of the classes' priors is taken off the logits" in page
    (of_validation, of_training), again = asked
    assert (sum(of_validation), sum(of_training)) == (record["split"]["validation"], record["split"]["training"])
    assert again == (of_validation, of_training)
    assert of_training[0] > 2 * of_training[1]
    assert len(list((tmp_path / "work").rglob("training-*"))) == 1, "the second training is the first one"


# Chosen.

STEP = 2.0**-9


def rare_cells(seed: int, counts: tuple[int, ...] = (900, 90, 10), cells: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of cells as a network knows them that has learned from so many of each class.

    Scores are normal around 2 for the own class and 0 for the others; a network adds the logarithm of the priors.
    """
    rng = np.random.default_rng(seed)
    priors = np.array(counts) / sum(counts)
    labels = rng.choice(len(counts), cells, p=priors)
    scores = rng.normal(0, 1, (cells, len(counts)))
    scores[np.arange(cells), labels] += 2
    # Of normal scores with unit variance, the logarithm of a class's likelihood is twice its score and what is common.
    return 2 * scores + np.log(priors), labels


def test_rare_classes_are_found_on_unseen_cells() -> None:
    """Balanced accuracy rises on cells that chose nothing, for a loss of accuracy that was allowed."""
    counts = (900, 90, 10)
    logits, labels = rare_cells(0)
    found = chosen(logits, labels, np.array(counts), STEP)
    assert found.share in (0.25, 0.5, 0.75, 1.0)
    assert found.without == Rates.of(labels, logits.argmax(axis=1))
    assert found.with_offsets == Rates.of(labels, (logits + found.offsets).argmax(axis=1))
    assert found.with_offsets.accuracy >= found.without.accuracy - MOST_LOST
    unseen, truth = rare_cells(1, cells=20_000)
    before, after = (Rates.of(truth, (unseen + added).argmax(axis=1)) for added in (0, found.offsets))
    assert after.balanced_accuracy > before.balanced_accuracy + 0.02
    assert after.accuracy > before.accuracy - 2 * MOST_LOST
    assert abs(sum(found.offsets)) <= STEP * len(counts)


def test_balanced_classes_are_left_as_they_are() -> None:
    logits, labels = rare_cells(0, (70, 70, 70))
    found = chosen(logits, labels, np.array([70, 70, 70]), STEP)
    assert (found.share, found.offsets) == (0.0, (0.0, 0.0, 0.0))
    assert found.without == found.with_offsets


def test_validation_cells_that_lack_a_class_choose_nothing() -> None:
    logits, labels = rare_cells(0, (200, 200, 12))
    counts = np.array([200, 200, 12])
    assert any(chosen(logits, labels, counts, STEP).offsets)
    for number in range(3):
        kept = labels != number
        assert chosen(logits[kept], labels[kept], counts, STEP).operating_point is None


def test_between_equals_the_logits_are_left_as_they_are() -> None:
    """Rare cells that are found anyway ask for nothing."""
    labels = np.repeat([0, 1], [98, 2])
    found = chosen(20.0 * np.eye(2)[labels], labels, np.array([98, 2]), STEP)
    assert (found.share, found.offsets) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize(("doubtful", "share"), [(13, 1.0), (14, 0.0)])
def test_no_more_cells_are_lost_than_is_allowed(doubtful: int, share: float) -> None:
    """Nine of 957 are one in a hundred: thirteen doubtful cells of the common class less four rare ones, found."""
    size = np.log(99)
    # By how much the common class is ahead; every share says rare of the doubtful ones, and each finds one more.
    leads = size * np.concatenate([np.full(doubtful, 0.2), np.full(953 - doubtful, 9.0), [0.2, 0.4, 0.6, 0.9]])
    labels = np.repeat([0, 1], [953, 4])
    logits = np.stack([leads, np.zeros(len(leads))], axis=1)
    assert chosen(logits, labels, np.array([990, 10]), STEP).share == share


def test_a_share_that_the_network_cannot_hold_is_not_chosen() -> None:
    logits, labels = rare_cells(0)
    counts = np.array([900, 90, 10])
    free = chosen(logits, labels, counts, STEP)
    bound = max(map(abs, free.offsets))
    held = chosen(logits, labels, counts, STEP, lambda offsets: max(map(abs, offsets)) < bound)
    assert held.share < free.share
    assert chosen(logits, labels, counts, STEP, lambda offsets: False).offsets == (0.0, 0.0, 0.0)


def test_offsets_lie_on_the_grid_and_a_class_without_cells_is_one_of_one_cell() -> None:
    found = offsets_of(np.array([1000, 1]), 0.5, STEP)
    assert np.array_equal(found, offsets_of(np.array([1000, 0]), 0.5, STEP))
    assert np.array_equal(found / STEP, np.rint(found / STEP))
    assert found.tolist() == pytest.approx([-np.log(1000) / 4, np.log(1000) / 4], abs=STEP)
    assert "-0.0" not in repr(offsets_of(np.array([5, 5, 5]), 1.0, STEP).tolist())


def test_balanced_accuracy_is_of_the_classes_that_there_are() -> None:
    labels, said = np.array([0, 0, 0, 2]), np.array([0, 0, 1, 1])
    assert Rates.of(labels, said) == Rates(0.5, 1 / 3)
