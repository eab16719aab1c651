"""Scores of the last cells by class, and the gates above which a class is sorted: boxes with an edge to drag."""

from __future__ import annotations

from dataclasses import replace

from bokeh.core.properties import value
from bokeh.models import BasicTicker, BoxAnnotation, CheckboxGroup, ColumnDataSource, FixedTicker, HoverTool, Range1d

from cytogate.host.page.charts import note, plot
from cytogate.host.page.theme import FONT, Theme, class_color, paint
from cytogate.host.stream.gating import Decision, Gates, LiveGates, ScoreKind
from cytogate.host.stream.monitor import RECENT, State, View

FIRST_THRESHOLD = {ScoreKind.SOFTMAX: 0.5, ScoreKind.MARGIN: 1.0}
"""Where the gate of a class appears that had none."""
DECIMALS = 3
"""Places to which a dragged threshold is rounded: finer than a hand is."""
HALF_GATE, HALF_CLOUD = 0.42, 0.36
"""Half widths of a gate and of a class's cloud of points; classes are 1 apart."""
GOLDEN = 0.618034
"""Multiples of it, less their whole part, spread evenly however many there are."""
AXIS_LABEL = {
    ScoreKind.SOFTMAX: "softmax of the class; drag a gate's edge",
    ScoreKind.MARGIN: "lead over the second class; drag a gate's edge",
}


class ScoreChart:
    """A column of points for each class, and its gate.

    A dragged gate is handed to the stream when it has rested between two calls of :meth:`settle`: every change becomes
    part of the run's record, and one that is still under way is none.
    """

    def __init__(self, class_names: tuple[str, ...], live: LiveGates) -> None:
        self._names, self._live = class_names, live
        self._gates = live.gates
        self._moved = self._rests = self._following = False
        highest = 1.0 if self._gates.score is ScoreKind.SOFTMAX else None
        self._range = Range1d(0, 1.03 if highest else 4.0)
        self.plot = plot(
            "", AXIS_LABEL[self._gates.score], x_range=Range1d(-0.55, len(class_names) - 0.45), y_range=self._range
        )
        self.plot.xaxis.ticker = FixedTicker(ticks=list(range(len(class_names))))
        self.plot.xaxis.major_label_overrides = dict(enumerate(class_names))
        self.plot.xaxis.major_tick_line_color = None
        self.plot.yaxis.ticker = BasicTicker(desired_num_ticks=6)
        self._note = note("waiting for cells")
        self.plot.add_layout(self._note)
        self._points = ColumnDataSource({name: [] for name in ("x", "score", "color", "alpha", "index", "decision")})
        points = self.plot.scatter(
            "x", "score", source=self._points, size=5, fill_color="color", line_color="color", fill_alpha="alpha"
        )
        self.plot.add_tools(HoverTool(renderers=[points], tooltips="cell @index: @decision, @score{0.000}"))
        self.boxes = [self._box(index, highest) for index in range(len(class_names))]
        self._labels = ColumnDataSource({"x": [], "y": [], "text": []})
        self._texts = self.plot.text(
            "x",
            "y",
            "text",
            source=self._labels,
            text_align="right",
            text_baseline="bottom",
            text_font=value(FONT),
            text_font_size="12px",
            text_font_style="bold",
        )
        self.sorting = CheckboxGroup(labels=list(class_names), inline=True)
        self.sorting.on_change("active", self._on_move)
        self._follow(self._gates)

    def _box(self, index: int, highest: float | None) -> BoxAnnotation:
        color = class_color(index)
        box = BoxAnnotation(
            left=index - HALF_GATE,
            right=index + HALF_GATE,
            bottom=FIRST_THRESHOLD[self._gates.score],
            top=self._range.end if highest else None,
            bottom_limit=0,
            top_limit=highest,
            editable=True,
            movable="none",
            resizable="bottom",
            fill_color=color,
            fill_alpha=0.10,
            hover_fill_color=color,
            hover_fill_alpha=0.20,
            line_color=color,
            line_width=2,
        )
        box.on_change("bottom", self._on_move)
        self.plot.add_layout(box)
        return box

    def draw(self, view: View) -> None:
        """Show what is new in a view."""
        self._note.visible = view.state is State.WAITING
        scores = view.scores
        if not len(scores.index):
            return
        spread = (scores.index * GOLDEN) % 1 - 0.5
        self._points.stream(
            {
                "x": scores.class_index + 2 * HALF_CLOUD * spread,
                "score": scores.score,
                "color": [class_color(index) for index in scores.class_index],
                "alpha": [0.75 if decision is Decision.SORT else 0.0 for decision in scores.decision],
                "index": scores.index,
                "decision": [decision.value for decision in scores.decision],
            },
            rollover=RECENT,
        )
        if self._gates.score is ScoreKind.MARGIN:
            self._range.end = max(self._range.end, 1.1 * float(scores.score.max()))

    def settle(self) -> None:
        """Hand over gates that someone has moved and let go; take over those that were changed elsewhere."""
        if self._moved:
            if self._rests:
                self._gates = replace(self._gates, thresholds=self._thresholds())
                self._live.change(self._gates)
                self._moved = False
            self._rests = True
        elif self._live.gates != self._gates:
            self._follow(self._live.gates)

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        paint(self.plot, theme)
        self._note.text_color = theme.faint
        self._texts.glyph.text_color = theme.ink

    def _thresholds(self) -> dict[str, float]:
        return {self._names[index]: round(self.boxes[index].bottom, DECIMALS) for index in self.sorting.active}

    def _on_move(self, _attribute: str, _old: object, _new: object) -> None:
        if self._following:
            return
        self._moved, self._rests = True, False
        self._label()

    def _follow(self, gates: Gates) -> None:
        """Show ``gates``."""
        self._gates, self._following = gates, True
        try:
            self.sorting.active = [index for index, name in enumerate(self._names) if name in gates.thresholds]
            for name, box in zip(self._names, self.boxes, strict=True):
                if name in gates.thresholds:
                    box.bottom = gates.thresholds[name]
        finally:
            self._following = False
        self._label()

    def _label(self) -> None:
        """Write each threshold at its gate's edge; classes that are not sorted have neither."""
        for index, box in enumerate(self.boxes):
            box.visible = index in self.sorting.active
        thresholds = self._thresholds()
        self._labels.data = {
            "x": [self._names.index(name) + HALF_GATE - 0.03 for name in thresholds],
            "y": list(thresholds.values()),
            "text": [f"{threshold:.2f}" for threshold in thresholds.values()],
        }
