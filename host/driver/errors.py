"""Errors of a board."""

from __future__ import annotations

from cytogate.model.errors import CheckFailed


class BoardFailed(CheckFailed):
    """The board does not answer as it must and cannot be brought back: one sentence."""
