"""The cells of a search: those that train and those that validate, as the chip sees them; none that test."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.own_cells import OwnCells, fit_codes, write_inputs
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError


@dataclass(frozen=True, eq=False)
class SearchCells:
    """Inputs of the cells that a search may see."""

    design: Design
    """With the codes of a bright-field instrument, fitted to training cells."""
    own: OwnCells
    """The cells that train or validate."""
    split: Split
    """Of ``own``, in its order; nobody is in the test."""
    inputs: Path

    def file(self) -> CellFile:
        """Return the inputs, which must have been written."""
        return CellFile.of(self.inputs, self.design)

    def written(self) -> CellFile:
        """Return the inputs, after writing them unless they are there."""
        if not self.inputs.exists():
            write_inputs(self.own, self.design, self.inputs)
        return self.file()


def search_cells(
    path: Path, dataset: str | None, design: Design, most: int | None, seed: int, folder: Path
) -> SearchCells:
    """Return the cells of a file that ``cytogate train`` would train and validate on, by the same seed.

    Raises
    ------
    InputError
        As :meth:`~cytogate.model.data.own_cells.OwnCells.of`; or if a class has too few cells.
    """
    every = OwnCells.of(path, dataset, design, most, seed)
    whole = every.split(design.network.class_names, seed)
    lacking = whole.lacking(every.labels, design.network.class_names)
    if lacking is not None:
        raise InputError(
            f"{every.path}: {lacking}, however its groups are dealt, and what selects nothing of a class cannot choose "
            "a network; give it cells in more groups"
        )
    if not design.retrieves_phase:
        design = dataclasses.replace(design, codes=fit_codes(every, whole.training, design, seed))
    seen = np.sort(np.concatenate([whole.training, whole.validation]))
    groups = None if every.groups is None else every.groups[seen]
    own = dataclasses.replace(every, chosen=every.chosen[seen], labels=every.labels[seen], groups=groups)
    split = Split(np.searchsorted(seen, whole.training), np.searchsorted(seen, whole.validation), np.empty(0, np.int64))
    # The network does not change what it is given.
    chain = repr((
        version("cytogate"), design.instrument, design.window, design.codes, design.calibration, design.background,
        design.chip.retrieval, design.chip.surface,
    ))  # fmt: skip
    key = hashlib.sha256(f"{every.key} {seed} {chain}".encode()).hexdigest()[:12]
    return SearchCells(design, own, split, folder / f"inputs-{key}.h5")
