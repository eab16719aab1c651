"""What experiments share: page, tables and figures, the verb, and the trained twin that goes to C-simulation."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure as Plot

from cytogate.model.command.dispatch import main
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.evaluation.metrics import Interval, calibration
from cytogate.model.experiments.job import experiment_named
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.networks import dcnn
from cytogate.model.networks.dcnn import Dcnn
from cytogate.model.networks.saved import CODES, TOPOLOGY, WEIGHTS, load_twin, save_twin
from cytogate.model.networks.words import input_formats
from cytogate.model.pages.page import Page, shown
from cytogate.model.pages.plots import confusion_plot, gallery_plot, lines_plot, reliability_plot
from cytogate.model.verbs import EXPERIMENTS
from cytogate.sim.csim.twin import run_twin
from tests.conftest import REPOSITORY
from tests.test_papers import random_codes, settled

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


# The trained twin.


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    model = settled(dcnn.quantized_network(Dcnn(filters=(32,)).scaled(4, 1 / 16)))
    save_twin(model, random_codes(model, 9), folder)
    return folder


def test_a_saved_twin_goes_to_c_simulation(twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_twin(twin, "qatom128", tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["cells"], report["words"], report["mismatches"]) == (9, 9, 0)
    assert "0 of 9 words differ on 9 cells" in capsys.readouterr().out


def test_words_that_differ_fail(twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cytogate.sim.csim import twin as job

    real = job.keras_logits
    monkeypatch.setattr(job, "keras_logits", lambda model, codes: real(model, codes) + 1.0)
    with pytest.raises(CheckFailed, match="9 of 9 words differ"):
        run_twin(twin, "qatom128", tmp_path)


@pytest.mark.parametrize("damaged", [TOPOLOGY, WEIGHTS, CODES])
@pytest.mark.parametrize("missing", [True, False])
def test_damaged_twins_are_one_sentence(damaged: str, missing: bool, twin: Path, tmp_path: Path) -> None:
    for name in (TOPOLOGY, WEIGHTS, CODES):
        content = (twin / name).read_bytes()
        if name != damaged:
            (tmp_path / name).write_bytes(content)
        elif not missing:
            (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError) as caught:
        load_twin(tmp_path)
    assert str(tmp_path / damaged) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_codes_of_other_inputs_are_refused(twin: Path, tmp_path: Path) -> None:
    model = load_twin(twin).model
    codes = random_codes(model, 2)
    words = input_formats(model)[0]
    for wrong, said in (
        (codes[:1], "codes of 1 inputs"),
        ([codes[0][..., :1], codes[1]], "integers \\(cells, 4, 4, 5\\)"),
        ([codes[0][:1], codes[1]], "as many cells for each input"),
        ([codes[0] + words.code_max, codes[1]], "ap_ufixed<8, ?0.*holds 0 to 255"),
    ):
        with pytest.raises(InputError, match=said):
            save_twin(model, wrong, tmp_path)
    assert not list(tmp_path.iterdir())


# The committed pages.


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_its_page(name: str) -> None:
    """Made by the command that it names, in minutes; all that it shows is there, and so is its twin."""
    folder = REPOSITORY / "model" / "results" / f"{name}-small"
    report, text = json.loads((folder / "report.json").read_text()), (folder / "README.md").read_text(encoding="utf-8")
    assert report["command"].split(" --seed")[0] == f"cytogate experiment {name} --scale small"
    assert f"`{report['command']}`" in text
    assert 0 < report["minutes"] < 10
    shown_files = re.findall(r"\]\(([^)/]+\.(?:png|csv))\)", text)
    assert shown_files
    assert set(shown_files) == {path.name for path in folder.iterdir() if path.suffix in (".png", ".csv")}
    assert len(load_twin(folder).codes[0]) >= 8
    assert f"model/results/{name}-small/README.md" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.full
@pytest.mark.parametrize("page", [*(f"{name}-small" for name in EXPERIMENTS), "jurkat-full"])
def test_twins_of_the_pages_are_exact(page: str, tmp_path: Path) -> None:
    report = run_twin(REPOSITORY / "model" / "results" / page, "qatom128", tmp_path)
    assert report.cells >= 8
    assert report.words >= report.cells
    assert report.mismatches == 0
