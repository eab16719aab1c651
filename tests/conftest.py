"""Fixtures that tests share: where kernels are compiled, signals left as they were, and a verb that fails."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from cytogate.model.command import dispatch
from cytogate.model.command.dispatch import Verb, main
from cytogate.model.command.requests import ENDING
from cytogate.sim.coverage.instrument import coverage_folder
from tests import mutants

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Let processes that tests start be interrupted: in the background of a shell they would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A busy machine is no fault of an example's.
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, where mutants are what is run, those that were seen before the run was interrupted."""
    if config.getoption("markexpr") == "mutants":
        items[:] = mutants.without_seen(items)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Record how faults come out that are put into modules."""
    mutants.record(item, call)


@pytest.fixture(scope="session")
def builds() -> Path:
    """Return the folder in which kernels are compiled, once as long as nothing they depend on changes."""
    return REPOSITORY / "out" / ("tests" if coverage_folder() is None else "coverage/builds")


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Leave Ctrl-C to whoever runs the tests: a verb that was interrupted takes no second request to end."""
    before = {each: signal.getsignal(each) for each in ENDING}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | None], int]:
    """Run a verb that raises something, or nothing, and give its exit code."""

    def run(raised: BaseException | None) -> int:
        def work(arguments: argparse.Namespace) -> None:
            if raised is not None:
                raise raised

        class Entry:
            name = "work"

            @staticmethod
            def load() -> Verb:
                return Verb("Work.", lambda parser: None, work)

        monkeypatch.setattr(dispatch, "entry_points", lambda group: [Entry])
        return main(["work"])

    return run
