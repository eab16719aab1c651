"""The Tcl files one mistake at a time: the stand-ins for Vitis and Vivado must see each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cytogate.hls.board import build as board_build
from cytogate.hls.board import job as bitstream
from cytogate.hls.board.job import run_bitstream
from cytogate.model.errors import InputError
from tests.stand_ins import request, use_stand_ins

MISTAKES = {
    "part differs": (
        "kernel.tcl",
        "set_part $settings::part",
        "set_part xc7z010clg400-1",
        "part xc7z010clg400-1 is unknown",
    ),
    "no part": ("kernel.tcl", "set_part $settings::part\n", "", "csynth_design comes before set_part"),
    "no clock": (
        "kernel.tcl",
        "create_clock -period $settings::period_ns\n",
        "",
        "csynth_design comes before create_clock",
    ),
    "source missing": (
        "kernel.tcl",
        "add_files $source",
        "add_files $source.cc",
        "there is no file .*retrieve_phase.cpp.cc",
    ),
    "include missing": ("kernel.tcl", '" -I$folder"', '" -I$folder/none"', "there is no file .*/none"),
    "top differs": (
        "kernel.tcl",
        "set_top $kernel",
        "set_top classifier",
        "no source holds the top function classifier",
    ),
    "export before synthesis": (
        "kernel.tcl",
        "csynth_design\nexport_design",
        "export_design\ncsynth_design",
        "export_design comes before csynth_design",
    ),
    "an option of nowhere": ("kernel.tcl", "-name_max_length", "-max_name_length", "has no option -max_name_length"),
    "a command of nowhere": (
        "kernel.tcl",
        "config_compile",
        "config_compiler",
        'invalid command name "config_compiler"',
    ),
    "IP of another name": (
        "kernel.tcl",
        "-library kernels",
        "-library kernel",
        "the catalog has no cytogate:kernels:retrieve_phase",
    ),
    "part of the project": ("system.tcl", "-part $settings::part", "-part xck26", "part xck26 is unknown"),
    "no IP": ("system.tcl", "update_ip_catalog\n", "", "create_bd_design comes before update_ip_catalog"),
    "catalog before folders": (
        "system.tcl",
        "set_property ip_repo_paths $settings::ip_folders [current_project]\nupdate_ip_catalog",
        "update_ip_catalog\nset_property ip_repo_paths $settings::ip_folders [current_project]",
        "update_ip_catalog comes before ip_repo_paths",
    ),
    "modules unknown": (
        "system.tcl",
        "update_compile_order -fileset sources_1\n",
        "",
        "create_bd_design comes before update_compile_order",
    ),
    "no sources": (
        "system.tcl",
        "add_files -norecurse $settings::rtl_sources\n",
        "",
        "no file that was added holds the module",
    ),
    "no tables' folder": (
        "system.tcl",
        "set_property is_global_include true [get_files $settings::rom_header]\n",
        "",
        "rom_folder.vh has no is_global_include",
    ),
    "implementation first": (
        "system.tcl",
        "source [file join $scripts block_design.tcl]\nsource [file join $scripts implement.tcl]",
        "source [file join $scripts implement.tcl]\nsource [file join $scripts block_design.tcl]",
        "no file system.bd was added",
    ),
    "SystemVerilog in the block design": (
        "block_design.tcl",
        "bd::block stream_unit stream_unit_block",
        "bd::block stream_unit stream_unit",
        "is no Verilog",
    ),
    "a setting of nowhere": (
        "block_design.tcl",
        "CONFIG.c_sg_length_width",
        "CONFIG.c_sg_length",
        "no setting c_sg_length",
    ),
    "no board": (
        "system.tcl",
        "set_property board_part $board_part [current_project]\n",
        "",
        "apply_bd_automation comes before board_part",
    ),
    "a board of nowhere": ("system.tcl", "$settings::board_part:*", "$settings::part:*", "has no board file .*pynq-z2"),
    "the preset of another processor": (
        "block_design.tcl",
        "bd_rule:processing_system7",
        "bd_rule:zynq_ultra_ps_e",
        "is no rule of processor",
    ),
    "no preset": ("block_design.tcl", ' apply_board_preset "1" Master', " Master", "no board_preset is applied"),
    "memory pins left": ("block_design.tcl", '"FIXED_IO, DDR"', '"FIXED_IO"', "processor/DDR is open"),
    "a cell twice": (
        "block_design.tcl",
        "bd::ip to_registers",
        "bd::ip to_memory",
        "there is a cell to_memory already",
    ),
    "kernel in the wrong reset": (
        "block_design.tcl",
        "    lappend kernel_resets classify/ap_rst_n\n",
        "",
        "pin classify/ap_rst_n is open",
    ),
    "an interrupt forgotten": ("block_design.tcl", "bd::net axi_dma/s2mm_introut interrupts/In1\n", "", "In1 is open"),
    "interrupt bus": (
        "block_design.tcl",
        "CONFIG.C_IRQ_CONNECTION 1",
        "CONFIG.C_IRQ_CONNECTION 0",
        "no pin axi_intc/irq",
    ),
    "scatter and gather": (
        "block_design.tcl",
        "CONFIG.c_include_sg 0",
        "CONFIG.c_include_sg 1",
        "axi_dma/M_AXI_SG is open",
    ),
    "one port short": (
        "block_design.tcl",
        "NUM_MI [expr {4 + $holograms}]",
        "NUM_MI [expr {3 + $holograms}]",
        "no bus to_registers/M03_AXI",
    ),
    "logits back to front": (
        "block_design.tcl",
        "bd::bus classify/logits stream_unit/s_logits",
        "bd::bus stream_unit/s_logits classify/logits",
        "does not go with",
    ),
    "narrow beats": (
        "block_design.tcl",
        "c_m_axis_mm2s_tdata_width $beat_bits",
        "c_m_axis_mm2s_tdata_width 16",
        "has 16 bits and",
    ),
    "memory past the port": (
        "block_design.tcl",
        "CONFIG.PCW_USE_S_AXI_HP0 1",
        "CONFIG.PCW_USE_S_AXI_HP0 0",
        "no bus processor/S_AXI_HP0",
    ),
    "a reset for a clock": (
        "block_design.tcl",
        "bd::net $clock {*}",
        "bd::net $reset {*}",
        "FCLK_RESET0_N, which is no clock",
    ),
    "not validated": ("block_design.tcl", "validate_bd_design\n", "", "save_bd_design comes before validate_bd_design"),
    "no addresses": (
        "block_design.tcl",
        "assign_bd_address\n",
        "",
        "validate_bd_design comes before assign_bd_address",
    ),
    "no synthesis": ("implement.tcl", "run_to_the_end synth_1\n", "", "launch comes before waited_synth_1"),
    "no bitstream": ("implement.tcl", "-to_step write_bitstream", "-to_step route_design", "system_wrapper.bit"),
    "report of nothing": ("implement.tcl", "open_run impl_1\n", "", "report_timing_summary comes before open_run"),
    "no report": ("implement.tcl", "report_timing_summary", "# report_timing_summary", "left no results/timing.rpt"),
    "another top": (
        "implement.tcl",
        "set_property top system_wrapper",
        "set_property tops system_wrapper",
        "no property tops",
    ),
}


ON_ULTRASCALE = {
    "preset behind the settings": (
        "block_design.tcl",
        "bd::ip resets",
        'apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset "1"} '
        "[get_bd_cells processor]\nbd::ip resets",
        "there is no bus processor/S_AXI_HP0_FPD",
    ),
    "a clock of another PLL": (
        "block_design.tcl",
        "PL0_REF_CTRL__SRCSEL IOPLL",
        "PL0_REF_CTRL__SRCSEL DPLL",
        "pl_clk0 comes from DPLL",
    ),
    "low addresses alone": (
        "block_design.tcl",
        "PSU__HIGH_ADDRESS__ENABLE 1",
        "PSU__HIGH_ADDRESS__ENABLE 0",
        "axi_dma/Data_MM2S does not reach memory beyond 2 GB",
    ),
}
"""On a Zynq UltraScale+."""


@pytest.mark.parametrize("name", [*MISTAKES, *ON_ULTRASCALE])
def test_a_mistake_is_seen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_stand_ins(tmp_path, monkeypatch)
    script, right, wrong, said = (MISTAKES | ON_ULTRASCALE)[name]
    scripts = shutil.copytree(board_build.TCL, tmp_path / "tcl")
    text = (scripts / script).read_text(encoding="ascii")
    assert right in text, f"{script} holds no {right}"
    (scripts / script).write_text(text.replace(right, wrong, 1), encoding="ascii")
    for module in (board_build, bitstream):
        monkeypatch.setattr(module, "TCL", scripts)
    asked = ("kv260", "rtl", 4) if name in ON_ULTRASCALE else ("pynq-z2", "hls" if script == "kernel.tcl" else "rtl", 1)
    with pytest.raises(InputError, match=said):
        run_bitstream(request(tmp_path, *asked))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["build"]
