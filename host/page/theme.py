"""Looks of the page: colors of light and dark, colors of classes, style sheets."""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.models import Plot

CLASS_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800", "#8A8A8A")
"""Okabe and Ito's palette for all kinds of color vision, as legible on white as on black: its yellow is darker here and
its black gray. More classes than colors begin again; wherever a color is, the class's name is as well."""
WARNING = "#D55E00"
"""Deadline and losses: Okabe and Ito's vermilion."""
ALARM = "#D7263D"
"""What must be acted on: a red that is as legible on black as on white."""
NARROW_PX = 1100
"""Width under which cards are one below the other, and the page is scrolled."""

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Theme:
    """Colors of a page."""

    page: str
    card: str
    edge: str
    """Borders and lines of the grid."""
    ink: str
    faint: str
    """Words beside the matter: axes, units."""
    bar: str
    """Bars that stand for all classes."""


LIGHT = Theme(page="#f3f4f6", card="#ffffff", edge="#dfe2e6", ink="#1b2026", faint="#5b6470", bar="#b3bac4")
DARK = Theme(page="#14171b", card="#1d2126", edge="#343a42", ink="#e8eaed", faint="#a3abb5", bar="#5d6671")


def class_color(index: int) -> str:
    """Return the color of a class."""
    return CLASS_COLORS[index % len(CLASS_COLORS)]


def paint(plot: Plot, theme: Theme) -> None:
    """Give a plot the colors of ``theme``."""
    plot.background_fill_color = plot.border_fill_color = None
    plot.outline_line_color = None
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_label_text_color = axis.major_label_text_color = theme.faint
        axis.axis_line_color = axis.major_tick_line_color = theme.edge
        axis.minor_tick_line_color = None
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_standoff = 4
    for grid in (*plot.xgrid, *plot.ygrid):
        grid.grid_line_color = theme.edge


ROOT_STYLE = """
:host {{
  --page: {theme.page}; --card: {theme.card}; --edge: {theme.edge}; --ink: {theme.ink}; --faint: {theme.faint};
  background: var(--page); color: var(--ink); font-family: {font};
  padding: 12px 14px; gap: 10px; box-sizing: border-box;
}}
"""
NARROW = f"@media (max-width: {NARROW_PX - 1}px)"
WINDOW_STYLE = f"""
html, body {{ margin: 0; height: 100vh; }}
body {{ min-width: 640px; min-height: 760px; }}
{NARROW} {{ body {{ min-height: 1720px; }} }}
"""
ROW_STYLE = f"""
:host {{ gap: 10px; flex: 1 1 0 !important; }}
{NARROW} {{ :host {{ flex-wrap: wrap; }} }}
"""
CARD_STYLE = """
:host {{
  background: var(--card); border: 1px solid var(--edge); border-radius: 8px;
  padding: 8px 10px 4px 10px; box-sizing: border-box; flex: {share} 1 0 !important;
}}
{narrow} {{ :host {{ flex-basis: {narrow_basis} !important; order: {order}; height: auto !important; }} }}
"""
WORDS_STYLE = """
:host { color: var(--ink); font-family: inherit; font-size: 12px; line-height: 1.35; }
.bk-clearfix:has(.tiles) { width: 100%; }
h1 { display: inline; font-size: 17px; margin: 0 10px 0 0; }
h2 { display: inline; font-size: 13px; margin: 0 10px 0 0; }
.faint { color: var(--faint); }
.caution { color: var(--faint); }
.caution b { color: var(--ink); }
.pill { display: inline-block; padding: 3px 12px; border-radius: 14px; border: 1px solid var(--edge);
  background: var(--card); white-space: nowrap; font-size: 13px; }
.pill::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 5px; margin-right: 7px;
  background: var(--mark); }
.warning { color: var(--mark); font-size: 13px; font-weight: 600; }
.lost { display: var(--when-lost, none); }
.tiles { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 10px; margin: 0 -5px; }
.tile { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 7px 12px; }
.tile .value { font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile .value small { font-size: 13px; font-weight: 400; color: var(--faint); }
.tile .under { color: var(--faint); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tile.alarm .value { color: var(--mark); }
.totals span, .quantiles span { margin-right: 8px; white-space: nowrap; }
.totals i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 5px; }
b { font-variant-numeric: tabular-nums; }
"""
WORDS_STYLE += f"{NARROW} {{ .tiles {{ grid-template-columns: repeat(3, minmax(0, 1fr)); }} }}"
CHOICE_STYLE = """
:host { color: var(--ink); font-family: inherit; font-size: 12px; }
.bk-input-group label { font-size: 12px; }
"""
BUTTON_STYLE = """
.bk-btn { background: var(--card); color: var(--faint); border: 1px solid var(--edge); border-radius: 14px;
  font-family: inherit; font-size: 12px; padding: 3px 12px; }
.bk-btn:hover, .bk-btn.bk-active { color: var(--ink); background: var(--card); box-shadow: none; }
"""
