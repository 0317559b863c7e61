"""The peer of the battery: whatever it answers, each answer carries the next number of a counter.

Owns the answers, in clear and under TLS. A swapped, stale or live answer shows in its number, which
stands in the headers and in the body: `#1001#`. Two servers may share their numbers.
"""

import contextlib
import gzip
import hashlib
import itertools
import json
import random
import re
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator

import brotli

from tests.support import wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

JITTER_S = 0.03
_EVENT_GAP_S = 0.003


class BatteryServer(LoopbackServer):
    """Answers by path (`_ROUTES`), else 404.

    Attributes:
        connections: How many connections were opened to it.
        numbered: The request to which each number was given.
    """

    def __init__(
        self,
        numbers: Iterator[int] | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port=port)
        if tls is not None:  # the handshake is made at the first read, in the connection's thread
            self._listener = tls.wrap_socket(
                self._listener, server_side=True, do_handshake_on_connect=False
            )
        self._scheme = "http" if tls is None else "https"
        self._numbers = numbers or itertools.count(1001)
        self._failed: dict[str, int] = {}
        self._known: list[Line] = []
        self._looking = threading.Lock()
        self.connections = 0
        self.numbered: dict[int, Asked] = {}

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def answer(self, asked: Asked, line: Line) -> None:
        count = next(self._numbers)
        number, self.numbered[count] = f"#{count}#", asked
        if asked.path == "/retry":
            self._retry(asked, line, number)
        elif asked.path == "/line":
            self._line(line, number)
        else:
            _ROUTES.get(asked.path, _not_found)(asked, line, number)

    def _converse(self, line: Line) -> None:
        with self._looking:
            self.connections += 1
        with contextlib.suppress(ssl.SSLError):  # a client that does not believe us
            super()._converse(line)

    def _retry(self, asked: Asked, line: Line, number: str) -> None:
        """Fail `times` times for each `of`, with `code` and Retry-After, then answer."""
        with self._looking:
            failed = self._failed.get(asked.query["of"], 0)
            self._failed[asked.query["of"]] = failed + 1
        if failed >= int(asked.query["times"]):
            _send(line, number, {"attempt": failed + 1})
        else:
            after = ("Retry-After", asked.query["after"])
            _send(line, number, {"error": "slow down"}, after, status=int(asked.query["code"]))

    def _line(self, line: Line, number: str) -> None:
        """Tell which of the connections that ever asked for this is in use."""
        with self._looking:
            if line not in self._known:
                self._known.append(line)
            place = self._known.index(line)
        _send(line, number, {"line": place})


Route = Callable[[Asked, Line, str], None]


def _send(line: Line, number: str, told: dict, *pairs: tuple[str, str], status: int = 200) -> None:
    body = json.dumps({"answer": number, **told}).encode()
    line.send(_head(number, wire.JSON_TYPE, *pairs, length=len(body), status=status) + body)


def _head(
    number: str, *pairs: tuple[str, str], length: int | None = None, status: int = 200
) -> bytes:
    framing = wire.CHUNKED if length is None else ("Content-Length", str(length))
    reason = "Overloaded" if status == 529 else None
    return wire.head(status, [*pairs, ("X-Answer", number), framing], reason=reason)


def _not_found(asked: Asked, line: Line, number: str) -> None:
    _send(line, number, {"error": f"no route {asked.path}"}, status=404)


def _json(asked: Asked, line: Line, number: str) -> None:
    if asked.method == "HEAD":
        line.send(_head(number, wire.JSON_TYPE, length=17))
        return
    _send(line, number, {"method": asked.method, "query": asked.query})


def _echo(asked: Asked, line: Line, number: str) -> None:
    """Tell what arrived, with the boundary of a form by one name."""
    kind, body = asked.header("content-type"), asked.body
    if found := re.search(r"boundary=\"?([^\";]+)", kind):
        kind, body = kind.replace(found[1], "B"), body.replace(found[1].encode(), b"B")
    told = {
        "method": asked.method,
        "transfer_encoding": asked.header("transfer-encoding"),
        "type": kind,
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "text": body[:400].decode("latin-1"),
    }
    _send(line, number, told)


def _turn(asked: Asked, line: Line, number: str) -> None:
    """Answer after a time by chance, so that answers do not come in the order of the requests."""
    line.pause(random.Random(number).uniform(0, JITTER_S))
    if "stream" in asked.query:
        _sse(asked, line, number)
    else:
        _send(line, number, {})


def _events(asked: Asked, number: str) -> list[bytes]:
    count = int(asked.query.get("events", 3))
    values = [{"answer": number, "event": place, "text": "é✓"} for place in range(1, count + 1)]
    return [wire.event(value) for value in values]


def _sse(asked: Asked, line: Line, number: str) -> None:
    """Events, each cut in the middle of a character; `then` hang, reset or close."""
    line.send(_head(number, wire.EVENTS_TYPE))
    for data in _events(asked, number):
        middle = data.index("é".encode()) + 1
        for half in (data[:middle], data[middle:]):
            line.pause(_EVENT_GAP_S)
            line.send(wire.piece(half))
    line.pause(_EVENT_GAP_S * 5)  # a reset would take with it what was not read yet
    _ENDINGS[asked.query.get("then", "end")](line)


_ENDINGS: dict[str, Callable[[Line], None]] = {
    "end": lambda line: line.send(wire.LAST_PIECE),
    "hang": Line.hang,
    "reset": Line.reset,
    "close": Line.close,
}


def _gzip_sse(asked: Asked, line: Line, number: str) -> None:
    """Events, gzip-encoded, flushed after each."""
    line.send(_head(number, wire.EVENTS_TYPE, ("Content-Encoding", "gzip")))
    packer = zlib.compressobj(wbits=31)
    for data in _events(asked, number):
        line.pause(_EVENT_GAP_S)
        line.send(wire.piece(packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)))
    line.send(wire.piece(packer.flush()) + wire.LAST_PIECE)


def _packed(name: str, pack: Callable[[bytes], bytes]) -> Route:
    def route(_: Asked, line: Line, number: str) -> None:
        body = pack(json.dumps({"answer": number, "padding": "x" * 300}).encode())
        head = _head(number, wire.JSON_TYPE, ("Content-Encoding", name))
        line.send(head + wire.piece(body) + wire.LAST_PIECE)

    return route


def _redirect(asked: Asked, line: Line, number: str) -> None:
    to = ("Location", asked.query["to"])
    _send(line, number, {}, to, status=int(asked.query["code"]))


def _reset(_: Asked, line: Line, __: str) -> None:
    line.reset()


def _hang(_: Asked, line: Line, __: str) -> None:
    line.hang()


def _garbage(_: Asked, line: Line, __: str) -> None:
    line.send(b"SSH-2.0-not-http\r\n\r\n")
    line.close()


def _last(_: Asked, line: Line, number: str) -> None:
    """Answer, and close without having said so."""
    _send(line, number, {})
    line.close()


def _until_close(_: Asked, line: Line, number: str) -> None:
    """An answer that ends with the connection."""
    pairs = [("X-Answer", number), wire.JSON_TYPE, ("Connection", "close")]
    line.send(wire.head(200, pairs) + json.dumps({"answer": number}).encode())
    line.close()


def _hints(_: Asked, line: Line, number: str) -> None:
    """An informational answer before the real one, and at once with it."""
    hint = wire.head(103, [("Link", "</style.css>; rel=preload")])
    line.send(hint + _head(number, wire.JSON_TYPE, length=2) + b"{}")


def _empty(asked: Asked, line: Line, number: str) -> None:
    status = int(asked.query["code"])
    length = [] if status in (204, 304) else [("Content-Length", "0")]
    line.send(wire.head(status, [("X-Answer", number), *length]))


def _odd_headers(_: Asked, line: Line, number: str) -> None:
    """Headers in odd case, twice, empty, and not in ASCII."""
    pairs = [("X-Mixed-CASE", "one"), ("x-mixed-case", "two"), ("X-Latin", "caf\xe9")]
    _send(line, number, {}, *pairs, ("X-Empty", ""), ("Link", "a"), ("Link", "b, c"))


def _large(asked: Asked, line: Line, number: str) -> None:
    """A large body, after reading a large one."""
    _send(line, number, {"got": len(asked.body), "padding": "p" * int(asked.query["bytes"])})


def _truncated(_: Asked, line: Line, number: str) -> None:
    line.send(_head(number, wire.JSON_TYPE, length=1000) + b"t" * 400)
    line.close()


_ROUTES: dict[str, Route] = {
    "/br": _packed("br", brotli.compress),
    "/echo": _echo,
    "/empty": _empty,
    "/garbage": _garbage,
    "/gzip": _packed("gzip", lambda body: gzip.compress(body, mtime=0)),
    "/gzip-sse": _gzip_sse,
    "/hang": _hang,
    "/hints": _hints,
    "/json": _json,
    "/large": _large,
    "/last": _last,
    "/odd-headers": _odd_headers,
    "/redirect": _redirect,
    "/reset": _reset,
    "/sse": _sse,
    "/truncated": _truncated,
    "/turn": _turn,
    "/until-close": _until_close,
}
