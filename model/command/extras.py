"""Packages that are installed with an extra of Cytogate alone, and one sentence where one of them is missing."""

from __future__ import annotations

import re
from importlib.machinery import ModuleSpec
from importlib.metadata import requires
from importlib.util import find_spec

DISTRIBUTION = "cytogate"
INSTALLED_AS = {
    "PIL": "pillow",
    "cocotb_tools": "cocotb",
    "cocotbext": "cocotbext-axi",
    "dask": "distributed",
    "pynqmetadata": "pynq",
    "qkeras": "qkeras-v3",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tornado": "bokeh",
}
"""Modules that are imported by another name than that of the requirement in ``pyproject.toml`` that brings them."""
UNLOCKED = {"microscopes"}
"""Extras that ``lock.txt`` does not have, and make does not install."""
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*;.*\bextra == \"(?P<extra>[\w-]+)\"")


def need(module: str) -> ModuleSpec:
    """Return where a module is, without importing it: what a verb needs at its end is asked for at its beginning.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.
    """
    found = find_spec(module)
    if found is None:
        raise not_installed(module)
    return found


def not_installed(package: str) -> ModuleNotFoundError:
    """Return what an import of a package that is missing raises; the command makes a sentence of it."""
    return ModuleNotFoundError(f"{package} is not installed", name=package)


def missing(module: str, verb: str) -> str | None:
    """Return how to install the package of a module that ``verb`` lacks; None of one that no extra brings.

    Where several extras bring it, the verb's own counts, and otherwise the first in ``pyproject.toml``.
    """
    top = module.partition(".")[0]
    package = INSTALLED_AS.get(top, top)
    extras = [extra for name, extra in _requirements() if name == _plain(package)]
    if not extras:
        return None
    extra = verb if verb in extras else extras[0]
    by_make = "" if extra in UNLOCKED else f"`make .venv/.with-{extra}` or "
    return (
        f"this needs {package}, which is not installed; install it with {by_make}`pip install "
        f"'{DISTRIBUTION}[{extra}]'`"
    )


def _requirements() -> list[tuple[str, str]]:
    """Return package and extra of each requirement of ``pyproject.toml`` that belongs to an extra."""
    found = map(_REQUIREMENT.match, requires(DISTRIBUTION) or ())
    return [(_plain(each["name"]), each["extra"]) for each in found if each is not None]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
