"""TOP-GAN: a DCGAN learns unlabelled cells; its discriminator's convolutions then classify few labelled ones.

Rubin et al., "TOP-GAN: stain-free cancer cell classification using deep learning with a small training set",
sections II-F and II-H. Generator and discriminator stay on the host: hls4ml has no transposed convolution, and a
device has no use for either. Numbers of filters are the DCGAN's, 64 to 512; the paper gives the 8x8x512 where they end.
The activation between its dense layers is not named: ours is the convolutions'.

Images lie in [-1, 1], as the generator's tanh has them. The paper shows an OPD map as an RGB picture; here its channels
are the map repeated (:func:`as_picture`), and the quantized network takes the map once.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import SIGNED_PIXEL, Format
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths

INITIAL_DEVIATION = 0.02
"""Standard deviation of the published networks' initial weights, normal (DCGAN's guidelines)."""
KERNEL, STRIDE = 5, 2


@dataclass(frozen=True)
class TopGan:
    """Sizes of the paper."""

    size: int = 128
    maps: int = 1
    """Channels of a measurement."""
    copies: int = 3
    """How often a picture repeats them."""
    filters: tuple[int, ...] = (64, 128, 256, 512)
    """Of the discriminator's convolutions; the generator's go the other way."""
    latent: int = 100
    dense: tuple[int, ...] = (100, 100)
    classes: int = 2
    slope: float = 0.1
    dropout: float = 0.5
    deviation: float = INITIAL_DEVIATION
    """Standard deviation of the initial weights."""
    words: Format = SIGNED_PIXEL
    """Of the quantized network's input."""

    @property
    def channels(self) -> int:
        """Channels of a picture."""
        return self.maps * self.copies

    def scaled(self, size: int, width: float) -> TopGan:
        """Return the networks for pictures of another size, with ``width`` times the filters and units.

        Sums over fewer inputs begin with larger weights, so that they spread as before.
        """
        filters, dense = scaled_widths(self.filters, width), scaled_widths(self.dense, width)
        deviation = self.deviation / math.sqrt(width)
        return dataclasses.replace(self, size=size, filters=filters, dense=dense, deviation=deviation)


def as_picture(spec: TopGan, measured: NDArray) -> NDArray:
    """Return measurements (cells, size, size, maps) with their channels repeated (cells, size, size, channels)."""
    return np.tile(measured, (1, 1, 1, spec.copies))


def generator(spec: TopGan) -> keras.Model:
    """Build the generator of pictures (cells, size, size, channels) in [-1, 1] from normal vectors (cells, latent)."""
    check_halvings("topgan", spec.size, len(spec.filters))
    layers, extent = _float_layers(spec), spec.size >> len(spec.filters)
    inputs = keras.Input((spec.latent,), name="latent")
    x = layers.dense(inputs, "dense", extent * extent * spec.filters[-1], largest_input=0)
    x = keras.layers.Reshape((extent, extent, spec.filters[-1]), name="reshape")(x)
    for block, filters in enumerate((*reversed(spec.filters[:-1]), spec.channels), start=1):
        x = batch_normalization(x, f"normalization_{block}")
        x = keras.layers.ReLU(name=f"relu_{block}")(x)
        x = keras.layers.Conv2DTranspose(
            filters,
            KERNEL,
            STRIDE,
            padding="same",
            kernel_initializer=layers.initializer(),
            name=f"deconvolution_{block}",
        )(x)
    return keras.Model(inputs, keras.layers.Activation("tanh", name="picture")(x), name="generator")


def discriminator(spec: TopGan) -> keras.Model:
    """Build the discriminator of pictures (cells, size, size, channels), with the probability (cells, 1) of a real one.

    Its layers up to ``flatten`` have the names and shapes of the classifier's.
    """
    check_halvings("topgan", spec.size, len(spec.filters))
    layers = _float_layers(spec)
    inputs, x, _ = _convolutions(spec, layers, DEFAULT_WIDTHS, spec.channels)
    x = layers.dense(x, "real", 1, largest_input=0)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="probability")(x), name="discriminator")


def float_network(spec: TopGan) -> keras.Model:
    """Build the classifier of pictures (cells, size, size, channels) with a sigmoid (cells, classes) for each class."""
    check_halvings("topgan", spec.size, len(spec.filters))
    inputs, logits = _classifier(spec, _float_layers(spec), DEFAULT_WIDTHS, spec.channels)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="probabilities")(logits), name="topgan")


def quantized_network(spec: TopGan, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build it quantized for inputs (cells, size, size, maps) in ``spec.words``, with logits (cells, classes)."""
    check_halvings("topgan", spec.size, len(spec.filters))
    inputs, logits = _classifier(spec, QuantizedLayers(widths.weights), widths, spec.maps)
    return keras.Model(inputs, logits, name="topgan")


def _float_layers(spec: TopGan) -> FloatLayers:
    return FloatLayers(functools.partial(keras.initializers.RandomNormal, stddev=spec.deviation))


def _convolutions(
    spec: TopGan, layers: Layers, widths: Widths, channels: int
) -> tuple[keras.KerasTensor, keras.KerasTensor, Format]:
    """Return input, flattened output and the format of its words; no batch normalization behind the input's layer."""
    inputs = keras.Input((spec.size, spec.size, channels), name="network_input")
    words = spec.words
    x = layers.words(inputs, "input_quantizer", words)
    for block, filters in enumerate(spec.filters, start=1):
        largest = largest_code(words)
        x = layers.convolution(x, f"convolution_{block}", filters, KERNEL, stride=STRIDE, largest_input=largest)
        rows, columns = x.shape[1:3]
        words = widths.leaky(rows * columns * filters if block == len(spec.filters) else None)
        if block > 1:
            x = layers.words(x, f"sums_{block}", widths.ahead_of_normalization)
            x = batch_normalization(x, f"normalization_{block}")
        x = layers.words(x, f"rounded_{block}", words)
        x = layers.leaky_relu(x, f"relu_{block}", words, spec.slope)
    return inputs, keras.layers.Flatten(name="flatten")(x), words


def _classifier(
    spec: TopGan, layers: Layers, widths: Widths, channels: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs, x, words = _convolutions(spec, layers, widths, channels)
    for index, units in enumerate(spec.dense, start=1):
        x = layers.dense(x, f"dense_{index}", units, largest_input=largest_code(words))
        words = widths.hidden_leaky
        x = layers.words(x, f"rounded_dense_{index}", words)
        x = layers.leaky_relu(x, f"relu_dense_{index}", words, spec.slope)
        x = layers.dropout(x, f"dropout_{index}", spec.dropout)
    return inputs, layers.dense(x, "logits", spec.classes, largest_input=largest_code(words))
