"""A network of ours for one small bright-field image, after the student of Islam 2025: an answer within microseconds.

The first convolution has a stride as wide as what arrives in a clock, so that no engine behind it is ever the slowest.
Codes are signed, and 0 is the background. The float form normalizes ahead of each ReLU; the quantized form has the
normalizations in its kernels and biases and starts from the trained float form
(:mod:`cytogate.model.networks.folding`).
"""

from __future__ import annotations

from cytogate.model.contract.fixed_point import SIGNED_PIXEL, Format
from cytogate.model.design.topologies import Student
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers, batch_normalization
from cytogate.model.networks.widths import Widths, largest_code

KERNEL = 3
FIRST_KERNEL_INTEGER_BITS = 2
"""The contrast of bright field is low: the first kernel brings it to the range of the words behind it."""


def student(
    spec: Student,
    shape: tuple[int, int, int],
    classes: int,
    quantized: bool,
    words: Format = SIGNED_PIXEL,
) -> keras.Model:
    """Build the network for values (cells, rows, columns, channels), with logits (cells, classes).

    Parameters
    ----------
    spec
        Filters, units and bits.
    shape
        Rows, columns and channels of the input.
    quantized
        Whether to build the quantized form, or the float one.
    words
        Format of the codes that arrive.

    Raises
    ------
    InputError
        If strides and poolings leave rows or columns over.
    """
    for extent in shape[:2]:
        _check_extent(extent, spec)
    widths = Widths(weights=spec.weight_bits, activations=spec.activation_bits)
    layers: Layers = QuantizedLayers(widths.weights) if quantized else FloatLayers()
    inputs = keras.Input(shape, name="network_input")
    x = layers.words(inputs, "input_quantizer", words)
    for block, filters in enumerate(spec.filters, start=1):
        first = block == 1
        x = layers.convolution(
            x,
            f"convolution_{block}",
            filters,
            spec.first_kernel if first else KERNEL,
            stride=spec.first_stride if first else 1,
            # Of the map's rows the last one decides when the answer comes; rows of padding would follow it.
            padding="same" if first else "valid",
            largest_input=largest_code(words),
            integer_bits=FIRST_KERNEL_INTEGER_BITS if first else None,
        )
        if not quantized:
            x = batch_normalization(x, f"normalization_{block}")
        words = widths.rectified()
        x = layers.relu(x, f"relu_{block}", words)
        if not first:
            x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    logits = layers.dense(x, "logits", classes, largest_input=largest_code(words))
    return keras.Model(inputs, logits, name=spec.name)


def _check_extent(extent: int, spec: Student) -> None:
    """Raise an InputError unless strides and poolings leave no pixel over."""
    left, over = divmod(extent, spec.first_stride)
    fits = over == 0
    for _ in spec.filters[1:]:
        fits = fits and left > KERNEL and (left - KERNEL + 1) % 2 == 0
        left = (left - KERNEL + 1) // 2
    if not fits:
        raise InputError(
            f"network student: {extent} rows or columns cannot be divided by a first stride of {spec.first_stride} and "
            f"then, {len(spec.filters) - 1} times, seen by {KERNEL}x{KERNEL} and halved"
        )
