"""Table of the layers that are read, and by what; what to use in the place of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cytogate.model.networks.keras_backend import keras, qkeras
from cytogate.model.networks.layers import BatchNormalization
from cytogate.model.networks.mask_moments import MaskMoments
from cytogate.model.networks.operations import Operation
from cytogate.model.networks.reading import activations, arrangement, pooling, weights
from cytogate.model.networks.reading import normalization as normalizations
from cytogate.model.networks.reading.moments import moments

IDENTITIES = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)
"""Layers that do nothing in a network at rest."""

READERS: dict[type, Callable[..., Operation]] = {
    qkeras.QConv2D: weights.convolution,
    keras.layers.Conv2D: weights.convolution,
    qkeras.QDepthwiseConv2D: weights.depthwise,
    keras.layers.DepthwiseConv2D: weights.depthwise,
    qkeras.QSeparableConv2D: weights.separable,
    keras.layers.SeparableConv2D: weights.separable,
    qkeras.QConv2DBatchnorm: weights.convolution,
    qkeras.QDepthwiseConv2DBatchnorm: weights.depthwise,
    qkeras.QDenseBatchnorm: weights.dense,
    qkeras.QDense: weights.dense,
    keras.layers.Dense: weights.dense,
    BatchNormalization: normalizations.normalization,
    keras.layers.BatchNormalization: normalizations.normalization,
    qkeras.QBatchNormalization: normalizations.quantized_normalization,
    qkeras.QActivation: activations.activation,
    keras.layers.Activation: activations.activation,
    keras.layers.ReLU: activations.relu,
    keras.layers.LeakyReLU: activations.leaky_relu,
    keras.layers.PReLU: activations.parametric_relu,
    keras.layers.Softmax: activations.softmax,
    keras.layers.MaxPooling2D: pooling.max_pooling,
    keras.layers.AveragePooling2D: pooling.average_pooling,
    qkeras.QAveragePooling2D: pooling.average_pooling,
    keras.layers.GlobalAveragePooling2D: pooling.global_average_pooling,
    qkeras.QGlobalAveragePooling2D: pooling.global_average_pooling,
    keras.layers.GlobalMaxPooling2D: pooling.global_max_pooling,
    MaskMoments: moments,
    keras.layers.Add: arrangement.add,
    keras.layers.Subtract: arrangement.subtract,
    keras.layers.Maximum: arrangement.maximum,
    keras.layers.Minimum: arrangement.minimum,
    keras.layers.Average: arrangement.average,
    keras.layers.Concatenate: arrangement.concatenate,
    keras.layers.Flatten: arrangement.flatten,
    keras.layers.Reshape: arrangement.reshape,
    keras.layers.Permute: arrangement.permute,
    keras.layers.ZeroPadding2D: arrangement.zero_padding,
    keras.layers.Cropping2D: arrangement.cropping,
    keras.layers.UpSampling2D: arrangement.up_sampling,
}

JOINING: dict[type, Callable[..., Operation]] = {
    keras.src.ops.numpy.Add: arrangement.add,
    keras.src.ops.numpy.Subtract: arrangement.subtract,
    keras.src.ops.numpy.Maximum: arrangement.maximum,
    keras.src.ops.numpy.Minimum: arrangement.minimum,
}
"""What ``x + y`` and the like are, of two layers."""
READERS |= JOINING

_INSTEAD = {
    "ELU": "use quantized_relu",
    "SELU": "use quantized_relu",
    "Conv2DTranspose": "use UpSampling2D and a convolution",
    "QConv2DTranspose": "use UpSampling2D and QConv2D",
    "LayerNormalization": "use BatchNormalization",
    "GroupNormalization": "use BatchNormalization",
    "Rescaling": "let the quantizer after the input have the range of what comes in",
    "Lambda": "use layers whose meaning can be read",
    "Multiply": "products of values are not supported",
}


def refusal(layer: Any) -> str:
    """Say why a layer is not read, and what to do instead."""
    kind = type(layer)
    for known in READERS:
        if issubclass(kind, known):
            return f"{kind.__name__} is a subclass of {known.__name__}, and what it changes is not known; use that one"
    return f"{kind.__name__} is not among the layers that are read; {_INSTEAD.get(kind.__name__, 'use another one')}"
