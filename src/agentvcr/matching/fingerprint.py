"""Fingerprints: the one function that says which recorded request a live one is.

Owns the hashing of canonical forms, and the short cut for bodies that are byte for byte the same.
Recording, replay and whatever makes hashes anew use one set of rules, which the cassette names.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from agentvcr.matching.canonical import (
    canonical_body,
    canonical_headers,
    canonical_place,
    content_type_of,
)
from agentvcr.matching.rules import Applied, RuleBook
from agentvcr.model.credentials import PLACEHOLDER
from agentvcr.model.exchange import Headers, Request
from agentvcr.model.rules import NONE_DECLARED, Rules

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

    def __init__(
        self, rules: Rules = NONE_DECLARED, known: dict[bytes, bytes] | None = None
    ) -> None:
        """Start a run.

        Args:
            rules: Those that were declared, besides the built-in ones.
            known: Fingerprints by raw hash, from a recording made with the same rules.

        Raises:
            BadRuleError: A declared rule makes no sense.
        """
        self.book = RuleBook(rules)
        """What each declared rule means."""
        self._known = {} if known is None else known
        self._places: dict[tuple[str, str], tuple[bytes, Applied]] = {}

    @property
    def rules(self) -> Rules:
        """The declared rules."""
        return self.book.declared

    def known(self, raw_hash: bytes) -> bytes | None:
        """Find the fingerprint of a request whose body the recording has byte for byte.

        Such a body holds no credential: the recording keeps no raw hash of one that does.
        """
        return self._known.get(raw_hash)

    def hash_raw(self, method: str, url: str, headers: Headers, content: bytes) -> bytes:
        """Hash a request with its body as it was sent.

        Args:
            method: As sent.
            url: Redacted.
            headers: Redacted.
            content: What `hash_content` made of the body.
        """
        place, rules = self._place(method, url)
        return sha256(place + canonical_headers(headers, rules) + content).digest()[:SIZE]

    def identify(self, method: str, url: str, headers: Headers, body: bytes) -> bytes:
        """Identify a request by its method, place and canonical body, and the headers that count.

        Args:
            method: As sent.
            url: Redacted.
            headers: Redacted.
            body: Redacted.
        """
        place, rules = self._place(method, url)
        canonical = sha256(canonical_body(body, content_type_of(headers), rules)).digest()
        return sha256(place + canonical_headers(headers, rules) + canonical).digest()[:SIZE]

    def identify_again(self, request: Request) -> Identity:
        """Make the hashes of a recorded request, as they are made when it is recorded."""
        method, url, headers, body = request.method, request.url, request.headers, request.body
        fingerprint = self.identify(method, url, headers, body)
        if not body or PLACEHOLDER.search(body):
            return Identity(fingerprint, b"")
        content = hash_content(content_type_of(headers), body)
        return Identity(fingerprint, self.hash_raw(method, url, headers, content))

    def _place(self, method: str, url: str) -> tuple[bytes, Applied]:
        key = (method, url)
        found = self._places.get(key)
        if found is None:
            rules = self.book.at(url)
            place = canonical_place(method, url, rules).encode("utf-8", "surrogateescape")
            found = place, rules
            if len(self._places) < _MOST_PLACES:
                self._places[key] = found
        return found


def hash_content(content_type: bytes, body: bytes) -> bytes:
    """Hash a body as it was sent, together with its content type: the whole SHA-256."""
    digest = sha256(b"%d:%b" % (len(content_type), content_type))
    digest.update(body)
    return digest.digest()
