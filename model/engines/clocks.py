"""Clocks in which each beat of a network's engines passes: those of the hardware, exactly, without simulating it.

A beat passes as soon as it is there and its reader takes it, so the clocks of all beats follow from how each engine
works (:mod:`cytogate.model.engines.beats`), for pixels that come as fast as they are taken and for logits that are
always taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cytogate.model.engines.beats import WORKS, Link, Work, argmax, fork
from cytogate.model.engines.engine import INPUT, Engine, EngineNetwork

CELLS = 4
"""Of which the last interval is that of all that follow."""


@dataclass(frozen=True)
class EngineClocks:
    """Clocks of cells that come back to back, counted from the first beat."""

    beats: dict[str, NDArray[np.int64]] = field(repr=False)
    """In which what each engine gives passes (cells, beats), the network's input among them."""
    answers: NDArray[np.int64]
    """In which class and logits leave (cells,)."""

    @property
    def latency(self) -> int:
        """From a cell's last beat in to its answer, the longest."""
        return int((self.answers - self.beats[INPUT][:, -1]).max())

    @property
    def interval(self) -> int:
        """From an answer to the next one."""
        return int(self.answers[-1] - self.answers[-2])

    def waits(self, network: EngineNetwork, layer: Engine) -> int:
        """Return the clocks that the last cell waits until ``layer`` has taken the last beat that it reads.

        They begin when what it reads could have been made: a beat stands until its products are.
        """
        (source,) = layer.reads
        before = (INPUT,) if source == INPUT else network[source].reads
        return int(self.beats[source][-1, -1] - max(self.beats[name][-1, -1] for name in before))


def engine_clocks(network: EngineNetwork, cells: int = CELLS) -> EngineClocks:
    """Return the clocks of ``cells`` cells."""
    read: dict[tuple[str, int], Link] = {}
    written: dict[str, Link] = {}
    works: list[Work] = []
    for name in (INPUT, *(each.name for each in network.engines)):
        links = [Link() for _ in range(network.readers(name))]
        written[name] = links[0] if len(links) == 1 else Link()
        if len(links) > 1:
            works.append(fork(written[name], links))
        places = [
            (each.name, place) for each in network.engines for place, source in enumerate(each.reads) if source == name
        ]
        read |= dict(zip(places, links, strict=True))
    answers = Link()
    for engine in network.engines:
        entering = [read[engine.name, place] for place in range(len(engine.reads))]
        works += WORKS[engine.module](engine, entering, written[engine.name])
    works.append(argmax(network.logits.stream.channels, written[network.logits.name], answers))
    for _ in range(cells * network.entry.beats):
        written[INPUT].offer(0)
    wanted = cells * sum(network.stream(name).beats for name in written)
    known = -1
    while known < wanted:
        for work in 2 * works:  # within an engine, places are told of one time later
            next(work)
        before, known = known, sum(len(link.passed) for link in written.values())
        if known == before:
            raise AssertionError(f"engines of {network.name} wait for one another")
    beats = {name: np.array(link.passed).reshape(cells, -1) for name, link in written.items()}
    return EngineClocks(beats, np.array(answers.passed))
