"""The page beside published figures holds what is planned today, and reports of the hardware that is planned."""

from __future__ import annotations

import json

import pytest

from cytogate.model.design.folder import load_design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.engines.lowering import lower
from cytogate.model.estimates.system import front_end
from cytogate.model.networks.saved import load_operations
from docs.render.published import PLANNED, PUBLISHED, RECORDS, ROWS, counted, pages, placed, planned

COUNTED = (("qatom128", "kv260"), ("student48", "pynq-z2"))
GATE_CLOCKS = 40
"""From the logits to the trigger, at most, and from the front end to the engines."""


def test_what_is_planned_is_what_stands_there() -> None:
    found = json.loads(json.dumps(planned()))
    assert [(each["design"], each["board"], each["samples_per_clock"]) for each in found] == list(ROWS)
    assert found == json.loads(PLANNED.read_text(encoding="utf-8")), "python -m docs.render.published writes it anew"


@pytest.mark.parametrize(("name", "board"), COUNTED)
def test_what_was_counted_is_of_the_engines_that_are_planned(name: str, board: str) -> None:
    (plan,) = (each for each in json.loads(PLANNED.read_text()) if (each["design"], each["board"]) == (name, board))
    report, design = counted(name, board), load_design(name)
    assert report is not None
    assert report["design"].removesuffix("-binned") == name
    assert (report["level"], report["samples_per_clock"]) == ("rtl", plan["samples_per_clock"])
    assert report["clock_mhz"] == design.chip.on_board(board).clock_mhz
    assert [stage["differing"] for stage in report["stages"]] == [0] * 4
    ahead, pipeline = front_end(design, plan["samples_per_clock"]), report["pipeline"]
    engines = engines_of(plan)
    assert pipeline["multipliers"] == engines.multipliers
    assert pipeline["counted"]["interval"] == max(plan["interval_cycles"], ahead.interval_cycles)
    if plan["interval_cycles"] <= ahead.interval_cycles:  # else frames wait for the one before
        more = pipeline["counted"]["trigger_most"] - ahead.latency_cycles - plan["latency_cycles"]
        assert 0 <= more < GATE_CLOCKS


def engines_of(plan: dict[str, object]) -> EngineNetwork:
    network = load_operations(load_design(str(plan["design"])))
    return lower(network, plan["samples_per_clock"], plan["clocks"], plan["steps"])  # type: ignore[arg-type]


def test_the_page_tells_all_that_is_kept() -> None:
    told = pages()["results/beside-published.md"].decode()
    for each in PUBLISHED:
        assert each.rate in told
    kept = {path.stem for path in RECORDS.glob("*.json")} - {PLANNED.stem}
    assert kept == {f"cosim-{name}-{board}" for name, board in COUNTED} | {"synth-student48"}
    for name, board in COUNTED:
        report = counted(name, board)
        assert report is not None
        assert f"; {report['pipeline']['counted']['trigger_most']:,} (" in told
    report = placed("student48")
    assert report is not None
    assert [each["part"] for each in report["placements"]] == ["first layer", "convolution engine of the first layer"]
    assert all(f"| {each['fmax_mhz']:.1f} | LFE5U-85F" in told for each in report["placements"])
