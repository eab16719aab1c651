"""Pieces of Markdown, and what the source says of a name beside its value."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from types import ModuleType

Pages = dict[str, bytes]
"""Contents of the site's source by path, ``reference/verbs/csim.md``."""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown; a cell is one line."""
    lines = [_row(columns), "|" + "---|" * len(columns)]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def code(text: str, language: str = "text") -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def page(title: str, *parts: str) -> bytes:
    """Return a page of Markdown: a title, and paragraphs, tables and blocks below it."""
    return ("\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n").encode()


def contents(names: Iterable[str], *, hidden: bool = False) -> str:
    """Return a table of contents of pages, named against the page that it stands on."""
    options = ":hidden:\n" if hidden else ":maxdepth: 1\n"
    return "```{toctree}\n" + options + "\n" + "\n".join(names) + "\n```"


def plain(text: str) -> str:
    """Return a docstring of reStructuredText as Markdown: code and references, which is all that ours hold."""
    text = re.sub(r":[a-z:]+:`~?([^`]+)`", lambda found: f"`{found[1].rsplit('.', 1)[-1]}`", inspect.cleandoc(text))
    return text.replace("``", "`")


def sections(text: str) -> str:
    """Return a docstring of several sections as Markdown, its titles one level below a page's."""
    return re.sub(r"^(\S.*)\n-{4,}$", r"## \1\n", plain(text), flags=re.MULTILINE)


def said(module: ModuleType) -> dict[tuple[str, str], str]:
    """Return what the docstrings behind the fields of a module's classes say, by class and field."""
    found = {}
    for each in ast.parse(inspect.getsource(module)).body:
        if not isinstance(each, ast.ClassDef):
            continue
        for field, docstring in zip(each.body, each.body[1:], strict=False):
            name = _target(field)
            if name is None or not isinstance(docstring, ast.Expr) or not isinstance(docstring.value, ast.Constant):
                continue
            found[each.name, name] = plain(str(docstring.value.value))
    return found


def _target(field: ast.stmt) -> str | None:
    target = (
        field.target
        if isinstance(field, ast.AnnAssign)
        else field.targets[0]
        if isinstance(field, ast.Assign)
        else None
    )
    return target.id if isinstance(target, ast.Name) else None
