"""Report of ``cytogate prove``: proofs, faults, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cytogate.model.errors import CheckFailed
from cytogate.sim.formal.prover import Status


@dataclass(frozen=True)
class ProofRow:
    """A module with parameters."""

    module: str
    parameters: Mapping[str, int]
    clocks: int | None
    """From reset on, for which the properties hold; None for all time."""
    status: str
    properties: int
    failed: str | None
    seconds: float


@dataclass(frozen=True)
class MutantRow:
    """A fault."""

    name: str
    module: str
    old: str
    new: str
    killed_by: str | None
    """The assertion that has a counterexample; None for a fault that no proof finds."""
    seconds: float


@dataclass(frozen=True)
class ProveReport:
    """``out/prove/report.json``."""

    tools: tuple[str, ...]
    proofs: tuple[ProofRow, ...]
    mutants: tuple[MutantRow, ...]
    seconds: float

    def check(self) -> None:
        """Raise :class:`CheckFailed` with what is not proved and which faults were not found."""
        wrong = [
            f"{row.module} {dict(row.parameters)}: {row.status}, {row.failed}"
            for row in self.proofs
            if row.status != Status.PROVED.name
        ]
        wrong += [
            f"{row.module} {dict(row.parameters)}: there is no property in it, so nothing was proved"
            for row in self.proofs
            if not row.properties
        ]
        wrong += [f"the fault '{row.name}' of {row.module} is not found" for row in self.mutants if not row.killed_by]
        if wrong:
            raise CheckFailed("; ".join(wrong))
