"""Access to the live page: for whoever has its address, which holds a secret, in a few pages at a time.

Every request passes one gate before anything is made for it; what is not needed by the page is not served.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bokeh.document import Document
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.doc_handler import DocHandler
from bokeh.server.views.ws import WSHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

MOST_PAGES = 8
"""Pages that are open at once: each is drawn in the process that classifies."""
UNUSED_S = 15.0
"""Time from a page's first byte to its websocket, which a slow line may need; a closed page is freed at once."""
CLEANING_S = 1.0
PING_S = 10.0
"""A browser that answers no ping for so long reads nothing any more, and its page is closed."""
MOST_MESSAGE_BYTES = 1 << 20
"""Of a message from a browser: a gate is a few hundred bytes."""
LOCAL_NAMES = ("127.0.0.1", "localhost")
"""Names of this machine, at any port: one forwarded through SSH may be another."""

_SECRET_SENTENCE = "This is not the address of the live page: open the one that cytogate stream has printed, whole.\n"
_FULL_SENTENCE = f"{MOST_PAGES} pages of this stream are open; close one, then load this page again.\n"
_HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: no other page frames it, reads it, or learns its address from a link."""


class PageApplication(BokehTornado):
    """Serves one page under an address that holds a secret; anything else is refused before it costs anything.

    Parameters
    ----------
    show
        Fills the document of one more viewer.
    secret
        First part of the path of all addresses; ASCII letters, digits, ``-`` and ``_``.
    """

    def __init__(self, show: Callable[[Document], None], secret: str) -> None:
        super().__init__(
            {"/": show},
            prefix=secret,
            # Any: the gate below has compared the origin with the host.
            extra_websocket_origins={f"{name}:*" for name in LOCAL_NAMES} | set(LOCAL_NAMES),
            check_unused_sessions_milliseconds=round(1000 * CLEANING_S),
            unused_session_lifetime_milliseconds=round(1000 * UNUSED_S),
            keep_alive_milliseconds=0,
            websocket_max_message_size_bytes=MOST_MESSAGE_BYTES,
            websocket_ping_interval=PING_S,
            websocket_ping_timeout=PING_S,
            log_function=lambda _handler: None,
        )
        self._secret = secret.encode()
        self.add_transform(_Alone)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Refuse whoever has no secret, names another host or comes from another page."""
        given, _, wanted = request.path.removeprefix("/").partition("/")
        knows = hmac.compare_digest(given.encode(errors="replace"), self._secret)
        if not (knows and _is_own(request)):
            return self.get_handler_delegate(request, _Refusal, {"status": 403, "sentence": _SECRET_SENTENCE})
        if wanted not in ("", "ws") and not wanted.startswith("static/"):
            return self.get_handler_delegate(request, _Refusal, {"status": 404, "sentence": "There is no such page.\n"})
        return super().find_handler(request, **kwargs)

    def get_handler_delegate(
        self, request: HTTPServerRequest, target_class: type[RequestHandler], *args: Any, **kwargs: Any
    ) -> Any:
        """Serve page and websocket by the handlers below."""
        return super().get_handler_delegate(request, _BOUNDED.get(target_class, target_class), *args, **kwargs)


class _Refusal(RequestHandler):
    """One sentence instead of a page."""

    def initialize(self, status: int, sentence: str) -> None:
        self._refused = status, sentence

    def prepare(self) -> None:
        refuse(self, *self._refused)


class _Page(DocHandler):
    """The page, of which there are :data:`MOST_PAGES`; its session is always a new one."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.arguments or "Bokeh-Session-Id" in self.request.headers:
            refuse(self, 403, _SECRET_SENTENCE)
        elif len(list(self.application_context.sessions)) >= MOST_PAGES:
            refuse(self, 503, _FULL_SENTENCE)


class _Socket(WSHandler):
    """The websocket of a page that was served; none makes a page."""

    async def prepare(self) -> None:
        await super().prepare()
        given = self.request.headers.get("Sec-WebSocket-Protocol", "").rpartition(",")[2].strip().encode()
        known = (session.token.encode() for session in self.application_context.sessions)
        if not any(hmac.compare_digest(given, token) for token in known):
            refuse(self, 403, _SECRET_SENTENCE)

    def on_close(self) -> None:
        """Free the page at the next cleaning: nobody can come back to it."""
        if self.connection is not None:
            self.connection.session.request_expiration()
        super().on_close()


class _Alone(OutputTransform):
    """Adds :data:`_HEADERS` to every answer."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers.update(_HEADERS)
        return status_code, headers, chunk


def refuse(handler: RequestHandler, status: int, sentence: str) -> None:
    """Answer a request with a sentence."""
    handler.set_status(status)
    handler.set_header("Content-Type", "text/plain; charset=utf-8")
    handler.finish(sentence)


def _is_own(request: HTTPServerRequest) -> bool:
    """Whether a request names this machine, and comes from a page of it if it says from where.

    A name of another's that leads to this machine is refused, and so are pages of other ports.
    """
    origin = request.headers.get("Origin")
    try:
        local = urlsplit(f"//{request.host}").hostname in LOCAL_NAMES
    except ValueError:
        return False
    return local and (origin is None or origin.lower() == f"http://{request.host.lower()}")


_BOUNDED: Mapping[type[RequestHandler], type[RequestHandler]] = {DocHandler: _Page, WSHandler: _Socket}
