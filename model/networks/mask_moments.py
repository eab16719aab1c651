"""The moments of the phase mask as a layer of Keras: the law itself, so no word differs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import FEATURES, WORD, mask_moments
from cytogate.model.networks.keras_backend import keras, tf


@keras.saving.register_keras_serializable(package="cytogate")
class MaskMoments(keras.layers.Layer):
    """Words (cells, features) of maps (cells, rows, columns, channels) whose last channel is the phase, code / 256.

    Nothing is learned, and nothing ahead of it can be: it passes no gradient on.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the words."""
        words = tf.numpy_function(_moments, [inputs[..., -1]], tf.float32, stateful=False)
        words.set_shape((inputs.shape[0], len(FEATURES)))
        return words

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return shape and type of the words."""
        return keras.KerasTensor((inputs.shape[0], len(FEATURES)), dtype="float32")


def _moments(phase: NDArray[np.float32]) -> NDArray[np.float32]:
    # Codes of eight bits stay what they are when they are multiplied by a power of two.
    codes = np.rint(phase / np.float32(PIXEL.step)).astype(np.int64)
    return WORD.decode(mask_moments(codes)).astype(np.float32)
