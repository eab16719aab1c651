"""The job of ``cytogate stream``: a source, a bundle on a device, and a folder that fills with events."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cytogate.host.driver.accelerator import Accelerator
from cytogate.host.driver.errors import BoardFailed
from cytogate.host.driver.gate import GateCounts
from cytogate.host.light import light_report
from cytogate.host.page.about import About
from cytogate.host.page.darkroom import Darkroom
from cytogate.host.page.served import live_page
from cytogate.host.report import CELLS, HOLOGRAMS, StreamReport, print_report, reported_rows
from cytogate.host.sinks.events import EventFolder, Written, read_written
from cytogate.host.sinks.fcs import fcs_total, write_fcs
from cytogate.host.sinks.gate_log import GateLog, described, last_gates
from cytogate.host.sinks.rows import EventFormat
from cytogate.host.sources.opening import open_source
from cytogate.host.sources.source import CellSource, check_same_content
from cytogate.host.stream.carrier import CarrierWatch
from cytogate.host.stream.cells import SourceCell
from cytogate.host.stream.chip_gate import TRIGGER_FEATURES, gate_on_chip
from cytogate.host.stream.gating import Gates, LiveGates, ScoreKind, read_gates
from cytogate.host.stream.ledger import RELATIVE_ERROR
from cytogate.host.stream.monitor import Monitor
from cytogate.host.stream.pacing import DueTime, paced, recorded, regular
from cytogate.host.stream.pipeline import Counts, Measure, NetworkOutput, Pipeline, Reason, Settings, Sink
from cytogate.host.stream.run_folder import FCS, GATES, IMAGES, PAGE, REPORT, RunFolder, run_folder
from cytogate.model.command.files import temporary_folder
from cytogate.model.command.requests import Requests, requests_to_end
from cytogate.model.command.terminal import progress_bars, spelled
from cytogate.model.contract.background import Background
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.features.cell_features import FeatureColumn, features_of, measure_frames
from cytogate.model.features.place_features import PLACE_FEATURES
from cytogate.model.interface.bundle import REFERENCE, Bundle
from cytogate.model.interface.frame_check import FrameCheck
from cytogate.model.retrieval.off_axis.calibration import read_reference
from cytogate.model.retrieval.off_axis.integer import reference_phasor
from cytogate.model.retrieval.off_axis.sideband import Complexes

RECORDED = "recorded"


@dataclass(frozen=True)
class StreamRequest:
    """What was asked of ``cytogate stream``."""

    input: Path | None
    """File or folder of frames; None for the simulator."""
    dataset: str | None
    """Array of each file that holds the cells, if its name is not ``frames``."""
    bundle: Path
    device: str
    output: Path
    rate: str | None
    """Cells a second, ``recorded``, or None: as fast as they are taken."""
    gates: Path | None
    cells: int | None
    """Stop when the run has seen so many; None: with the source."""
    seed: int
    batch: int
    deadline_s: float | None
    """Time without progress that the chip is given; None: what suits a board, or an emulation."""
    queue_cells: int
    flush_s: float
    settled_s: float
    """Time without change after which a file in a folder is taken for whole."""
    images: tuple[str, ...]
    """Classes whose frames are kept."""
    most_images: int
    features: bool
    """Whether each cell is measured, too."""
    live: int | None
    """Port of the live page; None for no page."""


def run_stream(request: StreamRequest) -> None:
    """Run the stream to its end, or until it is interrupted; what was finished is kept in any case."""
    accelerator = Accelerator(request.bundle, device=request.device, batch=request.batch, deadline_s=request.deadline_s)
    design = accelerator.bundle.design
    if isinstance(design.instrument, OffAxis):
        _check_holograms(request, design)
    gates = _gates(request, design)
    due_time = None if request.rate is None else _due_time(request.rate)
    if gates.coincidence_us is not None and due_time is None:
        raise InputError(
            "coincidence_us needs cells that arrive at times of their own; give --rate, or leave it out of the gates"
        )
    with ExitStack() as stack:
        live = LiveGates(gates, design.network.class_names, gate_on_chip(accelerator))
        source = open_source(
            request.input,
            design,
            dataset=request.dataset,
            cells=request.cells,
            seed=request.seed,
            settled_s=request.settled_s,
        )
        stack.callback(source.close)
        folder = stack.enter_context(run_folder(request.output, _identity(request, accelerator.bundle, gates)))
        written = read_written(folder.events, folder.run)
        for sentence in filter(None, (folder.told, *written.told)):
            print(spelled(sentence), file=sys.stderr)
        check_same_content(source, written.progress)
        session = _Session(request, accelerator.bundle, folder, written, source)
        if session.cells_left == 0:
            session.end(accelerator, live)
            print(f"{request.output}: all {request.cells} cells of this run are there; nothing is left to do")
            return
        if folder.resumed and written.rows:
            print(f"{request.output}: going on after {written.rows:,} events of this run")
            if last_gates(request.output / GATES) not in (None, described(gates)):
                told = "gates were moved before; from here on those that are asked for hold again"
                print(f"{request.output / GATES}: {told}", file=sys.stderr)
        for sentence in source.told:
            print(spelled(sentence), file=sys.stderr)
        sinks = session.sinks(live)
        stack.enter_context(accelerator)
        requests = stack.enter_context(requests_to_end())
        session.run(accelerator, live, sinks, due_time, requests)


def _reference_of(bundle: Bundle) -> Complexes:
    """Return the reference field that the bundle of an off-axis design carries."""
    with temporary_folder() as folder:
        bundle.extract(folder)
        return read_reference(folder / REFERENCE, bundle.design)


def _check_holograms(request: StreamRequest, design: Design) -> None:
    """Raise an :class:`InputError` where something is asked for that is not there of holograms."""
    if request.input is None:
        raise InputError(
            f"design {design.name} is calibrated to an instrument of its own; give its holograms by --input"
        )
    asked = {"images": request.images, "features": request.features}
    for name, given in asked.items():
        if given:
            raise InputError(f"design {design.name} takes off-axis holograms, of which a stream has no --{name}")


class _Session:
    """One process's part of a run."""

    def __init__(
        self, request: StreamRequest, bundle: Bundle, folder: RunFolder, written: Written, source: CellSource
    ) -> None:
        self._request, self._bundle, self._folder = request, bundle, folder
        self._written, self._source = written, source
        self._class_names = bundle.design.network.class_names
        step = bundle.manifest.logit_step
        design = bundle.design
        self._output = NetworkOutput(self._class_names, step, design.chip.clock_mhz)
        self._measure: Measure | None = None
        measured: tuple[FeatureColumn, ...] = ()
        self._watch: CarrierWatch | None = None
        self._darkroom = Darkroom(design)
        self._holograms = isinstance(design.instrument, OffAxis)
        if self._holograms:
            reference = _reference_of(bundle)
            measured, self._watch = PLACE_FEATURES, CarrierWatch(design, reference)
            self._darkroom = Darkroom(design, reference_phasor(reference))
        elif request.features:
            self._measure = partial(measure_frames, design=design, phase=design.retrieves_phase)
            measured = features_of(design.camera.channels, phase=design.retrieves_phase)
        if design.chip.has_gate:
            measured = (*measured, *TRIGGER_FEATURES)
        self._rows = EventFormat(folder.run, self._class_names, step, folder.request, measured)

    @property
    def cells_left(self) -> int | None:
        """Cells that are still wanted; None if there is no end."""
        return None if self._request.cells is None else max(0, self._request.cells - self._written.next_index)

    def sinks(self, gates: LiveGates) -> list[Sink]:
        """Make what events go to."""
        events = EventFolder(self._folder.events, self._rows, self._written.rows_before)
        if events.told is not None:
            print(spelled(events.told), file=sys.stderr)
        sinks: list[Sink] = [GateLog(self._folder.path / GATES, gates), events]
        if self._request.images:
            from cytogate.host.sinks.images import ImageFolder

            sinks.append(
                ImageFolder(
                    self._folder.path / IMAGES,
                    self._class_names,
                    self._request.images,
                    self._request.most_images,
                )
            )
        return sinks

    def run(
        self,
        accelerator: Accelerator,
        gates: LiveGates,
        sinks: list[Sink],
        due_time: DueTime | None,
        requests: Requests,
    ) -> None:
        """Stream, and write what is written at the end, whatever the end is.

        Raises
        ------
        CheckFailed
            If the source has ended and no cell of the run has a class.
        """
        stopped = threading.Event()
        cells = self._source.read(self._written.progress)
        if self._watch is not None:
            cells = self._watch.watched(cells)
        if due_time is not None:
            cells = paced(cells, due_time, stopped)
        request = self._request
        monitor = Monitor(self._class_names, gates.gates.deadline_ns)
        shown = sinks if request.live is None else [*sinks, monitor]
        pipeline = self._pipeline(cells, accelerator, gates, shown, stopped)
        ended, light = "the source has ended", _background(accelerator)
        try:
            with ExitStack() as stack:
                if request.live is not None:
                    about = About.stream(self._bundle, self._source, request.device)
                    saved = self._folder.path / PAGE
                    page = live_page(monitor, gates, about, self._darkroom, request.live, saved)
                    print(f"live page: {stack.enter_context(page)}", file=sys.stderr)
                show = stack.enter_context(_progress(pipeline, monitor, self.cells_left or self._source.cells))
                pipeline.run(show)
        except KeyboardInterrupt:
            ended = "interrupted"
            raise
        except Exception as error:
            ended = f"failed: {error}"
            raise
        finally:
            requests.hold_back()
            self._conclude(pipeline, ended, _gate_counts(accelerator), (light, _background(accelerator)))
        self._check_classes(pipeline.counts)

    def end(self, accelerator: Accelerator, gates: LiveGates) -> None:
        """Write FCS file and report of a run without any cell to come, if no earlier command could."""
        if not self._is_ended:
            pipeline = self._pipeline((), accelerator, gates, [], threading.Event())
            self._conclude(pipeline, "no cell was left to come", None, None)

    @property
    def _is_ended(self) -> bool:
        """Whether FCS file and report are there, and of all events that were written before."""
        fcs, report, rows = self._folder.path / FCS, self._folder.path / REPORT, self._written.rows
        return not rows or fcs_total(fcs) == reported_rows(report) == rows

    def _pipeline(
        self,
        cells: Iterable[SourceCell | None],
        accelerator: Accelerator,
        gates: LiveGates,
        sinks: list[Sink],
        stopped: threading.Event,
    ) -> Pipeline:
        request, camera = self._request, self._bundle.design.camera
        return Pipeline(
            cells,
            accelerator,
            self._output,
            FrameCheck(camera.rows, camera.columns, camera.adc_bits, camera.channels),
            gates,
            sinks,
            Settings(
                queue_cells=request.queue_cells,
                flush_s=request.flush_s,
                drop_when_full=request.rate is not None,
                first_index=self._written.next_index,
                most_cells=self.cells_left,
                holograms=self._holograms,
            ),
            stopped,
            self._measure,
        )

    def _conclude(
        self,
        pipeline: Pipeline,
        ended: str,
        gate: GateCounts | None,
        light: tuple[Background | None, Background | None] | None,
    ) -> None:
        """Write FCS file and report, unless both are there and nothing has come since.

        ``light`` is what the chip knew at the beginning and at the end; None where it was not asked.
        """
        counts, manifest, folder = pipeline.counts, self._bundle.manifest, self._folder
        if not counts.events:
            print(spelled(f"{self._source.name}: no new cell came; {self._written.rows} are there"))
            if self._is_ended:
                return
        rows = write_fcs(folder.path / FCS, folder.events, self._rows)
        report = StreamReport(
            run=folder.run,
            source=spelled(self._source.name),
            simulated=self._source.simulated,
            device=self._request.device,
            emulated=manifest.synthetic,
            design=manifest.design,
            weights_hash=manifest.weights_hash,
            ended=ended,
            rows=rows,
            unwritten=self._written.rows + counts.events - rows,
            arrivals=HOLOGRAMS if self._holograms else CELLS,
            arrived=counts.arrived,
            dropped=counts.dropped,
            faulty=counts.faulty,
            lost=counts.lost,
            finished=counts.finished,
            events=counts.events,
            cells=counts.cells,
            classes=dict(sorted(counts.classes.items())),
            decisions=dict(sorted(counts.decisions.items())),
            reasons=_most_frequent(counts),
            labelled=counts.labelled,
            accuracy=counts.agreeing / counts.labelled if counts.labelled else None,
            told=tuple(map(spelled, (*self._source.told, *(() if self._watch is None else self._watch.told)))),
            seconds=pipeline.seconds,
            cells_per_second=counts.cells / pipeline.seconds if counts.cells else 0.0,
            queue_cells=self._request.queue_cells,
            deepest_queue=counts.deepest_queue,
            latency=pipeline.ledger.summaries(),
            latency_error=RELATIVE_ERROR,
            deadline_misses=pipeline.ledger.misses,
            gate=gate,
            clock_mhz=self._bundle.design.chip.clock_mhz,
            light=None if light is None else light_report(*light, self._bundle.design),
            gates=pipeline.gates.record,
        )
        report.write(folder.path / REPORT)
        page = folder.path / PAGE
        shown = [page] if self._request.live is not None and page.exists() else []
        print_report(report, [folder.events, folder.path / FCS, folder.path / REPORT, *shown])

    def _check_classes(self, counts: Counts) -> None:
        if self._written.classified or counts.classes:
            return
        why = "".join(f"; {reason.cells} as this: {reason.example}" for reason in _most_frequent(counts)[:1])
        rows = self._written.rows + counts.events
        raise CheckFailed(spelled(f"{self._source.name}: none of {rows} cells was classified{why}"))


def _most_frequent(counts: Counts) -> tuple[Reason, ...]:
    return tuple(sorted(counts.reasons.values(), key=lambda reason: -reason.cells))


def _gates(request: StreamRequest, design: Design) -> Gates:
    """Return the gates that are asked for; the deadline is the design's where the host decides and they set none."""
    score = ScoreKind.MARGIN if design.chip.has_gate else ScoreKind.SOFTMAX
    gates = Gates(score=score) if request.gates is None else read_gates(request.gates)
    if design.chip.has_gate:
        return gates
    for name in ("trigger_delay_us", "trigger_width_us"):
        if getattr(gates, name) is not None:
            raise InputError(
                f"{request.gates}: {name} is of a trigger on the chip; the chip of design {design.name} has none"
            )
    if gates.deadline_ms is not None:
        return gates
    try:
        return replace(gates, deadline_ms=design.chip.deadline_ms)
    except InputError as error:
        raise InputError(f"{request.gates}: {error}; deadline_ms is the design's, since the file sets none") from error


def _gate_counts(accelerator: Accelerator) -> GateCounts | None:
    """Return what the chip's gate has counted; None if it has none, or does not answer any more."""
    with suppress(BoardFailed):
        return accelerator.gate_counts()
    return None


def _background(accelerator: Accelerator) -> Background | None:
    """Return what the chip knows of the light; None if its law knows nothing, or it does not answer any more."""
    with suppress(BoardFailed):
        return accelerator.background()
    return None


def _due_time(rate: str) -> DueTime:
    if rate == RECORDED:
        return recorded()
    try:
        return regular(float(rate))
    except ValueError as error:
        raise InputError(f"--rate is {rate}; it must be a number of cells a second, or {RECORDED}") from error


def _identity(request: StreamRequest, bundle: Bundle, gates: Gates) -> dict[str, object]:
    """Return what must be the same for events to belong together."""
    manifest = bundle.manifest
    seed = {"seed": request.seed} if request.input is None else {}
    return {
        "source": "simulator" if request.input is None else spelled(str(request.input.resolve())),
        "dataset": request.dataset,
        **seed,
        "device": request.device,
        "design": f"{manifest.design}, {manifest.design_hash:08x}",
        "weights": manifest.weights_hash,
        "rate": request.rate,
        "features": request.features,
        "gates": described(gates),
    }


@contextmanager
def _progress(pipeline: Pipeline, monitor: Monitor, total: int | None) -> Iterator[Callable[[], None]]:
    """Give a function that shows how far the stream is, and tells the monitor."""
    with progress_bars() as bars:
        task = bars.add_task("streaming", total=total)

        def show() -> None:
            counts = pipeline.counts
            lost = counts.faulty + counts.lost
            said = f"{pipeline.queue_depth} waiting, {counts.dropped} dropped, {lost} lost"
            bars.update(task, completed=counts.finished, description=said)
            monitor.progress(pipeline.queue_depth, counts.dropped)

        yield show
        show()
