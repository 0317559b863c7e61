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
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import msgspec

from agentvcr.model.credentials import (
    CREDENTIAL_FIELDS,
    CREDENTIAL_HEADERS,
    CREDENTIAL_PARAMETERS,
    KEY_ASSIGNMENT,
    KEY_OPTION,
    KEY_SHAPE,
    PLACEHOLDER,
    looks_random,
)
from agentvcr.model.exchange import Headers
from agentvcr.redaction.eventstream import CONTENT_TYPE as EVENTSTREAM
from agentvcr.redaction.eventstream import reframed
from agentvcr.redaction.spans import Span, disjoint, replaced

_MAX_KNOWN = 1024

_NAMES = b"|".join(re.escape(name.encode()) for name in sorted(CREDENTIAL_FIELDS))
_FIELD = re.compile(rb'"(?:%s)"\s*:\s*"((?:[^"\\]|\\.)+)"' % _NAMES, re.IGNORECASE)
_ESCAPED_FIELD = re.compile(
    rb'\\(\\*)"(?:%s)\\\1"\s*:\s*\\\1"(.+?)(?<!\\)\\\1"' % _NAMES, re.IGNORECASE | re.DOTALL
)
"""The same in JSON that is a string of JSON, however deep."""
_MOST_KEPT = 4096
"""Headers and URLs remembered as cleaned."""
_URL_HEADERS = frozenset({b"location", b"content-location", b"referer", b"link"})
_KEY_SHAPE = re.compile(KEY_SHAPE.pattern.encode())
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#@]+)@", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)
_HEADER = re.compile(r"((?:-H|--header=)?([a-z-]+): *)(\S.*)", re.IGNORECASE | re.DOTALL)
_FORM = b"application/x-www-form-urlencoded"
_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_MAX_DECODED = 64 << 20


class Redactor:
    """Replaces credentials under one key, and remembers which it has seen."""

    def __init__(self, key: bytes) -> None:
        """Use `key` for the placeholders; whoever has it can test guesses."""
        self._key = key
        self._known: dict[bytes, bytes] = {}
        self._made: set[bytes] = set()
        self._headers: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._urls: dict[str, str] = {}

    @property
    def learned(self) -> int:
        """How many credentials are known, to be replaced wherever they stand."""
        return len(self._known)

    @property
    def count(self) -> int:
        """How many credentials were replaced, each counted once wherever it stood."""
        return len(self._made)

    def placeholder(self, secret: bytes) -> bytes:
        """Make the placeholder of a credential, and remember it if it is unlike any word."""
        known = self._known.get(secret)
        if known is not None:
            return known
        if PLACEHOLDER.fullmatch(secret):
            return secret
        made = self._make(secret)
        if looks_random(secret) and len(self._known) < _MAX_KNOWN:
            self._remember(secret, made)
            encoded = quote(secret, safe="").encode()
            if encoded != secret:  # as it stands in a URL, and in the errors that show one
                self._remember(encoded, made)
        return made

    def _remember(self, secret: bytes, made: bytes) -> None:
        known = {**self._known, secret: made}
        # The longest first: one credential may begin like another.
        self._known = dict(sorted(known.items(), key=lambda item: -len(item[0])))
        self._headers.clear()  # what was clean may hold this one
        self._urls.clear()

    def _json_secret(self, spelled: bytes, depth: int) -> bytes:
        """Make the placeholder of a JSON string's value, however its characters are escaped."""
        value = spelled
        for _ in range(depth):
            try:
                value = msgspec.json.decode(b'"%b"' % value, type=str).encode()
            except (msgspec.MsgspecError, UnicodeError):
                return self.placeholder(spelled)
        made = self.placeholder(value)
        if value in self._known and spelled not in self._known:
            self._remember(spelled, made)
        return made

    def _make(self, secret: bytes) -> bytes:
        made = b"redacted-" + hmac.digest(self._key, secret, "sha256")[:8].hex().encode()
        self._made.add(made)
        return made

    def learn(self, secret: bytes) -> None:
        """Know a credential before it is seen in a request: one from the environment."""
        if looks_random(secret):
            self._made.discard(self.placeholder(secret))  # not replaced anywhere yet

    def headers(self, headers: Sequence[tuple[bytes, bytes]]) -> Headers:
        """Replace what credential headers carry; scheme and cookie names stay.

        URLs in other headers lose their credentials too, and every header those seen before.
        """
        known, learned = self._headers, self.learned
        clean = tuple([known.get(pair) or self._clean_pair(pair) for pair in headers])
        # One header may give away what an earlier one holds.
        return clean if learned == self.learned else self.headers(headers)

    def _clean_pair(self, pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """Clean one header; the same ones come with every request of a client."""
        name, value = pair
        clean = (name, self._any_header(name.lower(), value))
        if len(self._headers) < _MOST_KEPT:
            self._headers[pair] = clean
        return clean

    def _any_header(self, name: bytes, value: bytes) -> bytes:
        if name in CREDENTIAL_HEADERS:
            return self._header(name, value)
        if name in _URL_HEADERS:
            return self.url(value.decode("latin-1")).encode("latin-1", "replace")
        return self._without_known(value)

    def _header(self, name: bytes, value: bytes) -> bytes:
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
        """Replace credential parameters, a user in front of the host, and credentials seen before.

        Works on the text, so that it finds them also in a URL that makes no sense.
        """
        clean = self._urls.get(url)
        if clean is None:
            clean = self._clean_url(url)
            if len(self._urls) < _MOST_KEPT:
                self._urls[url] = clean
        return clean

    def _clean_url(self, url: str) -> str:
        url = _USER.sub(self._user, url)
        start, mark, query = url.partition("?")
        if mark:
            query, hash_mark, fragment = query.partition("#")
            url = start + mark + self._parameters(query) + hash_mark + fragment
        if not self._known:
            return url
        return self._without_known(url.encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )

    def _user(self, match: re.Match[str]) -> str:
        secret = match[2].encode("utf-8", "surrogateescape")
        self.learn(unquote_to_bytes(match[2].partition(":")[2]))
        return f"{match[1]}{self.placeholder(secret).decode()}@"

    def _parameters(self, query: str) -> str:
        pairs = query.split("&") if query else []
        for position, pair in enumerate(pairs):
            name, _, _ = pair.partition("=")
            decoded = parse_qsl(pair, keep_blank_values=True)
            if name.lower() in CREDENTIAL_PARAMETERS and decoded and decoded[0][1]:
                secret = decoded[0][1].encode("utf-8", "surrogateescape")
                pairs[position] = f"{name}={quote(self.placeholder(secret).decode())}"
        return "&".join(pairs)

    def body(self, body: bytes, content_type: bytes) -> bytes:
        """Replace credential fields of JSON and forms, and every credential seen before."""
        if content_type.startswith(_FORM):
            text = body.decode("utf-8", "surrogateescape")
            body = self._parameters(text).encode("utf-8", "surrogateescape")
        spans = self._spans(body)
        return replaced([body], spans)[0] if spans else body

    def answer(
        self, headers: Sequence[tuple[bytes, bytes]], chunks: list[bytes]
    ) -> tuple[Headers, list[bytes]]:
        """Replace the credentials of an answer, keeping chunk boundaries.

        An encoded body that holds one is stored decoded, without its content-encoding header: the
        client then decodes nothing.
        """
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        encoding = _value_of(headers, b"content-encoding")
        if encoding in _WINDOW_BITS:
            decoded = _decode(body, _WINDOW_BITS[encoding])
            spans = self._spans(decoded)
            clean = self.headers(headers)  # after the body, whose credential they may repeat
            if not spans:
                return clean, chunks
            plain = tuple(pair for pair in clean if pair[0].lower() != b"content-encoding")
            return plain, replaced([decoded], spans)
        spans = self._spans(body)
        if spans and _value_of(headers, b"content-type").startswith(EVENTSTREAM):
            spans = reframed(body, spans)
        return self.headers(headers), (replaced(chunks, spans) if spans else chunks)

    def output(self, data: bytes) -> bytes:
        """Replace known credentials, and what is key-shaped, in what the program said."""
        return self._text(data)

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Replace what is key-shaped, and what an option, a variable, a header or a URL carries."""
        clean: list[str] = []
        expects = False
        for word in argv:
            option, equals, _ = word.partition("=")
            if expects:
                clean.append(self._value(word))
                expects = False
            elif KEY_OPTION.match(word):
                expects = not equals
                clean.append(f"{option}={self._value(word[len(option) + 1 :])}" if equals else word)
            else:
                clean.append(self._argument(word))
        return tuple(clean)

    def _argument(self, word: str) -> str:
        variable = KEY_ASSIGNMENT.match(word)
        if variable is not None:
            return variable[0] + self._value(word[variable.end() :])
        word = _URL.sub(lambda found: self.url(found[0]), word)
        raw = word.encode("utf-8", "surrogateescape")
        header = _HEADER.fullmatch(word)
        if header is not None and header[2].lower().encode() in CREDENTIAL_HEADERS:
            start = len(header[1])
            raw = raw[:start] + self._header(header[2].lower().encode(), raw[start:])
        return self._text(raw).decode("utf-8", "surrogateescape")

    def _value(self, value: str) -> str:
        if not value or value.isdigit():  # `--token 5` counts something
            return value
        return self.placeholder(value.encode("utf-8", "surrogateescape")).decode()

    def _text(self, data: bytes) -> bytes:
        return _KEY_SHAPE.sub(self._key_shaped, self._without_known(data))

    def _key_shaped(self, match: re.Match[bytes]) -> bytes:
        # Not remembered: in what a program says, something else may look like a key.
        return self._make(match[0])

    def _without_known(self, data: bytes) -> bytes:
        for secret, placeholder in self._known.items():
            if secret in data:
                data = data.replace(secret, placeholder)
        return data

    def _spans(self, body: bytes) -> list[Span]:
        spans: list[Span] = []
        spans += [
            (*match.span(1), self._json_secret(match[1], 1)) for match in _FIELD.finditer(body)
        ]
        for match in _ESCAPED_FIELD.finditer(body):
            depth = (len(match[1]) + 1).bit_length() + 1  # 1, 3, 7 … backslashes
            spans.append((*match.span(2), self._json_secret(match[2], depth)))
        for secret, placeholder in self._known.items():
            start = body.find(secret)
            while start >= 0:
                spans.append((start, start + len(secret), placeholder))
                start = body.find(secret, start + len(secret))
        return disjoint(spans)


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
