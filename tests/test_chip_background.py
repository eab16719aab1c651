"""The background on the chip: told after each reset, kept over faults, believed only where it can be true."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.host import job
from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.background import ChipBackground
from cytogate.host.driver.cores import ALL_ONES, Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.light import light_report
from cytogate.model.command.dispatch import main
from cytogate.model.contract.background import Background, own_background
from cytogate.model.contract.gate import EventFlag
from cytogate.model.contract.law import recursion_contract
from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.design.design import CAUSAL, KNOWN, Chip, Design
from cytogate.model.design.folder import DESIGN_FILE, design_text
from cytogate.model.interface import registers
from cytogate.model.interface.background_registers import register_offsets, register_writes, registers_say
from cytogate.model.interface.bundle import Bundle, read_bundle
from cytogate.model.interface.registers import BackgroundControl, BackgroundRegister, Register, StreamRegister
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.recursion import integer, reference
from cytogate.sim.board.background import ClocklessBackground
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.faults import Fault, FaultKind
from cytogate.sim.board.gate import PipelineGate
from cytogate.sim.board.kernels import Kernel
from cytogate.sim.csim.kernels import CSimulation
from cytogate.sim.rtl.pipeline import PipelineSimulation
from tests.boards import small_bundle, small_manifest, write
from tests.phantoms import bumps
from tests.pipelines import telling_network
from tests.recursions import known_of
from tests.streams import four_angle_design
from tests.test_background import LAWS, frames_of, known, of_law
from tests.test_cores import FakePort
from tests.test_cosim import CASES
from tests.test_gate import GatePort
from tests.test_recursion_kernel import of_case

BATCH = 4


@pytest.fixture(params=LAWS)
def design(request: pytest.FixtureRequest) -> Design:
    return on_chip(*LAWS[request.param])


def on_chip(law: str, surface: str) -> Design:
    chip = Chip(kernel="rtl", retrieval=law, surface=surface)
    return dataclasses.replace(of_law(law, surface), chip=chip)


# Registers.


def fake_chip(design: Design) -> tuple[ChipBackground, GatePort]:
    unit = FakePort({StreamRegister.IDENTITY.offset: registers.STREAM_IDENTITY})
    port = GatePort({Register.IDENTITY.offset: registers.IDENTITY})
    return ChipBackground(Cores(FakePort(), unit, port, 0.05), design), port


def hold(port: GatePort, background: Background | None, law: str) -> None:
    """Let the registers hold what frames have left there, or what a reset leaves."""
    for offset, _ in register_writes(Background.unknown(), law):
        port.values[offset] = 0
    port.values |= {} if background is None else dict(register_writes(background, law))


def test_a_calibrated_chip_is_told_after_each_reset(design: Design) -> None:
    told = known(design, np.arange(-6, 6).reshape(6, 2) * 1001)
    chip, port = fake_chip(told)
    own = own_background(told)
    assert own is not None
    due = list(register_writes(own, design.chip.retrieval))
    chip.load()
    assert port.written == due
    assert next(value for offset, value in due if offset >= BackgroundRegister.SURFACE.offset) == 2**32 - 6006
    hold(port, None, design.chip.retrieval)
    chip.load()
    assert port.written == due * 2
    found = chip.now()
    assert found is not None
    assert np.array_equal(found.surface, own.surface)


def test_a_chip_without_a_calibration_is_told_nothing(design: Design) -> None:
    chip, port = fake_chip(design)
    hold(port, None, design.chip.retrieval)
    chip.load()
    chip.keep()
    chip.load()
    assert port.written == []
    found = chip.now()
    if design.chip.retrieval == CAUSAL:
        assert found is not None
        assert (found.frames, found.settled) == (0, False)
    else:
        assert found is None


def learned(frames: int = 9) -> Background:
    return Background(np.arange(12).reshape(6, 2) * -77_777, frames)


def test_what_was_learned_is_written_back() -> None:
    design = on_chip(*LAWS["causal"])
    chip, port = fake_chip(design)
    hold(port, None, CAUSAL)
    chip.load()
    for frames in (9, 30, SETTLING_FRAMES):
        hold(port, learned(frames), CAUSAL)
        chip.keep()
        hold(port, None, CAUSAL)
        port.written.clear()
        chip.load()
        assert port.written == list(register_writes(learned(frames), CAUSAL))


SURFACE, FRAMES, CONTROL = (
    BackgroundRegister[name].offset for name in ("SURFACE", "FRAMES", "CONTROL")
)  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (FRAMES, SETTLING_FRAMES + 1),
        (FRAMES, 8),
        (FRAMES, ALL_ONES),
        (CONTROL, int(BackgroundControl.FREEZE)),
        (CONTROL, 4),
        (SURFACE, 1 << 28),
        (SURFACE + 44, 2**32 - (1 << 28) - 1),
    ],
)
def test_what_cannot_be_is_not_kept(offset: int, value: int) -> None:
    chip, port = fake_chip(on_chip(*LAWS["causal"]))
    hold(port, None, CAUSAL)
    chip.load()
    hold(port, learned(9), CAUSAL)
    chip.keep()
    hold(port, Background(learned().surface + 1, 20), CAUSAL)
    port.values[offset] = value
    chip.keep()
    hold(port, None, CAUSAL)
    port.written.clear()
    chip.load()
    assert port.written == list(register_writes(learned(9), CAUSAL))


def test_a_known_surface_is_that_of_the_design_whatever_registers_hold() -> None:
    told = known(on_chip(*LAWS["known"]))
    chip, port = fake_chip(told)
    chip.load()
    due = list(port.written)
    hold(port, learned(), told.chip.retrieval)
    chip.keep()
    port.written.clear()
    chip.load()
    assert port.written == due


def test_a_gone_fabric_ends_no_keeping_and_is_said_where_it_is_asked() -> None:
    chip, port = fake_chip(known(on_chip(*LAWS["causal"])))
    chip.load()
    port.values = dict.fromkeys(range(0, 256, 4), ALL_ONES)
    chip.keep()
    with pytest.raises(BoardFailed, match="the fabric is gone"):
        chip.now()
    port.spoil = lambda offset, value: ALL_ONES
    with pytest.raises(BoardFailed, match="the fabric is gone"):
        chip.load()


def test_a_register_that_does_not_take_is_said() -> None:
    chip, port = fake_chip(known(on_chip(*LAWS["causal"])))
    port.spoil = lambda offset, value: value & 0xFF if offset == SURFACE else value
    with pytest.raises(BoardFailed, match=r"the background reads 0x[0-9a-f]+ at 0xd0 after 0x[0-9a-f]+ was written"):
        chip.load()


def test_registers_that_never_rest_are_not_believed() -> None:
    chip, port = fake_chip(known(on_chip(*LAWS["causal"])))
    chip.load()
    before, count = port.read, iter(range(10_000))
    port.read = lambda offset: next(count) if offset == SURFACE else before(offset)  # type: ignore[method-assign]
    assert chip.now() is None
    assert next(count) == 4


# The emulated board, which computes by what was written.


class Integers:
    """The integer model as a kernel: sums over the network's input."""

    def __init__(self, design: Design) -> None:
        self._design, self.known = design, Background.unknown()
        self._told: Background | None = None
        self.calls = 0

    def know(self, background: Background) -> None:
        self._told = background

    def forget(self) -> None:
        self._told = None

    def kernel(self, frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        self.calls += 1
        found = integer.retrieve(frames[None], self._design, self._told)
        if found.background is not None:
            self.known = found.background
        return sums_of(found.stages["network_input"][0])


def sums_of(pixels: NDArray) -> list[int]:
    return [int(np.abs(pixels.astype(np.int64) * (k + 1)).sum() % 65_521) for k in range(3)]


@contextmanager
def accelerator(
    folder: Path, design: Design, *faults: Fault, changed: Callable[[Kernel], Kernel] = lambda kernel: kernel
) -> Iterator[tuple[Accelerator, Integers]]:
    plain = dataclasses.replace(design, background=None)
    bundle = write(small_bundle(folder / "small.zip", design))
    told = Integers(plain)

    def make(given: Bundle) -> EmulatedBoard:
        assert given.design.background == design.background, "the bundle carries it"
        return EmulatedBoard(given, changed(told.kernel), faults, light=ClocklessBackground(given.design, told))

    with Accelerator(bundle.path, device=provider(make), batch=BATCH, deadline_s=2.0) as opened:
        yield opened, told


def due(frames: NDArray, design: Design) -> list[list[int]]:
    return [sums_of(pixels) for pixels in laws.Run(design).network_inputs(frames)]


@pytest.mark.parametrize("calibrated", [True, False])
def test_cells_are_computed_by_what_the_driver_wrote(design: Design, calibrated: bool, tmp_path: Path) -> None:
    design = known(design) if calibrated else design
    assert read_bundle(write(small_bundle(tmp_path / "b.zip", design)).path).design.background == design.background
    frames, causal = frames_of(design, 10), design.chip.retrieval == CAUSAL
    with accelerator(tmp_path, design) as (opened, _):
        start = opened.background()
        assert (start is None) is not (calibrated or causal)
        results = [result.logits.tolist() for result in opened.stream(frames) if result.logits is not None]
        assert results == due(frames, design)
        end = opened.background()
        run = laws.Run(design)
        run.codes(frames, ())
        if end is None:
            assert not calibrated
            assert not causal
        else:
            assert run.background is not None
            assert np.array_equal(end.surface, run.background.surface)
            assert end.frames == run.background.frames == (SETTLING_FRAMES if calibrated else 10)
        again = [result.logits.tolist() for result in opened.stream(frames[:3]) if result.logits is not None]
        followed = due(np.concatenate([frames, frames[:3]]), design)[10:]
        assert again == followed, "another stream of a session goes on"


def test_a_fault_costs_cells_and_not_what_was_learned(design: Design, tmp_path: Path) -> None:
    """The chip stalls after two of the second batch's four frames: these have taught it, their answers are lost."""
    design = known(design)
    frames = frames_of(design, 12)
    with accelerator(tmp_path, design, Fault(FaultKind.STALL, 1)) as (opened, told):
        results = list(opened.stream(frames))
        assert [result.logits is None for result in results] == [False] * 4 + [True] * 4 + [False] * 4
        seen = [*range(6), *range(8, 12)]
        expected = dict(zip(seen, due(frames[seen], design), strict=True))
        for index in (*range(4), *range(8, 12)):
            assert results[index].logits.tolist() == expected[index], index
        assert (opened.counters.recoveries, told.calls) == (1, 10)
    anew = due(frames[8:], design)
    if design.chip.retrieval == CAUSAL:
        assert anew != [expected[index] for index in range(8, 12)], "the fault would have been seen"


def test_a_light_board_holds_registers_of_such_designs(design: Design, tmp_path: Path) -> None:
    """They hold what is written; causal frames are counted, and each event says when they were too few.

    The latest sixteen are remarked on as the law says.
    """
    design = dataclasses.replace(design, chip=dataclasses.replace(design.chip, network="rtl"))
    bundle = write(small_bundle(tmp_path / "small.zip", design))
    device = provider(lambda given: EmulatedBoard(given, lambda frames: [1, 2, 3]))
    with Accelerator(bundle.path, device=device, batch=BATCH) as opened:
        frames = frames_of(design, 5)
        results = [*opened.stream(np.concatenate([frames] * 13))]
        found = opened.background()
        nothing = Background(np.zeros((6, 2), np.int64)).freeze() if design.chip.retrieval == CAUSAL else None
        orders = []
        for order in (0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 3, 2):
            given = np.concatenate([frames[:, list(order)]] * 4)
            assert len([*opened.stream(given)]) == 20
            latest = laws.remarks(given[-16:], design, nothing)
            counts = opened.gate_counts()
            assert counts is not None
            orders.append((counts.order.frames, counts.order.curled, counts.order.negative))
            assert orders[-1] == (16, sum(each.curled for each in latest), sum(each.negative for each in latest))
    assert orders[0] != orders[1] != orders[2]
    flags = [None if result.event is None else result.event.flag for result in results]
    causal = design.chip.retrieval == CAUSAL
    assert flags == [EventFlag.UNSETTLED] * 64 * causal + [EventFlag.UNWANTED] * (1 if causal else 65)
    if design.chip.retrieval == CAUSAL:
        assert found is not None
        assert found.frames == SETTLING_FRAMES
    else:
        assert found is None


# The report of a stream.


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_report_of_a_stream_has_the_light(
    design: Design, calibrated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """At the beginning and at the end of each command; another one goes on with the run, from the calibration again."""
    monkeypatch.chdir(tmp_path)
    causal = design.chip.retrieval == CAUSAL
    design = known(design) if calibrated else design
    bundle = write(small_bundle(Path("small.zip"), design))
    np.savez("cells.npz", frames=frames_of(design, 10))

    def make(given: Bundle) -> EmulatedBoard:
        told = Integers(dataclasses.replace(design, background=None))
        return EmulatedBoard(given, told.kernel, light=ClocklessBackground(given.design, told))

    monkeypatch.setattr(
        job, "Accelerator", lambda path, **given: Accelerator(path, **given | {"device": provider(make)})
    )
    command = ["stream", "--input", "cells.npz", "--bundle", str(bundle.path), "--output", "run", "--device", "x"]
    for cells in (6, 10):
        assert main([*command, "--cells", str(cells)]) == 0
        light = json.loads(Path("run/report.json").read_text(encoding="utf-8"))["light"]
        printed = " ".join(capsys.readouterr().out.split())
        came = {6: 6, 10: 4}[cells]
        if not (calibrated or causal):
            assert (light["start"], light["end"], light["largest_change"]) == (None, None, None)
            assert "told no surface of empty fields" in light["told"][0]
            assert "Light: the chip held no surface; the chip was told no surface" in printed
            continue
        assert light["told"] == []
        assert light["start"]["frames"] == (SETTLING_FRAMES if calibrated else 0)
        assert light["end"]["frames"] == (SETTLING_FRAMES if calibrated else came)
        assert light["start"]["settled"] is light["end"]["settled"] is calibrated
        assert (light["largest_change"] > 0) is causal
        said = "the chip's surface is settled" if calibrated else f"is of {came} frames and not settled"
        assert said in printed
        terms = recursion_contract(design)
        if calibrated:
            own = own_background(design)
            assert own is not None
            real = reference.RealBackground.of(own, terms).surface
            assert light["start"]["surface_x"] == real.real.tolist()
            assert light["start"]["surface_y"] == real.imag.tolist()


def test_light_that_is_far_from_the_calibration_is_told() -> None:
    """By one code more than a settled background catches up with in 64 frames."""
    design = known(on_chip(*LAWS["causal"]))
    own = own_background(design)
    assert own is not None
    limit = 64 << 8
    for beyond in (0, 1):
        surface = own.surface.copy()
        surface[4, 1] -= limit + beyond
        found = light_report(own, Background(surface), design)
        assert found is not None
        assert found.told == ("the light has moved since the calibration: run `cytogate calibrate` again",) * beyond
        scale = recursion_contract(design).gradient_scale * 2.0**-14
        # t^2 at the outermost rows.
        assert found.largest_change == pytest.approx((64 + beyond / 256) * scale * (63 / 64) ** 2)
    assert light_report(None, None, of_law("fft", "border")) is None


# The boards by name.


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_verilated_registers_are_told_and_kept(law: str, builds: Path, tmp_path: Path) -> None:
    """The driver on the registers of the SystemVerilog itself: logits as the integer model's, over a fault, too."""
    chip = Chip(kernel="rtl", samples_per_clock=4, network="rtl", retrieval=LAWS[law][0], surface=LAWS[law][1])
    design = known(dataclasses.replace(four_angle_design(), name=f"arriving_{law}", chip=chip))
    frames = frames_of(design, 12)
    network = telling_network(design, laws.network_inputs(frames, design))
    whole = PipelineSimulation(design, pipeline_engines(network, design, 4), builds / f"chip-background-{law}")
    gate = PipelineGate(whole)
    bundle = write(Bundle(tmp_path / "small.zip", small_manifest(design), design))
    faults = [Fault(FaultKind.STALL, 1)]
    device = provider(lambda given: EmulatedBoard(given, gate.kernel, faults, on_close=whole.close, gate=gate))
    with Accelerator(bundle.path, device=device, batch=BATCH, deadline_s=20.0) as opened:
        results = list(opened.stream(frames))
        found = opened.background()
    seen = [*range(6), *range(8, 12)]
    run = laws.Run(design)
    logits = dict(zip(seen, network.classify(run.network_inputs(frames[seen])).tolist(), strict=True))
    compared = 0
    for index in (*range(4), *range(8, 12)):
        assert results[index].logits is not None
        assert results[index].logits.tolist() == logits[index], index
        compared += len(logits[index])
    assert compared == 24
    assert found is not None
    assert run.background is not None
    assert np.array_equal(found.surface, run.background.surface)


@pytest.mark.parametrize("law", LAWS)
def test_c_simulation_computes_by_the_registers(law: str, builds: Path) -> None:
    """As device ``emulated`` has it: written, followed or frozen, reset; values are the integer model's."""
    design = of_case(KNOWN if law == "known" else CAUSAL)
    simulation, told = CSimulation.of_kernel(design, builds / design.name), known_of(design)
    light = ClocklessBackground(design, simulation)
    kernel = light.before(lambda frames: sums_of(simulation.run(frames)["network_input"]))
    frames, _ = bumps(design, 5, seed=20, shading=0.05)
    compared = 0
    for begins in (Background(told.surface, 20), None, told, told.freeze()):
        light.reset()
        for offset, value in () if begins is None else register_writes(begins, design.chip.retrieval):
            light.write(offset, value)
        run = laws.Run(design, begins)
        assert [kernel(each) for each in frames] == [sums_of(each) for each in run.network_inputs(frames)]
        compared += len(frames)
        held = registers_say({offset: light.read(offset) for offset in register_offsets(design.chip.retrieval)}, design)
        if begins is None and law == "known":
            assert held is None
            continue
        assert held is not None
        assert run.background is not None
        assert np.array_equal(held.surface, run.background.surface)
        if law == "causal":
            assert (held.frames, held.frozen) == (run.background.frames, run.background.frozen)
    assert compared == 20


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_cosim_begins_with_the_calibration(law: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames at the pins of a kernel that was told; then pauses, malformed packets and resets."""
    monkeypatch.chdir(tmp_path)
    chip = Chip(kernel="rtl", samples_per_clock=4, retrieval=LAWS[law][0], surface=LAWS[law][1])
    design = known(dataclasses.replace(four_angle_design(), name="own", chip=chip))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    np.savez("cells.npz", frames=frames_of(design, 4))
    assert main(["cosim", "--design", "own", "--input", "cells.npz", "--cells", "4", "--scenarios"]) == 0
    report = json.loads((tmp_path / "out" / "cosim" / "rtl" / "report.json").read_text(encoding="utf-8"))
    assert report["stages"] == [{"name": "network_input", "values": 4 * 64 * 64 * 5, "differing": 0}]
    assert len(report["scenarios"]) == CASES
    assert all(outcome["failure"] is None for outcome in report["scenarios"])
