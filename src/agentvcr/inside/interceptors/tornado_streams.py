"""Record and replay tornado's requests with callbacks, whose answers come piece by piece.

Owns what vcrpy refuses: `streaming_callback` and `header_callback` of tornado's own client. Each
piece reaches the program as it arrives, and the callbacks run where the request was made, outside
of the client's cover. Bodies that the program produces piece by piece are not for it.
"""

from __future__ import annotations

import copy
import io
import sys

from agentvcr.inside import lanes
from agentvcr.inside.exchange import Forward, ReplayHalt, end_kind_of
from agentvcr.inside.interceptors.vcrpy_cassette import EFFECTIVE_URL, FAILED
from agentvcr.inside.interceptors.vcrpy_failures import failure_again
from agentvcr.inside.waiting import WAITING, sleep

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.exchange import HeaderList, Serve, Sink
    from agentvcr.inside.lane import Lane


def within(lane: Lane, callback: Any, piece: Any) -> Any:  # noqa: ANN401  (the program's)
    """Call a callback in the lane of whoever made the request; it may give an awaitable."""
    token = lanes.enter(lane)
    try:
        result = callback(piece)
    finally:
        lanes.leave(token)
    return _awaited_within(lane, result) if hasattr(result, "__await__") else result


async def _awaited_within(lane: Lane, result: Any) -> Any:  # noqa: ANN401  (the program's)
    token = lanes.enter(lane)
    try:
        return await result
    finally:
        lanes.leave(token)


class _Tee:
    """Stands before a request's callbacks, and tells the sink."""

    def __init__(self, request: Any, sink: Sink) -> None:  # noqa: ANN401  (tornado's)
        self.sink = sink
        self._lane = lanes.current()
        self._to_header = request.header_callback
        self._to_stream = request.streaming_callback
        self._lines: list[str] = []
        self.parts: tuple[int, HeaderList, bytes, bytes] = (0, [], b"", b"")
        own = copy.copy(request.request)
        own.original_request = request  # what the response names as its request
        own.header_callback = self._header
        if self._to_stream is not None:
            own.streaming_callback = self._chunk
        self.request = type(request)(own, request.defaults)

    def _header(self, line: str) -> None:
        self._lines.append(line)
        if line == "\r\n":
            self.parts = _head_of(self._lines)
            self.sink.head(*self.parts)
        if self._to_header is not None:
            within(self._lane, self._to_header, line)

    def _chunk(self, chunk: bytes) -> Any:  # noqa: ANN401  (what the callback gives)
        self.sink.chunk(bytes(chunk))
        return within(self._lane, self._to_stream, chunk)

    def ended(self, response: Any) -> None:  # noqa: ANN401  (tornado's)
        """Tell the end, and what is known by then alone."""
        if response.code == FAILED and not response._error_is_response_code:
            self.sink.end("failed", response.error)
            return
        if response.effective_url != response.request.url:
            status, headers, reason, version = self.parts
            led_to = (EFFECTIVE_URL.encode(), response.effective_url.encode("latin-1", "replace"))
            self.sink.head(status, [*headers, led_to], reason, version)
        whole = response.buffer.getvalue() if self._to_stream is None and response.buffer else b""
        if whole:
            self.sink.chunk(whole)
        self.sink.end("eof")


def _head_of(lines: list[str]) -> tuple[int, HeaderList, bytes, bytes]:
    version, _, rest = lines[0].strip().partition(" ")
    status, _, reason = rest.partition(" ")
    pairs = [line.rstrip("\r\n").partition(": ") for line in lines[1:-1]]
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, _, value in pairs]
    return int(status), headers, reason.encode("latin-1"), version.encode("latin-1")


def forward(fetching: Any, decision: Forward, original: Any) -> None:  # noqa: ANN401  (tornado's)
    """Do a request for real, telling the sink of each piece as the program gets it."""
    tee = _Tee(fetching.request, decision.sink)

    def answered(response: Any) -> None:  # noqa: ANN401  (tornado's)
        tee.ended(response)
        fetching.callback(response)

    token = lanes.enter(lanes.current().under_cover())
    try:
        original(fetching.owner, tee.request, answered)
    except BaseException as error:
        decision.sink.end(end_kind_of(error), error)
        raise
    finally:
        lanes.leave(token)


def serve(fetching: Any, decision: Serve) -> None:  # noqa: ANN401  (tornado's)
    """Answer a request from a recording, piece by piece, in turns of the loop to come."""
    lane = lanes.current()
    token = lanes.enter(lane.under_cover())  # what plays it is none of the program's
    try:
        fetching.owner.io_loop.add_callback(_play, fetching, decision, lane)
    finally:
        lanes.leave(token)


async def _play(fetching: Any, decision: Serve, lane: Lane) -> None:  # noqa: ANN401  (tornado's)
    request = fetching.request
    try:
        await sleep(decision.wait_s(0))
        if decision.status and request.header_callback is not None:
            for line in _lines_of(decision):
                within(lane, request.header_callback, line)
        for number, chunk in enumerate(decision.chunks, 1):
            fetching.taken = number
            await sleep(decision.wait_s(number))
            if request.streaming_callback is not None:
                result = within(lane, request.streaming_callback, chunk)
                if result is not None:
                    await result
        await sleep(decision.wait_s(len(decision.chunks) + 1))
    except Exception as error:  # noqa: BLE001  (a callback's: tornado answers with it)
        fetching.settle(_response(request, FAILED, error=error), end_kind_of(error))
        return
    if decision.end_kind == "eof":
        fetching.settle(_whole(request, decision), "eof")
    elif decision.end_kind == "failed":
        failure = failure_again(decision.failure)
        fetching.settle(_response(request, FAILED, error=failure), "failed")
    elif decision.end_kind not in WAITING:
        halt = ReplayHalt("the recorded request has no whole answer (%s)" % decision.end_kind)
        fetching.settle(_response(request, FAILED, error=halt), "overrun")


def _lines_of(decision: Serve) -> list[str]:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in decision.headers]
    version, reason = decision.http_version.decode("latin-1"), decision.reason.decode("latin-1")
    lines = ["%s: %s\r\n" % pair for pair in pairs if pair[0] != EFFECTIVE_URL]
    return ["%s %d %s\r\n" % (version, decision.status, reason), *lines, "\r\n"]


def _response(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (tornado's)
    make: Callable[..., Any] = sys.modules["tornado.httpclient"].HTTPResponse
    return make(*args, **options)


def _whole(request: Any, decision: Serve) -> Any:  # noqa: ANN401  (tornado's)
    headers = sys.modules["tornado.httputil"].HTTPHeaders()
    led_to = None
    for raw_name, raw_value in decision.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == EFFECTIVE_URL:
            led_to = value
        else:
            headers.add(name, value)
    streamed = request.streaming_callback is not None
    return _response(
        request,
        decision.status,
        reason=decision.reason.decode("latin-1"),
        headers=headers,
        buffer=io.BytesIO(b"" if streamed else b"".join(decision.chunks)),
        effective_url=led_to,
    )
