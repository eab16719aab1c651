"""Measure the cost of viewers of the live page: latency of decisions, alone and before a crowd, in pairs of runs.

The stream is the command, on an emulated board without a network, so that nothing but a cell's way from its arrival to
its decision is timed. The crowd is a process on the same computer, and takes its share of it.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from cytogate.model.command.files import temporary_folder
from cytogate.model.command.processes import run_beside
from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.sim.board.job import emulate

PAIRS = 5
CELLS, CELLS_PER_S = 1000, 100
VIEWERS = 50
REST_S = 1.0
"""Between two tries of a viewer for whom there was no room, and between two rounds of hostile requests."""
START_S, ANSWER_S = 60.0, 5.0
"""Time in which the page is there, and after which an answer is not waited for."""

ADDRESS = re.compile(r"live page: (\S+)")
TOKEN = re.compile(rb'"token":"([^"]+)"')


@dataclass(frozen=True)
class Crowd:
    """What came to the page in one run."""

    served: int = 0
    """Viewers that got a page and followed it."""
    turned_away: int = 0
    """Tries for which there was no room."""
    hostile: int = 0
    """Requests that should do nothing."""


@dataclass(frozen=True)
class Pair:
    """The 99th percentile from arrival to decision of a stream that nobody looks at, and of one before a crowd."""

    quiet_ms: float
    watched_ms: float
    crowd: Crowd

    @property
    def ratio(self) -> float:
        """How much longer decisions take before a crowd."""
        return self.watched_ms / self.quiet_ms


def watched_and_quiet(design: Design, frames: NDArray[np.unsignedinteger]) -> Iterator[Pair]:
    """Stream ``frames`` (cells, channels, rows, columns) again and again, and yield a pair of runs after the other.

    Raises
    ------
    CheckFailed
        If a run fails, a gate was moved, or no viewer was served.
    """
    with temporary_folder() as folder:
        bundle = emulate(design, folder)
        cells = folder / "cells.npy"
        stored = np.lib.format.open_memmap(cells, "w+", frames.dtype, (CELLS, *frames.shape[1:]))
        for cell in range(CELLS):
            stored[cell] = frames[cell % len(frames)]
        stored.flush()
        for pair in range(PAIRS):
            quiet_ms, _ = _run(bundle.path, cells, folder / f"quiet{pair}", crowded=False)
            watched_ms, crowd = _run(bundle.path, cells, folder / f"watched{pair}", crowded=True)
            yield Pair(quiet_ms, watched_ms, crowd)


def median_ratio(pairs: list[Pair]) -> float:
    """Return the ratio of the pair in the middle."""
    return statistics.median(pair.ratio for pair in pairs)


def _run(bundle: Path, cells: Path, output: Path, *, crowded: bool) -> tuple[float, Crowd]:
    """Stream once; return the percentile in milliseconds, and who came."""
    command = "import sys; from cytogate.model.command.dispatch import main; sys.exit(main(sys.argv[1:]))"
    stream = subprocess.Popen(
        [sys.executable, "-c", command, "stream", "--bundle", str(bundle), "--device", "emulated-light", "--input",
         str(cells), "--rate", str(CELLS_PER_S), "--output", str(output), "--live", "0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert stream.stderr is not None
    said = ""
    found = None
    crowd = Crowd()
    with stream:
        for line in stream.stderr:
            said += line
            found = found or ADDRESS.search(line)
            if found is not None and crowded:
                crowd = _crowd_at(found[1], CELLS / CELLS_PER_S - REST_S)
                crowded = False
    if stream.returncode or found is None:
        raise CheckFailed(f"the stream that is timed has failed: {said.strip().splitlines()[-1:]}")
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    if len(report["gates"]) != 1 or report["finished"] != CELLS:
        raise CheckFailed(f"{output.name}: gates were moved, or cells lost: {report['gates']}")
    return report["latency"]["total"]["p99_us"] / 1e3, crowd


def _crowd_at(url: str, seconds: float) -> Crowd:
    """Let a crowd come to the page for so long."""
    ours, theirs = Pipe()
    process = run_beside("cytogate.sim.viewers:come", theirs.fileno())
    theirs.close()
    try:
        ours.send((url, seconds))
        crowd: Crowd = ours.recv() if ours.poll(seconds + START_S) else Crowd()
    except EOFError:
        crowd = Crowd()
    finally:
        process.kill()
        process.wait()
        ours.close()
    if not crowd.served or not crowd.hostile:
        raise CheckFailed("no viewer came to the page that is timed")
    return crowd


def come(channel_number: int) -> None:
    """Be the crowd that is asked for at the other end of a channel."""
    with Connection(channel_number) as channel:
        url, seconds = channel.recv()
        channel.send(asyncio.run(_crowd(url, seconds)))


async def _crowd(url: str, seconds: float) -> Crowd:
    came = Counter[str]()
    tasks = [asyncio.create_task(_view(url, came)) for _ in range(VIEWERS)]
    tasks.append(asyncio.create_task(_attack(url, came)))
    _, running = await asyncio.wait(tasks, timeout=seconds)
    for task in running:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Crowd(came["served"], came["turned away"], came["hostile"])


async def _view(url: str, came: Counter[str]) -> None:
    """Ask for the page until there is room, then follow it as a browser does."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
    while True:
        token = TOKEN.search(await _answer(parts.netloc, request))
        if token is not None:
            break
        came["turned away"] += 1
        await asyncio.sleep(REST_S)
    socket = await websocket_connect(
        HTTPRequest(f"ws://{parts.netloc}{parts.path}ws"), subprotocols=["bokeh", token[1].decode()]
    )
    came["served"] += 1
    while await socket.read_message() is not None:
        pass


async def _attack(url: str, came: Counter[str]) -> None:
    """Send round after round of requests that nobody should answer with more than a refusal."""
    parts = urlsplit(url)
    requests = hostile_requests(parts.netloc, parts.path)

    async def send(request: bytes) -> None:
        came["hostile"] += 1
        await _answer(parts.netloc, request)

    while True:
        await asyncio.gather(*map(send, requests))
        await asyncio.sleep(REST_S)


async def _answer(netloc: str, request: bytes) -> bytes:
    host, port = netloc.split(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), ANSWER_S)
        writer.close()
    except (OSError, asyncio.TimeoutError):
        return b""
    return answer


def hostile_requests(netloc: str, path: str) -> list[bytes]:
    """Return what strangers, scanners and other pages may send to a page at ``http://netloc/path``."""

    def asked(line: str, *headers: str, host: str = netloc) -> bytes:
        return "\r\n".join((f"{line} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode()

    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==")  # fmt: skip
    return [
        asked("GET /"),
        asked("GET /wrong-secret/"),
        asked("GET /../../etc/passwd"),
        asked("GET /%2e%2e/"),
        asked(f"GET /{'x' * 60_000}"),
        asked("GET /autoload.js?bokeh-autoload-element=x&bokeh-absolute-url=x"),
        asked(f"GET {path}?bokeh-session-id=mine"),
        asked(f"GET {path}", host="elsewhere.example"),
        asked(f"GET {path}", "Origin: http://elsewhere.example"),
        asked(f"POST {path}", "Content-Length: 5") + b"gates",
        asked(f"DELETE {path}"),
        asked(f"OPTIONS {path}", "Origin: http://elsewhere.example", "Access-Control-Request-Method: PUT"),
        asked("GET /ws", *upgrade),
        asked(f"GET {path}ws", *upgrade, "Sec-WebSocket-Protocol: bokeh, invented"),
        asked(f"GET {path}ws", *upgrade, "Origin: http://elsewhere.example"),
        asked(f"GET {path}", f"Cookie: {'x' * 100_000}"),
        asked(f"POST {path}", "Content-Length: 99999999999"),
        asked(f"POST {path}", "Transfer-Encoding: chunked") + b"FFFFFFFF\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        bytes(range(256)) * 8,
    ]
