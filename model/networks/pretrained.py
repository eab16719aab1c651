"""Weights that go from one network to another: pretrained to classifier, and float to quantized network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras, qkeras


def copy_weights(source: keras.Model, target: keras.Model) -> tuple[str, ...]:
    """Copy the weights of all layers that have one name in both networks; return the names.

    So a classifier takes the convolutions of a discriminator, or the encoder of an autoencoder.

    Raises
    ------
    InputError
        If the networks share no layer with weights, or layers of one name have other shapes.
    """
    known = {layer.name: layer for layer in source.layers if layer.weights}
    shared = [layer for layer in target.layers if layer.weights and layer.name in known]
    if not shared:
        raise InputError(f"network {target.name}: no layer of {source.name} has the name of one of its own")
    for layer in shared:
        given, wanted = ([weight.shape for weight in each.weights] for each in (known[layer.name], layer))
        if given != wanted:
            raise InputError(f"layer {layer.name}: has weights {wanted} and cannot take {given} of {source.name}")
    for layer in shared:
        layer.set_weights(known[layer.name].get_weights())
    return tuple(layer.name for layer in shared)


def start_quantized(network: keras.Model, trained: keras.Model, samples: NDArray[np.floating]) -> None:
    """Give a quantized network the weights of its trained float network, scaled to its formats.

    ReLU, leaky or not, passes positive factors on. So each layer's outputs are brought to a standard deviation of 1 on
    ``samples`` (images, rows, columns, channels), the trained network's inputs, and the factor is taken back by the
    layer behind; logits keep theirs. Batch normalization takes it back itself. Where the trained network sees each
    channel several times (:func:`~cytogate.model.networks.topgan.as_picture`), the quantized kernel is the sum.

    Training goes on from there, as slopes differ and rounding is new.

    Raises
    ------
    InputError
        If ``network`` is no plain chain, or a layer of it is not in the trained one, or is dead on the samples.
    """
    weighted = [layer for layer in network.layers if isinstance(layer, (qkeras.QConv2D, qkeras.QDense))]
    known = {layer.name: layer for layer in trained.layers}
    for layer in network.layers:
        if isinstance(layer, keras.layers.Concatenate):
            raise InputError(
                f"layer {layer.name}: chains that join keep factors of their own; train the network itself"
            )
        if layer.weights and layer.name not in known:
            raise InputError(f"layer {layer.name}: the trained network has no layer of this name")
    watched = keras.Model(trained.input, [known[layer.name].output for layer in weighted])
    outputs = watched(samples, training=False)
    deviations = {
        layer.name: float(np.std(np.asarray(found, np.float64))) for layer, found in zip(weighted, outputs, strict=True)
    }
    factor = 1.0
    for layer in network.layers:
        if isinstance(layer, (qkeras.QConv2D, qkeras.QDense)):
            if not deviations[layer.name] > 0:
                raise InputError(f"layer {layer.name}: gives one value for all samples; there is nothing to scale by")
            kernel, bias = known[layer.name].get_weights()
            wanted = 1.0 if layer is weighted[-1] else 1.0 / deviations[layer.name]
            layer.set_weights([_summed(kernel, layer.kernel.shape) * (wanted / factor), bias * wanted])
            factor = wanted
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = known[layer.name].get_weights()
            spread = (variance + known[layer.name].epsilon) * factor**2 - layer.epsilon
            layer.set_weights([gamma, beta, mean * factor, np.maximum(spread, 0.0)])
            factor = 1.0


def _summed(kernel: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Add up the weights of repeated channels."""
    if kernel.shape == tuple(shape):
        return kernel
    *area, channels, filters = shape
    repeats = kernel.shape[-2] // channels
    if kernel.shape != (*area, repeats * channels, filters):
        raise InputError(f"a kernel of shape {kernel.shape} does not fit one of {tuple(shape)}")
    return kernel.reshape(*area, repeats, channels, filters).sum(axis=-3)
