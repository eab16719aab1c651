"""The bundle: what is copied to a board. One zip of bitstream, hardware description, design and a manifest.

``cytogate-BOARD-DESIGN.zip`` holds ``cytogate.bit``, ``cytogate.hwh``, ``design.toml`` and ``manifest.json``; of an
off-axis design also the reference field of its calibration and what the kernels are told of it, and for an emulated
board also the network, as it lies in a design's folder. It holds nothing else. The design says what was built; the
manifest says what follows from it and from the network, and the hashes of the other files. A bundle may come from
anywhere: a name, size, type or hash that is not as it must be is refused before anything of it is used.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cytogate.model.command.files import whole_file
from cytogate.model.design.design import NAME, Design
from cytogate.model.design.folder import (
    ADOPTED_TOPOLOGY,
    CALIBRATION_FOLDER,
    DESIGN_FILE,
    NETWORK_FOLDER,
    QUANTIZED_WEIGHTS,
    REFERENCE_FILE,
    design_of,
    design_text,
)
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Saved
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import LENGTH_BITS
from cytogate.model.interface.description import dma_length_bits
from cytogate.model.interface.frame_layout import FrameLayout

FORMAT = 2
MANIFEST = "manifest.json"
BITSTREAM = "cytogate.bit"
DESCRIPTION = "cytogate.hwh"
WEIGHTS, TOPOLOGY = f"{NETWORK_FOLDER}/{QUANTIZED_WEIGHTS}", f"{NETWORK_FOLDER}/{ADOPTED_TOPOLOGY}"
REFERENCE = f"{CALIBRATION_FOLDER}/{REFERENCE_FILE}"
"""The reference field of an off-axis design's calibration, whose numbers are in the design."""
KERNEL_CALIBRATION = f"{CALIBRATION_FOLDER}/kernels.npy"
"""What its kernels are told behind every reset: beats of 64 bits, (words,), the numbers of the setting first."""
SETTING_WORDS = 7
LIMITS = {
    MANIFEST: 64 << 10,
    DESIGN_FILE: 64 << 10,
    BITSTREAM: 128 << 20,
    DESCRIPTION: 64 << 20,
    WEIGHTS: 128 << 20,
    TOPOLOGY: 4 << 20,
    REFERENCE: 5 << 20,
    KERNEL_CALIBRATION: 3 << 20,
}
"""Members of a bundle and the most bytes of each; the largest bitstream of a supported board has 20 MB."""
DMA, INTERRUPTS, FRONT_END, STREAM_UNIT = "axi_dma", "axi_intc", "front_end", "stream_unit"
"""Names of the cells in the block design that a host speaks to."""
CALIBRATION_DMA = "calibration_dma"
"""That of kernels of holograms: a DMA to the stream of a calibration."""
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
    """What a host must know of a bitstream beside its design."""

    design: str
    """Name of the design."""
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

    @property
    def logit_step(self) -> float:
        """Value of one step of a logit code."""
        return math.ldexp(1.0, self.logit_integer_bits - self.logit_width)

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
        raise InputError(
            f"it is of format {given['format']!r}; this release reads format {FORMAT}: build the bundle anew"
        )
    given = _exactly(given, [each.name for each in fields(Manifest)], "the manifest")
    versions = _exactly(given["versions"], [each.name for each in fields(Versions)], "versions")
    return Manifest(**{**given, "versions": Versions(**versions)})


@dataclass(frozen=True)
class Bundle:
    """A bundle whose members, manifest and design are in order; :meth:`extract` proves its other files."""

    path: Path
    manifest: Manifest
    design: Design
    """With the chip that was built; it has no folder."""

    def __post_init__(self) -> None:
        size = self.layout.frame_bytes
        if size >= 1 << LENGTH_BITS:
            raise InputError(
                f"frames of one cell have {size} bytes on their way to the chip; a DMA transfer holds "
                f"{(1 << LENGTH_BITS) - 1}"
            )

    @cached_property
    def layout(self) -> FrameLayout:
        """How a cell's frames lie in memory."""
        return layout_of(self.design)

    @property
    def device(self) -> str:
        """The board in words, and whether it is an emulated one."""
        return f"emulated {self.design.chip.board}" if self.manifest.synthetic else self.design.chip.board

    @cached_property
    def dma_length_bits(self) -> int:
        """Bits of the length register of the bitstream's DMA, as its hardware description says.

        Raises
        ------
        InputError
            If the description is not the one that the manifest names, or not of a Cytogate design.
        """
        with _opened(self.path) as archive:
            content = archive.read(DESCRIPTION)
        _prove(self.path, DESCRIPTION, hashlib.sha256(content).hexdigest(), self.manifest.sha256.get(DESCRIPTION))
        try:
            return dma_length_bits(content, DMA)
        except InputError as error:
            raise InputError(f"{self.path}: {DESCRIPTION}: {error}") from error

    def extract(self, folder: Path) -> Path:
        """Write all files but the manifest into ``folder``, as a design's folder has them; return the bitstream's path.

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
                    _prove(self.path, name, found.hexdigest(), promised)
        return folder / BITSTREAM


DeviceProvider = Callable[[Bundle], AbstractContextManager[Any]]
"""Gives a pynq device for a bundle, or None for the one that pynq finds by itself."""


def layout_of(design: Design) -> FrameLayout:
    """Return how the frames of one cell lie in memory on their way to the chip."""
    return FrameLayout.of(design.camera, design.chip.samples_per_clock)


def network_members(design: Design) -> tuple[str, ...]:
    """Return the files of a design's quantized network, by their names in a bundle and in the design's folder."""
    return (WEIGHTS, TOPOLOGY) if isinstance(design.network.topology, Saved) else (WEIGHTS,)


def calibration_members(design: Design) -> tuple[str, ...]:
    """Return the files of an off-axis design's calibration, by their names in a bundle; none of another design."""
    return (REFERENCE, KERNEL_CALIBRATION) if isinstance(design.instrument, OffAxis) else ()


def read_bundle(path: Path) -> Bundle:
    """Return the bundle ``path``, after its members' names and sizes, its manifest and its design have been checked."""
    with _opened(path) as archive:
        names = archive.namelist()
        if MANIFEST not in names:
            raise InputError(f"{path}: a bundle holds a {MANIFEST}; {_held(names)}")
        try:
            manifest = parse_manifest(archive.read(MANIFEST).decode("utf-8"))
        except (InputError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {MANIFEST}: {error}") from error
        if DESIGN_FILE not in names:
            raise InputError(f"{path}: a bundle holds a {DESIGN_FILE}; {_held(names)}")
        content = archive.read(DESIGN_FILE)
    _prove(path, DESIGN_FILE, hashlib.sha256(content).hexdigest(), manifest.sha256.get(DESIGN_FILE))
    design = design_of(content, manifest.design, f"{path}: {DESIGN_FILE}")
    due = _members(manifest, design)
    if set(names) != {MANIFEST, *due}:
        raise InputError(f"{path}: this bundle must hold {', '.join((MANIFEST, *due))}; {_held(names)}")
    if set(manifest.sha256) != set(due):
        raise InputError(f"{path}: {MANIFEST}: sha256 must name {', '.join(due)}")
    try:
        return Bundle(path, manifest, design)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def write_bundle(path: Path, manifest: Manifest, design: Design, files: Mapping[str, Path]) -> Bundle:
    """Write the bundle ``path``; the manifest gets the hashes of the design's text and of the files.

    The same contents give the same bytes. The bundle appears whole or not at all.

    Parameters
    ----------
    files
        By member name: bitstream, hardware description and, where ``manifest`` is synthetic, the network's
        (:func:`network_members`).
    """
    due = _members(manifest, design)
    if {DESIGN_FILE, *files} != set(due) or manifest.design != design.name:
        raise ValueError(f"a bundle of {manifest.design} has the files {', '.join(due)}, not {', '.join(files)}")
    contents = {name: _file_bytes(files[name], LIMITS[name]) for name in sorted(files)}
    contents = {DESIGN_FILE: design_text(design).encode(), **contents}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    bundle = Bundle(path, replace(manifest, sha256=hashes), replace(design, folder=None))
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {MANIFEST: bundle.manifest.text().encode(), **contents}.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return bundle


def _members(manifest: Manifest, design: Design) -> tuple[str, ...]:
    """Return the files that a bundle holds beside its manifest."""
    network = network_members(design) if manifest.synthetic else ()
    return (BITSTREAM, DESCRIPTION, DESIGN_FILE, *calibration_members(design), *network)


def _held(names: list[str]) -> str:
    return f"this file holds {', '.join(repr(name) for name in names[:6]) or 'nothing'}"


def _prove(path: Path, name: str, found: str, promised: str | None) -> None:
    if found != promised:
        raise InputError(f"{path}: {name} is not the file that the manifest names (SHA-256)")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a bundle, all of whose members are known ones, and turn what a damaged zip raises into one sentence."""
    if path.is_fifo() or path.is_char_device():
        # It would be waited for without an end.
        raise InputError(f"{path}: is a pipe or a device, not a file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if not set(names) <= set(LIMITS) or len(set(names)) < len(names):
                raise InputError(f"{path}: a bundle holds {', '.join(sorted(LIMITS))} at most; {_held(names)}")
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
    except (
        OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError
    ) as error:  # fmt: skip
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


def _versions(value: Any) -> bool:
    return isinstance(value, Versions) and all(
        (said is None and tool != "cytogate") or (isinstance(said, str) and re.fullmatch(r"[ -~]{1,100}", said))
        for tool, said in asdict(value).items()
    )


def _hashes(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) <= set(LIMITS) - {MANIFEST} and all(map(_SHA256, value.values()))


_SHA256 = _word(r"[0-9a-f]{64}")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "design": (_word(NAME.pattern), "a name of letters, digits, points, hyphens and underscores"),
    "logit_width": (_integer(1, 32), "an integer from 1 to 32"),
    "logit_integer_bits": (_integer(-64, 64), "an integer from -64 to 64"),
    "design_hash": (_integer(0, (1 << 32) - 1), "an unsigned integer of 32 bits"),
    "weights_hash": (_SHA256, "64 hexadecimal digits"),
    "versions": (_versions, "the versions of cytogate and, where they took part, hls4ml, vivado and vitis"),
    "synthetic": (lambda value: type(value) is bool, "true or false"),
    "sha256": (_hashes, "hashes of 64 hexadecimal digits for the bundle's other files"),
    "format": (lambda value: type(value) is int and value == FORMAT, str(FORMAT)),
}
"""What each field must be, and how to say so."""
