"""A folder that grows: files, bins and Zarrs that another program puts there while the stream runs.

What rests (:mod:`cytogate.host.sources.watching`) is read, in the order of the times of change. What looks unfinished
although it rests (it cannot be opened, a cell cannot be read, a part of a frame is one even value) is waited for a
while longer. What changes later is looked at again: a file that still holds the last cell that was read of it has
grown, and its further cells are read; any other is new content of a name that comes again, and is read as an origin of
its own, ``NAME (2)``. The same is found after a restart, since the run keeps each cell's digest. A file that is renamed
while the stream runs stays what it was (:mod:`cytogate.host.sources.origins`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from cytogate.host.sources.origins import Origins
from cytogate.host.sources.source import CellSource, Resume
from cytogate.host.sources.watching import FolderWatch, Item, Sight, State
from cytogate.host.stream.cells import WHOLE_FILE, SourceCell
from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError

SETTLED_S = 2.0
"""Time without change after which a file is taken for whole."""
PATIENCE = 5
"""So many times as long is waited for what looks unfinished."""
SHARE_OF_CHECKING = 0.05
"""Most of the time that is spent on asking whether a file changes while it is read."""

FIRST_WAITING_S, LONGEST_WAITING_S = 10.0, 600.0
"""When a stream that waits says so, first and at last."""
MOST_TOLD = 5
"""Files of one folder are mostly alike: the first sentences say it."""


def _to_stderr(sentence: str) -> None:
    print(spelled(sentence), file=sys.stderr)


class GrowingFolder:
    """See :class:`cytogate.host.sources.source.CellSource`; never at its end."""

    cells = None

    def __init__(
        self,
        folder: Path,
        open_file: Callable[[Path], CellSource],
        settled_s: float = SETTLED_S,
        tell: Callable[[str], None] = _to_stderr,
    ) -> None:
        self._folder, self._open_file, self._tell = folder, open_file, tell
        self._watch = FolderWatch(folder, settled_s, tell)
        self._patience_s = PATIENCE * settled_s
        self._origins = Origins(tell, {})
        self._done: dict[str, State] = {}
        """By item, the state in which it was read to its end."""
        self._doubted: dict[str, State] = {}
        """By item, the state in which it looked unfinished."""
        self._last: dict[str, Item] = {}
        self._waiting = _Waiting()
        self.name = str(folder)
        self.simulated = False
        self.told: tuple[str, ...] = ()

    def read(self, resume: Resume) -> Iterator[SourceCell | None]:
        """Yield the cells of settled files, and None whenever these had none."""
        self._origins = Origins(self._tell, resume)
        while True:
            came = False
            for sight in sorted(self._ready(), key=lambda sight: (sight.item.changed_ns, sight.item.name)):
                for cell in self._cells_of(sight):
                    came = True
                    yield cell
            if came:
                self._waiting = _Waiting()
            else:
                if self._waiting.due:
                    self._tell(self._waits_for())
                yield None

    def close(self) -> None:
        """Files are closed as they are read to their ends."""

    def _ready(self) -> Iterator[Sight]:
        for sight in self._watch.sights:
            name, state = sight.item.name, sight.item.state
            self._tell_of_unread(sight.item)
            if self._done.get(name) == state or not self._watch.settled(sight):
                continue
            if self._doubted.get(name) != state or self._patient_enough(sight):
                yield sight

    def _tell_of_unread(self, item: Item) -> None:
        """Say that a file was replaced by another one before it had rested."""
        last = self._last.get(item.name)
        unread = last is not None and last.state != item.state and self._done.get(last.name) != last.state
        if last is not None and unread and last.replaced and last.identity not in self._watch.identities:
            self._tell(f"{item.path}: was replaced by another file before it was read; give each its own name")
        self._last[item.name] = item

    def _patient_enough(self, sight: Sight) -> bool:
        return sight.rested_s >= self._patience_s

    def _cells_of(self, sight: Sight) -> Iterator[SourceCell]:
        item, believed = sight.item, self._patient_enough(sight)
        try:
            source = self._open_file(item.path)
        except InputError as error:
            if not item.unchanged:
                self._watch.forget(sight)
            elif believed:
                self._done[item.name] = item.state
                yield from self._unreadable(item, error)
            else:
                self._doubted[item.name] = item.state
            return
        try:
            if not item.unchanged:
                # Another file than the one that has settled was opened.
                self._watch.forget(sight)
                return
            self.simulated = self.simulated or source.simulated
            self.told = tuple(dict.fromkeys((*self.told, *source.told)))[:MOST_TOLD]
            yield from self._cells_of_source(source, sight, believed)
        finally:
            source.close()

    def _cells_of_source(self, source: CellSource, sight: Sight, believed: bool) -> Iterator[SourceCell]:
        item = sight.item
        origin = self._origins.of(source, item)
        rewritten = _Rewritten(item)
        for cell in source.read({item.own_origin: self._origins.progress(origin)}):
            if cell is None:
                continue
            if rewritten.seen(cell):
                # What was just read may be half of the old and half of the new; it is taken when it rests again.
                self._watch.forget(sight)
                if item.replaced:
                    self._tell(f"{item.path}: was moved or removed while it was read; what is left of it is waited for")
                return
            if not believed and _looks_unfinished(cell):
                self._doubted[item.name] = item.state
                return
            self._origins.came(origin, cell)
            yield replace(cell, origin=origin)
        self._done[item.name] = item.state

    def _unreadable(self, item: Item, error: InputError) -> Iterator[SourceCell]:
        """Yield a row for a file of which nothing is known yet; of another one say that it is gone."""
        if self._origins.is_new(item):
            yield SourceCell(item.name, WHOLE_FILE, None).faulty(str(error))
        else:
            self._tell(f"{error}; cells that were read of it before stay as they are")

    def _waits_for(self) -> str:
        sights = self._watch.sights
        open_ones = [each for each in sights if self._done.get(each.item.name) != each.item.state]
        doubted = sum(self._doubted.get(each.item.name) == each.item.state for each in open_ones)
        return (
            f"waiting for files in {self._folder}: {len(sights)} seen, {len(open_ones) - doubted} not yet settled, "
            f"{doubted} not yet whole, {self._watch.not_read} not read"
        )


class _Waiting:
    """When it is time to say that nothing comes, more and more rarely."""

    def __init__(self) -> None:
        self._since_s, self._pause_s = time.monotonic(), FIRST_WAITING_S

    @property
    def due(self) -> bool:
        """Whether it is time; then not again for twice as long."""
        now_s = time.monotonic()
        if now_s - self._since_s < self._pause_s:
            return False
        self._since_s, self._pause_s = now_s, min(2 * self._pause_s, LONGEST_WAITING_S)
        return True


class _Rewritten:
    """Whether an item changes while it is read: asked after every cell, of a folder as often as that is cheap."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self._due_s = 0.0

    def seen(self, cell: SourceCell) -> bool:
        """Return whether it was seen to have changed, now that a cell of it was read."""
        now_s = time.monotonic()
        if now_s < self._due_s and self._item.is_folder and cell.frames is not None:
            return False
        rewritten = self._item.rewritten
        done_s = time.monotonic()
        self._due_s = done_s + (done_s - now_s) / SHARE_OF_CHECKING
        return rewritten


def _looks_unfinished(cell: SourceCell) -> bool:
    """Return whether a cell may be one that is still to be written: it is missing, or has rows of one value."""
    if cell.frames is None:
        return True
    return bool((cell.frames.max(axis=-1) == cell.frames.min(axis=-1)).any())
