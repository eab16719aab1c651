"""A step of training and a step of judging on all replicas of a cluster, and how batches come to them.

Every worker makes the whole batch, in the same order, and computes on its own slice: what a batch holds does not depend
on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.examples import Inputs
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, tf
from cytogate.model.training.cluster import Cluster

AHEAD = 2
"""Batches that are made while one is in use."""

TrainingBatch = tuple[tuple[tf.Tensor, ...], tf.Tensor]
"""Inputs (cells, ...) in float32, and targets (cells, ...), int64 where they are integers and float32 elsewhere."""
Train = Callable[[TrainingBatch], float]
"""Takes a step and returns the mean loss of the batch, without penalties."""
Judge = Callable[[TrainingBatch], tuple[float, float]]
"""Returns the sum of losses of a batch, and how many of its examples have the highest score for their class."""
Accuracy = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Returns how right each output is, (cells,) from 0 to 1, of targets and outputs: for targets that are no labels."""


@dataclass(frozen=True, eq=False)
class Steps:
    """What is done with batches of one kind."""

    model: keras.Model
    loss: keras.losses.Loss
    cluster: Cluster
    targets: tf.TensorSpec
    """(None, ...)"""
    accuracy: Accuracy | None = None
    """None: 1 where the highest score is the label's."""

    @staticmethod
    def of(
        model: keras.Model,
        loss: keras.losses.Loss,
        cluster: Cluster,
        targets: NDArray,
        accuracy: Accuracy | None = None,
    ) -> Steps:
        """Return the steps for targets like those of the batch ``targets``."""
        kind = tf.int64 if np.issubdtype(targets.dtype, np.integer) else tf.float32
        return Steps(model, loss, cluster, tf.TensorSpec((None, *targets.shape[1:]), kind), accuracy)

    @property
    def signature(self) -> tuple[tuple[tf.TensorSpec, ...], tf.TensorSpec]:
        """Shapes and types of a batch."""
        return tuple(tf.TensorSpec(each.shape, tf.float32) for each in self.model.inputs), self.targets

    @property
    def classes(self) -> int | None:
        """Number of classes, where targets are labels with one of several outputs each."""
        outputs = self.model.output_shape
        labels = self.targets.dtype.is_integer and self.targets.shape.rank == 1
        return outputs[1] if labels and len(outputs) == 2 and outputs[1] > 1 else None

    @property
    def has_accuracy(self) -> bool:
        """Whether outputs can be told right from wrong."""
        return self.accuracy is not None or self.classes is not None

    def training(self, optimizer: keras.Optimizer, class_weights: NDArray[np.floating] | None) -> Train:
        """Return a step of training."""
        model, factors = self.model, None if class_weights is None else tf.constant(class_weights, tf.float32)
        replicas = self.cluster.strategy.num_replicas_in_sync

        def train(inputs: tuple[tf.Tensor, ...], targets: tf.Tensor, weight: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                losses = self._losses(targets, self._outputs(inputs, training=True))
                if factors is not None:
                    losses *= tf.gather(factors, targets)
                # Divided by the size of the whole batch, so that slices of any size sum to its mean.
                mean = tf.reduce_sum(losses) * weight / count
                minimized = mean + tf.add_n(model.losses) / replicas if model.losses else mean
            gradients = tape.gradient(minimized, model.trainable_variables)
            # Sums the gradients of all replicas, and applies the constraints of kernels.
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return mean

        step = self._on_all_replicas(train)
        return lambda batch: float(step(*batch))

    def judging(self) -> Judge:
        """Return a step of judging."""

        def judge(inputs: tuple[tf.Tensor, ...], targets: tf.Tensor, weight: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
            outputs = self._outputs(inputs, training=False)
            right = tf.cast(self._right(targets, outputs), tf.float32)
            return tf.stack([tf.reduce_sum(self._losses(targets, outputs)), tf.reduce_sum(right)]) * weight

        step = self._on_all_replicas(judge)

        def judged(batch: TrainingBatch) -> tuple[float, float]:
            losses, right = np.asarray(step(*batch), np.float64)
            return float(losses), float(right)

        return judged

    def _outputs(self, inputs: tuple[tf.Tensor, ...], training: bool) -> tf.Tensor:
        return self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)

    def _right(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return how right each output is, (cells,); nothing, where that is not known."""
        if self.accuracy is not None:
            return self.accuracy(targets, outputs)
        return tf.argmax(outputs, axis=-1) == targets if self.classes else tf.zeros(0)

    def _losses(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss (cells,) of each example; of several values each, their mean."""
        losses = self.loss.call(targets, outputs)
        return tf.reduce_mean(tf.reshape(losses, (tf.shape(targets)[0], -1)), axis=1) if losses.ndim > 1 else losses

    def _on_all_replicas(self, of_slice: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        """Return what gives each replica its slice of a batch, its weight and the batch size, and sums the results."""
        strategy = self.cluster.strategy
        replicas = strategy.num_replicas_in_sync

        def of_replica(inputs: tuple[tf.Tensor, ...], targets: tf.Tensor) -> tf.Tensor:
            count, weight = tf.shape(targets)[0], tf.constant(1.0)
            if replicas > 1:
                # TensorFlow's max-pooling of no image has another number of channels: of a batch that is too small for
                # all to have a part, each takes the whole.
                scarce = count < replicas
                replica = tf.distribute.get_replica_context().replica_id_in_sync_group
                start = tf.where(scarce, 0, count * replica // replicas)
                stop = tf.where(scarce, count, count * (replica + 1) // replicas)
                inputs, targets = tuple(each[start:stop] for each in inputs), targets[start:stop]
                weight = tf.where(scarce, 1 / replicas, 1.0)
            return of_slice(inputs, targets, weight, tf.cast(count, tf.float32))

        def on_all(inputs: tuple[tf.Tensor, ...], targets: tf.Tensor) -> tf.Tensor:
            results = strategy.run(of_replica, args=(inputs, targets))
            return strategy.reduce(tf.distribute.ReduceOp.SUM, results, axis=None)

        # XLA is slower on the network of Meng 2017: 324 cells a second against 505 on two cores.
        return tf.function(on_all, autograph=False, jit_compile=False).get_concrete_function(*self.signature)


class Feed:
    """Gives batches to TensorFlow, a few of them made ahead."""

    def __init__(self, steps: Steps) -> None:
        self._targets = steps.targets.dtype.as_numpy_dtype
        self._classes = steps.classes
        self._batches: Iterator[tuple[Inputs, NDArray]] = iter(())
        self._failed: Exception | None = None
        # Built once: that takes longer than many a small epoch.
        self._data = tf.data.Dataset.from_generator(self._give, output_signature=steps.signature).prefetch(AHEAD)

    def __call__(self, batches: Iterator[tuple[Inputs, NDArray]]) -> Iterator[TrainingBatch]:
        """Give ``batches``; what goes wrong in making them is raised as it is."""
        self._batches, self._failed = batches, None
        try:
            yield from self._data
        except tf.errors.OpError:
            if self._failed is not None:
                raise self._failed from None
            raise

    def _give(self) -> Iterator[tuple[Inputs, NDArray]]:
        try:
            for inputs, targets in self._batches:
                # What lies beyond the outputs would be trained on.
                if self._classes and not 0 <= targets.min() <= targets.max() < self._classes:
                    found = f"{targets.min()} to {targets.max()}"
                    raise InputError(f"labels are {found}; the network has outputs 0 to {self._classes - 1}")
                yield tuple(np.asarray(each, np.float32) for each in inputs), np.asarray(targets, self._targets)
        except Exception as error:
            self._failed = error
            raise
