"""The picture of a four-angle instrument's light: the shading of empty fields, and what is left of it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

mpl.use("agg")

WITHIN = 0.995
"""Share of the pixels whose values the colors of a row of maps hold."""


def light_plot(
    mean: NDArray[np.complex128], surface: NDArray[np.complex128], distances: NDArray[np.float64], title: str
) -> Figure:
    """Draw the mean gradient of empty fields before and after the surface is subtracted, and each frame's distance.

    Parameters
    ----------
    mean, surface : (N, N) radians a pixel, along x as real, along y as imaginary part
    distances : (frames,) radians a pixel, of each frame's own surface from the one that was measured
    title : what was measured, on how many frames, and whether they are simulated
    """
    figure = Figure(figsize=(14.5, 6.4), layout="constrained")
    figure.suptitle(title, fontsize=10)
    # Two rows of two maps, and the course of the frames beside them.
    grid = figure.add_gridspec(2, 4)
    for row, (axis, before, known) in enumerate((("x", mean.real, surface.real), ("y", mean.imag, surface.imag))):
        reach = 1e3 * float(np.quantile(np.abs(before), WITHIN)) or 1.0
        for column, (what, values) in enumerate((("before", before), ("less the surface", before - known))):
            axes = figure.add_subplot(grid[row, column])
            shown = axes.imshow(1e3 * values, cmap="RdBu_r", vmin=-reach, vmax=reach)
            figure.colorbar(shown, ax=axes, label="mrad/pixel", shrink=0.85)
            axes.set_title(f"gradient along {axis}, {what}", fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
    course = figure.add_subplot(grid[:, 2:])
    course.plot(1e3 * distances, ".", markersize=3)
    course.set_xlabel("frame")
    course.set_ylabel("largest slope between its own surface and the measured one, mrad/pixel")
    course.set_ylim(bottom=0)
    return figure
