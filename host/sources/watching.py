"""Watch a folder: which files lie in it, and which have stopped changing.

A file is believed when it was seen unchanged (size, time of change, device, inode) over several looks and some time of
this machine's own clock. Its own times prove nothing: copies keep old ones, and a share's clock may differ.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError
from cytogate.model.files.zarr import is_zarr

SUFFIXES = (".h5", ".hdf5", ".npz", ".npy", ".mat", ".tif", ".tiff", ".zip")
"""Of files of frames; ``.zip`` is a zipped Zarr."""
ROWS, PIXELS = ".adc", ".roi"
"""The two files of a bin of an Imaging FlowCytobot."""
BESIDE = (".hdr",)
"""Files that belong to others and hold no cells."""
ZARR_SUFFIX = ".zarr"
MOST_DEEP = 2
"""Sub-folders are looked into so deep: a day, and in it a minute."""

LEAST_LOOKS = 3
LOOKS_A_SETTLING = 5
"""A folder is looked at so often in the time in which a file settles ..."""
SHARE_OF_LOOKING = 0.1
"""... but for no more than this share of the time: a share of ten thousand files may take seconds."""
MOST_NAMED = 5
"""Things of one folder that are not read are mostly alike: the first names say it."""

State = tuple[tuple[int, int, int, int], ...]
"""Size, time of change, device and inode of each file; of a folder one that stands for all that lies in it."""
Identity = tuple[tuple[int, int], ...]
"""Device and inode of each file: what stays of it under another name."""


@dataclass(frozen=True)
class Item:
    """A file, a bin or a Zarr, as it was seen."""

    path: Path
    name: str
    """Below the folder, in letters that can be printed: its origin."""
    files: tuple[Path, ...]
    state: State
    changed_ns: int
    """Latest time of change of its files, by the clock of whatever keeps them."""
    is_folder: bool
    """Whether its parts are opened by name, one after the other."""

    @property
    def unchanged(self) -> bool:
        """Whether it still is as it was seen."""
        try:
            return _state(self.files)[0] == self.state
        except OSError:
            return False

    @property
    def rewritten(self) -> bool:
        """Whether what was opened of it has changed: a file that was replaced or removed is still open as it was."""
        return not self.unchanged and (self.is_folder or not self.replaced)

    @property
    def replaced(self) -> bool:
        """Whether another file has its name, or none."""
        try:
            return _identity(_state(self.files)[0]) != self.identity
        except OSError:
            return True

    @property
    def own_origin(self) -> str:
        """Origin of its cells as its reader says it."""
        return spelled(self.path.name)

    @property
    def identity(self) -> Identity:
        """Which files it is made of, whatever they are called."""
        return _identity(self.state)


@dataclass
class Sight:
    """An item that has not changed since it was first seen like this.

    Its times are those of whole looks: files that were put there before one look settle by one look, however long it
    took, and are read in the order of their changes.
    """

    item: Item
    since_s: float = 0.0
    """End of the first look that saw it like this."""
    seen_s: float = 0.0
    """Beginning of the last one."""
    looks: int = 1

    @property
    def rested_s(self) -> float:
        """How long it was seen to be like this."""
        return self.seen_s - self.since_s


class FolderWatch:
    """Looks at a folder now and then; what is no cells is named once."""

    def __init__(self, folder: Path, settled_s: float, tell: Callable[[str], None]) -> None:
        self._folder, self._settled_s, self._tell = folder, settled_s, tell
        self._sights: dict[str, Sight] = {}
        self._refused: dict[str, int] = {}
        """Looks behind each other at which the system gave no state, by item."""
        self._not_read: set[str] = set()
        self._due_s = 0.0

    @property
    def not_read(self) -> int:
        """Things that no reader takes."""
        return len(self._not_read)

    @property
    def sights(self) -> list[Sight]:
        """Return all items, after another look if one is due."""
        if not self._folder.is_dir():
            raise InputError(f"{self._folder}: the folder is gone")
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._look(now_s)
            took_s = time.monotonic() - now_s
            self._due_s = now_s + max(self._settled_s / LOOKS_A_SETTLING, took_s / SHARE_OF_LOOKING)
        return [*self._sights.values()]

    @property
    def identities(self) -> set[Identity]:
        """Which files were there at the last look."""
        return {sight.item.identity for sight in self._sights.values()}

    def settled(self, sight: Sight) -> bool:
        """Return whether an item was seen unchanged for long enough."""
        return sight.looks >= LEAST_LOOKS and sight.rested_s >= self._settled_s

    def forget(self, sight: Sight) -> None:
        """Take what was found to have changed for one that was never seen: it has to rest anew."""
        self._sights.pop(sight.item.name, None)

    def _look(self, now_s: float) -> None:
        found: dict[str, Sight] = {}
        refused: dict[str, int] = {}
        for path, files in self._items(self._folder, 0):
            name = spelled(path.relative_to(self._folder).as_posix())
            try:
                state, changed_ns = _state(files)
            except OSError as error:
                # Once, it is gone again between listing and looking; or something in a folder is.
                refused[name] = self._refused.get(name, 0) + 1
                if refused[name] == LEAST_LOOKS:
                    self._leave(path, f"cannot be looked at: {error.filename or path}: {error.strerror}")
                continue
            sight = self._sights.get(name)
            if sight is None or sight.item.state != state:
                sight = Sight(Item(path, name, files, state, changed_ns, path.is_dir()))
            else:
                sight.looks += 1
                sight.seen_s = now_s
            found[name] = sight
        end_s = time.monotonic()
        for sight in found.values():
            if sight.looks == 1:
                sight.since_s = sight.seen_s = end_s
        self._sights, self._refused = found, refused

    def _items(self, folder: Path, depth: int) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        """Yield what is to be opened, and the files that it is made of."""
        try:
            with os.scandir(folder) as listing:
                shown = [each for each in listing if not each.name.startswith(".")]
        except OSError as error:
            self._leave(folder, f"cannot be read: {error.strerror}")
            return
        bins: dict[str, list[Path]] = {}
        for entry in sorted(shown, key=lambda each: each.name):
            path = folder / entry.name
            suffix = path.suffix.lower()
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._folder_items(path, depth)
                elif not entry.is_file():
                    self._leave(path, "a link that leads to no file" if entry.is_symlink() else "no file")
                elif suffix in (ROWS, PIXELS):
                    bins.setdefault(path.stem, []).append(path)
                elif suffix in SUFFIXES:
                    yield path, (path,)
                elif suffix not in BESIDE:
                    self._leave(path, f"not read; a folder's files of cells end in {', '.join((*SUFFIXES, ROWS))}")
            except OSError as error:
                self._leave(path, f"cannot be read: {error.strerror}")
        for files in bins.values():
            files.sort(key=lambda path: path.suffix.lower())
            yield files[0], tuple(files)

    def _folder_items(self, path: Path, depth: int) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        if path.suffix.lower() == ZARR_SUFFIX or is_zarr(path):
            yield path, (path,)
        elif depth == MOST_DEEP:
            self._leave(path, f"a folder deeper than {MOST_DEEP} below the one that is watched")
        else:
            yield from self._items(path, depth + 1)

    def _leave(self, path: Path, why: str) -> None:
        """Say once that something is not read."""
        name = str(path)
        if name in self._not_read:
            return
        self._not_read.add(name)
        if len(self._not_read) <= MOST_NAMED:
            more = "; further ones are not named" if len(self._not_read) == MOST_NAMED else ""
            self._tell(f"{name}: {why}{more}")


def _state(files: tuple[Path, ...]) -> tuple[State, int]:
    """Return the state of files and of all that lies in folders, and the latest time of change."""
    state = tuple(_folder_state(file) if file.is_dir() else _file_state(file) for file in files)
    return state, max(changed_ns for _, changed_ns, *_ in state)


def _file_state(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino


def _folder_state(folder: Path) -> tuple[int, int, int, int]:
    inside = [_file_state(Path(place, name)) for place, _, names in os.walk(folder) for name in sorted(names)]
    itself = folder.stat()
    changed_ns = max((changed for _, changed, *_ in inside), default=itself.st_mtime_ns)
    # Of a Zarr of a million chunks one number is kept.
    return hash(tuple(sorted(inside))), changed_ns, itself.st_dev, itself.st_ino


def _identity(state: State) -> Identity:
    return tuple((device, inode) for _, _, device, inode in state)
