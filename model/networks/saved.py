"""A trained quantized network in a folder: topology as JSON, weights as HDF5, codes of unseen cells to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.design.design import Design, Meng2017
from cytogate.model.errors import InputError
from cytogate.model.files.npz import open_arrays
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2017 import meng2017
from cytogate.model.networks.words import assert_exact_accumulation, input_formats

TOPOLOGY, WEIGHTS, CODES = "twin.json", "twin.weights.h5", "twin_codes.npz"


@dataclass(frozen=True, eq=False)
class SavedTwin:
    """A network that is exact in fixed point, and cells for it."""

    model: keras.Model
    codes: tuple[NDArray[np.integer], ...]
    """(cells, ...) of each input, in the format that the network's quantizers give it."""


def save_twin(model: keras.Model, codes: Sequence[NDArray[np.integer]], folder: Path) -> None:
    """Write a network and codes (cells, ...) for each of its inputs into ``folder``, which exists."""
    SavedTwin(model, _checked(model, tuple(codes), str(folder)))
    (folder / TOPOLOGY).write_text(model.to_json(indent=1) + "\n", encoding="utf-8")
    model.save_weights(folder / WEIGHTS)
    arrays: dict[str, Any] = {_name(number): each for number, each in enumerate(codes)}
    np.savez_compressed(folder / CODES, **arrays)


def load_twin(folder: Path) -> SavedTwin:
    """Read what :func:`save_twin` has written.

    Raises
    ------
    InputError
        Where a file is missing or damaged, the network is not exact in fixed point, or codes are not of its inputs.
    """
    from qkeras.utils import _add_supported_quantized_objects

    known: dict[str, object] = {}
    _add_supported_quantized_objects(known)
    path = folder / TOPOLOGY
    try:
        # Lambda layers, which hold code, are refused by Keras.
        model = keras.models.model_from_json(path.read_text(encoding="utf-8"), custom_objects=known)
        path = folder / WEIGHTS
        model.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: is no part of a trained twin as an experiment writes it: {reason}") from error
    assert_exact_accumulation(model)
    path = folder / CODES
    arrays = open_arrays(path, tuple(map(_name, range(len(model.inputs)))))
    return SavedTwin(model, _checked(model, tuple(arrays.values()), str(path)))


def _name(number: int) -> str:
    return f"images_{number + 1}" if number else "images"


def _checked(model: keras.Model, codes: tuple[NDArray[np.integer], ...], where: str) -> tuple[NDArray[np.integer], ...]:
    formats = input_formats(model)
    if len(codes) != len(formats):
        raise InputError(f"{where}: codes of {len(codes)} inputs; network {model.name} has {len(formats)}")
    for number, (given, words, tensor) in enumerate(zip(codes, formats, model.inputs, strict=True)):
        shape = tuple(tensor.shape[1:])
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
    return codes


SHIPPED = Path(__file__).resolve().parents[1] / "weights"
"""Trained networks that come with the package."""
NETWORK = "meng2017"


def weights_path(design: Design, quantized: bool, folder: Path = SHIPPED) -> Path:
    """Return where the trained weights of a design lie."""
    return folder / f"{record_name(design)}{'' if quantized else '-float'}.weights.h5"


def record_name(design: Design) -> str:
    """Return the name of a design's trained network; filters other than the default ones are part of it."""
    filters = design.network.filters
    variant = "" if filters == Meng2017().filters else "-" + "-".join(map(str, filters))
    return f"{NETWORK}-{design.name}{variant}"


def save_trained(model: keras.Model, design: Design, quantized: bool, folder: Path = SHIPPED) -> Path:
    """Write a trained network's weights, without its optimizer."""
    bare = meng2017(design.network, design.size, quantized)
    bare.set_weights(model.get_weights())
    path = weights_path(design, quantized, folder)
    _save(bare, path)
    return path


def load_trained(design: Design, quantized: bool = True, folder: Path = SHIPPED) -> keras.Model:
    """Return the trained network of a design, exact in fixed point where it is quantized."""
    path = weights_path(design, quantized, folder)
    if not path.exists():
        raise InputError(
            f"{path}: there is no trained network of design {design.name}; make one with "
            f"`cytogate train --design {design.name}`"
        )
    model = meng2017(design.network, design.size, quantized)
    _load(model, path)
    if quantized:
        assert_exact_accumulation(model)
    return model


def _save(model: keras.Model, path: Path) -> None:
    with whole_file(path) as partial:
        # Keras insists on the suffix.
        written = partial.with_name(partial.name + ".weights.h5")
        model.save_weights(written)
        written.replace(partial)


def _load(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: holds no weights of this network ({reason}); train it anew") from error
