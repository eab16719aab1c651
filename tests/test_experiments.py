"""Experiments in common: page, tables and figures, the verb, and the quantized network that goes to C-simulation."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure as Plot

from cytogate.model.command.dispatch import main
from cytogate.model.design.design import Design, Network
from cytogate.model.design.folder import ADOPTED_TOPOLOGY, DESIGN_FILE, QUANTIZED_WEIGHTS, load_design, network_folder
from cytogate.model.design.instruments import NetworkInputs
from cytogate.model.design.topologies import Saved
from cytogate.model.errors import InputError
from cytogate.model.evaluation.metrics import Interval, calibration
from cytogate.model.experiments.job import experiment_named
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.networks import dcnn
from cytogate.model.networks.dcnn import Dcnn
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import INPUT_CODES, load_codes, load_network, save_with_codes
from cytogate.model.pages.page import Page, shown
from cytogate.model.pages.plots import confusion_plot, gallery_plot, lines_plot, reliability_plot
from cytogate.model.verbs import EXPERIMENTS
from cytogate.sim.csim.network_inputs import run_network_inputs
from tests.conftest import REPOSITORY
from tests.test_papers import random_codes, settled

OF_NETWORKS = [name for name in EXPERIMENTS if name != "laws"]
"""One compares laws of phase retrieval and trains nothing."""
RECORD: dict[str, object] = {"command": "cytogate experiment none", "minutes": 1.0, "seed": 0}


def page() -> Page:
    made = Page("A page", simulated=True)
    made.text("Shrunk fourfold.")
    made.table(
        "scores",
        "Scores",
        ("method", "cells", "accuracy"),
        [("CNN", 100, Interval(0.8, 0.7, 0.9)), ("none", 0, Interval(None, None, None)), ("chance", 1, 0.25)],
    )
    made.plot("curve", "A curve", lines_plot({"a": ([1, 10], [0.1, 0.2])}, "cells", "accuracy", logarithmic=True))
    made.fact("shares", np.array([0.5, 0.25]))
    return made


def test_a_page_is_whole_and_says_how_it_was_made(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "none-small"
    page().write(folder, RECORD)
    assert {path.name for path in folder.iterdir()} == {"README.md", "scores.csv", "curve.png", "report.json"}
    text = (folder / "README.md").read_text()
    assert text.startswith("# A page\n\n**Simulated cells**")
    assert "`cytogate experiment none`" in text
    assert "| CNN | 100 | 0.800 (0.700 to 0.900) |\n| none | 0 | - |\n| chance | 1 | 0.250 |" in text
    with (folder / "scores.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["method", "cells", "accuracy", "accuracy low", "accuracy high"]
    assert rows[1:] == [["CNN", "100", "0.8", "0.7", "0.9"], ["none", "0", "", "", ""], ["chance", "1", "0.25", "", ""]]
    report = json.loads((folder / "report.json").read_text())
    assert report["tables"]["scores"][0]["accuracy"] == {"value": 0.8, "low": 0.7, "high": 0.9}
    assert report["facts"]["shares"] == [0.5, 0.25]
    page().write(folder, RECORD | {"seed": 1})
    assert json.loads((folder / "report.json").read_text())["seed"] == 1
    assert [path.name for path in folder.parent.iterdir()] == ["none-small"]


def test_a_page_replaces_nothing_but_a_page(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="is no page of an experiment"):
        page().write(tmp_path / "mine", RECORD)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_page_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    page().write(tmp_path / "page", RECORD)
    broken = page()
    broken.fact("no number", object())
    with pytest.raises(TypeError, match="object does not go into a report"):
        broken.write(tmp_path / "page", RECORD | {"seed": 1})
    assert json.loads((tmp_path / "page" / "report.json").read_text())["seed"] == 0
    with pytest.raises(ValueError, match="a row of 1 values under 2 columns"):
        page().table("short", "", ("a", "b"), [("a",)])


def test_values_are_shown_short() -> None:
    assert [shown(value) for value in (0.12345, 7, "x", None)] == ["0.123", "7", "x", "-"]


def test_figures_hold_what_they_were_given() -> None:
    figure = confusion_plot([[5, 1], [0, 4]], ["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["5", "1", "0", "4"]
    gallery = gallery_plot({"one": [np.eye(4)] * 3, "two": [np.eye(4)]}, label="rad")
    assert sum(len(axes.images) for axes in gallery.axes) == 4
    labels, probabilities = np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    reliability = reliability_plot({"float": calibration(labels, probabilities)})
    assert len(reliability.axes[0].lines) == 2
    assert all(isinstance(each, Plot) for each in (figure, gallery, reliability))


def tiny(setting: Setting) -> Page:
    made = Page("Tiny", simulated=False)
    total = sum(setting.tracked([1, 2, 3], "adding"))
    made.table("sums", "Sums", ("scale", "sum"), [(setting.scale.value, setting.chosen(total, 10 * total))])
    return made


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register an experiment that takes no time."""
    module = ModuleType("cytogate.model.experiments.jurkat.experiment")
    module.EXPERIMENT = Experiment("jurkat", "Tiny", "ours", tiny)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("verb")
@pytest.mark.parametrize(("scale", "due"), [("small", "6"), ("full", "60")])
def test_the_verb_writes_a_page(scale: str, due: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["experiment", "jurkat", "--scale", scale, "--output", str(tmp_path), "--work", str(tmp_path / "work")]
    assert main(arguments) == 0
    folder = tmp_path / f"jurkat-{scale}"
    assert "README.md" in capsys.readouterr().out
    assert (folder / "sums.csv").read_text() == f"scale,sum\n{scale},{due}\n"
    report = json.loads((folder / "report.json").read_text())
    assert report["command"] == f"cytogate experiment jurkat --scale {scale}"
    assert report["simulated"] is False
    assert report["versions"]["keras"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_a_module(name: str) -> None:
    found = experiment_named(name)
    assert found.name == name
    assert found.title
    assert found.source
    assert set(Scale) == {Scale.SMALL, Scale.FULL}


# The trained network, kept as a design without an instrument.

OUTPUT = "share of round ones"


def kept(folder: Path) -> Design:
    return Design(folder.name, NetworkInputs(), network=Network((OUTPUT,), Saved()), folder=folder)


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two inputs and one logit, with the codes of nine cells."""
    folder = tmp_path_factory.mktemp("kept") / "two-inputs"
    model = settled(dcnn.quantized_network(Dcnn(filters=(32,)).scaled(4, 1 / 16)))
    save_with_codes(model, random_codes(model, 9), kept(folder))
    return folder


def test_what_is_kept_is_a_design(two_inputs: Path) -> None:
    design = load_design(two_inputs)
    assert design == kept(two_inputs)
    files = {str(path.relative_to(two_inputs)) for path in two_inputs.rglob("*") if path.is_file()}
    inside = {f"network/{name}" for name in (ADOPTED_TOPOLOGY, QUANTIZED_WEIGHTS, INPUT_CODES)}
    assert files == {DESIGN_FILE, *inside}
    model = load_network(design)
    assert [len(codes) for codes in load_codes(model, design)] == [9, 9]


@pytest.fixture
def place(two_inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which the network is compiled once."""
    monkeypatch.chdir(two_inputs.parent)
    return two_inputs.parent


def test_a_kept_network_goes_to_c_simulation(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["csim", "--design", "two-inputs"]) == 0
    report = json.loads((place / "out/csim/report.json").read_text())
    assert report["stages"] == [{"name": "logits", "values": 9, "differing": 0}]
    assert (report["design"], report["inputs"], report["cells"]) == ("two-inputs", 2, 9)
    assert re.search(r"logits\W+9\W+0\b", capsys.readouterr().out)


def test_logits_that_differ_fail(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = IntegerNetwork.classify

    def wrong(network: IntegerNetwork, *codes: np.ndarray) -> np.ndarray:
        found = real(network, *codes)
        found.flat[0] += 1
        return found

    monkeypatch.setattr(IntegerNetwork, "classify", wrong)
    assert main(["csim", "--design", "two-inputs", "--output", "differing"]) == 1
    assert "1 of 9 logits differ in C-simulation on 9 cells" in capsys.readouterr().err
    assert json.loads((place / "differing/report.json").read_text())["stages"][0]["differing"] == 1


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        *(
            ("csim", [option, value])
            for option, value in (
                ("--input", "cells.h5"),
                ("--background", "empty.h5"),
                ("--cells", "4"),
                ("--agreement-cells", "9"),
                ("--seed", "0"),
                ("--stages", "stages.npz"),
            )
        ),
        ("cosim", []),
        ("emulate", []),
        ("estimate", []),
        ("simulate", ["--output", "cells.h5"]),
        ("train", []),
        ("predict", ["--input", "cells.h5"]),
    ],
)
def test_what_needs_an_instrument_is_refused(
    verb: str,
    options: list[str],
    two_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([verb, "--design", str(two_inputs), *options]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(rf"cytogate {verb}: .*design two-inputs.*\n", told), told
    if verb == "csim":
        assert f"{options[0]} does not go with it" in told
    # The network that is being converted is kept apart from what a verb gives.
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "network" not in path.parts]


@pytest.mark.parametrize("damaged", [ADOPTED_TOPOLOGY, QUANTIZED_WEIGHTS, INPUT_CODES])
@pytest.mark.parametrize("missing", [True, False])
def test_damaged_files_are_one_sentence(damaged: str, missing: bool, two_inputs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two-inputs"
    shutil.copytree(two_inputs, folder)
    path = network_folder(load_design(folder)) / damaged
    content = path.read_bytes()
    path.unlink()
    if not missing:
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError) as caught:
        run_network_inputs(load_design(folder), tmp_path / "out")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_codes_and_classes_of_other_networks_are_refused(two_inputs: Path, tmp_path: Path) -> None:
    model = load_network(load_design(two_inputs))
    codes = random_codes(model, 2)
    words = read_exactly(model).inputs[0].format
    design = kept(tmp_path / "other")
    for wrong, said in (
        (codes[:1], "codes of 1 inputs"),
        ([codes[0][..., :1], codes[1]], "integers \\(cells, 4, 4, 5\\)"),
        ([codes[0][:1], codes[1]], "as many cells for each input"),
        ([codes[0] + words.code_max, codes[1]], "ap_ufixed<8, ?0.*holds 0 to 255"),
    ):
        with pytest.raises(InputError, match=said):
            save_with_codes(model, wrong, design)
    classes = dataclasses.replace(design, network=Network(("a", "b"), Saved()))
    with pytest.raises(InputError, match="gives \\(1,\\); design other has 2 classes: a, b"):
        save_with_codes(model, codes, classes)
    assert not list(tmp_path.iterdir())


# The committed pages.


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_its_page(name: str) -> None:
    """Made by the command that it names, in minutes; all that it shows is there, and so is its network."""
    folder = REPOSITORY / "docs" / "results" / f"{name}-small"
    report, text = json.loads((folder / "report.json").read_text()), (folder / "README.md").read_text(encoding="utf-8")
    assert report["command"].split(" --seed")[0] == f"cytogate experiment {name} --scale small"
    assert f"`{report['command']}`" in text
    # Of a machine that may have had other work.
    assert 0 < report["minutes"] < 30
    shown_files = re.findall(r"\]\(([^)/]+\.(?:png|csv))\)", text)
    assert shown_files
    assert set(shown_files) == {path.name for path in folder.iterdir() if path.suffix in (".png", ".csv")}
    if name in OF_NETWORKS:
        design = load_design(folder)
        assert len(load_codes(load_network(design), design)[0]) >= 8
    assert f"]({name}-small/README.md)" in (folder.parent / "index.md").read_text(encoding="utf-8")


@pytest.mark.full
@pytest.mark.parametrize("page", [*(f"{name}-small" for name in OF_NETWORKS), "jurkat-full", "mhsma-full"])
def test_networks_of_the_pages_are_exact(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = run_network_inputs(load_design(REPOSITORY / "docs" / "results" / page), tmp_path)
    (logits,) = report.stages
    assert report.cells >= 8
    assert logits.values >= report.cells
    assert logits.differing == 0
