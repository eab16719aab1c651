"""The driver's parts alone: registers in words, resets that do not end, receipts that are not due."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import zlib
from dataclasses import dataclass, field

import numpy as np
import pytest

from cytogate.host.driver.batch import Answer, Batch
from cytogate.host.driver.cores import Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.pynq_device import _ensure_event_loop
from cytogate.model.interface import registers
from cytogate.model.interface.answers import LogitsForm
from cytogate.model.interface.axi_dma import DmaChannel, DmaControl, DmaRegister, DmaStatus, status_in_words
from cytogate.model.interface.registers import (
    RECEIPT_MARK,
    ErrorFlag,
    ReceiptWord,
    Register,
    StreamControl,
    StreamRegister,
)
from tests.boards import small_bundle, small_frames

DEADLINE_S = 0.05


@dataclass
class FakePort:
    """Registers that say what they are told to, and remember what was written."""

    values: dict[int, int] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)

    def read(self, offset: int) -> int:
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.written.append((int(offset), int(value)))


def fake_chip() -> tuple[Cores, FakePort, FakePort, FakePort]:
    dma = FakePort()
    unit = FakePort({StreamRegister.IDENTITY.offset: registers.STREAM_IDENTITY})
    retrieval = FakePort({Register.IDENTITY.offset: registers.IDENTITY})
    return Cores(dma, unit, retrieval, DEADLINE_S), dma, unit, retrieval


def test_reset_empties_the_dma_first() -> None:
    chip, dma, unit, _ = fake_chip()
    order: list[str] = []
    for name, port in (("dma", dma), ("unit", unit)):
        port.write = lambda offset, value, name=name: order.append(f"{name} {offset:#x} {int(value)}")  # type: ignore
    chip.reset()
    assert order == ["dma 0x0 4", "unit 0xc 1"]


@pytest.mark.parametrize(
    ("dma_control", "unit_control", "cells_out", "said"),
    [
        (DmaControl.RESET, 0, 0, r"the DMA does not leave its reset within 0\.05 s; DMA memory-to-stream: busy; .*"),
        (0, StreamControl.RESET, 0, r"the stream unit does not leave its reset within 0\.05 s; .*"),
        (0, 0, 3, "the stream unit counts on from before its reset; .* 3 cells out, .*"),
    ],
)
def test_a_reset_that_fails_is_said(dma_control: int, unit_control: int, cells_out: int, said: str) -> None:
    chip, dma, unit, _ = fake_chip()
    dma.values[DmaRegister.CONTROL] = dma_control
    unit.values |= {StreamRegister.CONTROL.offset: unit_control, StreamRegister.CELLS_OUT.offset: cells_out}
    with pytest.raises(BoardFailed) as failure:
        chip.reset()
    assert re.fullmatch(said, str(failure.value))


@pytest.mark.parametrize("channel", DmaChannel)
def test_a_channel_that_stays_halted_is_said(channel: DmaChannel) -> None:
    chip, dma, _, _ = fake_chip()
    dma.values[channel.value + DmaRegister.STATUS] = DmaStatus.HALTED
    with pytest.raises(BoardFailed, match=f"{channel.title} does not start within 0.05 s"):
        chip.start(interrupt=False)
    assert dma.written[-1] == (channel.value, DmaControl.RUN)


def test_registers_in_words() -> None:
    chip, dma, unit, retrieval = fake_chip()
    dma.values = {0x04: DmaStatus.HALTED | DmaStatus.DECODE_ERROR | DmaStatus.SLAVE_ERROR, 0x34: 0}
    unit.values |= {register.offset: 10 + place for place, register in enumerate(StreamRegister)}
    unit.values[StreamRegister.IDENTITY.offset] = registers.STREAM_IDENTITY
    retrieval.values |= {
        Register.FRAMES_ACCEPTED.offset: 7,
        Register.FRAMES_DROPPED.offset: 2,
        Register.ERROR_FLAGS.offset: ErrorFlag.LONG_PACKET | ErrorFlag.SHORT_PACKET,
    }
    assert chip.in_words() == (
        "DMA memory-to-stream: halted, slave error (memory answered with an error), decode error (no memory at that "
        "address); DMA stream-to-memory: busy; stream unit: 15 batches in, 16 out, 17 frames in, 18 cells out, "
        "19 clocks stalled; input kernel: 7 frames accepted, 2 dropped, short packet (TLAST came before a frame's "
        "last beat), long packet (TLAST was missing on a frame's last beat)"
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x0001_0000, "busy"),
        (0x0000_1002, "idle"),
        (0x0000_0001, "halted"),
        (0x0000_4011, "halted, internal error (a packet longer than its buffer, or a length of zero)"),
    ],
)
def test_status_in_words(status: int, words: str) -> None:
    assert status_in_words(status) == words


@dataclass
class FakeBuffer:
    octets: np.ndarray


def sent_batch() -> Batch:
    bundle = small_bundle()
    batch = Batch(bundle, FakeBuffer(np.zeros(4 * bundle.layout.frame_bytes, np.uint8)), first=10, number=6)  # type: ignore
    for cell in small_frames(bundle.design, 3):
        batch.add(cell)
    batch.seal()
    return batch


def due_answer(batch: Batch) -> np.ndarray:
    logits = np.arange(-4, 5, dtype="<i4").view("<u4")
    receipt = [RECEIPT_MARK, batch.number, batch.travelling, 0, batch.input_crc, zlib.crc32(logits)]
    return np.array([*logits, *receipt], "<u4")


def test_the_answer_that_is_due_is_believed() -> None:
    batch = sent_batch()
    words = due_answer(batch)
    assert Answer.is_due(words.nbytes, 3, LogitsForm(3))
    assert words.nbytes == Answer.most_bytes(3, LogitsForm(3))
    logits = Answer(words, LogitsForm(3)).read(batch)
    assert logits is not None
    assert np.array(logits).tolist() == [[-4, -3, -2], [-1, 0, 1], [2, 3, 4]]


@pytest.mark.parametrize("place", range(9 + len(ReceiptWord)))
@pytest.mark.parametrize("bit", [0, 17, 31])
def test_no_bit_of_an_answer_may_differ(place: int, bit: int) -> None:
    batch = sent_batch()
    words = due_answer(batch)
    words[place] ^= np.uint32(1 << bit)
    assert Answer(words, LogitsForm(3)).read(batch) is None


@pytest.mark.parametrize("bit", range(32))
def test_two_errors_do_not_compensate(bit: int) -> None:
    """Neither does a plain sum see an exchange, nor one weighted by position two flips of bit 31."""
    batch = sent_batch()
    for one, other in itertools.combinations(range(9), 2):
        flipped, exchanged = due_answer(batch), due_answer(batch)
        flipped[[one, other]] ^= np.uint32(1 << bit)
        exchanged[[one, other]] = exchanged[[other, one]]
        assert Answer(flipped, LogitsForm(3)).read(batch) is None
        assert Answer(exchanged, LogitsForm(3)).read(batch) is None


def test_the_receipt_vouches_for_the_order_of_what_was_sent() -> None:
    batch = sent_batch()
    right = batch.input_crc
    words = batch.memory.octets[: batch.sent_bytes].view("<u4")
    other = int(np.flatnonzero(words != words[0])[0])
    words[[0, other]] = words[[other, 0]]
    batch.seal()
    assert batch.input_crc != right


def test_a_thread_without_an_event_loop_gets_one() -> None:
    """Interrupts of pynq ask for it when they are made."""
    loops: list[asyncio.AbstractEventLoop] = []

    def work() -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_event_loop()
        _ensure_event_loop()
        loops.append(asyncio.get_event_loop())
        _ensure_event_loop()
        loops.append(asyncio.get_event_loop())
        loops[0].close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert len(loops) == 2
    assert loops[0] is loops[1]
