"""Run ``cytogate predict`` on holograms: the exact fixed-point chain, to a table with a row for each cell."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.command.native import own_cores
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.law import contract
from cytogate.model.contract.off_axis import MOST_CELLS
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.features.opd_features import OPD_FEATURES, opd_features
from cytogate.model.files.holograms import open_holograms
from cytogate.model.files.table import Column, write_table
from cytogate.model.networks.saved import load_operations
from cytogate.model.predict.one_file import PredictRequest
from cytogate.model.predict.rows import Classify, classifier
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis.calibration import fringe_fault, reference_field
from cytogate.model.retrieval.off_axis.cells import MapCell

NOT_FOUND = float("nan")


def predict_holograms(request: PredictRequest) -> None:
    """Classify the cells of a file's holograms and write the table; a hologram that cannot be used is a row with why.

    Raises
    ------
    InputError
        If the design has no network or is not calibrated, or the file is no file of holograms.
    """
    design, console = request.design, terminal()
    phasor = integer.reference_phasor(reference_field(design))
    classify = classifier(load_operations(design), own_cores())
    table = _Table(design)
    with open_holograms(request.input, design.off_axis, request.dataset) as file, progress_bars() as bars:
        count = min(file.fields, request.cells or file.fields)
        task = bars.add_task("holograms", total=count)
        for index in range(count):
            try:
                hologram = file.read(index)
                fault = file.fault(hologram) or fringe_fault(hologram, design)
            except InputError as error:
                fault = str(error)
            if fault is None:
                fault = table.add_field(index, native.retrieve(hologram, design, phasor), classify)
            if fault is not None:
                table.add_fault(index, fault)
            bars.update(task, completed=index + 1)
    write_table(request.output, table.columns())
    classes = [each for each in table.classes if each is not None]
    shares = ", ".join(f"{name} {classes.count(name):,}" for name in design.network.class_names)
    console.print(
        f"{len(classes):,} cells of {count:,} holograms: {shares}; {len(table.fields) - len(classes):,} holograms "
        f"without any that could be told. Written: {request.output}",
        soft_wrap=True,
    )


@dataclass
class _Table:
    """Rows in the making."""

    design: Design
    fields: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    """Number of the cell in its field; -1 of a row that says why there is none."""
    places: list[tuple[float, float]] = field(default_factory=list)
    classes: list[str | None] = field(default_factory=list)
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    features: list[NDArray[np.float64]] = field(default_factory=list)
    clipped: list[int] = field(default_factory=list)
    several: list[int] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)

    def add_field(self, index: int, words: integer.OffAxisWords, classify: Classify) -> str | None:
        """Add the cells of a field; return why there is none, of a crowded or empty one."""
        if words.cells.is_crowded:
            return f"crowded: more than {MOST_CELLS} cells, or more regions than are followed"
        if not words.cells.cells:
            return "the hologram holds no cell"
        delay = contract(self.design).stage("opd").values(words.opd)
        for number, (cell, logits) in enumerate(zip(words.cells.cells, classify(words.network_input), strict=True)):
            ordered, names = np.sort(logits), self.design.network.class_names
            features = opd_features(cell.part(delay), cell.mask, self.design.pixel_um)
            self._add(index, number, cell, names[int(logits.argmax())], softmax(logits), features, None)
            self.margins[-1] = float(ordered[-1] - ordered[-2])
        return None

    def add_fault(self, index: int, fault: str) -> None:
        """Add a row of a field without cells."""
        nothing = np.full(self.design.network.classes, NOT_FOUND)
        self._add(index, -1, None, None, nothing, np.full(len(OPD_FEATURES), NOT_FOUND), fault)

    def _add(
        self,
        index: int,
        number: int,
        cell: MapCell | None,
        name: str | None,
        scores: NDArray[np.float64],
        features: NDArray[np.float64],
        fault: str | None,
    ) -> None:
        self.fields.append(index)
        self.cells.append(number)
        self.places.append((NOT_FOUND, NOT_FOUND) if cell is None else cell.center)
        self.classes.append(name)
        self.scores.append(scores)
        self.margins.append(NOT_FOUND)
        self.features.append(features)
        self.clipped.append(int(cell is not None and cell.is_clipped))
        self.several.append(int(cell is not None and cell.is_several))
        self.faults.append(fault)

    def columns(self) -> list[Column]:
        """Return the table's columns."""
        places, scores, features = (np.array(each, np.float64) for each in (self.places, self.scores, self.features))
        return [
            Column("field", np.array(self.fields, np.int64), long_name="Number of the hologram in the file, from 0"),
            Column("cell", np.array(self.cells, np.int64), long_name="Number of the cell on it, from 0; -1: none"),
            Column("center_y", places[:, 0], "px", "Row of the cell's center on the map"),
            Column("center_x", places[:, 1], "px", "Column of the cell's center on the map"),
            Column("class", self.classes, long_name="Most probable class"),
            Column("margin", np.array(self.margins), long_name="Largest logit less the second largest"),
            *(
                Column(f"score {name}", scores[:, number], long_name=f"Probability of {name}, uncalibrated")
                for number, name in enumerate(self.design.network.class_names)
            ),
            *(Column(each.name, features[:, n], each.unit, each.description) for n, each in enumerate(OPD_FEATURES)),
            Column("clipped", np.array(self.clipped, np.int64), long_name="1: the cell reaches the edge of its map"),
            Column("several", np.array(self.several, np.int64), long_name="1: more than one cell, which touch"),
            Column("fault", self.faults, long_name="Why there is no cell"),
        ]
