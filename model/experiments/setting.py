"""Experiments, and their settings: scale, seeds, and a folder for unfinished work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

    from cytogate.model.pages.page import Page

Item = TypeVar("Item")


class Scale(Enum):
    """How large an experiment is."""

    SMALL = "small"
    """Under ten minutes on two cores: smaller images, narrower networks, fewer cells and epochs, as its page says."""
    FULL = "full"
    """As published, as far as data and a single machine go."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What an experiment may use beside its own constants."""

    scale: Scale
    seed: int
    """Of data, splits, initial weights and order."""
    work: Path
    """Folder of unfinished trainings: a run that was interrupted goes on from there."""
    progress: Progress = field(repr=False)
    """Bars on standard error."""

    def chosen(self, small: Item, full: Item) -> Item:
        """Return what belongs to the scale."""
        return small if self.scale is Scale.SMALL else full

    def tracked(self, items: Sequence[Item], what: str) -> Iterator[Item]:
        """Give ``items`` under a bar."""
        task = self.progress.add_task(what, total=len(items))
        for item in items:
            yield item
            self.progress.advance(task)
        self.progress.remove_task(task)

    @contextmanager
    def training(self) -> Iterator[Callable[[str, int, int], None]]:
        """Give what shows a training's progress: what is going on, cells done and cells to do."""
        task = self.progress.add_task("training")

        def show(what: str, done: int, total: int) -> None:
            self.progress.update(task, description=what, completed=done, total=total)

        yield show
        self.progress.remove_task(task)

    @contextmanager
    def own_bars(self) -> Iterator[None]:
        """Clear the bars while something that shows bars of its own is at work: two of them would share a line."""
        shown = self.progress.live.is_started
        self.progress.stop()
        yield
        if shown:
            self.progress.start()


@dataclass(frozen=True)
class Experiment:
    """An experiment of a paper, or one of ours, as a command."""

    name: str
    """Of its module, and in ``cytogate experiment NAME``."""
    title: str
    source: str
    """The paper and its tables and figures, or what it is if there is none."""
    run: Callable[[Setting], Page]
    """Do it and return its page; no file is written but below ``setting.work``."""
