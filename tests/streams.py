"""A small accelerator in NumPy for tests of streams, designs and bundles for it, and frames."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.sources.source import NOTHING_READ, Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Chip, Design, Network, Window
from cytogate.model.design.instruments import BrightField, FourAngle
from cytogate.model.design.topologies import Compact
from cytogate.model.interface.bundle import WEIGHTS, Bundle, Manifest, Versions
from cytogate.sim.board.bundle import write_synthetic

CLASSES = ("MCF7", "OAC", "THP1")
SIDE = 8
LOGIT_STEP = 2.0**-4
CHANNELS = FourAngle.channels


def real_data() -> Path:
    """Return the folder of real data; without it, skip, unless everything was asked for."""
    folder = Path(os.environ.get("CYTOGATE_DATA", ""))
    if not os.environ.get("CYTOGATE_DATA") or not folder.is_dir():
        said = "CYTOGATE_DATA names no folder of real data"
        pytest.fail(said) if os.environ.get("CYTOGATE_FULL") else pytest.skip(said)
    return folder


def small_design(side: int = SIDE, adc_bits: int = 8, channels: tuple[str, ...] = CHANNELS) -> Design:
    """Return a design of square frames of any size, which phase retrieval would not allow."""
    return Design(
        "small",
        instrument=BrightField(channels, 0.5, 0.5, adc_bits, side, side),
        window=Window(side, side, 1),
        network=Network(CLASSES, Compact()),
        chip=Chip(deadline_ms=60_000),
    )


def four_angle_design(class_names: tuple[str, ...] = CLASSES) -> Design:
    """Return a design of the smallest frames that phase is retrieved from."""
    return Design(
        "small",
        instrument=FourAngle(rows=64, columns=64),
        window=Window(64, 64, 1),
        network=Network(class_names),
        chip=Chip(deadline_ms=60_000),
    )


def small_bundle(design: Design | None = None, path: Path = Path("small.zip")) -> Bundle:
    """Return a bundle that is not written yet."""
    design = design or small_design()
    manifest = Manifest(
        design=design.name,
        logit_width=12,
        logit_integer_bits=8,
        design_hash=1,
        weights_hash="ab" * 32,
        versions=Versions("0.1.0"),
        synthetic=True,
    )
    return Bundle(path, manifest, design)


def write_bundle(path: Path, design: Design | None = None) -> Path:
    """Write a bundle with a network that is none."""
    bundle, weights = small_bundle(design, path), path.with_name("no.weights.h5")
    weights.write_bytes(b"weights of no network")
    return write_synthetic(path, bundle.manifest, bundle.design, {WEIGHTS: weights}).path


def small_frames(cells: int, side: int = SIDE, seed: int = 0, channels: int = len(CHANNELS)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 250, (cells, channels, side, side), np.uint8)


def logits_of(frames: NDArray) -> NDArray[np.int64]:
    """Codes that depend on every pixel, so that no cell has another's."""
    weights = np.arange(1, frames.size + 1).reshape(frames.shape) % 97
    total = int((frames.astype(np.int64) * weights).sum())
    return np.array([(total // 7**k) % 401 - 200 for k in range(len(CLASSES))], np.int64)


class NumpyAccelerator:
    """Batches as the real one; loses the cells whose numbers are in ``lost``, and fails at the cell ``failing``."""

    phase_latency_us = 12.5

    def __init__(
        self,
        batch: int = 4,
        delay_s: float = 0.0,
        lost: Iterable[int] = (),
        failing: int | None = None,
        silence_s: float = 0.0,
        begun: threading.Event | None = None,
    ) -> None:
        """``begun`` is set when the first batch is at work."""
        self.silence_s, self._begun = silence_s, begun
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
        if waiting:
            yield from self._answers(index, waiting)

    def _answers(self, first: int, waiting: list[NDArray]) -> Iterator[Result]:
        sent_ns = time.monotonic_ns()
        if self._begun is not None:
            self._begun.set()
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
        for position in range(resume.get(self.name, NOTHING_READ).position, self.cells):
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
