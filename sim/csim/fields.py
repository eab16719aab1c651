"""C-simulation of an off-axis design from pin to pin: beats of a hologram in, the packet of its field out."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.header import write_header
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.model.interface.answers import FieldForm
from cytogate.model.interface.bundle import SETTING_WORDS
from cytogate.sim.csim.compile import build


@dataclass(frozen=True)
class FieldSimulation:
    """The compiled kernels of one calibrated design and its network; use it from one thread."""

    design: Design
    library: ctypes.CDLL

    @staticmethod
    def of(design: Design, project: HlsProject, folder: Path) -> FieldSimulation:
        """Compile the kernels of a calibrated design into ``folder``."""
        header = write_header(design, folder / "contract").parent
        sources = [FPGA / "tb" / "retrieve_delay" / "fields.cpp", FPGA / "src" / "retrieve_delay.cpp"]
        path = build(
            folder / "fields.so",
            [*sources, *project.sources],
            [header, FPGA / "src", *project.includes],
            project.definitions,
            shared=True,
        )
        library = ctypes.CDLL(str(path))
        library.cytogate_calibrate.argtypes = [ctypes.c_void_p]
        library.cytogate_calibrate.restype = None
        library.cytogate_field.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        return FieldSimulation(design, library)

    def calibrate(self, words: NDArray[np.uint64]) -> None:
        """Hand over what a calibration measures, (words,); a library that is loaded twice is one: the latest counts.

        Raises
        ------
        CheckFailed
            If they are not as many as the kernels take.
        """
        due = SETTING_WORDS + self.design.map_size**2
        if len(words) != due:
            raise CheckFailed(f"a calibration of {len(words)} words, the kernels take {due}")
        own = np.ascontiguousarray(words, np.uint64)
        self.library.cytogate_calibrate(own.ctypes.data)

    def packet(self, hologram: NDArray[np.unsignedinteger], pixels: int | None = None) -> NDArray[np.int32]:
        """Return the words of the packet that a hologram (N, N) gives; none of one that is cut after ``pixels``.

        Raises
        ------
        CheckFailed
            If TLAST is not on a packet's last word, or anything stays in the kernels.
        """
        codes = np.ascontiguousarray(hologram, np.uint16).ravel()
        count = codes.size if pixels is None else pixels
        words = np.zeros(FieldForm(self.design.network.classes).most_words(1), np.int32)
        found = self.library.cytogate_field(codes.ctypes.data, count, words.ctypes.data, words.size)
        if found < 0:
            raise CheckFailed("the kernels of a hologram misplaced a TLAST or left something unread")
        return words[:found]
