"""A loopback HTTP server that a test holds by the wires: threads, real sockets, nothing hidden.

Owns listening, connections, counting and stopping. What is answered is a subclass's `answer`, which
speaks to a `Line` and may do to it whatever a network does.
"""

import argparse
import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
import types

from tests.support import wire
from tests.support.wire import Asked

COUNT_PATH = "/_count"
"""Asking this tells how many requests were served; it is not itself counted."""


class LineClosedError(Exception):
    """The connection is over; nothing more is to be said on it."""


class Line:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.reader = connection.makefile("rb")

    def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server of a TLS connection; all else goes through that."""
        self._connection = context.wrap_socket(self._connection, server_side=True)
        self.reader = self._connection.makefile("rb")

    def send(self, data: bytes) -> None:
        """Hand bytes to the network in one call."""
        try:
            self._connection.sendall(data)
        except OSError:
            raise LineClosedError from None

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the server lives."""
        if self._stopping.wait(seconds):
            raise LineClosedError

    def close(self) -> None:
        """Close as a peer does that has said everything."""
        raise LineClosedError

    def reset(self) -> None:
        """Break the connection: the peer gets a reset (RST) and not an end."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise LineClosedError

    def hang(self) -> None:
        """Say nothing until the peer has gone."""
        with contextlib.suppress(OSError):
            while self.reader.read(1):
                pass
        raise LineClosedError

    def echo(self) -> None:
        """Send back whatever comes, until the peer has gone."""
        with contextlib.suppress(OSError):
            while data := self.reader.read1(65536):
                self.send(data)
        raise LineClosedError

    def hang_up(self) -> None:
        """Wake whoever waits on this connection, from another thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give the descriptor back."""
        self.reader.close()
        self._connection.close()


class LoopbackServer:
    """Serves from a thread a connection, as a context manager or in a process of its own.

    Attributes:
        asked: Every request so far, in the order in which they arrived.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._lines: dict[Line, threading.Thread] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def answer(self, asked: Asked, line: Line) -> None:
        """Answer one request. Called in the connection's own thread."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def count(self) -> int:
        """How many requests it got."""
        return len(self.asked)

    def __enter__(self):
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse new connections, break the open ones, and wait until their threads have ended."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._accepting.join()
        self._listener.close()
        with self._counting:
            lines = dict(self._lines)
        for line in lines:
            line.hang_up()
        for thread in lines.values():
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(connection, self._stopping)
            thread = threading.Thread(target=self._converse, args=(line,), daemon=True)
            with self._counting:
                self._lines[line] = thread
            thread.start()

    def _converse(self, line: Line) -> None:
        try:
            with contextlib.suppress(LineClosedError, ConnectionError):
                while asked := wire.read_request(line.reader):
                    self._serve(asked, line)
                    if asked.header("connection").lower() == "close":
                        break
        finally:
            with self._counting:
                del self._lines[line]
            line.release()

    def _serve(self, asked: Asked, line: Line) -> None:
        if asked.path == COUNT_PATH:
            line.send(wire.whole_json(self.count))
            return
        self.asked.append(asked)
        self.answer(asked, line)


def serve(server: LoopbackServer) -> None:
    """Be a process of its own: print the port, serve until standard input ends."""
    with server:
        print(server.port, flush=True)
        sys.stdin.read()


def arguments(description: str) -> argparse.ArgumentParser:
    """Start the command line of a server that runs as a process of its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0)
    return parser


def count_of(body: bytes) -> int:
    """Read the answer of `COUNT_PATH`."""
    return int(json.loads(body))
