"""The experiment of paper 000 at a size of seconds: tables, splits, channels, quantized, and an interrupted run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.data.splits import Split
from cytogate.model.design.design import CLASS_NAMES
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.experiments.meng2017 import experiment as meng2017
from cytogate.model.experiments.meng2017.experiment import FULL, PAPER_ORDER, SMALL, Data
from cytogate.model.experiments.setting import Scale
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2017 import VARIANTS, Compared
from cytogate.model.networks.saved import load_codes, load_network
from tests.experiments import BrokenOffError, interrupted_setting_in, setting_in

TINY = dataclasses.replace(SMALL, cells=75, control_cells=35, iterations=4, change_at=2, quantized_iterations=2)
RECORD: dict[str, object] = {"command": "cytogate experiment meng2017", "minutes": 1.0, "seed": 0}


def random_data(cells: int, size: int) -> Data:
    rng = np.random.default_rng(0)
    labels = np.arange(cells) % len(CLASS_NAMES)
    codes = rng.integers(0, 256, (cells, size, size, 5), dtype=np.uint8)
    return Data(codes, labels, Split.of(labels, 0), {"cells": cells})


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Run the whole experiment, write its page, and return what the report says."""
    folder = tmp_path_factory.mktemp("meng2017")
    page = meng2017.run_sized(setting_in(folder / "work"), TINY)
    page.write(folder / "page", RECORD)
    found = json.loads((folder / "page" / "report.json").read_text())
    return {"folder": folder, "text": (folder / "page" / "README.md").read_text(), **found}


def test_tables_have_the_papers_rows(report: dict) -> None:
    tables = report["tables"]
    assert set(tables) == {"accuracy", "precision", "recall", "quantized", "control"}
    for name in ("accuracy", "precision", "recall"):
        assert [row["input"] for row in tables[name]] == list(VARIANTS)
    for name in ("precision", "recall"):
        assert tuple(tables[name][0])[1:] == PAPER_ORDER == ("THP1", "OAC", "MCF7", "PBMC", "OST")
    assert [row["network"] for row in tables["quantized"]] == ["float", "quantized network"]
    assert [row["images"] for row in tables["control"]] == ["cells", "background"]
    assert report["simulated"] is True
    assert report["text"].count("another task") == 1
    assert "4 times smaller a side" in report["text"]


def test_figures_of_the_tables_agree(report: dict) -> None:
    """Ten test cells: accuracy is the mean of recalls; the float row beside the quantized one is Table 1's."""
    tables = report["tables"]
    for accuracy, recall in zip(tables["accuracy"], tables["recall"], strict=True):
        found = [recall[name]["value"] for name in PAPER_ORDER]
        assert accuracy["test"]["value"] == pytest.approx(np.mean(found), abs=0.05)
    all_five = tables["accuracy"][-1]["test"]
    assert tables["quantized"][0]["accuracy"] == tables["control"][0]["accuracy"] == all_five
    for row in tables["accuracy"][:-1]:
        gain = row["channel 1-4 & phase, less this"]["value"]
        assert gain == pytest.approx(all_five["value"] - row["test"]["value"])


def test_page_is_whole(report: dict) -> None:
    pictures = {path.stem for path in (report["folder"] / "page").glob("*.png")}
    curves = {"training_loss", "training_accuracy"}
    assert pictures == {"cells_frames", "cells_phase", "confusion", "reliability"} | curves
    design = load_design(report["folder"] / "page")
    assert [each.shape for each in load_codes(load_network(design), design)] == [(10, 64, 64, 5)]
    assert design.network.class_names == CLASS_NAMES


def test_parts_are_disjoint_and_whole(report: dict) -> None:
    parts = [report["facts"]["split"][name] for name in ("training", "validation", "test")]
    assert sorted(index for part in parts for index in part) == list(range(75))
    assert [len(part) for part in parts] == [55, 10, 10]


def test_a_finished_training_is_picked_up_and_another_is_refused(report: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run once more in its folder takes no step, and ends with the same tables; other cells are refused."""
    monkeypatch.setattr(
        "cytogate.model.training.fitting.Steps.training", lambda *arguments: pytest.fail("a step of training was built")
    )
    work = report["folder"] / "work"
    data = meng2017._data(setting_in(work), TINY, TINY.cells, background_only=False)
    again = meng2017._trained(setting_in(work), TINY, data, "phase only", Compared(variant="phase only"))
    judged = meng2017._judged(data, again.model, VARIANTS["phase only"])
    row = next(row for row in report["tables"]["accuracy"] if row["input"] == "phase only")
    assert judged.metrics.accuracy.value == row["test"]["value"]
    with pytest.raises(InputError, match="holds other cells than asked for"):
        meng2017._data(setting_in(work, seed=1), TINY, TINY.cells, background_only=False)


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    data, sizes, spec = random_data(75, 64), dataclasses.replace(TINY, iterations=6), Compared(variant="channel 2")
    whole = meng2017._trained(setting_in(tmp_path / "whole"), sizes, data, "one", spec)
    assert len(whole.curve) == 3
    broken = tmp_path / "broken"
    with pytest.raises(BrokenOffError):
        meng2017._trained(interrupted_setting_in(broken), sizes, data, "one", spec)
    assert len(json.loads((broken / "one" / "curve.json").read_text())["curve"]) == 1
    resumed = meng2017._trained(setting_in(broken), sizes, data, "one", spec)
    assert resumed.curve == whole.curve
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", VARIANTS)
def test_networks_see_their_channels_alone(name: str) -> None:
    data = random_data(35, 8)
    chosen = np.array([4, 2, 9])
    examples = data.examples(chosen, VARIANTS[name])
    ((inputs,), labels), *rest = examples.batches(2, None)
    assert len(examples) == 3
    assert len(rest) == 1
    assert inputs.dtype == np.float32
    assert (inputs * 256 == data.codes[chosen[:2]][..., list(VARIANTS[name])]).all()
    assert labels.tolist() == data.labels[[4, 2]].tolist()
    shuffled = [label for _, part in examples.batches(2, np.random.default_rng(0)) for label in part]
    assert sorted(shuffled) == sorted(data.labels[chosen])


def test_published_sizes_are_the_papers() -> None:
    assert (FULL.cells, FULL.batch, FULL.iterations) == (2500, 50, 12_000)
    assert (FULL.change_at, FULL.rates) == (500, (0.01, 1e-4))
    optimizer = meng2017._optimizer(FULL)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert optimizer.momentum == 0.9
    schedule = optimizer.get_config()["learning_rate"]["config"]
    assert (schedule["boundaries"], schedule["values"]) == ([500], [0.01, 1e-4])


def test_full_scale_starts(tmp_path: Path) -> None:
    """Two steps at the size of the images and of the network, on random cells."""
    data = random_data(35, FULL.design.size)
    sizes = dataclasses.replace(FULL, iterations=1)
    trained = meng2017._trained(setting_in(tmp_path, Scale.FULL), sizes, data, "one", Compared())
    assert trained.model.input_shape == (None, 256, 256, 5)
    assert np.isfinite(trained.curve[0].validation_loss)
