"""Files of no kind that is read: what they are by their first bytes, and how they are converted."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 512
"""A file's first bytes, which tell what it is."""

READ = "HDF5, NPZ, NPY, Zarr, TIFF and MAT files are read"

_PICTURE = (
    "put the frames of all cells into one TIFF stack (ImageJ: File > Import > Image Sequence, then Save As > Tiff)"
)
_MICROSCOPE = (
    "convert it to OME-TIFF with bfconvert of Bio-Formats (bfconvert FILE frames.ome.tif), or in Fiji: "
    "File > Import > Bio-Formats, then Save As > OME-TIFF"
)
_READABLE = f"pip install 'cytogate[microscopes]' brings what reads it, or {_MICROSCOPE}"
_MOVIE = (
    "save its frames as one TIFF stack, in ImageJ (File > Import > Movie) or from the pictures that "
    "`ffmpeg -i FILE -pix_fmt gray frame%06d.tif` writes; a lossy movie is no measurement"
)
_CAMERA = "save its frames as 16-bit TIFF in the camera's own program, or in ImageJ with Bio-Formats"
_ARCHIVE = "unpack it first and name a file in it"
_TABLE = "it holds no pixels; name the file of the frames that it belongs to"
_RAW = (
    "raw pixels are stored with numpy.save('frames.npy', "
    "numpy.fromfile(FILE, 'uint16').reshape(cells, channels, rows, columns))"
)
_SAVED = "read it in Python and store its array with numpy.save('frames.npy', ...)"


@dataclass(frozen=True)
class Kind:
    """Files that begin alike."""

    begins: re.Pattern[bytes]
    name: str
    way: str
    """How such a file is converted."""
    reader: str = ""
    """Module that reads such files where it is installed; see :mod:`~cytogate.model.files.microscope`."""


def _kind(begins: bytes, name: str, way: str, reader: str = "") -> Kind:
    return Kind(re.compile(begins, re.DOTALL), name, way, reader)


KINDS = (
    _kind(rb"\x89PNG\r\n", "a PNG picture", _PICTURE),
    _kind(rb"\xff\xd8\xff", "a JPEG picture", f"{_PICTURE}; JPEG is lossy: better from the original"),
    _kind(rb"GIF8[79]a", "a GIF picture", _PICTURE),
    _kind(rb"BM.{4}\0{4}", "a BMP picture", _PICTURE),
    _kind(rb"P[1-7]\s", "a PNM picture (PGM, PPM)", _PICTURE),
    _kind(rb"RIFF.{4}WEBP", "a WebP picture", _PICTURE),
    _kind(rb"8BPS", "a Photoshop picture", _PICTURE),
    _kind(rb"\0{3}\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture, or an old Nikon ND2", _MICROSCOPE),
    _kind(rb".{4}ftyp(hei|mif1|avif)", "a HEIF or AVIF picture", _PICTURE),
    _kind(rb"SIMPLE  =", "a FITS file", _PICTURE),
    _kind(rb"RIFF.{4}AVI ", "an AVI movie", _MOVIE),
    _kind(rb".{4}(ftyp|moov|mdat|wide|free|skip)", "an MP4 or QuickTime movie", _MOVIE),
    _kind(rb"\x1a\x45\xdf\xa3", "a Matroska or WebM movie", _MOVIE),
    _kind(rb"\0\0\x01[\xba\xb3]", "an MPEG movie", _MOVIE),
    _kind(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media movie", _MOVIE),
    _kind(rb"CI\x2c\0", "a Phantom CINE recording", _CAMERA),
    _kind(rb"\xed\xfe\0\0", "a NorPix SEQ recording", _CAMERA),
    _kind(rb"Andor Technology", "an Andor SIF recording", _CAMERA),
    _kind(rb"ZISRAWFILE", "a Zeiss CZI file", _READABLE, "bioio_czi"),
    _kind(rb"\xda\xce\xbe\x0a", "a Nikon ND2 file", _READABLE, "bioio_nd2"),
    _kind(rb"\x70\0\0\0", "a Leica LIF file", _READABLE, "bioio_lif"),
    _kind(rb"OLYMPUSRAWFORMAT", "an Olympus OIR file", _MICROSCOPE),
    _kind(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file (Olympus OIB, Zeiss ZVI, Office)", _MICROSCOPE),
    _kind(rb"\0{3}[\3\4]\0", "a Gatan DM3 or DM4 file", _MICROSCOPE),
    _kind(rb".{128}DICM", "a DICOM file", _MICROSCOPE),
    _kind(rb"ics_version", "an ICS file", _MICROSCOPE),
    _kind(rb".{208}MAP ", "an MRC file", _MICROSCOPE),
    _kind(rb"NRRD0|.{344}n[+i]1\0", "an NRRD or NIfTI volume", _SAVED),
    _kind(rb"\x0e\x03\x13\x01", "an HDF4 file", "convert it with h4toh5"),
    _kind(rb"CDF[\1\2\5]", "a netCDF 3 file", "convert it to HDF5 with nccopy -k nc4"),
    _kind(rb"TDSm", "a LabVIEW TDMS file (nptdms)", _SAVED),
    _kind(rb"FCS\d\.\d", "an FCS file of events", _TABLE),
    _kind(rb"PAR1|ARROW1|FEA1", "a Parquet or Arrow table", _TABLE),
    _kind(rb"SQLite format 3", "an SQLite database", _TABLE),
    _kind(rb"\x1f\x8b|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd", "a compressed file (gzip, bzip2, xz or zstd)", _ARCHIVE),
    _kind(rb"7z\xbc\xaf\x27\x1c|Rar!|.{257}ustar", "an archive (7z, RAR or tar)", _ARCHIVE),
    _kind(rb"\x80[\2-\5][\x80-\x95}\](c]", "a Python pickle, which is never loaded", _SAVED),
    _kind(rb"%PDF", "a PDF document", _TABLE),
)  # fmt: skip
"""In the order in which they are tried, by the first bytes alone: names of files say anything."""


def kind_of(head: bytes) -> Kind | None:
    """Return what a file is by its first HEAD_BYTES, if that is known."""
    return next((kind for kind in KINDS if kind.begins.match(head)), None)


def foreign(path: Path, head: bytes) -> str:
    """Return one sentence: what a file that is not read is by its first HEAD_BYTES, and what to do."""
    if not head:
        return f"{path}: the file is empty; it was not written yet, or lost in copying"
    kind = kind_of(head)
    if kind is not None:
        return f"{path}: this is {kind.name}; {kind.way}"
    if _is_text(head):
        return f"{path}: this is plain text; {_TABLE}"
    if not head.strip(b"\0"):
        return f"{path}: begins with zeros alone; it was not written to its end, or is of raw pixels: {_RAW}"
    return (
        f"{path}: of no kind that is known, or cut short at its very beginning ({READ}); {_RAW}; "
        "files of a microscope are converted with bfconvert FILE frames.ome.tif (Bio-Formats)"
    )


def _is_text(head: bytes) -> bool:
    """Return whether the first bytes are letters, in UTF-8, UTF-16 or mostly ASCII, and no other."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
    else:
        try:
            # The last letter may be cut.
            text = codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            text = head.decode("latin-1")
            if sum(letter >= "\x80" for letter in text) > len(text) // 4:
                return False
    # A file of pixels may be of letters alone, but not in lines.
    lines = len(head) < HEAD_BYTES or head[:1] in (b"{", b"[", b"<") or "\n" in text or "\r" in text
    return lines and all(letter >= " " or letter in "\t\r\n\f" for letter in text)
