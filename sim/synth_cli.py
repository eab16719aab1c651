"""The verb ``synth``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument("--width", type=int, choices=(1, 2, 4, 8), default=4, help="samples per clock")
    parser.add_argument("--board", help="board whose budget counts (default: the design's)")
    parser.add_argument(
        "--binned", action="store_true", help="frames arrive at the network's size, binned by the camera's side"
    )
    parser.add_argument("--fmax", action="store_true", help="also place and route the line engine on an ECP5")
    parser.add_argument(
        "--output", type=Path, default=Path("out/synth"), metavar="FOLDER", help="folder of report and kept results"
    )


def _run(arguments: argparse.Namespace) -> None:
    from cytogate.sim.area.job import SynthRequest, run_synth

    run_synth(
        SynthRequest(
            design=arguments.design,
            samples_per_clock=arguments.width,
            board=arguments.board,
            binned=arguments.binned,
            fmax=arguments.fmax,
            output=arguments.output,
        )
    )


SYNTH = Verb("Area of the kernel by yosys against a board's budget, and an ECP5 clock.", _arguments, _run)
