"""The report of a C-simulation: JSON for machines, a table for people, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.errors import CheckFailed
from cytogate.sim.csim.chain import ChainResult
from cytogate.sim.csim.compare import StageResult

AGREEMENT_DUE = 0.98
"""Smallest share of simulated cells to which float and fixed chain must give the same class."""


@dataclass(frozen=True)
class CSimReport:
    """``out/csim/report.json``. Accuracies are None without labels, the seed without a simulation."""

    design: str
    source: str
    """``simulated``, or the user's file."""
    frames: int
    """Cells in C-simulation."""
    agreement_frames: int
    """Cells in the float and the integer chain, those in C-simulation among them."""
    seed: int | None
    stages: tuple[StageResult, ...]
    float_accuracy: float | None
    fixed_accuracy: float | None
    top1_agreement: float | None
    """None where there is no network yet."""
    wrong_order: str | None
    """What the phases say of the order of a file's frames, where it is wrong."""
    csim_seconds_per_frame: float
    seconds: float

    @staticmethod
    def of(
        result: ChainResult,
        *,
        design: str,
        source: str,
        seed: int | None,
        labels: NDArray[np.int64] | None,
        wrong_order: str | None,
        seconds: float,
    ) -> CSimReport:
        """Sum up a run."""
        return CSimReport(
            design=design,
            source=source,
            frames=result.csim_cells,
            agreement_frames=result.cells,
            seed=seed,
            stages=result.stages,
            float_accuracy=_accuracy(result.float_classes, labels),
            fixed_accuracy=_accuracy(result.fixed_classes, labels),
            top1_agreement=result.top1_agreement,
            wrong_order=wrong_order,
            csim_seconds_per_frame=result.csim_seconds / max(result.csim_cells, 1),
            seconds=seconds,
        )

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def check(self) -> None:
        """Raise :class:`CheckFailed` with the first relation that does not hold."""
        for stage in self.stages:
            if stage.differing:
                raise CheckFailed(
                    f"stage {stage.name}: {stage.differing} of {stage.values} values differ between integer model and "
                    "C-simulation"
                )
        for stage in self.stages:
            if not stage.holds:
                raise CheckFailed(
                    f"stage {stage.name}: the RMSE from the float reference is {stage.float_rmse:.3g} {stage.unit}, "
                    f"the contract allows {stage.rmse_bound:.3g}"
                )
        if self.wrong_order is not None:
            raise CheckFailed(f"{self.source}: {self.wrong_order}")
        if self.source == "simulated" and self.top1_agreement is not None and self.top1_agreement < AGREEMENT_DUE:
            raise CheckFailed(
                f"float and fixed chain agree on {self.top1_agreement:.1%} of {self.agreement_frames} cells, "
                f"{AGREEMENT_DUE:.0%} are due"
            )


def _accuracy(classes: NDArray[np.int64], labels: NDArray[np.int64] | None) -> float | None:
    return float(np.mean(classes == labels)) if labels is not None and len(classes) else None


def print_table(report: CSimReport, files: Sequence[Path]) -> None:
    """Print the report for a person."""
    from rich.table import Table

    console = terminal()
    table = Table(title=f"C-simulation of {report.design}: {report.frames} cells, {report.source}")
    for column, justify in (
        ("stage", "left"), ("values compared", "right"), ("values that differ", "right"), ("RMSE vs float64", "right"),
        ("bound on the RMSE", "right"), ("largest difference", "right"), ("unit", "left"), ("", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for stage in report.stages:
        table.add_row(
            stage.name, f"{stage.values:,}", f"{stage.differing:,}", f"{stage.float_rmse:.3g}",
            f"{stage.rmse_bound:.3g}", f"{stage.float_max:.3g}", stage.unit, "holds" if stage.holds else "FAILS",
        )  # fmt: skip
    console.print(table)
    if report.top1_agreement is None:
        console.print("There is no trained network yet: the chain ends at the network's input.")
    else:
        console.print(
            f"Same class by the float64 chain and by the fixed-point chain: {report.top1_agreement:.2%} of "
            f"{report.agreement_frames:,} cells.",
            soft_wrap=True,
        )
    if report.fixed_accuracy is not None:
        console.print(f"Accuracy: {report.fixed_accuracy:.2%} fixed, {report.float_accuracy:.2%} by the float64 chain.")
    console.print(f"{report.seconds:.0f} s; written: " + ", ".join(map(str, files)), soft_wrap=True)
