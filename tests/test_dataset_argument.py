"""``--dataset`` in every verb that takes cells of a user's."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.data.own_cells import OwnCells, write_inputs
from cytogate.model.simulation.simulator import SimulatedCells
from tests.streams import four_angle_design

NAMES = ("THP1", "OST")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a design and four simulated cells in a group of a file."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "own"]) == 0
    design = four_angle_design(NAMES)
    cells = list(SimulatedCells(design.four_angle, NAMES, 4, 1))
    for name, group in (("cells.h5", ""), ("grouped.h5", "entry/")):
        with h5py.File(name, "w") as file:
            file[f"{group}frames" if not group else f"{group}raw"] = np.stack([cell.frames for cell in cells])
            file[f"{group}labels"] = [cell.label for cell in cells]
            file[f"{group}class_names"] = list(NAMES)
    return tmp_path


@pytest.mark.parametrize("verb", ["csim", "cosim", "train", "predict"])
def test_every_verb_hands_the_name_on(verb: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = "own" if verb == "train" else "qatom128"
    assert main([verb, "--design", design, "--input", "grouped.h5", "--dataset", "entry/none"]) == 2
    said = capsys.readouterr().err
    assert "grouped.h5: holds no array named entry/none, but entry; --dataset PATH reads an array" in " ".join(
        said.split()
    )


@pytest.mark.parametrize("arguments", [
    ["csim"], ["cosim"], ["train", "--design", "own"], ["stream", "--simulate", "--bundle", "none"],
])  # fmt: skip
def test_a_name_without_a_file_is_refused(arguments: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--dataset", "raw"]) == 2
    assert "--dataset raw names an array of a file; give the file as --input" in capsys.readouterr().err


def test_cells_of_another_name_train_as_those_of_ours(here: Path) -> None:
    """The same inputs, to the last byte, in processes that open the file anew."""
    design = four_angle_design(NAMES)
    found = []
    for name, dataset in (("cells.h5", None), ("grouped.h5", "entry/raw")):
        cells = OwnCells.of(Path(name), dataset, design, None, 0)
        write_inputs(cells, design, Path(f"inputs-{name}"))
        with h5py.File(f"inputs-{name}") as file:
            found.append((file["network_input"][...], file["labels"][...].tolist()))
    assert found[0][1] == found[1][1]
    assert np.count_nonzero(found[0][0] == found[1][0]) == found[0][0].size >= 4 * 32 * 32
