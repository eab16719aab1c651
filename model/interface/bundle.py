"""The bundle: what is copied to a board. One zip of bitstream, hardware description and a manifest that names them.

``cytogate-BOARD-DESIGN.zip`` holds ``cytogate.bit``, ``cytogate.hwh`` and ``manifest.json``, and nothing else. It may
come from anywhere: a name, size, type or hash that is not as it must be is refused before anything of it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cytogate.model.command.files import whole_file
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.interface.frame_layout import FrameLayout

FORMAT = 1
MANIFEST = "manifest.json"
BITSTREAM = "cytogate.bit"
DESCRIPTION = "cytogate.hwh"
LIMITS = {MANIFEST: 64 << 10, BITSTREAM: 128 << 20, DESCRIPTION: 64 << 20}
"""Members of a bundle and the most bytes of each; the largest bitstream of a supported board has 20 MB."""
KERNELS = ("hls", "rtl")
DMA, INTERRUPTS, RETRIEVAL, STREAM_UNIT = "axi_dma", "axi_intc", "retrieve_phase", "stream_unit"
"""Names of the cells in the block design that a host speaks to."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class Versions:
    """Versions of what built a bundle; None where the tool had no part in it."""

    cytogate: str
    hls4ml: str | None = None
    vivado: str | None = None
    vitis: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What a host must know of a bitstream."""

    design: str
    board: str
    part: str
    clock_mhz: float
    kernel: str
    """Phase retrieval in ``hls`` (C++) or ``rtl`` (SystemVerilog)."""
    width: int
    """Pixels a beat of the input stream: 1, 2, 4 or 8."""
    size: int
    """Rows and columns of the network's input."""
    binning: int
    rows: int
    """Rows of a raw frame."""
    columns: int
    adc_bits: int
    """Bits of a raw code."""
    lane_bits: int
    """Bits in which a raw code travels: 8 or 16."""
    frame_bytes: int
    """Bytes of one cell's frames on their way to the chip."""
    class_names: tuple[str, ...]
    """In the order of the logits."""
    logit_width: int
    """Bits of a logit code."""
    logit_integer_bits: int
    """A logit is its code times 2 to the power of ``logit_integer_bits - logit_width``."""
    design_hash: int
    """Identity of the design: a hash of its contract's constants and tables."""
    weights_hash: str
    """SHA-256 of the network's weights, 64 hexadecimal digits."""
    versions: Versions
    synthetic: bool
    """True if no vendor tool made the bitstream, which then runs on an emulated board alone."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the bundle's other files by name; :func:`write_bundle` fills it in."""
    format: int = FORMAT

    def __post_init__(self) -> None:
        for each in fields(self):
            value, (right, wanted) = getattr(self, each.name), _RULES[each.name]
            if not right(value):
                raise InputError(f"{each.name} is {value!r}; it must be {wanted}")
        if self.kernel == "hls" and self.width != 1:
            raise InputError(f"width is {self.width}; the kernel hls takes 1 pixel a beat")
        if self.adc_bits > self.lane_bits:
            raise InputError(f"adc_bits is {self.adc_bits}, more than a lane's {self.lane_bits} bits hold")
        if self.frame_bytes != self.layout.frame_bytes:
            raise InputError(
                f"frame_bytes is {self.frame_bytes}; {self.rows}x{self.columns} pixels make {self.layout.frame_bytes}"
            )

    @property
    def layout(self) -> FrameLayout:
        """How a cell's frames lie in memory."""
        return FrameLayout(len(FourAngle.channels), self.rows, self.columns, self.width, self.lane_bits)

    @property
    def weights_word(self) -> int:
        """The weights' hash as the stream unit says it: its first 32 bits."""
        return int(self.weights_hash[:8], 16)

    def text(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def parse_manifest(text: str) -> Manifest:
    """Return the manifest of JSON ``text``.

    Raises
    ------
    InputError
        If the text is no JSON, or a field is missing, unknown or not as it must be.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is no JSON: {error}") from error
    if isinstance(given, dict) and given.get("format", FORMAT) != FORMAT:
        raise InputError(f"it is of format {given['format']!r}; this release reads format {FORMAT}")
    given = _exactly(given, [each.name for each in fields(Manifest)], "the manifest")
    versions = _exactly(given["versions"], [each.name for each in fields(Versions)], "versions")
    if isinstance(given["class_names"], list):
        given["class_names"] = tuple(given["class_names"])
    return Manifest(**{**given, "versions": Versions(**versions)})


@dataclass(frozen=True)
class Bundle:
    """A bundle whose members and manifest are in order; :meth:`extract` proves its files."""

    path: Path
    manifest: Manifest

    def extract(self, folder: Path) -> Path:
        """Write bitstream and hardware description into ``folder`` and return the bitstream's path.

        Raises
        ------
        InputError
            If a file is damaged or is not the one that the manifest names; nothing of it is left.
        """
        with _opened(self.path) as archive:
            for name, promised in self.manifest.sha256.items():
                found = hashlib.sha256()
                with whole_file(folder / name) as partial:
                    with partial.open("wb") as file, archive.open(name) as member:
                        while chunk := member.read(CHUNK):
                            found.update(chunk)
                            file.write(chunk)
                    if found.hexdigest() != promised:
                        raise InputError(f"{self.path}: {name} is not the file that the manifest names (SHA-256)")
        return folder / BITSTREAM


DeviceProvider = Callable[[Bundle], AbstractContextManager[Any]]
"""Gives a pynq device for a bundle, or None for the one that pynq finds by itself."""


def read_bundle(path: Path) -> Bundle:
    """Return the bundle ``path``, after its members' names and sizes and its manifest have been checked."""
    with _opened(path) as archive:
        try:
            manifest = parse_manifest(archive.read(MANIFEST).decode("utf-8"))
        except (InputError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {MANIFEST}: {error}") from error
    if set(manifest.sha256) != {BITSTREAM, DESCRIPTION}:
        raise InputError(f"{path}: {MANIFEST}: sha256 must name {BITSTREAM} and {DESCRIPTION}")
    return Bundle(path, manifest)


def write_bundle(path: Path, manifest: Manifest, files: Mapping[str, Path]) -> Bundle:
    """Write the bundle ``path`` of ``manifest``, which gets the files' hashes, and ``files`` by member name.

    The same contents give the same bytes. The bundle appears whole or not at all.
    """
    if set(files) != {BITSTREAM, DESCRIPTION}:
        raise ValueError(f"a bundle has the files {BITSTREAM} and {DESCRIPTION}, not {', '.join(files)}")
    contents = {name: _file_bytes(files[name], LIMITS[name]) for name in sorted(files)}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = replace(manifest, sha256=hashes)
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {MANIFEST: manifest.text().encode(), **contents}.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return Bundle(path, manifest)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a bundle whose members are exactly the known ones, and turn what a damaged zip raises into one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if sorted(names) != sorted(LIMITS):
                held = ", ".join(repr(name) for name in names[:5]) or "nothing"
                raise InputError(f"{path}: a bundle holds {', '.join(sorted(LIMITS))}; this file holds {held}")
            for member in members:
                if member.file_size > LIMITS[member.filename]:
                    raise InputError(
                        f"{path}: {member.filename} declares {member.file_size} bytes; "
                        f"{LIMITS[member.filename]} are the most a bundle may have"
                    )
            yield archive
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    # RuntimeError is an encrypted member, NotImplementedError an unknown compression.
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: this is no bundle, or a damaged one: {error}") from error


def _file_bytes(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(f"{path}: has {size} bytes; {limit} are the most a bundle may have")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _exactly(given: Any, names: list[str], what: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError(f"{what} is {type(given).__name__}; an object with the fields {', '.join(names)} is needed")
    for name in names:
        if name not in given:
            raise InputError(f"{what} lacks {name}")
    for name in given:
        if name not in names:
            raise InputError(f"{what} has {name}, which is no field of it")
    return given


def _integer(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _word(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _clock(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 < value <= 1000


def _names(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and 1 <= len(value) <= 1024
        and all(isinstance(name, str) and 1 <= len(name) <= 100 and name.isprintable() for name in value)
        and len(set(value)) == len(value)
    )


def _versions(value: Any) -> bool:
    return isinstance(value, Versions) and all(
        (said is None and tool != "cytogate") or (isinstance(said, str) and re.fullmatch(r"[ -~]{1,100}", said))
        for tool, said in asdict(value).items()
    )


def _hashes(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) <= {BITSTREAM, DESCRIPTION} and all(map(_SHA256, value.values()))


_NAME = (_word(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"), "a name of letters, digits, points, hyphens and underscores")
_SIDE = (_integer(1, 1 << 16), "an integer from 1 to 65536")
_SHA256 = _word(r"[0-9a-f]{64}")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "design": _NAME,
    "board": _NAME,
    "part": _NAME,
    "clock_mhz": (_clock, "a frequency up to 1000 MHz"),
    "kernel": (lambda value: value in KERNELS, f"one of {', '.join(KERNELS)}"),
    "width": (lambda value: type(value) is int and value in (1, 2, 4, 8), "1, 2, 4 or 8"),
    "size": _SIDE,
    "binning": _SIDE,
    "rows": _SIDE,
    "columns": _SIDE,
    "adc_bits": (_integer(1, 16), "an integer from 1 to 16"),
    "lane_bits": (lambda value: type(value) is int and value in (8, 16), "8 or 16"),
    "frame_bytes": (_integer(1, (1 << 26) - 1), "an integer that a DMA transfer of 26 bits holds"),
    "class_names": (_names, "a list of different names"),
    "logit_width": (_integer(1, 32), "an integer from 1 to 32"),
    "logit_integer_bits": (_integer(-64, 64), "an integer from -64 to 64"),
    "design_hash": (_integer(0, (1 << 32) - 1), "an unsigned integer of 32 bits"),
    "weights_hash": (_SHA256, "64 hexadecimal digits"),
    "versions": (_versions, "the versions of cytogate and, where they took part, hls4ml, vivado and vitis"),
    "synthetic": (lambda value: type(value) is bool, "true or false"),
    "sha256": (_hashes, f"hashes of 64 hexadecimal digits for {BITSTREAM} and {DESCRIPTION}"),
    "format": (lambda value: type(value) is int and value == FORMAT, str(FORMAT)),
}
