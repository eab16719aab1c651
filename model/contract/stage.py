"""Contracts: stages, the order in which their values leave, and the memories in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytogate.model.contract.bounds import ErrorBound
from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.design import Design

EXPONENT_SUFFIX = "_exponent"
"""Of the recorded row that holds a stage's exponents."""


class Order(Enum):
    """Order in which the values of a cell leave a stage, against the axes of its array; the value says it."""

    ARRAY = "as the array has them: row by row, the parts of a pixel together"
    CHANNELS_TOGETHER = "row by row, the channels of a pixel together"
    """Of arrays (channels, rows, columns)."""
    COLUMNS = "column by column (kx outer, ky inner), both in the order of numpy.fft.fftfreq"
    """Of arrays (ky, kx, 2)."""

    def axes(self, dimensions: int) -> tuple[int, ...]:
        """Return an array's axes from the one that runs slowest in the stream to the one that runs fastest."""
        if self is Order.ARRAY:
            return tuple(range(dimensions))
        first = (1, 2, 0) if self is Order.CHANNELS_TOGETHER else (1, 0)
        return (*first, *range(len(first), dimensions))


@dataclass(frozen=True)
class Stage:
    """One boundary of the chain: what its values are and how far the float reference may be."""

    name: str
    shape: tuple[int, ...]
    """Shape of one cell's array of codes."""
    order: Order
    """Order in which the values leave the stage."""
    format: Format
    unit: str
    scale: float = 1.0
    """Value in ``unit`` of a decoded code, before the exponent."""
    exponents: int = 0
    """Number of lines that carry a block exponent; 0 where the format is plainly fixed point."""
    bound: ErrorBound = field(default_factory=ErrorBound)
    """Largest allowed root-mean-square difference from the float reference over noise-free frames, in ``unit``."""
    complex: bool = False
    """Whether codes come in pairs of real and imaginary part, along the array's last axis of 2."""

    @property
    def size(self) -> int:
        """Values of one cell."""
        return int(np.prod(self.shape))

    def values(self, codes: ArrayLike, exponents: Codes | None = None) -> NDArray:
        """Return what codes ``(cells, *shape)`` and, on a transformed stage, exponents ``(cells, columns)`` mean.

        Float64, or complex128 ``(cells, *shape[:-1])`` where codes are pairs.
        """
        values = self.format.decode(codes) * self.scale
        if exponents is not None:
            values = values * np.exp2(exponents)[:, None, :, None]
        return values[..., 0] + 1j * values[..., 1] if self.complex else values

    def to_stream(self, codes: NDArray) -> NDArray:
        """Return codes ``(..., *shape)`` in the order in which they leave, ``(..., values)``."""
        cells = codes.shape[: codes.ndim - len(self.shape)]
        axes = [len(cells) + axis for axis in self.order.axes(len(self.shape))]
        return codes.transpose(*range(len(cells)), *axes).reshape(*cells, self.size)

    def from_stream(self, values: NDArray) -> NDArray:
        """Return values ``(..., values)`` in the order in which they leave as codes ``(..., *shape)``."""
        cells, axes = values.shape[:-1], self.order.axes(len(self.shape))
        ordered = values.reshape(*cells, *(self.shape[axis] for axis in axes))
        back = [len(cells) + axes.index(axis) for axis in range(len(axes))]
        return np.ascontiguousarray(ordered.transpose(*range(len(cells)), *back))


@dataclass(frozen=True)
class Contract:
    """The contract of one design; :func:`cytogate.model.contract.law.contract` builds it."""

    kernel: ClassVar[str]
    """Name of the kernel before the network, its top function in C++ and its top module in SystemVerilog."""
    upward: ClassVar[bool] = False
    """Whether rows leave the SystemVerilog kernel from the last to the first."""

    design: Design
    frame: Format
    """A raw code."""
    binned: Format
    """A sum of raw codes."""
    stages: tuple[Stage, ...]
    buffers: tuple[Buffer, ...]
    """Memories of the HLS kernel, whose processes hand over whole frames. The SystemVerilog kernel hands over line by
    line and needs less."""

    @property
    def recorded(self) -> tuple[Stage, ...]:
        """The stages as a simulation records them, the exponents of a transformed one behind it."""
        return self.stages

    @property
    def frame_channels(self) -> int:
        """Frames of a cell."""
        return self.stage("frames").shape[0]

    @property
    def network_channels(self) -> int:
        """Channels of the network's input."""
        return self.stage("network_input").shape[-1]

    @property
    def pixel(self) -> Format:
        """A code of the network's input."""
        return self.stage("network_input").format

    def buffer(self, name: str) -> Buffer:
        """Return the row of one buffer."""
        return next(row for row in self.buffers if row.name == name)

    def stage(self, name: str) -> Stage:
        """Return the row of one stage."""
        return next(row for row in self.recorded if row.name == name)
