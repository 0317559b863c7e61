"""Intercept `httpx` and `httpx2`, sync and async, at the transport.

Owns the patches and what becomes of a request; the streams are `httpx_streams`. Works below
authentication, redirects and event hooks, above HTTP/1 and HTTP/2: each hop and each retry is an
exchange of its own, and exceptions are the client's already. One code for both libraries: they have
the same shape.
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes, state
from agentvcr.inside.broken import async_broke_off, async_fell, broke_off
from agentvcr.inside.exchange import (
    UNSEEN,
    Forward,
    ProcessHandler,
    ReplayHalt,
    Request,
    Serve,
    end_kind_of,
)
from agentvcr.inside.interceptors.httpx_streams import (
    AsyncReplayed,
    AsyncTee,
    Kept,
    Replayed,
    Tee,
    Whole,
    async_read_all,
    read_all,
)
from agentvcr.inside.waiting import WAITING, async_wait, sleep, until_cancelled, until_the_end, wait

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_UPGRADE = 101
_CODED, _DECODED = b"Content-Encoding", b"X-Agentvcr-Content-Encoding"
"""The second stands in a recording for the first where a transport has decoded the body already."""
_BEFORE_SENDING = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol")


class Client:
    """One of the two libraries: its classes, and what we add to them."""

    def __init__(self, module: ModuleType) -> None:
        """Make the stream classes that this library accepts as its own."""
        self.module: Any = module
        self.name: str = module.__name__
        self.tee = type("Tee", (Tee, module.SyncByteStream), {})
        self.async_tee = type("AsyncTee", (AsyncTee, module.AsyncByteStream), {})
        self.replayed = type("Replayed", (Replayed, module.SyncByteStream), {})
        self.whole = type("Whole", (Whole, module.SyncByteStream, module.AsyncByteStream), {})
        self.kept = type("Kept", (Kept, module.SyncByteStream, module.AsyncByteStream), {})
        self.async_replayed = type("AsyncReplayed", (AsyncReplayed, module.AsyncByteStream), {})

    def request_of(self, request: Any, body: bytes) -> Request:  # noqa: ANN401  (the library's)
        """Describe a request of the library in our words."""
        lane = lanes.current()
        return Request(
            method=request.method,
            url=str(request.url),
            headers=list(request.headers.raw),
            body=body,
            lane=lane.name,
            client=self.name,
            place=lane.place(),
            covered=lane.covered,
        )

    def response_of(self, serve: Serve, stream: Any) -> Any:  # noqa: ANN401  (the library's)
        """Make a response of the library from a recorded answer."""
        response = self.module.Response(
            serve.status,
            headers=[
                (_CODED if name == _DECODED else name, value) for name, value in serve.headers
            ],
            stream=stream,
            extensions={"http_version": serve.http_version, "reason_phrase": serve.reason},
        )
        if any(name == _DECODED for name, _ in serve.headers):
            response._decoder = self.module._decoders.IdentityDecoder()
        return response

    def read_first(self, response: Any, forward: Forward) -> Any:  # noqa: ANN401  (the library's)
        """Read an answer to its end, where that is wanted before the program has it."""
        stream = response.stream
        if isinstance(stream, Tee) and forward.read_first(response.headers.raw):
            response.stream = self.kept(*read_all(stream))
        return response

    async def async_read_first(self, response: Any, forward: Forward) -> Any:  # noqa: ANN401
        """The same in an event loop."""
        stream = response.stream
        if isinstance(stream, AsyncTee) and forward.read_first(response.headers.raw):
            response.stream = self.kept(*await async_read_all(stream))
        return response

    def error_of(self, serve: Serve, request: Any) -> BaseException:  # noqa: ANN401
        """Make the exception that ended a recorded exchange, as this library has it."""
        kind, message = serve.failure or ("", "")
        module, _, name = kind.rpartition(".")
        own = getattr(self.module, name, None)
        if isinstance(own, type) and issubclass(own, self.module.RequestError):
            return own(message, request=request)  # type: ignore[no-any-return]  # untyped module
        if kind == "builtins.SystemExit":
            return SystemExit(int(message) if message.lstrip("-").isdigit() else message or None)
        other = getattr(sys.modules.get(module), name, None)
        if isinstance(other, type) and issubclass(other, BaseException):
            try:
                return other(message)
            except Exception:  # noqa: BLE001  (a class that wants other arguments)
                return RuntimeError("%s: %s" % (kind, message))
        error: BaseException = self.module.TransportError("%s: %s" % (kind, message))
        return error


_known: dict[str, Client] = {}


def _client_of(module: ModuleType) -> Client:
    """Describe a library, once for all blocks of this process: its classes cost 60 us."""
    client = _known.get(module.__name__)
    if client is None or client.module is not module:
        client = _known[module.__name__] = Client(module)
    return client


def install(module: ModuleType) -> list[tuple[Any, str, Any]]:
    """Patch the two transports of `module`; returns what was there before."""
    client = _client_of(module)
    sync_class, async_class = client.module.HTTPTransport, client.module.AsyncHTTPTransport
    before = [
        (sync_class, "handle_request", sync_class.handle_request),
        (async_class, "handle_async_request", async_class.handle_async_request),
    ]
    sync_class.handle_request = _sync(client, sync_class.handle_request)
    async_class.handle_async_request = _async(client, async_class.handle_async_request)
    return before


def install_transports(module: ModuleType) -> list[tuple[Any, str, Any]]:
    """Patch the transports for httpx that another library brings: they have the same shape."""
    client = Client(sys.modules["httpx"])
    client.name = module.__name__.partition(".")[0]
    before = []
    for name, wrap in (("handle_request", _sync), ("handle_async_request", _async)):
        for own in vars(module).values():
            if isinstance(own, type) and name in vars(own) and _is_brought_by(own, client.name):
                before.append((own, name, vars(own)[name]))
                setattr(own, name, wrap(client, vars(own)[name]))
    return before


def _is_brought_by(own: type, library: str) -> bool:
    return own.__module__.partition(".")[0] == library


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
            wait(decision, 0)
            if decision.status or decision.end_kind not in WAITING:
                decision.course.arrive()
            if not decision.status:
                if decision.end_kind in WAITING:
                    until_the_end()
                request.stream = _unsent(client, decision, request, body)
                _fail(client, decision, request)
            return client.response_of(decision, client.replayed(client, decision, request))
        course = decision.course
        course.leave()
        token = lanes.enter(lanes.current().under_cover())
        response = None
        try:
            try:
                sent = request.stream = client.whole(_sent(request, body, decision))
                response = original(self, request)
            finally:
                # A body that no connection took may be sent again, also one to be read once.
                request.stream = body_stream if sent.was_read else client.module.ByteStream(body)
                _sized(request, body, decision)
                lanes.leave(token)
            course.arrive()
        except BaseException as error:
            if response is not None:  # broken off before the program could see it
                response.close()
            broke_off(decision, error)
            raise
        return client.read_first(_tee(client.tee, response, decision), decision)

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
            if decision.gates:
                await async_wait(decision, 0)
            await sleep(decision.wait_s(0))  # 0 too: a real request lets others run
            if decision.status or decision.end_kind not in WAITING:
                await _come(decision)
            if not decision.status:
                if decision.end_kind in WAITING:
                    await _until_cancelled(decision)
                request.stream = _unsent(client, decision, request, body)
                _fail(client, decision, request)
            return client.response_of(decision, client.async_replayed(client, decision, request))
        token = lanes.enter(lanes.current().under_cover())
        response = None
        try:
            try:
                sent = request.stream = client.whole(_sent(request, body, decision))
                response = await original(self, request)
            finally:
                request.stream = body_stream if sent.was_read else client.module.ByteStream(body)
                _sized(request, body, decision)
                lanes.leave(token)
            await decision.course.async_arrive()
        except BaseException as error:
            if response is not None:  # as above
                await response.aclose()
            await async_broke_off(decision, error)
            raise
        response = _tee(client.async_tee, response, decision)
        return await client.async_read_first(response, decision)

    return handle_async_request


def _sent(request: Any, body: bytes, forward: Forward) -> bytes:  # noqa: ANN401  (the library's)
    """Give the body that goes out: the program's, or the one that a fork has in its place."""
    if forward.body is None:
        return body
    _resize(request, len(forward.body))
    return forward.body


def _sized(request: Any, body: bytes, forward: Forward) -> None:  # noqa: ANN401  (the library's)
    """Have the program's request say its own length again."""
    if forward.body is not None:
        _resize(request, len(body))


def _resize(request: Any, size: int) -> None:  # noqa: ANN401  (the library's)
    if "content-length" in request.headers:
        request.headers["content-length"] = str(size)


async def _until_cancelled(serve: Serve) -> None:
    try:
        await until_cancelled(serve.course)
    except BaseException as error:
        if serve.taken is not None:
            serve.taken(0, end_kind_of(error))
        await async_fell(serve.course, error)
        raise


async def _come(serve: Serve) -> None:
    """Wait for the turn of a head; who is cancelled meanwhile has none of the answer."""
    try:
        await serve.course.async_arrive()
    except BaseException as error:
        if end_kind_of(error) == "cancelled" and serve.taken is not None:
            serve.taken(0, UNSEEN)
            await async_fell(serve.course, error)
        raise


def _unsent(client: Client, serve: Serve, request: Any, body: bytes) -> Any:  # noqa: ANN401
    """Give a request its body back where the recorded one found no connection to take it."""
    name = serve.failure[0].rpartition(".")[2] if serve.failure else ""
    return client.module.ByteStream(body) if name in _BEFORE_SENDING else request.stream


def _fail(client: Client, serve: Serve, request: Any) -> None:  # noqa: ANN401  (the library's)
    if serve.end_kind != "failed":
        if serve.taken is not None:
            serve.taken(0, "overrun")
        raise ReplayHalt("the recorded request had no answer (%s)" % serve.end_kind)
    if serve.taken is not None:
        serve.taken(0, "failed")
    raise client.error_of(serve, request)


def _tee(tee: Any, response: Any, forward: Forward) -> Any:  # noqa: ANN401  (the library's)
    sink = forward.sink
    extensions = response.extensions
    reason = extensions.get("reason_phrase")
    if reason is None:  # HTTP/2 has none, and some transports keep none
        reason = response.reason_phrase.encode("ascii", "replace")
    version = extensions.get("http_version", b"HTTP/1.1")
    if isinstance(version, str):  # a transport of another library's
        version = version.encode("latin-1", "replace")
    headers = list(response.headers.raw)
    if "_decoder" in vars(response):  # set by the transport: it has decoded the body
        headers = [
            (_DECODED if name.lower() == _CODED.lower() else name, value) for name, value in headers
        ]
    sink.head(response.status_code, headers, reason, version)
    if response.status_code == _UPGRADE:  # the connection is the program's now
        sink.end("closed")
    else:
        response.stream = tee(response.stream, forward)
    return response
