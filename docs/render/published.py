"""The page beside published figures: what was counted, what is planned and estimated, what only silicon tells.

``python -m docs.render.published`` plans the engines of all rows anew; a test fails when these are no longer what is
planned. Counted figures and clocks of an ECP5 are reports of ``cytogate cosim`` and ``cytogate synth``, as they were
written, under the names that :func:`counted` and :func:`placed` look for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cytogate.model.design.folder import load_design
from docs.render.text import Pages, page, table

RECORDS = Path(__file__).resolve().parents[1] / "results" / "published"
PLANNED = RECORDS / "planned.json"
ROWS = (
    ("qatom128", "kv260", 4), ("qatom128", "zcu104", 4), ("qatom128", "pynq-z2", 1), ("student48", "kv260", 4),
    ("student48", "pynq-z2", 4), ("five48", "kv260", 1), ("five48", "pynq-z2", 1),
)  # fmt: skip
"""Design, board, samples per clock."""
WHAT = {
    "qatom128": "four-angle frames of 128x128: phase retrieval by transforms, five classes (`qatom128`)",
    "student48": "bright field, 48x48, five classes (`student48`)",
    "five48": "five channels of 48x48, two classes, no trained network (`five48`)",
}
SILICON = "power, and the delays of camera and sorter"


@dataclass(frozen=True)
class Published:
    """What a paper says of a system that ran on a device."""

    work: str
    what: str
    rate: str
    latency: str
    source: str


PUBLISHED = (
    Published(
        "Xie 2015", "phase of Q-ATOM images and their class, 256x256 at 100 MHz", "2,497 cells/s a card", "not told",
        "J. Xie et al., Accelerated cell imaging and classification on FPGAs for quantitative-phase "
        "asymmetric-detection time-stretch optical microscopy, FPT 2015, abstract",
    ),
    Published(
        "Wang 2021", "quantized CNN on multi-ATOM images, no phase", "29,200 cells/s imaged", "34.2 us to the class",
        "M. Wang et al., IEEE Trans. Neural Netw. Learn. Syst. 33(7), 2853, doi:10.1109/TNNLS.2020.3046452, abstract",
    ),
    Published(
        "Islam 2025", "CNN of 5,682 parameters on bright-field images of 48x48", "not told here",
        "14.5 us of inference, 24.7 us from detection to trigger", "K. Islam et al., arXiv:2503.12622, abstract",
    ),
)  # fmt: skip


def planned() -> list[dict[str, Any]]:
    """Plan the engines of all rows; of a design without a trained network those of drawn weights."""
    from cytogate.model.codesign.cost import SEED
    from cytogate.model.design.boards import board_named
    from cytogate.model.engines.planner import plan_engines
    from cytogate.model.networks.keras_backend import keras
    from cytogate.model.networks.saved import has_network, load_operations
    from cytogate.model.networks.shapes import untrained_operations

    found = []
    for name, board, samples in ROWS:
        design = load_design(name)
        keras.utils.set_random_seed(SEED)
        network = load_operations(design) if has_network(design) else untrained_operations(design)
        found.append({"design": name, **asdict(plan_engines(design, network, board_named(board), samples))})
    return found


def counted(design: str, board: str) -> dict[str, Any] | None:
    """Return the report of ``cytogate cosim --level rtl --network``, where one is kept."""
    return _kept(f"cosim-{design}-{board}")


def placed(design: str) -> dict[str, Any] | None:
    """Return the report of ``cytogate synth --fmax``, where one is kept."""
    return _kept(f"synth-{design}")


def pages() -> Pages:
    """Return ``results/beside-published.md``."""
    plans = json.loads(PLANNED.read_text(encoding="utf-8"))
    papers = [(each.work, each.what, each.rate, each.latency, each.source) for each in PUBLISHED]
    told = page(
        "Beside published figures",
        "The published systems ran on their devices. Of Cytogate's designs *counted* are clocks of the SystemVerilog "
        "at its pins, simulated, no logit differing; times are counted clocks at the stated clock. *Planned* is what "
        "the planner says without simulation; DSP, block RAM and clocks of the engines are exact, look-up tables "
        "estimated. What *only silicon tells* nobody knows yet: nothing here was built or timed on a device.",
        "## Published",
        table(("work", "what", "cells a second", "latency", "source"), papers),
        "## Cytogate",
        table(
            ("design", "board, MHz, samples a clock", "counted", "planned and estimated", "only silicon tells"),
            [_row(plan) for plan in plans],
        ),
        "Frames arrive at the network's size, as fast as they are taken, and through one memory port. Of each "
        "published figure what it spans stands beside it; they are not of the same cells, networks or ends, so that no "
        "row stands for a better sorter.",
        *_ecp5({plan["design"] for plan in plans}),
    )  # fmt: skip
    return {"results/beside-published.md": told}


def _row(plan: dict[str, Any]) -> tuple[str, ...]:
    chip, percent = load_design(plan["design"]).chip.on_board(plan["board"]), plan["area"]["percent"]
    report = counted(plan["design"], plan["board"])
    return (
        WHAT[plan["design"]],
        f"{plan['board']}, {chip.clock_mhz:g}, {plan['samples_per_clock']}",
        "not counted" if report is None else _counted(report),
        f"{plan['cells_per_second']:,.0f} cells/s, a cell every {plan['interval_cycles']:,} clocks of the engines; "
        f"{plan['latency_us']:,.1f} us from the last pixel to the logits; {percent['DSP']:.0f} % of the DSP, "
        f"{percent['BRAM36']:.0f} % of the block RAM, {percent['LUT']:.0f} % of the LUT",
        f"whether {chip.clock_mhz:g} MHz are met and what it fits into once routed; {SILICON}",
    )


def _counted(report: dict[str, Any]) -> str:
    clocks, pipeline = report["pipeline"]["counted"], report["pipeline"]
    differing = sum(stage["differing"] for stage in report["stages"])
    values = sum(stage["values"] for stage in report["stages"])
    return (
        f"{pipeline['cells_per_second']:,.0f} cells/s, a frame every {clocks['interval']:,.0f} clocks; "
        f"{clocks['trigger_most']:,} ({pipeline['trigger_us']:.1f} us) from the last pixel to the trigger, "
        f"{clocks['class_most']:,} ({pipeline['class_us']:.1f} us) from the first pixel to the class; {differing} of "
        f"{values:,} values of {report['frames']} frames differ"
    )


def _ecp5(designs: set[str]) -> list[str]:
    rows = [
        (f"`{design}`: {each['part']}", f"{each['fmax_mhz']:.1f}", each["device"], each["tool"])
        for design in sorted(designs)
        for each in (placed(design) or {"placements": []})["placements"]
    ]
    if not rows:
        return []
    return [
        "## Placed and routed on an ECP5",
        "Other silicon than the boards', pins left out: what a part of the SystemVerilog reaches somewhere at all.",
        table(("part", "MHz", "device", "tool"), rows),
    ]


def _kept(name: str) -> dict[str, Any] | None:
    path = RECORDS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


if __name__ == "__main__":
    PLANNED.write_text(json.dumps(planned(), indent=1) + "\n", encoding="utf-8")
    print(f"written: {PLANNED}")
