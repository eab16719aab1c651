"""Read TOML into typed sections: exact keys, values of the right type, one sentence for each fault."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from cytogate.model.design.quantities import rules
from cytogate.model.errors import InputError

# PYNQ's images have Python 3.10.
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Section = TypeVar("Section")
MOST_BYTES = 1 << 20
"""Of a TOML file; ours have a few kilobytes."""
WIDE_LETTERS = 20
"""Letters that are looked at to tell UTF-16 that has no byte order mark."""
DECIMAL_COMMA = re.compile(rb"^[^#\"'\n=]*=[ \t]*([+-]?[0-9]+,[0-9]+)[ \t]*(?:#.*)?\r?$", re.MULTILINE)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds, as a dictionary of tables and values.

    Raises
    ------
    InputError
        If the file is missing, too large, not UTF-8 or not TOML.
    """
    if path.is_fifo() or path.is_char_device():
        # It would be waited for without an end.
        raise InputError(f"{path}: is a pipe or a device, not a file")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return toml_of(content, str(path))


def toml_of(content: bytes, where: str) -> dict[str, Any]:
    """Return what the bytes of a TOML file hold; ``where`` names it in an error."""
    if len(content) > MOST_BYTES:
        raise InputError(f"{where}: has more than {MOST_BYTES} bytes; a TOML file of settings has a few kilobytes")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or _has_wide_letters(content):
        raise InputError(f"{where}: is saved as UTF-16; save it as UTF-8")
    try:
        # Windows' editors put a byte order mark before the first key.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{where}: line {line} is not UTF-8; save the file as UTF-8") from error
    except RecursionError as error:
        raise InputError(f"{where}: cannot be read as TOML: nested too deeply") from error
    except ValueError as error:
        # A TOMLDecodeError, or what Python says of a number or a date.
        raise InputError(f"{where}: cannot be read as TOML: {_decimal_comma(content) or error}") from error


def _has_wide_letters(content: bytes) -> bool:
    """Whether every other byte at the beginning is zero, as those of Latin letters in UTF-16 are, and no byte else."""
    even, odd = content[: 2 * WIDE_LETTERS : 2], content[1 : 2 * WIDE_LETTERS : 2]
    return bool(odd) and ((not any(odd) and all(even)) or (not any(even) and all(odd)))


def _decimal_comma(content: bytes) -> str:
    """Return what is to be said of the first number with a decimal comma; nothing where there is none."""
    found = DECIMAL_COMMA.search(content)
    if found is None:
        return ""
    line, number = content[: found.start(1)].count(b"\n") + 1, found[1].decode("ascii")
    return f"line {line} has a decimal comma; write {number.replace(',', '.')} for {number}"


def typed(section: type[Section], given: Any, where: str, *, ignored: Iterable[str] = (), **others: Any) -> Section:
    """Return a section, a dataclass of quantities, of a table of TOML.

    Parameters
    ----------
    where
        File and table, ``design.toml: [window]``, for errors.
    ignored
        Keys that the caller reads itself, such as ``kind``.
    others
        Fields that are not read from the table.

    Raises
    ------
    InputError
        Where a key is unknown, missing, or its value of another type or beyond its range.
    """
    if not isinstance(given, dict):
        raise InputError(f"{where} is {shown(given)}; a table with keys is needed")
    known, types, own = rules(section), get_type_hints(section), list(ignored)
    check_keys(given, [*known, *own], where)
    for name, rule in known.items():
        if rule.required and name not in given:
            raise InputError(f"{where} lacks {name} ({rule.says})")
    values = {name: value_of(types[name], given[name], f"{where} {name}") for name in known if name in given}
    try:
        return section(**values, **others)
    except InputError as error:
        raise InputError(f"{where} {error}") from error


def check_keys(given: dict[str, Any], known: list[str], where: str) -> None:
    """Raise an :class:`InputError` for the first key that is not known."""
    for name in given:
        if name not in known:
            told = did_you_mean(name, known) or "."
            raise InputError(f"{where} unknown key {shown(name)}{told} Allowed: {', '.join(known)}")


def value_of(kind: Any, value: Any, where: str) -> Any:
    """Return a value of TOML as what a field is declared to be: int, float, str or a tuple of one of them."""
    if get_origin(kind) is tuple:
        (item, _) = get_args(kind)
        if not isinstance(value, list):
            raise InputError(f"{where} is {shown(value)}; a list is needed")
        return tuple(value_of(item, each, where) for each in value)
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        return float(value)
    if type(value) is not kind:
        raise InputError(f"{where} is {shown(value)}; {_KINDS[kind]} is needed")
    return value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'rows'?`` for the nearest of the known names, or nothing."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}


def shown(value: Any) -> str:
    """Return a value as an error tells it, cut where it is long."""
    told = repr(value)
    return told if len(told) <= 60 else f"{told[:57]}..."
