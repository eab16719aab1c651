"""Images are prepared as the papers do it: sizes, means, copies and turns."""

from __future__ import annotations

import numpy as np
import pytest

from cytogate.model.data.preprocessing import (
    Balance,
    PoorFrames,
    altered,
    eightfold,
    frame_quality,
    normalized_mean,
    resized,
)
from cytogate.model.errors import InputError


def atom_like(rng: np.random.Generator, fault: str = "") -> np.ndarray:
    """A frame of a size between those of paper 001, with a textured cell, or with what makes it poor."""
    rows, columns = rng.integers(30, 68), rng.integers(102, 200)
    y, x = np.indices((rows, columns))
    center = (0.0 if fault == "cut" else 0.5) * rows, 0.5 * columns
    inside = np.hypot((y - center[0]) / (0.32 * rows), (x - center[1]) / (0.2 * columns)) < 1
    frame = 100 + rng.normal(0, 2, inside.shape)
    if fault == "blurred":
        soft = np.hypot((y - center[0]) / (0.32 * rows), (x - center[1]) / (0.2 * columns))
        return frame + 60 * np.exp(-(soft**2))
    frame += np.where(inside & (fault != "empty"), 50 + rng.normal(0, 25, inside.shape), 0)
    if fault == "ghost":
        frame += np.roll(np.where(inside, 50, 0), columns // 2 - 2, axis=1)
    return frame * rng.uniform(0.5, 2)


def test_poor_frames_are_found() -> None:
    """Fitted to 120 frames, judged on 120 others: of the poor, nine in ten go; of the good, four in five stay."""
    rng = np.random.default_rng(0)
    faults = ["cut", "blurred", "empty", "ghost"]
    kinds = np.tile([*faults, "", "", "", ""], 30)
    frames = [atom_like(rng, kind) for kind in kinds]
    poor = kinds != ""
    found = PoorFrames.fitted(frames[:120], poor[:120]).among(frames[120:])
    assert found[poor[120:]].mean() >= 0.9
    assert found[~poor[120:]].mean() <= 0.2
    with pytest.raises(InputError, match="both kinds"):
        PoorFrames.fitted(frames[:4], poor[:4])


def test_quality_does_not_depend_on_brightness() -> None:
    frame = atom_like(np.random.default_rng(1))
    assert frame_quality(3 * frame) == pytest.approx(frame_quality(frame))
    assert np.isfinite(frame_quality(np.zeros((21, 102)))).all()


def test_resized_is_bilinear() -> None:
    """A ramp stays a ramp where it grows; a mean stays where it shrinks; channels apart."""
    ramp = np.broadcast_to(np.arange(10.0), (6, 10))
    grown = resized(ramp, 12, 20)
    assert grown.shape == (12, 20)
    assert np.allclose(np.diff(grown[0, 2:-2]), 0.5)
    both = np.stack([ramp, 2 * ramp], axis=-1)
    shrunk = resized(both, 3, 5)
    assert shrunk.shape == (3, 5, 2)
    assert np.allclose(shrunk[..., 1], 2 * shrunk[..., 0], atol=1e-5)
    assert shrunk[..., 0].mean() == pytest.approx(4.5, abs=0.05)


def test_means_are_one() -> None:
    images = np.random.default_rng(0).integers(1, 900, (4, 5, 6, 2)).astype(np.uint16)
    images[3, ..., 1] = 0
    normalized = normalized_mean(images)
    means = normalized.mean(axis=(1, 2))
    assert means[:3] == pytest.approx(np.ones((3, 2)), abs=1e-6)
    assert means[3].tolist() == pytest.approx([1, 0])
    assert normalized_mean(images[:1] * 7) == pytest.approx(normalized[:1])


def test_classes_are_balanced_by_training_cells_alone() -> None:
    """20 training cells of 12, 5 and 3: 36 items, whole cells first, copies spread evenly, none of the 20 others."""
    labels = np.tile(np.repeat([0, 1, 2], [12, 5, 3]), 2)
    training = np.arange(20)
    plan = Balance.of(labels, training, seed=4)
    assert len(plan) == 36
    assert plan.source[:20].tolist() == list(range(20))
    assert plan.copy[:20].tolist() == [0] * 20
    assert np.bincount(labels[plan.source]).tolist() == [12, 12, 12]
    assert set(plan.source) <= set(training)
    counts = np.bincount(plan.source)
    assert set(counts[12:17]) <= {2, 3}
    assert set(counts[17:]) == {4}
    assert len(set(zip(plan.source, plan.copy, strict=True))) == 36
    image = np.random.default_rng(0).random((8, 8, 1))
    assert np.array_equal(plan.image(0, image), image.astype(np.float32))
    assert np.array_equal(plan.image(30, image), Balance.of(labels, training, seed=4).image(30, image))
    assert not np.array_equal(plan.image(30, image), Balance.of(labels, training, seed=5).image(30, image))


def test_a_copy_is_the_cell_altered() -> None:
    """20 copies of a bright square: as bright, no two alike, no pixel beyond the range by more than noise."""
    image = np.zeros((30, 40, 2), np.uint16)
    image[10:20, 12:28] = 100
    copies = [altered(image, np.random.default_rng(seed)) for seed in range(20)]
    for copy in copies:
        assert (copy.shape, copy.dtype) == (image.shape, np.float32)
        assert copy.mean() == pytest.approx(image.mean(), rel=0.15)
        assert -20 < copy.min() < copy.max() < 120
    assert len({copy.tobytes() for copy in copies}) == 20
    orientation = [np.ptp(np.nonzero(copy[..., 0] > 50)[0]) for copy in copies]
    assert max(orientation) - min(orientation) > 3


def test_eightfold() -> None:
    """All eight forms of two images, one behind the other; they form a group: turning a form gives another."""
    images = np.random.default_rng(0).random((2, 5, 5, 3))
    forms = eightfold(images)
    assert forms.shape == (16, 5, 5, 3)
    assert np.array_equal(forms[0], images[0])
    assert np.array_equal(forms[8], images[1])
    first = {form.tobytes() for form in forms[:8]}
    assert len(first) == 8
    assert {np.ascontiguousarray(np.rot90(form)).tobytes() for form in forms[:8]} == first
    assert {np.ascontiguousarray(form.transpose(1, 0, 2)).tobytes() for form in forms[:8]} == first
    with pytest.raises(InputError, match="N, N"):
        eightfold(images[:, :4])
