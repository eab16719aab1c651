"""The contract as a SystemVerilog package and ROM files: what the modules in ``fpga/rtl`` read and none restates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cytogate.hls.contract.constants import MEMORIES, Table, codes_array, constants, identity, tables
from cytogate.model.command.files import refresh
from cytogate.model.contract import gate, remarks
from cytogate.model.contract.law import RecursionContract, contract
from cytogate.model.contract.stage import Contract
from cytogate.model.design.design import Design
from cytogate.model.interface import registers
from cytogate.model.interface.frame_layout import SMALLEST_BEAT_BYTES

PACKAGE_NAME = "contract_pkg.sv"
LEAST_BEAT_BITS = 8 * SMALLEST_BEAT_BYTES


def write_rtl_package(design: Design, folder: Path) -> Path:
    """Write ``contract_pkg.sv`` and the ``.mem`` files of ``design`` into ``folder``; return the package's path."""
    terms = contract(design)
    for name, text in {PACKAGE_NAME: package_text(terms), **memory_texts(tables(terms))}.items():
        refresh(folder / name, text)
    return folder / PACKAGE_NAME


def package_text(terms: Contract) -> str:
    """Return the package: every constant of the contract, the design's identity and the register maps."""
    groups = constants(terms)
    lines = [
        f"// Numeric contract of design {terms.design.name}: generated from model/contract, not to be edited.",
        "package contract_pkg;",
    ]
    for group in groups:
        lines += [f"  // {group.comment}"]
        lines += [f"  localparam int {constant.name.upper()} = {constant.value};" for constant in group.constants]
        lines += [""]
    lines += [
        *_parameters(tables(terms)),
        f"  // Bits of a beat of `width` pixels: a power of two, and {LEAST_BEAT_BITS} or more.",
        "  function automatic int beat_bits(input int width);",
        f"    beat_bits = {LEAST_BEAT_BITS};",
        "    while (beat_bits < width * FRAME_CHANNELS * LANE_BITS) beat_bits = 2 * beat_bits;",
        "  endfunction",
        "",
        "  // Registers: byte offsets, and what the constant ones say.",
        *(f"  localparam int {register.name}_OFFSET = 'h{register.offset:02x};" for register in registers.Register),
        *_background_registers(terms),
        f"  localparam bit [31:0] IDENTITY = 'h{registers.IDENTITY:08x};",
        f"  localparam bit [31:0] VERSION = 'h{registers.VERSION:08x};",
        f"  localparam bit [31:0] DESIGN_HASH = 'h{identity(groups, tables(terms)):08x};",
        "",
        "  // The gate's, and what it is built with.",
        *(f"  localparam int {register.name}_OFFSET = 'h{register.offset:02x};" for register in registers.GateRegister),
        f"  localparam bit [31:0] GATE_IDENTITY = 'h{registers.GATE_IDENTITY:08x};",
        f"  localparam int CLOCK_BITS = {gate.CLOCK_BITS};",
        f"  localparam int DELAY_BITS = {gate.DELAY_BITS};",
        f"  localparam int HOLD_BITS = {gate.HOLD_BITS};",
        f"  localparam int PULSES_WAITING = {gate.PULSES_WAITING};",
        f"  localparam int PULSE_CLOCKS = {gate.PULSE_CLOCKS};",
        f"  localparam int PACKETS = {gate.PACKETS};",
        f"  localparam int CELLS_WAITING = {gate.CELLS_WAITING};",
        f"  localparam int EVENT_FLAGS = {len(gate.EventFlag)};",
        f"  localparam int REMARK_BITS = {remarks.REMARK_BITS};",
        f"  localparam int CURL_MORE = {remarks.CURL[0]};",
        f"  localparam int CURL_OF = {remarks.CURL[1]};",
        f"  localparam int CURL_BLOCK = {remarks.CURL_BLOCK};",
        f"  localparam int ORDER_FRAMES = {remarks.ORDER_FRAMES};",
        "",
        "  // The stream unit's, and the receipt behind each batch.",
        *(
            f"  localparam int STREAM_{register.name}_OFFSET = 'h{register.offset:02x};"
            for register in registers.StreamRegister
        ),
        f"  localparam bit [31:0] STREAM_IDENTITY = 'h{registers.STREAM_IDENTITY:08x};",
        f"  localparam bit [31:0] STREAM_VERSION = 'h{registers.STREAM_VERSION:08x};",
        f"  localparam int STREAM_RESET_CLOCKS = {registers.STREAM_RESET_CLOCKS};",
        f"  localparam int RECEIPT_WORDS = {len(registers.ReceiptWord)};",
        *(f"  localparam int RECEIPT_{word.name}_WORD = {word.value};" for word in registers.ReceiptWord),
        f"  localparam bit [31:0] RECEIPT_MARK = 'h{registers.RECEIPT_MARK:08x};",
        "endpackage",
        "",
    ]
    return "\n".join(lines)


def _background_registers(terms: Contract) -> list[str]:
    """Return the registers that a kernel with a background has beside the others: offsets, and bits of its control."""
    if not isinstance(terms, RecursionContract):
        return []
    return [
        *(
            f"  localparam int BACKGROUND_{row.name}_OFFSET = 'h{row.offset:02x};"
            for row in registers.BackgroundRegister
        ),
        *(f"  localparam int BACKGROUND_{bit.name} = {bit.value};" for bit in registers.BackgroundControl),
    ]


def memory_texts(lookups: Sequence[Table]) -> dict[str, str]:
    """Return the memory files of tables by name, hexadecimal words for ``$readmemh``."""
    by_name = {table.name: table for table in lookups}
    return {
        file: _hexadecimal([by_name[name] for name in names])
        for file, names in MEMORIES.items()
        if by_name.keys() >= set(names)
    }


def _parameters(lookups: Sequence[Table]) -> list[str]:
    """Return the tables that are in no memory as vectors, the first code in the lowest bits."""
    in_memories = {name for names in MEMORIES.values() for name in names}
    lines = []
    for table in lookups:
        if table.name not in in_memories:
            codes = ", ".join(f"{table.width}'d{code}" for code in reversed(codes_array(table).tolist()))
            bits = table.width * len(table.codes)
            lines += [f"  // {table.comment}", f"  localparam bit [{bits - 1}:0] {table.name.upper()} = {{{codes}}};"]
    return [*lines, ""] if lines else []


def _hexadecimal(parts: Sequence[Table]) -> str:
    """Join the codes of equally wide tables to words, the first table in the lowest bits, a line each."""
    width = parts[0].width
    digits = -(-width * len(parts) // 4)
    words = [0] * len(parts[0].codes)
    for index, table in enumerate(parts):
        codes: list[int] = codes_array(table).tolist()
        words = [word | code << (index * width) for word, code in zip(words, codes, strict=True)]
    return "".join(f"{word:0{digits}x}\n" for word in words)
