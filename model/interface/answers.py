"""Answers of the chip to the frames of a transfer, before the receipt, in words of 32 bits.

A cell's frames give its logits; where a gate stands behind the network, the word of what it has made of the cell
follows them. A hologram gives one word for the field, then for each cell that was found its center,
its region and its logits: how many, the field's word says. A packet of the chain, TLAST on its last word, is that of
one cell's frames or of one hologram, so that the batches of the stream unit are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.gate import CellEvent
from cytogate.model.contract.off_axis import AREA, MOST_CELLS
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis

CROWDED = 1 << 7
"""Bit of a field's word above the number of its cells."""
COLUMN_SHIFT = 16
"""Of a center's word: the row is in the lower half, both in the steps of the contract."""
FLAGS_SHIFT = AREA.width
"""Of a region's word: the area is below the flags."""


@dataclass(frozen=True, eq=False)
class FoundCell:
    """A cell of a hologram, in the codes of the contract's rows."""

    center: tuple[int, int]
    area: int
    flags: int
    logits: NDArray[np.int64]
    """(classes,)"""


@dataclass(frozen=True, eq=False)
class FieldAnswer:
    """All cells of a hologram; none of a crowded one."""

    cells: tuple[FoundCell, ...]
    is_crowded: bool

    @staticmethod
    def of(centers: Codes, regions: Codes, logits: Sequence[Codes], is_crowded: bool) -> FieldAnswer:
        """Return that of a field's cells.

        Parameters
        ----------
        centers, regions : (cells, 2)
            Rows of the contract: row and column, area and flags.
        logits
            (classes,) of each cell.
        """
        places = zip(centers.tolist(), regions.tolist(), logits, strict=True)
        cells = (FoundCell((row, column), area, flags, own) for (row, column), (area, flags), own in places)
        return FieldAnswer(tuple(cells), is_crowded)

    def words(self) -> list[int]:
        """Return what the chip sends."""
        found = [len(self.cells) | CROWDED * self.is_crowded]
        for cell in self.cells:
            row, column = cell.center
            found += [row | column << COLUMN_SHIFT, cell.area | cell.flags << FLAGS_SHIFT]
            found += [int(code) & 0xFFFFFFFF for code in cell.logits]
        return found


@dataclass(frozen=True, eq=False)
class GatedAnswer:
    """A cell, and what the chip's gate has made of it."""

    logits: NDArray[np.int64]
    """(classes,)"""
    event: CellEvent


FrameAnswer: TypeAlias = NDArray[np.int64] | FieldAnswer | GatedAnswer
"""Of one frame; logits where there is a cell a frame and no gate."""


class AnswerForm(Protocol):
    """How many words an answer has, and what they say."""

    def most_words(self, frames: int) -> int:
        """Return the most words that so many frames may give."""

    def is_due(self, words: int, frames: int) -> bool:
        """Return whether so many frames can give so many words."""

    def read(self, words: NDArray[np.uint32], frames: int) -> Sequence[FrameAnswer] | None:
        """Return what each frame gave; None: these are not the words of so many."""


@dataclass(frozen=True)
class LogitsForm:
    """A cell a frame."""

    classes: int

    def most_words(self, frames: int) -> int:
        """Return the words that so many frames give."""
        return frames * self.classes

    def is_due(self, words: int, frames: int) -> bool:
        """Return whether it is exactly as many."""
        return words == self.most_words(frames)

    def read(self, words: NDArray[np.uint32], frames: int) -> Sequence[NDArray[np.int64]]:
        """Return codes of logits, (classes,) each."""
        return list(words.view("<i4").astype(np.int64).reshape(frames, self.classes))


@dataclass(frozen=True)
class GatedForm:
    """A cell a frame, with a gate behind the network."""

    classes: int

    def most_words(self, frames: int) -> int:
        """Return the words that so many frames give."""
        return frames * (self.classes + 1)

    def is_due(self, words: int, frames: int) -> bool:
        """Return whether it is exactly as many."""
        return words == self.most_words(frames)

    def read(self, words: NDArray[np.uint32], frames: int) -> Sequence[GatedAnswer] | None:
        """Return the cells, or None if one has no event."""
        rows = words.reshape(frames, self.classes + 1)
        logits = rows[:, :-1].view("<i4").astype(np.int64)
        cells = [
            GatedAnswer(own, event)
            for own, word in zip(logits, rows[:, -1].tolist(), strict=True)
            if (event := CellEvent.of(word)) is not None
        ]
        return cells if len(cells) == frames else None


@dataclass(frozen=True)
class FieldForm:
    """A hologram a frame."""

    classes: int

    @property
    def _cell_words(self) -> int:
        return 2 + self.classes

    def most_words(self, frames: int) -> int:
        """Return the words of so many fields that are full."""
        return frames * (1 + MOST_CELLS * self._cell_words)

    def is_due(self, words: int, frames: int) -> bool:
        """Return whether it may be so many: each field has a word, each cell its own."""
        return 0 <= words - frames <= MOST_CELLS * self._cell_words * frames and not (words - frames) % self._cell_words

    def read(self, words: NDArray[np.uint32], frames: int) -> Sequence[FieldAnswer] | None:
        """Return the fields, or None if the words are not exactly theirs."""
        fields, place = [], 0
        for _ in range(frames):
            if place >= len(words):
                return None
            count, is_crowded = int(words[place]) & (CROWDED - 1), bool(int(words[place]) & CROWDED)
            own = words[place + 1 : place + 1 + count * self._cell_words]
            if count > MOST_CELLS or len(own) != count * self._cell_words:
                return None
            fields.append(FieldAnswer(tuple(map(_cell, own.reshape(count, self._cell_words))), is_crowded))
            place += 1 + len(own)
        return fields if place == len(words) else None


def answer_form(design: Design) -> AnswerForm:
    """Return the form of a design's answers."""
    classes = design.network.classes
    if isinstance(design.instrument, OffAxis):
        return FieldForm(classes)
    return GatedForm(classes) if design.chip.has_gate else LogitsForm(classes)


def _cell(words: NDArray[np.uint32]) -> FoundCell:
    center, region = int(words[0]), int(words[1])
    half, area = (1 << COLUMN_SHIFT) - 1, (1 << FLAGS_SHIFT) - 1
    logits = words[2:].view("<i4").astype(np.int64)
    return FoundCell((center & half, center >> COLUMN_SHIFT), region & area, region >> FLAGS_SHIFT, logits)
