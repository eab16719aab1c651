"""Names under which cells of a folder's files are read, and how far: a file stays what it was when its name changes.

A file is known by device and inode. Under another name it is the same one if its old name is another file's or
nobody's by now, and it still holds the last cell that was read of it: numbers of files that are gone are given away
again. A copy is a file of its own, and so is a second name of a file that keeps its first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cytogate.host.sources.source import NOTHING_READ, CellSource, Progress, Resume, continues
from cytogate.host.sources.watching import Identity, Item
from cytogate.host.stream.cells import SourceCell

MOST_TOLD = 5
"""Files that are renamed are mostly of one folder: the first sentences say it."""


@dataclass
class _Known:
    """A file as it was read last."""

    item: Item
    origin: str


class Origins:
    """How far each origin has been read, and which file it is."""

    def __init__(self, tell: Callable[[str], None], resume: Resume) -> None:
        self._tell = tell
        self._progress: dict[str, Progress] = dict(resume)
        self._known: dict[Identity, _Known] = {}
        self._renamed = 0

    def progress(self, origin: str) -> Progress:
        """Return how far an origin has been read."""
        return self._progress.get(origin, NOTHING_READ)

    def came(self, origin: str, cell: SourceCell) -> None:
        """Take note of a cell that was read."""
        self._progress[origin] = self.progress(origin).after(cell.position, cell.digest)

    def of(self, source: CellSource, item: Item) -> str:
        """Return the origin of what an item holds at present."""
        origin = self._as_before(source, item) or self._by_name(source, item)
        self._known[item.identity] = _Known(item, origin)
        return origin

    def is_new(self, item: Item) -> bool:
        """Return whether nothing is known of an item that cannot be read; then it is known from now on."""
        known = self._known.get(item.identity)
        if item.name in self._progress or (known is not None and known.item.state == item.state):
            return False
        self._progress[item.name] = NOTHING_READ
        self._known[item.identity] = _Known(item, item.name)
        return True

    def _as_before(self, source: CellSource, item: Item) -> str | None:
        """Return the origin of a file that was read before, under this name or one that it has no longer."""
        known = self._known.get(item.identity)
        if known is None or known.origin not in self._progress:
            return None
        progress, renamed = self._progress[known.origin], known.item.name != item.name
        # Of a file that has grown meanwhile only a cell tells that it is the same.
        same = known.item.state == item.state or progress.known is not None
        if not same or (renamed and not known.item.replaced) or not continues(source, item.own_origin, progress):
            return None
        if renamed:
            self._tell_of_renamed(item, known)
        return known.origin

    def _tell_of_renamed(self, item: Item, known: _Known) -> None:
        self._renamed += 1
        if self._renamed <= MOST_TOLD:
            further = "; further ones are not named" if self._renamed == MOST_TOLD else ""
            self._tell(f"{item.path}: was {known.item.name} before, and stays {known.origin} in the events{further}")

    def _by_name(self, source: CellSource, item: Item) -> str:
        latest, number = item.name, 1
        while (following := f"{item.name} ({number + 1})") in self._progress:
            latest, number = following, number + 1
        if latest not in self._progress or continues(source, item.own_origin, self._progress[latest]):
            return latest
        self._tell(f"{item.path}: holds other cells than those that were read; its cells are read as {following}")
        return following
