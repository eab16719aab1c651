"""The shapes of a quantized Keras network, for estimates: what hardware has of it."""

from __future__ import annotations

from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.design import Design
from cytogate.model.design.topologies import Meng2017
from cytogate.model.estimates.shapes import (
    Convolution,
    Dense,
    Input,
    Join,
    Layer,
    Map,
    NetworkShapes,
    Pooling,
    planned_shapes,
    same_padding,
)
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.saved import has_network, load_network
from cytogate.model.networks.words import Words, constant_formats, merged_sources, trace, written_formats


def network_shapes(design: Design) -> NetworkShapes:
    """Return the shapes of a design's network: of the trained one where there is one, else as they are planned.

    Raises
    ------
    InputError
        If the topology does not go with the design.
    """
    if has_network(design):
        return shapes_of(load_network(design))
    if isinstance(design.network.topology, Meng2017):
        return planned_shapes(design)
    network = build(design, quantized=True)
    # As training leaves it: a batch normalization has no width before.
    snap_batch_normalization(network)
    return shapes_of(network)


def shapes_of(model: keras.Model) -> NetworkShapes:
    """Return the shapes of a network that conversion accepts, with the widths that its weights need.

    Signed quantizers are not layers of their own, as the layer before them rounds; nor is a Flatten.

    Raises
    ------
    InputError
        If a layer cannot be exact in fixed point; see :func:`cytogate.model.networks.words.trace`.
    """
    words = trace(model)
    formats, reads = written_formats(model, words), merged_sources(model)
    flattened = {name: reads[name][0] for name in reads if isinstance(model.get_layer(name), keras.layers.Flatten)}
    traced = {leaving.layer: leaving for leaving in words}
    layers = []
    for name, sources in reads.items():
        if name not in flattened:
            read = tuple(flattened.get(source, source) for source in sources)
            layers.append(_layer(model.get_layer(name), read, formats[name], traced[name]))
    return NetworkShapes(model.name, tuple(layers))


def _layer(layer: keras.Layer, reads: tuple[str, ...], written: Format, traced: Words) -> Layer:
    *extents, channels = layer.output.shape[1:]
    rows, columns = extents or (1, 1)
    writes = Map(int(rows), int(columns), int(channels), written.width)
    if isinstance(layer, keras.layers.InputLayer):
        return Input(layer.name, reads, writes)
    if isinstance(layer, keras.layers.MaxPooling2D):
        return Pooling(layer.name, reads, writes, tuple(layer.pool_size))
    if isinstance(layer, keras.layers.Concatenate):
        return Join(layer.name, reads, writes)
    if not isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        return Layer(layer.name, reads, writes)
    accumulator = traced.format
    assert accumulator is not None, "sums of a network that was traced have a format"
    weight_bits = constant_formats(layer)["weight"].width
    if isinstance(layer, qkeras.QDense):
        return Dense(layer.name, reads, writes, weight_bits, accumulator.width)
    padding = _padding(layer)
    return Convolution(layer.name, reads, writes, weight_bits, accumulator.width, tuple(layer.kernel_size), padding)


def _padding(layer: keras.Layer) -> tuple[int, int]:
    if layer.padding != "same":
        return 0, 0
    rows, columns = (
        same_padding(extent, kernel, stride)
        for extent, kernel, stride in zip(layer.input.shape[1:3], layer.kernel_size, layer.strides, strict=True)
    )
    return rows, columns
