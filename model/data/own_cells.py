"""Labelled cells of a file of the user's: classes by name, groups, codes of the network's input, inputs on disk."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.terminal import terminal
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.contract.law import contract
from cytogate.model.data.splits import Split, check_classes
from cytogate.model.design.design import Design, InputCodes
from cytogate.model.design.folder import design_text
from cytogate.model.errors import InputError
from cytogate.model.files.container import Container
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.files.labels import PART, Labels, matched
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.frame_order import check_order
from cytogate.model.retrieval.laws import Run, settled_background
from cytogate.model.simulation.making import make_file

CODES_CELLS = 500
"""Training cells, at most, to which offsets and gains are fitted."""
RIM = 2
"""Pixels at a frame's edge whose level is taken for the background's."""
WITHIN = 0.999
"""Share of the pixels whose codes are not saturated."""


@dataclass(frozen=True, eq=False)
class OwnCells:
    """Labelled cells of a file, with labels in the order of the design's classes."""

    path: Path
    dataset: str | None
    """Array of the file, if its name is not ``frames``."""
    chosen: NDArray[np.int64]
    """Indices of the cells in the file, ascending."""
    labels: NDArray[np.int64]
    groups: NDArray | None
    key: str
    """Of the content that is trained on: frames, labels and groups of the chosen cells, wherever they are stored."""
    simulated: bool

    @staticmethod
    def of(path: Path, dataset: str | None, design: Design, most: int | None, seed: int) -> OwnCells:
        """Read what the file at ``path`` says of its cells; of more than ``most``, take so many at random.

        Raises
        ------
        InputError
            If frames do not suit the instrument, labels are missing, classes are not the design's, or any cell cannot
            be read: absent, damaged, empty or saturated.
        """
        with open_frames(path, design.camera, not design.retrieves_phase, dataset) as frames:
            frames.check_size(design)
            labels = class_labels(frames.container, frames.found, design)
            if design.retrieves_phase:
                found = check_order(frames, design)
                if found.wrong:
                    raise InputError(f"{path}: {found.sentence}")
                if found.doubtful:
                    terminal().print(f"{path}: {found.sentence}", soft_wrap=True)
            if frames.container.array(PART) is not None:
                terminal().print(
                    f"{path}: says which {PART} of a published split each cell is of; cells are dealt anew. Where "
                    "copies of one cell may be in several parts, store groups that keep them together",
                    soft_wrap=True,
                )
            chosen = np.arange(frames.cells)
            if most is not None and most < frames.cells:
                chosen = np.sort(np.random.default_rng(seed).permutation(frames.cells)[:most])
            groups = None if frames.groups is None else np.asarray(frames.groups)[chosen]
            key = _key(frames, chosen, labels[chosen], groups)
            return OwnCells(path, dataset, chosen, labels[chosen], groups, key, frames.simulated)

    def split(self, class_names: Sequence[str], seed: int) -> Split:
        """Deal the cells, whole groups where there are any; raises an InputError if a class has too few."""
        check_classes(self.labels, class_names, str(self.path))
        if self.groups is None:
            return Split.of(self.labels, seed)
        return Split.by_groups(self.labels, self.groups, class_names, seed)


def fit_codes(cells: OwnCells, training: NDArray[np.int64], design: Design, seed: int) -> InputCodes:
    """Return offsets and gains of a bright-field design's channels, fitted to training cells alone.

    The offset is the median level at frames' edges, so that code 0 is background; the gain brings all but one pixel in
    a thousand into the range of codes.
    """
    sample = np.sort(np.random.default_rng(seed).permutation(training)[:CODES_CELLS])
    with open_frames(cells.path, design.camera, True, cells.dataset) as frames:
        binned = np.concatenate(
            [bin_codes(frames.read(int(index), int(index) + 1), design) for index in cells.chosen[sample]]
        )
    edge = np.ones(binned.shape[2:], bool)
    edge[RIM:-RIM, RIM:-RIM] = False
    offset = np.rint(np.median(binned[:, :, edge], axis=(0, 2))).astype(int)
    reach = np.quantile(np.abs(binned - offset[:, None, None]), WITHIN, axis=(0, 2, 3))
    flat = np.flatnonzero(reach < 1)
    if len(flat):
        name = design.camera.channels[flat[0]]
        raise InputError(f"{cells.path}: channel {name!r} hardly varies; frames without anything in them train nothing")
    gain = SIGNED_PIXEL.code_max / reach
    return InputCodes(tuple(map(int, offset)), tuple(map(float, gain)))


def write_inputs(cells: OwnCells, design: Design, path: Path, workers: int = 2) -> None:
    """Write the network inputs of ``cells`` to the HDF5 file ``path``, as the chip computes them; resumable.

    Datasets ``network_input`` (cells, rows, columns, channels), one chunk a cell, and ``labels``.
    """
    with open_frames(cells.path, design.camera, not design.retrieves_phase, cells.dataset) as frames:
        background = settled_background(frames, design)
    recipe = _Inputs(cells.path, cells.dataset, cells.chosen, design, cells.key, background)
    make_file(recipe, path, partial(_store, recipe, cells.labels), workers)


@dataclass(frozen=True, eq=False)
class _Inputs:
    path: Path
    dataset: str | None
    chosen: NDArray[np.int64]
    design: Design
    key: str
    background: Background | None
    """What a causal chip knows beforehand."""

    @property
    def what(self) -> str:
        return "network inputs, as the chip computes them"

    @property
    def count(self) -> int:
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        return contract(self.design).stage("network_input").shape

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        # Codes with a sign travel as their bits.
        return np.dtype(np.uint8)

    @property
    def request(self) -> dict[str, object]:
        chosen = hashlib.sha256(self.chosen.tobytes()).hexdigest()
        return {"version": version("cytogate"), "key": self.key, "design": design_text(self.design), "chosen": chosen}

    def make(self, indices: range) -> NDArray[np.uint8]:
        file = _opened(self.path, self.dataset, self.design)
        frames = np.concatenate([file.read(int(index), int(index) + 1) for index in self.chosen[indices]])
        return Run(self.design, self.background).network_inputs(frames).view(np.uint8)


@lru_cache(maxsize=1)
def _opened(path: Path, dataset: str | None, design: Design) -> FrameFile:
    """Return the open file; each process that makes inputs opens it once."""
    return open_frames(path, design.camera, not design.retrieves_phase, dataset)


def _store(
    recipe: _Inputs, labels: NDArray[np.int64], path: Path, items: Iterable[NDArray[np.unsignedinteger]]
) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(recipe.request)
        file["labels"] = labels
        shape = recipe.shape
        kind = np.uint8 if recipe.design.retrieves_phase else np.int8
        dataset = file.create_dataset("network_input", (recipe.count, *shape), kind, chunks=(1, *shape))
        for number, item in enumerate(items):
            dataset[number] = item.view(kind)


def class_labels(container: Container, found: Labels, design: Design) -> NDArray[np.int64]:
    """Return labels as indices of the design's classes, found by name.

    Raises
    ------
    InputError
        If the file holds none, or its classes are not the design's.
    """
    path, names, wanted = container.path, found.class_names, design.network.class_names
    if found.labels is None:
        raise InputError(f"{path}: holds no labels; a class of each cell is needed to train")
    if names is not None and set(names) != set(wanted):
        quoted = ", ".join(f'"{name}"' for name in names)
        raise InputError(
            f"{path}: its classes are {', '.join(names)}; design {design.name} has {', '.join(wanted)}. If the "
            f"file is right, write class_names = [{quoted}] into [network] of its design.toml"
        )
    labels, told = matched(container, found, wanted)
    if labels is None:
        raise InputError(told or f"{path}: holds no labels")
    if told is not None:
        print(told, file=sys.stderr)
    return labels


def _key(frames: FrameFile, chosen: NDArray[np.int64], labels: NDArray[np.int64], groups: NDArray | None) -> str:
    """Return the identity of the chosen cells, each of which is read.

    A set with faulty cells is refused before anything is fitted: with their number and the first one.
    """
    digest = hashlib.sha256(repr((frames.shape[1:], None if groups is None else groups.tolist())).encode())
    digest.update(labels.tobytes())
    faults: list[str] = []
    for index in chosen:
        try:
            digest.update(frames.read(int(index), int(index) + 1).tobytes())
        except InputError as error:
            faults.append(str(error).removeprefix(f"{frames.path}: "))
    if faults:
        raise InputError(
            f"{frames.path}: {len(faults)} of {len(chosen)} cells cannot be trained on; leave them out of the file. "
            f"The first is {faults[0]}"
        )
    return digest.hexdigest()
