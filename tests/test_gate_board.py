"""A network in SystemVerilog from `emulate` to `stream`: each cell's logits, event and trigger in its row."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.model.command.dispatch import main
from cytogate.model.contract.gate import EventFlag, GateSettings, decided
from cytogate.model.design.design import CLASS_NAMES, Chip, Design, Network
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.topologies import Compact
from cytogate.model.interface.bundle import read_bundle
from cytogate.model.interface.registers import GateRegister
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import settle_weights, snap_batch_normalization
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_operations, save_network
from cytogate.model.retrieval import laws
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.sim.board import named
from cytogate.sim.rtl.pipeline import PipelineSimulation
from tests import test_cosim
from tests.bright_fields import bright_field
from tests.test_networks import lived_in

CELLS, WIDTH_US = 24, 0.5
TINY = bright_field("tiny-board", 2, 8, (16, 16), (16, 16))


def trained(design: Design, folder: Path, frames: NDArray[np.unsignedinteger]) -> tuple[Design, NDArray[np.int64]]:
    """Write a design's folder with a random small network; return it and the logits due, of two classes at least."""
    network = Network(("alpha", "beta", "gamma"), Compact((4,), 3, 6))
    chip = Chip(kernel="rtl", samples_per_clock=2, network="rtl")
    folder.mkdir()
    (folder / DESIGN_FILE).write_text(
        design_text(dataclasses.replace(design, name=folder.name, network=network, chip=chip)), encoding="utf-8"
    )
    written = load_design(folder)
    pixels = laws.network_inputs(frames, written)
    for seed in range(20):
        keras.utils.set_random_seed(seed)
        model = lived_in(build(written, quantized=True), seed)
        snap_batch_normalization(model)
        settle_weights(model)
        save_network(model, written, quantized=True)
        due = load_operations(written).classify(pixels)
        classes, margins = decided(due)
        if (
            min(np.bincount(classes, minlength=3).max(), len(set(classes.tolist()))) > 1
            and len(set(margins.tolist())) > 3
        ):
            return written, due
    raise AssertionError("no network tells these cells apart")


def frames_of(design: Design) -> NDArray[np.unsignedinteger]:
    """Return cells, none of which a camera could not have seen."""
    if design.retrieves_phase:
        return np.stack([cell.frames for cell in SimulatedCells(design.four_angle, CLASS_NAMES, CELLS, seed=8)])
    y, x = np.mgrid[:16, :16] - 7.5
    draw = np.random.default_rng(15)
    widths, heights = draw.uniform(4, 60, (CELLS, 2, 1, 1)), draw.uniform(0, 200, (CELLS, 2, 1, 1))
    return (20 + heights * np.exp(-(x**2 + y**2) / widths) + draw.uniform(0, 9, (CELLS, 2, 16, 16))).astype(np.uint8)


@pytest.mark.full
@pytest.mark.parametrize("design", [TINY, test_cosim.SMALL], ids=lambda design: design.name)
def test_from_frames_to_the_trigger(
    design: Design, builds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every logit, class and event is the integer model's; times are those of the pipeline, counted alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(named, "FOLDER", builds / "gate-board")
    frames = frames_of(design)
    written, due = trained(design, tmp_path / "mine", frames)
    assert main(["emulate", "--design", "mine"]) == 0
    bundle = tmp_path / "out/emulated/cytogate-kv260-mine.zip"
    assert read_bundle(bundle).design.chip.network == "rtl"

    classes, margins = decided(due)
    wanted = int(np.bincount(classes).argmax())
    step = read_bundle(bundle).manifest.logit_step
    least = int(np.median(margins[classes == wanted]))
    name = written.network.class_names[wanted]
    np.savez("cells.npz", frames=frames)
    settings = GateSettings(1 << wanted, (least,) * 32)
    pairs = zip(classes.tolist(), margins.tolist(), strict=True)
    flags = [settings.judge(*pair, EventFlag(0), 0, ()) for pair in pairs]
    assert 0 < flags.count(EventFlag.TRIGGERED) < len(frames)
    soonest, mhz = clocks_alone(written, frames[0], builds), written.chip.clock_mhz
    # The clock stands still behind a cell: a delay of a moment is over within the next one's.
    for run, clocks in (("soon", None), ("timed", soonest + 50)):
        delay_us = None if clocks is None else clocks / mhz
        timing = "" if delay_us is None else f"trigger_delay_us = {delay_us}\ntrigger_width_us = {WIDTH_US}\n"
        Path("gates.toml").write_text(f'score = "margin"\n{timing}[thresholds]\n{name} = {least * step}\n')
        options = ["--bundle", str(bundle), "--device", "emulated-rtl", "--gates", "gates.toml", "--output", run]
        assert main(["stream", "--input", "cells.npz", "--batch", "5", "--deadline", "600", *options]) == 0
        rows = ds.dataset(f"{run}/events", format="parquet").to_table().sort_by("index").to_pylist()
        assert np.count_nonzero(np.array([row["logits"] for row in rows]) == due) == due.size
        assert [row["class"] for row in rows] == [written.network.class_names[index] for index in classes]
        assert [row["decision"] == "sort" for row in rows] == [flag is EventFlag.TRIGGERED for flag in flags]
        assert [row["decision"] == "rejected" for row in rows] == [flag is EventFlag.REJECTED for flag in flags]
        found = {round(row["trigger_us"] * mhz) for row in rows if row["decision"] == "sort"}
        assert found == {clocks or soonest}
        assert all(row["trigger_us"] is None for row in rows if row["decision"] != "sort")
        counted = json.loads((Path(run) / "report.json").read_text())["gate"]
        assert counted["events"] == len(frames)
        assert counted["triggers"] in (flags.count(EventFlag.TRIGGERED), flags.count(EventFlag.TRIGGERED) - 1)
        assert counted["trigger_cycles_most"] == (clocks or soonest)


def clocks_alone(design: Design, frames: NDArray[np.unsignedinteger], builds: Path) -> int:
    """Return the clocks from a lone cell's last pixel to its pulse, by the registers of the pipeline itself."""
    engines = pipeline_engines(load_operations(design), design, design.chip.samples_per_clock)
    whole = PipelineSimulation(design, engines, builds / "gate-board" / "alone")
    whole.write(GateRegister.GATE_CLASSES, 0b111)
    whole.answers(frames[np.newaxis])
    clocks = whole.read(GateRegister.TRIGGER_CYCLES)
    whole.close()
    return clocks
