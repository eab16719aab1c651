"""The live page beside a stream: opened before it, told of its end, closed behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cytogate.host.sources.source import CellSource
from cytogate.host.stream.gating import LiveGates
from cytogate.host.stream.monitor import Monitor
from cytogate.model.design.design import Design
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import Manifest


@contextmanager
def live_page(
    monitor: Monitor, gates: LiveGates, manifest: Manifest, source: CellSource, device: str, port: int
) -> Iterator[None]:
    """Serve the page on ``port`` of this machine while the block runs, and say on standard error where it is.

    Raises
    ------
    InputError
        If the port is taken, or what draws the page is not installed.
    """
    try:
        from cytogate.host.page.live import LivePage
        from cytogate.host.page.server import serve
        from cytogate.host.page.words import About
    except ImportError as error:
        raise InputError(f"--live needs the package {error.name}: pip install 'cytogate[live]'") from error
    about = About(
        design=manifest.design,
        device=f"emulated {manifest.board}" if manifest.synthetic else f"{manifest.board} ({device})",
        source=source.name,
        emulated=manifest.synthetic,
        simulated=source.simulated,
    )
    design = _design(manifest)
    with serve(lambda: LivePage(monitor, gates, about, design), port) as url:
        print(f"live page: {url}", file=sys.stderr)
        try:
            yield
        except KeyboardInterrupt:
            monitor.ended("interrupted")
            raise
        except Exception as error:
            monitor.ended(str(error))
            raise
        monitor.ended("the source has ended")


def _design(manifest: Manifest) -> Design | None:
    """Return the built-in design with frames as they are streamed, or None if the manifest names none."""
    known = load_design(manifest.design) if manifest.design in builtin_names() else None
    if known is None:
        return None
    acquisition = replace(known.four_angle, rows=manifest.rows, columns=manifest.columns, adc_bits=manifest.adc_bits)
    return replace(known, instrument=acquisition)
