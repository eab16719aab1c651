"""The fabric after the DMA: stream unit, phase retrieval and network, with their registers.

Beats are not modelled, batches are: a transfer's bytes come in at once, a kernel computes cell after cell in a thread
of its own as the chip would beside the processor, and the answer with its receipt goes out as one packet. There are no
clocks: ``STALLED_CYCLES``, ``LATENCY_CYCLES`` and ``INTERVAL_CYCLES`` read zero. The phase retrieval's own soft reset
is not modelled.
"""

from __future__ import annotations

import queue
import threading
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cytogate.model.interface import registers
from cytogate.model.interface.bundle import Bundle
from cytogate.model.interface.deadlines import EMULATION_DEADLINE_S
from cytogate.model.interface.packing import unpack
from cytogate.model.interface.registers import RECEIPT_MARK, ErrorFlag, Register, StreamControl, StreamRegister
from cytogate.sim.board.faults import FaultKind, Faults
from cytogate.sim.board.gate import Gate
from cytogate.sim.board.kernels import Kernel

Calibrate = Callable[[np.ndarray], None]
WORD = 1 << 32


@dataclass
class FabricCounts:
    """What a reset of the data path sets to zero."""

    batches_in: int = 0
    batches_out: int = 0
    frames_in: int = 0
    cells_out: int = 0
    dropped: int = 0
    flags: ErrorFlag = field(default_factory=lambda: ErrorFlag(0))


@dataclass
class RegisterPort:
    """An AXI4-Lite port: what its registers say, and what a write does."""

    values: Callable[[], Mapping[Register | StreamRegister, int]]
    write: Callable[[int, int], None]
    beside: Callable[[int], int] = lambda _offset: 0
    """Reads what lies at all other addresses."""
    size: int = registers.PORT_BYTES

    def read(self, offset: int) -> int:
        """Return a register."""
        own = {register.offset: value for register, value in self.values().items()}
        return own[offset] if offset in own else self.beside(offset)


class Fabric:
    """The chain and its registers. ``lock`` serializes register accesses with the chain's own progress.

    ``begin`` is called in the chain's thread before anything is computed. ``calibrate``, of kernels of holograms, is
    called there with each calibration, (words,), that is sent them; without one since the latest reset they take no
    frame.
    """

    def __init__(
        self,
        bundle: Bundle,
        kernel: Kernel,
        faults: Faults,
        lock: threading.RLock,
        begin: Callable[[], None],
        calibrate: Calibrate | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._manifest, self._layout = bundle.manifest, bundle.layout
        self._kernel, self._begin, self._calibrate, self._gate = kernel, begin, calibrate, gate
        self._waits_for_calibration = calibrate is not None
        self._faults = faults
        self._lock = lock
        self._counts = FabricCounts()
        self._stalled = False
        self._failure: Exception | None = None
        self._packets: deque[bytes] = deque()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="emulated chain", daemon=True)
        self._thread.start()
        self.on_packet: Callable[[], None] = lambda: None
        """Called when a packet waits."""
        self.unit = RegisterPort(self._unit, self._write_unit)
        beside = (lambda _offset: 0) if gate is None else gate.read
        self.retrieval = RegisterPort(self._retrieval, self._write_retrieval, beside)

    def close(self) -> None:
        """Stop computing.

        Raises
        ------
        RuntimeError
            If the kernel does not return.
        Exception
            What the kernel raised, if it did: to the driver it only looked like a stall.
        """
        with self._lock:
            self.reset()
        self._work.put(None)
        # It ends behind the cell that it computes.
        self._thread.join(EMULATION_DEADLINE_S)
        if self._thread.is_alive():
            raise RuntimeError(f"the emulated kernel did not return within {EMULATION_DEADLINE_S:g} s")
        if self._failure is not None:
            raise self._failure

    def send(self, data: bytes, taken: Callable[[], None]) -> None:
        """Take a transfer."""
        counts = self._counts
        self._work.put(lambda: self._batch(np.frombuffer(data, np.uint8), taken, counts))

    def send_calibration(self, data: bytes, taken: Callable[[], None]) -> None:
        """Take what a calibration measures."""
        counts = self._counts
        self._work.put(lambda: self._calibrated(np.frombuffer(data, "<u8"), taken, counts))

    def packet(self) -> bytes | None:
        """Return and forget the next packet that waits."""
        return self._packets.popleft() if self._packets else None

    def reset(self) -> None:
        """Empty the chain; what it computes just now is for nobody."""
        self._counts = FabricCounts()
        self._stalled = False
        self._waits_for_calibration = self._calibrate is not None
        self._packets.clear()
        if self._gate is not None:
            self._gate.reset()

    def _run(self) -> None:
        self._begin()
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception as error:
                self._failure = error

    def _calibrated(self, words: np.ndarray, taken: Callable[[], None], counts: FabricCounts) -> None:
        """Hand over a calibration, unless a reset has made it void."""
        assert self._calibrate is not None
        with self._lock:
            if counts is not self._counts:
                return
            self._calibrate(words)
            self._waits_for_calibration = False
            taken()

    def _batch(self, data: np.ndarray, taken: Callable[[], None], counts: FabricCounts) -> None:
        """Compute a transfer; ``counts`` tells whether a reset has made it void."""
        frame_bytes, beat_bytes = self._layout.frame_bytes, self._layout.beat_bytes
        with self._lock:
            if counts is not self._counts or self._stalled:
                return
            if self._waits_for_calibration:
                self._stalled = True
                return
            if self._faults.strike(FaultKind.EARLY_TLAST_IN):
                data = data[: len(data) - frame_bytes // 2 // beat_bytes * beat_bytes]
            stall = self._faults.strike(FaultKind.STALL)
            cut = self._faults.strike(FaultKind.EARLY_TLAST_OUT)
        frames, left = divmod(len(data), frame_bytes)
        logits: list[int] = []
        for frame in range(frames):
            with self._lock:
                if counts is not self._counts:
                    return
                counts.frames_in += 1
                if stall and frame == frames // 2:
                    self._stalled = True
                    return
            raw = unpack(data[frame * frame_bytes : (frame + 1) * frame_bytes], self._layout)
            logits += [int(code) % WORD for code in self._kernel(raw)]
            with self._lock:
                counts.cells_out += 1
        with self._lock:
            if counts is not self._counts:
                return
            if left:
                counts.dropped += 1
                counts.flags |= ErrorFlag.SHORT_PACKET
            receipt = [RECEIPT_MARK, counts.batches_in, frames, left // beat_bytes, zlib.crc32(data.data)]
            counts.batches_in += 1
            counts.batches_out += 1
            answers = np.array(logits, "<u4").tobytes()
            packet = answers + np.array([*receipt, zlib.crc32(answers)], "<u4").tobytes()
            self._packets += [packet[:4], packet[4:]] if cut else [packet]
            taken()
            self.on_packet()

    def _unit(self) -> dict[Register | StreamRegister, int]:
        return {
            StreamRegister.IDENTITY: registers.STREAM_IDENTITY,
            StreamRegister.VERSION: registers.STREAM_VERSION,
            StreamRegister.DESIGN_HASH: self._manifest.design_hash,
            StreamRegister.WEIGHTS_HASH: self._manifest.weights_word,
            StreamRegister.BATCHES_IN: self._counts.batches_in,
            StreamRegister.BATCHES_OUT: self._counts.batches_out,
            StreamRegister.FRAMES_IN: self._counts.frames_in,
            StreamRegister.CELLS_OUT: self._counts.cells_out,
        }

    def _write_unit(self, offset: int, value: int) -> None:
        if offset == StreamRegister.CONTROL.offset and value & StreamControl.RESET:
            self.reset()

    def _retrieval(self) -> dict[Register | StreamRegister, int]:
        return {
            Register.IDENTITY: registers.IDENTITY,
            Register.VERSION: registers.VERSION,
            Register.DESIGN_HASH: self._manifest.design_hash,
            Register.FRAMES_ACCEPTED: self._counts.frames_in,
            Register.FRAMES_DROPPED: self._counts.dropped,
            Register.ERROR_FLAGS: int(self._counts.flags),
        }

    def _write_retrieval(self, offset: int, value: int) -> None:
        if offset == Register.ERROR_FLAGS.offset:
            self._counts.flags &= ErrorFlag(~value & 3)
        elif self._gate is not None:
            self._gate.write(offset, value)


@dataclass(frozen=True)
class CalibrationStream:
    """What lies behind the DMA of a calibration: nothing comes back."""

    fabric: Fabric

    def send(self, data: bytes, taken: Callable[[], None]) -> None:
        """Take a transfer."""
        self.fabric.send_calibration(data, taken)

    def packet(self) -> bytes | None:
        """Return nothing."""
        return None
