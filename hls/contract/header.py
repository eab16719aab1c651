"""The contract as a C++ header: what every kernel in ``fpga/src`` includes and none of them restates.

Headers of the built-in designs are committed under ``fpga/generated/NAME``, so that the kernels can be synthesized
without Python; a design of a user's own gets its header in the output folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from cytogate.hls.sources import FPGA
from cytogate.model.command.files import whole_file
from cytogate.model.contract import fixed_point, law
from cytogate.model.contract.law import Contract, contract
from cytogate.model.contract.tables import log_fractions, quotient_quadrant, surface_spectra, twiddles
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES

HEADER_NAME = "contract.hpp"
GENERATED = FPGA / "generated"


def write_header(design: Design, folder: Path) -> Path:
    """Write ``folder/contract.hpp`` for ``design`` and return its path."""
    path = folder / HEADER_NAME
    text = header_text(contract(design))
    if not path.exists() or path.read_text(encoding="ascii") != text:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="ascii")
    return path


def header_text(terms: Contract) -> str:
    """Return the header of one contract."""
    design, acquisition, surface = terms.design, terms.design.four_angle, terms.surface
    top, left = design.crop
    constants = {
        "A frame as it arrives, and the window of it that is kept.": {
            "kFrameRows": acquisition.rows,
            "kFrameColumns": acquisition.columns,
            "kFrameBits": terms.frame.width,
            "kAngles": ANGLES,
            "kCropTop": top,
            "kCropLeft": left,
            "kBinning": design.binning,
            "kBinnedBits": terms.binned.width,
        },
        "N, and the words of the transforms.": {
            "kSize": terms.size,
            "kSizeLog2": terms.size_log2,
            "kWordBits": fixed_point.WORD.width,
            "kQuotientBits": fixed_point.QUOTIENT_WORD.width,
            "kTwiddleBits": fixed_point.TWIDDLE.width,
            "kTwiddleFraction": fixed_point.TWIDDLE.fraction_bits,
            "kPasses": law.PASSES,
            "kTransposes": law.TRANSPOSES,
            "kTransposeGuardBits": law.TRANSPOSE_GUARD_BITS,
            "kBrightFieldDepth": terms.buffer("bright_field").depth,
        },
        "Gradients: ROM of logarithms, gain of each axis.": {
            "kLogAddressBits": terms.log_address_bits,
            "kLogFractionBits": fixed_point.LOG_FRACTION.width,
            "kGradientBits": fixed_point.GRADIENT.width,
            "kGradientGainX": terms.gradient_gains[0],
            "kGradientGainY": terms.gradient_gains[1],
        },
        "Least-squares surface of the border: gains are mantissa * 2^-shift.": {
            "kBorder": fixed_point.BORDER,
            "kGainBits": fixed_point.GAIN_BITS,
            "kMeanGain": surface.mean.mantissa,
            "kMeanShift": surface.mean.shift,
            "kLinearGain": surface.linear.mantissa,
            "kLinearShift": surface.linear.shift,
            "kTwistGain": surface.twist.mantissa,
            "kTwistShift": surface.twist.shift,
            "kSaddleGain": surface.saddle.mantissa,
            "kSaddleShift": surface.saddle.shift,
            "kBowlGain": surface.bowl.mantissa,
            "kBowlShift": surface.bowl.shift,
            "kKappa16ths": surface.kappa_16ths,
            "kKappa": surface.kappa,
            "kCoefficientBits": surface.coefficient_bits,
            "kCoefficientFraction": fixed_point.SURFACE_COEFFICIENT_FRACTION,
        },
        "Phase, and the network's 8-bit codes.": {
            "kOffsetRowsLog2": law.OFFSET_ROWS_LOG2,
            "kPhaseGain": terms.phase_gain.mantissa,
            "kPhaseShift": terms.phase_gain.shift,
            "kPhaseBits": fixed_point.PHASE.width,
            "kPhaseCodeOffset": int(fixed_point.PHASE.encode(law.PHASE_CODE_OFFSET_RAD)),
            "kPhaseCodeShift": terms.phase_code_shift,
            "kPixelBits": fixed_point.PIXEL.width,
            "kPixelShift": terms.pixel_shift,
            "kChannels": ANGLES + 1,
        },
    }
    twiddle = twiddles(terms.size)
    spectra = surface_spectra(terms.size)
    tables = [
        _table("kTwiddleRe", "Real part of exp(-2 pi i k / N).", twiddle[:, 0]),
        _table("kTwiddleIm", "Imaginary part of exp(-2 pi i k / N).", twiddle[:, 1]),
        _table("kLogFraction", "log2(1 + m).", log_fractions(terms.log_address_bits)),
        _table("kQuadrant", "a / (a^2 + b^2) at a * N / 2 + b.", quotient_quadrant(terms.size)),
        _table("kLinearRe", "Row transform of s, real.", spectra[0, :, 0]),
        _table("kLinearIm", "Row transform of s, imaginary.", spectra[0, :, 1]),
        _table("kSquareRe", "Row transform of s^2, real.", spectra[1, :, 0]),
        _table("kSquareIm", "Row transform of s^2, imaginary.", spectra[1, :, 1]),
    ]
    lines = [
        f"// Numeric contract of design {design.name}: generated from model/contract/law.py, not to be edited.",
        "#pragma once",
        "",
        '#include "ap_fixed.h"',
        "",
        "namespace contract {",
    ]
    for comment, group in constants.items():
        lines += ["", f"// {comment}", *(f"constexpr int {name} = {value};" for name, value in group.items())]
    lines += [
        "",
        "// Values as they leave and enter kernels.",
        f"using phase_t = {fixed_point.PHASE.ap_type};",
        f"using pixel_t = {fixed_point.PIXEL.ap_type};",
        f"using twiddle_t = {fixed_point.TWIDDLE.ap_type};",
    ]
    for table in tables:
        lines += ["", *table]
    return "\n".join([*lines, "", "}  // namespace contract", ""])


def _table(name: str, comment: str, codes: ArrayLike) -> list[str]:
    flat = np.asarray(codes).ravel()
    rows = [", ".join(map(str, flat[start : start + 16])) for start in range(0, len(flat), 16)]
    return [f"// {comment}", f"constexpr int {name}[{len(flat)}] = {{", *(f"    {row}," for row in rows), "};"]
