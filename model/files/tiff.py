"""TIFF: one array of all pages, with the axes that the file names: in OME-XML, for ImageJ, or in tifffile's JSON.

A TIFF that names no axes is its pages in a row (axes ``I...``). Pixels are given as light: those of a file in which the
highest code is black are turned around. What a TIFF says of its pixels and is not followed (palettes, an image that
lies on its side, planes in other files) is refused. Attributes are the JSON object of the first page's description.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import CODECS, DamagedPartError, StoredArray, check_part, json_object

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF and of a BigTIFF, in both orders of bytes."""

VALUE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Size of a value by the number of its type; types not listed take one byte."""

PHOTOMETRIC_TAG, ORIENTATION_TAG = 262, 274
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
UPRIGHT = 1

COMPRESSIONS = {1: "none", 8: "Deflate", 32773: "PackBits", 32946: "Deflate"}
"""Those that are read, by the number of the tag."""
NONE, CHECKED = 1, (8, 32946)
"""No compression, and those that end with a checksum."""
CODEC_COMPRESSIONS = {
    5: "LZW", 33005: "JPEG 2000", 34712: "JPEG 2000", 34925: "LZMA", 34926: "Zstandard", 50000: "Zstandard",
}  # fmt: skip
"""Those that are read where imagecodecs is installed."""
LOSSY_COMPRESSIONS = {
    6: "JPEG", 7: "JPEG", 33003: "JPEG 2000", 33004: "JPEG 2000", 33007: "JPEG", 22610: "JPEG XR", 34892: "JPEG",
    34927: "WebP", 34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip
AMNIS_COMPRESSIONS = (30817, 30818)
"""Of the gray pixels and of the masks of Amnis ImageStream and FlowSight."""

SUBFILE_TAG, OLD_SUBFILE_TAG = 254, 255
REDUCED, OLD_REDUCED = 1, 2
"""Of a page that is a smaller copy of another: a bit of the one, the value of the other tag."""

TiffPage = tifffile.TiffPage | tifffile.TiffFrame


class TiffStack:
    """A TIFF as a :class:`~cytogate.model.files.container.Container` of one array."""

    names: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            reduced = _reduced_pages(file, path)
        # Not several files: the XML of one may name any other on this machine.
        self._file = tifffile.TiffFile(path, _multifile=False)
        try:
            if len(self._file.pages) != len(reduced):
                raise InputError(f"{path}: the list of {len(reduced)} pages is damaged")
            self.attributes: Mapping[str, Any] = json_object(self._file.pages.first.description)
            self.unnamed: StoredArray | None = TiffArray(path, self._file, _layout(self._file, reduced, path))
        except BaseException:
            self._file.close()
            raise

    def array(self, name: str) -> None:
        """Nothing has a name in a TIFF."""

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Nothing has a name in a TIFF."""
        return iter(())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, eq=False)
class _Layout:
    """How the planes of a file, one a page, make an array."""

    stacks: Sequence[Sequence[TiffPage | None]]
    """Behind each other along the array's first axis."""
    outer: tuple[int, ...]
    """Lengths of the array's axes before those of a plane."""
    plane: tuple[int, ...]
    axes: str | None
    one_page: bool = False
    """Whether the planes of a stack follow each other behind its only page, as ImageJ stores beyond 4 GB."""


class TiffArray:
    """All planes of a TIFF as one array."""

    column_major = False

    def __init__(self, path: Path, file: tifffile.TiffFile, layout: _Layout) -> None:
        self._path, self._file, self._layout = path, file, layout
        first = self._page(0)
        self.dtype = _checked_dtype(first, path)
        self.axes, self.shape = layout.axes, (*layout.outer, *layout.plane)
        self._page_shape = first.shape
        self._white_is_zero = _white_is_zero(first, self.dtype, path)
        self._highest = (1 << first.bitspersample) - 1

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part along an axis that pages are counted by."""
        assert axis < len(self._layout.outer), "rows and columns lie within a page"
        chosen = [range(length) for length in self._layout.outer]
        chosen[axis] = range(start, stop)
        places = itertools.product(*chosen)
        part = np.empty((*map(len, chosen), *self._layout.plane), self.dtype)
        flat = part.reshape(-1, *self._layout.plane)
        for number, place in enumerate(places):
            plane = self._plane(int(np.ravel_multi_index(place, self._layout.outer)))
            flat[number] = self._highest - plane if self._white_is_zero else plane
        return part

    @property
    def _planes(self) -> int:
        return math.prod(self._layout.outer)

    @property
    def _per_stack(self) -> int:
        return self._planes // len(self._layout.stacks)

    def _plane(self, number: int) -> NDArray:
        page = self._page(number)
        if (page.shape, page.dtype) != (self._page_shape, self.dtype):
            raise InputError(
                f"{self._path}: page {number} (counted from 0) is {page.dtype} of shape {page.shape}, "
                f"unlike page 0, which is {self.dtype} of shape {self._page_shape}"
            )
        self._check_extent(number)
        if self._layout.one_page:
            offset = page.dataoffsets[0] + number % self._per_stack * page.nbytes
            self._file.filehandle.seek(offset)
            stored = np.frombuffer(
                self._file.filehandle.read(page.nbytes), self.dtype.newbyteorder(self._file.byteorder)
            )
        else:
            stored = page.asarray()
        return stored.reshape(self._layout.plane)

    def _page(self, number: int) -> tifffile.TiffPage:
        stack, place = divmod(number, self._per_stack)
        page = self._layout.stacks[stack][0 if self._layout.one_page else place]
        if page is None:
            raise InputError(f"{self._path}: page {number} (counted from 0) is missing; its OME-XML says where it is")
        return page.aspage()

    def _check_extent(self, number: int) -> None:
        """Check that a plane lies within the file, and that each of its strips or tiles was written."""
        page, size = self._page(number), self._file.filehandle.size
        which = f"page {number} (counted from 0)"
        if self._layout.one_page:
            if page.dataoffsets[0] + (number % self._per_stack + 1) * page.nbytes > size:
                raise DamagedPartError(f"{which} is cut off; the file is truncated")
            return
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        due = math.prod(page.chunked)
        if len(parts) < due or not all(offset and count for offset, count in parts[:due]):
            raise DamagedPartError(f"a strip or tile of {which} was never written")
        if max(offset + count for offset, count in parts) > size:
            raise DamagedPartError(f"{which} is cut off; the file is truncated")
        if page.compression in CHECKED:
            # These end with a checksum; tifffile fills up what is too short with zeros.
            return
        decode = tifffile.TIFF.DECOMPRESSORS[page.compression]
        held = 0
        for offset, count in parts[:due]:
            self._file.filehandle.seek(offset)
            held += count if page.compression == NONE else len(decode(self._file.filehandle.read(count)))
        whole = _stored_bytes(page)
        if held < whole:
            raise DamagedPartError(f"{which} holds {held} of its {whole} bytes; it is cut short or damaged")


def _stored_bytes(page: tifffile.TiffPage) -> int:
    """Return the least bytes that a page's pixels take, not compressed: rows of packed ones begin with a byte."""
    if page.bitspersample % 8 == 0:
        return int(page.nbytes)
    row_bits = page.imagewidth * page.samplesperpixel * page.bitspersample
    return -(-row_bits // 8) * page.imagelength


def _layout(file: tifffile.TiffFile, reduced: list[bool], path: Path) -> _Layout:
    """Return the layout that a TIFF declares; without a declaration its pages in a row, smaller copies left out."""
    for kind, declared in (("shaped", file.is_shaped), ("ome", file.is_ome), ("imagej", file.is_imagej)):
        if declared:
            # One kind after the other: tifffile's own choice looks into other files of the folder for some programs.
            found = getattr(file, f"_series_{kind}")() or []
            return _declared([series for series in found if not series.keyframe.is_reduced], kind, path)
    chosen = [number for number, is_reduced in enumerate(reduced) if not is_reduced] or list(range(len(reduced)))
    first = file.pages[chosen[0]].aspage()
    return _Layout([_Pages(file, chosen)], (len(chosen),), first.shape, "I" + first.axes)


def _declared(found: list[tifffile.TiffPageSeries], kind: str, path: Path) -> _Layout:
    """Return the layout of a file's images: all alike, one behind the other."""
    if not found:
        raise InputError(
            f"{path}: its pages are not those that its own description declares ({_DESCRIPTIONS[kind]}); "
            "the file is truncated, or its other pages lie in other files: save it as one file"
        )
    first = found[0]
    for number, series in enumerate(found):
        if (series.shape, series.axes, series.dtype) != (first.shape, first.axes, first.dtype):
            raise InputError(
                f"{path}: image {number} is {series.dtype} of shape {series.shape}, unlike image 0, which is "
                f"{first.dtype} of shape {first.shape}; one file of frames holds images of one kind"
            )
    shape, axes = first.shape, first.axes
    one_page = first.is_truncated
    planes = math.prod(shape) // math.prod(first.keyframe.shape) if one_page else len(first)
    split = next((k for k in range(len(shape)) if math.prod(shape[:k]) == planes), None)
    if split is None or math.prod(shape) != planes * math.prod(first.keyframe.shape) or axes[split:].strip("YXS"):
        raise InputError(f"{path}: axes {axes} of shape {shape} are not one image a page")
    outer, plane = shape[:split], shape[split:]
    if len(found) > 1 or not outer:
        outer, axes = (len(found), *outer), "I" + axes
    if "Q" in axes:
        # Axes without a name: pages in a row if there is one, and otherwise nothing but a shape.
        return _Layout(found, outer, plane, "I" + axes[1:] if axes.count("Q") == 1 == len(outer) else None, one_page)
    if kind == "imagej" and len(outer) == 1:
        # It calls any stack slices or frames.
        axes = "I" + axes[1:]
    return _Layout(found, outer, plane, axes, one_page)


_DESCRIPTIONS = {"shaped": "JSON of tifffile", "ome": "OME-XML", "imagej": "ImageJ's"}


@dataclass(frozen=True, eq=False)
class _Pages(Sequence[TiffPage | None]):
    """Pages of a file in a row, none of them kept."""

    file: tifffile.TiffFile
    chosen: Sequence[int]
    """Their numbers in the file."""

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, number: Any) -> Any:
        return self.file.pages[self.chosen[number]]


def _checked_dtype(page: tifffile.TiffPage, path: Path) -> np.dtype:
    """Return the type of a page's values, if it can be read at all."""
    packed = page.bitspersample % 8 != 0 and page.bitspersample != 1
    if page.dtype is None or (packed and not has_codecs()):
        raise InputError(
            f"{path}: pixels of {page.bitspersample} bits are packed; save the file with 16 bits a pixel (ImageJ: "
            f"Image > Type > 16-bit), or install what unpacks them: {CODECS}"
        )
    _check_compression(int(page.compression), path)
    if page.tags.valueof(ORIENTATION_TAG, UPRIGHT) != UPRIGHT:
        raise InputError(f"{path}: pages are turned or mirrored (tag Orientation); save them upright")
    check_part(path, "a page", page.shape, np.dtype(page.dtype))
    return np.dtype(page.dtype)


def _check_compression(code: int, path: Path) -> None:
    """Refuse pages whose compression is lossy, or not to be undone."""
    name = CODEC_COMPRESSIONS.get(code) or LOSSY_COMPRESSIONS.get(code) or f"scheme {code}"
    if code in AMNIS_COMPRESSIONS:
        raise InputError(
            f"{path}: this is a file of an Amnis cytometer (.rif, .cif), in a compression of its own ({code}); export "
            "its images as raw 16-bit TIFF in IDEAS, or convert it with bfconvert of Bio-Formats"
        )
    if code in LOSSY_COMPRESSIONS:
        raise InputError(
            f"{path}: pages are compressed with {name}, which may be lossy: its pixels are not those of the camera; "
            "save the original without compression"
        )
    if code in CODEC_COMPRESSIONS and not has_codecs():
        raise InputError(
            f"{path}: pages are compressed with {name}, whose decoder is missing: {CODECS}; or save the file without "
            "compression or with Deflate (ImageJ: Save As > Tiff; tiffcp -c zip)"
        )
    if code not in COMPRESSIONS and code not in CODEC_COMPRESSIONS:
        raise InputError(
            f"{path}: pages are compressed with {name}, which is not read; save it without compression or with Deflate "
            "(ImageJ: Save As > Tiff; tiffcp -c zip)"
        )


def has_codecs() -> bool:
    """Return whether imagecodecs is installed, which tifffile decodes with."""
    return importlib.util.find_spec("imagecodecs") is not None


def _white_is_zero(page: tifffile.TiffPage, dtype: np.dtype, path: Path) -> bool:
    """Return whether the highest code is black, in a file whose codes can be turned around."""
    photometric = page.tags.valueof(PHOTOMETRIC_TAG, BLACK_IS_ZERO)
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        raise InputError(
            f"{path}: pixels are of the kind {getattr(page.photometric, 'name', photometric)}; "
            "gray or RGB is needed (ImageJ: Image > Type)"
        )
    if photometric == WHITE_IS_ZERO and dtype.kind != "u":
        raise InputError(
            f"{path}: the highest value of {dtype} pixels is black (min-is-white); save it as min-is-black"
        )
    return photometric == WHITE_IS_ZERO


def _reduced_pages(file: IO[bytes], path: Path) -> list[bool]:
    """Return of each page of a TIFF's chain whether it is a smaller copy; all tags must lie within the file.

    tifffile takes a chain that leads beyond the file for a shorter one: a cut file would lose cells unnoticed.
    """
    size = file.seek(0, os.SEEK_END)

    def read(at: int, count: int) -> bytes:
        file.seek(at)
        if at + count > size:
            raise InputError(f"{path}: the list of pages breaks off after page {len(seen)}; the file is truncated")
        return file.read(count)

    seen: set[int] = set()
    reduced: list[bool] = []
    head = read(0, 8)
    numbers = _Numbers("<" if head[:2] == b"II" else ">", *((20, "Q", "Q") if 43 in head[2:4] else (12, "H", "I")))
    offset = numbers.number(numbers.offset, read(*((8, 8) if numbers.entry_bytes == 20 else (4, 4))))
    while offset:
        if offset in seen:
            raise InputError(f"{path}: the list of pages leads back to page {len(seen)}; the file is damaged")
        seen.add(offset)
        reduced.append(False)
        begin = offset + struct.calcsize(numbers.count)
        entries = numbers.number(numbers.count, read(offset, begin - offset))
        for tag, kind, count, place in numbers.tags(read(begin, entries * numbers.entry_bytes)):
            if tag == SUBFILE_TAG:
                reduced[-1] |= bool(numbers.value(kind, place) & REDUCED)
            if tag == OLD_SUBFILE_TAG:
                reduced[-1] |= numbers.value(kind, place) == OLD_REDUCED
            length = count * VALUE_BYTES.get(kind, 1)
            if length > struct.calcsize(numbers.offset) and place + length > size:
                raise InputError(f"{path}: page {len(seen) - 1} (counted from 0) is cut off; the file is truncated")
        end = begin + entries * numbers.entry_bytes
        offset = numbers.number(numbers.offset, read(end, struct.calcsize(numbers.offset)))
    return reduced


@dataclass(frozen=True)
class _Numbers:
    """How a TIFF writes its numbers: classic or BigTIFF, in one of two orders of bytes."""

    order: str
    entry_bytes: int
    count: str
    offset: str

    def number(self, layout: str, data: bytes) -> int:
        return int(struct.unpack(self.order + layout, data)[0])

    def tags(self, data: bytes) -> Iterator[tuple[int, int, int, int]]:
        """Yield number, type, count and value or place of every tag."""
        yield from struct.iter_unpack(f"{self.order}HH{self.offset}{self.offset}", data)

    def value(self, kind: int, place: int) -> int:
        """Return the value of a tag that holds one whole number, which stands in the first bytes of its place."""
        field = struct.pack(f"{self.order}{self.offset}", place)
        return int.from_bytes(field[: VALUE_BYTES.get(kind, 1)], "little" if self.order == "<" else "big")
