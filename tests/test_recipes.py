"""Recipes: what both ways to fit a network share, and what makes a quantized one exact."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytogate.model.data.examples import ArrayExamples
from cytogate.model.errors import InputError
from cytogate.model.networks import meng2018, topgan
from cytogate.model.networks.exact import logits
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.meng2018 import Meng2018
from cytogate.model.networks.pretrained import start_quantized
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.topgan import TopGan
from cytogate.model.training.fitting import Plan, TrainingPhase
from cytogate.model.training.recipes import FloatStart, NetworkFit, TrainingPlan, fit_float, fit_quantized
from cytogate.model.training.record import Select

SPEC = Meng2018().scaled(16, 1 / 8)
PLAN = TrainingPlan(seed=4, epochs=1, fine_tune_epochs=1, batch=8)


def examples(count: int, seed: int) -> ArrayExamples:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % SPEC.classes
    codes = rng.integers(0, 64, (count, 16, 16, 1)) + 48 * labels[:, None, None, None]
    return ArrayExamples(((codes / 256).astype(np.float32),), labels)


def wanted(quantized: bool, **changed: object) -> NetworkFit:
    made = NetworkFit(
        name="here",
        build=lambda: meng2018.quantized_network(SPEC) if quantized else meng2018.float_network(SPEC),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=quantized),
        training=examples(16, 0),
        validation=examples(8, 1),
        plan=PLAN.in_phases(snapped=False),
    )
    return dataclasses.replace(made, **changed)


def untouched() -> Plan:
    """A plan that trains nothing."""
    return Plan((TrainingPhase("look", 0, None),), 8, 4)


@pytest.mark.parametrize(
    ("snapped", "fine_tune", "names"),
    [(False, 3, ["train"]), (True, 3, ["train", "snap", "fine-tune"]), (True, 0, ["train", "snap"])],
)
def test_plans_in_phases(snapped: bool, fine_tune: int, names: list[str]) -> None:
    wide = TrainingPlan(7, 5, fine_tune, 16, 1e-2, 1e-3)
    found = wide.in_phases(snapped, select=Select.LOSS, patience=2)
    assert [phase.name for phase in found.phases] == names
    assert [phase.epochs for phase in found.phases] == [5, 0, fine_tune][: len(names)]
    assert (found.batch, found.seed, found.patience, found.select) == (16, 7, 2, Select.LOSS)
    first, *_, last = (phase.optimizer(10) for phase in found.phases * 2 if phase.optimizer)
    assert [float(first.learning_rate), float(last.learning_rate)] == pytest.approx(
        [1e-2, 1e-3 if "fine-tune" in names else 1e-2]
    )
    with pytest.raises(InputError, match="epochs is 0"):
        dataclasses.replace(wide, epochs=0)


def test_progress_is_told_by_name() -> None:
    told = []
    fit_float(wanted(False), lambda what, done, total: told.append((what, done, total)))
    assert told == [("here: epoch 1 of 1 (train)", 8, 16), ("here: epoch 1 of 1 (train)", 16, 16)]


def test_a_quantized_network_comes_out_exact() -> None:
    """What it computes is what its words say: settled weights, sums within what float32 holds."""
    fitted = fit_quantized(wanted(True))
    codes = np.random.default_rng(2).integers(0, 256, (3, 16, 16, 1), np.uint8)
    before = logits(fitted.model, codes)
    read_exactly(fitted.model)
    for layer in fitted.model.layers:
        for quantizer, weights in zip(getattr(layer, "get_quantizers", list)(), layer.get_weights(), strict=False):
            assert np.array_equal(np.asarray(quantizer(weights)), weights), layer.name
    assert np.array_equal(logits(fitted.model, codes), before)


def test_it_starts_from_a_float_network() -> None:
    keras.utils.set_random_seed(1)
    trained, expected = meng2018.float_network(SPEC), meng2018.quantized_network(SPEC)
    (samples,) = examples(16, 0).inputs
    start_quantized(expected, trained, samples)
    found = fit_quantized(wanted(True, plan=untouched()), start=FloatStart(trained, samples)).model
    codes = np.random.default_rng(2).integers(0, 256, (5, 16, 16, 1), np.uint8)
    assert np.array_equal(logits(found, codes), logits(expected, codes))
    alone = fit_quantized(wanted(True, plan=untouched())).model
    assert not np.array_equal(logits(alone, codes), logits(expected, codes))


def test_batch_normalization_that_was_not_snapped_is_refused() -> None:
    spec = TopGan(slope=0.125, copies=1).scaled(16, 1 / 16)
    inputs = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 1)).astype(np.float32)
    some = ArrayExamples((inputs,), np.arange(8) % 2)
    changed = {"build": lambda: topgan.quantized_network(spec), "training": some, "validation": some}
    fit_quantized(wanted(True, plan=PLAN.in_phases(snapped=True), **changed))
    with pytest.raises(InputError):
        fit_quantized(wanted(True, plan=PLAN.in_phases(snapped=False), **changed))
