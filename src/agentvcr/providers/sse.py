"""Server-sent events: a streamed body as its events.

Owns the wire format of `text/event-stream`. Does not know what the events mean (the dialects).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from agentvcr.providers.body import Json, fields, header, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.exchange import Headers

# Not str.splitlines: that would also break lines at U+2028, U+0085 and others, which are content.
_LINE_END = re.compile(r"\r\n|\n|\r")
_FIRST_LINE = re.compile(rb"\s*(?:data|event|id|retry)?:")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: its name, empty when none was given, and its data."""

    name: str
    data: str


def is_stream(headers: Headers, content: bytes) -> bool:
    """Tell whether a body is an event stream, by its type or, where headers are gone, its look."""
    if header(headers, b"content-type").lower().startswith("text/event-stream"):
        # An error often comes as plain JSON under the type that was asked for.
        return json_of(content) is None
    return _FIRST_LINE.match(content) is not None


def events(content: bytes) -> Iterator[Event]:
    """Give the events of a stream; of one that was cut, the last also without its blank line."""
    name = ""
    data: list[str] = []
    stream = content.decode("utf-8", "replace").removeprefix("\ufeff")
    for line in _LINE_END.split(stream):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line:
            if data:
                yield Event(name=name, data="\n".join(data))
            name, data = "", []
    if data:
        yield Event(name=name, data="\n".join(data))


def event_objects(content: bytes) -> Iterator[dict[str, Json]]:
    """Give the JSON objects among the events' data; others, such as `[DONE]`, are left out."""
    for event in events(content):
        found = fields(json_of(event.data.encode()))
        if found:
            yield found
