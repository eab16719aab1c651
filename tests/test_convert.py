"""Conversion to HLS: equal on every word, and an error that names the layer where it could not be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.networks.exact import logits
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import BatchNormalization
from cytogate.model.networks.words import trace
from cytogate.sim.csim.network import NetworkSimulation
from tests.test_networks import SIZE, exact_network, inputs

if TYPE_CHECKING:
    from hls4ml.model import ModelGraph

DESIGN = load_design("qatom64")


def test_logits_equal_keras_on_every_word(builds: Path) -> None:
    model = exact_network()
    project = convert(model, DESIGN, builds / "small_network" / "project")
    simulation = NetworkSimulation.of(project, builds / "small_network")
    flat = np.stack([np.full((SIZE, SIZE, 5), code, np.uint8) for code in (0, 255)])
    codes = np.concatenate([inputs(64), flat])
    expected = project.logits.encode(logits(model, codes))
    assert len(np.unique(expected[:, 0])) > 32, "inputs that all give one answer would prove nothing"
    found = simulation.logits(codes)
    assert found.shape == (66, 5)
    assert np.array_equal(found, expected)


def test_project_names_what_a_kernel_needs(tmp_path: Path) -> None:
    model = exact_network()
    project = convert(model, DESIGN, tmp_path / "project")
    assert all(path.exists() for path in project.sources)
    assert (project.folder / "network.hpp").exists()
    assert project.logits == trace(model)[-1].format
    assert project.classes == 5
    defines = (project.folder / "firmware" / "defines.h").read_text()
    assert "typedef nnet::array<ap_ufixed<8,0,AP_RND_CONV,AP_SAT,0>, 5*1> input_t;" in defines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_streams_hold_rows_not_maps(tmp_path: Path) -> None:
    """A row of the map that goes through, and the whole of the one that a dense layer takes at once."""
    project = convert(exact_network(), DESIGN, tmp_path / "project")
    found = re.findall(r"HLS STREAM variable=\w+ depth=(\d+)", project.sources[0].read_text())
    # Behind: quantizer; padding, convolution, ReLU, pooling, normalization of each block; dense, ReLU.
    first, second, third = [34, 16, 16, 8, 8], [10, 8, 8, 4, 4], [6, 4, 4, 2, 2 * 2]
    assert [int(depth) for depth in found] == [32, *first, *second, *third, 2, 2]


def chain(*layers: keras.Layer) -> keras.Model:
    """Return a network that starts with the input's quantizer."""
    x = inputs_ = keras.Input((8, 8, 5), name="network_input")
    x = qkeras.QActivation(qkeras.quantized_relu(8, 0), name="input_quantizer")(x)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs_, x, name="network")


def bits(width: int = 8) -> qkeras.quantized_bits:
    return qkeras.quantized_bits(width, 0, alpha=1)


def convolution(name: str = "convolution", **options: object) -> keras.Layer:
    settings = {"kernel_quantizer": bits(), "bias_quantizer": bits(), "name": name} | options
    return qkeras.QConv2D(2, 3, **settings)


def rounded(name: str = "rounded", width: int = 8) -> keras.Layer:
    return qkeras.QActivation(qkeras.quantized_bits(width, 2, alpha=1), name=name)


def leaky(name: str, **options: float) -> keras.Layer:
    return qkeras.QActivation(qkeras.quantized_relu(8, 2, **{"negative_slope": 0.125, **options}), name=name)


def nested(name: str) -> keras.Layer:
    x = keras.Input((8, 8, 5))
    return keras.Model(x, convolution()(x), name=name)


REFUSED = {
    "softmax": [keras.layers.Flatten(), keras.layers.Softmax(name="bad")],
    "sigmoid behind flatten": [keras.layers.Flatten(), keras.layers.Activation("sigmoid", name="bad")],
    "average pooling": [keras.layers.AveragePooling2D(2, name="bad")],
    "transposed convolution": [keras.layers.Conv2DTranspose(2, 3, name="bad")],
    "leaky ReLU": [keras.layers.LeakyReLU(negative_slope=0.1, name="bad")],
    "dropout": [keras.layers.Flatten(), keras.layers.Dropout(0.5, name="bad")],
    "padded pooling": [keras.layers.MaxPooling2D(3, padding="same", name="bad")],
    "overlapping pooling": [keras.layers.MaxPooling2D(3, 2, name="bad")],
    "plain convolution": [keras.layers.Conv2D(2, 3, name="bad")],
    "activation within": [convolution("bad", activation=qkeras.quantized_relu(8, 0))],
    "dilation": [convolution("bad", dilation_rate=2)],
    "no quantizer": [convolution("good"), convolution("bad", kernel_quantizer=None)],
    "scaled quantizer": [convolution("bad", kernel_quantizer=qkeras.quantized_bits(8, 0, alpha="auto"))],
    "batch normalization of Keras": [keras.layers.BatchNormalization(name="bad")],
    "batch normalization as trained": [BatchNormalization(name="bad")],
    "leaky ReLU of unrounded sums": [convolution(), leaky("bad")],
    "leaky ReLU of a slope of 1": [convolution(), rounded(), leaky("bad", negative_slope=1.0)],
    "leaky ReLU with a bound": [convolution(), rounded(), leaky("bad", relu_upper_bound=1.0)],
    "signed quantizer behind pooling": [keras.layers.MaxPooling2D(2), rounded("bad")],
    "signed quantizer behind another": [convolution(), rounded(), rounded("bad", 4)],
    "a network as a layer": [nested("bad")],
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exact_is_refused_by_name(case: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layer bad"):
        convert(chain(*REFUSED[case]), DESIGN, tmp_path / "project")
    assert not list(tmp_path.iterdir())


def test_branches_are_refused(tmp_path: Path) -> None:
    x = entry = keras.Input((8, 8, 5), name="network_input")
    x = qkeras.QActivation(qkeras.quantized_relu(8, 0), name="input_quantizer")(x)
    both = keras.layers.Concatenate(name="both")([convolution("one")(x), convolution("other")(x)])
    with pytest.raises(
        InputError, match=r"layer one: is not the only reader of input_quantizer.*must be a plain chain"
    ):
        convert(keras.Model(entry, both), DESIGN, tmp_path / "project")


def two_chains(joint: keras.Layer, widths: tuple[int, int] = (8, 8), flat: bool = True) -> keras.Model:
    """Return a network of two inputs, each with a convolution and a ReLU of so many bits, behind a joint."""
    entries, ends = [], []
    for side, width in zip(("left", "right"), widths, strict=True):
        x = keras.Input((4, 4, 2), name=side)
        entries.append(x)
        x = qkeras.QActivation(qkeras.quantized_relu(8, 0), name=f"{side}_quantizer")(x)
        x = convolution(f"{side}_convolution")(x)
        x = qkeras.QActivation(qkeras.quantized_relu(width, 2), name=f"{side}_relu")(x)
        ends.append(keras.layers.Flatten(name=f"{side}_flatten")(x) if flat else x)
    x = joint(ends)
    if not flat:
        x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(entries, qkeras.QDense(2, kernel_quantizer=bits(), bias_quantizer=bits(), name="logits")(x))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: two_chains(keras.layers.Concatenate(name="bad"), (8, 7)), "must write words of one format"),
        (lambda: two_chains(keras.layers.Concatenate(name="bad"), flat=False), "joins two vectors"),
        (lambda: two_chains(keras.layers.Add(name="bad")), "only a Concatenate joins chains"),
    ],
)
def test_joints_that_are_not_exact_are_refused(model: Callable[[], keras.Model], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"layer bad: .*{said}"):
        convert(model(), DESIGN, tmp_path / "project")


def test_an_output_in_the_middle_is_refused(tmp_path: Path) -> None:
    model = chain(convolution("first"), rounded(), convolution("last"))
    with pytest.raises(InputError, match="layer last: its words must be the network's only output"):
        convert(keras.Model(model.input, [model.get_layer("first").output, model.output]), DESIGN, tmp_path / "project")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_layer_used_twice_is_refused(elsewhere: bool, tmp_path: Path) -> None:
    shared = convolution("shared")
    x = entry = keras.Input((8, 8, 2))
    if elsewhere:
        shared(keras.Input((8, 8, 2)))
        x = shared(qkeras.QActivation(qkeras.quantized_relu(8, 0))(x))
    else:
        x = shared(rounded()(shared(qkeras.QActivation(qkeras.quantized_relu(8, 0))(x))))
    model = keras.Model(entry, keras.layers.Flatten(name="reader")(x))
    with pytest.raises(InputError, match=r"layer (reader|shared): reads a layer that is applied more than once"):
        convert(model, DESIGN, tmp_path / "project")


def test_two_inputs_keep_their_order(tmp_path: Path) -> None:
    project = convert(two_chains(keras.layers.Concatenate(name="joint")), DESIGN, tmp_path / "project")
    assert project.input_types == ("input_t", "input2_t")
    header = (project.folder / "network.hpp").read_text()
    assert "run(hls::stream<input_t>& pixels, hls::stream<input2_t>& pixels_2, hls::stream<result_t>& logits)" in header
    depths = re.findall(r"HLS STREAM variable=(\w+) depth=(\d+)", project.sources[0].read_text())
    assert len(depths) == 7, "quantizer, convolution and ReLU of each chain, and what joins them"


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[ModelGraph], None]) -> None:
    """Let hls4ml's network be another one than it was told."""
    import hls4ml

    real = hls4ml.converters.convert_from_keras_model

    def converting(model: keras.Model, **options: object) -> ModelGraph:
        graph = real(model, **options)
        change(graph)
        return graph

    monkeypatch.setattr(hls4ml.converters, "convert_from_keras_model", converting)


def test_inputs_that_hls4ml_swaps_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: graph.inputs.reverse())
    with pytest.raises(InputError, match="inputs in hls4ml are right, left"):
        convert(two_chains(keras.layers.Concatenate(name="joint")), DESIGN, tmp_path / "project")


def test_chains_that_hls4ml_swaps_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: graph.graph["joint"].inputs.reverse())
    with pytest.raises(InputError, match=r"layer joint: reads right_flatten, left_flatten in hls4ml's network"):
        convert(two_chains(keras.layers.Concatenate(name="joint")), DESIGN, tmp_path / "project")


def leaky_network() -> keras.Model:
    dense = qkeras.QDense(2, kernel_quantizer=bits(), bias_quantizer=bits(), name="logits")
    return chain(convolution(), rounded(), leaky("leak"), keras.layers.Flatten(name="flatten"), dense)


def test_a_slope_that_hls4ml_changes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: graph.graph["leak"].set_attr("activ_param", 0.25))
    with pytest.raises(InputError, match=r"layer leak: hls4ml gives it the slope 0\.25"):
        convert(leaky_network(), DESIGN, tmp_path / "project")


@pytest.mark.parametrize(("layer", "constant"), [("leak", "param"), ("convolution", "weight"), ("convolution", "bias")])
def test_a_constant_that_hls4ml_narrows_is_an_error(
    layer: str, constant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrow(graph: ModelGraph) -> None:
        graph.graph[layer].get_attr(f"{constant}_t").precision.width = 1

    changing(monkeypatch, narrow)
    with pytest.raises(InputError, match=f"layer {layer}: hls4ml gives its {constant} the format fixed<1,"):
        convert(leaky_network(), DESIGN, tmp_path / "project")


def test_a_layer_that_hls4ml_drops_is_an_error(tmp_path: Path) -> None:
    """A normalization that changes nothing is removed by hls4ml, and the quantizer behind it along with it."""
    model = exact_network()
    layer = model.get_layer("normalization_2")
    gamma, beta, mean, variance = layer.get_weights()
    layer.set_weights([gamma * 0 + 1, beta * 0, mean, variance])
    with pytest.raises(InputError, match="layer normalization_2: hls4ml dropped it"):
        convert(model, DESIGN, tmp_path / "project")
    assert not list(tmp_path.iterdir())


def test_a_precision_that_hls4ml_changes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hls4ml

    real = hls4ml.converters.convert_from_keras_model

    def changing(model: keras.Model, *, hls_config: dict, **options: object) -> object:
        hls_config["LayerName"]["normalization_2"]["Precision"]["result"] = "fixed<9,3,RND_CONV,SAT,0>"
        return real(model, hls_config=hls_config, **options)

    monkeypatch.setattr(hls4ml.converters, "convert_from_keras_model", changing)
    with pytest.raises(InputError, match=r"layer (normalization_2|quantizer_2): hls4ml"):
        convert(exact_network(), DESIGN, tmp_path / "project")
