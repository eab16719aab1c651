"""Engines against the integer network: every word of every engine, whatever the pace, the pauses and the resets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.engine.top import top_text
from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.folder import load_design
from cytogate.model.engines.clocks import engine_clocks
from cytogate.model.engines.engine import INPUT, EngineNetwork
from cytogate.model.engines.lowering import lower
from cytogate.model.errors import InputError
from cytogate.model.networks.operations import Constants, Dense, Input, IntegerNetwork, Operation
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import load_operations
from cytogate.sim.csim.network import extreme_codes
from cytogate.sim.rtl.engines import EngineSimulation, compare
from tests import layers
from tests.engine_networks import drawn_network, moments_network

Pair = tuple[IntegerNetwork, EngineNetwork]
PACES = ({}, {"idle": 0.5, "stall": 0.5, "gap": 40}, {"stall": 0.998})
"""Back to back; with pauses on both sides and gaps between cells; with a receiver so slow that all queues are full."""


def drawn(seed: int) -> Pair:
    """Return a network and its engines: one, two or four pixels a beat, one to many clocks a beat."""
    if seed % 10 == 9:
        network, pixels = moments_network(seed), (1, 4, 2)[seed // 10 % 3]
    else:
        pixels = (1, 2, 4)[seed % 3]
        network = drawn_network(seed, None if pixels == 1 else 8)
    return network, lower(network, pixels, (8, 60, 400)[seed // 3 % 3])


def compared(pairs: Sequence[Pair], folder: Path) -> tuple[int, int]:
    """Compare networks side by side in one simulation; return the words, and the beats' clocks, that were compared."""
    simulation = EngineSimulation([engines for _, engines in pairs], folder)
    words = sum(words_of(simulation, number, network) for number, (network, _) in enumerate(pairs))
    clocks = sum(clocks_of(simulation, number, network) for number, (network, _) in enumerate(pairs))
    simulation.close()
    return words, clocks


def words_of(simulation: EngineSimulation, number: int, network: IntegerNetwork, cells: int = 12) -> int:
    """Play cells at every pace, and behind a reset that cuts a cell short; return the words that were compared."""
    codes = extreme_codes(network.inputs[0].shape, network.inputs[0].format, cells, seed=number)
    words, violations = 0, simulation.violations
    simulation.reset(number)
    for seed, pace in enumerate(PACES):
        found = compare(network, codes, simulation.play(codes, seed=seed, **pace))
        assert not found.differ, f"{network.name}, {pace}: {found}"
        words += found.words
    simulation.start(codes, simulation.network.entry.beats * 3 // 2)
    simulation.reset(number)
    found = compare(network, codes, simulation.play(codes))
    assert not found.differ, f"{network.name}, behind a reset: {found}"
    assert simulation.violations == violations
    return words + found.words


def clocks_of(simulation: EngineSimulation, number: int, network: IntegerNetwork, cells: int = 6) -> int:
    """Hold the clock of every beat at full speed against the one that is predicted; return how many were."""
    entry = network.inputs[0]
    codes = extreme_codes(entry.shape, entry.format, cells, seed=number)[:cells]
    simulation.reset(number)
    run, told = simulation.play(codes), engine_clocks(simulation.network, cells)
    start = run.in_cycles[0, 0] - told.beats[INPUT][0, 0]
    found = run.cycles | {INPUT: run.in_cycles, "class": run.out_cycles}
    for name, clocks in found.items():
        expected = told.answers if name == "class" else told.beats[name]
        np.testing.assert_array_equal(clocks - start, expected, f"{network.name}: {name}")
    assert (told.latency, told.interval) == (run.latency.max(), run.intervals[-1])
    return sum(clocks.size for clocks in found.values())


def test_drawn_networks(builds: Path) -> None:
    words, clocks = compared([drawn(seed) for seed in range(12)], builds / "engines_few")
    assert words > 100_000
    assert clocks > 10_000


def test_layers_may_have_any_names(builds: Path) -> None:
    """Names of ports, names that differ in a dot, that another one makes of itself, and in letters of any language."""
    pixel, names = Format(8, 0, signed=False), ("in", "out", "a.b", "a_b", "x", "x_fork", "Größe", "7", "module")
    operations: list[Operation] = [Input("network_input", (), (), (4,), pixel)]
    rng = np.random.default_rng(0)
    for name in names:
        before = operations[-1]
        kernel = Constants(rng.integers(-2, 3, (before.shape[0], 4)), Format(3, 3))
        bias = Constants(np.zeros(4, int), Format(1, 1, signed=False))
        width = before.format.width + 5
        words = Format(width, width - before.format.fraction_bits)
        operations.append(Dense(name, (before.name,), (before.format,), (4,), words, kernel, bias))
    network = IntegerNetwork("named", tuple(operations))
    engines = lower(network)
    declared = re.findall(r"^  logic (?:\[[^\]]*\] )?([\w, ]+);", top_text(engines), re.MULTILINE)
    signals = [each for line in declared for each in line.split(", ")]
    assert len(set(signals)) == len(signals) >= 3 * len(names)
    assert not {each for each in signals if each.startswith(("in_", "out_"))}
    words_compared, _ = compared([(network, engines)], builds / "engines_named")
    assert words_compared > 1_000


@pytest.mark.full
@pytest.mark.parametrize("first", [pytest.param(12, marks=pytest.mark.covers), *range(32, 92, 20)])
def test_many_drawn_networks(first: int, builds: Path) -> None:
    words, clocks = compared([drawn(seed) for seed in range(first, first + 20)], builds / f"engines_{first}")
    assert words > 100_000
    assert clocks > 10_000


REFUSED = {
    "up-sampling": r"up_sampling2d(_\d+)?: there is no engine for Repeat",
    "reshape to other channels": "pixels of 3 channels cannot become pixels of 2",
    "reshape of a vector": "pixels of 32 channels cannot become pixels of 2",
    "permuted": "there is no engine for Permute",
    "channels first, flattened": "there is no engine for Permute",
    "flattened ahead of a normalization": "a flattened map cannot be scaled value by value",
    "normalized behind flattening": "a flattened map cannot be scaled value by value",
    "maximum at the end, padded": "it gives a map; a dense layer or a pooling of whole maps must come last",
}
"""Networks of :data:`tests.layers.EXACT` that have no engines yet, and what is said of them."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_there_is_no_engine_for_is_refused(name: str) -> None:
    network = read_network(layers.EXACT[name]()).network
    with pytest.raises(InputError, match=REFUSED[name]):
        lower(network)


@pytest.mark.full
@pytest.mark.parametrize("part", range(4))
def test_networks_that_were_read(part: int, builds: Path) -> None:
    names = [name for name in layers.EXACT if name not in REFUSED][part::4]
    networks = [read_network(layers.EXACT[name]()).network for name in names]
    pairs = [(network, lower(network)) for network in networks if len(network.inputs) == 1]
    words, clocks = compared(pairs, builds / f"engines_read_{part}")
    assert words > 100_000
    assert clocks > 10_000


def test_pixels_that_do_not_divide_a_row_are_refused() -> None:
    network = drawn_network(0)
    with pytest.raises(InputError, match=f"7 pixels a clock do not divide {network.inputs[0].shape[1]} columns"):
        lower(network, 7)


def test_several_inputs_are_refused() -> None:
    first, second = (drawn_network(seed).operations for seed in (0, 2))
    with pytest.raises(InputError, match="network two has 2 inputs; engines are built for one"):
        lower(IntegerNetwork("two", (*first, *second)))


def default_codes(network: IntegerNetwork) -> np.ndarray:
    """Return codes of noise, and of disks of phase before a quiet field."""
    rng = np.random.default_rng(4)
    rows, columns = np.mgrid[:128, :128]
    codes = rng.integers(90, 160, (3, *network.inputs[0].shape))
    codes[0] = rng.integers(0, 256, codes[0].shape)
    for cell in (1, 2):
        disk = (rows - 60) ** 2 / cell + (columns - 68) ** 2 < 300 * cell
        codes[cell, :, :, -1] = 32 + rng.integers(-3, 4, disk.shape) + disk * rng.integers(15, 90, disk.shape)
    return codes


@pytest.mark.full
def test_the_default_network(builds: Path) -> None:
    network = load_operations(load_design("qatom128"))
    engines = lower(network, 4, 40_000)
    simulation = EngineSimulation([engines], builds / "engines_default")
    codes = default_codes(network)
    run = simulation.play(codes, idle=0.1, stall=0.1)
    found = compare(network, codes, run)
    assert found.words > 400_000
    assert not found.differ
    assert simulation.violations == 0


@pytest.mark.full
def test_the_default_network_is_in_time(builds: Path) -> None:
    network = load_operations(load_design("qatom128"))
    engines = lower(network, 4, 4300)
    assert engines.multipliers <= 440
    simulation = EngineSimulation([engines], builds / "engines_default_fast")
    codes = default_codes(network)
    run = simulation.play(codes)
    assert not compare(network, codes, run).differ
    assert clocks_of(simulation, 0, network, 3) > 37_000
    assert run.intervals.max() <= 4400
    assert run.latency.max() <= 11_000
