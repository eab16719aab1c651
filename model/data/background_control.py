"""The background-only control: what a classifier reaches on real images without their cells.

A set whose classes were recorded at different times or places can be told apart by its background. Whatever learns on
images therefore learns on their controls too, on the same folds; what it reaches there above chance is no merit.

A control must show nothing of the cell, and a mask shows the cell's size and shape wherever what fills it can be told
from what surrounds it. So no control has a mask in it: it is one small square of the image's own background, mirrored
over the whole area. Its geometry is the same for every image; level, noise and fine structure of the background stay.
Three things could still speak of the cell, and are dealt with:

- where the square lies: it is not kept;
- the halo, which is weaker far from a cell, and small cells leave more room: the square lies at the same distance from
  the cell in every image that has the room, and which of those squares is taken, is chance;
- how the mask is made: its thresholds and the distance are fitted to training images, without their labels.

What remains is the halo of the few images without room, and light that the cell scatters farther than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.errors import InputError

SIDE = 6
"""Rows and columns of the square of background; 36 pixels give its level within a sixth of its noise."""
RING = 2
"""Pixels at an image's rim that are taken for background when its level is estimated."""
BLUR = 1.0
"""Standard deviation in pixels of the blur under which a cell is looked for."""
BACKGROUND_SHARE = 0.99
"""Share of the training images' rims below the threshold; above it are cells that reach the rim, and debris."""
ROOM_SHARE = 0.99
"""Share of the training images that have room for a square at the common distance."""


@dataclass(frozen=True)
class BackgroundControl:
    """How a cell is found, and how far from it background is taken; see the module's first lines."""

    thresholds: tuple[float, ...]
    """By channel: deviation from the background's level, in codes, from which a pixel belongs to a cell."""
    distance: float
    """Pixels between cell and square."""

    @staticmethod
    def fitted(training: NDArray) -> BackgroundControl:
        """Fit thresholds and distance to training images (cells, rows, columns, channels) without their labels."""
        if training.ndim != 4 or min(training.shape[1:3]) < SIDE + 2 * RING or not len(training):
            raise InputError(
                f"images of shape {training.shape}; (cells, rows, columns, channels) of at least "
                f"{SIDE + 2 * RING} pixels a side are needed for a background check"
            )
        rim = _deviations(training)[:, _rim(training.shape)]
        thresholds = np.quantile(rim, BACKGROUND_SHARE, axis=(0, 1))
        # What no mask contains has no bounds: such images do not say how much room there is.
        rooms = np.array([_room(mask).max() for mask in _masks(training, thresholds) if mask.any()])
        distance = float(np.quantile(rooms, 1 - ROOM_SHARE)) if len(rooms) else 0.0
        return BackgroundControl(tuple(map(float, thresholds)), distance)

    def images(self, images: NDArray, seed: int = 0) -> NDArray:
        """Return the controls of ``images`` (cells, rows, columns, channels): same shape, same type."""
        rng = np.random.default_rng(seed)
        controls = np.empty_like(images)
        for number, mask in enumerate(_masks(images, np.array(self.thresholds))):
            top, left = _chosen(_room(mask), self.distance, rng)
            controls[number] = _mirrored(images[number, top : top + SIDE, left : left + SIDE], images.shape[1:3])
        return controls


def _deviations(images: NDArray) -> NDArray[np.float64]:
    """Return how far each pixel is from the level of its image's rim, blurred."""
    level = np.median(images[:, _rim(images.shape)], axis=1)[:, None, None]
    return ndimage.gaussian_filter(np.abs(images - level), (0, BLUR, BLUR, 0))


def _rim(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rim = np.ones(shape[1:3], bool)
    rim[RING:-RING, RING:-RING] = False
    return rim


def _masks(images: NDArray, thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a cell, or debris, is seen in any channel; holes belong to it."""
    seen = np.any(_deviations(images) > thresholds, axis=-1)
    return np.stack([ndimage.binary_fill_holes(mask) for mask in seen])


def _room(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance between cell and square, by the square's first row and column."""
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
    nearest = np.lib.stride_tricks.sliding_window_view(distance, (SIDE, SIDE))
    return nearest.min(axis=(2, 3))


def _chosen(room: NDArray[np.float64], distance: float, rng: np.random.Generator) -> tuple[int, int]:
    """Choose by chance among the squares at ``distance``, or the farthest where none is that far."""
    distance = min(distance, float(room.max()))
    # In an image without a cell every square is infinitely far.
    nearest = room[room >= distance].min()
    candidates = np.argwhere((room >= nearest) & (room < nearest + 1)) if np.isfinite(nearest) else np.argwhere(room)
    top, left = candidates[rng.integers(len(candidates))]
    return int(top), int(left)


def _mirrored(square: NDArray, shape: tuple[int, ...]) -> NDArray:
    """Return ``shape`` pixels of ``square`` and its mirror images."""
    rows, columns = ((0, size - SIDE) for size in shape)
    return np.pad(square, (rows, columns, (0, 0)), mode="symmetric")
