"""A network turned upside down gives the very logits of the upright one, for maps that come upside down."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.design.design import RETRIEVALS, TWO_SIDED
from cytogate.model.design.folder import load_design
from cytogate.model.engines import upward
from cytogate.model.engines.upward import in_order_of_rows, upside_down
from cytogate.model.errors import InputError
from cytogate.model.networks import operations
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.saved import load_operations
from cytogate.sim.csim.network import extreme_codes
from tests.engine_networks import Drawn, drawn_network, moments_network

DRAWN = 40


def differing(network: IntegerNetwork, cells: int = 16) -> tuple[int, int, int]:
    """Logits that differ between a network and the turned one, logits compared, and those that rows' order changes."""
    entry = network.inputs[0]
    codes = extreme_codes(entry.shape, entry.format, cells, seed=1)
    due, reversed_rows = network.classify(codes), codes[:, ::-1]
    wrong, told = (np.count_nonzero(each.classify(reversed_rows) != due) for each in (upside_down(network), network))
    return int(wrong), due.size, int(told)


def test_drawn_networks() -> None:
    logits = telling = 0
    for seed in range(DRAWN):
        network = moments_network(seed) if seed % 10 == 9 else drawn_network(seed)
        wrong, compared, told = differing(network)
        assert wrong == 0, network.name
        logits += compared
        telling += told > 0
    assert logits > 2_000
    assert telling > DRAWN // 2


@pytest.mark.parametrize("broken", ["kernel", "weights", "rows left over"])
def test_what_is_not_turned_is_seen(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if broken == "kernel":
        monkeypatch.setattr(upward._Turning, "_is_flipped", lambda *_: False)
    elif broken == "weights":
        monkeypatch.setattr(upward, "_ordered", lambda constants, _: constants)
    else:
        monkeypatch.setattr(upward._Turning, "_without_first_rows", lambda _, operation, count: operation.reads[0])
    wrong = 0
    for seed in range(20):
        try:
            wrong += differing(drawn_network(seed))[0]
        except (ValueError, InputError):
            wrong += 1
    assert wrong


def test_the_default_network_by_the_law() -> None:
    """Only rows of the law "two-sided" leave upside down."""
    design = load_design("qatom128")
    network = load_operations(design)
    for law in RETRIEVALS:
        own = dataclasses.replace(design, chip=dataclasses.replace(design.chip, retrieval=law))
        assert (in_order_of_rows(network, own) is network) == (law != TWO_SIDED)
    wrong, compared, told = differing(network, 2)
    assert (wrong, told > 0) == (0, True)
    assert compared >= 10


def network_of(kind: str) -> IntegerNetwork:
    net = Drawn(0)
    x = net.add(operations.Input, [], (6, 6, 2), PIXEL)
    if kind == "Repeat":
        x = net.add(operations.Repeat, [x], (12, 6, 2), PIXEL, times=(2, 1))
    elif kind == "taken apart":
        x = net.convolution(net.add(operations.Reshape, [x], (4, 9, 2), PIXEL), 2, same=True)
    else:
        made = net.add(operations.Reshape, [net.dense(net.global_mean(x), 72)], (6, 6, 2), Format(8, 8))
        x = net.add(operations.Add, [x, made], (6, 6, 2), Format(16, 16))
    net.dense(net.global_mean(x), 3)
    return net.network()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Repeat", "Repeat has no form for that"),
        ("taken apart", "what enters is no map of rows any more"),
        ("joined", "what it joins comes in two orders"),
    ],
)
def test_what_cannot_be_turned_is_refused(kind: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"layer .*: rows come from the last to the first, and {reason}$"):
        upside_down(network_of(kind))
