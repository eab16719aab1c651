"""The verb ``stream``. Light to import: the verb imports its work when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from cytogate.model.command.arguments import add_cells, add_input, add_output, dataset_of, number, seed, whole
from cytogate.model.command.dispatch import Verb
from cytogate.model.interface.deadlines import LONGEST_DEADLINE_S

LIVE_PORT = 5006
MOST_PORT = (1 << 16) - 1
MOST_QUEUE = 1 << 20
"""Cells that wait; each has its frames in memory."""
MOST_SECONDS = 86_400.0


def _arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    add_input(
        parser,
        "frames of the design's instrument: HDF5, NPZ, NPY, TIFF, OME-TIFF, Zarr, MAT, .adc of an Imaging FlowCytobot, "
        "or a folder that such files are put into while the stream runs, or into its sub-folders, two deep",
        among=source,
    )
    source.add_argument("--simulate", action="store_true", help="simulated cells seen by the design's instrument")
    parser.add_argument("--bundle", type=Path, required=True, metavar="FILE", help="what make bitstream has written")
    parser.add_argument("--device", default="pynq", help="pynq (a board), or emulated")
    add_output(
        parser,
        "out/stream",
        "folder of the run: events (Parquet; CSV without pyarrow), FCS, report; the same command goes on with a run",
    )
    parser.add_argument(
        "--rate",
        metavar="CELLS",
        help="cells a second, or recorded: cells arrive at their own times and are dropped where the queue is full "
        "(default: as fast as they are taken, none dropped)",
    )
    parser.add_argument(
        "--gates", type=Path, metavar="FILE", help="TOML file of what is to be sorted (default: nothing is)"
    )
    add_cells(parser, "end after so many (default: with the source)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of --simulate")
    parser.add_argument("--batch", type=whole(1), default=16, help="most cells in a transfer; fewer for lower latency")
    parser.add_argument(
        "--deadline",
        type=number(1e-3, LONGEST_DEADLINE_S),
        metavar="SECONDS",
        help="time without progress that the chip is given (default: 2 on a board, 60 on an emulated one)",
    )
    parser.add_argument(
        "--queue", type=whole(1, MOST_QUEUE), default=128, help="most cells that wait for the accelerator"
    )
    parser.add_argument(
        "--flush", type=number(0, MOST_SECONDS), default=2.0, help="seconds between writings of finished events"
    )
    parser.add_argument(
        "--settle",
        type=number(0, MOST_SECONDS),
        default=2.0,
        metavar="SECONDS",
        help="time without change after which a file in a folder is taken for whole; five times as long if it looks "
        "unfinished",
    )
    parser.add_argument(
        "--images", default="", metavar="CLASS,CLASS", help="classes whose frames are kept as TIFF files"
    )
    parser.add_argument("--most-images", type=whole(0), default=100, help="files a class")
    parser.add_argument(
        "--features",
        action="store_true",
        help="also measure each cell (area, phase, dry mass, brightness ...), on this computer and in its time",
    )
    parser.add_argument(
        "--live",
        nargs="?",
        type=whole(0, MOST_PORT),
        const=LIVE_PORT,
        metavar="PORT",
        help=f"serve a page on this machine that shows the stream and lets gates be dragged (port {LIVE_PORT})",
    )


def _run(arguments: argparse.Namespace) -> None:
    from cytogate.host.job import StreamRequest, run_stream

    run_stream(
        StreamRequest(
            input=None if arguments.simulate else arguments.input,
            dataset=dataset_of(arguments),
            bundle=arguments.bundle,
            device=arguments.device,
            output=arguments.output,
            rate=arguments.rate,
            gates=arguments.gates,
            cells=arguments.cells,
            seed=arguments.seed,
            batch=arguments.batch,
            deadline_s=arguments.deadline,
            queue_cells=arguments.queue,
            flush_s=arguments.flush,
            settled_s=arguments.settle,
            images=tuple(filter(None, arguments.images.split(","))),
            most_images=arguments.most_images,
            features=arguments.features,
            live=arguments.live,
        )
    )


STREAM = Verb("Cells from a source through the accelerator: class, decision, latency of each.", _arguments, _run)
