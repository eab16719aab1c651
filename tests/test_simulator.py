"""Simulated data sets: every item by its own number alone, and files that survive being killed."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np
import pytest
import tifffile

from cytogate.model.command.dispatch import main
from cytogate.model.design.design import CLASS_NAMES
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.files.frames import open_frames
from cytogate.model.files.labels import translated
from cytogate.model.simulation.cells import MEDIUM_INDEX
from cytogate.model.simulation.optics import digitise, four_angle_intensities
from cytogate.model.simulation.simulator import ARM_GAIN_SD, MAX_DIFFICULTY, RUN_GAIN_SD, SimulatedCells
from cytogate.model.simulation.write import write_cells

SMALL = FourAngle(rows=64, columns=64)
TINY = FourAngle(rows=24, columns=32)


def cells_of(cells: SimulatedCells) -> np.ndarray:
    return np.stack([cell.frames for cell in cells])


def digest(frames: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(frames).tobytes()).hexdigest()


def test_an_item_is_the_same_whatever_is_asked_for_around_it() -> None:
    """12 cells of 4 x 64 x 64 codes: alone, backward, in a slice, in a smaller and in a larger set."""
    cells = SimulatedCells(SMALL, cells=12, seed=3)
    forward = cells_of(cells)
    assert len({digest(frames) for frames in forward}) == 12
    for index in reversed(range(12)):
        again = cells[index]
        assert (again.frames == forward[index]).all()
        assert (again.phase == cells.phase(index)).all()
        assert again.label == cells.label(index)
    assert (np.stack([cell.frames for cell in cells[4:9:2]]) == forward[4:9:2]).all()
    assert (cells[-1].frames == forward[11]).all()
    for other in (SimulatedCells(SMALL, cells=8, seed=3), SimulatedCells(SMALL, cells=100_000, seed=3)):
        assert (other[7].frames == forward[7]).all()
        assert other.label(7) == cells.label(7)


def test_an_item_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from cytogate.model.design.design import FourAngle; "
        "from cytogate.model.simulation.simulator import *; "
        "cells = SimulatedCells(FourAngle(rows=64, columns=64), cells=40, seed=9); "
        "print([hashlib.sha256(cells[k].frames.tobytes()).hexdigest() for k in (31, 2, 17)])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    cells = SimulatedCells(SMALL, cells=40, seed=9)
    assert told.strip() == str([digest(cells[k].frames) for k in (31, 2, 17)])


def test_labels_are_balanced_in_every_block_and_shuffled() -> None:
    cells = SimulatedCells(TINY, cells=203, seed=1)
    assert cells.class_names == CLASS_NAMES
    assert len(cells.labels) == 203
    blocks = cells.labels[:200].reshape(40, 5)
    assert (np.sort(blocks, axis=1) == np.arange(5)).all()
    assert len({tuple(block) for block in blocks}) > 20
    assert [cells[k].label for k in (0, 101, 202)] == cells.labels[[0, 101, 202]].tolist()
    assert all(cells.cell(k).line == CLASS_NAMES[cells.label(k)] for k in range(20))
    three = SimulatedCells(TINY, ("MB231", "PBMC", "MCF7"), cells=9)
    assert (np.sort(three.labels.reshape(3, 3), axis=1) == np.arange(3)).all()
    assert three.cell(0).line == three.class_names[three.label(0)]


def test_another_seed_gives_other_cells() -> None:
    one, other = (SimulatedCells(SMALL, cells=20, seed=seed) for seed in (1, 2))
    assert (one.labels != other.labels).any()
    assert all((one[k].frames != other[k].frames).mean() > 0.5 for k in range(4))
    bare = [dataclasses.replace(each, noisy=False, shaded=False) for each in (one, other)]
    assert all((bare[0][k].frames != bare[1][k].frames).any() for k in range(4))


def test_difficulty_spreads_the_cells_of_a_class() -> None:
    spreads = []
    for difficulty in (0.0, 1.0, 2.0):
        cells = SimulatedCells(TINY, ("THP1",), cells=100, difficulty=difficulty)
        spreads.append(np.std([cells.cell(k).body.depth_um for k in range(100)]))
    assert spreads[0] == pytest.approx(0, abs=1e-12)
    assert spreads[2] == pytest.approx(2 * spreads[1], rel=0.05)
    easy, hard = (SimulatedCells(SMALL, cells=4, difficulty=difficulty) for difficulty in (0.0, 1.0))
    assert (easy[0].frames != hard[0].frames).any()


def test_frames_are_what_the_optics_make_of_the_phase() -> None:
    """Without shading and noise every one of 3 x 4 x 64 x 64 codes follows from phase and defocus."""
    cells = SimulatedCells(SMALL, cells=3, seed=4, shaded=False, noisy=False)
    for index in range(3):
        item = cells[index]
        assert item.phase.shape == (64, 64)
        assert item.phase.max() > 0.3
        intensities = four_angle_intensities(item.phase, SMALL, cells.cell(index).defocus_sds * SMALL.defocus_sd_um)
        assert (item.frames == digitise(intensities, SMALL)).all()
    assert len({cells.cell(k).defocus_sds for k in range(3)}) == 3


def test_codes_have_the_type_of_the_adc() -> None:
    for bits, kind in ((8, np.uint8), (12, np.uint16)):
        cells = SimulatedCells(dataclasses.replace(SMALL, adc_bits=bits), cells=2)
        frames = cells[0].frames
        assert frames.dtype == kind
        assert frames.shape == cells.frame_shape == (4, 64, 64)
        assert 0.5 * 2**bits / 2.2 < np.median(frames) < 1.5 * 2**bits / 2.2


def test_the_empty_field_holds_no_cell() -> None:
    plain = SimulatedCells(SMALL, cells=5, shaded=False, noisy=False)
    assert (plain.empty_field(3) == round(255 / SMALL.full_scale)).all()
    assert np.ptp(plain[3].frames) > 20
    # Lymphocytes in a field of 24 um: 4 um within its rim there is no cell, hence the shading alone.
    shaded = SimulatedCells(FourAngle(rows=160, columns=160), ("PBMC",), cells=5, seed=6, noisy=False)
    item = shaded[2]
    assert not item.phase[:27].any()
    difference = item.frames.astype(int) - shaded.empty_field(2)
    assert np.abs(difference[:, :20]).max() <= 4
    assert np.abs(difference).max() > 20
    assert np.ptp(shaded.empty_field(2), axis=(1, 2)).min() > 3


def test_a_run_has_one_shading() -> None:
    """By default each cell has its own; noise differs in any case."""
    own = SimulatedCells(SMALL, cells=6, seed=6, noisy=False)
    assert (own.empty_field(0) != own.empty_field(1)).any()
    run = dataclasses.replace(own, run=8)
    assert (run.empty_field(0) == run.empty_field(5)).all()
    assert (dataclasses.replace(run, seed=7).empty_field(0) == run.empty_field(0)).all()
    assert (dataclasses.replace(run, run=9).empty_field(0) != run.empty_field(0)).any()
    noisy = dataclasses.replace(run, noisy=True)
    assert (noisy.empty_field(0) != noisy.empty_field(1)).any()


def test_runs_share_shading_and_gains() -> None:
    """Every class comes from every run; cells themselves are those of a set without runs."""
    own = SimulatedCells(SMALL, cells=60, seed=6, noisy=False)
    cells = dataclasses.replace(own, runs=3)
    runs = np.array([cells.run_of(index) for index in range(60)])
    assert [np.bincount(cells.labels[runs == run]).tolist() for run in range(3)] == [[4] * 5] * 3
    first, again, other = (int(np.flatnonzero(runs == run)[place]) for run, place in ((0, 0), (0, -1), (1, 0)))
    assert (cells.empty_field(first) == cells.empty_field(again)).all()
    assert (cells.empty_field(first) != cells.empty_field(other)).any()
    assert (cells.phase(again) == own.phase(again)).all()
    # Gains of the arms, and not the shading alone, which is 1 on average.
    gains = np.stack([cells.gains(index)[:, 0, 0] for index in (first, other)])
    brightness = np.stack([cells.empty_field(index).mean(axis=(1, 2)) for index in (first, other)])
    assert brightness == pytest.approx(gains * 255 / SMALL.full_scale, rel=0.01)
    assert np.ptp(gains, axis=1).min() > 0.01
    many = dataclasses.replace(own, cells=3000, runs=600)
    drawn = np.stack([many.gains(index)[:, 0, 0] for index in range(0, 3000, 5)])
    assert drawn.mean(axis=1).std() == pytest.approx(np.hypot(RUN_GAIN_SD, ARM_GAIN_SD / 2), rel=0.1)


def test_it_is_a_sequence() -> None:
    cells = SimulatedCells(TINY, cells=3)
    assert len(cells) == 3
    assert len(list(cells)) == 3
    for index in (3, -4):
        for ask in (cells.__getitem__, cells.label, cells.cell, cells.phase, cells.empty_field):
            with pytest.raises(IndexError, match=f"cell {index} of 3"):
                ask(index)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cells": 0}, "0 cells cannot be simulated"),
        ({"cells": -5}, "-5 cells cannot be simulated"),
        ({"seed": -1}, "seed is -1; it must be 0 to"),
        ({"seed": 2**63}, "seed is 9223372036854775808; it must be 0 to"),
        ({"run": -1}, "run is -1; it must be 0 to"),
        ({"runs": 0}, "runs is 0; 1000 cells come from 1 to 1000 runs"),
        ({"runs": 3, "run": 4}, "run is 4 and runs is 3; cells share one run or come from several"),
        ({"difficulty": -0.1}, "difficulty is -0.1; it must be 0 to 10"),
        ({"difficulty": MAX_DIFFICULTY + 1}, "difficulty is 11.0; it must be 0 to 10"),
        ({"difficulty": float("nan")}, "difficulty is nan"),
        ({"difficulty": float("inf")}, "difficulty is inf"),
        ({"class_names": ()}, "must be named, each once"),
        ({"class_names": ("MCF7", "MCF7")}, "must be named, each once"),
        ({"class_names": ("MCF7", "HeLa")}, "no simulated cell line named HeLa; known are MCF7"),
    ],
)
def test_invalid_requests_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SimulatedCells(TINY, **wrong)  # type: ignore[arg-type]


def test_the_greatest_difficulty_still_makes_cells() -> None:
    cells = SimulatedCells(SMALL, cells=20, difficulty=MAX_DIFFICULTY)
    assert all(np.isfinite(cells.phase(k)).all() and cells.cell(k).index > MEDIUM_INDEX for k in range(20))


SUFFIXES = (".h5", ".hdf5", ".tif", ".tiff")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("adc_bits", [8, 12])
def test_a_file_holds_every_code(suffix: str, adc_bits: int, tmp_path: Path) -> None:
    """6 cells of 4 x 24 x 32 codes."""
    acquisition = dataclasses.replace(TINY, adc_bits=adc_bits)
    cells = SimulatedCells(acquisition, ("MB231", "PBMC", "OST"), cells=6, seed=2)
    path = tmp_path / f"cells{suffix}"
    write_cells(cells, path, workers=1)
    with open_frames(path, acquisition) as file:
        assert file.shape == (6, 4, 24, 32)
        read = file.read(0, 6)
        assert read.dtype == cells[0].frames.dtype
        assert np.count_nonzero(read == cells_of(cells)) == 6 * 4 * 24 * 32
        assert (translated(file.container, file.found, ("OST", "PBMC", "MB231")) == 2 - cells.labels).all()
    with open_frames(path, acquisition) as file:
        assert (file.labels == cells.labels).all()
        assert file.class_names == cells.class_names
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def described(path: Path) -> dict[str, object]:
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            assert [page.description for page in tiff.pages[1:]] == [""] * (len(tiff.pages) - 1)
            return dict(json.loads(tiff.pages[0].description))
    with h5py.File(path) as hdf5:
        assert hdf5["frames"].chunks == (1, 4, 24, 32)
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in hdf5.attrs.items()}


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_a_file_says_how_it_was_made(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells{suffix}"
    write_cells(SimulatedCells(TINY, cells=2, seed=2**63 - 1, difficulty=0.5), path, workers=1)
    told = described(path)
    assert told["simulated"] is True
    assert (told["seed"], told["difficulty"], told["run"]) == (2**63 - 1, 0.5, "one a cell")
    assert json.loads(str(told["optics"])) == dataclasses.asdict(TINY)
    assert told["version"]


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_a_file_calls_classes_as_asked(suffix: str, tmp_path: Path) -> None:
    """By ``simulate --classes``; the cells are those of the lines, in the order of the names."""
    design = load_design("qatom64")
    path = tmp_path / f"cells{suffix}"
    assert main(["simulate", "--classes", "tumour=MCF7,PBMC,THP 1=THP1", "--cells", "3", "--output", str(path)]) == 0
    cells = SimulatedCells(design.four_angle, ("MCF7", "PBMC", "THP1"), cells=3)
    with open_frames(path, design.four_angle) as file:
        assert file.class_names == ("tumour", "PBMC", "THP 1")
        assert (file.labels == cells.labels).all()
        assert (file.read(0, 3) == cells_of(cells)).all()


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ("tumour=MCF8,PBMC", "there is no simulated cell line named MCF8"),
        ("=MCF7,PBMC", "class_names holds ''"),
        ("a=MCF7,a=PBMC", "class_names holds 'a' twice"),
        ("a=MCF7,b=MCF7", "classes to simulate must be named, each once"),
    ],
)
def test_names_of_classes_that_cannot_be(
    classes: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cells.h5"
    assert main(["simulate", "--classes", classes, "--cells", "2", "--output", str(path)]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_a_background_file_has_no_labels(suffix: str, tmp_path: Path) -> None:
    cells = SimulatedCells(TINY, cells=3, run=4)
    path = tmp_path / f"background{suffix}"
    write_cells(cells, path, empty_field=True, workers=1)
    with open_frames(path, TINY) as file:
        assert (file.labels, file.class_names) == (None, None)
        assert (file.read(0, 3) == np.stack([cells.empty_field(k) for k in range(3)])).all()


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_the_number_of_processes_changes_nothing(suffix: str, tmp_path: Path) -> None:
    """19 cells, batches of 8, every byte of the file."""
    cells = SimulatedCells(TINY, cells=19, seed=5)
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    write_cells(cells, one, workers=1)
    write_cells(cells, two, workers=2)
    assert one.read_bytes() == two.read_bytes()


KILLED = 320
KILLABLE = """
import sys
from pathlib import Path
from cytogate.model.simulation.write import write_cells
from cytogate.model.design.design import FourAngle
from cytogate.model.simulation.simulator import SimulatedCells
write_cells(SimulatedCells(FourAngle(rows=64, columns=64), cells=int(sys.argv[2]), seed=7), Path(sys.argv[1]))
"""


def gathering(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_writer(path: Path) -> None:
    """Start writing and kill the process, two workers beneath it, once some cells are finished."""
    writer = subprocess.Popen([sys.executable, "-c", KILLABLE, str(path), str(KILLED)], stderr=subprocess.DEVNULL)
    patience = time.monotonic() + 60
    while not (gathering(path).exists() and gathering(path).stat().st_size > 24 * 4 * 64 * 64):
        assert writer.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.002)
    below = Path(f"/proc/{writer.pid}/task/{writer.pid}/children").read_text(encoding="utf-8").split()
    workers = [int(each) for each in below]
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    assert len(workers) >= 2
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < patience
        time.sleep(0.01)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the cells that are simulated from here on, in this process."""
    numbers: list[int] = []
    original = SimulatedCells.__getitem__

    def counted(self: SimulatedCells, index: int) -> object:
        numbers.append(index)
        return original(self, index)

    monkeypatch.setattr(SimulatedCells, "__getitem__", counted)
    return numbers


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "cells.h5"
    write_cells(SimulatedCells(SMALL, cells=KILLED, seed=7), path)
    return path


def test_a_killed_run_is_picked_up(
    uninterrupted: Path, tmp_path: Path, simulated: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL in the middle, workers end too, then every byte of the file; finished cells are not made again."""
    path = tmp_path / "cells.h5"
    kill_writer(path)
    assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == [gathering(path).name]
    write_cells(SimulatedCells(SMALL, cells=KILLED, seed=7), path, workers=1)
    finished = simulated[0]
    assert 24 <= finished < KILLED
    assert simulated == list(range(finished, KILLED))
    assert f"continuing after {finished} finished cells" in capsys.readouterr().err
    assert path.read_bytes() == uninterrupted.read_bytes()
    assert not gathering(path).exists()


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    original = SimulatedCells.__getitem__

    def interrupted(self: SimulatedCells, index: int) -> object:
        if index == number:
            raise error
        return original(self, index)

    monkeypatch.setattr(SimulatedCells, "__getitem__", interrupted)


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_an_interrupted_run_leaves_the_earlier_file(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"cells{suffix}"
    earlier, cells = SimulatedCells(TINY, cells=2), SimulatedCells(TINY, cells=20, seed=1)
    write_cells(earlier, path, workers=1)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        interrupt_at(17, patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_cells(cells, path, workers=1)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == [gathering(path).name, path.name]
    write_cells(cells, path, workers=1)
    with open_frames(path, TINY) as file:
        assert (file.read(0, 20) == cells_of(cells)).all()


@pytest.mark.parametrize("torn", [1, 2 * 4 * 24 * 32 - 1, 3 * 4 * 24 * 32 + 1000])
def test_a_torn_cell_is_made_again(
    torn: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[int]
) -> None:
    """The last write got ``torn`` bytes less far than the 8 whole cells it meant to store."""
    path, cells = tmp_path / "cells.h5", SimulatedCells(TINY, cells=10)
    with monkeypatch.context() as patch:
        interrupt_at(8, patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_cells(cells, path, workers=1)
    with gathering(path).open("r+b") as file:
        file.truncate(gathering(path).stat().st_size - torn)
    del simulated[:]
    write_cells(cells, path, workers=1)
    assert simulated == list(range(8 - (torn + 4 * 24 * 32 - 1) // (4 * 24 * 32), 10))
    with open_frames(path, TINY) as opened:
        assert (opened.read(0, 10) == cells_of(cells)).all()


@pytest.mark.parametrize(
    "changed", [{"seed": 8}, {"difficulty": 2.0}, {"class_names": ("PBMC", "MCF7")}, {"acquisition": SMALL}, {"run": 0}]
)
def test_a_changed_request_starts_over(
    changed: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cells = tmp_path / "cells.h5", SimulatedCells(TINY, cells=10)
    with monkeypatch.context() as patch:
        interrupt_at(9, patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_cells(cells, path, workers=1)
    capsys.readouterr()
    other = dataclasses.replace(cells, **changed)  # type: ignore[arg-type]
    write_cells(other, path, workers=1)
    said = capsys.readouterr().err
    assert "cells.h5: unfinished cells of another request were there; starting over" in said
    assert "continuing" not in said
    with open_frames(path, other.acquisition) as file:
        assert (file.read(0, 10) == cells_of(other)).all()


@pytest.mark.parametrize("count", [5, 14])
def test_fewer_or_more_cells_are_the_same_request(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[int]
) -> None:
    path, cells = tmp_path / "cells.h5", SimulatedCells(TINY, cells=10)
    with monkeypatch.context() as patch:
        interrupt_at(8, patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_cells(cells, path, workers=1)
    del simulated[:]
    other = dataclasses.replace(cells, cells=count)
    write_cells(other, path, workers=1)
    assert simulated == list(range(8, count))
    with open_frames(path, TINY) as file:
        assert (file.read(0, count) == cells_of(other)).all()


@pytest.mark.parametrize("suffix", [".h5", ".tif"])
def test_a_full_disk_is_one_sentence_and_loses_nothing(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: list[int]
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    path, cells = tmp_path / f"cells{suffix}", SimulatedCells(TINY, cells=4)
    with monkeypatch.context() as patch:
        patch.setattr(h5py.Dataset, "__setitem__", full)
        patch.setattr(tifffile.TiffWriter, "write", full)
        with pytest.raises(InputError, match=rf"cells{suffix}: cannot be written: No space left on device"):
            write_cells(cells, path, workers=1)
    assert [each.name for each in tmp_path.iterdir()] == [gathering(path).name]
    del simulated[:]
    write_cells(cells, path, workers=1)
    assert not simulated


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path, cells = tmp_path / "cells.h5", SimulatedCells(TINY, cells=2)
    with gathering(path).open("wb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=r"cells.h5: another process is writing this file"):
            write_cells(cells, path, workers=1)
        assert not path.exists()
    write_cells(cells, path, workers=1)
    assert path.exists()


@pytest.mark.parametrize("name", ["cells.npz", "cells", "cells.h5.gz"])
def test_another_kind_of_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name}: simulated cells are written as .h5, .hdf5, .tif or .tiff"):
        write_cells(SimulatedCells(TINY, cells=2), tmp_path / name, workers=1)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.h5").mkdir()
    cells = SimulatedCells(TINY, cells=2)
    with pytest.raises(InputError, match=r"file/cells.h5: cannot be written: "):
        write_cells(cells, tmp_path / "file" / "cells.h5", workers=1)
    with pytest.raises(InputError, match=r"folder.h5: this is a folder"):
        write_cells(cells, tmp_path / "folder.h5", workers=1)
    with pytest.raises(InputError, match=r"cannot be written: File name too long"):
        write_cells(cells, tmp_path / f"{'n' * 300}.h5", workers=1)
    # Where not even root may write.
    with pytest.raises(InputError, match=r"^/proc/self/cells.h5: cannot be written: "):
        write_cells(cells, Path("/proc/self/cells.h5"), workers=1)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder.h5"]


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "newer" / "cells.TIF"
    write_cells(SimulatedCells(TINY, cells=1), path, workers=1)
    assert path.exists()


def test_the_command_writes_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames of the design, 2 x 4 x 305 x 305 codes."""
    path = tmp_path / "two.h5"
    words = ["--cells", "2", "--seed", "11", "--classes", "MB231,PBMC", "--difficulty", "0.5", "--output", str(path)]
    assert main(["simulate", *words]) == 0
    assert capsys.readouterr().out == f"{path}: 2 simulated cells\n"
    cells = SimulatedCells(class_names=("MB231", "PBMC"), cells=2, seed=11, difficulty=0.5)
    with open_frames(path, FourAngle()) as file:
        assert file.class_names == ("MB231", "PBMC")
        assert (file.labels == cells.labels).all()
        assert np.count_nonzero(file.read(0, 2) == cells_of(cells)) == 2 * 4 * 305 * 305


def test_the_command_writes_the_empty_field_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "background.tif"
    assert main(["simulate", "--cells", "1", "--run", "3", "--empty-field", "--output", str(path)]) == 0
    with open_frames(path, FourAngle()) as file:
        assert (file.read(0, 1)[0] == SimulatedCells(cells=1, run=3).empty_field(0)).all()


def test_an_empty_field_needs_no_class_that_is_simulated(tmp_path: Path) -> None:
    folder, path = tmp_path / "lab", tmp_path / "empty.h5"
    assert main(["new", str(folder), "--classes", "small,large"]) == 0
    told = ["simulate", "--design", str(folder), "--cells", "1", "--run", "3", "--output", str(path)]
    assert main(told) == 2
    assert main([*told, "--empty-field"]) == 0
    with open_frames(path, FourAngle()) as file:
        assert (file.read(0, 1)[0] == SimulatedCells(cells=1, run=3).empty_field(0)).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cells", "-3"], "argument --cells: it is -3; a whole number from 1 to 1000000000000 is needed"),
        (["--classes", "MCF7,HeLa"], "there is no simulated cell line named HeLa; known are"),
        (["--classes", "MCF7,MCF7"], "classes to simulate must be named, each once"),
        (["--classes", ""], "there is no simulated cell line named"),
        (["--seed", "-1"], "argument --seed: it is -1; a whole number from 0 to"),
        (["--difficulty", "nan"], "difficulty is nan; it must be 0 to 10"),
        (["--design", "nothing"], "there is no design named nothing"),
    ],
)
def test_the_command_refuses_nonsense(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *words, "--output", str(tmp_path / "cells.h5")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"cytogate simulate: {said}")
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
