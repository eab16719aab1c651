"""Preprocess images as the papers do before their networks see them.

Paper 001 (Meng 2018, section III-B): poor frames are discarded, the rest resized, brought to one mean intensity, and
the classes balanced by altered copies. Paper 003: rotations and reflections. What is fitted (:class:`PoorFrames`) and
what makes copies belongs to training cells alone: a copy of a test cell among the training cells is that test cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import AffineTransform, resize, warp
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cytogate.model.data.examples import Inputs
from cytogate.model.errors import InputError

KEPT_BELOW = 0.3
"""Probability of being poor below which a frame is kept; paper 001 is "conservative", and discards when in doubt."""
BEYOND = 0.001
"""Share of the pixels below the lowest code, and of those above the highest."""
MAX_SHIFT = 0.05
"""Shift of an altered copy at most, as a share of the image's side."""
MAX_BLUR = 1.0
"""Standard deviation of an altered copy's blur at most, in pixels."""
MAX_NOISE = 0.05
"""Standard deviation of an altered copy's noise at most, as a share of the image's own."""


@dataclass(frozen=True, eq=False)
class PoorFrames:
    """A simple classifier of frames without a complete cell, out of focus, or with ghosts (paper 001)."""

    classifier: Pipeline

    @staticmethod
    def fitted(frames: Sequence[NDArray], poor: NDArray[np.bool_]) -> PoorFrames:
        """Fit to training frames (rows, columns) of any sizes, both kinds among them, that somebody has judged."""
        if len(frames) != len(poor) or not 0 < np.count_nonzero(poor) < len(poor):
            raise InputError(
                f"{len(frames)} frames, {np.count_nonzero(poor)} of {len(poor)} judged poor; both kinds are needed"
            )
        classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
        return PoorFrames(classifier.fit([frame_quality(frame) for frame in frames], poor))

    def among(self, frames: Sequence[NDArray]) -> NDArray[np.bool_]:
        """Return which frames are to be discarded, (frames,)."""
        if not len(frames):
            return np.zeros(0, bool)
        return self.classifier.predict_proba([frame_quality(frame) for frame in frames])[:, 1] >= KEPT_BELOW


def frame_quality(frame: NDArray) -> NDArray[np.float64]:
    """Return what tells poor frames (rows, columns) from others, whatever size and brightness: seven numbers.

    Contrast; structure at 1 and 2 pixels as a share of it, which focus makes; share of the area that differs from the
    rim; how much of the rim does, as a cell that is cut does; off-center place; share of what differs that lies
    outside the largest region, as a ghost does.
    """
    mean = float(frame.mean())
    relative = np.asarray(frame, np.float64) / (mean if mean else 1.0)
    rim = np.ones(frame.shape, bool)
    rim[1:-1, 1:-1] = False
    level = np.median(relative[rim])
    deviation = ndimage.gaussian_filter(np.abs(relative - level), 1)
    contrast = float(relative.std())
    seen = ndimage.binary_fill_holes(deviation > max(float(deviation.max()) / 4, 1e-9))
    fine = [float((relative - ndimage.gaussian_filter(relative, scale)).std()) / (contrast or 1.0) for scale in (1, 2)]
    regions, count = ndimage.label(seen)
    sizes = np.bincount(regions.ravel())[1:]
    center = ndimage.center_of_mass(seen) if count else [(side - 1) / 2 for side in frame.shape]
    off = max(abs(2 * at / max(side - 1, 1) - 1) for at, side in zip(center, frame.shape, strict=True))
    ghosts = 1 - sizes.max() / sizes.sum() if count else 0.0
    return np.array([contrast, *fine, seen.mean(), seen[rim].mean(), off, ghosts])


def resized(image: NDArray, rows: int, columns: int) -> NDArray[np.float32]:
    """Return an image (rows, columns[, channels]) of another size, bilinear; smoothed first where it shrinks."""
    size = (rows, columns, *image.shape[2:])
    return resize(image.astype(np.float32), size, order=1, mode="edge", preserve_range=True, anti_aliasing=True)


@dataclass(frozen=True, eq=False)
class CodeRange:
    """Codes of 8 bits from the values of a camera: one range a channel, the same for every image."""

    low: NDArray[np.float64]
    """(channels,) values of code 0."""
    high: NDArray[np.float64]

    @staticmethod
    def fitted(images: NDArray) -> CodeRange:
        """Fit to training images (images, rows, columns, channels): one pixel in a thousand lies beyond either end."""
        low, high = np.quantile(images, [BEYOND, 1 - BEYOND], axis=(0, 1, 2))
        return CodeRange(low, np.where(high > low, high, low + 1))

    def codes(self, images: NDArray) -> NDArray[np.uint8]:
        """Return codes of images (images, rows, columns, channels), saturated."""
        shares = (images - self.low) / (self.high - self.low)
        return np.clip(np.rint(255 * shares), 0, 255).astype(np.uint8)


def normalized_mean(images: NDArray) -> NDArray[np.float32]:
    """Return images (images, rows, columns, channels) whose every channel has mean 1; one of mean 0 stays as it is."""
    mean = images.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    return (images / np.where(mean == 0, 1, mean)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Balance:
    """Which training cells, and which altered copies of them, make the classes equally large.

    A recipe, not the images: those of a large set are made when they are asked for.
    """

    source: NDArray[np.int64]
    """(items,) indices of the cells."""
    copy: NDArray[np.int64]
    """(items,) 0 for the cell itself, else the number of its copy."""
    seed: int

    @staticmethod
    def of(labels: NDArray[np.int64], training: NDArray[np.int64], seed: int = 0) -> Balance:
        """Balance the cells ``training`` of a set with ``labels`` up to its largest class."""
        rng = np.random.default_rng(seed)
        classes, counts = np.unique(labels[training], return_counts=True)
        source, copy = [training], [np.zeros(len(training), np.int64)]
        for label, count in zip(classes, counts, strict=True):
            # Every cell is copied as often as any other, within one.
            members = rng.permutation(training[labels[training] == label])
            missing = np.arange(counts.max() - count)
            source.append(members[missing % count])
            copy.append(missing // count + 1)
        return Balance(np.concatenate(source), np.concatenate(copy), seed)

    def __len__(self) -> int:
        return len(self.source)

    def image(self, item: int, original: NDArray) -> NDArray[np.float32]:
        """Return an item, given the image (rows, columns, channels) of its cell, ``source[item]``."""
        if not self.copy[item]:
            return original.astype(np.float32)
        return altered(original, np.random.default_rng((self.seed, int(self.source[item]), int(self.copy[item]))))


def altered(image: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (rows, columns, channels) reflected, rotated, shifted, blurred and noisy, all by chance (paper 001).

    What comes in from beyond the rim is the image mirrored there.
    """
    image = image.astype(np.float32)
    if rng.integers(2):
        image = image[::-1]
    rows, columns = image.shape[:2]
    center = np.array([(columns - 1) / 2, (rows - 1) / 2])
    shift = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * (columns, rows)
    turn = AffineTransform(rotation=rng.uniform(0, 2 * math.pi))
    moved = AffineTransform(translation=-center) + turn + AffineTransform(translation=center + shift)
    image = warp(image, moved.inverse, order=1, mode="symmetric", preserve_range=True)
    blur = rng.uniform(0, MAX_BLUR)
    image = ndimage.gaussian_filter(image, (blur, blur, 0))
    spread = image.std(axis=(0, 1)) * rng.uniform(0, MAX_NOISE)
    return (image + rng.standard_normal(image.shape) * spread).astype(np.float32)


def eightfold(images: NDArray) -> NDArray:
    """Return the rotations by right angles of images (images, N, N, channels) and of their mirror images (paper 003).

    Returns
    -------
    (8 * images, N, N, channels)
        Each image followed by its seven others; ``numpy.repeat(labels, 8)`` are their labels.
    """
    if images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise InputError(f"images of shape {images.shape}; (images, N, N, channels) can be turned by right angles")
    forms = [np.rot90(form, turns, axes=(1, 2)) for form in (images, images[:, :, ::-1]) for turns in range(4)]
    return np.stack(forms, axis=1).reshape(-1, *images.shape[1:])


def turned_at_random(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Return images (images, N, N, channels), each in one of the forms that :func:`eightfold` gives, by chance."""
    chosen, turned = rng.integers(8, size=len(images)), images.copy()
    for form in np.unique(chosen):
        part = images[chosen == form]
        turned[chosen == form] = np.rot90(part[:, :, ::-1] if form >= 4 else part, form % 4, axes=(1, 2))
    return turned


def turned_inputs(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Turn and mirror the images of a network of one input at random, each by itself: an augmentation."""
    (images,) = inputs
    return (turned_at_random(images, rng),)


def shifted_at_random(images: NDArray, rng: np.random.Generator, pixels: int = 1) -> NDArray:
    """Return images (images, rows, columns, channels), each moved by up to ``pixels`` along both axes, by chance.

    What comes in from beyond the rim is the rim.
    """
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="edge")
    rows, columns = images.shape[1:3]
    places = rng.integers(0, 2 * pixels + 1, (len(images), 2))
    return np.stack([each[y : y + rows, x : x + columns] for each, (y, x) in zip(padded, places, strict=True)])
