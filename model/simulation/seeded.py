"""Sets of simulated items, each made when it is asked for, from the set's seed and the item's own number alone.

Neither batch, order, number of processes nor the size of a set change an item. Every random stream has a spawn key
(number, purpose): **whoever changes a key, or what is drawn from a stream and in which order, changes every item**.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar, overload

import numpy as np

from cytogate.model.errors import InputError

Item = TypeVar("Item", covariant=True)


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random stream of a spawn key, independent of those of all other keys of the seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def derived_seed(seed: int, *key: int) -> int:
    """Return the seed of a set of its own; sets of different keys share no stream."""
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0])


class SeededSet(Sequence[Item]):
    """A set of simulated items; what derives from it is a frozen dataclass with a seed, a length and :meth:`item`."""

    seed: int
    noun: ClassVar[str] = "cell"
    """What an item is, for messages."""

    @abstractmethod
    def item(self, index: int) -> Item:
        """Simulate the item of a number from 0 to ``len(self) - 1``."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        """Simulate one item, or those of a slice."""
        if isinstance(index, slice):
            return [self.item(each) for each in range(*index.indices(len(self)))]
        return self.item(self.checked(index))

    def checked(self, index: int) -> int:
        """Return the number of an item, counted from the end where ``index`` is negative.

        Raises
        ------
        IndexError
            If there is no such item.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.noun} {index} of {len(self)}")
        return index % len(self)

    def stream(self, *key: int) -> np.random.Generator:
        """Return a random stream of this set: that of an item's or a block's number and a purpose."""
        return stream(self.seed, *key)

    def kind(self, index: int, kinds: int, purpose: int) -> int:
        """Return which of ``kinds`` an item is: every run of so many items holds each kind once, shuffled."""
        block, place = divmod(self.checked(index), kinds)
        return int(self.stream(block, purpose).permutation(kinds)[place])

    def check_request(self, count: int, difficulty: float, most: float, told: str = "1 being the default") -> None:
        """Raise InputError if the number of items, the seed or the difficulty (0 to ``most``) is out of range."""
        if count < 1:
            raise InputError(f"{count} {self.noun}s cannot be simulated; ask for 1 or more")
        check_seed("seed", self.seed)
        if not 0 <= difficulty <= most:
            raise InputError(f"difficulty is {difficulty}; it must be 0 to {most:g}, {told}")


def check_seed(name: str, number: int) -> None:
    """Raise InputError if ``number`` seeds no stream."""
    if not 0 <= number < 2**63:
        raise InputError(f"{name} is {number}; it must be 0 to 2^63 - 1")


def check_class_names(class_names: tuple[str, ...]) -> None:
    """Raise InputError if there are no classes, or two of one name."""
    if not class_names or len(set(class_names)) < len(class_names):
        raise InputError("classes to simulate must be named, each once")
