"""A quantized Keras network, read as operations on integers.

A layer is known by its exact class, and every one of its settings is looked at: a subclass, a setting that is not
known, a value that changes what is computed is an error that names the layer.

Keras computes in float32, which holds every integer below 2^24. As long as no sum reaches it, Keras gives what the
operations give, word for word. Products whose sums may reach it are refused. Where Keras rounds all the same, in means
and in normalizations that are on no grid, :attr:`Reading.keras_rounds` names the layers, and the operations are what
counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from cytogate.model.contract.fixed_point import Format
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.operations import (
    EXACT_BITS,
    Add,
    Crop,
    Input,
    IntegerNetwork,
    Mean,
    Operation,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Round,
    Subtract,
)
from cytogate.model.networks.quantizers import quantized
from cytogate.model.networks.reading.activations import IN_PLACE, is_linear
from cytogate.model.networks.reading.kinds import IDENTITIES, JOINING, READERS, refusal
from cytogate.model.networks.reading.likeness import Likeness
from cytogate.model.networks.widths import EXACT_STEPS

FLOAT32 = "float32"
INPUT_BITS = 16
"""Widest words of an input."""
LOGIT_BITS = 32
"""Widest words of the last layer: a beat of the chip, signed."""
ARITHMETIC = (Add, Subtract, Mean)
"""Operations in whose sums Keras rounds where they reach 2^24 steps."""
REARRANGING = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
    keras.layers.UpSampling2D,
)
"""Layers that may stand between an input and its quantizer: rounding first comes to the same."""


@dataclass(frozen=True)
class Reading:
    """A network as it was read."""

    network: IntegerNetwork
    keras_rounds: tuple[str, ...]
    """Layers whose words differ from Keras's now and then: it rounds in them, or their constants are on no grid."""
    host: str | None
    """What the last layer applies to the logits and the host does in its place: softmax, sigmoid or tanh."""


def read_network(model: keras.Model) -> Reading:
    """Read a quantized network.

    Raises
    ------
    InputError
        If a layer has no exact equivalent on integers; it names the layer.
    """
    return Reader(model).reading


def read_exactly(model: keras.Model) -> IntegerNetwork:
    """Read a network that Keras computes as the operations do, word for word.

    Raises
    ------
    InputError
        If Keras rounds in a layer, too.
    """
    reading = read_network(model)
    for name in reading.keras_rounds:
        raise InputError(
            f"layer {name}: Keras rounds in it, as its sums may reach 2^24 steps or its normalization is on no grid; "
            f"use fewer bits for its weights or inputs, put a quantizer between it and the layer before, or settle it"
        )
    return reading.network


class Reader:
    """Follows a model's graph, its nested models included, and writes down operations."""

    def __init__(self, model: keras.Model) -> None:
        self.operations: dict[str, Operation] = {}
        self.likeness: dict[str, Likeness] = {}
        self.steps: dict[str, int] = {}
        self._rounding: list[str] = []
        self._narrow: list[str] = []
        self._host: str | None = None
        functional = _functional(model, "the network")
        entries = [Entry(_layer_of(tensor).name, _shape(tensor, model.name)) for tensor in functional.inputs]
        self._inputs = [entry.name for entry in entries]
        outputs = self._run(functional, entries)
        if len(outputs) != 1:
            raise InputError(f"network {model.name}: has {len(outputs)} outputs; one vector of logits is needed")
        last = self._settled(outputs[0], f"network {model.name}")
        if isinstance(last, Input):
            raise InputError(f"network {model.name}: computes nothing but the rounding of its input")
        unread = [name for name in self._inputs if name not in self.operations]
        if unread:
            raise InputError(f"layer {unread[0]}: no layer reads this input")
        if len(last.shape) != 1:
            raise InputError(
                f"layer {last.name}: gives a map {last.shape}; the logits of a classifier are a vector: end in "
                f"GlobalAveragePooling2D, or in Flatten and a dense layer"
            )
        last = self._narrowed(last)
        used = self._used(last)
        found = tuple(each for each in self.operations.values() if each.name in used)
        dead = [name for name in self._inputs if name not in used]
        if dead:
            raise InputError(f"layer {dead[0]}: the logits do not depend on this input")
        # Inputs in the model's order, ahead; the logits last.
        inputs = [self.operations[name] for name in self._inputs]
        rest = [each for each in found if not isinstance(each, Input) and each is not last]
        rounding = dict.fromkeys([*self._narrow, *(name for name in self._rounding if name in used)])
        self.reading = Reading(IntegerNetwork(model.name, (*inputs, *rest, last)), tuple(rounding), self._host)

    def add(self, operation: Operation, steps: int | None = None, likeness: Likeness | None = None) -> Operation:
        """Write down an operation; ``steps`` is the largest magnitude of its words, by its format where left out."""
        if operation.name in self.operations:
            number = 2
            while f"{operation.name}_{number}" in self.operations:
                number += 1
            operation = replace(operation, name=f"{operation.name}_{number}")
        if operation.format.width > EXACT_BITS:
            raise InputError(
                f"layer {operation.name}: its values need {operation.format.width} bits; put a quantizer before it"
            )
        if self._host is not None:
            raise InputError(
                f"layer {operation.name}: follows {self._host}, which is no function of fixed point; "
                f"use {IN_PLACE} there"
            )
        self.operations[operation.name] = operation
        largest = max(-operation.format.code_min, operation.format.code_max)
        self.steps[operation.name] = largest if steps is None else min(steps, largest)
        if likeness is None and isinstance(operation, ARITHMETIC) and self.steps[operation.name] >= EXACT_STEPS:
            likeness = Likeness.ROUNDED
        self.likeness[operation.name] = likeness or self._of_sources(operation)
        if likeness is Likeness.ROUNDED:
            self._rounding.append(operation.name)
        return operation

    def steps_on(self, operation: Operation, fraction_bits: int) -> int:
        """Return the largest magnitude of an operation's words in steps of another grid, rounded up."""
        return math.ceil(math.ldexp(self.steps[operation.name], fraction_bits - operation.format.fraction_bits))

    def leave_to_host(self, function: str) -> None:
        """Take a function at the end for the host's.

        Raises
        ------
        InputError
            If there is one already: probabilities of probabilities are others.
        """
        if self._host is not None:
            raise InputError(f"network: {function} follows {self._host}; one function alone is left to the host")
        self._host = function

    def _narrowed(self, last: Operation) -> Operation:
        """Return the logits as words that a chip hands over, and note whether Keras's differ from them."""
        if self.likeness[last.name] is Likeness.CLOSE:
            made = last
            while isinstance(made, Reshape):
                made = self.operations[made.reads[0]]
            self._rounding.append(made.name)
        given = last.format
        width = LOGIT_BITS if given.signed else LOGIT_BITS - 1
        if given.width <= width:
            return last
        # Keras's float32 hold 24 bits of them.
        words = Format(width, given.integer_bits, given.signed)
        host, self._host = self._host, None
        likeness = None if self.likeness[last.name] is Likeness.ROUNDED else Likeness.ROUNDED
        made = self.add(Round(f"{last.name}_logits", (last.name,), (given,), last.shape, words), likeness=likeness)
        self._host = host
        return made

    def _of_sources(self, operation: Operation) -> Likeness:
        found = {self.likeness[name] for name in operation.reads}
        if found <= {Likeness.EQUAL}:
            return Likeness.EQUAL
        keeps = isinstance(operation, (Reshape, Permute, Pad, Crop, Repeat))
        if found == {Likeness.CLOSE} and (keeps or isinstance(operation, Round)):
            if keeps or operation.format.fraction_bits >= operation.entering[0].fraction_bits:
                return Likeness.CLOSE
            if self._settles(operation):
                return Likeness.EQUAL
        if Likeness.ROUNDED not in found:
            self._rounding.append(operation.name)
        return Likeness.ROUNDED

    def _settles(self, rounding: Operation) -> bool:
        """Whether rounding makes equal what was close: its halves lie farther apart than a mean is off."""
        source = self.operations[rounding.reads[0]]
        while not isinstance(source, Mean):
            source = self.operations[source.reads[0]]
        dropped = source.format.fraction_bits - rounding.format.fraction_bits
        return dropped > math.prod(source.window).bit_length()

    def _used(self, last: Operation) -> set[str]:
        used, waiting = set[str](), [last.name]
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting += self.operations[name].reads
        return used

    def _run(self, functional: Any, values: list[Any]) -> list[Any]:
        """Follow a graph with operations in place of tensors."""
        outputs = functional._run_through_graph(values, operation_fn=lambda operation: _Call(self, operation))
        return list(keras.tree.flatten(outputs))

    def call(self, layer: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Read one application of a layer."""
        if type(layer) in JOINING and all(isinstance(each, (Operation, Entry)) for each in arguments):
            arguments = (list(arguments),)
        elif not isinstance(layer, keras.layers.Layer):
            raise InputError(
                f"layer {layer.name}: is the operation {type(layer).__name__}, no layer of Keras; sums, differences, "
                f"maxima and minima of two layers are read"
            )
        given = [name for name, value in options.items() if value is not None and name != "training"]
        if len(arguments) != 1 or given:
            raise InputError(f"layer {layer.name}: is called with {', '.join(given) or 'several arguments'}")
        sources = list(arguments[0]) if isinstance(arguments[0], (list, tuple)) else [arguments[0]]
        if isinstance(layer, keras.Model):
            found = self._run(_functional(layer, f"layer {layer.name}"), sources)
            return found[0] if len(found) == 1 else found
        if getattr(layer, "compute_dtype", FLOAT32) != FLOAT32:
            self._narrow.append(layer.name)
        entry = sources[0]
        if type(layer) in (keras.layers.InputLayer, *IDENTITIES) or is_linear(layer):
            return entry
        if isinstance(entry, Entry) and type(layer) is qkeras.QActivation:
            return self._enter(entry, layer)
        if isinstance(entry, Entry) and type(layer) in REARRANGING:
            return replace(entry, rearranged=(*entry.rearranged, layer))
        operations = [self._settled(each, f"layer {layer.name}") for each in sources]
        reader = READERS.get(type(layer))
        if reader is None:
            raise InputError(f"layer {layer.name}: {refusal(layer)}")
        return reader(self, layer, *operations)

    def _enter(self, entry: Entry, layer: Any) -> Operation:
        """Let the quantizer behind an input say what comes in."""
        found = quantized(layer.activation, layer.name)
        if not found.plain:
            raise InputError(
                f"layer {layer.name}: the quantizer after an input must be plain rounding to a format; use "
                f"quantized_bits of 2 bits or more, or quantized_relu, and this one after it"
            )
        words = found.format
        if words.width > INPUT_BITS:
            raise InputError(f"layer {layer.name}: an input of {words.width} bits; at most {INPUT_BITS} are supported")
        known = self.operations.get(entry.name)
        if known is None:
            self._check_shape(entry)
            known = self.add(Input(entry.name, (), (), entry.shape, words))
        if known.format != words:
            raise InputError(
                f"layer {layer.name}: rounds the input {entry.name} to {words.ap_type}, another layer to "
                f"{known.format.ap_type}; an input has one format"
            )
        for rearranging in entry.rearranged:
            known = READERS[type(rearranging)](self, rearranging, known)
        return known

    def _check_shape(self, entry: Entry) -> None:
        if len(entry.shape) not in (1, 3):
            raise InputError(
                f"layer {entry.name}: an input of shape {entry.shape}; maps (rows, columns, channels) and vectors are "
                f"supported"
            )

    def _settled(self, value: Any, reader: str) -> Operation:
        if isinstance(value, Operation):
            return value
        if isinstance(value, Entry):
            raise InputError(
                f"{reader}: its input is not quantized; put a QActivation with a quantized_bits or quantized_relu "
                f"after the input {value.name}"
            )
        raise InputError(f"{reader}: takes {type(value).__name__}, no values of a layer")


@dataclass(frozen=True)
class Entry:
    """An input ahead of its quantizer."""

    name: str
    shape: tuple[int, ...]
    rearranged: tuple[Any, ...] = ()
    """Layers between the two that rearrange its words."""


@dataclass(frozen=True)
class _Call:
    """What stands in for a layer while a graph is followed."""

    reader: Reader
    layer: Any

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.reader.call(self.layer, arguments, options)


def _functional(model: Any, what: str) -> Any:
    """Return a model's graph."""
    if type(model) is keras.Sequential:
        model = model._functional
    if model is None or not isinstance(model, keras.src.models.functional.Functional):
        raise InputError(
            f"{what}: {type(model).__name__} is no graph of layers; build it with keras.Sequential or by the "
            f"functional interface, with the shape of its input"
        )
    return model


def _layer_of(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _shape(tensor: Any, name: str) -> tuple[int, ...]:
    shape = tuple(tensor.shape[1:])
    if any(extent is None for extent in shape):
        raise InputError(f"network {name}: its input has the open shape {shape}; hardware has one size")
    return tuple(map(int, shape))
