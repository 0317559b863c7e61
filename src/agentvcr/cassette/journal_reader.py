"""Read a journal: whole frames, to where it ends or is torn.

Owns where a journal ends. Does not put runs together (`assembly`).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import BrokenError, check_sizes, check_sum, records

_SLICE = 512
"""Compressed bytes taken at a time: they expand to 16 MiB at most, so a bomb is seen early."""


_HOLE = bytes(16)
"""A wrong payload that ends like this, and only zeros behind it: it was never written whole."""


class JournalReader:
    """The records of a journal, in the order in which they were written."""

    def __init__(self, file: BinaryIO) -> None:
        """Read `file` from behind its magic on."""
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        """Bytes of the file."""
        self.offset = file.tell()
        """Where the next frame begins; behind the last record: where whole frames end."""
        self.frames = 0
        """Whole frames read so far."""
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << fmt.WINDOW_LOG)
        self._stream = decompressor.decompressobj()

    @property
    def torn_bytes(self) -> int:
        """Bytes behind the last whole frame, once all records have been read."""
        return self.size - self.offset

    def __iter__(self) -> Iterator[fmt.Record | fmt.SealedRecord]:
        """Read on.

        Raises:
            BrokenError, UnknownRecordError: A frame has all its bytes and is wrong.
        """
        while self.offset < self.size:
            raw, after = self._frame()
            if after == self.offset:
                return
            yield from records(raw)
            self.offset = after
            self.frames += 1

    def _frame(self) -> tuple[bytes, int]:
        """Read a frame and say where it ends; a torn one ends where it begins."""
        header = self._file.read(fmt.FRAME.size)
        if len(header) < fmt.FRAME.size:
            return b"", self.offset
        if not any(header):
            if self._only_zeros_follow():
                return b"", self.offset
            raise BrokenError("there are zeros where a frame should be")
        length, raw_length, crc = fmt.FRAME.unpack(header)
        check_sizes(length, raw_length)
        payload = self._file.read(length)
        if len(payload) < length:
            return b"", self.offset
        if zlib.crc32(payload) != crc and payload.endswith(_HOLE) and self._only_zeros_follow():
            return b"", self.offset
        check_sum(payload, crc)
        return self._decompress(payload, raw_length), self.offset + len(header) + length

    def _only_zeros_follow(self) -> bool:
        """Some file systems leave a tail of zeros after a crash of the machine."""
        while data := self._file.read(fmt.PIECE):
            if any(data):
                return False
        return True

    def _decompress(self, payload: bytes, raw_length: int) -> bytes:
        try:
            if len(payload) <= _SLICE:
                raw = self._stream.decompress(payload)
            else:
                raw = b"".join(self._slices(payload, raw_length))
        except zstandard.ZstdError:
            raise BrokenError("a frame does not decompress") from None
        if len(raw) != raw_length:
            raise BrokenError("a frame has another size than it says")
        return raw

    def _slices(self, payload: bytes, raw_length: int) -> Iterator[bytes]:
        left = raw_length
        for start in range(0, len(payload), _SLICE):
            raw = self._stream.decompress(payload[start : start + _SLICE])
            yield raw
            left -= len(raw)
            if left < 0:
                return
