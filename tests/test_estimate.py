"""Estimates made before anything is built are counted afterwards: clocks by simulation, area by yosys."""

from __future__ import annotations

import argparse
import functools
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cytogate.hls.network.convert import convert
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.design.boards import BOARDS, RESOURCES, Area, board_named
from cytogate.model.design.design import CAUSAL, SAMPLES_PER_CLOCK, Chip, Design, Network, Window, binned
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.design.instruments import BrightField, FourAngle, OffAxis
from cytogate.model.design.new import KINDS, new_design
from cytogate.model.design.topologies import PUBLISHED, Compact, Meng2017, Published
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import area_report
from cytogate.model.estimates.codes import BINNING_FF, BINNING_LUT, RAW_FF, estimate_codes
from cytogate.model.estimates.moments import moments_area
from cytogate.model.estimates.network import estimate_network
from cytogate.model.estimates.retrieval import estimate_retrieval, retrieval_modules
from cytogate.model.estimates.shapes import (
    Convolution,
    Dense,
    Input,
    Join,
    Layer,
    Map,
    NetworkShapes,
)
from cytogate.model.estimates.system import SystemEstimate, check_fit, estimate, fit_board, fit_boards
from cytogate.model.interface.registers import Register
from cytogate.model.networks import compact, dcnn
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.reading.reader import read_exactly, read_network
from cytogate.model.networks.shapes import network_shapes, shapes_of
from cytogate.model.verbs import ESTIMATE, _print_largest_phase
from cytogate.sim.area.tools import Synthesis, synthesize, synthesize_module
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.layers import (
    EXACT,
    Part,
    bits,
    classifier,
    convolution,
    dense,
    fire,
    rectified,
    residual,
    rounded,
    separated,
)
from tests.phantoms import noise
from tests.test_networks import exact_network
from tests.test_papers import settled

full = pytest.mark.full

FITTED_RESIDUAL = 0.02
"""Largest relative difference from yosys's counts that the fit has left."""


shapes_in = functools.lru_cache(network_shapes)
"""Building a network takes a second or two."""


def planned(design: Design, board: str, samples_per_clock: int) -> SystemEstimate:
    """Estimate a design with its own network."""
    return estimate(design, board_named(board), samples_per_clock, shapes_in(design))


def arriving(size: int) -> Design:
    """A design whose frames arrive at N x N."""
    return Design(f"arriving{size}", window=Window(size, size, 1), instrument=FourAngle(rows=size, columns=size))


SMALL = arriving(64)
WINDOW = Design("window64", window=Window(64, 64, 2), instrument=FourAngle(rows=128, columns=128))
"""Raw frames without a margin around the window."""


def counted(design: Design, samples: int, cells: int, builds: Path) -> tuple[int, list[int]]:
    """Latency of a frame that comes alone, and intervals of ``cells`` that come back to back."""
    kernel = RtlSimulation(design, builds / f"rtl_{design.name}", samples)
    kernel.play(*kernel.beats(noise(design, 1, seed=5)), 1)
    alone = kernel.read(Register.LATENCY_CYCLES)
    kernel.reset()
    played = kernel.play(*kernel.beats(noise(design, cells, seed=6)), cells)
    beats = design.size**2 // samples
    kernel.close()
    return alone, [int(after - before) for before, after in pairwise(played.out_cycles[beats - 1 :: beats])]


@pytest.mark.parametrize(
    ("size", "samples"),
    [
        (64, 1),
        *(pytest.param(64, samples, marks=full) for samples in (2, 4, 8)),
        *(pytest.param(128, samples, marks=full) for samples in SAMPLES_PER_CLOCK),
        pytest.param(256, 1, marks=full),
    ],
)
def test_clocks_are_those_that_are_counted(size: int, samples: int, builds: Path) -> None:
    design = arriving(size)
    latency, intervals = counted(design, samples, 4, builds)
    predicted = estimate_retrieval(design, samples)
    assert latency == predicted.latency_cycles
    assert intervals == [predicted.interval_cycles] * 3


@full
@pytest.mark.parametrize("samples", [1, 4])
def test_raw_frames_are_paced_by_their_pixels(samples: int, builds: Path) -> None:
    _, intervals = counted(WINDOW, samples, 4, builds)
    assert intervals == [estimate_retrieval(WINDOW, samples).raw_interval_cycles] * 3


def by_module(found: Synthesis) -> dict[str, tuple[float, float]]:
    """DSP and block RAM of all instances of each module that has any."""
    sums: dict[str, Area] = {}
    for row in found.modules:
        for _ in range(row.instances):
            sums[row.name] = sums.get(row.name, Area()) + row.area
    return {name: (area.dsp, area.bram36) for name, area in sums.items() if area.dsp or area.bram36}


FOLDED = {("qatom64", 8): {"bright_field": (0.0, 18.5)}}
"""Where yosys folds the last row of a memory's blocks: the estimate says 20."""


def predicted_by_module(design: Design, samples: int) -> dict[str, tuple[float, float]]:
    modules = retrieval_modules(design, samples)
    return {name: (area.dsp, area.bram36) for name, area in modules.items() if area.dsp or area.bram36}


@pytest.mark.parametrize(
    ("module", "copies"), [pytest.param("transform", 4, marks=full), ("quotient", 1), ("surface_fit", 1)]
)
def test_a_module_has_the_area_that_yosys_counts(module: str, copies: int, tmp_path: Path) -> None:
    found = synthesize_module(SMALL, rtl_sources(module), module, {}, tmp_path)
    predicted = retrieval_modules(SMALL, 1)[module]
    assert (copies * found.area.dsp, copies * found.area.bram36) == (predicted.dsp, predicted.bram36)
    assert predicted.dsp > 0


@full
@pytest.mark.parametrize(
    ("name", "samples"), [(name, samples) for name in ("qatom64", "qatom128") for samples in SAMPLES_PER_CLOCK]
)
def test_the_kernel_has_the_area_that_yosys_counts(name: str, samples: int, builds: Path) -> None:
    """DSP and block RAM of every module exactly, LUT and FF of the whole within what the fit leaves."""
    design = binned(load_design(name))
    found = synthesize(design, samples, builds / f"synth-{design.name}")
    assert by_module(found) == predicted_by_module(design, samples) | FOLDED.get((name, samples), {})
    predicted = estimate_retrieval(design, samples).area
    assert found.area.dsp == predicted.dsp
    assert found.area.bram36 <= predicted.bram36
    assert predicted.lut == pytest.approx(found.area.lut, rel=FITTED_RESIDUAL)
    assert predicted.ff == pytest.approx(found.area.ff, rel=FITTED_RESIDUAL)


@full
def test_binning_on_the_device_costs_what_yosys_counts(builds: Path) -> None:
    design = load_design("qatom64")
    found = synthesize(design, 1, builds / f"synth-{design.name}")
    assert by_module(found) == predicted_by_module(design, 1)


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "meng2017": lambda: exact_network(Meng2017(), 64),
    "compact": lambda: settled(compact.compact(Compact(), (40, 40, 2), 7, quantized=True)),
    "dcnn": lambda: settled(dcnn.quantized_network(dcnn.Dcnn().scaled(32, 0.25))),
    "ways that part": lambda: classifier(residual, separated, fire),
    "contrast": lambda: build(load_design("qatom64"), quantized=True),
}
"""Normalization behind and before pooling; two inputs that a Concatenate joins; ways that part and join again.

Those of the default network part, and each takes the whole map in before they join.
"""


@pytest.mark.parametrize(("name", "board"), [*((name, "kv260") for name in NETWORKS), ("meng2017", "pynq-z2")])
def test_layers_and_streams_are_those_that_hls4ml_writes(name: str, board: str, tmp_path: Path) -> None:
    """Reuse factors, and depth, values and bits of every stream, from the text of the project."""
    network, design = read_exactly(NETWORKS[name]()), replace(load_design("qatom64"), chip=Chip(board))
    predicted = estimate_network(shapes_of(network), board_named(board).network_clocks_per_pixel)
    project = convert(network, design, tmp_path / "project")
    code, settings, types = (
        (project.folder / "firmware" / name).read_text() for name in (f"{project.top}.cpp", "parameters.h", "defines.h")
    )
    products = re.findall(r"nnet::dense_config \{.*?reuse_factor = (\d+)", settings, re.DOTALL)
    assert sorted(map(int, products)) == sorted(layer.reuse for layer in predicted.layers)
    widths = {
        name: int(bits) * int(count)
        for bits, count, name in re.findall(r"nnet::array<ap_u?fixed<(\d+),.*>, (\d+)\*1> (\w+)_t;", types)
    }
    kinds = {stream: kind for kind, stream in re.findall(r"hls::stream<(\w+)_t> (\w+)\(", code)}
    streams = [(kinds[name], depth) for name, depth in re.findall(r"HLS STREAM variable=(\w+) depth=(\d+)", code)]
    assert sorted((widths[name], int(depth)) for name, depth in streams) == sorted(
        (row.width, row.depth) for row in predicted.streams
    )
    assert len(streams) > 8


@pytest.mark.parametrize(
    "topology", [Compact(), *(Published(name, 1 / 8) for name in PUBLISHED)], ids=lambda it: it.name
)
def test_a_network_is_estimated_before_it_is_trained(topology: Compact | Published) -> None:
    """Of all topologies, as the folder that `new` writes has one; training adds and takes away no layer."""
    camera = BrightField(("bright field", "dark field"), 0.5, 0.5, 8, 48, 48)
    design = Design("own", camera, Window(32, 32, 1), Network(("small", "large"), topology))
    shapes = network_shapes(design)
    trained = build(design, quantized=True)
    snap_batch_normalization(trained)
    assert [layer.name for layer in shapes.layers] == [layer.name for layer in shapes_of(read_exactly(trained)).layers]
    fit = fit_board(design, board_named("kv260"), shapes)
    assert fit.told.startswith("own ")


def test_layers_of_a_rectangle_by_hand() -> None:
    """48 x 40 pixels of 2 channels: 3x3 kernels with stride 2 and padding below and right, then 4 classes."""
    shapes = NetworkShapes(
        "by-hand",
        (
            Input("pixels", (), Map(48, 40, 2, 8)),
            Convolution("convolution", ("pixels",), Map(24, 20, 6, 19), 8, 19, (3, 3), (1, 1)),
            Dense("logits", ("convolution",), Map(1, 1, 4, 24), 8, 24),
        ),
    )
    found = estimate_network(shapes, 1)
    first, last = found.layers
    assert (first.inputs, first.outputs, first.positions, first.pixels) == (18, 6, 480, 49 * 41)
    assert (first.reuse, first.multipliers, first.cycles) == (3, 36, 49 * 41 + 480 * 3)
    assert (last.inputs, last.outputs, last.positions, last.pixels) == (480 * 6, 4, 1, 480)
    assert found.interval_cycles == max(first.cycles, last.cycles)
    assert found.latency_cycles == first.reuse + last.reuse
    assert [(row.width, row.depth) for row in found.streams] == [(16, 41), (6 * 19, 480)]


def test_shapes_that_are_no_network_are_refused() -> None:
    vector = Map(1, 1, 4, 8)
    for layers, said in (
        ((), "has no input"),
        ((Input("a", (), vector), Layer("b", ("c",), vector)), "layer b reads c, which is no layer before it"),
        ((Input("a", (), vector), Layer("a", ("a",), vector)), "layer a is there twice"),
    ):
        with pytest.raises(InputError, match=f"^network wrong: {said}$"):
            NetworkShapes("wrong", layers)


def test_codes_by_hand() -> None:
    """Two channels of 12 bits, 48 x 64 pixels binned 2 x 2, 4 samples per clock."""
    found = estimate_codes(channels=2, rows=48, columns=64, binning=2, bits=12, samples_per_clock=4)
    assert (found.interval_cycles, found.raw_interval_cycles) == (48 * 16, 96 * 32)
    assert (found.area.dsp, found.area.bram36) == (8, 0)
    wide = estimate_codes(channels=8, rows=48, columns=510, binning=4, bits=16, samples_per_clock=4)
    assert (wide.interval_cycles, wide.raw_interval_cycles) == (48 * 128, 192 * 510)
    # 21 x 19 bits are two slices; a memory of 128 sums of 32 values of 20 bits is 18 block RAMs of 18 kbit.
    assert (wide.area.dsp, wide.area.bram36) == (64, 9)
    assert estimate_codes(1, 48, 48, 1, 8, 1).area.bram36 == 0


@full
@pytest.mark.parametrize("samples_per_clock", [1, 4])
def test_binning_has_about_the_logic_that_yosys_counts(samples_per_clock: int, builds: Path) -> None:
    """Of the binning's four channels, without what follows it: a hint that the estimate's bits are right."""
    design = load_design("qatom128")
    found = synthesize_module(
        design, rtl_sources("binning"), "binning", {"SAMPLES": samples_per_clock}, builds / "synth-binning"
    )
    values = 4 * samples_per_clock
    assert found.area.lut == pytest.approx(values * BINNING_LUT * 10 + 192, rel=0.15)
    assert found.area.ff == pytest.approx(values * (RAW_FF * 8 + BINNING_FF * 10) + 44, rel=0.15)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != OffAxis.kind])
def test_a_new_design_fits_every_board(kind: str, tmp_path: Path) -> None:
    design = load_design(new_design(tmp_path / "mine", None, kind))
    for fit in fit_boards(design, shapes_in(design)):
        assert fit.samples_per_clock is not None, fit.told


def test_moments_cost_what_is_counted_in_their_text() -> None:
    """Of 96 x 96 pixels: 3 products a pixel; 13 a row, two of them wider than a multiplier; 5 multipliers a cell."""
    area = moments_area(96, 96)
    text = (FPGA / "src" / "mask_moments.hpp").read_text(encoding="utf-8")
    products = re.findall(r"= (?:row\.\w+ \* y\.\w+|above \* [\w.]+);", text)
    assert len(products) == 3 + 13
    assert area.dsp == 3 + (13 + 2) + (3 + 1 + 1 + 1)
    assert area.bram36 == 0.5


@pytest.mark.parametrize("name", ["qatom64", "qatom128"])
def test_the_default_boards_hold_retrieval_and_network(name: str) -> None:
    """On each board at the samples per clock that are meant for it."""
    design = binned(load_design(name))
    for board, numbers in (("pynq-z2", (1,)), ("kv260", (1, 2, 4)), ("zcu104", SAMPLES_PER_CLOCK)):
        for number in numbers:
            check_fit(design, board_named(board), number, shapes_in(design))


def test_the_small_board_keeps_a_third_for_the_network() -> None:
    design, budget = binned(load_design("qatom128")), board_named("pynq-z2").budget
    areas = [estimate_retrieval(design, number).area for number in SAMPLES_PER_CLOCK]
    assert [max(area.dsp / budget.dsp, area.bram36 / budget.bram36) <= 2 / 3 for area in areas] == [True] + [False] * 3


@pytest.mark.parametrize(
    ("design", "number", "said"),
    [
        ("qatom128", 2, "qatom128 at 2 samples per clock needs 284 DSP; pynq-z2 has 220 (estimated). "
                        "It fits at 1 sample per clock"),
        ("qatom128", 4, "qatom128 at 4 samples per clock needs 68,900 LUT and 462 DSP; pynq-z2 has 53,200 and 220 "
                        "(estimated). It fits at 1 sample per clock"),
        ("qatom256", 1, "qatom256 at 1 sample per clock needs 296.5 BRAM36; pynq-z2 has 140 (estimated). No number of "
                        "samples per clock fits; choose another board, window or network"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_does(design: str, number: int, said: str) -> None:
    found = load_design(design)
    with pytest.raises(InputError) as raised:
        check_fit(found, board_named("pynq-z2"), number, shapes_in(found))
    assert str(raised.value) == said


def test_what_fits_is_what_is_within_every_budget() -> None:
    """All designs, boards and samples per clock: lacking names those resources, and only those, beyond the board's."""
    seen = set()
    for design in map(load_design, builtin_names()):
        for fit in fit_boards(design, shapes_in(design)):
            budget = board_named(fit.board).budget
            fitting = []
            for found in fit.estimates:
                used = found.front_end.uram_area if budget.uram else found.front_end.area
                total = used + found.network.area
                over = [RESOURCES[field] for field in RESOURCES if getattr(total, field) > getattr(budget, field)]
                assert list(found.area.lacking) == over
                seen.add(bool(over))
                if not over:
                    fitting.append((-found.cells_per_second, found.samples_per_clock))
            assert fit.samples_per_clock == (min(fitting)[1] if fitting else None)
    assert seen == {True, False}


def test_sentences() -> None:
    """What fits and how fast, and why not at more samples per clock."""
    designs = {name: load_design(name) for name in ("qatom128", "qatom256")}
    told = {
        (name, board): fit_board(design, board_named(board), shapes_in(design)).told
        for name, design in designs.items()
        for board in BOARDS
    }
    assert told["qatom128", "pynq-z2"] == (
        "qatom128 fits pynq-z2 at 1 sample per clock: 963 cells/s (limited by the network), 1,300 us from the last "
        "pixel to the class, 59 % of its LUT, 30 % of its FF, 89 % of its DSP and 67 % of its BRAM36. At 2 samples per "
        "clock it needs 284 DSP; pynq-z2 has 220."
    )
    assert told["qatom128", "kv260"].endswith("At 8 samples per clock it needs 124,167 LUT; kv260 has 117,120.")
    assert told["qatom128", "zcu104"].startswith("qatom128 fits zcu104 at 4 samples per clock: 6,688 cells/s (limited")
    assert told["qatom128", "zcu104"].endswith("of its URAM. At 8 samples per clock it is no faster.")
    assert told["qatom256", "pynq-z2"] == (
        "qatom256 does not fit pynq-z2: at 1 sample per clock it needs 296.5 BRAM36; pynq-z2 has 140."
    )


def test_the_area_report_compares_each_resource() -> None:
    report = area_report(board_named("pynq-z2"), "by hand", Area(lut=53_200, ff=1_064, dsp=221, bram36=140.5, uram=2))
    assert report.percent == {"LUT": 100, "FF": 1, "DSP": pytest.approx(100 * 221 / 220), "BRAM36": 100 * 140.5 / 140}
    assert report.lacking == {"DSP": 1, "BRAM36": 0.5, "URAM": 2}
    assert report.needs == "needs 221 DSP, 140.5 BRAM36 and 2 URAM; pynq-z2 has 220, 140 and 0"


def test_the_pace_is_that_of_the_slowest() -> None:
    """Whole frames of 305 x 305 pixels of 4 bytes; a network of one product a pixel is never the slowest."""
    design = load_design("qatom128")
    tiny = NetworkShapes(
        "tiny",
        (Input("pixels", (), Map(8, 8, 1, 8)), Dense("logits", ("pixels",), Map(1, 1, 2, 20), 8, 20)),
    )
    whole = estimate(design, board_named("kv260"), 1, tiny)
    assert (whole.limited_by, whole.cells_per_second) == ("raw pixels", pytest.approx(200e6 / 305**2))
    wide = estimate(design, board_named("kv260"), 8, tiny)
    assert (wide.limited_by, wide.cells_per_second) == ("memory port", pytest.approx(3.2e9 / (305 * 312 * 4)))
    ready = estimate(binned(design), board_named("kv260"), 2, tiny)
    assert (ready.limited_by, ready.cells_per_second) == ("phase retrieval", pytest.approx(200e6 / 8_218))
    own = estimate(binned(design), board_named("kv260"), 2, shapes_in(design))
    assert (own.limited_by, own.cells_per_second) == ("network", pytest.approx(200e6 / 28_036))
    behind = own.network.interval_cycles - 128 * 128 // 2 + own.network.latency_cycles
    assert own.latency_us == pytest.approx(own.front_end_latency_us + behind / 200)


def test_the_port_sets_the_pace_of_raw_frames_at_many_samples_per_clock() -> None:
    """By hand: 256 x 256 pixels of 4 bytes through 16 bytes a clock at 200 MHz."""
    found = planned(load_design("qatom128"), "kv260", 8)
    assert found.raw.bytes_per_cell == 262_144
    assert found.raw.cells_per_second == pytest.approx(200e6 / 8_192)
    assert found.raw.port_share == pytest.approx(2.0)
    assert found.raw.through_port_per_second == pytest.approx(3.2e9 / 262_144)
    assert found.binned.bytes_per_cell == 65_536


def test_the_clock_is_the_design_s_on_its_own_board() -> None:
    slow = replace(load_design("qatom128"), chip=Chip("kv260", clock_mhz=125.0))
    assert (planned(slow, "kv260", 1).clock_mhz, planned(slow, "pynq-z2", 1).clock_mhz) == (125, 100)


def test_samples_of_more_than_a_byte_take_two() -> None:
    design = load_design("qatom128")
    twelve = replace(design, instrument=replace(design.four_angle, adc_bits=12))
    assert planned(twelve, "kv260", 1).raw.bytes_per_cell == 524_288


def test_a_board_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match=r"there is no board named de10; choose one of pynq-z2, kv260, zcu104"):
        board_named("de10")


def test_the_verb_tells_every_board(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    ESTIMATE.add_arguments(parser)
    ESTIMATE.run(parser.parse_args(["--design", "qatom128", "--json"]))
    read = json.loads(capsys.readouterr().out)
    assert [(each["board"], each["samples_per_clock"]) for each in read] == [
        ("pynq-z2", 1),
        ("kv260", 4),
        ("zcu104", 4),
    ]
    assert [found["samples_per_clock"] for each in read for found in each["estimates"]] == [*SAMPLES_PER_CLOCK] * 3
    assert read[1]["estimates"][3]["area"]["lacking"] == {"LUT": 124_167 - 117_120}
    at_four = read[2]["rtl_engines"][2]
    assert (at_four["interval_cycles"], at_four["latency_cycles"], at_four["fits"]) == (4096, 479, True)
    ESTIMATE.run(parser.parse_args(["--design", "qatom128"]))
    text = capsys.readouterr().out
    for each in read:
        assert each["told"] in text
    assert "Estimated before anything is built" in text
    assert 'Beyond 16 rad of either sign the phase is saturated (law "fft").\n' in text


def test_the_verb_tells_of_phases_that_the_law_cannot_hold(capsys: pytest.CaptureFixture[str]) -> None:
    design = load_design("qatom256")
    pitch = design.four_angle.pixel_pitch_x_um / 4
    fine = replace(design.four_angle, pixel_pitch_x_um=pitch, pixel_pitch_y_um=pitch)
    _print_largest_phase(replace(design, instrument=fine, chip=replace(design.chip, retrieval=CAUSAL)))
    told = capsys.readouterr().out
    assert told.startswith('Beyond 3.65 rad of either sign the phase is saturated (law "causal"). The network sees')
    assert told.endswith(
        'up to 6.97 rad: use coarser pixels, a larger binning or the law "fft" for cells that reach them.\n'
    )


def flat(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Flatten()(rounded(bits(4, 1))(convolution()(x)))


def vector_between(shape: tuple[int, int, int]) -> tuple[Part, ...]:
    return keras.layers.Flatten(), dense(math.prod(shape)), rounded(rectified()), keras.layers.Reshape(shape)


def seen() -> tuple[Part, ...]:
    return convolution(), rounded(rectified())


RESHAPED: dict[str, tuple[Part, ...]] = {
    "first": (keras.layers.Reshape((4, 16, 2)), *seen()),
    "between convolutions": (*seen(), keras.layers.Reshape((4, 16, 2)), *seen()),
    "to more channels": (*seen(), keras.layers.Reshape((8, 4, 4)), *seen()),
    "to fewer channels": (convolution(4), rounded(rectified()), keras.layers.Reshape((8, 16, 2)), *seen()),
    "to channels that divide none": (convolution(3), rounded(rectified()), keras.layers.Reshape((8, 12, 2)), *seen()),
    "before a pooling": (*seen(), keras.layers.Reshape((4, 16, 2)), keras.layers.MaxPooling2D(2)),
    "before zeros": (
        *seen(),
        keras.layers.Reshape((4, 16, 2)),
        keras.layers.ZeroPadding2D(1),
        convolution(padding="valid"),
    ),
    "of a vector to a map": (*seen(), *vector_between((4, 4, 2)), *seen()),
    "to a vector and back": (keras.layers.Flatten(), keras.layers.Reshape((4, 16, 2)), *seen()),
    "before a rounding": (*seen(), keras.layers.Flatten(), rounded(bits(4, 2))),
    "before a sum": (
        lambda x: keras.layers.Add()(
            [keras.layers.Flatten()(rounded(bits(4, 1))(convolution(name=name)(x))) for name in "ab"]
        ),
        rounded(bits(6, 2)),
    ),
    "last": (*seen(), keras.layers.Flatten(), dense(4), keras.layers.Reshape((2, 2, 1))),
}


@pytest.mark.parametrize("name", [*RESHAPED, *EXACT])
def test_layers_read_the_shapes_that_operations_read(name: str) -> None:
    network = read_network(classifier(*RESHAPED[name]) if name in RESHAPED else EXACT[name]()).network
    shapes, compared = shapes_of(network), 0
    for layer in shapes.layers:
        for told, due in zip(layer.reads, network[layer.name].reads, strict=True):
            shape, read = network[due].shape, next(each.writes for each in shapes.layers if each.name == told)
            if isinstance(layer, Convolution):
                read = layer.entering(read)
            if isinstance(layer, (Dense, Join)) and len(shape) == 1:
                assert read.pixels * read.channels == shape[0], layer.name
            else:
                assert (read.rows, read.columns, read.channels) == (shape if len(shape) == 3 else (1, 1, *shape))
            compared += 1
    assert compared >= 2
