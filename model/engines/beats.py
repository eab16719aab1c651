"""Beats in the engines of ``fpga/rtl``: how long each is on its way, and for how many there is room.

A function a module, which tells from when the module takes each beat and from when it has each. It is a generator that
stops where it needs what is not known yet. Clocks are those of the modules' text; tests hold them against simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from cytogate.model.engines.engine import Engine
from cytogate.model.engines.moments import Kind, program

SUMS_CLOCKS = 6
"""From the last step of a weighted sum to the word that waits, besides the tree of its terms."""
ROUNDED_CLOCKS = 2
"""From a sum to the word that waits."""
POOL_CLOCKS = 3
"""From the last pixel of a block to the word that waits."""
ROW_CLOCKS, ROW_PLACES = 4, 2
"""Of the mask's moments: from a row's last beat to sums that wait; rows that have a place."""
CELL_SUMS = 23
"""Of the mask's moments: steps of a row, and clocks in which a cell's sums are loaded."""
WHOLE_CLOCKS = 3
"""From a cell's last step to its sums."""
STEP_CLOCKS = {Kind.CENTER: 4, Kind.MOVE: 5, Kind.LOG: 9, Kind.LOG_OF_SQUARES: 9}
"""Of an instruction, a center's besides the bits of its quotient; three of any other one."""

Work = Generator[None, None, None]


class Link:
    """Beats from one engine to another; each passes a clock after the one before, at the earliest."""

    __slots__ = ("accepted", "offered", "passed")

    def __init__(self) -> None:
        self.offered: list[int] = []
        """Clock from which each beat is there, if those before it have passed."""
        self.accepted: list[int] = []
        """Clock from which each beat would be taken."""
        self.passed: list[int] = []

    def offer(self, clock: int) -> None:
        """Tell of the next beat from when it is there."""
        self.offered.append(clock)
        if len(self.accepted) >= len(self.offered):
            self._pass(clock, self.accepted[len(self.passed)])

    def accept(self, clock: int) -> None:
        """Tell of the next beat from when it is taken."""
        self.accepted.append(clock)
        if len(self.offered) >= len(self.accepted):
            self._pass(clock, self.offered[len(self.passed)])

    def _pass(self, clock: int, other: int) -> None:
        self.passed.append(max(clock, other, self.passed[-1] + 1 if self.passed else 0))

    def there(self, beat: int) -> int:
        """Return from when a beat that is known to be offered is there."""
        return max(self.offered[beat], self.passed[beat - 1] + 1 if beat else 0)


def _place(link: Link, beat: int, places: int) -> Generator[None, None, int]:
    """Return the clock from which a queue of so many places ahead of ``link`` has one for a beat."""
    if beat < places:
        return 0
    while len(link.passed) <= beat - places:
        yield
    return link.passed[beat - places] + 1


def fork(entering: Link, leaving: list[Link]) -> Work:
    """``stream_fork``."""
    beat = 0
    while True:
        while len(entering.offered) <= beat:
            yield
        clock = entering.there(beat)
        for link in leaving:
            link.offer(clock)
        while any(len(link.passed) <= beat for link in leaving):
            yield
        entering.accept(max(link.passed[beat] for link in leaving))
        beat += 1


def argmax(classes: int, entering: Link, leaving: Link) -> Work:
    """``argmax``; its answer is always taken."""
    beat = 0
    while True:
        entering.accept((yield from _place(leaving, beat, 1)))
        while len(entering.passed) <= beat:
            yield
        leaving.accept(0)
        leaving.offer(entering.passed[beat] + classes + 1)
        beat += 1


def _queue(places: int, entering: list[Link], leaving: Link, clocks: int = 1) -> Work:
    """Give a beat for a beat of all that enter, some clocks later; ``places`` is how many are on their way."""
    beat = 0
    while True:
        clock = yield from _place(leaving, beat, places)
        for link in entering:
            while len(link.offered) <= beat:
                yield
        clock = max(clock, *(link.there(beat) for link in entering))
        for link in entering:
            link.accept(clock)
        leaving.offer(clock + clocks)
        beat += 1


def _stream_queue(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    return [_queue(engine.kept, entering, leaving)]


def _pool_windows(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    return [_queue(engine.kept, entering, leaving, POOL_CLOCKS)]


def _rounded_sums(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    return [_queue(engine.kept, entering, leaving, engine.parameters["CLOCKS"] + ROUNDED_CLOCKS)]


def _crop_map(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    given = engine.parameters
    rows = range(given["TOP"], given["TOP"] + given["OUT_ROWS"])
    beats = range(given["LEFT"], given["LEFT"] + given["OUT_BEATS"])
    kept = [row in rows and beat in beats for row in range(given["ROWS"]) for beat in range(given["BEATS"])]
    return [_kept(kept, entering[0], leaving)]


def _kept(kept: list[bool], entering: Link, leaving: Link) -> Work:
    beat = out = 0
    while True:
        if kept[beat % len(kept)]:
            while len(entering.offered) <= beat:
                yield
            leaving.offer(entering.there(beat))
            while len(leaving.passed) <= out:
                yield
            entering.accept(leaving.passed[out])
            out += 1
        else:
            entering.accept(0)
            while len(entering.passed) <= beat:
                yield
        beat += 1


def _narrow_beats(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    return [_narrowed(engine.parameters["PIXELS"], entering[0], leaving)]


def _narrowed(pixels: int, entering: Link, leaving: Link) -> Work:
    beat = 0
    while True:
        while len(entering.offered) <= beat:
            yield
        for _ in range(pixels):
            leaving.offer(entering.there(beat))
        beat += 1
        while len(leaving.passed) < beat * pixels:
            yield
        entering.accept(leaving.passed[-1])


def _pad_map(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    given = engine.parameters
    rows, columns = given["TOP"] + given["ROWS"], given["LEFT"] + given["COLUMNS"]
    inside = [
        given["TOP"] <= row < rows and given["LEFT"] <= column < columns
        for row in range(rows + given["BOTTOM"])
        for column in range(columns + given["RIGHT"])
    ]
    return [_padded(inside, entering[0], leaving)]


def _padded(inside: list[bool], entering: Link, leaving: Link) -> Work:
    beat, first = 0, inside.index(True)
    while True:
        for place, within in enumerate(inside):
            if within or place < first:
                while len(entering.offered) <= beat:
                    yield
                leaving.offer(entering.there(beat))
            else:
                leaving.offer(0)
            while len(leaving.passed) < len(leaving.offered):
                yield
            if within:
                entering.accept(leaving.passed[-1])
                beat += 1


def _pool_blocks(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    last = [False] * engine.parameters["ROWS"] * engine.parameters["COLUMNS"]
    for beats in engine.needs.tolist():
        last[beats - 1] = True
    return [_blocks(last, engine.kept, entering[0], leaving)]


def _blocks(last: list[bool], places: int, entering: Link, leaving: Link) -> Work:
    beat = block = 0
    while True:
        ends = last[beat % len(last)]
        entering.accept((yield from _place(leaving, block, places)) if ends else 0)
        while len(entering.passed) <= beat:
            yield
        if ends:
            leaving.offer(entering.passed[beat] + POOL_CLOCKS)
            block += 1
        beat += 1


def _weighted_sums(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    given = engine.parameters
    values = given["VALUES"] // given["OUTPUTS"] if given["DEPTHWISE"] else given["VALUES"]
    tree = ((values // given["SLICES"] - 1).bit_length() + 1) // 2
    steps = given["REUSE"] * given["SLICES"]
    return [_sums(steps, given["BEATS"], SUMS_CLOCKS + tree, engine.kept, entering[0], leaving)]


def _sums(steps: int, beats: int, clocks: int, places: int, entering: Link, leaving: Link) -> Work:
    beat = 0
    while True:
        whole = (beat + 1) % beats == 0
        clock = (yield from _place(leaving, beat // beats, places)) if whole else 0
        while len(entering.offered) <= beat:
            yield
        clock = max(clock, entering.there(beat)) + steps - 1
        entering.accept(clock)
        if whole:
            leaving.offer(clock + clocks)
        beat += 1


def _sliding_window(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    dropped: list[int] = []
    return [
        _rows_in(engine.parameters, entering[0], dropped),
        _windows(engine.parameters, entering[0], leaving, dropped),
    ]


def _rows_in(given: Mapping[str, int], entering: Link, dropped: list[int]) -> Work:
    """Take beats while a row has a bank; ``dropped`` are the clocks in which rows leave theirs."""
    banks, row_beats = given["KERNEL_ROWS"] + given["STRIDE_ROWS"], given["COLUMNS"] // given["PIXELS"]
    row = 0
    while True:
        while len(dropped) <= row - banks:
            yield
        for _ in range(row_beats):
            entering.accept(0 if row < banks else dropped[row - banks] + 1)
        row += 1
        while len(entering.passed) < row * row_beats:
            yield


def _windows(given: Mapping[str, int], entering: Link, leaving: Link, dropped: list[int]) -> Work:
    """Make steps: each is read, a clock later moves into the window, and the window stands until it is taken."""
    rows, columns, pixels = given["ROWS"], given["COLUMNS"], given["PIXELS"]
    stride_rows, stride = given["STRIDE_ROWS"], given["STRIDE_COLUMNS"]
    row_beats = columns // pixels
    ahead = (given["KERNEL_COLUMNS"] - 1 - given["LEFT"]) // stride
    steps = given["OUT_COLUMNS"] + ahead
    # Of the step before: when it was read, when it left for the window, when the window was taken.
    read, moved, taken = -2, -1, -1
    free = 0  # clock from which a row's steps may be made
    first_row = 0  # rows of all cells before
    while True:
        for out_row in range(given["OUT_ROWS"]):
            position = out_row * stride_rows - given["TOP"]
            last_row = first_row + min(position + given["KERNEL_ROWS"], rows) - 1
            for step in range(steps):
                needed = last_row * row_beats - (-min((step + 1) * stride, columns) // pixels) - 1
                while len(entering.passed) <= needed:
                    yield
                here = max(free, entering.passed[needed] + 1)
                # Taken in with the one before moving on; else it waits for the window that stands there then.
                read = moved if here <= moved else max(here, taken)
                moved = max(read + 1, taken)
                taken = moved + 1
                if step >= ahead:
                    leaving.offer(moved + 1)
                    while len(leaving.passed) < len(leaving.offered):
                        yield
                    taken = leaving.passed[-1]
            last = out_row == given["OUT_ROWS"] - 1
            end = rows if last else max(position + stride_rows, 0)
            free = read + 1
            while len(dropped) < first_row + end:
                whole = (len(dropped) + 1) * row_beats - 1
                while len(entering.passed) <= whole:
                    yield
                dropped.append(max(free, entering.passed[whole] + 1))
                free = dropped[-1] + 1
        first_row += rows


def _mask_moments(engine: Engine, entering: list[Link], leaving: Link) -> list[Work]:
    given = engine.parameters
    rows, row_beats = given["ROWS"], given["COLUMNS"] // given["PIXELS"]
    clocks = sum(STEP_CLOCKS.get(kind, 3) + given["QUOTIENT_BITS"] * (kind == Kind.CENTER) for kind, *_ in program())
    ends: list[int] = []
    return [_mask_rows(row_beats, entering[0], ends), _mask_cells(rows, row_beats, clocks, entering[0], leaving, ends)]


def _mask_rows(row_beats: int, entering: Link, ends: list[int]) -> Work:
    """Take beats while a row has a place; ``ends`` are the clocks in which rows have been taken into their cell."""
    row = 0
    while True:
        for _ in range(row_beats - 1):
            entering.accept(0)
        while len(ends) <= row - ROW_PLACES:
            yield
        entering.accept(0 if row < ROW_PLACES else ends[row - ROW_PLACES] + 1)
        row += 1
        while len(entering.passed) < row * row_beats:
            yield


def _mask_cells(rows: int, row_beats: int, clocks: int, entering: Link, leaving: Link, ends: list[int]) -> Work:
    """Take rows into a cell, load its sums, and make its words."""
    cell, loaded = 0, -1
    while True:
        for row in range(cell * rows, (cell + 1) * rows):
            beat = (row + 1) * row_beats - 1
            while len(entering.passed) <= beat:
                yield
            waits = max(entering.passed[beat] + ROW_CLOCKS, ends[-1] + 1 if ends else 0)
            ends.append(max(waits + 1, loaded + 1) + CELL_SUMS - 1)
        loaded = max(ends[-1] + WHOLE_CLOCKS, (yield from _place(leaving, cell, 1))) + CELL_SUMS
        leaving.offer(loaded + 1 + clocks)
        cell += 1


WORKS: dict[str, Callable[[Engine, list[Link], Link], list[Work]]] = {
    "crop_map": _crop_map,
    "join_words": _stream_queue,
    "mask_moments": _mask_moments,
    "narrow_beats": _narrow_beats,
    "pad_map": _pad_map,
    "pool_blocks": _pool_blocks,
    "pool_windows": _pool_windows,
    "rounded_sums": _rounded_sums,
    "round_words": _stream_queue,
    "sliding_window": _sliding_window,
    "stream_queue": _stream_queue,
    "weighted_sums": _weighted_sums,
}
"""By an engine's module."""
