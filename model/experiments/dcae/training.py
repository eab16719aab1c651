"""Train paper 004's networks: autoencoder without labels, classifier of latent vectors, quantized network.

Images are codes (cells, N, N, channels) of 8 bits; networks see code / 256. No image has an upright position, so that
every network sees the training images in their eight orientations, of which the paper says nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.examples import ArrayExamples, Examples, Inputs
from cytogate.model.data.folds import Indices
from cytogate.model.data.preprocessing import eightfold, turned_at_random, turned_inputs
from cytogate.model.networks import dcae
from cytogate.model.networks.dcae import Dcae
from cytogate.model.networks.exact import BATCH, logits
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.pretrained import copy_weights
from cytogate.model.training.fitting import Fitted, OnProgress, Plan
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Select

ImageCodes = NDArray[np.uint8]

ORIENTATIONS = 8
SAMPLES = 256
"""Cells on which the quantized network's scales are found."""
FLOOR = 4.0
"""By how much more than the liveliest one a latent value is raised at most."""
SMALLEST_DEVIATION = 1e-6
"""Of the liveliest latent value, if the autoencoder has none."""
DCAE = "DCAE features + ANN"
FINE_TUNED, QUANTIZED = "encoder + ANN, fine-tuned end to end", "quantized network of encoder + ANN, fine-tuned"
TEXTURE, LBP, CNN = "texture features + SVM", "LBP descriptors + SVM", "5-layer CNN"
CONTROL, TEXTURE_CONTROL = f"background check: {DCAE}", f"background check: {TEXTURE}"
CONTROLS = (CONTROL, TEXTURE_CONTROL)
CONTROL_TOLD = (
    "The ANN's background check learns anew from backgrounds, behind an encoder that has seen cells; "
    "the SVM's learns all."
)


@dataclass(frozen=True)
class Lengths:
    """Epochs at most, learning rates and batch; rates fall to zero along a cosine. All ours: the paper gives none."""

    autoencoder: int
    classifier: int
    """Of the network 4096-250-50-5; one epoch has all eight orientations of a cell."""
    supervised: int
    """Of a network that learns from images and labels from the start; 0 where there is none."""
    fine_tune: int
    """End to end, of the float network and of the quantized one."""
    batch: int = 8
    patience: int = 15
    autoencoder_rate: float = 1e-3
    classifier_rate: float = 1e-3
    supervised_rate: float = 1e-3
    fine_tune_rate: float = 3e-4


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images with labels, and which of them are fitted and which stop and select."""

    codes: ImageCodes
    labels: NDArray[np.int64]
    fitted: Indices
    selecting: Indices
    class_weights: NDArray[np.float64] | None = None
    """(classes,) factors of the loss where classes are rare."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Images that are their own targets, in training turned at random."""

    codes: ImageCodes

    def __len__(self) -> int:
        return len(self.codes)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give batches, the last of which may be smaller."""
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for start in range(0, len(order), size):
            part = self.codes[order[start : start + size]]
            images = values(part if rng is None else turned_at_random(part, rng))
            yield (images,), images


@dataclass(frozen=True, eq=False)
class DcaeTrainer:
    """Trains one set's networks; each has a folder below ``folder``, where an interrupted training goes on."""

    folder: Path
    data: dict[str, object]
    """What the images are, as JSON can say it."""
    lengths: Lengths
    seed: int
    on_progress: OnProgress

    def autoencoder(self, spec: Dcae, images: ImageCodes, others: ImageCodes) -> Fitted:
        """Train on ``images`` without their labels, by mean squared error; ``others`` select the epoch."""
        plan = self._plan(self.lengths.autoencoder, self.lengths.autoencoder_rate, Select.LOSS)
        wanted = self._wanted(
            "autoencoder", lambda: dcae.float_autoencoder(spec), keras.losses.MeanSquaredError(),
            (Reconstruction(images), Reconstruction(others)), plan, spec,
        )  # fmt: skip
        return fit_float(wanted, self.on_progress)

    def classifier(self, name: str, spec: Dcae, autoencoder: keras.Model, cells: Labelled) -> Fitted:
        """Train the dense layers on latent vectors and return them after the encoder, as it was."""
        turned = eightfold(cells.codes[cells.fitted])
        encoder = _encoder(autoencoder, turned)
        training = _outputs(encoder, turned), np.repeat(cells.labels[cells.fitted], ORIENTATIONS)
        selecting = _outputs(encoder, cells.codes[cells.selecting]), cells.labels[cells.selecting]
        examples = ArrayExamples((training[0],), training[1]), ArrayExamples((selecting[0],), selecting[1])
        plan = self._plan(self.lengths.classifier, self.lengths.classifier_rate, orientations=ORIENTATIONS)
        wanted = self._wanted(
            name, lambda: _behind_latent(dcae.float_network(spec)), keras.losses.SparseCategoricalCrossentropy(),
            examples, plan, spec, cells.class_weights,
        )  # fmt: skip
        fitted = fit_float(wanted, self.on_progress)
        network = dcae.float_network(spec)
        copy_weights(encoder, network)
        copy_weights(fitted.model, network)
        return dataclasses.replace(fitted, model=network)

    def supervised(self, name: str, build: Callable[[], keras.Model], spec: object, cells: Labelled) -> Fitted:
        """Train a network with probabilities (cells, classes) from its initial weights."""
        plan = self._plan(self.lengths.supervised, self.lengths.supervised_rate)
        loss = keras.losses.SparseCategoricalCrossentropy()
        wanted = self._wanted(name, build, loss, _examples(cells), plan, spec, cells.class_weights)
        return fit_float(wanted, self.on_progress)

    def fine_tuned(self, spec: Dcae, trained: keras.Model, cells: Labelled) -> Fitted:
        """Go on with encoder and classifier, end to end."""

        def build() -> keras.Model:
            network = dcae.float_network(spec)
            copy_weights(trained, network)
            return network

        plan = self._plan(self.lengths.fine_tune, self.lengths.fine_tune_rate)
        loss = keras.losses.SparseCategoricalCrossentropy()
        wanted = self._wanted("fine-tuned", build, loss, _examples(cells), plan, spec, cells.class_weights)
        return fit_float(wanted, self.on_progress)

    def quantized(self, spec: Dcae, trained: keras.Model, cells: Labelled) -> Fitted:
        """Start the quantized network of encoder and classifier from float weights and go on, end to end."""
        start = FloatStart(trained, values(cells.codes[cells.fitted[:SAMPLES]]))
        plan = self._plan(self.lengths.fine_tune, self.lengths.fine_tune_rate)
        wanted = self._wanted(
            "quantized", lambda: dcae.quantized_network(spec),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True), _examples(cells), plan, spec,
            cells.class_weights,
        )  # fmt: skip
        return fit_quantized(wanted, self.on_progress, start=start)

    def _plan(self, epochs: int, rate: float, select: Select = Select.ACCURACY, orientations: int = 1) -> Plan:
        # These networks have no batch normalization to snap.
        plan = TrainingPlan(self.seed, epochs, 0, orientations * self.lengths.batch, rate)
        return plan.in_phases(snapped=False, select=select, patience=self.lengths.patience)

    def _wanted(
        self,
        name: str,
        build: Callable[[], keras.Model],
        loss: keras.losses.Loss,
        examples: tuple[Examples, Examples],
        plan: Plan,
        spec: object,
        class_weights: NDArray[np.float64] | None = None,
    ) -> NetworkFit:
        training, selecting = examples
        # Lengths of all trainings: each starts from what another one has come to.
        identity = {
            "name": name,
            "network": dataclasses.asdict(spec),  # type: ignore[call-overload]
            "data": self.data,
            "lengths": dataclasses.asdict(self.lengths),
        }
        folder = self.folder / name
        return NetworkFit(name, build, loss, training, selecting, plan, folder, identity, class_weights)


def values(codes: ImageCodes) -> NDArray[np.float32]:
    """Return what networks see of codes: code / 256."""
    return codes * np.float32(PIXEL.step)


def probabilities(network: keras.Model, codes: ImageCodes) -> NDArray[np.float64]:
    """Return probabilities (cells, classes) of a float network, or of a quantized network's logits."""
    found = logits(network, codes)
    return found if network.layers[-1].name == "probabilities" else softmax(found, axis=1)


def reconstructed(autoencoder: keras.Model, codes: ImageCodes) -> NDArray[np.float32]:
    """Return what the autoencoder makes of images, in codes."""
    return _outputs(autoencoder, codes) / np.float32(PIXEL.step)


def listed(widths: tuple[int, ...]) -> str:
    """Return widths of layers as a page shows them."""
    return "-".join(map(str, widths))


def _outputs(model: keras.Model, codes: ImageCodes) -> NDArray[np.float32]:
    """Return a network's outputs (cells, ...), a few cells at a time."""
    batches = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
    return np.concatenate([np.asarray(model(values(batch), training=False)) for batch in batches])


def _encoder(autoencoder: keras.Model, codes: ImageCodes) -> keras.Model:
    """Return a copy of the encoder with latent values of one scale: a standard deviation of 1 on ``codes``.

    The autoencoder leaves each as small as it likes. ReLU passes positive factors on, so that the last convolution
    takes them. Values that hardly change are raised by FLOOR at most above the liveliest one: noise would be, too, and
    a quantized network's words have no room for outliers.
    """
    encoder = keras.models.clone_model(keras.Model(autoencoder.input, autoencoder.get_layer("latent").output))
    copy_weights(autoencoder, encoder)
    deviations = _outputs(encoder, codes).std(axis=0).ravel()
    factors = 1 / np.maximum(deviations, max(float(deviations.max()) / FLOOR, SMALLEST_DEVIATION))
    last = encoder.layers[-2]
    kernel, bias = last.get_weights()
    last.set_weights([kernel * factors, bias * factors])
    return encoder


def _behind_latent(network: keras.Model) -> keras.Model:
    """Return a network's layers behind its latent vector as one of their own."""
    names = [layer.name for layer in network.layers]
    x = latent = keras.Input(network.get_layer("latent").output.shape[1:], name="latent_vector")
    for layer in network.layers[names.index("latent") + 1 :]:
        x = layer(x)
    return keras.Model(latent, x, name="classifier")


def _examples(cells: Labelled) -> tuple[ArrayExamples, ArrayExamples]:
    """Return the fitted cells, turned at random, and the selecting ones."""
    fitted, selecting = (values(cells.codes[part]) for part in (cells.fitted, cells.selecting))
    return (
        ArrayExamples((fitted,), cells.labels[cells.fitted], turned_inputs),
        ArrayExamples((selecting,), cells.labels[cells.selecting]),
    )
