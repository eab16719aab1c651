"""Outputs are looked at before any work: of each verb, in each way in which one cannot be written."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from cytogate.model.command import dispatch
from cytogate.model.command.dispatch import GROUP, Verb, main
from cytogate.model.command.outputs import Output
from cytogate.model.data.own_cells import OwnCells
from cytogate.model.pages import page
from tests.conftest import REPOSITORY

VERBS: dict[str, Verb] = {entry.name: entry.load() for entry in entry_points(group=GROUP)}
WRITING_OWN = {"adopt", "calibrate", "header", "new"}
"""Verbs that write into the folder of a design, or of Cytogate itself."""
PRINTING = {"estimate"}
NEEDED = {
    "adopt": ["network.keras"], "codesign": ["--latency-us", "9", "--input", "cells.h5"], "experiment": ["dcnn"],
    "import": ["bsccm", "--input", "."], "phase": ["--input", "cells.h5"], "predict": ["--input", "cells.h5"],
    "stream": ["--input", "cells.h5", "--bundle", "a.zip"],
}  # fmt: skip


def actions(verb: Verb) -> list[argparse.Action]:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return parser._actions


WRITTEN = [
    (name, each.option_strings[0], each.type)
    for name, verb in VERBS.items()
    for each in actions(verb)
    if each.dest in ("output", "work", "stages")
]


def test_each_argument_that_names_what_is_written_is_looked_at() -> None:
    assert {name for name, _, _ in WRITTEN} == VERBS.keys() - WRITING_OWN - PRINTING
    assert all(isinstance(kind, Output) for _, _, kind in WRITTEN), WRITTEN


def under_a_file(here: Path) -> str:
    (here / "file").touch()
    return "file/below/it"


def a_link_that_leads_nowhere(here: Path) -> str:
    (here / "link").symlink_to("nowhere/at/all")
    return "link/below"


def a_ring_of_links(here: Path) -> str:
    (here / "ring").symlink_to("ring")
    return "ring/below"


def a_name_that_is_too_long(here: Path) -> str:
    return "n" * 256


def a_folder_that_is_read_only(here: Path) -> str:
    (here / "read-only").mkdir()
    return "read-only/below"


def the_other_kind(here: Path) -> str:
    (here / "folder.csv").mkdir()
    (here / "file").touch()
    return ""


WRONG = [
    under_a_file, a_link_that_leads_nowhere, a_ring_of_links, a_name_that_is_too_long, a_folder_that_is_read_only,
    the_other_kind,
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
@pytest.mark.parametrize(
    ("name", "option", "kind"), WRITTEN, ids=lambda part: str(part) if isinstance(part, str) else ""
)
def test_what_cannot_be_written_is_refused_before_any_work(
    name: str,
    option: str,
    kind: Output,
    wrong: Callable[[Path], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the command line is read: the verb itself is not run."""
    worked: list[str] = []

    class Entry:
        def __init__(self, name: str) -> None:
            self.name = name

        def load(self) -> Verb:
            return dataclasses.replace(VERBS[self.name], run=lambda arguments: worked.append(self.name))

    # A root user's right to write is not limited by a folder's mode.
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "read-only" not in str(path) and allowed(path, mode))
    monkeypatch.setattr(dispatch, "entry_points", lambda group: [Entry(each) for each in VERBS])
    monkeypatch.chdir(tmp_path)
    given = wrong(tmp_path) or ("folder.csv" if kind.is_file else "file")
    asked = [name, *NEEDED.get(name, [])]
    assert main([*asked, option, given]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"cytogate {name}: argument {option}: ")
    assert said.count("\n") == 1
    assert not worked
    good = [option, "good/x.h5" if kind.is_file else "good/x"]
    others = ["--output", "good/y.h5"] if name in ("import", "simulate") else []
    assert main([*asked, *others, *good]) == 0
    assert worked == [name]


@pytest.mark.parametrize(
    ("verb", "place"), [("train", ""), ("train", "network"), ("adopt", ""), ("adopt", "network"), ("calibrate", "")]
)
def test_a_verb_that_writes_into_a_design_looks_at_its_folder(
    verb: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine", "--kind", "off-axis" if verb == "calibrate" else "bright-field"]) == 0
    if place:
        Path("mine", place).touch()
        told = "mine/network: is no folder; a folder to write into is needed"
    else:
        allowed = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "mine" and allowed(path, mode))
        told = "mine: cannot be written into; give another folder, or the right to"
    given = ["none.keras"] if verb == "adopt" else ["--input", "none.h5"]
    assert main([verb, "--design", "mine", *given]) == 2
    assert capsys.readouterr().err.endswith(f"{told}\n")


@pytest.mark.parametrize("suffix", [".csv.gz", ".xlsx", ".h5"])
@pytest.mark.parametrize("design", ["qatom128", "off-axis-microscope"])
def test_a_table_of_another_kind_is_refused_before_cells_are_read(
    suffix: str, design: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = design if design == "qatom128" else str(REPOSITORY / "docs" / "examples" / design)
    table = tmp_path / f"cells{suffix}"
    assert main(["predict", "--design", named, "--input", str(tmp_path / "none.h5"), "--output", str(table)]) == 2
    assert capsys.readouterr().err == f"cytogate predict: {table}: tables are written as .parquet or .csv\n"


@pytest.mark.parametrize(
    "asked",
    [["predict", "--output", "a.parquet"], ["predict", "--output", "parts"], ["phase", "--table", "parquet"]],
    ids=" ".join,
)
def test_a_parquet_table_without_pyarrow_is_refused_before_cells_are_read(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.chdir(tmp_path)
    assert main([*asked, "--input", "none.h5"]) == 2
    assert f"cytogate {asked[0]}: this needs pyarrow, which is not installed; " in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["train", "experiment"])
@pytest.mark.parametrize("kind", ["folder", "file", "above"])
def test_a_page_that_cannot_be_is_refused_before_any_training(
    verb: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Notes of the user's own lie where it is to be written, or nothing can be written above it."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine", "--kind", "bright-field"]) == 0
    place = Path("mine/page" if verb == "train" else "pages/dcnn-small")
    place.parent.mkdir(exist_ok=True)
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.touch()
    else:
        allowed = os.access
        monkeypatch.setattr(
            os, "access", lambda path, mode: Path(path).name != place.parent.name and allowed(path, mode)
        )
    monkeypatch.setattr(OwnCells, "of", lambda *asked: pytest.fail("cells were read"))
    monkeypatch.setattr(page.Page, "write", lambda *asked: pytest.fail("it ran to its end"))
    given = ["train", "--design", "mine", "--input", "x.h5"] if verb == "train" else [verb, "dcnn", "--output", "pages"]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ("cannot be written into" if kind == "above" else f"{place}: exists and is no page of an") in said
