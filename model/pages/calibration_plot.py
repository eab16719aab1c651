"""The picture of a calibration: what a user looks at before believing it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

mpl.use("agg")

DETAIL = 64
"""Rows and columns of the hologram that show the fringes."""


def calibration_plot(
    hologram: NDArray,
    amplitudes: NDArray[np.float64],
    carrier: tuple[float, float],
    radius: float,
    reference: NDArray[np.complex128],
    opd: NDArray[np.float64],
) -> Figure:
    """Draw fringes, spectrum with the disk that is kept, reference field, and the first hologram's path delay.

    Parameters
    ----------
    hologram : (rows, columns) codes
    amplitudes : (N, N), of its transform, in the order of numpy.fft.fftfreq
    carrier : (y, x) cycles a pixel
    radius : cycles a pixel
    reference : (M, M)
    opd : (M, M) nanometres
    """
    figure = Figure(figsize=(14.5, 4.2), layout="constrained")
    fringes, spectrum, phase, delay = figure.subplots(1, 4)
    top, left = (max(0, (count - DETAIL) // 2) for count in hologram.shape)
    fringes.imshow(hologram[top : top + DETAIL, left : left + DETAIL], cmap="gray")
    fringes.set_title("fringes, middle of the first hologram", fontsize=9)
    shown = np.log10(np.fft.fftshift(amplitudes) + 1)
    spectrum.imshow(shown, cmap="magma", extent=(-0.5, 0.5, 0.5, -0.5), vmin=float(np.median(shown)))
    spectrum.add_patch(Circle(carrier[::-1], radius, fill=False, color="tab:cyan"))
    spectrum.set_title("spectrum, log; the disk that is kept", fontsize=9)
    spectrum.set_xlabel("cycles a pixel")
    figure.colorbar(
        phase.imshow(np.angle(reference), cmap="twilight", vmin=-np.pi, vmax=np.pi), ax=phase, label="rad", shrink=0.75
    )
    phase.set_title("phase of the reference field", fontsize=9)
    figure.colorbar(delay.imshow(opd, cmap="viridis"), ax=delay, label="nm", shrink=0.75)
    delay.set_title("path delay of the first hologram", fontsize=9)
    for axes in (fringes, phase, delay):
        axes.set_xticks([])
        axes.set_yticks([])
    return figure
