"""Physical memory of an emulated board, as two worlds see it.

The host works on a copy of its own, as behind a cache; only a flush brings it to the device and only an invalidation
brings the device's back. Who forgets one works on old data, as on the real board, where it shows only sometimes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BASE = 0x1000_0000
PAGE = 4096
HOST_GARBAGE, DEVICE_GARBAGE = 0xA5, 0x5A
"""What fresh memory holds: nobody may take it for zeros."""


class Memory:
    """Contiguous allocations, counted; addresses are never used twice."""

    def __init__(self, size: int = 256 << 20) -> None:
        self._free_bytes = size
        self._next = BASE
        self._host: dict[int, NDArray[np.uint8]] = {}
        self._device: dict[int, NDArray[np.uint8]] = {}

    @property
    def allocations(self) -> int:
        """Allocations that were not given back."""
        return len(self._host)

    def allocate(self, size: int) -> tuple[int, NDArray[np.uint8]]:
        """Return address and host copy of new memory.

        Raises
        ------
        MemoryError
            If there is not as much left.
        """
        if size > self._free_bytes:
            raise MemoryError(f"{size} bytes are asked for, {self._free_bytes} are left on the emulated board")
        address = self._next
        # A page between two allocations belongs to nobody.
        self._next += -(-size // PAGE) * PAGE + PAGE
        self._free_bytes -= size
        self._host[address] = np.full(size, HOST_GARBAGE, np.uint8)
        self._device[address] = np.full(size, DEVICE_GARBAGE, np.uint8)
        return address, self._host[address]

    def free(self, address: int) -> None:
        """Give an allocation back."""
        self._free_bytes += len(self._host.pop(address))
        del self._device[address]

    def to_device(self, address: int, offset: int, size: int) -> None:
        """Copy a part of an allocation from the host's world to the device's."""
        self._device[address][offset : offset + size] = self._host[address][offset : offset + size]

    def to_host(self, address: int, offset: int, size: int) -> None:
        """Copy a part of an allocation from the device's world to the host's."""
        self._host[address][offset : offset + size] = self._device[address][offset : offset + size]

    def seen_by_device(self, address: int, size: int) -> NDArray[np.uint8] | None:
        """Return what a device reads and writes at an address, or None where not all of it is allocated."""
        for base, data in self._device.items():
            if base <= address and address + size <= base + len(data):
                return data[address - base : address - base + size]
        return None
