"""The job of ``cytogate phase``: maps of phase and path delay from frames or holograms, and a table of cells."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.command.files import plain, whole_file
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import REFRACTION_INCREMENT_UM3_PER_PG
from cytogate.model.features.opd_features import OPD_FEATURES, opd_features
from cytogate.model.files.table import Column, check_table, write_table
from cytogate.model.phase.maps import PhaseMap, delay_per_radian, open_maps
from cytogate.model.phase.picture import draw

MOST_DRAWN = 4
"""Items in the picture: the first ones that hold cells, or the first ones where none does."""
MOST_TOLD = 5
"""Items that a terminal names; the report has all."""
BIG_TIFF_BYTES = 3_900_000_000


@dataclass(frozen=True)
class PhaseRequest:
    """What was asked of ``cytogate phase``."""

    design: Design
    input: Path
    dataset: str | None
    cells: int | None
    """Items of the input at most: fields of holograms, or cells' frames."""
    table: str
    """Suffix of the table of cells, ``.csv`` or ``.parquet``."""
    output: Path


@dataclass
class PhaseReport:
    """What came of it, as ``report.json`` has it."""

    design: str
    input: str
    items: int
    faults: dict[int, str]
    """Why there is no map, by the item's number."""
    crowded: dict[int, str]
    """Why no cells are told of a map, by the item's number."""
    cells: int
    clipped: int
    """Cells that reach the edge of their map."""
    several: int
    """Regions that are more than one cell."""
    pixel_um: tuple[float, float]
    delay_per_radian_nm: float
    refraction_increment_um3_per_pg: float
    calibration: int | None
    fixed_rmse_mrad: float
    """Root mean square of fixed point less float64 over all maps."""
    fixed_values: int
    """Values that were compared."""


def run_phase(request: PhaseRequest) -> PhaseReport:
    """Write ``maps.h5``, ``maps.tif``, ``cells.csv`` or ``.parquet``, ``picture.png`` and ``report.json``.

    The table's features are of the float64 maps.

    Raises
    ------
    InputError
        If the design retrieves no phase or is not calibrated, not one item of the input can be used, or frames are
        stored in a wrong order.
    """
    design, output = request.design, request.output
    check_table(Path(f"cells{request.table}"))
    table, faults, crowded = _Table(design), dict[int, str](), dict[int, str]()
    drawn: list[tuple[PhaseMap, list[str]]] = []
    errors, compared = 0.0, 0
    with open_maps(request.input, design, request.dataset) as source, ExitStack() as files:
        count = min(source.items, request.cells or source.items)
        if source.told is not None:
            terminal().print(source.told, soft_wrap=True)
        bars = files.enter_context(progress_bars())
        stored = files.enter_context(_MapFiles(output, design, count, source.shape))
        task = bars.add_task("maps", total=count)
        for item in source.maps(count):
            stored.add(item)
            notes = table.add(item)
            if item.fault is not None:
                faults[item.index] = item.fault
            else:
                errors += float(np.sum((item.fixed - item.phase) ** 2))
                compared += item.phase.size
            if item.crowded is not None:
                crowded[item.index] = item.crowded
            drawn = _to_draw(drawn, item, notes)
            bars.update(task, completed=item.index + 1)
        if len(faults) == count:
            raise InputError(f"{request.input}: not one map: {next(iter(faults.values()))}")
    report = PhaseReport(
        design=design.name,
        input=str(request.input),
        items=count,
        faults=faults,
        crowded=crowded,
        cells=len(table.rows),
        clipped=sum(table.clipped),
        several=sum(table.several),
        pixel_um=design.pixel_um,
        delay_per_radian_nm=delay_per_radian(design),
        refraction_increment_um3_per_pg=REFRACTION_INCREMENT_UM3_PER_PG,
        calibration=None if design.calibration is None else design.calibration.version,
        fixed_rmse_mrad=1e3 * math.sqrt(errors / compared),
        fixed_values=compared,
    )
    cells = output / f"cells{request.table}"
    write_table(cells, table.columns())
    draw(output / "picture.png", [each for each, _ in drawn], design, [told for _, told in drawn])
    with whole_file(output / "report.json") as partial:
        partial.write_text(json.dumps(report, default=plain, indent=2) + "\n", encoding="utf-8")
    _tell(report, cells, output)
    return report


class _MapFiles:
    """``maps.h5`` and ``maps.tif`` in the making, a map at a time; both appear when all maps are in them."""

    def __init__(self, output: Path, design: Design, count: int, shape: tuple[int, int]) -> None:
        self._output, self._design, self._count, self._shape = output, design, count, shape
        self._stack = ExitStack()
        self._scale = delay_per_radian(design)

    def __enter__(self) -> _MapFiles:
        rows, columns = self._shape
        hdf5 = self._stack.enter_context(whole_file(self._output / "maps.h5"))
        tiff = self._stack.enter_context(whole_file(self._output / "maps.tif"))
        self._file = self._stack.enter_context(h5py.File(hdf5, "w"))
        pitch_y, pitch_x = self._design.pixel_um
        self._file.attrs.update({
            "design": self._design.name, "pixel_um": (pitch_y, pitch_x), "delay_per_radian_nm": self._scale,
        })  # fmt: skip
        large = self._count * rows * columns * 4 > BIG_TIFF_BYTES
        self._tiff = self._stack.enter_context(tifffile.TiffWriter(tiff, bigtiff=large))
        self._resolution = 1e4 / pitch_x, 1e4 / pitch_y
        return self

    def add(self, item: PhaseMap) -> None:
        """Write one map: path delay in nm, and in HDF5 the phase in radians, float64 and in fixed point, and cells."""
        delay = (item.phase * self._scale).astype(np.float32)
        self._store("opd_nm", item.index, delay)
        self._store("phase_rad", item.index, item.phase)
        self._store("phase_fixed_rad", item.index, item.fixed)
        self._tiff.write(
            delay, photometric="minisblack", resolution=self._resolution, resolutionunit="CENTIMETER", metadata=None,
            description="path delay, nm" if item.index == 0 else None, software="cytogate",
        )  # fmt: skip

        if item.windows is not None:
            self._append("cell_windows", item.windows)

    def _append(self, name: str, values: NDArray) -> None:
        if name not in self._file:
            shape = values.shape[1:]
            self._file.create_dataset(name, (0, *shape), values.dtype, maxshape=(None, *shape), chunks=(1, *shape))
        before = len(self._file[name])
        self._file[name].resize(before + len(values), axis=0)
        self._file[name][before:] = values

    def _store(self, name: str, index: int, values: NDArray) -> None:
        if name not in self._file:
            self._file.create_dataset(name, (self._count, *self._shape), values.dtype, chunks=(1, *self._shape))
        self._file[name][index] = values

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


@dataclass
class _Table:
    """Rows of the table of cells."""

    design: Design
    items: list[int] = field(default_factory=list)
    centers: list[tuple[float, float]] = field(default_factory=list)
    clipped: list[bool] = field(default_factory=list)
    several: list[bool] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, item: PhaseMap) -> list[str]:
        """Add the cells of a map, and return what a picture says at each."""
        notes = []
        for cell in item.cells:
            delay = cell.part(item.phase) * delay_per_radian(self.design)
            values = opd_features(delay, cell.mask, self.design.pixel_um)
            self.items.append(item.index)
            self.centers.append(cell.center)
            self.clipped.append(cell.is_clipped)
            self.several.append(cell.is_several)
            self.rows.append(values)
            notes.append(f"{values[0]:.0f} pg")
        return notes

    def columns(self) -> list[Column]:
        """Return the table's columns."""
        values = np.array(self.rows).reshape(-1, len(OPD_FEATURES))
        centers = np.array(self.centers).reshape(-1, 2)
        return [
            Column(
                "item", np.array(self.items, np.int64), long_name="Number of the field or cell in the input, from 0"
            ),
            Column("center_y", centers[:, 0], "px", "Row of the cell's center on the map"),
            Column("center_x", centers[:, 1], "px", "Column of the cell's center on the map"),
            *(Column(each.name, values[:, n], each.unit, each.description) for n, each in enumerate(OPD_FEATURES)),
            Column("clipped", np.array(self.clipped, np.int64), long_name="1: the cell reaches the edge of its map"),
            Column("several", np.array(self.several, np.int64), long_name="1: more than one cell, which touch"),
        ]


def _to_draw(
    drawn: list[tuple[PhaseMap, list[str]]], item: PhaseMap, notes: list[str]
) -> list[tuple[PhaseMap, list[str]]]:
    """Return what the picture shows so far: items with cells before those without, each in their order."""
    return sorted([*drawn, (item, notes)], key=lambda each: (not each[0].cells, each[0].index))[:MOST_DRAWN]


def _tell(report: PhaseReport, cells: Path, output: Path) -> None:
    console = terminal()
    for index, told in [*report.faults.items(), *report.crowded.items()][:MOST_TOLD]:
        console.print(f"item {index}: {told}", soft_wrap=True)
    console.print(
        f"Fixed point is {report.fixed_rmse_mrad:.3f} mrad (RMSE) from float64: {report.fixed_values:,} values."
    )
    console.print(
        f"{report.items:,} maps, {len(report.faults):,} faulty, {len(report.crowded):,} crowded; "
        f"{report.cells:,} cells, {report.clipped:,} at an edge, {report.several:,} of several that touch. "
        f"Dry mass by a refraction increment of {report.refraction_increment_um3_per_pg:g} um^3/pg. Written: "
        f"{output / 'maps.h5'}, maps.tif, {cells.name}, picture.png, report.json",
        soft_wrap=True,
    )
