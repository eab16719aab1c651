"""Instruments: how raw frames come to be, in the units of their optics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from cytogate.model.errors import InputError

CLASS_NAMES = ("MCF7", "OAC", "OST", "PBMC", "THP1")
"""Classes of the default network, in the order of its logits (Meng 2017, section 3.1)."""


@dataclass(frozen=True)
class FourAngle:
    """A bright-field instrument that takes four frames of a cell through four shifted pupils (Q-ATOM).

    The frames are ordered +x, -x, +y, -y; x runs along columns, y downward along rows. The pupils are Gaussian
    in amplitude. The last four fields describe noise and are used by the simulator alone.
    """

    channels: ClassVar[tuple[str, ...]] = ("+x", "-x", "+y", "-y")

    wavelength_um: float = 1.064
    na: float = 0.55
    pupil_sigma_na: float = 0.55
    """Standard deviation of the pupil's amplitude, in units of NA / wavelength."""
    pupil_shift_na: float = 0.22
    """Shift of each pupil from the axis, in units of NA / wavelength."""
    pixel_pitch_x_um: float = 45.0 / 305
    pixel_pitch_y_um: float = 45.0 / 305
    adc_bits: int = 8
    full_scale: float = 2.2
    """Intensity of the highest ADC code, in units of the empty field's mean intensity."""
    rows: int = 305
    columns: int = 305
    electrons_per_pixel: float = 4000.0
    defocus_sd_um: float = 1.5
    shading_sd: float = 0.03
    line_gain_sd: float = 0.004

    def __post_init__(self) -> None:
        for name in (
            "wavelength_um", "na", "pupil_sigma_na", "pupil_shift_na", "pixel_pitch_x_um", "pixel_pitch_y_um",
            "full_scale", "electrons_per_pixel",
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value}; it must be a positive number")
        if not 8 <= self.adc_bits <= 16:
            raise InputError(f"adc_bits is {self.adc_bits}; cameras of 8 to 16 bits are supported")
        if self.full_scale <= 1:
            raise InputError(f"full_scale is {self.full_scale}; it must exceed 1, the empty field's mean")

    @property
    def gradient_per_atanh(self) -> tuple[float, float]:
        """Phase gradient along x and y, in radians a raw pixel, for atanh((I+ - I-) / (I+ + I-)) = 1.

        With the pupil's amplitude exp(-|f - s|^2 / (2 sigma^2)) a local gradient k (cycles a length) gives
        (I+ - I-) / (I+ + I-) = tanh(2 k s / sigma^2), hence k = atanh(...) sigma^2 / (2 s).
        """
        cycles_per_um = self.pupil_sigma_na**2 / (2 * self.pupil_shift_na) * self.na / self.wavelength_um
        radians_per_um = 2 * math.pi * cycles_per_um
        return radians_per_um * self.pixel_pitch_x_um, radians_per_um * self.pixel_pitch_y_um


ANGLES = 4
