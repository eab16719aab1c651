"""The network of Meng 2017, quantized or in float, and the arithmetic that its quantized form promises.

A quantized network in Keras is an integer model: every word between its layers is an integer times a power of two, and
float32 holds each of them exactly as long as no accumulator reaches 2^24 steps. :func:`trace` derives the format of
every word and the largest accumulator from the actual weights; :func:`assert_exact_accumulation` raises where float32
would round. Hardware gets its widths from the same trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command import InputError
from cytogate.model.designs import Meng2017
from cytogate.model.formats import (
    ANGLES,
    BIAS,
    CONTRAST_KERNEL_INTEGER_BITS,
    EXACT_STEPS,
    HIDDEN_INTEGER_BITS,
    KERNEL_INTEGER_BITS,
    NORMALIZED_INTEGER_BITS,
    PIXEL,
    RELU_INTEGER_BITS,
    SNAP_FRACTION_BITS,
    Format,
    Overflow,
    Rounding,
)
from cytogate.model.keras_backend import keras, qkeras

KERNEL = 3
"""Rows and columns of the kernels behind the first."""
CHANNELS = ANGLES + 1
"""Four bright-field frames and the phase."""
CONTRAST_GAIN = 8.0
"""A frame's values vary by a twentieth of their range or so: gain of the first kernels' initial values."""
DENSE_RANGE_SIGMAS = 8
"""Range of a dense kernel in standard deviations of its He initialization; training widens it."""
EPSILON = 2.0**-SNAP_FRACTION_BITS
"""A power of two, so that variance 1 - epsilon is exact and a snapped scale is not touched by the square root."""
MEAN_WEIGHT_STEPS_LOG2 = 5
"""The dense layer behind the images accepts weights of 2^5 steps on average before its accumulator is full."""

BATCH = 64
"""Cells evaluated at a time."""


def meng2017(spec: Meng2017, size: int, quantized: bool) -> keras.Model:
    """Build the network for inputs (cells, size, size, 5) of values code / 256, with logits (cells, classes).

    Three blocks of convolution, ReLU, max-pooling 2x2 and batch normalization, then two dense layers (Meng 2017,
    section 2.3; sizes are ours, see :class:`~cytogate.model.designs.Meng2017`). The quantized form rounds its input,
    weights, biases and activations; there is no softmax, which no fixed-point table reproduces exactly.

    Parameters
    ----------
    spec
        Filters of the three blocks, kernel and stride of the first, width of the dense layer, bits of weights and
        activations, classes.
    size
        Rows and columns of the input, a multiple of 8 times the stride.
    quantized
        Whether to build with QKeras quantizers, or as the float twin of the same topology.
    """
    if size % (8 * spec.first_stride) or size <= 0:
        raise InputError(
            f"network meng2017: inputs of {size}x{size} cannot be halved three times behind a stride of "
            f"{spec.first_stride}"
        )
    inputs = keras.Input((size, size, CHANNELS), name="network_input")
    layer = _Quantized(spec) if quantized else _Float()
    x = layer.activation(inputs, "input_quantizer", qkeras.quantized_relu(PIXEL.width, PIXEL.integer_bits))
    flat = (size // spec.first_stride // 8) ** 2 * spec.filters[-1]
    for block, filters in enumerate(spec.filters, start=1):
        kernel, stride = (spec.first_kernel, spec.first_stride) if block == 1 else (KERNEL, 1)
        x = layer.convolution(x, filters, kernel, stride, f"convolution_{block}")
        x = layer.relu(x, RELU_INTEGER_BITS, f"relu_{block}")
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
        x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"normalization_{block}")(x)
        bits = spec.activation_bits if block < len(spec.filters) else _bits_into_dense(flat, spec.activation_bits)
        quantizer = qkeras.quantized_bits(bits, NORMALIZED_INTEGER_BITS, alpha=1)
        x = layer.activation(x, f"quantizer_{block}", quantizer)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layer.dense(x, spec.dense, "dense", 1 << (bits - 1))
    x = layer.relu(x, HIDDEN_INTEGER_BITS, "relu_dense")
    x = layer.dense(x, len(spec.class_names), "logits", (1 << spec.activation_bits) - 1)
    return keras.Model(inputs, x, name="meng2017")


def logits(model: keras.Model, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of network inputs (cells, N, N, 5) as codes, a few cells at a time."""
    return logits_of_values(model, (codes[i : i + BATCH] * np.float32(PIXEL.step) for i in range(0, len(codes), BATCH)))


def logits_of_values(model: keras.Model, batches: Iterator[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of batches of real-valued inputs (cells, N, N, 5); the network rounds them."""
    found = [np.asarray(model(batch, training=False), np.float64) for batch in batches]
    return np.concatenate(found) if found else np.zeros((0, model.output_shape[-1]))


def snap_batch_normalization(model: keras.Model) -> None:
    """Turn each batch normalization into a scale and an offset on the grid 2^-10, and freeze it.

    Mean becomes 0 and variance 1 - epsilon, so that Keras itself computes ``scale * x + offset`` and nothing else.
    """
    for layer in _batch_normalizations(model):
        gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in layer.get_weights())
        scale = gamma / np.sqrt(variance + layer.epsilon)
        grid = float(1 << SNAP_FRACTION_BITS)
        snapped = np.rint(scale * grid) / grid, np.rint((beta - mean * scale) * grid) / grid
        layer.set_weights([*snapped, np.zeros_like(mean), np.full_like(variance, 1 - layer.epsilon)])
    freeze_batch_normalization(model)


def freeze_batch_normalization(model: keras.Model) -> None:
    """Keep batch normalizations as they are when training goes on; compile the model afterwards."""
    for layer in _batch_normalizations(model):
        layer.trainable = False


def settle_weights(model: keras.Model) -> None:
    """Replace trained kernels and biases by what their quantizers make of them; no output changes."""
    for layer in model.layers:
        if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
            layer.kernel.assign(layer.kernel_quantizer_internal(layer.kernel))
            layer.bias.assign(layer.bias_quantizer_internal(layer.bias))


def count_macs(model: keras.Model) -> int:
    """Return the multiplications of kernel weights for one cell."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def count_weights(model: keras.Model) -> int:
    """Return the constants that hardware stores: kernels, biases, and scale and offset of each normalized channel."""
    return sum(
        math.prod(weight.shape) for layer in model.layers for weight in layer.weights if "moving" not in weight.name
    )


@dataclass(frozen=True)
class Words:
    """The words that leave a layer."""

    layer: str
    format: Format | None
    """None ahead of the first quantizer."""
    steps: int
    """Largest magnitude, in steps of the format, of a word or of any partial sum on the way to it."""


def trace(model: keras.Model) -> tuple[Words, ...]:
    """Follow the formats of all words through a chain of layers, input layer first.

    Raises
    ------
    InputError
        If a layer cannot be exact in fixed point, is no part of a plain chain, or is of a kind that is not known here.
    """
    words: list[Words] = []
    for layer in model.layers:
        if words:
            _check_chained(model, layer, words[-1].layer)
        words.append(_words_behind(layer, words[-1] if words else None))
    return tuple(words)


def assert_exact_accumulation(model: keras.Model) -> None:
    """Raise an InputError naming the first layer whose accumulator may reach 2^24 steps, where float32 rounds."""
    for words in trace(model):
        if words.steps >= EXACT_STEPS:
            raise InputError(
                f"layer {words.layer}: its accumulator may reach {words.steps} steps and float32 is exact below "
                f"{EXACT_STEPS} only; use fewer bits for its weights or inputs"
            )


def quantizer_format(quantizer: object, layer: str) -> Format:
    """Return the format on which a QKeras quantizer rounds, half to even, and saturates.

    Raises
    ------
    InputError
        If the quantizer of ``layer`` has no fixed-point equivalent: another kind, a scale, or stochastic rounding.
    """
    if getattr(quantizer, "use_stochastic_rounding", False):
        raise InputError(f"layer {layer}: {quantizer} rounds stochastically; hardware rounds half to even")
    if isinstance(quantizer, qkeras.quantized_bits):
        if quantizer.alpha not in (1, 1.0):
            raise InputError(f"layer {layer}: {quantizer} scales by alpha={quantizer.alpha!r}; only alpha=1 is exact")
        if quantizer.symmetric or not quantizer.keep_negative:
            raise InputError(f"layer {layer}: {quantizer} is not two's complement; leave symmetric and keep_negative")
        return Format(int(quantizer.bits), int(quantizer.integer) + 1)
    if isinstance(quantizer, qkeras.quantized_relu):
        if quantizer.negative_slope or quantizer.use_sigmoid or quantizer.relu_upper_bound is not None:
            raise InputError(f"layer {layer}: {quantizer} is more than a ReLU; leave all but bits and integer bits")
        return Format(int(quantizer.bits), int(quantizer.integer), signed=False)
    raise InputError(
        f"layer {layer}: {quantizer} is no quantizer that is known to be exact; use quantized_bits(alpha=1)"
    )


def constant_formats(layer: keras.Layer) -> dict[str, Format]:
    """Return the formats of a layer's constants: ``weight`` or ``scale``, and ``bias``; empty where it has none."""
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        quantizers = {"weight": layer.kernel_quantizer_internal, "bias": layer.bias_quantizer_internal}
        return {name: quantizer_format(quantizer, layer.name) for name, quantizer in quantizers.items()}
    if isinstance(layer, keras.layers.BatchNormalization):
        gamma, beta, _, _ = layer.get_weights()
        return {name: _narrowest(values) for name, values in (("scale", gamma), ("bias", beta))}
    return {}


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


class _Float:
    """Layers of the float twin."""

    def activation(self, x: keras.KerasTensor, name: str, quantizer: object) -> keras.KerasTensor:
        return x

    def relu(self, x: keras.KerasTensor, integer_bits: int, name: str) -> keras.KerasTensor:
        return keras.layers.ReLU(name=name)(x)

    def convolution(self, x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
        limits = KernelLimits(balanced=_balanced(x))
        start = _initializer(x)
        return keras.layers.Conv2D(
            filters, kernel, stride, padding="same", kernel_initializer=start, kernel_constraint=limits, name=name
        )(x)

    def dense(self, x: keras.KerasTensor, units: int, name: str, largest_input: int) -> keras.KerasTensor:
        return keras.layers.Dense(units, kernel_initializer="he_normal", name=name)(x)


class _Quantized:
    """Layers of the quantized network; ``largest_input`` is the largest magnitude of an input code."""

    def __init__(self, spec: Meng2017) -> None:
        self.spec = spec

    def activation(self, x: keras.KerasTensor, name: str, quantizer: object) -> keras.KerasTensor:
        return qkeras.QActivation(quantizer, name=name)(x)

    def relu(self, x: keras.KerasTensor, integer_bits: int, name: str) -> keras.KerasTensor:
        return self.activation(x, name, qkeras.quantized_relu(self.spec.activation_bits, integer_bits))

    def convolution(self, x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
        largest_input = 1 << max(PIXEL.width, self.spec.activation_bits)
        integer_bits = CONTRAST_KERNEL_INTEGER_BITS if x.shape[-1] == CHANNELS else KERNEL_INTEGER_BITS
        options = self._kernel(integer_bits, kernel**2 * x.shape[-1], largest_input, _balanced(x))
        options["kernel_initializer"] = _initializer(x)
        return qkeras.QConv2D(filters, kernel, stride, padding="same", name=name, **options)(x)

    def dense(self, x: keras.KerasTensor, units: int, name: str, largest_input: int) -> keras.KerasTensor:
        inputs = x.shape[-1]
        integer_bits = math.ceil(math.log2(DENSE_RANGE_SIGMAS * math.sqrt(2 / inputs)))
        return qkeras.QDense(units, name=name, **self._kernel(integer_bits, inputs, largest_input))(x)

    def _kernel(self, integer_bits: int, inputs: int, largest_input: int, balanced: int = 0) -> dict[str, object]:
        bits = self.spec.weight_bits
        step = 2.0 ** (integer_bits + 1 - bits)
        # Rounding to the grid may add half a step to each weight; one part in sixteen is left to the bias.
        column_steps = EXACT_STEPS * 15 / 16 / largest_input - inputs / 2
        return {
            "kernel_initializer": "he_normal",
            "kernel_quantizer": qkeras.quantized_bits(bits, integer_bits, alpha=1),
            "kernel_constraint": KernelLimits(2.0**integer_bits - step, column_steps * step, balanced),
            "bias_quantizer": qkeras.quantized_bits(BIAS.width, BIAS.integer_bits - 1, alpha=1),
        }


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


def _balanced(x: keras.KerasTensor) -> int:
    """Return how many channels a convolution sees by contrast alone.

    How bright an arm is says nothing of a cell. Weights that sum to zero make the first convolution blind to it, which
    also trains faster: an even brightness is ten times the contrast.
    """
    return ANGLES if x.shape[-1] == CHANNELS else 0


def _initializer(x: keras.KerasTensor) -> keras.initializers.Initializer:
    return Contrast(CONTRAST_GAIN) if x.shape[-1] == CHANNELS else keras.initializers.HeNormal()


def _bits_into_dense(inputs: int, bits: int) -> int:
    """Return how many bits an input of the dense layer behind the images may have, of ``bits`` wanted."""
    room = EXACT_STEPS.bit_length() - 1 - math.ceil(math.log2(inputs)) - MEAN_WEIGHT_STEPS_LOG2
    return max(2, min(bits, room + 1))


def _batch_normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def _check_chained(model: keras.Model, layer: keras.Layer, previous: str) -> None:
    incoming = layer.input if isinstance(layer.input, list) else [layer.input]
    if len(incoming) != 1 or incoming[0] is not model.get_layer(previous).output:
        raise InputError(
            f"layer {layer.name}: the network must be a plain chain, and this layer does not follow {previous}"
        )


def _words_behind(layer: keras.Layer, before: Words | None) -> Words:
    if before is None:
        return Words(layer.name, None, 0)
    if isinstance(layer, qkeras.QActivation):
        return _quantized_words(layer, before)
    if isinstance(layer, keras.layers.MaxPooling2D):
        _check_pooling(layer)
        return Words(layer.name, before.format, before.steps)
    if isinstance(layer, keras.layers.Flatten):
        return Words(layer.name, before.format, before.steps)
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        return _accumulated_words(layer, before)
    if isinstance(layer, keras.layers.BatchNormalization):
        return _normalized_words(layer, before)
    raise InputError(f"layer {layer.name}: {type(layer).__name__} is not known to be exact in fixed point")


def _check_pooling(layer: keras.layers.MaxPooling2D) -> None:
    """Refuse windows that overlap, are padded or leave pixels over, which hls4ml's streaming kernels do not handle."""
    extents = layer.input.shape[1:3]
    whole = all(extent % size == 0 for extent, size in zip(extents, layer.pool_size, strict=True))
    if layer.padding != "valid" or tuple(layer.strides) != tuple(layer.pool_size) or not whole:
        raise InputError(
            f"layer {layer.name}: windows of {layer.pool_size} with stride {layer.strides} and padding {layer.padding} "
            f"do not tile {extents[0]}x{extents[1]} pixels; only pooling that does is exact"
        )


def _quantized_words(layer: qkeras.QActivation, before: Words) -> Words:
    words = quantizer_format(layer.activation, layer.name)
    if before.format is None:
        return Words(layer.name, words, words.code_max)
    # QKeras adds the rounding error to the unrounded word, so both share the finer of the two grids.
    finer = max(0, words.fraction_bits - before.format.fraction_bits)
    return Words(layer.name, words, max(before.steps << finer, words.code_max))


def _accumulated_words(layer: keras.Layer, before: Words) -> Words:
    if layer.activation is not None and getattr(layer.activation, "__name__", "") != "linear":
        raise InputError(f"layer {layer.name}: its activation must be a layer of its own, a QActivation")
    if getattr(layer, "groups", 1) != 1 or getattr(layer, "dilation_rate", (1, 1)) != (1, 1):
        raise InputError(f"layer {layer.name}: groups and dilation are not supported")
    incoming = _incoming(layer, before)
    kernel_format = quantizer_format(layer.kernel_quantizer_internal, layer.name)
    kernel = _steps(layer.kernel_quantizer_internal(layer.kernel), kernel_format)
    fraction = incoming.fraction_bits + kernel_format.fraction_bits
    sums = np.abs(kernel).reshape(-1, kernel.shape[-1]).sum(axis=0) * _largest(incoming)
    if layer.use_bias:
        bias_format = quantizer_format(layer.bias_quantizer_internal, layer.name)
        bias = _steps(layer.bias_quantizer_internal(layer.bias), bias_format)
        sums, fraction = _plus(sums, fraction, np.abs(bias), bias_format.fraction_bits)
    return _exact_words(layer.name, int(sums.max()), fraction)


def _normalized_words(layer: keras.layers.BatchNormalization, before: Words) -> Words:
    incoming = _incoming(layer, before)
    gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in layer.get_weights())
    grid = Format(32, 32 - SNAP_FRACTION_BITS)
    on_grid = all(np.array_equal(grid.decode(_steps(part, grid)), part) for part in (gamma, beta))
    if not on_grid or mean.any() or (variance + layer.epsilon != 1).any():
        raise InputError(
            f"layer {layer.name}: its batch normalization is not snapped, and no fixed-point network equals it; "
            f"train with `cytogate train` or call snap_batch_normalization"
        )
    sums, fraction = _plus(
        np.abs(_steps(gamma, grid)) * _largest(incoming),
        incoming.fraction_bits + SNAP_FRACTION_BITS,
        np.abs(_steps(beta, grid)),
        SNAP_FRACTION_BITS,
    )
    return _exact_words(layer.name, int(sums.max()), fraction)


def _incoming(layer: keras.Layer, before: Words) -> Format:
    if before.format is None:
        raise InputError(f"layer {layer.name}: its input is not quantized; put a QActivation ahead of it")
    return before.format


def _plus(a: NDArray, a_fraction: int, b: NDArray, b_fraction: int) -> tuple[NDArray, int]:
    """Add integers of two grids on the finer one."""
    fraction = max(a_fraction, b_fraction)
    return (a << (fraction - a_fraction)) + (b << (fraction - b_fraction)), fraction


def _exact_words(name: str, steps: int, fraction_bits: int) -> Words:
    width = steps.bit_length() + 1
    return Words(name, Format(width, width - fraction_bits, True, Rounding.TRUNCATE, Overflow.WRAP), steps)


def _narrowest(values: NDArray) -> Format:
    """Return the narrowest format on the grid of snapped values that holds them."""
    largest = int(np.abs(np.rint(np.asarray(values, np.float64) * (1 << SNAP_FRACTION_BITS))).max())
    width = largest.bit_length() + 1
    return Format(width, width - SNAP_FRACTION_BITS)


def _steps(values: keras.KerasTensor | NDArray, on: Format) -> NDArray[np.int64]:
    return np.rint(np.asarray(values, np.float64) * 2.0**on.fraction_bits).astype(np.int64)


def _largest(words: Format) -> int:
    return max(-words.code_min, words.code_max)
