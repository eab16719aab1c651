"""Hand-made features of images of any number of channels: what is measured of a cell where nothing is learned.

Every group of features is a function of one channel (images, rows, columns) alone, or of all for the cell's outline;
nothing is fitted, so nothing can leak from one cell to another. Groups return named columns; ``hand_made`` joins them.
Lengths are pixels, intensities the images' own.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import gabor_kernel
from skimage.measure import regionprops

from cytogate.model.features.cell_features import cell_masks

Images = NDArray[np.float64]
Columns = dict[str, NDArray[np.float64]]
"""Features by name, each (images,)."""

PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
SCALES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""Standard deviations of the blurs between which structure is counted as one size."""
RINGS = 8
"""Rings of equal width from a cell's center to 1.2 times its radius."""
GRAY_LEVELS = 16
GLCM_DISTANCES = (1, 2, 4)
GLCM_ANGLES = (0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)
GLCM_PROPERTIES = ("contrast", "homogeneity", "energy", "correlation", "entropy")
GABOR_FREQUENCIES = (0.1, 0.2, 0.35)
"""Cycles a pixel."""
GABOR_ANGLES = 6
LBP_RADII = (1, 2)
LBP_POINTS = 8
ZERNIKE_ORDER = 8


def hand_made(images: NDArray) -> NDArray[np.float64]:
    """Return all features (images, columns) of ``images`` (images, rows, columns, channels), finite everywhere."""
    return matrix(hand_made_columns(images))


def hand_made_columns(images: NDArray) -> Columns:
    """Return what :func:`hand_made` holds, by name: ``outline_*``, then ``CHANNEL_*`` with channels from 0."""
    images = np.asarray(images, np.float64)
    cells = cell_masks(images)
    columns = {f"outline_{name}": values for name, values in outline(cells).items()}
    for channel in range(images.shape[-1]):
        plane = images[..., channel]
        groups = (
            intensity(plane, cells), granularity(plane, cells), rings(plane, cells), zernike(plane, cells),
            glcm(plane), gabor(plane), lbp(plane),
        )  # fmt: skip
        columns |= {f"{channel}_{name}": values for group in groups for name, values in group.items()}
    return columns


def matrix(columns: Columns) -> NDArray[np.float64]:
    """Return columns side by side, (images, columns); what has no value, as of a cell that is not there, is 0."""
    return np.nan_to_num(np.stack(list(columns.values()), axis=1), nan=0.0, posinf=0.0, neginf=0.0)


def outline(cells: NDArray[np.bool_]) -> Columns:
    """Return size and form of masks (images, rows, columns)."""
    names = ("area", "perimeter", "eccentricity", "solidity", "extent", "major_axis", "minor_axis", "compactness")
    rows = []
    for mask in cells:
        if np.count_nonzero(mask) < 3:
            rows.append([0.0] * (len(names) + 7))
            continue
        (region,) = regionprops(mask.astype(np.uint8))
        rows.append([
            region.area, region.perimeter, region.eccentricity, region.solidity, region.extent,
            region.axis_major_length, region.axis_minor_length, region.perimeter**2 / region.area,
            # Of seven orders of magnitude; logarithms keep their signs.
            *(float(np.sign(hu) * np.log10(abs(hu) + 1e-12)) for hu in region.moments_hu),
        ])  # fmt: skip
    return _named([*names, *(f"hu_{order}" for order in range(1, 8))], rows)


def intensity(plane: Images, cells: NDArray[np.bool_]) -> Columns:
    """Return the distribution of intensities within the cell, and those beside it."""
    names = ["mean", "sd", "skewness", "kurtosis", "total", *(f"p{q}" for q in PERCENTILES), "beside_mean", "beside_sd"]
    rows = []
    for image, mask in zip(plane, cells, strict=True):
        inside, beside = image[mask] if mask.any() else image.ravel(), image[~mask] if not mask.all() else image.ravel()
        level, spread = np.median(beside), inside.std()
        form = [float(stats.skew(inside)), float(stats.kurtosis(inside))] if spread else [0.0, 0.0]
        rows.append([
            inside.mean() - level, spread, *form, (inside - level).sum(), *(np.percentile(inside, PERCENTILES) - level),
            beside.mean() - level, beside.std(),
        ])  # fmt: skip
    return _named(names, rows)


def granularity(plane: Images, cells: NDArray[np.bool_]) -> Columns:
    """Return how much structure of each size a cell has: the spread of differences of successive blurs within it."""
    blurred = [plane, *(ndimage.gaussian_filter(plane, (0, scale, scale)) for scale in SCALES)]
    columns = {}
    for scale, fine, coarse in zip(SCALES, blurred[:-1], blurred[1:], strict=True):
        band = fine - coarse
        columns[f"grain_{scale}"] = np.array([_spread(image[mask]) for image, mask in zip(band, cells, strict=True)])
        columns[f"spots_{scale}"] = np.array([_top(image[mask]) for image, mask in zip(band, cells, strict=True)])
    return columns


def rings(plane: Images, cells: NDArray[np.bool_]) -> Columns:
    """Return mean and spread of the intensity in rings around the cell's center, scaled to its size."""
    rows = []
    for image, mask in zip(plane, cells, strict=True):
        distance = _distance(mask) * RINGS / 1.2
        which = np.minimum(distance.astype(int), RINGS)
        level = np.median(image[~mask]) if not mask.all() else 0.0
        parts = [image[which == ring] - level for ring in range(RINGS)]
        rows.append([part.mean() if len(part) else 0.0 for part in parts] + [_spread(part) for part in parts])
    names = [f"ring_mean_{ring}" for ring in range(RINGS)] + [f"ring_sd_{ring}" for ring in range(RINGS)]
    return _named(names, rows)


def zernike(plane: Images, cells: NDArray[np.bool_]) -> Columns:
    """Return magnitudes of Zernike moments up to ZERNIKE_ORDER on the cell's disk: form whatever the rotation."""
    orders = [(n, m) for n in range(ZERNIKE_ORDER + 1) for m in range(n % 2, n + 1, 2)]
    rows = []
    for image, mask in zip(plane, cells, strict=True):
        radius, angle = _distance(mask), _angle(mask)
        disk = radius <= 1
        level = np.median(image[~mask]) if not mask.all() else 0.0
        values = image[disk] - level
        norm = np.abs(values).sum() or 1.0
        rho, theta = radius[disk], angle[disk]
        rows.append([abs((values * _radial(n, m, rho) * np.exp(-1j * m * theta)).sum()) / norm for n, m in orders])
    return _named([f"zernike_{n}_{m}" for n, m in orders], rows)


def glcm(plane: Images) -> Columns:
    """Return properties of gray-level co-occurrence, means and ranges over four directions (Haralick 1973)."""
    rows = []
    for image in plane:
        counts = graycomatrix(_levels(image), GLCM_DISTANCES, GLCM_ANGLES, GRAY_LEVELS, symmetric=True, normed=True)
        told = np.array([graycoprops(counts, name) for name in GLCM_PROPERTIES])
        rows.append(np.concatenate([told.mean(axis=-1).ravel(), np.ptp(told, axis=-1).ravel()]))
    names = [f"{name}_{distance}" for name in GLCM_PROPERTIES for distance in GLCM_DISTANCES]
    return _named([f"glcm_{name}" for name in names] + [f"glcm_range_{name}" for name in names], rows)


def gabor(plane: Images) -> Columns:
    """Return energies and mean amplitudes of Gabor filters (paper 002), means and spreads over directions."""
    centered = plane - plane.mean(axis=(1, 2), keepdims=True)
    columns: Columns = {}
    for frequency in GABOR_FREQUENCIES:
        amplitudes = np.stack([
            np.abs(_convolved(centered, gabor_kernel(frequency, theta=math.pi * turn / GABOR_ANGLES)))
            for turn in range(GABOR_ANGLES)
        ])  # fmt: skip
        for name, values in (
            ("energy", (amplitudes**2).mean(axis=(2, 3))),
            ("amplitude", amplitudes.mean(axis=(2, 3))),
        ):
            columns[f"gabor_{name}_{frequency}"] = values.mean(axis=0)
            columns[f"gabor_{name}_spread_{frequency}"] = values.std(axis=0)
    return columns


def lbp(plane: Images) -> Columns:
    """Return the shares of rotation-invariant uniform local binary patterns (Ojala 2002)."""
    rows = []
    with warnings.catch_warnings():
        # Equal neighbors of a noisy image are equal in any representation.
        warnings.filterwarnings("ignore", message="Applying `local_binary_pattern` to floating-point images")
        for image in plane:
            patterns = [local_binary_pattern(image, LBP_POINTS, radius, method="uniform") for radius in LBP_RADII]
            counts = [np.bincount(each.astype(int).ravel(), minlength=LBP_POINTS + 2) for each in patterns]
            rows.append(np.concatenate(counts) / image.size)
    return _named([f"lbp_{radius}_{code}" for radius in LBP_RADII for code in range(LBP_POINTS + 2)], rows)


def _named(names: list[str], rows: list) -> Columns:
    values = np.asarray(rows, np.float64).reshape(-1, len(names))
    return dict(zip(names, values.T, strict=True))


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std()) if len(values) else 0.0


def _top(values: NDArray[np.float64]) -> float:
    return float(np.percentile(values, 98)) if len(values) else 0.0


def _center(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return (rows.mean(), columns.mean()) if len(rows) else ((mask.shape[0] - 1) / 2, (mask.shape[1] - 1) / 2)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance from the cell's center in units of its radius; without a cell, of half the image."""
    row, column = _center(mask)
    radius = math.sqrt(np.count_nonzero(mask) / math.pi) if mask.any() else min(mask.shape) / 2
    rows, columns = np.indices(mask.shape)
    return np.hypot(rows - row, columns - column) / radius


def _angle(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    row, column = _center(mask)
    rows, columns = np.indices(mask.shape)
    return np.arctan2(rows - row, columns - column)


def _radial(n: int, m: int, rho: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Zernike's radial polynomial R_n^m (Born and Wolf, 9.2.1)."""
    total = np.zeros_like(rho)
    for k in range((n - m) // 2 + 1):
        parts = math.factorial(k) * math.factorial((n + m) // 2 - k) * math.factorial((n - m) // 2 - k)
        total += (-1) ** k * math.factorial(n - k) / parts * rho ** (n - 2 * k)
    return total


def _levels(image: Images) -> NDArray[np.uint8]:
    """Return an image in GRAY_LEVELS steps between its first and last percent."""
    low, high = np.percentile(image, (1, 99))
    if high <= low:
        return np.zeros(image.shape, np.uint8)
    return np.clip((image - low) / (high - low) * GRAY_LEVELS, 0, GRAY_LEVELS - 1).astype(np.uint8)


def _convolved(plane: Images, kernel: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return images of the same size, convolved around with a kernel."""
    rows, columns = plane.shape[1:]
    padded = np.zeros((max(rows, kernel.shape[0]), max(columns, kernel.shape[1])), np.complex128)
    padded[: kernel.shape[0], : kernel.shape[1]] = kernel
    spectrum = np.fft.fft2(np.roll(padded, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), (0, 1)))
    return np.fft.ifft2(np.fft.fft2(plane, padded.shape) * spectrum)[:, :rows, :columns]
