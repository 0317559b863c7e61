"""Keep a binary event stream readable when parts of it are replaced.

Owns the lengths and checksums of `application/vnd.amazon.eventstream`, by which a client refuses a
message that was changed. Does not look for what is to be replaced (`redactor`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from agentvcr.redaction.spans import Span, disjoint, replaced

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
_PRELUDE = 12
_CHECKSUM = 4

Frame = tuple[int, int, int]
"""Where a message begins, where its payload does, and where the message ends."""


def reframed(body: bytes, spans: list[Span]) -> list[Span]:
    """Add to the spans of a body what keeps its messages whole.

    What is replaced from within one message into another joins the two, as it joins events of text.
    A credential among a message's headers is replaced all the same, and that message is damaged.
    """
    more: list[Span] = []
    start, payload = 0, 0
    inside: list[Span] = []
    at = 0
    for frame in _frames(body):
        if not inside or inside[-1][1] <= frame[0]:
            start, payload, inside = frame[0], frame[1], []
        end = frame[2]
        while at < len(spans) and spans[at][0] < end:
            inside.append(spans[at])
            at += 1
        within = all(payload <= span[0] for span in inside)
        if inside and within and inside[-1][1] <= end - _CHECKSUM:
            more += _anew(body, (start, payload, end), inside)
    return disjoint([*spans, *more])


def _anew(body: bytes, frame: Frame, inside: list[Span]) -> list[Span]:
    """Give the length and the checksums of a message as its replaced payload wants them."""
    start, payload, end = frame
    moved = [(begin - payload, stop - payload, made) for begin, stop, made in inside]
    content = replaced([body[payload : end - _CHECKSUM]], moved)[0]
    length = (payload - start + len(content) + _CHECKSUM).to_bytes(4, "big")
    prelude = length + body[start + 4 : start + 8]
    checked = zlib.crc32(prelude).to_bytes(4, "big")
    whole = prelude + checked + body[start + _PRELUDE : payload] + content
    return [
        (start, start + 4, length),
        (start + 8, start + _PRELUDE, checked),
        (end - _CHECKSUM, end, zlib.crc32(whole).to_bytes(4, "big")),
    ]


def _frames(body: bytes) -> Iterator[Frame]:
    """Give the messages of a body, up to the first one that is cut or no message."""
    start = 0
    while start + _PRELUDE + _CHECKSUM <= len(body):
        end = start + int.from_bytes(body[start : start + 4], "big")
        payload = start + _PRELUDE + int.from_bytes(body[start + 4 : start + 8], "big")
        if not payload + _CHECKSUM <= end <= len(body):
            return
        yield start, payload, end
        start = end
