"""The counting chat provider, with one page beside it that counts too."""

import itertools

from tests.support import wire
from tests.support.counter_server import CounterServer
from tests.support.loopback import Line
from tests.support.wire import Asked


class WhatIfServer(CounterServer):
    """Chat completions on any path, and a JSON answer at /page."""

    def __init__(self) -> None:
        super().__init__(jitter_ms=(0, 3))
        self._pages = itertools.count(1)

    def answer(self, asked: Asked, line: Line) -> None:
        if asked.path == "/page":
            line.send(wire.whole_json({"page": next(self._pages), "tags": ["a", "b"]}))
        else:
            super().answer(asked, line)
