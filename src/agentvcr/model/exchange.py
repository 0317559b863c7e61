"""One request and all of its answer, as it was.

Owns the shape of an exchange in memory. Does not know how it is stored (`cassette`), nor what the
bodies mean (`providers`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]
"""Raw header pairs: order, case and duplicates kept."""

EndKind = Literal["eof", "closed", "abandoned", "cancelled", "failed", "cut"]
"""How an exchange ended: read to its end; closed early by the program; dropped without a close;
cancelled; failed with an error; or cut, when its process was gone before it ended."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the program asked. `body` is byte-exact but for credentials."""

    method: str
    url: str
    headers: Headers
    body: bytes


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of an answer's body, undecoded, as the client's transport handed it over."""

    at_ns: int
    """Arrival, in nanoseconds since the run began."""
    data: bytes


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """The answer's head and the chunks that the program received."""

    at_ns: int
    """When the head arrived, in nanoseconds since the run began."""
    status: int
    reason: bytes
    http_version: bytes
    headers: Headers
    chunks: tuple[Chunk, ...]

    @property
    def body(self) -> bytes:
        """All chunks joined: wire bytes, still content-encoded."""
        return b"".join(chunk.data for chunk in self.chunks)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An exception that ended an exchange, by name."""

    type: str
    """The class's module and qualified name, for example `httpx.ReadTimeout`."""
    message: str


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How and when an exchange was over."""

    at_ns: int
    kind: EndKind
    failure: Failure | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and all of its answer. `response` and `ending` are None while it is in flight."""

    number: int
    """1, 2, 3 … in the order in which requests began."""
    process: int
    """Index of the process that asked, in `Run.processes`."""
    lane: str
    client: str
    """The client library, for example `httpx2`."""
    began_ns: int
    request: Request
    fingerprint: bytes
    raw_hash: bytes
    """Hash of the unredacted body: an unchanged body need not be parsed to be found again."""
    canonical_hash: bytes
    """Hash of the body's canonical form."""
    internal: bool = False
    """The peer is a process of this run: kept for viewing, never served."""
    served_from: int | None = None
    """In a replay: the number of the recorded exchange whose answer this is."""
    response: Response | None = None
    ending: Ending | None = None
