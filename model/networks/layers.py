"""Layers of which networks are built, in two forms of one interface: float, or quantized on hardware's grids.

A network's topology is written once, as a function of :class:`FloatLayers` or :class:`QuantizedLayers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras, tf
from cytogate.model.networks.widths import BIAS, CONTRAST_KERNEL_INTEGER_BITS, EXACT_STEPS, SNAP_FRACTION_BITS

CONTRAST_GAIN = 8.0
"""A frame's values vary by a twentieth of their range or so: gain of the first kernels' initial values."""
RANGE_SIGMAS = 8
"""Range of a kernel in standard deviations of its He initialization; training widens it."""
EPSILON = 2.0**-SNAP_FRACTION_BITS
"""A power of two, so that variance 1 - epsilon is exact and a snapped scale is not touched by the square root."""


class Layers(Protocol):
    """What a topology is written in. Arguments that a form has no use for are there for the other one."""

    def words(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Round to signed words, or to unsigned ones of no integer bits: pixels. Nothing in float."""

    def relu(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Rectify; the words that leave are unsigned."""

    def leaky_relu(self, x: keras.KerasTensor, name: str, words: Format, slope: float) -> keras.KerasTensor:
        """Rectify, negative words times ``slope`` in float and times 1/8 in hardware; ``x`` has been rounded."""

    def convolution(
        self,
        x: keras.KerasTensor,
        name: str,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: str = "same",
        largest_input: int,
        integer_bits: int | None = None,
        by_contrast: int | None = None,
    ) -> keras.KerasTensor:
        """Convolve; ``largest_input`` is the largest magnitude of an input code.

        ``integer_bits`` of the kernel follow from its size where they are not given. ``by_contrast`` marks the
        convolution that faces images of low contrast, and says how many channels it sees by contrast alone.
        """

    def dense(self, x: keras.KerasTensor, name: str, units: int, *, largest_input: int) -> keras.KerasTensor:
        """Multiply by a matrix and add a bias."""

    def dropout(self, x: keras.KerasTensor, name: str, rate: float) -> keras.KerasTensor:
        """Drop words in training; the quantized form, which starts from trained weights, does without."""


@dataclass(frozen=True)
class FloatLayers:
    """Layers as publications have them."""

    initializer: Callable[[], keras.initializers.Initializer] = keras.initializers.HeNormal
    """Makes the initial kernels, where images of low contrast do not ask for others."""
    l2: float = 0.0
    """Penalty on the squared weights of all kernels."""

    def words(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Return ``x``."""
        return x

    def relu(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Rectify."""
        return keras.layers.ReLU(name=name)(x)

    def leaky_relu(self, x: keras.KerasTensor, name: str, words: Format, slope: float) -> keras.KerasTensor:
        """Rectify, negative values times ``slope``."""
        return keras.layers.LeakyReLU(negative_slope=slope, name=name)(x)

    def convolution(
        self,
        x: keras.KerasTensor,
        name: str,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: str = "same",
        largest_input: int,
        integer_bits: int | None = None,
        by_contrast: int | None = None,
    ) -> keras.KerasTensor:
        """Convolve."""
        return keras.layers.Conv2D(
            filters,
            kernel,
            stride,
            padding=padding,
            name=name,
            kernel_initializer=self.initializer() if by_contrast is None else Contrast(CONTRAST_GAIN),
            kernel_constraint=None if by_contrast is None else KernelLimits(balanced=by_contrast),
            kernel_regularizer=_penalty(self.l2),
        )(x)

    def dense(self, x: keras.KerasTensor, name: str, units: int, *, largest_input: int) -> keras.KerasTensor:
        """Multiply by a matrix and add a bias."""
        options = {"kernel_initializer": self.initializer(), "kernel_regularizer": _penalty(self.l2)}
        return keras.layers.Dense(units, name=name, **options)(x)

    def dropout(self, x: keras.KerasTensor, name: str, rate: float) -> keras.KerasTensor:
        """Drop values in training."""
        return keras.layers.Dropout(rate, name=name)(x)


@dataclass(frozen=True)
class QuantizedLayers:
    """Layers whose words and constants lie on grids, and whose sums float32 holds."""

    weight_bits: int = 8
    l2: float = 0.0
    """Penalty on the squared weights of all kernels."""

    def words(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Round and saturate."""
        if words.signed:
            quantizer = qkeras.quantized_bits(words.width, words.integer_bits - 1, alpha=1)
        else:
            quantizer = qkeras.quantized_relu(words.width, words.integer_bits)
        return qkeras.QActivation(quantizer, name=name)(x)

    def relu(self, x: keras.KerasTensor, name: str, words: Format) -> keras.KerasTensor:
        """Rectify, round and saturate."""
        return qkeras.QActivation(qkeras.quantized_relu(words.width, words.integer_bits), name=name)(x)

    def leaky_relu(self, x: keras.KerasTensor, name: str, words: Format, slope: float) -> keras.KerasTensor:
        """Rectify, negative words times 1/8, then round."""
        quantizer = qkeras.quantized_relu(words.width, words.integer_bits - 1, negative_slope=LEAK)
        return qkeras.QActivation(quantizer, name=name)(x)

    def convolution(
        self,
        x: keras.KerasTensor,
        name: str,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: str = "same",
        largest_input: int,
        integer_bits: int | None = None,
        by_contrast: int | None = None,
    ) -> keras.KerasTensor:
        """Convolve, exactly."""
        if by_contrast is not None:
            integer_bits = CONTRAST_KERNEL_INTEGER_BITS
        options = self._kernel(name, kernel**2 * x.shape[-1], largest_input, integer_bits, by_contrast or 0)
        if by_contrast is not None:
            options["kernel_initializer"] = Contrast(CONTRAST_GAIN)
        return qkeras.QConv2D(filters, kernel, stride, padding=padding, name=name, **options)(x)

    def dense(self, x: keras.KerasTensor, name: str, units: int, *, largest_input: int) -> keras.KerasTensor:
        """Multiply by a matrix and add a bias, exactly."""
        return qkeras.QDense(units, name=name, **self._kernel(name, x.shape[-1], largest_input))(x)

    def dropout(self, x: keras.KerasTensor, name: str, rate: float) -> keras.KerasTensor:
        """Return ``x``."""
        return x

    def _kernel(
        self, name: str, inputs: int, largest_input: int, integer_bits: int | None = None, balanced: int = 0
    ) -> dict[str, object]:
        if integer_bits is None:
            integer_bits = math.ceil(math.log2(RANGE_SIGMAS * math.sqrt(2 / inputs)))
        step = 2.0 ** (integer_bits + 1 - self.weight_bits)
        # Rounding to the grid may add half a step to each weight; one part in sixteen is left to the bias.
        column_steps = EXACT_STEPS * 15 / 16 / largest_input - inputs / 2
        if column_steps < 1:
            raise InputError(
                f"layer {name}: sums of {inputs} products with words up to {largest_input} steps leave no room for "
                f"weights below {EXACT_STEPS} steps; give it fewer inputs, or words of fewer bits"
            )
        return {
            "kernel_initializer": "he_normal",
            "kernel_quantizer": qkeras.quantized_bits(self.weight_bits, integer_bits, alpha=1),
            "kernel_constraint": KernelLimits(2.0**integer_bits - step, column_steps * step, balanced),
            "kernel_regularizer": _penalty(self.l2),
            "bias_quantizer": qkeras.quantized_bits(BIAS.width, BIAS.integer_bits - 1, alpha=1),
        }


LEAK = 0.125
"""Slope of a leaky ReLU in hardware, a shift of bits."""


def batch_normalization(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Normalize; both forms do it in float until it is snapped."""
    return BatchNormalization(epsilon=EPSILON, name=name)(x)


@keras.saving.register_keras_serializable(package="cytogate")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization, and nothing but ``scale * x + offset`` on every processor once it is snapped.

    Keras multiplies by ``rsqrt(variance + epsilon)``, which vector units approximate: with AVX-512 the reciprocal root
    of 1 is 1 - 2^-23, and no word behind it can be relied on. hls4ml knows the layer by the name of its class.

    Where several workers train together, the statistics are those of the whole batch.
    """

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Return ``inputs`` normalized, in training by their own statistics."""
        if training and self.trainable:
            return super().call(inputs, training=training, mask=mask)
        variance = self.moving_variance + self.epsilon
        scale = keras.ops.where(variance == 1, 1.0, keras.ops.rsqrt(variance))
        scale = self.gamma * scale if self.scale else scale
        offset = self.beta if self.center else 0.0
        return inputs * scale + (offset - self.moving_mean * scale)

    def _moments(
        self, inputs: keras.KerasTensor, mask: keras.KerasTensor | None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return mean and variance over all places but the last.

        Keras has ``synchronized`` for it, but takes the difference of two large sums: of bright images little is left.
        """
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return super()._moments(inputs, mask)
        axes = tuple(range(inputs.ndim - 1))
        count = tf.cast(tf.size(inputs) / inputs.shape[-1], inputs.dtype)
        total, count = replica.all_reduce(tf.distribute.ReduceOp.SUM, [tf.reduce_sum(inputs, axes), count])
        mean = total / count
        squares = replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(tf.square(inputs - mean), axes))
        return mean, squares / count


@keras.saving.register_keras_serializable(package="cytogate")
class KernelLimits(keras.constraints.Constraint):
    """Keeps a kernel to what its layer can use.

    Parameters
    ----------
    largest
        Largest magnitude of a weight: its format's range.
    column_sum
        Largest sum of magnitudes of one output's weights: what the accumulator holds.
    balanced
        Input channels, counted from the first, whose weights sum to zero for each output.
    """

    def __init__(self, largest: float = math.inf, column_sum: float = math.inf, balanced: int = 0) -> None:
        self.largest = largest
        self.column_sum = column_sum
        self.balanced = balanced

    def __call__(self, kernel: keras.KerasTensor) -> keras.KerasTensor:
        """Return the kernel, balanced, then clipped, then with the columns that are too heavy scaled down."""
        if self.balanced:
            mean = keras.ops.mean(kernel, axis=(0, 1), keepdims=True)
            chosen = np.arange(kernel.shape[2]) < self.balanced
            kernel -= mean * chosen.astype(np.float32)[:, None]
        kernel = keras.ops.clip(kernel, -self.largest, self.largest)
        sums = keras.ops.sum(keras.ops.abs(kernel), axis=tuple(range(kernel.ndim - 1)), keepdims=True)
        return kernel * keras.ops.minimum(1.0, self.column_sum / keras.ops.maximum(sums, 1e-6))

    def get_config(self) -> dict[str, float]:
        """Return the arguments."""
        return {"largest": self.largest, "column_sum": self.column_sum, "balanced": self.balanced}


@keras.saving.register_keras_serializable(package="cytogate")
class Contrast(keras.initializers.HeNormal):
    """He initialization without what an even image answers to, times a gain: for images of low contrast."""

    def __init__(self, gain: float, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """Return a kernel (rows, columns, channels, filters)."""
        kernel = super().__call__(shape, dtype)
        return self.gain * (kernel - keras.ops.mean(kernel, axis=(0, 1), keepdims=True))

    def get_config(self) -> dict[str, object]:
        """Return the arguments."""
        return {"gain": self.gain, "seed": super().get_config()["seed"]}


def _penalty(l2: float) -> keras.regularizers.Regularizer | None:
    return keras.regularizers.L2(l2) if l2 else None
