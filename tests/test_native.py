"""Compiled C++ against the integer models: equal on every value, whatever the design, the network, the processor."""

from __future__ import annotations

import dataclasses
import platform
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command import native as command_native
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.native import KINDS, NativeNetwork, fast_classifier
from cytogate.model.networks.operations import (
    Constants,
    Convolution,
    Dense,
    Input,
    IntegerNetwork,
    MaskMoments,
    Mean,
    Round,
    exact_format,
)
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval import integer, laws
from cytogate.model.retrieval import native as native_retrievals
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.native import STAGES, NativeRetrieval
from cytogate.model.simulation.simulator import simulated_cells
from tests import phantoms, topologies
from tests.layers import EXACT, extremes
from tests.test_convert import random_network

SMALL = load_design("qatom64")
LEVELS = {"x86-64": "sse2", "x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512f"}
"""Processors that g++ knows by name, and what one must have to be one."""


def own_levels() -> list[str]:
    """Return the processors by name that this one can stand for; on others than x86 it is itself alone."""
    if platform.machine() != "x86_64":
        return ["native"]
    able = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return [level for level, needed in LEVELS.items() if needed in able]


def of(design: Design, **camera: object) -> Design:
    return dataclasses.replace(design, instrument=dataclasses.replace(design.four_angle, **camera))


def windowed(name: str, size: int, binning: int) -> Design:
    design = load_design(name)
    return dataclasses.replace(design, window=Window(size, size, binning))


DESIGNS = {
    "64": SMALL,
    "128": load_design("qatom128"),
    "256": load_design("qatom256"),
    "not binned": windowed("qatom128", 128, 1),
    "binned by four": windowed("qatom64", 64, 4),
    "10 bits": of(SMALL, adc_bits=10),
    "12 bits": of(SMALL, adc_bits=12),
    "16 bits": of(SMALL, adc_bits=16),
    "oblong pixels": of(SMALL, pixel_pitch_y_um=0.9 * FourAngle().pixel_pitch_x_um),
    "oblong frames": of(SMALL, rows=300, columns=340),
}


def frames_of(design: Design) -> np.ndarray:
    """Return frames of cells, of noise, and what is hard on the arithmetic."""
    cells = np.stack([cell.frames for cell in simulated_cells(design, 4, seed=5)])
    hard = [each.astype(cells.dtype) for each in phantoms.extremes(design).values()]
    return np.concatenate([cells, *hard])


def values_of(design: Design) -> int:
    """Return how many values of a cell are compared."""
    return sum(stage.size for stage in contract(design).recorded if stage.name != "frames")


def compare(retrieval: NativeRetrieval, frames: np.ndarray, design: Design, threads: int = 1) -> int:
    """Assert that every stage is equal; return how many values were compared."""
    compared = 0
    for start in range(0, len(frames), integer.CELLS_AT_A_TIME):
        part = frames[start : start + integer.CELLS_AT_A_TIME]
        due, found = integer.retrieve(part, design), retrieval.codes(part, threads=threads)
        assert list(found) == list(STAGES)
        for name, codes in found.items():
            assert np.array_equal(codes, getattr(due, name)), name
            assert codes.dtype == getattr(due, name).dtype
            compared += codes.size
    return compared


@pytest.mark.parametrize("name", DESIGNS)
def test_retrieval_is_equal_at_every_stage(name: str) -> None:
    design = DESIGNS[name]
    frames = frames_of(design)
    assert compare(NativeRetrieval.of(design), frames, design) == len(frames) * values_of(design)


@pytest.mark.full
def test_retrieval_is_equal_for_a_thousand_cells() -> None:
    design = load_design("qatom128")
    retrieval, compared = NativeRetrieval.of(design), 0
    for seed in range(10):
        frames = np.stack([cell.frames for cell in simulated_cells(design, 100, seed=1000 + seed)])
        compared += compare(retrieval, frames, design)
    assert compared == 1000 * values_of(design)


@pytest.mark.parametrize("processor", own_levels())
def test_no_value_depends_on_the_processor(processor: str) -> None:
    frames = frames_of(SMALL)
    assert compare(NativeRetrieval.of(SMALL, processor), frames, SMALL) == len(frames) * values_of(SMALL)
    network = load_operations(load_design("qatom128"))
    codes = extremes(network, 2)
    assert equal_words(network, codes, NativeNetwork.of(network, processor)) > 1e5


def test_one_stage_alone_and_threads_make_no_difference() -> None:
    frames = frames_of(SMALL)
    retrieval = NativeRetrieval.of(SMALL)
    due = retrieval.codes(frames)
    found = retrieval.codes(frames, ("phase", "binned"), threads=5)
    assert list(found) == ["phase", "binned"]
    for name, codes in found.items():
        assert np.array_equal(codes, due[name])
    assert len(retrieval.codes(frames[:0])["phase"]) == 0


def test_sums_give_what_their_frames_give() -> None:
    frames = frames_of(SMALL)
    due = NativeRetrieval.of(SMALL).codes(frames)
    sums = due["binned"].astype(np.int32)
    for name, codes in NativeRetrieval.of(SMALL).codes_of_sums(sums, threads=2).items():
        assert np.array_equal(codes, due[name])
    for bad in (sums.astype(np.int64), sums[:, :3], sums - 1, sums + 100):
        with pytest.raises(ValueError, match="sums are"):
            NativeRetrieval.of(SMALL).codes_of_sums(bad)


def test_laws_are_the_same_with_and_without_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = frames_of(SMALL)
    network = load_operations(load_design("qatom128"))
    codes = extremes(network, 2)
    sums = bin_codes(frames, SMALL).astype(np.int32)

    def computed() -> tuple[dict[str, np.ndarray], ...]:
        found = {"inputs": laws.network_inputs(frames, SMALL), "of sums": laws.inputs_of_sums(sums, SMALL)}
        return laws.codes(frames, SMALL), found | {"logits": fast_classifier(network)(*codes)}

    with_compiler = computed()
    for cached in (native_retrievals.native_retrieval, command_native.library_if_possible, command_native._tell):
        cached.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        without = computed()
    finally:
        for cached in (native_retrievals.native_retrieval, command_native.library_if_possible):
            cached.cache_clear()
    told = capsys.readouterr().err
    assert told.count("\n") == 1, "one line, however much is computed"
    assert "NumPy" in told
    assert "no-such-compiler was not found" in told
    assert set(with_compiler[0]) == set(STAGES)
    for one, other in zip(with_compiler, without, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert np.array_equal(one[name], other[name])


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="cannot be created"):
        NativeRetrieval.of(SMALL)


def test_where_there_is_no_home_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(InputError, match="set XDG_CACHE_HOME"):
        NativeRetrieval.of(SMALL)


def test_what_is_no_frame_never_reaches_the_library() -> None:
    retrieval = NativeRetrieval.of(SMALL)
    good = frames_of(SMALL)
    for bad in (good[:, :3], good[..., 1:], good.astype(np.int16), good.astype(np.float32), good.astype(np.uint32)):
        with pytest.raises(ValueError, match="are needed"):
            retrieval.codes(bad)
    twelve = of(SMALL, adc_bits=12)
    beyond = good.astype(np.uint16)
    beyond[0, 0, 0, 0] = 1 << 12
    with pytest.raises(ValueError, match="12 bits"):
        NativeRetrieval.of(twelve).codes(beyond)


def equal_words(network: IntegerNetwork, codes: list[np.ndarray], native: NativeNetwork) -> int:
    """Assert that the words of every operation are equal, in float64 too; return how many were compared."""
    due, compared = network.compute(codes), 0
    for narrow in {native.narrow, False}:
        native.narrow = narrow
        for name, words in native.compute(codes, threads=2).items():
            assert np.array_equal(words, due[name]), (name, narrow)
            compared += words.size
    return compared


@pytest.mark.parametrize("name", EXACT)
def test_every_kind_of_layer_gives_equal_words(name: str) -> None:
    network = read_network(EXACT[name]()).network
    assert equal_words(network, extremes(network), NativeNetwork.of(network)) > 0


def test_every_operation_was_tried() -> None:
    tried = {type(each) for make in EXACT.values() for each in read_network(make()).network.operations}
    # Moments have tests of their own.
    assert tried | {MaskMoments} == {kind for kinds in KINDS for kind in kinds}


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.full) for first in range(5, 60, 5))])
def test_networks_drawn_at_random_give_equal_words(first: int) -> None:
    compared = 0
    for seed in range(first, first + 5):
        try:
            network = read_network(random_network(seed)).network
        except InputError as error:
            # Few need more than float32 holds, and are refused.
            if "its sums may reach" not in str(error):
                raise
            continue
        compared += equal_words(network, extremes(network), NativeNetwork.of(network))
    assert compared > 0


@pytest.mark.full
@pytest.mark.parametrize("name", topologies.EXACT)
def test_topologies_give_equal_words(name: str) -> None:
    network = read_network(topologies.drawn(name)).network
    assert equal_words(network, extremes(network), NativeNetwork.of(network)) > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.int64])
def test_codes_of_any_integer_type_are_read_as_they_are(dtype: type) -> None:
    network = read_network(EXACT["bound"]()).network
    (codes,) = extremes(network)
    small = np.asarray(np.clip(codes, 0, 127), dtype)
    due = network.classify(small.astype(np.int64))
    assert np.array_equal(NativeNetwork.of(network).classify(small), due)
    # Every second one: not one after the other in memory.
    assert np.array_equal(NativeNetwork.of(network).classify(small[::2]), due[::2])


def test_sums_beyond_float32_are_computed_in_float64() -> None:
    """One step more than float32 holds, in a sum that a rounding at the end hides from its format."""
    words = exact_format(-(1 << 12), (1 << 12) - 1, 0)
    kernel = Constants(np.full((2, 1), (1 << 12) - 1), exact_format(0, (1 << 12) - 1, 0))
    bias = Constants(np.ones(1, np.int64), exact_format(0, 1, 0))
    entry = Input("entry", (), (), (2,), words)
    sums = Dense("sums", ("entry",), (words,), (1,), exact_format(-(1 << 25), (1 << 25) - 1, 0), kernel, bias)
    network = IntegerNetwork("wide", (entry, sums, Round("end", ("sums",), (sums.format,), (1,), words)))
    native = NativeNetwork.of(network)
    assert not native.narrow
    codes = np.array([[4095, 4095], [-4096, -4096], [4095, -4096], [1, 0]])
    found = native.compute([codes])
    assert found["sums"].ravel().tolist() == [2 * 4095 * 4095 + 1, -2 * 4096 * 4095 + 1, -4095 + 1, 4096]
    for name, due in network.compute([codes]).items():
        assert np.array_equal(found[name], due)


@pytest.mark.parametrize("bits", [6, 20])
def test_any_number_of_outputs_and_columns_gives_equal_words(bits: int) -> None:
    """Sums are held in vectors: all of one, none of the last, several in turn, by float32 (6 bits) and float64."""
    random = np.random.default_rng(bits)
    words = exact_format(-(1 << bits - 1), (1 << bits - 1) - 1, 0)
    entry = Input("entry", (), (), (3, 19, 3), words)
    compared = 0
    for outputs in (1, 3, 4, 5, 8, 9, 12, 15, 16, 17, 20, 33, 40, 48, 56, 64, 65, 96, 112, 113, 130):
        for width in (1, 2, 3):
            codes = random.integers(words.code_min, words.code_max + 1, (2, width, 3, outputs))
            bias = Constants(random.integers(-9, 10, outputs), exact_format(-9, 9, 0))
            reach = 6 * width << 2 * bits
            sums = Convolution(
                "sums", ("entry",), (words,), (2, 20 - width, outputs), exact_format(-reach, reach, 0),
                Constants(codes, words), bias, (3, 19), (1, 1),
            )  # fmt: skip
            native = NativeNetwork.of(IntegerNetwork("outputs", (entry, sums)))
            assert native.narrow == (bits == 6)
            given = [random.integers(words.code_min, words.code_max + 1, (2, 3, 19, 3))]
            found, due = native.compute(given)["sums"], native.network.compute(given)["sums"]
            assert np.array_equal(found, due), (outputs, width)
            compared += due.size
    assert compared == 2 * 2 * (19 + 18 + 17) * 867


def test_a_wrong_weight_is_seen() -> None:
    network = read_network(EXACT["bound"]()).network
    place = next(n for n, each in enumerate(network.operations) if isinstance(each, (Convolution, Dense)))
    wrong = network.operations[place].kernel.codes.copy()
    wrong.reshape(-1)[0] += 1
    kernel = Constants(wrong, network.operations[place].kernel.format)
    changed = dataclasses.replace(network.operations[place], kernel=kernel)
    other = IntegerNetwork("other", (*network.operations[:place], changed, *network.operations[place + 1 :]))
    codes = extremes(network)
    assert not np.array_equal(NativeNetwork.of(other).classify(*codes), network.classify(*codes))


WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-psabi")
"""How vectors are handed over is no matter between functions of one file."""


def test_the_sources_compile_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_native, "FLAGS", (*command_native.FLAGS, *WARNINGS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    NativeRetrieval.of(SMALL)
    network = read_network(EXACT["bound"]()).network
    NativeNetwork.of(network)


def wide_mean() -> keras.Model:
    """A global mean whose sum, with all bits of the quotient behind it, is wider than 64 bits."""
    inputs = keras.Input((100, 100, 1), name="images")
    x = qkeras.QActivation(qkeras.quantized_relu(8, 0), name="enter")(inputs)
    x = qkeras.QConv2D(
        2, 1, kernel_quantizer=qkeras.quantized_bits(8, 1, alpha=1), name="conv",
        bias_quantizer=qkeras.quantized_bits(4, 1, alpha=1),
    )(x)  # fmt: skip
    x = qkeras.QActivation(qkeras.quantized_bits(13, 1, alpha=1), name="sums")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    x = qkeras.QActivation(qkeras.quantized_bits(8, 3, alpha=1), name="words")(x)
    x = qkeras.QDense(
        2, kernel_quantizer=qkeras.quantized_bits(4, 1, alpha=1), bias_quantizer=qkeras.quantized_bits(4, 1, alpha=1),
        name="logits",
    )(x)  # fmt: skip
    model = keras.Model(inputs, x)
    model.get_layer("conv").set_weights([np.array([[[[1.921875, 1.015625]]]], np.float32), np.array([0.0, 0.5])])
    model.get_layer("norm").set_weights([np.array(each) for each in ((1.1, 0.9), (0.3, 0.2), (0.1, 0.1), (0.77, 0.9))])
    model.get_layer("logits").set_weights([np.eye(2, dtype=np.float32), np.zeros(2, np.float32)])
    return model


def test_a_mean_of_wide_words_is_that_of_whole_numbers() -> None:
    """As Python has them, of any size; and not negative where nothing is."""
    model = wide_mean()
    network = read_network(model).network
    mean = network["mean"]
    assert isinstance(mean, Mean)
    rng = np.random.default_rng(0)
    codes = np.stack([np.full((100, 100, 1), 250), rng.integers(0, 256, (100, 100, 1)), np.zeros((100, 100, 1))])
    words = network.compute([codes.astype(np.int64)])
    shift = mean.format.fraction_bits - mean.entering[0].fraction_bits
    sums = words[mean.reads[0]].astype(object).sum(axis=(1, 2))
    assert max(map(int, sums.ravel())) << shift > 2**63
    assert words["mean"].ravel().tolist() == [int(each << shift) // 10_000 for each in sums.ravel()]
    logits = network.logits.format.decode(words["logits"])
    found = np.asarray(model(codes.astype(np.float32) / 256))
    assert np.abs(logits - found).max() <= 0.25
    assert np.array_equal(NativeNetwork.of(network).classify(codes.astype(np.int64)), words["logits"])
