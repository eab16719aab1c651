"""A bounded queue between two threads of which either may end first."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ended(Exception):  # noqa: N818 - an end is no error
    """The giver has ended and everything has been taken."""


class Closed(Exception):  # noqa: N818
    """The taker has ended: what is given would never be taken."""


class Channel(Generic[Item]):
    """At most ``capacity`` items on their way from one thread to another, in order."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Give an item, after waiting for room; raise :class:`Closed` if the taker has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            self._append(item)

    def offer(self, item: Item) -> bool:
        """Give an item if there is room, and say whether there was; raise :class:`Closed` if the taker has ended."""
        with self._changed:
            if len(self._items) >= self._capacity and not self._closed:
                return False
            self._append(item)
            return True

    def get(self, timeout_s: float) -> Item | None:
        """Take an item, or None if there is none in time; raise :class:`Ended` behind the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended, timeout_s)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            if self._ended:
                raise Ended
            return None

    def end(self) -> None:
        """Say, as the giver, that nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Say, as the taker, that nothing more is taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _append(self, item: Item) -> None:
        if self._closed:
            raise Closed
        self._items.append(item)
        self._changed.notify_all()
