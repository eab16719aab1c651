"""What tests of streams share: a small accelerator in NumPy, its manifest, and frames for it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.interface.bundle import Manifest, Versions

CLASSES = ("MCF7", "OAC", "THP1")
SIDE = 8
LOGIT_STEP = 2.0**-4


def real_data() -> Path:
    """Return the folder of real data; without it, skip, unless everything was asked for."""
    folder = Path(os.environ.get("CYTOGATE_DATA", ""))
    if not os.environ.get("CYTOGATE_DATA") or not folder.is_dir():
        said = "CYTOGATE_DATA names no folder of real data"
        pytest.fail(said) if os.environ.get("CYTOGATE_FULL") else pytest.skip(said)
    return folder


def small_manifest(side: int = SIDE, adc_bits: int = 8) -> Manifest:
    return Manifest(
        design="small",
        board="none",
        part="none",
        clock_mhz=100.0,
        kernel="hls",
        width=1,
        size=side,
        binning=1,
        rows=side,
        columns=side,
        adc_bits=adc_bits,
        lane_bits=8 if adc_bits == 8 else 16,
        frame_bytes=side * side * 4 * (1 if adc_bits == 8 else 2),
        class_names=CLASSES,
        logit_width=12,
        logit_integer_bits=8,
        design_hash=1,
        weights_hash="ab" * 32,
        versions=Versions("0.1.0"),
        synthetic=True,
    )


def small_frames(cells: int, side: int = SIDE, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 250, (cells, 4, side, side), np.uint8)


def logits_of(frames: NDArray) -> NDArray[np.int64]:
    """Codes that depend on every pixel, so that no cell has another's."""
    weights = np.arange(1, frames.size + 1).reshape(frames.shape) % 97
    total = int((frames.astype(np.int64) * weights).sum())
    return np.array([(total // 7**k) % 401 - 200 for k in range(len(CLASSES))], np.int64)


class NumpyAccelerator:
    """Batches as the real one; loses the cells whose numbers are in ``lost``, and fails at the cell ``failing``."""

    phase_latency_us = 12.5

    def __init__(
        self, batch: int = 4, delay_s: float = 0.0, lost: Iterable[int] = (), failing: int | None = None
    ) -> None:
        self.manifest = small_manifest()
        self._batch, self._delay_s, self._lost, self._failing = batch, delay_s, set(lost), failing
        self.most_waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def stream(self, frames: Iterable[NDArray | None]) -> Iterator[Result]:
        index, waiting = 0, list[NDArray]()
        for each in frames:
            if each is not None:
                waiting.append(each)
            if waiting and (each is None or len(waiting) == self._batch):
                yield from self._answers(index, waiting)
                index += len(waiting)
                waiting = []
        yield from self._answers(index, waiting)

    def _answers(self, first: int, waiting: list[NDArray]) -> Iterator[Result]:
        sent_ns = time.monotonic_ns()
        time.sleep(self._delay_s)
        received_ns = time.monotonic_ns()
        for index, frames in enumerate(waiting, start=first):
            if index == self._failing:
                raise OSError("the board is gone")
            if index in self._lost:
                yield Result(index, None, sent_ns, received_ns, "the chip made no progress")
            else:
                yield Result(index, logits_of(frames), sent_ns, received_ns)


class ListedCells:
    """A source of given cells."""

    def __init__(self, frames: Iterable[NDArray | None], name: str = "list") -> None:
        self._frames = list(frames)
        self.name, self.cells, self.simulated = name, len(self._frames), False

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        for position in range(resume.get(self.name, 0), self.cells):
            frames = self._frames[position]
            cell = SourceCell(self.name, position, frames)
            yield cell.faulty("it was cut off") if frames is None else cell

    def close(self) -> None:
        pass


def write_npz(path: Path, frames: NDArray, labels: NDArray | None = None) -> Path:
    extra = {} if labels is None else {"labels": labels, "class_names": np.array(CLASSES)}
    with path.open("wb") as file:
        np.savez(file, frames=frames, **extra)  # type: ignore[arg-type]
    return path
