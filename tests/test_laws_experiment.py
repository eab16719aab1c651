"""The experiment that compares the laws: its scenes are what they are called, and its page says what was counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from cytogate.model.design.folder import load_design
from cytogate.model.experiments.laws.errors import WAYS
from cytogate.model.experiments.laws.experiment import LawsSizes, run_sized
from cytogate.model.experiments.laws.scenes import CUT_ROWS, SCENES, WHOLE, Field
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.simulation.simulator import SimulatedCells

DESIGN = load_design("qatom64")
CELLS = SimulatedCells(DESIGN.four_angle, cells=8, seed=5)
BY_NAME = {scene.name: scene for scene in SCENES}


def phases(name: str) -> np.ndarray:
    return np.stack([Field(CELLS, BY_NAME[name]).truth(index, DESIGN) for index in range(len(CELLS))])


def test_scenes_are_what_they_are_called() -> None:
    whole, touching = phases("whole"), phases("touching")
    edge = np.ones((64, 64), bool)
    edge[1:-1, 1:-1] = False
    assert (whole[:, edge] == 0).all()
    assert (touching[:, edge] == 0).all(), "both cells are within the window"
    total, due = touching.sum(axis=(1, 2)), whole.sum(axis=(1, 2)) + np.roll(whole, -1, axis=0).sum(axis=(1, 2))
    assert np.allclose(total, due, rtol=2e-3), "the cell itself and the next one"
    assert (phases("cut at the top")[:, 0] > 0.1).any(axis=1).all()
    assert (phases("cut at the bottom")[:, -1] > 0.1).any(axis=1).all()
    rows = CUT_ROWS // DESIGN.binning
    assert np.allclose(phases("cut at the top")[:, : 63 - rows], whole[:, rows:63])


def test_the_light_of_a_run_is_that_of_its_empty_fields() -> None:
    """Three times the shading spreads it three times as far; it drifts from the first frame on, not before."""
    empty = {name: Field(CELLS, scene).empty_frames(0).astype(float) for name, scene in BY_NAME.items()}
    assert np.array_equal(empty["whole"], empty["drifting"])
    spread = {name: frames.mean(axis=2).std(axis=1).mean() for name, frames in empty.items()}
    assert spread["shaded"] / spread["whole"] == pytest.approx(3, abs=0.3)
    many = SimulatedCells(DESIGN.four_angle, cells=2000, seed=5)
    moved = Field(many, BY_NAME["drifting"]).empty_frames(1999) - Field(many).empty_frames(1999).astype(float)
    share = moved.mean(axis=2).std(axis=1).mean() / empty["whole"].mean()
    assert 0.005 < share < 0.04, "two thousand frames at 1 % a thousand"


@pytest.mark.full
def test_the_page_says_what_each_law_is_worth(tmp_path: Path) -> None:
    with Progress(disable=True) as progress:
        sizes = LawsSizes(("qatom64",), cells=3, scenes=(WHOLE, BY_NAME["cut at the top"]))
        page = run_sized(Setting(Scale.SMALL, 0, tmp_path / "work", progress), sizes)
    page.write(tmp_path / "page", {"command": "none", "minutes": 0.0})
    tables = json.loads((tmp_path / "page" / "report.json").read_text())["tables"]
    whole, cut = tables["errors_64"]
    assert [row["fields"] for row in (whole, cut)] == ["whole", "cut at the top"]
    fft, known = whole["fft"]["value"], "two-sided, empty fields known"
    assert all(whole[way.name]["value"] < 1.1 * fft for way in WAYS)
    assert cut[known]["value"] < 45 < 200 < cut["fft"]["value"]
    with (tmp_path / "page" / "differences_64.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1][known]) == pytest.approx(cut[known]["value"] - cut["fft"]["value"])
    assert {path.name for path in (tmp_path / "page").glob("*.png")} == {
        "errors_64.png", "maps_64.png", "settling_64.png"
    }  # fmt: skip
