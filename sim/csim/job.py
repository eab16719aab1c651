"""What ``cytogate csim`` does: cells from a file or the simulator, both kernels compiled, run, report, picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.model.command.terminal import progress_bars
from cytogate.model.design.design import Design
from cytogate.model.files.frames import FrameFile, apply_flat_field, fitted, flat_field, open_frames
from cytogate.model.networks.exact import logits_of_values
from cytogate.model.networks.saved import load_network
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_cells
from cytogate.sim.csim.chain import CellRecord, Frames, run_chain
from cytogate.sim.csim.kernels import BUILD_FOLDER, CSimulation
from cytogate.sim.csim.picture import draw
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
        model = load_network(design)
        print(
            "Converting the network with hls4ml and compiling both kernels with g++ (cached when nothing changed) ..."
        )
        folder = BUILD_FOLDER / design.name
        project = convert(model, design, folder / "network")
        simulation = CSimulation.of_chain(design, project, folder)
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
        all_bar = progress.add_task("float and integer chain, Keras", total=cells)
        csim_bar = progress.add_task("C-simulation of both kernels", total=csim_cells)

        def show(done: int, simulated: int) -> None:
            progress.update(all_bar, completed=done)
            progress.update(csim_bar, completed=simulated)

        result = run_chain(
            design,
            lambda values: logits_of_values(model, iter([values])),
            project.logits,
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
        seconds=time.perf_counter() - began,
    )
    picture = request.output / "picture.png"
    pictured.sort(key=lambda record: (record.label is None, record.label, record.index))
    draw(picture, pictured, design.network.class_names, "simulated cells" if request.input is None else source)
    report.write(request.output / "report.json")
    written = [request.output / "report.json", picture, *([request.stages] if request.stages else [])]
    print_table(report, written)
    report.check()


@contextmanager
def _cells(request: CSimRequest) -> Iterator[tuple[Design, Frames]]:
    """Give the design, fitted to the frames, and the frames, flat-fielded if a background was given."""
    design = request.design
    if request.input is None:
        path = DATA_FOLDER / f"{design.name}-seed{request.seed}-{request.agreement_cells}.h5"
        cells = SimulatedCells(design.four_angle, design.network.class_names, request.agreement_cells, request.seed)
        if not path.exists():
            write_cells(cells, path)
    else:
        path = request.input
    with ExitStack() as stack:
        frames = stack.enter_context(open_frames(path, design.four_angle, design.network.class_names))
        design = fitted(design, frames)
        if request.background is None:
            yield design, frames
        else:
            background = stack.enter_context(open_frames(request.background, design.four_angle))
            yield design, _FlatFielded(frames, flat_field(background, design.four_angle), design)


@dataclass(frozen=True)
class _FlatFielded:
    """Frames divided by the empty field as they are read."""

    file: FrameFile
    gains: NDArray[np.float64]
    design: Design

    @property
    def cells(self) -> int:
        return self.file.cells

    @property
    def labels(self) -> NDArray[np.int64] | None:
        return self.file.labels

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger]:
        return apply_flat_field(self.file.read(start, stop), self.gains, self.design.four_angle)


def _is_new(record: CellRecord, pictured: list[CellRecord]) -> bool:
    """One cell of each class for the picture, or the first ones where classes are not known."""
    if len(pictured) == PICTURED_CELLS:
        return False
    return record.label is None or all(record.label != other.label for other in pictured)
