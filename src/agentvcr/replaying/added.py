"""Answer a call that nothing recorded is like, with an error that its client understands.

Owns those errors: a status that no client repeats, in the words of the provider's API; an exception
of a recorded function; an error of JSON-RPC. Does not decide which call is one (`replayer`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from agentvcr.inside.exchange import HeaderList, Request, Serve
from agentvcr.matching.rpc import message_of
from agentvcr.model import exchange as model
from agentvcr.providers import dialect_of
from agentvcr.replaying.causes import names_session

CODE = "agentvcr_not_recorded"
_STATUS = 400
"""Not 404, which a client may take for an answer: that there is no such thing."""
_NOT_ALLOWED = 405
_ACCEPTED = 202
_RPC_ERROR = -32603
_RAISES = "LookupError"
_ID = b"x-mcp-id"
_UNCOUNTED = (b"x-mcp-covered", b"1")
"""As of what a recorded function said: what comes later was recorded without it."""


def added_call(request: Request) -> Serve:
    """Answer a request that the recording has no answer to."""
    said = f"agentvcr has no recorded answer to this {_named(request)}, and nothing like it"
    if request.method == "CALL":
        return _raised(said)
    if request.method == "MCP":
        return _line(request, said)
    message = message_of(request.body)
    if message is not None and "method" in message:
        if "id" not in message:
            return _http(_ACCEPTED, b"")
        return _http(200, _json(_rpc_error(message["id"], said)))
    if names_session(request.headers):  # who would listen there, or end it, may be told so
        return _http(_NOT_ALLOWED, b"")
    dialect = dialect_of(as_recorded(request))
    body = dialect.refusal(_STATUS, said, CODE) if dialect else {"error": said, "code": CODE}
    served = _http(_STATUS, _json(body), [(b"x-should-retry", b"false")])
    if request.method == "HEAD":
        served.chunks = []
    return served


def as_recorded(request: Request) -> model.Request:
    """Give a live request in the words of a recorded one."""
    return model.Request(
        method=request.method, url=request.url, headers=tuple(request.headers), body=request.body
    )


def _named(request: Request) -> str:
    if request.method == "CALL":
        return f"call of {request.url.partition(':')[2]}"
    return "message" if request.method == "MCP" else f"{request.method} request"


def _json(value: Any) -> bytes:  # noqa: ANN401  (JSON)
    return msgspec.json.encode(value)


def _rpc_error(own: object, said: str) -> dict[str, Any]:
    error = {"code": _RPC_ERROR, "message": said, "data": {"code": CODE}}
    return {"jsonrpc": "2.0", "id": own, "error": error}


def _served(
    status: int,
    chunks: list[bytes],
    headers: HeaderList,
    failure: tuple[str, str] | None = None,
) -> Serve:
    return Serve(
        status=status,
        reason=b"",
        http_version=b"HTTP/1.1",
        headers=headers,
        chunks=chunks,
        delays_ns=[],
        end_kind="failed" if failure else "eof",
        failure=failure,
        is_lent=True,
    )


def _http(status: int, body: bytes, headers: HeaderList | None = None) -> Serve:
    typed = [(b"content-type", b"application/json")] if body else []
    sized = (b"content-length", b"%d" % len(body))
    return _served(status, [body] if body else [], [*typed, sized, *(headers or [])])


def _raised(said: str) -> Serve:
    """Raise in a recorded function's place, as `inside.errors` tells an exception."""
    told = {
        "type": f"builtins.{_RAISES}",
        "message": said,
        "base": _RAISES,
        "args": [said],
        "members": {},
        "attributes": {},
        "__suppress_context__": False,
    }
    return _served(500, [_json(told)], [], (f"builtins.{_RAISES}", said))


def _line(request: Request, said: str) -> Serve:
    """Answer on a server's standard streams; of a server that was not recorded, its end."""
    own = next((value for name, value in request.headers if name == _ID), None)
    if own is not None:
        line = _json(_rpc_error(msgspec.Raw(own), said)) + b"\n"
        return _served(200, [line], [(_ID, own), _UNCOUNTED])
    if request.body:
        return _served(_ACCEPTED, [], [_UNCOUNTED])
    return _served(200, [_json({"exit": 1, "after": 0, "lines": 0})], [])
