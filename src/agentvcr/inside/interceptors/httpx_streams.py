"""The streams of httpx's and httpx2's answers: the tee on a real one, and a served one.

Owns how bytes reach the program, and how it is noticed that they end. Does not patch anything
(`httpx`).
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes
from agentvcr.inside.broken import async_told_in_turn, told_in_turn
from agentvcr.inside.exchange import ReplayHalt, end_kind_of
from agentvcr.inside.waiting import WAITING, async_wait, until_cancelled, until_the_end, wait

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, AsyncIterator, Callable, Iterator

    from agentvcr.inside.exchange import Forward, Serve
    from agentvcr.inside.interceptors.httpx import Client


class Whole:
    """A request's body in one piece, which knows whether anybody has read it."""

    def __init__(self, body: bytes) -> None:
        """Hold the body."""
        self._body = body
        self.was_read = False

    def __iter__(self) -> Iterator[bytes]:
        self.was_read = True
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.was_read = True
        yield self._body


class Teeing:
    """What the sync and the async tee share: what they stand before, and whom they tell."""

    def __init__(self, inner: Any, forward: Forward) -> None:  # noqa: ANN401  (the library's stream)
        """Stand before the stream `inner`."""
        self._inner = inner
        self.sink = forward.sink
        self.course = forward.course

    def end(
        self,
        kind: str,
        error: BaseException | None = None,
        *,
        is_ending: Callable[[], bool] = sys.is_finalizing,
    ) -> None:
        """Tell how it ended, unless the interpreter is: a module's names may be gone by then."""
        if not is_ending():
            self.sink.end(kind, error)

    def __del__(self) -> None:
        self.end("abandoned")


class Tee(Teeing):
    """Hands each chunk on as it arrives, and tells the sink."""

    def __iter__(self) -> Iterator[bytes]:
        return Pieces(iter(self._inner), self)

    def close(self) -> None:
        token = lanes.enter(lanes.current().under_cover())
        try:
            self._inner.close()
        finally:
            lanes.leave(token)
            self.end("closed")


class Pieces:
    """One iteration of a tee. No generator of ours, so that as many finalizers run as without us.

    Leaving the iteration is no end: only closing the stream is, or dropping it.
    """

    def __init__(self, inner: Any, tee: Tee) -> None:  # noqa: ANN401  (the library's iterator)
        """Go through `inner`; holds the tee, which is dropped with the last who can read."""
        self._inner = inner
        self._tee = tee

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        tee = self._tee
        tee.course.leave()
        try:
            token = lanes.enter(lanes.current().under_cover())
            try:
                chunk: bytes | None = next(self._inner, None)
            finally:
                lanes.leave(token)
            tee.course.arrive()
        except BaseException as error:
            told_in_turn(tee.course, error, tee.end)
            raise
        if chunk is None:
            tee.end("eof")
            raise StopIteration
        tee.sink.chunk(chunk)
        return chunk

    def close(self) -> None:
        self._inner.close()


class AsyncTee(Teeing):
    """The same for asynchronous code."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncPieces(self._inner.__aiter__(), self)

    async def aclose(self) -> None:
        token = lanes.enter(lanes.current().under_cover())
        try:
            await self._inner.aclose()
        finally:
            lanes.leave(token)
            self.end("closed")


class AsyncPieces:
    """One iteration of an asynchronous tee."""

    def __init__(self, inner: Any, tee: AsyncTee) -> None:  # noqa: ANN401  (the library's iterator)
        """Go through `inner`."""
        self._inner = inner
        self._tee = tee

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        tee = self._tee
        tee.course.expect()
        try:
            token = lanes.enter(lanes.current().under_cover())
            try:
                chunk: bytes | None = await self._inner.__anext__()
            except StopAsyncIteration:
                chunk = None
            finally:
                lanes.leave(token)
            # Who is cancelled while even the end waits for its turn, does not see it.
            await tee.course.async_arrive()
        except BaseException as error:
            await async_told_in_turn(tee.course, error, tee.end)
            raise
        if chunk is None:
            tee.end("eof")
            raise StopAsyncIteration
        tee.sink.chunk(chunk)
        return chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class Kept:
    """An answer that was read before the program had it: its pieces, and what broke it off."""

    def __init__(self, pieces: list[bytes], failure: Exception | None) -> None:
        """Give these."""
        self._pieces = pieces
        self._failure = failure

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._failure is not None:
            raise self._failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def read_all(tee: Tee) -> tuple[list[bytes], Exception | None]:
    """Read a real answer to its end, and close it; gives what broke it off, too."""
    pieces: list[bytes] = []
    try:
        pieces.extend(tee)
    except Exception as error:  # noqa: BLE001  (the program meets it where it reads)
        return pieces, error
    finally:
        tee.close()
    return pieces, None


async def async_read_all(tee: AsyncTee) -> tuple[list[bytes], Exception | None]:
    """The same for asynchronous code."""
    pieces: list[bytes] = []
    try:
        async for piece in tee:
            pieces.append(piece)  # noqa: PERF401  (a comprehension would lose them on a failure)
    except Exception as error:  # noqa: BLE001  (as above)
        return pieces, error
    finally:
        await tee.aclose()
    return pieces, None


class Served:
    """What the sync and the async stream of a served answer share: where the program is in it.

    A second iteration goes on where the first one stopped, as it does on a connection: the openai
    SDK drains a stream that way after its last event.
    """

    def __init__(self, client: Client, serve: Serve, request: Any) -> None:  # noqa: ANN401
        """Start at the first chunk."""
        self._client = client
        self._serve = serve
        self._request = request
        self._taken = 0
        self._ended = False
        self._closed = False

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_ending():  # bound early: a module's names may be gone by then
            self._end("abandoned")

    def _end(self, kind: str, error: BaseException | None = None) -> None:
        del error  # it is the program's, and no part of what was recorded
        if not self._ended:
            self._ended = True
            self._serve.course.finish()
            if self._serve.taken is not None:
                self._serve.taken(self._taken, kind)

    def _finish(self) -> None:
        """Do after the last chunk what the recorded answer did: end, or fail."""
        serve = self._serve
        if self._closed:  # as on a connection that is closed
            raise self._client.module.ReadError("", request=self._request)
        if serve.end_kind == "eof":
            self._end("eof")
        elif serve.failure is not None and serve.end_kind == "failed":
            self._end("failed")
            raise self._client.error_of(serve, self._request)
        else:
            self._end("overrun")
            raise ReplayHalt(
                "the program reads on where the recorded one stopped reading (%s after %d chunks)"
                % (serve.end_kind, len(serve.chunks))
            )


class Replayed(Served):
    """A recorded body, chunk by chunk."""

    def __iter__(self) -> Iterator[bytes]:
        serve = self._serve
        try:
            while self._taken < len(serve.chunks) and not self._closed:
                self._taken += 1
                wait(serve, self._taken)
                serve.course.arrive()
                yield serve.chunks[self._taken - 1]
        except GeneratorExit:  # left; whether closed or dropped, its owner will say
            raise
        except BaseException as error:
            self._end(end_kind_of(error))
            raise
        wait(serve, self._taken + 1)
        if serve.end_kind in WAITING and not self._closed:
            until_the_end()
        serve.course.arrive()
        self._finish()

    def close(self) -> None:
        self._closed = True
        self._end("closed")


class AsyncReplayed(Served):
    """The same for asynchronous code."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        serve = self._serve
        try:
            while self._taken < len(serve.chunks) and not self._closed:
                self._taken += 1
                if serve.delays_ns or serve.gates:
                    await async_wait(serve, self._taken)
                await serve.course.async_arrive()
                yield serve.chunks[self._taken - 1]
            if serve.delays_ns or serve.gates:
                await async_wait(serve, self._taken + 1)
            if serve.end_kind in WAITING and not self._closed:
                await until_cancelled(serve.course)
            await serve.course.async_arrive()
        except GeneratorExit:  # left; whether closed or dropped, its owner will say
            raise
        except BaseException as error:
            await async_told_in_turn(serve.course, error, self._end)
            raise
        self._finish()

    async def aclose(self) -> None:
        self._closed = True
        self._end("closed")
