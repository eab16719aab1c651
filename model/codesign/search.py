"""A search of topologies that processes share: what to try next, who tries it, what came of it.

Trials come in rounds of :data:`ROUND`. A round is proposed, by Optuna's tree-structured Parzen estimator, when all
trials before it have ended, from what came of these in the order of their places and not of their ends. So neither
the number of workers, nor who runs a trial, nor an interruption changes what is tried.

All is in a folder: Optuna's journal, and a lock for each trial that runs. A trial whose worker has ended without a
result is tried again by another one. A design beyond the board or the latency is a trial, too, from which the
estimator learns; its network is not trained.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from cytogate.model.codesign.cost import Cost
from cytogate.model.codesign.locks import JournalLock
from cytogate.model.codesign.space import Parameters, Space
from cytogate.model.command.locks import FileLock
from cytogate.model.design.topologies import Topology
from cytogate.model.errors import InputError
from cytogate.model.simulation.seeded import derived_seed

ROUND = 8
"""Trials that are proposed together."""
LIVES = 3
"""Workers that a trial may cost before it is given up."""
MOST_REFUSED = 200
"""Designs of a round that may be beyond the limits before it is proposed with fewer trials, or none."""
REFUSED_EXCESS = 1.0
"""By how much a topology exceeds the limits of which there is no network."""
DIRECTIONS = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE)
"""Of accuracy on validation cells, and of the share of the board."""
JOURNAL, NAME = "journal.log", "codesign"

Judge = Callable[[Topology], Cost]
"""Says what a topology costs; raises an InputError if there is no network of it."""

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class Limits:
    """What a design must keep to."""

    board: str
    latency_us: float


@dataclass(frozen=True)
class Taken:
    """A trial that this process runs."""

    trial: optuna.Trial
    place: int
    topology: Topology
    lock: FileLock


@dataclass(frozen=True)
class Ended:
    """A trial that has ended."""

    place: int
    topology: Topology | None
    """None where the values make none."""
    parameters: Parameters
    cost: Cost | None
    """None where there is no network."""
    accuracy: float | None
    """On validation cells; None where no network was trained."""
    told: str
    """Why none was."""


class Search:
    """The search in a folder; each process opens its own."""

    def __init__(self, folder: Path, space: Space, limits: Limits, judge: Judge, trials: int, seed: int) -> None:
        self._folder, self._space, self._limits, self._judge = folder, space, limits, judge
        self._trials, self._seed = trials, seed
        self._lock = FileLock(folder / "search.lock")
        journal = folder / JOURNAL
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock.held():
            try:
                storage = JournalStorage(JournalFileBackend(str(journal), JournalLock(journal)))
                self._study = optuna.create_study(
                    storage=storage, study_name=NAME, directions=DIRECTIONS, load_if_exists=True
                )
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{journal}: is no journal of a search ({error}); remove {folder} to start anew"
                ) from error

    def take(self) -> Taken | None:
        """Return a trial to run; None where there is none to be had now, see :attr:`is_over`."""
        with self._lock.held():
            self._bring_back(lost=True)
            if self._is_settled() and not self.is_over:
                self._propose()
            if not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                return None
            trial = self._study.ask(self._space.distributions)
            place = trial.user_attrs["place"]
            lock = self._running(place)
            if not lock.acquire(wait=False):
                raise InputError(f"{self._folder}: trial {place} is run by two; locks do not work on this file system")
            return Taken(trial, place, self._space.topology(trial.params), lock)

    def finish(self, taken: Taken, accuracy: float) -> None:
        """Keep what came of a trial."""
        with self._lock.held():
            self._study.tell(taken.trial, (accuracy, taken.trial.user_attrs["share"]))
            taken.lock.release()

    def give_up(self, taken: Taken, told: str) -> None:
        """Keep why nothing came of a trial; nobody tries it again."""
        with self._lock.held():
            taken.trial.set_user_attr("told", told)
            self._study.tell(taken.trial, state=TrialState.FAIL)
            taken.lock.release()

    def put_back(self) -> None:
        """Have trials tried again whose workers were ended on purpose: that costs no life."""
        with self._lock.held():
            self._bring_back(lost=False)

    @property
    def is_over(self) -> bool:
        """Whether all trials have ended, or nothing more is found to try."""
        if not self._is_settled():
            return False
        return self.done >= self._trials or bool(self._study.user_attrs.get("exhausted"))

    @property
    def done(self) -> int:
        """Trials that have been trained, or given up."""
        return sum(each.user_attrs.get("told", "") == "" or each.state == TrialState.FAIL for each in self._ended())

    def ended(self) -> list[Ended]:
        """Return the trials that have ended, by their places."""
        return [self._as_ended(each) for each in self._ended()]

    def _ended(self) -> list[FrozenTrial]:
        """Return the last trial of each place that nobody is to run again, by places."""
        found: dict[int, list[FrozenTrial]] = {}
        for trial in self._study.get_trials(deepcopy=False):
            found.setdefault(trial.user_attrs["place"], []).append(trial)
        return [found[place][-1] for place in sorted(found) if _has_ended(found[place])]

    def _is_settled(self) -> bool:
        """Whether no trial runs or waits."""
        return not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING))

    def _as_ended(self, trial: FrozenTrial) -> Ended:
        try:
            topology = self._space.topology(trial.params)
        except InputError:
            topology = None
        kept = trial.user_attrs.get("cost")
        told = trial.user_attrs.get("told", "")
        if trial.state == TrialState.FAIL and not told:
            told = f"{LIVES} workers were lost over it; less memory may be free than it needs"
        accuracy = trial.values[0] if trial.state == TrialState.COMPLETE and not told else None
        cost = None if kept is None else Cost(**kept)
        return Ended(trial.user_attrs["place"], topology, trial.params, cost, accuracy, told)

    def _running(self, place: int) -> FileLock:
        return FileLock(self._folder / "running" / f"{place}.lock")

    def _bring_back(self, *, lost: bool) -> None:
        """Have trials tried again whose worker has ended without a result, unless too many were ``lost`` over it."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            lock = self._running(trial.user_attrs["place"])
            if not lock.acquire(wait=False):
                continue
            lock.release()
            before = trial.user_attrs.get("lost", 0)
            # Enqueued before it is told: who looks in between must not find the search at its end.
            if before + lost < LIVES:
                self._study.enqueue_trial(trial.params, user_attrs=trial.user_attrs | {"lost": before + lost})
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _propose(self) -> None:
        """Propose a round; under the lock."""
        ended, number = self._ended(), self._study.user_attrs.get("rounds", 0)
        place = max((each.user_attrs["place"] for each in ended), default=-1) + 1
        wanted = min(ROUND, self._trials - self.done)
        found, refused = 0, 0
        known = {self._named(each.params) for each in ended}
        sampler = self._sampler(ended, number)
        while found < wanted and refused < MOST_REFUSED:
            asked = sampler.ask(self._space.distributions)
            name = self._named(asked.params)
            if name in known:
                sampler.tell(asked, state=TrialState.FAIL)
                refused += 1
                continue
            known.add(name)
            cost, told, excess = self._judged(asked.params)
            attributes: dict[str, Any] = {"place": place, "told": told}
            if cost is not None:
                attributes |= {"cost": asdict(cost), "share": cost.share}
            if told:
                asked.set_constraint("limits", excess)
                values = 0.0, 0.0 if cost is None else cost.share
                sampler.tell(asked, values)
                self._study.add_trial(_refused(asked, values, attributes, excess, self._space))
                refused += 1
            else:
                # What is not told yet is taken for a bad result while the round is proposed, so that trials differ.
                self._study.enqueue_trial(asked.params, user_attrs=attributes)
                found += 1
            place += 1
        self._study.set_user_attr("rounds", number + 1)
        if not found:
            self._study.set_user_attr("exhausted", True)

    def _judged(self, parameters: Parameters) -> tuple[Cost | None, str, float]:
        """Return what a topology costs, what is wrong with it, and by how much it exceeds the limits."""
        try:
            cost = self._judge(self._space.topology(parameters))
        except InputError as error:
            return None, str(error), REFUSED_EXCESS
        excess = cost.excess(self._limits.latency_us)
        return cost, cost.told(self._limits.board, self._limits.latency_us), excess

    def _named(self, parameters: Parameters) -> str:
        """Return what tells a topology from others: different values may make the same one."""
        try:
            return repr(self._space.topology(parameters))
        except InputError:
            return repr(sorted(parameters.items()))

    def _sampler(self, ended: list[FrozenTrial], number: int) -> optuna.Study:
        """Return a study in memory that knows what has ended and proposes the same each time."""
        seed = derived_seed(self._seed, number)
        sampler = optuna.samplers.TPESampler(n_startup_trials=ROUND, multivariate=True, constant_liar=True, seed=seed)
        study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
        study.add_trials([each for each in ended if each.state == TrialState.COMPLETE])
        return study


def _has_ended(tried: list[FrozenTrial]) -> bool:
    """Whether nobody runs, or will run, the trial of a place that was tried so often: one that failed is put back."""
    return tried[-1].state in (TrialState.COMPLETE, TrialState.FAIL)


def _refused(
    asked: optuna.Trial, values: tuple[float, float], attributes: dict[str, Any], excess: float, space: Space
) -> FrozenTrial:
    trial = optuna.trial.create_trial(
        params=asked.params, distributions=space.distributions, values=values, user_attrs=attributes
    )
    trial.set_constraint("limits", excess)
    return trial
