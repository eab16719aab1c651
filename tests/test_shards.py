"""Sharded storage: what is written is read back, in parts, and a set that cannot be whole does not appear."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.errors import InputError
from cytogate.model.files import images as image_sets
from cytogate.model.files import shards
from cytogate.model.files.images import ImageSet, open_image_set
from cytogate.model.files.shards import write_shards

COUNT = 1000
NAMES = ("long", "round")


def images_of(dtype: str = "u1", shape: tuple[int, ...] = (6, 9)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, (COUNT, *shape)).astype(dtype)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few images, so that some are read in parts and some across shards."""
    monkeypatch.setattr(shards, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(image_sets, "GAP_BYTES", 600)
    monkeypatch.setattr(image_sets, "RANGE_BYTES", 5000)


@pytest.mark.parametrize(("dtype", "shape"), [("u1", (6, 9)), ("u2", (6, 9, 3)), ("f4", (6, 9)), ("f8", (2, 2, 1))])
def test_what_is_written_is_read_back(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    images, labels = images_of(dtype, shape), np.arange(COUNT) % 2
    write_shards(tmp_path / "set.zarr", iter(images), labels, NAMES, shard_bytes=8000)
    files = [each for each in (tmp_path / "set.zarr" / "images" / "c").rglob("*") if each.is_file()]
    chunk = 1000 // images[0].nbytes
    shard = 8000 // (chunk * images[0].nbytes) * chunk
    assert len(files) == math.ceil(COUNT / shard) > 1
    expected = images.reshape(COUNT, *shape, 1)[..., 0, None] if len(shape) == 2 else images
    rng = np.random.default_rng(1)
    with open_image_set(tmp_path / "set.zarr") as found:
        assert found.class_names == NAMES
        assert np.array_equal(found.labels, labels)
        compared = 0
        for chosen in (np.arange(COUNT), rng.permutation(COUNT)[:300], np.array([999, 0, 999]), np.array([5])):
            read = found.read(chosen)
            assert read.dtype == images.dtype
            assert np.array_equal(read, expected[chosen])
            compared += len(read)
        assert compared == COUNT + 304
        assert np.array_equal(found.image(7), expected[7])


class Counted:
    """A source that notes what is read of it."""

    def __init__(self, source: image_sets.ImageSource) -> None:
        self.__dict__.update({name: getattr(source, name) for name in ("shape", "dtype", "read", "close")})
        self._source = source
        self.ranges: list[int] = []

    def read_range(self, start: int, stop: int) -> np.ndarray:
        self.ranges.append(stop - start)
        return self._source.read_range(start, stop)


def test_neighbours_are_read_together_and_never_too_many(tmp_path: Path) -> None:
    """54 bytes an image: gaps of 11 images are read over, and no more than 92 images at once."""
    write_shards(tmp_path / "set.zarr", images_of(), np.arange(COUNT) % 2, NAMES)
    with open_image_set(tmp_path / "set.zarr") as opened:
        for chosen, expected in (
            (np.arange(50), [50]),
            (np.arange(0, 90, 9), [82]),
            (np.array([0, 11, 23, 34]), [12, 12]),
            (np.arange(200), [92, 92, 16]),
            (np.arange(0, 200, 10), [91, 81, 1]),
        ):
            source = Counted(opened.source)
            ImageSet(opened.path, opened.labels, opened.class_names, opened.shape, source).read(chosen)
            assert source.ranges == expected


def test_what_is_not_finite_is_named(tmp_path: Path) -> None:
    images = images_of("f4")
    images[437, 2, 3] = np.nan
    write_shards(tmp_path / "set.zarr", images, np.arange(COUNT) % 2, NAMES)
    with open_image_set(tmp_path / "set.zarr") as opened:
        opened.read(np.array([436, 438]))
        with pytest.raises(InputError, match="image 437 holds NaN or infinity"):
            opened.read(np.arange(COUNT)[::-1])
        with pytest.raises(InputError, match="image 1000 was asked for; there are 1000"):
            opened.read(np.array([3, 1000]))
        with pytest.raises(InputError, match="image -1 was asked for"):
            opened.read(np.array([3, -1]))


def broken() -> Iterator[np.ndarray]:
    yield from images_of()[:500]
    raise InputError("the camera has gone")


@pytest.mark.parametrize(
    ("images", "labels", "names", "said"),
    [
        (images_of()[:-1], np.zeros(COUNT, int), NAMES, "999 images came for 1000 labels"),
        (images_of(), np.zeros(COUNT - 1, int), NAMES, "more images came than the 999 labels"),
        ([*images_of()[:3], images_of()[3].T], np.zeros(4, int), NAMES, r"image 3 is uint8 \(9, 6\), those before it"),
        (images_of("i4"), np.zeros(COUNT, int), NAMES, "image 0: of type int32"),
        (images_of(shape=(2,)), np.zeros(COUNT, int), NAMES, r"image 0: of shape \(2,\)"),
        (images_of(), np.full(COUNT, 2), NAMES, "labels are 2 to 2 and class names long, round"),
        (images_of(), np.zeros(COUNT, int), ("one", "one"), "a name of its own"),
        (images_of(), np.zeros(COUNT), NAMES, "an integer an image is needed"),
        (broken(), np.zeros(COUNT, int), NAMES, "the camera has gone"),
    ],
)
def test_what_cannot_be_whole_does_not_appear(
    images: object, labels: np.ndarray, names: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        write_shards(tmp_path / "set.zarr", images, labels, names, shard_bytes=2000)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_shards(tmp_path / "set.zarr", images_of(), np.zeros(COUNT, int), NAMES)
    with pytest.raises(InputError, match="is there already"):
        write_shards(tmp_path / "set.zarr", images_of(), np.zeros(COUNT, int), NAMES)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_shards(tmp_path / "file" / "set.zarr", images_of(), np.zeros(COUNT, int), NAMES)
