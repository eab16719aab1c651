"""Each fault ends in the stated error or recovery, in bounded time, with no wrong label and the right counters."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.flow import FAULTS_IN_A_ROW, INTERRUPT_S, Loss
from cytogate.host.driver.results import Result
from cytogate.model.errors import InputError
from cytogate.sim.board.device import EmulatedBoard
from cytogate.sim.board.faults import Fault, FaultKind
from tests.boards import expected, plugged, small_design, small_frames

BATCH = 4
DEADLINE_S = 1.0
MOST_S = 60.0
"""Of a whole stream of some seconds, on a machine that has other things to do."""
DESIGN = small_design()
CELLS = 22
"""Five batches and a half one."""
FRAMES = small_frames(DESIGN, CELLS)
LOGITS = expected(FRAMES)


@dataclass(frozen=True)
class Outcome:
    """What must come of a fault."""

    loss: Loss
    words: str
    """Pattern in the reason that a lost cell carries."""


RECOVERED = {
    FaultKind.STALL: Outcome(Loss.STALLED, r"DMA stream-to-memory: busy.* cells out"),
    FaultKind.EARLY_TLAST_IN: Outcome(Loss.WRONG_LENGTH, r"1 dropped, short packet \(TLAST came before"),
    FaultKind.EARLY_TLAST_OUT: Outcome(Loss.WRONG_LENGTH, r"DMA stream-to-memory: idle"),
    FaultKind.SEND_INTERNAL_ERROR: Outcome(Loss.DMA_ERROR, r"DMA memory-to-stream: halted, internal error"),
    FaultKind.SEND_SLAVE_ERROR: Outcome(Loss.DMA_ERROR, r"DMA memory-to-stream: halted, slave error"),
    FaultKind.SEND_DECODE_ERROR: Outcome(Loss.DMA_ERROR, r"DMA memory-to-stream: halted, decode error"),
    FaultKind.RECEIVE_INTERNAL_ERROR: Outcome(Loss.DMA_ERROR, r"DMA stream-to-memory: halted, internal error"),
    FaultKind.RECEIVE_SLAVE_ERROR: Outcome(Loss.DMA_ERROR, r"DMA stream-to-memory: halted, slave error"),
    FaultKind.RECEIVE_DECODE_ERROR: Outcome(Loss.DMA_ERROR, r"DMA stream-to-memory: halted, decode error"),
    FaultKind.CORRUPTED_INPUT: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
    FaultKind.CORRUPTED_OUTPUT: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
    FaultKind.EXCHANGED_INPUT: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
    FaultKind.EXCHANGED_OUTPUT: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
    FaultKind.FORGOTTEN_FLUSH: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
    FaultKind.FORGOTTEN_INVALIDATE: Outcome(Loss.WRONG_RECEIPT, r"0 dropped"),
}
"""Faults that cost one batch."""
OTHERS = {FaultKind.LOST_INTERRUPT, FaultKind.WRONG_CLOCK, FaultKind.STUCK_RESET}


def test_the_table_is_complete() -> None:
    assert set(RECOVERED) | OTHERS == set(FaultKind)


@pytest.mark.parametrize("way", ["plain", "asyncio"])
@pytest.mark.parametrize("transfer", [0, 2, 5])
@pytest.mark.parametrize("kind", RECOVERED)
def test_costs_one_batch_and_no_other(kind: FaultKind, transfer: int, way: str, tmp_path: Path) -> None:
    outcome = RECOVERED[kind]
    with plugged(tmp_path, DESIGN, [Fault(kind, transfer)], deadline_s=DEADLINE_S) as (accelerator, _), accelerator:
        began = time.monotonic()
        results = run(accelerator, way)
        seconds = time.monotonic() - began
    lost = list(range(transfer * BATCH, min(CELLS, (transfer + 1) * BATCH)))
    assert [result.index for result in results] == list(range(CELLS))
    assert [result.index for result in results if result.logits is None] == lost
    for result in results:
        if result.logits is None:
            assert result.lost is not None
            assert result.lost.startswith(outcome.loss.value)
            assert re.search(outcome.words, result.lost), result.lost
        else:
            assert result.lost is None
            assert result.logits.tolist() == LOGITS[result.index]
    counters = accelerator.counters
    assert counters.lost == {outcome.loss: len(lost)}
    assert (counters.sent, counters.received, counters.recoveries) == (CELLS, CELLS - len(lost), 1)
    assert seconds < MOST_S


@pytest.mark.parametrize(
    ("way", "faults", "missed"),
    [("plain", [2], 0), ("asyncio", [], 0), ("asyncio", [2], 1), ("asyncio", [0, 1, 5], 3)],
)
def test_a_lost_interrupt_costs_no_cell(way: str, faults: list[int], missed: int, tmp_path: Path) -> None:
    lost = [Fault(FaultKind.LOST_INTERRUPT, transfer) for transfer in faults]
    with plugged(tmp_path, DESIGN, lost, cell_s=4 * INTERRUPT_S / BATCH) as (accelerator, _), accelerator:
        began = time.monotonic()
        results = run(accelerator, way)
        seconds = time.monotonic() - began
    assert [result.logits.tolist() for result in results if result.logits is not None] == LOGITS
    assert (accelerator.counters.received, accelerator.counters.recoveries) == (CELLS, 0)
    assert accelerator.counters.interrupts_missed == missed
    assert seconds < MOST_S


def test_a_wrong_clock_is_refused(tmp_path: Path) -> None:
    said = r"the board's clock reads 99\.999 MHz after it was set to 200 MHz, for which the bitstream was built; .*"
    with (
        plugged(tmp_path, DESIGN, [Fault(FaultKind.WRONG_CLOCK)]) as (accelerator, _),
        pytest.raises(InputError) as refusal,
        accelerator,
    ):
        pytest.fail("it was opened")
    assert re.fullmatch(said, str(refusal.value))


def test_a_reset_that_does_not_end_ends_the_stream(tmp_path: Path) -> None:
    """The lost cells are given first; the memory is given back although nothing can be reset."""
    faults = [Fault(FaultKind.STALL, 1), Fault(FaultKind.STUCK_RESET, 1)]
    said = r"the DMA does not leave its reset within 0\.25 s; DMA memory-to-stream: halted"
    results: list[Result] = []
    with plugged(tmp_path, DESIGN, faults) as (accelerator, _):
        # It is said twice: by the stream, and on leaving.
        with pytest.raises(BoardFailed, match=said), accelerator, pytest.raises(BoardFailed, match=said):
            results.extend(accelerator.stream(FRAMES))
        # The third batch was packed when the second one was lost.
        assert [result.index for result in results] == list(range(3 * BATCH))
        assert re.search(said, results[-1].lost or "")
        assert accelerator.counters.lost == {Loss.STALLED: BATCH, Loss.BOARD_FAILED: BATCH}


def test_faults_without_an_end_end_the_stream(tmp_path: Path) -> None:
    faults = [Fault(FaultKind.SEND_SLAVE_ERROR, transfer) for transfer in range(50)]
    said = "5 batches in a row were lost, the last one because the DMA stopped with an error; DMA memory-to-stream: "
    results: list[Result] = []
    with plugged(tmp_path, DESIGN, faults) as (accelerator, boards):
        with accelerator, pytest.raises(BoardFailed, match=said):
            results.extend(accelerator.stream(FRAMES * 10))
        assert accelerator.counters.lost == {Loss.DMA_ERROR: FAULTS_IN_A_ROW * BATCH, Loss.BOARD_FAILED: BATCH}
        assert [result.index for result in results] == list(range((FAULTS_IN_A_ROW + 1) * BATCH))
        assert boards[0].faults.transfer == FAULTS_IN_A_ROW - 1


def test_a_kernel_that_raises_is_not_hidden(tmp_path: Path) -> None:
    """The driver sees a stall; on leaving, the emulation says what it was."""
    calls = itertools.count()

    def change(board: EmulatedBoard) -> None:
        kernel = board.fabric._kernel

        def failing(raw: np.ndarray) -> Sequence[int]:
            if next(calls) == 5:
                raise ValueError("of the kernel")
            return kernel(raw)

        board.fabric._kernel = failing

    results: list[Result] = []
    with plugged(tmp_path, DESIGN, change=change) as (accelerator, _):
        with pytest.raises(ValueError, match="of the kernel"), accelerator:
            results += accelerator.stream(FRAMES)
        assert [result.index for result in results if result.lost] == [4, 5, 6, 7]


def test_scattered_faults_of_every_kind(tmp_path: Path) -> None:
    """Every second batch has a fault; the others come back right."""
    kinds = list(RECOVERED)
    faults = [Fault(kind, 2 * number) for number, kind in enumerate(kinds)]
    cells = 2 * len(kinds) * BATCH
    frames = small_frames(DESIGN, cells, seed=6)
    logits = expected(frames)
    with plugged(tmp_path, DESIGN, faults) as (accelerator, _), accelerator:
        results = list(accelerator.stream(frames))
    right = [result for result in results if result.logits is not None]
    assert [result.index // BATCH % 2 for result in right] == [1] * (cells // 2)
    assert all(np.array_equal(result.logits, logits[result.index]) for result in right)
    assert accelerator.counters.recoveries == len(kinds)
    assert sum(accelerator.counters.lost.values()) == cells // 2


def run(accelerator: Accelerator, way: str) -> list[Result]:
    if way == "plain":
        return list(accelerator.stream(FRAMES))

    async def source() -> AsyncIterator[np.ndarray]:
        for cell in FRAMES:
            yield cell

    async def collect() -> list[Result]:
        return [result async for result in accelerator.astream(source())]

    return asyncio.run(collect())
