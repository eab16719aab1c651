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
from cytogate.model.design.design import Design
from cytogate.sim.board.kernels import light
from tests.conftest import REPOSITORY
from tests.holograms import fields, off_axis_design, write_light_bundle
from tests.streams import CLASSES, four_angle_design, small_bundle, small_design, small_frames, write_bundle, write_npz

NOTEBOOK = REPOSITORY / "host" / "cytogate.ipynb"
KERNEL = "cytogate-tests"
CELL_S, START_S = 60, 60
CELLS, SEED = 24, 5
DESIGN = four_angle_design()


def executed(
    design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path | None = None
) -> nbformat.NotebookNode:
    bundle = bundle or write_bundle(tmp_path / "small.zip", design)
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


def test_it_runs_and_tells_what_the_device_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = list(SimulatorCells(DESIGN, CELLS, SEED).read({}))
    kernel = light(small_bundle(DESIGN))
    answers = [Result(index, np.array(kernel(cell.frames)), 0, 0) for index, cell in enumerate(cells)]
    table = confusion([cell.label for cell in cells], answers, CLASSES)
    assert table.cells.sum() == CELLS
    notebook = executed(DESIGN, tmp_path, monkeypatch)
    said = text(notebook)
    assert "device emulated-light, bundle small.zip" in said
    assert "small on kv260: frames of 64 x 64 pixels: +x -x +y -y" in said
    assert table._repr_html_() in said
    assert f"{table.accuracy:.0%} of {CELLS} labelled simulated cells, 0 lost" in said
    median, longest = map(float, re.search(r"median (\S+) ms, longest (\S+) ms \(emulated\)", said).groups())
    assert 0 < median <= longest
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def test_it_takes_a_file_of_bright_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two channels; the first cells of the file."""
    design, labels = small_design(channels=("bright field", "dark field")), np.arange(CELLS + 6) % 3
    frames = small_frames(CELLS + 6, channels=2)
    path = write_npz(tmp_path / "cells.npz", frames, labels)
    monkeypatch.setenv("CYTOGATE_INPUT", str(path))
    said = text(executed(design, tmp_path, monkeypatch))
    kernel = light(small_bundle(design))
    answers = [Result(index, np.array(kernel(cell)), 0, 0) for index, cell in enumerate(frames[:CELLS])]
    table = confusion(labels[:CELLS].tolist(), answers, CLASSES)
    assert "frames of 8 x 8 pixels: bright field dark field" in said
    assert f"{table.accuracy:.0%} of {CELLS} labelled given cells, 0 lost" in said
    assert table._repr_html_() in said


def test_it_takes_holograms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of each, by their classes."""
    design, made = off_axis_design(), fields(3, cells=2)
    bundle = write_light_bundle(tmp_path, design, [made.empty_field(0)])
    np.save(tmp_path / "cells.npy", np.stack([made[index].frame for index in range(3)])[:, None])
    monkeypatch.setenv("CYTOGATE_INPUT", str(tmp_path / "cells.npy"))
    said = text(executed(design, tmp_path, monkeypatch, bundle))
    told = re.findall(r"cell \d: given, label unknown, found (\d) cells: ([ab, ]+)\n", said)
    assert len(told) == 3
    assert [len(names.split(", ")) for _, names in told] == [int(count) for count, _ in told]
    assert "0% of 0 labelled given cells, 0 lost" in said


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
    assert confusion([0, None, 2, 1], results, CLASSES).cells.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert confusion([], [], CLASSES).accuracy == 0


@pytest.mark.parametrize(("devices", "name"), [(["a board"], "pynq"), ([], "emulated")])
def test_a_board_is_taken_where_there_is_one(devices: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pynq

    monkeypatch.setattr(pynq.Device.__class__, "devices", property(lambda _: devices), raising=True)
    assert found_device() == name
