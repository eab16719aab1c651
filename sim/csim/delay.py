"""C-simulation of the off-axis kernel: a hologram in, every value of every stage out, as the C++ computed it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.header import write_header
from cytogate.hls.sources import FPGA
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.off_axis import CELL_STAGES, off_axis_contract
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.model.retrieval.off_axis.kernel_calibration import setting_of
from cytogate.model.retrieval.off_axis.sideband import Sideband
from cytogate.sim.csim.compile import build

RECORDED = (
    "spectrum", "spectrum_exponent", "sideband", "sideband_exponent", "field", "field_exponent", "wrapped", "phase",
    "opd", "found", "center", "region", "network_input",
)  # fmt: skip
"""In the order in which the bench numbers them."""


@dataclass(frozen=True)
class DelaySimulation:
    """The compiled kernel of one design; use it from one thread."""

    design: Design
    library: ctypes.CDLL

    @staticmethod
    def of(design: Design, folder: Path) -> DelaySimulation:
        """Compile the kernel of a calibrated off-axis design into ``folder``."""
        header = write_header(design, folder / "contract").parent
        bench = FPGA / "tb" / "retrieve_delay" / "bench.cpp"
        library = ctypes.CDLL(str(build(folder / "delay.so", [bench], [header, FPGA / "src"], shared=True)))
        library.cytogate_retrieve_delay.argtypes = [ctypes.c_void_p] * 4
        library.cytogate_find_cells.argtypes = [ctypes.c_void_p] * 2
        library.cytogate_words.restype = ctypes.c_int64
        library.cytogate_data.restype = ctypes.POINTER(ctypes.c_int32)
        return DelaySimulation(design, library)

    def run(self, hologram: Codes, phasor: Codes) -> dict[str, Codes]:
        """Send a hologram (N, N), as it is transformed, through the kernel.

        Parameters
        ----------
        phasor : (M, M, 2)
            Of the reference field.

        Returns
        -------
        dict
            Codes of each stage by name, shaped as the contract's row says; exponents (lines,); (cells, ...) of what a
            cell has.

        Raises
        ------
        CheckFailed
            If the kernel leaves codes of the hologram unread.
        """
        sideband = Sideband.of(self.design)
        codes, setting = _of(hologram, np.uint16), self._setting()
        phasors, disk = _of(phasor, np.int32), _of(sideband.disk, np.uint8)
        if codes.shape != (sideband.size,) * 2 or phasors.shape != (sideband.map_size, sideband.map_size, 2):
            raise ValueError(f"a hologram of {codes.shape} and phasors of {phasors.shape} do not fit the design")
        left = self.library.cytogate_retrieve_delay(*(each.ctypes.data for each in (codes, setting, phasors, disk)))
        if left:
            raise CheckFailed(f"the kernel left {left} codes of the hologram unread")
        return self._recorded(RECORDED)

    def find_cells(self, opd: Codes) -> dict[str, Codes]:
        """Find the cells of a map (M, M) of path delays alone; return the stages from *found* on, as :meth:`run` does.

        Raises
        ------
        CheckFailed
            If the kernel leaves anything unread.
        """
        codes, setting = _of(opd, np.int32), self._setting()
        if codes.shape != (self.design.map_size,) * 2:
            raise ValueError(f"a map of {codes.shape} does not fit the design")
        left = self.library.cytogate_find_cells(codes.ctypes.data, setting.ctypes.data)
        if left:
            raise CheckFailed(f"the kernel left {left} values unread")
        return self._recorded(RECORDED[RECORDED.index("found") :])

    def _setting(self) -> NDArray[np.int32]:
        return _of(setting_of(self.design), np.int32)

    def _recorded(self, names: Sequence[str]) -> dict[str, Codes]:
        stages = {stage.name: stage for stage in off_axis_contract(self.design).stages}
        found = {name: self._words(RECORDED.index(name)) for name in names}
        for name in CELL_STAGES:
            found[name] = found[name].reshape(-1, stages[name].size)
        return {name: stages[name].from_stream(each) if name in stages else each for name, each in found.items()}

    def _words(self, number: int) -> Codes:
        count = self.library.cytogate_words(number)
        if not count:
            return np.zeros(0, np.int64)
        return np.ctypeslib.as_array(self.library.cytogate_data(number), (count,)).astype(np.int64)


def _of(values: object, kind: type) -> NDArray:
    return np.ascontiguousarray(values, kind)
