"""Texts of the page beside its charts, as HTML made of a view; every text that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cytogate.host.page.about import About
from cytogate.host.page.theme import ALARM, CLASS_COLORS, WARNING, class_color
from cytogate.host.stream.monitor import State, View

MOSTLY, FEWEST_CELLS = 0.5, 10
"""Share of late cells above which a deadline is no deadline, and cells below which a share says little."""
_GREEN, _GRAY = CLASS_COLORS[2], CLASS_COLORS[7]


def head(about: About) -> str:
    """Say what is seen."""
    said = f"<h1>Cytogate</h1>{escape(about.design)} on {escape(about.device)}, {escape(about.source)}"
    return f'{said}<br><span class="caution">{escape(about.caution)}</span>'


def pill(words: str, color: str) -> str:
    """Return a few words with a dot of a color."""
    return f'<span class="pill" style="--mark: {color}">{escape(words)}</span>'


def state(view: View) -> str:
    """Say whether the stream runs."""
    if view.state is State.WAITING:
        return pill("waiting for cells", _GRAY)
    time, late = _duration(view.elapsed_s), _mostly_late(view)
    if view.state is State.STREAMING:
        return pill(f"streaming, {time}", ALARM if late else _GREEN)
    return pill(f"ended after {time}: {view.why_ended}", ALARM if late else _GRAY)


def lateness(view: View, deadline_ns: int | None, about: About) -> str:
    """Say that most cells miss the deadline, and what helps; nothing if they do not."""
    if deadline_ns is None or not _mostly_late(view):
        return ""
    which = "all" if view.state is State.ENDED else "the latest"
    helps = "fewer cells a second or a smaller --batch may help"
    why = "an emulated board is far slower than a real one" if about.emulated else helps
    missed = f"{view.late_share:.0%} of {which} cells missed the deadline of {_time(deadline_ns)}"
    return warning(f"{missed} and were not sorted: {why}.")


def _mostly_late(view: View) -> bool:
    return view.counts.classified >= FEWEST_CELLS and view.late_share > MOSTLY


CONNECTION_LOST = f'<span class="lost">{pill("connection closed: this was seen last", WARNING)}</span>'
"""Becomes visible when the page has lost its server."""


def tiles(view: View, deadline_ns: int | None) -> str:
    """Return the six figures that matter first."""
    counts = view.counts
    over = view.state is State.ENDED
    rate = counts.classified / max(view.elapsed_s, 1e-9) if over else view.course.rate
    share = f"{_share(counts.sorted, counts.classified)} of classified"
    deadline = "no deadline is set" if deadline_ns is None else f"later than {_time(deadline_ns)}"
    figures = (
        _tile("classified", f"{counts.classified:,}", "cells", "since the start"),
        _tile("mean rate" if over else "rate", f"{rate:,.1f}", "cells / s", "whole stream" if over else "last seconds"),
        _tile("to be sorted", f"{counts.sorted:,}", "cells", share),
        _tile("missed deadline", f"{counts.missed:,}", "cells", deadline, alarm=counts.missed > 0),
        _tile("dropped", f"{counts.dropped:,}", "cells", "arrived at a full queue", alarm=counts.dropped > 0),
        _tile("lost", f"{counts.lost:,}", "cells", view.last_loss or "unreadable or a fault", alarm=counts.lost > 0),
    )
    return f'<div class="tiles">{"".join(figures)}</div>'


def totals(view: View, class_names: Sequence[str]) -> str:
    """Return classes with their colors and cells since the start."""
    spans = (
        f'<span><i style="background: {class_color(index)}"></i>{escape(name)} <b>{cells:,}</b></span>'
        for index, (name, cells) in enumerate(zip(class_names, view.class_totals, strict=True))
    )
    return f'<h2>Classes</h2><span class="totals">{" ".join(spans)}</span>'


def latencies(view: View) -> str:
    """Return the quantiles in figures."""
    latency = view.latency
    if not view.counts.classified:
        return "<h2>Latency</h2>"
    figures = (("p50", latency.p50_ns), ("p99", latency.p99_ns), ("p99.9", latency.p999_ns), ("max", latency.max_ns))
    spans = (f"<span>{name} <b>{_time(value)}</b></span>" for name, value in figures)
    return f'<h2>Latency</h2><span class="quantiles">{" ".join(spans)}</span>'


def title(words: str, under: str) -> str:
    """Return the title of a card."""
    return f'<h2>{escape(words)}</h2><span class="faint">{escape(under)}</span>'


def refused(why: str) -> str:
    """Say why a gate was put back; nothing if none was."""
    return warning(f"Not done: {why}.") if why else ""


def warning(words: str) -> str:
    """Return a sentence that must be seen."""
    return f'<span class="warning" style="--mark: {ALARM}">{escape(words)}</span>'


def _tile(name: str, value: str, unit: str, under: str, *, alarm: bool = False) -> str:
    mark = f' alarm" style="--mark: {WARNING}"' if alarm else '"'
    under = escape(under)
    return (
        f'<div class="tile{mark}><div class="faint">{name}</div><div class="value">{value} <small>{unit}</small></div>'
        f'<div class="under" title="{under}">{under}</div></div>'
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0%"


def _time(nanoseconds: int) -> str:
    value = nanoseconds / 1e6
    return f"{value:.3g} ms" if value < 999.5 else f"{value / 1000:,.3g} s"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
