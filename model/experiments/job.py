"""The job of ``cytogate experiment``: run one, write its page, say where it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.experiments.setting import Experiment, Scale, Setting
from cytogate.model.pages.page import PACKAGES, check_page


@dataclass(frozen=True)
class ExperimentRequest:
    """What was asked of ``cytogate experiment``."""

    name: str
    scale: Scale
    seed: int
    work: Path
    output: Path
    """Folder that receives a folder ``NAME-SCALE``."""


def experiment_named(name: str) -> Experiment:
    """Return the experiment of the module ``name``."""
    experiment: Experiment = import_module(f"cytogate.model.experiments.{name}.experiment").EXPERIMENT
    return experiment


def run_experiment(request: ExperimentRequest) -> None:
    """Run an experiment and write its page."""
    began = time.perf_counter()
    experiment = experiment_named(request.name)
    called = f"{request.name}-{request.scale.value}"
    check_page(request.output / called)
    with progress_bars() as progress:
        page = experiment.run(Setting(request.scale, request.seed, request.work / called, progress))
    seed = f" --seed {request.seed}" if request.seed else ""
    record = {
        "experiment": experiment.name,
        "source": experiment.source,
        "command": f"cytogate experiment {request.name} --scale {request.scale.value}{seed}",
        "seed": request.seed,
        "minutes": (time.perf_counter() - began) / 60,
        "versions": {package: version(package) for package in PACKAGES},
    }
    page.write(request.output / called, record)
    terminal().print(f"written: {request.output / called / 'README.md'}", soft_wrap=True)
