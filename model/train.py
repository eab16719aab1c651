"""The job of ``cytogate train``: cells, split, codes, networks, baselines, background check, verdict, page.

Cells come from a file of the user's or, without one, from the simulator. Everything that is fitted is fitted to
training cells; epoch and operating point are selected on validation cells; test cells are looked at once, at the end.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.command.native import own_cores
from cytogate.model.command.outputs import check_file
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.data.background_control import BackgroundControl
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.own_cells import OwnCells, fit_codes, write_inputs
from cytogate.model.data.own_holograms import OwnHolograms, write_own_squares
from cytogate.model.data.splits import Split, check_classes
from cytogate.model.design.design import FFT, Design, OperatingPoint
from cytogate.model.design.folder import (
    CODES_FILE,
    OPERATING_POINT_FILE,
    QUANTIZED_WEIGHTS,
    RECORD_FILE,
    codes_text,
    design_text,
    network_folder,
    operating_point_text,
)
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Saved
from cytogate.model.errors import InputError
from cytogate.model.evaluation.classical import features_in, fitted, predicted_at_point
from cytogate.model.evaluation.operating_point import Chosen, Rates, chosen
from cytogate.model.evaluation.verdict import Evaluation, Predictions
from cytogate.model.networks.build import build
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.operating_point import apply_operating_point, offset_step
from cytogate.model.networks.reading.reader import read_exactly
from cytogate.model.networks.saved import save_network
from cytogate.model.pages.page import check_page
from cytogate.model.pages.training_page import training_page
from cytogate.model.simulation.cells import CELL_LINES
from cytogate.model.simulation.hologram_cells import CELLS_A_FIELD, CalibratedHolograms, write_hologram_cells
from cytogate.model.simulation.hologram_squares import fields_of
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_network_inputs
from cytogate.model.training.designs import (
    FLOAT,
    QUANTIZED,
    DesignPlan,
    plan_of,
    probabilities_of,
    symmetries_of,
    train_both,
    train_float,
)
from cytogate.model.training.fitting import Fitted, OnProgress

PACKAGES = ("cytogate", "keras", "qkeras-v3", "tensorflow", "numpy", "scikit-learn", "scikit-image")
PAGE = "page"


@dataclass(frozen=True)
class TrainRequest:
    """What was asked of ``cytogate train``."""

    design: Design
    epochs: int | None
    """Of the float network, or of each; None: as the design's recipe and the number of cells ask for."""
    fine_tune_epochs: int | None
    """Of the quantized network; None: as the recipe has it."""
    seed: int
    """Of split, initial weights and order."""
    input: Path | None
    """Labelled cells of the user's; None for simulated ones."""
    dataset: str | None
    """Array of ``input`` that holds the cells, if its name is not ``frames``."""
    cells: int | None
    """Cells at most, of a file; of the simulator, training, validation and test together."""
    data_seed: int
    """Of the simulated cells."""
    work: Path
    """Folder for data and unfinished trainings."""


SIMULATED_CELLS, SIMULATED_BACKGROUNDS = 100_000, 6_000
SIMULATED_HOLOGRAM_CELLS = 20_000
LEAST_BACKGROUND_FIELDS = 40


@dataclass(frozen=True, eq=False)
class Cells:
    """Labelled network inputs, those of the same or like cells without the cell, and who is trained on."""

    design: Design
    inputs: CellFile
    split: Split
    background: CellFile
    background_split: Split
    source: str
    simulated: bool
    facts: dict[str, object]
    groups: NDArray | None = None
    """Donor, day, run or hologram of each cell."""
    background_groups: NDArray | None = None


def run_train(request: TrainRequest) -> None:
    """Train, evaluate once on the test cells, write network, record and page; raise CheckFailed on a bad verdict."""
    began = time.perf_counter()
    if isinstance(request.design.network.topology, Saved):
        raise InputError(f"design {request.design.name}: its network was adopted; `cytogate adopt` replaces it")
    folder = network_folder(request.design)
    check_page(folder.parent / PAGE)
    check_file(folder.parent / RECORD_FILE)
    # Of an earlier training; no training depends on it.
    request = dataclasses.replace(request, design=dataclasses.replace(request.design, operating_point=None))
    for quantized in (True, False):
        # A window that the network does not suit is told before any cell is read.
        build(request.design, quantized)
    work = request.work / request.design.name
    cells = _cells(request, work)
    design, console = cells.design, terminal()
    if cells.facts.get("lacking") is not None:
        console.print(f"{cells.source}: {cells.facts['lacking']}, however its groups are dealt", soft_wrap=True)
    plan = plan_of(
        design,
        len(cells.split.training),
        seed=request.seed,
        epochs=request.epochs,
        fine_tune_epochs=request.fine_tune_epochs,
    )
    trainings = work / f"training-{_identity(cells, plan)}"
    with _progress() as on_progress:
        networks = train_both(design, cells.inputs, cells.split, trainings, plan, on_progress)
        on_background = train_float(
            design, cells.background, cells.background_split, trainings / "background", plan, on_progress
        )
    with console.status("hand-made features, SVM, LDA, gradient boosting ..."):
        point, decided = _operating_point(cells, networks)
        design = dataclasses.replace(design, operating_point=point.operating_point)
        evaluation = _evaluate(cells, decided, on_background, plan.seed)
        unmoved = _rates(cells, networks[QUANTIZED])
    # Quantized weights go first and come last: without them a design has no network, whenever this ends.
    for name in (QUANTIZED_WEIGHTS, OPERATING_POINT_FILE, CODES_FILE):
        (folder / name).unlink(missing_ok=True)
    if design.codes is not None:
        with whole_file(folder / CODES_FILE) as partial:
            partial.write_text(codes_text(design.codes), encoding="utf-8")
    if design.operating_point is not None:
        with whole_file(folder / OPERATING_POINT_FILE) as partial:
            partial.write_text(operating_point_text(design.operating_point), encoding="utf-8")
    for name, trained in sorted(networks.items(), key=lambda each: each[0] == QUANTIZED):
        save_network(trained.model, design, name == QUANTIZED)
    record: dict[str, object] = {
        "network": design.name,
        "simulated": cells.simulated,
        "design": design_text(design),
        "data": {"source": cells.source, "cells": len(cells.inputs.labels), **cells.facts},
        "split": {name: len(getattr(cells.split, name)) for name in ("training", "validation", "test")},
        "plan": dataclasses.asdict(plan),
        "macs": count_macs(networks[QUANTIZED].model),
        "weights": count_weights(networks[QUANTIZED].model),
        "versions": {package: version(package) for package in PACKAGES},
        "operating_point": {**dataclasses.asdict(point), "test_without": dataclasses.asdict(unmoved)},
        "evaluation": dataclasses.asdict(evaluation),
        "curves": {
            name: {"selected": trained.selected, "epochs": [dataclasses.asdict(epoch) for epoch in trained.curve]}
            for name, trained in (*networks.items(), ("background", on_background))
        },
        "seconds": time.perf_counter() - began,
    }
    path = folder.parent / RECORD_FILE
    with whole_file(path) as partial:
        partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    curves = {name: trained.curve for name, trained in networks.items()}
    page = training_page(
        design, evaluation, (point, unmoved), cells.split, cells.source, cells.simulated, cells.facts, curves
    )
    page.write(folder.parent / PAGE, {"command": _command(request), "minutes": (time.perf_counter() - began) / 60})
    evaluation.print(console, f"{len(cells.split.test):,} {'simulated ' if cells.simulated else ''}cells never seen")
    console.print(f"written: {folder}, {path}, {folder.parent / PAGE / 'README.md'}", soft_wrap=True)
    evaluation.check(own=request.input is not None)


def _command(request: TrainRequest) -> str:
    """Return what repeats a training."""
    given = {
        "design": request.design.folder, "input": request.input, "dataset": request.dataset, "cells": request.cells,
        "data-seed": None if request.input is not None else request.data_seed, "seed": request.seed,
        "epochs": request.epochs, "fine-tune-epochs": request.fine_tune_epochs,
    }  # fmt: skip
    options = [[f"--{name}", str(value)] for name, value in given.items() if value is not None]
    return shlex.join(["cytogate", "train", *itertools.chain(*options)])


def _identity(cells: Cells, plan: DesignPlan) -> str:
    """Return a word for all that a training depends on: the same goes on where it ended, another begins its own."""
    said = json.dumps([design_text(cells.design), dataclasses.asdict(plan), cells.facts, len(cells.inputs.labels)])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _cells(request: TrainRequest, work: Path) -> Cells:
    """Return the cells that are trained on."""
    if isinstance(request.design.instrument, OffAxis):
        return _simulated_holograms(request, work) if request.input is None else _own_holograms(request, work)
    return _own(request, work) if request.input is not None else _simulated(request, work)


def _own(request: TrainRequest, work: Path) -> Cells:
    """Return the cells of the user's file as the chip sees them, with offsets and gains fitted to training cells."""
    design, seed = request.design, request.seed
    assert request.input is not None
    own = OwnCells.of(request.input, request.dataset, design, request.cells, seed)
    split = own.split(design.network.class_names, seed)
    if not design.retrieves_phase:
        design = dataclasses.replace(design, codes=fit_codes(own, split.training, design, seed))
    path = work / f"inputs-{own.key[:12]}-{_tag(design)}.h5"
    if not path.exists():
        write_inputs(own, design, path)
    inputs = CellFile.of(path, design)
    background = _background(inputs, split, work / f"background-{path.stem}-seed{seed}.h5", seed, design)
    facts: dict[str, object] = {
        "lacking": split.lacking(own.labels, design.network.class_names),
        "groups": None if own.groups is None else sorted(map(str, set(own.groups.tolist()))),
        "cells of a class": {
            name: int(np.count_nonzero(own.labels == label)) for label, name in enumerate(design.network.class_names)
        },
        "content": own.key,
    }
    if own.groups is not None:
        facts["test groups"] = len(np.unique(own.groups[split.test]))
    return Cells(design, inputs, split, background, split, str(own.path), own.simulated, facts, own.groups, own.groups)


def _own_holograms(request: TrainRequest, work: Path) -> Cells:
    """Return the labelled cells of the user's holograms; those of a hologram, or of its group, are on one side."""
    design, seed, names = request.design, request.seed, request.design.network.class_names
    assert request.input is not None
    own = OwnHolograms.of(request.input, request.dataset, design)
    path = work / f"inputs-{own.key[:12]}-{_tag(design)}.h5"
    if not path.exists():
        write_own_squares(own, design, path, own_cores())
    inputs = CellFile.of(path, design)
    check_classes(inputs.labels, names, f"{own.path}: whole single cells that were found on its holograms")
    fields = fields_of(path)
    groups = own.groups[fields]
    chosen = np.arange(len(inputs.labels))
    if request.cells is not None:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[: request.cells])
        check_classes(inputs.labels[chosen], names, f"{own.path}: of {request.cells} cells")
    parts = Split.by_groups(inputs.labels[chosen], groups[chosen], names, seed)
    split = Split(chosen[parts.training], chosen[parts.validation], chosen[parts.test])
    background = _background(inputs, split, work / f"background-{path.stem}-seed{seed}.h5", seed, design)
    facts: dict[str, object] = {
        "lacking": split.lacking(inputs.labels, names),
        "groups": sorted(map(str, set(own.groups.tolist()))) if own.is_grouped else None,
        "fields": own.fields,
        "cells of a class": {
            name: int(np.count_nonzero(inputs.labels[chosen] == label)) for label, name in enumerate(names)
        },
        "content": own.key,
        "calibration": design.calibrated.version,
        "holograms without a cell that is trained on": own.fields - len(np.unique(fields)),
        "test groups": len(np.unique(groups[split.test])),
    }
    if own.marks is not None:
        facts["marked cells"], facts["of them trained on"] = len(own.labels), len(inputs.labels)
    return Cells(design, inputs, split, background, split, str(own.path), own.simulated, facts, groups, groups)


def _tag(design: Design) -> str:
    """Return a word for the design and the law by which inputs are made: a file of theirs is never another's."""
    return hashlib.sha256((version("cytogate") + design_text(design)).encode()).hexdigest()[:8]


def _background(inputs: CellFile, split: Split, path: Path, seed: int, design: Design) -> CellFile:
    """Return the inputs with the cells hidden by their own background; how a cell is found is fitted on training."""
    sample = np.sort(np.random.default_rng(seed).permutation(split.training)[:BACKGROUND_CELLS])
    control = BackgroundControl.fitted(inputs.read(sample))
    with whole_file(path) as partial:
        inputs.rewritten(partial, lambda images, start: control.images(images, seed + start))
    return CellFile.of(path, design)


BACKGROUND_CELLS = 2000
"""Training cells, at most, to which the background check is fitted."""


def _simulated(request: TrainRequest, work: Path) -> Cells:
    """Return simulated cells, and the empty fields of the same seed."""
    design, count = request.design, request.cells or SIMULATED_CELLS
    simulated = SimulatedCells(design.four_angle, design.network.class_names, count, request.data_seed)
    hidden = dataclasses.replace(simulated, cells=max(60, count * SIMULATED_BACKGROUNDS // SIMULATED_CELLS))
    seed = request.seed
    split = Split.of(simulated.labels, seed)
    # Cells that are reported on are made exactly.
    fast = np.sort(np.concatenate([split.training, split.validation]))
    files = []
    # The same design may stand for another instrument tomorrow.
    seen = repr((version("cytogate"), design.instrument, design.window, design.network.class_names))
    key = hashlib.sha256(seen.encode()).hexdigest()[:8]
    for cells, name in ((simulated, "cells"), (hidden, "background")):
        is_hidden = cells is hidden
        of_split = "" if is_hidden else f"-split{seed}"
        law = "" if design.chip.retrieval == FFT else f"-{design.chip.retrieval}"
        path = work / f"simulated-{name}-{key}{law}-seed{request.data_seed}-{len(cells)}{of_split}.h5"
        if not path.exists():
            write_network_inputs(
                cells, design, path, background_only=is_hidden, fast=None if is_hidden else fast, workers=own_cores()
            )
        files.append(CellFile.of(path, design))
    inputs, background = files
    facts: dict[str, object] = {"seed": request.data_seed, "background_cells": len(hidden)}
    return Cells(
        design, inputs, split, background, Split.of(background.labels, seed),
        f"simulator, seed {request.data_seed}", True, facts,
    )  # fmt: skip


def _simulated_holograms(request: TrainRequest, work: Path) -> Cells:
    """Return cells of simulated holograms, and the squares at their places in empty ones of the same seed."""
    design, count, seed = request.design, request.cells or SIMULATED_HOLOGRAM_CELLS, request.seed
    names, lines = design.network.class_names, tuple(CELL_LINES)
    if not set(names) <= set(lines):
        raise InputError(
            f"design {design.name}: cells of {', '.join(names)} cannot be simulated; [network] class_names may be some "
            f"of {', '.join(lines)}"
        )
    fields = math.ceil(count / CELLS_A_FIELD)
    hidden = max(LEAST_BACKGROUND_FIELDS, math.ceil(fields * SIMULATED_BACKGROUNDS / SIMULATED_CELLS))
    files, splits, fields_by_file = list[CellFile](), list[Split](), list[NDArray[np.int64]]()
    for number, name in ((fields, "cells"), (hidden, "background")):
        path = work / f"simulated-{name}-{_tag(design)}-seed{request.data_seed}-{number}.h5"
        if not path.exists():
            made = CalibratedHolograms.of(design, number, request.data_seed)
            write_hologram_cells(made, path, background_only=name == "background", workers=own_cores())
        cells = CellFile.of(path, design)
        check_classes(cells.labels, names, f"simulated holograms, {name}")
        # Cells of a hologram share its speckle and its noise.
        of_cells = fields_of(path)
        files.append(cells)
        fields_by_file.append(of_cells)
        splits.append(Split.by_groups(cells.labels, of_cells, names, seed))
    inputs, background = files
    facts: dict[str, object] = {
        "seed": request.data_seed, "fields": fields, "background_cells": len(background.labels),
        "calibration": design.calibrated.version,
    }  # fmt: skip
    return Cells(
        design, inputs, splits[0], background, splits[1], f"simulator, seed {request.data_seed}", True, facts,
        *fields_by_file,
    )  # fmt: skip


def _operating_point(cells: Cells, networks: dict[str, Fitted]) -> tuple[Chosen, dict[str, Fitted]]:
    """Return what is added to the logits, chosen on the quantized network's of validation cells, and the networks so.

    The float network gets the same, so that the two differ by quantization alone.
    """
    design, split, labels = cells.design, cells.split, cells.inputs.labels

    def moved(name: str, point: OperatingPoint) -> Fitted:
        network = build(design, name == QUANTIZED)
        network.set_weights(networks[name].model.get_weights())
        apply_operating_point(network, point)
        return dataclasses.replace(networks[name], model=network)

    def is_possible(offsets: tuple[float, ...]) -> bool:
        try:
            read_exactly(moved(QUANTIZED, OperatingPoint(offsets)).model)
        except InputError:
            return False
        return True

    model = networks[QUANTIZED].model
    found = probabilities_of(model, cells.inputs, split.validation, design)
    # Logits but for what is common to a cell's; none is so far behind that its probability is zero, but for a fault.
    logits = np.log(np.maximum(found, np.finfo(np.float64).tiny))
    training_cells = np.bincount(labels[split.training], minlength=design.network.classes)
    point = chosen(logits, labels[split.validation], training_cells, offset_step(model), is_possible)
    kept = point.operating_point
    return point, networks if kept is None else {name: moved(name, kept) for name in networks}


def _rates(cells: Cells, trained: Fitted) -> Rates:
    """Return what a network gets right of the test cells."""
    test = cells.split.test
    predicted = probabilities_of(trained.model, cells.inputs, test, cells.design).argmax(axis=1)
    return Rates.of(cells.inputs.labels[test], predicted)


def _evaluate(cells: Cells, networks: dict[str, Fitted], on_background: Fitted, seed: int) -> Evaluation:
    """Test everything once, on the same unseen cells."""
    design, test = cells.design, cells.split.test
    names = design.network.class_names
    labels = cells.inputs.labels
    quantized, float_network = networks[QUANTIZED].model, networks[FLOAT].model
    views = tuple(
        probabilities_of(quantized, cells.inputs, test, design, symmetry) for symmetry in range(symmetries_of(design))
    )
    training = cells.split.training
    features = partial(features_in, design=design, workers=own_cores())
    validation, groups, hidden_groups = cells.split.validation, cells.groups, cells.background_groups
    training_cells = np.bincount(labels[training], minlength=len(names))
    by_features = fitted(features(cells.inputs, training), labels[training], seed, _of(groups, training))
    of_test, of_validation = features(cells.inputs, test), (features(cells.inputs, validation), labels[validation])
    baselines = {
        name: predicted_at_point(estimator, of_validation, training_cells, of_test)
        for name, estimator in by_features.items()
    }
    unseen, hidden = cells.background_split.test, cells.background
    learned = cells.background_split.training
    by_background = fitted(features(hidden, learned), hidden.labels[learned], seed, _of(hidden_groups, learned))
    of_unseen = features(hidden, unseen)
    on_hidden = {
        "network": probabilities_of(on_background.model, hidden, unseen, design).argmax(axis=1),
        **{name: estimator.predict(of_unseen) for name, estimator in by_background.items()},
    }
    return Evaluation.of(
        Predictions(
            labels[test],
            names,
            views,
            probabilities_of(float_network, cells.inputs, test, design),
            baselines,
            _of(groups, test),
        ),
        hidden.labels[unseen],
        on_hidden,
        int(training_cells.argmax()),
        _of(hidden_groups, unseen),
    )


def _of(groups: NDArray | None, chosen: NDArray[np.int64]) -> NDArray | None:
    return None if groups is None else groups[chosen]


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Show one bar for each epoch that runs."""
    with progress_bars() as progress:
        task = progress.add_task("training")

        def show(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        yield show
