"""The cassette that vcrpy asks and tells: our handler, in vcrpy's shape.

Owns the translation of requests and whole answers. Patches nothing (`vcrpy_tail`), keeps nothing.
"""

from __future__ import annotations

from _contextvars import ContextVar

from agentvcr.inside import lanes, state
from agentvcr.inside.exchange import Forward, NullSink, Request, Serve

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

EFFECTIVE_URL = "X-Agentvcr-Effective-Url"
"""A header of ours in the recorded answer: where the client's own redirects had led."""

_CODED, _DECODED = "Content-Encoding", "X-Agentvcr-Content-Encoding"
"""The second stands in a recording for the first where the client has decoded the body."""

GZIP_MAGIC = b"\x1f\x8b"

FAILED = 599
"""tornado's status of an answer that never came."""


class Asking:
    """Who asks: the client, and what is decided about its request."""

    def __init__(self, client: str) -> None:
        """Ask for a client of this name; nothing is decided yet."""
        self.client = client
        self.decision: Serve | Forward = Forward(NullSink())


asking: ContextVar[Asking] = ContextVar("agentvcr_asking")


class Unanswered(Exception):  # noqa: N818  (a signal from the cassette through vcrpy's stub)
    """The recorded request has no whole answer."""


class EngineSide:
    """What our cassette does otherwise than vcrpy's, of which it is made (`class_of`)."""

    def _load(self) -> None:
        """Load nothing: the engine has the recording."""

    def _save(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  (vcrpy's)
        """Save nothing: the engine has the recording."""

    @property
    def write_protected(self) -> bool:
        """Never: what may not pass was refused before."""
        return False

    def can_play_response_for(self, request: Any) -> bool:  # noqa: ANN401  (vcrpy's)
        return isinstance(decided(request), Serve)

    def play_response(self, request: Any) -> Any:  # noqa: ANN401  (vcrpy's)
        return _played(decided(request))

    def append(self, request: Any, response: Any) -> None:  # noqa: ANN401  (vcrpy's)
        try:
            _tell(decided(request), request, response)
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            if state.handler is not None:
                state.handler.failed(error)

    def find_requests_with_most_matches(self, request: Any) -> list[Any]:  # noqa: ANN401
        """Find none: whoever has a miss is stopped by the engine, which words it."""
        del request
        return []

    def __len__(self) -> int:
        return 1  # else it would pass for false


def class_of(base: Any) -> Any:  # noqa: ANN401  (vcrpy's class)
    """Make the class of our cassette from vcrpy's."""
    return type("EngineCassette", (EngineSide, base), {})


def decided(request: Any) -> Serve | Forward:  # noqa: ANN401  (vcrpy's)
    """Ask the handler about a request, once: vcrpy asks in two steps, and may ask again."""
    decision: Serve | Forward | None = vars(request).get("_agentvcr")
    if decision is None:
        who = asking.get()
        decision = request._agentvcr = who.decision = decide(
            request.method, request.uri, request.headers, request.body, who.client
        )
        if isinstance(decision, Forward):
            lanes.enter(lanes.current().under_cover())
    return decision


def decide(
    method: str,
    url: str,
    headers: Any,  # noqa: ANN401  (any mapping)
    body: bytes | None,
    client: str,
) -> Serve | Forward:
    """Ask the handler about a request."""
    handler = state.handler
    if handler is None:
        return Forward(NullSink())
    lane = lanes.current()
    try:
        asked = Request(
            method=method,
            url=url,
            headers=[(_raw(key), _raw(value)) for key, value in headers.items()],
            body=body or b"",
            lane=lane.name,
            client=client,
            place=lane.place(),
            covered=lane.covered,
        )
        return handler.begin(asked)
    except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
        return handler.failed(error)


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def _tell(decision: Serve | Forward, request: Any, response: Any) -> None:  # noqa: ANN401
    """Tell a real answer, which vcrpy has whole; a failure is told by who knows its error."""
    code = response["status"]["code"]
    if isinstance(decision, Serve) or code == FAILED:
        return
    headers = [
        (_raw(name), _raw(value)) for name, values in response["headers"] for value in values
    ]
    if response.get("url") not in (None, request.uri):
        headers.append((_raw(EFFECTIVE_URL), _raw(response["url"])))
    body = response["body"]["string"] or b""
    if not body.startswith(GZIP_MAGIC):  # libcurl decodes, and leaves the header as it was
        coded = (_CODED.lower().encode(), b"gzip")
        headers = [
            (_DECODED.encode() if (name.lower(), value.lower()) == coded else name, value)
            for name, value in headers
        ]
    decision.sink.head(code, headers, _raw(response["status"]["message"] or ""), b"HTTP/1.1")
    if body:
        decision.sink.chunk(body)
    decision.sink.end("eof")


def _played(decision: Serve | Forward) -> dict[str, Any]:
    """Give a recorded answer in vcrpy's shape: anew each time, since it alters what it gets."""
    if not isinstance(decision, Serve) or decision.end_kind != "eof":
        raise Unanswered
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in decision.headers]
    led_to = [value for name, value in pairs if name == EFFECTIVE_URL]
    return {
        "status": {"code": decision.status, "message": decision.reason.decode("latin-1")},
        "headers": [
            (_CODED if name == _DECODED else name, [value])
            for name, value in pairs
            if name != EFFECTIVE_URL
        ],
        "body": {"string": b"".join(decision.chunks)},
        "url": led_to[0] if led_to else None,
    }
