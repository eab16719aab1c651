"""The deep convolutional autoencoder of HEp-2 cells, and the small network that classifies its latent vectors.

C. Vununu, K. Kwon, "Cell images classification using deep convolutional autoencoder", Table I and section 3. The
table's padding of Pool 4 (2) and Conv 5 (1) contradicts its own output sizes, which need 0. Its rows of unpooling name
256, 128 and 64 maps behind deconvolutions that write 512, 256 and 128: unpooling keeps maps, so the deconvolutions'
numbers are taken. Unpooling repeats pixels; activations are not named: ours are ReLU, and a sigmoid for the image.

As published, Conv 5 and Deconv 5 have 411 million weights each, 3.3 GB together: :func:`shapes` checks sizes without
them. The decoder stays on the host; a device runs encoder and classifier, at a width that fits it.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import PIXEL, Format
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.layers import FloatLayers, Layers, QuantizedLayers
from cytogate.model.networks.widths import DEFAULT_WIDTHS, Widths, check_halvings, largest_code, scaled_widths

KERNEL = 3


@dataclass(frozen=True)
class Dcae:
    """Sizes of Table I and of the network 4096-250-50-5 behind it."""

    size: int = 224
    channels: int = 1
    words: Format = PIXEL
    """Format of the codes that arrive."""
    filters: tuple[int, ...] = (64, 128, 256, 512)
    latent: int = 4096
    dense: tuple[int, ...] = (250, 50)
    classes: int = 5

    @property
    def extent(self) -> int:
        """Rows and columns of the map ahead of the latent vector, and of the kernel that sums it up: 14."""
        return self.size >> len(self.filters)

    def scaled(self, size: int, width: float) -> Dcae:
        """Return the network for images of another size, with ``width`` times the filters and units."""
        *filters, latent = scaled_widths((*self.filters, self.latent), width)
        dense = scaled_widths(self.dense, width)
        return dataclasses.replace(self, size=size, filters=tuple(filters), latent=latent, dense=dense)


def float_autoencoder(spec: Dcae) -> keras.Model:
    """Build the autoencoder of images (cells, size, size, channels) in [0, 1]; layer ``latent`` gives its vectors."""
    x = inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    for layer in (*_encoder(spec), *_decoder(spec)):
        x = layer(x)
    return keras.Model(inputs, x, name="dcae_autoencoder")


def float_network(spec: Dcae) -> keras.Model:
    """Build encoder and classifier for images (cells, size, size, channels), with probabilities (cells, classes).

    Its layers up to ``latent`` have the names and shapes of the autoencoder's.
    """
    x = inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    for layer in _encoder(spec):
        x = layer(x)
    x = _classifier(spec, FloatLayers(), DEFAULT_WIDTHS, x)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(x), name="dcae")


def quantized_network(spec: Dcae, widths: Widths = DEFAULT_WIDTHS) -> keras.Model:
    """Build quantized encoder and classifier for codes / 256, with logits (cells, classes)."""
    check_halvings("dcae", spec.size, len(spec.filters))
    layers = QuantizedLayers(widths.weights)
    inputs = keras.Input((spec.size, spec.size, spec.channels), name="network_input")
    words = spec.words
    x = layers.words(inputs, "input_quantizer", words)
    for block, filters in enumerate(spec.filters, start=1):
        x = layers.convolution(x, f"convolution_{block}", filters, KERNEL, largest_input=largest_code(words))
        words = widths.rectified(spec.extent**2 * filters if block == len(spec.filters) else None)
        x = layers.relu(x, f"relu_{block}", words)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    last = f"convolution_{len(spec.filters) + 1}"
    largest = largest_code(words)
    x = layers.convolution(x, last, spec.latent, spec.extent, padding="valid", largest_input=largest)
    x = layers.relu(x, "latent", widths.hidden)
    return keras.Model(inputs, _classifier(spec, layers, widths, x), name="dcae")


def shapes(spec: Dcae) -> dict[str, tuple[int, ...]]:
    """Return the shape (rows, columns, maps) behind each layer of the autoencoder, by its name; nothing is built."""
    shape: tuple[int | None, ...] = (None, spec.size, spec.size, spec.channels)
    found = {}
    for layer in (*_encoder(spec), *_decoder(spec)):
        shape = layer.compute_output_shape(shape)
        found[layer.name] = tuple(extent for extent in shape[1:] if extent is not None)
    return found


def largest_kernel(spec: Dcae) -> int:
    """Return the weights of Conv 5, and of Deconv 5 as well, without building them."""
    return math.prod((spec.extent, spec.extent, spec.filters[-1], spec.latent))


def _encoder(spec: Dcae) -> list[keras.Layer]:
    layers: list[keras.Layer] = []
    for block, filters in enumerate(spec.filters, start=1):
        layers += [
            _convolution(f"convolution_{block}", filters),
            keras.layers.ReLU(name=f"relu_{block}"),
            keras.layers.MaxPooling2D(2, name=f"pool_{block}"),
        ]
    last = keras.layers.Conv2D(spec.latent, spec.extent, name=f"convolution_{len(spec.filters) + 1}")
    return [*layers, last, keras.layers.ReLU(name="latent")]


def _decoder(spec: Dcae) -> list[keras.Layer]:
    """Return the decoder's layers, numbered down as in the table."""
    blocks = len(spec.filters)
    layers: list[keras.Layer] = [
        keras.layers.Conv2DTranspose(spec.filters[-1], spec.extent, name=f"deconvolution_{blocks + 1}"),
        keras.layers.ReLU(name=f"relu_of_deconvolution_{blocks + 1}"),
    ]
    for block in range(blocks, 0, -1):
        filters = spec.filters[block - 1] if block > 1 else spec.channels
        layers += [
            keras.layers.UpSampling2D(2, name=f"unpool_{block}"),
            keras.layers.Conv2DTranspose(filters, KERNEL, padding="same", name=f"deconvolution_{block}"),
            keras.layers.ReLU(name=f"relu_of_deconvolution_{block}")
            if block > 1
            else keras.layers.Activation("sigmoid", name="image"),
        ]
    return layers


def _convolution(name: str, filters: int) -> keras.Layer:
    return keras.layers.Conv2D(filters, KERNEL, padding="same", kernel_initializer="he_normal", name=name)


def _classifier(spec: Dcae, layers: Layers, widths: Widths, x: keras.KerasTensor) -> keras.KerasTensor:
    x = keras.layers.Flatten(name="flatten")(x)
    for index, units in enumerate(spec.dense, start=1):
        x = layers.dense(x, f"dense_{index}", units, largest_input=largest_code(widths.hidden))
        x = layers.relu(x, f"relu_dense_{index}", widths.hidden)
    return layers.dense(x, "logits", spec.classes, largest_input=largest_code(widths.hidden))
