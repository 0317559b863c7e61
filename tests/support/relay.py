"""Loopback peers that pass bytes on: a proxy, plain and by CONNECT, and a Unix socket's server.

Owns accepting and copying. What is answered is whoever stands behind.
"""

import contextlib
import socket
import threading
import types
from urllib.parse import urlsplit


class Relay:
    """Passes each connection on, to where `target` says after the first bytes were read."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self.asked: list[bytes] = []
        """The first line of each connection."""

    def target(self, first: bytes) -> tuple[tuple[str, int], bytes, bytes]:
        """Say where to, what to answer at once, and what to pass on of the first bytes."""
        raise NotImplementedError

    def __enter__(self):
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            first = near.recv(65536)
            self.asked.append(first.partition(b"\r\n")[0])
            address, said, rest = self.target(first)
            with socket.create_connection(address) as far:
                near.sendall(said)
                far.sendall(rest)
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Proxy(Relay):
    """An HTTP proxy."""

    def __init__(self) -> None:
        super().__init__(socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def target(self, first: bytes) -> tuple[tuple[str, int], bytes, bytes]:
        method, target, _ = first.split(b" ", 2)
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            return (host, int(port)), b"HTTP/1.1 200 Connected\r\n\r\n", b""
        url = urlsplit(target.decode())
        return (url.hostname or "", url.port or 80), b"", first


class UnixRelay(Relay):
    """Passes what comes to a Unix socket on to a port."""

    def __init__(self, path: str, port: int) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        super().__init__(listener)
        self._port = port

    def target(self, first: bytes) -> tuple[tuple[str, int], bytes, bytes]:
        return ("127.0.0.1", self._port), b"", first
