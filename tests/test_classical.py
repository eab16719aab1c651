"""Classifiers on hand-made features: computed by any number of processes, and fitted to whatever cells there are."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.folder import load_design
from cytogate.model.evaluation import classical
from cytogate.model.features.phase_features import features


def test_features_do_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "MANY_CELLS", 2)
    monkeypatch.setattr(classical, "FEATURES_AT_A_TIME", 3)
    inputs = np.random.default_rng(0).integers(0, 40, (9, 64, 64, 5), np.uint8)
    inputs[:, 20:40, 15:44, 4] += 60
    path = tmp_path / "cells.h5"
    with h5py.File(path, "w") as file:
        file["network_input"], file["labels"] = inputs, np.arange(9) % 5
    design = load_design("qatom64")
    cells, chosen = CellFile.of(path, design), np.array([8, 1, 5, 0, 4, 2, 7])
    one, two = (classical.features_in(cells, chosen, design, workers) for workers in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(one, features(inputs[chosen]))
    assert (one[:, 0] > 500).all()
