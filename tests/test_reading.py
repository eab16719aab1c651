"""A Keras network is read as operations that give Keras's values, or refused by layer and cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks import operations
from cytogate.model.networks.identity import identity
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.reading.reader import Reader, read_exactly, read_network
from cytogate.model.networks.saved import read_keras_file
from tests.layers import (
    EXACT,
    Part,
    bits,
    classifier,
    convolution,
    dense,
    extremes,
    keras_codes,
    layers,
    normalized,
    rectified,
    rounded,
    with_biases,
)


@pytest.mark.parametrize("name", EXACT)
def test_operations_give_the_words_of_keras(name: str) -> None:
    """Every logit, for random codes over the whole range and extreme ones; where Keras rounds, nearly every one."""
    model = EXACT[name]()
    reading = read_network(model)
    codes = extremes(reading.network)
    due, found = keras_codes(model, reading.network, codes), reading.network.classify(*codes)
    assert found.shape == due.shape
    assert len(np.unique(found)) > 4, "inputs that all give one answer would prove nothing"
    if reading.keras_rounds:
        assert reading.keras_rounds == ("normalization",)
        assert np.count_nonzero(found != due) <= 0.05 * due.size
        # A word of another code moves a logit by the step of the word times a weight.
        assert np.abs(found - due).max() <= 16
    else:
        assert np.array_equal(found, due)
        assert compare_with_keras(model, reading, codes).differing == 0


BEHIND: dict[str, Callable[[], object]] = {
    "coarse": lambda: bits(6, 5),
    "quarters": lambda: bits(7, 4),
    "fine": lambda: bits(10, 3),
    "narrow": lambda: bits(8, 0),
    "steps of 4": lambda: bits(5, 6),
    "symmetric": lambda: bits(8, 3, symmetric=1),
    "unsigned, coarse": lambda: rectified(6, 6),
    "unsigned": lambda: rectified(8, 3),
    "unsigned, fine": lambda: rectified(10, 2),
}
"""Words that a quantizer may stand behind: coarser and finer than its own, wider and narrower, signed and unsigned."""
RANGES = [(8, 0), (3, 2), (6, 2), (4, 4), (8, 9)]
"""Bits, and those of them before the point."""
SLOPES = [2.0**-shift for shift in (1, 2, 3)]
OF_WORDS: dict[str, Callable[[int, int], list[object]]] = {
    "quantized_bits": lambda *words: [bits(*words), bits(*words, symmetric=1), bits(*words, keep_negative=0)],
    "quantized_linear": lambda *words: [qkeras.quantizers.quantized_linear(*words, alpha=1)],
    "quantized_relu": lambda *words: [rectified(*words)],
    "bounded": lambda *words: [rectified(*words, relu_upper_bound=0.75 * 2.0 ** words[1], is_quantized_clip=False)],
    "leaky": lambda *words: [
        rectified(*words, negative_slope=slope) for slope in SLOPES if slope * 2 ** (words[0] - 1) >= 1
    ],
    "of straight lines": lambda width, _: [
        qkeras.quantized_tanh(width), qkeras.quantized_tanh(width, symmetric=True), qkeras.quantized_sigmoid(width)
    ],
}  # fmt: skip
OF_NONE = ["binary", "ternary", "binary_tanh", "binary_sigmoid", "quantized_relu(2,1)", "quantized_bits(1,0,alpha=1)"]


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("kind", [*OF_WORDS, "of no range"])
def test_quantizers_give_what_qkeras_gives_of_every_code(kind: str, behind: str) -> None:
    quantizers = OF_NONE if kind == "of no range" else [one for words in RANGES for one in OF_WORDS[kind](*words)]
    compared = 0
    for quantizer in quantizers:
        parts = rounded(quantizer), layers.GlobalMaxPooling2D()
        model = classifier(*parts, shape=(1, 1, 1), ends=False, entry=BEHIND[behind]())
        network = read_exactly(model)
        given = network.inputs[0].format
        codes = np.arange(given.code_min, given.code_max + 1)[:, np.newaxis, np.newaxis, np.newaxis]
        assert np.array_equal(network.classify(codes), keras_codes(model, network, [codes])), str(quantizer)
        compared += len(codes)
    assert compared >= 32 * len(RANGES)


@pytest.mark.parametrize("name", EXACT)
def test_no_word_exceeds_the_largest_magnitude_that_is_told(name: str) -> None:
    reader = Reader(EXACT[name]())
    network = reader.reading.network
    words = network.compute(extremes(network))
    beyond = [each for each, codes in words.items() if np.abs(codes).max() > reader.steps[each]]
    assert len(words) > 2
    assert not beyond


BOUNDING: dict[str, Callable[[], Part]] = {
    "ReLU": lambda: layers.ReLU(1.0),
    "quantized_relu": lambda: rounded(rectified(12, 4, relu_upper_bound=1, is_quantized_clip=False)),
    "narrow words": lambda: rounded(rectified(8, 0)),
    "ternary words": lambda: rounded("ternary"),
}
"""What leaves small words of those of 13 bits, in one way or the other."""
PASSING_ON: dict[str, Callable[[], Part]] = {
    "at once": lambda: layers.Activation("linear"),
    "rounded wider": lambda: rounded(bits(13, 4)),
    "rectified": lambda: layers.ReLU(),
    "largest of padded ones": lambda: layers.MaxPooling2D(3, 2, padding="same"),
    "largest of padded ones, signed": lambda: (
        lambda x: layers.MaxPooling2D(3, 2, padding="same")(rounded(bits(13, 4))(x))
    ),
    "mean": lambda: layers.AveragePooling2D(2),
    "sum": lambda: lambda x: layers.Add()([x, rounded(bits(13, 4))(x)]),
    "difference": lambda: lambda x: layers.Subtract()([x, rounded(bits(13, 4))(x)]),
    "larger ones": lambda: lambda x: layers.Maximum()([x, rounded(bits(13, 4))(x)]),
    "smaller ones": lambda: lambda x: layers.Minimum()([x, rounded(bits(13, 4))(x)]),
    "mean of two": lambda: lambda x: layers.Average()([x, rounded(bits(13, 4))(x)]),
    "side by side": lambda: lambda x: layers.Concatenate()([x, rounded(bits(13, 4))(x)]),
    "reshaped": lambda: layers.Reshape((4, 16, 2)),
    "leaky": lambda: layers.LeakyReLU(0.5),
}
"""What gives no words that are much larger than those that enter."""


@pytest.mark.parametrize("passing_on", PASSING_ON)
@pytest.mark.parametrize("bounding", BOUNDING)
def test_words_that_were_made_small_are_known_to_be(bounding: str, passing_on: str) -> None:
    reader = Reader(classifier(rounded(bits(13, 4)), BOUNDING[bounding](), PASSING_ON[passing_on]()))
    network = reader.reading.network
    source = network.operations[-2]
    assert reader.steps[source.name] * source.format.step <= 2, "a sum of two"


def test_small_words_may_be_added_up_though_others_were_too_large() -> None:
    heavy = convolution(2, 8, "heavy", kernel_quantizer=bits(10), padding="valid")

    def network(*parts: Part) -> keras.Model:
        model = classifier(*parts, heavy, layers.Flatten(), entry=rectified(12, 4), ends=False)
        heavy.kernel.assign(np.random.default_rng(1).uniform(-0.5, 0.5, heavy.kernel.shape))
        return model

    with pytest.raises(InputError, match=r"^layer heavy: its sums may reach \d+ steps"):
        read_network(network())
    model = network(layers.ReLU(1.0))
    small = read_exactly(model)
    codes = extremes(small)
    assert np.array_equal(small.classify(*codes), keras_codes(model, small, codes))


class Louder(qkeras.QConv2D):
    """A convolution whose owner has changed something."""


class Softer(qkeras.quantized_relu):
    """A quantizer of the same kind."""


def shared(x: keras.KerasTensor) -> keras.KerasTensor:
    layer = layers.Lambda(lambda words: words, name="bad")
    return layer(x)


REFUSED: dict[str, tuple[Part | list[Part], str]] = {
    "subclass of a layer": (Louder(2, 3, kernel_quantizer=bits(), name="bad"), "Louder is a subclass of QConv2D"),
    "subclass of a quantizer": (rounded(Softer(6, 2), "bad"), "is a subclass of quantized_relu, and what"),
    "h-swish": (
        rounded(qkeras.quantizers.quantized_hswish(8, 2, alpha=1), "bad"), "is not among the quantizers of values"
    ),
    "part of the float values": (
        convolution(name="bad", kernel_quantizer=bits(qnoise_factor=0.5)), "qnoise_factor 0.5"
    ),
    "part of the words": (rounded(rectified(6, 2, qnoise_factor=0.5), "bad"), "qnoise_factor 0.5"),
    "rounding by chance": (
        convolution(name="bad", kernel_quantizer=bits(use_stochastic_rounding=True)), "rounds by chance"
    ),
    "words by chance": (rounded(rectified(6, 2, use_stochastic_rounding=True), "bad"), "use_stochastic_rounding True"),
    "sigmoid within a ReLU": (rounded(rectified(6, 2, use_sigmoid=1), "bad"), "use_sigmoid 1"),
    "scale that is no power of two": (convolution(name="bad", kernel_quantizer=bits(alpha="auto")), "auto_po2"),
    "words scaled by themselves": (rounded(bits(alpha="auto_po2"), "bad"), "alpha 'auto_po2'"),
    "no quantizer": (convolution(name="bad", kernel_quantizer=None), "its kernel has no quantizer"),
    "no quantizer of biases": (convolution(name="bad", bias_quantizer=None), "its bias has no quantizer"),
    "float layer": (layers.Dense(3, name="bad"), "its kernel has no quantizer"),
    "slope of .3": (layers.LeakyReLU(0.3, name="bad"), "a slope of 0.3 is no shift of bits"),
    "bound between two steps": (
        rounded(rectified(4, 3, relu_upper_bound=5.7, is_quantized_clip=False), "bad"), "no multiple of its step"
    ),
    "ELU": (layers.ELU(name="bad"), "use quantized_relu"),
    "PReLU of slope 1": (layers.PReLU("ones", shared_axes=[1, 2, 3], name="bad"), "a slope of 1 is no shift of bits"),
    "PReLU of many slopes": (layers.PReLU("uniform", name="bad"), "has 128 slopes"),
    "tanh in the middle": ([layers.Activation("tanh", name="bad")], "tanh of a map"),
    "swish": (layers.Activation("swish", name="bad"), "is not among the functions that are read"),
    "softmax of a map": (layers.Softmax(name="bad"), "softmax of a map"),
    "what follows a softmax": ([layers.Flatten(), layers.Softmax(), dense(3, "bad")], "follows the softmax of"),
    "transposed convolution": (layers.Conv2DTranspose(2, 3, name="bad"), "use UpSampling2D"),
    "layer normalization": (layers.LayerNormalization(name="bad"), "use BatchNormalization"),
    "normalized rows": (layers.BatchNormalization(axis=1, name="bad"), "normalizes axis 1"),
    "rescaling": (layers.Rescaling(1 / 255, name="bad"), "the quantizer after the input"),
    "code": (shared, "use layers whose meaning can be read"),
    "products": (lambda x: layers.Multiply(name="bad")([x, x]), "products of values"),
    "sums of other shapes": (lambda x: layers.Add(name="bad")([x, layers.MaxPooling2D(8)(x)]), "values of one shape"),
    "rows side by side": (lambda x: layers.Concatenate(axis=1, name="bad")([x, x]), "joins along axis 1"),
    "channels first": (layers.MaxPooling2D(2, data_format="channels_first", name="bad"), "data_format is 'chann"),
    "bilinear": (layers.UpSampling2D(2, interpolation="bilinear", name="bad"), "interpolation is 'bilinear'"),
    "mean of fewer pixels": (layers.AveragePooling2D(3, padding="same", name="bad"), "Keras divides by fewer pixels"),
    "heavy weights": ([convolution(), dense(3, "bad", kernel_quantizer=bits(12))], "put a quantizer between"),
    "weights of 17 bits": (dense(3, "bad", kernel_quantizer=bits(17)), "needs 1[67] bits; at most 16"),
    "slope finer than the words": (
        rounded(rectified(4, 2, negative_slope=2.0**-4), "bad"), "ends negative values at -0.25, between two of its "
        "steps of 0.5; use 5 bits or more, or a negative_slope of 0.125 or more"
    ),
    "width beyond use": (rounded(bits(10**6), "bad"), "a whole number up to 32"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_exact_equivalent_is_refused_by_name(case: str) -> None:
    parts, said = REFUSED[case]
    model = classifier(*(parts if isinstance(parts, list) else [parts]))
    with pytest.raises(InputError, match=rf"^layer bad\w*: .*{said}"):
        read_network(model)


def one(change: Callable[[keras.Model], None], *parts: Part) -> keras.Model:
    model = classifier(*(parts or (convolution(name="first"), rounded(rectified(), "second"))))
    change(model)
    return model


def branching(last: Callable[[keras.KerasTensor, keras.KerasTensor], object]) -> keras.Model:
    model = classifier(convolution(name="first"), rounded(rectified(), "second"))
    return keras.Model(model.input, last(model.get_layer("second").output, model.output))


WHOLE: dict[str, tuple[Callable[[], object], str]] = {
    "input without quantizer": (
        lambda: keras.Sequential([keras.Input((4,), name="entry"), dense(3, "bad")]),
        r"^layer bad: its input is not quantized; put a QActivation .* after the input entry",
    ),
    "two outputs": (lambda: branching(lambda map_, logits: [map_, logits]), "has 2 outputs"),
    "a map as output": (lambda: branching(lambda map_, _: map_), r"^layer second: gives a map \(8, 8, 2\)"),
    "open shape": (
        lambda: keras.Sequential(
            [keras.Input((None, None, 1)), rounded(rectified(8, 0)), convolution(), layers.GlobalAveragePooling2D()]
        ),
        r"open shape \(None, None, 1\)",
    ),
    "no shape": (lambda: keras.Sequential([dense(3)]), "is no graph of layers"),
    "NaN": (lambda: one(lambda model: spoil(model, np.nan)), "^layer first: its kernel holds NaN"),
    "infinity": (lambda: one(lambda model: spoil(model, np.inf)), "^layer first: its kernel holds NaN or infinite"),
    "an attribute of tomorrow": (
        lambda: one(lambda model: setattr(model.get_layer("second").activation, "dither", 3)),
        "^layer second: quantized_relu.* has an attribute dither that is not known",
    ),
    "a setting of tomorrow": (
        lambda: one(lambda model: setattr(model.get_layer("first"), "get_config", lambda: {"twist": 2})),
        "^layer first: QConv2D has a setting twist that is not known",
    ),
    "two formats of an input": (
        lambda: two_quantizers(rectified(8, 0), bits(8, 0)),
        "^layer (one|other): rounds the input network_input to ap_u?fixed.* another layer to ap_u?fixed",
    ),
    "input of 17 bits": (lambda: classifier(convolution(), entry=bits(17)), "an input of 17 bits; at most 16"),
    "series": (lambda: classifier(shape=(8, 2)), r"an input of shape \(8, 2\); maps"),
    "nothing": (
        lambda: keras.Sequential([keras.Input((4,)), rounded(bits(6, 0))]), "computes nothing but the rounding"
    ),
    "an input that nobody reads": (
        lambda: keras.Model([keras.Input((4,), name="idle"), (x := keras.Input((4,)))], dense()(rounded(bits())(x))),
        "layer idle: no layer reads this input",
    ),
    "two functions for the host": (
        lambda: keras.Model((bare := classifier(convolution(), rounded(rectified()))).input,
                            layers.Softmax(name="end")(layers.Activation("tanh", name="ahead")(bare.output))),
        "the softmax of layer end follows the tanh of layer ahead; one function alone",
    ),
    "no relu of that kind": (
        lambda: classifier(convolution(), rounded("quantized_relu(4,-1)")), "QKeras does not compute quantized_relu"
    ),
    "an argument": (
        lambda: classifier(lambda x: x * 2.0), "^layer multiply: is the operation Multiply, no layer of Keras; sums"
    ),
}  # fmt: skip


def spoil(model: keras.Model, value: float) -> None:
    layer = model.get_layer("first")
    kernel = np.array(layer.kernel)
    kernel[0, 0, 0, 0] = value
    layer.kernel.assign(kernel)


def entered_by(quantizer: object) -> tuple[Callable[[], object], str]:
    return (
        lambda: classifier(convolution(), entry=quantizer),
        "^layer input_quantizer: the quantizer after an input must be plain rounding",
    )


WHOLE |= {
    "signs as input": entered_by("binary"),
    "ternary input": entered_by("ternary"),
    "sigmoid of the input": entered_by("quantized_sigmoid(4)"),
    "wider than any word": (
        lambda: classifier(
            *(layers.BatchNormalization(name=f"normalization_{number}") for number in range(5)), entry=bits(16)
        ),
        "^layer normalization_[1-4]: its values need [0-9]+ bits; put a quantizer before",
    ),
}


def two_quantizers(first: object, second: object) -> keras.Model:
    entry = keras.Input((4, 4, 1), name="network_input")
    ways = [convolution()(rounded(quantizer, name)(entry)) for quantizer, name in ((first, "one"), (second, "other"))]
    return keras.Model(entry, dense(2, kernel_quantizer=bits(3))(layers.Flatten()(layers.Add()(ways))))


@pytest.mark.parametrize("case", WHOLE)
def test_networks_that_are_none_are_refused(case: str) -> None:
    make, said = WHOLE[case]
    with pytest.raises(InputError, match=said):
        read_network(make())


def test_an_input_may_have_two_quantizers_of_one_format() -> None:
    model = two_quantizers(rectified(8, 0), rectified(8, 0))
    network = read_exactly(model)
    codes = extremes(network)
    assert np.array_equal(network.classify(*codes), keras_codes(model, network, codes))


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "tanh"])
@pytest.mark.parametrize("within", [False, True])
def test_a_function_of_the_logits_is_left_to_the_host(function: str, within: bool) -> None:
    bare = classifier(convolution(), rounded(rectified()))
    layer = bare.get_layer("logits")
    if within:
        layer.activation = getattr(keras.activations, function)
        model, named = keras.Model(bare.input, bare.output), "logits"
    else:
        model, named = keras.Model(bare.input, layers.Activation(function, name="end")(bare.output)), "end"
    reading = read_network(model)
    assert reading.host == f"the {function} of layer {named}"
    codes = extremes(reading.network)
    likeness = compare_with_keras(model, reading, codes)
    assert (likeness.values, likeness.differing) == (len(codes[0]) * 3, 0)
    if within:
        assert layer.activation is getattr(keras.activations, function), "the model is as it was"


ENDS: dict[str, Callable[[], list[keras.Layer]]] = {
    "softmax, dropout": lambda: [layers.Softmax(), layers.Dropout(0.5)],
    "softmax, flattening": lambda: [layers.Softmax(), layers.Flatten(), layers.Reshape((3,))],
    "nested": lambda: [keras.Sequential([keras.Input((3,)), dense(3), layers.Softmax()])],
    "nested, within a layer": lambda: [keras.Sequential([keras.Input((3,)), dense(3, activation="softmax")])],
    "nested deeper, dropout": lambda: [
        keras.Sequential([keras.Input((3,)), dense(3), keras.Sequential([keras.Input((3,)), layers.Softmax()])]),
        layers.Dropout(0.5),
    ],
}


@pytest.mark.parametrize("end", ENDS)
def test_what_the_host_applies_is_found_wherever_it_is(end: str) -> None:
    model = classifier(convolution(), rounded(rectified()))
    x = rounded(bits(6, 4))(model.output)
    for part in ENDS[end]():
        x = part(x)
    model = keras.Model(model.input, x)
    reading = read_network(model)
    assert reading.host
    codes = extremes(reading.network)
    before = model(np.zeros((1, 8, 8, 2), np.float32))
    likeness = compare_with_keras(model, reading, codes)
    assert (likeness.values, likeness.differing) == (len(codes[0]) * 3, 0)
    assert np.array_equal(model(np.zeros((1, 8, 8, 2), np.float32)), before), "the model is as it was"


def test_a_layer_that_is_used_twice_is_there_twice() -> None:
    entry = keras.Input((4, 4, 2), name="network_input")
    layer = convolution(2, name="twice")
    x = rounded(rectified(4, 1))(layer(rounded(rectified(8, 0))(entry)))
    model = keras.Model(entry, dense(2, "logits")(layers.Flatten()(rounded(rectified(4, 1))(layer(x)))))
    network = read_exactly(model)
    codes = extremes(network)
    assert [each.name for each in network.operations if isinstance(each, operations.Convolution)] == [
        "twice",
        "twice_2",
    ]
    assert np.array_equal(network.classify(*codes), keras_codes(model, network, codes))


def test_sums_of_words_of_far_grids_are_named() -> None:
    model = classifier(
        lambda x: layers.Add(name="sum")([rounded(bits(24, 0))(convolution()(x)), rounded(bits(14, 13))(x)]),
        rounded(bits(6, 2)),
    )
    assert "sum" in read_network(model).keras_rounds


def test_means_at_the_end_are_named() -> None:
    """Nothing rounds them, so Keras's differ in their last bits."""
    mean = layers.GlobalAveragePooling2D(name="mean")
    reading = read_network(classifier(convolution(), rounded(rectified()), mean, shape=(5, 5, 2), ends=False))
    assert reading.keras_rounds == ("mean",)


def test_means_are_equal_behind_a_rounding_that_is_coarser() -> None:
    def read(*parts: Part) -> tuple[str, ...]:
        mean = layers.AveragePooling2D(3, name="mean")
        return read_network(classifier(convolution(), rounded(bits(6, 1)), mean, *parts, shape=(9, 9, 2))).keras_rounds

    assert read(layers.ReLU(), rounded(bits(8, 1))) == ()
    assert read(layers.ReLU()) == ("logits",)
    assert read(rounded(bits(17, 1), "fine"))[0] == "fine"


def test_logits_have_at_most_32_bits() -> None:
    """What a chip hands over; a normalization at the end has more."""
    wide = dense(3, "wide", kernel_quantizer=bits(12)), layers.BatchNormalization(name="normalization")
    model = classifier(*wide, shape=(40,), ends=False)
    reading = read_network(model)
    assert reading.network.logits.format.width == 32
    assert reading.network["normalization"].format.width > 32
    codes = extremes(reading.network)
    assert compare_with_keras(model, reading, codes).most < 2.0**-12
    model = keras.Model(model.input, layers.Softmax(name="end")(model.output))
    assert read_network(model).host == "the softmax of layer end"


@pytest.mark.parametrize(
    "parts",
    [[layers.ZeroPadding2D(1)], [layers.Reshape((4, 16, 2)), layers.Permute((2, 1, 3))], [layers.Flatten()]],
    ids=["padding", "reshape, permutation", "flattening"],
)
def test_words_may_be_rearranged_ahead_of_their_quantizer(parts: list[keras.Layer]) -> None:
    x = given = keras.Input((8, 8, 2), name="network_input")
    for part in parts:
        x = part(x)
    x = rounded(rectified(4, 1))(dense(3)(rounded(rectified(8, 0))(x)))
    model = with_biases(keras.Model(given, dense(2)(layers.Flatten()(x))))
    network = read_exactly(model)
    codes = extremes(network)
    assert network.inputs[0].shape == (8, 8, 2)
    assert np.array_equal(network.classify(*codes), keras_codes(model, network, codes))


def test_a_sigmoid_of_other_lines_is_refused() -> None:
    model = classifier(convolution(), rounded("quantized_tanh(4)", "bad"))
    qkeras.set_internal_sigmoid("smooth")
    try:
        with pytest.raises(InputError, match=r"^layer bad: QKeras's sigmoid within quantized_tanh\(4\) is not"):
            read_network(model)
    finally:
        qkeras.set_internal_sigmoid("hard")


def test_formats_follow_the_quantizers() -> None:
    assert quantized(bits(8, 2), "x").format == Format(8, 3)
    assert quantized(qkeras.quantized_bits(8, 2), "x").format == Format(8, 3), "without alpha it scales by 1"
    assert quantized(bits(8, 2, keep_negative=False), "x").format == Format(8, 2, signed=False)
    assert quantized(rectified(8, 2), "x").format == Format(8, 2, signed=False)
    leaky = quantized(rectified(8, 2, negative_slope=0.125), "x")
    assert (leaky.format, leaky.slope_shift) == (Format(8, 3), 3)
    assert quantized(rectified(8, 3, relu_upper_bound=6), "x").bound is None, "QKeras heeds its own range alone"
    assert quantized(rectified(8, 3, relu_upper_bound=6, is_quantized_clip=False), "x").bound == 6 * 32


def test_a_misread_layer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is compared with Keras before it is believed."""
    model = classifier(convolution(name="first"), rounded(rectified(), "second"), layers.MaxPooling2D(2, name="third"))
    reading = read_network(model)
    monkeypatch.setattr(operations.MaxPool, "compute", lambda self, words: words[:, ::2, ::2])
    with pytest.raises(CheckFailed, match=r"^layer third: Keras gives other values"):
        compare_with_keras(model, reading, extremes(reading.network))


def test_identity_is_that_of_what_is_computed() -> None:
    """Not of names; a weight, a format or a stride makes another network."""

    def network(name: str = "first", **options: object) -> str:
        # A layer draws its seed when it is made, ahead of the network's own.
        keras.utils.set_random_seed(1)
        return identity(read_exactly(classifier(convolution(name=name, **options), rounded(rectified()))))

    assert network() == network("renamed")
    assert len({network(), network(strides=2), network(kernel_quantizer=bits(5)), network(use_bias=False)}) == 4
    keras.utils.set_random_seed(1)
    model = classifier(convolution(name="first"), rounded(rectified()))
    kernel = np.array(model.get_layer("first").kernel)
    kernel[0, 0, 0, 0] += 2**-4
    model.get_layer("first").kernel.assign(kernel)
    assert identity(read_exactly(model)) != network()


def test_a_normalization_takes_nothing_where_it_changes_nothing() -> None:
    model = classifier(normalized(epsilon=2.0**-10))
    layer = model.get_layer("normalization")
    layer.set_weights([np.ones(3), np.zeros(3), np.zeros(3), np.full(3, 1 - layer.epsilon)])
    network = read_network(model).network
    assert not [each for each in network.operations if isinstance(each, operations.Scale)]


def test_mixed_precision_is_read_in_that_of_the_weights(tmp_path: Path) -> None:
    """Keras rounds in each layer of a network as it was trained; that of the file is compared in float32."""
    policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = classifier(convolution(name="first"), rounded(rectified(), "second"))
    finally:
        keras.mixed_precision.set_global_policy(policy)
    assert set(read_network(model).keras_rounds) >= {"first", "second", "logits"}
    model.save(tmp_path / "mixed.keras")
    alike = read_keras_file(tmp_path / "mixed.keras")
    network = read_exactly(alike)
    assert identity(network) == identity(read_network(model).network)
    assert compare_with_keras(alike, read_network(alike), extremes(network)).differing == 0
