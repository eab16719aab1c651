"""Progress: bars in a terminal, a line now and then in a pipe."""

from __future__ import annotations

import pytest

from cytogate.model.command import terminal


@pytest.mark.parametrize(
    ("every_s", "lines"), [(0.0, ["[cells]: 1 of 3", "[cells]: 2 of 3", "[cells]: 3 of 3"]), (1e9, [])]
)
def test_a_log_has_lines(
    every_s: float, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "LOG_EVERY_S", every_s)
    with terminal.progress_bars() as progress:
        task = progress.add_task("[cells]", total=3)
        progress.advance(task)
        progress.update(task, completed=2)
        progress.advance(task)
    # The bars come once, at the end.
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if ": " in line and " of " in line] == lines
    assert any("3/3" in line for line in told)


def test_work_without_a_known_end_is_told_and_so_is_what_is_tracked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "LOG_EVERY_S", 0.0)
    with terminal.progress_bars() as progress:
        progress.advance(progress.add_task("looking", total=None), 2)
        assert list(progress.track(range(4), description="stored")) == [0, 1, 2, 3]
    told = capsys.readouterr().err
    assert "looking: 2\n" in told
    assert "stored: 4 of 4\n" in told


def test_a_terminal_has_bars_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(terminal, "LOG_EVERY_S", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with terminal.progress_bars() as progress:
        assert progress.console.is_terminal
        progress.advance(progress.add_task("cells", total=1))
    assert "cells: 1 of 1" not in capsys.readouterr().err
