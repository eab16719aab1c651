"""From raw frames to the network's input by whichever law a design has, in integers and in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.background import Background, own_background
from cytogate.model.contract.bright_field import bright_field_contract
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract, fft_contract, recursion_contract
from cytogate.model.contract.recursion import SETTLING_FRAMES, Half
from cytogate.model.contract.remarks import Remark
from cytogate.model.design.design import CAUSAL, FFT, KNOWN, TWO_SIDED, Design
from cytogate.model.errors import InputError
from cytogate.model.retrieval import bright_field, integer, reference
from cytogate.model.retrieval.binning import bin_codes, bin_values
from cytogate.model.retrieval.frame_order import FrameReader
from cytogate.model.retrieval.native import STAGES, native_retrieval
from cytogate.model.retrieval.recursion import integer as recursion
from cytogate.model.retrieval.recursion import reference as real_recursion
from cytogate.model.retrieval.recursion.native import native_recursion
from cytogate.model.retrieval.recursion.reference import RealBackground
from cytogate.model.retrieval.remarks import cleaner_halves, curled, negative

CELLS_AT_A_TIME = 64
"""Of any number of frames, whose stages together may be too large."""


class Run:
    """Frames of one run, a batch after the other in their order: what a law remembers goes from one to the next.

    Only the law "causal" remembers anything. It begins with ``background``, or with that of the design's calibration,
    or without knowing any; the exact and the float64 chain each follow the frames that they are given. A known surface
    of the law "two-sided" stays as it is.
    """

    def __init__(self, design: Design, background: Background | None = None) -> None:
        self.design = design
        self.background = own_background(design) if background is None else background
        self._real: RealBackground | None = None
        if self.background is not None:
            self._real = RealBackground.of(self.background, recursion_contract(design))

    def exact(self, frames: NDArray[np.unsignedinteger]) -> dict[str, NDArray]:
        """Return every recorded stage of frames (cells, channels, rows, columns) as codes, (cells, *shape) by name."""
        design = self.design
        if not design.retrieves_phase:
            binned = bin_codes(frames, design)
            codes = bright_field.encode(binned, bright_field_contract(design).codes)
            return {"frames": frames, "binned": binned, "network_input": codes}
        if design.chip.retrieval == FFT:
            retrieved = integer.retrieve(frames, design)
            return {stage.name: getattr(retrieved, stage.name) for stage in contract(design).recorded}
        found = recursion.retrieve(frames, design, self.background)
        self.background = found.background
        return found.stages

    def codes(
        self, frames: NDArray[np.unsignedinteger], stages: Sequence[str] | None = None, threads: int = 1
    ) -> dict[str, NDArray]:
        """Return what :meth:`exact` gives of some stages, or of all but the frames; by compiled C++ if there is any."""
        design = self.design
        if design.retrieves_phase and design.chip.retrieval == FFT:
            native = native_retrieval(design)
            if native is not None:
                return native.codes(frames, STAGES if stages is None else stages, threads)
        elif design.retrieves_phase:
            compiled = native_recursion(design)
            if compiled is not None:
                found, self.background = compiled.codes(frames, stages, threads, self.background)
                return found
        exact = self.exact(frames)
        return {name: exact[name] for name in exact if name in (stages or exact) and name != "frames"}

    def real(self, frames: NDArray[np.unsignedinteger]) -> dict[str, NDArray]:
        """Return every stage of frames (cells, channels, rows, columns) in float64, in the units of the contract."""
        design = self.design
        if not design.retrieves_phase:
            terms = bright_field_contract(design)
            full_scale = frames / 2.0**terms.frame.width
            binned = bin_values(full_scale, design)
            values = bright_field.encode_values(binned, design.input_codes, 1 << terms.binned.width)
            return {"frames": full_scale, "binned": binned, "network_input": values}
        if design.chip.retrieval == FFT:
            return reference.retrieve(frames, design)
        found = real_recursion.retrieve(frames, design, self._real)
        self._real = found.background
        return found.stages

    def network_inputs(self, frames: NDArray[np.unsignedinteger], threads: int = 1) -> NDArray[np.integer]:
        """Return codes of the network's input (cells, rows, columns, channels) of any number of cells' frames."""
        name, starts = "network_input", range(0, max(len(frames), 1), CELLS_AT_A_TIME)
        parts = [self.codes(frames[start : start + CELLS_AT_A_TIME], (name,), threads) for start in starts]
        return np.concatenate([part[name] for part in parts])


def exact(frames: NDArray[np.unsignedinteger], design: Design) -> dict[str, NDArray]:
    """Return what :meth:`Run.exact` does of a run's first frames."""
    return Run(design).exact(frames)


def codes(
    frames: NDArray[np.unsignedinteger], design: Design, stages: Sequence[str] | None = None, threads: int = 1
) -> dict[str, NDArray]:
    """Return what :meth:`Run.codes` does of a run's first frames."""
    return Run(design).codes(frames, stages, threads)


def real(frames: NDArray[np.unsignedinteger], design: Design) -> dict[str, NDArray]:
    """Return what :meth:`Run.real` does of a run's first frames."""
    return Run(design).real(frames)


def network_inputs(frames: NDArray[np.unsignedinteger], design: Design, threads: int = 1) -> NDArray[np.integer]:
    """Return what :meth:`Run.network_inputs` does of a run's first frames."""
    return Run(design).network_inputs(frames, threads)


def alone(design: Design) -> Design:
    """Return the design by which a cell's frames can be retrieved alone, without those before them.

    That is the design itself; one with the law "causal", whose phase leans on earlier frames, has the law "two-sided"
    instead, which knows the light from the frame's own border: it may have moved since it was calibrated.
    """
    if design.chip.retrieval != CAUSAL:
        return design
    chip = replace(design.chip, retrieval=TWO_SIDED)
    return replace(design, chip=chip, background=None)


def settled_background(frames: FrameReader, design: Design) -> Background | None:
    """Return what a causal chip knows once it has settled, frozen; None of a law that remembers nothing.

    That is the design's calibration, or what is known after the first frames of a run. With it the frames of a file may
    be taken in any order.

    Raises
    ------
    InputError
        If there is no calibration and there are too few frames to settle.
    """
    if design.chip.retrieval != CAUSAL:
        return None
    own = own_background(design)
    if own is not None:
        return own.freeze()
    if frames.cells < SETTLING_FRAMES:
        raise InputError(
            f'{frames.cells} frames are too few for [chip] retrieval "{CAUSAL}": the background settles in '
            f"{SETTLING_FRAMES}, or `cytogate calibrate` measures it beforehand"
        )
    return background_after(frames.read(0, SETTLING_FRAMES), design).freeze()


def standing_background(frames: NDArray[np.unsignedinteger], design: Design) -> Background | None:
    """Return a background with which frames (cells, 4, rows, columns) may come in any order; None of a law without one.

    It is that of the design's calibration. Without one it is, of the law "causal", what is known after the frames,
    taken for settled, and of a known surface the mean of their own borders. Of the law "causal" it is frozen.
    """
    own = own_background(design)
    if own is not None:
        return own.freeze() if design.chip.retrieval == CAUSAL else own
    if design.chip.retrieval == CAUSAL:
        return replace(background_after(frames, design), frames=SETTLING_FRAMES).freeze()
    return recursion.empty_field(frames, design) if design.chip.surface == KNOWN else None


def remarks(
    frames: NDArray[np.unsignedinteger], design: Design, background: Background | None = None
) -> tuple[Remark, ...]:
    """Return what the chip remarks on frames (cells, channels, rows, columns) of a run that begins with a background.

    Nothing on those of an instrument without phase. A half is told where the law has a choice of halves, or one alone.
    """
    if not design.retrieves_phase:
        return (Remark(),) * len(frames)
    run = Run(design, background)
    found = run.codes(frames, ("gradient", "phase"))
    gradient, phase = (found[name].astype(np.int64) for name in ("gradient", "phase"))
    halves = np.full(len(frames), Half.BOTH)
    if design.chip.retrieval == CAUSAL or (design.chip.surface == KNOWN and run.background is not None):
        halves = cleaner_halves(gradient)
    said = zip(halves.tolist(), curled(gradient).tolist(), negative(phase).tolist(), strict=True)
    return tuple(Remark(Half(half), *signs) for half, *signs in said)


def background_after(frames: NDArray[np.unsignedinteger], design: Design) -> Background:
    """Return what a causal chip that knew nothing knows after frames (cells, 4, rows, columns)."""
    run = Run(design, Background.unknown())
    run.codes(frames, ())
    assert run.background is not None
    return run.background


def inputs_of_sums(sums: NDArray[np.int32], design: Design, surfaces: Codes | None = None) -> NDArray[np.uint8]:
    """Return codes of the network's input (cells, N, N, 5) of codes of the stage ``binned`` (cells, 4, N, N).

    ``surfaces`` (cells, 6, 2) are what a causal chip knows before each frame, or a two-sided one of empty fields; None,
    of the law "two-sided", stands for the surface of the design's calibration, or for the frames' own borders.
    """
    own = own_background(design)
    if surfaces is None and own is not None and design.chip.retrieval == TWO_SIDED:
        surfaces = np.broadcast_to(own.surface, (len(sums), *own.surface.shape))
    if design.chip.retrieval != FFT:
        compiled = native_recursion(design)
        if compiled is not None:
            inputs = compiled.codes_of_sums(sums, surfaces, ("network_input",))["network_input"]
            return inputs.astype(np.uint8, copy=False)
        words, binned = recursion_contract(design), sums.astype(np.int64)
        found = recursion.integrate(integer.gradients(binned, words), binned, words, surfaces)
        return found["network_input"].astype(np.uint8, copy=False)
    native = native_retrieval(design)
    if native is not None:
        return native.codes_of_sums(sums, ("network_input",))["network_input"].astype(np.uint8, copy=False)
    terms, binned = fft_contract(design), sums.astype(np.int64)
    return integer.integrate(integer.gradients(binned, terms), binned, terms, frames=sums).network_input
