"""Meng 2017: four bright-field frames and a phase map, and which of them a network needs (channel augmentation).

N. Meng, H. So, E. Lam, "Computational single-cell classification using deep learning on bright-field and phase images".
The network itself is :func:`cytogate.model.networks.exact.meng2017`: kernels and widths are ours, the paper gives
them in a figure alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cytogate.model.design.design import Meng2017 as Sizes
from cytogate.model.errors import InputError
from cytogate.model.networks.exact import CHANNELS, meng2017
from cytogate.model.networks.keras_backend import keras

VARIANTS = {
    "channel 1": (0,),
    "channel 2": (1,),
    "channel 3": (2,),
    "channel 4": (3,),
    "channel 1-4": (0, 1, 2, 3),
    "phase only": (4,),
    "channel 1-4 & phase": tuple(range(CHANNELS)),
}
"""Channels of the paper's inputs, by their names in its Table 1."""


@dataclass(frozen=True)
class Meng2017:
    """One network of the paper's comparison."""

    variant: str = "channel 1-4 & phase"
    normalized: bool = True
    """With batch normalization, or without (Figures 3 and 4)."""
    size: int = 305
    """Rows and columns of an image."""
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(f"there is no input named {self.variant}; choose one of {', '.join(VARIANTS)}")

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of (+x, -x, +y, -y, phase) that the network sees."""
        return VARIANTS[self.variant]

    @property
    def twin_size(self) -> int:
        """Rows and columns of the central window that the twin sees, which can be halved without a rest: 304."""
        multiple = 8 * self.sizes.first_stride
        return self.size // multiple * multiple


def float_network(spec: Meng2017) -> keras.Model:
    """Build the network for inputs (cells, size, size, channels) in [0, 1), with probabilities (cells, classes)."""
    bare = meng2017(spec.sizes, spec.size, False, spec.channels, spec.normalized)
    probabilities = keras.layers.Softmax(name="probabilities")(bare.output)
    return keras.Model(bare.input, probabilities, name="meng2017")


def quantized_network(spec: Meng2017) -> keras.Model:
    """Build the twin for inputs (cells, twin_size, twin_size, channels), codes / 256, with logits (cells, classes)."""
    return meng2017(spec.sizes, spec.twin_size, True, spec.channels, spec.normalized)
