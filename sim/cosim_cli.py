"""The verb ``cosim``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.dispatch import Verb
from cytogate.model.errors import InputError
from cytogate.sim.verbs import EVALUATION_SEED


def _arguments(parser: argparse.ArgumentParser) -> None:
    from cytogate.model.design.design import DEFAULT_DESIGN

    parser.add_argument("--design", default=DEFAULT_DESIGN, help="name of a built-in design")
    parser.add_argument(
        "--level",
        choices=("dpi", "rtl", "vitis"),
        default="rtl",
        help="what stands behind the pins: the HLS C++ (C-simulation), SystemVerilog, or RTL exported by Vitis HLS",
    )
    parser.add_argument("--width", type=int, choices=(1, 2, 4, 8), default=4, help="pixels a beat")
    parser.add_argument("--frames", type=int, default=16, help="simulated frames, sent back to back")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED, help="seed of the simulated cells")
    parser.add_argument(
        "--binned", action="store_true", help="frames arrive at the network's size, binned by the camera's side"
    )
    parser.add_argument("--network", action="store_true", help="go on to the network's logits (level dpi)")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="trained weights of your own (default: those of the package)"
    )
    parser.add_argument("--scenarios", action="store_true", help="also pauses, malformed packets, registers and resets")
    parser.add_argument("--waves", action="store_true", help="write a waveform of the frames")
    parser.add_argument(
        "--rtl", type=Path, metavar="FOLDER", help="folder of the RTL that Vitis HLS exported (level vitis)"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="folder of the report (default: out/cosim/LEVEL)")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.frames < 1:
        raise InputError(f"--frames is {arguments.frames}; at least one frame is needed")
    if arguments.rtl is not None and arguments.level != "vitis":
        raise InputError(f"--rtl belongs to level vitis, not to level {arguments.level}")
    from cytogate.model.networks.saved import SHIPPED
    from cytogate.sim.axi.job import CosimRequest, run_cosim
    from cytogate.sim.axi.levels import Level

    run_cosim(
        CosimRequest(
            design=arguments.design,
            level=Level(arguments.level),
            width=arguments.width,
            frames=arguments.frames,
            seed=arguments.seed,
            network=arguments.network,
            binned=arguments.binned,
            scenarios=arguments.scenarios,
            waves=arguments.waves,
            rtl=arguments.rtl,
            weights=arguments.weights or SHIPPED,
            output=arguments.output or Path("out/cosim") / arguments.level,
        )
    )


COSIM = Verb("Frames through the pins of a kernel: words compared, clocks counted.", _arguments, _run)
