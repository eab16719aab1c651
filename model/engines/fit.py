"""Whether a design with its network in SystemVerilog can fit its board, by the estimate, before anything is built."""

from __future__ import annotations

from cytogate.model.design.design import Design
from cytogate.model.engines.area import network_area
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.engines.planner import ENGINES, plan_boards
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import AreaReport, ModuleArea, area_report, samples
from cytogate.model.estimates.system import front_end
from cytogate.model.networks.operations import IntegerNetwork


def engines_report(design: Design, engines: EngineNetwork) -> AreaReport:
    """Return what a design's front end and these engines behind it take of its board, estimated."""
    board, ahead = design.chip.on, front_end(design, engines.entry.pixels)
    used, network = ahead.uram_area if board.budget.uram > 0 else ahead.area, network_area(engines)
    return area_report(
        board, "estimated", used + network, (ModuleArea(ahead.name, 1, used), ModuleArea(ENGINES, 1, network))
    )


def check_engines_fit(design: Design, network: IntegerNetwork, engines: EngineNetwork) -> None:
    """Raise an InputError if engines of ``network`` need more of the design's board than it has, with what would fit.

    Raises
    ------
    InputError
        In that case.
    """
    report, number = engines_report(design, engines), engines.entry.pixels
    if not report.lacking:
        return
    plans = plan_boards(design, network, [design.chip.on])[report.board]
    fitting = [plan.samples_per_clock for plan in plans if plan.samples_per_clock != number and not plan.area.lacking]
    instead = (
        f"It fits at {samples(max(fitting))}"
        if fitting
        else "No other number of samples per clock fits; choose another board, window or network"
    )
    raise InputError(
        f"{design.name} at {samples(number)}, its network in SystemVerilog, {report.needs} (estimated). {instead}"
    )
