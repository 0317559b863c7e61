"""What has to be asked before a piece of a recorded answer may come: for servers that speak up.

Owns that for MCP over HTTP, where a server says things of its own on streams that stay open: a
question of its own, a change, the end of what was cancelled. Everything else answers whenever it is
asked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from agentvcr.matching.rpc import message_of
from agentvcr.model.exchange import Exchange, Exchanges

_SESSION = b"mcp-session-id"
_IN_QUERY = re.compile(rb"[?&]session_?id=([\w.-]+)", re.IGNORECASE)
_ENDPOINT = b"event: endpoint"
_LLM = "llm"

_Session = tuple[int, bytes]
"""A process, and the session's id: what another process is served is not known in this one."""


class _Said(NamedTuple):
    """A message of the client: when it began, and its exchange."""

    began_ns: int
    number: int


class Causes:
    """The messages of each session of MCP, read when the first of its streams is asked for."""

    def __init__(self, exchanges: Exchanges) -> None:
        """Look at these exchanges, later."""
        self._exchanges = exchanges
        self._said: dict[_Session, list[_Said]] | None = None
        self._told: dict[_Session, list[_Said]] = {}

    def of(self, exchange: Exchange) -> dict[int, int]:
        """Give what has to be asked before the head (0), chunk n (n + 1) or the end comes.

        Of a stream that the client opened to listen, the last message before it, which may end the
        session; of a request's answer the last one that is no request: an answer to the server, or
        a cancellation.
        """
        session = session_of(exchange)
        response = exchange.response
        if session is None or response is None:
            return {}
        if self._said is None:
            self._said = self._read()
        listens = exchange.request.method.upper() == "GET"
        said = (self._said if listens else self._told).get(session, [])
        times = [response.at_ns, *(chunk.at_ns for chunk in response.chunks)]
        if exchange.ending is not None and exchange.ending.kind in ("eof", "failed"):
            times.append(exchange.ending.at_ns)
        gates: dict[int, int] = {}
        for position, at_ns in enumerate(times):
            index = bisect_left(said, (at_ns, 0)) - 1
            if index >= 0 and said[index].began_ns > exchange.began_ns:
                gates[position] = said[index].number
        return gates

    def _read(self) -> dict[_Session, list[_Said]]:
        found: dict[_Session, list[_Said]] = {}
        for key in self._exchanges.list_keys():
            if key.internal or key.kind == _LLM:
                continue
            one = self._exchanges.numbered(key.number)
            session = session_of(one)
            if session is None or one.request.method.upper() == "GET":
                continue
            said = _Said(one.began_ns, one.number)
            found.setdefault(session, []).append(said)
            message = message_of(one.request.body)
            if message is not None and not ("method" in message and "id" in message):
                self._told.setdefault(session, []).append(said)
        for several in (*found.values(), *self._told.values()):
            several.sort()
        return found


def names_session(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request is made in a session of MCP over HTTP."""
    return any(name.lower() == _SESSION for name, _ in headers)


def session_of(exchange: Exchange) -> _Session | None:
    """Give the session of MCP that a request belongs to, in its process; None without one.

    Its id is a header. In the older transport the stream's first event names the address, with the
    id in its query, to which messages are then posted.
    """
    headers = exchange.request.headers
    value = next((value for name, value in headers if name.lower() == _SESSION), None)
    if value is None:
        address = exchange.request.url.encode("utf-8", "surrogateescape")
        if exchange.request.method.upper() == "GET":
            chunks = exchange.response.chunks if exchange.response is not None else ()
            address = b"".join(chunk.data for chunk in chunks[:2])
            address = address if _ENDPOINT in address else b""
        found = _IN_QUERY.search(address)
        value = found[1] if found is not None else None
    return None if value is None else (exchange.process, value)
