"""The papers' networks: as published at full size, and quantized equal to C-simulation on every value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.design.folder import load_design
from cytogate.model.design.topologies import Compact
from cytogate.model.design.topologies import Meng2017 as Sizes
from cytogate.model.errors import InputError
from cytogate.model.networks import dcae, dcnn, gao2017, meng2017, meng2018, topgan
from cytogate.model.networks.compact import compact, scaled
from cytogate.model.networks.dcae import Dcae
from cytogate.model.networks.dcnn import Dcnn
from cytogate.model.networks.exact import count_weights, settle_weights, snap_batch_normalization
from cytogate.model.networks.gao2017 import Gao2017
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2017 import Compared
from cytogate.model.networks.meng2018 import Meng2018
from cytogate.model.networks.pretrained import copy_weights, start_quantized
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.topgan import TopGan
from cytogate.model.networks.widths import Widths
from cytogate.sim.csim.network import NetworkSimulation
from tests.test_networks import lived_in

DESIGN = load_design("qatom64")
TINY_SIZES = Sizes(filters=(4, 6, 12), dense=16)


def shape_behind(model: keras.Model, layer: str) -> tuple[int, ...]:
    return tuple(model.get_layer(layer).output.shape[1:])


# As published.


@pytest.mark.parametrize("variant", meng2017.VARIANTS)
@pytest.mark.parametrize("normalized", [True, False])
def test_meng2017_has_seven_inputs(variant: str, normalized: bool) -> None:
    spec = Compared(variant, normalized)
    model = meng2017.float_network(spec)
    assert model.input_shape == (None, 305, 305, {"channel 1-4": 4, "channel 1-4 & phase": 5}.get(variant, 1))
    assert [shape_behind(model, f"pool_{block}")[0] for block in (1, 2, 3)] == [76, 38, 19]
    assert model.output_shape == (None, 5)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 3 * normalized
    quantized = meng2017.quantized_network(spec)
    assert quantized.input_shape == (None, 304, 304, model.input_shape[-1])
    assert [weight.shape for weight in quantized.weights] == [weight.shape for weight in model.weights]


def test_meng2017_knows_no_other_inputs() -> None:
    with pytest.raises(InputError, match="no input named channel 5"):
        Compared("channel 5")


def test_meng2018_is_table_1() -> None:
    model = meng2018.float_network(Meng2018())
    kernels = [model.get_layer(f"convolution_{block}").kernel.shape for block in (1, 2, 3)]
    assert kernels == [(11, 11, 1, 32), (6, 6, 32, 64), (3, 3, 64, 128)]
    assert [shape_behind(model, f"pool_{block}") for block in (1, 2, 3)] == [(64, 64, 32), (32, 32, 64), (16, 16, 128)]
    assert model.get_layer("dense").kernel.shape == (16 * 16 * 128, 64)
    assert model.output_shape == (None, 4)
    assert 0.08 < float(np.std(model.get_layer("convolution_2").kernel)) < 0.12


def test_gao2017_fits_its_own_images_without_a_rest() -> None:
    model = gao2017.float_network(Gao2017(size=78, classes=6))
    maps = [shape_behind(model, f"{layer}_{block}") for block in (1, 2, 3) for layer in ("convolution", "pool")]
    assert maps == [(72, 72, 6), (36, 36, 6), (33, 33, 16), (11, 11, 16), (9, 9, 32), (3, 3, 32)]
    assert gao2017.float_network(Gao2017()).output_shape == (None, 4)


def test_dcnn_takes_frames_and_their_differences() -> None:
    single, two, three = (dcnn.float_network(Dcnn(lags=lags)) for lags in ((), (1,), (1, 3)))
    assert single.input_shape == (None, 48, 48, 5)
    assert two.input_shape == [(None, 48, 48, 5), (None, 48, 48, 4)]
    assert three.input_shape == [(None, 48, 48, 5), (None, 48, 48, 4), (None, 48, 48, 2)]
    assert two.get_layer("logits").kernel.shape == (2 * 64, 1)
    assert shape_behind(two, "frames_convolution_1")[:2] == (48, 48), "padding keeps the size"
    assert float(two.get_layer("frames_convolution_2").kernel_regularizer.l2) == pytest.approx(0.05)
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in two.layers) == 2
    with pytest.raises(InputError, match="5 apart need more frames than 5"):
        Dcnn(lags=(5,))


def test_kth_differences() -> None:
    frames = np.array([[3, 250, 10, 10, 0]], np.uint8)
    assert dcnn.differences(frames, 1).tolist() == [[247, -240, 0, -10]]
    assert dcnn.differences(frames, 3).tolist() == [[7, -250]]
    assert dcnn.differences(frames / 256, 4).tolist() == [[-3 / 256]]


def test_topgan_is_a_dcgan_and_a_classifier() -> None:
    spec = TopGan()
    maker, judge, classifier = topgan.generator(spec), topgan.discriminator(spec), topgan.float_network(spec)
    assert maker.input_shape == (None, 100)
    assert shape_behind(maker, "reshape") == (8, 8, 512)
    deconvolutions = [layer for layer in maker.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert [tuple(layer.output.shape[1:]) for layer in deconvolutions] == [
        (16, 16, 256), (32, 32, 128), (64, 64, 64), (128, 128, 3),
    ]  # fmt: skip
    assert all((layer.kernel_size, layer.strides) == ((5, 5), (2, 2)) for layer in deconvolutions)
    for model in (judge, classifier):
        maps = [shape_behind(model, f"convolution_{block}") for block in (1, 2, 3, 4)]
        assert maps == [(64, 64, 64), (32, 32, 128), (16, 16, 256), (8, 8, 512)]
        assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 3
        assert model.get_layer("relu_1").negative_slope == pytest.approx(0.1)
    assert judge.output_shape == (None, 1)
    units = [classifier.get_layer(name).units for name in ("dense_1", "dense_2", "logits")]
    assert units == [100, 100, 2]
    assert topgan.as_picture(spec, np.ones((2, 4, 4, 1))).shape == (2, 4, 4, 3)


def test_dcae_is_table_1_though_nobody_could_hold_it() -> None:
    found = dcae.shapes(Dcae())
    encoder = {f"convolution_{i}": (224 >> (i - 1),) * 2 + (32 << i,) for i in (1, 2, 3, 4)}
    pools = {f"pool_{i}": (224 >> i,) * 2 + (32 << i,) for i in (1, 2, 3, 4)}
    decoder = {
        "convolution_5": (1, 1, 4096),
        "deconvolution_5": (14, 14, 512),
        "unpool_4": (28, 28, 512),
        "deconvolution_4": (28, 28, 512),
        "unpool_3": (56, 56, 512),
        "deconvolution_3": (56, 56, 256),
        "unpool_2": (112, 112, 256),
        "deconvolution_2": (112, 112, 128),
        "unpool_1": (224, 224, 128),
        "deconvolution_1": (224, 224, 1),
    }
    expected = encoder | pools | decoder
    assert {name: found[name] for name in expected} == expected
    assert dcae.largest_kernel(Dcae()) == 14 * 14 * 512 * 4096 == 411_041_792


def test_dcae_built_small_has_the_shapes_that_were_foretold() -> None:
    spec = Dcae().scaled(32, 1 / 32)
    model = dcae.float_autoencoder(spec)
    built = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers[1:]}
    assert built == dcae.shapes(spec)
    assert len(built) == 4 * 3 + 2 + 2 + 4 * 3
    assert model.output_shape == model.input_shape
    classifier = dcae.float_network(spec)
    assert classifier.get_layer("dense_1").kernel.shape == (128, 8)
    for layer in model.layers[1:15]:
        assert [w.shape for w in layer.weights] == [w.shape for w in classifier.get_layer(layer.name).weights]


# Quantized.


@dataclass(frozen=True)
class Quantized:
    """A quantized network at the size of the tests, and the format of its inputs' codes."""

    make: Callable[[], keras.Model]
    words: tuple[Format, ...] = (PIXEL,)


QUANTIZED = {
    "meng2017": Quantized(lambda: meng2017.quantized_network(Compared("phase only", False, 17, TINY_SIZES))),
    "meng2018": Quantized(lambda: meng2018.quantized_network(Meng2018().scaled(16, 1 / 16))),
    "gao2017": Quantized(lambda: gao2017.quantized_network(Gao2017().scaled(8, 1 / 4))),
    "dcnn": Quantized(
        lambda: dcnn.quantized_network(Dcnn(filters=(32,), lags=(1, 3)).scaled(4, 1 / 16)),
        (PIXEL, Format(9, 1), Format(9, 1)),
    ),
    "topgan": Quantized(lambda: topgan.quantized_network(TopGan(filters=(64, 128)).scaled(8, 1 / 16)), (Format(8, 1),)),
    "compact": Quantized(
        lambda: compact(scaled(Compact(filters=(64, 128)), 1 / 16), (8, 8, 2), 7, quantized=True), (Format(8, 1),)
    ),
    "dcae": Quantized(lambda: dcae.quantized_network(Dcae(filters=(64, 128), dense=(160, 128)).scaled(8, 1 / 16))),
}


def settled(model: keras.Model) -> keras.Model:
    """Return a network as training leaves it."""
    lived_in(model)
    snap_batch_normalization(model)
    settle_weights(model)
    return model


def random_codes(model: keras.Model, cells: int, seed: int = 1) -> list[np.ndarray]:
    """Return codes of each input, every value of its format among them."""
    rng = np.random.default_rng(seed)
    return [
        rng.integers(each.format.code_min, each.format.code_max + 1, (cells, *each.shape))
        for each in read_exactly(model).inputs
    ]


@pytest.mark.parametrize("name", QUANTIZED)
def test_logits_equal_c_simulation_on_every_value(name: str, builds: Path) -> None:
    keras.utils.set_random_seed(0)
    model = settled(QUANTIZED[name].make())
    network = read_exactly(model)
    assert tuple(each.format for each in network.inputs) == QUANTIZED[name].words
    project = convert(network, DESIGN, builds / f"paper_{name}" / "project")
    simulation = NetworkSimulation.of(project, builds / f"paper_{name}")
    cells = 24
    codes = random_codes(model, cells)
    expected = network.classify(*codes)
    found = simulation.logits(*codes)
    assert found.shape == (cells, model.output_shape[-1])
    assert len(np.unique(expected, axis=0)) > cells // 2, "inputs that all give one answer would prove nothing"
    assert np.array_equal(found, expected), f"{np.sum(found != expected)} of {found.size} values differ"


@pytest.mark.parametrize("size", [24, 100])
def test_quantized_networks_refuse_sizes_that_cannot_be_halved(size: int) -> None:
    makers = (
        lambda: meng2018.quantized_network(Meng2018(size=size + 1)),
        lambda: gao2017.quantized_network(Gao2017(size=size + 1)),
        lambda: dcnn.quantized_network(Dcnn(size=size + 1)),
        lambda: topgan.quantized_network(TopGan(size=size)),
        lambda: dcae.quantized_network(Dcae(size=size)),
    )
    for make in makers:
        with pytest.raises(InputError, match=r"cannot be halved [34] times"):
            make()


def test_quantized_networks_at_full_size_are_exact_as_initialized() -> None:
    """Accumulators stay below 2^24 where a whole image is summed; the autoencoder's at a sixteenth of its width."""
    for make in (
        lambda: meng2018.quantized_network(Meng2018()),
        lambda: dcnn.quantized_network(Dcnn()),
        lambda: topgan.quantized_network(TopGan()),
        lambda: dcae.quantized_network(Dcae().scaled(224, 1 / 16)),
    ):
        keras.utils.set_random_seed(0)
        model = make()
        snap_batch_normalization(model)
        settle_weights(model)
        read_exactly(model)
        assert count_weights(model) > 50_000


# Weights that go over.


def test_classifiers_take_what_was_learned_without_labels() -> None:
    gan, encoder = TopGan().scaled(32, 1 / 32), Dcae().scaled(32, 1 / 32)
    for source, target, count in (
        (topgan.discriminator(gan), topgan.float_network(gan), 4 + 3),
        (dcae.float_autoencoder(encoder), dcae.float_network(encoder), 5),
    ):
        names = copy_weights(source, target)
        assert len(names) == count
        for name in names:
            for a, b in zip(source.get_layer(name).get_weights(), target.get_layer(name).get_weights(), strict=True):
                assert np.array_equal(a, b)
    with pytest.raises(InputError, match="network generator: no layer of dcae has the name"):
        copy_weights(dcae.float_network(encoder), topgan.generator(gan))
    with pytest.raises(InputError, match="layer convolution_1: has weights"):
        copy_weights(topgan.discriminator(gan), topgan.float_network(TopGan().scaled(32, 1 / 16)))


@pytest.mark.parametrize(("widths", "bound"), [(Widths(), 0.5), (Widths(14, 14, 16), 0.01)])
def test_a_quantized_network_starts_where_its_float_network_is(widths: Widths, bound: float) -> None:
    """With DCGAN's initial weights words would all round to zero; scaled, only rounding is between the two."""
    keras.utils.set_random_seed(0)
    spec = TopGan(slope=0.125, filters=(64, 128, 256)).scaled(16, 1 / 8)
    trained, quantized = topgan.float_network(spec), topgan.quantized_network(spec, widths)
    rng = np.random.default_rng(0)
    values = (rng.integers(-128, 128, (64, 16, 16, 1)) / 128).astype(np.float32)
    pictures = topgan.as_picture(spec, values)
    for layer in trained.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            entering = np.asarray(keras.Model(trained.input, layer.input)(pictures))
            gamma, beta, _, _ = layer.get_weights()
            layer.set_weights([gamma, beta + 0.1, entering.mean(axis=(0, 1, 2)), entering.var(axis=(0, 1, 2))])
    logits = keras.Model(trained.input, trained.get_layer("logits").output)
    last = trained.get_layer("logits")
    # As large as training makes them.
    last.kernel.assign(last.kernel / np.std(logits(pictures)))
    start_quantized(quantized, trained, pictures)
    of_float, of_quantized = (np.asarray(each, np.float64) for each in (logits(pictures), quantized(values)))
    assert of_float.std() == pytest.approx(1, abs=0.01)
    assert np.sqrt(np.mean((of_quantized - of_float) ** 2)) < bound


def test_what_no_quantized_network_can_start_from_is_refused() -> None:
    spec = Dcnn().scaled(16, 1 / 16)
    with pytest.raises(InputError, match="layer with_differences_1: chains that join"):
        start_quantized(dcnn.quantized_network(spec), dcnn.float_network(spec), np.zeros((1, 16, 16, 5)))
    small = Meng2018().scaled(16, 1 / 16)
    with pytest.raises(InputError, match="layer convolution_1: gives one value for all samples"):
        start_quantized(
            meng2018.quantized_network(small), meng2018.float_network(small), np.zeros((2, 16, 16, 1), np.float32)
        )
