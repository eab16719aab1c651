"""The job of ``cytogate calibrate``: what is measured of an instrument, by its kind, into the design's folder."""

from __future__ import annotations

from pathlib import Path

from cytogate.model.calibrate.empty_fields import calibrate_light
from cytogate.model.calibrate.holograms import calibrate_holograms
from cytogate.model.calibrate.request import CalibrationRequest
from cytogate.model.design.instruments import FourAngle


def run_calibration(request: CalibrationRequest) -> Path:
    """Calibrate a design and return the new folder, ``calibration/NNNN`` of the design's.

    Raises
    ------
    InputError
        If the input is not what the design's kind needs, the design takes no calibration, or the folder cannot be
        written.
    """
    if isinstance(request.design.instrument, FourAngle):
        return calibrate_light(request)
    return calibrate_holograms(request)
