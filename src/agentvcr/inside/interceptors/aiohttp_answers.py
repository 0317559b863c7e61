"""A recorded answer, given through aiohttp's own parser on a connection that goes nowhere.

Owns the connection, and how a recorded answer is framed again as bytes of HTTP/1. Its stream's end
is `aiohttp_streams`. Nothing here reaches the network.
"""

from __future__ import annotations

import re

from agentvcr.inside.exchange import ReplayHalt, end_kind_of
from agentvcr.inside.interceptors.aiohttp_errors import BEFORE_SENDING, error_of
from agentvcr.inside.waiting import WAITING, sleep, until_cancelled

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Iterable

    from agentvcr.inside.exchange import HeaderList, Serve

_BODILESS = (204, 304)
_BROKEN = re.compile(
    r"Response payload is not completed: <"
    r"(?:TransferEncodingError|ContentLengthError: .*\(received (?P<received>\d+) of).*>"
    r"(?:\. \w+\((?P<errno>\d+), '(?P<words>[^']*)'\))?\Z",
    re.DOTALL,
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Framing:
    """How an answer's body lies in the bytes of a connection."""

    def __init__(self, serve: Serve, method: str) -> None:
        """Frame as the recorded head says; a length that is not the body's is put right."""
        self._serve = serve
        lengths = [value for name, value in serve.headers if name.lower() == b"content-length"]
        codings = [value for name, value in serve.headers if name.lower() == b"transfer-encoding"]
        self.is_chunked = any(b"chunked" in value.lower() for value in codings)
        self.until_close = not (self.is_chunked or lengths)
        size = b"%d" % sum(map(len, serve.chunks))
        has_body = method != "HEAD" and serve.status not in _BODILESS
        is_whole = has_body and serve.end_kind == "eof"
        self._length = size if is_whole and lengths and not self.is_chunked else None

    def head(self) -> bytes:
        """Write the head."""
        serve = self._serve
        version = serve.http_version if serve.http_version[:7] == b"HTTP/1." else b"HTTP/1.1"
        lines = [b"%s %d %s" % (version, serve.status, serve.reason)]
        lines += [b"%s: %s" % pair for pair in self._headers()]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _headers(self) -> HeaderList:
        if self._length is None:
            return self._serve.headers
        return [
            (name, self._length if name.lower() == b"content-length" else value)
            for name, value in self._serve.headers
        ]

    def piece(self, data: bytes) -> bytes:
        """Write a piece of the body."""
        if self.is_chunked:
            return b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        return data


class Answer:
    """One served answer: what was given of it, and the connection on which it comes."""

    def __init__(self, module: ModuleType, serve: Serve, request: Any, kind: Any) -> None:  # noqa: ANN401
        """Answer `request`, on a connection of the class `kind`."""
        self.serve = serve
        self.fed = 0
        self.wants_all = False
        self._module: Any = module
        self._request = request
        self._kind = kind
        self._framing = Framing(serve, request.method)
        self._protocol: Any = None
        self._is_coming = False
        self._continued = False
        self._headed = False
        self._ended = False

    def end(self, kind: str) -> None:
        """Tell, once, how much the program took."""
        if not self._ended:
            self._ended = True
            self.serve.course.finish()
            if self.serve.taken is not None:
                self.serve.taken(self.fed, kind)

    def _failure(self) -> BaseException:
        self.end("failed")
        return error_of(self._module, self.serve, self._request)

    async def connect(self, connector: Any, traces: Iterable[Any]) -> Any:  # noqa: ANN401
        """Be the connection that the connector would make, or the failure to make one."""
        request, failure = self._request, self.serve.failure
        for trace in traces:
            await trace.send_connection_create_start()
        if not self.serve.status and failure and failure[0].rpartition(".")[2] in BEFORE_SENDING:
            await sleep(self.serve.wait_s(0))
            raise self._failure()
        for trace in traces:
            await trace.send_connection_create_end()
        self._protocol = self._kind(loop=request.loop)
        self._protocol.play(self)
        connector._acquired.add(self._protocol)
        return _connection_class(self._module)(
            connector, request.connection_key, self._protocol, request.loop
        )

    async def before_head(self) -> None:
        """Let the head come, when the program waits for it and has sent its request."""
        protocol, request = self._protocol, self._request
        if self._headed:
            return
        if request._continue is not None and not self._continued:
            self._continued = True
            protocol.data_received(_CONTINUE)
            return
        writer = request._writer
        if writer is not None:
            await _settled(writer)
        if protocol.exception() is not None:  # the program's own body failed
            self.end("failed")
            return
        await sleep(self.serve.wait_s(0))  # 0 too: a real request lets others run
        if not self.serve.status:
            await self._fail()
        self._headed = True
        protocol.data_received(self._framing.head())
        if not self.serve.chunks and self.serve.end_kind == "eof" and not self.serve.delays_ns:
            self._feed_eof()

    async def _fail(self) -> None:
        """Do without a head what the recorded request did: fail, or wait."""
        if self.serve.end_kind in WAITING:
            try:
                await until_cancelled(self.serve.course)
            except BaseException as error:
                self.end(end_kind_of(error))
                raise
        if self.serve.end_kind != "failed":
            self.end("overrun")
            raise ReplayHalt("the recorded request had no answer (%s)" % self.serve.end_kind)
        raise self._failure()

    def pull(self, reader: Any) -> ReplayHalt | None:  # noqa: ANN401  (the library's)
        """Let the next piece come in its time, or the end; gives what forbids to read on."""
        serve = self.serve
        if self._is_coming or reader.is_eof() or reader.exception() is not None:
            return None
        is_end = self.fed == len(serve.chunks)
        if is_end and serve.end_kind in WAITING:
            return None
        if is_end and serve.end_kind not in ("eof", "failed"):
            self.end("overrun")
            return ReplayHalt(
                "the program reads on where the recorded one stopped reading (%s after %d chunks)"
                % (serve.end_kind, len(serve.chunks))
            )
        self._is_coming = True
        delay_s, loop = serve.wait_s(self.fed + 1), self._request.loop
        if delay_s:
            loop.call_later(delay_s, self._come, reader)
        else:  # a timer would read the clock, which the recorded program did not
            loop.call_soon(self._come, reader)
        return None

    def _come(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        self._is_coming = False
        serve = self.serve
        if reader.exception() is not None or reader.is_eof():
            return
        if self.fed < len(serve.chunks):
            self.fed += 1
            self._protocol.data_received(self._framing.piece(serve.chunks[self.fed - 1]))
            if self.fed == len(serve.chunks) and serve.end_kind == "eof" and not serve.delays_ns:
                self._feed_eof()
        elif serve.end_kind == "eof":
            self._feed_eof()
        else:
            self._break_off(reader)
        if self.wants_all or reader._waiter is not None:  # nothing came of an encoded piece yet
            halt = self.pull(reader)
            if halt is not None:
                reader.set_exception(halt)

    def _break_off(self, reader: Any) -> None:  # noqa: ANN401  (the library's)
        """Fail as recorded: where the connection broke, by breaking it, so that the cause is there.

        A broken connection's words count bytes, also those that the program had not read.
        """
        error = self._failure()
        broken = _BROKEN.match(str(error))
        given = sum(map(len, self.serve.chunks))
        is_other = broken is None or (broken["received"] and int(broken["received"]) != given)
        if broken is None or is_other or self._framing.until_close:
            reader.set_exception(error)
            return
        number = broken["errno"]
        self._protocol.connection_lost(OSError(int(number), broken["words"]) if number else None)
        if reader.exception() is None:
            reader.set_exception(error)

    def _feed_eof(self) -> None:
        if self._framing.is_chunked:
            self._protocol.data_received(b"0\r\n\r\n")
        elif self._framing.until_close:
            self._protocol.connection_lost(None)


async def _settled(task: Any) -> None:  # noqa: ANN401  (a task)
    from asyncio import wait  # noqa: PLC0415  (the library has it loaded)

    await wait([task])


def _connection_class(module: Any) -> Any:  # noqa: ANN401  (the library's class)
    from importlib import import_module  # noqa: PLC0415  (only who has the client)

    return import_module(module.__name__ + ".connector").Connection


class Nowhere:
    """A transport that sends nothing and never waits."""

    def __init__(self, protocol: Any) -> None:  # noqa: ANN401  (the library's)
        """Stand behind `protocol`."""
        self._protocol = protocol
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  (a transport's)
        """Know nothing of a peer."""
        del name
        return default

    def write(self, data: Any) -> None:  # noqa: ANN401  (whatever is like bytes)
        """Leave it."""

    def writelines(self, list_of_data: Any) -> None:  # noqa: ANN401  (as above)
        """Leave it."""

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Tell the protocol, in the loop's next turn."""
        if not self._closing:
            self._closing = True
            self._protocol._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """Do nothing: what comes is asked for."""

    resume_reading = pause_reading

    def get_write_buffer_size(self) -> int:
        """Hold nothing back."""
        return 0


def answering_class(module: ModuleType) -> Any:  # noqa: ANN401  (a class)
    """Make the class of a connection's protocol that plays recorded answers."""
    from importlib import import_module  # noqa: PLC0415  (only who has the client)

    base: Any = import_module(module.__name__ + ".client_proto").ResponseHandler

    class Playing(base):  # type: ignore[misc]  # the library's class, known when it is there
        """The library's protocol, before a transport that goes nowhere."""

        _agentvcr_answer: Any = None
        _agentvcr_lost = False

        def play(self, answer: Answer) -> None:
            self._agentvcr_answer = answer
            self.connection_made(Nowhere(self))
            self.force_close()  # never kept for another request

        async def read(self) -> Any:  # noqa: ANN401  (the library's)
            await self._agentvcr_answer.before_head()
            return await super().read()

        def connection_lost(self, exc: BaseException | None) -> None:
            if not self._agentvcr_lost:
                self._agentvcr_lost = True
                super().connection_lost(exc)

        def _reschedule_timeout(self) -> None:
            """Measure no silence: how long the recorded program waited is known."""

    Playing.__name__ = Playing.__qualname__ = base.__name__
    return Playing
