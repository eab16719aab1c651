"""Frames whose phase is known in closed form, and frames that are hard on the arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.simulation.cells import CellLine, Population, Spread, draw_cell, phase_map
from cytogate.model.simulation.optics import digitise, draw_shading, four_angle_intensities

Frames = NDArray[np.uint16]


def bumps(design: Design, cells: int, seed: int, shading: float = 0.0) -> tuple[Frames, NDArray[np.float64]]:
    """Gaussian phase bumps seen through ideal pupils, and their phase on the retrieval's pixels.

    An ideal pair of pupils makes the intensities ``1 +- tanh(gradient / gradient_per_atanh)``; gradients are the bump's
    derivatives, not differences, so that axes and signs come from calculus alone. Returns frames (cells, 4, rows,
    columns) and phase (cells, N, N) in radians, zero far from the bumps.
    """
    acquisition = design.four_angle
    rng = np.random.default_rng(seed)
    y_um = (np.arange(acquisition.rows) - acquisition.rows / 2)[:, None] * acquisition.pixel_pitch_y_um
    x_um = (np.arange(acquisition.columns) - acquisition.columns / 2)[None, :] * acquisition.pixel_pitch_x_um
    window_um = design.size * design.binning * min(acquisition.pixel_pitch_x_um, acquisition.pixel_pitch_y_um)
    intensities = np.empty((cells, 4, acquisition.rows, acquisition.columns))
    phases = np.empty((cells, acquisition.rows, acquisition.columns))
    for cell in range(cells):
        gradient_x, gradient_y, phase = 0.0, 0.0, 0.0
        for _ in range(3):
            center_x, center_y = rng.uniform(-0.12, 0.12, 2) * window_um
            sigma = rng.uniform(0.05, 0.09) * window_um
            bump = rng.uniform(0.5, 2.0) * np.exp(-((x_um - center_x) ** 2 + (y_um - center_y) ** 2) / (2 * sigma**2))
            phase = phase + bump
            gradient_x = gradient_x - bump * (x_um - center_x) / sigma**2 * acquisition.pixel_pitch_x_um
            gradient_y = gradient_y - bump * (y_um - center_y) / sigma**2 * acquisition.pixel_pitch_y_um
        per_x, per_y = acquisition.gradient_per_atanh
        ratio_x, ratio_y = np.tanh(gradient_x / per_x), np.tanh(gradient_y / per_y)
        intensities[cell] = 1 + np.stack([ratio_x, -ratio_x, ratio_y, -ratio_y])
        phases[cell] = phase
        s, t = x_um / np.abs(x_um).max(), y_um / np.abs(y_um).max()
        for angle in range(4):
            c = rng.normal(0, shading, 5)
            intensities[cell, angle] *= 1 + c[0] * s + c[1] * t + c[2] * s * t + c[3] * s * s + c[4] * t * t
    codes = np.rint(intensities / acquisition.full_scale * 2**acquisition.adc_bits)
    return np.clip(codes, 0, 2**acquisition.adc_bits - 1).astype(np.uint16), _binned(phases, design)


def cells_of_diameter(design: Design, diameter_um: float, cells: int, seed: int) -> Frames:
    """Frames (cells, 4, rows, columns) of simulated cells of one diameter, shaded and noisy."""
    acquisition = design.four_angle
    kind = Population(Spread(diameter_um), Spread(1.37), Spread(0.6, 0.05), Spread(2.0, 0.5))
    frames = []
    for rng in map(np.random.default_rng, np.random.SeedSequence(seed).spawn(cells)):
        phase = phase_map(
            draw_cell(CellLine("one size", (kind,)), rng), (acquisition.rows, acquisition.columns),
            (acquisition.pixel_pitch_y_um, acquisition.pixel_pitch_x_um), acquisition.wavelength_um,
        )  # fmt: skip
        intensities = four_angle_intensities(phase, acquisition, 0.0)
        frames.append(digitise(intensities, acquisition, shading=draw_shading(acquisition, rng), rng=rng))
    return np.stack(frames).astype(np.uint16)


def extremes(design: Design) -> dict[str, Frames]:
    """One cell each (1, 4, rows, columns) of what no microscope should deliver and every file may hold."""
    acquisition = design.four_angle
    top = 2**acquisition.adc_bits - 1
    shape = (1, 4, acquisition.rows, acquisition.columns)
    checkerboard = (np.indices(shape[2:]).sum(axis=0) % 2 * top).astype(np.uint16)
    black = np.zeros(shape, np.uint16)
    bright_pixel = black.copy()
    bright_pixel[0, 0, acquisition.rows // 2, acquisition.columns // 2] = top
    one_side = black.copy()
    one_side[0, 0] = one_side[0, 2] = top
    halves = black.copy()
    halves[0, 0, :, : acquisition.columns // 2] = halves[0, 1, :, acquisition.columns // 2 :] = top
    opposed = np.broadcast_to(checkerboard, shape).copy()
    opposed[0, 1::2] = top - opposed[0, 1::2]
    return {
        "black": black,
        "saturated": np.full(shape, top, np.uint16),
        "checkerboard": np.broadcast_to(checkerboard, shape).copy(),
        "opposed checkerboards": opposed,
        "single bright pixel": bright_pixel,
        "light on one side": one_side,
        "light on opposite halves": halves,
    }


def noise(design: Design, cells: int, seed: int) -> Frames:
    """Every pixel any code, equally likely."""
    acquisition = design.four_angle
    shape = (cells, 4, acquisition.rows, acquisition.columns)
    return np.random.default_rng(seed).integers(0, 2**acquisition.adc_bits, shape, dtype=np.uint16)


def _binned(images: NDArray[np.float64], design: Design) -> NDArray[np.float64]:
    (top, left), size, binning = design.crop, design.size, design.binning
    window = images[:, top : top + size * binning, left : left + size * binning]
    return window.reshape(len(images), size, binning, size, binning).mean(axis=(2, 4))
