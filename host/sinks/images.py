"""Frames of chosen classes as TIFF: a page a channel, as every reader of ours takes them, and lossless."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import tifffile

from cytogate.host.stream.cells import Event
from cytogate.model.command.files import whole_file
from cytogate.model.design.file import did_you_mean
from cytogate.model.errors import InputError


class ImageFolder:
    """A sink that writes the frames of the first cells of each chosen class to ``CLASS/INDEX.tif``."""

    def __init__(self, folder: Path, class_names: Sequence[str], chosen: Sequence[str], most: int) -> None:
        """Choose classes.

        Parameters
        ----------
        chosen
            Names of classes.
        most
            Cells a class, those of an earlier part of the same run among them.
        """
        for name in chosen:
            if name not in class_names:
                raise InputError(
                    f"images of the class {name} are asked for{did_you_mean(name, class_names)}; the design's classes "
                    f"are {', '.join(class_names)}"
                )
        self._class_names = tuple(class_names)
        self._folders = {name: folder / place for name, place in _places(chosen).items()}
        self._left = {name: most - len(list(place.glob("*.tif"))) for name, place in self._folders.items()}

    def write(self, event: Event) -> None:
        """Write the event's frames if they are of a chosen class of which there are not enough yet."""
        chosen, frames = event.verdict.class_index, event.arrival.cell.frames
        name = None if chosen is None else self._class_names[chosen]
        if name not in self._folders or frames is None or self._left[name] <= 0:
            return
        self._left[name] -= 1
        described = {
            "class": name,
            "score": event.verdict.score,
            "decision": event.decision,
            "origin": event.arrival.cell.origin,
            "position": event.arrival.cell.position,
        }
        with whole_file(self._folders[name] / f"{event.arrival.index:012d}.tif") as partial:
            tifffile.imwrite(
                partial, frames, photometric="minisblack", description=json.dumps(described), metadata=None
            )

    def flush(self) -> None:
        """Every file is whole as soon as it is there."""


def _places(names: Sequence[str]) -> dict[str, str]:
    """Return the folder of each class: its name in letters, digits, ``_`` and ``-``, all different in any case."""
    places: dict[str, str] = {}
    for name in names:
        plain = place = re.sub(r"[^\w-]", "_", name)
        number = 1
        while place.casefold() in {each.casefold() for each in places.values()}:
            number += 1
            place = f"{plain}-{number}"
        places[name] = place
    return places
