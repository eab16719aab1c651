"""Simulated ATOM frames: every frame by its own number alone, sizes and shares of the paper, faults that are seen."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cytogate.model.data.preprocessing import Balance, PoorFrames, normalized_mean, resized
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.experiments.meng2018 import atom
from cytogate.model.experiments.meng2018.atom import (
    CELLS_A_RUN,
    FRAMES_A_RUN,
    POOR_SHARE,
    AtomFrames,
    PoorFrame,
    Run,
)
from cytogate.model.experiments.meng2018.images import (
    CODE_OF_MEAN,
    balanced,
    encoded,
    field_images,
    frame_images,
    kept,
    poor_frames,
)
from cytogate.model.files.images import open_image_set
from cytogate.model.simulation.cells import cell_line, draw_cell, phase_map
from cytogate.model.simulation.optics import four_angle_intensities

FRAMES = AtomFrames(400, seed=3)
MANY = AtomFrames(3000, seed=5)


def of_fault(frames: AtomFrames, fault: PoorFrame, count: int) -> list[int]:
    return [index for index in range(len(frames)) if frames.fault(index) is fault][:count]


@pytest.fixture(scope="module")
def judge() -> PoorFrames:
    return poor_frames(FRAMES, np.arange(0, 200, 2))


def test_a_frame_is_the_same_whatever_is_asked_for_around_it() -> None:
    """6 frames of all kinds: backward, in a slice, in a smaller and in a larger set."""
    chosen = [next(index for index in range(250) if FRAMES.fault(index) is fault) for fault in PoorFrame] + [399]
    forward = {index: FRAMES[index] for index in chosen}
    for index in reversed(chosen):
        assert np.array_equal(FRAMES[index], forward[index])
        larger = AtomFrames(10**6, seed=3)
        assert np.array_equal(larger[index], forward[index])
        assert larger.label(index) == FRAMES.label(index) == FRAMES.labels[index]
        assert larger.fault(index) is FRAMES.fault(index)
        smaller = AtomFrames(index + 1, seed=3)
        assert np.array_equal(smaller[-1], forward[index])
    assert np.array_equal(FRAMES[398:400][1], forward[399])
    assert not np.array_equal(AtomFrames(400, seed=4)[399], forward[399])


def test_a_frame_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from cytogate.model.experiments.meng2018.atom import AtomFrames; "
        "frames = AtomFrames(400, seed=3); "
        "print([hashlib.sha256(frames[k].tobytes()).hexdigest() for k in (231, 2)])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == str([hashlib.sha256(FRAMES[k].tobytes()).hexdigest() for k in (231, 2)])


def test_runs_have_the_papers_sizes_and_settings_of_their_own() -> None:
    """40 runs: sizes within the paper's, both ends of their range seen, frames of a run alike."""
    frames = AtomFrames(40 * FRAMES_A_RUN, seed=1)
    runs = [frames.run(number * FRAMES_A_RUN) for number in range(40)]
    rows, columns = ([getattr(run.acquisition, axis) for run in runs] for axis in ("rows", "columns"))
    assert 21 <= min(rows) < 30 < 60 < max(rows) <= 68
    assert 102 <= min(columns) < 150 < 400 < max(columns) <= 440
    assert len({run.acquisition.full_scale for run in runs}) == 40
    assert 1.0 < np.std([run.focus_um for run in runs]) < 3.0
    assert frames.run(99) == frames.run(0) != frames.run(100)
    for run in runs:
        view = run.acquisition
        assert 2 * view.na / view.wavelength_um * max(view.pixel_pitch_y_um, view.pixel_pitch_x_um) < 1
        assert atom.HEIGHT_UM[0] <= run.field_um[0] <= atom.HEIGHT_UM[1]
    for index in (0, 150, 399):
        view = FRAMES.run(index).acquisition
        assert FRAMES[index].shape == (view.rows, view.columns)
        assert FRAMES[index].dtype == np.uint8


def test_shares_of_classes_and_of_poor_frames() -> None:
    """3000 frames: classes as told in every run; poor ones within three standard errors of the paper's share."""
    labels, poor = MANY.labels, MANY.poor
    assert len(labels) == len(poor) == 3000
    for run in labels.reshape(30, FRAMES_A_RUN):
        assert np.bincount(run).tolist() == list(CELLS_A_RUN.values())
    assert len({tuple(run[:8]) for run in labels.reshape(30, FRAMES_A_RUN)}) > 25
    for label, (name, share) in enumerate(POOR_SHARE.items()):
        of_class = poor[labels == label]
        assert abs(of_class.mean() - share) < 3 * math.sqrt(share * (1 - share) / len(of_class)), name
    kinds = np.array([list(PoorFrame).index(MANY.fault(index)) for index in np.flatnonzero(poor)])
    assert (np.bincount(kinds, minlength=5)[1:] / len(kinds) > 0.19).all()
    assert [MANY.cell(index).line for index in range(12)] == [MANY.class_names[label] for label in labels[:12]]


def test_complete_cells_are_complete_and_cut_ones_are_not() -> None:
    """Phase along the frame's rim: none for 60 good frames; of 30 cut ones, some."""

    def rim(index: int) -> float:
        view = MANY.run(index).acquisition
        pitch = view.pixel_pitch_y_um, view.pixel_pitch_x_um
        phase = phase_map(MANY.cell(index), (view.rows, view.columns), pitch, view.wavelength_um)
        phase[1:-1, 1:-1] = 0
        return float(np.abs(phase).max())

    assert max(rim(index) for index in of_fault(MANY, PoorFrame.NONE, 60)) < 0.15
    assert min(rim(index) for index in of_fault(MANY, PoorFrame.CUT, 30)) > 0.3


def test_a_frame_is_the_oblique_view_on_its_own_grid() -> None:
    """A gradient of k cycles a um gives exp(2 k s / sigma^2 - k^2 / sigma^2): the pupil's law, on unequal pixels."""
    view = FourAngle(na=atom.NA, rows=40, columns=300, pixel_pitch_y_um=0.7, pixel_pitch_x_um=0.11)
    cycles = 0.02
    x = (np.arange(300) - 149.5) * view.pixel_pitch_x_um
    phase = np.broadcast_to(2 * np.pi * cycles * x, (40, 300))
    cutoff = view.na / view.wavelength_um
    shift, variance = view.pupil_shift_na * cutoff, (view.pupil_sigma_na * cutoff) ** 2
    expected = math.exp(2 * cycles * shift / variance - cycles**2 / variance)
    assert four_angle_intensities(phase, view)[0, 20, 140:160] == pytest.approx(expected, rel=0.01)


def test_an_empty_frame_is_the_field_of_its_run() -> None:
    """The frame without a cell is the empty field; of a good frame it differs where the cell is, and there alone."""
    (empty,) = of_fault(FRAMES, PoorFrame.EMPTY, 1)
    assert np.array_equal(FRAMES[empty], FRAMES.empty_field(empty))
    assert not np.array_equal(FRAMES.empty_field(0), FRAMES.empty_field(1)), "noise is each frame's own"
    view = FRAMES.run(0).acquisition
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atom, "_draw_run", lambda seed, number: Run(view, 0.0))
        patch.setattr(atom, "_run_shading", lambda seed, number: np.ones((view.rows, view.columns)))
        one, other = (AtomFrames(1, seed).empty_field(0) for seed in (3, 4))
    assert not np.array_equal(one, other), "and each set's, in one and the same run"
    for good in of_fault(FRAMES, PoorFrame.NONE, 5):
        view = FRAMES.run(good).acquisition
        field, frame = FRAMES.empty_field(good).astype(float), FRAMES[good].astype(float)
        assert field.mean() == pytest.approx(255 / view.full_scale, rel=0.05)
        apart = np.abs(frame - field) / field
        assert apart.max() > 0.15
        assert apart[:, :3].mean() < 0.05


def test_blur_takes_what_is_fine_and_an_echo_brings_a_second_cell() -> None:
    """Light of a bare cell: far from focus less of its contrast is finer than 0.6 um; an echo is a cell beside it."""
    run = FRAMES.run(0)
    view = run.acquisition
    cell = draw_cell(cell_line("MCF7"), np.random.default_rng(1), 0.4)
    sharp, blurred = (atom._seen(cell, run, atom._beyond(run), um) for um in (0.0, atom.BLUR_UM[0]))
    width = 0.6 / view.pixel_pitch_y_um, 0.6 / view.pixel_pitch_x_um
    fine = [float((each - gaussian_filter(each, width)).std() / each.std()) for each in (sharp, blurred)]
    assert fine[1] < 0.8 * fine[0]
    echoed = atom._with_echo(sharp, run, np.random.default_rng(0))
    alone = atom._within(sharp, run)
    assert echoed.shape == alone.shape == (view.rows, view.columns)
    seen = [(np.abs(each - 1) > 0.04).any(axis=0).sum() * view.pixel_pitch_x_um for each in (alone, echoed)]
    assert seen[1] > seen[0] + 0.6 * atom.ECHO_UM[0]


def test_blurred_frames_are_far_from_focus() -> None:
    """5 frames: less like the cell at the run's focus than a good frame is."""

    def likeness(index: int) -> float:
        cell, run = FRAMES.cell(index), FRAMES.run(index)
        focused = atom._seen(cell, run, (0, 0), run.focus_um + cell.defocus_sds * run.acquisition.defocus_sd_um)
        frame = FRAMES[index] / FRAMES.empty_field(index).mean()
        return float(np.corrcoef(frame.ravel(), focused.ravel())[0, 1])

    assert max(likeness(index) for index in of_fault(FRAMES, PoorFrame.BLURRED, 5)) < 0.8
    assert min(likeness(index) for index in of_fault(FRAMES, PoorFrame.NONE, 5)) > 0.85


def test_poor_frames_can_mostly_be_found(judge: PoorFrames) -> None:
    """Fitted to 100 frames, judged on 200 others: most of the poor go, most of the good stay; neither all."""
    others = range(200, 400)
    found = judge.among([FRAMES[index] for index in others])
    poor = FRAMES.poor[200:]
    assert 0.8 <= found[poor].mean() <= 1.0
    assert 0.02 <= found[~poor].mean() <= 0.35


def test_classes_differ_and_overlap() -> None:
    """Diameters of 1500 drawn cells: the best class by diameter alone is right for more than .45, less than .85."""
    cells = [MANY.cell(index) for index in range(1500)]
    diameter = np.array([2 * cell.body.depth_um for cell in cells])
    labels = MANY.labels[:1500]
    centers = np.array([np.median(diameter[labels == label]) for label in range(4)])
    nearest = np.abs(diameter[:, None] - centers).argmin(axis=1)
    recalls = [(nearest[labels == label] == label).mean() for label in range(4)]
    assert 0.45 < np.mean(recalls) < 0.85


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: AtomFrames(0), "0 frames cannot be simulated"),
        (lambda: AtomFrames(10, seed=-1), "seed is -1"),
        (lambda: AtomFrames(10, difficulty=1.5), "difficulty is 1.5; it must be 0 to 1"),
        (lambda: AtomFrames(10, difficulty=math.nan), "difficulty is nan"),
    ],
)
def test_what_cannot_be_simulated_is_refused(make: Callable[[], AtomFrames], told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()


def test_frames_are_counted() -> None:
    for index in (400, -401):
        with pytest.raises(IndexError, match="of 400"):
            FRAMES[index]


# Images of the frames.


def test_images_are_the_paper_s_steps(judge: PoorFrames, tmp_path: Path) -> None:
    """24 frames: black where discarded, else resized with the mean at 128; made once; others are refused."""
    few = AtomFrames(24, seed=3)
    path = tmp_path / "frames.h5"
    with frame_images(few, 16, judge, path, workers=1) as images:
        assert images.shape == (16, 16, 1)
        assert images.class_names == few.class_names
        assert np.array_equal(images.labels, few.labels)
        discarded = judge.among(list(few))
        assert 0 < discarded.sum() < 24
        assert kept(images).tolist() == np.flatnonzero(~discarded).tolist()
        good = int(kept(images)[0])
        expected = normalized_mean(resized(few[good], 16, 16)[None, ..., None])[0] * CODE_OF_MEAN
        assert np.array_equal(images.image(good), np.rint(np.minimum(expected, 255)))
        assert images.image(good).mean() == pytest.approx(CODE_OF_MEAN, abs=1)
    written = path.stat().st_mtime_ns
    frame_images(few, 16, judge, path, workers=1).close()
    assert path.stat().st_mtime_ns == written
    with pytest.raises(InputError, match="holds other images than asked for"):
        frame_images(AtomFrames(24, seed=4), 16, judge, path, workers=1)


def test_fields_are_those_of_the_chosen_frames(tmp_path: Path) -> None:
    chosen = np.array([250, 3, 120])
    with field_images(FRAMES, 16, chosen, tmp_path / "fields.h5", workers=1) as fields:
        assert np.array_equal(fields.labels, FRAMES.labels[chosen])
        for number, index in enumerate(chosen):
            assert np.array_equal(fields.image(number)[..., 0], encoded(FRAMES.empty_field(index), 16))


def test_balance_alters_copies_and_leaves_cells(judge: PoorFrames, tmp_path: Path) -> None:
    """Of 200 frames 80 train: every one is there as it is, classes are equal, no other cell is among them."""
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["images"] = np.random.default_rng(0).integers(90, 160, (200, 12, 12)).astype(np.uint8)
        file["labels"] = FRAMES.labels[:200]
        file["class_names"] = np.array(FRAMES.class_names, "S")
    with open_image_set(tmp_path / "images.h5") as images:
        training = np.random.default_rng(1).permutation(200)[:80]
        every = balanced(images, Balance.of(images.labels, training, seed=7))
        counts = np.bincount(every.labels)
        assert len(set(counts)) == 1
        assert counts.sum() == len(every) > 80
        originals = {images.image(int(index)).tobytes() for index in training}
        found = [every.image(index) for index in range(len(every))]
        assert sum(image.tobytes() in originals for image in found) == 80
        assert np.array_equal(every.image(5), found[5])
        assert (np.diff(np.flatnonzero([image.tobytes() not in originals for image in found])) > 1).any()
