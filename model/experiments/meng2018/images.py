"""ATOM frames as a network sees them: poor ones discarded, resized, of one mean, in a file; and balanced with copies.

The steps are paper 001's (Meng 2018, section III-B). An image is stored as the words that a device would take: code 128
is the mean intensity of the image, 255 nearly twice as much.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.preprocessing import Balance, PoorFrames, normalized_mean, resized
from cytogate.model.errors import InputError
from cytogate.model.experiments.meng2018.atom import AtomFrames, PoorFrame
from cytogate.model.files.hdf5 import open_hdf5
from cytogate.model.files.images import IMAGES, ImageSet, open_image_set
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.write import write_hdf5

CODE_OF_MEAN = 128
"""Code of an image's mean intensity."""
READ_AT_A_TIME = 1024
REQUEST = "request"
"""Attribute of a file that says what it holds."""


def encoded(frame: NDArray, size: int) -> NDArray[np.uint8]:
    """Return a frame (rows, columns) resized and with its mean at code 128: (size, size)."""
    return _codes(normalized_mean(resized(frame, size, size)[None, ..., None]))[0, ..., 0]


def poor_frames(frames: AtomFrames, judged: NDArray[np.int64]) -> PoorFrames:
    """Fit the classifier of poor frames to the training frames ``judged``, whose truth it is told."""
    truth = np.array([frames.fault(int(index)) is not PoorFrame.NONE for index in judged])
    return PoorFrames.fitted([frames[int(index)] for index in judged], truth)


def frame_images(frames: AtomFrames, size: int, poor: PoorFrames, path: Path, workers: int = 2) -> ImageSet:
    """Return the images (frames, size, size) of all frames, black where ``poor`` discards, made unless they are there.

    Raises
    ------
    InputError
        If the file ``path`` holds other images.
    """
    return _made(_FrameImages(frames, size, poor), path, workers)


def field_images(frames: AtomFrames, size: int, chosen: NDArray[np.int64], path: Path, workers: int = 2) -> ImageSet:
    """Return images (len(chosen), size, size) of empty fields: some frames, their runs and noise, without cells."""
    return _made(_FieldImages(frames, size, chosen), path, workers)


def kept(images: ImageSet) -> NDArray[np.int64]:
    """Return the frames that were not discarded, of a set by :func:`frame_images`."""
    parts = (
        np.arange(start, min(start + READ_AT_A_TIME, len(images))) for start in range(0, len(images), READ_AT_A_TIME)
    )
    return np.concatenate([part[images.read(part).any(axis=(1, 2, 3))] for part in parts])


def balanced(images: ImageSet, balance: Balance) -> ImageSet:
    """Return the cells of a balance and their altered copies, each made when it is read, in a random order.

    Shuffled, because those that stream a set mix what lies side by side, and copies would lie behind all cells.
    """
    order = np.random.default_rng(balance.seed).permutation(len(balance))
    shuffled = Balance(balance.source[order], balance.copy[order], balance.seed)
    source = _BalancedImages(images, shuffled)
    return ImageSet(images.path, images.labels[shuffled.source], images.class_names, source.shape, source)


@dataclass(frozen=True, eq=False)
class _BalancedImages:
    """An image source over another set."""

    images: ImageSet
    balance: Balance

    @property
    def shape(self) -> tuple[int, int, int]:
        assert self.images.shape is not None
        return self.images.shape

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return np.dtype(np.uint8)

    def read(self, index: int) -> NDArray[np.uint8]:
        original = self.images.image(int(self.balance.source[index]))
        return _codes(self.balance.image(index, original / np.float32(CODE_OF_MEAN)))

    def close(self) -> None:
        self.images.close()


@dataclass(frozen=True, eq=False)
class _Recipe:
    """How images are made, of which ``frames`` are the source."""

    frames: AtomFrames
    size: int

    @property
    def count(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint8)

    @property
    def what(self) -> str:
        raise NotImplementedError

    @property
    def labels(self) -> NDArray[np.int64]:
        raise NotImplementedError

    @property
    def details(self) -> list[float]:
        """Return what tells these images from others of the same frames."""
        raise NotImplementedError

    @property
    def request(self) -> dict[str, object]:
        return {**dataclasses.asdict(self.frames), "size": self.size, "what": self.what, "details": self.details}

    def make(self, indices: range) -> NDArray[np.uint8]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _FrameImages(_Recipe):
    poor: PoorFrames

    @property
    def what(self) -> str:
        return "simulated frames"

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.frames.labels

    @property
    def details(self) -> list[float]:
        classifier = self.poor.classifier[-1]
        return [*classifier.coef_.ravel().tolist(), *classifier.intercept_.tolist()]

    def make(self, indices: range) -> NDArray[np.uint8]:
        frames = [self.frames[index] for index in indices]
        images = np.stack([encoded(frame, self.size) for frame in frames])
        images[self.poor.among(frames)] = 0
        return images


@dataclass(frozen=True, eq=False)
class _FieldImages(_Recipe):
    chosen: NDArray[np.int64]

    @property
    def what(self) -> str:
        return "simulated empty fields"

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.frames.labels[self.chosen]

    @property
    def details(self) -> list[float]:
        return self.chosen.tolist()

    def make(self, indices: range) -> NDArray[np.uint8]:
        return np.stack([encoded(self.frames.empty_field(int(self.chosen[index])), self.size) for index in indices])


def _made(recipe: _Recipe, path: Path, workers: int) -> ImageSet:
    if not path.exists():
        make_file(recipe, path, partial(_store, recipe), workers)
    with open_hdf5(path) as file:
        found = file.attrs.get(REQUEST)
    if found != _said(recipe):
        raise InputError(f"{path}: holds other images than asked for; remove it, or give another folder")
    return open_image_set(path)


def _store(recipe: _Recipe, path: Path, items: Iterable[NDArray[np.unsignedinteger]]) -> None:
    write_hdf5(
        path, IMAGES, items, (recipe.count, *recipe.shape), recipe.dtype,
        attributes={REQUEST: _said(recipe)}, labels=recipe.labels, class_names=recipe.frames.class_names,
    )  # fmt: skip


def _said(recipe: _Recipe) -> str:
    """Return what a file says it holds; a digest, as an attribute of HDF5 is short and a list of frames may be long."""
    return hashlib.sha256(json.dumps(recipe.request).encode()).hexdigest()


def _codes(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return codes of images whose mean is 1."""
    return np.clip(np.rint(images * CODE_OF_MEAN), 0, 255).astype(np.uint8)
