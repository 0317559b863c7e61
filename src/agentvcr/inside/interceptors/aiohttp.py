"""Intercept aiohttp's client by a middleware of its own, below all of the program's.

Owns the patches and what becomes of a request. Its body is `aiohttp_bodies`, the streams of answers
`aiohttp_streams`, a served answer `aiohttp_answers`. A middleware stands below redirects, cookies
and the program's own middlewares: each hop and each retry is an exchange of its own.
"""

from __future__ import annotations

from agentvcr.inside import lanes, state
from agentvcr.inside.broken import async_broke_off, async_fell
from agentvcr.inside.exchange import (
    Forward,
    NullSink,
    ProcessHandler,
    Request,
    Serve,
    end_kind_of,
)
from agentvcr.inside.interceptors.aiohttp_ahead import kept_class, read_first
from agentvcr.inside.interceptors.aiohttp_answers import Answer, answering_class
from agentvcr.inside.interceptors.aiohttp_bodies import Bodies
from agentvcr.inside.interceptors.aiohttp_holding import hold_back, let_come
from agentvcr.inside.interceptors.aiohttp_streams import (
    Served,
    Tee,
    Wire,
    served_class,
    teed_class,
    tell_unseen,
    telling,
    watch,
    watch_served,
)
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_UPGRADE = 101
_MARK = "_agentvcr"
"""What a request carries to the connector: the wire of its answer, or the answer itself."""


class Client:
    """The library's classes, and what we add to them."""

    def __init__(self, module: ModuleType) -> None:
        """Make the classes of answers' streams and of served connections."""
        self.module: Any = module
        self.reader: Any = module.StreamReader
        self.bodies = Bodies(module)
        self.teed = teed_class(self.reader)
        self.kept = kept_class(self.reader)
        self.served = served_class(self.reader)
        self.answering = answering_class(module)

    async def intercept(self, request: Any, send: Any) -> Any:  # noqa: ANN401  (the library's)
        """Be the innermost middleware."""
        handler = state.handler
        if handler is None or lanes.is_shadow():
            return await send(request)
        decision = await self._decide(handler, request)
        token = lanes.enter(lanes.current().under_cover())
        response = None
        try:
            try:
                if isinstance(decision, Serve):
                    response = await self._answer(decision, request, send)
                else:
                    response = await self._record(decision, request, send)
            finally:
                lanes.leave(token)
            connection = response.connection
            protocol = None if connection is None else connection.protocol
            held = hold_back(protocol)
            try:
                await decision.course.async_arrive(0)
            finally:
                let_come(protocol, held)
        except BaseException as error:
            if response is not None:  # broken off before the program could see it
                is_unseen = end_kind_of(error) == "cancelled"
                if is_unseen:
                    tell_unseen(response.content, error)
                response.close()
                if is_unseen:
                    await async_fell(decision.course, error)
            elif isinstance(decision, Forward):
                await async_broke_off(decision, error)
            else:
                await async_fell(decision.course, error)
            raise
        return response

    async def _decide(self, handler: ProcessHandler, request: Any) -> Serve | Forward:  # noqa: ANN401
        try:
            body = await self.bodies.whole(request)
            return handler.begin(self._described(request, body))
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            return handler.failed(error)

    def _described(self, request: Any, body: bytes) -> Request:  # noqa: ANN401  (the library's)
        """Describe a request of the library in our words, with the headers that it will add."""
        lane = lanes.current()
        headers, skipped = request.headers.copy(), request.skip_auto_headers
        typed = request.method in request.POST_METHODS and "Content-Type" not in skipped
        if typed and "Content-Type" not in headers:
            headers["Content-Type"] = "application/octet-stream"
        if request.compress:  # the body is told plain
            headers.popall("Content-Encoding", None)
        if "Connection" not in headers and request.session.connector.force_close:
            headers["Connection"] = "close"
        return Request(
            method=request.method,
            url=str(request.url),
            headers=[(_raw(name), _raw(value)) for name, value in headers.items()],
            body=body,
            lane=lane.name,
            client="aiohttp",
            place=lane.place(),
            covered=lane.covered,
        )

    async def _record(self, forward: Forward, request: Any, send: Any) -> Any:  # noqa: ANN401
        sink = forward.sink
        if isinstance(sink, NullSink):
            return await send(request)
        wire = Wire()
        setattr(request, _MARK, wire)
        try:
            response = await send(request)
        finally:
            setattr(request, _MARK, None)
        self._tee(response, forward, wire)
        if forward.read_first(list(response.raw_headers)) and type(response.content) is self.teed:
            await read_first(self.kept, response)
        return response

    def _tee(self, response: Any, forward: Forward, wire: Wire) -> None:  # noqa: ANN401  (the library's)
        sink = forward.sink
        version = "HTTP/%d.%d" % tuple(response.version)
        reason = _raw(response.reason or "")
        sink.head(response.status, list(response.raw_headers), reason, version.encode())
        content = response.content
        if response.status == _UPGRADE:  # the connection is the program's now
            sink.end("closed")
        elif type(content) is not self.reader:  # one for all answers that have no body
            sink.end("eof")
        else:
            tee = Tee(forward, wire, response.status)
            tee.catch_up(content)
            watch(content, tee, self.teed)

    async def _answer(self, serve: Serve, request: Any, send: Any) -> Any:  # noqa: ANN401
        answer = Answer(self.module, serve, request, self.answering)
        setattr(request, _MARK, answer)
        try:
            response = await send(request)
        except BaseException as error:
            answer.end(end_kind_of(error))  # of sending too: a header may not be fit to be sent
            raise
        finally:
            setattr(request, _MARK, None)
        content = response.content
        if type(content) is self.reader:
            watch_served(content, Served(answer, response.status), self.served)
        else:
            answer.end("eof")
        return response


def install(module: ModuleType) -> list[tuple[Any, str, Any]]:
    """Patch the client of `module`; returns what was there before."""
    if not hasattr(module, "ClientMiddlewareType"):
        version = getattr(module, "__version__", "?")
        raise RuntimeError("aiohttp %s has no client middlewares: 3.12 is the first" % version)
    client = Client(module)
    session_class: Any = module.ClientSession
    connector_class: Any = module.BaseConnector
    decoder: Any = _decoder_of(module)
    before = [
        (session_class, "_request", session_class._request),
        (connector_class, "connect", connector_class.connect),
        (decoder, "feed_data", decoder.feed_data),
    ]
    session_class._request = _asking(client, session_class._request)
    connector_class.connect = _connecting(connector_class.connect)
    decoder.feed_data = telling(decoder.feed_data)
    return before


def _decoder_of(module: ModuleType) -> Any:  # noqa: ANN401  (the library's class)
    from importlib import import_module  # noqa: PLC0415  (only who has the client)

    return import_module(module.__name__ + ".http_parser").DeflateBuffer


def _asking(client: Client, original: Any) -> Any:  # noqa: ANN401  (the library's method)
    """Put our middleware below the program's. No coroutine: its warnings count stack frames."""

    @dressed_as(original)
    def _request(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        if state.handler is not None:
            own = options.get("middlewares")
            own = self._middlewares if own is None else own
            options["middlewares"] = (*own, client.intercept)
        return original(self, *args, **options)

    return _request


def _connecting(original: Any) -> Any:  # noqa: ANN401  (the library's method)
    """Give a served request its answer's connection, and mark the connection of a recorded one."""

    @dressed_as(original)
    async def connect(self: Any, req: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        asked = getattr(req, _MARK, None)
        if isinstance(asked, Answer):
            traces = args[0] if args else options.get("traces")
            return await asked.connect(self, traces or ())
        connection = await original(self, req, *args, **options)
        connection.protocol._agentvcr_wire = asked
        return connection

    return connect


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
