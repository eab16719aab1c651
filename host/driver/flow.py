"""One stream of cells through the chip: batches packed, sent, waited for, believed or given up.

Two memories take turns: while the chip computes a batch, the next is packed. The chip holds one batch at a time, so
that a fault costs that batch and no other. Each cell that was taken is given once or counted as lost, however the
stream ends; after that end nothing is touched any more, neither chip nor memory.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from cytogate.host.driver.batch import Answer, Batch
from cytogate.host.driver.deadline import POLL_S, Deadline
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.owner import must_be_in
from cytogate.host.driver.results import Result
from cytogate.model.contract.gate import GateSettings
from cytogate.model.errors import InputError
from cytogate.model.interface.answers import FrameAnswer, answer_form
from cytogate.model.interface.bundle import Bundle

if TYPE_CHECKING:
    from cytogate.host.driver.pynq_device import DmaBuffer, PynqBoard

FAULTS_IN_A_ROW = 5
"""So many lost batches without a good one between them end the stream: the board will not come back by itself."""
MOST_COUNTED = 1 << 31
"""Cells behind which the chip is reset between two batches: no counter may come to all ones, as a gone chip reads."""
INTERRUPT_S = 5e-3
"""How long an interrupt is awaited before status is looked at all the same."""


class Loss(Enum):
    """Why a cell came back without logits."""

    REFUSED = "its frames do not fit the design"
    STALLED = "the chip made no progress within the deadline"
    DMA_ERROR = "the DMA stopped with an error"
    WRONG_LENGTH = "the answer has not the length that is due"
    WRONG_RECEIPT = "the answer's receipt is not the one that is due"
    BOARD_FAILED = "the board failed"
    LEFT = "the stream was left before the result was given"
    """Such a cell has no result."""


@dataclass
class Counters:
    """What happened since the accelerator was made. ``received`` and all of ``lost`` are the cells of ended streams."""

    sent: int = 0
    """Cells handed to the DMA."""
    received: int = 0
    """Cells whose logits were given."""
    lost: Counter[Loss] = field(default_factory=Counter)
    """Cells without, by reason."""
    recoveries: int = 0
    """Resets behind a lost batch."""
    interrupts_missed: int = 0
    """Answers that were in memory although no interrupt had said so."""

    def lose(self, loss: Loss, cells: int) -> None:
        """Count cells as lost."""
        if cells:
            self.lost[loss] += cells


@dataclass(frozen=True)
class StreamBuffers:
    """Contiguous memory of a stream."""

    sending: tuple[DmaBuffer, DmaBuffer]
    receiving: DmaBuffer


class Flow:
    """The state of one stream. It begins with a reset, so that nothing of an earlier one is left in the chip.

    :meth:`end` may come from any thread; behind it every method raises :class:`InputError`. So it is in a process that
    was forked from the one that made this: the board is its parent's.
    """

    def __init__(
        self,
        board: PynqBoard,
        memory: StreamBuffers,
        bundle: Bundle,
        capacity: int,
        deadline_s: float,
        counters: Counters,
        wanted_gate: Callable[[], GateSettings],
    ) -> None:
        self._board = board
        self._memory = memory
        self._bundle = bundle
        self._capacity = capacity
        self._deadline_s = deadline_s
        self._counters = counters
        self._wanted_gate = wanted_gate
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._ended: str | None = None
        self._given_in: int | None = None
        self._ready: deque[Result] = deque()
        self._running: Batch | None = None
        self._faults_in_a_row = 0
        self._turns = 0
        self._restart()
        self._filling = self._empty(first=0)

    def take(self, frames: NDArray | None) -> None:
        """Pack a cell's frames; None brings no cell."""
        with self._held():
            if frames is not None:
                self._filling.add(frames)

    def turn_due(self, drain: bool) -> bool:
        """Whether :meth:`turn` must be called: a batch is full, or anything is left where all shall be drained."""
        return self._filling.count == self._capacity or (drain and bool(self._filling.count or self._running))

    def wait(self) -> None:
        """Wait until the running batch has its answer, or there was no progress for a deadline."""
        patience = self._patience()
        while self._waits(patience):
            time.sleep(POLL_S)

    async def wait_async(self) -> None:
        """Wait as :meth:`wait` does, woken by the interrupt where there is one.

        The interrupt only wakes; status decides. One that is lost costs ``INTERRUPT_S``, no cell.
        """
        board, patience, woken = self._board, self._patience(), True
        pause = INTERRUPT_S if board.has_interrupt else POLL_S
        while self._waits(patience):
            woken = await board.interrupted(pause)
        if self._running and board.has_interrupt and not woken and self._answered():
            # It may have been on its way when status was read.
            self._counters.interrupts_missed += not await board.interrupted(INTERRUPT_S)

    def turn(self) -> None:
        """Finish the running batch and send the one that was packed; behind a fault, reset in between."""
        with self._held():
            fault = self._finish()
            if fault:
                self._recover(fault)
            self._send()

    def results(self) -> Iterator[Result]:
        """Give what is finished."""
        while True:
            with self._held():
                self._given_in = None
                if not self._ready:
                    return
                result = self._ready.popleft()
                self._counters.received += result.is_answered
                self._given_in = threading.get_ident()
            yield result

    def give_up(self, why: BoardFailed) -> None:
        """Finish all cells that were taken, as lost."""
        with self._held():
            now, reason = time.monotonic_ns(), f"{Loss.BOARD_FAILED.value}: {why}"
            self._filling.sent_ns = now
            self._counters.lose(Loss.REFUSED, len(self._filling.refused))
            for batch in self._taken():
                self._counters.lose(Loss.BOARD_FAILED, batch.travelling)
                self._ready += batch.results(None, reason, now)
            self._running, self._filling = None, self._empty(self._filling.first + self._filling.count)

    def end(self, why: str) -> None:
        """Touch neither chip nor memory any more; cells without a result are counted as lost."""
        # A forked child has no part in it, and the lock may be held for ever by a thread that is its parent's.
        if self._process != os.getpid():
            return
        with self._lock:
            if self._ended is not None:
                return
            self._counters.lose(Loss.REFUSED, len(self._filling.refused))
            left = sum(batch.travelling for batch in self._taken())
            left += sum(result.is_answered for result in self._ready)
            self._counters.lose(Loss.LEFT, left)
            self._ended = f"{why}; {left} of its cells were without a result"

    def make_way(self) -> bool:
        """End for another stream of the thread that holds our latest result, which asks for no more; else stay."""
        with self._lock:
            if self._given_in == threading.get_ident():
                self.end("another stream of this accelerator was begun before this one had ended")
            return self._ended is not None

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep the end away for a moment."""
        must_be_in(self._process)
        with self._lock:
            if self._ended is not None:
                raise InputError(self._ended)
            yield

    def _taken(self) -> list[Batch]:
        """Return the batches whose cells have no result yet."""
        return [batch for batch in (self._running, self._filling) if batch is not None]

    def _finish(self) -> str | None:
        """Finish the running batch and return why it was lost, if it was."""
        batch = self._running
        if batch is None:
            return None
        answers, loss = self._answer(batch)
        now = time.monotonic_ns()
        if loss is None:
            self._board.cores.acknowledge()
            fault = None
            self._faults_in_a_row = 0
        else:
            fault = f"{loss.value}; {self._board.cores.in_words()}"
            self._counters.lose(loss, batch.travelling)
        self._running = None
        self._ready += batch.results(answers, fault, now)
        return fault

    def _answer(self, batch: Batch) -> tuple[Sequence[FrameAnswer] | None, Loss | None]:
        cores, form = self._board.cores, answer_form(self._bundle.design)
        if cores.broken:
            return None, Loss.DMA_ERROR
        if not cores.answered:
            return None, Loss.STALLED
        length = cores.received_bytes
        if not Answer.is_due(length, batch.travelling, form):
            return None, Loss.WRONG_LENGTH
        self._memory.receiving.invalidate()
        # A copy: the buffer is written again while the results are in use.
        words = self._memory.receiving.octets[:length].view("<u4").copy()
        answers = Answer(words, form).read(batch)
        return answers, Loss.WRONG_RECEIPT if answers is None else None

    def _waits(self, patience: Iterator[bool]) -> bool:
        with self._held():
            cores = self._board.cores
            return self._running is not None and not cores.answered and not cores.broken and next(patience)

    def _answered(self) -> bool:
        with self._held():
            return self._board.cores.answered

    def _send(self) -> None:
        """Send the packed batch and begin another; a batch in which nothing travels is finished at once."""
        batch = self._filling
        if self._counted + batch.travelling > MOST_COUNTED:
            self._restart()
        batch.number = self._number
        batch.sent_ns = time.monotonic_ns()
        if batch.travelling:
            if self._board.gate is not None:
                batch.gate = self._wanted_gate()
                self._board.gate.set(batch.gate)
            self._board.transfer(batch.memory, batch.sent_bytes, self._memory.receiving)
            # The chip computes meanwhile.
            batch.seal()
            self._number += 1
            self._counted += batch.travelling
            self._counters.sent += batch.travelling
            self._running = batch
        else:
            self._ready += batch.results(None, None, batch.sent_ns)
        self._counters.lose(Loss.REFUSED, len(batch.refused))
        self._filling = self._empty(batch.first + batch.count)

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
        self._number = self._counted = 0

    def _patience(self) -> Iterator[bool]:
        """Give True as long as progress is never further away than the deadline."""
        deadline, seen = Deadline(self._deadline_s), self._board.cores.progress()
        while not deadline.passed:
            yield True
            if (now := self._board.cores.progress()) != seen:
                deadline.put_off()
                seen = now
        yield False
