"""Arguments that several verbs share, said and read once."""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

from cytogate.model.command.outputs import FOLDER, check_folder
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import KERNELS, SAMPLES_PER_CLOCK, Design
from cytogate.model.design.folder import BUILTIN, DEFAULT_DESIGN, DESIGN_FILE, load_design, network_folder
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError


def add_design(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add ``--design``."""
    parser.add_argument(
        "--design",
        default=None if required else DEFAULT_DESIGN,
        required=required,
        metavar="NAME|FOLDER",
        help="a built-in design, or a folder of your own that holds design.toml",
    )


def add_chip(parser: argparse.ArgumentParser) -> None:
    """Add what may replace a design's choices of its chip."""
    parser.add_argument("--board", choices=BOARDS, help="another board (default: the design's)")
    parser.add_argument(
        "--kernel", choices=KERNELS, help="what stands before the network, C++ or SystemVerilog (default: the design's)"
    )
    parser.add_argument(
        "--samples-per-clock",
        type=int,
        choices=SAMPLES_PER_CLOCK,
        help="pixels of a frame that enter in a clock; kernel hls takes one (default: the design's)",
    )


def add_input(
    parser: argparse.ArgumentParser,
    told: str,
    *,
    required: bool = False,
    among: argparse._MutuallyExclusiveGroup | None = None,
) -> None:
    """Add ``--input``, perhaps ``among`` other sources, and ``--dataset``."""
    (among or parser).add_argument("--input", type=Path, required=required, metavar="FILE|FOLDER", help=told)
    parser.add_argument(
        "--dataset",
        metavar="PATH",
        help="array of the input that holds the cells, if its name is not frames, e.g. entry/data/frames or "
        "events/image (HDF5, NPZ, Zarr, MAT)",
    )


def add_cells(parser: argparse.ArgumentParser, told: str, default: int | None = None) -> None:
    """Add ``--cells``."""
    parser.add_argument("--cells", type=positive, default=default, metavar="NUMBER", help=told)


def add_output(parser: argparse.ArgumentParser, default: str | None, told: str) -> None:
    """Add ``--output``, a folder."""
    parser.add_argument("--output", type=FOLDER, default=default, required=default is None, metavar="FOLDER", help=told)


def design_of(arguments: argparse.Namespace, *, holograms: bool = False) -> Design:
    """Return the design that was named, with the chip that was asked for.

    Parameters
    ----------
    holograms
        Whether the verb takes off-axis designs.

    Raises
    ------
    InputError
        If there is no such design, or the verb takes none of its kind.
    """
    design = load_design(arguments.design) if holograms else chain_design(arguments.design)
    if "samples_per_clock" not in arguments:
        return design
    return with_chip(design, arguments.board, arguments.kernel, arguments.samples_per_clock)


def chain_design(given: str) -> Design:
    """Return a design by name or folder, for a verb that needs the whole chain from frames to class.

    Raises
    ------
    InputError
        If there is none, or it is an off-axis one, of whose holograms the verb knows nothing.
    """
    design = load_design(given)
    if isinstance(design.instrument, OffAxis):
        raise InputError(
            f'design {design.name} is of kind "{OffAxis.kind}"; this verb needs a four-angle or bright-field one: for '
            "off-axis ones there are calibrate, phase, simulate, train, csim, cosim, predict, estimate, bitstream, "
            "emulate, stream, bench"
        )
    return design


def own_design_of(arguments: argparse.Namespace, *, holograms: bool = False) -> Design:
    """Return what :func:`design_of` does, for a verb that writes a network into the design's folder.

    Raises
    ------
    InputError
        Where :func:`check_own` raises one.
    """
    design = design_of(arguments, holograms=holograms)
    check_own(design)
    check_folder(network_folder(design))
    return design


def check_own(design: Design) -> None:
    """Raise an :class:`InputError` if a design's folder is not the user's to write into.

    It is that of a built-in design, however it was named, or of a single file of TOML: others may lie beside that.
    """
    folder = design.folder
    if folder is not None and folder.parent == BUILTIN:
        raise InputError(
            f"{design.name} comes with Cytogate and is left as it is; `cytogate new my-design --like {design.name}` "
            "makes one of your own"
        )
    if folder is not None and not (folder / DESIGN_FILE).exists():
        raise InputError(
            f"design {design.name} is a file without a folder of its own, and what is written would belong to every "
            f"design beside it; move it to {Path(design.name, DESIGN_FILE)} and name that folder"
        )
    if folder is not None:
        check_folder(folder)


def with_chip(design: Design, board: str | None, kernel: str | None, samples_per_clock: int | None) -> Design:
    """Return a design for another board, kernel or number of samples per clock, where one is given."""
    try:
        chip = design.chip.on_board(board, kernel, samples_per_clock)
    except InputError as error:
        raise InputError(f"design {design.name}: {error}") from error
    return dataclasses.replace(design, chip=chip)


def dataset_of(arguments: argparse.Namespace) -> str | None:
    """Return the array of the input that was named.

    Raises
    ------
    InputError
        If there is no input that could hold it.
    """
    if arguments.dataset is not None and arguments.input is None:
        raise InputError(f"--dataset {arguments.dataset} names an array of a file; give the file as --input")
    dataset: str | None = arguments.dataset
    return dataset


MOST_SEED = (1 << 31) - 1
"""What follows from a seed, as those of folds and of draws, stays below 2^32."""


def seed(text: str) -> int:
    """Read a seed of random numbers."""
    if not text.isdecimal() or int(text) > MOST_SEED:
        raise argparse.ArgumentTypeError(f"it is {text}; a whole number from 0 to {MOST_SEED} is needed")
    return int(text)


MOST_COUNT = 10**12
"""Cells, or anything else that is counted: more than any run has."""

MOST_SHOWN = 40
"""Letters of an argument that an error tells."""


def whole(least: int, most: int = MOST_COUNT) -> Callable[[str], int]:
    """Return what reads a whole number from ``least`` to ``most``."""

    def read(text: str) -> int:
        # Of longer ones Python reads no number.
        number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"it is {_cut(text)}; a whole number from {least} to {most} is needed")
        return number

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number from ``least`` to ``most``; one that is not finite is none."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"it is {_cut(text)}; a number from {least:g} to {most:g} is needed")
        # Without a sign where it is zero.
        return value + 0.0

    return read


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


positive = whole(1)
"""Reads a number of at least 1."""
