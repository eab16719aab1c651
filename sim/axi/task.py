"""Task and answer of a simulator process, through one folder: no simulator, no Keras, NumPy only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file

TASK_VARIABLE = "CYTOGATE_BENCH"
"""Environment variable that names the folder."""
STAGES_VARIABLE = "CYTOGATE_STAGES"
"""Environment variable that names the folder for recorded stages, read by ``fpga/dpi/shell.hpp``."""


@dataclass(frozen=True)
class BenchTask:
    """The kernel's geometry at its pins; vectors lie beside it.

    ``frames.npy`` holds raw frames (cells, channels, rows, columns), ``expected.npy`` the values that leave one frame
    after the other in stream order, and ``ends.npy`` where each frame's end. With a gate behind the network, these are
    a cell's logits.
    """

    level: str
    samples_per_clock: int
    """Pixels of an input beat."""
    lane_bits: int
    """Bits of one channel's code in a beat."""
    values_per_beat: int
    """Values of an output beat: the channels of as many pixels, or one logit."""
    value_bits: int
    signed: bool
    pixel_beats: int
    """Beats of a frame's pixels before the network."""
    registers: dict[str, int]
    """Offset of each register by name."""
    constants: dict[str, int]
    """What read-only registers hold for ever, by name."""
    written: dict[str, int]
    """What registers hold once ones were written to all of their bits; others do not change."""
    held_frames: int
    """That a kernel may take while nobody reads what leaves it."""
    gate: bool
    """A gate stands behind the network, with events and a trigger at pins of their own."""
    setup: tuple[tuple[int, int], ...] = ()
    """Offsets and values of what is written after every reset: a calibration, or what makes frames of any order the
    same."""
    remarks: tuple[int, ...] = ()
    """Codes of what is remarked on each frame; empty where nothing is."""
    clipped_half: int = 0
    """That of frames of which the phase is in doubt; 0: none."""
    unsettled: int = 0
    """Frames behind a reset that no settled background awaits."""
    calibration: tuple[int, ...] = ()
    """Beats of 64 bits that a kernel of holograms is sent behind every reset."""

    def write(
        self,
        folder: Path,
        frames: NDArray[np.unsignedinteger],
        expected: Sequence[NDArray[np.int64]] | NDArray[np.int64],
    ) -> None:
        """Write the task and its vectors into ``folder``; of each frame the values that are due, (values,)."""
        if len(frames) != len(expected):
            raise ValueError(f"{len(frames)} frames and values of {len(expected)}")
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "frames.npy", frames, allow_pickle=False)
        np.save(folder / "expected.npy", np.concatenate(list(expected)), allow_pickle=False)
        np.save(folder / "ends.npy", np.cumsum([len(each) for each in expected]), allow_pickle=False)
        with whole_file(folder / "task.json") as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> tuple[BenchTask, NDArray[np.unsignedinteger], list[NDArray[np.int64]]]:
        """Return the task in ``folder``, its frames and the values due of each."""
        task = BenchTask(**json.loads((folder / "task.json").read_text(encoding="utf-8")))
        frames, expected, ends = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("frames", "expected", "ends")
        )
        return task, frames, np.split(expected, ends[:-1])


@dataclass(frozen=True)
class GateClocks:
    """Clocks that were counted at the pins of events and trigger; the gate's registers said the same."""

    interval: float | None
    """Mean between neighboring classes; None for a single frame."""
    interval_most: int
    class_most: int
    """From a frame's first pixel to its class, the longest."""
    trigger_most: int
    """From a frame's last pixel to the trigger."""
    events: int
    """Compared with the integer model: flag, class and margin."""
    triggers: int


@dataclass(frozen=True)
class Measured:
    """What the undisturbed run counted, clock by clock."""

    frames: int
    values: int
    """Values compared."""
    differing: int
    latency_cycles: int
    """From the last beat in to the last beat out, the same frame, the largest over all frames."""
    interval_cycles: float | None
    """Mean between the last beats of neighboring frames that leave; None for a single frame."""
    gate: GateClocks | None

    def write(self, folder: Path) -> None:
        """Write ``measured.json``."""
        with whole_file(folder / "measured.json") as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> Measured:
        """Return what a bench has left in ``folder``."""
        found = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
        gate = None if found["gate"] is None else GateClocks(**found["gate"])
        return Measured(**{**found, "gate": gate})
