"""The part of a hologram's spectrum that holds the field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design

Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class Sideband:
    """Which part of the spectrum holds the field: M x M frequencies about the bin nearest to the carrier."""

    size: int
    """N, rows and columns of the hologram."""
    map_size: int
    """M, rows and columns of what is kept."""
    carrier: tuple[float, float]
    """(y, x) cycles a pixel."""
    radius: float
    """Of the disk about the carrier, cycles a pixel."""

    @staticmethod
    def of(design: Design) -> Sideband:
        """Return that of a calibrated design."""
        found = design.calibrated
        return Sideband(
            design.off_axis.hologram_size,
            design.map_size,
            (found.carrier_y, found.carrier_x),
            found.sideband_radius,
        )

    @property
    def bins(self) -> tuple[int, int]:
        """(ky, kx) nearest to the carrier."""
        return round(self.carrier[0] * self.size), round(self.carrier[1] * self.size)

    @cached_property
    def frequencies(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the spectrum that are kept, each (M,), in the order of numpy.fft.fftfreq."""
        own = np.fft.fftfreq(self.map_size, 1 / self.map_size).astype(np.int64)
        ky, kx = self.bins
        return own + ky, own + kx

    @cached_property
    def disk(self) -> NDArray[np.bool_]:
        """What of the kept part lies within the radius, (M, M)."""
        (y, x), carrier = self.frequencies, self.carrier
        squared = (y[:, None] / self.size - carrier[0]) ** 2 + (x / self.size - carrier[1]) ** 2
        return np.asarray(squared <= self.radius**2)

    @cached_property
    def ramp(self) -> Complexes:
        """The field of a carrier that lies beside its bin, (M, M), of modulus 1."""
        past = [carrier * self.size - k for carrier, k in zip(self.carrier, self.bins, strict=True)]
        place = np.arange(self.map_size) / self.map_size
        y, x = (np.exp(1j * 2 * np.pi * cycles * place) for cycles in past)
        return np.asarray(y[:, None] * x)
