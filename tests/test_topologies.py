"""Networks of the kinds that people publish: converted with equal words, or refused by one sentence that is true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.network.convert import convert
from cytogate.model.design.folder import load_design
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.reading.reader import read_network
from cytogate.sim.csim.network import compare_logits
from tests.layers import extremes
from tests.topologies import EXACT, REFUSED, drawn

DESIGN = load_design("qatom64")


@pytest.mark.full
@pytest.mark.parametrize("name", EXACT)
def test_topologies_are_equal_on_every_word(name: str, builds: Path) -> None:
    """To C-simulation, for random codes over the whole range and extreme ones; to Keras where it rounds nowhere."""
    model = drawn(name)
    reading = read_network(model)
    network = reading.network
    codes = extremes(network)
    compared = compare_with_keras(model, reading, codes)
    assert compared.values == len(codes[0]) * network.logits.shape[0]
    assert compared.differing == 0 or reading.keras_rounds
    assert len(np.unique(network.classify(*codes))) > 1, "inputs that all give one answer would prove nothing"
    found = compare_logits(network, codes, DESIGN, builds / "topologies" / name)
    assert found.values == compared.values
    assert found.differing == 0, f"from layer {found.first} on"


@pytest.mark.full
@pytest.mark.parametrize("name", REFUSED)
def test_other_topologies_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^(layer|network) [^:]+: ") as refusal:
        convert(read_network(drawn(name)).network, DESIGN, tmp_path / "project")
    assert re.match(REFUSED[name][1], str(refusal.value)), refusal.value
    assert not list(tmp_path.iterdir())


def test_most_topologies_are_exact() -> None:
    assert not EXACT.keys() & REFUSED.keys()
    assert len(EXACT) >= 0.75 * (len(EXACT) + len(REFUSED))
