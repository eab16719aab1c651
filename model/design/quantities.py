"""Fields of a design: what each may be, said once for the reader of TOML, the writer and the checks."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from cytogate.model.errors import InputError


@dataclass(frozen=True)
class Rule:
    """What one field of a section may be."""

    says: str
    """What it is, as the comment behind it in a written ``design.toml``."""
    low: float | None = None
    """Smallest value; of a tuple, of each of its items."""
    high: float | None = None
    choices: tuple[Any, ...] = ()
    """All values there are; empty where ``low`` and ``high`` say it."""
    required: bool = True
    """Whether ``design.toml`` must state it; otherwise the default holds."""

    def fault(self, name: str, value: Any) -> str | None:
        """Return what is wrong with a value of the right type, or None."""
        if isinstance(value, tuple):
            if not value:
                return f"{name} is empty; at least one entry is needed"
            return next((fault for fault in (self.fault(name, each) for each in value) if fault), None)
        if self.choices:
            if value in self.choices:
                return None
            return f"{name} is {value!r}; it must be {_or(self.choices)}"
        if isinstance(value, str) or self.low is None or self.high is None:
            return None
        if math.isfinite(value) and self.low <= value <= self.high:
            return None
        return f"{name} is {value:g}; it must be {self.low:g} to {self.high:g}{self._unit_hint(name, value)}"

    def _unit_hint(self, name: str, value: float) -> str:
        """Say which unit a length was probably given in."""
        assert self.low is not None
        assert self.high is not None
        if name.endswith("_um") and math.isfinite(value):
            for unit, factor in (("nanometres", 1e-3), ("metres", 1e6)):
                if self.low <= value * factor <= self.high:
                    return f" micrometres ({value:g} looks like {unit}: write {name} = {value * factor:g})"
            return " micrometres"
        return ""


def quantity(
    says: str,
    default: Any = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    required: bool = True,
) -> Any:
    """Return a dataclass field that knows its :class:`Rule`."""
    return dataclasses.field(default=default, metadata={"rule": Rule(says, low, high, choices, required)})


def rules(section: type) -> dict[str, Rule]:
    """Return the rules of a section's fields by name, in order."""
    return {each.name: each.metadata["rule"] for each in dataclasses.fields(section) if "rule" in each.metadata}


def check(section: Any) -> None:
    """Raise an :class:`InputError` for the first field of a section that breaks its rule."""
    for name, rule in rules(type(section)).items():
        fault = rule.fault(name, getattr(section, name))
        if fault:
            raise InputError(fault)


def _or(choices: tuple[Any, ...]) -> str:
    told = [f'"{each}"' if isinstance(each, str) else str(each) for each in choices]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"
