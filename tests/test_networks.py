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

from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.folder import DESIGN_FILE, load_design
from cytogate.model.design.topologies import Compact, Meng2017
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
from cytogate.model.networks.saved import load_network, read_keras_file
from cytogate.model.networks.widths import EXACT_STEPS
from cytogate.model.networks.words import assert_exact_accumulation, quantizer_format, trace

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
        elif isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 0.3, bias.shape)])
    return model


def exact_network(spec: Meng2017 = SMALL, size: int = SIZE, seed: int = 0) -> keras.Model:
    """Return a network as training leaves it: snapped and settled."""
    model = unsettled(spec, size, seed)
    snap_batch_normalization(model)
    settle_weights(model)
    return model


def inputs(cells: int, size: int = SIZE, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (cells, size, size, CHANNELS), np.uint8)


def broken_network(folder: Path, spoil: Callable[[Path], None]) -> str:
    """Return what is said of a copy of a saved network, behind the path of the file, after ``spoil`` of its folder."""
    saved = Path(__file__).resolve().parents[1] / "model" / "results" / "dcae-small"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(saved / "network", folder / "network")
    shutil.copy(saved / DESIGN_FILE, folder)
    spoil(folder / "network")
    with pytest.raises(InputError) as refusal:
        load_network(load_design(folder))
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
        lambda text: re.sub(r'"bits": \d+', f'"bits": {10**30}', text),
        lambda text: re.sub(r'"bits": \d+', '"bits": 1' + "0" * 5_000, text),
        lambda text: text[: len(text) // 2],
        lambda text: "",
    ],
    ids=["nested", "wide", "5,000 digits", "cut", "empty"],
)
def test_a_topology_that_is_none_is_one_sentence(change: Callable[[str], str], tmp_path: Path) -> None:
    said = broken_network(tmp_path / "own", with_topology(change))
    assert "quantized.json: is no part of a saved quantized network: " in said


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
    assert count_macs(model) == 64 * 64 * 16 * 5 * 8 + 32 * 32 * 9 * 8 * 16 + 16 * 16 * 9 * 16 * 32 + 2048 * 64 + 64 * 5
    assert count_macs(model) <= 6e6
    assert count_weights(model) <= 150_000
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
    """Logits of Keras, in steps of their format, are what integer arithmetic gives."""
    model = exact_network()
    codes = inputs(8)
    steps = trace(model)[-1].format.step
    found = logits(model, codes) / steps
    assert np.array_equal(found, np.rint(found)), "logits lie on their grid"
    assert np.array_equal(found, integer_logits(model, codes))


def integer_logits(model: keras.Model, codes: np.ndarray) -> np.ndarray:
    """Compute the network in int64, layer by layer, from the formats that its trace gives."""
    x, fraction = codes.astype(np.int64), 8
    for layer, words in zip(model.layers[1:], trace(model)[1:], strict=True):
        if isinstance(layer, qkeras.QActivation):
            shift = fraction - words.format.fraction_bits
            x = words.format.encode(x * 2.0**-fraction) if shift else np.maximum(x, words.format.code_min)
        elif isinstance(layer, keras.layers.MaxPooling2D):
            x = np.maximum.reduce([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        elif isinstance(layer, keras.layers.Flatten):
            x = x.reshape(len(x), -1)
        else:
            x = constants(layer, x, fraction, words.format)
        fraction = words.format.fraction_bits
    return x


def constants(layer: keras.Layer, x: np.ndarray, fraction: int, out: Format) -> np.ndarray:
    weight, bias = (np.asarray(w, np.float64) for w in layer.get_weights()[:2])
    left = out.fraction_bits - fraction
    weight, bias = np.rint(weight * 2.0**left).astype(np.int64), np.rint(bias * 2.0**out.fraction_bits).astype(np.int64)
    if isinstance(layer, keras.layers.BatchNormalization):
        return x * weight + bias
    if isinstance(layer, keras.layers.Dense):
        return x @ weight + bias
    (size, stride), rows = (weight.shape[0], layer.strides[0]), x.shape[1]
    pad = max((-(-rows // stride) - 1) * stride + size - rows, 0)
    x = np.pad(x, ((0, 0), (pad // 2, pad - pad // 2), (pad // 2, pad - pad // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nyxcij,ijcf->nyxf", windows, weight) + bias


def test_snapping_is_on_the_grid_and_close() -> None:
    model, codes = unsettled(), inputs(16)
    before = logits(model, codes)
    with pytest.raises(InputError, match=r"normalization_1.*not snapped"):
        trace(model)
    snap_batch_normalization(model)
    trace(model)
    assert np.abs(logits(model, codes) - before).max() < 0.2
    settle_weights(model)
    after = logits(model, codes)
    settle_weights(model)
    assert np.array_equal(logits(model, codes), after)


def test_heavy_weights_are_refused_by_name() -> None:
    model = exact_network(dataclasses.replace(SMALL, weight_bits=12))
    assert_exact_accumulation(model)
    layer = model.get_layer("convolution_1")
    kernel, bias = layer.get_weights()
    layer.set_weights([np.full_like(kernel, 3.9), bias])
    assert trace(model)[2].steps >= EXACT_STEPS
    with pytest.raises(InputError, match="layer convolution_1: its accumulator may reach"):
        assert_exact_accumulation(model)


def test_a_channel_that_hardly_varies_is_not_magnified_without_bound() -> None:
    """Twelve bits of sums times the reciprocal root of epsilon, 32, on a grid of 2^-10 are 2^26 steps."""
    model = lived_in(compact(Compact(filters=(2, 3), dense=4), (16, 16, 2), 7, quantized=True))
    layer = model.get_layer("normalization_2")
    gamma, beta, mean, variance = layer.get_weights()
    variance[1] = 0.0
    layer.set_weights([gamma, beta, mean, variance])
    snap_batch_normalization(model)
    settle_weights(model)
    assert_exact_accumulation(model)
    (steps,) = [words.steps for words in trace(model) if words.layer == "normalization_2"]
    assert EXACT_STEPS / 2 < steps < EXACT_STEPS


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


@pytest.mark.parametrize(
    ("quantizer", "said"),
    [
        (qkeras.quantized_bits(8, 0), "alpha"),
        (qkeras.quantized_bits(8, 0, alpha="auto"), "alpha"),
        (qkeras.quantized_bits(8, 0, keep_negative=0, alpha=1), "two's complement"),
        (qkeras.quantized_relu(8, 0, use_stochastic_rounding=True), "stochastically"),
        (qkeras.quantized_relu(8, 2, use_sigmoid=1), "more than a ReLU"),
        (qkeras.quantized_relu(8, 2, relu_upper_bound=3.0), "more than a ReLU"),
        (qkeras.quantized_tanh(8), "no quantizer that is known"),
    ],
)
def test_inexact_quantizers_are_refused(quantizer: object, said: str) -> None:
    with pytest.raises(InputError, match=f"layer here: .*{said}"):
        quantizer_format(quantizer, "here")


def test_formats_follow_the_quantizers() -> None:
    assert quantizer_format(qkeras.quantized_bits(8, 2, alpha=1), "x") == Format(8, 3)
    assert quantizer_format(qkeras.quantized_relu(8, 2), "x") == Format(8, 2, signed=False)
    assert quantizer_format(qkeras.quantized_relu(8, 2, negative_slope=0.125), "x") == Format(8, 3)


def test_a_size_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(InputError, match="24x24"):
        meng2017(SMALL, 24, 5, quantized=True)
