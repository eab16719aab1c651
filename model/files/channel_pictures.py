"""Pictures of one channel each, brought together to cells by what their names end in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cytogate.model.errors import InputError
from cytogate.model.files.natural import by_number

Cell = tuple[Path, ...]
Place = tuple[Path, int]
"""A cell, by its folder and name, and a channel."""

_GAP = "[_ .-]"
"""What may stand between the words of a channel's name."""
_SIGNS = {"+": ("+", "p", "plus", "pos"), "-": ("-", "m", "minus", "n", "neg")}
_NUMBERED = re.compile(r"(?P<cell>.*)[_ .](?P<number>[0-9]+)", re.DOTALL)
_NUMBER = re.compile(r"([0-9]+)")


def cells_of_pictures(folder: Path, pictures: Sequence[Path], channels: tuple[str, ...]) -> list[Cell]:
    """Return the pictures of each cell, one a channel.

    Names that end in the name of a channel, or in a number from 0 or 1 on, behind ``_``, a blank or a dot say which
    cell and channel a picture is of: ``cell7_+x.png``, ``cell7_px.png``, ``cell7_0.png``. Pictures of one name that
    are numbered through are those of a cell one behind the other, in the order given. Cells are in the order of the
    numbers in their names.

    Parameters
    ----------
    folder
        What the pictures are below; names of folders between it and a picture count as the picture's.

    Raises
    ------
    InputError
        If a cell lacks a picture or has two of one channel, or a name does not say which channel its picture is of.
    """
    places = _by_name(pictures, channels)
    if places is None:
        _must_name_no_channel(folder, pictures, channels)
        places = _by_last_number(pictures, len(channels))
    if places is None:
        return _numbered_through(folder, pictures, channels)
    cells: dict[Path, dict[int, Path]] = {}
    for picture, (cell, channel) in zip(pictures, places, strict=True):
        first = cells.setdefault(cell, {}).setdefault(channel, picture)
        if first is not picture:
            raise InputError(f"{picture}: {first.name} is of the same cell and channel; leave one of them out")
    for cell, found in cells.items():
        lost = [name for number, name in enumerate(channels) if number not in found]
        if lost:
            raise InputError(f"{cell}: of this cell there is no picture of channel {lost[0]}")
    return [tuple(cells[cell][number] for number in range(len(channels))) for cell in sorted(cells, key=by_number)]


def is_channel(name: str, channels: tuple[str, ...]) -> bool:
    """Whether a name is that of a channel, as it may be spelled in a file's name."""
    return any(re.fullmatch(_spelling(each), name, re.IGNORECASE) for each in channels)


def _by_name(pictures: Sequence[Path], channels: tuple[str, ...]) -> list[Place] | None:
    """Return the place of each picture by its channel's name; None where no picture's name ends in one."""
    patterns = [
        re.compile(rf"(?:(?P<cell>.*)[_ .])?(?P<ending>{_spelling(name)})", re.DOTALL | re.IGNORECASE)
        for name in channels
    ]
    places: dict[Path, Place] = {}
    for picture in pictures:
        found = [(number, match) for number, each in enumerate(patterns) if (match := each.fullmatch(picture.stem))]
        if found:
            # The longest ending: "bright field" and not "field".
            channel, match = min(found, key=lambda each: each[1].start("ending"))
            places[picture] = picture.parent / (match["cell"] or ""), channel
    if not places:
        return None
    for picture in pictures:
        if picture not in places:
            raise InputError(
                f"{picture}: its name ends in none of the channels {', '.join(channels)}, as that of "
                f"{next(iter(places)).name} does; rename it, or take it out of the folder"
            )
    return [places[picture] for picture in pictures]


def _must_name_no_channel(folder: Path, pictures: Sequence[Path], channels: tuple[str, ...]) -> None:
    """Refuse pictures that are numbered and have a channel's name elsewhere: each number would be taken for one."""
    spelled = "|".join(map(_spelling, channels))
    word = re.compile(rf"(?<![^\W\d_])(?:{spelled})(?![^\W\d_])", re.IGNORECASE)
    for picture in pictures:
        found = word.search(str(picture.relative_to(folder).with_suffix("")))
        if found is not None:
            raise InputError(
                f"{picture}: names the channel {found[0]} before its end; put the channel last, as in "
                f"cell0_{channels[0]}.png"
            )


def _by_last_number(pictures: Sequence[Path], count: int) -> list[Place] | None:
    """Return the place of each picture by the number that it ends in; None where these are not those of channels."""
    split = [(picture, _NUMBERED.fullmatch(picture.stem)) for picture in pictures]
    places = [(picture.parent / found["cell"], int(found["number"])) for picture, found in split if found is not None]
    numbers = sorted({number for _, number in places})
    if len(places) < len(split) or len(numbers) != count or numbers[0] > 1 or numbers[-1] - numbers[0] != count - 1:
        return None
    return [(cell, number - numbers[0]) for cell, number in places]


def _numbered_through(folder: Path, pictures: Sequence[Path], channels: tuple[str, ...]) -> list[Cell]:
    """Return cells of pictures one behind the other, of which none is lost in any folder."""
    count = len(channels)
    together: dict[Path, list[Path]] = defaultdict(list)
    for picture in pictures:
        together[picture.parent].append(picture)
    for place, own in together.items():
        numbers = _running([picture.stem for picture in own])
        if numbers is None:
            raise InputError(
                f"{place}: the names of its pictures, {own[0].name} and others, end in none of the channels "
                f"{', '.join(channels)}, and are not one name with numbers; rename them, as to cell0_{channels[0]}.png"
            )
        if len(own) % count:
            raise InputError(
                f"{place}: {len(own)} pictures are no whole number of cells, which have {count} pictures each"
            )
        for picture, before, number in zip(own[1:], numbers, numbers[1:], strict=False):
            if number != before + 1:
                raise InputError(
                    f"{picture}: follows the picture of number {before}; pictures without a channel's name are "
                    "numbered through, without a gap"
                )
    ordered = [picture for place in sorted(together, key=by_number) for picture in together[place]]
    return [tuple(ordered[first : first + count]) for first in range(0, len(ordered), count)]


def _running(stems: Sequence[str]) -> list[int] | None:
    """Return the numbers in which names differ; None where they differ in anything else."""
    parts = [_NUMBER.split(stem) for stem in stems]
    if len({len(each) for each in parts}) > 1:
        return None
    differing = [place for place, each in enumerate(zip(*parts, strict=True)) if len(set(each)) > 1]
    # Behind each text stands a number.
    if len(stems) > 1 and (len(differing) != 1 or differing[0] % 2 == 0):
        return None
    return [int(each[differing[0]]) for each in parts] if differing else [0]


def _spelling(name: str) -> str:
    """Return a pattern of what the name of a channel may be in a file's name."""
    if name[:1] in _SIGNS:
        signs, rest = _SIGNS[name[0]], re.escape(name[1:])
        return f"(?:{'|'.join(re.escape(sign) + rest for sign in signs)}|{rest}{re.escape(name[0])})"
    words = [word for word in re.split(f"{_GAP}+", name) if word]
    return f"{_GAP}?".join(map(re.escape, words or [name]))
