"""Networks as people in this field build them, whole: words equal in C-simulation, and behind AXI pins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.design.folder import load_design
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.retrieval import integer
from cytogate.sim.axi.job import run_rate
from cytogate.sim.axi.levels import Level, bench_task, hardware
from cytogate.sim.axi.simulator import Simulator, compile_hardware
from cytogate.sim.csim.network import compare_logits
from tests import phantoms
from tests.layers import EXTREMES, bits, convolution, dense, extremes, layers, rectified, rounded, with_biases
from tests.test_cosim import SMALL

pytestmark = pytest.mark.full

DESIGN = load_design("qatom64")
CELLS = 24
MOST_MACS = 6_000_000
NARROW: dict[str, Any] = {"kernel_quantizer": bits(4), "bias_quantizer": bits()}


def entered(shape: tuple[int, ...]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    keras.utils.set_random_seed(3)
    entry = keras.Input(shape, name="network_input")
    return entry, rounded(rectified(8, 0), "input_quantizer")(entry)


def ended(entry: keras.KerasTensor, x: keras.KerasTensor, classes: int = 5) -> keras.Model:
    """Return the network; its normalizations know what comes."""
    model = with_biases(keras.Model(entry, dense(classes, "logits", **NARROW)(x)))
    model(np.random.default_rng(4).uniform(0, 1, (64, *entry.shape[1:])).astype(np.float32), training=True)
    return model


def relu(x: keras.KerasTensor, width: int = 4) -> keras.KerasTensor:
    return rounded(rectified(width, 2))(x)


def tutorial(shape: tuple[int, ...], filters: int = 16) -> keras.Model:
    """Convolution without bias, normalization, ReLU, pooling, three times, as the tutorial of hls4ml has it."""
    entry, x = entered(shape)
    for times in (1, 1, 2):
        x = convolution(filters * times, use_bias=False, bias_quantizer=None, kernel_quantizer=bits(6))(x)
        x = layers.MaxPooling2D(2)(relu(layers.BatchNormalization(momentum=0.0)(x), 6))
    for units in (42, 64):
        x = dense(units, use_bias=False, bias_quantizer=None)(layers.Flatten()(x) if len(x.shape) > 2 else x)
        x = relu(layers.BatchNormalization(momentum=0.0)(x), 6)
    return ended(entry, x)


def resnet8(shape: tuple[int, ...], filters: int = 8) -> keras.Model:
    """Three blocks with a way past them, convolved where sizes change (He 2015, MLPerf Tiny)."""
    entry, x = entered(shape)
    x = relu(convolution(filters, **NARROW)(x))
    for times, stride in ((1, 1), (2, 2), (4, 2)):
        inner = relu(convolution(filters * times, strides=stride, **NARROW)(x))
        inner = rounded(bits(4, 2))(convolution(filters * times, **NARROW)(inner))
        if stride > 1:
            x = rounded(bits(4, 2))(convolution(filters * times, 1, strides=stride, **NARROW)(x))
        x = relu(layers.Add()([x, inner]))
    return ended(entry, rounded(bits(6, 2))(layers.GlobalAveragePooling2D()(x)))


def mobilenet(shape: tuple[int, ...], filters: int = 8) -> keras.Model:
    """Depthwise and pointwise convolutions with normalization (Howard 2017)."""
    entry, x = entered(shape)
    x = relu(layers.BatchNormalization(momentum=0.0)(convolution(filters, strides=2, use_bias=False, **NARROW)(x)))
    for times, stride in ((2, 1), (4, 2), (4, 1), (8, 2)):
        x = qkeras.QDepthwiseConv2D(
            3, strides=stride, padding="same", depthwise_quantizer=bits(4), use_bias=False, bias_quantizer=None
        )(x)
        x = relu(layers.BatchNormalization(momentum=0.0)(x))
        x = relu(layers.BatchNormalization(momentum=0.0)(convolution(filters * times, 1, use_bias=False, **NARROW)(x)))
    return ended(entry, rounded(bits(6, 2))(layers.GlobalAveragePooling2D()(x)))


def squeezenet(shape: tuple[int, ...], filters: int = 8) -> keras.Model:
    """Squeezed, then expanded by two ways side by side (Iandola 2016); its pooling by windows that tile."""
    entry, x = entered(shape)
    x = layers.MaxPooling2D(2)(relu(convolution(filters, strides=2, **NARROW)(x)))
    for times in (1, 1, 2):
        x = relu(convolution(filters // 2 * times, 1, **NARROW)(x))
        one, three = (relu(convolution(filters * times, kernel, **NARROW)(x)) for kernel in (1, 3))
        x = layers.Concatenate()([one, three])
    return ended(
        entry, rounded(bits(6, 2))(layers.GlobalAveragePooling2D()(rounded(bits(5, 2))(convolution(5, 1, **NARROW)(x))))
    )


def student(shape: tuple[int, ...], filters: int = 8) -> keras.Model:
    """A plain network with pooling by means behind it, on 48x48 pixels (Islam 2025; sizes are ours)."""
    entry, x = entered(shape)
    for times in (1, 2):
        x = layers.MaxPooling2D(2)(relu(convolution(filters * times, kernel_quantizer=bits(6))(x), 6))
    return ended(entry, layers.Flatten()(rounded(bits(6, 2))(layers.AveragePooling2D(2)(x))))


NETWORKS: dict[str, tuple[Callable[..., keras.Model], tuple[int, ...]]] = {
    "tutorial": (tutorial, (32, 32, 3)),
    "resnet8": (resnet8, (32, 32, 3)),
    "mobilenet": (mobilenet, (64, 64, 3)),
    "squeezenet": (squeezenet, (64, 64, 3)),
    "student": (student, (48, 48, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks_are_equal_in_c_simulation(name: str, builds: Path) -> None:
    make, shape = NETWORKS[name]
    model = make(shape)
    reading = read_network(model)
    assert 100_000 < reading.network.macs <= MOST_MACS
    codes = extremes(reading.network, CELLS)
    likeness = compare_with_keras(model, reading, codes)
    assert likeness.values == (CELLS + EXTREMES) * 5
    assert likeness.differing == 0 or reading.keras_rounds
    found = compare_logits(reading.network, codes, DESIGN, builds / "whole" / name)
    assert (found.values, found.differing) == ((CELLS + EXTREMES) * 5, 0), f"from layer {found.first} on"
    # Even what differs in noise alone is told apart.
    assert len(np.unique(reading.network.classify(*codes), axis=0)) > EXTREMES


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks_are_equal_behind_pins(name: str, builds: Path, tmp_path: Path) -> None:
    """Frames through phase retrieval and the network, at a quarter of its filters, with AXI around them."""
    network = read_network(NETWORKS[name][0]((SMALL.size, SMALL.size, 5), filters=4)).network
    folder = builds / "pins" / name
    project = convert(network, SMALL, folder / "network")
    under_test = hardware(Level.DPI, SMALL, 4, folder, network=project)
    build = compile_hardware(under_test, Simulator.VERILATOR, folder / "verilator", waves=False)
    impossible = [*phantoms.extremes(SMALL).values()]
    frames = np.concatenate([phantoms.bumps(SMALL, CELLS // 2, seed=23)[0], phantoms.noise(SMALL, CELLS // 2, seed=24),
                             *impossible, np.flip(impossible[-1], axis=-1)])  # fmt: skip
    assert len(frames) == CELLS + EXTREMES
    due = network.classify(integer.retrieve(frames, SMALL).network_input)
    bench_task(Level.DPI, SMALL, 4, project).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.values, measured.differing) == (len(frames) * 5, 0)
