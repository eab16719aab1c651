"""The background of a design: measured on empty fields, kept as a file, and what every run begins with."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.contract.background import COEFFICIENT_STEP, Background, own_background
from cytogate.model.contract.law import recursion_contract
from cytogate.model.contract.surface_fit import SurfaceFit
from cytogate.model.data.own_cells import OwnCells, write_inputs
from cytogate.model.design.design import (
    CAUSAL,
    FFT,
    KNOWN,
    LARGEST_COEFFICIENT,
    OWN_BORDER,
    PHASE_SIZES,
    TWO_SIDED,
    Design,
    KnownBackground,
    Window,
    binned,
)
from cytogate.model.design.folder import (
    BACKGROUND_FILE,
    DESIGN_FILE,
    design_of,
    design_text,
    load_design,
    write_background,
)
from cytogate.model.errors import InputError
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.recursion import integer, reference
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_cells, write_network_inputs
from tests.streams import four_angle_design

LAWS = {"causal": (CAUSAL, OWN_BORDER), "known": (TWO_SIDED, KNOWN)}
EMPTY, LIGHT = 40, 5
"""Empty fields, and the number of the run whose light they have."""


def of_law(law: str, surface: str) -> Design:
    design = four_angle_design()
    return dataclasses.replace(design, chip=dataclasses.replace(design.chip, retrieval=law, surface=surface))


@pytest.fixture(params=LAWS)
def design(request: pytest.FixtureRequest) -> Design:
    return of_law(*LAWS[request.param])


def simulated(design: Design, count: int, seed: int = 3) -> SimulatedCells:
    return SimulatedCells(design.four_angle, cells=count, seed=seed, run=LIGHT)


def light_of(design: Design) -> np.ndarray:
    """Coefficients (6, 2) of the light itself, without noise."""
    light = simulated(design, 1).brightness(0)[None] / design.four_angle.full_scale
    return reference.surfaces_of_light(light, design)[0]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty fields and cells in the same light."""
    folder, design = tmp_path_factory.mktemp("lab"), four_angle_design()
    write_cells(simulated(design, EMPTY), folder / "empty.h5", empty_field=True, workers=1)
    cells = dataclasses.replace(simulated(design, 24, seed=4), class_names=design.network.class_names)
    write_cells(cells, folder / "cells.h5", workers=1)
    return folder


def written(design: Design, folder: Path) -> Path:
    folder.mkdir()
    (folder / DESIGN_FILE).write_text(design_text(dataclasses.replace(design, name=folder.name)), encoding="utf-8")
    return folder


def calibrate(folder: Path, *arguments: str | Path) -> int:
    return main(["calibrate", "--design", str(folder), *map(str, arguments)])


def known(design: Design, surface: np.ndarray | None = None) -> Design:
    """The design with a calibration: the light's own unless another is given."""
    own = light_of(design) if surface is None else surface
    return dataclasses.replace(design, background=Background(own).measured(1, design.window))


def frames_of(design: Design, count: int = 6) -> np.ndarray:
    return np.stack([cell.frames for cell in simulated(design, count)])


# The section.


def test_codes_and_floats_are_the_same_bit_by_bit(design: Design) -> None:
    """Whatever codes there are, by way of text: 29 bits with a sign are what a coefficient has."""
    rng = np.random.default_rng(0)
    top = 1 << (SurfaceFit.of(design.size).coefficient_bits - 1)
    for surface in (rng.integers(-top, top, (6, 2)), np.full((6, 2), -top + 1), np.full((6, 2), top - 1)):
        told = known(design, surface)
        read = design_of(design_text(told).encode(), design.name, "bundle")
        assert read == told
        found = own_background(read)
        assert found is not None
        assert (found.settled, found.frozen) == (True, False)
        assert np.array_equal(found.surface, surface)
    assert own_background(design) is None


def test_every_coefficient_has_the_range_of_the_chip() -> None:
    for size in PHASE_SIZES:
        bits = SurfaceFit.of(size).coefficient_bits
        assert ((1 << (bits - 1)) - 1) * COEFFICIENT_STEP == LARGEST_COEFFICIENT


ZEROS = (0.0,) * 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"rows": 128, "columns": 128},
            r"with a window of 128x128 pixels, binned 1x1, and its window has 64x64 pixels",
        ),
        ({"binning": 2}, "binned 2x2, and its window has 64x64 pixels, binned 1x1; run `cytogate calibrate` again"),
        ({"surface_x": (0.0,) * 5}, "surface_x has 5 coefficients; 6 are needed"),
        ({"surface_y": (*ZEROS[:5], 64.0)}, "surface_y is 64; it must be -64 to 64"),
        ({"surface_x": (float("nan"), *ZEROS[:5])}, "surface_x is nan"),
    ],
)
def test_a_background_that_does_not_belong_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        dataclasses.replace(of_law(CAUSAL, OWN_BORDER), background=section(**change))


def section(**change: object) -> KnownBackground:
    return KnownBackground(**{
        "version": 1, "rows": 64, "columns": 64, "binning": 1, "surface_x": ZEROS, "surface_y": ZEROS, **change
    })  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("law", [(FFT, OWN_BORDER), (TWO_SIDED, OWN_BORDER)])
def test_a_law_without_a_background_takes_none(law: tuple[str, str]) -> None:
    with pytest.raises(
        InputError, match=r'a background belongs to retrieval = "causal", or to .*"two-sided" with surf'
    ):
        dataclasses.replace(of_law(*law), background=section())


def test_frames_that_arrive_binned_keep_it(design: Design) -> None:
    camera = dataclasses.replace(design.four_angle, rows=128, columns=128)
    told = dataclasses.replace(
        design, instrument=camera, window=Window(64, 64, 2), background=section(binning=2, surface_x=(0.5,) * 6)
    )
    assert binned(told).background == section(surface_x=(0.5,) * 6)


# What is measured.


def test_the_light_is_recovered_and_every_verb_begins_with_it(
    design: Design, lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(design, tmp_path / "mine")
    assert calibrate(folder, "--input", lab / "empty.h5") == 0
    said = capsys.readouterr().out
    assert "Light of 40 simulated frames" in said
    assert "it holds still" in said
    found = load_design(folder)
    assert found.background is not None
    assert found.background.version == 1
    own = own_background(found)
    assert own is not None
    code = 1 << 8
    light = light_of(design)
    assert np.abs(light).max() > 200 * code
    assert np.abs(own.surface - light).max() < 12 * code, "a single frame is off by up to 40"
    report = json.loads((folder / "calibration/0001/report.json").read_text(encoding="utf-8"))
    assert (report["frames"], report["frames_there"], report["simulated"], report["holds_still"]) == (
        40,
        40,
        True,
        True,
    )
    assert report["left_rms"] < report["slope"] / 2
    assert 0 < report["scatter"] < report["furthest"] < report["slope"]
    assert (folder / "calibration/0001/picture.png").stat().st_size > 10_000
    assert calibrate(folder, "--input", lab / "empty.h5") == 0
    again = load_design(folder).background
    assert again == dataclasses.replace(found.background, version=2)


def test_a_few_frames_with_something_at_the_border_do_not_move_it(design: Design, tmp_path: Path) -> None:
    cells = simulated(design, EMPTY)
    frames = np.stack([cells.empty_field(index) for index in range(EMPTY)])
    np.save(tmp_path / "clean.npy", frames)
    shadow = frames.copy()
    shadow[::6, 0, :20, :30] //= 2
    np.save(tmp_path / "some.npy", shadow)
    folder = written(design, tmp_path / "mine")
    found = []
    for name in ("clean.npy", "some.npy"):
        assert calibrate(folder, "--input", tmp_path / name) == 0
        own = own_background(load_design(folder))
        assert own is not None
        found.append(own.surface)
    report = json.loads((folder / "calibration/0002/report.json").read_text(encoding="utf-8"))
    assert report["astray"] == 7
    mean = integer.empty_field(shadow, design).surface
    assert np.abs(mean - found[0]).max() > 10 * np.abs(found[1] - found[0]).max()


def test_light_that_moves_is_told(design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = simulated(design, 32)
    frames = np.stack([cells.empty_field(index) for index in range(32)])
    tilt = 1 + 0.1 * np.linspace(-1, 1, 64)
    frames[16:, 0] = np.rint(frames[16:, 0] * tilt)
    np.save(tmp_path / "moving.npy", frames)
    assert calibrate(written(design, tmp_path / "mine"), "--input", tmp_path / "moving.npy") == 0
    assert "it does not hold still" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--input", "few.npy"), r"few\.npy: holds 15 frames of empty fields; 16 are needed"),
        (("--input", "flat.npy"), r"flat\.npy: cell 3, frame -x is empty: all of its pixels are 7"),
        (("--input", "bright.npy"), r"bright\.npy: cell 2, frame \+y is saturated"),
        (("--input", "large.npy"), r"large\.npy: frames of 65x64 pixels; design mine has 64x64"),
        (("--input", "float.npy"), r"float\.npy: frames are float64; the codes of the ADC are needed"),
        (("--input", "nothing.h5"), r"nothing\.h5: there is no such file or folder"),
        (("--input", "few.npy", "--radius", "0.1"), r'--radius is of holograms; design mine is of kind "four-angle"'),
        (("--input", "few.npy", "--reference", "few.npy"), r"--reference is of holograms"),
        (("--input", "few.npy", "--bead-um", "8"), r"--bead-um is of holograms"),
    ],
)
def test_what_cannot_calibrate_is_told(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    good = np.random.default_rng(0).integers(100, 120, (20, 4, 64, 64), np.uint8)
    flat, bright = good.copy(), good.copy()
    flat[3, 1], bright[2, 2, :9] = 7, 255
    arrays = {"few": good[:15], "flat": flat, "bright": bright, "float": good * 0.5}
    arrays["large"] = np.concatenate([good, good[:, :, :1]], axis=2)
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    folder = written(of_law(CAUSAL, OWN_BORDER), tmp_path / "mine")
    assert calibrate(folder, *arguments) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert re.search(said, told[-1]), told
    assert not (folder / "calibration").exists()


@pytest.mark.parametrize("law", [(FFT, OWN_BORDER), (TWO_SIDED, OWN_BORDER)])
def test_a_law_without_a_background_is_not_calibrated(
    law: tuple[str, str], lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(of_law(*law), tmp_path / "mine")
    assert calibrate(folder, "--input", lab / "empty.h5") == 2
    told = capsys.readouterr().err
    assert 'a calibration belongs to retrieval = "causal", or to retrieval = "two-sided" with surface = "known"' in told


def test_designs_that_are_nobodys_or_say_it_themselves(
    design: Design, lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(Path("qatom64"), "--input", lab / "empty.h5") == 2
    assert "qatom64 comes with Cytogate and is left as it is" in capsys.readouterr().err
    folder = written(known(design), tmp_path / "mine")
    assert calibrate(folder, "--input", lab / "empty.h5") == 2
    assert "design.toml has a section [background], which counts before" in capsys.readouterr().err


def test_another_window_asks_for_a_calibration_which_may_be_done(
    design: Design, lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(design, tmp_path / "mine")
    assert calibrate(folder, "--input", lab / "empty.h5") == 0
    file = folder / "calibration/0001" / BACKGROUND_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("rows = 64", "rows = 128"), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"background\.toml: design mine: its background .* run `cytogate calibrate` again"
    ):
        load_design(folder)
    assert calibrate(folder, "--input", lab / "empty.h5") == 0
    assert load_design(folder).background is not None
    file = folder / "calibration/0002" / BACKGROUND_FILE
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"background\.toml: version is 1; that of its folder is 2"):
        load_design(folder)
    toml = folder / DESIGN_FILE
    toml.write_text(design_text(dataclasses.replace(of_law(FFT, OWN_BORDER), name="mine")), encoding="utf-8")
    assert load_design(folder).background is None, "another law does not read it"
    capsys.readouterr()


def test_another_folder_gets_it_as_a_calibration(design: Design, tmp_path: Path) -> None:
    """As what a search of networks has chosen does."""
    told = known(design)
    folder = written(design, tmp_path / "other")
    write_background(told, folder)
    assert load_design(folder).background == told.background
    assert sorted(path.name for path in folder.rglob("*.toml")) == [BACKGROUND_FILE, DESIGN_FILE]
    write_background(design, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


# Who begins with it.


def test_runs_begin_with_it(design: Design) -> None:
    """Exact, compiled and float64: as with that background given, and not as without it."""
    told, frames = known(design), frames_of(design)
    given = own_background(told)
    assert given is not None
    due = integer.retrieve(frames, design, given)
    run = laws.Run(told)
    stages = run.exact(frames)
    for name, codes in due.stages.items():
        assert np.array_equal(stages[name], codes), name
    assert run.background is not None
    assert due.background is not None
    assert np.array_equal(run.background.surface, due.background.surface)
    assert np.array_equal(laws.network_inputs(frames, told), due.stages["network_input"])
    assert np.array_equal(laws.exact(frames, told)["phase"], due.stages["phase"])
    real = reference.retrieve(frames, design, reference.RealBackground.of(given, recursion_contract(design)))
    assert np.array_equal(laws.real(frames, told)["phase"], real.stages["phase"])
    without = laws.exact(frames, design)["phase"]
    assert (without != due.stages["phase"]).mean() > 0.5


def test_standing_and_settled_backgrounds_are_the_calibration(design: Design) -> None:
    class Nothing:
        cells = 0

        def read(self, start: int, stop: int) -> np.ndarray:
            raise AssertionError("the calibration is there")

    told, frames = known(design), frames_of(design, 2)
    causal = design.chip.retrieval == CAUSAL
    standing = laws.standing_background(frames, told)
    assert standing is not None
    assert standing.frozen is causal
    assert np.array_equal(standing.surface, light_of(design))
    settled = laws.settled_background(Nothing(), told)
    if causal:
        assert settled is not None
        assert settled.frozen
        assert np.array_equal(settled.surface, light_of(design))
    else:
        assert settled is None, "runs begin with it by themselves"


def test_sums_of_training_are_flattened_by_it() -> None:
    design = of_law(TWO_SIDED, KNOWN)
    told, frames = known(design), frames_of(design)
    due = laws.exact(frames, told)
    sums = due["binned"].astype(np.int32)
    assert np.array_equal(laws.inputs_of_sums(sums, told), due["network_input"])
    assert not np.array_equal(laws.inputs_of_sums(sums, design), due["network_input"])


def test_cells_that_are_looked_at_alone(design: Design) -> None:
    told = known(design)
    own = laws.alone(told)
    assert own.chip.retrieval == TWO_SIDED
    assert (own.background is None) is (design.chip.retrieval == CAUSAL)


def test_training_takes_few_cells_of_a_calibrated_chip(design: Design, lab: Path, tmp_path: Path) -> None:
    """Without a calibration a causal design needs 64 frames to settle."""
    told = known(design)
    cells = OwnCells.of(lab / "cells.h5", None, told, None, seed=0)
    write_inputs(cells, told, tmp_path / "inputs.h5", workers=1)
    frames = np.stack(list(h5py.File(lab / "cells.h5")["frames"]))
    due = laws.Run(told, laws.standing_background(frames, told)).network_inputs(frames)
    with h5py.File(tmp_path / "inputs.h5") as file:
        assert np.array_equal(file["network_input"][:], due)
    if design.chip.retrieval == CAUSAL:
        with pytest.raises(InputError, match="or `cytogate calibrate` measures it beforehand"):
            write_inputs(cells, design, tmp_path / "none.h5", workers=1)


def test_simulated_cells_are_flattened_by_their_own_light(tmp_path: Path) -> None:
    """A calibrated chip knows the surface, of whichever light; each frame then chooses its half."""
    design = of_law(TWO_SIDED, KNOWN)
    told, cells = known(design, np.full((6, 2), 99)), simulated(design, 3)
    write_network_inputs(cells, told, tmp_path / "known.h5", workers=1)
    write_network_inputs(cells, design, tmp_path / "border.h5", workers=1)
    frames = np.stack([cell.frames for cell in cells])
    for name, due in (
        ("known", laws.Run(design, Background(light_of(design)))),
        ("border", laws.Run(design)),
    ):
        with h5py.File(tmp_path / f"{name}.h5") as file:
            assert np.array_equal(file["network_input"][:], due.network_inputs(frames)), name
