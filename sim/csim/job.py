"""The job of ``cytogate csim``: cells from a file or the simulator, both kernels compiled, run, report, picture."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.native import own_cores
from cytogate.model.command.terminal import progress_bars
from cytogate.model.design.design import Design
from cytogate.model.files.frames import FrameFile, apply_flat_field, flat_field, open_frames
from cytogate.model.networks.native import fast_classifier
from cytogate.model.networks.saved import has_network, load_operations
from cytogate.model.retrieval.frame_order import check_order
from cytogate.model.simulation import simulator
from cytogate.model.simulation.simulator import simulated_cells
from cytogate.model.simulation.write import write_cells
from cytogate.sim.csim.chain import CellRecord, Classifier, run_chain
from cytogate.sim.csim.kernels import BUILD_FOLDER, CSimulation
from cytogate.sim.csim.picture import area_note, draw
from cytogate.sim.csim.report import CSimReport, print_table
from cytogate.sim.csim.stages_file import stages_file

PICTURED_CELLS = 5
DATA_FOLDER = Path("out/data")


@dataclass(frozen=True)
class CSimRequest:
    """What was asked of ``cytogate csim``."""

    design: Design
    input: Path | None
    """The user's frames; None for simulated cells."""
    dataset: str | None
    """Array of ``input``, and of ``background``, that holds the cells, if its name is not ``frames``."""
    background: Path | None
    cells: int
    """Cells in C-simulation."""
    agreement_cells: int
    """Cells altogether: as many are simulated, of a file no more are read."""
    seed: int
    stages: Path | None
    output: Path


def run_csim(request: CSimRequest) -> None:
    """Run the main job and raise CheckFailed if a relation of the contract does not hold."""
    began = time.perf_counter()
    with ExitStack() as stack:
        design, frames = stack.enter_context(_cells(request))
        folder = BUILD_FOLDER / design.name
        with sole_builder(folder):
            classifier, simulation = _compiled(design, folder)
        cells = min(request.agreement_cells, frames.cells)
        csim_cells = min(request.cells, cells)
        pictured: list[CellRecord] = []
        writer = None if request.stages is None else stack.enter_context(stages_file(request.stages, csim_cells))

        def keep(record: CellRecord) -> None:
            if _is_new(record, pictured):
                pictured.append(record)
            if writer is not None:
                writer.write(record)

        progress = stack.enter_context(progress_bars())
        all_bar = progress.add_task("float and integer chain", total=cells)
        csim_bar = progress.add_task("C-simulation of both kernels", total=csim_cells)

        def show(done: int, simulated: int) -> None:
            progress.update(all_bar, completed=done)
            progress.update(csim_bar, completed=simulated)

        result = run_chain(
            design,
            classifier,
            simulation,
            frames,
            cells,
            csim_cells,
            on_cell=keep,
            on_progress=show,
        )
        labels = None if frames.labels is None else frames.labels[:cells]
    source = "simulated" if request.input is None else str(request.input)
    report = CSimReport.of(
        result,
        design=design.name,
        source=source,
        seed=request.seed if request.input is None else None,
        labels=labels,
        wrong_order=frames.wrong_order,
        seconds=time.perf_counter() - began,
    )
    picture = request.output / "picture.png"
    pictured.sort(key=lambda record: (record.label is None, record.label, record.index))
    notes = [area_note(record, design) for record in pictured]
    draw(picture, pictured, design, "simulated cells" if request.input is None else source, notes)
    report.write(request.output / "report.json")
    written = [request.output / "report.json", picture, *([request.stages] if request.stages else [])]
    print_table(report, written)
    report.check()


def _compiled(design: Design, folder: Path) -> tuple[Classifier | None, CSimulation]:
    """Return the design's network, where it is trained, and its chain in C-simulation."""
    if not has_network(design):
        print("Compiling with g++ (cached when nothing changed); there is no trained network yet ...", flush=True)
        return None, CSimulation.of_kernel(design, folder)
    network = load_operations(design)
    print("Converting the network with hls4ml and compiling with g++ (cached when nothing changed) ...", flush=True)
    project = convert(network, design, folder / "network")
    classifier = Classifier(network, fast_classifier(network, own_cores()))
    return classifier, CSimulation.of_chain(design, project, folder)


@contextmanager
def _cells(request: CSimRequest) -> Iterator[tuple[Design, _FileCells]]:
    """Give the design and its cells, flat-fielded if a background was given."""
    design = request.design
    path, names = (request.input, design.network.class_names) if request.input else _simulated(request)
    with ExitStack() as stack:
        frames = stack.enter_context(open_frames(path, design.camera, not design.retrieves_phase, request.dataset))
        frames.check_size(design)
        labels, told = frames.matched_labels(names)
        if told is not None:
            print(told, file=sys.stderr)
        if names != design.network.class_names:
            labels = None
        gains = None
        if request.background is not None:
            background = stack.enter_context(open_frames(request.background, design.camera, dataset=request.dataset))
            gains = flat_field(background, design.camera)
        cells = _FileCells(frames, labels, gains, design)
        yield design, cells if request.input is None else replace(cells, wrong_order=_wrong_order(cells, path))


def _wrong_order(cells: _FileCells, path: Path) -> str | None:
    """Say what the first cells tell of the order of their frames; return it where they are in a wrong one."""
    if not cells.design.retrieves_phase:
        return None
    found = check_order(cells, cells.design)
    if found.wrong or found.doubtful:
        print(f"{path}: {found.sentence}", file=sys.stderr)
    return found.sentence if found.wrong else None


def _simulated(request: CSimRequest) -> tuple[Path, tuple[str, ...]]:
    """Return a file of simulated cells of the design's instrument and their classes, which may be others than its own.

    Raises
    ------
    InputError
        If there is no simulator of such an instrument.
    """
    design = request.design
    cells = simulated_cells(design, request.agreement_cells, request.seed)
    classes, names = design.network.class_names, cells.class_names
    if names != classes:
        print(f"cells of {', '.join(classes)} cannot be simulated: those of {', '.join(names)} are, without labels")
    # The same name may stand for another instrument tomorrow, and the same seed for other cells of another simulator.
    key = hashlib.sha256(repr((design.instrument, names)).encode())
    for source in sorted(Path(simulator.__file__).parent.glob("*.py")):
        key.update(source.read_bytes())
    run = "" if cells.run is None else f"-run{cells.run}"
    path = DATA_FOLDER / f"{design.name}-{key.hexdigest()[:8]}-seed{request.seed}{run}-{request.agreement_cells}.h5"
    if not path.exists():
        write_cells(cells, path)
    return path, names


@dataclass(frozen=True)
class _FileCells:
    """Cells of a file, divided by the empty field as they are read where that was given."""

    file: FrameFile
    labels: NDArray[np.int64] | None
    gains: NDArray[np.float64] | None
    design: Design
    wrong_order: str | None = None
    """What is wrong with the order of the frames."""

    @property
    def cells(self) -> int:
        return self.file.cells

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger]:
        frames = self.file.read(start, stop)
        return frames if self.gains is None else apply_flat_field(frames, self.gains, self.design.camera)


def _is_new(record: CellRecord, pictured: list[CellRecord]) -> bool:
    """One cell of each class for the picture, or the first ones where classes are not known."""
    if len(pictured) == PICTURED_CELLS:
        return False
    return record.label is None or all(record.label != other.label for other in pictured)
