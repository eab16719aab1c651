"""Estimate the front end before the network: phase retrieval, or binning and codes alone."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.design.boards import Area


@dataclass(frozen=True)
class FrontEndEstimate:
    """What makes the network's input from frames, at one number of samples per clock."""

    name: str
    samples_per_clock: int
    interval_cycles: int
    """Between frames that arrive back to back, cropped and binned already."""
    raw_interval_cycles: int
    """Between raw frames of the window alone."""
    output_cycles: int
    """During which the network's input of a frame leaves."""
    latency_cycles: int
    """From the last pixel of a frame in to its last pixel out, if no other frame is waiting."""
    area: Area
    """With every memory in block RAM."""
    uram_area: Area
    """With large memories in UltraRAM, where a device has it: estimated."""
