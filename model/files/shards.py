"""Writing labelled images to sharded storage: a Zarr group that is read in parts, from one machine or from many.

What :func:`write_shards` writes, :func:`~cytogate.model.files.images.open_image_set` opens. An image is found by
reading a chunk, a part of a file; a shard is a file, so that a million images are a few hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_folder
from cytogate.model.errors import InputError
from cytogate.model.files.images import IMAGES, _check_type, _image_shape
from cytogate.model.files.labels import CLASS_NAMES, LABELS

CHUNK_BYTES = 1 << 18
"""Of pixels, decoded at a time."""
SHARD_BYTES = 1 << 26
"""Of pixels in a file."""
EVERY_CHUNK: Any = {"write_empty_chunks": True}


def write_shards(
    path: Path,
    images: Iterable[NDArray],
    labels: NDArray[np.integer],
    class_names: Sequence[str],
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a Zarr group, version 3, whose array ``images`` is sharded; a shard at a time is in memory.

    Parameters
    ----------
    path
        Of the folder, which appears when it is whole.
    images
        One image (rows, columns) or (rows, columns, channels) for each label, all alike: uint8, uint16, float32 or
        float64.
    labels
        (images,) indices of ``class_names``.
    shard_bytes
        Of pixels in a file, at least one chunk's.

    Raises
    ------
    InputError
        Where there are more or fewer images than labels, images of two kinds, labels without a name; where ``path`` is
        there already, or cannot be written.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise InputError(
            f"{path}: labels are {labels.dtype.name} of shape {labels.shape}; an integer an image is needed"
        )
    if not 0 <= labels.min() <= labels.max() < len(class_names) or len(set(class_names)) < len(class_names):
        raise InputError(
            f"{path}: labels are {labels.min()} to {labels.max()} and class names {', '.join(class_names)}; "
            "a name of its own for each label is needed"
        )
    with whole_folder(path) as partial:
        import zarr

        group = zarr.create_group(partial, zarr_format=3, attributes={CLASS_NAMES: list(class_names)})
        # All chunks are written: one that is absent is taken for lost.
        group.create_array(LABELS, data=labels.astype(np.int64), config=EVERY_CHUNK)
        written = 0
        for shard in _shards(path, images, len(labels), shard_bytes):
            if not written:
                chunk = max(1, CHUNK_BYTES // shard[0].nbytes)
                array = group.create_array(
                    IMAGES,
                    shape=(len(labels), *shard.shape[1:]),
                    dtype=shard.dtype,
                    chunks=(chunk, *shard.shape[1:]),
                    config=EVERY_CHUNK,
                    shards=(_shard_images(shard[0].nbytes, shard_bytes), *shard.shape[1:]),
                )
            array[written : written + len(shard)] = shard
            written += len(shard)
        if written < len(labels):
            raise InputError(f"{path}: {written} images came for {len(labels)} labels; one for each is needed")


def _shards(path: Path, images: Iterable[NDArray], count: int, shard_bytes: int) -> Iterator[NDArray]:
    """Give the images of a shard at a time, in one array that is used again."""
    shard: NDArray | None = None
    filled = 0
    for number, image in enumerate(images):
        if number == count:
            raise InputError(f"{path}: more images came than the {count} labels; one for each is needed")
        if shard is None:
            _image_shape(image.shape, f"{path}: image 0")
            _check_type(image.dtype, f"{path}: image 0")
            shard = np.empty((min(count, _shard_images(image.nbytes, shard_bytes)), *image.shape), image.dtype)
        if (image.shape, image.dtype) != (shard.shape[1:], shard.dtype):
            raise InputError(
                f"{path}: image {number} is {image.dtype} {image.shape}, those before it are {shard.dtype} "
                f"{shard.shape[1:]}; images must be alike"
            )
        shard[filled] = image
        filled += 1
        if filled == len(shard):
            yield shard
            filled = 0
    if shard is not None and filled:
        yield shard[:filled]


def _shard_images(image_bytes: int, shard_bytes: int) -> int:
    """Return how many images a shard holds: a whole number of chunks."""
    chunk = max(1, CHUNK_BYTES // image_bytes)
    return chunk * max(1, shard_bytes // (chunk * image_bytes))
