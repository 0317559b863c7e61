"""`application/vnd.amazon.eventstream`: a binary body as its messages.

Owns the frames and their checksums. Does not know what the messages mean (the dialects).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import msgspec

from agentvcr.providers.body import Json, fields, header, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentvcr.model.exchange import Headers

CONTENT_TYPE = "application/vnd.amazon.eventstream"

MAX_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message at most; the services send 24 MB in one, and 128 KB of headers."""

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_BYTES, _STRING = 6, 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""How long the values of each other type are: flags, whole numbers, a time, a UUID."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message: those of its headers that are text, and its payload."""

    headers: dict[str, str]
    payload: bytes

    @property
    def kind(self) -> str:
        """What it is: `event`, `exception` or `error`."""
        return self.headers.get(":message-type", "")

    @property
    def name(self) -> str:
        """Which event or error it is."""
        names = (":event-type", ":exception-type", ":error-code")
        return next((self.headers[name] for name in names if name in self.headers), "")

    @property
    def body(self) -> dict[str, Json]:
        """Its payload as an object; empty for another one."""
        return fields(json_of(self.payload))


def is_eventstream(headers: Headers) -> bool:
    """Tell from its type whether a body is made of these messages."""
    return header(headers, b"content-type").lower().startswith(CONTENT_TYPE)


def messages(content: bytes) -> Iterator[Message]:
    """Give the messages of a body, up to the first one that is cut, damaged or no message."""
    view = memoryview(content)
    start = 0
    while start + _PRELUDE.size + _CHECKSUM.size <= len(view):
        length, headers_length, checksum = _PRELUDE.unpack_from(view, start)
        payload = _PRELUDE.size + headers_length
        end = length - _CHECKSUM.size
        if checksum != zlib.crc32(view[start : start + 8]) or not payload <= end < MAX_MESSAGE:
            return
        frame = view[start : start + length]
        if len(frame) < length or zlib.crc32(frame[:end]) != _CHECKSUM.unpack_from(frame, end)[0]:
            return
        yield Message(
            headers=dict(_headers(frame[_PRELUDE.size : payload])),
            payload=bytes(frame[payload:end]),
        )
        start += length


def _headers(block: memoryview) -> Iterator[tuple[str, str]]:
    """Give the headers that are text, up to the first one that makes no sense."""
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        if name_end >= len(block):
            return
        name, kind = str(block[at + 1 : name_end], "utf-8", "replace"), block[name_end]
        at = name_end + 1
        if kind in {_BYTES, _STRING}:
            if at + _LENGTH.size > len(block):
                return
            size = _LENGTH.unpack_from(block, at)[0]
            at += _LENGTH.size
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            return
        if kind == _STRING:
            yield name, str(block[at : at + size], "utf-8", "replace")
        at += size
