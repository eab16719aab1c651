"""Settings of experiments under test: quiet ones, and one that breaks a training off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cytogate.model.command.terminal import progress_bars
from cytogate.model.experiments.setting import Scale, Setting


def setting_in(folder: Path, scale: Scale = Scale.SMALL, seed: int = 0) -> Setting:
    """Return a setting whose unfinished trainings are in ``folder``."""
    return Setting(scale, seed, folder, progress_bars())


class BrokenOffError(Exception):
    """The user had enough."""


@dataclasses.dataclass(frozen=True, eq=False)
class InterruptedSetting(Setting):
    """Breaks off as the second epoch ends."""

    @contextmanager
    def training(self) -> Iterator[Callable[[str, int, int], None]]:
        """Give what raises the error."""

        def show(what: str, done: int, total: int) -> None:
            if "epoch 2" in what and done == total:
                raise BrokenOffError

        yield show


def interrupted_setting_in(folder: Path) -> Setting:
    """Return a setting that breaks off."""
    return InterruptedSetting(Scale.SMALL, 0, folder, progress_bars())
