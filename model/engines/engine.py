"""A network as streaming engines: what is chained, with which numbers, and the words between.

An engine is an instance of a module in ``fpga/rtl``. It takes beats and gives beats, at whatever pace both sides have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.engines.adders import Additions


@dataclass(frozen=True)
class Stream:
    """A map, pixel by pixel, row by row; a vector is a map of one pixel, or a map that was flattened."""

    rows: int
    columns: int
    channels: int
    """Of a pixel; of a window all its words."""
    format: Format
    """Of a word."""
    pixels: int = 1
    """Of a beat; they divide the columns."""

    @property
    def pixel_bits(self) -> int:
        """Bits of a pixel, the first channel in the lowest ones."""
        return self.channels * self.format.width

    @property
    def bits(self) -> int:
        """Bits of a beat, the first pixel in the lowest ones."""
        return self.pixels * self.pixel_bits

    @property
    def beats(self) -> int:
        """Beats of a cell."""
        return self.rows * self.columns // self.pixels

    @property
    def words(self) -> int:
        """Words of a cell."""
        return self.rows * self.columns * self.channels


@dataclass(frozen=True, eq=False)
class Memory:
    """Words of a ROM, of which the file's name is a parameter of the engine."""

    parameter: str
    codes: Codes
    """(addresses, codes of a word), the first in the lowest bits."""
    width: int
    """Bits of a code, two's complement."""


@dataclass(frozen=True, eq=False)
class Engine:
    """An instance of a module."""

    name: str
    module: str
    reads: tuple[str, ...]
    """Names of the engines whose streams enter, :data:`INPUT` among them."""
    stream: Stream
    """What leaves."""
    parameters: Mapping[str, int]
    needs: NDArray[np.int64]
    """Beats of what enters that must have come before each beat of a cell leaves (beats,)."""
    memories: tuple[Memory, ...] = ()
    additions: Additions | None = None
    """Whose sums the module rounds."""
    operation: str | None = None
    """Of the integer network, whose words these are; none where there is no such operation."""

    @property
    def kept(self) -> int:
        """Beats that wait behind the engine when its reader pauses."""
        return self.parameters.get("DEPTH", 2 if self.module in ENDS_IN_TWO else 0)

    @property
    def steps(self) -> int:
        """Clocks of a beat that enters, in which the multipliers of weighted sums are used again."""
        return self.parameters.get("REUSE", 1) * self.parameters.get("SLICES", 1)


INPUT = "/in"
"""Name of the stream that enters the network; of no layer, since Keras takes no slash."""
SUMS = ("weighted_sums", "rounded_sums")
"""Modules of layers with weights."""
ENDS_IN_TWO = ("join_words", "round_words")
"""Modules with a queue of two beats behind them."""


@dataclass(frozen=True)
class EngineNetwork:
    """Engines, each behind those that it reads; what the last one gives are the logits."""

    name: str
    entry: Stream
    engines: tuple[Engine, ...] = field(repr=False)

    def stream(self, name: str) -> Stream:
        """Return what an engine gives, or what enters."""
        return self.entry if name == INPUT else self[name].stream

    def __getitem__(self, name: str) -> Engine:
        """Return an engine."""
        return next(each for each in self.engines if each.name == name)

    def readers(self, name: str) -> int:
        """Return how often a stream is read."""
        return sum(each.reads.count(name) for each in self.engines)

    @property
    def logits(self) -> Engine:
        """What comes last."""
        return self.engines[-1]

    @property
    def decides(self) -> bool:
        """Whether what comes last is a cell's logits, and no map."""
        return self.logits.stream.beats == 1

    @property
    def first_layer(self) -> EngineNetwork:
        """Windows and sums of the first layer with weights, alone."""
        sums = next(each for each in self.engines if each.module in SUMS)
        (source,) = sums.reads
        windows = () if source == INPUT or self[source].module != "sliding_window" else (self[source],)
        return self._alone((*windows, sums))

    @property
    def first_sums(self) -> EngineNetwork:
        """The same without its windows."""
        return self._alone((self.first_layer.logits,))

    def _alone(self, chain: tuple[Engine, ...]) -> EngineNetwork:
        """Return engines of which each reads the one before; what the first one reads enters."""
        entry, last = self.stream(self[chain[0].name].reads[0]), chain[-1].name
        return EngineNetwork(f"{self.name}, to {last}", entry, (replace(chain[0], reads=(INPUT,)), *chain[1:]))

    @property
    def multipliers(self) -> int:
        """Multipliers by constants of all engines."""
        return sum(multipliers(each) for each in self.engines)


def multipliers(engine: Engine) -> int:
    """Return the multipliers of an engine by constants; some give two products a clock."""
    numbers = engine.parameters
    if engine.module != "weighted_sums":
        return 0
    products = numbers["VALUES"] if numbers["DEPTHWISE"] else numbers["VALUES"] * numbers["OUTPUTS"]
    return numbers["LANES"] * products // (engine.steps * (1 + numbers["PAIRS"]))
