"""Write the frames of a sealed file.

Owns how each is compressed, and which records wait for the last one. Does not know what records
mean (`pack`).
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

import msgspec
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.vocabulary import dictionary

LEVEL: Final = 9
SHORT_LEVEL: Final = 19
"""Of frames that are short, where it costs milliseconds."""


class FrameWriter:
    """The sealed file as it is being written."""

    def __init__(self, out: BinaryIO) -> None:
        """Write the magic."""
        self._out = out
        self._encoder = msgspec.msgpack.Encoder()
        self._last: list[fmt.Record | fmt.SealedRecord] = []
        self.is_one_frame = False
        """Everything goes into the last frame."""
        self.offset = 0
        self.write(fmt.SEALED)

    def put(self, *records: fmt.Record | fmt.SealedRecord) -> int:
        """Put records into a frame of their own, or the last; gives its offset."""
        if self.is_one_frame:
            self._last += records
            return fmt.HERE
        return self.frame(*records)

    def finish(self, directory: fmt.Directory) -> None:
        """Write the last frame and the trailer."""
        offset = self.frame(*self._last, directory)
        crc = zlib.crc32(offset.to_bytes(8, "little"))
        self.write(fmt.TRAILER.pack(offset, crc, fmt.END))

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._out.write(data)
        self.offset += len(data)

    def frame(self, *records: fmt.Record | fmt.SealedRecord) -> int:
        """Write records as one frame; gives its offset.

        Raises:
            RecordTooLargeError: No reader would take it.
        """
        offset = self.offset
        parts: list[bytes] = []
        for record in records:
            data = self._encoder.encode(record)
            parts += (fmt.RECORD.pack(fmt.NUMBERS[type(record)], len(data)), data)
        raw = b"".join(parts)
        payload = _compress(raw)
        if max(len(raw), len(payload)) > fmt.MAX_FRAME:
            raise RecordTooLargeError(f"{len(raw)} bytes of {type(records[-1]).__name__}")
        self.write(fmt.FRAME.pack(len(payload), len(raw), zlib.crc32(payload)))
        self.write(payload)
        return offset


def _compress(raw: bytes) -> bytes:
    if len(raw) >= fmt.LONG_FRAME:
        return zstandard.ZstdCompressor(level=LEVEL).compress(raw)
    words = dictionary()
    # Without the sizes zstd would suit the window to the dictionary alone.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        SHORT_LEVEL, source_size=len(raw), dict_size=len(words)
    )
    return zstandard.ZstdCompressor(compression_params=parameters, dict_data=words).compress(raw)
