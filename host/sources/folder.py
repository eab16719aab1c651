"""A folder that grows: files of frames that another program puts there while the stream runs.

A file is taken when it has not changed for a while, by its own time of change or as long as it was looked at: so a
file that is renamed into place is taken soon, and one that is being written is left alone. Hidden files are never
taken. Files are read in the order of their times of change. A file whose cells have been read is not looked at again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cytogate.host.sources.source import CellSource, Resume
from cytogate.host.stream.cells import WHOLE_FILE, SourceCell
from cytogate.model.errors import InputError

SUFFIXES = (".h5", ".hdf5", ".npz", ".tif", ".tiff")
SETTLED_S = 1.0
"""Time without change after which a file is taken for whole."""

MOST_TOLD = 5
"""Files of one folder are mostly alike: the first sentences say it."""


@dataclass(frozen=True)
class _Look:
    """A file as it was seen."""

    size: int
    changed_ns: int
    first_seen_s: float
    """Monotonic time at which it was first seen like this."""


class GrowingFolder:
    """See :class:`cytogate.host.sources.source.CellSource`; never at its end."""

    cells = None

    def __init__(self, folder: Path, open_file: Callable[[Path], CellSource], settled_s: float = SETTLED_S) -> None:
        self._folder, self._open_file, self._settled_s = folder, open_file, settled_s
        self._seen: dict[str, _Look] = {}
        self._done: set[str] = set()
        self.name = str(folder)
        self.simulated = False
        self.told: tuple[str, ...] = ()

    def read(self, resume: Resume) -> Iterator[SourceCell | None]:
        """Yield the cells of settled files, and None whenever there is no such file."""
        while True:
            ready = self._settled()
            for name in ready:
                self._done.add(name)
                yield from self._cells_of(name, resume)
            if not ready:
                yield None

    def close(self) -> None:
        """Files are closed as they are read to their ends."""

    def _cells_of(self, name: str, resume: Resume) -> Iterator[SourceCell | None]:
        try:
            source = self._open_file(self._folder / name)
        except InputError as error:
            if name not in resume:
                yield SourceCell(name, WHOLE_FILE, None).faulty(str(error))
            return
        self.simulated = self.simulated or source.simulated
        self.told = (*self.told, *source.told)[:MOST_TOLD]
        try:
            yield from source.read(resume)
        finally:
            source.close()

    def _settled(self) -> list[str]:
        """Return the names of new files that have settled, the one that changed first first."""
        now_s, wall_ns = time.monotonic(), time.time_ns()
        looks: dict[str, _Look] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name in self._done or not _is_wanted(entry):
                        continue
                    status = entry.stat()
                    before = self._seen.get(entry.name)
                    look = _Look(status.st_size, status.st_mtime_ns, now_s)
                    same = before is not None and (before.size, before.changed_ns) == (look.size, look.changed_ns)
                    looks[entry.name] = before if before is not None and same else look
        except FileNotFoundError as error:
            # Of a file, between listing and looking; unless the folder itself is gone.
            if not self._folder.is_dir():
                raise InputError(f"{self._folder}: the folder is gone") from error
            return []
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be read: {error.strerror}") from error
        self._seen = looks
        settled = [
            name
            for name, look in looks.items()
            if max(now_s - look.first_seen_s, (wall_ns - look.changed_ns) / 1e9) >= self._settled_s
        ]
        return sorted(settled, key=lambda name: (looks[name].changed_ns, name))


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.name.lower().endswith(SUFFIXES) and entry.is_file()
