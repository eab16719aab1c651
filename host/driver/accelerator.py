"""The accelerator on a board, or on an emulated one: frames of cells in, logits out, in order, nothing lost unnoticed.

Cells travel in batches. While the chip computes one, the next is packed. Every batch comes back with a receipt that
numbers it, counts its cells and sums what was read and what was written; an answer whose receipt is not exactly the
one that is due is not believed. No wait is longer than the deadline without progress. Behind any fault DMA and kernels
are reset, the batch's cells are given up with the reason, and the next batch goes on.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.batch import Answer
from cytogate.host.driver.calibration import read_kernel_calibration
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.flow import Counters, Flow, StreamBuffers
from cytogate.host.driver.gate import GateCounts
from cytogate.host.driver.owner import must_be_in, owned
from cytogate.host.driver.results import Result
from cytogate.model.command.files import temporary_folder
from cytogate.model.contract.background import Background
from cytogate.model.contract.gate import GateSettings
from cytogate.model.design.boards import CLOCK_TOLERANCE
from cytogate.model.design.design import RTL
from cytogate.model.errors import InputError
from cytogate.model.interface.answers import answer_form
from cytogate.model.interface.bundle import DMA, Bundle, DeviceProvider, read_bundle
from cytogate.model.interface.deadlines import BOARD_DEADLINE_S, EMULATION_DEADLINE_S, LONGEST_DEADLINE_S
from cytogate.model.interface.description import LENGTH_WIDTH

if TYPE_CHECKING:
    from cytogate.host.driver.pynq_device import DmaBuffer, PynqBoard

GROUP = "cytogate.devices"
"""Entry points of devices, each a :data:`~cytogate.model.interface.bundle.DeviceProvider`."""
STEPS_A_CELL = 2
"""Of progress: its frames are taken, and it is answered."""
STEPS_A_RESET = 7
"""Waits of a reset and of what follows it, at most: three resets, three channels that start, a calibration."""


class Accelerator:
    """A bundle running on a device: a context manager, for one stream at a time.

    Parameters
    ----------
    bundle
        The zip file that ``make bitstream`` writes.
    device
        Name of a device of the entry-point group ``cytogate.devices``, or a function of the same kind.
    batch
        Cells that travel together: more raise the rate, fewer the time that a cell waits for its answer.
    deadline_s
        Longest time in seconds without progress: a frame taken, a cell answered, a reset done. None: what suits a
        board, or an emulated one.

    Attributes
    ----------
    bundle
        Its design and its manifest.
    counters
        What happened so far.

    Raises
    ------
    InputError
        If the bundle or an argument is not as it must be; on entering, the device or the bitstream on it.
    BoardFailed
        On entering, if the chip cannot be brought into its initial state.
    """

    def __init__(
        self, bundle: Path, *, device: str | DeviceProvider = "pynq", batch: int = 16, deadline_s: float | None = None
    ) -> None:
        self.bundle: Bundle = read_bundle(bundle)
        self.counters = Counters()
        most = _most_cells(self.bundle)
        if not 1 <= batch <= most:
            raise InputError(
                f"a batch of {batch} cells is asked for; a transfer holds 1 to {most} of this design "
                f"({LENGTH_WIDTH} of its {DMA} is {self.bundle.dma_length_bits})"
            )
        if deadline_s is None:
            deadline_s = EMULATION_DEADLINE_S if self.bundle.manifest.synthetic else BOARD_DEADLINE_S
        if not 0 < deadline_s <= LONGEST_DEADLINE_S:
            raise InputError(
                f"a deadline of {deadline_s} s is asked for; it must be positive, {LONGEST_DEADLINE_S:g} at most"
            )
        self._provider = _provider(device) if isinstance(device, str) else device
        self._batch = batch
        self._deadline_s = deadline_s
        self._open: ExitStack | None = None
        self._process = os.getpid()
        self._keeping = threading.Lock()
        self._stream: Flow | None = None
        self._gate = GateSettings()

    def __enter__(self) -> Accelerator:
        with ExitStack() as opening:
            folder = opening.enter_context(temporary_folder())
            bitfile = self.bundle.extract(folder)
            device = opening.enter_context(self._provider(self.bundle))
            from cytogate.host.driver.pynq_device import PynqBoard, name_of

            opening.enter_context(owned(name_of(device)))
            words = read_kernel_calibration(folder, self.bundle.design)
            design = self.bundle.design
            gate_classes = design.network.classes if design.chip.has_gate else None
            self._board = PynqBoard(
                bitfile,
                device,
                self._deadline_s,
                gate_classes,
                takes_calibration=words is not None,
                knows_light_of=design if design.chip.takes_background else None,
            )
            self._board.cores.identify(self.bundle.manifest)
            if self._board.gate is not None:
                self._board.gate.identify()
            _set_clock(self._board, self.bundle.design.chip.clock_mhz)
            if self._board.background is not None:
                self._board.background.load()
            sending = self._batch * self.bundle.layout.frame_bytes
            receiving = Answer.most_bytes(self._batch, answer_form(self.bundle.design))
            self._memory = StreamBuffers(
                (self._buffer(opening, sending), self._buffer(opening, sending)), self._buffer(opening, receiving)
            )
            if words is not None:
                told = self._buffer(opening, words.nbytes)
                told.octets[:] = words.view(np.uint8)
                self._board.calibrate(told)
            # Memory is given back only when nothing writes to it any more.
            opening.callback(self._board.cores.reset)
            opening.callback(self._end_stream)
            self._open = opening.pop_all()
            self._process = os.getpid()
        return self

    def __exit__(self, *exception: object) -> None:
        # A process that was forked from the one that opened it has nothing to close.
        if self._open is not None and self._process == os.getpid():
            with self._keeping:
                opened, self._open = self._open, None
            opened.close()

    def stream(self, frames: Iterable[NDArray | None]) -> Iterator[Result]:
        """Classify cells.

        Parameters
        ----------
        frames
            Each cell's frames (channels, rows, columns), integer codes, channels in the instrument's order. None
            says that there is no cell just now: what was gathered is sent, and all results are given.

        Yields
        ------
        Result
            One a cell, in order; of a lost cell without logits, with the reason.

        Raises
        ------
        BoardFailed
            If a reset does not end, faults follow each other without a good batch between them, or the fabric is gone;
            behind the results of all cells that were taken, which say the same.
        InputError
            If the accelerator was closed meanwhile, or is another process's, from which this one was forked, or if
            the thread that left this stream has begun another one.
        Exception
            What ``frames`` raised, behind the results of all its cells.
        """
        source = _Source()
        with self._flow() as flow:
            try:
                for cell in source.cells(frames):
                    flow.take(cell)
                    while flow.turn_due(drain=cell is None):
                        flow.wait()
                        flow.turn()
                        yield from flow.results()
                while flow.turn_due(drain=True):
                    flow.wait()
                    flow.turn()
                    yield from flow.results()
            except BoardFailed as error:
                flow.give_up(error)
                yield from flow.results()
                raise
        source.check()

    async def astream(self, frames: AsyncIterable[NDArray | None]) -> AsyncIterator[Result]:
        """Classify cells as :meth:`stream` does, leaving the event loop to others while the chip computes."""
        source = _Source()
        with self._flow() as flow:
            try:
                async for cell in source.cells_async(frames):
                    flow.take(cell)
                    while flow.turn_due(drain=cell is None):
                        await flow.wait_async()
                        flow.turn()
                        for result in flow.results():
                            yield result
                while flow.turn_due(drain=True):
                    await flow.wait_async()
                    flow.turn()
                    for result in flow.results():
                        yield result
            except BoardFailed as error:
                flow.give_up(error)
                for result in flow.results():
                    yield result
                raise
        source.check()

    def set_gate(self, settings: GateSettings) -> None:
        """Let the chip's gate judge by other settings all cells that are sent from now on; from any thread.

        At first nothing triggers. :attr:`Result.gate <cytogate.host.driver.results.Result.gate>` tells by what a cell
        was judged.

        Raises
        ------
        InputError
            If the chip has no gate, or a class is wanted that its network has not.
        """
        design = self.bundle.design
        if not design.chip.has_gate:
            raise InputError(
                f"{self.bundle.path}: the bitstream has no gate, for the network of design {design.name} is "
                f'"{design.chip.network}"; one of network "{RTL}" has'
            )
        if settings.classes >> design.network.classes:
            raise InputError(
                f"the gate is to want classes {settings.classes:#b}, a bit a class; design {design.name} has "
                f"{design.network.classes}"
            )
        self._gate = settings

    def gate_counts(self) -> GateCounts | None:
        """Return what the chip's gate has counted since the latest reset; None if there is none.

        A stream begins with a reset, and so does what follows a fault.
        """
        with self._opened():
            return None if self._board.gate is None else self._board.gate.counts()

    def background(self) -> Background | None:
        """Return the background that the chip holds now; None of a design whose law has none.

        A chip begins with that of the design's calibration, and what frames teach a causal one lasts as long as the
        accelerator is open. None, too, where a known surface was not measured, or registers hold what cannot be.

        Raises
        ------
        BoardFailed
            If the fabric is gone.
        """
        with self._opened():
            return None if self._board.background is None else self._board.background.now()

    @property
    def silence_s(self) -> float:
        """Longest time in seconds for which a stream waits without giving a result of what was sent.

        Each step of each cell of a batch may take a deadline, and so may the last one, which fails, and those of the
        reset behind it.
        """
        return self._deadline_s * (STEPS_A_CELL * self._batch + 1 + STEPS_A_RESET)

    @property
    def phase_latency_us(self) -> float:
        """Time in microseconds from the latest frame's last pixel into the phase retrieval to its last one out.

        0 where network and gate stand behind it in one kernel, which counts to their answer.
        """
        if self.bundle.design.chip.has_gate:
            return 0.0
        with self._opened():
            return self._board.cores.latency_cycles / self.bundle.design.chip.clock_mhz

    @contextmanager
    def _flow(self) -> Iterator[Flow]:
        with self._opened():
            if self._stream is not None and not self._stream.make_way():
                raise RuntimeError("the accelerator is streaming already; one stream at a time")
            flow = Flow(
                self._board,
                self._memory,
                self.bundle,
                self._batch,
                self._deadline_s,
                self.counters,
                lambda: self._gate,
            )
            self._stream = flow
        try:
            yield flow
        finally:
            flow.end("this stream was left")

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Keep the accelerator open for a moment."""
        must_be_in(self._process)
        with self._keeping:
            if self._open is None:
                raise RuntimeError("the accelerator is not open; use it in a with statement")
            yield

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.end("the accelerator was closed before this stream had ended")

    def _buffer(self, opening: ExitStack, size: int) -> DmaBuffer:
        buffer = self._board.allocate(size)
        opening.callback(buffer.free)
        return buffer


class _Source:
    """Cells of a source; if it fails, that is told when the results of those before are given."""

    def __init__(self) -> None:
        self._failure: Exception | None = None

    def cells(self, frames: Iterable[NDArray | None]) -> Iterator[NDArray | None]:
        try:
            # Not `yield from`: that closes a generator of which another stream may take the rest.
            for cell in frames:  # noqa: UP028
                yield cell
        except Exception as error:
            self._failure = error

    async def cells_async(self, frames: AsyncIterable[NDArray | None]) -> AsyncIterator[NDArray | None]:
        try:
            async for cell in frames:
                yield cell
        except Exception as error:
            self._failure = error

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure


def _most_cells(bundle: Bundle) -> int:
    """Return how many cells a batch may have: its frames and its answer each are one transfer of the DMA."""
    longest, form = (1 << bundle.dma_length_bits) - 1, answer_form(bundle.design)
    most = min(longest // bundle.layout.frame_bytes, Answer.frames_in(longest, form))
    if most < 1:
        raise InputError(
            f"{bundle.path}: one cell has {bundle.layout.frame_bytes} bytes of frames and "
            f"{Answer.most_bytes(1, form)} of answer; a transfer of this bitstream's {DMA} has {longest} at most: "
            f"build it with more than {bundle.dma_length_bits} bits in {LENGTH_WIDTH}"
        )
    return most


def _provider(name: str) -> DeviceProvider:
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in known:
        raise InputError(f"there is no device named {name}; choose one of {', '.join(sorted(known))}")
    try:
        with warnings.catch_warnings():
            # Of packages that pynq imports, about each other; nothing that a user can act on.
            warnings.simplefilter("ignore")
            return known[name].load()
    except ImportError as error:
        raise InputError(f"device {name} cannot be used here: {error}") from error


def _set_clock(board: PynqBoard, wanted_mhz: float) -> None:
    found = board.set_clock(wanted_mhz)
    if abs(found - wanted_mhz) > CLOCK_TOLERANCE * wanted_mhz:
        raise InputError(
            f"the board's clock reads {found:g} MHz after it was set to {wanted_mhz:g} MHz, for which the "
            "bitstream was built; it would run untested: build the bundle for a clock that the board's PLL divides to"
        )
