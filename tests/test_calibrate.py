"""``cytogate calibrate`` and ``cytogate phase``: simulated instruments by their truth, and real ones."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import unwrap_phase

from cytogate.model.command.dispatch import main
from cytogate.model.contract.law import contract
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED, Design
from cytogate.model.design.folder import CALIBRATION_FILE, DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.features.cell_features import REFRACTION_INCREMENT_UM3_PER_PG, measure, of_stages
from cytogate.model.files.holograms import open_holograms
from cytogate.model.retrieval.laws import Run
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.reference import retrieve
from cytogate.model.simulation.holograms import write_holograms
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_cells
from tests.holograms import OPTICS, fields, fringed, write_design
from tests.streams import four_angle_design, real_data

FIELDS = 4


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with holograms, empty ones, a bead, and a design."""
    folder = tmp_path_factory.mktemp("lab")
    write_holograms(fields(FIELDS, cells=2), folder / "cells.h5", class_names=("PBMC",), workers=1)
    write_holograms(fields(2), folder / "empty.h5", class_names=("PBMC",), empty_field=True, workers=1)
    y, x = np.mgrid[:256, :256] * OPTICS.pixel_pitch_x_um
    path_um = 2 * 0.04 * np.sqrt(np.maximum(5.0**2 - (y - 15.1) ** 2 - (x - 15.6) ** 2, 0))
    bead = fringed(path_um / OPTICS.wavelength_um * 2 * np.pi, (OPTICS.carrier_y, OPTICS.carrier_x), (256, 256))
    Image.fromarray(bead).save(folder / "bead.png")
    write_design(folder / "holo")
    return folder


@pytest.fixture
def own(lab: Path, tmp_path: Path) -> Path:
    """A copy of the design that may be calibrated."""
    shutil.copytree(lab / "holo", tmp_path / "holo")
    return tmp_path / "holo"


def calibrated(own: Path, *arguments: str | Path) -> Design:
    """The design after a calibration."""
    assert main(["calibrate", "--design", str(own), *map(str, arguments)]) == 0
    return load_design(own)


def rows(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_calibrations_are_numbered_and_the_latest_counts(lab: Path, own: Path) -> None:
    first = calibrated(own, "--input", lab / "cells.h5")
    second = calibrated(own, "--input", lab / "cells.h5", "--reference", lab / "empty.h5")
    assert second.calibrated.carrier_y == pytest.approx(OPTICS.carrier_y, abs=2e-4)
    for number, design in enumerate((first, second), start=1):
        found = design.calibration
        assert found is not None
        assert found.version == number
        assert (found.carrier_y, found.carrier_x) == pytest.approx((OPTICS.carrier_y, OPTICS.carrier_x), abs=6e-3)
        assert found.magnification == OPTICS.magnification
    kept = sorted(path.relative_to(own).as_posix() for path in own.rglob("*") if path.is_file())
    names = ("calibration.toml", "picture.png", "reference.npy", "report.json")
    assert kept == [f"calibration/000{number}/{name}" for number in (1, 2) for name in names] + ["design.toml"]
    report = json.loads((own / "calibration/0002/report.json").read_text(encoding="utf-8"))
    assert report["reference"] == "2 empty holograms and a plane"
    assert report["sideband"] == "the one in which cells delay the light"
    assert set(report["inputs"]) == {str(lab / "cells.h5"), str(lab / "empty.h5")}


def test_the_sign_is_that_in_which_cells_delay_the_light(tmp_path: Path) -> None:
    """A reference wave from the other side swaps the sidebands."""
    y, x = np.mgrid[:256, :256]
    cell = 4 * np.sqrt(np.maximum(1 - ((y - 100) ** 2 + (x - 150) ** 2) / 40**2, 0))
    for number, sign in enumerate((1, -1)):
        Image.fromarray(fringed(sign * cell, (0.3, 0.24), cell.shape)).save(tmp_path / "cell.png")
        found = calibrated(write_design(tmp_path / f"holo{number}"), "--input", tmp_path / "cell.png").calibration
        assert found is not None
        assert np.sign(found.carrier_x) == sign
        assert np.sign(found.carrier_y) == sign


def test_a_bead_gives_magnification_and_gain_which_last(lab: Path, own: Path) -> None:
    bead = ("--bead", lab / "bead.png", "--bead-um", "8", "--bead-index", "1.394")
    found = calibrated(own, "--input", lab / "bead.png", *bead).calibration
    assert found is not None
    # It measures 10 um across and 400 nm at most by the design's own optics.
    assert found.magnification == pytest.approx(OPTICS.magnification * 10 / 8, rel=0.02)
    assert found.delay_gain == pytest.approx(0.06 * 8 / 0.4, rel=0.02)
    design = calibrated(own, "--input", lab / "bead.png")
    assert design.calibration is not None
    assert (design.calibration.magnification, design.calibration.delay_gain) == (found.magnification, found.delay_gain)
    assert design.pixel_um[0] == pytest.approx(2 * OPTICS.camera_pitch_um / found.magnification)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--input", "nothing.h5"), r"nothing\.h5: there is no such file or folder"),
        (("--input", "noise.npy"), "no fringes: the strongest"),
        (("--input", "small.npy"), r"field 0 has 100x256 pixels; the design's holograms have 256x256"),
        (("--input", "dark.npy"), "field 0: frame hologram is empty: all of its pixels are 0"),
        (("--input", "bright.npy"), "the hologram is saturated: .*; take shorter exposures"),
        (
            ("--input", "cells.h5", "--reference", "glaring.png"),
            "glaring.png: the hologram is saturated: .*; take shorter",
        ),
        (
            ("--input", "cells.h5", "--bead", "glaring.png", "--bead-um", "8", "--bead-index", "1.4"),
            "glaring.png: the hologram is saturated: .*; take shorter",
        ),
        (("--input", "float.npy"), "frames are float64; the codes of the ADC are needed"),
        (("--input", "cells.h5", "--radius", "0.24"), "sideband of radius 0.24 .* does not fit|reaches the zero order"),
        (("--input", "cells.h5", "--bead", "bead.png"), "--bead, --bead-um and --bead-index go together"),
        (
            ("--input", "cells.h5", "--bead", "bead.png", "--bead-um", "8", "--bead-index", "1.2"),
            "--bead-index is 1.2; it must exceed the medium's 1.334",
        ),
    ],
)
def test_what_cannot_calibrate_is_told(
    lab: Path, own: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(lab)
    rng = np.random.default_rng(0)
    np.save("noise.npy", rng.integers(0, 256, (1, 1, 256, 256), dtype=np.uint8))
    np.save("small.npy", rng.integers(0, 256, (1, 1, 100, 256), dtype=np.uint8))
    np.save("dark.npy", np.zeros((1, 1, 256, 256), np.uint8))
    bright = np.full((1, 1, 256, 256), 255, np.uint8)
    bright[..., 0] = 0
    np.save("bright.npy", bright)
    glaring = np.array(Image.open("bead.png"))
    glaring[::2] = 255
    Image.fromarray(glaring).save("glaring.png")
    np.save("float.npy", rng.uniform(0, 1, (1, 1, 256, 256)))
    assert main(["calibrate", "--design", str(own), *arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("cytogate calibrate: ")
    assert re.search(said, told), told
    assert not (own / "calibration").exists() or not list((own / "calibration").iterdir())


# Maps.


def test_phase_writes_maps_and_cells_of_holograms(lab: Path, own: Path, tmp_path: Path) -> None:
    design = calibrated(own, "--input", lab / "cells.h5", "--reference", lab / "empty.h5")
    output = tmp_path / "out"
    command = ["phase", "--design", str(own), "--input", str(lab / "cells.h5"), "--output", str(output)]
    assert main(command) == 0
    with h5py.File(output / "maps.h5") as file, h5py.File(lab / "cells.h5") as truth:
        delay, phase = file["opd_nm"][:], file["phase_rad"][:]
        assert delay.shape == phase.shape == (FIELDS, 128, 128)
        assert np.allclose(delay, phase * 633 / (2 * np.pi), atol=1e-3)
        windows, fixed = file["cell_windows"][:], file["phase_fixed_rad"][:]
        of_field, centers, delays = (truth[f"cell_{name}"][:] for name in ("field", "center", "delay_um3"))
    assert np.array_equal(tifffile.imread(output / "maps.tif"), delay)
    found = rows(output / "cells.csv")
    assert len(found) == len(of_field) == 2 * FIELDS
    assert windows.shape == (len(found), 64, 64)
    for row, window in zip(found, windows, strict=True):
        y, x = (int(np.floor(row[f"center_{axis} [px]"] + 0.5)) for axis in "yx")
        seen = fixed[int(row["item"]), max(0, y - 32) : y + 32, max(0, x - 32) : x + 32] * 633 / (2 * np.pi)
        rest = window[max(0, 32 - y) :, max(0, 32 - x) :][: seen.shape[0], : seen.shape[1]] - (seen + 64) / 4
        assert np.abs(rest).max() < 0.51
        apart = np.hypot(*(centers / 2 - [row["center_y [px]"], row["center_x [px]"]]).T)
        own_cell = int(np.where(of_field == row["item"], apart, np.inf).argmin())
        assert row["dry_mass [pg]"] == pytest.approx(delays[own_cell] / REFRACTION_INCREMENT_UM3_PER_PG, rel=0.03)
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["refraction_increment_um3_per_pg"] == REFRACTION_INCREMENT_UM3_PER_PG
    assert (report["items"], report["cells"], report["calibration"]) == (FIELDS, 2 * FIELDS, 1)
    assert design.calibration is not None
    assert main([*command, "--table", "parquet", "--cells", "1"]) == 0
    import pyarrow.parquet as pq

    assert pq.read_table(output / "cells.parquet").num_rows == 2


def test_fields_that_are_none_are_told_and_condemn_no_other(
    lab: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrated(own, "--input", lab / "cells.h5")
    with h5py.File(lab / "cells.h5") as file:
        frames = file["frames"][:]
    rng = np.random.default_rng(0)
    frames[1] = rng.integers(90, 110, frames[1].shape)
    frames[2, :, :20] = 255
    frames[3] = 9
    np.save(tmp_path / "some.npy", frames)
    command = ["phase", "--design", str(own), "--output", str(tmp_path / "out"), "--input"]
    assert main([*command, str(tmp_path / "some.npy")]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert {index: fault.split(":")[0] for index, fault in report["faults"].items() if index != "3"} == {
        "1": "no fringes at the calibrated carrier",
        "2": "the hologram is saturated",
    }
    assert "all of its pixels are 9" in report["faults"]["3"]
    assert report["cells"] == 2
    capsys.readouterr()
    np.save(tmp_path / "none.npy", frames[1:])
    before = (tmp_path / "out/maps.h5").read_bytes()
    assert main([*command, str(tmp_path / "none.npy")]) == 2
    assert "not one map: no fringes at the calibrated carrier" in capsys.readouterr().err
    assert (tmp_path / "out/maps.h5").read_bytes() == before


def test_a_crowded_hologram_has_a_map(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells are not told, and its map is as good as any: 100 bumps of which each is large enough for a cell."""
    file = own / DESIGN_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("least_area_um2 = 20.0", "least_area_um2 = 0.5"), encoding="utf-8")
    y, x = np.mgrid[:256, :256] % 25 - 12
    fringes = (OPTICS.carrier_y, OPTICS.carrier_x), (256, 256)
    np.save(tmp_path / "empty.npy", fringed(np.zeros((256, 256)), *fringes)[None])
    np.save(tmp_path / "crowded.npy", fringed(np.exp(-(y * y + x * x) / 32), *fringes)[None])
    calibrated(own, "--input", tmp_path / "empty.npy")
    command = ["phase", "--design", str(own), "--input", str(tmp_path / "crowded.npy"), "--output"]
    assert main([*command, str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert (report["faults"], report["cells"], report["fixed_values"]) == ({}, 0, 128 * 128)
    assert report["crowded"]["0"].startswith("crowded: more than 64 cells")
    assert "item 0: crowded" in capsys.readouterr().out
    with h5py.File(tmp_path / "out/maps.h5") as maps:
        assert np.ptp(maps["opd_nm"][0]) > 50


@pytest.mark.parametrize("law", [FFT, TWO_SIDED, CAUSAL])
def test_phase_of_four_angle_frames_is_that_of_predict(law: str, tmp_path: Path) -> None:
    """By each law in fixed point and in float64, and by the causal one with what it knows of the frames before."""
    given = four_angle_design()
    design = dataclasses.replace(given, chip=dataclasses.replace(given.chip, retrieval=law))
    (tmp_path / "design.toml").write_text(design_text(design), encoding="utf-8")
    cells = SimulatedCells(design.four_angle, ("PBMC",), 3, 5)
    write_cells(cells, tmp_path / "cells.h5", workers=1)
    command = ["phase", "--design", str(tmp_path / "design.toml"), "--input", str(tmp_path / "cells.h5")]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    frames = np.stack([cells[n].frames for n in range(3)])
    codes, values = Run(design).exact(frames), Run(design).real(frames)
    with h5py.File(tmp_path / "out/maps.h5") as file:
        fixed, real = file["phase_fixed_rad"][:], file["phase_rad"][:]
    assert np.array_equal(fixed, contract(design).stage("phase").values(codes["phase"]))
    np.testing.assert_allclose(real, values["phase"], atol=1e-9)
    assert 0 < np.sqrt(np.mean((fixed - real) ** 2)) < 1e-3
    known = measure(of_stages(codes, design))
    found = rows(tmp_path / "out/cells.csv")
    assert len(found) == 3
    for number, row in enumerate(found):
        for name, column in (("area", "area [um^2]"), ("dry_mass", "dry_mass [pg]"), ("eccentricity", "eccentricity")):
            assert row[column] == pytest.approx(known[name][number], rel=1e-2)


def test_a_design_without_phase_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", str(tmp_path / "bright"), "--kind", "bright-field"]) == 0
    assert main(["phase", "--design", str(tmp_path / "bright"), "--input", "x.h5"]) == 2
    assert 'of kind "bright-field", which has no phase' in capsys.readouterr().err


def test_an_uncalibrated_or_unfit_design_is_told(
    lab: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["phase", "--design", str(own), "--input", str(lab / "cells.h5"), "--output", str(tmp_path / "out")]
    assert main(command) == 2
    assert "design holo is not calibrated; `cytogate calibrate --design" in capsys.readouterr().err
    calibrated(own, "--input", lab / "cells.h5")
    field = own / "calibration/0001/reference.npy"
    right = np.load(field)
    unfit = [np.ones((64, 64), complex), np.ones((128, 128), np.float32)]
    for value in (0, np.inf, np.nan):
        unfit.append(right.copy())
        unfit[-1][3, 5] = value
    told = []
    for wrong in unfit:
        np.save(field, wrong)
        told.append(_refusal(command, capsys))
    np.savez(tmp_path / "field.npz", right)
    huge = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<c16', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(
        118
    )
    np.save(field, right)
    cut = field.read_bytes()[:-16]
    for content in (b"", b"\x93NUMPY", bytes(400_000), b"PK\x03\x04", (tmp_path / "field.npz").read_bytes(), huge, cut):
        field.write_bytes(content)
        told.append(_refusal(command, capsys))
    field.unlink()
    told.append(_refusal(command, capsys))
    assert len(told) == 13
    for each in told:
        assert f"{field}: " in each
        assert each.endswith("the design's reference field; run `cytogate calibrate` again\n")
    np.save(field, np.asfortranarray(right))
    assert main(command) == 0
    capsys.readouterr()
    file = own / f"calibration/0001/{CALIBRATION_FILE}"
    file.write_text(file.read_text(encoding="utf-8").replace("version = 1 ", "version = 2 "), encoding="utf-8")
    assert f"{file}: version is 2; that of its folder is 1" in _refusal(command, capsys)
    file.write_text("version = 1\n", encoding="utf-8")
    assert "lacks carrier_y" in _refusal(command, capsys)


def _refusal(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(command) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "verb",
    [
        ("explain",), ("synth",), ("adopt", "x.keras"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_verbs_of_the_chain_refuse_an_off_axis_design(
    verb: tuple[str, ...], lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--design", str(lab / "holo")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert 'design holo is of kind "off-axis"; this verb needs a four-angle or bright-field one' in told[0]


@pytest.mark.parametrize(
    "verb",
    [("csim",), ("estimate",), ("emulate",), ("train",), ("bench",), ("predict", "--input", "x.h5")],
    ids=lambda words: words[0],
)  # fmt: skip
def test_verbs_say_that_a_design_is_not_calibrated(
    verb: tuple[str, ...], lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--design", str(lab / "holo")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert "design holo is not calibrated; `cytogate calibrate --design" in told[0]


# Files.


def hologram(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, (256, 256), dtype=np.uint8)


def write_forms(folder: Path) -> dict[str, tuple[Path, list[int], list[int]]]:
    """Each form of two holograms: where it lies, the seeds of its fields and of its empty fields."""
    with h5py.File(folder / "qpformat.h5", "w") as file:
        file.attrs["file_format"], file.attrs["imaging_modality"] = "qpformat", "off-axis holography"
        for number in range(11):
            file[str(number)] = hologram(number)
        file["reference"] = hologram(99)
        file.create_group("logs")
    with h5py.File(folder / "hyperspy.hdf5", "w") as file:
        file.attrs["file_format"] = "HyperSpy"
        for number in range(60):
            file[f"Experiments/__{number}__/data"] = hologram(number)
            for group in ("axis-0", "axis-1", "learning_results", "metadata/General", "metadata/Signal", "models"):
                file.create_group(f"Experiments/__{number}__/{group}")
    np.savez(folder / "pair.npz", data=hologram(0), bg_data=hologram(99))
    np.save(folder / "stack.npy", np.stack([hologram(0), hologram(1)]))
    tifffile.imwrite(folder / "stack.tif", np.stack([hologram(0), hologram(1)]))
    Image.fromarray(hologram(0)).save(folder / "one.bmp")
    (folder / "pairs").mkdir()
    for number in range(12):
        Image.fromarray(hologram(number)).save(folder / f"pairs/cell{number}.png")
        Image.fromarray(hologram(99)).save(folder / f"pairs/cell{number}_reference.png")
    (folder / "plain").mkdir()
    for number in range(12):
        tifffile.imwrite(folder / f"plain/cell{number}.tif", hologram(number))
    both, dozen = [0, 1], list(range(12))
    return {
        "qpformat.h5": (folder / "qpformat.h5", list(range(11)), [99]),
        "hyperspy.hdf5": (folder / "hyperspy.hdf5", list(range(60)), []),
        "pair.npz": (folder / "pair.npz", [0], [99]),
        "stack.npy": (folder / "stack.npy", both, []),
        "stack.tif": (folder / "stack.tif", both, []),
        "one.bmp": (folder / "one.bmp", [0], []),
        "pairs": (folder / "pairs", dozen, [99] * 12),
        "plain": (folder / "plain", dozen, []),
    }


def test_each_form_of_holograms_is_read(tmp_path: Path) -> None:
    compared = 0
    for name, (path, cells, empty) in write_forms(tmp_path).items():
        with open_holograms(path, OPTICS) as file:
            assert file.fields == len(cells), name
            for index, seed in enumerate(cells):
                assert np.array_equal(file.read(index), hologram(seed)), name
            for found, seed in zip(file.empty_fields, empty, strict=True):
                assert np.array_equal(found, hologram(seed)), name
            compared += len(cells) + len(empty)
    assert compared == 11 + 1 + 60 + 2 + 2 + 2 + 1 + 24 + 12


# Real instruments.


def real_design(folder: Path, rows: int, columns: int, **changes: object) -> Path:
    return write_design(
        folder, OffAxis(hologram_size=256 if rows < 512 else 512, rows=rows, columns=columns, **changes)
    )  # type: ignore[arg-type]


@pytest.mark.realdata
def test_the_hl60_cell_with_its_reference(tmp_path: Path) -> None:
    """Its file states no wavelength and no size of a pixel: radians are compared, and ratios."""
    path = real_data() / "off_axis_holograms/hl60_hologram_cell.npz"
    own = real_design(tmp_path / "hl60", 200, 210, threshold_nm=40.0)
    design = calibrated(own, "--input", path)
    found = design.calibrated
    assert (abs(found.carrier_y), abs(found.carrier_x)) == pytest.approx((0.200, 0.124), abs=0.003)
    assert found.carrier_y * found.carrier_x > 0
    assert main(["phase", "--design", str(own), "--input", str(path), "--output", str(tmp_path / "out")]) == 0
    (row,) = rows(tmp_path / "out/cells.csv")
    assert row["clipped"] == row["several"] == 0
    with open_holograms(path, design.off_axis) as file:
        retrieved = retrieve(file.read(0), design, reference_field(design))
    believed = Placing.of(design).believed
    peer = np.asarray(unwrap_phase(retrieved.wrapped[believed]))
    turns = (retrieved.phase[believed] - peer) / (2 * np.pi)
    assert np.abs(turns - turns[0, 0]).max() < 1e-9
    assert 4 < retrieved.phase.max() < 6


@pytest.mark.realdata
def test_the_glioblastoma_hologram_without_reference(tmp_path: Path) -> None:
    path = real_data() / "off_axis_holograms/glioblastoma_offaxis.jpg"
    own = real_design(tmp_path / "glio", 2049, 2049, threshold_nm=60.0)
    found = calibrated(own, "--input", path).calibrated
    sign = np.sign(found.carrier_y)
    assert (sign * found.carrier_y, sign * found.carrier_x) == pytest.approx((0.326, 0.250), abs=0.001)
    assert main(["phase", "--design", str(own), "--input", str(path), "--output", str(tmp_path / "out")]) == 0
    largest = max(rows(tmp_path / "out/cells.csv"), key=lambda row: row["area [um^2]"])
    assert largest["clipped"] == 1
    assert largest["opd_max [nm]"] > 150
