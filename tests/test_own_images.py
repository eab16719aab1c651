"""The papers' networks on a user's own pictures: a folder a class, trained in both forms, exact in C-simulation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cytogate.model.command.dispatch import main
from cytogate.model.design.design import Design, Network, Window
from cytogate.model.design.folder import DESIGN_FILE, RECORD_FILE, design_text, load_design
from cytogate.model.design.instruments import BrightField
from cytogate.model.design.topologies import PUBLISHED, Published
from cytogate.model.networks.build import build
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_network

SIDE, OF_A_CLASS = 48, 120
CLASSES = ("disk", "ring")
WINDOWS = {"meng2018": (32, 32), "gao2017": (48, 48), "dcae": (32, 32), "topgan": (32, 32)}


def bright(topology: str, window: tuple[int, int] | None = None) -> Design:
    """A design of one channel of 8 bits, with an eighth of one of the papers' networks."""
    camera = BrightField(("bright field",), 0.5, 0.5, 8, SIDE, SIDE)
    network = Network(CLASSES, Published(topology, 1 / 8))
    return Design("own", camera, Window(*(window or WINDOWS[topology]), 1), network)


def written(design: Design, folder: Path) -> Path:
    folder.mkdir()
    (folder / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Disks and rings."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    for name in CLASSES:
        (folder / name).mkdir()
        for number in range(OF_A_CLASS):
            distance = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1))
            shape = distance < 9 if name == "disk" else np.abs(distance - 8) < 2
            codes = np.clip(60 + 120 * shape + rng.normal(0, 10, (SIDE, SIDE)), 0, 255)
            Image.fromarray(codes.astype(np.uint8)).save(folder / name / f"{number:03}.png")
    return folder


@pytest.mark.full
@pytest.mark.parametrize("topology", PUBLISHED)
def test_a_folder_of_pictures_trains_each_network_of_the_papers(
    topology: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is learned is more than a guess, and its logits equal C-simulation."""
    monkeypatch.chdir(tmp_path)
    written(bright(topology), tmp_path / "own")
    given = ["--design", "own", "--input", str(pictures)]
    # Whether its figures are good enough to ship is not asked here: a tiny network, trained for seconds.
    assert main(["train", *given, "--epochs", "30", "--fine-tune-epochs", "2"]) in (0, 1)
    record = json.loads((tmp_path / "own" / RECORD_FILE).read_text())
    assert record["data"]["cells of a class"] == dict.fromkeys(CLASSES, OF_A_CLASS)
    assert record["split"] == {"training": 182, "validation": 20, "test": 38}
    for form in ("quantized", "float_network"):
        assert record["evaluation"][form]["accuracy"]["value"] > 0.8, form
    model = load_network(load_design("own"))
    assert (model.name, model.output_shape) == (topology, (None, 2))
    assert main(["csim", *given, "--cells", "20", "--agreement-cells", "20"]) == 0
    report = json.loads(Path("out/csim/report.json").read_text())
    (logits,) = (stage for stage in report["stages"] if stage["name"] == "logits")
    assert (logits["values"], logits["differing"]) == (40, 0)


def test_other_cells_are_a_training_of_their_own(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has to be removed, and the same command goes on with what there is."""
    monkeypatch.chdir(tmp_path)
    design = written(bright("gao2017"), tmp_path / "own")
    records = []
    for cells in ("120", "160", "120"):
        given = ["--design", "own", "--input", str(pictures), "--cells", cells]
        assert main(["train", *given, "--epochs", "1", "--fine-tune-epochs", "1"]) in (0, 1)
        records.append(json.loads((design / RECORD_FILE).read_text()))
    assert [record["data"]["cells"] for record in records] == [120, 160, 120]
    assert records[2]["curves"] == records[0]["curves"] != records[1]["curves"]


@pytest.mark.parametrize(
    ("topology", "window", "said"),
    [
        ("meng2018", (32, 24), 'topology "meng2018" takes square windows, not 32x24'),
        ("meng2018", (20, 20), "20 rows or columns of its input cannot be halved 3 times; a multiple of 8 can"),
        ("dcae", (24, 24), "24 rows or columns of its input cannot be halved 4 times; a multiple of 16 can"),
        ("gao2017", (40, 40), "inputs of 40x40 are too small, its convolutions have no padding; 42x42 is the least"),
    ],
)
def test_windows_that_do_not_suit_are_one_sentence(
    topology: str,
    window: tuple[int, int],
    said: str,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = written(bright(topology, window), tmp_path / "own")
    assert main(["train", "--design", "own", "--input", str(pictures)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cytogate train")]
    assert said in line
    assert [path.name for path in tmp_path.rglob("*")] == [folder.name, DESIGN_FILE]


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("topology", PUBLISHED)
def test_every_network_of_the_papers_is_built_in_both_forms(topology: str, quantized: bool) -> None:
    design = bright(topology)
    camera = dataclasses.replace(design.camera, channels=("bright field", "dark field"))
    design = dataclasses.replace(design, instrument=camera, network=Network(("a", "b", "c"), design.network.topology))
    model = build(design, quantized)
    assert isinstance(model, keras.Model)
    assert model.input_shape == (None, *WINDOWS[topology], 2)
    assert model.output_shape == (None, 3)
