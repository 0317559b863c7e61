"""A loopback server that speaks HTTP/2 over TLS: JSON, events, and answers in another order.

Owns HTTP/2's framing, by the h2 library. Its answers carry the numbers of a counter, as those of
`battery_server`.
"""

import contextlib
import functools
import itertools
import json
import random
import ssl
import threading
from collections.abc import Callable, Iterator

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.support import wire
from tests.support.loopback import Line, LineClosedError, LoopbackServer
from tests.support.wire import Asked

_JITTER_S = 0.03
_GAP_S = 0.003
_MOST = 65536
_TYPES = {"/json": "application/json", "/sse": "text/event-stream"}


class H2Server(LoopbackServer):
    """Answers `/json` after a time by chance, and `/sse` with events, cut in their middle."""

    def __init__(
        self, numbers: Iterator[int] | None = None, *, port: int = 0, tls: ssl.SSLContext
    ) -> None:
        super().__init__(port=port)
        tls.set_alpn_protocols(["h2"])
        self._listener = tls.wrap_socket(
            self._listener, server_side=True, do_handshake_on_connect=False
        )
        self._numbers = numbers or itertools.count(1001)

    @property
    def base_url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def _converse(self, line: Line) -> None:
        try:
            _Conversation(self, line).hold()
        finally:
            with self._counting:
                del self._lines[line]
            line.release()

    def next_number(self, asked: Asked) -> str:
        """Count a request."""
        self.asked.append(asked)
        return f"#{next(self._numbers)}#"


class _Conversation:
    """One connection: requests are read here, and each is answered in a thread of its own."""

    def __init__(self, server: H2Server, line: Line) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._server, self._line = server, line
        self._speaking = threading.Lock()
        self._asked: dict[int, dict[str, str]] = {}
        self._answering: list[threading.Thread] = []

    def hold(self) -> None:
        """Read until the peer has gone."""
        try:
            self._h2.initiate_connection()
            self._flush()
            while data := self._line.reader.read1(_MOST):
                with self._speaking:
                    events = self._h2.receive_data(data)
                    self._flush()
                for event in events:
                    self._happened(event)
        except (OSError, LineClosedError, h2.exceptions.ProtocolError):
            pass  # the peer has gone or speaks something else, or the server is stopped
        for thread in self._answering:
            thread.join()

    def _happened(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._asked[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            with self._speaking:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._flush()
        elif isinstance(event, h2.events.StreamEnded):
            headers = self._asked.pop(event.stream_id)
            asked = Asked(
                method=headers[":method"],
                target=headers[":path"],
                path=headers[":path"],
                query={},
                headers=tuple(headers.items()),
                body=b"",
            )
            number = self._server.next_number(asked)
            thread = threading.Thread(target=self._answer, args=(event.stream_id, asked, number))
            self._answering.append(thread)
            thread.start()

    def _answer(self, stream: int, asked: Asked, number: str) -> None:
        headers = [(":status", "200"), ("content-type", _TYPES[asked.path]), ("x-answer", number)]
        with contextlib.suppress(OSError, LineClosedError, h2.exceptions.ProtocolError):
            if asked.path == "/json":
                self._line.pause(random.Random(number).uniform(0, _JITTER_S))
            self._say(lambda: self._h2.send_headers(stream, headers))
            for data in _pieces(asked, number):
                self._line.pause(_GAP_S)
                self._say(functools.partial(self._h2.send_data, stream, data))
            self._say(lambda: self._h2.end_stream(stream))

    def _say(self, put: Callable[[], None]) -> None:
        with self._speaking:
            put()
            self._flush()

    def _flush(self) -> None:
        self._line.send(self._h2.data_to_send())


def _pieces(asked: Asked, number: str) -> Iterator[bytes]:
    if asked.path == "/json":
        yield json.dumps({"answer": number}).encode()
        return
    for place in range(3):
        data = wire.event({"answer": number, "event": place, "text": "é✓"})
        middle = data.index("é".encode()) + 1
        yield from (data[:middle], data[middle:])
