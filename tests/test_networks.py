"""The quantized network: its size, its arithmetic, and the refusal of what is not exact."""

from __future__ import annotations

import dataclasses
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.design.design import Design
from cytogate.model.design.folder import DESIGN_FILE, load_design
from cytogate.model.design.topologies import Compact, Contrast, Meng2017, Student
from cytogate.model.errors import InputError
from cytogate.model.networks.build import build
from cytogate.model.networks.compact import compact
from cytogate.model.networks.exact import (
    count_macs,
    count_weights,
    logits,
    settle_weights,
    snap_batch_normalization,
)
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import EPSILON, BatchNormalization
from cytogate.model.networks.meng2017 import CHANNELS, meng2017
from cytogate.model.networks.operations import Weighted
from cytogate.model.networks.reading.reader import read_exactly, read_network
from cytogate.model.networks.saved import load_operations, read_keras_file
from cytogate.model.networks.shapes import untrained_operations
from cytogate.model.networks.widths import EXACT_STEPS

SMALL = Meng2017(filters=(2, 3, 4), dense=6)
SIZE = 32


def unsettled(spec: Meng2017 = SMALL, size: int = SIZE, seed: int = 0) -> keras.Model:
    """Return a network whose batch normalizations have been through something."""
    keras.utils.set_random_seed(seed)
    return lived_in(meng2017(spec, size, 5, quantized=True), seed)


def lived_in(model: keras.Model, seed: int = 0) -> keras.Model:
    """Give a network biases and batch normalizations as training might."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.get_weights()[0].shape
            gamma, beta, mean = rng.uniform(0.5, 1.5, shape), rng.normal(0, 0.5, shape), rng.normal(0.3, 0.1, shape)
            layer.set_weights([gamma, beta, mean, rng.uniform(0.05, 1, shape)])
        elif isinstance(layer, (qkeras.QConv2D, qkeras.QDense)) and layer.trainable:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 0.3, bias.shape)])
    return model


def exact_network(spec: Meng2017 = SMALL, size: int = SIZE, seed: int = 0) -> keras.Model:
    """Return a network as training leaves it: snapped and settled."""
    model = unsettled(spec, size, seed)
    snap_batch_normalization(model)
    settle_weights(model)
    return model


def design_network(design: Design, seed: int = 0) -> keras.Model:
    """Return the network of a design, of weights that are made up, as training leaves it."""
    keras.utils.set_random_seed(seed)
    model = lived_in(build(design, quantized=True), seed)
    snap_batch_normalization(model)
    settle_weights(model)
    return model


def inputs(cells: int, size: int = SIZE, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (cells, size, size, CHANNELS), np.uint8)


def broken_network(folder: Path, spoil: Callable[[Path], None]) -> str:
    """Return what is said of a copy of a saved network, behind the path of the file, after ``spoil`` of its folder."""
    saved = Path(__file__).resolve().parents[1] / "docs" / "results" / "dcae-small"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(saved / "network", folder / "network")
    shutil.copy(saved / DESIGN_FILE, folder)
    spoil(folder / "network")
    with pytest.raises(InputError) as refusal:
        load_operations(load_design(folder))
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(str(folder / "network"))
    return str(refusal.value)


def with_topology(change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "quantized.json"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return spoil


@pytest.mark.parametrize(
    "change",
    [
        lambda text: '{"a":' * 100_000 + "1" + "}" * 100_000,
        lambda text: re.sub(r'"bits": \d+', '"bits": 1' + "0" * 5_000, text),
        lambda text: text[: len(text) // 2],
        lambda text: "",
    ],
    ids=["nested", "5,000 digits", "cut", "empty"],
)
def test_a_topology_that_is_none_is_one_sentence(change: Callable[[str], str], tmp_path: Path) -> None:
    said = broken_network(tmp_path / "own", with_topology(change))
    assert "quantized.json: is no part of a saved quantized network: " in said


def test_a_width_beyond_all_use_is_one_sentence(tmp_path: Path) -> None:
    wide = with_topology(lambda text: re.sub(r'"bits": \d+', f'"bits": {10**30}', text))
    assert re.search(
        r"layer \w+: quantized_\w+\(.*has bits 1e\+30; a whole number up to 32", broken_network(tmp_path / "own", wide)
    )


def test_a_keras_file_that_is_nested_too_deeply_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    exact_network().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(
        InputError, match=r"own\.keras: cannot be read as a \.keras file of .*: maximum recursion depth"
    ):
        read_keras_file(path)


def test_weights_that_are_damaged_are_one_sentence(tmp_path: Path) -> None:
    """Each part of the file's first two kilobytes, which say where the others are, overwritten."""
    told = set()
    for begin in range(0, 2048, 64):

        def spoil(folder: Path, begin: int = begin) -> None:
            path = folder / "quantized.weights.h5"
            content = bytearray(path.read_bytes())
            content[begin : begin + 64] = b"\xa5" * 64
            path.write_bytes(content)

        try:
            told.add(broken_network(tmp_path / "own", spoil))
        except pytest.fail.Exception:
            # A part that says nothing.
            continue
    assert len(told) > 2
    assert all("quantized.weights.h5: is no part of a saved quantized network: " in said for said in told)


def test_the_default_fits_a_small_device() -> None:
    design = load_design("qatom128")
    model = build(design, quantized=True)
    convolutions = 96 * 96 * 5 * 4 + 48 * 48 * 16 * 4 * 12 + 24 * 24 * 9 * 12 * 20 + 12 * 12 * 9 * 20 * 40
    assert count_macs(model) == convolutions + 6 * 6 * 9 * 40 * 56 + (56 + 13) * 64 + 64 * 5
    assert count_macs(model) <= 5e6
    assert count_weights(model) <= 40_000
    assert model.output_shape == (None, 5)


def test_filters_reach_fifty_million_macs() -> None:
    spec = dataclasses.replace(Meng2017(), filters=(32, 64, 112))
    model = meng2017(spec, 128, 5, quantized=True)
    assert 45e6 < count_macs(model) < 60e6


def test_quantized_and_float_have_the_same_topology() -> None:
    quantized, floating = (meng2017(SMALL, SIZE, 5, quantized=kind) for kind in (True, False))
    assert [w.shape for w in quantized.weights] == [w.shape for w in floating.weights]
    assert count_macs(quantized) == count_macs(floating)


def test_float32_keras_equals_integers() -> None:
    """Logits of Keras, in steps of their format, are what operations on integers give."""
    model = exact_network()
    codes, network = inputs(40), read_exactly(model)
    found = logits(model, codes) / network.logits.format.step
    assert len(np.unique(found)) > 40
    assert np.array_equal(found, network.classify(codes))


def test_snapping_is_on_the_grid_and_close() -> None:
    model, codes = unsettled(), inputs(16)
    before = logits(model, codes)
    assert read_network(model).keras_rounds[0] == "normalization_1"
    with pytest.raises(InputError, match=r"layer normalization_1: Keras rounds in it"):
        read_exactly(model)
    snap_batch_normalization(model)
    read_exactly(model)
    assert np.abs(logits(model, codes) - before).max() < 0.2
    settle_weights(model)
    after = logits(model, codes)
    settle_weights(model)
    assert np.array_equal(logits(model, codes), after)


def test_heavy_weights_are_refused_by_name() -> None:
    model = exact_network(dataclasses.replace(SMALL, weight_bits=12))
    read_exactly(model)
    layer = model.get_layer("convolution_1")
    kernel, bias = layer.get_weights()
    layer.set_weights([np.full_like(kernel, 3.9), bias])
    with pytest.raises(InputError, match=r"layer convolution_1: its sums may reach.*put a quantizer between"):
        read_network(model)


def test_a_channel_that_hardly_varies_is_not_magnified_without_bound() -> None:
    """Twelve bits of sums times the reciprocal root of epsilon, 32, on a grid of 2^-10 are 2^26 steps."""
    model = lived_in(compact(Compact(filters=(2, 3), dense=4), (16, 16, 2), 7, quantized=True))
    layer = model.get_layer("normalization_2")
    gamma, beta, mean, variance = layer.get_weights()
    variance[1] = 0.0
    layer.set_weights([gamma, beta, mean, variance])
    snap_batch_normalization(model)
    settle_weights(model)
    words = read_exactly(model)["normalization_2"].format
    assert words.width == EXACT_STEPS.bit_length(), "sums reach half of what float32 holds, and no more"


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_a_normalization_without_scale_or_center_is_keras_s(scale: bool, center: bool) -> None:
    x = np.random.default_rng(3).normal(2, 3, (64, 4, 4, 3)).astype(np.float32)
    own, known = (
        kind(epsilon=EPSILON, scale=scale, center=center)
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for layer in (own, known):
        for _ in range(5):
            layer(x, training=True)
    assert np.allclose(own(x), known(x), atol=1e-5)


def test_a_snapped_normalization_is_exact_on_this_processor() -> None:
    """More channels than a vector unit has lanes: the reciprocal root of 1 that it computes is not always 1."""
    channels = 100
    layer = BatchNormalization(epsilon=EPSILON)
    entry = keras.Input((channels,))
    model = keras.Model(entry, layer(entry))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.uniform(0.5, 2, channels), *rng.normal(0, 1, (2, channels)), rng.uniform(0.1, 9, channels)])
    snap_batch_normalization(model)
    scale, offset = (np.asarray(weights, np.float64) for weights in layer.get_weights()[:2])
    words = rng.integers(-2048, 2048, (500, channels)) / 64
    assert np.array_equal(np.asarray(model(words.astype(np.float32))), scale * words + offset)


def test_a_size_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(InputError, match="24x24"):
        meng2017(SMALL, 24, 5, quantized=True)


@pytest.mark.parametrize("weight_bits", [12, 16])
@pytest.mark.parametrize("topology", [Compact, Student, Meng2017, Contrast])
def test_wide_weights_that_are_drawn_are_within_what_training_keeps(topology: type, weight_bits: int) -> None:
    """So that an estimate needs no training."""
    design = load_design("qatom64")
    network = dataclasses.replace(design.network, topology=topology(weight_bits=weight_bits))
    operations = untrained_operations(dataclasses.replace(design, network=network))
    weighted = [each for each in operations.operations if isinstance(each, Weighted) and each.kernel.codes.size > 1000]
    assert max(each.kernel.format.width for each in weighted) > 8
    assert all(each.format.width <= EXACT_STEPS.bit_length() for each in weighted)


def test_words_that_leave_no_room_for_weights_are_refused() -> None:
    design = load_design("qatom64")
    sizes = Compact(filters=(16, 128, 64), activation_bits=16)
    with pytest.raises(InputError, match=r"^layer convolution_3: sums of 1152 products .* fewer inputs, or words of"):
        build(dataclasses.replace(design, network=dataclasses.replace(design.network, topology=sizes)), quantized=True)
