"""Labelled images of a user's own: every kind reads alike, and everything wrong is one sentence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from cytogate.model.errors import InputError
from cytogate.model.files import npz as npz_files
from cytogate.model.files import pictures
from cytogate.model.files.images import open_image_set
from cytogate.model.files.npz import open_arrays

LABELS = np.array([1, 0, 2, 1, 0])
NAMES = ("long", "rare", "round")
Writer = Callable[..., Path]


def images_of(channels: int = 1, dtype: str = "u1") -> np.ndarray:
    codes = np.random.default_rng(0).integers(0, 250, (5, 6, 9, channels))
    return codes.astype(dtype) if channels > 1 else codes[..., 0].astype(dtype)


def npz(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    np.savez(folder / "set.npz", images=images, **members)
    return folder / "set.npz"


def deflated(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    np.savez_compressed(folder / "set.npz", images=images, **members)
    return folder / "set.npz"


def hdf5(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    with h5py.File(folder / "set.h5", "w") as file:
        file.create_dataset("images", data=images, chunks=(1, *images.shape[1:]), compression="gzip")
        for name, array in members.items():
            file[name] = array.astype("S") if array.dtype.kind == "U" else array
    return folder / "set.h5"


def zarr2(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    return zarr_group(folder, images, members, zarr_format=2)


def zarr3(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    return zarr_group(folder, images, members, zarr_format=3, shards=(4, *images.shape[1:]))


def zarr_group(folder: Path, images: np.ndarray, members: dict[str, np.ndarray], **kind: object) -> Path:
    group = zarr.create_group(folder / "set.zarr", zarr_format=kind["zarr_format"])
    shards = {"shards": kind["shards"]} if "shards" in kind else {}
    group.create_array("images", data=images, chunks=(2, *images.shape[1:]), **shards)
    for name, array in members.items():
        if array.dtype.kind == "U":
            group.attrs[name] = array.tolist()
        else:
            group.create_array(name, data=array)
    return folder / "set.zarr"


def tiff(folder: Path, images: np.ndarray, **members: np.ndarray) -> Path:
    described = json.dumps({name: array.tolist() for name, array in members.items()}) if members else None
    kind = "rgb" if images.ndim == 4 else "minisblack"
    tifffile.imwrite(folder / "set.tif", images, photometric=kind, description=described, metadata=None)
    return folder / "set.tif"


def png_folder(folder: Path, images: np.ndarray, suffix: str = "png", **members: np.ndarray) -> Path:
    for number, (image, label) in enumerate(zip(images, members["labels"], strict=True)):
        place = folder / "set" / str(members["class_names"][label])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.{suffix}")
    return folder / "set"


FILES = [npz, deflated, hdf5, zarr2, zarr3, tiff]
each_file = pytest.mark.parametrize("write", FILES, ids=lambda kind: kind.__name__)


def refusal(path: Path) -> str:
    """The one sentence that opening and reading all of ``path`` ends with."""
    with pytest.raises(InputError) as refused, open_image_set(path) as images:
        images.read(np.arange(len(images)))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@each_file
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_every_kind_reads_alike(write: Writer, channels: int, dtype: str, tmp_path: Path) -> None:
    """5 images of 6x9 pixels, one by one, in any order and in batches."""
    images = images_of(channels, dtype)
    with open_image_set(write(tmp_path, images, labels=LABELS, class_names=np.array(NAMES))) as opened:
        assert (len(opened), opened.shape, opened.class_names) == (5, (6, 9, channels), NAMES)
        assert opened.labels.tolist() == LABELS.tolist()
        whole = images.reshape(5, 6, 9, channels)
        order = np.array([4, 0, 3, 3])
        assert np.array_equal(opened.read(order), whole[order])
        assert opened.image(2).dtype == images.dtype
        parts = list(opened.batches(order, 3))
        assert [len(part) for part, _ in parts] == [3, 1]
        assert np.array_equal(np.concatenate([labels for _, labels in parts]), LABELS[order])
        with pytest.raises(InputError, match="image 5 was asked for; there are 5"):
            opened.image(5)


@pytest.mark.parametrize(("channels", "dtype"), [(1, "u1"), (1, "u2"), (3, "u1")])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_folder_a_class(channels: int, dtype: str, suffix: str, tmp_path: Path) -> None:
    """5 pictures in three folders, and what lies around; in the order of names."""
    images = images_of(channels, dtype)
    path = png_folder(tmp_path, images, suffix, labels=LABELS, class_names=np.array(NAMES))
    (path / "notes.txt").write_text("no picture")
    (path / ".hidden").mkdir()
    (path / "rare" / ".thumb.png").write_text("hidden")
    with open_image_set(path) as opened:
        assert (opened.class_names, opened.shape) == (NAMES, None)
        order = np.argsort(LABELS, kind="stable")
        assert opened.labels.tolist() == LABELS[order].tolist()
        assert np.array_equal(opened.read(np.arange(5)), images.reshape(5, 6, 9, channels)[order])


def test_a_folder_of_many_sizes(tmp_path: Path) -> None:
    """ATOM's raw frames differ in size: each can be read, all together cannot."""
    for rows in (21, 68):
        (tmp_path / "set" / "only").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(rows, 102, dtype=np.uint8)).save(tmp_path / "set" / "only" / f"{rows}.png")
    with open_image_set(tmp_path / "set") as opened:
        assert [opened.image(number).shape for number in range(2)] == [(21, 102, 1), (68, 102, 1)]
    assert "brought to one" in refusal(tmp_path / "set")


def test_classes_without_names_are_refused(tmp_path: Path) -> None:
    assert "labels have no class_names; store a list of names" in refusal(npz(tmp_path, images_of(), labels=LABELS))


@each_file
def test_wrong_labels(write: Writer, tmp_path: Path) -> None:
    for number, (members, told) in enumerate([
        ({}, "there are none"),
        ({"labels": LABELS[:4]}, "there are 4 labels for 5 images"),
        ({"labels": LABELS.astype(float) + 0.5}, "float64"),
        ({"labels": LABELS - 1, "class_names": np.array(NAMES)}, "label of image 1 is -1; it must be 0 to 2"),
        ({"labels": LABELS + 1, "class_names": np.array(NAMES)}, "label of image 2 is 3; it must be 0 to 2"),
        ({"labels": LABELS, "class_names": np.array(["a", "a", "b"])}, "not different names"),
    ]):  # fmt: skip
        folder = tmp_path / str(number)
        folder.mkdir()
        assert told in refusal(write(folder, images_of(), **members))


@each_file
def test_cut_files_are_refused(write: Writer, tmp_path: Path) -> None:
    """Every file cut at half and at nine tenths; of a Zarr, a chunk."""
    path = write(tmp_path, images_of(3, "u2"), labels=LABELS, class_names=np.array(NAMES))
    victim = path if path.is_file() else next(each for each in sorted(path.rglob("0*")) if each.is_file())
    if path.is_dir():
        victim = next(each for each in sorted((path / "images").rglob("*")) if each.is_file() and "z" not in each.name)
    content = victim.read_bytes()
    for share in (0.5, 0.9):
        victim.write_bytes(content[: int(share * len(content))])
        assert refusal(path).startswith(str(path))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    """Arrays of objects in NPZ, as images and as labels."""
    objects = np.array([{}] * 5, object)
    assert "Python objects" in refusal(npz(tmp_path, objects, labels=LABELS))
    assert "Python objects" in refusal(npz(tmp_path, images_of(), labels=objects))


@pytest.mark.parametrize("place", ["compressor", "filters"])
@pytest.mark.parametrize("codec", [{"id": "pickle", "protocol": 5}, {"id": "quantize", "digits": 1, "dtype": "<f4"}])
def test_unknown_codecs_of_zarr_are_refused(place: str, codec: dict, tmp_path: Path) -> None:
    """A pickle, and one that is harmless but not known to be; the chunk would end the process if it were loaded."""
    zarr2(tmp_path, images_of(dtype="f4"), labels=LABELS)
    metadata = tmp_path / "set.zarr" / "images" / ".zarray"
    changed = {"compressor": None, "filters": None, place: codec if place == "compressor" else [codec]}
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | changed))
    for chunk in (tmp_path / "set.zarr" / "images").glob("0*"):
        chunk.write_bytes(b"cos\n_exit\n(I1\ntR.")
    told = refusal(tmp_path / "set.zarr")
    assert f"the codec {codec['id']} is not among those" in told or "No Zarr data type" in told


def test_declared_sizes_are_not_believed(tmp_path: Path) -> None:
    """Terabytes that are not there, in every kind, and pictures that unfold to gigabytes."""
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("images", (2**30, 64, 64), "u1", chunks=(1, 64, 64))
        file["labels"] = LABELS
    assert "of which the file holds 0" in refusal(tmp_path / "big.h5")
    group = zarr.create_group(tmp_path / "big.zarr")
    group.create_array("images", shape=(2**20, 8000, 8000), dtype="u2", chunks=(2**10, 8000, 8000))
    assert "read at once" in refusal(tmp_path / "big.zarr")
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive, archive.open("images.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"shape": (2**40,), "descr": "|u1", "fortran_order": False})  # type: ignore[arg-type]
    assert f"declares {2**40} bytes" in refusal(tmp_path / "big.npz")


def test_a_picture_that_unfolds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = png_folder(tmp_path, images_of(), labels=LABELS, class_names=np.array(NAMES))
    monkeypatch.setattr(pictures, "MAX_PART_BYTES", 53)
    assert "54 bytes of pixels; 53 are the most" in refusal(path)


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    path = png_folder(tmp_path, images_of(), labels=LABELS, class_names=np.array(NAMES))
    victim = path / "round" / "2.png"
    content = victim.read_bytes()
    for wrong in (content[:-30], b"", b"II*\0 no picture"):
        victim.write_bytes(wrong)
        assert refusal(path).startswith(str(victim))
    Image.fromarray(np.zeros((6, 9, 4), np.uint8)).save(victim)
    assert "mode RGBA" in refusal(path)
    victim.unlink()
    tifffile.imwrite(path / "round" / "two.tif", np.zeros((2, 6, 9, 3), np.uint8), photometric="rgb")
    assert "holds 2 pictures" in refusal(path)


def test_what_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "empty" / "a").mkdir(parents=True)
    (tmp_path / "text").write_text("neither")
    assert "there is no image in it" in refusal(tmp_path / "empty")
    assert "there is no image in it" in refusal(tmp_path / "empty" / "a")
    assert "this is plain text" in refusal(tmp_path / "text")
    assert "no such file" in refusal(tmp_path / "nowhere")
    assert "numpy.moveaxis" in refusal(npz(tmp_path, np.zeros((5, 3, 40, 40), np.uint8), labels=LABELS))
    assert "int64" in refusal(npz(tmp_path, images_of(dtype="i8"), labels=LABELS))
    assert "shape (5,)" in refusal(npz(tmp_path, np.zeros((5, 5), np.uint8), labels=LABELS))
    assert "holds no array named images, but labels" in refusal(npz_without_images(tmp_path))
    wrong = images_of(dtype="f4")
    wrong[3, 2, 1] = np.nan
    assert "image 3 holds NaN" in refusal(npz(tmp_path, wrong, labels=LABELS, class_names=np.array(NAMES)))


def npz_without_images(folder: Path) -> Path:
    np.savez(folder / "other.npz", labels=LABELS)
    return folder / "other.npz"


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((5, 6, 9), "u1")
    layout[:] = h5py.VirtualSource(hdf5(tmp_path, images_of(), labels=LABELS), "images", (5, 6, 9))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("images", layout)
        file["labels"] = LABELS
    assert "lies in other files" in refusal(tmp_path / "virtual.h5")


def test_whole_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = npz(tmp_path, images_of(), labels=LABELS)
    arrays = open_arrays(path, ("images", "labels"))
    assert np.array_equal(arrays["images"], images_of())
    with pytest.raises(InputError, match="no array named names"):
        open_arrays(path, ("names",))
    monkeypatch.setattr(npz_files, "MAX_WHOLE_BYTES", 39)
    with pytest.raises(InputError, match="39 are the most"):
        open_arrays(path, ("labels",))
