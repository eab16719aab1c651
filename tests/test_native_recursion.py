"""The laws "two-sided" and "causal" compiled: equal to the integer model on every value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command import native as command_native
from cytogate.model.contract.background import Background
from cytogate.model.contract.law import contract, recursion_contract
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Design
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.recursion import integer
from cytogate.model.retrieval.recursion import native as native_recursions
from cytogate.model.retrieval.recursion.native import NativeRecursion
from tests.test_native import DESIGNS, frames_of, own_levels

LAWS = (TWO_SIDED, CAUSAL)


def of(design: Design, law: str) -> Design:
    return dataclasses.replace(design, chip=dataclasses.replace(design.chip, retrieval=law))


def known_background() -> Background:
    """A surface of some hundred gradient codes, as a shading of a few percent has."""
    return Background(np.random.default_rng(7).integers(-(10**5), 10**5, (6, 2)))


def compare(design: Design, frames: np.ndarray, background: Background | None, processor: str = "native") -> int:
    """Return how many values were compared, all stages of all cells; the background after them, too."""
    due = integer.retrieve(frames, design, background)
    found, last = NativeRecursion.of(design, processor).codes(frames, threads=2, background=background)
    assert list(found) == [stage.name for stage in contract(design).stages if stage.name != "frames"]
    compared = 0
    for name, codes in found.items():
        assert np.array_equal(codes, due.stages[name]), name
        assert codes.dtype == due.stages[name].dtype
        compared += codes.size
    assert (last is None) == (due.background is None)
    if last is not None and due.background is not None:
        assert np.array_equal(last.surface, due.background.surface)
        assert (last.frames, last.frozen) == (due.background.frames, due.background.frozen)
    return compared


def values_of(design: Design) -> int:
    return sum(stage.size for stage in contract(design).recorded if stage.name != "frames")


PLAIN = ("64", "oblong pixels")


@pytest.mark.parametrize(
    "name", [name if name in PLAIN else pytest.param(name, marks=pytest.mark.full) for name in DESIGNS]
)
@pytest.mark.parametrize("law", LAWS)
def test_every_stage_is_equal(name: str, law: str) -> None:
    """Cells, noise and what is hard on the arithmetic; without a known background, then with one."""
    design = of(DESIGNS[name], law)
    frames = frames_of(design)
    for background in (None, known_background()):
        assert compare(design, frames, background) == len(frames) * values_of(design)


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_no_value_depends_on_the_processor(law: str) -> None:
    design = of(DESIGNS["64"], law)
    frames = frames_of(design)
    levels = own_levels()
    assert sum(compare(design, frames, None, level) for level in levels) == len(levels) * len(frames) * values_of(
        design
    )


@pytest.mark.full
@pytest.mark.parametrize("law", LAWS)
def test_a_thousand_cells(law: str) -> None:
    from cytogate.model.simulation.simulator import simulated_cells

    design, compared, background = of(load_design("qatom128"), law), 0, None
    for seed in range(10):
        frames = np.stack([cell.frames for cell in simulated_cells(design, 100, seed=2000 + seed)])
        compared += compare(design, frames, background)
        background = integer.retrieve(frames, design, background).background if law == CAUSAL else None
    assert compared == 1000 * values_of(design)


@pytest.mark.parametrize("law", LAWS)
def test_one_stage_alone_threads_and_sums_make_no_difference(law: str) -> None:
    design = of(DESIGNS["64"], law)
    frames, compiled = frames_of(design), NativeRecursion.of(design)
    due, _ = compiled.codes(frames)
    found, _ = compiled.codes(frames, ("phase", "binned"), threads=5)
    assert list(found) == ["phase", "binned"]
    for name, codes in found.items():
        assert np.array_equal(codes, due[name])
    surfaces = due.get("background")
    for name, codes in compiled.codes_of_sums(due["binned"].astype(np.int32), surfaces, threads=2).items():
        assert np.array_equal(codes, due[name]), name
    assert len(compiled.codes(frames[:0])[0]["phase"]) == 0
    with pytest.raises(ValueError, match="frames are"):
        compiled.codes(frames[:, :3])
    with pytest.raises(ValueError, match="surfaces are"):
        compiled.codes_of_sums(due["binned"].astype(np.int32), np.zeros((1, 6, 2), np.int64))
    if law == CAUSAL:
        with pytest.raises(ValueError, match="needs a surface"):
            compiled.codes_of_sums(due["binned"].astype(np.int32), None)


@pytest.mark.parametrize("law", LAWS)
def test_the_same_with_and_without_a_compiler(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    design = of(DESIGNS["64"], law)
    frames = frames_of(design)

    def computed() -> dict[str, np.ndarray]:
        run = laws.Run(design)
        parts = [run.codes(frames[:5]), run.codes(frames[5:])]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    with_compiler = computed()
    cached = (native_recursions.native_recursion, command_native.library_if_possible)
    for each in cached:
        each.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        without = computed()
    finally:
        for each in cached:
            each.cache_clear()
    assert with_compiler.keys() == without.keys()
    for name, codes in with_compiler.items():
        assert np.array_equal(codes, without[name]), name


@pytest.mark.parametrize("law", LAWS)
def test_a_changed_constant_is_seen(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison fails where one of the tables is off by a step."""
    design = of(DESIGNS["64"], law)
    frames, due = frames_of(design)[:2], native_recursions.recursion_tables(64)
    for name in ("a", "q", "u", *(("r", "decay") if law == TWO_SIDED else ())):
        wrong = getattr(due, name).copy()
        wrong[1:] += 64
        monkeypatch.setattr(native_recursions, "recursion_tables", lambda size, n=name, w=wrong: due._replace(**{n: w}))
        found, _ = NativeRecursion.of(design).codes(frames, ("columns",))
        assert (found["columns"] != integer.retrieve(frames, design).stages["columns"]).any(), name


@pytest.mark.full
def test_the_source_compiles_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_native, "FLAGS", (*command_native.FLAGS, "-Wall", "-Wextra", "-Werror"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for law in LAWS:
        design = of(DESIGNS["64"], law)
        assert recursion_contract(design).words.size == 64
        NativeRecursion.of(design)


def test_oblong_pixels_have_a_gain_of_each_axis() -> None:
    """One of the designs that are compared has one that is not 1."""
    assert DESIGNS["oblong pixels"].four_angle.pixel_pitch_y_um != FourAngle().pixel_pitch_x_um
