"""A device has one owner at a time, in this process or in others, and loses it with the owner's process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cytogate.host.driver import owner
from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.owner import owned
from cytogate.model.errors import InputError
from cytogate.sim.board.faults import Fault, FaultKind
from tests.boards import expected, plugged, small_design, small_frames

DESIGN = small_design()
FRAMES = small_frames(DESIGN, 20)
OWNER = """
import os, sys, time
from cytogate.host.driver.owner import owned
with owned(sys.argv[1]):
    ready, told = os.pipe()
    child = os.fork() if sys.argv[2:] else None
    if child == 0:
        os.write(told, b"!")
    elif child:
        os.read(ready, 1)
    if child != 0:
        print(child or "owned", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "LOCKS", tmp_path)


@pytest.fixture
def device() -> Iterator[str]:
    """Give a name that no other process uses, whose lock is where processes that we start have it."""
    name = f"test-{os.getpid()}"
    yield name
    (Path("/run/lock") / f"cytogate-{name}.lock").unlink(missing_ok=True)


def test_a_second_owner_in_this_process_is_refused(tmp_path: Path) -> None:
    with owned("board"):
        said = "device board is in use by another accelerator of this process; close that one first"
        with pytest.raises(InputError, match=f"^{said}$"), owned("board"):
            pytest.fail("it has two")
        with owned("another"):
            pass
        assert [path.name for path in tmp_path.iterdir()] == ["cytogate-board.lock"]
    assert list(tmp_path.iterdir()) == []
    with owned("board"):
        pass


@pytest.mark.parametrize("forking", [False, True])
def test_another_process_owns_it_until_it_dies(forking: bool, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it killed, and even if a process that it forked lives on."""
    monkeypatch.setattr(owner, "LOCKS", Path("/run/lock"))
    command = [sys.executable, "-c", OWNER, device, *(["fork"] if forking else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        try:
            with pytest.raises(InputError, match=f"of process {process.pid}; close"), owned(device):
                pytest.fail("it has two")
            process.kill()
            process.wait()
            with owned(device):
                pass
        finally:
            process.kill()
            if forking:
                with suppress(ProcessLookupError):
                    os.kill(int(said), 9)


def test_many_who_ask_at_once_are_never_two() -> None:
    """Though the lock is made and removed all the time."""
    owners: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(100):
            with suppress(InputError), owned("board"):
                owners.append(number)
                most.append(len(owners))
                time.sleep(1e-5)
                owners.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most
    assert max(most) == 1


def test_a_folder_that_takes_no_lock_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cytogate-board.lock").symlink_to("elsewhere")
    with pytest.raises(InputError, match="device board cannot be locked: Too many levels"), owned("board"):
        pytest.fail("it followed a link")


def test_two_accelerators_on_one_device(tmp_path: Path) -> None:
    """The second one is refused before it loads anything; the first one goes on."""
    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        results = accelerator.stream(FRAMES)
        given = [next(results)]
        device = accelerator._board._device

        @contextmanager
        def same(_: object) -> Iterator[object]:
            yield device

        second = Accelerator(accelerator.bundle.path, device=same)
        with pytest.raises(InputError, match="is in use by another accelerator of this process"), second:
            pytest.fail("it was opened")
        third = Accelerator(accelerator.bundle.path, device="emulated-light")
        with pytest.raises(InputError, match="another emulated board is in use in this process"), third:
            pytest.fail("it was opened")
        given.extend(results)
    assert [result.logits.tolist() for result in given if result.logits is not None] == expected(FRAMES)


def test_the_device_is_free_behind_an_opening_that_failed(tmp_path: Path) -> None:
    with (
        plugged(tmp_path, DESIGN, [Fault(FaultKind.WRONG_CLOCK)]) as (accelerator, _),
        pytest.raises(InputError, match="clock"),
        accelerator,
    ):
        pytest.fail("it was opened")
    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        results = [result.logits.tolist() for result in accelerator.stream(FRAMES) if result.logits is not None]
    assert results == expected(FRAMES)
