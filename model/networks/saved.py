"""Trained networks in the folders of designs: weights as HDF5; of adopted and kept ones, topology as JSON.

A network of an experiment is kept as a design without an instrument, with codes of unseen cells to try it on.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.design.design import Design
from cytogate.model.design.folder import (
    ADOPTED_TOPOLOGY,
    DESIGN_FILE,
    FLOAT_WEIGHTS,
    QUANTIZED_WEIGHTS,
    design_text,
    network_folder,
)
from cytogate.model.design.topologies import Saved
from cytogate.model.errors import InputError
from cytogate.model.files.npz import open_arrays
from cytogate.model.networks.build import build
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.operating_point import apply_operating_point
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_network

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError)
"""What Keras, JSON and HDF5 raise of files that are damaged, or nested too deeply, or hold numbers beyond all use."""
INPUT_CODES = "codes.npz"
"""In the network's folder of a design whose cells come as codes of the network's inputs."""


def save_network(model: keras.Model, design: Design, quantized: bool) -> Path:
    """Write the trained weights of a design's network, without an optimizer's, into its folder; return the path."""
    bare = build(design, quantized)
    bare.set_weights(model.get_weights())
    path = network_folder(design) / (QUANTIZED_WEIGHTS if quantized else FLOAT_WEIGHTS)
    _save(bare, path)
    return path


def load_network(design: Design, quantized: bool = True) -> keras.Model:
    """Return the trained network of a design, at its operating point.

    Raises
    ------
    InputError
        If there is none, its weights are of another network than ``design.toml`` asks for, or it cannot have the
        operating point.
    """
    model = _as_trained(design, quantized)
    if design.operating_point is not None:
        try:
            apply_operating_point(model, design.operating_point)
        except InputError as error:
            raise InputError(f"{network_folder(design)}: {error}") from error
    return model


def _as_trained(design: Design, quantized: bool) -> keras.Model:
    folder = network_folder(design)
    if isinstance(design.network.topology, Saved):
        return _load_saved(folder / ADOPTED_TOPOLOGY, folder / QUANTIZED_WEIGHTS)
    path = folder / (QUANTIZED_WEIGHTS if quantized else FLOAT_WEIGHTS)
    if not path.exists():
        raise InputError(
            f"{path}: design {design.name} has no trained network yet; make one with `cytogate train --design "
            f"{design.name if design.folder is None else design.folder}`"
        )
    model = build(design, quantized)
    _load(model, path)
    return model


def load_operations(design: Design) -> IntegerNetwork:
    """Return what the trained quantized network of a design computes.

    Raises
    ------
    InputError
        As :func:`load_network`; or if a layer has no exact equivalent on integers.
    """
    model = load_network(design)
    try:
        return read_network(model).network
    except InputError as error:
        raise InputError(f"{network_folder(design)}: {error}") from error


def read_keras_file(path: Path) -> keras.Model:
    """Return the quantized network in a ``.keras`` file; no code in the file is run.

    Raises
    ------
    InputError
        If the file is missing, is no Keras model, or holds layers that neither Keras nor QKeras knows.
    """
    try:
        model = keras.models.load_model(path, custom_objects=_known(), compile=False, safe_mode=True)
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as a .keras file of Keras and QKeras layers: {reason}") from error
    if not isinstance(model, keras.Model):
        raise InputError(f"{path}: holds {type(model).__name__}, no network")
    return _in_float32(model)


def _in_float32(model: keras.Model) -> keras.Model:
    """Return a network that was trained in mixed precision as one that computes in the precision of its weights."""
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model

    def anew(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | {"dtype": "float32"})

    found = keras.models.clone_model(model, clone_function=anew)
    found.set_weights(model.get_weights())
    return found


def save_adopted(model: keras.Model, design: Design) -> None:
    """Write a network of the user's own, topology and weights, into the folder of a design."""
    folder = network_folder(design)
    # Weights go first and come last: without them a design has no network, whenever this ends.
    (folder / QUANTIZED_WEIGHTS).unlink(missing_ok=True)
    with whole_file(folder / ADOPTED_TOPOLOGY) as partial:
        partial.write_text(model.to_json(indent=1) + "\n", encoding="utf-8")
    _save(model, folder / QUANTIZED_WEIGHTS)


def save_with_codes(model: keras.Model, codes: Sequence[NDArray[np.integer]], design: Design) -> None:
    """Write a design without an instrument into its folder: its network, and codes (cells, ...) for each input.

    Raises
    ------
    InputError
        If codes are not of the network's inputs, or its outputs are not the design's classes; nothing is written then.
    """
    folder = network_folder(design)
    _check_codes(model, codes, design, str(folder))
    save_adopted(model, design)
    arrays: dict[str, Any] = {_input_name(number): each for number, each in enumerate(codes)}
    with whole_file(folder / INPUT_CODES) as partial:
        np.savez_compressed(partial, **arrays)
    with whole_file(folder.parent / DESIGN_FILE) as partial:
        partial.write_text(design_text(design), encoding="utf-8")


def load_codes(model: keras.Model, design: Design) -> tuple[NDArray[np.integer], ...]:
    """Return the codes (cells, ...) that lie beside the network of a design without an instrument, of each input.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds no codes of the network's inputs.
    """
    path = network_folder(design) / INPUT_CODES
    codes = tuple(open_arrays(path, tuple(map(_input_name, range(len(model.inputs))))).values())
    _check_codes(model, codes, design, str(path))
    return codes


def has_network(design: Design) -> bool:
    """Return whether a trained network lies in the design's folder."""
    return design.folder is not None and (network_folder(design) / QUANTIZED_WEIGHTS).exists()


def _load_saved(topology: Path, weights: Path) -> keras.Model:
    """Return a network whose topology is saved beside its weights."""
    path = topology
    try:
        # Lambda layers, which hold code, are refused by Keras.
        model = keras.models.model_from_json(path.read_text(encoding="utf-8"), custom_objects=_known())
        path = weights
        model.load_weights(path)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: is no part of a saved quantized network: {reason}") from error
    return model


def _known() -> dict[str, object]:
    """Return the classes of QKeras by the names that files have for them."""
    from qkeras.utils import _add_supported_quantized_objects

    known: dict[str, object] = {}
    _add_supported_quantized_objects(known)
    return known


def _save(model: keras.Model, path: Path) -> None:
    with whole_file(path) as partial:
        # Keras insists on the suffix.
        written = partial.with_name(partial.name + ".weights.h5")
        model.save_weights(written)
        written.replace(partial)


def _load(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: holds no weights of this network ({reason}); train it anew") from error


def _input_name(number: int) -> str:
    return f"images_{number + 1}" if number else "images"


def _check_codes(model: keras.Model, codes: Sequence[NDArray[np.integer]], design: Design, where: str) -> None:
    network = read_network(model).network
    if network.logits.shape != (design.network.classes,):
        raise InputError(
            f"{where}: network {model.name} gives {network.logits.shape}; design {design.name} has "
            f"{design.network.classes} classes: {', '.join(design.network.class_names)}"
        )
    if len(codes) != len(network.inputs):
        raise InputError(f"{where}: codes of {len(codes)} inputs; network {model.name} has {len(network.inputs)}")
    for number, (given, entry) in enumerate(zip(codes, network.inputs, strict=True)):
        shape, words = entry.shape, entry.format
        if given.dtype.kind not in "iu" or given.shape[1:] != shape or not len(given) or len(given) != len(codes[0]):
            raise InputError(
                f"{where}: codes of input {number} are {given.dtype} {given.shape}; integers (cells, "
                f"{', '.join(map(str, shape))}) are needed, as many cells for each input"
            )
        if given.min() < words.code_min or given.max() > words.code_max:
            raise InputError(
                f"{where}: codes of input {number} are {given.min()} to {given.max()}; {words.ap_type} holds "
                f"{words.code_min} to {words.code_max}"
            )
