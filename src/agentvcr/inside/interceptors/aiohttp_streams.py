"""The streams of aiohttp's answers: the tee on a real one, and a served one.

Owns what is noticed of a stream: which bytes the program reads, and how it ends. aiohttp fills one
as the network does; an exchange holds what the program got, so that no network makes a difference.
"""

from __future__ import annotations

import sys
from collections import deque

from agentvcr.inside.exchange import UNSEEN, end_kind_of
from agentvcr.inside.interceptors.aiohttp_holding import hold_back, let_come

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable

    from agentvcr.inside.course import Course
    from agentvcr.inside.exchange import Forward
    from agentvcr.inside.interceptors.aiohttp_answers import Answer

_REDIRECTS = (301, 302, 303, 307, 308)

_watchers: dict[int, Any] = {}
"""Who watches which stream, by its identity: the library's class has slots, and no room."""


def watch(reader: Any, watcher: Any, kind: Any) -> None:  # noqa: ANN401  (the library's)
    """Let `watcher` know of all that happens to a stream, by a class that tells."""
    _watchers[id(reader)] = watcher
    reader.__class__ = kind


def watch_served(reader: Any, watcher: Any, kind: Any) -> None:  # noqa: ANN401  (the library's)
    """The same for a stream whose connection is its own, and keeps the watcher.

    What it watches leads back to the stream: in a list of ours, neither would ever go.
    """
    reader._protocol._agentvcr_watcher = watcher
    reader.__class__ = kind


def tell_unseen(reader: Any, error: BaseException) -> None:  # noqa: ANN401  (the library's)
    """Notice that the program is cancelled before it sees the head of an answer with a body."""
    protocol = getattr(reader, "_protocol", None)
    watcher = _watchers.get(id(reader)) or getattr(protocol, "_agentvcr_watcher", None)
    if watcher is not None:
        watcher.end(UNSEEN, error)


def _watcher_of(reader: Any) -> Any:  # noqa: ANN401  (the library's)
    watcher = _watchers.get(id(reader))
    return reader._protocol._agentvcr_watcher if watcher is None else watcher


class Wire:
    """The pieces of an answer as they were on the wire, not yet read by the program.

    With each goes how many decoded bytes came before it.
    """

    __slots__ = ("encoded", "pieces")

    def __init__(self) -> None:
        """Begin before the first piece."""
        self.pieces: deque[tuple[int, bytes]] = deque()
        self.encoded = False


def telling(original: Any) -> Any:  # noqa: ANN401  (the library's method)
    """Tell an answer's wire of what the library is about to decode."""

    def feed_data(self: Any, chunk: bytes, *size: Any) -> Any:  # noqa: ANN401  (the library's)
        wire = getattr(getattr(self.out, "_protocol", None), "_agentvcr_wire", None)
        if wire is not None:
            wire.encoded = True
            if chunk:
                wire.pieces.append((self.out.total_bytes, bytes(chunk)))
        return original(self, chunk, *size)

    return feed_data


class Watcher:
    """What the tee and a served answer share: how a stream ends that the program reads."""

    def __init__(self, course: Course, status: int) -> None:
        """Watch the stream of an answer with this status."""
        self.course = course
        self._is_redirect = status in _REDIRECTS
        self._cancelled: BaseException | None = None
        self._is_coming = False
        self._late: BaseException | None = None

    def broken(self, reader: Any, error: BaseException) -> None:  # noqa: ANN401  (the library's)
        """Notice that a read was broken off.

        After a cancelled one the program may read on; that its time is up is the end.
        """
        if end_kind_of(error) == "cancelled":
            self.took(reader)
            self._cancelled = type(error)(*error.args)  # without the frames that hold the stream
        elif isinstance(error, sys.modules["asyncio"].TimeoutError):
            self.end("failed", error)

    def refused(self, reader: Any, error: BaseException) -> None:  # noqa: ANN401  (the library's)
        """Notice that the stream gives no more, be it closed or broken."""
        name = type(error).__name__
        if name == "ClientConnectionError" and str(error) == "Connection closed":
            self.left(reader, "closed")
        else:
            self.end(end_kind_of(error), error)

    async def come_in_turn(self, reader: Any, coming: Awaitable[Any]) -> None:  # noqa: ANN401
        """Wait for what comes, and for its turn: it is still in the stream if that is broken off.

        What breaks the stream meanwhile is behind it.
        """
        index = self.position + 1
        self.course.expect()
        await coming
        self._is_coming = reader.exception() is None
        held = hold_back(reader._protocol)
        try:
            await self.course.async_arrive(index)
        except BaseException:
            self.settle(reader)
            raise
        finally:
            let_come(reader._protocol, held)

    def breaks(self, reader: Any, error: BaseException) -> None:  # noqa: ANN401  (the library's)
        """Notice that the stream breaks: perhaps behind something that is still to be taken."""
        self._late = error if self._is_coming else None
        if not self._is_coming:
            self.refused(reader, error)

    def settle(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """Notice what broke the stream behind what has been taken."""
        self._is_coming = False
        late, self._late = self._late, None
        if late is not None:
            self.refused(reader, late)

    def left(self, reader: Any, kind: str) -> None:  # noqa: ANN401  (the library's)
        """Notice that nobody reads on."""
        if self.is_read(reader):
            self.finish(reader)
        elif self._cancelled is not None:
            self.end("cancelled", self._cancelled)
        else:
            self.end(kind)

    @property
    def position(self) -> int:
        """How many pieces the program has been given."""
        raise NotImplementedError

    def is_read(self, reader: Any) -> bool:  # noqa: ANN401  (the library's)
        """Whether nothing but the end was left to read."""
        raise NotImplementedError

    def finish(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """End as the answer does."""
        raise NotImplementedError

    def took(self, reader: Any, how: str = "") -> None:  # noqa: ANN401  (the library's)
        """Notice that the program has read; `how` is `joined` or `part`."""
        raise NotImplementedError

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Tell how it ended."""
        raise NotImplementedError


class Tee(Watcher):
    """Tells a sink what the program reads: in the pieces in which it got them."""

    def __init__(self, forward: Forward, wire: Wire, status: int) -> None:
        """Stand before the program, and after `wire`."""
        super().__init__(forward.course, status)
        self._sink = forward.sink
        self._count = 0
        self._wire = wire
        self._held: list[bytes] = []
        self._told = False

    def catch_up(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """Take the pieces that came with the head."""
        if not self._wire.encoded:
            start = 0
            for data in reader._buffer:
                self.fed(start, data)
                start += len(data)
        if reader.exception() is not None:
            self.refused(reader, reader.exception())

    def fed(self, start: int, data: bytes) -> None:
        """Take a piece that came; of an encoded answer it is known already."""
        if data and not self._wire.encoded:
            self._wire.pieces.append((start, data))

    def took(self, reader: Any, how: str = "") -> None:  # noqa: ANN401  (the library's)
        read, pieces, held = reader.total_bytes - reader._size, self._wire.pieces, self._held
        is_end = reader.at_eof()
        is_all = is_end or not reader._size  # also pieces of an encoding that give nothing by now
        while pieces and (is_all or pieces[0][0] < read):
            held.append(pieces.popleft()[1])
        self._cancelled = None
        if is_end or how != "part":
            self._tell(joined=how != "")
        if is_end:
            self.end("eof")

    def _tell(self, *, joined: bool) -> None:
        held, self._held = self._held, []
        self._told = self._told or bool(held)
        if joined and held:
            held = [b"".join(held)]
        for piece in held:
            self._count += 1
            self._sink.chunk(piece)

    @property
    def position(self) -> int:
        return self._count

    def is_read(self, reader: Any) -> bool:  # noqa: ANN401  (the library's)
        # What redirects is left unread by the library itself.
        unread = self._is_redirect and not self._told
        return bool(reader.is_eof() and (unread or not reader._size))

    def finish(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        del reader
        pieces = self._wire.pieces
        while pieces:
            self._held.append(pieces.popleft()[1])
        self.end("eof")

    def end(self, kind: str, error: BaseException | None = None) -> None:
        self._tell(joined=True)
        self._sink.end(kind, error)


class Served(Watcher):
    """Gives a recorded body, a piece whenever the program waits for one."""

    def __init__(self, answer: Answer, status: int) -> None:
        """Stand before the program, with what `answer` has."""
        super().__init__(answer.serve.course, status)
        self._answer = answer

    @property
    def position(self) -> int:
        return self._answer.fed

    def pull(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """Let the next piece come, since the program waits for it."""
        halt = self._answer.pull(reader)
        if halt is not None:
            raise halt

    def pull_all(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """Let all that is left come, since the program waits for the end."""
        self._answer.wants_all = True
        self.pull(reader)

    def took(self, reader: Any, how: str = "") -> None:  # noqa: ANN401  (the library's)
        del how
        self._cancelled = None
        if reader.at_eof():
            self.end("eof")

    def is_read(self, reader: Any) -> bool:  # noqa: ANN401  (the library's)
        answer = self._answer
        if answer.serve.end_kind not in ("eof", "failed"):
            return bool(reader.is_eof() and not reader._size)
        unread = self._is_redirect and not answer.fed
        return unread or (answer.fed == len(answer.serve.chunks) and not reader._size)

    def finish(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        answer = self._answer
        answer.fed = len(answer.serve.chunks)
        self.end("eof" if reader.is_eof() else answer.serve.end_kind)

    def end(self, kind: str, error: BaseException | None = None) -> None:
        del error
        self._answer.end(kind)


async def _observed(reader: Any, reading: Awaitable[Any], how: str) -> Any:  # noqa: ANN401
    """Read, and let the watcher know before the program does."""
    watcher = _watcher_of(reader)
    try:
        result = await reading
    except BaseException as error:
        watcher.broken(reader, error)
        raise
    if how == "chunk":
        # A part of a chunk of the transfer is told with the rest: the replay gives it whole.
        data, is_whole = result
        is_part = data and not is_whole and reader._http_chunk_splits is not None
        how = "part" if is_part else "joined"
    watcher.took(reader, how)
    watcher.settle(reader)
    return result


def _watched_class(base: Any) -> Any:  # noqa: ANN401  (the library's class)
    """Make a stream's class that tells its watcher of every read, and of its end."""

    class Watched(base):  # type: ignore[misc]  # the library's class, known when it is there
        __slots__ = ()

        async def read(self, n: int = -1) -> bytes:
            data: bytes = await _observed(self, super().read(n), "joined")
            return data

        async def readany(self) -> bytes:
            data: bytes = await _observed(self, super().readany(), "joined")
            return data

        async def readuntil(self, *args: Any, **options: Any) -> bytes:  # noqa: ANN401
            data: bytes = await _observed(self, super().readuntil(*args, **options), "")
            return data

        async def readchunk(self) -> tuple[bytes, bool]:
            chunk: tuple[bytes, bool] = await _observed(self, super().readchunk(), "chunk")
            return chunk

        def read_nowait(self, n: int = -1) -> bytes:
            data: bytes = super().read_nowait(n)
            _watcher_of(self).took(self, "joined")
            return data

        def set_exception(self, exc: BaseException, *cause: Any) -> None:  # noqa: ANN401
            _watcher_of(self).breaks(self, exc)
            super().set_exception(exc, *cause)

        def __del__(
            self,
            is_ending: Callable[[], bool] = sys.is_finalizing,
            watchers: dict[int, Any] = _watchers,
        ) -> None:
            watcher = watchers.pop(id(self), None)
            if watcher is None:
                watcher = getattr(self._protocol, "_agentvcr_watcher", None)
            if watcher is not None and not is_ending():
                watcher.left(self, "abandoned")

    return Watched


def _dressed(kind: Any, base: Any) -> Any:  # noqa: ANN401  (classes)
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(kind, name, getattr(base, name))
    return kind


def teed_class(base: Any) -> Any:  # noqa: ANN401  (the library's class)
    """Make the class of a real answer's stream."""

    class Teed(_watched_class(base)):  # type: ignore[misc]  # as above
        __slots__ = ()

        def feed_data(self, data: bytes, *size: Any) -> Any:  # noqa: ANN401  (the library's)
            _watcher_of(self).fed(self.total_bytes, data)
            return super().feed_data(data, *size)

        async def _wait(self, func_name: str) -> None:
            await _watcher_of(self).come_in_turn(self, super()._wait(func_name))

    return _dressed(Teed, base)


def served_class(base: Any) -> Any:  # noqa: ANN401  (the library's class)
    """Make the class of a served answer's stream: it is filled when the program waits for it."""

    class ServedStream(_watched_class(base)):  # type: ignore[misc]  # as above
        __slots__ = ()

        async def _wait(self, func_name: str) -> None:
            _watcher_of(self).pull(self)
            await _watcher_of(self).come_in_turn(self, super()._wait(func_name))

        async def wait_eof(self) -> None:
            _watcher_of(self).pull_all(self)
            await super().wait_eof()

    return _dressed(ServedStream, base)
