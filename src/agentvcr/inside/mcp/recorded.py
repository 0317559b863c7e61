"""Tell what passes between a client and its MCP server, while that server runs.

Owns which exchange a server's message belongs to: the request that it answers or is progress of,
else the latest in flight, else the session's own exchange. Passes nothing on itself (`relay`).

The session's exchange has a chunk for each line that belongs to no request, as JSON:
`{"after": messages of the client, "lines": lines of the server before it, "line": the line}`, and
at last `{…, "exit": status}`, or `"signal"`. A replay gives each when it has come as far. What the
call of a recorded function covers is not counted: a replay says none of it.
"""

from __future__ import annotations

import json
from _thread import allocate_lock

from agentvcr.inside.exchange import Forward, NullSink
from agentvcr.inside.mcp import messages
from agentvcr.inside.mcp.messages import Message, own_origin, request_of, without_origin

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.exchange import HeaderList, ProcessHandler, Request, Sink

_ANSWERED = 200
_ACCEPTED = 202
_JSON: HeaderList = [(b"content-type", b"application/json")]


class ServerEndedError(Exception):
    """The server was gone before it had answered."""


class _Open:
    """A request in flight."""

    __slots__ = ("covered", "sink", "token")

    def __init__(self, sink: Sink, token: str, *, covered: bool) -> None:
        self.sink = sink
        self.token = token
        self.covered = covered


class Recorded:
    """What is told of one server's messages."""

    def __init__(self, handler: ProcessHandler, server: str) -> None:
        """Begin the session's exchange."""
        self._handler = handler
        self._server = server
        self._own = own_origin()
        self._lock = allocate_lock()
        self._open: dict[str, _Open] = {}
        self._asked: dict[str, str] = {}
        self._after = 0
        self._end_at: dict[str, int] = {}
        self._lines = 0
        self._session = self._begin(messages.session_request(server, self._own))
        self._session.head(_ANSWERED, _JSON, b"OK", messages.VERSION)

    def client_says(self, line: bytes) -> bytes:
        """Tell a client's line; returns it as the server is to have it."""
        origin, line = without_origin(line)
        origin = origin or self._own
        with self._lock:
            self._after += not origin.covered
            try:
                self._client_says(Message(line), origin)
            except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
                self._handler.failed(error)
        return line

    def _client_says(self, message: Message, origin: messages.Origin) -> None:
        answers = self._asked.pop(message.key, "") if message.is_response else ""
        sink = self._begin(request_of(self._server, message, origin, answers))
        if message.is_request:
            head = [*_JSON, (messages.ID_HEADER, message.key.encode())]
            if origin.covered:
                head.append((messages.COVERED_HEADER, b"1"))
            sink.head(_ANSWERED, head, b"OK", messages.VERSION)
            self._open[message.key] = _Open(sink, message.token, covered=origin.covered)
            return
        sink.head(_ACCEPTED, [], b"Accepted", messages.VERSION)
        sink.end("eof")
        cancelled = self._open.pop(message.cancels, None)
        if cancelled is not None:
            cancelled.sink.end("cancelled")

    def client_left(self) -> None:
        """Take down that the client says nothing any more."""
        with self._lock:
            self._after += 1

    def server_says(self, line: bytes) -> None:
        """Tell a server's line, before the client has it."""
        with self._lock:
            try:
                self._lines += self._server_says(Message(line))
            except Exception as error:  # noqa: BLE001  (as above)
                self._handler.failed(error)

    def _server_says(self, message: Message) -> bool:
        """Tell a line; returns whether a replay says it too."""
        if message.is_request:
            self._asked[message.key] = message.method
        answered = self._open.pop(message.key, None) if message.is_response else None
        if answered is not None:
            answered.sink.chunk(message.line)
            answered.sink.end("eof")
            return not answered.covered
        asking = None if message.is_response else self._asking(message)
        if asking is not None:
            asking.sink.chunk(message.line)
            return not asking.covered
        self._tell_session({"line": message.line.decode("utf-8", "surrogateescape")})
        return True

    def _asking(self, message: Message) -> _Open | None:
        if message.method == messages.PROGRESS:
            for one in self._open.values():
                if one.token and one.token == message.token:
                    return one
            return None
        return next(reversed(list(self._open.values())), None)

    def _tell_session(self, what: dict[str, Any]) -> None:
        told = {"after": self._after, "lines": self._lines, **self._end_at, **what}
        self._session.chunk(json.dumps(told, separators=(",", ":")).encode() + b"\n")

    def server_left(self) -> None:
        """Tell that the server says nothing any more: what is in flight has no answer.

        This is the moment that the client learns of; what it says from then on, it says because of
        that, and a replay must not wait for it before the end.
        """
        with self._lock:
            self._end_at = {"after": self._after, "lines": self._lines}
            still_open, self._open = self._open, {}
            for one in still_open.values():
                one.sink.end("failed", ServerEndedError("the server ended without an answer"))

    def over(self, status: int) -> None:
        """Tell how the server's process ended, and end the session; negative is a signal."""
        with self._lock:
            self._tell_session({"signal": -status} if status < 0 else {"exit": status})
            self._session.end("eof")

    def _begin(self, request: Request) -> Sink:
        try:
            decision = self._handler.begin(request)
        except Exception as error:  # noqa: BLE001  (as above)
            decision = self._handler.failed(error)
        return decision.sink if isinstance(decision, Forward) else NullSink()
