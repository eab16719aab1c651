"""The verb that makes bundles for emulated boards."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.interface.bundle import KERNELS


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.boards import BOARDS
    from cytogate.model.design.design import DEFAULT_DESIGN, DESIGNS

    parser.add_argument("--design", default=DEFAULT_DESIGN, choices=DESIGNS, help="a built-in design")
    parser.add_argument("--board", choices=BOARDS, help="board to emulate (default: the design's)")
    parser.add_argument("--kernel", choices=KERNELS, default="rtl", help="phase retrieval in C++ or SystemVerilog")
    parser.add_argument("--width", type=int, choices=(1, 2, 4, 8), default=1, help="pixels a beat; hls takes one")
    parser.add_argument(
        "--output", type=Path, default=Path("out/emulated"), metavar="FOLDER", help="folder of the bundle"
    )


def _run(arguments: argparse.Namespace) -> None:
    from cytogate.hls.board.manifest import manifest_of
    from cytogate.hls.network.convert import convert
    from cytogate.model.design.boards import board_named
    from cytogate.model.design.design import design_named
    from cytogate.model.networks.saved import load_trained
    from cytogate.sim.board.bundle import write_synthetic

    design = design_named(arguments.design)
    board = board_named(arguments.board or design.board)
    project = convert(load_trained(design), design, arguments.output / design.name / "network")
    manifest = manifest_of(
        design,
        board,
        project,
        kernel=arguments.kernel,
        width=arguments.width,
        clock_mhz=design.clock_mhz if board.name == design.board else board.clock_mhz,
    )
    bundle = write_synthetic(arguments.output / f"cytogate-{board.name}-{design.name}.zip", manifest)
    print(f"written: {bundle.path} (synthetic: for emulated devices alone)")


EMULATE = Verb("Write a bundle for an emulated board, without any vendor tool.", _arguments, _run)
