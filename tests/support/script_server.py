"""A server that misbehaves on request: each path is one thing that a peer can do.

Owns the behaviours, named in `ROUTES`; each takes its numbers from the query. A test may add one of
its own with `ScriptServer({"/mine": behaviour})`.
"""

import gzip
import hashlib
import itertools
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.support import loopback, wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

Behaviour = Callable[[Asked, Line], None]


class ScriptServer(LoopbackServer):
    """Answers by path: a behaviour of its own first, then one of `ROUTES`, else 404."""

    def __init__(self, routes: Mapping[str, Behaviour] | None = None, *, port: int = 0) -> None:
        super().__init__(port=port)
        self._routes = {**ROUTES, "/retry": self._retry, **(routes or {})}
        self._failed: dict[str, int] = {}
        self._failing = threading.Lock()

    def answer(self, asked: Asked, line: Line) -> None:
        self._routes.get(asked.path, _not_found)(asked, line)

    def _retry(self, asked: Asked, line: Line) -> None:
        """Fail `times` times for each `key`, with `code` and Retry-After, then answer."""
        key = asked.query.get("key", "")
        with self._failing:
            failed = self._failed.get(key, 0)
            self._failed[key] = failed + 1
        if failed >= int(asked.query.get("times", 1)):
            line.send(wire.whole_json({"ok": True, "attempt": failed + 1}))
            return
        error = {"error": {"message": "Rate limit reached", "type": "requests", "code": None}}
        after = ("Retry-After", asked.query.get("after", "0.05"))
        body = json.dumps(error).encode()
        line.send(wire.whole(int(asked.query.get("code", 429)), body, [wire.JSON_TYPE, after]))


def _not_found(asked: Asked, line: Line) -> None:
    line.send(wire.whole_json({"error": f"no route {asked.path}"}, status=404))


def _json(asked: Asked, line: Line) -> None:
    """A plain answer; `slow_ms` before it, `code` for its status."""
    line.pause(_seconds(asked, "slow_ms", 0))
    line.send(wire.whole_json({"ok": True}, status=int(asked.query.get("code", 200))))


def _echo(asked: Asked, line: Line) -> None:
    """Tell what arrived: framing, length and hash of the body, and its text if it is short."""
    told = {
        "method": asked.method,
        "query": asked.query,
        "transfer_encoding": asked.header("transfer-encoding"),
        "content_length": asked.header("content-length"),
        "length": len(asked.body),
        "sha256": hashlib.sha256(asked.body).hexdigest(),
        "text": asked.body[:1000].decode("utf-8", "replace"),
    }
    line.send(wire.whole_json(told))


def _headers(asked: Asked, line: Line) -> None:
    """Headers in odd case, in order, twice, and not in ASCII."""
    pairs = [
        ("X-Mixed-CASE", "one"),
        ("Set-Cookie", "session=s3cret; Path=/"),
        ("Set-Cookie", "theme=dark"),
        ("x-mixed-case", "two"),
        ("X-Latin", "caf\xe9"),
        ("X-Empty", ""),
        ("Content-Length", "2"),
    ]
    line.send(wire.head(200, pairs, reason="Quite Fine") + b"ok")


def _empty(asked: Asked, line: Line) -> None:
    """A 204, which has no body."""
    line.send(wire.head(204))


def _sse(asked: Asked, line: Line) -> None:
    """`events` events, `gap_ms` apart, cut into pieces as `cut` says (see `_CUTS`).

    With `then`, the stream does not end well: `hang`, `reset`, `close` (cut short).
    """
    line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
    for data in _CUTS[asked.query.get("cut", "event")](_events(asked)):
        line.pause(_seconds(asked, "gap_ms", 2))
        line.send(wire.piece(data))
    _ENDINGS[asked.query.get("then", "end")](line)


def _gzip_sse(asked: Asked, line: Line) -> None:
    """As `_sse`, gzip-encoded, flushed after each event."""
    line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED, ("Content-Encoding", "gzip")]))
    packer = zlib.compressobj(wbits=31)
    for data in _events(asked):
        line.pause(_seconds(asked, "gap_ms", 2))
        line.send(wire.piece(packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)))
    line.send(wire.piece(packer.flush()))
    line.send(wire.LAST_PIECE)


def _endless(asked: Asked, line: Line) -> None:
    """Server-sent events, `gap_ms` apart, until the peer has gone."""
    line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
    for number in itertools.count(1):
        line.send(wire.piece(wire.event({"event": number})))
        line.pause(_seconds(asked, "gap_ms", 5))


def _gzip(asked: Asked, line: Line) -> None:
    """A plain answer, gzip-encoded."""
    body = gzip.compress(b'{"ok": true, "padding": "' + b"x" * 500 + b'"}', mtime=0)
    line.send(wire.whole(200, body, [wire.JSON_TYPE, ("Content-Encoding", "gzip")]))


def _promised(asked: Asked, line: Line) -> None:
    """A length and no body: what a HEAD is answered with."""
    line.send(wire.head(200, [("Content-Length", "500")]))


def _redirect(asked: Asked, line: Line) -> None:
    """A redirect with `code` to `to`."""
    place = ("Location", asked.query.get("to", "/json"))
    line.send(wire.whole(int(asked.query.get("code", 307)), b"", [place]))


def _large(asked: Asked, line: Line) -> None:
    """`bytes` bytes, framed by `framing`: length, chunked, or close."""
    body = bytes(itertools.islice(itertools.cycle(range(256)), 65536))
    size, framing = int(asked.query.get("bytes", 1_000_000)), asked.query.get("framing", "length")
    frames = {
        "length": [("Content-Length", str(size))],
        "chunked": [wire.CHUNKED],
        "close": [("Connection", "close")],
    }
    line.send(wire.head(200, [("Content-Type", "application/octet-stream"), *frames[framing]]))
    for start in range(0, size, len(body)):
        data = body[: size - start]
        line.send(wire.piece(data) if framing == "chunked" else data)
    if framing == "chunked":
        line.send(wire.LAST_PIECE)
    if framing == "close":
        line.close()


def _reset(asked: Asked, line: Line) -> None:
    """Break the connection before a word is said."""
    line.reset()


def _truncated(asked: Asked, line: Line) -> None:
    """Promise `declared` bytes, send `sent`, close."""
    declared, sent = int(asked.query.get("declared", 1000)), int(asked.query.get("sent", 400))
    line.send(wire.head(200, [("Content-Length", str(declared))]) + b"t" * sent)
    line.close()


def _hang(asked: Asked, line: Line) -> None:
    """Say nothing until the peer has gone."""
    line.hang()


def _garbage(asked: Asked, line: Line) -> None:
    """Something that is not HTTP."""
    line.send(b"SSH-2.0-not-http\r\n\r\n")
    line.close()


def _hints(asked: Asked, line: Line) -> None:
    """An informational answer before the real one."""
    line.send(wire.head(103, [("Link", "</style.css>; rel=preload")]))
    line.send(wire.whole_json({"ok": True}))


def _upgrade(asked: Asked, line: Line) -> None:
    """Switch protocols, then send back whatever comes."""
    line.send(wire.head(101, [("Connection", "Upgrade"), ("Upgrade", "echo")]))
    line.echo()


def _seconds(asked: Asked, name: str, default: float) -> float:
    return float(asked.query.get(name, default)) / 1000


def _events(asked: Asked) -> list[bytes]:
    count = int(asked.query.get("events", 5))
    return [wire.event({"event": number, "text": "é✓" * 3}) for number in range(1, count + 1)]


def _halves(events: list[bytes]) -> Iterator[bytes]:
    """Cut every event in its middle, which is inside a character."""
    for data in events:
        middle = data.index("é".encode()) + 1
        yield from (data[:middle], data[middle:])


def _pairs(events: list[bytes]) -> Iterator[bytes]:
    for start in range(0, len(events), 2):
        yield b"".join(events[start : start + 2])


_CUTS: dict[str, Callable[[list[bytes]], Iterator[bytes]]] = {
    "event": iter,
    "pair": _pairs,
    "middle": _halves,
    "byte": lambda events: (bytes([one]) for one in b"".join(events)),
    "one": lambda events: iter([b"".join(events)]),
}
_ENDINGS: dict[str, Callable[[Line], None]] = {
    "end": lambda line: line.send(wire.LAST_PIECE),
    "hang": Line.hang,
    "reset": Line.reset,
    "close": Line.close,
}
ROUTES: dict[str, Behaviour] = {
    "/echo": _echo,
    "/empty": _empty,
    "/endless": _endless,
    "/garbage": _garbage,
    "/gzip": _gzip,
    "/gzip-sse": _gzip_sse,
    "/hang": _hang,
    "/headers": _headers,
    "/hints": _hints,
    "/json": _json,
    "/large": _large,
    "/promised": _promised,
    "/redirect": _redirect,
    "/reset": _reset,
    "/sse": _sse,
    "/truncated": _truncated,
    "/upgrade": _upgrade,
}
"""Path → behaviour. `/retry` is there too; it counts, so it belongs to a server."""

if __name__ == "__main__":
    loopback.serve(ScriptServer(port=loopback.arguments(__doc__).parse_args().port))
