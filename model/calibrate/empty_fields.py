"""The calibration of a four-angle instrument's light by frames of empty fields, into the design's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.calibrate.request import CalibrationRequest, hash_of
from cytogate.model.command.files import plain, whole_folder
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import GRADIENT, Codes
from cytogate.model.contract.law import recursion_contract
from cytogate.model.design.design import Design, KnownBackground
from cytogate.model.design.folder import BACKGROUND_FILE, DESIGN_FILE, background_text, next_calibration
from cytogate.model.errors import InputError
from cytogate.model.files.frames import CELLS_AT_A_TIME, FrameFile, open_frames
from cytogate.model.pages.light_plot import light_plot
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.integer import gradients
from cytogate.model.retrieval.recursion.integer import border_fits
from cytogate.model.retrieval.recursion.reference import RealBackground, slopes_of

LEAST_FRAMES = 16
"""Frames below which a median passes over no cell, and the noise of single frames is left in it."""
MOST_FRAMES = 1024
"""Frames that are looked at, the first ones: noise is then a thirtieth of a single frame's."""
ASTRAY = 4.0
"""Times the median distance from the surface beyond which something is in a frame."""


@dataclass(frozen=True)
class LightReport:
    """What was found, as ``report.json`` has it; slopes are the largest over the field, in radians a pixel."""

    background: KnownBackground
    frames: int
    """Frames that were looked at."""
    frames_there: int
    """In the file."""
    simulated: bool
    """Whether the file says that its frames are simulated."""
    slope: float
    """Of the surface itself."""
    scatter: float
    """Between the surface and that of a single frame: half of the frames have less."""
    furthest: float
    """The same of the frame that is furthest away."""
    astray: int
    """Frames that are further away than :data:`ASTRAY` times the scatter."""
    moved: float
    """Between the surfaces of the first and the second half of the frames."""
    holds_still: bool
    """Whether these two are so near that a chip which follows would catch up while another one settles."""
    left_rms: float
    """Of the mean gradient less the surface, over the field."""
    inputs: dict[str, str]
    """SHA-256 of the file, by its path; of a folder its path alone."""


def calibrate_light(request: CalibrationRequest) -> Path:
    """Measure the background of a four-angle design and return the new folder, ``calibration/NNNN`` of the design's.

    The surface is the median over the frames of the surfaces of their borders, coefficient by coefficient, as the chip
    fits them: a few frames that hold a cell at the border do not move it.

    Raises
    ------
    InputError
        If the design's law takes no background, something was asked for that only holograms have, there are too few
        frames, one of them is not what the camera gives of a field, or the folder cannot be written.
    """
    design = request.design
    design.need_background("a calibration")
    _check_options(request)
    version, place = next_calibration(design)
    with open_frames(request.input, design.camera, dataset=request.dataset) as file:
        file.check_size(design)
        if file.cells < LEAST_FRAMES:
            raise InputError(
                f"{request.input}: holds {file.cells} frames of empty fields; {LEAST_FRAMES} are needed, and some "
                "hundred are better"
            )
        fits, mean = _measured(file, design)
        there, simulated = file.cells, file.simulated
    found = _median(fits)
    known, halves = found.measured(version, design.window), np.array_split(fits, 2)
    first, second = (_median(half) for half in halves)
    distances = _distances(fits, found, design)
    scatter = float(np.median(distances))
    slopes = _real(found, design).slopes(design.size)
    report = LightReport(
        background=known,
        frames=len(fits),
        frames_there=there,
        simulated=simulated,
        slope=float(np.abs(slopes).max()),
        scatter=scatter,
        furthest=float(distances.max()),
        astray=int(np.count_nonzero(distances > ASTRAY * max(scatter, _step(design)))),
        moved=float(_distances(second.surface[None], first, design)[0]),
        holds_still=not second.is_far_from(first),
        left_rms=float(np.sqrt(np.square(np.abs(mean - slopes)).mean())),
        inputs={str(request.input): hash_of(request.input)},
    )
    title = f"{design.name}, light of {report.frames:,} {'simulated ' if simulated else ''}frames of empty fields"
    with whole_folder(place) as partial:
        (partial / BACKGROUND_FILE).write_text(background_text(known), encoding="utf-8")
        text = json.dumps(report, default=plain, indent=2) + "\n"
        (partial / "report.json").write_text(text, encoding="utf-8")
        light_plot(mean, slopes, distances, title).savefig(partial / "picture.png", format="png", dpi=90)
    _tell(report, place, design.name)
    return place


def _check_options(request: CalibrationRequest) -> None:
    """Raise an :class:`InputError` for what is of holograms, or would not count."""
    design = request.design
    asked = {"reference": request.reference, "radius": request.radius, "bead": request.bead}
    asked |= {"bead-um": request.bead_um, "bead-index": request.bead_index}
    for name, given in asked.items():
        if given is not None:
            raise InputError(
                f"--{name} is of holograms; design {design.name} is of kind "
                f'"{design.instrument.kind}", whose empty fields --input alone names'
            )
    if design.background is not None:
        raise InputError(
            f"design {design.name}: its {DESIGN_FILE} has a section [background], which counts before what is measured "
            "now; take it out"
        )


def _measured(file: FrameFile, design: Design) -> tuple[Codes, NDArray[np.complex128]]:
    """Return the surfaces of the first frames' borders (frames, 6, 2), and the mean gradient (N, N) in rad/pixel."""
    terms, count = recursion_contract(design), min(file.cells, MOST_FRAMES)
    fits: list[Codes] = []
    total = np.zeros((design.size, design.size, 2), np.int64)
    with progress_bars() as bars:
        task = bars.add_task("calibrating", total=count)
        for start in range(0, count, CELLS_AT_A_TIME):
            frames = file.read(start, min(start + CELLS_AT_A_TIME, count))
            gradient = gradients(bin_codes(frames, design), terms)
            fits.append(border_fits(gradient, terms))
            total += gradient.sum(axis=0)
            bars.advance(task, len(frames))
    mean = total / count * _step(design)
    return np.concatenate(fits), mean[..., 0] + 1j * mean[..., 1]


def _median(fits: Codes) -> Background:
    return Background(np.rint(np.median(fits, axis=0)).astype(np.int64))


def _real(background: Background, design: Design) -> RealBackground:
    return RealBackground.of(background, recursion_contract(design))


def _step(design: Design) -> float:
    """Return what a gradient's code is, in radians a pixel."""
    return GRADIENT.step * recursion_contract(design).gradient_scale


def _distances(fits: Codes, background: Background, design: Design) -> NDArray[np.float64]:
    """Return the largest slope over the field between surfaces (frames, 6, 2) and a background's, in rad/pixel."""
    apart = [_real(Background(fit - background.surface), design).surface for fit in fits]
    parts = np.array_split(np.array(apart), -(-len(apart) // CELLS_AT_A_TIME))
    return np.concatenate([np.abs(slopes_of(part, design.size)).max(axis=(1, 2)) for part in parts])


def _tell(report: LightReport, place: Path, name: str) -> None:
    console = terminal()
    kind = "simulated " if report.simulated else ""
    first = f" (the first of {report.frames_there:,})" if report.frames < report.frames_there else ""
    console.print(
        f"Light of {report.frames:,} {kind}frames{first}: slopes of {1e3 * report.slope:.2f} mrad/pixel at most. Half "
        f"of the single frames are within {1e3 * report.scatter:.2f} of it; {report.astray:,} are more than {ASTRAY:g} "
        "times as far away, as frames with a cell at the border are.",
        soft_wrap=True,
    )
    still = "it holds still" if report.holds_still else "it does not hold still, and what was measured will not last"
    console.print(
        f"From the first half of the frames to the second the light moved by {1e3 * report.moved:.2f} mrad/pixel: "
        f"{still}.",
        soft_wrap=True,
    )
    console.print(
        f"Calibration {report.background.version} of {name}. Written: {place}/{BACKGROUND_FILE}, report.json, "
        f"picture.png; {DESIGN_FILE} is as it was. Bundles made from now on carry it.",
        soft_wrap=True,
    )
