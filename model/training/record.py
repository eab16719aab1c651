"""The record of a training: what came of each epoch, and the states that are worth going back to.

In a folder it is ``curve.json`` and the states that it speaks of; without one it is in memory.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from cytogate.model.command.files import plain, whole_file
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.cluster import Cluster


class Select(Enum):
    """What makes an epoch the best one; the other figure decides between equals."""

    ACCURACY = "accuracy"
    LOSS = "loss"


@dataclass(frozen=True)
class Epoch:
    """What came of one epoch."""

    phase: str
    """Name of the phase that it belongs to."""
    loss: float | None
    """Mean loss over the training examples, without penalties; None where nothing was trained."""
    validation_loss: float
    validation_accuracy: float | None
    """Share of examples whose class has the highest score, or what else was given as accuracy; None without."""

    def merit(self, select: Select) -> tuple[float, float]:
        """Return what is greater for a better epoch."""
        accuracy = -math.inf if self.validation_accuracy is None else self.validation_accuracy
        merits = accuracy, -self.validation_loss
        return merits if select is Select.ACCURACY else merits[::-1]


class Record:
    """Curve and states of a training. States appear before the curve that names them, so they are always there.

    Parameters
    ----------
    folder
        Where the record lies, or None: in memory. The chief alone reads and writes; it needs no shared storage.
    training
        What decides how the training goes, as JSON can say it; a record of anything else is refused.
    cluster
        The processes that train together.

    Raises
    ------
    InputError
        If ``folder`` holds the training of something else, or no record at all.
    """

    def __init__(self, folder: Path | None, training: dict[str, object], cluster: Cluster) -> None:
        self._folder = folder
        self._cluster = cluster
        self._in_memory: dict[int, bytes] = {}
        # As JSON gives it back: tuples become lists.
        self._training = json.loads(json.dumps(training, default=plain))
        rows = json.loads(cluster.from_chief(self._found)) if folder else []
        self.curve = [Epoch(**row) for row in rows]

    def rows(self, phase: str) -> list[Epoch]:
        """Return the epochs of a phase."""
        return [epoch for epoch in self.curve if epoch.phase == phase]

    def best(self, phases: Sequence[str], select: Select) -> int:
        """Return the index of the best epoch of some phases, the first of equals."""
        candidates = [index for index, epoch in enumerate(self.curve) if epoch.phase in phases]
        return max(candidates, key=lambda index: self.curve[index].merit(select))

    def add(self, epoch: Epoch, model: keras.Model, optimizer: keras.Optimizer | None) -> None:
        """Put an epoch behind the others, and the state that it ended in."""
        index = len(self.curve)
        self.curve.append(epoch)
        if self._folder is None:
            self._in_memory[index] = _packed(model, optimizer)
        elif self._cluster.is_chief:
            with whole_file(self._path(index)) as partial:
                partial.write_bytes(_packed(model, optimizer))
            with whole_file(self._folder / "curve.json") as partial:
                rows = [dataclasses.asdict(row) for row in self.curve]
                text = json.dumps({"training": self._training, "curve": rows}, indent=1)
                partial.write_text(text, encoding="utf-8")

    def keep(self, epochs: set[int]) -> None:
        """Remove the states behind all other epochs."""
        self._in_memory = {index: state for index, state in self._in_memory.items() if index in epochs}
        if self._folder is not None and self._cluster.is_chief:
            kept = {self._path(index) for index in epochs}
            for path in self._folder.glob("epoch-*.npz"):
                if path not in kept:
                    path.unlink()

    def load(self, epoch: int, model: keras.Model, optimizer: keras.Optimizer | None = None) -> None:
        """Put the state behind an epoch into the model and, where it is given, the optimizer."""
        if self._folder is None:
            _unpack(self._in_memory[epoch], f"epoch {epoch}", model, optimizer)
        else:
            path = self._path(epoch)
            _unpack(self._cluster.from_chief(lambda: _read(path)), str(path), model, optimizer)

    def _path(self, epoch: int) -> Path:
        assert self._folder is not None
        return self._folder / f"epoch-{epoch:04}.npz"

    def _found(self) -> bytes:
        """Return the curve that lies in the folder, as JSON, if it is of this training."""
        assert self._folder is not None
        path = self._folder / "curve.json"
        if not path.exists():
            return b"[]"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            rows = [dataclasses.asdict(Epoch(**row)) for row in found["curve"]]
            same = found["training"] == self._training
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: is no record of a training ({error}); remove {self._folder} to start anew"
            ) from error
        if not same:
            raise InputError(
                f"{path}: belongs to a training with other settings or cells; remove {self._folder} to start anew, or "
                "give another folder"
            )
        return json.dumps(rows).encode()


def _packed(model: keras.Model, optimizer: keras.Optimizer | None) -> bytes:
    """Return all variables as an NPZ: of the model, seeds of its dropout included, and of the optimizer."""
    held = {f"model-{place:04}": np.asarray(each) for place, each in enumerate(model.variables)}
    if optimizer is not None:
        held |= {f"optimizer-{place:04}": np.asarray(each) for place, each in enumerate(optimizer.variables)}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **held)
    return file.getvalue()


def _unpack(state: bytes, where: str, model: keras.Model, optimizer: keras.Optimizer | None) -> None:
    variables = {f"model-{place:04}": each for place, each in enumerate(model.variables)}
    if optimizer is not None:
        variables |= {f"optimizer-{place:04}": each for place, each in enumerate(optimizer.variables)}
    try:
        with np.load(io.BytesIO(state)) as held:
            found = {name: held[name] for name in variables}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{where}: holds no state of this training ({error}); train it anew") from error
    for name, variable in variables.items():
        if found[name].shape != tuple(variable.shape):
            raise InputError(
                f"{where}: {name} is of shape {found[name].shape}, and {variable.path} of {tuple(variable.shape)}; "
                "train it anew"
            )
    for name, variable in variables.items():
        variable.assign(found[name])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; train it anew") from error
