"""Files of no kind that is read are told by what they are, whatever their names, with a way to convert them."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.foreign import HEAD_BYTES, KINDS
from cytogate.model.files.frames import open_frames

PIXELS = np.random.default_rng(0).integers(40, 200, (8, 8), np.uint8)


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("frames.tif"))
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"cell": [1, 2]}), stream)
    return stream.getvalue()


BODY = bytes(range(256)) * 4
FILES = {
    "a PNG picture": picture("PNG"),
    "a JPEG picture": picture("JPEG"),
    "a GIF picture": picture("GIF"),
    "a BMP picture": picture("BMP"),
    "a PNM picture": picture("PPM"),
    "a JPEG 2000 picture": b"\0\0\0\x0cjP  \r\n\x87\n" + BODY,
    "a HEIF or AVIF picture": b"\0\0\0\x1cftypheic" + BODY,
    "a FITS file": b"SIMPLE  =                    T" + b" " * 500,
    "an AVI movie": b"RIFF" + struct.pack("<I", 1000) + b"AVI LIST" + BODY,
    "an MP4 or QuickTime movie": b"\0\0\0\x20ftypisom" + BODY,
    "a Matroska or WebM movie": b"\x1a\x45\xdf\xa3" + BODY,
    "a Phantom CINE recording": b"CI\x2c\0\0\0\1\0" + BODY,
    "a NorPix SEQ recording": b"\xed\xfe\0\0" + "Norpix seq".encode("utf-16-le") + BODY,
    "an Andor SIF recording": b"Andor Technology Multi-Channel File\n" + BODY,
    "a Zeiss CZI file": b"ZISRAWFILE" + bytes(512),
    "a Nikon ND2 file": b"\xda\xce\xbe\x0a" + BODY,
    "a Leica LIF file": b"\x70\0\0\0" + struct.pack("<I", 999) + b"\x2a" + BODY,
    "an OLE file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + BODY,
    "a DICOM file": bytes(128) + b"DICM" + BODY,
    "an MRC file": bytes(208) + b"MAP " + BODY,
    "an NRRD or NIfTI volume": struct.pack("<i", 348) + bytes(340) + b"n+1\0" + BODY,
    "a LabVIEW TDMS file": b"TDSm" + BODY,
    "an FCS file of events": b"FCS3.1    " + BODY,
    "a Parquet or Arrow table": parquet(),
    "an SQLite database": b"SQLite format 3\0" + BODY,
    "a compressed file": gzip.compress(BODY),
    "an archive (7z, RAR or tar)": tar(),
    "an archive (7z": b"7z\xbc\xaf\x27\x1c" + BODY,
    "a Python pickle, which is never loaded": pickle.dumps({"frames": PIXELS}),
    "plain text": b"cell,area\r\n1,2.5\r\n" * 9,
    "plain text;": "Fläche µm\n".encode("utf-16"),
    "plain text; ": "Fläche µm\n".encode(),
    "plain text ; ": "cell;Fläche;Grösse\n".encode("latin-1"),
    "the file is empty": b"",
    "begins with zeros alone; it was not written to its end": bytes(4096),
    "of no kind that is known, or cut short at its very beginning": PIXELS.tobytes() * 20,
    "of no kind that is known": bytes(range(70, 126)) * 20,
}


def refusal(path: Path, **options: bool) -> str:
    with pytest.raises(InputError) as refused, open_frames(path, FourAngle(), **options):
        pass
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("name", ["frames.h5", "frames.tif", "frames.npz", "frames"])
def test_a_file_is_told_by_its_first_bytes_whatever_its_name(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[kind])
    said = refusal(tmp_path / name)
    assert said.removeprefix("this is ").startswith(kind.strip("; "))
    assert refusal(tmp_path / name, images=True) == said
    # Something to do is said of each.
    assert ";" in said


def test_a_zip_file_without_arrays_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "table.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    assert refusal(tmp_path / "table.xlsx").startswith("this is a ZIP archive without arrays of NumPy (it holds [Con")


def test_no_kind_hides_another() -> None:
    """Each of the files is the one kind that it is said to be, and every kind has a way to convert it."""
    for kind, data in FILES.items():
        found = [each.name for each in KINDS if each.begins.match(data[:HEAD_BYTES])]
        assert found[:1] == [] or found[0].startswith(kind.split(";")[0]), kind
    assert all(each.way for each in KINDS)
