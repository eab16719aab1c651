"""Conversion to HLS: equal on every word, and an error that names the layer where it could not be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cytogate.hls.network.convert import TOP, convert
from cytogate.hls.network.layers import hls_layers
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.operations import IntegerNetwork, MaxPool
from cytogate.model.networks.reading.reader import read_exactly, read_network
from cytogate.sim.csim import network as network_csim
from cytogate.sim.csim.network import NetworkSimulation, compare_logits
from tests.layers import (
    EXACT,
    bits,
    classifier,
    convolution,
    dense,
    extremes,
    fire,
    layers,
    normalized,
    rectified,
    residual,
    rounded,
    separated,
    with_biases,
)
from tests.test_networks import SIZE, exact_network, inputs

DESIGN = load_design("qatom64")
SIMULATED = (
    "maximum of signed words, padded", "operators", "rectangles", "rows and columns left out", "residual", "fire",
    "separated", "depth multiplier", "bound", "leak", "sign", "powers of two", "global mean of 35", "mean of 9",
    "maximum, a row over", "maximum, overlapping and padded", "channels first, flattened",
    "rounded behind flattening", "added behind flattening", "unsigned logits", "normalization as trained",
    "reshape to other channels", "flattened ahead of a quantizer", "flattened for two", "ternary words",
    "folded normalization", "difference",
)  # fmt: skip
"""Those of the networks of a few layers that are simulated each time; the others are with the longer proofs."""


def equal_in_c_simulation(network: IntegerNetwork, folder: Path) -> None:
    codes = extremes(network)
    found = compare_logits(network, codes, DESIGN, folder)
    assert found.values == len(codes[0]) * network.logits.shape[0]
    assert found.differing == 0, f"from layer {found.first} on"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SIMULATED else pytest.mark.full) for name in EXACT]
)
def test_every_kind_of_layer_is_equal_in_c_simulation(name: str, builds: Path) -> None:
    equal_in_c_simulation(read_network(EXACT[name]()).network, builds / "layers" / re.sub(r"\W+", "_", name))


def test_a_project_says_nothing_of_where_it_was_written(tmp_path: Path) -> None:
    """It appears whole, by another name than that under which it was made, which may be long and have spaces."""
    folder = tmp_path / " ".join(["a folder"] * 20) / "project"
    convert(read_exactly(exact_network()), DESIGN, folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert str(tmp_path).encode() not in path.read_bytes(), path
    settings = (folder / "hls4ml_config.yml").read_text(encoding="utf-8")
    assert re.findall("^OutputDir: .*$", settings, re.MULTILINE) == ["OutputDir: ."]
    assert yaml.safe_load(settings)["ProjectName"] == TOP


def test_logits_equal_keras_on_every_word(builds: Path) -> None:
    network = read_exactly(exact_network())
    project = convert(network, DESIGN, builds / "small_network" / "project")
    simulation = NetworkSimulation.of(project, builds / "small_network")
    flat = np.stack([np.full((SIZE, SIZE, 5), code, np.uint8) for code in (0, 255)])
    codes = np.concatenate([inputs(64), flat])
    expected = network.classify(codes)
    assert len(np.unique(expected[:, 0])) > 32, "inputs that all give one answer would prove nothing"
    found = simulation.logits(codes)
    assert found.shape == (66, 5)
    assert np.array_equal(found, expected)


def test_project_names_what_a_kernel_needs(tmp_path: Path) -> None:
    network = read_exactly(exact_network())
    project = convert(network, DESIGN, tmp_path / "project")
    assert all(path.exists() for path in project.sources)
    assert (project.folder / "network.hpp").exists()
    assert project.logits == network.logits.format
    assert project.classes == 5
    defines = (project.folder / "firmware" / "defines.h").read_text()
    assert "typedef nnet::array<ap_ufixed<8,0,AP_RND_CONV,AP_SAT,0>, 5*1> input_t;" in defines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def depths(project: Any) -> list[int]:
    return [int(depth) for depth in re.findall(r"HLS STREAM variable=\w+ depth=(\d+)", project.sources[0].read_text())]


def test_streams_hold_rows_not_maps(tmp_path: Path) -> None:
    """A row of the map that goes through, and the whole of the one that a dense layer takes at once."""
    project = convert(read_exactly(exact_network()), DESIGN, tmp_path / "project")
    # Behind: padding, convolution with its ReLU, pooling, normalization of each block; the dense layer with its ReLU.
    first, second, third = [34, 16, 8, 8], [10, 8, 4, 4], [6, 4, 2, 2 * 2]
    assert depths(project) == [*first, *second, *third, 2]


def test_streams_of_ways_that_part_hold_maps(tmp_path: Path) -> None:
    """One of them runs ahead of the other by what its layers keep back."""
    project = convert(read_exactly(classifier(residual)), DESIGN, tmp_path / "project")
    # Padding, convolution; two copies of what leaves it; padding, convolution; their sum, which a dense layer takes.
    assert sorted(depths(project)) == sorted([10, 8, 64, 64, 10, 64, 64])


NAMES = ["network", "class", "x ray", "block1.conv", "3layers", "p", "äöü", "input", "n1_n1", "int", "-", "result_t"]


def test_names_may_be_any(builds: Path) -> None:
    """Words of C++ and of hls4ml, what is no identifier, and names that become one only with others."""
    x = entry = keras.Input((4, 4, 1), name=NAMES[0])
    x = rounded(rectified(8, 0), NAMES[1])(x)
    for name in NAMES[2:-2]:
        x = rounded(rectified(4, 1), f"{name}!")(convolution(1, 1, name=name)(x))
    x = dense(2, name=NAMES[-1])(layers.Flatten(name=NAMES[-2])(x))
    network = read_exactly(with_biases(keras.Model(entry, x, name="switch")))
    assert len({layer.name for layer in hls_layers(network)}) == len(hls_layers(network))
    equal_in_c_simulation(network, builds / "names")


def two_inputs(joint: keras.Layer) -> keras.Model:
    """Return a network of two inputs, each with a convolution and a ReLU, behind a joint."""
    entries, ends = [], []
    for side, width in (("left", 4), ("right", 5)):
        x = keras.Input((4, 4, 2), name=side)
        entries.append(x)
        x = convolution(name=f"{side}_convolution")(rounded(rectified(8, 0))(x))
        ends.append(layers.Flatten()(rounded(rectified(width, 2))(x)))
    return with_biases(keras.Model(entries, dense(2, "logits", kernel_quantizer=bits(4))(joint(ends))))


def test_two_inputs_keep_their_order(builds: Path) -> None:
    network = read_exactly(two_inputs(layers.Concatenate(name="joint")))
    project = convert(network, DESIGN, builds / "two" / "project")
    assert project.input_types == ("input_t", "input2_t")
    header = (project.folder / "network.hpp").read_text()
    assert "run(hls::stream<input_t>& pixels, hls::stream<input2_t>& pixels_2, hls::stream<result_t>& logits)" in header
    equal_in_c_simulation(network, builds / "two")


def test_more_readers_than_hls4ml_copies_for_are_refused_by_name(tmp_path: Path) -> None:
    many = [rounded(bits(3)) for _ in range(8)]
    model = classifier(rounded(rectified(4, 1), "bad"), lambda x: layers.Add()([each(x) for each in many]), shape=(6,))
    with pytest.raises(InputError, match="layer bad: 8 layers read its values; hls4ml copies a stream 7 times"):
        convert(read_exactly(model), DESIGN, tmp_path / "project")


def test_a_pooling_of_another_hls4ml_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytogate.hls.network.convert.TILES", "assert(tomorrow);")
    with pytest.raises(InputError, match=r"nnet_pooling_stream.h is another one than is known: it lacks .*tomorrow"):
        convert(read_exactly(classifier(layers.MaxPooling2D(2))), DESIGN, tmp_path / "project")


# What hls4ml does otherwise than it is told.


def telling(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any], list[dict[str, Any]]], None]) -> None:
    """Let hls4ml be told something else."""
    from hls4ml.model.graph import ModelGraph

    real = ModelGraph.from_layer_list

    def told(config: dict[str, Any], layer_list: list[dict[str, Any]], *rest: Any) -> Any:
        change(config, layer_list)
        return real(config, layer_list, *rest)

    monkeypatch.setattr(ModelGraph, "from_layer_list", told)


def changed(rng: np.random.Generator, config: dict[str, Any], told: list[dict[str, Any]]) -> str:
    """Change one thing of what hls4ml is told and heeds, and say which: what rearranges words has their format."""
    heeding = [each for each in range(1, len(told)) if told[each]["class_name"] not in ("Reshape", "ZeroPadding2D")]
    number = int(rng.choice(heeding))
    layer, settings = told[number], config["HLSConfig"]["LayerName"][told[number]["name"]]
    arrays = [name for name in layer if name.endswith("_data")]
    numbers = [name for name in ("stride_width", "pad_left", "n_filt", "filt_height") if name in layer]
    shared = ["reuse"] * (settings.get("ReuseFactor", 1) > 1)
    kind = rng.choice(["format", *["constant"] * bool(arrays), *["number"] * bool(numbers), *shared])
    if kind == "format":
        what = str(rng.choice(list(settings["Precision"])))
        before = settings["Precision"][what]
        width, rest = re.match(r"(?:u?fixed)<(\d+),(.*)>", before).groups()  # type: ignore[union-attr]
        settings["Precision"][what] = f"{before.split('<')[0]}<{int(width) + 1},{rest}>"
    elif kind == "constant":
        what = str(rng.choice(arrays))
        layer[what] = layer[what].copy()
        layer[what].flat[int(rng.integers(layer[what].size))] += 2.0**-3
    elif kind == "number":
        what = str(rng.choice(numbers))
        layer[what] += 1
    else:
        what, settings["ReuseFactor"] = "ReuseFactor", 1
    return f"{kind} {what} of {layer['name']}"


@pytest.mark.parametrize("seed", range(20))
def test_whatever_hls4ml_is_told_otherwise_is_an_error(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = read_exactly(classifier((residual, fire, separated)[seed % 3]))
    rng, said = np.random.default_rng(seed), []
    telling(monkeypatch, lambda config, told: said.append(changed(rng, config, told)))
    with pytest.raises(InputError, match=r"layer \w+: hls4ml|hls4ml does not convert it"):
        convert(network, DESIGN, tmp_path / "project")
    assert len(said) == 1, "something was changed"
    assert not list(tmp_path.iterdir())


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Let hls4ml's network be another one than it was told."""
    from hls4ml.model.graph import ModelGraph

    real = ModelGraph.from_layer_list

    def made(*arguments: Any) -> Any:
        graph = real(*arguments)
        change(graph)
        return graph

    monkeypatch.setattr(ModelGraph, "from_layer_list", made)


def named(graph: Any, part: str) -> Any:
    return next(node for node in graph.get_layers() if part in node.name)


def test_inputs_that_hls4ml_swaps_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: graph.inputs.reverse())
    with pytest.raises(InputError, match=r"the network's inputs in hls4ml are n\d_right, n\d_left"):
        convert(read_exactly(two_inputs(layers.Concatenate())), DESIGN, tmp_path / "project")


def test_ways_that_hls4ml_swaps_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: named(graph, "joint").inputs.reverse())
    with pytest.raises(InputError, match=r"layer joint: (reads .* in hls4ml's network|hls4ml)"):
        convert(read_exactly(two_inputs(layers.Concatenate(name="joint"))), DESIGN, tmp_path / "project")


def test_a_layer_that_hls4ml_drops_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda graph: graph.remove_node(named(graph, "normalization_2")))
    with pytest.raises(InputError, match="layer normalization_2: hls4ml dropped it"):
        convert(read_exactly(exact_network()), DESIGN, tmp_path / "project")
    assert not list(tmp_path.iterdir())


# The proof at the door.


def test_the_first_layer_that_differs_is_named(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pooling that C++ and integers understand differently, in the middle of a network."""
    first, second, third = convolution(name="first"), layers.MaxPooling2D(2, name="second"), convolution(name="third")
    model = classifier(first, rounded(bits(5, 1)), second, third, rounded(rectified()))
    network = read_exactly(model)
    monkeypatch.setattr(MaxPool, "compute", lambda self, words: words[:, ::2, ::2])
    found = compare_logits(network, extremes(network), DESIGN, builds / "differing")
    assert found.differing > 0
    assert found.first == "second"


def test_a_simulation_that_dies_is_an_error(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes along the process that runs it, and no other."""
    real = network_csim.convert

    def dying(*arguments: Any) -> Any:
        project = real(*arguments)
        path = project.sources[0]
        # The body's first brace stands behind the signature.
        text = path.read_text().replace("\n) {\n", "\n) {\n  __builtin_trap();\n", 1)
        path.write_text(text)
        return project

    monkeypatch.setattr(network_csim, "convert", dying)
    network = read_exactly(classifier(convolution(), rounded(rectified())))
    with pytest.raises(CheckFailed, match=r"the network's C-simulation ended with SIG(ILL|TRAP)"):
        compare_logits(network, extremes(network), DESIGN, builds / "dying")


# Networks that nobody has thought of.

RANDOM_NETWORKS = 200
AT_A_TIME = 10


def random_network(seed: int) -> keras.Model:
    """Return a small network of layers drawn at random; sizes and widths, too."""
    rng = np.random.default_rng(seed)

    def draw(*choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    def weights() -> object:
        return draw(bits(2), bits(3), bits(4), bits(4, 1), bits(1), bits(4, alpha="auto_po2"), bits(3, symmetric=1))

    def words() -> keras.Layer:
        return rounded(draw(rectified(3, 1), rectified(4, 2), rectified(5, 0), bits(4, 1), bits(5, 2), bits(2, 1)))

    def convolved(x: keras.KerasTensor) -> keras.KerasTensor:
        options = {"kernel_quantizer": weights(), "use_bias": draw(True, False), "padding": draw("same", "valid")}
        kernel = (min(draw(1, 2, 3), x.shape[1]), min(draw(1, 2, 3), x.shape[2]))
        return convolution(draw(1, 2, 3), kernel, strides=draw(1, 1, 2), **options)(x)

    def tall(x: keras.KerasTensor) -> bool:
        return x.shape[1] >= 4 and x.shape[2] >= 4

    parts: list[Callable[[keras.KerasTensor], keras.KerasTensor]] = [
        lambda x: words()(convolved(x)),
        lambda x: words()(convolved(x)),
        lambda x: rounded(rectified(4, 1))(normalized(name=None)(x)),
        residual,
        fire,
        separated,
        lambda x: layers.MaxPooling2D(draw(2, (1, 2), 3) if tall(x) else 1)(x),
        lambda x: rounded(bits(5, 1))(layers.AveragePooling2D(draw(2, 3) if tall(x) else 1)(x)),
        lambda x: layers.ZeroPadding2D(draw(1, ((0, 1), (2, 0))))(x),
        lambda x: layers.Dropout(0.1)(x),
        lambda x: layers.UpSampling2D((1, 2))(x) if x.shape[2] < 8 else x,
        lambda x: layers.Permute((2, 1, 3))(x),
    ]
    keras.utils.set_random_seed(seed)
    shape = (draw(5, 6, 8), draw(4, 7, 8), draw(1, 2, 3))
    x = entry = keras.Input(shape)
    x = rounded(draw(rectified(8, 0), rectified(4, 0), bits(6, 0), rectified(8, 8)))(x)
    for _ in range(draw(2, 3, 4)):
        x = draw(*parts)(x)
    # Sums before the end as narrow as what float32 holds.
    x = rounded(draw(rectified(4, 2), bits(4, 2)))(convolution(2, 1, kernel_quantizer=bits(3))(x))
    x = layers.Flatten()(draw(layers.Identity(), layers.GlobalAveragePooling2D(keepdims=True))(x))
    return with_biases(keras.Model(entry, dense(3, kernel_quantizer=bits(3))(rounded(bits(6, 3))(x))))


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=() if first < AT_A_TIME // 2 else pytest.mark.full)
     for first in [0, *range(AT_A_TIME // 2, RANDOM_NETWORKS, AT_A_TIME)]],
)  # fmt: skip
def test_networks_drawn_at_random_are_equal_or_refused(first: int, builds: Path) -> None:
    """Equal in C-simulation on every word, and to Keras where it does not round; few need more than float32 holds."""
    refused = 0
    count = AT_A_TIME // 2 if first == 0 else min(AT_A_TIME, RANDOM_NETWORKS - first)
    for seed in range(first, first + count):
        model = random_network(seed)
        try:
            reading = read_network(model)
        except InputError as error:
            if "its sums may reach" not in str(error):
                raise
            refused += 1
            continue
        # Raises where Keras differs and is not known to round.
        compared = compare_with_keras(model, reading, extremes(reading.network))
        assert compared.values
        equal_in_c_simulation(reading.network, builds / "random" / str(seed))
    assert refused <= count // 3
