"""Small networks behind designs of any instrument, for tests of the whole pipeline."""

from __future__ import annotations

import itertools

import numpy as np

from cytogate.model.contract.gate import decided
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.networks import operations
from cytogate.model.networks.operations import IntegerNetwork
from tests.engine_networks import Drawn


def small_network(design: Design, seed: int = 0) -> IntegerNetwork:
    """Return a network of a convolution, a pooling and a dense end that takes a design's codes."""
    net, row = Drawn(seed), contract(design).stage("network_input")
    x = net.add(operations.Input, [], row.shape, row.format)
    x = net.round(net.convolution(x, 3, same=True), 6)
    x = net.round(net.global_mean(x), 8)
    net.dense(x, design.network.classes)
    return net.network()


def telling_network(design: Design, pixels: np.ndarray) -> IntegerNetwork:
    """Return the first small network that finds two classes or more among cells, with both signs of logits."""
    for seed in itertools.count():
        network = small_network(design, seed)
        logits = network.classify(pixels)
        classes, margins = decided(logits)
        if min(len(set(classes.tolist())), len(set(margins.tolist())) - 1) > 1 and logits.min() < 0 < logits.max():
            return network
    raise AssertionError
