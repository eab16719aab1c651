"""Settings of Sphinx, which names them."""

from pathlib import Path
from typing import Any

import tomllib

from docs.render import docstrings

project = "Cytogate"
author = "Cytogate contributors"
project_copyright = "Cytogate contributors"
with (Path(__file__).resolve().parents[1] / "pyproject.toml").open("rb") as file:
    release = tomllib.load(file)["project"]["version"]
version = release
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

html_theme = "pydata_sphinx_theme"
html_title = "Cytogate"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "show_toc_level": 2,
}
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True

# References to our own names are checked; those to other libraries' lead out of the site, and signatures name private
# classes and type variables.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!cytogate\.).*"),
    (r"py:class", r"cytogate\..*\.(_\w+|Item|Part|Result|Section|Number|Awaited)"),
]
# A parameter's shape, `codes : (cells, rows)`, is no reference to things that are called so.
suppress_warnings = ["ref.python"]


def setup(app: Any) -> None:
    """Let docstrings be read as they are meant."""
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-skip-member", docstrings.skipped)
