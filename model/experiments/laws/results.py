"""The page that compares the laws: a table, a figure and maps for each size of window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Plot

from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.design.design import Design
from cytogate.model.experiments.laws.errors import EMPTY_FIELDS, WAYS, Errors
from cytogate.model.experiments.laws.scenes import Scene
from cytogate.model.pages.page import Page
from cytogate.model.simulation.optics import Floats

COLORS = ("#0072B2", "#E69F00", "#D55E00", "#56B4E9", "#009E73")
"""Okabe and Ito's, one a way."""
SCALE_BAR_UM = 10


@dataclass(frozen=True, eq=False)
class Compared:
    """All ways on the fields of a scene."""

    scene: Scene
    errors: tuple[Errors, ...]
    """In the order of :data:`WAYS`."""
    truth: Floats
    """(N, N) true phase of the first cell that is reported on, radians."""


def introduction(page: Page, scenes: Sequence[Scene], cells: int) -> None:
    """Say what is compared, and on what."""
    page.text(
        "`[chip] retrieval` of a four-angle design is one of three laws. All take the gradient of the phase from the "
        "same four frames and differ in how they integrate it, and in where they know the light from. `fft` divides "
        "by the derivative's spectrum, over rows and columns; `two-sided` transforms rows alone and runs one "
        "recursion down the columns and one up; `causal` runs down only, while rows arrive."
    )
    page.text(
        f"`fft` and `two-sided` flatten each frame by the surface of its own border. `causal` follows the borders of "
        f"the frames before, from knowing nothing, and has settled after {SETTLING_FRAMES} frames. *Empty fields "
        f"known*: the surface is that of {EMPTY_FIELDS} empty fields at the beginning of the run, and stays; "
        "`two-sided` then chooses, for each frame, the half that starts at a clean edge."
    )
    page.text(
        f"Fields of {cells} cells of one run, after those {SETTLING_FRAMES}, with shot noise, line gain and defocus: "
        + "; ".join(f"**{each.name}**, {each.told}" for each in scenes)
        + ". Errors are root mean squares over the window, in mrad, from the true phase, which knows neither optics "
        "nor noise; intervals are 95 %, over cells. All are computed by the integer chain, word for word what the "
        "chip computes."
    )
    page.text(
        "Where all cells of a run are cut, `causal` takes the cut cells' borders for the light, which a run of an "
        "instrument with some cells out of place does not do: each frame moves what it knows by a sixteenth of a "
        "limited step. Frames that begin within a cell are told by their events, and trigger nothing."
    )


def add_size(page: Page, design: Design, compared: Sequence[Compared]) -> None:
    """Add the section of a size of window."""
    size = design.size
    page.heading(f"{size} x {size} pixels")
    page.table(
        f"errors_{size}",
        "Error from the true phase in mrad, its mean over the window removed: mean over cells",
        ("fields", *(way.name for way in WAYS)),
        [(each.scene.name, *(errors.mean for errors in each.errors)) for each in compared],
    )
    page.plot(
        f"errors_{size}", "Error of each cell (points) and mean over cells (bars), logarithmic", _spread(compared)
    )
    page.table(
        f"zeros_{size}",
        "The same with the law's own zero, which is what the network sees: mean over cells, and the worst cell",
        ("fields", *(name for way in WAYS for name in (way.name, f"{way.name}: worst"))),
        [(each.scene.name, *(value for errors in each.errors for value in _zeros(errors))) for each in compared],
    )
    page.table(
        f"differences_{size}",
        "Error less that of fft in mrad, cell by cell",
        ("fields", *(way.name for way in WAYS[1:])),
        [(each.scene.name, *(errors.less(each.errors[0]) for errors in each.errors[1:])) for each in compared],
    )
    page.plot(f"maps_{size}", "True phase of one cell of each scene, and the errors", _maps(design, compared))
    page.plot(
        f"settling_{size}",
        "Error over that of fft in the first frames of a run: a causal chip learns the light",
        _settling(compared),
    )
    page.text(" ".join(_told(each) for each in compared))


def _zeros(errors: Errors) -> tuple[float, float]:
    return float(errors.own_zero.mean()), float(errors.own_zero.max())


def _told(compared: Compared) -> str:
    best = min(compared.errors, key=lambda each: float(each.mean_free.mean()))
    ratios = ", ".join(
        f"{each.way.name} {each.mean_free.mean() / compared.errors[0].mean_free.mean():.3f}"
        for each in compared.errors[1:]
    )
    name = compared.scene.name.capitalize()
    return f"*{name}*: nearest to the truth is {best.way.name}; over the error of fft: {ratios}."


def _spread(compared: Sequence[Compared]) -> Plot:
    figure = Plot(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for place, color in enumerate(COLORS):
        x = np.arange(len(compared)) + 0.15 * (place - 2)
        for at, each in zip(x, compared, strict=True):
            values = each.errors[place].mean_free
            axes.plot(at + rng.uniform(-0.05, 0.05, len(values)), values, ".", color=color, alpha=0.3, markersize=3)
            axes.plot([at - 0.07, at + 0.07], [values.mean()] * 2, color=color, linewidth=2.5)
        axes.plot([], [], color=color, linewidth=2.5, label=WAYS[place].name)
    axes.set_yscale("log")
    axes.set_xticks(np.arange(len(compared)), [each.scene.name for each in compared])
    axes.set_ylabel("error from the true phase / mrad")
    axes.set_title(f"simulated, {len(compared[0].errors[0].mean_free)} cells a scene", fontsize=9)
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=8, ncols=len(WAYS), frameon=False)
    return figure


def _maps(design: Design, compared: Sequence[Compared]) -> Plot:
    figure = Plot(figsize=(10.5, 1.75 * len(compared) + 0.6), layout="constrained")
    grid = figure.subplots(len(compared), 1 + len(WAYS), squeeze=False)
    pitch = design.four_angle.pixel_pitch_x_um * design.binning
    for row, each in zip(grid, compared, strict=True):
        truth = row[0].imshow(each.truth, cmap="viridis")
        row[0].set_ylabel(each.scene.name, fontsize=8)
        for axes, errors in zip(row[1:], each.errors, strict=True):
            error = axes.imshow(errors.first, cmap="RdBu", vmin=-0.3, vmax=0.3)
        for axes in row:
            axes.set_xticks([])
            axes.set_yticks([])
    names = ("true phase", *(way.name.replace(", ", ",\n") for way in WAYS))
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, fontsize=8)
    end, bottom = 0.94 * design.size, 0.93 * design.size
    grid[0][0].plot([end - SCALE_BAR_UM / pitch, end], [bottom] * 2, color="white", linewidth=2)
    grid[0][0].text(end, 0.9 * design.size, f"{SCALE_BAR_UM} um", color="white", fontsize=7, ha="right")
    figure.colorbar(truth, ax=grid[:, 0], location="bottom", label="rad", shrink=0.9)
    figure.colorbar(error, ax=grid[:, 1:], location="bottom", label="error / rad, mean removed", shrink=0.4)
    figure.suptitle("simulated cells, one a scene", fontsize=9)
    return figure


def _settling(compared: Sequence[Compared]) -> Plot:
    figure = Plot(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    first = compared[0]
    fft = first.errors[0].settling
    for errors, color in zip(first.errors[1:], COLORS[1:], strict=True):
        ratio = errors.settling / fft
        axes.plot(np.arange(1, SETTLING_FRAMES + 1), ratio, ".-", color=color, label=errors.way.name, linewidth=1)
    axes.set_yscale("log")
    axes.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_xlabel("frame of the run")
    axes.set_ylabel("error over that of fft")
    axes.set_title(f"simulated, {first.scene.name} cells, each frame another cell", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure
