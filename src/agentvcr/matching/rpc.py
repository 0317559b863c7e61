"""JSON-RPC ids: chance where several callers share one session, so they identify nothing.

Owns finding them in a request, and putting the live one into a recorded answer. The ids of what a
server asks its client are the server's and come back as recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

NEUTRAL = "$id"
"""What stands for an id."""
_VERSION = "2.0"
_TRACE = frozenset({"traceparent", "tracestate", "baggage"})
"""What tracing adds to a message of MCP, by chance in each run."""
_MARK = b'"jsonrpc"'
_MOST = 4 << 20
"""Bytes of a body that is looked into: a message of JSON-RPC is short beside a conversation."""


def without_ids(message: Any) -> Any:  # noqa: ANN401  (JSON)
    """Take out of a client's message what is chance; anything else comes back as it is."""
    if not isinstance(message, dict) or message.get("jsonrpc") != _VERSION:
        return message
    if not isinstance(message.get("method"), str):
        return message
    own = message.get("id")
    told = {name: one for name, one in message.items() if name != "id"}
    params = message.get("params")
    if isinstance(params, dict):
        told["params"] = _neutral(params, own, str(message["method"]))
        if not told["params"]:
            del told["params"]
    return told


def _neutral(params: dict[str, Any], own: object, method: str) -> dict[str, Any]:
    params = dict(params)
    if method == "notifications/cancelled" and "requestId" in params:
        params["requestId"] = NEUTRAL
    meta = params.get("_meta")
    if isinstance(meta, dict):
        meta = {name: one for name, one in meta.items() if name not in _TRACE}
        if own is not None and meta.get("progressToken") == own:
            meta["progressToken"] = NEUTRAL
        params["_meta"] = meta
        if not meta:
            del params["_meta"]
    return params


def message_of(body: bytes) -> dict[str, Any] | None:
    """Read a body as one message of JSON-RPC; None where it is none."""
    if len(body) > _MOST or _MARK not in body:
        return None
    try:
        message = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != _VERSION:
        return None
    return message


def id_of(body: bytes) -> int | str | None:
    """Give the id of a request; None where a body is no request of JSON-RPC."""
    message = message_of(body)
    if message is None or not isinstance(message.get("method"), str):
        return None
    found = message.get("id")
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def with_live_id(chunks: Sequence[bytes], recorded: int | str, live: int | str) -> list[bytes]:
    """Give an answer the id of the request that it answers now, as progress too.

    A body that is one JSON value comes in one piece; of an event stream each line that is whole in
    its chunk is looked at.
    """
    body = b"".join(chunks)
    if body[:1] == b"{":
        changed = _line(body, recorded, live)
        return list(chunks) if changed == body else [changed, *(b"" for _ in chunks[1:])]
    return [b"".join(_lines(chunk, recorded, live)) for chunk in chunks]


def _lines(chunk: bytes, recorded: int | str, live: int | str) -> Iterable[bytes]:
    for line in chunk.splitlines(keepends=True):
        start, colon, data = line.partition(b":")
        if start == b"data" and colon:
            text = data.strip()
            yield line.replace(text, _line(text, recorded, live)) if text else line
        else:
            yield line


def _line(data: bytes, recorded: int | str, live: int | str) -> bytes:
    message = message_of(data)
    if message is None:
        return data
    params = message.get("params")
    if "method" not in message and message.get("id") == recorded:
        message["id"] = live
    elif isinstance(params, dict) and params.get("progressToken") == recorded:
        params["progressToken"] = live
    else:
        return data
    return msgspec.json.encode(message)
