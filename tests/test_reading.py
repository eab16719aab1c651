"""What is read of a Keras network: operations that give Keras's words, or a refusal that names layer and cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.network.project import identity
from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks import operations
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.reading.reader import read_exactly, read_network
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


class Louder(qkeras.QConv2D):
    """A convolution whose owner has changed something."""


class Softer(qkeras.quantized_relu):
    """A quantizer of the same kind."""


def shared(x: keras.KerasTensor) -> keras.KerasTensor:
    layer = layers.Lambda(lambda words: words, name="bad")
    return layer(x)


REFUSED: dict[str, tuple[Part | list[Part], str]] = {
    "subclass of a layer": (Louder(2, 3, kernel_quantizer=bits(), name="bad"), "Louder is a subclass of QConv2D"),
    "subclass of a quantizer": (rounded(Softer(6, 2), "bad"), "is no quantizer of words that is exact"),
    "h-swish": (rounded(qkeras.quantizers.quantized_hswish(8, 2, alpha=1), "bad"), "is no quantizer of words"),
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
    "slope for words beyond its range": (
        [convolution(), rounded(rectified(8, 1, negative_slope=0.125), "bad")], "words down to"
    ),
    "bound between two steps": (
        rounded(rectified(4, 3, relu_upper_bound=5.7, is_quantized_clip=False), "bad"), "no multiple of its step"
    ),
    "ELU": (layers.ELU(name="bad"), "use quantized_relu"),
    "PReLU": (layers.PReLU(name="bad"), "use quantized_relu"),
    "tanh in the middle": ([layers.Activation("tanh", name="bad")], "tanh of a map"),
    "swish": (layers.Activation("swish", name="bad"), "is no function of fixed point"),
    "softmax of a map": (layers.Softmax(name="bad"), "softmax of a map"),
    "what follows a softmax": ([layers.Flatten(), layers.Softmax(), dense(3, "bad")], "follows the softmax of"),
    "transposed convolution": (layers.Conv2DTranspose(2, 3, name="bad"), "use UpSampling2D"),
    "layer normalization": (layers.LayerNormalization(name="bad"), "use BatchNormalization"),
    "normalized rows": (layers.BatchNormalization(axis=1, name="bad"), "normalizes axis 1"),
    "rescaling": (layers.Rescaling(1 / 255, name="bad"), "the quantizer behind the input"),
    "code": (shared, "use layers whose meaning can be read"),
    "products": (lambda x: layers.Multiply(name="bad")([x, x]), "products of words"),
    "sums of other shapes": (lambda x: layers.Add(name="bad")([x, layers.MaxPooling2D(8)(x)]), "words of one shape"),
    "rows side by side": (lambda x: layers.Concatenate(axis=1, name="bad")([x, x]), "joins along axis 1"),
    "channels first": (layers.MaxPooling2D(2, data_format="channels_first", name="bad"), "data_format is 'chann"),
    "bilinear": (layers.UpSampling2D(2, interpolation="bilinear", name="bad"), "interpolation is 'bilinear'"),
    "padded pooling of signed words": (
        [convolution(), rounded(bits(6, 1)), layers.MaxPooling2D(3, 2, padding="same", name="bad")], "put a ReLU ahead"
    ),
    "mean of fewer pixels": (layers.AveragePooling2D(3, padding="same", name="bad"), "Keras divides by fewer pixels"),
    "heavy weights": ([convolution(), dense(3, "bad", kernel_quantizer=bits(12))], "put a quantizer between"),
    "weights of 17 bits": (dense(3, "bad", kernel_quantizer=bits(17)), "needs 1[67] bits; at most 16"),
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
        r"^layer bad: its input is not quantized; put a QActivation .* behind the input entry",
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
    "an argument": (lambda: classifier(lambda x: x * 2.0), "is called with several arguments"),
}  # fmt: skip


def spoil(model: keras.Model, value: float) -> None:
    layer = model.get_layer("first")
    kernel = np.array(layer.kernel)
    kernel[0, 0, 0, 0] = value
    layer.kernel.assign(kernel)


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
    with pytest.raises(CheckFailed, match=r"^layer third: Keras gives other words"):
        compare_with_keras(model, reading, extremes(reading.network))


def test_identity_is_that_of_what_is_computed() -> None:
    """Not of names; a weight, a format or a stride makes another network."""

    def network(name: str = "first", **options: object) -> str:
        return identity(read_exactly(classifier(convolution(name=name, **options), rounded(rectified()))))

    assert network() == network("renamed")
    assert len({network(), network(strides=2), network(kernel_quantizer=bits(5)), network(use_bias=False)}) == 4
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
