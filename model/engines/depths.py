"""Queues ahead of joins: of two ways to one place the shorter one waits, and must not block what the longer one needs.

A join's k-th beat needs so many beats of the network's input that the shorter way may meanwhile have given more than k
beats. All of them are kept, and some for the time that pipelines take; then neither way ever waits for the other one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytogate.model.engines.engine import INPUT, Engine, EngineNetwork, Stream

SPARE_BEATS = 16
"""Of a map: clocks of the longer way's pipelines."""
SPARE_CELLS = 2
"""Of a vector."""


def with_queues(network: EngineNetwork) -> EngineNetwork:
    """Return the network with a queue on each way to a join that has to wait there."""
    needs = _needs(network)
    engines: list[Engine] = []
    for engine in network.engines:
        reads = list(engine.reads)
        if len(set(reads)) > 1:
            together = np.max([needs[name] for name in reads], axis=0)
            for place, name in enumerate(engine.reads):
                depth = _waiting(needs[name], together)
                if depth > _kept(network, name):
                    queue = _queue(f"{engine.name}_queue_{place + 1}", name, network.stream(name), depth)
                    engines.append(queue)
                    reads[place] = queue.name
        engines.append(replace(engine, reads=tuple(reads)))
    return replace(network, engines=tuple(engines))


def _needs(network: EngineNetwork) -> dict[str, NDArray[np.int64]]:
    """Return the beats of the network's input that each stream's beats of a cell need, by stream."""
    needs = {INPUT: np.arange(1, network.entry.beats + 1)}
    for engine in network.engines:
        of_inputs = [needs[name][np.maximum(engine.needs, 1) - 1] for name in engine.reads]
        needs[engine.name] = np.max(of_inputs, axis=0)
    return needs


def _waiting(own: NDArray[np.int64], together: NDArray[np.int64]) -> int:
    """Return the most beats of a way that have come when the join takes one of them, and one more."""
    come = np.searchsorted(own, together, side="right")
    return int((come - np.arange(len(own))).max()) + 1


def _kept(network: EngineNetwork, name: str) -> int:
    """Return the beats that wait for a join without a queue of its own."""
    return network[name].kept if name != INPUT and network.readers(name) == 1 else 0


def _queue(name: str, source: str, stream: Stream, depth: int) -> Engine:
    spare = SPARE_CELLS if stream.beats == 1 else SPARE_BEATS
    places = 1 << (depth + spare - 1).bit_length()
    return Engine(
        name, "stream_queue", (source,), stream, {"BITS": stream.bits, "DEPTH": places}, np.arange(1, stream.beats + 1)
    )
