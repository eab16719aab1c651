"""Networks of the kinds that people publish, small: what is read, converted and equal, and what is refused.

Topologies after hls4ml's tests, tutorial and examples, QKeras's examples, FINN's and MLPerf Tiny's networks and others'
blocks, with the quantizers that their authors use. Each has a quantizer behind its input, without which nothing says
what comes in.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cytogate.model.networks.keras_backend import keras, qkeras
from tests.layers import layers

Tensor = keras.KerasTensor
MAP = (8, 8, 2)

EXACT: dict[str, Callable[[], keras.Model]] = {}
"""Read, converted and equal on every word."""
REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {}
"""Refused, with the sentence that is due as a pattern."""


def exact(build: Callable[[], keras.Model]) -> Callable[[], keras.Model]:
    EXACT[build.__name__] = build
    return build


def refused(said: str) -> Callable[[Callable[[], keras.Model]], Callable[[], keras.Model]]:
    def keep(build: Callable[[], keras.Model]) -> Callable[[], keras.Model]:
        REFUSED[build.__name__] = build, said
        return build

    return keep


def drawn(name: str) -> keras.Model:
    """Build a network of the table with weights as training might leave them."""
    keras.utils.set_random_seed(zlib.crc32(name.encode()) % 2**31)
    model = EXACT[name]() if name in EXACT else REFUSED[name][0]()
    rng = np.random.default_rng(5)
    for layer in model._flatten_layers(include_self=False):
        normalization = getattr(layer, "batchnorm", layer)
        if isinstance(normalization, layers.BatchNormalization):
            ranges = {
                "gamma": (0.5, 1.5),
                "beta": (-0.5, 0.5),
                "moving_mean": (-0.5, 0.5),
                "moving_variance": (0.05, 0.5),
            }
            for part, (low, high) in ranges.items():
                weights = getattr(normalization, part)
                if weights is not None:
                    weights.assign(rng.uniform(low, high, weights.shape))
        if getattr(layer, "use_bias", False) and layer.bias is not None:
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    return model


# What the networks are made of.


def stack(shape: tuple[int, ...], *parts: Any, entry: Any = "quantized_bits(8,0,alpha=1)") -> keras.Model:
    """Return a functional model: an input, its quantizer, and parts one behind the other."""
    x = given = keras.Input(shape)
    if entry is not None:
        x = act(entry)(x)
    for part in parts:
        x = part(x)
    return keras.Model(given, x)


def in_sequence(shape: tuple[int, ...], *parts: Any, entry: Any = "quantized_bits(8,0,alpha=1)") -> keras.Model:
    """Return a sequential model of the same."""
    return keras.Sequential([keras.Input(shape), act(entry), *parts])


def act(quantizer: Any, name: str | None = None) -> keras.Layer:
    return qkeras.QActivation(quantizer, name=name)


def conv(filters: int, size: Any = 3, weights: Any = "quantized_bits(4,0,alpha=1)", **options: Any) -> keras.Layer:
    if options.get("use_bias", True):
        options.setdefault("bias_quantizer", "quantized_bits(6,1,alpha=1)")
    return qkeras.QConv2D(filters, size, kernel_quantizer=weights, **options)


def deep(size: Any = 3, weights: Any = "quantized_bits(4,0,alpha=1)", **options: Any) -> keras.Layer:
    if options.get("use_bias", True):
        options.setdefault("bias_quantizer", "quantized_bits(6,1,alpha=1)")
    return qkeras.QDepthwiseConv2D(size, depthwise_quantizer=weights, **options)


def dense(units: int, weights: Any = "quantized_bits(4,0,alpha=1)", **options: Any) -> keras.Layer:
    if options.get("use_bias", True):
        options.setdefault("bias_quantizer", "quantized_bits(6,1,alpha=1)")
    return qkeras.QDense(units, kernel_quantizer=weights, **options)


def normal(**options: Any) -> keras.Layer:
    return layers.BatchNormalization(**options)


def softmax() -> keras.Layer:
    return layers.Activation("softmax")


def flat() -> keras.Layer:
    return layers.Flatten()


def chained(*parts: Any) -> Callable[[Tensor], Tensor]:
    def apply(x: Tensor) -> Tensor:
        for part in parts:
            x = part(x)
        return x

    return apply


def classes(count: int = 3) -> Callable[[Tensor], Tensor]:
    return chained(flat(), dense(count))


# hls4ml: tests of quantizers and activations on vectors.


@exact
def hls4ml_ternary_weights_binary_tanh() -> keras.Model:
    return in_sequence(
        (10,), dense(10, qkeras.ternary(alpha=1), bias_quantizer="quantized_bits(5,2)"), act("binary_tanh")
    )


@refused("layer q_dense.*scales its kernel by what is no power of two")
def hls4ml_ternary_scaled_freely() -> keras.Model:
    return in_sequence((10,), dense(10, qkeras.ternary(alpha="auto")), normal(), act(qkeras.binary()))


@exact
def hls4ml_ternary_normalized_binary() -> keras.Model:
    return in_sequence((10,), dense(10, qkeras.ternary()), normal(), act(qkeras.binary()))


@exact
def hls4ml_ternary_normalized_ternary() -> keras.Model:
    return in_sequence((10,), dense(10, qkeras.ternary()), normal(), act("ternary"))


@exact
def hls4ml_ternary_high_threshold() -> keras.Model:
    return in_sequence((10,), dense(10, qkeras.ternary()), act(qkeras.ternary(threshold=0.8)))


@exact
def hls4ml_binary_within() -> keras.Model:
    return stack((10,), dense(10, "binary", bias_quantizer="binary", activation="binary"))


@exact
def hls4ml_ternary_within() -> keras.Model:
    return stack((10,), dense(10, "ternary", bias_quantizer="ternary", activation="ternary"))


@exact
def hls4ml_relu_of_8_bits_within() -> keras.Model:
    return stack((10,), dense(10, activation="quantized_relu(8,0)"))


@refused("layer q_dense.*its kernel has no quantizer")
def hls4ml_quantizers_left_out() -> keras.Model:
    return in_sequence((10,), qkeras.QDense(8, activation="quantized_relu(8, 0)"))


@exact
def hls4ml_quantized_tanh() -> keras.Model:
    return in_sequence((6,), dense(6), act(qkeras.quantized_tanh(8)), dense(3))


@exact
def hls4ml_quantized_sigmoid() -> keras.Model:
    return in_sequence((6,), dense(6), act(qkeras.quantized_sigmoid(5)), dense(3))


@refused("layer q_activation.*use_real_sigmoid True")
def hls4ml_quantized_sigmoid_real() -> keras.Model:
    return in_sequence((6,), dense(6), act(qkeras.quantized_sigmoid(7, use_real_sigmoid=True)), dense(3))


@exact
def hls4ml_slope_of_a_quarter() -> keras.Model:
    return in_sequence((6,), dense(6), act(qkeras.quantized_relu(10, 2, negative_slope=0.25)), dense(2))


@exact
def hls4ml_relu_layer() -> keras.Model:
    return stack(MAP, conv(2), layers.ReLU(), classes())


@refused("layer leaky.*a slope of 1.5 is no shift")
def hls4ml_leaky_relu_beyond_1() -> keras.Model:
    return stack(MAP, conv(2), layers.LeakyReLU(negative_slope=1.5, name="leaky"), classes())


@refused("layer leaky.*leaky_relu is not among the functions that are read|layer leaky.*slope of 0.2")
def hls4ml_leaky_relu_activation() -> keras.Model:
    return stack(MAP, conv(2), layers.Activation("leaky_relu", name="leaky"), classes())


@refused("layer elu.*use quantized_relu")
def hls4ml_elu() -> keras.Model:
    return stack((8,), dense(4), layers.ELU(alpha=1.25, name="elu"), dense(2))


@refused("layer selu.*selu is not among the functions that are read")
def hls4ml_selu() -> keras.Model:
    return stack((8,), dense(4), layers.Activation("selu", name="selu"), dense(2))


@exact
def hls4ml_prelu_of_one_slope() -> keras.Model:
    prelu = layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1, 2])
    return stack(MAP, conv(2), act("quantized_bits(6,2,alpha=1)"), prelu, act("quantized_bits(6,2,alpha=1)"), classes())


@refused("layer prelu.*has 4 slopes")
def hls4ml_prelu_of_many_slopes() -> keras.Model:
    prelu = layers.PReLU(alpha_initializer="uniform", name="prelu")
    return stack((8,), dense(4), prelu, dense(2))


@exact
def hls4ml_tanh_at_the_end() -> keras.Model:
    return stack((8,), dense(4), layers.Activation("tanh"))


@exact
def hls4ml_sigmoid_at_the_end() -> keras.Model:
    return stack((8,), dense(4), act("quantized_relu(4,1)"), dense(1), layers.Activation("sigmoid"))


@refused("layer hard.*hard_sigmoid is not among the functions that are read")
def hls4ml_hard_sigmoid() -> keras.Model:
    return stack((8,), dense(4), layers.Activation("hard_sigmoid", name="hard"))


@refused("layer q_dense.*kernel .*needs .* bits; at most 16")
def hls4ml_powers_of_two_of_18_bits() -> keras.Model:
    model = in_sequence((26,), dense(6, qkeras.quantized_po2(18, max_value=2**20), use_bias=False))
    kernel = model.layers[-1].kernel
    kernel.assign(2.0 ** np.linspace(-8, 18, 26)[:, None] * np.ones((26, 6)))
    return model


# hls4ml: tests of layers.


@exact
def hls4ml_binary_cnn() -> keras.Model:
    return stack(
        (14, 14, 1),
        conv(4, 3, "binary", bias_quantizer="quantized_bits(5,2)"), qkeras.QBatchNormalization(), act("binary"),
        conv(4, 3, "binary", use_bias=False), qkeras.QBatchNormalization(), act("binary"), layers.MaxPooling2D(2),
        conv(4, 3, "binary", use_bias=False), qkeras.QBatchNormalization(), act("binary"), layers.MaxPooling2D(2),
        flat(), dense(6, "binary", use_bias=False), qkeras.QBatchNormalization(), act("binary_tanh"),
        dense(4, "binary", activation="linear", use_bias=False),
    )  # fmt: skip


@exact
def hls4ml_mnist_cnn() -> keras.Model:
    return in_sequence(
        (14, 14, 1),
        conv(4, 3, "quantized_bits(4,0,alpha=1)"), act("quantized_relu(4,0)"), layers.MaxPooling2D(2),
        conv(4, 3, "quantized_bits(4,0,alpha=1)"), act("quantized_relu(4,0)"), layers.MaxPooling2D(2),
        flat(), dense(8), act("quantized_relu(4,0)"), dense(10), softmax(), entry="quantized_relu(8,0)",
    )  # fmt: skip


@exact
def hls4ml_fused_normalization() -> keras.Model:
    weights = "quantized_bits(8,0,alpha=1)"
    fused = qkeras.QConv2DBatchnorm(
        4, (3, 3), kernel_quantizer=weights, bias_quantizer=weights, activation="quantized_relu(8,0)"
    )
    return in_sequence((8, 8, 1), fused, layers.GlobalMaxPooling2D(), dense(2))


@exact
def hls4ml_depthwise() -> keras.Model:
    layer = deep(
        3, "quantized_bits(6,0,alpha=1)", activation="quantized_relu(3,0)", bias_quantizer="quantized_bits(4,0,alpha=1)"
    )
    return in_sequence((8, 8, 3), layer, flat(), dense(2))


@exact
def hls4ml_depthwise_stride_same() -> keras.Model:
    return stack((9, 7, 3), deep(3, strides=(2, 2), padding="same"), act("quantized_relu(4,1)"), classes())


@exact
def hls4ml_separable() -> keras.Model:
    layer = qkeras.QSeparableConv2D(
        4, 3, depthwise_quantizer="quantized_bits(3,0,alpha=1)", pointwise_quantizer="quantized_bits(3,0,alpha=1)",
        bias_quantizer="quantized_bits(4,0,alpha=1)", padding="same",
    )  # fmt: skip
    return stack((8, 8, 3), layer, act("quantized_relu(4,1)"), classes())


@exact
def hls4ml_narrow_maps() -> keras.Model:
    return stack(
        (8, 3, 2),
        conv(3, (3, 3)),
        act("quantized_relu(4,1)"),
        conv(3, (2, 1), strides=(2, 1)),
        act("quantized_relu(4,1)"),
        classes(),
    )


@exact
def hls4ml_conv_of_columns() -> keras.Model:
    return stack(
        (1, 16, 2), conv(3, (1, 3), padding="same"), act("quantized_relu(4,1)"), layers.MaxPooling2D((1, 2)), classes()
    )


@exact
def hls4ml_cropping() -> keras.Model:
    return stack((8, 8, 2), layers.Cropping2D(((1, 2), (2, 1))), conv(2, 2), act("quantized_relu(4,1)"), classes())


@exact
def hls4ml_up_sampling() -> keras.Model:
    return stack((4, 4, 2), layers.UpSampling2D((2, 3)), conv(2), act("quantized_relu(4,1)"), classes())


@refused("layer up.*interpolation is 'bilinear'")
def hls4ml_up_sampling_bilinear() -> keras.Model:
    return stack((4, 4, 2), layers.UpSampling2D(2, interpolation="bilinear", name="up"), conv(2), classes())


@exact
def hls4ml_pooling_padded() -> keras.Model:
    return stack(
        (9, 7, 2),
        conv(2, padding="same"),
        act("quantized_relu(4,1)"),
        layers.MaxPooling2D(2, padding="same"),
        classes(),
    )


@exact
def hls4ml_average_pooling_tiles() -> keras.Model:
    return stack(
        (8, 8, 2),
        conv(2, padding="same"),
        act("quantized_relu(4,1)"),
        layers.AveragePooling2D(4, padding="same"),
        classes(),
    )


@refused("layer average.*Keras divides by fewer pixels")
def hls4ml_average_pooling_padded() -> keras.Model:
    return stack(
        (9, 7, 2), conv(2, padding="same"), layers.AveragePooling2D(2, padding="same", name="average"), classes()
    )


@exact
def hls4ml_average_pooling_3() -> keras.Model:
    return stack(
        (9, 9, 2),
        conv(2, padding="same"),
        act("quantized_relu(4,1)"),
        layers.AveragePooling2D(3),
        act("quantized_relu(4,1)"),
        classes(),
    )


@exact
def hls4ml_quantized_average_pooling_3() -> keras.Model:
    pooling = qkeras.QAveragePooling2D(
        3, average_quantizer="quantized_bits(8,0,alpha=1)", activation="quantized_relu(6,1)"
    )
    return stack((9, 9, 2), conv(2, padding="same"), act("quantized_relu(4,1)"), pooling, classes())


@exact
def hls4ml_global_pooling_kept() -> keras.Model:
    return stack(
        (4, 4, 3), conv(4), act("quantized_relu(4,1)"), layers.GlobalMaxPooling2D(keepdims=True), conv(3, 1), flat()
    )


@exact
def hls4ml_subtract() -> keras.Model:
    return merged(layers.Subtract())


@exact
def hls4ml_maximum() -> keras.Model:
    return merged(layers.Maximum())


@exact
def hls4ml_average() -> keras.Model:
    return merged(layers.Average())


@refused("layer product.*products of values are not supported")
def hls4ml_multiply() -> keras.Model:
    return merged(layers.Multiply(name="product"))


def merged(joint: keras.Layer) -> keras.Model:
    """Two inputs that a layer joins, one of them finer and swapped."""
    one, other = keras.Input((6, 6, 2), name="inp1"), keras.Input((6, 6, 2), name="inp2")
    x = joint([act("quantized_bits(8,0,alpha=1)")(other), act("quantized_bits(6,2,alpha=1)")(one)])
    return keras.Model([one, other], classes()(act("quantized_bits(6,1,alpha=1)")(conv(2)(x))))


@exact
def hls4ml_concatenated_vectors() -> keras.Model:
    one, other = keras.Input((10,)), keras.Input((8,))
    x = layers.Concatenate()([act("quantized_relu(6,0)")(one), act("quantized_bits(5,1,alpha=1)")(other)])
    return keras.Model([one, other], dense(4)(x))


@exact
def hls4ml_concatenated_maps() -> keras.Model:
    one, other = keras.Input((5, 4, 2)), keras.Input((5, 4, 3))
    x = layers.Concatenate(axis=3)([act("quantized_relu(6,0)")(one), act("quantized_relu(6,0)")(other)])
    return keras.Model([one, other], classes()(act("quantized_relu(4,1)")(conv(2)(x))))


@refused("layer rows.*joins along axis 1")
def hls4ml_concatenated_rows() -> keras.Model:
    one, other = keras.Input((5, 4, 2)), keras.Input((3, 4, 2))
    x = layers.Concatenate(axis=1, name="rows")([act("quantized_relu(6,0)")(one), act("quantized_relu(6,0)")(other)])
    return keras.Model([one, other], classes()(x))


@exact
def hls4ml_flattened_twice() -> keras.Model:
    given = keras.Input((3, 3, 2))
    x = act("quantized_relu(6,0)")(given)
    return keras.Model(given, dense(3)(layers.Concatenate()([flat()(x), flat()(x)])))


@exact
def hls4ml_many_copies() -> keras.Model:
    given = keras.Input((10,))
    x = act("quantized_bits(6,0,alpha=1)")(given)
    a, b, c, d = (act("quantized_bits(5,1,alpha=1)")(dense(6)(x)) for _ in range(4))
    ab, ac, ad = (layers.Add()([a, each]) for each in (b, c, d))
    return keras.Model(given, layers.Add()([layers.Add()([ab, ac]), layers.Add()([ab, ad])]))


@exact
def hls4ml_permuted() -> keras.Model:
    return stack((4, 6, 3), layers.Permute((3, 1, 2)), conv(2, 2), act("quantized_relu(4,1)"), classes())


@exact
def hls4ml_reshaped() -> keras.Model:
    return in_sequence(
        (10,),
        dense(30),
        act("quantized_relu(4,1)"),
        layers.Reshape((5, 3, 2)),
        layers.ReLU(),
        conv(2, 2),
        act("quantized_relu(4,1)"),
        flat(),
        dense(2),
    )


@exact
def hls4ml_repacked() -> keras.Model:
    entries = [keras.Input((4,), name=name) for name in ("inp1", "inp2")]
    maps = [layers.Reshape((2, 2, 1))(act("quantized_relu(8,8)")(each)) for each in entries]
    return keras.Model(entries, classes()(layers.Concatenate()(maps)))


@exact
def hls4ml_dense_on_maps() -> keras.Model:
    return stack((4, 5, 3), dense(4), act("quantized_relu(4,1)"), dense(3), act("quantized_relu(4,1)"), classes())


@exact
def hls4ml_nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((5,)), dense(5), act("quantized_relu(4,1)"), dense(3)], name="seq_sub")
    entry = keras.Input((8,), name="fun_input")
    outer = keras.Model(entry, dense(6)(act("quantized_relu(4,1)")(dense(7)(entry))), name="fun_sub")
    return stack(
        (10,),
        dense(5),
        act("quantized_relu(4,1)"),
        inner,
        act("quantized_relu(4,1)"),
        dense(8),
        act("quantized_relu(4,1)"),
        outer,
    )


@refused("network .*has 2 outputs")
def hls4ml_two_outputs() -> keras.Model:
    given = keras.Input((10,))
    x = act("quantized_bits(6,0,alpha=1)")(given)
    return keras.Model(given, [dense(4)(x), dense(5)(x)])


@exact
def hls4ml_normalization_alone() -> keras.Model:
    return stack(
        (8, 8, 2),
        normal(center=False),
        act("quantized_relu(6,1)"),
        conv(2),
        normal(scale=False),
        act("quantized_relu(4,1)"),
        classes(),
    )


@exact
def hls4ml_linear_layers_in_a_row() -> keras.Model:
    return in_sequence((8,), dense(7), dense(6), dense(5))


@refused("layer norm.*use BatchNormalization")
def hls4ml_layer_normalization() -> keras.Model:
    return stack((8,), dense(4), layers.LayerNormalization(name="norm"), dense(2))


@refused("layer end.*softmax of a map")
def hls4ml_softmax_of_a_map() -> keras.Model:
    return stack((4, 4, 2), conv(3), layers.Softmax(name="end"))


# hls4ml: tutorial and papers.


@exact
def tutorial_quantized_jets() -> keras.Model:
    six = "quantized_bits(6,0,alpha=1)"
    parts = []
    for number, units in enumerate((16, 8, 8), start=1):
        parts += [dense(units, six, bias_quantizer=six, name=f"fc{number}"), act("quantized_relu(6)", f"relu{number}")]
    return in_sequence(
        (16,),
        *parts,
        dense(5, six, bias_quantizer=six, name="output"),
        layers.Activation("softmax", name="softmax"),
        entry="quantized_bits(8,3,alpha=1)",
    )


@refused("layer fc1.*its kernel has no quantizer")
def tutorial_float_jets() -> keras.Model:
    return in_sequence((16,), layers.Dense(8, name="fc1"), layers.Activation("relu"), layers.Dense(5), softmax())


@exact
def tutorial_street_numbers_fused() -> keras.Model:
    six = "quantized_bits(6,0,alpha=1)"
    x = given = keras.Input((20, 20, 3))
    x = act("quantized_relu(8,0)")(x)
    for number, filters in enumerate((4, 4, 6)):
        fused = qkeras.QConv2DBatchnorm(
            filters, 3, kernel_quantizer=six, bias_quantizer=six, use_bias=True, name=f"fused_convbn_{number}"
        )
        x = act("quantized_relu(6)", f"conv_act_{number}")(fused(x))
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x) if number < 2 else x
    x = flat()(x)
    for number, units in enumerate((8, 6)):
        x = normal(name=f"bn_dense_{number}")(dense(units, six, use_bias=False, name=f"dense_{number}")(x))
        x = act("quantized_relu(6)", f"dense_act_{number}")(x)
    x = dense(10, six, bias_quantizer=six, name="output_dense")(x)
    return keras.Model(given, layers.Activation("softmax", name="output_softmax")(x), name="qkeras")


@exact
def street_numbers_unfused() -> keras.Model:
    x = given = keras.Input((20, 20, 3))
    x = act("quantized_relu(8,0)")(x)
    for filters in (4, 4):
        x = layers.MaxPooling2D(2)(act("quantized_relu(4,1)")(normal()(conv(filters, use_bias=False)(x))))
    x = flat()(x)
    x = act("quantized_relu(4,1)")(normal()(dense(8, use_bias=False)(x)))
    return keras.Model(given, softmax()(dense(10)(x)))


@exact
def trigger_cell_encoder() -> keras.Model:
    return stack(
        (8, 8, 1),
        conv(4, 3, strides=(2, 2), padding="same", activation="quantized_relu(6,2)"),
        flat(),
        dense(8),
        entry="quantized_relu(8,0)",
    )


@exact
def collision_anomaly_encoder() -> keras.Model:
    return in_sequence(
        (24,),
        normal(),
        act("quantized_bits(10,4,alpha=1)"),
        dense(12, "quantized_bits(6,1,alpha=1)"),
        act("quantized_relu(8,4)"),
        dense(8),
        normal(),
        act("quantized_relu(8,4)"),
        dense(4),
        entry="quantized_bits(12,4,alpha=1)",
    )


# QKeras.


@exact
def qkeras_mnist() -> keras.Model:
    weights = qkeras.quantized_bits(4, 0, 1)
    options = {"bias_quantizer": weights}
    return stack(
        (16, 16, 1),
        conv(4, 2, weights, strides=2, **options), act("quantized_relu(4,0)"),
        conv(4, 3, weights, strides=2, **options), act("quantized_relu(4,0)"),
        conv(4, 2, weights, strides=2, **options), act("quantized_relu(4,0)"),
        flat(), dense(10, weights, **options), softmax(),
    )  # fmt: skip


@refused("layer acti.*quantized_relu_po2")
def qkeras_mnist_po2() -> keras.Model:
    weights = qkeras.quantized_po2(4, 1)
    return stack(
        (8, 8, 1),
        act("quantized_relu_po2(4)", "acti"),
        conv(4, 2, weights, bias_quantizer=weights, strides=2),
        act("quantized_relu_po2(4,4)"),
        classes(),
        entry=None,
    )


@exact
def qkeras_cifar10_po2_weights() -> keras.Model:
    two, four = qkeras.quantized_po2(4, 1), qkeras.quantized_bits(4, 0, 1)
    return stack(
        (16, 16, 3),
        conv(3, 3, two, bias_quantizer=qkeras.quantized_po2(4, 4)), act("ternary()"), layers.MaxPooling2D(2, 2),
        conv(3, 3, two, bias_quantizer=qkeras.quantized_po2(4, 4)), act("quantized_relu(6,2)"),
        layers.MaxPooling2D(2, 2), conv(3, 2, four, bias_quantizer=four), act("quantized_relu(4,2)"), flat(),
        dense(4, four, bias_quantizer=four), softmax(),
    )  # fmt: skip


@exact
def qkeras_mnist_thermometer() -> keras.Model:
    four = qkeras.quantized_bits(4, 0, 1)
    return stack(
        (12, 12, 8),
        conv(4, 3, qkeras.quantized_po2(4, 1), bias_quantizer=qkeras.quantized_bits(4, 2, 1), padding="same"),
        act("quantized_relu(4,0)"), layers.MaxPooling2D(2, 2),
        conv(4, 3, four, bias_quantizer=qkeras.quantized_bits(8, 5, 1), padding="same"),
        act("quantized_relu(6,2)"), layers.MaxPooling2D(2, 2), flat(), dense(5, four, bias_quantizer=four), softmax(),
        entry="quantized_relu(2,1)",
    )  # fmt: skip


@exact
def qkeras_tutorial_stochastic() -> keras.Model:
    return stack(
        (8, 8, 1),
        conv(4, 3, "stochastic_ternary", bias_quantizer="quantized_po2(4)"),
        act("quantized_relu(2)"),
        classes(),
    )


@exact
def qkeras_tutorial_ternary() -> keras.Model:
    return stack(
        (8, 8, 1),
        conv(4, 3, "ternary", bias_quantizer="quantized_po2(4)"),
        act("quantized_relu(2)"),
        conv(4, 3, "ternary", bias_quantizer="quantized_po2(4)"),
        act("quantized_relu(2)"),
        flat(),
        dense(4, "quantized_bits(3,0,1)", bias_quantizer="quantized_bits(3)"),
        softmax(),
    )


@exact
def qkeras_mnist_normalized() -> keras.Model:
    parts = []
    for _ in range(2):
        parts += [
            conv(3, 3, qkeras.ternary(), use_bias=False),
            qkeras.QBatchNormalization(
                gamma_quantizer=qkeras.quantized_relu_po2(4, 8), variance_quantizer=qkeras.quantized_relu_po2(6),
                beta_quantizer=qkeras.quantized_po2(4, 4), scale=False, center=False,
            ),
            act("quantized_relu(3,1)"), layers.MaxPooling2D(2, 2),
        ]  # fmt: skip
    return stack((14, 14, 1), *parts, flat(), dense(4))


@refused("layer .*quantized_ulaw")
def qkeras_micro_law() -> keras.Model:
    return stack((8,), dense(4, qkeras.quantized_ulaw(4, 0, 1)), softmax())


@exact
def qkeras_dense() -> keras.Model:
    return stack(
        (20,),
        dense(10, qkeras.ternary(), bias_quantizer=qkeras.quantized_bits(4, 0, 1)),
        act("quantized_relu(2)"),
        dense(4, qkeras.quantized_bits(4, 0, 1)),
        softmax(),
        entry="quantized_relu(4)",
    )


@refused("layer .*use UpSampling2D and QConv2D")
def qkeras_autoencoder() -> keras.Model:
    four = qkeras.quantized_bits(4, 0, 1)
    return stack(
        (8, 8, 1),
        conv(4, 3, four, strides=2, padding="same"),
        act("quantized_relu(4,0)"),
        qkeras.QConv2DTranspose(1, 3, strides=2, padding="same", kernel_quantizer=four, bias_quantizer=four),
        layers.Activation("sigmoid"),
    )


@exact
def qkeras_automatic_block() -> keras.Model:
    return stack(
        (12, 12, 1),
        conv(3, 3, "quantized_bits(4,0,1,alpha=1.0)", bias_quantizer="quantized_bits(4,0,1)", padding="same"), normal(),
        act("quantized_relu(3,1)"), deep(3, "quantized_bits(4,0,1,alpha=1.0)", padding="same"), normal(),
        act("quantized_relu(4,2)"), conv(4, 1, "quantized_bits(2,1,1,alpha=1.0)"), act("quantized_relu(8,4)"),
        layers.MaxPooling2D(2), layers.Dropout(0.2), flat(), dense(4, "quantized_bits(8,0,1,alpha=1.0)"), softmax(),
        entry="quantized_bits(8,0,1)",
    )  # fmt: skip


# FINN.


def finn_dense(weights: Any, words: Any, units: tuple[int, ...] = (16, 16, 16)) -> keras.Model:
    parts: list[Any] = [flat(), act(words), layers.Dropout(0.2)]
    for count in units:
        parts += [dense(count, weights, use_bias=False), normal(), act(words), layers.Dropout(0.2)]
    return stack((6, 6, 1), *parts, dense(10, weights, use_bias=False), normal())


@exact
def finn_tfc_w1a1() -> keras.Model:
    return finn_dense(qkeras.binary(alpha=1), qkeras.binary(alpha=1))


@exact
def finn_tfc_w1a2() -> keras.Model:
    return finn_dense("binary", "quantized_bits(2,1,alpha=1)")


@exact
def finn_tfc_w2a2() -> keras.Model:
    return finn_dense("quantized_bits(2,0,alpha=1)", "quantized_bits(2,1,alpha=1)")


@exact
def finn_lfc_w1a2() -> keras.Model:
    return finn_dense("binary(alpha=1)", "ternary", (32, 32, 32))


def finn_cnv(weights: Any, words: Any) -> keras.Model:
    x = given = keras.Input((16, 16, 3))
    x = act("quantized_bits(8,0,alpha=1)")(x)
    for filters, pooled in ((4, False), (4, True), (6, False), (6, True)):
        x = act(words)(normal(epsilon=1e-4)(conv(filters, 3, weights, use_bias=False)(x)))
        x = layers.MaxPooling2D(2)(x) if pooled else x
    x = flat()(x)
    for units in (12, 12):
        x = act(words)(normal(epsilon=1e-4)(dense(units, weights, use_bias=False)(x)))
    return keras.Model(given, normal(epsilon=1e-4)(dense(10, weights, use_bias=False)(x)))


@exact
def finn_cnv_w1a1() -> keras.Model:
    return finn_cnv("binary", "binary")


@exact
def finn_cnv_w1a2() -> keras.Model:
    return finn_cnv("binary(alpha=1)", "quantized_bits(2,1,alpha=1)")


@exact
def finn_cnv_w2a2() -> keras.Model:
    return finn_cnv("ternary(alpha=1)", "quantized_tanh(2,symmetric=1)")


@exact
def finn_network_intrusion() -> keras.Model:
    parts = []
    for _ in range(3):
        parts += [dense(8, "quantized_bits(2,0,alpha=1)"), normal(), layers.Dropout(0.5), act("quantized_relu(2,1)")]
    return in_sequence((30,), *parts, dense(1), layers.Activation("sigmoid"), entry="quantized_relu(1,1)")


@exact
def finn_resnet_w4a4() -> keras.Model:
    x = given = keras.Input((8, 8, 3))
    x = act("quantized_relu(4,2)")(
        normal()(conv(4, 3, padding="same", use_bias=False)(act("quantized_bits(8,0,alpha=1)")(x)))
    )
    for filters, strides in ((4, 1), (6, 2)):
        y = act("quantized_relu(4,2)")(normal()(conv(filters, 3, padding="same", strides=strides, use_bias=False)(x)))
        y = act("quantized_bits(4,2,alpha=1)")(normal()(conv(filters, 3, padding="same", use_bias=False)(y)))
        if strides > 1:
            x = act("quantized_bits(4,2,alpha=1)")(normal()(conv(filters, 1, strides=strides, use_bias=False)(x)))
        x = act("quantized_relu(4,2)")(layers.Add()([y, x]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, dense(10)(x))


# MLPerf Tiny.


def residual_8(pool: Callable[[Tensor], Tensor], fused: bool = False) -> keras.Model:
    eight = "quantized_bits(8,0,alpha=1)"

    def convolved(x: Tensor, filters: int, strides: int = 1, size: int = 3) -> Tensor:
        if fused:
            return qkeras.QConv2DBatchnorm(
                filters,
                size,
                strides=strides,
                padding="same",
                kernel_quantizer=eight,
                bias_quantizer="quantized_bits(8,2,alpha=1)",
            )(x)
        return normal()(conv(filters, size, eight, strides=strides, padding="same", bias_quantizer=eight)(x))

    x = given = keras.Input((16, 16, 3))
    x = act("quantized_relu(8,2)")(convolved(act("quantized_relu(8,0)")(x), 4))
    for number, filters in enumerate((4, 6, 8)):
        y = act("quantized_relu(8,2)")(convolved(x, filters, 2 if number else 1))
        y = act("quantized_bits(8,2,alpha=1)")(convolved(y, filters))
        if number:
            x = act("quantized_bits(8,2,alpha=1)")(
                conv(filters, 1, eight, strides=2, padding="same", bias_quantizer=eight)(x)
            )
        x = act("quantized_relu(8,2)")(layers.Add()([x, y]))
    return keras.Model(given, softmax()(dense(10, eight, bias_quantizer=eight)(flat()(pool(x)))))


@exact
def tiny_resnet_8() -> keras.Model:
    return residual_8(layers.AveragePooling2D(4))


@exact
def tiny_resnet_8_fused() -> keras.Model:
    return residual_8(layers.AveragePooling2D(4), fused=True)


@exact
def tiny_anomaly_autoencoder() -> keras.Model:
    eight = "quantized_bits(8,0,alpha=1)"
    parts = []
    for units in (16, 16, 4, 16, 16):
        parts += [dense(units, eight, bias_quantizer=eight), normal(), act("quantized_relu(8,2)")]
    return stack((32,), *parts, dense(32, eight, bias_quantizer=eight), entry="quantized_bits(8,2,alpha=1)")


@exact
def tiny_anomaly_autoencoder_fused() -> keras.Model:
    eight = "quantized_bits(8,1,alpha=1)"
    parts = []
    for units in (16, 4, 16):
        parts += [
            qkeras.QDenseBatchnorm(units, kernel_quantizer=eight, bias_quantizer=eight),
            act("quantized_relu(8,2)"),
        ]
    return stack((32,), *parts, dense(32, eight, bias_quantizer=eight))


def separated(x: Tensor, filters: int, strides: int = 1, weights: str = "quantized_bits(8,0,alpha=1)") -> Tensor:
    x = act("quantized_relu(8,2)")(normal()(deep(3, weights, strides=strides, padding="same", use_bias=False)(x)))
    return act("quantized_relu(8,2)")(normal()(conv(filters, 1, weights, use_bias=False)(x)))


@exact
def tiny_wake_words_mobilenet() -> keras.Model:
    x = given = keras.Input((24, 24, 3))
    x = act("quantized_relu(8,0)")(x)
    x = act("quantized_relu(8,2)")(
        normal()(conv(4, 3, "quantized_bits(8,0,alpha=1)", strides=2, padding="same", use_bias=False)(x))
    )
    for filters, strides in ((4, 1), (6, 2), (6, 1), (8, 2)):
        x = separated(x, filters, strides)
    x = act("quantized_relu(8,2)")(layers.AveragePooling2D(3)(x))
    return keras.Model(given, softmax()(dense(2, "quantized_bits(8,0,alpha=1)")(flat()(x))))


@exact
def tiny_keywords_separable() -> keras.Model:
    x = given = keras.Input((49, 10, 1))
    x = act("quantized_bits(8,2,alpha=1)")(x)
    x = normal()(conv(4, (10, 4), "quantized_bits(8,0,alpha=1)", strides=(2, 2), padding="same")(x))
    x = layers.Dropout(0.2)(act("quantized_relu(8,2)")(x))
    for _ in range(2):
        x = separated(x, 4)
    x = act("quantized_relu(8,2)")(layers.AveragePooling2D((24, 5))(layers.Dropout(0.4)(x)))
    return keras.Model(given, dense(12, "quantized_bits(8,0,alpha=1)", activation="softmax")(flat()(x)))


@refused("layer q_dense.*put a quantizer between")
def tiny_keywords_global() -> keras.Model:
    x = given = keras.Input((25, 5, 2))
    x = separated(act("quantized_bits(8,2,alpha=1)")(x), 4)
    return keras.Model(given, softmax()(dense(12)(flat()(layers.GlobalAveragePooling2D()(x)))))


@exact
def tiny_keywords_dense() -> keras.Model:
    parts = []
    for _ in range(3):
        parts += [dense(12, "quantized_bits(3,0,alpha=1)"), normal(), layers.Dropout(0.2), act("quantized_relu(3,1)")]
    return in_sequence((7, 7, 1), flat(), *parts, dense(12, "quantized_bits(3,0,alpha=1)"), softmax())


# Blocks that everybody knows.


@exact
def lenet() -> keras.Model:
    return in_sequence(
        (28, 28, 1),
        conv(3, 5, padding="same"),
        act("quantized_tanh(4)"),
        layers.AveragePooling2D(2),
        act("quantized_bits(6,0,alpha=1)"),
        conv(4, 5),
        act("quantized_tanh(4)"),
        layers.AveragePooling2D(2),
        flat(),
        dense(8),
        act("quantized_tanh(4)"),
        dense(10),
    )


@exact
def vgg() -> keras.Model:
    x = given = keras.Input((16, 16, 3))
    x = act("quantized_relu(8,0)")(x)
    for filters in (3, 4):
        for _ in range(2):
            x = conv(filters, 3, padding="same", activation="quantized_relu(4,1)")(x)
        x = layers.MaxPooling2D()(x)
    return keras.Model(
        given,
        dense(5, activation="softmax")(layers.Dropout(0.5)(dense(8, activation="quantized_relu(4,2)")(flat()(x)))),
    )


@exact
def alexnet() -> keras.Model:
    return stack((19, 19, 1), conv(3, 5, strides=2), act("quantized_relu(4,1)"), layers.MaxPooling2D(3, 2), classes())


@exact
def resnet_stem() -> keras.Model:
    return stack(
        (16, 16, 1),
        layers.ZeroPadding2D(3),
        conv(3, 7, strides=2),
        normal(),
        act("quantized_relu(4,1)"),
        layers.ZeroPadding2D(1),
        layers.MaxPooling2D(3, strides=2),
        classes(),
    )


@exact
def squeezenet() -> keras.Model:
    x = given = keras.Input((12, 12, 2))
    x = act("quantized_relu(4,1)")(conv(4, 3, strides=2)(act("quantized_relu(8,0)")(x)))
    for _ in range(2):
        x = act("quantized_relu(4,1)")(conv(2, 1)(x))
        ways = [act("quantized_relu(4,1)")(conv(3, size, padding="same")(x)) for size in (1, 3)]
        x = layers.Concatenate()(ways)
    x = act("quantized_relu(4,1)")(conv(5, 1)(layers.Dropout(0.5)(x)))
    return keras.Model(given, softmax()(layers.GlobalAveragePooling2D()(x)))


@exact
def inception() -> keras.Model:
    given = keras.Input((8, 8, 2))
    x = act("quantized_relu(8,0)")(given)
    ways = [act("quantized_relu(4,1)")(conv(2, size, padding="same")(x)) for size in (1, 3, 5, (1, 7))]
    x = layers.Concatenate()(ways)
    return keras.Model(given, classes()(layers.MaxPooling2D(2)(x)))


@exact
def densenet() -> keras.Model:
    given = keras.Input((8, 8, 2))
    x = act("quantized_relu(4,0)")(given)
    for _ in range(3):
        y = act("quantized_relu(4,1)")(normal()(x))
        x = layers.Concatenate()([x, act("quantized_bits(4,1,alpha=1)")(conv(2, 3, padding="same", use_bias=False)(y))])
    x = layers.AveragePooling2D(2)(act("quantized_relu(4,1)")(normal()(x)))
    return keras.Model(given, classes()(x))


@exact
def resnet_before_activations() -> keras.Model:
    given = keras.Input((8, 8, 2))
    x = act("quantized_bits(8,2,alpha=1)")(conv(4, 3, padding="same")(act("quantized_relu(8,0)")(given)))
    for _ in range(2):
        y = conv(4, 3, padding="same", use_bias=False)(act("quantized_relu(4,2)")(normal()(x)))
        x = act("quantized_bits(8,3,alpha=1)")(layers.Add()([x, act("quantized_bits(8,3,alpha=1)")(y)]))
    x = act("quantized_relu(4,2)")(normal()(x))
    return keras.Model(given, dense(4)(layers.GlobalAveragePooling2D()(x)))


@exact
def bottlenecks() -> keras.Model:
    given = keras.Input((8, 8, 4))
    x = act("quantized_relu(6,1)")(given)
    y = act("quantized_relu(4,1)")(conv(2, 1)(x))
    y = act("quantized_relu(4,1)")(conv(2, 3, padding="same")(y))
    y = conv(4, 1)(y)
    return keras.Model(given, classes()(act("quantized_relu(4,2)")(layers.add([y, x]))))


@exact
def mobilenet_v2() -> keras.Model:
    six = {"relu_upper_bound": 6, "is_quantized_clip": False}
    given = keras.Input((10, 10, 3))
    x = act("quantized_bits(6,2,alpha=1)")(conv(4, 3, strides=2, padding="same")(act("quantized_relu(8,0)")(given)))
    y = act(qkeras.quantized_relu(6, 3, **six))(normal()(conv(8, 1, use_bias=False)(x)))
    y = act(qkeras.quantized_relu(6, 3, **six))(normal()(deep(3, padding="same", use_bias=False)(y)))
    y = act("quantized_bits(6,2,alpha=1)")(normal()(conv(4, 1, use_bias=False)(y)))
    return keras.Model(given, classes()(layers.Add()([x, y])))


@exact
def mobilenet_relu6() -> keras.Model:
    return stack(
        (8, 8, 3),
        layers.ZeroPadding2D(((0, 1), (0, 1))),
        conv(4, 3, "quantized_bits(4,2,alpha=1)", strides=2),
        layers.ReLU(6.0),
        act("quantized_relu(6,3)"),
        deep(3, padding="same"),
        layers.Activation("relu6"),
        act("quantized_relu(6,3)"),
        classes(),
    )


@exact
def mobilenet_padded_before_strides() -> keras.Model:
    parts = [layers.ZeroPadding2D(((0, 1), (0, 1))), deep(3, strides=2, use_bias=False), normal(), layers.ReLU(6.0)]
    return stack((8, 8, 3), conv(4, 1), act("quantized_relu(6,3)"), *parts, act("quantized_relu(6,3)"), classes())


@exact
def several_filters_a_channel() -> keras.Model:
    return stack((8, 8, 2), deep(3, depth_multiplier=2), act("quantized_relu(4,1)"), conv(3, 1), flat())


@refused("layer .*gives values of shape")
def shufflenet() -> keras.Model:
    return stack(
        (4, 4, 4),
        conv(4, 1, groups=2),
        act("quantized_relu(4,1)"),
        layers.Reshape((4, 4, 2, 2)),
        layers.Permute((1, 2, 4, 3)),
        layers.Reshape((4, 4, 4)),
        classes(),
    )


@exact
def grouped_and_dilated() -> keras.Model:
    return stack(
        (9, 9, 4),
        conv(4, 3, groups=2),
        act("quantized_relu(4,1)"),
        conv(2, 3, dilation_rate=2),
        act("quantized_relu(4,1)"),
        classes(),
    )


@exact
def xception() -> keras.Model:
    def apart(filters: int) -> keras.Layer:
        four = "quantized_bits(3,0,alpha=1)"
        return qkeras.QSeparableConv2D(
            filters, 3, depthwise_quantizer=four, pointwise_quantizer=four, use_bias=False, padding="same"
        )

    given = keras.Input((8, 8, 2))
    x = act("quantized_relu(4,0)")(given)
    y = act("quantized_relu(4,1)")(normal()(apart(4)(x)))
    y = act("quantized_bits(4,1,alpha=1)")(normal()(apart(4)(y)))
    x = layers.Add()([layers.MaxPooling2D(2)(y), conv(4, 1, strides=2)(x)])
    return keras.Model(given, dense(3)(layers.GlobalMaxPooling2D()(act("quantized_relu(4,2)")(x))))


@exact
def network_in_network() -> keras.Model:
    return stack(
        (9, 9, 2),
        conv(4, 3),
        act("quantized_relu(4,1)"),
        conv(4, 1),
        act("quantized_relu(4,1)"),
        layers.MaxPooling2D(3),
        conv(3, 1),
        layers.GlobalAveragePooling2D(),
        softmax(),
    )


@exact
def u_net() -> keras.Model:
    given = keras.Input((8, 8, 1))
    x = act("quantized_relu(8,0)")(given)
    top = act("quantized_relu(4,1)")(conv(2, 3, padding="same")(x))
    low = act("quantized_relu(4,1)")(conv(4, 3, padding="same")(layers.MaxPooling2D(2)(top)))
    x = layers.Concatenate()([top, layers.UpSampling2D(2)(low)])
    x = act("quantized_relu(4,1)")(conv(2, 3, padding="same")(x))
    return keras.Model(given, dense(2)(layers.GlobalAveragePooling2D()(x)))


@refused("layer .*gives a map")
def segmentation() -> keras.Model:
    return stack((8, 8, 1), conv(2, 3, padding="same"), act("quantized_relu(4,1)"), conv(2, 1))


@refused("layer excited.*products of values are not supported")
def squeeze_and_excite() -> keras.Model:
    given = keras.Input((6, 6, 4))
    x = act("quantized_relu(6,0)")(given)
    y = act("quantized_relu(6,0)")(layers.GlobalAveragePooling2D()(x))
    y = act("quantized_sigmoid(4)")(dense(4)(act("quantized_relu(4,1)")(dense(2)(y))))
    return keras.Model(given, classes()(layers.Multiply(name="excited")([x, layers.Reshape((1, 1, 4))(y)])))


@exact
def siamese() -> keras.Model:
    one, other = keras.Input((6, 6, 1), name="left"), keras.Input((6, 6, 1), name="right")
    shared = keras.Sequential(
        [keras.Input((6, 6, 1)), conv(2, 3), act("quantized_relu(4,1)"), flat(), dense(4)], name="shared"
    )
    ends = [act("quantized_bits(5,2,alpha=1)")(shared(act("quantized_relu(8,0)")(each))) for each in (one, other)]
    return keras.Model([one, other], dense(2)(layers.Subtract()(ends)))


@exact
def image_and_features() -> keras.Model:
    image, features = keras.Input((8, 8, 1), name="image"), keras.Input((4,), name="features")
    x = act("quantized_relu(4,1)")(conv(3, 3)(act("quantized_relu(8,0)")(image)))
    x = layers.GlobalMaxPooling2D()(x)
    y = act("quantized_relu(4,1)")(dense(3)(act("quantized_bits(8,3,alpha=1)")(features)))
    return keras.Model([image, features], dense(2)(layers.Concatenate()([x, y])))


@exact
def leaky_detector() -> keras.Model:
    x = given = keras.Input((16, 16, 1))
    x = act("quantized_relu(8,0)")(x)
    for filters in (3, 4):
        x = act("quantized_bits(6,2,alpha=1)")(normal()(conv(filters, 3, padding="same", use_bias=False)(x)))
        x = layers.MaxPooling2D(2)(act("quantized_bits(6,2,alpha=1)")(layers.LeakyReLU(negative_slope=0.125)(x)))
    return keras.Model(given, classes()(x))


@exact
def sum_without_a_layer() -> keras.Model:
    given = keras.Input((6,))
    x = act("quantized_bits(6,0,alpha=1)")(given)
    return keras.Model(given, keras.ops.add(dense(3)(x), dense(3)(x)))


@refused("layer q_conv2d.*its input is not quantized")
def no_quantizer_behind_the_input() -> keras.Model:
    return stack((8, 8, 1), conv(2, 3), act("quantized_relu(4,1)"), classes(), entry=None)


@exact
def quantizer_behind_padding_and_flattening() -> keras.Model:
    return stack(
        (6, 6, 1),
        layers.ZeroPadding2D(1),
        act("quantized_relu(8,0)"),
        conv(2, 3),
        act("quantized_relu(4,1)"),
        classes(),
        entry=None,
    )


@refused("layer rescaled.*its input is not quantized")
def rescaled_pixels() -> keras.Model:
    return stack(
        (8, 8, 1),
        layers.Rescaling(1 / 255, name="rescaled"),
        act("quantized_relu(8,0)"),
        conv(2, 3),
        classes(),
        entry=None,
    )


@refused("layer swish.*is not among the functions that are read")
def efficient_swish() -> keras.Model:
    return stack((8, 8, 1), conv(2, 3), layers.Activation("swish", name="swish"), classes())


@refused("layer q_dense.*put a quantizer between")
def global_mean_of_odd_area() -> keras.Model:
    return stack(
        (7, 5, 2),
        conv(4, 3, "quantized_bits(8,0,alpha=1)", padding="same"),
        act("quantized_relu(8,2)"),
        layers.GlobalAveragePooling2D(),
        dense(10, "quantized_bits(8,0,alpha=1)"),
    )


@refused("layer q_conv2d.*its sums may reach")
def sixteen_bits() -> keras.Model:
    return stack(
        (8, 8, 1),
        conv(3, 3, "quantized_bits(16,2,alpha=1)", bias_quantizer="quantized_bits(16,2,alpha=1)"),
        act("quantized_relu(16,4)"),
        flat(),
        dense(3, "quantized_bits(16,2,alpha=1)"),
        entry="quantized_bits(16,6,alpha=1)",
    )


@exact
def powers_of_two_by_channel() -> keras.Model:
    return stack(
        (8, 8, 2),
        conv(4, 3, "quantized_bits(4,0,1)", use_bias=False),
        normal(),
        act("quantized_relu(4,1)"),
        deep(3, "quantized_bits(4,0,1)", use_bias=False),
        act("quantized_relu(4,1)"),
        flat(),
        dense(3, "quantized_bits(4,0,1)"),
    )
