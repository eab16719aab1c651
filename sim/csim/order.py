"""Between the contract's arrays and the order in which words leave the kernels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES


def from_stream(words: Mapping[str, Codes], design: Design) -> dict[str, Codes]:
    """Shape one cell's words, stage by stage, as the contract's rows say; stages without words are left out."""
    acquisition, size = design.four_angle, design.size
    shaped = {}
    for name, codes in words.items():
        if name == "frames":
            codes = np.moveaxis(codes.reshape(acquisition.rows, acquisition.columns, ANGLES), -1, 0)
        elif name == "binned":
            codes = np.moveaxis(codes.reshape(size, size, ANGLES), -1, 0)
        elif name in ("spectrum", "quotient"):
            codes = codes.reshape(size, size, 2).swapaxes(0, 1)
        elif name not in ("spectrum_exponent", "logits"):
            codes = codes.reshape(contract(design).stage(name).shape)
        if codes.size:
            shaped[name] = codes
    return shaped


def to_stream(codes: Mapping[str, Codes]) -> dict[str, Codes]:
    """Flatten one cell's arrays into stream order: the inverse of :func:`from_stream`."""
    flat = {}
    for name, array in codes.items():
        if name in ("frames", "binned"):
            array = np.moveaxis(array, 0, -1)
        elif name in ("spectrum", "quotient"):
            array = array.swapaxes(0, 1)
        flat[name] = np.ascontiguousarray(array).ravel()
    return flat
