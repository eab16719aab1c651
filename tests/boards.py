"""What the tests of bundle, driver and emulated board share: a small design that no network belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cytogate.host.driver.accelerator import Accelerator
from cytogate.model.interface.bundle import Manifest, Versions
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.sim.board import kernels
from cytogate.sim.board.bundle import write_synthetic
from cytogate.sim.board.device import EmulatedBoard, provider
from cytogate.sim.board.faults import Fault

CLASSES = ("a", "b", "c")


def small_manifest(
    part: str = "xck26-sfvc784-2LV-c", width: int = 1, lane_bits: int = 8, adc_bits: int = 8, clock_mhz: float = 200.0
) -> Manifest:
    layout = FrameLayout(channels=4, rows=12, columns=13, width=width, lane_bits=lane_bits)
    return Manifest(
        design="small",
        board="kv260",
        part=part,
        clock_mhz=clock_mhz,
        kernel="rtl",
        width=width,
        size=4,
        binning=2,
        rows=layout.rows,
        columns=layout.columns,
        adc_bits=adc_bits,
        lane_bits=lane_bits,
        frame_bytes=layout.frame_bytes,
        class_names=CLASSES,
        logit_width=18,
        logit_integer_bits=8,
        design_hash=0x12345678,
        weights_hash="9abcdef0" * 8,
        versions=Versions("0.1.0"),
        synthetic=True,
    )


def small_frames(manifest: Manifest, cells: int, seed: int = 5) -> list[np.ndarray]:
    kind = np.uint8 if manifest.adc_bits <= 8 else np.uint16
    shape = (cells, 4, manifest.rows, manifest.columns)
    return list(np.random.default_rng(seed).integers(0, 2**manifest.adc_bits, shape, kind))


def expected(manifest: Manifest, frames: Iterable[np.ndarray]) -> list[list[int]]:
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
    manifest: Manifest,
    faults: Iterable[Fault] = (),
    *,
    built_as: Manifest | None = None,
    change: Callable[[EmulatedBoard], None] = lambda board: None,
    cell_s: float = 0.0,
    batch: int = 4,
    deadline_s: float = 0.25,
) -> Iterator[tuple[Accelerator, list[EmulatedBoard]]]:
    """Give an accelerator that is not open yet and, once it is, its board, whose memory must be free at the end."""
    boards: list[EmulatedBoard] = []
    light = kernels.light(manifest)

    def kernel(raw: np.ndarray) -> Sequence[int]:
        time.sleep(cell_s)
        return light(raw)

    def make(_: object) -> EmulatedBoard:
        board = EmulatedBoard(built_as or manifest, kernel, faults)
        change(board)
        boards.append(board)
        return board

    bundle = write_synthetic(folder / "small.zip", manifest)
    yield Accelerator(bundle.path, device=provider(make), batch=batch, deadline_s=deadline_s), boards
    assert len(boards) == 1
    assert boards[0].memory.allocations == 0
    assert boards[0].dma.violations == []
