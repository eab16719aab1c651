"""Graded tasks: who is tested, what was drawn, what the true phase looks like, and the page of a tiny experiment."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from cytogate.model.command.terminal import progress_bars
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design, Network
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.design.topologies import Meng2017
from cytogate.model.errors import InputError
from cytogate.model.evaluation import classical
from cytogate.model.experiments.grades.drawn import BULK, NAMES, OUTLINE, drawn
from cytogate.model.experiments.grades.experiment import COARSE, FULL, SMALL, GradesSizes, run_sized
from cytogate.model.experiments.grades.ladder import (
    BACKGROUND,
    DRAWN,
    DRAWN_BULK,
    DRAWN_OUTLINE,
    FLOAT,
    QUANTIZED,
    TRUE_PHASE,
    on_retrieved,
)
from cytogate.model.experiments.grades.tasks import (
    BETTER_OPTICS,
    DEFAULT,
    EASY,
    GRADES,
    HARD,
    UNSEEN_RUNS,
    Grade,
    Task,
    TaskSizes,
    phase_codes,
    task_of,
)
from cytogate.model.experiments.setting import Scale, Setting
from cytogate.model.networks.saved import load_codes, load_network
from cytogate.model.retrieval import laws
from cytogate.model.simulation.simulator import SimulatedCells

TINY_DESIGN: Design = dataclasses.replace(
    COARSE, network=Network(("MCF7", "PBMC"), Meng2017(filters=(2, 2, 2), dense=4))
)
TINY = GradesSizes(
    TaskSizes(TINY_DESIGN, cells=48, backgrounds=32, runs=4, workers=1),
    epochs=1,
    fine_tune_epochs=1,
    grades=(DEFAULT, UNSEEN_RUNS),
)
RETRIEVED = [on_retrieved(name) for name in (classical.SVM, classical.LDA, classical.BOOSTING)]
RUNGS = [DRAWN, DRAWN_OUTLINE, DRAWN_BULK, TRUE_PHASE, *RETRIEVED, FLOAT, QUANTIZED, BACKGROUND]


def setting(work: Path) -> Setting:
    return Setting(Scale.SMALL, 0, work, progress_bars())


def task(grade: Grade, work: Path) -> Task:
    return task_of(grade, TINY.tasks, setting(work))


def cells_of(grade: Grade, names: tuple[str, ...], count: int) -> SimulatedCells:
    return SimulatedCells(grade.optics(COARSE.four_angle), names, count, 1, grade.difficulty)


def test_grades_are_what_they_are_called() -> None:
    assert [grade.difficulty for grade in GRADES] == [0.5, 1, 1.5, 1, 1]
    assert [grade.in_runs for grade in GRADES] == [False] * 4 + [True]
    for sizes in (SMALL, FULL):
        instrument = sizes.tasks.design.four_angle
        assert all(grade.optics(instrument) == instrument for grade in (EASY, DEFAULT, HARD))
        assert BETTER_OPTICS.optics(instrument).na > instrument.na
        assert UNSEEN_RUNS.optics(instrument).shading_sd == 2 * instrument.shading_sd
        for grade in GRADES:
            # Phase retrieval can be built for the instrument.
            contract(dataclasses.replace(sizes.tasks.design, instrument=grade.optics(instrument)))


def test_what_was_drawn_tells_lines_apart_the_less_the_harder() -> None:
    """Of 300 cells of three lines, by their drawn size and index; DESIGN's ladder has the same order."""
    names = ("MCF7", "OST", "THP1")
    found = []
    for grade in (EASY, DEFAULT, HARD):
        cells = cells_of(grade, names, 300)
        columns = drawn([cells.cell(index) for index in range(300)])
        assert columns.shape == (300, len(NAMES))
        assert np.isfinite(columns).all()
        lda = classical.LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
        found.append([cross_val_score(lda, scaled[:, :count], cells.labels).mean() for count in (2, len(NAMES))])
    assert found[0][0] > found[1][0] + 0.05
    assert found[1][0] > found[2][0] + 0.02
    assert all(whole > bulk + 0.05 for bulk, whole in found)


def test_drawn_values_are_those_of_the_table() -> None:
    """Means over 200 cells without spread between cells: the table's figures, and what little is left to chance."""
    cells = SimulatedCells(COARSE.four_angle, ("OST", "THP1"), 400, 1, difficulty=0.0)
    columns = drawn([cells.cell(index) for index in range(400)])
    of = {name: columns[cells.labels == label].mean(axis=0) for label, name in enumerate(cells.class_names)}
    told = {name: dict(zip(NAMES, values, strict=True)) for name, values in of.items()}
    assert told["OST"]["diameter"] == pytest.approx(16.2)
    assert told["THP1"]["index step"] == pytest.approx(1.3705 - 1.337)
    assert told["OST"]["axis ratio"] == pytest.approx(0.89)
    assert told["THP1"]["notch"] == pytest.approx(0.60)
    assert told["OST"]["notch"] == 0
    assert told["OST"]["nucleus ratio"] == pytest.approx(0.57)
    assert told["OST"]["blebs"] == pytest.approx(0.8, abs=0.3)
    assert 100 * told["THP1"]["granules per volume"] == pytest.approx(3.0, rel=0.05)
    assert told["OST"]["gathering of the granules"] > 2 * told["THP1"]["gathering of the granules"]
    assert NAMES[: len(BULK + OUTLINE)] == BULK + OUTLINE


def test_the_true_phase_is_coded_as_the_retrieved_one() -> None:
    """Without noise, shading and defocus both agree within 3 codes of 32 a radian, on average over 2 cells' pixels."""
    sharp = dataclasses.replace(BETTER_OPTICS.optics(COARSE.four_angle), defocus_sd_um=0.0)
    design = dataclasses.replace(TINY_DESIGN, instrument=sharp)
    cells = SimulatedCells(sharp, ("MCF7", "PBMC"), 2, 1, shaded=False, noisy=False)
    retrieved = laws.network_inputs(np.stack([each.frames for each in cells]), design)[..., ANGLES].astype(int)
    true = phase_codes(np.stack([each.phase for each in cells]), design)
    assert true.dtype == np.uint8
    assert true.shape == retrieved.shape == (2, 64, 64)
    # Nothing is at 0 rad.
    assert true[:, 0, 0].tolist() == [32, 32]
    assert np.ptp(true.reshape(2, -1), axis=1).min() > 40
    assert np.abs(true - retrieved).mean() < 3
    shifted = np.abs(np.roll(true.astype(int), 2, axis=1) - retrieved).mean()
    assert shifted > np.abs(true - retrieved).mean()


def test_no_cell_of_a_tested_run_is_trained_on(tmp_path: Path) -> None:
    found = task(UNSEEN_RUNS, tmp_path)
    runs = {
        name: set(found.runs_of(getattr(found.split, name)).tolist()) for name in ("training", "validation", "test")
    }
    assert all(runs.values())
    assert not runs["test"] & (runs["training"] | runs["validation"])
    assert not runs["validation"] & runs["training"]
    assert set(found.runs_of(found.seen).tolist()) <= runs["training"]
    everyone = np.concatenate([found.split.training, found.split.validation, found.split.test, found.seen])
    assert sorted(everyone.tolist()) == list(range(48))
    # Only the phase is another; the frames are the same.
    (with_true,) = found.with_true_phase(found.split.test)
    given = found.inputs.read(found.split.test)
    assert (with_true[..., :ANGLES] == given[..., :ANGLES]).all()
    assert (with_true[..., ANGLES] != given[..., ANGLES]).mean() > 0.1
    # What is there is read, and what is not asked for is refused.
    before = found.inputs.path.stat().st_mtime_ns
    assert task(UNSEEN_RUNS, tmp_path).inputs.path.stat().st_mtime_ns == before
    other = dataclasses.replace(UNSEEN_RUNS, difficulty=0.5)
    with pytest.raises(InputError, match=r"cells\.h5: holds other cells than asked for; remove .* to start anew"):
        task(other, tmp_path)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grades")
    run_sized(setting(folder / "work"), TINY).write(folder / "page", {"command": "none", "minutes": 0.0})
    return folder / "page"


def test_the_page_has_every_rung_of_every_grade(page: Path) -> None:
    """The drawn parameters of two lines that differ in all of them leave no doubt, and backgrounds tell nothing."""
    report = json.loads((page / "report.json").read_text())
    tables, ladders = report["tables"], report["facts"]["ladders"]
    assert [row["grade"] for row in tables["grades"]] == list(ladders) == ["default", "unseen runs"]
    for row, name in zip(tables["grades"], ("default", "unseen_runs"), strict=True):
        rungs = {each["rung"]: each for each in tables[name]}
        assert list(rungs) == RUNGS
        assert rungs[DRAWN]["accuracy"]["value"] > 0.85
        assert rungs[TRUE_PHASE]["chosen classifier"] in (classical.SVM, classical.LDA, classical.BOOSTING)
        assert rungs[BACKGROUND]["accuracy"]["low"] < 0.5
        facts = ladders[row["grade"]]
        cells = {each["cells"] for rung, each in facts["metrics"].items() if rung != BACKGROUND}
        assert cells == {row["test cells"]}
        best = max(RETRIEVED, key=lambda rung: rungs[rung]["accuracy"]["value"])
        assert facts["best baseline"] == best
        gain = rungs[QUANTIZED]["accuracy"]["value"] - rungs[best]["accuracy"]["value"]
        assert row["quantized network less best classifier"]["value"] == pytest.approx(gain)
    runs = {row["cells of"]: row["accuracy"]["value"] for row in tables["runs"]}
    assert list(runs)[-2:] == ["all runs never seen", "runs that were trained on, other cells"]
    assert runs["all runs never seen"] == tables["grades"][1]["quantized network"]["value"]
    assert {path.name for path in page.glob("*.png")} == {"ladders.png"}


def test_the_network_goes_along_with_unseen_cells(page: Path) -> None:
    design = load_design(page)
    (codes,) = load_codes(load_network(design), design)
    test = task(DEFAULT, page.parent / "work")
    assert (codes == test.inputs.read(test.split.test[: len(codes)])).all()
    assert len(codes) >= 8
