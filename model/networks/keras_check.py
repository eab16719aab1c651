"""Whether Keras computes a network as it was read: word for word, layer by layer, where it can.

Reading is checked by it: a layer that was misread gives other words than Keras's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.operations import Operation
from cytogate.model.networks.reading.activations import HOST_FUNCTIONS, is_linear
from cytogate.model.networks.reading.kinds import IDENTITIES
from cytogate.model.networks.reading.reader import Reading

PASSING = (*IDENTITIES, keras.layers.Flatten, keras.layers.Reshape)
"""Layers that may stand behind what is left to the host."""


@dataclass(frozen=True)
class KerasLikeness:
    """Keras's logits beside those of the operations."""

    values: int
    differing: int
    """Those that Keras rounds otherwise."""
    most: float
    """Largest difference, in units of the logits."""


def compare_with_keras(model: keras.Model, reading: Reading, codes: Sequence[NDArray[np.integer]]) -> KerasLikeness:
    """Compare logits for codes (cells, ...) of each input.

    Raises
    ------
    CheckFailed
        If they differ although Keras rounds nowhere: a layer, which is named, was misread.
    """
    network = reading.network
    values = [each.format.decode(given).astype(np.float32) for each, given in zip(network.inputs, codes, strict=True)]
    words = network.compute(codes)
    with _without_host_functions(model):
        outputs = _outputs(model)
        try:
            found = keras.Model(model.inputs, list(outputs.values()))(values)
        except Exception as error:
            # The first line says which layer, the next one why.
            plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
            reason = " ".join(line.strip() for line in plain.splitlines() if line.strip())[:300]
            raise InputError(f"network {model.name}: Keras cannot compute it here: {reason}") from error
    by_layer = dict(zip(outputs, (np.asarray(each, np.float64) for each in found), strict=True))
    logits = network.logits.format.decode(words[network.logits.name])
    difference = np.abs(by_layer[next(reversed(by_layer))] - logits)
    result = KerasLikeness(logits.size, int(np.count_nonzero(difference)), float(difference.max(initial=0.0)))
    if result.differing and not reading.keras_rounds:
        layer = _first_unlike(by_layer, words, network.operations)
        raise CheckFailed(
            f"layer {layer}: Keras gives other values than were read of it, though it rounds nowhere; this is a fault "
            f"of Cytogate: please report the network"
        )
    return result


def _outputs(model: keras.Model) -> dict[str, Any]:
    """Return the tensors of a model's own layers by their names; the last is the model's output."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    found = {
        node.operation.name: node.output_tensors[0]
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
        if len(node.output_tensors) == 1
    }
    last = model.outputs[0]
    name = last._keras_history.operation.name
    found.pop(name, None)
    return {**found, name: last}


def _first_unlike(values: dict[str, NDArray], words: dict[str, NDArray], operations: Sequence[Operation]) -> str:
    for name, value in values.items():
        within = [
            each
            for each in operations
            if each.name == name or (each.name.startswith(f"{name}_") and each.name not in values)
        ]
        if within and words[within[-1].name].shape == value.shape:
            read = within[-1].format.decode(words[within[-1].name])
            if not np.array_equal(read, value):
                return name
    return operations[-1].name


@contextmanager
def _without_host_functions(model: keras.Model) -> Iterator[None]:
    """Let what a model applies to its logits, and the host does in its place, give the logits for a while."""
    with ExitStack() as stack:
        for layer in _host_layers(model):
            if isinstance(layer, keras.layers.Softmax):
                stack.callback(setattr, layer, "call", layer.call)
                layer.call = lambda inputs, *_, **__: inputs
            else:
                stack.callback(setattr, layer, "activation", layer.activation)
                layer.activation = keras.activations.linear
        yield


def _host_layers(model: keras.Model) -> Iterator[Any]:
    """Yield the layers at a model's end, in whatever models they are, in which a softmax or the like is."""
    tensor = model.outputs[0]
    while True:
        layer = tensor._keras_history.operation
        if isinstance(layer, keras.Model):
            yield from _host_layers(layer)
            return
        hidden = getattr(getattr(layer, "activation", None), "__name__", "") in HOST_FUNCTIONS
        if hidden or isinstance(layer, keras.layers.Softmax):
            yield layer
            if not isinstance(layer, (keras.layers.Softmax, keras.layers.Activation)):
                return
        elif type(layer) not in PASSING and not is_linear(layer):
            return
        (tensor,) = layer._inbound_nodes[tensor._keras_history.node_index].input_tensors
