"""Packets of every kind in every order at every width and binning: intact frames leave exact, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytogate.model.interface.registers import Register
from cytogate.model.retrieval import laws
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.bright_fields import bright_field, frames_of

PACKETS, WHOLE = 32, 8
"""Packets, of which the last ones are whole frames, so that all places are taken."""
PACES = ({}, {"idle": 0.5, "stall": 0.5}, {"stall": 0.95}, {"idle": 0.6, "stall": 0.9})


def lengths(beats: int, row_beats: int, draw: np.random.Generator) -> np.ndarray:
    """Return beats of packets (PACKETS,): of the first ones a third is whole, a third too short, a third too long."""
    short = [1, beats - 1, 2 * row_beats, draw.integers(1, beats)]
    long = [beats + 1, beats + row_beats, 2 * beats + 2]
    given = [draw.choice([beats, draw.choice(short), draw.choice(long)]) for _ in range(PACKETS - WHOLE)]
    return np.array([*given, *[beats] * WHOLE])


def packets(beats: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return beats and TLAST of packets of ``given`` lengths, each of its own frame as far as that goes."""
    size = len(beats) // len(given)
    parts, lasts = [], []
    for number, length in enumerate(given):
        own = beats[number * size : (number + 1) * size]
        parts.append(np.concatenate([own] * (length // size + 1))[:length])
        lasts.append(np.arange(1, length + 1) == length)
    return np.concatenate(parts), np.concatenate(lasts).astype(np.uint8)


@pytest.mark.full
@pytest.mark.covers
@pytest.mark.parametrize("binning", [1, 2])
@pytest.mark.parametrize("samples", [1, 2, 4, 8])
def test_intact_frames_leave_exact_and_nothing_else_does(samples: int, binning: int, builds: Path) -> None:
    design = bright_field(f"packets_{binning}", 2, 8, (18, 25), (8, 11), binning)
    kernel = RtlSimulation(design, builds / f"rtl_{design.name}", samples)
    frames = frames_of(design, PACKETS)
    exact = laws.network_inputs(frames, design)
    beats, _ = kernel.beats(frames)
    size = len(beats) // PACKETS
    one_frame = np.array([size])
    draw, compared = np.random.default_rng(17 * samples + binning), 0
    for seed, pace in enumerate(PACES):
        given = lengths(size, size // 18, draw)
        intact = given == size
        assert 0 < intact.sum() < PACKETS
        # A reset while a packet comes, between its rows, while a short one is filled up and a long one swallowed, and
        # while a frame leaves.
        for sent, ends, left in (
            (size // 2 + 1, False, 0), (3 * (size // 18), False, 0), (1, True, 0), (size + 3, False, 0),
            (size, True, 5),
        ):  # fmt: skip
            lasts = np.zeros(sent, np.uint8)
            lasts[-1] = ends
            pixel_bytes = samples * len(design.camera.channels)
            kernel.run(np.concatenate([beats[:size]] * 2)[:sent], lasts, left, pixel_bytes, 10_000)
            kernel.reset()
            played = kernel.play(*packets(beats[:size], one_frame), 1)
            assert np.array_equal(played.pixels, exact[:1])
            compared += exact[:1].size
        played = kernel.play(*packets(beats, given), int(intact.sum()), seed=seed, **pace)
        assert np.array_equal(played.pixels, exact[intact])
        assert kernel.read(Register.FRAMES_ACCEPTED) == 1 + intact.sum()
        assert kernel.read(Register.FRAMES_DROPPED) == PACKETS - intact.sum()
        assert kernel.violations == 0
        compared += exact[intact].size
    assert compared >= len(PACES) * (5 + WHOLE) * exact[0].size
