"""A small design without a network, for tests of bundle, driver and emulated board."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cytogate.host.driver.accelerator import Accelerator
from cytogate.model.design.design import Chip, Design, Network, Window
from cytogate.model.design.instruments import BrightField
from cytogate.model.design.topologies import Compact
from cytogate.model.interface.axi_dma import LENGTH_BITS
from cytogate.model.interface.bundle import BITSTREAM, DESCRIPTION, WEIGHTS, Bundle, Manifest, Versions, write_bundle
from cytogate.sim.board import kernels
from cytogate.sim.board.bundle import write_synthetic
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.faults import Fault
from cytogate.sim.board.hwh import description

CLASSES = ("a", "b", "c")
CHANNELS = ("top", "left", "right", "bottom")
NO_WEIGHTS = b"weights of no network"


def small_design(
    board: str = "kv260",
    samples_per_clock: int = 1,
    adc_bits: int = 8,
    clock_mhz: float = 200.0,
    channels: tuple[str, ...] = CHANNELS,
    rows: int = 12,
    columns: int = 13,
) -> Design:
    """Return a design whose frames are of any size, which phase retrieval would not allow."""
    return Design(
        "small",
        instrument=BrightField(channels, 0.5, 0.4, adc_bits, rows, columns),
        window=Window(8, 8, 1),
        network=Network(CLASSES, Compact()),
        chip=Chip(board, clock_mhz, "rtl", samples_per_clock),
    )


def small_manifest(design: Design) -> Manifest:
    return Manifest(
        design=design.name,
        logit_width=18,
        logit_integer_bits=8,
        design_hash=0x12345678,
        weights_hash="9abcdef0" * 8,
        versions=Versions("0.1.0"),
        synthetic=True,
    )


def small_bundle(path: Path = Path("small.zip"), design: Design | None = None) -> Bundle:
    """Return a bundle that is not written yet."""
    design = design or small_design()
    return Bundle(path, small_manifest(design), design)


def write(bundle: Bundle) -> Bundle:
    """Write a bundle with a network that is none."""
    weights = bundle.path.with_name("no.weights.h5")
    weights.write_bytes(NO_WEIGHTS)
    return write_synthetic(bundle.path, bundle.manifest, bundle.design, {WEIGHTS: weights})


def with_description(bundle: Bundle, text: str) -> Bundle:
    """Write a bundle anew, with another hardware description that its manifest names."""
    contents = {BITSTREAM: b"none", DESCRIPTION: text.encode(), WEIGHTS: NO_WEIGHTS}
    files = {name: bundle.path.with_name(Path(name).name) for name in contents}
    for name, content in contents.items():
        files[name].write_bytes(content)
    return write_bundle(bundle.path, bundle.manifest, bundle.design, files)


def small_frames(design: Design, cells: int, seed: int = 5) -> list[np.ndarray]:
    camera = design.camera
    kind = np.uint8 if camera.adc_bits <= 8 else np.uint16
    shape = (cells, len(camera.channels), camera.rows, camera.columns)
    return list(np.random.default_rng(seed).integers(0, 2**camera.adc_bits, shape, kind))


def expected(frames: Iterable[np.ndarray]) -> list[list[int]]:
    """Return the light kernel's logits, computed here in another way."""
    found = []
    for cell in frames:
        codes = [int(code) for code in cell.ravel()]
        sizes = [len(codes) // 3 + (part < len(codes) % 3) for part in range(3)]
        starts = [sum(sizes[:part]) for part in range(3)]
        found.append([sum(codes[start : start + size]) % 2**17 for start, size in zip(starts, sizes, strict=True)])
    return found


@contextmanager
def plugged(
    folder: Path,
    design: Design | None = None,
    faults: Iterable[Fault] = (),
    *,
    built_as: Callable[[Bundle], Bundle] = lambda bundle: bundle,
    change: Callable[[EmulatedBoard], None] = lambda board: None,
    cell_s: float = 0.0,
    batch: int = 4,
    deadline_s: float = 0.25,
    length_bits: int = LENGTH_BITS,
) -> Iterator[tuple[Accelerator, list[EmulatedBoard]]]:
    """Give an accelerator that is not open yet and, once it is, its board, whose memory must be free at the end."""
    boards: list[EmulatedBoard] = []
    bundle = write(small_bundle(folder / "small.zip", design))
    if length_bits != LENGTH_BITS:
        bundle = with_description(bundle, description(bundle.design, length_bits))
    light = kernels.light(bundle)

    def kernel(raw: np.ndarray) -> Sequence[int]:
        time.sleep(cell_s)
        return light(raw)

    def make(given: Bundle) -> EmulatedBoard:
        board = EmulatedBoard(built_as(given), kernel, faults)
        change(board)
        boards.append(board)
        return board

    yield Accelerator(bundle.path, device=provider(make), batch=batch, deadline_s=deadline_s), boards
    assert len(boards) == 1
    assert boards[0].memory.allocations == 0
    assert boards[0].dma.violations == []
