"""The layer of moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import FEATURES, MOST_EXTENT, WORD
from cytogate.model.errors import InputError
from cytogate.model.networks.operations import MaskMoments, Operation
from cytogate.model.networks.reading.settings import must_be_map

if TYPE_CHECKING:
    from cytogate.model.networks.reading.reader import Reader


def moments(reader: Reader, layer: Any, source: Operation) -> Operation:
    """Read the moments of a mask: of codes of the phase, in a map's last channel."""
    must_be_map(layer, source)
    if source.format != PIXEL:
        raise InputError(
            f"layer {layer.name}: moments are of codes of the phase, {PIXEL.ap_type}, as they come into the network; "
            f"it reads {source.format.ap_type}"
        )
    if max(source.shape[:2]) > MOST_EXTENT:
        raise InputError(
            f"layer {layer.name}: moments of a map of {source.shape[0]}x{source.shape[1]}; at most {MOST_EXTENT} rows "
            f"and columns are supported"
        )
    made = MaskMoments(layer.name, (source.name,), (source.format,), (len(FEATURES),), WORD, source.shape)
    return reader.add(made)
