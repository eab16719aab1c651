"""Viewers of the live page: who, and how many; every request is sent to a real server, as another program would."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import re
import socket
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from cytogate.host.page import access
from cytogate.host.page.about import About
from cytogate.host.page.access import MOST_PAGES
from cytogate.host.page.darkroom import Darkroom
from cytogate.host.page.live import LivePage
from cytogate.host.page.server import serve
from cytogate.host.stream.gating import Gates, LiveGates
from cytogate.host.stream.monitor import Monitor
from tests.streams import CLASSES, small_design
from tests.test_monitor import event

WAIT_S = 20.0
FREED_S, NEVER_S = 60.0, 600.0
"""Time in which a closed page is gone."""
ABOUT = About("small", "emulated none", "random cells", emulated=True, simulated=True)


@dataclass(frozen=True)
class Answer:
    """What a server has answered."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Served:
    """A server of pages, their stream's gates, and the pages that it has made."""

    url: str
    gates: LiveGates
    pages: list[weakref.ref[LivePage]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def secret(self) -> str:
        return urlsplit(self.url).path.strip("/")

    @property
    def alive(self) -> int:
        gc.collect()
        return sum(page() is not None for page in self.pages)


@contextmanager
def served() -> Iterator[Served]:
    monitor, live = Monitor(CLASSES), LiveGates(Gates({CLASSES[0]: 0.9}), CLASSES)
    monitor.write(event(0, time.monotonic_ns()))
    made = Served("", live)

    def page() -> LivePage:
        new = LivePage(monitor, live, ABOUT, Darkroom(small_design()))
        made.pages.append(weakref.ref(new))
        return new

    with serve(page, 0) as url:
        made.url = url
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """A server for many tests, which soon forgets pages without a websocket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "UNUSED_S", 2.0)
        with served() as server:
            yield server


def ask(server: Served, path: str, method: str = "GET", **headers: str) -> Answer:
    """Return the answer to a request with headers as they are given."""
    connection = http.client.HTTPConnection(server.host, timeout=WAIT_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    got = connection.getresponse()
    answer = Answer(got.status, dict(got.getheaders()), got.read().decode())
    connection.close()
    return answer


def page_token(server: Served) -> str:
    """Open a page, when there is room for one, and return what its websocket is opened with."""
    with within(WAIT_S) as left:
        while (answer := ask(server, f"/{server.secret}/")).status == 503 and left():
            pass
    assert answer.status == 200, answer.text
    return token_in(answer.text)


def token_in(page: str) -> str:
    found = re.search(r'"token":"([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


async def websocket(server: Served, token: str, path: str = "", origin: str | None = None) -> WebSocketClientConnection:
    """Open a websocket with a token and wait for its first word."""
    path = path or f"/{server.secret}/ws"
    headers = {} if origin is None else {"Origin": origin}
    connection = await websocket_connect(
        HTTPRequest(f"ws://{server.host}{path}", headers=headers, connect_timeout=WAIT_S, request_timeout=WAIT_S),
        subprotocols=["bokeh", token],
    )
    heard = await asyncio.wait_for(connection.read_message(), WAIT_S)
    assert heard is not None
    assert json.loads(heard)["msgtype"] == "ACK"
    return connection


def refused(opening: Callable[[], Awaitable[object]]) -> int:
    """Return the status with which a websocket is refused."""
    with pytest.raises(HTTPClientError) as caught:
        asyncio.run(opening())  # type: ignore[arg-type]
    return caught.value.code


@contextmanager
def within(seconds: float) -> Iterator[Callable[[], bool]]:
    end = time.monotonic() + seconds

    def left() -> bool:
        time.sleep(0.1)
        return time.monotonic() < end

    yield left


PATHS = ("/", "/ws", "/autoload.js?bokeh-autoload-element=x", "/metadata", "/favicon.ico", "/static/js/bokeh.min.js",
         "/static/extensions/x", "//", "/static/../", "/%2e%2e/")  # fmt: skip


@pytest.mark.parametrize("given", ["none", "wrong", "longer", "shorter", "query", "other case", "not ascii"])
def test_without_the_secret_nothing_is_served(server: Served, given: str) -> None:
    secret, made = server.secret, len(server.pages)
    start = {
        "none": "", "query": "", "wrong": "/" + "A" * len(secret), "longer": f"/{secret}A",
        "shorter": f"/{secret[:-1]}", "other case": f"/{secret.swapcase()}", "not ascii": f"/{secret}%C3%A9",
    }[given]  # fmt: skip
    for path in PATHS:
        path = f"{start}{path}" + (f"?token={secret}" if given == "query" else "")
        for method in ("GET", "POST", "OPTIONS"):
            answer = ask(server, path, method)
            assert (answer.status, secret in answer.text) == (403, False), path
    token = page_token(server)
    assert refused(lambda: websocket(server, token, f"{start}/ws")) == 403
    assert len(server.pages) == made + 1, "a page was made for a stranger"


def test_secrets_are_long_and_never_the_same() -> None:
    with served() as first, served() as second:
        assert first.secret != second.secret
        assert len(first.secret) >= 32
        assert ask(first, f"/{second.secret}/").status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "[", ""])
def test_another_host_is_refused(server: Served, host: str) -> None:
    """A name that leads to this machine belongs to another: its pages would be of the same origin."""
    named, made = host.format(port=urlsplit(server.url).port), len(server.pages)
    for path in ("", "static/js/bokeh.min.js", "ws"):
        assert ask(server, f"/{server.secret}/{path}", Host=named).status in (400, 403)
    assert len(server.pages) == made


ORIGINS = ("http://evil.example", "http://evil.example:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1:8888",
           "http://localhost:{port}", "null", "file://", "http://127.0.0.1:{port}.evil.example")  # fmt: skip


def test_another_origin_is_refused(server: Served) -> None:
    token, made = page_token(server), len(server.pages)
    for origin in ORIGINS:
        origin = origin.format(port=urlsplit(server.url).port)
        assert ask(server, f"/{server.secret}/", Origin=origin).status == 403, origin
        assert refused(lambda origin=origin: websocket(server, token, origin=origin)) == 403, origin
    assert len(server.pages) == made


def test_its_own_origin_is_taken(server: Served) -> None:
    """By whatever name of this machine, and through whatever port, as SSH forwards it."""

    async def opened(host: str) -> None:
        headers = {"Host": host, "Origin": f"http://{host}"}
        request = HTTPRequest(f"ws://{server.host}/{server.secret}/ws", headers=headers)
        (await websocket_connect(request, subprotocols=["bokeh", page_token(server)])).close()

    for host in (server.host, "localhost:8080", "LOCALHOST:8080", "127.0.0.1"):
        asyncio.run(opened(host))


def test_no_answer_is_for_another_page(server: Served) -> None:
    """Neither framed, nor read across origins, nor told on in a link; and what embeds pages is not served."""
    for path in (f"/{server.secret}/", f"/{server.secret}/static/js/bokeh.min.js", "/", f"/{server.secret}/x"):
        headers = ask(server, path).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert not [name for name in headers if name.lower().startswith("access-control")]
    made = len(server.pages)
    for path in ("autoload.js?bokeh-autoload-element=x", "metadata", "static/extensions/x", "favicon.ico"):
        for method in ("GET", "OPTIONS"):
            assert ask(server, f"/{server.secret}/{path}", method).status in (404, 405)
    assert ask(server, f"/{server.secret}/?bokeh-session-id=chosen").status == 403
    assert ask(server, f"/{server.secret}/", Bokeh_Session_Id="chosen").status == 403
    assert len(server.pages) == made


def test_pages_are_few_and_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty that ask at once get a few pages, no websocket makes another, and a closed page leaves nothing behind."""

    async def together(server: Served) -> None:
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(
            *(loop.run_in_executor(None, ask, server, f"/{server.secret}/") for _ in range(50))
        )
        taken = [answer for answer in answers if answer.status == 200]
        told = [answer for answer in answers if answer.status == 503]
        assert (len(taken), len(told)) == (MOST_PAGES, 50 - MOST_PAGES)
        assert "close one" in told[0].text
        tokens = [token_in(answer.text) for answer in taken]
        connections = [await websocket(server, token) for token in tokens]
        for invented in ("", "x", "eyJzZXNzaW9uX2lkIjogIngifQ", tokens[0][:-1], "W" * 40_000):
            with pytest.raises((HTTPClientError, asyncio.TimeoutError)):
                await websocket(server, invented)
        assert server.alive == MOST_PAGES
        for connection in connections:
            connection.close()
            # The browser goes when the server has heard it.
            while await asyncio.wait_for(connection.read_message(), WAIT_S) is not None:
                pass

    # Closing alone frees a page here.
    monkeypatch.setattr(access, "UNUSED_S", NEVER_S)
    monkeypatch.setattr(access, "PING_S", NEVER_S)
    with served() as server:
        asyncio.run(together(server))
        with within(FREED_S) as left:
            while server.alive and left():
                pass
        assert not server.alive
        assert ask(server, f"/{server.secret}/").status == 200


def test_a_page_that_nobody_uses_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "UNUSED_S", 1.0)
    with served() as server:
        page_token(server)
        assert server.alive == 1
        with within(FREED_S) as left:
            while server.alive and left():
                pass
        assert not server.alive


def test_a_viewer_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers no ping: its page is freed, and meanwhile others are served."""
    monkeypatch.setattr(access, "PING_S", 1.0)
    monkeypatch.setattr(access, "UNUSED_S", NEVER_S)
    with served() as server:
        token = page_token(server)
        with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port)) as stalled:
            stalled.sendall(
                f"GET /{server.secret}/ws HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\nConnection: Upgrade"
                "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                f"Sec-WebSocket-Protocol: bokeh, {token}\r\n\r\n".encode()
            )
            assert b" 101 " in stalled.recv(64)
            assert server.alive == 1
            with within(WAIT_S) as left:
                while server.alive and left():
                    assert ask(server, "/").status == 403
            assert not server.alive


def test_nonsense_is_told_once(server: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is sent to the websocket, a line for each kind, without a traceback; the page still opens."""
    deep = "[" * 5000
    nonsense = ["", "{", "null", "[1,2]", '{"msgid": 1}', deep, "x" * 100_000, b"\0\1\2",
                '{"msgid": "1", "msgtype": "PATCH-DOC", "num_buffers": 1000000000}']  # fmt: skip

    async def sent() -> None:
        for message in nonsense * 2:
            connection = await websocket(server, page_token(server))
            with suppress(WebSocketClosedError):  # the page hangs up, maybe before the third
                for _ in range(3):
                    await connection.write_message(message, binary=isinstance(message, bytes))
            await asyncio.sleep(0.05)
            connection.close()

    asyncio.run(sent())
    page_token(server)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    lines = said.splitlines()
    assert len(lines) <= 10, said
    assert max(map(len, lines), default=0) < 250, said
