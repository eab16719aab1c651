"""Designs: what a user names with ``DESIGN=...``.

A design is a frozen record of everything that is decided before a chip is built: the instrument, the frame
size, the network and the board. Numeric formats are not decided here; they follow from a design in
:mod:`cytogate.model.contract.law`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path

from cytogate.model.design.file import read_toml
from cytogate.model.errors import InputError

CLASS_NAMES = ("MCF7", "OAC", "OST", "PBMC", "THP1")
"""Classes of the default network, in the order of its logits (Meng 2017, section 3.1)."""


@dataclass(frozen=True)
class FourAngle:
    """A bright-field instrument that takes four frames of a cell through four shifted pupils (Q-ATOM).

    The frames are ordered +x, -x, +y, -y; x runs along columns, y downward along rows. The pupils are Gaussian
    in amplitude. The last four fields describe noise and are used by the simulator alone.
    """

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


@dataclass(frozen=True)
class Meng2017:
    """The network of Meng 2017, quantized: three blocks of convolution, ReLU, pooling, normalisation; two dense.

    The paper gives kernel sizes and widths only in a figure that is not in its text: these are ours, chosen for a
    device: the first convolution looks at 4x4 pixels at every second one and the others at 3x3.
    """

    filters: tuple[int, int, int] = (8, 16, 32)
    first_kernel: int = 4
    first_stride: int = 2
    dense: int = 64
    weight_bits: int = 8
    activation_bits: int = 8
    class_names: tuple[str, ...] = CLASS_NAMES


@dataclass(frozen=True)
class Design:
    """One complete system: instrument, retrieval, network, board."""

    name: str
    size: int = 128
    """Rows and columns of the retrieved phase map and of the network's input."""
    binning: int = 2
    """Raw pixels summed along each axis into one pixel of the retrieval."""
    acquisition: FourAngle = field(default_factory=FourAngle)
    network: Meng2017 = field(default_factory=Meng2017)
    board: str = "kv260"
    clock_mhz: float = 200.0

    def __post_init__(self) -> None:
        if self.size not in (64, 128, 256):
            raise InputError(f"design {self.name}: size is {self.size}; 64, 128 and 256 are supported")
        if self.binning not in (1, 2, 4):
            raise InputError(f"design {self.name}: binning is {self.binning}; 1, 2 and 4 are supported")
        window = self.size * self.binning
        if min(self.acquisition.rows, self.acquisition.columns) < window:
            raise InputError(
                f"design {self.name}: frames of {self.acquisition.rows}x{self.acquisition.columns} pixels hold no "
                f"window of {window}x{window} ({self.size} pixels binned {self.binning}x{self.binning})"
            )

    @property
    def crop(self) -> tuple[int, int]:
        """First row and first column of the central window of ``size * binning`` raw pixels."""
        window = self.size * self.binning
        return (self.acquisition.rows - window) // 2, (self.acquisition.columns - window) // 2


DESIGNS = {
    design.name: design
    for design in (
        Design("qatom128"),
        Design("qatom64", size=64, binning=4),
        Design("qatom256", size=256, binning=1),
    )
}
DEFAULT_DESIGN = "qatom128"


def design_named(name: str) -> Design:
    """Return the built-in design ``name``."""
    if name not in DESIGNS:
        raise InputError(f"there is no design named {name}; choose one of {', '.join(DESIGNS)}")
    return DESIGNS[name]


OPTICS_KEYS = (
    "wavelength_um", "na", "pupil_sigma_na", "pupil_shift_na", "pixel_pitch_x_um", "pixel_pitch_y_um",
    "adc_bits", "full_scale",
)  # fmt: skip
"""Keys a user's optics file may hold; each is optional and replaces the design's value."""


def with_optics(design: Design, path: Path) -> Design:
    """Return ``design`` with the optical constants of the TOML file ``path``."""
    given = read_toml(path)
    for key, value in given.items():
        if key not in OPTICS_KEYS:
            raise InputError(f"{path}: {key} is no optical constant; known are {', '.join(OPTICS_KEYS)}")
        wanted = int if key == "adc_bits" else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise InputError(f"{path}: {key} is {value!r}; it must be a number")
    try:
        return dataclasses.replace(design, acquisition=dataclasses.replace(design.acquisition, **given))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
