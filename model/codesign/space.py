"""Search space: each field of a design's topology, about the design's own choice and within the field's rule.

A whole number may become a quarter of the design's own up to twice as large; a tuple of them, such as the filters of
blocks, may also lose its last one or get one more. A fraction moves in quarters of its own. Of names, any part may
remain. Whether a network can be built of it at all is told by who builds it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from cytogate.model.design.quantities import Rule, rules
from cytogate.model.design.topologies import Saved, Topology
from cytogate.model.errors import InputError

Parameters = Mapping[str, Any]
"""Values by their names: those of fields, with a point and what is within a tuple."""
SMALLER, LARGER = 4, 2
"""A number is divided by, or multiplied with so much at most."""
LENGTH = "length"


@dataclass(frozen=True)
class Space:
    """The topologies near one of them."""

    start: Topology
    fields: tuple[str, ...]
    """Those that are searched; all others stay as they are."""

    @staticmethod
    def of(start: Topology, fields: tuple[str, ...] | None = None) -> Space:
        """Return the space about a topology, in some of its fields or in all.

        Raises
        ------
        InputError
            If there is no such field, or nothing to search.
        """
        known = tuple(rules(type(start)))
        if isinstance(start, Saved) or not known:
            raise InputError("its network was adopted, as it is; there is nothing to search")
        unknown = [name for name in fields or () if name not in known]
        if unknown:
            raise InputError(f'topology "{start.name}" has no {unknown[0]}; it has {", ".join(known)}')
        return Space(start, known if fields is None else fields)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What may be chosen, by name."""
        known = rules(type(self.start))
        found: dict[str, BaseDistribution] = {}
        for name in self.fields:
            found |= _distributions(name, getattr(self.start, name), known[name], _type(self.start, name))
        return found

    def topology(self, parameters: Parameters) -> Topology:
        """Return the topology of values that were chosen.

        Raises
        ------
        InputError
            If there is none of these.
        """
        known = rules(type(self.start))
        values = {name: _value(name, getattr(self.start, name), known[name], parameters) for name in self.fields}
        return dataclasses.replace(self.start, **values)


def _type(topology: Topology, name: str) -> Any:
    return get_type_hints(type(topology))[name]


def _distributions(name: str, own: Any, rule: Rule, kind: Any) -> dict[str, BaseDistribution]:
    if get_origin(kind) is tuple and rule.choices:
        return {f"{name}.{each}": CategoricalDistribution((True, False)) for each in rule.choices}
    if get_origin(kind) is tuple and get_args(kind)[0] is int:
        found: dict[str, BaseDistribution] = {
            f"{name}.{LENGTH}": IntDistribution(max(1, len(own) - 1), len(own) + 1),
        }
        # One more than there are is like the last of them.
        return found | {f"{name}.{place}": _near(each, rule) for place, each in enumerate((*own, own[-1]), start=1)}
    if kind is bool:
        return {name: CategoricalDistribution((True, False))}
    if kind is int:
        return {name: _near(own, rule)}
    if kind is float:
        return {name: _in_quarters(own, rule)}
    raise InputError(f"field {name} cannot be searched")


def _value(name: str, own: Any, rule: Rule, parameters: Parameters) -> Any:
    if isinstance(own, tuple) and rule.choices:
        return tuple(each for each in rule.choices if parameters[f"{name}.{each}"])
    if isinstance(own, tuple):
        return tuple(parameters[f"{name}.{place}"] for place in range(1, parameters[f"{name}.{LENGTH}"] + 1))
    return parameters[name]


def _near(own: int, rule: Rule) -> IntDistribution:
    low, high = _limits(rule)
    return IntDistribution(max(int(low), math.ceil(own / SMALLER)), min(int(high), own * LARGER), log=True)


def _in_quarters(own: float, rule: Rule) -> FloatDistribution:
    (low, high), step = _limits(rule), own / SMALLER
    least, most = math.ceil(low / step), math.floor(min(high, own * LARGER) / step)
    return FloatDistribution(max(1, least) * step, most * step, step=step)


def _limits(rule: Rule) -> tuple[float, float]:
    assert rule.low is not None
    assert rule.high is not None
    return rule.low, rule.high
