"""Missing data is never read as zero, damaged data never as pixels: the cell is named, the others are read."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from cytogate.host.sources.opening import open_source
from cytogate.model.data.own_cells import OwnCells
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files import guard
from cytogate.model.files.frames import open_frames
from cytogate.model.files.images import open_image_set
from tests.streams import small_design

CELLS, SIDE, BAD = 6, 8, 3
TRUTH = np.random.default_rng(0).integers(40, 200, (CELLS, 4, SIDE, SIDE), np.uint8)
ABSENT = "a chunk of frames was never written or is lost"


def group(folder: Path, **kind: object) -> Path:
    """Write a Zarr group in which a cell is two chunks."""
    options = {"chunks": (1, 4, SIDE, SIDE // 2)} | kind
    version = options.pop("zarr_format", 3)
    made = zarr.create_group(folder / "f.zarr", zarr_format=version)  # type: ignore[arg-type]
    made.create_array("frames", data=TRUTH, **options)  # type: ignore[arg-type]
    return folder / "f.zarr"


def chunk_of_the_bad_cell(path: Path) -> Path:
    found = [path / "frames" / name for name in (f"{BAD}.0.0.1", f"c/{BAD}/0/0/1")]
    return next(each for each in found if each.exists())


def zarr_2(folder: Path) -> Path:
    path = group(folder, zarr_format=2)
    chunk_of_the_bad_cell(path).unlink()
    return path


def zarr_3(folder: Path) -> Path:
    path = group(folder)
    chunk_of_the_bad_cell(path).unlink()
    return path


def zarr_in_a_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "f"), "zip", zarr_3(folder)))


def zarr_without_a_shard(folder: Path) -> Path:
    path = group(folder, shards=(1, 4, SIDE, SIDE))
    (path / "frames" / "c" / str(BAD) / "0" / "0" / "0").unlink()
    return path


def zarr_without_a_chunk_of_a_shard(folder: Path) -> Path:
    made = zarr.create_group(folder / "f.zarr")
    kind = {"shape": TRUTH.shape, "dtype": "u1", "chunks": (1, 4, SIDE, SIDE // 2), "shards": (4, 4, SIDE, SIDE)}
    array = made.create_array("frames", **kind)  # type: ignore[arg-type]
    array[...] = TRUTH
    hole = TRUTH.copy()
    hole[BAD, :, :, SIDE // 2 :] = 0
    array[...] = hole
    return folder / "f.zarr"


def hdf5_stopped_in_a_cell(folder: Path) -> Path:
    with h5py.File(folder / "f.h5", "w") as file:
        frames = file.create_dataset("frames", TRUTH.shape, "u1", chunks=(1, 4, SIDE, SIDE // 2), compression="gzip")
        for cell in range(CELLS):
            frames[cell, :, :, : SIDE // 2] = TRUTH[cell, :, :, : SIDE // 2]
            if cell != BAD:
                frames[cell] = TRUTH[cell]
    return folder / "f.h5"


def matlab_stopped_in_a_cell(folder: Path) -> Path:
    path = folder / "f.mat"
    stored = TRUTH.transpose(0, 1, 3, 2)
    with h5py.File(path, "w") as file:
        # In MATLAB (rows, columns, channels, cells).
        frames = file.create_dataset("frames", stored.shape, "u1", chunks=(1, 4, SIDE, SIDE))
        frames.attrs["MATLAB_class"] = np.bytes_("uint8")
        for cell in range(CELLS):
            if cell != BAD:
                frames[cell] = stored[cell]
    return path


def tiff_with_a_strip_that_was_not_written(folder: Path) -> Path:
    """Offset and length of the strip are 0, as GDAL leaves them."""
    path = folder / "f.tif"
    tifffile.imwrite(path, TRUTH.reshape(-1, SIDE, SIDE), photometric="minisblack", metadata=None, rowsperstrip=4)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[4 * BAD + 2].tags  # type: ignore[union-attr]
        for tag in (273, 279):
            tags[tag].overwrite([tags[tag].value[0], 0])
    return path


HOLES = [
    zarr_2, zarr_3, zarr_in_a_zip, zarr_without_a_shard, zarr_without_a_chunk_of_a_shard, hdf5_stopped_in_a_cell,
    matlab_stopped_in_a_cell, tiff_with_a_strip_that_was_not_written,
]  # fmt: skip


@pytest.mark.parametrize("write", HOLES, ids=lambda writer: writer.__name__)
def test_the_cell_that_is_not_all_there_is_named_and_the_others_are_read(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    """1,280 pixels each of a file read as a whole, a cell at a time, and as a stream."""
    path, compared = write(tmp_path), 0
    with open_frames(path, FourAngle()) as file:
        with pytest.raises(InputError, match=rf"^{path}: cell {BAD}: a .* was never written"):
            file.read(0, CELLS)
        assert (file.read(0, BAD) == TRUTH[:BAD]).all()
        assert (file.read(BAD + 1, CELLS) == TRUTH[BAD + 1 :]).all()
    source = open_source(path, small_design(SIDE))
    for number, read in enumerate(source.read({})):
        assert read is not None
        if number == BAD:
            assert read.fault is not None
            assert f"cell {BAD}: a " in read.fault
            assert "was never written" in read.fault
        else:
            assert read.fault is None
            compared += np.count_nonzero(read.frames == TRUTH[number])
    source.close()
    assert compared == (CELLS - 1) * TRUTH[0].size


def test_a_file_of_which_nothing_was_written_is_refused(tmp_path: Path) -> None:
    """Declared, in chunks or in a row, and closed."""
    for number, options in enumerate(({}, {"chunks": (1, 4, SIDE, SIDE)}, {"chunks": True, "compression": "gzip"})):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("frames", TRUTH.shape, "u1", **options)
        with pytest.raises(InputError, match="of which the file holds 0; it was not written to its end"):
            open_frames(path, FourAngle())


def test_no_training_on_a_set_with_a_faulty_cell(tmp_path: Path) -> None:
    """Absent, and empty: the number and the first one are told, before anything is fitted."""
    design = small_design(SIDE)
    made = zarr.open_group(zarr_3(tmp_path), mode="r+")
    made.create_array("labels", data=np.arange(CELLS) % 2 + 1)
    made.attrs["class_names"] = list(design.network.class_names)
    empty = np.full(TRUTH[:1].shape, 7, np.uint8)
    made["frames"][5:6] = empty  # type: ignore[index]
    with pytest.raises(InputError) as refused:
        OwnCells.of(tmp_path / "f.zarr", None, design, None, 0)
    assert f"2 of {CELLS} cells cannot be trained on" in str(refused.value)
    assert f"The first is cell {BAD}: {ABSENT}" in str(refused.value)


def test_an_absent_image_is_not_given_out(tmp_path: Path) -> None:
    """By itself and together with others; the others are."""
    images = TRUTH[:, 0].copy()
    made = zarr.create_group(tmp_path / "f.zarr", attributes={"class_names": ["a", "b"]})
    made.create_array("images", data=images, chunks=(1, SIDE, SIDE))
    made.create_array("labels", data=np.arange(CELLS) % 2)
    (tmp_path / "f.zarr" / "images" / "c" / str(BAD) / "0" / "0").unlink()
    said = f"image {BAD}: a chunk of images was never"
    with open_image_set(tmp_path / "f.zarr") as opened:
        for ask in (lambda: opened.read(np.arange(CELLS)), lambda: opened.image(BAD)):
            with pytest.raises(InputError, match=said):
                ask()
        others = np.delete(np.arange(CELLS), BAD)
        assert (opened.read(others)[..., 0] == images[others]).all()


CODECS = [
    {"zarr_format": 2}, {"zarr_format": 2, "compressors": None}, {"compressors": BloscCodec()},
    {"compressors": BloscCodec(cname="lz4", shuffle="noshuffle")}, {"compressors": GzipCodec()},
    {"compressors": ZstdCodec()}, {"compressors": None}, {"compressors": BloscCodec(), "shards": (2, 4, SIDE, SIDE)},
    {"compressors": None, "shards": (1, 4, SIDE, SIDE)},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CODECS)))
def test_a_chunk_that_is_cut_short_is_never_pixels(number: int, tmp_path: Path) -> None:
    """At every length: an error of the cell, never a value, never the end of the process."""
    path = group(tmp_path, **CODECS[number])
    chunk = next(
        each
        for each in (path / "frames").rglob("*")
        if each.is_file() and each.name not in ("zarr.json", ".zarray", ".zattrs")
    )
    whole = chunk.read_bytes()
    tried = 0
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        chunk.write_bytes(whole[:length])
        with open_frames(path, FourAngle()) as file, pytest.raises(InputError, match=r": cell \d: "):
            file.read(0, CELLS)
        tried += 1
    assert tried >= 40
    chunk.write_bytes(whole)
    with open_frames(path, FourAngle()) as file:
        assert (file.read(0, CELLS) == TRUTH).all()


def test_what_a_codec_declares_is_compared_with_what_is_there(tmp_path: Path) -> None:
    """Sizes in the first bytes of blosc and zstd that were altered."""
    for codec, place in ((BloscCodec(), 4), (BloscCodec(), 12), (ZstdCodec(), 5)):
        shutil.rmtree(tmp_path / "f.zarr", ignore_errors=True)
        chunk = chunk_of_the_bad_cell(group(tmp_path, compressors=codec))
        data = bytearray(chunk.read_bytes())
        for value in (0, data[place] + 1, 255):
            data[place] = value
            chunk.write_bytes(data)
            with open_frames(tmp_path / "f.zarr", FourAngle()) as file:
                with pytest.raises(InputError, match=f"cell {BAD}: a chunk of frames is cut short or damaged: "):
                    file.read(0, CELLS)
                assert (file.read(0, BAD) == TRUTH[:BAD]).all()


def test_packbits_that_are_cut_short_are_no_pixels(tmp_path: Path) -> None:
    """Which tifffile fills up with zeros."""
    path = tmp_path / "f.tif"
    first, *others = [Image.fromarray(page) for page in TRUTH.reshape(-1, SIDE, SIDE)]
    first.save(path, save_all=True, append_images=others, compression="packbits")
    with tifffile.TiffFile(path, mode="r+") as file:
        length = file.pages[4 * BAD].tags[279]  # type: ignore[union-attr]
        length.overwrite(length.value[0] - 9)
    with open_frames(path, FourAngle()) as opened:
        with pytest.raises(InputError, match=rf"cell {BAD}: page {4 * BAD} .* cut short or damaged"):
            opened.read(0, CELLS)
        assert (opened.read(0, BAD) == TRUTH[:BAD]).all()


def test_links_out_of_the_file_or_folder_are_refused(tmp_path: Path) -> None:
    """A chunk of a Zarr, its metadata, a dataset of HDF5 and what MATLAB's texts refer to."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(256)) * 64)
    for name in ("chunk", "zarr.json"):
        folder = tmp_path / name
        folder.mkdir()
        path = group(folder, compressors=None)
        place = chunk_of_the_bad_cell(path) if name == "chunk" else path / "frames" / name
        if name == "zarr.json":
            shutil.copy(place, secret)
        place.unlink()
        place.symlink_to(secret)
        with (
            pytest.raises(InputError, match="outside of the folder; put a copy in its place"),
            open_frames(path, FourAngle()) as file,
        ):
            file.read(0, CELLS)
    with h5py.File(tmp_path / "f.h5", "w") as stored:
        stored.create_dataset("frames", TRUTH.shape, "u1", external=[(str(secret), 0, TRUTH.nbytes)])
    with pytest.raises(InputError, match="frames lies in other files"):
        open_frames(tmp_path / "f.h5", FourAngle())
    with h5py.File(tmp_path / "f.mat", "w") as stored:
        stored["frames"] = TRUTH
        letters = stored.create_dataset("#refs#/0", (1, 8), "u2", external=[(str(secret), 0, 16)])
        letters.attrs["MATLAB_class"] = np.bytes_("char")
        names = stored.create_dataset("class_names", data=np.array([[letters.ref]], h5py.ref_dtype))
        names.attrs["MATLAB_class"] = np.bytes_("cell")
    with pytest.raises(InputError, match="class_names lies in other files"):
        open_frames(tmp_path / "f.mat", FourAngle())


def bomb_in_hdf5(folder: Path) -> Path:
    """A chunk of 1.3 MB that inflates to 1.3 GB."""
    with h5py.File(folder / "f.h5", "w") as file:
        frames = file.create_dataset("frames", TRUTH.shape, "u1", chunks=(1, 4, SIDE, SIDE), compression="gzip")
        frames[...] = TRUTH
        frames.id.write_direct_chunk((BAD, 0, 0, 0), inflating())
    return folder / "f.h5"


def bomb_in_a_zarr(folder: Path) -> Path:
    path = group(folder, compressors=GzipCodec(), chunks=(1, 4, SIDE, SIDE))
    head = gzip.compress(b"")[:10]
    (path / "frames" / "c" / str(BAD) / "0" / "0" / "0").write_bytes(
        head + inflating()[2:-4] + struct.pack("<II", 0, 0)
    )
    return path


def bomb_in_a_tiff(folder: Path) -> Path:
    path, pages = folder / "f.tif", TRUTH.reshape(-1, SIDE, SIDE)
    tifffile.imwrite(path, pages, photometric="minisblack", metadata=None, compression="zlib")
    data = path.read_bytes()
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[4 * BAD].tags  # type: ignore[union-attr]
        tags[273].overwrite(len(data) + 10)
        tags[279].overwrite(len(inflating()))
    with path.open("ab") as stream:
        stream.write(bytes(len(data) + 10 - path.stat().st_size) + inflating())
    return path


@cache
def inflating() -> bytes:
    packer = zlib.compressobj(6)
    return b"".join(packer.compress(bytes(1 << 24)) for _ in range(80)) + packer.flush()


@pytest.mark.parametrize("write", [bomb_in_hdf5, bomb_in_a_zarr, bomb_in_a_tiff], ids=lambda writer: writer.__name__)
def test_what_inflates_without_end_is_ended(write: Callable[[Path], Path], tmp_path: Path) -> None:
    with open_frames(write(tmp_path), FourAngle()) as file:
        with pytest.raises(InputError, match=f"cell {BAD}: "):
            file.read(BAD, BAD + 1)
        assert (file.read(BAD + 1, CELLS) == TRUTH[BAD + 1 :]).all()
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert held < 2 << 30


def test_what_makes_a_library_spin_or_crash_ends_its_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that ends its reader is asked MAX_ENDED times; other open files are opened again and go on."""
    other, ending = tmp_path / "other.npz", tmp_path / "ending.npz"
    for path in (other, ending):
        np.savez(path, frames=TRUTH)
    with open_frames(other, FourAngle()) as file, open_frames(ending, FourAngle()) as damaged:
        asked = 0

        def killed(reader: guard._Reader, question: dict[str, object]) -> dict[str, object]:
            nonlocal asked
            if question["what"] == "read" and question["file"] == damaged.container._number:  # type: ignore[attr-defined]
                asked += 1
                reader._process.kill()
            return ask(reader, question)

        ask = guard._Reader.ask
        monkeypatch.setattr(guard._Reader, "ask", killed)
        for cell in range(CELLS):
            assert (file.read(cell, cell + 1) == TRUTH[cell]).all()
            said = "it ended the process that reads it" if cell < guard.MAX_ENDED else "it has ended 3 processes"
            with pytest.raises(InputError, match=rf"^{ending}: cell {cell}: the file is damaged.*{said}|{said}"):
                damaged.stored(cell, cell + 1)
        assert asked == guard.MAX_ENDED


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(tmp_path: Path) -> None:
    """The reader ends; what it opens again has other cells."""
    path = tmp_path / "f.npz"
    np.savez(path, frames=TRUTH)
    with open_frames(path, FourAngle()) as file:
        file.read(0, 1)
        guard._running().end()
        np.savez(path, frames=TRUTH[:, :, :4])
        with pytest.raises(InputError, match="cell 1: the file was changed while it was read"):
            file.read(1, 2)
