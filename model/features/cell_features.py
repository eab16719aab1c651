"""Features that people gate on, each with its unit and law, of the very values that the chain computes.

One registry serves the table of ``cytogate predict`` and the events of a stream. It needs NumPy, and SciPy when a
feature is computed. A cell is one connected region: of a phase map where the phase exceeds :data:`PHASE_THRESHOLD_RAD`,
otherwise where any channel departs from the background at the image's border; the largest region counts, its holes
filled. Where there is no cell the area is 0 and everything else NaN.

Lengths follow from both pixel pitches: pixels need not be square.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import FourAngle

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

PHASE_THRESHOLD_RAD = 0.3
"""About a quarter of the phase near the rim of a small cell, and ten times the noise of the background."""
FOREGROUND = 5.0
"""A pixel is the cell's where it is this many standard deviations of its image's border from the border's level."""
RIM = 2
"""Pixels of the border that show the background."""
REFRACTION_INCREMENT_UM3_PER_PG = 0.195
"""Refractive index added by a dry mass concentration of 1 pg/um^3 = 1 g/ml: .18 to .21 ml/g for what cells are made of
(Barer 1952, Nature 169:366), so that a dry mass is known to 8 % at best."""
TEXTURE_UM = 0.7
"""Standard deviation of the blur whose difference from the image is texture, and twice this the rim that is left out:
there an image is steep, not textured."""


@dataclass(frozen=True, eq=False)
class CellImages:
    """Cells as the chain sees them."""

    channels: Floats
    """(cells, channels, rows, columns) after binning, as shares of full scale."""
    channel_names: tuple[str, ...]
    pitch_um: tuple[float, float]
    """Distance of two pixels after binning, down a column (y) and along a row (x)."""
    phase: Floats | None = None
    """(cells, rows, columns) radians; None if there is none."""
    wavelength_um: float | None = None
    """Needed where there is a phase."""

    @cached_property
    def masks(self) -> Masks:
        """Where the cells are: (cells, rows, columns)."""
        if self.phase is None:
            return cell_masks(np.moveaxis(self.channels, 1, -1))
        return largest_regions(filled(self.phase > PHASE_THRESHOLD_RAD))

    @cached_property
    def cores(self) -> Masks:
        """The cells without a rim of twice :data:`TEXTURE_UM`: (cells, rows, columns)."""
        from scipy import ndimage

        # So far apart that no cell's distance is to another cell's background.
        apart = 10 * (sum(self.masks.shape[1:]) + 1) * max(self.pitch_um)
        return ndimage.distance_transform_edt(self.masks, sampling=(apart, *self.pitch_um)) > 2 * TEXTURE_UM

    @cached_property
    def levels(self) -> Floats:
        """Background: the median of each channel at the image's border, (cells, channels)."""
        return np.median(self.channels[..., _at_border(self.channels.shape[2:])], axis=-1)

    def fine(self, image: Floats) -> Floats:
        """Return what a blur of :data:`TEXTURE_UM` takes from images (cells, rows, columns)."""
        from scipy import ndimage

        sigma = (0.0, *(TEXTURE_UM / pitch for pitch in self.pitch_um))
        return image - ndimage.gaussian_filter(image, sigma)


@dataclass(frozen=True)
class FeatureColumn:
    """One column: what it is called, and its unit."""

    name: str
    """Column of a table: lower case, no spaces."""
    unit: str
    """Empty for a ratio."""
    description: str

    @property
    def short_name(self) -> str:
        """Name in an FCS file (``$PnN``)."""
        return (self.name[0].upper() + self.name[1:]).replace(",", "_")

    @property
    def long_name(self) -> str:
        """What it is, with its unit (``$PnS``)."""
        return f"{self.description} ({self.unit})" if self.unit else self.description


@dataclass(frozen=True)
class Feature(FeatureColumn):
    """A column that is computed from a cell's images."""

    compute: Callable[[CellImages], Floats]
    """Returns (cells,)."""


def features_of(channel_names: Sequence[str], *, phase: bool) -> tuple[Feature, ...]:
    """Return the features of an instrument with these channels, with or without a phase, in the columns' order."""
    shape = (
        Feature("area", "um^2", "Area of the cell", area),
        Feature("eccentricity", "", "Eccentricity, 0 for a circle", eccentricity),
    )
    of_phase = (
        Feature("phase_mean", "rad", "Mean phase of the cell", phase_mean),
        Feature("phase_max", "rad", "Largest phase of the cell", phase_max),
        Feature("phase_volume", "rad um^2", "Phase times area of the cell", phase_volume),
        Feature("dry_mass", "pg", "Dry mass of the cell, known to 8 % at best", dry_mass),
        Feature("phase_texture", "rad", "Texture of the phase", phase_texture),
    )
    of_channels = tuple(
        Feature(f"{name}_{channel}", "% of full scale", f"{what}, channel {channel}", partial(law, channel=number))
        for name, what, law in (
            ("brightness", "Brightness of the cell over the background", brightness),
            ("contrast", "Standard deviation within the cell", contrast),
            ("texture", "Texture within the cell", texture),
        )
        for number, channel in enumerate(channel_names)
    )
    return (*shape, *(of_phase if phase else ()), *of_channels)


def measure(cells: CellImages) -> dict[str, Floats]:
    """Return all features of the cells by name, each (cells,)."""
    return {each.name: each.compute(cells) for each in features_of(cells.channel_names, phase=cells.phase is not None)}


def measure_frames(frames: NDArray[np.unsignedinteger], design: Design, *, phase: bool) -> dict[str, float]:
    """Return the features of one cell's raw frames (4, rows, columns), as an event of a stream carries them."""
    return {name: float(values[0]) for name, values in measure(of_frames(frames[None], design, phase=phase)).items()}


def of_frames(frames: NDArray[np.unsignedinteger], design: Design, *, phase: bool) -> CellImages:
    """Return the images of raw frames (cells, channels, rows, columns): exact binned sums and, if asked, exact phases.

    The phase is the integer model's, of each cell alone (:func:`~cytogate.model.retrieval.laws.alone`), and takes most
    of the time. Without it outlines are of what four oblique pupils see, shadows included: of 40 simulated cells the
    area came out 22 % larger in the median.
    """
    from cytogate.model.retrieval.binning import bin_codes
    from cytogate.model.retrieval.laws import alone, exact

    own = alone(design)
    return of_stages(exact(frames, own) if phase else {"binned": bin_codes(frames, own)}, own)


def of_stages(stages: Mapping[str, NDArray], design: Design) -> CellImages:
    """Return the images of codes of the stages ``binned`` and, where there is one, ``phase``, each (cells, ...)."""
    from cytogate.model.contract.law import contract

    terms, instrument = contract(design), design.instrument
    binned = terms.stage("binned").format.decode(stages["binned"])
    if "phase" not in stages or not isinstance(instrument, FourAngle):
        return CellImages(binned, design.camera.channels, design.pixel_um)
    phases = terms.stage("phase").values(stages["phase"])
    return CellImages(binned, design.camera.channels, design.pixel_um, phases, instrument.wavelength_um)


def area(cells: CellImages) -> Floats:
    """Return the number of the cell's pixels times a pixel's area, um^2."""
    return cells.masks.sum(axis=(1, 2)) * math.prod(cells.pitch_um)


def eccentricity(cells: CellImages) -> Floats:
    """Return ``sqrt(1 - b^2 / a^2)`` of the ellipse a, b with the second moments of the cell's area; 0 to 1.

    A pixel's own extent counts: its second moment is a twelfth of its squared pitch.
    """
    (y, x), count = _axes(cells), _none_as_nan(cells.masks.sum(axis=(1, 2)))
    along_y, along_x = cells.masks.sum(axis=2), cells.masks.sum(axis=1)
    mean_y, mean_x = along_y @ y / count, along_x @ x / count
    yy = along_y @ (y * y) / count - mean_y**2 + cells.pitch_um[0] ** 2 / 12
    xx = along_x @ (x * x) / count - mean_x**2 + cells.pitch_um[1] ** 2 / 12
    xy = np.einsum("cyx,y,x->c", cells.masks.astype(np.float64), y, x, optimize=True) / count - mean_x * mean_y
    # Eigenvalues of the symmetric matrix of second moments.
    middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.sqrt(2 * apart / (middle + apart))


def phase_mean(cells: CellImages) -> Floats:
    """Return the mean of the phase over the cell, rad."""
    return _mean(_phase(cells), cells.masks)


def phase_max(cells: CellImages) -> Floats:
    """Return the largest phase within the cell, rad."""
    highest = np.where(cells.masks, _phase(cells), -np.inf).max(axis=(1, 2))
    return np.where(np.isneginf(highest), np.nan, highest)


def phase_volume(cells: CellImages) -> Floats:
    """Return the sum of the phase over the cell times a pixel's area, rad um^2."""
    return phase_mean(cells) * area(cells)


def dry_mass(cells: CellImages) -> Floats:
    """Return ``wavelength / (2 pi) * phase_volume / refraction increment``, pg (Barer 1952).

    The part of the cell below the threshold is left out: of 40 simulated cells 1 % of the mass, at most 6 %. Retrieved
    from frames (N = 128), masses were 1.4 % below the truth in the median, -13 to +3 % on single cells.
    """
    assert cells.wavelength_um is not None
    return cells.wavelength_um / (2 * math.pi) * phase_volume(cells) / REFRACTION_INCREMENT_UM3_PER_PG


def phase_texture(cells: CellImages) -> Floats:
    """Return the standard deviation within the core of what a blur of TEXTURE_UM takes from the phase, rad."""
    return _spread(cells.fine(_phase(cells)), cells.cores)


def brightness(cells: CellImages, channel: int) -> Floats:
    """Return the mean of a channel over the cell, less the background's level, % of full scale; darker is negative."""
    return 100 * (_mean(cells.channels[:, channel], cells.masks) - cells.levels[:, channel])


def contrast(cells: CellImages, channel: int) -> Floats:
    """Return the standard deviation of a channel over the cell, % of full scale."""
    return 100 * _spread(cells.channels[:, channel], cells.masks)


def texture(cells: CellImages, channel: int) -> Floats:
    """Return the standard deviation in the core of what a blur of TEXTURE_UM takes from a channel, % of full scale."""
    return 100 * _spread(cells.fine(cells.channels[:, channel]), cells.cores)


def cell_masks(images: Floats) -> Masks:
    """Return the largest region (cells, rows, columns) that differs from the border in any channel, holes filled.

    ``images``: (cells, rows, columns, channels) in any unit. Smoothed by a pixel, a channel must be
    :data:`FOREGROUND` standard deviations of its border away from the border's median: of a cell that stands out well
    the outline is one or two pixels outside its edge.
    """
    from scipy import ndimage

    around = images[:, _at_border(images.shape[1:3])]
    level = np.median(around, axis=1)
    # Half of an even border is at its level: a spread of zero would make noise of one code a cell.
    least = np.ptp(images, axis=(1, 2)) / 256 + np.finfo(float).tiny
    spread = np.maximum(1.4826 * np.median(np.abs(around - level[:, None]), axis=1), least)
    deviation = np.abs(images - level[:, None, None]) / spread[:, None, None]
    return largest_regions(filled((ndimage.gaussian_filter(deviation, (0, 1, 1, 0)) > FOREGROUND).any(axis=-1)))


def largest_regions(masks: Masks) -> Masks:
    """Return of each mask (cells, rows, columns) its largest region, of equal ones the first; corners connect."""
    from scipy import ndimage

    within = np.zeros((3, 3, 3), bool)
    within[1] = True
    regions, count = ndimage.label(masks, within)
    owners = np.zeros(count + 1, np.intp)
    owners[regions] = np.arange(len(masks))[:, None, None]
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    by_size = 1 + np.argsort(-sizes[1:], kind="stable")
    _, first = np.unique(owners[by_size], return_index=True)
    kept = np.zeros(count + 1, bool)
    kept[by_size[first]] = True
    return kept[regions]


def filled(masks: Masks) -> Masks:
    """Return masks (cells, rows, columns) without holes."""
    from scipy import ndimage

    within = np.zeros((3, 3, 3), bool)
    within[1] = ndimage.generate_binary_structure(2, 1)
    return ndimage.binary_fill_holes(masks, within)


def _phase(cells: CellImages) -> Floats:
    assert cells.phase is not None
    return cells.phase


def _axes(cells: CellImages) -> tuple[Floats, Floats]:
    """Return places of rows and columns in um about the image's center."""
    rows, columns = cells.masks.shape[1:]
    return (
        (np.arange(rows) - (rows - 1) / 2) * cells.pitch_um[0],
        (np.arange(columns) - (columns - 1) / 2) * cells.pitch_um[1],
    )


def _at_border(shape: tuple[int, ...]) -> Masks:
    border = np.ones(shape, bool)
    border[RIM:-RIM, RIM:-RIM] = False
    return border


def _mean(images: Floats, where: Masks) -> Floats:
    """Return the mean of images (cells, rows, columns) over masks; NaN over none."""
    return np.where(where, images, 0.0).sum(axis=(1, 2)) / _none_as_nan(where.sum(axis=(1, 2)))


def _spread(images: Floats, where: Masks) -> Floats:
    level = _mean(images, where)
    return np.sqrt(_mean(np.square(images - level[:, None, None]), where))


def _none_as_nan(counts: NDArray[np.integer]) -> Floats:
    return np.where(counts > 0, counts, np.nan)
