"""Fixtures that tests share: where kernels are compiled, and signals left as they were."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

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
