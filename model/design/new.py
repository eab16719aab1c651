"""Begin a design of one's own: a folder with a commented ``design.toml``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cytogate.model.design.design import MOST_WINDOW, NAME, PHASE_SIZES, Design, Network, Window
from cytogate.model.design.folder import DESIGN_FILE, design_text, load_design
from cytogate.model.design.instruments import HOLOGRAM_SIZES, BrightField, Camera, FourAngle, OffAxis
from cytogate.model.design.topologies import Compact
from cytogate.model.errors import InputError

KINDS = (FourAngle.kind, BrightField.kind, OffAxis.kind)


@dataclass(frozen=True)
class Choices:
    """What a new design is to have; None is left as its kind, or the design that it is like, has it."""

    channels: tuple[str, ...] | None = None
    rows: int | None = None
    columns: int | None = None
    adc_bits: int | None = None
    pitch_um: float | None = None
    class_names: tuple[str, ...] | None = None


AS_IT_IS = Choices()


def new_design(folder: Path, like: str | None, kind: str, choices: Choices = AS_IT_IS) -> Path:
    """Write ``folder/design.toml``, like another design or of a kind of instrument, and return its path.

    Raises
    ------
    InputError
        If the folder holds a design already, its name cannot be a design's, or the choices make none.
    """
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise InputError(f"{folder}: {name!r} cannot name a design; use letters, digits, points, hyphens, underscores")
    path = folder / DESIGN_FILE
    if path.exists():
        raise InputError(f"{path}: is there already; edit it, or name another folder")
    if like is not None:
        plain: dict[str, Any] = dict.fromkeys(("folder", "codes", "operating_point", "calibration", "background"))
        design = dataclasses.replace(load_design(like), name=name, **plain)
    else:
        design = {FourAngle.kind: Design, BrightField.kind: _bright_field, OffAxis.kind: _off_axis}[kind](name)
    text = design_text(_with(design, choices))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Exclusive: a file that appeared meanwhile is somebody's.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _with(design: Design, choices: Choices) -> Design:
    """Return the design with the choices; where frames have another size, with the largest window that they hold."""
    changes: dict[str, Any] = {
        "channels": choices.channels,
        "rows": choices.rows,
        "columns": choices.columns,
        "adc_bits": choices.adc_bits,
        "pixel_pitch_x_um": choices.pitch_um,
        "pixel_pitch_y_um": choices.pitch_um,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    if changes and not isinstance(design.instrument, BrightField if choices.channels else Camera):
        raise InputError(
            f"design {design.name}: kind {design.instrument.kind!r} has no choice of "
            f"{'channels' if choices.channels else 'frames'}"
        )
    if isinstance(design.instrument, OffAxis):
        changes = _off_axis_changes(design.instrument, changes)
    instrument = dataclasses.replace(design.instrument, **changes)
    window, network = design.window, design.network
    if isinstance(instrument, FourAngle | BrightField) and (choices.rows or choices.columns):
        window = _window(instrument, window)
    if choices.class_names is not None:
        network = dataclasses.replace(network, class_names=choices.class_names)
    return dataclasses.replace(design, instrument=instrument, window=window, network=network)


def _off_axis_changes(instrument: OffAxis, changes: dict[str, Any]) -> dict[str, Any]:
    """Return choices in an off-axis instrument's own terms: its magnification for a pixel at the sample."""
    own = {name: value for name, value in changes.items() if not name.startswith("pixel_pitch")}
    if "pixel_pitch_x_um" in changes:
        if not changes["pixel_pitch_x_um"] > 0:
            raise InputError(f"--pitch-um is {changes['pixel_pitch_x_um']:g}; a pixel has a size above 0")
        own["magnification"] = instrument.camera_pitch_um / changes["pixel_pitch_x_um"]
    side = min(own.get("rows", instrument.rows), own.get("columns", instrument.columns))
    own["hologram_size"] = max((size for size in HOLOGRAM_SIZES if size <= side), default=HOLOGRAM_SIZES[0])
    return own


def _off_axis(name: str) -> Design:
    """Holograms of several cells each, a map of which is 61 um wide."""
    network = Network(("class A", "class B"), Compact(filters=(8, 16, 32), dense=32))
    return Design(name, instrument=OffAxis(), window=Window(128, 128, 2), network=network)


def _window(instrument: FourAngle | BrightField, before: Window) -> Window:
    if isinstance(instrument, BrightField):
        return Window(min(instrument.rows, MOST_WINDOW), min(instrument.columns, MOST_WINDOW), 1)
    side = min(instrument.rows, instrument.columns)
    fitting = [size for size in PHASE_SIZES if size <= side]
    if not fitting or max(before.raw) <= side:
        return before
    return Window(fitting[-1], fitting[-1], 1)


def _bright_field(name: str) -> Design:
    """Two images of small cells, of an imaging flow cytometer with a camera of 12 bits."""
    instrument = BrightField(
        channels=("bright field", "dark field"),
        pixel_pitch_x_um=0.5,
        pixel_pitch_y_um=0.5,
        adc_bits=12,
        rows=48,
        columns=48,
    )
    # Small enough for each board beside the front end.
    network = Network(("class A", "class B"), Compact(filters=(8, 16, 32), dense=32))
    return Design(name, instrument=instrument, window=Window(48, 48, 1), network=network)
