"""However a stream ends, each cell that was taken has one result or is counted as lost; nothing is touched after it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import re
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.host.driver import flow
from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.cores import ALL_ONES
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.flow import Loss
from cytogate.host.driver.results import Result
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import DmaChannel, DmaRegister
from cytogate.model.interface.bundle import DMA, FRONT_END, STREAM_UNIT
from cytogate.model.interface.registers import Register, StreamRegister
from cytogate.sim.board.device import EmulatedBoard, RegisterBlock
from cytogate.sim.board.faults import Fault, FaultKind
from tests.boards import expected, plugged, small_design, small_frames

BATCH = 4
DESIGN = small_design()
FRAMES = small_frames(DESIGN, 22)
LOGITS = expected(FRAMES)
GONE = "the fabric is gone: "


class Cells:
    """A source that knows how many cells were taken from it, and fails behind ``sound`` of them."""

    def __init__(self, sound: int | None = None) -> None:
        self.taken = 0
        self._sound = sound

    def __iter__(self) -> Iterator[np.ndarray]:
        for cell in FRAMES:
            if self.taken == self._sound:
                raise OSError("camera gone")
            self.taken += 1
            yield cell

    async def __aiter__(self) -> AsyncIterator[np.ndarray]:
        for cell in self:
            yield cell


def run(accelerator: Accelerator, way: str, cells: Cells, given: list[Result]) -> None:
    """Stream all cells into ``given``, where they stay whatever is raised."""
    if way == "plain":
        for result in accelerator.stream(cells):
            given.append(result)
        return

    async def collect() -> None:
        async for result in accelerator.astream(cells):
            given.append(result)

    asyncio.run(collect())


def check(given: list[Result], accelerator: Accelerator, taken: int) -> None:
    """Results are in order and right, and the counters account for each cell."""
    assert [result.index for result in given] == list(range(len(given)))
    assert all(result.logits is None or result.logits.tolist() == LOGITS[result.index] for result in given)
    assert all((result.logits is None) == (result.lost is not None) for result in given)
    counters = accelerator.counters
    assert counters.received == sum(result.logits is not None for result in given)
    assert counters.received + sum(counters.lost.values()) == taken
    assert counters.lost[Loss.LEFT] == taken - len(given)


@pytest.mark.parametrize("way", ["plain", "asyncio"])
@pytest.mark.parametrize("sound", range(10))
def test_a_source_that_fails_is_told_behind_all_results(sound: int, way: str, tmp_path: Path) -> None:
    given: list[Result] = []
    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        with pytest.raises(OSError, match="camera gone"):
            run(accelerator, way, Cells(sound), given)
        check(given, accelerator, sound)
        assert len(given) == accelerator.counters.received == sound
        again: list[Result] = []
        run(accelerator, way, Cells(), again)
        assert [result.lost for result in again] == [None] * len(FRAMES)


def test_a_source_fails_while_the_board_does(tmp_path: Path) -> None:
    """The board's failure is told, as it is the one that the results speak of."""
    given: list[Result] = []
    faults = [Fault(FaultKind.STALL, 1), Fault(FaultKind.STUCK_RESET, 1)]
    with plugged(tmp_path, DESIGN, faults) as (accelerator, _), suppress(BoardFailed), accelerator:
        with pytest.raises(BoardFailed, match="does not leave its reset"):
            run(accelerator, "plain", Cells(9), given)
        check(given, accelerator, 9)
        assert len(given) == 9


@pytest.mark.parametrize("results", range(1, 12))
def test_a_consumer_that_fails_leaves_no_cell_unnamed(results: int, tmp_path: Path) -> None:
    """Its exception is kept, as notebooks do, and with it the stream; the next stream goes on all the same."""
    given: list[Result] = []
    cells = Cells()
    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        left = accelerator.stream(cells)

        def consume() -> None:
            for result in left:
                given.append(result)
                if len(given) == results:
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            consume()
        again = list(accelerator.stream(FRAMES))
        assert [result.logits.tolist() for result in again if result.logits is not None] == LOGITS
        accelerator.counters.received -= len(again)
        check(given, accelerator, cells.taken)
        unanswered = cells.taken - results
        said = (
            f"another stream of this accelerator was begun before .*; {unanswered} of its cells were without a result"
        )
        with pytest.raises(InputError, match=said):
            next(left)


def test_a_consumer_may_go_on_behind_its_own_failure(tmp_path: Path) -> None:
    given: list[Result] = []
    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        results = accelerator.stream(FRAMES)
        while len(given) < len(FRAMES):
            with suppress(ZeroDivisionError):
                for result in results:
                    given.append(result)
                    if result.index % 5 == 2:
                        raise ZeroDivisionError
        check(given, accelerator, len(FRAMES))


def test_another_thread_does_not_end_a_stream(tmp_path: Path) -> None:
    """Who is busy with its latest result will ask for more."""
    refused: list[BaseException] = []

    def other(accelerator: Accelerator) -> None:
        try:
            next(accelerator.stream(FRAMES))
        except RuntimeError as error:
            refused.append(error)

    with plugged(tmp_path, DESIGN) as (accelerator, _), accelerator:
        results = accelerator.stream(FRAMES)
        given = [next(results)]
        thread = threading.Thread(target=other, args=(accelerator,))
        thread.start()
        thread.join(60)
        check(given + list(results), accelerator, len(FRAMES))
    assert "one stream at a time" in str(refused[0])


@pytest.mark.parametrize("results", [1, 3, 4, 5, 22])
@pytest.mark.parametrize("end", ["close", "break", "accelerator"])
def test_a_stream_that_is_left_counts_its_cells(end: str, results: int, tmp_path: Path) -> None:
    given: list[Result] = []
    cells = Cells()
    with plugged(tmp_path, DESIGN) as (accelerator, _):
        with accelerator:
            stream = accelerator.stream(cells)
            given.extend(itertools.islice(stream, results))
            if end == "close":
                stream.close()  # type: ignore[attr-defined]
            elif end == "break":
                del stream
        check(given, accelerator, cells.taken)
        if end == "accelerator":
            said = "closed before this stream had ended; .* of its cells were without a result"
            with pytest.raises(InputError, match=said):
                next(stream)
            assert list(stream) == []
            check(given, accelerator, cells.taken)


def test_an_asynchronous_stream_ends_with_its_accelerator(tmp_path: Path) -> None:
    cells = Cells()

    async def leave(accelerator: Accelerator) -> None:
        with accelerator:
            stream = accelerator.astream(cells)
            given = [await stream.__anext__()]
        check(given, accelerator, cells.taken)
        with pytest.raises(InputError, match="closed before this stream had ended"):
            await stream.__anext__()

    with plugged(tmp_path, DESIGN) as (accelerator, _):
        asyncio.run(leave(accelerator))


def test_a_task_that_is_cancelled_counts_its_cells(tmp_path: Path) -> None:
    cells, given = Cells(), []

    async def collect(accelerator: Accelerator) -> None:
        async for result in accelerator.astream(cells):
            given.append(result)

    async def cancel(accelerator: Accelerator) -> None:
        task = asyncio.create_task(collect(accelerator))
        while not given:
            await asyncio.sleep(1e-3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with plugged(tmp_path, DESIGN, cell_s=0.01) as (accelerator, _), accelerator:
        asyncio.run(cancel(accelerator))
        check(given, accelerator, cells.taken)
        assert len(given) < len(FRAMES)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.03, 0.07])
def test_an_accelerator_closed_by_another_thread_ends_the_stream(seconds: float, tmp_path: Path) -> None:
    """At whatever it is: waiting, packing or giving; memory that was given back is not written to."""
    cells, given = Cells(), []
    ended: list[BaseException] = []
    after: list[bool] = []

    def work() -> None:
        try:
            for result in accelerator.stream(itertools.chain(cells, itertools.repeat(FRAMES[0]))):
                given.append(result)
        except InputError as error:
            ended.append(error)

    with plugged(tmp_path, DESIGN, cell_s=0.01) as (accelerator, boards):
        with accelerator:
            thread = threading.Thread(target=work)
            thread.start()
            while not cells.taken:
                time.sleep(1e-3)
            time.sleep(seconds)
            sending = accelerator._memory.sending
        content = [buffer.octets.copy() for buffer in sending]
        thread.join(60)
        after = [np.array_equal(buffer.octets, before) for buffer, before in zip(sending, content, strict=True)]
        assert boards[0].memory.allocations == 0
    assert not thread.is_alive()
    assert "closed before this stream had ended" in str(ended[0])
    assert after == [True, True]


def test_registers_of_a_closed_accelerator_are_not_read(tmp_path: Path) -> None:
    with plugged(tmp_path, DESIGN) as (accelerator, _):
        with accelerator:
            assert accelerator.phase_latency_us == 0
        with pytest.raises(RuntimeError, match="not open"):
            _ = accelerator.phase_latency_us


def test_a_forked_process_has_no_part_in_it(tmp_path: Path) -> None:
    """Neither in the stream nor in the device, nor does its leave close what is its parent's."""
    given: list[Result] = []
    with plugged(tmp_path, DESIGN) as (accelerator, boards):
        with accelerator:
            stream = accelerator.stream(FRAMES)
            given.extend(itertools.islice(stream, 3))
            child = os.fork()
            if not child:
                signal.alarm(10)
                os._exit(0 if all(map(refused, (stream, accelerator.stream(FRAMES)))) and left(accelerator) else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0
            assert boards[0].memory.allocations == 3
            given.extend(stream)
        check(given, accelerator, len(FRAMES))


def refused(stream: Iterator[Result]) -> bool:
    try:
        next(stream)
    except InputError as error:
        return re.search(f"opened by process {os.getppid()}, from which this one was forked", str(error)) is not None
    return False


def left(accelerator: Accelerator) -> bool:
    accelerator.__exit__()
    return True


@dataclass
class Leaving:
    """Registers that answer no more behind so many reads of all of them."""

    block: RegisterBlock
    gone: Callable[[], bool]
    value: int | None
    """What is read then; None for an error of the bus, as writing raises it, too."""

    @property
    def size(self) -> int:
        return self.block.size

    def read(self, offset: int) -> int:
        return self._instead() if self.gone() else self.block.read(offset)

    def write(self, offset: int, value: int) -> None:
        if self.gone():
            self._instead()
        else:
            self.block.write(offset, value)

    def _instead(self) -> int:
        if self.value is None:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        return self.value


def leaving(reads: int, value: int | None) -> Callable[[EmulatedBoard], None]:
    """Return a change of a board: behind so many uses of registers all of them read ``value``."""
    left = itertools.count(reads, -1)
    state = {"gone": False}

    def gone() -> bool:
        state["gone"] = state["gone"] or next(left) <= 0
        return state["gone"]

    def change(board: EmulatedBoard) -> None:
        board.cells = {name: Leaving(cell, gone, value) for name, cell in board.cells.items()}

    return change


@pytest.mark.parametrize("way", ["plain", "asyncio"])
@pytest.mark.parametrize(("value", "step"), [(ALL_ONES, 1), (0, 4), (None, 2)])
def test_a_fabric_that_goes_is_told_whenever_it_goes(value: int | None, step: int, way: str, tmp_path: Path) -> None:
    """Before it is opened, in a reset, in a wait, at a transfer, on leaving: within the deadline, once per cell."""
    deadline_s = 0.1
    told_by: set[str] = set()
    for accesses in range(0, 160, step):
        given: list[Result] = []
        cells = Cells()
        change = leaving(accesses, value)
        with plugged(tmp_path, DESIGN, change=change, deadline_s=deadline_s) as (accelerator, boards):
            boards.clear()
            began = time.monotonic()
            told, stage = stage_of_failure(accelerator, way, cells, given)
            assert time.monotonic() - began < 60
        check(given, accelerator, cells.taken)
        assert len(given) == cells.taken
        if not told:
            # All was done before it went.
            break
        assert len(told) < 300
        assert GONE in told or (value == 0 and stage == "opening" and "reads 0x00000000 in" in told)
        if stage == "stream" and cells.taken:
            assert given[-1].lost is not None
            assert GONE in given[-1].lost
        told_by.add(stage)
    assert told_by >= {"opening", "stream"}


@dataclass
class Bent:
    """Registers that note what is read; behind so many reads, the one at ``offset`` reads as all ones."""

    block: RegisterBlock
    read_at: set[int]
    offset: int | None = None
    sound: int = 0

    @property
    def size(self) -> int:
        return self.block.size

    def read(self, offset: int) -> int:
        self.read_at.add(offset)
        if offset != self.offset:
            return self.block.read(offset)
        self.sound -= 1
        return ALL_ONES if self.sound < 0 else self.block.read(offset)

    def write(self, offset: int, value: int) -> None:
        self.block.write(offset, value)


PORTS = {
    FRONT_END: {register.name: register.offset for register in Register},
    STREAM_UNIT: {register.name: register.offset for register in StreamRegister},
    DMA: {f"{side.name} {register.name}": side.value + register for side in DmaChannel for register in DmaRegister},
}
NEVER_READ = {
    (FRONT_END, "CONTROL"),
    (FRONT_END, "INTERVAL_CYCLES"),
    (DMA, "S2MM CONTROL"),
    (DMA, "MM2S LENGTH"),
    *((DMA, f"{channel.name} {name}") for channel in DmaChannel for name in ("ADDRESS", "ADDRESS_HIGH")),
}
"""By the driver."""
READ = [(port, name) for port, names in PORTS.items() for name in names if (port, name) not in NEVER_READ]


def latency_and_stream(accelerator: Accelerator, given: list[Result]) -> None:
    """Use all that the driver reads: stream over a stall, which is told with all registers, and ask for the latency."""
    with accelerator:
        run(accelerator, "plain", Cells(), given)
        assert accelerator.phase_latency_us < 1e6, "it is believed"


def test_the_sweep_is_complete(tmp_path: Path) -> None:
    read_at: dict[str, set[int]] = {name: set() for name in PORTS}

    def change(board: EmulatedBoard) -> None:
        board.cells |= {name: Bent(board.cells[name], read_at[name]) for name in PORTS}

    faults = [Fault(FaultKind.STALL, 1)]
    with plugged(tmp_path, DESIGN, faults, change=change, deadline_s=0.1) as (accelerator, _):
        latency_and_stream(accelerator, [])
    assert {name: {PORTS[name][each] for port, each in READ if port == name} for name in PORTS} == read_at


@pytest.mark.parametrize("sound", [0, 1, 3])
@pytest.mark.parametrize(("port", "name"), READ)
def test_no_register_is_believed_that_reads_as_all_ones(port: str, name: str, sound: int, tmp_path: Path) -> None:
    """Though all others answer: one alone is told as a fabric that is gone, by its name, whenever it is read."""
    bent: list[Bent] = []

    def change(board: EmulatedBoard) -> None:
        bent.append(Bent(board.cells[port], set(), PORTS[port][name], sound))
        board.cells[port] = bent[0]

    given: list[Result] = []
    told = ""
    with plugged(tmp_path, DESIGN, [Fault(FaultKind.STALL, 1)], change=change, deadline_s=0.1) as (accelerator, _):
        began = time.monotonic()
        try:
            latency_and_stream(accelerator, given)
        except BoardFailed as error:
            told = str(error)
        assert time.monotonic() - began < 60
    if bent[0].sound < 0:
        assert re.match(f"{GONE}the .* reads 0xffffffff in {name};", told), told
    assert all(result.logits is None or result.logits.tolist() == LOGITS[result.index] for result in given)


def test_counters_never_come_near_to_all_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are reset between two batches, which costs no cell."""
    monkeypatch.setattr(flow, "MOST_COUNTED", 2 * BATCH)
    given: list[Result] = []
    with plugged(tmp_path, DESIGN) as (accelerator, boards), accelerator:
        run(accelerator, "plain", Cells(), given)
        assert boards[0].fabric.unit.read(StreamRegister.FRAMES_IN.offset) == len(FRAMES) - 4 * BATCH
    check(given, accelerator, len(FRAMES))
    assert (accelerator.counters.received, accelerator.counters.recoveries) == (len(FRAMES), 0)


def stage_of_failure(accelerator: Accelerator, way: str, cells: Cells, given: list[Result]) -> tuple[str, str]:
    """Return what was told and when, of all that is told the first."""
    stage, told = "opening", ""
    try:
        with accelerator:
            stage = "leaving"
            try:
                run(accelerator, way, cells, given)
            except BoardFailed as error:
                stage, told = "stream", str(error)
    except (BoardFailed, InputError) as error:
        told = told or str(error)
    return told, stage
