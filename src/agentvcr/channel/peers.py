"""What the hub knows of the processes that speak to it, and of their exchanges.

Owns the order of frames within an exchange: what is sent twice is dropped, a gap is waited for.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from agentvcr.channel.engine import TimedSink
from agentvcr.inside.exchange import Taken
from agentvcr.inside.frames import Frame, unpack

_READ = 1 << 16
"""Bytes received at once: more would cost an allocation from the system for each frame."""


class Connection:
    """One connection from a process: bytes in, bytes out, never blocking."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over an accepted socket."""
        sock.settimeout(0)
        self.sock = sock
        self.peer: Peer | None = None
        self.closed = False
        self._in = bytearray()
        self._out = bytearray()

    def read(self) -> Iterator[Frame]:
        """Receive what is there and yield the whole frames; `closed` is set at the end."""
        try:
            data = self.sock.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # a reset is an end like any other
            data = b""
        if not data:
            self.closed = True  # a partial frame at the end is dropped, never guessed
            return
        self._in += data
        buffer, offset = bytes(self._in), 0
        while (found := unpack(buffer, offset)) is not None:
            frame, offset = found
            yield frame
        del self._in[:offset]

    def send(self, data: bytes) -> None:
        """Queue an answer; `write` sends it."""
        self._out += data

    def write(self) -> bool:
        """Send what the socket takes; True while something is left."""
        while self._out:
            try:
                sent = self.sock.send(self._out)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:  # the process died while it waited: its end is seen by `read`
                self._out.clear()
                return False
            del self._out[:sent]
        return False


class Peer:
    """A process of the recorded tree."""

    def __init__(self, index: int, pid: int, *, outlives: bool = False) -> None:
        """Number it as the recorder does; gateway and shims outlive whom they serve."""
        self.outlives = outlives
        self.index = index
        self.pid = pid
        self.connections = 0
        self.exchanges: dict[int, ExchangeState] = {}
        self._done_below = 1
        self._done: set[int] = set()

    def finish(self, number: int) -> None:
        """Forget an exchange that has ended, but for the fact that it has."""
        self.exchanges.pop(number, None)
        self._done.add(number)
        while self._done_below in self._done:  # numbers are given in order: the set stays small
            self._done.discard(self._done_below)
            self._done_below += 1

    def is_done(self, number: int) -> bool:
        """Whether an exchange has ended: its frames may come again after an interruption."""
        return number < self._done_below or number in self._done

    def exchange(self, number: int) -> ExchangeState:
        """Find or start the state of one of its exchanges."""
        state = self.exchanges.get(number)
        if state is None:
            state = self.exchanges[number] = ExchangeState()
        return state


class ExchangeState:
    """Puts the frames of one exchange in order."""

    def __init__(self) -> None:
        """Expect frame 0."""
        self.next = 0
        self.held: dict[int, tuple[Frame, Connection]] = {}
        self.body: list[bytes] = []
        self.sink: TimedSink | None = None
        self.taken: Taken | None = None

    def in_order(self, frame: Frame, connection: Connection) -> Iterator[tuple[Frame, Connection]]:
        """Yield the frames whose turn it is, after `frame` came in over `connection`."""
        if frame.seq > self.next:
            self.held[frame.seq] = (frame, connection)
            return
        if frame.seq == self.next:
            self.next += 1
            yield frame, connection
        while self.next in self.held:
            waiting = self.held.pop(self.next)
            self.next += 1
            yield waiting

    def take_body(self, last: bytes) -> bytes:
        """Join the pieces of a long body that came before this frame."""
        if not self.body:
            return last
        whole = b"".join(self.body) + last
        self.body.clear()
        return whole
