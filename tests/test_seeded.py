"""Seeded sets: streams and spawn keys that must stay as they are, or every simulated item changes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pytest

from cytogate.model.errors import InputError
from cytogate.model.experiments.dcae.hep2 import Part, SimulatedHep2
from cytogate.model.experiments.dcnn.dishes import TimeLapses
from cytogate.model.experiments.meng2018.atom import AtomFrames
from cytogate.model.experiments.topgan.maps import EASY, SimulatedMaps
from cytogate.model.simulation.seeded import SeededSet, derived_seed, stream
from cytogate.model.simulation.simulator import SimulatedCells


def test_streams_are_those_of_numpy_and_differ_by_key() -> None:
    assert stream(7, 3, 1).integers(1000, size=4).tolist() == [333, 333, 609, 893]
    assert derived_seed(7, 2) == 3831650445
    drawn = {tuple(stream(7, *key).integers(2**62, size=2)) for key in ((), (0,), (1,), (0, 0), (0, 1), (1, 0))}
    assert len(drawn) == 6


@pytest.mark.parametrize(
    ("items", "labels"),
    [
        (SimulatedCells(cells=12, seed=3), [4, 1, 3, 0, 2, 1, 2, 3, 4, 0, 0, 1]),
        (SimulatedMaps(EASY, 12, 3), [1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1]),
        (TimeLapses(12, seed=3), [6, 2, 8, 3, 7, 1, 5, 4, 9, 0, 10, 3]),
        (AtomFrames(12, 3), [0, 0, 2, 1, 2, 2, 0, 3, 1, 2, 2, 3]),
        (SimulatedHep2(Part.TRAINING, 12, seed=3), [16, 10, 8, 2, 1, 15, 4, 3, 6, 18, 14, 7]),
        (SimulatedHep2(Part.TEST, 12, seed=3), [35, 39, 32, 34, 20, 21, 24, 33, 37, 27, 29, 26]),
    ],
)
def test_who_is_what_stays_as_it_was(items: SeededSet, labels: list[int]) -> None:
    found = [items.label(index) for index in range(12)] if hasattr(items, "label") else items.specimens
    assert list(found) == labels


@pytest.mark.parametrize(
    ("module", "purposes"),
    [
        ("simulation.simulator", "CELL SHADING NOISE LABELS SUMS RUN_SHADING RUN_GAIN"),
        ("experiments.topgan.maps", "CELL NOISE LABELS"),
        ("experiments.dcnn.dishes", "CELLS TEXTURE BACKGROUND NOISE LABELS CAMERA"),
        ("experiments.meng2018.atom", "CELL FAULT FAULT_DETAILS PLACE NOISE LABELS RUN SHADING"),
        ("experiments.dcae.hep2", "ORDER SPECIMEN CELL BACKGROUND NOISE"),
    ],
)
def test_purposes_keep_their_numbers(module: str, purposes: str) -> None:
    found: type[IntEnum] = importlib.import_module(f"cytogate.model.{module}")._Purpose
    assert [(each.name, each.value) for each in found] == [
        (name, number) for number, name in enumerate(purposes.split())
    ]


@dataclass(frozen=True)
class Numbers(SeededSet[int]):
    """An item is its number."""

    seed: int = 0
    count: int = 5

    def __len__(self) -> int:
        return self.count

    def item(self, index: int) -> int:
        return index


def test_items_are_counted_from_both_ends() -> None:
    numbers = Numbers()
    assert [numbers[index] for index in (0, 4, -1, -5)] == [0, 4, 4, 0]
    assert list(numbers[1:-1]) == [1, 2, 3]
    assert list(numbers) == list(range(5))
    for index in (5, -6):
        with pytest.raises(IndexError, match=f"cell {index} of 5"):
            numbers[index]


def test_every_run_of_as_many_items_as_kinds_holds_each_once() -> None:
    numbers = Numbers(count=20)
    kinds = np.array([numbers.kind(index, 4, 9) for index in range(20)]).reshape(5, 4)
    assert (np.sort(kinds, axis=1) == np.arange(4)).all()
    assert len({tuple(row) for row in kinds.tolist()}) > 1


@pytest.mark.parametrize(
    ("count", "seed", "difficulty", "said"),
    [
        (0, 0, 1.0, "0 cells cannot be simulated"),
        (1, -1, 1.0, "seed is -1; it must be 0 to"),
        (1, 0, 2.5, "difficulty is 2.5; it must be 0 to 2, 1 being the default"),
        (1, 0, float("nan"), "difficulty is nan"),
    ],
)
def test_requests_out_of_range_are_one_sentence(count: int, seed: int, difficulty: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Numbers(seed, count).check_request(count, difficulty, 2.0)
