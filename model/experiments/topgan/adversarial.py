"""Adversarial training: a generator and a discriminator learn unlabelled cells from each other.

Paper 003 (Rubin et al., "TOP-GAN", section II-I), after the DCGAN: the discriminator raises the probability of real
pictures and lowers that of generated ones (Eq. 4), the generator raises that of its own (Eq. 5); both by Adam. Batches
of real and of generated pictures are normalized apart. The paper names no size of batches; 64 is ours.

Seeded, and restartable after any epoch: whoever starts the same training again goes on behind the last epoch.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import plain, whole_file
from cytogate.model.data.preprocessing import turned_at_random
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras, tf
from cytogate.model.networks.topgan import TopGan, as_picture, discriminator, generator
from cytogate.model.training.fitting import OnProgress

Images = NDArray[np.float32]
Step = Callable[[Images, NDArray[np.float32]], tuple[float, float]]


@dataclass(frozen=True)
class AdversarialPlan:
    """How generator and discriminator are trained; defaults are the paper's, but for ``batch``."""

    epochs: int = 75
    passes: int = 8
    """How often an epoch shows each image, turned and mirrored at random: eight times as many, as the paper has it."""
    batch: int = 64
    learning_rate: float = 2e-4
    first_moment: float = 0.5
    """Adam's beta_1."""
    seed: int = 0
    """Of initial weights, order, symmetries and latent vectors."""
    watched: tuple[int, ...] = (10, 20, 75)
    """Epochs behind which pictures of the same latent vectors are kept."""
    pictures: int = 6
    """So many at each."""

    def __post_init__(self) -> None:
        for name in ("epochs", "passes", "batch", "pictures"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of an adversarial training are {getattr(self, name)}; at least 1 is needed")
        if not all(1 <= epoch <= self.epochs for epoch in self.watched):
            raise InputError(f"epochs to watch are {list(self.watched)}; they must be 1 to {self.epochs}")


@dataclass(frozen=True)
class Losses:
    """Mean cross-entropies of an epoch; a discriminator that guesses has 2 log 2, its generator log 2."""

    discriminator: float
    """Of real and of generated pictures, added."""
    generator: float


@dataclass(frozen=True, eq=False)
class Adversaries:
    """Trained generator and discriminator, and how they came about."""

    generator: keras.Model
    discriminator: keras.Model
    curve: tuple[Losses, ...]
    pictures: dict[int, Images]
    """By epoch, those watched: (pictures, size, size, maps), what the generator makes of the same latent vectors."""


def train_adversaries(
    spec: TopGan,
    images: Images,
    plan: AdversarialPlan,
    *,
    folder: Path | None = None,
    identity: dict[str, object] | None = None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Adversaries:
    """Train both networks of ``spec`` on ``images`` (cells, size, size, maps) in [-1, 1].

    Parameters
    ----------
    folder
        Where the state is kept after each epoch, and found by a restart; None: nothing is.
    identity
        What else decides how the training goes, as JSON can say it: the images. With plan and sizes it tells this
        training from another one in ``folder``.

    Raises
    ------
    InputError
        If images are none, of another shape or out of range, or ``folder`` holds the training of something else.
    CheckFailed
        If a loss is no longer a number.
    """
    _check(spec, images)
    keras.utils.set_random_seed(plan.seed)
    state = _State.new(spec, plan)
    described = {
        "spec": dataclasses.asdict(spec),
        "plan": dataclasses.asdict(plan),
        "images": len(images),
        "identity": identity or {},
    }
    path = None if folder is None else folder / "adversaries.npz"
    if path is not None and path.exists():
        state.read(path, described)
    fixed = np.random.default_rng([plan.seed, 0]).standard_normal((plan.pictures, spec.latent)).astype(np.float32)
    step = _adversarial_step(state.generator, state.discriminator, state.optimizer)
    while len(state.curve) < plan.epochs:
        epoch = len(state.curve) + 1
        shown = lambda done, total, epoch=epoch: on_progress(f"epoch {epoch} of {plan.epochs}", done, total)  # noqa: E731
        losses = _epoch(step, spec, images, plan, epoch, shown)
        if not (math.isfinite(losses.discriminator) and math.isfinite(losses.generator)):
            raise CheckFailed(
                f"epoch {epoch} of an adversarial training: the loss is no longer a number; a lower learning rate may "
                "keep it one"
            )
        state.curve.append(losses)
        if epoch in plan.watched:
            made = np.asarray(state.generator(fixed, training=False))
            # Copies of a map are not equal in what is generated: their mean is what they say together.
            state.pictures[epoch] = made.reshape(*made.shape[:-1], spec.copies, spec.maps).mean(axis=-2)
        if path is not None:
            state.write(path, described)
    return Adversaries(state.generator, state.discriminator, tuple(state.curve), state.pictures)


def _check(spec: TopGan, images: Images) -> None:
    wanted = spec.size, spec.size, spec.maps
    if not len(images) or images.shape[1:] != wanted:
        raise InputError(f"images of shape {images.shape}; one or more of {wanted} are needed")
    if not (images.min() >= -1 and images.max() <= 1):
        raise InputError(f"images range from {images.min():.4g} to {images.max():.4g}; they must lie in [-1, 1]")


def _epoch(
    step: Step, spec: TopGan, images: Images, plan: AdversarialPlan, epoch: int, shown: Callable[[int, int], None]
) -> Losses:
    rng = np.random.default_rng([plan.seed, epoch])
    losses, total = [], plan.passes * len(images)
    for real in _batches(images, plan, rng):
        latent = rng.standard_normal((len(real), spec.latent)).astype(np.float32)
        losses.append(step(as_picture(spec, real), latent))
        shown(len(losses) * len(real), total)
    return Losses(*(float(each) for each in np.mean(losses, axis=0)))


def _batches(images: Images, plan: AdversarialPlan, rng: np.random.Generator) -> Iterator[Images]:
    """Give the whole batches of an epoch: one of few pictures would be normalized by a chance's statistics."""
    order = np.concatenate([rng.permutation(len(images)) for _ in range(plan.passes)])
    size = min(plan.batch, len(order))
    for start in range(0, len(order) - size + 1, size):
        yield turned_at_random(images[order[start : start + size]], rng)


def _adversarial_step(maker: keras.Model, judge: keras.Model, optimizer: keras.Optimizer) -> Step:
    """Return what trains both on a batch of real pictures and one of latent vectors, and returns their losses."""
    # Ahead of the sigmoid, whose cross-entropy float32 cannot hold where it is sure.
    scores = keras.Model(judge.input, judge.get_layer("real").output)
    made_by, judged_by = maker.trainable_variables, judge.trainable_variables

    @tf.function(reduce_retracing=True)
    def train(real: tf.Tensor, latent: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            of_real = scores(real, training=True)
            of_made = scores(maker(latent, training=True), training=True)
            of_judge = _surprise(of_real, true=True) + _surprise(of_made, true=False)
            of_maker = _surprise(of_made, true=True)
        gradients = tape.gradient(of_maker, made_by) + tape.gradient(of_judge, judged_by)
        optimizer.apply_gradients(zip(gradients, [*made_by, *judged_by], strict=True))
        return tf.stack([of_judge, of_maker])

    def step(real: Images, latent: NDArray[np.float32]) -> tuple[float, float]:
        of_judge, of_maker = np.asarray(train(tf.constant(real), tf.constant(latent)), np.float64)
        return float(of_judge), float(of_maker)

    return step


def _surprise(scores: tf.Tensor, true: bool) -> tf.Tensor:
    """Return the mean of -log of the probability that pictures are real, or that they are not."""
    return tf.reduce_mean(tf.nn.softplus(-scores if true else scores))


@dataclass(frozen=True, eq=False)
class _State:
    """All that a restart goes on from. Adam treats every weight for itself: one optimizer serves both networks."""

    generator: keras.Model
    discriminator: keras.Model
    optimizer: keras.Optimizer
    curve: list[Losses]
    pictures: dict[int, Images]

    @staticmethod
    def new(spec: TopGan, plan: AdversarialPlan) -> _State:
        maker, judge = generator(spec), discriminator(spec)
        optimizer = keras.optimizers.Adam(plan.learning_rate, beta_1=plan.first_moment)
        optimizer.build([*maker.trainable_variables, *judge.trainable_variables])
        return _State(maker, judge, optimizer, [], {})

    @property
    def _variables(self) -> dict[str, keras.Variable]:
        owners = {"generator": self.generator, "discriminator": self.discriminator, "optimizer": self.optimizer}
        return {
            f"{name}-{place:03}": variable
            for name, owner in owners.items()
            for place, variable in enumerate(owner.variables)
        }

    def write(self, path: Path, described: dict[str, object]) -> None:
        held = {name: np.asarray(variable) for name, variable in self._variables.items()}
        held |= {f"picture-{epoch}": pictures for epoch, pictures in self.pictures.items()}
        curve = [dataclasses.asdict(losses) for losses in self.curve]
        record = json.dumps({"training": described, "curve": curve}, default=plain)
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, record=record, **held)

    def read(self, path: Path, described: dict[str, object]) -> None:
        """Take over what ``path`` holds.

        Raises
        ------
        InputError
            If it is no such state, or that of another training.
        """
        try:
            with np.load(path) as held:
                record = json.loads(str(held["record"]))
                # As JSON gives it back: tuples become lists.
                if record["training"] != json.loads(json.dumps(described, default=plain)):
                    raise InputError(
                        f"{path}: belongs to a training with other settings or cells; remove it to start anew"
                    )
                for name, variable in self._variables.items():
                    variable.assign(held[name])
                pictures = {int(name.split("-")[1]): held[name] for name in held.files if name.startswith("picture-")}
                curve = [Losses(**row) for row in record["curve"]]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no adversarial training ({error}); remove it to start anew") from error
        self.pictures.update(pictures)
        self.curve.extend(curve)
