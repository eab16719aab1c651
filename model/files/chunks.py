"""Chunks of a Zarr as they come from its folder or zip file: looked at before a codec sees them.

Zarr itself gives the fill value for a chunk that is not there. Here it is a fault, as nothing tells a chunk that was
lost from one that was left out; and a chunk that is cut short, whose codec would read beyond its end, is one, too.
"""

from __future__ import annotations

import itertools
import math
import stat
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest, RangeByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import WrapperStore

from cytogate.model.errors import InputError
from cytogate.model.files.container import MAX_PART_BYTES, DamagedPartError

METADATA_FILES = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
INDEX_CODECS = ("bytes", "crc32c")
"""Of a shard's index; two numbers of 8 bytes a chunk, and a checksum."""
NOWHERE = np.iinfo(np.uint64).max
"""Both numbers of a chunk that a shard does not hold."""
LEFT_OUT = (
    "was never written or is lost; Zarr leaves out chunks that hold nothing but the fill value, unless it is told "
    "write_empty_chunks"
)


@dataclass(frozen=True)
class ChunkKind:
    """What the chunks of an array are."""

    name: str
    """Of the array, for messages."""
    sides: tuple[int, ...]
    """Values of a chunk along each axis; of a sharded array, of the chunks within a shard."""
    item_bytes: int
    codecs: tuple[str, ...]
    """From bytes to bytes, the last one outside."""
    sized: bool
    """Whether chunks have the size of their values before these codecs."""
    shard: tuple[int, ...] | None
    """Chunks of a shard along each axis; None without shards."""
    index_first: bool = False

    @property
    def index_bytes(self) -> int:
        """Length of a shard's index."""
        return 16 * math.prod(self.shard or ()) + 4

    def check(self, data: Buffer) -> None:
        """Check one stored chunk, of which no codec has seen anything."""
        codecs, held = list(self.codecs), len(data)
        if codecs and codecs[-1] == "crc32c":
            codecs, held = codecs[:-1], held - 4
        size = math.prod(self.sides) * self.item_bytes if self.sized and len(codecs) <= 1 else None
        wrong = _wrong(codecs[-1] if codecs else None, data[:32].to_bytes(), held, size)
        if wrong is not None:
            raise DamagedPartError(f"a chunk of {self.name} is cut short or damaged: {wrong}")

    def absent(self) -> DamagedPartError:
        """Return what is raised for a chunk that is not there."""
        return DamagedPartError(f"a chunk of {self.name} {LEFT_OUT}")


@dataclass(frozen=True)
class _Shard:
    kind: ChunkKind
    begins: NDArray[np.uint64]
    """Of its chunks."""


class CheckedStore(WrapperStore[Store]):
    """A store, each chunk of which is looked at; ``folder`` is where it lies, unless it is a zip file."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        super().__init__(store)
        self.kinds: dict[str, ChunkKind] = {}
        """By the path of an array; metadata are not looked at."""
        self._folder = None if folder is None else folder.resolve()
        self._shards: dict[str, _Shard] = {}

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return what is stored; raise a :class:`DamagedPartError` for a chunk that is absent or damaged."""
        if self._folder is not None:
            _check_place(self._folder, key)
        data = await super().get(key, prototype, byte_range)
        kind = None if key.rsplit("/", 1)[-1] in METADATA_FILES else self._kind(key)
        if kind is None:
            return data
        if data is None:
            raise kind.absent()
        if kind.shard is None:
            kind.check(data)
        elif isinstance(byte_range, RangeByteRequest) and len(data) != byte_range.end - byte_range.start:
            raise DamagedPartError(f"a shard of {kind.name} is cut short")
        elif isinstance(byte_range, RangeByteRequest) and not _is_index(kind, byte_range):
            kind.check(data)
        else:
            self._look_at_shard(key, kind, data, whole=byte_range is None)
        return data

    def check_shards(self, keys: dict[str, tuple[slice, ...]]) -> None:
        """Check that shards that were read just now hold those of their chunks that were needed, and forget them."""
        shards, self._shards = self._shards, {}
        for key, needed in keys.items():
            if key in shards and (shards[key].begins[needed] == NOWHERE).any():
                raise shards[key].kind.absent()

    def _kind(self, key: str) -> ChunkKind | None:
        found = [path for path in self.kinds if not path or key.startswith(f"{path}/")]
        return self.kinds[max(found, key=len)] if found else None

    def _look_at_shard(self, key: str, kind: ChunkKind, data: Buffer, whole: bool) -> None:
        """Keep which chunks a shard holds, by its index or by all of it; of a whole one, look at each chunk."""
        assert kind.shard is not None
        if len(data) < kind.index_bytes:
            raise DamagedPartError(f"a shard of {kind.name} is cut short")
        index = data[: kind.index_bytes] if kind.index_first else data[len(data) - kind.index_bytes :]
        places = np.frombuffer(index.to_bytes()[:-4], "<u8").reshape(*kind.shard, 2)
        self._shards[key] = _Shard(kind, places[..., 0])
        if whole:
            for begin, length in places.reshape(-1, 2).tolist():
                if begin == NOWHERE:
                    continue
                if begin + length > len(data):
                    raise DamagedPartError(f"a shard of {kind.name} is cut short")
                kind.check(data[begin : begin + length])


def shard_spans(
    sides: Sequence[int], shard: Sequence[int], spans: Sequence[range]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Yield the place of each shard that ``spans``, one range of values an axis, touch, and which chunks of it.

    ``sides`` are values of a chunk and ``shard`` chunks of a shard along each axis.
    """
    of_axes = []
    for side, count, span in zip(sides, shard, spans, strict=True):
        chunks = range(span.start // side, -(-span.stop // side))
        of_axes.append(
            [
                (place, slice(max(chunks.start - place * count, 0), min(chunks.stop - place * count, count)))
                for place in range(chunks.start // count, -(-chunks.stop // count))
            ]
        )
    for touched in itertools.product(*of_axes):
        yield tuple(place for place, _ in touched), tuple(within for _, within in touched)


def _is_index(kind: ChunkKind, asked: RangeByteRequest) -> bool:
    return kind.index_first and (asked.start, asked.end) == (0, kind.index_bytes)


def _check_place(folder: Path, key: str) -> None:
    """Refuse what lies outside the folder by a symbolic link, and what is no file or larger than any chunk may be."""
    path = (folder / key).resolve()
    if not path.is_relative_to(folder):
        raise InputError(f"{folder}: {key} is a link to {path}, outside of the folder; put a copy in its place")
    if not path.exists():
        return
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise InputError(f"{folder}: {key} is no file")
    if found.st_size > 2 * MAX_PART_BYTES:
        raise DamagedPartError(f"{key} has {found.st_size} bytes; {2 * MAX_PART_BYTES} are the most that is read")


def _wrong(codec: str | None, head: bytes, held: int, size: int | None) -> str | None:
    """Return what is wrong with what a codec's first bytes declare, before it is handed a length that is not there.

    ``held`` bytes are stored, of which ``head`` are the first; they stand for ``size`` bytes, if that is known.
    """
    declared: int | None = held if codec is None else None
    if codec == "blosc":
        if held < 16:
            return f"{held} bytes are no block of blosc"
        declared, stored = (int(struct.unpack_from("<I", head, place)[0]) for place in (4, 12))
        if stored != held:
            return f"blosc declares {stored} bytes stored, and {held} are there"
    elif codec == "lz4":
        declared = struct.unpack_from("<i", head)[0] if held >= 4 else 0
    elif codec == "zstd":
        declared = _zstd_size(head)
    if size is not None and declared is not None and declared != size:
        return f"{declared} bytes of values, and a chunk has {size}"
    return None


def _zstd_size(head: bytes) -> int | None:
    """Return the size of values that a zstd frame declares, if it does; RFC 8878, 3.1.1.1."""
    if len(head) < 5 or head[:4] != b"\x28\xb5\x2f\xfd":
        return None
    flags = head[4]
    single = flags >> 5 & 1
    length = (single, 2, 4, 8)[flags >> 6]
    begin = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3]
    stored = head[begin : begin + length]
    if not length or len(stored) < length:
        return None
    return int.from_bytes(stored, "little") + (256 if length == 2 else 0)
