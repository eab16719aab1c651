"""Plans of engines are counted after building: area by yosys; plans keep within a board."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from cytogate.model.design.boards import Area, board_named
from cytogate.model.design.design import SAMPLES_PER_CLOCK
from cytogate.model.design.folder import load_design
from cytogate.model.engines.area import engine_areas, network_area
from cytogate.model.engines.clocks import engine_clocks
from cytogate.model.engines.lowering import lower
from cytogate.model.engines.planner import LATENCY_SHARES, SHARES, STEPS_LEFT, plan_boards, plan_engines
from cytogate.model.estimates.system import front_end
from cytogate.model.networks.saved import load_operations
from cytogate.sim.area.tools import synthesize_engines
from tests.engine_networks import moments_network
from tests.test_engine_networks import drawn

SEEDS = (23, 40, 42, 67, 98)
"""Of drawn networks to which nothing was fitted, of 1,000 to 1,900 look-up tables."""
LUT_DISTANCE, FF_DISTANCE = 0.4, 0.2
"""From what yosys counts, of networks so small that counters and what is left out weigh most: 38 and 19 % measured."""


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS)
def test_area_is_what_yosys_counts(seed: int, builds: Path) -> None:
    _, engines = drawn(seed)
    counted, told = synthesize_engines(engines, builds / f"engine_area_{seed}").area, network_area(engines)
    assert (told.dsp, told.bram36) == (counted.dsp, counted.bram36)
    assert told.lut == pytest.approx(counted.lut, rel=LUT_DISTANCE)
    assert told.ff == pytest.approx(counted.ff, rel=FF_DISTANCE)


def test_multipliers_follow_from_how_often_they_are_used_again() -> None:
    network = load_operations(load_design("qatom128"))
    fast, slow = (lower(network, 4, clocks) for clocks in (4096, 4 * 4096))
    areas = engine_areas(fast)
    assert (areas["contrast_words"].dsp, areas["relu_1"].dsp) == (0, 0)
    assert (areas["relu_2"].dsp, areas["relu_3"].dsp, areas["relu_4"].dsp) == (180, 144, 90)
    assert network_area(slow).dsp < network_area(fast).dsp / 2
    assert engine_clocks(slow).interval > 3 * engine_clocks(fast).interval


def test_plans_keep_within_the_board_and_leave_nothing_faster_out() -> None:
    design, network = load_design("qatom128"), moments_network(9)
    small = dataclasses.replace(board_named("pynq-z2"), name="small", budget=Area(26_000, 40_000, 130, 140, 0))
    plans = plan_boards(design, network, (board_named("kv260"), small))
    columns = network.inputs[0].shape[1]
    assert [each.samples_per_clock for each in plans["kv260"]] == [n for n in SAMPLES_PER_CLOCK if columns % n == 0]
    for board, found in (("kv260", plans["kv260"]), ("small", plans["small"])):
        for each in found:
            shares = {"LUT": SHARES["lut"], "FF": SHARES["ff"], "DSP": SHARES["dsp"], "BRAM36": SHARES["bram36"]}
            assert each.board == board
            assert each.fits == all(each.area.percent[name] <= 100 * share for name, share in shares.items())


def test_multipliers_that_are_left_shorten_the_latency() -> None:
    """What is planned answers sooner at the same pace; no layer could save more by a quarter fewer clocks."""
    design = load_design("student48")
    network, board = load_operations(design), board_named("pynq-z2")
    plan, by_pace = plan_engines(design, network, board, 4), lower(network, 4)
    engines = plan.engines(network)
    assert (engine_clocks(engines).latency, engine_clocks(engines).interval) == (plan.latency_cycles, 576)
    assert engine_clocks(by_pace).latency - plan.latency_cycles >= engines.multipliers - by_pace.multipliers > 0
    assert set(plan.steps) < set(plan.reuse)
    room = LATENCY_SHARES["dsp"] * board.budget.dsp - front_end(design, 4).area.dsp
    for layer, (groups, slices) in plan.reuse.items():
        steps = int(groups * slices * STEPS_LEFT)
        other = lower(network, 4, plan.clocks, plan.steps | {layer: steps})
        saved = plan.latency_cycles - engine_clocks(other).latency
        assert network_area(other).dsp > room or saved < max(1, other.multipliers - engines.multipliers)
    small = dataclasses.replace(board, name="small", budget=dataclasses.replace(board.budget, dsp=200))
    less = plan_engines(design, network, small, 4)
    assert less.fits
    assert plan.latency_cycles < less.latency_cycles < engine_clocks(by_pace).latency
    assert network_area(by_pace).dsp < network_area(less.engines(network)).dsp <= 0.85 * 200
