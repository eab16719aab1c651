"""The live page beside a stream: opened before it, told of its end, closed behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cytogate.host.sources.source import CellSource
from cytogate.host.stream.gating import LiveGates
from cytogate.host.stream.monitor import Monitor
from cytogate.model.errors import InputError
from cytogate.model.interface.bundle import Bundle


@contextmanager
def live_page(
    monitor: Monitor, gates: LiveGates, bundle: Bundle, source: CellSource, device: str, port: int, saved: Path
) -> Iterator[None]:
    """Serve the page on ``port`` of this machine while the block runs, and say on standard error where it is.

    What it shows at the end is written to ``saved``.

    Raises
    ------
    InputError
        If the port is taken, or what draws the page is not installed.
    """
    try:
        from cytogate.host.page.live import LivePage
        from cytogate.host.page.server import save_page, serve
        from cytogate.host.page.words import About
    except ImportError as error:
        raise InputError(f"--live needs the package {error.name}: pip install 'cytogate[stream]'") from error
    about = About(
        design=bundle.design.name,
        device=bundle.device if bundle.manifest.synthetic else f"{bundle.device} ({device})",
        source=source.name,
        emulated=bundle.manifest.synthetic,
        simulated=source.simulated,
    )

    def make_page() -> LivePage:
        return LivePage(monitor, gates, about, bundle.design)

    with serve(make_page, port) as url:
        print(f"live page: {url}", file=sys.stderr)
        try:
            yield
        except KeyboardInterrupt:
            monitor.ended("interrupted")
            raise
        except Exception as error:
            monitor.ended(str(error))
            raise
        else:
            monitor.ended("the source has ended")
        finally:
            save_page(make_page(), saved)
