"""The numeric contract, rendered from its source: the rows of each kind of design, and the laws' own texts."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from cytogate.model.contract import bounds, bright_field, law, off_axis, recursion
from cytogate.model.contract.fixed_point import Overflow, Rounding
from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import Contract, Order, Stage
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Calibration, Design
from cytogate.model.design.folder import DEFAULT_DESIGN, load_design
from cytogate.model.design.instruments import BrightField, OffAxis
from cytogate.model.design.new import new_design
from docs.render.text import Pages, page, plain, sections, table

CALIBRATION = Calibration(1, 0.30, 0.24, 0.12, 40.0)
"""Of simulated holograms; the rows of an off-axis design depend on one."""


def pages() -> Pages:
    """Return ``explained/contract.md``."""
    return {"explained/contract.md": _page()}


def designs() -> dict[str, Design]:
    """Return a design of each kind and law, by what it is called on the page."""
    default = load_design(DEFAULT_DESIGN)
    return {
        f'four-angle, law "fft" ({DEFAULT_DESIGN})': default,
        'four-angle, law "two-sided"': _by_law(default, TWO_SIDED),
        'four-angle, law "causal"': _by_law(default, CAUSAL),
        "bright-field": _new(BrightField.kind),
        "off-axis": dataclasses.replace(_new(OffAxis.kind), calibration=CALIBRATION),
    }


def _by_law(design: Design, retrieval: str) -> Design:
    return dataclasses.replace(design, chip=dataclasses.replace(design.chip, retrieval=retrieval))


def _new(kind: str) -> Design:
    with tempfile.TemporaryDirectory() as folder:
        return load_design(new_design(Path(folder) / f"my-{kind}", None, kind))


def _page() -> bytes:
    parts = [
        "This page is rendered from `model/contract` when the documentation is built; nothing on it is written by "
        "hand but its first paragraphs.",
        "A row is a *stage*: a boundary of the chain at which values are compared. Its format is that of one code; "
        "`scale` is what a decoded code of 1 means in the stage's unit, before a block exponent where there is one. "
        "The bound is the largest allowed root-mean-square difference (RMSE) of the integer model from the float64 "
        "reference, in the same unit; where it depends on the block exponents, the table says so.",
        f"A format that names neither rounds to the nearest step, halves to the even one "
        f"(`{Rounding.CONVERGENT.value}`), and saturates (`{Overflow.SATURATE.value}`). Values leave a stage in one of "
        "these orders:",
        table(("order", "what"), [(each.name.lower().replace("_", " "), each.value) for each in Order]),
    ]
    for name, design in designs().items():
        terms = contract(design)
        parts += [f"## Rows: {name}", _rows(terms), *_range(terms), "Memories of the HLS kernel:", _memories(terms)]
    parts += ["## The law of four-angle frames", _below(law.__doc__)]
    for title, module in (
        ("The laws with a recursion", recursion),
        ("The law of bright-field frames", bright_field),
        ("The law of off-axis holograms", off_axis),
        ("Bounds", bounds),
    ):
        parts += [f"## {title}", _below(module.__doc__)]
    return page("The numeric contract", *parts)


def _range(terms: Contract) -> list[str]:
    """Say where the phase ends."""
    if not isinstance(terms, law.FourAngleContract):
        return []
    return [
        f"The phase is saturated beyond {terms.largest_phase:.3g} rad of either sign, and what the network sees of it "
        f"beyond {terms.largest_phase_seen:.3g} rad."
    ]


def _below(docstring: str | None) -> str:
    return sections(docstring or "").replace("\n## ", "\n### ")


def _rows(terms: Contract) -> str:
    rows = [
        (f"`{each.name}`", " x ".join(map(str, each.shape)), f"`{_format(each)}`", each.unit,
         f"{each.scale:.4g}", _bound(each), each.order.name.lower().replace("_", " "))
        for each in terms.recorded
    ]  # fmt: skip
    return table(("stage", "shape", "format", "unit", "scale", "bound", "order"), rows)


def _format(stage: Stage) -> str:
    """Return the type in C++, without the rounding and overflow that nearly all have."""
    return stage.format.ap_type.replace(f", {Rounding.CONVERGENT.value}, {Overflow.SATURATE.value}>", ">")


def _bound(stage: Stage) -> str:
    if stage.bound.lines:
        return "by exponent"
    return f"{stage.bound.fixed:.3g}" if stage.bound.fixed else "exact"


def _memories(terms: Contract) -> str:
    rows = [
        (f"`{each.name}`", f"{each.width} x {each.depth:,}", each.copies, f"{each.bram36:g}", plain(each.reason))
        for each in terms.buffers
    ]
    return table(("memory", "bits x words", "copies", "BRAM36", "why"), rows)
