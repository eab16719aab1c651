"""What ``cytogate adopt`` does: a quantized network of the user's own, checked and put into a design's folder.

It must read what the design's chain hands it, give a logit a class, and compute exactly: its logits in C-simulation
equal Keras's on random and extreme codes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.contract.fixed_point import Format
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.design.folder import DESIGN_FILE, network_folder
from cytogate.model.design.topologies import Saved
from cytogate.model.design.topology_line import with_topology
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import read_keras_file, save_adopted
from cytogate.model.networks.words import input_formats
from cytogate.sim.csim.network import compare_logits

RANDOM_CELLS = 12
BUILD_FOLDER = Path("out/adopt")


@dataclass(frozen=True)
class Adopted:
    """What was found of a network."""

    network: str
    values: int
    """Logits compared."""
    macs: int
    weights: int


def adopt(design: Design, file: Path) -> Adopted:
    """Check the network in ``file`` and put it into the folder of ``design``.

    Raises
    ------
    InputError
        If the file is no quantized Keras network, reads or gives something else than the design's, or cannot be exact.
    CheckFailed
        If a logit of the C-simulation differs from Keras's; nothing is written then.
    """
    folder, console = network_folder(design), terminal()
    model = read_keras_file(file)
    _check_ports(model, design, file)
    with console.status("converting with hls4ml, compiling with g++, simulating extreme codes ..."):
        codes = extreme_codes(contract(design).stage("network_input").shape, input_formats(model)[0])
        found = compare_logits(model, [codes], design, BUILD_FOLDER / design.name)
    if not found.holds:
        raise CheckFailed(f"{file}: {found.differing} of {found.values} logits differ between Keras and C-simulation")
    if not isinstance(design.network.topology, Saved):
        path = folder.parent / DESIGN_FILE
        text = with_topology(path, Saved.name)
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
        design = dataclasses.replace(design, network=dataclasses.replace(design.network, topology=Saved()))
    save_adopted(model, design)
    return Adopted(model.name, found.values, count_macs(model), count_weights(model))


def extreme_codes(shape: tuple[int, ...], words: Format) -> NDArray[np.int64]:
    """Return codes (cells, *shape): random ones over the whole range, each extreme everywhere, and checkerboards."""
    rng = np.random.default_rng(0)
    board = np.indices(shape).sum(axis=0) % 2 == 0
    low, high = words.code_min, words.code_max
    return np.stack(
        [
            *rng.integers(low, high, (RANDOM_CELLS, *shape), endpoint=True),
            np.full(shape, low),
            np.full(shape, high),
            np.zeros(shape, np.int64),
            np.where(board, low, high),
            np.where(board, high, low),
        ]
    )


def _check_ports(model: keras.Model, design: Design, file: Path) -> None:
    stage = contract(design).stage("network_input")
    if len(model.inputs) != 1 or tuple(model.inputs[0].shape[1:]) != stage.shape:
        taken = ", ".join(str(tuple(each.shape[1:])) for each in model.inputs)
        raise InputError(f"{file}: the network reads {taken}; design {design.name} hands it {stage.shape}")
    (words,) = input_formats(model)
    if (words.width, words.integer_bits, words.signed) != (
        stage.format.width, stage.format.integer_bits, stage.format.signed
    ):  # fmt: skip
        raise InputError(
            f"{file}: the quantizer behind the input gives {words.ap_type}; design {design.name} hands it "
            f"{stage.format.ap_type}"
        )
    outputs = tuple(model.output_shape[1:])
    if outputs != (design.network.classes,):
        raise InputError(
            f"{file}: the network gives {outputs}; design {design.name} has {design.network.classes} classes: "
            f"{', '.join(design.network.class_names)}"
        )
