"""Moments of the phase mask: one law in NumPy, Keras and C++, and what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract import mask_moments as law
from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import EMPTY_CODE, FEATURES, MASK_CODE, WORD, mask_moments, unlimited
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.mask_moments import MaskMoments
from cytogate.model.networks.native import NativeNetwork
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_exactly

Phases = NDArray[np.uint8]
SHAPES = ((1, 1), (2, 3), (5, 4), (31, 48), (48, 48), (96, 96), (256, 256))


def cells(rows: int, columns: int, count: int = 4, seed: int = 0) -> Phases:
    """Ellipses of some phase, noise, and the extremes: nothing, everything, a pixel in a corner, one side."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    found = [np.zeros((rows, columns)), np.full((rows, columns), 255), np.full((rows, columns), MASK_CODE - 1)]
    corner, side = np.zeros((rows, columns)), np.zeros((rows, columns))
    corner[-1, -1], side[:, columns // 2 :] = 255, 255
    found += [corner, side, rng.integers(0, 256, (rows, columns))]
    for _ in range(count):
        a, b, turn = *rng.uniform(0.05, 0.5, 2), rng.uniform(0, math.pi)
        u, v = x - rng.uniform(0.3, 0.7) * columns, y - rng.uniform(0.3, 0.7) * rows
        p, q = u * math.cos(turn) + v * math.sin(turn), v * math.cos(turn) - u * math.sin(turn)
        height = np.sqrt(np.maximum(0, 1 - (p / (a * columns)) ** 2 - (q / (b * rows)) ** 2))
        found.append(EMPTY_CODE + 90 * height + rng.normal(0, 2, (rows, columns)))
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_words_are_those_of_unbounded_integers(shape: tuple[int, int]) -> None:
    """Each pixel by itself, about the center, in Python's integers, which no sum exceeds."""
    phases = cells(*shape, count=1)
    if max(shape) == law.MOST_EXTENT:
        # All, one corner and one side: the largest sums that there can be.
        phases = phases[[1, 3, 4]]
    assert np.array_equal(mask_moments(phases), [[WORD.limit(word) for word in slowly(each)] for each in phases])


def slowly(phase: Phases) -> list[int]:
    """The law as its docstring tells it."""
    rows, columns = phase.shape
    step = 1 << law.CENTER_BITS
    pixels = [
        (step * (2 * int(x) - columns + 1), step * (2 * int(y) - rows + 1), int(phase[y, x]) - EMPTY_CODE)
        for y, x in zip(*np.nonzero(phase >= MASK_CODE), strict=True)
    ]
    n = len(pixels)

    def center(axis: int) -> int:
        total = sum(pixel[axis] for pixel in pixels)
        return int(math.copysign((2 * abs(total) + n) // (2 * n), total)) if n else 0

    cx, cy = center(0), center(1)
    about = [(complex_(x - cx, y - cy), p) for x, y, p in pixels]

    def square(power: int, twice: int, weighted: bool = False) -> int:
        """Logarithm of the square of the sum of z^power * |z|^twice."""
        parts = [times(power_of(z, power), norm(z) ** (twice // 2)) for z, _ in about]
        if weighted:
            parts = [times(part, p) for part, (_, p) in zip(parts, about, strict=True)]
        first, second = (abs(sum(part[axis] for part in parts)) for axis in (0, 1))
        shift = max(0, max(first, second).bit_length() - law.PART_BITS)
        return log2((first >> shift) ** 2 + (second >> shift) ** 2) + 2 * (shift << law.LOG_FRACTION_BITS)

    found = {
        "pixels": log2(n),
        "phase": log2(sum(p for _, p in about)),
        "phase_squares": log2(sum(p * p for _, p in about)),
        "phase_most": log2(max((p for _, p in about), default=0)),
        "spread": log2(sum(norm(z) for z, _ in about)),
        "quartic": log2(sum(norm(z) ** 2 for z, _ in about)),
        "phase_spread": log2(sum(norm(z) * p for z, p in about)),
        "tilt": square(1, 0, weighted=True),
        "elongation": square(2, 0),
        "triangle": square(3, 0),
        "egg": square(1, 2),
        "square": square(4, 0),
        "bean": square(2, 2),
    }
    words = []
    for feature in FEATURES:
        total = sum(factor * found[name] for name, factor in feature.terms) - feature.center_steps
        words.append((total << feature.gain_log2) // (1 << law.LOG_FRACTION_BITS - WORD.fraction_bits))
    return words


Whole = tuple[int, int]


def complex_(x: int, y: int) -> Whole:
    return x, y


def norm(z: Whole) -> int:
    return z[0] ** 2 + z[1] ** 2


def times(z: Whole, factor: int) -> Whole:
    return z[0] * factor, z[1] * factor


def power_of(z: Whole, power: int) -> Whole:
    found = (1, 0)
    for _ in range(power):
        found = found[0] * z[0] - found[1] * z[1], found[0] * z[1] + found[1] * z[0]
    return found


def log2(value: int) -> int:
    if value <= 0:
        return 0
    exponent = value.bit_length() - 1
    leading = (value << law.TABLE_BITS) >> exponent
    fraction = round(math.log2(leading / (1 << law.TABLE_BITS)) * (1 << law.LOG_FRACTION_BITS))
    return (exponent << law.LOG_FRACTION_BITS) + fraction


def test_no_way_that_a_cell_lies_changes_a_word() -> None:
    """The eight mirror images and quarter turns of each map."""
    phases = cells(96, 96, count=8)
    words = mask_moments(phases)
    assert len(np.unique(words, axis=0)) == len(phases) - 1  # nothing, and just below the threshold, are the same
    for turned in (phases, phases.swapaxes(1, 2)):
        for rows in (1, -1):
            for columns in (1, -1):
                assert np.array_equal(mask_moments(turned[:, ::rows, ::columns]), words)


def test_words_say_what_their_names_say() -> None:
    """Larger, denser, longer, more pear-shaped cells, one thing at a time, against a disc of one phase."""
    y, x = np.mgrid[:96, :96] - 47.5

    def words(inside: NDArray[np.bool_], phase: float = 60) -> dict[str, int]:
        codes = np.where(inside, EMPTY_CODE + phase, EMPTY_CODE).astype(np.uint8)
        return dict(zip((each.name for each in FEATURES), unlimited(codes[None])[0].tolist(), strict=True))

    disc = words(x**2 + y**2 < 20**2)
    octave = 1 << WORD.fraction_bits
    larger = words(x**2 + y**2 < 40**2)
    assert larger["size"] - disc["size"] == pytest.approx(2 * octave, abs=2)
    assert larger["looseness"] == pytest.approx(disc["looseness"], abs=octave / 2)
    denser = words(x**2 + y**2 < 20**2, 120)
    assert denser["mean phase"] - disc["mean phase"] == octave
    assert denser["mean square of the phase"] - disc["mean square of the phase"] == 2 * octave
    changed = {name for name in disc if denser[name] != disc[name]}
    # A disc has no tilt: its logarithm is 0, of which that of the phase is taken off.
    assert changed - {"tilt of the phase"} == {"mean phase", "mean square of the phase", "largest phase"}
    longer = words((x / 1.5) ** 2 + (y * 1.5) ** 2 < 20**2)
    assert longer["elongation"] - disc["elongation"] > 4 * octave
    pear = words((x**2 + y**2 < 18**2) | ((x - 14) ** 2 + y**2 < 12**2))
    assert pear["egg"] - longer["egg"] > 4 * octave
    square = words((abs(x) < 20) & (abs(y) < 20))
    assert square["square"] - disc["square"] > 4 * octave


def network(rows: int, columns: int) -> keras.Model:
    """Moments of a map of two channels, of which the last is the phase, as logits."""
    inputs = keras.Input((rows, columns, 2))
    codes = qkeras.QActivation(qkeras.quantized_relu(PIXEL.width, PIXEL.integer_bits))(inputs)
    return keras.Model(inputs, MaskMoments(name="moments")(codes))


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_keras_the_integer_network_and_its_native_form_give_the_words(shape: tuple[int, int]) -> None:
    phases = cells(*shape)
    maps = np.stack([255 - phases, phases], axis=-1)
    model = network(*shape)
    words = mask_moments(phases)
    read = read_exactly(model)
    assert np.array_equal(read.classify(maps), words)
    assert np.array_equal(WORD.encode(np.asarray(model(maps * np.float32(PIXEL.step)))), words)
    assert np.array_equal(NativeNetwork.of(read).classify(maps), words)
    assert isinstance(read, IntegerNetwork)
    assert read.logits.format == WORD


def test_other_words_than_codes_of_the_phase_are_refused() -> None:
    for width, integer_bits, extent, said in ((8, 1, 16, "codes of the phase"), (8, 0, 257, "at most 256 rows")):
        inputs = keras.Input((extent, 16, 1))
        words = qkeras.QActivation(qkeras.quantized_relu(width, integer_bits))(inputs)
        with pytest.raises(InputError, match=said):
            read_exactly(keras.Model(inputs, MaskMoments(name="moments")(words)))


def test_a_saved_layer_is_read_back() -> None:
    model = network(16, 16)
    again = keras.models.model_from_json(model.to_json(), custom_objects={"QActivation": qkeras.QActivation})
    maps = np.stack([cells(16, 16)] * 2, axis=-1) * np.float32(PIXEL.step)
    assert np.array_equal(np.asarray(again(maps)), np.asarray(model(maps)))
