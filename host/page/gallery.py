"""The last cells as pictures, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from bokeh.core.properties import value
from bokeh.models import ColorBar, ColumnDataSource, CustomJS, FixedTicker, LinearColorMapper, Range1d
from bokeh.palettes import cividis, gray

from cytogate.host.page.charts import note, plot
from cytogate.host.page.darkroom import Darkroom, Picture
from cytogate.host.page.theme import FONT, Theme, class_color, paint
from cytogate.host.stream.monitor import GALLERY, Shown, View

GAP = 0.06
"""Between pictures, in longer sides of a picture."""
LEFT, BOTTOM = -0.06, -0.04
HEAD = 0.34
"""Room for words above two square pictures; more or lower pictures are drawn at another scale, words are not."""
_KEEP_SQUARE = """
const pixels = Math.min(plot.inner_width / width, plot.inner_height / height)
plot.x_range.end = plot.x_range.start + plot.inner_width / pixels
plot.y_range.start = plot.y_range.end - plot.inner_height / pixels
"""


class Gallery:
    """Pictures side by side; a new cell takes the place of the oldest, and the others stay where they are."""

    def __init__(self, class_names: Sequence[str], darkroom: Darkroom) -> None:
        self._names, self._darkroom = class_names, darkroom
        design, scale_of_maps = darkroom.design, darkroom.scale
        self._places: list[tuple[Shown, Picture]] = []
        gray_names = darkroom.gray_names
        names = (*gray_names, darkroom.map_name) if darkroom.map_name else gray_names
        longer = max(design.window.rows, design.window.columns)
        wide, high = design.window.columns / longer, design.window.rows / longer
        step = high + GAP
        # In this chart's units, what is 1 above two square pictures.
        scale = max(len(names) * step / 2, wide + GAP) / (1 + GAP)
        self._across = scale * (1 + GAP)
        right, top = GALLERY * self._across, len(names) * step + scale * HEAD
        heights = [step * (len(names) - 1 - place) for place in range(len(names))]
        self.plot = plot("", "", x_range=Range1d(LEFT, right), y_range=Range1d(BOTTOM, top))
        keep_square = CustomJS(
            args={"plot": self.plot, "width": right - LEFT, "height": top - BOTTOM}, code=_KEEP_SQUARE
        )
        for side in ("inner_width", "inner_height"):
            self.plot.js_on_change(side, keep_square)
        self.plot.xaxis.visible = self.plot.grid.visible = False
        self.plot.yaxis.ticker = FixedTicker(ticks=[height + high / 2 for height in heights])
        self.plot.yaxis.major_label_overrides = {
            height + high / 2: name for height, name in zip(heights, names, strict=True)
        }
        self.plot.yaxis.major_tick_line_color = None
        self._note = note("waiting for cells")
        self.plot.add_layout(self._note)
        self._grays = [ColumnDataSource({"x": [], "image": []}) for _ in gray_names]
        self._phase = ColumnDataSource({"x": [], "image": []})
        self._words = ColumnDataSource({name: [] for name in ("x", "color", "title", "decision", "no_phase")})
        colors = LinearColorMapper(cividis(256), low=scale_of_maps.low, high=scale_of_maps.high)
        grays = LinearColorMapper(gray(256), low=0, high=255)
        for source, height in zip(self._grays, heights, strict=False):
            self.plot.image("image", "x", height, wide, high, source=source, color_mapper=grays)
        self.plot.image("image", "x", 0, wide, high, source=self._phase, color_mapper=colors)
        words = {"source": self._words, "text_font": value(FONT), "text_font_size": "12px"}
        above, mark = heights[0] + high, 0.075 * scale
        self.plot.block("x", above + 0.18 * scale, mark, mark, source=self._words, fill_color="color", line_color=None)
        self._texts = [
            self.plot.text("x", above, "title", text_font_style="bold", x_offset=14, y_offset=-20, **words),
            self.plot.text("x", above, "decision", y_offset=-4, **words),
            self.plot.text("x", 0.48, "no_phase", **words),
        ]
        self._bar = ColorBar(color_mapper=colors, width=10, ticker=FixedTicker(ticks=list(scale_of_maps.marks)))
        last = scale_of_maps.marks[-1]
        self._bar.major_label_overrides = {last: f"{last:g} {scale_of_maps.unit}"}
        self._bar.update(padding=4, label_standoff=6, background_fill_alpha=0, bar_line_color=None)
        self._bar.update(major_label_text_font=FONT, major_label_text_font_size="11px", major_tick_line_color=None)
        if darkroom.map_name:
            self.plot.add_layout(self._bar, "right")

    def draw(self, view: View) -> None:
        """Show the cells of a view that are not shown yet."""
        known = {shown.index for shown, _ in self._places}
        fresh = [shown for shown in view.gallery if shown.index not in known]
        for shown in fresh:
            self._place(shown, self._darkroom.develop(shown))
        if fresh:
            self._show()

    def paint(self, theme: Theme) -> None:
        """Take on the colors of a theme."""
        paint(self.plot, theme)
        self.plot.yaxis.axis_line_color = None
        self._note.text_color = theme.faint
        self._bar.major_label_text_color = theme.faint
        for text in self._texts:
            text.glyph.text_color = theme.ink

    def _place(self, shown: Shown, picture: Picture) -> None:
        if len(self._places) < GALLERY:
            self._places.append((shown, picture))
            return
        oldest = min(range(GALLERY), key=lambda place: self._places[place][0].index)
        self._places[oldest] = shown, picture

    def _show(self) -> None:
        self._note.visible = False
        x = [place * self._across for place in range(len(self._places))]
        pictures = [picture for _, picture in self._places]
        for channel, source in enumerate(self._grays):
            source.data = {"x": x, "image": [picture.grays[channel] for picture in pictures]}
        with_phase = [(left, picture.phase) for left, picture in zip(x, pictures, strict=True)]
        with_phase = [(left, phase) for left, phase in with_phase if phase is not None]
        self._phase.data = {"x": [left for left, _ in with_phase], "image": [phase for _, phase in with_phase]}
        cells = [shown for shown, _ in self._places]
        self._words.data = {
            "x": x,
            "color": [class_color(shown.class_index) for shown in cells],
            "title": [f"{self._names[shown.class_index]} {shown.score:.2f}" for shown in cells],
            "decision": [
                f"{shown.decision}, {'cell' if shown.found is None else 'hologram'} {shown.index:,}" for shown in cells
            ],
            "no_phase": [
                "one image: no phase" if self._darkroom.map_name and picture.phase is None else ""
                for picture in pictures
            ],
        }
