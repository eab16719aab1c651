"""What the estimate says before anything is built is counted afterwards: clocks by simulation, area by yosys."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cytogate.hls.network.convert import convert
from cytogate.hls.sources import rtl_sources
from cytogate.model.design.boards import BOARDS, RESOURCES, Area, board_named
from cytogate.model.design.design import Design, Window, binned
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.estimate_cli import ESTIMATE
from cytogate.model.estimates.network import ACCUMULATOR_BITS, estimate_network
from cytogate.model.estimates.retrieval import (
    FITTED_RESIDUAL,
    WIDTHS,
    estimate,
    estimate_retrieval,
    retrieval_modules,
)
from cytogate.model.interface.registers import Register
from cytogate.sim.area.tools import Synthesis, synthesize, synthesize_module
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.phantoms import noise
from tests.test_networks import exact_network

full = pytest.mark.full


def arriving(size: int) -> Design:
    """A design whose frames arrive at N x N."""
    return Design(f"arriving{size}", window=Window(size, size, 1), instrument=FourAngle(rows=size, columns=size))


SMALL = arriving(64)
WINDOW = Design("window64", window=Window(64, 64, 2), instrument=FourAngle(rows=128, columns=128))
"""Raw frames without a margin around the window."""


def counted(design: Design, width: int, cells: int, builds: Path) -> tuple[int, list[int]]:
    """Latency of a frame that comes alone, and intervals of ``cells`` that come back to back."""
    kernel = RtlSimulation(design, builds / f"rtl_{design.name}", width)
    kernel.play(*kernel.beats(noise(design, 1, seed=5)), 1)
    alone = kernel.read(Register.LATENCY_CYCLES)
    kernel.reset()
    played = kernel.play(*kernel.beats(noise(design, cells, seed=6)), cells)
    beats = design.size**2 // width
    kernel.close()
    return alone, [int(after - before) for before, after in pairwise(played.out_cycles[beats - 1 :: beats])]


@pytest.mark.parametrize(
    ("size", "width"),
    [
        (64, 1),
        (64, 8),
        *(pytest.param(64, width, marks=full) for width in (2, 4)),
        *(pytest.param(128, width, marks=full) for width in WIDTHS),
        pytest.param(256, 1, marks=full),
    ],
)
def test_clocks_are_those_that_are_counted(size: int, width: int, builds: Path) -> None:
    design = arriving(size)
    latency, intervals = counted(design, width, 4, builds)
    predicted = estimate_retrieval(design, width)
    assert latency == predicted.latency_cycles
    assert intervals == [predicted.interval_cycles] * 3


@full
@pytest.mark.parametrize("width", [1, 4])
def test_raw_frames_are_paced_by_their_pixels(width: int, builds: Path) -> None:
    _, intervals = counted(WINDOW, width, 4, builds)
    assert intervals == [estimate_retrieval(WINDOW, width).raw_interval_cycles] * 3


def by_module(found: Synthesis) -> dict[str, tuple[float, float]]:
    """DSP and block RAM of all instances of each module that has any."""
    sums: dict[str, Area] = {}
    for row in found.modules:
        for _ in range(row.instances):
            sums[row.name] = sums.get(row.name, Area()) + row.area
    return {name: (area.dsp, area.bram36) for name, area in sums.items() if area.dsp or area.bram36}


FOLDED = {("qatom64", 8): {"bright_field": (0.0, 18.5)}}
"""Where yosys folds the last row of a memory's blocks: the estimate says 20."""


def predicted_by_module(design: Design, width: int) -> dict[str, tuple[float, float]]:
    modules = retrieval_modules(design, width)
    return {name: (area.dsp, area.bram36) for name, area in modules.items() if area.dsp or area.bram36}


@pytest.mark.parametrize(("module", "copies"), [("transform", 4), ("quotient", 1), ("surface_fit", 1)])
def test_a_module_has_the_area_that_yosys_counts(module: str, copies: int, tmp_path: Path) -> None:
    found = synthesize_module(SMALL, rtl_sources(module), module, {}, tmp_path)
    predicted = retrieval_modules(SMALL, 1)[module]
    assert (copies * found.area.dsp, copies * found.area.bram36) == (predicted.dsp, predicted.bram36)
    assert predicted.dsp > 0


@full
@pytest.mark.parametrize(("name", "width"), [(name, width) for name in ("qatom64", "qatom128") for width in WIDTHS])
def test_the_kernel_has_the_area_that_yosys_counts(name: str, width: int, builds: Path) -> None:
    """DSP and block RAM of every module exactly, LUT and FF of the whole within what the fit leaves."""
    design = binned(load_design(name))
    found = synthesize(design, width, builds / f"synth-{design.name}")
    assert by_module(found) == predicted_by_module(design, width) | FOLDED.get((name, width), {})
    predicted = estimate_retrieval(design, width).area
    assert found.area.dsp == predicted.dsp
    assert found.area.bram36 <= predicted.bram36
    assert predicted.lut == pytest.approx(found.area.lut, rel=FITTED_RESIDUAL)
    assert predicted.ff == pytest.approx(found.area.ff, rel=FITTED_RESIDUAL)


@full
def test_binning_on_the_device_costs_what_yosys_counts(builds: Path) -> None:
    design = load_design("qatom64")
    found = synthesize(design, 1, builds / f"synth-{design.name}")
    assert by_module(found) == predicted_by_module(design, 1)


@pytest.mark.parametrize("board", ["kv260", "pynq-z2"])
def test_layers_and_streams_are_those_that_hls4ml_writes(board: str, tmp_path: Path) -> None:
    """Reuse factors, and depth and samples of every stream of the default network, from the text of its project."""
    design = replace(load_design("qatom64"), board=board)
    predicted = estimate_network(design, board_named(board).network_clocks_per_pixel)
    project = convert(exact_network(design.network, design.size), design, tmp_path / "project")
    code, settings, types = (
        (project.folder / "firmware" / name).read_text() for name in (f"{project.top}.cpp", "parameters.h", "defines.h")
    )
    products = re.findall(r"nnet::dense_config \{.*?reuse_factor = (\d+)", settings, re.DOTALL)
    assert [int(each) for each in products] == [layer.reuse for layer in predicted.layers]
    samples = {name: int(count) for count, name in re.findall(r"nnet::array<.*, (\d+)\*1> (\w+)_t;", types)}
    streams = re.findall(r"HLS STREAM variable=(\w+)_out depth=(\d+)", code)
    assert [(samples[name], int(depth)) for name, depth in streams] == [
        (row.width // (ACCUMULATOR_BITS if row.name == "sums" else 8), row.depth) for row in predicted.streams
    ]
    assert len(streams) == 18


@pytest.mark.parametrize("name", ["qatom64", "qatom128"])
def test_the_default_boards_hold_retrieval_and_network(name: str) -> None:
    """On each board at the widths that are meant for it."""
    for board, widths in (("pynq-z2", (1,)), ("kv260", (1, 2, 4)), ("zcu104", WIDTHS)):
        for width in widths:
            estimate(binned(load_design(name)), board_named(board), width).check()


def test_the_small_board_keeps_a_third_for_the_network() -> None:
    shares = {
        width: estimate(binned(load_design("qatom128")), board_named("pynq-z2"), width).shares for width in WIDTHS
    }
    assert [max(shares[width]["dsp"], shares[width]["bram36"]) <= 2 / 3 for width in WIDTHS] == [True] + [False] * 3


def test_a_pair_that_does_not_fit_is_refused_in_one_sentence() -> None:
    found = estimate(binned(load_design("qatom128")), board_named("pynq-z2"), 8)
    with pytest.raises(
        InputError,
        match=r"^design qatom128-binned at 8 samples a clock does not fit pynq-z2: it needs .* DSP of 220; "
        r".* BRAM36 of 140 \(estimated\); choose another width, board or network$",
    ):
        found.check()


def test_what_fits_is_what_is_within_every_budget() -> None:
    """All designs, boards and widths: lacking names those resources, and only those, that exceed the board's."""
    seen = set()
    for design in map(load_design, builtin_names()):
        for board in BOARDS.values():
            for width in WIDTHS:
                found = estimate(design, board, width)
                over = {field for field in RESOURCES if getattr(found.total, field) > getattr(board.budget, field)}
                assert [each.split()[1] for each in found.lacking] == [RESOURCES[f] for f in RESOURCES if f in over]
                seen.add(bool(over))
    assert seen == {True, False}


def test_the_port_sets_the_pace_of_raw_frames_on_wide_kernels() -> None:
    """By hand: 256 x 256 pixels of 4 bytes through 16 bytes a clock at 200 MHz."""
    found = estimate(load_design("qatom128"), board_named("kv260"), 8)
    assert found.raw.bytes_per_cell == 262_144
    assert found.raw.cells_per_second == pytest.approx(200e6 / 8_192)
    assert found.raw.port_share == pytest.approx(2.0)
    assert found.raw.through_port_per_second == pytest.approx(3.2e9 / 262_144)
    assert found.binned.bytes_per_cell == 65_536


def test_samples_of_more_than_a_byte_take_two() -> None:
    design = load_design("qatom128")
    twelve = replace(design, instrument=replace(design.four_angle, adc_bits=12))
    assert estimate(twelve, board_named("kv260"), 1).raw.bytes_per_cell == 524_288


def test_a_width_or_board_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match=r"a width of 3 samples a clock is asked for; 1, 2, 4 and 8 are supported"):
        estimate_retrieval(SMALL, 3)
    with pytest.raises(InputError, match=r"there is no board named de10; choose one of pynq-z2, kv260, zcu104"):
        board_named("de10")


def test_the_verb_tells_every_board_and_width(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    ESTIMATE.add_arguments(parser)
    ESTIMATE.run(parser.parse_args(["--design", "qatom128", "--json"]))
    read = json.loads(capsys.readouterr().out)
    assert [(each["board"], each["retrieval"]["width"]) for each in read] == [
        (board, width) for board in BOARDS for width in WIDTHS
    ]
    ESTIMATE.run(parser.parse_args(["--design", "qatom128"]))
    text = capsys.readouterr().out
    assert "Does not fit with its network: pynq-z2 at 2 samples a clock needs" in text
    assert "Does not fit with its network: kv260 at 4" not in text
