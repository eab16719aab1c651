"""Bundles: what was written is read, and nothing else gets through."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import (
    BITSTREAM,
    DESCRIPTION,
    LIMITS,
    MANIFEST,
    Manifest,
    parse_manifest,
    read_bundle,
    write_bundle,
)
from tests.boards import small_manifest

CONTENTS = {BITSTREAM: bytes(range(256)) * 5000, DESCRIPTION: b"<EDKSYSTEM/>\n" * 1000}


def written(folder: Path) -> Path:
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    return write_bundle(folder / "bundle.zip", small_manifest(), {name: folder / name for name in CONTENTS}).path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_round_trip(tmp_path: Path) -> None:
    bundle = read_bundle(written(tmp_path))
    assert dataclasses.replace(bundle.manifest, sha256={}) == small_manifest()
    assert set(bundle.manifest.sha256) == set(CONTENTS)
    folder = tmp_path / "out"
    assert bundle.extract(folder) == folder / BITSTREAM
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert sorted(members(bundle.path)) == sorted(LIMITS)


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
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["bundle.zip", *CONTENTS])


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


HOSTILE: dict[Callable[[Path], None], str] = {
    cut: "this is no bundle, or a damaged one: ",
    flipped: "this is no bundle, or a damaged one: ",
    another_bitstream: r"cytogate\.bit is not the file that the manifest names \(SHA-256\)",
    without: r"a bundle holds cytogate\.bit, cytogate\.hwh, manifest\.json; this file holds ",
    climbing: r"this file holds '\.\./evil'",
    doubled: "this file holds ",
    declared_too_large: r"cytogate\.bit declares 2147483648 bytes; 134217728 are the most a bundle may have",
    encrypted: "this is no bundle, or a damaged one: .*encrypted",
    no_zip: "this is no bundle, or a damaged one: ",
    absent: "there is no such file",
    folder: "this is no bundle, or a damaged one: ",
    huge_manifest: r"manifest\.json declares 65537 bytes; 65536 are the most",
    no_hash: r"manifest\.json: sha256 must name cytogate\.bit and cytogate\.hwh",
    no_text: r"manifest\.json: 'utf-8' codec",
}


@pytest.mark.parametrize("spoil", HOSTILE, ids=lambda spoil: spoil.__name__)
def test_a_hostile_bundle_is_refused_in_one_sentence(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = written(tmp_path)
    spoil(path)
    out = tmp_path / "out"
    with pytest.raises(InputError, match=HOSTILE[spoil]) as refusal:
        read_bundle(path).extract(out)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    # Nothing of a file that is not proved; of the others what was.
    left = {each.name: each.read_bytes() for each in out.iterdir()} if out.exists() else {}
    assert left.items() <= CONTENTS.items()
    assert not (tmp_path / "evil").exists()


BAD_FIELDS: list[tuple[str, object, str]] = [
    ("format", 2, "it is of format 2; this release reads format 1"),
    ("format", True, "format is True; it must be 1"),
    ("design", "../../etc", "design is '../../etc'; it must be a name of .*"),
    ("design", 7, "design is 7; .*"),
    ("board", "", "board is ''; .*"),
    ("part", "x" * 101, "part is 'x+'; .*"),
    ("clock_mhz", float("nan"), "clock_mhz is nan; it must be a frequency up to 1000 MHz"),
    ("clock_mhz", float("inf"), "clock_mhz is inf; .*"),
    ("clock_mhz", 0, "clock_mhz is 0; .*"),
    ("clock_mhz", True, "clock_mhz is True; .*"),
    ("clock_mhz", "200", "clock_mhz is '200'; .*"),
    ("kernel", "vhdl", "kernel is 'vhdl'; it must be one of hls, rtl"),
    ("kernel", ["hls"], r"kernel is \['hls'\]; .*"),
    ("width", 3, "width is 3; it must be 1, 2, 4 or 8"),
    ("width", 1.0, r"width is 1\.0; .*"),
    ("size", 0, "size is 0; it must be an integer from 1 to 65536"),
    ("rows", -1, "rows is -1; .*"),
    ("columns", 10**30, "columns is 10+; .*"),
    ("binning", None, "binning is None; .*"),
    ("adc_bits", 12, "adc_bits is 12, more than a lane's 8 bits hold"),
    ("adc_bits", 0, "adc_bits is 0; .*"),
    ("lane_bits", 12, "lane_bits is 12; it must be 8 or 16"),
    ("frame_bytes", 100, "frame_bytes is 100; 12x13 pixels make 624"),
    ("frame_bytes", 1 << 26, "frame_bytes is 67108864; it must be an integer that a DMA transfer of 26 bits holds"),
    ("class_names", "abc", "class_names is 'abc'; it must be a list of different names"),
    ("class_names", [], r"class_names is \(\); .*"),
    ("class_names", ["a", "a"], r"class_names is \('a', 'a'\); .*"),
    ("class_names", ["a", 1], r"class_names is \('a', 1\); .*"),
    ("class_names", ["\x1b[31m"], "class_names is .*"),
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
    given = json.loads(small_manifest().text())
    assert name in given
    with pytest.raises(InputError) as refusal:
        parse_manifest(json.dumps(given | {name: value}))
    assert re.fullmatch(said, str(refusal.value))


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Manifest)])
def test_a_missing_field_is_named(name: str) -> None:
    given = json.loads(small_manifest().text())
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
    given = json.loads(small_manifest().text())
    with pytest.raises(InputError, match="the manifest has secret, which is no field of it"):
        parse_manifest(json.dumps(given | {"secret": 1}))


def test_the_kernel_in_c_takes_one_pixel_a_beat() -> None:
    with pytest.raises(InputError, match="width is 2; the kernel hls takes 1 pixel a beat"):
        dataclasses.replace(small_manifest(width=2), kernel="hls")


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
