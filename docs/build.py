"""Build the site: ``python -m docs.build`` puts the source together and hands it to Sphinx; a warning is an error.

The source of the site is ``docs/`` without its scripts, pages that stand at the repository's root, and pages that are
rendered from the code. Together they lie in ``out/docs/source``, so that nothing generated lies beside what is written.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docs.render import api, chain, contract, designs, events, interface, licences, proofs, published, rtl, verbs
from docs.render.text import Pages

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
RENDERED = (verbs, designs, interface, events, rtl, contract, chain, proofs, published, licences, api)
"""Modules of which each has ``pages()``."""
AT_THE_ROOT = {"CONTRIBUTING.md": "project/contributing.md", "CHANGELOG.md": "project/changelog.md"}
"""Where pages of the repository's root stand in the site."""
SHOWN = {".md", ".rst", ".svg", ".png", ".csv", ".toml", ".json"}
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")


def written() -> Pages:
    """Return what is written by hand, by its place in the site."""
    found = {
        path.relative_to(DOCS).as_posix(): path.read_bytes()
        for path in sorted(DOCS.rglob("*"))
        if path.suffix in SHOWN and "network" not in path.parts
    }
    for name, place in AT_THE_ROOT.items():
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        found[place] = text.replace("](docs/", "](../").replace("](CHANGELOG.md)", "](changelog.md)").encode()
    for name in ("sim/example.png", "host/live.png"):
        found[f"pictures/{Path(name).name}"] = (REPOSITORY / name).read_bytes()
    return found


def rendered() -> Pages:
    """Return what is rendered from the code."""
    found: Pages = {}
    for each in RENDERED:
        found |= each.pages()
    return found


def broken_links(pages: Pages) -> list[str]:
    """Return links of Markdown pages to what is no page and no file of the site."""
    broken = []
    for name, content in pages.items():
        if not name.endswith(".md"):
            continue
        text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", content.decode(), flags=re.MULTILINE | re.DOTALL)
        for target, _ in LINK.findall(text):
            if target and not re.match(r"[a-z]+:", target) and _resolved(name, target) not in pages:
                broken.append(f"{name}: {target}")
    return broken


def _resolved(page: str, target: str) -> str:
    parts = list(Path(page).parent.parts)
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def assemble(folder: Path) -> None:
    """Make ``folder`` hold the source of the site; what has not changed is not touched."""
    pages = {**written(), **rendered()}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, content in pages.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main() -> int:
    """Build ``out/docs/html`` and return Sphinx's exit code."""
    from sphinx.cmd.build import build_main

    out = REPOSITORY / "out" / "docs"
    assemble(out / "source")
    options = ["-q", "-W", "--keep-going", "-c", str(DOCS), "-d", str(out / "cache")]
    code: int = build_main([*options, str(out / "source"), str(out / "html")])
    if code == 0:
        print(f"written: {out / 'html' / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
