"""Calibration as the kernels of holograms are told it behind every reset: a packet of beats of 64 bits.

First the numbers of the setting, 32 bits each in two's complement: the carrier's bin (y, x), the rows and columns that
are believed (first and end), the least area of a cell. Then for each pixel of the map, row by row, the parts of the
reference's phasor, and behind them a bit that says whether the disk of the sideband holds it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import WORD, Codes
from cytogate.model.contract.off_axis import least_area
from cytogate.model.design.design import Design
from cytogate.model.interface.bundle import SETTING_WORDS
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband


def setting_of(design: Design) -> list[int]:
    """Return the numbers of a kernel's setting: bin of the carrier, what is believed, the smallest cell."""
    rows, columns = Placing.of(design).believed
    bins = Sideband.of(design).bins
    numbers = [*map(int, bins), rows.start, rows.stop, columns.start, columns.stop, least_area(design)]
    assert len(numbers) == SETTING_WORDS
    return numbers


def calibration_words(design: Design, phasor: Codes) -> NDArray[np.uint64]:
    """Return the beats for a calibrated design, (words,).

    Parameters
    ----------
    phasor : (M, M, 2)
        Of the reference field, :func:`cytogate.model.retrieval.off_axis.integer.reference_phasor`.
    """
    numbers = np.array(setting_of(design), np.int64).astype(np.uint64) & np.uint64(0xFFFFFFFF)
    own = np.asarray(phasor, np.int64).reshape(-1, 2).astype(np.uint64) & np.uint64((1 << WORD.width) - 1)
    mask = Sideband.of(design).disk.ravel().astype(np.uint64)
    places = np.uint64(WORD.width)
    words = own[:, 0] | own[:, 1] << places | mask << (places * np.uint64(2))
    return np.ascontiguousarray(np.concatenate([numbers, words]))


def read_calibration(words: NDArray[np.uint64], design: Design) -> tuple[list[int], Codes]:
    """Return the numbers of the setting and the phasors (M, M, 2) of such beats, (words,)."""
    side = design.map_size
    if words.shape != (SETTING_WORDS + side**2,):
        raise ValueError(f"a calibration of {len(words)} words; {SETTING_WORDS + side**2} are due")
    own = words[SETTING_WORDS:].reshape(side, side)
    parts = [
        (own >> np.uint64(WORD.width * part) & np.uint64((1 << WORD.width) - 1)).astype(np.int64) for part in (0, 1)
    ]
    signed = [part - ((part >> (WORD.width - 1)) << WORD.width) for part in parts]
    return words[:SETTING_WORDS].astype(np.uint32).view(np.int32).tolist(), np.stack(signed, axis=-1)
