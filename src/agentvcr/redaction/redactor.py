"""Replace credentials by keyed placeholders, just before something is written.

Owns the replacement. Equal credentials get equal placeholders under one key, so that what was equal
in the run is equal in its cassette, and nobody without the key can try out guesses. What is
replaced once is remembered and replaced wherever else it turns up: in an answer, in what the
program says.

Does not see into `br` and `zstd` encoded bodies, nor into values that a stream cuts in pieces.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from agentvcr.model.credentials import (
    CREDENTIAL_FIELDS,
    CREDENTIAL_HEADERS,
    CREDENTIAL_PARAMETERS,
    KEY_OPTION,
    KEY_SHAPE,
)
from agentvcr.model.exchange import Headers

_MIN_KNOWN = 8
"""Shorter credentials are not searched for elsewhere: they would match by chance."""
_MAX_KNOWN = 256

_NAMES = b"|".join(re.escape(name.encode()) for name in sorted(CREDENTIAL_FIELDS))
_FIELD = re.compile(rb'"(?:%s)"\s*:\s*"((?:[^"\\]|\\.)+)"' % _NAMES, re.IGNORECASE)
_ESCAPED_FIELD = re.compile(rb'\\"(?:%s)\\"\s*:\s*\\"([^"\\]+)\\"' % _NAMES, re.IGNORECASE)
_HINTS = (b"pi_key", b"pikey", b"pi-key", b"piKey", b"s_token", b"h_token", b"d_token", b"secret")
_MORE_HINTS = (b"password", b"Password", b"PASSWORD", b"_TOKEN", b"_KEY", b"SECRET")
_KEY_SHAPE = re.compile(KEY_SHAPE.pattern.encode())
_FORM = b"application/x-www-form-urlencoded"
_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_MAX_DECODED = 64 << 20

Span = tuple[int, int, bytes]
"""Start, end and replacement of a credential in a body."""


class Redactor:
    """Replaces credentials under one key, and remembers which it has seen."""

    def __init__(self, key: bytes) -> None:
        """Use `key` for the placeholders; whoever has it can test guesses."""
        self._key = key
        self._known: dict[bytes, bytes] = {}
        self.count = 0
        """How many credentials were replaced."""

    def placeholder(self, secret: bytes) -> bytes:
        """Make the placeholder of a credential, and remember it."""
        known = self._known.get(secret)
        if known is not None:
            return known
        if secret.startswith(b"redacted-"):
            return secret
        digest = hmac.digest(self._key, secret, "sha256")[:8].hex().encode()
        made = b"redacted-" + digest
        if len(secret) >= _MIN_KNOWN and len(self._known) < _MAX_KNOWN:
            self._known[secret] = made
        return made

    def headers(self, headers: Sequence[tuple[bytes, bytes]]) -> Headers:
        """Replace what credential headers carry; scheme and cookie names stay."""
        return tuple(
            (name, self._header(name.lower(), value))
            if name.lower() in CREDENTIAL_HEADERS
            else (name, value)
            for name, value in headers
        )

    def _header(self, name: bytes, value: bytes) -> bytes:
        self.count += 1
        if name == b"cookie":
            return b"; ".join(self._pair(part.strip()) for part in value.split(b";"))
        if name == b"set-cookie":
            first, separator, rest = value.partition(b";")
            return self._pair(first) + separator + rest
        scheme, space, secret = value.partition(b" ")
        if space and scheme.isalpha():
            return scheme + space + self.placeholder(secret)
        return self.placeholder(value)

    def _pair(self, pair: bytes) -> bytes:
        name, equals, value = pair.partition(b"=")
        return name + equals + self.placeholder(value) if value else pair

    def url(self, url: str) -> str:
        """Replace credential parameters and a password in front of the host."""
        parts = urlsplit(url)
        netloc = parts.netloc
        if "@" in netloc:
            user, _, host = netloc.rpartition("@")
            self.count += 1
            netloc = f"{self.placeholder(user.encode()).decode()}@{host}"
        query = self._parameters(parts.query)
        if netloc == parts.netloc and query == parts.query:
            return self._text(url.encode()).decode() if self._known else url
        return urlunsplit(parts._replace(netloc=netloc, query=query))

    def _parameters(self, query: str) -> str:
        pairs = query.split("&") if query else []
        for position, pair in enumerate(pairs):
            name, _, _ = pair.partition("=")
            decoded = parse_qsl(pair, keep_blank_values=True)
            if name.lower() in CREDENTIAL_PARAMETERS and decoded and decoded[0][1]:
                self.count += 1
                secret = decoded[0][1].encode("utf-8", "surrogateescape")
                pairs[position] = f"{name}={quote(self.placeholder(secret).decode())}"
        return "&".join(pairs)

    def body(self, body: bytes, content_type: bytes) -> bytes:
        """Replace credential fields of JSON and forms, and every credential seen before."""
        if content_type.startswith(_FORM):
            text = body.decode("utf-8", "surrogateescape")
            body = self._parameters(text).encode("utf-8", "surrogateescape")
        spans = self._spans(body)
        return _replaced([body], spans)[0] if spans else body

    def answer(
        self, headers: Sequence[tuple[bytes, bytes]], chunks: list[bytes]
    ) -> tuple[Headers, list[bytes]]:
        """Replace the credentials of an answer, keeping chunk boundaries.

        An encoded body that holds one is stored decoded, without its content-encoding header: the
        client then decodes nothing.
        """
        clean = self.headers(headers)
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        encoding = _value_of(headers, b"content-encoding")
        if encoding in _WINDOW_BITS:
            decoded = _decode(body, _WINDOW_BITS[encoding])
            spans = self._spans(decoded)
            if not spans:
                return clean, chunks
            plain = tuple(pair for pair in clean if pair[0].lower() != b"content-encoding")
            return plain, _replaced([decoded], spans)
        spans = self._spans(body)
        return clean, (_replaced(chunks, spans) if spans else chunks)

    def output(self, data: bytes) -> bytes:
        """Replace known credentials, and what is key-shaped, in what the program said."""
        return self._text(data)

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Replace key-shaped arguments and the values of options that take a credential."""
        clean: list[str] = []
        expects = False
        for word in argv:
            option, equals, _ = word.partition("=")
            if expects:
                clean.append(self.placeholder(word.encode("utf-8", "surrogateescape")).decode())
                expects = False
            elif KEY_OPTION.match(word):
                expects = not equals
                value = word[len(option) + 1 :].encode("utf-8", "surrogateescape")
                clean.append(f"{option}={self.placeholder(value).decode()}" if equals else word)
            else:
                text = self._text(word.encode("utf-8", "surrogateescape"))
                clean.append(text.decode("utf-8", "surrogateescape"))
        return tuple(clean)

    def _text(self, data: bytes) -> bytes:
        for secret, placeholder in self._known.items():
            if secret in data:
                self.count += 1
                data = data.replace(secret, placeholder)
        return _KEY_SHAPE.sub(lambda match: self.placeholder(match[0]), data)

    def _spans(self, body: bytes) -> list[Span]:
        spans: list[Span] = []
        if any(hint in body for hint in _HINTS) or any(hint in body for hint in _MORE_HINTS):
            for pattern in (_FIELD, _ESCAPED_FIELD):
                for match in pattern.finditer(body):
                    start, end = match.span(1)
                    spans.append((start, end, self.placeholder(match[1])))
        for secret, placeholder in self._known.items():
            start = body.find(secret)
            while start >= 0:
                spans.append((start, start + len(secret), placeholder))
                start = body.find(secret, start + len(secret))
        self.count += len(spans)
        return _disjoint(spans)


def _disjoint(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _replaced(chunks: list[bytes], spans: list[Span]) -> list[bytes]:
    """Replace spans of the joined chunks; a replacement lands where its credential began."""
    out: list[bytes] = []
    begin = 0
    for chunk in chunks:
        end = begin + len(chunk)
        pieces: list[bytes] = []
        position = begin
        for start, stop, placeholder in spans:
            if stop <= begin or start >= end:
                continue
            pieces.append(chunk[position - begin : max(start, begin) - begin])
            if start >= begin:
                pieces.append(placeholder)
            position = min(stop, end)
        pieces.append(chunk[position - begin :])
        out.append(b"".join(pieces))
        begin = end
    return out


def _decode(body: bytes, window_bits: int) -> bytes:
    try:
        return zlib.decompressobj(window_bits).decompress(body, _MAX_DECODED)
    except zlib.error:
        return body


def _value_of(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    for name, value in headers:
        if name.lower() == wanted:
            return value.strip().lower()
    return b""
