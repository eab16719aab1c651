"""The layer of moments of the phase mask, which hls4ml does not have: its C++ and what hls4ml is told of it.

The C++ is ``fpga/src/mask_moments.hpp``; the law's numbers (:mod:`cytogate.model.contract.mask_moments`) are written as
a header beside it. Both lie in the project with hls4ml's own headers, where a compiler looks for them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np

from cytogate.hls.contract.constants import Constant, Table
from cytogate.hls.contract.header import constant_line, table_lines
from cytogate.hls.sources import FPGA
from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import (
    CENTER_BITS,
    EMPTY_CODE,
    FEATURES,
    LOG_FRACTION_BITS,
    LOGARITHMS,
    MASK_CODE,
    MOST_EXTENT,
    PART_BITS,
    SQUARED,
    TABLE_BITS,
    WORD,
    log_table,
)

MASK_MOMENTS = "MaskMoments"
"""Name of the layer's class in hls4ml's graph."""
SOURCE, LAW = "mask_moments.hpp", "mask_moments_law.hpp"
HEADERS = "nnet_utils"
"""Folder of headers in what hls4ml writes."""
TABLE_WIDTH = 32
"""Of codes in the tables, ``int``."""


def write_headers(firmware: Path) -> None:
    """Put the layer's C++ and the law's numbers to hls4ml's headers, in a project's folder ``firmware``."""
    copyfile(FPGA / "src" / SOURCE, firmware / HEADERS / SOURCE)
    (firmware / HEADERS / LAW).write_text(law_header(), encoding="ascii")


def law_header() -> str:
    """Return the text of the header of the law's numbers."""
    return "\n".join(
        [
            "// Numbers of the moments of the phase mask: generated from model/contract, not to be edited.",
            "#pragma once",
            "",
            "namespace mask_moments_law {",
            "",
            *map(constant_line, _constants()),
            *(line for table in _tables() for line in ("", *table_lines(table))),
            "",
            "}  // namespace mask_moments_law",
            "",
        ]
    )


def _constants() -> tuple[Constant, ...]:
    return (
        Constant("phase_bits", PIXEL.width, "of a code of the phase"),
        Constant("mask_code", MASK_CODE, "first code of the mask"),
        Constant("empty_code", EMPTY_CODE, "of an empty field"),
        Constant("most_extent", MOST_EXTENT, "rows and columns of a map"),
        Constant("center_bits", CENTER_BITS, "of a center, behind those of coordinates"),
        Constant("table_bits", TABLE_BITS, "of an address of the table of logarithms"),
        Constant("log_fraction_bits", LOG_FRACTION_BITS, "of a logarithm"),
        Constant("part_bits", PART_BITS, "of the larger part of a number that is squared"),
        Constant("word_bits", WORD.width, "of a word that leaves"),
        Constant("word_fraction", WORD.fraction_bits, "bits of those below one"),
        Constant("features", len(FEATURES), "words of a cell"),
        Constant("logarithms", len(LOGARITHMS), "of which they are sums"),
        Constant("first_square", LOGARITHMS.index(SQUARED[0]), "from it on of squares of complex moments"),
        *(Constant(f"number_{name}", place, "") for place, name in enumerate(LOGARITHMS)),
    )


def _tables() -> tuple[Table, ...]:
    factors = [dict(feature.terms).get(name, 0) for feature in FEATURES for name in LOGARITHMS]
    centers = [feature.center_steps for feature in FEATURES]
    rows = {
        "factors": (factors, "Of each feature's logarithms."),
        "centers": (centers, "That are taken off, in steps of a logarithm."),
        "gains": ([feature.gain_log2 for feature in FEATURES], "Bits by which a feature is magnified."),
        "log_table": (log_table(), "log2(1 + i / 2^table_bits)."),
    }
    return tuple(
        Table(name, np.array(values, np.int64), TABLE_WIDTH, comment) for name, (values, comment) in rows.items()
    )


@lru_cache
def register(backend_name: str) -> None:
    """Make the layer known to a backend of hls4ml, once: the register is the process's."""
    from hls4ml.backends import get_backend
    from hls4ml.backends.template import FunctionCallTemplate
    from hls4ml.model.layers import Layer, register_layer

    class MaskMoments(Layer):
        def initialize(self) -> None:
            self.add_output_variable([self.get_attr("n_out")])

    class Call(FunctionCallTemplate):
        def __init__(self) -> None:
            super().__init__(MaskMoments, include_header=[f"{HEADERS}/{SOURCE}"])

        def format(self, node: Any) -> str:
            template = "cytogate::mask_moments<{in_height}, {in_width}, {input_t}, {output_t}>({input}, {output});"
            call: str = template.format(**self._default_function_params(node))
            return call

    register_layer(MaskMoments.__name__, MaskMoments)
    get_backend(backend_name).register_template(Call)
