"""The live page: everything that is known of a running stream on one screen, as one Bokeh layout.

A page belongs to one viewer, and draws when :meth:`LivePage.refresh` is called in the thread of that viewer's document.
"""

from __future__ import annotations

from typing import Protocol

from bokeh.models import Column, Div, InlineStyleSheet, LayoutDOM, Row, Toggle, UIElement

from cytogate.host.page import words
from cytogate.host.page.about import About
from cytogate.host.page.charts import ClassesChart, LatencyChart, RateChart
from cytogate.host.page.darkroom import Darkroom
from cytogate.host.page.gallery import Gallery
from cytogate.host.page.scores import ScoreChart
from cytogate.host.page.theme import (
    BUTTON_STYLE,
    CARD_STYLE,
    CHOICE_STYLE,
    DARK,
    FONT,
    LIGHT,
    NARROW,
    ROOT_STYLE,
    ROW_STYLE,
    WORDS_STYLE,
    Theme,
)
from cytogate.host.stream.gating import LiveGates
from cytogate.host.stream.monitor import View

REFRESH_MS = 500
"""Time between two drawings: figures that change faster cannot be read."""


class Watched(Protocol):
    """A stream that is monitored."""

    class_names: tuple[str, ...]
    deadline_ns: int | None

    def view(self, scored: int = 0) -> View:
        """Return the stream as it is now; ``scored`` of an earlier view leaves out the scores it gave."""


class LivePage:
    """A page of one monitored stream.

    Parameters
    ----------
    stream
        What is drawn.
    live
        The stream's gates, which the viewer may move.
    about
        What the page's head says.
    darkroom
        Makes the pictures of cells.
    """

    def __init__(self, stream: Watched, live: LiveGates, about: About, darkroom: Darkroom) -> None:
        self._stream, self._about = stream, about
        self._scored = 0
        self._rates = RateChart()
        self._classes = ClassesChart(stream.class_names)
        self._scores = ScoreChart(stream.class_names, live)
        self._gallery = Gallery(stream.class_names, darkroom)
        self._map_name = darkroom.map_name
        self._latency = LatencyChart(stream.deadline_ns)
        self._charts = self._rates, self._classes, self._scores, self._gallery, self._latency
        self._head, self._state, self._tiles = _words(words.head(about)), _words(), _words()
        self._totals, self._latencies, self._refused, self._lateness = _words(), _words(), _words(), _words()
        self.dark = Toggle(label="dark", stylesheets=[InlineStyleSheet(css=BUTTON_STYLE)])
        self.dark.on_change("active", lambda _attribute, _old, dark: self._paint(DARK if dark else LIGHT))
        self.root = self._laid_out()
        self._paint(LIGHT)
        self.refresh()

    def refresh(self) -> None:
        """Draw the stream as it is now."""
        view, deadline_ns = self._stream.view(self._scored), self._stream.deadline_ns
        self._scored = view.scored
        self._scores.settle()
        for chart in self._charts:
            chart.draw(view)
        self._state.text = words.state(view)
        self._tiles.text = words.tiles(view, deadline_ns)
        self._totals.text = words.totals(view, self._stream.class_names)
        self._latencies.text = words.latencies(view)
        _say(self._refused, words.refused(self._scores.refused))
        _say(self._lateness, words.lateness(view, deadline_ns, self._about))

    def rest(self) -> None:
        """Take away what only a running stream can answer to."""
        self.dark.visible = False
        self._scores.rest()

    def _paint(self, theme: Theme) -> None:
        self.root.stylesheets = [ROOT_STYLE.format(theme=theme, font=FONT)]
        for chart in self._charts:
            chart.paint(theme)

    def _laid_out(self) -> LayoutDOM:
        self._head.sizing_mode = self._tiles.sizing_mode = "stretch_width"
        head = Row(self._head, _words(words.CONNECTION_LOST), self._state, self.dark, sizing_mode="stretch_width")
        sort = Row(_words('<span class="faint">sort</span>'), self._scores.sorting, sizing_mode="stretch_width")
        gates = _words(words.title("Scores and gates", "cells in a gate are sorted"))
        self._scores.sorting.stylesheets = [CHOICE_STYLE]
        rates = _card(4, 1, _words(words.title("Rate", "")), *self._rates.plots)
        scores = _card(5, 0, gates, sort, self._refused, self._scores.plot)
        classes = _card(4, 1, self._totals, self._classes.plot)
        shown = f"; {' '.join(self._map_name.split())} as the chip computes it" if self._map_name else ""
        latest = words.title("Latest cells", f"at most one every half second{shown}")
        gallery = _card(9, 0, _words(latest), self._gallery.plot)
        latency = _card(4, 0, self._latencies, self._latency.plot)
        charts = [_row(rates, scores, classes), _row(gallery, latency)]
        return Column(head, self._lateness, self._tiles, *charts, sizing_mode="stretch_both")


def _words(text: str = "") -> Div:
    return Div(text=text, stylesheets=[WORDS_STYLE])


def _say(place: Div, text: str) -> None:
    """Show a sentence; without one, its place takes no room."""
    place.update(text=text, visible=bool(text))


def _row(*cards: UIElement) -> Row:
    return Row(*cards, sizing_mode="stretch_both", stylesheets=[InlineStyleSheet(css=ROW_STYLE)])


def _card(share: int, order: int, *parts: UIElement) -> Column:
    """Return parts one below the other that take ``share`` of a row's width.

    On a narrow page, cards of order 0 come first and fill the width; those of order 1 share it.
    """
    basis = "40%" if order else "100%"
    style = CARD_STYLE.format(share=share, order=order, narrow=NARROW, narrow_basis=basis)
    return Column(*parts, sizing_mode="stretch_both", stylesheets=[InlineStyleSheet(css=style)])
