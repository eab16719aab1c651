"""Labelled images of a user's own, read lazily and checked as they are read.

A set is a folder of images per class, or a file with ``images`` (images, rows, columns) or (images, rows, columns,
channels), ``labels`` (images,) integers and perhaps ``class_names``: NPZ, HDF5, a Zarr group, or a TIFF of a page an
image, whose first description holds labels and names as JSON. Images are counted from 0 in every message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.containers import reading
from cytogate.model.files.image_sources import (
    CLASS_NAMES,
    LABELS,
    ImageSource,
    NpzImages,
    RangeSource,
    open_image_source,
)

MAX_CHANNELS = 16
"""More in the last place of a shape are columns in the wrong order."""
MAX_SIDE = 8192
"""Rows or columns beyond which a file is not believed."""
GAP_BYTES = 1 << 18
"""Pixels between two images that are read over: finding a place in a Zarr takes as long."""
RANGE_BYTES = 1 << 26
"""The most that is read at once where more than one image is."""


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
        with reading(self.path):
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
            with reading(self.path):
                stored = source.read_range(start, stop)[ascending[part] - start].reshape(-1, *shape)
            if dtype.kind == "f":
                finite = np.isfinite(stored).all(axis=(1, 2, 3))
                if not finite.all():
                    raise InputError(f"{self.path}: image {ascending[part][finite.argmin()]} holds NaN or infinity")
            images[order[part]] = stored
        return images

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
    source = open_image_source(path)
    try:
        with reading(path):
            if not source.count:
                raise InputError(f"{path}: holds no image")
            shape = None if source.shape is None else _image_shape(source.shape, f"{path}: images")
            if source.dtype is not None:
                _check_type(source.dtype, f"{path}: images")
            labels, names = _labels(source, path)
    except BaseException:
        source.close()
        raise
    return ImageSet(path, labels, names, shape, source)


def open_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray]:
    """Read whole arrays of an NPZ file, ``images`` among them; for sets that are known to fit into memory."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with reading(path):
        archive = NpzImages(path)
        try:
            return {name: archive.whole(name) for name in names}
        finally:
            archive.close()


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


def _labels(source: ImageSource, path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    labels = source.member(LABELS)
    if labels is None or labels.dtype.kind not in "iu" or labels.shape != (source.count,):
        told = "there are none" if labels is None else f"they are {labels.dtype.name} of shape {labels.shape}"
        raise InputError(f"{path}: labels must be an integer for each of {source.count} images; {told}")
    low, high = int(labels.min()), int(labels.max())
    stored = source.member(CLASS_NAMES)
    if stored is None:
        stored = (
            np.array([str(number) for number in range(high + 1)]) if 0 <= low <= high < len(labels) else np.array([])
        )
    names = tuple(each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in stored.ravel())
    if len(set(names)) < len(names) or (len(names) and stored.dtype.kind not in "USOT"):
        raise InputError(f"{path}: class_names {', '.join(names[:10])} are not different names")
    if low < 0 or high >= len(names):
        wrong = int(np.argmin(labels) if low < 0 else np.argmax(labels))
        raise InputError(f"{path}: the label of image {wrong} is {labels[wrong]}; it must be 0 to {len(names) - 1}")
    return labels.astype(np.int64), names
