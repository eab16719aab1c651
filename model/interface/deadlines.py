"""Time without progress that a chip is given, and what emulates one may take for a cell."""

BOARD_DEADLINE_S = 2.0
EMULATION_DEADLINE_S = 60.0
"""A cell in C-simulation takes a second where the computer has other work as well."""
LONGEST_DEADLINE_S = 86_400.0
"""A day: a wait without an end is no wait."""
