"""Frames to logits in SystemVerilog as a callable: the whole pipeline, verilated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.engine import pipeline
from cytogate.hls.sources import rtl_sources
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.sim.rtl.engines import FLAGS
from cytogate.sim.rtl.player import PLAYER, KernelPlayer, verilate

WORD_BYTES = 4
PATIENCE = 20
"""A run is given up after that many times the clocks that its beats and pixels need."""


class PipelineSimulation(KernelPlayer):
    """The pipeline of one design."""

    def __init__(self, design: Design, engines: EngineNetwork, folder: Path) -> None:
        """Compile the pipeline in ``folder`` and take it out of reset."""
        tops = pipeline.write_pipeline(engines, design, folder)
        sources = [*rtl_sources(*pipeline.pipeline_modules(engines, design)), *tops]
        library = verilate(write_rtl_package(design, folder), sources, pipeline.TOP, PLAYER, flags=FLAGS)
        super().__init__(library, design, engines.entry.pixels)
        self._classes = engines.logits.stream.channels

    def answers(self, frames: NDArray[np.unsignedinteger]) -> Codes:
        """Return codes of logits and the word of the event (cells, classes + 1).

        Parameters
        ----------
        frames
            (cells, channels, rows, columns); they arrive back to back.

        Raises
        ------
        CheckFailed
            If they do not come.
        """
        beats, lasts = self.beats(frames)
        wanted, window = len(frames) * (self._classes + 1), self.design.window
        clocks = PATIENCE * (len(beats) + (len(frames) + 1) * window.rows * window.columns)
        out, *_ = self.run(beats, lasts, wanted, WORD_BYTES, clocks)
        return out.view("<i4").astype(np.int64).reshape(len(frames), -1)

    def logits(self, frames: NDArray[np.unsignedinteger]) -> Codes:
        """Return codes of logits (cells, classes) alone."""
        return self.answers(frames)[:, :-1]
