"""Files appear whole or not at all; what killed processes leave goes; a disk that takes nothing is one sentence."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cytogate.host.stream.run_folder import run_folder
from cytogate.model.command import files as files_module
from cytogate.model.command import locks
from cytogate.model.command.files import HOST, remove_partials, temporary_folder, whole_file, whole_folder
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.terminal import spelled
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_cells


def gone() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').resolve().name}")
        real_sync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        done.append(f"rename to {target.name}")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    with whole_file(tmp_path / "a.json") as partial:
        partial.write_text("{}")
    assert done == [f"sync {partial.name}", "rename to a.json", f"sync {tmp_path.name}"]


def test_what_killed_processes_left_unfinished_is_removed(tmp_path: Path) -> None:
    left = [
        tmp_path / f".{name}.{HOST}-{gone()}-7.partial{suffix}" for name, suffix in (("a.npz", ".npz"), ("plain", ""))
    ]
    for path in left:
        path.write_bytes(b"half")
    folder = tmp_path / f".shards.{HOST}-{gone()}-7.partial"
    folder.mkdir()
    (folder / "part").write_bytes(b"half")
    for end in (".0.o", ".h5.weights.h5"):
        left.append(tmp_path / f".kernel-1f.so.{HOST}-{gone()}-7.partial{end}")
        left[-1].write_bytes(b"half")
    others = [f".b.npz.{HOST}-{os.getpid()}-7.partial.npz", ".cells.h5.partial", "a.1.partial"]
    # A disk may be shared: what runs on another computer is not known here.
    others += [f".b.npz.other_{HOST}-{gone()}-7.partial.npz", f".d.other-{os.getpid()}-7.partial"]
    kept = [tmp_path / name for name in others]
    for path in kept:
        path.write_bytes(b"of a living process, to go on with, of another computer, or of another kind")
    with whole_file(tmp_path / "c.npz") as partial:
        partial.write_bytes(b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "c.npz"])
    remove_partials(tmp_path / "nothing")


def test_threads_that_write_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def write(number: int) -> None:
        with whole_file(tmp_path / "a.json") as partial:
            together.wait(60)
            partial.write_text(str(number) * 1000)
            together.wait(60)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    assert len(text) == 1000
    assert len(set(text)) == 1


def test_a_folder_replaces_another_one_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "network"

    def fill(name: str) -> None:
        with whole_folder(place, replacing=True) as partial:
            (partial / name).touch()

    fill("first")
    fill("second")
    assert [path.name for path in place.iterdir()] == ["second"]
    with pytest.raises(InputError, match="network: is there already"), whole_folder(place):
        pass
    with (
        pytest.raises(InputError, match="network: cannot be written: No such file"),
        whole_folder(place, replacing=True) as partial,
    ):
        (partial / "no" / "folder").touch()
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if target == place and (path / "third").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(InputError, match="network: cannot be written"):
        fill("third")
    assert [path.name for path in place.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [place]


BUILDING = """
import sys
from pathlib import Path
from cytogate.model.command.locks import sole_builder
with sole_builder(Path(sys.argv[1])):
    print("builds", flush=True)
    sys.stdin.readline()
"""


def test_one_command_at_a_time_builds_in_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one says that it waits, goes on when the first has ended, however that ends, or gives up."""
    command = [sys.executable, "-c", BUILDING, str(tmp_path / "build")]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "builds\n"
        with (
            pytest.raises(InputError, match=r"build: another command has been building there for 0 minutes"),
            sole_builder(tmp_path / "build", 0.5),
        ):
            pass
        assert "another command builds there; waiting for it" in capsys.readouterr().out
        with sole_builder(tmp_path / "other"):
            pass
        killing = threading.Timer(1, first.kill)
        killing.start()
        with sole_builder(tmp_path / "build"):
            pass
        killing.join()
    finally:
        first.kill()
        first.communicate()
    with sole_builder(tmp_path / "build"):
        pass


def test_no_folder_is_left_where_nothing_was_built(tmp_path: Path) -> None:
    """But those that were there, or in which something came to lie; who waits meanwhile has the folder to itself."""
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(InputError, match="bad"), sole_builder(there / "out" / "build"):
        raise InputError("bad")
    assert list(there.iterdir()) == []
    with sole_builder(there):
        pass
    with sole_builder(there / "out" / "build"):
        (there / "out" / "report.json").touch()
    assert [each.name for each in (there / "out").iterdir()] == ["report.json"]
    inside, most = [], []

    def build() -> None:
        for _ in range(20):
            with sole_builder(tmp_path / "a" / "b"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(build) for _ in range(4)]:
            done.result()
    assert most == [1] * 80
    (tmp_path / ".lock").symlink_to("no/such/file")
    with pytest.raises(InputError, match="lock: cannot be written: No such file"), sole_builder(tmp_path):
        pass


HOLDING = """
import sys, time
from pathlib import Path
from cytogate.model.command.files import temporary_folder
with temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "bitstream").write_text("large")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_temporary_folders_of_killed_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLDING, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [Path(process.stdout.readline().strip()) for process in processes if process.stdout]
    (tmp_path / "cytogate-mine").mkdir()
    processes[0].send_signal(signal.SIGKILL)
    processes[0].wait()
    with temporary_folder(tmp_path) as folder:
        assert sorted(tmp_path.iterdir()) == sorted([folder, folders[1], tmp_path / "cytogate-mine"])
    assert not folder.exists()
    processes[1].kill()
    processes[1].wait()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_nothing_is_one_sentence(
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: Callable[[BaseException | None], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Through the one writer of files, and in a verb that writes in another way."""
    refusal = OSError(code, os.strerror(code))

    def refuse(path: Path) -> None:
        raise refusal

    with monkeypatch.context() as patch:
        patch.setattr(files_module, "_sync", refuse)
        with (
            pytest.raises(InputError, match=f"a.json: cannot be written: {os.strerror(code)}"),
            whole_file(tmp_path / "a.json") as partial,
        ):
            partial.write_text("{}")
    assert not [*tmp_path.iterdir()]

    assert ends(refusal) == 2
    assert capsys.readouterr().err == f"cytogate work: the disk: cannot be written or read: {os.strerror(code)}\n"


def test_names_in_any_bytes_can_be_printed() -> None:
    assert spelled(os.fsdecode("Zellen_f\u00fcr".encode("latin-1"))) == "Zellen_f\\xfcr"
    assert spelled("\u7ec6\u80de [bold]") == "\u7ec6\u80de [bold]"


@pytest.mark.parametrize("who", ["lock", "stream", "simulated cells"])
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EWOULDBLOCK])
def test_a_file_system_without_locks_is_no_other_command(
    number: int, who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that it would block says that another one has the lock."""

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks.fcntl, "flock", refused)
    if number == errno.EWOULDBLOCK:
        said = "let it finish"
    else:
        said = f"cannot be locked: {os.strerror(number)}; a file system that has locks is needed"
    if who == "lock":
        lock = locks.FileLock(tmp_path / "lock")
        if number == errno.EWOULDBLOCK:
            assert not lock.acquire(wait=False)
            return
        with pytest.raises(InputError, match=said):
            lock.acquire(wait=False)
    elif who == "stream":
        with pytest.raises(InputError, match=said), run_folder(tmp_path / "run", {}):
            pass
    else:
        with pytest.raises(InputError, match=said):
            write_cells(SimulatedCells(load_design("qatom64").four_angle, cells=1), tmp_path / "a.h5", workers=1)
