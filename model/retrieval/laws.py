"""From raw frames to the network's input by whichever law a design has, in integers and in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.bright_field import bright_field_contract
from cytogate.model.contract.law import contract, four_angle_contract
from cytogate.model.design.design import Design
from cytogate.model.retrieval import bright_field, integer, reference
from cytogate.model.retrieval.binning import bin_codes, bin_values
from cytogate.model.retrieval.native import STAGES, native_retrieval

CELLS_AT_A_TIME = 64
"""Of frames without retrieval, whose arrays are small."""


def exact(frames: NDArray[np.unsignedinteger], design: Design) -> dict[str, NDArray]:
    """Return every recorded stage of frames (cells, channels, rows, columns) as codes, (cells, *shape) by name."""
    if design.retrieves_phase:
        retrieved = integer.retrieve(frames, design)
        return {stage.name: getattr(retrieved, stage.name) for stage in contract(design).recorded}
    binned = bin_codes(frames, design)
    codes = bright_field.encode(binned, bright_field_contract(design).codes)
    return {"frames": frames, "binned": binned, "network_input": codes}


def codes(
    frames: NDArray[np.unsignedinteger], design: Design, stages: Sequence[str] | None = None, threads: int = 1
) -> dict[str, NDArray]:
    """Return what :func:`exact` gives of some stages, or of all but the frames; by compiled C++ where there is any."""
    native = native_retrieval(design) if design.retrieves_phase else None
    if native is not None:
        return native.codes(frames, STAGES if stages is None else stages, threads)
    found = exact(frames, design)
    return {name: found[name] for name in found if name in (stages or found) and name != "frames"}


def real(frames: NDArray[np.unsignedinteger], design: Design) -> dict[str, NDArray]:
    """Return every stage of frames (cells, channels, rows, columns) in float64, in the units of the contract."""
    if design.retrieves_phase:
        return reference.retrieve(frames, design)
    terms = bright_field_contract(design)
    full_scale = frames / 2.0**terms.frame.width
    binned = bin_values(full_scale, design)
    values = bright_field.encode_values(binned, design.input_codes, 1 << terms.binned.width)
    return {"frames": full_scale, "binned": binned, "network_input": values}


def network_inputs(frames: NDArray[np.unsignedinteger], design: Design, threads: int = 1) -> NDArray[np.integer]:
    """Return codes of the network's input (cells, rows, columns, channels) of any number of cells' frames."""
    name = "network_input"
    if design.retrieves_phase and native_retrieval(design) is not None:
        return codes(frames, design, (name,), threads)[name]
    if design.retrieves_phase:
        return integer.network_inputs(frames, design)
    starts = range(0, len(frames), CELLS_AT_A_TIME)
    return np.concatenate([exact(frames[start : start + CELLS_AT_A_TIME], design)[name] for start in starts])


def inputs_of_sums(sums: NDArray[np.int32], design: Design) -> NDArray[np.uint8]:
    """Return codes of the network's input (cells, N, N, 5) of codes of the stage ``binned`` (cells, 4, N, N)."""
    native = native_retrieval(design)
    if native is not None:
        return native.codes_of_sums(sums, ("network_input",))["network_input"].astype(np.uint8, copy=False)
    terms, binned = four_angle_contract(design), sums.astype(np.int64)
    return integer.integrate(integer.gradients(binned, terms), binned, terms, frames=sums).network_input
