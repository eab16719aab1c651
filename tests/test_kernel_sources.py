"""The kernels' C++ as Vitis HLS takes it: C++14 (UG1399 promises no later one), and each name for one function."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from cytogate.hls.contract.header import write_header
from cytogate.hls.network.convert import convert
from cytogate.hls.sources import FPGA
from cytogate.model.command.cpp import compiler
from cytogate.model.contract.law import contract
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField
from cytogate.model.networks.build import build
from cytogate.model.networks.reading.reader import read_network
from cytogate.sim.csim.compile import ap_types
from tests.holograms import off_axis_design

QUANTITATIVE = load_design("qatom64")
BY_RECURSION = [
    dataclasses.replace(QUANTITATIVE, chip=dataclasses.replace(QUANTITATIVE.chip, retrieval=law))
    for law in (TWO_SIDED, CAUSAL)
]
DESIGNS = {
    contract(design).kernel: design
    for design in (
        QUANTITATIVE,
        *BY_RECURSION,
        off_axis_design(),
        Design("bright", window=Window(48, 48, 1), instrument=BrightField(("bright",), 0.5, 0.5, 8, 48, 48)),
    )
}


def refusal(kernel: str, *includes: Path, libraries: tuple[Path, ...] = ()) -> str:
    """Return what a compiler says that knows no extension of C++14."""
    command = [compiler(), "-std=c++14", "-pedantic-errors", "-Wall", "-Werror", "-Wno-unknown-pragmas",
               "-Wno-unused-label", "-fsyntax-only", *(f"-I{folder}" for folder in includes)]  # fmt: skip
    for folder in (*libraries, ap_types()):
        command += ["-isystem", str(folder)]
    source = FPGA / "src" / f"{kernel}.cpp"
    return subprocess.run([*command, str(source)], capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("kernel", DESIGNS)
def test_a_kernel_is_cpp_14(kernel: str, tmp_path: Path) -> None:
    write_header(DESIGNS[kernel], tmp_path)
    assert refusal(kernel, FPGA / "src", tmp_path) == ""


def test_the_network_kernel_is_cpp_14(tmp_path: Path) -> None:
    write_header(QUANTITATIVE, tmp_path)
    network = read_network(build(QUANTITATIVE, quantized=True)).network
    project = convert(network, QUANTITATIVE, tmp_path / "network")
    assert refusal("classify", FPGA / "src", tmp_path, libraries=project.includes) == ""


def test_the_kernel_that_joins_a_field_is_cpp_14(tmp_path: Path) -> None:
    design = off_axis_design()
    write_header(design, tmp_path)
    project = convert(read_network(build(design, quantized=True)).network, design, tmp_path / "network")
    assert refusal("join_field", FPGA / "src", tmp_path, libraries=project.includes) == ""


def test_what_is_of_a_later_standard_is_seen(tmp_path: Path) -> None:
    write_header(QUANTITATIVE, tmp_path)
    with (tmp_path / "contract.hpp").open("a", encoding="ascii") as header:
        header.write("inline int later() { if constexpr (true) return 1; return 0; }\n")
    assert "if constexpr" in refusal("retrieve_phase", FPGA / "src", tmp_path)


def test_no_two_functions_have_one_name() -> None:
    """Vitis HLS finds the top function by its name alone."""
    found = Counter[str]()
    for source in (FPGA / "src").glob("*.[ch]pp"):
        found.update(re.findall(r"^(?:\w[\w:<>, ]*\s)?(\w+)\([^;]*\) \{$", source.read_text(encoding="utf-8"), re.M))
    assert {"retrieve_phase", "retrieve_frame", "encode_channels", "classify", "make_beat"} <= found.keys()
    assert [name for name, times in found.items() if times > 1] == []
