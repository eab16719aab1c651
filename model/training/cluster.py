"""The processes that train together: one by default, or those that the environment's ``TF_CONFIG`` names.

``TF_CONFIG`` is TensorFlow's own, ``{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index":
0}}``: the addresses of all workers, and which of them this process is. Every worker runs the same command; the first is
the chief, which alone reads and writes records. Workers need no storage in common, but each needs the data.
"""

from __future__ import annotations

import faulthandler
import functools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import tf

DEADLINE_S = 600.0
"""How long workers wait for one that is alive and says nothing; one that has died is noticed within seconds."""
POLL_S = 1.0
"""Between attempts to reach a worker."""
PIECE = 1 << 24
"""Words of 4 bytes that are sent at once."""
SENT, REFUSED = b"\0", b"\1"
"""What the chief sends: something, or why it cannot."""


@dataclass(frozen=True)
class Cluster:
    """The processes that train together, as one of them sees them."""

    strategy: tf.distribute.Strategy
    workers: int
    is_chief: bool

    @staticmethod
    def of_environment() -> Cluster:
        """Return the cluster that the environment names; of several workers, when all have come.

        Raises
        ------
        InputError
            If ``TF_CONFIG`` is wrong, or names workers that do not come.
        """
        return _of_workers() if "TF_CONFIG" in os.environ else Cluster(tf.distribute.get_strategy(), 1, True)

    def from_chief(self, read: Callable[[], bytes]) -> bytes:
        """Return what ``read`` gives on the chief, or raise there and everywhere the InputError that it raises."""
        if self.workers == 1:
            return read()
        message = b""
        if self.is_chief:
            try:
                message = SENT + read()
            except InputError as error:
                message = REFUSED + str(error).encode()
        size = int(self._sum(np.array([len(message)], np.int32))[0])
        words = np.frombuffer(message.ljust(-size % 4 + size, b"\0"), np.int32)
        found = b"".join(self._sum(words[start : start + PIECE]).tobytes() for start in range(0, len(words), PIECE))
        if found[:1] == REFUSED:
            raise InputError(found[1:size].decode())
        return found[1:size]

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say in one sentence that another worker has gone."""
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError) as error:
            if self.workers == 1:
                raise
            raise InputError(
                f"one of {self.workers} workers has gone, or has said nothing for {DEADLINE_S:.0f} s; start all of "
                "them again, they go on after the last epoch that was finished"
            ) from error

    def _sum(self, words: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the sum over workers of arrays of one size: those of all but one are 0."""

        def of_replica(local: tf.Tensor) -> tf.Tensor:
            # A worker may have several replicas.
            is_first = tf.distribute.get_replica_context().replica_id_in_sync_group == 0
            return tf.where(is_first, local, tf.zeros_like(local))

        def on_all(local: tf.Tensor) -> tf.Tensor:
            results = self.strategy.run(of_replica, args=(local,))
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, results, axis=None)

        step = tf.function(on_all, autograph=False).get_concrete_function(tf.TensorSpec((None,), tf.int32))
        with self.waiting():
            return np.asarray(step(tf.constant(words)))


@functools.cache
def _of_workers() -> Cluster:
    """Join the workers; a process does so once, ahead of everything else that it does with TensorFlow."""
    addresses, own = _workers(os.environ["TF_CONFIG"])
    _meet(addresses, own)
    # Should a worker die here, TensorFlow would wait for ever, and with it the interpreter: no thread could end it.
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(
            communication_options=tf.distribute.experimental.CommunicationOptions(timeout_seconds=DEADLINE_S)
        )
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"TF_CONFIG: the workers that it names cannot train together: {reason}") from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    return Cluster(strategy, len(addresses), own == 0)


def _workers(text: str) -> tuple[list[str], int]:
    """Return the addresses in ``TF_CONFIG``, the chief's first, and which of them is this process's."""
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        tasks = [(job, index) for job in ("chief", "worker") for index in range(len(jobs.get(job, [])))]
        addresses = [str(jobs[job][index]) for job, index in tasks]
        own = tasks.index((task["type"], int(task["index"])))
        for address in addresses:
            _host_and_port(address)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            'TF_CONFIG must be as {"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", '
            f'"index": 0}}}}, with a worker of that index, and is {text}'
        ) from error
    return addresses, own


def _meet(addresses: list[str], own: int) -> None:
    """Wait until all workers are there: TensorFlow would do so for ever, and could not be interrupted.

    Each listens where TensorFlow will, until it has reached all others, here or already there.
    """
    until = time.monotonic() + DEADLINE_S
    try:
        listening = socket.create_server(("", _host_and_port(addresses[own])[1]), backlog=len(addresses))
    except OSError as error:
        raise InputError(f"TF_CONFIG: worker {addresses[own]} cannot listen there: {error.strerror}") from error
    with listening:
        for address in addresses:
            while not _answers(address):
                if time.monotonic() > until:
                    raise InputError(
                        f"TF_CONFIG: worker {address} did not come within {DEADLINE_S:.0f} s; start it, too"
                    )
                time.sleep(POLL_S)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection(_host_and_port(address), timeout=POLL_S):
            return True
    except OSError:
        return False


def _host_and_port(address: str) -> tuple[str, int]:
    host, port = address.rsplit(":", 1)
    return host, int(port)
