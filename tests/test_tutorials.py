"""The tutorials keep their word: three labs' own designs, from a folder to events, by the tutorials' own commands."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import flowio
import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from bokeh.document import Document

from cytogate.host.page.darkroom import Darkroom
from cytogate.host.page.live import LivePage
from cytogate.host.page.words import About
from cytogate.host.stream.gating import LiveGates, read_gates
from cytogate.host.stream.monitor import Monitor
from cytogate.model.command.dispatch import GROUP
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.design.topologies import Saved
from cytogate.model.files.frames import open_frames
from cytogate.model.interface.bundle import read_bundle
from tests.streams import real_data
from tests.tutorials import TUTORIALS, cytogate_lines, follow, follow_shortly

NAMES = sorted(path.stem for path in TUTORIALS.glob("*.md") if path.stem != "index")
COMMANDS = [(name, words) for name in NAMES for words in cytogate_lines(name)]
CHAIN = ["frames", "binned", "gradient", "spectrum", "quotient", "phase", "network_input", "logits"]


def test_there_is_a_tutorial_for_each_kind_of_user() -> None:
    assert NAMES == [
        "frames-to-class", "live-page", "own-bright-field", "own-four-angle", "own-holograms", "own-network",
        "real-board",
    ]  # fmt: skip
    assert {name for name, _ in COMMANDS} == set(NAMES)


@pytest.mark.parametrize(("name", "words"), COMMANDS, ids=[f"{name}-{words[0]}" for name, words in COMMANDS])
def test_commands_parse(name: str, words: list[str]) -> None:
    """Verb, options and values are known; nothing is run."""
    (entry,) = entry_points(group=GROUP, name=words[0])
    parser = ArgumentParser(prog=name, exit_on_error=False)
    entry.load().add_arguments(parser)
    parser.parse_args(words[1:])


SHORT = {
    "frames-to-class": ["simulate", "estimate"],
    "live-page": [],
    "own-bright-field": ["new"],
    "own-four-angle": ["new", "simulate", "estimate"],
    "own-holograms": ["new", "simulate", "simulate", "calibrate", "phase"],
    "own-network": ["new", "estimate"],
    "real-board": [],
}
"""Verbs that are run in the short form of a tutorial."""


@pytest.mark.parametrize("name", SHORT)
def test_short_form(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few cells through what needs no compiler and no training: designs are edited as printed, files come to be."""
    monkeypatch.chdir(tmp_path)
    assert follow_shortly(name, tmp_path) == SHORT[name]
    folders = [path.parent for path in tmp_path.glob("*/design.toml")]
    assert len(folders) == ("new" in SHORT[name])
    design = load_design(folders[0] if folders else "qatom128")
    text = "\n".join(path.read_text(encoding="utf-8") for path in TUTORIALS.glob(f"{name}.md"))
    if folders and "class_names = " in text:
        assert f"class_names = {json.dumps(list(design.network.class_names))}" in text
    gates = tmp_path / "gates.toml"
    assert gates.exists() == ("> gates.toml" in text)
    if gates.exists():
        assert set(read_gates(gates).thresholds) <= set(design.network.class_names)
    for words in (words for tutorial, words in COMMANDS if tutorial == name and words[0] in SHORT[name]):
        if "--output" in words:
            assert (tmp_path / words[words.index("--output") + 1]).exists()


def test_every_tutorial_has_a_short_form() -> None:
    assert sorted(SHORT) == NAMES


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def compared(report: dict[str, Any]) -> int:
    """Return how many values a report compared, none of which differs."""
    assert {stage["differing"] for stage in report["stages"]} == {0}
    assert min(stage["values"] for stage in report["stages"]) > 0
    return sum(stage["values"] for stage in report["stages"])


def stages(report: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in report["stages"]]


def events(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run, in the order of the cells in the file."""
    return ds.dataset(folder / "out/stream/events", format="parquet").to_table().sort_by("position").to_pylist()


def bundled(folder: Path) -> Design:
    (path,) = (folder / "out/emulated").glob("*.zip")
    return read_bundle(path).design


def labels_of(path: Path, design: Design) -> list[str]:
    """Return the class of each cell of a file, by the file's own word."""
    with open_frames(path, design.camera, images=not design.retrieves_phase) as file:
        assert file.labels is not None
        assert file.class_names is not None
        return [file.class_names[label] for label in file.labels]


def check_events(found: list[dict[str, Any]], cells: Path, design: Design, report: dict[str, Any]) -> None:
    """Classes are those of the logits, labels those of the file, and the report sums up both."""
    names = design.network.class_names
    assert [row["position"] for row in found] == list(range(len(found)))
    assert [row["class"] for row in found] == [names[int(np.argmax(row["logits"]))] for row in found]
    assert [row["label"] for row in found] == labels_of(cells, design)[: len(found)]
    assert report["classes"] == {name: count for name in names if (count := [r["class"] for r in found].count(name))}
    assert report["labelled"] == report["finished"] == len(found)
    assert report["accuracy"] == np.mean([row["class"] == row["label"] for row in found])


def check_gate(found: list[dict[str, Any]], wanted: str, threshold: float) -> None:
    """A cell of the wanted class is sorted if the network is sure of it, and others never."""
    due = [
        "unwanted" if row["class"] != wanted else "sort" if row["score"] >= threshold else "rejected" for row in found
    ]
    assert [row["decision"] for row in found] == due
    assert {"sort", "unwanted"} <= set(due)


@pytest.mark.full
def test_own_four_angle(tmp_path: Path) -> None:
    """600 cells of four classes of one's own, an instrument that no built-in design has."""
    told = follow("own-four-angle", tmp_path)
    design = load_design(tmp_path / "my-cytometer")
    names = ("tumour", "blood", "leukaemia", "metastasis")
    assert isinstance(design.instrument, FourAngle)
    camera = design.instrument
    assert (camera.adc_bits, camera.rows, camera.columns) == (10, 288, 352)
    assert (camera.wavelength_um, camera.na, camera.pixel_pitch_x_um, camera.pixel_pitch_y_um) == (
        0.633,
        0.45,
        0.16,
        0.13,
    )
    assert design.network.class_names == names

    before, after = (read(tmp_path / folder / "report.json") for folder in ("before", "after"))
    assert (stages(before), stages(after)) == (CHAIN[:-1], CHAIN)
    for report in (before, after):
        assert report["frames"] >= 48
        assert compared(report) >= 28_000_000
        assert (tmp_path / report["source"]).exists()
    assert after["agreement_frames"] == 600
    pins = read(tmp_path / "out/cosim/dpi/report.json")
    assert stages(pins)[-1] == "logits"
    assert compared(pins) > 0
    assert "my-cytometer fits kv260 at" in told

    record = read(tmp_path / "my-cytometer/record.json")
    assert record["data"]["cells of a class"] == dict.fromkeys(names, 150)
    found, report = events(tmp_path), read(tmp_path / "out/stream/report.json")
    assert len(found) == 600
    check_events(found, tmp_path / "cells.h5", design, report)
    assert {row["class"] for row in found} == set(names)
    check_gate(found, "tumour", 0.9)
    assert report["gates"][0][1]["thresholds"] == {"tumour": 0.9}
    check_fcs(tmp_path / "out/stream/events.fcs", found, names)
    check_page(tmp_path, names)


def check_fcs(path: Path, found: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    data = flowio.FlowData(path)
    rows = np.array(data.events).reshape(-1, data.channel_count)
    column = data.pnn_labels.index("Class")
    assert data.pns_labels[column].startswith("Class: 0 tumour; 1 blood; 2 leukaemia; 3 metastasis")
    assert rows[:, column].tolist() == [names.index(row["class"]) for row in found]


def check_page(folder: Path, names: tuple[str, ...]) -> None:
    """The live page of the run's bundle and gates names the classes, and the gate stands on the one that is sorted."""
    design = bundled(folder)
    monitor, gates = Monitor(names), LiveGates(read_gates(folder / "gates.toml"), design.network.class_names)
    page = LivePage(monitor, gates, About(design.name, "emulated", "cells.h5", True, True), Darkroom(design))
    document = Document()
    document.add_root(page.root)
    drawn = json.dumps(document.to_json(deferred=False))
    assert [name for name in (*names, design.name) if name not in drawn] == []
    assert "MCF7" not in drawn


@pytest.mark.full
@pytest.mark.realdata
def test_own_bright_field(tmp_path: Path) -> None:
    """500 real cells in two channels: every logit of the emulated board is C-simulation's."""
    real_data()
    follow("own-bright-field", tmp_path)
    design = load_design(tmp_path / "my-imager")
    assert isinstance(design.instrument, BrightField)
    assert design.instrument.channels == ("bright field", "dark field")
    assert design.codes is not None
    csim = read(tmp_path / "out/csim/report.json")
    assert stages(csim) == ["frames", "binned", "network_input", "logits"]
    assert csim["frames"] == 500
    compared(csim)

    found, report = events(tmp_path), read(tmp_path / "out/stream/report.json")
    with np.load(tmp_path / "stages.npz") as arrays:
        due = arrays["logits_code"]
    logits = np.array([row["logits"] for row in found])
    assert logits.shape == due.shape == (500, 7)
    assert np.count_nonzero(logits == due) == 3500
    assert len(np.unique(logits, axis=0)) > 250
    check_events(found, tmp_path / "jurkat.h5", design, report)
    check_gate(found, "G1", 0.8)

    predicted = pq.read_table(tmp_path / "predicted.parquet").to_pylist()
    assert [row["cell"] for row in predicted] == [row["position"] for row in found]
    right = [row["class"] == cell["label"] for row, cell in zip(predicted, found, strict=True)]
    assert report["accuracy"] == np.mean(right)
    # Better than always saying the largest class, of a fourth of all cells.
    assert report["accuracy"] > 0.4


@pytest.mark.full
def test_frames_to_class(tmp_path: Path) -> None:
    """Built-in design and network: cells of a file, C-simulation of some, a table of all."""
    told = follow("frames-to-class", tmp_path)
    csim = read(tmp_path / "out/csim/report.json")
    assert (stages(csim), csim["frames"], csim["agreement_frames"]) == (CHAIN, 8, 40)
    assert compared(csim) == 5_075_016
    assert "5.1 million values" in (TUTORIALS / "frames-to-class.md").read_text(encoding="utf-8")
    with (tmp_path / "classes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert all(float(row["dry_mass [pg]"]) > 0 for row in rows)
    assert "qatom128 fits kv260 at" in told


@pytest.mark.full
def test_own_holograms(tmp_path: Path) -> None:
    """Six simulated holograms of an instrument of one's own: as many maps, and cells of some mass."""
    follow("own-holograms", tmp_path)
    report = read(tmp_path / "maps/report.json")
    assert (report["items"], report["faults"]) == (6, {})
    assert report["fixed_values"] == 6 * 256**2
    assert report["cells"] >= 12
    design = load_design(tmp_path / "my-microscope")
    assert (design.off_axis.wavelength_um, design.off_axis.magnification) == (0.532, 30.0)
    assert design.calibrated.carrier_y == pytest.approx(0.30, abs=1e-4)


@pytest.mark.full
def test_live_page(tmp_path: Path) -> None:
    """60 simulated cells through an emulated board, with the page beside them."""
    told = follow("live-page", tmp_path)
    assert "http://" in told
    found, report = events(tmp_path), read(tmp_path / "out/stream/report.json")
    assert len(found) == report["finished"] == 60
    check_gate(found, "MCF7", 0.9)
    assert (tmp_path / "out/stream/page.html").exists()


def test_the_tutorial_that_nobody_has_followed_says_so() -> None:
    assert "**Never run.**" in (TUTORIALS / "real-board.md").read_text(encoding="utf-8")


@pytest.mark.full
def test_own_network(tmp_path: Path) -> None:
    """A .keras file of 48x48x1 with two convolutions."""
    told = follow("own-network", tmp_path)
    design = load_design(tmp_path / "my-scope")
    assert isinstance(design.network.topology, Saved)
    csim = read(tmp_path / "out/csim/report.json")
    assert stages(csim) == ["frames", "binned", "network_input", "logits"]
    assert compared(csim) == 64 * (3 * 48 * 48 + 2)
    assert "my-scope fits pynq-z2 at" in told
    found, report = events(tmp_path), read(tmp_path / "out/stream/report.json")
    assert len(found) == 400
    check_events(found, tmp_path / "cells.npz", design, report)
    assert report["accuracy"] == csim["fixed_accuracy"] > 0.9
    check_gate(found, "large", 0.9)
