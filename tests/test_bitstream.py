"""The bitstream flow from end to end with stand-ins for Vitis and Vivado, whose results are made up.

Nothing here says anything about the vendor's tools themselves.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.board import build as board_build
from cytogate.hls.board import job as bitstream
from cytogate.hls.board.job import BitstreamReport, BitstreamRequest, run_bitstream
from cytogate.hls.board.reports import read_kernel, read_timing, read_utilization
from cytogate.hls.board.vendor import find_tools
from cytogate.hls.contract.constants import design_hash
from cytogate.model.command.arguments import with_chip
from cytogate.model.command.dispatch import main
from cytogate.model.command.requests import ENDING
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import Chip, Design, Network, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField
from cytogate.model.design.topologies import Compact
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.estimates.area import AreaReport
from cytogate.model.interface.bundle import REFERENCE, read_bundle
from cytogate.model.networks import saved
from tests.conftest import REPOSITORY
from tests.holograms import write_calibrated
from tests.pipelines import small_network
from tests.stand_ins import install, network, recorded, request, use_stand_ins


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-ins on PATH and return the file in which they record."""
    return use_stand_ins(tmp_path, monkeypatch)


SYSTEMS = {
    ("pynq-z2", "hls", 1): ("xc7z020clg400-1", 100.0, 32, 64),
    ("pynq-z2", "rtl", 1): ("xc7z020clg400-1", 100.0, 32, 64),
    ("kv260", "rtl", 4): ("xck26-sfvc784-2LV-c", 200.0, 128, 128),
    ("zcu104", "rtl", 8): ("xczu7ev-ffvc1156-2-e", 187.5, 256, 128),
}
"""Part, clock, bits of a beat, bits of the memory port."""
BOARD_PARTS = {
    "pynq-z2": "tul.com.tw:pynq-z2:part0:1.0",
    "kv260": "xilinx.com:kv260_som:part0:1.4",
    "zcu104": "xilinx.com:zcu104:part0:1.1",
}


@pytest.mark.parametrize(("board", "kernel", "samples"), SYSTEMS)
def test_every_system(board: str, kernel: str, samples: int, tools: Path, tmp_path: Path) -> None:
    """From settings to bundle: parts, clocks, order, cells and connections; manifest and report say the same."""
    part, clock, beat_bits, port_bits = SYSTEMS[board, kernel, samples]
    run_bitstream(request(tmp_path, board, kernel, samples))

    kernels = (["retrieve_phase"] if kernel == "hls" else []) + ["classify"]
    for name in kernels:
        sources = ["retrieve_phase.cpp"] if name == "retrieve_phase" else ["classify.cpp", "net.cpp"]
        assert recorded(tools, name) == [
            "open_project project",
            f"set_top {name}",
            *(f"add_files {source}" for source in sources),
            "open_solution solution",
            f"set_part {part}",
            f"create_clock {1e3 / clock:.4f}",
            "config_rtl reset state",
            "csynth_design",
            f"export_design cytogate:kernels:{name}",
            "exit",
        ]
    calls = recorded(tools, "system")
    assert calls[0] == f"create_project cytogate {part}"
    assert [call for call in calls if call.startswith("board_part ")] == [f"board_part {BOARD_PARTS[board]}"]
    order = [
        "set_msg_config Synth 8-4445 ERROR", "add_files contract_pkg.sv", "add_files rom.sv", "add_files twiddle.mem",
        "property rom_folder.vh is_global_include true",
        "update_ip_catalog " + " ".join(f"cytogate:kernels:{name}:1.0" for name in kernels), "create_bd_design system",
        "assign_bd_address", "validate_bd_design", "save_bd_design", "property system.bd synth_checkpoint_mode None",
        "generate_target all system.bd", "add_files system_wrapper.v", "top system_wrapper", "launch_runs synth_1",
        "launch_runs impl_1 -to_step write_bitstream", "exit",
    ]  # fmt: skip
    assert [call for call in calls if call in order] == order
    # What the driver looks for, by its name.
    assert {"axi_dma", "axi_intc", "front_end", "stream_unit"} <= {
        call.split()[1] for call in calls if call.startswith("cell ")
    }
    assert ("cell narrow xilinx.com:ip:axis_dwidth_converter" in calls) == (samples > 1)
    path = ["axi_dma/M_AXIS_MM2S stream_unit/s_dma", "stream_unit/m_frames front_end/s_axis"]
    path += ["front_end/m_axis classify/pixels"] if samples == 1 else [
        "front_end/m_axis narrow/S_AXIS", "narrow/M_AXIS classify/pixels"
    ]  # fmt: skip
    path += ["classify/logits stream_unit/s_logits", "stream_unit/m_dma axi_dma/S_AXIS_S2MM"]
    buses = [call.removeprefix("bus ") for call in calls if call.startswith("bus ")]
    assert [bus for bus in buses if bus in path] == path
    settings = {tuple(call.split()[1:3]): call.split()[3] for call in calls if call.startswith("config ")}
    project = network(load_design("qatom128"), tmp_path / "again")
    word = int(project.weights_hash[:8], 16)
    assert {
        ("axi_dma", "c_include_sg"): "0",
        ("axi_dma", "c_sg_length_width"): "26",
        ("axi_dma", "c_m_axis_mm2s_tdata_width"): str(beat_bits),
        ("axi_dma", "c_m_axi_mm2s_data_width"): str(max(beat_bits, port_bits)),
        ("stream_unit", "SAMPLES"): str(samples),
        ("stream_unit", "WEIGHTS_HASH"): str(word - (word >> 31 << 32)),
    }.items() <= settings.items()
    assert f"{clock:g}" in {
        settings.get(("processor", name))
        for name in ("PCW_FPGA0_PERIPHERAL_FREQMHZ", "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ")
    }
    resets = {call.split()[2] for call in calls if call.startswith("net stream_unit/stream_aresetn ")}
    assert resets == {"front_end/aresetn", "classify/ap_rst_n"} | ({"narrow/aresetn"} if samples > 1 else set())

    bundle = read_bundle(tmp_path / "out" / f"cytogate-{board}-qatom128.zip")
    manifest = bundle.manifest
    bundle.extract(tmp_path / "extracted")
    assert (tmp_path / "extracted" / "cytogate.bit").read_text() == "made by a stub: no bitstream\n"
    chip = bundle.design.chip
    assert (chip.on.part, chip.clock_mhz, chip.kernel, chip.samples_per_clock) == (part, clock, kernel, samples)
    assert manifest.design_hash == design_hash(load_design("qatom128"))
    assert manifest.weights_hash == project.weights_hash
    assert (manifest.logit_width, manifest.logit_integer_bits) == (21, 7)
    assert (manifest.versions.vivado, manifest.versions.vitis) == ("2024.2", "2024.2")
    assert not manifest.synthetic

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    area = report["area"]
    assert set(area) == {field.name for field in fields(AreaReport)}
    assert area["board"] == board
    assert area["used"] == {"lut": 41210, "ff": 61234, "dsp": 131, "bram36": 73.5, "uram": 0}
    assert area["percent"]["DSP"] == 100 * 131 / BOARDS[board].budget.dsp
    assert ("URAM" in area["percent"]) == (board != "pynq-z2")
    assert [module["name"] for module in area["modules"]] == ["axi_dma", "classify", "retrieve_phase", "stream_unit"]
    assert report["timing"] == {"setup_ns": 0.208, "hold_ns": 0.011, "pulse_width_ns": 1.124, "clock_mhz": clock}
    assert report["fmax_mhz"] == pytest.approx(1e3 / (1e3 / clock - 0.208))
    predicted = {kernel["name"]: (kernel["latency_cycles"], kernel["interval_cycles"]) for kernel in report["kernels"]}
    assert predicted == {name: (34567 if name == "retrieve_phase" else None, 16500) for name in kernels}


def test_part_and_clock_stand_once(tools: Path, tmp_path: Path) -> None:
    run_bitstream(request(tmp_path))
    settings = (tmp_path / "out/build/pynq-z2-qatom128-hls-1/settings.tcl").read_text()
    assert settings.count("xc7z020clg400-1") == 1
    assert re.findall(r"clock_mhz (\S+)|period_ns (\S+)", settings) == [("100", ""), ("", "10.0000")]
    for script in sorted(board_build.TCL.glob("*.tcl")):
        text = script.read_text()
        for board in BOARDS.values():
            assert board.part not in text
            assert not re.search(rf"\b{board.clock_mhz:g}\b(?!%)", text)


def test_another_clock_that_was_timed_fails(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processing system's PLL has made another one than was asked for."""
    monkeypatch.setenv("CYTOGATE_STUB_FAULT", "other_clock")
    with pytest.raises(CheckFailed, match=r"Vivado has timed 93\.75 MHz, and the design has 100 MHz; there is"):
        run_bitstream(request(tmp_path))
    assert not list((tmp_path / "out").glob("*.zip"))


def test_missed_timing_fails(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYTOGATE_STUB_FAULT", "timing")
    with pytest.raises(CheckFailed, match=r"misses its timing at 100 MHz: setup by 0.217 ns; there is no bundle"):
        run_bitstream(request(tmp_path))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["timing"]["setup_ns"] == -0.217
    assert report["fmax_mhz"] < 100
    assert not list((tmp_path / "out").glob("*.zip"))


FAILURES = {
    "crash": r"vivado failed \(exit -11\): .*Abnormal program termination",
    "stuck_synth_1": r"vivado failed \(exit 1\): .*synth_1 ended with: place_design ERROR",
    "stuck_impl_1": r"impl_1 ended with: place_design ERROR",
    "no_board_file": r"Vivado has no board file tul.com.tw:pynq-z2:part0; get it from the board store",
    "no_bitstream": r"vivado failed .*system_wrapper.bit",
    "hls_crash": r"vitis-run failed \(exit 139\): .*internal error in retrieve_phase",
    "no_ip": r"vitis-run ended well but left no project/solution/impl/ip/component.xml",
}


@pytest.mark.parametrize(
    ("law", "module"), [("fft", "retrieval"), ("two-sided", "two_sided_retrieval"), ("causal", "causal_retrieval")]
)
def test_a_network_in_systemverilog(law: str, module: str, tools: Path, tmp_path: Path) -> None:
    """No kernel by Vitis HLS; one block from frames to logits, whose trigger goes to a pin of the board."""
    asked = request(tmp_path, "kv260", "rtl", 4)
    chip = dataclasses.replace(asked.design.chip, network="rtl", retrieval=law)
    run_bitstream(dataclasses.replace(asked, design=dataclasses.replace(asked.design, chip=chip)))
    assert "script kernel.tcl" not in tools.read_text(encoding="utf-8")
    calls = recorded(tools, "system")
    assert {"cell front_end classify_cells_block", "port trigger O", "net front_end/trigger trigger"} <= set(calls)
    assert {"add_files classify_cells.sv", "add_files network_engine.sv", "add_files pins.xdc"} <= set(calls)
    assert not {"cell classify cytogate:kernels:classify:1.0", "cell narrow xilinx.com:ip:axis_dwidth_converter"} & set(
        calls
    )
    assert {"bus stream_unit/m_frames front_end/s_axis", "bus front_end/m_axis stream_unit/s_logits"} <= set(calls)
    resets = {call.split()[2] for call in calls if call.startswith("net stream_unit/stream_aresetn ")}
    assert resets == {"front_end/aresetn"}
    # Every module of the pipeline, and every table, is among the sources.
    added = {call.split()[1] for call in calls if call.startswith("add_files ")}
    assert {"gate.sv", f"{module}.sv", "weighted_sums.sv", "twiddle.mem"} <= added
    assert sum(name.startswith("network_engine_") for name in added) > 10
    (pins,) = (tmp_path / "out").rglob("pins.xdc")
    assert "PACKAGE_PIN H12 IOSTANDARD LVCMOS33} [get_ports trigger]" in pins.read_text(encoding="ascii")
    bundle = read_bundle(tmp_path / "out" / "cytogate-kv260-qatom128.zip")
    assert bundle.design.chip.network == "rtl"


@pytest.mark.parametrize(("kernel", "samples"), [("hls", 1), ("rtl", 4)])
def test_a_system_without_tables(kernel: str, samples: int, tools: Path, tmp_path: Path) -> None:
    """Of bright-field images: nothing is retrieved, so there is no table to add, nor a pin."""
    run_bitstream(request(tmp_path, "kv260", kernel, samples, "student48"))
    added = {call.split()[1] for call in recorded(tools, "system") if call.startswith("add_files ")}
    assert "contract_pkg.sv" in added
    assert not [name for name in added if name.endswith((".mem", ".xdc"))]
    assert (tmp_path / "out" / "cytogate-kv260-student48.zip").exists()


def test_kernels_of_holograms(tools: Path, tmp_path: Path) -> None:
    """Three kernels in C++ between the sides of the registers, the network among them, and a DMA that calibrates."""
    design = write_calibrated(tmp_path / "lab")
    run_bitstream(BitstreamRequest(with_chip(design, "kv260", None, None), None, tmp_path / "out"))
    for kernel in ("retrieve_delay", "classify", "join_field"):
        assert f"set_top {kernel}" in recorded(tools, kernel)
    calls = recorded(tools, "system")
    buses = {call.removeprefix("bus ") for call in calls if call.startswith("bus ")}
    assert {
        "stream_unit/m_frames front_end/s_axis", "front_end/m_core retrieve_delay_core/frames",
        "calibration_dma/M_AXIS_MM2S retrieve_delay_core/calibration", "retrieve_delay_core/records join_field/records",
        "retrieve_delay_core/pixels classify/pixels", "classify/logits join_field/logits",
        "join_field/packet front_end/s_core", "front_end/m_axis stream_unit/s_logits",
        "to_registers/M04_AXI calibration_dma/S_AXI_LITE", "calibration_dma/M_AXI_MM2S to_memory/S02_AXI",
    } <= buses  # fmt: skip
    resets = {call.split()[2] for call in calls if call.startswith("net front_end/core_aresetn ")}
    assert resets == {f"{kernel}/ap_rst_n" for kernel in ("retrieve_delay_core", "classify", "join_field")}
    bundle = read_bundle(tmp_path / "out" / "cytogate-kv260-lab.zip")
    bundle.extract(tmp_path / "extracted")
    assert np.load(tmp_path / "extracted" / REFERENCE).shape == (design.map_size,) * 2


@pytest.mark.parametrize("fault", FAILURES)
def test_a_tool_that_fails(fault: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the log's words, no bundle; the next run takes up behind the last step that ended well."""
    monkeypatch.setenv("CYTOGATE_STUB_FAULT", fault)
    with pytest.raises(InputError, match=FAILURES[fault]) as raised:
        run_bitstream(request(tmp_path))
    assert "\n" not in str(raised.value)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["build"]
    monkeypatch.delenv("CYTOGATE_STUB_FAULT")
    run_bitstream(request(tmp_path))
    assert list((tmp_path / "out").glob("*.zip"))
    scripts = [line for line in tools.read_text().splitlines() if line.startswith("script kernel.tcl")]
    assert len(scripts) == (3 if fault in ("hls_crash", "no_ip") else 2)


def test_finished_steps_are_kept(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_bitstream(request(tmp_path))
    first = tools.read_text()
    bundle = (tmp_path / "out" / "cytogate-pynq-z2-qatom128.zip").read_bytes()
    run_bitstream(request(tmp_path))
    assert tools.read_text() == first
    assert capsys.readouterr().out.count("kept, nothing has changed") == 3
    assert (tmp_path / "out" / "cytogate-pynq-z2-qatom128.zip").read_bytes() == bundle


@pytest.mark.parametrize("fault", ["hls_hang", "hang"])
def test_a_tool_that_hangs_is_stopped(fault: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYTOGATE_STUB_FAULT", fault)
    monkeypatch.setattr(bitstream, "KERNEL_DEADLINE_S", 2.0)
    monkeypatch.setattr(bitstream, "SYSTEM_DEADLINE_S", 2.0)
    began = time.monotonic()
    with pytest.raises(InputError, match=r"did not end within 0.000556 h and was stopped"):
        run_bitstream(request(tmp_path))
    assert time.monotonic() - began < 60
    assert not sleepers(tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["build"]


@pytest.mark.parametrize("how", ENDING)
def test_an_interruption_stops_the_tools(
    how: signal.Signals, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a key, of a service manager, of a terminal that closes."""
    monkeypatch.setenv("CYTOGATE_STUB_FAULT", "hang")
    code = (
        "import signal, sys; from pathlib import Path\n"
        # As a terminal starts it, whatever started the tests.
        "for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(each, signal.SIG_DFL)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from cytogate.model.command import dispatch\n"
        "from cytogate.hls.board import job as bitstream; from tests import stand_ins\n"
        "bitstream._network, run, asked = stand_ins.network, bitstream.run_bitstream, Path(sys.argv[1])\n"
        "bitstream.run_bitstream = lambda request: run(stand_ins.request(asked))\n"
        "sys.exit(dispatch.main(['bitstream']))\n"
    )
    running = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    log = tmp_path / "out/build/pynq-z2-qatom128-hls-1/system/log"
    give_up = time.monotonic() + 120
    while not (log.exists() and "it hangs" in log.read_text()):
        assert time.monotonic() < give_up
        assert running.poll() is None
        time.sleep(0.1)
    assert sleepers(tmp_path)
    running.send_signal(how)
    assert running.wait(60) == 130
    assert not sleepers(tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["build"]


def sleepers(folder: Path) -> list[int]:
    """Return the processes that a hanging stand-in has left with their working folder below ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(folder.resolve()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_without_tools_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("XILINX_VITIS", "XILINX_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError) as raised:
        run_bitstream(request(tmp_path))
    assert str(raised.value) == (
        "vivado, vitis, vitis-run were not found on PATH, nor by XILINX_VITIS or XILINX_VIVADO; install Vitis 2024.1 "
        "or newer, or name its settings64.sh by --settings; without them `cytogate csim`, `cosim`, `synth` and "
        "`estimate` work, and so does the emulated board"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("by", ["--settings", "XILINX_VITIS"])
def test_tools_are_found_by_a_settings_script(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "Vitis"
    install(home / "bin")
    script = home / "settings64.sh"
    script.write_text(f'echo "sourced"\nexport PATH="{home}/bin:$PATH"\nexport LICENSE="a b\nc"\n', encoding="ascii")
    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    monkeypatch.setenv("XILINX_VITIS", str(home) if by == "XILINX_VITIS" else "")
    found = find_tools(script if by == "--settings" else None)
    assert found.vivado == home / "bin" / "vivado"
    assert found.environment["LICENSE"] == "a b\nc"
    assert found.vivado_release == "2024.2"


def test_settings_that_help_nothing_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(InputError, match="there is no such settings script"):
        find_tools(tmp_path / "settings64.sh")
    (tmp_path / "settings64.sh").write_text("exit 3\n", encoding="ascii")
    with pytest.raises(InputError, match="failed"):
        find_tools(tmp_path / "settings64.sh")
    (tmp_path / "settings64.sh").write_text("true\n", encoding="ascii")
    with pytest.raises(InputError, match=r"vivado, vitis, vitis-run were not found by .*settings64.sh"):
        find_tools(tmp_path / "settings64.sh")


def test_what_cannot_fit_is_refused_first(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^qatom128 at 8 samples per clock needs .* DSP.*; pynq-z2 has .*\(estimated"):
        run_bitstream(request(tmp_path, kernel="rtl", samples_per_clock=8))
    with pytest.raises(InputError, match="design qatom256 has no trained network yet"):
        run_bitstream(request(tmp_path, design="qatom256"))
    assert not tools.exists()
    assert not (tmp_path / "out").exists()


def test_engines_that_cannot_fit_are_refused_first(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what front end and engines take together: a network that is small fits where the front end leaves room."""
    asked = request(tmp_path, "pynq-z2", "rtl", 8, design="qatom64")
    chip = dataclasses.replace(asked.design.chip, network="rtl")
    design = dataclasses.replace(asked.design, chip=chip)
    monkeypatch.setattr(saved, "load_operations", small_network)
    with pytest.raises(
        InputError,
        match=r"^qatom64 at 8 samples per clock, its network in SystemVerilog, needs [\d,.]+ LUT and [\d,]+ DSP; "
        r"pynq-z2 has 53,200 and 220 \(estimated\)\. It fits at 2 samples per clock$",
    ):
        run_bitstream(dataclasses.replace(asked, design=design))
    assert not tools.exists()
    assert not (tmp_path / "out").exists()


def test_requests_that_make_no_sense(tools: Path, tmp_path: Path) -> None:
    for wrong, said in (
        ({"samples_per_clock": 3}, "samples_per_clock is 3; it must be 1, 2, 4 or 8"),
        ({"samples_per_clock": 4}, "samples_per_clock is 4; kernel hls takes one, kernel rtl up to 8"),
        ({"board": "basys"}, "there is no board named basys"),
        ({"design": "none"}, "there is no design named none"),
        ({"output": tmp_path / "my builds"}, "paths of letters, digits"),
    ):
        with pytest.raises(InputError, match=said):
            run_bitstream(request(tmp_path, **{"board": "pynq-z2", "kernel": "hls", **wrong}))
    assert not tools.exists()


def test_with_the_trained_network(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb, the package's weights and hls4ml's project; the top functions are those of fpga/src."""
    monkeypatch.undo()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CYTOGATE_STUB_RECORD", str(tools))
    assert main(["bitstream", "--board", "kv260", "--output", str(tmp_path / "out")]) == 0
    bundle = read_bundle(tmp_path / "out" / "cytogate-kv260-qatom128.zip")
    weights = tmp_path / "out/build/kv260-qatom128-hls-1/network/firmware/weights"
    assert len(list(weights.glob("*.txt"))) > 10
    assert bundle.design.network == load_design("qatom128").network
    assert bundle.manifest.versions.hls4ml == "1.3.0"


def test_reports_that_are_none(tmp_path: Path) -> None:
    report = tmp_path / "report"
    for reader, said in ((read_kernel, "no report"), (read_timing, "Timing"), (read_utilization, "utilization")):
        with pytest.raises(InputError, match=r"report: "):
            reader(report)
        report.write_text("| nothing |\n", encoding="ascii")
        with pytest.raises(InputError, match=said):
            reader(report)
        report.unlink()
    report.write_text("<profile/>", encoding="ascii")
    with pytest.raises(InputError, match="lacks UserAssignments/TopModelName"):
        read_kernel(report)
    report.write_text("WNS(ns)  WHS(ns)  WPWS(ns)\n---  ---  ---\nNA  NA  NA\n", encoding="ascii")
    with pytest.raises(InputError, match="NA stands where a number is due"):
        read_timing(report)
    report.write_text("WNS(ns)  WHS(ns)  WPWS(ns)\n---  ---  ---\n0.1  0.1  0.1\n", encoding="ascii")
    with pytest.raises(InputError, match="no Clock Summary of Vivado with one of clk_pl_0, clk_fpga_0"):
        read_timing(report)
    assert {field.name for field in fields(BitstreamReport)} >= {"timing", "kernels"}


def test_rows_that_end_within_a_beat_are_refused() -> None:
    """At several samples per clock a bright-field row must fill its beats; phase retrieval's always does."""
    instrument = BrightField(("one",), 0.5, 0.5, 8, 48, 50)
    design = Design(
        "odd", instrument, Window(48, 50, 1), Network(("a", "b"), Compact()), Chip("kv260", 200.0, "rtl", 4)
    )
    with pytest.raises(InputError, match="50 columns are no multiple of its 4 samples per clock"):
        bitstream._check_narrowing(design)
    bitstream._check_narrowing(replace(design, chip=Chip("kv260", 200.0, "rtl", 2)))
