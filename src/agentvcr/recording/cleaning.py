"""What is written of a request, a step or a note: without credentials, and identified by the rest.

Owns the order of redacting and identifying. Does not know what a credential is (`redaction`) nor
what makes two requests the same (`matching`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from agentvcr.inside.exchange import HeaderList, Request
from agentvcr.matching.canonical import content_type_of
from agentvcr.matching.fingerprint import Fingerprinter, Identity, hash_content
from agentvcr.model.exchange import CALL_CLIENT, Headers
from agentvcr.model.text import storable_argv
from agentvcr.redaction.redactor import Redactor

_JSON = b"application/json"
_ODD = "surrogatepass"
_HTTP = ("$request", "$response")
"""How `inside.errors` marks what an error of a client carries: client, headers, body, two more."""
_MOST_PATHS = 10_000


class Clean(msgspec.Struct, frozen=True):
    """A request without its credentials, and its identity."""

    url: str
    headers: Headers
    body: bytes
    identity: Identity


class Cleaner:
    """Takes credentials out of whatever a recorder is told."""

    def __init__(self, redactor: Redactor, fingerprinter: Fingerprinter) -> None:
        """Clean with `redactor`, and identify with `fingerprinter`."""
        self._redactor = redactor
        self._fingerprinter = fingerprinter
        self._paths: dict[str, str] = {}

    def request(self, request: Request) -> Clean:
        """Redact a request and identify it by what is left.

        A credential that an answer gave comes back in a replay as its placeholder, so the request
        must be identified as it is written and not as it was sent.
        """
        redactor, fingerprinter = self._redactor, self._fingerprinter
        method, content_type = request.method, content_type_of(request.headers)
        content = hash_content(content_type, request.body)
        body = request.body
        learned = -1
        while learned != redactor.learned:  # again, if a part gave away what another part holds
            learned = redactor.learned
            url = redactor.url(request.url)
            headers = redactor.headers(request.headers)
            raw_hash = fingerprinter.hash_raw(method, url, headers, content)
            fingerprint = fingerprinter.known(raw_hash)
            if fingerprint is None:
                body = redactor.body(request.body, content_type)
                if request.client == CALL_CLIENT:
                    body = redactor.output(body)
        if fingerprint is None:
            fingerprint = fingerprinter.identify(method, url, headers, body)
        if body != request.body or not body:
            # A hash of a body with a short password in it would let one try passwords out, and
            # no body is quicker to parse than none.
            raw_hash = b""
        return Clean(url, headers, body, Identity(fingerprint, raw_hash))

    def answer(self, headers: HeaderList, chunks: list[bytes]) -> tuple[Headers, list[bytes]]:
        """Redact an answer."""
        return self._redactor.answer(headers, chunks)

    def lane(self, lane: str) -> str:
        """Clean a lane: the key of a unit of work may be anything."""
        return self.path(lane) if ":" in lane else lane

    def path(self, path: str) -> str:
        """Clean a path, in the same way each time that it comes."""
        clean = self._paths.get(path)
        if clean is None:
            clean = self.text(path)
            if len(self._paths) < _MOST_PATHS:
                self._paths[path] = clean
        return clean

    def content(self, content: bytes) -> bytes:
        """Clean what a step was given or gave, of all that is key-shaped too.

        Nothing is found by it, so that one too many does no harm.
        """
        return self._redactor.output(self._redactor.body(content, _JSON))

    def result(self, chunk: bytes, *, is_error: bool) -> bytes:
        """Clean what a recorded function gave: text of the program's own, key-shaped ones too.

        An error of a client carries a request and an answer, which are cleaned as such.
        """
        if is_error:
            import json  # noqa: PLC0415  (hardly ever; takes NaN and halves of characters)

            told = self._error_part(json.loads(chunk))
            chunk = self._redactor.body(json.dumps(told, separators=(",", ":")).encode(), _JSON)
        return self._redactor.output(chunk)

    def _error_part(self, value: Any) -> Any:  # noqa: ANN401  (JSON)
        if isinstance(value, list):
            return [self._error_part(one) for one in value]
        if not isinstance(value, dict):
            return value
        for mark in _HTTP:
            if mark in value:
                client, headers, body, first, second = value[mark]
                named = [
                    (key.encode("utf-8", _ODD), one.encode("utf-8", _ODD)) for key, one in headers
                ]
                if isinstance(body, str):
                    raw = body.encode("utf-8", _ODD)
                    clean = self._redactor.body(raw, content_type_of(named))
                    body = clean.decode("utf-8", _ODD)
                pairs = [
                    [key.decode("utf-8", _ODD), one.decode("utf-8", _ODD)]
                    for key, one in self._redactor.headers(named)
                ]
                last = self._redactor.url(second) if mark == "$request" else second
                return {mark: [client, pairs, body, first, self._error_part(last)]}
        return {name: self._error_part(one) for name, one in value.items()}

    def command(self, argv: Sequence[str]) -> str:
        """Clean a command line, which may be one word: a shell's text, with options in it."""
        text = " ".join(self._redactor.argv(storable_argv(argv)))
        if len(argv) == 1:
            words = argv[0].split()
            clean = self._redactor.argv(storable_argv(words))
            text = text if list(clean) == words else " ".join(clean)
        return text

    def text(self, text: str) -> str:
        """Clean what is told in words."""
        return self._redactor.output(text.encode("utf-8", "backslashreplace")).decode()
