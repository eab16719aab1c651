"""Cells on their way to the chip together: which of them travel, and what their answer must be."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.model.contract.gate import GateSettings
from cytogate.model.design.design import Design
from cytogate.model.interface.answers import AnswerForm, FieldAnswer, FrameAnswer, GatedAnswer
from cytogate.model.interface.bundle import Bundle
from cytogate.model.interface.packing import pack
from cytogate.model.interface.registers import RECEIPT_MARK, ReceiptWord

if TYPE_CHECKING:
    from cytogate.host.driver.pynq_device import DmaBuffer

WORD_BYTES = 4


@dataclass
class Batch:
    """Cells that are sent together, and the memory from which they are sent."""

    bundle: Bundle
    memory: DmaBuffer
    """Where they are packed."""
    first: int
    """Index of the first cell."""
    refused: dict[int, str] = field(default_factory=dict)
    """Why a cell cannot be sent, by its place among the batch's cells."""
    count: int = 0
    """Cells, those refused included."""
    number: int = 0
    """Number of the transfer since the chip's reset."""
    sent_ns: int = 0
    input_crc: int = 0
    """What the receipt must say of the transfer."""
    gate: GateSettings | None = None
    """By which the chip's gate judges its cells."""

    def add(self, frames: NDArray) -> None:
        """Take a cell's frames, or note why they cannot be sent."""
        complaint = unfit(frames, self.bundle.design)
        if complaint is None:
            layout, begin = self.bundle.layout, self.sent_bytes
            pack(frames, layout, self.memory.octets[begin : begin + layout.frame_bytes])
        else:
            self.refused[self.count] = complaint
        self.count += 1

    @property
    def travelling(self) -> int:
        """Cells that are sent."""
        return self.count - len(self.refused)

    @property
    def sent_bytes(self) -> int:
        """Length of the transfer."""
        return self.travelling * self.bundle.layout.frame_bytes

    def seal(self) -> None:
        """Take the CRC of what is sent, for the receipt."""
        self.input_crc = zlib.crc32(self.memory.octets[: self.sent_bytes].data)

    def results(self, answers: Sequence[FrameAnswer] | None, lost: str | None, received_ns: int) -> list[Result]:
        """Return one result a cell, in order: what each that travelled has for an answer, or why they are ``lost``."""
        results = []
        row = 0
        for place in range(self.count):
            complaint = self.refused.get(place, lost)
            mine = answers[row] if answers is not None and complaint is None else None
            row += place not in self.refused
            result = Result(self.first + place, None, self.sent_ns, received_ns, complaint, gate=self.gate)
            results.append(_answered(result, mine))
        return results


def _answered(result: Result, answer: FrameAnswer | None) -> Result:
    if isinstance(answer, FieldAnswer):
        return replace(result, field=answer)
    if isinstance(answer, GatedAnswer):
        return replace(result, logits=answer.logits, event=answer.event)
    return replace(result, logits=answer)


@dataclass(frozen=True)
class Answer:
    """The words that came back for a batch, and whether they can be believed."""

    words: NDArray[np.uint32]
    form: AnswerForm

    @staticmethod
    def most_bytes(frames: int, form: AnswerForm) -> int:
        """Return the length of the longest answer to so many frames."""
        return (form.most_words(frames) + len(ReceiptWord)) * WORD_BYTES

    @staticmethod
    def is_due(length: int, frames: int, form: AnswerForm) -> bool:
        """Return whether the answer to so many frames can have so many bytes."""
        return length % WORD_BYTES == 0 and form.is_due(length // WORD_BYTES - len(ReceiptWord), frames)

    @staticmethod
    def frames_in(length: int, form: AnswerForm) -> int:
        """Return of how many frames any answer fits into so many bytes."""
        return (length // WORD_BYTES - len(ReceiptWord)) // form.most_words(1)

    def read(self, batch: Batch) -> Sequence[FrameAnswer] | None:
        """Return what each frame gave, or None if any word of the receipt differs from what is due."""
        answers, receipt = self.words[: -len(ReceiptWord)], self.words[-len(ReceiptWord) :]
        due = {
            ReceiptWord.MARK: RECEIPT_MARK,
            ReceiptWord.BATCH: batch.number,
            ReceiptWord.FRAMES: batch.travelling,
            ReceiptWord.BEATS_LEFT: 0,
            ReceiptWord.INPUT_CRC: batch.input_crc,
            ReceiptWord.OUTPUT_CRC: zlib.crc32(answers.data),
        }
        if any(int(receipt[word]) != value for word, value in due.items()):
            return None
        return self.form.read(answers, batch.travelling)


def unfit(frames: NDArray, design: Design) -> str | None:
    """Return why frames cannot be sent, in words; None if they can."""
    camera = design.camera
    wanted = (len(camera.channels), camera.rows, camera.columns)
    if not isinstance(frames, np.ndarray) or frames.shape != wanted:
        return f"frames of shape {np.shape(frames)}; the design takes {wanted}"
    if frames.dtype.kind not in "ui":
        return f"frames of type {frames.dtype}; integer codes are needed"
    lowest, highest = int(frames.min()), int(frames.max())
    if lowest < 0 or highest >> camera.adc_bits:
        return f"codes from {lowest} to {highest}; the design takes 0 to {2**camera.adc_bits - 1}"
    return None
