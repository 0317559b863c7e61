"""The cassette's records and frames, format version 1.

Owns the byte layout: magic, frame header, record types and their bounds. Does not open files
(`journal` writes, `reader` reads). `docs/reference/cassette-format.md` is its specification.

Every struct is a msgpack array. Fields are only ever appended, so that a reader of version 1 reads
every file of version 1.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from agentvcr.model.exchange import EndKind
from agentvcr.model.run import Stream

VERSION: Final = 1
MAGIC: Final = b"AVCRJ\x00\r\n\x1a\n\x00" + bytes([VERSION])
"""Eleven bytes that show text-mode damage, then the version."""

FRAME: Final = struct.Struct("<III")
"""Length of the payload, length once decompressed, CRC-32 of the payload; all little-endian."""
RECORD: Final = struct.Struct("<BI")
"""Type of the record, length of its msgpack."""

MAX_FRAME: Final = 8 << 20
"""Most bytes of one frame, compressed or not. A reader refuses more before it allocates."""
PIECE: Final = 1 << 20
"""Longer bodies and chunks are cut into several records of this size."""
WINDOW_LOG: Final = 23
"""The zstd window: 8 MiB back, so that a conversation that grows is stored once."""
EXTENSION: Final = 128
"""A reader skips unknown types from here on, and refuses unknown types below."""

RawHeaders = tuple[tuple[bytes, bytes], ...]


class RunBegin(msgspec.Struct, array_like=True, frozen=True, tag=False):
    """First record: what was run."""

    run_id: str
    started_at_ns: int
    argv: tuple[str, ...]
    cwd: str
    agentvcr: str
    platform: str
    rules: str
    environment: dict[str, str]


class RunEnd(msgspec.Struct, array_like=True, frozen=True):
    """Last record: how the command ended. Missing after a crash of the recorder."""

    at_ns: int
    exit_status: int | None
    signal: int | None


class ProcessBegin(msgspec.Struct, array_like=True, frozen=True):
    """A process spoke to the recorder for the first time."""

    index: int
    pid: int
    parent_pid: int
    lane: str
    argv: tuple[str, ...]
    python: str
    at_ns: int


class ProcessEnd(msgspec.Struct, array_like=True, frozen=True):
    """The last connection of a process was closed."""

    index: int
    at_ns: int


class ExchangeBegin(msgspec.Struct, array_like=True, frozen=True):
    """A request began. Its body of `body_size` bytes follows in `Body` records."""

    number: int
    process: int
    lane: str
    client: str
    at_ns: int
    method: str
    url: str
    headers: RawHeaders
    fingerprint: bytes
    raw_hash: bytes
    canonical_hash: bytes
    internal: bool
    served_from: int | None
    body_size: int


class Body(msgspec.Struct, array_like=True, frozen=True):
    """A piece of a request's body."""

    number: int
    data: bytes


class Head(msgspec.Struct, array_like=True, frozen=True):
    """An answer's status line and headers."""

    number: int
    at_ns: int
    status: int
    reason: bytes
    http_version: bytes
    headers: RawHeaders


class ChunkPiece(msgspec.Struct, array_like=True, frozen=True):
    """A chunk of an answer's body; `more` when the same chunk goes on in the next record."""

    number: int
    at_ns: int
    data: bytes
    more: bool


class ExchangeEnd(msgspec.Struct, array_like=True, frozen=True):
    """An exchange was over, with the class and message of the exception that ended it."""

    number: int
    at_ns: int
    kind: EndKind
    failure_type: str | None
    failure_message: str | None


class OutputPiece(msgspec.Struct, array_like=True, frozen=True):
    """Bytes on a standard stream of a process."""

    process: int
    stream: Stream
    at_ns: int
    data: bytes


class NoteRecord(msgspec.Struct, array_like=True, frozen=True):
    """Something seen that is no exchange, `count` times."""

    kind: str
    at_ns: int
    process: int
    text: str
    count: int


Record = (
    RunBegin
    | RunEnd
    | ProcessBegin
    | ProcessEnd
    | ExchangeBegin
    | Body
    | Head
    | ChunkPiece
    | ExchangeEnd
    | OutputPiece
    | NoteRecord
)

TYPES: Final[dict[int, type[Record]]] = {
    1: RunBegin,
    2: RunEnd,
    3: ProcessBegin,
    4: ProcessEnd,
    5: ExchangeBegin,
    6: Body,
    7: Head,
    8: ChunkPiece,
    9: ExchangeEnd,
    10: OutputPiece,
    11: NoteRecord,
}
NUMBERS: Final = {struct_type: number for number, struct_type in TYPES.items()}
