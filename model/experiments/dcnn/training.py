"""Train and judge paper 002's networks: movies in three parts, variants of a network, figures of merit.

Clips of a movie show one dish. So whole movies train, select or test, and intervals come from a bootstrap over movies.
The paper's split counts clips, 2952/327/819; whether its movies were kept apart it does not say.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.data.examples import ArrayExamples
from cytogate.model.evaluation.metrics import RESAMPLES, Interval
from cytogate.model.experiments.dcnn.dishes import (
    CLIP,
    MIXTURES,
    PROPORTIONS,
    Clips,
    TimeLapses,
    central,
    halved,
)
from cytogate.model.experiments.setting import Setting
from cytogate.model.networks.dcnn import Dcnn, differences, float_network, quantized_network
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.recipes import NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Epoch, Select

Values = NDArray[np.float64]

BATCH = 32
FULL_RESOLUTION = 64
"""Rows and columns that the paper cuts at full resolution; halved clips have 48."""
RATE, FINE_TUNE_RATE = 2e-3, 2e-4
"""Learning rates of Adam, falling to zero along a cosine: ours, the paper gives neither optimizer nor rate."""
SMALLEST = 1e-7
"""Proportions nearer to 0 and 1 are taken for it in a logarithm, as Keras does."""


@dataclass(frozen=True)
class DcnnSizes:
    """How large the experiment is."""

    training: int
    """Clips; so are the next two."""
    validation: int
    test: int
    rows: int
    """Clips along the sides of a movie's field, and columns of them."""
    columns: int
    pure_movies: int
    """Of each pure culture."""
    width: float
    """Factor of filters and units."""
    epochs: int
    fine_tune_epochs: int
    """Of the quantized network, behind the snap of its batch normalizations."""
    penalties: tuple[float, ...] = (0.0005, 0.005, 0.05)
    """Weights of the penalty (Table 1)."""
    more_lags: tuple[tuple[int, ...], ...] = ((4,), (1, 2, 3, 4))
    """Streams of k-th differences, beside the paper's one of k = 1."""


SMALL = DcnnSizes(594, 198, 396, rows=3, columns=3, pure_movies=8, width=0.25, epochs=16, fine_tune_epochs=4)
FULL = DcnnSizes(2952, 327, 819, rows=3, columns=4, pure_movies=30, width=1.0, epochs=60, fine_tune_epochs=8)


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """Clips that train, select or test."""

    clips: Clips
    """(clips, CLIP, CLIP, FRAMES) codes."""
    proportions: Values
    """(clips,) share of fibroblasts of the movie's dish."""
    movies: NDArray[np.int64]
    """(clips,) number of the movie, none of which is in two parts."""


ClipParts = dict[str, LabelledClips]
TRAINING, VALIDATION, TEST = "training", "validation", "test"


def mixture_parts(setting: Setting, sizes: DcnnSizes) -> ClipParts:
    """Simulate the movies of each part, one part behind the other; the last movie of a part may give fewer clips."""
    wanted = {TRAINING: sizes.training, VALIDATION: sizes.validation, TEST: sizes.test}
    per_movie = sizes.rows * sizes.columns
    counts = {name: math.ceil(clips / per_movie) for name, clips in wanted.items()}
    lapses = TimeLapses(sum(counts.values()), MIXTURES, sizes.rows, sizes.columns, setting.seed)
    parts, first = {}, 0
    for name, clips in wanted.items():
        numbers = range(first, first + counts[name])
        movies = [lapses[number] for number in setting.tracked(numbers, f"simulating movies: {name}")]
        proportions = np.array([PROPORTIONS[movie.label] for movie in movies])
        parts[name] = LabelledClips(
            np.concatenate([movie.clips for movie in movies])[:clips],
            np.repeat(proportions, per_movie)[:clips],
            np.repeat(np.asarray(numbers), per_movie)[:clips],
        )
        first += counts[name]
    return parts


@dataclass(frozen=True)
class Variant:
    """A network and what it is shown."""

    resolution: str
    """"full" or "half"."""
    lags: tuple[int, ...]
    """Of the streams of differences."""
    penalty: float
    shuffled: bool = False
    """Whether proportions of training and validation movies have changed places."""
    quantized: bool = False

    @property
    def folder(self) -> str:
        """Name of the training among others."""
        lags = "".join(map(str, self.lags)) or "none"
        marks = ("-shuffled" if self.shuffled else "") + ("-quantized" if self.quantized else "")
        return f"{self.resolution}-lags-{lags}-penalty-{self.penalty:g}{marks}"


@dataclass(frozen=True)
class MixtureScore:
    """What estimates are worth (section 3.3)."""

    loss: Interval
    """L: mean binary cross-entropy."""
    closeness: Interval
    """A: 1 less the mean distance from the true proportion."""


@dataclass(frozen=True, eq=False)
class VariantResult:
    """What came of a training."""

    model: keras.Model
    curve: tuple[Epoch, ...]
    estimates: dict[str, Values]
    """(clips,) proportions of each part."""
    scores: dict[str, MixtureScore]


@dataclass(frozen=True, eq=False)
class DcnnTrainer:
    """Trains variants on the same parts."""

    setting: Setting
    sizes: DcnnSizes
    parts: ClipParts

    def result(self, variant: Variant) -> VariantResult:
        """Train a variant, or go on with its training, and estimate the proportions of all parts."""
        spec = self._spec(variant)
        inputs = self._inputs(variant, spec)
        parts = {name: ArrayExamples(inputs[name], self._targets(variant, name)) for name in (TRAINING, VALIDATION)}
        plan = TrainingPlan(
            self.setting.seed, self.sizes.epochs, self.sizes.fine_tune_epochs, BATCH, RATE, FINE_TUNE_RATE
        )
        wanted = NetworkFit(
            name=variant.folder,
            build=lambda: (quantized_network if variant.quantized else float_network)(spec),
            loss=keras.losses.BinaryCrossentropy(from_logits=variant.quantized),
            training=parts[TRAINING],
            validation=parts[VALIDATION],
            plan=plan.in_phases(snapped=variant.quantized, select=Select.LOSS),
            folder=self.setting.work / variant.folder,
            identity={
                "variant": dataclasses.asdict(variant),
                "network": dataclasses.asdict(spec),
                "sizes": dataclasses.asdict(self.sizes),
                "seed": self.setting.seed,
            },
            accuracy=_closeness_of_logits if variant.quantized else _closeness,
        )
        with self.setting.training() as show:
            fitted = (fit_quantized if variant.quantized else fit_float)(wanted, show)
        estimates = {name: self._estimated(fitted.model, inputs[name], variant.quantized) for name in self.parts}
        scores = {name: self.score(name, each) for name, each in estimates.items()}
        return VariantResult(fitted.model, fitted.curve, estimates, scores)

    def score(self, part: str, estimates: Values) -> MixtureScore:
        """Return what estimates (clips,) of a part are worth."""
        truth, movies = self.parts[part].proportions, self.parts[part].movies
        return MixtureScore(
            by_movie(losses(truth, estimates), movies, self.setting.seed),
            by_movie(closeness(truth, estimates), movies, self.setting.seed),
        )

    def codes(self, variant: Variant, part: str) -> tuple[NDArray[np.integer], ...]:
        """Return the inputs of a variant as codes: frames, and signed differences."""
        clips = self.parts[part].clips
        frames = halved(clips) if variant.resolution == "half" else central(clips, FULL_RESOLUTION)
        return frames, *(differences(frames, lag) for lag in variant.lags)

    def _inputs(self, variant: Variant, spec: Dcnn) -> dict[str, tuple[NDArray[np.float32], ...]]:
        """Return the inputs of each part: codes / 256 if quantized, standardized by the training clips if float."""
        found = {name: [each * np.float32(PIXEL.step) for each in self.codes(variant, name)] for name in self.parts}
        if not variant.quantized:
            for stream in range(len(spec.channels)):
                training = found[TRAINING][stream]
                mean = training.mean(axis=0)
                # Without a common scale, batch normalization's running variances, 1 at first, are slow to come down.
                scale = np.float32(np.std(training - mean) or 1.0)
                for name in self.parts:
                    found[name][stream] = (found[name][stream] - mean) / scale
        return {name: tuple(streams) for name, streams in found.items()}

    def _targets(self, variant: Variant, name: str) -> NDArray[np.float32]:
        part = self.parts[name]
        targets = part.proportions
        if variant.shuffled:
            # Whole movies change places: clips of a movie still agree with each other.
            numbers, of_clip = np.unique(part.movies, return_inverse=True)
            of_movie = np.array([targets[part.movies == number][0] for number in numbers])
            targets = np.random.default_rng(self.setting.seed).permutation(of_movie)[of_clip]
        return targets.astype(np.float32)[:, None]

    def _spec(self, variant: Variant) -> Dcnn:
        size = CLIP // 2 if variant.resolution == "half" else FULL_RESOLUTION
        return Dcnn(lags=variant.lags, l2=variant.penalty).scaled(size, self.sizes.width)

    def _estimated(self, model: keras.Model, inputs: tuple[NDArray[np.float32], ...], quantized: bool) -> Values:
        found = []
        for start in range(0, len(inputs[0]), BATCH):
            batch = [each[start : start + BATCH] for each in inputs]
            found.append(np.asarray(model(batch if len(batch) > 1 else batch[0], training=False), np.float64)[:, 0])
        outputs = np.concatenate(found)
        # The sigmoid is the host's: no device computes it exactly.
        return expit(outputs) if quantized else outputs


def _closeness(targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    return 1 - keras.ops.abs(targets - outputs)[:, 0]


def _closeness_of_logits(targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    return _closeness(targets, keras.ops.sigmoid(outputs))


def losses(truth: Values, estimates: Values) -> Values:
    """Return the binary cross-entropy (clips,) of estimated proportions (section 3.3, without penalty)."""
    inside = np.clip(estimates, SMALLEST, 1 - SMALLEST)
    return -(truth * np.log(inside) + (1 - truth) * np.log1p(-inside))


def closeness(truth: Values, estimates: Values) -> Values:
    """Return 1 less the distance (clips,) of estimated proportions; its mean is A (section 3.3)."""
    return 1 - np.abs(truth - estimates)


def smallest_loss(truth: Values) -> float:
    """Return L of estimates that are right: the mean entropy of the proportions themselves."""
    return float(-(xlogy(truth, truth) + xlogy(1 - truth, 1 - truth)).mean())


def by_movie(values: NDArray, movies: NDArray[np.int64], seed: int) -> Interval:
    """Return the mean of ``values`` (clips,) with its interval by a bootstrap over ``movies`` (clips,)."""
    numbers, of_clip = np.unique(movies, return_inverse=True)
    sums, counts = np.bincount(of_clip, np.asarray(values, np.float64)), np.bincount(of_clip)
    draws = np.random.default_rng(seed).integers(0, len(numbers), (RESAMPLES, len(numbers)))
    return Interval.bootstrapped(float(np.mean(values)), sums[draws].sum(axis=1) / counts[draws].sum(axis=1))
