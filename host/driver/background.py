"""The background of phase retrieval on the chip: told after each reset, and what frames have taught it kept over one.

A reset of the stream unit zeroes the registers: a chip with a known surface would flatten frames by their own borders
again, and a causal one would learn the light anew, for which it needs 64 frames.
"""

from __future__ import annotations

from contextlib import suppress

from cytogate.host.driver.cores import ALL_ONES, Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.model.contract.background import Background, own_background
from cytogate.model.design.design import CAUSAL, Design
from cytogate.model.interface.background_registers import register_offsets, register_writes, registers_say

TRIES = 4
"""Readings of the registers until two in a row agree: frames that pass meanwhile change one after the other."""


class ChipBackground:
    """The registers of a background. It begins with that of the design, or, of the law "causal", with none known."""

    def __init__(self, cores: Cores, design: Design) -> None:
        self._cores, self._design = cores, design
        self._offsets = register_offsets(design.chip.retrieval)
        self._follows = design.chip.retrieval == CAUSAL
        self._latest = own_background(design) or (Background.unknown() if self._follows else None)
        self._loaded = False

    def load(self) -> None:
        """Write what is known to a chip that was reset, or is new; no frame may be inside.

        Raises
        ------
        BoardFailed
            If a register does not read as it was written, or the fabric is gone.
        """
        self._loaded = True
        # Of nothing that is known the reset has taken care.
        if self._latest is None or not self._latest.frames:
            return
        port = self._cores.retrieval
        writes = register_writes(self._latest, self._design.chip.retrieval)
        for offset, value in writes:
            port.write(offset, value)
        found = self._values()
        for offset, value in writes:
            if found[offset] != value:
                raise BoardFailed(
                    f"the background reads {found[offset]:#x} at {offset:#x} after {value:#x} was written to it"
                )

    def keep(self) -> None:
        """Take note, before a reset, of what frames have taught a causal chip, if it is to be believed.

        It is where the fabric answers, values are within their words, and no fewer frames are counted than before.
        """
        if not (self._loaded and self._follows):
            return
        # That the fabric is gone is said by the reset that follows.
        with suppress(BoardFailed):
            found, before = self.now(), self._latest
            assert before is not None
            if found is not None and found.frames >= before.frames and found.frozen == before.frozen:
                self._latest = found

    def now(self) -> Background | None:
        """Return what the chip holds; None: a known surface that it was not told, or nothing to be believed.

        Raises
        ------
        BoardFailed
            If the fabric is gone.
        """
        before = None
        for _ in range(TRIES):
            values = self._values()
            if values == before:
                return registers_say(values, self._design)
            before = values
        return None

    def _values(self) -> dict[int, int]:
        """Return the registers by their offsets; a coefficient may read as all ones, and what is gone does everywhere.

        Raises
        ------
        BoardFailed
            If the fabric is gone.
        """
        values = {offset: self._cores.retrieval.read(offset) for offset in self._offsets}
        if ALL_ONES in values.values():
            self._cores.must_answer()
        return values
