"""The one file of this room that imports pynq; works with its releases 3.0, 3.1 and 4.0.

Its driver of the DMA is not used: that waits without an end for a channel to start, for ever where the fabric is gone.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.background import ChipBackground
from cytogate.host.driver.cores import Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.gate import ChipGate
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import REGISTER_BYTES, DmaChannel
from cytogate.model.interface.bundle import CALIBRATION_DMA, DMA, FRONT_END, STREAM_UNIT, Bundle
from cytogate.model.interface.registers import PORT_BYTES

try:
    import pynq
except ImportError as error:
    raise InputError(
        f"pynq cannot be imported ({error}); on a board use its PYNQ image, elsewhere an emulated device"
    ) from error

ANSWER_PIN = "s2mm_introut"
"""The DMA's interrupt at the end of an answer."""


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


def name_of(device: Any) -> str:
    """Return the name by which pynq tells a device (None: its own choice) from others of this computer."""
    return str((device or pynq.Device.active_device).tag)


class DmaBuffer:
    """Contiguous memory for the DMA."""

    def __init__(self, device: Any, size: int) -> None:
        self.pynq = pynq.allocate(size, "u1", target=device)

    @property
    def octets(self) -> NDArray[np.uint8]:
        """The buffer as the host sees it; no view may outlive the buffer."""
        return np.asarray(self.pynq)

    @property
    def address(self) -> int:
        """Where the DMA finds it."""
        return int(self.pynq.physical_address)

    def flush(self) -> None:
        """Let the device see what the host wrote."""
        self.pynq.flush()

    def invalidate(self) -> None:
        """Let the host see what the device wrote."""
        self.pynq.invalidate()

    def free(self) -> None:
        """Give the memory back now, whoever still refers to it."""
        self.pynq.freebuffer()


@contextmanager
def _bus() -> Iterator[None]:
    """Tell an error of the bus as what it says of the fabric."""
    try:
        yield
    except OSError as error:
        raise BoardFailed(
            f"the fabric is gone: its registers cannot be reached ({error.strerror or error}); its bitstream was "
            "replaced, or its clock or power is off: open the accelerator anew"
        ) from error


class _Port:
    """Registers by way of pynq, which takes plain integers alone."""

    def __init__(self, mmio: Any) -> None:
        self._mmio = mmio

    def read(self, offset: int) -> int:
        with _bus():
            return int(self._mmio.read(int(offset)))

    def write(self, offset: int, value: int) -> None:
        with _bus():
            self._mmio.write(int(offset), int(value))


def _loaded(bitfile: Path, device: Any) -> Any:
    """Load a bitstream with its hardware description, which pynq takes to be whole."""
    try:
        return pynq.Overlay(str(bitfile), device=device)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise InputError(
            f"{bitfile.with_suffix('.hwh').name}: pynq cannot read this hardware description ({error!r}); build the "
            "bundle anew"
        ) from error


class PynqBoard:
    """A board with the bitstream loaded."""

    def __init__(
        self,
        bitfile: Path,
        device: Any,
        deadline_s: float,
        gate_classes: int | None,
        *,
        takes_calibration: bool = False,
        knows_light_of: Design | None = None,
    ) -> None:
        """Load ``bitfile`` onto ``device`` (None: pynq's own choice), with a gate of so many classes (None: none).

        ``knows_light_of`` is the design whose law of phase retrieval takes a background; None: it takes none.
        """
        _ensure_event_loop()
        self._overlay = _loaded(bitfile, device)
        self._device = self._overlay.device
        self.cores = Cores(
            dma=self._port(DMA, REGISTER_BYTES),
            unit=self._port(STREAM_UNIT, PORT_BYTES),
            retrieval=self._port(FRONT_END, PORT_BYTES),
            deadline_s=deadline_s,
            calibration=self._port(CALIBRATION_DMA, REGISTER_BYTES) if takes_calibration else None,
        )
        self._calibration: DmaBuffer | None = None
        self.gate = None if gate_classes is None else ChipGate(self.cores, gate_classes)
        self.background = None if knows_light_of is None else ChipBackground(self.cores, knows_light_of)
        self._interrupt: pynq.Interrupt | None = None

    def set_clock(self, mhz: float) -> float:
        """Set the programmable logic's clock and return what its dividers say afterwards, in MHz."""
        with warnings.catch_warnings():
            # That another frequency results is the caller's to judge.
            warnings.simplefilter("ignore", UserWarning)
            pynq.Clocks.set_pl_clk(0, clk_mhz=mhz)
        return float(pynq.Clocks.fclk0_mhz)

    def calibrate(self, buffer: DmaBuffer) -> None:
        """Send kernels of holograms what is in ``buffer``, which they read from now on behind every reset."""
        buffer.flush()
        self._calibration = buffer

    def restart(self) -> None:
        """Reset the whole data path, calibrate kernels that want it, and let the DMA run.

        What a causal chip has learned of the light lasts.
        """
        if self.background is not None:
            self.background.keep()
        self.cores.reset()
        if self.background is not None:
            self.background.load()
        if self.gate is not None:
            self.gate.forget()
        # Anew, for it belongs to the event loop that first waits for it, and each stream may have another one.
        self._interrupt = self._answer_interrupt()
        if self._calibration is not None:
            self.cores.calibrate(self._calibration.address, self._calibration.octets.size)
        self.cores.start(interrupt=self.has_interrupt)

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
        # To a channel that has halted nothing may be written; who waits for the answer sees that and knows what to do.
        if not self.cores.broken:
            self.cores.transfer(DmaChannel.S2MM, received.address, received.octets.size)
            sent.flush()
            self.cores.transfer(DmaChannel.MM2S, sent.address, sent_bytes)

    @property
    def has_interrupt(self) -> bool:
        """Whether :meth:`interrupted` can return early."""
        return self._interrupt is not None

    async def interrupted(self, seconds: float) -> bool:
        """Wait for the answer's interrupt, for ``seconds`` at most, and return whether it came."""
        if self._interrupt is None:
            await asyncio.sleep(seconds)
            return False
        # Not asyncio.wait_for: up to Python 3.11, it forgets a cancellation that comes together with the interrupt.
        waiting = asyncio.ensure_future(self._interrupt.wait())
        try:
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()
        if done:
            # pynq reads the registers of the interrupt controller in it.
            with _bus():
                waiting.result()
        return bool(done)

    def _answer_interrupt(self) -> pynq.Interrupt | None:
        """Return the interrupt that comes with each answer; None where the kernel offers none."""
        pins = self._overlay.ip_dict[DMA]["interrupts"]
        try:
            with _bus():
                return pynq.Interrupt(pins[ANSWER_PIN]["fullpath"])
        except (KeyError, ValueError):
            return None

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
