"""Fingerprints: the one function that says which recorded request a live one is.

Owns the hashing of canonical forms, and the short cut for bodies that are byte for byte the same.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from agentvcr.inside.exchange import Request
from agentvcr.matching.canonical import (
    PortNames,
    canonical_body,
    canonical_place,
    content_type_of,
)

SIZE = 16
"""Bytes kept of each hash."""
_MOST_PLACES = 10_000
"""Places remembered at most: a tool may be asked with another query each time."""


class Identity(msgspec.Struct, frozen=True):
    """The hashes that identify a request."""

    fingerprint: bytes
    raw_hash: bytes
    canonical_hash: bytes


class Fingerprinter:
    """Makes fingerprints for one run: loopback ports are named in the order of that run."""

    def __init__(self, known: dict[bytes, bytes] | None = None) -> None:
        """Start a run.

        Args:
            known: Canonical hashes by raw hash, from a recording made with the same rules.
        """
        self._known = {} if known is None else known
        self._ports = PortNames()
        self._places: dict[tuple[str, str], bytes] = {}

    def identify(self, request: Request) -> Identity:
        """Identify a request by its method, place and canonical body."""
        content_type = content_type_of(request.headers)
        digest = sha256(content_type)
        digest.update(request.body)
        raw_hash = digest.digest()[:SIZE]
        canonical_hash = self._known.get(raw_hash)
        if canonical_hash is None:
            canonical = canonical_body(request.body, content_type)
            canonical_hash = sha256(canonical).digest()[:SIZE]
            self._known[raw_hash] = canonical_hash
        place = self._place(request.method, request.url)
        fingerprint = sha256(place + canonical_hash).digest()[:SIZE]
        return Identity(fingerprint, raw_hash, canonical_hash)

    def _place(self, method: str, url: str) -> bytes:
        key = (method, url)
        place = self._places.get(key)
        if place is None:
            place = canonical_place(method, url, self._ports).encode("utf-8", "surrogateescape")
            if len(self._places) < _MOST_PLACES:
                self._places[key] = place
        return place
