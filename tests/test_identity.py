"""A design's identity: a hash of its constants and tables by name, and of nothing that only people read."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.constants import Group, Table, constants, design_hash, identity, tables
from cytogate.hls.contract.header import header_text
from cytogate.hls.contract.package import memory_texts, package_text, write_rtl_package
from cytogate.model.contract.law import contract
from cytogate.model.design.folder import builtin_names, load_design

DESIGN = load_design("qatom64")
TERMS = contract(DESIGN)
BUILTIN = builtin_names()


def test_editing_comments_changes_no_identity() -> None:
    groups = tuple(
        Group(
            group.comment + ".",
            tuple(dataclasses.replace(row, comment=f"{row.comment}, edited") for row in group.constants),
        )
        for group in constants(TERMS)
    )
    lookups = tuple(dataclasses.replace(table, comment="edited") for table in tables(TERMS))
    assert identity(groups, lookups) == design_hash(DESIGN)


def test_order_changes_no_identity() -> None:
    groups = tuple(Group(group.comment, group.constants[::-1]) for group in constants(TERMS)[::-1])
    assert identity(groups, tables(TERMS)[::-1]) == design_hash(DESIGN)


def test_a_designs_name_and_its_folder_change_no_identity(tmp_path: Path) -> None:
    moved = dataclasses.replace(DESIGN, name="another")
    assert design_hash(moved) == design_hash(DESIGN)
    texts = {write_rtl_package(each, tmp_path / each.name).read_text(encoding="ascii") for each in (DESIGN, moved)}
    said = {re.search(r"DESIGN_HASH = 'h([0-9a-f]{8});", text)[1] for text in texts}  # type: ignore[index]
    assert said == {f"{design_hash(DESIGN):08x}"}
    assert len(texts) == 2


def test_one_constant_changes_the_identity() -> None:
    groups = constants(TERMS)
    for index, group in enumerate(groups):
        for place, row in enumerate(group.constants):
            changed = list(group.constants)
            changed[place] = dataclasses.replace(row, value=row.value + 1)
            others = (*groups[:index], Group(group.comment, tuple(changed)), *groups[index + 1 :])
            assert identity(others, tables(TERMS)) != design_hash(DESIGN), row.name


def test_one_value_of_a_table_changes_the_identity() -> None:
    lookups = tables(TERMS)
    for index, table in enumerate(lookups):
        codes = np.array(table.codes)
        codes[-1] ^= 1
        changed = (*lookups[:index], Table(table.name, codes, table.width, table.comment), *lookups[index + 1 :])
        assert identity(constants(TERMS), changed) != design_hash(DESIGN), table.name


def test_designs_have_different_identities() -> None:
    assert len({design_hash(load_design(name)) for name in BUILTIN}) == len(BUILTIN) > 1


@pytest.mark.parametrize("name", BUILTIN)
def test_both_renderings_say_every_constant(name: str) -> None:
    terms = contract(load_design(name))
    rows = [row for group in constants(terms) for row in group.constants]
    assert len({row.name for row in rows}) == len(rows) > (40 if terms.design.retrieves_phase else 15)
    header = dict(re.findall(r"^constexpr int (k\w+) = (-?\d+);", header_text(terms), re.MULTILINE))
    package = dict(re.findall(r"^  localparam int (\w+) = (-?\d+);$", package_text(terms), re.MULTILINE))
    assert {name.lower(): int(value) for name, value in package.items()}.items() >= {
        row.name: row.value for row in rows
    }.items()
    assert {name[1:].lower(): int(value) for name, value in header.items()} == {
        row.name.replace("_", ""): row.value for row in rows
    }


def test_both_renderings_hold_every_table() -> None:
    header = header_text(TERMS)
    for table in tables(TERMS):
        name = "k" + table.name.title().replace("_", "")
        (text,) = re.findall(rf"^constexpr int {name}\[{len(table.codes)}\] = {{([^}}]*)}};", header, re.MULTILINE)
        assert [int(code) for code in text.split(",") if code.strip()] == table.codes.tolist()
    words = {name: text.split() for name, text in memory_texts(tables(TERMS)).items()}
    assert sorted(words) == ["log_fraction.mem", "quadrant.mem", "surface.mem", "twiddle.mem"]
    assert sum(map(len, words.values())) > 1000
