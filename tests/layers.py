"""Networks of a few layers, for tests of what is read of them and of what hls4ml makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.csim.network import extreme_codes

layers = keras.layers


def bits(width: int = 6, integer: int = 0, **options: object) -> qkeras.quantized_bits:
    """Return a quantizer in two's complement."""
    return qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


def rectified(width: int = 6, integer: int = 2, **options: object) -> qkeras.quantized_relu:
    """Return a quantizer of words from zero on."""
    return qkeras.quantized_relu(width, integer, **options)


def rounded(quantizer: object, name: str | None = None) -> keras.Layer:
    """Return a layer that rounds."""
    return qkeras.QActivation(quantizer, name=name)


def convolution(filters: int = 2, kernel: Any = 3, name: str | None = None, **options: object) -> keras.Layer:
    """Return a quantized convolution."""
    settings = {"kernel_quantizer": bits(), "bias_quantizer": bits(), "padding": "same", "name": name}
    return qkeras.QConv2D(filters, kernel, **(settings | options))


def dense(units: int = 3, name: str | None = None, **options: object) -> keras.Layer:
    """Return a quantized dense layer."""
    return qkeras.QDense(units, **({"kernel_quantizer": bits(), "bias_quantizer": bits(), "name": name} | options))


Part = Callable[[keras.KerasTensor], keras.KerasTensor]


def classifier(
    *parts: Part, shape: tuple[int, ...] = (8, 8, 2), entry: object | None = None, ends: bool = True
) -> keras.Model:
    """Return a network: quantized input, parts, and a dense layer if it ``ends`` in one; biases are drawn at random."""
    keras.utils.set_random_seed(1)
    x = given = keras.Input(shape, name="network_input")
    x = rounded(entry or rectified(8, 0), "input_quantizer")(x)
    for part in parts:
        x = part(x)
    if ends:
        x = layers.Flatten(name="flat")(x) if len(x.shape) != 2 else x
        x = dense(3, "logits", kernel_quantizer=bits(4))(x)
    return with_biases(keras.Model(given, x, name="small"))


def with_biases(model: keras.Model) -> keras.Model:
    """Give a network biases and normalizations as training might."""
    rng = np.random.default_rng(2)
    for layer in model.layers:
        # QKeras's folding layers have one within.
        normalization = getattr(layer, "batchnorm", layer)
        if isinstance(normalization, layers.BatchNormalization):
            ranges = {"gamma": (0.5, 1.5), "beta": (-1, 1), "moving_mean": (-1, 1), "moving_variance": (0.3, 3)}
            for name, (low, high) in ranges.items():
                weights = getattr(normalization, name)
                if weights is not None:
                    weights.assign(rng.uniform(low, high, weights.shape))
        if getattr(layer, "use_bias", False):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    return model


EXTREMES = 8
"""Cells among :func:`extremes` that are none of the random ones."""


def extremes(network: IntegerNetwork, cells: int = 16) -> list[np.ndarray]:
    """Return codes of each input: random ones, and eight extremes."""
    return [
        extreme_codes(each.shape, each.format, cells, seed=3 + number) for number, each in enumerate(network.inputs)
    ]


def keras_codes(model: keras.Model, network: IntegerNetwork, codes: list[np.ndarray]) -> np.ndarray:
    """Return Keras's logits, in steps of the format that was read."""
    values = [each.format.decode(given).astype(np.float32) for each, given in zip(network.inputs, codes, strict=True)]
    found = np.asarray(model(values if len(values) > 1 else values[0], training=False), np.float64)
    return found / network.logits.format.step


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    """A ResNet's block: a sum with what went past it."""
    x = rounded(rectified(4, 1))(convolution()(x))
    inner = rounded(bits(6, 2))(convolution()(x))
    return rounded(rectified(4, 2))(layers.Add()([x, inner]))


def joined(layer: keras.Layer) -> Part:
    """Return two ways of different words that a layer joins."""

    def ways(x: keras.KerasTensor) -> keras.KerasTensor:
        ends = [rounded(bits(5, 1))(convolution()(x)), rounded(rectified(4, 2))(convolution()(x))]
        return rounded(bits(6, 2))(layer(ends))

    return ways


def fire(x: keras.KerasTensor) -> keras.KerasTensor:
    """A SqueezeNet's block: two ways side by side."""
    x = rounded(rectified(4, 1))(convolution(2, 1)(x))
    one, three = rounded(rectified(4, 1))(convolution(2, 1)(x)), rounded(rectified(5, 2))(convolution(2, 3)(x))
    return layers.Concatenate()([one, three])


def separated(x: keras.KerasTensor) -> keras.KerasTensor:
    """A MobileNet's block."""
    quantizers = {"depthwise_quantizer": bits(4), "bias_quantizer": bits()}
    x = rounded(rectified(4, 1))(qkeras.QDepthwiseConv2D(3, padding="same", **quantizers)(x))
    return rounded(rectified(4, 1))(convolution(4, 1)(x))


def normalized(**options: object) -> Part:
    """Return a convolution without bias, a normalization and a ReLU, as most people stack them."""

    def stack(x: keras.KerasTensor) -> keras.KerasTensor:
        x = convolution(3, use_bias=False, bias_quantizer=None)(x)
        return rounded(rectified())(layers.BatchNormalization(**{"name": "normalization", **options})(x))

    return stack


EXACT: dict[str, Callable[[], keras.Model]] = {
    "no bias": lambda: classifier(convolution(use_bias=False), rounded(rectified())),
    "residual": lambda: classifier(residual),
    "fire": lambda: classifier(fire),
    "separated": lambda: classifier(separated),
    "separable layer": lambda: classifier(
        qkeras.QSeparableConv2D(
            3, 3, depthwise_quantizer=bits(3), pointwise_quantizer=bits(3), bias_quantizer=bits(), name="separable"
        ),
        rounded(rectified()),
    ),
    "depth multiplier": lambda: classifier(
        qkeras.QDepthwiseConv2D(2, depth_multiplier=2, depthwise_quantizer=bits(4), bias_quantizer=bits()),
        rounded(rectified()),
    ),
    "groups": lambda: classifier(convolution(4, groups=2), rounded(rectified())),
    "dilation": lambda: classifier(convolution(dilation_rate=2), rounded(rectified())),
    "mask": lambda: classifier(convolution(mask=np.eye(3, dtype=np.float32)), rounded(rectified())),
    "one pixel, stride 2": lambda: classifier(convolution(3, 1, strides=2), rounded(rectified())),
    "rectangles": lambda: classifier(convolution(3, (1, 5), strides=(2, 1)), rounded(rectified()), shape=(7, 10, 2)),
    "maximum of signed words, padded": lambda: classifier(
        convolution(),
        rounded(bits(6, 1)),
        layers.MaxPooling2D(3, 2, padding="same"),
        convolution(),
        rounded(bits(4, 2)),
    ),
    "maximum at the end, padded": lambda: classifier(
        convolution(3), rounded(bits(6, 1)), layers.MaxPooling2D((8, 5), padding="same"), layers.Flatten(), ends=False
    ),
    "operators": lambda: classifier(
        lambda x: rounded(bits(6, 2))(convolution()(x) + rounded(bits(4, 1))(convolution()(x)) - x), shape=(6, 6, 2)
    ),
    "nested, two ways": lambda: classifier(
        keras.Sequential([keras.Input((8, 8, 2)), convolution(), rounded(rectified()), layers.MaxPooling2D(2)])
    ),
    "pooling that leaves rows out": lambda: classifier(
        layers.MaxPooling2D((1, 2), strides=(3, 2)),
        layers.AveragePooling2D((1, 2), strides=(2, 1)),
        rounded(bits(6, 1)),
        shape=(12, 8, 2),
    ),
    "rows left out": lambda: classifier(convolution(3, (1, 3), strides=(3, 2)), rounded(rectified()), shape=(9, 10, 2)),
    "rows and columns left out": lambda: classifier(
        qkeras.QDepthwiseConv2D(1, strides=(2, 3), depthwise_quantizer=bits(4), bias_quantizer=bits(6, 1)),
        rounded(rectified()),
        shape=(8, 7, 2),
    ),
    "activation within": lambda: classifier(convolution(activation=rectified())),
    "plain ReLU between": lambda: classifier(
        convolution(kernel_quantizer=bits(3)), layers.ReLU(), rounded(rectified())
    ),
    "Activation('relu')": lambda: classifier(convolution(), layers.Activation("relu"), rounded(rectified())),
    "ReLU(6)": lambda: classifier(convolution(kernel_quantizer=bits(3, 3)), layers.ReLU(6.0), rounded(rectified(6, 3))),
    "bound": lambda: classifier(
        convolution(kernel_quantizer=bits(4, 3)), rounded(rectified(6, 3, relu_upper_bound=6, is_quantized_clip=False))
    ),
    "leak": lambda: classifier(convolution(), rounded(bits(8, 2)), rounded(rectified(8, 2, negative_slope=0.125))),
    "LeakyReLU": lambda: classifier(convolution(), rounded(bits(6, 2)), layers.LeakyReLU(0.25), rounded(bits(6, 2))),
    "a quantizer twice": lambda: classifier(
        convolution(), rounded(rectified()), layers.MaxPooling2D(2), rounded(rectified()), rounded(bits(8, 3))
    ),
    "linear": lambda: classifier(convolution(), layers.Activation("linear"), rounded(rectified())),
    "identities": lambda: classifier(
        convolution(),
        rounded(rectified()),
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(0.1),
    ),
    "nested": lambda: classifier(keras.Sequential([keras.Input((8, 8, 2)), convolution(), rounded(rectified())])),
    "sequential": lambda: with_biases(
        keras.Sequential([keras.Input((6, 6, 1)), rounded(rectified(8, 0)), convolution(), layers.Flatten(), dense()])
    ),
    "powers of two": lambda: classifier(convolution(kernel_quantizer=bits(alpha="auto_po2")), rounded(rectified())),
    "alpha left out": lambda: classifier(
        convolution(kernel_quantizer=qkeras.quantized_bits(4, 0)), rounded(rectified())
    ),
    "ternary": lambda: classifier(convolution(kernel_quantizer=qkeras.ternary(alpha=1)), rounded(rectified())),
    "ternary, scaled": lambda: classifier(
        convolution(kernel_quantizer=qkeras.ternary(alpha="auto_po2")), rounded(rectified())
    ),
    "binary": lambda: classifier(convolution(kernel_quantizer=qkeras.binary(alpha=1)), rounded(rectified())),
    "one bit": lambda: classifier(convolution(kernel_quantizer=bits(1)), rounded(rectified())),
    "two bits": lambda: classifier(convolution(kernel_quantizer=bits(2)), rounded(rectified(2, 1))),
    "two bits, whole": lambda: classifier(convolution(kernel_quantizer=bits(2, 1)), rounded(rectified(2, 1))),
    "quantized_po2": lambda: classifier(convolution(kernel_quantizer=qkeras.quantized_po2(3)), rounded(rectified())),
    "quantized_linear": lambda: classifier(
        convolution(kernel_quantizer=qkeras.quantizers.quantized_linear(5, 0, alpha=1)), rounded(rectified())
    ),
    "symmetric": lambda: classifier(
        convolution(kernel_quantizer=bits(4, symmetric=1)), rounded(bits(4, 1, symmetric=1))
    ),
    "16-bit weights": lambda: classifier(
        layers.MaxPooling2D(8), dense(3, kernel_quantizer=bits(16)), rounded(bits(8, 0)), entry=rectified(4, 0)
    ),
    "sign": lambda: classifier(convolution(), rounded(bits(1))),
    "binary words": lambda: classifier(convolution(), rounded(qkeras.binary(alpha=1))),
    "steps": lambda: classifier(convolution(), rounded(qkeras.binary(use_01=True, alpha=1))),
    "binary words, no scale": lambda: classifier(convolution(), rounded("binary")),
    "binary words at rest": lambda: classifier(convolution(), rounded("stochastic_binary")),
    "binary_tanh": lambda: classifier(convolution(kernel_quantizer=bits(2)), rounded("binary_tanh"), entry=bits(2)),
    "binary_sigmoid": lambda: classifier(convolution(kernel_quantizer=bits(2)), rounded("binary_sigmoid")),
    "ternary words": lambda: classifier(convolution(), rounded("ternary")),
    "ternary words, a threshold": lambda: classifier(convolution(), rounded(qkeras.ternary(alpha=1, threshold=0.5))),
    "ternary words of whole numbers": lambda: classifier(
        convolution(kernel_quantizer=bits(1), use_bias=False), rounded("ternary"), entry=rectified(2, 2)
    ),
    "tanh of straight lines": lambda: classifier(convolution(), rounded("quantized_tanh(4)")),
    "symmetric tanh": lambda: classifier(convolution(), rounded(qkeras.quantized_tanh(2, symmetric=True))),
    "sigmoid of straight lines": lambda: classifier(convolution(), rounded("quantized_sigmoid(4)")),
    "leak beyond its range": lambda: classifier(convolution(), rounded(rectified(8, 0, negative_slope=0.25))),
    "leak beyond its range, coarser words": lambda: classifier(
        convolution(), rounded(bits(6, 3)), rounded(rectified(8, 0, negative_slope=0.25))
    ),
    "a learnt slope": lambda: classifier(
        convolution(), layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2, 3]), rounded(bits(6, 2))
    ),
    "no slope": lambda: classifier(convolution(), layers.PReLU(), rounded(bits(6, 2))),
    "folded normalization": lambda: classifier(
        qkeras.QConv2DBatchnorm(3, 3, kernel_quantizer=bits(), bias_quantizer=bits(6, 2)), rounded(rectified())
    ),
    "folded normalization of channels": lambda: classifier(
        qkeras.QDepthwiseConv2DBatchnorm(3, depthwise_quantizer=bits(), bias_quantizer=bits(6, 2)),
        rounded(rectified()),
    ),
    "folded normalization of a vector": lambda: classifier(
        qkeras.QDenseBatchnorm(6, kernel_quantizer=bits(), bias_quantizer=bits(6, 2), use_bias=False),
        rounded(rectified()),
        shape=(12,),
    ),
    "difference": lambda: classifier(joined(layers.Subtract())),
    "larger ones": lambda: classifier(joined(layers.Maximum())),
    "smaller ones": lambda: classifier(joined(layers.Minimum())),
    "mean of two": lambda: classifier(joined(layers.Average())),
    "ReLU of a mean": lambda: classifier(
        convolution(),
        rounded(bits(6, 1)),
        layers.AveragePooling2D(3),
        layers.ReLU(),
        rounded(rectified(5, 1)),
        shape=(9, 9, 2),
    ),
    "global mean": lambda: classifier(convolution(4), rounded(rectified()), layers.GlobalAveragePooling2D()),
    "global mean of 35": lambda: classifier(
        convolution(4), rounded(bits(6, 1)), layers.GlobalAveragePooling2D(), rounded(bits(8, 1)), shape=(7, 5, 2)
    ),
    "quantized global mean": lambda: classifier(
        convolution(4), rounded(rectified()), qkeras.QGlobalAveragePooling2D(average_quantizer=bits(8))
    ),
    "global maximum": lambda: classifier(convolution(4), rounded(bits(5, 1)), layers.GlobalMaxPooling2D()),
    "mean of 4": lambda: classifier(convolution(), rounded(rectified()), layers.AveragePooling2D(2)),
    "mean of 9": lambda: classifier(
        convolution(), rounded(bits(6, 1)), layers.AveragePooling2D(3), rounded(bits(6, 1)), shape=(9, 9, 2)
    ),
    "quantized mean": lambda: classifier(
        convolution(),
        rounded(rectified()),
        qkeras.QAveragePooling2D(2, average_quantizer=bits(8), activation=rectified()),
    ),
    "maximum of signed": lambda: classifier(convolution(), rounded(bits(5, 1)), layers.MaxPooling2D((2, 4))),
    "maximum, a row over": lambda: classifier(convolution(), rounded(rectified()), layers.MaxPooling2D(3)),
    "maximum, overlapping": lambda: classifier(convolution(), rounded(bits(5, 1)), layers.MaxPooling2D(3, 2)),
    "maximum, overlapping and padded": lambda: classifier(
        convolution(), rounded(rectified()), layers.MaxPooling2D(3, 2, padding="same"), shape=(7, 6, 2)
    ),
    "maximum, gaps between": lambda: classifier(convolution(), rounded(rectified()), layers.MaxPooling2D(2, 3)),
    "mean, overlapping": lambda: classifier(
        convolution(), rounded(rectified()), layers.AveragePooling2D((2, 3), 1), rounded(rectified())
    ),
    "maximum, padded": lambda: classifier(
        convolution(), rounded(rectified()), layers.MaxPooling2D(2, padding="same"), shape=(7, 5, 2)
    ),
    "padding": lambda: classifier(
        layers.ZeroPadding2D(((1, 2), (0, 3))), convolution(padding="valid"), rounded(rectified())
    ),
    "cropping": lambda: classifier(layers.Cropping2D(((1, 2), (0, 3))), convolution(), rounded(rectified())),
    "up-sampling": lambda: classifier(
        layers.UpSampling2D((2, 3)), convolution(), rounded(rectified()), shape=(4, 4, 2)
    ),
    "reshape": lambda: classifier(layers.Reshape((4, 16, 2)), convolution(), rounded(rectified())),
    "reshape to other channels": lambda: classifier(
        layers.Reshape((6, 4, 2)), convolution(), rounded(rectified()), shape=(4, 4, 3)
    ),
    "flattened ahead of a quantizer": lambda: classifier(layers.Flatten(), rounded(bits(6, 0)), dense(4)),
    "flattened ahead of a normalization": lambda: classifier(
        layers.Flatten(),
        layers.BatchNormalization(name="normalization"),
        rounded(bits(6, 2)),
        dense(4),
        shape=(3, 3, 2),
    ),
    "flattened for two": lambda: classifier(
        layers.Flatten(), lambda x: layers.Add()([dense(4)(x), dense(4)(x)]), rounded(bits(6, 2)), shape=(3, 3, 2)
    ),
    "reshape of a vector": lambda: classifier(
        layers.Reshape((4, 4, 2)), convolution(), rounded(rectified()), shape=(32,)
    ),
    "permuted": lambda: classifier(layers.Permute((2, 1, 3)), convolution(), rounded(rectified()), shape=(4, 6, 2)),
    "channels first, flattened": lambda: classifier(
        convolution(), rounded(rectified()), layers.Flatten(data_format="channels_first")
    ),
    "rounded behind flattening": lambda: classifier(
        convolution(), rounded(rectified()), layers.Flatten(), rounded(bits(4, 2)), shape=(4, 4, 2)
    ),
    "normalized behind flattening": lambda: classifier(
        convolution(),
        rounded(rectified()),
        layers.Flatten(),
        layers.BatchNormalization(name="normalization"),
        rounded(bits(4, 2)),
        shape=(3, 3, 2),
    ),
    "added behind flattening": lambda: classifier(
        lambda x: layers.Add()([layers.Flatten()(rounded(bits(4, 1))(convolution(name=name)(x))) for name in "ab"]),
        shape=(4, 4, 2),
    ),
    "vector": lambda: classifier(dense(8), rounded(rectified()), shape=(16,)),
    "dense on a map": lambda: classifier(dense(4), rounded(rectified()), shape=(4, 4, 2)),
    "signed input": lambda: classifier(convolution(), rounded(rectified()), entry=bits(6, 0)),
    "wide input": lambda: classifier(
        convolution(kernel_quantizer=bits(3)), rounded(rectified()), entry=rectified(12, 0)
    ),
    "pixels from 0 to 255": lambda: classifier(convolution(), rounded(rectified(6, 8)), entry=rectified(8, 8)),
    "unsigned logits": lambda: classifier(
        convolution(), rounded(rectified()), layers.Flatten(), dense(3), rounded(rectified(8, 3)), ends=False
    ),
    "three terms": lambda: classifier(
        lambda x: layers.Add()([rounded(rectified(4, 1))(convolution(name=name)(x)) for name in "abc"])
    ),
    "normalization of one scale": lambda: classifier(normalized(scale=False)),
    "normalization as trained": lambda: classifier(normalized()),
}
"""What is read, converted and computed exactly; where there is a normalization, Keras rounds."""
