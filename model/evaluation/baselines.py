"""The classifiers that the papers' networks are set beside, each an unfitted scikit-learn estimator.

All take images (cells, rows, columns, channels) and labels (cells,), and are fitted on a fold's training cells only:
scales are learned there, and what has to be chosen is chosen by inner folds of those cells. Fitting a support vector
machine takes time with the square of the number of cells, memory with the number of cells times the images' size; the
volumes of paper 001 beyond some ten thousand cells are for samples of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from cytogate.model.features import image_features
from cytogate.model.features.image_features import Columns, Images

Grid: TypeAlias = dict[str, tuple[int | float | str, ...]]

INNER_FOLDS = 4
NEIGHBORS: Grid = {"kneighborsclassifier__n_neighbors": (1, 3, 5, 9, 15, 25)}
RBF: Grid = {"svc__C": (1, 3, 10, 30, 100), "svc__gamma": ("scale", 0.001, 0.01)}
LINEAR: Grid = {"svc__C": (0.01, 0.1, 1, 10)}
TOPGAN_NEIGHBORS = 9
"""K of paper 003."""


class ChannelScaler(TransformerMixin, BaseEstimator):
    """Bring every channel to mean 0 and variance 1 over all pixels of the training images, and lay images flat.

    Pixels keep their relations, as distances in the image space of papers 001 and 003 have them; channels of different
    ranges count alike.
    """

    def fit(self, images: NDArray, labels: NDArray | None = None) -> ChannelScaler:
        """Learn levels and spreads of the channels of (cells, rows, columns, channels)."""
        self.level_ = images.mean(axis=(0, 1, 2), dtype=np.float64)
        spread = images.std(axis=(0, 1, 2), dtype=np.float64)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, images: NDArray) -> NDArray[np.float32]:
        """Return (cells, rows * columns * channels)."""
        scaled = (images - self.level_) / self.spread_
        return scaled.reshape(len(images), -1).astype(np.float32)


def knn_euclidean(seed: int = 0) -> GridSearchCV:
    """K nearest neighbors among images by Euclidean distance (paper 001); k by inner folds."""
    return _chosen(make_pipeline(ChannelScaler(), KNeighborsClassifier()), NEIGHBORS, seed)


def knn_l1() -> Pipeline:
    """Nine nearest neighbors among images by the sum of absolute differences (paper 003, section E)."""
    return make_pipeline(ChannelScaler(), KNeighborsClassifier(TOPGAN_NEIGHBORS, metric="manhattan"))


def svm_pixels(seed: int = 0) -> GridSearchCV:
    """Support vector machine with RBF kernel on pixels (paper 001)."""
    return _chosen(make_pipeline(ChannelScaler(), SVC()), {"svc__C": RBF["svc__C"], "svc__gamma": ("scale",)}, seed)


def svm_gabor(seed: int = 0) -> Pipeline:
    """Linear support vector machine on energies and mean amplitudes of Gabor filters (paper 002, section 4.1)."""
    return _svm_on(gabor_features, SVC(kernel="linear"), LINEAR, seed)


def svm_texture(seed: int = 0) -> Pipeline:
    """Support vector machine on gray-level co-occurrence ("texture features + SVM" of paper 004, Table II)."""
    return _svm_on(texture_features, SVC(), RBF, seed)


def svm_lbp(seed: int = 0) -> Pipeline:
    """Support vector machine on local binary patterns ("LBP descriptors + SVM" of paper 004, Table II)."""
    return _svm_on(lbp_features, SVC(), RBF, seed)


def svm_hand_made(seed: int = 0) -> Pipeline:
    """Support vector machine on all of :mod:`cytogate.model.features.image_features`: what a network has to reach."""
    return _svm_on(image_features.hand_made, SVC(), RBF, seed)


def svm_columns(seed: int = 0) -> GridSearchCV:
    """Support vector machine with RBF kernel on features (cells, columns) that have been computed already."""
    return _chosen(make_pipeline(StandardScaler(), SVC()), RBF, seed)


def mobilenet_transfer(weights: Path, seed: int = 0) -> BaseEstimator:
    """MobileNet of ImageNet, fine-tuned (paper 003, section G), from a local file of its weights."""
    from cytogate.model.networks.mobilenet import MobileNetTransfer

    return MobileNetTransfer(weights, seed=seed)


def gabor_features(images: NDArray) -> NDArray[np.float64]:
    """Return :func:`image_features.gabor` of every channel, (cells, columns)."""
    return _by_channel(image_features.gabor, images)


def texture_features(images: NDArray) -> NDArray[np.float64]:
    """Return :func:`image_features.glcm` of every channel, (cells, columns)."""
    return _by_channel(image_features.glcm, images)


def lbp_features(images: NDArray) -> NDArray[np.float64]:
    """Return :func:`image_features.lbp` of every channel, (cells, columns)."""
    return _by_channel(image_features.lbp, images)


def _by_channel(group: Callable[[Images], Columns], images: NDArray) -> NDArray[np.float64]:
    planes = np.moveaxis(np.asarray(images, np.float64), -1, 0)
    return np.hstack([image_features.matrix(group(plane)) for plane in planes])


def _svm_on(features: Callable[[NDArray], NDArray], svm: SVC, grid: Grid, seed: int) -> Pipeline:
    # Features of an image depend on no other image: computed once, before the inner folds.
    return make_pipeline(FunctionTransformer(features), _chosen(make_pipeline(StandardScaler(), svm), grid, seed))


def _chosen(estimator: Pipeline, grid: Grid, seed: int) -> GridSearchCV:
    """Return ``estimator`` with what ``grid`` leaves open chosen by accuracy on inner folds of the cells it fits."""
    return GridSearchCV(estimator, grid, cv=StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed))
