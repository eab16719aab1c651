"""Raw codes and the sums of neighboring ones: the first rows of every contract."""

from __future__ import annotations

from cytogate.model.contract.fixed_point import Format
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.stage import Order, Stage
from cytogate.model.design.design import Design


def sample_formats(design: Design) -> tuple[Format, Format]:
    """Return the formats of a raw code and of a sum of ``binning x binning`` codes, which is exact."""
    bits = design.camera.adc_bits
    return Format(bits, 0, signed=False), Format(bits + 2 * (design.binning.bit_length() - 1), 0, signed=False)


def sample_stages(design: Design, frame: Format, binned: Format) -> tuple[Stage, Stage]:
    """Return the rows ``frames`` and ``binned``."""
    camera, window, channels = design.camera, design.window, len(design.camera.channels)
    raw, kept = (channels, camera.rows, camera.columns), (channels, window.rows, window.columns)
    return (
        Stage("frames", raw, Order.CHANNELS_TOGETHER, frame, "full scale"),
        Stage("binned", kept, Order.CHANNELS_TOGETHER, binned, "full scale"),
    )


def binning_row(design: Design, binned: Format) -> Buffer:
    """Return the memory that binning makes necessary."""
    width = len(design.camera.channels) * binned.width
    return Buffer("binning_row", "partial sums of a row until its last raw row", width, design.window.columns)
