"""Keras on TensorFlow and QKeras, imported once, with the back end chosen and without their remarks at the start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow chooses its kernels by the processor: without these a processor without AVX-512 has none for depthwise
# convolutions whose strides differ, and layers round otherwise than elsewhere.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what C++ libraries write to stderr: TensorFlow's first lines come before its log level is read."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a descriptor is needed
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with _quiet():
    import keras
    import qkeras
    import tensorflow as tf

    # The first tensor starts the back end, which has more to say; workers of a cluster must find it not yet started.
    if "TF_CONFIG" not in os.environ:
        keras.ops.zeros(1)

__all__ = ["keras", "qkeras", "tf"]
