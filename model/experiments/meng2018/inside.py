"""The part of paper 001's page that looks into the network: filters, occlusion, and what its layers make of cells."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Plot
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.evaluation.analysis import embedded, layer_outputs, occlusion_map
from cytogate.model.evaluation.metrics import Interval
from cytogate.model.experiments.meng2018.images import CODE_OF_MEAN
from cytogate.model.experiments.meng2018.methods import (
    Indices,
    Meng2018Sizes,
    Said,
    Volume,
    examples_of,
    inputs_of,
    values,
)
from cytogate.model.experiments.setting import Setting
from cytogate.model.networks.keras_backend import keras
from cytogate.model.pages.page import Page
from cytogate.model.pages.plots import gallery_plot

"""Training samples that kNN compares with at most (section V-A)."""
EMBEDDED = 1000
"""Cells in the t-SNE (Figure 10)."""
BLOCKS = {
    "pool_2": "second pooling",
    "pool_3": "third pooling",
    "relu_dense": "first fully connected",
    "logits": "second fully connected",
}
"""Layers of Figure 10."""
FILTERS_SHOWN = 12


def add_inside(page: Page, setting: Setting, sizes: Meng2018Sizes, volume: Volume, result: dict[str, Said]) -> None:
    """Add the section of Figures 8 to 10 on the largest volume's network."""
    page.heading("What the network has learned (Figures 8 to 10)")
    fitted = result["CNN"].fitted
    assert fitted is not None
    page.plot(
        "filters",
        "Filters of the first two convolutions (Figure 8), each on a range of its own",
        _filters(fitted.model),
    )
    test = np.sort(volume.parts.test)
    truth, said = volume.labels(test), result["CNN"].test
    shown = {}
    for label, name in enumerate(volume.class_names):
        right = test[(truth == label) & (said == label)]
        if len(right):
            (image,) = values(volume.images.image(int(right[0])))
            fill = float(CODE_OF_MEAN * PIXEL.step)
            side = max(2, sizes.cnn.size // 8)
            stride = max(1, side // 4)
            hidden = occlusion_map(fitted.model, image, label, side=side, fill=fill, stride=stride)
            shown[name] = image[..., 0], hidden
    page.plot(
        "occlusion",
        "One cell a class, and how probable its class still is where a square hides it (Figure 9)",
        _occlusion_plot(shown),
    )
    cells = np.sort(np.random.default_rng(setting.seed).permutation(test)[:EMBEDDED])
    chosen = examples_of(volume.images, cells, in_memory=True)
    outputs = {layer: layer_outputs(fitted.model, layer, inputs_of(chosen)) for layer in BLOCKS}
    labels = volume.labels(cells)
    agreement = {layer: _neighbors_agree(found, labels) for layer, found in outputs.items()}
    places = {BLOCKS[layer]: embedded(found, setting.seed) for layer, found in outputs.items()}
    page.plot(
        "tsne",
        f"What four layers make of {len(cells)} test cells, by t-SNE (Figure 10)",
        _places_plot(places, labels, volume.class_names),
    )
    page.table(
        "layers",
        "Test cells whose nearest other one, by the same outputs, is of their class",
        ("layer", "share"),
        [(BLOCKS[layer], share) for layer, share in agreement.items()],
    )
    page.text(
        "The dark parts of the occlusion maps are where the network looks. Where the share in the table grows from "
        "layer to layer, classes come apart with depth; t-SNE shows neighbors, its distances between groups mean "
        "nothing."
    )


def _filters(model: keras.Model) -> Plot:
    """Draw filters; of the second convolution, each filter's strongest input."""
    first, second = (np.asarray(model.get_layer(f"convolution_{number}").kernel) for number in (1, 2))
    strongest = np.square(second).sum(axis=(0, 1)).argmax(axis=0)
    rows = {
        "first convolution": [first[:, :, 0, each] for each in range(min(FILTERS_SHOWN, first.shape[-1]))],
        "second convolution": [
            second[:, :, strongest[each], each] for each in range(min(FILTERS_SHOWN, second.shape[-1]))
        ],
    }
    return gallery_plot({name: [each / np.abs(each).max() for each in row] for name, row in rows.items()})


def _occlusion_plot(shown: dict[str, tuple[NDArray, NDArray]]) -> Plot:
    figure = Plot(figsize=(2.1 * max(1, len(shown)) + 0.8, 4.2), layout="constrained")
    axes = figure.subplots(2, max(1, len(shown)), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for (upper, lower), (name, (image, hidden)) in zip(axes.T, shown.items(), strict=False):
        upper.imshow(image, cmap="gray")
        upper.set_title(name, fontsize=10)
        drawn = lower.imshow(hidden, cmap="viridis")
        figure.colorbar(drawn, ax=lower, orientation="horizontal", fraction=0.06)
    return figure


def _places_plot(places: dict[str, NDArray], labels: Indices, class_names: tuple[str, ...]) -> Plot:
    figure = Plot(figsize=(8.0, 7.4), layout="constrained")
    for axes, (name, found) in zip(figure.subplots(2, 2).ravel(), places.items(), strict=True):
        for label, class_name in enumerate(class_names):
            axes.scatter(*found[labels == label].T, s=7, label=class_name, zorder=2 + label)
        axes.set_title(name, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    axes.legend(fontsize=8)
    return figure


def _neighbors_agree(outputs: NDArray[np.floating], labels: Indices) -> Interval:
    """Return the share of cells whose nearest other one has their label."""
    nearest = NearestNeighbors(n_neighbors=1).fit(outputs).kneighbors(return_distance=False)[:, 0]
    return Interval.share(int((labels[nearest] == labels).sum()), len(labels))
