"""Reasons why benches do not reach some of ``fpga/rtl``: branches by their line's text, bits by their module."""

from __future__ import annotations

from collections.abc import Mapping

BRANCHES: Mapping[tuple[str, str], str] = {}
"""Reason by module and line."""
BITS: Mapping[str, str] = {}
"""Reason by module, of whose bits fewer than the wanted share change both ways."""
