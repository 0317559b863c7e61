"""Cassettes as somebody who means harm would make them.

Owns frames and files with any content under right checksums. Does not say what is wrong with them.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.vocabulary import dictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = fmt.RunBegin("run", 1, ("a",), ".", "0", "p", "1", {})
END = fmt.RunEnd(9, 0, None)


def record(one: Any) -> bytes:
    """Give a record's bytes: of a struct, or of a type and its msgpack."""
    if isinstance(one, tuple):
        number, data = one
    else:
        number, data = fmt.NUMBERS[type(one)], msgspec.msgpack.encode(one)
    return fmt.RECORD.pack(number, len(data)) + data


def packed(raw: bytes) -> bytes:
    """Compress a payload that stands alone."""
    words = dictionary() if len(raw) < fmt.LONG_FRAME else None
    return zstandard.ZstdCompressor(level=9, dict_data=words).compress(raw)


def frame(payload: bytes, raw_length: int) -> bytes:
    """Put a header with the right checksum before a payload."""
    return fmt.FRAME.pack(len(payload), raw_length, zlib.crc32(payload)) + payload


def journal(*records: Any, raw_length: int | None = None, window: int = fmt.WINDOW_LOG) -> bytes:
    """Give a journal of a run's beginning and these records, in one frame."""
    raw = b"".join(map(record, (BEGIN, *records)))
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    payload = stream.compress(raw) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return fmt.JOURNAL + frame(payload, len(raw) if raw_length is None else raw_length)


class Sealed:
    """A sealed file that is put together frame by frame."""

    def __init__(self) -> None:
        self.data = bytearray(fmt.SEALED)
        self.story = [self.put(BEGIN, END)]

    def put(self, *records: Any) -> int:
        """Write records as a frame; gives its offset."""
        raw = b"".join(map(record, records))
        return self.put_frame(frame(packed(raw), len(raw)))

    def put_frame(self, data: bytes) -> int:
        """Write the bytes of a frame; gives its offset."""
        offset = len(self.data)
        self.data += data
        return offset

    def keys(self, numbers: Sequence[int], *, count: int | None = None) -> list[Any]:
        """Write a block of keys of lane `main`; gives its place for the directory."""
        size = len(numbers)
        gaps = [0, *(after - before for before, after in itertools.pairwise(numbers))]
        zeros = (0,) * size
        keys = fmt.Keys(numbers[0], tuple(gaps), ("main",), zeros, ("",), zeros, ())
        hashes = bytes(fmt.HASH * size)
        places = map(self.put, (keys, fmt.Fingerprints(hashes), fmt.RawHashes(hashes)))
        return [*places, numbers[0], size if count is None else count]

    def rows(self, *rows: fmt.Row) -> list[Any]:
        """Write a group of rows; gives its place for the directory."""
        data = [msgspec.msgpack.encode(one) for one in rows]
        offset = self.put(fmt.Rows(tuple(map(len, data)), b"".join(data)))
        return [offset, rows[0].lane, rows[0].number, len(rows)]

    def blobs(self, *blobs: bytes) -> list[Any]:
        """Write a group of pieces, numbered from 0 on; gives its place for the directory."""
        offset = self.put(fmt.Blobs(0, tuple(map(len, blobs)), b"".join(blobs)))
        return [offset, 0, len(blobs)]

    def finish(
        self,
        *,
        blobs: Sequence[Any] = (),
        rows: Sequence[Any] = (),
        keys: Sequence[Any] = (),
        story: Sequence[int] | None = None,
        here: Sequence[Any] = (),
    ) -> bytes:
        """Write the directory, with records before it in its frame, and the trailer."""
        found = (self.story if story is None else story, blobs, rows, keys, 0)
        return self.end(self.put(*here, (69, msgspec.msgpack.encode(found))))

    def end(self, offset: int) -> bytes:
        """Write a trailer; gives the file."""
        crc = zlib.crc32(offset.to_bytes(8, "little"))
        return bytes(self.data + fmt.TRAILER.pack(offset, crc, fmt.END))


def row(number: int = 1, *, request: Any = b"", response: Any = b"", **changes: Any) -> fmt.Row:
    """Give the row of an exchange with an answer of one chunk."""
    answer = fmt.Answer(1, 200, b"OK", b"HTTP/1.1", (), (1,), (len(response),))
    return msgspec.structs.replace(
        fmt.Row(
            lane="main",
            number=number,
            process=0,
            client="httpx",
            at_us=1,
            method="POST",
            url="http://a.example/",
            headers=(),
            internal=False,
            served_from=None,
            answer=answer,
            closing=fmt.Closing(2, "eof", None, None),
            request_body=request,
            response_body=response,
        ),
        **changes,
    )
