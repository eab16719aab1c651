"""Instruments: how raw frames come to be, in the units of their optics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from cytogate.model.design.quantities import check, quantity
from cytogate.model.errors import InputError

MOST_PIXELS = 4096
"""Rows or columns of a frame, at most."""
MOST_CHANNELS = 8
"""Frames of one cell, at most, that an instrument without phase retrieval takes."""
HOLOGRAM_SIZES = (256, 512)
"""Rows and columns of a hologram that off-axis retrieval is built for."""


@dataclass(frozen=True)
class FourAngle:
    """A bright-field instrument that takes four frames of a cell through four shifted pupils (Q-ATOM).

    The frames are ordered +x, -x, +y, -y; x runs along columns, y downward along rows. The pupils are Gaussian
    in amplitude. The last four fields describe noise and are used by the simulator alone.
    """

    kind: ClassVar[str] = "four-angle"
    channels: ClassVar[tuple[str, ...]] = ("+x", "-x", "+y", "-y")
    """Names of a cell's frames, in their order."""

    wavelength_um: float = quantity("vacuum wavelength", 1.064, low=0.1, high=20)
    na: float = quantity("numerical aperture of the objective", 0.55, low=0.01, high=1.7)
    pupil_sigma_na: float = quantity(
        "standard deviation of each pupil's amplitude, in NA / wavelength", 0.55, low=0.01, high=10
    )
    pupil_shift_na: float = quantity("shift of each pupil from the axis, in NA / wavelength", 0.22, low=0.001, high=10)
    pixel_pitch_x_um: float = quantity("pixel along x (columns), at the sample", 45.0 / 305, low=0.005, high=100)
    pixel_pitch_y_um: float = quantity("pixel along y (rows), at the sample", 45.0 / 305, low=0.005, high=100)
    adc_bits: int = quantity("bits of a raw code", 8, low=8, high=16)
    full_scale: float = quantity(
        "intensity of the highest code, in means of the empty field", 2.2, low=1.001, high=1000
    )
    rows: int = quantity("rows of a raw frame", 305, low=1, high=MOST_PIXELS)
    columns: int = quantity("columns of a raw frame", 305, low=1, high=MOST_PIXELS)
    electrons_per_pixel: float = quantity(
        "of the empty field; shot noise of simulated cells", 4000.0, low=1, high=1e9, required=False
    )
    defocus_sd_um: float = quantity("spread of defocus of simulated cells", 1.5, low=0, high=100, required=False)
    shading_sd: float = quantity("spread of shading of simulated frames", 0.03, low=0, high=1, required=False)
    line_gain_sd: float = quantity("spread of line gain of simulated frames", 0.004, low=0, high=1, required=False)

    def __post_init__(self) -> None:
        check(self)

    @property
    def gradient_per_atanh(self) -> tuple[float, float]:
        """Phase gradient along x and y, in radians a raw pixel, for atanh((I+ - I-) / (I+ + I-)) = 1.

        With the pupil's amplitude exp(-|f - s|^2 / (2 sigma^2)) a local gradient k (cycles a length) gives
        (I+ - I-) / (I+ + I-) = tanh(2 k s / sigma^2), hence k = atanh(...) sigma^2 / (2 s).
        """
        cycles_per_um = self.pupil_sigma_na**2 / (2 * self.pupil_shift_na) * self.na / self.wavelength_um
        radians_per_um = 2 * math.pi * cycles_per_um
        return radians_per_um * self.pixel_pitch_x_um, radians_per_um * self.pixel_pitch_y_um


@dataclass(frozen=True)
class BrightField:
    """An instrument whose frames go to the network as they are: one to eight images of a cell, no phase retrieval."""

    kind: ClassVar[str] = "bright-field"

    channels: tuple[str, ...] = quantity('names of a cell\'s frames, in their order: ["bright field", "dark field"]')
    pixel_pitch_x_um: float = quantity("pixel along x (columns), at the sample", low=0.005, high=100)
    pixel_pitch_y_um: float = quantity("pixel along y (rows), at the sample", low=0.005, high=100)
    adc_bits: int = quantity("bits of a raw code", low=8, high=16)
    rows: int = quantity("rows of a raw frame", low=1, high=MOST_PIXELS)
    columns: int = quantity("columns of a raw frame", low=1, high=MOST_PIXELS)

    def __post_init__(self) -> None:
        check(self)
        if len(self.channels) > MOST_CHANNELS:
            raise InputError(f"channels has {len(self.channels)} names; a cell has 1 to {MOST_CHANNELS} frames")
        check_names("channels", self.channels)


@dataclass(frozen=True)
class OffAxis:
    """A holographic microscope: a tilted reference wave puts the cells' field onto a carrier of fine fringes.

    A frame is one hologram of a field that holds any number of cells. The central ``hologram_size`` squared pixels are
    transformed; an axis of fewer pixels is padded evenly on both sides with the frame's mean. The carrier is that of
    simulated holograms: ``cytogate calibrate`` measures that of an instrument
    (:class:`~cytogate.model.design.design.Calibration`). The last four fields are used by the simulator alone.
    """

    kind: ClassVar[str] = "off-axis"
    channels: ClassVar[tuple[str, ...]] = ("hologram",)

    wavelength_um: float = quantity("vacuum wavelength", 0.633, low=0.1, high=20)
    camera_pitch_um: float = quantity("pixel of the camera, at the camera", 4.8, low=0.1, high=100)
    magnification: float = quantity("from the sample to the camera; a bead measures it", 40.0, low=0.5, high=1000)
    medium_index: float = quantity("refractive index around the cells", 1.334, low=1, high=2)
    hologram_size: int = quantity("rows and columns that are transformed", 512, choices=HOLOGRAM_SIZES)
    threshold_nm: float = quantity("path delay from which on a pixel is a cell's", 15.0, low=1, high=5000)
    least_area_um2: float = quantity("a smaller region is no cell", 20.0, low=0.01, high=1e6)
    adc_bits: int = quantity("bits of a raw code", 8, low=8, high=16)
    rows: int = quantity("rows of a hologram", 512, low=1, high=MOST_PIXELS)
    columns: int = quantity("columns of a hologram", 512, low=1, high=MOST_PIXELS)
    carrier_y: float = quantity(
        "fringes down a column of simulated holograms, in cycles a pixel", 0.30, low=-0.5, high=0.5, required=False
    )
    carrier_x: float = quantity(
        "fringes along a row of simulated holograms, in cycles a pixel", 0.24, low=-0.5, high=0.5, required=False
    )
    na: float = quantity("numerical aperture of simulated holograms", 0.65, low=0.01, high=1.7, required=False)
    fringe_contrast: float = quantity("of simulated holograms", 0.7, low=0.01, high=1, required=False)
    speckle_sd: float = quantity(
        "coherent noise of simulated holograms, as a share of the field", 0.02, low=0, high=1, required=False
    )
    electrons_per_pixel: float = quantity(
        "of the empty field; shot noise of simulated holograms", 8000.0, low=1, high=1e9, required=False
    )

    def __post_init__(self) -> None:
        check(self)
        if min(self.rows, self.columns) * 2 < self.hologram_size:
            raise InputError(
                f"hologram_size is {self.hologram_size} for holograms of {self.rows}x{self.columns} pixels; padding "
                f"must not exceed half of it: take holograms of {self.hologram_size // 2} pixels or more an axis"
            )

    @property
    def pixel_pitch_x_um(self) -> float:
        """Pixel along x (columns), at the sample."""
        return self.camera_pitch_um / self.magnification

    @property
    def pixel_pitch_y_um(self) -> float:
        """Pixel along y (rows), at the sample."""
        return self.camera_pitch_um / self.magnification


@dataclass(frozen=True)
class NetworkInputs:
    """No instrument: cells come as codes of the network's inputs, computed elsewhere.

    So are the quantized networks of the experiments kept: their exactness is proved, they are not streamed.
    """

    kind: ClassVar[str] = "network-inputs"
    channels: ClassVar[tuple[str, ...]] = ()


Camera = FourAngle | BrightField | OffAxis
"""An instrument that takes frames."""
Instrument = FourAngle | BrightField | OffAxis | NetworkInputs
INSTRUMENTS: dict[str, type[FourAngle] | type[BrightField] | type[OffAxis] | type[NetworkInputs]] = {
    each.kind: each for each in (FourAngle, BrightField, OffAxis, NetworkInputs)
}
"""Instruments by their kind."""


ANGLES = len(FourAngle.channels)


def check_names(what: str, names: tuple[str, ...]) -> None:
    """Raise an :class:`InputError` unless names are different, printable and of 1 to 100 letters."""
    for name in names:
        if not 1 <= len(name) <= 100 or not name.isprintable() or name != name.strip():
            raise InputError(f"{what} holds {name!r}; names have 1 to 100 printable letters and no space at an end")
        if names.count(name) > 1:
            raise InputError(f"{what} holds {name!r} twice; names must differ")
