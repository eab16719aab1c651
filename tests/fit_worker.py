"""A training in a process of its own, and what it trains: ``python -m tests.fit_worker JOB FOLDER``.

Workers of a cluster are such processes, with ``TF_CONFIG``; one worker's weights to compare theirs with are computed by
the test itself, by the same functions.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.data.examples import ArrayExamples, StreamedExamples
from cytogate.model.errors import InputError
from cytogate.model.files.images import open_image_set
from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import QuantizedLayers, batch_normalization
from cytogate.model.training import cluster
from cytogate.model.training.fitting import Fitted, OnProgress, Plan, TrainingPhase, fit

TRAINING, VALIDATION, BATCH = 37, 17, 16
"""The last batch of 5 is 2 and 3 for two workers; that of validation, 1, is too small to be divided."""
STREAMED, SIDE, STREAMED_BATCH = 1_000_000, 16, 4096
"""Images on disk, 256 MB of pixels."""


def examples(count: int, seed: int) -> ArrayExamples:
    """Bright noise with a brighter half: left, right or none."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    codes = rng.integers(120, 136, (count, 8, 8, 1))
    codes[labels == 0, :, :4] += 24
    codes[labels == 1, :, 4:] += 24
    return ArrayExamples(((codes * PIXEL.step).astype(np.float32),), labels)


def quantized() -> keras.Model:
    """Convolution, normalization and two layers behind, by QKeras, with every kind of kernel's limits and a penalty."""
    layers = QuantizedLayers(l2=1e-3)
    words = Format(8, 2)
    inputs = keras.Input((8, 8, 1))
    x = layers.words(inputs, "pixels", PIXEL)
    x = layers.convolution(x, "convolution", 4, 3, largest_input=256, by_contrast=1)
    x = layers.relu(x, "relu", Format(8, 1, signed=False))
    x = keras.layers.MaxPooling2D(2)(x)
    x = layers.words(batch_normalization(x, "normalization"), "words", words)
    x = layers.dense(keras.layers.Flatten()(x), "logits", 3, largest_input=128)
    return keras.Model(inputs, x)


def train_quantized(
    folder: Path | None, training: int = TRAINING, on_progress: OnProgress = lambda what, done, total: None
) -> Fitted:
    """Train in three phases."""
    phases = (
        TrainingPhase("train", 2, lambda steps: keras.optimizers.Adam(1e-3)),
        TrainingPhase("snap", 0, None, snap_batch_normalization),
        TrainingPhase("tune", 1, lambda steps: keras.optimizers.SGD(1e-2, momentum=0.9)),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plan = Plan(phases, BATCH, seed=5)
    sets = examples(training, 1), examples(VALIDATION, 2)
    return fit(quantized, loss, *sets, plan, folder=folder, on_progress=on_progress)


def compared(folder: Path) -> None:
    """Train straight; once more with an interruption, the chief alone having a folder; and with a last batch of 1."""

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("epoch 2") and done > BATCH:
            raise KeyboardInterrupt

    straight = train_quantized(None)
    own = folder / f"worker-{json.loads(os.environ['TF_CONFIG'])['task']['index']}"
    try:
        train_quantized(own, on_progress=interrupt)
    except KeyboardInterrupt:
        resumed = train_quantized(own)
    single = train_quantized(None, training=2 * BATCH + 1)
    held = {"straight": straight, "resumed": resumed, "single": single}
    arrays = {
        f"{name}-{place}": weight
        for name, each in held.items()
        for place, weight in enumerate(each.model.get_weights())
    }
    np.savez(own.with_suffix(".npz"), curve=repr(straight.curve), **arrays)


def killed(folder: Path) -> None:
    """Train, but the second worker is killed in its second epoch."""

    def kill(what: str, done: int, total: int) -> None:
        if what.startswith("epoch 2"):
            os.kill(os.getpid(), signal.SIGKILL)

    own = int(json.loads(os.environ["TF_CONFIG"])["task"]["index"])
    train_quantized(folder / f"worker-{own}", on_progress=kill if own else lambda what, done, total: None)


def silent(folder: Path) -> None:
    """Train with a deadline of seconds, which the second worker sleeps through."""
    cluster.DEADLINE_S = 5.0
    own = int(json.loads(os.environ["TF_CONFIG"])["task"]["index"])
    train_quantized(folder / f"worker-{own}", on_progress=lambda what, done, total: time.sleep(own * 600))


def left_alone(folder: Path) -> None:
    """Join the workers with a deadline of seconds."""
    cluster.DEADLINE_S = 5.0
    cluster.Cluster.of_environment()


def streamed(folder: Path) -> None:
    """Train an epoch on the set ``folder / "set.zarr"`` and print by how many bytes the process has grown."""

    def build() -> keras.Model:
        inputs = keras.Input((SIDE, SIDE, 1))
        return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plan = Plan((TrainingPhase("train", 1, lambda steps: keras.optimizers.SGD(0.1)),), STREAMED_BATCH, seed=1)
    with open_image_set(folder / "set.zarr") as images:

        def some(count: int) -> StreamedExamples:
            return StreamedExamples(images, np.arange(count), lambda codes: (codes * PIXEL.step,))

        # What TensorFlow takes for itself comes first.
        fit(build, loss, some(20 * STREAMED_BATCH), some(STREAMED_BATCH), plan)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        trained = fit(build, loss, some(len(images)), some(STREAMED_BATCH), plan)
        seconds = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(json.dumps({"grown": grown, "seconds": seconds, "accuracy": trained.curve[0].validation_accuracy}))


if __name__ == "__main__":
    try:
        {each.__name__: each for each in (compared, killed, left_alone, silent, streamed)}[sys.argv[1]](
            Path(sys.argv[2])
        )
    except InputError as error:
        sys.exit(str(error))
