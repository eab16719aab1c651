"""Pages of the Python interface, a page a room, from docstrings by autodoc."""

from __future__ import annotations

from pathlib import Path

from docs.render.text import Pages, contents, page

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("model", "hls", "host", "sim")


def modules(room: str) -> list[str]:
    """Return the modules of a room by their full names."""
    found = []
    for path in sorted((REPOSITORY / room).rglob("*.py")):
        if path.name != "__init__.py":
            found.append(".".join(("cytogate", *path.relative_to(REPOSITORY).with_suffix("").parts)))
    return found


def packages() -> dict[str, list[str]]:
    """Return the modules of each package by ``model.contract``, and those of a room itself by its name."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for module in modules(room):
            parts = module.split(".")[1:]
            found.setdefault(".".join(parts[:2]) if len(parts) > 2 else room, []).append(module)
    return dict(sorted(found.items()))


def pages() -> Pages:
    """Return ``reference/api/PACKAGE.rst`` and their index."""
    each = {f"reference/api/{name}.rst": _page(name, names) for name, names in packages().items()}
    index = page(
        "Python interface",
        "Packages of `cytogate`; imports run one way: `model` is imported by all, `hls` by `sim`, and `host` imports "
        "`model` alone. Examples in docstrings are run by the tests.",
        contents(packages()),
    )
    return {"reference/api/index.md": index, **each}


def _page(name: str, names: list[str]) -> bytes:
    title = f"cytogate.{name}"
    lines = [title, "=" * len(title), ""]
    for module in names:
        lines += [module, "-" * len(module), "", f".. automodule:: {module}", "   :members:", ""]
    return "\n".join(lines).encode()
