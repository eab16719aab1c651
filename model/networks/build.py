"""The network that a design asks for, quantized or in float."""

from __future__ import annotations

import dataclasses
from typing import Any

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.design.topologies import Compact, Contrast, Meng2017, Published, Student
from cytogate.model.errors import InputError
from cytogate.model.networks import dcae, gao2017, meng2018, topgan
from cytogate.model.networks.compact import compact
from cytogate.model.networks.contrast import contrast
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2017 import meng2017
from cytogate.model.networks.student import student

_PUBLISHED: dict[str, tuple[Any, Any]] = {
    "meng2018": (meng2018, meng2018.Meng2018()),
    "gao2017": (gao2017, gao2017.Gao2017()),
    "dcae": (dcae, dcae.Dcae()),
    # A picture with as many channels as a measurement has: there are no weights that saw three of them.
    "topgan": (topgan, topgan.TopGan(copies=1)),
}
"""Builders of both forms of a network, and its published sizes."""


def build(design: Design, quantized: bool) -> keras.Model:
    """Build the untrained network of a design for its network input, with logits (cells, classes).

    Raises
    ------
    InputError
        If the topology does not go with the instrument or the window, or was adopted and cannot be built anew.
    """
    stage, topology, classes = contract(design).stage("network_input"), design.network.topology, design.network.classes
    rows, columns, channels = stage.shape
    if isinstance(topology, (Contrast, Meng2017)):
        if not design.retrieves_phase:
            raise InputError(
                f'design {design.name}: topology "{topology.name}" reads the four arms and the phase of a four-angle '
                f'instrument; "compact" reads any frames'
            )
        if isinstance(topology, Meng2017):
            return meng2017(topology, rows, classes, quantized)
        return contrast(topology, rows, classes, quantized, (1 << PIXEL.width) / design.four_angle.full_scale)
    if isinstance(topology, Compact):
        return compact(topology, (rows, columns, channels), classes, quantized, stage.format)
    if isinstance(topology, Student):
        return student(topology, (rows, columns, channels), classes, quantized, stage.format)
    if isinstance(topology, Published):
        return _published(topology, rows, columns, channels, classes, quantized, design)
    raise InputError(
        f"design {design.name}: its network was adopted; it is not built anew, and `cytogate adopt` replaces it"
    )


def _published(
    topology: Published, rows: int, columns: int, channels: int, classes: int, quantized: bool, design: Design
) -> keras.Model:
    if rows != columns:
        raise InputError(f'design {design.name}: topology "{topology.name}" takes square windows, not {rows}x{columns}')
    words = contract(design).stage("network_input").format
    module, sizes = _PUBLISHED[topology.name]
    scaled = sizes.scaled(rows, topology.share)
    of_input = {"maps" if isinstance(scaled, topgan.TopGan) else "channels": channels}
    spec = dataclasses.replace(scaled, **of_input, classes=classes, words=words)
    return module.quantized_network(spec) if quantized else _logits(module.float_network(spec))


def _logits(model: keras.Model) -> keras.Model:
    """Return a published network without its softmax."""
    return keras.Model(model.input, model.get_layer("logits").output, name=model.name)
