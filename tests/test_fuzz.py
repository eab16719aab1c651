"""Files of every kind with bytes changed at random, seeded: a sentence or cells, and nothing else ever.

``CYTOGATE_FUZZ`` is the number of files that the long series tries over all kinds, 100,000 if it is not set.
"""

from __future__ import annotations

import os
import shutil
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from zarr.codecs import BloscCodec, GzipCodec

from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files import guard
from cytogate.model.files.frames import open_frames
from tests import test_containers as containers
from tests.test_containers import CELLS, LABELS, NAMES, SIDE, TRUTH

SHORT, LONG = 600, int(os.environ.get("CYTOGATE_FUZZ", "100_000"))
"""Files over all kinds."""
SECONDS = 10.0
"""Of computing, the most that a file may take."""


def npz_with_labels(folder: Path) -> Path:
    np.savez_compressed(folder / "f.npz", frames=TRUTH, labels=LABELS, class_names=NAMES)
    return folder / "f.npz"


def npz_of_other_compressions(folder: Path) -> Path:
    np.savez(folder / "f.npz", frames=TRUTH, labels=LABELS)
    with zipfile.ZipFile(folder / "f.npz") as plain, zipfile.ZipFile(folder / "g.npz", "w") as packed:
        for name, kind in (("frames.npy", zipfile.ZIP_LZMA), ("labels.npy", zipfile.ZIP_BZIP2)):
            packed.writestr(name, plain.read(name), kind)
    (folder / "f.npz").unlink()
    return folder / "g.npz"


def hdf5_of(**options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "f.h5", "w", libver=options.get("libver")) as file:
            chosen = {name: value for name, value in options.items() if name != "libver"}
            file.create_dataset("frames", data=TRUTH, chunks=(1, 4, SIDE, SIDE), **chosen)
            file["labels"], file["class_names"] = LABELS, list(NAMES)
            file.attrs["simulated"] = True
        return folder / "f.h5"

    return write


def tiff_of(**options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        return containers.tiff(folder / "f.tif", TRUTH.reshape(-1, SIDE, SIDE), metadata=None, **options)

    return write


def zarr_of(**options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        version = options.get("zarr_format", 3)
        group = zarr.create_group(folder / "f.zarr", zarr_format=version)  # type: ignore[arg-type]
        chosen = {name: value for name, value in options.items() if name != "zarr_format"}
        group.create_array("frames", data=TRUTH, chunks=(2, 4, SIDE, SIDE), **chosen)  # type: ignore[arg-type]
        group.create_array("labels", data=np.array(LABELS))
        group.attrs["class_names"] = list(NAMES)
        return folder / "f.zarr"

    return write


def pictures(folder: Path) -> Path:
    (folder / "set").mkdir()
    for number, page in enumerate(TRUTH[:3, 0]):
        Image.fromarray(page).save(folder / "set" / f"{number}.{('png', 'jpg', 'bmp')[number]}")
    tifffile.imwrite(folder / "set" / "3.tif", TRUTH[3, 0], photometric="minisblack", compression="zlib")
    return folder / "set"


KINDS: dict[str, Callable[[Path], Path]] = {
    **{writer.__name__: writer for writer in containers.WRITERS},
    "npz_with_labels": npz_with_labels,
    "npz_of_other_compressions": npz_of_other_compressions,
    "hdf5_gzip": hdf5_of(compression="gzip"),
    "hdf5_lzf": hdf5_of(compression="lzf", shuffle=True, fletcher32=True),
    "hdf5_latest": hdf5_of(libver="latest", compression="gzip"),
    "tiff_deflate": tiff_of(compression="zlib"),
    "tiff_strips": tiff_of(compression="zlib", predictor=2, rowsperstrip=3),
    "tiff_tiles": tiff_of(tile=(16, 16)),
    "tiff_big": tiff_of(bigtiff=True, byteorder=">"),
    "zarr_gzip": zarr_of(compressors=GzipCodec()),
    "zarr_blosc": zarr_of(compressors=BloscCodec()),
    "zarr_2_blosc": zarr_of(zarr_format=2),
    "zarr_plain": zarr_of(compressors=None),
    "zarr_shards": zarr_of(shards=(4, 4, SIDE, SIDE)),
    "pictures": pictures,
}

NUMBERS = [b"\0" * 8, b"\xff" * 8, b"\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x01\0\0\0"]


def mutated(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Change one to six places: bits, numbers, lengths, parts cut out, doubled, or of another file."""
    changed = bytearray(data or b"\0")
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        size = len(changed)
        # Half of all changes where headers are.
        place = int(rng.integers(size if rng.random() < 0.5 else min(size, 500)))
        how = rng.integers(8)
        if how == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif how == 1:
            changed[place] = int(rng.integers(256))
        elif how == 2:
            del changed[max(1, int(rng.integers(size))) :]
        elif how == 3 and size > 64:
            del changed[place : place + int(rng.integers(1, 64))]
        elif how == 4:
            number = NUMBERS[int(rng.integers(len(NUMBERS)))]
            changed[place : place + len(number)] = number
        elif how == 5 and size > 8:
            place = min(place, size - 8)
            kind = ["<I", ">I", "<H", ">H", "<Q", ">Q"][int(rng.integers(6))]
            (value,) = struct.unpack_from(kind, changed, place)
            value = [value + 1, value - 1, value * 2, value << 8, value << 16, 0, -1][int(rng.integers(7))]
            struct.pack_into(kind, changed, place, value % (1 << 8 * struct.calcsize(kind)))
        elif how == 6:
            changed[place:place] = changed[place : place + int(rng.integers(1, 300))]
        elif len(other):
            begin = int(rng.integers(len(other)))
            changed[place : place + 50] = other[begin : begin + int(rng.integers(1, 200))]
    return bytes(changed)


def reader_state() -> tuple[int, float, int]:
    """Return the reader's process, the seconds it has computed and the most bytes it has held."""
    reader = guard._reader
    if reader is None:
        return 0, 0.0, 0
    process = reader._process.pid
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    held = next(
        int(line.split()[1]) << 10
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
        if line.startswith("VmHWM")
    )
    return process, seconds, held


def read_all(path: Path) -> int:
    """Read all cells, as a stream does; return how many could be read."""
    whole = 0
    try:
        with open_frames(path, CAMERA if path.is_dir() and path.name == "set" else FourAngle(), images=True) as file:
            # Their number is the file's word.
            for cell in range(min(file.cells, 2 * CELLS)):
                try:
                    whole += file.stored(cell, cell + 1).ndim == 4
                except InputError as error:
                    assert str(error).startswith(str(path)), error  # noqa: PT017
    except InputError as error:
        said = str(error)
        assert said.startswith(str(path)), said
        assert "\n" not in said
    return whole


CAMERA = containers.Camera(("a",))


def series(write: Callable[[Path], Path], folder: Path, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = write(folder)
    places = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    stored = [place.read_bytes() for place in places]
    assert read_all(path), "the file itself is read"
    for number in range(count):
        chosen = int(rng.integers(len(places)))
        places[chosen].write_bytes(mutated(stored[chosen], rng, stored[int(rng.integers(len(stored)))]))
        before, began = reader_state(), time.process_time()
        read_all(path)
        process, seconds, held = reader_state()
        spent = time.process_time() - began + seconds - (before[1] if process == before[0] else 0)
        if spent > SECONDS or held > guard.READER_BYTES:
            shutil.copy(places[chosen], Path(folder).parent / f"found-{number}")
        assert spent < SECONDS, number
        assert held < guard.READER_BYTES, number
        places[chosen].write_bytes(stored[chosen])


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_end_in_a_sentence(kind: str, tmp_path: Path) -> None:
    series(KINDS[kind], tmp_path, SHORT // len(KINDS), seed=0)


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_end_in_a_sentence_100_000_times(kind: str, tmp_path: Path) -> None:
    series(KINDS[kind], tmp_path, -(-LONG // len(KINDS)), seed=1)
