"""The parts of a multipart body, without the boundary that stands between them.

Owns the grammar of RFC 2046 as clients write it. Does not know which parts count (`canonical`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

_BREAKS = (b"\r\n", b"\n")


class Part(msgspec.Struct, frozen=True, gc=False):
    """One part."""

    headers: tuple[tuple[bytes, bytes], ...]
    """Names in small letters."""
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Give a header's value, empty where there is none."""
        return next((value for one, value in self.headers if one == name), b"")

    @property
    def name(self) -> str:
        """The form's field that it is, empty where it is none."""
        found = parameter(self.header(b"content-disposition"), b"name")
        return found.decode("utf-8", "surrogateescape")


def parts_of(body: bytes, content_type: bytes) -> list[Part] | None:
    """Take a body apart; None where it does not hold what its content type says."""
    boundary = parameter(content_type, b"boundary")
    if not boundary:
        return None
    for line_break in _BREAKS:
        pieces = (line_break + body).split(line_break + b"--" + boundary)
        if len(pieces) > 1 and pieces[-1].startswith(b"--"):  # behind the last one nothing counts
            return [_part(piece, line_break) for piece in pieces[1:-1]]
    return None


def _part(piece: bytes, line_break: bytes) -> Part:
    _, _, rest = piece.partition(line_break)  # white space may stand behind a boundary
    if rest.startswith(line_break):
        return Part((), rest.removeprefix(line_break))
    head, _, body = rest.partition(2 * line_break)
    return Part(tuple(_headers(head.split(line_break))), body)


def _headers(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for line in lines:
        name, _, value = line.partition(b":")
        yield name.strip().lower(), value.strip()


def parameter(value: bytes, name: bytes) -> bytes:
    """Find a parameter of a header's value, such as `boundary`; empty where it has none."""
    for pair in value.split(b";")[1:]:
        own, equals, told = pair.strip().partition(b"=")
        if equals and own.strip().lower() == name:
            return told.strip().strip(b'"')
    return b""
