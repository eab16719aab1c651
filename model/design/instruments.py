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
class NetworkInputs:
    """No instrument: cells come as codes of the network's inputs, computed elsewhere.

    So are the quantized networks of the experiments kept: their exactness is proved, they are not streamed.
    """

    kind: ClassVar[str] = "network-inputs"
    channels: ClassVar[tuple[str, ...]] = ()


Camera = FourAngle | BrightField
"""An instrument that takes frames."""
Instrument = FourAngle | BrightField | NetworkInputs
INSTRUMENTS: dict[str, type[FourAngle] | type[BrightField] | type[NetworkInputs]] = {
    each.kind: each for each in (FourAngle, BrightField, NetworkInputs)
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
