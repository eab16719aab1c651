"""A design: a frozen record of everything that is decided before a chip is built.

The instrument, the window of its frames that is kept, the network and the chip. Numeric formats are not decided here;
they follow from a design in :mod:`cytogate.model.contract.law`. As files a design is a folder, see
:mod:`cytogate.model.design.folder`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cytogate.model.design.boards import BOARDS, DIVISORS, Board, board_named
from cytogate.model.design.instruments import Camera, FourAngle, Instrument, NetworkInputs, OffAxis, check_names
from cytogate.model.design.quantities import check, quantity
from cytogate.model.design.topologies import Contrast, Saved, Topology
from cytogate.model.errors import InputError

HLS, RTL = KERNELS = ("hls", "rtl")
"""What stands before the network: Vitis HLS C++, or SystemVerilog."""
HLS4ML, _ = NETWORKS = ("hls4ml", RTL)
"""What the network is built of: C++ that hls4ml writes, or engines in SystemVerilog."""
FFT, TWO_SIDED, CAUSAL = RETRIEVALS = ("fft", "two-sided", "causal")
"""Laws of phase retrieval: two transforms of two dimensions, or one recursion along the columns."""
OWN_BORDER, KNOWN = SURFACES = ("border", "known")
"""Where a two-sided kernel has the light's surface from: each frame's border alone, or empty fields as well."""
SAMPLES_PER_CLOCK = (1, 2, 4, 8)
RECURSION_SAMPLES_MAX = 4
"""Samples per clock of the laws with a recursion: those of a row are side by side."""
PHASE_SIZES = (64, 128, 256)
"""Rows and columns that phase retrieval is built for."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MOST_CLASSES = 256
BINNINGS = (1, 2, 4)
MOST_WINDOW = 512
"""Rows or columns of a window, at most."""
INPUT_BITS = 8
"""Of a code of the network's input."""
Kind = TypeVar("Kind", FourAngle, OffAxis)
COEFFICIENTS, POLYNOMIALS_TOLD = 6, "of 1, s, t, s^2, t^2 and s t"
"""Of a background's surface, each axis."""
LARGEST_COEFFICIENT = 64 - 2.0**-22
"""Of a background's surface: the largest that the chip's words hold, of every size."""
LARGEST_OFFSET = 64.0
"""Of a logit; a class that is so far ahead, or behind, is always said, or never."""


@dataclass(frozen=True)
class Window:
    """The central part of a raw frame that is kept, in pixels of the network's input."""

    rows: int = quantity("rows of the network's input", 128, low=8, high=MOST_WINDOW)
    columns: int = quantity("columns of the network's input", 128, low=8, high=MOST_WINDOW)
    binning: int = quantity("raw pixels along each axis that make one pixel", 2, choices=BINNINGS)

    def __post_init__(self) -> None:
        check(self)

    @property
    def raw(self) -> tuple[int, int]:
        """Rows and columns of raw pixels."""
        return self.rows * self.binning, self.columns * self.binning


@dataclass(frozen=True)
class Network:
    """What is classified, and by which topology."""

    class_names: tuple[str, ...] = quantity("classes, in the order of the logits")
    topology: Topology = field(default_factory=Contrast)

    def __post_init__(self) -> None:
        check(self)
        check_names("class_names", self.class_names)

    @property
    def classes(self) -> int:
        """Number of classes, and of logits."""
        return len(self.class_names)


@dataclass(frozen=True)
class InputCodes:
    """How bright-field pixels become codes of the network's input; fitted to training cells.

    ``code = (binned - offset) * gain``, rounded and saturated to eight bits with a sign: 0 is the background.
    """

    offset: tuple[int, ...] = quantity("a channel's binned code that becomes 0", low=0, high=2**20 - 1)
    gain: tuple[float, ...] = quantity("a channel's steps of the input for a binned step", low=1e-5, high=256)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class OperatingPoint:
    """What is added to each logit before the largest one is looked for; chosen on validation cells.

    The network adds it to the bias of its last layer, see :mod:`cytogate.model.networks.operating_point`.
    """

    offsets: tuple[float, ...] = quantity("added to a class's logit", low=-LARGEST_OFFSET, high=LARGEST_OFFSET)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Calibration:
    """What ``cytogate calibrate`` has measured of an off-axis instrument.

    The sign of the carrier chooses the sideband of two: that in which cells delay the light.
    """

    version: int = quantity("number of the calibration, that of its folder", low=1, high=9999)
    carrier_y: float = quantity("fringes down a column, in cycles a pixel", low=-0.5, high=0.5)
    carrier_x: float = quantity("fringes along a row, in cycles a pixel", low=-0.5, high=0.5)
    sideband_radius: float = quantity("of the disk about the carrier, in cycles a pixel", low=0.004, high=0.25)
    magnification: float = quantity("from the sample to the camera", low=0.5, high=1000)
    delay_gain: float = quantity("true over measured path delay, of a bead", 1.0, low=0.1, high=10)

    def __post_init__(self) -> None:
        check(self)
        apart = math.hypot(self.carrier_y, self.carrier_x)
        if apart <= 2 * self.sideband_radius:
            raise InputError(
                f"sideband_radius is {self.sideband_radius:.4g}, the carrier's distance {apart:.4g} cycles a pixel: "
                "the disk reaches the zero order unless it is below half of that; take finer fringes or a smaller disk"
            )


@dataclass(frozen=True)
class KnownBackground:
    """What ``cytogate calibrate`` has measured of a four-angle instrument's light: the surface of empty fields.

    Coefficients are of 1, s, t, s^2, t^2 and s t, with s along the rows and t down the columns of the window, both from
    -1 to 1. Their unit is that of a gradient before its scale makes radians a pixel of it: the log2 of an intensity
    ratio. Whole multiples of 2^-22 are what the chip holds.
    """

    version: int = quantity("number of the calibration, that of its folder", low=1, high=9999)
    rows: int = quantity("rows of the window that it was measured with", low=8, high=MOST_WINDOW)
    columns: int = quantity("columns of that window", low=8, high=MOST_WINDOW)
    binning: int = quantity("raw pixels along each axis that made one pixel", choices=BINNINGS)
    surface_x: tuple[float, ...] = quantity(
        "six coefficients of the x gradient", low=-LARGEST_COEFFICIENT, high=LARGEST_COEFFICIENT
    )
    surface_y: tuple[float, ...] = quantity(
        "six coefficients of the y gradient", low=-LARGEST_COEFFICIENT, high=LARGEST_COEFFICIENT
    )

    def __post_init__(self) -> None:
        check(self)
        for name in ("surface_x", "surface_y"):
            found = len(getattr(self, name))
            if found != COEFFICIENTS:
                raise InputError(f"{name} has {found} coefficients; {COEFFICIENTS} are needed: {POLYNOMIALS_TOLD}")

    @property
    def window(self) -> Window:
        """The window that it was measured with."""
        return Window(self.rows, self.columns, self.binning)


@dataclass(frozen=True)
class Chip:
    """What the design is built for."""

    board: str = quantity("board", "kv260", choices=tuple(BOARDS))
    clock_mhz: float = quantity("clock of the kernels", 200.0, low=10, high=1000)
    kernel: str = quantity("what stands before the network: C++ by Vitis HLS, or SystemVerilog", "hls", choices=KERNELS)
    samples_per_clock: int = quantity(
        "pixels of each channel that enter in a clock; kernel hls takes one", 1, choices=SAMPLES_PER_CLOCK
    )
    deadline_ms: float = quantity("a later decision is no decision to sort", 50.0, low=0.001, high=60_000)
    retrieval: str = quantity("law of phase retrieval", FFT, choices=RETRIEVALS, required=False)
    surface: str = quantity(
        'of retrieval "two-sided": flatten frames by their border, or by what registers know of empty fields',
        OWN_BORDER, choices=SURFACES, required=False,
    )  # fmt: skip
    network: str = quantity(
        "what the network is built of: C++ by hls4ml, or SystemVerilog, with a trigger", HLS4ML, choices=NETWORKS,
        required=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check(self)
        if self.kernel == HLS and self.samples_per_clock != 1:
            raise InputError(
                f"samples_per_clock is {self.samples_per_clock}; kernel {HLS} takes one, kernel {RTL} up to "
                f"{SAMPLES_PER_CLOCK[-1]}"
            )
        if self.network == RTL and self.kernel != RTL:
            raise InputError(f"network is {RTL}, kernel {self.kernel}; a network in SystemVerilog needs kernel {RTL}")
        if self.samples_per_clock not in self.samples_supported:
            raise InputError(
                f'samples_per_clock is {self.samples_per_clock}; retrieval "{self.retrieval}" takes up to '
                f"{self.samples_supported[-1]}"
            )
        if self.surface == KNOWN and self.retrieval != TWO_SIDED:
            raise InputError(f'surface is "{KNOWN}"; retrieval "{self.retrieval}" has none, "{TWO_SIDED}" may')
        if not self.on.makes(self.clock_mhz):
            pll = self.on.pll_mhz
            below = max(pll / divisor for divisor in DIVISORS if pll / divisor < self.clock_mhz)
            above = min((pll / divisor for divisor in DIVISORS if pll / divisor > self.clock_mhz), default=pll)
            raise InputError(
                f"clock_mhz is {self.clock_mhz:g}; the {pll:g} MHz of a {self.on.title}'s PLL divide to {below:.6g} or "
                f"{above:.6g}"
            )

    def on_board(self, board: str | None, kernel: str | None = None, samples_per_clock: int | None = None) -> Chip:
        """Return the chip with another board, at that board's own clock, another kernel or other samples per clock."""
        name = board or self.board
        clock_mhz = self.clock_mhz if name == self.board else board_named(name).clock_mhz
        return dataclasses.replace(
            self,
            board=name,
            clock_mhz=clock_mhz,
            kernel=kernel or self.kernel,
            samples_per_clock=samples_per_clock or self.samples_per_clock,
        )

    @property
    def takes_background(self) -> bool:
        """Whether the law of phase retrieval has a background that can be known before a frame comes."""
        return self.retrieval == CAUSAL or self.surface == KNOWN

    @property
    def has_gate(self) -> bool:
        """Whether a gate with a trigger pin stands behind the network."""
        return self.network == RTL

    @property
    def samples_supported(self) -> tuple[int, ...]:
        """Samples per clock that the law of phase retrieval takes in SystemVerilog."""
        most = SAMPLES_PER_CLOCK[-1] if self.retrieval == FFT else RECURSION_SAMPLES_MAX
        return tuple(number for number in SAMPLES_PER_CLOCK if number <= most)

    @property
    def on(self) -> Board:
        """The board."""
        return board_named(self.board)


CLASS_NAMES = ("MCF7", "OAC", "OST", "PBMC", "THP1")
"""Classes of the built-in designs (Meng 2017, section 3.1)."""


@dataclass(frozen=True)
class Design:
    """One complete system: instrument, window, network, chip."""

    name: str
    instrument: Instrument = field(default_factory=FourAngle)
    window: Window = field(default_factory=Window)
    network: Network = field(default_factory=lambda: Network(CLASS_NAMES))
    chip: Chip = field(default_factory=Chip)
    codes: InputCodes | None = None
    """Of a bright-field design, once it has been trained."""
    operating_point: OperatingPoint | None = None
    """None adds nothing to the logits."""
    calibration: Calibration | None = None
    """Of an off-axis design, once it has been calibrated."""
    background: KnownBackground | None = None
    """Of a four-angle design whose law takes one, once it has been calibrated."""
    folder: Path | None = field(default=None, compare=False)
    """Where the design lies as files; None for one that exists in memory alone."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputError(
                f"a design cannot be named {self.name!r}: up to 100 letters, digits, points, hyphens and underscores, "
                f"a letter or digit first"
            )
        if self.operating_point is not None and len(self.operating_point.offsets) != self.network.classes:
            raise InputError(
                f"design {self.name}: an operating point of {len(self.operating_point.offsets)} offsets for "
                f"{self.network.classes} classes; one a class is needed"
            )
        if not self.retrieves_phase and self.chip.retrieval != FFT:
            raise InputError(
                f'design {self.name}: [chip] retrieval is "{self.chip.retrieval}"; an instrument of kind '
                f'"{self.instrument.kind}" has no phase to retrieve, leave the key out'
            )
        if self.background is not None:
            self._check_background(self.background)
        if isinstance(self.instrument, NetworkInputs):
            if not isinstance(self.network.topology, Saved):
                raise InputError(f'design {self.name}: kind "network-inputs" goes with topology "saved"')
            self._check_classes(fewest=1)
            return
        self._check_classes(fewest=2)
        if isinstance(self.instrument, OffAxis):
            self._check_off_axis(self.instrument)
            return
        if self.calibration is not None:
            raise InputError(f"design {self.name}: a calibration belongs to an off-axis instrument")
        rows, columns = self.window.raw
        if self.instrument.rows < rows or self.instrument.columns < columns:
            raise InputError(
                f"design {self.name}: frames of {self.instrument.rows}x{self.instrument.columns} pixels hold no window "
                f"of {rows}x{columns} ({self.window.rows}x{self.window.columns} pixels, binned {self.window.binning}x"
                f"{self.window.binning}){self._windows_that_fit()}"
            )
        if self.retrieves_phase:
            if self.window.rows != self.window.columns or self.window.rows not in PHASE_SIZES:
                raise InputError(
                    f"design {self.name}: a window of {self.window.rows}x{self.window.columns}; phase retrieval is "
                    f"built for {', '.join(f'{size}x{size}' for size in PHASE_SIZES)}{self._windows_that_fit()}"
                )
            if self.codes is not None:
                raise InputError(f"design {self.name}: codes belong to a bright-field instrument")
        elif self.codes is not None:
            given = len(self.codes.offset), len(self.codes.gain)
            if given != (len(self.instrument.channels),) * 2:
                raise InputError(
                    f"design {self.name}: codes of {given[0]} offsets and {given[1]} gains for "
                    f"{len(self.instrument.channels)} channels"
                )

    def _check_background(self, background: KnownBackground) -> None:
        """Raise an :class:`InputError` where a background does not belong to the design's law or window."""
        self.need_background("a background")
        if background.window != self.window:
            then, now = (
                f"{each.rows}x{each.columns} pixels, binned {each.binning}x{each.binning}"
                for each in (background.window, self.window)
            )
            raise InputError(
                f"design {self.name}: its background was measured with a window of {then}, and its window has {now}; "
                "run `cytogate calibrate` again"
            )

    def need_background(self, what: str) -> None:
        """Raise an :class:`InputError` where the design's law takes no background; ``what`` is said to need it."""
        if not self.retrieves_phase:
            raise InputError(
                f"design {self.name}: {what} belongs to a four-angle instrument, not to one of kind "
                f'"{self.instrument.kind}"'
            )
        if not self.chip.takes_background:
            surface = f' and surface "{self.chip.surface}"' if self.chip.retrieval == TWO_SIDED else ""
            raise InputError(
                f'design {self.name}: {what} belongs to retrieval = "{CAUSAL}", or to retrieval = "{TWO_SIDED}" with '
                f'surface = "{KNOWN}"; [chip] has retrieval "{self.chip.retrieval}"{surface}, and takes each frame by '
                "itself"
            )

    def _check_off_axis(self, instrument: OffAxis) -> None:
        """Raise an :class:`InputError` where map, window, sideband and codes of an off-axis design do not go along."""
        side = instrument.hologram_size // self.binning
        if self.codes is not None:
            raise InputError(f"design {self.name}: codes belong to a bright-field instrument")
        if (self.chip.kernel, self.chip.network) != (HLS, HLS4ML):
            raise InputError(
                f'design {self.name}: holograms have kernels in C++ alone; [chip] has kernel "{self.chip.kernel}" and '
                f'network "{self.chip.network}" where "{HLS}" and "{HLS4ML}" are needed'
            )
        if self.window.rows != self.window.columns or self.window.rows > side:
            raise InputError(
                f"design {self.name}: a window of {self.window.rows}x{self.window.columns}; cells are cut from a map "
                f"of {side}x{side} pixels (hologram_size / binning) in a square of at most that size"
            )
        if self.network.classes >= MOST_CLASSES:
            raise InputError(
                f"design {self.name}: [network] class_names holds {self.network.classes} classes; "
                f"{MOST_CLASSES - 1} are supported of cells on holograms"
            )
        radius = 0.0 if self.calibration is None else self.calibration.sideband_radius
        if 2 * (radius * instrument.hologram_size + 1) > side:
            raise InputError(
                f"design {self.name}: a sideband of radius {radius:.4g} cycles a pixel does "
                f"not fit a map of {side}x{side} pixels; take a smaller binning than {self.binning}, or a radius of "
                f"{(side / 2 - 1) / instrument.hologram_size:.4g} at most"
            )

    def _windows_that_fit(self) -> str:
        """Say which windows of phase retrieval the frames hold; of other instruments any that is no larger."""
        if not self.retrieves_phase:
            return ""
        side = min(self.camera.rows, self.camera.columns)
        fitting = [
            f"{size}x{size} with binning {binning}"
            for size in PHASE_SIZES
            for binning in BINNINGS
            if size * binning <= side
        ]
        return f"; its frames hold {', '.join(fitting) or 'none of them'}"

    def _check_classes(self, fewest: int) -> None:
        """Raise an :class:`InputError` for too few or too many classes; a single logit tells a share, not a class."""
        if not fewest <= self.network.classes <= MOST_CLASSES:
            raise InputError(
                f"design {self.name}: [network] class_names holds {self.network.classes} classes; {fewest} to "
                f"{MOST_CLASSES} are supported"
            )

    @property
    def retrieves_phase(self) -> bool:
        """Whether the frames' phase is retrieved."""
        return isinstance(self.instrument, FourAngle)

    def need_fft(self, what: str) -> None:
        """Raise an :class:`InputError` where the law of phase retrieval is one that ``what``, a verb, does not know."""
        if self.chip.retrieval != FFT:
            raise InputError(
                f'design {self.name}: {what} knows retrieval "{FFT}" only; [chip] retrieval is "{self.chip.retrieval}"'
            )

    def need_whole_chip(self, what: str) -> None:
        """Raise an :class:`InputError` where a law with a recursion stands before a network that is not its own.

        Only engines take rows from the last to the first, and only their gate knows which frames were malformed.
        """
        if self.chip.retrieval != FFT and self.chip.network != RTL:
            raise InputError(
                f'design {self.name}: {what} builds retrieval "{self.chip.retrieval}" before engines alone; write '
                f'kernel = "{RTL}" and network = "{RTL}" in [chip]'
            )

    @property
    def four_angle(self) -> FourAngle:
        """The instrument of a design that retrieves phase.

        Raises
        ------
        InputError
            If the design is of another kind.
        """
        return self._instrument_of(FourAngle)

    @property
    def off_axis(self) -> OffAxis:
        """The instrument of a design that takes off-axis holograms.

        Raises
        ------
        InputError
            If the design is of another kind.
        """
        return self._instrument_of(OffAxis)

    def _instrument_of(self, kind: type[Kind]) -> Kind:
        if not isinstance(self.instrument, kind):
            raise InputError(
                f'design {self.name} is of kind "{self.instrument.kind}"; this needs one of kind "{kind.kind}"'
            )
        return self.instrument

    @property
    def calibrated(self) -> Calibration:
        """The calibration of an off-axis design.

        Raises
        ------
        InputError
            If it has none.
        """
        if self.calibration is None:
            raise InputError(
                f"design {self.name} is not calibrated; `cytogate calibrate --design {self.folder or self.name} "
                "--input HOLOGRAMS` finds its carrier"
            )
        return self.calibration

    @property
    def camera(self) -> Camera:
        """The instrument of a design that has one.

        Raises
        ------
        InputError
            If its cells come as codes of the network's inputs.
        """
        if isinstance(self.instrument, NetworkInputs):
            raise InputError(f"design {self.name} has no instrument: its cells come as codes of the network's inputs")
        return self.instrument

    @property
    def input_codes(self) -> InputCodes:
        """How bright-field pixels become codes: as fitted, or over the whole range before a design is trained."""
        if self.codes is not None:
            return self.codes
        channels, full_scale = len(self.camera.channels), 2**self.camera.adc_bits * self.binning**2
        return InputCodes((full_scale // 2,) * channels, (2**INPUT_BITS / full_scale,) * channels)

    @property
    def size(self) -> int:
        """N, rows and columns of the phase map."""
        return self.window.rows

    @property
    def binning(self) -> int:
        """Raw pixels summed along each axis into one pixel."""
        return self.window.binning

    @property
    def crop(self) -> tuple[int, int]:
        """First row and first column of the central window of raw pixels."""
        rows, columns = self.window.raw
        return (self.camera.rows - rows) // 2, (self.camera.columns - columns) // 2

    @property
    def pixel_um(self) -> tuple[float, float]:
        """Rows' and columns' pitch of the network's input at the sample: (along y, along x), micrometres."""
        camera = self.camera
        if self.calibration is not None:
            pitch = self.off_axis.camera_pitch_um / self.calibration.magnification * self.binning
            return pitch, pitch
        return camera.pixel_pitch_y_um * self.binning, camera.pixel_pitch_x_um * self.binning

    @property
    def map_size(self) -> int:
        """Rows and columns of an off-axis design's maps."""
        return self.off_axis.hologram_size // self.binning


def binned(design: Design) -> Design:
    """Return ``design`` for frames that arrive at the network's size, cropped and binned by the camera's side."""
    camera, window = design.camera, design.window
    if isinstance(camera, OffAxis):
        raise InputError(f"design {design.name}: holograms cannot be binned before the field is taken from them")
    arriving = dataclasses.replace(
        camera,
        rows=window.rows,
        columns=window.columns,
        pixel_pitch_x_um=camera.pixel_pitch_x_um * window.binning,
        pixel_pitch_y_um=camera.pixel_pitch_y_um * window.binning,
    )
    name = f"{design.name}-binned"
    background = design.background
    if background is not None:
        # Of ratios of intensities, which sums of pixels have as pixels do.
        background = dataclasses.replace(background, binning=1)
    kept = dataclasses.replace(window, binning=1)
    return dataclasses.replace(design, name=name, instrument=arriving, window=kept, background=background)
