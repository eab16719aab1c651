"""The job of ``cytogate adopt``: a quantized network of the user's own, checked and put into a design's folder.

It must read what the design's chain hands it, give a logit a class, and compute exactly: its logits in C-simulation
equal those of its operations on integers, for random and extreme codes, and Keras's, too, where Keras does not round.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.design.folder import DESIGN_FILE, OPERATING_POINT_FILE, network_folder
from cytogate.model.design.topologies import Saved
from cytogate.model.design.topology_line import with_topology
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_check import KerasLikeness, compare_with_keras
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import read_keras_file, save_adopted
from cytogate.sim.csim.network import compare_logits, extreme_codes

BUILD_FOLDER = Path("out/adopt")


@dataclass(frozen=True)
class Adopted:
    """What was found of a network."""

    network: str
    values: int
    """Logits compared."""
    macs: int
    weights: int
    keras: KerasLikeness
    keras_rounds: tuple[str, ...]
    """Layers in which Keras rounds where the network on integers does not."""
    host: str | None
    """What is left to the host."""


def adopt(design: Design, file: Path) -> Adopted:
    """Check the network in ``file`` and put it into the folder of ``design``.

    Raises
    ------
    InputError
        If the file is no quantized Keras network, reads or gives something else than the design's, or cannot be exact,
        or ``design.toml`` is not laid out to be changed by lines.
    CheckFailed
        If a logit of the C-simulation differs.

    Where one of them is raised, the design's folder is as it was.
    """
    folder, console = network_folder(design), terminal()
    model = read_keras_file(file)
    reading = read_network(model)
    network = reading.network
    _check_ports(network, design, file)
    path = folder.parent / DESIGN_FILE
    text = None if isinstance(design.network.topology, Saved) else with_topology(path, Saved.name)
    with console.status("converting with hls4ml, compiling with g++, simulating extreme codes ..."):
        codes = extreme_codes(network.inputs[0].shape, network.inputs[0].format)
        likeness = compare_with_keras(model, reading, [codes])
        found = compare_logits(network, [codes], design, BUILD_FOLDER / design.name)
    if not found.holds:
        raise CheckFailed(
            f"{file}: layer {found.first}: its values differ in C-simulation, and with them {found.differing} of "
            f"{found.values} logits"
        )
    # It was of the network that lay there.
    (folder / OPERATING_POINT_FILE).unlink(missing_ok=True)
    save_adopted(model, design)
    if text is not None:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    return Adopted(
        model.name, found.values, network.macs, network.weights, likeness, reading.keras_rounds, reading.host
    )


def _check_ports(network: IntegerNetwork, design: Design, file: Path) -> None:
    stage = contract(design).stage("network_input")
    if len(network.inputs) != 1 or network.inputs[0].shape != stage.shape:
        taken = ", ".join(str(each.shape) for each in network.inputs)
        raise InputError(f"{file}: the network reads {taken}; design {design.name} hands it {stage.shape}")
    words = network.inputs[0].format
    if (words.width, words.integer_bits, words.signed) != (
        stage.format.width, stage.format.integer_bits, stage.format.signed
    ):  # fmt: skip
        raise InputError(
            f"{file}: the quantizer after the input gives {words.ap_type}; design {design.name} hands it "
            f"{stage.format.ap_type}"
        )
    if network.logits.shape != (design.network.classes,):
        raise InputError(
            f"{file}: the network gives {network.logits.shape}; design {design.name} has {design.network.classes} "
            f"classes: {', '.join(design.network.class_names)}"
        )
