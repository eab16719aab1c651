"""The verb ``bitstream``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument("--board", help="pynq-z2, kv260 or zcu104 (default: the design's)")
    parser.add_argument(
        "--kernel", choices=("hls", "rtl"), default="hls", help="phase retrieval in C++, or in SystemVerilog"
    )
    parser.add_argument("--width", type=int, default=1, help="samples a clock; 2, 4 and 8 need the kernel rtl")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings64.sh of Vitis (default: PATH, XILINX_VITIS, XILINX_VIVADO)",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="trained weights of your own (default: those of the package)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("out/bitstream"), metavar="FOLDER", help="folder of bundle and report"
    )


def _run(arguments: argparse.Namespace) -> None:
    from cytogate.hls.board.job import BitstreamRequest, run_bitstream

    run_bitstream(
        BitstreamRequest(
            design=arguments.design,
            board=arguments.board,
            kernel=arguments.kernel,
            width=arguments.width,
            settings=arguments.settings,
            weights=arguments.weights,
            output=arguments.output,
        )
    )


BITSTREAM = Verb(
    "Bitstream and bundle for a board, by Vitis HLS and Vivado; a missed timing constraint fails.", _arguments, _run
)
