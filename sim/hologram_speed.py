"""Speed of off-axis retrieval on a CPU beside qpretrieve and scikit-image, as :mod:`cytogate.sim.speed` measures."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis import reference as real
from cytogate.model.retrieval.off_axis.cells import find_cells
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband
from cytogate.model.simulation.hologram_cells import CalibratedHolograms
from cytogate.sim.speed import Timing, milliseconds, print_timings, ratios

PADDINGS: dict[str, dict[str, int]] = {"qpretrieve, its defaults": {}, "qpretrieve, no padding": {"padding": 0}}
"""Ways of the peer, by what they are called; the first is what the others are compared with."""


def run_hologram_bench(design: Design, fields: int, output: Path) -> None:
    """Time a calibrated design on simulated holograms, print a table and write ``output/report.json``.

    Raises
    ------
    InputError
        If the design is not calibrated.
    """
    made = CalibratedHolograms.of(design, fields, seed=0)
    # Before the libraries that read it are loaded.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    with warnings.catch_warnings():
        # That there is no GPU's library.
        warnings.simplefilter("ignore")
        import qpretrieve
    with terminal().status("simulating holograms, timing ..."):
        frames = np.stack([made.holograms[index].frame for index in range(fields)])
        timings = hologram_bench(design, frames, made, qpretrieve.OffAxisHologram)
    report = {
        "design": design.name,
        "holograms": fields,
        "threads": 1,
        "peer": qpretrieve.__version__,
        "timings": [asdict(timing) for timing in timings],
    }
    path = output / "report.json"
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print_timings(
        f"Time per hologram on this computer, one thread, {fields} simulated holograms, {design.name}", timings
    )
    terminal().print(f"written: {path}", soft_wrap=True)


def hologram_bench(
    design: Design, frames: NDArray[np.unsignedinteger], made: CalibratedHolograms, peer: Callable[..., Any]
) -> list[Timing]:
    """Time holograms (fields, rows, columns) to wrapped phase, and to cells.

    The peer ends at the wrapped phase; scikit-image unwraps it, without background or cells.
    """
    from skimage.restoration import unwrap_phase

    placing, sideband = Placing.of(design), Sideband.of(design)

    def of_peer(options: dict[str, int]) -> list[NDArray[np.float64]]:
        found = []
        for frame in frames:
            hologram = peer(frame.astype(np.float64), **options)
            hologram.run_pipeline(filter_name="disk", filter_size=1 / 3)
            found.append(np.asarray(hologram.phase).reshape(np.shape(hologram.phase)[-2:]))
        return found

    def float_cells() -> None:
        for frame in frames:
            opd = real.retrieve(frame, design, made.reference).opd
            find_cells(opd >= design.off_axis.threshold_nm, design)

    def float_arguments() -> None:
        for frame in frames:
            real.argument(real.object_field(frame, placing, sideband) / made.reference)

    def integer_cells() -> None:
        for frame in frames:
            integer.retrieve(frame, design, made.phasor)

    def native_cells() -> None:
        for frame in frames:
            native.retrieve(frame, design, made.phasor)

    def unwrapped(options: dict[str, int]) -> None:
        for each in of_peer(options):
            unwrap_phase(each)

    wrapped: dict[str, Callable[[], object]] = {
        **{name: partial(of_peer, options) for name, options in PADDINGS.items()},
        "float64 reference": float_arguments,
    }
    cells: dict[str, Callable[[], object]] = {
        **{f"{name}, and skimage": partial(unwrapped, options) for name, options in PADDINGS.items()},
        "float64 reference, with cells": float_cells,
        "integer model, with cells": integer_cells,
        "the same in C++": native_cells,
    }
    return [
        *ratios("to wrapped phase", {name: milliseconds(run, len(frames)) for name, run in wrapped.items()}),
        *ratios("to unwrapped phase", {name: milliseconds(run, len(frames)) for name, run in cells.items()}),
    ]
