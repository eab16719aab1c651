"""Transfer from ImageNet: MobileNet, fine-tuned on cells (paper 003, section G).

Its weights are a file of the user's, ``mobilenet_1_0_SIZE_tf_no_top.h5`` as Keras publishes them: nothing is
downloaded. They are only read as HDF5 arrays by Keras; the file holds no code.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split

from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras

SIZE = 128
"""Rows and columns that MobileNet sees; cells are resized to it."""
VALIDATION_SHARE = 0.15
PATIENCE = 10
"""Epochs without a lower validation loss after which training ends."""


class MobileNetTransfer(ClassifierMixin, BaseEstimator):
    """A classifier of images (cells, rows, columns, channels) for scikit-learn.

    Parameters
    ----------
    weights : Path
        HDF5 file of MobileNet's weights without its top, alpha 1.
    epochs : int
        At most; training ends when the loss on VALIDATION_SHARE of the cells given to ``fit`` falls no more.
    learning_rate : float
        Of Adam. The pretrained layers and the new one are trained together.
    """

    def __init__(
        self, weights: Path, epochs: int = 100, learning_rate: float = 1e-4, batch: int = 32, seed: int = 0
    ) -> None:
        self.weights = weights
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch = batch
        self.seed = seed

    def fit(self, images: NDArray, labels: NDArray[np.int64]) -> MobileNetTransfer:
        """Fine-tune on cells; scales are learned on them too.

        Raises
        ------
        InputError
            Where there are no weights, they are no MobileNet's, or there are more than three channels.
        """
        if images.ndim != 4 or not 1 <= images.shape[-1] <= 3:
            raise InputError(
                f"images of shape {images.shape}; MobileNet sees colors: one, two or three channels, the last place"
            )
        keras.utils.set_random_seed(self.seed)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        self.low_, high = (edge.astype(np.float32) for edge in np.percentile(images, (0.1, 99.9), axis=(0, 1, 2)))
        self.range_ = np.where(high > self.low_, high - self.low_, 1)
        model = _network(self.weights, images.shape[1:3], len(self.classes_))
        model.compile(keras.optimizers.Adam(self.learning_rate), "sparse_categorical_crossentropy")
        fitted, selecting = train_test_split(
            np.arange(len(labels)), test_size=VALIDATION_SHARE, random_state=self.seed, stratify=targets
        )
        model.fit(
            self._prepared(images[fitted]),
            targets[fitted],
            validation_data=(self._prepared(images[selecting]), targets[selecting]),
            batch_size=self.batch,
            epochs=self.epochs,
            callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)],
            verbose=0,
        )
        self.model_ = model
        return self

    def predict_proba(self, images: NDArray) -> NDArray[np.float32]:
        """Return probabilities (cells, classes) in the order of ``classes_``."""
        return self.model_.predict(self._prepared(images), batch_size=self.batch, verbose=0)

    def predict(self, images: NDArray) -> NDArray[np.int64]:
        """Return the most probable classes, (cells,)."""
        return self.classes_[self.predict_proba(images).argmax(axis=1)]

    def _prepared(self, images: NDArray) -> NDArray[np.float32]:
        """Return images of three channels in [-1, 1], as MobileNet was trained on."""
        scaled = np.clip((images - self.low_) / self.range_ * 2 - 1, -1, 1).astype(np.float32)
        channels = scaled.shape[-1]
        if channels == 2:
            return np.concatenate([scaled, scaled.mean(axis=-1, keepdims=True)], axis=-1)
        return np.repeat(scaled, 3 // channels, axis=-1)


def _network(weights: Path, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Return MobileNet behind a resizing, with a softmax of ``classes``."""
    if not Path(weights).is_file():
        raise InputError(
            f"{weights}: there is no such file; MobileNet's ImageNet weights without top "
            f"(mobilenet_1_0_{SIZE}_tf_no_top.h5 of Keras) must be put there, they are not downloaded"
        )
    if Path(weights).suffix not in (".h5", ".hdf5"):
        raise InputError(f"{weights}: MobileNet's weights are read from HDF5, as .h5 or .hdf5")
    inputs = keras.Input((*shape, 3))
    base = keras.applications.MobileNet(
        input_shape=(SIZE, SIZE, 3), include_top=False, weights=None, pooling="avg", dropout=0.0
    )
    try:
        base.load_weights(str(weights))
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{weights}: holds no weights of MobileNet without its top: {detail}") from error
    features = base(keras.layers.Resizing(SIZE, SIZE, interpolation="bilinear")(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(features))
