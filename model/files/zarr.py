"""Zarr, versions 2 and 3, as a folder or a zip file: an array, or a group of arrays; OME-Zarr by what it declares.

A Zarr names the codecs that its chunks pass through, and one that can be installed loads pickles: only those that are
known to hold nothing but numbers and text are let through.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import MOST_LISTED, check_part

if TYPE_CHECKING:
    from cytogate.model.files.chunks import CheckedStore, ChunkKind

METADATA = ("zarr.json", ".zarray", ".zgroup")
"""Files of which a Zarr has one in its root."""

HARMLESS = {
    "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "gzip", "lz4", "lzma", "packbits",
    "sharding_indexed", "shuffle", "transpose", "vlen-utf8", "zlib", "zstd",
}  # fmt: skip
"""Codecs that are known to hold nothing but numbers and text."""


def is_zarr(path: Path) -> bool:
    """Return whether a folder or a zip file has the metadata of a Zarr in its root."""
    if path.is_dir():
        return any((path / name).is_file() for name in METADATA)
    with zipfile.ZipFile(path) as archive:
        return not set(METADATA).isdisjoint(archive.namelist())


def was_zarr(path: Path) -> bool:
    """Return whether a folder that is no Zarr looks as if it had been one: by its name, or by an array in it."""
    return path.suffix == ".zarr" or any((each / name).is_file() for each in path.iterdir() for name in METADATA)


class ZarrFolder:
    """A Zarr as a :class:`~cytogate.model.files.container.Container`."""

    def __init__(self, path: Path) -> None:
        import zarr
        from zarr.storage import LocalStore, ZipStore

        from cytogate.model.files.chunks import CheckedStore

        self.path = path
        if path.is_file():
            self._store = CheckedStore(ZipStore(path, mode="r"))
        else:
            self._store = CheckedStore(LocalStore(path, read_only=True), path)
        try:
            self._root = zarr.open(self._store, mode="r")
            self.attributes: Mapping[str, Any] = dict(self._root.attrs)
            self.unnamed = self._unnamed()
            self.names = tuple(self._root) if isinstance(self._root, zarr.Group) else ()
        except BaseException:
            self.close()
            raise

    def array(self, name: str) -> ZarrArray | None:
        """Return an array of a group."""
        import zarr

        if not isinstance(self._root, zarr.Group) or name not in self._root:
            return None
        node = self._root[name]
        if not isinstance(node, zarr.Array):
            raise InputError(f"{self.path}: {name} is a group; an array is needed")
        return self._checked(node, name)

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of all that lies in a group."""
        import zarr

        found = self._root[group] if isinstance(self._root, zarr.Group) and group in self._root else None
        return tuple(found) if isinstance(found, zarr.Group) else ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield paths and shapes of the arrays of numbers."""
        import zarr

        members = self._root.members(max_depth=None) if isinstance(self._root, zarr.Group) else ()
        for name, node in itertools.islice(members, MOST_LISTED):
            if isinstance(node, zarr.Array) and np.dtype(node.dtype).kind in "uif":
                yield name, node.shape

    def close(self) -> None:
        """Close a zip file; of a folder nothing is kept open."""
        self._store.close()

    def _unnamed(self) -> ZarrArray | None:
        """Return the array that the Zarr is, or that its OME metadata name first: the one of full resolution."""
        import zarr

        if isinstance(self._root, zarr.Array):
            return self._checked(self._root, "the array")
        scales = self.attributes.get("multiscales") or self.attributes.get("ome", {}).get("multiscales")
        if not scales:
            return None
        path, axes = scales[0]["datasets"][0]["path"], scales[0].get("axes", "tczyx")
        node = self._root[path]
        if not isinstance(node, zarr.Array):
            raise InputError(f"{self.path}: {path}, which its OME metadata name, is no array")
        letters = "".join(each["name"] if isinstance(each, dict) else each for each in axes).upper()
        if len(letters) != node.ndim:
            raise InputError(f"{self.path}: OME metadata name the axes {letters} of an array of shape {node.shape}")
        return self._checked(node, path, letters)

    def _checked(self, array: Any, name: str, axes: str | None = None) -> ZarrArray:
        for codec in codec_names(array.metadata.to_dict()):
            if codec.removeprefix("numcodecs.") not in HARMLESS:
                raise InputError(f"{self.path}: {name}: the codec {codec} is not among those that are let through")
        check_part(self.path, f"a chunk of {name}", array.shards or array.chunks, np.dtype(array.dtype))
        self._store.kinds[array.path] = kind = self._kind(array, name)
        return ZarrArray(array, axes, self._store, kind)

    def _kind(self, array: Any, name: str) -> ChunkKind:
        """Return what its metadata say of the chunks of an array."""
        from cytogate.model.files.chunks import INDEX_CODECS, ChunkKind

        metadata, item_bytes = array.metadata.to_dict(), np.dtype(array.dtype).itemsize
        if metadata["zarr_format"] == 2:
            compressor, filters = _names_of(metadata["compressor"]), _names_of(metadata["filters"])
            return ChunkKind(name, array.chunks, item_bytes, tuple(compressor), not filters, None)
        codecs = metadata["codecs"]
        shard, index_first = None, False
        sharding = [each["configuration"] for each in codecs if each["name"] == "sharding_indexed"]
        if sharding:
            index = [each["name"] for each in sharding[0]["index_codecs"]]
            codecs, index_first = sharding[0]["codecs"], sharding[0]["index_location"] == "start"
            if tuple(index) != INDEX_CODECS or any(each["name"] == "sharding_indexed" for each in codecs):
                raise InputError(
                    f"{self.path}: {name}: shards within shards, or with an index of {index}, are not read"
                )
            shard = tuple(side // within for side, within in zip(array.shards, array.chunks, strict=True))
        names = [each["name"].removeprefix("numcodecs.") for each in codecs]
        begin = names.index("bytes") + 1 if "bytes" in names else len(names)
        sized = "bytes" in names and not set(names[: begin - 1]) - {"transpose"}
        return ChunkKind(name, array.chunks, item_bytes, tuple(names[begin:]), sized, shard, index_first)


class ZarrArray:
    """An array; a chunk that is missing is a fault, see :mod:`~cytogate.model.files.chunks`."""

    column_major = False

    def __init__(self, array: Any, axes: str | None, store: CheckedStore, kind: ChunkKind) -> None:
        self._array, self.axes, self._store, self._kind = array, axes, store, kind
        self.shape: tuple[int, ...] = array.shape
        dtype = np.dtype(array.dtype)
        self.dtype = np.dtype(str) if dtype.kind == "T" or dtype.hasobject else dtype

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part; its chunks are decoded once each."""
        part = np.asarray(self._array[(slice(None),) * axis + (slice(start, stop),)])
        if self._kind.shard is not None:
            self._store.check_shards(self._needed(self._kind.shard, start, stop, axis))
        return part.astype(str) if self.dtype.kind == "U" else part

    def _needed(self, shard: tuple[int, ...], start: int, stop: int, axis: int) -> dict[str, tuple[slice, ...]]:
        """Return which chunks of which shards a part lies in."""
        from cytogate.model.files.chunks import shard_spans

        spans = [range(length) for length in self.shape]
        spans[axis] = range(start, stop)
        prefix = f"{self._array.path}/" if self._array.path else ""
        return {
            prefix + self._array.metadata.encode_chunk_key(place): within
            for place, within in shard_spans(self._kind.sides, shard, spans)
        }


def codec_names(metadata: Any) -> list[str]:
    """Return the names of all codecs of a Zarr array's metadata: ``id`` in version 2, ``name`` in version 3."""
    return _names_of([metadata.get(key) for key in ("codecs", "compressor", "filters")])


def _names_of(described: Any) -> list[str]:
    """Return the names of codecs, and of codecs of codecs."""
    names: list[str] = []
    waiting = [described]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, dict):
            names += [str(each[key]) for key in ("id", "name") if key in each]
            # Sharding has codecs of its own.
            waiting += [each.get("codecs"), each.get("index_codecs")]
            waiting += [each["configuration"]] if isinstance(each.get("configuration"), dict) else []
        elif each is not None:
            names.append(str(getattr(each, "codec_id", each)))
    return names
