"""Errors that a user is told in one sentence: an input that cannot be used, or a check that failed."""

from __future__ import annotations


class InputError(Exception):
    """Something the user gave, or a tool the user lacks: one sentence, exit code 2."""


class CheckFailed(Exception):  # noqa: N818 - a failed check is a result, not an error
    """Everything ran and a promised relation does not hold: one sentence, exit code 1."""
