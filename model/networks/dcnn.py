"""The two-stream network of time lapses: frames, and beside them their differences, to a mixture's proportion.

The dCNN of a study of mixtures of smooth muscle cells and fibroblasts: each stream is convolution - batch normalization
- pooling, and a dense layer with dropout; streams are concatenated, one sigmoid follows (its Figure 3). Numbers of
filters and units are in that figure alone: ours are ours. Its library, Lasagne, puts ReLU behind batch normalization,
and so do we. The k-th differences are ``X_i - X_{i-k}``, l - k of l frames (section 3.1).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths

DIFFERENCE = Format(PIXEL.width + 1, 1)
"""A difference of two pixels: one bit more, for the sign."""


@dataclass(frozen=True)
class Dcnn:
    """The two-stream network; ``lags=()`` is the single-stream one."""

    size: int = 48
    """Rows and columns: clips of 96x96 pixels, halved (section 4.1.2)."""
    frames: int = 5
    lags: tuple[int, ...] = (1,)
    """One stream of k-th differences for each k."""
    kernel: int = 5
    filters: tuple[int, ...] = (16, 32, 64)
    dense: int = 64
    dropout: float = 0.5
    l2: float = 0.05
    """Penalty on squared weights (Table 1)."""

    def __post_init__(self) -> None:
        for lag in self.lags:
            if not 1 <= lag < self.frames:
                raise InputError(f"differences of frames {lag} apart need more frames than {self.frames}")

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each input: frames, then differences."""
        return self.frames, *(self.frames - lag for lag in self.lags)

    def scaled(self, size: int, width: float) -> Dcnn:
        """Return the network for clips of another size, with ``width`` times the filters and units."""
        (dense,) = scaled_widths((self.dense,), width)
        return dataclasses.replace(self, size=size, filters=scaled_widths(self.filters, width), dense=dense)


def differences(frames: NDArray, lag: int) -> NDArray:
    """Return differences (..., frames - lag) of frames (..., frames) that are ``lag`` apart; codes become signed."""
    signed = frames.astype(np.int16) if frames.dtype == np.uint8 else frames
    return signed[..., lag:] - signed[..., :-lag]


def float_network(spec: Dcnn) -> keras.Model:
    """Build the network for a list of inputs, frames (clips, size, size, frames) in [0, 1) and differences.

    Its output (clips, 1) is the proportion of the second cell type.
    """
    inputs, logits = _topology(spec, FloatLayers(l2=spec.l2), DEFAULT_WIDTHS, by_contrast=False)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="proportion")(logits), name="dcnn")


def quantized_network(spec: Dcnn, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build it quantized for a list of inputs of codes / 256, those of differences signed, with logits (clips, 1).

    Its first convolutions see contrast alone, without which batch normalization would have to magnify small sums.
    """
    check_halvings("dcnn", spec.size, len(spec.filters))
    inputs, logits = _topology(spec, QuantizedLayers(widths.weights, spec.l2), widths, by_contrast=True)
    return keras.Model(inputs, logits, name="dcnn")


def _topology(
    spec: Dcnn, layers: Layers, widths: Widths, by_contrast: bool
) -> tuple[list[keras.KerasTensor] | keras.KerasTensor, keras.KerasTensor]:
    inputs, joined = [], None
    for channels, stream in zip(spec.channels, ("frames", *(f"differences_{lag}" for lag in spec.lags)), strict=True):
        entry = keras.Input((spec.size, spec.size, channels), name=stream)
        inputs.append(entry)
        x = _stream(spec, layers, widths, entry, stream, channels if by_contrast else None)
        joined = x if joined is None else keras.layers.Concatenate(name=f"with_{stream}")([joined, x])
    # Keras warns of an array where it was told of a list, be it of one.
    given = inputs if len(inputs) > 1 else inputs[0]
    return given, layers.dense(joined, "logits", 1, largest_input=largest_code(widths.hidden))


def _stream(
    spec: Dcnn, layers: Layers, widths: Widths, x: keras.KerasTensor, stream: str, by_contrast: int | None
) -> keras.KerasTensor:
    words = PIXEL if stream == "frames" else DIFFERENCE
    x = layers.words(x, f"{stream}_quantizer", words)
    for block, filters in enumerate(spec.filters, start=1):
        first, last = block == 1, block == len(spec.filters)
        x = layers.convolution(
            x,
            f"{stream}_convolution_{block}",
            filters,
            spec.kernel,
            largest_input=largest_code(words),
            by_contrast=by_contrast if first else None,
        )
        x = layers.words(x, f"{stream}_sums_{block}", widths.ahead_of_normalization)
        x = batch_normalization(x, f"{stream}_normalization_{block}")
        rows, columns = (extent // 2 for extent in x.shape[1:3])
        words = widths.rectified(rows * columns * filters if last else None)
        x = layers.relu(x, f"{stream}_relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"{stream}_pool_{block}")(x)
    x = keras.layers.Flatten(name=f"{stream}_flatten")(x)
    x = layers.dense(x, f"{stream}_dense", spec.dense, largest_input=largest_code(words))
    x = layers.relu(x, f"{stream}_relu_dense", widths.hidden)
    return layers.dropout(x, f"{stream}_dropout", spec.dropout)
