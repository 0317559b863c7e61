"""The program's end of the channel: its connections to the engine.

Owns the connections of this process. Does not know what the frames say (`remote`).

No thread and no lock of ours: code takes an exclusive connection from a free list and puts it
back only after success, so a signal handler that raises in the middle leaves a torn frame on a
connection that is never used again, and a fork finds nothing held. Frames carry (exchange,
sequence), so the engine can drop what is sent twice.
"""

from __future__ import annotations

import os
import sys

from agentvcr.inside import frames
from agentvcr.inside.chance.stream import real as real_urandom
from agentvcr.inside.exchange import by_a_handler
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


_READ = 65536
"""Bytes received at once: more would cost an allocation from the system for each answer."""


class Gone(Exception):  # noqa: N818  (a state of the channel, never shown to the program)
    """The engine is not there any more."""


class Wire:
    """One connection to the engine, used by one caller at a time.

    Holds the bare descriptor: a socket object would warn of itself when the program ends, and bring
    down interpreters that drop it when hardly anything of them is left.
    """

    __slots__ = ("buffer", "family", "fd", "inode")

    def __init__(self, address: str, hello: bytes) -> None:
        """Connect to `unix:PATH` or `tcp:PORT` and say hello."""
        import _socket  # noqa: PLC0415  (the C module: nobody patches it, and a start needs none)

        scheme, _, place = address.partition(":")
        self.family = int(_socket.AF_UNIX if scheme == "unix" else _socket.AF_INET)
        sock = _socket.socket(self.family, _socket.SOCK_STREAM)
        sock.settimeout(None)
        if hasattr(_socket, "SO_NOSIGPIPE"):  # macOS has no MSG_NOSIGNAL
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_NOSIGPIPE, 1)
        sock.connect(place if scheme == "unix" else ("127.0.0.1", int(place)))
        self.fd = _beyond_standard(sock.detach())
        self.inode = os.fstat(self.fd).st_ino
        self.buffer = b""
        self.put(hello)

    def is_ours(self) -> bool:
        """Whether the descriptor still is this connection: programs close what they don't know."""
        try:
            return os.fstat(self.fd).st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection, unless the program has."""
        if self.is_ours():
            os.close(self.fd)

    def _borrow(self) -> Any:  # noqa: ANN401  (a socket, to be detached after use)
        import _socket  # noqa: PLC0415  (as above)

        sock = _socket.socket(self.family, _socket.SOCK_STREAM, 0, self.fd)
        if _socket.getdefaulttimeout() is not None:  # the program's, not ours
            sock.settimeout(None)
        return sock

    def put(self, data: bytes) -> None:
        """Send all of `data`; SIGPIPE must not kill a program whose recorder died."""
        import _socket  # noqa: PLC0415  (as above)

        sock = self._borrow()
        try:
            sock.sendall(data, getattr(_socket, "MSG_NOSIGNAL", 0))
        finally:
            sock.detach()

    def get(self) -> frames.Frame:
        """Receive the next frame, with the BODY frames before it joined to its raw bytes."""
        pieces: list[bytes] = []
        while True:
            found = frames.unpack(self.buffer, 0)
            if found is None:
                sock = self._borrow()
                try:
                    data = sock.recv(_READ)
                finally:
                    sock.detach()
                if not data:
                    raise Gone
                self.buffer += data
                continue
            frame, size = found
            self.buffer = self.buffer[size:]
            pieces.append(frame.raw)
            if frame.kind != frames.BODY:
                if len(pieces) > 1:
                    frame.raw = b"".join(pieces)
                return frame


def _beyond_standard(fd: int) -> int:
    """Move a descriptor out of the way of 0, 1 and 2, which a program may have closed."""
    if fd > 2:  # noqa: PLR2004  (the standard descriptors)
        return fd
    import fcntl  # noqa: PLC0415  (hardly ever)

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


class Link:
    """All connections of this process to the engine."""

    def __init__(self, address: str, token: str, lane: str, *, is_gateway: bool = False) -> None:
        """Connect later, at the first frame: a program that says nothing opens nothing.

        The gateway is a process of ours, and none of the run.
        """
        self._is_gateway = is_gateway
        self.address = address
        self.token = token
        self.lane = lane
        self.gone = False
        self.uid = ""
        self.free: list[Wire] = []
        self.reset(lane)

    def reset(self, lane: str) -> None:
        """Start anew as another process, at the start and after a fork."""
        for wire in self.free:
            wire.close()
        self.free, self.uid, self.lane = [], real_urandom(8).hex(), lane

    def tell(self, data: bytes) -> None:
        """Send without waiting for an answer."""
        self._use(data, answered=False)

    def ask(self, data: bytes) -> frames.Frame:
        """Send and wait for the answer."""
        return self._use(data, answered=True)  # type: ignore[return-value]  # a frame, since asked

    def _use(self, data: bytes, *, answered: bool) -> frames.Frame | None:
        if self.gone:
            raise Gone
        try:
            wire = self._take()
        except OSError as error:
            if by_a_handler(error):
                raise
            self.gone = True
            raise Gone from None
        try:
            wire.put(data)
            answer = wire.get() if answered else None
        except (OSError, Gone) as error:
            if by_a_handler(error):
                wire.close()
                raise
            self.gone = True
            raise Gone from None
        except BaseException:  # a signal handler's: a torn frame dies with its connection
            wire.close()
            raise
        self.free.append(wire)
        return answer

    def _take(self) -> Wire:
        while True:
            try:
                wire = self.free.pop()
            except IndexError:
                return Wire(self.address, self._hello())
            if wire.is_ours():
                return wire

    def _hello(self) -> bytes:
        argv = getattr(sys, "orig_argv", None) or [sys.executable, *getattr(sys, "argv", [])]
        meta = {
            "protocol": frames.PROTOCOL,
            "token": self.token,
            "uid": self.uid,
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "lane": self.lane,
            "argv": list(argv),
            "python": "%d.%d.%d" % sys.version_info[:3],
        }
        if self._is_gateway:
            meta["argv"], meta["gateway"] = ["agentvcr", "gateway"], True
        return frames.pack(frames.HELLO, 0, 0, monotonic_ns(), frames.pack_meta(meta), b"")
