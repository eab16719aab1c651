"""Conversion of a quantized network to Vitis HLS C++ with hls4ml, with nothing left to its defaults.

hls4ml is told every layer, constant and precision (:mod:`cytogate.hls.network.layers`), and its graph is read back
afterwards: what it dropped, merged or changed is an error that names the layer.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cytogate.hls.network.layers import REPACK, HlsLayer, hls_layers
from cytogate.hls.network.moments import MASK_MOMENTS, register, write_headers
from cytogate.hls.network.project import NETWORK_HEADER, HlsProject, network_header
from cytogate.model.command.files import whole_folder
from cytogate.model.contract.fixed_point import Format
from cytogate.model.design.boards import board_named
from cytogate.model.design.design import Design
from cytogate.model.design.folder import network_folder
from cytogate.model.errors import InputError
from cytogate.model.estimates.network import stream_depth, taken_in_before_joints
from cytogate.model.networks.identity import identity
from cytogate.model.networks.operations import IntegerNetwork

if TYPE_CHECKING:
    from hls4ml.model import ModelGraph

BACKEND = "Vitis"
TOP = "cytogate_network"
"""Of every project: a model may be called as its owner likes."""
CONFIG = "hls4ml_config.yml"
"""hls4ml's own settings, as it leaves them in a project."""
COPY = "Clone"
"""Where several layers read one stream, hls4ml copies it in a layer of its own."""
POOLING = "nnet_utils/nnet_pooling_stream.h"
POOLING_FUNCTION = "void pooling2d_cl("
TILES = "assert(CONFIG_T::pool_height == CONFIG_T::stride_height && CONFIG_T::pool_width == CONFIG_T::stride_width);"
JOINTS = ("Merge", "Concatenate")
TAKES_AS_IT_COMES = ("GlobalPooling2D", MASK_MOMENTS)
"""Layers that take every pixel of a map as it comes and give one vector."""
UNCHANGED = {REPACK: "Reshape", "PointwiseConv2D": "Conv2D"}
"""Classes that hls4ml puts in the place of others, which compute the same."""


def convert(network: IntegerNetwork, design: Design, folder: Path) -> HlsProject:
    """Write the HLS project of a quantized network into ``folder``, which appears whole, and return it.

    Parameters
    ----------
    network
        Operations on integers; see :func:`cytogate.model.networks.reading.reader.read_network`.
    design
        Gives board and clock.

    Raises
    ------
    InputError
        If hls4ml has no exact layer for an operation, or does not build what it is told; it names the layer. If
        ``folder`` is that of the design's own network, which the project would replace.
    """
    if design.folder is not None and folder.resolve() == network_folder(design).resolve():
        raise InputError(f"{folder}: holds the network of design {design.name}; build in another folder")
    board = board_named(design.chip.board)
    pixels = max(math.prod(each.shape[:-1]) for each in network.inputs)
    layers = hls_layers(network, pixels * board.network_clocks_per_pixel)
    graph = _graph(layers, network, design)
    _check(graph, layers)
    input_types = tuple(variable.type.name for variable in graph.get_input_variables())
    project = HlsProject(folder, TOP, network.logits.format, network.logits.shape, identity(network), input_types)
    with whole_folder(folder, replacing=True) as partial:
        graph.config.config["OutputDir"] = str(partial)
        with _quiet():
            graph.write()
        _tell_own_folder(partial / CONFIG)
        _let_windows_overlap(partial / "firmware" / POOLING)
        if any(layer.kind == MASK_MOMENTS for layer in layers):
            write_headers(partial / "firmware")
        (partial / NETWORK_HEADER).write_text(network_header(project), encoding="ascii")
    return project


def _tell_own_folder(path: Path) -> None:
    """Have hls4ml's settings name the folder that they lie in, wherever that is, and not the one it was written as."""
    text, found = re.subn(
        r"^OutputDir:.*(\n .*)*$", "OutputDir: .", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert found == 1, path
    path.write_text(text, encoding="utf-8")


def precision(words: Format) -> str:
    """Return a format in hls4ml's spelling."""
    kind = "fixed" if words.signed else "ufixed"
    rounding, overflow = (mode.value.removeprefix("AP_") for mode in (words.rounding, words.overflow))
    return f"{kind}<{words.width},{words.integer_bits},{rounding},{overflow},0>"


def _graph(layers: Sequence[HlsLayer], network: IntegerNetwork, design: Design) -> ModelGraph:
    board = board_named(design.chip.board)
    told = [
        {"name": layer.name, "class_name": layer.kind, "inputs": list(layer.reads), **layer.settings}
        for layer in layers
    ]
    with _quiet():
        from hls4ml.model.graph import ModelGraph
        from hls4ml.utils.config import create_config

        register(BACKEND)
        config = create_config(
            output_dir="unused",
            project_name=TOP,
            backend=BACKEND,
            part=board.part,
            clock_period=1e3 / design.chip.clock_mhz,
            io_type="io_stream",
        )
        config["HLSConfig"] = {
            "Model": {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": 1, "Strategy": "Latency"},
            "LayerName": {layer.name: _settings(layer) for layer in layers},
        }
        try:
            inputs = [layer.name for layer in layers if layer.kind == "InputLayer"]
            graph = ModelGraph.from_layer_list(config, told, inputs, [layers[-1].name])
            graph.apply_flow(graph.config.backend.get_default_flow())
        except Exception as error:
            raise InputError(f"network {network.name}: hls4ml does not convert it: {error}") from error
    _size_streams(graph)
    return graph


def _settings(layer: HlsLayer) -> dict[str, Any]:
    """Return hls4ml's settings of a layer: its types, and how many products share a multiplier."""
    formats = {"result": layer.written, **layer.types}
    found: dict[str, Any] = {"Precision": {name: precision(each) for name, each in formats.items()}}
    if layer.reuse is not None:
        found |= {"Strategy": "Resource", "ReuseFactor": layer.reuse}
    return found


def _let_windows_overlap(header: Path) -> None:
    """Take an assertion out of hls4ml's pooling: it wants windows that tile the map, and what follows needs no such.

    The counters below it are those of the convolution, which has no such assertion: strides may be any.
    """
    text = header.read_text(encoding="utf-8")
    head, begin, rest = text.partition(POOLING_FUNCTION)
    body, assertion, left = rest.partition(TILES)
    if not assertion or "ReadInputHeight:" in body:
        raise InputError(f"hls4ml's {header.name} is another one than is known: it lacks `{TILES}`")
    header.write_text(head + begin + body + left, encoding="utf-8")


def _size_streams(graph: ModelGraph) -> None:
    """Give each stream the depth it needs; hls4ml makes it hold a whole map, which no small device has room for.

    In a chain, and where chains of different inputs join, no depth can lock up: who waits, waits for a neighbor that
    can go on. Where ways part and join again, one may have to run ahead of the other by as much as the layers on that
    one keep back: what parts them, and what joins them, have streams that hold a whole map; but not where
    :func:`~cytogate.model.estimates.network.taken_in_before_joints` holds.
    """
    nodes = list(graph.get_layers())
    readers: dict[str, list[Any]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)

    def following(node: Any) -> list[Any]:
        return [reader for name in node.outputs for reader in readers.get(name, [])]

    for node in nodes:
        parts = node.class_name == COPY and not taken_in_before_joints(
            node, following, lambda it: it.class_name in TAKES_AS_IT_COMES, lambda it: it.class_name in JOINTS
        )
        for name in node.outputs:
            words = node.get_output_variable(name)
            if words.pragma is None or name not in readers:
                continue
            (reader,) = readers[name]
            row_length = 1
            if len(words.shape) == 3:
                rows, columns, _ = words.shape
                at_once = len(reader.get_output_variable().shape) == 1 and reader.class_name not in TAKES_AS_IT_COMES
                whole = parts or reader.class_name in JOINTS or at_once
                row_length = int(rows * columns if whole else columns)
            words.pragma = ("stream", stream_depth(row_length))


def _check(graph: ModelGraph, layers: Sequence[HlsLayer]) -> None:
    """Compare hls4ml's graph with what it was told: layers, what each reads in which order, settings, precisions."""
    found = {node.name: node for node in graph.get_layers()}
    expected = {layer.name: layer for layer in layers}
    for layer in layers:
        name = layer.operation.name
        if layer.name not in found and f"repack_{layer.name}" not in found:
            raise InputError(f"layer {name}: hls4ml dropped it from the network; it must stay, or leave the model")
    for name, node in found.items():
        name = name.removeprefix("repack_")
        if name not in expected:
            if node.class_name != COPY:
                raise InputError(f"layer {name}: hls4ml added a {node.class_name} that the network does not have")
            continue
        _check_layer(node, expected[name], graph)
    ends = [[_layer_of(graph, variable) for variable in variables] for variables in (
        graph.get_input_variables(), graph.get_output_variables()
    )]  # fmt: skip
    wanted = [[layer.name for layer in layers if layer.kind == "InputLayer"], [layers[-1].name]]
    for kind, given, due in zip(("input", "output"), ends, wanted, strict=True):
        if given != due:
            raise InputError(f"the network's {kind}s in hls4ml are {', '.join(given)}; they are {', '.join(due)}")


def _check_layer(node: Any, layer: HlsLayer, graph: ModelGraph) -> None:
    name = layer.operation.name
    kind = UNCHANGED.get(node.class_name, node.class_name)
    made = UNCHANGED.get(layer.kind, layer.kind)
    if kind not in (made, _CLASSES.get(made)):
        raise InputError(f"layer {name}: hls4ml makes a {node.class_name} of it; it is a {layer.kind}")
    if layer.reads:
        reads = tuple(_source(graph, source) for source in node.inputs)
        if reads != layer.reads:
            raise InputError(
                f"layer {name}: reads {', '.join(reads)} in hls4ml's network, not {', '.join(layer.reads)}"
            )
    given = str(node.get_output_variable().type.precision)
    if given != precision(layer.written):
        raise InputError(f"layer {name}: hls4ml gives its values the format {given}; it is {precision(layer.written)}")
    for what, words in layer.types.items():
        given = str(node.get_attr(f"{what}_t").precision)
        # Of constants hls4ml keeps width and point alone: they are on their grid already.
        if given.split(",")[:2] != precision(words).split(",")[:2]:
            raise InputError(f"layer {name}: hls4ml gives its {what} the format {given}; it is {precision(words)}")
    shared = node.get_attr("reuse_factor")
    if layer.reuse is not None and (shared != layer.reuse or node.get_attr("strategy") != "resource"):
        raise InputError(
            f"layer {name}: hls4ml shares a multiplier between {shared} multiplications; {layer.reuse} were asked for"
        )
    _check_settings(node, layer)


_CLASSES = {
    "MaxPooling2D": "Pooling2D",
    "AveragePooling2D": "Pooling2D",
    "GlobalMaxPooling2D": "GlobalPooling2D",
    "GlobalAveragePooling2D": "GlobalPooling2D",
    "LeakyReLU": "ParametrizedActivation",
    "UpSampling2D": "Resize",
    "InputLayer": "Input",
}


def _check_settings(node: Any, layer: HlsLayer) -> None:
    """Compare attributes and constants with what hls4ml was told."""
    for what, due in layer.settings.items():
        if what.endswith("_data"):
            _check_constants(node, layer, what.removesuffix("_data"), due)
        elif (
            what not in ("target_shape", "input_shape")
            and (what != "op" or layer.kind == "Merge")
            and node.get_attr(what) != due
        ):
            raise InputError(f"layer {layer.operation.name}: hls4ml gives it {what} {node.get_attr(what)}; it is {due}")
    shape = tuple(int(extent) for extent in node.get_output_variable().shape)
    due_shape = layer.operation.shape
    if layer.kind.startswith("Global"):
        due_shape = due_shape[-1:]
    if shape != due_shape:
        raise InputError(f"layer {layer.operation.name}: hls4ml gives values of shape {shape}; they are {due_shape}")


def _check_constants(node: Any, layer: HlsLayer, what: str, due: Any) -> None:
    given = node.weights["weight" if what == "depthwise" else what].data
    given = np.asarray(given, np.float64)
    if node.get_attr("_weights_transposed") and what == "weight":
        # The outputs were put first.
        given = np.moveaxis(given, 0, -1)
    if not np.array_equal(given.reshape(-1), np.asarray(due, np.float64).reshape(-1)):
        raise InputError(f"layer {layer.operation.name}: hls4ml changes its {what}")


def _source(graph: ModelGraph, name: str) -> str:
    """Return the layer that writes a stream, whatever copies it on the way."""
    node = next(node for node in graph.get_layers() if name in node.outputs)
    return _source(graph, node.inputs[0]) if node.class_name == COPY else node.name.removeprefix("repack_")


def _layer_of(graph: ModelGraph, variable: Any) -> str:
    node = next(node for node in graph.get_layers() if variable in node.variables.values())
    return node.name.removeprefix("repack_")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep hls4ml's remarks on what it tries off the terminal; what matters is checked."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
