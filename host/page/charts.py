"""Charts of a stream's course: rate and waiting cells, classes, latencies. Each draws a view and knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    Label,
    LogTicker,
    Node,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from cytogate.host.page.theme import FONT, WARNING, Theme, class_color, paint
from cytogate.host.stream.course import WINDOW_S
from cytogate.host.stream.monitor import BAR_EDGES_NS, State, View

CLASSES_BIN_S = 5
"""Seconds of one bar of the classes' course: single seconds of a slow stream hold too few cells to compare."""
WINDOWS_S = (30, 60, WINDOW_S)
"""What the axes of time span: the shortest that holds what is known."""
LOWEST_BAR = 0.7
"""Lower end of the logarithmic axis of cells, where one cell still makes a bar."""
LABEL_ROW_PX = 14

ChartData = dict[str, NDArray]


def plot(x_label: str, y_label: str, **ranges: object) -> figure:
    """Return an empty figure that fills its place and cannot be scrolled away."""
    made = figure(
        sizing_mode="stretch_both",
        min_width=120,
        min_height=80,
        toolbar_location=None,
        tools="",
        x_axis_label=x_label,
        y_axis_label=y_label,
        **ranges,
    )
    made.min_border_right = 12
    made.xgrid.visible = False
    return made


def note(text: str) -> Label:
    """Return words for the middle of an empty chart."""
    middle = Node.frame.center
    return Label(x=middle, y=middle, text=text, anchor="center", text_font=FONT, text_font_size="13px")


class RateChart:
    """Cells a second, and below it cells that wait for the accelerator."""

    def __init__(self) -> None:
        self._seconds = Range1d(0, WINDOWS_S[0])
        self._most = Range1d(0, 10), Range1d(0, 10)
        self.rate = plot("", "cells / s", x_range=self._seconds, y_range=self._most[0])
        self.waiting = plot("time since the start (s)", "cells waiting", x_range=self._seconds, y_range=self._most[1])
        self.rate.xaxis.visible = False
        self.plots = self.rate, self.waiting
        for each in self.plots:
            each.min_border_left = 52
            each.yaxis.ticker = BasicTicker(desired_num_ticks=3, min_interval=1)
            each.xaxis.ticker = BasicTicker(desired_num_ticks=6)
        self._note = note("waiting for cells")
        self.rate.add_layout(self._note)
        self._source = ColumnDataSource({"second": [], "rate": [], "others": [], "waiting": []})
        line = {"source": self._source, "mode": "after", "line_width": 1.8}
        self._lines = [
            self.rate.step("second", "rate", legend_label="classified", **line),
            self.waiting.step("second", "waiting", **line),
        ]
        self.rate.step("second", "others", line_color=WARNING, legend_label="dropped or lost", **line)
        legend = self.rate.legend
        legend.location, legend.orientation = "top_left", "horizontal"
        legend.background_fill_alpha = legend.border_line_alpha = 0
        legend.label_text_font, legend.label_text_font_size = FONT, "11px"
        legend.margin = legend.padding = 0

    def draw(self, view: View) -> None:
        """Show a view."""
        course = view.course
        rate = course.classes.sum(axis=1)
        self._source.data = {
            "second": course.seconds,
            "rate": rate,
            "others": course.others,
            "waiting": course.waiting,
        }
        self._note.visible = view.state is State.WAITING
        _span(self._seconds, course.seconds)
        # Room above for the legend.
        self._most[0].end = _round_up(1.25 * max(_highest(rate), _highest(course.others)))
        self._most[1].end = _round_up(_highest(course.waiting))

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        for each in self.plots:
            paint(each, theme)
        self._note.text_color = theme.faint
        self.rate.legend.label_text_color = theme.ink
        for line in self._lines:
            line.glyph.line_color = theme.ink


class ClassesChart:
    """Cells of each class in every few seconds, one on the other."""

    def __init__(self, class_names: Sequence[str]) -> None:
        self._seconds, self._most = Range1d(0, WINDOWS_S[0]), Range1d(0, 10)
        self.plot = plot(
            "time since the start (s)", f"cells in {CLASSES_BIN_S} s", x_range=self._seconds, y_range=self._most
        )
        self.plot.yaxis.ticker = BasicTicker(desired_num_ticks=4, min_interval=1)
        self.plot.xaxis.ticker = BasicTicker(desired_num_ticks=5)
        self._note = note("waiting for cells")
        self.plot.add_layout(self._note)
        self._names = [f"class{index}" for index in range(len(class_names))]
        self._source = ColumnDataSource({name: [] for name in ("middle", *self._names)})
        self.plot.vbar_stack(
            self._names,
            x="middle",
            width=0.86 * CLASSES_BIN_S,
            color=[class_color(index) for index in range(len(class_names))],
            line_color=None,
            source=self._source,
        )

    def draw(self, view: View) -> None:
        """Show a view."""
        course = view.course
        bins, place = np.unique(course.seconds // CLASSES_BIN_S, return_inverse=True)
        cells = np.zeros((len(bins), len(self._names)), np.int64)
        np.add.at(cells, place, course.classes)
        columns: ChartData = {"middle": (bins + 0.5) * CLASSES_BIN_S}
        self._source.data = columns | {name: cells[:, index] for index, name in enumerate(self._names)}
        self._note.visible = view.state is State.WAITING
        _span(self._seconds, course.seconds)
        self._most.end = _round_up(_highest(cells.sum(axis=1)))

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        paint(self.plot, theme)
        self._note.text_color = theme.faint


class LatencyChart:
    """From arrival to decision: a histogram with both axes logarithmic, its quantiles, and the deadline."""

    def __init__(self, deadline_ns: int | None) -> None:
        self._most, self._range = Range1d(LOWEST_BAR, 1e2), Range1d(0.1, 1e3)
        self.plot = plot(
            "arrival to decision (ms)",
            "cells",
            x_axis_type="log",
            y_axis_type="log",
            x_range=self._range,
            y_range=self._most,
        )
        self._ticks = FixedTicker(ticks=[])
        self.plot.xaxis.ticker = self._ticks
        self.plot.yaxis.ticker = LogTicker(desired_num_ticks=4)
        for axis in (self.plot.xaxis, self.plot.yaxis):
            axis.formatter = CustomJSTickFormatter(code="return tick.toLocaleString('en-US')")
        self._note = note("waiting for cells")
        self.plot.add_layout(self._note)
        self._source = ColumnDataSource({"left": [], "right": [], "cells": []})
        self._bars = self.plot.quad("left", "right", "cells", LOWEST_BAR, source=self._source, line_width=1)
        self._deadline_ms = None if deadline_ns is None else deadline_ns / 1e6
        self._quantiles = [self._mark(dash, row) for row, dash in enumerate(("solid", "dashed", "dotted"))]
        if self._deadline_ms is not None:
            line, label = self._mark("solid", 3)
            line.update(location=self._deadline_ms, line_color=WARNING, line_width=2, visible=True)
            label.update(x=self._deadline_ms, text="deadline", text_color=WARNING, visible=True)

    def _mark(self, dash: str, row: int) -> tuple[Span, Label]:
        line = Span(dimension="height", location=1, line_dash=dash, line_width=1.4, visible=False)
        label = Label(
            x=1,
            y=Node.frame.top,
            x_offset=4,
            y_offset=-LABEL_ROW_PX * row,
            anchor="top_left",
            text_font=FONT,
            text_font_size="11px",
            visible=False,
        )
        self.plot.add_layout(line)
        self.plot.add_layout(label)
        return line, label

    def draw(self, view: View) -> None:
        """Show a view."""
        latency, edges = view.latency, BAR_EDGES_NS / 1e6
        (filled,) = np.nonzero(latency.bars)
        self._note.visible = not len(filled)
        if not len(filled):
            return
        self._source.data = {"left": edges[filled], "right": edges[filled + 1], "cells": latency.bars[filled]}
        self._most.end = 10 ** np.ceil(np.log10(3 * latency.bars.max()))
        deadline = self._deadline_ms or edges[filled[0]]
        # From a bar below the fastest to room for a label beyond the slowest, at least a decade.
        start = min(edges[filled[0]], deadline) / 1.3
        end = max(3 * max(edges[filled[-1] + 1], deadline), 10 * start)
        self._range.update(start=start, end=end)
        self._ticks.ticks = _log_ticks(start, end)
        quantiles = (("p50", latency.p50_ns), ("p99", latency.p99_ns), ("p99.9", latency.p999_ns))
        for (line, label), (name, value) in zip(self._quantiles, quantiles, strict=True):
            line.update(location=value / 1e6, visible=True)
            label.update(x=value / 1e6, text=name, visible=True)

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        paint(self.plot, theme)
        self._note.text_color = theme.faint
        self._bars.glyph.update(fill_color=theme.bar, line_color=theme.card)
        for line, label in self._quantiles:
            line.line_color = label.text_color = theme.ink


def _span(axis: Range1d, seconds: NDArray[np.int64]) -> None:
    """Make an axis of time span the last seconds that are known."""
    first, end = (int(seconds[0]), int(seconds[-1]) + 1) if len(seconds) else (0, 0)
    window = next((window for window in WINDOWS_S if end - first <= window), WINDOW_S)
    end = max(end, window)
    axis.update(start=end - window, end=end)


def _log_ticks(start: float, end: float) -> list[float]:
    """Return ticks at 1, 2 and 5 times powers of ten, at the powers alone where these would be crowded."""
    powers = range(int(np.floor(np.log10(start))), int(np.ceil(np.log10(end))) + 1)
    steps = (1, 2, 5) if end < 100 * start else (1,)
    # Rounded, or 0.2 would be written with all its binary digits.
    return [round(step * 10.0**power, max(0, -power)) for power in powers for step in steps]


def _highest(values: NDArray[np.int64]) -> int:
    return int(values.max(initial=0))


def _round_up(value: float) -> float:
    """Return 1, 2, 3 or 5 times a power of ten, at least 5: an axis that keeps still while a value wavers."""
    power = 10.0 ** np.floor(np.log10(max(value, 5)))
    return float(next(step * power for step in (1, 2, 3, 5, 10) if value <= step * power))
