"""The kind of thing on this shelf: a foreign cassette, read into our own words.

Owns the shapes that every format is read into. Does not read any (one format a module).
"""

from __future__ import annotations

import msgspec

from agentvcr.model.exchange import Headers, Request


class ForeignResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer without a clock: other tools keep neither times nor pieces."""

    status: int
    reason: bytes
    http_version: bytes
    headers: Headers
    body: bytes
    """Content-encoded as `headers` say: what a client can decode."""


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer."""

    request: Request
    response: ForeignResponse


class Foreign(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign cassette, read."""

    interactions: tuple[Interaction, ...]
    """In the order of the file."""
    flavour: str
    """Which way of writing it is, in a word."""
    notes: tuple[str, ...]
    """What was lost or repaired on the way, in words; each ends with how often."""
    parse_ms: float
    """How long the parser of its format took over the file, without what was made of the values."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange that another tool's format cannot say."""

    number: int
    """`Exchange.number`."""
    reason: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run in another tool's format."""

    written: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """What the format cannot say of the exchanges that were written."""
