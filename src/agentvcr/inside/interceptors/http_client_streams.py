"""Listen to an answer of `http.client`, real or served: what arrives, and what the client takes.

Owns the reader that stands in an answer's place of its file. The client's own parser reads through
it, so that streaming, peeking and every exception are its own. Does not know how bytes come
(`http_client_wire`) or where requests are made (`http_client`).

A piece is told when the client takes of it, and before it gets it: what was only read ahead is no
part of the exchange, and nothing that the program saw complete is lost if it dies.
"""

from __future__ import annotations

import socket
import sys

from agentvcr.inside.exchange import end_kind_of
from agentvcr.inside.interceptors.http_client_framing import Chunked, Framing, Plain

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    from agentvcr.inside.course import Course
    from agentvcr.inside.exchange import Forward, Serve

    class Ear(Protocol):
        """Who is told of an answer: the sink of a real one, or a served one's account."""

        course: Course
        ended: bool
        is_read_first: bool
        """Whether the answer is read to its end before the client has it; known with the head."""

        def head(self, response: Any) -> None:  # noqa: ANN401  (an HTTPResponse)
            """Take the head."""

        def chunk(self, data: bytes) -> None:
            """Take a piece of the body that the client takes."""

        def end(self, kind: str, error: BaseException | None = None) -> None:
            """Take the end; only the first counts."""


_COMING = ("eof", "failed")
"""Ends that come from the other side, and so are waited for."""


class Recording:
    """Tells the sink of a real exchange."""

    def __init__(self, forward: Forward) -> None:
        """Stand before its sink."""
        self._sink = forward.sink
        self._read_first = forward.read_first
        self.is_read_first = False
        self.course = forward.course
        self.ended = False

    def head(self, response: Any) -> None:  # noqa: ANN401  (an HTTPResponse)
        """Tell the head, as it came."""
        pairs = [
            (name.encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
            for name, value in response.headers.raw_items()
        ]
        version = b"HTTP/1.0" if response.version == 10 else b"HTTP/1.1"  # noqa: PLR2004
        self.is_read_first = self._read_first(pairs)
        self.course.arrive()
        self._sink.head(
            response.status, pairs, response.reason.encode("latin-1", "replace"), version
        )

    def chunk(self, data: bytes) -> None:
        """Tell a piece."""
        self.course.arrive()
        self._sink.chunk(data)

    def end(
        self,
        kind: str,
        error: BaseException | None = None,
        *,
        is_ending: Callable[[], bool] = sys.is_finalizing,
    ) -> None:
        """Tell the end once, unless the interpreter is ending: modules' names may be gone."""
        if not self.ended and not is_ending():
            self.ended = True
            if kind in _COMING:
                self.course.arrive()
            self._sink.end(kind, error)


class Serving:
    """Counts how much of a recorded answer the client takes, and tells it at the end."""

    def __init__(self, serve: Serve) -> None:
        """Count in `serve`."""
        self._serve = serve
        self.is_read_first = False
        self.course = serve.course
        self._told = 0
        self._sizes = [len(chunk) for chunk in serve.chunks]
        self.ended = False

    def head(self, response: Any) -> None:  # noqa: ANN401  (an HTTPResponse)
        """Nothing to count."""
        del response
        self.course.arrive()

    def chunk(self, data: bytes) -> None:
        """Count the bytes."""
        self.course.arrive()
        self._told += len(data)

    def end(
        self,
        kind: str,
        error: BaseException | None = None,
        *,
        is_ending: Callable[[], bool] = sys.is_finalizing,
    ) -> None:
        """Tell once how many chunks were taken, and how it ended."""
        del error
        if not self.ended and not is_ending():
            self.ended = True
            if kind in _COMING:
                self.course.arrive()
            self.course.finish()
            if self._serve.taken is not None:
                self._serve.taken(self._count(kind), kind)

    def _count(self, kind: str) -> int:
        if kind == "eof":
            return len(self._sizes)
        count, left = 0, self._told
        while count < len(self._sizes) and left > 0:
            left -= self._sizes[count]
            count += 1
        return count


class Arrivals:
    """What comes in from below: first the head, then the body in its framing."""

    def __init__(self) -> None:
        """Begin before the head."""
        self._early: list[bytes] = []
        self.framing: Framing | None = None
        self.is_over = False
        """Whether the peer has closed."""

    def hear(self, data: bytes) -> None:
        """Take bytes; none say that the peer has closed."""
        if not data:
            self.is_over = True
        elif self.framing is None:
            self._early.append(data)
        else:
            self.framing.feed(data)

    def start(self, framing: Framing, head_size: int) -> None:
        """Know the head's size: what came behind it is body."""
        self.framing = framing
        early, self._early = b"".join(self._early), []
        if len(early) > head_size:
            framing.feed(early[head_size:])


class HeardIO(socket.SocketIO):
    """A socket's file that tells what is read from it."""

    _agentvcr_arrivals: Arrivals

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  (any buffer)
        """Read, and tell."""
        size = super().readinto(buffer)
        if size is not None and len(buffer):
            self._agentvcr_arrivals.hear(bytes(memoryview(buffer)[:size]))
        return size


class Tap:
    """Stands for an answer's file: reads from it, and tells what the client takes.

    Nothing that the file keeps refers to it, so that it goes with the answer that holds it.
    """

    def __init__(self, file: Any, ear: Ear) -> None:  # noqa: ANN401  (a BufferedReader)
        """Read from `file`, which nobody has read from yet."""
        self._file = file
        self._ear = ear
        self._arrivals = Arrivals()
        self._consumed = 0
        self._shown = 0
        raw: Any = getattr(file, "raw", None)
        self._is_heard = type(raw) is socket.SocketIO
        if self._is_heard:
            raw.__class__ = HeardIO
            raw._agentvcr_arrivals = self._arrivals

    def start(self, response: Any) -> None:  # noqa: ANN401  (an HTTPResponse)
        """Know the head: what is read from now on is the body."""
        framing = Chunked() if response.chunked else Plain(response.length)
        self._arrivals.start(framing, self._consumed)
        self._consumed = self._shown = 0

    def release(self) -> Any:  # noqa: ANN401  (a BufferedReader)
        """Give the file back: the connection is the program's."""
        if self._is_heard:
            self._file.raw.__class__ = socket.SocketIO
        return self._file

    def _do(self, read: Any, args: tuple[Any, ...]) -> Any:  # noqa: ANN401  (a method of the file)
        course = self._ear.course
        course.leave()
        try:
            return read(*args)
        except BaseException as error:
            self._broke(error)
            raise
        finally:
            course.back()

    def _read(self, read: Any, args: tuple[Any, ...]) -> Any:  # noqa: ANN401  (as above)
        data = self._do(read, args)
        if data is not None:
            if not self._is_heard:
                self._overhear(data, args)
            self._took(len(data))
        return data

    def _overhear(self, data: bytes, args: tuple[Any, ...]) -> None:
        """Take what was read for what arrived, where nothing is heard from below."""
        if data:
            self._arrivals.hear(data)
        wanted = args[0] if args and args[0] is not None else -1
        if not data and wanted:
            self._arrivals.hear(b"")

    def _took(self, size: int) -> None:
        """Tell what the client takes with its next `size` bytes, and the end if that is it."""
        self._consumed += size
        framing, ear = self._arrivals.framing, self._ear
        if framing is None or ear.ended:
            return
        for data in framing.take(max(self._consumed, self._shown)):
            ear.chunk(data)
        if framing.end is not None and self._consumed >= framing.end:
            ear.end("eof")
        elif self._arrivals.is_over and self._consumed >= framing.arrived:
            if isinstance(framing, Plain) and framing.end is None:
                ear.end("eof")
            else:
                self._finish(framing, framing.arrived, "failed", _incomplete(framing.missing))

    def _broke(self, error: BaseException) -> None:
        framing = self._arrivals.framing
        if framing is not None:  # of the head, whoever waits for it tells
            self._finish(framing, framing.arrived, end_kind_of(error), error)

    def _finish(
        self, framing: Framing, taken: int, kind: str, error: BaseException | None = None
    ) -> None:
        """Tell the end, with what was taken before it of a chunk that will not come whole."""
        if not self._ear.ended:
            for data in framing.take(taken, partly=True):
                self._ear.chunk(data)
            self._ear.end(kind, error)

    def read(self, *args: Any) -> Any:  # noqa: ANN401  (as a BufferedReader)
        """Read on: to the end, or as much as is wanted, unless that comes first."""
        data = self._read(self._file.read, args)
        wanted = args[0] if args and args[0] is not None else -1
        if not self._is_heard and data and not 0 <= wanted <= len(data):
            self._arrivals.hear(b"")
            self._took(0)
        return data

    def read1(self, *args: Any) -> Any:  # noqa: ANN401  (as above)
        """Read what is there."""
        return self._read(self._file.read1, args)

    def readline(self, *args: Any) -> Any:  # noqa: ANN401  (as above)
        """Read a line."""
        return self._read(self._file.readline, args)

    def readinto(self, buffer: Any) -> Any:  # noqa: ANN401  (as above)
        """Read into a buffer."""
        return self._fill(self._file.readinto, buffer)

    def readinto1(self, buffer: Any) -> Any:  # noqa: ANN401  (as above)
        """Read what is there into a buffer."""
        return self._fill(self._file.readinto1, buffer)

    def _fill(self, read: Any, buffer: Any) -> Any:  # noqa: ANN401  (as above)
        size = self._do(read, (buffer,))
        if size is not None:
            if not self._is_heard:
                self._overhear(bytes(memoryview(buffer)[:size]), (len(buffer),))
            self._took(size)
        return size

    def peek(self, *args: Any) -> Any:  # noqa: ANN401  (as above)
        """Look at what is there; of what follows the length asked for, nothing is shown on."""
        data = self._do(self._file.peek, args)
        wanted = args[0] if args and args[0] > 0 else len(data)
        if not self._is_heard and not data:
            self._arrivals.hear(data)
        self._shown = max(self._shown, self._consumed + min(wanted, len(data)))
        self._took(0)
        return data

    def __iter__(self) -> Tap:
        """Go through the lines."""
        return self

    def __next__(self) -> bytes:
        """Give the next line."""
        line: bytes = self.readline()
        if not line:
            raise StopIteration
        return line

    def close(self) -> None:
        """Close the file; a body that has not ended ends with it."""
        try:
            self._file.close()
        finally:
            self._leave("closed")

    def __del__(self) -> None:
        """Tell that a body was dropped."""
        self._leave("abandoned")

    def _leave(
        self, kind: str, *, is_ending: Callable[[], bool] = sys.is_finalizing
    ) -> None:  # bound early: a module's names may be gone by then
        framing = None if is_ending() else self._arrivals.framing
        if framing is not None:
            self._finish(framing, max(self._consumed, self._shown), kind)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the file has)
        return getattr(self._file, name)


def _incomplete(missing: int | None) -> Exception:
    from http.client import IncompleteRead  # noqa: PLC0415  (it has the connection)

    return IncompleteRead(b"", missing)
