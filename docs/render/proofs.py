"""Render what is proved of RTL modules, and the faults that the proofs have to find, from ``sim/formal``."""

from __future__ import annotations

from cytogate.sim.formal.mutants import MUTANTS
from cytogate.sim.formal.page import HARNESSES
from cytogate.sim.formal.proofs import PROOFS, Property
from docs.render.rtl import escaped
from docs.render.text import Pages, page, table

TOLD = (
    "Simulation shows a module some inputs; a proof shows it all of them, at all times from reset on, unless a number "
    "of clocks is given. Each module has a harness in `sim/formal` that states its law in other words than the module "
    "does. `make prove` runs the proofs by SymbiYosys and Yices, and again with faults put in, each of which must be "
    "refuted by a counterexample. This page says what is asked; what was found is in the report of a run, `out/prove`."
)


def pages() -> Pages:
    """Return ``explained/formal.md``."""
    proofs = [(_module(each.module), escaped(law(each.module)), _parameters(each), _reach(each)) for each in PROOFS]
    faults = [(name, _module(each.module), f"`{each.old}`", f"`{each.new}`") for name, each in MUTANTS.items()]
    told = page(
        "Formal proofs",
        TOLD,
        f"## Laws of {len(PROOFS)} modules",
        table(("module", "what is proved", "parameters", "for"), proofs),
        f"## {len(MUTANTS)} faults",
        table(("fault", "module", "from", "to"), faults),
    )
    return {"explained/formal.md": told}


def law(module: str) -> str:
    """Return the comment at the beginning of a module's harness, without the module's name."""
    lines = (HARNESSES / f"{module}_proof.sv").read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("//"))
    return " ".join(line.removeprefix("//").strip() for line in lines[:end]).removeprefix(f"{module}: ")


def _module(name: str) -> str:
    return f"[`{name}`](../reference/rtl/{name}.md)"


def _parameters(proof: Property) -> str:
    told = [", ".join(f"{name} = {value}" for name, value in each.items()) or "as written" for each in proof.variants]
    return escaped("; ".join(told))


def _reach(proof: Property) -> str:
    return f"{proof.depth} clocks" if proof.bounded else "all time"
