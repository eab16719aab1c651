"""One truth, written in every container and every order of axes that users have: equal pixels, or a clear refusal."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
import subprocess
import sys
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.sparse
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from cytogate.host.sources.opening import open_source
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files import npy as npy_module
from cytogate.model.files import tiff as tiff_module
from cytogate.model.files.frames import open_frames
from cytogate.model.files.hdf5 import open_hdf5
from cytogate.model.files.images import open_image_set
from cytogate.model.files.labels import translated
from cytogate.model.files.opening import parsed
from tests.streams import small_design

CELLS, SIDE = 6, 8
TRUTH = np.random.default_rng(0).integers(40, 200, (CELLS, 4, SIDE, SIDE), np.uint8)
"""Cells, channels, rows and columns; no two pixels of an order that was mistaken would agree everywhere."""
LABELS, NAMES = [2, 0, 1, 1, 0, 2], ("MCF7", "OAC", "THP1")


@dataclass(frozen=True)
class Camera:
    """An instrument of some channels."""

    channels: tuple[str, ...]
    adc_bits: int = 8


def tiff(path: Path, pages: NDArray, **options: object) -> Path:
    tifffile.imwrite(path, np.ascontiguousarray(pages), **({"photometric": "minisblack"} | options))  # type: ignore[arg-type]
    return path


def pages_in_a_row(folder: Path) -> Path:
    return tiff(folder / "f.tif", TRUTH.reshape(-1, SIDE, SIDE), metadata=None)


def pages_with_white_as_zero(folder: Path) -> Path:
    return tiff(folder / "f.tif", 255 - TRUTH.reshape(-1, SIDE, SIDE), metadata=None, photometric="miniswhite")


def pages_written_one_by_one(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "f.tif") as file:
        for page in TRUTH.reshape(-1, SIDE, SIDE):
            file.write(page, photometric="minisblack")
    return folder / "f.tif"


def tiff_that_declares_its_shape(folder: Path) -> Path:
    return tiff(folder / "f.tif", TRUTH)


def tiff_that_declares_its_axes(folder: Path) -> Path:
    return tiff(folder / "f.tif", TRUTH.swapaxes(0, 1), metadata={"axes": "CTYX"})


def tiff_a_block_a_cell(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "f.tif") as file:
        for cell in TRUTH:
            file.write(cell, photometric="minisblack", metadata={"axes": "CYX"})
    return folder / "f.tif"


def imagej_hyperstack(folder: Path) -> Path:
    return tiff(folder / "f.tif", TRUTH, imagej=True, metadata={"axes": "TCYX"})


def imagej_stack(folder: Path) -> Path:
    return tiff(folder / "f.tif", TRUTH.reshape(-1, SIDE, SIDE), imagej=True)


def imagej_beyond_4_gb(folder: Path) -> Path:
    """One entry for all pages, here in small: the chain of pages ends behind the first one."""
    path = imagej_hyperstack(folder)
    data = bytearray(path.read_bytes())
    order = "<" if data[:2] == b"II" else ">"
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (tags,) = struct.unpack_from(f"{order}H", data, first)
    struct.pack_into(f"{order}I", data, first + 2 + 12 * tags, 0)
    path.write_bytes(data)
    return path


def ome_channels_fastest(folder: Path) -> Path:
    return tiff(folder / "f.ome.tif", TRUTH, ome=True, metadata={"axes": "TCYX"})


def ome_channels_slowest(folder: Path) -> Path:
    return tiff(folder / "f.ome.tif", TRUTH.swapaxes(0, 1), ome=True, metadata={"axes": "CTYX"})


def ome_cells_as_planes(folder: Path) -> Path:
    return tiff(folder / "f.ome.tif", TRUTH.swapaxes(0, 1)[None], ome=True, metadata={"axes": "TCZYX"})


def ome_an_image_a_cell(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "f.ome.tif", ome=True) as file:
        for cell in TRUTH:
            file.write(cell, photometric="minisblack", metadata={"axes": "CYX"})
    return folder / "f.ome.tif"


def ome_with_a_smaller_copy(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "f.ome.tif", ome=True) as file:
        file.write(TRUTH, subifds=1, photometric="minisblack", metadata={"axes": "TCYX"})
        file.write(TRUTH[..., ::2, ::2], subfiletype=1, photometric="minisblack")
    return folder / "f.ome.tif"


def pages_behind_a_preview(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "f.tif", bigtiff=True, byteorder=">") as file:
        file.write(TRUTH[0, 0, ::2, ::2], photometric="minisblack", subfiletype=1, metadata=None)
        for number, page in enumerate(TRUTH.reshape(-1, SIDE, SIDE)):
            file.write(page, photometric="minisblack", metadata=None)
            if number == 9:
                # As programs said it before 1995.
                old = [(255, 3, 1, 2, True)]
                file.write(page[::2], photometric="minisblack", metadata=None, extratags=old)
    return folder / "f.tif"


def npz(folder: Path) -> Path:
    np.savez(folder / "f.npz", frames=TRUTH)
    return folder / "f.npz"


def hdf5(folder: Path) -> Path:
    with h5py.File(folder / "f.h5", "w") as file:
        file["frames"] = TRUTH
    return folder / "f.h5"


def matlab(folder: Path, as_its_user_sees_it: NDArray = TRUTH, names: bool = False) -> Path:
    """MATLAB's -v7.3: a block of its own in front, axes in the other direction, names as a cell array."""
    path = folder / "f.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["frames"] = as_its_user_sees_it.T
        file["frames"].attrs["MATLAB_class"] = np.bytes_("uint8")
        file["labels"] = np.array([LABELS], float)
        file["labels"].attrs["MATLAB_class"] = np.bytes_("double")
        for number, name in enumerate(NAMES if names else ()):
            letters = file.create_dataset(f"#refs#/{number}", data=np.array([[ord(each)] for each in name], np.uint16))
            letters.attrs["MATLAB_class"] = np.bytes_("char")
        if names:
            cell = [[file[f"#refs#/{number}"].ref] for number in range(len(NAMES))]
            file.create_dataset("class_names", data=np.array(cell, h5py.ref_dtype)).attrs["MATLAB_class"] = np.bytes_(
                "cell"
            )
    with path.open("r+b") as block:
        block.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\x02IM")
    return path


def matlab_cells_last(folder: Path) -> Path:
    return matlab(folder, TRUTH.transpose(2, 3, 1, 0))


def npz_in_fortrans_order(folder: Path) -> Path:
    np.savez_compressed(folder / "f.npz", frames=np.asfortranarray(TRUTH))
    return folder / "f.npz"


def npz_without_a_name(folder: Path) -> Path:
    np.savez(folder / "f.npz", TRUTH)
    return folder / "f.npz"


def npy(folder: Path) -> Path:
    np.save(folder / "f.npy", TRUTH)
    return folder / "f.npy"


def npy_in_fortrans_order(folder: Path) -> Path:
    np.save(folder / "f.npy", np.asfortranarray(TRUTH.astype(">u2")))
    return folder / "f.npy"


def mat_5(folder: Path, compress: bool = True, **variables: object) -> Path:
    savemat(folder / "f.mat", variables or {"frames": TRUTH}, do_compression=compress)
    return folder / "f.mat"


def mat_5_cells_last(folder: Path) -> Path:
    return mat_5(folder, False, title="of the run", frames=TRUTH.transpose(2, 3, 1, 0).astype(np.uint16))


def zarr_2(folder: Path) -> Path:
    group = zarr.create_group(folder / "f.zarr", zarr_format=2)
    group.create_array("frames", data=TRUTH.astype(">u2"), chunks=(4, 4, SIDE, 5), order="F")
    return folder / "f.zarr"


def zarr_3(folder: Path) -> Path:
    zarr.create_group(folder / "f.zarr").create_array("frames", data=TRUTH, chunks=(1, 4, SIDE, SIDE))
    return folder / "f.zarr"


def zarr_alone(folder: Path) -> Path:
    zarr.create_array(folder / "f.zarr", data=TRUTH, chunks=(1, 4, SIDE, SIDE), shards=(4, 4, SIDE, SIDE))
    return folder / "f.zarr"


def zarr_in_a_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "f"), "zip", zarr_3(folder)))


def ome_zarr(folder: Path) -> Path:
    group = zarr.create_group(folder / "f.zarr", zarr_format=2)
    group.create_array("0", data=TRUTH.swapaxes(0, 1)[:, :, None], chunks=(1, 1, 1, SIDE, SIDE))
    axes = [{"name": name} for name in "ctzyx"]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]
    return folder / "f.zarr"


WRITERS = [
    pages_in_a_row, pages_with_white_as_zero, pages_written_one_by_one, tiff_that_declares_its_shape,
    tiff_that_declares_its_axes, tiff_a_block_a_cell, imagej_hyperstack, imagej_stack, imagej_beyond_4_gb,
    pages_behind_a_preview,
    ome_channels_fastest, ome_channels_slowest, ome_cells_as_planes, ome_an_image_a_cell, ome_with_a_smaller_copy,
    npz, npz_in_fortrans_order, npz_without_a_name, npy, npy_in_fortrans_order, hdf5, matlab, matlab_cells_last,
    mat_5, mat_5_cells_last, zarr_2, zarr_3, zarr_alone, zarr_in_a_zip, ome_zarr,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITERS, ids=lambda writer: writer.__name__)
def test_one_truth_in_every_order(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """1,536 pixels, whole and cell by cell, as ``csim`` reads them and as a stream does."""
    path, compared = write(tmp_path), 0
    with open_frames(path, FourAngle()) as file:
        assert file.shape == TRUTH.shape
        whole = file.read(0, CELLS)
        compared += np.count_nonzero(whole == TRUTH)
        for cell in (5, 2):
            compared += np.count_nonzero(file.read(cell, cell + 1) == TRUTH[cell])
    if file.labels is None:
        source = open_source(path, small_design(SIDE))
        for number, read in enumerate(source.read({})):
            assert read is not None
            assert read.fault is None
            compared += np.count_nonzero(read.frames == TRUTH[number])
        source.close()
    assert compared == TRUTH.size + 2 * TRUTH[0].size + (TRUTH.size if file.labels is None else 0)


def refusal(
    path: Path,
    camera: Camera | FourAngle = FourAngle(),  # noqa: B008
    images: bool = False,
    dataset: str | None = None,
) -> str:
    with pytest.raises(InputError) as refused, open_frames(path, camera, images, dataset) as file:
        file.read(0, file.cells)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


def test_an_order_that_is_declared_and_not_that_of_frames_is_refused(tmp_path: Path) -> None:
    """Declared by a shape, by letters, by MATLAB: what cannot be told is not guessed."""
    assert "store numpy.swapaxes(frames, 0, 1)" in refusal(tiff(tmp_path / "shape.tif", TRUTH.swapaxes(0, 1)))
    for number, (axes, pages) in enumerate([
        ("TZYX", TRUTH), ("TCYX", TRUTH[:, :3]), ("TYX", TRUTH.reshape(-1, SIDE, SIDE)), ("TZCYX", TRUTH[None]),
        ("TZCYX", np.stack([TRUTH, TRUTH])),
    ]):  # fmt: skip
        path = tiff(tmp_path / f"{number}.ome.tif", pages, ome=True, metadata={"axes": axes})
        if axes == "TZCYX" and len(pages) == 1:
            # Six planes of four channels are cells.
            with open_frames(path, FourAngle()) as file:
                assert (file.read(0, CELLS) == TRUTH).all()
        else:
            assert "are not 4 channels (C) of cells" in refusal(path)
    assert "in MATLAB are neither (cells, 4, rows, columns) nor" in refusal(matlab(tmp_path, TRUTH[:, :, 0]))
    assert "may be both" in refusal(matlab(tmp_path, TRUTH[:, :, :4]))


def test_what_a_tiff_says_of_its_pixels_and_is_not_followed_is_refused(tmp_path: Path) -> None:
    rows = TRUTH.reshape(-1, SIDE, SIDE)
    palette = np.zeros((3, 256), np.uint16)
    assert "PALETTE" in refusal(tiff(tmp_path / "a.tif", rows, photometric="palette", colormap=palette))
    turned = tiff(tmp_path / "b.tif", rows, metadata=None, extratags=[(274, 3, 1, 6, True)])
    assert "turned or mirrored (tag Orientation)" in refusal(turned)
    white = tiff(tmp_path / "c.tif", rows.astype(np.float32), metadata=None, photometric="miniswhite")
    assert "the highest value of float32 pixels is black" in refusal(white)
    pictures = [Image.fromarray(page) for page in rows]
    pictures[0].save(tmp_path / "e.tif", save_all=True, append_images=pictures[1:], compression="packbits")
    with open_frames(tmp_path / "e.tif", FourAngle()) as file:
        assert (file.read(0, CELLS) == TRUTH).all()
    # Two images of different size: a preview, which is passed over only where it says that it is one.
    with tifffile.TiffWriter(tmp_path / "g.tif") as two:
        two.write(TRUTH, photometric="minisblack")
        two.write(TRUTH[..., ::2, ::2], photometric="minisblack")
    assert "image 1 is uint8 of shape (6, 4, 4, 4), unlike image 0" in refusal(tmp_path / "g.tif")


CODED = {"tiff_lzw": "LZW", "zstd": "Zstandard"}


@pytest.mark.parametrize("compression", CODED)
def test_a_tiff_whose_decoder_is_an_extra(compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read where imagecodecs is installed; without it, one sentence says how it is had."""
    pictures = [Image.fromarray(page) for page in TRUTH.reshape(-1, SIDE, SIDE)]
    path = tmp_path / "f.tif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], compression=compression)
    if tiff_module.has_codecs():
        with open_frames(path, FourAngle()) as file:
            assert (file.read(0, CELLS) == TRUTH).all()
    monkeypatch.setattr(tiff_module, "has_codecs", lambda: False)
    said = (
        f"pages are compressed with {CODED[compression]}, whose decoder is missing: pip install 'cytogate[codecs]'; or"
    )
    with pytest.raises(InputError) as refused:
        parsed(path)
    assert said in str(refused.value)


def test_compressions_that_lose_or_are_a_vendors_own(tmp_path: Path) -> None:
    pictures = [Image.fromarray(page) for page in TRUTH.reshape(-1, SIDE, SIDE)]
    path = tmp_path / "f.tif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], compression="jpeg")
    assert "compressed with JPEG, which may be lossy: its pixels are not those of the camera" in refusal(path)
    plain = bytearray(tiff(tmp_path / "g.tif", TRUTH[0, 0], metadata=None, byteorder="<").read_bytes())
    at = plain.index(struct.pack("<HHII", 259, 3, 1, 1)) + 8
    for code, said in (
        (30817, "this is a file of an Amnis cytometer"), (30818, "export its images as raw 16-bit TIFF in IDEAS"),
        (34887, "compressed with scheme 34887, which is not read; save it"),
    ):  # fmt: skip
        plain[at : at + 4] = struct.pack("<I", code)
        (tmp_path / "g.tif").write_bytes(plain)
        assert said in refusal(tmp_path / "g.tif")


def filtered(path: Path, code: int) -> Path:
    """A dataset that says that its chunks went through a filter."""
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((1, 4, SIDE, SIDE))
        settings.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (0, 2))
        space = h5py.h5s.create_simple(TRUTH.shape)
        data = h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT8, space, settings)
        for cell in range(CELLS):
            data.write_direct_chunk((cell, 0, 0, 0), TRUTH[cell].tobytes(), filter_mask=1)
    return path


def test_an_hdf5_filter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its chunks were stored without it, which its list of filters does not say."""
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code < 256)
    for code, said in (
        (32008, "dataset frames is compressed by bitshuffle (filter 32008); its decoder is missing: pip install"),
        (32001, "compressed by Blosc (filter 32001); its decoder is missing: pip install 'cytogate[codecs]'"),
        (32013, "compressed by ZFP (filter 32013), which is lossy; store it with gzip"),
        (40000, "compressed by unknown (filter 40000); which is not read; store it with gzip"),
    ):
        # Here, where what is installed is not seen; not in the process that parses.
        with pytest.raises(InputError) as refused:
            parsed(filtered(tmp_path / f"{code}.h5", code)).array("frames")
        assert said in str(refused.value)


def test_hdf5_filters_of_an_extra_are_read_where_it_is_installed(tmp_path: Path) -> None:
    path = filtered(tmp_path / "f.h5", 32008)
    if importlib.util.find_spec("hdf5plugin") is None:
        assert "(filter 32008); its decoder is missing" in refusal(path)
    else:
        with open_frames(path, FourAngle()) as file:
            assert (file.read(0, CELLS) == TRUTH).all()


def packed_tiff(path: Path, pages: NDArray[np.uint16], bits: int, white_is_zero: bool = False) -> Path:
    """Write pages (pages, rows, columns) of so many bits a pixel, rows from a byte on, as some cameras' programs do."""
    stored, table = bytearray(b"II*\0" + bytes(4)), 4
    for page in pages:
        rows = (np.packbits((page[..., None] >> np.arange(bits)[::-1] & 1).reshape(len(page), -1), axis=1)).tobytes()
        tags = [
            (256, 3, page.shape[1]), (257, 3, page.shape[0]), (258, 3, bits), (259, 3, 1),
            (262, 3, int(not white_is_zero)), (273, 4, len(stored)), (277, 3, 1), (278, 3, len(page)),
            (279, 4, len(rows)),
        ]  # fmt: skip
        stored += rows + bytes(len(rows) % 2)
        stored[table : table + 4] = struct.pack("<I", len(stored))
        stored += struct.pack("<H", len(tags))
        stored += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags) + bytes(4)
        table = len(stored) - 4
    path.write_bytes(stored)
    return path


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize(("bits", "columns"), [(12, 8), (10, 8), (14, 7), (12, 7)])
def test_packed_pixels_are_unpacked_or_refused_with_what_to_do(
    bits: int, columns: int, white_is_zero: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = np.random.default_rng(1).integers(0, 1 << bits, (12, 6, columns), np.uint16)
    path = packed_tiff(tmp_path / "f.tif", codes, bits, white_is_zero)
    with open_frames(path, FourAngle(adc_bits=bits)) as file:
        light = (1 << bits) - 1 - codes if white_is_zero else codes
        assert np.array_equal(file.stored(0, 3), light.reshape(3, 4, 6, columns))
    # The last page's pixels lie before its table, and the file must not end before them.
    cut = packed_tiff(tmp_path / "cut.tif", codes[:4], bits)
    content = bytearray(cut.read_bytes())
    count = struct.pack("<HHII", 279, 4, 1, -(-columns * bits // 8) * 6)
    assert content.count(count) == 4
    cut.write_bytes(content.replace(count, struct.pack("<HHII", 279, 4, 1, 20)))
    assert "it is cut short or damaged" in refusal(cut, FourAngle(adc_bits=bits))
    monkeypatch.setattr(tiff_module, "has_codecs", lambda: False)
    with pytest.raises(InputError) as refused:
        parsed(path)
    said = str(refused.value)
    assert f"pixels of {bits} bits are packed; save the file with 16 bits" in said
    assert said.endswith("or install what unpacks them: pip install 'cytogate[codecs]'")


def test_planes_in_other_files_are_refused(tmp_path: Path) -> None:
    """An OME-TIFF of which half the planes are in a second file, as programs split at 4 GB."""
    ids = [uuid.UUID(int=number) for number in (1, 2)]
    planes = "".join(
        f'<TiffData FirstT="{t}" FirstC="{c}" FirstZ="0" IFD="{t % 3 * 4 + c}" PlaneCount="1">'
        f'<UUID FileName="{"ab"[t // 3]}.ome.tif">urn:uuid:{ids[t // 3]}</UUID></TiffData>'
        for t in range(CELLS)
        for c in range(4)
    )
    for number, name in enumerate("ab"):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{ids[number]}">'
            f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{SIDE}" '
            f'SizeY="{SIDE}" SizeC="4" SizeZ="1" SizeT="{CELLS}">{planes}</Pixels></Image></OME>'
        )
        half = TRUTH[3 * number : 3 * number + 3].reshape(-1, SIDE, SIDE)
        tiff(tmp_path / f"{name}.ome.tif", half, description=xml, metadata=None)
        assert "its other pages lie in other files: save it as one file" in refusal(tmp_path / f"{name}.ome.tif")


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_any_number_of_channels(channels: int, tmp_path: Path) -> None:
    """Frames and images of 1 to 8 channels, in each container and order, are the same cells."""
    camera = Camera(tuple("abcdefgh"[:channels]))
    truth = np.random.default_rng(2).integers(40, 200, (5, channels, 6, 9), np.uint8)
    last = np.moveaxis(truth, 1, -1)
    np.savez(tmp_path / "frames.npz", frames=truth)
    np.savez(tmp_path / "images.npz", images=last)
    with h5py.File(tmp_path / "images.mat", "w") as file:
        file["images"] = last.transpose(1, 2, 3, 0).T
        file["images"].attrs["MATLAB_class"] = np.bytes_("uint8")
    zarr.create_group(tmp_path / "images.zarr").create_array("images", data=last, chunks=(2, 6, 9, channels))
    tiff(tmp_path / "rows.tif", truth.reshape(-1, 6, 9), metadata=None)
    tiff(tmp_path / "c.ome.tif", truth.swapaxes(0, 1), ome=True, metadata={"axes": "CTYX"})
    paths = [
        tmp_path / name for name in ("frames.npz", "images.npz", "images.mat", "images.zarr", "rows.tif", "c.ome.tif")
    ]
    if channels == 1:
        np.savez(tmp_path / "flat.npz", frames=truth[:, 0])
        np.savez(tmp_path / "flat_images.npz", images=truth[:, 0])
        paths += [tmp_path / "flat.npz", tmp_path / "flat_images.npz"]
    if channels in (1, 3):
        (tmp_path / "pictures").mkdir()
        for number, image in enumerate(last):
            Image.fromarray(image[..., 0] if channels == 1 else image).save(tmp_path / "pictures" / f"{number}.png")
        paths += [tmp_path / "pictures"]
    if channels == 3:
        paths += [tiff(tmp_path / "rgb.tif", last, photometric="rgb", metadata=None)]
        paths += [tiff(tmp_path / "planar.tif", truth, photometric="rgb", planarconfig="separate", metadata=None)]
    compared = 0
    for path in paths:
        with open_frames(path, camera, images=True) as opened:
            assert opened.shape == truth.shape, path
            compared += np.count_nonzero(opened.read(0, 5) == truth)
            compared += np.count_nonzero(opened.stored(3, 4) == truth[3:4])
    assert compared == len(paths) * truth.size * 6 // 5
    assert "holds no array named frames, but images" in refusal(tmp_path / "images.npz", camera)
    assert f"(cells, {channels}, rows, columns)" in refusal(npz(tmp_path), camera)


def written(path: Path, kind: str, members: dict[str, list]) -> Path:
    """Frames with labels and the like, as arrays or beside them."""
    if kind == "npz":
        with path.open("wb") as stream:
            np.savez(stream, frames=TRUTH, **{name: np.array(values) for name, values in members.items()})
    elif kind == "tiff":
        described = json.dumps(members)
        tiff(path, TRUTH.reshape(-1, SIDE, SIDE), metadata=None, description=described)
    elif kind == "zarr":
        group = zarr.create_group(path, attributes=members)
        group.create_array("frames", data=TRUTH)
    else:
        with h5py.File(path, "w") as file:
            file["frames"] = TRUTH
            for name, values in members.items():
                if kind == "attributes":
                    file.attrs[name] = values
                else:
                    file[name] = np.array(values, "S") if isinstance(values[0], str) else np.array(values)
    return path


@pytest.mark.parametrize("kind", ["npz", "tiff", "zarr", "datasets", "attributes"])
def test_labels_names_and_groups_wherever_they_stand(kind: str, tmp_path: Path) -> None:
    """As numbers and as names, arrays and attributes: the same classes of the same cells."""
    due = [NAMES[label] for label in LABELS]
    turned = {"labels": [2 - label for label in LABELS], "class_names": list(NAMES[::-1])}
    compared = 0
    for number, (members, groups) in enumerate([
        ({"labels": LABELS, "class_names": list(NAMES), "groups": [7, 7, 7, 8, 8, 9]}, [7, 7, 7, 8, 8, 9]),
        (turned | {"groups": list("aabbcc")}, list("aabbcc")),
        ({"labels": due}, None),
        (turned | {"labels": due}, None),
    ]):  # fmt: skip
        with open_frames(written(tmp_path / str(number), kind, members), FourAngle()) as file:
            labels = translated(file.container, file.found, ("THP1", "OAC", "other", "MCF7"))
            assert labels is not None
            assert [("THP1", "OAC", "other", "MCF7")[label] for label in labels] == due
            assert (None if file.groups is None else file.groups.tolist()) == groups
            compared += len(labels)
    assert compared == 4 * CELLS
    with open_frames(written(tmp_path / "bare", kind, {"labels": LABELS}), FourAngle()) as file:
        assert file.class_names is None
        assert file.labels is not None
        assert file.labels.tolist() == LABELS
        with pytest.raises(InputError, match=r"labels have no class_names, and which of the network's classes"):
            translated(file.container, file.found, NAMES)


@pytest.mark.parametrize("names", [False, True])
def test_matlab_labels_are_doubles_of_two_axes_and_names_cell_arrays(names: bool, tmp_path: Path) -> None:
    path = matlab(tmp_path, names=names)
    with open_frames(path, FourAngle()) as file:
        assert file.labels is not None
        assert file.labels.tolist() == LABELS
        assert file.class_names == (NAMES if names else None)
    if names:
        with h5py.File(path, "r+") as stored:
            stored["#refs#/1"].attrs["MATLAB_class"] = np.bytes_("double")
        assert "class_names is a cell array of other things than short character vectors" in refusal(path)


@pytest.mark.parametrize("compress", [False, True])
def test_labels_of_a_mat_file(compress: bool, tmp_path: Path) -> None:
    """Doubles of two axes, a cell array of names, a matrix of letters: as in -v7.3."""
    cells = np.empty((1, 3), object)
    cells[0] = NAMES
    for names in (cells, np.array(NAMES)):
        path = mat_5(tmp_path, compress, frames=TRUTH, labels=np.array([LABELS], float), class_names=names)
        with open_frames(path, FourAngle()) as file:
            assert file.labels is not None
            assert file.labels.tolist() == LABELS
            assert file.class_names == NAMES
            assert (file.read(1, 4) == TRUTH[1:4]).all()


def test_mat_variables_that_are_no_frames_are_refused(tmp_path: Path) -> None:
    assert "frames is a struct of MATLAB; numbers, or" in refusal(mat_5(tmp_path, frames={"a": 1}))
    for compress in (False, True):
        assert "is complex" in refusal(mat_5(tmp_path, compress, frames=TRUTH + 1j))
    # SciPy writes no complex integers; MATLAB does, with this bit of the flags.
    data = bytearray(mat_5(tmp_path, False).read_bytes())
    data[128 + 8 + 8 + 1] |= 8
    data[132:136] = struct.pack("<I", len(data) - 136 + 8 + TRUTH.size)
    (tmp_path / "f.mat").write_bytes(bytes(data) + struct.pack("<II", 2, TRUTH.size) + TRUTH.tobytes())
    assert "is complex" in refusal(tmp_path / "f.mat")
    assert "frames are float64; the codes of the ADC" in refusal(mat_5(tmp_path, frames=TRUTH.astype(float)))
    assert "--dataset PATH reads an array of another name: raw (6, 4, 8, 8)" in refusal(mat_5(tmp_path, raw=TRUTH, a=1))
    assert "class_names is a cell array of other things" in refusal(
        mat_5(tmp_path, frames=TRUTH, class_names=np.array([["a", [1, 2]]], object))
    )
    assert "sparse" in refusal(mat_5(tmp_path, frames=scipy.sparse.eye_array(4, format="csc")))


def test_mat_files_that_declare_what_they_do_not_hold(tmp_path: Path) -> None:
    """Sizes are changed in the header of a variable: none is allocated, and nothing is read that is not there."""
    zeros = np.zeros((4000, 4, 8, 8), np.uint8)
    data = mat_5(tmp_path, frames=zeros).read_bytes()
    inner = bytearray(zlib.decompress(data[136:]))
    at = inner.index(struct.pack("<I", 4000))
    said = []
    for cells in (10**9, 8_000_000, 4001, 3999, 1):
        inner[at : at + 4] = struct.pack("<I", cells)
        packed = zlib.compress(bytes(inner))
        for damaged in (data[:128] + struct.pack("<II", 15, len(packed)) + packed, data[:128] + bytes(inner)):
            (tmp_path / "f.mat").write_bytes(damaged)
            said.append(refusal(tmp_path / "f.mat"))
    assert "declares 256000000000 bytes, which the file does not hold" in said[0]
    assert "inflates to more than it declares" in said[-2]
    for cut in (130, 140, 200, len(data) // 2, len(data) - 1):
        (tmp_path / "f.mat").write_bytes(data[:cut])
        refusal(tmp_path / "f.mat")
    (tmp_path / "f.mat").write_bytes(data[:136] + bytes(len(data) - 136))
    refusal(tmp_path / "f.mat")


def test_an_npy_that_is_cut_or_holds_several_arrays_is_refused(tmp_path: Path) -> None:
    data = npy(tmp_path).read_bytes()
    for wrong, said in (
        (data[:-1], "the file holds 1535; it is truncated"),
        (data + data, "it is several arrays in one file: store one, or an NPZ"),
        (data[:20], "truncated or damaged"),
    ):
        (tmp_path / "f.npy").write_bytes(wrong)
        assert said in refusal(tmp_path / "f.npy")
    np.save(tmp_path / "f.npy", np.array([None, TRUTH], object))
    assert "the array holds Python objects, which are never loaded" in refusal(tmp_path / "f.npy")
    np.save(tmp_path / "f.npy", np.uint8(3))
    assert "frames of shape () are not in the order" in refusal(tmp_path / "f.npy")


def test_an_array_in_fortrans_order_is_gathered_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2 cells at once, 3 pixels of all cells at a time; asked for forwards, backwards and across: 14 cells read."""
    monkeypatch.setattr(npy_module, "GATHERED_BYTES", 2 * TRUTH[0].size)
    monkeypatch.setattr(npy_module, "PASSED_BYTES", 3 * CELLS)
    np.save(tmp_path / "f.npy", np.asfortranarray(TRUTH))
    compared = 0
    with open_frames(tmp_path / "f.npy", FourAngle()) as file:
        for start, stop in ((0, 1), (1, 2), (2, 6), (5, 6), (4, 5), (0, 3), (3, 6)):
            compared += np.count_nonzero(file.read(start, stop) == TRUTH[start:stop])
    assert compared == 14 * TRUTH[0].size


def test_images_of_files_without_names(tmp_path: Path) -> None:
    """An array whose file does not name it may be images, where images are taken."""
    images = np.random.default_rng(2).integers(40, 200, (5, 6, 9, 3), np.uint8)
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images)
    zarr.create_array(tmp_path / "c.zarr", data=images)
    for name in ("a.npy", "b.npz", "c.zarr"):
        with open_frames(tmp_path / name, Camera(("r", "g", "b")), images=True) as file:
            assert (file.read(0, 5) == np.moveaxis(images, -1, 1)).all()
        assert "store numpy.moveaxis(frames, -1, 1)" in refusal(tmp_path / name, Camera(("r", "g", "b")))


def test_a_file_that_another_program_writes_is_read_and_left_alone(tmp_path: Path) -> None:
    """A camera's program has the file open; ours opens it, and the other may open it again while ours is open."""
    path = hdf5(tmp_path)
    program = (
        "import sys, h5py\n"
        "for turn in range(2):\n"
        "    with h5py.File(sys.argv[1], 'a') as file:\n"
        "        file[f'turn {turn}'] = turn\n"
        "        file.flush()\n"
        "        print('open', flush=True)\n"
        "        sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as camera:
        assert camera.stdin is not None
        assert camera.stdout is not None
        assert camera.stdout.readline() == "open\n"
        with open_frames(path, FourAngle()) as file, open_hdf5(path):
            assert (file.read(0, CELLS) == TRUTH).all()
            # It closes the file, and opens it again while we hold it.
            camera.stdin.write("\n")
            camera.stdin.flush()
            assert camera.stdout.readline() == "open\n"
        camera.communicate("\n", timeout=60)
    assert camera.returncode == 0


def test_image_sets_follow_the_axes_as_frames_do(tmp_path: Path) -> None:
    """5 images of 6x9 pixels and 3 channels in five orders, with the same labels."""
    images = np.random.default_rng(3).integers(0, 250, (5, 6, 9, 3), np.uint8)
    members = {"labels": [1, 0, 2, 1, 0], "class_names": ["long", "rare", "round"]}
    described = json.dumps(members)
    tiff(tmp_path / "rgb.tif", images, photometric="rgb", metadata=None, description=described)
    planar = np.moveaxis(images, -1, 1)
    tiff(
        tmp_path / "planar.tif",
        planar,
        photometric="rgb",
        planarconfig="separate",
        metadata=None,
        description=described,
    )
    with h5py.File(tmp_path / "images.mat", "w") as file:
        file["images"] = images.transpose(1, 2, 3, 0).T
        file["images"].attrs["MATLAB_class"] = np.bytes_("uint8")
        file.attrs.update(members)
    group = zarr.create_group(tmp_path / "ome.zarr", attributes=members)
    group.create_array("0", data=np.moveaxis(images, -1, 0), chunks=(1, 5, 6, 9))
    group.attrs["ome"] = {"multiscales": [{"axes": [{"name": n} for n in "ctyx"], "datasets": [{"path": "0"}]}]}
    np.savez(tmp_path / "set.npz", images=images, labels=members["labels"], class_names=members["class_names"])
    compared = 0
    for name in ("rgb.tif", "planar.tif", "images.mat", "ome.zarr", "set.npz"):
        with open_image_set(tmp_path / name) as opened:
            assert (opened.shape, opened.class_names) == ((6, 9, 3), ("long", "rare", "round")), name
            compared += np.count_nonzero(opened.read(np.array([4, 0, 3])) == images[[4, 0, 3]])
            compared += np.count_nonzero(opened.image(2) == images[2])
    assert compared == 5 * 4 * images[0].size


def grouped(kind: str, folder: Path, frames: str, members: dict[str, str]) -> Path:
    """A file whose frames, labels and names have these paths."""
    values = {
        frames: TRUTH,
        **{path: np.array({"labels": LABELS, "class_names": NAMES}[what]) for what, path in members.items()},
    }
    if kind == "hdf5":
        with h5py.File(folder / "f.h5", "w") as file:
            for path, value in values.items():
                file[path] = value.astype("S") if value.dtype.kind == "U" else value
        return folder / "f.h5"
    if kind == "zarr":
        group = zarr.create_group(folder / "f.zarr", zarr_format=2)
        for path, value in values.items():
            group.create_array(path, data=value)
        return folder / "f.zarr"
    if kind == "npz":
        np.savez(folder / "f.npz", **values)
        return folder / "f.npz"
    return mat_5(folder, **values)


@pytest.mark.parametrize(("kind", "path"), [
    ("hdf5", "entry/data/images"), ("hdf5", "raw"), ("zarr", "entry/data/frames"), ("zarr", "raw"),
    ("npz", "entry/raw"), ("npz", "raw"), ("mat", "raw"),
])  # fmt: skip
def test_an_array_of_another_name(kind: str, path: str, tmp_path: Path) -> None:
    """It is suggested where it is not named, and read where it is, with the labels beside it or in the root."""
    group = path.rpartition("/")[0]
    beside = {what: f"{group}/{what}".strip("/") for what in ("labels", "class_names")}
    for number, members in enumerate([beside, {"labels": "labels", "class_names": beside["class_names"]}]):
        (tmp_path / str(number)).mkdir()
        file_path = grouped(kind, tmp_path / str(number), path, members)
        said = refusal(file_path)
        assert f"--dataset PATH reads an array of another name: {path} {TRUTH.shape}" in said
        assert "holds no array named nothing, but" in refusal(file_path, dataset="nothing")
        with open_frames(file_path, FourAngle(), dataset=path) as file:
            assert (file.read(0, CELLS) == TRUTH).all()
            assert file.labels is not None
            assert (file.labels.tolist(), file.class_names) == (LABELS, NAMES)
        source = open_source(file_path, small_design(SIDE), dataset=path)
        read = [cell.frames for cell in source.read({}) if cell is not None and cell.frames is not None]
        assert (np.stack(read) == TRUTH).all()
        source.close()


def test_images_of_another_name(tmp_path: Path) -> None:
    """Of one channel, as in events/image of .rtdc, and of three; MATLAB's have the images last."""
    for channels in (1, 3):
        shape = (5, 6, 9, channels)[: 3 if channels == 1 else 4]
        images = np.random.default_rng(4).integers(40, 200, shape, np.uint8)
        with h5py.File(tmp_path / "f.rtdc", "w") as file:
            file["events/image"], file["events/deform"] = images, np.arange(5.0)
        np.savez(tmp_path / "f.npz", pictures=images)
        with h5py.File(tmp_path / "v73.mat", "w") as file:
            file["pictures"] = np.moveaxis(images, 0, -1).T
            file["pictures"].attrs["MATLAB_class"] = np.bytes_("uint8")
        savemat(tmp_path / "v5.mat", {"pictures": np.moveaxis(images, 0, -1)})
        camera = Camera(tuple("rgb"[:channels]))
        compared = 0
        for name in ("f.rtdc", "f.npz", "v73.mat", "v5.mat"):
            dataset = "events/image" if name == "f.rtdc" else "pictures"
            with open_frames(tmp_path / name, camera, True, dataset) as opened:
                compared += np.count_nonzero(opened.read(0, 5) == np.moveaxis(images.reshape(5, 6, 9, channels), -1, 1))
        assert compared == 4 * images.size


def test_a_name_is_refused_where_arrays_have_none_and_links_leave_the_file(tmp_path: Path) -> None:
    for path in (npy(tmp_path), pages_in_a_row(tmp_path), zarr_alone(tmp_path)):
        assert "holds one array, which has no name; leave --dataset raw out" in refusal(path, dataset="raw")
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["entry/other"] = h5py.ExternalLink("f.h5", "/")
        file["entry/gone"] = h5py.SoftLink("/nowhere")
    hdf5(tmp_path)
    for dataset, said in (
        ("entry/other/frames", "entry/other lies in another file, f.h5"),
        ("/entry/other", "entry/other lies in another file, f.h5"),
        ("entry/gone", "entry/gone is a link to /nowhere, which is not in the file"),
        ("entry", "holds no array named entry, but entry; none of its arrays"),
        ("entry/gone/frames", "holds no array named entry/gone/frames"),
        ("nowhere/frames", "holds no array named nowhere/frames"),
    ):
        assert said in refusal(tmp_path / "links.h5", dataset=dataset)
