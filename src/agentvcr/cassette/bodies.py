"""Bodies cut into pieces, each distinct piece stored once.

Owns where a body is cut. Does not know where pieces are kept.

A request is cut behind each `}` that a `,` or `]` follows, as behind a message or a tool in JSON,
and a long text in it behind the end of a line. Such a cut depends on the bytes around it alone, so
that equal parts of two requests are cut alike wherever they stand. A long run of base64 is stored
as the bytes that it stands for.
"""

from __future__ import annotations

import binascii
import re
import string
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final

from agentvcr.cassette.format import WAYS, Recipe, Way
from agentvcr.cassette.frames import BrokenError

SHORT: Final = 512
"""A shorter body stands in its row as it is."""
LONGEST: Final = 3 << 18
"""Bytes of a piece at most; in threes, so that pieces of base64 can be joined."""
_LEAST: Final = 256
_LONG_TEXT: Final = 2048
_LINE: Final = re.compile(rb"\\n|\n")
_CUT: Final = re.compile(rb"\}(?=\s*[,\]])")
_MOST_LANES: Final = 256
"""Lanes of which the last request is kept; another's is cut afresh, which gives the same pieces."""
_LEAST_RUN: Final = 256
"""A shorter run of base64 is left as it is."""
_LETTERS: Final = string.ascii_letters.encode() + string.digits.encode() + b"+/-_"
_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")

Piece = int
"""Number of a blob times `WAYS`, and how the body has it: one of `Way`."""


class _Cut:
    """A request and its segments, kept to find them again in the next of its lane."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.ends: list[int] = []
        self.segments: list[tuple[Piece, ...]] = []
        self._places: dict[tuple[Piece, ...], int] | None = None

    def starts_with(self, index: int) -> int:
        """Say where a segment starts."""
        return self.ends[index - 1] if index else 0

    def place_of(self, segment: tuple[Piece, ...]) -> int | None:
        """Find a segment."""
        if self._places is None:
            self._places = {one: index for index, one in enumerate(self.segments)}
        return self._places.get(segment)

    def add(self, end: int, segment: tuple[Piece, ...]) -> None:
        self.ends.append(end)
        self.segments.append(segment)

    def take(self, last: _Cut, index: int, start: int) -> int:
        """Take over segments of the body before, from one on, as far as both go on alike."""
        begin = last.starts_with(index)
        same = begin + _common(last.body, begin, self.body, start)
        # Less the byte after a cut, which had its say in it.
        stop = bisect_right(last.ends, same - 2, lo=index)
        shift = start - begin
        self.ends += [end + shift for end in last.ends[index:stop]]
        self.segments += last.segments[index:stop]
        return last.starts_with(stop) + shift


class BodyStore:
    """Cuts bodies and gives each distinct piece its number."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        """Start empty; `keep` takes each new piece, numbered 0, 1, 2 … in that order."""
        self._keep = keep
        self._blobs: dict[bytes, int] = {}
        self._segments: dict[bytes, tuple[Piece, ...]] = {}
        self._last: dict[str, _Cut] = {}

    def add_request(self, body: bytes, lane: str) -> list[Piece]:
        """Cut a request; those of one lane often begin alike, or go on alike further on."""
        last, cut = self._last.pop(lane, None), _Cut(body)
        start = cut.take(last, 0, 0) if last else 0
        brace = 0
        while start < len(body):
            if brace < start + _LEAST:
                match = _CUT.search(body, start + _LEAST - 1)
                brace = match.end() if match else len(body)
            end = _next_cut(body, start, brace)
            segment = self._segment(body[start:end])
            cut.add(end, segment)
            start = end
            place = last.place_of(segment) if last else None
            if last and place is not None:
                start = cut.take(last, place + 1, start)
        self._last[lane] = cut
        if len(self._last) > _MOST_LANES:
            del self._last[next(iter(self._last))]
        return [piece for segment in cut.segments for piece in segment]

    def add_response(self, body: bytes, *, is_stream: bool) -> list[Piece] | None:
        """Cut an answer, which comes again whole if at all.

        A stream of events never does, but for base64 in it: None for one without, unless it is too
        long for a row.
        """
        if is_stream and len(body) < LONGEST and next(_runs(body), None) is None:
            return None
        return list(self._segment(body))

    def _segment(self, data: bytes) -> tuple[Piece, ...]:
        digest = sha256(data).digest()[:16]
        segment = self._segments.get(digest)
        if segment is None:
            segment = self._segments[digest] = tuple(self._pieces(data))
        return segment

    def _pieces(self, data: bytes) -> Iterator[Piece]:
        start = 0
        for begin, end in _runs(data):
            decoded = _decoded(data[begin:end])
            if decoded is not None:
                yield from self._even(data[start:begin], Way.PLAIN)
                yield from self._even(*decoded)
                start = end
        yield from self._even(data[start:], Way.PLAIN)

    def _even(self, data: bytes, way: Way) -> Iterator[Piece]:
        for start in range(0, len(data), LONGEST):
            piece = data[start : start + LONGEST]
            digest = sha256(piece).digest()[:16]
            number = self._blobs.get(digest)
            if number is None:
                number = self._blobs[digest] = len(self._blobs)
                self._keep(piece)
            yield number * WAYS + way


def recipe_of(pieces: Iterable[Piece]) -> Recipe:
    """Give a body's pieces as pairs of numbers (`format.Recipe`)."""
    pairs: list[int] = []
    following = None
    for piece in pieces:
        if piece == following:
            pairs[-1] += WAYS
        else:
            number, way = divmod(piece, WAYS)
            pairs += (number, WAYS + way)
        following = piece + WAYS
    return tuple(pairs)


def written(data: bytes | memoryview, way: int) -> bytes | memoryview:
    """Give pieces as the body has them.

    Raises:
        BrokenError: There is no such way.
    """
    if way == Way.PLAIN:
        return data
    if way == Way.BASE64:
        return binascii.b2a_base64(data, newline=False)
    if way == Way.BASE64URL:
        return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE)
    raise BrokenError(f"nobody writes pieces in way {way}")


def _common(a: bytes, a_start: int, b: bytes, b_start: int) -> int:
    """Length of the longest common part from two places on, found by trebling and halving."""
    most = min(len(a) - a_start, len(b) - b_start)
    low, high = 0, min(_LEAST, most)
    while a[a_start + low : a_start + high] == b[b_start + low : b_start + high]:
        if high == most:
            return most
        low, high = high, min(3 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if a[a_start + low : a_start + middle] == b[b_start + low : b_start + middle]:
            low = middle
        else:
            high = middle
    return low


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Find runs of base64, in whole groups of four; looks at one byte of each 256."""
    letters = frozenset(_LETTERS)
    start = 0
    at = _LEAST_RUN - 1
    while at < len(data):
        if data[at] in letters:
            before = data[max(start, at - _LEAST_RUN) : at]
            begin = at - len(before) + len(before.rstrip(_LETTERS))
            match = _RUN.match(data, at)
            end = match.end() if match else at
            if end - begin >= _LEAST_RUN:
                end = begin + (end - begin) // 4 * 4
                yield begin, end
                start = at = end
        at += _LEAST_RUN


def _next_cut(body: bytes, start: int, end: int) -> int:
    if end - start > _LONG_TEXT:  # a prompt that is one text grows too
        line = _LINE.search(body, start + _LONG_TEXT - 1, end)
        end = line.end() if line else end
    return end


def _decoded(run: bytes) -> tuple[bytes, Way] | None:
    """Decode a run of base64 or base64url, if encoding the result gives the run again."""
    way = Way.BASE64URL if b"-" in run or b"_" in run else Way.BASE64
    try:
        decoded = binascii.a2b_base64(run.translate(_STANDARD))
    except binascii.Error:
        return None
    return (decoded, way) if written(decoded, way) == run else None
