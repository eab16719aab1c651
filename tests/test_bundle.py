"""Bundles: what was written is read, and nothing else gets through."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import (
    BITSTREAM,
    DESCRIPTION,
    LIMITS,
    MANIFEST,
    TOPOLOGY,
    WEIGHTS,
    Manifest,
    parse_manifest,
    read_bundle,
    write_bundle,
)
from tests.boards import small_bundle, small_design, small_manifest

FILES = {BITSTREAM: bytes(range(256)) * 5000, DESCRIPTION: b"<EDKSYSTEM/>\n" * 1000, WEIGHTS: b"weights" * 300}
DESIGN = small_design()
CONTENTS = {**FILES, DESIGN_FILE: design_text(DESIGN).encode()}


def written(folder: Path) -> Path:
    paths = {name: folder / Path(name).name for name in FILES}
    for name, path in paths.items():
        path.write_bytes(FILES[name])
    return write_bundle(folder / "bundle.zip", small_manifest(DESIGN), DESIGN, paths).path


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def held_by(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rezipped(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_round_trip(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path))
    assert dataclasses.replace(bundle.manifest, sha256={}) == small_manifest(DESIGN)
    assert bundle.design == DESIGN
    assert bundle.design.folder is None
    assert set(bundle.manifest.sha256) == set(CONTENTS)
    folder = tmp_path / "out"
    assert bundle.extract(folder) == folder / BITSTREAM
    assert held_by(folder) == CONTENTS
    assert sorted(members(bundle.path)) == sorted([MANIFEST, *CONTENTS])
    # What was extracted is a design's folder.
    assert load_design(folder / DESIGN_FILE).network == DESIGN.network


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path).read_bytes()
    assert written(tmp_path).read_bytes() == first


def test_an_interrupted_write_leaves_the_old_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        ["bundle.zip", *(Path(name).name for name in FILES)]
    )


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def flipped(path: Path) -> None:
    """Damage a member's bytes; its checksum in the zip tells."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def another_bitstream(path: Path) -> None:
    rezipped(path, members(path) | {BITSTREAM: b"another"})


def without(path: Path) -> None:
    rezipped(path, {name: content for name, content in members(path).items() if name != DESCRIPTION})


def climbing(path: Path) -> None:
    rezipped(path, {"../evil": b"", **members(path)})


def doubled(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(BITSTREAM, b"second")


def declared_too_large(path: Path) -> None:
    """Write an impossible size where the zip's directory declares a member's."""
    data = bytearray(path.read_bytes())
    at = data.rindex(BITSTREAM.encode()) - 46
    assert data[at : at + 4] == b"PK\1\2"
    data[at + 24 : at + 28] = struct.pack("<I", 1 << 31)
    path.write_bytes(data)


def encrypted(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + flags] |= 1
    path.write_bytes(data)


def no_zip(path: Path) -> None:
    path.write_bytes(b"frames")


def absent(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def huge_manifest(path: Path) -> None:
    rezipped(path, members(path) | {MANIFEST: b" " * (LIMITS[MANIFEST] + 1)})


def no_hash(path: Path) -> None:
    given = json.loads(members(path)[MANIFEST])
    del given["sha256"][BITSTREAM]
    rezipped(path, members(path) | {MANIFEST: json.dumps(given).encode()})


def no_text(path: Path) -> None:
    rezipped(path, members(path) | {MANIFEST: b"\xff\xfe{"})


def another_design(path: Path) -> None:
    """The text of another design than the manifest's hash is of."""
    rezipped(path, members(path) | {DESIGN_FILE: design_text(small_design(adc_bits=12)).encode()})


def without_design(path: Path) -> None:
    rezipped(path, {name: content for name, content in members(path).items() if name != DESIGN_FILE})


def without_manifest(path: Path) -> None:
    rezipped(path, {name: content for name, content in members(path).items() if name != MANIFEST})


def without_network(path: Path) -> None:
    rezipped(path, {name: content for name, content in members(path).items() if name != WEIGHTS})


def with_a_topology(path: Path) -> None:
    """A network that is saved with its topology, of a design that names one."""
    rezipped(path, members(path) | {TOPOLOGY: b"{}"})


def damaged_lzma(member: str) -> Callable[[Path], None]:
    """Compress by LZMA, as other programs may, and damage a member behind its header of nine bytes."""

    def spoil(path: Path) -> None:
        contents = members(path)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        changed = bytearray(path.read_bytes())
        begin = changed.find(member.encode()) + len(member) + 9 + 3
        changed[begin] ^= 0xFF
        changed[begin + 1] ^= 0xFF
        path.write_bytes(changed)

    return spoil


def with_a_design(text: bytes, *others: str) -> Callable[[Path], None]:
    """Replace the design and its hash; put other members there that hold the same."""

    def spoil(path: Path) -> None:
        given = json.loads(members(path)[MANIFEST])
        changed = dict.fromkeys((DESIGN_FILE, *others), text)
        given["sha256"] |= dict.fromkeys(changed, hashlib.sha256(text).hexdigest())
        rezipped(path, members(path) | {MANIFEST: json.dumps(given).encode(), **changed})

    return spoil


def real_with_a_network(path: Path) -> None:
    given = json.loads(members(path)[MANIFEST])
    rezipped(path, members(path) | {MANIFEST: json.dumps(given | {"synthetic": False}).encode()})


TEXT = design_text(DESIGN)
NO_CAMERA = b"""[instrument]\nkind = "network-inputs"\n[network]\ntopology = "saved"\nclass_names = ["a", "b"]
[chip]
board = "kv260"\nclock_mhz = 200\nkernel = "rtl"\nsamples_per_clock = 1\ndeadline_ms = 50\n"""
HUGE = design_text(small_design(rows=4096, columns=4096, adc_bits=16)).encode()
SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut": (cut, "this is no bundle, or a damaged one: "),
    "flipped": (flipped, "this is no bundle, or a damaged one: "),
    "another bitstream": (another_bitstream, r"cytogate\.bit is not the file that the manifest names \(SHA-256\)"),
    "another design": (another_design, r"design\.toml is not the file that the manifest names \(SHA-256\)"),
    "no description": (without, r"this bundle must hold .*cytogate\.hwh.*; this file holds "),
    "no design": (without_design, r"a bundle holds a design\.toml; this file holds "),
    "no manifest": (without_manifest, r"a bundle holds a manifest\.json; this file holds "),
    "no network": (without_network, r"this bundle must hold .*network/quantized\.weights\.h5; this file holds "),
    "a topology": (with_a_topology, "this bundle must hold .*; this file holds .*'network/quantized.json'"),
    "a real one with a network": (real_with_a_network, "this bundle must hold .*; this file holds .*weights"),
    "climbing": (climbing, r"this file holds '\.\./evil'"),
    "doubled": (doubled, "this file holds "),
    "declared too large": (declared_too_large, r"cytogate\.bit declares 2147483648 bytes; 134217728 are the most a"),
    "damaged LZMA": (damaged_lzma(BITSTREAM), "this is no bundle, or a damaged one: "),
    "damaged LZMA of the manifest": (damaged_lzma(MANIFEST), "this is no bundle, or a damaged one: "),
    "encrypted": (encrypted, "this is no bundle, or a damaged one: .*encrypted"),
    "no zip": (no_zip, "this is no bundle, or a damaged one: "),
    "absent": (absent, "there is no such file"),
    "a pipe": (pipe, "is a pipe or a device, not a file"),
    "a folder": (folder, "this is no bundle, or a damaged one: "),
    "huge manifest": (huge_manifest, r"manifest\.json declares 65537 bytes; 65536 are the most"),
    "no hash": (no_hash, r"manifest\.json: sha256 must name cytogate\.bit, "),
    "no text": (no_text, r"manifest\.json: 'utf-8' codec"),
    "design of no TOML": (with_a_design(b"[["), r"design\.toml: cannot be read as TOML"),
    "design of bytes": (with_a_design(b"\xff\xfe"), r"design\.toml: is saved as UTF-16"),
    "design with a wrong key": (
        with_a_design(TEXT.replace("adc_bits", "bits").encode()), r"design\.toml: \[instrument\] unknown key 'bits'"
    ),
    "design out of range": (
        with_a_design(TEXT.replace("adc_bits = 8", "adc_bits = 17").encode()), r"design\.toml: .*adc_bits is 17; it"
    ),
    "design without a camera": (with_a_design(NO_CAMERA, TOPOLOGY), "design small has no instrument: its cells come"),
    "frames too large": (with_a_design(HUGE), "frames of one cell have 134217728 bytes .* transfer holds 67108863"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_hostile_bundle_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    spoil, said = SPOILT[name]
    spoil(path)
    out = tmp_path / "out"
    with pytest.raises(InputError, match=said) as refusal:
        read_bundle(path).extract(out)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    # Nothing of a file that is not proved; of the others what was.
    assert held_by(out).items() <= CONTENTS.items()
    assert not (tmp_path / "evil").exists()


def test_a_design_is_proved_before_it_is_used(tmp_path: Path) -> None:
    path = written(tmp_path)
    another_design(path)
    with pytest.raises(InputError, match=r"design\.toml is not the file that the manifest names"):
        read_bundle(path)


BAD_FIELDS: list[tuple[str, object, str]] = [
    ("format", 1, "it is of format 1; this release reads format 2: build the bundle anew"),
    ("format", True, "it is of format True; .*"),
    ("design", "../../etc", "design is '../../etc'; it must be a name of .*"),
    ("design", 7, "design is 7; .*"),
    ("logit_width", 33, "logit_width is 33; .*"),
    ("logit_integer_bits", 65, "logit_integer_bits is 65; .*"),
    ("design_hash", 1 << 32, "design_hash is 4294967296; .*"),
    ("weights_hash", "ab", "weights_hash is 'ab'; it must be 64 hexadecimal digits"),
    ("versions", {"cytogate": "1"}, "versions lacks hls4ml"),
    ("versions", {"cytogate": None, "hls4ml": None, "vivado": None, "vitis": None}, "versions is .*"),
    ("versions", 3, "versions is int; an object with the fields .* is needed"),
    ("synthetic", 1, "synthetic is 1; it must be true or false"),
    ("sha256", {"cytogate.bit": "7"}, "sha256 is .*"),
    ("sha256", [], r"sha256 is \[\]; .*"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "said"), BAD_FIELDS)
def test_a_bad_field_is_named(name: str, value: object, said: str) -> None:
    given = json.loads(small_manifest(DESIGN).text())
    assert name in given
    with pytest.raises(InputError) as refusal:
        parse_manifest(json.dumps(given | {name: value}))
    assert re.fullmatch(said, str(refusal.value))


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Manifest)])
def test_a_missing_field_is_named(name: str) -> None:
    given = json.loads(small_manifest(DESIGN).text())
    del given[name]
    with pytest.raises(InputError, match=f"the manifest lacks {name}"):
        parse_manifest(json.dumps(given))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is no JSON: .*"),
        ("[" * 100_000, "it is no JSON: .*"),
        ("[]", "the manifest is list; an object with the fields .* is needed"),
        ("1" * 5000, "it is no JSON: .*"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_manifest(text)
    assert re.fullmatch(said, str(refusal.value))


def test_an_unknown_field_is_refused() -> None:
    given = json.loads(small_manifest(DESIGN).text())
    with pytest.raises(InputError, match="the manifest has secret, which is no field of it"):
        parse_manifest(json.dumps(given | {"secret": 1}))


def test_a_bundle_for_a_board_carries_no_network(tmp_path: Path) -> None:
    """Whatever the topology: the bitstream has the network in it."""
    for name in (BITSTREAM, DESCRIPTION):
        (tmp_path / name).write_bytes(FILES[name])
    manifest = dataclasses.replace(small_manifest(DESIGN), synthetic=False)
    files = {name: tmp_path / name for name in (BITSTREAM, DESCRIPTION)}
    bundle = read_bundle(write_bundle(tmp_path / "real.zip", manifest, DESIGN, files).path)
    assert sorted(members(bundle.path)) == sorted([MANIFEST, DESIGN_FILE, BITSTREAM, DESCRIPTION])
    with pytest.raises(ValueError, match="a bundle of small has the files"):
        write_bundle(tmp_path / "real.zip", manifest, DESIGN, {**files, WEIGHTS: tmp_path / BITSTREAM})


@pytest.mark.parametrize(("channels", "beat_bytes"), [(1, 8), (3, 32), (8, 64)])
def test_a_layout_has_the_channels_of_the_instrument(channels: int, beat_bytes: int) -> None:
    names = tuple(f"channel {number}" for number in range(channels))
    layout = small_bundle(design=small_design(channels=names, adc_bits=12, samples_per_clock=4)).layout
    # 13 pixels a row in beats of 4, 16 bits a code, a beat a power of two.
    assert layout.frame_bytes == 12 * 4 * beat_bytes


def test_needs_no_numpy(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
sys.modules["numpy"] = None
from cytogate.model.interface.bundle import read_bundle
print(read_bundle(Path(sys.argv[1])).manifest.design)
"""
    command = [sys.executable, "-c", code, str(written(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "small\n", done.stderr
