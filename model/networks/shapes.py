"""The shapes of a network's operations, for estimates: what hardware has of it."""

from __future__ import annotations

from cytogate.model.design.design import Design
from cytogate.model.estimates.shapes import (
    Convolution,
    Dense,
    Depthwise,
    Input,
    Join,
    Layer,
    Map,
    Moments,
    NetworkShapes,
    Pooling,
)
from cytogate.model.networks import operations
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import snap_batch_normalization
from cytogate.model.networks.operations import IntegerNetwork, Operation
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import has_network, load_operations


def network_shapes(design: Design) -> NetworkShapes:
    """Return the shapes of a design's network: of the trained one where there is one, else as it is built.

    Raises
    ------
    InputError
        If the topology does not go with the design.
    """
    return shapes_of(load_operations(design) if has_network(design) else untrained_operations(design))


def untrained_operations(design: Design) -> IntegerNetwork:
    """Return a design's network on integers as it is built, with weights that are drawn, within training's limits.

    Raises
    ------
    InputError
        If the topology does not go with the design.
    """
    network = build(design, quantized=True)
    for layer in network.layers:
        if getattr(layer, "kernel_constraint", None) is not None:
            layer.kernel.assign(layer.kernel_constraint(layer.kernel))
    # As training leaves it: a batch normalization has no grid before.
    snap_batch_normalization(network)
    return read_network(network).network


def shapes_of(network: IntegerNetwork) -> NetworkShapes:
    """Return the shapes of a network, with the widths that its weights need.

    Roundings are not layers of their own where the layer before them rounds, nor is a reshaping to a vector that is
    added up, nor are the zeros around the map of a convolution.
    """
    rounding = network.roundings_within()
    standing_for: dict[str, str] = {}
    padding: dict[str, operations.Pad] = {}
    layers = []
    for each in network.operations:
        if each.name in rounding.values():
            continue
        reads = tuple(standing_for.get(name, name) for name in each.reads)
        if isinstance(each, operations.Reshape) and not _repacks(network, each):
            standing_for[each.name] = reads[0]
            continue
        readers = network.readers(each.name)
        if isinstance(each, operations.Pad) and all(map(_is_window, readers)):
            standing_for[each.name], padding[each.name] = reads[0], each
            continue
        bits = network[rounding.get(each.name, each.name)].format.width
        around = padding.get(each.reads[0]) if each.reads else None
        layers.append(_layer(each, reads, bits, around))
        if each.name in rounding:
            standing_for[rounding[each.name]] = each.name
    return NetworkShapes(network.name, tuple(layers))


def _repacks(network: IntegerNetwork, operation: operations.Reshape) -> bool:
    """Whether a reshaping makes a stream of other pixels."""
    if needs_no_layer(network, operation):
        return False
    return len(operation.shape) == 3 or not is_for_sums_alone(network, operation)


def needs_no_layer(network: IntegerNetwork, operation: operations.Reshape) -> bool:
    """Whether a stream of words is the same behind a reshaping: a global pooling gives a vector of its own."""
    source = network[operation.reads[0]]
    if not isinstance(source, (operations.Mean, operations.MaxPool)):
        return False
    return is_global(source) and len(operation.shape) == 1


def is_for_sums_alone(network: IntegerNetwork, operation: operations.Reshape) -> bool:
    """Whether only dense layers and joints read a flattened map.

    For those hls4ml leaves the stream of pixels as it is; others would take a pixel for the whole vector.
    """
    return all(isinstance(each, (operations.Dense, operations.Concatenate)) for each in network.readers(operation.name))


def is_global(operation: operations.MaxPool | operations.Mean) -> bool:
    """Whether a pooling takes the whole map."""
    return operation.shape[:2] == (1, 1) and operation.window == operation.map


def _is_window(operation: Operation) -> bool:
    return isinstance(operation, (operations.Convolution, operations.Depthwise))


def _layer(operation: Operation, reads: tuple[str, ...], bits: int, around: operations.Pad | None) -> Layer:
    rows, columns, channels = operation.shape if len(operation.shape) == 3 else (1, 1, operation.shape[-1])
    name, writes = operation.name, Map(rows, columns, channels, bits)
    if isinstance(operation, operations.Input):
        return Input(name, reads, writes)
    if isinstance(operation, (operations.MaxPool, operations.Mean)):
        return Pooling(name, reads, writes, operation.window)
    if isinstance(operation, operations.MaskMoments):
        return Moments(name, reads, writes)
    if isinstance(operation, (*operations.OF_TWO, operations.Concatenate)):
        return Join(name, reads, writes)
    if isinstance(operation, operations.Dense):
        return Dense(name, reads, writes, operation.kernel.format.width, operation.format.width)
    if isinstance(operation, (operations.Convolution, operations.Depthwise)):
        kind = Convolution if isinstance(operation, operations.Convolution) else Depthwise
        zeros = (0, 0) if around is None else (sum(around.rows), sum(around.columns))
        kernel = operation.kernel.codes.shape[0], operation.kernel.codes.shape[1]
        return kind(name, reads, writes, operation.kernel.format.width, operation.format.width, kernel, zeros)
    return Layer(name, reads, writes)
