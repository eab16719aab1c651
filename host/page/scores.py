"""Scores of the last cells by class, and the gates above which a class is sorted: boxes with an edge to drag."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bokeh.core.properties import value
from bokeh.models import BasicTicker, BoxAnnotation, CheckboxGroup, ColumnDataSource, FixedTicker, HoverTool, Range1d

from cytogate.host.page.charts import note, plot
from cytogate.host.page.theme import FONT, Theme, class_color, paint
from cytogate.host.stream.gating import Decision, LiveGates, ScoreKind
from cytogate.host.stream.monitor import RECENT, State, View
from cytogate.model.design.file import shown
from cytogate.model.errors import InputError

FIRST_THRESHOLD = {ScoreKind.SOFTMAX: 0.5, ScoreKind.MARGIN: 1.0}
"""Where the gate of a class appears that had none."""
DECIMALS = 3
"""Places to which a dragged threshold is rounded: finer than a hand is."""
HALF_GATE, HALF_CLOUD = 0.42, 0.36
"""Half widths of a gate and of a class's cloud of points; classes are 1 apart."""
GOLDEN = 0.618034
"""Multiples of it, less their whole part, spread evenly however many there are."""
AXIS_LABEL = {ScoreKind.SOFTMAX: "softmax", ScoreKind.MARGIN: "lead over the second class"}
HOW_TO_MOVE = "; drag a gate's edge"


class ScoreChart:
    """A column of points for each class, and its gate.

    A dragged gate is handed to the stream when it has rested between two calls of :meth:`settle`: every change becomes
    part of the run's record, and one that is still under way is none. Only the classes that were moved here are handed
    over; the others show what is in force, whoever has moved them.
    """

    refused = ""
    """Why the last thing that a viewer tried was not done; empty if it was."""

    def __init__(self, class_names: tuple[str, ...], live: LiveGates) -> None:
        self._names, self._live, self._score = class_names, live, live.gates.score
        self._chosen = set[int]()
        self._rests = dict[int, bool]()
        """Of the classes that were moved here: whether they rested at the last settling."""
        self._following = False
        highest = 1.0 if self._score is ScoreKind.SOFTMAX else None
        self._range = Range1d(0, 1.03 if highest else 4.0)
        axis = AXIS_LABEL[self._score] + HOW_TO_MOVE
        self.plot = plot("", axis, x_range=Range1d(-0.55, len(class_names) - 0.45), y_range=self._range)
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
        self.sorting.on_change("active", self._on_choice)
        self._follow()

    def _box(self, index: int, highest: float | None) -> BoxAnnotation:
        color = class_color(index)
        box = BoxAnnotation(
            left=index - HALF_GATE,
            right=index + HALF_GATE,
            bottom=FIRST_THRESHOLD[self._score],
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
        box.on_change("bottom", partial(self._on_drag, index))
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
        if self._score is ScoreKind.MARGIN:
            self._range.end = max(self._range.end, 1.1 * float(scores.score.max()))

    def settle(self) -> None:
        """Hand over gates that someone has moved and let go; show the others as they are in force."""
        resting = [index for index, rests in self._rests.items() if rests]
        moved = {self._names[index]: self._threshold(index) if index in self._chosen else None for index in resting}
        self._rests = {index: True for index in self._rests if index not in resting}
        try:
            self._live.move(moved)
        except InputError as error:
            self.refused = str(error)
        self._follow()

    def rest(self) -> None:
        """Let nothing be moved or chosen any more."""
        self.plot.yaxis.axis_label = AXIS_LABEL[self._score]
        self.sorting.disabled = True
        for box in self.boxes:
            box.editable = False

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        paint(self.plot, theme)
        self._note.text_color = theme.faint
        self._texts.glyph.text_color = theme.ink

    def _threshold(self, index: int) -> float:
        # Without a sign where it is zero.
        return round(self.boxes[index].bottom, DECIMALS) + 0.0

    def _on_drag(self, index: int, _attribute: str, before: float, bottom: object) -> None:
        if self._following:
            return
        self.refused = self._why_no_threshold(index, bottom)
        if self.refused:
            self._following = True
            self.boxes[index].bottom, self._following = before, False
        else:
            self._touched(index)

    def _on_choice(self, _attribute: str, _old: object, chosen: list[int]) -> None:
        if self._following:
            return
        strange = [index for index in chosen if not 0 <= index < len(self._names)]
        self.refused = f"there is no class {strange[0]}; classes are 0 to {len(self._names) - 1}" if strange else ""
        changed = set() if strange else self._chosen.symmetric_difference(chosen)
        self._chosen ^= changed
        self._touched(*changed)

    def _why_no_threshold(self, index: int, value: object) -> str:
        """Return why a gate cannot be there, or nothing."""
        name = self._names[index]
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return f"the threshold of {name} is {shown(value)}; it must be a number"
        try:
            replace(self._live.gates, thresholds={name: value})
        except InputError as error:
            return str(error)
        return ""

    def _touched(self, *moved: int) -> None:
        """Take note of classes that moved, and show what stands."""
        self._rests.update(dict.fromkeys(moved, False))
        self._follow()

    def _follow(self) -> None:
        """Show the gates in force, but for those that are being moved here."""
        in_force, self._following = self._live.gates.thresholds, True
        try:
            for index, name in enumerate(self._names):
                if index in self._rests:
                    continue
                self._chosen.discard(index)
                if name in in_force:
                    self._chosen.add(index)
                    self.boxes[index].bottom = in_force[name]
            self.sorting.active = sorted(self._chosen)
        finally:
            self._following = False
        self._label()

    def _label(self) -> None:
        """Write each threshold at its gate's edge; classes that are not sorted have neither."""
        for index, box in enumerate(self.boxes):
            box.visible = index in self._chosen
        shown = {index: self._threshold(index) for index in sorted(self._chosen)}
        self._labels.data = {
            "x": [index + HALF_GATE - 0.03 for index in shown],
            "y": list(shown.values()),
            "text": [f"{threshold:.2f}" for threshold in shown.values()],
        }
