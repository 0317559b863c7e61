"""A recorded answer as the bytes of a connection, for the client's own parser to read.

Owns the stand-in for a socket, and the framing and the ends of what comes out of it. Nothing of it
reaches the network. Does not know which client reads.
"""

from __future__ import annotations

import io
import os
import socket

from agentvcr.inside import state
from agentvcr.inside.exchange import ReplayHalt, Serve
from agentvcr.inside.interceptors.http_client_errors import SENDING, Closed, made_again
from agentvcr.inside.waiting import WAITING, until_the_end, wait

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.interceptors.http_client_streams import Ear

_NO_BODY = (204, 304)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NOT_FOLLOWED = "the program reads on where the recorded one stopped reading (%s after %d chunks)"


class Answer:
    """What comes over a connection in answer to one request."""

    def __init__(self, serve: Serve, ear: Ear, method: str, *, is_expecting: bool) -> None:
        """Answer with `serve`; first with a word to go on, where the client waits for that."""
        self.serve = serve
        self._ear = ear
        self._has_body = method != "HEAD" and serve.status not in _NO_BODY
        self._is_chunked = self._has_body and _is_chunked(serve)
        self._is_expecting = is_expecting
        self._position = 0
        self._left = memoryview(b"")
        self._behind = b""
        self._is_finished = False

    @property
    def is_over(self) -> bool:
        """Whether a client that waits would wait in vain: there is nothing more to read."""
        is_given = self._position > len(self.serve.chunks) and not (self._left or self._is_chunked)
        is_bare = bool(self._position) and not self._has_body
        return self._is_finished or is_bare or (is_given and self.serve.end_kind == "eof")

    def read_into(self, buffer: Any) -> int:  # noqa: ANN401  (any buffer)
        """Give the next bytes, of one piece at most; none at the end."""
        if not self._left:
            behind, self._behind = self._behind, b""
            self._left = memoryview(behind or self._next())
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def _next(self) -> bytes:
        serve = self.serve
        if self._is_expecting:
            self._is_expecting = False
            return _CONTINUE
        if not self._position:
            wait(serve, 0)
            if not serve.status:
                self._finish()
                return b""
            self._position = 1
            return self._head()
        number = self._position - 1
        while self._has_body and number < len(serve.chunks):
            self._position += 1
            wait(serve, number + 1)
            if serve.chunks[number]:  # an empty one would end the body
                return self._framed(serve.chunks[number])
            number += 1
        if number == len(serve.chunks) and self._has_body:
            self._position += 1
            wait(serve, number + 1)
            self._finish()
            return b"0\r\n\r\n" if self._is_chunked and serve.end_kind == "eof" else b""
        return b""

    def _framed(self, data: bytes) -> bytes:
        """Give what comes first of a chunk: its size alone, so that reads begin at its content."""
        if not self._is_chunked:
            return data
        self._behind = data + b"\r\n"
        return b"%x\r\n" % len(data)

    def _finish(self) -> None:
        """Do behind the last chunk what the recorded answer did: end, wait, or fail."""
        serve = self.serve
        if serve.end_kind in WAITING:
            until_the_end()
        if serve.end_kind == "failed":
            _, error = made_again(serve.failure, has_head=bool(serve.status))
            if not isinstance(error, Closed):
                self._position -= 1 if serve.status else 0  # whoever reads on, fails again
                raise error
        elif serve.end_kind != "eof" or not serve.status:
            self._ear.end("overrun")
            raise ReplayHalt(_NOT_FOLLOWED % (serve.end_kind, len(serve.chunks)))
        self._is_finished = True

    def _head(self) -> bytes:
        serve = self.serve
        version = serve.http_version if serve.http_version[:6] == b"HTTP/1" else b"HTTP/1.1"
        lines = [b"%s %d %s" % (version, serve.status, serve.reason)]
        lines += [b"%s: %s" % (name, self._value(name, value)) for name, value in serve.headers]
        return b"\r\n".join([*lines, b"", b""])

    def _value(self, name: bytes, value: bytes) -> bytes:
        """Give a header's value; a length is that of the body as it was kept, without secrets."""
        if name.lower() != b"content-length" or self._is_chunked or not self._has_body:
            return value
        if self.serve.end_kind != "eof":
            return value
        return b"%d" % sum(map(len, self.serve.chunks))


def _is_chunked(serve: Serve) -> bool:
    for name, value in serve.headers:
        if name.lower() == b"transfer-encoding":
            return value.strip().lower() == b"chunked"  # the first one, as `http.client` sees it
    return False


class _Stream:
    """What a file of the stand-in reads from: one answer, whatever the connection does later."""

    def __init__(self, sock: Served, answer: Answer | None) -> None:
        self._sock = sock
        self._answer = answer

    def recv_into(self, buffer: Any) -> int:  # noqa: ANN401  (any buffer)
        return self._answer.read_into(buffer) if self._answer is not None else 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (`_sock` of TLS, and the like)
        return getattr(self._sock, name)

    def _decref_socketios(self) -> None:
        """Nothing is counted: nothing is held."""


_descriptors: dict[str, int] = {}
"""Two descriptors for whoever waits for one: one is always readable, one never."""


def _descriptor(name: str) -> int:
    made = _descriptors.get(name)
    if made is not None:
        return made
    if name == "ready":
        opened = os.open(os.devnull, os.O_RDONLY)
    else:
        opened, _ = os.pipe()  # nobody writes into it, nobody closes it
    return _descriptors.setdefault(name, opened)


class Served:
    """Stands for a connected socket in a replay."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = 0

    def __init__(self) -> None:
        """Be connected, to nobody."""
        self.answer: Answer | None = None
        self._timeout: float | None = None

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401  (any buffer)
        """Send to nobody: who serves has the request already."""
        del flags
        handler = state.handler
        if handler is None:  # the replay is over, and nobody is there
            raise ConnectionResetError(104, "Connection reset by peer")
        if self.answer is None:
            handler.failed(RuntimeError("the program sends past http.client"))
            return
        memoryview(data)  # as a socket, refuse what is no buffer
        serve = self.answer.serve
        if not serve.status and serve.end_kind == "failed":
            place, error = made_again(serve.failure, has_head=False)
            if place == SENDING:
                raise error

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ANN401  (any buffer)
        """Send to nobody, all at once."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        **options: Any,  # noqa: ANN401  (as a socket's)
    ) -> Any:  # noqa: ANN401  (as a socket's)
        """Give a file of the present answer: the same as a socket's, but for what it reads from."""
        raw = socket.SocketIO(_Stream(self, self.answer), "r")  # type: ignore[arg-type]  # it reads
        if buffering == 0:
            return raw
        size = io.DEFAULT_BUFFER_SIZE if buffering is None or buffering < 0 else buffering
        file = io.BufferedReader(raw, size)
        return file if "b" in mode else io.TextIOWrapper(file, **options)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        """Receive as a socket does."""
        del flags
        view = memoryview(buffer)[: nbytes or None]
        return self.answer.read_into(view) if self.answer is not None else 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive as a socket does."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer, size, flags)])

    def fileno(self) -> int:
        """Give a descriptor to wait for: readable while an answer is to come."""
        is_idle = self.answer is None or self.answer.is_over
        return _descriptor("never" if is_idle and state.handler is not None else "ready")

    def settimeout(self, value: float | None) -> None:
        """Keep the value."""
        self._timeout = value

    def gettimeout(self) -> float | None:
        """Give it back."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  (a socket's own signature)
        """Keep the value."""
        self._timeout = None if flag else 0.0

    def setsockopt(self, *args: Any) -> None:  # noqa: ANN401  (as a socket's)
        """Set nothing."""

    def getsockopt(self, *args: Any) -> int:  # noqa: ANN401  (as a socket's)
        """Say that nothing is set."""
        del args
        return 0

    def getpeername(self) -> tuple[str, int]:
        """Name nobody."""
        return ("127.0.0.1", 0)

    getsockname = getpeername

    def getpeercert(self, binary_form: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
        """Show no certificate."""
        return b"" if binary_form else {}

    def selected_alpn_protocol(self) -> None:
        """Say that none was negotiated."""

    def version(self) -> str:
        """Say a version of TLS."""
        return "TLSv1.3"

    def cipher(self) -> tuple[str, str, int]:
        """Say a cipher."""
        return ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)

    def shutdown(self, how: int = 0) -> None:
        """Shut nothing down."""

    def close(self) -> None:
        """Hold nothing any more; who still reads an answer has it."""

    def __enter__(self) -> Served:  # noqa: PYI034  (Self is not in Python 3.9)
        """Be a context, as a socket is."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close."""
        self.close()
