"""Sources of cells for a stream, and how far a run has come with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from cytogate.host.stream.cells import SourceCell
from cytogate.model.errors import InputError


@dataclass(frozen=True)
class Progress:
    """What a run has of one origin."""

    position: int
    """Behind its last cell."""
    known: tuple[int, int] | None = None
    """Position and :attr:`SourceCell.digest` of the last cell that had frames: tells a file that has grown from another
    one of the same name."""

    def after(self, position: int, digest: int | None) -> Progress:
        """Return the progress with one more cell."""
        known = self.known if digest is None else (position, digest)
        return Progress(max(self.position, position + 1), known)


NOTHING_READ = Progress(0)
Resume = Mapping[str, Progress]
"""By origin."""


class CellSource(Protocol):
    """Cells one after the other, lazily. What is wrong with one cell is said in that cell; the others follow."""

    @property
    def name(self) -> str:
        """What the source is, for people and for the record of a run."""

    @property
    def cells(self) -> int | None:
        """How many cells it has; None if it is endless or unknown."""

    @property
    def simulated(self) -> bool:
        """Whether the cells are known to be simulated."""

    @property
    def told(self) -> tuple[str, ...]:
        """What a user must know of its labels and frames so far, in sentences."""

    def read(self, resume: Resume) -> Iterator[SourceCell | None]:
        """Yield the cells behind ``resume``, in order; None where there is nothing at the moment."""

    def close(self) -> None:
        """Close what is open."""


def continues(source: CellSource, origin: str, progress: Progress) -> bool:
    """Return whether a source still holds the last cell that a run has of its ``origin``.

    A cell that cannot be read any more is no proof of another content.
    """
    if progress.known is None:
        return True
    position, digest = progress.known
    cell = next(iter(source.read({origin: Progress(position)})), None)
    return cell is not None and cell.digest in (None, digest)


def check_same_content(source: CellSource, resume: Resume) -> None:
    """Raise an :class:`InputError` if a file is not the one any more that a run has cells of."""
    if source.cells is None:
        return
    for origin, progress in resume.items():
        if not continues(source, origin, progress):
            raise InputError(
                f"{source.name}: its content is no longer that of this run, of which {progress.position} cells were "
                "read; choose another folder for the results"
            )
