"""Topologies of networks by name, with the sizes that a design chooses; they are built in ``model/networks``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cytogate.model.design.quantities import check, quantity
from cytogate.model.errors import InputError

_MOST = 4096


@dataclass(frozen=True)
class Meng2017:
    """The network of Meng 2017, quantized: three blocks of convolution, ReLU, pooling, normalization; two dense.

    The paper gives kernel sizes and widths only in a figure that is not in its text: these are ours, chosen for a
    device: the first convolution looks at 4x4 pixels at every second one and the others at 3x3.
    """

    name: ClassVar[str] = "meng2017"

    filters: tuple[int, ...] = quantity(
        "filters of the blocks of convolution, ReLU, pooling", (8, 16, 32), low=1, high=_MOST, required=False
    )
    first_kernel: int = quantity("rows and columns of the first kernel", 4, low=1, high=11, required=False)
    first_stride: int = quantity("stride of the first convolution", 2, low=1, high=4, required=False)
    dense: int = quantity("units of the dense layer", 64, low=1, high=_MOST, required=False)
    weight_bits: int = quantity("bits of a weight", 8, low=2, high=16, required=False)
    activation_bits: int = quantity("bits of a value between layers", 8, low=2, high=16, required=False)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Compact:
    """Ours for small images: blocks of convolution, normalization, ReLU and pooling, then two dense layers."""

    name: ClassVar[str] = "compact"

    filters: tuple[int, ...] = quantity(
        "filters of the blocks of convolution, normalization, ReLU, pooling", (16, 32, 64), low=1, high=_MOST,
        required=False,
    )  # fmt: skip
    kernel: int = quantity("rows and columns of each kernel", 3, low=1, high=11, required=False)
    dense: int = quantity("units of the dense layer", 64, low=1, high=_MOST, required=False)
    weight_bits: int = quantity("bits of a weight", 8, low=2, high=16, required=False)
    activation_bits: int = quantity("bits of a value between layers", 8, low=2, high=16, required=False)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Contrast:
    """Ours for four-angle instruments: what a cell changes about the empty field, and the moments of its phase mask.

    The first convolution looks at 4x4 pixels at every second one and the others at 3x3; behind the last there is the
    mean over the map, to which the moments are joined. Fewer contrasts, or no moments, take less of a chip.
    """

    name: ClassVar[str] = "contrast"

    central_share: float = quantity(
        "share of rows and columns, about the center, that is looked at", 0.75, low=0.25, high=1, required=False
    )
    contrasts: tuple[str, ...] = quantity(
        "what convolutions see of arms and phase, some of",
        ("x", "y", "sum", "phase"), choices=("x", "y", "sum", "phase"), required=False,
    )  # fmt: skip
    moments: bool = quantity("whether the moments of the phase mask are joined", True, required=False)
    filters: tuple[int, ...] = quantity(
        "filters of the blocks of convolution, normalization, ReLU, pooling", (12, 20, 40, 56), low=1, high=_MOST,
        required=False,
    )  # fmt: skip
    dense: int = quantity("units of the dense layer", 64, low=1, high=_MOST, required=False)
    weight_bits: int = quantity("bits of a weight", 8, low=2, high=16, required=False)
    activation_bits: int = quantity("bits of a value between layers", 8, low=2, high=16, required=False)

    def __post_init__(self) -> None:
        check(self)
        twice = next((each for each in self.contrasts if self.contrasts.count(each) > 1), None)
        if twice is not None:
            raise InputError(f"contrasts has {twice!r} twice; each may be there once")


@dataclass(frozen=True)
class Student:
    """Ours for one small bright-field image and an answer within microseconds, after Islam 2025's student network.

    The first convolution takes many pixels to one position; the others look at 3x3, with a pooling by two behind each,
    and the last one's words go into the dense layer that gives the logits.
    """

    name: ClassVar[str] = "student"

    filters: tuple[int, ...] = quantity(
        "filters of the convolutions; behind all but the first there is a pooling", (8, 10), low=1, high=_MOST,
        required=False,
    )  # fmt: skip
    first_kernel: int = quantity("rows and columns of the first kernel", 6, low=1, high=11, required=False)
    first_stride: int = quantity("stride of the first convolution", 4, low=1, high=4, required=False)
    weight_bits: int = quantity("bits of a weight", 6, low=2, high=16, required=False)
    activation_bits: int = quantity("bits of a value between layers", 6, low=2, high=16, required=False)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Published:
    """A network as its paper has it, with a share of its filters and units; for square windows."""

    name: str
    """Meng 2018 or Gao 2017 (paper 001), DCAE's encoder and classifier (004), or TOP-GAN's classifier (003)."""
    share: float = quantity("share of the published filters and units", 0.25, low=0.01, high=4, required=False)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Saved:
    """A network of the user's own, adopted: its topology lies beside its weights in the design's folder."""

    name: ClassVar[str] = "saved"


Topology = Contrast | Meng2017 | Compact | Student | Published | Saved
PUBLISHED = ("meng2018", "gao2017", "dcae", "topgan")
TOPOLOGIES: dict[str, type] = {
    Contrast.name: Contrast,
    Meng2017.name: Meng2017,
    Compact.name: Compact,
    Student.name: Student,
    **dict.fromkeys(PUBLISHED, Published),
    Saved.name: Saved,
}
"""Topologies by their name in a design."""
