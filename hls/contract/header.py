"""The contract as a C++ header: what every kernel in ``fpga/src`` includes and none of them restates.

Headers of the built-in designs are committed under ``fpga/generated/NAME``, so that the kernels can be synthesized
without Python; a design of a user's own gets its header in the output folder.
"""

from __future__ import annotations

from pathlib import Path

from cytogate.hls.contract.constants import Constant, Table, constants, tables
from cytogate.hls.sources import FPGA
from cytogate.model.command.files import refresh
from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import Contract
from cytogate.model.design.design import Design

HEADER_NAME = "contract.hpp"
GENERATED = FPGA / "generated"
CODES_A_LINE = 16


def write_header(design: Design, folder: Path) -> Path:
    """Write ``folder/contract.hpp`` for ``design`` and return its path."""
    path = folder / HEADER_NAME
    refresh(path, header_text(contract(design)))
    return path


def header_text(terms: Contract) -> str:
    """Return the header of one contract."""
    lines = [
        f"// Numeric contract of design {terms.design.name}: generated from model/contract, not to be edited.",
        "#pragma once",
        "",
        "namespace contract {",
    ]
    for group in constants(terms):
        lines += ["", f"// {group.comment}", *map(constant_line, group.constants)]
    for table in tables(terms):
        lines += ["", *table_lines(table)]
    return "\n".join([*lines, "", "}  // namespace contract", ""])


def constant_line(constant: Constant) -> str:
    """Return a constant's definition."""
    comment = f"  // {constant.comment}" if constant.comment else ""
    return f"constexpr int {_name(constant.name)} = {constant.value};{comment}"


def table_lines(table: Table) -> list[str]:
    """Return a table's definition, a line each."""
    flat = table.codes.tolist()
    rows = [", ".join(map(str, flat[start : start + CODES_A_LINE])) for start in range(0, len(flat), CODES_A_LINE)]
    return [
        f"// {table.comment}",
        f"constexpr int {_name(table.name)}[{len(flat)}] = {{",
        *(f"    {row}," for row in rows),
        "};",
    ]


def _name(name: str) -> str:
    """Return ``frame_rows`` as ``kFrameRows``."""
    return "k" + "".join(word.capitalize() for word in name.split("_"))
