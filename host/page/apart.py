"""The process that serves the live page; see :mod:`~cytogate.host.page.served`, which starts it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.connection import Connection

from cytogate.host.page.live import LivePage
from cytogate.host.page.served import Answer, News, Setting
from cytogate.host.page.server import save_page, serve
from cytogate.host.stream.gating import LiveGates
from cytogate.host.stream.monitor import Monitor, ScoredCells, View
from cytogate.model.command.requests import leave_requests_to_parent
from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError

NICENESS = 5
"""Where a processor is short, the stream goes first."""


def serve_apart(channel_number: int) -> None:
    """Serve the page of the stream at the other end of a channel, until that ends."""
    # The stream says when it has ended.
    leave_requests_to_parent()
    os.nice(NICENESS)
    with Connection(channel_number) as channel:
        setting: Setting = channel.recv()
        news: News | None = None
        stream = StreamElsewhere(setting)
        gates = GatesElsewhere(setting, channel)

        def page() -> LivePage:
            return LivePage(stream, gates, setting.about, setting.darkroom)

        try:
            with serve(page, setting.port) as url:
                channel.send(Answer(url=url))
                while news is None or not news.last:
                    news = channel.recv()
                    stream.latest = news.view
                    gates.follow(news)
                save_page(page(), setting.saved)
        except EOFError:
            """The stream's process is gone, and nobody is left to tell."""
        except InputError as error:
            if news is None:
                channel.send(Answer(refused=str(error)))
            else:
                print(spelled(f"live page: {error}"), file=sys.stderr)


class StreamElsewhere:
    """A stream as its process has told of it."""

    def __init__(self, setting: Setting) -> None:
        self.class_names = setting.darkroom.design.network.class_names
        self.deadline_ns = setting.deadline_ns
        self.latest = Monitor(self.class_names).view()

    def view(self, scored: int = 0) -> View:
        """Return the stream as it was told last; ``scored`` of an earlier view leaves out the scores it gave."""
        view = self.latest
        scores = view.scores
        begin = max(0, len(scores.index) - (view.scored - scored))
        newer = (scores.index[begin:], scores.class_index[begin:], scores.score[begin:], scores.decision[begin:])
        return replace(view, scores=ScoredCells(*newer))


class GatesElsewhere(LiveGates):
    """The gates of such a stream: what is moved here is shown at once, and put in force there."""

    def __init__(self, setting: Setting, channel: Connection) -> None:
        super().__init__(setting.gates, setting.darkroom.design.network.class_names)
        self._channel = channel
        self._sent = 0
        self._sending = threading.Lock()

    def move(self, thresholds: Mapping[str, float | None]) -> None:
        """Change the thresholds of the classes that are named."""
        with self._sending:
            super().move(thresholds)
            if thresholds:
                self._channel.send(dict(thresholds))
                self._sent += 1

    def follow(self, news: News) -> None:
        """Take on the gates in force, unless what was moved here is not among them yet."""
        with self._sending:
            if news.moved == self._sent:
                self.change(news.gates)
