"""The network ``student`` and the design that has it: bright field, simulated, to a class within microseconds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.data.own_cells import OwnCells
from cytogate.model.design.boards import board_named
from cytogate.model.design.design import Design, Network, Window
from cytogate.model.design.folder import BUILTIN, RECORD_FILE, design_text, load_design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.design.topologies import Student
from cytogate.model.engines.lowering import lower
from cytogate.model.engines.planner import plan_engines
from cytogate.model.errors import InputError
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import count_weights
from cytogate.model.networks.folding import start_folded
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import load_network, load_operations
from cytogate.model.retrieval.laws import network_inputs
from cytogate.model.simulation.simulator import FINER, BrightFieldCells, SimulatedCells, simulated_cells
from cytogate.model.simulation.write import write_cells
from cytogate.sim.rtl.engines import EngineSimulation, compare

SIZES = Student(filters=(4, 5), first_kernel=4, first_stride=2, weight_bits=10, activation_bits=10)
INSTRUMENT = BrightField(("bright field",), 0.5, 0.5, 8, 20, 20)
SMALL = Design("small", INSTRUMENT, Window(20, 20, 1), Network(("a", "b", "c"), SIZES))


def codes(count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return blots before a quiet background (cells, 20, 20, 1)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:20, :20] - 9.5
    found = rng.normal(0, 3, (count, 20, 20, 1))
    for cell in found:
        cell[..., 0] += rng.uniform(-90, 90) * (np.hypot(y - rng.normal(), x - rng.normal()) < rng.uniform(3, 8))
    return np.clip(np.rint(found), -128, 127).astype(np.int64)


def trained(design: Design) -> keras.Model:
    """Return the float network with normalizations as training leaves them."""
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    model = build(design, quantized=False)
    values = codes(32, 1) * np.float32(SIGNED_PIXEL.step)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            sums = np.asarray(keras.Model(model.input, layer.input)(values))
            gamma, beta = rng.uniform(0.3, 2, sums.shape[-1]), rng.normal(0, 0.5, sums.shape[-1])
            layer.set_weights([gamma, beta, sums.mean(axis=(0, 1, 2)), sums.var(axis=(0, 1, 2))])
    return model


def test_folded_it_answers_as_its_float_form() -> None:
    """Channels' factors pass the flattening; no word of Keras's is lost."""
    model, quantized = trained(SMALL), build(SMALL, quantized=True)
    given = codes(24)
    values = given * np.float32(SIGNED_PIXEL.step)
    start_folded(quantized, model, values)
    found, wanted = (np.asarray(each(values), np.float64) for each in (quantized, model))
    factor = (found * wanted).sum() / (wanted**2).sum()
    assert (found / factor - wanted).std() < 0.15 * wanted.std()
    compared = compare_with_keras(quantized, read_network(quantized), [given])
    assert (compared.differing, compared.values) == (0, 24 * 3)


@pytest.mark.parametrize(
    ("side", "stride", "filters"), [(20, 3, (4, 5)), (18, 2, (4, 5)), (8, 4, (4, 5)), (20, 2, (4,) * 4)]
)
def test_windows_that_leave_pixels_over_are_refused(side: int, stride: int, filters: tuple[int, ...]) -> None:
    topology = Student(filters=filters, first_stride=stride)
    instrument = dataclasses.replace(INSTRUMENT, rows=side, columns=side)
    design = Design("other", instrument, Window(side, side, 1), Network(("a", "b"), topology))
    with pytest.raises(
        InputError, match=f"network student: {side} rows or columns cannot be divided by a first stride"
    ):
        build(design, quantized=True)


# Simulated bright field.


def test_bright_field_is_the_mean_of_the_arms() -> None:
    """Cells, labels and noise are those of the four-angle instrument of the same optics; so is the empty field."""
    bright = simulated_cells(SMALL, 6, seed=3)
    assert isinstance(bright, BrightFieldCells)
    assert bright.acquisition == FourAngle(
        pixel_pitch_x_um=0.125, pixel_pitch_y_um=0.125, adc_bits=8, rows=20 * FINER, columns=20 * FINER
    )
    arms = SimulatedCells(bright.acquisition, bright.class_names, 6, seed=3)
    assert bright.frame_shape == (1, 20, 20)
    for index in range(2):
        one, four = bright[index], arms[index]
        assert one.label == four.label
        for seen, due in ((one.frames, four.frames), (bright.empty_field(index), arms.empty_field(index))):
            assert (seen.shape, seen.dtype) == ((1, 20, 20), due.dtype)
            for row, column in np.ndindex(20, 20):
                block = due[:, row * FINER : (row + 1) * FINER, column * FINER : (column + 1) * FINER]
                assert seen[0, row, column] == np.rint(block.mean())
    assert np.abs(bright[0].frames.astype(int) - bright.empty_field(0)).max() > 10


def test_a_file_of_simulated_bright_field_is_trained_on(tmp_path: Path) -> None:
    design = dataclasses.replace(SMALL, network=Network(("MCF7", "PBMC"), SMALL.network.topology))
    cells = simulated_cells(design, 4, seed=3)
    write_cells(cells, tmp_path / "cells.h5", workers=1)
    own = OwnCells.of(tmp_path / "cells.h5", None, design, None, 0)
    assert own.simulated
    np.testing.assert_array_equal(own.labels, cells.labels)


def test_other_instruments_are_not_simulated() -> None:
    two = dataclasses.replace(SMALL, instrument=dataclasses.replace(INSTRUMENT, channels=("one", "two")))
    with pytest.raises(InputError, match=r"with 2 channels, of which there is no simulator; give frames .* by --input"):
        simulated_cells(two, 3, 0)


# The design that comes along.

STUDENT48 = load_design("student48")


def test_the_record_is_of_the_committed_design() -> None:
    record = json.loads((BUILTIN / "student48" / RECORD_FILE).read_text())
    assert record["design"] == design_text(dataclasses.replace(STUDENT48, operating_point=None))
    assert record["simulated"] is True
    found = record["evaluation"]
    assert found["quantized"]["cells"] == record["split"]["test"]
    assert found["quantized_less_float"]["value"] > -0.01
    # Islam 2025's student has 5,682 parameters.
    assert record["weights"] == count_weights(load_network(STUDENT48)) < 5_682


@pytest.mark.full
def test_every_value_of_its_engines_and_the_clocks_to_a_class(builds: Path) -> None:
    """At four pixels a clock, as planned for a PYNQ-Z2 and as pace alone asks; 64 simulated cells back to back."""
    network = load_operations(STUDENT48)
    frames = np.stack([cell.frames for cell in simulated_cells(STUDENT48, 64, seed=7_000)])
    pixels = network_inputs(frames, STUDENT48)
    plan = plan_engines(STUDENT48, network, board_named("pynq-z2"), 4)
    latencies = {}
    for name, engines in (("planned", plan.engines(network)), ("by pace", lower(network, 4))):
        simulation = EngineSimulation([engines], builds / f"student48-{name.replace(' ', '-')}")
        run = simulation.play(pixels)
        simulation.close()
        found = compare(network, pixels, run)
        assert not found.differ, found
        of_layers = sum(engine.stream.words for engine in engines.engines if engine.operation)
        # Class and margin besides.
        assert found.words == 64 * (of_layers + 2)
        assert set(run.intervals.tolist()) == {48 * 48 // 4}
        latencies[name] = engines.entry.beats + int(run.latency.max()), engines.multipliers
    assert latencies == {"planned": (651, 178), "by pace": (722, 125)}
    assert latencies["planned"][0] == 48 * 48 // 4 + plan.latency_cycles <= 690
