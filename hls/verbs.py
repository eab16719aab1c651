"""Verbs of this room. Light to import: each verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.arguments import add_chip, add_design, add_output, design_of
from cytogate.model.command.dispatch import Verb


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _write_headers(arguments: argparse.Namespace) -> None:
    from cytogate.hls.contract.header import GENERATED, write_header
    from cytogate.model.design.folder import builtin_names, load_design

    for name in builtin_names():
        print(write_header(load_design(name), GENERATED / name))


def _bitstream_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_chip(parser)
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings64.sh of Vitis (default: PATH, XILINX_VITIS, XILINX_VIVADO)",
    )
    add_output(parser, "out/bitstream", "folder of bundle and report")


def _bitstream(arguments: argparse.Namespace) -> None:
    from cytogate.hls.board.job import BitstreamRequest, run_bitstream

    run_bitstream(BitstreamRequest(design_of(arguments, holograms=True), arguments.settings, arguments.output))


HEADER = Verb("Write the contract's C++ headers of the built-in designs.", _no_arguments, _write_headers)
BITSTREAM = Verb(
    "Bitstream and bundle for a board, by Vitis HLS and Vivado; a missed timing constraint fails.",
    _bitstream_arguments,
    _bitstream,
)
