"""Chunks of an answer, to and from their records.

Owns how many go into one record, and how a long one is cut. Does not know where records are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentvcr.cassette.format import PIECE, Chunks
from agentvcr.cassette.frames import BrokenError
from agentvcr.model.exchange import Chunk

MOST_CHUNKS = 4096
"""Chunks of one record, which bounds it however small they are."""
MOST_OF_ANSWER = 1 << 19
"""Chunks of one answer. What comes behind them is one chunk: nobody reads so many for a rhythm."""


def chunk_records(
    number: int, head_us: int, times_us: Sequence[int], chunks: Sequence[bytes]
) -> Iterator[Chunks]:
    """Put the chunks of exchange `number` into records of at most `PIECE` bytes and a little."""
    after: list[int] = []
    sizes: list[int] = []
    data = bytearray()
    last_us = head_us
    if len(chunks) > MOST_OF_ANSWER:
        kept = MOST_OF_ANSWER - 1
        times_us = [*times_us[:kept], times_us[-1]]
        chunks = [*chunks[:kept], b"".join(chunks[kept:])]
    for at_us, chunk in zip(times_us, chunks, strict=True):
        elapsed, last_us = max(0, at_us - last_us), max(at_us, last_us)
        rest = memoryview(chunk)
        while len(data) + len(rest) > PIECE or len(sizes) == MOST_CHUNKS:
            taken = min(PIECE - len(data), len(rest)) if len(sizes) < MOST_CHUNKS else 0
            if taken:
                after.append(elapsed)
                sizes.append(taken)
                data += rest[:taken]
                rest, elapsed = rest[taken:], 0
            yield Chunks(number, tuple(after), tuple(sizes), bytes(data), bool(taken))
            after, sizes, data = [], [], bytearray()
        after.append(elapsed)
        sizes.append(len(rest))
        data += rest
    if sizes:
        yield Chunks(number, tuple(after), tuple(sizes), bytes(data), more=False)


class ChunkReader:
    """Puts the chunks of one answer together again."""

    def __init__(self, head_us: int) -> None:
        """Start after the head."""
        self._at_us = head_us
        self._part: list[bytes] = []
        self.chunks: list[Chunk] = []

    def add(self, record: Chunks) -> None:
        """Take the next record.

        Raises:
            BrokenError: Its sizes are not those of its data.
        """
        sizes, data = record.sizes, record.data
        if (
            len(sizes) != len(record.after_us)
            or sum(sizes) != len(data)
            or min(sizes, default=0) < 0
        ):
            raise BrokenError(f"chunks of exchange {record.number} have other sizes than they say")
        start = 0
        last = len(sizes) - 1
        for index, (after_us, size) in enumerate(zip(record.after_us, sizes, strict=True)):
            self._at_us += after_us
            piece = data[start : start + size]
            start += size
            if self._part or (record.more and index == last):
                self._part.append(piece)
                if record.more and index == last:
                    break
                piece = b"".join(self._part)
                self._part = []
            self.chunks.append(Chunk(at_ns=self._at_us * 1000, data=piece))
