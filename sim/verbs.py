"""Verbs of this room. Light to import: each verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.arguments import (
    add_cells,
    add_chip,
    add_design,
    add_input,
    add_output,
    chain_design,
    dataset_of,
    design_of,
    own_design_of,
    seed,
    with_chip,
)
from cytogate.model.command.dispatch import Verb
from cytogate.model.command.outputs import FILE, FOLDER, check_folder
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import RTL, SAMPLES_PER_CLOCK, Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import NetworkInputs, OffAxis
from cytogate.model.errors import InputError

EVALUATION_SEED = 7_000
"""Simulated cells of this seed are seen by no training."""
RTL_SAMPLES_PER_CLOCK = 4
"""Of the SystemVerilog kernel, for a design that builds the other one."""
CSIM_CELLS, AGREEMENT_CELLS = 64, 1024
"""In C-simulation, and in the float and the integer chain, unless another number is asked for."""
CSIM_FIELDS, AGREEMENT_FIELDS = 8, 64
"""Holograms, of an off-axis design."""


def _csim_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(parser, "cells of your own: frames of the design's instrument; simulated cells otherwise")
    parser.add_argument(
        "--background",
        type=Path,
        metavar="FILE",
        help="empty-field frames of the same instrument, for a flat field of each channel",
    )
    add_cells(parser, f"cells, or holograms, in C-simulation (default: {CSIM_CELLS}, or {CSIM_FIELDS})")
    parser.add_argument(
        "--agreement-cells",
        type=int,
        metavar="NUMBER",
        help="cells, or holograms, in the float and the integer chain, those among them "
        f"(default: {AGREEMENT_CELLS}, or {AGREEMENT_FIELDS})",
    )
    parser.add_argument("--seed", type=seed, help=f"seed of the simulated cells (default: {EVALUATION_SEED})")
    parser.add_argument("--stages", type=FILE, metavar="FILE", help="write every stage's arrays to this NPZ")
    add_output(parser, "out/csim", "folder of the report and the picture")


def _csim(arguments: argparse.Namespace) -> None:
    design = design_of(arguments, holograms=True)
    if isinstance(design.instrument, NetworkInputs):
        _csim_of_network(design, arguments)
        return
    if isinstance(design.instrument, OffAxis):
        _csim_of_holograms(design, arguments)
        return
    cells = CSIM_CELLS if arguments.cells is None else arguments.cells
    agreement_cells = AGREEMENT_CELLS if arguments.agreement_cells is None else arguments.agreement_cells
    if agreement_cells < cells:
        raise InputError(f"--agreement-cells is {agreement_cells}; it must not be below --cells, {cells}")
    from cytogate.sim.csim.job import CSimRequest, run_csim

    run_csim(
        CSimRequest(
            design=design,
            input=arguments.input,
            dataset=dataset_of(arguments),
            background=arguments.background,
            cells=cells,
            agreement_cells=agreement_cells,
            seed=EVALUATION_SEED if arguments.seed is None else arguments.seed,
            stages=arguments.stages,
            output=arguments.output,
        )
    )


def _csim_of_network(design: Design, arguments: argparse.Namespace) -> None:
    """Simulate a design without an instrument: a network with its own cells."""
    for name in ("input", "dataset", "background", "cells", "agreement_cells", "seed", "stages"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"design {design.name} has no instrument, its network is simulated on the codes of cells beside it; "
                f"--{name.replace('_', '-')} does not go with it"
            )
    from cytogate.sim.csim.network_inputs import run_network_inputs

    run_network_inputs(design, arguments.output)


def _csim_of_holograms(design: Design, arguments: argparse.Namespace) -> None:
    """Simulate an off-axis design, whose holograms have any number of cells."""
    for name in ("background", "stages"):
        if getattr(arguments, name) is not None:
            raise InputError(f"design {design.name} takes off-axis holograms; --{name} does not go with it")
    fields = CSIM_FIELDS if arguments.cells is None else arguments.cells
    agreement = max(fields, AGREEMENT_FIELDS) if arguments.agreement_cells is None else arguments.agreement_cells
    if agreement < fields:
        raise InputError(f"--agreement-cells is {agreement}; it must not be below --cells, {fields}")
    from cytogate.sim.csim.holograms import HologramsRequest, run_holograms

    run_holograms(
        HologramsRequest(
            design=design,
            input=arguments.input,
            dataset=dataset_of(arguments),
            fields=fields,
            agreement_fields=agreement,
            seed=EVALUATION_SEED if arguments.seed is None else arguments.seed,
            output=arguments.output,
        )
    )


def _cosim_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    parser.add_argument("--board", choices=BOARDS, help="board that engines are planned for (default: the design's)")
    parser.add_argument(
        "--level",
        choices=("dpi", "rtl", "vitis"),
        default="rtl",
        help="what is at the pins: the HLS C++ (C-simulation), SystemVerilog, or RTL exported by Vitis HLS",
    )
    _add_rtl_samples(parser)
    add_input(parser, "cells of your own: frames of the design's instrument; simulated cells otherwise")
    add_cells(parser, "cells, sent back to back", 16)
    parser.add_argument("--seed", type=seed, default=EVALUATION_SEED, help="seed of the simulated cells")
    parser.add_argument(
        "--binned", action="store_true", help="frames arrive at the network's size, binned by the camera's side"
    )
    parser.add_argument(
        "--network", action="store_true", help="go on to the network's logits; at level rtl also to the trigger"
    )
    parser.add_argument("--scenarios", action="store_true", help="also pauses, malformed packets, registers and resets")
    parser.add_argument("--waves", action="store_true", help="write a waveform of the frames")
    parser.add_argument(
        "--rtl", type=Path, metavar="FOLDER", help="folder of the RTL that Vitis HLS exported (level vitis)"
    )
    parser.add_argument(
        "--output", type=FOLDER, metavar="FOLDER", help="folder of the report (default: out/cosim/LEVEL)"
    )


def _cosim(arguments: argparse.Namespace) -> None:
    output = arguments.output or Path("out/cosim") / arguments.level
    check_folder(output)
    if arguments.rtl is not None and arguments.level != "vitis":
        raise InputError(f"--rtl belongs to level vitis, not to level {arguments.level}")
    design = load_design(arguments.design)
    if isinstance(design.instrument, OffAxis):
        _cosim_of_holograms(design, arguments, output)
        return
    from cytogate.sim.axi.job import CosimRequest, run_cosim
    from cytogate.sim.axi.levels import Level

    run_cosim(
        CosimRequest(
            design=_at_the_pins(arguments),
            level=Level(arguments.level),
            input=arguments.input,
            dataset=dataset_of(arguments),
            cells=arguments.cells,
            seed=arguments.seed,
            network=arguments.network,
            binned=arguments.binned,
            scenarios=arguments.scenarios,
            waves=arguments.waves,
            rtl=arguments.rtl,
            output=output,
        )
    )


def _cosim_of_holograms(design: Design, arguments: argparse.Namespace, output: Path) -> None:
    """Send the pins of an off-axis design its calibration and holograms."""
    if arguments.level != "dpi":
        raise InputError(
            f"design {design.name} takes off-axis holograms, whose kernels are in C++ alone; use --level dpi"
        )
    if arguments.binned or arguments.samples_per_clock not in (None, 1):
        raise InputError(
            f"design {design.name} takes holograms pixel by pixel, as large as they are; --binned and "
            "--samples-per-clock do not go with it"
        )
    if arguments.board is not None:
        raise InputError(f"design {design.name}: its kernels are the same on each board; --board does not go with it")
    from cytogate.sim.axi.holograms import HologramCosimRequest, run_hologram_cosim

    run_hologram_cosim(
        HologramCosimRequest(
            design=design,
            input=arguments.input,
            dataset=dataset_of(arguments),
            fields=arguments.cells,
            seed=arguments.seed,
            scenarios=arguments.scenarios,
            waves=arguments.waves,
            output=output,
        )
    )


def _synth_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    _add_rtl_samples(parser)
    parser.add_argument("--board", choices=BOARDS, help="board whose budget counts (default: the design's)")
    parser.add_argument(
        "--binned", action="store_true", help="frames arrive at the network's size, binned by the camera's side"
    )
    parser.add_argument(
        "--fmax",
        action="store_true",
        help="also place and route on an ECP5: the line engine, or the network's first layer where there is none",
    )
    add_output(parser, "out/synth", "folder of report and kept results")


def _synth(arguments: argparse.Namespace) -> None:
    from cytogate.sim.area.job import SynthRequest, run_synth

    run_synth(SynthRequest(_at_the_pins(arguments), arguments.binned, arguments.fmax, arguments.output))


def _emulate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_chip(parser)
    add_output(parser, "out/emulated", "folder of the bundle")


def _emulate(arguments: argparse.Namespace) -> None:
    from cytogate.sim.board.job import emulate

    bundle = emulate(design_of(arguments, holograms=True), arguments.output)
    print(f"written: {bundle.path} (synthetic: for emulated devices alone)")


def _adopt_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser, required=True)
    parser.add_argument("network", type=Path, metavar="FILE.keras", help="a quantized network of Keras 3 and QKeras")


def _adopt(arguments: argparse.Namespace) -> None:
    design = own_design_of(arguments)
    from cytogate.sim.csim.adopt import adopt

    found = adopt(design, arguments.network)
    likeness = found.keras
    if likeness.differing:
        print(
            f"Keras rounds in {', '.join(found.keras_rounds)}: {likeness.differing} of its {likeness.values} logits "
            f"differ, by {likeness.most:.3g} at most; what the chip computes is the network on integers"
        )
    if found.host is not None:
        print(f"{found.host} is left to the host: the chip gives the logits")
    print(
        f"{found.network}: {found.values} logits on random and extreme codes equal C-simulation; {found.macs:,} "
        f"multiplications and {found.weights:,} parameters a cell; it is the network of design {design.name} now"
    )


def _prove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="modules of fpga/rtl (default: all with a proof)")
    parser.add_argument(
        "--mutants", action="store_true", help="also that the proofs find faults: each is tried and has to be refuted"
    )
    parser.add_argument("--jobs", type=int, choices=range(1, 65), metavar="NUMBER", default=2, help="proofs at a time")
    add_output(parser, "out/prove", "folder of the report and of what is proved already")


def _prove(arguments: argparse.Namespace) -> None:
    from cytogate.sim.formal.job import ProveRequest, run_prove

    run_prove(ProveRequest(tuple(arguments.modules), arguments.mutants, arguments.jobs, arguments.output))


def _coverage_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "records",
        nargs="?",
        type=Path,
        default=Path("out/coverage/records"),
        metavar="FOLDER",
        help="what simulations have counted under CYTOGATE_COVERAGE=FOLDER (default: %(default)s)",
    )
    add_output(parser, "out/coverage", "folder of the report and the page")


def _coverage(arguments: argparse.Namespace) -> None:
    from cytogate.sim.coverage.job import run_coverage

    run_coverage(arguments.records, arguments.output)


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_cells(parser, "simulated cells, or holograms, that every way is timed on", 16)
    add_output(parser, "out/bench", "folder of the report")


def _bench(arguments: argparse.Namespace) -> None:
    design = design_of(arguments, holograms=True)
    if isinstance(design.instrument, OffAxis):
        from cytogate.sim.hologram_speed import run_hologram_bench

        run_hologram_bench(design, arguments.cells, arguments.output)
        return
    from cytogate.sim.speed import run_bench

    run_bench(design, arguments.cells, arguments.output)


def _add_rtl_samples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples-per-clock",
        type=int,
        choices=SAMPLES_PER_CLOCK,
        help=f"pixels of a frame that enter in a clock (default: the design's with kernel {RTL}, else "
        f"{RTL_SAMPLES_PER_CLOCK})",
    )


def _at_the_pins(arguments: argparse.Namespace) -> Design:
    """Return the design with the SystemVerilog kernel."""
    design = chain_design(arguments.design)
    own = design.chip.samples_per_clock if design.chip.kernel == RTL else RTL_SAMPLES_PER_CLOCK
    board = arguments.board if "board" in arguments else None
    return with_chip(design, board, RTL, arguments.samples_per_clock or own)


CSIM = Verb("Frames to class in C-simulation, every value compared with the integer model.", _csim_arguments, _csim)
COSIM = Verb("Frames through the pins of a kernel: values compared, clocks counted.", _cosim_arguments, _cosim)
SYNTH = Verb("Area of the kernel by yosys against a board's budget, and an ECP5 clock.", _synth_arguments, _synth)
EMULATE = Verb("Write a bundle for an emulated board, without any vendor tool.", _emulate_arguments, _emulate)
ADOPT = Verb("Check a quantized network of your own and put it into a design's folder.", _adopt_arguments, _adopt)
PROVE = Verb("Formal proofs of small RTL modules: for all inputs and all time.", _prove_arguments, _prove)
COVERAGE = Verb("What benches reached of the RTL and of their plan.", _coverage_arguments, _coverage)
BENCH = Verb(
    "Speed on this computer: each level beside a peer, and decisions before viewers, as ratios.",
    _bench_arguments,
    _bench,
)
