"""Frames in a wrong order, in an uneven field or cut off at the border are told, with what would be right."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.host.sources.opening import FileReader
from cytogate.model.design.design import Design, Window, binned
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import InputError
from cytogate.model.explain import ExplainRequest
from cytogate.model.explain import _inputs as explained_inputs
from cytogate.model.phase import job
from cytogate.model.phase.job import PhaseRequest, run_phase
from cytogate.model.predict import one_file
from cytogate.model.predict.one_file import PredictRequest, run_predict
from cytogate.model.retrieval.frame_order import CELLS, RIGHT, Finding, check_order
from cytogate.model.simulation.simulator import SimulatedCells

Frames = NDArray[np.unsignedinteger]

# Cameras that bin: the same fields in a sixteenth of the time, with the more noise of fewer electrons.
DESIGN = binned(load_design("qatom64"))
WRONG = [order for order in itertools.permutations(range(4)) if order != RIGHT]


def simulated(design: Design = DESIGN, cells: int = CELLS, seed: int = 5, **other: int) -> Frames:
    return np.stack([cell.frames for cell in SimulatedCells(design.four_angle, cells=cells, seed=seed, **other)])


def fields_without_cells(design: Design = DESIGN, run: int | None = None) -> Frames:
    cells = SimulatedCells(design.four_angle, cells=CELLS, seed=6, run=run)
    return np.stack([cells.empty_field(index) for index in range(CELLS)])


def shaded(factor: float) -> Design:
    acquisition = dataclasses.replace(DESIGN.four_angle, shading_sd=factor * DESIGN.four_angle.shading_sd)
    return dataclasses.replace(DESIGN, instrument=acquisition)


@pytest.fixture(scope="module")
def cells() -> Frames:
    return simulated()


def test_every_wrong_order_is_told_and_the_right_one_named(cells: Frames) -> None:
    """What the sentence tells to store is in the right order: 23 orders, 16 of 16 cells each."""
    for order in WRONG:
        stored = cells[:, order]
        found = check_order(stored, DESIGN)
        assert found.wrong, order
        assert (found.finding, found.judged, found.affected) == (Finding.EXCHANGED, CELLS, CELLS)
        assert found.order == tuple(FourAngle.channels[arm] for arm in order)
        assert f"on {CELLS} of {CELLS} cells" in found.sentence
        mended = eval(found.sentence.split("store ")[1].split(" (or")[0], {"frames": stored})
        np.testing.assert_array_equal(mended, cells)
    assert len(WRONG) == 23


@pytest.mark.parametrize(
    ("turned", "said"),
    [
        (lambda frames: frames[..., ::-1], "mirrored left to right"),
        (lambda frames: frames[..., ::-1, :], "mirrored top to bottom"),
        (lambda frames: frames[..., ::-1, ::-1], "turned by half a turn"),
        (lambda frames: frames.swapaxes(-1, -2), "rows and columns of every frame are exchanged)"),
        (lambda frames: frames.swapaxes(-1, -2)[..., ::-1, ::-1], "exchanged and both are reversed"),
        (lambda frames: np.rot90(frames, 1, (2, 3)), "turned by a quarter"),
        (lambda frames: np.rot90(frames, 3, (2, 3)), "turned by a quarter"),
    ],
)
def test_pixels_that_lie_wrongly_are_told(turned, said: str, cells: Frames) -> None:  # type: ignore[no-untyped-def]
    found = check_order(turned(cells), DESIGN)
    assert found.finding is Finding.EXCHANGED
    assert said in found.sentence


@pytest.mark.parametrize("factor", [1, 3])
def test_right_cells_are_believed(factor: int) -> None:
    """208 cells, sixteen at a time, without a false alarm; as many at three times the shading."""
    design = shaded(factor)
    checked = 0
    for seed in range(13):
        found = check_order(simulated(design, seed=100 + seed), design)
        assert found.finding is Finding.RIGHT, found
        checked += CELLS
    assert checked == 208


@pytest.mark.parametrize("name", ["qatom64", "qatom128", "qatom256"])
def test_every_size_is_judged(name: str) -> None:
    design = load_design(name)
    frames = simulated(design)
    assert check_order(frames, design).finding is Finding.RIGHT
    inverted = check_order(frames[:, [1, 0, 3, 2]], design)
    assert inverted.order == ("-x", "+x", "-y", "+y")
    assert "the phase is negative" in inverted.sentence


def test_fields_without_cells_prove_nothing(cells: Frames) -> None:
    """Between cells they change nothing; alone they leave the order undecided, at any shading of each its own."""
    for factor in (0, 1, 2):
        empty = fields_without_cells(shaded(factor))
        alone = check_order(empty, DESIGN)
        assert (alone.finding, alone.judged, alone.looked_at) == (Finding.UNDECIDED, 0, CELLS)
        between = np.concatenate([empty[:12], cells[:4], empty[12:], cells[4:]])
        found = check_order(between, DESIGN)
        assert (found.finding, found.judged, found.looked_at) == (Finding.RIGHT, CELLS, 2 * CELLS)
        assert check_order(between[:, [2, 3, 0, 1]], DESIGN).affected == CELLS


def test_some_cut_off_cells_prove_nothing(cells: Frames) -> None:
    """Seven of sixteen that reach over the border do not count, whatever the order."""
    some = cells.copy()
    some[::2][:7] = np.roll(some[::2][:7], DESIGN.size // 2, axis=2)
    found = check_order(some, DESIGN)
    assert (found.finding, found.judged, found.affected) == (Finding.RIGHT, CELLS - 7, 0)
    assert check_order(some[:, [0, 2, 1, 3]], DESIGN).order == ("+x", "+y", "-x", "-y")


def test_cells_that_are_all_cut_off_are_told(cells: Frames) -> None:
    shifts = DESIGN.size // 2 * np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
    off = np.stack([np.roll(cell, shifts[index % 4], axis=(1, 2)) for index, cell in enumerate(cells)])
    # Half a field away the four edges get different halves of different cells.
    off[:, :, : DESIGN.size // 2] = cells[:, :, :1, :1]
    found = check_order(off, DESIGN)
    assert found.doubtful
    assert not found.wrong
    assert "must lie within the window by 8 pixels" in found.sentence


def test_a_missing_background_is_told() -> None:
    """Strong shading, the same in all cells; with the same cells and a flat field nothing is told."""
    design = shaded(13)
    for frames in (simulated(design, run=5), fields_without_cells(design, run=5)):
        found = check_order(frames, design)
        assert found.finding is Finding.NO_BACKGROUND, found
        assert f"{found.affected} of {CELLS} frames" in found.sentence
        assert "divide them by frames of the empty field" in found.sentence
    background = fields_without_cells(design, run=5).mean(axis=0)
    flat = np.clip(
        np.rint(simulated(design, run=5) * (background.mean(axis=(1, 2), keepdims=True) / background)), 0, 255
    )
    assert check_order(flat.astype(np.uint8), design).finding is Finding.RIGHT


def test_a_wrong_order_is_told_although_most_cells_reach_the_border() -> None:
    """In a narrow window a wrong order makes most fields look uneven; the cells that prove something decide."""
    design = Design(
        "narrow",
        instrument=FourAngle(
            wavelength_um=0.532, pixel_pitch_x_um=0.2, pixel_pitch_y_um=0.15, adc_bits=12, rows=200, columns=240
        ),
        window=Window(64, 64, 2),
    )
    frames = simulated(design, cells=48, seed=3)
    assert not check_order(frames, design).wrong
    for order in ((0, 2, 1, 3), (2, 3, 0, 1)):
        found = check_order(frames[:, order], design)
        assert (found.finding, found.order) == (Finding.EXCHANGED, tuple(FourAngle.channels[arm] for arm in order))


def test_pupils_on_diagonals_have_no_order(cells: Frames) -> None:
    """A camera turned by an eighth: gradients along the diagonals, which no order of the four makes right."""
    turned = ndimage.rotate(cells, 45, axes=(2, 3), reshape=False, mode="nearest")
    found = check_order(turned, DESIGN)
    assert (found.finding, found.order) == (Finding.NO_ORDER, None)
    assert found.affected == found.judged
    assert "two along the rows and two along the columns" in found.sentence


def test_an_open_file_is_read_as_far_as_needed(cells: Frames) -> None:
    class File:
        cells = 1_000_000
        asked: list[int] = []  # noqa: RUF012

        def read(self, start: int, stop: int) -> Frames:
            self.asked += range(start, stop)
            return cells[start:stop]

    assert check_order(File(), DESIGN).finding is Finding.RIGHT
    assert File.asked == list(range(CELLS))


def test_faulty_cells_prove_nothing_and_stop_nothing(cells: Frames) -> None:
    """Some of a file's cells cannot be read, or the first ones, or none."""

    @dataclasses.dataclass
    class File:
        readable: range
        cells: int = 64

        def read(self, start: int, stop: int) -> Frames:
            if not all(index in self.readable for index in range(start, stop)):
                raise InputError("a chunk is damaged")
            return cells[start % CELLS : (stop - 1) % CELLS + 1, [1, 0, 2, 3]]

    for readable, judged in ((range(3, 64), 16), (range(16, 64), 16), (range(10, 14), 4)):
        found = check_order(File(readable), DESIGN)
        assert (found.finding, found.judged) == (Finding.EXCHANGED, judged)
    assert check_order(File(range(0)), DESIGN).finding is Finding.UNDECIDED


def test_few_cells_are_not_judged(cells: Frames) -> None:
    found = check_order(cells[:3, [1, 0, 2, 3]], DESIGN)
    assert (found.finding, found.judged) == (Finding.UNDECIDED, 3)
    assert check_order(cells[:4, [1, 0, 2, 3]], DESIGN).finding is Finding.EXCHANGED


def phase(path: Path, output: Path) -> None:
    run_phase(PhaseRequest(DESIGN, path, None, 1, ".csv", output))


def explain(path: Path, output: Path) -> None:
    with explained_inputs(ExplainRequest(DESIGN, path, None, 1, 0, output)):
        pass


def predict(path: Path, output: Path) -> None:
    run_predict(PredictRequest(DESIGN, path, None, 1, output / "cells.csv"))


@pytest.mark.parametrize("verb", [phase, explain, predict])
def test_every_verb_that_reads_frames_tells_their_order(
    verb: Callable[[Path, Path], None],
    cells: Frames,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is computed of frames in a wrong order means nothing; that nothing was concluded is said once."""
    monkeypatch.setattr(job, "draw", lambda *_: None)
    monkeypatch.setattr(one_file, "load_operations", lambda design: None)
    monkeypatch.setattr(one_file, "classifier", lambda *_: lambda words: np.zeros((len(words), DESIGN.network.classes)))
    path, said = tmp_path / "cells.npy", "the order of the frames could not be checked: of 1 frames"
    np.save(path, cells[:, [1, 0, 2, 3]])
    with pytest.raises(InputError, match=f"{path}: the frames are not in the order .*: on 16 of 16 cells"):
        verb(path, tmp_path)
    for frames, due in ((cells, 0), (cells[:1], 1)):
        np.save(path, frames)
        verb(path, tmp_path)
        assert "".join(capsys.readouterr()).count(said) == due


def test_files_of_few_cells_are_judged_together(cells: Frames, tmp_path: Path) -> None:
    """Of one instrument; a file that is opened again counts once, and that nothing was concluded is said once."""
    for stored in (cells, cells[:, [1, 0, 2, 3]]):
        open_file, told = FileReader(DESIGN), []
        for number in (0, 0, 0, 1, 2):
            np.save(tmp_path / f"{number}.npy", stored[number : number + 1])
            told += open_file(tmp_path / f"{number}.npy").told
        assert len(told) == 1
        assert "0.npy: the order of the frames could not be checked" in told[0]
        np.save(tmp_path / "3.npy", stored[3:4])
        if stored is cells:
            assert open_file(tmp_path / "3.npy").told == ()
        else:
            with pytest.raises(InputError, match=r"3.npy: the frames are not in the order .*: on 4 of 4 cells"):
                open_file(tmp_path / "3.npy")
