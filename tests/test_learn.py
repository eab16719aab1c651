"""A user's own set: from a folder of pictures to a page and a twin that equals C-simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cytogate.model.command.dispatch import main
from cytogate.model.data.preprocessing import CodeRange
from cytogate.model.learn_cli import NETWORKS
from cytogate.model.learn_job import Network

OPTIONS = ["--size", "16", "--width", "0.0625", "--epochs", "12", "--learning-rate", "0.01"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Disks and rings, 60 of each, 20x20 pixels."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    y, x = np.indices((20, 20)) - 9.5
    for name in ("disk", "ring"):
        (folder / name).mkdir()
        for number in range(60):
            distance = np.hypot(y - rng.uniform(-1, 1), x - rng.uniform(-1, 1))
            shape = distance < 7 if name == "disk" else np.abs(distance - 6) < 1.5
            codes = np.clip(60 + 120 * shape + rng.normal(0, 10, (20, 20)), 0, 255)
            Image.fromarray(codes.astype(np.uint8)).save(folder / name / f"{number:03}.png")
    return folder


def test_a_folder_of_pictures_is_learned(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["learn", "meng2018", "--images", str(pictures), *OPTIONS]
    places = ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "page")]
    assert main([*arguments, *places]) == 0
    report = json.loads((tmp_path / "page" / "report.json").read_text())
    accuracies = {row["network"]: row["accuracy"]["value"] for row in report["tables"]["twin"]}
    assert set(accuracies) == {"float", "quantized twin"}
    assert min(accuracies.values()) > 0.9
    assert [row["images"] for row in report["tables"]["classes"]] == [10, 10]
    assert {path.name for path in (tmp_path / "page").glob("*.png")} == {
        "confusion.png", "curves.png", "gallery.png", "reliability.png",
    }  # fmt: skip
    assert main(["twin", str(tmp_path / "page"), "--output", str(tmp_path / "twin")]) == 0
    assert "0 of 32 words differ on 16 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "20"], "cannot be halved 3 times"),
        (["--epochs", "0"], "--epochs is 0"),
        (["--learning-rate", "2"], "--learning-rate is 2.0"),
        (["--width", "0"], "scaled by 0.0"),
        (["--images", "nowhere"], "nowhere: there is no such file or folder"),
    ],
)
def test_bad_input_is_one_sentence(
    options: list[str], said: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "page")]
    assert main(["learn", "meng2018", "--images", str(pictures), *OPTIONS, *places, *options]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cytogate learn")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("network", Network)
def test_every_network_is_built_in_both_forms(network: Network) -> None:
    assert network.value in NETWORKS
    for quantized in (True, False):
        model = network.build(64, 2, 3, 1 / 16, quantized)
        assert model.input_shape == (None, 64, 64, 2)
        assert model.output_shape == (None, 3)
    assert len(NETWORKS) == len(Network)


def test_codes_cover_the_range_of_the_training_images() -> None:
    images = np.random.default_rng(0).uniform([100, -1], [300, 1], (50, 20, 20, 2))
    codes = CodeRange.fitted(images).codes(images)
    assert (codes.min(), codes.max()) == (0, 255)
    assert np.abs(codes.mean(axis=(0, 1, 2)) - 127.5).max() < 2
    even = CodeRange.fitted(np.full((2, 4, 4, 1), 7.0))
    assert even.codes(np.array([[[[7.0]], [[8.0]], [[9.0]]]])).ravel().tolist() == [0, 255, 255]
