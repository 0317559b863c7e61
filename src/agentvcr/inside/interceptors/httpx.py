"""Intercept `httpx` and `httpx2`, sync and async, at the transport.

Owns the tee on an answer and the stream of a served one. Works below authentication, redirects and
event hooks, and above HTTP/1 and HTTP/2: each hop and each retry is an exchange of its own, and
exceptions are the client's already. One code for both libraries: they have the same shape.
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes, state
from agentvcr.inside.exchange import (
    Forward,
    ProcessHandler,
    ReplayHalt,
    Request,
    Serve,
    Sink,
    end_kind_of,
)

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, AsyncIterator, Iterator

_UPGRADE = 101
_WAITING = ("cancelled", "cut")
"""Ends of a recorded answer after which the program waited on, until somebody ended that."""


class Client:
    """One of the two libraries: its classes, and what we add to them."""

    def __init__(self, module: ModuleType) -> None:
        """Make the stream classes that this library accepts as its own."""
        self.module: Any = module
        self.name: str = module.__name__
        self.tee = type("Tee", (Tee, module.SyncByteStream), {})
        self.async_tee = type("AsyncTee", (AsyncTee, module.AsyncByteStream), {})
        self.replayed = type("Replayed", (Replayed, module.SyncByteStream), {})
        self.async_replayed = type("AsyncReplayed", (AsyncReplayed, module.AsyncByteStream), {})

    def request_of(self, request: Any, body: bytes) -> Request:  # noqa: ANN401  (the library's)
        """Describe a request of the library in our words."""
        return Request(
            method=request.method,
            url=str(request.url),
            headers=list(request.headers.raw),
            body=body,
            lane=lanes.current().name,
            client=self.name,
        )

    def response_of(self, serve: Serve, stream: Any) -> Any:  # noqa: ANN401  (the library's)
        """Make a response of the library from a recorded answer."""
        return self.module.Response(
            serve.status,
            headers=serve.headers,
            stream=stream,
            extensions={"http_version": serve.http_version, "reason_phrase": serve.reason},
        )

    def error_of(self, serve: Serve, request: Any) -> BaseException:  # noqa: ANN401
        """Make the exception that ended a recorded exchange, as this library has it."""
        kind, message = serve.failure or ("", "")
        module, _, name = kind.rpartition(".")
        own = getattr(self.module, name, None)
        if isinstance(own, type) and issubclass(own, self.module.RequestError):
            return own(message, request=request)  # type: ignore[no-any-return]  # untyped module
        other = getattr(sys.modules.get(module), name, None)
        if isinstance(other, type) and issubclass(other, BaseException):
            return other(message)
        error: BaseException = self.module.TransportError("%s: %s" % (kind, message))
        return error


class Tee:
    """Hands each chunk on as it arrives, and tells the sink."""

    def __init__(self, inner: Any, sink: Sink) -> None:  # noqa: ANN401  (the library's stream)
        """Stand before the stream `inner`."""
        self._inner = inner
        self._sink = sink

    def __iter__(self) -> Iterator[bytes]:
        sink = self._sink
        try:
            for chunk in self._inner:
                sink.chunk(chunk)
                yield chunk
        except BaseException as error:
            sink.end(end_kind_of(error), error)
            raise
        sink.end("eof")

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._sink.end("closed")


class AsyncTee:
    """The same for asynchronous code."""

    def __init__(self, inner: Any, sink: Sink) -> None:  # noqa: ANN401  (the library's stream)
        """Stand before the stream `inner`."""
        self._inner = inner
        self._sink = sink

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sink = self._sink
        try:
            async for chunk in self._inner:
                sink.chunk(chunk)
                yield chunk
        except BaseException as error:
            sink.end(end_kind_of(error), error)
            raise
        sink.end("eof")

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._sink.end("closed")


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

    def _end(self, kind: str) -> None:
        if not self._ended:
            self._ended = True
            if self._serve.taken is not None:
                self._serve.taken(self._taken, kind)

    def _finish(self) -> None:
        """Do after the last chunk what the recorded answer did: end, or fail."""
        serve = self._serve
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
            while self._taken < len(serve.chunks):
                self._taken += 1
                _wait(serve, self._taken)
                yield serve.chunks[self._taken - 1]
        except BaseException as error:
            self._end(end_kind_of(error))
            raise
        _wait(serve, self._taken + 1)
        if serve.end_kind in _WAITING:
            _until_the_end()
        self._finish()

    def close(self) -> None:
        self._end("closed")


class AsyncReplayed(Served):
    """The same for asynchronous code."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        serve = self._serve
        try:
            while self._taken < len(serve.chunks):
                self._taken += 1
                if serve.delays_ns:
                    await _async_wait(serve, self._taken)
                yield serve.chunks[self._taken - 1]
            if serve.delays_ns:
                await _async_wait(serve, self._taken + 1)
            if serve.end_kind in _WAITING:
                await _forever()
        except BaseException as error:
            self._end(end_kind_of(error))
            raise
        self._finish()

    async def aclose(self) -> None:
        self._end("closed")


def _wait(serve: Serve, position: int) -> None:
    delay_s = serve.delay_s(position)
    if delay_s > 0:
        import time  # noqa: PLC0415  (only a paced replay waits)

        time.sleep(delay_s)


def _until_the_end() -> None:
    """Wait for the end of the program, as the recorded caller did."""
    import time  # noqa: PLC0415  (hardly ever)

    while True:
        time.sleep(3600)


async def _async_wait(serve: Serve, position: int) -> None:
    delay_s = serve.delay_s(position)
    if delay_s > 0:
        await _sleep(delay_s)


async def _forever() -> None:
    """Wait for the one who cancelled the recorded request to cancel this one."""
    while True:
        await _sleep(3600)


async def _sleep(delay_s: float) -> None:
    trio = sys.modules.get("trio")
    if trio is not None and "asyncio" not in sys.modules:
        await trio.sleep(delay_s)
        return
    import asyncio  # noqa: PLC0415  (asynchronous code runs, so it is there)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await sys.modules["trio"].sleep(delay_s)
        return
    await asyncio.sleep(delay_s)


def install(module: ModuleType) -> list[tuple[Any, str, Any]]:
    """Patch the two transports of `module`; returns what was there before."""
    client = Client(module)
    sync_class, async_class = client.module.HTTPTransport, client.module.AsyncHTTPTransport
    before = [
        (sync_class, "handle_request", sync_class.handle_request),
        (async_class, "handle_async_request", async_class.handle_async_request),
    ]
    sync_class.handle_request = _sync(client, sync_class.handle_request)
    async_class.handle_async_request = _async(client, async_class.handle_async_request)
    return before


def _decide(
    client: Client,
    handler: ProcessHandler,
    request: Any,  # noqa: ANN401  (the library's)
    body: bytes,
) -> Serve | Forward:
    try:
        return handler.begin(client.request_of(request, body))
    except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
        return handler.failed(error)


def _sync(client: Client, original: Any) -> Any:  # noqa: ANN401  (the library's method)
    def handle_request(self: Any, request: Any) -> Any:  # noqa: ANN401  (the library's)
        handler = state.handler
        if handler is None:
            return original(self, request)
        body_stream = request.stream
        body = b"".join(body_stream)
        decision = _decide(client, handler, request, body)
        if isinstance(decision, Serve):
            _wait(decision, 0)
            if not decision.status:
                if decision.end_kind in _WAITING:
                    _until_the_end()
                _fail(client, decision, request)
            return client.response_of(decision, client.replayed(client, decision, request))
        sink = decision.sink
        token = lanes.enter(lanes.current().under_cover())
        try:
            request.stream = client.module.ByteStream(body)
            response = original(self, request)
        except BaseException as error:
            sink.end(end_kind_of(error), error)
            raise
        finally:
            request.stream = body_stream
            lanes.leave(token)
        return _tee(client.tee, response, sink)

    return handle_request


def _async(client: Client, original: Any) -> Any:  # noqa: ANN401  (the library's method)
    async def handle_async_request(self: Any, request: Any) -> Any:  # noqa: ANN401  (the library's)
        handler = state.handler
        if handler is None:
            return await original(self, request)
        body_stream = request.stream
        body = b"".join([part async for part in body_stream])
        decision = _decide(client, handler, request, body)
        if isinstance(decision, Serve):
            await _async_wait(decision, 0)
            if not decision.status:
                if decision.end_kind in _WAITING:
                    await _until_cancelled(decision)
                _fail(client, decision, request)
            return client.response_of(decision, client.async_replayed(client, decision, request))
        sink = decision.sink
        token = lanes.enter(lanes.current().under_cover())
        try:
            request.stream = client.module.ByteStream(body)
            response = await original(self, request)
        except BaseException as error:
            sink.end(end_kind_of(error), error)
            raise
        finally:
            request.stream = body_stream
            lanes.leave(token)
        return _tee(client.async_tee, response, sink)

    return handle_async_request


async def _until_cancelled(serve: Serve) -> None:
    try:
        await _forever()
    except BaseException as error:
        if serve.taken is not None:
            serve.taken(0, end_kind_of(error))
        raise


def _fail(client: Client, serve: Serve, request: Any) -> None:  # noqa: ANN401  (the library's)
    if serve.end_kind != "failed":
        if serve.taken is not None:
            serve.taken(0, "overrun")
        raise ReplayHalt("the recorded request had no answer (%s)" % serve.end_kind)
    if serve.taken is not None:
        serve.taken(0, "failed")
    raise client.error_of(serve, request)


def _tee(tee: Any, response: Any, sink: Sink) -> Any:  # noqa: ANN401  (the library's)
    extensions = response.extensions
    sink.head(
        response.status_code,
        list(response.headers.raw),
        extensions.get("reason_phrase", b""),
        extensions.get("http_version", b"HTTP/1.1"),
    )
    if response.status_code == _UPGRADE:  # the connection is the program's now
        sink.end("closed")
    else:
        response.stream = tee(response.stream, sink)
    return response
