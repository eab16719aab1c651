"""``design.toml`` from the dataclasses of a design, and the boards."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any, get_type_hints

from cytogate.model.design import boards
from cytogate.model.design.design import (
    Calibration,
    Chip,
    InputCodes,
    KnownBackground,
    Network,
    OperatingPoint,
    Window,
)
from cytogate.model.design.folder import (
    BACKGROUND_FILE,
    CALIBRATION_FILE,
    CODES_FILE,
    DESIGN_FILE,
    NETWORK_FOLDER,
    OPERATING_POINT_FILE,
)
from cytogate.model.design.instruments import INSTRUMENTS
from cytogate.model.design.new import KINDS, new_design
from cytogate.model.design.quantities import Rule, rules
from cytogate.model.design.topologies import TOPOLOGIES
from docs.render.text import Pages, code, page, plain, table

COLUMNS = ("key", "type", "what", "allowed", "default")


def pages() -> Pages:
    """Return ``reference/design.md`` and ``reference/boards.md``."""
    return {"reference/design.md": _design(), "reference/boards.md": _boards()}


def _design() -> bytes:
    parts = [
        "A design is a folder that you own. `design.toml` says what the instrument, the window of its frames, the "
        "network and the chip are; `cytogate new` writes one. Keys are exact: one that is not known is refused with "
        "the ones that are. A key with a default may be left out where the table says so.",
        "## `[instrument]`",
        f"`kind` is one of {_listed(INSTRUMENTS)}; the other keys depend on it.",
    ]
    for kind, instrument in INSTRUMENTS.items():
        parts += [f"### kind: {kind}", plain(instrument.__doc__ or ""), _table(instrument)]
    parts += ["## `[window]`", plain(Window.__doc__ or ""), _table(Window), "## `[network]`"]
    parts += [f"`topology` is one of {_listed(TOPOLOGIES)}; it has keys of its own.", _table(Network)]
    for topology in dict.fromkeys(TOPOLOGIES.values()):
        names = [name for name, each in TOPOLOGIES.items() if each is topology]
        parts += [f"### topology: {', '.join(names)}", plain(topology.__doc__ or ""), _table(topology)]
    parts += ["## `[chip]`", plain(Chip.__doc__ or ""), _table(Chip), "## Files that are fitted or measured"]
    for file, section in (
        (f"{NETWORK_FOLDER}/{CODES_FILE}", InputCodes),
        (f"{NETWORK_FOLDER}/{OPERATING_POINT_FILE}", OperatingPoint),
        (f"calibration/NNNN/{CALIBRATION_FILE}", Calibration),
        (f"calibration/NNNN/{BACKGROUND_FILE}", KnownBackground),
    ):
        parts += [f"### `{file}`", plain(section.__doc__ or ""), _table(section)]
    parts += ["## As `cytogate new` writes it"]
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            written = new_design(Path(folder) / "my-design", None, kind).read_text(encoding="utf-8")
        parts += [f"### `--kind {kind}`", code(written, "toml")]
    return page(f"`{DESIGN_FILE}`", *parts)


def _table(section: type) -> str:
    types, defaults = get_type_hints(section), {each.name: each.default for each in dataclasses.fields(section)}
    rows = [
        (f"`{name}`", _type(types[name]), rule.says, _allowed(rule), _default(rule, defaults[name]))
        for name, rule in rules(section).items()
    ]
    return table(COLUMNS, rows) if rows else "No keys."


def _type(hint: Any) -> str:
    names = {int: "integer", float: "number", str: "text", bool: "true or false"}
    if hint in names:
        return names[hint]
    return f"list of {names[hint.__args__[0]]}s" if hint.__args__[0] is not str else "list of texts"


def _allowed(rule: Rule) -> str:
    if rule.choices:
        return ", ".join(f"`{each}`" for each in rule.choices)
    return "" if rule.low is None or rule.high is None else f"{rule.low:g} to {rule.high:g}"


def _default(rule: Rule, value: Any) -> str:
    if rule.required or value is dataclasses.MISSING:
        return "must be given"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _listed(names: Any) -> str:
    return ", ".join(f'`"{name}"`' for name in names)


def _boards() -> bytes:
    columns = ("board", "device", "clock, MHz", "port, bits", *boards.RESOURCES.values())
    rows = [
        (f"`{each.name}` ({each.title})", f"`{each.part}`", f"{each.clock_mhz:g}", each.port_bits,
         *(f"{getattr(each.budget, name):,.0f}" for name in boards.RESOURCES))
        for each in boards.BOARDS.values()
    ]  # fmt: skip
    return page("Boards", plain(boards.__doc__ or ""), table(columns, rows))
