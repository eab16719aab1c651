"""The last cells as pictures: what the camera saw and the phase, if any, that the integer model retrieves from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColorBar, ColumnDataSource, CustomJS, FixedTicker, LinearColorMapper, Range1d
from bokeh.palettes import cividis, gray
from numpy.typing import NDArray

from cytogate.host.page.charts import note, plot
from cytogate.host.page.theme import FONT, Theme, class_color, paint
from cytogate.host.stream.cells import Flag
from cytogate.host.stream.monitor import GALLERY, Shown, View
from cytogate.model.contract.fixed_point import PHASE
from cytogate.model.design.design import Design
from cytogate.model.retrieval import integer

MOST_PIXELS = 128
"""Rows and columns of a picture on the page."""
PHASE_RANGE_RAD = (-0.5, 5.0)
"""The same colors for every cell: two pictures can be compared."""
DARK_SHARE, BRIGHT_SHARE = 0.005, 0.995
"""Quantiles of a bright-field picture that become black and white."""
GAP = 0.06
"""Between pictures, in longer sides of a picture."""
LEFT, BOTTOM = -0.06, -0.04
HEAD = 0.34
"""Room for words above two square pictures; more or lower pictures are drawn at another scale, words are not."""
BRIGHT_FIELD, PHASE_NAME = "bright\nfield", "phase"
_KEEP_SQUARE = """
const pixels = Math.min(plot.inner_width / width, plot.inner_height / height)
plot.x_range.end = plot.x_range.start + plot.inner_width / pixels
plot.y_range.start = plot.y_range.end - plot.inner_height / pixels
"""


@dataclass(frozen=True, eq=False)
class Picture:
    """A cell as it is shown; both arrays (rows, columns), their first row at the bottom, as a chart has it."""

    grays: tuple[NDArray[np.uint8], ...]
    """Black to white: each channel, or of a four-angle instrument the mean of its frames."""
    phase: NDArray[np.float32] | None
    """Radians; None where there is no phase."""


def develop(shown: Shown, design: Design) -> Picture:
    """Return the picture of a cell; its phase is value for value what the chip computes.

    Of an instrument without phase retrieval, or from a single image, there is no phase.
    """
    (row, column), (rows, columns) = design.crop, design.window.raw
    window = shown.frames[:, row : row + rows, column : column + columns]
    if not design.retrieves_phase:
        return Picture(tuple(_grays(_reduced(frame)) for frame in window), None)
    if Flag.SINGLE_IMAGE in shown.flags:
        return Picture((_grays(_reduced(window[0])),), None)
    retrieved = integer.retrieve(shown.frames[None], design)
    phase = _reduced(PHASE.decode(retrieved.phase[0]))
    return Picture((_grays(_reduced(retrieved.binned[0].mean(axis=0))),), phase[::-1].astype(np.float32))


class Gallery:
    """Pictures side by side; a new cell takes the place of the oldest, and the others stay where they are."""

    def __init__(self, class_names: Sequence[str], design: Design) -> None:
        self._names, self._design = class_names, design
        self._places: list[tuple[Shown, Picture]] = []
        gray_names = (BRIGHT_FIELD,) if design.retrieves_phase else design.camera.channels
        names = (*gray_names, PHASE_NAME) if design.retrieves_phase else gray_names
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
        colors = LinearColorMapper(cividis(256), low=PHASE_RANGE_RAD[0], high=PHASE_RANGE_RAD[1])
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
        self._bar = ColorBar(color_mapper=colors, width=10, ticker=FixedTicker(ticks=list(range(6))))
        self._bar.major_label_overrides = {5: "5 rad"}
        self._bar.update(padding=4, label_standoff=6, background_fill_alpha=0, bar_line_color=None)
        self._bar.update(major_label_text_font=FONT, major_label_text_font_size="11px", major_tick_line_color=None)
        if design.retrieves_phase:
            self.plot.add_layout(self._bar, "right")

    def draw(self, view: View) -> None:
        """Show the cells of a view that are not shown yet."""
        known = {shown.index for shown, _ in self._places}
        fresh = [shown for shown in view.gallery if shown.index not in known]
        for shown in fresh:
            self._place(shown, develop(shown, self._design))
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
            "decision": [f"{shown.decision}, cell {shown.index:,}" for shown in cells],
            "no_phase": [
                "one image: no phase" if self._design.retrieves_phase and picture.phase is None else ""
                for picture in pictures
            ],
        }


def _reduced(image: NDArray) -> NDArray[np.float64]:
    """Average pixels of an image (rows, columns) until neither side exceeds :data:`MOST_PIXELS`."""
    step = -(-max(image.shape) // MOST_PIXELS)
    rows, columns = (side // step * step for side in image.shape)
    blocks = image[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return blocks.mean(axis=(1, 3), dtype=np.float64)


def _grays(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an image's first row at the bottom and its range as 256 grays."""
    dark, bright = np.quantile(image, (DARK_SHARE, BRIGHT_SHARE))
    return np.clip((image[::-1] - dark) / max(bright - dark, 1e-9) * 255, 0, 255).astype(np.uint8)
