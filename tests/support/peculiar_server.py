"""A script server with what clients treat each in a way of its own: codings, challenges, framing.

Owns those behaviours, and a listener that speaks TLS where it is given a context.
"""

import base64
import contextlib
import hashlib
import ssl
import threading
import zlib

import brotli

from tests.support import loopback, wire
from tests.support.loopback import Line
from tests.support.script_server import ScriptServer
from tests.support.wire import Asked

_PATIENCE_S = 30
TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(40))


class PeculiarServer(ScriptServer):
    """Answers the paths of this file, and those of `ScriptServer`."""

    def __init__(self, *, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        own = {"/gated": self._gated, "/release": self._release}
        super().__init__({**ROUTES, **own}, port=port)
        self._released = threading.Semaphore(0)
        self._scheme = "https" if context else "http"
        if context is not None:
            self._listener = context.wrap_socket(
                self._listener, server_side=True, do_handshake_on_connect=False
            )

    @property
    def base_url(self) -> str:
        host = "localhost" if self._scheme == "https" else "127.0.0.1"
        return f"{self._scheme}://{host}:{self.port}"

    def _gated(self, _: Asked, line: Line) -> None:
        """Four events and the end, each when `/release` is asked for."""
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
        for number in range(4):
            self._released.acquire(timeout=_PATIENCE_S)
            line.send(wire.piece(wire.event({"event": number})))
        self._released.acquire(timeout=_PATIENCE_S)
        line.send(wire.LAST_PIECE)

    def _release(self, _: Asked, line: Line) -> None:
        self._released.release()
        line.send(wire.whole_json({}))

    def _converse(self, line: Line) -> None:
        with contextlib.suppress(OSError):  # a handshake that the peer broke off
            super()._converse(line)


def _encoded(asked: Asked, line: Line) -> None:
    """A text in the `coding` asked for, its bytes cut into `pieces`."""
    coding, count = asked.query["coding"], int(asked.query.get("pieces", 3))
    packed = {
        "br": lambda: brotli.compress(TEXT),
        "deflate": lambda: zlib.compress(TEXT),
        "raw": lambda: zlib.compress(TEXT)[2:-4],
        "broken": lambda: b"this is not deflated at all",
    }[coding]()
    name = "deflate" if coding in ("raw", "broken") else coding
    line.send(wire.head(200, [("Content-Encoding", name), wire.CHUNKED]))
    size = -(-len(packed) // count)
    for start in range(0, len(packed), size):
        line.send(wire.piece(packed[start : start + size]))
        line.pause(0.02)
    line.send(wire.LAST_PIECE)


def _split(asked: Asked, line: Line) -> None:
    """Two pieces of the transfer, the first of them in two packets."""
    line.send(wire.head(200, [wire.CHUNKED]))
    line.send(b"a\r\nfirst")
    line.pause(0.05)
    line.send(b"-half\r\n")
    line.pause(0.05)
    line.send(wire.piece(b"second"))
    line.send(wire.LAST_PIECE)


def _moved(asked: Asked, line: Line) -> None:
    """A redirect with a body that nobody reads."""
    line.send(wire.whole(302, b"<a>moved</a>", [("Location", "/json")]))


def _digest(asked: Asked, line: Line) -> None:
    """Ask for a digest, and answer whoever brings one."""
    if asked.header("authorization").startswith("Digest "):
        line.send(wire.whole_json({"known": True}))
        return
    nonce = hashlib.sha256(b"a nonce").hexdigest()
    challenge = f'Digest realm="r", nonce="{nonce}", qop="auth", algorithm=MD5'
    line.send(wire.whole(401, b"who?", [("WWW-Authenticate", challenge)]))


def _whole_then_hangs(asked: Asked, line: Line) -> None:
    """A head that promises more than comes."""
    line.send(wire.head(200, [("Content-Length", "100")]) + b"c" * 40)
    line.hang()


def _small_until_close(asked: Asked, line: Line) -> None:
    """A body that only the connection's end ends."""
    line.send(wire.head(200, [("Connection", "close")]) + base64.b64encode(b"until close"))
    line.close()


def _head(asked: Asked, line: Line) -> None:
    """The head of an answer with a length, and no body."""
    line.send(wire.head(200, [("Content-Length", "1234")]))


ROUTES = {
    "/digest": _digest,
    "/encoded": _encoded,
    "/head": _head,
    "/moved": _moved,
    "/part": _whole_then_hangs,
    "/split": _split,
    "/until-close": _small_until_close,
}

if __name__ == "__main__":
    loopback.serve(PeculiarServer(port=loopback.arguments(__doc__).parse_args().port))
