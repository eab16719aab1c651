"""The contract as a SystemVerilog package and ROM files: what the modules in ``fpga/rtl`` read and none restates.

The package is the twin of the C++ header, made from its very text: ``kSizeLog2`` there is ``SIZE_LOG2`` here, so that
no constant can be in one and not in the other. Tables become memory files, hexadecimal words for ``$readmemh``.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from cytogate.hls.contract.header import header_text
from cytogate.model.command.files import whole_file
from cytogate.model.contract.fixed_point import LOG_FRACTION, TWIDDLE, Codes
from cytogate.model.contract.law import contract
from cytogate.model.contract.tables import log_fractions, quotient_quadrant, surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.interface import registers
from cytogate.model.interface.frame_layout import lane_bits

PACKAGE_NAME = "contract_pkg.sv"


def write_rtl_package(design: Design, folder: Path) -> Path:
    """Write ``contract_pkg.sv`` and the ``.mem`` files of ``design`` into ``folder``; return the package's path."""
    terms = contract(design)
    for name, text in {PACKAGE_NAME: package_text(design), **memory_texts(terms.size, terms.log_address_bits)}.items():
        _write(folder / name, text)
    return folder / PACKAGE_NAME


def package_text(design: Design) -> str:
    """Return the package: every integer constant of the C++ header, the design's hash and the register maps."""
    header = header_text(contract(design))
    constants = {
        _upper(name): int(value)
        for name, value in re.findall(r"^constexpr int k(\w+) = (-?\d+);$", header, re.MULTILINE)
    }
    lines = [
        f"// Numeric contract of design {design.name}: generated from model/contract/law.py, not to be edited.",
        "package contract_pkg;",
        *(f"  localparam int {name} = {value};" for name, value in constants.items()),
        "",
        "  // One angle's code in a beat.",
        f"  localparam int LANE_BITS = {lane_bits(constants['FRAME_BITS'])};",
        "",
        "  // Registers: byte offsets, and what the constant ones say.",
        *(f"  localparam int {register.name}_OFFSET = 'h{register.offset:02x};" for register in registers.Register),
        f"  localparam bit [31:0] IDENTITY = 'h{registers.IDENTITY:08x};",
        f"  localparam bit [31:0] VERSION = 'h{registers.VERSION:08x};",
        f"  localparam bit [31:0] DESIGN_HASH = 'h{design_hash(design):08x};",
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


def design_hash(design: Design) -> int:
    """Return the first 32 bits of SHA-256 of the design's C++ header, by which host and chip know each other."""
    return int(hashlib.sha256(header_text(contract(design)).encode("ascii")).hexdigest()[:8], 16)


def memory_texts(size: int, log_address_bits: int) -> dict[str, str]:
    """Return the memory files by name for frames of ``size``, a power of two from 8 on; real parts are lowest."""
    twiddle, spectra, width = twiddles(size), surface_spectra(size), TWIDDLE.width
    return {
        "twiddle.mem": _hexadecimal([twiddle[:, 0], twiddle[:, 1]], width),
        "log_fraction.mem": _hexadecimal([log_fractions(log_address_bits)], LOG_FRACTION.width),
        "quadrant.mem": _hexadecimal([quotient_quadrant(size).ravel()], width),
        "surface.mem": _hexadecimal([spectra[0, :, 0], spectra[0, :, 1], spectra[1, :, 0], spectra[1, :, 1]], width),
    }


def _hexadecimal(parts: list[Codes], width: int) -> str:
    """Join codes of ``width`` bits to words, the first part in the lowest bits, a line each."""
    digits = -(-width * len(parts) // 4)
    words = [0] * len(parts[0])
    for index, codes in enumerate(parts):
        words = [word | value << (index * width) for word, value in zip(words, _unsigned(codes, width), strict=True)]
    return "".join(f"{word:0{digits}x}\n" for word in words)


def _unsigned(codes: ArrayLike, width: int) -> list[int]:
    values: list[int] = (np.asarray(codes) & ((1 << width) - 1)).tolist()
    return values


def _upper(name: str) -> str:
    """Return ``SizeLog2`` as ``SIZE_LOG2``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="ascii") != text:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="ascii")
