"""A look into a network: what is told of its layers is what its words are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.design.folder import load_design
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval.laws import exact
from cytogate.model.simulation.simulator import simulated_cells

CELLS = 3


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("explain")
    assert main(["explain", "--design", "qatom128", "--cells", str(CELLS), "--output", str(folder)]) == 0
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_every_operation_is_told_with_what_has_come(explained: dict) -> None:
    design = load_design("qatom128")
    network = load_operations(design)
    frames = np.stack([cell.frames for cell in simulated_cells(design, CELLS, 0)])
    words = network.compute([exact(frames, design)["network_input"]])
    told = {each["name"]: each for each in explained["layers"]}
    assert list(told) == [each.name for each in network.operations]
    assert explained["cells"] == CELLS
    for each in network.operations:
        step = each.format.step
        assert told[each.name]["seen"] == [words[each.name].min() * step, words[each.name].max() * step]
        assert told[each.name]["possible"] == [each.format.min, each.format.max]
    assert sum(each["macs"] for each in told.values()) == network.macs
    assert sum(each["weights"] for each in told.values()) == network.weights


def test_saturation_counts_words_that_a_rounding_has_cut(explained: dict) -> None:
    design = load_design("qatom128")
    network = load_operations(design)
    frames = np.stack([cell.frames for cell in simulated_cells(design, CELLS, 0)])
    words = network.compute([exact(frames, design)["network_input"]])
    told = {each["name"]: each["saturated"] for each in explained["layers"]}
    rounding = network["relu_1"]
    sums = network[rounding.reads[0]]
    values = words[sums.name] * sums.format.step
    assert told["relu_1"] == np.mean(values >= rounding.format.max + rounding.format.step / 2)
    assert told["relu_1"] > 0, "some are"
    assert told[sums.name] is None
