"""Labelled images of a user's own, read lazily and checked as they are read.

A set is a folder of images per class, or a file with ``images`` (images, rows, columns) or (images, rows, columns,
channels), ``labels`` (images,), and perhaps ``class_names`` and ``groups``: NPZ, HDF5, a Zarr group, or a TIFF whose
first description holds labels and names as JSON. A file that names its axes may have them in any order; MATLAB's have
the images last, (rows, columns, channels, images). Images are counted from 0 in every message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.axes import CHANNELS, PLANE, SAMPLES, Arranged, as_stored, by_letters, item_axes
from cytogate.model.files.container import MAX_SIDE, Container, StoredArray, check_part, reading
from cytogate.model.files.labels import read_labels
from cytogate.model.files.opening import open_container
from cytogate.model.files.pictures import PictureFolder

IMAGES = "images"
"""Name of the array."""

MAX_CHANNELS = 16
"""More in the last place of a shape are columns in the wrong order."""
GAP_BYTES = 1 << 18
"""Pixels between two images that are read over: finding a place in a Zarr takes as long."""
RANGE_BYTES = 1 << 26
"""The most that is read at once where more than one image is."""


class ImageSource(Protocol):
    """Where the images of a set come from. Everything may raise anything on a damaged file."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of an image, (rows, columns) or (rows, columns, channels); None where images may differ."""

    @property
    def dtype(self) -> np.dtype | None:
        """Of all images, or None where they may differ."""

    def read(self, index: int) -> NDArray:
        """Return an image as it is stored."""

    def close(self) -> None:
        """Close the file."""


@runtime_checkable
class RangeSource(Protocol):
    """A source whose images are alike and lie behind each other, so that many are read as fast as one."""

    def read_range(self, start: int, stop: int) -> NDArray:
        """Return images ``start`` to ``stop`` as they are stored."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """An open set of labelled images; a context manager."""

    path: Path
    labels: NDArray[np.int64]
    """(images,) indices of ``class_names``."""
    class_names: tuple[str, ...]
    shape: tuple[int, int, int] | None
    """(rows, columns, channels) of every image; None where images may differ, in a folder."""
    source: ImageSource
    groups: NDArray | None = None
    """(images,) integers or strings, which donor, day or run an image is of; or None."""

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, index: int) -> NDArray:
        """Return an image (rows, columns, channels) in the type that it is stored in.

        Raises
        ------
        InputError
            Where there is no such image, or it is damaged, not of numbers, or holds NaN or infinity.
        """
        if not 0 <= index < len(self):
            raise InputError(f"{self.path}: image {index} was asked for; there are {len(self)}")
        with reading(self.path, f"image {index}"):
            stored = self.source.read(index)
        where = f"{self.path}: image {index}"
        rows, columns, channels = _image_shape(stored.shape, where)
        _check_type(stored.dtype, where)
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise InputError(f"{where} holds NaN or infinity")
        return stored.astype(stored.dtype.newbyteorder("="), copy=False).reshape(rows, columns, channels)

    def read(self, indices: NDArray[np.int64]) -> NDArray:
        """Return images (len(indices), rows, columns, channels) in the order asked for; all must be alike."""
        if not len(indices):
            raise InputError(f"{self.path}: no image was asked for")
        if isinstance(self.source, RangeSource) and self.shape is not None and self.source.dtype is not None:
            return self._read_ranges(self.source, np.dtype(self.source.dtype), self.shape, indices)
        images: NDArray | None = None
        # In the order of the file: behind a compression, going back is starting over.
        for place in np.argsort(indices, kind="stable"):
            image = self.image(int(indices[place]))
            if images is None:
                images = np.empty((len(indices), *image.shape), image.dtype)
            if (image.shape, image.dtype) != (images.shape[1:], images.dtype):
                raise InputError(
                    f"{self.path}: image {indices[place]} is {image.dtype} {image.shape}, another {images.dtype} "
                    f"{images.shape[1:]}; images of different kinds must be brought to one before they are put together"
                )
            images[place] = image
        assert images is not None
        return images

    def _read_ranges(
        self, source: RangeSource, dtype: np.dtype, shape: tuple[int, int, int], indices: NDArray[np.int64]
    ) -> NDArray:
        """Return images, of which those that lie close to each other are read together."""
        images = np.empty((len(indices), *shape), dtype.newbyteorder("="))
        order = np.argsort(indices, kind="stable")
        ascending = indices[order]
        for wrong in ascending[[0, -1]]:
            if not 0 <= wrong < len(self):
                raise InputError(f"{self.path}: image {wrong} was asked for; there are {len(self)}")
        for part in _ranges(ascending, images[0].nbytes):
            start, stop = int(ascending[part.start]), int(ascending[part.stop - 1]) + 1
            stored = self._together(source, start, stop, ascending[part]).reshape(-1, *shape)
            if dtype.kind == "f":
                finite = np.isfinite(stored).all(axis=(1, 2, 3))
                if not finite.all():
                    raise InputError(f"{self.path}: image {ascending[part][finite.argmin()]} holds NaN or infinity")
            images[order[part]] = stored
        return images

    def _together(self, source: RangeSource, start: int, stop: int, wanted: NDArray[np.int64]) -> NDArray:
        """Return images ``wanted`` of a range as they are stored; one by one where a part of the range is damaged."""
        try:
            return source.read_range(start, stop)[wanted - start]
        except InputError:
            raise
        # Whatever it is: the image that is absent or damaged is named, and those between may be damaged.
        except Exception:
            return np.stack([self.image(int(index)) for index in wanted])

    def batches(self, indices: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray, NDArray[np.int64]]]:
        """Give images and labels of ``indices``, at most ``size`` at a time."""
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            yield self.read(part), self.labels[part]

    def close(self) -> None:
        """Close the file."""
        self.source.close()

    def __enter__(self) -> ImageSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_image_set(path: Path) -> ImageSet:
    """Open a folder of images per class, or an NPZ, HDF5, Zarr or TIFF.

    Raises
    ------
    InputError
        Where the set is not what the module's first lines say, cut short or damaged.
    """
    container = open_container(path)
    try:
        with reading(path):
            source, count = _source(container)
            if not count:
                raise InputError(f"{path}: holds no image")
            shape = None if source.shape is None else _image_shape(source.shape, f"{path}: images")
            if source.dtype is not None:
                _check_type(source.dtype, f"{path}: images")
            found = read_labels(container, count, "image")
            if found.labels is None:
                raise InputError(
                    f"{path}: labels must be an integer or a name for each of {count} images; there are none"
                )
            if found.class_names is None:
                raise InputError(
                    f"{path}: labels have no class_names; store a list of names, in the order of the labels"
                )
    except BaseException:
        container.close()
        raise
    return ImageSet(path, found.labels, found.class_names, shape, source, found.groups)


def _source(container: Container) -> tuple[ImageSource, int]:
    """Return the images of a container, and how many there are."""
    if isinstance(container, PictureFolder):
        return _Pictures(container), len(container)
    array = container.array(IMAGES) or container.unnamed
    if array is None:
        raise InputError(
            f"{container.path}: holds no array named images, but {', '.join(container.names) or 'nothing'}"
        )
    arranged = _arranged(array)
    if arranged is None:
        raise InputError(
            f"{container.path}: axes {array.axes} of shape {array.shape} are not images (T, Z or the file's own) "
            "with rows (Y), columns (X) and perhaps channels (C or S)"
        )
    return _Stored(container, arranged), (arranged.shape or (0,))[0]


def _arranged(array: StoredArray) -> Arranged | None:
    """Return (images, rows, columns) or (images, rows, columns, channels); None where the axes are not these."""
    if array.axes is not None:
        sizes = dict(zip(array.axes, array.shape, strict=True))
        channels = CHANNELS if sizes.get(CHANNELS, 1) > 1 else SAMPLES
        images = item_axes(array, channels + PLANE)
        if not images or not set(PLANE) <= set(sizes):
            return None
        letters = images + PLANE + (channels if sizes.get(channels, 1) > 1 else "")
        return by_letters(array, letters, tuple(sizes[letter] for letter in letters))
    if array.column_major and len(array.shape) > 1:
        shape = (array.shape[-1], *array.shape[:-1])
        return Arranged(array, (len(shape) - 1, *range(len(shape) - 1)), shape)
    return as_stored(array)


@dataclass(frozen=True, eq=False)
class _Stored:
    """Images of an array, all alike."""

    container: Container
    array: Arranged

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape[1:]

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def read(self, index: int) -> NDArray:
        check_part(self.container.path, "an image", self.shape, self.dtype)
        return self.read_range(index, index + 1)[0]

    def read_range(self, start: int, stop: int) -> NDArray:
        return self.array.read(start, stop)

    def close(self) -> None:
        self.container.close()


@dataclass(frozen=True, eq=False)
class _Pictures:
    """Pictures of a folder, which may differ."""

    folder: PictureFolder
    shape: None = None
    dtype: None = None

    def read(self, index: int) -> NDArray:
        return self.folder.picture(index)

    def close(self) -> None:
        self.folder.close()


def _ranges(ascending: NDArray[np.int64], image_bytes: int) -> Iterator[slice]:
    """Cut indices into parts that are read at once."""
    near = max(1, GAP_BYTES // image_bytes)
    runs = np.cumsum(np.diff(ascending, prepend=ascending[0]) > near)
    # A run that is too long is cut by places in the file: images left out count as well.
    parts = (ascending - ascending[0]) // max(1, RANGE_BYTES // image_bytes)
    cuts = np.flatnonzero((np.diff(runs) != 0) | (np.diff(parts) != 0)) + 1
    return map(slice, [0, *cuts], [*cuts, len(ascending)])


def _image_shape(shape: tuple[int, ...], where: str) -> tuple[int, int, int]:
    if len(shape) not in (2, 3):
        raise InputError(f"{where}: of shape {shape}; (rows, columns) or (rows, columns, channels) each is needed")
    rows, columns, channels = (*shape, 1)[:3]
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(
            f"{where}: of shape {shape}; the last place holds 1 to {MAX_CHANNELS} channels: "
            "numpy.moveaxis(images, 1, -1) puts channels last"
        )
    if not (1 <= rows <= MAX_SIDE and 1 <= columns <= MAX_SIDE):
        raise InputError(f"{where}: of {rows}x{columns} pixels; 1 to {MAX_SIDE} a side are believed")
    return rows, columns, channels


def _check_type(dtype: np.dtype, where: str) -> None:
    if not (dtype.kind == "u" and dtype.itemsize <= 2) and not (dtype.kind == "f" and dtype.itemsize in (4, 8)):
        raise InputError(f"{where}: of type {dtype.name}; uint8, uint16, float32 or float64 is needed")
