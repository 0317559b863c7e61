"""The Model Context Protocol: which tool is called with what, and what it says.

Owns that protocol's messages, over HTTP and on standard streams. No dialect of a model: a call is a
step of the kind tool. Does not know who may answer it (`replaying`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from agentvcr.providers.body import (
    Json,
    fields,
    items,
    json_of,
    json_text,
    request_content,
    response_content,
    text,
    whole,
)
from agentvcr.providers.sse import events, is_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.exchange import Request, Response

SCHEME = "mcp:"
_CALL = "tools/call"
_MARK = b'"jsonrpc"'
_MOST = 4 << 20
"""Bytes of a body that is looked into."""


class Said(msgspec.Struct, frozen=True):
    """What a client says to a server."""

    server: str
    method: str
    target: str
    """Name of the tool or prompt, or the resource; empty for anything else."""
    arguments: Json
    streamed: bool
    """Whether the server is on standard streams, where the address says all of this too."""

    @property
    def is_tool_call(self) -> bool:
        """Whether it calls a tool."""
        return self.method == _CALL


def read_said(request: Request) -> Said | None:
    """Read what a client says; None where a request is not of this protocol."""
    if request.url.startswith(SCHEME):
        server, _, rest = unquote(request.url[len(SCHEME) :]).partition("/")
        return _said(server, fields(json_of(request.body)), rest, streamed=True)
    if request.method.upper() != "POST" or len(request.body) > _MOST:
        return None
    content = request_content(request)
    if _MARK not in content:
        return None
    body = fields(json_of(content))
    if body.get("jsonrpc") != "2.0":
        return None
    return _said(_address(request.url), body, "response", streamed=False)


def _said(server: str, body: dict[str, Json], otherwise: str, *, streamed: bool) -> Said:
    params = fields(body.get("params"))
    answers = "result" in body or "error" in body
    return Said(
        server=server,
        method=otherwise if answers else text(body.get("method")) or otherwise,
        target=text(params.get("name")) or text(params.get("uri")),
        arguments=params.get("arguments"),
        streamed=streamed,
    )


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def title(said: Said) -> str:
    """Name a message in one line, a call of a tool as one of a function."""
    arguments = "" if said.arguments is None else json_text(said.arguments)
    if said.is_tool_call:
        return f"{said.target}({arguments})"
    return f"{said.server} {said.method} {said.target}".rstrip()


def read_messages(response: Response) -> list[Json]:
    """Read a server's messages, without the ids that are chance."""
    return [_without_id(one) for one in _messages(response)]


def _messages(response: Response) -> Iterator[Json]:
    content = response_content(response)
    if is_stream(response.headers, content):
        for event in events(content):
            parsed = json_of(event.data.encode())
            yield event.data if parsed is None else parsed
        return
    for line in content.splitlines():
        parsed = json_of(line)
        yield line.decode("utf-8", "backslashreplace") if parsed is None else parsed


def _without_id(message: Json) -> Json:
    if not isinstance(message, dict):
        return message
    if "method" not in message:
        return {name: one for name, one in message.items() if name != "id"}
    params = message.get("params")
    if message.get("method") == "notifications/progress" and isinstance(params, dict):
        kept = {name: one for name, one in params.items() if name != "progressToken"}
        return {**message, "params": kept}
    return message


def read_result(response: Response) -> str:
    """Give in words what a server answered: its text, or its error; empty for anything else."""
    error, result = _outcome(response)
    if error:
        return error
    words = " ".join(" ".join(one.split()) for one in _texts(result))
    return f"error: {words}" if result.get("isError") else words


def result_of(response: Response) -> tuple[Json, str]:
    """Give what a tool gave, structured or else as text, and the error that it had instead."""
    error, result = _outcome(response)
    said = "\n".join(_texts(result))
    if error or result.get("isError"):
        return None, error or said or "error"
    structured = result.get("structuredContent")
    return (said or None) if structured is None else structured, ""


def _outcome(response: Response) -> tuple[str, dict[str, Json]]:
    """Give the protocol's error in words, or the result, of the last message that has either."""
    for message in reversed(list(_messages(response))):
        body = fields(message)
        error = fields(body.get("error"))
        if error:
            return f"error {whole(error.get('code'))}: {text(error.get('message'))}", {}
        result = fields(body.get("result"))
        if result:
            return "", result
    return "", {}


def _texts(result: dict[str, Json]) -> list[str]:
    said = [text(fields(part).get("text")) for part in items(result.get("content"))]
    return [one for one in said if one]
