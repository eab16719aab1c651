"""One stream of cells through the chip: batches packed, sent, waited for, believed or given up.

Two memories take turns: while the chip computes a batch, the next is packed. The chip holds one batch at a time, so
that a fault costs that batch and no other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.batch import Answer, Batch
from cytogate.host.driver.deadline import POLL_S, Deadline
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.results import Result
from cytogate.model.interface.bundle import Bundle

if TYPE_CHECKING:
    from cytogate.host.driver.pynq_device import DmaBuffer, PynqBoard

FAULTS_IN_A_ROW = 5
"""So many lost batches without a good one between them end the stream: the board will not come back by itself."""
INTERRUPT_S = 5e-3
"""How long an interrupt is awaited before status is looked at all the same."""


class Loss(Enum):
    """Why a cell came back without logits."""

    REFUSED = "its frames do not fit the design"
    STALLED = "the chip made no progress within the deadline"
    DMA_ERROR = "the DMA stopped with an error"
    WRONG_LENGTH = "the answer has not the length that is due"
    WRONG_RECEIPT = "the answer's receipt is not the one that is due"


@dataclass
class Counters:
    """What happened since the accelerator was made. ``received`` and all of ``lost`` add up to the results given."""

    sent: int = 0
    """Cells handed to the DMA."""
    received: int = 0
    """Cells with logits."""
    lost: Counter[Loss] = field(default_factory=Counter)
    """Cells without, by reason."""
    recoveries: int = 0
    """Resets behind a lost batch."""
    interrupts_missed: int = 0
    """Answers that were in memory although no interrupt had said so."""


@dataclass(frozen=True)
class StreamBuffers:
    """Contiguous memory of a stream."""

    sending: tuple[DmaBuffer, DmaBuffer]
    receiving: DmaBuffer


class Flow:
    """The state of one stream. It begins with a reset, so that nothing of an earlier one is left in the chip."""

    def __init__(
        self,
        board: PynqBoard,
        memory: StreamBuffers,
        bundle: Bundle,
        capacity: int,
        deadline_s: float,
        counters: Counters,
    ) -> None:
        self._board = board
        self._memory = memory
        self._bundle = bundle
        self._capacity = capacity
        self._deadline_s = deadline_s
        self._counters = counters
        self._running: Batch | None = None
        self._faults_in_a_row = 0
        self._turns = 0
        self._restart()
        self._filling = self._empty(first=0)

    def take(self, frames: NDArray | None) -> None:
        """Pack a cell's frames; None brings no cell."""
        if frames is not None:
            self._filling.add(frames)

    def turn_due(self, drain: bool) -> bool:
        """Whether :meth:`turn` must be called: a batch is full, or anything is left where all shall be drained."""
        return self._filling.count == self._capacity or (drain and bool(self._filling.count or self._running))

    def wait(self) -> None:
        """Wait until the running batch has its answer, or there was no progress for a deadline."""
        patience = self._patience()
        while self._pending and next(patience):
            time.sleep(POLL_S)

    async def wait_async(self) -> None:
        """Wait as :meth:`wait` does, woken by the interrupt where there is one.

        The interrupt only wakes; status decides. One that is lost costs ``INTERRUPT_S``, no cell.
        """
        board, patience, woken = self._board, self._patience(), True
        pause = INTERRUPT_S if board.has_interrupt else POLL_S
        while self._pending and next(patience):
            woken = await board.interrupted(pause)
        if self._running and board.has_interrupt and not woken and board.cores.answered:
            # It may have been on its way when status was read.
            self._counters.interrupts_missed += not await board.interrupted(INTERRUPT_S)

    def turn(self) -> Iterator[Result]:
        """Give the running batch's results and send the one that was packed; behind a fault, reset in between."""
        results, fault = self._finish()
        if fault:
            yield from results
            results = []
            self._recover(fault)
        yield from [*results, *self._send()]

    def _finish(self) -> tuple[list[Result], str | None]:
        """Return the running batch's results and, if it was lost, why."""
        batch, self._running = self._running, None
        if batch is None:
            return [], None
        logits, loss = self._answer(batch)
        now = time.monotonic_ns()
        if loss is None:
            self._board.cores.acknowledge()
            self._faults_in_a_row = 0
            self._counters.received += batch.travelling
            return batch.results(logits, None, now), None
        self._counters.lost[loss] += batch.travelling
        fault = f"{loss.value}; {self._board.cores.in_words()}"
        return batch.results(None, fault, now), fault

    def _answer(self, batch: Batch) -> tuple[NDArray[np.int64] | None, Loss | None]:
        cores, classes = self._board.cores, self._bundle.design.network.classes
        if cores.broken:
            return None, Loss.DMA_ERROR
        if not cores.answered:
            return None, Loss.STALLED
        length = Answer.bytes_of(batch.travelling, classes)
        if cores.received_bytes != length:
            return None, Loss.WRONG_LENGTH
        self._memory.receiving.invalidate()
        # A copy: the buffer is written again while the results are in use.
        words = self._memory.receiving.octets[:length].view("<u4").copy()
        logits = Answer(words, classes).logits(batch)
        return logits, Loss.WRONG_RECEIPT if logits is None else None

    @property
    def _pending(self) -> bool:
        cores = self._board.cores
        return self._running is not None and not cores.answered and not cores.broken

    def _send(self) -> list[Result]:
        """Send the packed batch and begin another; of a batch in which nothing travels, return the results."""
        batch = self._filling
        self._filling = self._empty(batch.first + batch.count)
        if batch.refused:
            self._counters.lost[Loss.REFUSED] += len(batch.refused)
        batch.number = self._number
        batch.sent_ns = time.monotonic_ns()
        if not batch.travelling:
            return batch.results(None, None, batch.sent_ns)
        self._board.transfer(batch.memory, batch.sent_bytes, self._memory.receiving)
        # The chip computes meanwhile.
        batch.add_up()
        self._number += 1
        self._counters.sent += batch.travelling
        self._running = batch
        return []

    def _empty(self, first: int) -> Batch:
        sending = self._memory.sending
        self._turns += 1
        return Batch(self._bundle, sending[self._turns % len(sending)], first)

    def _recover(self, fault: str) -> None:
        self._faults_in_a_row += 1
        self._counters.recoveries += 1
        if self._faults_in_a_row == FAULTS_IN_A_ROW:
            raise BoardFailed(f"{FAULTS_IN_A_ROW} batches in a row were lost, the last one because {fault}")
        self._restart()

    def _restart(self) -> None:
        self._board.restart()
        self._number = 0

    def _patience(self) -> Iterator[bool]:
        """Give True as long as progress is never further away than the deadline."""
        deadline, seen = Deadline(self._deadline_s), self._board.cores.progress()
        while not deadline.passed:
            yield True
            if (now := self._board.cores.progress()) != seen:
                deadline.put_off()
                seen = now
        yield False
