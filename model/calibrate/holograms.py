"""The calibration of an off-axis instrument by its holograms, into the design's folder."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cytogate.model.calibrate.request import CalibrationRequest, hash_of
from cytogate.model.command.files import plain, whole_folder
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import Calibration, Design
from cytogate.model.design.folder import (
    CALIBRATION_FILE,
    DESIGN_FILE,
    REFERENCE_FILE,
    calibration_text,
    next_calibration,
)
from cytogate.model.errors import InputError
from cytogate.model.files.holograms import Hologram, HologramFile, open_holograms
from cytogate.model.pages.calibration_plot import calibration_plot
from cytogate.model.retrieval.off_axis.calibration import (
    Bead,
    Carrier,
    delays_light,
    find_carrier,
    fit_bead,
    reference_of,
)
from cytogate.model.retrieval.off_axis.cells import find_cells
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.reference import OffAxisRetrieved, delay_of, retrieve
from cytogate.model.retrieval.off_axis.sideband import Complexes, Sideband

MOST_HOLOGRAMS = 16
"""Of each kind that are looked at, the first ones: more make the carrier no better."""
BESIDE_DISK = 2
"""Frequencies beside the disk's diameter that the kept part of the spectrum needs."""


@dataclass(frozen=True)
class CalibrationReport:
    """What was found, as ``report.json`` has it."""

    calibration: Calibration
    prominence: float
    """Of the carrier over what lies as far from zero."""
    reference: str
    """What the reference field comes from."""
    sideband: str
    """What chose it."""
    bead: Bead | None
    inputs: dict[str, str]
    """SHA-256 of each file, by its path; of folders their path alone."""


def calibrate_holograms(request: CalibrationRequest) -> Path:
    """Calibrate an off-axis design and return the new folder, ``calibration/NNNN`` of the design's.

    Raises
    ------
    InputError
        If the holograms have no fringes, the bead is none, the design is of another kind, or the folder cannot be
        written.
    """
    design = request.design
    version, place = next_calibration(design)
    _check_bead(request)
    with progress_bars() as bars:
        task = bars.add_task("calibrating", total=4)
        frames, empty = _holograms(request)
        found = find_carrier(empty or frames)
        bars.advance(task)
        trial, told = _choose_sideband(design, version, found, request.radius, frames, empty)
        bars.advance(task)
        bead = None
        if request.bead is not None:
            trial, bead = _measured_by_bead(request, trial)
        bars.advance(task)
        assert trial.design.calibration is not None
        report = CalibrationReport(
            trial.design.calibration,
            found.prominence,
            f"{len(empty)} empty holograms and a plane" if empty else f"the background of {len(frames)} holograms",
            told,
            bead,
            {str(path): hash_of(path) for path in (request.input, request.reference, request.bead) if path is not None},
        )
        shown = trial.retrieve(frames[0])
        with whole_folder(place) as partial:
            (partial / CALIBRATION_FILE).write_text(calibration_text(report.calibration), encoding="utf-8")
            np.save(partial / REFERENCE_FILE, trial.reference)
            text = json.dumps(report, default=plain, indent=2) + "\n"
            (partial / "report.json").write_text(text, encoding="utf-8")
            powers = np.abs(np.fft.fft2(shown.hologram))
            sideband = Sideband.of(trial.design)
            plot = calibration_plot(frames[0], powers, sideband.carrier, sideband.radius, trial.reference, shown.opd)
            plot.savefig(partial / "picture.png", format="png", dpi=90)
        bars.advance(task)
    _tell(report, place, design.name)
    return place


@dataclass(frozen=True, eq=False)
class _Trial:
    """A design with a calibration and the reference field that it would have."""

    design: Design
    reference: Complexes
    """(M, M) without the carrier's part of a bin."""

    def retrieve(self, frame: Hologram) -> OffAxisRetrieved:
        return retrieve(frame, self.design, self.reference * Sideband.of(self.design).ramp)


def _holograms(request: CalibrationRequest) -> tuple[list[Hologram], list[Hologram]]:
    """Return the first holograms with cells, and the first empty ones: of ``reference``, or what the input brings."""
    camera = request.design.off_axis
    with open_holograms(request.input, camera, request.dataset) as file:
        frames, empty = _usable(file, _fields(file)), _usable(file, file.empty_fields)
    if request.reference is not None:
        with open_holograms(request.reference, camera) as file:
            empty = _usable(file, _fields(file))
    return frames, empty


def _fields(file: HologramFile) -> Iterator[Hologram]:
    return (file.read(index) for index in range(file.fields))


def _usable(file: HologramFile, holograms: Iterable[Hologram]) -> list[Hologram]:
    """Return those of the first holograms that are to be believed, one at least where there is one."""
    taken = list(itertools.islice(holograms, MOST_HOLOGRAMS))
    found = [each for each in taken if file.fault(each) is None]
    if taken and not found:
        raise InputError(f"{file.path}: {file.fault(taken[0])}; take shorter exposures")
    return found


def _choose_sideband(
    design: Design,
    version: int,
    found: Carrier,
    radius: float | None,
    frames: list[Hologram],
    empty: list[Hologram],
) -> tuple[_Trial, str]:
    """Return the calibration with that sideband in which cells delay the light, and how it was chosen."""
    given = _fitting_radius(design, found) if radius is None else radius
    trial = _trial(design, version, found, given, frames, empty)
    instrument = trial.design.off_axis
    phases = [trial.retrieve(frame).phase for frame in frames]
    delayed = delays_light(phases, instrument.threshold_nm / delay_of(trial.design))
    if delayed is None:
        return trial, "x positive: no cells were found whose path delay would choose; look at the picture"
    if not delayed:
        trial = _trial(design, version, found.conjugate, given, frames, empty)
    return trial, "the one in which cells delay the light"


def _fitting_radius(design: Design, found: Carrier) -> float:
    """Return the largest radius that no other term reaches and that the map has room for."""
    return min(found.radius, (design.map_size - BESIDE_DISK) / 2 / design.off_axis.hologram_size)


def _trial(
    design: Design, version: int, carrier: Carrier, radius: float, frames: list[Hologram], empty: list[Hologram]
) -> _Trial:
    before = design.calibration
    # What a bead has shown holds until another bead is measured.
    magnification = design.off_axis.magnification if before is None else before.magnification
    gain = 1.0 if before is None else before.delay_gain
    calibration = Calibration(version, carrier.y, carrier.x, radius, magnification, gain)
    calibrated = dataclasses.replace(design, calibration=calibration)
    placing, sideband = Placing.of(calibrated), Sideband.of(calibrated)
    return _Trial(calibrated, reference_of(frames, empty, placing, sideband))


def _check_bead(request: CalibrationRequest) -> None:
    given = request.bead, request.bead_um, request.bead_index
    if any(each is not None for each in given) and None in given:
        raise InputError("--bead, --bead-um and --bead-index go together: its hologram, diameter and index")
    if request.bead_um is not None and not 0 < request.bead_um < 1000:
        raise InputError(f"--bead-um is {request.bead_um:g}; a diameter in um, above 0 and below 1000, is needed")
    medium = request.design.off_axis.medium_index
    if request.bead_index is not None and not medium < request.bead_index < 4:
        raise InputError(f"--bead-index is {request.bead_index:g}; it must exceed the medium's {medium:g}")


def _measured_by_bead(request: CalibrationRequest, trial: _Trial) -> tuple[_Trial, Bead]:
    """Return the calibration with the magnification and the gain that a bead shows."""
    assert request.bead is not None
    assert request.bead_um is not None
    assert request.bead_index is not None
    instrument, design = trial.design.off_axis, trial.design
    with open_holograms(request.bead, instrument) as file:
        (hologram,) = _usable(file, [file.read(0)])
    opd = trial.retrieve(hologram).opd
    found = find_cells(opd >= instrument.threshold_nm, design)
    whole = [cell for cell in found.cells if not cell.is_clipped]
    if not whole:
        raise InputError(f"{request.bead}: no bead whole in the first hologram")
    try:
        bead = fit_bead(opd, max(whole, key=lambda cell: np.count_nonzero(cell.mask)))
    except InputError as error:
        raise InputError(f"{request.bead}: {error}") from error
    pitch_um = request.bead_um / 2 / bead.radius_px / design.binning
    delay_nm = 1e3 * (request.bead_index - instrument.medium_index) * request.bead_um
    assert design.calibration is not None
    calibration = dataclasses.replace(
        design.calibration,
        magnification=instrument.camera_pitch_um / pitch_um,
        delay_gain=design.calibration.delay_gain * delay_nm / bead.delay_nm,
    )
    return _Trial(dataclasses.replace(design, calibration=calibration), trial.reference), bead


def _tell(report: CalibrationReport, place: Path, name: str) -> None:
    console, found = terminal(), report.calibration
    console.print(
        f"Carrier ({found.carrier_y:.5f}, {found.carrier_x:.5f}) cycles a pixel (rows, columns), "
        f"{report.prominence:,.0f} times what lies around it; disk of radius {found.sideband_radius:.4f}; sideband: "
        f"{report.sideband}. Reference field from {report.reference}.",
        soft_wrap=True,
    )
    if report.bead is not None:
        console.print(
            f"Bead: magnification {found.magnification:.2f}, path delay times {found.delay_gain:.4f}; it is "
            f"{report.bead.residue_nm:.1f} nm (RMS) from a ball.",
            soft_wrap=True,
        )
    console.print(
        f"Calibration {found.version} of {name}. Written: {place}/{CALIBRATION_FILE}, {REFERENCE_FILE}, report.json, "
        f"picture.png; {DESIGN_FILE} is as it was.",
        soft_wrap=True,
    )
