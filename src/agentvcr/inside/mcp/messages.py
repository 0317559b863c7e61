"""JSON-RPC lines as they pass: what each is, and how it is told as an exchange.

Owns the words between a line and a request of ours, and the member by which the program's part says
who speaks. Does no I/O.

Ids are chance where several callers share one session: they are left out of what is compared, and
an answer gets the live one.
"""

from __future__ import annotations

import json

from agentvcr.inside import lanes
from agentvcr.inside.exchange import Request

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.exchange import HeaderList
    from agentvcr.inside.lane import Lane

METHOD = "MCP"
CLIENT = "mcp"
VERSION = b"JSON-RPC/2.0"
ID_HEADER = b"x-mcp-id"
COVERED_HEADER = b"x-mcp-covered"
"""Of what was said in the call of a recorded function: it is not counted."""
NEUTRAL = "$id"
"""What stands for an id in what is compared."""
CANCELLED = "notifications/cancelled"
PROGRESS = "notifications/progress"
SESSION = "session"
"""The exchange of what the server says outside of every request."""

_OPENING = b'{"_agentvcr":'
_TRACE = ("traceparent", "tracestate", "baggage")
"""What tracing adds to a message, by chance in each run."""
_TARGETS = ("name", "uri")
_decoder = json.JSONDecoder()


class Message:
    """One line: its bytes, and what they say; `value` is empty where they are no object."""

    __slots__ = ("line", "value")

    def __init__(self, line: bytes) -> None:
        """Read a line; what cannot be read passes like everything else."""
        self.line = line
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}

    @property
    def method(self) -> str:
        """The method; empty in a response."""
        method = self.value.get("method", "")
        return method if isinstance(method, str) else ""

    @property
    def key(self) -> str:
        """The id as text, by which a response finds its request; empty without one."""
        found = self.value.get("id")
        return "" if found is None else json.dumps(found)

    @property
    def is_request(self) -> bool:
        """Whether it wants an answer."""
        return bool(self.method and self.key)

    @property
    def is_response(self) -> bool:
        """Whether it is an answer."""
        return bool(self.key and not self.method)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters; none where they are no object."""
        params = self.value.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def token(self) -> str:
        """The progress token that a request asks for progress by, or that progress is told by."""
        if self.method == PROGRESS:
            found = self.params.get("progressToken")
        else:
            meta = self.params.get("_meta")
            found = meta.get("progressToken") if isinstance(meta, dict) else None
        return "" if found is None else json.dumps(found)

    @property
    def cancels(self) -> str:
        """The key of the request that a cancellation is about."""
        found = self.params.get("requestId") if self.method == CANCELLED else None
        return "" if found is None else json.dumps(found)


class Origin:
    """Who says something: a lane, its place in the tree of steps, and whether a call covers it."""

    __slots__ = ("covered", "lane", "place")

    def __init__(self, lane: str, place: str, *, covered: bool) -> None:
        """Keep what is known of the caller."""
        self.lane = lane
        self.place = place
        self.covered = covered


def own_origin() -> Origin:
    """Give this process as the caller, where the program has no part of ours."""
    lane = lanes.process()
    return Origin(lane.name, lane.place(), covered=lane.covered)


def origin_text(lane: Lane) -> str:
    """Write who speaks, for the line that the program sends."""
    told = {"lane": lane.name, "place": lane.place(), "covered": lane.covered}
    return '{"_agentvcr":%s,' % json.dumps(told)


def without_origin(line: bytes) -> tuple[Origin | None, bytes]:
    """Take our member out of a line, so that it is what the program's client made."""
    if not line.startswith(_OPENING):
        return None, line
    text = line[len(_OPENING) :].decode("utf-8", "surrogateescape")
    told, end = _decoder.raw_decode(text)
    rest = "{" + text[end + 1 :]
    origin = Origin(told["lane"], told["place"], covered=told["covered"])
    return origin, rest.encode("utf-8", "surrogateescape")


def request_of(server: str, message: Message, origin: Origin, answers: str = "") -> Request:
    """Tell a client's message as a request.

    Args:
        server: The server's name.
        message: What the client says.
        origin: Who says it.
        answers: The method of the server's own request that it answers.
    """
    told = {name: one for name, one in message.value.items() if name not in ("jsonrpc", "id")}
    if answers:
        told = {"method": answers, **told}
    if message.params:
        told["params"] = _neutral(message)
    headers: HeaderList = [(b"content-type", b"application/json")]
    if message.key:
        headers.append((ID_HEADER, message.key.encode()))
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return Request(
        METHOD,
        url_of(server, message, answers),
        headers,
        body.encode("utf-8", "surrogatepass") if message.value else message.line,
        origin.lane,
        CLIENT,
        place=origin.place,
        covered=origin.covered,
    )


def session_request(server: str, origin: Origin) -> Request:
    """Ask for what the server says outside of every request."""
    url = "mcp:%s/%s" % (quoted(server), SESSION)
    return Request(
        METHOD, url, [], b"", origin.lane, CLIENT, place=origin.place, covered=origin.covered
    )


def url_of(server: str, message: Message, answers: str = "") -> str:
    """Name what a client's message is about: `mcp:weather/tools/call/forecast`."""
    parts = [quoted(server), message.method or ("response/" + answers if answers else "message")]
    target = next((message.params.get(one) for one in _TARGETS if message.params.get(one)), None)
    if isinstance(target, str) and message.is_request:
        parts.append(quoted(target))
    return "mcp:" + "/".join(parts)


def quoted(text: str) -> str:
    """Make a name fit for a URL; a resource's query stays one, so that it is redacted as one."""
    from urllib.parse import quote  # noqa: PLC0415  (the shim alone needs it, not the program)

    return quote(text, safe="/:@?&=", errors="surrogatepass")


def _neutral(message: Message) -> dict[str, Any]:
    """Take ids and what tracing adds out of the parameters."""
    params = dict(message.params)
    if message.cancels:
        params["requestId"] = NEUTRAL
    meta = params.get("_meta")
    if isinstance(meta, dict):
        meta = {name: one for name, one in meta.items() if name not in _TRACE}
        if message.token and message.token == message.key:
            meta["progressToken"] = NEUTRAL
        params["_meta"] = meta
        if not meta:
            del params["_meta"]
    return params


def with_id(line: bytes, recorded: str, live: str) -> bytes:
    """Give a recorded line the live id, as an answer's id or a progress token; else its bytes."""
    if recorded == live or not recorded:
        return line
    message = Message(line)
    if message.is_response and message.key == recorded:
        message.value["id"] = json.loads(live)
    elif message.method == PROGRESS and message.token == recorded:
        message.value["params"]["progressToken"] = json.loads(live)
    else:
        return line
    text = json.dumps(message.value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"
