"""Codecs of a Zarr: it names those that its chunks pass through, and one that is installed loads pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cytogate.model.errors import InputError

HARMLESS = {
    "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "gzip", "lz4", "lzma", "packbits",
    "sharding_indexed", "shuffle", "transpose", "vlen-utf8", "zlib", "zstd",
}  # fmt: skip
"""Codecs that are known to hold nothing but numbers and text."""


def check_codecs(metadata: Any, path: Path) -> None:
    """Raise an InputError where the metadata of an array below ``path`` name a codec that is not HARMLESS."""
    for codec in codec_names(metadata):
        if codec.removeprefix("numcodecs.") not in HARMLESS:
            raise InputError(f"{path}: the codec {codec} is not among those that are let through")


def codec_names(metadata: Any) -> list[str]:
    """Return the names of all codecs of a Zarr array's metadata: ``id`` in version 2, ``name`` in version 3."""
    names: list[str] = []
    waiting = [metadata.get(key) for key in ("codecs", "compressor", "filters")]
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
