"""The kind of thing on this shelf: a dialect, which reads one provider API's recorded bytes.

Owns the protocol and what dialects share. A dialect is a module of pure functions; it never sees
a network, a client library or a file, and never raises on an odd body.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec

from agentvcr.model.conversation import Prompt
from agentvcr.providers.body import (
    Json,
    fields,
    items,
    json_of,
    json_text,
    request_content,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentvcr.model.conversation import Answer, Message
    from agentvcr.model.exchange import Request, Response


class Dialect(Protocol):
    """One way of talking to a model over HTTP."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """The dialect's name, as `--json` gives it."""
        ...

    def recognises(self, request: Request) -> bool:
        """Tell from the method and the address alone whether this is a request of the dialect."""
        ...

    def model_of(self, request: Request) -> str:
        """Give the model that a request names, without reading the conversation around it."""
        ...

    def read_prompt(self, request: Request) -> Prompt | None:
        """Read what was asked; None when the body is not of this dialect after all."""
        ...

    def read_answer(self, response: Response) -> Answer | None:
        """Read what was answered, streamed or not, as far as it arrived; None when unreadable."""
        ...

    def refusal(self, status: int, message: str, code: str) -> dict[str, Json]:
        """Make the body with which this API refuses a request, as its clients read it."""
        ...


class _Named(msgspec.Struct):
    model: str = ""


_named = msgspec.json.Decoder(_Named)


def named_model(request: Request) -> str:
    """Give the model that a request's body names, without parsing the conversation around it."""
    try:
        return _named.decode(request_content(request)).model
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def is_post_to(request: Request, path_end: str) -> bool:
    """Tell whether a request posts to a path of that ending."""
    if request.method.upper() != "POST" or path_end not in request.url:
        return False
    return path_of(request).endswith(path_end)


def path_of(request: Request) -> str:
    """Give the path of a request's address, without a slash at its end."""
    try:
        return urlsplit(request.url).path.rstrip("/")
    except ValueError:
        return ""


def attachment(part: dict[str, Json]) -> str:
    """Describe content that is not text, so that two different pieces never look alike."""
    data = json_text(part).encode()
    kind = text(part.get("type")) or "content"
    return f"{kind}, {len(data):,} bytes, #{zlib.crc32(data):08x}"


def error_text(body: dict[str, Json]) -> str:
    """Give a provider's error in words; empty when the body carries none."""
    error = body.get("error")
    if error is None:
        return ""
    described = fields(error)
    kind = text(described.get("type"))
    message = text(described.get("message"))
    told = ": ".join(part for part in (kind, message) if part)
    return told or json_text(error)


def chat_prompt(
    request: Request, read_message: Callable[[dict[str, Json]], Message]
) -> Prompt | None:
    """Read messages and tools as most chat APIs send them; None where there are no messages."""
    body = fields(json_of(request_content(request)))
    if "messages" not in body:
        return None
    return Prompt(
        model=text(body.get("model")),
        messages=tuple(read_message(fields(message)) for message in items(body["messages"])),
        tools=tuple(
            text(fields(fields(tool).get("function")).get("name"))
            for tool in items(body.get("tools"))
        ),
    )


def openai_refusal(status: int, message: str, code: str) -> dict[str, Json]:
    """Refuse a request in the words of OpenAI's APIs."""
    del status
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": code,
        }
    }
