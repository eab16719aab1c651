"""The driver on an emulated board: answers in order, nothing believed that is not proved, nothing leaked."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.board.manifest import manifest_of
from cytogate.hls.network.convert import convert
from cytogate.host.driver.accelerator import GROUP, Accelerator
from cytogate.host.driver.flow import Loss
from cytogate.host.driver.pynq_device import own_device
from cytogate.host.driver.results import Result
from cytogate.model.design.boards import BOARDS
from cytogate.model.design.design import RTL, Chip
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import DmaChannel
from cytogate.model.interface.bundle import BITSTREAM, DESCRIPTION, WEIGHTS, Bundle, write_bundle
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.packing import packed, unpack
from cytogate.model.interface.registers import Register, StreamRegister
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.sim.axi.packing import input_beats
from cytogate.sim.board import kernels
from cytogate.sim.board.bundle import write_synthetic
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.fabric import RegisterPort
from cytogate.sim.board.faults import Fault, FaultKind
from cytogate.sim.board.hwh import description
from cytogate.sim.csim.kernels import CSimulation
from cytogate.sim.csim.network import NetworkSimulation
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.boards import NO_WEIGHTS, expected, plugged, small_bundle, small_design, small_frames, write
from tests.test_networks import design_network

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(("samples", "lane_bits"), list(itertools.product((1, 2, 4, 8), (8, 16))))
def test_bytes_are_the_kernels_beats(samples: int, lane_bits: int) -> None:
    """One byte string, two ways to it, and back."""
    layout = FrameLayout(channels=4, rows=5, columns=11, samples_per_clock=samples, lane_bits=lane_bits)
    kind = np.uint8 if lane_bits == 8 else np.uint16
    frames = np.random.default_rng(samples).integers(0, 2**lane_bits, (3, 4, 5, 11), kind)
    data = packed(frames, layout, spare=0xA5 * (0x101 if lane_bits == 16 else 1))
    assert data.shape == (3, layout.frame_bytes)
    for cell, octets in zip(frames, data, strict=True):
        beats = input_beats(cell, samples, lane_bits)
        assert len(beats) == layout.beats
        assert octets.tobytes() == b"".join(beat.to_bytes(layout.beat_bytes, "little") for beat in beats)
        assert np.array_equal(unpack(octets, layout), cell)
    # Pixel p, angle a at (4 p + a) lanes, as the kernel's header says.
    first = int.from_bytes(data[0, : layout.beat_bytes].tobytes(), "little")
    for pixel, angle in itertools.product(range(samples), range(4)):
        assert first >> (4 * pixel + angle) * lane_bits & (2**lane_bits - 1) == frames[0, angle, 0, pixel]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("samples", "adc_bits", "channels"), [(1, 8, 4), (4, 8, 1), (2, 12, 2), (8, 10, 8)])
def test_every_cell_in_order(board: str, samples: int, adc_bits: int, channels: int, tmp_path: Path) -> None:
    names = tuple(f"channel {number}" for number in range(channels))
    design = small_design(board, samples, adc_bits, clock_mhz=100.0, channels=names)
    frames = small_frames(design, 30)
    with plugged(tmp_path, design) as (accelerator, boards), accelerator:
        results = list(accelerator.stream(frames))
        assert boards[0].memory.allocations == 3
    check(results, expected(frames))
    assert (accelerator.counters.sent, accelerator.counters.received) == (30, 30)
    assert not accelerator.counters.lost


@pytest.mark.parametrize("cells", [0, 1, 3, 4, 5, 8])
@pytest.mark.parametrize("batch", [1, 4])
def test_any_number_of_cells(cells: int, batch: int, tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, cells)
    with plugged(tmp_path, design, batch=batch) as (accelerator, boards), accelerator:
        check(list(accelerator.stream(frames)), expected(frames))
        assert boards[0].faults.transfer + 1 == -(-cells // batch)


def test_asyncio_leaves_the_loop_to_others(tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, 24)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(1e-3)

    async def source() -> AsyncIterator[np.ndarray]:
        for cell in frames:
            yield cell

    async def collect(accelerator: Accelerator) -> list[Result]:
        busy = asyncio.create_task(others())
        results = [result async for result in accelerator.astream(source())]
        busy.cancel()
        return results

    with plugged(tmp_path, design, cell_s=5e-3) as (accelerator, _), accelerator:
        results = asyncio.run(collect(accelerator))
    check(results, expected(frames))
    assert accelerator.counters.interrupts_missed == 0
    # 120 ms of computing.
    assert turns > 30


def test_none_flushes_and_gives_all_results(tmp_path: Path) -> None:
    """A slow source gets its answers without a full batch."""
    design = small_design()
    frames = small_frames(design, 7)
    given: list[int] = []
    seen: list[int] = []

    def source() -> Iterator[np.ndarray | None]:
        for index, cell in enumerate(frames):
            given.append(index)
            yield cell
            yield None
            assert seen == given
        yield None

    with plugged(tmp_path, design) as (accelerator, _), accelerator:
        results = []
        for result in accelerator.stream(source()):
            seen.append(result.index)
            results.append(result)
    check(results, expected(frames))


def test_packs_elsewhere_while_the_chip_computes(tmp_path: Path) -> None:
    """Cells are taken from the source while a batch is under way, whose memory stays as it was sent."""
    design = small_design()
    frames = small_frames(design, 12)
    taken: list[int] = []
    untouched: list[bool] = []

    def source() -> Iterator[np.ndarray]:
        for cell in frames:
            taken.append(time.monotonic_ns())
            yield cell

    def change(board: EmulatedBoard) -> None:
        kernel, memory = board.fabric._kernel, board.memory

        def watching(raw: np.ndarray) -> Sequence[int]:
            logits = kernel(raw)
            address = board.dma.channels[DmaChannel.MM2S].address
            untouched.append(np.array_equal(memory._host[address], memory._device[address]))
            return logits

        board.fabric._kernel = watching

    began = time.monotonic_ns()
    with plugged(tmp_path, design, change=change, cell_s=0.02) as (accelerator, _), accelerator:
        results = list(accelerator.stream(source()))
    check(results, expected(frames))
    assert untouched == [True] * 12
    assert taken[7] < results[0].received_ns
    for first, second in itertools.pairwise(results):
        assert began < first.sent_ns <= second.sent_ns
    assert all(result.received_ns - result.sent_ns >= 4 * 20e6 for result in results)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda cell: cell[:3], r"frames of shape \(3, 12, 13\); the design takes \(4, 12, 13\)"),
        (lambda cell: cell.astype(np.float32), "frames of type float32; integer codes are needed"),
        (lambda cell: cell.astype(np.int16) - 1, "codes from -1 to 25[0-9]; the design takes 0 to 255"),
        (lambda cell: cell.astype(np.uint16) + 256, "codes from 25[0-9] to 51[0-9]; the design takes 0 to 255"),
        (lambda cell: "cell", r"frames of shape \(\); the design takes .*"),
    ],
)
def test_frames_that_do_not_fit_are_lost_alone(spoil: object, said: str, tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, 16)
    logits = expected(frames)
    assert callable(spoil)
    # One in a batch, then a whole batch, which is not even sent.
    bad = {1, 8, 9, 10, 11}
    given = [spoil(cell) if index in bad else cell for index, cell in enumerate(frames)]
    with plugged(tmp_path, design) as (accelerator, boards), accelerator:
        results = list(accelerator.stream(given))
        assert boards[0].faults.transfer + 1 == 3
    assert [result.index for result in results] == list(range(16))
    for result in results:
        if result.index in bad:
            assert re.fullmatch(said, result.lost or "")
            assert result.logits is None
        else:
            assert result.logits is not None
            assert result.logits.tolist() == logits[result.index]
    assert accelerator.counters.lost == {Loss.REFUSED: 5}
    assert (accelerator.counters.sent, accelerator.counters.received) == (11, 11)


def test_a_stream_that_is_left_harms_no_later_one(tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, 20)
    with plugged(tmp_path, design, cell_s=2e-3) as (accelerator, _), accelerator:
        for result in accelerator.stream(frames):
            if result.index == 5:
                break
        check(list(accelerator.stream(frames[3:])), expected(frames[3:]))
        with pytest.raises(ZeroDivisionError):
            list(accelerator.stream(itertools.chain(frames, (1 // zero for zero in [0]))))
        check(list(accelerator.stream(frames)), expected(frames))


def test_memory_is_given_back_when_nothing_writes_to_it_any_more(tmp_path: Path) -> None:
    """The accelerator is closed while the chip computes."""
    design = small_design()
    armed: list[bool] = []

    def change(board: EmulatedBoard) -> None:
        free = board.memory.free

        def watched(address: int) -> None:
            armed.extend(state.armed for state in board.dma.channels.values())
            free(address)

        board.memory.free = watched  # type: ignore[method-assign]

    with plugged(tmp_path, design, change=change, cell_s=0.02) as (accelerator, boards), accelerator:
        assert next(accelerator.stream(small_frames(design, 12))).index == 0
        assert boards[0].dma.channels[DmaChannel.S2MM].armed
    assert armed == [False] * 2 * 3


def test_one_stream_at_a_time_and_only_when_open(tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, 8)
    refused: list[BaseException] = []

    def source() -> Iterator[np.ndarray]:
        yield from frames
        try:
            next(accelerator.stream(frames))
        except RuntimeError as error:
            refused.append(error)

    with plugged(tmp_path, design) as (accelerator, _):
        with accelerator:
            check(list(accelerator.stream(source())), expected(frames))
            assert "one stream at a time" in str(refused[0])
        with pytest.raises(RuntimeError, match="use it in a with statement"):
            next(accelerator.stream(frames))


@pytest.mark.parametrize("synthetic", [True, False])
def test_without_a_board_one_sentence_says_so(synthetic: bool, tmp_path: Path) -> None:
    bundle = write(small_bundle(tmp_path / "small.zip"))
    if not synthetic:
        for name in (BITSTREAM, DESCRIPTION):
            (tmp_path / name).write_text(description(bundle.design), encoding="ascii")
        files = {name: tmp_path / name for name in (BITSTREAM, DESCRIPTION)}
        manifest = dataclasses.replace(bundle.manifest, synthetic=False)
        bundle = write_bundle(bundle.path, manifest, bundle.design, files)
    said = f"{bundle.path}: this bundle is synthetic; .*" if synthetic else "pynq finds no device here; .*"
    with pytest.raises(InputError) as refusal, Accelerator(bundle.path, device=own_device):
        pytest.fail("it was opened")
    assert re.fullmatch(said, str(refusal.value))


def test_devices_by_name(tmp_path: Path) -> None:
    names = {"pynq", "emulated", "emulated-rtl", "emulated-light"}
    assert {entry.name for entry in entry_points(group=GROUP)} == names
    design = small_design()
    frames = small_frames(design, 5)
    bundle = write(small_bundle(tmp_path / "small.zip", design))
    with Accelerator(bundle.path, device="emulated-light") as accelerator:
        check(list(accelerator.stream(frames)), expected(frames))
    for name in ("emulated", "emulated-rtl"):
        with pytest.raises(InputError, match=r"small\.zip: .*"), Accelerator(bundle.path, device=name):
            pytest.fail("it was opened")


def test_works_in_a_thread_without_an_event_loop(tmp_path: Path) -> None:
    design = small_design()
    frames = small_frames(design, 9)
    results: list[Result] = []

    def work() -> None:
        with plugged(tmp_path, design) as (accelerator, _), accelerator:
            results.extend(accelerator.stream(frames))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    check(results, expected(frames))


def test_slow_is_not_stalled(tmp_path: Path) -> None:
    """The deadline is for progress, not for a batch."""
    design = small_design()
    frames = small_frames(design, 8)
    with plugged(tmp_path, design, cell_s=0.25, deadline_s=0.75) as (accelerator, _), accelerator:
        results = list(accelerator.stream(frames))
    check(results, expected(frames))
    assert results[0].received_ns - results[0].sent_ns > 0.75e9


OTHER_CHIPS = {
    "design": ({"design_hash": 1}, None, "input kernel reads 0x00000001 in DESIGN_HASH.*says 0x12345678"),
    "weights": ({"weights_hash": "7" * 64}, None, "stream unit reads 0x77777777 in WEIGHTS_HASH.*says 0x9abcdef0"),
    "identity": ({}, Register.IDENTITY, "input kernel reads 0x00030000 in IDENTITY"),
    "version": ({}, Register.VERSION, "input kernel reads 0x00030000 in VERSION.*says 0x00010000"),
    "unit's identity": ({}, StreamRegister.IDENTITY, "stream unit reads 0x00030000 in IDENTITY"),
    "unit's version": ({}, StreamRegister.VERSION, "stream unit reads 0x00030000 in VERSION"),
    "unit's design": ({}, StreamRegister.DESIGN_HASH, "stream unit reads 0x00030000 in DESIGN_HASH"),
}


@pytest.mark.parametrize("name", OTHER_CHIPS)
def test_another_chip_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    design = small_design()
    changed, register, said = OTHER_CHIPS[name]

    def change(board: EmulatedBoard) -> None:
        if register is not None:
            port: RegisterPort = board.fabric.unit if isinstance(register, StreamRegister) else board.fabric.retrieval
            values = port.values
            port.values = lambda: {**values(), register: 0x30000}

    def built_as(bundle: Bundle) -> Bundle:
        return dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, **changed))

    with (
        plugged(tmp_path, design, built_as=built_as, change=change) as (accelerator, _),
        pytest.raises(InputError, match=said) as refusal,
        accelerator,
    ):
        pytest.fail("it was opened")
    assert "\n" not in str(refusal.value)


def test_a_full_memory_is_given_back(tmp_path: Path) -> None:
    """The second buffer does not fit; the first must not stay."""
    design = small_design()

    def change(board: EmulatedBoard) -> None:
        board.memory._free_bytes = 4 * small_bundle().layout.frame_bytes + 1

    with (
        plugged(tmp_path, design, change=change) as (accelerator, _),
        pytest.raises(InputError, match="the board has no contiguous memory of 2496 bytes left"),
        accelerator,
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"batch": 0}, "a batch of 0 cells is asked for; a transfer holds 1 to 107546 of this .*is 26."),
        ({"batch": 107547}, "a batch of 107547 cells is asked for; .*"),
        ({"deadline_s": 0.0}, r"a deadline of 0\.0 s is asked for; it must be positive, 86400 at most"),
        ({"deadline_s": float("inf")}, "a deadline of inf s is asked for; .*"),
        ({"deadline_s": float("nan")}, "a deadline of nan s is asked for; .*"),
        ({"deadline_s": 1e300}, r"a deadline of 1e\+300 s is asked for; .*"),
        ({"device": "toaster"}, "there is no device named toaster; choose one of .*"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments: dict, said: str, tmp_path: Path) -> None:
    bundle = write(small_bundle(tmp_path / "small.zip"))
    with pytest.raises(InputError) as refusal:
        Accelerator(bundle.path, **arguments)
    assert re.fullmatch(said, str(refusal.value))


@pytest.mark.parametrize(("level", "samples"), [("chain", 1), pytest.param("rtl", 8, marks=pytest.mark.full)])
def test_labels_are_those_of_the_chain(level: str, samples: int, builds: Path, tmp_path: Path) -> None:
    """The real kernels behind the DMA give every cell the logits that both give in C-simulation without it."""
    design = dataclasses.replace(load_design("qatom64"), chip=Chip(kernel=RTL, samples_per_clock=samples))
    network = read_exactly(design_network(design, seed=2))
    project = convert(network, design, builds / "chain" / "network")
    simulation = CSimulation.of_chain(design, project, builds / "chain")
    frames = [cell.frames for cell in SimulatedCells(design.four_angle, cells=10, seed=31)]
    direct = [simulation.run(cell)["logits"].tolist() for cell in frames]
    assert len({tuple(logits) for logits in direct}) == 10
    with ExitStack() as stack:
        kernel = kernels.chain(simulation)
        if level == "rtl":
            retrieval = RtlSimulation(design, builds / f"rtl_{design.name}", samples)
            stack.callback(retrieval.close)
            kernel = kernels.rtl(retrieval, NetworkSimulation.of(project, builds / "chain"))
        weights = tmp_path / "no.weights.h5"
        weights.write_bytes(NO_WEIGHTS)
        bundle = write_synthetic(tmp_path / "chain.zip", manifest_of(design, project), design, {WEIGHTS: weights})
        board = provider(lambda given: EmulatedBoard(given, kernel))
        with Accelerator(bundle.path, device=board, batch=4) as accelerator:
            results = list(accelerator.stream(frames))
    check(results, direct)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Twenty thousand cells, a few with a fault."""
    design = small_design()
    frames = small_frames(design, 50)
    logits = expected(frames)
    faults = [Fault(kind, 100 * number + 50) for number, kind in enumerate([FaultKind.CORRUPTED_INPUT] * 5)]
    lost = 0
    resident: list[int] = []
    with plugged(tmp_path, design, faults, batch=25, deadline_s=20.0) as (accelerator, _), accelerator:
        for result in accelerator.stream(itertools.chain.from_iterable(itertools.repeat(frames, 400))):
            if result.logits is None:
                lost += 1
            else:
                assert result.logits.tolist() == logits[result.index % 50]
            if result.index % 1000 == 999:
                resident.append(resident_bytes())
    assert (accelerator.counters.received, lost, accelerator.counters.recoveries) == (20_000 - 5 * 25, 5 * 25, 5)
    assert max(resident[10:]) - max(resident[2:10]) < 1 << 20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_the_driver_imports_numpy_and_pynq_alone() -> None:
    """Whatever else a board lacks must not be missed: modules that are not ours are NumPy's, pynq's and Python's."""
    code = """
import sys
before = set(sys.modules)
import numpy
numpys = {name.partition(".")[0] for name in sys.modules}
import cytogate.host.driver.accelerator
ours = {name for name in set(sys.modules) - before if name.startswith("cytogate")}
others = {name.partition(".")[0] for name in sys.modules} - numpys - set(sys.stdlib_module_names) - {"cytogate"}
assert not others, others
assert {name.split(".")[1] for name in ours if "." in name} == {"host", "model"}, ours
heavy = {"keras", "tensorflow", "hls4ml", "h5py", "scipy", "rich", "pynq"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


WITH_KERAS = {"data", "evaluation", "experiments", "networks", "pages", "train", "training"}
FOR_BOARDS = {"command", "contract", "design", "errors", "interface"}
"""Rooms of ``model`` that the driver may import: NumPy alone."""


def test_the_room_imports_no_training_and_no_proof() -> None:
    """Of the other rooms the host sees what is light in ``model``; one file imports pynq."""
    importing_pynq, by_driver = [], 0
    for path in sorted((REPOSITORY / "host").rglob("*.py")):
        for module in imports(path):
            parts = module.split(".")
            assert parts[0] not in {"keras", "tensorflow", "hls4ml", "qkeras"}, path
            assert parts[:2] not in (["cytogate", "hls"], ["cytogate", "sim"]), path
            assert parts[:2] != ["cytogate", "model"] or parts[2] not in WITH_KERAS, path
            if parts[:2] == ["cytogate", "model"] and path.parent.name == "driver":
                assert parts[2] in FOR_BOARDS, path
                by_driver += 1
            if parts[0] == "pynq":
                importing_pynq.append(path.name)
    assert by_driver > 10
    assert set(importing_pynq) == {"pynq_device.py"}
    emulators = [
        path.name
        for path in (REPOSITORY / "sim").rglob("*.py")
        if "pynq" in {each.split(".")[0] for each in imports(path)}
    ]
    assert emulators == ["device.py"]


def imports(path: Path) -> Sequence[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [
                f"{node.module}.{alias.name}" if node.module == "cytogate.model" else node.module
                for alias in node.names
            ]
    return found


def check(results: list[Result], logits: list[list[int]]) -> None:
    assert [result.index for result in results] == list(range(len(logits)))
    assert [result.lost for result in results] == [None] * len(logits)
    assert [None if result.logits is None else result.logits.tolist() for result in results] == logits
