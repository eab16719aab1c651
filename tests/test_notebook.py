"""The notebook from top to bottom, on the emulated board with the light kernel."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from ipykernel.kernelspec import install
from nbclient import NotebookClient

from cytogate.host.driver.results import Result
from cytogate.host.notebook import confusion, found_device
from cytogate.host.sources.simulated import SimulatorCells
from cytogate.sim.board.bundle import write_synthetic
from cytogate.sim.board.kernels import light
from tests.conftest import REPOSITORY
from tests.streams import CLASSES, small_manifest

NOTEBOOK = REPOSITORY / "host" / "cytogate.ipynb"
KERNEL = "cytogate-tests"
CELL_S, START_S = 60, 60
CELLS, SEED = 24, 5
MANIFEST = small_manifest(side=48)


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    bundle = write_synthetic(tmp_path / "small.zip", MANIFEST).path
    monkeypatch.setenv("CYTOGATE_DEVICE", "emulated-light")
    monkeypatch.setenv("CYTOGATE_BUNDLE", str(bundle))
    # A kernel of this interpreter, whatever others are known to this computer.
    install(prefix=str(tmp_path), kernel_name=KERNEL)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_S,
        startup_timeout=START_S,
        kernel_name=KERNEL,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    return client.execute()


def text(notebook: nbformat.NotebookNode) -> str:
    """Return what all cells have printed or shown."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or "\n".join(output["data"].values()) for output in outputs)


def test_it_runs_and_tells_what_the_device_answered(executed: nbformat.NotebookNode) -> None:
    cells = list(SimulatorCells(MANIFEST, CELLS, SEED).read({}))
    kernel = light(MANIFEST)
    answers = [Result(index, np.array(kernel(cell.frames)), 0, 0) for index, cell in enumerate(cells)]
    table = confusion([cell.label for cell in cells], answers, CLASSES)
    assert table.cells.sum() == CELLS
    said = text(executed)
    assert "device emulated-light, bundle small.zip" in said
    assert "small on none: 4 frames of 48 x 48 pixels a cell" in said
    assert table._repr_html_() in said
    assert f"{table.accuracy:.0%} of {CELLS} simulated cells, 0 lost" in said
    median, longest = map(float, re.search(r"median (\S+) ms, longest (\S+) ms \(emulated\)", said).groups())
    assert 0 < median <= longest
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")


def test_no_output_is_kept() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) >= 5
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]


def test_confusion_counts_cells_and_leaves_the_lost_out() -> None:
    logits = [[9, 1, 2], [9, 1, 2], [0, -3, 5], None]
    results = [
        Result(index, None if codes is None else np.array(codes), 0, 0, None if codes else "a fault")
        for index, codes in enumerate(logits)
    ]
    table = confusion([0, 1, 2, 1], results, CLASSES)
    assert table.cells.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert table.lost == 1
    assert table.accuracy == 2 / 3
    assert confusion([], [], CLASSES).accuracy == 0


@pytest.mark.parametrize(("devices", "name"), [(["a board"], "pynq"), ([], "emulated")])
def test_a_board_is_taken_where_there_is_one(devices: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pynq

    monkeypatch.setattr(pynq.Device.__class__, "devices", property(lambda _: devices), raising=True)
    assert found_device() == name
