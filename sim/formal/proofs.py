"""Proofs of ``fpga/rtl``: a harness a module, its parameters, and how far induction looks back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Property:
    """A module with its harness ``MODULE_proof.sv``."""

    module: str
    variants: tuple[Mapping[str, int], ...] = ({},)
    """Parameters of the harness, one proof each."""
    depth: int = 10
    """Clocks of the base case, and the most that induction looks back."""
    bounded: bool = False
    """For the clocks of the base case alone: what comes later is not proved."""


PROOFS = (
    Property("fifo", ({"DEPTH": 2}, {"DEPTH": 4})),
    Property("ring", ({"DEPTH": 2}, {"DEPTH": 3}, {"DEPTH": 4})),
    Property("credits", ({"COUNT": 1}, {"COUNT": 3}, {"COUNT": 4})),
    Property("stream_queue", ({"DEPTH": 2}, {"DEPTH": 4})),
    Property("reserved_queue", ({"DEPTH": 2}, {"DEPTH": 4})),
    Property("exponent_queue"),
    Property("delay", ({"CLOCKS": 1}, {"CLOCKS": 2}, {"CLOCKS": 7}, {"CLOCKS": 8}, {"CLOCKS": 9}), 12),
    Property("pipeline_valid", ({"CLOCKS": 1}, {"CLOCKS": 3})),
    Property("row_memory"),
    Property("stream_fork"),
    Property("narrow_beats", ({"PIXELS": 2}, {"PIXELS": 3})),
    Property("crop_map", depth=20),
    Property("pad_map", depth=22),
    Property("line_timer", ({"SIZE": 4}, {"SIZE": 8}), 14),
    Property(
        "round_word",
        (
            {},
            {"IN_SIGNED": 0, "OUT_SIGNED": 0},
            {"OUT_SIGNED": 0},
            {"IN_SIGNED": 0},
            {"SLOPE_SHIFT": 2},
            {"SLOPE_SHIFT": 4, "OUT_SIGNED": 0},
            {"OUT_BITS": 9},
        ),
        3,
    ),
    Property("round_words"),
    Property(
        "shift_round",
        (
            {"SHIFT_BITS": 4},
            {"SHIFT_BITS": 5},
            {"SHIFT_BITS": 5, "IN_BITS": 27},
            {"FIXED": 0},
            {"FIXED": 1},
            {"FIXED": 3},
            {"FIXED": 3, "SATURATE": 0},
            {"FIXED": 3, "OUT_BITS": 11},
        ),
        7,
    ),
    Property("pool_word", depth=3),
    Property(
        "mean_word",
        ({"COUNT": 4}, {"COUNT": 9}, {"COUNT": 9, "APPENDED": 2}, {"COUNT": 6, "IN_SIGNED": 0}, {"COUNT": 1}),
        3,
    ),
    Property("pool_windows", ({}, {"IS_SIGNED": 0}, {"MEAN": 1}, {"MEAN": 1, "IS_SIGNED": 0})),
    Property("join_words", (*({"OPERATION": each} for each in range(5)), {"OPERATION": 1, "SECOND_SIGNED": 0}), 5),
    Property("axi_lite"),
    Property("status_registers"),
    Property("stream_registers", depth=48),
    Property("kernel_registers"),
    Property("batch_cutter", ({"FRAME_BEATS": 3}, {"FRAME_BEATS": 1})),
    Property("batch_joiner"),
    Property(
        "frame_input", ({}, {"ROWS": 5, "TOP": 1, "BINNING": 2}, {"ROWS": 5, "TOP": 1, "BINNING": 2, "GROUP": 2}), 13
    ),
    Property("frame_output", depth=26),
    Property("corner_turn", ({"TO_LINES": 1}, {"TO_LINES": 0}), 20, bounded=True),
    Property(
        "binning",
        (
            {"SAMPLES": 1, "RAW_COLUMNS": 5},
            {"SAMPLES": 2},
            {"SAMPLES": 2, "COLUMNS": 3, "RAW_COLUMNS": 7},
            {"SAMPLES": 4, "LEFT": 3, "RAW_COLUMNS": 10, "COLUMNS": 3},
        ),
        19,
        bounded=True,
    ),
    Property("gate", ({}, {"DELAY_BITS": 9}), 5),
    Property("trigger", ({"PULSES": 2}, {"PULSES": 4, "CLOCK_BITS": 5}), 6),
    Property("argmax", ({"CLASSES": 3}, {"CLASSES": 3, "IS_SIGNED": 0}, {"CLASSES": 5, "BITS": 2}, {"CLASSES": 1}), 8),
)
