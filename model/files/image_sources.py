"""The kinds of file and folder that labelled images come in, opened lazily: NPZ, HDF5, Zarr, TIFF, a folder a class.

A source says what is declared and hands over single images; whether that makes a labelled set is judged in
:mod:`cytogate.model.files.images`. Nothing is allocated on the word of a file, no pickle is ever loaded, and of Zarr's
codecs only those known to hold nothing but numbers are let through.
"""

from __future__ import annotations

import json
import math
import os
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cytogate.model.errors import InputError
from cytogate.model.files.containers import DEFLATE_LIMIT, _count_pages, reading
from cytogate.model.files.zarr_codecs import check_codecs

IMAGES, LABELS, CLASS_NAMES = "images", "labels", "class_names"
"""Names of arrays and datasets."""

MAX_IMAGE_BYTES = 1 << 28
"""The most that is decoded at once: a picture, a TIFF page, a chunk of HDF5 or Zarr."""
MAX_MEMBER_BYTES = 1 << 31
"""The most that an array of an NPZ file may hold that is read as a whole."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
PICTURE_FORMATS = ("PNG", "JPEG", "BMP")
PICTURE_MODES = {"L": 1, "I;16": 2, "I;16B": 2, "RGB": 3}
"""Bytes a pixel of the pictures that are read as they are."""


class ImageSource(Protocol):
    """An open set of images. Everything may raise anything on a damaged file: see ``frame_sources.reading``."""

    @property
    def count(self) -> int:
        """Number of images."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of an image, (rows, columns) or (rows, columns, channels); None where images may differ."""

    @property
    def dtype(self) -> np.dtype | None:
        """Of all images, or None where they may differ."""

    def read(self, index: int) -> NDArray:
        """Return an image as it is stored."""

    def member(self, name: str) -> NDArray | None:
        """Return the array ``labels`` or ``class_names``, or None."""

    def close(self) -> None:
        """Close the file."""


@runtime_checkable
class RangeSource(Protocol):
    """A source whose images are alike and lie behind each other, so that many are read as fast as one."""

    def read_range(self, start: int, stop: int) -> NDArray:
        """Return images ``start`` to ``stop`` as they are stored."""


def open_image_source(path: Path) -> ImageSource:
    """Open ``path`` as what it is: a folder of folders, a Zarr, or a file by its first bytes."""
    with reading(path):
        if path.is_dir():
            is_zarr = any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))
            return ZarrImages(path) if is_zarr else PictureFolder(path)
        if not path.is_file():
            raise InputError(f"{path}: there is no such file or folder")
        with path.open("rb") as file:
            magic = file.read(8)
        if magic[:2] == b"PK":
            return NpzImages(path)
        if magic[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return TiffPages(path)
        if magic[:4] == b"\x89HDF" or h5py.is_hdf5(path):
            return Hdf5Images(path)
    raise InputError(f"{path}: this is no NPZ, HDF5, Zarr or TIFF, and no folder with a folder of images per class")


class PictureFolder:
    """A folder a class, named after it, with pictures (PNG, JPEG, BMP, TIFF) in any number of folders below it.

    Classes and pictures are in the order of their names. Hidden files and files of other kinds are passed over.
    """

    def __init__(self, path: Path) -> None:
        classes = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
        if not classes:
            raise InputError(f"{path}: there is no folder in it; a folder of images per class is needed")
        self._pictures: list[Path] = []
        labels: list[int] = []
        for number, folder in enumerate(classes):
            pictures = sorted(_pictures(folder))
            if not pictures:
                raise InputError(f"{folder}: there is no image in it ({', '.join(PICTURE_SUFFIXES)})")
            self._pictures += pictures
            labels += [number] * len(pictures)
        self.count = len(self._pictures)
        self.shape, self.dtype = None, None
        self._members = {LABELS: np.array(labels), CLASS_NAMES: np.array([folder.name for folder in classes])}

    def read(self, index: int) -> NDArray:
        """Return a picture; a damaged one is named."""
        path = self._pictures[index]
        with reading(path):
            return _tiff_picture(path) if path.suffix.lower() in (".tif", ".tiff") else _picture(path)

    def member(self, name: str) -> NDArray | None:
        """Return labels and names by folder."""
        return self._members.get(name)

    def close(self) -> None:
        """Nothing is kept open."""


class NpzImages:
    """Arrays of an NPZ file. Scattered images of a deflated one are slow: it is read through to find them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        try:
            self._stream, shape, self.dtype = self._open(IMAGES)
        except BaseException:
            self._zip.close()
            raise
        self.count, self.shape = (shape or (0,))[0], shape[1:]
        self._start, self._bytes = self._stream.tell(), math.prod(self.shape) * self.dtype.itemsize

    def read(self, index: int) -> NDArray:
        """Return an image."""
        _check_size(self._path, self.shape, self.dtype)
        return self.read_range(index, index + 1)[0]

    def read_range(self, start: int, stop: int) -> NDArray:
        """Return images ``start`` to ``stop``."""
        self._stream.seek(self._start + start * self._bytes)
        data = self._stream.read((stop - start) * self._bytes)
        return np.frombuffer(data, self.dtype).reshape(stop - start, *self.shape)

    def member(self, name: str) -> NDArray | None:
        """Return a whole array."""
        return self.whole(name) if f"{name}.npy" in self._zip.namelist() else None

    def whole(self, name: str) -> NDArray:
        """Return an array that must be there."""
        stream, shape, dtype = self._open(name)
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_MEMBER_BYTES:
            raise InputError(f"{self._path}: array {name} holds {size} bytes; {MAX_MEMBER_BYTES} are the most")
        with stream:
            return np.frombuffer(stream.read(size), dtype).reshape(shape)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._zip.close()

    def _open(self, name: str) -> tuple[IO[bytes], tuple[int, ...], np.dtype]:
        """Open an array behind its header, which is believed only if the member's size agrees."""
        if f"{name}.npy" not in self._zip.namelist():
            held = ", ".join(each.removesuffix(".npy") for each in self._zip.namelist()) or "nothing"
            raise InputError(f"{self._path}: holds no array named {name}, but {held}")
        member = self._zip.getinfo(f"{name}.npy")
        stream = self._zip.open(member)
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise InputError(f"{self._path}: array {name} is in NPY format {version}; 1.0 and 2.0 are supported")
        shape, fortran_order, dtype = read_header[version](stream)
        if dtype.hasobject:
            raise InputError(f"{self._path}: array {name} holds Python objects, which are never loaded")
        if fortran_order and len(shape) > 1:
            raise InputError(f"{self._path}: array {name} is in Fortran order; save numpy.ascontiguousarray({name})")
        declared = math.prod(shape) * dtype.itemsize
        if declared != member.file_size - stream.tell() or member.file_size > DEFLATE_LIMIT * member.compress_size:
            raise InputError(f"{self._path}: array {name} declares {declared} bytes, which the file does not hold")
        return stream, shape, dtype


class Hdf5Images:
    """Datasets of an HDF5 file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = h5py.File(path, "r")
        try:
            images = self._dataset(IMAGES)
            if images is None:
                raise InputError(f"{path}: holds no dataset named images, but {', '.join(self._file) or 'nothing'}")
            if images.chunks:
                _check_size(path, images.chunks, images.dtype)
        except BaseException:
            self._file.close()
            raise
        self._images, self.dtype = images, images.dtype
        shape: tuple[int, ...] = images.shape or (0,)
        self.count, self.shape = shape[0], shape[1:]

    def read(self, index: int) -> NDArray:
        """Return an image."""
        _check_size(self._path, self.shape, self.dtype)
        return self._images[index]

    def read_range(self, start: int, stop: int) -> NDArray:
        """Return images ``start`` to ``stop``."""
        return self._images[start:stop]

    def member(self, name: str) -> NDArray | None:
        """Return a whole dataset."""
        dataset = self._dataset(name)
        if dataset is None:
            return None
        _check_size(self._path, dataset.shape, dataset.dtype)
        if h5py.check_string_dtype(dataset.dtype):
            return np.array([str(each) for each in dataset.asstr()[...].ravel()])
        return dataset[...]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _dataset(self, name: str) -> h5py.Dataset | None:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            return None
        if dataset.dtype.hasobject and not h5py.check_string_dtype(dataset.dtype):
            raise InputError(f"{self._path}: dataset {name} holds {dataset.dtype} of no fixed size")
        declared, held = math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize, dataset.id.get_storage_size()
        # The data of virtual and external datasets lie in files that nobody named.
        if dataset.is_virtual or dataset.external:
            raise InputError(f"{self._path}: dataset {name} lies in other files; name those")
        if declared > DEFLATE_LIMIT * held:
            raise InputError(f"{self._path}: dataset {name} declares {declared} bytes, of which the file holds {held}")
        return dataset


class ZarrImages:
    """Arrays of a Zarr group, version 2 or 3; labels are an array, names an array or a list among the attributes."""

    def __init__(self, path: Path) -> None:
        import zarr

        self._path = path
        group = zarr.open(str(path), mode="r")
        if not isinstance(group, zarr.Group) or IMAGES not in group:
            raise InputError(f"{path}: a group that holds an array named images is needed")
        self._group = group
        self._images = self._checked(IMAGES)
        self.dtype = np.dtype(self._images.dtype)
        shape: tuple[int, ...] = self._images.shape or (0,)
        self.count, self.shape = shape[0], shape[1:]

    def read(self, index: int) -> NDArray:
        """Return an image; a chunk that is missing reads as the fill value, as Zarr has it."""
        return np.asarray(self._images[index])

    def read_range(self, start: int, stop: int) -> NDArray:
        """Return images ``start`` to ``stop``; their chunks are decoded once each."""
        return np.asarray(self._images[start:stop])

    def member(self, name: str) -> NDArray | None:
        """Return a whole array, or a list of the group's attributes."""
        if name in self._group:
            array = self._checked(name)
            _check_size(self._path, array.shape, np.dtype(array.dtype))
            return np.asarray(array[...])
        return np.array(self._group.attrs[name]) if name in self._group.attrs else None

    def close(self) -> None:
        """Nothing is kept open."""

    def _checked(self, name: str) -> Any:
        import zarr

        array = self._group[name]
        if not isinstance(array, zarr.Array):
            raise InputError(f"{self._path}: {name} is a group; an array is needed")
        check_codecs(array.metadata.to_dict(), self._path / name)
        _check_size(self._path, array.shards or array.chunks, np.dtype(array.dtype))
        return array


class TiffPages:
    """An image a page; labels and names as a JSON object in the first page's description."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self.count = _count_pages(file, path)
        self._file = tifffile.TiffFile(path)
        try:
            if len(self._file.pages) != self.count:
                raise InputError(f"{path}: the list of {self.count} pages is damaged")
            first = _tiff_page(self._file, 0, path)
            self.shape, self.dtype = first.shape, first.dtype
            # Most writers append: where pixels are missing, the last page lacks them.
            _tiff_page(self._file, self.count - 1, path)
            self._described = _json_object(first.description)
        except BaseException:
            self._file.close()
            raise

    def read(self, index: int) -> NDArray:
        """Return a page, which must be like the first."""
        page = _tiff_page(self._file, index, self._path)
        if (page.shape, page.dtype) != (self.shape, self.dtype):
            raise InputError(
                f"{self._path}: page {index} (counted from 0) is {page.dtype} of shape {page.shape}, unlike page 0"
            )
        return page.asarray()

    def member(self, name: str) -> NDArray | None:
        """Return a list of the description."""
        return np.array(self._described[name]) if name in self._described else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _pictures(folder: Path) -> Iterator[Path]:
    """Yield the pictures below ``folder``; links to folders are not followed, so that there is an end."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            Path(place, name) for name in names if name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith(".")
        )


def _picture(path: Path) -> NDArray:
    """Read a PNG, JPEG or BMP, whose size is checked before anything is decoded."""
    with warnings.catch_warnings():
        # Pillow's own limit only warns; ours is in bytes and refuses.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=PICTURE_FORMATS) as picture:
            if picture.mode not in PICTURE_MODES:
                raise InputError(
                    f"{path}: pixels are of mode {picture.mode}; gray of 8 or 16 bits, or RGB of 8, is needed"
                )
            if getattr(picture, "n_frames", 1) != 1:
                raise InputError(f"{path}: holds {picture.n_frames} pictures; one a file is needed")
            size = picture.width * picture.height * PICTURE_MODES[picture.mode]
            if size > MAX_IMAGE_BYTES:
                raise InputError(f"{path}: {size} bytes of pixels; {MAX_IMAGE_BYTES} are the most that is read")
            return np.array(picture)


def _tiff_picture(path: Path) -> NDArray:
    with path.open("rb") as file:
        pages = _count_pages(file, path)
    if pages != 1:
        raise InputError(f"{path}: holds {pages} pictures; one a file is needed")
    with tifffile.TiffFile(path) as file:
        return _tiff_page(file, 0, path).asarray()


def _tiff_page(file: tifffile.TiffFile, number: int, path: Path) -> tifffile.TiffPage:
    """Return a page whose pixels lie within the file and are no more than the file can stand for."""
    page = file.pages[number]
    assert isinstance(page, tifffile.TiffPage)
    if page.dtype is None:
        raise InputError(f"{path}: pixels of {page.bitspersample} bits are in no format that is supported")
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > file.filehandle.size:
        raise InputError(f"{path}: page {number} (counted from 0) is cut off; the file is truncated")
    _check_size(path, page.shape, np.dtype(page.dtype))
    return page


def _check_size(path: Path, shape: tuple[int, ...] | None, dtype: np.dtype) -> None:
    size = math.prod(shape or ()) * dtype.itemsize
    if size > MAX_IMAGE_BYTES:
        raise InputError(f"{path}: {size} bytes would be read at once; {MAX_IMAGE_BYTES} are the most")


def _json_object(text: str) -> dict[str, Any]:
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return described if isinstance(described, dict) else {}
