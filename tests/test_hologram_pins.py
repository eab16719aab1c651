"""Holograms through AXI pins: a calibration in, packets of fields out, whatever both sides do."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.command.dispatch import main
from cytogate.model.contract.fixed_point import WORD
from cytogate.model.design.folder import load_design
from cytogate.model.interface.answers import FieldAnswer
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.kernel_calibration import calibration_words, read_calibration, setting_of
from cytogate.model.retrieval.off_axis.sideband import Sideband
from cytogate.sim.axi.job import SCENARIOS, run_rate
from cytogate.sim.axi.levels import hologram_hardware, hologram_task
from cytogate.sim.axi.simulator import Simulator, compile_hardware, run_benches
from tests.holograms import fields, write_calibrated
from tests.test_off_axis_integer import extremes

FIELDS = 3
SOME = "sleeps|cocotbext|at_random.*at_random|first_and_last|many_in_a_row|regist|written|flags|soft|reset_while"
"""Scenarios whose pauses are the most: all of them would take the holograms an hour."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a calibrated design ``holo`` with a network of made-up weights, and its ``cells.h5``."""
    lab = tmp_path_factory.mktemp("lab")
    write_calibrated(lab / "holo")
    made = fields(FIELDS, cells=3)
    with h5py.File(lab / "cells.h5", "w") as file:
        file["frames"] = np.stack([made[index].frame for index in range(FIELDS)])[:, None]
    return lab


def test_a_calibration_says_setting_phasors_and_mask(lab: Path) -> None:
    design = load_design(lab / "holo")
    phasor, setting = integer.reference_phasor(reference_field(design)), setting_of(design)
    words = calibration_words(design, phasor)
    numbers, phasors = read_calibration(words, design)
    assert numbers == setting
    assert np.array_equal(phasors, phasor)
    assert len(np.unique(phasors)) > 100
    assert np.array_equal(words[len(setting) :] >> np.uint64(2 * WORD.width), Sideband.of(design).disk.ravel())


@pytest.mark.full
def test_packets_of_fields_are_those_of_the_law(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["cosim", "--design", str(lab / "holo"), "--level", "dpi", "--input", str(lab / "cells.h5")]
    assert main([*command, "--cells", "2"]) == 0
    report = json.loads((tmp_path / "out" / "cosim" / "dpi" / "report.json").read_text(encoding="utf-8"))
    (packets,) = report["stages"]
    assert packets["differing"] == 0
    design = load_design(lab / "holo")
    found = [
        integer.retrieve(
            fields(FIELDS, cells=3)[index].frame, design, integer.reference_phasor(reference_field(design))
        )
        for index in range(2)
    ]
    cells = sum(len(each.center) for each in found)
    assert cells >= 4
    assert packets["values"] == 2 + cells * (2 + 2)
    assert report["frames"] == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--level", "rtl"], "--level dpi"),
        (["--level", "dpi", "--binned"], "--binned"),
        (["--level", "dpi", "--samples-per-clock", "4"], "--samples-per-clock"),
    ],
)
def test_what_holograms_have_not_is_told(
    options: list[str], told: str, lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cosim", "--design", str(lab / "holo"), *options]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.full
def test_every_scenario_and_what_no_camera_sends(lab: Path, builds: Path, tmp_path: Path) -> None:
    """Extremes back to back; then pauses, malformed packets, registers and resets, each before a new calibration."""
    design = load_design(lab / "holo")
    network, phasor = load_operations(design), integer.reference_phasor(reference_field(design))
    folder = builds / "hologram-pins"
    under_test = hologram_hardware(design, convert(network, design, folder / "network"), folder)
    compiled = compile_hardware(under_test, Simulator.VERILATOR, folder / "verilator", waves=False)
    frames = [fields(FIELDS, cells=3)[index].frame for index in range(FIELDS)] + list(extremes().values())
    found = [integer.retrieve(frame, design, phasor) for frame in frames]
    answers = [
        FieldAnswer.of(
            each.center, each.region, list(network.classify(each.network_input)) if len(each.center) else [],
            each.cells.is_crowded,
        )
        for each in found
    ]  # fmt: skip
    due = [np.array(answer.words(), np.uint32).view(np.int32).astype(np.int64) for answer in answers]
    sent = np.stack([each.hologram.astype(np.uint16) for each in found])[:, None]
    task = hologram_task(design, tuple(calibration_words(design, phasor).tolist()))
    task.write(tmp_path / "rate", sent, due)
    measured = run_rate(under_test, compiled, tmp_path / "rate")
    assert (measured.frames, measured.values, measured.differing) == (len(frames), sum(map(len, due)), 0)
    task.write(tmp_path / "scenarios", sent[:FIELDS], due[:FIELDS])
    outcomes = []
    for module in SCENARIOS:
        outcomes += run_benches(under_test, Simulator.VERILATOR, compiled, (module,), tmp_path / "scenarios", only=SOME)
    assert len(outcomes) > 20
    assert [outcome for outcome in outcomes if outcome.failure is not None] == []
