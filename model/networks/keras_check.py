"""Whether Keras computes a network as it was read: word for word, layer by layer, where it can.

Reading is checked by it: a layer that was misread gives other words than Keras's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.operations import Operation
from cytogate.model.networks.reading.activations import HOST_FUNCTIONS
from cytogate.model.networks.reading.reader import Reading


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
            reason = " ".join(line.strip() for line in str(error).strip().splitlines() if line.strip())[:300]
            raise InputError(f"network {model.name}: Keras cannot compute it here: {reason}") from error
    by_layer = dict(zip(outputs, (np.asarray(each, np.float64) for each in found), strict=True))
    logits = network.logits.format.decode(words[network.logits.name])
    difference = np.abs(by_layer[next(reversed(by_layer))] - logits)
    result = KerasLikeness(logits.size, int(np.count_nonzero(difference)), float(difference.max(initial=0.0)))
    if result.differing and not reading.keras_rounds:
        layer = _first_unlike(by_layer, words, network.operations)
        raise CheckFailed(
            f"layer {layer}: Keras gives other words than were read of it, though it rounds nowhere; this is a fault "
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
        within = [each for each in operations if each.name in (name, f"{name}_activation")]
        if within and words[within[-1].name].shape == value.shape:
            read = within[-1].format.decode(words[within[-1].name])
            if not np.array_equal(read, value):
                return name
    return operations[-1].name


@contextmanager
def _without_host_functions(model: keras.Model) -> Iterator[None]:
    """Let a softmax, sigmoid or tanh at the end give the logits for a while."""
    layer = model.outputs[0]._keras_history.operation
    function = getattr(layer, "activation", None)
    hidden = getattr(function, "__name__", "") in HOST_FUNCTIONS
    if hidden:
        layer.activation = keras.activations.linear
    call = layer.call
    if isinstance(layer, keras.layers.Softmax):
        layer.call = lambda inputs, *_, **__: inputs
    try:
        yield
    finally:
        layer.call = call
        if hidden:
            layer.activation = function
