"""A page an RTL module: its header comment, its parameters and ports, what it is made of and where it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from docs.render.text import Pages, code, contents, page, table

RTL = Path(__file__).resolve().parents[2] / "fpga" / "rtl"
MODULE = re.compile(r"^((?://.*\n)+)(?:`.*\n|\s*\n)*(module\s+(\w+).*?\);)", re.MULTILINE | re.DOTALL)
ENGINES = " of these; `hls/engine` puts the engines of a network together"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Module:
    """What the source of a module says."""

    name: str
    told: str
    """The comment before it, as paragraphs."""
    header: str
    """From ``module`` to the end of its ports."""
    words: frozenset[str]
    """All words of its code."""

    @property
    def summary(self) -> str:
        """The first paragraph."""
        return self.told.partition("\n\n")[0]


def read(path: Path) -> Module:
    """Return what a file of one module says.

    Raises
    ------
    ValueError
        If it does not begin with a comment, and then a module of the file's name.
    """
    text = path.read_text(encoding="utf-8")
    found = MODULE.match(text)
    if found is None or found[3] != path.stem:
        raise ValueError(f"{path}: does not begin with a comment on the module {path.stem}")
    told = "\n".join(line.removeprefix("//").removeprefix(" ") for line in found[1].splitlines())
    body = COMMENT.sub("", text[found.end(2) :])
    return Module(path.stem, told, found[2], frozenset(re.findall(r"^\s*(\w+)\s+(?:#|\w+\s*\()", body, re.MULTILINE)))


def pages() -> Pages:
    """Return ``reference/rtl/MODULE.md`` of each module, and their index."""
    modules = {path.stem: read(path) for path in sorted(RTL.glob("*.sv"))}
    rows = [(f"[`{name}`]({name}.md)", escaped(module.summary)) for name, module in modules.items()]
    index = page(
        "RTL modules",
        "SystemVerilog under `fpga/rtl`, one module a file. Widths and tables come from the contract as the package "
        "`contract_pkg`, which is generated for each design.",
        table(("module", "what it is"), rows),
        contents(modules, hidden=True),
    )
    found = {f"reference/rtl/{name}.md": _page(module, modules) for name, module in modules.items()}
    return {"reference/rtl/index.md": index, **found}


def _page(module: Module, modules: dict[str, Module]) -> bytes:
    inside = [name for name in modules if name in module.words and name != module.name]
    above = [name for name, each in modules.items() if module.name in each.words and name != module.name]
    return page(
        f"`{module.name}`",
        *(_paragraph(each) for each in module.told.split("\n\n")),
        "## Parameters and ports",
        code(module.header, "systemverilog"),
        f"Made of: {_links(inside)}. Used by: {_links(above)}{'' if above else ENGINES}.",
    )


def _links(names: list[str]) -> str:
    return ", ".join(f"[`{name}`]({name}.md)" for name in names) or "none"


def _paragraph(text: str) -> str:
    """Return a paragraph of a comment; one with indented lines keeps them."""
    return code(text) if re.search(r"^ ", text, re.MULTILINE) else escaped(text)


def escaped(text: str) -> str:
    """Return words that hold no markup but code between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*_<\[\]^$])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)
