"""The training loop: restarts that change nothing, selection, what is minimized, streams, and workers that share it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.data.examples import ArrayExamples, Examples, Inputs, StreamedExamples
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.files.images import open_image_set
from cytogate.model.files.shards import write_shards
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import KernelLimits, batch_normalization
from cytogate.model.training import cluster
from cytogate.model.training.fitting import Fitted, Plan, TrainingPhase, fit
from cytogate.model.training.record import Epoch, Select
from tests.conftest import REPOSITORY
from tests.fit_worker import BATCH, SIDE, STREAMED, TRAINING, examples, train_quantized

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SAME_WEIGHTS = 1e-6
"""Largest difference of a weight, of values up to about 1, between two workers and one: sums in another order."""
DEATH_NOTICED_S = 60.0
"""Within which a worker must end after another has died: heartbeats are missed for 10 s, on a busy machine longer."""
LIMIT_S = 900.0
"""Of a process, on a machine however busy."""


def adam(rate: float) -> Callable[[int], keras.Optimizer]:
    return lambda steps: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))


def sgd(rate: float) -> Callable[[int], keras.Optimizer]:
    return lambda steps: keras.optimizers.SGD(rate)


def dropping() -> keras.Model:
    """A network with everything that has a state: normalization, dropout."""
    inputs = keras.Input((8, 8, 1))
    x = batch_normalization(keras.layers.Flatten()(inputs), "normalization")
    x = keras.layers.Dropout(0.3)(keras.layers.Dense(6, activation="relu")(x))
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def linear(outputs: int = 3) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(outputs, kernel_initializer="zeros")(keras.layers.Flatten()(inputs)))


def noisy(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    return (inputs[0] + rng.normal(0, 0.05, inputs[0].shape).astype(np.float32),)


def plan_of(*phases: TrainingPhase, **settings: object) -> Plan:
    return Plan(phases, **{"batch": BATCH, "seed": 3, **settings})


def fitted(plan: Plan, build: Callable[[], keras.Model] = linear, **settings: object) -> Fitted:
    sets = {"training": examples(TRAINING, 1), "validation": examples(17, 2)}
    return fit(build, plan=plan, **{"loss": CROSS_ENTROPY, **sets, **settings})


def same_weights(one: keras.Model, other: keras.Model) -> int:
    """Check that all weights are the same, bit by bit, and return how many there are."""
    compared = 0
    for weights, others in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(weights, others)
        compared += weights.size
    return compared


def rounded(model: keras.Model) -> None:
    """Round weights and freeze normalization, as snapping does."""
    model.set_weights([np.round(weights, 1) if weights.ndim else weights for weights in model.get_weights()])
    model.get_layer("normalization").trainable = False


def test_a_training_of_phases_that_is_interrupted_ends_with_the_same_weights(tmp_path: Path) -> None:
    phases = TrainingPhase("train", 3, adam(1e-2)), TrainingPhase("slow", 1, sgd(1e-3))
    plan = plan_of(*phases, TrainingPhase("round", 0, None, rounded), TrainingPhase("tune", 2, adam(1e-3)))
    sets = {"training": dataclasses.replace(examples(TRAINING, 1), augment=noisy), "build": dropping}
    straight = fitted(plan, folder=tmp_path / "straight", **sets)
    calls = 0

    def interrupt(what: str, done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        # In the first epoch, at the end of the second, at the first step of the third and of each later phase, and in
        # the last epoch.
        if calls in (2, 8, 12, 16, 20, 25):
            raise KeyboardInterrupt

    for _ in range(7):
        try:
            resumed = fitted(plan, folder=tmp_path / "resumed", on_progress=interrupt, **sets)
        except KeyboardInterrupt:
            continue
    assert calls == 6 * 3 + 2 + 3 + 1 + 1 + 1 + 2, "all steps, and those of unfinished epochs again"
    assert [epoch.phase for epoch in straight.curve] == ["train"] * 3 + ["slow", "round", "tune", "tune"]
    assert straight.curve[4].loss is None
    assert straight.selected >= 4
    assert (resumed.curve, resumed.selected) == (straight.curve, straight.selected)
    assert same_weights(resumed.model, straight.model) == 64 * 4 + 65 * 6 + 7 * 3 == 667
    assert same_weights(fitted(plan, **sets).model, straight.model) == 667, "without a folder, too"
    assert len(list((tmp_path / "resumed").glob("*.npz"))) <= 2, "states that nothing goes back to are removed"
    other = fitted(dataclasses.replace(plan, seed=4), **sets).model.get_weights()
    assert any(not np.array_equal(*pair) for pair in zip(other, straight.model.get_weights(), strict=True))


def test_what_is_minimized_is_the_mean_over_examples_and_the_penalties(tmp_path: Path) -> None:
    """Softmax regression in NumPy: factors of classes, a penalty, a kernel's limits, a last batch that is smaller."""
    factors, rate, penalty, largest = np.array([1.0, 2.0, 0.5]), 0.5, 0.1, 0.05

    def build() -> keras.Model:
        inputs = keras.Input((8, 8, 1))
        kernel = {"kernel_regularizer": keras.regularizers.L2(penalty), "kernel_constraint": KernelLimits(largest)}
        dense = keras.layers.Dense(3, kernel_initializer="zeros", **kernel)
        return keras.Model(inputs, dense(keras.layers.Flatten()(inputs)))

    plan = plan_of(TrainingPhase("train", 1, sgd(rate)))
    found = fitted(plan, build, class_weights=factors)
    held = examples(TRAINING, 1)
    pixels, labels = held.inputs[0].reshape(TRAINING, 64).astype(np.float64), held.targets
    kernel, bias, losses = np.zeros((64, 3)), np.zeros(3), 0.0
    order = np.random.default_rng([plan.seed, 0]).permutation(TRAINING)
    for part in np.split(order, [16, 32]):
        scores = np.exp(pixels[part] @ kernel + bias)
        shares = scores / scores.sum(axis=1, keepdims=True)
        weights = factors[labels[part]]
        losses -= (weights * np.log(shares[np.arange(len(part)), labels[part]])).sum()
        errors = weights[:, None] * (shares - np.eye(3)[labels[part]]) / len(part)
        kernel -= rate * (pixels[part].T @ errors + 2 * penalty * kernel)
        bias -= rate * errors.sum(axis=0)
        kernel = np.clip(kernel, -largest, largest)
    assert (np.abs(kernel) == largest).any(), "limits were reached"
    assert (np.abs(kernel) < largest).any()
    assert found.curve[0].loss == pytest.approx(losses / TRAINING, rel=1e-5)
    assert np.allclose(found.model.get_weights()[0], kernel, atol=1e-6)
    assert np.allclose(found.model.get_weights()[1], bias, atol=1e-6)


def test_validation_is_of_all_examples_and_of_the_selected_weights() -> None:
    found = fitted(plan_of(TrainingPhase("train", 3, adam(3e-2))))
    held = examples(17, 2)
    scores = np.asarray(found.model(held.inputs[0]), np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    epoch = found.curve[found.selected]
    assert epoch.validation_loss == pytest.approx(-np.log(shares[np.arange(17), held.targets]).mean(), rel=1e-5)
    assert epoch.validation_accuracy == pytest.approx((scores.argmax(axis=1) == held.targets).mean())
    assert epoch.merit(Select.ACCURACY) == max(each.merit(Select.ACCURACY) for each in found.curve)


def test_merits() -> None:
    good, equal, likely, unknown = (
        Epoch("train", 0.1, loss, accuracy) for loss, accuracy in ((0.5, 0.9), (0.4, 0.9), (0.1, 0.8), (0.1, None))
    )
    assert max(good, equal, likely, key=lambda each: each.merit(Select.ACCURACY)) is equal
    assert max(good, equal, likely, key=lambda each: each.merit(Select.LOSS)) is likely
    assert max(unknown, likely, key=lambda each: each.merit(Select.LOSS)) is likely


def test_a_phase_ends_when_patience_does(tmp_path: Path) -> None:
    plan = plan_of(TrainingPhase("still", 9, sgd(0.0)), TrainingPhase("train", 2, adam(1e-2)), patience=2)
    found = fitted(plan, folder=tmp_path)
    assert [epoch.phase for epoch in found.curve] == ["still"] * 3 + ["train"] * 2
    assert len({epoch.validation_loss for epoch in found.curve[:3]}) == 1
    assert fitted(dataclasses.replace(plan, phases=plan.phases[:1])).selected == 0, "the first of equals"
    steps: list[str] = []
    again = fitted(plan, folder=tmp_path, on_progress=lambda what, done, total: steps.append(what))
    assert (again.curve, steps) == (found.curve, [])
    assert same_weights(again.model, found.model) == 65 * 3


def test_preparation_starts_from_the_best_weights_and_ends_their_candidacy() -> None:
    """The third epoch's steps are far too large."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.02, 300.0])
    train = TrainingPhase("train", 3, lambda steps: keras.optimizers.SGD(schedule))
    seen: list[keras.Model] = []

    def spoil(model: keras.Model) -> None:
        seen.append(keras.models.clone_model(model))
        seen[0].set_weights(model.get_weights())
        model.set_weights([0 * weights for weights in model.get_weights()])

    found = fitted(plan_of(train, TrainingPhase("spoil", 0, None, spoil), select=Select.LOSS))
    losses = [epoch.validation_loss for epoch in found.curve]
    assert losses[1] < losses[0] < losses[2]
    assert losses[1] < losses[3] == pytest.approx(np.log(3), rel=1e-6)
    assert found.selected == 3
    two = fitted(plan_of(dataclasses.replace(train, epochs=2), select=Select.LOSS))
    assert same_weights(seen[0], two.model) == 65 * 3
    assert not any(weights.any() for weights in found.model.get_weights())


def test_targets_may_be_real_and_inputs_several() -> None:
    held = examples(TRAINING, 1)

    def build(outputs: int) -> Callable[[], keras.Model]:
        def build_it() -> keras.Model:
            inputs = [keras.Input((8, 8, 1)), keras.Input((2,))]
            x = keras.layers.Concatenate()([keras.layers.Flatten()(inputs[0]), inputs[1]])
            return keras.Model(inputs, keras.layers.Dense(outputs)(x))

        return build_it

    both = (held.inputs[0], np.ones((TRAINING, 2)))
    pairs = np.random.default_rng(0).normal(size=(TRAINING, 2))
    plan = plan_of(TrainingPhase("train", 2, adam(1e-2)), select=Select.LOSS)
    for targets, outputs, loss in (
        (pairs, 2, keras.losses.MeanSquaredError()),
        (np.clip(pairs[:, 0], 0, 1), 1, keras.losses.BinaryCrossentropy(from_logits=True)),
    ):
        sets = ArrayExamples(both, targets)
        found = fit(build(outputs), loss, sets, sets, plan)
        assert found.curve[1].validation_accuracy is None
        expected = loss(targets[:, None] if outputs == 1 else targets, found.model(both))
        assert found.curve[found.selected].validation_loss == pytest.approx(float(expected), rel=1e-5)
        with pytest.raises(InputError, match=r"choose Select\.LOSS"):
            fit(build(outputs), loss, sets, sets, dataclasses.replace(plan, select=Select.ACCURACY))


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_what_was_finished(tmp_path: Path) -> None:
    plan = plan_of(TrainingPhase("train", 1, adam(1e-2)), TrainingPhase("burst", 3, sgd(np.inf)))
    with pytest.raises(CheckFailed, match=r"epoch 2 of 4 \(burst\): the loss is no longer a number"):
        fitted(plan, folder=tmp_path)
    rows = json.loads((tmp_path / "curve.json").read_text())["curve"]
    assert [row["phase"] for row in rows] == ["train"]


@dataclasses.dataclass
class Noting:
    """Examples that note the first number that each epoch's generator gives, or that there is none."""

    seen: list[int | None]

    def __len__(self) -> int:
        return TRAINING

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, np.ndarray]]:
        self.seen.append(None if rng is None else int(rng.integers(1 << 60)))
        return examples(TRAINING, 1).batches(size, rng)


def test_every_epoch_has_a_generator_of_its_own_and_validation_none() -> None:
    training, validation, again, other = (Noting([]) for _ in range(4))
    plan = plan_of(TrainingPhase("train", 2, sgd(0.01)), TrainingPhase("tune", 1, sgd(0.01)))
    fitted(plan, training=training, validation=validation)
    assert len(set(training.seen)) == 3
    assert set(validation.seen) == {None}
    fitted(plan, training=again)
    fitted(dataclasses.replace(plan, seed=4), training=other)
    assert again.seen == training.seen
    assert not set(other.seen) & set(training.seen)


class Damaged:
    """Examples of which the second batch cannot be read."""

    def __len__(self) -> int:
        return TRAINING

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, np.ndarray]]:
        yield next(examples(TRAINING, 1).batches(size, rng))
        raise InputError("set.zarr: image 16 holds NaN or infinity")


TOO_HIGH = ArrayExamples(examples(8, 1).inputs, np.arange(8) % 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"training": examples(0, 1)}, "training examples: there are none"),
        ({"validation": examples(0, 1)}, "validation examples: there are none"),
        ({"training": TOO_HIGH}, "labels are 0 to 3; the network has outputs 0 to 2"),
        ({"training": Damaged()}, "image 16 holds NaN or infinity"),
        ({"validation": Damaged()}, "image 16 holds NaN or infinity"),
    ],
)
def test_wrong_examples_are_one_sentence(settings: dict[str, Examples], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitted(plan_of(TrainingPhase("train", 1, adam(1e-2))), **settings)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: plan_of(), r"phases are \[\]; one or more"),
        (lambda: plan_of(TrainingPhase("a", 1, adam(1)), TrainingPhase("a", 1, adam(1))), r"phases are \['a', 'a'\]"),
        (lambda: TrainingPhase("a", -1, adam(1)), "phase a: -1 epochs"),
        (lambda: TrainingPhase("a", 1, None), "phase a: 1 epochs need an optimizer"),
        (lambda: plan_of(TrainingPhase("a", 1, adam(1)), batch=0), "batch is 0"),
        (lambda: plan_of(TrainingPhase("a", 1, adam(1)), patience=0), "patience is 0"),
        (lambda: ArrayExamples((np.zeros((3, 2)), np.zeros((4, 2))), np.zeros(3)), "input 1 has 4 rows"),
    ],
)
def test_wrong_plans_are_one_sentence(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def test_records_of_something_else_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    def again(rate: float = 1e-2, build: Callable[[], keras.Model] = linear, **settings: object) -> Fitted:
        return fitted(plan_of(TrainingPhase("train", 1, adam(rate))), build, folder=tmp_path, **settings)

    again(identity={"cells": (1, 2)})
    again(identity={"cells": (1, 2)})
    for settings in ({}, {"identity": {"cells": (1, 3)}}, {"identity": {"cells": (1, 2)}, "rate": 2e-2}):
        with pytest.raises(InputError, match="belongs to a training with other settings"):
            again(**settings)
    with pytest.raises(InputError, match=r"epoch-0000\.npz: model-0000 is of shape"):
        again(identity={"cells": (1, 2)}, build=lambda: linear(4))
    state = tmp_path / "epoch-0000.npz"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(InputError, match=r"epoch-0000\.npz: holds no state of this training"):
        again(identity={"cells": (1, 2)})
    state.unlink()
    with pytest.raises(InputError, match=r"epoch-0000\.npz: cannot be read"):
        again(identity={"cells": (1, 2)})
    (tmp_path / "curve.json").write_text('{"curve": [{"phase": 1}]}')
    with pytest.raises(InputError, match="is no record of a training"):
        again(identity={"cells": (1, 2)})


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 images, of which each holds its number."""
    path = tmp_path_factory.mktemp("numbered") / "set.zarr"
    images = (np.full((2, 2), number, np.uint16) for number in range(1000))
    write_shards(path, images, np.arange(1000) % 7, tuple("abcdefg"), shard_bytes=1)
    return path


def test_a_stream_gives_every_example_once_an_epoch_in_an_order_of_its_own(numbered: Path) -> None:
    rng = np.random.default_rng(0)
    indices = rng.permutation(1000)[:700]
    with open_image_set(numbered) as images:
        stream = StreamedExamples(images, indices, lambda codes: (codes[:, 0, 0, 0],), block=32, window=3)

        def epoch(seed: int | None) -> np.ndarray:
            order = None if seed is None else np.random.default_rng(seed)
            found = [(inputs[0], labels) for inputs, labels in stream.batches(40, order)]
            assert [len(labels) for _, labels in found] == [40] * 17 + [20]
            numbers = np.concatenate([inputs for inputs, _ in found]).astype(int)
            assert np.array_equal(np.concatenate([labels for _, labels in found]), numbers % 7)
            return numbers

        assert len(stream) == 700
        assert np.array_equal(epoch(None), indices)
        first, second = epoch(1), epoch(2)
        assert np.array_equal(np.sort(first), np.sort(indices))
        assert np.array_equal(np.sort(second), np.sort(indices))
        assert not np.array_equal(first, second)
        assert np.array_equal(first, epoch(1))
        # Three blocks of 32 of 700 ascending indices, from all over the set, which are mixed.
        places = np.searchsorted(np.sort(indices), first)
        assert len(np.unique(places[:96] // 32)) == len(np.unique(places[:32] // 32)) == 3
        assert np.ptp(places[:96]) > 96
        turned = dataclasses.replace(stream, augment=lambda inputs, rng: (inputs[0] + rng.integers(1, 7),))
        plain, altered = next(stream.batches(40, None)), next(turned.batches(40, None))
        assert np.array_equal(plain[0][0], altered[0][0]), "unaltered without a generator"
        inputs, labels = next(turned.batches(40, np.random.default_rng(1)))
        assert not np.array_equal(inputs[0] % 7, labels)


def test_a_stream_trains_like_the_same_examples_in_memory(numbered: Path) -> None:
    def build() -> keras.Model:
        inputs = keras.Input((2, 2, 1))
        return keras.Model(inputs, keras.layers.Dense(7)(keras.layers.Flatten()(inputs)))

    with open_image_set(numbered) as images:
        streamed = StreamedExamples(images, np.arange(1000), lambda codes: (codes / 1000,), block=50)
        order = [inputs[0] * 1000 for inputs, _ in streamed.batches(1000, np.random.default_rng([3, 0]))]
        held = images.read(np.arange(1000))
        assert np.array_equal(np.sort(np.concatenate(order)[:, 0, 0, 0]), np.arange(1000))
        found = [
            fit(build, CROSS_ENTROPY, each, each, plan_of(TrainingPhase("train", 1, sgd(0.1)), batch=1000))
            for each in (streamed, ArrayExamples((held / 1000,), images.labels))
        ]
    # One step: the order within the batch is another one, and with it that of sums.
    for streams, holds in zip(*(each.model.get_weights() for each in found), strict=True):
        assert np.allclose(streams, holds, atol=1e-6)


Start = Callable[[str, dict[str, object] | None], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a job of ``tests.fit_worker`` under a configuration; whatever comes of the test, it ends."""
    started: list[subprocess.Popen[str]] = []
    threads = {"CUDA_VISIBLE_DEVICES": "-1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}

    def process(job: str, config: dict[str, object] | None) -> subprocess.Popen[str]:
        environment = {**os.environ, **threads} | ({} if config is None else {"TF_CONFIG": json.dumps(config)})
        command = [sys.executable, "-m", "tests.fit_worker", job, str(tmp_path)]
        pipe = subprocess.PIPE
        each = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=pipe, stderr=pipe, text=True)
        started.append(each)
        return each

    yield process
    for each in started:
        each.kill()
        each.communicate()


def two_workers(start: Start, job: str) -> list[subprocess.Popen[str]]:
    """Start two workers on loopback."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    tasks = [{"type": "worker", "index": number} for number in range(2)]
    return [start(job, {"cluster": {"worker": addresses}, "task": task}) for task in tasks]


def test_a_million_images_are_streamed_in_bounded_memory(tmp_path: Path, start: Start) -> None:
    """256 MB of pixels, 1 GB as the network takes them."""
    rng = np.random.default_rng(0)
    patterns = [rng.integers(0, 100, (SIDE, SIDE), np.uint8) for _ in range(100)]
    images = (patterns[number % 100] + np.uint8(100 * (number % 2)) for number in range(STREAMED))
    write_shards(tmp_path / "set.zarr", images, np.arange(STREAMED) % 2, ("dark", "bright"), shard_bytes=1 << 24)
    assert len([each for each in (tmp_path / "set.zarr" / "images" / "c").rglob("*") if each.is_file()]) == 16
    process = start("streamed", None)
    out, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    found = json.loads(out)
    print(f"grown by {found['grown'] / 1e6:.1f} MB in an epoch of {found['seconds']:.0f} s")
    assert found["accuracy"] == 1.0
    assert found["grown"] < 64e6, "a quarter of the set"


def test_two_workers_end_with_the_weights_of_one(tmp_path: Path, start: Start) -> None:
    """A QKeras network with batch normalization, snapped and tuned; last batches of 5 and of 1."""
    expected = {"straight": train_quantized(None), "single": train_quantized(None, training=2 * BATCH + 1)}
    for process in two_workers(start, "compared"):
        _, errors = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, errors
    one, other = (np.load(tmp_path / f"worker-{number}.npz") for number in range(2))
    assert sorted(one) == sorted(other)
    between_workers = 0
    for name in one:
        assert np.array_equal(one[name], other[name]), name
        between_workers += one[name].size if name != "curve" else 0
    compared, largest = 0, 0.0
    for name, trained in expected.items():
        for place, weights in enumerate(trained.model.get_weights()):
            largest = max(largest, float(np.abs(one[f"{name}-{place}"] - weights).max()))
            compared += weights.size
    for place in range(len(expected["straight"].model.get_weights())):
        assert np.array_equal(one[f"resumed-{place}"], one[f"straight-{place}"]), "picked up after an interruption"
    print(f"{compared} weights compared with one worker's, largest difference {largest:.2g}")
    assert (between_workers, compared) == (3 * 251, 2 * 251)
    assert largest <= SAME_WEIGHTS
    assert (tmp_path / "worker-0" / "curve.json").exists()
    assert not (tmp_path / "worker-1").exists(), "the chief alone writes"


def test_a_worker_that_is_killed_ends_the_other_in_one_sentence(tmp_path: Path, start: Start) -> None:
    chief, second = two_workers(start, "killed")
    second.communicate(timeout=LIMIT_S)
    assert second.returncode == -signal.SIGKILL
    began = time.monotonic()
    _, errors = chief.communicate(timeout=LIMIT_S)
    assert time.monotonic() - began < DEATH_NOTICED_S
    assert chief.returncode == 1
    assert errors.strip().startswith("one of 2 workers has gone"), errors
    assert len(errors.strip().splitlines()) == 1, errors
    rows = json.loads((tmp_path / "worker-0" / "curve.json").read_text())["curve"]
    assert len(rows) == 1, "what was finished is kept"


def test_a_worker_that_dies_as_training_starts_is_not_waited_for_for_ever(start: Start) -> None:
    """It answers when the workers meet, and TensorFlow never hears of it."""
    with socket.create_server(("127.0.0.1", 0)) as dead:
        addresses = [f"127.0.0.1:{port}" for port in (*_free_ports(1), dead.getsockname()[1])]
        chief = start("left_alone", {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}})
        _, errors = chief.communicate(timeout=LIMIT_S)
    assert chief.returncode == 1
    assert "Timeout (0:00:05)!" in errors
    assert "_of_workers" in errors


@pytest.mark.full
def test_a_worker_that_says_nothing_is_waited_for_until_the_deadline(start: Start) -> None:
    chief, second = two_workers(start, "silent")
    _, errors = chief.communicate(timeout=LIMIT_S)
    assert second.poll() is None, "it is alive"
    assert chief.returncode == 1
    assert "has said nothing for 5 s" in errors


def test_workers_that_do_not_come_are_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "DEADLINE_S", 0.2)
    monkeypatch.setattr(cluster, "POLL_S", 0.05)
    own, other = (f"127.0.0.1:{port}" for port in _free_ports(2))
    with pytest.raises(InputError, match=f"worker {other} did not come within 0 s"):
        cluster._meet([own, other], 0)
    cluster._meet([own], 0)
    host, port = own.split(":")
    with socket.create_server((host, int(port))), pytest.raises(InputError, match=f"worker {own} cannot listen there"):
        cluster._meet([own, other], 0)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"cluster": {"worker": ["localhost:1"]}}',
        '{"cluster": {"worker": ["localhost"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_wrong_environment_is_one_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG must be as"):
        cluster.Cluster.of_environment()


def test_the_chief_is_the_first() -> None:
    config = {"cluster": {"worker": ["b:2", "c:3"], "chief": ["a:1"]}, "task": {"type": "worker", "index": 1}}
    assert cluster._workers(json.dumps(config)) == (["a:1", "b:2", "c:3"], 2)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
