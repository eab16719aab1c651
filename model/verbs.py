"""Verbs of this room. Light to import: each verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cytogate.model.command.arguments import (
    add_cells,
    add_design,
    add_input,
    add_output,
    chain_design,
    check_own,
    dataset_of,
    design_of,
    own_design_of,
    positive,
    seed,
    with_chip,
)
from cytogate.model.command.dispatch import Verb
from cytogate.model.command.outputs import FILE, FILE_OR_FOLDER, FOLDER
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import FFT, HLS4ML, RTL, Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField, OffAxis
from cytogate.model.design.new import KINDS, Choices, new_design
from cytogate.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from cytogate.model.engines.planner import EnginePlan
    from cytogate.model.estimates.network import NetworkEstimate
    from cytogate.model.estimates.system import BoardFit, SystemEstimate

LIMITS = (
    "Estimated before anything is built: DMA and interconnect are not counted, and whether timing is met is not known."
)
SETS = ("bbbc048", "bsccm", "bsccm-ten", "cytomad", "lymphomnist", "meng2018-largescale")
"""Public sets that are read; see ``docs/howto/public-sets.md``."""
SIMULATED_CELLS, SIMULATED_HOLOGRAMS, CELLS_A_FIELD = 1000, 100, 3
"""Unless another number is asked for."""
EXPERIMENTS = ("meng2017", "meng2018", "dcnn", "topgan", "dcae", "jurkat", "grades", "mhsma", "laws")
"""Each is a folder of ``model/experiments``."""


def _new_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder to make; its name is the design's")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--like", metavar="NAME|FOLDER", help="copy the choices of this design, not its network")
    source.add_argument("--kind", choices=KINDS, default="four-angle", help="kind of the instrument")
    parser.add_argument("--channels", type=_names, metavar="NAME,NAME", help="frames of a cell, of bright-field ones")
    parser.add_argument("--rows", type=positive, help="rows of a frame")
    parser.add_argument("--columns", type=positive, help="columns of a frame")
    parser.add_argument("--adc-bits", type=positive, help="bits of a pixel")
    parser.add_argument("--pitch-um", type=float, help="size of a pixel at the sample, in um")
    parser.add_argument("--classes", type=_names, metavar="NAME,NAME", help="what the network tells apart")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _new(arguments: argparse.Namespace) -> None:
    choices = Choices(
        arguments.channels,
        arguments.rows,
        arguments.columns,
        arguments.adc_bits,
        arguments.pitch_um,
        arguments.classes,
    )
    path = new_design(arguments.folder, arguments.like, arguments.kind, choices)
    verb, further = "csim", ""
    instrument = load_design(path).instrument
    if isinstance(instrument, OffAxis):
        verb, further = "calibrate", " --input HOLOGRAMS"
    elif isinstance(instrument, BrightField):
        further = " --input FILE"
    print(f"written: {path}; edit it, then `cytogate {verb} --design {arguments.folder}{further}`")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(
        parser,
        "labelled frames, images or holograms of your own; simulated ones otherwise",
    )
    add_cells(parser, "cells at most; simulated ones: 100000, of holograms 20000")
    parser.add_argument("--data-seed", type=seed, default=1000, help="seed of the simulated cells")
    parser.add_argument("--seed", type=seed, default=1, help="seed of split, initialization and order")
    parser.add_argument(
        "--epochs",
        type=positive,
        help="epochs of the float network, or of each (default: by the recipe, or as many as 3,000 steps take)",
    )
    parser.add_argument(
        "--fine-tune-epochs", type=int, help="epochs of the quantized network once it rounds (default: 3 or 6)"
    )
    parser.add_argument("--work", type=FOLDER, default="out/train", help="folder of data and unfinished trainings")


def _train(arguments: argparse.Namespace) -> None:
    design = own_design_of(arguments, holograms=True)
    from cytogate.model.train import TrainRequest, run_train

    run_train(
        TrainRequest(
            design=design,
            epochs=arguments.epochs,
            fine_tune_epochs=arguments.fine_tune_epochs,
            seed=arguments.seed,
            input=arguments.input,
            dataset=dataset_of(arguments),
            cells=arguments.cells,
            data_seed=arguments.data_seed,
            work=arguments.work,
        )
    )


def _codesign_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    parser.add_argument("--board", choices=BOARDS, help="board that it is to fit (default: the design's)")
    parser.add_argument(
        "--latency-us",
        type=float,
        required=True,
        metavar="US",
        help="from the last pixel of a frame in to its logits, at most",
    )
    add_input(parser, "labelled cells: frames of the design's instrument, or images", required=True)
    add_cells(parser, "so many at most")
    parser.add_argument(
        "--search", type=_names, metavar="NAME,NAME", help="keys of [network] that are searched (default: all)"
    )
    parser.add_argument("--trials", type=positive, default=32, help="networks to train")
    parser.add_argument(
        "--epochs",
        type=positive,
        help="epochs of each network (default: as `cytogate train` has it, of a trial a quarter)",
    )
    parser.add_argument("--seed", type=seed, default=1, help="seed of split, search, initialization and order")
    parser.add_argument(
        "--workers",
        type=positive,
        default=1,
        help="processes on this computer; others may join by the same command and --work on a shared disk",
    )
    parser.add_argument("--work", type=FOLDER, default="out/codesign/work", help="folder of the search; resumes")
    add_output(parser, "out/codesign", "folder of report, picture, table of trials, and the chosen design")


def _codesign(arguments: argparse.Namespace) -> None:
    design = with_chip(chain_design(arguments.design), arguments.board, None, None)
    from cytogate.model.codesign.job import CodesignRequest, run_codesign

    run_codesign(
        CodesignRequest(
            design=design,
            latency_us=arguments.latency_us,
            input=arguments.input,
            dataset=dataset_of(arguments),
            cells=arguments.cells,
            fields=arguments.search,
            trials=arguments.trials,
            epochs=arguments.epochs,
            seed=arguments.seed,
            workers=arguments.workers,
            work=arguments.work,
            output=arguments.output,
        )
    )


def _predict_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(parser, "cells, or holograms, to classify; labels are not needed", required=True)
    add_cells(parser, "so many cells, or holograms, at most")
    parser.add_argument(
        "--output",
        type=FILE_OR_FOLDER,
        default="out/predict/cells.parquet",
        metavar="FILE|FOLDER",
        help="table to write, .parquet or .csv; or, of whole archives, a folder for a set of Parquet tables",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a folder: a Dask scheduler, tcp://HOST:PORT, in place of own workers"
    )
    parser.add_argument(
        "--workers", type=positive, help="of a folder: processes on this computer (default: one a processor)"
    )


def _predict(arguments: argparse.Namespace) -> None:
    from cytogate.model.command.native import own_cores
    from cytogate.model.files.table import check_table

    if arguments.output.suffix:
        check_table(arguments.output)
    design, dataset = design_of(arguments, holograms=True), dataset_of(arguments)
    is_holograms = isinstance(design.instrument, OffAxis)
    if not arguments.output.suffix:
        if is_holograms:
            raise InputError(
                f"design {design.name} takes off-axis holograms, of which one file is classified at a time; let "
                "--output name a .parquet or .csv file"
            )
        from cytogate.model.predict.archive import ArchiveRequest, run_archive

        workers = arguments.workers or own_cores()
        if arguments.scheduler is not None and arguments.workers is not None:
            raise InputError("--workers are processes of this computer; a scheduler has workers of its own")
        run_archive(
            ArchiveRequest(
                design, arguments.input, dataset, arguments.cells, arguments.output, arguments.scheduler, workers
            )
        )
        return
    for name in ("scheduler", "workers"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name} is for whole archives: let --output name a folder, without a suffix")
    from cytogate.model.predict.one_file import PredictRequest, run_predict

    request = PredictRequest(design, arguments.input, dataset, arguments.cells, arguments.output)
    if is_holograms:
        from cytogate.model.predict.holograms import predict_holograms

        predict_holograms(request)
    else:
        run_predict(request)


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(parser, "cells whose values are looked at; simulated ones otherwise")
    add_cells(parser, "so many at most", 64)
    parser.add_argument("--seed", type=seed, default=0, help="seed of simulated cells")
    add_output(parser, "out/explain", "folder of report and picture")


def _explain(arguments: argparse.Namespace) -> None:
    from cytogate.model.explain import ExplainRequest, run_explain

    run_explain(
        ExplainRequest(
            design_of(arguments),
            arguments.input,
            dataset_of(arguments),
            arguments.cells,
            arguments.seed,
            arguments.output,
        )
    )


def _experiment_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=EXPERIMENTS, metavar="NAME", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument(
        "--scale",
        choices=("small", "full"),
        default="small",
        help="small: under ten minutes on two cores, the page says what was shrunk; full: as published",
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of data, splits, initial weights and order")
    parser.add_argument(
        "--work", type=FOLDER, default="out/experiments/work", help="folder of unfinished trainings, gone on with"
    )
    add_output(parser, "out/experiments", "receives a folder NAME-SCALE with README.md, CSV, PNG and report.json")


def _experiment(arguments: argparse.Namespace) -> None:
    from cytogate.model.experiments.job import ExperimentRequest, run_experiment
    from cytogate.model.experiments.setting import Scale

    run_experiment(
        ExperimentRequest(
            name=arguments.name,
            scale=Scale(arguments.scale),
            seed=arguments.seed,
            work=arguments.work,
            output=arguments.output,
        )
    )


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", choices=SETS, metavar="SET", help=f"one of {', '.join(SETS)}; see docs/howto/public-sets.md"
    )
    parser.add_argument("--input", type=Path, required=True, metavar="FOLDER", help="folder of the unpacked set")
    add_cells(parser, "so many at most, drawn at random, the same ones each time")
    parser.add_argument("--output", type=FILE, required=True, metavar="FILE", help="a .h5 or .hdf5 file to write")


def _import(arguments: argparse.Namespace) -> None:
    from cytogate.model.sets.importing import ImportRequest, run_import

    run_import(ImportRequest(arguments.name, arguments.input, arguments.output, arguments.cells))


def _calibrate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser, required=True)
    add_input(
        parser,
        "holograms with cells, the first 16 are looked at; of a four-angle design frames of empty fields, the first "
        "1,024",
        required=True,
    )
    holograms = parser.add_argument_group("off-axis designs")
    holograms.add_argument(
        "--reference", type=Path, metavar="FILE|FOLDER", help="empty holograms of the same instrument"
    )
    holograms.add_argument(
        "--radius",
        type=float,
        metavar="CYCLES",
        help="radius of the sideband in cycles a pixel (default: a third of the carrier's distance, or what fits)",
    )
    holograms.add_argument("--bead", type=Path, metavar="FILE", help="a hologram of a bead, for magnification and gain")
    holograms.add_argument("--bead-um", type=float, metavar="UM", help="its diameter")
    holograms.add_argument("--bead-index", type=float, metavar="INDEX", help="its refractive index")


def _calibrate(arguments: argparse.Namespace) -> None:
    # A background that does not suit the design any more is what is measured anew.
    design = load_design(arguments.design, background=False)
    check_own(design)
    from cytogate.model.calibrate.job import run_calibration
    from cytogate.model.calibrate.request import CalibrationRequest

    run_calibration(
        CalibrationRequest(
            design,
            arguments.input,
            dataset_of(arguments),
            arguments.reference,
            arguments.radius,
            arguments.bead,
            arguments.bead_um,
            arguments.bead_index,
        )
    )


def _phase_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_input(parser, "off-axis holograms or four-angle frames", required=True)
    add_cells(parser, "so many holograms, or cells' frames, at most")
    parser.add_argument("--table", choices=("csv", "parquet"), default="csv", help="form of the table of cells")
    add_output(parser, "out/phase", "folder of maps.h5, maps.tif, the table of cells, picture and report")


def _phase(arguments: argparse.Namespace) -> None:
    from cytogate.model.phase.job import PhaseRequest, run_phase

    run_phase(
        PhaseRequest(
            load_design(arguments.design),
            arguments.input,
            dataset_of(arguments),
            arguments.cells,
            f".{arguments.table}",
            arguments.output,
        )
    )


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    add_cells(parser, "how many cells; of an off-axis design, how many holograms (default: 1000, or 100)")
    parser.add_argument(
        "--cells-a-field", type=int, metavar="NUMBER", help="cells of a simulated hologram, at most (default: 3)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="the same seed gives the same cells, however many")
    parser.add_argument(
        "--classes",
        type=_classes,
        metavar="LINE,NAME=LINE",
        help="cell lines in equal numbers, in the order of their labels: MCF7, OAC, OST, PBMC, THP1, MB231; "
        "blood=PBMC calls the cells of a line otherwise (default: the classes of the design's network)",
    )
    parser.add_argument(
        "--difficulty",
        type=float,
        default=1.0,
        help="factor of the spread between cells of a class: 0 is easy, 2 is hard",
    )
    parser.add_argument(
        "--run",
        dest="shading_run",
        type=int,
        metavar="NUMBER",
        help="all cells share the shading of this run of the instrument, as its empty field does "
        "(default: each cell has a shading of its own)",
    )
    parser.add_argument(
        "--empty-field", action="store_true", help="background frames, without cells, of as many exposures"
    )
    parser.add_argument(
        "--output", type=FILE, required=True, metavar="FILE", help="a .h5, .hdf5, .tif or .tiff file to write"
    )


def _simulate(arguments: argparse.Namespace) -> None:
    design = load_design(arguments.design)
    if isinstance(design.instrument, OffAxis):
        _simulate_holograms(design, arguments)
        return
    if arguments.cells_a_field is not None:
        raise InputError(f"design {design.name} has one cell a field; --cells-a-field is for off-axis designs")
    from cytogate.model.simulation.cells import CELL_LINES
    from cytogate.model.simulation.simulator import cells_of_instrument
    from cytogate.model.simulation.write import write_cells

    # An empty field has no cell: one line stands for classes that need not be simulated.
    drawn = tuple(CELL_LINES)[:1] if arguments.empty_field else design.network.class_names
    classes = arguments.classes or tuple((name, name) for name in drawn)

    cells = cells_of_instrument(
        design,
        class_names=tuple(line for _, line in classes),
        cells=SIMULATED_CELLS if arguments.cells is None else arguments.cells,
        seed=arguments.seed,
        difficulty=arguments.difficulty,
        run=arguments.shading_run,
    )
    names = tuple(name for name, _ in classes)
    write_cells(cells, arguments.output, class_names=names, empty_field=arguments.empty_field)
    print(f"{arguments.output}: {len(cells)} simulated {'empty fields' if arguments.empty_field else 'cells'}")


def _simulate_holograms(design: Design, arguments: argparse.Namespace) -> None:
    if arguments.shading_run is not None:
        raise InputError(f"design {design.name}: its holograms are of one instrument; --run does not go with it")
    from cytogate.model.simulation.cells import CELL_LINES
    from cytogate.model.simulation.holograms import SimulatedHolograms, write_holograms

    own = design.network.class_names
    names = own if set(own) <= set(CELL_LINES) else tuple(CELL_LINES)
    classes = arguments.classes or tuple((name, name) for name in names)
    holograms = SimulatedHolograms(
        acquisition=design.off_axis,
        class_names=tuple(line for _, line in classes),
        fields=SIMULATED_HOLOGRAMS if arguments.cells is None else arguments.cells,
        cells=CELLS_A_FIELD if arguments.cells_a_field is None else arguments.cells_a_field,
        seed=arguments.seed,
        difficulty=arguments.difficulty,
    )
    given = tuple(name for name, _ in classes)
    write_holograms(holograms, arguments.output, class_names=given, empty_field=arguments.empty_field)
    print(f"{arguments.output}: {len(holograms)} simulated {'empty ' if arguments.empty_field else ''}holograms")


def _classes(text: str) -> tuple[tuple[str, str], ...]:
    """Read LINE or NAME=LINE, by commas, as pairs of a class's name and the cell line that is simulated."""
    pairs = [each.rpartition("=") for each in text.split(",")]
    return tuple((name if equals else line, line) for name, equals, line in pairs)


def _estimate_arguments(parser: argparse.ArgumentParser) -> None:
    add_design(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")


def _estimate(arguments: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from cytogate.model.estimates.system import fit_boards
    from cytogate.model.networks.shapes import network_shapes

    design = design_of(arguments, holograms=True)
    if isinstance(design.instrument, OffAxis):
        _estimate_holograms(design, arguments)
        return
    plans, reason = _engine_plans(design)
    if design.chip.network == RTL and reason is not None:
        raise InputError(reason)
    found = fit_boards(design, network_shapes(design)) if design.chip.network == HLS4ML else ()
    if arguments.json:
        engines = {name: [asdict(each) for each in of_board] for name, of_board in plans.items()}
        boards = [asdict(each) for each in found] or [{"board": name} for name in engines]
        told = [each | {"rtl_engines": engines.get(each["board"], []), "no_rtl_engines": reason} for each in boards]
        print(json.dumps(told, indent=2))
    else:
        _print_estimates(found, plans, reason)
        if design.retrieves_phase:
            _print_largest_phase(design)


def _print_largest_phase(design: Design) -> None:
    """Say beyond which phase the design's law saturates; of less than the network sees, what would be right."""
    from cytogate.model.command.terminal import terminal
    from cytogate.model.contract.law import four_angle_contract

    terms = four_angle_contract(design)
    told = (
        f'Beyond {terms.largest_phase:.3g} rad of either sign the phase is saturated (law "{design.chip.retrieval}").'
    )
    if terms.largest_phase < terms.largest_phase_seen:
        told += (
            f" The network sees phases up to {terms.largest_phase_seen:.3g} rad: use coarser pixels, a larger binning "
            f'or the law "{FFT}" for cells that reach them.'
        )
    terminal().print(told, soft_wrap=True)


def _estimate_holograms(design: Design, arguments: argparse.Namespace) -> None:
    """Print the budget of the stages, and what each board would do with it."""
    import json
    from dataclasses import asdict

    from rich.table import Table

    from cytogate.model.command.terminal import terminal
    from cytogate.model.estimates.area import area_table
    from cytogate.model.estimates.holograms import estimate_holograms
    from cytogate.model.networks.shapes import network_shapes

    found = estimate_holograms(design, network_shapes(design))
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    console = terminal()
    table = Table(title="A hologram in SystemVerilog, one value a clock (estimated; no such RTL exists yet)")
    for name in ("stage", "clocks", "ends, clocks after the last pixel"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in found[0].stages:
        table.add_row(stage.name, f"{stage.cycles:,}", f"{stage.after:,}")
    console.print(table)
    for each in found:
        console.print(area_table(f"{each.design} on {each.board}", each.area))
    for each in found:
        console.print(each.told, soft_wrap=True)
    console.print(LIMITS, soft_wrap=True)


def _engine_plans(design: Design) -> tuple[dict[str, tuple[EnginePlan, ...]], str | None]:
    """Plan the network's engines in SystemVerilog by board; or say why there are none."""
    from cytogate.model.engines.planner import plan_boards
    from cytogate.model.engines.upward import in_order_of_rows
    from cytogate.model.networks.saved import load_operations

    try:
        return plan_boards(design, in_order_of_rows(load_operations(design), design)), None
    except InputError as error:
        return {}, f"No engines in SystemVerilog are planned: {error}"


def _print_estimates(
    found: Sequence[BoardFit], plans: Mapping[str, tuple[EnginePlan, ...]], reason: str | None
) -> None:
    """Print tables first, so that the sentences stand where a reader's eye is when the command ends."""
    from cytogate.model.command.terminal import terminal
    from cytogate.model.estimates.area import area_table, samples

    console = terminal()
    shown = [_best_fit(each) for each in found]
    for network in dict.fromkeys(each.network for each in shown):
        console.print(_network_table(network, [each for each in shown if each.network == network]))
    for each in shown:
        console.print(area_table(f"{each.design} on {each.board}, {samples(each.samples_per_clock)}", each.area))
    if found:
        console.print(_rates_table([each for fit in found for each in fit.estimates]))
    if reason is None:
        console.print(_engines_table(plans))
    else:
        console.print(reason, soft_wrap=True)
    for fit in found:
        console.print(fit.told, soft_wrap=True)
    console.print(LIMITS, soft_wrap=True)


def _engines_table(plans: Mapping[str, tuple[EnginePlan, ...]]) -> Table:
    from rich.table import Table

    from cytogate.model.design.boards import RESOURCES
    from cytogate.model.engines.planner import SHARES

    shares = ", ".join(f"{SHARES[field]:.0%} of {name}" for field, name in RESOURCES.items())
    table = Table(
        title="Network as engines in SystemVerilog, and all that stands before it; frames at the network's size",
        caption=f"Clocks are exact. Chosen: the fastest within {shares}; where nothing fits, the fastest.",
    )
    names = "board", "samples per clock", "clocks per cell", "clocks to logits", "cells/s", "us", *RESOURCES.values()
    for name in (*names, "fits"):
        table.add_column(name, justify="left" if name == "board" else "right")
    for each in (plan for of_board in plans.values() for plan in of_board):
        used = [f"{each.area.percent[name]:.0f} %" if name in each.area.percent else "-" for name in RESOURCES.values()]
        clocks = f"{each.interval_cycles:,}", f"{each.latency_cycles:,}", f"{each.cells_per_second:,.0f}"
        fits = "yes" if each.fits else "no"
        table.add_row(each.board, str(each.samples_per_clock), *clocks, f"{each.latency_us:,.0f}", *used, fits)
    return table


def _best_fit(fit: BoardFit) -> SystemEstimate:
    """Return the estimate that fits at the most samples per clock, or else the smallest."""
    return next((each for each in fit.estimates if each.samples_per_clock == fit.samples_per_clock), fit.estimates[0])


def _rates_table(found: Sequence[SystemEstimate]) -> Table:
    from rich.table import Table

    front_end = found[0].front_end
    table = Table(
        title=f"Cells/s that frames of three sizes allow, GB/s they need; us of the {front_end.name}, and in all"
    )
    for name in ("board", "MHz", "samples per clock"):
        table.add_column(name, justify="left" if name == "board" else "right")
    for rate in (found[0].sent, found[0].raw, found[0].binned):
        table.add_column(rate.frame, justify="right")
        table.add_column("GB/s", justify="right")
    for name in ("network", "us", "us in all"):
        table.add_column(name, justify="right")
    for each in found:
        rates = [
            text
            for rate in (each.sent, each.raw, each.binned)
            for text in (f"{rate.through_port_per_second:,.0f}", f"{rate.bytes_per_second / 1e9:.2f}")
        ]
        table.add_row(
            each.board,
            f"{each.clock_mhz:g}",
            str(each.samples_per_clock),
            *rates,
            f"{each.network_cells_per_second:,.0f}",
            f"{each.front_end_latency_us:,.1f}",
            f"{each.latency_us:,.0f}",
        )
    return table


def _network_table(network: NetworkEstimate, having: Sequence[SystemEstimate]) -> Table:
    from rich.table import Table

    boards = ", ".join(f"{each.network_cells_per_second:,.0f} cells/s on {each.board}" for each in having)
    table = Table(
        title=f"Network, estimated from its shapes: {boards}",
        caption=f"A cell every {network.interval_cycles:,} clocks; {network.weights_bram36:,.1f} BRAM36 of weights and "
        f"{network.streams_bram36:,.1f} of streams.",
    )
    for column in ("layer", "MACs per cell", "multipliers", "reuse", "clocks per cell"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    for layer in network.layers:
        table.add_row(layer.name, f"{layer.macs:,}", f"{layer.multipliers:,}", f"{layer.reuse:,}", f"{layer.cycles:,}")
    return table


NEW = Verb("Write the folder of a design of your own: a commented design.toml to edit.", _new_arguments, _new)
IMPORT = Verb(
    "Turn a public set of cells that you have fetched into a file that all verbs read; resumes.",
    _import_arguments,
    _import,
)
CALIBRATE = Verb(
    "Measure an instrument: by holograms carrier, sideband, reference field; by empty fields a four-angle one's light.",
    _calibrate_arguments,
    _calibrate,
)
PHASE = Verb(
    "Maps of phase and path delay of frames or holograms, as HDF5 and TIFF, and dry mass and shape of each cell.",
    _phase_arguments,
    _phase,
)
SIMULATE = Verb(
    "Simulate cells seen by a four-angle instrument, or holograms of an off-axis one, as HDF5 or TIFF.",
    _simulate_arguments,
    _simulate,
)
ESTIMATE = Verb(
    "Clocks, rates and resources of a design on every board, before anything is built.", _estimate_arguments, _estimate
)
TRAIN = Verb(
    "Train a design's network on labelled cells, beside simpler classifiers and a background check; resumes.",
    _train_arguments,
    _train,
)
CODESIGN = Verb(
    "Search a network's sizes and bits for a board and a latency, as students of its float form; resumes.",
    _codesign_arguments,
    _codesign,
)
PREDICT = Verb(
    "Classify cells of a file by the exact fixed-point chain: class, scores, features with units, as a table.",
    _predict_arguments,
    _predict,
)
EXPLAIN = Verb(
    "Look into a design's network layer by layer: formats, ranges, saturation and rounding on cells, clocks, DSP.",
    _explain_arguments,
    _explain,
)
EXPERIMENT = Verb(
    "Repeat a paper's experiment at a chosen scale: its tables and figures as a page, CSV, PNG and JSON.",
    _experiment_arguments,
    _experiment,
)
