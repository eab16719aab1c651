"""Change the topology in a ``design.toml`` and leave every other line, and every comment, as its owner wrote it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from cytogate.model.design.file import toml_of
from cytogate.model.design.folder import parse_design
from cytogate.model.design.quantities import rules
from cytogate.model.design.topologies import TOPOLOGIES, Published
from cytogate.model.errors import InputError


def with_topology(path: Path, name: str) -> str:
    """Return the text of the ``design.toml`` at ``path`` with another topology, of default sizes.

    Raises
    ------
    InputError
        If the file is laid out so that single lines do not say it; the user is asked to write it.
    """
    text = path.read_text(encoding="utf-8-sig")
    # As the file says it: what was fitted lies in files of its own.
    design = parse_design(toml_of(text.encode(), str(path)), path.resolve().parent.name, str(path))
    old = type(design.network.topology)
    sizes = [key for key in rules(old) if key not in rules(TOPOLOGIES[name])]
    head, begin, rest = text.partition("[network]")
    section, sep, tail = re.match(r"(.*?)(?:(^\s*\[)(.*))?\Z", rest, re.DOTALL | re.MULTILINE).groups("")  # type: ignore[union-attr]
    section = re.sub(r'^(\s*topology\s*=\s*)"[^"]*"', rf'\g<1>"{name}"', section, flags=re.MULTILINE)
    for key in sizes:
        section = re.sub(rf"^\s*{key}\s*=[^\n]*\n", "", section, flags=re.MULTILINE)
    changed = head + begin + section + sep + tail
    topology = Published(name) if TOPOLOGIES[name] is Published else TOPOLOGIES[name]()
    wanted = dataclasses.replace(design, network=dataclasses.replace(design.network, topology=topology))
    try:
        if parse_design(toml_of(changed.encode(), str(path)), design.name, str(path)) == wanted:
            return changed
    except InputError:
        pass
    raise InputError(f'{path}: write topology = "{name}" into [network], and remove {", ".join(sizes) or "nothing"}')
