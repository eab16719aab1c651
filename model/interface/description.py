"""Read a bitstream's hardware description (``.hwh``, XML of Vivado): the DMA that a host drives."""

from __future__ import annotations

from xml.parsers import expat

from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import LENGTH_BITS

LENGTH_WIDTH = "c_sg_length_width"
LEAST_LENGTH_BITS = 8
"""The vendor's DMA has from 8 to 26 bits in its length register (AMD PG021)."""
DIRECT_MODE = {"c_include_sg": "0", "c_include_mm2s": "1", "c_include_s2mm": "1"}
"""Parameters of a DMA with a channel each way and no descriptors in memory."""


def dma_length_bits(description: bytes, name: str) -> int:
    """Return the bits of the length register of the DMA cell ``name``: a transfer has fewer than 2^bits bytes.

    Raises
    ------
    InputError
        If the description is not XML, or has no such cell, or one that this driver cannot work with.
    """
    parameters = _parameters(description, name)
    if parameters is None:
        raise InputError(f"it describes no {name}: it is not of a Cytogate design")
    for parameter, wanted in DIRECT_MODE.items():
        if (found := parameters.get(parameter)) != wanted:
            raise InputError(f"{parameter} of its {name} is {found}, in a Cytogate design {wanted}: rebuild the bundle")
    width = parameters.get(LENGTH_WIDTH, "missing")
    if width not in {str(bits) for bits in range(LEAST_LENGTH_BITS, LENGTH_BITS + 1)}:
        raise InputError(
            f"{LENGTH_WIDTH} of its {name} is {width}; a DMA has {LEAST_LENGTH_BITS} to {LENGTH_BITS} length bits"
        )
    return int(width)


def _parameters(description: bytes, name: str) -> dict[str, str] | None:
    """Return the parameters of the module ``name``; no tree is built, for a description may be large."""
    found: dict[str, str] | None = None
    module = None

    def begins(tag: str, attributes: dict[str, str]) -> None:
        nonlocal found, module
        if tag == "MODULE":
            module = attributes.get("INSTANCE")
            if module == name:
                found = found or {}
        elif tag == "PARAMETER" and module == name and found is not None:
            found[attributes.get("NAME", "").lower()] = attributes.get("VALUE", "")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begins
    try:
        parser.Parse(description, True)
    # LookupError and ValueError are of an encoding that is unknown, or has more than one byte.
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(f"it is not XML as Vivado writes it: {error}") from error
    return found
