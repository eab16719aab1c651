"""The network of contrasts: what it sees, and how its normalizations go into its kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import EMPTY_CODE, FEATURES, mask_moments
from cytogate.model.design.design import Design, Network, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField
from cytogate.model.design.topologies import Contrast
from cytogate.model.errors import InputError
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import count_macs
from cytogate.model.networks.folding import start_folded
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.layers import KernelLimits
from cytogate.model.networks.native import NativeNetwork
from cytogate.model.networks.reading.reader import read_exactly, read_network

SIZES = Contrast(filters=(3, 4, 5), dense=6)
SMALL = Design("small", window=Window(64, 64, 4), network=Network(("a", "b", "c"), SIZES))
EMPTY = 116


def codes(size: int, count: int = 6, seed: int = 0) -> NDArray[np.uint8]:
    """Discs on the empty field, and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2
    found = rng.normal(EMPTY, 4, (count, size, size, 5))
    for cell in found[:-1]:
        height = np.sqrt(np.maximum(0, 1 - (x**2 + y**2) / rng.uniform(size / 12, size / 5) ** 2))
        cell[..., 4] = EMPTY_CODE + 80 * height
        cell[..., 0] += 30 * np.gradient(height, axis=1) * size / 10
        cell[..., 1] -= 30 * np.gradient(height, axis=1) * size / 10
    found[-1] = rng.integers(0, 256, found[-1].shape)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


def trained(design: Design, seed: int = 0) -> keras.Model:
    """The float network with normalizations as training leaves them."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    model = build(design, quantized=False)
    values = codes(design.size) * np.float32(PIXEL.step)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            sums = np.asarray(keras.Model(model.input, layer.input)(values))
            gamma, beta = rng.uniform(0.3, 2, sums.shape[-1]), rng.normal(0, 0.5, sums.shape[-1])
            layer.set_weights([gamma, beta, sums.mean(axis=(0, 1, 2)), sums.var(axis=(0, 1, 2))])
    if design.network.topology.moments:
        # Moments, which no normalization stands before, leave most of the answer to the convolutions.
        kernel, bias = model.get_layer("dense").get_weights()
        kernel[-len(FEATURES) :] *= 0.2
        model.get_layer("dense").set_weights([kernel, bias])
    return model


def test_the_default_network_is_as_large_as_it_is_said_to_be() -> None:
    design = load_design("qatom128")
    assert isinstance(design.network.topology, Contrast)
    assert count_macs(build(design, quantized=True)) == 4_965_248 < 5_000_000


def test_it_sees_what_a_cell_changes_about_the_empty_field() -> None:
    """Contrasts by hand, at the edges of what their words hold, too; beyond the center nothing counts."""
    given = codes(64)
    network = read_network(build(SMALL, quantized=True)).network
    found = network.compute([given])["contrast_words"]
    center = given[:, 8:56, 8:56].astype(np.int64)
    brightness = np.rint((center[..., :4].sum(axis=-1) - round(4 * 256 / 2.2)) / 2)
    due = [center[..., 0] - center[..., 1], center[..., 2] - center[..., 3], brightness, center[..., 4] - EMPTY_CODE]
    assert np.array_equal(found, np.clip(np.stack(due, axis=-1), -128, 127))
    assert found.min() == -128
    assert found.max() == 127
    border = given.copy()
    border[:, :8], border[:, 56:], border[:, :, :8], border[:, :, 56:] = 0, 255, 255, 0
    assert np.array_equal(network.classify(border), network.classify(given))
    assert np.array_equal(network.compute([given])["moments"], mask_moments(center[..., 4]))


@pytest.mark.parametrize(("window", "bits", "largest_error"), [(64, 10, 0.15), (128, 10, 0.15), (128, 8, 0.4)])
def test_folded_it_answers_as_its_float_form(window: int, bits: int, largest_error: float) -> None:
    """Logits, up to their factor, within a part of their spread that is due to the bits; no word of Keras's is lost."""
    sizes = replace(SIZES, weight_bits=bits, activation_bits=bits)
    design = replace(SMALL, window=Window(window, window, 256 // window), network=Network(("a", "b", "c"), sizes))
    model, quantized = trained(design), build(design, quantized=True)
    given = codes(design.size, 12)
    values = given * np.float32(PIXEL.step)
    # The last map is noise, which fills no channel as cells do.
    start_folded(quantized, model, values[:-1])
    found, wanted = (np.asarray(each(values[:-1]), np.float64) for each in (quantized, model))
    factor = (found * wanted).sum() / (wanted**2).sum()
    error = found / factor - wanted
    assert 0.8 < factor <= 1.2
    assert error.std() < largest_error * wanted.std()
    reading = read_network(quantized)
    assert compare_with_keras(quantized, reading, [given]).differing == 0
    network = read_exactly(quantized)
    assert np.array_equal(NativeNetwork.of(network).classify(given), network.classify(given))


@pytest.mark.parametrize(
    ("contrasts", "moments"),
    [(("x", "y", "sum", "phase"), False), (("x", "y", "sum"), False), (("phase",), True), (("sum", "x"), True)],
)
def test_a_part_of_what_it_sees_is_seen_as_in_the_whole(contrasts: tuple[str, ...], moments: bool) -> None:
    """The words of chosen contrasts are those of all four; the folded network answers as its float form."""
    sizes = replace(SIZES, contrasts=contrasts, moments=moments, weight_bits=10, activation_bits=10)
    design = replace(SMALL, network=Network(("a", "b", "c"), sizes))
    given = codes(64, 12)
    whole = read_network(build(SMALL, quantized=True)).network.compute([given])
    model, quantized = trained(design), build(design, quantized=True)
    values = given * np.float32(PIXEL.step)
    start_folded(quantized, model, values[:-1])
    network = read_exactly(quantized)
    words = network.compute([given])
    columns = [("x", "y", "sum", "phase").index(name) for name in contrasts]
    assert np.array_equal(words["contrast_words"], whole["contrast_words"][..., columns])
    assert ("moments" in words) is moments
    if moments:
        assert np.array_equal(words["moments"], whole["moments"])
    found, wanted = (np.asarray(each(values[:-1]), np.float64) for each in (quantized, model))
    factor = (found * wanted).sum() / (wanted**2).sum()
    assert (found / factor - wanted).std() < 0.2 * wanted.std()
    assert compare_with_keras(quantized, read_network(quantized), [given]).differing == 0
    assert np.array_equal(NativeNetwork.of(network).classify(given), network.classify(given))


def test_a_forgotten_normalization_is_seen() -> None:
    """The test above tells: without the normalizations the answers are others."""
    design = replace(SMALL, network=Network(("a", "b", "c"), replace(SIZES, weight_bits=10, activation_bits=10)))
    model, quantized = trained(design), build(design, quantized=True)
    values = codes(64, 12)[:-1] * np.float32(PIXEL.step)
    wanted = np.asarray(model(values), np.float64)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma, beta + 0.5, mean, variance * 2])
    start_folded(quantized, model, values)
    found = np.asarray(quantized(values), np.float64)
    factor = (found * wanted).sum() / (wanted**2).sum()
    assert (found / factor - wanted).std() > 0.2 * wanted.std()


def test_kernels_and_biases_fit_their_formats_however_small_a_channel_is() -> None:
    """A channel that hardly varies has a factor that no format holds: its words are smaller, and no weight is cut."""
    model, quantized = trained(SMALL), build(SMALL, quantized=True)
    normalization = model.get_layer("normalization_2")
    gamma, beta, mean, variance = normalization.get_weights()
    normalization.set_weights([gamma * 100, beta * 100, mean, variance * 1e-4])
    values = codes(64) * np.float32(PIXEL.step)
    start_folded(quantized, model, values)
    checked = 0
    for layer in quantized.layers:
        limits = getattr(layer, "kernel_constraint", None)
        if isinstance(limits, KernelLimits):
            kernel, bias = layer.get_weights()
            assert np.abs(kernel).max() <= limits.largest * (1 + 1e-6)
            assert np.abs(bias).max() <= 4
            checked += 1
    assert checked == 5


def test_what_does_not_go_with_it_is_refused() -> None:
    frames = BrightField(("bright field",), 0.5, 0.5, 8, 64, 64)
    with pytest.raises(InputError, match='"compact" reads any frames'):
        build(Design("own", frames, Window(64, 64, 1), Network(("a", "b"), Contrast())), quantized=True)
    with pytest.raises(InputError, match=r"0\.7 of 64 rows and columns are 45, which cannot be halved 3 times"):
        build(replace(SMALL, network=Network(("a", "b"), Contrast(0.7, filters=(3, 4, 5)))), quantized=True)
    with pytest.raises(InputError, match="contrasts has 'x' twice; each may be there once"):
        Contrast(contrasts=("x", "y", "x"))
    other = build(replace(SMALL, network=Network(("a", "b"), Contrast(filters=(3, 4)))), quantized=False)
    with pytest.raises(InputError, match="layer convolution_3: the trained network has no layer"):
        start_folded(build(SMALL, quantized=True), other, codes(64) * np.float32(PIXEL.step))
