"""Settings of layers: each is read by somebody, changes nothing, or is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cytogate.model.errors import InputError
from cytogate.model.networks.operations import Operation

_ANY = (
    "name", "trainable", "dtype", "batch_input_shape", "kernel_initializer", "bias_initializer", "kernel_regularizer",
    "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint", "depthwise_initializer",
    "depthwise_regularizer", "depthwise_constraint", "pointwise_initializer", "pointwise_regularizer",
    "pointwise_constraint", "beta_initializer", "gamma_initializer", "moving_mean_initializer",
    "moving_variance_initializer", "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    "kernel_range", "bias_range", "depthwise_range", "beta_range", "gamma_range", "momentum", "synchronized",
    "renorm_clipping", "renorm_momentum",
)  # fmt: skip
"""Settings that change how a network is trained and nothing else."""


def check_settings(layer: Any, read: Sequence[str], **due: Any) -> None:
    """Refuse a setting that nobody reads, or another value than ``due`` of those that change what is computed."""
    for name, value in layer.get_config().items():
        if name in due:
            allowed = due[name] if isinstance(due[name], tuple) else (due[name],)
            plain = tuple(value) if isinstance(value, list) else value
            if plain not in allowed and plain != due[name]:
                raise InputError(f"layer {layer.name}: {name} is {value!r}; only {due[name]!r} is supported")
        elif name not in read and name not in _ANY and value is not None:
            raise InputError(f"layer {layer.name}: {type(layer).__name__} has a setting {name} that is not known here")


CHANNELS_LAST = {"data_format": "channels_last"}


def must_be_map(layer: Any, source: Operation) -> None:
    """Refuse a layer that needs a map and reads something else."""
    if len(source.shape) != 3:
        raise InputError(f"layer {layer.name}: reads values of shape {source.shape}; it needs a map")
