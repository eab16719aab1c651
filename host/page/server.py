"""Serving the live page to browsers, from a thread beside the stream; everything a browser needs comes from here."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from bokeh.core.templates import FILE
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import ConnectionLost, DocumentReady
from bokeh.models import CustomJS, GlobalInlineStyleSheet
from bokeh.resources import INLINE
from bokeh.server.server import BaseServer
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from cytogate.host.page.access import PageApplication
from cytogate.host.page.complaints import each_complaint_once
from cytogate.host.page.live import REFRESH_MS, LivePage
from cytogate.host.page.theme import WINDOW_STYLE
from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError

ADDRESS = "127.0.0.1"
"""This machine alone: whoever sees the page can move the gates. From elsewhere, forward the port through SSH."""
PORT = 5006
SECRET_BYTES = 24
STOP_S = 5.0
"""Time in which the server starts, and in which it stops."""
LAST_LOOK_S = 2 * REFRESH_MS / 1000
"""From the end of the stream to that of the server: every page has then shown the end."""

_TEMPLATE = FILE.environment.from_string(
    '{% extends base %}{% block preamble %}<link rel="icon" href="data:,">{% endblock %}'
)
"""Without an icon named here, a browser asks for one at an address without the secret."""
_FOLLOW_BROWSER = "dark.active = window.matchMedia('(prefers-color-scheme: dark)').matches"
_TELL = "document.documentElement.style.setProperty('--when-lost', 'inline')"
"""Not by a property of the layout, which there is no connection left to tell the server of."""


@contextmanager
def serve(make_page: Callable[[], LivePage], port: int = PORT) -> Iterator[str]:
    """Serve pages until the block is left.

    Parameters
    ----------
    make_page
        Makes the page of one more viewer.
    port
        Where to listen; 0 takes a free one.

    Yields
    ------
    str
        Address of the page. It holds a secret, made for this stream alone: without it nothing is served.

    Raises
    ------
    InputError
        If something else listens there.
    """
    started: Future[int] = Future()
    stop, secret = threading.Event(), secrets.token_urlsafe(SECRET_BYTES)
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(make_page, secret, port, started, stop)), name="cytogate-page", daemon=True
    )
    thread.start()
    try:
        heard = started.result(STOP_S)
    except OSError as error:
        raise InputError(
            f"the live page cannot listen at {ADDRESS}:{port}: {error.strerror}; choose another port"
        ) from error
    try:
        yield f"http://{ADDRESS}:{heard}/{secret}/"
    finally:
        stop.set()
        thread.join(LAST_LOOK_S + STOP_S)


async def _serve(
    make_page: Callable[[], LivePage], secret: str, port: int, started: Future[int], stop: threading.Event
) -> None:
    def show(document: Document) -> None:
        add_page(document, make_page())

    try:
        sockets = bind_sockets(port, ADDRESS)
    except OSError as error:
        started.set_exception(error)
        return
    application = PageApplication(show, secret)
    http = HTTPServer(application)
    http.add_sockets(sockets)
    server = BaseServer(IOLoop.current(), application, http)
    with each_complaint_once():
        server.start()
        started.set_result(sockets[0].getsockname()[1])
        while not stop.is_set():
            await asyncio.sleep(0.1)
        if server.get_sessions():
            await asyncio.sleep(LAST_LOOK_S)
        server.stop()


def save_page(page: LivePage, path: Path) -> None:
    """Write a page as it is now into a file that any browser shows without a server."""
    document = Document()
    page.rest()
    _fill(document, page)
    with whole_file(path) as partial:
        partial.write_text(file_html(document, INLINE, suppress_callback_warning=True), encoding="utf-8")


def add_page(document: Document, page: LivePage) -> None:
    """Make a viewer's document of a page that draws itself."""
    _fill(document, page)
    document.config.update(notify_connection_status=False, reconnect_session=False)
    document.add_periodic_callback(page.refresh, REFRESH_MS)
    document.js_on_event(DocumentReady, CustomJS(args={"dark": page.dark}, code=_FOLLOW_BROWSER))
    document.js_on_event(ConnectionLost, CustomJS(code=_TELL))


def _fill(document: Document, page: LivePage) -> None:
    """Let a page fill the window."""
    document.title, document.template = "Cytogate", _TEMPLATE
    page.root.stylesheets.append(GlobalInlineStyleSheet(css=WINDOW_STYLE))
    document.add_root(page.root)
