"""The table of ``cytogate predict``: exact classes, features with units, faulty cells by themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.design.folder import load_design
from cytogate.model.networks.exact import logits
from cytogate.model.networks.saved import save_network
from cytogate.model.retrieval import integer
from cytogate.model.simulation.simulator import SimulatedCells
from tests.test_networks import design_network

CELLS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design with a network of made-up weights, and a file of simulated cells of which one is saturated."""
    folder = tmp_path_factory.mktemp("predict")
    assert main(["new", str(folder / "own"), "--like", "qatom64"]) == 0
    design = load_design(folder / "own")
    save_network(design_network(design, seed=4), design, True)
    cells = SimulatedCells(design.four_angle, design.network.class_names, CELLS, 3)
    frames = np.stack([cell.frames for cell in cells])
    frames[7] = 255
    with h5py.File(folder / "cells.h5", "w") as file:
        file["frames"], file["labels"] = frames, cells.labels
        file["class_names"] = np.array(design.network.class_names, "S")
    return folder


def predicted(folder: Path, name: str, *options: str) -> list[dict[str, str]]:
    path = folder / name
    arguments = ["predict", "--design", str(folder / "own"), "--input", str(folder / "cells.h5"), "--output", str(path)]
    assert main([*arguments, *options]) == 0
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_cell_has_the_class_of_the_exact_chain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = predicted(folder, "all.csv")
    design = load_design(folder / "own")
    with h5py.File(folder / "cells.h5") as file:
        frames = file["frames"][:]
    model = design_network(design, seed=4)
    due = logits(model, integer.network_inputs(frames, design))
    names = design.network.class_names
    compared = 0
    for number, row in enumerate(rows):
        assert row["cell"] == str(number)
        if number == 7:
            assert "saturated" in row["fault"] or "empty" in row["fault"]
            assert row["class"] == row["margin"] == row["area [um^2]"] == ""
            continue
        ordered = np.sort(due[number])
        assert row["class"] == names[due[number].argmax()]
        assert float(row["margin"]) == ordered[-1] - ordered[-2]
        assert sum(float(row[f"score {name}"]) for name in names) == pytest.approx(1)
        assert 20 < float(row["area [um^2]"]) < 700
        assert row["fault"] == ""
        compared += 1
    assert (len(rows), compared) == (CELLS, CELLS - 1)
    told = capsys.readouterr().out
    assert f"{CELLS} cells" in told
    assert "1 faulty" in told
    assert f"of {CELLS - 1} labelled cells" in told


def test_so_many_cells_at_most(folder: Path) -> None:
    assert len(predicted(folder, "few.csv", "--cells", "5")) == 5


def test_units_go_along_in_parquet(folder: Path) -> None:
    import pyarrow.parquet as pq

    arguments = ["predict", "--design", str(folder / "own"), "--input", str(folder / "cells.h5"), "--cells", "3"]
    assert main([*arguments, "--output", str(folder / "cells.parquet")]) == 0
    schema = pq.read_schema(folder / "cells.parquet")
    units = {name: (schema.field(name).metadata or {}).get(b"unit", b"").decode() for name in schema.names}
    assert (units["area"], units["phase_mean"], units["dry_mass"]) == ("um^2", "rad", "pg")


def test_frames_in_a_wrong_order_are_told(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(folder / "cells.h5") as file, h5py.File(tmp_path / "swapped.h5", "w") as swapped:
        good = np.delete(file["frames"][:], 7, axis=0)
        swapped["frames"] = good[:, [1, 0, 3, 2]]
    arguments = ["predict", "--design", str(folder / "own"), "--input", str(tmp_path / "swapped.h5")]
    assert main([*arguments, "--output", str(tmp_path / "x.csv")]) == 2
    assert "-x, +x, -y, +y" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


def test_a_design_without_a_network_says_how_to_get_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", str(tmp_path / "bare"), "--kind", "bright-field"]) == 0
    capsys.readouterr()
    assert main(["predict", "--design", str(tmp_path / "bare"), "--input", "cells.h5"]) == 2
    assert "has no trained network yet; make one with `cytogate train" in capsys.readouterr().err
