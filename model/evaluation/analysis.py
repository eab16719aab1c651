"""Analyse a trained network beyond its accuracy: probabilities, where it looks, what its layers tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from cytogate.model.data.examples import Inputs
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras

PERPLEXITY = 30.0
"""Neighbors that a point of a t-SNE attends to, scikit-learn's default; fewer where there are few points."""
COMPONENTS = 50
"""Principal components that t-SNE starts from (van der Maaten and Hinton 2008, section 4.2, take 30)."""


def outputs_of(model: keras.Model, batches: Iterable[Inputs]) -> NDArray[np.float32]:
    """Return the outputs (cells, ...) of a network of one input, a batch at a time."""
    found = [np.asarray(model(np.asarray(inputs, np.float32), training=False)) for (inputs,) in batches]
    return np.concatenate(found)


def probabilities(model: keras.Model, batches: Iterable[Inputs]) -> NDArray[np.float64]:
    """Return probabilities (cells, classes): a float network's, or a quantized one's logits after a softmax."""
    outputs = outputs_of(model, batches).astype(np.float64)
    if isinstance(model.layers[-1], keras.layers.Softmax):
        return outputs / outputs.sum(axis=1, keepdims=True)
    raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def occlusion_map(
    model: keras.Model, image: NDArray[np.float32], label: int, *, side: int, fill: float, stride: int = 1
) -> NDArray[np.float64]:
    """Return how probable ``label`` still is where a square hides the image: low where the network looks.

    The "reverse probability" of paper 001, Fig. 9, after Zeiler and Fergus 2014.

    Parameters
    ----------
    image : (rows, columns, channels)
        Inputs of the network, which must give probabilities.
    side
        Of the square, in pixels.
    fill
        What the square shows: the empty field's value.
    stride
        Pixels from one square to the next.

    Returns
    -------
    (rows, columns) float64
        At each pixel the mean over the squares that hide it.
    """
    rows, columns, _ = image.shape
    if not 1 <= side <= min(rows, columns) or not 1 <= stride <= side:
        raise InputError(
            f"squares of {side} pixels every {stride} for an image of {rows}x{columns}; a side of 1 to "
            f"{min(rows, columns)} and a stride of 1 to the side cover it"
        )
    corners = [(top, left) for top in _starts(rows, side, stride) for left in _starts(columns, side, stride)]
    total, times = np.zeros((rows, columns)), np.zeros((rows, columns))
    for place in range(0, len(corners), HIDDEN_AT_A_TIME):
        part = corners[place : place + HIDDEN_AT_A_TIME]
        hidden = np.repeat(image[None], len(part), axis=0)
        for each, (top, left) in zip(hidden, part, strict=True):
            each[top : top + side, left : left + side] = fill
        for (top, left), probability in zip(part, probabilities(model, [(hidden,)])[:, label], strict=True):
            total[top : top + side, left : left + side] += probability
            times[top : top + side, left : left + side] += 1
    return total / times


HIDDEN_AT_A_TIME = 128


def layer_outputs(model: keras.Model, layer: str, batches: Iterable[Inputs]) -> NDArray[np.float32]:
    """Return what a layer gives for each cell, laid flat: (cells, words)."""
    outputs = outputs_of(keras.Model(model.input, model.get_layer(layer).output), batches)
    return outputs.reshape(len(outputs), -1)


def embedded(features: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """Return places (cells, 2) in a plane, neighbors of ``features`` (cells, words) side by side, by t-SNE."""
    if len(features) < 4:
        raise InputError(f"{len(features)} cells cannot be spread in a plane by t-SNE; 4 are the least")
    components = min(COMPONENTS, *features.shape)
    reduced = PCA(components, random_state=seed).fit_transform(features)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # Its threads wait for each other a thousand times: on a machine with other work two take twenty times as long.
    with threadpool_limits(1):
        places: NDArray[np.float32] = tsne.fit_transform(reduced)
    return places


def _starts(extent: int, side: int, stride: int) -> Sequence[int]:
    """Return first pixels of squares that cover an axis, the last at its end."""
    return sorted({*range(0, extent - side + 1, stride), extent - side})
