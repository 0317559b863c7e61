"""The cassette's records and frames, format version 1.

Owns the byte layout of both states, journal and sealed: magic, frame header, record types and their
bounds. Does not open files (`journal` and `pack` write, `reader` and `sealed` read).
`docs/reference/cassette-format.md` is its specification.

Every struct is a msgpack array. Fields are only ever appended, so that a reader of version 1 reads
every file of version 1.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Annotated, Final

import msgspec

from agentvcr.cassette.world import WorldRecord
from agentvcr.model.exchange import EndKind
from agentvcr.model.run import Stream

VERSION: Final = 1
JOURNAL: Final = b"AVCRJ\x00\r\n\x1a\n\x00" + bytes([VERSION])
"""How a journal begins: eleven bytes that show text-mode damage, then the version."""
SEALED: Final = b"AVCRP\x00\r\n\x1a\n\x00" + bytes([VERSION])
"""How a sealed file begins."""
TRAILER: Final = struct.Struct("<QI4s")
"""How a sealed file ends: offset of its last frame, CRC-32 of that number, and `END`."""
END: Final = b"AVCE"

FRAME: Final = struct.Struct("<III")
"""Length of the payload, length once decompressed, CRC-32 of the payload; all little-endian."""
RECORD: Final = struct.Struct("<BI")
"""Type of the record, length of its msgpack."""

MAX_FRAME: Final = 8 << 20
"""Most bytes of one frame, compressed or not. A reader refuses more before it allocates."""
LONG_FRAME: Final = 1 << 17
"""A frame of a sealed file that is shorter, once decompressed, is packed with the dictionary."""
PIECE: Final = 1 << 20
"""Longer bodies and chunks are cut into several records of this size."""
WINDOW_LOG: Final = 23
"""The zstd window: 8 MiB back, so that a conversation that grows is stored once."""
EXTENSION: Final = 128
"""A reader skips unknown types from here on, and refuses unknown types below."""

Time = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""Microseconds since the run began; bounded, so that no file can upset arithmetic or a clock."""
Index = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""A count, a size, a number or an offset."""

RawHeaders = tuple[tuple[bytes, bytes], ...]


class RunBegin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """First record: what was run."""

    run_id: str
    started_at_ns: Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
    argv: tuple[str, ...]
    cwd: str
    agentvcr: str
    platform: str
    rules: str
    environment: dict[str, str]


class RunEnd(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Last record: how the command ended. Missing after a crash of the recorder."""

    at_us: Time
    exit_status: int | None
    signal: int | None


class ProcessBegin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A process spoke to the recorder for the first time."""

    index: Index
    pid: int
    parent_pid: int
    lane: str
    argv: tuple[str, ...]
    python: str
    at_us: Time


class ProcessEnd(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last connection of a process was closed."""

    index: Index
    at_us: Time


class ExchangeBegin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A request began. Its body of `body_size` bytes follows in `Body` records."""

    number: Index
    process: Index
    lane: str
    client: str
    at_us: Time
    method: str
    url: str
    headers: RawHeaders
    fingerprint: Annotated[bytes, msgspec.Meta(min_length=8, max_length=8)]
    raw_hash: Annotated[bytes, msgspec.Meta(max_length=8)]
    internal: bool
    served_from: Index | None
    body_size: Index
    place: str = ""
    """Where in the tree of steps: empty outside of every named step."""


class Body(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A piece of a request's body."""

    number: Index
    data: bytes


class Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An answer's status line and headers."""

    number: Index
    at_us: Time
    status: int
    reason: bytes
    http_version: bytes
    headers: RawHeaders


class Chunks(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Chunks of an answer's body: of each its size, and the time since the one before.

    The first one's time counts from the head, or from the last chunk of the record before. `more`
    when the last chunk goes on in the next record.
    """

    number: Index
    after_us: tuple[Time, ...]
    sizes: tuple[Index, ...]
    data: bytes
    more: bool


class ExchangeEnd(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An exchange was over, with the class and message of the exception that ended it."""

    number: Index
    at_us: Time
    kind: EndKind
    failure_type: str | None
    failure_message: str | None


class OutputPiece(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Bytes on a standard stream of a process."""

    process: Index
    stream: Stream
    at_us: Time
    data: bytes


class StepBegin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A step that the program names began. `content` is what it was given, as JSON, or nothing."""

    path: str
    name: str
    kind: str
    agent: str | None
    process: Index
    lane: str
    at_us: Time
    after: Index
    """Number of the last exchange that had begun by then; 0 before the first."""
    content: bytes


class StepEnd(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A step was over. `content` is what it gave, as JSON, or nothing."""

    path: str
    at_us: Time
    content: bytes
    failure_type: str | None
    failure_message: str | None


class NoteRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Something seen that is no exchange, `count` times."""

    kind: str
    at_us: Time
    process: Index
    text: str
    count: Index


COST_OF_PART: Final = 64
"""What a part of a body counts besides its own bytes, since nobody has parts for nothing."""


def most_of_body(file_size: int) -> int:
    """Give the most bytes that a body may have, put together, in a file of so many bytes."""
    return (16 << 20) + 1024 * file_size


class Way(IntEnum):
    """How a body has the bytes of a piece."""

    PLAIN = 0
    BASE64 = 1
    BASE64URL = 2


WAYS: Final = 4

Recipe = bytes | tuple[Index, ...]
"""A body: its bytes, or pairs of numbers. A pair (first, 4 n + way) stands for `n` blobs from
`first` on, each written in that way."""


class Blobs(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Pieces of bodies, each stored once: of each its size, and all of them joined."""

    first: Index
    sizes: tuple[Index, ...]
    data: bytes


class Answer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An answer. Times count from the exchange's beginning, or from the chunk before."""

    after_us: Time
    status: int
    reason: bytes
    http_version: bytes
    headers: RawHeaders
    chunks_after_us: tuple[Time, ...]
    sizes: tuple[Index, ...]


class Closing(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How an exchange ended; the time counts from its beginning."""

    after_us: Time
    kind: EndKind
    failure_type: str | None
    failure_message: str | None


class Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A whole exchange of a sealed file; its hashes stand in the index."""

    lane: str
    number: Index
    process: Index
    client: str
    at_us: Time
    method: str
    url: str
    headers: RawHeaders
    internal: bool
    served_from: Index | None
    answer: Answer | None
    closing: Closing | None
    request_body: Recipe
    response_body: Recipe
    place: str = ""


class Rows(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Exchanges in the order of (lane, number): of each the size of its `Row`, and all joined."""

    sizes: tuple[Index, ...]
    data: bytes


class Keys(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What exchanges can be found by, in the order of their numbers, with columns of one length."""

    first: Index
    """Number of the first."""
    gaps: tuple[Index, ...]
    """What each number adds to the one before; 0 for the first."""
    lanes: tuple[str, ...]
    """The lanes that occur here."""
    lane: tuple[Index, ...]
    """Of each exchange the place of its lane in `lanes`."""
    kinds: tuple[str, ...]
    kind: tuple[Index, ...]
    internal: tuple[Index, ...]
    """Numbers of those whose peer was a process of the run."""
    places: tuple[str, ...] = ()
    """The places that occur here, if there is one that is not empty."""
    place: tuple[Index, ...] = ()
    """Of each exchange its place in `places`; nothing where that is empty."""


class Fingerprints(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Eight bytes for each exchange of a block of keys, in the same order."""

    data: bytes


class RawHashes(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The same of raw hashes; eight zeros where there is none."""

    data: bytes


HERE: Final = 0
"""No frame lies at this offset."""


class BlobGroup(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a frame of blobs lies, and which it holds."""

    offset: Index
    first: Index
    count: Index


class RowGroup(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a frame of rows lies, its first exchange, and how many it holds."""

    offset: Index
    lane: str
    number: Index
    count: Index


class KeyBlock(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where the keys of some exchanges lie: their numbers and lanes, and their hashes."""

    keys_offset: Index
    fingerprints_offset: Index
    raw_hashes_offset: Index
    first: Index
    count: Index


class Directory(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Last record of a sealed file: where everything lies.

    `HERE` in place of an offset: in this very frame, as the only record of its type; the story as
    all the records before the first that is none of it.
    """

    story: tuple[Index, ...]
    blobs: tuple[BlobGroup, ...]
    rows: tuple[RowGroup, ...]
    keys: tuple[KeyBlock, ...]
    last_began_us: Time


StoryRecord = RunBegin | RunEnd | ProcessBegin | ProcessEnd | OutputPiece | NoteRecord | WorldRecord
StepRecord = StepBegin | StepEnd
ExchangeRecord = ExchangeBegin | Body | Head | Chunks | ExchangeEnd
Record = StoryRecord | StepRecord | WorldRecord | ExchangeRecord
"""What happened, as a journal tells it."""
OF_EXCHANGE: Final = (ExchangeBegin, Body, Head, Chunks, ExchangeEnd)
OF_STEP: Final = (StepBegin, StepEnd)
_OF_RUN: Final = (RunBegin, RunEnd, ProcessBegin, ProcessEnd, OutputPiece, NoteRecord)
OF_STORY: Final = (*_OF_RUN, *OF_STEP, WorldRecord)
SealedRecord = Blobs | Rows | Keys | Fingerprints | RawHashes | Directory

TYPES: Final[dict[int, type[Record]]] = {
    1: RunBegin,
    2: RunEnd,
    3: ProcessBegin,
    4: ProcessEnd,
    5: ExchangeBegin,
    6: Body,
    7: Head,
    8: Chunks,
    9: ExchangeEnd,
    10: OutputPiece,
    11: NoteRecord,
    12: StepBegin,
    13: StepEnd,
    14: WorldRecord,
}
"""Of a journal; those that are not of an exchange stand in a sealed file too."""
SEALED_TYPES: Final[dict[int, type[SealedRecord]]] = {
    64: Blobs,
    65: Rows,
    66: Keys,
    67: Fingerprints,
    68: RawHashes,
    69: Directory,
}
NUMBERS: Final = {one: number for types in (TYPES, SEALED_TYPES) for number, one in types.items()}
HASH: Final = 8
"""Bytes of a fingerprint or raw hash."""
