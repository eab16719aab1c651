"""Whether four-angle frames are stored in the order +x, -x, +y, -y, and whether their field is even enough to tell.

Phase is integrated from two gradients, and gradients of one phase have no curl: in the float64 reference the imaginary
part of the inverse transform is the phase and the real part is what is left of the curl. In a wrong order the two
"gradients" are of no phase, and the real part is as large as the imaginary one. One wrong order has no curl, that in
which both pairs are inverted: there the cell's phase is negative, which says so as cells are denser than their medium.

A frame proves something only if the gradients at the field's border are small beside those within it. There are three
reasons for which they may not be: there is no cell, a cell reaches over the border, or the light differs between the
arms by more than the retrieval's second-order surface takes away, which is what a background frame is for.

Figures, measured on noisy and shaded simulated cells of three seeds (shading: standard deviation over the field):

* border over interior (:data:`ISOLATED`), 60 cells, N = 128: at most .041 at the default shading of 3 %, .080 at 6 %;
  180 fields without a cell, at shadings of 0 to 40 % and down to 30 electrons a pixel, at least .35;
* curl over phase (:data:`CURL`), 210 cells, N = 64 and 128: the right order at most .0026 (.11 on those of 60 cells
  that count at a shading of 10 %); each of the 22 wrong orders with a curl at least .32 on every cell;
* (max + min) / (max - min) of the phase, the same cells: the right order at least .96 (.83 at a shading of 10 %), both
  pairs inverted at most -.96;
* all 23 wrong orders were found and the right one named, and 416 right cells at shadings of 3 and 10 % passed without a
  false alarm, sixteen at a time (tests).
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import BORDER
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.retrieval import reference
from cytogate.model.retrieval.binning import bin_values

CELLS = 16
"""Cells that are judged: the first ones that prove something."""
LEAST_CELLS = 4
"""With fewer nothing is concluded."""
FRAMES = 256
"""Frames that are looked at, at most, to find them."""
AT_A_TIME = 16
ISOLATED = 0.15
"""Root-mean-square gradient at the border over that within it, both of 8x8-pixel means, up to which a cell counts."""
CURL = 0.125
"""Energy of the inverse transform's real part over that of its imaginary part from which an order is wrong."""
ARTEFACT_RAD = 0.1
"""Root-mean-square phase below which what is seen at the border is nothing to tell: fields without a cell have .01 at
the default shading."""
FIXED_PATTERN = 0.5
"""Share of the border's gradient that is the same in all frames from which it is the instrument's, not the cells'."""

ArmOrder = tuple[int, int, int, int]
RIGHT: ArmOrder = (0, 1, 2, 3)

WHOLE_FRAMES: dict[ArmOrder, str] = {
    (1, 0, 2, 3): "every frame is mirrored left to right",
    (0, 1, 3, 2): "every frame is mirrored top to bottom",
    (1, 0, 3, 2): "every frame is turned by half a turn, or the cells are less dense than their medium",
    (2, 3, 0, 1): "rows and columns of every frame are exchanged",
    (3, 2, 1, 0): "rows and columns of every frame are exchanged and both are reversed",
    (2, 3, 1, 0): "every frame is turned by a quarter",
    (3, 2, 0, 1): "every frame is turned by a quarter",
}
"""Orders of the arms that frames in the right order seem to have if their pixels lie wrongly."""


class FrameReader(Protocol):
    """An open file of frames, such as :class:`cytogate.model.files.frames.FrameFile`."""

    @property
    def cells(self) -> int:
        """Cells in the file."""

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger]:
        """Return cells ``start`` to ``stop``: (stop - start, 4, rows, columns) codes."""


class Finding(Enum):
    """What is to be told of the frames."""

    RIGHT = "right order"
    EXCHANGED = "wrong order"
    NO_ORDER = "no order is right"
    NO_BACKGROUND = "uneven field"
    CUT_OFF = "cells at the border"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class OrderCheck:
    """What a look at a file's first cells has found."""

    finding: Finding
    sentence: str
    """What was found, on which share of the cells, and what would be right."""
    looked_at: int
    """Frames that were read."""
    judged: int
    """Of these, cells that prove something."""
    affected: int
    """Judged cells whose phase says that the order is wrong; of an uneven field or cells at the border, frames."""
    order: tuple[str, ...] | None = None
    """Arms that the file's four frames seem to be; None if it does not matter or is not known."""

    @property
    def wrong(self) -> bool:
        """Whether the order is wrong: results of these frames would mean nothing."""
        return self.finding in (Finding.EXCHANGED, Finding.NO_ORDER)

    @property
    def doubtful(self) -> bool:
        """Whether the order is not known to be right, or phases are not to be trusted, whatever the order."""
        return not self.wrong and self.finding is not Finding.RIGHT


def check_order(frames: FrameReader | NDArray[np.unsignedinteger], design: Design) -> OrderCheck:
    """Judge the order of a file's frames by the first cells that prove something.

    Parameters
    ----------
    frames
        An open file, or codes (cells, 4, rows, columns); flat-fielded, if frames of the background are at hand.
    design
        Of the four-angle kind; its frames' size is that of ``frames``.

    Returns
    -------
    OrderCheck
        Wrong if more than half of the judged cells say so; else an uneven field or cells at the border if more than
        half of the frames show it, and these outnumber the judged cells. Undecided where fewer than :data:`LEAST_CELLS`
        cells are found among the first :data:`FRAMES` frames.

    Examples
    --------
    >>> from cytogate.model.design.folder import load_design
    >>> empty = np.full((20, 4, 305, 305), 115, np.uint8)
    >>> check_order(empty, load_design("qatom64")).sentence
    'the order of the frames could not be checked: of 20 frames 0 show one cell alone in an even field; 4 are needed'
    """
    looks, count = list[_Look](), len(frames) if isinstance(frames, np.ndarray) else frames.cells
    for start in range(0, min(count, FRAMES), AT_A_TIME):
        stop = min(start + AT_A_TIME, count)
        found = readable(frames, start, stop)
        if found:
            looks.append(_look(np.concatenate(found), design))
        if sum(len(look.binned) for look in looks) >= CELLS:
            break
    if not looks:
        return OrderCheck(Finding.UNDECIDED, "the order of the frames could not be checked: none can be read", 0, 0, 0)
    seen = _Look(*(np.concatenate(parts) for parts in zip(*looks, strict=True)))
    judged, looked_at = min(len(seen.binned), CELLS), len(seen.isolated)
    troubled = seen.border[~seen.isolated & (seen.phase_rms > ARTEFACT_RAD)]
    verdict = _judged(seen.binned[:judged], design, looked_at) if judged >= LEAST_CELLS else None
    # A wrong order moves what is at the border, too: its cells are no proof of uneven light.
    if verdict is not None and verdict.wrong:
        return verdict
    if len(troubled) >= LEAST_CELLS and len(troubled) > max(judged, looked_at // 2):
        return _uneven(troubled, looked_at, judged)
    if verdict is None:
        return OrderCheck(
            Finding.UNDECIDED,
            f"the order of the frames could not be checked: of {looked_at} frames {judged} show one cell alone in an "
            f"even field; {LEAST_CELLS} are needed",
            looked_at, judged, 0,
        )  # fmt: skip
    return verdict


def order_told(frames: FrameReader, design: Design, path: Path) -> str | None:
    """Return what a user must know of the order of a file's frames; None where it is right, or they have no phase.

    Raises
    ------
    InputError
        If the order is wrong: what is computed of such frames would mean nothing.
    """
    if not design.retrieves_phase:
        return None
    found = check_order(frames, design)
    if found.wrong:
        raise InputError(f"{path}: {found.sentence}")
    return f"{path}: {found.sentence}" if found.doubtful else None


class _Look(NamedTuple):
    """What one pass over some frames gives."""

    isolated: NDArray[np.bool_]
    """(frames,) whether one cell is seen, alone in an even field."""
    phase_rms: NDArray[np.float64]
    """(frames,) radians, of the curl as well."""
    border: NDArray[np.complex128]
    """(frames, blocks) mean gradients of the border's blocks, without their surface."""
    binned: NDArray[np.float64]
    """(isolated frames, 4, N, N) in units of full scale."""


class _Integrated(NamedTuple):
    gradient: NDArray[np.complex128]
    """(cells, N, N) without the border's surface."""
    phase: NDArray[np.float64]
    curl: NDArray[np.float64]
    """What a wrong order leaves; on the phase's scale."""


def readable(
    frames: FrameReader | NDArray[np.unsignedinteger], start: int, stop: int
) -> list[NDArray[np.unsignedinteger]]:
    """Return those of some cells' frames that can be read: a cell that is faulty for itself proves nothing."""
    if isinstance(frames, np.ndarray):
        return [frames[start:stop]]
    with contextlib.suppress(InputError):
        return [frames.read(start, stop)]
    found = []
    for index in range(start, stop):
        with contextlib.suppress(InputError):
            found.append(frames.read(index, index + 1))
    return found


def _look(codes: NDArray[np.unsignedinteger], design: Design) -> _Look:
    binned = bin_values(codes / 2.0**design.four_angle.adc_bits, design)
    found = _integrated(binned, design)
    side = design.size // BORDER
    blocks = found.gradient.reshape(-1, side, BORDER, side, BORDER).mean(axis=(2, 4))
    at_border = _at_border(side)
    border = blocks[:, at_border]
    isolated = _power(border) < ISOLATED**2 * _power(blocks[:, ~at_border])
    rms = np.sqrt(found.phase.var(axis=(1, 2)) + found.curl.var(axis=(1, 2)))
    return _Look(isolated, rms, border, binned[isolated])


def _integrated(binned: NDArray[np.float64], design: Design) -> _Integrated:
    """Integrate the gradients of binned frames (cells, 4, N, N), taken to be in the right order."""
    gradient = reference.gradients(binned, design)
    stages = reference.integrate(gradient, binned)
    curl = np.fft.ifft2(stages["quotient"]).real
    return _Integrated(gradient - reference.border_surface(gradient), stages["phase"], curl)


def _signs(binned: NDArray[np.float64], design: Design) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of each cell whether this order leaves a curl, and whether its phase is negative."""
    _, phase, curl = _integrated(binned, design)
    curled = curl.var(axis=(1, 2)) > CURL * phase.var(axis=(1, 2))
    return curled, phase.max(axis=(1, 2)) + phase.min(axis=(1, 2)) < 0


def _judged(binned: NDArray[np.float64], design: Design, looked_at: int) -> OrderCheck:
    """Judge cells that prove something, by their binned frames (cells, 4, N, N)."""
    judged = len(binned)
    wrong = int(np.logical_or(*_signs(binned, design)).sum())
    if 2 * wrong <= judged:
        share = f"on {judged - wrong} of {judged} cells"
        return OrderCheck(Finding.RIGHT, f"the frames are in the right order {share}", looked_at, judged, wrong)
    # Of all orders the one that makes most cells right: frame k of it is frame picked[k] of the file.
    right = _right_cells(binned, design)
    picked = max(right, key=lambda order: right[order])
    said = f"the frames are not in the order {', '.join(FourAngle.channels)}: on {wrong} of {judged} cells "
    if 2 * right[picked] <= judged:
        sentence = (
            f"{said}they are gradients of no phase, nor are they in any other order; the four frames must be of the "
            f"same cell at the same place, two along the rows and two along the columns"
        )
        return OrderCheck(Finding.NO_ORDER, sentence, looked_at, judged, wrong)
    order = _inverse(picked)
    arms = tuple(FourAngle.channels[arm] for arm in order)
    why = "the phase is negative" if order == (1, 0, 3, 2) else "they are gradients of no phase"
    otherwise = f" (or {WHOLE_FRAMES[order]})" if order in WHOLE_FRAMES else ""
    sentence = (
        f"{said}{why}, and on {right[picked]} of {judged} all is right if they are {', '.join(arms)}; "
        f"store frames[:, {list(picked)}]{otherwise}"
    )
    return OrderCheck(Finding.EXCHANGED, sentence, looked_at, judged, wrong, arms)


def _uneven(border: NDArray[np.complex128], looked_at: int, judged: int) -> OrderCheck:
    """Say why most frames with something in them prove nothing: a pattern that all of them share, or not.

    ``border``: (frames, blocks) gradients of these frames.
    """
    pattern = np.median(border.real, axis=0) + 1j * np.median(border.imag, axis=0)
    fixed = _power(pattern[None])[0] > FIXED_PATTERN**2 * np.median(_power(border))
    on = f"on {len(border)} of {looked_at} frames"
    if fixed:
        finding = Finding.NO_BACKGROUND
        sentence = (
            f"the light of the four frames is uneven, {on} in the same way, and phases are not to be trusted: "
            "divide them by frames of the empty field, taken with the same window (`cytogate csim --background` does), "
            "or even the light; a window must have no cells at its border"
        )
    else:
        finding = Finding.CUT_OFF
        sentence = (
            f"there is something at the window's border {on}, in each another, and phases are not to be trusted: cells "
            f"must lie within the window by {BORDER} pixels, and the light of the four frames must be even"
        )
    return OrderCheck(finding, sentence, looked_at, judged, len(border))


def _power(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the mean squared magnitude of (frames, blocks) over the blocks."""
    return np.square(np.abs(values)).mean(axis=1)


def _right_cells(binned: NDArray[np.float64], design: Design) -> dict[ArmOrder, int]:
    """Return for each of the 24 orders the number of cells that it makes right."""
    right = dict[ArmOrder, int]()
    for a, b, c, d in itertools.permutations(RIGHT):
        if a < b:
            curled, negative = _signs(binned[:, (a, b, c, d)], design)
            right[a, b, c, d] = int((~curled & ~negative).sum())
            # The same phase with the other sign.
            right[b, a, d, c] = int((~curled & negative).sum())
    return right


def _inverse(order: ArmOrder) -> ArmOrder:
    return order.index(0), order.index(1), order.index(2), order.index(3)


@lru_cache
def _at_border(blocks: int) -> NDArray[np.bool_]:
    edge = np.isin(np.arange(blocks), (0, blocks - 1))
    return edge[:, None] | edge
