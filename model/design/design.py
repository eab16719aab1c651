"""Designs: what a user names with ``DESIGN=...``.

A design is a frozen record of everything that is decided before a chip is built: the instrument, the frame
size, the network and the board. Numeric formats are not decided here; they follow from a design in
:mod:`cytogate.model.contract.law`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from cytogate.model.design.file import read_toml
from cytogate.model.design.instruments import CLASS_NAMES, FourAngle
from cytogate.model.errors import InputError


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


def binned(design: Design) -> Design:
    """Return ``design`` for frames that arrive at the network's size, cropped and binned by the camera's side."""
    acquisition = dataclasses.replace(
        design.acquisition,
        rows=design.size,
        columns=design.size,
        pixel_pitch_x_um=design.acquisition.pixel_pitch_x_um * design.binning,
        pixel_pitch_y_um=design.acquisition.pixel_pitch_y_um * design.binning,
    )
    return dataclasses.replace(design, name=f"{design.name}-binned", binning=1, acquisition=acquisition)
