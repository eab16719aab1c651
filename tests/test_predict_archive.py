"""Whole archives through ``cytogate predict``: the rows of single files, whatever happens to workers and to files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import zarr

from cytogate.model.command.dispatch import main
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.networks.saved import save_network
from cytogate.model.predict import archive
from cytogate.model.simulation.simulator import SimulatedCells
from tests.test_networks import design_network

FILES = {"day 1/a.h5": 30, "day 1/b.h5": 21, "day 2/c.zarr": 25, "day 2/a.h5": 4}
PARTITION = 8


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design with a network of made-up weights, and an archive of simulated cells, one of which is saturated."""
    here = tmp_path_factory.mktemp("archive")
    assert main(["new", str(here / "own"), "--like", "qatom64"]) == 0
    design = load_design(here / "own")
    save_network(design_network(design, seed=4), design, True)
    for number, (name, count) in enumerate(FILES.items()):
        cells = SimulatedCells(design.four_angle, design.network.class_names, count, 50 + number)
        frames = np.stack([cell.frames for cell in cells])
        path = here / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zarr":
            zarr.open_group(path, mode="w").create_array("frames", data=frames, chunks=(4, *frames.shape[1:]))
            continue
        if name == "day 1/b.h5":
            frames[7] = 255
        with h5py.File(path, "w") as file:
            file["frames"], file["labels"] = frames, cells.labels
            file["class_names"] = np.array(design.network.class_names, "S")
    return here


@pytest.fixture(autouse=True)
def small_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PARTITION_CELLS", PARTITION)


def predicted(here: Path, output: Path, *options: str, given: Path | None = None) -> int:
    return main(
        ["predict", "--design", str(here / "own"), "--input", str(given or here / "archive"), "--output", str(output),
         *options]
    )  # fmt: skip


def rows(folder: Path) -> dict[tuple[str, int], dict[str, object]]:
    """Return the rows of a set by file and cell; none is there twice."""
    table = pq.read_table(folder).to_pylist()
    found = {(row["file"], row["cell"]): row for row in table}
    assert len(found) == len(table)
    return found


def set_aside(folder: Path, begin: str) -> list[int]:
    """Return the cells in partitions that were set aside and whose names begin so, sorted."""
    paths = folder.glob(f"{archive.SUPERSEDED}{begin}-*.parquet")
    return sorted(row["cell"] for path in paths for row in pq.read_table(path).to_pylist())


@pytest.fixture(scope="module")
def by_one(here: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], dict[str, object]]:
    """Rows by one worker."""
    output = tmp_path_factory.mktemp("one") / "set"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "PARTITION_CELLS", PARTITION)
        assert predicted(here, output, "--workers", "1") == 0
    return rows(output)


def test_rows_are_those_of_single_files(here: Path, by_one: dict, tmp_path: Path) -> None:
    assert len(by_one) == sum(FILES.values())
    compared = 0
    for name in FILES:
        path = tmp_path / "single.parquet"
        assert predicted(here, path, given=here / "archive" / name) == 0
        for row in pq.read_table(path).to_pylist():
            due = by_one[name, row["cell"]]
            assert {"label": None} | row == {key: value for key, value in due.items() if key != "file"}
            compared += len(row)
    assert compared > 20 * sum(FILES.values())
    assert "all of its pixels are 255" in str(by_one["day 1/b.h5", 7]["fault"])


def test_two_workers_one_of_which_is_killed_give_the_rows_of_one(here: Path, by_one: dict, tmp_path: Path) -> None:
    output, killed = tmp_path / "set", []

    def kill() -> None:
        """Kill a worker as soon as there is a first partition."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not killed:
            if list(output.glob("*.parquet")):
                workers = [
                    child for child in psutil.Process().children(recursive=True)
                    if any("spawn_main" in part for part in child.cmdline())
                ]  # fmt: skip
                if workers:
                    os.kill(workers[-1].pid, signal.SIGKILL)
                    killed.append(workers[-1].pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    assert predicted(here, output, "--workers", "2") == 0
    killer.join()
    assert killed
    assert rows(output) == by_one


def test_rows_of_what_a_file_held_before_do_not_stay(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set that lies beside its output, and changes: files get shorter, wrong, or go, a Zarr is filled anew."""
    given, output = tmp_path / "archive", tmp_path / "archive" / "set"
    shutil.copytree(here / "archive", given)
    assert predicted(here, output, "--workers", "1", given=given) == 0
    before = rows(output)
    # The same once more: nothing is made anew, and the output is no input.
    assert predicted(here, output, "--workers", "1", given=given) == 0
    assert f"{len(before):,} of them were there" in capsys.readouterr().out
    assert rows(output) == before
    assert predicted(here, output, "--workers", "1", "--cells", "3", given=given) == 0
    assert "are set aside" in capsys.readouterr().out
    assert set(rows(output)) == {(name, cell) for name, cell in before if cell < 3}
    (given / "day 1/b.h5").write_bytes(b"no file of cells")
    (given / "day 1/a.h5").unlink()
    assert predicted(here, output, "--workers", "1", "--cells", "3", given=given) == 1
    told = capsys.readouterr().out
    assert "day 1/b.h5: not classified" in told
    assert "holds 1 partitions of files that are not in the archive" in told
    assert "day 1/b.h5" not in {name for name, _ in rows(output)}
    # Nothing that was computed is lost, and nothing of it is taken for the present.
    assert set_aside(output, "b") == sorted([*(cell for name, cell in before if name == "day 1/b.h5"), 0, 1, 2])


def test_rows_are_set_aside_before_others_of_their_names_are_made(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay even where nothing comes in their place, and however often that is repeated."""
    given, output = tmp_path / "archive", tmp_path / "set"
    (given / "day 1").mkdir(parents=True)
    path = shutil.copy(here / "archive" / "day 1/b.h5", given / "day 1")
    cells = list(range(FILES["day 1/b.h5"]))
    options = ("--workers", "1")
    assert predicted(here, output, *options, given=given) == 0

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    os.utime(path, (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_classified", interrupted)
        assert predicted(here, output, *options, given=given) == 130
    assert not set(output.glob("b-*"))
    assert set_aside(output, "b") == cells
    assert predicted(here, output, *options, given=given) == 0
    os.utime(path, (2, 2))
    assert predicted(here, output, *options, given=given) == 0
    assert set_aside(output, "b") == sorted(2 * cells)
    assert sorted(cell for _, cell in rows(output)) == cells


def test_a_file_that_is_written_anew_within_a_folder_is_seen(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "set.zarr")
    group.create_array("frames", data=np.zeros((4, 4, 8, 8), np.uint8), chunks=(1, 4, 8, 8))
    states = [archive._state(tmp_path / "set.zarr")]
    chunk = max((each for each in (tmp_path / "set.zarr/frames").rglob("*") if each.is_file()), key=str)
    for change in (lambda: os.utime(chunk, (1, 1)), lambda: chunk.write_bytes(b"other"), chunk.unlink):
        change()
        states.append(archive._state(tmp_path / "set.zarr"))
    assert len(set(states)) == 4


INTERRUPTED = """
import sys
from cytogate.model.command.dispatch import main
from cytogate.model.predict import archive
archive.PARTITION_CELLS = {size}
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


LOSING = """
import logging
from types import SimpleNamespace
from cytogate.model.predict import archive
def lose_the_scheduler():
    try:
        raise OSError("Stream is closed")
    except OSError:
        for name in ("worker", "core", "nanny", "scheduler"):
            logging.getLogger(f"distributed.{name}").exception("Failed to communicate.")
if __name__ == "__main__":
    with archive._client(SimpleNamespace(scheduler=None, workers=1)) as client:
        assert client.submit(lose_the_scheduler).result(timeout=60) is None
        lose_the_scheduler()
    print("done")
"""


def test_no_process_prints_a_traceback(tmp_path: Path) -> None:
    """Of an unanswered heartbeat, as in a run that is interrupted: no worker, nor the process of their scheduler."""
    script = tmp_path / "script.py"
    script.write_text(LOSING, encoding="ascii")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "done\n"
    assert "Traceback" not in done.stderr


def test_an_interrupted_run_ends_and_goes_on_later(here: Path, by_one: dict, tmp_path: Path) -> None:
    """As Ctrl-C in a terminal does, which reaches the workers, too."""
    output, script = tmp_path / "set", tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(size=PARTITION), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), "predict", "--design", str(here / "own"), "--input", str(here / "archive"),
         "--output", str(output), "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list(output.glob("*.parquet")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    made = sorted(output.glob("*.parquet"))
    before = {path: path.stat().st_mtime_ns for path in made}
    assert 0 < len(made) < sum(-(-count // PARTITION) for count in FILES.values())
    assert predicted(here, output, "--workers", "1") == 0
    assert {path: path.stat().st_mtime_ns for path in made} == before
    assert rows(output) == by_one


def test_a_second_run_makes_what_is_missing_alone(
    here: Path, by_one: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "set"
    assert predicted(here, output, "--workers", "1") == 0
    files = sorted(output.glob("*.parquet"))
    assert len(files) == sum(-(-count // PARTITION) for count in FILES.values())
    before = {path: path.stat().st_mtime_ns for path in files}
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:300])
    capsys.readouterr()
    assert predicted(here, output, "--workers", "1") == 0
    assert "of them were there" in capsys.readouterr().out
    assert [path for path in files if path.stat().st_mtime_ns != before[path]] == files[:2]
    assert rows(output) == by_one


def test_a_file_that_was_written_anew_is_classified_anew(here: Path, tmp_path: Path) -> None:
    given = tmp_path / "cells.h5"
    shutil.copy(here / "archive" / "day 1" / "a.h5", given)
    assert predicted(here, tmp_path / "set", "--workers", "1", given=given) == 0
    first = rows(tmp_path / "set")
    shutil.copy(here / "archive" / "day 1" / "b.h5", given)
    assert predicted(here, tmp_path / "set", "--workers", "1", "--cells", "20", given=given) == 0
    found = rows(tmp_path / "set")
    assert [found["cells.h5", cell]["fault"] is not None for cell in range(8)] == [False] * 7 + [True]
    assert first["cells.h5", 0] != found["cells.h5", 0]


def test_one_failed_file_is_told_and_not_fatal(
    here: Path, by_one: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "archive"
    shutil.copytree(here / "archive", given)
    whole = (given / "day 1" / "b.h5").read_bytes()
    (given / "day 1" / "b.h5").write_bytes(whole[: len(whole) // 3])
    (given / "day 2" / "notes.txt").write_text("two samples were swapped", encoding="utf-8")
    assert predicted(here, tmp_path / "set", "--workers", "1", given=given) == 1
    said = capsys.readouterr()
    assert "day 1/b.h5: not classified:" in said.out
    assert "day 2/notes.txt: not classified:" in said.out
    assert "2 of 5 files" in said.err
    assert rows(tmp_path / "set") == {key: row for key, row in by_one.items() if key[0] != "day 1/b.h5"}
    report = json.loads((tmp_path / "set" / archive.REPORT).read_text(encoding="utf-8"))
    assert sorted(report["failed"]) == ["day 1/b.h5", "day 2/notes.txt"]
    assert report["rows"] == sum(report["classes"].values()) + report["faulty"] == sum(FILES.values()) - 21


def test_a_scheduler_of_ones_own_is_used(here: Path, by_one: dict, tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        assert predicted(here, tmp_path / "set", "--scheduler", cluster.scheduler_address) == 0
        assert len(cluster.workers) == 1, "it is left as it was"
    assert rows(tmp_path / "set") == by_one


def test_what_cannot_be_is_told(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(archive, "CONNECT_S", 1)
    for options, said in (
        (("--scheduler", "tcp://127.0.0.1:9"), "no Dask scheduler answers"),
        (("--scheduler", "nowhere"), "no Dask scheduler answers"),
        (("--scheduler", "tcp://127.0.0.1:9", "--workers", "2"), "a scheduler has workers of its own"),
    ):
        assert predicted(here, tmp_path / "set", *options) == 2
        assert said in capsys.readouterr().err
    assert predicted(here, tmp_path / "one.csv", "--workers", "2") == 2
    assert "let --output name a folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        archive.archive_files(tmp_path / "empty")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    """Round in a circle, out of the archive, to a folder that is in it already; one to a file is a file."""
    inside, outside = tmp_path / "archive" / "day", tmp_path / "outside"
    for folder in (inside, outside, outside / "set.zarr"):
        folder.mkdir(parents=True)
    for path in (inside / "a.h5", outside / "b.h5", outside / "set.zarr" / ".zarray"):
        path.touch()
    (inside / "up").symlink_to(tmp_path / "archive", target_is_directory=True)
    (inside / "out").symlink_to(outside, target_is_directory=True)
    (inside / "out.zarr").symlink_to(outside / "set.zarr", target_is_directory=True)
    (inside.parent / "again").symlink_to(inside, target_is_directory=True)
    (inside / "c.h5").symlink_to(outside / "b.h5")
    assert archive.archive_files(tmp_path / "archive") == [inside / "a.h5", inside / "c.h5"]


def test_a_folder_of_pictures_is_one_set(tmp_path: Path) -> None:
    for name in ("a/cell1.tif", "b/cell2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert archive.archive_files(tmp_path) == [tmp_path]
    (tmp_path / "cells.h5").touch()
    (tmp_path / ".hidden.h5").touch()
    assert len(archive.archive_files(tmp_path)) == 3
