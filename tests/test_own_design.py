"""A design of one's own on an emulated board: from its folder into a bundle, and from the bundle alone to events."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.command.dispatch import main
from cytogate.model.design.design import CLASS_NAMES, Design, Network
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import read_bundle
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import settle_weights, snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import save_network
from cytogate.model.retrieval import integer
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.sim.board import named
from tests.test_networks import lived_in

CLASSES = ("alpha", "beta", "gamma", "delta")
CELLS = 12


def own_design(folder: Path) -> tuple[Design, keras.Model]:
    """Write the folder of a design with other bits, frames and classes than the built-in ones, and a random network."""
    known = load_design("qatom64")
    instrument = dataclasses.replace(known.four_angle, adc_bits=10, rows=288, columns=352)
    design = dataclasses.replace(known, name=folder.name, instrument=instrument, network=Network(CLASSES))
    folder.mkdir()
    (folder / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    design = load_design(folder)
    keras.utils.set_random_seed(4)
    model = lived_in(build(design, quantized=True), 4)
    snap_batch_normalization(model)
    settle_weights(model)
    save_network(model, design, quantized=True)
    return design, model


def test_from_a_folder_to_events_by_the_bundle_alone(
    builds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every logit is the integer model's, classes and labels are the design's; the folder is gone by then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(named, "FOLDER", builds / "emulated")
    design, model = own_design(tmp_path / "my-cytometer")
    before = {path: path.read_bytes() for path in Path("my-cytometer").rglob("*") if path.is_file()}
    # Beside the design's folder, which stays as it is.
    assert main(["emulate", "--design", "my-cytometer", "--output", "."]) == 0
    assert {path: path.read_bytes() for path in Path("my-cytometer").rglob("*") if path.is_file()} == before
    with pytest.raises(InputError, match="holds the network of design my-cytometer; build in another folder"):
        convert(read_exactly(model), design, Path("my-cytometer/network"))
    shutil.rmtree("my-cytometer")
    bundle = tmp_path / "cytogate-kv260-my-cytometer.zip"
    assert read_bundle(bundle).design == design

    frames = np.stack([cell.frames for cell in SimulatedCells(design.four_angle, CLASS_NAMES, CELLS, seed=77)])
    assert frames.max() > 255
    codes = integer.retrieve(frames, design).network_input
    due = read_exactly(model).classify(codes)
    assert len({tuple(row) for row in due.tolist()}) == CELLS
    wanted = CLASSES[np.bincount(due.argmax(axis=1)).argmax()]
    # The file has its own order of the design's classes.
    names, labels = CLASSES[::-1], np.arange(CELLS) % len(CLASSES)
    np.savez(tmp_path / "cells.npz", frames=frames, labels=labels, class_names=np.array(names))
    Path("gates.toml").write_text(f"deadline_ms = 60000\n[thresholds]\n{wanted} = 0\n", encoding="utf-8")
    options = ["--bundle", str(bundle), "--device", "emulated", "--gates", "gates.toml", "--output", "run"]
    assert main(["stream", "--input", "cells.npz", *options]) == 0

    found = ds.dataset("run/events", format="parquet").to_table().sort_by("index").to_pylist()
    assert np.count_nonzero(np.array([row["logits"] for row in found]) == due) == CELLS * len(CLASSES)
    assert [row["class"] for row in found] == [CLASSES[index] for index in due.argmax(axis=1)]
    assert [row["label"] for row in found] == [names[label] for label in labels]
    decisions = ["sort" if row["class"] == wanted else "unwanted" for row in found]
    assert "sort" in decisions
    assert [row["decision"] for row in found] == decisions
    report = json.loads(Path("run/report.json").read_text(encoding="utf-8"))
    assert report["design"] == "my-cytometer"
    assert set(report["classes"]) <= set(CLASSES)
    assert report["labelled"] == CELLS
    assert report["accuracy"] == np.mean([row["class"] == row["label"] for row in found])
    assert f"of {CELLS} labelled cells" in capsys.readouterr().out
