"""Parts of a body that are replaced.

Owns putting the replacements in, across the borders of chunks. Does not look for them (`redactor`).
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int, bytes]
"""Start, end and replacement of a part."""


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and leave out those that overlap: the first stays, the longer of two."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one[0], -one[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def replaced(chunks: list[bytes], spans: list[Span]) -> list[bytes]:
    """Replace spans of the joined chunks; a replacement lands where its part began."""
    out: list[bytes] = []
    begin = 0
    for chunk in chunks:
        end = begin + len(chunk)
        pieces: list[bytes] = []
        position = begin
        for start, stop, placeholder in spans:
            if stop <= begin or start >= end:
                continue
            pieces.append(chunk[position - begin : max(start, begin) - begin])
            if start >= begin:
                pieces.append(placeholder)
            position = min(stop, end)
        pieces.append(chunk[position - begin :])
        out.append(b"".join(pieces))
        begin = end
    return out
