"""C-simulation as a callable: raw frames in, every value of every stage out, as the C++ computed it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.header import write_header
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import POLYNOMIALS, contract
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.sim.csim.compile import build

BUILD_FOLDER = Path("out/csim/build")
"""Where commands keep their compiled kernels, by design."""


LOGITS = "logits"


@dataclass(frozen=True)
class CSimulation:
    """A compiled kernel, or both, of one design, at the beginning of a run.

    Calls share the simulation's streams and records: use one from one thread.
    """

    design: Design
    library: ctypes.CDLL

    @staticmethod
    def of_kernel(design: Design, folder: Path) -> CSimulation:
        """Compile the kernel before the network alone."""
        return CSimulation._compiled(design, folder, "kernel", None)

    @staticmethod
    def of_chain(design: Design, project: HlsProject, folder: Path) -> CSimulation:
        """Compile both kernels, joined by a stream."""
        return CSimulation._compiled(design, folder, "chain", project)

    @staticmethod
    def _compiled(design: Design, folder: Path, bench: str, project: HlsProject | None) -> CSimulation:
        build_files = chain_build(design, folder, project)
        path = build(
            folder / f"{bench}.so",
            [FPGA / "tb" / f"{bench}.cpp", *build_files.sources],
            build_files.includes,
            build_files.definitions,
            shared=True,
        )
        library = ctypes.CDLL(str(path))
        library.cytogate_run.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.cytogate_know_surface.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.cytogate_known_surface.argtypes = [ctypes.c_void_p]
        library.cytogate_stage_name.restype = ctypes.c_char_p
        library.cytogate_stage_words.restype = ctypes.c_int64
        library.cytogate_stage_data.restype = ctypes.POINTER(ctypes.c_int32)
        # Loaded before, it may remember frames.
        library.cytogate_reset()
        return CSimulation(design, library)

    def know(self, background: Background) -> None:
        """Flatten frames from now on by a background: a surface of empty fields, or one that causal frames follow.

        Causal frames follow it also where it is frozen; who wants it to stay tells it anew before each.
        """
        if not self.design.chip.takes_background:
            raise ValueError(f"design {self.design.name} is told no surface")
        codes = np.ascontiguousarray(background.surface, np.int32)
        self.library.cytogate_know_surface(codes.ctypes.data, background.frames)

    def forget(self) -> None:
        """Begin a run: nothing is known."""
        self.library.cytogate_reset()

    @property
    def known(self) -> Background:
        """What a causal kernel knows after the frames so far."""
        codes = np.zeros((POLYNOMIALS, 2), np.int32)
        frames = int(self.library.cytogate_known_surface(codes.ctypes.data))
        return Background(codes.astype(np.int64), frames)

    def run(self, frames: NDArray[np.unsignedinteger]) -> dict[str, Codes]:
        """Send one cell's frames (channels, rows, columns) through the kernels.

        Returns
        -------
        dict
            Codes of each recorded stage by name, shaped as the contract's row says; ``logits`` (classes,) where the
            network is part of it.

        Raises
        ------
        CheckFailed
            If the kernels swallow the frame or misplace a TLAST.
        """
        left, stages = self.send(frames, frames.shape[1] * frames.shape[2])
        if left != 1:
            raise CheckFailed(f"C-simulation: one frame went in, {left} came out (-1: a misplaced TLAST)")
        shaped = {row.name: row.from_stream(stages[row.name]) for row in contract(self.design).recorded}
        return {**shaped, LOGITS: stages[LOGITS]} if stages[LOGITS].size else shaped

    def send(self, frames: NDArray[np.unsignedinteger], pixels: int) -> tuple[int, dict[str, Codes]]:
        """Send a packet of ``pixels`` pixels, a malformed one where that is no frame; frames that left, raw values."""
        if frames.shape != contract(self.design).stage("frames").shape:
            raise ValueError(f"frames of {frames.shape} do not fit design {self.design.name}")
        codes = np.ascontiguousarray(frames, np.uint16)
        left = self.library.cytogate_run(codes.ctypes.data, pixels)
        return left, dict(self._recorded())

    def _recorded(self) -> list[tuple[str, Codes]]:
        stages: list[tuple[str, Codes]] = []
        while name := self.library.cytogate_stage_name(len(stages)):
            values = self.library.cytogate_stage_words(len(stages))
            data = self.library.cytogate_stage_data(len(stages))
            codes = np.ctypeslib.as_array(data, (values,)).astype(np.int64) if values else np.zeros(0, np.int64)
            stages.append((name.decode(), codes))
        return stages


@dataclass(frozen=True)
class BuildFiles:
    """What a C-simulation is compiled from beside its own test bench."""

    sources: tuple[Path, ...]
    includes: tuple[Path, ...]
    definitions: tuple[str, ...]


def chain_build(design: Design, folder: Path, project: HlsProject | None) -> BuildFiles:
    """Write the contract's header for ``design`` into ``folder`` and list what a bench of it needs."""
    includes = [write_header(design, folder / "contract").parent, FPGA / "src", *bench_folders(design)]
    if project is None:
        return BuildFiles((), tuple(includes), ())
    return BuildFiles(project.sources, (*includes, *project.includes), project.definitions)


def bench_folders(design: Design) -> tuple[Path, Path]:
    """Return the include folders of the test benches, that of the kernel under test among them."""
    return FPGA / "tb", FPGA / "tb" / contract(design).kernel
