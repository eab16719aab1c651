"""Frames looked at cell by cell before the accelerator gets them: a stream goes on after a cell that is not fit."""

from __future__ import annotations

from dataclasses import replace

from cytogate.host.stream.cells import Flag, SourceCell
from cytogate.model.interface.frame_check import FrameCheck


def checked(cell: SourceCell, check: FrameCheck) -> SourceCell:
    """Return the cell with its frames as uint8 or uint16, flagged if saturated, or faulty and why."""
    if cell.frames is None:
        return cell
    fault = check.layout_fault(cell.frames)
    if fault is not None:
        return cell.faulty(fault)
    frames = cell.frames.astype(cell.frames.dtype.newbyteorder("="), copy=False)
    fault = check.code_fault(frames)
    if fault is not None:
        return cell.faulty(fault)
    flags = cell.flags if check.saturated(frames) is None else cell.flags | Flag.SATURATED
    return replace(cell, frames=frames, flags=flags)
