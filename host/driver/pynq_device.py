"""The one file of this room that imports pynq; works with its releases 3.0 and 3.1.

What pynq waits for without an end is not left to it: its channels start when the DMA already runs, and of its
transfers only the start is used.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.cores import Cores
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import LENGTH_BITS, REGISTER_BYTES
from cytogate.model.interface.bundle import DMA, FRONT_END, STREAM_UNIT, Bundle
from cytogate.model.interface.registers import PORT_BYTES

try:
    import pynq
except ImportError as error:
    raise InputError(
        f"pynq cannot be imported ({error}); on a board use its PYNQ image, elsewhere an emulated device"
    ) from error


def has_device() -> bool:
    """Whether pynq finds a device by itself: whether this runs on a board."""
    with warnings.catch_warnings():
        # That there is none.
        warnings.simplefilter("ignore", UserWarning)
        return bool(pynq.Device.devices)


@contextmanager
def own_device(bundle: Bundle) -> Iterator[None]:
    """Give the device that pynq finds by itself: the board this runs on.

    Raises
    ------
    InputError
        If there is none, or the bundle holds no bitstream for one.
    """
    if bundle.manifest.synthetic:
        raise InputError(f"{bundle.path}: this bundle is synthetic; it runs on an emulated board alone")
    if not has_device():
        raise InputError("pynq finds no device here; on a board run as root, elsewhere choose an emulated device")
    yield None


class DmaBuffer:
    """Contiguous memory for the DMA."""

    def __init__(self, device: Any, size: int) -> None:
        self.pynq = pynq.allocate(size, "u1", target=device)

    @property
    def octets(self) -> NDArray[np.uint8]:
        """The buffer as the host sees it; no view may outlive the buffer."""
        return np.asarray(self.pynq)

    def invalidate(self) -> None:
        """Let the host see what the device wrote."""
        self.pynq.invalidate()

    def free(self) -> None:
        """Give the memory back now, whoever still refers to it: pynq's channels do."""
        self.pynq.freebuffer()


class _Port:
    """Registers by way of pynq, which takes plain integers alone."""

    def __init__(self, mmio: Any) -> None:
        self._mmio = mmio

    def read(self, offset: int) -> int:
        return int(self._mmio.read(int(offset)))

    def write(self, offset: int, value: int) -> None:
        self._mmio.write(int(offset), int(value))


class PynqBoard:
    """A board with the bitstream loaded."""

    def __init__(self, bitfile: Path, device: Any, deadline_s: float) -> None:
        """Load ``bitfile`` onto ``device`` (None: pynq's own choice) and reset the data path."""
        _ensure_event_loop()
        self._overlay = pynq.Overlay(str(bitfile), device=device)
        self._device = self._overlay.device
        self.cores = Cores(
            dma=self._port(DMA, REGISTER_BYTES),
            unit=self._port(STREAM_UNIT, PORT_BYTES),
            retrieval=self._port(FRONT_END, PORT_BYTES),
            deadline_s=deadline_s,
        )
        self._dma: Any = None

    def set_clock(self, mhz: float) -> float:
        """Set the programmable logic's clock and return what its dividers say afterwards, in MHz."""
        with warnings.catch_warnings():
            # That another frequency results is the caller's to judge.
            warnings.simplefilter("ignore", UserWarning)
            pynq.Clocks.set_pl_clk(0, clk_mhz=mhz)
        return float(pynq.Clocks.fclk0_mhz)

    def restart(self) -> None:
        """Reset the whole data path and let the DMA run."""
        self.cores.reset()
        self.cores.start()
        if self._dma is None:
            with warnings.catch_warnings():
                # Where the kernel offers no interrupt, status is looked at in time.
                warnings.simplefilter("ignore", UserWarning)
                self._dma = getattr(self._overlay, DMA)
            if (
                self._dma.sendchannel is None
                or self._dma.recvchannel is None
                or self._dma.buffer_max_size >> LENGTH_BITS
            ):
                raise InputError(f"the bitstream's {DMA} is not the one of a Cytogate design: rebuild the bundle")
        for channel in (self._dma.sendchannel, self._dma.recvchannel):
            channel.start()

    def allocate(self, size: int) -> DmaBuffer:
        """Return memory of ``size`` bytes, to be freed by the caller.

        Raises
        ------
        InputError
            If there is not as much.
        """
        try:
            return DmaBuffer(self._device, size)
        # XRT raises RuntimeError where there is no memory.
        except (MemoryError, RuntimeError) as error:
            raise InputError(
                f"the board has no contiguous memory of {size} bytes left; choose a smaller batch, or free some"
            ) from error

    def transfer(self, sent: DmaBuffer, sent_bytes: int, received: DmaBuffer) -> None:
        """Start both channels, the receiving one first."""
        # pynq refuses a channel that has halted; who waits for the answer sees that and knows what to do.
        with suppress(RuntimeError):
            self._dma.recvchannel.transfer(received.pynq)
            self._dma.sendchannel.transfer(sent.pynq, nbytes=sent_bytes)

    @property
    def has_interrupt(self) -> bool:
        """Whether :meth:`interrupted` can return early."""
        return getattr(self._dma, "s2mm_introut", None) is not None

    async def interrupted(self, seconds: float) -> bool:
        """Wait for the answer's interrupt, for ``seconds`` at most, and return whether it came."""
        if not self.has_interrupt:
            await asyncio.sleep(seconds)
            return False
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._dma.s2mm_introut.wait(), seconds)
            return True
        return False

    def _port(self, name: str, size: int) -> _Port:
        if name not in self._overlay.ip_dict:
            raise InputError(f"the bitstream's hardware description has no {name}: it is not of a Cytogate design")
        return _Port(pynq.MMIO(self._overlay.ip_dict[name]["phys_addr"], size, device=self._device))


def _ensure_event_loop() -> None:
    """Make one for this thread if it has none: interrupts of pynq ask for it when they are made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            asyncio.get_event_loop()
        except RuntimeError:
            asyncio.set_event_loop(asyncio.new_event_loop())
