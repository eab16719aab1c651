"""Conversion of a quantized Keras network to Vitis HLS C++ with hls4ml, with nothing left to its defaults.

Every precision is given, from :func:`cytogate.model.networks.words.trace`, and afterwards read back from hls4ml's
graph: a layer or a quantizer that it dropped, merged or changed is an error that names it.
"""

from __future__ import annotations

import contextlib
import io
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cytogate.hls.network.project import NETWORK_HEADER, HlsProject, network_header
from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.boards import board_named
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.estimates.network import stream_depth
from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.words import (
    Words,
    assert_exact_accumulation,
    constant_formats,
    is_merged,
    merged_sources,
    slope_shift,
    sources,
    trace,
    written_formats,
)

if TYPE_CHECKING:
    from hls4ml.model import ModelGraph

BACKEND = "Vitis"
PADDING = "ZeroPadding2D"
"""hls4ml pads ahead of a convolution in a layer of its own."""
ACCUMULATING = ("Conv2D", "Dense")


def convert(model: keras.Model, design: Design, folder: Path) -> HlsProject:
    """Write the HLS project of a quantized network into ``folder``, which appears whole, and return it.

    Parameters
    ----------
    model
        Chains of QKeras layers with snapped batch normalization, which Concatenates join, logits last.
    design
        Gives board and clock.

    Raises
    ------
    InputError
        If a layer cannot be exact in fixed point, or hls4ml does not build what the model says; it names the layer.
    """
    assert_exact_accumulation(model)
    words = trace(model)
    graph = _graph(model, words, design)
    _check(graph, model, words)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    graph.config.config["OutputDir"] = str(partial)
    with _quiet():
        graph.write()
    logits = words[-1].format
    assert logits is not None, "a network that was traced ends in quantized words"
    input_types = tuple(variable.type.name for variable in graph.get_input_variables())
    project = HlsProject(folder, model.name, logits, model.output_shape[-1], input_types)
    (partial / NETWORK_HEADER).write_text(network_header(project), encoding="ascii")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return project


def precision(words: Format) -> str:
    """Return a format in hls4ml's spelling."""
    kind = "fixed" if words.signed else "ufixed"
    rounding, overflow = (mode.value.removeprefix("AP_") for mode in (words.rounding, words.overflow))
    return f"{kind}<{words.width},{words.integer_bits},{rounding},{overflow},0>"


def reuse_factor(layer: keras.Layer, clocks: int) -> int:
    """Return how many products of a layer share a multiplier if a cell may take ``clocks``.

    Each layer is given as many clocks for an output position as pass until its next one is due: after each pooling
    four times as many.
    """
    positions = 1
    for extent in layer.output.shape[1:-1]:
        positions *= extent
    return max(1, clocks // positions)


def _graph(model: keras.Model, words: tuple[Words, ...], design: Design) -> ModelGraph:
    with _quiet():
        import hls4ml

        _register_activation()
        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend=BACKEND)
        board = board_named(design.chip.board)
        pixels = max(math.prod(tensor.shape[1:-1]) for tensor in model.inputs)
        clocks = pixels * board.network_clocks_per_pixel
        for layer in model.layers:
            settings = config["LayerName"][layer.name]
            settings["Precision"].update(_precisions(layer, model, words))
            if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
                settings.update(Strategy="Resource", ReuseFactor=reuse_factor(layer, clocks))
        try:
            graph = hls4ml.converters.convert_from_keras_model(
                model,
                hls_config=config,
                output_dir="unused",
                project_name=model.name,
                backend=BACKEND,
                io_type="io_stream",
                part=board.part,
                clock_period=1e3 / design.chip.clock_mhz,
            )
        except Exception as error:
            raise InputError(f"network {model.name}: hls4ml does not convert it: {error}") from error
    _size_streams(graph)
    return graph


def _size_streams(graph: ModelGraph) -> None:
    """Give each stream the depth it needs; hls4ml makes it hold a whole map, which no small device has room for.

    Where chains join, no depth can lock up either: each has an input stream of its own, and the one that is read later
    waits for nothing but its turn.
    """
    layers = list(graph.get_layers())
    readers = {name: node for node in layers for name in node.inputs}
    for node in layers:
        words = node.get_output_variable()
        if words.pragma is None or node.outputs[0] not in readers:
            continue
        leaving = readers[node.outputs[0]].get_output_variable()
        row_length = 1
        if len(words.shape) == 3:
            rows, columns, _ = words.shape
            flattened = len(leaving.shape) == 1
            row_length = int(rows * columns if flattened else columns)
        words.pragma = ("stream", stream_depth(row_length))


def _precisions(layer: keras.Layer, model: keras.Model, words: tuple[Words, ...]) -> dict[str, str]:
    """Return hls4ml's settings for a layer: its result by the trace, its constants by their own formats."""
    found = {"result": written_formats(model, words)[layer.name], **constant_formats(layer)}
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        found["accum"] = words[model.layers.index(layer)].format
    return {name: precision(each) for name, each in found.items()}


def _check(graph: ModelGraph, model: keras.Model, words: tuple[Words, ...]) -> None:
    """Compare hls4ml's graph with the Keras model: layers, what each reads in which order, and precisions."""
    results, exact = written_formats(model, words), {leaving.layer: leaving.format for leaving in words}
    expected = merged_sources(model)
    found = {node.name: node for node in graph.get_layers()}
    for name in expected:
        if name not in found:
            raise InputError(f"layer {name}: hls4ml dropped it from the network; it must stay, or leave the model")
    for name, node in found.items():
        if name not in expected and node.class_name != PADDING:
            raise InputError(f"layer {name}: hls4ml added a {node.class_name} that the model does not have")
        if name not in expected:
            continue
        _check_sources(node, expected[name])
        _check_precisions(node, precision(results[name]), exact[name])
        _check_constants(node, model.get_layer(name))
    for kind, variables, tensors in (
        ("input", graph.get_input_variables(), model.inputs),
        ("output", graph.get_output_variables(), model.outputs),
    ):
        given = [_layer_of(graph, variable) for variable in variables]
        wanted = [_producer(model, tensor) for tensor in tensors]
        if given != wanted:
            raise InputError(f"network {model.name}: {kind}s in hls4ml are {', '.join(given)}, unlike the model's")


def _check_sources(node: Any, expected: tuple[str, ...]) -> None:
    if not expected:
        # An input, which hls4ml lets read itself.
        return
    reads = tuple(_unpadded(node.get_input_node(source)).name for source in node.inputs)
    if reads != expected:
        raise InputError(
            f"layer {node.name}: reads {', '.join(reads)} in hls4ml's network; the model says {', '.join(expected)}"
        )


def _unpadded(node: Any) -> Any:
    return node.get_input_node() if node.class_name == PADDING else node


def _layer_of(graph: ModelGraph, variable: Any) -> str:
    return next(node.name for node in graph.get_layers() if variable in node.variables.values())


def _producer(model: keras.Model, tensor: keras.KerasTensor) -> str:
    """Return the layer that hls4ml lets write a tensor."""
    layer = next(layer for layer in model.layers if layer.output is tensor)
    return sources(model)[layer.name][0] if is_merged(layer) else layer.name


def _check_precisions(node: Any, result: str, exact: Format | None) -> None:
    given = str(node.get_output_variable().type.precision)
    if given != result:
        raise InputError(f"layer {node.name}: hls4ml gives its words the format {given}; the model says {result}")
    if node.class_name in ACCUMULATING and exact is not None:
        accumulator = str(node.get_attr("accum_t").precision)
        if accumulator != precision(exact):
            raise InputError(
                f"layer {node.name}: hls4ml accumulates in {accumulator}; {precision(exact)} is what the weights need"
            )


def _check_constants(node: Any, layer: keras.Layer) -> None:
    for name, words in constant_formats(layer).items():
        given = str(node.get_attr(f"{name}_t").precision)
        # Of constants hls4ml keeps width and point alone: they are on their grid already.
        if given.split(",")[:2] != precision(words).removesuffix(">").split(",")[:2]:
            raise InputError(f"layer {node.name}: hls4ml gives its {name} the format {given}; it is {precision(words)}")
    if slope_shift(layer) and node.get_attr("activ_param") != 2.0 ** -slope_shift(layer):
        raise InputError(f"layer {node.name}: hls4ml gives it the slope {node.get_attr('activ_param')}")


def _register_activation() -> None:
    """Teach hls4ml's Keras 3 reader the one QKeras layer that it does not know, by way of its Keras 2 handler."""
    from hls4ml.converters.keras_v2_to_hls import layer_handlers
    from hls4ml.converters.keras_v3_to_hls import v3_layer_handlers

    def activation(layer: keras.Layer, inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[dict[str, Any]]:
        described = {"class_name": "QActivation", "config": layer.get_config()}
        names, shapes = [tensor.name for tensor in inputs], [list(tensor.shape) for tensor in inputs]
        settings, _ = layer_handlers["QActivation"](described, names, shapes, None)
        settings["input_keras_tensor_names"] = names
        settings["output_keras_tensor_names"] = [tensor.name for tensor in outputs]
        return (settings,)

    v3_layer_handlers["QActivation"] = activation


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep hls4ml's remarks on what it tries off the terminal; what matters is checked."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
