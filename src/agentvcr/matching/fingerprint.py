"""Fingerprints: the one function that says which recorded request a live one is.

Owns the hashing of canonical forms, and the short cut for bodies that are byte for byte the same.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from agentvcr.matching.canonical import canonical_body, canonical_place

SIZE = 8
"""Bytes kept of each hash: of a million requests, two are mistaken for one with odds of 3e-8."""
_MOST_PLACES = 10_000
"""Places remembered at most: a tool may be asked with another query each time."""


class Identity(msgspec.Struct, frozen=True):
    """The hashes that identify a request."""

    fingerprint: bytes
    raw_hash: bytes
    """Of the same place and the body as it was sent: an unchanged body need not be parsed."""


class Fingerprinter:
    """Makes fingerprints, for recording and replay alike."""

    def __init__(self, known: dict[bytes, bytes] | None = None) -> None:
        """Start a run.

        Args:
            known: Fingerprints by raw hash, from a recording made with the same rules.
        """
        self._known = {} if known is None else known
        self._places: dict[tuple[str, str], bytes] = {}

    def known(self, raw_hash: bytes) -> bytes | None:
        """Find the fingerprint of a request whose body the recording has byte for byte.

        Such a body holds no credential: the recording keeps no raw hash of one that does.
        """
        return self._known.get(raw_hash)

    def hash_raw(self, method: str, url: str, content: bytes) -> bytes:
        """Hash a request with its body as it was sent.

        Args:
            method: As sent.
            url: Redacted.
            content: What `hash_content` made of the body.
        """
        return sha256(self._place(method, url) + content).digest()[:SIZE]

    def identify(self, method: str, url: str, content_type: bytes, body: bytes) -> bytes:
        """Identify a request by its method, place and canonical body.

        Args:
            method: As sent.
            url: Redacted.
            content_type: Value of the header.
            body: Redacted.
        """
        canonical = sha256(canonical_body(body, content_type)).digest()
        return sha256(self._place(method, url) + canonical).digest()[:SIZE]

    def _place(self, method: str, url: str) -> bytes:
        key = (method, url)
        place = self._places.get(key)
        if place is None:
            place = canonical_place(method, url).encode("utf-8", "surrogateescape")
            if len(self._places) < _MOST_PLACES:
                self._places[key] = place
        return place


def hash_content(content_type: bytes, body: bytes) -> bytes:
    """Hash a body as it was sent, together with its content type: the whole SHA-256."""
    digest = sha256(b"%d:%b" % (len(content_type), content_type))
    digest.update(body)
    return digest.digest()
