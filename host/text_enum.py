"""Enumerations that are their texts."""

from __future__ import annotations

from enum import Enum


class TextEnum(str, Enum):
    """What StrEnum is from Python 3.11 on; PYNQ's images have 3.10."""

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, form: str) -> str:
        return format(self.value, form)
