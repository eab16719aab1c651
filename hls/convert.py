"""Conversion of a quantized Keras network to Vitis HLS C++ with hls4ml, with nothing left to its defaults.

Every precision is given, from :func:`cytogate.model.networks.trace`, and afterwards read back from hls4ml's graph: a
layer or a quantizer that it dropped, merged or changed is an error that names it.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cytogate.hls.project import NETWORK_HEADER, HlsProject, network_header
from cytogate.model.boards import board_named
from cytogate.model.command import InputError
from cytogate.model.designs import Design
from cytogate.model.formats import PIXEL, Format
from cytogate.model.keras_backend import keras, qkeras
from cytogate.model.network_estimate import stream_depth
from cytogate.model.networks import Words, assert_exact_accumulation, constant_formats, trace

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
        A plain chain of QKeras layers with snapped batch normalization, logits last.
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
    assert logits is not None, "a chain that was traced ends in quantized words"
    project = HlsProject(folder, model.name, logits, model.output_shape[-1])
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
        board = board_named(design.board)
        clocks = model.input_shape[1] * model.input_shape[2] * board.network_clocks_per_pixel
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
                clock_period=1e3 / design.clock_mhz,
            )
        except Exception as error:
            raise InputError(f"network {model.name}: hls4ml does not convert it: {error}") from error
    _size_streams(graph)
    return graph


def _size_streams(graph: ModelGraph) -> None:
    """Give each stream the depth it needs; hls4ml makes it hold a whole map, which no small device has room for."""
    for node, after in pairwise(graph.get_layers()):
        words, leaving = node.get_output_variable(), after.get_output_variable()
        if words.pragma is None:
            continue
        row_length = 1
        if len(words.shape) == 3:
            rows, columns, _ = words.shape
            flattened = len(leaving.shape) == 1
            row_length = int(rows * columns if flattened else columns)
        words.pragma = ("stream", stream_depth(row_length))


def _precisions(layer: keras.Layer, model: keras.Model, words: tuple[Words, ...]) -> dict[str, str]:
    """Return hls4ml's settings for a layer: its result by the trace, its constants by their own formats."""
    found = {"result": _results(model, words)[layer.name], **constant_formats(layer)}
    if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
        found["accum"] = words[model.layers.index(layer)].format
    return {name: precision(each) for name, each in found.items()}


def _results(model: keras.Model, words: tuple[Words, ...]) -> dict[str, Format]:
    """Return the format of each layer's words as hardware passes them on.

    The input arrives as pixels. A layer with a signed quantizer behind it rounds itself, as hls4ml would merge the two.
    """
    results = {leaving.layer: leaving.format or PIXEL for leaving in words}
    for layer, after in pairwise(model.layers):
        if _is_merged(after):
            results[layer.name] = results[after.name]
    return results


def _is_merged(layer: keras.Layer) -> bool:
    return isinstance(layer, qkeras.QActivation) and isinstance(layer.activation, qkeras.quantized_bits)


def _check(graph: ModelGraph, model: keras.Model, words: tuple[Words, ...]) -> None:
    """Compare hls4ml's graph with the Keras model: layers, their kinds, order and precisions."""
    results, exact = _results(model, words), {leaving.layer: leaving.format for leaving in words}
    expected = [layer.name for layer in model.layers if not _is_merged(layer)]
    found = {node.name: node for node in graph.get_layers()}
    for name in expected:
        if name not in found:
            raise InputError(f"layer {name}: hls4ml dropped it from the network; it must stay, or leave the model")
    for name, node in found.items():
        if name not in expected and node.class_name != PADDING:
            raise InputError(f"layer {name}: hls4ml added a {node.class_name} that the model does not have")
        if name not in expected:
            continue
        _check_precisions(node, precision(results[name]), exact[name])
    order = [name for name in found if name in expected]
    if order != expected:
        raise InputError(f"network {model.name}: hls4ml ordered its layers {', '.join(order)}, unlike the model")


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
