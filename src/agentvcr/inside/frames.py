"""The channel's wire protocol, version 1: how frames look between a program and its engine.

Owns the frame header, the kinds and their bounds, for both ends. Does not own sockets (`channel`
here and in the engine) nor what a frame means.

A frame is a header, then a small JSON object (`meta`), then raw bytes:
kind (1 byte), exchange and sequence number (u32 each), the two lengths (u32 each) and the sender's
monotonic clock in nanoseconds (i64), little-endian, 28 bytes.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Iterator

PROTOCOL = 1
HEADER = struct.Struct("<cxxxIIIIq")
MAX_META = 1 << 20
MAX_RAW = 1 << 20

HELLO = b"H"
BEGIN = b"B"
BODY = b"D"  # a piece of a long body, before the frame that it belongs to
HEAD = b"h"
CHUNK = b"C"
END = b"E"
TAKEN = b"T"
OUTPUT = b"O"
NOTE = b"N"
LISTEN = b"L"
GUARD = b"G"
STEP = b"P"  # a step began, or with no name in it: is over
WORLD = b"W"  # a part of what surrounds a process's exchanges; also the answer with such parts
WANTED = b"Q"  # asks for the recorded ones of a kind
SERVE = b"S"
FORWARD = b"F"
HALT = b"X"
ACK = b"K"


class ProtocolError(Exception):
    """The other end sent what this protocol does not know."""


class Frame:
    """One frame as it came in."""

    __slots__ = ("at_ns", "exchange", "kind", "meta", "raw", "seq")

    def __init__(  # noqa: PLR0913  (a frame has these parts)
        self, kind: bytes, exchange: int, seq: int, at_ns: int, meta: bytes, raw: bytes
    ) -> None:
        """Keep the parts."""
        self.kind = kind
        self.exchange = exchange
        self.seq = seq
        self.at_ns = at_ns
        self.meta = meta
        self.raw = raw

    def fields(self) -> dict[str, Any]:
        """Decode the meta object."""
        import json  # noqa: PLC0415  (2 ms that a program without exchanges need not pay)

        return json.loads(self.meta) if self.meta else {}


def pack_meta(fields: dict[str, Any]) -> bytes:
    """Encode a meta object."""
    import json  # noqa: PLC0415  (as above)

    return json.dumps(fields, separators=(",", ":")).encode()


def pack(  # noqa: PLR0913  (a frame has these parts)
    kind: bytes, exchange: int, seq: int, at_ns: int, meta: bytes, raw: bytes
) -> bytes:
    """Encode one frame; `raw` must be no longer than `MAX_RAW`."""
    return HEADER.pack(kind, exchange, seq, len(meta), len(raw), at_ns) + meta + raw


def split(raw: bytes) -> tuple[Iterator[bytes], bytes]:
    """Cut a long body into pieces that go ahead in BODY frames, and the last piece."""
    if len(raw) <= MAX_RAW:
        return iter(()), raw
    last = (len(raw) - 1) // MAX_RAW * MAX_RAW
    return (raw[i : i + MAX_RAW] for i in range(0, last, MAX_RAW)), raw[last:]


def unpack(buffer: bytes, offset: int) -> tuple[Frame, int] | None:
    """Decode the frame at `offset`; None while it is not whole.

    Raises:
        ProtocolError: The header claims more than the bounds allow.
    """
    start = offset + HEADER.size
    if len(buffer) < start:
        return None
    kind, exchange, seq, meta_size, raw_size, at_ns = HEADER.unpack_from(buffer, offset)
    if meta_size > MAX_META or raw_size > MAX_RAW:
        raise ProtocolError("a frame of %d + %d bytes" % (meta_size, raw_size))
    end = start + meta_size + raw_size
    if len(buffer) < end:
        return None
    middle = start + meta_size
    meta, raw = bytes(buffer[start:middle]), bytes(buffer[middle:end])
    return Frame(kind, exchange, seq, at_ns, meta, raw), end
