"""Stand-ins for Vitis and Vivado (``tests/stubs``), and a network that is written in a moment.

They run the Tcl files under tclsh, record every call and refuse what they do not know: commands, options, files, parts,
pins, settings, an order.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cytogate.hls.board import job as bitstream
from cytogate.hls.board.job import BitstreamRequest
from cytogate.hls.network.project import HlsProject
from cytogate.model.command.arguments import with_chip
from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from tests.conftest import REPOSITORY

STUBS = REPOSITORY / "tests" / "stubs"
LOGITS = Format(21, 7)


def use_stand_ins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-ins on PATH, the made-up network in the place of the trained one; return the record's path."""
    record = folder / "record"
    install(folder / "bin")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CYTOGATE_STUB_RECORD", str(record))
    for name in ("XILINX_VITIS", "XILINX_VIVADO", "CYTOGATE_STUB_FAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bitstream, "_network", network)
    return record


def install(folder: Path) -> None:
    """Write the stand-ins as programs into ``folder``."""
    tclsh = shutil.which("tclsh")
    assert tclsh is not None, "tclsh was not found; on Debian: apt install tcl"
    folder.mkdir(parents=True)
    for name in ("vivado", "vitis", "vitis-run"):
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec {tclsh} {STUBS / name}.tcl "$@"\n', encoding="ascii")
        tool.chmod(0o755)


def network(design: Design, folder: Path) -> HlsProject:
    """Write the bones of a project."""
    firmware = folder / "firmware"
    (firmware / "weights").mkdir(parents=True, exist_ok=True)
    (folder / "network.hpp").write_text("// made up\n", encoding="ascii")
    (firmware / "net.cpp").write_text("// made up\n", encoding="ascii")
    for name, text in (("w2.txt", "1, 2, 3\n"), ("b2.txt", "0\n")):
        (firmware / "weights" / name).write_text(text, encoding="ascii")
    return HlsProject(folder, "net", LOGITS, (len(design.network.class_names),), "0badcafe" * 8)


def request(
    folder: Path,
    board: str = "pynq-z2",
    kernel: str = "hls",
    samples_per_clock: int = 1,
    design: str = "qatom128",
    output: Path | None = None,
) -> BitstreamRequest:
    """Ask for a bitstream of a built-in design, with ``folder/out`` for its output."""
    asked = with_chip(load_design(design), board, kernel, samples_per_clock)
    return BitstreamRequest(asked, None, output or folder / "out")


def recorded(record: Path, step: str) -> list[str]:
    """Return what the latest run of a step's script has called."""
    lines = record.read_text(encoding="utf-8").splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("script ")]
    begins = max(index for index in starts if lines[index].endswith(f" in {step}"))
    ends = next((index for index in starts if index > begins), len(lines))
    return lines[begins + 1 : ends]
