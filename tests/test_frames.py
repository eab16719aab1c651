"""Frames of a user's file: the three kinds read alike, and everything wrong is one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from cytogate.model.design.design import Design, Window
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.frames import FrameFile, apply_flat_field, flat_field, open_frames
from cytogate.model.files.labels import translated

ACQUISITION = FourAngle(rows=6, columns=7)
NAMES = ("MCF7", "OAC", "OST")
LABELS = np.array([2, 0, 1])
Writer = Callable[[Path, np.ndarray], Path]


def opened(path: Path, instrument: FourAngle = ACQUISITION) -> FrameFile:
    """Open frames of an instrument."""
    return open_frames(path, instrument)


def outcome(path: Path) -> np.ndarray | str:
    """All frames of a file, or the sentence that refuses it."""
    try:
        with opened(path) as file:
            return file.read(0, min(file.cells, 8))
    except InputError as error:
        return str(error)


def frames_of(cells: int = 3, rows: int = 6, columns: int = 7, bits: int = 8) -> np.ndarray:
    """Codes in the middle half of the range."""
    quarter = 2**bits // 4
    codes = np.random.default_rng(0).integers(quarter, 3 * quarter, (cells, 4, rows, columns))
    return codes.astype(np.uint8 if bits == 8 else np.uint16)


def npz(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    np.savez(folder / "cells.npz", frames=frames, **members)
    return folder / "cells.npz"


def compressed_npz(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    np.savez_compressed(folder / "cells.npz", frames=frames, **members)
    return folder / "cells.npz"


def hdf5(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    with h5py.File(folder / "cells.h5", "w") as file:
        file["frames"] = frames
        for name, array in members.items():
            file[name] = array.astype("S") if array.dtype.kind == "U" else array
    return folder / "cells.h5"


def chunked_hdf5(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    with h5py.File(folder / "cells.h5", "w") as file:
        file.create_dataset("frames", data=frames, chunks=(1, *frames.shape[1:]), compression="gzip")
        for name, array in members.items():
            file[name] = array.tolist() if array.dtype.kind == "U" else array
    return folder / "cells.h5"


def tiff(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    return write_tiff(folder, frames, members)


def big_tiff(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    return write_tiff(folder, frames, members, bigtiff=True, byteorder=">")


def deflated_tiff(folder: Path, frames: np.ndarray, **members: np.ndarray) -> Path:
    return write_tiff(folder, frames, members, compression="zlib")


def write_tiff(folder: Path, frames: np.ndarray, members: dict[str, np.ndarray], **kind: object) -> Path:
    tifffile.imwrite(
        folder / "cells.tif",
        frames.reshape(-1, *frames.shape[-2:]),
        photometric="minisblack",
        description=json.dumps({name: array.tolist() for name, array in members.items()}) if members else None,
        metadata=None,
        **kind,
    )
    return folder / "cells.tif"


KINDS = [npz, compressed_npz, hdf5, chunked_hdf5, tiff, big_tiff, deflated_tiff]
ARRAYS = [npz, hdf5]
each_kind = pytest.mark.parametrize("write", KINDS, ids=lambda kind: kind.__name__)
both_arrays = pytest.mark.parametrize("write", ARRAYS, ids=lambda kind: kind.__name__)


def refusal(path: Path, acquisition: FourAngle = ACQUISITION, names: tuple[str, ...] | None = None) -> str:
    """The one sentence that opening and reading all of ``path`` ends with; it begins with the file."""
    with pytest.raises(InputError) as refused, opened(path, acquisition) as file:
        file.read(0, file.cells), names and translated(file.container, file.found, names)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@each_kind
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_kind_reads_alike(write: Callable[..., Path], bits: int, tmp_path: Path) -> None:
    """3 cells of 4 x 6 x 7 codes, whole and in parts."""
    frames = frames_of(bits=bits)
    path = write(tmp_path, frames, labels=LABELS, class_names=np.array(NAMES))
    with opened(path, FourAngle(rows=6, columns=7, adc_bits=bits)) as file:
        assert (file.shape, file.cells, file.rows, file.columns) == ((3, 4, 6, 7), 3, 6, 7)
        assert file.labels is not None
        assert file.labels.tolist() == LABELS.tolist()
        assert file.class_names == NAMES
        whole = file.read(0, 3)
        assert whole.dtype == frames.dtype
        assert np.count_nonzero(whole == frames) == 3 * 4 * 6 * 7
        # Backward, and beyond the last: lazy reading has no memory.
        assert (file.read(2, 99) == frames[2:]).all()
        assert (file.read(0, 1) == frames[:1]).all()
        assert (file.read(1, 3) == frames[1:]).all()


@each_kind
def test_labels_are_optional(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(tmp_path, frames_of())
    with opened(path) as file:
        assert (file.labels, file.class_names, file.groups) == (None, None, None)
        assert translated(file.container, file.found, NAMES) is None


@each_kind
def test_labels_are_translated_by_name(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(tmp_path, frames_of(), labels=LABELS, class_names=np.array(NAMES))
    wanted = ("PBMC", "OST", "OAC", "MCF7")
    with opened(path) as file:
        labels = translated(file.container, file.found, wanted)
        assert labels is not None
        assert [wanted[label] for label in labels] == [NAMES[label] for label in LABELS]
        assert file.class_names == NAMES


@pytest.mark.parametrize("wrong", [2**63, 2**64 - 1, 2**31, 1 << 16])
def test_labels_that_are_no_number_of_a_class_are_refused(wrong: int, tmp_path: Path) -> None:
    """Some would be negative as signed numbers."""
    path = hdf5(tmp_path, frames_of(), labels=np.array([1, wrong, 2], np.uint64))
    assert refusal(path) == f"the label of cell 1 is {wrong}; it must be 0 to 65535"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, True), (np.False_, False), (1, True), (0, False), ([True], True), (None, False),
        ([1, 0], "attribute simulated is [1, 0]; true or false is needed"),
        ("False", "attribute simulated is "), ("no", "attribute simulated is "), (1.0, "attribute simulated is 1.0; "),
        (h5py.Empty("i8"), "attribute simulated: "), (1j, "attribute simulated: "),
    ],
)  # fmt: skip
def test_what_is_simulated_is_said_by_true_or_false(value: object, said: bool | str, tmp_path: Path) -> None:
    path = hdf5(tmp_path, frames_of())
    if value is not None:
        with h5py.File(path, "r+") as file:
            file.attrs["simulated"] = value
    with opened(path) as frames:
        if isinstance(said, bool):
            assert frames.simulated == said
        else:
            with pytest.raises(InputError) as refused:
                assert frames.simulated
            assert str(refused.value).startswith(f"{path}: {said}")


def test_big_endian_arrays_are_read(tmp_path: Path) -> None:
    frames = frames_of(bits=12)
    for write in (npz, hdf5):
        path = write(tmp_path, frames.astype(">u2"))
        with opened(path, FourAngle(adc_bits=12)) as file:
            assert (file.read(0, 3) == frames).all()
            assert file.read(0, 3).dtype == np.dtype("=u2")


def test_a_tiff_as_programs_write_it_is_read(tmp_path: Path) -> None:
    """tifffile's own metadata and ImageJ's, which stores one page's tags for all."""
    frames = frames_of()
    for number, options in enumerate(({}, {"photometric": "minisblack"}, {"imagej": True})):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, frames.reshape(-1, 6, 7), **options)
        with opened(path) as file:
            assert (file.read(0, 3) == frames).all()


def test_data_in_other_files_are_not_read(tmp_path: Path) -> None:
    """A file may name any other on the machine; what it names is not opened, however the file names it."""
    source = hdf5(tmp_path, frames_of())
    layout = h5py.VirtualLayout((3, 4, 6, 7), np.uint8)
    layout[:] = h5py.VirtualSource(source, "frames", (3, 4, 6, 7))
    raw = tmp_path / "raw"
    raw.write_bytes(frames_of().tobytes())
    for kind in ("virtual", "external", "link", "soft link"):
        path = tmp_path / f"{kind}.h5"
        with h5py.File(path, "w") as file:
            if kind == "virtual":
                file.create_virtual_dataset("frames", layout)
            elif kind == "external":
                file.create_dataset("frames", (3, 4, 6, 7), "u1", external=[(str(raw), 0, 504)])
            elif kind == "link":
                file["frames"] = h5py.ExternalLink("cells.h5", "/frames")
            else:
                file["elsewhere"] = h5py.ExternalLink("cells.h5", "/")
                file["frames"] = h5py.SoftLink("/elsewhere/frames")
        said = refusal(path)
        assert "lies in other files" in said or "frames lies in another file" in said, kind
    with h5py.File(tmp_path / "broken.h5", "w") as file:
        file["frames"] = h5py.SoftLink("/raw/frames")
    assert refusal(tmp_path / "broken.h5") == "frames is a link to /raw/frames, which is not in the file"


def test_reading_is_lazy(tmp_path: Path) -> None:
    """A thousand cells that are declared and mostly not there cost nothing until they are asked for."""
    frames = frames_of()
    with h5py.File(tmp_path / "long.h5", "w") as file:
        dataset = file.create_dataset("frames", (1000, 4, 6, 7), np.uint8, chunks=(1, 4, 6, 7))
        dataset[:3] = frames
        dataset[999] = frames[0]
    with opened(tmp_path / "long.h5") as file:
        assert file.cells == 1000
        assert (file.read(999, 1000) == frames[:1]).all()
        with pytest.raises(InputError, match="cell 3: a chunk of frames was never written or is lost"):
            file.read(0, 1000)


def test_cells_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with opened(npz(tmp_path, frames_of())) as file:
        for start, stop in ((3, 5), (1, 1), (2, 1)):
            with pytest.raises(InputError, match="were asked for; there are 3"):
                file.read(start, stop)


ORDERS = [
    ((3, 6, 7, 4), r"they look like (cells, rows, columns, 4): store numpy.moveaxis(frames, -1, 1)"),
    ((4, 3, 6, 7), r"they look like (4, cells, rows, columns): store numpy.swapaxes(frames, 0, 1)"),
    ((7, 6, 4, 3), r"they look like (columns, rows, 4, cells), MATLAB's order: store numpy.transpose(frames)"),
    ((4, 6, 7), r"they look like one cell (4, rows, columns): store frames[None]"),
    ((6, 7, 4), r"they look like one cell (rows, columns, 4): store numpy.moveaxis(frames, -1, 0)[None]"),
    ((12, 6, 7), r"they look like 4 frames a cell in a row: store frames.reshape(-1, 4, 6, 7)"),
    ((3, 5, 6, 7), ""),
    ((6, 7), ""),
    ((5,), ""),
    ((), ""),
    ((3, 1, 4, 6, 7), ""),
]


@both_arrays
@pytest.mark.parametrize(("shape", "remedy"), ORDERS)
def test_another_order_is_named_with_its_remedy(
    write: Writer, shape: tuple[int, ...], remedy: str, tmp_path: Path
) -> None:
    said = refusal(write(tmp_path, np.full(shape, 9, np.uint8)))
    due = f"frames of shape {shape} are not in the order (cells, 4, rows, columns)"
    none = ": no axis has 4 places, one for each channel of the design's instrument"
    assert said == due + (f"; {remedy}" if remedy else "" if 4 in shape else none)


def test_the_remedies_lead_to_the_order_wanted() -> None:
    """Each sentence's expression, carried out on an array of the shape it is said of, gives (3 or 1, 4, 6, 7)."""
    tried = 0
    for shape, remedy in ORDERS:
        if remedy:
            frames = np.zeros(shape)
            mended = eval(remedy.split("store ")[1], {"numpy": np, "frames": frames})
            assert mended.shape in ((3, 4, 6, 7), (1, 4, 6, 7)), remedy
            tried += 1
    assert tried == 6


@both_arrays
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("int16", "frames are int16, with a sign; codes of an ADC are stored as uint8 or uint16"),
        ("int64", "frames are int64, with a sign; codes of an ADC are stored as uint8 or uint16"),
        ("uint32", "frames are uint32; codes of an ADC of 8 to 16 bits are stored as uint8 or uint16"),
        ("bool", "frames are bool; codes of an ADC of 8 to 16 bits are stored as uint8 or uint16"),
        ("complex64", "frames are complex64; codes of an ADC of 8 to 16 bits are stored as uint8 or uint16"),
        ("float32", "frames are float32; the codes of the ADC are needed, as uint8 or uint16, not scaled"),
        ("float64", "frames are float64; the codes of the ADC are needed, as uint8 or uint16, not scaled"),
    ],
)
def test_other_types_are_refused(write: Writer, kind: str, said: str, tmp_path: Path) -> None:
    assert refusal(write(tmp_path, frames_of().astype(kind))) == said


@both_arrays
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_frame_that_is_not_finite_is_named(write: Writer, value: float, tmp_path: Path) -> None:
    frames = frames_of().astype(np.float32)
    frames[1, 3, 2, 5] = frames[2, 0, 0, 0] = value
    assert "frames are float32 and cell 1, frame -y holds NaN or infinity; the codes" in refusal(
        write(tmp_path, frames)
    )


@each_kind
@pytest.mark.parametrize(("code", "bits_needed"), [(1024, 11), (4095, 12), (65535, 16)])
def test_codes_beyond_the_adc_are_named(write: Writer, code: int, bits_needed: int, tmp_path: Path) -> None:
    frames = frames_of(rows=20, columns=20, bits=10)
    frames[2, 1, 3, 3] = code
    assert refusal(write(tmp_path, frames), FourAngle(adc_bits=10)) == (
        f"cell 2, frame -x holds the code {code}, beyond the 10-bit ADC's 1023; adc_bits must be {bits_needed} or more"
    )
    with opened(write(tmp_path, frames), FourAngle(adc_bits=bits_needed)) as file:
        assert (file.read(0, 3) == frames).all()


@each_kind
@pytest.mark.parametrize("code", [0, 100, 255])
def test_an_empty_frame_is_named(write: Writer, code: int, tmp_path: Path) -> None:
    frames = frames_of()
    frames[1, 2] = code
    assert refusal(write(tmp_path, frames)) == f"cell 1, frame +y is empty: all of its pixels are {code}"


@each_kind
def test_a_saturated_frame_is_named(write: Writer, tmp_path: Path) -> None:
    """More than one pixel in a hundred: 4 of 400 may be at the top, 5 may not."""
    frames = frames_of(rows=20, columns=20)
    frames[1, 3].flat[:4] = 255
    with opened(write(tmp_path, frames)) as file:
        assert (file.read(0, 3) == frames).all()
    frames[1, 3, 5, 5] = 255
    assert refusal(write(tmp_path, frames)) == (
        "cell 1, frame -y is saturated: more than 1% of its pixels are at the highest code, 255; "
        "lower the light or the gain"
    )


def test_cells_are_counted_from_the_start_of_the_file(tmp_path: Path) -> None:
    frames = frames_of(cells=9)
    frames[7, 0] = 3
    with opened(npz(tmp_path, frames)) as file:
        assert (file.read(0, 7) == frames[:7]).all()
        with pytest.raises(InputError, match=r"cell 7, frame \+x is empty"):
            file.read(5, 9)


@both_arrays
def test_a_file_without_cells_is_refused(write: Writer, tmp_path: Path) -> None:
    assert refusal(write(tmp_path, np.zeros((0, 4, 6, 7), np.uint8))) == "frames of shape (0, 4, 6, 7) hold no cell"


@both_arrays
def test_sides_that_are_not_believed(write: Writer, tmp_path: Path) -> None:
    said = refusal(write(tmp_path, np.zeros((1, 4, 0, 6), np.uint8)))
    assert said == "frames of 0x6 pixels; 1 to 8192 a side are believed"
    said = refusal(write(tmp_path, np.zeros((1, 4, 1, 8193), np.uint8)))
    assert said == "frames of 1x8193 pixels; 1 to 8192 a side are believed"


@pytest.mark.parametrize("pages", [1, 3, 5, 11])
def test_a_tiff_of_incomplete_cells_is_refused(pages: int, tmp_path: Path) -> None:
    path = tiff(tmp_path, frames_of().reshape(-1, 6, 7)[:pages])
    assert refusal(path) == f"{pages} pages are no whole number of cells, which have 4 pages each"


def test_tiff_pages_must_be_alike(tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    for odd in (np.zeros((6, 8), np.uint8), np.zeros((6, 7), np.uint16)):
        with tifffile.TiffWriter(path) as file:
            for page in (*frames_of(cells=1)[0], *frames_of(cells=1)[0][:2], odd, odd):
                file.write(page, photometric="minisblack", metadata=None)
        assert f"page 6 (counted from 0) is {odd.dtype} of shape {odd.shape}, unlike page 0" in refusal(path)


def test_tiffs_of_other_pixels_are_refused(tmp_path: Path) -> None:
    colored = np.random.default_rng(0).integers(0, 255, (4, 6, 7, 3), np.uint8)
    tifffile.imwrite(tmp_path / "colored.tif", colored, photometric="rgb")
    assert "pixels have 3 colors; the instrument's 4 channels are gray frames" in refusal(tmp_path / "colored.tif")
    tifffile.imwrite(tmp_path / "float.tif", np.full((4, 6, 7), np.nan, np.float32), photometric="minisblack")
    assert "frames are float32 and cell 0, frame +x holds NaN" in refusal(tmp_path / "float.tif")
    tifffile.imwrite(tmp_path / "signed.tif", np.full((4, 6, 7), -3, np.int16), photometric="minisblack")
    assert "frames are int16, with a sign" in refusal(tmp_path / "signed.tif")


WRONG_LABELS = [
    ({"labels": np.array([0, 1])}, "there are 2 labels for 3 cells"),
    (
        {"labels": np.array([0, 1, 3]), "class_names": np.array(NAMES)},
        "the label of cell 2 is 3; it must be 0 to 2, for MCF7, OAC, OST",
    ),
    (
        {"labels": np.array([0, -1, 3]), "class_names": np.array(NAMES)},
        "the label of cell 1 is -1; it must be 0 to 2, for MCF7, OAC, OST",
    ),
    ({"labels": np.array([0.0, 1.0, 2.0])}, "labels are float64 of shape (3,); (3,) integers or names needed"),
    ({"labels": np.array([[0, 1, 2]])}, "labels are int64 of shape (1, 3); (3,) integers or names needed"),
    ({"labels": LABELS}, "labels have no class_names, and which of the network's classes (MCF7, OAC, OST) a number"),
    ({"groups": np.array(["a", "b"])}, "there are 2 groups for 3 cells"),
    ({"groups": np.array([0.5, 1.0, 2.0])}, "groups are float64 of shape (3,); (3,) integers or names needed"),
    ({"labels": LABELS, "class_names": np.array(["MCF7", "OAC"])}, "the label of cell 0 is 2; it must be 0 to 1"),
    ({"labels": LABELS, "class_names": np.array(["MCF7", "HeLa", "OST"])}, "class HeLa is unknown to the network"),
    (
        {"class_names": np.array(["MCF7", "OAC", "MCF7"])},
        "class_names MCF7, OAC, MCF7 are not different names; one is there twice",
    ),
    ({"class_names": np.array([1, 2, 3])}, "class_names are int64 of shape (3,); a list of names is needed"),
]


@pytest.mark.parametrize("write", [npz, hdf5, tiff], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("members", "said"), WRONG_LABELS)
def test_wrong_labels_are_named(
    write: Callable[..., Path], members: dict[str, np.ndarray], said: str, tmp_path: Path
) -> None:
    assert said in refusal(write(tmp_path, frames_of(), **members), names=NAMES)


def test_labels_without_names_and_network_may_be_any_but_negative(tmp_path: Path) -> None:
    with opened(npz(tmp_path, frames_of(), labels=np.array([0, 90, 4], np.uint8))) as file:
        assert file.labels is not None
        assert file.labels.tolist() == [0, 90, 4]
    said = refusal(npz(tmp_path, frames_of(), labels=np.array([0, 1, -4])))
    assert said == "the label of cell 2 is -4; it must be 0 to 65535"


class Trap:
    """What unpickling would carry out."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("sprung"),)


@pytest.mark.parametrize("member", ["frames", "labels", "class_names"])
def test_objects_are_never_loaded(member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trap = np.array([Trap()] * 3, object)
    members = {"frames": frames_of(), member: trap}
    said = refusal(npz(tmp_path, **members))
    assert said == f"array {member} holds Python objects, which are never loaded"
    assert not Path("sprung").exists()


def npy(shape: tuple[int, ...], kind: str = "|u1", data: bytes = b"") -> bytes:
    """An array of NumPy's format 1.0 with a header of any kind."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize(
    ("shape", "declared"),
    [
        ((10**9, 4, 305, 305), 372100 * 10**9),
        ((3, 4, 6, 8), 576),
        ((3, 4, 6, 6), 432),
        ((-3, 4, 6, 7), -504),
        ((2**40, 4, 2**40, 2**40), 4 * 2**120),
    ],
)
def test_a_header_that_lies_is_not_believed(shape: tuple[int, ...], declared: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "lie.npz", frames=npy(shape, data=frames_of().tobytes()))
    assert refusal(path) == f"array frames declares {declared} bytes, which the file does not hold; it is damaged"
    path = zipped(tmp_path / "lie.npz", frames=npy((3, 4, 6, 7), data=frames_of().tobytes()), labels=npy(shape, "<i8"))
    assert refusal(path).startswith(f"array labels declares {8 * declared} bytes, which the file does not hold")


def test_a_directory_that_lies_with_its_header_is_not_believed(tmp_path: Path) -> None:
    """Both agree on 744 MB, of which half a kilobyte is stored."""
    path, array = tmp_path / "lie.npz", npy((2000, 4, 305, 305), data=frames_of().tobytes())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frames.npy", array)
    data = path.read_bytes()
    place = data.index(len(array).to_bytes(4, "little"), data.index(b"PK\x01\x02"))
    declared = 2000 * 4 * 305 * 305
    size = declared + len(array) - frames_of().nbytes
    path.write_bytes(data[:place] + size.to_bytes(4, "little") + data[place + 4 :])
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("frames.npy").file_size == size
    assert refusal(path) == f"array frames declares {declared} bytes, which the file does not hold; it is damaged"


@pytest.mark.parametrize("member", ["frames", "labels"])
@pytest.mark.parametrize("shape", [(10**9, 4, 305, 305), (100, 4, 8192, 8192)])
def test_hdf5_that_declares_what_it_does_not_hold(member: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Nothing is allocated: the second would be 27 GB in one reading."""
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as file:
        if member != "frames":
            file["frames"] = frames_of()
        file.create_dataset(member, shape, np.uint8, chunks=(1, 4, 64, 64))
    said = refusal(path)
    assert said.startswith(f"dataset {member} declares {np.prod(shape, dtype=object)} bytes, of which the file holds 0")


@pytest.mark.parametrize("name", ["text.npz", "text.h5", "text.tif", "text"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    for content, said in (
        (b"", "is empty"),
        (b"P", "plain text"),
        (b"frames\n" * 100, "plain text"),
        (bytes(9), "zeros"),
    ):
        (tmp_path / name).write_bytes(content)
        assert said in refusal(tmp_path / name)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.npz") == "there is no such file or folder"
    assert refusal(tmp_path) == "there is no image in it (.png, .jpg, .jpeg, .bmp, .tif, .tiff)"
    assert refusal(tmp_path / ("n" * 300)) == "cannot be read: File name too long"


def test_a_file_without_frames_says_what_it_holds(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", images=frames_of(), labels=LABELS)
    other = f"; --dataset PATH reads an array of another name: images {frames_of().shape}"
    assert refusal(tmp_path / "other.npz") == f"holds no array named frames, but images, labels{other}"
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = frames_of()
        file.create_group("frames")
    assert refusal(tmp_path / "other.h5") == f"holds no array named frames, but frames, images{other}"
    zipfile.ZipFile(tmp_path / "empty.npz", "w").close()
    with zipfile.ZipFile(tmp_path / "text.zip", "w") as archive:
        archive.writestr("readme", "frames")
    assert refusal(tmp_path / "text.zip").startswith("this is a ZIP archive without arrays of NumPy (it holds readme)")
    assert refusal(tmp_path / "empty.npz").startswith("holds no array named frames, but nothing; none of its arrays")


CUTS = 400


@each_kind
def test_a_cut_file_is_refused_or_whole(write: Callable[..., Path], tmp_path: Path) -> None:
    """400 lengths of each of seven files: every one of the first and last 60, the others evenly between."""
    frames = frames_of(cells=2)
    path = write(tmp_path, frames, labels=LABELS[:2], class_names=np.array(NAMES))
    data = path.read_bytes()
    middle = np.linspace(60, len(data) - 61, CUTS - 120).astype(int)
    lengths = sorted({*range(60), *middle.tolist(), *range(len(data) - 60, len(data))})
    assert len(lengths) >= min(CUTS, len(data)) - 5
    cut, whole = tmp_path / "cut", 0
    for length in lengths:
        cut.write_bytes(data[:length])
        read = outcome(cut)
        if isinstance(read, str):
            assert read.startswith(f"{cut}: "), length
            continue
        assert read.shape == frames.shape, length
        assert (read == frames).all(), length
        whole += 1
    # Few bytes at the end of a file are idle: TIFF fills up to 16.
    assert whole <= 16


FLIPS = 300


@each_kind
def test_a_damaged_file_raises_nothing_else(
    write: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """300 times 1 to 3 bits changed in each of seven files, seeded; nothing is logged beside the sentence.

    Names of classes are of fixed length in HDF5 here: its library itself can hang on a damaged heap of variable ones.
    """
    frames = frames_of(cells=2)
    names = {} if write is chunked_hdf5 else {"class_names": np.array(NAMES)}
    data = write(tmp_path, frames, labels=LABELS[:2], **names).read_bytes()
    rng = np.random.default_rng(20)
    damaged, refused = tmp_path / "damaged", 0
    for _ in range(FLIPS):
        changed = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        damaged.write_bytes(changed)
        read = outcome(damaged)
        if isinstance(read, str):
            assert read.startswith(f"{damaged}: ")
            refused += 1
    assert refused > 20
    assert not caplog.records


def test_a_tiff_whose_pages_lead_back_is_refused(tmp_path: Path) -> None:
    path = tiff(tmp_path, frames_of(cells=1))
    with tifffile.TiffFile(path) as file:
        first, last = file.pages[0].offset, file.pages[3].offset
    data = bytearray(path.read_bytes())
    tags = int.from_bytes(data[last : last + 2], "little")
    data[last + 2 + 12 * tags : last + 6 + 12 * tags] = first.to_bytes(4, "little")
    path.write_bytes(data)
    assert refusal(path) == "the list of pages leads back to page 4; the file is damaged"


def test_a_stack_cut_in_its_chain_of_pages_loses_no_cell_unnoticed(tmp_path: Path) -> None:
    """Pages written one after the other, cut where a whole number of cells is left."""
    frames = frames_of(cells=3)
    path = tmp_path / "cells.tif"
    ends = []
    with tifffile.TiffWriter(path) as file:
        for page in frames.reshape(-1, 6, 7):
            file.write(page, photometric="minisblack", metadata=None)
            ends.append(file.filehandle.tell())
    data = path.read_bytes()
    for pages in (4, 8):
        path.write_bytes(data[: ends[pages - 1]])
        assert "truncated" in refusal(path)
    # Of pixels that are missing at the end, the cells before know nothing.
    path.write_bytes(data[:-1])
    with opened(path) as file:
        assert (file.read(0, 2) == frames_of()[:2]).all()
        with pytest.raises(InputError, match=r"cell 2: page 11 \(counted from 0\) is cut off; the file is truncated"):
            file.read(0, 3)


def test_flat_field_is_mean_over_pixel(tmp_path: Path) -> None:
    """Two exposures of 4 x 4 x 4 pixels; the gains in closed form."""
    background = np.empty((2, 4, 4, 4), np.uint8)
    background[:] = [[100, 50, 100, 100], [100, 100, 150, 100]] * 2
    background[:, 3] = [[10, 10, 10, 10], [20, 40, 30, 30]] * 2
    # An exposure brighter than the other by the same light everywhere.
    background[1, 3] += 10
    acquisition = FourAngle(rows=4, columns=4)
    with opened(npz(tmp_path, background), acquisition) as file:
        gains = flat_field(file, acquisition)
    assert gains.shape == (4, 4, 4)
    assert gains[0] == pytest.approx(np.array([[1, 2, 1, 1], [1, 1, 2 / 3, 1]] * 2), rel=1e-15)
    assert (gains[1] == gains[0]).all()
    assert gains[3] == pytest.approx(25 / np.array([[15, 15, 15, 15], [25, 45, 35, 35]] * 2), rel=1e-15)


def test_flat_field_reads_every_exposure(tmp_path: Path) -> None:
    """37 exposures, more than are read at a time."""
    background = frames_of(cells=37)
    with opened(hdf5(tmp_path, background)) as file:
        gains = flat_field(file, ACQUISITION)
    mean = background.mean(axis=0)
    assert gains == pytest.approx(mean.mean(axis=(1, 2), keepdims=True) / mean, rel=1e-12)
    for arm in range(4):
        assert (gains * mean)[arm] == pytest.approx(mean[arm].mean())


def test_a_pixel_that_sees_nothing_is_named(tmp_path: Path) -> None:
    background = frames_of()
    background[:, 2, 4, 1] = 0
    said = r"cells.npz: pixel \(row 4, column 1\) of frame \+y is 0 in all"
    with opened(npz(tmp_path, background)) as file, pytest.raises(InputError, match=said):
        flat_field(file, ACQUISITION)
    background[1, 2, 4, 1] = 1
    with opened(npz(tmp_path, background)) as file:
        assert np.isfinite(flat_field(file, ACQUISITION)).all()


def test_a_background_of_another_size_is_refused(tmp_path: Path) -> None:
    said = "background frames of 6x7 pixels do not suit frames of 7x6"
    with opened(npz(tmp_path, frames_of())) as file, pytest.raises(InputError, match=said):
        flat_field(file, FourAngle(rows=7, columns=6))


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (10, np.uint16), (16, np.uint16)])
def test_flat_field_rounds_and_clips(bits: int, kind: type, tmp_path: Path) -> None:
    """Halves to the even code, the top code for all beyond."""
    top = 2**bits - 1
    frames = np.zeros((1, 4, 1, 6), kind)
    frames[:] = [0, 1, 3, 5, 100, top]
    gains = np.full((4, 1, 6), 0.5)
    gains[1], gains[2], gains[3] = 1.0, 1.5, 1e9
    acquisition = FourAngle(adc_bits=bits)
    codes = apply_flat_field(frames, gains, acquisition)
    assert codes.dtype == kind
    assert codes[0, 0, 0].tolist() == [0, 0, 2, 2, 50, 2 ** (bits - 1)]
    assert codes[0, 1, 0].tolist() == [0, 1, 3, 5, 100, top]
    assert codes[0, 2, 0].tolist() == [0, 2, 4, 8, 150, top]
    assert codes[0, 3, 0].tolist() == [0] + [top] * 5


def test_flat_field_evens_out_its_own_background(tmp_path: Path) -> None:
    background = frames_of(cells=1, bits=12)
    acquisition = FourAngle(rows=6, columns=7, adc_bits=12)
    with opened(npz(tmp_path, background), acquisition) as file:
        codes = apply_flat_field(background, flat_field(file, acquisition), acquisition)
    assert np.ptp(codes, axis=(2, 3)).max() <= 1


def test_frames_of_another_size_than_the_design_says_are_refused(tmp_path: Path) -> None:
    design = Design("small", instrument=FourAngle(rows=64, columns=90), window=Window(64, 64, 1))
    with opened(npz(tmp_path, frames_of(rows=64, columns=90))) as file:
        file.check_size(design)
    for rows, columns in ((63, 90), (90, 64), (65, 90)):
        said = rf"frames of {rows}x{columns} pixels; design small has 64x90.*rows = {rows} and columns = {columns}"
        path = npz(tmp_path, frames_of(rows=rows, columns=columns))
        with opened(path) as file, pytest.raises(InputError, match=said):
            file.check_size(design)


@both_arrays
def test_leaving_the_context_closes_the_file(write: Writer, tmp_path: Path) -> None:
    with opened(write(tmp_path, frames_of())) as file:
        file.read(0, 1)
    with pytest.raises(InputError):
        file.read(0, 1)
